"""Random graphs, compiled in every mode, against the interpreter; freed memory is filled with garbage meanwhile."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import symtheano as st
from symtheano.graph.interpret import evaluate
from tests.compile.random_graphs import Graph, graphs

MODES = {"FAST_RUN": "FAST_RUN", "FAST_COMPILE": "FAST_COMPILE", "as written": st.Mode(optimizer=None)}


def run_twice(graph: Graph, mode: Any) -> None:
    """Two calls with what the interpreter gives: the second one sees the first one's updates, of whatever shape."""
    start = [s.get_value() for s in graph.shared]
    f = st.function(graph.inputs, graph.outputs, updates=graph.updates, mode=mode, on_unused_input="ignore")
    state = {s: s.get_value() for s in graph.shared}
    news = [v for _, v in graph.updates]
    try:
        for _ in range(2):
            before = [v.copy() for v in graph.values]
            try:
                wanted = evaluate([*graph.outputs, *news], dict(zip(graph.inputs, graph.values)) | state)
            except (ValueError, IndexError):  # of the shapes that the first call left; rules may drop what fails
                with contextlib.suppress(ValueError, IndexError):
                    f(*graph.values)
                break
            got = f(*graph.values)
            state.update((s, w) for (s, _), w in zip(graph.updates, wanted[len(got) :]))
            compare(got, wanted[: len(got)])
            compare([s.get_value() for s in graph.shared], [state[s] for s in graph.shared])
            compare(graph.values, before, exactly=True)
            apart(got, [*graph.values, *(s.get_value(borrow=True) for s in graph.shared)])
    finally:
        for s, value in zip(graph.shared, start):
            s.set_value(value)


def compare(got: list[Any], wanted: list[Any], exactly: bool = False) -> None:
    for g, w in zip(got, wanted, strict=True):
        assert g.shape == np.shape(w)
        assert g.dtype == w.dtype
        np.testing.assert_allclose(g, w, rtol=0 if exactly else 1e-9, atol=0 if exactly else 1e-9)


def apart(results: list[Any], others: list[Any]) -> None:
    for k, one in enumerate(results):
        assert not any(np.may_share_memory(one, other) for other in [*results[:k], *others])


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(graph=graphs())
def test_values_and_updates(mode: str, graph: Graph) -> None:
    run_twice(graph, MODES[mode])


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(graph=graphs(gradients=True))
def test_with_gradients(mode: str, graph: Graph) -> None:
    run_twice(graph, MODES[mode])
