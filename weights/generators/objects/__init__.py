"""Procedural photographs of objects with exact masks."""
