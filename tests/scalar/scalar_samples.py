"""Points to test a row of the scalar table at, its meaning in numpy, and its truth to 40 digits."""

from __future__ import annotations

import zlib
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt

from symtheano.scalar.namespace import compute
from symtheano.scalar.op import TABLE, ScalarOp
from symtheano.scalar.symbolic import mpmath_namespace

Array = npt.NDArray[Any]
DIGITS = 40
ROWS = list(TABLE.values())
NAMES = list(TABLE)
FLOAT_ROWS = [row for row in ROWS if not row.integer]


def arity(row: ScalarOp) -> int:
    """The number of operands to test with: n-ary rows with three."""
    return 3 if row.arity is None else row.arity


def points(row: ScalarOp, dtype: str, count: int = 50) -> list[Array]:
    """`count` points of the row's domain, the same ones every time; one array for each argument."""
    rng = np.random.default_rng(zlib.crc32(row.name.encode()))
    columns = []
    for position in range(arity(row)):
        low, high = row.interval(position)
        if row.integer:
            columns.append(rng.integers(int(low), int(high) + 1, count).astype(dtype))
        else:
            columns.append(rng.uniform(low, high, count).astype(dtype))
    return columns


def value(row: ScalarOp, *arrays: Any, floatX: str = "float64") -> Array:
    """The row in numpy, with Theano's dtypes, silently."""
    with np.errstate(all="ignore"):
        return np.asarray(compute(row, arrays, floatX))


def oracle(row: ScalarOp, *xs: Any) -> Any:
    """The row at one point in mpmath's present precision: an mpf or mpc, also of a comparison."""
    result = mpmath_namespace.function(row)(*xs)
    return mpmath.mpmathify(int(result) if isinstance(result, bool) else result)


def exact(row: ScalarOp, xs: tuple[Any, ...]) -> Any:
    """The row at one point, to 40 digits."""
    with mpmath.workdps(DIGITS):
        return oracle(row, *map(mpmath.mpmathify, xs))


def ulps(got: Array, truth: list[Any], scale: float = 0.0) -> float:
    """The largest error in units of the last place of the truth, or of `scale` where the truth is smaller."""
    worst = 0.0
    with mpmath.workdps(DIGITS):
        for one, right in zip(got, truth, strict=True):
            parts = ((one.real, mpmath.re(right)), (one.imag, mpmath.im(right)))
            for have, want in parts if np.iscomplexobj(got) else parts[:1]:
                unit = 1.0
                if have.dtype.kind == "f":
                    unit = float(np.spacing(have.dtype.type(max(abs(float(want)), scale))))
                worst = max(worst, float(abs(mpmath.mpmathify(have.item()) - want) / unit))
    return worst
