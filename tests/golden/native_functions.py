"""The functions whose plans and kernels are golden texts of the native target."""

from __future__ import annotations

from typing import Any

import numpy as np

import symtheano as st
import symtheano.tensor as T

NATIVE = st.Mode(target="native")


def function(inputs: Any, outputs: Any, updates: Any = None) -> Any:
    """A function in machine code."""
    return st.function(inputs, outputs, updates=updates, mode=NATIVE)


def shared(name: str, *shape: int) -> Any:
    return st.shared(np.zeros(shape), name)


def softmax() -> Any:
    x = T.dmatrix("x")
    return function([x], T.nnet.softmax(x))


def crossentropy() -> Any:
    x, y = T.dmatrix("x"), T.lvector("y")
    cost = T.mean(T.nnet.categorical_crossentropy(T.nnet.softmax(x), y))
    return function([x, y], [cost, st.grad(cost, x)])


def layer_norm() -> Any:
    x, gain, bias = T.fmatrix("x"), T.fvector("gain"), T.fvector("bias")
    centred = x - x.mean(axis=1, keepdims=True)
    y = gain * centred / T.sqrt(T.sqr(centred).mean(axis=1, keepdims=True) + np.float32(1e-5)) + bias
    return function([x, gain, bias], y)


def layer_norm_gradient() -> Any:
    x, gain, g = T.fmatrix("x"), T.fvector("gain"), T.fmatrix("g")
    bias = T.zeros_like(gain)
    centred = x - x.mean(axis=1, keepdims=True)
    y = gain * centred / T.sqrt(T.sqr(centred).mean(axis=1, keepdims=True) + np.float32(1e-5)) + bias
    return function([x, gain, g], st.grad(None, [x, gain, bias], known_grads={y: g}))


def mlp_step() -> Any:
    x, y = T.dmatrix("x"), T.lvector("y")
    w, b, v, c = shared("w", 8, 6), shared("b", 6), shared("v", 6, 3), shared("c", 3)
    p = T.nnet.softmax(T.dot(T.tanh(T.dot(x, w) + b), v) + c)
    cost = T.mean(T.nnet.categorical_crossentropy(p, y))
    parameters = [w, b, v, c]
    slopes = st.grad(cost, parameters)
    return function([x, y], cost, updates=[(s, s - 0.1 * g) for s, g in zip(parameters, slopes, strict=True)])


def logistic_regression() -> Any:
    x, y = T.dmatrix("x"), T.dvector("y")
    w, b = shared("w", 4), st.shared(0.0, "b")
    cost = T.mean(T.nnet.binary_crossentropy(T.nnet.sigmoid(T.dot(x, w) + b), y)) + 0.01 * T.sqr(w).sum()
    updates = [(s, s - 0.1 * g) for s, g in zip([w, b], st.grad(cost, [w, b]), strict=True)]
    return function([x, y], cost, updates=updates)


def hierarchical_regression() -> Any:
    """The log-density of a regression with an intercept for each group, and its gradient."""
    mu, log_tau, log_sigma = T.dscalars("mu", "log_tau", "log_sigma")
    offset, slope = T.dvector("offset"), T.dscalar("slope")
    group, x, y = T.lvector("group"), T.dvector("x"), T.dvector("y")

    def normal(value: Any, mean: Any, log_scale: Any) -> Any:
        return -0.5 * T.sqr((value - mean) * T.exp(-log_scale)) - log_scale

    logp = normal(offset, 0.0, 0.0).sum() + normal(mu, 0.0, 1.0) + normal(slope, 0.0, 1.0)
    alpha = mu + T.exp(log_tau) * offset
    logp = logp + normal(y, alpha[group] + slope * x, log_sigma).sum()
    free = [mu, log_tau, log_sigma, offset, slope]
    return function([*free, group, x, y], [logp, *st.grad(logp, free)])


def standardised() -> Any:
    x = T.dmatrix("x")
    return function([x], (x - x.mean(axis=0)) / x.std(axis=0))


def adam() -> Any:
    x, y, w = T.dmatrix("x"), T.dvector("y"), shared("w", 4)
    m, v, t = shared("m", 4), shared("v", 4), st.shared(0.0, "t")
    cost = T.mean(T.sqr(T.dot(x, w) - y))
    g = st.grad(cost, w)
    now, m_now, v_now = t + 1, 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * T.sqr(g)
    step = 0.001 * (m_now / (1 - 0.9**now)) / (T.sqrt(v_now / (1 - 0.999**now)) + 1e-8)
    return function([x, y], cost, updates=[(t, now), (m, m_now), (v, v_now), (w, w - step)])


def embedding_gradient() -> Any:
    i, table = T.lmatrix("i"), shared("table", 7, 3)
    cost = T.sqr(table[i]).sum()
    return function([i], cost, updates=[(table, table - 0.1 * st.grad(cost, table))])


def argmax_and_errors() -> Any:
    x, y = T.dmatrix("x"), T.lvector("y")
    best = T.argmax(x, axis=1)
    return function([x, y], [best, T.mean(T.neq(best, y))])


def transposed() -> Any:
    x = T.dmatrix("x")
    return function([x], [x + x.T, T.concatenate([x[1:], x[:1]]).sum(axis=0)])


def between_steps() -> Any:
    """Machine code on both sides of a step of the host program."""
    x = T.dmatrix("x")
    return function([x], T.exp(T.sort(T.tanh(x) + 1, axis=1)).sum(axis=0))


NATIVE_FUNCTIONS: dict[str, Any] = {
    f.__name__: f
    for f in (
        *(softmax, crossentropy, layer_norm, layer_norm_gradient, mlp_step, logistic_regression),
        *(hierarchical_regression, standardised, adam, embedding_gradient, argmax_and_errors, transposed),
        between_steps,
    )
}
