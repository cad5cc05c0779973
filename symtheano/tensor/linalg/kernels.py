"""Run-time helpers of linear algebra, `lapack` in array rules. `linalg` is scipy.linalg or its cupy twin."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

LinAlgError = np.linalg.LinAlgError


def rounded(xp: Any, values: Any) -> Any:
    """float32 results as float16; others, such as a rank, as they are."""
    if isinstance(values, tuple):
        return tuple(rounded(xp, value) for value in values)
    return values.astype("float16") if values.dtype == "float32" else values


def cholesky(xp: Any, linalg: Any, x: Any, lower: bool, nan: bool) -> Any:
    """The Cholesky factor. Where there is none: a matrix of nan, or LinAlgError.

    LAPACK lets nan pass. They spread to the diagonal, where they are cheap to find.
    """
    try:
        if xp is np:
            factor = linalg.cholesky(x, lower=lower, check_finite=False)
        else:  # cupy reads and writes lower triangles only
            factor = xp.linalg.cholesky(x) if lower else xp.linalg.cholesky(x.conj().T).conj().T
        if bool(xp.isfinite(factor.diagonal()).all()):
            return factor
        problem = f"cholesky: the matrix of shape {x.shape} is not positive definite, or not finite"
    except LinAlgError as error:
        problem = f"cholesky: the matrix of shape {x.shape} is not positive definite ({error})"
    if not nan:
        raise LinAlgError(problem)
    return xp.full(x.shape, np.nan, x.dtype)


def eig(xp: Any, x: Any) -> tuple[Any, Any]:
    """Eigenvalues and eigenvectors in the dtype of x. LinAlgError where a real matrix has complex ones."""
    w, v = xp.linalg.eig(x)
    if w.dtype != x.dtype:
        if w.imag.any():
            raise LinAlgError(
                f"eig: the {x.dtype} matrix of shape {x.shape} has complex eigenvalues, which its dtype cannot hold; "
                "cast the matrix: eig(theano.tensor.cast(x, 'complex128'))"
            )
        w, v = w.real.astype(x.dtype), v.real.astype(x.dtype)
    return w, v


def expm_frechet(xp: Any, linalg: Any, a: Any, e: Any) -> Any:
    """The derivative of expm at `a` in the direction `e`."""
    if hasattr(linalg, "expm_frechet"):
        return linalg.expm_frechet(a, e, compute_expm=False, check_finite=False).astype(a.dtype, copy=False)
    n = a.shape[0]
    return linalg.expm(xp.block([[a, e], [xp.zeros_like(a), a]]))[:n, n:]


def tensorinv(xp: Any, a: Any, ind: int) -> Any:
    """numpy.linalg.tensorinv, which cupy's older releases lack, with a message that tells the shapes."""
    rows, columns = math.prod(a.shape[:ind]), math.prod(a.shape[ind:])
    if rows != columns:
        raise LinAlgError(
            f"tensorinv: {rows} elements in the first {ind} axes, {columns} in the others: shape {a.shape}"
        )
    return xp.linalg.inv(a.reshape(rows, columns)).reshape(*a.shape[ind:], *a.shape[:ind])


def lstsq(xp: Any, a: Any, b: Any, rcond: Any) -> tuple[Any, Any, Any, Any]:
    """numpy.linalg.lstsq; LinAlgError for operands of wrong dimensions."""
    if np.ndim(rcond):
        raise LinAlgError(f"lstsq: rcond must be a scalar; its shape is {np.shape(rcond)}")
    solution, residuals, rank, values = xp.linalg.lstsq(a, b, rcond=float(rcond))
    return solution, residuals, xp.asarray(rank, "int64"), values
