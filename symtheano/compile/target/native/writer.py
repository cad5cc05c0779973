"""Writer: prints a kernel's instructions, loads and stores at the place in the loops where they stand.

What the forms of loops (`kernel`, `runs`, `panels`) have in common: where arguments, elements and scratch memory are,
how wide what is printed is, and the loop that carries accumulators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from symtheano.compile.kernel import Kernel
from symtheano.compile.target.native import memory, pairs
from symtheano.compile.target.native.code import register_type
from symtheano.compile.target.native.layout import Scratch, Slot
from symtheano.compile.target.native.levels import Levels
from symtheano.compile.target.native.llvm import LLVM_TYPES, Function, element_type, vector
from symtheano.compile.target.native.memory import Lanes
from symtheano.compile.target.native.nest import Nest
from symtheano.compile.target.native.point import AT, LANES, Access, Point, Read, Write
from symtheano.compile.target.native.reduce import Accumulator, Values
from symtheano.compile.target.native.wide import WidePrinter
from symtheano.compile.target.native.widths import Widths
from symtheano.scalar.dtypes import is_complex, real_of
from symtheano.scalar.machine import Reg


class Writer:
    """One function under construction, for a kernel. lanes: those of the loop that is being written."""

    def __init__(self, function: Function, kernel: Kernel, nest: Nest, point: Point, plan: Widths) -> None:
        self.function, self.kernel, self.nest, self.point, self.plan = function, kernel, nest, point, plan
        self.levels = Levels(point, nest)
        self.printer = WidePrinter(function, point.code)
        self.lanes = Lanes()
        self.split: str | None = None  # the axis that %lo and %hi bound
        self.pointers: dict[str, str] = {}
        self.scratch: list[Scratch] = []
        self.crossings: dict[str, str] = {}  # inputs that are read from transposed copies: where their rows are
        self.result: Callable[[str], None] | None = None  # gives a reduction's result, where it is in memory
        self._end = "0"  # of the scratch in use
        self._begins = self._accesses()
        self._rows: dict[tuple[str, int], str] = {}  # addresses at `base` of accesses
        self._register = 64 if function.module.host.masks else 32  # bytes

    def _accesses(self) -> dict[int, list[Access]]:
        """The accesses whose `base` an instruction computes, one for each array."""
        found = [r.access for r in self.point.reads.values()] + [w.access for s in self.point.steps for w in s.writes]
        made: dict[int, dict[str, Access]] = {}
        for access in found:
            made.setdefault(access.base.place, {}).setdefault(access.memory, access)
        return {place: list(accesses.values()) for place, accesses in made.items()}

    # -- arguments and scratch -------------------------------------------------------------------------------------

    def arguments(self) -> tuple[Slot, ...]:
        """Reads the slots of the launch."""
        slots = [Slot("pointer", b.name) for b in self.kernel.buffers]
        slots += [Slot("size", a) for a in (*self.kernel.axes, *self.kernel.inner)]
        for instr in self.point.code.instrs:
            if instr.op == "input" and instr.detail.startswith("stride "):
                _, buffer, axis = instr.detail.split(" ")
                slots.append(Slot("stride", buffer, int(axis)))
        for number, slot in enumerate(slots):
            value = self.function.slot("%args", number, "ptr" if slot.kind == "pointer" else "i64")
            if slot.kind == "pointer":
                self.pointers[slot.name] = value
            elif slot.kind == "size":
                self.printer.give(f"size {slot.name}", value, 1)
            else:
                self.printer.give(f"stride {slot.name} {slot.axis}", value, 1)
        return tuple(slots)

    def take_fixed(self, count: int) -> str:
        """A part of the scratch of so many bytes; before any that depends on lengths."""
        start = self._end
        self._end = str(-(-(int(start) + count) // 64) * 64)
        self.scratch.append(Scratch(int(self._end) - int(start)))
        return self.function.gep("%scratch", start)

    def take_kept(self) -> None:
        """Memory for what is kept: `block` values at each point of the inner axes, at a multiple of 64 bytes."""
        function = self.function
        for name, dtype in {w.access.memory: w.access.dtype for s in self.point.steps for w in s.writes}.items():
            if name in self.pointers:
                continue
            self.pointers[name] = function.gep("%scratch", self._end)
            each = np.dtype(dtype).itemsize * (1 if self.nest.row else self.plan.block)
            self.scratch += [Scratch(each, self.kernel.inner), Scratch(64)]
            size = str(each)
            for axis in self.kernel.inner:
                size = function.emit(f"mul i64 {size}, {self.size(axis)}")
            start = function.emit(f"add i64 {self._end}, {size}")
            self._end = function.emit(f"and i64 {function.emit(f'add i64 {start}, 63')}, -64")

    # -- loops -----------------------------------------------------------------------------------------------------

    def size(self, axis: str) -> str:
        """The length of an axis."""
        return self.printer.inputs[f"size {axis}"][0]

    def bounds(self, axis: str) -> tuple[str, str]:
        """The part of an axis that this call computes."""
        return ("%lo", "%hi") if axis == self.split else ("0", self.size(axis))

    def blocks(self, bounds: tuple[str, str], step: int, body: Callable[[str, str], None]) -> None:
        """body(begin, end) for the blocks of `step` of a range."""

        def block(begin: str, _: list[str]) -> None:
            end = self.function.emit(f"add i64 {begin}, {step}")
            body(begin, self.function.intrinsic("llvm.smin.i64", "i64", [("i64", end), ("i64", bounds[1])]))

        self.function.loop(*bounds, step, [], block)

    def along_lanes(self, begin: str, stop: str, heavy: bool, body: Callable[[], None]) -> None:
        """The loop over vectors of the vector axis: whole ones, then the rest."""
        for width, rest in self._passes(heavy):
            end = stop if rest else self.whole(begin, stop, width)

            def block(i: str, _: list[str], width: int = width, rest: bool = rest) -> None:
                with self.printer.scope():
                    self.enter_lanes(i, stop, width, rest, heavy)
                    body()

            with self.printer.scope():
                self.function.loop(begin, end, width, [], block)
            begin = end
        self.lanes = Lanes()

    def _passes(self, heavy: bool) -> list[tuple[int, bool]]:
        """Widths of the loops along the lanes, and whether lanes may be missing there."""
        lanes = self.plan.lanes
        return [(lanes, True)] if heavy else [(lanes * self.plan.unroll, False), (lanes, True)]

    def whole(self, begin: str, stop: str, width: int) -> str:
        """Where the last whole vector of `width` lanes ends."""
        length = self.function.emit(f"sub i64 {stop}, {begin}")
        whole = self.function.emit(f"and i64 {length}, {-width}")
        return self.function.emit(f"add i64 {begin}, {whole}")

    def enter_lanes(self, position: str, stop: str, width: int, rest: bool, mostly: bool) -> None:
        """Inside a loop along the lanes. rest: some may lie behind the end; mostly: only in the last of many steps."""
        self.printer.give(AT, position, 1)
        self.lanes = memory.lanes_until(self.function, position, stop, width, mostly) if rest else Lanes(width)

    def carry(
        self,
        bounds: tuple[str, str],
        step: int,
        dtypes: Sequence[str],
        first: list[Values],
        width: int,
        body: Callable[[str, list[Values]], list[Values]],
    ) -> list[Values]:
        """A loop that carries values of these dtypes."""
        carried = [(register_type(d, width), v) for d, v in zip(dtypes, flat(first), strict=True)]
        made = self.function.loop(*bounds, step, carried, lambda i, values: flat(body(i, grouped(values, first))))
        return grouped(made, first)

    # -- instructions ----------------------------------------------------------------------------------------------

    def print(self, places: Iterable[int]) -> None:
        """Prints instructions here, loads among them, and the addresses that begin here."""
        for place in places:
            instr = self.point.code.instrs[place]
            if instr.op != "input":
                self.printer.print((place,), self.lanes.width if self.levels.of[place].wide else 1)
            elif instr.detail == LANES:
                self._print_lanes()
            elif instr.detail in self.point.reads:
                self._read(instr.detail, self.point.reads[instr.detail])
            elif instr.detail in self.point.results and self.result is not None:
                self.result(instr.detail)
            for access in self._begins.get(place, ()):
                self._rows[access.memory, place] = self._base(access)

    def hoist(self, places: Iterable[int]) -> None:
        """Copies into all lanes the scalars known here that wide instructions of a loop will read."""
        for place in places:
            if self.levels.of[place].wide:
                for reg in self.point.code.instrs[place].args:
                    if not self.levels.of[reg.place].wide and self.printer.known(reg):
                        self.printer.hoist([reg], max(1, self._register // np.dtype(reg.dtype).itemsize))

    def width(self, reg: Reg) -> int:
        """The lanes of a register here."""
        return self.lanes.width if self.levels.of[reg.place].wide else 1

    def fold(self, accumulator: Accumulator, old: Values, width: int, mask: str | None) -> Values:
        """The terms with those of this point; lanes that are not in `mask` stay as they are."""
        values = [self.printer.value(r, width) for r in accumulator.fold.values]
        new = accumulator.combine(self.function, old, values, width)
        if mask is None:
            return new
        one, types = vector("i1", width), [register_type(d, width) for d in accumulator.terms]
        return [
            self.function.emit(f"select {one} {mask}, {t} {n}, {t} {o}")
            for t, n, o in zip(types, new, old, strict=True)
        ]

    def give_result(self, accumulator: Accumulator, values: Values, width: int) -> None:
        """The result of a reduction, from here on."""
        for part, value in enumerate(values):
            self.printer.give(f"result {accumulator.fold.reduce.name} {part}", value, width)

    def _print_lanes(self) -> None:
        width = self.lanes.width
        type_ = vector("i64", width)
        at = self.printer.inputs[AT][0]
        if width == 1:
            self.printer.give(LANES, at, 1)
            return
        first = self.function.emit(f"insertelement {type_} poison, i64 {at}, i64 0")
        zeros = f"{vector('i32', width)} zeroinitializer"
        base = self.function.emit(f"shufflevector {type_} {first}, {type_} poison, {zeros}")
        self.printer.give(LANES, self.function.emit(f"add {type_} {base}, {memory.numbers('i64', width)}"), width)

    # -- memory ----------------------------------------------------------------------------------------------------

    def _read(self, name: str, read: Read) -> None:
        lanes = Lanes() if read.access.along == "same" else self.lanes
        self.printer.give(name, self._value(name, read, lanes), lanes.width)

    def _value(self, name: str, read: Read, lanes: Lanes) -> str:
        """What is loaded: an element (a part of it) for each lane."""
        access, part, function = read.access, read.part, self.function
        dtype = real_of(access.dtype)
        if access.along in ("same", "beside") or name in self.crossings:
            if name in self.crossings:
                pointer = function.gep(self.crossings[name], self.printer.inputs[AT][0], element_type(access.dtype))
            else:
                pointer = self.pointer(access)
            return self._load(access.dtype, pointer, part, lanes)
        if memory.gathers(function, dtype):
            pointer, offsets = self._offsets(access)
            element = element_type(access.dtype)
            return memory.gather(function, dtype, self._part(pointer, dtype, part), offsets, lanes, element)
        return memory.load_each(function, dtype, self._each(access, part), lanes)

    def _load(self, dtype: str, pointer: str, part: int, lanes: Lanes) -> str:
        """Elements side by side, or their parts."""
        own = real_of(dtype)
        if not is_complex(dtype):
            return memory.load(self.function, dtype, pointer, lanes)
        if lanes.width == 1:
            return memory.load(self.function, own, self._part(pointer, own, part), lanes)
        return pairs.load_part(self.function, own, pointer, part, lanes)

    def write(self, writes: Sequence[Write]) -> None:
        """What a stage stores, in order."""
        for write in writes:
            access = write.access
            dtype = real_of(access.dtype)
            wide = any(self.levels.of[v.place].wide for v in write.values) or (write.add and self.lanes.width > 1)
            if access.along == "beside" or (access.along == "same" and not wide):
                self._store(write, self.pointer(access), self.lanes if access.along == "beside" else Lanes())
                continue
            for part, reg in enumerate(write.values):
                value = self.printer.value(reg, self.lanes.width)
                memory.store_each(self.function, dtype, value, self._each(access, part), self.lanes, write.add)

    def _store(self, write: Write, pointer: str, lanes: Lanes) -> None:
        """Stores, or adds to, elements side by side."""
        function, dtype = self.function, write.access.dtype
        own = real_of(dtype)
        values = [self.printer.value(reg, lanes.width) for reg in write.values]
        if write.add:
            old = [self._load(dtype, pointer, part, lanes) for part in range(len(values))]
            values = [memory.added(function, own, x, y, lanes.width) for x, y in zip(old, values, strict=True)]
        if len(values) > 1 and lanes.width > 1:
            pairs.store_parts(function, own, values, pointer, lanes)
            return
        for part, value in enumerate(values):
            memory.store(function, own, value, self._part(pointer, own, part), lanes)

    def _part(self, pointer: str, dtype: str, part: int) -> str:
        return pointer if not part else self.function.gep(pointer, str(part), LLVM_TYPES[dtype])

    def pointer(self, access: Access) -> str:
        """The address of (the first lane's) element."""
        element = element_type(access.dtype)
        pointer = self._rows.get((access.memory, access.base.place)) or self._base(access)
        if access.lane is not None:
            pointer = self.function.gep(pointer, self.printer.value(access.lane, 1), element)
        return pointer

    def _base(self, access: Access) -> str:
        offset = self.printer.value(access.base, 1)
        pointer = self.pointers[access.memory]
        return pointer if offset == "0" else self.function.gep(pointer, offset, element_type(access.dtype))

    def _offsets(self, access: Access) -> tuple[str, str]:
        """Where elements begin, and how far from there the one of each lane is."""
        width = self.lanes.width
        assert access.offset is not None
        offsets = self.printer.value(access.offset, width)
        if access.along == "gather":
            return self.pointers[access.memory], offsets
        type_ = vector("i64", width)
        return self.pointer(access), self.function.emit(f"mul {type_} {offsets}, {memory.numbers('i64', width)}")

    def _each(self, access: Access, part: int) -> memory.Address:
        """The address of the element in each lane, of a part of it."""
        function, element, dtype = self.function, element_type(access.dtype), real_of(access.dtype)
        if access.along == "gather":
            assert access.offset is not None
            offsets = memory.spread(function, self.printer.value(access.offset, self.lanes.width), self.lanes)
            first = self._part(self.pointers[access.memory], dtype, part)
            return lambda lane: function.gep(first, offsets(lane), element)
        first = self._part(self.pointer(access), dtype, part)
        stride = "0" if access.offset is None else self.printer.value(access.offset, 1)
        return lambda lane: function.gep(first, function.emit(f"mul i64 {lane}, {stride}"), element)


# ----- Pieces -----


def flat(groups: Sequence[Values]) -> Values:
    """All values in a row."""
    return [value for group in groups for value in group]


def grouped(values: Sequence[str], like: Sequence[Values]) -> list[Values]:
    """Values in groups as long as those of `like`."""
    groups, position = [], 0
    for group in like:
        groups.append(list(values[position : position + len(group)]))
        position += len(group)
    return groups
