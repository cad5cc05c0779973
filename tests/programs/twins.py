"""What the NumPy twins share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit as sigmoid

Array = np.ndarray[Any, Any]

__all__ = ["Array", "close", "measured", "random", "sigmoid", "softmax"]

_TOLERANCE = {"float16": 2e-2, "float32": 2e-4, "float64": 1e-8}


def random(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed + 7 * sum(shape)).normal(size=shape)


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def close(got: Any, wanted: Any, dtype: str | None = None, rtol: float | None = None, what: str = "") -> None:
    """`got` has the dtype and, to its precision, the values."""
    got = np.asarray(got)
    assert dtype is None or got.dtype == dtype, f"{what}: {got.dtype}, not {dtype}"
    assert got.shape == np.shape(wanted), what
    tolerance = _TOLERANCE.get(got.dtype.name, 1e-8) if rtol is None else rtol
    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance, err_msg=what)


def measured(f: Callable[[Array], Any], x: Array, step: float = 1e-6) -> Array:
    """The gradient of a scalar function by central differences."""
    x = np.array(x, float)
    slope = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        old = x[place]
        x[place] = old + step
        above = f(x)
        x[place] = old - step
        below = f(x)
        x[place] = old
        slope[place] = (above - below) / (2 * step)
    return slope
