"""Listing: generated source that reads as text (`print(f.source)`) or is asked for by target (`f.source("numpy")`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping


class Listing(str):
    """The text of what runs; called with the name of another text of the same function, it gives that.

    >>> Listing("def run(): ...", {"numpy": lambda: "def run(): ..."})("numpy")
    'def run(): ...'
    """

    __slots__ = ("_texts",)
    _texts: Mapping[str, Callable[[], str]]

    def __new__(cls, text: str, texts: Mapping[str, Callable[[], str]]) -> Listing:
        """texts: functions that make the texts that can be asked for, by name."""
        made = super().__new__(cls, text)
        made._texts = dict(texts)
        return made

    def __call__(self, target: str = "numpy") -> str:
        """The text of that name. ValueError where there is none, which tells the names there are."""
        make = self._texts.get(target)
        if make is None:
            names = ", ".join(map(repr, self._texts))
            raise ValueError(f"this function has no source for the target {target!r}; ask for one of {names}")
        return make()

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Pickled and copied, it is the text."""
        return str, (str(self),)
