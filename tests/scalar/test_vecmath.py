"""Elementary and special functions in machine code: against 40-digit truth, numpy's special values, other machines."""

from __future__ import annotations

import platform
import sys

import numpy as np
import pytest
from machine_numpy import run
from scalar_samples import value
from vecmath_samples import CASES, DTYPES, allowed_points, built, errors, native, points, ranges, special_points

from symtheano.compile.target.native import toolchain
from symtheano.scalar.op import TABLE
from symtheano.scalar.vecmath import FUNCTIONS

WIDTH = {"float32": 16, "float64": 8}
GOAL = {"float32": 2.5, "float64": 2.0}
ALLOWED = {
    ("tanh", "float64"): 2.25,
    ("erfc", "float32"): 3.5,
    ("erfc", "float64"): 3.0,
    ("erfcx", "float64"): 2.5,
    ("erfinv", "float64"): 2.5,
    ("gamma", "float32"): 3.5,
    ("gamma", "float64"): 5.0,
    ("gammaln", "float32"): 4.5,
    ("gammaln", "float64"): 3.5,
    ("i0", "float32"): 3.5,
    ("i0", "float64"): 3.5,
    ("i1", "float32"): 3.5,
    ("i1", "float64"): 3.5,
    ("j0", "float32"): 5.0,
    ("j0", "float64"): 5.0,
    ("j1", "float32"): 4.0,
    ("j1", "float64"): 4.0,
    ("psi", "float32"): 5.0,
    ("psi", "float64"): 5.0,
    ("tri_gamma", "float32"): 6.0,
    ("tri_gamma", "float64"): 6.0,
}


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_is_near_the_truth(name: str, dtype: str) -> None:
    xs = points(name, dtype, 1200)
    if len(xs) == 1:
        xs = [np.concatenate([xs[0], allowed_points(name, special_points(dtype))])]
    got = native(name, dtype, WIDTH[dtype])(*xs)
    far = errors(name, dtype, got, xs)
    worst = int(far.argmax())
    assert far[worst] <= ALLOWED.get((name, dtype), GOAL[dtype]), [x[worst] for x in xs]


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_special_values_are_numpys(name: str, dtype: str) -> None:
    special = np.array([0.0, 0.5, 1.0, 2.0, 3.0, np.inf, np.nan])
    special = np.concatenate([special, -special]).astype(dtype)
    xs = [special] if len(ranges(name, dtype)) == 1 else [x.ravel() for x in np.meshgrid(special, special)]
    got = native(name, dtype, WIDTH[dtype])(*xs)
    right = value(TABLE[name], *xs)
    assert right.dtype == dtype
    np.testing.assert_array_equal(np.isnan(got), np.isnan(right))
    infinite, zero = np.isinf(right) | np.isinf(got), (right == 0) | (got == 0)
    np.testing.assert_array_equal(got[infinite], right[infinite])
    np.testing.assert_array_equal(got[zero], right[zero])
    clear = ~np.isnan(right)
    np.testing.assert_array_equal(np.signbit(got[clear]), np.signbit(right[clear]))


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_is_the_same_for_one_lane_and_for_many_and_without_avx512(name: str, dtype: str) -> None:
    xs = [np.concatenate([x, special_points(dtype)]) for x in points(name, dtype, 1000)]
    wide = native(name, dtype, WIDTH[dtype])(*xs)
    _same_bits(native(name, dtype, 1)(*xs), wide)
    machine = toolchain.host()
    if machine.masks and machine.triple.startswith("x86_64"):
        features = ",".join(f for f in machine.features.split(",") if not f.startswith("+avx512"))
        older = toolchain.describe(machine.triple, "x86-64-v3", features)
        _same_bits(native(name, dtype, WIDTH[dtype], older)(*xs), wide)


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_numpy_computes_the_same_instruction_by_instruction(name: str, dtype: str) -> None:
    if not toolchain.host().fma:
        pytest.skip("the processor has no fused multiply-add")
    xs = [np.concatenate([x, special_points(dtype)]) for x in points(name, dtype, 300)]
    code, result = built(name, dtype)
    (right,) = run(code, [result], {f"x{k}": x for k, x in enumerate(xs)})
    _same_bits(native(name, dtype, WIDTH[dtype])(*xs), right)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="an x86 processor plays an older one")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="code for Linux")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["exp", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus", "erf", "arctan"])
def test_is_as_near_without_fused_multiply_add(name: str, dtype: str) -> None:
    xs = points(name, dtype, 500)
    got = native(name, dtype, 1, toolchain.HOSTS["sse2"])(*xs)
    assert errors(name, dtype, got, xs).max() <= ALLOWED.get((name, dtype), GOAL[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["tanh", "erf"])
def test_saturates_at_exactly_one(name: str, dtype: str) -> None:
    xs = np.array([20.0, 1e3, -20.0, -1e30], dtype)
    np.testing.assert_array_equal(native(name, dtype, 1)(xs), np.array([1.0, 1.0, -1.0, -1.0], dtype))


@pytest.mark.parametrize("dtype", DTYPES)
def test_sines_of_multiples_of_pi_and_of_huge_numbers(dtype: str) -> None:
    rng = np.random.default_rng(1)
    multiples = (rng.integers(-2_000_000, 2_000_000, 300) * (np.pi / 2)).astype(dtype)
    top = 38 if dtype == "float32" else 308
    huge = 10.0 ** rng.uniform(5, top, 300)
    hardest = [6381956970095103.0 * 2.0**797, 5.319372648326541e255] if dtype == "float64" else [16367173.0 * 2.0**72]
    xs = np.concatenate([multiples, huge.astype(dtype), np.array(hardest, dtype)])
    for name in {"sin", "cos", "tan"} & set(FUNCTIONS):
        got = native(name, dtype, WIDTH[dtype])(xs)
        assert errors(name, dtype, got, [xs]).max() <= GOAL[dtype], name


def _same_bits(left: np.ndarray, right: np.ndarray) -> None:
    """Equal, -0 apart from 0; nan of any payload."""
    np.testing.assert_array_equal(left, right)
    clear = ~np.isnan(right)
    np.testing.assert_array_equal(np.signbit(left[clear]), np.signbit(right[clear]))
