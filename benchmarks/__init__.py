"""What is measured, and against what; `python -m benchmarks` writes benchmarks/README.md."""
