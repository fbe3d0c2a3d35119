"""Networks of segmentation_models_pytorch, from their config.json or from tensors alone."""
