"""The algebra a row declares (identity, parity, monotone, range ...) holds at sampled points."""

from __future__ import annotations

import numpy as np
import pytest
from scalar_samples import FLOAT_ROWS, ROWS, arity, points, value

from symtheano.scalar.op import TABLE, ScalarOp, cast

WIDE = np.concatenate([[0.0, -0.0, np.inf, -np.inf], np.linspace(-1e3, 1e3, 41), np.logspace(-300, 300, 25)])
TINY = 4 * np.finfo("float64").eps


def pair(row: ScalarOp) -> list[np.ndarray]:
    """Two operands; of an n-ary row the first two."""
    return points(row, "int64" if row.integer else "float64")[:2]


@pytest.mark.parametrize("row", [r for r in ROWS if r.commutative], ids=str)
def test_commutative(row: ScalarOp) -> None:
    x, y = pair(row)
    np.testing.assert_array_equal(value(row, x, y), value(row, y, x))


@pytest.mark.parametrize("row", [r for r in ROWS if r.associative], ids=str)
def test_associative(row: ScalarOp) -> None:
    x, y = pair(row)
    z = y[::-1]
    left, right = value(row, value(row, x, y), z), value(row, x, value(row, y, z))
    np.testing.assert_allclose(left, right, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("row", [r for r in ROWS if r.identity is not None], ids=str)
def test_identity(row: ScalarOp) -> None:
    x = pair(row)[0]
    e = np.asarray(row.identity, dtype=x.dtype)
    np.testing.assert_array_equal(value(row, x, e), x)
    np.testing.assert_array_equal(value(row, e, x), x)


@pytest.mark.parametrize("row", [r for r in ROWS if r.absorbing is not None], ids=str)
def test_absorbing(row: ScalarOp) -> None:
    x = pair(row)[0]
    a = np.asarray(row.absorbing, dtype=x.dtype)
    assert (value(row, x, a) == a).all() and (value(row, a, x) == a).all()


@pytest.mark.parametrize("row", [r for r in ROWS if r.idempotent], ids=str)
def test_idempotent(row: ScalarOp) -> None:
    x = points(row, "int64" if row.integer else "float64")[0]
    if arity(row) == 1:
        once = value(row, x)
        np.testing.assert_array_equal(value(row, once), once)
    else:
        np.testing.assert_array_equal(value(row, x, x), x)


@pytest.mark.parametrize("row", [r for r in ROWS if r.monotone], ids=str)
def test_monotone(row: ScalarOp) -> None:
    assert row.arity == 1
    x = np.sort(points(row, "int64" if row.integer else "float64", 400)[0])
    y = value(row, x).astype("float64") * row.monotone
    assert (np.diff(y) >= -TINY * np.abs(y[1:])).all()
    assert np.unique(y).size > 1


@pytest.mark.parametrize("row", [r for r in ROWS if r.parity], ids=str)
def test_parity(row: ScalarOp) -> None:
    x = points(row, "float64")[0]
    np.testing.assert_array_equal(value(row, -x), row.parity * value(row, x))


@pytest.mark.parametrize("row", [r for r in ROWS if r.inverse], ids=str)
def test_inverse(row: ScalarOp) -> None:
    inner = TABLE[row.inverse or ""]
    x = points(inner, "int64" if row.integer else "float64")[0]
    np.testing.assert_allclose(value(row, value(inner, x)), x, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("row", [r for r in FLOAT_ROWS if r.range], ids=str)
def test_range(row: ScalarOp) -> None:
    low, high = row.range or (0, 0)
    samples = [points(row, "float64", 200)]
    if row.numpy or arity(row) == 1:  # scipy's functions of two arguments are not defined everywhere
        samples.append(np.meshgrid(*[WIDE] * arity(row)))
    for columns in samples:
        y = value(row, *columns)
        y = y[~np.isnan(y)]
        assert y.size and y.min() >= low and y.max() <= high


def test_every_row_says_what_it_is() -> None:
    for row in ROWS:
        assert row.doc, row
        assert row.no_oracle or None not in (row.sympy, row.mpmath), row
        assert sum(f is not None for f in (row.numpy, row.special, row.value)) == 1, row
        assert all(low < high for low, high in row.domain), row
        assert row.connected is None or len(row.connected) == row.arity, row
        assert row.inverse is None or row.inverse in TABLE, row
        assert (row.adjoint is None) == (row.tangent is None), row
    assert not TABLE["switch"].is_ufunc and TABLE["exp"].is_ufunc and TABLE["erf"].is_ufunc
    assert not TABLE["sigmoid"].is_ufunc and not cast("int8").is_ufunc
    for row in ROWS:
        assert row.is_ufunc == (isinstance(getattr(np, row.numpy or "", None), np.ufunc) or row.special is not None)
