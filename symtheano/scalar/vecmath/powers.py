"""x ** y = 2 ** (y * log2(x)): the logarithm needs more digits than a result has, as many more as y * log2(x) has
before its point.

float32 has them from float64 registers, float64 from pairs of them: log2(1 + f) = c s (1 + s**2/3 + s**4 Q(s**2)) with
s = f / (2 + f), c = 2 / log(2).
"""

from __future__ import annotations

import math

from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.vecmath.bits import (
    at_least,
    at_most,
    format_of,
    from_bits,
    horner,
    quick_two_sum,
    to_bits,
    two_product,
    two_sum,
)
from symtheano.scalar.vecmath.exponential import exp2_of_parts
from symtheano.scalar.vecmath.logarithm import split

# log2(1 + f) / f in f, to 35 bits
_LOG2_F32 = (
    0.07734563552476426,
    -0.14283905640079006,
    0.14476423162846166,
    -0.14315928685568124,
    0.15876737443602756,
    -0.18030009274551428,
    0.20617550977048077,
    -0.24045319625976297,
    0.2885372894504107,
    -0.36067367414400225,
    0.480898361435097,
    -0.7213475208728622,
    1.4426950408686388,
)
_Q = (
    0.06000591935553416,
    0.058366239285209426,
    0.06668200613191526,
    0.07692277244675713,
    0.09090909454462044,
    0.1111111110859169,
    0.14285714285723386,
    0.19999999999999987,
)
_C = (2.8853900817779268, 4.0710547481862066e-17)
_THIRD = (0.3333333333333333, 1.850371707708594e-17)


def power(code: Code, x: Reg, y: Reg) -> Reg:
    """x ** y, with IEEE's special values."""
    size = code.abs(x)
    value = _power_float32(code, size, y) if x.dtype == "float32" else _power_float64(code, size, y)
    return _signed(code, x, y, size, value)


def _signed(code: Code, x: Reg, y: Reg, size: Reg, value: Reg) -> Reg:
    """x ** y, given |x| ** y where neither |x| = 1 nor y = 0."""
    zero, one = code.like(x, 0.0), code.like(x, 1.0)
    value = code.select(code.or_(code.eq(size, one), code.eq(y, zero)), one, value)
    whole = code.eq(code.trunc(y), y)
    half = code.mul(y, code.like(y, 0.5))
    odd = code.and_(whole, code.ne(code.trunc(half), half))
    bits, form = to_bits(code, x), format_of(x)
    sign = code.select(odd, code.and_(bits, code.like(bits, form.sign)), code.like(bits, 0))
    value = from_bits(code, code.xor(to_bits(code, value), sign))
    negative = code.and_(code.lt(x, zero), code.gt(x, code.like(x, -math.inf)))
    return code.select(code.and_(negative, code.not_(whole)), code.like(x, math.nan), value)


def _at_the_edges(code: Code, size: Reg, logarithm: Reg) -> Reg:
    """The logarithm of `size`, if `logarithm` is that of positive finite numbers."""
    infinite = code.like(logarithm, math.inf)
    value = code.select(code.lt(size, code.like(size, math.inf)), logarithm, code.convert(size, dtype=logarithm.dtype))
    return code.select(code.eq(size, code.like(size, 0.0)), code.neg(infinite), value)


def _power_float32(code: Code, size: Reg, y: Reg) -> Reg:
    f, e = (code.convert(part, dtype="float64") for part in split(code, size))
    logarithm = _at_the_edges(code, size, log2_float32(code, f, e))
    exponent = code.mul(code.convert(y, dtype="float64"), logarithm)
    exponent = at_least(code, at_most(code, exponent, 160.0), -160.0)
    n = code.rint(exponent)
    rest = code.convert(code.sub(exponent, n), dtype="float32")
    form = format_of(size)
    shifted = code.add(code.convert(n, dtype="float32"), code.like(size, form.shifter + 2 * form.bias))
    return exp2_of_parts(code, shifted, rest)


def log2_float32(code: Code, f: Reg, e: Reg) -> Reg:
    """e + log2(1 + f), to 35 bits."""
    return code.fma(f, horner(code, f, _LOG2_F32), e)


def _power_float64(code: Code, size: Reg, y: Reg) -> Reg:
    high, low = log2_in_parts(code, *split(code, size))
    high = _at_the_edges(code, size, high)
    product, lost = two_product(code, y, high)
    exponent = at_least(code, at_most(code, product, 1100.0), -1100.0)
    tail = code.select(code.eq(exponent, product), code.fma(y, low, lost), code.like(y, 0.0))
    form = format_of(size)
    shifter = code.like(size, form.shifter + 2 * form.bias)
    shifted = code.add(exponent, shifter)
    rest = code.add(code.sub(exponent, code.sub(shifted, shifter)), tail)
    return exp2_of_parts(code, shifted, rest)


def log2_in_parts(code: Code, f: Reg, e: Reg) -> tuple[Reg, Reg]:
    """e + log2(1 + f), in two parts, with some 65 bits."""
    z, z_low, s, s_low = _atanh_argument(code, f)
    # v = s**2 / 3 + s**4 Q
    third, third_low = (code.like(f, part) for part in _THIRD)
    v, v_low = two_product(code, z, third)
    v_low = code.fma(z, third_low, code.fma(z_low, third, v_low))
    v, lost = quick_two_sum(code, v, code.mul(code.mul(z, z), horner(code, z, _Q)))
    v_low = code.add(v_low, lost)
    # u = c s
    c, c_low = (code.like(f, part) for part in _C)
    u, u_low = two_product(code, s, c)
    u_low = code.fma(s, c_low, code.fma(s_low, c, u_low))
    # e + u + u v
    p, p_low = two_product(code, u, v)
    p_low = code.fma(u, v_low, code.fma(u_low, v, p_low))
    value, lost = quick_two_sum(code, u, p)
    value, more = two_sum(code, e, value)
    return value, code.add(more, code.add(lost, code.add(u_low, p_low)))


def _atanh_argument(code: Code, f: Reg) -> tuple[Reg, Reg, Reg, Reg]:
    """s = f / (2 + f): s**2 and s, each in two parts."""
    two = code.like(f, 2.0)
    below = code.add(f, two)
    below_low = code.sub(f, code.sub(below, two))
    s = code.div(f, below)
    lack = code.fma(code.neg(s), below_low, code.fma(code.neg(s), below, f))
    s_low = code.mul(lack, code.mul(code.sub(code.like(f, 1.0), s), code.like(f, 0.5)))  # 1 / below = (1 - s) / 2
    z, z_low = two_product(code, s, s)
    return z, code.fma(code.add(s, s), s_low, z_low), s, s_low
