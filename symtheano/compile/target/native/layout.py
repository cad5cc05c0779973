"""Layout: how a launched function (a kernel, a matrix product) is called.

    define internal i32 @name(ptr %args, i64 %lo, i64 %hi, ptr %scratch)

`args` points to 8-byte slots, one for each entry of `Layout.slots`; lo..hi is the part of the axis `split` to compute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

ABI = (("ptr", "args"), ("i64", "lo"), ("i64", "hi"), ("ptr", "scratch"))


class Slot(NamedTuple):
    """One 8-byte argument: the address of a buffer, the length of an axis, the elements between neighbours, or the
    address of a function from the table that a region is given."""

    kind: Literal["pointer", "size", "stride", "function"]
    name: str  # of the buffer, of the kernel's axis, or of the function
    axis: int = 0  # of the buffer, for a stride


class Scratch(NamedTuple):
    """Bytes: `bytes` times the product of the lengths of these axes of the kernel."""

    bytes: int
    axes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """slots: the arguments. split: the axis that lo..hi divide; None: lo and hi are ignored. scratch: memory that one
    call needs, a sum, 64-byte aligned. cost: estimated nanoseconds at each point of all axes. grain: lo must be a
    multiple of it."""

    name: str
    slots: tuple[Slot, ...]
    split: str | None = None
    scratch: tuple[Scratch, ...] = ()
    cost: float = 1.0
    grain: int = 1
