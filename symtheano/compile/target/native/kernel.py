"""emit_kernel: a Kernel as one LLVM function, vectorised as it is emitted.

    layout = emit_kernel(module, "k0", kernel, {"x0": ("s", "c"), "x1": ("s", "c")})

How: `nest` chooses the loops and the axis along the lanes, `widths` how many lanes, `point` makes the machine code of
one point, `levels` says in which loop each instruction is computed. Here are the loops over the axes; those over the
inner axes are in `runs` (row form) and `panels` (column form).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from symtheano.compile.kernel import Kernel, Stage, Store
from symtheano.compile.target.native.address import affine
from symtheano.compile.target.native.cost import nanoseconds
from symtheano.compile.target.native.layout import ABI, Layout
from symtheano.compile.target.native.llvm import Module, element_type
from symtheano.compile.target.native.nest import Classes, Nest, choose
from symtheano.compile.target.native.panels import Panels
from symtheano.compile.target.native.point import AT, Access, lower_kernel
from symtheano.compile.target.native.reduce import Accumulator
from symtheano.compile.target.native.runs import run_inner
from symtheano.compile.target.native.transpose import COLUMNS, PITCH, TILE_BYTES, transpose_function
from symtheano.compile.target.native.widths import widths
from symtheano.compile.target.native.writer import Writer
from symtheano.scalar.expr import Expr, dtypes_of, postorder
from symtheano.scalar.machine import Reg


def emit_kernel(module: Module, name: str, kernel: Kernel, access: Classes, tiles: bool = True) -> Layout:
    """Adds the function `name` to the module, in the ABI of `layout`. access: see `nest.Classes`.

    tiles: whether arrays that are read across the lanes may be transposed in scratch memory, block by block.
    """
    kernel = stores_last(kernel)
    dtypes = kernel_dtypes(kernel)
    nest = choose(kernel, access, dtypes, tiles)
    plan = widths(kernel, nest, access, dtypes, module.host)
    point = lower_kernel(kernel, nest, access, dtypes, plan.block)
    function = module.function(name, ABI, "i32")
    function.opaque = True  # addresses are as they shall be
    writer = Writer(function, kernel, nest, point, plan)
    writer.split = split_axis(kernel, nest, dtypes)
    slots = writer.arguments()
    _Axes(writer).run()
    function.ret("0")
    grain = {nest.vector: plan.lanes * plan.unroll, nest.tile: TILE_BYTES}.get(writer.split, 1)
    cost = nanoseconds(point, writer.levels, nest, plan.lanes)
    return Layout(name, slots, writer.split, tuple(writer.scratch), cost, grain)


def kernel_dtypes(kernel: Kernel) -> dict[Expr, str]:
    """The dtype of every expression, those of indices too."""
    given = {b.name: b.dtype for b in kernel.buffers}
    given |= {s.name: s.dtype for s in kernel.statements() if not isinstance(s, Store)}
    exprs = [s.expr for s in kernel.statements()]
    exprs += [i for s in kernel.statements() if isinstance(s, Store) for i in s.index]
    return dtypes_of(exprs, given, kernel.floatX)


def stores_last(kernel: Kernel) -> Kernel:
    """What is stored once a point, and not read again, is stored at the end: no stage must wait for it."""
    if len(kernel.stages) == 1:
        return kernel
    last: list[Store] = []
    stages: list[Stage] = []
    read: set[str] = set()  # by the stages behind
    written: set[str] = set()
    for stage in reversed(kernel.stages):
        body = stage.body
        stored = {s.buffer for s in body if isinstance(s, Store)}
        exprs = [e for s in body for e in (s.expr, *(s.index if isinstance(s, Store) else ()))]
        loads = {n.value for n in postorder(exprs) if n.kind == "load"}
        waits = (stored & read) or (written & (loads | stored)) or any(map(_adds, body))
        if stages and not stage.inner and not waits:
            last[:0] = [s for s in body if isinstance(s, Store)]
            body = ()
        if body:
            stages.insert(0, Stage(stage.inner, body))
        read |= loads
        written |= stored
    if last:
        stages.append(Stage(False, tuple(last)))
    return replace(kernel, stages=tuple(stages))


def _adds(statement: object) -> bool:
    return isinstance(statement, Store) and statement.add


def split_axis(kernel: Kernel, nest: Nest, dtypes: Mapping[Expr, str]) -> str | None:
    """The outermost loop, if its parts can run at the same time."""
    axis = nest.outer[0] if nest.outer else None if nest.row else nest.vector
    for statement in kernel.statements():
        if axis is not None and isinstance(statement, Store):
            sums = [affine(i, dtypes) for i in statement.index]
            free = statement.add or any(s.rest for s in sums)
            if free and not any(not s.rest and list(s.axes) == [axis] for s in sums):
                return None  # elements may be the same in two parts
    return axis


class _Axes:
    """The loops over the kernel's axes."""

    def __init__(self, writer: Writer) -> None:
        self.writer, self.function, self.nest, self.plan = writer, writer.function, writer.nest, writer.plan
        self.levels, self.point = writer.levels, writer.point
        self.columns: tuple[str, str] | None = None  # the part of the vector axis in a tile
        self.tiles: dict[str, str] = {}  # of inputs that are read across the lanes: the transposed copies
        self.panels: Panels | None = None
        self.done: set[int] = set()  # what the stages of a point have printed

    def run(self) -> None:
        writer = self.writer
        crossed = {n: r.access for n, r in self.point.reads.items() if r.access.crossed}
        copies = {access: writer.take_fixed(TILE_BYTES * PITCH) for access in dict.fromkeys(crossed.values())}
        self.tiles = {name: copies[access] for name, access in crossed.items()}  # parts of a number have one copy
        if self.nest.vector is not None and not self.nest.row and self.nest.inner:
            self.panels = Panels(writer)
            self.panels.take()
        writer.take_kept()
        self._descend(0)

    def _descend(self, depth: int) -> None:
        """The loops from a depth on."""
        outer, writer = self.nest.outer, self.writer
        if depth < self.nest.point:
            self._print(depth)
        if depth == len(outer) - 1 and self.nest.tile is not None and self.columns is None:
            self._tiles(depth)
        elif depth < len(outer):

            def body(i: str, _: list[str]) -> None:
                with writer.printer.scope():
                    writer.printer.give(f"index {outer[depth]}", i, 1)
                    self._descend(depth + 1)

            self.function.loop(*writer.bounds(outer[depth]), 1, [], body)
        elif self.panels is not None:
            self.panels.run()
        elif depth < self.nest.point:
            assert self.nest.vector is not None
            with writer.printer.scope():
                writer.hoist(p for places in self.levels.needed for p in places)
                bounds = self.columns or writer.bounds(self.nest.vector)
                writer.along_lanes(*bounds, any(self.plan.heavy), self._stages)
        else:
            self._stages()

    def _print(self, depth: int) -> None:
        needed = sorted({p for places in self.levels.needed for p in places})
        self.writer.print(p for p in needed if self.levels.of[p].depth == depth and self.levels.of[p].after < 0)

    # -- tiles -----------------------------------------------------------------------------------------------------

    def _tiles(self, depth: int) -> None:
        """Blocks of the tile's axis and of the vector axis: arrays that cross them are transposed block by block."""
        function, writer, tile, vector = self.function, self.writer, self.nest.tile, self.nest.vector
        assert tile is not None and vector is not None
        crossed = {name: self.point.reads[name].access for name in self.tiles}

        def block(i: str, i_end: str, j: str, j_end: str) -> None:
            for place, access in {self.tiles[name]: access for name, access in crossed.items()}.items():
                self._transpose(place, access, (i, i_end), (j, j_end))

            def step(at: str, _: list[str]) -> None:
                with writer.printer.scope():
                    writer.printer.give(f"index {tile}", at, 1)
                    row = function.emit(f"mul i64 {function.emit(f'sub i64 {at}, {i}')}, {PITCH}")
                    row = function.emit(f"sub i64 {row}, {j}")
                    for name, access in crossed.items():
                        writer.crossings[name] = function.gep(self.tiles[name], row, element_type(access.dtype))
                    self.columns = (j, j_end)
                    self._descend(depth + 1)

            function.loop(i, i_end, 1, [], step)

        rows = TILE_BYTES // max(np.dtype(a.dtype).itemsize for a in crossed.values())

        def strip(i: str, i_end: str) -> None:
            writer.blocks(writer.bounds(vector), COLUMNS, lambda j, j_end: block(i, i_end, j, j_end))

        writer.blocks(writer.bounds(tile), rows, strip)

    def _transpose(self, place: str, access: Access, rows: tuple[str, str], columns: tuple[str, str]) -> None:
        """Copies a block to the scratch, so that the lanes lie side by side."""
        function, writer = self.function, self.writer
        with writer.printer.scope():
            writer.printer.give(f"index {self.nest.tile}", rows[0], 1)
            writer.printer.give(AT, columns[0], 1)
            inside = (self.nest.point, self.nest.point - 1)
            writer.print(p for p in self.levels.need(access.regs) if self.levels.of[p].depth in inside)
            source = writer.pointer(access)
            assert access.offset is not None
            stride = writer.printer.value(access.offset, 1)
        lengths = [function.emit(f"sub i64 {end}, {begin}") for begin, end in (columns, rows)]
        name = transpose_function(function.module, np.dtype(access.dtype).itemsize)
        args = [("ptr", place), ("ptr", source), ("i64", stride), *(("i64", n) for n in lengths)]
        function.call(f"@{name}", "void", args)

    # -- stages ----------------------------------------------------------------------------------------------------

    def _stages(self) -> None:
        """The stages at a point (of all lanes)."""
        writer = self.writer
        self.done = set()
        for number, step in enumerate(self.point.steps):
            self._print_point(number)
            if step.inner:
                run_inner(writer, number)
                continue
            for fold in step.folds:  # over no axes
                width = writer.width(fold.values[0])
                writer.give_result(
                    Accumulator(fold, False), [writer.printer.value(r, width) for r in fold.values], width
                )
            writer.write(step.writes)

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
        self.writer.print(chosen)
        self.done.update(chosen)

    def _at_point(self, place: int) -> bool:
        return self.levels.of[place].depth == self.nest.point
