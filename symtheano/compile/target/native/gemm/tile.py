"""The register tile: a few rows of C, summed over k in registers, and C = sums, or C = old + factor * sums.

    void @gemm.float.tile6x4(A, A's strides over rows and over k, B, B's stride over k, count of k,
                             C, C's stride over rows, rows, columns, old or null, its stride over rows, factor)

Strides are in bytes; a row of B, of C and of `old` is contiguous; `old` may be C. Rows beyond `rows` repeat the last
one: what they store is the same again. Columns beyond `columns` are neither read nor written where there are masks;
elsewhere they are.

A tile with few accumulators waits for each addition to end before the next one to the same can begin. So there are
tiles with several sets of them, for every second k, every fourth (`tile1x2.4`), which are added up at the end. And
there are some that need no masks, since all their columns are there (`tile1x2.4.full`).
"""

from __future__ import annotations

from collections.abc import Sequence

from symtheano.compile.target.native.gemm.shape import Shape
from symtheano.compile.target.native.llvm import Function, Module

AHEAD = 8  # vectors of B from which on the next ones are asked for
LINE = 64  # bytes of a line of the cache
_PARAMS = (
    ("ptr", "a"),
    ("i64", "a_row"),
    ("i64", "a_k"),
    ("ptr", "b"),
    ("i64", "b_k"),
    ("i64", "depth"),
    ("ptr", "c"),
    ("i64", "c_row"),
    ("i64", "rows"),
    ("i64", "cols"),
    ("ptr", "old"),
    ("i64", "old_row"),
)


def tile_params(shape: Shape) -> tuple[tuple[str, str], ...]:
    """What a tile is called with."""
    return (*_PARAMS, (shape.type, "factor"))


def emit_tile(module: Module, shape: Shape, rows: int, width: int, sets: int = 1, full: bool = False) -> str:
    """The name of the function for tiles of `rows` rows and `width` vectors. sets: of accumulators. full: no masks."""
    name = f"gemm.{shape.type}.tile{rows}x{width}{f'.{sets}' if sets > 1 else ''}{'.full' if full else ''}"
    if name not in module.functions:
        f = module.function(name, tile_params(shape))
        f.noinline = True
        _Tile(f, shape, rows, width, sets, full).write()
    return f"@{name}"


class _Tile:
    def __init__(self, f: Function, shape: Shape, rows: int, width: int, sets: int, full: bool) -> None:
        self.f, self.shape, self.rows, self.width, self.sets = f, shape, rows, width, sets
        self.last = f.emit("sub i64 %rows, 1")
        self.masks = lane_masks(f, shape, "%cols", width) if shape.masks and not full else None

    def write(self) -> None:
        f, shape = self.f, self.shape
        rows = [self._row(r) for r in range(self.rows)]
        offsets = [f.emit(f"mul i64 {row}, %a_row") for row in rows]

        count = self.rows * self.width

        def step(_: str, carried: list[str]) -> list[str]:
            # Addresses are integers here: the code generator then does not look for other ways to count them, which
            # takes it long and gains nothing.
            a_at, b_at, *sums = carried
            a, b = f.emit(f"inttoptr i64 {a_at} to ptr"), f.emit(f"inttoptr i64 {b_at} to ptr")
            if self.rows == 1 and self.width >= AHEAD:
                self._fetch(b)
            row = self._load(b)
            result = []
            for r, offset in enumerate(offsets):
                x = splat(f, shape, f.load(shape.type, f.gep(a, offset), shape.size))
                result += [multiply_add(f, shape, x, y, sums[r * self.width + v]) for v, y in enumerate(row)]
            return [f.emit(f"add i64 {a_at}, %a_k"), f.emit(f"add i64 {b_at}, %b_k"), *result]

        def steps(_: str, carried: list[str]) -> list[str]:
            a_at, b_at, *before = carried
            after: list[str] = []
            for s in range(self.sets):
                a_at, b_at, *more = step("", [a_at, b_at, *before[s * count : (s + 1) * count]])
                after += more
            return [a_at, b_at, *after]

        a_start, b_start = f.emit("ptrtoint ptr %a to i64"), f.emit("ptrtoint ptr %b to i64")
        zeros = [(shape.vector, "zeroinitializer")] * count
        start, first = [("i64", a_start), ("i64", b_start)], "0"
        sums = [zero for _, zero in zeros]
        if self.sets > 1:
            first = f.emit(f"and i64 %depth, {-self.sets}")
            a_at, b_at, *sums = f.loop("0", first, self.sets, [*start, *(zeros * self.sets)], steps)
            start = [("i64", a_at), ("i64", b_at)]
            sums = self._together(sums)
        begin = [*start, *((shape.vector, value) for value in sums)]
        _, _, *sums = f.loop(first, "%depth", 1, begin, step)
        kinds = [(shape.vector, value) for value in sums]
        sums = f.when(f.emit("icmp ne ptr %old, null"), lambda: self._added(rows, sums), kinds)
        for r, row in enumerate(rows):
            pointer = f.gep("%c", f.emit(f"mul i64 {row}, %c_row"))
            self._store(pointer, sums[r * self.width : (r + 1) * self.width])
        f.ret()

    def _fetch(self, b: str) -> None:
        """Asks for the row of B after the next one: a single row of A leaves no time to wait for it."""
        far = self.f.gep(b, self.f.emit("mul i64 %b_k, 2"))
        fixed = [("i32", "0"), ("i32", "3"), ("i32", "1")]  # to be read, to all caches, data
        for line in range(0, self.width * self.shape.lanes * self.shape.size, LINE):
            self.f.intrinsic("llvm.prefetch.p0", "void", [("ptr", self.f.gep(far, str(line))), *fixed])

    def _together(self, sums: list[str]) -> list[str]:
        """The sets added up, the neighbours first."""
        count = self.rows * self.width
        sets = [sums[s * count : (s + 1) * count] for s in range(self.sets)]
        while len(sets) > 1:
            pairs = zip(sets[::2], sets[1::2], strict=True)
            sets = [
                [self.f.emit(f"fadd {self.shape.vector} {x}, {y}") for x, y in zip(a, b, strict=True)] for a, b in pairs
            ]
        return sets[0]

    def _row(self, r: int) -> str:
        """Row r, or the last there is."""
        return self.f.intrinsic("llvm.smin.i64", "i64", [("i64", str(r)), ("i64", self.last)]) if r else "0"

    def _added(self, rows: Sequence[str], sums: Sequence[str]) -> list[str]:
        """All that is old is read before anything is written."""
        f, kind = self.f, self.shape.vector
        factor = splat(f, self.shape, "%factor")
        old = [v for row in rows for v in self._load(f.gep("%old", f.emit(f"mul i64 {row}, %old_row")))]
        return [
            f.emit(f"fadd {kind} {x}, {f.emit(f'fmul {kind} {factor}, {y}')}") for x, y in zip(old, sums, strict=True)
        ]

    def _load(self, pointer: str) -> list[str]:
        return load_row(self.f, self.shape, pointer, self.width, self.masks)

    def _store(self, pointer: str, values: Sequence[str]) -> None:
        store_row(self.f, self.shape, pointer, values, self.masks)


# ----- Rows of vectors -----


def lane_masks(f: Function, shape: Shape, cols: str, width: int) -> list[str]:
    """Which lanes of `width` vectors are below `cols`."""
    kind = f"<{shape.lanes} x i32>"
    narrow = f.emit(f"trunc i64 {cols} to i32")
    one = f.emit(f"insertelement {kind} poison, i32 {narrow}, i64 0")
    limit = f.emit(f"shufflevector {kind} {one}, {kind} poison, {kind} zeroinitializer")
    return [
        f.emit(f"icmp slt {kind} <{', '.join(f'i32 {v * shape.lanes + k}' for k in range(shape.lanes))}>, {limit}")
        for v in range(width)
    ]


def load_row(f: Function, shape: Shape, pointer: str, width: int, masks: Sequence[str] | None) -> list[str]:
    """`width` vectors side by side; zeros where a mask does not hold."""
    places = [f.gep(pointer, str(v * shape.lanes * shape.size)) for v in range(width)]
    if masks is None:
        return [f.load(shape.vector, p, shape.size) for p in places]
    kind = f"<{shape.lanes} x i1>"
    return [
        f.intrinsic(
            f"llvm.masked.load.{shape.suffix}.p0",
            shape.vector,
            [("ptr", p), ("i32", str(shape.size)), (kind, m), (shape.vector, "zeroinitializer")],
        )
        for p, m in zip(places, masks, strict=True)
    ]


def store_row(f: Function, shape: Shape, pointer: str, values: Sequence[str], masks: Sequence[str] | None) -> None:
    """Vectors side by side, where the masks hold."""
    kind = f"<{shape.lanes} x i1>"
    for v, value in enumerate(values):
        place = f.gep(pointer, str(v * shape.lanes * shape.size))
        if masks is None:
            f.store(shape.vector, value, place, shape.size)
        else:
            args = [(shape.vector, value), ("ptr", place), ("i32", str(shape.size)), (kind, masks[v])]
            f.intrinsic(f"llvm.masked.store.{shape.suffix}.p0", "void", args)


def splat(f: Function, shape: Shape, value: str) -> str:
    """A number in all lanes."""
    one = f.emit(f"insertelement {shape.vector} poison, {shape.type} {value}, i64 0")
    return f.emit(f"shufflevector {shape.vector} {one}, {shape.vector} poison, <{shape.lanes} x i32> zeroinitializer")


def multiply_add(f: Function, shape: Shape, x: str, y: str, z: str) -> str:
    """x * y + z, rounded once where the processor can."""
    if shape.fma:
        kind = shape.vector
        return f.intrinsic(f"llvm.fma.{shape.suffix}", kind, [(kind, x), (kind, y), (kind, z)])
    return f.emit(f"fadd {shape.vector} {f.emit(f'fmul {shape.vector} {x}, {y}')}, {z}")
