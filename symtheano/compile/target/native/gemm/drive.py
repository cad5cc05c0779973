"""The loops around the tiles: panels of columns, blocks of rows.

    void @gemm.float(args, lo, hi, scratch, C, C's stride over rows, done, near, near's stride over rows, adds, factor)

`args` begins with 8-byte slots as FIELDS says, strides in elements. lo..hi of 0..rows is a share of the work: the rows
or, where there are panels of columns enough, these are divided in that proportion. Every element of C is summed in the
same order however the work is divided.

The sums of a block go to scratch, and `done(args, sums, their stride over rows, first row, rows, first column,
columns)` takes them from there. Where C is given they go to C instead, and nobody is told (without masks: where tiles
fit). `near` is a matrix like C, which is fetched into the cache before it is needed. adds: C = near + factor * sums.

Scratch is the sums of a block, a panel of B, and some rows of A (`scratch_terms`).
"""

from __future__ import annotations

from symtheano.compile.target.native.gemm.few import ROWS as FEW
from symtheano.compile.target.native.gemm.few import emit_few, few_params
from symtheano.compile.target.native.gemm.pack import PARAMS as PACK
from symtheano.compile.target.native.gemm.pack import emit_pack
from symtheano.compile.target.native.gemm.shape import Shape
from symtheano.compile.target.native.gemm.tile import emit_tile, tile_params
from symtheano.compile.target.native.layout import ABI, Scratch
from symtheano.compile.target.native.llvm import Function, Module

PACK_ROWS = 64  # so many rows make good for collecting a panel of B
PACK_BYTES = 1 << 15  # ... if it is spread over so much memory
FAR = 1 << 19  # rows of A are collected if one is spread over so much
LINE = 64  # bytes of a line of the cache
PANELS = 8  # so many are divided well between threads
FIELDS = ("a", "a_row", "a_k", "b", "b_k", "b_col", "rows", "cols", "depth")
_PARAMS = (*ABI, ("ptr", "c"), ("i64", "c_row"), ("ptr", "done"), ("ptr", "near"), ("i64", "near_row"), ("i1", "adds"))
DONE = (
    ("ptr", "args"),
    ("ptr", "sums"),
    ("i64", "sums_row"),
    ("i64", "row"),
    ("i64", "rows"),
    ("i64", "col"),
    ("i64", "cols"),
)


def drive_params(shape: Shape) -> tuple[tuple[str, str], ...]:
    """What the function is called with."""
    return (*_PARAMS, (shape.type, "factor"))


def scratch_terms(shape: Shape, depth: str, collects: bool = True) -> tuple[Scratch, ...]:
    """Of a call. depth: the axis that is summed over. collects: whether columns of A may lie side by side in memory."""
    rows = Scratch(shape.collected * shape.size, (depth,))
    return Scratch(shape.row * shape.block_rows), Scratch(shape.row, (depth,)), *([rows] if collects else [])


def emit_drive(module: Module, shape: Shape) -> str:
    """The name of the function."""
    name = f"gemm.{shape.type}"
    if name not in module.functions:
        tiles = {(h, w): emit_tile(module, shape, h, w) for w in shape.widths for h in (shape.tall, shape.short)}
        pack = emit_pack(module, shape)
        f = module.function(name, drive_params(shape))
        f.noinline = True
        _Drive(f, shape, tiles, pack).write()
    return f"@{name}"


class _Drive:
    def __init__(self, f: Function, shape: Shape, tiles: dict[tuple[int, int], str], pack: str) -> None:
        self.f, self.shape, self.tiles, self.pack = f, shape, tiles, pack
        self.field = {n: f.slot("%args", i, "ptr" if n in "ab" else "i64") for i, n in enumerate(FIELDS)}
        for stride in ("a_row", "a_k", "b_k", "b_col"):
            self.field[stride] = f.emit(f"mul i64 {self.field[stride]}, {shape.size}")
        self.c_row = f.emit(f"mul i64 %c_row, {shape.size}")
        self.near_row = f.emit(f"mul i64 %near_row, {shape.size}")
        self.given = f.emit("icmp ne ptr %c, null")

    # -- arithmetic --------------------------------------------------------------------------------------------------
    def op(self, name: str, x: str, y: str | int) -> str:
        return self.f.emit(f"{name} i64 {x}, {y}")

    def min(self, x: str, y: str | int) -> str:
        return self.f.intrinsic("llvm.smin.i64", "i64", [("i64", x), ("i64", str(y))])

    def max(self, x: str, y: str | int) -> str:
        return self.f.intrinsic("llvm.smax.i64", "i64", [("i64", x), ("i64", str(y))])

    def select(self, condition: str, yes: str | int, no: str | int, kind: str = "i64") -> str:
        return self.f.emit(f"select i1 {condition}, {kind} {yes}, {kind} {no}")

    def up(self, x: str, unit: int) -> str:
        """How many units hold x."""
        return self.op("sdiv", self.op("add", x, unit - 1), unit)

    def at(self, pointer: str, *terms: tuple[str, str]) -> str:
        """`pointer` moved by the products."""
        for count, stride in terms:
            pointer = self.f.gep(pointer, self.op("mul", count, stride))
        return pointer

    # -- loops ---------------------------------------------------------------------------------------------------------
    def write(self) -> None:
        f = self.f
        any_ = f.emit(f"icmp sgt i64 {self.field['rows']}, 0")
        self.few = self._are_few()
        undivided = f.emit(f"icmp eq i64 {f.emit('sub i64 %hi, %lo')}, {self.field['rows']}")
        at_once = f.emit(f"and i1 {f.emit(f'and i1 {any_}, {undivided}')}, {self.few}")
        f.when(at_once, lambda: self._few("0", self.field["cols"]))
        f.when(f.emit(f"and i1 {any_}, {f.emit(f'xor i1 {at_once}, true')}"), self._share)
        f.ret()

    def _are_few(self) -> str:
        """Whether rows are few, and those of B lie as tiles read them."""
        f, field, shape = self.f, self.field, self.shape
        beside = f.emit(f"icmp eq i64 {field['b_col']}, {shape.size}")
        few = f.emit(f"and i1 {beside}, {f.emit('icmp sle i64 {}, {}'.format(field['rows'], FEW))}")
        if not shape.masks:  # they read whole vectors
            rest = self.op("and", field["cols"], shape.lanes - 1)
            few = f.emit(f"and i1 {few}, {f.emit(f'icmp eq i64 {rest}, 0')}")
        return few

    def _few(self, first: str, stop: str) -> None:
        args = ["%args", "%scratch", first, stop, "%c", self.c_row, "%done", "%near", self.near_row, "%adds", "%factor"]
        values = [(t, v) for (t, _), v in zip(few_params(self.shape), args, strict=True)]
        self.f.call(emit_few(self.f.module, self.shape, FIELDS, DONE), "void", values)

    def _share(self) -> None:
        """What of C is ours."""
        f, rows, cols, shape = self.f, self.field["rows"], self.field["cols"], self.shape
        self.packs_a = self._worth_collecting()
        row_tiles, col_tiles = self.up(rows, shape.tall), self.up(cols, shape.panel)
        # Collecting is done for each share of the columns: so there should not be many of these.
        enough = self.select(self.packs_a, row_tiles, self.min(row_tiles, PANELS))
        by_cols = f.emit(f"icmp sge i64 {col_tiles}, {enough}")
        tiles = self.select(by_cols, col_tiles, row_tiles)
        unit = self.select(by_cols, shape.panel, shape.tall)
        end = self.select(by_cols, cols, rows)
        first, last = (
            self.min(self.op("mul", self.op("sdiv", self.op("mul", tiles, x), rows), unit), end) for x in ("%lo", "%hi")
        )
        self.panel = f.gep("%scratch", str(shape.row * shape.block_rows))
        self.collected = self.at(self.panel, (self.field["depth"], str(shape.row)))
        self.depth_bytes = self.op("mul", self.field["depth"], shape.size)
        first_row, last_row = self.select(by_cols, 0, first), self.select(by_cols, rows, last)
        self.first_col, stop = self.select(by_cols, first, 0), self.select(by_cols, last, cols)
        f.when(self.few, lambda: self._few(self.first_col, stop))  # divided by columns, as there are no rows
        last_row = self.select(self.few, first_row, last_row)

        def part(i: str, _: object) -> None:
            self.first_row, self.last_row = i, self.min(self.op("add", i, step), last_row)
            f.loop(self.first_col, stop, shape.panel, [], lambda j, _: self._panel(j, stop))

        # All rows at once, or as many as are collected.
        step = self.select(self.packs_a, shape.collected, rows)
        f.loop(first_row, last_row, step, [], part)

    def _worth_collecting(self) -> str:
        """Whether numbers of A lie side by side over its rows, far apart over k, and are needed for several panels."""
        f, shape, field = self.f, self.shape, self.field
        beside = f.emit(f"icmp eq i64 {field['a_row']}, {shape.size}")
        far = f.emit(f"icmp sgt i64 {self.op('mul', field['a_k'], field['depth'])}, {FAR}")
        wide = f.emit(f"icmp sgt i64 {field['cols']}, {2 * shape.panel}")
        return f.emit(f"and i1 {beside}, {f.emit(f'and i1 {far}, {wide}')}")

    def _panel(self, col: str, stop: str) -> None:
        f, shape = self.f, self.shape
        self.col, self.cols = col, self.min(self.op("sub", stop, col), shape.panel)
        b = self.at(self.field["b"], (col, self.field["b_col"]))
        # Where a tile begins in B: so many bytes for each column.
        plain = [("ptr", b), ("i64", self.field["b_k"]), ("i64", self.field["b_col"])]
        self.b, self.b_k, self.b_col = f.when(self._worth_packing(), lambda: self._pack(b), plain)
        self.direct = self.given
        if not shape.masks:  # a tile would write beyond the columns there are
            self.direct = f.emit(f"and i1 {self.given}, {f.emit(f'xor i1 {self._cut()}, true')}")
        count = self.op("sub", self.last_row, self.first_row)
        # What is left behind the last block joins it, if that is no more than two short tiles.
        blocks = self.max(self.up(self.op("sub", count, 2 * shape.short), shape.block), 1)
        final = self.op("sub", blocks, 1)

        def block(n: str, _: object) -> None:
            start = self.op("add", self.first_row, self.op("mul", n, shape.block))
            is_last = f.emit(f"icmp eq i64 {n}, {final}")
            end = self.select(is_last, self.last_row, self.op("add", start, shape.block))
            self._block(start, self.op("sub", end, start))

        f.loop("0", blocks, 1, [], block)

    def _pack(self, b: str) -> list[str]:
        """A panel in scratch: the columns of each tile lie together."""
        f, shape = self.f, self.shape
        pitch = shape.columns * shape.size

        def tile(c: str, _: object) -> None:
            cols = self.min(self.op("sub", self.cols, c), shape.columns)
            to, source = self.at(self.panel, (c, self.depth_bytes)), self.at(b, (c, self.field["b_col"]))
            args = [to, str(pitch), source, self.field["b_k"], self.field["b_col"], self.field["depth"], cols]
            f.call(self.pack, "void", [(t, v) for (t, _), v in zip(PACK, args, strict=True)])

        f.loop("0", self.cols, shape.columns, [], tile)
        return [self.panel, str(pitch), self.depth_bytes]

    def _cut(self) -> str:
        """Whether the last tile of the panel has columns that are not there."""
        rest = self.op("srem", self.cols, self.shape.columns)
        return self.f.emit(f"icmp ne i64 {rest}, 0")

    def _worth_packing(self) -> str:
        f, shape = self.f, self.shape
        apart = f.emit(f"icmp ne i64 {self.field['b_col']}, {shape.size}")
        if not shape.masks:  # a tile would read beyond the columns there are
            apart = f.emit(f"or i1 {apart}, {self._cut()}")
        wide = f.emit(f"icmp sgt i64 {self.cols}, {shape.panel // 2}")
        many = f.emit(f"icmp sgt i64 {self.op('sub', self.last_row, self.first_row)}, {PACK_ROWS}")
        long = f.emit(f"icmp sgt i64 {self.op('mul', self.field['depth'], self.field['b_k'])}, {PACK_BYTES}")
        gains = f.emit(f"and i1 {f.emit(f'and i1 {wide}, {many}')}, {long}")
        return f.emit(f"or i1 {apart}, {gains}")

    def _choose_tiles(self, cols: str) -> dict[int, str]:
        """The functions for tall and for short tiles of so many columns."""
        shape, found = self.shape, {}
        for height in (shape.tall, shape.short):
            found[height] = self.tiles[height, shape.widths[0]]
            for width in shape.widths[1:]:
                fits = self.f.emit(f"icmp sle i64 {cols}, {width * shape.lanes}")
                found[height] = self.select(fits, self.tiles[height, width], found[height], "ptr")
        return found

    def _block(self, start: str, rows: str) -> None:
        f, shape = self.f, self.shape
        target = self.at(f.gep("%c", self.col, shape.type), (start, self.c_row))
        sums = self.select(self.direct, target, "%scratch", "ptr")
        sums_row = self.select(self.direct, self.c_row, shape.row)
        a, a_row, a_k = self._rows_of_a(self.at(self.field["a"], (start, self.field["a_row"])), start, rows)
        near = self.at(f.gep("%near", self.col, shape.type), (start, self.near_row))
        adds = f.emit(f"and i1 %adds, {self.direct}")
        tall_rows = self._tall_rows(rows)

        def column(c: str, _: object) -> None:
            cols = self.min(self.op("sub", self.cols, c), shape.columns)
            chosen = self._choose_tiles(cols)
            b = self.at(self.b, (c, self.b_col))
            c_sums, c_near = f.gep(sums, c, shape.type), f.gep(near, c, shape.type)

            def tile(i: str, height: int) -> None:
                count = self.min(self.op("sub", rows, i), height)
                i_near = self.at(c_near, (i, self.near_row))
                self._fetch(i_near, count)
                args = [self.at(a, (i, a_row)), a_row, a_k, b, self.b_k, self.field["depth"]]
                args += [self.at(c_sums, (i, sums_row)), sums_row, count, cols]
                args += [self.select(adds, i_near, "null", "ptr"), self.near_row, "%factor"]
                f.call(chosen[height], "void", [(t, v) for (t, _), v in zip(tile_params(shape), args, strict=True)])

            f.loop("0", tall_rows, shape.tall, [], lambda i, _: tile(i, shape.tall))
            f.loop(tall_rows, rows, shape.short, [], lambda i, _: tile(i, shape.short))

        if shape.columns == shape.panel:
            column("0", None)
        else:
            f.loop("0", self.cols, shape.columns, [], column)

        def done() -> None:
            values = ["%args", sums, str(shape.panel), start, rows, self.col, self.cols]
            f.call("%done", "void", [(t, v) for (t, _), v in zip(DONE, values, strict=True)])

        f.when(f.emit(f"xor i1 {self.direct}, true"), done)

    def _fetch(self, pointer: str, rows: str) -> None:
        """Asks for the lines of memory that a tile's results will be written to."""
        f = self.f
        fixed = [("i32", "1"), ("i32", "3"), ("i32", "1")]  # to be written, to all caches, data

        def row(_: str, carried: list[str]) -> list[str]:
            for line in range(0, self.shape.columns * self.shape.size, LINE):
                f.intrinsic("llvm.prefetch.p0", "void", [("ptr", f.gep(carried[0], str(line))), *fixed])
            return [f.gep(carried[0], self.near_row)]

        f.loop("0", rows, 1, [("ptr", pointer)], row)

    def _rows_of_a(self, a: str, start: str, rows: str) -> list[str]:
        """A block of A and its strides: its own rows, or those that were collected before the first panel.

        Where A's numbers lie side by side over its rows, a tile would read another line of memory for each k.
        """
        f, size = self.f, self.shape.size
        place = self.at(self.collected, (self.op("sub", start, self.first_row), self.depth_bytes))

        def packed() -> list[str]:
            f.when(f.emit(f"icmp eq i64 {self.col}, {self.first_col}"), copy)
            return [place, self.depth_bytes, str(size)]

        def copy() -> None:
            # To the function the rows are what it counts k by, so it transposes.
            args = [place, self.depth_bytes, a, str(size), self.field["a_k"], rows, self.field["depth"]]
            f.call(self.pack, "void", [(t, v) for (t, _), v in zip(PACK, args, strict=True)])

        return f.when(self.packs_a, packed, [("ptr", a), ("i64", self.field["a_row"]), ("i64", self.field["a_k"])])

    def _tall_rows(self, rows: str) -> str:
        """Rows for tall tiles, a multiple of their height; short ones do the rest, with least in vain: 7 = 4 + 3."""
        f, shape = self.f, self.shape
        rest = self.op("srem", rows, shape.tall)
        whole = self.op("sub", rows, rest)
        more = f.emit(f"icmp sgt i64 {rest}, {shape.short}")
        low = self.op("add", rest, shape.tall)
        two = f.emit(f"icmp sle i64 {low}, {2 * shape.short}")
        some = f.emit(f"and i1 {f.emit(f'icmp sgt i64 {rest}, 0')}, {f.emit(f'icmp sgt i64 {whole}, 0')}")
        fewer = f.emit(f"and i1 {two}, {some}")
        tall = self.select(more, self.op("add", whole, shape.tall), whole)
        return self.select(fewer, self.op("sub", whole, shape.tall), tall)
