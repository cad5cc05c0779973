"""Loops drawn at random, and the same loops written with NumPy: the ground truth of the tests beside this file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

import symtheano as theano
import symtheano.tensor as T
from symtheano.graph.walk import toposort
from symtheano.scan.frontend import until
from symtheano.scan.op import Scan

SIZE = 3  # of each vector


@dataclass(frozen=True)
class Case:
    """A loop. A step computes each output as tanh(coefficients . everything it is given); all values are vectors.

    sequences: for each (length beyond what the steps need, taps). outputs: the taps of each, () for one that does not
    feed back. steps: how many there are. given: whether n_steps says so (as an int or a variable), or the sequences.
    bound: the loop ends when the first element of the first output is above it. counter: a shared variable counts the
    steps. fixed: how many non_sequences.
    """

    sequences: tuple[tuple[int, tuple[int, ...]], ...]
    outputs: tuple[tuple[int, ...], ...]
    steps: int
    given: str  # "int", "variable" or "sequences"
    backwards: bool
    bound: float | None
    counter: bool
    fixed: int
    seed: int

    @property
    def n_arguments(self) -> int:
        return sum(len(t) for _, t in self.sequences) + sum(map(len, self.outputs)) + self.fixed


@st.composite
def cases(draw: Any) -> Case:
    """A loop that Theano's scan can express."""
    taps = st.lists(st.integers(-2, 2), min_size=1, max_size=3, unique=True).map(tuple)
    back = st.one_of(st.just(()), st.lists(st.integers(-3, -1), min_size=1, max_size=2, unique=True).map(tuple))
    sequences = draw(st.lists(st.tuples(st.integers(0, 2), taps), max_size=3))
    given = draw(st.sampled_from(["int", "variable", "sequences"] if sequences else ["int", "variable"]))
    if given == "sequences":
        sequences[0] = (0, sequences[0][1])  # this one is the shortest
    return Case(
        sequences=tuple(sequences),
        outputs=tuple(draw(st.lists(back, min_size=1, max_size=3))),
        steps=draw(st.integers(0, 6)),
        given=given,
        backwards=draw(st.booleans()),
        bound=draw(st.one_of(st.none(), st.floats(-0.9, 0.9))),
        counter=draw(st.booleans()),
        fixed=draw(st.integers(0, 2)),
        seed=draw(st.integers(0, 2**16)),
    )


class Values:
    """Random values for a case."""

    def __init__(self, case: Case):
        rng = np.random.default_rng(case.seed)
        self.sequences = [rng.normal(size=(case.steps + more + _span(taps), SIZE)) for more, taps in case.sequences]
        self.initial = [rng.normal(size=(-min(taps), SIZE) if taps else 0) for taps in case.outputs]
        self.fixed = [rng.normal(size=SIZE) for _ in range(case.fixed)]
        self.coefficients = rng.normal(size=(len(case.outputs), case.n_arguments + 1))

    def states(self, case: Case) -> list[Any]:
        """The initial states as outputs_info wants them."""
        return [v[0] if taps == (-1,) else v for v, taps in zip(self.initial, case.outputs, strict=True)]


def scans(*variables: Any) -> list[Any]:
    """The loops of a graph."""
    return [node for node in toposort(variables) if isinstance(node.op, Scan)]


def _span(taps: tuple[int, ...]) -> int:
    return max(0, *taps) - min(0, *taps)


def by_numpy(case: Case, values: Values) -> tuple[list[Any], int]:
    """The outputs of the loop, and how many steps ran."""
    history = [list(v) for v in values.initial]
    outputs: list[list[Any]] = [[] for _ in case.outputs]
    ran = 0
    for t in range(case.steps):
        arguments = []
        for x, (_, taps) in zip(values.sequences, case.sequences, strict=True):
            ahead, behind = max(0, *taps), -min(0, *taps)
            place = len(x) - 1 - ahead - t if case.backwards else behind + t
            arguments += [x[place + tap] for tap in taps]
        for past, taps in zip(history, case.outputs, strict=True):
            arguments += [past[tap] for tap in taps]
        arguments += values.fixed
        ran += 1
        results = [
            np.tanh(sum((c * a for c, a in zip(row, arguments)), np.full(SIZE, row[-1]))) for row in values.coefficients
        ]
        for past, out, result in zip(history, outputs, results, strict=True):
            past.append(result)
            out.append(result)
        if case.bound is not None and results[0][0] > case.bound:
            break
    return [np.array(o).reshape(-1, SIZE) for o in outputs], ran


@dataclass
class Graph:
    """The loop as a graph: what it computes, of which inputs, and the counter's update where there is one."""

    inputs: list[Any]
    n: Any
    outputs: list[Any]
    updates: Any
    counter: Any


def by_graph(case: Case, values: Values, **options: Any) -> Graph:
    """The loop as a graph, before it is compiled. The inputs are sequences, initial states and non_sequences."""
    sequences = [T.dmatrix(f"x{k}") for k in range(len(case.sequences))]
    initial: list[Any] = [
        (T.dvector if taps == (-1,) else T.dmatrix)(f"s{k}") if taps else None for k, taps in enumerate(case.outputs)
    ]
    fixed, counter, n = [T.dvector(f"w{k}") for k in range(case.fixed)], theano.shared(0), T.lscalar("n")

    def step(*arguments: Any) -> Any:
        assert len(arguments) == case.n_arguments
        results = []
        for row in values.coefficients:
            total: Any = T.alloc(row[-1], SIZE)
            for c, a in zip(row, arguments):
                total = total + c * a
            results.append(T.tanh(total))
        parts: list[Any] = [results]
        if case.counter:
            parts.append([(counter, counter + 1)])
        if case.bound is not None:
            parts.append(until(results[0][0] > case.bound))
        return tuple(parts) if len(parts) > 1 else results

    outputs, updates = theano.scan(
        step,
        sequences=[{"input": x, "taps": list(taps)} for x, (_, taps) in zip(sequences, case.sequences, strict=True)],
        outputs_info=[
            None if s is None else (s if taps == (-1,) else {"initial": s, "taps": list(taps)})
            for s, taps in zip(initial, case.outputs, strict=True)
        ],
        non_sequences=fixed,
        n_steps={"int": case.steps, "variable": n, "sequences": None}[case.given],
        go_backwards=case.backwards,
        return_list=True,
        **options,
    )
    assert list(updates) == [counter] * case.counter
    states = [s for s in initial if s is not None]
    return Graph([*sequences, *states, *fixed], n, outputs, updates, counter)


def arguments(case: Case, values: Values) -> list[Any]:
    """The values of a graph's inputs."""
    given = [v for v, taps in zip(values.states(case), case.outputs, strict=True) if taps]
    return [*values.sequences, *given, *values.fixed]


def by_scan(case: Case, values: Values) -> tuple[Any, list[Any]]:
    """The compiled loop and its arguments; it returns the outputs, and what the counter becomes where there is one."""
    graph = by_graph(case, values)
    read = [*graph.outputs, graph.updates[graph.counter]] if case.counter else graph.outputs
    f = theano.function([*graph.inputs, graph.n], read, on_unused_input="ignore", updates=graph.updates)
    return f, [*arguments(case, values), case.steps]
