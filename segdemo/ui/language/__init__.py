"""The page's language, and changing it."""
