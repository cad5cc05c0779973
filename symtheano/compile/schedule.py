"""Scheduling: the groups of a graph in an order that runs, cut into regions of machine code and steps of the host.

Validate, then commit: an update that overwrites a shared variable's memory runs after everything that may fail and
after everybody who reads the old value. Where that is impossible (two variables that swap), the new value is computed
in fresh memory, which the variable takes over.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import Any

from symtheano.compile.analyse import Analysis, Check
from symtheano.compile.fuse import Fusion, Group
from symtheano.compile.lengths import Length, given_in
from symtheano.compile.overwriting import base_of, may_overwrite, only_copies
from symtheano.errors import CompileError
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.tensor.index_basic import Subtensor
from symtheano.tensor.type import TensorType

_VIEW_KINDS = ("view", "size", "none")


class Unfit(CompileError):
    """A graph that cannot be scheduled this way."""


@dataclass
class Region:
    """Groups that run one after the other in machine code.

    reads: values that are given to it, in order. gives: values, or positions of outputs that are copies, which it hands
    over in fresh arrays.
    """

    groups: list[Group]
    reads: list[Variable] = field(default_factory=list)
    gives: list[Variable | int] = field(default_factory=list)


@dataclass
class Schedule:
    """parts: in order; a Group among them is a step of the host program.

    in_place: output position of an update -> the variable whose memory takes the new value.
    """

    parts: list[Region | Group]
    in_place: dict[int, Variable]
    read_by: dict[Group, list[Variable]]


def schedule(analysis: Analysis, fusion: Fusion) -> Schedule:
    """The schedule of a fused graph. Raises Unfit."""
    return _Scheduler(analysis, fusion).run()


class _Scheduler:
    def __init__(self, analysis: Analysis, fusion: Fusion):
        self.analysis, self.fusion = analysis, fusion
        self.read_by: dict[Group, list[Variable]] = {g: [] for g in fusion.groups}
        for variable, groups in fusion.users.items():
            for group in groups:
                self.read_by[group].append(variable)
        self.before: dict[Group, dict[Group, None]] = {g: {} for g in fusion.groups}

    def run(self) -> Schedule:
        self.needs = {g: dict.fromkeys(self._needs(g)) for g in self.fusion.groups}
        for group, needed in self.needs.items():
            for variable in needed:
                home = self._home(variable)
                if home is not None and home is not group:
                    self._order(home, group)
        in_place = self._choose_in_place()
        order = self._sorted()
        parts = self._parts(order)
        self._borders(parts, in_place)
        return Schedule(parts, in_place, self.read_by)

    # -- dependences ---------------------------------------------------------------------------------------------------
    def _home(self, variable: Variable) -> Group | None:
        return None if variable.owner is None else self.fusion.home.get(variable.owner)

    def _needs(self, group: Group) -> Iterable[Variable]:
        """The values that must be there before `group` runs: what it reads, and what its lengths are told by."""
        yield from self.read_by[group]
        for variable in self.read_by[group]:
            if variable.owner is not None and self.analysis.kinds[variable.owner] == "size":
                yield from given_in(self.analysis.lengths.number(variable))
        touched = [*self.read_by[group], *(n.outputs[0] for n in group.maps)]
        if group.head is not None and group.kind != "step":
            touched += (v for v in group.head.outputs if group.kind != "loop" or v in self.fusion.stored)
        lengths: list[Length] = [self.analysis.lengths.of(size) for size in group.axes]
        for variable in touched:
            lengths += self._lengths(variable)
        if group.kind == "check" and group.head is not None:
            lengths.append(self.analysis.lengths.number(group.head.inputs[1]))
        if group.kind == "loop" and group.head is not None:
            lengths += self.analysis.loops[group.head].lengths
        for length in dict.fromkeys(lengths):
            yield from given_in(length)

    def _lengths(self, variable: Variable) -> Iterable[Length]:
        """The lengths that say where a value lies, and how long it is."""
        kinds, lengths, sizes = self.analysis.kinds, self.analysis.lengths, self.analysis.sizes
        while True:
            if isinstance(variable.type, TensorType):
                yield from map(lengths.of, sizes.of(variable))
            node = variable.owner
            if node is not None and kinds[node] == "size":
                yield lengths.number(variable)
            if node is None or kinds[node] != "view":
                return
            if isinstance(node.op, Subtensor):
                yield from (lengths.number(i) for i in node.inputs[1:])
            variable = node.inputs[0]

    def _order(self, first: Group, then: Group) -> None:
        self.before[then][first] = None
        gained = then.after | 1 << then.number
        if first.after & gained == gained:
            return
        first.after |= gained
        mark = 1 << first.number
        for group in self.fusion.groups:
            if group.after & mark:
                group.after |= gained

    # -- updates -------------------------------------------------------------------------------------------------------
    def _choose_in_place(self) -> dict[int, Variable]:
        graph = self.analysis.graph
        may_fail = [g for g in self.fusion.groups if can_fail(g, self.analysis)]
        chosen: dict[int, Variable] = {}
        for position, target in graph.updates.items():
            shared, value = graph.inputs[target], graph.outputs[position]
            writer = self._home(value)
            if position in self.fusion.copies or writer is None or not self._writes_elementwise(writer, value, shared):
                continue
            if graph.outputs.count(value) > 1 or list(graph.inputs).count(shared) > 1:
                continue
            readers = [g for g in self._readers(shared) if g is not writer]
            earlier = [*readers, *(g for g in may_fail if g is not writer)]
            if any(writer.after >> g.number & 1 for g in earlier):
                continue
            for group in earlier:
                self._order(group, writer)
            chosen[position] = shared
        return chosen

    def _readers(self, variable: Any) -> list[Group]:
        """Who reads a value. A number may be read as a length; lengths of arrays are no values: they stay."""
        number = all(n == 1 for n in variable.type.shape)
        users = self.fusion.users.get(variable, {})
        return [g for g, needed in self.needs.items() if g in users or (number and variable in needed)]

    def _writes_elementwise(self, writer: Group, value: Variable, shared: Variable) -> bool:
        """Whether each element of the new value needs no other element of the old one than that of its own place."""
        if writer.kind == "scatter" and writer.head is not None and writer.head.inputs[0] is shared:
            return value is writer.head.outputs[0] and only_copies(writer, self.analysis)
        return value not in self.fusion.users and may_overwrite(
            writer, value, shared, self.read_by[writer], self.analysis
        )

    # -- order ---------------------------------------------------------------------------------------------------------
    def _sorted(self) -> list[Group]:
        """An order with few changes between machine code and the host: the groups made first run last."""
        groups = list(reversed(self.fusion.groups))
        waiting = {g: len(self.before[g]) for g in groups}
        after: dict[Group, list[Group]] = {g: [] for g in groups}
        for group in groups:
            for first in self.before[group]:
                after[first].append(group)
        ready: dict[bool, list[int]] = {True: [], False: []}  # heaps of negative numbers
        for group in groups:
            if not waiting[group]:
                heappush(ready[group.kind == "step"], -group.number)
        order: list[Group] = []
        side = False
        while ready[True] or ready[False]:
            if not ready[side]:
                side = not side
            group = self.fusion.groups[-heappop(ready[side])]
            order.append(group)
            for then in after[group]:
                waiting[then] -= 1
                if not waiting[then]:
                    heappush(ready[then.kind == "step"], -then.number)
        if len(order) < len(groups):
            raise Unfit("groups wait for each other")
        return order

    def _parts(self, order: list[Group]) -> list[Region | Group]:
        parts: list[Region | Group] = []
        for group in order:
            if group.kind == "step":
                parts.append(group)
            elif parts and isinstance(parts[-1], Region):
                parts[-1].groups.append(group)
            else:
                parts.append(Region([group]))
        return parts

    # -- borders -------------------------------------------------------------------------------------------------------
    def _borders(self, parts: list[Region | Group], in_place: dict[int, Variable]) -> None:
        """What regions are given and give."""
        place = {g: part for part in parts for g in (part.groups if isinstance(part, Region) else [part])}
        graph = self.analysis.graph
        overwritten = {graph.outputs[p]: v for p, v in in_place.items()}
        for part in parts:
            if not isinstance(part, Region):
                continue
            reads: dict[Variable, None] = {}
            for group in part.groups:
                for variable in self.needs[group]:
                    base = base_of(variable, self.analysis)
                    if base.owner is not None and self.analysis.kinds[base.owner] in _VIEW_KINDS:
                        continue
                    home = self._home(base)
                    if home is None or place[home] is not part:
                        reads[base] = None
            written = [v for value, v in overwritten.items() if self._home(value) in part.groups]
            reads.update(dict.fromkeys(written))
            part.reads = [v for v in reads if not _inlined(v)]
            gives: dict[Variable | int, None] = {}
            mine = set(part.groups)
            for variable in self.fusion.stored:
                home = self._home(variable)
                if home not in mine or variable in overwritten:
                    continue
                users = self.fusion.users.get(variable, {})
                if variable in graph.outputs or any(place[g] is not part for g in users):
                    gives[variable] = None
            for position, group in self.fusion.copies.items():
                if group in mine:
                    gives[position] = None
            part.gives = list(gives)


def _inlined(variable: Variable) -> bool:
    return isinstance(variable, Constant) and variable.data.size == 1


def add_reads(region: Region, checks: Iterable[Check]) -> None:
    """A region that checks lengths is given the arrays that have them."""
    needed = [v for c in checks for length in (c.left, c.right) for v in given_in(length)]
    known = set(region.reads)
    region.reads += [v for v in dict.fromkeys(needed) if v not in known and not isinstance(v, Constant)]


def can_fail(group: Group, analysis: Analysis) -> bool:
    """Whether a group may end the call: it runs Python, or checks values."""
    if group.kind == "loop" and group.head is not None:
        return bool(analysis.loops[group.head].may_fail)
    return group.kind in ("step", "check")


def members(group: Group) -> list[Apply]:
    """The nodes of a group."""
    return [*group.maps, *([] if group.head is None else [group.head])]
