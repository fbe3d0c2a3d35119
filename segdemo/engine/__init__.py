"""Runs networks: on which device, how fast, and within how much memory."""
