"""The matrix exponential: Expm, and its derivative ExpmFrechet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.array import Let
from symtheano.tensor.elemwise import functions
from symtheano.tensor.join import join
from symtheano.tensor.linalg.matrix import Shapes, SquareOp, adjoint, floats, shown, square_length
from symtheano.tensor.sizes import shape_i
from symtheano.tensor.type import tensor_type

__all__ = ["Expm", "ExpmFrechet", "expm"]


class Expm(SquareOp):
    """The exponential of a square matrix: the sum of x^k / k!.

    >>> import numpy as np
    >>> expm(np.zeros((3, 3))).type.shape
    (3, 3)
    """

    def make_node(self, A: Any) -> Apply:
        (A,) = floats(A)
        n = square_length("expm", A)
        return Apply(self, [A], [tensor_type(A.type.dtype, (n, n))()])

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"linalg.expm({args[0]})"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [ExpmFrechet()(adjoint(inputs[0]), output_grads[0])]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else ExpmFrechet()(inputs[0], eval_points[0])]


class ExpmFrechet(SquareOp):
    """The derivative of expm at a square matrix A in the direction E (Al-Mohy & Higham 2009).

    It is the upper right block of expm([[A, E], [0, A]]) (Higham 2008, "Functions of Matrices", theorem 3.6), from
    which its own derivatives follow.
    """

    def make_node(self, A: Any, E: Any) -> Apply:
        A, E = floats(A, E)
        lengths = {square_length("expm_frechet", v) for v in (A, E)} - {None}
        if len(lengths) > 1:
            raise ShapeMismatchError(
                explain(
                    "expm_frechet: the matrix and the direction must have one shape.",
                    operation="expm_frechet",
                    operands=shown(A, E),
                    remedy="pass two square matrices of one size",
                )
            )
        n = lengths.pop() if lengths else None
        return Apply(self, [A, E], [tensor_type(A.type.dtype, (n, n))()])

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"lapack.expm_frechet(xp, linalg, {args[0]}, {args[1]})"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        a, e = (adjoint(i) for i in inputs)
        n = shape_i(a, 0)
        g = ExpmFrechet()(_blocks(a, None, e), _blocks(None, output_grads[0], None))
        return [g[:n, :n] + g[n:, n:], g[:n, n:]]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        a, e = inputs
        da, de = eval_points
        if da is None:
            return [None if de is None else self(a, de)]
        n = shape_i(a, 0)
        return [self(_blocks(a, e, None), _blocks(da, de, None))[:n, n:]]


def _blocks(diagonal: Any, upper: Any, lower: Any) -> Any:
    """The matrix [[diagonal, upper], [lower, diagonal]] of four square blocks; None stands for zeros."""
    like = next(b for b in (diagonal, upper, lower) if b is not None)
    d, u, w = (functions.second(like, 0) if b is None else b for b in (diagonal, upper, lower))
    return join(0, join(1, d, u), join(1, w, d))


expm = Expm()
