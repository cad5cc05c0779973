"""Rows of the table for complex numbers, pairs of registers, as machine code.

Products and quotients are NumPy's to the bit (a product's parts are fused multiply-adds, a quotient is Smith's);
abs, exp, log and sqrt are C99's, with its results for infinities and nan (annex G).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from symtheano.scalar.machine import INFINITY, Code, Reg, is_nan
from symtheano.scalar.rows_convert import Value, infinite, pair
from symtheano.scalar.vecmath import FUNCTIONS

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


def _product(code: Code, x: Complex, y: Complex) -> Complex:
    (a, b), (c, d) = x, y
    return (
        code.op("fma", a, c, code.op("neg", code.op("mul", b, d))),
        code.op("fma", a, d, code.op("mul", b, c)),
    )


def _quotient(code: Code, x: Complex, y: Complex) -> Complex:
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


def _inverse(code: Code, x: Complex) -> Complex:
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


def _hypot(code: Code, a: Reg, b: Reg) -> Reg:
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


# ----- Transcendental functions; only those whose real parts are there -----


def _exp(code: Code, x: Complex) -> Complex:
    a, b = x
    zero, infinity = code.like(a, 0.0), code.like(a, INFINITY)
    # exp(a) may overflow where exp(a) * cos(b) does not: it is taken in two steps there.
    limit, shift = (88.0, 40.0) if a.dtype == "float32" else (709.0, 300.0)
    large = code.op("and", code.op("gt", a, code.like(a, limit)), code.op("lt", a, infinity))
    size = FUNCTIONS["exp"](code, code.op("select", large, code.op("sub", a, code.like(a, shift)), a))
    more = code.op("select", large, code.like(a, math.exp(shift)), code.like(a, 1.0))
    finite = code.op("lt", code.op("abs", b), infinity)
    flat = code.op("eq", b, zero)
    cos, sin = FUNCTIONS["cos"](code, b), FUNCTIONS["sin"](code, b)
    # The sign of zero and of infinity need the directions; where b is not finite there are none.
    lost = code.op("and", infinite(code, a), code.op("not", finite))
    cos = code.op("select", lost, code.like(a, 1.0), cos)
    sin = code.op("select", lost, code.op("select", code.op("lt", a, zero), zero, code.like(a, math.nan)), sin)
    re = code.op("mul", code.op("mul", size, cos), more)
    im = code.op("mul", code.op("mul", size, sin), more)
    nan_flat = code.op("and", flat, code.op("not", code.op("lt", a, infinity)))  # exp(inf + 0i), exp(nan + 0i)
    return re, code.op("select", code.op("or", flat, nan_flat), b, im)


def _log(code: Code, x: Complex) -> Complex:
    a, b = code.op("abs", x[0]), code.op("abs", x[1])
    size = _log_size(code, a, b)
    return size, FUNCTIONS["arctan2"](code, x[1], x[0])


def _log_size(code: Code, a: Reg, b: Reg) -> Reg:
    """log(hypot(a, b)) of numbers that are not negative, accurate near 1 too."""
    first = code.op("gt", a, b)
    x, y = code.op("select", first, a, b), code.op("select", first, b, a)
    one, half = code.like(a, 1.0), code.like(a, 0.5)
    # Near 1: log1p((x - 1)(x + 1) + y * y) / 2, the terms with the errors of their products.
    less, more = code.op("sub", x, one), code.op("add", x, one)
    p, square = code.op("mul", less, more), code.op("mul", y, y)
    p_rest = code.op("fma", less, more, code.op("neg", p))
    square_rest = code.op("fma", y, y, code.op("neg", square))
    total = code.op("add", p, square)
    split = code.op("sub", total, p)
    lost = code.op("add", code.op("sub", p, code.op("sub", total, split)), code.op("sub", square, split))
    more_rest = code.op("mul", less, code.op("sub", x, code.op("sub", more, one)))
    rest = code.op("add", code.op("add", p_rest, square_rest), code.op("add", lost, more_rest))
    near = code.op("mul", half, FUNCTIONS["log1p"](code, code.op("add", total, rest)))
    # Elsewhere the size, scaled where it would overflow or lose bits.
    huge = code.op("gt", x, code.like(a, 2.0**100 if a.dtype == "float32" else 2.0**1000))
    tiny = code.op("lt", x, code.like(a, 2.0**-100 if a.dtype == "float32" else 2.0**-900))
    bits = 60 if a.dtype == "float32" else 600
    scale = code.op("select", tiny, code.like(a, 2.0**bits), one)
    scale = code.op("select", huge, code.like(a, 2.0**-bits), scale)
    shift = code.op("select", tiny, code.like(a, -bits * math.log(2.0)), code.like(a, 0.0))
    shift = code.op("select", huge, code.like(a, bits * math.log(2.0)), shift)
    size = _hypot(code, code.op("mul", a, scale), code.op("mul", b, scale))
    far = code.op("add", FUNCTIONS["log"](code, size), shift)
    is_near = code.op("and", code.op("gt", size, half), code.op("lt", size, code.like(a, 2.0)))
    is_near = code.op("and", is_near, code.op("not", code.op("or", huge, tiny)))
    return code.op("select", is_near, near, far)


def _sqrt(code: Code, x: Complex) -> Complex:
    a, b = x
    zero, half, infinity = code.like(a, 0.0), code.like(a, 0.5), code.like(a, INFINITY)
    size_a, size_b = code.op("abs", a), code.op("abs", b)
    # Scaled by an even power of two, so that neither the size overflows nor small parts lose bits.
    large, small = (2.0**120, 2.0**-100) if a.dtype == "float32" else (2.0**1020, 2.0**-900)
    bits = 50 if a.dtype == "float32" else 400
    most = code.op("maximum", size_a, size_b)
    huge, tiny = code.op("gt", most, code.like(a, large)), code.op("lt", most, code.like(a, small))
    one = code.like(a, 1.0)
    scale = code.op("select", huge, code.like(a, 0.25), code.op("select", tiny, code.like(a, 2.0 ** (2 * bits)), one))
    back = code.op("select", huge, code.like(a, 2.0), code.op("select", tiny, code.like(a, 2.0**-bits), one))
    p, q = code.op("mul", size_a, scale), code.op("mul", size_b, scale)
    root = code.op("sqrt", code.op("mul", code.op("add", p, _hypot(code, p, q)), half))
    other = code.op("div", q, code.op("add", root, root))
    root, other = code.op("mul", root, back), code.op("mul", other, back)
    positive = code.op("ge", a, zero)
    re = code.op("select", positive, root, other)
    im = code.op("select", positive, other, root)
    im = code.op("copysign", im, b)
    nothing = code.op("and", code.op("eq", a, zero), code.op("eq", b, zero))
    re, im = code.op("select", nothing, zero, re), code.op("select", nothing, b, im)
    # C99: (x, inf) -> (inf, inf); (inf, y) -> (inf, 0); (-inf, y) -> (0, inf); (-inf, nan) -> (nan, inf).
    right, left = code.op("eq", a, infinity), code.op("eq", a, code.op("neg", infinity))
    nan_b = is_nan(code, b)
    re = code.op("select", right, a, code.op("select", left, code.op("select", nan_b, b, zero), re))
    at_right = code.op("select", nan_b, b, code.op("copysign", zero, b))
    im = code.op("select", right, at_right, code.op("select", left, code.op("copysign", infinity, b), im))
    up = code.op("eq", size_b, infinity)
    return code.op("select", up, infinity, re), code.op("select", up, b, im)


COMPLEX: dict[str, Row] = {
    "add": _each("add"),
    "sub": _each("sub"),
    "mul": _product,
    "true_div": _quotient,
    "neg": _each("neg"),
    "inv": _inverse,
    "sqr": lambda code, x: _product(code, x, x),
    "abs_": lambda code, x: _hypot(code, *x),
    "sqrt": _sqrt,
    "real": lambda code, x: x[0],
    "imag": lambda code, x: x[1],
    "conj": lambda code, x: (x[0], code.op("neg", x[1])),
    "eq": lambda code, x, y: code.op("and", code.op("eq", x[0], y[0]), code.op("eq", x[1], y[1])),
    "neq": lambda code, x, y: code.op("or", code.op("ne", x[0], y[0]), code.op("ne", x[1], y[1])),
    "isnan": lambda code, x: code.op("or", is_nan(code, x[0]), is_nan(code, x[1])),
    "isinf": lambda code, x: code.op("or", infinite(code, x[0]), infinite(code, x[1])),
}

# Those that need functions of real numbers, and which.
_NEEDS: dict[str, tuple[Row, tuple[str, ...]]] = {
    "exp": (_exp, ("exp", "cos", "sin")),
    "log": (_log, ("log", "log1p", "arctan2")),
    "angle": (lambda code, x: FUNCTIONS["arctan2"](code, x[1], x[0]), ("arctan2",)),
}


def complex_row(name: str) -> Row | None:
    """How a row is computed for complex operands; None: not natively."""
    found = COMPLEX.get(name)
    if found is None and name in _NEEDS:
        row, needs = _NEEDS[name]
        found = row if all(need in FUNCTIONS for need in needs) else None
    return found
