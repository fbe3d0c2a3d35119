"""Training: what the recipes in weights/ and fine-tuning on one's own images share."""
