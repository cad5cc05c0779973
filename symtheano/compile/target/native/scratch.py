"""The scratch memory of a region: which intermediate value lies where, by the lengths of their lives.

Values that are not needed at the same time share a slot. Lengths are symbols, so values share a slot where their sizes
are the same formula, or where both are numbers. The end of the memory is that of single launches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symtheano.compile.analyse import Analysis
from symtheano.compile.fuse import Fusion, Group
from symtheano.compile.lengths import Formula, Length
from symtheano.compile.overwriting import base_of, may_overwrite, only_copies
from symtheano.compile.schedule import Region
from symtheano.compile.target.native.layout import Layout
from symtheano.compile.target.native.length_code import LengthCode
from symtheano.compile.target.native.llvm import Function
from symtheano.graph.variable import Variable

CHUNKS = 16  # into how many parts threads divide one launch, at most; each that runs has scratch memory of its own


@dataclass
class Slot:
    """Memory for one value at a time. lengths: of the array; bytes: of an element (of all where it has no lengths)."""

    bytes: int
    lengths: tuple[Length, ...]

    def size(self, code: LengthCode, bounded: bool = False) -> str:
        """Bytes, a multiple of 64. bounded: at most about length_code.MOST."""
        if not self.lengths:
            return str(-(-self.bytes // 64) * 64)
        f, product = code.f, code.bounded if bounded else code.product
        total = product((self.bytes, *self.lengths))
        return f.emit(f"and i64 {f.emit(f'add i64 {total}, 63')}, -64")


@dataclass
class Scratch:
    """The plan of a region. outside: stored values that lie elsewhere. numbers: lengths that are read as values.

    moved: values that lie where another one will, which is a scatter into them. behind: what each step of a loop gave
    lies one row behind what each step found: it is the same but for the first and the last.
    """

    region: Region
    fusion: Fusion
    analysis: Analysis
    outside: set[Variable]
    moved: dict[Variable, Variable] = field(default_factory=dict)
    behind: dict[Variable, Variable] = field(default_factory=dict)
    slots: list[Slot] = field(default_factory=list)
    homes: dict[Variable, int] = field(default_factory=dict)
    numbers: list[Variable] = field(default_factory=list)
    launches: list[tuple[Layout, dict[str, list[Length]]]] = field(default_factory=list)
    loops: list[LoopMemory] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._plan()

    # -- planning ------------------------------------------------------------------------------------------------------
    def _plan(self) -> None:
        last = self._last_uses()
        free: dict[Any, list[int]] = {}
        for variable in last:
            if variable.owner is not None and self.analysis.kinds[variable.owner] == "size":
                self.numbers.append(variable)
                self.homes[variable] = self._slot(variable, free)
        mine = {g: k for k, g in enumerate(self.region.groups)}
        made: dict[int, list[Variable]] = {}
        for variable in self.fusion.stored:
            home = None if variable.owner is None else self.fusion.home.get(variable.owner)
            if home in mine and variable not in self.outside:
                made.setdefault(mine[home], []).append(variable)
        self._move(last, {v for each in made.values() for v in each})
        self._join_states(last, {v for each in made.values() for v in each})
        dying: dict[int, list[Variable]] = {}
        for variable, position in last.items():
            if variable not in self.behind:
                dying.setdefault(position, []).append(variable)
        reads: dict[Group, list[Variable]] = {}
        for variable, groups in self.fusion.users.items():
            for group in groups:
                reads.setdefault(group, []).append(variable)
        for position, group in enumerate(self.region.groups):
            for variable in made.get(position, ()):
                root = self.moved.get(variable, self.behind.get(variable, variable))
                if root not in self.homes and root not in self.outside:
                    over = self._overwritten(group, variable, dying.get(position, []), reads.get(group, []))
                    self.homes[root] = self._slot(root, free) if over is None else self.homes[over]
                if root in self.homes:
                    self.homes[variable] = self.homes[root]
            for variable in dying.get(position, ()):
                if variable in self.homes and variable not in self.numbers and variable not in self.moved:
                    free.setdefault(self._key(variable), []).append(self.homes[variable])

    def _overwritten(
        self, group: Group, variable: Variable, dying: list[Variable], reads: list[Variable]
    ) -> Variable | None:
        """A value that nobody needs after this group, in whose memory the new one is computed."""
        if variable in self.moved or variable.owner is None:
            return None
        for old in dying:
            mine = old in self.homes and old not in (*self.numbers, *self.moved, *self.behind.values())
            if mine and may_overwrite(group, variable, old, reads, self.analysis):
                dying.remove(old)
                return old
        return None

    def _move(self, last: dict[Variable, int], mine: set[Variable]) -> None:
        """What a scatter starts from, and nobody needs after it, lies where its result will."""
        fresh = {g for g in self.region.gives if not isinstance(g, int)}
        for position, group in reversed(list(enumerate(self.region.groups))):
            if group.kind != "scatter" or group.head is None or not only_copies(group, self.analysis):
                continue
            start, target = group.head.inputs[0], group.head.outputs[0]
            if start in mine and last.get(start) == position and (target in mine or target in fresh):
                self.moved[start] = self.moved.get(target, target)

    def _join_states(self, last: dict[Variable, int], mine: set[Variable]) -> None:
        """What steps of a loop found and what they gave are one array, where both lie in this memory."""
        others = {*self.moved, *self.moved.values()}
        for group in self.region.groups:
            if group.kind != "loop" or group.head is None or group.head.op.until:
                continue
            op, outs = group.head.op, group.head.outputs
            for k in op.carried_tensors:
                after, before = outs[op.after(k)], outs[op.before(k)]
                if {after, before} <= mine - others and after in last and before in last:
                    self.behind[after] = before
                    last[before] = max(last[before], last[after])

    def _last_uses(self) -> dict[Variable, int]:
        last: dict[Variable, int] = {}
        mine = {g: k for k, g in enumerate(self.region.groups)}
        for variable, groups in self.fusion.users.items():
            base = base_of(variable, self.analysis)
            for group in groups:
                if group in mine:
                    last[base] = max(last.get(base, 0), mine[group])
        return last

    def _key(self, variable: Variable) -> tuple[int, tuple[Length, ...]]:
        kind: Any = variable.type
        lengths = [self.analysis.lengths.of(n) for n in self.analysis.sizes.of(variable)]
        if variable in self.behind.values():
            lengths[0] = lengths[0] + 1 if isinstance(lengths[0], int) else Formula("add", (lengths[0], 1))
        constant = int(np.dtype(kind.dtype).itemsize)
        for n in lengths:
            constant *= n if isinstance(n, int) else 1
        return constant, tuple(sorted((n for n in lengths if not isinstance(n, int)), key=repr))

    def _slot(self, variable: Variable, free: dict[Any, list[int]]) -> int:
        key = self._key(variable)
        if free.get(key):
            return free[key].pop()
        if not key[1]:
            for other in sorted((k for k in free if not k[1] and free[k]), key=lambda k: -k[0]):
                number = free[other].pop()
                self.slots[number].bytes = max(self.slots[number].bytes, key[0])
                return number
        self.slots.append(Slot(*key))
        return len(self.slots) - 1

    # -- code ----------------------------------------------------------------------------------------------------------
    def start(self, code: LengthCode, arena: str) -> dict[Variable, str]:
        """The addresses of the values; `arena` is that of the whole memory."""
        f = code.f
        offset = "0"
        pointers: list[str] = []
        for slot in self.slots:
            pointers.append(arena if offset == "0" else f.gep(arena, offset))
            size = slot.size(code)
            offset = size if offset == "0" else f.emit(f"add i64 {offset}, {size}")
        self._end = arena if offset == "0" else f.gep(arena, offset)
        found = {v: pointers[k] for v, k in self.homes.items()}
        for after in self.behind:
            kind: Any = after.type
            row = [self.analysis.lengths.of(n) for n in self.analysis.sizes.of(after)[1:]]
            found[after] = f.gep(found[after], code.product((int(np.dtype(kind.dtype).itemsize), *row)))
        return found

    def loop(self) -> LoopMemory:
        """The memory of a loop, which is yet to say what it needs."""
        self.loops.append(LoopMemory(self._end))
        return self.loops[-1]

    def launch(self, layout: Layout, sizes: dict[str, list[Length]], code: LengthCode) -> tuple[str, str]:
        """The memory of a launch: its address, and the bytes that one part of it needs."""
        if not layout.scratch:
            return "null", "0"
        self.launches.append((layout, sizes))
        return self._end, _bytes(layout, sizes, code)

    def total(self, code: LengthCode, pieces: str) -> str:
        """Bytes of the whole memory; from length_code.MOST on where there are too many. pieces: parts of a launch."""
        f: Function = code.f
        total = "0"
        for slot in self.slots:
            size = slot.size(code, bounded=True)
            total = size if total == "0" else f.emit(f"add i64 {total}, {size}")
        most = _most(self.launches, code, pieces)
        for loop in self.loops:
            most = _larger(f, loop.total(code, pieces), most)
        return total if most == "0" else f.emit(f"add i64 {total}, {most}")


@dataclass
class LoopMemory:
    """The memory of a loop: buffers, and behind them that of what is launched before it or, later, that of its steps.

    start: the address. inner: bytes that a step needs, a value in the function that the total is asked in.
    """

    start: str
    slots: list[Slot] = field(default_factory=list)
    launches: list[tuple[Layout, dict[str, list[Length]]]] = field(default_factory=list)
    inner: str = "0"

    def places(self, code: LengthCode) -> list[str]:
        """The addresses of the buffers, and of what is behind them."""
        found = [self.start]
        for slot in self.slots:
            found.append(code.f.gep(found[-1], slot.size(code)))
        self.end = found[-1]
        return found

    def launch(self, layout: Layout, sizes: dict[str, list[Length]], code: LengthCode) -> tuple[str, str]:
        """The memory of a launch before the loop."""
        self.launches.append((layout, sizes))
        return self.end, _bytes(layout, sizes, code)

    def total(self, code: LengthCode, pieces: str) -> str:
        """Bytes of all."""
        total = _larger(code.f, self.inner, _most(self.launches, code, pieces))
        for slot in self.slots:
            total = code.f.emit(f"add i64 {total}, {slot.size(code, bounded=True)}")
        return total


def _most(launches: Sequence[tuple[Layout, dict[str, list[Length]]]], code: LengthCode, pieces: str) -> str:
    """The most bytes that one of these needs, divided among `pieces` threads."""
    most = "0"
    for layout, sizes in launches:
        needed = _bytes(layout, sizes, code, bounded=True)
        if layout.split is not None:
            needed = code.f.emit(f"mul i64 {needed}, {pieces}")
        most = _larger(code.f, needed, most)
    return most


def _larger(f: Function, a: str, b: str) -> str:
    if "0" in (a, b):
        return a if b == "0" else b
    return f.emit(f"select i1 {f.emit(f'icmp sgt i64 {a}, {b}')}, i64 {a}, i64 {b}")


def _bytes(layout: Layout, sizes: dict[str, list[Length]], code: LengthCode, bounded: bool = False) -> str:
    f, product = code.f, code.bounded if bounded else code.product
    total = "0"
    for term in layout.scratch:
        size = product((term.bytes, *(n for a in term.axes for n in sizes[a])))
        total = size if total == "0" else f.emit(f"add i64 {total}, {size}")
    return f.emit(f"and i64 {f.emit(f'add i64 {total}, 63')}, -64")
