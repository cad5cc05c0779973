"""The loops, once for all libraries that trace: over a namespace `m` of the library's functions and its loop.

`m.scan(step, xs, carry, consts, keep)` runs `step(*xs_t, *carry, *consts)`, which gives the new carry as a tuple, and
gives what is carried at the end, and of the numbers in `keep` what each step left, along a new first axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.scan.cases import STRIDE, Case


def rnn(m: Any, case: Case, ahead: bool, x: Any, h: Any, w: Any, u: Any, b: Any) -> Any:
    """The mean over time and batch of the squares of all states, or of the last. ahead: dot(x, w) before the loop."""

    def step(x: Any, h: Any, *consts: Any) -> tuple[Any]:
        if ahead:
            return (m.tanh(x + m.dot(h, consts[0])),)
        w, u, b = consts
        return (m.tanh(m.dot(x, w) + m.dot(h, u) + b),)

    xs, consts = (m.dot(x, w) + b, [u]) if ahead else (x, [w, u, b])
    last = case.kind == "last"
    (end,), kept = m.scan(step, [xs], [h], consts, [] if last else [0])
    states = end if last else kept[0]
    return m.mean(m.sum(states * states, axis=-1))


def gru(m: Any, case: Case, ahead: bool, x: Any, h: Any, w: Any, u: Any, b: Any) -> Any:
    """The mean over time and batch of the squares of all states."""
    n = case.shape[2]

    def step(x: Any, h: Any, *consts: Any) -> tuple[Any]:
        at_x = x if ahead else m.dot(x, consts[0]) + consts[2]
        at_h = m.dot(h, consts[0 if ahead else 1])
        reset = m.sigmoid(at_x[:, :n] + at_h[:, :n])
        update = m.sigmoid(at_x[:, n : 2 * n] + at_h[:, n : 2 * n])
        new = m.tanh(at_x[:, 2 * n :] + reset * at_h[:, 2 * n :])
        return ((1 - update) * new + update * h,)

    xs, consts = (m.dot(x, w) + b, [u]) if ahead else (x, [w, u, b])
    _, (states,) = m.scan(step, [xs], [h], consts, [0])
    return m.mean(m.sum(states * states, axis=-1))


def lstm_states(m: Any, n: int, ahead: bool, x: Any, zeros: Any, w: Any, u: Any, b: Any) -> Any:
    """The hidden states of all steps."""

    def step(x: Any, h: Any, c: Any, *consts: Any) -> tuple[Any, Any]:
        gates = x + m.dot(h, consts[0]) if ahead else m.dot(x, consts[0]) + m.dot(h, consts[1]) + consts[2]
        enter, forget, leave = (m.sigmoid(gates[:, k * n : (k + 1) * n]) for k in range(3))
        c = forget * c + enter * m.tanh(gates[:, 3 * n :])
        return leave * m.tanh(c), c

    xs, consts = (m.dot(x, w) + b, [u]) if ahead else (x, [w, u, b])
    _, (states,) = m.scan(step, [xs], [zeros, zeros], consts, [0])
    return states


def hmm(m: Any, case: Case, symbols: Any, start: Any, transition: Any, emission: Any) -> Any:
    """The log-likelihood of the symbols, by the forward algorithm."""

    def step(seen: Any, alpha: Any, transition: Any) -> tuple[Any]:
        return (m.logsumexp(alpha[:, None] + transition, 0) + seen,)

    seen = emission.T[symbols]
    (alpha,), _ = m.scan(step, [seen[1:]], [start + seen[0]], [transition], [])
    return m.logsumexp(alpha, 0)


def leapfrog(m: Any, case: Case, q: Any, p: Any, stiffness: Any) -> Any:
    """Place and momentum after all steps in the potential q.stiffness.q / 2 + sum(q**4) / 4."""

    def step(q: Any, p: Any, stiffness: Any) -> tuple[Any, Any]:
        p = p - 0.5 * STRIDE * (m.dot(stiffness, q) + q * q * q)
        q = q + STRIDE * p
        return q, p - 0.5 * STRIDE * (m.dot(stiffness, q) + q * q * q)

    return m.repeat(step, case.shape[0], [q, p], [stiffness])


def affine(m: Any, case: Case, x: Any, factor: Any, state: Any) -> Any:
    """The mean of the squares of all states (or the square of the last) of s = factor * s + x."""

    def step(x: Any, s: Any, factor: Any) -> tuple[Any]:
        return (factor * s + x,)

    last = case.kind == "last"
    (end,), kept = m.scan(step, [x], [state], [factor], [] if last else [0])
    return end * end if last else m.mean(kept[0] * kept[0])


def of_traces(traces: Any) -> dict[str, Any]:
    """`scan` and `repeat` of a namespace where traces(step, xs, carry, consts, count) gives all states of a loop."""

    def scan(step: Any, xs: Sequence[Any], carry: Sequence[Any], consts: Sequence[Any], keep: Sequence[int]) -> Any:
        found = traces(step, xs, carry, consts)
        return [trace[-1] for trace in found], [found[k] for k in keep]

    def repeat(step: Any, count: int, carry: Sequence[Any], consts: Sequence[Any]) -> Any:
        return [trace[-1] for trace in traces(step, [], carry, consts, count)]

    return {"scan": scan, "repeat": repeat}


LOOPS = {"rnn": rnn, "gru": gru, "hmm": hmm, "leapfrog": leapfrog, "affine": affine}
WITH_RESPECT_TO = {"rnn": (2, 3, 4), "gru": (2, 3, 4), "hmm": (1, 2, 3), "leapfrog": (0, 1), "affine": (1, 2)}
AHEAD = ("rnn", "gru")  # products with the inputs can be taken before the loop


def value_of(m: Any, case: Case, arguments: Sequence[Any], ahead: bool = False) -> Any:
    """What the loop is for: a scalar; of `leapfrog` forward a pair. ahead: products are taken before the loop."""
    loop: Any = LOOPS[case.group]
    value = loop(m, case, ahead, *arguments) if case.group in AHEAD else loop(m, case, *arguments)
    if case.group == "leapfrog" and case.kind == "gradient":
        return m.sum(value[0] * value[0]) + m.sum(value[1] * value[1])
    return value
