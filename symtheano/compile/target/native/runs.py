"""The loops over the inner axes at one point: in row form the innermost runs along the lanes, else it has one lane.

for the other inner axes:                  carrying totals
    for blocks of the innermost:           sums of floats only
        for whole vectors, several at once: terms      light bodies in row form only
        for vectors, the last with a mask:  terms
        terms are added to the totals
"""

from __future__ import annotations

from symtheano.compile.target.native.memory import Lanes
from symtheano.compile.target.native.reduce import Accumulator, Values, blocks
from symtheano.compile.target.native.widths import STEPS
from symtheano.compile.target.native.writer import Writer


def run_inner(writer: Writer, number: int) -> None:
    """An inner stage at one point; its results are given to the printer."""
    _Run(writer, number).run()


class _Run:
    def __init__(self, writer: Writer, number: int) -> None:
        self.writer, self.number = writer, number
        self.function, self.nest, self.plan = writer.function, writer.nest, writer.plan
        self.step = writer.point.steps[number]
        self.places = writer.levels.needed[number]
        self.accumulators = [Accumulator(f, blocks(writer.point.code, f)) for f in self.step.folds]
        self.width = self.plan.lanes if self.nest.row else 1
        self.light = self.nest.row and not self.plan.heavy[number]
        self.axis = self.nest.vector if self.nest.row else self.nest.inner[-1]
        assert self.axis is not None
        self.size = writer.size(self.axis)

    def run(self) -> None:
        totals = self._loops(0, [a.first_totals(self.width) for a in self.accumulators])
        self.writer.lanes = Lanes()
        for accumulator, values in zip(self.accumulators, totals, strict=True):
            final = accumulator.finish(self.function, values, self.width, self.nest.row)
            self.writer.give_result(accumulator, final, 1)

    def _loops(self, k: int, totals: list[Values]) -> list[Values]:
        """The loops over the inner axes from the k-th on."""
        inner = self.nest.inner
        if k == len(inner) - (not self.nest.row):
            return self._innermost(totals)

        def body(i: str, carried: list[Values]) -> list[Values]:
            with self.writer.printer.scope():
                self._enter(inner[k], i)
                return self._loops(k + 1, carried)

        return self.writer.carry(("0", self.writer.size(inner[k])), 1, self._totals(), totals, self.width, body)

    def _totals(self) -> list[str]:
        return [t for a in self.accumulators for t in a.totals]

    def _enter(self, axis: str, i: str) -> None:
        """Inside the loop over a scalar axis."""
        self.writer.printer.give(f"index {axis}", i, 1)
        self._print(self.nest.depth(axis))

    def _print(self, depth: int) -> None:
        self.writer.print(p for p in self.places if self.writer.levels.of[p].depth == depth)

    def _innermost(self, totals: list[Values]) -> list[Values]:
        with self.writer.printer.scope():
            self.writer.hoist(self.places)
            if not any(a.blocked for a in self.accumulators):
                return self._block("0", self.size, totals)
            length = STEPS * self.width * self.plan.unroll if self.light else 2 * STEPS * self.width

            def body(begin: str, carried: list[Values]) -> list[Values]:
                end = self.function.emit(f"add i64 {begin}, {length}")
                end = self.function.intrinsic("llvm.smin.i64", "i64", [("i64", end), ("i64", self.size)])
                return self._block(begin, end, carried)

            return self.writer.carry(("0", self.size), length, self._totals(), totals, self.width, body)

    def _block(self, begin: str, end: str, totals: list[Values]) -> list[Values]:
        """A part of the axis whose terms are added up before they go to the totals."""
        function = self.function
        terms = [a.first_terms(self.width) if a.blocked else t for a, t in zip(self.accumulators, totals, strict=True)]
        if self.light:
            width = self.width * self.plan.unroll
            whole = self.writer.whole(begin, end, width)
            many = self._loop(begin, whole, width, False, [a.first_terms(width) for a in self.accumulators])
            for k, (accumulator, values) in enumerate(zip(self.accumulators, many, strict=True)):
                few = accumulator.narrow(function, values, width, self.width)
                terms[k] = few if accumulator.blocked else accumulator.combine(function, terms[k], few, self.width)
            begin = whole
        terms = self._loop(begin, end, self.width, self.nest.row, terms)
        return [
            a.flush(function, total, term, self.width) if a.blocked else term
            for a, total, term in zip(self.accumulators, totals, terms, strict=True)
        ]

    def _loop(self, begin: str, end: str, width: int, rest: bool, first: list[Values]) -> list[Values]:
        writer = self.writer

        def body(i: str, carried: list[Values]) -> list[Values]:
            with writer.printer.scope():
                if self.nest.row:
                    writer.enter_lanes(i, self.size, width, rest, not self.light)
                    self._print(self.nest.innermost)
                else:
                    assert self.axis is not None
                    self._enter(self.axis, i)
                mask = writer.lanes.mask if rest else None
                terms = [writer.fold(a, old, width, mask) for a, old in zip(self.accumulators, carried, strict=True)]
                writer.write(self.step.writes)
            return terms

        types = [t for a in self.accumulators for t in a.terms]
        made = writer.carry((begin, end), width if self.nest.row else 1, types, first, width, body)
        writer.lanes = Lanes()
        return made
