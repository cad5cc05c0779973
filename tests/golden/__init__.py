"""Golden texts: what the compiler makes of some small functions. `python -m tests.golden` writes them again."""
