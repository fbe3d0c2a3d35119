"""Trying and choosing other readings of a checkpoint."""
