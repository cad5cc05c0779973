"""What functions with loops are made of: memory, text, and what is known of them in other processes."""

from __future__ import annotations

import gc
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
from symtheano.compile.program import Call, Loop, Program
from symtheano.compile.target.choice import missing
from symtheano.config import config
from symtheano.errors import CheckError
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import evaluate
from symtheano.scan.op import Scan
from symtheano.scan.step import Step
from tests.compile.hand_loops import (
    NUMPY,
    TARGETS,
    Doubled,
    body_of,
    reading,
    rnn,
    rnn_values,
    same_as_defined,
)  # fmt: skip


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


def test_views_of_constants_are_made_once() -> None:
    w, h, x = T.dmatrix("w"), T.dvector("h"), T.dvector("x")
    op = Scan(Step.of([w, h, x], [T.tanh(T.dot(w.T[1:], h) + x[1:])]), 1, 1)
    variables = [T.lscalar("n"), T.dmatrix(), T.dvector(), T.dmatrix()]
    f = reading(op, variables, "after 0")
    source = f.source("numpy")
    assert source.index("x0.T") < source.index("for t in") < source.index("x2[1:]")
    values = [3, np.random.default_rng(0).normal(size=(2, 3)), np.ones(2), np.full((3, 3), 0.3)]
    right = evaluate([op(*variables)[op.after(0)]], dict(zip(variables, map(np.asarray, values), strict=True)))
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


def test_a_deleted_function_leaves_nothing_of_its_loops() -> None:
    def make(k: int) -> None:
        xs = T.dmatrix(f"xs{k}")
        h, _ = st.scan(lambda x, h: T.tanh(x * (1.0 + k) + h), sequences=xs, outputs_info=T.zeros_like(xs[0]))
        f = st.function([xs], [h, st.grad(h.sum(), xs)], mode=st.Mode(target="numpy"))
        f(np.ones((3, 2)))
        f.report()

    def nodes() -> int:
        gc.collect()
        return sum(isinstance(o, st.Apply) for o in gc.get_objects())

    make(0)
    before = nodes()
    for k in range(1, 4):
        make(k)
    assert nodes() == before


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
    f = st.function([xs], op(xs.shape[0], np.float64(0), xs)[op.after(0)], mode=st.Mode(target=target, optimizer=None))
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
    op = Scan(Step.of([h], [Doubled()(h)]), 0, 1)  # which has __props__, but is not ours
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
    f = st.function([xs], h.sum(), updates=[(w, w - 0.1 * T.dot(h.T, h))], mode=st.Mode(target=target, optimizer=None))
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
        r"loops:\n  v\d: for\{cpu,scan_fn\}, x0.shape\[0\] times; a step launches \d:\n"
        r"(    .*\n)*    \w+: .*tanh",
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
