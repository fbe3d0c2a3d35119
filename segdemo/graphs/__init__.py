"""ONNX graphs as checkpoints: read without running them, described, and run by onnxruntime."""
