"""Networks of Hugging Face's transformers, from their config.json."""
