"""Few rows: B is read once, as it lies in memory, while all sums of a row are in registers.

    void @gemm.float.few(args, scratch, first column, stop, C, C's stride over rows, done, near,
                         near's stride over rows, adds, factor)

The arguments are those of the loops (see drive.py), strides in bytes, for all rows and the columns first..stop. Where
B is so narrow that its columns are one tile, the tile has several sets of accumulators; else none has, so that sums do
not depend on how columns are divided.
"""

from __future__ import annotations

from symtheano.compile.target.native.gemm.shape import Shape
from symtheano.compile.target.native.gemm.tile import emit_tile, tile_params
from symtheano.compile.target.native.llvm import Function, Module

ROWS = 2  # at most
_PARAMS = (
    ("ptr", "args"),
    ("ptr", "scratch"),
    ("i64", "first"),
    ("i64", "stop"),
    ("ptr", "c"),
    ("i64", "c_row"),
    ("ptr", "done"),
    ("ptr", "near"),
    ("i64", "near_row"),
    ("i1", "adds"),
)


def few_params(shape: Shape) -> tuple[tuple[str, str], ...]:
    """What the function is called with."""
    return (*_PARAMS, (shape.type, "factor"))


def wide_tiles(shape: Shape, rows: int) -> list[int]:
    """Widths of the tiles for many columns, the widest first: as many accumulators as there is room for."""
    most = 4 * shape.widths[0] // rows
    return [most, most // 2] if shape.masks else [w for w in (16, 8, 4, 2, 1) if w <= most]


def narrow_tiles(shape: Shape, rows: int) -> dict[int, int]:
    """Widths of the tiles where one is enough, the widest first, and their sets of accumulators."""
    widths = shape.widths[:-1] if rows > 1 and shape.masks else shape.widths
    return {w: min(4, max(1, 2 * shape.widths[0] // (w * rows))) for w in widths}


def emit_few(module: Module, shape: Shape, fields: tuple[str, ...], done: tuple[tuple[str, str], ...]) -> str:
    """The name of the function. fields: the first slots of the arguments; done: what `done` is called with."""
    name = f"gemm.{shape.type}.few"
    if name not in module.functions:
        f = module.function(name, few_params(shape))
        f.noinline = True
        _Few(f, shape, fields, done).write()
    return f"@{name}"


class _Few:
    def __init__(self, f: Function, shape: Shape, fields: tuple[str, ...], done: tuple[tuple[str, str], ...]) -> None:
        self.f, self.shape, self.done = f, shape, done
        self.field = {n: f.slot("%args", i, "ptr" if n in "ab" else "i64") for i, n in enumerate(fields)}
        for stride in ("a_row", "a_k", "b_k"):
            self.field[stride] = f.emit(f"mul i64 {self.field[stride]}, {shape.size}")
        self.given = f.emit("icmp ne ptr %c, null")

    @property
    def chunk(self) -> int:
        """Columns whose sums fit the scratch of a block."""
        unit = 4 * self.shape.columns
        return unit * (self.shape.row * self.shape.block_rows // (ROWS * self.shape.size * unit))

    def write(self) -> None:
        f = self.f
        one = f.emit(f"icmp eq i64 {self.field['rows']}, 1")
        narrow = f.emit(f"icmp sle i64 {self.field['cols']}, {self.shape.columns}")
        for rows, holds in ((1, one), (2, f.emit(f"xor i1 {one}, true"))):
            for single in (True, False):
                fits = narrow if single else f.emit(f"xor i1 {narrow}, true")
                f.when(f.emit(f"and i1 {holds}, {fits}"), lambda rows=rows, single=single: self._all(rows, single))  # type: ignore[misc]
        f.ret()

    def _all(self, rows: int, narrow: bool) -> None:
        """The columns in chunks, whose sums are complete before the epilogue takes them."""

        def chunk(col: str, _: object) -> None:
            f = self.f
            rest = f.emit(f"sub i64 %stop, {col}")
            count = f.intrinsic("llvm.smin.i64", "i64", [("i64", rest), ("i64", str(self.chunk))])
            target = f.gep("%c", col, self.shape.type)
            sums = f.emit(f"select i1 {self.given}, ptr {target}, ptr %scratch")
            sums_row = f.emit(f"select i1 {self.given}, i64 %c_row, i64 {self.chunk * self.shape.size}")
            self._tiles(rows, narrow, col, count, sums, sums_row)
            f.when(f.emit(f"xor i1 {self.given}, true"), lambda: self._done(sums, col, count))

        self.f.loop("%first", "%stop", self.chunk, [], chunk)

    def _tiles(self, rows: int, narrow: bool, col: str, count: str, sums: str, sums_row: str) -> None:
        f, shape = self.f, self.shape
        sets = narrow_tiles(shape, rows) if narrow else dict.fromkeys(wide_tiles(shape, rows), 1)
        tiles = {w: self._tile(rows, w, s) for w, s in sets.items()}

        def tile(values: list[str]) -> tuple[list[str], str]:
            (c,) = values
            rest = f.emit(f"sub i64 {count}, {c}")
            function, width = self._choose(tiles, rest)
            cols = f.intrinsic("llvm.smin.i64", "i64", [("i64", rest), ("i64", width)])
            place = f.emit(f"add i64 {col}, {c}")
            near = f.gep("%near", place, shape.type)
            old = f.emit(f"select i1 %adds, ptr {near}, ptr null")
            args = [self.field["a"], self.field["a_row"], self.field["a_k"], f.gep(self.field["b"], place, shape.type)]
            args += [self.field["b_k"], self.field["depth"], f.gep(sums, c, shape.type), sums_row]
            args += [self.field["rows"], cols, old, "%near_row", "%factor"]
            f.call(function, "void", [(t, v) for (t, _), v in zip(tile_params(shape), args, strict=True)])
            following = f.emit(f"add i64 {c}, {cols}")
            return [following], f.emit(f"icmp slt i64 {following}, {count}")

        f.repeat(f.emit(f"icmp sgt i64 {count}, 0"), [("i64", "0")], tile)

    def _tile(self, rows: int, width: int, sets: int) -> tuple[str, str]:
        """The tile for some columns, and the one for all."""
        some = emit_tile(self.f.module, self.shape, rows, width, sets)
        small = self.shape.masks and rows == 1 and width <= self.shape.widths[0]  # masks take a part of its time
        return some, emit_tile(self.f.module, self.shape, rows, width, sets, full=True) if small else some

    def _choose(self, tiles: dict[int, tuple[str, str]], rest: str) -> tuple[str, str]:
        """The tile for so many columns: with masks the narrowest that holds them, else the widest that they fill."""
        f, lanes = self.f, self.shape.lanes
        order = list(tiles.items()) if self.shape.masks else list(reversed(tiles.items()))
        (first, (some, full)), *others = order
        width = str(first * lanes)
        for w, (other_some, other_full) in others:
            relation = "sle" if self.shape.masks else "sge"
            fits = f.emit(f"icmp {relation} i64 {rest}, {w * lanes}")
            some = f.emit(f"select i1 {fits}, ptr {other_some}, ptr {some}")
            full = f.emit(f"select i1 {fits}, ptr {other_full}, ptr {full}")
            width = f.emit(f"select i1 {fits}, i64 {w * lanes}, i64 {width}")
        if not self.shape.masks:
            return some, width
        return f.emit(f"select i1 {f.emit(f'icmp sge i64 {rest}, {width}')}, ptr {full}, ptr {some}"), width

    def _done(self, sums: str, col: str, count: str) -> None:
        values = ["%args", sums, str(self.chunk), "0", self.field["rows"], col, count]
        self.f.call("%done", "void", [(t, v) for (t, _), v in zip(self.done, values, strict=True)])
