"""theano.tensor.slinalg: the linear algebra that needs SciPy when it runs."""

from __future__ import annotations

from symtheano.tensor.linalg.cholesky import Cholesky, cholesky
from symtheano.tensor.linalg.eigvalsh import Eigvalsh, eigvalsh
from symtheano.tensor.linalg.expm import Expm, ExpmFrechet, expm
from symtheano.tensor.linalg.functions import kron
from symtheano.tensor.linalg.solve import (
    MATRIX_STRUCTURES,
    Solve,
    cho_solve,
    solve,
    solve_lower_triangular,
    solve_symmetric,
    solve_triangular,
    solve_upper_triangular,
)

__all__ = [
    "MATRIX_STRUCTURES",
    "Cholesky",
    "Eigvalsh",
    "Expm",
    "ExpmFrechet",
    "Solve",
    "cho_solve",
    "cholesky",
    "eigvalsh",
    "expm",
    "kron",
    "solve",
    "solve_lower_triangular",
    "solve_symmetric",
    "solve_triangular",
    "solve_upper_triangular",
]
