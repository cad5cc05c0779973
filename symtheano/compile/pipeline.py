"""THE COMPILER ON ONE PAGE: the phases in order, then lower, plan, emit, load."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from symtheano.compile.collector import paused
from symtheano.compile.loop_memory import Kept
from symtheano.compile.loop_rounds import LoopPhase
from symtheano.compile.mode import Mode
from symtheano.compile.planned import Settings, planned
from symtheano.compile.program import Program
from symtheano.compile.target.choice import chosen
from symtheano.compile.target.numpy import load
from symtheano.compile.target.numpy_text import Source, emit
from symtheano.config import config
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.rule import RuleIndex
from symtheano.scan.ifelse import IfElse
from symtheano.scan.op import Scan
from symtheano.tensor.array import ArrayOp

Phases = Sequence[tuple[str, tuple[Any, ...]]]


@dataclass
class Report:
    """What the compiler did, and how long it took (seconds)."""

    nodes_before: int = 0
    nodes_after: int = 0
    phases: list[tuple[str, float, int]] = field(default_factory=list)  # name, seconds, nodes after it
    fired: Counter[str] = field(default_factory=Counter)
    kept: dict[tuple[str, str], Kept] = field(default_factory=dict)  # by loops, for their gradients
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass
class Compiled:
    """A function's artefacts: the rewritten graph, the NumPy program and its text, and machine code where there is any.

    With machine code the NumPy program is what runs where that cannot, and it is made when it is first asked for. Where
    the machine code was known on disk, the graph is not even rewritten before somebody asks.
    """

    given: FunctionGraph
    phases: Phases
    budget: int  # bytes that loops may keep for their gradients; -1: what is dear
    report: Report
    settings: Settings
    native: Any = None  # target.native.target.Native
    pending: Callable[[], Any] | None = None  # makes `native`, for compile/tiered.py

    @cached_property
    def graph(self) -> FunctionGraph:
        """The rewritten graph."""
        if self.settings.floatX == config.floatX:
            return rewrite(self.given, self.phases, self.report, self.budget)
        with config.change_flags(floatX=self.settings.floatX):
            return rewrite(self.given, self.phases, self.report, self.budget)

    @cached_property
    def program(self) -> Program:
        """The steps over named values, with their memory."""
        return planned(self.graph, self.settings)

    @cached_property
    def source(self) -> Source:
        """The NumPy program as Python text."""
        return emit(self.program, self.settings.unpack, poison=self.settings.check)

    @property
    def has_perform(self) -> bool:
        """Whether it runs code of authors' ops. What is known on disk does not."""
        return "graph" in self.__dict__ and runs_authors_code(self.graph)

    def load(self, cells: Sequence[list[Any]]) -> Callable[..., Any]:
        """The running NumPy program over the storages of the shared variables."""
        return load(self.source, self.program, cells)


@paused
def compile_graph(
    fgraph: FunctionGraph,
    inputs: int,
    borrows: Sequence[bool],
    mode: Mode,
    unpack: bool,
    mutable: Sequence[int] = (),
    borrowed: Sequence[int] = (),
) -> Compiled:
    """Compiles a closed graph.

    inputs: how many of its inputs are arguments (the others are shared variables). borrows: one flag for each output
    that is returned; the remaining outputs are updates. unpack: return the only output itself. mutable: positions of
    the arguments that may be overwritten. borrowed: positions of those that a borrowed output may alias.
    """
    report = Report(nodes_before=len(fgraph.nodes))
    settings = Settings(
        inputs, tuple(borrows), unpack, tuple(mutable), tuple(borrowed), config.check_programs, config.floatX
    )
    budget = config.scan.memory_budget if mode.memory_budget is None else mode.memory_budget
    compiled = Compiled(fgraph, mode.phases(), budget, report, settings)
    target = chosen(mode)
    known = None
    if target is not None:
        source = target.source_of(fgraph, inputs, unpack, [*compiled.phases, (f"budget {budget}", ())])
        known = target.known(source, lambda: compiled.graph)
    if known is not None:
        compiled.native = known
        return compiled
    graph = compiled.graph
    clock = time.perf_counter()
    if target is not None:
        started = target.start(graph, inputs, unpack, source)
        if mode.tiered and isinstance(started, target.Prepared):
            compiled.pending = started.finish
        else:
            compiled.native = target.finished(started)
    if compiled.native is None:
        compiled.source  # noqa: B018
    report.seconds["lower"] = time.perf_counter() - clock
    return compiled


def runs_authors_code(graph: FunctionGraph) -> bool:
    """Whether a graph, or the step of one of its loops, has ops whose `perform` is not ours."""
    steps = [node.op.step.graph for node in graph.nodes if isinstance(node.op, Scan)]
    own = all(isinstance(node.op, (ArrayOp, Scan, IfElse)) for node in graph.nodes)
    return not own or any(map(runs_authors_code, steps))


@paused
def rewrite(fgraph: FunctionGraph, phases: Phases, report: Report, budget: int = -1) -> FunctionGraph:
    """The graph after all phases. budget: bytes that loops may keep for their gradients, see compile/loop_memory.py."""
    others: tuple[Any, ...] = ()
    for name, rules in phases:
        clock = time.perf_counter()
        if name == "loops":
            fgraph = _loop_phase(rules, others, budget).rewrite(fgraph, report.fired, report.kept)
        else:
            fgraph, others = fgraph.rewrite(_index(rules)), rules
            report.fired += fgraph.fired
        if config.check_programs:
            fgraph.check()
        report.phases.append((name, time.perf_counter() - clock, len(fgraph.nodes)))
    report.nodes_after = len(fgraph.nodes)
    return fgraph


@lru_cache(maxsize=64)
def _index(rules: tuple[Any, ...]) -> RuleIndex:
    return RuleIndex(rules)


@lru_cache(maxsize=64)
def _loop_phase(rules: tuple[Any, ...], others: tuple[Any, ...], budget: int) -> LoopPhase:
    return LoopPhase(rules, others, budget)
