"""What functions with loops are made of: memory, text, errors, and what is known of them in other processes."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile import pipeline, runtime
from symtheano.compile.canonical import Uncanonical, canonical_text
from symtheano.compile.peak import peak_memory
from symtheano.compile.program import Body, Call, Loop, Program
from symtheano.compile.target.choice import missing
from symtheano.config import config
from symtheano.errors import CheckError, ShapeMismatchError
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import evaluate
from symtheano.graph.variable import Apply
from symtheano.scan.op import Scan
from symtheano.scan.step import Step
from symtheano.tensor.raw_random import normal, random_state_type

NUMPY = st.Mode(target="numpy")
TARGETS = ["numpy"] if missing() is not None else ["numpy", "native"]


def rnn(scale: float = 2.0) -> tuple[Scan, list[Any]]:
    """h' = tanh(scale * x + h . W) and its sum; variables n, W, h0, xs."""
    w, h, x = T.dmatrix("W"), T.dmatrix("h"), T.dmatrix("x")
    new = T.tanh(scale * x + T.dot(h, w))
    op = Scan(Step.of([w, h, x], [new, new.sum(axis=0)]), 1, 1)
    return op, [T.lscalar("n"), T.dmatrix("W0"), T.dmatrix("h0"), T.dtensor3("xs")]


def rnn_values(n: int, batch: int = 3, d: int = 2) -> list[Any]:
    rng = np.random.default_rng(n)
    return [np.asarray(n), rng.normal(size=(d, d)), rng.normal(size=(batch, d)), rng.normal(size=(n, batch, d))]


def body_of(f: Any) -> Body:
    """The only loop of a program."""
    (body,) = f.compiled.program.loops.values()
    return body  # type: ignore[no-any-return]


def reading(op: Scan, variables: list[Any], *read: str, mode: Any = NUMPY) -> Any:
    """A function of outputs of a loop: "last 0", "after 1", ..."""
    outs = op(*variables)
    positions = [getattr(op, kind)(int(k)) for kind, k in map(str.split, read)]
    return st.function(variables, [outs[p] for p in positions], mode=mode, on_unused_input="ignore")


# -- memory ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("read", "rows"),
    [
        (["last 0"], 0),
        (["after 0"], 2000),
        (["before 0"], 2001),
        (["after 1"], 2),
        (["last 0", "last 1"], 0),
        (["after 0", "last 1"], 2000),
    ],
)
def test_only_what_is_read_has_memory(read: list[str], rows: int) -> None:
    op, variables = rnn()
    with config.change_flags(check_programs=False):
        f = reading(op, variables, *read)
    values = rnn_values(2000, batch=1000)
    f(*values)
    tracemalloc.start()
    f(*values)
    measured = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    row = 1000 * 2 * 8
    assert rows * row <= measured <= (rows + 6) * row + 8192
    named = {f"x{k}": v for k, v in enumerate(values)}
    said = max(eval(line, dict(named)) for line in peak_memory(f.compiled.program).splitlines() if "great" not in line)
    assert abs(measured - said) <= 3 * row + 8192


def test_what_nobody_reads_is_not_computed() -> None:
    w, h, g, x, y = T.dscalar("w"), T.dvector("h"), T.dvector("g"), T.dvector("x"), T.dvector("y")
    op = Scan(Step.of([w, h, g, x, y], [T.tanh(h + x), T.exp(g + h) * w, T.sin(g + y)]), 1, 2)
    variables = [T.lscalar("n"), T.dscalar(), T.dvector(), T.dvector(), T.dmatrix(), T.dmatrix()]
    f = reading(op, variables, "after 0")
    assert [s.text for s in body_of(f).program if isinstance(s, Call)] == ["xp.add(x0, x1)", "xp.tanh(v0)"]
    f = reading(op, variables, "last 2")  # needs g, which needs h; but no trace of either
    source = f.source("numpy")
    assert "xp.tanh" in source and "xp.exp" in source and "xp.empty" not in source
    values = [3, 0.5, np.ones(2), np.zeros(2), np.full((3, 2), 0.3), np.full((3, 2), 0.7)]
    right = evaluate([op(*variables)[op.last(2)]], dict(zip(variables, map(np.asarray, values), strict=True)))
    np.testing.assert_allclose(f(*values), right)


def test_states_are_computed_where_they_are_kept() -> None:
    op, variables = rnn()
    collected, carried = body_of(reading(op, variables, "after 0")), body_of(reading(op, variables, "last 0"))
    (state,) = collected.states
    assert state.row == "r0" and not state.owned and not collected.copied
    assert any(isinstance(s, Call) and s.into == "r0" for s in collected.program)
    (state,) = carried.states
    assert state.row is None and state.owned and not state.trace


def test_what_a_step_finds_and_leaves_is_one_array() -> None:
    op, variables = rnn()
    outs = op(*variables)
    f = st.function(variables, outs[op.after(0)].sum() - outs[op.before(0)].sum(), mode=NUMPY)
    assert f.source("numpy").count("xp.empty") == 1
    for n in (0, 1, 4):
        values = rnn_values(n)
        after, before = evaluate([outs[op.after(0)], outs[op.before(0)]], dict(zip(variables, values, strict=True)))
        np.testing.assert_allclose(f(*values), after.sum() - before.sum())


def test_a_state_is_overwritten_in_place_and_arguments_are_not() -> None:
    h, x = T.dvector("h"), T.dvector("x")
    op = Scan(Step.of([h, x], [h * x + x]), 0, 1)
    variables = [T.lscalar("n"), T.dvector(), T.dmatrix()]
    f = reading(op, variables, "last 0")
    body = body_of(f)
    assert body.copied == ("x0",) and any(isinstance(s, Call) and s.into == "x0" for s in body.program)
    start = np.arange(3.0)
    for _ in range(2):
        np.testing.assert_array_equal(f(2, start, np.full((2, 3), 2.0)), [start * 4 + 6])
    np.testing.assert_array_equal(start, np.arange(3.0))


def test_states_that_swap_and_shift_share_no_memory() -> None:
    a, b, c = T.dvector("a"), T.dvector("b"), T.dvector("c")
    op = Scan(Step.of([a, b, c], [b, a, T.tanh(a + b + c)]), 0, 3)
    variables = [T.lscalar("n"), T.dvector(), T.dvector(), T.dvector()]
    f = reading(op, variables, "last 0", "last 1", "last 2")
    values = [np.arange(3.0) + k for k in range(3)]
    for n in (0, 1, 2, 3):
        found = f(n, *values)
        right = evaluate(op(*variables)[:3], dict(zip(variables, map(np.asarray, [n, *values]), strict=True)))
        np.testing.assert_allclose(found, right)
        arrays = [*found, *values]
        assert not any(np.may_share_memory(p, q) for k, p in enumerate(arrays) for q in arrays[:k])


def test_the_first_state_of_a_shared_variable_stays() -> None:
    w = st.shared(np.arange(3.0), "w")
    h = T.dvector("h")
    op = Scan(Step.of([h], [h * 2]), 0, 1)
    last = op(2, w)[0]
    f = st.function([], last, updates=[(w, last + 1)], mode=NUMPY)
    np.testing.assert_array_equal(f(), np.arange(3.0) * 4)
    np.testing.assert_array_equal(w.get_value(), np.arange(3.0) * 4 + 1)


def same_as_defined(op: Scan, values: list[Any], *read: str) -> Any:
    """What a loop gives, twice, after a comparison with its definition; its arguments must be what they were."""
    first = op.n_consts + op.n_carry
    variables = [T.lscalar("n")]
    variables += [
        T.TensorType(v.type.dtype, (False,) * (v.type.ndim + (k >= first)))() for k, v in enumerate(op.step.inputs)
    ]
    f = reading(op, variables, *read)
    outs = op(*variables) if len(op.make_node(*variables).outputs) > 1 else [op(*variables)]
    positions = [getattr(op, kind)(int(k)) for kind, k in map(str.split, read)]
    given = dict(zip(variables, map(np.array, values), strict=True))
    right = evaluate([outs[p] for p in positions], given)
    for _ in range(2):
        found = f(*values)
        for a, b in zip(found, right, strict=True):
            np.testing.assert_allclose(a, b)
        arrays = [*found, *(v for v in values if isinstance(v, np.ndarray))]
        assert not any(np.may_share_memory(p, q) for k, p in enumerate(arrays) for q in arrays[:k])
    for v, kept in zip(values, given.values(), strict=True):
        np.testing.assert_array_equal(v, kept)
    return f


def test_two_states_that_are_one_value_are_not_overwritten() -> None:
    a, b, x = T.dvector("a"), T.dvector("b"), T.dvector("x")
    new = T.sin(a * 2) - b[::-1] * x
    op = Scan(Step.of([a, b, x], [new, new]), 0, 2)
    f = same_as_defined(op, [3, np.arange(3.0), np.ones(3), np.full((3, 3), 0.3)], "last 0", "last 1")
    assert not any(state.owned for state in body_of(f).states)


def test_a_state_that_is_a_constant_of_the_loop_is_not_overwritten() -> None:
    w, h, x = T.dvector("w"), T.dvector("h"), T.dvector("x")
    op = Scan(Step.of([w, h, x], [w, T.tanh(h * 2 + x)]), 1, 1)
    f = same_as_defined(op, [3, np.arange(3.0), np.ones(3), np.full((3, 3), 0.3)], "last 0", "after 1")
    assert not body_of(f).states[0].owned
    op = Scan(Step.of([h, x], [x, T.tanh(h * 2)]), 0, 1)  # nor is an element of a sequence
    same_as_defined(op, [3, np.ones(3), np.arange(9.0).reshape(3, 3)], "last 0", "after 1")


def test_a_state_that_is_stretched_is_not_overwritten() -> None:
    h, x = T.dmatrix("h"), T.dvector("x")
    op = Scan(Step.of([h, x], [T.fill(h, T.tanh(x)), T.exp(h * 0.5)]), 0, 1)
    same_as_defined(op, [3, np.ones((2, 3)), np.arange(9.0).reshape(3, 3)], "last 0", "after 1")


def test_a_state_that_is_also_collected_as_a_result_is_not_overwritten() -> None:
    h, x = T.dvector("h"), T.dvector("x")
    new = T.tanh(h * x)
    op = Scan(Step.of([h, x], [new, new]), 0, 1)
    same_as_defined(op, [3, np.arange(3.0), np.full((3, 3), 0.7)], "last 0", "after 1")


@pytest.mark.parametrize("read", [["last 0", "after 0"], ["last 0", "before 0"], ["last 1", "after 1", "last 0"]])
def test_what_is_last_is_no_row_of_what_is_collected(read: list[str]) -> None:
    h, x = T.dvector("h"), T.dvector("x")
    for result in (h, x, T.tanh(h + x)):
        op = Scan(Step.of([h, x], [T.tanh(h * x), result]), 0, 1)
        same_as_defined(op, [3, np.arange(3.0), np.full((3, 3), 0.7)], *read)


def test_rows_behind_the_end_hold_zeros() -> None:
    h, x = T.dvector("h"), T.dvector("x")
    op = Scan(Step.of([h, x], [h + x, h * x, (h + x)[0] > 2]), 0, 1, until=True)
    variables = [T.lscalar("n"), T.dvector(), T.dmatrix()]
    f = reading(op, variables, "after 0", "before 0", "after 1")
    for _ in range(20):
        garbage = [np.full((5, 3), np.nan) for _ in range(8)]
        del garbage
        after, before, results = f(5, np.zeros(3), np.ones((5, 3)))
        np.testing.assert_array_equal(after[:, 0], [1, 2, 3, 0, 0])
        np.testing.assert_array_equal(before[:, 0], [0, 1, 2, 0, 0])
        np.testing.assert_array_equal(results[:, 0], [0, 1, 2, 0, 0])


# -- plans that are wrong ----------------------------------------------------------------------------------------------
def broken(f: Any, **changes: Any) -> Program:
    """The program of `f` with another program of its loop's step."""
    program: Program = f.compiled.program
    ((key, body),) = program.loops.items()
    return replace(program, loops={key: replace(body, program=replace(body.program, **changes))})


def test_checks_of_plans_look_into_loops() -> None:
    op, variables = rnn()
    f = reading(op, variables, "last 0")
    steps = body_of(f).program.steps
    f.compiled.program.check()
    with pytest.raises(CheckError, match="reads v"):
        broken(f, steps=tuple(reversed(steps))).check()
    with pytest.raises(CheckError, match="computed twice"):
        broken(f, steps=(*steps, steps[0])).check()
    (product,) = (s for s in steps if isinstance(s, Call) and "matmul" in s.text)
    foreign = tuple(s.writing("x0") if s is product else s for s in steps)
    with pytest.raises(CheckError, match="not the loop's own"):
        broken(f, steps=foreign).check()
    loop = next(s for s in f.compiled.program if isinstance(s, Loop))
    with pytest.raises(CheckError, match="is not there"):
        replace(f.compiled.program, steps=(replace(loop, args=("v7", *loop.args[1:])),)).check()


# -- authors' ops and random states ------------------------------------------------------------------------------------
class Doubled(st.Op):
    """Twice its argument, in the argument's memory."""

    __props__ = ()
    destroy_map = {0: [0]}

    def make_node(self, x: Any) -> Any:
        return Apply(self, [T.as_tensor_variable(x)], [x.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        inputs[0] *= 2
        output_storage[0][0] = inputs[0]


class Kept(st.Op):
    """Its argument plus one, in memory that the op keeps and uses again."""

    __props__ = ()

    def __init__(self) -> None:
        self.memory = np.zeros(3)

    def make_node(self, x: Any) -> Any:
        return Apply(self, [T.as_tensor_variable(x)], [x.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        self.memory[...] = inputs[0] + 1
        output_storage[0][0] = self.memory


class Tail(st.Op):
    """The same array reversed: a view."""

    __props__ = ()
    view_map = {0: [0]}

    def make_node(self, x: Any) -> Any:
        return Apply(self, [T.as_tensor_variable(x)], [x.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = inputs[0][::-1]


def by_hand(make: Any, h: Any, xs: Any, crossed: bool) -> dict[str, Any]:
    """What a loop of `make` gives. crossed: the new state is what the op gives, and the result reads the old one."""
    value = {Doubled: lambda v: v * 2, Kept: lambda v: v + 1, Tail: lambda v: v[::-1].copy()}[make]
    before, after, results = [], [], []
    for x in xs:
        before.append(h)
        new = value(h) if crossed else value(h) * 0.5 + x
        results.append(np.tanh(h + x) if crossed else value(h))
        after.append(new)
        h = new
    rows = (0, 3)
    return {
        "last 0": h,
        "before 0": np.array(before).reshape(-1, 3) if before else np.zeros(rows),
        "after 0": np.array(after).reshape(-1, 3) if after else np.zeros(rows),
        "after 1": np.array(results).reshape(-1, 3) if results else np.zeros(rows),
    }


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("make", [Doubled, Kept, Tail])
@pytest.mark.parametrize("read", [["last 0"], ["after 0"], ["before 0", "after 0"], ["last 0", "after 1"]])
def test_ops_of_authors_in_a_step(make: Any, read: list[str], target: str) -> None:
    h, x = T.dvector("h"), T.dvector("x")
    y = make()(h)
    variables = [T.lscalar("n"), T.dvector(), T.dmatrix()]
    xs = np.random.default_rng(0).normal(size=(4, 3))
    for crossed, outputs in ((False, [y * 0.5 + x, y]), (True, [y, T.tanh(h + x)])):
        f = reading(Scan(Step.of([h, x], outputs), 0, 1), variables, *read, mode=st.Mode(target=target))
        h0 = np.arange(3.0)
        for n in (1, 4, 0):
            right = by_hand(make, np.arange(3.0), xs[:n], crossed)
            for name, found in zip(read, f(n, h0, xs[:n]), strict=True):
                if n or name != "after 1":  # the shape of what Python code gives is not known before it runs
                    np.testing.assert_allclose(found, right[name])
        np.testing.assert_array_equal(h0, np.arange(3.0))


def walk(twice: bool = False) -> tuple[Scan, list[Any]]:
    """A random walk: the state of the generator is carried. twice: two draws in each step."""
    state, at = random_state_type("state"), T.dvector("at")
    new, drawn = normal(state, at.shape)
    total = at + drawn
    if twice:
        new, other = normal(new, at.shape)
        total = total + other
    op = Scan(Step.of([state, at], [new, total]), 0, 2)
    return op, [T.lscalar("n"), random_state_type("state0"), T.dvector("at0")]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("twice", [False, True])
def test_random_states_are_carried_and_the_first_one_stays(twice: bool, target: str) -> None:
    op, variables = walk(twice)
    f = reading(op, variables, "last 0", "after 1", mode=st.Mode(target=target))
    state = np.random.RandomState(5)
    start = state.get_state()[1].copy()
    again = np.random.RandomState(5)
    right = np.cumsum([again.normal(size=2) + (again.normal(size=2) if twice else 0) for _ in range(4)], axis=0)
    for _ in range(2):
        new, path = f(4, state, np.zeros(2))
        np.testing.assert_allclose(path, right)
        assert new is not state and new.normal() == pickle.loads(pickle.dumps(again)).normal()
    np.testing.assert_array_equal(state.get_state()[1], start)
    unchanged, nothing = f(0, state, np.zeros(2))
    assert unchanged is not state and nothing.shape == (0, 2)
    assert unchanged.normal() == np.random.RandomState(5).normal()


def test_a_random_state_is_copied_once_not_in_each_step() -> None:
    op, variables = walk(twice=True)
    body = body_of(reading(op, variables, "last 0", "last 1"))
    assert body.copied == ("x0",)
    draws = [s.node.op for s in body.program if type(s).__name__ == "Perform"]
    assert len(draws) == 2 and all(d.inplace for d in draws)


def test_a_random_state_that_is_read_twice_is_not_drawn_from_itself() -> None:
    state, at = random_state_type("state"), T.dscalar("at")
    new, first = normal(state)
    _, same = normal(state, avg=at)
    op = Scan(Step.of([state, at], [new, first - same]), 0, 2)
    variables = [T.lscalar("n"), random_state_type(), T.dscalar()]
    f = reading(op, variables, "after 1")
    (path,) = f(3, np.random.RandomState(1), 2.0)
    np.testing.assert_allclose(path, [-2.0, 2.0, -2.0])


# -- errors ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("target", TARGETS)
def test_an_error_in_a_step_tells_the_step(target: str) -> None:
    h, i = T.dvector("h"), T.lscalar("i")
    op = Scan(Step.of([h, i], [h + T.sort(h)[i]]), 0, 1)
    variables = [T.lscalar("n"), T.dvector("h0"), T.lvector("places")]
    f = reading(op, variables, "last 0", mode=st.Mode(target=target))
    f(3, np.ones(2), np.array([0, 1, 0]))
    with pytest.raises(IndexError) as caught:
        f(4, np.ones(2), np.array([0, 1, 7, 0]))
    text = str(caught.value)
    assert "index 7 is out of bounds" in text and "in step 2 of a loop" in text
    assert re.search(r"sort\(h.*\): TensorType\(float64, vector\), shape \(2,\)", text)
    assert f"{os.path.basename(__file__)}:" in text


def test_an_error_in_a_loop_in_a_loop_tells_both_steps() -> None:
    v, i = T.dvector("v"), T.lscalar("i")
    inner = Scan(Step.of([v, i], [v, v[i]]), 0, 1)
    u, places = T.dvector("u"), T.lvector("places")
    total = inner(places.shape[0], u, places)[inner.after(1)].sum()
    op = Scan(Step.of([u, places], [u + total]), 0, 1)
    variables = [T.lscalar("n"), T.dvector(), T.lmatrix()]
    f = reading(op, variables, "last 0")
    with pytest.raises(IndexError, match="in step 2 of a loop, in step 1 of a loop, while"):
        f(3, np.ones(2), np.array([[0, 0, 1], [0, 1, 5], [0, 0, 0]]))


class Fussy(Kept):
    """Refuses what is greater than 2."""

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        if inputs[0].max() > 2:
            raise RuntimeError("too much")
        super().perform(node, inputs, output_storage)


@pytest.mark.parametrize("target", TARGETS)
def test_an_error_leaves_shared_variables_as_they_were(target: str) -> None:
    w = st.shared(np.zeros(3), "w")
    h = T.dvector("h")
    op = Scan(Step.of([h], [Fussy()(h)]), 0, 1)
    n = T.lscalar("n")
    f = st.function([n], updates=[(w, op(n, w)[0])], mode=st.Mode(target=target))
    f(2)
    np.testing.assert_array_equal(w.get_value(), np.full(3, 2.0))
    with pytest.raises(RuntimeError, match=r"too much[\s\S]*Fussy, in step 1 of a loop[\s\S]*correct Fussy.perform"):
        f(2)
    np.testing.assert_array_equal(w.get_value(), np.full(3, 2.0))


@pytest.mark.parametrize("factor", [None, 2])
def test_a_state_that_changes_its_shape(factor: int | None) -> None:
    h, k = T.dvector("h"), T.lscalar("k")
    op = Scan(Step.of([h, k], [h[:k] if factor is None else h[:k] * factor]), 0, 1)
    variables = [T.lscalar("n"), T.dvector("h0"), T.lvector("ks")]
    for read in (["last 0"], ["after 0"], ["before 0", "after 0"]):
        f = reading(op, variables, *read)
        f(2, np.ones(3), np.array([3, 4]))
        with pytest.raises(ShapeMismatchError, match=r"changed the shape of its state h: \(3,\) before .*\(2,\) after"):
            f(3, np.ones(3), np.array([3, 2, 3]))


@pytest.mark.parametrize("factor", [None, 1])
def test_results_of_different_shapes(factor: int | None) -> None:
    h, k = T.dvector("h"), T.lscalar("k")
    op = Scan(Step.of([h, k], [h, h[:k] if factor is None else h[:k] * factor]), 0, 1)
    variables = [T.lscalar("n"), T.dvector("h0"), T.lvector("ks")]
    f = reading(op, variables, "after 1", "last 1")
    collected, last = f(2, np.arange(3.0), np.array([2, 2]))
    np.testing.assert_array_equal(collected, [[0, 1], [0, 1]])
    np.testing.assert_array_equal(last, [0, 1])
    for ks in ([2, 1, 2], [1, 2, 2]):
        with pytest.raises(ShapeMismatchError, match="different shapes"):
            f(3, np.arange(3.0), np.array(ks))


def test_an_error_before_the_first_step_leaves_arguments_as_they_were() -> None:
    w, h = T.dvector("w"), T.dvector("h")
    op = Scan(Step.of([w, h], [Doubled()(h).sum() * w]), 1, 1)
    f = reading(op, [T.lscalar("n"), T.dvector(), T.dvector()], "last 0")
    start = np.arange(3.0)
    np.testing.assert_array_equal(f(1, np.ones(3), start)[0], [6, 6, 6])
    with pytest.raises(ShapeMismatchError, match="changed the shape"):
        f(1, np.ones(4), start)
    np.testing.assert_array_equal(start, np.arange(3.0))


@pytest.mark.parametrize("target", TARGETS)
def test_wrong_numbers_and_lengths(target: str) -> None:
    op, variables = rnn()
    f = reading(op, variables, "last 0", mode=st.Mode(target=target))
    n, w, h, xs = rnn_values(3)
    for wrong in (2, 4, 0):
        with pytest.raises(ValueError, match=f"x has 3 elements, but the loop runs {wrong} steps"):
            f(wrong, w, h, xs)
    with pytest.raises(ValueError, match="cannot run -1 steps"):
        f(-1, w, h, xs[:0])
    with pytest.raises(ShapeMismatchError, match=r"changed the shape of its state h: \(3, 2\) before .*\(3, 4\) after"):
        f(3, np.ones((2, 4)), h, np.ones((3, 3, 4)))
    with pytest.raises(ValueError, match=r"mis-match[\s\S]*shape \(5, 2\)"):
        f(3, w, h, np.ones((3, 5, 2)))
    np.testing.assert_allclose(f(3, w, h, xs), evaluate([op(*variables)[0]], dict(zip(variables, [n, w, h, xs]))))


# -- one compile -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("target", TARGETS)
def test_a_thousand_lengths_are_one_compile(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def counted(module: Any, name: str) -> None:
        function = getattr(module, name)

        def count(*args: Any, **kwargs: Any) -> Any:
            made.append(name)
            return function(*args, **kwargs)

        monkeypatch.setattr(module, name, count)

    counted(runtime, "compile_graph")
    counted(pipeline, "planned")
    counted(pipeline, "emit")
    h, x = T.dscalar("h"), T.dscalar("x")
    op = Scan(Step.of([h, x], [h * 0.5 + x]), 0, 1)
    xs = T.dvector("xs")
    f = st.function([xs], op(xs.shape[0], np.float64(0), xs)[op.after(0)], mode=st.Mode(target=target))
    f(np.ones(3))
    f(np.ones(0))  # which may be left to the NumPy program
    before = list(made)
    assert before
    for n in range(1000):
        found = f(np.ones(n))
        assert found.shape == (n,) and (not n or found[-1] == 2 - 0.5 ** (n - 1))
    assert made == before


def test_the_number_of_steps_does_not_change_what_is_made() -> None:
    def made(n: int) -> tuple[str, int, str]:
        w = T.dvector("w")
        path, _ = st.scan(lambda h, w: T.tanh(h * w), outputs_info=T.ones_like(w), non_sequences=w, n_steps=n)
        f = st.function([w], [path, path[-1] * 2], mode=NUMPY)
        assert f(np.full(2, 0.5))[0].shape == (n, 2)
        return re.sub(rf"\b{n}\b", "N", f.source("numpy")), len(f.graph.nodes), re.sub(r"\d+", "", str(f.program))

    assert made(10) == made(10_000)


# -- by value, and elsewhere -------------------------------------------------------------------------------------------
def test_loops_have_canonical_texts() -> None:
    def text(scale: float = 2.0, until: bool = False, name: str = "h") -> str:
        h = T.dvector(name)
        new = T.tanh(h * scale)
        op = Scan(Step.of([h], [new, *([new.sum() > 1] if until else [])]), 0, 1, until, name=name)
        n, h0 = T.lscalar(), T.dvector()
        return canonical_text(FunctionGraph([n, h0], [op(n, h0)[0]]))

    assert text() == text(name="other")
    assert len({text(), text(scale=3.0), text(until=True)}) == 3
    h, n, h0 = T.dvector(), T.lscalar(), T.dvector()
    op = Scan(Step.of([h], [Fussy()(h)]), 0, 1)  # which has __props__, but is not ours
    graph = FunctionGraph([n, h0], [op(n, h0)[0]])
    with pytest.raises(Uncanonical):
        canonical_text(graph)


PROGRAM = """
import numpy as np
import symtheano as st, symtheano.tensor as T
w, xs = T.dmatrix("w"), T.dmatrix("xs")
h, _ = st.scan(lambda x, h: T.tanh(x + T.dot(h, w)), sequences=xs, outputs_info=T.zeros_like(xs[0]))
f = st.function([w, xs], [h[-1], h.sum()])
rng = np.random.default_rng(0)
values = [float(v.sum()) for n in (2, 5, 1) for v in f(rng.normal(size=(3, 3)), rng.normal(size=(n, 3)))]
print(type(f.compiled.native).__name__, values)
"""


@pytest.mark.skipif(missing() is not None, reason="no machine code here")
def test_another_process_recalls_a_loop(tmp_path: Path) -> None:
    flags = f"target=native,cache=True,base_compiledir={tmp_path}"
    environment = {**os.environ, "SYMTHEANO_FLAGS": flags}
    first, second = (
        subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True, timeout=240
        ).stdout.partition(" ")
        for _ in range(2)
    )
    assert (first[0], second[0]) == ("Native", "Recalled")
    assert first[2] == second[2]


@pytest.mark.parametrize("target", TARGETS)
def test_functions_with_loops_are_copied_and_pickled(target: str) -> None:
    w = st.shared(np.full((2, 2), 0.1), "w")
    xs = T.dmatrix("xs")
    h, _ = st.scan(lambda x, h: T.tanh(x + T.dot(h, w)), sequences=xs, outputs_info=T.zeros_like(xs[0]))
    f = st.function([xs], h.sum(), updates=[(w, w - 0.1 * T.dot(h.T, h))], mode=st.Mode(target=target))
    g = pickle.loads(pickle.dumps(f))
    other = st.shared(np.full((2, 2), 0.1), "other")
    c = f.copy(swap={w: other})
    for n in (1, 4):
        x = np.random.default_rng(n).normal(size=(n, 2))
        a = f(x)
        np.testing.assert_allclose([g(x), c(x)], [a, a])
    np.testing.assert_allclose(other.get_value(), w.get_value())
    np.testing.assert_allclose(g.get_shared()[0].get_value(), w.get_value())
    assert isinstance(pickle.loads(pickle.dumps(f.graph)), FunctionGraph)


# -- what people read --------------------------------------------------------------------------------------------------
def test_reports_and_programs_show_loops() -> None:
    op, variables = rnn()
    f = reading(op, variables, "after 0", "last 1")
    report = f.report()
    assert "loop0 (for{cpu,scan_fn}), x3.shape[0] times:" in report
    assert "1 computed in a row of the trace" in report
    text = str(f.program)
    assert "loop  v0, v1 = loop0(x0, x1, x2, x3)" in text and "first x1.shape[1] == x0.shape[1]" in text
    assert "next  x1 <- v4 in r0" in text or re.search(r"next  x1 <- v\d+ in r0", text)


@pytest.mark.skipif(missing() is not None, reason="no machine code here")
def test_reports_of_machine_code_show_loops() -> None:
    xs, w = T.dmatrix("xs"), T.dmatrix("w")
    h, _ = st.scan(lambda x, h: T.tanh(x + T.dot(h, w)), sequences=xs, outputs_info=T.zeros_like(xs[0]))
    f = st.function([xs, w], h[-1], mode=st.Mode(target="native"))
    assert re.search(
        r"loops:\n  v\d: for\{cpu,scan_fn\}, x0.shape\[0\] times; a step launches 1:\n"
        r"    k\d: .*add, tanh over x0.shape\[1\]",
        f.report(),
    )
    rows, _ = st.scan(lambda x: st.scan(lambda a, b: T.tanh(a + b), x, T.constant(0.0, dtype="float64"))[0], xs)
    inner = st.function([xs], rows * 2, mode=st.Mode(target="native")).report()
    assert re.search(r"x0.shape\[0\] times; a step launches 0:\n.*x0.shape\[1\] times; a step launches 1:", inner)
    h, _ = st.scan(lambda x, h: T.sort(T.tanh(x + h)), sequences=xs, outputs_info=T.zeros_like(xs[0]))
    f = st.function([xs], h[-1], mode=st.Mode(target="native"))
    assert re.search(
        r"a loop in Python; of its step 1 region is machine code\n.*\n    sort: NumPy's or SciPy's", f.report()
    )
    assert "loop0 = " not in f.source("host") and "def loop0(n" in f.source("host")


def test_debugprint_opens_loops() -> None:
    k, a = T.iscalar("k"), T.vector("A")
    result, _ = st.scan(lambda prior, a: prior * a, outputs_info=T.ones_like(a), non_sequences=a, n_steps=k)
    lines = st.printing.debugprint(result[-1], file="str").splitlines()
    start = lines.index("Inner graphs of the scan ops:")
    named = re.compile(r"\[id [A-Z]+\]")
    assert [named.sub("[id]", line).rstrip() for line in lines[start:]] == [
        "Inner graphs of the scan ops:",
        "",
        "for{cpu,scan_fn}.1 [id] ''",
        " >Elemwise{mul,no_inplace} [id] ''",
        " > |<TensorType(float64, vector)> [id] -> [id]",
        " > |A_copy [id] -> [id]",
    ]
