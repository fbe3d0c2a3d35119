"""Networks recognised by the flow of channels, whatever their tensors are called."""
