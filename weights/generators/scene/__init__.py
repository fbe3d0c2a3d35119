"""Procedural street and landscape scenes with exact labels."""
