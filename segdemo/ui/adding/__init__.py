"""Adding a checkpoint from the Hub or from a file."""
