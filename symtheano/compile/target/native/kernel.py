"""emit_kernel: a Kernel as one LLVM function, vectorised as it is emitted.

    layout = emit_kernel(module, "k0", kernel, {"x0": ("s", "c"), "x1": ("s", "c")})

How: `nest` chooses the loops and the axis along the lanes, `widths` how many lanes, `point` makes the machine code of
one point, `levels` says in which loop each instruction is computed; here the loops are written around them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from symtheano.compile.kernel import Kernel, Store
from symtheano.compile.target.native import memory
from symtheano.compile.target.native.address import affine
from symtheano.compile.target.native.code import register_type
from symtheano.compile.target.native.layout import ABI, Layout, Scratch, Slot
from symtheano.compile.target.native.levels import Levels
from symtheano.compile.target.native.llvm import LLVM_TYPES, Function, Module, element_type, vector
from symtheano.compile.target.native.memory import Lanes
from symtheano.compile.target.native.nest import Classes, Nest, choose
from symtheano.compile.target.native.point import AT, LANES, Access, Point, Read, Write, lower_kernel
from symtheano.compile.target.native.reduce import Accumulator, Values, blocks
from symtheano.compile.target.native.transpose import COLUMNS, PITCH, TILE_BYTES, transpose_function
from symtheano.compile.target.native.wide import WidePrinter
from symtheano.compile.target.native.widths import STEPS, UNROLL, Widths, widths
from symtheano.scalar.dtypes import real_of
from symtheano.scalar.expr import Expr, dtypes_of
from symtheano.scalar.machine import Reg


def emit_kernel(module: Module, name: str, kernel: Kernel, access: Classes, tiles: bool = True) -> Layout:
    """Adds the function `name` to the module, in the ABI of `layout`. access: see `nest.Classes`.

    tiles: whether arrays that are read across the lanes may be transposed in scratch memory, block by block.
    """
    dtypes = kernel_dtypes(kernel)
    nest = choose(kernel, access, dtypes, tiles)
    plan = widths(kernel, nest, access, dtypes, module.host)
    partial = [bool(kernel.inner)] * len(kernel.stages)
    point = lower_kernel(kernel, nest, access, dtypes, plan.block, partial)
    return _Emitter(module.function(name, ABI, "i32"), kernel, nest, point, plan, dtypes).run()


def kernel_dtypes(kernel: Kernel) -> dict[Expr, str]:
    """The dtype of every expression, those of indices too."""
    given = {b.name: b.dtype for b in kernel.buffers}
    given |= {s.name: s.dtype for s in kernel.statements() if not isinstance(s, Store)}
    exprs = [s.expr for s in kernel.statements()]
    exprs += [i for s in kernel.statements() if isinstance(s, Store) for i in s.index]
    return dtypes_of(exprs, given, kernel.floatX)


class _Emitter:
    def __init__(
        self,
        function: Function,
        kernel: Kernel,
        nest: Nest,
        point: Point,
        plan: Widths,
        dtypes: dict[Expr, str],
    ) -> None:
        self.function, self.kernel, self.nest, self.point = function, kernel, nest, point
        self.plan, self.dtypes = plan, dtypes
        self.levels = Levels(point, nest)
        self.levels = Levels(point, nest)
        self.printer = WidePrinter(function, point.code)
        self.pointers: dict[str, str] = {}
        self.lanes = Lanes()
        function.opaque = True
        self.accesses = self._accesses()
        self.tiles: dict[str, str] = {}  # of inputs that are read across the lanes: the copies in the scratch
        self.crossings: dict[str, str] = {}  # and where the copies' rows are, from the vector axis' start
        self.columns: tuple[str, str] | None = None  # the part of the vector axis in a block
        self.rows: dict[tuple[str, int], str] = {}  # addresses at `base` of accesses
        self.native = 64 if function.module.host.masks else 32  # bytes of a register
        self.done: set[int] = set()  # what the stages of a point have printed
        self.split = self._split()

    def run(self) -> Layout:
        slots = self._arguments()
        scratch = self._scratch()
        self._descend(0)
        self.function.ret("0")
        grain = {self.nest.vector: self.plan.block, self.nest.tile: TILE_BYTES}.get(self.split, 1)
        cost = 0.3 * sum(self.plan.weights) / self.plan.lanes + 0.05
        return Layout(self.function.name, tuple(slots), self.split, tuple(scratch), cost, grain)

    def _accesses(self) -> dict[int, list[Access]]:
        """The accesses whose `base` an instruction computes, one for each array."""
        found = [r.access for r in self.point.reads.values()] + [w.access for s in self.point.steps for w in s.writes]
        made: dict[int, dict[str, Access]] = {}
        for access in found:
            made.setdefault(access.base.place, {}).setdefault(access.memory, access)
        return {place: list(accesses.values()) for place, accesses in made.items()}

    def _split(self) -> str | None:
        """The outermost loop, if its parts can run at the same time."""
        axis = self.nest.outer[0] if self.nest.outer else None if self.nest.row else self.nest.vector
        for statement in self.kernel.statements():
            if axis is not None and isinstance(statement, Store):
                sums = [affine(i, self.dtypes) for i in statement.index]
                free = statement.add or any(s.rest for s in sums)
                if free and not any(not s.rest and list(s.axes) == [axis] for s in sums):
                    return None  # elements may be the same in two parts
        return axis

    # -- arguments -------------------------------------------------------------------------------------------------

    def _arguments(self) -> list[Slot]:
        inputs = [i.detail for i in self.point.code.instrs if i.op == "input"]
        slots = [Slot("pointer", b.name) for b in self.kernel.buffers]
        slots += [Slot("size", a) for a in (*self.kernel.axes, *self.kernel.inner)]
        for name in inputs:
            if name.startswith("stride "):
                _, buffer, axis = name.split(" ")
                slots.append(Slot("stride", buffer, int(axis)))
        for number, slot in enumerate(slots):
            value = self.function.slot("%args", number, "ptr" if slot.kind == "pointer" else "i64")
            if slot.kind == "pointer":
                self.pointers[slot.name] = value
            elif slot.kind == "size":
                self.printer.give(f"size {slot.name}", value, 1)
            else:
                self.printer.give(f"stride {slot.name} {slot.axis}", value, 1)
        return slots

    def _scratch(self) -> list[Scratch]:
        """Kept values one after the other, each at a multiple of 64 bytes."""
        function, terms, end = self.function, [], "0"
        for name, read in self.point.reads.items():
            if read.access.crossed:
                self.tiles[name] = function.gep("%scratch", str(TILE_BYTES * PITCH * len(self.tiles)))
        if self.tiles:
            terms.append(Scratch(TILE_BYTES * PITCH * len(self.tiles)))
            end = str(TILE_BYTES * PITCH * len(self.tiles))
        kept = {w.access.memory: w.access.dtype for s in self.point.steps for w in s.writes}
        for name, dtype in kept.items():
            if name in self.pointers:
                continue
            self.pointers[name] = function.gep("%scratch", end)
            each = np.dtype(dtype).itemsize * (1 if self.nest.row else self.plan.block)
            terms += [Scratch(each, self.kernel.inner), Scratch(64)]
            size = str(each)
            for axis in self.kernel.inner:
                size = function.emit(f"mul i64 {size}, {self._size(axis)}")
            start = function.emit(f"add i64 {end}, {size}")
            end = function.emit(f"and i64 {function.emit(f'add i64 {start}, 63')}, -64")
        return terms

    def _size(self, axis: str) -> str:
        return self.printer.inputs[f"size {axis}"][0]

    def _bounds(self, axis: str) -> tuple[str, str]:
        return ("%lo", "%hi") if axis == self.split else ("0", self._size(axis))

    # -- loops over the axes ---------------------------------------------------------------------------------------

    def _descend(self, depth: int) -> None:
        if depth < self.nest.point:
            self._print_depth(depth)
        if depth == len(self.nest.outer) - 1 and self.nest.tile is not None and self.columns is None:
            self._tiles(depth)
        elif depth < len(self.nest.outer):
            axis = self.nest.outer[depth]

            def body(i: str, _: list[str]) -> None:
                with self.printer.scope():
                    self.printer.give(f"index {axis}", i, 1)
                    self._descend(depth + 1)

            self.function.loop(*self._bounds(axis), 1, [], body)
        elif depth < self.nest.point:
            self._columns()
        else:
            self._stages()

    def _print_depth(self, depth: int) -> None:
        needed = sorted({p for places in self.levels.needed for p in places})
        self._print(p for p in needed if self.levels.of[p].depth == depth and self.levels.of[p].after < 0)

    def _tiles(self, depth: int) -> None:
        """Blocks of the tile's axis and of the vector axis: arrays that cross them are transposed block by block."""
        function, tile, vector = self.function, self.nest.tile, self.nest.vector
        assert tile is not None and vector is not None
        crossed = {n: r.access for n, r in self.point.reads.items() if r.access.crossed}

        def block(i: str, i_end: str, j: str, j_end: str) -> None:
            for name, access in crossed.items():
                self._transpose(self.tiles[name], access, (i, i_end), (j, j_end))

            def step(at: str, _: list[str]) -> None:
                with self.printer.scope():
                    self.printer.give(f"index {tile}", at, 1)
                    row = function.emit(f"mul i64 {function.emit(f'sub i64 {at}, {i}')}, {PITCH}")
                    row = function.emit(f"sub i64 {row}, {j}")
                    for name, access in crossed.items():
                        self.crossings[name] = function.gep(self.tiles[name], row, LLVM_TYPES[access.dtype])
                    self.columns = (j, j_end)
                    self._descend(depth + 1)

            function.loop(i, i_end, 1, [], step)

        largest = max(np.dtype(a.dtype).itemsize for a in crossed.values())
        self._blocks(
            self._bounds(tile),
            TILE_BYTES // largest,
            lambda i, i_end: self._blocks(self._bounds(vector), COLUMNS, lambda j, j_end: block(i, i_end, j, j_end)),
        )

    def _blocks(self, bounds: tuple[str, str], step: int, body: Callable[[str, str], None]) -> None:
        """body(begin, end) for the blocks of `step` of an axis."""

        def block(begin: str, _: list[str]) -> None:
            end = self.function.emit(f"add i64 {begin}, {step}")
            body(begin, self.function.intrinsic("llvm.smin.i64", "i64", [("i64", end), ("i64", bounds[1])]))

        self.function.loop(*bounds, step, [], block)

    def _transpose(self, place: str, access: Access, rows: tuple[str, str], columns: tuple[str, str]) -> None:
        """Copies a block to the scratch, so that the lanes lie side by side."""
        function = self.function
        with self.printer.scope():
            self.printer.give(f"index {self.nest.tile}", rows[0], 1)
            self.printer.give(AT, columns[0], 1)
            inside = (self.nest.point, self.nest.point - 1)
            self._print(p for p in self.levels.need(access.regs) if self.levels.of[p].depth in inside)
            source = self._pointer(access, 0)
            assert access.offset is not None
            stride = self.printer.value(access.offset, 1)
        lengths = [function.emit(f"sub i64 {end}, {begin}") for begin, end in (columns, rows)]
        name = transpose_function(function.module, np.dtype(access.dtype).itemsize, PITCH)
        args = [("ptr", place), ("ptr", source), ("i64", stride), *(("i64", n) for n in lengths)]
        function.call(f"@{name}", "void", args)

    def _columns(self) -> None:
        """The loop over blocks of lanes, in column form: whole ones, then the rest."""
        assert self.nest.vector is not None
        begin, stop = self.columns or self._bounds(self.nest.vector)
        for width, rest in self._passes(any(self.plan.heavy)):
            end = stop if rest else self._whole(begin, stop, width)

            def body(i: str, _: list[str], width: int = width, rest: bool = rest) -> None:
                with self.printer.scope():
                    self._enter_lanes(i, stop, width, rest)
                    self._stages()

            with self.printer.scope():
                self._hoist(p for places in self.levels.needed for p in places)
                self.function.loop(begin, end, width, [], body)
            begin = end
        self.lanes = Lanes()

    def _passes(self, heavy: bool) -> list[tuple[int, bool]]:
        """Widths of the loops along the lanes, and whether lanes may be missing there."""
        lanes = self.plan.lanes
        return [(lanes, True)] if heavy else [(lanes * UNROLL, False), (lanes, True)]

    def _whole(self, begin: str, stop: str, width: int) -> str:
        """Where the last whole vector of `width` lanes ends."""
        length = self.function.emit(f"sub i64 {stop}, {begin}")
        whole = self.function.emit(f"and i64 {length}, {-width}")
        return self.function.emit(f"add i64 {begin}, {whole}")

    def _enter_lanes(self, position: str, stop: str, width: int, rest: bool) -> None:
        self.printer.give(AT, position, 1)
        self.lanes = memory.lanes_until(self.function, position, stop, width) if rest else Lanes(width)

    # -- stages ----------------------------------------------------------------------------------------------------

    def _stages(self) -> None:
        self.done = set()
        for number, step in enumerate(self.point.steps):
            self._print_point(number)
            if step.inner:
                self._inner(number)
                continue
            for fold in step.folds:  # over no axes
                accumulator = Accumulator(fold, False)
                values = [self.printer.value(r, self._width(r)) for r in fold.values]
                self._give_result(accumulator, values, self._width(fold.values[0]))
            self._writes(step.writes)

    def _print_point(self, number: int) -> None:
        """What a stage needs at each point; and if it writes, the elements that later stages need as they were."""
        places = dict.fromkeys(self.levels.needed[number])
        if self.point.steps[number].writes:
            loads = {n for n, read in self.point.reads.items() if read.after < number}
            later = {p for stage in self.levels.needed[number + 1 :] for p in stage}
            early = [p for p in sorted(later) if self.point.code.instrs[p].detail in loads]
            early = [p for p in early if self._at_point(p) and self.levels.of[p].after < number]
            places |= dict.fromkeys(self.levels.need([Reg(p, "") for p in early]))
        chosen = [p for p in sorted(places) if self._at_point(p) and p not in self.done]
        self._print(chosen)
        self.done.update(chosen)

    def _at_point(self, place: int) -> bool:
        return self.levels.of[place].depth == self.nest.point

    def _inner(self, number: int) -> None:
        step = self.point.steps[number]
        accumulators = [Accumulator(f, blocks(self.point.code, f)) for f in step.folds]
        width = self.plan.lanes if self.nest.row else self.lanes.width
        first = [a.first_totals(width) for a in accumulators]
        totals = self._inner_loops(number, 0, accumulators, first, width)
        if self.nest.row:
            self.lanes = Lanes()
        for accumulator, values in zip(accumulators, totals):
            final = accumulator.finish(self.function, values, width, self.nest.row)
            self._give_result(accumulator, final, 1 if self.nest.row else width)

    def _give_result(self, accumulator: Accumulator, values: Values, width: int) -> None:
        for part, value in enumerate(values):
            self.printer.give(f"result {accumulator.fold.reduce.name} {part}", value, width)

    def _inner_loops(
        self, number: int, k: int, accumulators: list[Accumulator], totals: list[Values], width: int
    ) -> list[Values]:
        """The loops over the inner axes from the k-th on."""
        inner = self.nest.inner
        if k == len(inner) - (not self.nest.row):
            return _Run(self, number, accumulators, width).run(totals)

        def body(i: str, carried: list[str]) -> list[str]:
            with self.printer.scope():
                self._enter(number, inner[k], i)
                made = self._inner_loops(number, k + 1, accumulators, _grouped(carried, totals), width)
            return _flat(made)

        types = [t for a in accumulators for t in a.totals]
        return self._carry("0", self._size(inner[k]), 1, types, totals, width, body)

    def _enter(self, number: int, axis: str, i: str) -> None:
        """Inside the loop over a scalar axis of the inner ones."""
        self.printer.give(f"index {axis}", i, 1)
        depth = self.nest.depth(axis)
        self._print(p for p in self.levels.needed[number] if self.levels.of[p].depth == depth)

    def _carry(
        self,
        start: str,
        stop: str,
        step: int,
        dtypes: Sequence[str],
        first: list[Values],
        width: int,
        body: Callable[[str, list[str]], list[str]],
    ) -> list[Values]:
        """A loop that carries values of these dtypes."""
        carried = [(register_type(d, width), v) for d, v in zip(dtypes, _flat(first), strict=True)]
        return _grouped(self.function.loop(start, stop, step, carried, body), first)

    # -- instructions ----------------------------------------------------------------------------------------------

    def _width(self, reg: Reg) -> int:
        return self.lanes.width if self.levels.of[reg.place].wide else 1

    def _print(self, places: Iterable[int]) -> None:
        """Prints instructions here, loads among them, and the addresses that begin here."""
        for place in places:
            instr = self.point.code.instrs[place]
            if instr.op != "input":
                self.printer.print((place,), self.lanes.width if self.levels.of[place].wide else 1)
            elif instr.detail == LANES:
                self._print_lanes()
            elif instr.detail in self.point.reads:
                self._read(instr.detail, self.point.reads[instr.detail])
            for access in self.accesses.get(place, ()):
                self.rows[access.memory, place] = self._base(access)

    def _hoist(self, places: Iterable[int]) -> None:
        """Copies into all lanes the scalars known here that wide instructions of a loop will read."""
        for place in places:
            if self.levels.of[place].wide:
                for reg in self.point.code.instrs[place].args:
                    if not self.levels.of[reg.place].wide and self.printer.known(reg):
                        self.printer.hoist([reg], max(1, self.native // max(1, np.dtype(reg.dtype).itemsize)))

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
        access, function = read.access, self.function
        dtype = real_of(access.dtype)
        if access.along == "same":
            value, width = memory.load(function, dtype, self._pointer(access, read.part), Lanes()), 1
        elif access.along == "beside":
            value, width = memory.load(function, dtype, self._pointer(access, read.part), self.lanes), self.lanes.width
        elif name in self.crossings:
            pointer = function.gep(self.crossings[name], self.printer.inputs[AT][0], LLVM_TYPES[dtype])
            value, width = memory.load(function, dtype, pointer, self.lanes), self.lanes.width
        else:
            value, width = memory.load_each(function, dtype, self._each(access), self.lanes), self.lanes.width
        self.printer.give(name, value, width)

    def _writes(self, writes: Sequence[Write]) -> None:
        for write in writes:
            access, function = write.access, self.function
            dtype = real_of(access.dtype)
            if access.along == "same" and not any(self.levels.of[v.place].wide for v in write.values):
                for part, reg in enumerate(write.values):
                    self._store(write, dtype, self._pointer(access, part), Lanes(), reg)
            elif access.along == "beside":
                self._store(write, dtype, self._pointer(access, 0), self.lanes, write.values[0])
            else:
                value = self.printer.value(write.values[0], self.lanes.width)
                memory.store_each(function, dtype, value, self._each(access), self.lanes)

    def _store(self, write: Write, dtype: str, pointer: str, lanes: Lanes, reg: Reg) -> None:
        value = self.printer.value(reg, lanes.width)
        if write.add:
            value = self._added(dtype, memory.load(self.function, dtype, pointer, lanes), value, lanes.width)
        memory.store(self.function, dtype, value, pointer, lanes)

    def _added(self, dtype: str, x: str, y: str, width: int) -> str:
        kind = {"f": "fadd", "b": "or"}.get(np.dtype(dtype).kind, "add")
        return self.function.emit(f"{kind} {register_type(dtype, width)} {x}, {y}")

    def _pointer(self, access: Access, part: int) -> str:
        """The address of (the first lane's) element."""
        element = element_type(access.dtype)
        pointer = self.rows.get((access.memory, access.base.place)) or self._base(access)
        if access.lane is not None:
            pointer = self.function.gep(pointer, self.printer.value(access.lane, 1), element)
        return pointer if not part else self.function.gep(pointer, str(part), LLVM_TYPES[real_of(access.dtype)])

    def _base(self, access: Access) -> str:
        offset = self.printer.value(access.base, 1)
        pointer = self.pointers[access.memory]
        return pointer if offset == "0" else self.function.gep(pointer, offset, element_type(access.dtype))

    def _each(self, access: Access) -> memory.Address:
        """The address of the element in each lane."""
        function, element = self.function, element_type(access.dtype)
        if access.along == "gather":
            assert access.offset is not None
            offsets = memory.spread(function, self.printer.value(access.offset, self.lanes.width), self.lanes)
            return lambda lane: function.gep(self.pointers[access.memory], offsets(lane), element)
        first = self._pointer(access, 0)
        stride = "0" if access.offset is None else self.printer.value(access.offset, 1)
        return lambda lane: function.gep(first, function.emit(f"mul i64 {lane}, {stride}"), element)


class _Run:
    """The innermost loop of an inner stage: along the lanes in row form, else along the last inner axis."""

    def __init__(self, emitter: _Emitter, number: int, accumulators: list[Accumulator], width: int) -> None:
        self.emitter, self.number, self.accumulators, self.width = emitter, number, accumulators, width
        self.function, self.nest, self.plan = emitter.function, emitter.nest, emitter.plan
        axis = self.nest.vector if self.nest.row else self.nest.inner[-1]
        assert axis is not None
        self.axis, self.size = axis, emitter._size(axis)
        self.step = emitter.point.steps[number]
        self.light = self.nest.row and not self.plan.heavy[number]
        self.lanes = emitter.lanes
        self.places = emitter.levels.needed[number]

    def run(self, totals: list[Values]) -> list[Values]:
        emitter = self.emitter
        with emitter.printer.scope():
            emitter._hoist(self.places)
            if not any(a.blocked for a in self.accumulators):
                return self._block("0", self.size, totals)
            length = STEPS * self.width * UNROLL if self.light else 2 * STEPS * (self.width if self.nest.row else 1)

            def body(begin: str, carried: list[str]) -> list[str]:
                end = self.function.emit(f"add i64 {begin}, {length}")
                end = self.function.intrinsic("llvm.smin.i64", "i64", [("i64", end), ("i64", self.size)])
                return _flat(self._block(begin, end, _grouped(carried, totals)))

            types = [t for a in self.accumulators for t in a.totals]
            return emitter._carry("0", self.size, length, types, totals, self.width, body)

    def _block(self, begin: str, end: str, totals: list[Values]) -> list[Values]:
        """A part of the axis whose terms are added up before they go to the totals."""
        function = self.function
        terms = [a.first_terms(self.width) if a.blocked else t for a, t in zip(self.accumulators, totals)]
        if self.light:
            width = self.width * UNROLL
            whole = self.emitter._whole(begin, end, width)
            many = self._loop(begin, whole, width, False, [a.first_terms(width) for a in self.accumulators])
            for k, (accumulator, values) in enumerate(zip(self.accumulators, many)):
                few = accumulator.narrow(function, values, width, self.width)
                terms[k] = few if accumulator.blocked else accumulator.combine(function, terms[k], few, self.width)
            begin = whole
        terms = self._loop(begin, end, self.width, self.nest.row, terms)
        return [
            a.flush(function, total, term, self.width) if a.blocked else term
            for a, total, term in zip(self.accumulators, totals, terms)
        ]

    def _loop(self, begin: str, end: str, width: int, rest: bool, first: list[Values]) -> list[Values]:
        emitter = self.emitter

        def body(i: str, carried: list[str]) -> list[str]:
            with emitter.printer.scope():
                if self.nest.row:
                    emitter._enter_lanes(i, self.size, width, rest)
                    depth = self.nest.innermost
                    emitter._print(p for p in self.places if emitter.levels.of[p].depth == depth)
                else:
                    emitter._enter(self.number, self.axis, i)
                terms = [
                    self._folded(a, old, width, rest) for a, old in zip(self.accumulators, _grouped(carried, first))
                ]
                emitter._writes(self.step.writes)
            return _flat(terms)

        types = [t for a in self.accumulators for t in a.terms]
        made = emitter._carry(begin, end, width if self.nest.row else 1, types, first, width, body)
        emitter.lanes = self.lanes
        return made

    def _folded(self, accumulator: Accumulator, old: Values, width: int, rest: bool) -> Values:
        values = [self.emitter.printer.value(r, width) for r in accumulator.fold.values]
        new = accumulator.combine(self.function, old, values, width)
        mask = self.emitter.lanes.mask
        if not rest or mask is None:
            return new
        types = [register_type(d, width) for d in accumulator.terms]
        one = vector("i1", width)
        return [self.function.emit(f"select {one} {mask}, {t} {n}, {t} {o}") for t, n, o in zip(types, new, old)]


# ----- Pieces -----


def _flat(groups: Sequence[Values]) -> Values:
    return [value for group in groups for value in group]


def _grouped(values: Sequence[str], like: Sequence[Values]) -> list[Values]:
    """Values in groups as long as those of `like`."""
    groups, position = [], 0
    for group in like:
        groups.append(list(values[position : position + len(group)]))
        position += len(group)
    return groups
