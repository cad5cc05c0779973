"""Shapes are reasoned, not measured: no Shape of a computed value survives. And views that undo one another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import cast_to, like
from symtheano.compile.rules.memo import Memo
from symtheano.errors import ShapeError
from symtheano.graph.op import has_own
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.scalar import cast as cast_row
from symtheano.scalar.dtypes import ALL_DTYPES, COMPLEX, upcast
from symtheano.tensor.elemwise import DimShuffle, Elemwise, dimshuffle, functions
from symtheano.tensor.reshape import Reshape
from symtheano.tensor.shape import Rebroadcast, SpecifyShape
from symtheano.tensor.sizes import (
    MakeVector,
    Origin,
    Shape,
    Shape_i,
    as_size,
    axis_origin,
    origin,
    origins,
    shape_i,
    shape_list,
)
from symtheano.tensor.type import TensorType

m = functions
_inferred: Memo[Sequence[Any] | None] = Memo("inferred")  # a node of a closed graph never changes


@rule(Shape, examples=[on(lambda a: Shape()(m.exp(a)), 2)])
def shape_vector(node: Apply) -> list[Any] | None:
    """shape(x) -> a vector of the lengths of x's axes, each known or reasoned by itself."""
    return [MakeVector("int64")(*shape_list(node.inputs[0]))]


@rule(Shape_i, examples=[on(lambda a: Shape_i(0)(m.exp(a)), 2)])
def length(node: Apply) -> list[Any] | None:
    """The length of an axis: the static one, or what the op's shape rule says of the lengths of its inputs."""
    x: Any = node.inputs[0]
    axis = node.op.i
    known = x.type.shape[axis]
    if known is not None:
        return [as_size(known)]
    if x.owner is None:
        return None
    shapes = inferred(x.owner)
    if shapes is None or shapes[x.index] is None:
        return None
    found = as_size(shapes[x.index][axis])
    return None if found is node.outputs[0] or _is_length_of(found, x, axis) else [found]


def _is_length_of(v: Any, x: Any, axis: int) -> bool:
    return v.owner is not None and isinstance(v.owner.op, Shape_i) and v.owner.inputs[0] is x and v.owner.op.i == axis


def inferred(node: Apply) -> Sequence[Any] | None:
    """The shapes of a node's outputs by its op's shape rule; None where there is none or it gives up."""
    if node in _inferred:
        return _inferred[node]
    result: Sequence[Any] | None = None
    if has_own(node.op, "infer_shape"):
        shapes = [tuple(shape_list(i)) if isinstance(i.type, TensorType) else None for i in node.inputs]
        try:
            result = node.op.infer_shape(node, shapes)
        except (NotImplementedError, ShapeError):  # it depends on values, or the op leaves it open
            result = None
        if result is not None and any(
            s is not None and len(s) != o.type.ndim for s, o in zip(result, node.outputs, strict=True)
        ):
            raise ValueError(
                f"{node.op}.infer_shape gave {result} for outputs of types {[str(o.type) for o in node.outputs]}"
            )
    _inferred[node] = result
    return result


def source_length(x: Any, axis: int) -> Origin:
    """Where the length of an axis comes from: a number, or an axis of the oldest variable that must have its length."""
    while True:
        found = axis_origin(x, axis)
        if isinstance(found, int) or x.owner is None:
            return found
        shapes = inferred(x.owner)
        shape = None if shapes is None else shapes[x.index]
        before = None if shape is None else origin(shape[axis])
        if before is None or (not isinstance(before, int) and before[0] is x):
            return found
        if isinstance(before, int):
            return before
        x, axis = before


def has_length(x: Any, axis: int, found: Origin | None) -> bool:
    """Whether a size of this origin is known to be the length of x's axis."""
    if found is None:
        return False
    return source_length(x, axis) == (found if isinstance(found, int) else source_length(*found))


# -- views -----------------------------------------------------------------------------------------------------------


@rule(DimShuffle, examples=[on(lambda a: dimshuffle(dimshuffle(a, (1, "x", 0)), (2, 0)), 2)])
def merge_dimshuffles(node: Apply) -> list[Any] | None:
    """A dimshuffle that moves nothing disappears; one of another is one."""
    x: Any = node.inputs[0]
    order = node.op.new_order
    if order == tuple(range(x.type.ndim)):
        return [x]
    if x.owner is None or type(x.owner.op) is not DimShuffle:
        return None
    first = x.owner.op.new_order
    return [dimshuffle(x.owner.inputs[0], ["x" if o == "x" else first[o] for o in order])]


@rule(Reshape, examples=[on(lambda a: Reshape(1)(Reshape(2)(a, [-1, 2]), [-1]), 2)])
def merge_reshapes(node: Apply) -> list[Any] | None:
    """reshape(reshape(x, s), t) -> reshape(x, t)."""
    x: Any = node.inputs[0]
    if x.owner is None or type(x.owner.op) is not Reshape:
        return None
    return [like(node.op(x.owner.inputs[0], node.inputs[1]), node.outputs[0])]


@rule(Reshape, examples=[on(lambda a: Reshape(2)(a, [shape_i(a, 0), -1]), 2)])
def useless_reshape(node: Apply) -> list[Any] | None:
    """reshape(x, x.shape) -> x, where all lengths but one are known to be those of x."""
    x: Any = node.inputs[0]
    (old,) = node.outputs
    if x.type != old.type:
        return None
    agree = 0
    for axis, found in enumerate(origins(node.inputs[1], x.type.ndim)):
        if has_length(x, axis, found):
            agree += 1
        elif found != -1:
            return None  # a length nobody knows: reshape also checks it
    return [x] if agree >= x.type.ndim - 1 else None


@rule(Reshape, examples=[on(lambda a: Reshape(1)(dimshuffle(a, ("x", 0, "x", 1)), [-1]), 2)])
def reshape_of_padded(node: Apply) -> list[Any] | None:
    """reshape(dimshuffle(x, "x", 0), s) -> reshape(x, s): axes of length 1 do not matter to it."""
    x: Any = node.inputs[0]
    if x.owner is None or type(x.owner.op) is not DimShuffle:
        return None
    kept = [o for o in x.owner.op.new_order if o != "x"]
    if kept != sorted(kept):
        return None
    return [like(node.op(x.owner.inputs[0], node.inputs[1]), node.outputs[0])]


@rule(SpecifyShape, Rebroadcast, examples=[on(lambda a: SpecifyShape()(dimshuffle(a, ("x", 0)), [1, None]), 1)])
def useless_promise(node: Apply) -> list[Any] | None:
    """specify_shape and rebroadcast that say what the type knows disappear."""
    x: Any = node.inputs[0]
    (old,) = node.outputs
    if x.type != old.type:
        return None
    if isinstance(node.op, SpecifyShape):
        for axis, found in enumerate(origins(node.inputs[1], x.type.ndim)):
            if not has_length(x, axis, found):
                return None
    return [x]


_CASTS = tuple(Elemwise(cast_row(dtype)) for dtype in ALL_DTYPES)


@rule(*_CASTS, examples=[on(lambda a: cast_to(cast_to(a, "float64"), "float32"), 1, dtype="float32")])
def merge_casts(node: Apply) -> list[Any] | None:
    """A cast to the dtype that is there disappears; one of a widening cast needs no widening."""
    x: Any = node.inputs[0]
    target = node.outputs[0].type.dtype
    if x.type.dtype == target:
        return [x]
    if x.owner is None or x.owner.op not in _CASTS:
        return None
    source = x.owner.inputs[0]
    middle = x.type.dtype
    if upcast(source.type.dtype, middle) != middle or (middle in COMPLEX) != (source.type.dtype in COMPLEX):
        return None
    if middle == "bool" or (target == "bool" and source.type.dtype != middle and source.type.dtype in COMPLEX):
        return None
    return [cast_to(source, target)]


SHAPES = (shape_vector, length)
VIEWS = (
    merge_dimshuffles,
    merge_reshapes,
    reshape_of_padded,
    useless_reshape,
    useless_promise,
    merge_casts,
)
