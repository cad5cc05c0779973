"""Copies along axes: repeat, tile, broadcast_to; and roll, which moves elements around an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.alloc import alloc
from symtheano.tensor.arange import arange
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable, make_constant
from symtheano.tensor.elemwise import dimshuffle, zeros_of
from symtheano.tensor.index_advanced import AdvancedIncSubtensor1
from symtheano.tensor.join import join
from symtheano.tensor.reshape import flatten, reshape
from symtheano.tensor.shape import moveaxis, patternbroadcast
from symtheano.tensor.sizes import (
    as_int64,
    as_size,
    constant_dim,
    fitted,
    is_integer,
    normal_axis,
    shape_i,
    shape_list,
    size_vector,
    total_size,
    vector_items,
)
from symtheano.tensor.type import tensor_type

__all__ = ["RepeatOp", "Roll", "broadcast_to", "repeat", "roll", "tile"]

Gradients = Sequence[Variable]


class RepeatOp(ArrayOp):
    """Each element of `x` along `axis` (None: of the flattened x) as often as `repeats` says.

    repeats: an integer scalar, or a vector with one count for each element of the axis.
    """

    __props__ = ("axis",)

    def __init__(self, axis: int | None = None):
        self.axis = axis

    def make_node(self, x: Any, repeats: Any) -> Apply:
        x, repeats = as_tensor_variable(x), as_tensor_variable(repeats)
        _check_counts(repeats, "repeat")
        if self.axis is None:
            static: list[int | None] = [None]
        else:
            axis = normal_axis(self.axis, x.type.ndim, "repeat", x)
            static = list(x.type.shape)
            static[axis] = self._length(x, axis, repeats)
        return Apply(self, [x, repeats], [tensor_type(x.type.dtype, tuple(static))()])

    def _length(self, x: Any, axis: int, repeats: Any) -> int | None:
        """The length of the repeated axis; as in Theano it broadcasts only where nothing is repeated."""
        n = x.type.shape[axis]
        counts = repeats.data if isinstance(repeats, Constant) else None
        if repeats.type.ndim == 1 and None not in (n, repeats.type.shape[0]) and repeats.type.shape[0] not in (1, n):
            raise ShapeMismatchError(
                explain(
                    f"repeat: {repeats.type.shape[0]} counts for an axis of length {n}.",
                    operation=str(self),
                    operands=[f"{x}: {x.type}, shape {x.type.shape}", f"repeats = {repeats}: {repeats.type}"],
                    remedy="give one count, or one for each element of the axis",
                )
            )
        if counts is None:
            return None
        total = None
        if counts.ndim == 1 and counts.size != 1:
            total = int(counts.sum())
        elif n is not None:
            total = n * int(counts.sum())
        return total if total != 1 or n == 1 else None

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"xp.repeat({args[0]}, {args[1]}.tolist(), axis={self.axis})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        repeats: Any = node.inputs[1]
        old = list(shapes[0])
        axis = None if self.axis is None else self.axis % len(old)
        n = total_size(old) if axis is None else old[axis]
        if repeats.type.ndim == 0:
            new = total_size([n, as_int64(repeats)])
        elif repeats.type.broadcastable[0]:
            new = total_size([n, as_int64(repeats[0])])
        else:
            new = as_int64(repeats.sum())
        return [(new,) if axis is None else (*old[:axis], new, *old[axis + 1 :])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False]]

    def L_op(self, inputs: Gradients, outputs: Gradients, output_grads: Gradients) -> list[Variable]:
        x: Any
        repeats: Any
        x, repeats = inputs
        if is_discrete(x.type.dtype):
            return [zeros_of(x), disconnected_type()]
        g: Any = fitted(output_grads[0], outputs[0])
        if self.axis is None:
            flat = self._folded(g, 0, total_size(shape_list(x)), repeats)
            g = reshape(flat, shape_list(x), x.type.ndim)
        else:
            axis = self.axis % x.type.ndim
            g = moveaxis(self._folded(moveaxis(g, axis, 0), axis, shape_i(x, axis), repeats), 0, axis)
        return [patternbroadcast(g, x.type.broadcastable), disconnected_type()]

    def _folded(self, g: Any, axis: int, length: Any, repeats: Any) -> Any:
        """The sum of the copies of each element: `g` has the repeated axis in front."""
        source = RepeatOp(0)(arange(length), repeats)  # for each copy, which element it is of
        zeros = alloc(make_constant(np.zeros((), g.type.dtype)), length, *shape_list(g)[1:])
        return AdvancedIncSubtensor1()(zeros, g, source)

    def R_op(self, inputs: Gradients, eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0], inputs[1])]


class Roll(ArrayOp):
    """`x` with its elements moved `shift` (an integer scalar) places along `axis`, around the end."""

    __props__ = ("axis",)

    def __init__(self, axis: int):
        self.axis = axis

    def make_node(self, x: Any, shift: Any) -> Apply:
        x, shift = as_tensor_variable(x), as_size(shift)
        normal_axis(self.axis, x.type.ndim, "roll", x)
        return Apply(self, [x, shift], [tensor_type(x.type.dtype, x.type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        known = constant_dim(node.inputs[1])
        shift = f"int({args[1]})" if known is None else known
        return f"xp.roll({args[0]}, {shift}, axis={self.axis})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False]]

    def L_op(self, inputs: Gradients, outputs: Gradients, output_grads: Gradients) -> list[Variable]:
        x: Any = inputs[0]
        if is_discrete(x.type.dtype):
            return [zeros_of(x), disconnected_type()]
        shift: Any = inputs[1]
        return [self(fitted(output_grads[0], outputs[0]), -shift), disconnected_type()]

    def R_op(self, inputs: Gradients, eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0], inputs[1])]


def _check_counts(repeats: Any, operation: str) -> None:
    if repeats.type.ndim > 1:
        raise ValueError(f"The dimension of repeats should not exceed 1; {repeats} has type {repeats.type}")
    if not is_integer(repeats.type.dtype) or repeats.type.dtype == "uint64":
        raise TypeError(f"{operation} needs integer counts (but not uint64); {repeats} has type {repeats.type}")


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element of `x` along `axis` (None: of x flattened) `repeats` times.

    repeats: an integer or 0-d integer variable; or an integer vector, one count for each element of the axis.
    Raises ValueError where the axis does not exist or repeats has more than one dimension, TypeError where its dtype
    is no integer.

    >>> repeat([[1, 2]], 3, axis=1).type.shape
    (1, 6)
    """
    counts: Any = as_tensor_variable(repeats)
    x = as_tensor_variable(x)
    _check_counts(counts, "repeat")
    if axis is not None and not -x.type.ndim <= axis < x.type.ndim:
        raise ValueError(f"Axis should not exceed x.ndim-1: repeat along axis {axis} of {x}, which has type {x.type}")
    if counts.type.ndim == 1:
        if not counts.type.broadcastable[0]:
            return RepeatOp(axis)(x, counts)
        counts = counts[0]
    if axis is None:
        x, axis = flatten(x), 0
    axis %= x.type.ndim
    lengths, count = shape_list(x), as_size(counts)
    order: list[Any] = list(range(x.type.ndim))
    order.insert(axis + 1, "x")
    copies = alloc(dimshuffle(x, order), *lengths[: axis + 1], count, *lengths[axis + 1 :])
    lengths[axis] = total_size([lengths[axis], count])
    return reshape(copies, lengths)


def tile(x: Any, reps: Any, ndim: int | None = None) -> Any:
    """`x` as a tile laid `reps` times along each axis.

    reps: an integer, a list or tuple of integers and 0-d integer variables, or an integer vector (with `ndim`, the
    dimensions of the result, where its length is not known). Where there are fewer reps than axes, 1s are added in
    front; where there are more, axes of length 1 are added to x. Raises ValueError where reps or ndim do not fit.

    >>> tile([[1, 2]], (2, 3)).type.shape
    (2, 6)
    """
    x = as_tensor_variable(x)
    if ndim is not None and ndim < x.type.ndim:
        raise ValueError(f"ndim should be equal or larger than x.ndim: {ndim} is less than {x.type.ndim}")
    counts = _tile_counts(reps, ndim)
    ndim = max(len(counts), x.type.ndim) if ndim is None else ndim
    if len(counts) > ndim:
        raise ValueError(f"len(reps) should be equal or less than ndim; got {len(counts)} reps for ndim={ndim}")
    counts = [as_size(1)] * (ndim - len(counts)) + counts
    new = ndim - x.type.ndim
    lengths = [as_size(1)] * new + shape_list(x)
    order: list[Any] = ["x", "x"] * new
    for k in range(x.type.ndim):
        order += ["x", k]
    copies = alloc(dimshuffle(x, order), *(n for pair in zip(counts, lengths, strict=True) for n in pair))
    return reshape(copies, [total_size(pair) for pair in zip(counts, lengths, strict=True)])


def _tile_counts(reps: Any, ndim: int | None) -> list[Any]:
    if isinstance(reps, (list, tuple)):
        try:
            return [as_size(r) for r in reps]
        except TypeError as error:
            raise ValueError(f"elements of reps must be scalars of integer dtype: {error}") from error
    counts: Any = as_tensor_variable(reps)
    if not is_integer(counts.type.dtype):
        raise ValueError(f"elements of reps must be integer dtype; {counts} has type {counts.type}")
    if counts.type.ndim > 1:
        raise ValueError(f"the dimension of reps should not exceed 1; {counts} has type {counts.type}")
    if counts.type.ndim == 0:
        return [as_size(counts)]
    if counts.type.shape[0] is not None:
        return vector_items(counts)
    if ndim is None:
        raise ValueError(f"if reps is tensor.vector, you should specify the ndim: the length of {counts} is unknown")
    ones = alloc(as_size(1), as_size(ndim) - shape_i(counts, 0))  # a negative length, which fails, where reps has more
    padded = join(0, ones, as_int64(counts))
    return [padded[k] for k in range(ndim)]


def roll(x: Any, shift: Any, axis: int | None = None) -> Any:
    """`x` with its elements moved `shift` places along `axis`; those that leave at one end come in at the other.

    shift: an integer or 0-d integer variable. axis None: x is rolled as if it were flat. IndexError where there is no
    such axis.

    >>> roll(np.arange(5), 2).type.shape
    (5,)
    """
    x = as_tensor_variable(x)
    if axis is None:
        if x.type.ndim != 1:
            return reshape(roll(flatten(x), shift, 0), shape_list(x), x.type.ndim)
        axis = 0
    axis = normal_axis(axis, x.type.ndim, "roll", x)
    return Roll(axis)(x, as_size(shift))


def broadcast_to(x: Any, shape: Any) -> Any:
    """`x` broadcast to `shape` (sizes, or an integer vector of known length), as a new array.

    Only axes that are broadcastable by their type are stretched; ValueError where another length differs.

    >>> broadcast_to(np.zeros((1, 3)), (2, 3)).type.shape
    (2, 3)
    """
    return alloc(x, *vector_items(size_vector(shape)))
