"""Indexing, joining and allocating: what only moves data and can be seen through."""

from __future__ import annotations

from typing import Any

import numpy as np

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import cast_to, constant_value, is_constant, like, literal
from symtheano.compile.rules.shape import has_length
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply, Constant
from symtheano.scalar import upcast
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.arange import ARange
from symtheano.tensor.convert import make_constant
from symtheano.tensor.elemwise import DimShuffle, Elemwise, dimshuffle, functions
from symtheano.tensor.index import advanced_subtensor1, subtensor
from symtheano.tensor.index_advanced import AdvancedIncSubtensor, AdvancedIncSubtensor1, AdvancedSubtensor1
from symtheano.tensor.index_basic import IncSubtensor, Subtensor
from symtheano.tensor.index_key import is_full
from symtheano.tensor.join import Join, Split
from symtheano.tensor.sizes import (
    MakeVector,
    axis_origin,
    constant_dim,
    is_length,
    origin,
    shape_i,
    shape_list,
    vector_items,
)

m = functions
_WRITERS = (IncSubtensor, AdvancedIncSubtensor, AdvancedIncSubtensor1)


def entries_of(node: Apply) -> list[Any]:
    """The key of a Subtensor or IncSubtensor: ints where constant, else variables, and slices of both."""
    entries: list[Any] = node.op.entries(node.inputs)
    return entries


def _is_whole(entry: Any, x: Any, axis: int) -> bool:
    """Whether a slice takes all of x's axis."""
    if not isinstance(entry, slice):
        return False
    if is_full(entry):
        return True
    if entry.step not in (None, 1) or not (entry.start is None or (isinstance(entry.start, int) and entry.start == 0)):
        return False
    if entry.stop is None:
        return True
    stop, known = origin(entry.stop), x.type.shape[axis]
    if isinstance(stop, int) and known is not None:
        return bool(stop >= known)
    return has_length(x, axis, stop)


@rule(Subtensor, examples=[on(lambda a: a[:, 0 : a.shape[1]], 2)])
def useless_subtensor(node: Apply) -> list[Any] | None:
    """x[:, 0:x.shape[1]] -> x."""
    x: Any = node.inputs[0]
    if all(_is_whole(e, x, axis) for axis, e in enumerate(entries_of(node))) and x.type == node.outputs[0].type:
        return [x]
    return None


@rule(Subtensor, examples=[on(lambda a: a[1:][0], 2), on(lambda a: a[0][1], 3), on(lambda a: a[:, 2][1:3], 2)])
def merge_subtensors(node: Apply) -> list[Any] | None:
    """x[i][j] -> x[i, j], x[a:][b] -> x[a + b]: keys of constants that count from the front, and whole axes."""
    x: Any = node.inputs[0]
    if x.owner is None or type(x.owner.op) is not Subtensor:
        return None
    source = x.owner.inputs[0]
    inner = entries_of(x.owner)
    inner += [slice(None)] * (source.type.ndim - len(inner))
    outer = iter(entries_of(node))
    merged = []
    for entry in inner:
        if not isinstance(entry, slice):
            merged.append(entry)
            continue
        after = next(outer, slice(None))
        found = after if is_full(entry) else entry if is_full(after) else _composed(entry, after)
        if found is None:
            return None
        merged.append(found)
    return [like(subtensor(source, merged), node.outputs[0])]


def _composed(entry: slice, after: Any) -> Any:
    """What x[entry][after] takes of x, for a suffix of x and constants that count from the front; else None."""
    start = 0 if entry.start is None else entry.start
    if not (isinstance(start, int) and start >= 0 and entry.stop is None and entry.step in (None, 1)):
        return None
    if isinstance(after, int):
        return start + after if after >= 0 else None
    if not isinstance(after, slice) or after.step not in (None, 1):
        return None
    bounds = [b for b in (after.start, after.stop) if b is not None]
    if not all(isinstance(b, int) and b >= 0 for b in bounds):
        return None
    return slice(start + (after.start or 0), None if after.stop is None else start + after.stop)


@rule(
    Subtensor,
    examples=[
        on(lambda a, b: MakeVector("float64")(a, b)[1], 0, 0),
        on(lambda a: (a + 1).shape[0] + a.shape[:-1].sum(), 2),
    ],
)
def subtensor_of_vector(node: Apply) -> list[Any] | None:
    """(a, b, c)[1] -> b, (a, b, c)[:2] -> (a, b)."""
    x: Any = node.inputs[0]
    if x.owner is None or type(x.owner.op) is not MakeVector:
        return None
    (entry,) = entries_of(node) or [slice(None)]
    items = x.owner.inputs
    if isinstance(entry, int):
        return [items[entry]] if -len(items) <= entry < len(items) else None
    if not isinstance(entry, slice):
        return None
    if not all(b is None or isinstance(b, int) for b in (entry.start, entry.stop, entry.step)):
        return None
    chosen = items[entry]
    if not chosen:
        return [make_constant(np.zeros((0,), x.type.numpy_dtype))]
    return [like(x.owner.op(*chosen), node.outputs[0])]


@rule(AdvancedSubtensor1, examples=[on(lambda a, b: advanced_subtensor1(MakeVector("float64")(a, b, a), [2, 1]), 0, 0)])
def take_of_vector(node: Apply) -> list[Any] | None:
    """(a, b, c)[[2, 0]] -> (c, a)."""
    x, indices = node.inputs
    if x.owner is None or type(x.owner.op) is not MakeVector or not isinstance(indices, Constant):
        return None
    items, places = x.owner.inputs, indices.data.tolist()
    if not places or not all(-len(items) <= k < len(items) for k in places):
        return None
    return [like(x.owner.op(*(items[k] for k in places)), node.outputs[0])]


@rule(
    Subtensor,
    examples=[
        on(lambda a: Alloc()(a, 5, 6)[2, 1:], 0),
        on(lambda a: Alloc()(a, 1, 3)[:, :1], 0),
        on(lambda a: m.second(a, 2.0)[1:], 2),
    ],
)
def subtensor_of_fill(node: Apply) -> list[Any] | None:
    """alloc(c, n, m)[1] -> alloc(c, m): a part of a filled array is filled."""
    x: Any = node.inputs[0]
    if x.owner is None:
        return None
    if type(x.owner.op) is Alloc:
        value = x.owner.inputs[0]
    elif x.owner.op == m.second:
        value = x.owner.inputs[1]
    else:
        return None
    (old,) = node.outputs
    if not all(value.type.broadcastable) or (
        any(n is None for n in x.type.shape) and any(isinstance(e, int) for e in entries_of(node))
    ):
        return None  # an index out of range is an error that must stay
    op: Any = node.op
    shape = op.infer_shape(node, [tuple(shape_list(x)), *((),) * (len(node.inputs) - 1)])[0]
    scalar = dimshuffle(value, [])
    return [like(Alloc()(scalar, *shape) if shape else scalar, old)]


@rule(
    Subtensor,
    examples=[
        on(lambda a: dimshuffle(a, ("x", 0))[0, 1:], 1),
        on(lambda a: dimshuffle(a, (0, "x"))[:, 0], 1),
    ],
)
def subtensor_of_new_axis(node: Apply) -> list[Any] | None:
    """dimshuffle(x, "x", 0)[0] -> x: the only element along a new axis."""
    x: Any = node.inputs[0]
    if x.owner is None or type(x.owner.op) is not DimShuffle:
        return None
    order = x.owner.op.new_order
    entries = entries_of(node)
    gone = [k for k, e in enumerate(entries) if isinstance(e, int) and e in (0, -1) and order[k] == "x"]
    if not gone:
        return None
    inner = dimshuffle(x.owner.inputs[0], [o for k, o in enumerate(order) if k not in gone])
    rest = [e for k, e in enumerate(entries) if k not in gone]
    return [like(subtensor(inner, rest) if rest else inner, node.outputs[0])]


@rule(Subtensor, examples=[on(lambda a, b: Join()(0, dimshuffle(a, ("x", 0)), dimshuffle(b, ("x", 0)))[1], 1, 1)])
def subtensor_of_join(node: Apply) -> list[Any] | None:
    """stack(a, b)[1] -> b, where the lengths of the pieces before are known."""
    x: Any = node.inputs[0]
    if x.owner is None or type(x.owner.op) is not Join:
        return None
    axis = constant_dim(x.owner.inputs[0])
    entries = entries_of(node)
    if axis is None or not isinstance(x.owner.inputs[0], Constant):
        return None
    axis %= x.type.ndim
    if axis >= len(entries) or not isinstance(entries[axis], int) or entries[axis] < 0:
        return None
    index = entries[axis]
    for piece in x.owner.inputs[1:]:
        n = piece.type.shape[axis]
        if n is None:
            return None
        if index < n:
            part = subtensor(piece, [*entries[:axis], index, *entries[axis + 1 :]])
            return [like(part, node.outputs[0])]
        index -= n
    return None


@rule(Subtensor, examples=[on(lambda a, b: _written_and_read(a, b), 1, 0)])
def read_what_was_written(node: Apply) -> list[Any] | None:
    """set(x, i, y)[i] -> y; inc(0, i, y)[i] -> y."""
    x: Any = node.inputs[0]
    op: Any = node.op
    if x.owner is None or type(x.owner.op) is not IncSubtensor or x.owner.op.key != op.key:
        return None
    target, y, *values = x.owner.inputs
    if len(values) != len(node.inputs) - 1 or any(a is not b for a, b in zip(values, node.inputs[1:], strict=True)):
        return None
    (old,) = node.outputs
    if y.type.broadcastable != old.type.broadcastable or not (x.owner.op.set_instead_of_inc or is_constant(target, 0)):
        return None
    return [cast_to(y, old.type.dtype)]


def _written_and_read(a: Any, b: Any) -> Any:
    part = a[2]
    return part.owner.op(part.owner.op.writer(True)(a, b, *part.owner.inputs[1:]), *part.owner.inputs[1:])


def _incremented(a: Any, y: Any) -> Any:
    part = a[1:]
    return part.owner.op.writer(False)(a, y, *part.owner.inputs[1:])


@rule(IncSubtensor, AdvancedIncSubtensor, AdvancedIncSubtensor1, examples=[on(lambda a: _incremented(a, 0.0), 1)])
def useless_inc(node: Apply) -> list[Any] | None:
    """inc(x, i, 0) -> x."""
    x, y = node.inputs[:2]
    if node.op.set_instead_of_inc or not is_constant(y, 0):
        return None
    return [x]


def _whole_write(a: Any, y: Any, set_instead_of_inc: bool) -> Any:
    return a[:].owner.op.writer(set_instead_of_inc)(a, y)


@rule(
    IncSubtensor,
    examples=[on(lambda a, b: _whole_write(a, b, True), 2, 1), on(lambda a, b: _whole_write(a, b, False), 1, 1)],
)
def write_to_all(node: Apply) -> list[Any] | None:
    """set(x, :, y) -> y in the shape of x; inc(x, :, y) -> x + y."""
    x, y = node.inputs[:2]
    if not all(_is_whole(e, x, axis) for axis, e in enumerate(entries_of(node))):
        return None
    (old,) = node.outputs
    y = cast_to(y, old.type.dtype)
    if node.op.set_instead_of_inc:
        if y.type == old.type and not all(has_length(y, k, axis_origin(x, k)) for k in range(y.type.ndim)):
            return [like(Alloc()(y, *shape_list(x)), old)]  # which checks the lengths
        return [like(y, old, [x])]
    return [like(m.add(x, y), old)]


# -- join and split ----------------------------------------------------------------------------------------------------


@rule(Join, examples=[on(lambda a: Join()(0, a), 1)])
def join_of_one(node: Apply) -> list[Any] | None:
    """join(axis, x) -> x."""
    return [node.inputs[1]] if len(node.inputs) == 2 else None


@rule(Join, examples=[on(lambda a: Join()(0, a, literal([], a), a), 1)])
def join_of_nothing(node: Apply) -> list[Any] | None:
    """join(axis, x, empty, y) -> join(axis, x, y)."""
    axis, *pieces = node.inputs
    (old,) = node.outputs
    k = constant_dim(axis)
    if k is None:
        return None
    left: list[Any] = [p for p in pieces if p.type.shape[k] != 0]
    if len(left) == len(pieces) or not left or upcast(*(p.type.dtype for p in left)) != old.type.dtype:
        return None
    return [like(node.op(axis, *left), old)]


@rule(Join, examples=[on(lambda a: Join()(0, *Split(2)(a, 0, [1, a.shape[0] - 1])), 1)])
def join_of_split(node: Apply) -> list[Any] | None:
    """join(axis, *split(x, axis, lengths)) -> x."""
    axis, *pieces = node.inputs
    owner = pieces[0].owner
    if owner is None or type(owner.op) is not Split or owner.inputs[1] is not axis or len(owner.outputs) != len(pieces):
        return None
    if any(p is not o for p, o in zip(pieces, owner.outputs, strict=True)):
        return None
    return [like(owner.inputs[0], node.outputs[0])]


@rule(Split, examples=[on(lambda a, b: Split(2)(Join()(0, a, b), 0, [a.shape[0], b.shape[0]]), 1, 1)])
def split_of_join(node: Apply) -> list[Any] | None:
    """split(join(axis, a, b), axis, their lengths) -> a, b."""
    x, axis, lengths = node.inputs
    if x.owner is None or type(x.owner.op) is not Join or x.owner.inputs[0] is not axis:
        return None
    k, pieces = constant_dim(axis), x.owner.inputs[1:]
    if k is None or len(pieces) != len(node.outputs) or lengths.type.shape[0] is None:
        return None
    k %= x.type.ndim
    for piece, size in zip(pieces, vector_items(lengths), strict=True):
        if not has_length(piece, k, origin(size)):
            return None
    return [like(p, o, [o]) for p, o in zip(pieces, node.outputs, strict=True)]


# -- alloc -------------------------------------------------------------------------------------------------------------


@rule(Alloc, examples=[on(lambda a: Alloc()(a, a.shape[0]), 1)])
def useless_alloc(node: Apply) -> list[Any] | None:
    """alloc(x, *x.shape) -> x."""
    value: Any = node.inputs[0]
    if value.type != node.outputs[0].type:
        return None
    for axis, size in enumerate(node.inputs[1:]):
        if not has_length(value, axis, origin(size)):
            return None
    return [value]


@rule(Alloc, examples=[on(lambda a: Alloc()(Alloc()(a, 1, 4, 1), 5, 4, 2), 0)])
def alloc_of_alloc(node: Apply) -> list[Any] | None:
    """alloc(alloc(x, 1, n), m, n) -> alloc(x, m, n)."""
    value: Any = node.inputs[0]
    if value.owner is None or type(value.owner.op) is not Alloc:
        return None
    source, *inner = value.owner.inputs
    outer = node.inputs[1:]
    stretched = [True] * (len(inner) - source.type.ndim) + list(source.type.broadcastable)
    for a, b, free in zip(inner, outer[len(outer) - len(inner) :], stretched, strict=True):
        if a is not b and not (free and constant_dim(a) == 1):
            return None  # the outer alloc checks the length of the inner one
    return [like(node.op(source, *outer), node.outputs[0])]


@rule(
    m.second,
    examples=[on(lambda a: m.second(m.exp(a), 1.0), 2), on(lambda a, b: m.second(a, dimshuffle(b, (0, "x"))), 2, 1)],
)
def fill_to_alloc(node: Apply) -> list[Any] | None:
    """second(x, g) -> alloc(g, *x.shape): x need not be computed for its shape."""
    model, g = node.inputs
    (old,) = node.outputs
    shape: list[Any] = []
    for by_model, by_value, known in zip(shape_list(model), shape_list(g), old.type.shape, strict=True):
        shape.append(known if known is not None else by_value if constant_value(by_model) == 1 else by_model)
    value = dimshuffle(g, []) if all(g.type.broadcastable) else g
    return [like(Alloc()(value, *shape), old, [model])]


@rule(
    m.add,
    reason="x + 0 is x where nothing was written",
    examples=[on(lambda a, b: a + _incremented(m.second(a, literal(0, a)), b[1:]), 1, 1)],
)
def add_to_written_zeros(node: Apply) -> list[Any] | None:
    """x + inc(zeros, i, y) -> inc(x, i, y)."""
    inputs: list[Any] = node.inputs
    (old,) = node.outputs
    for k, v in enumerate(inputs):
        if v.owner is None or type(v.owner.op) not in _WRITERS:
            continue
        target, y, *values = v.owner.inputs
        if v.owner.op.set_instead_of_inc or not is_constant(target, 0) or v.type.dtype != old.type.dtype:
            continue
        others = [*inputs[:k], *inputs[k + 1 :]]
        rest = others[0] if len(others) == 1 else m.add(*others)
        if rest.type != old.type:
            continue
        return [v.owner.op(rest, y, *values)]
    return None


@rule(
    m.sub,
    reason="x - 0 is x where nothing was written",
    examples=[
        on(lambda a, b: a - _incremented(m.second(a, literal(0, a)), b[1:]), 1, 1),
        on(lambda a, b: _incremented(m.second(a, literal(0, a)), b[1:]) - a, 1, 1),
    ],
)
def subtract_written_zeros(node: Apply) -> list[Any] | None:
    """x - inc(zeros, i, y) -> inc(x, i, -y), inc(zeros, i, y) - x -> inc(-x, i, y)."""
    a, b = node.inputs
    (old,) = node.outputs
    for written, other in ((b, a), (a, b)):
        if written.owner is None or type(written.owner.op) not in _WRITERS or other.type != old.type:
            continue
        target, y, *values = written.owner.inputs
        if written.owner.op.set_instead_of_inc or not is_constant(target, 0) or written.type.dtype != old.type.dtype:
            continue
        signed = (other, m.neg(y)) if written is b else (m.neg(other), y)
        return [written.owner.op(*signed, *values)]
    return None


def counted(v: Any) -> Any:
    """n where `v` is arange(n), the integers from 0 up to a length n; else None."""
    if v.owner is None or type(v.owner.op) is not ARange or v.type.dtype != "int64":
        return None
    start, stop, step = v.owner.inputs
    known = is_constant(start, 0) and is_constant(step, 1) and stop.type.dtype == "int64"
    return stop if known and is_length(stop) else None


def _write_counted(a: Any, y: Any, set_instead_of_inc: bool) -> Any:
    return AdvancedIncSubtensor1(set_instead_of_inc=set_instead_of_inc)(a, y, ARange("int64")(0, shape_i(y, 0), 1))


@rule(
    AdvancedIncSubtensor1,
    reason="arange(n) names n places in order, each once",
    examples=[
        on(lambda a, b: _write_counted(a, b[: a.shape[0]], False), 1, 1),
        on(lambda a, b: _write_counted(a, b[: a.shape[0]], True), 2, 2),
    ],
)
def write_at_arange(node: Apply) -> list[Any] | None:
    """inc(x, arange(n), y) -> inc(x, :n, y), and likewise set, where y has rows (too large an n stays an error)."""
    x, y, index = node.inputs
    n = counted(index)
    if n is None or y.type.ndim != x.type.ndim or y.type.broadcastable[0]:
        return None
    part: Any = subtensor(x, [slice(None, n)])
    return [part.owner.op.writer(node.op.set_instead_of_inc)(x, y, *part.owner.inputs[1:])]


@rule(Subtensor, examples=[on(lambda a: cast_to(a, "float16")[1:, 0], 2)])
def part_of_cast(node: Apply) -> list[Any] | None:
    """cast(x)[i] -> cast(x[i]): the labels of one batch are converted, not all."""
    owner = node.inputs[0].owner
    if owner is None or type(owner.op) is not Elemwise or not owner.op.scalar_op.params:
        return None
    return [owner.op(node.op(owner.inputs[0], *node.inputs[1:]))]


INDEXING = (
    useless_subtensor,
    subtensor_of_vector,
    take_of_vector,
    subtensor_of_fill,
    subtensor_of_join,
    read_what_was_written,
    merge_subtensors,
    useless_inc,
    write_to_all,
    subtensor_of_new_axis,
    join_of_one,
    join_of_nothing,
    join_of_split,
    split_of_join,
    useless_alloc,
    alloc_of_alloc,
)
LATE = (fill_to_alloc, write_at_arange, part_of_cast, add_to_written_zeros, subtract_written_zeros)
