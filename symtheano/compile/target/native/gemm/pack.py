"""Parts of a matrix copied into scratch, so that a tile reads one stream of memory: columns side by side for each k.

    void @gemm.float.pack(to, pitch, from, stride over k, stride over columns, count of k, columns)

Strides and the pitch, from one k to the next, are in bytes. Where there are no masks, a row of a panel that is not
full is filled with zeros: tiles compute with what is there, and some numbers would be slow.
"""

from __future__ import annotations

from symtheano.compile.target.native.gemm.shape import Shape
from symtheano.compile.target.native.gemm.tile import lane_masks, load_row, store_row
from symtheano.compile.target.native.llvm import Function, Module, vector

PARAMS = (
    ("ptr", "to"),
    ("i64", "pitch"),
    ("ptr", "source"),
    ("i64", "s_k"),
    ("i64", "s_col"),
    ("i64", "depth"),
    ("i64", "cols"),
)
SQUARE = 4  # what is transposed in registers at a time


def emit_pack(module: Module, shape: Shape) -> str:
    """The name of the function."""
    name = f"gemm.{shape.type}.pack"
    if name not in module.functions:
        f = module.function(name, PARAMS)
        f.noinline = True
        _write(f, shape)
    return f"@{name}"


def _write(f: Function, shape: Shape) -> None:
    if not shape.masks:
        cut = f.emit(f"icmp slt i64 %cols, {shape.columns}")
        bytes_ = f.emit("mul i64 %pitch, %depth")
        args = [("ptr", "%to"), ("i8", "0"), ("i64", bytes_), ("i1", "false")]
        f.when(cut, lambda: _nothing(f.intrinsic("llvm.memset.p0.i64", "void", args)))
    vectors = f.emit(f"icmp eq i64 %s_col, {shape.size}")
    c_start = f.when(vectors, lambda: [_copy_vectors(f, shape)], [("i64", "0")])[0]
    # Squares begin where the vectors ended: if there are vectors, that is near the last column.
    squares = f.emit(f"icmp eq i64 %s_k, {shape.size}")
    mask = f.emit(f"select i1 {squares}, i64 {-SQUARE}, i64 0")
    count = f.emit(f"and i64 {f.emit(f'sub i64 %cols, {c_start}')}, {mask}")
    k_end, c_end = f.emit(f"and i64 %depth, {mask}"), f.emit(f"add i64 {c_start}, {count}")

    def square(c: str, _: object) -> None:
        f.loop("0", k_end, SQUARE, [], lambda k, _: _transpose(f, shape, k, c))

    f.loop(c_start, c_end, SQUARE, [], square)
    _copy_elements(f, shape, c_start, c_end, k_end)  # below the squares
    _copy_elements(f, shape, c_end, "%cols", "0")  # beside them
    f.ret()


def _nothing(_: str) -> None:
    return None


def _copy_vectors(f: Function, shape: Shape) -> str:
    """Copies columns, as many vectors side by side as a tile has; gives how many columns it copied."""
    width = shape.widths[0]
    done = "%cols" if shape.masks else f.emit(f"and i64 %cols, {-shape.columns}")

    def columns(c: str, _: object) -> None:
        rest = f.emit(f"sub i64 %cols, {c}")
        masks = lane_masks(f, shape, rest, width) if shape.masks else None

        def row(_: str, places: list[str]) -> list[str]:
            to, source = (f.emit(f"inttoptr i64 {p} to ptr") for p in places)
            store_row(f, shape, to, load_row(f, shape, source, width, masks), masks)
            return [f.emit(f"add i64 {places[0]}, %pitch"), f.emit(f"add i64 {places[1]}, %s_k")]

        starts = [f.emit(f"ptrtoint ptr {f.gep(p, c, shape.type)} to i64") for p in ("%to", "%source")]
        f.loop("0", "%depth", 1, [("i64", p) for p in starts], row)

    f.loop("0", done, shape.columns, [], columns)
    return done


def _transpose(f: Function, shape: Shape, k: str, c: str) -> None:
    """Four columns of four numbers each become four rows: twice, neighbours' halves are interleaved."""
    kind = vector(shape.type, SQUARE)
    start = f.gep(f.gep("%source", f.emit(f"mul i64 {c}, %s_col")), k, shape.type)
    columns = [
        f.load(kind, f.gep(start, f.emit(f"mul i64 %s_col, {n}") if n else "0"), shape.size) for n in range(SQUARE)
    ]
    for _ in range(2):
        half = SQUARE // 2
        low = "<i32 0, i32 4, i32 1, i32 5>"
        high = "<i32 2, i32 6, i32 3, i32 7>"
        columns = [
            f.emit(f"shufflevector {kind} {columns[n]}, {kind} {columns[n + half]}, <4 x i32> {part}")
            for n in range(half)
            for part in (low, high)
        ]
    to = f.gep(f.gep("%to", f.emit(f"mul i64 {k}, %pitch")), c, shape.type)
    for n, column in enumerate(columns):
        f.store(kind, column, f.gep(to, f.emit(f"mul i64 %pitch, {n}")), shape.size)


def _copy_elements(f: Function, shape: Shape, c_start: str, c_end: str, k_start: str) -> None:
    def element(c: str, k: str) -> None:
        source = f.gep(f.gep("%source", f.emit(f"mul i64 {c}, %s_col")), f.emit(f"mul i64 {k}, %s_k"))
        target = f.gep(f.gep("%to", f.emit(f"mul i64 {k}, %pitch")), c, shape.type)
        f.store(shape.type, f.load(shape.type, source, shape.size), target, shape.size)

    f.loop(c_start, c_end, 1, [], lambda c, _: f.loop(k_start, "%depth", 1, [], lambda k, _: element(c, k)))
