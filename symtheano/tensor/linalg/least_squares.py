"""Least squares: the Op lstsq."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Any

from symtheano.errors import ShapeError
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.alloc import zeros
from symtheano.tensor.array import Let
from symtheano.tensor.careduce import conj
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.dot import dot, outer, transposed
from symtheano.tensor.join import join
from symtheano.tensor.linalg.inverse import pinv
from symtheano.tensor.linalg.matrix import (
    MatrixOp,
    Shapes,
    adjoint,
    columns_times,
    floats,
    is_live,
    real_dtype,
    smaller,
)
from symtheano.tensor.linalg.spectral import svd
from symtheano.tensor.sizes import never_one, shape_i
from symtheano.tensor.type import tensor_type

__all__ = ["lstsq"]


class lstsq(MatrixOp):
    """[solution, residuals, rank, singular values] of the least squares problem a x = b: `lstsq()(a, b, rcond)`.

    a: a matrix (m, n); b: a vector (m,) or matrix (m, k); rcond: a scalar; singular values below rcond times the
    largest count as 0, and a negative rcond means the precision of the dtype. residuals: the sums of squares, empty
    where a has not full rank or m <= n. Raises LinAlgError when it runs on operands of other dimensions, as in Theano.

    The gradient is that of matrices of the same rank.

    >>> import numpy as np
    >>> [v.type.dtype for v in lstsq()(np.ones((4, 2)), np.ones(4), -1)]
    ['float64', 'float64', 'int64', 'float64']
    """

    def make_node(self, x: Any, y: Any, rcond: Any) -> Apply:
        x, y = floats(x, y)
        rcond = as_tensor_variable(rcond)
        n = x.type.shape[1] if x.type.ndim == 2 else None
        values = smaller(*x.type.shape) if x.type.ndim == 2 else None
        outputs = [
            tensor_type(x.type.dtype, never_one(n, *y.type.shape[1:])),
            tensor_type(real_dtype(x), (None,)),
            tensor_type("int64", ()),
            tensor_type(real_dtype(x), never_one(values)),
        ]
        return Apply(self, [x, y, rcond], [kind() for kind in outputs])

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"lapack.lstsq(xp, {', '.join(args)})"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[Any]:
        if len(shapes[0]) != 2:
            raise ShapeError(f"lstsq of {node.inputs[0]}, which is no matrix, raises when it runs: it has no shape")
        m, n = shapes[0]
        return [(n, *shapes[1][1:]), None, (), (smaller(m, n),)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True, True, False, True], [True, True, False, False], [False] * 4]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        a, b, _ = inputs
        g_solution, g_residuals, _, g_values = output_grads
        terms = []
        if is_live(g_solution):
            terms.append(_pullback(a, b, outputs[0], g_solution))
        if is_live(g_residuals):
            terms.append(_residuals_pullback(a, b, outputs[0], g_residuals))
        gb = _total([term[1] for term in terms])
        if is_live(g_values):
            u, _, vt = svd(a, full_matrices=False)
            terms.append((dot(columns_times(u, g_values), vt), None))
        return [_total([term[0] for term in terms]), gb, disconnected_type()]


def _pullback(a: Any, b: Any, x: Any, g: Any) -> tuple[Any, Any]:
    """The cotangents of a and b, where that of x = pinv(a) b is `g` (Golub & Pereyra 1973)."""
    z = pinv(a)
    gb = dot(adjoint(z), g)
    residual, left = b - dot(a, x), dot(z, gb)  # left = z z^H g
    rest = g - dot(z, dot(a, g))  # the part of g that a does not see
    over = dot(adjoint(z), x)
    return _outer(residual, left) - _outer(gb, x) + _outer(over, rest), gb


def _residuals_pullback(a: Any, b: Any, x: Any, g: Any) -> tuple[Any, Any]:
    """The cotangents of a and b, where that of sum(abs(b - a x)**2, axis=0) is `g`: empty where there are no residuals.

    What x does to the residual does not count: they are orthogonal.
    """
    count = shape_i(b, 1) if b.type.ndim == 2 else 1
    filled = join(0, g, zeros((count,), dtype=g.type.dtype))[:count]
    gb = 2 * (b - dot(a, x)) * (filled if b.type.ndim == 2 else filled[0])
    return -_outer(gb, x), gb


def _total(terms: list[Any]) -> Any:
    """The sum of cotangents; disconnected where there are none."""
    return functools.reduce(operator.add, terms) if terms else disconnected_type()


def _outer(x: Any, y: Any) -> Any:
    """x y^H of vectors or matrices."""
    return outer(x, conj(y)) if x.type.ndim == 1 else dot(x, conj(transposed(y)))
