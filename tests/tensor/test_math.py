"""The elementwise functions by Theano's names: they exist, and those composed of rows do what numpy does."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import symtheano.tensor as T
import symtheano.tensor.math as maths
from symtheano.config import config
from symtheano.gradient.reverse import grad
from symtheano.scalar import TABLE
from symtheano.scalar.dtypes import ALL_DTYPES, is_complex
from symtheano.tensor import kernels
from symtheano.tensor.elemwise import Elemwise
from tests.tensor.op_checks import check_gradient, run, var

THEANO_NAMES = """
abs_ add and_ angle arccos arccosh arcsin arcsinh arctan arctan2 arctanh bitwise_and bitwise_not bitwise_or bitwise_xor
ceil chi2sf clip complex complex_from_polar conj cos cosh deg2rad eq erf erfc erfcinv erfcx erfinv exp exp2 expm1 fill
floor floor_div gamma gammainc gammaincc gammal gammaln gammau ge gt i0 i1 imag int_div inv invert isinf isinf_ isnan
isnan_ iv j0 j1 jv le log log10 log1p log2 lt maximum minimum mod mul neg neq or_ pow power psi rad2deg real
round_half_away_from_zero round_half_to_even second sgn sin sinh sqr sqrt square sub switch tan tanh tensor_copy
tri_gamma true_div trunc where xor
""".split()
ALIASES = {
    "square": "sqr", "floor_div": "int_div", "power": "pow", "where": "switch", "fill": "second", "isnan_": "isnan",
    "bitwise_and": "and_", "bitwise_or": "or_", "bitwise_xor": "xor", "bitwise_not": "invert",
    "tensor_copy": "identity", "reciprocal": "inv", "sign": "sgn", "isinf_": "isinf",
}  # fmt: skip


@pytest.mark.parametrize("name", THEANO_NAMES)
def test_name_exists_and_is_documented(name):
    function = getattr(T, name)
    assert isinstance(function, Elemwise)
    assert function.scalar_op.name == ALIASES.get(name, name)
    assert "Elementwise" in function.__doc__


def test_every_row_has_a_function():
    named = {f.scalar_op.name for f in vars(maths).values() if isinstance(f, Elemwise)}
    assert set(TABLE) - named <= {
        "hard_sigmoid",
        "ultra_fast_sigmoid",
        "relu",
        "leaky_relu",
        "sigmoid_binary_crossentropy",
    }  # fmt: skip  (theano.tensor.nnet has these)


def test_all_is_complete():
    public = {
        n for n, v in vars(maths).items() if not n.startswith("_") and getattr(v, "__module__", "") == maths.__name__
    }
    public |= {n for n, v in vars(maths).items() if isinstance(v, Elemwise) and not n.startswith("_")}
    assert set(maths.__all__) == public


# ----- cast -----


def test_cast():
    x = T.ivector("x")
    assert T.cast(x, "int32") is x
    assert T.cast(x, "floatX").dtype == config.floatX
    assert T.cast(x, np.float32).dtype == "float32"
    assert T.cast(2, "float32").dtype == "float32"
    with config.change_flags(floatX="float32"):
        assert T.cast(x, "floatX").dtype == "float32"
    with pytest.raises(TypeError):
        T.cast(x, "int7")
    with pytest.raises(TypeError, match="unknown dtype"):
        T.cast(x, "datetime64")
    for source, target in itertools.product(ALL_DTYPES, ALL_DTYPES):
        value = np.array([0, 1, 100]).astype(source)
        v = var(value)
        if is_complex(source) and not is_complex(target):
            with pytest.raises(TypeError, match="real"):
                T.cast(v, target)
            continue
        got = run(T.cast(v, target), {v: value})
        np.testing.assert_array_equal(got, value.astype(target))


def test_cast_gradients():
    x, value = T.fvector("x"), np.array([1.5, 2.5], "float32")
    np.testing.assert_array_equal(run(grad(T.cast(x, "float64").sum(), x), {x: value}), [1, 1])
    np.testing.assert_array_equal(run(grad(T.cast(x, "int32").sum().astype("float64"), x), {x: value}), [0, 0])


# ----- Rounding -----


def test_round():
    value = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999999999999994, 2.4, np.nan, np.inf])
    x = var(value)
    np.testing.assert_array_equal(run(T.round(x), {x: value}), np.rint(value))
    away = [-3, -2, -1, 1, 2, 3, 0, 2, np.nan, np.inf]
    np.testing.assert_array_equal(run(T.round(x, mode="half_away_from_zero"), {x: value}), away)
    assert T.iround(x).dtype == "int64"
    assert T.round(T.fvector()).dtype == "float32"
    with pytest.raises(TypeError):
        T.round(T.ivector())
    with pytest.raises(ValueError, match="half_to_even"):
        T.round(x, mode="up")
    assert run(grad(T.round(x)[:3].sum(), x), {x: value}).sum() == 0


def test_integers():
    a, b = np.array([7, -7, 8, 0], "int32"), np.array([2, 2, -2, 3], "int32")
    x, y = var(a, "a"), var(b, "b")
    quotient, rest = T.divmod(x, y)
    np.testing.assert_array_equal(run(quotient, {x: a, y: b}), a // b)
    np.testing.assert_array_equal(run(rest, {x: a, y: b}), a % b)
    up = T.ceil_intdiv(x, y)
    assert up.dtype == "int32"
    np.testing.assert_array_equal(run(up, {x: a, y: b}), np.ceil(a / b))


# ----- Closeness -----


def test_isclose():
    special = np.array([0.0, 1.0, 1 + 1e-6, 1.1, np.nan, np.inf, -np.inf, 1e-9])
    a, b = (v.ravel().copy() for v in np.meshgrid(special, special))
    x, y = var(a, "a"), var(b, "b")
    for options in ({}, {"equal_nan": True}, {"rtol": 0.2}, {"atol": 0.5}):
        got = run(T.isclose(x, y, **options), {x: a, y: b})
        assert got.dtype == bool
        np.testing.assert_array_equal(got, np.isclose(a, b, **options))
        same = a[~np.isnan(a)]
        z = var(same)
        assert run(T.allclose(z, z, **options), {z: same})
    assert not run(T.allclose(x, y), {x: a, y: b})
    np.testing.assert_array_equal(run(T.isfinite(x), {x: a}), np.isfinite(a))


def test_isclose_does_not_wrap():
    a, b = np.array([0, 5], "uint8"), np.array([255, 5], "uint8")
    x, y = var(a, "a"), var(b, "b")
    np.testing.assert_array_equal(run(T.isclose(x, y), {x: a, y: b}), [False, True])
    p, q = var(np.array([True]), "p"), var(np.array([False]), "q")
    assert not run(T.allclose(p, q), {p: np.array([True]), q: np.array([False])})


def test_tests_on_integers():
    value = np.array([1, 2])
    x = var(value)
    for f in (T.isnan, T.isinf):
        np.testing.assert_array_equal(run(f(x), {x: value}), [False, False])


# ----- Several arguments -----


def test_largest_smallest():
    values = [np.array([1.0, 5.0]), np.array([3.0, 2.0]), np.array([2.0, 9.0])]
    xs = [var(v, f"x{k}") for k, v in enumerate(values)]
    env = dict(zip(xs, values))
    np.testing.assert_array_equal(run(T.largest(*xs), env), [3, 9])
    np.testing.assert_array_equal(run(T.smallest(*xs), env), [1, 2])
    np.testing.assert_array_equal(run(T.largest(xs[0]), env), values[0])
    with pytest.raises(TypeError):
        T.largest()


def test_n_ary():
    values = [np.array([1.0, 5.0]), np.array([3.0, 2.0]), np.array([2.0, 9.0])]
    xs = [var(v, f"x{k}") for k, v in enumerate(values)]
    env = dict(zip(xs, values))
    np.testing.assert_array_equal(run(T.add(*xs), env), sum(values))
    np.testing.assert_array_equal(run(T.mul(*xs), env), np.prod(values, axis=0))
    check_gradient(lambda a, b, c: T.mul(a, b, c), *values)


def test_wrong_number_of_arguments():
    for f, n in ((T.exp, 2), (T.maximum, 1), (T.switch, 2), (T.clip, 2)):
        with pytest.raises(TypeError, match="argument"):
            f(*[T.dvector()] * n)


# ----- Broadcasting -----


def test_broadcast_gradients(rng):
    m, r, s = rng.standard_normal((2, 3)), rng.standard_normal((1, 3)), rng.standard_normal(())
    x, row, scalar = var(m, "m"), var(r, "r", (True, False)), var(s, "s")
    cost = (T.exp(x * row) + scalar * row).sum()
    env = {x: m, row: r, scalar: s}
    gx, gr, gs = grad(cost, [x, row, scalar])
    assert gr.type == row.type
    np.testing.assert_allclose(run(gx, env), r * np.exp(m * r))
    np.testing.assert_allclose(run(gr, env), (m * np.exp(m * r)).sum(0, keepdims=True) + 2 * s)
    np.testing.assert_allclose(run(gs, env), 2 * r.sum())


def test_switch_and_comparisons_have_zero_gradients_in_conditions(rng):
    value = rng.standard_normal(4)
    x = var(value)
    g = run(grad(T.switch(x > 0, x * x, -x).sum(), x), {x: value})
    np.testing.assert_allclose(g, np.where(value > 0, 2 * value, -1))
    assert T.switch(T.eq(x, 0), 1, 0).dtype == "int8"


# ----- The calls that stand for slow loops of numpy -----

SPECIAL = [0.0, -0.0, 1.5, -2.0, np.nan, np.inf, -np.inf, 5e-324]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int32", "uint64", "bool", "complex64"])
@pytest.mark.parametrize("shape", [(3, 2), (100, 50)], ids=str)
def test_select_is_where(dtype, shape, rng):
    x, y = (rng.choice(SPECIAL if "f" in dtype else [0, 1, 7], shape).astype(dtype) for _ in range(2))
    condition = rng.random(shape) > 0.5
    zero = np.zeros((), dtype)
    operands = [(x, y), (x, zero), (zero, y), (x, -zero if dtype != "bool" else zero), (x[:1], y), (x, y[:, :1])]
    operands += [
        (x[:, ::-1], y.copy(order="F")),
        (x, np.ones((1, 1), dtype)),
        (x, y.astype("float64" if dtype != "complex64" else "complex128")),
    ]
    for a, b in operands:
        got, expected = kernels.select(np, condition, a, b), np.where(condition, a, b)
        assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(got, expected)
        if got.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))
    for c in (condition[0], condition[:, :1], condition.T.copy().T, np.array(True)):
        np.testing.assert_array_equal(kernels.select(np, c, x, y), np.where(c, x, y))
    np.testing.assert_array_equal(kernels.select(np, x, x, y), np.where(x, x, y))
    np.testing.assert_array_equal(kernels.select(np, condition, x, 0), np.where(condition, x, 0))


def test_sign_and_clip_in_place():
    x = np.array(SPECIAL * 2000)
    for out in (None, np.empty_like(x), x.copy()):
        source = x if out is None or np.isnan(out).sum() != np.isnan(x).sum() else out
        np.testing.assert_array_equal(kernels.sign(np, source, out), np.sign(x))
    for lo, hi in ((-1.0, 1.0), (1.0, -1.0), (np.nan, 1.0), (x[::-1].copy(), 1.0)):
        expected = np.where(x < lo, lo, np.where(x > hi, hi, x))
        for out in (None, x.copy()):
            got = kernels.clip(np, x if out is None else out, np.asarray(lo), np.asarray(hi), out)
            np.testing.assert_array_equal(got, expected)
            assert out is None or got is out
