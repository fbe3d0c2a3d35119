"""Downloads in progress."""
