"""Rows of the table for bools and integers, as machine code: NumPy's results, which never trap.

Division by zero gives 0, results wrap, the smallest integer divided by -1 is itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.rows_convert import number_of

Row = Callable[..., Reg]  # (code, *registers of one type) -> register


def plain(*names: str) -> Row:
    """Instructions applied one after the other; the first takes the operands."""

    def lower(code: Code, *xs: Reg) -> Reg:
        value = code.op(names[0], *xs)
        for name in names[1:]:
            value = code.op(name, value)
        return value

    return lower


def same(code: Code, x: Reg) -> Reg:
    """The operand itself."""
    return x


def never(code: Code, x: Reg) -> Reg:
    """False: no integer is nan or infinite."""
    return code.const(False, "bool")


def _is_signed(x: Reg) -> bool:
    return np.dtype(x.dtype).kind == "i"


def _sign(code: Code, x: Reg) -> Reg:
    zero, one = code.like(x, 0), code.like(x, 1)
    positive = code.op("select", code.op("gt", x, zero), one, zero)
    if not _is_signed(x):
        return positive
    return code.op("select", code.op("lt", x, zero), code.like(x, -1), positive)


def _divmod(code: Code, x: Reg, y: Reg) -> tuple[Reg, Reg]:
    """The quotient rounded down and the remainder, of the divisor's sign; both 0 for a divisor of 0."""
    zero, one = code.like(x, 0), code.like(x, 1)
    known = number_of(code, y)
    if known == 0:
        return zero, zero
    signed, minus = _is_signed(x), code.like(x, -1) if _is_signed(x) else None
    is_zero, is_minus = code.op("eq", y, zero), None if minus is None else code.op("eq", y, minus)
    divisor = y
    if known is None:
        divisor = code.op("select", is_zero, one, divisor)
    if known in (None, -1) and is_minus is not None:
        divisor = code.op("select", is_minus, one, divisor)
    quotient = code.op("idiv", x, divisor)
    remainder = code.op("sub", x, code.op("mul", quotient, divisor))
    if signed:
        against = code.op("lt", code.op("xor", remainder, divisor), zero)
        down = code.op("and", code.op("ne", remainder, zero), against)
        quotient = code.op("select", down, code.op("sub", quotient, one), quotient)
        remainder = code.op("select", down, code.op("add", remainder, divisor), remainder)
    if known in (None, -1) and is_minus is not None:
        quotient = code.op("select", is_minus, code.op("neg", x), quotient)  # it was divided by 1
    if known is None:
        quotient = code.op("select", is_zero, zero, quotient)
    return quotient, remainder


def _power(code: Code, x: Reg, y: Reg) -> Reg:
    """x ** y for y >= 0, by squaring; wraps."""
    known = number_of(code, y)
    result, square = code.like(x, 1), x
    if known is not None:
        exponent = int(known)
        while exponent > 0:
            if exponent & 1:
                result = square if number_of(code, result) == 1 else code.op("mul", result, square)
            exponent >>= 1
            square = code.op("mul", square, square) if exponent else square
        return result
    # A step for each bit: the exponent of a negative number would have its sign bit too, but there is none.
    bits = 8 * np.dtype(y.dtype).itemsize - _is_signed(y)
    for bit in range(bits):
        is_set = code.op("ne", code.op("and", y, code.like(y, 1 << bit)), code.like(y, 0))
        result = code.op("select", is_set, code.op("mul", result, square), result)
        if bit + 1 < bits:
            square = code.op("mul", square, square)
    return result


INTEGER: dict[str, Row] = {
    "add": plain("add"),
    "mul": plain("mul"),
    "sub": plain("sub"),
    "int_div": lambda code, x, y: _divmod(code, x, y)[0],
    "mod": lambda code, x, y: _divmod(code, x, y)[1],
    "pow": _power,
    "neg": plain("neg"),
    "sqr": lambda code, x: code.op("mul", x, x),
    "abs_": lambda code, x: code.op("abs", x) if _is_signed(x) else x,
    "sgn": _sign,
    "maximum": plain("maximum"),
    "minimum": plain("minimum"),
    "real": same,
    "imag": lambda code, x: code.like(x, 0),
    "conj": same,
    "eq": plain("eq"),
    "neq": plain("ne"),
    "lt": plain("lt"),
    "le": plain("le"),
    "gt": plain("gt"),
    "ge": plain("ge"),
    "isnan": never,
    "isinf": never,
    "and_": plain("and"),
    "or_": plain("or"),
    "xor": plain("xor"),
    "invert": plain("not"),
}

# Rows that NumPy has for bools; it computes the others in int8.
BOOL: dict[str, Row] = {
    "add": plain("or"),
    "mul": plain("and"),
    "maximum": plain("or"),
    "minimum": plain("and"),
    "abs_": same,
    "real": same,
    "imag": lambda code, x: code.const(False, "bool"),
    **{name: INTEGER[name] for name in ("eq", "neq", "lt", "le", "gt", "ge", "isnan", "isinf")},
    **{name: INTEGER[name] for name in ("and_", "or_", "xor", "invert")},
}
