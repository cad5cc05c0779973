"""Activations: values, Theano's derivatives at the kinks, dtypes."""

from __future__ import annotations

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.gradient.reverse import grad
from symtheano.tensor import nnet
from symtheano.tensor.nnet import nnet as theano_nnet
from symtheano.tensor.nnet import sigm
from tests.tensor.op_checks import check_gradient, run, var

POINTS = np.array([-1000.0, -30, -3, -2.5, -1, -1e-3, 0, 1e-3, 0.5, 2.5, 3, 30, 1000, np.inf, -np.inf, np.nan])

FORMULAS = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(0, x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "relu": lambda x: np.maximum(x, 0),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_values(name):
    x = var(POINTS)
    np.testing.assert_allclose(
        run(getattr(nnet, name)(x), {x: POINTS}), FORMULAS[name](POINTS), rtol=1e-14, atol=1e-300
    )
    single = POINTS.astype("float32")
    s = var(single)
    np.testing.assert_allclose(run(getattr(nnet, name)(s), {s: single}), FORMULAS[name](single), rtol=1e-5, atol=1e-37)


def test_ultra_fast_sigmoid():
    value = np.linspace(-10, 10, 201)
    x = var(value)
    assert np.abs(run(nnet.ultra_fast_sigmoid(x), {x: value}) - 1 / (1 + np.exp(-value))).max() < 0.03


@pytest.mark.parametrize("name", [*FORMULAS, "ultra_fast_sigmoid"])
def test_gradients(name, rng):
    value = rng.uniform(-2, 2, 7) + 0.01
    check_gradient(getattr(nnet, name), value, tolerance=1e-5)
    extreme = np.array([-1000.0, 1000.0])
    x = var(extreme)
    assert np.isfinite(run(grad(getattr(nnet, name)(x).sum(), x), {x: extreme})).all()


def test_relu_at_zero():
    zero = np.zeros(1)
    x = var(zero)
    assert run(grad(nnet.relu(x).sum(), x), {x: zero}) == 0.5
    assert run(grad(nnet.relu(x, 0.2).sum(), x), {x: zero}) == pytest.approx(0.6)
    assert run(grad(nnet.elu(x, 0.5).sum(), x), {x: zero}) == 0.5


def test_leaky_relu(rng):
    value, slope = rng.standard_normal((3, 4)), rng.uniform(0.1, 0.5, 4)
    x, alpha = var(value), var(slope, "alpha")
    np.testing.assert_allclose(
        run(nnet.relu(x, alpha), {x: value, alpha: slope}), np.where(value > 0, value, slope * value)
    )
    np.testing.assert_allclose(run(nnet.relu(x, 0.1), {x: value}), np.where(value > 0, value, 0.1 * value), rtol=1e-6)
    check_gradient(lambda v, a: nnet.relu(v, a), value, slope)
    infinite = np.array([np.inf, -np.inf])
    y = var(infinite)
    np.testing.assert_array_equal(run(nnet.relu(y, 0.1), {y: infinite}), infinite)


def test_dtypes():
    for name in FORMULAS:
        f = getattr(nnet, name)
        assert f(T.fvector()).dtype == "float32" or name == "selu"  # selu's constants are no float32
        assert f(T.dvector()).dtype == "float64"
        assert f(T.bvector()).dtype in ("float32", "float64")
        assert f(T.lvector()).dtype == "float64"


def test_theanos_paths():
    assert theano_nnet.relu is nnet.relu
    assert sigm.hard_sigmoid is nnet.hard_sigmoid
    assert theano_nnet.softmax is nnet.softmax
