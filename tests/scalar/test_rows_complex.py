"""Complex rows as machine code: close to the truth, and C99's (NumPy's) results for zeros, infinities and nan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from symtheano.scalar.namespace import compute
from symtheano.scalar.op import TABLE
from symtheano.scalar.rows import constant, is_native, lower_row
from tests.native.machine import WIDTH, Case, run
from tests.native.values import same_bits

COMPLEX = ("complex64", "complex128")
OF_ANGLES = ("exp", "exp2", "expm1", "sinh", "cosh", "tanh", "sin", "cos", "tan")  # the last three of angles re z
ROWS = ("sqrt", "abs_", "log", "log2", "log10", "log1p", "angle", *OF_ANGLES)
REAL = {"complex64": np.float32, "complex128": np.float64}


def native(name: str, dtype: str) -> Case:
    row = TABLE[name]
    out = row.out((dtype,), "float64")
    return Case(lambda code, x: lower_row(code, row, (x,), (dtype,), out, "float64"), (dtype,), out)


def sizes(dtype: str, count: int, rng: np.random.Generator) -> Any:
    """Numbers of all directions and sizes, some near the unit circle, some on the axes."""
    limits = np.finfo(dtype)
    logs = rng.uniform(np.log(float(limits.smallest_subnormal)), np.log(float(limits.max)) - 1, (2, count))
    parts = np.exp(logs) * rng.choice([-1, 1], (2, count))
    z = parts[0] + 1j * parts[1]
    turn = np.exp(1j * rng.uniform(-np.pi, np.pi, count))
    z[: count // 3] = (turn * rng.normal(1, 1e-3, count))[: count // 3]
    z[count // 3 : count // 2] = (turn * rng.uniform(0, 5, count))[count // 3 : count // 2]
    z[:10], z[10:20] = z[:10].real, 1j * z[10:20].imag
    return z.astype(dtype)


def far(got: Any, truth: Any, unit: Any) -> float:
    """The distance from the truth in units in the last place."""
    with mpmath.workdps(60):
        return float(abs(mpmath.mpmathify(got.item()) - truth) / mpmath.mpmathify(unit.item()))


ORACLES: dict[str, Callable[[Any], Any]] = {
    "sqrt": mpmath.sqrt,
    "abs_": abs,
    "angle": mpmath.arg,
    "exp2": lambda z: mpmath.power(2, z),
    "expm1": lambda z: mpmath.exp(z) - 1,
    "log2": lambda z: mpmath.log(z) / mpmath.log(2),
    "log10": lambda z: mpmath.log(z) / mpmath.log(10),
    "log1p": lambda z: mpmath.log(1 + z),
    **{name: getattr(mpmath, name) for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
}
BOUNDS = {"abs_": 1.0, "tan": 6.0, "tanh": 6.0}  # units in the last place of each part; the others: 4
DIGITS = {"expm1": 700, "log1p": 700}  # that the oracle needs, beside 1


def operands(name: str, dtype: str, rng: np.random.Generator) -> Any:
    """Numbers of all sizes that a row has finite values of, or nearly so."""
    z = sizes(dtype, 400, rng)
    if name not in OF_ANGLES:
        return z
    top = np.log(float(np.finfo(dtype).max)) + 2
    top = top / np.log(2) if name == "exp2" else top
    calm = rng.normal(scale=2, size=(2, 150)), (rng.uniform(-top, top, 150), rng.normal(scale=20, size=150))
    z = np.concatenate([z, *((a + 1j * b).astype(dtype) for a, b in calm)])
    z = z[(np.abs(z.real) < top) & (np.abs(z.imag) < 1e4)]
    return z.imag + 1j * z.real if name in ("sin", "cos", "tan") else z


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("name", ROWS)
def test_values_are_close_to_the_truth(name: str, dtype: str, rng: np.random.Generator) -> None:
    z = operands(name, dtype, rng)
    (got,) = run([native(name, dtype)], [[z]], WIDTH)
    bound, part = BOUNDS.get(name, 4.0), REAL[dtype]  # what the row is computed in: angle is converted afterwards
    for at, value in zip(z, got, strict=True):
        with mpmath.workdps(DIGITS.get(name, 60)):
            truth = ORACLES[name](mpmath.mpmathify(at.item()))
            pairs = [(value.real, mpmath.re(truth))]
            if np.iscomplexobj(got):
                pairs.append((value.imag, mpmath.im(truth)))
            size = part(float(abs(truth)))
            for have, want in pairs:
                nearest = part(float(want))
                if not np.isfinite(nearest):
                    assert have == nearest, f"{name}({at!r})"
                    continue
                # The real part of exp(z) - 1 may cancel: it is as close as the whole number's size allows.
                unit = np.spacing(size if name == "expm1" and np.isfinite(size) else np.abs(nearest))
                assert far(have, want, unit) <= bound, f"{name}({at!r}) is {truth}, not {value!r}"


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("name", ROWS)
def test_edges_are_those_of_c(name: str, dtype: str) -> None:
    some = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan], REAL[dtype])
    z = np.zeros(len(some) ** 2, dtype)
    z.real, z.imag = (g.ravel() for g in np.meshgrid(some, some))
    (got,) = run([native(name, dtype)], [[z]], 1)
    (many,) = run([native(name, dtype)], [[z]], WIDTH)
    same_bits(got, many, [z], f"{name}: one lane and many")
    wanted = np.asarray(compute(TABLE[name], (z,), "float64"))
    if name == "expm1":  # NumPy's has no care of infinity
        wanted = np.where(np.isfinite(z), wanted, compute(TABLE["exp"], (z,), "float64") - 1)
    for x, y in [(got.real, wanted.real), (got.imag, wanted.imag)]:
        for at, have, want in zip(z, x, y, strict=True):
            if name in FREE and not np.isfinite(at):
                have, want = np.abs(have), np.abs(want)
            close = np.isclose(have, want, rtol=1e-6 if dtype == "complex64" else 1e-15, atol=0, equal_nan=True)
            signs = np.isnan(want) or np.signbit(have) == np.signbit(want)
            assert close and signs, f"{name}({at!r}): {have!r}, not {want!r}"


FREE = ("exp", "exp2", "expm1", "sqrt", "sin", "cos", "sinh", "cosh")  # C99 leaves the signs of some results open


# ----- Powers -----


def powers(dtype: str, second: str, exponent: float | None = None) -> Case:
    """pow of two arguments, or with a number as the exponent."""
    row, given = TABLE["pow"], (dtype, second)
    out = row.out(given, "float64")
    if exponent is None:
        return Case(lambda code, x, y: lower_row(code, row, (x, y), given, out, "float64"), given, out)
    return Case(
        lambda code, x: lower_row(code, row, (x, constant(code, exponent, second)), given, out, "float64"),
        (dtype,),
        out,
    )


def check_powers(got: Any, z: Any, y: Any) -> None:
    """An error of a few units, and one for each time that the logarithm's error is multiplied."""
    part = np.finfo(got.dtype)
    for value, at, exponent in zip(got, z, y, strict=True):
        with mpmath.workdps(60):
            base, power = mpmath.mpmathify(at.item()), mpmath.mpmathify(np.asarray(exponent).item())
            truth = mpmath.power(base, power)
            if float(part.tiny) * 1e3 < abs(truth) < float(part.max) / 1e3:
                unit = np.float64(float(abs(truth)) * float(part.eps))
                allowed = 4 + 2 * float(abs(power) * (1 + (abs(mpmath.log(base)) if got.dtype == "complex128" else 0)))
                assert far(value, truth, unit) <= allowed, f"{at!r} ** {exponent!r} is {truth}, not {value!r}"


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("real", [True, False])
def test_powers(real: bool, dtype: str, rng: np.random.Generator) -> None:
    z, y = sizes(dtype, 300, rng), 2 * rng.normal(size=300)
    y = y.astype(REAL[dtype]) if real else (y + 1j * rng.normal(size=300)).astype(dtype)
    (got,) = run([powers(dtype, y.dtype.name)], [[z, y]], WIDTH)
    check_powers(got, z, y)


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("exponent", [-2, -1, 0, 0.5, 1, 1.5, 2, 3, 7])
def test_powers_of_numbers(exponent: float, dtype: str, rng: np.random.Generator) -> None:
    z = sizes(dtype, 300, rng)
    (got,) = run([powers(dtype, REAL[dtype].__name__, exponent)], [[z]], WIDTH)
    check_powers(got, z, np.full(300, exponent))


@pytest.mark.parametrize("dtype", COMPLEX)
def test_powers_of_zero_are_numpys(dtype: str) -> None:
    z, y = np.array([0, 0, 0, 0, 0, 2, -0j], dtype), np.array([2, -1, 0, 1 + 1j, 0.5, 0, 1j], dtype)
    (got,) = run([powers(dtype, dtype)], [[z, y]], WIDTH)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(got, np.power(z, y))


def test_what_is_native_for_complex_numbers() -> None:
    assert all(is_native(TABLE[name], ("complex64",)) for name in (*ROWS, "sqr", "inv", "conj", "neg", "isnan"))
    assert is_native(TABLE["pow"], ("complex64", "float64"))
    assert not any(is_native(TABLE[name], ("complex64",)) for name in ("arcsin", "arctanh"))
