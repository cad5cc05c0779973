"""The decomposition into an orthonormal and an upper triangular matrix: QRFull, QRIncomplete, qr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.graph.null import NullType
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.array import Let
from symtheano.tensor.dot import dot
from symtheano.tensor.elemwise import functions
from symtheano.tensor.join import join
from symtheano.tensor.linalg.matrix import (
    MatrixOp,
    Shapes,
    adjoint,
    check_matrix,
    floats,
    halved,
    is_live,
    smaller,
)
from symtheano.tensor.linalg.solve import solve_upper_triangular
from symtheano.tensor.linalg.spectral import thin
from symtheano.tensor.sizes import never_one, shape_i
from symtheano.tensor.type import tensor_type

__all__ = ["QRFull", "QRIncomplete", "qr"]

MODES = ("reduced", "complete", "r", "raw")


class QRFull(MatrixOp):
    """Q and R with x = Q R; in mode "raw" the Householder vectors and their factors as LAPACK has them."""

    __props__ = ("mode",)

    def __init__(self, mode: str):
        if mode not in MODES:
            raise ValueError(f"qr: mode must be one of {', '.join(MODES)}; got {mode!r}")
        self.mode = mode

    def make_node(self, x: Any) -> Apply:
        (x,) = floats(x)
        check_matrix("qr", x)
        shapes = self._shapes(*x.type.shape)
        return Apply(self, [x], [tensor_type(x.type.dtype, never_one(*shape))() for shape in shapes])

    def _shapes(self, m: Any, n: Any) -> list[tuple[Any, ...]]:
        k = smaller(m, n)
        if self.mode == "raw":
            return [(n, m), (k,)]
        return [(m, m), (m, n)] if self.mode == "complete" else [(m, k), (k, n)]

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"tuple(xp.linalg.qr({args[0]}, {self.mode!r}))"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        return self._shapes(*shapes[0])

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        if self.mode == "raw":
            return [NullType("qr(x, 'raw') gives LAPACK's own form, which has no gradient here; use mode='reduced'")()]
        (q, r), (gq, gr) = outputs, output_grads
        if self.mode == "complete":
            k = smaller(*(shape_i(inputs[0], axis) for axis in (0, 1)))
            q, gq = thin(q, gq, k)
            r, gr = r[:k], gr[:k] if is_live(gr) else gr  # type: ignore[index]
        return [_pullback(inputs[0], q, r, gq, gr)]


class QRIncomplete(MatrixOp):
    """R of x = Q R alone."""

    __props__ = ("mode",)

    def __init__(self, mode: str = "r"):
        if mode != "r":
            raise ValueError(f"QRIncomplete: mode must be 'r'; got {mode!r}")
        self.mode = mode

    def make_node(self, x: Any) -> Apply:
        (x,) = floats(x)
        check_matrix("qr", x)
        m, n = x.type.shape
        return Apply(self, [x], [tensor_type(x.type.dtype, never_one(smaller(m, n), n))()])

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"xp.linalg.qr({args[0]}, {self.mode!r})"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        m, n = shapes[0]
        return [(smaller(m, n), n)]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        q, r = QRFull("reduced")(inputs[0])
        return [_pullback(inputs[0], q, r, None, output_grads[0])]


def _pullback(x: Any, q: Any, r: Any, gq: Any, gr: Any) -> Any:
    """The cotangent of x = Q R, Q with k = min(x.shape) columns.

    For k columns: Walter & Lehmann 2010, arXiv:1009.6112. A wide x is Q [R1, R2]: its first k columns are Q R1, and
    R2 = Q^H times the others (Roberts & Roberts 2020, arXiv:2009.10071).
    """
    k = shape_i(q, 1)
    others, rest = x[:, k:], None
    square = r[:, :k]
    g = gq if gq is not None and is_live(gq) else functions.second(q, 0)
    m = -dot(adjoint(g), q)
    if gr is not None and is_live(gr):
        rest = gr[:, k:]
        g = g + dot(others, adjoint(rest))
        m = dot(square, adjoint(gr[:, :k])) - dot(adjoint(g), q)
    half = halved(m)
    moved = g + dot(q, half + adjoint(half))
    first = adjoint(solve_upper_triangular(square, adjoint(moved)))
    second = functions.second(others, 0) if rest is None else dot(q, rest)
    return join(1, first, second)


def qr(a: Any, mode: str = "reduced") -> Any:
    """[Q, R] with a = Q R, Q with orthonormal columns, R upper triangular.

    mode, for a of shape (m, n) and k = min(m, n): "reduced": Q (m, k), R (k, n); "complete": Q (m, m), R (m, n);
    "r": R alone; "raw": LAPACK's vectors (n, m) and factors (k,), without a gradient. The gradient is that of matrices
    whose first k columns are linearly independent.

    >>> import numpy as np
    >>> [v.type.shape for v in qr(np.ones((4, 3)))]
    [(4, 3), (3, 3)]
    """
    return QRIncomplete(mode)(a) if mode == "r" else QRFull(mode)(a)
