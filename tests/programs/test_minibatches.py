"""The deep learning tutorials: shared data sets, givens that slice them, models that are pickled, sampled weights."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import symtheano as theano
import symtheano.tensor as T
from tests.programs.twins import Array, close, random, sigmoid, softmax

BATCH = 20


class HiddenLayer:
    def __init__(self, input: Any, n_in: int, n_out: int, activation: Any):
        scale = np.sqrt(6.0 / (n_in + n_out))
        values = np.asarray(random(n_in, n_out) * scale / 3, dtype=theano.config.floatX)
        self.W = theano.shared(value=values, name="W", borrow=True)
        self.b = theano.shared(value=np.zeros((n_out,), dtype=theano.config.floatX), name="b", borrow=True)
        self.output = activation(T.dot(input, self.W) + self.b)
        self.params = [self.W, self.b]


class MLP:
    def __init__(self, input: Any):
        self.input = input
        self.hidden = HiddenLayer(input, 12, 9, T.tanh)
        self.top = HiddenLayer(self.hidden.output, 9, 5, T.nnet.softmax)
        self.p_y_given_x = self.top.output
        self.y_pred = T.argmax(self.p_y_given_x, axis=1)
        self.L1 = abs(self.hidden.W).sum() + abs(self.top.W).sum()
        self.L2_sqr = (self.hidden.W**2).sum() + (self.top.W**2).sum()
        self.params = self.hidden.params + self.top.params

    def negative_log_likelihood(self, y: Any) -> Any:
        return -T.mean(T.log(self.p_y_given_x)[T.arange(y.shape[0]), y])

    def errors(self, y: Any) -> Any:
        return T.mean(T.neq(self.y_pred, y))


def twin_step(params: list[Array], x: Array, y: Array) -> Any:
    W, b, V, c = params
    rows = np.arange(len(y))
    h = np.tanh(x @ W + b)
    p = softmax(h @ V + c)
    cost = -np.log(p[rows, y]).mean() + 0.001 * (abs(W).sum() + abs(V).sum()) + 0.01 * ((W**2).sum() + (V**2).sum())
    p[rows, y] -= 1
    p /= len(y)
    d = (p @ V.T) * (1 - h * h)
    slopes = [x.T @ d + 0.001 * np.sign(W) + 0.02 * W, d.sum(0), h.T @ p + 0.001 * np.sign(V) + 0.02 * V, p.sum(0)]
    for param, slope in zip(params, slopes, strict=True):
        param -= (0.1 * slope).astype(param.dtype)
    return cost


@pytest.mark.parametrize("floatX", ["float64", "float32"])
def test_a_network_on_slices_of_shared_data(floatX: str) -> None:
    theano.config.floatX = floatX
    data, labels = random(100, 12).astype(floatX), np.arange(100) * 7 % 5
    shared_x = theano.shared(np.asarray(data, dtype=theano.config.floatX), borrow=True)
    shared_y = T.cast(theano.shared(np.asarray(labels, dtype=theano.config.floatX), borrow=True), "int32")
    index, x, y = T.lscalar(), T.matrix("x"), T.ivector("y")
    model = MLP(x)
    cost = model.negative_log_likelihood(y) + 0.001 * model.L1 + 0.01 * model.L2_sqr
    updates = [(p, p - 0.1 * g) for p, g in zip(model.params, T.grad(cost, model.params), strict=True)]
    rows = slice(index * BATCH, (index + 1) * BATCH)
    givens = {x: shared_x[rows], y: shared_y[rows]}
    train = theano.function(inputs=[index], outputs=cost, updates=updates, givens=givens)
    test = theano.function(inputs=[index], outputs=model.errors(y), givens=givens)
    params = [p.get_value() for p in model.params]
    arrays = [p.get_value(borrow=True) for p in model.params]
    for step in range(20):
        k = step % 5
        close(train(k), twin_step(params, data[k * BATCH :][:BATCH], labels[k * BATCH :][:BATCH]), floatX)
    for shared, array, wanted in zip(model.params, arrays, params, strict=True):
        close(shared.get_value(), wanted, floatX, rtol=1e-3 if floatX == "float32" else 1e-8)
        assert shared.get_value(borrow=True) is array
    h = np.tanh(data[:BATCH] @ params[0] + params[1])
    wrong = np.mean((h @ params[2] + params[3]).argmax(1) != labels[:BATCH])
    assert float(test(0)) == wrong
    assert test(0).dtype == "float64"
    assert train(7).dtype == floatX  # an empty minibatch: nan, no error


def test_a_pickled_model_predicts() -> None:
    model = MLP(T.matrix("x"))
    loaded = pickle.loads(pickle.dumps(model))
    x = random(6, 12)
    first, second = (theano.function([m.input], [m.y_pred, m.p_y_given_x]) for m in (model, loaded))
    assert np.array_equal(first(x)[0], second(x)[0])
    loaded.top.W.set_value(np.zeros((9, 5)))
    close(second(x)[1], np.full((6, 5), 0.2))
    assert not np.allclose(first(x)[1], 0.2)


@pytest.mark.parametrize("floatX", ["float64", "float32"])
def test_denoising_autoencoder_even_where_it_saturates(floatX: str) -> None:
    theano.config.floatX = floatX
    x, mask = T.matrices("x", "mask")
    W = theano.shared(random(8, 5).astype(floatX), "W")
    b, c = theano.shared(np.zeros(5, floatX)), theano.shared(np.zeros(8, floatX))
    y = T.nnet.sigmoid(T.dot(mask * x, W) + b)
    z = T.nnet.sigmoid(T.dot(y, W.T) + c)
    cost = T.mean(-T.sum(x * T.log(z) + (1 - x) * T.log(1 - z), axis=1))
    train = theano.function([x, mask], cost, updates=[(p, p - 0.1 * T.grad(cost, p)) for p in (W, b, c)])
    data = np.random.default_rng(0).random((10, 8)).astype(floatX)
    noise = (random(10, 8) > -0.5).astype(floatX)
    w, hidden, visible = W.get_value(), b.get_value(), c.get_value()
    for _ in range(10):
        code = sigmoid(noise * data @ w + hidden)
        logits = code @ w.T + visible
        close(train(data, noise), (np.logaddexp(0, logits) - data * logits).sum(1).mean(), floatX)
        d = (sigmoid(logits) - data) / 10
        e = (d @ w) * code * (1 - code)
        w -= (0.1 * ((noise * data).T @ e + d.T @ code)).astype(floatX)
        hidden -= (0.1 * e.sum(0)).astype(floatX)
        visible -= (0.1 * d.sum(0)).astype(floatX)
    close(W.get_value(), w, floatX)
    W.set_value((1e3 * w).astype(floatX))
    assert np.isfinite(train(data, noise))
    assert np.isfinite(W.get_value()).all()


def test_restricted_boltzmann_machine() -> None:
    W, hbias, vbias = theano.shared(random(7, 4), "W"), theano.shared(random(4)), theano.shared(random(7))

    def free_energy(v: Any) -> Any:
        wx_b = T.dot(v, W) + hbias
        return -T.sum(T.log(1 + T.exp(wx_b)), axis=1) - T.dot(v, vbias)

    def twin(v: Array) -> Array:
        return -np.logaddexp(0, v @ W.get_value() + hbias.get_value()).sum(1) - v @ vbias.get_value()

    x, u = T.matrices("x", "u")
    sample = T.cast(u < T.nnet.sigmoid(T.dot(x, W) + hbias), theano.config.floatX)
    chain_end = T.nnet.sigmoid(T.dot(sample, W.T) + vbias)
    cost = T.mean(free_energy(x)) - T.mean(free_energy(chain_end))
    step = theano.function([x, u], [cost, *T.grad(cost, [W, hbias, vbias], consider_constant=[chain_end])])
    v, draws = np.random.default_rng(0).random((5, 7)), np.random.default_rng(1).random((5, 4))
    end = sigmoid((draws < sigmoid(v @ W.get_value() + hbias.get_value())) @ W.get_value().T + vbias.get_value())
    up, down = (sigmoid(a @ W.get_value() + hbias.get_value()) for a in (v, end))
    got = step(v, draws)
    close(got[0], twin(v).mean() - twin(end).mean())
    close(got[1], -(v.T @ up - end.T @ down) / 5)
    close(got[2], -(up - down).mean(0))
    close(got[3], -(v - end).mean(0))

    bit = theano.shared(value=0, name="bit_i_idx")  # the pseudo-likelihood: one bit flipped in each call
    xi = T.round(x)
    flipped = T.set_subtensor(xi[:, bit], 1 - xi[:, bit])
    proxy = T.mean(7 * T.log(T.nnet.sigmoid(free_energy(flipped) - free_energy(xi))))
    monitor = theano.function([x], proxy, updates={bit: (bit + 1) % 7})
    for k in range(8):
        before = np.round(v)
        after = before.copy()
        after[:, k % 7] = 1 - after[:, k % 7]
        close(monitor(v), np.mean(-7 * np.logaddexp(0, twin(before) - twin(after))))
    assert bit.get_value() == 1
