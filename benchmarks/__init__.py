"""Benchmarks of symtheano. `make bench` runs all and writes docs/benchmarks.md; `python -m benchmarks --help`."""
