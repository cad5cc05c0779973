"""Loops of the host program: those that are not machine code from end to end.

The loop is a NumPy program of its own, with a plain `for` (see target/numpy_text.py). Where some of its step is machine
code, the step is one call of a host program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from symtheano.compile.commit import Wanted
from symtheano.compile.lower import lower
from symtheano.compile.plan import plan
from symtheano.compile.program import Program
from symtheano.compile.target.numpy import load
from symtheano.compile.target.numpy_text import Source, emit
from symtheano.config import config
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.op import Op
from symtheano.graph.variable import Apply, Variable
from symtheano.scan.op import Scan
from symtheano.scan.shapes import share_rule
from symtheano.scan.step import Step
from symtheano.tensor.type import TensorType


@dataclass(eq=False)
class HostLoop:
    """A loop, and the positions of its outputs that are read. native: the step as machine code, as far as it is."""

    op: Scan
    read: tuple[int, ...]
    native: Any = None  # target.Native

    def load(self) -> Callable[..., list[Any]]:
        """The loop as a function of the inputs of its node."""
        source, program = self._program()
        run: Callable[..., list[Any]] = load(source, program, ())
        return run

    @property
    def text(self) -> str:
        """What runs, in Python."""
        own = "" if self.native is None else f"\n# one step\n{self.native.host.text}"
        return self._program()[0].text + own

    def _program(self) -> tuple[Source, Program]:
        op = self.op if self.native is None else self._stepped()
        step = op.step.inputs
        first = op.n_consts + op.n_carry
        inputs: list[Variable] = [TensorType("int64", ())()]
        inputs += [v.type.make_variable(v.name) if k < first else _rows(v) for k, v in enumerate(step)]
        outputs = op.make_node(*inputs).outputs
        graph = FunctionGraph(inputs, [outputs[p] for p in self.read])
        lowered = lower(graph, len(inputs))
        wanted = Wanted(tuple((lowered.names[o], True) for o in graph.outputs), ())
        program = plan(lowered, wanted, [f"x{k}" for k in range(len(inputs))], [])
        if config.check_programs:
            program.check()
        return emit(program, unpack=False, poison=config.check_programs), program

    def _stepped(self) -> Scan:
        """The loop whose step is a call."""
        op = self.op
        inputs = [v.type.make_variable(v.name) for v in op.step.inputs]
        for old, new in zip(op.step.inputs, inputs, strict=True):
            new.line = old.line
        outputs = HostStep(op.step.graph, self.native).make_node(*inputs).outputs
        stepped = Scan(Step.of(inputs, outputs), op.n_consts, op.n_carry, op.until, op.truncate, op.name)
        share_rule(op, stepped)
        return stepped


class HostStep(Op):
    """One step of a loop, by a host program; where that cannot, by the NumPy program of the step."""

    def __init__(self, graph: FunctionGraph, native: Any):
        self.graph, self.native = graph, native
        self._numpy: Callable[..., list[Any]] | None = None

    def make_node(self, *inputs: Variable) -> Apply:
        outputs: list[Any] = list(self.graph.outputs)
        made = [o.type.make_variable(o.name) for o in outputs]
        for old, new in zip(outputs, made, strict=True):
            new.line = old.line
        return Apply(self, inputs, made)

    @property
    def direct(self) -> Callable[..., list[Any]]:
        """The function of values: it gives fresh arrays of the types it should."""
        run: Callable[..., list[Any]] = self.native.load([], self._other)
        return run

    def _other(self, *values: Any) -> list[Any]:
        if self._numpy is None:
            count = len(self.graph.inputs)
            lowered = lower(self.graph, count)
            wanted = Wanted(tuple((lowered.names[o], False) for o in self.graph.outputs), ())
            program = plan(lowered, wanted, [f"x{k}" for k in range(count)], [])
            self._numpy = load(emit(program, unpack=False), program, ())
        return self._numpy(*values)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        for cell, value in zip(output_storage, self.direct(*inputs), strict=True):
            cell[0] = value


def _rows(element: Any) -> Any:
    kind: TensorType = element.type
    return TensorType(kind.dtype, shape=(None, *kind.shape))(element.name)


def draws(op: Scan) -> bool:
    """Whether a loop carries the state of a random generator, which a NumPy program needs not copy in each step."""
    return len(op.carried_tensors) < op.n_carry
