"""Random graphs as machine code against the interpreter. Scratch memory and results are full of nan beforehand."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import symtheano as st
from symtheano.compile.runtime import Function
from symtheano.compile.target.native import launched
from symtheano.config import config
from symtheano.graph.interpret import evaluate
from symtheano.graph.walk import toposort
from tests.native.differential import Graph, graphs

MODES = {"FAST_RUN": st.Mode(target="native"), "as written": st.Mode(optimizer=None, target="native")}
TOLERANCE = {
    "float64": 1e-9,
    "complex128": 1e-9,
    "float32": 1e-4,
    "complex64": 1e-4,
    "float16": 2e-2,
}  # after ten operations, by the coarsest of them


@pytest.fixture(autouse=True)
def checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is poisoned, and nothing is left to the NumPy program unless a test says so."""
    assert config.check_programs
    monkeypatch.setattr(Function, "_by_numpy", refuse)


class Refused(AssertionError):
    """The NumPy program was asked to compute."""


def refuse(*_: Any) -> None:
    raise Refused


def run_twice(graph: Graph, mode: Any) -> None:
    """Two calls with what the interpreter gives: the second one sees the first one's updates, of whatever shape.

    The first one runs code that was generated quickly, the second one better code.
    """
    start = [s.get_value() for s in graph.shared]
    f = st.function(graph.inputs, graph.outputs, updates=graph.updates, mode=mode, on_unused_input="ignore")
    state = {s: s.get_value() for s in graph.shared}
    news = [v for _, v in graph.updates]
    error = tolerance([*graph.outputs, *news])
    try:
        for _ in range(2):
            before = [v.copy() for v in graph.values]
            try:
                wanted = evaluate([*graph.outputs, *news], dict(zip(graph.inputs, graph.values, strict=True)) | state)
            except (ValueError, IndexError):  # of the shapes that the first call left; rules may drop what fails
                with contextlib.suppress(Refused):
                    f(*graph.values)
                break
            got = f(*graph.values)
            state.update((s, w) for (s, _), w in zip(graph.updates, wanted[len(got) :], strict=True))
            compare(got, wanted[: len(got)], error)
            compare([s.get_value() for s in graph.shared], [state[s] for s in graph.shared], error)
            compare(graph.values, before, 0)
            apart(got, [*graph.values, *(s.get_value(borrow=True) for s in graph.shared)])
            f.wait()
    finally:
        for s, value in zip(graph.shared, start, strict=True):
            s.set_value(value)


def tolerance(outputs: list[Any]) -> float:
    """How far results may be from the interpreter's."""
    variables = {v for node in toposort(outputs) for v in (*node.inputs, *node.outputs)}
    return max((TOLERANCE.get(v.type.dtype, 0.0) for v in variables), default=0.0)


def compare(got: list[Any], wanted: list[Any], error: float) -> None:
    for g, w in zip(got, wanted, strict=True):
        assert g.shape == np.shape(w)
        assert g.dtype == w.dtype
        allowed = error if g.dtype.kind in "fc" else 0
        np.testing.assert_allclose(g, w, rtol=allowed, atol=allowed)


def apart(results: list[Any], others: list[Any]) -> None:
    for k, one in enumerate(results):
        assert type(one) is np.ndarray
        assert not any(np.may_share_memory(one, other) for other in [*results[:k], *others])


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(graph=graphs())
def test_values_and_updates(mode: str, graph: Graph) -> None:
    run_twice(graph, MODES[mode])


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(graph=graphs(gradients=True))
def test_with_gradients(mode: str, graph: Graph) -> None:
    run_twice(graph, MODES[mode])


@pytest.fixture
def shared_by_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kernel that can be divided is, whatever its size. (What is compiled so is not kept.)"""
    monkeypatch.setattr(launched, "SPLIT_WORK", -1)
    config.cache, config.threads = False, 3


@pytest.mark.usefixtures("shared_by_threads")
@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(graph=graphs())
def test_small_arrays_on_several_threads(graph: Graph) -> None:
    run_twice(graph, MODES["FAST_RUN"])


@pytest.mark.usefixtures("shared_by_threads")
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
@given(graph=graphs(gradients=True, large=True))
def test_large_arrays_on_several_threads(graph: Graph) -> None:
    run_twice(graph, MODES["FAST_RUN"])
