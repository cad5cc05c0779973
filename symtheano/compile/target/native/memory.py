"""Elements between memory and registers: one, or one for each lane, side by side, a stride apart or anywhere.

Every load and store takes `Lanes`: how many there are, and which of them exist at the end of an axis. What is not
there is neither read nor written; its lanes hold zero. Where the processor has no masks, whole vectors take the
straight way, and the rest goes through the stack, element by element.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from symtheano.compile.target.native.code import loaded, register_type, storable
from symtheano.compile.target.native.llvm import LLVM_TYPES, Function, splat_literal, vector

Address = Callable[[str], str]  # of the element in a lane, given its number


@dataclass(frozen=True)
class Lanes:
    """width lanes. mask: <width x i1>, those that exist, and count: how many those are; None: all.

    mostly: whether nearly always all exist, in a loop over whole vectors and the rest.
    """

    width: int = 1
    mask: str | None = None
    count: str | None = None
    mostly: bool = False


def lanes_until(function: Function, position: str, stop: str, width: int, mostly: bool) -> Lanes:
    """The lanes of a vector that starts at `position` of an axis of length `stop`."""
    left = function.emit(f"sub i64 {stop}, {position}")
    count = function.intrinsic("llvm.umin.i64", "i64", [("i64", left), ("i64", str(width))])
    return Lanes() if width == 1 else lanes_counted(function, count, width, mostly)


def lanes_counted(function: Function, count: str, width: int, mostly: bool) -> Lanes:
    """The first `count` of some lanes."""
    if function.module.host.masks and width in (8, 16, 32, 64):
        # As many ones as there are lanes, made where integers are: vectors have enough to do.
        bits = f"i{width}"
        missing = function.emit(f"sub i64 {width}, {count}")
        if width < 64:
            missing = function.emit(f"trunc i64 {missing} to {bits}")
        ones = function.emit(f"lshr {bits} -1, {missing}")
        return Lanes(width, function.emit(f"bitcast {bits} {ones} to {vector('i1', width)}"), count, mostly)
    many = vector("i32", width)
    first = function.emit(f"insertelement {many} poison, i32 {function.emit(f'trunc i64 {count} to i32')}, i64 0")
    limit = function.emit(f"shufflevector {many} {first}, {many} poison, <{width} x i32> zeroinitializer")
    return Lanes(width, function.emit(f"icmp ult {many} {numbers('i32', width)}, {limit}"), count, mostly)


def numbers(type_: str, width: int) -> str:
    """The constant 0, 1, 2 ... in the lanes."""
    return f"<{', '.join(f'{type_} {k}' for k in range(width))}>" if width > 1 else "0"


def load(function: Function, dtype: str, pointer: str, lanes: Lanes) -> str:
    """The register of elements side by side."""
    type_, align = vector(LLVM_TYPES[dtype], lanes.width), np.dtype(dtype).itemsize
    if lanes.mask is None:
        return loaded(function, dtype, function.load(type_, pointer, align), lanes.width)
    if _has_masks(function, dtype) and not lanes.mostly:
        return loaded(function, dtype, _masked(function, dtype, pointer, lanes), lanes.width)
    # Whole vectors are read as they are: a load with a mask costs an instruction more, or has to be written out.
    source = function.when(
        _is_rest(function, lanes), lambda: [_copied(function, dtype, pointer, lanes)], [("ptr", pointer)]
    )
    return loaded(function, dtype, function.load(type_, source[0], align), lanes.width)


def _masked(function: Function, dtype: str, pointer: str, lanes: Lanes) -> str:
    type_ = vector(LLVM_TYPES[dtype], lanes.width)
    name = f"llvm.masked.load.{_suffix(dtype, lanes.width)}.p0"
    mask = (vector("i1", lanes.width), lanes.mask or "")
    args = [("ptr", pointer), ("i32", str(np.dtype(dtype).itemsize)), mask, (type_, "zeroinitializer")]
    return function.intrinsic(name, type_, args)


def _copied(function: Function, dtype: str, pointer: str, lanes: Lanes) -> str:
    """Elements side by side copied to the stack, behind them zeros: their place."""
    if not _has_masks(function, dtype):
        return _gathered(function, dtype, _beside(function, dtype, pointer), lanes)
    type_ = vector(LLVM_TYPES[dtype], lanes.width)
    buffer = function.reused(type_, "elements")
    function.store(type_, _masked(function, dtype, pointer, lanes), buffer, 64)
    return buffer


def store(function: Function, dtype: str, value: str, pointer: str, lanes: Lanes) -> None:
    """Stores a register to elements side by side."""
    type_, align = vector(LLVM_TYPES[dtype], lanes.width), np.dtype(dtype).itemsize
    raw = storable(function, dtype, value, lanes.width)
    if lanes.mask is None:
        function.store(type_, raw, pointer, align)
        return
    if function.module.host.masks:
        _store_masked(function, dtype, raw, pointer, lanes)
        return
    rest = _is_rest(function, lanes)
    if _has_masks(function, dtype):
        function.when(rest, lambda: _store_masked(function, dtype, raw, pointer, lanes))
    else:
        function.when(rest, lambda: _scattered(function, dtype, raw, _beside(function, dtype, pointer), lanes))
    whole = function.emit(f"xor i1 {rest}, true")
    function.when(whole, lambda: function.store(type_, raw, pointer, align))


def _store_masked(function: Function, dtype: str, raw: str, pointer: str, lanes: Lanes) -> None:
    name = f"llvm.masked.store.{_suffix(dtype, lanes.width)}.p0"
    mask = (vector("i1", lanes.width), lanes.mask or "")
    value = (vector(LLVM_TYPES[dtype], lanes.width), raw)
    function.intrinsic(name, "void", [value, ("ptr", pointer), ("i32", str(np.dtype(dtype).itemsize)), mask])


def _has_masks(function: Function, dtype: str) -> bool:
    """Whether the processor loads and stores some lanes of a vector: AVX2 does of floats and doubles."""
    host = function.module.host
    return host.masks or ("+avx2" in host.features.split(",") and np.dtype(dtype).itemsize in (4, 8))


def gathers(function: Function, dtype: str) -> bool:
    """Whether the processor loads elements from anywhere by itself."""
    return function.module.host.masks and np.dtype(dtype).itemsize in (4, 8)


def gather(function: Function, dtype: str, pointer: str, offsets: str, lanes: Lanes, element: str | None = None) -> str:
    """The register of elements at offsets (a vector of i64) from a pointer. element: the type that they count."""
    element, width = element or LLVM_TYPES[dtype], lanes.width
    type_, places = vector(LLVM_TYPES[dtype], width), vector("i64", width)
    addresses = function.emit(f"getelementptr {element}, ptr {pointer}, {places} {offsets}")
    name = f"llvm.masked.gather.{_suffix(dtype, width)}.v{width}p0"
    mask = (vector("i1", width), lanes.mask or splat_literal("i1", "true", width))
    args = [(vector("ptr", width), addresses), ("i32", str(np.dtype(dtype).itemsize)), mask, (type_, "zeroinitializer")]
    return function.intrinsic(name, type_, args)


def load_each(function: Function, dtype: str, address: Address, lanes: Lanes) -> str:
    """The register of elements that lie anywhere: one by one through the stack."""
    buffer = _gathered(function, dtype, address, lanes)
    type_ = vector(LLVM_TYPES[dtype], lanes.width)
    return loaded(function, dtype, function.load(type_, buffer, 64), lanes.width)


def store_each(function: Function, dtype: str, value: str, address: Address, lanes: Lanes, add: bool = False) -> None:
    """Stores a register to elements that lie anywhere, or adds it to them, the first lane first."""
    _scattered(function, dtype, storable(function, dtype, value, lanes.width), address, lanes, add)


def added(function: Function, dtype: str, x: str, y: str, width: int) -> str:
    """The sum of registers."""
    kind = {"f": "fadd", "b": "or"}.get(np.dtype(dtype).kind, "add")
    return function.emit(f"{kind} {register_type(dtype, width)} {x}, {y}")


def spread(function: Function, offsets: str, lanes: Lanes) -> Address:
    """Addresses' offsets that differ from lane to lane, through the stack: lane -> offset."""
    type_ = vector("i64", lanes.width)
    buffer = function.reused(type_, "offsets")
    function.store(type_, offsets, buffer, 64)
    return lambda lane: function.load("i64", function.gep(buffer, lane, "i64"), 8)


def _suffix(dtype: str, width: int) -> str:
    element = {"float": "f32", "double": "f64", "half": "f16"}.get(LLVM_TYPES[dtype], LLVM_TYPES[dtype])
    return f"v{width}{element}"


# ----- One by one -----


def _is_rest(function: Function, lanes: Lanes) -> str:
    return function.emit(f"icmp ne i64 {lanes.count}, {lanes.width}")


def _beside(function: Function, dtype: str, pointer: str) -> Address:
    return lambda lane: function.gep(pointer, lane, LLVM_TYPES[dtype])


def _gathered(function: Function, dtype: str, address: Address, lanes: Lanes) -> str:
    """Elements copied to the stack, behind them zeros: their place."""
    element, align = LLVM_TYPES[dtype], np.dtype(dtype).itemsize
    type_ = vector(element, lanes.width)
    buffer = function.reused(type_, "elements")
    if lanes.count is not None:
        function.store(type_, "zeroinitializer", buffer, 64)

    def copy(lane: str, _: list[str]) -> None:
        value = function.load(element, address(lane), align)
        function.store(element, value, function.gep(buffer, lane, element), align)

    function.loop("0", lanes.count or str(lanes.width), 1, [], copy)
    return buffer


def _scattered(function: Function, dtype: str, raw: str, address: Address, lanes: Lanes, add: bool = False) -> None:
    """The lanes of a vector, as it lies in memory, stored one by one."""
    element, align = LLVM_TYPES[dtype], np.dtype(dtype).itemsize
    type_ = vector(element, lanes.width)
    buffer = function.reused(type_, "elements")
    function.store(type_, raw, buffer, 64)

    def copy(lane: str, _: list[str]) -> None:
        item, target = function.load(element, function.gep(buffer, lane, element), align), address(lane)
        if add:
            old = load(function, dtype, target, Lanes())
            item = storable(function, dtype, added(function, dtype, old, loaded(function, dtype, item, 1), 1), 1)
        function.store(element, item, target, align)

    function.loop("0", lanes.count or str(lanes.width), 1, [], copy)
