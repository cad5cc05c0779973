"""Matrix products in native code: tiles in registers, and the epilogue of a block while it is in the first cache."""

from symtheano.compile.target.native.gemm.product import emit_gemm
from symtheano.compile.target.native.gemm.spec import GemmSpec

__all__ = ["GemmSpec", "emit_gemm"]
