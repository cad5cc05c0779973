"""Kernels run twice: by NumPy, in double precision and whole arrays, and as native code.

`interpret` is the meaning of a Kernel, written without a thought of speed: every stage over the whole index space at
once. `launch` emits, builds and calls the native function. Both write into the arrays that they are given.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from symtheano.compile.kernel import Keep, Kernel, Reduce, Store
from symtheano.compile.target.native.kernel import emit_kernel
from symtheano.compile.target.native.layout import ABI, Layout
from symtheano.compile.target.native.llvm import Host, Module
from symtheano.compile.target.native.toolchain import Loaded, build, host, link, object_for
from symtheano.scalar.expr import Expr, evaluate

Arrays = Mapping[str, np.ndarray]


class _Kept:
    """What was kept, read at (inner axes...): it has all axes of the kernel."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def __getitem__(self, _: Any) -> np.ndarray:
        return self.values


def interpret(kernel: Kernel, arrays: Arrays, sizes: Mapping[str, int]) -> None:
    """Writes what the kernel computes into its arrays; floats are computed in double precision."""
    kernel.check()
    names = [*kernel.axes, *kernel.inner]
    shape = tuple(sizes[n] for n in names)
    env: dict[str, Any] = {b.name: _precise(arrays[b.name]) for b in kernel.buffers}
    for k, name in enumerate(names):
        env[name] = np.arange(sizes[name]).reshape([-1 if j == k else 1 for j in range(len(names))])
    inner = tuple(range(len(kernel.axes), len(names)))
    with np.errstate(all="ignore"):
        for stage in kernel.stages:
            whole = shape if stage.inner else (*(sizes[a] for a in kernel.axes), *(1 for _ in inner))
            found: dict[str, Any] = {}
            stores: list[tuple[Store, tuple[np.ndarray, ...], np.ndarray]] = []
            for statement in stage.body:
                value = np.broadcast_to(_evaluate(statement.expr, env, kernel), whole)
                if isinstance(statement, Keep):
                    kept = _precise(value.astype(statement.dtype))
                    env[statement.name] = _Kept(kept) if inner else kept  # of no axes it is read as a scalar
                elif isinstance(statement, Reduce):
                    found[statement.name] = _reduced(statement, value, inner)
                else:
                    index = tuple(np.broadcast_to(_evaluate(i, env, kernel), whole) for i in statement.index)
                    stores.append((statement, index, value))
            env |= found
            for statement, index, value in stores:
                _stored(statement, arrays[statement.buffer], index, value)
                env[statement.buffer] = _precise(arrays[statement.buffer])


def _evaluate(expr: Expr, env: Mapping[str, Any], kernel: Kernel) -> np.ndarray:
    return np.asarray(evaluate(expr, env))


def _precise(array: np.ndarray) -> np.ndarray:
    wide = {"float16": "float64", "float32": "float64", "complex64": "complex128"}.get(array.dtype.name)
    return array.astype(wide) if wide else array.copy()


def _reduced(statement: Reduce, value: np.ndarray, inner: tuple[int, ...]) -> np.ndarray:
    dtype = _precise(np.zeros(0, statement.dtype)).dtype
    function = getattr(np, statement.op.numpy)
    identity = statement.op.identity
    if np.isinf(identity) and dtype.kind in "iu":
        identity = np.iinfo(dtype).max if identity > 0 else np.iinfo(dtype).min
    start = np.array(identity).astype(dtype)[()]
    return function.reduce(value.astype(dtype), axis=inner, keepdims=True, initial=start, dtype=dtype)


def _stored(statement: Store, array: np.ndarray, index: tuple[np.ndarray, ...], value: np.ndarray) -> None:
    value = value.astype(array.dtype)
    if not index:
        value = value.reshape(-1)[-1]  # a 0-d array: the last value stays
    if not statement.add:
        array[index] = value
        return
    total = _precise(array)
    np.add.at(total, index, _precise(value))
    array[...] = total.astype(array.dtype)


def classes_of(kernel: Kernel, arrays: Arrays) -> dict[str, tuple[str, ...]]:
    """The access classes of arrays: the last axis is "c" where its elements lie side by side."""
    made = {}
    for buffer in kernel.buffers:
        array = arrays[buffer.name]
        last = "c" if array.ndim and array.strides[-1] == array.itemsize else "s"
        made[buffer.name] = tuple(["s"] * (array.ndim - 1) + [last] * bool(array.ndim))
    return made


def module_of(
    kernel: Kernel, classes: Mapping[str, tuple[str, ...]], machine: Host | None = None
) -> tuple[str, Layout]:
    """The text of a module that exports a kernel as "run"."""
    module = Module(machine or host())
    layout = emit_kernel(module, "kernel", kernel, classes)
    run = module.function("run", ABI, "i32", linkage="")
    run.ret(run.call("@kernel", "i32", [(t, f"%{n}") for t, n in ABI]))
    return str(module), layout


class Native:
    """A kernel as native code, called with arrays."""

    def __init__(self, kernel: Kernel, classes: Mapping[str, tuple[str, ...]], machine: Host | None = None) -> None:
        self.text, self.layout = module_of(kernel, classes, machine)
        self.kernel = kernel
        whole = build(self.text, ["run"]) if machine is None else link([object_for(self.text, machine)], ["run"])
        self.loaded: Loaded = whole
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        self.function = ctypes.CFUNCTYPE(ctypes.c_int32, pointer, number, number, pointer)(self.loaded.address("run"))

    def arguments(self, arrays: Arrays, sizes: Mapping[str, int]) -> tuple[Any, np.ndarray]:
        """The slots and the scratch of a call."""
        slots = (ctypes.c_int64 * len(self.layout.slots))()
        for k, slot in enumerate(self.layout.slots):
            if slot.kind == "pointer":
                slots[k] = arrays[slot.name].ctypes.data
            elif slot.kind == "size":
                slots[k] = sizes[slot.name]
            else:
                array = arrays[slot.name]
                assert array.strides[slot.axis] % array.itemsize == 0
                slots[k] = array.strides[slot.axis] // array.itemsize
        total = sum(s.bytes * int(np.prod([sizes[a] for a in s.axes])) for s in self.layout.scratch)
        scratch = np.full(total + 64, 0xA5, np.uint8)
        return slots, scratch[-scratch.ctypes.data % 64 :]

    def __call__(self, arrays: Arrays, sizes: Mapping[str, int], cuts: Sequence[int] = ()) -> None:
        """Calls it, once for each part between the cuts of the axis that can be split."""
        slots, scratch = self.arguments(arrays, sizes)
        stop = sizes[self.layout.split] if self.layout.split else 0
        grain = self.layout.grain
        edges = (
            [0, *(c // grain * grain for c in cuts if c // grain * grain <= stop), stop]
            if self.layout.split
            else [0, 0]
        )
        for low, high in pairwise(edges):
            assert self.function(slots, low, high, scratch.ctypes.data) == 0


def launch(
    kernel: Kernel, arrays: Arrays, sizes: Mapping[str, int], cuts: Sequence[int] = (), machine: Host | None = None
) -> Native:
    """Builds and calls a kernel once; machine: as code for another one, which this one can run."""
    native = Native(kernel, classes_of(kernel, arrays), machine)
    native(arrays, sizes, cuts)
    return native
