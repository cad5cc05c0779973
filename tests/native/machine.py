"""Runs machine code of one point over arrays, through the real printer and toolchain: the ground for tests of both."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symtheano.compile.target.native.code import Printer, loaded, storable
from symtheano.compile.target.native.llvm import LLVM_TYPES, Function, Module, vector
from symtheano.compile.target.native.toolchain import build, host
from symtheano.scalar.dtypes import is_complex, real_of
from symtheano.scalar.machine import Code
from symtheano.scalar.rows_convert import Value, pair

WIDTH = 8
Build = Callable[..., Value]  # (code, *values) -> value


@dataclass(frozen=True)
class Case:
    """A function of values of these dtypes, and the dtype of its result."""

    build: Build
    dtypes: tuple[str, ...]
    out: str


def _parts(dtype: str) -> tuple[str, ...]:
    """The arrays that a dtype's values are passed in: two for complex."""
    return (real_of(dtype),) * 2 if is_complex(dtype) else (dtype,)


def _emit(module: Module, name: str, case: Case, width: int) -> None:
    function = module.function(name, [("ptr", "args"), ("i64", "n")], linkage="")
    code = Code()
    values: list[Value] = []
    inputs: list[tuple[str, str]] = []
    for k, dtype in enumerate(case.dtypes):
        regs = [
            code.input(f"x{k}p{p}", "float32" if part == "float16" else part) for p, part in enumerate(_parts(dtype))
        ]
        inputs += [(f"x{k}p{p}", part) for p, part in enumerate(_parts(dtype))]
        values.append((regs[0], regs[1]) if is_complex(dtype) else regs[0])
    result = case.build(code, *values)
    code.check()
    results = pair(result) if isinstance(result, tuple) else (result,)
    pointers = [function.slot("%args", k, "ptr") for k in range(len(inputs) + len(results))]

    def body(i: str, _: list[str]) -> None:
        printer = Printer(function, code)
        for (input_, dtype), pointer in zip(inputs, pointers, strict=False):
            printer.give(input_, _load(function, dtype, pointer, i, width), width)
        printer.print(code.needed(results), width)
        for reg, part, pointer in zip(results, _parts(case.out), pointers[len(inputs) :], strict=True):
            type_ = LLVM_TYPES[part]
            raw = storable(function, part, printer.value(reg, width), width)
            function.store(vector(type_, width), raw, function.gep(pointer, i, type_), np.dtype(part).itemsize)

    function.loop("0", "%n", width, [], body)
    function.ret()


def _load(function: Function, dtype: str, pointer: str, i: str, width: int) -> str:
    type_ = LLVM_TYPES[dtype]
    raw = function.load(vector(type_, width), function.gep(pointer, i, type_), np.dtype(dtype).itemsize)
    return loaded(function, dtype, raw, width)


def text(cases: Sequence[Case], width: int) -> str:
    """The module of the cases f0, f1 ..."""
    module = Module(host())
    for k, case in enumerate(cases):
        _emit(module, f"f{k}", case, width)
    return str(module)


def run(cases: Sequence[Case], arrays: Sequence[Sequence[Any]], width: int) -> list[Any]:
    """Each case applied to its arrays, 1-d and of one length, `width` lanes at a time."""
    names = [f"f{k}" for k in range(len(cases))]
    code = build(text(cases, width), names)
    return [_call(code.address(n), case, xs, width) for n, case, xs in zip(names, cases, arrays, strict=True)]


def _call(address: int, case: Case, xs: Sequence[Any], width: int) -> Any:
    count = len(xs[0])
    padded = -(-count // width) * width
    given = [_padded(np.ascontiguousarray(x), padded) for x in xs]
    split = [np.ascontiguousarray(p) for x in given for p in ((x.real, x.imag) if x.dtype.kind == "c" else (x,))]
    made = [np.zeros(padded, part) for part in _parts(case.out)]
    pointers = (ctypes.c_void_p * (len(split) + len(made)))(*(a.ctypes.data for a in (*split, *made)))
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(address)(ctypes.addressof(pointers), padded)
    if len(made) == 1:
        return made[0][:count]
    result = np.zeros(padded, case.out)
    result.real, result.imag = made
    return result[:count]


def _padded(x: Any, count: int) -> Any:
    return np.concatenate([x, np.repeat(x[-1:], count - len(x))])
