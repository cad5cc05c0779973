"""Loops in machine code: the whole loop is one region, and gives what the interpreter gives."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

import symtheano.tensor as T
from tests.native.loops import compare, compiled, direct, numbers, same, scan

LENGTHS = (0, 1, 2, 5)


def rnn() -> tuple[Any, list[Any], list[Any]]:
    """A vanilla RNN that also gives what is no state: the op, the inputs of its loop, all outputs."""
    w, h, x = T.fmatrix("w"), T.fmatrix("h"), T.fmatrix("x")
    new = T.tanh(T.dot(h, w) + x)
    op = scan([w], [h], [x], [new, (new * x).sum(axis=1)])
    inputs = [T.fmatrix("W"), T.fmatrix("h0"), T.ftensor3("X")]
    return op, inputs, list(op(inputs[2].shape[0], *inputs))


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(("batch", "hidden"), [(2, 3), (1, 1), (0, 3), (7, 19), (33, 40)])
def test_a_network(n: int, batch: int, hidden: int) -> None:
    op, inputs, outs = rnn()
    values = [numbers(hidden, hidden), numbers(batch, hidden), numbers(n, batch, hidden)]
    compare(inputs, [outs[op.last(0)], outs[op.after(0)], outs[op.after(1)]], values)


SUBSETS = [s for r in (1, 2, 5) for s in combinations(range(5), r)]


@pytest.mark.parametrize("read", SUBSETS, ids=str)
def test_any_outputs_may_be_read(read: tuple[int, ...]) -> None:
    _, inputs, outs = rnn()
    for n in (0, 1, 4):
        values = [numbers(5, 5), numbers(3, 5), numbers(n, 3, 5)]
        compare(inputs, [outs[k] for k in read], values)


@pytest.mark.parametrize("read", SUBSETS, ids=str)
def test_outputs_may_be_used_inside_the_function(read: tuple[int, ...]) -> None:
    _, inputs, outs = rnn()
    values = [numbers(5, 5), numbers(3, 5), numbers(4, 3, 5)]
    compare(inputs, [T.tanh(outs[k]).sum(axis=0) for k in read], values)


def test_a_step_without_python() -> None:
    op, inputs, outs = rnn()
    f = compiled(inputs, [outs[op.last(0)]])
    assert [g.kind for g in f.compiled.native.schedule.parts[0].groups] == ["loop"]
    assert "step" not in str(f.program)
    same(
        direct(f, [numbers(5, 5), numbers(3, 5), numbers(4, 3, 5)]),
        f(numbers(5, 5), numbers(3, 5), numbers(4, 3, 5)),
    )
