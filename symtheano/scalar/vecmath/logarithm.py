"""log, log2, log10 and log1p: x = 2 ** e * (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), and a fit in f.

The float64 polynomial is that of fdlibm (e_log.c), in its form log(1 + f) = f - (f*f/2 - s * (f*f/2 + R(s*s))) where
s = f / (2 + f).
"""

from __future__ import annotations

import math

from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.vecmath.bits import (
    choose,
    format_of,
    from_bits,
    horner,
    quick_two_sum,
    to_bits,
)

_F32 = (
    -0.07631335407495499,
    0.12762883305549622,
    -0.13161760568618774,
    0.14201585948467255,
    -0.16623196005821228,
    0.20001238584518433,
    -0.2500082552433014,
    0.3333333134651184,
)  # (log(1 + f) - f + f**2 / 2) / f**3
_LOG2_F32 = (
    -0.09265708923339844,
    0.17226052284240723,
    -0.1918627917766571,
    0.2072264403104782,
    -0.23981142044067383,
    0.28839996457099915,
    -0.3606831133365631,
    0.48090219497680664,
    -0.7213475108146667,
    1.4426950216293335,
)  # log2(1 + f) / f
_F64 = (
    1.479819860511658591e-01,
    1.531383769920937332e-01,
    1.818357216161805012e-01,
    2.222219843214978396e-01,
    2.857142874366239149e-01,
    3.999999999940941908e-01,
    6.666666666666735130e-01,
)
_LEAST = {"float32": 0x3F3504F3, "float64": 0x3FE6A09E667F3BCD}  # the bits of sqrt(1/2)
# log 2 and the logarithms of e to bases 2 and 10 in two parts; the first one has few bits.
_LOG2 = {"float32": (0.693359375, -2.12194440e-4), "float64": (6.93147180369123816490e-01, 1.90821492927058770002e-10)}
_LOG10_2 = {
    "float32": (0.301025390625, 4.605038981195214e-06),
    "float64": (3.01029995663611771306e-01, 3.69423907715893078616e-13),
}
_LOG10_E = {
    "float32": (0.4345703125, -2.7583061345e-04),
    "float64": (4.34294481878168880939e-01, 2.50829467116452752298e-11),
}
_LOG2_E = (1.44269504072144627571e00, 1.67517131648865118353e-10)


def split(code: Code, x: Reg) -> tuple[Reg, Reg]:
    """x = 2 ** e * (1 + f), as (f, e), for x positive and finite; denormals too."""
    form = format_of(x)
    up = form.stored + 1
    small = code.lt(x, code.like(x, form.least_normal))
    scaled = code.select(small, code.mul(x, code.like(x, 2.0**up)), x)
    bits, field = _exponent_field(code, scaled)
    e = code.sub(field, choose(code, small, x, form.bias + up, form.bias))
    stored = code.and_(bits, code.like(bits, (1 << form.stored) - 1))
    mantissa = from_bits(code, code.add(stored, code.like(bits, _LEAST[x.dtype])))
    return code.sub(mantissa, code.like(x, 1.0)), e


def _exponent_field(code: Code, x: Reg) -> tuple[Reg, Reg]:
    """x = 2 ** e * m with m between sqrt(1/2) and sqrt(2): bits that begin with e + bias, and that as a float.

    The other bits are those of m less those of sqrt(1/2). For x positive, finite and normal.
    """
    form = format_of(x)
    bits = to_bits(code, x)
    bits = code.add(bits, code.like(bits, (form.bias << form.stored) - _LEAST[x.dtype]))
    # An integer below 2 ** stored becomes a float when it is the mantissa of 2 ** stored.
    field = code.lshr(bits, code.like(bits, form.stored))
    field = code.or_(field, code.like(bits, form.stored + form.bias << form.stored))
    return bits, code.sub(from_bits(code, field), code.like(x, 2.0**form.stored))


def _parts(code: Code, f: Reg) -> tuple[Reg, Reg, Reg]:
    """log(1 + f) = f - half + rest, where half = f * f / 2 and rest is small."""
    half = code.mul(code.mul(f, f), code.like(f, 0.5))
    if f.dtype == "float32":
        cube = code.mul(f, code.mul(f, f))
        return half, cube, horner(code, f, _F32)
    s = code.div(f, code.add(f, code.like(f, 2.0)))
    z = code.mul(s, s)
    return half, s, code.fma(z, horner(code, z, _F64), half)


def _log(code: Code, f: Reg, e: Reg) -> Reg:
    """e log 2 + log(1 + f)."""
    high, low = _LOG2[f.dtype]
    if f.dtype == "float32":
        value = code.fma(code.mul(f, f), horner(code, f, [*_F32, -0.5]), f)
        return code.fma(e, code.like(f, high), code.fma(e, code.like(f, low), value))
    half, s, factor = _parts(code, f)
    rest = code.fma(s, factor, code.mul(e, code.like(f, low)))
    return code.fma(e, code.like(f, high), code.sub(f, code.sub(half, rest)))


def _at_the_edges(code: Code, x: Reg, value: Reg) -> Reg:
    """The logarithm of x, if `value` is right for x positive and finite."""
    value = code.select(code.lt(x, code.like(x, math.inf)), value, x)
    outside = choose(code, code.eq(x, code.like(x, 0.0)), x, -math.inf, math.nan)
    return code.select(code.gt(x, code.like(x, 0.0)), value, outside)


def log(code: Code, x: Reg) -> Reg:
    """The natural logarithm."""
    return _at_the_edges(code, x, _log(code, *split(code, x)))


def log2(code: Code, x: Reg) -> Reg:
    """The logarithm to base 2: exact for powers of 2."""
    f, e = split(code, x)
    if x.dtype == "float32":
        return _at_the_edges(code, x, code.fma(f, horner(code, f, _LOG2_F32), e))
    value, high, low = _scaled(code, f, _LOG2_E)
    total, error = quick_two_sum(code, e, high)
    return _at_the_edges(code, x, code.add(total, code.add(code.add(low, value), error)))


def log10(code: Code, x: Reg) -> Reg:
    """The logarithm to base 10: exact for powers of 10."""
    f, e = split(code, x)
    value, high, low = _scaled(code, f, _LOG10_E[x.dtype])
    first, second = _LOG10_2[x.dtype]
    low = code.fma(e, code.like(x, second), low)
    total, error = quick_two_sum(code, code.mul(e, code.like(x, first)), high)
    return _at_the_edges(code, x, code.add(total, code.add(code.add(low, value), error)))


def _scaled(code: Code, f: Reg, factor: tuple[float, float]) -> tuple[Reg, Reg, Reg]:
    """log(1 + f) times a factor in two parts: the sum of three numbers, of which the second is the largest."""
    first, second = (code.like(f, part) for part in factor)
    half, s, rest = _parts(code, f)
    high = _upper_half(code, code.sub(f, half))
    low = code.fma(s, rest, code.sub(code.sub(f, high), half))
    return code.mul(code.add(low, high), second), code.mul(high, first), code.mul(low, first)


def _upper_half(code: Code, x: Reg) -> Reg:
    """x without the lower half of its mantissa."""
    bits = to_bits(code, x)
    cut = {"float32": 12, "float64": 32}[x.dtype]
    return from_bits(code, code.and_(bits, code.like(bits, -1 << cut)))


def log1p(code: Code, x: Reg) -> Reg:
    """log(1 + x), with all its digits near 0: 1 + x = 2**e * (1 + f) for f = x / 2**e + (1 / 2**e - 1)."""
    form = format_of(x)
    # Where 1 is nothing beside x, which is scaled so that 1 / 2**e is a normal number.
    large, down = code.gt(x, code.like(x, 2.0 ** (form.bias - 27))), 60
    scaled = code.select(large, code.mul(x, code.like(x, 2.0**-down)), x)
    u = code.add(scaled, code.like(x, 1.0))
    bits, field = _exponent_field(code, u)
    e = code.sub(field, choose(code, large, x, form.bias - down, form.bias))
    exponent = code.and_(bits, code.like(bits, -1 << form.stored))
    power = from_bits(code, code.sub(code.like(bits, 2 * form.bias << form.stored), exponent))
    f = code.fma(scaled, power, code.sub(power, code.like(x, 1.0)))
    return code.copysign(_at_the_edges(code, u, _log(code, f, e)), x)
