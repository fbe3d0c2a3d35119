"""What is written for people: overlays, masks and reports."""
