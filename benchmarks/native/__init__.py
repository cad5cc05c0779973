"""The native target side by side with JAX, torch, PyTensor and NumPy: `python -m benchmarks native`.

Every contender runs in a process of its own, with the Python of its own virtual environment (`worker.py`), and answers
requests of the one that measures (`measure.py`): build this case, give its results, run it so often. `cases.py` says
what is computed, `by_*.py` how each contender writes it. Nothing but numpy is imported on both sides.
"""
