"""Rows of the table for floats, as machine code: NumPy's results to the bit. Transcendental ones are in `vecmath`."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from symtheano.scalar.machine import Code, Rare, Reg, is_nan
from symtheano.scalar.rows_convert import infinite, number_of
from symtheano.scalar.rows_integer import plain, same

Row = Callable[..., Reg]  # (code, *registers of one type) -> register

# ----- Division with remainder -----


def _fmod(code: Code, x: Reg, y: Reg) -> Reg:
    """C's fmod: x - n * y for the integer n towards zero of the exact x / y. Exact."""
    quotient = code.op("div", x, y)
    below = code.op("lt", code.op("abs", x), code.op("abs", y))
    usual = code.op("select", below, x, _reduced(code, x, y, quotient))
    # From here on the quotient's integer part is not exact.
    large = code.op("ge", code.op("abs", quotient), code.like(x, 2.0**24 if x.dtype == "float32" else 2.0**53))
    return code.rare(large, usual, _LONG[x.dtype], x, y)


def _reduced(code: Code, x: Reg, y: Reg, quotient: Reg) -> Reg:
    """x - trunc(x / y) * y, given the rounded quotient, where that is below the precision's largest integer."""
    whole = code.op("trunc", quotient)
    rest = code.op("fma", code.op("neg", whole), y, x)
    # The quotient may have been rounded up to an integer: then the rest, still exact, is on the other side of 0.
    zero = code.like(x, 0.0)
    over = code.op("lt", code.op("mul", code.op("copysign", code.like(x, 1.0), x), rest), zero)
    return code.op("select", over, code.op("add", rest, code.op("copysign", y, x)), rest)


def _fmod_long(code: Code, x: Reg, y: Reg) -> Reg:
    """fmod of a large quotient: long division, some fifty bits at a time."""
    wide_x, wide_y = code.op("convert", x, dtype="float64"), code.op("convert", y, dtype="float64")
    top, bits = (277, 48) if x.dtype == "float32" else (2098, 50)
    multiples = [code.op("abs", wide_y)]
    for _ in range(top // bits):
        multiples.append(code.op("mul", multiples[-1], code.like(wide_x, 2.0**bits)))
    rest = code.op("abs", wide_x)
    for multiple in reversed(multiples):
        reduced = _reduced(code, rest, multiple, code.op("div", rest, multiple))
        rest = code.op("select", code.op("ge", rest, multiple), reduced, rest)
    fine = code.op("and", code.op("ne", wide_y, code.like(wide_y, 0.0)), code.op("not", infinite(code, wide_x)))
    rest = code.op("select", fine, code.op("copysign", rest, wide_x), code.like(rest, math.nan))
    return code.op("convert", rest, dtype=x.dtype)


_LONG = {"float32": Rare("fmod", _fmod_long), "float64": Rare("fmod", _fmod_long)}


def _mod(code: Code, x: Reg, y: Reg) -> Reg:
    """The remainder of the divisor's sign."""
    rest, zero = _fmod(code, x, y), code.like(x, 0.0)
    against = code.op("xor", code.op("lt", y, zero), code.op("lt", rest, zero))
    signed = code.op("select", against, code.op("add", rest, y), rest)
    signed = code.op("select", code.op("eq", rest, zero), code.op("copysign", zero, y), signed)
    return code.op("select", code.op("eq", y, zero), code.like(x, math.nan), signed)


def _floor_divide(code: Code, x: Reg, y: Reg) -> Reg:
    """The quotient rounded down, from the remainder, so that it is right where x / y is rounded up to an integer."""
    rest, zero, one = _fmod(code, x, y), code.like(x, 0.0), code.like(x, 1.0)
    quotient = code.op("div", x, y)
    whole = code.op("div", code.op("sub", x, rest), y)
    against = code.op("xor", code.op("lt", y, zero), code.op("lt", rest, zero))
    down = code.op("and", against, code.op("ne", rest, zero))
    whole = code.op("select", down, code.op("sub", whole, one), whole)
    floor = code.op("floor", whole)
    up = code.op("gt", code.op("sub", whole, floor), code.like(x, 0.5))
    floor = code.op("select", up, code.op("add", floor, one), floor)
    floor = code.op("select", code.op("eq", whole, zero), code.op("copysign", zero, quotient), floor)
    return code.op("select", code.op("eq", y, zero), quotient, floor)


# ----- Others -----


def _sign(code: Code, x: Reg) -> Reg:
    zero, one = code.like(x, 0.0), code.like(x, 1.0)
    below = code.op("select", code.op("lt", x, zero), code.like(x, -1.0), zero)
    sign = code.op("select", code.op("gt", x, zero), one, below)
    return code.op("select", is_nan(code, x), x, sign)


def _degrees(numerator: str) -> Row:
    def lower(code: Code, x: Reg) -> Reg:
        kind = np.dtype(x.dtype).type
        factor = kind(math.pi) / kind(180) if numerator == "pi" else kind(180) / kind(math.pi)
        return code.op("mul", x, code.like(x, float(factor)))

    return lower


def power(general: Row | None) -> Row:
    """x ** y: exact multiplications for small constant exponents, else the general function."""

    def lower(code: Code, x: Reg, y: Reg) -> Reg:
        known = number_of(code, y)
        one = code.like(x, 1.0)
        if known == 0:
            return one
        if known == 1:
            return x
        if known == -1:
            return code.op("div", one, x)
        if known in (2, 3, 4):
            square = code.op("mul", x, x)
            return square if known == 2 else code.op("mul", square, x if known == 3 else square)
        if known == 0.5:
            return code.op("sqrt", x)  # as NumPy: -inf gives nan
        assert general is not None, "x ** y of floats is not native"
        return general(code, x, y)

    return lower


def _extremum(order: str) -> Row:
    # For float16 NumPy takes the first of two zeros, elsewhere the second.
    def lower(code: Code, x: Reg, y: Reg) -> Reg:
        first = code.op("or", code.op(order, x, y), is_nan(code, x))
        return code.op("select", first, x, y)

    return lower


FLOAT: dict[str, Row] = {
    "add": plain("add"),
    "mul": plain("mul"),
    "sub": plain("sub"),
    "true_div": plain("div"),
    "int_div": _floor_divide,
    "mod": _mod,
    "neg": plain("neg"),
    "inv": lambda code, x: code.op("div", code.like(x, 1.0), x),
    "sqr": lambda code, x: code.op("mul", x, x),
    "sqrt": plain("sqrt"),
    "abs_": plain("abs"),
    "sgn": _sign,
    "maximum": plain("maximum"),
    "minimum": plain("minimum"),
    "floor": plain("floor"),
    "ceil": plain("ceil"),
    "trunc": plain("trunc"),
    "round_half_to_even": plain("rint"),
    "real": same,
    "imag": lambda code, x: code.like(x, 0.0),
    "conj": same,
    "eq": plain("eq"),
    "neq": plain("ne"),
    "lt": plain("lt"),
    "le": plain("le"),
    "gt": plain("gt"),
    "ge": plain("ge"),
    "isnan": is_nan,
    "isinf": infinite,
    "deg2rad": _degrees("pi"),
    "rad2deg": _degrees("180"),
}

# Where float16, which is computed in float32, differs.
HALF: dict[str, Row] = {"maximum": _extremum("ge"), "minimum": _extremum("le")}

# Of numbers that a float16 holds these give one: no rounding follows.
EXACT = frozenset("neg abs_ sgn maximum minimum floor ceil trunc round_half_to_even real imag conj".split())
