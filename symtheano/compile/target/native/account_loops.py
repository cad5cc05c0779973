"""What the report of a function says of its loops: how often they run, what a step launches, what memory it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from symtheano.compile.analyse import Analysis
from symtheano.compile.lengths import Axis, Formula, Length, Number
from symtheano.compile.naming import Names, operations
from symtheano.compile.target.native.loop import LoopCode
from symtheano.compile.target.native.region import RegionCode


class Through:
    """Texts of lengths in the step of a loop, in terms of what is given to the function around it."""

    def __init__(self, code: LoopCode, outside: Analysis, names: Any) -> None:
        self.outer, self.xs, self.outside, self.names = code.outer, set(code.xs), outside, names

    def length(self, length: Length | None) -> str:
        """The text of a length."""
        text: str = self.names.length(self._outside(length))
        return text

    def _outside(self, length: Length | None) -> Length | None:
        lengths = self.outside.lengths
        if isinstance(length, Axis) and length.variable in self.outer:
            shape = self.outside.sizes.of(self.outer[length.variable])
            return lengths.of(shape[length.axis + (length.variable in self.xs)])
        if isinstance(length, Number) and length.variable in self.outer:
            return lengths.number(self.outer[length.variable])
        if isinstance(length, Formula):
            return Formula(length.op, tuple(map(self._outside, length.args)))
        return length


def loop_lines(code: RegionCode, analysis: Analysis, names: Names, lengths: Any, margin: str = "  ") -> Iterator[str]:
    """Lines for the loops of a region, and for those in their steps. lengths: how they are written."""
    for loop in code.loops:
        plan = loop.loop
        outs = ", ".join(names.of(loop.node.outputs[k]) for k in sorted(plan.read))
        often = lengths.length(analysis.lengths.number(loop.node.inputs[0]))
        inner: RegionCode = loop.inner
        yield f"{margin}{outs}: {loop.op}, {often} times; a step launches {len(inner.launches)}:"
        below = Names(plan.analysis, plan.fusion, plan.schedule, len(plan.analysis.graph.inputs))
        through = Through(loop, analysis, lengths)
        for launch in inner.launches:
            over = " x ".join(map(through.length, launch.points))
            yield f"{margin}  {launch.name}: {operations(launch.group)}{f' over {over}' if over else ''}"
        yield from loop_lines(inner, plan.analysis, below, through, f"{margin}  ")
