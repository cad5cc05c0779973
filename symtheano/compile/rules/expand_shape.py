"""Ops that check, repeat and cut taken apart, for targets that make loops; see expand.py.

An Alloc whose value has all its axes computes nothing: it says what the lengths must be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.expand_index import Located, is_addable, scattered
from symtheano.compile.rules.match import cast_to, like, literal
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.alloc import Alloc, AllocEmpty
from symtheano.tensor.arange import ARange
from symtheano.tensor.diagonal import AllocDiag
from symtheano.tensor.diff import DiffOp
from symtheano.tensor.elemwise import DimShuffle, dimshuffle, functions
from symtheano.tensor.fill_diagonal import FillDiagonal, FillDiagonalOffset
from symtheano.tensor.gather import Place, Scatter
from symtheano.tensor.index import subtensor
from symtheano.tensor.index_basic import Subtensor
from symtheano.tensor.index_key import FULL, add
from symtheano.tensor.join import Join, Split
from symtheano.tensor.repeat import RepeatOp, Roll
from symtheano.tensor.reshape import Reshape
from symtheano.tensor.shape import Rebroadcast, SpecifyShape
from symtheano.tensor.shape_ops import MakeVector
from symtheano.tensor.sizes import (
    as_size,
    constant_dim,
    is_length,
    shape_i,
    shape_list,
    size_vector,
    total_size,
    vector_items,
)

m = functions


def of_lengths(x: Any, lengths: Sequence[Any]) -> Any:
    """x, which is checked to have these lengths."""
    return Alloc()(x, *lengths)


@rule(Rebroadcast, examples=[on(lambda a: Rebroadcast((0, True))(a), 2)])
def expand_rebroadcast(node: Apply) -> list[Any] | None:
    """rebroadcast(x) -> alloc(x, its lengths and ones), which checks them."""
    x: Any = node.inputs[0]
    (old,) = node.outputs
    if any(a and not b for a, b in zip(x.type.broadcastable, old.type.broadcastable, strict=True)):
        return None
    ones = old.type.broadcastable
    return [of_lengths(x, [as_size(1) if one else shape_i(x, k) for k, one in enumerate(ones)])]


@rule(SpecifyShape, examples=[on(lambda a, b: SpecifyShape()(a, [b.shape[0], None]), 2, 1)])
def expand_specify_shape(node: Apply) -> list[Any] | None:
    """specify_shape(x, lengths) -> alloc(x, lengths), which checks them."""
    x, vector = node.inputs
    (old,) = node.outputs
    result = of_lengths(x, vector_items(vector, x.type.ndim))
    return [result] if result.type == old.type else None


@rule(
    RepeatOp,
    examples=[
        on(lambda a: RepeatOp(0)(a, 3), 2),
        on(lambda a: RepeatOp(-1)(a, a.shape[0]), 3),
        on(lambda a: RepeatOp()(a, 2), 2),
    ],
)
def expand_repeat(node: Apply) -> list[Any] | None:
    """repeat(x, n), where n is a number -> the elements beside a new axis of length n, reshaped."""
    x, repeats = node.inputs
    (old,) = node.outputs
    known = constant_dim(repeats)
    if repeats.type.ndim or (not (known is not None and known >= 0) and not is_length(repeats)):
        return None
    times, lengths = as_size(repeats), shape_list(x)
    axis = x.type.ndim - 1 if node.op.axis is None else node.op.axis % x.type.ndim
    copies = Alloc()(
        dimshuffle(x, [*range(axis + 1), "x", *range(axis + 1, x.type.ndim)]),
        *lengths[: axis + 1],
        times,
        *lengths[axis + 1 :],
    )
    if node.op.axis is None:
        shape = [as_size(total_size([*lengths, times]))]
    else:
        shape = [*lengths[:axis], as_size(total_size([lengths[axis], times])), *lengths[axis + 1 :]]
    return [like(Reshape(len(shape))(copies, size_vector(shape)), old)]


@rule(
    Split,
    examples=[
        on(lambda a, b: list(Split(2)(Join()(0, a, b), 0, [shape_i(a, 0), shape_i(b, 0)])), 2, 2),
        on(lambda a: Split(3)(a, -1, [1, 0, 3])[2], 2),
    ],
)
def expand_split(node: Apply) -> list[Any] | None:
    """split(x, axis, lengths) -> parts of x, whose length is checked to be their sum."""
    x, axis, vector = node.inputs
    k = constant_dim(axis)
    sizes = vector_items(vector, len(node.outputs))
    if k is None or not all(is_length(n) for n in sizes):
        return None
    k %= x.type.ndim
    ends: list[Any] = []
    for position in range(len(sizes)):
        before = [n for n in sizes[: position + 1] if constant_dim(n) != 0]
        known = [constant_dim(n) for n in before]
        summed = sum(n for n in known if n is not None)
        unknown = [v for v, n in zip(before, known, strict=True) if n is None]
        terms = [*unknown, *([as_size(summed)] if summed or not unknown else [])]
        ends.append(terms[0] if len(terms) == 1 else m.add(*terms))
    whole = of_lengths(x, [ends[-1] if axis == k else n for axis, n in enumerate(shape_list(x))])
    parts: list[Any] = []
    for start, stop, old in zip([None, *ends[:-1]], ends, node.outputs, strict=True):
        last = stop is ends[-1]
        key: list[Any] = [FULL] * k + [slice(start, None if last else stop)]
        parts.append(like(subtensor(whole, key), old))
    return parts


@rule(
    Join,
    examples=[
        on(lambda a, b: Join()(0, a, b), 1, 1),
        on(lambda a, b: Join()(1, a, b, a), 2, 2),
        on(lambda a, b: Join()(-1, dimshuffle(a, (0, "x")), b, cast_to(dimshuffle(a, (0, "x")), "int8")), 1, 2),
    ],
)
def expand_join(node: Apply) -> list[Any] | None:
    """join(axis, a, b) -> an empty array with a and b set in it."""
    axis, *pieces = node.inputs
    (old,) = node.outputs
    k = constant_dim(axis)
    if k is None or len(pieces) < 2 or not (is_addable(old.type.dtype) or old.type.dtype == "bool"):
        return None
    k %= old.type.ndim
    offsets: list[Any] = [0]
    for piece in pieces:
        offsets.append(add(offsets[-1], known_or(shape_i(piece, k))))
    if offsets[-1] == 1:
        return None
    lengths = [as_size(offsets[-1]) if d == k else shape_i(pieces[0], d) for d in range(old.type.ndim)]
    ones = old.type.broadcastable
    result: Any = AllocEmpty(old.type.dtype)(*(as_size(1) if b else n for n, b in zip(lengths, ones, strict=True)))
    pattern = tuple(None if d == k else d for d in range(old.type.ndim))
    for piece, offset in zip(pieces, offsets, strict=False):
        place = _count(shape_i(piece, k), k, old.type.ndim)
        if piece.type.broadcastable[k]:
            place = dimshuffle(as_size(offset), ["x"] * old.type.ndim)
        elif not isinstance(offset, int) or offset:
            place = m.add(place, as_size(offset))
        result = scattered(Located(result, pattern, [place], old.type.ndim), piece, True)
    return [like(result, old)]


def known_or(size: Any) -> Any:
    """A size as an int where it is known."""
    known = constant_dim(size)
    return size if known is None else known


@rule(Roll, examples=[on(lambda a: Roll(0)(a, 1), 2), on(lambda a, b: Roll(-1)(a, shape_i(b, 0)), 2, 1)])
def expand_roll(node: Apply) -> list[Any] | None:
    """roll(x, n) -> join(x[-n:], x[:-n]), where n is counted within the axis."""
    x, shift = node.inputs
    axis = node.op.axis % x.type.ndim
    if x.type.broadcastable[axis]:
        return [x]
    n = shape_i(x, axis)
    cut = m.sub(n, m.mod(shift, m.maximum(n, as_size(1))))
    key = [FULL] * axis
    later, before = subtensor(x, [*key, slice(cut, None)]), subtensor(x, [*key, slice(None, cut)])
    return [like(Join()(as_size(axis), later, before), node.outputs[0])]


def _count(n: Any, axis: int, ndim: int) -> Any:
    """0, 1, ... along one of `ndim` axes."""
    return dimshuffle(ARange("int64")(as_size(0), n, as_size(1)), [0 if k == axis else "x" for k in range(ndim)])


@rule(
    AllocDiag,
    examples=[
        on(lambda a: AllocDiag()(a), 1),
        on(lambda a: AllocDiag(0, 2, 0)(a), 2),
        on(lambda a: AllocDiag(-1, 0, 2)(a, a.shape[1] + 1, a.shape[1] + 2), 2),
    ],
)
def expand_alloc_diag(node: Apply) -> list[Any] | None:
    """alloc_diag(v) -> switch(row == column, v, 0), or a Scatter of v into zeros."""
    v: Any = node.inputs[0]
    (old,) = node.outputs
    op: Any = node.op
    ndim = old.type.ndim
    if v.type.broadcastable[-1]:
        return None
    i, j = op.axes(ndim)
    rest = iter(range(v.type.ndim - 1))
    n = shape_i(v, v.type.ndim - 1)
    if op.offset or len(node.inputs) > 1:
        return _scattered_diagonal(node, n)
    value = dimshuffle(v, [v.type.ndim - 1 if k == i else "x" if k == j else next(rest) for k in range(ndim)])
    return [like(m.switch(m.eq(_count(n, i, ndim), _count(n, j, ndim)), value, literal(0, v)), old)]


def _scattered_diagonal(node: Apply, n: Any) -> list[Any] | None:
    v: Any = node.inputs[0]
    (old,) = node.outputs
    op: Any = node.op
    if not is_addable(v.type.dtype):
        return None
    axes = op.axes(old.type.ndim)
    rest = iter(range(v.type.ndim - 1))
    pattern = [None if k in axes else next(rest) for k in range(old.type.ndim)]
    starts = {axes[0]: max(-op.offset, 0), axes[1]: max(op.offset, 0)}
    places = []
    for axis in sorted(axes):  # those outside are refused, as by the op
        place = _count(n, v.type.ndim - 1, v.type.ndim)
        place = m.add(place, as_size(starts[axis])) if starts[axis] else place
        places.append(Place(False)(place, op.infer_shape(node, [tuple(shape_list(v)), (), ()])[0][axis]))
    zeros = Alloc()(literal(0, v), *op.infer_shape(node, [tuple(shape_list(v)), (), ()])[0])
    return [like(Scatter(pattern)(zeros, v, *places), old)]


@rule(
    FillDiagonal,
    FillDiagonalOffset,
    examples=[
        on(lambda a, b: FillDiagonal()(a, b), 2, 0),
        on(lambda a: FillDiagonalOffset()(a, literal(2, a), -1), 2),
    ],
)
def expand_fill_diagonal(node: Apply) -> list[Any] | None:
    """fill_diagonal(a, v) -> switch(row == column, v, a), of matrices; also of other diagonals."""
    a, value, *offset = node.inputs
    (old,) = node.outputs
    if a.type.ndim != 2 or any(a.type.broadcastable) or value.type.dtype != a.type.dtype:
        return None
    row, column = (_count(shape_i(a, k), k, 2) for k in range(2))
    if offset:
        column = m.sub(column, dimshuffle(offset[0], ("x", "x")))
    return [like(m.switch(m.eq(row, column), value, a), old)]


@rule(Reshape, examples=[on(lambda a: Reshape(1)(a.T, [-1]), 2), on(lambda a: Reshape(1)(a[:, 1:], [-1]), 2)])
def reshape_of_view(node: Apply) -> list[Any] | None:
    """reshape(view, shape) -> reshape(alloc(view, its shape), shape): what is reshaped lies dense in memory."""
    x: Any = node.inputs[0]
    if x.owner is None or type(x.owner.op) not in (DimShuffle, Subtensor):
        return None
    return [like(node.op(of_lengths(x, shape_list(x)), node.inputs[1]), node.outputs[0])]


@rule(MakeVector, examples=[on(lambda a, b: MakeVector("float64")(a, b, a), 0, 0)])
def expand_make_vector(node: Apply) -> list[Any] | None:
    """(a, b, c), of floats -> switch(place == 0, a, switch(place == 1, b, c)). (Of sizes it is a shape.)"""
    (old,) = node.outputs
    if not 1 < len(node.inputs) <= 16 or is_discrete(old.type.dtype):
        return None
    place = ARange("int64")(as_size(0), as_size(len(node.inputs)), as_size(1))
    result: Any = node.inputs[-1]
    for k in reversed(range(len(node.inputs) - 1)):
        result = m.switch(m.eq(place, as_size(k)), node.inputs[k], result)
    return [like(result, old)]


@rule(DiffOp, examples=[on(lambda a: DiffOp(2, 0)(a), 2), on(lambda a: DiffOp()(a), 1)])
def expand_diff(node: Apply) -> list[Any] | None:
    """diff(x) -> x[1:] - x[:-1], n times."""
    x: Any = node.inputs[0]
    op: Any = node.op
    axis = op.axis % x.type.ndim
    if x.type.broadcastable[axis] or x.type.dtype == "bool":
        return None
    for _ in range(op.n):
        later, before = (subtensor(x, [FULL] * axis + [cut]) for cut in (slice(1, None), slice(None, -1)))
        x = m.sub(later, before)
    return [like(x, node.outputs[0])]


SHAPED: tuple[Any, ...] = (
    reshape_of_view,
    expand_make_vector,
    expand_diff,
    expand_rebroadcast,
    expand_specify_shape,
    expand_repeat,
    expand_split,
    expand_join,
    expand_roll,
    expand_alloc_diag,
    expand_fill_diagonal,
)
