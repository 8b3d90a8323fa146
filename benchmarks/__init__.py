"""Benchmarks of this project, run as `python -m benchmarks`; not part of the installed package."""
