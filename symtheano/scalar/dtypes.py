"""The dtype lattice: which dtypes exist, how they promote, and which one a Python number becomes.

Theano's promotion of two dtypes is numpy's `promote_types`. What is Theano's own is `upgrade_to_float` (the result
of `exp` of integers) and `autocast` (the smallest dtype that holds a Python number exactly).

    upcast("int32", "float32")  -> "float64"
    autocast(1.0, "float64")    -> array(1., dtype=float32)         so that `x_float32 + 1.0` stays float32
    autocast(0.1, "float64")    -> array(0.1)                       float64: 0.1 is not exact in float32
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

INT = ("int8", "int16", "int32", "int64")
UINT = ("uint8", "uint16", "uint32", "uint64")
DISCRETE = ("bool", *INT, *UINT)
FLOAT = ("float16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
ALL_DTYPES = (*DISCRETE, *FLOAT, *COMPLEX)

CAST_POLICIES = ("custom", "numpy+floatX")

_REAL_OF = {"complex64": "float32", "complex128": "float64"}
_COMPLEX_OF = {"float16": "complex64", "float32": "complex64", "float64": "complex128"}
_NARROW = ("bool", "int8", "int16", "uint8", "uint16")


def is_discrete(dtype: str) -> bool:
    """True of bool and the integers: a value of this dtype has no derivative."""
    return dtype in DISCRETE


def is_float(dtype: str) -> bool:
    """True of the real floating dtypes (not of complex)."""
    return dtype in FLOAT


def is_complex(dtype: str) -> bool:
    """True of complex64 and complex128."""
    return dtype in COMPLEX


@cache
def upcast(*dtypes: str) -> str:
    """The smallest dtype that all of `dtypes` convert to safely: upcast("int8", "uint8") -> "int16"."""
    if not dtypes:
        raise TypeError("upcast: needs at least one dtype")
    for dtype in dtypes:
        if dtype not in ALL_DTYPES:
            raise TypeError(f"upcast: unknown dtype {dtype!r}; the dtypes are {', '.join(ALL_DTYPES)}")
    result = np.dtype(dtypes[0])
    for dtype in dtypes[1:]:
        result = np.promote_types(result, np.dtype(dtype))
    return result.name


def real_of(dtype: str) -> str:
    """The dtype of the real part: complex64 -> float32, complex128 -> float64, others unchanged."""
    return _REAL_OF.get(dtype, dtype)


def complex_of(dtype: str) -> str:
    """The complex dtype whose parts hold `dtype`: float32 -> complex64, int32 -> complex128."""
    return dtype if dtype in COMPLEX else _COMPLEX_OF[upgrade_to_float(dtype)]


def upgrade_to_float(dtype: str) -> str:
    """The float dtype for `exp` and the like: 8 and 16 bit integers -> float32, wider ones -> float64."""
    if dtype not in DISCRETE:
        return dtype
    return "float32" if dtype in _NARROW else "float64"


def autocast(value: Any, floatX: str, cast_policy: str = "custom") -> npt.NDArray[Any]:
    """The 0-d array a Python number becomes in an expression; numpy scalars and arrays keep their dtype.

    `custom` (Theano's default): ints take the smallest of int8..int64 that holds them, floats the smallest of
    (float32, float64) that is exact, but always float32 when floatX is float32. `numpy+floatX`: int64 and floatX.
    """
    if cast_policy not in CAST_POLICIES:
        raise ValueError(f"autocast: cast_policy must be one of {CAST_POLICIES}, not {cast_policy!r}")
    if isinstance(value, np.ndarray | np.generic):
        return np.asarray(value)
    if isinstance(value, bool):
        return np.asarray(value, dtype="bool")
    if isinstance(value, int):
        return np.asarray(value, dtype=_int_dtype(value, cast_policy))
    if isinstance(value, float):
        return np.asarray(value, dtype=_float_dtype(value, floatX, cast_policy))
    if isinstance(value, complex):
        # A double-precision user gets complex128; in a single-precision program an exact constant stays single.
        exact = floatX != "float64" and _exact_in_float32(value.real) and _exact_in_float32(value.imag)
        return np.asarray(value, dtype="complex64" if exact else "complex128")
    return np.asarray(value)


def _int_dtype(value: int, cast_policy: str) -> str:
    candidates = ("int64", "uint64") if cast_policy == "numpy+floatX" else (*INT, "uint64")
    for dtype in candidates:
        bounds = np.iinfo(dtype)
        if bounds.min <= value <= bounds.max:
            return dtype
    raise OverflowError(f"autocast: the Python int {value} does not fit 64 bits; pass it as a float: {value}.0")


def _float_dtype(value: float, floatX: str, cast_policy: str) -> str:
    if cast_policy == "numpy+floatX" or floatX == "float32":
        return floatX
    if floatX == "float16" and _exact_in(value, np.float16):
        return "float16"
    # A nan equals nothing, so it comes out float64, as in Theano.
    return "float32" if _exact_in_float32(value) else "float64"


def _exact_in(value: float, kind: type[np.float16] | type[np.float32]) -> bool:
    with np.errstate(all="ignore"):
        # Through float: numpy would compare a float32 with a Python float in float32.
        return float(kind(value)) == value


def _exact_in_float32(value: float) -> bool:
    return _exact_in(value, np.float32)
