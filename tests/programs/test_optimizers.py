"""Lasagne's updates with the numbers of its own tests, running averages, and updates of a few rows of a table."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import symtheano as theano
import symtheano.tensor as T
from tests.programs.twins import Array, close, random, sigmoid


def like(param: Any) -> Any:
    value = param.get_value(borrow=True)
    return theano.shared(np.zeros(value.shape, dtype=value.dtype), broadcastable=param.broadcastable)


def sgd(loss: Any, params: list[Any], lr: Any) -> Any:
    return OrderedDict((p, p - lr * g) for p, g in zip(params, theano.grad(loss, params), strict=True))


def momentum(loss: Any, params: list[Any], lr: Any, rate: float = 0.5) -> Any:
    updates = sgd(loss, params, lr)
    for param in params:
        velocity = like(param)
        x = rate * velocity + updates[param]
        updates[velocity] = x - param
        updates[param] = x
    return updates


def nesterov(loss: Any, params: list[Any], lr: Any, rate: float = 0.5) -> Any:
    updates = sgd(loss, params, lr)
    for param in params:
        velocity = like(param)
        x = rate * velocity + updates[param] - param
        updates[velocity] = x
        updates[param] = rate * x + updates[param]
    return updates


def adagrad(loss: Any, params: list[Any], lr: Any, epsilon: float = 1e-6) -> Any:
    updates = OrderedDict()
    for param, grad in zip(params, theano.grad(loss, params), strict=True):
        accu = like(param)
        updates[accu] = accu + grad**2
        updates[param] = param - (lr * grad / T.sqrt(updates[accu] + epsilon))
    return updates


def rmsprop(loss: Any, params: list[Any], lr: Any, rho: float = 0.9, epsilon: float = 1e-6) -> Any:
    updates, one = OrderedDict(), T.constant(1)
    for param, grad in zip(params, theano.grad(loss, params), strict=True):
        accu = like(param)
        updates[accu] = rho * accu + (one - rho) * grad**2
        updates[param] = param - (lr * grad / T.sqrt(updates[accu] + epsilon))
    return updates


def adadelta(loss: Any, params: list[Any], lr: Any, rho: float = 0.95, epsilon: float = 1e-6) -> Any:
    updates, one = OrderedDict(), T.constant(1)
    for param, grad in zip(params, theano.grad(loss, params), strict=True):
        accu, delta = like(param), like(param)
        updates[accu] = rho * accu + (one - rho) * grad**2
        update = grad * T.sqrt(delta + epsilon) / T.sqrt(updates[accu] + epsilon)
        updates[param] = param - lr * update
        updates[delta] = rho * delta + (one - rho) * update**2
    return updates


def adam(loss: Any, params: list[Any], lr: Any, b1: float = 0.9, b2: float = 0.999, epsilon: float = 1e-8) -> Any:
    t_prev, updates, one = theano.shared(np.asarray(0.0, theano.config.floatX)), OrderedDict(), T.constant(1)
    t = t_prev + 1
    a_t = lr * T.sqrt(one - b2**t) / (one - b1**t)
    for param, grad in zip(params, theano.grad(loss, params), strict=True):
        m, v = like(param), like(param)
        updates[m] = b1 * m + (one - b1) * grad
        updates[v] = b2 * v + (one - b2) * grad**2
        updates[param] = param - a_t * updates[m] / (T.sqrt(updates[v]) + epsilon)
    updates[t_prev] = t
    return updates


def adamax(loss: Any, params: list[Any], lr: Any, b1: float = 0.9, b2: float = 0.999, epsilon: float = 1e-8) -> Any:
    t_prev, updates, one = theano.shared(np.asarray(0.0, theano.config.floatX)), OrderedDict(), T.constant(1)
    t = t_prev + 1
    a_t = lr / (one - b1**t)
    for param, grad in zip(params, theano.grad(loss, params), strict=True):
        m, u = like(param), like(param)
        updates[m] = b1 * m + (one - b1) * grad
        updates[u] = T.maximum(b2 * u, abs(grad))
        updates[param] = param - a_t * updates[m] / (updates[u] + epsilon)
    updates[t_prev] = t
    return updates


KNOWN = [  # lasagne/tests/test_updates.py, computed with Torch
    (sgd, 0.1, [0.81707280688755, 0.6648326359915, 0.5386151140949]),
    (momentum, 0.1, [0.6848486952183, 0.44803321781003, 0.27431190123502]),
    (nesterov, 0.1, [0.67466543592725, 0.44108468114241, 0.2769002108997]),
    (adagrad, 0.1, [0.55373120047759, 0.55373120041518, 0.55373120039438]),
    (rmsprop, 0.01, [0.83205403985348, 0.83205322744821, 0.83205295664444]),
    (adadelta, 1.0, [0.95453237704725, 0.9545237471374, 0.95452214847397]),
    (adam, 0.01, [0.90034972009036, 0.90034967993061, 0.90034966654402]),
    (adamax, 0.01, [0.90211749000754, 0.90211748762402, 0.90211748682951]),
]


@pytest.mark.parametrize(("rule", "lr", "known"), KNOWN, ids=[rule.__name__ for rule, _, _ in KNOWN])
@pytest.mark.parametrize("floatX", ["float64", "float32"])
def test_lasagne_knows_the_result(rule: Any, lr: float, known: list[float], floatX: str) -> None:
    theano.config.floatX = floatX
    a, b = (theano.shared(np.ones(3, floatX)) for _ in range(2))
    scale = np.array([0.1, 0.2, 0.3], floatX)
    updates = rule(T.sum(scale * a**2) + T.sum(scale * b**2), [a, b], lr)
    assert all(new.dtype == old.dtype for old, new in updates.items())
    arrays = [v.get_value(borrow=True) for v in updates]
    step = theano.function([], [], updates=updates)
    for _ in range(10):
        assert step() == []
    close(a.get_value(), known, floatX, rtol=1e-5)
    close(b.get_value(), known, floatX, rtol=1e-5)
    if rule is not momentum:  # there the new value is read by another update, together with the old one
        assert all(v.get_value(borrow=True) is array for v, array in zip(updates, arrays, strict=True))


def test_batch_normalization_keeps_running_averages() -> None:
    axes, alpha = (0, 2, 3), 0.1
    mean, inv_std = theano.shared(np.zeros(5), "mean"), theano.shared(np.ones(5), "inv_std")
    gamma = theano.shared(np.ones(5), "gamma")
    x = T.tensor4("x")
    m, s = x.mean(axes), T.inv(T.sqrt(x.var(axes) + 1e-4))
    running_mean, running_inv_std = (theano.clone(v, share_inputs=False) for v in (mean, inv_std))
    running_mean.default_update = (1 - alpha) * running_mean + alpha * m
    running_inv_std.default_update = (1 - alpha) * running_inv_std + alpha * s
    m += 0 * running_mean
    s += 0 * running_inv_std

    def normalized(m: Any, s: Any) -> Any:
        m, s, g = (v.dimshuffle("x", 0, "x", "x") for v in (m, s, gamma))
        return (x - m) * (g * s)

    out = normalized(m, s)
    slope = T.grad((out**3).sum(), gamma)
    train = theano.function([x], [out, slope], updates=[(gamma, gamma - 0.01 * slope)])
    frozen = theano.function([x], out, no_default_updates=True)
    test = theano.function([x], normalized(mean, inv_std))
    data = random(4, 5, 3, 2) * 2 + 1
    m_, s_ = data.mean(axes), 1 / np.sqrt(data.var(axes) + 1e-4)
    xhat = (data - m_[:, None, None]) * s_[:, None, None]
    wanted_mean, wanted_std, g = np.zeros(5), np.ones(5), np.ones(5)
    for _ in range(3):
        o = xhat * g[:, None, None]
        got = train(data)
        close(got[0], o)
        close(got[1], (3 * o**2 * xhat).sum(axes))
        g = g - 0.01 * (3 * o**2 * xhat).sum(axes)
        wanted_mean, wanted_std = 0.9 * wanted_mean + 0.1 * m_, 0.9 * wanted_std + 0.1 * s_
        frozen(data)
    close(mean.get_value(), wanted_mean)
    close(inv_std.get_value(), wanted_std)
    close(test(data), (data - wanted_mean[:, None, None]) * (g * wanted_std)[:, None, None])


def test_word_vectors_are_updated_in_their_rows() -> None:
    theano.config.floatX = "float32"
    words, size = 50, 6
    table, context = (theano.shared(random(words, size, seed=k).astype("float32")) for k in range(2))
    steps = theano.shared(0)
    center, around, lr = T.ivector("center"), T.imatrix("around"), T.fscalar("lr")
    v, c = table[center], context[around]
    scores = (c * v.dimshuffle(0, "x", 1)).sum(axis=2)
    labels = T.concatenate([T.ones((center.shape[0], 1)), T.zeros((center.shape[0], 3))], axis=1)
    loss = T.nnet.binary_crossentropy(T.nnet.sigmoid(scores), labels).sum(axis=1).mean()
    gv, gc = T.grad(loss, [v, c])
    updates = [(table, T.inc_subtensor(v, -lr * gv)), (context, T.inc_subtensor(c, -lr * gc)), (steps, steps + 1)]
    train = theano.function([center, around, lr], loss, updates=updates)
    dense = theano.function([center, around], T.grad(loss, [table, context]))
    rows, columns = np.array([3, 3, 9], "int32"), np.array([[1, 1, 2, 4], [5, 6, 7, 8], [1, 2, 3, 4]], "int32")
    a, b = table.get_value(), context.get_value()
    mine = table.get_value(borrow=True)

    def twin(a: Array, b: Array, lr: float) -> float:
        v, c = a[rows], b[columns]
        s, y = (c * v[:, None]).sum(2), np.eye(4)[[0, 0, 0]]
        d = (sigmoid(s) - y) / 3
        np.add.at(a, rows, -lr * (d[:, :, None] * c).sum(1))
        np.add.at(b, columns, -lr * d[:, :, None] * v[:, None])
        return (np.logaddexp(0, s) - y * s).sum(1).mean()

    slopes = dense(rows, columns)
    after, after_context = a.copy(), b.copy()
    twin(after, after_context, 1.0)
    close(slopes[0], a - after, "float32")
    close(slopes[1], b - after_context, "float32")
    for _ in range(4):
        close(train(rows, columns, 0.5), twin(a, b, 0.5), "float32")
    close(table.get_value(), a, "float32")
    close(context.get_value(), b, "float32")
    assert table.get_value(borrow=True) is mine
    with pytest.raises(IndexError):
        train(rows, columns + 45, 0.5)  # no such word: nothing has happened
    close(table.get_value(), a, "float32")
    assert steps.get_value() == 4


def test_writing_into_a_part_sees_old_values() -> None:
    buffer, place, x = theano.shared(np.zeros(4)), theano.shared(0), T.dscalar()
    push = theano.function([x], buffer, updates=[(buffer, T.set_subtensor(buffer[place], x)), (place, (place + 1) % 4)])
    got = [push(k + 1.0).tolist() for k in range(5)]
    assert got == [[0, 0, 0, 0], [1, 0, 0, 0], [1, 2, 0, 0], [1, 2, 3, 0], [1, 2, 3, 4]]
    assert buffer.get_value().tolist() == [5, 2, 3, 4]
    s = theano.shared(np.arange(5.0))
    theano.function([], [], updates=[(s, T.set_subtensor(s[1:], s[:-1]))])()
    assert s.get_value().tolist() == [0, 0, 1, 2, 3]
    theano.function([], [], updates=[(s, T.inc_subtensor(s[1:], s[:-1]))])()
    assert s.get_value().tolist() == [0, 0, 1, 3, 5]
    a, b = theano.shared(np.zeros(3)), theano.shared(np.arange(3.0))
    swap = [(a, T.set_subtensor(a[:2], b[1:])), (b, T.set_subtensor(b[:2], a[1:]))]
    theano.function([], [], updates=swap)()
    assert (a.get_value().tolist(), b.get_value().tolist()) == ([1, 2, 0], [0, 0, 2])
    rate, velocity = theano.shared(np.zeros(3)), theano.shared(np.zeros(3))
    new = 0.5 * velocity + 1
    theano.function([], [], updates=[(velocity, new), (rate, T.inc_subtensor(rate[[1]], new[:1]))])()
    assert (rate.get_value().tolist(), velocity.get_value().tolist()) == ([0, 1, 0], [1, 1, 1])
    y = T.dvector("y")
    add = theano.function([y], [], updates=[(velocity, velocity + 1), (rate, T.inc_subtensor(rate[[0, 0]], y))])
    for wrong in ([1.0], [1.0, 2.0, 3.0]):
        with pytest.raises(ValueError, match="could not broadcast"):
            add(wrong)
    add([1.0, 2.0])
    assert (rate.get_value().tolist(), velocity.get_value().tolist()) == ([3, 1, 0], [2, 2, 2])
