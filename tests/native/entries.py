"""Small regions written by hand, and objects that are called into them: material for the tests of the entry."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symtheano.compile.target.native import toolchain
from symtheano.compile.target.native.callable import Entry, bind, fast_type
from symtheano.compile.target.native.llvm import LLVM_TYPES, Function, Module
from symtheano.compile.target.native.signature import Input, Output, Signature

Write = Callable[[Function, Signature], None]


class Target:
    """What is called: it notes the calls that come to Python."""

    def __init__(self) -> None:
        self.calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.calls.append((args, kwargs))
        return "python"


def compiled(signature: Signature, body: Write, bytes_: int = 0, work: int = 0, sizes: Write | None = None) -> Any:
    """The code of a region: its outputs have the lengths of the first input where `sizes` says nothing else."""
    module = Module(toolchain.host())
    f = module.function("sizes", [("ptr", "frame")], "i32", linkage="")
    frame = signature.frame
    f.set_slot("%frame", frame.bytes, str(bytes_))
    f.set_slot("%frame", frame.work, str(work))
    if sizes is None:
        for place, out in zip(frame.outputs, signature.outputs):
            for axis in range(out.ndim):
                f.set_slot("%frame", place + 1 + axis, f.slot("%frame", frame.inputs[0] + 1 + axis))
        f.ret("0")
    else:
        sizes(f, signature)
    f = module.function("body", [("ptr", "frame")], "i32", linkage="")
    body(f, signature)
    return toolchain.build(str(module), ["sizes", "body"])


def callable_of(
    signature: Signature, code: Any, cells: Sequence[list[Any]] = (), locks: Sequence[Any] = (), **options: Any
) -> Any:
    """An instance of Target, called by machine code."""
    target = fast_type(Target)()
    locks = locks or [threading.RLock() for _ in cells]
    bind(target, Entry(code, signature, cells, locks, fallback=Target.__call__, **options))
    return target


def loop(f: Function, signature: Signature, what: Callable[[str], None]) -> None:
    """what(i) for each element of the region's first input."""
    place = signature.frame.inputs[0]
    count = "1"
    for axis in range(len(signature.read[0].shape)):
        count = f.emit(f"mul i64 {count}, {f.slot('%frame', place + 1 + axis)}")

    def step(i: str, _: list[str]) -> None:
        what(i)

    f.loop("0", count, 1, [], step)


def element(f: Function, place: int, dtype: str, i: str) -> tuple[str, str]:
    """The LLVM type and the address of element i of the array at a place of the frame."""
    kind = LLVM_TYPES[dtype]
    return kind, f.gep(f.slot("%frame", place, "ptr"), i, kind)


def add_one(f: Function, signature: Signature) -> None:
    """Each output is the first input plus 1."""
    _add(f, signature, one=True, places=signature.frame.outputs)


def accumulate(f: Function, signature: Signature) -> None:
    """The second input is added to the first, in place."""
    _add(f, signature, one=False, places=signature.frame.inputs[:1])


def add_up(f: Function, signature: Signature) -> None:
    """Each output is the sum of the first two inputs."""
    _add(f, signature, one=False, places=signature.frame.outputs)


def _add(f: Function, signature: Signature, one: bool, places: Sequence[int]) -> None:
    dtype, inputs = signature.read[0].dtype, signature.frame.inputs
    word, unit = ("fadd", "1.0") if dtype.startswith("float") else ("add", "1")

    def step(i: str) -> None:
        kind, source = element(f, inputs[0], dtype, i)
        value = f.emit(f"load {kind}, ptr {source}, align 1")
        if one:
            other = unit
        else:
            index = i if signature.read[1].shape else "0"
            other = f.emit(f"load {kind}, ptr {element(f, inputs[1], dtype, index)[1]}, align 1")
        total = f.emit(f"{word} {kind} {value}, {other}")
        for place in places:
            f.store(kind, total, element(f, place, dtype, i)[1], 1)

    loop(f, signature, step)
    f.ret("0")


def vector_plus_one(dtype: str = "float64", ndim: int = 1) -> Signature:
    """x -> x + 1, the result itself."""
    one = Input(dtype, (None,) * ndim, argument=0)
    return Signature((one,), (Output(dtype, ndim),), (0,), "only")


def counter(argument: Input | None = None) -> Signature:
    """(x), shared s -> nothing; s += x in place."""
    x = argument or Input("float64", (), argument=0)
    return Signature((Input("float64", (None,), cell=0, written=True), x), (), ())


def misaligned(dtype: str, count: int) -> Any:
    """An array one byte beside where it should be."""
    memory = np.zeros(count * np.dtype(dtype).itemsize + 1, np.uint8)
    return memory[1:].view(dtype)
