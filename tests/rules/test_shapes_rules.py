"""No shape of a computed value is measured; what moves data is seen through; and rewriting is linear."""

from __future__ import annotations

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.compile.rules import PHASES
from symtheano.gradient import grad
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import interpret
from symtheano.graph.rule import RuleIndex
from symtheano.tensor.sizes import Shape, Shape_i
from tests.rules.rewriting import INDICES, ops, rewritten, values

x, w = T.matrix("x"), T.matrix("w")


@pytest.mark.parametrize(
    "build",
    [
        lambda: T.exp(T.dot(x, w)).shape,
        lambda: T.dot(x, w).sum(axis=0).shape[0],
        lambda: T.concatenate([x, x], axis=0).shape[0] + T.tanh(x).T.shape[1],
        lambda: T.nnet.softmax(x)[1:, ::2].shape,
        lambda: x.reshape((x.shape[1], -1)).shape,
        lambda: grad(T.dot(x, w).mean(), x).shape,
        lambda: T.ones_like(T.dot(x, w)).sum(),
        lambda: T.dot(x, w).size,
        lambda: x[T.arange(x.shape[0])].shape[0],
        lambda: T.stack([x, x]).shape,
        lambda: T.alloc(0.0, x.shape[0], 7).shape,
    ],
)
def test_shapes_are_reasoned(build) -> None:  # type: ignore[no-untyped-def]
    output = build()
    graph = rewritten([x, w], [output])
    for node in graph.nodes:
        assert not isinstance(node.op, Shape)
        assert not isinstance(node.op, Shape_i) or node.inputs[0].owner is None
    assert not {"dot", "Dot", "exp", "Softmax", "Join"} & set(ops(graph))
    arrays = [np.ones((3, 3)), np.ones((3, 3))]
    (a,), (b,) = (interpret(g, arrays) for g in (FunctionGraph([x, w], [output]), graph))
    np.testing.assert_array_equal(a, b)


def test_shapes_that_depend_on_values_stay() -> None:
    mask = x > 0
    (count,) = values([x], [x[mask].shape[0]], [np.array([[1.0, -1.0], [2.0, 0.0]])])
    assert count == 2


def test_views_and_parts() -> None:
    v = T.vector("v")
    assert ops(rewritten([x], [x.T.T])) == []
    assert ops(rewritten([x], [x.reshape((x.shape[0], x.shape[1]))])) == []
    assert ops(rewritten([v], [T.stack([v, v * 2])[0]])) == []
    assert ops(rewritten([v], [T.set_subtensor(v[2:4], 1.0)[2:4]]))[-1] in {"Alloc", "Subtensor"}
    assert ops(rewritten([x], [x[1:][2]])) == ["Subtensor"]
    assert ops(rewritten([v], [T.inc_subtensor(v[1:2], 0.0)])) == []
    assert ops(rewritten([x], [x.sum(axis=0).sum()])) == ["Sum"]


def test_the_gradient_of_parts_has_no_zeros_added() -> None:
    v = T.vector("v")
    g = grad((v[:3] ** 2).sum() + T.exp(v[3:]).sum(), v)
    names = ops(rewritten([v], [g]))
    assert names.count("IncSubtensor") == 2
    assert "add" not in names


def visits(n: int) -> int:
    """How often rules are tried on a chain of n nodes with its gradient."""
    v = T.vector("v")
    out = v
    for position in range(n):
        out = [T.tanh(out) * 2, out + v, T.exp(-out) / 10, T.sqr(out) - 1][position % 4]
    graph = FunctionGraph([v], [grad(out.sum(), v)])
    count = 0

    class Counting(RuleIndex):
        def of(self, op):  # type: ignore[no-untyped-def]
            nonlocal count
            count += 1
            return super().of(op)

    for rules in PHASES.values():
        graph = graph.rewrite(Counting(rules))
    return count


def test_rewriting_is_linear() -> None:
    small, large = visits(100), visits(800)
    assert large < 9 * small
    assert small < 100 * 40


def test_phases_are_indexed() -> None:
    assert list(INDICES) == ["canonicalize", "stabilize", "loops", "specialize"]
