"""Random arrays and keys for the tests of indexing: each key once as numpy's and once with variables in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from symtheano.graph.interpret import evaluate
from symtheano.graph.variable import Variable
from symtheano.tensor.index import index
from symtheano.tensor.type import tensor_type


@dataclass
class Case:
    """An array with a key: `key` for numpy, `symbolic` for index(); `env` gives the variables their values."""

    array: Any
    x: Any
    key: tuple[Any, ...] = ()
    symbolic: tuple[Any, ...] = ()
    env: dict[Variable, Any] = field(default_factory=dict)

    @property
    def part(self) -> Any:
        return index(self.x, self.symbolic)

    def value(self, *variables: Variable, **more: Any) -> list[Any]:
        return evaluate(variables, self.env)

    def give(self, array: Any, known: Any = False, broadcastable: Any = None) -> Any:
        """A variable with this value, of a type that knows its shape, or only which axes are 1 (if at all)."""
        array = np.asarray(array)
        ones = [n == 1 for n in array.shape] if broadcastable is None else broadcastable
        shape = array.shape if known else tuple(1 if one else None for one in ones)
        variable = tensor_type(array.dtype.name, shape)()
        self.env[variable] = array
        return variable

    def __repr__(self) -> str:
        values = {str(v.type): a.tolist() for v, a in self.env.items() if v is not self.x}
        return f"Case(shape {self.array.shape}, {self.x.type}{self.x.type.shape}, key {self.key}, {values})"


DTYPES = ("int8", "uint8", "int32", "int64", "uint64")


@st.composite
def arrays(draw: st.DrawFn, min_dims: int = 0, dtype: str = "float64") -> Case:
    """An array with axes of length 0 to 4, of a type that knows everything, only the ones, or some of the ones."""
    shape = tuple(draw(st.lists(st.sampled_from([0, 1, 1, 2, 3, 4]), min_size=min_dims, max_size=4)))
    array = np.arange(1, 1 + np.prod(shape, dtype=int), dtype=dtype).reshape(shape)
    case = Case(array, None)
    ones = [n == 1 and draw(st.booleans()) for n in shape]
    case.x = case.give(array, known=draw(st.booleans()), broadcastable=ones)
    return case


def integer(draw: st.DrawFn, case: Case, value: int) -> Any:
    """`value` as an int or as a variable."""
    if draw(st.booleans()):
        return value
    fits = [d for d in DTYPES if np.iinfo(d).min <= value <= np.iinfo(d).max]
    return case.give(np.asarray(value, draw(st.sampled_from(fits))))


def any_slice(draw: st.DrawFn, case: Case) -> tuple[slice, slice]:
    bounds: list[Any] = [draw(st.none() | st.integers(-6, 6)) for _ in range(2)]
    bounds.append(draw(st.none() | st.sampled_from([1, -1, 2, -2, 3, -3])))
    return slice(*bounds), slice(*(None if b is None else integer(draw, case, b) for b in bounds))


def any_array(draw: st.DrawFn, case: Case, n: int, block: tuple[int, ...]) -> tuple[Any, Any]:
    """Indices into an axis of length n, of a shape that can be broadcast to `block`."""
    shape = tuple(m if draw(st.integers(0, 3)) else 1 for m in block[draw(st.integers(0, len(block) - 1)) :])
    count = int(np.prod(shape))
    if n == 0:
        shape, count = (0,) * len(shape), 0
    values = draw(st.lists(st.integers(-n, n - 1), min_size=count, max_size=count)) if count else []
    array = np.array(values, "int64").reshape(shape)
    how = draw(st.integers(0, 2))
    if how == 0 and count:
        return array, array.tolist()
    return array, array if how == 1 else case.give(array, known=draw(st.booleans()), broadcastable=None)


@st.composite
def basic(draw: st.DrawFn, min_dims: int = 0) -> Case:
    """A key of integers, slices, None and Ellipsis."""
    case = draw(arrays(min_dims=min_dims))
    key: list[Any] = []
    symbolic: list[Any] = []
    for n in case.array.shape[: draw(st.integers(0, case.array.ndim))]:
        if n and draw(st.booleans()):
            i = draw(st.integers(-n, n - 1))
            key.append(i)
            symbolic.append(integer(draw, case, i))
        else:
            one, other = any_slice(draw, case)
            key.append(one)
            symbolic.append(other)
    for extra in draw(st.lists(st.none(), max_size=2)) + draw(st.lists(st.just(Ellipsis), max_size=1)):
        place = draw(st.integers(0, len(key)))
        key.insert(place, extra)
        symbolic.insert(place, extra)
    if Ellipsis in key:
        tail = len(key) - 1 - key.index(Ellipsis)
        consumed = sum(k is not None and k is not Ellipsis for k in key)
        shape = case.array.shape
        after = [k for k in range(len(key) - tail, len(key)) if key[k] is not None]
        for axis, k in enumerate(after, len(shape) - len(after)):  # these now stand at the end: fit them again
            if isinstance(key[k], int):
                n = shape[axis]
                key[k] = symbolic[k] = draw(st.integers(-n, n - 1)) if n else slice(None)
        assert consumed <= len(shape)
    case.key, case.symbolic = tuple(key), tuple(symbolic)
    return case


@st.composite
def advanced(draw: st.DrawFn, masks: bool = True) -> Case:
    """A key with at least one array, among integers, slices and None."""
    case = draw(arrays(min_dims=1))
    block = tuple(draw(st.lists(st.integers(0, 3), min_size=1, max_size=2)))
    shape = case.array.shape
    if 0 in shape:
        block = (0,) * len(block)
    count = draw(st.integers(1, len(shape)))
    chosen = draw(st.integers(0, count - 1))
    mask = masks and draw(st.booleans())
    if mask:
        block = (1,) * len(block)
    key: list[Any] = []
    symbolic: list[Any] = []
    axis = 0
    while axis < count:
        n, kind = shape[axis], draw(st.sampled_from(["int", "slice", "array", "none"]))
        one: Any
        other: Any
        if axis == chosen and mask:
            width = draw(st.integers(1, len(shape) - axis))
            part = shape[axis : axis + width]
            size = int(np.prod(part))
            flags = draw(st.lists(st.booleans(), min_size=size, max_size=size))
            one = np.array(flags, bool).reshape(part)
            other = one if draw(st.booleans()) else case.give(one, known=draw(st.booleans()))
            axis += width
        elif axis == chosen or (kind == "array" and (n or not mask)):
            one, other = any_array(draw, case, n, block)
            axis += 1
        elif kind == "int" and n:
            one = draw(st.integers(-n, n - 1))
            other = integer(draw, case, one)
            axis += 1
        elif kind == "none":
            one = other = None
        else:
            one, other = any_slice(draw, case)
            axis += 1
        key.append(one)
        symbolic.append(other)
    case.key, case.symbolic = tuple(key), tuple(symbolic)
    return case


def keys() -> st.SearchStrategy[Case]:
    """Keys of every kind."""
    return basic() | advanced()
