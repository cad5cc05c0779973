"""Indexing with arrays as Gather and Scatter, for targets that make loops; see expand.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from symtheano.compile.rules.index import counted
from symtheano.compile.rules.match import cast_to, like
from symtheano.compile.rules.shape import has_length
from symtheano.compile.rules.sign import interval
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply, Constant
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.arange import ARange
from symtheano.tensor.dot import Dot
from symtheano.tensor.elemwise import DimShuffle, Elemwise, dimshuffle, functions, pad_left
from symtheano.tensor.gather import Gather, Pattern, Place, Scatter
from symtheano.tensor.index import subtensor
from symtheano.tensor.index_advanced import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
)
from symtheano.tensor.index_basic import IncSubtensor, Subtensor
from symtheano.tensor.index_key import FULL, Selection, ends, is_array, is_full, is_mask, slice_length
from symtheano.tensor.shape import patternbroadcast
from symtheano.tensor.sizes import as_size, constant_dim, is_length, origin, shape_i
from symtheano.tensor.type import tensor_type

m = functions


class Located(NamedTuple):
    """What a key selects, in the words of Gather: of which array, the pattern, the places, how many dimensions."""

    x: Any
    pattern: Pattern
    places: list[Any]
    ndim: int


def located(x: Any, entries: Sequence[Any], cut: bool) -> Located | None:
    """What a key with arrays selects, where its slices are all `:`; None for masks.

    arange(n) beside an array of length n counts x's rows. cut: where x may have more rows, it is x[:n] that is
    selected from; else x is taken to have n rows, and the op that comes out refuses others.
    """
    if any(is_mask(e) for e in entries):
        return None
    selection = Selection(entries, x.type.ndim)
    block = max(e.type.ndim for e in entries if is_array(e))
    at, ndim = selection.at, len(selection.axes) + block
    pattern: list[int | None] = [None] * x.type.ndim
    for k, (axis, _) in enumerate(selection.axes):
        pattern[axis] = k if k < at else k + block
    places: list[Any] = []
    key = [FULL] * x.type.ndim
    for axis, entry in selection.advanced:
        own = 0 if isinstance(entry, int) else entry.type.ndim
        count = counting(entry)
        whole = count is not None and _is_length(count, x, axis)
        if count is not None and (whole or _stands_beside(count, own, selection.advanced)):
            pattern[axis] = at + block - own + count.axis
            key[axis] = key[axis] if whole or not cut else slice(None, count.n)
        else:
            place = Place(_may_be_negative(entry))(as_size(entry) if own == 0 else entry, shape_i(x, axis))
            before, after = at + block - own, ndim - at - block
            places.append(dimshuffle(place, ["x"] * before + list(range(own)) + ["x"] * after))
    if any(k is not FULL for k in key):
        x = subtensor(x, key)
    return Located(x, tuple(pattern), places, ndim)


class Counting(NamedTuple):
    """An array that counts 0, 1, ... n - 1 along one axis and has length 1 in the others."""

    n: Any
    axis: int


def counting(entry: Any) -> Counting | None:
    """What `entry` counts; None where it does something else."""
    if not is_array(entry):
        return None
    axis = 0
    if entry.owner is not None and type(entry.owner.op) is DimShuffle and entry.owner.inputs[0].type.ndim == 1:
        axis = entry.owner.op.new_order.index(0) if 0 in entry.owner.op.new_order else 0
        entry = entry.owner.inputs[0]
    if isinstance(entry, Constant):
        data: Any = entry.data
        counts = data.ndim == 1 and bool((data == np.arange(len(data))).all())
        return Counting(len(data), axis) if counts else None
    n = counted(entry)
    return None if n is None else Counting(n, axis)


def _is_length(count: Counting, x: Any, axis: int) -> bool:
    """Whether x is known to have as many rows as are counted."""
    return has_length(x, axis, origin(count.n))


def _stands_beside(count: Counting, own: int, advanced: Sequence[tuple[int, Any]]) -> bool:
    """Whether another array of the key is known to have, in the same axis, as many elements as are counted."""
    from_end = count.axis - own
    others = (e for _, e in advanced if is_array(e) and e.type.ndim >= -from_end and counting(e) is None)
    return any(_is_length(count, e, e.type.ndim + from_end) for e in others)


def _may_be_negative(entry: Any) -> bool:
    if isinstance(entry, int):
        return entry < 0
    if isinstance(entry, Constant):
        return bool(entry.data.size) and bool(entry.data.min() < 0 or entry.data.max() > np.iinfo("int64").max)
    if entry.type.dtype in ("uint8", "uint16", "uint32"):
        return False
    return interval(entry).lo < 0 or entry.type.dtype == "uint64"  # which numpy reads as int64


def one_hot(x: Any, axis: int, place: Any) -> Any:
    """Whether the coordinate of an element of x along `axis` is its place: `place` has the dimensions of x."""
    count = ARange("int64")(as_size(0), shape_i(x, axis), as_size(1))
    return m.eq(dimshuffle(count, [0 if k == axis else "x" for k in range(x.type.ndim)]), place)


def _x(*ndims: int) -> list[Any]:
    """A tensor x and integers for each of `ndims`."""
    return [
        tensor_type("float64", (None,) * ndims[0])("x"),
        *(tensor_type("int32", (None,) * n)(f"i{k}") for k, n in enumerate(ndims[1:])),
    ]


@rule(
    AdvancedSubtensor1,
    AdvancedSubtensor,
    examples=[
        lambda: (v := _x(2, 1), [v[0][v[1] - 1]]),
        lambda: (v := _x(3, 2), [v[0][:, v[1]]]),
        lambda: (v := _x(3, 1, 1), [v[0][v[1], :, v[2]]]),
        lambda: (v := _x(3, 1, 0), [v[0][1:, v[1], v[2]]]),
        lambda: (v := _x(2, 1), [v[0][ARange("int64")(0, shape_i(v[0], 0), 1), v[1]]]),
        lambda: (v := _x(2, 2), [v[0][ARange("int64")(0, shape_i(v[1], 0), 1)[:, None], v[1]]]),
        lambda: (v := _x(2), [v[0][[0, 0, -1]]]),
    ],
)
def expand_indexing(node: Apply) -> list[Any] | None:
    """x[key] with integer arrays in the key, as a Gather."""
    x: Any = node.inputs[0]
    op: Any = node.op
    entries = op.entries(node.inputs)
    if any(isinstance(e, slice) and not is_full(e) for e in entries):
        if any(is_mask(e) for e in entries):
            return None
        x = subtensor(x, [e if isinstance(e, slice) else FULL for e in entries])
        entries = [FULL if isinstance(e, slice) else e for e in entries]
    found = located(x, entries, cut=True)
    return None if found is None else [like(Gather(found.pattern)(found.x, *found.places), node.outputs[0])]


def _writing(set_instead_of_inc: bool, key: Any, *ndims: int) -> Any:
    """An example: x, arrays and y, written where `key` says."""

    def build() -> Any:
        v = _x(*ndims)
        part = key(*v)
        y = tensor_type("float32", (None,) * part.type.ndim)("y")
        op = part.owner.op.writer(set_instead_of_inc)
        return [*v, y], [op(v[0], y, *part.owner.inputs[1:])]

    return build


@rule(
    AdvancedIncSubtensor1,
    AdvancedIncSubtensor,
    reason="of the elements that stand in their own row and column, one is at the place",
    examples=[
        _writing(False, lambda x, i: x[ARange("int64")(0, shape_i(i, 0), 1), i - 1], 2, 1),
        _writing(True, lambda x, i: x[ARange("int64")(0, shape_i(x, 0), 1), i], 2, 1),
    ],
)
def expand_one_hot(node: Apply) -> list[Any] | None:
    """inc(x, (arange(n), i), y) -> switch(column == i, x + y, x), and likewise set."""
    x, y = node.inputs[:2]
    op: Any = node.op
    entries = op.entries(node.inputs)
    if any(isinstance(e, slice) and not is_full(e) for e in entries):
        return None
    found = located(x, entries, cut=False)
    if found is None or found.pattern.count(None) != 1 or x.type.dtype == "bool":
        return None
    direct = [k for k in found.pattern if k is not None]
    axis = found.pattern.index(None)
    if direct != list(range(found.ndim)) or found.ndim != x.type.ndim - 1 or x.type.broadcastable[axis]:
        return None
    rest = [b for k, b in enumerate(x.type.broadcastable) if k != axis]
    (place,) = found.places
    if list(place.type.broadcastable) != rest:
        return None
    y = cast_to(y, x.type.dtype)
    order: list[Any] = ["x"] * (found.ndim - y.type.ndim) + list(range(y.type.ndim))
    value = dimshuffle(y, [*order[:axis], "x", *order[axis:]])
    here = one_hot(x, axis, dimshuffle(place, [*range(axis), "x", *range(axis, found.ndim)]))
    new = value if op.set_instead_of_inc else m.add(x, value)
    return [like(m.switch(here, new, x), node.outputs[0])]


@rule(
    AdvancedIncSubtensor1,
    AdvancedIncSubtensor,
    examples=[
        _writing(False, lambda x, i: x[i], 2, 1),
        _writing(True, lambda x, i: x[:, i - 1], 3, 2),
        _writing(False, lambda x, i, j: x[i, :, j], 3, 1, 0),
    ],
)
def expand_writing(node: Apply) -> list[Any] | None:
    """inc(x, key, y) and set(x, key, y) with integer arrays and whole axes in the key, as a Scatter."""
    x, y = node.inputs[:2]
    op: Any = node.op
    entries = op.entries(node.inputs)
    if any(isinstance(e, slice) and not is_full(e) for e in entries):
        return None
    found = located(x, entries, cut=False)
    if found is None or x.type.dtype == "bool":
        return None
    return [scattered(found, y, op.set_instead_of_inc)]


def scattered(found: Located, y: Any, set_instead_of_inc: bool) -> Any:
    """The Scatter of y, cast and stretched to what the key selects."""
    op = Scatter(found.pattern, set_instead_of_inc)
    inputs = [found.x, *found.places]
    lengths = [shape_i(inputs[each[0][0]], each[0][1]) if each else as_size(1) for each in op.lengths(inputs)]
    y = pad_left(cast_to(y, found.x.type.dtype), found.ndim)
    ones = [not each for each in op.lengths(inputs)]
    if any(b and not a for a, b in zip(y.type.broadcastable, ones, strict=True)):
        y = patternbroadcast(y, [a or b for a, b in zip(y.type.broadcastable, ones, strict=True)])  # which checks it
    if y.type.broadcastable != tuple(ones):
        y = Alloc()(y, *lengths)
    return op(found.x, y, *found.places)


def _sliced(x: Any, axis: int, entry: slice) -> tuple[Any, bool] | None:
    """The places that a slice takes of an axis, as a vector or (True) as the only one; None where it is not known."""
    n: Any = x.type.shape[axis]
    step = 1 if entry.step is None else entry.step
    if not isinstance(step, int) or n == 1:
        return None
    n = shape_i(x, axis) if n is None else n
    count = as_size(slice_length(entry, n))
    forwards = step > 0
    first = as_size(0 if entry.start is None else entry.start)
    if forwards and is_length(first):
        start = first  # beyond the end nothing is counted
    else:
        start = as_size(ends(entry, n, 1 if forwards else -1)[0])
    if constant_dim(count) == 1:
        return start, True
    place: Any = ARange("int64")(as_size(0), count, as_size(1))
    place = place if step == 1 else m.mul(place, as_size(step))
    return (place if constant_dim(start) == 0 else m.add(place, dimshuffle(start, ["x"]))), False


def is_addable(dtype: str) -> bool:
    """Whether loops add values of this dtype to what lies in memory."""
    return dtype != "bool"


@rule(
    IncSubtensor,
    examples=[
        _writing(False, lambda x: x[1:, ::2], 2),
        _writing(False, lambda x: x[:, 0:1, -1], 3),
        _writing(False, lambda x, i: x[i, : i - 1], 2, 0),
        _writing(True, lambda x, i: x[-3:, i::-1], 2, 0),
    ],
)
def expand_slice_writing(node: Apply) -> list[Any] | None:
    """inc(x, key, y) and set(x, key, y) with integers and slices in the key, as a Scatter."""
    x, y = node.inputs[:2]
    op: Any = node.op
    entries = [*op.entries(node.inputs)]
    entries += [FULL] * (x.type.ndim - len(entries))
    ndim = sum(isinstance(e, slice) for e in entries)
    pattern: list[int | None] = []
    places: list[Any] = []
    k = 0
    for axis, entry in enumerate(entries):
        if isinstance(entry, slice) and is_full(entry):
            pattern.append(k)
        elif isinstance(entry, slice):
            found = _sliced(x, axis, entry)
            if found is None:
                return None
            place, only = found
            pattern.append(None)
            places.append(dimshuffle(place, ["x" if only or d != k else 0 for d in range(ndim)]))
        else:
            place = Place(_may_be_negative(entry))(as_size(entry), shape_i(x, axis))
            pattern.append(None)
            places.append(dimshuffle(place, ["x"] * ndim))
        k += isinstance(entry, slice)
    if not places or not is_addable(x.type.dtype):
        return None
    return [scattered(Located(x, tuple(pattern), places, ndim), y, op.set_instead_of_inc)]


def _picked_logsoftmax(cut: bool) -> Any:
    x, y = _x(2, 1)
    z = m.sub(x, m.log(m.exp(x).sum(axis=1, keepdims=True)))
    place = Place(False)(y, shape_i(z, 1))
    return [x, y], [Gather((0, None))(z[: shape_i(y, 0)] if cut else z, place)]


@rule(
    Gather,
    reason="a function of the elements is computed at each by itself",
    examples=[lambda: _picked_logsoftmax(False), lambda: _picked_logsoftmax(True)],
)
def gather_before_function(node: Apply) -> list[Any] | None:
    """f(x, c)[i, labels] -> f(x[i, labels], c[i]), where c does not vary along the rows, nor is x a product."""
    x: Any = node.inputs[0]
    pattern, (_, *places) = node.op.pattern, node.inputs
    direct = [k for k in pattern if k is not None]
    if len(places) != 1 or (direct and places[0].type.ndim != x.type.ndim - 1):
        return None  # not one for each row
    if direct != list(range(x.type.ndim - 1)) or x.owner is None:
        return None
    key = None
    if type(x.owner.op) is Subtensor:
        key = x.owner.op.entries(x.owner.inputs)
        x = x.owner.inputs[0]
    if x.owner is None or type(x.owner.op) is not Elemwise or not all(isinstance(e, slice) for e in key or ()):
        return None
    axis = pattern.index(None)
    long = [v for v in x.owner.inputs if not v.type.broadcastable[axis]]
    if len(long) != 1 or (long[0].owner is not None and type(long[0].owner.op) is Dot):
        return None
    if key is not None and axis < len(key) and not is_full(key[axis]):
        return None

    def part(v: Any) -> Any:
        if key is not None:
            own = [FULL if one else e for e, one in zip(key, v.type.broadcastable, strict=False)]
            v = v if all(map(is_full, own)) else subtensor(v, own)
        if v.type.broadcastable[axis]:
            return dimshuffle(v, [k for k in range(v.type.ndim) if k != axis])
        return Gather(pattern)(v, *places)

    return [like(x.owner.op(*map(part, x.owner.inputs)), node.outputs[0])]


INDEX: tuple[Any, ...] = (
    gather_before_function,
    expand_indexing,
    expand_one_hot,
    expand_writing,
    expand_slice_writing,
)
