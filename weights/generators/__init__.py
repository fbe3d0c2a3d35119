"""Procedural pictures with exact masks, one module for each task."""
