"""Where in the user's code a variable was made: one frame, taken cheaply when the variable is built."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NamedTuple

from symtheano import errors
from symtheano.errors import PACKAGE


class Line(NamedTuple):
    """A line of the user's program."""

    filename: str
    lineno: int
    function: str

    def __str__(self) -> str:
        return f"{self.filename}:{self.lineno}"


class _Origin(threading.local):
    """What `current_line` answers while derived nodes (gradients, rewrites) are built for an older line."""

    active: bool = False
    line: Line | None = None


_origin = _Origin()


def current_line() -> Line | None:
    """The innermost frame outside this package, or the line that `derived_from` declared.

    An author's `make_node` is passed over: the line that counts is the one that calls the Op.
    """
    if _origin.active:
        return _origin.line
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and (frame.f_code.co_filename.startswith(PACKAGE) or _is_passed_over(frame)):
        frame = frame.f_back
    if frame is None:
        return None
    code = frame.f_code
    return Line(code.co_filename, frame.f_lineno, code.co_name)


def _is_passed_over(frame: FrameType) -> bool:
    """Whether a frame is an author's make_node, or a method that dataclasses wrote for a class of ours."""
    code = frame.f_code
    generated = code.co_filename == "<string>" and str(frame.f_globals.get("__name__")).startswith("symtheano.")
    return generated or code.co_name == "make_node"


def running_line() -> Line | None:
    """The user's line that runs now; None inside a compiled function, whose errors name the expression's line."""
    line = current_line()
    return None if line is not None and line.filename.startswith("<symtheano") else line


@contextmanager
def derived_from(line: Line | None) -> Iterator[None]:
    """Variables made inside belong to `line`: the expression they were derived from."""
    active, previous = _origin.active, _origin.line
    _origin.active, _origin.line = True, line
    try:
        yield
    finally:
        _origin.active, _origin.line = active, previous


def set_line(line: Line | None) -> None:
    """Inside `derived_from`: what is made from now on belongs to `line`."""
    _origin.line = line


errors.user_line = running_line
