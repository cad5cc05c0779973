"""Loops side by side with JAX's lax.scan, PyTensor's scan and NumPy: `python -m benchmarks scan`.

It is the benchmark of `benchmarks/native` with cases of its own: `cases.py` says what is computed, `formulas.py` writes
the steps of the loops once for all but NumPy, whose loops and gradients `by_numpy.py` has by hand.
"""
