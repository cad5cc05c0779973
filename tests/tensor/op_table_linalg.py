"""Examples of the ops of linear algebra, for `test_every_op`."""

from __future__ import annotations

from typing import Any

import numpy as np

import symtheano.tensor as T
from symtheano.tensor import nlinalg, slinalg
from tests.tensor.examples import Example, numbers

M33 = numbers(3, 3, seed=20) + 2 * np.eye(3)
P33 = M33 @ M33.T + np.eye(3)
M43, M34, M24 = numbers(4, 3, seed=21), numbers(3, 4, seed=22), numbers(2, 4, seed=23)
V3, V4 = numbers(3, seed=24), numbers(4, seed=25)
M44 = numbers(4, 4, seed=27) + 3 * np.eye(4)
REAL = np.array([[2.0, 0.3, 0.1], [0.5, -1.0, 0.2], [0.4, 0.7, 0.5]])  # a matrix with real eigenvalues


def mixed(*outputs: Any) -> Any:
    """One number that depends on all elements of the outputs, each in its own way."""
    return sum(T.sum(T.sin(o + 0.3) * (k + 1.0)) for k, o in enumerate(outputs))


def squared(x: Any) -> Any:
    """x @ x.T: what a turn of the columns does not change."""
    return T.dot(x, x.T)


def symmetric(x: Any) -> Any:
    return T.dot(x, x.T) + np.diag([0.1, 0.5, 1.1])


EXAMPLES = [
    Example("inverse", nlinalg.matrix_inverse, (M33,)),
    Example("pinv tall", nlinalg.pinv, (M43,)),
    Example("pinv wide", nlinalg.pinv, (M34,)),
    Example("det", nlinalg.det, (M33,)),
    Example("slogdet", lambda x: nlinalg.slogdet(x)[1], (M33,)),
    Example("tensorinv", lambda x: nlinalg.tensorinv(x, 1), (M44.reshape(4, 2, 2),)),
    Example("tensorsolve", nlinalg.tensorsolve, (M44.reshape(2, 2, 4), M24[:, :2]), (0, 1)),
    Example(
        "tensorsolve axes",
        lambda a, b: nlinalg.tensorsolve(a, b, axes=(0,)),
        (M44.T.reshape(4, 2, 2), M24[:, :2]),
        (0, 1),
    ),
    Example("eig", lambda x: mixed(*nlinalg.eig(x)), (REAL,)),
    Example("eigh", lambda x: mixed(*nlinalg.eigh(x)), (P33,)),
    Example("eigh U", lambda x: mixed(*nlinalg.eigh(symmetric(x), "U")), (M33,)),
    Example("eigh values", lambda x: nlinalg.eigh(x)[0], (P33,)),
    Example("svd", lambda x: mixed(*nlinalg.svd(x)), (M33,)),
    Example("svd tall", lambda x: mixed(*nlinalg.svd(x, full_matrices=False)), (M43,)),
    Example("svd wide", lambda x: mixed(*nlinalg.svd(x, full_matrices=False)), (M34,)),
    Example("svd values", lambda x: nlinalg.svd(x, compute_uv=False), (M34,)),
    Example("svd full", lambda x: squared(nlinalg.svd(x)[0][:, 3:]), (M43,)),
    Example("svd full wide", lambda x: squared(nlinalg.svd(x)[2][2:].T), (M24,)),
    Example("qr", lambda x: mixed(*nlinalg.qr(x)), (M43,)),
    Example("qr wide", lambda x: mixed(*nlinalg.qr(x)), (M34,)),
    Example("qr complete", lambda x: squared(nlinalg.qr(x, "complete")[0][:, 2:]), (M43[:, 1:],)),
    Example("qr complete wide", lambda x: mixed(*nlinalg.qr(x, "complete")), (M34,)),
    Example("qr r", lambda x: nlinalg.qr(x, "r"), (M43,)),
    Example("qr raw", lambda x: nlinalg.qr(x, "raw"), (M43,), ()),
    Example("lstsq", lambda a, b: nlinalg.lstsq()(a, b, -1)[0], (M43, V4), (0, 1)),
    Example("lstsq wide", lambda a, b: nlinalg.lstsq()(a, b, -1)[0], (M34, numbers(3, 2, seed=29)), (0, 1)),
    Example("lstsq residuals", lambda a, b: nlinalg.lstsq()(a, b, -1)[1], (M43, V4), (0, 1)),
    Example("lstsq many residuals", lambda a, b: nlinalg.lstsq()(a, b, -1)[1], (M43, M24.T), (0, 1)),
    Example("lstsq values", lambda a: nlinalg.lstsq()(a, V4, -1)[3], (M43,)),
    Example("norms", lambda x: nlinalg.norm(x, 2) + nlinalg.norm(x, "nuc") * nlinalg.norm(x), (M34,)),
    Example("cholesky", slinalg.cholesky, (P33,)),
    Example("cholesky upper", lambda x: slinalg.cholesky(symmetric(x), lower=False), (M33,)),
    Example("cholesky nan", lambda x: slinalg.cholesky(x, on_error="nan"), (P33,)),
    Example("solve", slinalg.solve, (M33, V3), (0, 1)),
    Example("solve matrix", slinalg.solve_symmetric, (M33, M34), (0, 1)),
    Example("solve lower", slinalg.solve_lower_triangular, (M33, M34), (0, 1)),
    Example("solve upper", slinalg.solve_upper_triangular, (M33, V3), (0, 1)),
    Example("solve triangular", lambda a, b: slinalg.solve_triangular(a, b, True, "T", True), (M33, V3), (0, 1)),
    Example("cho_solve", lambda a, b: slinalg.cho_solve((slinalg.cholesky(a), True), b), (P33, V3), (0, 1)),
    Example("eigvalsh", slinalg.eigvalsh, (M33 + M33.T, P33), (0, 1)),
    Example("eigvalsh upper", lambda a, b: slinalg.eigvalsh(a, b, lower=False), (M33 + M33.T, P33), (0, 1)),
    Example("eigvalsh one", lambda a: slinalg.eigvalsh(a), (P33,)),
    Example("expm", slinalg.expm, (M33 / 2,)),
    Example("kron", slinalg.kron, (M24, V3), (0, 1)),
    Example("matrix power", lambda x: nlinalg.matrix_power(x, 3) + nlinalg.matrix_power(x, -2), (M33,)),
]
