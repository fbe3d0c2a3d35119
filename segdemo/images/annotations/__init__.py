"""Annotation files (polygons, run lengths) as label maps; one format a module."""
