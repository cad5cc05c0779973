"""The functions that regions launch: kernels and products, each written once for all launches that need the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from symtheano.compile.collapse import Collapsed
from symtheano.compile.fuse import Group
from symtheano.compile.kernel import Kernel
from symtheano.compile.lengths import Length
from symtheano.compile.target.native.gemm.product import GemmSpec, emit_gemm
from symtheano.compile.target.native.kernel import emit_kernel
from symtheano.compile.target.native.layout import Layout
from symtheano.compile.target.native.llvm import Module
from symtheano.compile.target.native.place import Place
from symtheano.compile.target.native.scratch import CHUNKS

PAR, POOL, THREADS = range(3)  # slots of the table of outer functions, see target.py
PRODUCTS = {"gemm.float32": 3, "gemm.float64": 4, "sgemm": 5, "dgemm": 6}  # ... see gemm/library.py
SPLIT_WORK = 100_000  # nanoseconds of work from which on threads share it


@dataclass(frozen=True)
class Launch:
    """One launched function: what it is called with, for the estimate of the work and for people who want to see.

    code: the name of the function that has the kernel, which this one may call many times. given: where its buffers
    lie. axes: lengths of the kernel's axes; each is the product of some. group: what it computes, or checks.
    """

    name: str
    code: str
    kernel: Kernel
    points: tuple[Length, ...]
    cost: float
    given: dict[str, Place]
    axes: dict[str, list[Length]]
    group: Group


@dataclass(frozen=True)
class Made:
    """A kernel, or the epilogue of a product (`dtype`: of its matrices) that a function was written for."""

    kernel: Kernel
    access: dict[str, tuple[str, ...]]
    layout: Layout
    dtype: str | None = None


@dataclass
class Kernels:
    """The functions of a module that regions launch, each once for all launches that need the same."""

    module: Module
    known: dict[Any, Layout] = field(default_factory=dict)
    simplified: dict[Any, tuple[Collapsed, Layout]] = field(default_factory=dict)  # by kernels as groups give them
    made: dict[str, Made] = field(default_factory=dict)  # what is in `known`, by its name
    outer: set[str] = field(default_factory=set)  # the functions of PRODUCTS that are called

    def sharing(self) -> str:
        """The function that calls a launched function, on several threads where there is work enough."""
        if "share" not in self.module.functions:
            _emit_sharing(self.module)
        return "share"

    def splits(self, name: str) -> bool:
        """Whether the function of a kernel may be divided among threads."""
        return self.made[name].layout.split is not None

    def kernel(self, kernel: Kernel, access: dict[str, tuple[str, ...]]) -> Layout:
        """The layout of a kernel's function."""
        key = (str(kernel), tuple(sorted(access.items())), kernel.floatX)
        if key not in self.known:
            kernel.check()
            name = f"k{len(self.known)}"
            layout = self.known[key] = emit_kernel(self.module, name, kernel, access)
            self.made[name] = Made(kernel, access, layout)
        return self.known[key]

    def product(self, dtype: str, kernel: Kernel, access: dict[str, tuple[str, ...]]) -> Layout:
        """The layout of a matrix product's function."""
        key = ("product", dtype, str(kernel), tuple(sorted(access.items())), kernel.floatX)
        if key not in self.known:
            name = f"m{len(self.known)}"
            layout = emit_gemm(self.module, name, GemmSpec(dtype, kernel), access, shared=True)
            self.known[key], self.made[name] = layout, Made(kernel, access, layout, dtype)
            self.outer.update(s.name for s in layout.slots if s.kind == "function")
        return self.known[key]


def _emit_sharing(module: Module) -> None:
    params = [("ptr", "outer"), ("ptr", "fn"), ("ptr", "args"), ("i64", "count"), ("i64", "work"), ("i64", "grain")]
    f = module.function("share", [*params, ("ptr", "memory"), ("i64", "part"), ("i64", "pieces")], "i32")
    large = f.emit(f"icmp sgt i64 %work, {1000 * SPLIT_WORK}")
    alone, shared = f.label("alone"), f.label("shared")
    f.branch(f.emit(f"and i1 {large}, {f.emit('icmp sgt i64 %pieces, 1')}"), shared, alone)
    f.start(alone)
    f.ret(f.call("%fn", "i32", [("ptr", "%args"), ("i64", "0"), ("i64", "%count"), ("ptr", "%memory")]))
    f.start(shared)
    parts = f.emit("mul i64 %pieces, 4")
    parts = f.emit(f"select i1 {f.emit(f'icmp sgt i64 {parts}, {CHUNKS}')}, i64 {CHUNKS}, i64 {parts}")
    # A part that needs memory of its own is one of as many as there is memory for.
    parts = f.emit(f"select i1 {f.emit('icmp eq i64 %part, 0')}, i64 {parts}, i64 %pieces")
    most = f.emit(f"add i64 %count, {f.emit(f'sub i64 {parts}, 1')}")
    each = f.emit(f"sdiv i64 {most}, {parts}")
    rounded = f.emit(f"add i64 {each}, {f.emit('sub i64 %grain, 1')}")
    chunk = f.emit(f"mul i64 {f.emit(f'sdiv i64 {rounded}, %grain')}, %grain")
    par, pool = f.slot("%outer", PAR, "ptr"), f.slot("%outer", POOL, "ptr")
    arguments = [("ptr", pool), ("ptr", "%fn"), ("ptr", "%args"), ("i64", "%count"), ("i64", chunk)]
    f.ret(f.call(par, "i32", [*arguments, ("ptr", "%memory"), ("i64", "%part")]))
