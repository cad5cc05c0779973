"""Sorting along an axis: sort and argsort."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.errors import explain
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.arange import arange
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import dimshuffle, zeros_of
from symtheano.tensor.index import index
from symtheano.tensor.reshape import flatten
from symtheano.tensor.sizes import normal_axis, shape_i
from symtheano.tensor.type import tensor_type

__all__ = ["ArgSortOp", "SortOp", "argsort", "sort"]

KINDS = ("quicksort", "mergesort", "heapsort", "stable")


class _Sorting(ArrayOp):
    """What sorting and its permutation have in common. axis: counted from the front; kind: numpy's algorithm."""

    __props__ = ("axis", "kind")
    function: str

    def __init__(self, axis: int, kind: str = "quicksort"):
        if kind not in KINDS:
            raise ValueError(f"{self.function}: kind must be one of {', '.join(KINDS)}; got {kind!r}")
        self.axis, self.kind = axis, kind

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        normal_axis(self.axis, x.type.ndim, self.function, x)
        return Apply(self, [x], [tensor_type(self._dtype(x), x.type.shape)()])

    def _dtype(self, x: Any) -> str:
        raise NotImplementedError

    def array(self, node: Apply, let: Let, *args: str) -> str:
        kind = "" if self.kind == "quicksort" else f", kind={self.kind!r}"
        return f"xp.{self.function}({args[0]}, axis={self.axis}{kind})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]


class ArgSortOp(_Sorting):
    """The positions, int64, that sort x along an axis. Its gradient is zero."""

    function = "argsort"

    def _dtype(self, x: Any) -> str:
        return "int64"

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [zeros_of(inputs[0])]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None]


class SortOp(_Sorting):
    """x sorted along an axis, nan at the end. Its gradient goes back to where the elements came from."""

    function = "sort"

    def _dtype(self, x: Any) -> str:
        return str(x.type.dtype)

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any = inputs[0]
        if is_discrete(x.type.dtype):
            return [zeros_of(x)]
        ranks = ArgSortOp(self.axis)(self._order(x))
        return [along(output_grads[0], ranks, self.axis)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        x: Any = inputs[0]
        tangent = eval_points[0]
        if tangent is None or is_discrete(x.type.dtype):
            return [None]
        return [along(tangent, self._order(x), self.axis)]

    def _order(self, x: Any) -> Any:
        return ArgSortOp(self.axis, self.kind)(x)


def along(x: Any, positions: Any, axis: int) -> Any:
    """The elements of x at `positions` along an axis: y[i, j, k] = x[i, positions[i, j, k], k] for axis 1."""
    ndim = x.type.ndim
    places = [
        positions if k == axis else dimshuffle(arange(shape_i(x, k)), ["x"] * k + [0] + ["x"] * (ndim - 1 - k))
        for k in range(ndim)
    ]
    return index(x, tuple(places))


def sort(a: Any, axis: int | None = -1, kind: str = "quicksort", order: None = None) -> Any:
    """`a` sorted along an axis (None: flattened first); nan at the end.

    >>> sort(np.array([3, 1, 2])).type.dtype
    'int64'
    """
    return _sorting(SortOp, a, axis, kind, order)


def argsort(a: Any, axis: int | None = -1, kind: str = "quicksort", order: None = None) -> Any:
    """The positions, int64, that sort `a` along an axis (None: flattened first)."""
    return _sorting(ArgSortOp, a, axis, kind, order)


def _sorting(op: type[_Sorting], a: Any, axis: int | None, kind: str, order: None) -> Any:
    a = as_tensor_variable(a)
    if order is not None:
        raise ValueError("order= is for arrays with fields, which tensors are not")
    if axis is None:
        a, axis = flatten(a), 0
    if a.type.ndim == 0:
        raise ValueError(explain(f"{op.function} needs at least one axis.", operands=[f"{a}: {a.type}"]))
    if isinstance(axis, Variable):
        axis = int(axis.get_scalar_constant_value())  # type: ignore[attr-defined]
    return op(normal_axis(int(np.asarray(axis)), a.type.ndim, op.function, a), kind)(a)
