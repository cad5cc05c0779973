"""Shapes and axes: what broadcasts (Rebroadcast), what is promised (SpecifyShape), axes moved, added and dropped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import DimShuffle, dimshuffle
from symtheano.tensor.reshape import Reshape, flatten, reshape
from symtheano.tensor.sizes import (
    Shape,
    Shape_i,
    fitted,
    get_vector_length,
    known_lengths,
    normal_axis,
    shape,
    shape_i,
    size_vector,
    vector_items,
)
from symtheano.tensor.type import TensorType, tensor_type

__all__ = [
    "Rebroadcast",
    "Reshape",
    "Shape",
    "Shape_i",
    "SpecifyShape",
    "addbroadcast",
    "expand_dims",
    "flatten",
    "get_vector_length",
    "is_flat",
    "moveaxis",
    "patternbroadcast",
    "reshape",
    "shape",
    "shape_i",
    "shape_padaxis",
    "shape_padleft",
    "shape_padright",
    "specify_shape",
    "squeeze",
    "swapaxes",
    "transpose",
    "unbroadcast",
]

Gradients = Sequence[Variable]


# -- ops -------------------------------------------------------------------------------------------------------------


class SpecifyShape(ArrayOp):
    """`x`, whose shape must be the given one: AssertionError at run time where it is not.

    The broadcast pattern does not change; known lengths become static knowledge.
    """

    __props__ = ()
    view_map = {0: [0]}

    def make_node(self, x: Any, shape: Any) -> Apply:
        x = as_tensor_variable(x)
        if isinstance(shape, (list, tuple)):  # None: this length is not specified
            shape = [shape_i(x, k) if n is None else n for k, n in enumerate(shape)]
        vector = size_vector(shape)
        count = vector.type.shape[0]
        if count is not None and count != x.type.ndim:
            raise AssertionError(_bad_promise(x, vector, f"{count} lengths for {x.type.ndim} dimensions"))
        lengths = known_lengths(vector, x.type.ndim)
        static = []
        for old, new in zip(x.type.shape, lengths, strict=True):
            if None not in (old, new) and old != new:
                raise AssertionError(_bad_promise(x, vector, f"the length {old} was specified as {new}"))
            static.append(old if old is not None or new == 1 else new)
        return Apply(self, [x, vector], [tensor_type(x.type.dtype, tuple(static))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.specify_shape(xp, {args[0]}, {args[1]})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        x, vector = node.inputs
        lengths = known_lengths(vector, x.type.ndim)
        items = vector_items(vector, x.type.ndim)
        return [tuple(item if n is None else n for item, n in zip(items, lengths, strict=True))]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False]]

    def L_op(self, inputs: Gradients, outputs: Gradients, output_grads: Gradients) -> list[Variable]:
        return [self(fitted(output_grads[0], outputs[0]), inputs[1]), disconnected_type()]

    def R_op(self, inputs: Gradients, eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0], inputs[1])]


def _bad_promise(x: Any, vector: Any, why: str) -> str:
    return explain(
        f"SpecifyShape: {why}.",
        operation="specify_shape",
        operands=[f"{x}: {x.type}, shape {x.type.shape}", f"specified: {vector}"],
        remedy="specify the shape that the value has",
    )


class Rebroadcast(ArrayOp):
    """`x` with another broadcast pattern: for each (axis, flag) whether that axis is broadcastable from here on.

    ValueError at run time where an axis declared broadcastable has another length than 1.
    """

    view_map = {0: [0]}

    def __init__(self, *axis: tuple[int, Any]):
        self.axis = {int(k): bool(flag) for k, flag in sorted(axis)}
        self._pairs = tuple(self.axis.items())

    __props__ = ("_pairs",)

    def __str__(self) -> str:
        flags = ["?" if k not in self.axis else str(int(self.axis[k])) for k in range(1 + max(self.axis, default=-1))]
        return f"Rebroadcast{{{','.join(flags)}}}"

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        static = list(x.type.shape)
        for k, flag in self._pairs:
            if not 0 <= k < x.type.ndim:
                raise ValueError(f"Trying to rebroadcast non-existent dimension {k} of {x}, which has type {x.type}")
            if flag and static[k] not in (None, 1):
                raise ShapeMismatchError(
                    explain(
                        f"Axis {k} of {x} has length {static[k]}: it cannot be made broadcastable.",
                        operation=str(self),
                        operands=[f"{x}: {x.type}, shape {x.type.shape}"],
                        remedy="only axes of length 1 broadcast",
                    )
                )
            static[k] = 1 if flag else None if static[k] == 1 else static[k]
        return Apply(self, [x], [tensor_type(x.type.dtype, tuple(static))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        unsure = tuple(k for k, flag in self._pairs if flag and not node.inputs[0].type.broadcastable[k])
        return f"kernels.unit_axes(xp, {args[0]}, {unsure})" if unsure else args[0]

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(1 if self.axis.get(k) else n for k, n in enumerate(shapes[0]))]

    def L_op(self, inputs: Gradients, outputs: Gradients, output_grads: Gradients) -> list[Variable]:
        x: Any = inputs[0]
        return [patternbroadcast(fitted(output_grads[0], outputs[0]), x.type.broadcastable)]

    def R_op(self, inputs: Gradients, eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0])]


# -- broadcast patterns ----------------------------------------------------------------------------------------------


def specify_shape(x: Any, shape: Any) -> Any:
    """`x`, checked at run time to have `shape` (else AssertionError). None leaves a length open.

    The broadcast pattern stays as it is.

    >>> specify_shape([[1, 2, 3], [4, 5, 6]], (2, None)).type.shape
    (2, 3)
    """
    return SpecifyShape()(x, shape)


def addbroadcast(x: Any, *axes: int) -> Any:
    """`x` with these axes broadcastable. ValueError where one has not length 1 (when built, or else when run).

    >>> addbroadcast([[1, 2, 3]], 0).type
    TensorType(int64, row)
    """
    return _rebroadcast(as_tensor_variable(x), axes, True)


def unbroadcast(x: Any, *axes: int) -> Any:
    """`x` with these axes not broadcastable.

    >>> unbroadcast([[1, 2, 3]], 0).type
    TensorType(int64, matrix)
    """
    return _rebroadcast(as_tensor_variable(x), axes, False)


def _rebroadcast(x: Any, axes: Iterable[int], flag: bool) -> Any:
    pattern = list(x.type.broadcastable)
    for axis in axes:
        pattern[normal_axis(axis, x.type.ndim, "addbroadcast" if flag else "unbroadcast", x)] = flag
    return patternbroadcast(x, pattern)


def patternbroadcast(x: Any, broadcastable: Iterable[Any]) -> Any:
    """`x` with exactly this broadcast pattern; axes declared broadcastable are checked to have length 1 (ValueError).

    >>> patternbroadcast([[1, 2, 3]], (False, False)).type
    TensorType(int64, matrix)
    """
    x, pattern = as_tensor_variable(x), tuple(bool(b) for b in broadcastable)
    if len(pattern) != x.type.ndim:
        raise ValueError(f"a broadcast pattern for {x} needs {x.type.ndim} flags; got {pattern}")
    changes = [(k, new) for k, (old, new) in enumerate(zip(x.type.broadcastable, pattern, strict=True)) if old != new]
    return Rebroadcast(*changes)(x) if changes else x


def is_flat(var: Any, ndim: int | None = None, outdim: int | None = None) -> bool:
    """Whether `var` has `ndim` dimensions (1 where not said). `outdim` is the older name of ndim.

    ValueError for both.

    >>> is_flat(as_tensor_variable([1, 2]))
    True
    """
    if outdim is not None and ndim is not None:
        raise ValueError("You should only specify ndim: outdim is its older name")
    return bool(var.ndim == (ndim or outdim or 1))


# -- axes ------------------------------------------------------------------------------------------------------------


def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """`x` with its axes reversed, or in the order `axes`. The reversed x is called "x.T".

    >>> transpose([[1, 2, 3], [4, 5, 6]]).type.shape
    (3, 2)
    """
    x = as_tensor_variable(x)
    ndim = x.type.ndim
    back = list(range(ndim))[::-1]
    order = back if axes is None else [normal_axis(a, ndim, "transpose", x) for a in axes]
    if sorted(order) != back[::-1]:
        raise ValueError(f"transpose: axes {tuple(axes or ())} must name each of the {ndim} axes of {x} once")
    out = DimShuffle(x.type.broadcastable, order)(x)
    if x.name and order == back:
        out.name = f"{x.name}.T"
    return out


def swapaxes(y: Any, axis1: int, axis2: int) -> Any:
    """`y` with two axes exchanged.

    >>> swapaxes([[1, 2, 3], [4, 5, 6]], 0, -1).type.shape
    (3, 2)
    """
    y = as_tensor_variable(y)
    order = list(range(y.type.ndim))
    a, b = (normal_axis(k, y.type.ndim, "swapaxes", y) for k in (axis1, axis2))
    order[a], order[b] = b, a
    return DimShuffle(y.type.broadcastable, order)(y)


def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """`x` with the axes `source` at the positions `destination`; the others keep their order.

    >>> moveaxis([[[1], [2]]], 1, 0).type.shape
    (2, 1, 1)
    """
    x = as_tensor_variable(x)
    ndim = x.type.ndim
    sources = [normal_axis(a, ndim, "moveaxis", x) for a in _axes(source)]
    targets = [normal_axis(a, ndim, "moveaxis", x) for a in _axes(destination)]
    if len(sources) != len(targets) or len(set(sources)) < len(sources) or len(set(targets)) < len(targets):
        raise ValueError(f"moveaxis: {source} and {destination} must name the same number of different axes")
    order = [k for k in range(ndim) if k not in sources]
    for target, k in sorted(zip(targets, sources, strict=True)):
        order.insert(target, k)
    return dimshuffle(x, order)


def _axes(axis: Any) -> list[Any]:
    return list(axis) if isinstance(axis, (list, tuple)) else [axis]


def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> Any:
    """`x` without its broadcastable axes; `axis`: without these, which must have length 1 (ValueError).

    >>> squeeze([[[1], [2], [3]]]).type
    TensorType(int64, vector)
    """
    x = as_tensor_variable(x)
    if axis is None:
        drop = {k for k, b in enumerate(x.type.broadcastable) if b}
    else:
        drop = {normal_axis(a, x.type.ndim, "squeeze", x) for a in _axes(axis)}
        x = addbroadcast(x, *sorted(drop))
    return dimshuffle(x, [k for k in range(x.type.ndim) if k not in drop])


def expand_dims(x: Any, axis: int | Sequence[int]) -> Any:
    """`x` with broadcastable axes added at the positions `axis` of the result.

    >>> expand_dims([1, 2, 3], (0, -1)).type.broadcastable
    (True, False, True)
    """
    x = as_tensor_variable(x)
    axes = _axes(axis)
    ndim = x.type.ndim + len(axes)
    new = {normal_axis(a, ndim, "expand_dims", x) for a in axes}
    if len(new) < len(axes):
        raise ValueError(f"expand_dims: repeated axis in {axis}")
    old = iter(range(x.type.ndim))
    return dimshuffle(x, ["x" if k in new else next(old) for k in range(ndim)])


def shape_padleft(t: Any, n_ones: int = 1) -> Any:
    """`t` with n_ones broadcastable axes in front.

    >>> shape_padleft([1, 2, 3]).type
    TensorType(int64, row)
    """
    t = as_tensor_variable(t)
    return DimShuffle(t.type.broadcastable, ["x"] * n_ones + list(range(t.type.ndim)))(t)


def shape_padright(t: Any, n_ones: int = 1) -> Any:
    """`t` with n_ones broadcastable axes at the end.

    >>> shape_padright([1, 2, 3]).type
    TensorType(int64, col)
    """
    t = as_tensor_variable(t)
    return DimShuffle(t.type.broadcastable, list(range(t.type.ndim)) + ["x"] * n_ones)(t)


def shape_padaxis(t: Any, axis: int) -> Any:
    """`t` with one broadcastable axis added, which is axis `axis` of the result. IndexError where it cannot be.

    >>> shape_padaxis([1, 2, 3], -1).type
    TensorType(int64, col)
    """
    t = as_tensor_variable(t)
    order: list[Any] = list(range(t.type.ndim))
    order.insert(normal_axis(axis, t.type.ndim + 1, "shape_padaxis", t), "x")
    return DimShuffle(t.type.broadcastable, order)(t)


TensorType.rebroadcast = staticmethod(patternbroadcast)
