"""Whole programs as Theano's users wrote them, each compared with the same program in NumPy."""
