"""Random loops as machine code against the interpreter. Scratch memory and results are full of nan beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

import symtheano as st
import symtheano.tensor as T
from symtheano.graph.interpret import evaluate
from symtheano.scan.op import Scan
from tests.native import differential
from tests.native.differential import Graph, array, numbers
from tests.native.loops import scan
from tests.native.test_differential import MODES, compare, shared_by_threads, tolerance

__all__ = ["shared_by_threads"]  # a fixture

LENGTHS = (0, 1, 2, 3, 5, 17)
DTYPES = ("float64", "float32", "float32", "int64", "int8", "bool", "complex64")
SEEN: list[Any] = [lambda x: x, lambda x: x, lambda x: x[::-1], lambda x: x[::2], lambda x: x + x, T.zeros_like]


def leaf(draw: Any, graph: Graph, lengths: list[int]) -> Any:
    """An input of a step, with a value."""
    dtype = draw(some.sampled_from(DTYPES))
    shape = tuple(draw(some.lists(some.sampled_from(lengths), max_size=2)))
    variable = T.TensorType(dtype, [False] * len(shape))(f"x{len(graph.inputs)}")
    graph.inputs.append(variable)
    graph.values.append(numbers(shape, len(graph.inputs), dtype))
    graph.env[variable] = graph.values[-1]
    return graph.add(variable)


def calm(variable: Any) -> Any:
    """A value that stays small in many steps."""
    if variable.dtype.startswith("float"):
        return T.tanh(variable)
    if variable.dtype.startswith("complex"):
        return differential.bounded(variable)
    return variable


@some.composite
def loops(draw: Any) -> tuple[Scan, list[Any], list[Any], int]:
    """A loop: its op, values of its consts and first states, elements of its sequences, and the number of steps."""
    graph = Graph()
    lengths = draw(some.lists(some.sampled_from(LENGTHS), min_size=2, max_size=2))
    leaves = [leaf(draw, graph, lengths) for _ in range(draw(some.integers(2, 5)))]
    roles = [draw(some.sampled_from(["const", "carry", "carry", "xs"])) for _ in leaves]
    for _ in range(draw(some.integers(1, 7))):
        differential.step(draw, graph)
    given = graph.inputs[len(leaves) :]
    consts = [v for v, r in zip(leaves, roles, strict=True) if r == "const"] + given
    consts += graph.shared
    carry = [v for v, r in zip(leaves, roles, strict=True) if r == "carry"]
    xs = [v for v, r in zip(leaves, roles, strict=True) if r == "xs"]
    states = []
    for c in carry:
        fitting = [v for v in graph.pool if v.type == c.type and graph.shape(v) == graph.shape(c)]
        state = draw(some.sampled_from(fitting))
        states.append(state if state.owner is None else calm(state))
    results = draw(some.lists(some.sampled_from(graph.pool), max_size=3))
    stops = [T.any(T.eq(v % 3, 1)) for v in graph.pool if v.dtype in ("int64", "int8")]
    until = bool(stops) and draw(some.integers(0, 3)) == 0
    outs = [*states, *results, *([draw(some.sampled_from(stops))] if until else [])]
    if not outs:
        outs = [leaves[0]]
    values = graph.env
    op = scan(consts, carry, xs, outs, until)
    return op, [values[v] for v in [*consts, *carry]], [values[v] for v in xs], draw(some.integers(0, 4))


def outer(draw: Any, op: Scan, given: list[Any], elements: list[Any], n: int) -> tuple[list[Any], list[Any], list[Any]]:
    """A graph with the loop in it: inputs, outputs, values."""
    inputs, values, arguments = [], [], []
    kinds = [v.type for v in op.step.inputs]
    for kind, value in zip(kinds, given, strict=False):
        variable = kind()
        inputs.append(variable)
        values.append(value)
        arguments.append(variable)
    steps = T.lscalar("n")
    inputs.append(steps)
    values.append(np.asarray(n))
    for kind, element in zip(kinds[len(given) :], elements, strict=True):
        seen = draw(some.sampled_from(SEEN))
        shape = (2 * n - (n > 0) if seen is SEEN[3] else n, *element.shape)
        variable = T.TensorType(kind.dtype, [False] * len(shape))()
        inputs.append(variable)
        values.append(array(draw, shape, len(values), kind.dtype, []))
        arguments.append(T.cast(seen(variable), kind.dtype))
    outs = op(steps, *arguments, return_list=True)
    read = draw(some.lists(some.sampled_from(outs), min_size=1, max_size=4))
    used = [calm(v[::-1]) if v.ndim and draw(some.booleans()) else v for v in read]
    return inputs, used, values


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(loop=loops(), data=some.data())
def test_values(mode: str, loop: tuple[Scan, list[Any], list[Any], int], data: Any) -> None:
    run_twice(loop, data.draw, MODES[mode])


@pytest.mark.usefixtures("shared_by_threads")
@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(loop=loops(), data=some.data())
def test_on_several_threads(loop: tuple[Scan, list[Any], list[Any], int], data: Any) -> None:
    run_twice(loop, data.draw, MODES["FAST_RUN"])


def run_twice(loop: tuple[Scan, list[Any], list[Any], int], draw: Any, mode: Any) -> None:
    """Two calls; the second one may run better code."""
    inputs, outputs, values = outer(draw, *loop)
    try:
        wanted = evaluate(outputs, dict(zip(inputs, values, strict=True)))
    except (ValueError, IndexError):  # what fits in the first step need not in the others
        return
    f = st.function(inputs, outputs, mode=mode, on_unused_input="ignore")
    before = [v.copy() for v in values]
    for _ in range(2):
        got = f(*values)
        compare(got, wanted, max(1e-6, tolerance(list(loop[0].step.outputs))))
        compare(values, before, 0)
        f.wait()
