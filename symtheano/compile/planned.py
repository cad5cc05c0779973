"""A rewritten graph as a planned Program: branches, lowering, memory."""

from __future__ import annotations

from dataclasses import dataclass

from symtheano.compile.branches import with_branches
from symtheano.compile.commit import Wanted
from symtheano.compile.lower import lower
from symtheano.compile.plan import plan
from symtheano.compile.program import Program
from symtheano.graph.fgraph import FunctionGraph


@dataclass(frozen=True)
class Settings:
    """What a program is planned for, see `compile_graph`."""

    inputs: int
    borrows: tuple[bool, ...]
    unpack: bool
    mutable: tuple[int, ...]
    borrowed: tuple[int, ...]
    check: bool  # config.check_programs when the function was made
    floatX: str  # config.floatX, likewise


def planned(graph: FunctionGraph, settings: Settings) -> Program:
    """The program of a graph."""
    graph = with_branches(graph)
    inputs = settings.inputs
    lowered = lower(graph, inputs)
    outputs = [lowered.names[o] for o in graph.outputs]
    shared = [f"s{k}" for k in range(len(graph.inputs) - inputs)]
    wanted = Wanted(
        outputs=tuple(zip(outputs, settings.borrows, strict=False)),
        updates=tuple((f"s{target - inputs}", outputs[position]) for position, target in graph.updates.items()),
    )
    arguments = [f"x{k}" for k in range(inputs)]
    mutable, borrowed = [f"x{k}" for k in settings.mutable], [f"x{k}" for k in settings.borrowed]
    program = plan(lowered, wanted, arguments, shared, mutable, borrowed)
    if settings.check:
        program.check()
    return program
