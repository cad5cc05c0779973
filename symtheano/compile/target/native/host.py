"""The host program: the Python text that runs what is no machine code, and calls the regions between.

def run(x0, x1):
    s0 = k0[0]
    v0 = kernels.sort(xp, x0)                  a step
    r = region0(tidy(v0), tidy(x1), s0)        a region: arrays in, a tuple of new arrays out
    if r is None: return other(x0, x1)         it could not: the NumPy program computes, or raises and explains
    v1, v2 = r
    return [v1]
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from symtheano.compile.analyse import Analysis, Check
from symtheano.compile.branches import Branch
from symtheano.compile.fuse import Fusion, Group
from symtheano.compile.lengths import Axis, Formula, Length, Number, given_in
from symtheano.compile.schedule import Region, Schedule
from symtheano.compile.target.native.host_loop import HostLoop
from symtheano.compile.target.native.host_side import HostSide
from symtheano.compile.target.numpy import apart, performer, run_of
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scan.op import Scan
from symtheano.scan.prune import pruned
from symtheano.tensor.array import ArrayOp, array_scope
from symtheano.tensor.type import TensorType


@dataclass
class Host:
    """text: of `run`. The other fields are what its names stand for, and lines: those of authors' ops."""

    text: str
    constants: dict[str, Any]
    performs: dict[str, Apply]
    lines: dict[int, Apply]
    variables: dict[str, Variable]
    loops: dict[str, HostLoop] = field(default_factory=dict)
    sides: dict[str, HostSide] = field(default_factory=dict)


def emit_host(
    analysis: Analysis, fusion: Fusion, schedule: Schedule, inputs: int, checks: Sequence[Check], unpack: bool
) -> Host:
    """The host program of a scheduled graph, whose first `inputs` inputs are arguments. checks: those made here."""
    return _Emitter(analysis, fusion, schedule, inputs, checks, unpack).run()


def in_terms_of(host: Host, graph: FunctionGraph) -> Host:
    """The host program of an expanded graph, with authors' ops as they stand in the graph that it was expanded from."""
    waiting: dict[Any, list[Apply]] = {}
    for node in graph.nodes:
        waiting.setdefault((node.op, str(node.trace)), []).append(node)
    names = {variable: name for name, variable in host.variables.items()}
    lines, variables = dict(host.lines), dict(host.variables)
    for line, node in host.lines.items():
        same = waiting.get((node.op, str(node.trace)))
        if same:
            lines[line] = same.pop(0)
            variables.update((names[i], j) for i, j in zip(node.inputs, lines[line].inputs, strict=True) if i in names)
    return replace(host, lines=lines, variables=variables)


def load_host(
    host: Host,
    cells: Sequence[list[Any]],
    regions: Sequence[Callable[..., Any]],
    other: Callable[..., Any],
) -> Callable[..., Any]:
    """The running host program. other: the NumPy program of the same function."""
    scope = array_scope(host.text, "numpy")
    scope.update(host.constants)
    scope.update((f"k{k}", cell) for k, cell in enumerate(cells))
    scope.update((f"region{k}", one) for k, one in enumerate(regions))
    scope.update((name, performer(node)) for name, node in host.performs.items())
    scope.update((name, loop.load()) for name, loop in host.loops.items())
    scope.update((name, side.load()) for name, side in host.sides.items())
    scope.update(other=other, tidy=tidy, apart=apart, deepcopy=copy.deepcopy, **_FORMULAS)
    return run_of(host.text, scope)


def tidy(array: Any) -> Any:
    """The array as machine code wants it: C-contiguous and aligned, of the native byte order; a copy if need be."""
    if type(array) is np.ndarray and array.flags.carray:
        return array
    array = np.asarray(array)
    return array if array.flags.c_contiguous and array.flags.aligned else np.array(array, order="C")


class _Emitter:
    def __init__(
        self,
        analysis: Analysis,
        fusion: Fusion,
        schedule: Schedule,
        inputs: int,
        checks: Sequence[Check],
        unpack: bool,
    ):
        self.analysis, self.fusion, self.schedule, self.unpack = analysis, fusion, schedule, unpack
        graph = analysis.graph
        self.names: dict[Variable, str] = {}
        for k, v in enumerate(graph.inputs):
            self.names[v] = f"x{k}" if k < inputs else f"s{k - inputs}"
        self.arguments = ", ".join(f"x{k}" for k in range(inputs))
        self.shared = [f"s{k}" for k in range(len(graph.inputs) - inputs)]
        self.inputs = inputs
        self.pending = list(checks)
        self.copied: dict[int, str] = {}
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {}
        self.performs: dict[str, Apply] = {}
        self.performed: dict[int, Apply] = {}
        self.loops: dict[str, HostLoop] = {}
        self.sides: dict[str, HostSide] = {}
        self.count = 0

    def run(self) -> Host:
        for k, name in enumerate(self.shared):
            self.line(f"{name} = k{k}[0]")
        self._guard_written()
        self._checks()
        number = 0
        for part in self.schedule.parts:
            if isinstance(part, Region):
                self._region(part, number)
                number += 1
            else:
                self._step(part)
            self._checks()
        self._finish()
        text = "\n".join([f"def run({self.arguments}):", *(f"    {line}" for line in self.lines)]) + "\n"
        told = self.names.items() if self.performed else ()  # nothing else is explained here: no graph is held
        variables = {name: variable for variable, name in told}
        return Host(text, self.constants, self.performs, self.performed, variables, self.loops, self.sides)

    def _guard_written(self) -> None:
        """What is overwritten lies as machine code wants it, and shares no memory with what is read."""
        graph = self.analysis.graph
        written = [self.names[v] for v in dict.fromkeys(self.schedule.in_place.values())]
        read = {v for node in graph.nodes for v in node.inputs} | set(graph.outputs)
        given = [self.names[v] for v in graph.inputs if v in read and isinstance(v.type, TensorType)]
        names = ", ".join([*written, *(n for n in given if n not in written)])
        if written and len(given) > 1:
            self.line(f"{names} = apart({len(written)}, {names})")
        for name in written:
            self.line(f"if not {name}.flags.carray: {name} = {name}.copy()")

    def line(self, text: str) -> None:
        self.lines.append(text)

    def fresh(self) -> str:
        self.count += 1
        return f"v{self.count - 1}"

    # -- names ---------------------------------------------------------------------------------------------------------
    def name(self, variable: Variable) -> str:
        """The name of a value; views and lengths are made where they are first asked for."""
        found = self.names.get(variable)
        if found is not None:
            return found
        if isinstance(variable, Constant):
            found = f"c{len(self.constants)}"
            self.constants[found] = variable.data
        else:
            node = variable.owner
            assert node is not None
            kind: Any = variable.type
            if self.analysis.kinds[node] in ("view", "none"):
                found = self._array(node)[0]
            else:  # a length: it is computed here, too
                found = self.fresh()
                self.line(f"{found} = xp.{kind.dtype}({self._length(self.analysis.lengths.number(variable))})")
        self.names[variable] = found
        return found

    def _array(self, node: Apply) -> list[str]:
        """The lines of a node by its array rule; the names of its values."""
        args = [self.name(i) for i in node.inputs]

        def let(text: str, dtype: str | None = None) -> str:
            name = self.fresh()
            self.line(f"{name} = {text}")
            return name

        text = node.op.array(node, let, *args)
        outs = [self.fresh() for _ in node.outputs]
        self.line(f"{', '.join(outs)} = {text}")
        return outs

    # -- parts ---------------------------------------------------------------------------------------------------------
    def _step(self, group: Group) -> None:
        node = group.head
        if node is None:
            self._copy(group)
            return
        if isinstance(node.op, Scan):
            self._loop(node)
        elif isinstance(node.op, Branch):
            self._branch(node)
        elif isinstance(node.op, ArrayOp):
            self.names.update(zip(node.outputs, self._array(node), strict=True))
        else:
            self._perform(node)
        for position in node.op.view_map:
            out = node.outputs[position]
            if _lender(out) in self.schedule.in_place.values():  # that memory is overwritten later
                self.line(f"{self.names[out]} = {self._copied(self.names[out], out)}")

    def _loop(self, node: Apply) -> None:
        """What raises in a loop is explained by the NumPy program, which runs after it."""
        graph = self.analysis.graph
        read = [p for p, o in enumerate(node.outputs) if o in graph.outputs or graph.users(o)]
        small = pruned(node, read)
        args = [self.name(i) for i in small.inputs]
        name = f"loop{len(self.loops)}"
        self.loops[name] = HostLoop(small.op, tuple(small.places.values()))
        outs = [self.fresh() for _ in small.places]
        self.line(f"{', '.join(outs)}, = {name}({', '.join(args)})")
        self.names.update(zip((node.outputs[p] for p in small.places), outs, strict=True))

    def _branch(self, node: Apply) -> None:
        condition, *values = map(self.name, node.inputs)
        outs = [self.fresh() for _ in node.outputs]
        for head, kind, side in ((f"if {condition}:", "then", node.op.holds), ("else:", "else", node.op.other)):
            name = f"{kind}{len(self.sides) // 2}"
            self.sides[name] = HostSide(side.step.graph)
            given = [out for out, place in zip(outs, side.gives, strict=True) if place is not None]
            self.line(head)
            self.line(f"    {', '.join(given)}, = {name}({', '.join(values[k] for k in side.reads)})")
            for out in outs:
                if out not in given:
                    self.line(f"    {out} = None")
        self.names.update(zip(node.outputs, outs, strict=True))

    def _perform(self, node: Apply) -> None:
        args = [self.name(i) for i in node.inputs]
        for destroyed in (k for ks in node.op.destroy_map.values() for k in ks):
            copied = self.fresh()
            self.line(f"{copied} = {self._copied(args[destroyed], node.inputs[destroyed])}")
            args[destroyed] = copied
        name = f"p{len(self.performs)}"
        self.performs[name] = node
        outs = [self.fresh() for _ in node.outputs]
        self.line(f"{', '.join(outs)}, = {name}({', '.join(args)})")
        self.performed[len(self.lines) + 1] = node  # the first line is that of `def`
        self.names.update(zip(node.outputs, outs, strict=True))

    def _copy(self, group: Group) -> None:
        position = next(p for p, g in self.fusion.copies.items() if g is group)
        variable = self.analysis.graph.outputs[position]
        self.copied[position] = self.fresh()
        self.line(f"{self.copied[position]} = {self._copied(self.name(variable), variable)}")

    def _copied(self, name: str, variable: Variable) -> str:
        return f"xp.array({name})" if isinstance(variable.type, TensorType) else f"deepcopy({name})"

    def _region(self, region: Region, number: int) -> None:
        written = set(self.schedule.in_place.values())
        args = [self.name(v) if v in written else f"tidy({self.name(v)})" for v in region.reads]
        self.line(f"r = region{number}({', '.join(args)})")
        self.line(f"if r is None: return other({self.arguments})")
        outs: list[str] = []
        for item in region.gives:
            name = self.fresh()
            outs.append(name)
            if isinstance(item, int):
                self.copied[item] = name
            else:
                self.names[item] = name
        if outs:
            self.line(f"{', '.join(outs)}, = r")

    def _finish(self) -> None:
        graph = self.analysis.graph
        returned = []
        for position, variable in enumerate(graph.outputs):
            if position in self.schedule.in_place:
                self.line(
                    f"k{graph.updates[position] - self.inputs}[0] = {self.names[self.schedule.in_place[position]]}"
                )
                continue
            name = self.copied.get(position) or self._own(variable)
            target = graph.updates.get(position)
            if target is None:
                returned.append(name)
            else:
                self.line(f"k{target - self.inputs}[0] = {name}")
        self.line(f"return {returned[0]}" if self.unpack else f"return [{', '.join(returned)}]")

    def _own(self, variable: Variable) -> str:
        """A value as it leaves: an array (NumPy's functions give scalars for 0-d results) with memory of its own."""
        name = self.name(variable)
        node = variable.owner
        if not isinstance(variable.type, TensorType) or node is None or self.analysis.kinds[node] != "step":
            return name
        if node.op.view_map or getattr(node.op, "destroy_map", None):
            return f"xp.array({name})"
        return f"xp.asarray({name})" if variable.type.ndim == 0 else name

    # -- checks --------------------------------------------------------------------------------------------------------
    def _checks(self) -> None:
        """Checks of what is there by now."""
        waiting = []
        for check in self.pending:
            if all(v in self.names or isinstance(v, Constant) for c in (check.left, check.right) for v in given_in(c)):
                left, right = self._length(check.left), self._length(check.right)
                self.line(f"if not {left} {check.relation} {right}: return other({self.arguments})")
            else:
                waiting.append(check)
        self.pending = waiting

    def _length(self, length: Length | None) -> str:
        if length is None or isinstance(length, int):
            return str(length)
        if isinstance(length, Axis):
            return f"{self.name(length.variable)}.shape[{length.axis}]"
        if isinstance(length, Number):
            return f"int({self.name(length.variable)})"
        assert isinstance(length, Formula)
        return f"length_{length.op}({', '.join(map(self._length, length.args))})"


def _lender(variable: Variable) -> Variable:
    """The variable whose memory this one may be."""
    while variable.owner is not None:
        lent = variable.owner.op.view_map.get(variable.index or 0)
        if not lent:
            return variable
        variable = variable.owner.inputs[lent[0]]
    return variable


def _all(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def folded(first: Any, *rest: Any) -> Any:
        for other in rest:
            first = function(first, other)
        return first

    return folded


def _slice(n: int, start: int | None, stop: int | None, step: int | None) -> int:
    return len(range(n)[start:stop:step])


_FORMULAS: dict[str, Any] = {
    "length_add": _all(lambda a, b: a + b),
    "length_mul": _all(lambda a, b: a * b),
    "length_sub": lambda a, b: a - b,
    "length_int_div": lambda a, b: a // b if b else 0,
    "length_mod": lambda a, b: a % b if b else 0,
    "length_maximum": max,
    "length_minimum": min,
    "length_neg": lambda a: -a,
    "length_abs_": abs,
    "length_switch": lambda c, a, b: a if c else b,
    "length_lt": lambda a, b: int(a < b),
    "length_le": lambda a, b: int(a <= b),
    "length_gt": lambda a, b: int(a > b),
    "length_ge": lambda a, b: int(a >= b),
    "length_eq": lambda a, b: int(a == b),
    "length_neq": lambda a, b: int(a != b),
    "length_and_": _all(lambda a, b: a & b),
    "length_or_": _all(lambda a, b: a | b),
    "length_slice": _slice,
    "length_first": lambda n, start, stop, step: slice(start, stop, step).indices(n)[0],
    "length_place": lambda n, i: i + n if i < 0 else i,
}
