"""Reductions against numpy: values, dtypes, axes, ties, empty tensors, gradients."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.gradient import grad
from symtheano.scalar import TABLE
from symtheano.tensor.argmax import MaxAndArgmax
from symtheano.tensor.careduce import CAReduce, Max, Prod, ProdWithoutZeros, Sum
from tests.tensor.op_checks import check_gradient, run, var

AXES = [None, 0, 1, 2, -1, (0, 1), (0, 2), [2, 1], (0, 1, 2), (), (-1, 0), np.int64(1), np.array(0)]
SHAPES = [(2, 3, 4), (1, 3, 2), (3, 1, 1)]
SMALL = {"int8": "int64", "int16": "int64", "int32": "int64", "int64": "int64", "bool": "int64"} | dict.fromkeys(
    ("uint8", "uint16", "uint32", "uint64"), "uint64"
)
ALL_DTYPES = (*SMALL, "float16", "float32", "float64", "complex64", "complex128")


def numpy_axis(axis):
    return tuple(axis) if isinstance(axis, list) else int(axis) if isinstance(axis, np.ndarray) else axis


# ----- Values -----


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "var", "std", "all", "any"])
def test_values(name, axis, keepdims, rng):
    if name in ("max", "min") and isinstance(axis, tuple) and not axis:
        axis = None  # as in Theano
    for shape, dtype in itertools.product(SHAPES, ("float64", "float32", "int32")):
        value = (rng.standard_normal(shape) * 3).round(1).astype(dtype)
        x = var(value)
        y = getattr(T, name)(x, axis=axis, keepdims=keepdims)
        got = run(y, {x: value})
        wide = value.astype("float64") if dtype == "float32" else value
        expected = getattr(np, name)(wide, axis=numpy_axis(axis), keepdims=keepdims)
        assert got.shape == np.shape(expected)
        np.testing.assert_allclose(got, expected, rtol=1e-6 if dtype == "float32" else 1e-12, atol=1e-7)
        if keepdims:
            gone = range(3) if axis is None else [k % 3 for k in np.atleast_1d(np.asarray(axis, int))]
            assert all(y.broadcastable[k] for k in gone)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, (0, 1), (0, 2), (1, 2), None], ids=str)
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_arg(name, axis, rng):
    for dtype in ("float32", "int8", "uint8", "bool"):
        value = rng.integers(-3 if dtype in ("int8", "float32") else 0, 3, (2, 3, 4)).astype(dtype)  # with ties
        x = var(value)
        y = getattr(T, name)(x, axis=axis)
        assert y.dtype == "int64"
        if isinstance(axis, tuple):
            kept = [k for k in range(3) if k not in axis]
            flat = value.transpose([*kept, *axis]).reshape([*(value.shape[k] for k in kept), -1])
            expected = getattr(flat, name)(axis=-1)
        else:
            expected = getattr(value, name)(axis=axis)
        np.testing.assert_array_equal(run(y, {x: value}), expected)
        kept_dims = run(getattr(T, name)(x, axis=axis, keepdims=True), {x: value})
        assert kept_dims.ndim == 3
        np.testing.assert_array_equal(kept_dims.ravel(), np.ravel(expected))


def test_max_and_argmax(rng):
    value = rng.standard_normal((3, 4))
    x = var(value)
    for axis in (None, 0, 1, (0, 1), -1):
        best, where = T.max_and_argmax(x, axis)
        assert isinstance(best.owner.op, MaxAndArgmax)
        flat = None if axis == (0, 1) else axis
        got = run([best, where], {x: value})
        np.testing.assert_array_equal(got[0], value.max(axis=axis))
        np.testing.assert_array_equal(got[1], value.argmax(axis=flat))
    assert [v.broadcastable for v in T.max_and_argmax(x, 1, keepdims=True)] == [(False, True)] * 2


def test_nan_wins():
    value = np.array([[1.0, np.nan, 3.0], [1.0, 5.0, 2.0]])
    x = var(value)
    np.testing.assert_array_equal(run(T.max(x, axis=1), {x: value}), [np.nan, 5])
    np.testing.assert_array_equal(run(T.min(x, axis=1), {x: value}), [np.nan, 1])
    np.testing.assert_array_equal(run(T.argmax(x, axis=1), {x: value}), [1, 1])
    np.testing.assert_array_equal(run(T.argmin(x, axis=1), {x: value}), [1, 0])


def test_least_integers():
    """-x of these wraps around, so that min must not be -max(-x)."""
    for dtype, values in (("int8", [-128, 0, 127]), ("uint8", [255, 0, 7]), ("int64", [-(2**63), 5, 2**63 - 1])):
        value = np.array(values, dtype)
        x = var(value)
        assert run(T.min(x), {x: value}) == value.min()
        assert run(T.argmin(x), {x: value}) == value.argmin()


def test_strides_and_views(rng):
    base = rng.standard_normal((6, 5, 4)).astype("float32")
    for value in (base[::-2], base.transpose(2, 0, 1), base[:, ::-1, ::3]):
        x = var(value)
        for axis in (None, 0, (1, 2)):
            np.testing.assert_allclose(
                run(T.sum(x, axis), {x: value}), value.sum(axis, dtype="float64"), rtol=1e-6, atol=1e-6
            )
            np.testing.assert_array_equal(run(T.max(x, axis), {x: value}), value.max(axis))


def test_ptp_norm_logsumexp(rng):
    value = rng.standard_normal((3, 4))
    x = var(value)
    for axis in (None, 0, 1):
        np.testing.assert_allclose(run(T.ptp(x, axis), {x: value}), np.ptp(value, axis))
        for L in (1, 2, 3, np.inf, -np.inf):
            expected = (np.abs(value) ** L).sum(axis) ** (1 / L) if np.isfinite(L) else np.linalg.norm(value.ravel(), L)
            if axis is None or np.isfinite(L):
                np.testing.assert_allclose(run(x.norm(L, axis=axis), {x: value}), expected)
        np.testing.assert_allclose(run(T.logsumexp(x, axis), {x: value}), np.log(np.exp(value).sum(axis)))
    with pytest.raises(NotImplementedError):
        x.norm(0)


def test_logsumexp_extremes():
    value = np.array([[1000.0, 1000.0], [-1000.0, -1001.0], [-np.inf, -np.inf], [np.inf, 0.0], [np.nan, 0.0]])
    x = var(value)
    got = run(T.logsumexp(x, axis=1), {x: value})
    expected = [1000 + np.log(2), -1000 + np.log1p(np.exp(-1)), -np.inf, np.inf, np.nan]
    np.testing.assert_allclose(got, expected)
    g = run(grad(T.logsumexp(x, axis=1)[:3].sum(), x), {x: value})
    np.testing.assert_allclose(g[:3], [[0.5, 0.5], [1 / (1 + np.exp(-1)), 1 / (1 + np.e)], [0, 0]])


# ----- Dtypes -----


@pytest.mark.parametrize("dtype", ALL_DTYPES)
def test_dtypes(dtype):
    value = np.ones((2, 3), dtype)
    x = var(value)
    expected = SMALL.get(dtype, dtype)
    accumulators = {"float16": "float32", "float32": "float64", "complex64": "complex128"}
    for y in (T.sum(x), T.prod(x, axis=0)):
        assert y.dtype == expected
        assert y.owner.op.acc_dtype == accumulators.get(dtype, expected)
        run(y, {x: value})
    mean = T.mean(x)
    assert mean.dtype == ("float64" if dtype in SMALL else dtype)
    assert mean.name == "mean"
    run(mean, {x: value})
    run(T.var(x, axis=0), {x: value})
    assert T.var(x).dtype == (
        "float64" if dtype in SMALL else dtype.replace("complex64", "float32").replace("complex128", "float64")
    )
    if "complex" not in dtype:
        assert T.max(x).dtype == T.min(x).dtype == dtype
        run([T.max(x), T.min(x, axis=1)], {x: value})
    assert T.all(x).dtype == T.any(x).dtype == "bool"


def test_mean_of_integers_is_float64_whatever_floatX():
    from symtheano.config import config

    with config.change_flags(floatX="float32"):
        assert T.mean(T.neq(T.ivector(), T.ivector())).dtype == "float64"


def test_accumulator_is_wide():
    value = np.full(2**16, 0.1, "float32")
    x = var(value)
    exact = value.astype("float64").sum()
    assert run(T.sum(x), {x: value}) == np.float32(exact)
    halves = np.full(70000, 1.0, "float16")
    h = var(halves)
    assert run(T.mean(h), {h: halves}) == 1  # the sum overflows float16


def test_given_dtypes():
    value = np.arange(4, dtype="int8")
    x = var(value)
    assert T.sum(x, dtype="float32").dtype == "float32"
    assert T.sum(x, dtype="int8").dtype == "int8"
    assert T.sum(x, acc_dtype="float64").dtype == "int64"
    assert T.mean(x, dtype="float32").dtype == "float32"
    assert T.sum(T.fvector(), dtype="float64").dtype == "float64"
    assert T.sum(T.dvector(), dtype="floatX").dtype == "float64"
    with pytest.raises(TypeError, match="precision would be lost"):
        T.sum(T.dvector(), acc_dtype="float32")
    with pytest.raises(TypeError):
        T.sum(T.zvector(), dtype="float64")
    run([T.sum(x, dtype="float32"), T.sum(x, dtype="int8"), T.mean(x, dtype="float32")], {x: value})


def test_mean_rejects_op():
    with pytest.raises(ValueError, match="op"):
        T.mean(T.dvector(), op=True)


# ----- var -----


def test_ddof_and_corrected(rng):
    value = rng.standard_normal((4, 5)) + 1e3
    x = var(value)
    for axis, ddof in itertools.product((None, 0, (0, 1)), (0, 1, 2)):
        expected = value.var(axis, ddof=ddof)
        np.testing.assert_allclose(run(T.var(x, axis, ddof=ddof), {x: value}), expected, rtol=1e-9)
        np.testing.assert_allclose(run(T.var(x, axis, ddof=ddof, corrected=True), {x: value}), expected, rtol=1e-9)
        np.testing.assert_allclose(run(T.std(x, axis, ddof), {x: value}), value.std(axis, ddof=ddof), rtol=1e-9)
    with pytest.raises(ValueError, match="keepdims"):
        T.var(x, 0, True)
    z = rng.standard_normal(5) + 1j * rng.standard_normal(5)
    c = var(z)
    np.testing.assert_allclose(run(T.var(c), {c: z}), z.var())


# ----- Errors, empties -----


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "mean", "var", "std", "argmax", "argmin", "all", "any"])
def test_bad_axis(name):
    f = getattr(T, name)
    for axis in (2, -3, (0, 5), (0, 0), (1, -1)):
        with pytest.raises(ValueError, match="ndim=2"):
            f(T.dmatrix("m"), axis=axis)
    for axis in (1.5, "0", (0, 1.0), True):
        with pytest.raises(TypeError, match="integer"):
            f(T.dmatrix("m"), axis=axis)
    with pytest.raises(ValueError, match="ndim=0"):
        f(T.dscalar("s"), axis=0)


def test_scalars():
    s, value = T.fscalar("s"), np.float32(3)
    for name in ("sum", "prod", "max", "min", "mean", "var", "argmax"):
        for axis in (None, ()):
            assert run(getattr(T, name)(s, axis), {s: np.asarray(value)}) == getattr(np, name)(value)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)], ids=str)
def test_empty(shape):
    value = np.empty(shape)
    x = var(value)
    for axis in (None, 0, 1):
        for name in ("sum", "prod", "mean", "all", "any"):
            got = run(getattr(T, name)(x, axis), {x: value})
            np.testing.assert_array_equal(got, getattr(np, name)(value, axis))
        for name in ("max", "min", "argmax"):
            y = getattr(T, name)(x, axis)
            try:
                expected = getattr(np, name)(value, axis)
            except ValueError:
                with pytest.raises(ValueError, match=r"zero-size|empty"):
                    run(y, {x: value})
            else:
                np.testing.assert_array_equal(run(y, {x: value}), expected)
        got = run(grad(T.sum(x, axis).sum() + T.prod(x, axis).sum(), x), {x: value})
        assert got.shape == shape


def test_static_shapes():
    x = T.TensorType("float64", shape=(2, None, 1))("x")
    assert T.sum(x, axis=1).type.shape == (2, 1)
    assert T.sum(x, axis=0, keepdims=True).type.shape == (1, None, 1)
    assert T.argmax(x, axis=2).type.shape == (2, None)
    assert T.sum(x, axis=0).broadcastable == (False, True)


# ----- Ops -----


def test_one_op_for_one_meaning():
    m = T.fmatrix("m")
    assert Sum((0, 1))(m).owner.op == Sum()(m).owner.op == T.sum(m, (-1, 0)).owner.op
    assert Sum(-1)(m).owner.op == T.sum(m, 1).owner.op != T.sum(m, 0).owner.op
    assert hash(Max(1)(m).owner.op) == hash(T.max(m, -1).owner.op)
    assert str(T.sum(m, 0)) == "Sum{axis=[0], acc_dtype=float64}.0"
    assert str(T.sum(m)) == "Sum{acc_dtype=float64}.0"
    assert str(T.all(m)) == "All.0"
    assert str(T.any(m, 1)) == "Any{1}.0"


def test_careduce_of_any_row():
    value = np.array([[5, 3], [6, 7], [1, 2]], "int32")
    x = var(value)
    for row, ufunc in (("and_", np.bitwise_and), ("or_", np.bitwise_or), ("xor", np.bitwise_xor), ("add", np.add)):
        y = CAReduce(TABLE[row], 0)(x)
        assert y.dtype == "int32"
        np.testing.assert_array_equal(run(y, {x: value}), ufunc.reduce(value, axis=0))
    np.testing.assert_array_equal(run(CAReduce(T.maximum, axis=1)(x), {x: value}), value.max(1))
    for row in ("sub", "second", "logaddexp"):
        with pytest.raises(NotImplementedError):
            CAReduce(TABLE[row])


# ----- Gradients -----


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), ()], ids=str)
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "max", "min", "logsumexp", "norm"])
def test_gradients(name, axis, rng):
    value = rng.uniform(0.5, 2, (2, 3, 2))
    if name in ("var", "std") and axis == ():
        return
    check_gradient(lambda x: x.norm(2, axis) if name == "norm" else getattr(T, name)(x, axis=axis), value)


@pytest.mark.parametrize("zeros", [(), (0,), (0, 1), (0, 1, 4), (2, 5)], ids=str)
def test_prod_gradient_with_zeros(zeros, rng):
    value = rng.uniform(0.5, 2, 6)
    value[list(zeros)] = 0
    check_gradient(lambda x: T.prod(x), value, order=3, tolerance=1e-5)
    check_gradient(lambda x: T.prod(x, axis=1), value.reshape(2, 3))


def test_prod_promise_and_without_zeros(rng):
    value = rng.uniform(0.5, 2, (2, 3))
    check_gradient(lambda x: T.prod(x, axis=1, no_zeros_in_input=True), value)
    value[0, 1] = 0
    x = var(value)
    np.testing.assert_allclose(run(ProdWithoutZeros(1)(x), {x: value}), [value[0, 0] * value[0, 2], value[1].prod()])
    g = run(grad(ProdWithoutZeros(1)(x).sum(), x), {x: value})
    np.testing.assert_allclose(g[0], [value[0, 2], 0, value[0, 0]])


def test_complex_prod_gradient(rng):
    value = rng.standard_normal(4) + 1j * rng.standard_normal(4)
    x = var(value)
    p = T.prod(x)
    g = run(grad(T.real(p) + 2 * T.imag(p), x), {x: value})
    step = 1e-6
    for k in range(4):
        moved = [value + step * d * np.eye(4)[k] for d in (1, -1, 1j, -1j)]
        costs = [q.real + 2 * q.imag for q in (m.prod() for m in moved)]
        expected = (costs[0] - costs[1]) / (2 * step) + 1j * (costs[2] - costs[3]) / (2 * step)
        np.testing.assert_allclose(g[k], expected, rtol=1e-5)


def test_every_tie_gets_the_whole_gradient():
    value = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    x = var(value)
    np.testing.assert_array_equal(run(grad(T.max(x, axis=1).sum(), x), {x: value}), [[0, 1, 1], [1, 1, 1]])
    np.testing.assert_array_equal(run(grad(T.max_and_argmax(x, 1)[0].sum(), x), {x: value}), [[0, 1, 1], [1, 1, 1]])
    np.testing.assert_array_equal(run(grad(T.min(x), x), {x: value}), [[1, 0, 0], [0, 0, 0]])
    infinite = np.array([np.inf, 1.0])
    y = var(infinite)
    np.testing.assert_array_equal(run(grad(T.max(y) * np.inf, y), {y: infinite}), [np.inf, 0])  # not inf * 0


def test_integers_and_indices_have_zero_gradients():
    i = T.ivector("i")
    g = grad(T.sum(i).astype("float64"), i)
    assert g.dtype == "float64"
    np.testing.assert_array_equal(run(g, {i: np.array([1, 2], "int32")}), [0, 0])
    x, value = T.dvector("x"), np.array([1.0, 2.0])
    for y in (T.argmax(x), T.max_and_argmax(x)[1], T.any(x)):
        np.testing.assert_array_equal(run(grad((y * x[0]).sum(), x), {x: value}), [float(run(y, {x: value})), 0])


def test_gradient_at_zero():
    x = T.dvector("x")
    zero = {x: np.zeros(2)}
    assert np.isnan(run(grad(x.norm(2), x), zero)).all()
    assert np.isnan(run(grad(T.std(x), x), zero)).all()


def test_forward_mode(rng):
    value, t = rng.uniform(0.5, 2, (2, 3)), rng.standard_normal((2, 3))
    x, dx = var(value), var(t, "dx")
    for name in ("sum", "prod", "max", "min", "logsumexp"):
        y = getattr(T, name)(x, axis=1)
        (forward,) = y.owner.op.R_op([x], [dx])
        numeric = (run(y, {x: value + 1e-6 * t}) - run(y, {x: value - 1e-6 * t})) / 2e-6
        np.testing.assert_allclose(run(forward, {x: value, dx: t}), numeric, rtol=1e-6, atol=1e-8)
        assert y.owner.op.R_op([x], [None]) == [None]


def test_methods_build_the_same_graph():
    x = T.dmatrix("x")
    assert str(x.mean(axis=0).owner) == str(T.mean(x, axis=0).owner)
    for name in ("sum", "prod", "mean", "var", "std", "max", "min", "argmax", "argmin", "all", "any"):
        assert getattr(x, name)(axis=1).type == getattr(T, name)(x, axis=1).type


def test_lists_are_accepted():
    assert run(T.sum([1, 2, 3]), {}) == 6
    x = T.dscalar("x")
    assert run(T.sum([x, x]), {x: np.asarray(2.0)}) == 4


def test_no_elements_in_prod_promise():
    assert Prod(no_zeros_in_input=True)(T.dvector()).owner.op.no_zeros_in_input
