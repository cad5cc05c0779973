"""The functions whose graph, program and source are golden texts. New ones go to the end: lines are in the texts."""

from __future__ import annotations

from typing import Any

import numpy as np

import symtheano as st
import symtheano.tensor as T


def affine() -> Any:
    x = T.dvector("x")
    return st.function([x], 2 * x + 1)


def polynomial() -> Any:
    x = T.dvector("x")
    return st.function([x], x**3 - 2 * x**2 + x / x - 0 * x + 1)


def softplus() -> Any:
    x = T.dvector("x")
    y = T.log(1 + T.exp(x))
    return st.function([x], [y, st.grad(T.sum(y), x)])


def log_sigmoid() -> Any:
    x = T.dvector("x")
    return st.function([x], T.log(T.nnet.sigmoid(x)))


def logsumexp() -> Any:
    x = T.dmatrix("x")
    return st.function([x], T.log(T.sum(T.exp(x), axis=1)))


def log_softmax() -> Any:
    x = T.dmatrix("x")
    return st.function([x], T.log(T.nnet.softmax(x)))


def crossentropy() -> Any:
    x, y = T.dmatrix("x"), T.lvector("y")
    cost = T.mean(T.nnet.categorical_crossentropy(T.nnet.softmax(x), y))
    return st.function([x, y], [cost, st.grad(cost, x)])


def negative_log_likelihood() -> Any:
    x, y = T.dmatrix("x"), T.lvector("y")
    return st.function([x, y], -T.mean(T.log(T.nnet.softmax(x))[T.arange(y.shape[0]), y]))


def binary_crossentropy() -> Any:
    x, t = T.dvector("x"), T.dvector("t")
    cost = T.mean(T.nnet.binary_crossentropy(T.nnet.sigmoid(x), t))
    return st.function([x, t], [cost, st.grad(cost, x)])


def sum_of_squares() -> Any:
    x = T.dmatrix("x")
    return st.function([x], st.grad(T.sum(x**2), x))


def mean_and_variance() -> Any:
    x = T.dmatrix("x")
    return st.function([x], [x.mean(axis=0), x.var(axis=0)])


def standardised() -> Any:
    x = T.dmatrix("x")
    return st.function([x], (x - x.mean(axis=1, keepdims=True)) / T.sqrt(x.var(axis=1, keepdims=True) + 1e-5))


def counter() -> Any:
    n = st.shared(0, "n")
    return st.function([], n, updates=[(n, n + 1)])


def swap() -> Any:
    a, b = st.shared(np.zeros(3), "a"), st.shared(np.ones(3), "b")
    return st.function([], [a, b], updates=[(a, b), (b, a)])


def logistic_regression() -> Any:
    x, y = T.dmatrix("x"), T.dvector("y")
    w, b = st.shared(np.zeros(4), "w"), st.shared(0.0, "b")
    cost = T.mean(T.nnet.binary_crossentropy(T.nnet.sigmoid(T.dot(x, w) + b), y))
    gw, gb = st.grad(cost, [w, b])
    return st.function([x, y], cost, updates=[(w, w - 0.1 * gw), (b, b - 0.1 * gb)])


def relu_network_with_momentum() -> Any:
    x, y = T.fmatrix("x"), T.lvector("y")
    shapes = {"w1": (6, 5), "b1": (5,), "w2": (5, 3), "b2": (3,)}
    w1, b1, w2, b2 = (st.shared(np.zeros(s, "float32"), n) for n, s in shapes.items())
    h = T.nnet.relu(T.dot(x, w1) + b1)
    cost = T.mean(T.nnet.categorical_crossentropy(T.nnet.softmax(T.dot(h, w2) + b2), y))
    updates = []
    for p in (w1, b1, w2, b2):
        v = st.shared(np.zeros_like(p.get_value()), f"v_{p.name}")
        step = np.float32(0.9) * v - np.float32(0.1) * st.grad(cost, p)
        updates += [(v, step), (p, p + step)]
    return st.function([x, y], cost, updates=updates)


def adam() -> Any:
    x = T.dvector("x")
    w, m, s, t = (st.shared(v, n) for n, v in (("w", np.ones(3)), ("m", np.zeros(3)), ("s", np.zeros(3)), ("t", 0.0)))
    g = st.grad(T.sum(T.sqr(w * x)), w)
    new_m, new_s, new_t = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * T.sqr(g), t + 1
    step = 0.01 * T.sqrt(1 - 0.999**new_t) / (1 - 0.9**new_t) * new_m / (T.sqrt(new_s) + 1e-8)
    return st.function([x], [], updates=[(m, new_m), (s, new_s), (t, new_t), (w, w - step)])


def minibatch() -> Any:
    data, k, x = st.shared(np.zeros((10, 3)), "data"), T.lscalar("k"), T.dmatrix("x")
    return st.function([k], T.mean(x, axis=0), givens={x: data[k * 2 : (k + 1) * 2]})


def rows_and_slices() -> Any:
    x, i = T.dmatrix("x"), T.lscalar("i")
    return st.function([x, i], [x[i], x[1:][2:], x[::-1, 0], x[:, None, -1]])


def embedding_gradient() -> Any:
    table, words = st.shared(np.zeros((7, 3)), "table"), T.lvector("words")
    cost = T.sum(T.tanh(table[words]))
    return st.function([words], cost, updates=[(table, table - 0.1 * st.grad(cost, table))])


def written_parts() -> Any:
    x, y = T.dvector("x"), T.dvector("y")
    return st.function([x, y], [T.set_subtensor(x[:2], y), T.inc_subtensor(x[::2], 1.0)])


def shapes() -> Any:
    x = T.dtensor3("x")
    y = T.tanh(x).reshape((x.shape[0], -1))
    return st.function([x], [y.shape[0], x.shape, T.zeros_like(y), y])


def joined() -> Any:
    x, y = T.dmatrices("x", "y")
    return st.function([x, y], [T.concatenate([x, y], axis=1), T.stack([x, x])])


def transposed_products() -> Any:
    x, w, v = T.dmatrix("x"), T.dmatrix("w"), T.dvector("v")
    return st.function([x, w, v], [T.dot(x.T, w).T, T.dot(x, v), T.outer(v, v)])


def switched() -> Any:
    x = T.dvector("x")
    y = T.switch(x > 0, T.log(x), 0)
    return st.function([x], [y, st.grad(T.sum(y), x), T.clip(x, -1, 1), abs(x)])


def maxima() -> Any:
    x = T.dmatrix("x")
    return st.function([x], [T.max(x, axis=1), T.argmax(x, axis=1), st.grad(T.sum(T.max(x, axis=0)), x)])


def integers() -> Any:
    i, j = T.lvectors("i", "j")
    return st.function([i, j], [i // j, i % j, i / j, T.cast(i, "float32"), T.eq(i, j)])


def mixed_precision() -> Any:
    x, y = T.fvector("x"), T.dvector("y")
    return st.function([x, y], [x * 2, x + y, T.sum(x), T.exp(x) * np.float32(0.5)])


def default_update() -> Any:
    seed = st.shared(1, "seed")
    seed.default_update = (seed * 5 + 1) % 16
    return st.function([], seed / 16.0)


class Sort(st.Op):
    """An author's op."""

    __props__ = ()
    itypes, otypes = [T.dvector], [T.dvector]

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = np.sort(inputs[0])


def authors_op() -> Any:
    x = T.dvector("x")
    return st.function([x], T.exp(Sort()(x * 2)) + 1)


def shared_subexpressions() -> Any:
    x, y = T.dvectors("x", "y")
    return st.function([x, y], [T.exp(x + y) * 2, T.exp(y + x) + 1, T.exp(x + y)])


def recurrent() -> Any:
    xs, w, h0 = T.dtensor3("xs"), T.dmatrix("w"), T.dmatrix("h0")

    def step(x: Any, h: Any, total: Any, w: Any) -> Any:
        h = T.tanh(x + T.dot(h, w))
        return h, total + h, h.sum(axis=1)

    (h, total, sums), _ = st.scan(step, xs, [h0, T.zeros_like(h0), None], w)
    return st.function([xs, w, h0], [h, total[-1], sums])


def until() -> Any:
    x = T.dscalar("x")
    roots, _ = st.scan(
        lambda r, x: ((r + x / r) / 2, st.scan_module.until(abs(r * r - x) < 1e-9)),
        outputs_info=x,
        non_sequences=x,
        n_steps=100,
    )
    return st.function([x], roots)


FUNCTIONS = {f.__name__: f for f in (
    affine, polynomial, softplus, log_sigmoid, logsumexp, log_softmax, crossentropy, negative_log_likelihood,
    binary_crossentropy, sum_of_squares, mean_and_variance, standardised, counter, swap, logistic_regression,
    relu_network_with_momentum, adam, minibatch, rows_and_slices, embedding_gradient, written_parts, shapes, joined,
    transposed_products, switched, maxima, integers, mixed_precision, default_update, authors_op, shared_subexpressions,
    recurrent, until,
)}  # fmt: skip
