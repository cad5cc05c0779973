"""The compiler's own checks catch bugs that are planted in graphs, programs and plans."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.program import Assign, Call, Check, Copy, Free, Program
from symtheano.compile.target.numpy import load
from symtheano.compile.target.numpy_text import emit
from symtheano.errors import CheckError, RewriteError
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.tensor.elemwise import Elemwise


def example() -> Any:
    """A training step: checks, calls that reuse memory, frees, updates in place and not."""
    x, y, w, n = T.dmatrix("x"), T.dmatrix("y"), st.shared(np.ones((3, 2)), "w"), st.shared(np.zeros(1), "n")
    cost = T.sum((T.tanh(T.dot(x, w)) - y) ** 2)
    return st.function([x, y], cost, updates=[(w, w - 0.1 * st.grad(cost, w)), (n, T.concatenate([n, n]))])


PROGRAM: Program = example().compiled.program


def position(kind: Any, where: Any = lambda s: True) -> int:
    return next(k for k, s in enumerate(PROGRAM.steps) if isinstance(s, kind) and where(s))


def changed(steps: list[Any]) -> Program:
    return replace(PROGRAM, steps=tuple(steps))


def test_the_program_itself_is_sound() -> None:
    PROGRAM.check()
    kinds = {type(s) for s in PROGRAM.steps}
    assert {Call, Check, Free, Assign} <= kinds
    assert any(isinstance(s, Assign) and s.in_place for s in PROGRAM.steps)


def test_a_step_that_is_missing() -> None:
    steps = list(PROGRAM.steps)
    del steps[position(Call)]
    with pytest.raises(CheckError, match="not there"):
        changed(steps).check()


def test_a_step_that_comes_twice() -> None:
    steps = list(PROGRAM.steps)
    steps.insert(position(Call) + 1, steps[position(Call)])
    with pytest.raises(CheckError, match="computed twice"):
        changed(steps).check()


def test_steps_in_the_wrong_order() -> None:
    with pytest.raises(CheckError):
        changed(list(reversed(PROGRAM.steps))).check()


def test_a_value_that_is_read_after_it_was_freed() -> None:
    steps = list(PROGRAM.steps)
    free = steps.pop(position(Free))
    read = next(k for k, s in enumerate(steps) if set(free.names) & set(s.reads))
    steps.insert(read, free)
    with pytest.raises(CheckError, match="not there"):
        changed(steps).check()


def test_a_value_that_is_read_after_it_was_overwritten() -> None:
    k = position(Call, lambda s: s.into is not None and s.into.startswith("v"))
    steps = list(PROGRAM.steps)
    old = steps[k].into
    steps.insert(k + 1, Copy("v999", old, None))
    with pytest.raises(CheckError, match="not there"):
        changed(steps).check()


def test_a_check_after_the_first_write_into_a_shared_variable() -> None:
    steps = list(PROGRAM.steps)
    steps.append(steps.pop(position(Check)))
    with pytest.raises(CheckError, match=r"can fail|not there"):
        changed(steps).check()


def test_an_output_that_is_freed() -> None:
    with pytest.raises(CheckError):
        changed([*PROGRAM.steps, Free(PROGRAM.outputs)]).check()


def test_an_output_that_does_not_exist() -> None:
    with pytest.raises(CheckError, match="v999"):
        replace(PROGRAM, outputs=("v999",)).check()


# -- poison ------------------------------------------------------------------------------------------------------------


def run(program: Program, *arguments: Any) -> Any:
    cells = [[np.ones((3, 2))], [np.zeros(1)]]
    return load(emit(program, unpack=True, poison=True), program, cells[: len(program.shared)])(*arguments)


def test_freed_memory_is_garbage_in_tests() -> None:
    assert "poison(" in example().source("numpy")
    x = T.dvector("x")
    f = st.function([x], T.sum(T.exp(x)) + T.sum(T.sin(T.cos(x))))
    assert "poison(" in f.source("numpy")
    with st.change_flags(check_programs=False):
        assert "poison(" not in st.function([x], T.sum(T.exp(x)) + T.sum(T.sin(T.cos(x)))).source("numpy")


def test_a_plan_that_reuses_live_memory_is_found_out() -> None:
    x = T.dmatrix("x")
    y = T.exp(x)
    program = st.function([x], [T.sum(y, axis=0), T.sin(y)], mode=st.Mode(optimizer=None)).compiled.program
    good = run(replace(program, outputs=program.outputs[:1]), np.ones((2, 2)))
    np.testing.assert_allclose(good, 2 * np.e)
    steps = list(program.steps)
    read = next(k for k, s in enumerate(steps) if isinstance(s, Call) and "add.reduce" in s.text)
    steps.insert(read, Free((steps[read].reads[0],)))
    bad = replace(program, steps=tuple(s for k, s in enumerate(steps) if k <= read + 1), outputs=program.outputs[:1])
    with pytest.raises(CheckError):
        bad.check()


# -- graphs ------------------------------------------------------------------------------------------------------------


def graph() -> FunctionGraph:
    x = T.dvector("x")
    return FunctionGraph([x], [T.exp(x) * T.sin(x), T.exp(x)])


def test_the_graph_itself_is_sound() -> None:
    g = graph()
    g.check()
    assert len(g.nodes) == 3


def test_a_graph_with_nodes_in_the_wrong_order() -> None:
    g = graph()
    g.nodes = tuple(reversed(g.nodes))
    with pytest.raises(CheckError, match="not computed before it"):
        g.check()


def test_a_graph_with_two_equal_nodes() -> None:
    g = graph()
    first = g.nodes[0]
    g.nodes = (first, Apply(first.op, first.inputs, [first.outputs[0].type()]), *g.nodes[1:])
    with pytest.raises(CheckError, match="twice"):
        g.check()


def test_a_graph_with_an_output_nobody_computes() -> None:
    g = graph()
    g.outputs = (T.dvector("stranger"),)
    with pytest.raises(CheckError, match="none of its nodes"):
        g.check()


def test_a_graph_with_an_update_of_another_type() -> None:
    g = graph()
    g.outputs = (T.exp(g.inputs[0]).sum(), g.outputs[1])
    g.nodes = tuple(FunctionGraph.toposort(g)) + (g.outputs[0].owner.inputs[0].owner, g.outputs[0].owner)  # type: ignore[union-attr]
    g.updates = {0: 0}
    with pytest.raises(CheckError):
        g.check()


# -- rules -------------------------------------------------------------------------------------------------------------


def test_rules_that_undo_each_other() -> None:
    @rule(Elemwise)
    def to_sin(node: Apply) -> Any:
        return [T.sin(node.inputs[0])] if node.op.scalar_op.name == "cos" else None  # type: ignore[attr-defined]

    @rule(Elemwise)
    def to_cos(node: Apply) -> Any:
        return [T.cos(node.inputs[0])] if node.op.scalar_op.name == "sin" else None  # type: ignore[attr-defined]

    with pytest.raises(RewriteError, match=r"to_sin|to_cos"):
        graph().rewrite([to_sin, to_cos])


def test_a_rule_that_never_ends() -> None:
    @rule(Elemwise)
    def more(node: Apply) -> Any:
        return [T.exp(T.exp(node.inputs[0]) + 1)] if node.op.scalar_op.name == "exp" else None  # type: ignore[attr-defined]

    with pytest.raises(RewriteError, match="more"):
        graph().rewrite([more])


def test_a_rule_that_changes_the_type() -> None:
    @rule(Elemwise)
    def to_matrix(node: Apply) -> Any:
        return [node.inputs[0].dimshuffle(0, "x")]  # type: ignore[attr-defined]

    with pytest.raises(RewriteError, match="to_matrix"):
        graph().rewrite([to_matrix])


def test_a_rule_that_gives_too_much() -> None:
    @rule(Elemwise)
    def both(node: Apply) -> Any:
        return [node.inputs[0], node.inputs[0]]

    with pytest.raises(RewriteError, match="both"):
        graph().rewrite([both])
