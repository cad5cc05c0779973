"""At which loop each instruction of a point is computed: the outermost at which all it needs is known.

That moves everything out of loops that can be, so no optimiser has to: what depends on scalars only is computed once
before all loops, what depends on a row's coordinate once a row, and with one lane where all lanes would be equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symtheano.compile.target.native.nest import Nest
from symtheano.compile.target.native.point import AT, LANES, LOCAL, Point
from symtheano.scalar.machine import Code, Reg


@dataclass(frozen=True)
class Level:
    """depth: inside how many loops. after: the stage that must have run (-1: none). wide: differs between the lanes.

    along: changes in the loop along the lanes, as what is wide does, and addresses.
    """

    depth: int = 0
    after: int = -1
    wide: bool = False
    along: bool = False


class Levels:
    """The level of every instruction, and what each stage needs."""

    def __init__(self, point: Point, nest: Nest) -> None:
        self.point, self.nest = point, nest
        self.code: Code = point.code
        self.of: list[Level] = []
        for place, instr in enumerate(self.code.instrs):
            level = self._input(instr.detail) if instr.op == "input" else Level()
            self.of.append(self._join(level, [self.of[r.place] for r in self.operands(place)]))
        self.needed = [self.need(step.results) for step in point.steps]

    def operands(self, place: int) -> tuple[Reg, ...]:
        """The registers an instruction reads; of a load, those of its address."""
        instr = self.code.instrs[place]
        read = self.point.reads.get(instr.detail) if instr.op == "input" else None
        return instr.args if read is None else read.access.regs

    def need(self, results: Iterable[Reg]) -> list[int]:
        """The places of the instructions that `results` depend on, in order."""
        wanted = {r.place for r in results}
        for place in range(max(wanted, default=-1), -1, -1):
            if place in wanted:
                wanted.update(r.place for r in self.operands(place))
        return sorted(wanted)

    def _input(self, name: str) -> Level:
        kind, _, rest = name.partition(" ")
        nest = self.nest
        if kind in (AT, LANES, LOCAL):
            assert nest.vector is not None
            return Level(nest.depth(nest.vector), wide=kind == LANES, along=True)
        if kind == "index":
            return Level(nest.depth(rest))
        if kind == "result":
            wide = nest.vector is not None and not nest.row
            return Level(nest.point, self.point.results[name], wide, wide)
        if kind == "load":
            read = self.point.reads[name]
            wide = read.access.along != "same"
            return Level(nest.point if read.after >= 0 else 0, read.after, wide, wide)
        return Level()

    def _join(self, own: Level, args: list[Level]) -> Level:
        if own.depth == 0 and own.after < 0 and not own.wide and not args:
            return own
        every = [own, *args]
        depth, after = max(a.depth for a in every), max(a.after for a in every)
        return Level(depth, after, any(a.wide for a in every), any(a.along for a in every))
