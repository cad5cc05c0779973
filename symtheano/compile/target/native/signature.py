"""Signature: what a region takes and gives when Python calls it, and the table by which the entry knows that.

A table is memory of 8-byte words: HEADER, whose words have names, and behind it records for the inputs, the outputs and
the shared variables. Addresses of objects are borrowed: whoever makes a table keeps them alive (callable.Binding).
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from symtheano.compile.target.native.abi import ALIGNED, C_CONTIGUOUS, WRITEABLE
from symtheano.compile.target.native.frame import Frame, frame_of

FUNCTIONS = (
    *("empty", "incref", "decref", "list_new", "list_set", "tuple_new", "tuple_set", "method_new", "vectorcall"),
    *("save_thread", "restore_thread", "no_memory", "malloc", "free"),
)  # of Python and NumPy: abi.address
HEADER = (
    *FUNCTIONS,
    *("sizes", "body", "ndarray", "none", "fallback", "pool", "patience", "outer"),  # given with the region
    *("arguments", "block", "container_new", "container_set", "only", "share"),  # numbers, and which functions
    *("given", "given_at", "celled", "celled_at", "constant", "constant_at"),  # how many records, and where
    *("cells", "cells_at"),
    *("outputs", "outputs_at", "returned", "returned_at", "stored", "stored_at"),
    *("outs", "olds", "starts", "ends", "ranges", "padded", "written"),  # offsets in the block; numbers of ranges
    *("bytes_slot", "arena_slot", "work_slot", "outer_slot"),  # offsets in the frame, which begins the block
)
# Records of inputs, in words; the expected lengths follow (-1: any). `range` is its number among the ranges of memory.
INPUT = ("source", "dtype", "type_num", "byteorder", "ndim", "flags", "place", "itemsize", "range")
CELL = ("list", "lock")
OUTPUT = ("dtype", "ndim", "place")
RETURNED = ("out", "share")  # share: one more reference is made
STORED = ("out", "list")


@dataclass(frozen=True)
class Input:
    """One array that goes in, and where it comes from: an argument, the cell of a shared variable, or a constant.

    shape: None where any length will do. written: the region overwrites it. read: False for an argument that is checked
    and then ignored; it has no place in the frame.
    """

    dtype: str
    shape: tuple[int | None, ...]
    argument: int | None = None
    cell: int | None = None
    constant: int | None = None
    written: bool = False
    read: bool = True


@dataclass(frozen=True)
class Output:
    """One new array."""

    dtype: str
    ndim: int


@dataclass(frozen=True)
class Signature:
    """What is taken and given.

    inputs: those that are read are those of the region, in its order. returned: positions of outputs, in order; result:
    as what. stored: (output, cell) for each shared variable that becomes that new array.
    """

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    returned: tuple[int, ...]
    result: Literal["only", "list", "tuple"] = "list"
    stored: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        arguments = sorted(i.argument for i in self.inputs if i.argument is not None)
        if arguments != list(range(len(arguments))):
            raise ValueError(f"every argument belongs to one input, not {arguments}")
        if any((i.argument, i.cell, i.constant).count(None) != 2 for i in self.inputs):
            raise ValueError("an input comes from an argument, from a cell, or is a constant")
        if any(i.written and (i.constant is not None or not i.read) for i in self.inputs):
            raise ValueError("what is written is read, and no constant")
        if self.result == "only" and len(self.returned) != 1:
            raise ValueError(f"the only result is one of {len(self.returned)}")
        kept = [k for k, _ in self.stored]
        if len(set(kept)) != len(kept):
            raise ValueError("two shared variables would be the same array")
        if not {*kept, *self.returned} <= set(range(len(self.outputs))):
            raise ValueError(f"{len(self.outputs)} outputs, but {sorted({*kept, *self.returned})} are used")

    @cached_property
    def arguments(self) -> int:
        """How many there are."""
        return sum(i.argument is not None for i in self.inputs)

    @cached_property
    def cells(self) -> int:
        """How many shared variables there are."""
        numbers = [i.cell for i in self.inputs if i.cell is not None] + [cell for _, cell in self.stored]
        return max(numbers, default=-1) + 1

    @cached_property
    def read(self) -> tuple[Input, ...]:
        """The inputs of the region."""
        return tuple(i for i in self.inputs if i.read)

    @cached_property
    def frame(self) -> Frame:
        """The region's frame."""
        return frame_of([len(i.shape) for i in self.read], [o.ndim for o in self.outputs])

    def as_region(self) -> Signature:
        """The same region called from a program in Python: arrays in, of all sources; a tuple or None out."""
        inputs = tuple(replace(one, argument=k, cell=None, constant=None) for k, one in enumerate(self.read))
        return Signature(inputs, self.outputs, tuple(range(len(self.outputs))), "tuple")


def table_of(
    signature: Signature,
    values: Mapping[str, int],
    cells: Sequence[object],
    locks: Sequence[object],
    constants: Sequence[object],
) -> ctypes.Array[ctypes.c_int64]:
    """The table of a signature. values: words of HEADER that are addresses of functions, or come with the region."""
    block = _Block(signature)
    records: list[int] = []
    words = dict(values)

    def section(name: str, rows: Sequence[Sequence[int]]) -> None:
        words[name], words[f"{name}_at"] = len(rows), len(HEADER) + len(records)
        records.extend(word for row in rows for word in row)

    inputs = [(one, block.input_record(one, k)) for k, one in enumerate(signature.inputs)]
    section("given", [record for one, record in inputs if one.argument is not None])
    section("celled", [[id(cells[one.cell]), *record[1:]] for one, record in inputs if one.cell is not None])
    fixed = [(constants[one.constant], record) for one, record in inputs if one.constant is not None]
    section("constant", [[id(array), *record[1:]] for array, record in fixed])
    section("cells", [(id(cells[k]), id(locks[k])) for k in range(signature.cells)])
    section("outputs", [(id(np.dtype(o.dtype)), o.ndim, 8 * p) for o, p in zip(signature.outputs, block.frame.outputs)])
    section("returned", [(8 * (block.outs + k), share) for k, share in _returned(signature)])
    section("stored", [(8 * (block.outs + k), id(cells[cell])) for k, cell in signature.stored])
    words |= block.words()
    words["arguments"] = signature.arguments
    if signature.result == "only":
        ((k, share),) = _returned(signature)
        words |= {"only": 8 * (block.outs + k), "share": share, "container_new": 0, "container_set": 0, "returned": 0}
    else:
        words |= {"only": 8 * (block.outs + len(signature.outputs)), "share": 0}
        words |= {f"container_{verb}": words[f"{signature.result}_{verb}"] for verb in ("new", "set")}
    table = (ctypes.c_int64 * (len(HEADER) + len(records)))()
    words |= {name: ctypes.addressof(table) + 8 * place for name, place in words.items() if name.endswith("_at")}
    table[:] = [*(words[name] for name in HEADER), *records]
    return table


def _returned(signature: Signature) -> list[tuple[int, int]]:
    """(output, whether it needs one more reference) for each result: the last use of an array has the one it came with.

    That is the cell, where there is one.
    """
    stored = {k for k, _ in signature.stored}
    return [(k, int(k in stored or k in signature.returned[at + 1 :])) for at, k in enumerate(signature.returned)]


class _Block:
    """The memory of one call, in words: the frame, new arrays and the container, old values, ranges of memory."""

    def __init__(self, signature: Signature) -> None:
        self.signature, self.frame = signature, signature.frame
        order = sorted(range(len(signature.read)), key=lambda k: not signature.read[k].written)
        self.ranges = {k: position for position, k in enumerate(order)}  # those that are written come first
        self.padded = -(-len(order) // 8) * 8
        self.outs = self.frame.size
        self.olds = self.outs + len(signature.outputs) + 1
        self.starts = self.olds + len(signature.stored)
        self.ends = self.starts + self.padded + 1  # the last is for inputs that are not read
        self.unread = self.ends + self.padded + 1
        self.size = self.unread + 1 + max((len(i.shape) for i in signature.inputs if not i.read), default=0)

    def input_record(self, one: Input, position: int) -> list[int]:
        """INPUT and the expected lengths."""
        dtype = np.dtype(one.dtype)
        flags = C_CONTIGUOUS | ALIGNED | (WRITEABLE if one.written else 0)
        place, number = self.unread, self.padded
        if one.read:
            number = self.ranges[sum(i.read for i in self.signature.inputs[:position])]
            place = self.frame.inputs[sum(i.read for i in self.signature.inputs[:position])]
        source = -1 if one.argument is None else 8 * one.argument
        record = [source, id(dtype), dtype.num, ord(dtype.byteorder), len(one.shape), flags, 8 * place]
        return [*record, dtype.itemsize, number, *(-1 if n is None else n for n in one.shape)]

    def words(self) -> dict[str, int]:
        """The header's words about the block and the frame: offsets in bytes."""
        frame = self.frame
        numbers = {"ranges": len(self.ranges), "padded": self.padded}
        numbers["written"] = sum(i.written for i in self.signature.read)
        offsets = {"block": self.size, "outs": self.outs, "olds": self.olds, "starts": self.starts, "ends": self.ends}
        offsets |= {"bytes_slot": frame.bytes, "arena_slot": frame.arena}
        offsets |= {"work_slot": frame.work, "outer_slot": frame.outer}
        return numbers | {name: 8 * offset for name, offset in offsets.items()}
