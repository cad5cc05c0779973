"""sinh, cosh and the inverse hyperbolic functions.

sinh(n log 2 + r) = 2**(n-1) (cosh r + sinh r) - 2**(-n-1) (cosh r - sinh r), with minimax polynomials in r; no
cancellation but that of the powers, which is exact. The inverses are log1p of arguments without cancellation.
"""

from __future__ import annotations

import math

from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.vecmath.bits import at_most, choose, format_of, from_bits, horner, to_bits
from symtheano.scalar.vecmath.exponential import reduced
from symtheano.scalar.vecmath.logarithm import log1p

# (sinh(r) / r - 1) / r**2 and (cosh(r) - 1) / r**2 in r**2, for r <= log(2) / 2
_SINH = {
    "float32": (
        0.00019972131121903658,
        0.008333177305758,
        0.1666666716337204,
    ),
    "float64": (
        2.5109302755189072e-08,
        2.755724349461185e-06,
        0.00019841269886784586,
        0.008333333333321393,
        0.16666666666666677,
    ),
}
_COSH = {
    "float32": (
        0.0013935802271589637,
        0.04166645556688309,
        0.5,
    ),
    "float64": (
        2.7631724427417777e-07,
        2.480148870665383e-05,
        0.0013888888948209313,
        0.041666666666510796,
        0.5000000000000013,
    ),
}
_INFINITE = {"float32": 89.6, "float64": 710.7}  # from a little before here on
_HUGE = {"float32": 2.0**30, "float64": 2.0**60}  # x * x is nothing beside 1 / x, and does not overflow


def _parts(code: Code, x: Reg) -> tuple[Reg, Reg, Reg, Reg]:
    """cosh r - 1, sinh r, 2**(n-2) + 2**(-n-2), 2**(n-2) - 2**(-n-2) of |x| = n log 2 + r."""
    form = format_of(x)
    offset = form.bias - 2
    rest, _, shifted = reduced(code, at_most(code, code.abs(x), _INFINITE[x.dtype]), offset)
    bits = to_bits(code, shifted)
    place = code.like(bits, form.stored)
    up = from_bits(code, code.shl(bits, place))
    # shifter + offset - n; or shifter + 0 where n is so large that the power is nothing
    capped = at_most(code, shifted, form.shifter + 2 * offset)
    least = code.sub(code.like(x, 2 * form.shifter + 2 * offset), capped)
    down = from_bits(code, code.shl(to_bits(code, least), place))
    square = code.mul(rest, rest)
    cosine = code.mul(square, horner(code, square, _COSH[x.dtype]))
    sine = code.fma(code.mul(square, rest), horner(code, square, _SINH[x.dtype]), rest)
    return cosine, sine, code.add(up, down), code.sub(up, down)


def sinh(code: Code, x: Reg) -> Reg:
    """The hyperbolic sine."""
    cosine, sine, total, difference = _parts(code, x)
    half = code.fma(cosine, difference, code.fma(sine, total, difference))
    value = code.copysign(code.add(half, half), x)
    small = {"float32": 1e-5, "float64": 1e-9}[x.dtype]
    return code.select(code.lt(code.abs(x), code.like(x, small)), x, value)  # denormals


def cosh(code: Code, x: Reg) -> Reg:
    """The hyperbolic cosine."""
    cosine, sine, total, difference = _parts(code, x)
    half = code.fma(cosine, total, code.fma(sine, difference, total))
    return code.add(half, half)


def arcsinh(code: Code, x: Reg) -> Reg:
    """The inverse of sinh: log1p(|x| + x**2 / (1 + sqrt(1 + x**2)))."""
    size, one = code.abs(x), code.like(x, 1.0)
    square = code.mul(size, size)
    grown = code.add(size, code.div(square, code.add(one, code.sqrt(code.add(square, one)))))
    return code.copysign(_log1p_or_log_twice(code, size, grown), x)


def arccosh(code: Code, x: Reg) -> Reg:
    """The inverse of cosh: log1p(t + sqrt(t * t + 2 t)) with t = x - 1; nan below 1."""
    one = code.like(x, 1.0)
    t = code.sub(x, one)
    value = _log1p_or_log_twice(code, x, code.add(t, code.sqrt(code.fma(t, t, code.add(t, t)))))
    return code.select(code.lt(x, one), code.like(x, math.nan), value)


def _log1p_or_log_twice(code: Code, x: Reg, grown: Reg) -> Reg:
    """log1p(grown), but log(2 x) where x is huge."""
    huge = code.gt(x, code.like(x, _HUGE[x.dtype]))
    value = log1p(code, code.select(huge, x, grown))
    return code.add(value, choose(code, huge, x, math.log(2.0), 0.0))


def arctanh(code: Code, x: Reg) -> Reg:
    """The inverse of tanh: log1p(2 |x| / (1 - |x|)) / 2; nan beyond 1."""
    size, one = code.abs(x), code.like(x, 1.0)
    twice = code.add(size, size)
    grown = code.fma(twice, code.div(size, code.sub(one, size)), twice)
    value = code.copysign(code.mul(log1p(code, grown), code.like(x, 0.5)), x)
    return code.select(code.gt(size, one), code.like(x, math.nan), value)
