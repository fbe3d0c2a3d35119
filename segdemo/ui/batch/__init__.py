"""The tab for many images."""
