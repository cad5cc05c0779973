"""Every row's derivative: numerically to 40 digits, symbolically against sympy, in numpy, and at singular points."""

from __future__ import annotations

from functools import partial
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from scalar_samples import DIGITS, FLOAT_ROWS, arity, oracle, points, value

from symtheano.scalar.namespace import numpy_namespace
from symtheano.scalar.op import TABLE, ScalarOp, cast
from symtheano.scalar.symbolic import mpmath_namespace, sympy_namespace

INF = np.inf
REAL_ROWS = [row for row in FLOAT_ROWS if row.name not in ("complex", "complex_from_polar")]
NO_SYMPY_DIFF = {
    "mod": "sympy leaves the derivative of floor as it is",
    "switch": "the condition is a Boolean in sympy, not a symbol to differentiate by",
    "erfcinv": "sympy does not evaluate erfcinv",
}
SYMPY_ROWS = [r for r in REAL_ROWS if r.sympy is not None and r.partials is not None and r.name not in NO_SYMPY_DIFF]


def partials(row: ScalarOp, m: Any, xs: Any) -> list[Any]:
    """The partials at a point under the namespace `m`; zeros for a row without."""
    if row.partials is None:
        return [0] * len(xs)
    z = m.function(row)(*xs)
    return list(row.partials(m, *xs, z))


@pytest.mark.parametrize("row", REAL_ROWS, ids=str)
def test_partials_against_differences_in_40_digits(row: ScalarOp) -> None:
    for at in zip(*points(row, "float64", 6), strict=True):
        with mpmath.workdps(DIGITS):
            xs = tuple(mpmath.mpf(float(x)) for x in at)
            ours = partials(row, mpmath_namespace, xs)
            assert len(ours) == len(xs)
            for position, ours_here in enumerate(ours):
                if ours_here is None:
                    continue
                order = tuple(int(i == position) for i in range(len(xs)))
                truth = mpmath.diff(partial(oracle, row), xs, order)
                assert abs(ours_here - truth) <= 1e-14 * max(1, abs(truth)), (position, at)


@pytest.mark.parametrize("row", REAL_ROWS, ids=str)
def test_partials_in_numpy(row: ScalarOp) -> None:
    columns = points(row, "float64", 20)
    ours = partials(row, numpy_namespace, columns)
    with mpmath.workdps(DIGITS):
        for k, at in enumerate(zip(*columns, strict=True)):
            truth = partials(row, mpmath_namespace, [mpmath.mpf(float(x)) for x in at])
            for have, want in zip(ours, truth, strict=True):
                if want is not None:
                    one = np.broadcast_to(have, columns[0].shape)[k]
                    np.testing.assert_allclose(float(one), float(want), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("row", SYMPY_ROWS, ids=str)
def test_partials_against_sympy(row: ScalarOp) -> None:
    symbols = sympy.symbols("x0:3", real=True)[: arity(row)]
    formula = sympy_namespace.function(row)(*symbols)
    ours = partials(row, sympy_namespace, symbols)
    for at in zip(*points(row, "float64", 2), strict=True):
        where = dict(zip(symbols, (sympy.Float(float(x), 30) for x in at), strict=True))
        for symbol, ours_here in zip(symbols, ours, strict=True):
            if ours_here is None:
                continue
            truth = sympy.N(sympy.diff(formula, symbol).subs(where).doit(), 20)
            have = sympy.N(sympy.sympify(ours_here).subs(where), 20)
            assert abs(have - truth) <= 1e-13 * max(1, abs(truth))


# The complex rows: gx = dC/dRe(x) + i dC/dIm(x) where C = Re(conj(g) f(x)), differences in numpy.
COMPLEX_ROWS = [r for r in FLOAT_ROWS if r.complex and r.out.rule.__name__ != "out_bool" and r.name != "switch"]


def complex_point(row: ScalarOp, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [np.asarray(complex(*rng.uniform(0.2, 0.8, 2))) for _ in range(arity(row))]


def differences(row: ScalarOp, xs: list[np.ndarray], position: int, direction: complex) -> Any:
    """The directional derivative of the row at `xs`, by central differences."""
    h = 1e-6
    ahead, behind = list(xs), list(xs)
    ahead[position] = xs[position] + h * direction
    behind[position] = xs[position] - h * direction
    return (value(row, *ahead) - value(row, *behind)) / (2 * h)


def adjoint(row: ScalarOp, xs: list[Any], gz: Any) -> list[Any]:
    m = numpy_namespace
    z = m.function(row)(*xs)
    if row.adjoint is not None:
        return list(row.adjoint(m, *xs, z, gz))
    return [gz * np.conj(p) for p in row.partials(m, *xs, z)]


def tangent(row: ScalarOp, xs: list[Any], ts: list[Any]) -> Any:
    m = numpy_namespace
    z = m.function(row)(*xs)
    if row.tangent is not None:
        return row.tangent(m, *xs, z, *ts)
    return sum(p * t for p, t in zip(row.partials(m, *xs, z), ts, strict=True))


@pytest.mark.parametrize("row", COMPLEX_ROWS, ids=str)
def test_complex_derivatives(row: ScalarOp) -> None:
    xs = complex_point(row, 1)
    gz = 0.7 - 0.4j if np.iscomplexobj(value(row, *xs)) else 0.7
    gxs = adjoint(row, xs, gz)
    for position in range(len(xs)):
        along_re, along_im = (differences(row, xs, position, d) for d in (1, 1j))
        want = complex((np.conj(gz) * along_re).real, (np.conj(gz) * along_im).real)
        if not row.is_connected(position):
            assert want == 0
            continue
        np.testing.assert_allclose(gxs[position], want, rtol=1e-7, atol=1e-8)
        t = 0.3 + 0.9j
        ts = [t if i == position else 0 * t for i in range(len(xs))]
        np.testing.assert_allclose(tangent(row, xs, ts), differences(row, xs, position, t), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ["complex", "complex_from_polar"])
def test_derivatives_of_complex_from_reals(name: str) -> None:
    row, xs, gz = TABLE[name], [np.asarray(0.7), np.asarray(-1.1)], 0.3 - 0.8j
    for position, gx in enumerate(adjoint(row, xs, gz)):
        along = differences(row, xs, position, 1)
        np.testing.assert_allclose(gx, (np.conj(gz) * along).real, rtol=1e-8)
        ts = [float(i == position) for i in range(2)]
        np.testing.assert_allclose(tangent(row, xs, ts), along, rtol=1e-8)


def test_abs_of_complex_zero_has_no_gradient() -> None:
    assert adjoint(TABLE["abs_"], [np.asarray(0j)], 1.0)[0] == 0


# Ties and singular points, as in Theano: (row, operands, partials).
SINGULAR = [
    ("abs_", (0.0,), (0,)),
    ("sqrt", (0.0,), (INF,)),
    ("maximum", (2.0, 2.0), (1, 0)),
    ("minimum", (2.0, 2.0), (1, 0)),
    ("maximum", (1.0, 2.0), (0, 1)),
    ("minimum", (1.0, 2.0), (1, 0)),
    ("maximum", (np.nan, 2.0), (0, 1)),
    ("clip", (1.0, 1.0, 2.0), (1, 0, 0)),
    ("clip", (2.0, 1.0, 2.0), (1, 0, 0)),
    ("clip", (0.0, 1.0, 2.0), (0, 1, 0)),
    ("clip", (3.0, 1.0, 2.0), (0, 0, 1)),
    ("pow", (0.0, 0.0), (0, 0)),
    ("pow", (0.0, 1.0), (1, 0)),
    ("pow", (0.0, 2.0), (0, 0)),
    ("pow", (-2.0, 0.0), (0, np.nan)),
    ("switch", (0.0, 3.0, 4.0), (0, 0, 1)),
    ("switch", (0.5, 3.0, 4.0), (0, 1, 0)),
    ("second", (3.0, 4.0), (0, 1)),
    ("hard_sigmoid", (2.5,), (0.2,)),
    ("softplus", (800.0,), (1,)),
    ("sigmoid", (-800.0,), (0,)),
    ("logaddexp", (INF, INF), (np.nan, np.nan)),
    ("log1mexp", (-800.0,), (0,)),
    ("xlogx", (0.0,), (-INF,)),
    ("j1", (0.0,), (0.5,)),
    ("i1", (0.0,), (0.5,)),
    ("mod", (7.5, 2.0), (1, -3)),
]


@pytest.mark.parametrize(("name", "at", "want"), SINGULAR)
def test_singular_points(name: str, at: tuple[float, ...], want: tuple[float, ...]) -> None:
    with np.errstate(all="ignore"):
        have = partials(TABLE[name], numpy_namespace, [np.asarray(x) for x in at])
    np.testing.assert_array_equal(np.asarray(have, float), want)


@pytest.mark.parametrize("factors", [1, 2, 3, 4, 5])
def test_partials_of_a_product_never_divide(factors: int) -> None:
    xs = [np.asarray(float(k)) for k in range(factors)]  # the first factor is 0
    have = partials(TABLE["mul"], numpy_namespace, xs)
    want = [np.prod([x for j, x in enumerate(xs) if j != k]) for k in range(factors)]
    np.testing.assert_array_equal(have, want)


def test_partials_of_a_cast() -> None:
    assert cast("float32").partials is not None and cast("float32").partials(None, 1.0, 1.0) == (1,)
    assert cast("int8").partials is None


def test_an_irrational_constant_takes_the_precision_of_its_operand() -> None:
    class Single:
        """A namespace with a `literal` of its own."""

        def __getattr__(self, name: str) -> Any:
            return getattr(numpy_namespace, name)

        def literal(self, number: float, like: Any) -> Any:
            return like.dtype.type(number)

    x = np.float32(0.5) * np.ones(2, np.float32)
    for name in ("erf", "log2", "log10", "exp2", "deg2rad", "erfcx", "erfinv"):
        row = TABLE[name]
        assert np.asarray(row.partials(Single(), x, value(row, x))[0]).dtype == "float32"
