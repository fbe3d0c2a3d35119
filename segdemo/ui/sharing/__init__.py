"""Links, and files that visitors save."""
