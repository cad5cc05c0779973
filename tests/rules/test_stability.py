"""The numerical stability that Theano's users rely on: finite losses and gradients at |x| = 1000."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.gradient import grad
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import interpret
from symtheano.tensor import nnet
from tests.rules.rewriting import ops, rewritten, values

LABELS = np.array([1, 0, 3, 2, 1])
DENSE = np.eye(4)[LABELS]
LOGITS = np.random.RandomState(0).randn(5, 4) * 3
EXTREME = LOGITS.copy()
EXTREME[0] = 1000, -1000, 0, 1
EXTREME[1] = -1000, 1000, 1000, -1000


def user_softmax(x: Any) -> Any:
    e = T.exp(x)
    return e / e.sum(axis=1, keepdims=True)


def dimshuffled_softmax(x: Any) -> Any:
    e = T.exp(x)
    return e / e.sum(axis=1).dimshuffle(0, "x")


def shifted_softmax(x: Any) -> Any:
    e = T.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def user_sigmoid(x: Any) -> Any:
    return 1 / (1 + T.exp(-x))


def picked(p: Any, y: Any) -> Any:
    return p[T.arange(y.shape[0]), y]


def binary(s: Any, t: Any) -> Any:
    return -(t * T.log(s) + (1 - t) * T.log(1 - s)).mean()


LOSSES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "log of softmax, indexed": lambda x, y, t: -picked(T.log(nnet.softmax(x)), y).mean(),
    "log of indexed softmax": lambda x, y, t: -T.mean(T.log(picked(nnet.softmax(x), y))),
    "categorical crossentropy, labels": lambda x, y, t: nnet.categorical_crossentropy(nnet.softmax(x), y).mean(),
    "categorical crossentropy, dense": lambda x, y, t: nnet.categorical_crossentropy(nnet.softmax(x), t).mean(),
    "exp over sum, labels": lambda x, y, t: nnet.categorical_crossentropy(user_softmax(x), y).mean(),
    "exp over sum, dense": lambda x, y, t: nnet.categorical_crossentropy(user_softmax(x), t).mean(),
    "exp over sum, log, indexed": lambda x, y, t: -T.mean(picked(T.log(dimshuffled_softmax(x)), y)),
    "shifted exp over sum": lambda x, y, t: nnet.categorical_crossentropy(shifted_softmax(x), t).mean(),
    "binary crossentropy": lambda x, y, t: nnet.binary_crossentropy(nnet.sigmoid(x), t).mean(),
    "binary crossentropy, written out": lambda x, y, t: binary(nnet.sigmoid(x), t),
    "binary crossentropy, 1 / (1 + exp)": lambda x, y, t: binary(user_sigmoid(x), t),
    "log(1 + exp)": lambda x, y, t: T.log(1 + T.exp(x)).mean(),
    "log1p(exp)": lambda x, y, t: T.log1p(T.exp(x)).mean(),
    "log sum exp of rows": lambda x, y, t: T.log(T.exp(x).sum(axis=1)).mean(),
    "log sum exp of all": lambda x, y, t: T.log(T.exp(x).sum()),
    "log sigmoid": lambda x, y, t: T.log(nnet.sigmoid(x)).mean(),
    "log(1 - sigmoid)": lambda x, y, t: T.log(1 - nnet.sigmoid(x)).mean(),
    "log erfc": lambda x, y, t: T.log(T.erfc(x / 30)).sum(),
    "0.5 * (x + |x|)": lambda x, y, t: (0.5 * (x + abs(x))).mean(),
    "relu": lambda x, y, t: nnet.relu(x).mean(),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", LOSSES)
def test_loss_and_gradient_are_finite(name: str, dtype: str) -> None:
    x, t, y = T.matrix("x", dtype=dtype), T.matrix("t", dtype=dtype), T.lvector("y")
    loss = LOSSES[name](x, y, t)
    outputs = [loss, grad(loss, x)]
    before, after = FunctionGraph([x, y, t], outputs), rewritten([x, y, t], outputs)
    dense = DENSE.astype(dtype)
    for out in interpret(after, [EXTREME.astype(dtype), LABELS, dense]):
        assert np.isfinite(out).all()
        assert out.dtype == dtype
    arrays = [LOGITS.astype(dtype), LABELS, dense]
    rtol, atol = (1e-9, 1e-12) if dtype == "float64" else (2e-4, 2e-6)
    for a, b in zip(interpret(before, arrays), interpret(after, arrays), strict=True):
        np.testing.assert_allclose(b, a, rtol, atol)


def test_the_gradient_of_a_crossentropy_is_softmax_minus_the_target() -> None:
    x, t, y = T.matrix("x"), T.matrix("t"), T.lvector("y")
    labelled = rewritten([x, y], [grad(nnet.categorical_crossentropy(nnet.softmax(x), y).sum(), x)])
    assert "CrossentropySoftmax1HotWithBiasDx" in ops(labelled)
    binary_gradient = grad(nnet.binary_crossentropy(nnet.sigmoid(x), t).sum(), x)
    assert ops(rewritten([x, t], [binary_gradient])) == ["sigmoid", "sub"]


@pytest.mark.parametrize(
    ("function", "slope"),
    [(T.log, 0.5), (T.sqrt, 0.5 / 2**0.5), (lambda v: 1 / v, -0.25), (lambda v: v * T.log(v), 1 + np.log(2.0))],
)
def test_what_switch_masks_out_has_no_gradient(function: Callable[[Any], Any], slope: float) -> None:
    v = T.vector("v")
    cost = T.switch(v > 0, function(v), 0).sum()
    (g,) = values([v], [grad(cost, v)], [np.array([0.0, -1.0, 2.0])])
    np.testing.assert_allclose(g, [0, 0, slope])


def test_theano_algebra_at_zero_and_infinity() -> None:
    v = T.vector("v")
    array = np.array([0.0, np.inf, -np.inf, 2.0])
    one, nothing, difference = values([v], [v / v, v * 0, v - v], [array])
    np.testing.assert_array_equal(one, 1)
    np.testing.assert_array_equal(nothing, 0)
    np.testing.assert_array_equal(difference, 0)


def test_relu_at_zero() -> None:
    x = T.vector("x")
    for cost in (nnet.relu(x).sum(), (0.5 * (x + abs(x))).sum()):
        (g,) = values([x], [grad(cost, x)], [np.array([-1.0, 0.0, 2.0])])
        np.testing.assert_array_equal(g, [0, 0.5, 1])


def test_signs_and_ranges_decide() -> None:
    """PyTensor put a nan branch here (PAINS.md, P7): that the mean of squares plus eps is positive was not known."""
    x = T.matrix("x")
    z = T.mean(T.sqr(x)) + 1e-6
    assert "sqrt" not in ops(rewritten([x], [T.sqr(T.sqrt(z))]))
    assert "sqrt" in ops(rewritten([x], [T.sqr(T.sqrt(x))]))
    assert ops(rewritten([x], [abs(T.exp(x))])) == ["exp"]
    assert "log" not in ops(rewritten([x], [T.exp(T.log(nnet.sigmoid(x)))]))


@pytest.mark.parametrize(
    "part",
    [
        lambda p: p[:, None],
        lambda p: p.dimshuffle("x", 0),
        lambda p: p[::-1],
        lambda p: p[1:][0],
        lambda p: p[np.array([0, 2, 2])],
        lambda p: p.reshape((2, 2)).T,
    ],
)
def test_parts_of_probabilities_have_stable_logarithms(part: Callable[[Any], Any]) -> None:
    z, at = T.dvector("z"), np.array([1000.0, -1000.0, 2.0, -800.0])
    exact = -np.logaddexp(0, -at), -np.logaddexp(0, at)
    for build, truth in ((lambda p: T.log(part(p)), exact[0]), (lambda p: T.log(1 - part(p)), exact[1])):
        (value,) = values([z], [build(T.nnet.sigmoid(z))], [at])
        (expected,) = values([z], [part(z)], [truth])
        np.testing.assert_allclose(value, expected, rtol=1e-14)
    (value,) = values([z], [T.log(1 + part(T.exp(z)))], [at])
    np.testing.assert_allclose(value, values([z], [part(z)], [np.logaddexp(0, at)])[0], rtol=1e-14)


@pytest.mark.parametrize("part", [lambda p: p[:, None], lambda p: p[::-1], lambda p: p[np.array([0, 2, 2])]])
def test_parts_of_probabilities_have_finite_gradients(part: Callable[[Any], Any]) -> None:
    z, at = T.dvector("z"), np.array([1000.0, -1000.0, 2.0, -800.0])
    (g,) = values([z], [grad(T.log(part(T.nnet.sigmoid(z))).sum(), z)], [at])
    counted = np.zeros(4)
    np.add.at(counted, np.arange(4)[part(np.arange(4)).ravel()], 1.0)
    np.testing.assert_allclose(g, counted / (1 + np.exp(at)), rtol=1e-12)


def test_axes_that_broadcasting_adds_hide_nothing() -> None:
    x, v, s = T.dmatrix("x"), T.dvector("v"), T.dscalar("s")
    a, b, c = np.array([[900.0, -900.0], [1.0, 2.0]]), np.array([-900.0, 950.0]), np.array(1e-12)
    (value,) = values([x, v], [T.log(T.exp(x) + T.exp(v))], [a, b])
    np.testing.assert_allclose(value, np.logaddexp(a, b), rtol=1e-14)
    (value,) = values([s, x], [(T.exp(s) - 1) * x], [c, a])
    np.testing.assert_allclose(value, np.expm1(c) * a, rtol=1e-14)
    (value,) = values([s], [T.exp(s) - np.ones((2, 3))], [c])
    np.testing.assert_allclose(value, np.full((2, 3), np.expm1(c)), rtol=1e-14)


def test_what_is_computed_for_a_view_too_is_computed_once() -> None:
    x, v = T.dmatrix("x"), T.dvector("v")
    gate = T.nnet.sigmoid(2 * v)
    assert ops(rewritten([x, v], [gate, gate[:, None] * x, T.exp(gate.dimshuffle("x", 0)) + x])).count("sigmoid") == 1
