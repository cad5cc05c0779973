"""Keys of subscripts: their pattern, their text, and the shape of what they select.

A key is a list of entries, one for each axis it consumes (a boolean mask consumes one for each of its dimensions):

    entry ::= int | 0-d integer variable | slice(bound, bound, bound) | integer array variable | boolean mask variable
    bound ::= None | int | 0-d integer variable

An op keeps the *pattern* of a key, `idx_list`: the key with a TensorType in the place of every value; the values are
inputs of its node (integers are constants among them). `split` takes a key apart, `fill` puts it together again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from symtheano.errors import ShapeError
from symtheano.graph.variable import Constant, Variable
from symtheano.tensor.elemwise import functions
from symtheano.tensor.shape_ops import SliceLength
from symtheano.tensor.sizes import as_int64, as_size
from symtheano.tensor.type import TensorType, tensor_type

FULL = slice(None)
BOUNDS = ("start", "stop", "step")


# -- taking keys apart and putting them together -------------------------------------------------------------------


def split(entries: Iterable[Any]) -> tuple[tuple[Any, ...], list[Variable]]:
    """The pattern of a key and its values in order, integers as int64 constants."""
    inputs: list[Variable] = []

    def mark(value: Any) -> Any:
        if value is None:
            return None
        variable = value if isinstance(value, Variable) else integer(int(value))
        inputs.append(variable)
        return marker(variable.type)

    return tuple(map_entry(mark, entry) for entry in entries), inputs


def marker(kind: Any) -> TensorType:
    """What stands for a value of this type in a pattern."""
    return tensor_type(kind.dtype, (None,) * kind.ndim)


def fill(idx_list: Iterable[Any], values: Iterable[Any]) -> list[Any]:
    """The key with pattern `idx_list` and these values."""
    rest = iter(values)
    return [map_entry(lambda m: None if m is None else next(rest), entry) for entry in idx_list]


def map_entry(function: Callable[[Any], Any], entry: Any) -> Any:
    """The entry with `function` of each of its values."""
    if isinstance(entry, slice):
        start, stop, step = function(entry.start), function(entry.stop), function(entry.step)
        return slice(start, stop, step)
    return function(entry)


def read(variable: Variable) -> Any:
    """A key's value: a constant integer as an int, anything else as it is."""
    if isinstance(variable, Constant) and variable.type.ndim == 0:
        return int(variable.data)
    return variable


def hashable(idx_list: Iterable[Any]) -> tuple[Any, ...]:
    """`idx_list` with its slices as tuples (slices have no hash before Python 3.12)."""
    return tuple(("slice", e.start, e.stop, e.step) if isinstance(e, slice) else e for e in idx_list)


def integer(value: int) -> Constant:
    """The int64 constant of an integer in a key (one beyond int64 is as good as the end of an axis)."""
    return as_size(max(-sys.maxsize, min(value, sys.maxsize)))  # type: ignore[no-any-return]


def is_array(entry: Any) -> bool:
    """Whether an entry makes its key an advanced one."""
    return isinstance(entry, Variable) and entry.type.ndim > 0


def is_mask(entry: Any) -> bool:
    """Whether an entry is a boolean mask."""
    return is_array(entry) and entry.type.dtype == "bool"


def width(entry: Any) -> int:
    """How many axes an entry consumes."""
    return int(entry.type.ndim) if is_mask(entry) else 1


def is_full(entry: Any) -> bool:
    """Whether an entry is the slice `:`."""
    return isinstance(entry, slice) and entry.start is None and entry.stop is None and entry.step in (None, 1)


# -- text ----------------------------------------------------------------------------------------------------------


def pattern_text(idx_list: Iterable[Any]) -> str:
    """As Theano prints it: `int64, int64:int64:, ::`."""

    def one(kind: Any) -> str:
        return "" if kind is None else str(kind if kind.ndim else kind.dtype)

    return ", ".join(
        f"{one(e.start)}:{one(e.stop)}:{one(e.step)}" if isinstance(e, slice) else one(e) for e in idx_list
    )


def key_text(idx_list: Iterable[Any], inputs: Sequence[Variable], names: Sequence[str]) -> str:
    """The key as Python source: `1:n:2, int(i)`, given the names of the inputs; constant integers are written out."""
    texts = [repr(v) if isinstance(v := read(i), int) else name for i, name in zip(inputs, names, strict=True)]
    parts = []
    for kind, entry in zip(idx_list, fill(idx_list, texts), strict=True):
        if isinstance(entry, slice):
            step = "" if entry.step is None else f":{entry.step}"
            parts.append(f"{entry.start or ''}:{entry.stop or ''}{step}")
        elif kind.ndim == 0 and not entry.removeprefix("-").isdigit():
            parts.append(f"int({entry})")  # numpy copies what a 0-d array selects; an int gives a view
        else:
            parts.append(entry)
    while len(parts) > 1 and parts[-1] == ":":
        parts.pop()
    return ", ".join(parts) if parts else "()"


# -- shapes --------------------------------------------------------------------------------------------------------


class Selection:
    """How a key selects from an array of `ndim` dimensions.

    axes: (axis, entry) of every axis that stays, outside the advanced part. advanced: the array and, if there are
    arrays, the scalar entries, each with its first axis. at: where the advanced part's axes stand in the result.
    """

    def __init__(self, entries: Sequence[Any], ndim: int):
        self.axes: list[tuple[int, Any]] = []
        self.advanced: list[tuple[int, Any]] = []
        self.at = 0
        arrays = any(is_array(e) for e in entries)
        places: list[int] = []
        axis = 0
        for place, entry in enumerate(entries):
            if isinstance(entry, slice):
                self.axes.append((axis, entry))
            elif arrays:
                if not places:
                    self.at = len(self.axes)
                places.append(place)
                self.advanced.append((axis, entry))
            axis += width(entry)
        self.consumed = axis
        self.axes += [(k, FULL) for k in range(axis, ndim)]
        if places and places[-1] - places[0] + 1 != len(places):
            self.at = 0  # numpy: what stands apart goes to the front

    def shape(
        self, lengths: Sequence[Any], length: Callable[[slice, Any], Any], block: Sequence[Any]
    ) -> tuple[Any, ...]:
        """The result's shape: `length(slice, n)` for the sliced axes, `block` for the advanced part."""
        out = [length(entry, lengths[axis]) for axis, entry in self.axes]
        return (*out[: self.at], *block, *out[self.at :])


def static_length(entry: slice, n: int | None) -> int | None:
    """The length of x[entry] where x has length `n`, as far as the types say.

    Theano's rule of broadcastability: only what is taken of a broadcastable axis can be known to be broadcastable.
    """
    if is_full(entry):
        return n
    start, stop, step = entry.start, entry.stop, entry.step
    if n is None or any(isinstance(b, Variable) for b in (start, stop, step)):
        return None
    length = len(range(*slice(start, stop, step).indices(n)))
    return None if length == 1 and n != 1 else length


def slice_length(entry: slice, n: Any) -> Any:
    """The length of x[entry] where x has length `n`: an int where everything is known, else a scalar int64 variable."""
    bounds = (entry.start, entry.stop, entry.step)
    if any(isinstance(b, Variable) for b in bounds):  # a formula would be a dozen steps on single numbers
        return SliceLength([b is not None for b in bounds])(n, *(b for b in bounds if b is not None))
    step = 1 if entry.step is None else entry.step
    return _count(entry, n, step, 1 if step > 0 else -1)


def _count(entry: slice, n: Any, step: int, direction: int) -> Any:
    """The length where the bounds are constants and `step` has the sign of `direction`."""
    first = entry.start is None or (direction > 0 and entry.start == 0 and isinstance(entry.start, int))
    if first and entry.stop is None:
        span = n
    elif direction > 0 and entry.stop is None and isinstance(entry.start, int) and entry.start >= 0:
        span = maximum(sub(n, entry.start), 0)  # the same text as for x[:-start]
    else:
        start, stop = ends(entry, n, direction)
        span = sub(stop, start) if direction > 0 else sub(start, stop)
        if not first and entry.stop is not None:
            span = maximum(span, 0)
    size = abs(step)
    return span if size == 1 else floor_div(add(span, sub(size, 1)), size)


def ends(entry: slice, n: Any, direction: int) -> tuple[Any, Any]:
    """start and stop in range, as slice.indices gives them, for a step of the sign of `direction`."""
    low, high = (0, n) if direction > 0 else (-1, sub(n, 1))
    first, last = (low, high) if direction > 0 else (high, low)
    start = first if entry.start is None else _clamp(entry.start, n, low, high)
    stop = last if entry.stop is None else _clamp(entry.stop, n, low, high)
    return start, stop


def _clamp(bound: Any, n: Any, low: int, high: Any) -> Any:
    """A bound counted from the start of the axis and within [low, high]."""
    if isinstance(bound, Variable):
        bound = as_int64(bound)
        return functions.switch(functions.lt(bound, 0), maximum(add(bound, n), low), minimum(bound, high))
    if bound == 0 and low == 0:
        return 0
    if bound >= 0:
        return minimum(bound, high)
    return maximum(add(n, bound), low)


def static_block(advanced: Sequence[Any]) -> tuple[int | None, ...]:
    """What the types say of the shape of index arrays broadcast together. IndexError where they do not fit."""
    shapes = [_static_array(e) for e in advanced]
    ndim = max(map(len, shapes), default=0)
    block: list[int | None] = []
    for axis in range(-ndim, 0):
        lengths = {s[axis] for s in shapes if len(s) >= -axis} - {1}
        known = lengths - {None}
        if len(known) > 1:
            raise IndexError(f"shape mismatch: index arrays could not be broadcast together with shapes {shapes}")
        block.append(known.pop() if known else None if lengths else 1)
    return tuple(block)


def _static_array(entry: Any) -> tuple[int | None, ...]:
    if not is_mask(entry):
        return entry.type.shape if isinstance(entry, Variable) else ()
    return (int(np.count_nonzero(entry.data)) if isinstance(entry, Constant) else None,)


def symbolic_block(advanced: Sequence[Any], shapes: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    """The shape of index arrays broadcast together, from theirs. ShapeError for a mask: its count is data."""
    found: list[Sequence[Any]] = []
    for entry, shape in zip(advanced, shapes, strict=True):
        if is_mask(entry) and not isinstance(entry, Constant):
            raise ShapeError(f"the number of elements that the mask {entry} selects is known only from its values")
        found.append(_static_array(entry) if is_mask(entry) else shape)
    ndim = max(map(len, found), default=0)
    block: list[Any] = []
    for axis in range(-ndim, 0):
        length: Any = 1
        for shape in found:
            if len(shape) >= -axis:
                length = _broadcast(length, shape[axis])
        block.append(length)
    return tuple(block)


def _broadcast(a: Any, b: Any) -> Any:
    """The length of two axes broadcast together."""
    if isinstance(a, int):
        return b if a == 1 else a
    if isinstance(b, int):
        return a if b == 1 else b
    return a if a is b else functions.switch(functions.eq(a, 1), b, a)


# -- arithmetic on lengths: ints as far as possible ----------------------------------------------------------------


def add(a: Any, b: Any) -> Any:
    if isinstance(b, int):
        if isinstance(a, int):
            return a + b
        return a if b == 0 else functions.add(a, b) if b > 0 else functions.sub(a, -b)
    return add(b, a) if isinstance(a, int) else functions.add(a, b)


def sub(a: Any, b: Any) -> Any:
    if isinstance(b, int):
        return add(a, -b)
    return functions.neg(b) if isinstance(a, int) and a == 0 else functions.sub(a, b)


def minimum(a: Any, b: Any) -> Any:
    return min(a, b) if isinstance(a, int) and isinstance(b, int) else functions.minimum(a, b)


def maximum(a: Any, b: Any) -> Any:
    return max(a, b) if isinstance(a, int) and isinstance(b, int) else functions.maximum(a, b)


def floor_div(a: Any, b: Any) -> Any:
    return a // b if isinstance(a, int) and isinstance(b, int) else functions.int_div(a, b)
