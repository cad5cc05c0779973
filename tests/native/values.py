"""Values that find what is wrong with arithmetic, and how results are compared: to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from symtheano.scalar.dtypes import real_of


def values(dtype: str, count: int, rng: np.random.Generator) -> Any:
    """`count` values: of all sizes, small ones, and a third of them the special ones of the dtype."""
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.random(count) < 0.5
    if kind == "c":
        made = np.zeros(count, dtype)
        made.real, made.imag = values(real_of(dtype), count, rng), values(real_of(dtype), count, rng)
        return made
    plain, special = (_integers if kind in "iu" else _floats)(dtype, count, rng)
    chosen = special[rng.integers(0, len(special), count)]
    return np.where(rng.random(count) < 1 / 3, chosen, plain)


def _integers(dtype: str, count: int, rng: np.random.Generator) -> tuple[Any, Any]:
    bounds = np.iinfo(dtype)
    low = -20 if bounds.min < 0 else 0
    any_size = rng.integers(bounds.min, bounds.max, count, dtype=dtype, endpoint=True)
    plain = np.where(rng.random(count) < 0.5, any_size, rng.integers(low, 20, count).astype(dtype))
    special = [0, 1, 2, 3, 7, bounds.max, bounds.max - 1, bounds.min, bounds.min + 1, *((-1, -2, -7) if low else ())]
    return plain, np.array(special, dtype)


def _floats(dtype: str, count: int, rng: np.random.Generator) -> tuple[Any, Any]:
    limits = np.finfo(dtype)
    tiny = float(limits.smallest_subnormal)
    with np.errstate(all="ignore"):
        plain = (rng.normal(size=count) * np.exp(rng.normal(size=count) * rng.choice([0.5, 3, 20], count))).astype(
            dtype
        )
    special = [
        0.0,
        1.0,
        0.5,
        1.5,
        2.5,
        3.0,
        1e4,
        np.inf,
        float(limits.max),
        float(limits.tiny),
        tiny,
        float(limits.eps),
    ]
    special.append(float(np.nextafter(np.array(0.5, dtype), np.array(0, dtype))))
    return plain, np.array([*special, *(-x for x in special), np.nan], dtype)


def same_bits(got: Any, wanted: Any, xs: list[Any], what: str) -> None:
    """Raises AssertionError, with an example, unless both are equal to the bit, but any nan equals any other."""
    assert got.dtype == wanted.dtype and got.shape == wanted.shape, f"{what}: {got.dtype}, not {wanted.dtype}"
    wrong = np.flatnonzero(~_equal(got, wanted))
    if wrong.size:
        k = wrong[0]
        operands = ", ".join(repr(x.ravel()[k]) for x in xs)
        raise AssertionError(
            f"{what}({operands}) is {wanted.ravel()[k]!r}, not {got.ravel()[k]!r}; {wrong.size} of {got.size} are wrong"
        )


def _equal(x: Any, y: Any) -> Any:
    if x.dtype.kind == "c":
        return _equal(x.real, y.real) & _equal(x.imag, y.imag)
    if x.dtype.kind != "f":
        return (x == y).ravel()
    both_nan = np.isnan(x) & np.isnan(y)
    return (((x == y) & (np.signbit(x) == np.signbit(y))) | both_nan).ravel()
