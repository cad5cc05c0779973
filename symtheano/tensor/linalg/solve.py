"""Systems of linear equations: Solve, solve, solve_triangular, cho_solve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.array import Let
from symtheano.tensor.careduce import conj
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.diagonal import identity_like, tril, triu
from symtheano.tensor.dot import check_inner, dot, outer, transposed
from symtheano.tensor.linalg.matrix import Shapes, SquareOp, adjoint, floats, shown, square_length
from symtheano.tensor.type import tensor_type

__all__ = [
    "MATRIX_STRUCTURES",
    "Solve",
    "cho_solve",
    "solve",
    "solve_lower_triangular",
    "solve_symmetric",
    "solve_triangular",
    "solve_upper_triangular",
]

MATRIX_STRUCTURES = (
    "general",
    "symmetric",
    "lower_triangular",
    "upper_triangular",
    "hermitian",
    "banded",
    "diagonal",
    "toeplitz",
)
_TRIANGLES = {"lower_triangular": "upper_triangular", "upper_triangular": "lower_triangular"}


class Solve(SquareOp):
    """x of A x = b, for a vector or a matrix b.

    A_structure: "lower_triangular" and "upper_triangular" read that triangle only, and the gradient of the other one is
    zero; the others of MATRIX_STRUCTURES say nothing that changes the result, and are solved as "general". lower,
    overwrite_A, overwrite_b: as in Theano they change nothing.

    >>> import numpy as np
    >>> Solve("lower_triangular")(np.eye(3), np.ones(3)).type.shape
    (3,)
    """

    __props__ = ("A_structure", "lower", "overwrite_A", "overwrite_b")

    def __init__(
        self, A_structure: str = "general", lower: bool = False, overwrite_A: bool = False, overwrite_b: bool = False
    ):
        if A_structure not in MATRIX_STRUCTURES:
            raise ValueError(f"Solve: A_structure must be one of {', '.join(MATRIX_STRUCTURES)}; got {A_structure!r}")
        self.A_structure, self.lower = A_structure, lower
        self.overwrite_A, self.overwrite_b = overwrite_A, overwrite_b

    def make_node(self, A: Any, b: Any) -> Apply:
        A, b = floats(A, b)
        n = square_length("solve", A, b)
        if b.type.ndim not in (1, 2):
            raise TypeError(
                explain(
                    f"solve needs a vector or a matrix of right sides; {b} has {b.type.ndim} dimensions.",
                    operation="solve",
                    operands=shown(A, b),
                    remedy="reshape it to (n, number of right sides), or see nlinalg.tensorsolve",
                )
            )
        if n is not None and b.type.shape[0] not in (n, None):
            raise ShapeMismatchError(
                explain(
                    f"solve: {n} equations with {b.type.shape[0]} right sides: axis 0 of {A}, axis 0 of {b}.",
                    operation="solve",
                    operands=shown(A, b),
                    remedy="the first axis of b must be as long as those of A: transpose b?",
                )
            )
        check_inner("solve", A, b, 1, 0)
        return Apply(self, [A, b], [tensor_type(b.type.dtype, b.type.shape)()])

    def call(self, node: Apply, let: Let, *args: str) -> str:
        if self.A_structure not in _TRIANGLES:
            return f"xp.linalg.solve({', '.join(args)})"
        lower = self.A_structure == "lower_triangular"
        return f"linalg.solve_triangular({', '.join(args)}, lower={lower}, check_finite=False)"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        return [tuple(shapes[1])]

    def equal_sizes(self, shapes: Shapes) -> list[tuple[Any, Any]]:
        """The lengths that must agree, or else the op raises."""
        return [*super().equal_sizes(shapes), (shapes[0][0], shapes[1][0])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        # Giles 2008, 2.3.1: gb = A^-H gx, gA = -gb x^H
        A, x = inputs[0], conj(outputs[0])
        gb = Solve(_TRIANGLES.get(self.A_structure, self.A_structure), not self.lower)(adjoint(A), output_grads[0])
        gA = -(outer(gb, x) if x.type.ndim == 1 else dot(gb, transposed(x)))
        return [self._read(gA), gb]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        tangent_A, tangent_b = eval_points
        if tangent_A is None:
            return [None if tangent_b is None else self(inputs[0], tangent_b)]
        moved = -dot(self._read(tangent_A), self(*inputs))
        return [self(inputs[0], moved if tangent_b is None else tangent_b + moved)]

    def _read(self, A: Any) -> Any:
        """The part of a matrix that the op reads."""
        if self.A_structure not in _TRIANGLES:
            return A
        return tril(A) if self.A_structure == "lower_triangular" else triu(A)


solve = Solve()
solve_lower_triangular = Solve("lower_triangular", lower=True)
solve_upper_triangular = Solve("upper_triangular", lower=False)
solve_symmetric = Solve("symmetric")


def solve_triangular(A: Any, b: Any, lower: bool = False, trans: Any = 0, unit_diagonal: bool = False) -> Any:
    """x of A x = b for a triangular matrix A and a vector or matrix b, as scipy.linalg.solve_triangular.

    lower: which triangle of A is read (the other one is ignored). trans: 0 or "N" for A x = b, 1 or "T" for A.T x = b,
    2 or "C" for the conjugate transpose. unit_diagonal: the diagonal is taken for ones and not read. LinAlgError where
    A is singular.

    >>> import numpy as np
    >>> solve_triangular(np.eye(3), np.ones((3, 2)), lower=True).type.shape
    (3, 2)
    """
    names = {"N": 0, "T": 1, "C": 2}
    mode = names.get(trans, trans) if isinstance(trans, str) else trans
    if mode not in (0, 1, 2):
        raise ValueError(f"solve_triangular: trans must be one of 0, 1, 2, 'N', 'T', 'C'; got {trans!r}")
    A = as_tensor_variable(A)
    square_length("solve_triangular", A, as_tensor_variable(b))
    if unit_diagonal:
        A = (tril(A, -1) if lower else triu(A, 1)) + identity_like(A)
    if mode:
        A, lower = transposed(A) if mode == 1 else adjoint(A), not lower
    return (solve_lower_triangular if lower else solve_upper_triangular)(A, b)


def cho_solve(c_and_lower: Any, b: Any) -> Any:
    """x of A x = b from the Cholesky factor of A, as scipy.linalg.cho_solve.

    c_and_lower: (factor, whether it is the lower one), as `(cholesky(A), True)`. b: a vector or a matrix.

    >>> import numpy as np
    >>> cho_solve((np.eye(3), True), np.ones(3)).type.shape
    (3,)
    """
    factor, lower = c_and_lower
    first, second = (0, 2) if lower else (2, 0)
    return solve_triangular(factor, solve_triangular(factor, b, lower, first), lower, second)
