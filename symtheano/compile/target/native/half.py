"""float16 on processors without conversions for it (x86 before F16C): the bits, in machine code.

LLVM would call functions that are in no library we can count on.
"""

from __future__ import annotations

import math

from symtheano.scalar.machine import INFINITY, Code, Reg

_TOP = 65536.0  # the smallest power of two that is too large
_DOWN = 2.0**-112  # between the exponents' biases, 127 - 15


def rounded(code: Code, x: Reg) -> Reg:
    """A float32 rounded to the nearest float16 value, halves to even."""
    size = code.op("abs", x)
    bits = code.op("bitcast", size, dtype="int32")
    last = code.op("and", code.op("lshr", bits, code.like(bits, 13)), code.like(bits, 1))
    up = code.op("add", bits, code.op("add", last, code.like(bits, 0xFFF)))
    normal = code.op("bitcast", code.op("and", up, code.like(bits, ~0x1FFF)), dtype="float32")
    half = code.like(x, 0.5)  # of a float32 beside 1/2 the bits end where those of the smallest float16 do
    small = code.op("sub", code.op("add", size, half), half)
    value = code.op("select", code.op("lt", size, code.like(x, 2.0**-14)), small, normal)
    value = code.op("select", code.op("ge", value, code.like(x, _TOP)), code.like(x, INFINITY), value)
    return code.op("select", code.op("eq", x, x), code.op("copysign", value, x), x)


def from_bits(code: Code, bits: Reg) -> Reg:
    """The float32 of a float16's bits, a uint16."""
    wide = code.op("convert", bits, dtype="int32")
    size = code.op("and", wide, code.like(wide, 0x7FFF))
    moved = code.op("shl", size, code.like(wide, 13))
    value = code.op("mul", code.op("bitcast", moved, dtype="float32"), code.const(1.0 / _DOWN, "float32"))
    most = code.op("bitcast", code.op("or", moved, code.like(wide, 0x7F800000)), dtype="float32")
    value = code.op("select", code.op("ge", size, code.like(wide, 0x7C00)), most, value)
    sign = code.op("shl", wide, code.like(wide, 16))
    return code.op("copysign", value, code.op("bitcast", sign, dtype="float32"))


def to_bits(code: Code, x: Reg) -> Reg:
    """The bits of a float32 rounded to float16, a uint16."""
    value = rounded(code, x)
    size = code.op("abs", value)
    small = code.op("bitcast", code.op("mul", size, code.like(x, _DOWN)), dtype="int32")
    bits = code.op("lshr", small, code.like(small, 13))
    infinite = code.op("eq", size, code.like(x, math.inf))
    bits = code.op("select", infinite, code.like(bits, 0x7C00), bits)
    bits = code.op("select", code.op("eq", x, x), bits, code.like(bits, 0x7E00))
    sign = code.op("lshr", code.op("bitcast", x, dtype="int32"), code.like(bits, 16))
    sign = code.op("and", sign, code.like(bits, 0x8000))
    return code.op("convert", code.op("or", bits, sign), dtype="uint16")
