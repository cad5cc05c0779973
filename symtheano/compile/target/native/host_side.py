"""Sides of branches in the host program: each is a function of its own, machine code as far as it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

from symtheano.compile.planned import Settings, planned
from symtheano.compile.program import Program
from symtheano.compile.target.numpy import load
from symtheano.compile.target.numpy_text import Source, emit
from symtheano.config import config
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.variable import Apply, Variable

Told = tuple[
    Callable[..., Any], dict[int, Apply | None], dict[str, Variable], Any
]  # what explain.runtime_context takes


@dataclass(eq=False)
class HostSide:
    """A side of a branch. native: it as machine code, target.Native; where that cannot, the NumPy program runs."""

    graph: FunctionGraph
    native: Any = None
    _runs: WeakSet[Callable[..., Any]] = field(default_factory=WeakSet)
    _numpy: tuple[Callable[..., Any], Source, Program] | None = None

    def load(self) -> Callable[..., Any]:
        """The function of the values that the side reads; it gives a list of fresh arrays."""
        if self.native is None:
            return self._loaded()[0]
        run: Callable[..., Any] = self.native.load([], self._other)
        self._runs.add(run)
        return run

    @property
    def text(self) -> str:
        """What runs, in Python."""
        return self._loaded()[1].text if self.native is None else str(self.native.host.text)

    def told(self) -> Iterator[Told]:
        """What explains errors that are raised in here."""
        for run in self._runs:
            host = self.native.host
            yield run, host.lines, host.variables, None
        for side in self.native.host.sides.values() if self.native is not None else ():
            yield from side.told()
        if self._numpy is not None:
            run, source, program = self._numpy
            lines = {line: getattr(step, "node", None) for line, step in source.steps.items()}
            yield run, lines, program.variables, source.variables

    def _other(self, *values: Any) -> Any:
        return self._loaded()[0](*values)

    def _loaded(self) -> tuple[Callable[..., Any], Source, Program]:
        if self._numpy is None:
            borrows = (False,) * len(self.graph.outputs)
            check = config.check_programs
            program = planned(
                self.graph, Settings(len(self.graph.inputs), borrows, False, (), (), check, config.floatX)
            )
            source = emit(program, unpack=False, poison=check)
            self._numpy = load(source, program, ()), source, program
        return self._numpy
