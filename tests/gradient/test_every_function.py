"""Every row of the scalar table as an expression: its gradient to second order, its Rop, and complex gradients."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest

from symtheano.config import config
from symtheano.gradient import grad
from symtheano.gradient.null import is_disconnected
from symtheano.scalar import TABLE, ScalarOp
from symtheano.tensor.elemwise import functions
from tests.gradient.checks import check_gradients, check_rop, leaves, projected, run

ROWS = [row for row in TABLE.values() if not row.integer and row.name not in ("complex", "complex_from_polar")]
COMPLEX_ROWS = [
    row for row in TABLE.values() if row.complex and row.out(("complex128",) * (row.arity or 2), "float64") != "bool"
]


def arity(row: ScalarOp) -> int:
    return row.arity or 3


def samples(row: ScalarOp, count: int = 3) -> list[Any]:
    """Points well inside the domain, apart from one another and from the kinks that lie at round numbers."""
    rng = np.random.default_rng(zlib.crc32(row.name.encode()))
    columns = []
    for k in range(arity(row)):
        low, high = row.interval(k)
        width = min(high, 10.0) - max(low, -10.0)
        columns.append(max(low, -10.0) + width * rng.uniform(0.2, 0.8, count))
    if row.name == "switch":
        columns[0] = np.array([0.0, 1.0, 1.0])
    return columns


def differentiable(row: ScalarOp) -> list[int]:
    """The arguments for which the row has a formula."""
    xs = leaves(samples(row))
    cost = functions.__getattr__(row.name)(*xs).sum()
    terms = grad(cost, xs, disconnected_inputs="ignore", null_gradients="return", return_disconnected="Disconnected")
    return [k for k, g in enumerate(terms) if not is_disconnected(g) and hasattr(g.type, "dtype")]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_gradient(row: ScalarOp) -> None:
    function = functions.__getattr__(row.name)
    if row.out(("float64",) * arity(row), "float64") == "bool":
        x = leaves(samples(row))
        for g, v in zip(grad(function(*x).sum(), x), samples(row), strict=True):
            assert g.type.dtype == "float64"
            np.testing.assert_array_equal(run(g, dict(zip(x, samples(row), strict=True))), np.zeros_like(v))
        return
    wrt = differentiable(row)
    assert wrt, f"{row} has no gradient at all"
    check_gradients(function, samples(row), wrt, tolerance=2e-5)


@pytest.mark.parametrize("row", [r for r in ROWS if r.out(("float64",) * arity(r), "float64") != "bool"], ids=str)
def test_rop(row: ScalarOp) -> None:
    check_rop(functions.__getattr__(row.name), samples(row), differentiable(row))


@pytest.mark.parametrize("row", [r for r in ROWS if arity(r) == 2], ids=str)
def test_gradient_is_summed_over_broadcast_axes(row: ScalarOp) -> None:
    if row.out(("float64", "float64"), "float64") == "bool":
        return
    x, y = samples(row, 6)
    check_gradients(
        functions.__getattr__(row.name), [x[:2].reshape(2, 1), y[:3].reshape(1, 3)], differentiable(row), 1, 2e-5
    )


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("floatX", ["float64", "own"])
def test_gradients_keep_the_precision_of_their_graph(row: ScalarOp, dtype: str, floatX: str) -> None:
    config.floatX = dtype if floatX == "own" else floatX  # the dtype of the Python numbers in the table's formulas
    xs = leaves([v.astype(dtype) for v in samples(row)])
    out = functions.__getattr__(row.name)(*xs)
    if out.type.dtype != dtype:
        return
    for g in grad(out.sum(), xs, disconnected_inputs="ignore", null_gradients="return"):
        assert getattr(g.type, "dtype", dtype) == dtype


@pytest.mark.parametrize("row", COMPLEX_ROWS, ids=str)
def test_complex_gradient(row: ScalarOp) -> None:
    """g = dC/dRe(x) + i dC/dIm(x) for a real cost C."""
    rng = np.random.default_rng(5)
    values = [rng.uniform(0.2, 0.9, 3) + 1j * rng.uniform(0.2, 0.9, 3) for _ in range(row.arity or 2)]
    if row.name == "switch":
        values[0] = np.array([1.0, 0.0, 1.0])
    xs = leaves(values)
    out = functions.__getattr__(row.name)(*xs)
    if out.type.dtype.startswith("complex"):
        out = functions.real(out) * 1.3 - functions.imag(out) * 0.7
    cost = projected([out], xs, values)
    gradients = grad(cost, xs, disconnected_inputs="ignore", return_disconnected="Disconnected")
    for k, g in enumerate(gradients):
        if is_disconnected(g) or not np.iscomplexobj(values[k]):
            continue
        slope = np.zeros(3, "complex128")
        for index in range(3):
            for unit in (1, 1j):
                sides = []
                for step in (1e-6, -1e-6):
                    moved = [v.copy() for v in values]
                    moved[k][index] += step * unit
                    sides.append(float(run(cost, dict(zip(xs, moved, strict=True)))))
                slope[index] += unit * (sides[0] - sides[1]) / 2e-6
        np.testing.assert_allclose(run(g, dict(zip(xs, values, strict=True))), slope, rtol=1e-6, atol=1e-7)
