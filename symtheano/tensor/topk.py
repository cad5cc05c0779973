"""The largest elements along an axis: topk, argtopk, topk_and_argtopk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.errors import AxisError, explain
from symtheano.graph.null import disconnected_type, is_disconnected
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import INT, UINT, is_discrete
from symtheano.tensor.arange import arange
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import dimshuffle, functions, zeros_of
from symtheano.tensor.index import index, set_subtensor
from symtheano.tensor.reshape import flatten
from symtheano.tensor.sizes import as_size, constant_dim, shape_i
from symtheano.tensor.type import tensor_type

__all__ = ["TopKOp", "argtopk", "topk", "topk_and_argtopk"]


class TopKOp(ArrayOp):
    """The k largest elements along an axis and their places, or one of both: inputs (x, k). See `topk`."""

    __props__ = ("axis", "sorted", "return_values", "return_indices", "idx_dtype")

    def __init__(
        self,
        axis: int = -1,
        sorted: bool = True,
        idx_dtype: str = "int64",
        return_values: bool = True,
        return_indices: bool = True,
    ):
        if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
            raise TypeError(f'topk: "axis" must be an integer; got {axis!r} of type {type(axis).__name__}')
        if idx_dtype not in (*INT, *UINT):
            raise TypeError(f'topk: "idx_dtype" must be the name of an integer dtype; got {idx_dtype!r}')
        if not (return_indices or return_values):
            raise ValueError("topk: neither return_values nor return_indices is True")
        self.axis, self.sorted, self.idx_dtype = int(axis), bool(sorted), idx_dtype
        self.return_values, self.return_indices = bool(return_values), bool(return_indices)

    def __str__(self) -> str:
        return f"TopKOp{{axis={self.axis}, sorted={self.sorted}}}"

    def make_node(self, x: Any, k: Any) -> Apply:
        x, k = as_tensor_variable(x), as_size(k)
        operands = [f"x {x}: {x.type}, shape {x.type.shape}", f"k {k}"]
        ndim = x.type.ndim
        if ndim == 0:
            raise ValueError(explain("topk: Cannot take scalar as input.", operands=operands))
        if not -ndim <= self.axis < ndim:
            raise AxisError(
                explain(f"topk: axis {self.axis} is out of range, {-ndim} to {ndim - 1}.", operands=operands)
            )
        wanted, length = constant_dim(k), x.type.shape[self.axis]
        if wanted == 0 or (wanted is not None and length is not None and abs(wanted) > length):
            raise ValueError(
                explain(
                    f"topk: there are not {wanted} elements to take from axis {self.axis}, of length {length}.",
                    operation="topk",
                    operands=operands,
                    remedy="k is from 1 to the length of the axis, or negative for the smallest elements",
                )
            )
        found = list(x.type.shape)
        if not x.type.broadcastable[self.axis]:
            found[self.axis] = None if wanted is None or abs(wanted) == 1 else abs(wanted)
        kinds = [(x.type.dtype, self.return_values), (self.idx_dtype, self.return_indices)]
        return Apply(self, [x, k], [tensor_type(dtype, tuple(found))() for dtype, given in kinds if given])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        places = let(f"kernels.topk_places(xp, {args[0]}, int({args[1]}), {self.axis}, {self.sorted})")
        values, indices = (
            f"xp.take_along_axis({args[0]}, {places}, {self.axis})",
            f"{places}.astype({self.idx_dtype!r})",
        )
        if self.return_values and self.return_indices:
            return f"({values}, {indices})"
        return values if self.return_values else indices

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        shape = list(shapes[0])
        shape[self.axis] = functions.abs_(node.inputs[1])
        return [tuple(shape)] * len(node.outputs)

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True] * len(node.outputs), [False] * len(node.outputs)]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any = inputs[0]
        if is_discrete(x.type.dtype) or not self.return_values or is_disconnected(output_grads[0]):
            return [zeros_of(x), disconnected_type()]
        places = outputs[1] if self.return_indices else self._twin(False, True)(*inputs)
        slot = index(zeros_of(x), _keys(x, places, self.axis))
        return [set_subtensor(slot, output_grads[0]), disconnected_type()]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        x, tangent = inputs[0], eval_points[0]
        missing: list[Variable | None] = [None] * self.return_indices
        if not self.return_values or tangent is None or is_discrete(x.type.dtype):
            return [*[None] * self.return_values, *missing]
        return [index(tangent, _keys(x, self._twin(False, True)(*inputs), self.axis)), *missing]

    def _twin(self, values: bool, indices: bool) -> TopKOp:
        return TopKOp(self.axis, self.sorted, self.idx_dtype, values, indices)


def _keys(x: Any, places: Any, axis: int) -> tuple[Any, ...]:
    """An index of x that reads `places` along an axis."""
    ndim = x.type.ndim
    return tuple(
        places if k == axis % ndim else dimshuffle(arange(shape_i(x, k)), ["x"] * k + [0] + ["x"] * (ndim - 1 - k))
        for k in range(ndim)
    )


def topk(x: Any, kth: Any, axis: int | None = -1, sorted: bool = True, idx_dtype: str = "int64") -> Any:
    """The k = `kth` largest elements along an axis (None: of the flattened tensor); where k < 0 the -k smallest.

    sorted: the largest (smallest) first; otherwise in any order, which is faster. nan counts as largest. Raises
    ValueError where k is 0 or more than the length of the axis.

    >>> topk(np.ones((4, 5)), 2).type.shape
    (4, 2)
    """
    return _topk(x, kth, axis, sorted, idx_dtype, True, False)


def argtopk(x: Any, kth: Any, axis: int | None = -1, sorted: bool = True, idx_dtype: str = "int64") -> Any:
    """The places along an axis, of dtype idx_dtype, of the elements that `topk` gives.

    >>> argtopk(np.ones((4, 5)), 2, axis=0, idx_dtype="int32").type
    TensorType(int32, matrix)
    """
    return _topk(x, kth, axis, sorted, idx_dtype, False, True)


def topk_and_argtopk(x: Any, kth: Any, axis: int | None = -1, sorted: bool = True, idx_dtype: str = "int64") -> Any:
    """[topk(...), argtopk(...)] by one search.

    >>> [v.type.dtype for v in topk_and_argtopk(np.ones((4, 5)), 2)]
    ['float64', 'int64']
    """
    return _topk(x, kth, axis, sorted, idx_dtype, True, True)


def _topk(x: Any, k: Any, axis: int | None, sorted: bool, idx_dtype: str, values: bool, indices: bool) -> Any:
    x = as_tensor_variable(x)
    if axis is None:
        x, axis = flatten(x), 0
    return TopKOp(axis, sorted, idx_dtype, values, indices)(x, k)
