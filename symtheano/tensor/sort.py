"""Sorting along an axis: sort and argsort."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.errors import explain
from symtheano.graph.null import NullType, disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.arange import arange
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import dimshuffle, zeros_of
from symtheano.tensor.index import index
from symtheano.tensor.math import cast
from symtheano.tensor.reshape import flatten
from symtheano.tensor.sizes import as_size, constant_dim, normal_axis, shape_i
from symtheano.tensor.topk import TopKOp, argtopk, topk, topk_and_argtopk
from symtheano.tensor.type import tensor_type

__all__ = ["ArgSortOp", "SortOp", "TopKOp", "argsort", "argtopk", "sort", "topk", "topk_and_argtopk"]

KINDS = ("quicksort", "mergesort", "heapsort", "stable")
_NO_GRADIENT = "sort along an axis that is known only when it runs has no derivative; give the axis as an int"


class _Sorting(ArrayOp):
    """What sorting and its permutation have in common: inputs (x, axis). kind: numpy's algorithm; order: nothing."""

    __props__ = ("kind", "order")
    function: str

    def __init__(self, kind: str = "quicksort", order: Any = None):
        if kind not in KINDS:
            raise ValueError(f"{self.function}: kind must be one of {', '.join(KINDS)}; got {kind!r}")
        if order:
            raise ValueError("order= is for arrays with fields, which tensors are not")
        self.kind, self.order = kind, None

    def make_node(self, x: Any, axis: Any = -1) -> Apply:
        x = as_tensor_variable(x)
        if isinstance(axis, Variable) and not is_discrete(axis.type.dtype):
            axis = cast(axis, "int64")  # Theano takes floats too
        axis = as_size(axis)
        if x.type.ndim == 0:
            raise ValueError(explain(f"{self.function} needs at least one axis.", operands=[f"{x}: {x.type}"]))
        known = constant_dim(axis)
        if known is not None:
            axis = as_size(normal_axis(known, x.type.ndim, self.function, x))
        return Apply(self, [x, axis], [tensor_type(self._dtype(x), x.type.shape)()])

    def _dtype(self, x: Any) -> str:
        raise NotImplementedError

    def array(self, node: Apply, let: Let, *args: str) -> str:
        kind = "" if self.kind == "quicksort" else f", kind={self.kind!r}"
        known = constant_dim(node.inputs[1])
        return f"xp.{self.function}({args[0]}, axis={f'int({args[1]})' if known is None else known}{kind})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False]]


class ArgSortOp(_Sorting):
    """The positions, int64, that sort x along an axis: inputs (x, axis). Its gradient is zero."""

    function = "argsort"

    def _dtype(self, x: Any) -> str:
        return "int64"

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [zeros_of(inputs[0]), disconnected_type()]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None]


class SortOp(_Sorting):
    """x sorted along an axis, nan at the end: inputs (x, axis). Its gradient goes back to where elements came from."""

    function = "sort"

    def _dtype(self, x: Any) -> str:
        return str(x.type.dtype)

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any
        x, axis = inputs
        if is_discrete(x.type.dtype):
            return [zeros_of(x), disconnected_type()]
        known = constant_dim(axis)
        if known is None:
            return [NullType(_NO_GRADIENT)(), disconnected_type()]
        ranks = ArgSortOp()(self._order(x, axis), axis)
        return [along(output_grads[0], ranks, known), disconnected_type()]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        x: Any
        x, axis = inputs
        tangent, known = eval_points[0], constant_dim(axis)
        if tangent is None or is_discrete(x.type.dtype):
            return [None]
        if known is None:
            return [NullType(_NO_GRADIENT)()]
        return [along(tangent, self._order(x, axis), known)]

    def _order(self, x: Any, axis: Any) -> Any:
        return ArgSortOp(self.kind)(x, axis)


def along(x: Any, positions: Any, axis: int) -> Any:
    """The elements of x at `positions` along an axis: y[i, j, k] = x[i, positions[i, j, k], k] for axis 1."""
    ndim = x.type.ndim
    places = [
        positions if k == axis else dimshuffle(arange(shape_i(x, k)), ["x"] * k + [0] + ["x"] * (ndim - 1 - k))
        for k in range(ndim)
    ]
    return index(x, tuple(places))


def sort(a: Any, axis: Any = -1, kind: str = "quicksort", order: None = None) -> Any:
    """`a` sorted along an axis (None: flattened first); nan at the end.

    axis: an int; or an integer scalar that is known at run time only, and then there is no gradient.

    >>> sort(np.array([3, 1, 2])).type.dtype
    'int64'
    """
    return _sorting(SortOp, a, axis, kind, order)


def argsort(a: Any, axis: Any = -1, kind: str = "quicksort", order: None = None) -> Any:
    """The positions, int64, that sort `a` along an axis (None: flattened first).

    Arguments as for `sort`.

    >>> argsort([3, 1, 2]).eval()
    array([1, 2, 0])
    """
    return _sorting(ArgSortOp, a, axis, kind, order)


def _sorting(op: type[_Sorting], a: Any, axis: Any, kind: str, order: None) -> Any:
    a = as_tensor_variable(a)
    if axis is None:
        a, axis = flatten(a), 0
    return op(kind, order)(a, int(axis) if isinstance(axis, np.ndarray) else axis)
