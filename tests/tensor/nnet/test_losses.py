"""Crossentropies: values, error texts, labels, stability at |x| = 1000, gradients."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.special import softmax as scipy_softmax

import symtheano.tensor as T
from symtheano.errors import ShapeMismatchError
from symtheano.gradient.reverse import grad
from symtheano.tensor import nnet
from symtheano.tensor.nnet.crossentropy import PickLabel, PlaceLabel
from tests.tensor.op_checks import check_gradient, run, var

# ----- Binary -----


def test_binary_crossentropy(rng):
    p, t = rng.uniform(0.1, 0.9, (3, 4)), rng.integers(0, 2, (3, 4)).astype("float64")
    x, y = var(p, "p"), var(t, "t")
    expected = -(t * np.log(p) + (1 - t) * np.log(1 - p))
    np.testing.assert_allclose(run(nnet.binary_crossentropy(x, y), {x: p, y: t}), expected)
    check_gradient(nnet.binary_crossentropy, p, rng.uniform(0, 1, (3, 4)))


def test_sigmoid_binary_crossentropy(rng):
    x_value = np.array([-1000.0, -40, -1, 0, 1, 40, 1000])
    for target in (0.0, 1.0, 0.3):
        t_value = np.full(7, target)
        x, t = var(x_value, "x"), var(t_value, "t")
        loss = nnet.sigmoid_binary_crossentropy(x, t)
        got, g = run([loss, grad(loss.sum(), x)], {x: x_value, t: t_value})
        with mpmath.workdps(50):
            exact = [
                float(mpmath.log1p(mpmath.exp(mpmath.mpf(v))) - mpmath.mpf(v) * mpmath.mpf(target)) for v in x_value
            ]
        np.testing.assert_allclose(got, exact, rtol=1e-14)
        np.testing.assert_allclose(g, 1 / (1 + np.exp(-x_value)) - target, atol=1e-15)
    check_gradient(nnet.sigmoid_binary_crossentropy, rng.standard_normal(5), rng.uniform(0, 1, 5))


def test_integer_targets():
    x, t = T.fvector("x"), T.ivector("t")
    loss = nnet.sigmoid_binary_crossentropy(x, t)
    values = {x: np.array([0.5, -2], "float32"), t: np.array([1, 0], "int32")}
    np.testing.assert_allclose(run(loss, values), [np.log1p(np.exp(-0.5)), np.log1p(np.exp(-2))], rtol=1e-6)
    np.testing.assert_array_equal(run(grad(loss.sum(), t), values), [-0.5, 2])


# ----- Categorical -----


def test_categorical_of_distributions(rng):
    for shape in ((3, 4), (4,), (2, 3, 4)):
        p, t = (scipy_softmax(rng.standard_normal(shape), axis=-1) for _ in range(2))
        x, y = var(p, "p"), var(t, "t")
        expected = -(t * np.log(p)).sum(-1)
        np.testing.assert_allclose(run(nnet.categorical_crossentropy(x, y), {x: p, y: t}), expected)
    check_gradient(nnet.categorical_crossentropy, p, t)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64"])
def test_categorical_of_labels(dtype, rng):
    for shape in ((3, 4), (1, 2), (0, 3), (2, 3, 4)):
        p, labels = (
            scipy_softmax(rng.standard_normal(shape), axis=-1),
            rng.integers(0, shape[-1], shape[:-1]).astype(dtype),
        )
        x, y = var(p, "p"), var(labels, "y")
        loss = nnet.categorical_crossentropy(x, y)
        expected = -np.log(np.take_along_axis(p, labels[..., None].astype("int64"), -1)[..., 0])
        np.testing.assert_allclose(run(loss, {x: p, y: labels}), expected)
        g, none = run(grad(loss.sum(), [x, y]), {x: p, y: labels})
        onehot = np.eye(shape[-1])[labels.astype(int)]
        np.testing.assert_allclose(g, -onehot / p)
        np.testing.assert_array_equal(none, np.zeros(labels.shape))


def test_errors():
    p = T.dmatrix("p")
    for t in (T.tensor3(), T.scalar()):
        with pytest.raises(TypeError, match="rank mismatch between coding and true distributions"):
            nnet.categorical_crossentropy(p, t)
    for t in (T.fvector(), T.dvector()):
        with pytest.raises(TypeError, match="integer vector required"):
            nnet.categorical_crossentropy(p, t)
    with pytest.raises(TypeError, match="coding_dist"):
        nnet.crossentropy_categorical_1hot(T.imatrix(), T.ivector())
    with pytest.raises(ShapeMismatchError, match="one label for each row"):
        nnet.categorical_crossentropy(np.ones((3, 2)), np.zeros(2, int))
    y = T.lvector("y")
    loss = nnet.categorical_crossentropy(p, y)
    with pytest.raises(ValueError, match="one label for each row"):
        run(loss, {p: np.ones((3, 2)), y: np.zeros(2, int)})
    with pytest.raises(IndexError):
        run(loss, {p: np.ones((3, 2)), y: np.array([0, 1, 2])})
    negative = {p: np.ones((3, 2)), y: np.array([0, 1, -1])}
    of_logits = nnet.crossentropy_softmax_argmax_1hot_with_bias(p, T.zeros(2), y)[0]
    gradient = nnet.crossentropy_softmax_1hot_with_bias_dx(T.ones(3), p, y)
    for wrong in (loss, of_logits, gradient):
        with pytest.raises(ValueError, match="label -1 is none of the classes 0 to 1"):
            run(wrong, negative)


def test_zero_probability_is_infinite():
    p, y = T.dmatrix("p"), T.lvector("y")
    assert run(nnet.categorical_crossentropy(p, y), {p: np.array([[1.0, 0.0]]), y: np.array([1])}) == np.inf


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)], ids=str)
def test_label_gradients(shape, rng):
    labels = rng.integers(0, 4, shape[:-1])
    p = rng.uniform(0.2, 1, shape)
    check_gradient(lambda x: nnet.categorical_crossentropy(x, T.constant(labels)), p, order=3, tolerance=1e-5)
    check_gradient(lambda x: PickLabel()(x, labels) ** 2, p)
    check_gradient(lambda v: PlaceLabel()(v, np.ones(shape), labels) ** 2, p[..., 0])


# ----- Softmax and crossentropy at once -----


def cases(rng):
    x, b = rng.standard_normal((5, 3)), rng.standard_normal(3)
    return x, b, rng.integers(0, 3, 5)


def test_crossentropy_softmax(rng):
    xv, bv, yv = cases(rng)
    x, b, y = var(xv, "x"), var(bv, "b"), var(yv, "y")
    env = {x: xv, b: bv, y: yv}
    loss, p, best = run(nnet.crossentropy_softmax_argmax_1hot_with_bias(x, b, y), env)
    np.testing.assert_allclose(p, scipy_softmax(xv + bv, axis=1))
    np.testing.assert_allclose(loss, -log_softmax(xv + bv, axis=1)[np.arange(5), yv])
    np.testing.assert_array_equal(best, (xv + bv).argmax(1))
    two = run(nnet.crossentropy_softmax_1hot_with_bias(x, b, y), env)
    np.testing.assert_array_equal(two[0], loss)
    plain = run(nnet.crossentropy_softmax_1hot(x, y), env)
    np.testing.assert_allclose(plain[0], -log_softmax(xv, axis=1)[np.arange(5), yv])
    four = run(nnet.crossentropy_softmax_max_and_argmax_1hot_with_bias(x, b, y), env)
    np.testing.assert_allclose(four[2], p.max(1))
    np.testing.assert_array_equal(four[3], best)
    assert len(nnet.crossentropy_softmax_max_and_argmax_1hot(x, y)) == 4


def test_crossentropy_softmax_gradients(rng):
    xv, bv, yv = cases(rng)
    y = T.constant(yv)
    check_gradient(lambda x, b: nnet.crossentropy_softmax_1hot_with_bias(x, b, y)[0], xv, bv, order=3, tolerance=1e-5)
    check_gradient(lambda x, b: nnet.crossentropy_softmax_1hot_with_bias(x, b, y)[1], xv, bv)
    check_gradient(lambda x, b: T.outer(*[v.sum(axis=-1) for v in (
        nnet.crossentropy_softmax_1hot_with_bias(x, b, y)[0].dimshuffle(0, "x"),
        nnet.crossentropy_softmax_1hot_with_bias(x, b, y)[1] ** 2)]), xv, bv)  # fmt: skip
    x = var(xv)
    best = nnet.crossentropy_softmax_argmax_1hot_with_bias(x, bv, y)[2]
    assert not run(grad(best.sum().astype("float64"), x), {x: xv}).any()


def test_fused_loss_is_stable():
    value = np.array([[1000.0, -1000.0], [-1000.0, 1000.0], [1000.0, 1000.0]])
    labels = np.array([1, 1, 0])
    for dtype in ("float64", "float32"):
        v = value.astype(dtype)
        x = var(v)
        loss = nnet.crossentropy_softmax_1hot(x, labels)[0]
        np.testing.assert_allclose(run(loss, {x: v}), [2000, 0, np.log(2)], rtol=1e-6)
        g = run(grad(loss.sum(), x), {x: v})
        np.testing.assert_allclose(g, [[1, -1], [0, 0], [-0.5, 0.5]])
        picked = -PickLabel()(nnet.logsoftmax(x), labels)
        np.testing.assert_allclose(run(picked, {x: v}), [2000, 0, np.log(2)], rtol=1e-6)
        np.testing.assert_allclose(run(grad(picked.sum(), x), {x: v}), g)


def test_fused_errors():
    x, b, y = T.matrix(), T.vector(), T.ivector()
    f = nnet.crossentropy_softmax_argmax_1hot_with_bias
    for args in ((T.tensor3(), b, y), (x, T.matrix(), y), (T.imatrix(), b, y), (x, T.ivector(), y)):
        with pytest.raises(ValueError, match="tensor of floats"):
            f(*args)
    with pytest.raises(TypeError, match="integer vector"):
        f(x, b, T.fvector())


# ----- The rest -----


def test_prepend(rng):
    value = rng.standard_normal((3, 2)).astype("float32")
    m = var(value)
    for f, first in ((nnet.prepend_0_to_each_row, 0), (nnet.prepend_1_to_each_row, 1)):
        y = f(m)
        assert y.dtype == "float32"
        np.testing.assert_array_equal(run(y, {m: value}), np.hstack([np.full((3, 1), first), value]))
    s = T.dscalar("s")
    got = run(nnet.prepend_scalar_to_each_row(s, m), {m: value, s: np.asarray(5.0)})
    np.testing.assert_array_equal(got[:, 0], [5, 5, 5])
    check_gradient(nnet.prepend_scalar_to_each_row, np.asarray(2.0), rng.standard_normal((3, 2)))
    with pytest.raises(TypeError):
        nnet.prepend_scalar_to_each_row(T.vector(), m)
    with pytest.raises(TypeError):
        nnet.prepend_1_to_each_row(T.vector())


def test_confusion_matrix():
    actual, predicted = np.array([2, 0, 2, 2, 0, 1]), np.array([0, 0, 2, 2, 0, 2])
    x, y = var(actual, "x"), var(predicted, "y")
    matrix, order = run(nnet.confusion_matrix(x, y), {x: actual, y: predicted})
    np.testing.assert_array_equal(matrix, [[2, 0, 0], [0, 0, 1], [1, 0, 2]])
    np.testing.assert_array_equal(order, [0, 1, 2])
    with pytest.raises(ValueError, match="1-d"):
        nnet.confusion_matrix(T.imatrix(), y)


def test_h_softmax(rng):
    batch, features, classes, per_class = 4, 3, 2, 3
    shapes = [(batch, features), (features, classes), (classes,), (classes, features, per_class), (classes, per_class)]
    values = [rng.standard_normal(s) for s in shapes]
    xs = [var(v, f"v{k}") for k, v in enumerate(values)]
    env = dict(zip(xs, values))
    x, *weights = xs
    every = run(nnet.h_softmax(x, batch, 5, classes, per_class, *weights), env)
    assert every.shape == (batch, 5)
    full = run(nnet.h_softmax(x, batch, 6, classes, per_class, *weights), env)
    np.testing.assert_allclose(full.sum(1), 1)
    labels = np.array([0, 4, 2, 3])
    y = var(labels, "y")
    some = run(nnet.h_softmax(x, batch, 5, classes, per_class, *weights, target=y), {**env, y: labels})
    np.testing.assert_allclose(some, every[np.arange(batch), labels])
    check_gradient(
        lambda *v: nnet.h_softmax(v[0], batch, 5, classes, per_class, *v[1:], target=labels), *values, order=1
    )
