"""Random expressions with ifelse against NumPy, the interpreter and finite differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.branches import with_branches
from symtheano.compile.target.choice import missing
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import interpret
from symtheano.scan.ifelse import ifelse

NUMPY = st.Mode(target="numpy")
needs_machine_code = pytest.mark.skipif(missing() is not None, reason="no machine code here")


class Choices:
    """Random expressions with ifelse, beside what they are in NumPy: functions of the values of x, y, c and k."""

    def __init__(self, draw: Any):
        self.draw = draw
        self.x, self.y = T.dvector("x"), T.dvector("y")
        self.c, self.k = T.iscalar("c"), T.iscalar("k")
        self.known: list[tuple[Any, Callable[..., Any]]] = [
            (self.x, lambda x, y, c, k: x),
            (self.y, lambda x, y, c, k: y),
        ]

    def one(self) -> tuple[Any, Callable[..., Any]]:
        return self.draw(some.sampled_from(self.known))

    def condition(self) -> tuple[Any, Callable[..., Any]]:
        which = self.draw(some.integers(0, 3))
        if which < 2:
            return [(self.c, lambda x, y, c, k: c), (self.k, lambda x, y, c, k: k)][which]
        a, f = self.one()
        return T.gt(a.sum(), 0.3), lambda *v: f(*v).sum() > 0.3

    def grow(self) -> None:
        kind = self.draw(some.sampled_from(["if", "if", "if2", "map", "sum", "scale"]))
        (a, f), (b, g) = self.one(), self.one()
        if kind == "map":
            self.known.append((T.sin(a) - 0.5, lambda *v: np.sin(f(*v)) - 0.5))
        elif kind == "sum":
            self.known.append((T.tanh(a + b), lambda *v: np.tanh(f(*v) + g(*v))))
        elif kind == "scale":
            self.known.append((a * T.tanh(b.sum()), lambda *v: f(*v) * np.tanh(g(*v).sum())))
        elif kind == "if":
            t, p = self.condition()
            self.known.append((ifelse(t, a, b), lambda *v: f(*v) if p(*v) else g(*v)))
        else:
            t, p = self.condition()
            (d, h), (e, i) = self.one(), self.one()
            left, right = ifelse(t, [a, d], [b, e])
            self.known.append((left, lambda *v: f(*v) if p(*v) else g(*v)))
            self.known.append((right, lambda *v: h(*v) if p(*v) else i(*v)))


@pytest.mark.parametrize("target", ["numpy", pytest.param("native", marks=needs_machine_code)])
@settings(max_examples=60)
@given(some.data())
def test_random_graphs(target: str, data: Any) -> None:
    made = Choices(data.draw)
    for _ in range(data.draw(some.integers(2, 9))):
        made.grow()
    count = data.draw(some.integers(1, 3))
    outs = [made.one() for _ in range(count)] + [made.known[-1]]
    cost = sum((o * (n + 1)).sum() for n, (o, _) in enumerate(outs))
    grads = T.grad(cost, [made.x, made.y], disconnected_inputs="ignore")
    inputs = [made.x, made.y, made.c, made.k]
    f = st.function(inputs, [*(o for o, _ in outs), *grads], mode=st.Mode(target=target), on_unused_input="ignore")
    closed = FunctionGraph(inputs, grads)
    with_branches(f.graph).check()
    for c in (0, 1):
        for k in (0, 1):
            values = [np.array([0.4, -0.7, 1.3]), np.array([-0.2, 0.9, 0.1]), np.int32(c), np.int32(k)]
            got = f(*values)
            for out, (_, meaning) in zip(got, outs, strict=False):
                assert np.allclose(out, meaning(*values), rtol=1e-9)
            for g, want in zip(got[len(outs) :], interpret(closed, values), strict=True):
                assert np.allclose(g, want, rtol=1e-8, atol=1e-12)
            branched = interpret(with_branches(f.graph), values)
            for out, want in zip(got, branched, strict=True):
                assert np.allclose(out, want, rtol=1e-9, atol=1e-12)


@settings(max_examples=25)
@given(some.data())
def test_random_gradients(data: Any) -> None:
    """Against finite differences; conditions hold by a margin, so that no side changes within a difference."""
    made = Choices(data.draw)
    for _ in range(data.draw(some.integers(2, 7))):
        made.grow()
    out, meaning = made.known[-1]
    weights = np.array([1.0, -2.0, 0.5])
    g = T.grad((out * weights).sum(), made.x, disconnected_inputs="ignore")
    f = st.function([made.x, made.y, made.c, made.k], g, mode=NUMPY, on_unused_input="ignore")
    x, y = np.array([0.4, -0.7, 1.3]), np.array([-0.2, 0.9, 0.1])
    rest = (y, data.draw(some.integers(0, 1)), data.draw(some.integers(0, 1)))
    got = f(x, *rest)
    for k in range(3):
        d = np.zeros(3)
        d[k] = 1e-6
        want = (weights * (meaning(x + d, *rest) - meaning(x - d, *rest))).sum() / 2e-6
        assert got[k] == pytest.approx(want, rel=1e-4, abs=1e-5)
