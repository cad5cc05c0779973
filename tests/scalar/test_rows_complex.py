"""Complex rows as machine code: close to the truth, and C99's (NumPy's) results for zeros, infinities and nan."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np
import pytest

from symtheano.scalar.namespace import compute
from symtheano.scalar.op import TABLE
from symtheano.scalar.rows import is_native, lower_row
from tests.native.machine import WIDTH, Case, run
from tests.native.values import same_bits

COMPLEX = ("complex64", "complex128")
ROWS = ("sqrt", "abs_", "exp", "log", "angle")
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


ORACLES = {"sqrt": mpmath.sqrt, "abs_": abs, "exp": mpmath.exp, "log": mpmath.log, "angle": mpmath.arg}
BOUNDS = {"sqrt": 3.0, "abs_": 1.0, "exp": 6.0, "log": 4.0, "angle": 4.0}  # units in the last place of each part


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("name", ROWS)
def test_values_are_close_to_the_truth(name: str, dtype: str, rng: np.random.Generator) -> None:
    z = sizes(dtype, 400, rng)
    if name == "exp":
        z = z[(np.abs(z.real) < np.log(float(np.finfo(dtype).max)) + 2) & (np.abs(z.imag) < 1e4)]
    (got,) = run([native(name, dtype)], [[z]], WIDTH)
    bound, part = BOUNDS[name], REAL[dtype]  # what the row is computed in: angle is converted afterwards
    for at, value in zip(z, got, strict=True):
        with mpmath.workdps(60):
            truth = ORACLES[name](mpmath.mpmathify(at.item()))
            pairs = [(value.real, mpmath.re(truth))]
            if np.iscomplexobj(got):
                pairs.append((value.imag, mpmath.im(truth)))
            for have, want in pairs:
                nearest = part(float(want))
                if not np.isfinite(nearest):
                    assert have == nearest, f"{name}({at!r})"
                    continue
                unit = np.spacing(np.abs(nearest))
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
    for x, y in [(got.real, wanted.real), (got.imag, wanted.imag)]:
        for at, have, want in zip(z, x, y, strict=True):
            close = np.isclose(have, want, rtol=1e-6 if dtype == "complex64" else 1e-15, atol=0, equal_nan=True)
            signs = np.isnan(want) or np.signbit(have) == np.signbit(want) or _is_free(name, at)
            assert close and signs, f"{name}({at!r}): {have!r}, not {want!r}"


def _is_free(name: str, z: Any) -> bool:
    """Where C99 leaves the sign of a part open."""
    return name in ("exp", "sqrt") and not np.isfinite(z)


def test_what_is_native_for_complex_numbers() -> None:
    assert all(is_native(TABLE[name], ("complex64",)) for name in (*ROWS, "sqr", "inv", "conj", "neg", "isnan"))
    assert not any(is_native(TABLE[name], ("complex64",)) for name in ("sin", "tanh", "expm1", "log1p", "arcsin"))
