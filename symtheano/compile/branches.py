"""Branches: what only one side of an ifelse needs is moved into that side, and runs if it is taken.

    t = exp(x)                              v0, v1 = branch(c, x, y)
    a = if(c, t * y, sin(x))                    holds: t = exp(x); t * y, t
    b = if(c, f(a) * t, 0)         -->          else:  sin(x), -
                                            b = branch(c, v0, v1)
                                                holds: f(v0) * v1
                                                else:  0

Each node is placed: everywhere, or on one side of a condition, if all who read it stand there. Of each condition as
many ifelse as possible are one branch: forward and gradient share it, unless the gradient depends on what it gave; then
what both need (t) is handed on by the first one. The other side has no value for it (None), which nobody reads.

Where both sides are a few functions of numbers, there is no branch: both are computed, and a `switch` selects.

The pass stands behind all rewriting: rules see the ops of the user. Branches lie within branches, as deep as _DEEPEST;
below that an ifelse only selects.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import evaluate
from symtheano.graph.op import Op
from symtheano.graph.trace import set_line
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.graph.walk import substitute
from symtheano.scan.form import Form
from symtheano.scan.ifelse import IfElse
from symtheano.scan.op import Scan
from symtheano.scan.shapes import shapes_in_terms_of
from symtheano.scan.step import Step
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import Elemwise, functions
from symtheano.tensor.sizes import origin, shape_i
from symtheano.tensor.type import TensorType

_DEEPEST = 40
_CHEAP = 16  # functions of numbers

Place = tuple[Variable, bool] | None  # a side of a condition; None: everywhere


@dataclass(frozen=True)
class Side:
    """What is computed on one side of a branch.

    reads: for each input of the step its position among the inputs of the branch behind the condition. gives: for each
    output of the branch its position among those of the step; None where this side has no value for it.
    """

    step: Step
    reads: tuple[int, ...]
    gives: tuple[int | None, ...]


class Branch(Op):
    """[condition, *values] -> what `holds` computes of the values if the condition is not 0, else what `other` does."""

    __props__ = ("holds", "other")

    def __init__(self, holds: Side, other: Side, name: str | None = None):
        self.holds, self.other, self.name = holds, other, name

    def __str__(self) -> str:
        return f"branch{{{self.name or ''}}}"

    @property
    def inner_graphs(self) -> list[FunctionGraph]:
        """What a printer shows of the op: both sides."""
        return [self.holds.step.graph, self.other.step.graph]

    def make_node(self, condition: Any, *values: Any) -> Apply:
        return Apply(self, [as_tensor_variable(condition), *values], list(map(self._output, range(self.n_outs))))

    @property
    def n_outs(self) -> int:
        """How many outputs there are."""
        return len(self.holds.gives)

    def _output(self, k: int) -> Any:
        places = [(side, side.gives[k]) for side in (self.holds, self.other)]
        found: list[Any] = [side.step.outputs[p].type for side, p in places if p is not None]
        kind = found[0]
        if isinstance(kind, TensorType) and len(found) == 2:
            shape = [m if m == n else None for m, n in zip(kind.shape, found[1].shape, strict=True)]
            kind = TensorType(kind.dtype, shape=shape)
        return kind.make_variable()

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> list[Any]:
        """The shapes of outputs as far as they are the same on both sides."""
        sides = []
        for side in (self.holds, self.other):
            form = Form(side.step, len(side.reads), 0, False)
            given = shapes_in_terms_of(
                form, [node.inputs[1 + k] for k in side.reads], [shapes[1 + k] for k in side.reads]
            )
            sides.append([None if place is None else given[place] for place in side.gives])
        return [
            None
            if a is None or b is None
            else tuple(_same(out, k, m, n) for k, (m, n) in enumerate(zip(a, b, strict=True)))
            for out, a, b in zip(node.outputs, *sides, strict=True)
        ]

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        side = self.holds if inputs[0] else self.other
        given = [inputs[1 + k] for k in side.reads]
        values = evaluate(side.step.outputs, dict(zip(side.step.inputs, given, strict=True)))
        for cell, place in zip(output_storage, side.gives, strict=True):
            cell[0] = None if place is None else values[place]


def _same(out: Variable, axis: int, m: Any, n: Any) -> Any:
    """A length that both sides agree on, or just that of the output."""
    if m is not None and n is not None and (m is n or (origin(m) is not None and origin(m) == origin(n))):
        return m
    return shape_i(out, axis)


def with_branches(graph: FunctionGraph, depth: int = 0) -> FunctionGraph:
    """The graph with Branch ops in place of IfElse, in the steps of its loops as well; itself where there is none."""
    if not any(isinstance(node.op, (IfElse, Scan)) for node in graph.nodes):
        return graph
    return _Brancher(graph, depth).run()


def places(nodes: Sequence[Apply], outputs: Iterable[Variable]) -> tuple[dict[Apply, Place], set[Variable]]:
    """Where each node stands, and the variables that are read: those who read a node decide, and come first."""
    found: dict[Variable, list[Place]] = {o: [None] for o in outputs}
    live, place = set(found), dict[Apply, Place]()
    for node in reversed(nodes):
        uses = list(dict.fromkeys(p for o in node.outputs for p in found.get(o, ())))
        if not uses:
            continue
        place[node] = uses[0] if len(uses) == 1 else None
        for variable, where in _reads(node, place[node], live):
            live.add(variable)
            if where not in found.setdefault(variable, []):
                found[variable].append(where)
    return place, live


def _reads(node: Apply, place: Place, live: Collection[Variable]) -> list[tuple[Variable, Place]]:
    """What a node that stands at `place` reads, and from where."""
    if not _chooses(node):
        return [(i, place) for i in node.inputs]
    condition, holds, other = node.op.halves(node.inputs)
    read = [k for k, o in enumerate(node.outputs) if o in live]
    if place is not None and place[0] is condition:
        return [((holds if place[1] else other)[k], place) for k in read]
    sides: list[tuple[Variable, Place]] = []
    for k in read:
        sides += [(holds[k], place or (condition, True)), (other[k], place or (condition, False))]
    return [(condition, place), *sides]


@dataclass
class _Part:
    """The ifelse that run as one branch. new: the nodes that run in it. exports: what later parts read of those."""

    condition: Variable
    chosen: list[Apply]
    new: set[Apply] = field(default_factory=set)
    exports: dict[Variable, bool] = field(default_factory=dict)


class _Brancher:
    def __init__(self, graph: FunctionGraph, depth: int):
        self.graph, self.depth = graph, depth
        self.place: dict[Apply, Place] = {}
        self.live: set[Variable] = set()
        self.order: list[Apply | _Part] = []
        self.new: dict[Variable, Variable] = {}

    def run(self) -> FunctionGraph:
        """The new graph."""
        if self.depth < _DEEPEST:
            self.place, self.live = places(self.graph.nodes, self.graph.outputs)
            self._schedule()
            self._find_exports()
        else:
            self.order = list(self.graph.nodes)
        for item in self.order:
            if isinstance(item, _Part) and self._is_cheap(item):
                self._switch(item)
            elif isinstance(item, _Part):
                self._branch(item)
            else:
                self._node(item)
        outputs = [self.new.get(o, o) for o in self.graph.outputs]
        if all(a is b for a, b in zip(outputs, self.graph.outputs, strict=True)):
            return self.graph
        return self.graph.with_outputs(outputs, self.graph.updates)

    # -- order ---------------------------------------------------------------------------------------------------------
    def _schedule(self) -> None:
        """An order of nodes and branches. A branch takes all the ifelse of its condition that can run by then."""
        number = {node: k for k, node in enumerate(self.graph.nodes)}
        waiting: dict[Apply, int] = {}
        readers: dict[Apply, list[Apply]] = {}
        rest: dict[Variable, int] = {}  # ifelse of each condition that have not run
        for node, place in self.place.items():
            before = {v.owner for v, _ in _reads(node, place, self.live) if v.owner is not None}
            waiting[node] = len(before)
            for one in before:
                readers.setdefault(one, []).append(node)
            if self._branches(node):
                rest[node.inputs[0]] = rest.get(node.inputs[0], 0) + 1
        ready = [number[node] for node, count in waiting.items() if not count]
        ready.sort()
        able: dict[Variable, list[Apply]] = {}

        def done(node: Apply) -> None:
            for reader in readers.get(node, ()):
                waiting[reader] -= 1
                if not waiting[reader]:
                    heappush(ready, number[reader])

        while ready or able:
            if ready:
                node = self.graph.nodes[heappop(ready)]
                if self._branches(node):
                    able.setdefault(node.inputs[0], []).append(node)
                    continue
                if self.place[node] is None:
                    self.order.append(node)
                done(node)
                continue
            whole = [c for c, nodes in able.items() if len(nodes) == rest[c]]
            condition = whole[0] if whole else min(able, key=lambda c: number[able[c][0]])
            chosen = able.pop(condition)
            rest[condition] -= len(chosen)
            self.order.append(_Part(condition, chosen))
            for node in chosen:
                done(node)

    def _branches(self, node: Apply) -> bool:
        return _chooses(node) and self.place[node] is None

    def _find_exports(self) -> None:
        """Nodes run in the first branch that needs them, and hand on what later ones read."""
        home: dict[Apply, _Part] = {}
        for part in self.order:
            if not isinstance(part, _Part):
                continue
            for side in (True, False):
                here = (part.condition, side)
                stack = [v for node in part.chosen for v, where in _reads(node, None, self.live) if where == here]
                while stack:
                    variable = stack.pop()
                    node = variable.owner
                    if node is None or self.place[node] != here or node in part.new:
                        continue
                    first = home.get(node)
                    if first is not None and not getattr(node.op, "view_map", None):
                        first.exports[variable] = side
                        continue
                    home.setdefault(node, part)
                    part.new.add(node)
                    stack += [v for v, _ in _reads(node, here, self.live)]

    # -- building ------------------------------------------------------------------------------------------------------
    def _node(self, node: Apply) -> None:
        inputs = [self.new.get(i, i) for i in node.inputs]
        op = self._with_step(node.op) if isinstance(node.op, Scan) else node.op
        if op is node.op and all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
            return
        set_line(node.trace)
        made = Apply(op, inputs, [o.type.make_variable() for o in node.outputs])
        self._becomes(node.outputs, made.outputs)

    def _with_step(self, op: Scan) -> Scan:
        graph = with_branches(op.step.graph, self.depth + 1)
        if graph is op.step.graph:
            return op
        return Scan(Step(graph), op.n_consts, op.n_carry, op.until, op.truncate, op.name)

    def _becomes(self, old: Sequence[Variable], new: Sequence[Variable]) -> None:
        for a, b in zip(old, new, strict=True):
            b.name, b.line = a.name, a.line
            self.new[a] = b

    def _is_cheap(self, part: _Part) -> bool:
        """Whether the sides are a few functions of numbers, which cannot fail: then both are computed."""
        values = [v for node in part.chosen for v in node.outputs if v in self.live]
        values += [v for node in part.new for v in (*node.inputs, *node.outputs)]
        numbers = all(isinstance(v.type, TensorType) and v.type.ndim == 0 for v in values)
        return numbers and len(part.new) <= _CHEAP and all(isinstance(n.op, (Elemwise, IfElse)) for n in part.new)

    def _switch(self, part: _Part) -> None:
        """The ifelse of a part as functions that select."""
        for node in self.graph.nodes:
            if node in part.chosen or (node in part.new and _chooses(node)):
                self._selected(node)
            elif node in part.new:
                self._node(node)

    def _selected(self, node: Apply) -> None:
        set_line(node.trace)
        condition, holds, other = node.op.halves([self.new.get(v, v) for v in node.inputs])
        for out, a, b in zip(node.outputs, holds, other, strict=True):
            if out in self.live:
                self._becomes([out], [functions.switch(condition, a, b)])

    def _branch(self, part: _Part) -> None:
        """One Branch for the ifelse of a part."""
        live = [(node, k) for node in part.chosen for k, o in enumerate(node.outputs) if o in self.live]
        outputs = [node.outputs[k] for node, k in live]
        halves = [node.op.halves(node.inputs) for node, _ in live]
        reads: dict[Variable, int] = {}
        sides: list[Side] = []
        for side in (True, False):
            values: list[Variable | None] = [
                (holds if side else other)[k] for (_, k), (_, holds, other) in zip(live, halves, strict=True)
            ]
            values += [v if at == side else None for v, at in part.exports.items()]
            sides.append(self._side(part, side, values, reads))
        name = next((node.op.name for node in part.chosen if node.op.name), None)
        set_line(part.chosen[0].trace)
        made = Branch(sides[0], sides[1], name).make_node(
            self.new.get(part.condition, part.condition), *(self.new.get(v, v) for v in reads)
        )
        self._becomes([*outputs, *part.exports], made.outputs)

    def _side(self, part: _Part, side: bool, values: list[Variable | None], reads: dict[Variable, int]) -> Side:
        given = self._resolved([v for v in values if v is not None], part, side)
        outside: dict[Variable, None] = {}
        stack, seen = list(reversed(given)), set[Variable]()
        while stack:
            variable = stack.pop()
            node = variable.owner
            if variable in seen or isinstance(variable, Constant):
                continue
            seen.add(variable)
            if node is None or (node in self.place and node not in part.new):
                outside[variable] = None
            else:
                stack += reversed(node.inputs)
        graph = with_branches(FunctionGraph(list(outside), given), self.depth + 1)
        positions = tuple(reads.setdefault(v, len(reads)) for v in outside)
        count = itertools.count()
        return Side(Step(graph), positions, tuple(None if v is None else next(count) for v in values))

    def _resolved(self, values: list[Variable], part: _Part, side: bool) -> list[Variable]:
        """The values without ifelse of the part's own condition: inside a branch it is known."""
        known: dict[Variable, Variable] = {}
        for node in self.graph.nodes if any(n.inputs[0] is part.condition for n in part.new if _chooses(n)) else ():
            if node in part.new and _chooses(node) and node.inputs[0] is part.condition:
                _, holds, other = node.op.halves(node.inputs)
                known.update(zip(node.outputs, substitute(holds if side else other, known, strict=False), strict=True))
        return substitute(values, known, strict=False)


def _chooses(node: Apply) -> bool:
    return isinstance(node.op, IfElse)
