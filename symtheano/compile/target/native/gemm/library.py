"""The loops and tiles as a module of their own: code is generated for them once on a machine, not for each function.

What is launched gets their address as an argument: `emit_gemm(..., shared=True)`, and `address("gemm.float32")`.
"""

from __future__ import annotations

from functools import cache

from symtheano.compile.target.native.blas import pointers
from symtheano.compile.target.native.gemm.drive import emit_drive
from symtheano.compile.target.native.gemm.outer import NAMES
from symtheano.compile.target.native.gemm.shape import shape_for
from symtheano.compile.target.native.llvm import LLVM_TYPES, Host, Module
from symtheano.compile.target.native.toolchain import Loaded, build_once, host


def address(name: str) -> int:
    """Where "gemm.float32" or "gemm.float64" is, or "sgemm" or "dgemm" of the BLAS: 0 where there is none."""
    if name in NAMES.values():
        return pointers().get(name, 0)
    dtype = name.removeprefix("gemm.")
    return _loaded(dtype).address(f"gemm.{LLVM_TYPES[dtype]}")


def text(machine: Host, dtype: str) -> str:
    """The module, which exports the loops."""
    module = Module(machine)
    drive = emit_drive(module, shape_for(machine, dtype))
    module.functions[drive[1:]].linkage = ""
    return str(module)


@cache
def _loaded(dtype: str) -> Loaded:
    return build_once(f"gemm.{dtype}", lambda: text(host(), dtype), [f"gemm.{LLVM_TYPES[dtype]}"])
