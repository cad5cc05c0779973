"""Agenda: a schedule as a flat list of tasks over named values, to be read (`print(f.program)`) and to be checked.

    inputs x0; shared s0; constants
    region 0 is given x0, s0; gives v2
      product  v0 <- x0, s0: dot                               over x0.shape[0], s0.shape[1]
      kernel   v1, v2 <- v0: maximum, sub, exp, sum            over x0.shape[0]; folds s0.shape[1]
      kernel   v3 in s0 <- s0, v1: mul, sub                    over ...
    step       v4 <- v2: sort
    return v4; s0 = v3

A task may fail where it checks the values it is given, or runs Python. After the first that overwrites a shared
variable none may: validate, then commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from symtheano.compile.analyse import Analysis
from symtheano.compile.fuse import Fusion, Group
from symtheano.compile.naming import Names, Value, is_inlined, operations, results
from symtheano.compile.schedule import Region, Schedule, can_fail
from symtheano.errors import CheckError
from symtheano.graph.variable import Variable


@dataclass(frozen=True, slots=True)
class Task:
    """One group. region: the number of its region; None for a step of the host program.

    outs: what it puts into memory. reads: what it reads elements of. needs: arrays it knows lengths by. overwrites:
    pairs (value, shared variable whose memory takes it).
    """

    kind: str
    outs: tuple[str, ...]
    reads: tuple[str, ...]
    needs: tuple[str, ...]
    text: str
    region: int | None
    overwrites: tuple[tuple[str, str], ...] = ()
    checks: bool = False  # whether a loop checks values in its steps

    @property
    def can_fail(self) -> bool:
        """Whether it may end the call."""
        return self.checks or self.kind in ("step", "check")

    def __str__(self) -> str:
        places = dict(self.overwrites)
        outs = ", ".join(f"{v} in {places[v]}" if v in places else v for v in self.outs)
        made = f"{outs} <- {', '.join(self.reads)}" if self.reads else outs
        return f"{'' if self.region is None else '  '}{self.kind:8} {made}: {self.text}"


@dataclass(frozen=True, slots=True)
class Border:
    """What a region is given and gives."""

    reads: tuple[str, ...]
    gives: tuple[str, ...]

    def __str__(self) -> str:
        return f"is given {', '.join(self.reads) or 'nothing'}; gives {', '.join(self.gives) or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Agenda:
    """The tasks in order. updates: pairs (shared variable, its new value). borders: of each region."""

    inputs: tuple[str, ...]
    shared: tuple[str, ...]
    constants: tuple[str, ...]
    tasks: tuple[Task, ...]
    borders: tuple[Border, ...]
    outputs: tuple[str, ...]
    updates: tuple[tuple[str, str], ...] = ()

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)

    def __str__(self) -> str:
        head = [f"{n} {', '.join(v)}".rstrip() for n, v in zip(("inputs", "shared", "constants"), self._given())]
        lines, region = ["; ".join(head)], None
        for task in self.tasks:
            if task.region != region and task.region is not None:
                lines.append(f"region {task.region} {self.borders[task.region]}")
            region = task.region
            lines.append(str(task))
        ends = [f"return {', '.join(self.outputs)}".rstrip(), *(f"{s} = {v}" for s, v in self.updates)]
        return "\n".join([*lines, "; ".join(ends)])

    def _given(self) -> tuple[tuple[str, ...], ...]:
        return self.inputs, self.shared, self.constants

    def check(self) -> None:
        """Raises CheckError where a value is read that is not there, or something can fail after the first commit."""
        made: dict[str, int | None] = dict.fromkeys((*self.inputs, *self.shared, *self.constants))
        overwritten: dict[str, str] = {}
        for task in self.tasks:
            for name in task.reads:
                self._there(f"task '{task}'", name, made, overwritten)
            for name in task.needs:  # an array that is overwritten keeps its lengths
                self._there(f"task '{task}'", name, made, {})
            for name in (*task.reads, *task.needs):
                self._crosses(task, name, made)
            if overwritten and task.can_fail:
                raise CheckError(f"task '{task}' can fail, but stands after a shared variable was overwritten")
            for value, target in task.overwrites:
                if value not in task.outs or target not in self.shared or target in overwritten:
                    raise CheckError(f"task '{task}' cannot overwrite {target}")
                if (target, value) not in self.updates:
                    raise CheckError(f"task '{task}' overwrites {target} by {value}, which is not its new value")
                overwritten[target] = value
            for name in task.outs:
                if name in made:
                    raise CheckError(f"{name} is computed twice")
                made[name] = task.region
        self._check_end(made, overwritten)

    def _check_end(self, made: dict[str, int | None], overwritten: dict[str, str]) -> None:
        kept = {value for target, value in self.updates if overwritten.get(target) == value}
        for name in (*self.outputs, *(v for _, v in self.updates if v not in kept)):
            self._there("the end", name, made, overwritten)
            region = made[name]
            if region is not None and name not in self.borders[region].gives:
                raise CheckError(f"region {region} does not give {name}, which is returned or stored")

    @staticmethod
    def _there(who: str, name: str, made: dict[str, int | None], overwritten: dict[str, str]) -> None:
        if name not in made or name in overwritten:
            state = "is overwritten by then" if name in overwritten else "is not there"
            raise CheckError(f"{who} reads {name}, which {state}")

    def _crosses(self, task: Task, name: str, made: dict[str, int | None]) -> None:
        """What comes from elsewhere must pass the borders of regions."""
        source = made[name]
        if source is not None and source == task.region:
            return
        if source is not None and name not in self.borders[source].gives:
            raise CheckError(f"task '{task}' reads {name}, which region {source} does not give")
        if task.region is not None and name not in self.borders[task.region].reads:
            raise CheckError(f"task '{task}' reads {name}, which is not given to region {task.region}")


def agenda(analysis: Analysis, fusion: Fusion, schedule: Schedule, inputs: int) -> Agenda:
    """A schedule as an Agenda. inputs: how many of the graph's inputs are arguments."""
    return _Writer(analysis, fusion, schedule, inputs).run(inputs)


class _Writer:
    def __init__(self, analysis: Analysis, fusion: Fusion, schedule: Schedule, inputs: int) -> None:
        self.analysis, self.fusion, self.schedule = analysis, fusion, schedule
        self.names = Names(analysis, fusion, schedule, inputs)

    def run(self, inputs: int) -> Agenda:
        graph, names, schedule = self.analysis.graph, self.names, self.schedule
        tasks: list[Task] = []
        borders: list[Border] = []
        for part in schedule.parts:
            if isinstance(part, Region):
                reads = _unique(n for v in part.reads for each in names.memory(v) for n in each)
                borders.append(Border(reads, tuple(map(names.of, part.gives))))
                tasks += [self._task(g, len(borders) - 1) for g in part.groups]
            else:
                tasks.append(self._task(part, None))
        ends = [self._end(p, v) for p, v in enumerate(graph.outputs)]
        updates = tuple((names.of(graph.inputs[target]), ends[p]) for p, target in graph.updates.items())
        return Agenda(
            inputs=tuple(map(names.of, graph.inputs[:inputs])),
            shared=tuple(map(names.of, graph.inputs[inputs:])),
            constants=tuple(map(names.of, names.constants())),
            tasks=tuple(tasks),
            borders=tuple(borders),
            outputs=tuple(end for p, end in enumerate(ends) if p not in graph.updates),
            updates=updates,
        )

    def _end(self, position: int, variable: Variable) -> str:
        """The name of what is returned or stored."""
        value: Value = position if position in self.fusion.copies else variable
        return self.names.of(value)

    def _task(self, group: Group, region: int | None) -> Task:
        names = self.names
        outs = results(group, self.fusion)
        reads, needs = self._reads(group, region is None)
        found = [(v, self._target(v)) for v in outs]
        overwrites = tuple((names.of(v), names.of(target)) for v, target in found if target is not None)
        text = operations(group) if group.head is not None or group.maps else "copy"
        fails = can_fail(group, self.analysis)
        text += self._axes(group)
        return Task(group.kind, tuple(map(names.of, outs)), reads, needs, text, region, overwrites, fails)

    def _target(self, value: Value) -> Variable | None:
        """The shared variable whose memory takes a value."""
        for position, shared in self.schedule.in_place.items():
            if self.analysis.graph.outputs[position] is value:
                return shared
        return None

    def _reads(self, group: Group, is_step: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
        names, lengths = self.names, self.analysis.lengths
        found = [names.memory(v) for v in self.schedule.read_by[group] if not is_inlined(v)]
        if not is_step:
            found += [names.sources(lengths.of(n)) for n in group.axes]
            if group.kind == "check" and group.head is not None:
                found.append(names.sources(lengths.number(group.head.inputs[1])))
            if group.kind == "loop" and group.head is not None:
                found += map(names.sources, self.analysis.loops[group.head].lengths)
        reads = _unique(n for each, _ in found for n in each)
        return reads, tuple(n for n in _unique(n for _, each in found for n in each) if n not in reads)

    def _axes(self, group: Group) -> str:
        if not group.axes:
            return ""
        points, folded = (
            [self.names.length(self.analysis.lengths.of(group.axes[a])) for a in sorted(axes)]
            for axes in (group.points, group.reduced)
        )
        over = f", over {' x '.join(points)}" if points else ""
        return f"{over}, folding {' x '.join(folded)}" if folded else over


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
