"""Functions of complex numbers, pairs of registers, as machine code: rows of the table.

They are made of functions of the real parts (`vecmath`), without cancellation in either part, and have C99's results
for infinities and nan (annex G). Powers follow NumPy at 0. The inverse functions of trigonometry are not here.
"""

from __future__ import annotations

import math

from symtheano.scalar.machine import INFINITY, Code, Rare, Reg, is_nan
from symtheano.scalar.rows_complex import COMPLEX, Complex, Row, choose, hypot, inverse, product, quotient
from symtheano.scalar.rows_convert import convert, infinite, number_of, pair
from symtheano.scalar.vecmath import FUNCTIONS

# Beyond the limit exp(a) may overflow where exp(a) * cos(b) does not: there it is taken in two steps.
_LIMIT = {"float32": (80.0, 40.0), "float64": (700.0, 300.0)}


# ----- Exponentials -----


def _exp(code: Code, x: Complex) -> Complex:
    a, b = x
    limit, shift = _LIMIT[a.dtype]
    large = code.op("gt", a, code.like(a, limit))
    size = FUNCTIONS["exp"](code, code.op("select", large, code.op("sub", a, code.like(a, shift)), a))
    more = code.op("select", large, code.like(a, math.exp(shift)), code.like(a, 1.0))
    return _turned(code, x, size, more, (FUNCTIONS["cos"](code, b), FUNCTIONS["sin"](code, b)))


def _turned(code: Code, x: Complex, size: Reg, more: Reg, direction: Complex) -> Complex:
    """exp(x), given exp(re x) as size * more and the direction, exp(i im x)."""
    (a, b), (cos, sin) = x, direction
    zero, infinity = code.like(a, 0.0), code.like(a, INFINITY)
    finite = code.op("lt", code.op("abs", b), infinity)
    flat = code.op("eq", b, zero)
    # The sign of zero and of infinity need the directions; where b is not finite there are none.
    lost = code.op("and", infinite(code, a), code.op("not", finite))
    cos = code.op("select", lost, code.like(a, 1.0), cos)
    sin = code.op("select", lost, code.op("select", code.op("lt", a, zero), zero, code.like(a, math.nan)), sin)
    re = code.op("mul", code.op("mul", size, cos), more)
    im = code.op("mul", code.op("mul", size, sin), more)
    nan_flat = code.op("and", flat, code.op("not", code.op("lt", a, infinity)))  # exp(inf + 0i), exp(nan + 0i)
    return re, code.op("select", code.op("or", flat, nan_flat), b, im)


def _exp2(code: Code, x: Complex) -> Complex:
    a, b = x
    large = code.op("gt", a, code.like(a, 100.0 if a.dtype == "float32" else 1000.0))
    bits = 60 if a.dtype == "float32" else 400
    size = FUNCTIONS["exp2"](code, code.op("select", large, code.op("sub", a, code.like(a, bits)), a))
    more = code.op("select", large, code.like(a, 2.0**bits), code.like(a, 1.0))
    # The angle b log(2) as a number and what it lacks.
    high, low = _LOG2[a.dtype]
    angle = code.op("mul", b, code.like(b, high))
    rest = code.op("fma", b, code.like(b, low), code.op("fma", b, code.like(b, high), code.op("neg", angle)))
    cos, sin = FUNCTIONS["cos"](code, angle), FUNCTIONS["sin"](code, angle)
    direction = (
        code.op("fma", code.op("neg", rest), sin, cos),
        code.op("fma", rest, cos, sin),
    )
    return _turned(code, x, size, more, direction)


_LOG2 = {
    "float32": (0.693147182464599609375, -1.9046542121259336e-09),
    "float64": (math.log(2.0), 2.3190468138462996e-17),
}


def _expm1(code: Code, x: Complex) -> Complex:
    a, b = x
    re, im = _exp(code, x)
    # exp(a) cos(b) - 1 = expm1(a) cos(b) - 2 sin(b / 2)**2
    half = FUNCTIONS["sin"](code, code.op("mul", b, code.like(b, 0.5)))
    twice = code.op("mul", code.op("add", half, half), half)
    near = code.op("fma", FUNCTIONS["expm1"](code, a), FUNCTIONS["cos"](code, b), code.op("neg", twice))
    one = code.like(a, 1.0)
    return code.op("select", code.op("lt", code.op("abs", a), one), near, code.op("sub", re, one)), im


# ----- Logarithms -----


def _log(code: Code, x: Complex) -> Complex:
    a, b = code.op("abs", x[0]), code.op("abs", x[1])
    return _log_size(code, a, b), FUNCTIONS["arctan2"](code, x[1], x[0])


def _log_size(code: Code, a: Reg, b: Reg) -> Reg:
    """log(hypot(a, b)) of numbers that are not negative, accurate near 1 too."""
    first = code.op("gt", a, b)
    x, y = code.op("select", first, a, b), code.op("select", first, b, a)
    one = code.like(a, 1.0)
    less, more = code.op("sub", x, one), code.op("add", x, one)
    lost = code.op("sub", x, code.op("sub", more, one))
    far, is_near = _log_far(code, a, b)
    return code.op("select", is_near, _log_near(code, less, (more, lost), y), far)


def _log_near(code: Code, less: Reg, more: tuple[Reg, Reg], y: Reg) -> Reg:
    """log(hypot(x, y)) near 1, given x - 1 and x + 1, with what that has lost: log1p((x - 1)(x + 1) + y * y) / 2."""
    p, square = code.op("mul", less, more[0]), code.op("mul", y, y)
    p_rest = code.op("fma", less, more[0], code.op("neg", p))
    square_rest = code.op("fma", y, y, code.op("neg", square))
    total = code.op("add", p, square)
    split = code.op("sub", total, p)
    lost = code.op("add", code.op("sub", p, code.op("sub", total, split)), code.op("sub", square, split))
    rest = code.op("add", code.op("add", p_rest, square_rest), code.op("add", lost, code.op("mul", less, more[1])))
    return code.op("mul", code.like(y, 0.5), FUNCTIONS["log1p"](code, code.op("add", total, rest)))


def _log_far(code: Code, a: Reg, b: Reg) -> tuple[Reg, Reg]:
    """log(hypot(a, b)), scaled where the size would overflow or lose bits; and whether it is near 1."""
    most, one = code.op("maximum", a, b), code.like(a, 1.0)
    huge = code.op("gt", most, code.like(a, 2.0**100 if a.dtype == "float32" else 2.0**1000))
    tiny = code.op("lt", most, code.like(a, 2.0**-100 if a.dtype == "float32" else 2.0**-900))
    bits = 60 if a.dtype == "float32" else 600
    scale = code.op("select", tiny, code.like(a, 2.0**bits), one)
    scale = code.op("select", huge, code.like(a, 2.0**-bits), scale)
    shift = code.op("select", tiny, code.like(a, -bits * math.log(2.0)), code.like(a, 0.0))
    shift = code.op("select", huge, code.like(a, bits * math.log(2.0)), shift)
    size = hypot(code, code.op("mul", a, scale), code.op("mul", b, scale))
    is_near = code.op("and", code.op("gt", size, code.like(a, 0.5)), code.op("lt", size, code.like(a, 2.0)))
    is_near = code.op("and", is_near, code.op("not", code.op("or", huge, tiny)))
    return code.op("add", FUNCTIONS["log"](code, size), shift), is_near


def _log1p(code: Code, x: Complex) -> Complex:
    a, b = x
    two, more = code.like(a, 2.0), code.op("add", a, code.like(a, 1.0))
    sum_ = code.op("add", a, two)
    far, is_near = _log_far(code, code.op("abs", more), code.op("abs", b))
    near = _log_near(code, a, (sum_, code.op("sub", a, code.op("sub", sum_, two))), b)
    return code.op("select", is_near, near, far), FUNCTIONS["arctan2"](code, b, more)


def _log_to(base: int) -> Row:
    def lower(code: Code, x: Complex) -> Complex:
        re, im = _log(code, x)
        high, low = _PER_LOG[base, re.dtype]
        return _scaled(code, re, high, low), _scaled(code, im, high, low)

    return lower


def _scaled(code: Code, x: Reg, high: float, low: float) -> Reg:
    """x * (high + low)."""
    zero = code.like(x, 0.0)
    alone = code.op("or", code.op("eq", x, zero), infinite(code, x))
    rest = code.op("select", alone, code.op("copysign", zero, x), code.op("mul", x, code.like(x, low)))
    return code.op("fma", x, code.like(x, high), rest)


_PER_LOG = {
    (2, "float32"): (1.4426950216293335, 1.925963033500011e-08),
    (2, "float64"): (1.4426950408889634, 2.0355273740931033e-17),
    (10, "float32"): (0.4342944920063019, -1.0103049952192578e-08),
    (10, "float64"): (0.4342944819032518, 1.098319650216765e-17),
}  # 1 / log(base) as a number and what it lacks


# ----- Trigonometric and hyperbolic functions -----


def _waves(code: Code, a: Reg) -> tuple[Reg, Reg, Reg]:
    """cosh(a) and sinh(a), both less a factor."""
    limit, shift = _LIMIT[a.dtype]
    size = code.op("abs", a)
    large = code.op("gt", size, code.like(a, limit))
    down = code.op("mul", FUNCTIONS["exp"](code, code.op("sub", size, code.like(a, shift))), code.like(a, 0.5))
    cosh = code.op("select", large, down, FUNCTIONS["cosh"](code, a))
    sinh = code.op("select", large, code.op("copysign", down, a), FUNCTIONS["sinh"](code, a))
    return cosh, sinh, code.op("select", large, code.like(a, math.exp(shift)), code.like(a, 1.0))


def _times(code: Code, x: Reg, y: Reg, more: Reg) -> Reg:
    return code.op("mul", code.op("mul", x, y), more)


def _sinh(code: Code, x: Complex) -> Complex:
    a, b = x
    cosh, sinh, more = _waves(code, a)
    re = _times(code, sinh, FUNCTIONS["cos"](code, b), more)
    im = _times(code, cosh, FUNCTIONS["sin"](code, b), more)
    zero = code.like(a, 0.0)
    alone = code.op("or", code.op("eq", a, zero), infinite(code, a))
    re = code.op("select", code.op("and", alone, _no_angle(code, b)), a, re)
    return re, code.op("select", code.op("eq", b, zero), b, im)


def _cosh(code: Code, x: Complex) -> Complex:
    a, b = x
    cosh, sinh, more = _waves(code, a)
    re = _times(code, cosh, FUNCTIONS["cos"](code, b), more)
    im = _times(code, sinh, FUNCTIONS["sin"](code, b), more)
    zero, none = code.like(a, 0.0), _no_angle(code, b)
    re = code.op("select", code.op("and", infinite(code, a), none), code.op("abs", a), re)
    im = code.op("select", code.op("and", code.op("eq", a, zero), none), a, im)
    flat = code.op("mul", code.op("copysign", code.like(a, 1.0), a), b)
    return re, code.op("select", code.op("eq", b, zero), flat, im)


def _no_angle(code: Code, b: Reg) -> Reg:
    """Whether an angle is infinite or nan."""
    return code.op("not", code.op("lt", code.op("abs", b), code.like(b, INFINITY)))


def _tanh(code: Code, x: Complex) -> Complex:
    # Kahan, "Branch cuts for complex elementary functions" (1987).
    a, b = x
    zero, one, four = (code.like(a, n) for n in (0.0, 1.0, 4.0))
    size = code.op("abs", a)
    large = code.op("gt", size, code.like(a, 12.0 if a.dtype == "float32" else 22.0))
    tan = FUNCTIONS["tan"](code, b)
    steep = code.op("fma", tan, tan, one)
    s = FUNCTIONS["sinh"](code, code.op("select", large, one, a))
    square = code.op("mul", s, s)
    below = code.op("fma", steep, square, one)
    root = code.op("sqrt", code.op("add", one, square))
    re = code.op("div", code.op("mul", code.op("mul", steep, root), s), below)
    im = code.op("div", tan, below)
    # Beyond, sinh(a)**2 is exp(2 |a|) / 4, and everything else is nothing beside it.
    tail = FUNCTIONS["exp"](code, code.op("mul", code.like(a, -2.0), size))
    far = code.op("mul", code.op("mul", four, code.op("div", tan, steep)), tail)
    none, endless = _no_angle(code, b), infinite(code, a)
    far = code.op("select", code.op("and", none, endless), code.op("copysign", zero, b), far)
    lost = code.op("and", none, code.op("not", endless))
    edge = code.op("select", lost, code.like(a, math.nan), code.op("copysign", one, a))
    re, im = code.op("select", large, edge, re), code.op("select", large, far, im)
    re = code.op("select", code.op("and", none, code.op("eq", a, zero)), a, re)
    return re, code.op("select", code.op("eq", b, zero), b, im)


def _rotated(row: Row) -> Row:
    """f(x) = -i g(i x), of an odd g: sin of sinh, tan of tanh."""

    def lower(code: Code, x: Complex) -> Complex:
        re, im = pair(row(code, (x[1], x[0])))
        return im, re

    return lower


def _cos(code: Code, x: Complex) -> Complex:
    return _cosh(code, (x[1], code.op("neg", x[0])))


# ----- Square root and powers -----


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
    root = code.op("sqrt", code.op("mul", code.op("add", p, hypot(code, p, q)), half))
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


def _pow(code: Code, x: Complex, y: Complex) -> Complex:
    """x ** y: multiplications for small constant integers, as NumPy; else by the logarithm."""
    real, imaginary = number_of(code, y[0]), number_of(code, y[1])
    if imaginary == 0 and real is not None:
        if real == 0.5:
            return _sqrt(code, x)
        if float(real).is_integer() and abs(real) < _MANY:
            return _whole_power(code, x, int(real))
    if x[0].dtype == "float32":
        wide = [_converted(code, v, "complex64", "complex128") for v in (x, y)]
        return _converted(code, _pow(code, *wide), "complex128", "complex64")
    result = _real_power(code, x, y[0]) if imaginary == 0 else _exp(code, product(code, y, _log(code, x)))
    zero, one, nan = (code.like(x[0], n) for n in (0.0, 1.0, math.nan))
    nothing = code.op("select", code.op("gt", y[0], zero), zero, nan)
    result = pair(choose(code, _is_zero(code, x), (nothing, nothing), result))
    return pair(choose(code, _is_zero(code, y), (one, zero), result))


_MANY = 100


def _converted(code: Code, x: Complex, source: str, target: str) -> Complex:
    return pair(convert(code, x, source, target))


def _is_zero(code: Code, x: Complex) -> Reg:
    zero = code.like(x[0], 0.0)
    return code.op("and", code.op("eq", x[0], zero), code.op("eq", x[1], zero))


def _whole_power(code: Code, x: Complex, exponent: int) -> Complex:
    one = (code.like(x[0], 1.0), code.like(x[0], 0.0))
    if exponent == -1:
        return inverse(code, x)
    result: Complex | None = None
    left = abs(exponent)
    while left:
        if left & 1:
            result = x if result is None else product(code, result, x)
        left >>= 1
        x = product(code, x, x) if left else x
    if result is None:
        return one
    return result if exponent > 0 else quotient(code, one, result)


def _real_power(code: Code, x: Complex, y: Reg) -> Complex:
    """x ** y of a double y, by size and angle."""
    a, b = code.op("abs", x[0]), code.op("abs", x[1])
    size, most = hypot(code, a, b), code.op("maximum", a, b)
    extreme = code.op("or", code.op("gt", most, code.like(a, 2.0**1022)), code.op("lt", size, code.like(a, 2.0**-1000)))
    size = code.rare(extreme, FUNCTIONS["pow"](code, size, y), _EXTREME, a, b, y)
    angle = code.op("mul", y, FUNCTIONS["arctan2"](code, x[1], x[0]))
    return code.op("mul", size, FUNCTIONS["cos"](code, angle)), code.op("mul", size, FUNCTIONS["sin"](code, angle))


def _extreme_power(code: Code, a: Reg, b: Reg, y: Reg) -> Reg:
    """hypot(a, b) ** y, where the size has no or few bits."""
    return FUNCTIONS["exp"](code, code.op("mul", y, _log_size(code, a, b)))


_EXTREME = Rare("extreme_power", _extreme_power)


# ----- The rows -----

FUNCTIONS_OF_COMPLEX: dict[str, Row] = {
    "exp": _exp,
    "exp2": _exp2,
    "expm1": _expm1,
    "log": _log,
    "log2": _log_to(2),
    "log10": _log_to(10),
    "log1p": _log1p,
    "angle": lambda code, x: FUNCTIONS["arctan2"](code, x[1], x[0]),
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
    "sin": _rotated(_sinh),
    "cos": _cos,
    "tan": _rotated(_tanh),
    "sqrt": _sqrt,
    "pow": _pow,
}


def complex_row(name: str) -> Row | None:
    """How a row is computed for complex operands; None: not natively."""
    return COMPLEX.get(name) or FUNCTIONS_OF_COMPLEX.get(name)
