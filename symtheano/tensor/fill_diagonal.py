"""Diagonals overwritten by a number: fill_diagonal and fill_diagonal_offset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import upcast
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.math import cast
from symtheano.tensor.reduce import sum as sum_of
from symtheano.tensor.sizes import as_size

__all__ = [
    "FillDiagonal",
    "FillDiagonalOffset",
    "fill_diagonal",
    "fill_diagonal_",
    "fill_diagonal_offset",
    "fill_diagonal_offset_",
]


class _Fill(ArrayOp):
    """What both ops share: inputs (a, val) or (a, val, offset)."""

    __props__ = ()

    def operands(self, a: Any, val: Any) -> list[Any]:
        """`a`, and `val` in its dtype."""
        a, val = as_tensor_variable(a), as_tensor_variable(val)
        name, shown = type(self).__name__, [f"a {a}: {a.type}", f"val {val}: {val.type}"]
        if val.type.ndim != 0:
            raise TypeError(explain(f"{name}: second parameter must be a scalar.", operands=shown))
        if upcast(a.type.dtype, val.type.dtype) != a.type.dtype:
            raise TypeError(
                explain(
                    f"{name}: {val} of {val.type.dtype} does not fit into {a} of {a.type.dtype}.",
                    operation=name,
                    operands=shown,
                    remedy=f"cast the value: theano.tensor.cast(val, {a.type.dtype!r})",
                )
            )
        return [a, cast(val, a.type.dtype)]

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        a: Any
        a, val, *offset = inputs
        rest: list[Variable] = [disconnected_type() for _ in offset]
        if is_discrete(a.type.dtype):
            return [zeros_of(a), zeros_of(val), *rest]
        g = functions.second(outputs[0], output_grads[0])
        mask = self(functions.second(g, cast(0, "bool")), cast(1, "bool"), *offset)
        zero = cast(0, g.type.dtype)
        return [functions.switch(mask, zero, g), sum_of(functions.switch(mask, g, zero)), *rest]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        if eval_points[0] is None and eval_points[1] is None:
            return [None]
        a, val = (zeros_of(i) if t is None else t for i, t in zip(inputs[:2], eval_points[:2]))
        return [self(a, val, *inputs[2:])]


class FillDiagonal(_Fill):
    """A copy of a with `val` on its main diagonal: inputs (a, val). More than 2 axes must have one length."""

    def make_node(self, a: Any, val: Any) -> Apply:
        a, val = self.operands(a, val)
        if a.type.ndim < 2:
            raise TypeError(
                explain("FillDiagonal: first parameter must have at least two dimensions.", operands=[f"{a}: {a.type}"])
            )
        return Apply(self, [a, val], [a.type()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.fill_diagonal(xp, {', '.join(args)})"


class FillDiagonalOffset(_Fill):
    """A copy of a matrix with `val` on its diagonal `offset`: inputs (a, val, offset)."""

    def make_node(self, a: Any, val: Any, offset: Any) -> Apply:
        a, val = self.operands(a, val)
        if a.type.ndim != 2:
            raise TypeError(
                explain(
                    "FillDiagonalOffset: first parameter must have exactly two dimensions.",
                    operands=[f"{a}: {a.type}"],
                )
            )
        return Apply(self, [a, val, as_size(offset)], [a.type()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.fill_diagonal(xp, {', '.join(args)})"

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [True], [False]]


fill_diagonal_ = FillDiagonal()
fill_diagonal_offset_ = FillDiagonalOffset()


def fill_diagonal(a: Any, val: Any) -> Any:
    """A copy of `a` with the scalar `val` on its main diagonal.

    a: a matrix of any shape, or a tensor of more dimensions, all of one length (ValueError when it runs on others).
    val: of a dtype that fits into that of `a`, else TypeError.

    >>> import numpy as np
    >>> fill_diagonal(np.ones((2, 3)), 0).type
    TensorType(float64, matrix)
    """
    return fill_diagonal_(a, val)


def fill_diagonal_offset(a: Any, val: Any, offset: Any) -> Any:
    """A copy of the matrix `a` with the scalar `val` on its diagonal `offset`: above the main one where positive.

    >>> import numpy as np
    >>> fill_diagonal_offset(np.ones((2, 3)), 0, 1).type
    TensorType(float64, matrix)
    """
    return fill_diagonal_offset_(a, val, offset)
