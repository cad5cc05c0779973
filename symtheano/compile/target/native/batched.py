"""Stacks of matrix products: a launched function that calls another one for each matrix of the stack.

Its arguments are those of the product of the first matrices, then for each axis of the stack its length and the strides
of the buffers along it. It is split over the matrices of the stack, all axes counted as one.
"""

from __future__ import annotations

from collections.abc import Sequence

from symtheano.compile.target.native.layout import ABI, Layout
from symtheano.compile.target.native.llvm import Module


def emit_batched(module: Module, name: str, inner: Layout, buffers: Sequence[str], rank: int, itemsize: int) -> None:
    """Adds the function `name`. buffers: those of `inner` that move along the stack; rank: how many axes that has."""
    f = module.function(name, ABI, "i32")
    count = len(inner.slots)
    pointers = [[k for k, s in enumerate(inner.slots) if s.kind == "pointer" and s.name == b] for b in buffers]
    rows = next(k for k, s in enumerate(inner.slots) if s.kind == "size")
    mine = f.alloca(f"[{count} x i64]")
    for k in range(count):
        f.set_slot(mine, k, f.slot("%args", k))
    first = count
    lengths = [f.slot("%args", first + r * (1 + len(buffers))) for r in range(rank)]
    strides = [
        [f.slot("%args", first + r * (1 + len(buffers)) + 1 + b) for b in range(len(buffers))] for r in range(rank)
    ]
    bases = [f.slot("%args", places[0], "ptr") for places in pointers]
    height = f.slot("%args", rows)

    def one(number: str, _: list[str]) -> None:
        rest, offsets = number, ["0"] * len(buffers)
        for r in reversed(range(rank)):
            place = f.emit(f"urem i64 {rest}, {lengths[r]}") if r else rest
            rest = f.emit(f"udiv i64 {rest}, {lengths[r]}") if r else rest
            for b in range(len(buffers)):
                offsets[b] = f.emit(f"add i64 {offsets[b]}, {f.emit(f'mul i64 {place}, {strides[r][b]}')}")
        for b, places in enumerate(pointers):
            moved = f.gep(bases[b], f.emit(f"mul i64 {offsets[b]}, {itemsize}"))
            for k in places:
                f.set_slot(mine, k, moved, "ptr")
        f.call(f"@{inner.name}", "i32", [("ptr", mine), ("i64", "0"), ("i64", height), ("ptr", "%scratch")])

    f.loop("%lo", "%hi", 1, [], one)
    f.ret("0")
