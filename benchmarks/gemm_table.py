"""`python -m benchmarks.gemm_table`: matrix products by our tiles and by the BLAS, for the rule in gemm/choice.py.

One thread each; both are launched in a loop of machine code, in turn. What is counted is the processor time of the
thread, so that a busy machine disturbs little; of several samples the best.
"""

from __future__ import annotations

import os

if __name__ == "__main__":
    for _library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import argparse
import ctypes
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.harness import machine
from symtheano.compile.kernel import Buffer, Kernel, Stage, Store
from symtheano.compile.target.native import blas
from symtheano.compile.target.native.gemm import GemmSpec, emit_gemm, library
from symtheano.compile.target.native.gemm.choice import Choice, choice_for
from symtheano.compile.target.native.layout import ABI, Layout, Slot
from symtheano.compile.target.native.llvm import Module
from symtheano.compile.target.native.toolchain import build, host, object_for
from symtheano.scalar.expr import index, load


class Size(NamedTuple):
    """(m, k) times (k, n); which of the two is transposed: "nn", "tn", "nt"."""

    m: int
    k: int
    n: int
    transposed: str = "nn"

    def __str__(self) -> str:
        a, b = (" (transposed)" if t == "t" else "" for t in self.transposed)
        return f"{self.m} x {self.k}{a} by {self.k} x {self.n}{b}"


SIZES = [
    *(Size(n, n, n) for n in (10, 32, 64, 128, 256)),
    *(Size(20, 784, 500), Size(784, 20, 500, "tn"), Size(20, 500, 784, "nt")),
    *(Size(100, 784, 500), Size(784, 100, 500, "tn"), Size(600, 784, 500), Size(784, 600, 500, "tn")),
    *(Size(600, 500, 10), Size(600, 10, 500, "nt"), Size(500, 600, 10, "tn")),
    *(Size(128, 1000, 1000), Size(1000, 1000, 1000), Size(1000, 1000, 1000, "tn"), Size(1000, 1000, 1000, "nt")),
    *(Size(1024, 1024, 1024), Size(1024, 1024, 1024, "tn"), Size(2000, 2000, 2000)),
]
EPILOGUES = ("plain", "update")


def spec_of(dtype: str, epilogue: str) -> GemmSpec:
    """out = A B, or out = out - rate A B."""
    place = index("i"), index("j")
    acc, out = load("acc", place), load("out", place)
    expr = acc if epilogue == "plain" else out - load("rate") * acc
    rate = [] if epilogue == "plain" else [Buffer("rate", dtype, 0)]
    buffers = (Buffer("out", dtype, 2, True), *rate)
    return GemmSpec(dtype, Kernel(("i", "j"), (), buffers, (Stage(False, (Store("out", place, expr),)),)))


def module_of(dtype: str, epilogue: str, choice: Choice) -> tuple[str, Layout]:
    """A module that exports `many`: the product, launched n times."""
    module = Module(host())
    layout = emit_gemm(module, "product", spec_of(dtype, epilogue), {"out": ("s", "c"), "rate": ()}, True, choice)
    f = module.function("many", (*ABI, ("i64", "n")), linkage="")

    def launch(_: str, carried: list[str]) -> None:
        f.call("@product", "i32", [(t, f"%{n}") for t, n in ABI])

    f.loop("0", "%n", 1, [], launch)
    f.ret()
    return str(module), layout


class Contender:
    """One way to multiply matrices of a size."""

    def __init__(self, size: Size, dtype: str, epilogue: str, choice: Choice) -> None:
        text, layout = module_of(dtype, epilogue, choice)
        self.arrays = arrays_for(size, dtype)
        self.loaded = build(text, ["many"])
        number, pointer = ctypes.c_int64, ctypes.c_void_p
        self.function = ctypes.CFUNCTYPE(None, pointer, number, number, pointer, number)(self.loaded.address("many"))
        lengths = {"i": size.m, "k": size.k, "j": size.n}
        self.slots = (number * len(layout.slots))(*(self._slot(s, lengths) for s in layout.slots))
        memory = sum(s.bytes * int(np.prod([lengths[a] for a in s.axes])) for s in layout.scratch)
        self.scratch = np.zeros(memory + 64, np.uint8)
        self.rows = size.m

    def __call__(self, times: int) -> None:
        start = self.scratch.ctypes.data
        self.function(self.slots, 0, self.rows, start + -start % 64, times)

    def _slot(self, slot: Slot, lengths: dict[str, int]) -> int:
        if slot.kind == "function":
            return library.address(slot.name)
        if slot.kind == "size":
            return lengths[slot.name]
        array = self.arrays[slot.name]
        return int(array.ctypes.data if slot.kind == "pointer" else array.strides[slot.axis] // array.itemsize)


def arrays_for(size: Size, dtype: str) -> dict[str, np.ndarray]:
    """Matrices of a size; the rate is so small that an update changes little, however often it is done."""
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=s).astype(dtype) for s in ((size.m, size.k), (size.k, size.n)))
    if size.transposed[0] == "t":
        a = np.ascontiguousarray(a.T).T
    if size.transposed[1] == "t":
        b = np.ascontiguousarray(b.T).T
    return {"A": a, "B": b, "out": np.zeros((size.m, size.n), dtype), "rate": np.array(1e-9, dtype)}


def best(functions: Sequence[Callable[[int], None]], rounds: int, seconds: float) -> list[float]:
    """Processor seconds of one call of each, taken in turn."""
    counts = []
    for function in functions:
        function(1)
        count, taken = 1, 0.0
        while taken < seconds / 4:
            count *= 2
            start = time.thread_time()
            function(count)
            taken = time.thread_time() - start
        counts.append(max(1, round(count * seconds / taken)))
    found = [float("inf")] * len(functions)
    for _ in range(rounds):
        for k, (function, count) in enumerate(zip(functions, counts, strict=True)):
            start = time.thread_time()
            function(count)
            found[k] = min(found[k], (time.thread_time() - start) / count)
    return found


def row(size: Size, dtype: str, rounds: int, seconds: float) -> str:
    """A line of the table."""
    rule = (Choice(), Choice(1, 1))
    times = best([Contender(size, dtype, e, c) for e in EPILOGUES for c in rule], rounds, seconds)
    speeds = [2e-9 * size.m * size.k * size.n / t for t in times]
    plain, update = times[1] / times[0], times[3] / times[2]
    cells = [f"{s:.1f}" for s in speeds]
    return f"| {size} | {cells[0]} | {cells[1]} | {plain:.2f} | {cells[2]} | {cells[3]} | {update:.2f} |"


def compile_times(dtype: str, rounds: int) -> str:
    """Milliseconds of LLVM for the shared loops, and for one product that uses them."""
    loops, product = library.text(host(), dtype), module_of(dtype, "update", choice_for(host()))[0]
    found = []
    for text in (loops, product):
        samples = []
        for _ in range(rounds):
            start = time.thread_time()
            object_for(text, host())
            samples.append(time.thread_time() - start)
        found.append(1000 * min(samples))
    return f"{dtype}: {found[0]:.1f} ms of LLVM for the loops (once on a machine), {found[1]:.1f} ms for a product"


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gemm_table", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few samples of small sizes: to see that all runs")
    quick = parser.parse_args(arguments).quick
    found = blas.blas()
    if found is None:
        print("There is no BLAS to compare with.")
        return 1
    if not quick:
        print("\n".join(f"{k}: {v}" for k, v in machine().items()))
    print(f"BLAS: {found.routines.origin}; rule of this machine: {choice_for(host())}\n")
    for dtype in ("float32", "float64"):
        print(f"GFLOP/s, {dtype}\n")
        print("| | A B, own | BLAS | own is | C - r A B, own | BLAS | own is |\n|---|---|---|---|---|---|---|")
        for size in SIZES[:3] if quick else SIZES:
            print(row(size, dtype, *((1, 1e-4) if quick else (5, 0.005))), flush=True)
        print(f"\n{compile_times(dtype, 1 if quick else 7)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
