"""theano.tensor.nlinalg: the linear algebra that needs NumPy only."""

from __future__ import annotations

from symtheano.tensor.linalg.functions import (
    AllocDiag,
    ExtractDiag,
    alloc_diag,
    diag,
    extract_diag,
    matrix_dot,
    matrix_power,
    norm,
    trace,
)
from symtheano.tensor.linalg.inverse import (
    Det,
    MatrixInverse,
    MatrixPinv,
    SLogDet,
    TensorInv,
    TensorSolve,
    det,
    matrix_inverse,
    pinv,
    slogdet,
    tensorinv,
    tensorsolve,
)
from symtheano.tensor.linalg.least_squares import lstsq
from symtheano.tensor.linalg.qr import QRFull, QRIncomplete, qr
from symtheano.tensor.linalg.spectral import SVD, Eig, Eigh, eig, eigh, svd

__all__ = [
    "SVD",
    "AllocDiag",
    "Det",
    "Eig",
    "Eigh",
    "ExtractDiag",
    "MatrixInverse",
    "MatrixPinv",
    "QRFull",
    "QRIncomplete",
    "SLogDet",
    "TensorInv",
    "TensorSolve",
    "alloc_diag",
    "det",
    "diag",
    "eig",
    "eigh",
    "extract_diag",
    "lstsq",
    "matrix_dot",
    "matrix_inverse",
    "matrix_power",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "svd",
    "tensorinv",
    "tensorsolve",
    "trace",
]
