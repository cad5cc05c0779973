"""Recurrent networks unrolled in Python, attention, layers that pad and merge, second derivatives, particles."""

from __future__ import annotations

from typing import Any

import numpy as np

import symtheano as theano
import symtheano.tensor as T
from tests.programs.twins import Array, close, measured, random, sigmoid, softmax


def test_a_long_short_term_memory_unrolled() -> None:
    theano.config.floatX = "float32"
    steps, batch, width, size = 12, 4, 5, 6
    params = [
        theano.shared((0.4 * random(*s, seed=sum(s))).astype("float32"))
        for s in ((width, 4 * size), (size, 4 * size), (4 * size,), (size, 3))
    ]
    Wx, Wh, b, Wo = params
    X, mask, y = T.tensor3("X"), T.matrix("mask"), T.ivector("y")
    h = T.alloc(np.float32(0.0), X.shape[1], size)
    c = T.alloc(np.float32(0.0), X.shape[1], size)
    for t in range(steps):
        pre = T.dot(X[t], Wx) + T.dot(h, Wh) + b
        i, f, o = (T.nnet.sigmoid(pre[:, k * size : (k + 1) * size]) for k in range(3))
        m = mask[t][:, None]
        c = m * (f * c + i * T.tanh(pre[:, 3 * size :])) + (1.0 - m) * c
        h = m * (o * T.tanh(c)) + (1.0 - m) * h
    p = T.nnet.softmax(T.dot(h, Wo))
    cost = -T.log(p[T.arange(y.shape[0]), y]).mean()
    run = theano.function([X, mask, y], [cost, *T.grad(cost, params)])
    x, labels = random(steps, batch, width).astype("float32"), np.array([0, 2, 1, 1], "int32")
    alive = (random(steps, batch) > -0.7).astype("float32")

    def twin(Wx: Array, Wh: Array, b: Array, Wo: Array) -> list[Any]:
        h, c, tape = np.zeros((batch, size)), np.zeros((batch, size)), []
        for t in range(steps):
            pre = x[t] @ Wx + h @ Wh + b
            i, f, o = (sigmoid(pre[:, k * size : (k + 1) * size]) for k in range(3))
            g, m = np.tanh(pre[:, 3 * size :]), alive[t][:, None]
            new = m * (f * c + i * g) + (1 - m) * c
            tape.append((h, c, i, f, o, g, np.tanh(new), m))
            h, c = m * (o * np.tanh(new)) + (1 - m) * h, new
        p = softmax(h @ Wo)
        cost = -np.log(p[np.arange(batch), labels]).mean()
        d = (p - np.eye(3)[labels]) / batch
        gWo, dh, dc = h.T @ d, d @ Wo.T, np.zeros((batch, size))
        gWx, gWh, gb = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
        for t, (h, c, i, f, o, g, tc, m) in reversed(list(enumerate(tape))):
            do, dc = m * dh, dc + m * dh * o * (1 - tc * tc)
            dn = m * dc
            gates = [dn * g * i * (1 - i), dn * c * f * (1 - f), do * tc * o * (1 - o), dn * i * (1 - g * g)]
            dp = np.concatenate(gates, 1)
            gWx, gWh, gb = gWx + x[t].T @ dp, gWh + h.T @ dp, gb + dp.sum(0)
            dh, dc = dp @ Wh.T + (1 - m) * dh, dn * f + (1 - m) * dc
        return [cost, gWx, gWh, gb, gWo]

    for got, want in zip(run(x, alive, labels), twin(*(p.get_value().astype(float) for p in params)), strict=True):
        close(got, want, "float32", rtol=1e-3)


def test_masked_attention_with_layer_normalization() -> None:
    heads, width = 2, 6
    params = [theano.shared(random(width, width, seed=k)) for k in range(4)]
    x = T.tensor3("x")

    def split(W: Any) -> Any:
        y = T.dot(x, W).reshape((x.shape[0], x.shape[1], heads, width // heads)).dimshuffle(0, 2, 1, 3)
        return y.reshape((-1, y.shape[2], width // heads))

    q, k, v = (split(W) for W in params[:3])
    scores = T.batched_dot(q, k.dimshuffle(0, 2, 1)) / np.sqrt(width // heads)
    later = T.arange(x.shape[1]).dimshuffle(0, "x") < T.arange(x.shape[1]).dimshuffle("x", 0)
    scores = T.switch(later, -1e9, scores)
    weights = T.nnet.softmax(scores.reshape((-1, scores.shape[2]))).reshape(scores.shape)
    merged = T.batched_dot(weights, v).reshape((x.shape[0], heads, x.shape[1], width // heads)).dimshuffle(0, 2, 1, 3)
    out = T.dot(merged.reshape(x.shape), params[3])
    out = (out - out.mean(axis=-1, keepdims=True)) / T.sqrt(out.var(axis=-1, keepdims=True) + 1e-5)
    cost = (out**3).sum()
    run = theano.function([x], [out, T.grad(cost, x), T.grad(cost, params[1])])
    data, values = random(2, 3, width), [p.get_value() for p in params]

    def twin(x: Array, Wk: Array) -> Array:
        n = x.shape[1]
        q, k, v = ((x @ W).reshape(2, n, heads, -1).transpose(0, 2, 1, 3) for W in (values[0], Wk, values[2]))
        scores = q @ k.transpose(0, 1, 3, 2) / np.sqrt(width // heads)
        w = softmax(np.where(np.arange(n)[:, None] < np.arange(n), -1e9, scores))
        o = (w @ v).transpose(0, 2, 1, 3).reshape(x.shape) @ values[3]
        return (o - o.mean(-1, keepdims=True)) / np.sqrt(o.var(-1, keepdims=True) + 1e-5)

    got = run(data)
    close(got[0], twin(data, values[1]))
    close(got[1], measured(lambda v: (twin(v, values[1]) ** 3).sum(), data), rtol=1e-4)
    close(got[2], measured(lambda v: (twin(data, v) ** 3).sum(), values[1]), rtol=1e-4)


def test_layers_that_pad_pool_and_merge() -> None:
    theano.config.floatX = "float32"
    x = T.tensor4("x")
    s = x.shape
    box = (slice(None), slice(None), slice(1, s[2] + 1), slice(2, s[3] + 2))
    padded = T.set_subtensor(T.zeros((s[0], s[1], s[2] + 3, s[3] + 4))[box], x)
    merged = T.concatenate([x, padded[:, :, 1:-2, 2:-2], x[:, ::-1]], axis=1)
    maxout = T.max(merged.reshape((s[0], s[1], 3, s[2], s[3])), axis=2)
    dilated = T.set_subtensor(T.zeros((s[0], s[1], s[2] * 2, s[3] * 2), dtype=x.dtype)[:, :, ::2, ::2], x)
    big = T.repeat(T.repeat(x, 2, axis=3), 2, axis=2)
    y = T.tensor4("y")
    back = theano.grad(None, wrt=x, known_grads={big: y})
    slope = T.grad((merged[:, ::2] * padded.sum()).sum() + (padded**2).sum(), x)
    run = theano.function([x, y], [padded, merged, maxout, dilated, big, back, slope])
    v = random(2, 3, 4, 5).astype("float32")
    wide = v.repeat(2, 2).repeat(2, 3)
    g = random(*wide.shape).astype("float32")
    both = np.concatenate([v, v, v[:, ::-1]], 1)
    holes = np.zeros_like(wide)
    holes[:, :, ::2, ::2] = v
    places = np.zeros_like(both)
    places[:, ::2] = 1
    places = places[:, :3] + places[:, 3:6] + places[:, 6:][:, ::-1]
    wanted = [
        np.pad(v, ((0, 0), (0, 0), (1, 2), (2, 2))),
        both,
        both.reshape(2, 3, 3, 4, 5).max(2),
        holes,
        wide,
        g.reshape(2, 3, 4, 2, 5, 2).sum((3, 5)),
        places * v.sum() + both[:, ::2].sum() + 2 * v,
    ]
    for got, want in zip(run(v, g), wanted, strict=True):
        close(got, want, "float32")


def test_hessian_times_vector_three_ways() -> None:
    w, v = T.dvectors("w", "v")
    data, labels = theano.shared(random(20, 4)), theano.shared((random(20) > 0).astype(float))
    p = T.nnet.sigmoid(T.dot(data, w))
    g = T.grad(T.nnet.binary_crossentropy(p, labels).mean() + 0.1 * (w**4).sum(), w)
    ways = [T.grad(T.sum(g * v), w, consider_constant=[v]), T.Rop(g, w, v), T.Lop(g, w, v)]
    at, along, x = random(4), random(4, seed=1), data.get_value()
    s = sigmoid(x @ at)
    want = x.T @ (s * (1 - s) * (x @ along)) / 20 + 1.2 * at**2 * along
    for got in theano.function([w, v], ways)(at, along):
        close(got, want)


def test_particles_keep_their_energy() -> None:
    x, v, dt = T.dmatrix("x"), T.dmatrix("v"), T.dscalar("dt")
    m = theano.shared(np.array([1.0, 2, 3]))

    def potential(x: Any) -> Any:
        d = x.dimshuffle(0, "x", 1) - x.dimshuffle("x", 0, 1)
        r2 = (d**2).sum(2) + T.eye(x.shape[0])
        return 0.5 * ((1 - T.eye(x.shape[0])) * (r2**-6 - r2**-3)).sum()

    def acceleration(x: Any) -> Any:
        return -T.grad(potential(x), x) / m.dimshuffle(0, "x")

    moved = x + v * dt + 0.5 * acceleration(x) * dt**2
    faster = v + 0.5 * (acceleration(x) + acceleration(moved)) * dt
    step = theano.function([x, v, dt], [moved, faster, potential(x) + 0.5 * (m * (v**2).sum(1)).sum()])
    place, speed = np.array([[0.0, 0, 0], [1.2, 0, 0], [0, 1.3, 0.2]]), np.zeros((3, 3))
    d = place[:, None] - place
    r2 = (d**2).sum(2) + np.eye(3)
    force = (((1 - np.eye(3)) * (12 * r2**-7 - 6 * r2**-4))[:, :, None] * d).sum(1)
    first = step(place, speed, 0.01)
    close(first[0], place + 0.5 * force / m.get_value()[:, None] * 0.01**2)
    for _ in range(200):
        place, speed, energy = step(place, speed, 0.005)
    close(energy, first[2], rtol=1e-3)
