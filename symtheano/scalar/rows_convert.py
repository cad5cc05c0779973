"""Conversions between dtypes in machine code, and how the values of a dtype lie in registers.

A value of a real dtype is a register of that type, except that a float16 is a float32 register that holds a number a
float16 can hold. A complex value is a pair of registers.
"""

from __future__ import annotations

import numpy as np

from symtheano.scalar.dtypes import is_complex, real_of
from symtheano.scalar.machine import INFINITY, Code, Number, Reg

Value = Reg | tuple[Reg, Reg]


def register_dtype(dtype: str) -> str:
    """The type of a register that holds a real dtype: float16 -> float32."""
    return "float32" if dtype == "float16" else dtype


def real(value: Value) -> Reg:
    """The value of a real dtype, which is one register."""
    assert isinstance(value, Reg), "a complex value where a real one is read"
    return value


def pair(value: Value) -> tuple[Reg, Reg]:
    """The value of a complex dtype, which is two."""
    assert isinstance(value, tuple), "a real value where a complex one is read"
    return value


def constant(code: Code, number: Number | complex | np.generic, dtype: str) -> Value:
    """A number in `dtype`, converted as numpy does."""
    if isinstance(number, float) and dtype == "float64":
        return code.const(number, dtype)
    exact = np.asarray(number).astype(dtype)
    if is_complex(dtype):
        part = real_of(dtype)
        return code.const(float(exact.real), part), code.const(float(exact.imag), part)
    return code.const(exact.item(), register_dtype(dtype))


def number_of(code: Code, value: Value) -> Number | None:
    """The number a constant register holds."""
    if isinstance(value, Reg) and code.instrs[value.place].op == "const":
        number: Number = code.instrs[value.place].detail
        return number
    return None


def convert(code: Code, value: Value, source: str, target: str) -> Value:
    """A value of dtype `source` in dtype `target`, as numpy's astype. From complex to real only as a truth value."""
    if source == target:
        return value
    if is_complex(target):
        part = real_of(target)
        if is_complex(source):
            x, y = pair(value)
            return convert_real(code, x, real_of(source), part), convert_real(code, y, real_of(source), part)
        return convert_real(code, real(value), source, part), code.const(0.0, part)
    if is_complex(source):
        assert target == "bool", f"from {source} to {target}"
        x, y = pair(value)
        return code.op("or", code.op("convert", x, dtype="bool"), code.op("convert", y, dtype="bool"))
    return convert_real(code, real(value), source, target)


def convert_real(code: Code, x: Reg, source: str, target: str) -> Reg:
    """A value of a real dtype in another."""
    if source == target:
        return x
    number = number_of(code, x)
    if number is not None and np.isfinite(number):
        with np.errstate(all="ignore"):
            return real(constant(code, np.dtype(x.dtype).type(number), target))
    if target == "float16":
        return _to_half(code, x)
    return code.op("convert", x, dtype=target)  # of a float16 too: its register is a float32 already


def _to_half(code: Code, x: Reg) -> Reg:
    if x.dtype == "bool" or x.dtype in ("int8", "uint8"):
        return code.op("convert", x, dtype="float32")  # exact
    if x.dtype != "float64":
        return code.op("half", code.op("convert", x, dtype="float32"))
    # Rounded twice a number may come out wrong, so the first rounding goes to an odd neighbour where it is not exact:
    # then the second sees on which side of a tie the number is.
    near = code.op("convert", x, dtype="float32")
    back = code.op("convert", near, dtype="float64")
    inexact = code.op("and", code.op("ne", back, x), code.op("eq", x, x))
    beyond = code.op("gt", code.op("abs", back), code.op("abs", x))
    bits = code.op("bitcast", near, dtype="int32")
    one = code.const(1, "int32")
    odd = code.op("or", code.op("select", beyond, code.op("sub", bits, one), bits), one)
    return code.op("half", code.op("bitcast", code.op("select", inexact, odd, bits), dtype="float32"))


def infinite(code: Code, x: Reg) -> Reg:
    """Whether a float is infinite."""
    return code.op("eq", code.op("abs", x), code.like(x, INFINITY))
