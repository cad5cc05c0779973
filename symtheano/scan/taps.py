"""Sequences and outputs_info as callers write them: what a step is given of each, at which distances in time (taps)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symtheano.errors import AsTensorError, explain
from symtheano.graph.text import described
from symtheano.graph.variable import Variable
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.type import TensorType, tensor_type


def as_list(value: Any) -> list[Any]:
    """None as [], a single value as [value]."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


# -- sequences -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SequenceInfo:
    """A sequence; a step gets its elements at `taps`, relative to the one whose turn it is."""

    variable: Any
    taps: tuple[int, ...]

    @property
    def first(self) -> int:
        """The place of the first step's own element: as many are before it as the furthest tap into the past needs."""
        return -min(0, *self.taps)

    def slices(self) -> list[Any]:
        """For each tap the elements that the steps get, in order. They are equally many."""
        return [self._slice(self.first + tap, self.ahead - tap) for tap in self.taps]

    def firsts(self, backwards: bool) -> list[Any]:
        """For each tap the element that the first step gets."""
        if not backwards:
            return [self.variable[self.first + tap] for tap in self.taps]
        return [self.variable[-1 - (self.ahead - tap)] for tap in self.taps]

    @property
    def ahead(self) -> int:
        """The furthest tap into the future."""
        return max(0, *self.taps)

    def _slice(self, before: int, behind: int) -> Any:
        """The sequence without so many elements at its ends."""
        return self.variable[before or None : -behind or None] if before or behind else self.variable

    def elements(self) -> list[Any]:
        """For each tap a variable for the element, named after the sequence."""
        kind = self.variable.type
        return [_named(tensor_type(kind.dtype, kind.shape[1:]), self.variable, tap) for tap in self.taps]


def sequences_of(given: Any) -> list[SequenceInfo]:
    """scan's argument `sequences`. ValueError for what is none."""
    return [_sequence(k, one) for k, one in enumerate(as_list(given))]


def _sequence(position: int, given: Any) -> SequenceInfo:
    taps: Sequence[int] = [0]
    if isinstance(given, dict):
        if given.get("input") is None:
            raise ValueError(
                explain(
                    f"Sequence {position} is a dict without 'input'.",
                    operands=[f"its keys: {sorted(map(str, given))}"],
                    remedy="write dict(input=sequence, taps=[...])",
                )
            )
        taps = _taps(given.get("taps"), [0], f"sequence {position}")
        given = given["input"]
    variable: Any = _tensor(given, f"sequence {position}")
    if variable.type.ndim == 0:
        raise ValueError(
            explain(
                f"Sequence {position} of scan is a scalar: it has no elements to go through.",
                operands=[described(variable)],
                remedy="pass it in non_sequences, or pass a tensor, whose first axis is gone through",
            )
        )
    return SequenceInfo(variable, tuple(taps))


def _taps(given: Any, default: Sequence[int], what: str) -> list[int]:
    taps = as_list(given) if not isinstance(given, np.ndarray) else list(given)
    if given is None:
        return list(default)
    if not taps or not all(isinstance(t, (int, np.integer)) and not isinstance(t, bool) for t in taps):
        raise ValueError(
            explain(
                f"The taps of {what} must be an integer or a list of integers, not {given!r}.",
                remedy="write taps=[-1, 0] for the element before and that of this step",
            )
        )
    return [int(t) for t in taps]


def _tensor(given: Any, what: str) -> Any:
    try:
        return as_tensor_variable(given)
    except AsTensorError as error:
        raise AsTensorError(
            explain(
                f"scan: {what} is no tensor.",
                operands=[described(given)],
                remedy="pass a tensor variable, a NumPy array or numbers",
            )
        ) from error


def _named(kind: TensorType, source: Any, tap: int) -> Any:
    name = getattr(source, "name", None)
    return kind.make_variable(None if name is None else f"{name}[t{tap:+d}]" if tap else f"{name}[t]")


# -- outputs ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OutputInfo:
    """An output; a step gets at `taps` (negative) what earlier steps gave. No taps: nothing, it is only collected.

    initial: what it was before the first step; one value for the tap -1 alone, else a stack of them, oldest first.
    """

    position: int
    initial: Any = None
    taps: tuple[int, ...] = ()
    stacked: bool = False

    @property
    def depth(self) -> int:
        """How many values are carried from step to step."""
        return -min(0, *self.taps, 0)

    @property
    def label(self) -> str:
        """What messages call it."""
        name = getattr(self.initial, "name", None)
        return f"output {self.position}" + (f" ({name})" if name else "")

    def starts(self) -> list[Any]:
        """What is carried before the first step, the oldest first."""
        return [self.initial[k] for k in range(self.depth)] if self.stacked else [self.initial] * self.depth

    def window(self) -> list[Any]:
        """Variables for what is carried, the oldest first, named after the initial state."""
        if not self.depth:
            return []
        kind = self.initial.type
        element = tensor_type(kind.dtype, kind.shape[1:] if self.stacked else kind.shape)
        return [_named(element, self.initial, tap) for tap in range(-self.depth, 0)]


def outputs_of(given: Any) -> list[OutputInfo]:
    """scan's argument `outputs_info`. ValueError for what is none."""
    return [_output(k, one) for k, one in enumerate(as_list(given))]


def _output(position: int, given: Any) -> OutputInfo:
    if not isinstance(given, dict):
        return OutputInfo(position) if given is None else OutputInfo(position, _initial(position, given), (-1,))
    if given.get("return_steps") is not None:
        raise ValueError(
            explain(
                "Using `return_steps` has been deprecated.",
                operands=[f"outputs_info[{position}]: {sorted(map(str, given))}"],
                remedy="select the entries you need from the result, as in result[-1]: only those are kept",
            )
        )
    taps = as_list(given.get("taps"))
    if given.get("initial") is None:
        if taps:
            raise ValueError(
                explain(
                    "If you are using slices of an output you need to provide a initial state for it.",
                    operands=[f"outputs_info[{position}]: taps={taps}, no initial"],
                    remedy="write dict(initial=..., taps=[...]), with one value for each step back",
                )
            )
        return OutputInfo(position)
    checked = tuple(_taps(taps or None, [-1], f"output {position}"))
    if max(checked) >= 0 or len(set(checked)) < len(checked):
        problem = (
            "All the tap values must be smaller than 0." if max(checked) >= 0 else "All the taps must be different."
        )
        raise ValueError(
            explain(
                problem,
                operands=[f"outputs_info[{position}]: taps={list(checked)}"],
                remedy="a step can only get what earlier steps gave, and gets it once: taps=[-2, -1]",
            )
        )
    return _windowed(OutputInfo(position, _initial(position, given["initial"]), checked, checked != (-1,)))


def _initial(position: int, given: Any) -> Any:
    return _tensor(given, f"the initial state of output {position}")


def _windowed(info: OutputInfo) -> OutputInfo:
    """`info`, if its initial state may have as many values as its taps ask for. ValueError."""
    kind = info.initial.type
    short = kind.ndim == 0 or (kind.shape[0] is not None and kind.shape[0] < info.depth)
    if info.stacked and short:
        raise ValueError(
            explain(
                f"The initial state of {info.label} has too few values for the taps {list(info.taps)}.",
                operands=[f"{described(info.initial)}, shape {kind.shape}"],
                remedy=f"stack {info.depth} values along the first axis, the oldest first",
            )
        )
    return info


def names(variables: Sequence[Variable]) -> list[str]:
    """Variables for messages: name and type."""
    return [f"{v}: {v.type}" for v in variables]
