"""Eigenvalues and singular values: Eig, Eigh, SVD.

The derivative of eigenvectors and singular vectors is infinite where two values are equal; that of the values alone
(`eigh(x)[0]`, `svd(x, compute_uv=False)`) needs no vectors' derivative and is finite. Costs of complex vectors must not
depend on their phases, which LAPACK chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_complex
from symtheano.tensor.array import Let
from symtheano.tensor.careduce import conj
from symtheano.tensor.convert import make_constant
from symtheano.tensor.diagonal import diag, diagonal
from symtheano.tensor.dot import dot
from symtheano.tensor.elemwise import functions
from symtheano.tensor.linalg.inverse import matrix_inverse
from symtheano.tensor.linalg.matrix import (
    MatrixOp,
    Shapes,
    SquareOp,
    adjoint,
    chain,
    check_matrix,
    columns_times,
    floats,
    inverse_gaps,
    is_live,
    of_triangle,
    real,
    real_dtype,
    rows_times,
    smaller,
    square_length,
)
from symtheano.tensor.math import cast
from symtheano.tensor.sizes import never_one, shape_i
from symtheano.tensor.type import tensor_type

__all__ = ["SVD", "Eig", "Eigh", "eig", "eigh", "svd"]


class Eig(SquareOp):
    """[eigenvalues, eigenvectors as columns] of a square matrix, in its dtype. The vectors have norm 1.

    LinAlgError where a real matrix has complex eigenvalues: cast it to a complex dtype first.

    >>> import numpy as np
    >>> [v.type.shape for v in eig(np.eye(3))]
    [(3,), (3, 3)]
    """

    def make_node(self, x: Any) -> Apply:
        (x,) = floats(x)
        n = square_length("eig", x)
        return Apply(
            self, [x], [tensor_type(self.value_dtype(x), never_one(n))(), tensor_type(x.type.dtype, never_one(n, n))()]
        )

    def value_dtype(self, x: Any) -> str:
        """The dtype of the eigenvalues."""
        return str(x.type.dtype)

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"lapack.eig(xp, {args[0]})"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        return [(shapes[0][0],), tuple(shapes[0])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        # Boeddeker et al. 2017, arXiv:1701.00392, eq. 4.77, with the norm of the vectors fixed to 1
        w, v = outputs
        gw, gv = output_grads
        back = adjoint(v)
        inner: Any = diag(gw) if is_live(gw) else None
        if is_live(gv):
            c = dot(back, gv)
            c = c - columns_times(dot(back, v), real(diagonal(c)))
            moved = c * conj(inverse_gaps(w))
            inner = moved if inner is None else inner + moved
        return [chain(adjoint(matrix_inverse(v)), inner, back)]


class Eigh(Eig):
    """[eigenvalues in ascending order, orthonormal eigenvectors as columns] of a Hermitian (symmetric) matrix.

    UPLO: the triangle that is read, "L" or "U"; only there the gradient is not zero. The eigenvalues are real.
    """

    __props__ = ("UPLO",)

    def __init__(self, UPLO: str = "L"):
        if UPLO not in ("L", "U"):
            raise ValueError(f"eigh: UPLO must be 'L' or 'U'; got {UPLO!r}")
        self.UPLO = UPLO

    def value_dtype(self, x: Any) -> str:
        return real_dtype(x)

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"tuple(xp.linalg.eigh({args[0]}, {self.UPLO!r}))"

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        # Giles 2008, 3.1: gA = V (diag(gw) + F * V^H gV) V^H with F[i, j] = 1 / (w[j] - w[i])
        w, v = outputs
        gw, gv = output_grads
        back = adjoint(v)
        whole: Any = dot(columns_times(v, gw), back) if is_live(gw) else None
        if is_live(gv):
            moved = chain(v, inverse_gaps(w) * dot(back, gv), back)
            whole = moved if whole is None else whole + moved
        return [of_triangle(whole, self.UPLO == "L")]


eig = Eig()


def eigh(a: Any, UPLO: str = "L") -> list[Any]:
    """[eigenvalues in ascending order, orthonormal eigenvectors as columns] of a Hermitian (symmetric) matrix.

    UPLO: the triangle of `a` that is read: lower ("L") or upper ("U"). The eigenvalues are real.

    >>> import numpy as np
    >>> [v.type.dtype for v in eigh(np.eye(3, dtype="complex64"))]
    ['float32', 'complex64']
    """
    result: list[Any] = Eigh(UPLO)(a)
    return result


# -- singular values -------------------------------------------------------------------------------------------------


class SVD(MatrixOp):
    """U, s, V^H with x = U diag(s) V^H, s not negative and descending; or s alone.

    full_matrices: U and V^H are square, else they have min(x.shape) columns and rows. compute_uv: whether U and V^H
    are results at all.
    """

    __props__ = ("full_matrices", "compute_uv")

    def __init__(self, full_matrices: Any = True, compute_uv: Any = True):
        self.full_matrices, self.compute_uv = bool(full_matrices), bool(compute_uv)

    def make_node(self, x: Any) -> Apply:
        (x,) = floats(x)
        check_matrix("svd", x)
        s = tensor_type(real_dtype(x), never_one(smaller(*x.type.shape)))()
        if not self.compute_uv:
            return Apply(self, [x], [s])
        u, vt = (tensor_type(x.type.dtype, never_one(*shape)) for shape in self._shapes(*x.type.shape))
        return Apply(self, [x], [u(), s, vt()])

    def _shapes(self, m: Any, n: Any) -> list[tuple[Any, Any]]:
        """The shapes of U and V^H."""
        k = smaller(m, n)
        return [(m, m), (n, n)] if self.full_matrices else [(m, k), (k, n)]

    def call(self, node: Apply, let: Let, *args: str) -> str:
        if not self.compute_uv:
            return f"xp.linalg.svd({args[0]}, compute_uv=False)"
        return f"tuple(xp.linalg.svd({args[0]}, {self.full_matrices}))"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        m, n = shapes[0]
        if not self.compute_uv:
            return [(smaller(m, n),)]
        u, vt = self._shapes(m, n)
        return [u, (smaller(m, n),), vt]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        if not self.compute_uv:
            u, _, vt = SVD(full_matrices=False)(inputs[0])
            return [dot(columns_times(u, output_grads[0]), vt)]
        (u, s, vt), (gu, gs, gvt) = outputs, output_grads
        v = adjoint(vt)
        gv = adjoint(gvt) if is_live(gvt) else gvt
        if self.full_matrices:
            k = smaller(*(shape_i(inputs[0], axis) for axis in (0, 1)))
            u, gu = thin(u, gu, k)
            v, gv = thin(v, gv, k)
        return [_svd_pullback(inputs[0], u, s, v, gu, gs, gv)]


def thin(q: Any, g: Any, k: Any) -> tuple[Any, Any]:
    """The first k columns of a unitary matrix and their cotangent, that of the others counted in.

    The others, Q2, move with the first ones, Q1, since they stay orthogonal: dQ2 = -Q1 dQ1^H Q2 (a turn of Q2 within
    itself is the choice of LAPACK, and a cost must not depend on it).
    """
    first, rest = q[:, :k], q[:, k:]
    if is_live(g):
        g = g[:, :k] - chain(rest, adjoint(g[:, k:]), first)
    return first, g


def _svd_pullback(x: Any, u: Any, s: Any, v: Any, gu: Any, gs: Any, gv: Any) -> Any:
    """The cotangent of x = U diag(s) V^H, U and V with min(x.shape) columns.

    Townsend 2016, "Differentiating the Singular Value Decomposition"; for complex matrices Wan & Zhang 2019,
    arXiv:1909.02659.
    """
    vt = adjoint(v)
    inner: Any = diag(cast(gs, x.type.dtype)) if is_live(gs) else None
    outer_terms = []
    gaps = inverse_gaps(s * s)
    m, n = shape_i(x, 0), shape_i(x, 1)
    if is_live(gu):
        c = dot(adjoint(u), gu)
        turn = columns_times(gaps * (c - adjoint(c)), s)
        if is_complex(x.type.dtype):
            phase = functions.complex(functions.second(s, 0), functions.imag(diagonal(c)) / s)
            turn = turn + diag(phase)
        inner = turn if inner is None else inner + turn
        outer_terms.append(dot(_divided(gu - dot(u, c), s, functions.gt(m, n)), vt))
    if is_live(gv):
        c = dot(vt, gv)
        turn = rows_times(s, gaps * (c - adjoint(c)))
        inner = turn if inner is None else inner + turn
        outer_terms.append(dot(u, adjoint(_divided(gv - dot(v, c), s, functions.gt(n, m)))))
    total = chain(u, inner, vt)
    for term in outer_terms:
        total = total + term
    return total


def _divided(residual: Any, s: Any, wanted: Any) -> Any:
    """The columns of a residual over s where it is `wanted`. Else it is rounding errors: zeros."""
    zero = make_constant(np.zeros((), residual.type.dtype))
    one = make_constant(np.ones((), s.type.dtype))
    return functions.switch(wanted, columns_times(residual, functions.inv(functions.switch(wanted, s, one))), zero)


def svd(a: Any, full_matrices: Any = 1, compute_uv: Any = 1) -> Any:
    """[U, s, V^H] with a = U diag(s) V^H, the singular values s descending; without compute_uv s alone.

    full_matrices: U and V^H are square: (m, m) and (n, n); else they are (m, k) and (k, n), with k = min(m, n).

    >>> import numpy as np
    >>> [v.type.shape for v in svd(np.ones((4, 3)), full_matrices=False)]
    [(4, 3), (3,), (3, 3)]
    """
    return SVD(full_matrices, compute_uv)(a)
