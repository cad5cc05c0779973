"""The loops and tiles as a module of their own: code is generated for them once on a machine, not for each function.

What is launched gets their address as an argument: `emit_gemm(..., shared=True)`, and "gemm.float32" in `pointers()`.
"""

from __future__ import annotations

from functools import cache

from symtheano.compile.target.native.gemm.drive import PARAMS, emit_drive
from symtheano.compile.target.native.gemm.shape import shape_for
from symtheano.compile.target.native.llvm import Host, Module
from symtheano.compile.target.native.toolchain import Loaded, build, host

DTYPES = ("float32", "float64")


def address(name: str) -> int:
    """Where "gemm.float32" or "gemm.float64" is, for as long as the process lives."""
    return _loaded(name.removeprefix("gemm.")).address("product")


def text(machine: Host, dtype: str) -> str:
    """The module, which exports `product`."""
    module = Module(machine)
    drive = emit_drive(module, shape_for(machine, dtype))
    f = module.function("product", PARAMS, linkage="")
    f.call(drive, "void", [(t, f"%{n}") for t, n in PARAMS])
    f.ret()
    return str(module)


@cache
def _loaded(dtype: str) -> Loaded:
    return build(text(host(), dtype), ["product"])
