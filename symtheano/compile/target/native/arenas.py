"""Arenas: scratch memory for regions, kept between calls, shared by all functions of the process.

A pool has a few cells. A call takes a free one (its flag is exchanged atomically), makes it larger if need be, and
gives it back. Where all are taken, or the memory is too large to be kept, the call gets memory of its own.

    cell: 64 bytes: state, memory as allocated, capacity, memory aligned to 64 bytes

In a forked child no cell is taken: the threads that had them do not live there.
"""

from __future__ import annotations

import ctypes
import os
import threading
from functools import cache
from typing import NamedTuple

from symtheano.compile.target.native.llvm import Function, Module

CELLS = 8
KEPT = 1 << 28  # bytes: more are given back to the system after each call
_STATE, _RAW, _CAPACITY, _MEMORY, _WORDS = 0, 1, 2, 3, 8
_FREE, _TAKEN, _OWN = 0, 1, 2  # states of a cell; _OWN: one outside the pool, which goes with its memory

_lock = threading.Lock()


class Usage(NamedTuple):
    """What a pool is doing: how many cells are taken, how many bytes it keeps."""

    taken: int
    bytes: int


class Pool:
    """The cells, at a fixed address."""

    def __init__(self) -> None:
        self._memory = (ctypes.c_int64 * (_WORDS * (CELLS + 1)))()
        start = ctypes.addressof(self._memory)
        self.address = start + -start % 64
        self._words = (ctypes.c_int64 * (_WORDS * CELLS)).from_address(self.address)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._release)

    def _release(self) -> None:
        for k in range(CELLS):
            self._words[_WORDS * k + _STATE] = _FREE

    def usage(self) -> Usage:
        """How much of it is in use just now."""
        states = [self._words[_WORDS * k + _STATE] for k in range(CELLS)]
        return Usage(sum(s != _FREE for s in states), sum(self._words[_WORDS * k + _CAPACITY] for k in range(CELLS)))

    def trim(self) -> None:
        """Gives the memory of free cells back. Only machine code that holds the GIL takes cells, so nobody does now."""
        release = ctypes.pythonapi.PyMem_RawFree
        for k in range(CELLS):
            base = _WORDS * k
            if self._words[base + _STATE] == _FREE and self._words[base + _RAW]:
                raw, self._words[base + _RAW] = self._words[base + _RAW], 0
                self._words[base + _CAPACITY] = self._words[base + _MEMORY] = 0
                release(ctypes.c_void_p(raw))


@cache
def pool() -> Pool:
    """The process's pool."""
    with _lock:
        return Pool()


# ------------------------------------------------------------------------------------------------------------ emission


def emit_arenas(module: Module) -> None:
    """Adds @arena_take(pool, bytes, malloc, free) -> cell or null, and @arena_give(cell, free), once to a module."""
    if "arena_take" in module.functions:
        return
    _emit_grow(module)
    _emit_own(module)
    _emit_take(module)
    _emit_give(module)


def memory_of(f: Function, cell: str) -> str:
    """The memory of a cell that was taken."""
    return f.slot(cell, _MEMORY, "ptr")


def _emit_take(module: Module) -> None:
    f = module.function("arena_take", [("ptr", "pool"), ("i64", "bytes"), ("ptr", "malloc"), ("ptr", "free")], "ptr")
    f.noinline = True
    own, search = f.label("own"), f.label("search")
    f.branch(f.emit(f"icmp ugt i64 %bytes, {KEPT}"), own, search)
    f.start(search)
    for k in range(CELLS):
        cell = f.gep("%pool", str(8 * _WORDS * k))
        attempt, got, following = f.label("try"), f.label("got"), f.label("next")
        state = f.emit(f"load atomic i64, ptr {cell} monotonic, align 8")
        f.branch(f.emit(f"icmp eq i64 {state}, {_FREE}"), attempt, following)
        f.start(attempt)
        before = f.emit(f"atomicrmw xchg ptr {cell}, i64 {_TAKEN} acquire")
        f.branch(f.emit(f"icmp eq i64 {before}, {_FREE}"), got, following)
        f.start(got)
        large, small = f.label("large"), f.label("small")
        capacity = f.slot(cell, _CAPACITY)
        f.branch(f.emit(f"icmp uge i64 {capacity}, %bytes"), large, small)
        f.start(large)
        f.ret(cell)
        f.start(small)
        args = [("ptr", cell), ("i64", "%bytes"), ("ptr", "%malloc"), ("ptr", "%free")]
        f.ret(f.call("@arena_grow", "ptr", args))
        f.start(following)
    f.jump(own)
    f.start(own)
    f.ret(f.call("@arena_own", "ptr", [("i64", "%bytes"), ("ptr", "%malloc")]))


def _emit_grow(module: Module) -> None:
    """A taken cell with at least these bytes; null, and the cell free again, where there is no memory."""
    params = [("ptr", "cell"), ("i64", "bytes"), ("ptr", "malloc"), ("ptr", "free")]
    f = module.function("arena_grow", params, "ptr")
    f.noinline = True
    f.call("%free", "void", [("ptr", f.slot("%cell", _RAW, "ptr"))])
    more = f.emit("lshr i64 %bytes, 3")  # sizes that creep up do not allocate at every step
    ample = f.emit(f"add i64 %bytes, {more}")
    rounded = f.emit(f"and i64 {f.emit(f'add i64 {ample}, 4095')}, -4096")
    raw = f.call("%malloc", "ptr", [("i64", f.emit(f"add i64 {rounded}, 64"))])
    f.set_slot("%cell", _RAW, raw, "ptr")
    good, bad = f.label("good"), f.label("bad")
    f.branch(f.emit(f"icmp ne ptr {raw}, null"), good, bad)
    f.start(good)
    f.set_slot("%cell", _CAPACITY, rounded)
    f.set_slot("%cell", _MEMORY, _aligned(f, raw), "ptr")
    f.ret("%cell")
    f.start(bad)
    f.set_slot("%cell", _CAPACITY, "0")
    f.line(f"store atomic i64 {_FREE}, ptr %cell release, align 8")
    f.ret("null")


def _emit_own(module: Module) -> None:
    """A cell outside the pool, at the beginning of its own memory; null where there is none."""
    f = module.function("arena_own", [("i64", "bytes"), ("ptr", "malloc")], "ptr")
    f.noinline = True
    raw = f.call("%malloc", "ptr", [("i64", f.emit("add i64 %bytes, 128"))])
    good, bad = f.label("good"), f.label("bad")
    f.branch(f.emit(f"icmp ne ptr {raw}, null"), good, bad)
    f.start(good)
    cell = _aligned(f, raw)
    f.set_slot(cell, _STATE, str(_OWN))
    f.set_slot(cell, _RAW, raw, "ptr")
    f.set_slot(cell, _MEMORY, f.gep(cell, "64"), "ptr")
    f.ret(cell)
    f.start(bad)
    f.ret("null")


def _emit_give(module: Module) -> None:
    f = module.function("arena_give", [("ptr", "cell"), ("ptr", "free")])
    own, pooled = f.label("own"), f.label("pooled")
    f.branch(f.emit(f"icmp eq i64 {f.slot('%cell', _STATE)}, {_OWN}"), own, pooled)
    f.start(own)
    f.call("%free", "void", [("ptr", f.slot("%cell", _RAW, "ptr"))])
    f.ret()
    f.start(pooled)
    f.line(f"store atomic i64 {_FREE}, ptr %cell release, align 8")
    f.ret()


def _aligned(f: Function, pointer: str) -> str:
    """The first multiple of 64 at or behind an address."""
    behind = f.emit(f"ptrtoint ptr {f.gep(pointer, '63')} to i64")
    return f.emit(f"inttoptr i64 {f.emit(f'and i64 {behind}, -64')} to ptr")
