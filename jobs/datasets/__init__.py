"""Data sets of a person's own photographs: a folder a class."""
