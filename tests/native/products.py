"""Matrix products run twice: by NumPy, in double precision, and as native code; both write into the arrays given."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from symtheano.compile.kernel import Buffer, Kernel, Stage, Store
from symtheano.compile.target.native.gemm import library
from symtheano.compile.target.native.gemm.choice import Choice
from symtheano.compile.target.native.gemm.product import emit_gemm
from symtheano.compile.target.native.gemm.spec import ACC, GemmSpec
from symtheano.compile.target.native.layout import ABI, Slot
from symtheano.compile.target.native.llvm import Host, Module
from symtheano.compile.target.native.toolchain import HOSTS, build, host
from symtheano.scalar.expr import Builder, Expr, const, index, load
from tests.native.kernel_numpy import classes_of, interpret

Arrays = Mapping[str, np.ndarray]
I, J = index("i"), index("j")
SUM = load(ACC, (I, J))
M = Builder()

# This machine, told that it has less: the code for others must run on it.
MACHINES = {
    "this": host(),
    "narrow": replace(host(), features=HOSTS["avx2"].features, vector_bytes=32, masks=False),
    "plain": replace(host(), features="", vector_bytes=32, masks=False, fma=False),
}


def kernel(buffers: Sequence[Buffer], *stores: Store) -> Kernel:
    """An epilogue."""
    return Kernel(("i", "j"), (), tuple(buffers), (Stage(False, stores),))


def plain(dtype: str) -> GemmSpec:
    """out = A @ B."""
    return GemmSpec(dtype, kernel([Buffer("out", dtype, 2, True)], Store("out", (I, J), SUM)))


def update(dtype: str) -> GemmSpec:
    """W -= rate * (A @ B), in place."""
    old = load("W", (I, J))
    buffers = [Buffer("W", dtype, 2, True), Buffer("rate", dtype, 0)]
    return GemmSpec(dtype, kernel(buffers, Store("W", (I, J), old - load("rate") * SUM)))


def added(dtype: str) -> GemmSpec:
    """out = old + (A @ B) * 0.5, of two arrays."""
    buffers = [Buffer("out", dtype, 2, True), Buffer("old", dtype, 2)]
    return GemmSpec(dtype, kernel(buffers, Store("out", (I, J), load("old", (I, J)) + SUM * 0.5)))


def subtracted(dtype: str) -> GemmSpec:
    """W = W - A @ B, in place."""
    return GemmSpec(dtype, kernel([Buffer("W", dtype, 2, True)], Store("W", (I, J), load("W", (I, J)) - SUM)))


def bias_tanh(dtype: str) -> GemmSpec:
    """out = tanh(A @ B + b), b a row."""
    buffers = [Buffer("out", dtype, 2, True), Buffer("b", dtype, 1)]
    return GemmSpec(dtype, kernel(buffers, Store("out", (I, J), M.tanh(SUM + load("b", (J,))))))


def several(dtype: str) -> GemmSpec:
    """Two results, one of another dtype; a column, a row of an array with two axes, and the coordinates."""
    value: Expr = SUM + load("column", (I, const(0))) - load("row", (const(0), J))
    buffers = [
        Buffer("out", dtype, 2, True),
        Buffer("high", "bool", 2, True),
        Buffer("column", dtype, 2),
        Buffer("row", dtype, 2),
    ]
    stores = [Store("out", (I, J), value), Store("high", (I, J), M.gt(value, J - I))]
    return GemmSpec(dtype, kernel(buffers, *stores))


class Native:
    """A product as native code, called with arrays: A, B and those of the epilogue."""

    def __init__(
        self,
        spec: GemmSpec,
        arrays: Arrays,
        machine: Host | None = None,
        shared: bool = False,
        choice: Choice | None = None,
    ) -> None:
        module = Module(machine or host())
        given = Kernel(("i", "j"), (), tuple(b for b in spec.epilogue.buffers if b.name != ACC), spec.epilogue.stages)
        last = "c" if arrays["A"].strides[1] == arrays["A"].itemsize else "s"
        access = {**classes_of(given, arrays), "A": ("s", last)}
        self.layout = emit_gemm(module, "gemm", spec, access, shared, choice)
        run = module.function("run", ABI, "i32", linkage="")
        run.ret(run.call("@gemm", "i32", [(t, f"%{n}") for t, n in ABI]))
        self.text = str(module)
        self.loaded = build(self.text, ["run"])
        pointer, number = ctypes.c_void_p, ctypes.c_int64
        self.function = ctypes.CFUNCTYPE(ctypes.c_int32, pointer, number, number, pointer)(self.loaded.address("run"))

    def __call__(self, arrays: Arrays, cuts: Sequence[int] = ()) -> None:
        """Calls it, once for each part between the cuts of the axis that can be split."""
        sizes = sizes_of(arrays)
        slots = (ctypes.c_int64 * len(self.layout.slots))(*(self._slot(s, arrays, sizes) for s in self.layout.slots))
        total = sum(s.bytes * int(np.prod([sizes[a] for a in s.axes])) for s in self.layout.scratch)
        assert self.layout.split is not None
        stop = sizes[self.layout.split]
        edges = [0, *sorted(c for c in cuts if 0 < c < stop), stop]
        for low, high in pairwise(edges):
            memory = np.full(total + 128, 0xA5, np.uint8)
            scratch = memory[-memory.ctypes.data % 64 :][: total + 64]
            assert self.function(slots, low, high, scratch.ctypes.data) == 0
            assert (scratch[total:] == 0xA5).all(), "more scratch was used than was asked for"

    @staticmethod
    def _slot(slot: Slot, arrays: Arrays, sizes: Mapping[str, int]) -> int:
        kind, name, axis = slot
        if kind == "function":
            return library.address(name)
        if kind == "size":
            return sizes[name]
        array = arrays[name]
        return int(array.ctypes.data if kind == "pointer" else array.strides[axis] // array.itemsize)


def sizes_of(arrays: Arrays) -> dict[str, int]:
    """The lengths of the axes."""
    return {"i": arrays["A"].shape[0], "k": arrays["A"].shape[1], "j": arrays["B"].shape[1]}


def expected(spec: GemmSpec, arrays: Arrays) -> dict[str, np.ndarray]:
    """All arrays as NumPy leaves them; sums are in double precision."""
    found = {n: a.copy() for n, a in arrays.items()}
    found[ACC] = arrays["A"].astype(np.float64) @ arrays["B"].astype(np.float64)
    buffers = (*spec.epilogue.buffers, Buffer(ACC, "float64", 2))
    whole = Kernel(("i", "j"), (), buffers, spec.epilogue.stages)
    interpret(whole, found, sizes_of(arrays))
    return found
