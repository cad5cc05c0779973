"""Cholesky: the triangular square root of a positive definite matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.array import Let
from symtheano.tensor.convert import make_constant
from symtheano.tensor.dot import dot
from symtheano.tensor.elemwise import functions
from symtheano.tensor.linalg.matrix import Shapes, SquareOp, adjoint, floats, halved, of_triangle, square_length
from symtheano.tensor.linalg.solve import solve_upper_triangular
from symtheano.tensor.reduce import any as any_of
from symtheano.tensor.type import tensor_type

__all__ = ["Cholesky", "cholesky"]


class Cholesky(SquareOp):
    """L with L L^H = x, lower triangular; or (lower=False) U with U^H U = x, upper triangular.

    x: a Hermitian positive definite matrix. Only the triangle of the result's kind is read, and only there the gradient
    is not zero. on_error: what becomes of other matrices: "raise" (LinAlgError) or "nan" (a matrix of nan).
    """

    __props__ = ("lower", "destructive", "on_error")

    def __init__(self, lower: bool = True, on_error: str = "raise"):
        if on_error not in ("raise", "nan"):
            raise ValueError(f"Cholesky: on_error must be one of 'raise' or 'nan'; got {on_error!r}")
        self.lower, self.destructive, self.on_error = bool(lower), False, on_error

    def make_node(self, x: Any) -> Apply:
        (x,) = floats(x)
        n = square_length("cholesky", x)
        return Apply(self, [x], [tensor_type(x.type.dtype, (n, n))()])

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"lapack.cholesky(xp, linalg, {args[0]}, {self.lower}, {self.on_error == 'nan'})"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        # Murray 2016, arXiv:1602.07527, for the lower factor: gA = L^-H Phi(L^H gL) L^-1, Phi halves the diagonal
        factor, g = (outputs[0], output_grads[0]) if self.lower else (adjoint(outputs[0]), adjoint(output_grads[0]))
        upper = adjoint(factor)
        right = adjoint(solve_upper_triangular(upper, adjoint(halved(dot(upper, g)))))
        gradient = of_triangle(solve_upper_triangular(upper, right), self.lower)
        if self.on_error == "raise":
            return [gradient]
        nan = make_constant(np.asarray(np.nan, gradient.type.dtype))
        return [functions.switch(any_of(functions.isnan(factor)), nan, gradient)]


def cholesky(x: Any, lower: bool = True, on_error: str = "raise") -> Any:
    """The Cholesky factor of a Hermitian positive definite matrix: L with L L^H = x, or U with U^H U = x.

    lower: which of the two, and which triangle of x is read. on_error: "raise" LinAlgError where x is not positive
    definite, or return a matrix of "nan".

    >>> import numpy as np
    >>> cholesky(np.eye(3, dtype="float32")).type
    TensorType(float32, matrix)
    """
    return Cholesky(lower, on_error)(x)
