"""The phase "loops": rules that change loops as wholes, knowing what is read of them, in a few rounds over the graph.

A round visits the loops from the outputs down, so that a loop knows what the loops above it still need; it changes each
by all rules, and puts the graph together again in normal form. Every round is linear in the graph.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from symtheano.compile.loop_memory import Kept, keep_for_gradients
from symtheano.compile.loop_merge import merged
from symtheano.compile.rules.index import add_to_written_zeros, fill_to_alloc
from symtheano.compile.rules.loop_parts import Loop, LoopRule
from symtheano.compile.rules.loop_step import with_step
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.rule import RuleIndex
from symtheano.graph.trace import derived_from, set_line
from symtheano.graph.variable import Apply, Variable
from symtheano.scan.op import Scan
from symtheano.scan.step import Step

ROUNDS = 12  # more than anybody has needed


def has_loops(fgraph: FunctionGraph) -> bool:
    """Whether there is a loop in a graph."""
    return any(isinstance(node.op, Scan) for node in fgraph.nodes)


class LoopPhase:
    """The rules of the phase, and those that bring what they build into normal form."""

    def __init__(self, rules: Sequence[Any], others: Sequence[Any], budget: int = -1):
        self.budget = budget  # bytes that loops may keep for their gradients; -1: what is dear to compute again
        self.rules = [r for r in rules if isinstance(r, LoopRule)]
        self.index = RuleIndex((fill_to_alloc, add_to_written_zeros, *others) if others else ())
        self.merges = len(self.rules) > 1  # not where one rule is looked at

    def rewrite(
        self, fgraph: FunctionGraph, fired: Counter[str], kept: dict[tuple[str, str], Kept] | None = None
    ) -> FunctionGraph:
        """The graph with its loops in the form that no rule changes.

        fired: counts the rules that did it. kept: gets what was decided to be kept for gradients, by the loops' names.
        """
        return _Run(self, fired, {} if kept is None else kept).rewrite(fgraph)


class _Run:
    """The phase at work on one graph, and on the steps of its loops."""

    def __init__(self, phase: LoopPhase, fired: Counter[str], kept: dict[tuple[str, str], Kept]):
        self.phase, self.fired, self.kept = phase, fired, kept

    def rewrite(self, fgraph: FunctionGraph) -> FunctionGraph:
        if not has_loops(fgraph):
            return fgraph
        fgraph = self._settled(fgraph)
        if self.phase.merges:
            fgraph = self._keeping(fgraph)
        for _ in range(ROUNDS):
            new, changed = self._round(fgraph)
            if not changed:
                break
            fgraph = self._settled(new)
        return fgraph

    def _keeping(self, fgraph: FunctionGraph) -> FunctionGraph:
        """Loops without dead parts give what their gradients would compute again: before parts of them move out."""
        with derived_from(None):
            dead = self._changes(fgraph, self.phase.rules[:1])
        fgraph = self._settled(replaced(fgraph, dead)) if dead else fgraph
        while True:
            with derived_from(None):
                change, told = keep_for_gradients(fgraph, self.phase.budget)
            for one in told:
                self.kept.setdefault((one.forward, one.backward), one)
            if not change:
                return fgraph
            self.fired["keep_for_gradients"] += 1
            fgraph = self._settled(replaced(fgraph, change))

    def _settled(self, fgraph: FunctionGraph) -> FunctionGraph:
        new = fgraph.rewrite(self.phase.index)
        self.fired.update(new.fired)
        return new

    def _round(self, fgraph: FunctionGraph) -> tuple[FunctionGraph, bool]:
        with derived_from(None):
            change = self._changes(fgraph)
            new = replaced(fgraph, change) if change else fgraph
            joined = merged(new) if self.phase.merges else {}
            if joined:
                self.fired["merge_loops"] += 1
                new = replaced(new, joined)
        return new, bool(change or joined)

    def _changes(self, fgraph: FunctionGraph, rules: Sequence[LoopRule] | None = None) -> dict[Variable, Variable]:
        """What takes the place of outputs of loops. rules: of the phase; None: all."""
        read: set[Variable] = set(fgraph.outputs)
        change: dict[Variable, Variable] = {}
        for node in reversed(fgraph.nodes):
            if not any(o in read for o in node.outputs):
                continue
            if not isinstance(node.op, Scan):
                read.update(node.inputs)
                continue
            set_line(node.trace)
            inside = self._inside(node) if rules is None else {}
            found = inside or self._of_loop(node, read, self.phase.rules if rules is None else rules)
            change.update(found)
        return change

    def _inside(self, node: Apply) -> dict[Variable, Variable]:
        """The changes of loops within the step."""
        graph = node.op.step.graph
        if self.phase in node.op.step.normal or not has_loops(graph):
            return {}
        new = Step(self.rewrite(graph))
        new.normal.add(self.phase)
        node.op.step.normal.add(self.phase)
        if new == node.op.step:
            return {}
        return dict(zip(node.outputs, with_step(node, new), strict=True))

    def _of_loop(self, node: Apply, read: set[Variable], rules: Sequence[LoopRule]) -> dict[Variable, Variable]:
        loop = Loop(node, read)
        fired = Counter(rule.name for rule in rules if rule.change(loop))
        self.fired.update(fired)
        read.add(loop.n)
        read.update([*loop.consts.values(), *(s.first for s in loop.carry), *loop.xs.values()])
        if not fired:
            return {}
        found = loop.made()
        read.update(node.inputs)
        for old, new in found.items():
            if new.name is None and new.owner is not None:
                new.name = old.name
        return found


def replaced(fgraph: FunctionGraph, change: Mapping[Variable, Variable]) -> FunctionGraph:
    """The graph with other variables in the place of some; these may be made of what is replaced elsewhere."""
    env: dict[Variable, Variable] = {}
    stack = list(reversed(fgraph.outputs))
    while stack:
        v = stack[-1]
        if v in env:
            stack.pop()
            continue
        missing = [i for i in _needs(v, change) if i not in env]
        if missing:
            stack.extend(reversed(missing))
            continue
        if v in change:
            env[v] = env[change[v]]
        elif v.owner is None:
            env[v] = v
        else:
            _rebuild(v.owner, env, change)
    return fgraph.with_outputs([env[o] for o in fgraph.outputs], fgraph.updates)


def _needs(v: Variable, change: Mapping[Variable, Variable]) -> list[Variable]:
    if v in change:
        return [change[v]]
    return [] if v.owner is None else v.owner.inputs


def _rebuild(node: Apply, env: dict[Variable, Variable], change: Mapping[Variable, Variable]) -> None:
    inputs = [env[i] for i in node.inputs]
    if all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
        outs: list[Variable] = node.outputs
    else:
        set_line(node.trace)
        outs = node.clone_with_new_inputs(inputs, strict=False).outputs
    env.update((o, new) for o, new in zip(node.outputs, outs, strict=True) if o not in change)
