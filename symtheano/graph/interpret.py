"""The reference interpreter: every node's own `perform`, in order. The oracle of tests, and constant folding."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.graph.walk import toposort

OnNode = Callable[[Apply, Sequence[Any], Sequence[Any]], None]


def perform(node: Apply, inputs: Sequence[Any]) -> list[Any]:
    """The values of `node`'s outputs."""
    storage: list[list[Any]] = [[None] for _ in node.outputs]
    node.op.perform(node, list(inputs), storage)
    return [cell[0] for cell in storage]


def evaluate(outputs: Sequence[Variable], env: Mapping[Variable, Any], on_node: OnNode | None = None) -> list[Any]:
    """The values of `outputs` where `env` gives the values of the inputs they depend on."""
    known = dict(env)

    def read(v: Variable) -> Any:
        if v in known:
            return known[v]
        if isinstance(v, Constant):
            return v.data
        raise KeyError(f"no value was given for {v}")

    for node in toposort(outputs, blockers=env):
        values = [read(i) for i in node.inputs]
        results = perform(node, values)
        if on_node is not None:
            on_node(node, values, results)
        for o, r in zip(node.outputs, results, strict=True):
            known.setdefault(o, r)
    return [read(o) for o in outputs]


def interpret(fgraph: FunctionGraph, values: Sequence[Any], on_node: OnNode | None = None) -> list[Any]:
    """The outputs of a closed graph on `values`, one for each input."""
    return evaluate(fgraph.outputs, dict(zip(fgraph.inputs, values, strict=True)), on_node)
