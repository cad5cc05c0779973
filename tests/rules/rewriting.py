"""Graphs through all phases, and their values before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.compile.rules import PHASES
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import interpret
from symtheano.graph.rule import RuleIndex
from symtheano.scalar.op import ScalarOp
from symtheano.tensor.elemwise import Elemwise

INDICES = {name: RuleIndex(rules) for name, rules in PHASES.items()}


def rewritten(inputs: Sequence[Any], outputs: Sequence[Any]) -> FunctionGraph:
    """The graph after all phases, checked."""
    graph = FunctionGraph(inputs, outputs)
    for index in INDICES.values():
        graph = graph.rewrite(index)
        graph.check()
    return graph


def ops(graph: FunctionGraph) -> list[str]:
    """The ops of a graph: rows by name, other ops by class."""
    names = []
    for node in graph.nodes:
        row: ScalarOp | None = node.op.scalar_op if isinstance(node.op, Elemwise) else None
        names.append(row.name if row else type(node.op).__name__)
    return names


def rewritten_ops(inputs: Sequence[Any], output: Any) -> list[str]:
    """The ops after all phases, without views of constants and the like."""
    return [name for name in ops(rewritten(inputs, [output])) if name != "DimShuffle"]


def values(inputs: Sequence[Any], outputs: Sequence[Any], arrays: Sequence[Any]) -> list[np.ndarray[Any, Any]]:
    """The outputs of the rewritten graph."""
    return interpret(rewritten(inputs, outputs), arrays)
