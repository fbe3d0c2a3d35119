"""The Hugging Face Hub: look before the download, fetch with a deadline, publish."""
