"""What several families are made of: blocks, encoders of the field, data sets' classes."""
