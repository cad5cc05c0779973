"""Softmax and its logarithm: rows, shapes, stability, gradients to third order."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.special import softmax as scipy_softmax

import symtheano.tensor as T
from symtheano.gradient.reverse import grad
from symtheano.tensor import nnet
from tests.tensor.op_checks import check_gradient, run, var

FUNCTIONS = [(nnet.softmax, scipy_softmax), (nnet.logsoftmax, log_softmax)]


@pytest.mark.parametrize(("f", "reference"), FUNCTIONS)
def test_values(f, reference, rng):
    for shape in ((3, 4), (1, 5), (4, 1), (0, 3)):
        for dtype, tolerance in (("float64", 1e-13), ("float32", 1e-5), ("float16", 2e-2)):
            value = (rng.standard_normal(shape) * 3).astype(dtype)
            x = var(value)
            y = f(x)
            assert y.dtype == dtype
            wide = value.astype("float64")
            np.testing.assert_allclose(
                run(y, {x: value}),
                reference(wide, axis=1) if value.size else wide,
                rtol=tolerance,
                atol=tolerance / 100,
            )


@pytest.mark.parametrize(("f", "reference"), FUNCTIONS)
def test_a_vector_is_one_row(f, reference, rng):
    value = rng.standard_normal(4)
    x = var(value)
    y = f(x)
    assert y.type.broadcastable == (True, False)
    np.testing.assert_allclose(run(y, {x: value}), reference(value)[None])
    assert grad(y[0, 0], x).type == x.type


@pytest.mark.parametrize("f", [nnet.softmax, nnet.logsoftmax])
def test_what_has_no_rows(f):
    for x in (T.tensor3(), T.tensor4(), T.scalar(), T.imatrix(), T.zmatrix(), T.bvector()):
        with pytest.raises(ValueError, match="x must be 1-d or 2-d tensor of floats"):
            f(x)
    with pytest.raises(ValueError, match="axis 3"):
        f(T.tensor3(), axis=3)


@pytest.mark.parametrize(("f", "reference"), FUNCTIONS)
def test_any_axis(f, reference, rng):
    value = rng.standard_normal((2, 3, 4))
    x = var(value)
    for axis in (0, 1, 2, -1, -3):
        np.testing.assert_allclose(run(f(x, axis=axis), {x: value}), reference(value, axis=axis))
        check_gradient(lambda v, axis=axis: f(v, axis=axis), value[:, :2, :2])
    v = var(value[0, 0])
    assert run(f(v, axis=0), {v: value[0, 0]}).shape == (4,)


def test_extremes():
    value = np.array([[1000.0, 0.0, -1000.0], [1000.0, 1000.0, 1000.0], [-1000.0, -1000.0, -999.0], [0, 0, -np.inf]])
    x = var(value)
    p, logp = run([nnet.softmax(x), nnet.logsoftmax(x)], {x: value})
    np.testing.assert_allclose(p, scipy_softmax(value, axis=1))
    np.testing.assert_allclose(logp, log_softmax(value, axis=1))
    weights = np.arange(12.0).reshape(4, 3)
    for f in (nnet.softmax, nnet.logsoftmax):
        assert np.isfinite(run(grad((f(x) * weights)[:3].sum(), x), {x: value})[:3]).all()


@pytest.mark.parametrize("f", [nnet.softmax, nnet.logsoftmax])
def test_gradients(f, rng):
    check_gradient(f, rng.standard_normal((2, 3)), order=3, tolerance=1e-5)
    check_gradient(f, rng.standard_normal(3))


def test_forward_mode(rng):
    value, t = rng.standard_normal((2, 3)), rng.standard_normal((2, 3))
    x, dx = var(value), var(t, "t")
    for f in (nnet.softmax, nnet.logsoftmax):
        y = f(x)
        (forward,) = y.owner.op.R_op([x], [dx])
        numeric = (run(y, {x: value + 1e-6 * t}) - run(y, {x: value - 1e-6 * t})) / 2e-6
        np.testing.assert_allclose(run(forward, {x: value, dx: t}), numeric, rtol=1e-6, atol=1e-9)


def test_graph_and_bias(rng):
    value, bias = rng.standard_normal((3, 4)), rng.standard_normal(4)
    x, b = var(value), var(bias, "b")
    np.testing.assert_allclose(run(nnet.softmax_graph(x), {x: value}), scipy_softmax(value, axis=1))
    expected = scipy_softmax(value + bias, axis=1)
    np.testing.assert_allclose(run(nnet.softmax_with_bias(x, b), {x: value, b: bias}), expected)
    check_gradient(nnet.softmax_with_bias, value, bias)
    with pytest.raises(ValueError, match="2-d"):
        nnet.softmax_with_bias(b, b)
    with pytest.raises(ValueError, match="1-d"):
        nnet.softmax_with_bias(x, x)


def test_inputs_are_left_alone(rng):
    value = rng.standard_normal((3, 4))
    kept = value.copy()
    x = var(value)
    run([nnet.softmax(x), nnet.logsoftmax(x), grad(nnet.softmax(x)[0, 0], x)], {x: value})
    np.testing.assert_array_equal(value, kept)
    view = np.asfortranarray(value)[::-1]
    y = var(view)
    np.testing.assert_allclose(run(nnet.softmax(y), {y: view}), scipy_softmax(view, axis=1))


def test_names():
    assert str(nnet.softmax(T.matrix())) == "Softmax.0"
    assert nnet.softmax_op == nnet.Softmax() == nnet.softmax(T.matrix()).owner.op
    assert nnet.softmax(T.matrix(), axis=1).owner.op == nnet.Softmax()
