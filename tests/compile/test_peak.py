"""The order of steps, the checks of lengths, and the peak of memory that the report tells."""

from __future__ import annotations

import gc
import linecache
import traceback
import tracemalloc
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.peak import peak_memory
from symtheano.compile.program import Call, Check
from symtheano.config import config


def kinds(f: Any, text: str) -> list[int]:
    """The positions of the calls whose text holds `text`."""
    return [k for k, s in enumerate(f.compiled.program) if isinstance(s, Call) and text in s.text]


def test_reductions_stand_behind_what_they_read() -> None:
    x, w = T.dmatrix("x"), T.dmatrix("w")
    h = T.tanh(T.dot(x, w))
    f = st.function([x, w], [T.dot(h.T, h), h.sum(axis=0), h.max()])
    (tanh,), (total,) = kinds(f, "tanh"), kinds(f, "add.reduce")
    assert total == tanh + 1
    assert kinds(f, "max")[0] < kinds(f, "matmul")[1]


def test_checks_read_arguments_and_shared_variables() -> None:
    x = T.dmatrix("x")
    w, velocity = st.shared(np.ones((3, 2)), name="w"), st.shared(np.zeros((3, 2)), name="velocity")
    slope = st.grad(T.sqr(T.dot(x, w)).sum(), w)
    step = 0.9 * velocity - 0.1 * slope
    f = st.function([x], updates=[(velocity, step), (w, w + step)])
    checks = [s for s in f.compiled.program if isinstance(s, Check)]
    assert checks and all(name[0] in "xs" for s in checks for name in s.reads)
    held = w.get_value(borrow=True), velocity.get_value(borrow=True)
    f(np.ones((4, 3)))
    assert held[0] is w.get_value(borrow=True) and held[1] is velocity.get_value(borrow=True)


def test_a_check_that_fails_names_the_operands_of_its_own_expression() -> None:
    x, y = T.dmatrix("x"), T.dvector("y")
    f = st.function([x, y], T.exp(x) * T.exp(y))
    with pytest.raises(ValueError, match=r"shape \(2, 3\)[\s\S]*shape \(1, 4\)"):
        f(np.ones((2, 3)), np.ones(4))


def test_static_sizes_give_a_number() -> None:
    x = T.TensorType("float32", shape=(3, 5))("x")
    f = st.function([x], T.exp(x).dot(T.sin(x).T), mode="FAST_RUN")
    assert peak_memory(f.compiled.program) == str(4 * (15 + 15 + 9))


def test_the_greatest_of_several_moments() -> None:
    x, y = T.dmatrix("x"), T.dmatrix("y")
    f = st.function([x, y], [T.exp(x).sum(), T.exp(y).sum()])
    head, *formulas = peak_memory(f.compiled.program).splitlines()
    assert head == "the greatest of"
    assert [s.strip().split(" + ")[0] for s in formulas] == ["8*x0.shape[0]*x0.shape[1]", "8*x1.shape[0]*x1.shape[1]"]


def test_nothing_is_held_where_nothing_is_computed() -> None:
    x = T.dmatrix("x")
    assert peak_memory(st.function([x], [], on_unused_input="ignore").compiled.program) == "0"


def test_the_peak_is_what_numpy_allocates() -> None:
    x, w = T.dmatrix("x"), T.dmatrix("w")
    with config.change_flags(check_programs=False):
        y = T.tanh(T.dot(T.tanh(T.dot(x, w)), w.T)).sum(axis=0)
        f = st.function([x, w], y, mode=st.Mode(target="numpy"))
    values = {"x0": np.ones((200, 300)), "x1": np.ones((300, 400))}
    lines = peak_memory(f.compiled.program).splitlines()
    said = max(eval(line, dict(values)) for line in lines if "greatest" not in line)
    f(*values.values())
    tracemalloc.start()
    f(*values.values())
    measured = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said <= measured <= 1.02 * said + 4096


def test_a_deleted_function_leaves_no_source_and_no_graph() -> None:
    def make(k: int) -> None:
        x = T.dmatrix(f"x{k}")
        st.function([x], T.exp(x / x.sum()) * (1.0 + k))(np.ones((2, 2)))

    make(0)
    gc.collect()
    files = sum(name.startswith("symtheano function") for name in linecache.cache)
    nodes = sum(isinstance(o, st.Apply) for o in gc.get_objects())
    for k in range(1, 6):
        make(k)
    gc.collect()
    assert sum(name.startswith("symtheano function") for name in linecache.cache) == files
    assert sum(isinstance(o, st.Apply) for o in gc.get_objects()) == nodes


def test_a_call_with_several_results_knows_the_size_of_each() -> None:
    x = T.dmatrix("x")
    y = x + 1
    f = st.function([x], [T.nnet.softmax(y), T.nnet.logsoftmax(y)])
    assert "softmax_pair" in f.source("numpy")
    assert "n?" not in f.report()


def test_tracebacks_show_the_line_of_the_text_that_failed() -> None:
    x, y = T.dmatrices("x", "y")
    f = st.function([x, y], T.dot(x, y), mode=st.Mode(target="numpy"))
    before = set(linecache.cache)
    with pytest.raises(ValueError, match="dot") as caught:
        f(np.ones((2, 3)), np.ones((2, 3)))
    assert set(linecache.cache) == before
    assert "xp.matmul(x0, x1)" in "".join(traceback.format_tb(caught.tb))
