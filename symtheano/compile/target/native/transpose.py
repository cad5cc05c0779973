"""Blocks of arrays transposed into scratch memory: one function of a module for each size of elements.

    define void @transpose.4(ptr %to, ptr %from, i64 %stride, i64 %rows, i64 %columns)
        to[c * PITCH + r] = from[r * stride + c]        for r < rows <= COLUMNS, c < columns <= TILE_BYTES / 4

Whole squares are transposed in registers: vectors of two rows exchange halves, quarters and so on.
"""

from __future__ import annotations

from symtheano.compile.target.native.llvm import Function, Module

TILE_BYTES = 128  # of a block's rows in the array: two lines of memory
COLUMNS = 1024  # of the block as it lies in the scratch
PITCH = COLUMNS + 16  # elements between its rows: not a power of two, whose multiples share few places in the cache


def transpose_function(module: Module, itemsize: int) -> str:
    """The name of the function for elements of this size, which is emitted once into the module."""
    name = f"transpose.{itemsize}"
    if name not in module.functions:
        params = [("ptr", "to"), ("ptr", "from"), ("i64", "stride"), ("i64", "rows"), ("i64", "columns")]
        function = module.function(name, params)
        function.noinline = True
        _body(function, itemsize, PITCH)
        function.ret()
    return name


def _body(function: Function, itemsize: int, pitch: int) -> None:
    side = {4: 8, 8: 8, 16: 4}.get(itemsize, 0)
    if not side:
        _plain(function, itemsize, pitch, ("0", "%rows"), ("0", "%columns"))
        return
    rows = function.emit(f"and i64 %rows, {-side}")
    columns = function.emit(f"and i64 %columns, {-side}")

    def square(r: str, c: str) -> None:
        _square(function, itemsize, pitch, side, r, c)

    function.loop(
        "0", rows, side, [], lambda r, _: function.loop("0", columns, side, [], lambda c, _: square(r, c)) and None
    )
    _plain(function, itemsize, pitch, ("0", rows), (columns, "%columns"))
    _plain(function, itemsize, pitch, (rows, "%rows"), ("0", "%columns"))


def _plain(function: Function, itemsize: int, pitch: int, rows: tuple[str, str], columns: tuple[str, str]) -> None:
    """One element at a time."""
    type_ = "<2 x i64>" if itemsize == 16 else f"i{8 * itemsize}"

    def element(r: str, c: str) -> None:
        source = _place(function, type_, "%from", r, "%stride", c)
        target = _place(function, type_, "%to", c, str(pitch), r)
        function.store(type_, function.load(type_, source, 1), target, 1)

    function.loop(*rows, 1, [], lambda r, _: function.loop(*columns, 1, [], lambda c, _: element(r, c)) and None)


def _square(function: Function, itemsize: int, pitch: int, side: int, r: str, c: str) -> None:
    if itemsize == 16:
        _moved(function, pitch, side, r, c)
        return
    element, vector = f"i{8 * itemsize}", f"<{side} x i{8 * itemsize}>"
    rows = []
    for k in range(side):
        row = function.emit(f"add i64 {r}, {k}")
        rows.append(function.load(vector, _place(function, element, "%from", row, "%stride", c), 1))
    distance = 1
    while distance < side:
        for k in range(side):
            if not k & distance:
                low = [q if not q & distance else side + (q & ~distance) for q in range(side)]
                high = [q | distance if not q & distance else side + q for q in range(side)]
                x, y = rows[k], rows[k | distance]
                rows[k], rows[k | distance] = (_shuffle(function, vector, x, y, m) for m in (low, high))
        distance *= 2
    for k in range(side):
        column = function.emit(f"add i64 {c}, {k}")
        function.store(vector, rows[k], _place(function, element, "%to", column, str(pitch), r), 1)


def _moved(function: Function, pitch: int, side: int, r: str, c: str) -> None:
    """A square of elements that are vectors themselves."""
    element = "<2 x i64>"
    rows = [_place(function, element, "%from", function.emit(f"add i64 {r}, {k}"), "%stride", c) for k in range(side)]
    for j in range(side):
        column = function.emit(f"add i64 {c}, {j}")
        target = _place(function, element, "%to", column, str(pitch), r)
        for k, row in enumerate(rows):
            value = function.load(element, function.gep(row, str(j), element), 1)
            function.store(element, value, function.gep(target, str(k), element), 1)


def _shuffle(function: Function, vector: str, x: str, y: str, lanes: list[int]) -> str:
    places = ", ".join(f"i32 {k}" for k in lanes)
    return function.emit(f"shufflevector {vector} {x}, {vector} {y}, <{len(lanes)} x i32> <{places}>")


def _place(function: Function, type_: str, base: str, major: str, stride: str, minor: str) -> str:
    start = function.emit(f"mul i64 {major}, {stride}")
    return function.gep(base, function.emit(f"add i64 {start}, {minor}"), type_)
