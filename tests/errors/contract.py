"""The contract of messages: each names what is wrong, with what, on which of the user's lines, and what to do."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MARK = "# <-"  # stands on the line of a mistake that its message must name
MOST_LINES = 25


@dataclass(frozen=True)
class Mistake:
    """What a user wrote, and what the answer must be."""

    make: Callable[[], Any]
    raises: type[BaseException]
    parts: tuple[str, ...]
    remedy: bool

    @property
    def place(self) -> str | None:
        """`file:line` of the marked line."""
        lines, first = inspect.getsourcelines(self.make)
        marked = [first + k for k, text in enumerate(lines) if MARK in text]
        return f"{Path(inspect.getfile(self.make)).name}:{marked[0]}" if marked else None


class Table:
    """The mistakes of a file."""

    def __init__(self) -> None:
        self.rows: list[Mistake] = []

    def __call__(self, raises: type[BaseException], *parts: str, remedy: bool = True) -> Callable[[Any], Any]:
        """Decorates a function that makes the mistake. remedy: the message must say what to do."""

        def decorate(make: Callable[[], Any]) -> Callable[[], Any]:
            self.rows.append(Mistake(make, raises, parts, remedy))
            return make

        return decorate

    def parametrize(self) -> Any:
        return pytest.mark.parametrize("mistake", self.rows, ids=[m.make.__name__ for m in self.rows])


def message(error: BaseException) -> str:
    """All that Python prints of an exception."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def check(mistake: Mistake) -> None:
    """Makes the mistake and judges the answer."""
    with pytest.raises(mistake.raises) as caught:
        mistake.make()
    text = message(caught.value)
    missing = [part for part in mistake.parts if part not in text]
    if mistake.place is not None and mistake.place not in text:
        missing.append(mistake.place)
    if mistake.remedy and "what to do: " not in text:
        missing.append("what to do")
    assert not missing, f"{missing} not in the message:\n{text}"
    assert text.strip() and len(text.splitlines()) <= MOST_LINES, text
    assert all(len(line) <= 500 for line in text.splitlines()), text
