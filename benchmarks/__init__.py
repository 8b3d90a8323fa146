"""Benchmarks of this machine: `make bench`, or `python -m benchmarks`. Each measurement has its own process."""
