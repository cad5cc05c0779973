"""What a contender is: it builds a case into something that can be called, timed and read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.native.cases import Array, Case


@dataclass
class Run:
    """A built case.

    calls: the same computation, asked for in one or more ways (awaited or not, by one backend or another): the fastest
    is timed. wait: returns when the value that a call gave is there. state: what the calls change, such as parameters.
    """

    calls: Sequence[Callable[..., Any]]
    args: tuple[Any, ...]
    wait: Callable[[Any], Any] = lambda value: None
    state: Callable[[], Sequence[Any]] = lambda: ()


class Contender:
    """The base of all: `build` finds the method of the case's group."""

    settle = 0.002  # seconds after which its threads leave the processor alone
    first_call_compiles = False  # for the shapes of the arguments
    packages: tuple[str, ...] = ()  # whose versions are told
    all_ways = True  # False: only the default way of a case, where compiling it is timed

    def start(self) -> None:
        """Imports what is needed, and compiles x - 3 for a vector, so that no case pays for what is paid once."""
        raise NotImplementedError

    def array(self, value: Array) -> Any:
        """The library's own array of the same numbers; never the same memory."""
        return value.copy()

    def read(self, value: Any) -> list[Array]:
        """The numbers of what a call gives, as NumPy arrays."""
        values = value if isinstance(value, list | tuple) else [] if value is None else [value]
        return [np.array(v) for v in values]

    def steady(self, run: Run) -> None:
        """Waits until a built case is as fast as it will be."""

    def facts(self) -> str:
        """What a reader should know of how it is set, such as its threads."""
        return ""

    def build(self, case: Case, data: Sequence[Any]) -> Run:
        """`data`: `cases.inputs(case)` as the library's arrays."""
        run: Run = getattr(self, case.group)(case, data)
        return run
