"""arcsin, arccos, arctan and arctan2: minimax polynomials near 0, and identities that lead there.

arcsin(x) = pi/2 - 2 arcsin(sqrt((1 - x) / 2)) beyond 1/2; arctan(p / q) = pi/4 + arctan((p - q) / (p + q)) beyond
tan(pi/8), and pi/2 - arctan(q / p) beyond 1. Sums with multiples of pi take pi in two parts.
"""

from __future__ import annotations

import math

from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.vecmath.bits import choose, format_of, horner, to_bits, where

# (arcsin(s) / s - 1) / s**2 in s**2, for s <= 1/2
_ASIN = {
    "float32": (
        0.04216650873422623,
        0.024181196466088295,
        0.045469608157873154,
        0.07495307922363281,
        0.16666752099990845,
    ),
    "float64": (
        0.03193592230553381,
        -0.016257929818337388,
        0.019549192911790116,
        0.006520523364088479,
        0.012170889940854503,
        0.013884986476878526,
        0.017359729339862406,
        0.022371756457578985,
        0.030381959202255893,
        0.0446428568267543,
        0.07500000000338956,
        0.166666666666654,
    ),
}
# (arctan(s) / s - 1) / s**2 in s**2, for s <= tan(pi / 8)
_ATAN = {
    "float32": (
        -0.06053578481078148,
        0.10583484917879105,
        -0.1424202024936676,
        0.19998382031917572,
        -0.3333331346511841,
    ),
    "float64": (
        -0.01785876511606221,
        0.03802076803071233,
        -0.0503759992846468,
        0.05847515518519651,
        -0.06663053369318488,
        0.07692055824831158,
        -0.09090897515428124,
        0.1111111077522736,
        -0.14285714280037043,
        0.19999999999952078,
        -0.3333333333333319,
    ),
}
_PI = {"float32": (3.1415927410125732, -8.742277657347586e-08), "float64": (math.pi, 1.2246467991473532e-16)}
_TAN_22 = math.sqrt(2.0) - 1.0


def _half_angle(code: Code, x: Reg) -> tuple[Reg, Reg, Reg, Reg]:
    """(|x| > 1/2, w, z P(z), sqrt(z)): arcsin(sqrt(z)) = sqrt(z) (1 + z P) for the small z that goes with x."""
    size = code.abs(x)
    far = code.gt(size, code.like(x, 0.5))
    z = code.select(far, code.mul(code.sub(code.like(x, 1.0), size), code.like(x, 0.5)), code.mul(x, x))
    root = code.sqrt(z)
    return far, code.add(root, root), code.mul(z, horner(code, z, _ASIN[x.dtype])), size


def arcsin(code: Code, x: Reg) -> Reg:
    """The inverse of sin; nan beyond 1."""
    far, twice, series, size = _half_angle(code, x)
    high, low = _PI[x.dtype]
    beyond = code.fma(code.neg(twice), series, code.like(x, low / 2))
    beyond = code.add(code.sub(code.like(x, high / 2), twice), beyond)
    return code.copysign(code.select(far, beyond, code.fma(size, series, size)), x)


def arccos(code: Code, x: Reg) -> Reg:
    """The inverse of cos; nan beyond 1."""
    far, twice, series, _ = _half_angle(code, x)
    high, low = _PI[x.dtype]
    negative = code.lt(x, code.like(x, 0.0))
    # base - w (1 + series): from 0, pi / 2 or pi
    w = code.select(far, code.select(negative, twice, code.neg(twice)), x)
    base = where(code, far, choose(code, negative, x, high, 0.0), high / 2)
    base_low = where(code, far, choose(code, negative, x, low, 0.0), low / 2)
    return code.add(code.sub(base, w), code.fma(code.neg(w), series, base_low))


def arctan(code: Code, x: Reg) -> Reg:
    """The inverse of tan."""
    size, one = code.abs(x), code.like(x, 1.0)
    steep = code.gt(size, one)
    less, more = code.select(steep, one, size), code.select(steep, size, one)
    high, low = _PI[x.dtype]
    middle, ratio = _ratio(code, less, more)
    base = where(code, middle, high / 4, choose(code, steep, x, high / 2, 0.0))
    base_low = where(code, middle, low / 4, choose(code, steep, x, low / 2, 0.0))
    return code.copysign(_turned(code, base, base_low, code.select(steep, code.neg(ratio), ratio)), x)


def arctan2(code: Code, y: Reg, x: Reg) -> Reg:
    """The angle of the point (x, y), between -pi and pi."""
    across, up = code.abs(x), code.abs(y)
    steep = code.gt(up, across)
    less, more = code.select(steep, across, up), code.select(steep, up, across)
    one, zero, infinite = (code.like(x, v) for v in (1.0, 0.0, math.inf))
    # Infinity counts as 1 beside 0, or beside 1; of two zeros the larger as 1.
    endless = code.eq(more, infinite)
    less = code.select(endless, code.select(code.eq(less, infinite), one, zero), less)
    more = code.select(code.or_(endless, code.eq(more, zero)), one, more)
    scale = choose(code, code.gt(more, code.like(x, format_of(x).largest / 4)), x, 0.25, 1.0)
    middle, ratio = _ratio(code, code.mul(less, scale), code.mul(more, scale))
    bits = to_bits(code, x)
    left = code.lt(bits, code.like(bits, 0))  # -0 too
    high, low = _PI[x.dtype]

    def base(pi: float) -> Reg:
        beside = where(code, steep, pi / 2, choose(code, left, x, pi, 0.0))
        return code.select(middle, choose(code, left, x, 0.75 * pi, 0.25 * pi), beside)

    back = code.xor(steep, left)
    angle = _turned(code, base(high), base(low), code.select(back, code.neg(ratio), ratio))
    clear = code.and_(code.eq(x, x), code.eq(y, y))
    return code.select(clear, code.copysign(angle, y), code.like(x, math.nan))


def _ratio(code: Code, less: Reg, more: Reg) -> tuple[Reg, Reg]:
    """Whether less / more is nearer to 1 than to 0, as angles; and the tangent of the angle from there."""
    middle = code.gt(less, code.mul(more, code.like(less, _TAN_22)))
    above = code.select(middle, code.sub(less, more), less)
    return middle, code.div(above, code.select(middle, code.add(less, more), more))


def _turned(code: Code, base: Reg, base_low: Reg, ratio: Reg) -> Reg:
    """base + base_low + arctan(ratio)."""
    z = code.mul(ratio, ratio)
    series = code.mul(code.mul(z, ratio), horner(code, z, _ATAN[ratio.dtype]))
    return code.add(code.add(base, ratio), code.add(series, base_low))
