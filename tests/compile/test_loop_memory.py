"""What loops keep for their gradients: the same numbers whatever is kept, and the least that the rules allow."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.loop_memory import _bytes, _Plan, _plans, is_dear
from symtheano.compile.mode import Mode
from symtheano.compile.pipeline import _index
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import interpret
from symtheano.graph.walk import toposort
from symtheano.scan.op import Scan
from symtheano.tensor.dot import Dot
from symtheano.tensor.elemwise import Elemwise

H = 4


def lstm() -> tuple[list[Any], list[Any]]:
    """A long short-term memory: arguments; a cost and its gradients."""
    x, W, U, b = T.dtensor3("x"), T.dmatrix("W"), T.dmatrix("U"), T.dvector("b")

    def step(x_t: Any, h: Any, c: Any, W: Any, U: Any, b: Any) -> list[Any]:
        z = T.dot(x_t, W) + T.dot(h, U) + b
        i, f, o = (T.nnet.sigmoid(z[:, k * H : (k + 1) * H]) for k in range(3))
        new = f * c + i * T.tanh(z[:, 3 * H :])
        return [o * T.tanh(new), new]

    start = T.zeros((x.shape[1], H))
    (hs, _), _ = st.scan(step, x, [start, start], [W, U, b], name="lstm")
    cost = T.sqr(hs).sum()
    return [x, W, U, b], [cost, *T.grad(cost, [W, U, b, x])]


def deep() -> tuple[list[Any], list[Any]]:
    """A step of several layers, to second order."""
    x, W = T.dmatrix("x"), T.dmatrix("W")
    hs, _ = st.scan(lambda x_t, h, W: T.tanh(T.exp(-T.sqr(T.dot(T.sin(h + x_t), W))) * h), x, W[0], W, name="deep")
    cost = hs.sum()
    gradient = T.grad(cost, W)
    return [x, W], [cost, gradient, T.grad(T.sqr(gradient).sum(), x)]


PROGRAMS = {"lstm": lstm, "deep": deep}


def values(inputs: list[Any]) -> list[Any]:
    shapes = {"x": (5, 3, 2), "W": (2, 4 * H), "U": (H, 4 * H), "b": (4 * H,)}
    square = {"x": (6, 3), "W": (3, 3)}
    rng = np.random.default_rng(0)
    return [rng.normal(size=(shapes if len(inputs) == 4 else square)[v.name]) for v in inputs]


def loops(f: Any) -> list[Any]:
    return [node for node in f.graph.nodes if isinstance(node.op, Scan)]


@pytest.mark.parametrize("budget", [None, -1, 0, 20_000, 1_000_000_000])
@pytest.mark.parametrize("target", ["numpy", "native"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_numbers_are_the_same_whatever_is_kept(name: str, target: str, budget: int | None) -> None:
    inputs, outputs = PROGRAMS[name]()
    expected = interpret(FunctionGraph(inputs, outputs), values(inputs))
    f = st.function(inputs, outputs, mode=Mode(target=target, memory_budget=budget))
    for found, right in zip(f(*values(inputs)), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-12)


def test_the_gradient_of_an_lstm_computes_no_gate_again() -> None:
    f = st.function(*lstm())
    forward, backward = loops(f)
    kinds = [node.op.scalar_op.name for node in backward.op.step.graph.nodes if isinstance(node.op, Elemwise)]
    assert not {"sigmoid", "tanh"} & set(kinds)
    for loop in (forward, backward):
        assert sum(isinstance(node.op, Dot) for node in loop.op.step.graph.nodes) == 1
    assert "loop lstm keeps 5 values of each step for grad_of_lstm" in f.report()


def test_a_budget_of_nothing_keeps_nothing() -> None:
    with st.config.change_flags({"scan.memory_budget": 0}):
        f = st.function(*lstm())
    forward, backward = loops(f)
    assert forward.op.n_states == 2
    again = [*f.graph.nodes, *backward.op.step.graph.nodes]  # of all steps at once, before the loop
    assert any(node.op.scalar_op.name == "sigmoid" for node in again if isinstance(node.op, Elemwise))
    assert "loop lstm keeps 0 values" in f.report()


def test_a_smaller_budget_never_keeps_more() -> None:
    states = []
    for budget in (0, 10_000, 100_000, 10_000_000, 1_000_000_000):
        forward, _ = loops(st.function(*lstm(), mode=Mode(memory_budget=budget)))
        states.append(forward.op.n_states)
    assert states == sorted(states) and states[0] < states[-1]


def canonical(inputs: list[Any], outputs: list[Any]) -> FunctionGraph:
    graph = FunctionGraph(inputs, outputs)
    for name, rules in Mode(optimizer="fast_run").phases():
        if name == "loops":
            break
        graph = graph.rewrite(_index(rules))
    return graph


def least(plan: _Plan) -> int:
    """The fewest bytes from which all that is wanted can be computed without anything dear, by trying every subset."""
    needed = [v for node in toposort(plan.wanted) for v in node.outputs]
    best = sum(map(_bytes, needed))
    for count in range(len(needed) + 1):
        for kept in itertools.combinations(needed, count):
            if sum(map(_bytes, kept)) < best and not any(
                is_dear(node, 0) and not set(node.outputs) & set(kept) for node in toposort(plan.wanted, set(kept))
            ):
                best = sum(map(_bytes, kept))
    return best


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_smaller_set_would_do(name: str) -> None:
    graph = canonical(*PROGRAMS[name]())
    tried = 0
    for node in graph.nodes:
        for plan in _plans(node) if isinstance(node.op, Scan) else ():
            if len(toposort(plan.wanted)) <= 14 and plan.choose(-1):
                tried += 1
                assert sum(map(_bytes, plan.cut)) == least(plan)
    assert tried
