"""NumPy by hand, gradients too: products taken out of the loops, arrays written in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.native import by_numpy
from benchmarks.native.by_numpy import crossentropy
from benchmarks.native.contender import Run
from benchmarks.scan.cases import BETAS, EPSILON, PLACES, RATE, STATES, STRIDE, Array, Case


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), in place of x."""
    np.negative(x, out=x)
    np.exp(x, out=x)
    x += 1
    return np.reciprocal(x, out=x)


def flat(x: Array) -> Array:
    """As rows of its last axis."""
    return x.reshape(-1, x.shape[-1])


# ------------------------------------------------------------------------------------------------------------ networks


def rnn(case: Case, x: Array, h: Array, w: Array, u: Array, b: Array) -> Any:
    """See formulas.rnn."""
    steps, batch, _ = x.shape
    states = np.empty((steps + 1, *h.shape), h.dtype)
    states[0] = h
    np.dot(flat(x), w, out=flat(states[1:]))
    states[1:] += b
    for t in range(steps):
        states[t + 1] += states[t] @ u
        np.tanh(states[t + 1], out=states[t + 1])
    after = states[1:]
    if case.kind == "last":
        return np.vdot(states[-1], states[-1]) / batch
    loss = np.vdot(after, after) / (steps * batch)
    return loss if case.kind == "forward" else (loss, *rnn_gradient(x, states, u))


def rnn_gradient(x: Array, states: Array, u: Array) -> tuple[Array, Array, Array]:
    """With respect to w, u, b."""
    steps, batch, _ = x.shape
    after, back = states[1:], np.ascontiguousarray(u.T)
    inner = after * np.float32(2 / (steps * batch))
    slope = 1 - np.square(after)
    for t in reversed(range(steps)):
        if t + 1 < steps:
            inner[t] += inner[t + 1] @ back
        inner[t] *= slope[t]
    return flat(x).T @ flat(inner), flat(states[:-1]).T @ flat(inner), flat(inner).sum(axis=0)


def gru(case: Case, x: Array, h: Array, w: Array, u: Array, b: Array) -> Any:
    """See formulas.gru."""
    steps, batch, n = x.shape
    at_x = (flat(x) @ w + b).reshape(steps, batch, 3 * n)
    at_h = np.empty_like(at_x)
    states = np.empty((steps + 1, batch, n), x.dtype)
    states[0] = h
    for t in range(steps):
        np.dot(states[t], u, out=at_h[t])
        gates = at_x[t, :, : 2 * n]
        gates += at_h[t, :, : 2 * n]
        sigmoid(gates)
        new = at_x[t, :, 2 * n :]
        new += at_x[t, :, :n] * at_h[t, :, 2 * n :]
        np.tanh(new, out=new)
        np.subtract(states[t], new, out=states[t + 1])
        states[t + 1] *= at_x[t, :, n : 2 * n]
        states[t + 1] += new
    loss = np.vdot(states[1:], states[1:]) / (steps * batch)
    return loss if case.kind == "forward" else (loss, *gru_gradient(x, states, at_x, at_h, u))


def gru_gradient(x: Array, states: Array, gates: Array, at_h: Array, u: Array) -> Any:
    """With respect to w, u, b. gates: reset, update, new of each step; at_h: the products with the states."""
    steps, batch, n = x.shape
    reset, update, new = (gates[:, :, k * n : (k + 1) * n] for k in range(3))
    of_x, of_h = np.empty_like(gates), np.empty_like(gates)
    back = np.ascontiguousarray(u.T)
    d = np.zeros((batch, n), x.dtype)
    for t in reversed(range(steps)):
        d += states[t + 1] * np.float32(2 / (steps * batch))
        of_x[t, :, 2 * n :] = d * (1 - update[t]) * (1 - np.square(new[t]))
        of_x[t, :, n : 2 * n] = d * (states[t] - new[t]) * update[t] * (1 - update[t])
        of_x[t, :, :n] = of_x[t, :, 2 * n :] * at_h[t, :, 2 * n :] * reset[t] * (1 - reset[t])
        of_h[t, :, : 2 * n] = of_x[t, :, : 2 * n]
        np.multiply(of_x[t, :, 2 * n :], reset[t], out=of_h[t, :, 2 * n :])
        d *= update[t]
        d += of_h[t] @ back
    return flat(x).T @ flat(of_x), flat(states[:-1]).T @ flat(of_h), flat(of_x).sum(axis=0)


class LanguageModel:
    """The training step of `lstm`, parameters and Adam's moments in place."""

    def __init__(self, parameters: Sequence[Array]):
        self.parameters = list(parameters)
        self.first, self.second = ([np.zeros_like(p) for p in parameters] for _ in range(2))
        self.count = 0

    def __call__(self, words: Array, following: Array) -> Any:
        """The mean cross-entropy before the step."""
        table, w, u, b, out, bias = self.parameters
        x = table[words]
        states, cells, gates = self.forward(x, w, u, b)
        scores = flat(states[1:]) @ out
        scores += bias
        loss, d = crossentropy(scores, following.reshape(-1))
        of_out, of_bias = flat(states[1:]).T @ d, d.sum(axis=0)
        inner = self.backward((d @ out.T).reshape(states[1:].shape), cells, gates, u)
        of_table = np.zeros_like(table)
        np.add.at(of_table, words.reshape(-1), flat(inner) @ w.T)
        at_x, at_h = flat(x).T @ flat(inner), flat(states[:-1]).T @ flat(inner)
        self.update([of_table, at_x, at_h, flat(inner).sum(axis=0), of_out, of_bias])
        return loss

    def forward(self, x: Array, w: Array, u: Array, b: Array) -> tuple[Array, Array, Array]:
        """States and cells from the zeros before the first step on, and the gates of each."""
        (steps, batch, _), n = x.shape, len(u)
        gates = (flat(x) @ w + b).reshape(steps, batch, 4 * n)
        states, cells = (np.zeros((steps + 1, batch, n), x.dtype) for _ in range(2))
        for t, at in enumerate(gates):
            at += states[t] @ u
            sigmoid(at[:, : 3 * n])
            np.tanh(at[:, 3 * n :], out=at[:, 3 * n :])
            np.multiply(at[:, n : 2 * n], cells[t], out=cells[t + 1])
            cells[t + 1] += at[:, :n] * at[:, 3 * n :]
            np.tanh(cells[t + 1], out=states[t + 1])
            states[t + 1] *= at[:, 2 * n : 3 * n]
        return states, cells, gates

    def backward(self, of_states: Array, cells: Array, gates: Array, u: Array) -> Array:
        """The gradient with respect to the gates before their functions."""
        steps, batch, n = of_states.shape
        inner, back = np.empty_like(gates), np.ascontiguousarray(u.T)
        dc = np.zeros((batch, n), gates.dtype)
        for t in reversed(range(steps)):
            enter, forget, leave, new = (gates[t, :, k * n : (k + 1) * n] for k in range(4))
            dh = of_states[t]
            if t + 1 < steps:
                dh += inner[t + 1] @ back
            seen = np.tanh(cells[t + 1])
            dc += dh * leave * (1 - np.square(seen))
            inner[t, :, :n] = dc * new * enter * (1 - enter)
            inner[t, :, n : 2 * n] = dc * cells[t] * forget * (1 - forget)
            inner[t, :, 2 * n : 3 * n] = dh * seen * leave * (1 - leave)
            inner[t, :, 3 * n :] = dc * enter * (1 - np.square(new))
            dc *= forget
        return inner

    def update(self, gradients: Sequence[Array]) -> None:
        """A step of Adam."""
        self.count += 1
        beta, gamma = (np.float32(k) for k in BETAS)
        rate = np.float32(RATE * np.sqrt(1 - BETAS[1] ** self.count) / (1 - BETAS[0] ** self.count))
        for p, g, m, v in zip(self.parameters, gradients, self.first, self.second):
            m *= beta
            m += (1 - beta) * g
            v *= gamma
            np.square(g, out=g)
            g *= 1 - gamma
            v += g
            np.sqrt(v, out=g)
            g += np.float32(EPSILON)
            np.divide(m, g, out=g)
            g *= rate
            p -= g


# --------------------------------------------------------------------------------------------------------- small steps


def hmm(case: Case, symbols: Array, start: Array, transition: Array, emission: Array) -> Any:
    """See formulas.hmm."""
    seen = emission.T[symbols]
    alphas = np.empty_like(seen)
    alphas[0] = start + seen[0]
    for t in range(1, len(seen)):
        rows = alphas[t - 1][:, None] + transition
        most = rows.max(axis=0)
        rows -= most
        np.exp(rows, out=rows)
        np.log(rows.sum(axis=0), out=alphas[t])
        alphas[t] += most
        alphas[t] += seen[t]
    most = alphas[-1].max()
    value = np.log(np.exp(alphas[-1] - most).sum()) + most
    if case.kind == "forward":
        return value
    of_transition, of_emission = np.zeros_like(transition), np.zeros((emission.shape[1], STATES))
    d = np.exp(alphas[-1] - value)
    for t in range(len(seen) - 1, 0, -1):
        of_emission[symbols[t]] += d
        shares = transition + alphas[t - 1][:, None]
        shares -= alphas[t] - seen[t]
        np.exp(shares, out=shares)
        shares *= d
        of_transition += shares
        d = shares.sum(axis=1)
    of_emission[symbols[0]] += d
    return value, d, of_transition, of_emission.T


def leapfrog(case: Case, q: Array, p: Array, stiffness: Array) -> Any:
    """See formulas.leapfrog; the force at the end of a step is that at the start of the next."""
    half, steps = 0.5 * STRIDE, case.shape[0]
    places = np.empty((steps + 1, PLACES))
    places[0] = q
    force = stiffness @ q + q * q * q
    p = p.copy()
    for t in range(steps):
        p -= half * force
        np.multiply(p, STRIDE, out=places[t + 1])
        places[t + 1] += places[t]
        at = places[t + 1]
        force = stiffness @ at
        force += at * at * at
        p -= half * force
    if case.kind == "forward":
        return places[-1], p
    dq, dp, curve = 2 * places[-1], 2 * p, 3 * np.square(places)
    for t in reversed(range(steps)):
        dq -= half * (stiffness @ dp + curve[t + 1] * dp)
        dp += STRIDE * dq
        dq -= half * (stiffness @ dp + curve[t] * dp)
    return places[-1] @ places[-1] + p @ p, dq, dp


def affine(case: Case, x: Array, factor: Array, state: Array) -> Any:
    """See formulas.affine: numbers of Python, which are faster than arrays without axes."""
    a, s, states = float(factor), float(state), []
    for value in x.tolist():
        states.append(s)
        s = a * s + value
    if case.kind == "last":
        return np.asarray(s * s)
    before = np.asarray(states)
    after = np.append(before[1:], s)
    loss = after @ after / len(x)
    if case.kind == "forward":
        return loss
    d, inner = 0.0, []
    for value in (after[::-1] * (2 / len(x))).tolist():
        d = d * a + value
        inner.append(d)
    return loss, np.asarray(inner[::-1]) @ before, np.asarray(d * a)


LOOPS: dict[str, Any] = {"rnn": rnn, "gru": gru, "hmm": hmm, "leapfrog": leapfrog, "affine": affine}


class Numpy(by_numpy.Numpy):
    """The contender "numpy"."""

    def build(self, case: Case, data: Sequence[Any]) -> Run:
        if case.group == "lstm":
            model = LanguageModel(data[2:])
            return Run([model], tuple(data[:2]), state=lambda: model.parameters)
        loop = LOOPS[case.group]
        return Run([lambda *args: loop(case, *args)], tuple(data))
