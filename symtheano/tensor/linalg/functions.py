"""Functions made of other ops: matrix_dot, matrix_power, norm, kron; nlinalg's trace, diag and alloc_diag."""

from __future__ import annotations

from typing import Any

import numpy as np

from symtheano.errors import explain
from symtheano.tensor.careduce import conj
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.diagonal import AllocDiag, ExtractDiag, extract_diag, identity_like
from symtheano.tensor.dot import dot
from symtheano.tensor.elemwise import dimshuffle
from symtheano.tensor.elemwise import functions as m
from symtheano.tensor.linalg.inverse import matrix_inverse
from symtheano.tensor.linalg.matrix import real, shown, square_length
from symtheano.tensor.linalg.spectral import svd
from symtheano.tensor.reduce import max as max_of
from symtheano.tensor.reduce import min as min_of
from symtheano.tensor.reduce import sum as sum_of
from symtheano.tensor.sizes import shape_list, total_size

__all__ = [
    "AllocDiag",
    "ExtractDiag",
    "alloc_diag",
    "diag",
    "extract_diag",
    "kron",
    "matrix_dot",
    "matrix_power",
    "norm",
    "trace",
]


def matrix_dot(*args: Any) -> Any:
    """The product of matrices, from left to right.

    >>> matrix_dot(np.ones((2, 3)), np.ones((3, 4)), np.ones((4, 5))).type.shape
    (2, 5)
    """
    if not args:
        raise TypeError("matrix_dot needs at least one matrix")
    result = args[0] if len(args) > 1 else as_tensor_variable(args[0])
    for factor in args[1:]:
        result = dot(result, factor)
    return result


def matrix_power(M: Any, n: int) -> Any:
    """A square matrix to an integer power, by repeated squaring; the inverse's power where n is negative.

    >>> matrix_power(np.ones((3, 3)), 5).type.shape
    (3, 3)
    """
    M = as_tensor_variable(M)
    square_length("matrix_power", M)
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"matrix_power: the power must be an int; got {n!r} of type {type(n).__name__}")
    n = int(n)
    if n < 0:
        M, n = matrix_inverse(M), -n
    if n == 0:
        return identity_like(M)
    result = None
    while n:
        if n & 1:
            result = M if result is None else dot(result, M)
        n >>= 1
        M = dot(M, M) if n else M
    return result


# -- norms -----------------------------------------------------------------------------------------------------------


def norm(x: Any, ord: Any = None) -> Any:
    """The norm of a vector or a matrix, as numpy.linalg.norm.

    ord: None is the square root of the sum of squares. For a vector "inf", "-inf" (or the numbers), 0 (the number of
    elements other than 0) or any number p; for a matrix "fro", "nuc", 1, -1, 2, -2, "inf", "-inf".
    Raises ValueError for scalars and for other orders, NotImplementedError for more than 2 dimensions.

    >>> norm(np.ones((2, 3)), "fro").type
    TensorType(float64, scalar)
    """
    x = as_tensor_variable(x)
    if x.type.ndim == 0:
        raise ValueError(f"norm needs a vector or a matrix; {x} is a scalar")
    if x.type.ndim > 2:
        raise NotImplementedError(
            explain(
                f"We don't support norm with ndim > 2; {x} has {x.type.ndim} dimensions.",
                operation="norm",
                operands=shown(x),
                remedy="flatten it, or take theano.tensor.sqrt((x ** 2).sum(axis=...))",
            )
        )
    if not isinstance(ord, str) and ord in (np.inf, -np.inf):
        ord = "inf" if ord > 0 else "-inf"
    return (_vector_norm if x.type.ndim == 1 else _matrix_norm)(x, ord)


def _vector_norm(x: Any, ord: Any) -> Any:
    if ord is None or ord == 2:
        return m.sqrt(sum_of(_squares(x)))
    if ord in ("inf", "-inf"):
        return (max_of if ord == "inf" else min_of)(m.abs_(x))
    if ord == 0:
        return sum_of(m.neq(x, 0))
    if ord == 1:
        return sum_of(m.abs_(x))
    if isinstance(ord, str):
        raise ValueError(f"Invalid norm order for vectors: {ord!r}; give None, a number, 'inf' or '-inf'")
    return sum_of(m.abs_(x) ** ord) ** (1.0 / ord)


def _matrix_norm(x: Any, ord: Any) -> Any:
    if ord is None or ord == "fro":
        return m.sqrt(sum_of(_squares(x)))
    if ord in ("inf", "-inf", 1, -1):
        sums = sum_of(m.abs_(x), axis=1 if isinstance(ord, str) else 0)
        return (max_of if ord in ("inf", 1) else min_of)(sums)
    if ord in (2, -2, "nuc"):
        values = svd(x, compute_uv=False)
        return sum_of(values) if ord == "nuc" else values[0 if ord == 2 else -1]
    raise ValueError(
        f"Invalid norm order for matrices: {ord!r}; give None, 'fro', 'nuc', 1, -1, 2, -2, 'inf' or '-inf'"
    )


def _squares(x: Any) -> Any:
    """The squares of the absolute values."""
    return real(x * conj(x))


# -- Kronecker product -----------------------------------------------------------------------------------------------


def kron(a: Any, b: Any) -> Any:
    """The Kronecker product: a block matrix whose block i, j is a[i, j] * b.

    Of a vector and a matrix it is a vector; operands of more dimensions are treated as in Theano, which is not NumPy's
    way. Raises TypeError for two vectors and for scalars beside less than a 3-d tensor.

    >>> kron(np.ones((2, 3)), np.ones((4, 5))).type.shape
    (8, 15)
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    ndim = a.type.ndim + b.type.ndim
    if ndim <= 2:
        raise TypeError(
            explain(
                f"kron: inputs dimensions must sum to 3 or more. You passed {a.type.ndim} and {b.type.ndim}.",
                operation="kron",
                operands=shown(a, b),
                remedy="for two vectors use theano.tensor.outer(a, b).flatten()",
            )
        )
    ones_a, ones_b = ["x"] * a.type.ndim, ["x"] * b.type.ndim
    product = dimshuffle(a, [*range(a.type.ndim), *ones_b]) * dimshuffle(b, [*ones_a, *range(b.type.ndim)])
    if ndim == 3:
        return dimshuffle(product, (1, 0, 2)).flatten()
    sizes = shape_list(a) + shape_list(b)
    pairs = [total_size([sizes[0], sizes[2]]), total_size([sizes[1], sizes[3]])]
    return dimshuffle(product, (0, 2, 1, *range(3, ndim))).reshape([*pairs, *sizes[4:]], ndim=ndim - 2)


# -- diagonals under nlinalg's names ---------------------------------------------------------------------------------


def alloc_diag(x: Any) -> Any:
    """The square matrix with the vector `x` on its diagonal. TypeError for other than a vector.

    >>> alloc_diag([1, 2]).eval()
    array([[1, 0],
           [0, 2]])
    """
    x = as_tensor_variable(x)
    if x.type.ndim != 1:
        raise TypeError(explain("AllocDiag only works on vectors.", operation="alloc_diag", operands=shown(x)))
    return AllocDiag()(x)


def diag(x: Any) -> Any:
    """The diagonal of a matrix, or the matrix with the vector `x` on its diagonal. TypeError for others.

    >>> diag([[1, 2], [3, 4]]).eval()
    array([1, 4])
    """
    x = as_tensor_variable(x)
    if x.type.ndim not in (1, 2):
        raise TypeError(explain("diag requires vector or matrix argument.", operation="diag", operands=shown(x)))
    return alloc_diag(x) if x.type.ndim == 1 else extract_diag(x)


def trace(X: Any) -> Any:
    """The sum of the diagonal of a matrix.

    >>> trace([[1, 2], [3, 4]]).eval()
    array(5)
    """
    return sum_of(extract_diag(X))
