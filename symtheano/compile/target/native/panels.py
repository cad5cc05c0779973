"""Column form with inner axes: panels of columns, whose totals lie in the scratch memory.

    for panels of the vector axis:
        for each stage:
            for the other inner axes:
                for blocks of a few steps of the last inner axis:
                    for vectors of the panel:
                        for the steps of the block:     terms, in registers
                        terms are added to the totals, in memory

So memory is read a few rows at a time, each from its beginning to its end, not one vector down all rows; and each
total is touched once in many terms.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from symtheano.compile.target.native import memory
from symtheano.compile.target.native.llvm import LLVM_TYPES
from symtheano.compile.target.native.point import AT, LOCAL, parts_of
from symtheano.compile.target.native.reduce import Accumulator, Values, blocks
from symtheano.compile.target.native.widths import STEPS
from symtheano.compile.target.native.writer import Writer


class Panels:
    """The stages of a kernel in column form. `take` takes the scratch; `run` writes the loops."""

    def __init__(self, writer: Writer) -> None:
        self.writer, self.function = writer, writer.function
        self.nest, self.plan = writer.nest, writer.plan
        self.accumulators = [
            [Accumulator(f, blocks(writer.point.code, f)) for f in step.folds] for step in writer.point.steps
        ]
        self.of_result = {
            f"result {a.fold.reduce.name} {k}": a
            for made in self.accumulators
            for a in made
            for k in range(len(parts_of(a.dtype)))
        }
        self.places: dict[str, list[str]] = {}  # of totals, by the reduction
        writer.result = self._give

    def take(self) -> None:
        """Scratch memory for the totals of a panel."""
        for made in self.accumulators:
            for accumulator in made:
                self.places[accumulator.fold.reduce.name] = [
                    self.writer.take_fixed(self.plan.block * np.dtype(d).itemsize) for d in accumulator.totals
                ]

    def run(self) -> None:
        """The loop over panels."""
        assert self.nest.vector is not None
        self.writer.blocks(self.writer.bounds(self.nest.vector), self.plan.block, self._panel)

    def _panel(self, begin: str, stop: str) -> None:
        self.begin, self.stop = begin, stop
        for number, step in enumerate(self.writer.point.steps):
            if not step.inner:
                self._along(number, True, partial(self._once, number))
                continue
            if self.accumulators[number]:
                self._along(number, True, partial(self._clear, number))
            with self.writer.printer.scope():
                self._loops(number, 0)

    def _along(self, number: int, heavy: bool, body: Callable[[], None]) -> None:
        writer = self.writer

        def inside() -> None:
            at = writer.printer.inputs[AT][0]
            writer.printer.give(LOCAL, self.function.emit(f"sub i64 {at}, {self.begin}"), 1)
            body()

        with writer.printer.scope():
            writer.hoist(writer.levels.needed[number])
            writer.along_lanes(self.begin, self.stop, heavy, inside)

    # -- stages ----------------------------------------------------------------------------------------------------

    def _once(self, number: int) -> None:
        self._print(number, self.nest.point)
        self.writer.write(self.writer.point.steps[number].writes)

    def _clear(self, number: int) -> None:
        for accumulator in self.accumulators[number]:
            self._put(accumulator, accumulator.first_totals(self.writer.lanes.width))

    def _loops(self, number: int, k: int) -> None:
        """The loops over the inner axes from the k-th on: outside the loop along the lanes, but for the last."""
        inner, writer = self.nest.inner, self.writer
        if k == len(inner) - 1:
            writer.blocks(("0", writer.size(inner[k])), STEPS, lambda i, end: self._block(number, i, end))
            return

        def body(i: str, _: list[str]) -> None:
            with writer.printer.scope():
                writer.printer.give(f"index {inner[k]}", i, 1)
                depth = self.nest.depth(inner[k])
                needed = writer.levels.needed[number]
                writer.print(p for p in needed if writer.levels.of[p].depth == depth and not writer.levels.of[p].along)
                self._loops(number, k + 1)

        self.function.loop("0", writer.size(inner[k]), 1, [], body)

    def _block(self, number: int, begin: str, end: str) -> None:
        """Some steps of the last inner axis, for all vectors of the panel."""
        accumulators = self.accumulators[number]

        def vectors() -> None:
            width = self.writer.lanes.width
            for depth in range(self.nest.point, self.nest.innermost):
                self._print(number, depth)
            with self.writer.printer.scope():
                self.writer.hoist(self.writer.levels.needed[number])
                terms = self._steps(number, begin, end, [a.first_terms(width) for a in accumulators])
            for accumulator, values in zip(accumulators, terms, strict=True):
                totals = self._get(accumulator)
                add = accumulator.flush if accumulator.blocked else accumulator.combine
                self._put(accumulator, add(self.function, totals, values, width))

        self._along(number, self.plan.heavy[number], vectors)

    def _steps(self, number: int, begin: str, end: str, first: list[Values]) -> list[Values]:
        writer, axis = self.writer, self.nest.inner[-1]
        step, width = writer.point.steps[number], writer.lanes.width

        def body(i: str, carried: list[Values]) -> list[Values]:
            with writer.printer.scope():
                writer.printer.give(f"index {axis}", i, 1)
                needed = writer.levels.needed[number]
                writer.print(p for p in needed if writer.levels.of[p].depth == self.nest.innermost)
                pairs = zip(self.accumulators[number], carried, strict=True)
                terms = [writer.fold(a, old, width, None) for a, old in pairs]
                writer.write(step.writes)
            return terms

        types = [t for a in self.accumulators[number] for t in a.terms]
        return writer.carry((begin, end), 1, types, first, width, body)

    def _print(self, number: int, depth: int) -> None:
        """What a stage needs at a depth, of all that changes along the lanes."""
        levels = self.writer.levels
        self.writer.print(p for p in levels.needed[number] if levels.of[p].depth == depth and levels.of[p].along)

    # -- totals ----------------------------------------------------------------------------------------------------

    def _give(self, name: str) -> None:
        accumulator, width = self.of_result[name], self.writer.lanes.width
        final = accumulator.finish(self.function, self._get(accumulator), width, False)
        self.writer.give_result(accumulator, final, width)

    def _get(self, accumulator: Accumulator) -> Values:
        places = self._places(accumulator)
        return [
            memory.load(self.function, d, p, self.writer.lanes) for d, p in zip(accumulator.totals, places, strict=True)
        ]

    def _put(self, accumulator: Accumulator, values: Values) -> None:
        places = self._places(accumulator)
        for dtype, place, value in zip(accumulator.totals, places, values, strict=True):
            memory.store(self.function, dtype, value, place, self.writer.lanes)

    def _places(self, accumulator: Accumulator) -> list[str]:
        local = self.writer.printer.inputs[LOCAL][0]
        return [
            self.function.gep(place, local, "i8" if dtype == "bool" else LLVM_TYPES[dtype])
            for place, dtype in zip(self.places[accumulator.fold.reduce.name], accumulator.totals, strict=True)
        ]
