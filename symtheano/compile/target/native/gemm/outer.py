"""Calls of the BLAS instead of our loops (see native/blas.py for its functions, and choice.py for when).

What tiles would do themselves the BLAS does: C = A B, or C = C + factor A B where that is in place. Any other epilogue
runs on blocks of rows of the product, which the BLAS writes to scratch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symtheano.compile.target.native.gemm.choice import Choice
from symtheano.compile.target.native.gemm.shape import Shape
from symtheano.compile.target.native.layout import Scratch
from symtheano.compile.target.native.llvm import Function, float_literal

ROWS = 128  # of a block whose products go to scratch
NAMES = {"float32": "sgemm", "float64": "dgemm"}


@dataclass(frozen=True)
class Matrix:
    """Where a matrix is, and the elements between its rows."""

    pointer: str
    row: str


def scratch_term(shape: Shape, cols: str) -> Scratch:
    """What a call needs where there is an epilogue."""
    return Scratch(shape.size * ROWS, (cols,))


class Outer:
    """The call, in a function that is launched. field: the first slots of its arguments, named as in drive.FIELDS."""

    def __init__(self, f: Function, shape: Shape, field: Mapping[str, str], function: str) -> None:
        self.f, self.shape, self.field, self.function = f, shape, field, function
        self.flags: dict[str, str] = {}
        self.rows: dict[str, str] = {}

    def can(self, choice: Choice) -> str:
        """Whether it should and can be done: the rule says so, there is a BLAS, and of each matrix rows or columns are
        contiguous and do not overlap."""
        f, field = self.f, self.field
        holds = choice.emit(f, field["rows"], field["cols"], field["depth"])
        there = f.emit(f"icmp ne ptr {self.function}, null")
        holds = f.emit(f"and i1 {holds}, {there}")
        for name, (row, col), (height, width) in (
            ("a", ("a_row", "a_k"), ("rows", "depth")),
            ("b", ("b_k", "b_col"), ("depth", "cols")),
        ):
            straight = self._fits(field[col], field[row], field[width])
            turned = self._fits(field[row], field[col], field[height])
            holds = f.emit(f"and i1 {holds}, {f.emit(f'or i1 {straight}, {turned}')}")
            self.flags[name] = f.emit(f"select i1 {straight}, i64 0, i64 1")
            self.rows[name] = f.emit(f"select i1 {straight}, i64 {field[row]}, i64 {field[col]}")
        return holds

    def _fits(self, step: str, row: str, length: str) -> str:
        f = self.f
        beside, apart = f.emit(f"icmp eq i64 {step}, 1"), f.emit(f"icmp sge i64 {row}, {length}")
        short = f.emit(f"icmp ult i64 {row}, {1 << 31}")
        return f.emit(f"and i1 {f.emit(f'and i1 {beside}, {apart}')}, {short}")

    def whole(self, c: Matrix, factor: str, adds: bool) -> None:
        """C = factor A B, or C + factor A B, for the rows lo..hi."""
        pointer = self.f.gep(c.pointer, self.f.emit(f"mul i64 %lo, {c.row}"), self.shape.type)
        self._call("%lo", self.f.emit("sub i64 %hi, %lo"), Matrix(pointer, c.row), factor, "1.0" if adds else "0.0")

    def blocks(self, memory: str, done: Callable[[str, str, str], None]) -> None:
        """The rows lo..hi in blocks: products to `memory`, then done(memory, first row, rows)."""
        f = self.f

        def block(i: str, _: object) -> None:
            rest = f.emit(f"sub i64 %hi, {i}")
            rows = f.intrinsic("llvm.smin.i64", "i64", [("i64", rest), ("i64", str(ROWS))])
            self._call(i, rows, Matrix(memory, self.field["cols"]), "1.0", "0.0")
            done(memory, i, rows)

        f.loop("%lo", "%hi", ROWS, [], block)

    def _call(self, first: str, rows: str, c: Matrix, alpha: str, beta: str) -> None:
        f, field, kind = self.f, self.field, self.shape.type
        a = f.gep(field["a"], f.emit(f"mul i64 {first}, {field['a_row']}"), kind)
        args = [
            *(("i64", self.flags[name]) for name in "ab"),
            *(("i64", n) for n in (rows, field["cols"], field["depth"])),
            *(("ptr", self._number(alpha)), ("ptr", a), ("i64", self.rows["a"])),
            *(("ptr", field["b"]), ("i64", self.rows["b"])),
            *(("ptr", self._number(beta)), ("ptr", c.pointer), ("i64", c.row)),
        ]
        f.call(self.function, "i32", args)  # it has no reason to refuse: all sizes are below 2^31

    def _number(self, value: str) -> str:
        kind = self.shape.type
        held = self.f.alloca(kind, 8)
        self.f.store(kind, float_literal(float(value)) if value in ("0.0", "1.0") else value, held, self.shape.size)
        return held
