"""Graphs within graphs: an OpFromGraph becomes the expression it stands for."""

from __future__ import annotations

from typing import Any

from symtheano.compile.opfromgraph import OpFromGraph, inline_op_from_graph
from symtheano.compile.rules.example import on
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.tensor.elemwise import functions
from symtheano.tensor.type import tensor_type


def _applied(a: Any) -> Any:
    x = tensor_type(a.type.dtype, (None,))("x")
    return OpFromGraph([x], [functions.exp(x) + x])(a)


@rule(OpFromGraph, examples=[on(_applied, 1)], reason="it is what the Op means")
def inline_graphs(node: Apply) -> list[Any] | None:
    """OpFromGraph(inputs) -> its expression on those inputs; its gradient was taken before."""
    return inline_op_from_graph(node)
