"""sin, cos and tan: x = n pi + d, and minimax polynomials in d.

pi is subtracted in four parts. The first two have so few bits that n times them is exact, and what is left after
them too. Where n would have too many bits, seldom, the digits of 1 / pi that matter are chosen out of line
(reduction.py).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from symtheano.scalar.machine import Code, Rare, Reg
from symtheano.scalar.vecmath.bits import at_most, format_of, from_bits, horner, to_bits, two_product, two_sum
from symtheano.scalar.vecmath.reduction import huge, huge_float32

_PI = {
    "float32": (3.140625, 0.0009676218032836914, 3.1786509424591713e-08, 1.2246468525851679e-16),
    "float64": (3.141592651605606, 1.984187036896401e-09, 1.224646799147353e-16, 2.165713347843828e-32),
}
LARGEST = {"float32": 1e5, "float64": 1e7}
# (sin(d) / d - 1) / d**2 in d**2, for |d| <= pi / 2
_SIN = {
    "float32": (
        -2.551625932767365e-08,
        2.7627513645711588e-06,
        -0.00019843096379190683,
        0.008333350531756878,
        -0.1666666716337204,
    ),
    "float64": (
        -1.907322080335753e-18,
        2.7419272173922302e-15,
        -7.643928971502324e-13,
        1.6058962428301535e-10,
        -2.505210719128658e-08,
        2.7557319213725545e-06,
        -0.0001984126984122075,
        0.008333333333333219,
        -0.16666666666666666,
    ),
}

# (tan(d) / d - 1) / d**2 in d**2, for |d| <= pi / 4
_TAN = {
    "float32": (
        0.004381321836262941,
        8.237113070208579e-05,
        0.010838530026376247,
        0.021282579749822617,
        0.0540594607591629,
        0.1333267241716385,
        0.33333349227905273,
    ),
    "float64": (
        2.0994079661016528e-05,
        -4.5418170262929994e-05,
        9.045114235531144e-05,
        -2.7467952911560914e-05,
        0.00013728942135719847,
        0.00022201072318899626,
        0.0005951893426096729,
        0.0014547284859043822,
        0.0035922939102164316,
        0.008863218631100163,
        0.021869489646678585,
        0.053968253925103245,
        0.13333333333417882,
        0.33333333333332754,
    ),
}


def sin_near_0(code: Code, d: Reg) -> Reg:
    """sin(d) for |d| <= pi / 2."""
    square = code.mul(d, d)
    value = code.fma(code.mul(square, d), horner(code, square, _SIN[d.dtype]), d)
    return code.copysign(at_most(code, code.abs(value), 1.0), d)  # the sign of -0


def odd(code: Code, x: Reg, n: Reg) -> Reg:
    """-x where the integer n is odd, else x. n is a float, or the bits of one that end in it."""
    form = format_of(x)
    if n.dtype == x.dtype:
        n = to_bits(code, code.add(n, code.like(n, form.shifter)))
    top = code.shl(n, code.like(n, form.stored + form.bias.bit_length() + 1))
    return from_bits(code, code.xor(to_bits(code, x), top))


def minus_multiple(code: Code, x: Reg, n: Reg, scale: float) -> Reg:
    """x - n * pi * scale."""
    for part in _PI[x.dtype]:
        x = code.fma(n, code.like(x, -part * scale), x)
    return x


def sin(code: Code, x: Reg) -> Reg:
    """The sine."""
    shifter = code.like(x, format_of(x).shifter)
    shifted = code.fma(x, code.like(x, 1 / math.pi), shifter)
    d = odd(code, minus_multiple(code, x, code.sub(shifted, shifter), 1.0), to_bits(code, shifted))
    return _unless_huge(code, x, sin_near_0(code, d), _HUGE_SIN)


def cos(code: Code, x: Reg) -> Reg:
    """The cosine: x = (n + 1/2) pi + d, and the sine of d with a sign."""
    form = format_of(x)
    shifter = code.like(x, form.shifter)
    shifted = code.add(code.fma(x, code.like(x, 1 / math.pi), code.like(x, -0.5)), shifter)
    n = code.sub(shifted, shifter)
    d = minus_multiple(code, x, code.fma(n, code.like(x, 2.0), code.like(x, 1.0)), 0.5)
    usual = sin_near_0(code, odd(code, code.neg(d), to_bits(code, shifted)))
    return _unless_huge(code, x, usual, _HUGE_COS)


def tan(code: Code, x: Reg) -> Reg:
    """The tangent: x = n pi / 2 + d, and tan(d), or -1 / tan(d) where n is odd."""
    shifter = code.like(x, format_of(x).shifter)
    shifted = code.fma(x, code.like(x, 2 / math.pi), shifter)
    n = code.sub(shifted, shifter)
    first, second, third, fourth = (code.like(x, -0.5 * part) for part in _PI[x.dtype])
    exact = code.fma(n, second, code.fma(n, first, x))
    if x.dtype == "float32":
        d, low = code.fma(n, fourth, code.fma(n, third, exact)), None
    else:
        product, lost = two_product(code, n, third)
        d, low = two_sum(code, exact, product)
        low = code.fma(n, fourth, code.add(low, lost))
    usual = _tan_of_parts(code, to_bits(code, shifted), d, low)
    return _unless_huge(code, x, usual, _HUGE_TAN)


def _tan_of_parts(code: Code, n_bits: Reg, d: Reg, low: Reg | None) -> Reg:
    """tan(n pi / 2 + d + low), |d| <= pi / 4; the last bit of the integer is n's."""
    square = code.mul(d, d)
    cube, series = code.mul(square, d), horner(code, square, _TAN[d.dtype])
    tail = code.mul(cube, series) if low is None else code.fma(cube, series, code.fma(low, square, low))
    total = code.add(d, tail)
    value = code.copysign(total, d)  # the sign of -0
    turned = code.div(code.like(d, -1.0), value)
    if low is not None:
        turned = code.fma(code.mul(turned, turned), code.sub(tail, code.sub(total, d)), turned)
    odd = code.ne(code.and_(n_bits, code.like(n_bits, 1)), code.like(n_bits, 0))
    return code.select(odd, turned, value)


def _unless_huge(code: Code, x: Reg, usual: Reg, function: Rare) -> Reg:
    return code.rare(code.gt(code.abs(x), code.like(x, LARGEST[x.dtype])), usual, function, x)


def _huge(shift: float) -> Callable[[Code, Reg], Reg]:
    """sin(x + shift pi) of a huge x; nan of infinity."""

    def build(code: Code, x: Reg) -> Reg:
        size = code.abs(x)
        if x.dtype == "float32":
            n, angle = huge_float32(code, code.convert(size, dtype="float64"), shift, 1.0)
            value = code.convert(odd(code, sin_near_0(code, angle), n), dtype="float32")
        else:
            n, angle, _ = huge(code, size, shift, 1.0)
            value = odd(code, sin_near_0(code, angle), n)
        if shift:
            value = code.neg(value)
        else:
            value = code.select(code.lt(x, code.like(x, 0.0)), code.neg(value), value)
        return code.select(code.lt(size, code.like(x, math.inf)), value, code.like(x, math.nan))

    return build


def _huge_tan(code: Code, x: Reg) -> Reg:
    """tan of a huge x; nan of infinity."""
    size = code.abs(x)
    if x.dtype == "float32":
        n, angle = huge_float32(code, code.convert(size, dtype="float64"), 0.0, 0.5)
        low = None
    else:
        n, angle, low = huge(code, size, 0.0, 0.5)
    n_bits = to_bits(code, code.add(n, code.like(n, format_of(n).shifter)))
    value = _tan_of_parts(code, n_bits, angle, low)
    value = code.convert(value, dtype=x.dtype)
    value = code.select(code.lt(x, code.like(x, 0.0)), code.neg(value), value)
    return code.select(code.lt(size, code.like(x, math.inf)), value, code.like(x, math.nan))


_HUGE_SIN = Rare("sin", _huge(0.0))
_HUGE_COS = Rare("cos", _huge(0.5))
_HUGE_TAN = Rare("tan", _huge_tan)
