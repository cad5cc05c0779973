"""Listing: generated source that reads as text (`print(f.source)`) or is asked for by target (`f.source("numpy")`)."""

from __future__ import annotations


class Listing(str):
    """The generated text of a function; calling it with a target's name gives that target's text.

    >>> Listing("def run(): ...")("numpy")
    'def run(): ...'
    """

    __slots__ = ()

    def __call__(self, target: str = "numpy") -> str:
        """The text for `target`. ValueError where there is none."""
        if target != "numpy":
            raise ValueError(f"this function has no source for the target {target!r}; it was compiled for 'numpy'")
        return str(self)
