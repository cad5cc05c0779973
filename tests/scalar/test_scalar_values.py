"""Every row's value: against mpmath at random points, and at the boundary against numpy, scipy or the limit."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
from scalar_samples import NAMES, ROWS, exact, points, ulps, value

from symtheano.scalar.op import TABLE

# The largest error allowed, in units of the last place (float64, float32), and the magnitude below which the unit no
# longer shrinks: near a zero of a function that rounds on the way, or is scipy's, only the absolute error is small.
DEFAULT = (2.5, 2.5, 0.0)
TOLERANCE = {
    # Ours: sums that cancel.
    "add": (2.0, 2.0, 1.0),
    "logaddexp": (1.0, 1.0, 1.0),
    "ultra_fast_sigmoid": (1.0, 1.0, 1.0),
    # scipy's, in float64; its float32 is computed in float64 and good to half a unit.
    "erfc": (4.0, 1.0, 0.0),
    "erfcx": (6.0, 1.0, 0.0),
    "erfcinv": (6.0, 1.0, 0.0),
    "gammaln": (2.0, 1.0, 1.0),
    "tri_gamma": (6.0, 1.0, 0.0),
    "zeta": (6.0, 1.0, 0.0),
    "j0": (2.0, 1.0, 1.0),
    "j1": (2.0, 1.0, 1.0),
    "i1": (5.0, 1.0, 0.0),
    "iv": (16.0, 1.0, 0.0),
    "jv": (64.0, 1.0, 1.0),
    # ... whose incomplete gamma functions lose digits in the exponent of exp(k log x - x).
    "gammainc": (16.0, 1.0, 0.0),
    "gammaincc": (64.0, 1.0, 0.0),
    "gammal": (16.0, 2.0, 0.0),
    "gammau": (64.0, 2.0, 0.0),
    "chi2sf": (64.0, 64.0, 0.0),  # float64 whatever the operands
}

INF, NAN = np.inf, np.nan
EDGE = np.array([0.0, -0.0, INF, -INF, NAN])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test_value_against_mpmath(name: str, dtype: str) -> None:
    row = TABLE[name]
    xs = points(row, "int64" if row.integer else dtype)
    if len(xs) == 2:  # ties
        xs = [np.append(x, xs[-1][:3]) for x in xs]
        inside = [row.interval(0)[0] <= t <= row.interval(0)[1] for t in xs[0]]
        xs = [x[np.array(inside)] for x in xs]
    got = value(row, *xs)
    truth = [exact(row, tuple(v.item() for v in at)) for at in zip(*xs, strict=True)]
    double, single, scale = TOLERANCE.get(name, DEFAULT)
    assert ulps(got, truth, scale) <= (double if dtype == "float64" else single)


@pytest.mark.parametrize("row", [row for row in ROWS if row.numpy], ids=str)
def test_boundary_of_numpy_rows(row) -> None:
    if row.integer or row.arity not in (1, 2):
        return
    grid = np.meshgrid(*[np.append(EDGE, [1.0, -1.0])] * row.arity)
    with np.errstate(all="ignore"):
        want = getattr(np, row.numpy)(*grid)
    np.testing.assert_array_equal(value(row, *grid), want, strict=False)
    assert (np.signbit(value(row, *grid)) == np.signbit(want)).all() or want.dtype == bool


UNARY_EDGES = {
    "sigmoid": [0.5, 0.5, 1, 0, NAN],
    "softplus": [np.log(2), np.log(2), INF, 0, NAN],
    "hard_sigmoid": [0.5, 0.5, 1, 0, NAN],
    "ultra_fast_sigmoid": [0.5, 0.5, 0.997527376843365, 1 - 0.997527376843365, NAN],
    "log1mexp": [-INF, -INF, NAN, 0, NAN],
    "round_half_away_from_zero": [0, -0.0, INF, -INF, NAN],
    "xlogx": [0, 0, INF, NAN, NAN],
    "identity": list(EDGE),
    "erf": [0, -0.0, 1, -1, NAN],
    "erfc": [1, 1, 0, 2, NAN],
    "erfcx": [1, 1, 0, INF, NAN],
}


@pytest.mark.parametrize("name", UNARY_EDGES)
def test_boundary_of_other_rows(name: str) -> None:
    np.testing.assert_allclose(value(TABLE[name], EDGE), UNARY_EDGES[name], rtol=1e-15)


def test_boundary_of_binary_rows() -> None:
    x, y = np.meshgrid(np.append(EDGE, [1.0, 700.0, -800.0]), np.append(EDGE, [1.0, 710.0]))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(value(TABLE["logaddexp"], x, y), np.logaddexp(x, y), rtol=4e-16)
        positive = np.abs(y)
        want = np.where(np.isnan(positive) & (x == 0), 0, scipy.special.xlogy(x, positive))
    np.testing.assert_allclose(value(TABLE["xlogy0"], x, positive), want, rtol=1e-15)


def test_round_half_away_is_exact_just_below_one_half() -> None:
    x = np.array([0.49999999999999994, -0.49999999999999994, 0.5, -0.5, 1.5, 2.5, -2.5, 2.0**52 + 1])
    assert value(TABLE["round_half_away_from_zero"], x).tolist() == [0, 0, 1, -1, 2, 3, -3, 2.0**52 + 1]


def test_stable_rows_at_extremes() -> None:
    x = np.array([-800.0, -50.0, -1e-10, 1e-10, 50.0, 800.0])
    assert value(TABLE["softplus"], x)[[0, 1, 5]].tolist() == [0.0, np.exp(-50.0), 800.0]
    assert value(TABLE["sigmoid"], x)[[0, 5]].tolist() == [0.0, 1.0]
    np.testing.assert_allclose(value(TABLE["log1mexp"], x[:3]), [-0.0, -np.exp(-50.0), np.log(1e-10)], rtol=1e-10)


def test_integer_division_by_zero_is_zero_and_signs_follow_python() -> None:
    x, y = np.array([7, -7, 7, -7, 5], "int32"), np.array([2, 2, -2, -2, 0], "int32")
    assert value(TABLE["int_div"], x, y).tolist() == [3, -4, -4, 3, 0]
    assert value(TABLE["mod"], x[:4], y[:4]).tolist() == [1, 1, -1, -1]
    assert value(TABLE["true_div"], np.array([1], "int32"), np.array([0], "int32")).tolist() == [INF]


def test_clip_is_theanos_where_bounds_cross() -> None:
    clip = TABLE["clip"]
    assert value(clip, np.array([0.0, 3.0, 1.5, NAN]), 2.0, 1.0).tolist()[:3] == [2.0, 1.0, 2.0]
    assert value(clip, 5.0, NAN, NAN) == 5.0


def test_compute_converts_operands_and_keeps_the_common_shape() -> None:
    assert value(TABLE["exp"], np.array([1], "int8")).dtype == "float32"
    assert value(TABLE["true_div"], np.array([1]), np.array([3]), floatX="float32").dtype == "float32"
    assert value(TABLE["mod"], np.array([True]), np.array([True])).dtype == "bool"
    assert value(TABLE["second"], np.zeros((2, 3)), np.float32(1)).shape == (2, 3)
    assert value(TABLE["complex"], INF, np.array([1.0, -0.0])).tolist() == [complex(INF, 1), complex(INF, -0.0)]
