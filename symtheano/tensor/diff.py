"""Differences of neighbours (diff), the Bartlett window, and arrays made contiguous."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import explain
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.alloc import zeros
from symtheano.tensor.array import ArrayOp, Let, Unconnected
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.index import inc_subtensor, index
from symtheano.tensor.sizes import as_size, constant_dim, normal_axis, shape_list
from symtheano.tensor.type import tensor_type

__all__ = ["Bartlett", "CpuContiguous", "DiffOp", "bartlett", "bartlett_", "cpu_contiguous", "diff"]


class DiffOp(ArrayOp):
    """x[1:] - x[:-1] along an axis, n times."""

    __props__ = ("n", "axis")

    def __init__(self, n: int = 1, axis: int = -1):
        if n < 0:
            raise ValueError(f"diff: n, the number of differences, must not be negative; got {n}")
        self.n, self.axis = n, axis
        if n == 0:
            self.view_map = {0: [0]}

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        axis = normal_axis(self.axis, x.type.ndim, "diff", x)
        shape = list(x.type.shape)
        if self.n and shape[axis] is not None:
            shape[axis] = _shorter(shape[axis], self.n)
            shape[axis] = None if shape[axis] == 1 else shape[axis]
        return Apply(self, [x], [tensor_type(x.type.dtype, tuple(shape))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"xp.diff({args[0]}, {self.n}, {self.axis})" if self.n else args[0]

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        shape = list(shapes[0])
        if self.n:
            shape[self.axis] = _shorter(shape[self.axis], self.n)
        return [tuple(shape)]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any = inputs[0]
        if is_discrete(x.type.dtype):
            return [zeros_of(x)]
        g: Any = functions.second(outputs[0], output_grads[0])
        axis = self.axis % x.type.ndim
        lead = (slice(None),) * axis
        sizes = shape_list(x)
        length = sizes[axis]
        for k in range(self.n - 1, -1, -1):
            sizes[axis] = _shorter(length, k) if k else length
            blank = zeros(sizes, dtype=g.type.dtype)
            later = inc_subtensor(index(blank, (*lead, slice(1, None))), g)
            g = inc_subtensor(index(later, (*lead, slice(None, -1))), -g)
        return [g]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0])]


def _shorter(length: Any, n: int) -> Any:
    """A length less n, and not less than 0."""
    if isinstance(length, int):
        return max(length - n, 0)
    return functions.maximum(length - as_size(n), as_size(0))


def diff(x: Any, n: int = 1, axis: int = -1) -> Any:
    """The differences of neighbours along an axis, out[i] = x[i + 1] - x[i]; n times over. As numpy.diff.

    >>> import numpy as np
    >>> diff(np.ones((2, 5)), n=2).type.shape
    (2, 3)
    """
    return DiffOp(n, axis)(x)


class Bartlett(Unconnected):
    """The triangular window of M points. See `bartlett`."""

    __props__ = ()

    def make_node(self, M: Any) -> Apply:
        M = as_tensor_variable(M)
        if M.type.ndim != 0:
            raise TypeError(explain("Bartlett only works on scalar input.", operands=[f"{M}: {M.type}"]))
        if not is_discrete(M.type.dtype) or M.type.dtype == "bool":
            raise TypeError(explain("Bartlett only works on integer input.", operands=[f"{M}: {M.type}"]))
        length = constant_dim(M)
        known = None if length is None or length == 1 else max(length, 0)
        return Apply(self, [M], [tensor_type("float64", (known,))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"xp.bartlett(int({args[0]}))"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [(functions.maximum(as_size(node.inputs[0]), as_size(0)),)]


bartlett_ = Bartlett()


def bartlett(M: Any) -> Any:
    """The Bartlett (triangular) window of M points, float64: from 0 up to 1 and down to 0; empty where M < 1.

    >>> bartlett(5).type
    TensorType(float64, vector)
    """
    return bartlett_(M)


class CpuContiguous(ArrayOp):
    """x itself where its elements stand in C order without gaps, else a copy where they do."""

    __props__ = ()
    view_map = {0: [0]}

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        return Apply(self, [x], [tensor_type(x.type.dtype, x.type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"xp.asarray({args[0]}, order='C')"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [zeros_of(inputs[0]) if is_discrete(inputs[0].type.dtype) else output_grads[0]]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [eval_points[0]]


cpu_contiguous = CpuContiguous()
