"""Complex numbers between memory, where real and imaginary parts alternate, and registers, which hold one part."""

from __future__ import annotations

from collections.abc import Sequence

from symtheano.compile.target.native import memory
from symtheano.compile.target.native.code import register_type
from symtheano.compile.target.native.llvm import Function
from symtheano.compile.target.native.memory import Lanes


def load_part(function: Function, dtype: str, pointer: str, part: int, lanes: Lanes) -> str:
    """One part (of dtype `dtype`) of the numbers side by side from a pointer on."""
    both = memory.load(function, dtype, pointer, _doubled(function, lanes))
    return _chosen(function, dtype, both, both, 2 * lanes.width, [2 * k + part for k in range(lanes.width)])


def store_parts(function: Function, dtype: str, values: Sequence[str], pointer: str, lanes: Lanes) -> None:
    """Stores the two parts of numbers side by side."""
    order = [k + part * lanes.width for k in range(lanes.width) for part in (0, 1)]
    both = _chosen(function, dtype, values[0], values[1], lanes.width, order)
    memory.store(function, dtype, both, pointer, _doubled(function, lanes))


def _doubled(function: Function, lanes: Lanes) -> Lanes:
    """The lanes of all parts."""
    width = 2 * lanes.width
    if lanes.count is None:
        return Lanes(width)
    count = function.emit(f"shl i64 {lanes.count}, 1")
    return memory.lanes_counted(function, count, width, lanes.mostly)


def _chosen(function: Function, dtype: str, x: str, y: str, width: int, order: Sequence[int]) -> str:
    type_ = register_type(dtype, width)
    places = ", ".join(f"i32 {k}" for k in order)
    return function.emit(f"shufflevector {type_} {x}, {type_} {y}, <{len(order)} x i32> <{places}>")
