"""Step: what a loop does once. A closed graph that equals every other of the same structure, so that loops intern."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.variable import Constant, Variable
from symtheano.graph.walk import substitute


class Step:
    """A FunctionGraph by value: equal structure (types, ops, constants, wiring) is equality; names do not count."""

    def __init__(self, graph: FunctionGraph):
        self.graph = graph
        self.shapes: dict[tuple[Any, ...], Any] = {}  # what scan/shapes.py found out, by the loop's form
        self.normal: WeakSet[Any] = WeakSet()  # the rules (RuleIndex) that leave it as it is
        self.sources: tuple[Variable, ...] = ()  # the variables of the caller's that the inputs stand for, if known
        self._key: tuple[Any, ...] | None = None
        self._hash: int | None = None

    @classmethod
    def of(cls, inputs: Sequence[Variable], outputs: Sequence[Variable]) -> Step:
        """The step that computes `outputs` of `inputs`, which close them. Raises MissingInputError."""
        step = cls(FunctionGraph(inputs, outputs))
        step.sources = tuple(inputs)
        return step

    @property
    def inputs(self) -> tuple[Variable, ...]:
        """The variables of one step: constants, then what is carried, then elements of sequences."""
        return self.graph.inputs

    @property
    def outputs(self) -> tuple[Variable, ...]:
        """What one step gives: what is carried on, then results, then the condition to stop, if there is one."""
        return self.graph.outputs

    def on(self, variables: Sequence[Variable]) -> list[Variable]:
        """The outputs as expressions of other variables, one for each input."""
        return substitute(self.outputs, dict(zip(self.inputs, variables, strict=True)), strict=False)

    def _structure(self) -> tuple[Any, ...]:
        if self._key is None:
            place: dict[Variable, int] = {v: k for k, v in enumerate(self.inputs)}
            rows: list[Any] = [(v.type, getattr(v.type, "shape", None)) for v in self.inputs]
            for constant in self.graph.constants():
                place[constant] = len(place)
                rows.append(_content(constant))
            for node in self.graph.nodes:
                rows.append((node.op, tuple(place[i] for i in node.inputs), tuple(o.type for o in node.outputs)))
                for out in node.outputs:
                    place[out] = len(place)
            self._key = (*rows, tuple(place[o] for o in self.outputs))
        return self._key

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Step):
            return self is other
        return hash(self) == hash(other) and self._structure() == other._structure()

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(self._structure())
        return self._hash

    def __repr__(self) -> str:
        return f"step of {len(self.graph.nodes)} nodes"

    def __str__(self) -> str:
        return str(self.graph)

    def __reduce__(self) -> tuple[Any, ...]:
        return Step, (self.graph,)


def _content(constant: Constant) -> Any:
    return constant.type, constant.signature()
