"""The generalised eigenvalues of Hermitian matrices: Eigvalsh, eigvalsh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.array import Let
from symtheano.tensor.dot import dot
from symtheano.tensor.linalg.cholesky import cholesky
from symtheano.tensor.linalg.matrix import (
    Shapes,
    SquareOp,
    adjoint,
    columns_times,
    floats,
    from_triangle,
    of_triangle,
    real_dtype,
    shown,
    square_length,
)
from symtheano.tensor.linalg.solve import solve_lower_triangular, solve_upper_triangular
from symtheano.tensor.linalg.spectral import eigh
from symtheano.tensor.sizes import never_one
from symtheano.tensor.type import tensor_type
from symtheano.tensor.type_other import NoneTypeT

__all__ = ["Eigvalsh", "eigvalsh"]


class Eigvalsh(SquareOp):
    """The numbers w, ascending, for which a v = w b v has a solution; without b those of a v = w v.

    lower: the triangle of both matrices that is read; only there the gradients are not zero.
    """

    __props__ = ("lower",)

    def __init__(self, lower: bool = True):
        if lower not in (True, False):
            raise ValueError(f"eigvalsh: lower must be True or False; got {lower!r}")
        self.lower = bool(lower)

    def make_node(self, a: Any, b: Any = None) -> Apply:
        matrices = floats(a) if b is None or isinstance(getattr(b, "type", None), NoneTypeT) else floats(a, b)
        lengths = {square_length("eigvalsh", v) for v in matrices} - {None}
        if len(lengths) > 1:
            raise ShapeMismatchError(
                explain(
                    "eigvalsh: the two matrices must have one shape.",
                    operation="eigvalsh",
                    operands=shown(*matrices),
                    remedy="pass two square matrices of one size, or leave b out",
                )
            )
        n = lengths.pop() if lengths else None
        return Apply(self, matrices, [tensor_type(real_dtype(matrices[0]), never_one(n))()])

    def call(self, node: Apply, let: Let, *args: str) -> str:
        if len(args) == 1:
            return f"xp.linalg.eigvalsh({args[0]}, {'L' if self.lower else 'U'!r})"
        return f"linalg.eigvalsh({args[0]}, {args[1]}, lower={self.lower})"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        return [(shapes[0][0],)]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        # With V^H B V = I: dw = diag(V^H (dA - w dB) V)
        gw: Any = output_grads[0]
        v = self._vectors(*inputs)
        slopes = [gw] if len(inputs) == 1 else [gw, -gw * outputs[0]]
        return [of_triangle(dot(columns_times(v, slope), adjoint(v)), self.lower) for slope in slopes]

    def _vectors(self, a: Any, b: Any = None) -> Any:
        """The eigenvectors as columns: with b = L L^H they are L^-H times those of L^-1 a L^-H."""
        if b is None:
            return eigh(a, "L" if self.lower else "U")[1]
        factor = cholesky(b, self.lower)
        factor = factor if self.lower else adjoint(factor)
        half = adjoint(solve_lower_triangular(factor, from_triangle(a, self.lower)))
        return solve_upper_triangular(adjoint(factor), eigh(solve_lower_triangular(factor, half))[1])


def eigvalsh(a: Any, b: Any = None, lower: bool = True) -> Any:
    """The numbers w, ascending, for which a v = w b v has a solution v, as scipy.linalg.eigvalsh.

    a: a Hermitian (symmetric) matrix; b: a positive definite one, or None for the identity. lower: the triangle of both
    that is read. LinAlgError where b is not positive definite.

    >>> import numpy as np
    >>> eigvalsh(np.eye(3), 2 * np.eye(3)).type.shape
    (3,)
    """
    return Eigvalsh(lower)(a, b)
