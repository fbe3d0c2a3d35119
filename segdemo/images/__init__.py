"""Image files in, pixels and class labels out."""
