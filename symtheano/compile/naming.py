"""Names of the values of a scheduled graph, and the texts of its lengths and views: what people read.

x0 x1 ...  arguments    s0 ...  shared variables    c0 ...  constants    v0 ...  what is computed, in order
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from symtheano.compile.analyse import Analysis
from symtheano.compile.fuse import Fusion, Group
from symtheano.compile.lengths import Axis, Formula, Length, Number
from symtheano.compile.overwriting import base_of
from symtheano.compile.schedule import Region, Schedule, members
from symtheano.graph.text import operation
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.tensor.elemwise import DimShuffle
from symtheano.tensor.index_basic import Subtensor
from symtheano.tensor.type import TensorType

Value = Variable | int  # a variable, or the position of an output that is a copy

_UNUSUAL = re.compile(r"[^A-Za-z0-9_ .,:()\[\]+=<>/-]")
_INFIX = {"add": " + ", "sub": " - ", "mul": "*", "int_div": " // ", "mod": " % "}
_INFIX |= {"lt": " < ", "le": " <= ", "gt": " > ", "ge": " >= ", "eq": " == ", "neq": " != "}


def plain(text: object, limit: int = 60) -> str:
    """A user's text as it may stand in a comment: letters, digits and a few signs, on one line."""
    return _UNUSUAL.sub("?", str(text))[:limit]


def results(group: Group, fusion: Fusion) -> list[Value]:
    """What a group puts into memory: values, or the positions of outputs that are copies."""
    copied: list[Value] = [p for p, g in fusion.copies.items() if g is group]
    if copied:
        return copied
    if group.kind == "step":
        return [] if group.head is None else list(group.head.outputs)
    mine = [n for n in (*reversed(group.maps), group.head) if n is not None and fusion.home.get(n) is group]
    return [out for node in mine for out in node.outputs if out in fusion.stored]


class Names:
    """Names by value. inputs: how many of the graph's inputs are arguments."""

    def __init__(self, analysis: Analysis, fusion: Fusion, schedule: Schedule, inputs: int) -> None:
        self.analysis, self.fusion, self.schedule = analysis, fusion, schedule
        self.known: dict[Value, str] = {}
        for k, variable in enumerate(analysis.graph.inputs):
            self.known[variable] = f"x{k}" if k < inputs else f"s{k - inputs}"
        for k, constant in enumerate(self.constants()):
            self.known[constant] = f"c{k}"
        for number, value in enumerate(v for g in groups_of(schedule) for v in results(g, fusion)):
            self.known[value] = f"v{number}"

    def constants(self) -> list[Variable]:
        """Those that are arrays: single numbers stand in the code."""
        found = dict.fromkeys(self.analysis.graph.constants())
        found.update((c, None) for loop in self.analysis.loops.values() for c in loop.constants)
        return [c for c in found if not is_inlined(c)]

    def of(self, value: Value) -> str:
        """The name of a value; of a view the text of it; of a length its formula."""
        found = self.known.get(value)
        if found is not None:
            return found
        if isinstance(value, Constant):
            return str(value.data.reshape(-1)[0]) if is_inlined(value) else "(constant)"
        assert isinstance(value, Variable) and value.owner is not None, value
        kind = self.analysis.kinds.get(value.owner)
        if kind == "size":
            return self.length(self.analysis.lengths.number(value))
        if kind == "view":
            return self._view(value.owner)
        return f"({operation(value.owner)})"

    def memory(self, variable: Variable) -> tuple[list[str], list[str]]:
        """What must be there for a value to be read: names of which elements are read, and of which only lengths."""
        base = base_of(variable, self.analysis)
        if is_inlined(base):
            return [], []
        if base.owner is not None and self.analysis.kinds.get(base.owner) == "size":
            return self.sources(self.analysis.lengths.number(base))
        return [self.of(base)], []

    def sources(self, length: Length | None) -> tuple[list[str], list[str]]:
        """What a length is told by: names of numbers, and of arrays."""
        numbers: list[str] = []
        arrays: list[str] = []
        stack: list[Length | None] = [length]
        while stack:
            one = stack.pop()
            if isinstance(one, Formula):
                stack.extend(reversed(one.args))
            elif isinstance(one, Number) and not is_inlined(one.variable):
                numbers.append(self.of(base_of(one.variable, self.analysis)))
            elif isinstance(one, Axis) and not is_inlined(one.variable):
                arrays.append(self.of(base_of(one.variable, self.analysis)))
        return list(dict.fromkeys(numbers)), list(dict.fromkeys(arrays))

    def length(self, length: Length | None) -> str:
        """The formula of a length: x0.shape[1] + 1."""
        if length is None or isinstance(length, int):
            return "" if length is None else str(length)
        if isinstance(length, Axis):
            return f"{self.of(length.variable)}.shape[{length.axis}]"
        if isinstance(length, Number):
            return f"int({self.of(length.variable)})"
        texts = [self.length(a) for a in length.args]
        if length.op == "slice":
            step = f":{texts[3]}" if texts[3] else ""
            return f"len(range({texts[0]})[{texts[1]}:{texts[2]}{step}])"
        sign = _INFIX.get(length.op)
        if sign is None or len(texts) < 2:
            return f"{length.op}({', '.join(t or 'none' for t in texts)})"
        wrapped = [f"({t})" if isinstance(a, Formula) and " " in t else t for a, t in zip(length.args, texts)]
        return sign.join(wrapped)

    def shape(self, variable: Variable) -> str:
        """The lengths of a value: [x0.shape[0], 10]."""
        if not isinstance(variable.type, TensorType):
            return ""
        sizes = self.analysis.sizes.of(variable)
        if not self.analysis.lengths.knows(sizes):
            return f"[{', '.join('?' for _ in sizes)}]"
        return f"[{', '.join(self.length(self.analysis.lengths.of(n)) for n in sizes)}]"

    def home(self, value: Value) -> str:
        """The name of a value's memory: of the shared variable that it overwrites, or its own."""
        for position, shared in self.schedule.in_place.items():
            if self.analysis.graph.outputs[position] is value:
                return self.of(shared)
        return self.of(value)

    def note(self, value: Value) -> tuple[str, str]:
        """What the user calls a value, and the line where it was made, as plain characters; often nothing."""
        variable = self.analysis.graph.outputs[value] if isinstance(value, int) else value
        name = f"'{plain(variable.name)}'" if variable.name else ""
        node = variable.owner
        line = plain(node.trace) if node is not None and getattr(node, "trace", None) else ""
        return name, line

    def _view(self, node: Apply) -> str:
        base = self.of(node.inputs[0])
        op = node.op
        if isinstance(op, DimShuffle):
            return f"{base}.T" if tuple(op.new_order) == (1, 0) else f"{base}.dimshuffle({_listed(op.new_order)})"
        if isinstance(op, Subtensor):
            return f"{base}[{', '.join(map(self._entry, op.entries(node.inputs)))}]"
        return f"{base}.reshape({self.shape(node.outputs[0])[1:-1]})"

    def _entry(self, entry: Any) -> str:
        if isinstance(entry, slice):
            bounds = ["" if b is None else self._entry(b) for b in (entry.start, entry.stop, entry.step)]
            return ":".join(bounds if bounds[2] else bounds[:2])
        return str(entry) if isinstance(entry, int) else self.length(self.analysis.lengths.number(entry))


def groups_of(schedule: Schedule) -> Iterator[Group]:
    """All groups, in the order they run."""
    for part in schedule.parts:
        yield from part.groups if isinstance(part, Region) else [part]


def operations(group: Group) -> str:
    """The names of a group's operations, those that are computed first in front."""
    nodes = list(reversed(members(group)))
    counts: dict[str, int] = {}
    for node in nodes:
        if not isinstance(node.op, DimShuffle):
            counts[operation(node)] = counts.get(operation(node), 0) + 1
    return ", ".join(name if n == 1 else f"{name} x{n}" for name, n in counts.items()) or "copy"


def is_inlined(variable: Variable) -> bool:
    """Whether a value is a number that stands in the code."""
    return isinstance(variable, Constant) and getattr(variable.data, "size", 0) == 1


def _listed(order: Any) -> str:
    return ", ".join(map(str, order))
