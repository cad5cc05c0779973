"""Arithmetic of complex numbers, pairs of registers, as machine code: rows of the table.

Products and quotients are NumPy's to the bit (a product's parts are fused multiply-adds, a quotient is Smith's); abs is
C99's. Functions are in rows_complex_functions.py.
"""

from __future__ import annotations

from collections.abc import Callable

from symtheano.scalar.machine import INFINITY, Code, Reg, is_nan
from symtheano.scalar.rows_convert import Value, infinite, pair

Complex = tuple[Reg, Reg]
Row = Callable[..., Value]  # (code, *pairs) -> pair or register


def choose(code: Code, condition: Reg, x: Value, y: Value) -> Value:
    """x where the condition holds, else y, of real or complex values."""
    if isinstance(x, Reg) and isinstance(y, Reg):
        return code.op("select", condition, x, y)
    (a, b), (c, d) = pair(x), pair(y)
    return code.op("select", condition, a, c), code.op("select", condition, b, d)


# ----- Arithmetic -----


def _each(name: str) -> Row:
    def lower(code: Code, *xs: Complex) -> Complex:
        return code.op(name, *(x[0] for x in xs)), code.op(name, *(x[1] for x in xs))

    return lower


def product(code: Code, x: Complex, y: Complex) -> Complex:
    (a, b), (c, d) = x, y
    return (
        code.op("fma", a, c, code.op("neg", code.op("mul", b, d))),
        code.op("fma", a, d, code.op("mul", b, c)),
    )


def quotient(code: Code, x: Complex, y: Complex) -> Complex:
    # Smith's algorithm: the larger part of the divisor is divided by, so that no square overflows.
    (a, b), (c, d) = x, y
    real_larger = code.op("ge", code.op("abs", c), code.op("abs", d))
    large, small = code.op("select", real_larger, c, d), code.op("select", real_larger, d, c)
    ratio = code.op("div", small, large)
    scale = code.op("div", code.like(a, 1.0), code.op("add", large, code.op("mul", small, ratio)))
    ar, br = code.op("mul", a, ratio), code.op("mul", b, ratio)
    re = code.op("select", real_larger, code.op("add", a, br), code.op("add", ar, b))
    im = code.op("select", real_larger, code.op("sub", b, ar), code.op("sub", br, a))
    re, im = code.op("mul", re, scale), code.op("mul", im, scale)
    size, zero = code.op("abs", c), code.like(a, 0.0)
    nothing = code.op("and", code.op("eq", c, zero), code.op("eq", d, zero))
    return (
        code.op("select", nothing, code.op("div", a, size), re),
        code.op("select", nothing, code.op("div", b, size), im),
    )


def inverse(code: Code, x: Complex) -> Complex:
    a, b = x
    real_larger = code.op("le", code.op("abs", b), code.op("abs", a))
    large, small = code.op("select", real_larger, a, b), code.op("select", real_larger, b, a)
    ratio = code.op("div", small, large)
    size = code.op("add", large, code.op("mul", small, ratio))
    one = code.like(a, 1.0)
    minus_ratio = code.op("neg", ratio)
    return (
        code.op("div", code.op("select", real_larger, one, ratio), size),
        code.op("div", code.op("select", real_larger, minus_ratio, code.like(a, -1.0)), size),
    )


# ----- Size -----


def hypot(code: Code, a: Reg, b: Reg) -> Reg:
    """sqrt(a * a + b * b) without overflow; infinite if either is."""
    if a.dtype == "float32":
        x, y = code.op("convert", a, dtype="float64"), code.op("convert", b, dtype="float64")
        squares = code.op("add", code.op("mul", x, x), code.op("mul", y, y))  # each square is exact
        size = code.op("convert", code.op("sqrt", squares), dtype="float32")
    else:
        size = _hypot_double(code, code.op("abs", a), code.op("abs", b))
    either = code.op("or", infinite(code, a), infinite(code, b))
    return code.op("select", either, code.like(a, INFINITY), size)


def _hypot_double(code: Code, a: Reg, b: Reg) -> Reg:
    # Borges, "An improved algorithm for hypot(a, b)" (2019), with the operands scaled into the middle of the range.
    first = code.op("gt", a, b)
    x, y = code.op("select", first, a, b), code.op("select", first, b, a)
    big, tiny = code.op("gt", x, code.like(x, 2.0**511)), code.op("lt", x, code.like(x, 2.0**-400))
    up, down, one = code.like(x, 2.0**600), code.like(x, 2.0**-600), code.like(x, 1.0)
    scale = code.op("select", big, down, code.op("select", tiny, up, one))
    back = code.op("select", big, up, code.op("select", tiny, down, one))
    x, y = code.op("mul", x, scale), code.op("mul", y, scale)
    twice, difference = code.op("add", y, y), code.op("sub", x, y)
    near = code.op("fma", twice, x, code.op("mul", difference, difference))
    far = code.op("fma", x, x, code.op("mul", y, y))
    size = code.op("sqrt", code.op("select", code.op("ge", twice, x), near, far))
    nan = code.op("or", is_nan(code, a), is_nan(code, b))
    return code.op("select", nan, code.op("add", a, b), code.op("mul", size, back))


COMPLEX: dict[str, Row] = {
    "add": _each("add"),
    "sub": _each("sub"),
    "mul": product,
    "true_div": quotient,
    "neg": _each("neg"),
    "inv": inverse,
    "sqr": lambda code, x: product(code, x, x),
    "abs_": lambda code, x: hypot(code, *x),
    "real": lambda code, x: x[0],
    "imag": lambda code, x: x[1],
    "conj": lambda code, x: (x[0], code.op("neg", x[1])),
    "eq": lambda code, x, y: code.op("and", code.op("eq", x[0], y[0]), code.op("eq", x[1], y[1])),
    "neq": lambda code, x, y: code.op("or", code.op("ne", x[0], y[0]), code.op("ne", x[1], y[1])),
    "isnan": lambda code, x: code.op("or", is_nan(code, x[0]), is_nan(code, x[1])),
    "isinf": lambda code, x: code.op("or", infinite(code, x[0]), infinite(code, x[1])),
}
