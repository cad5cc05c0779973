"""log, log2, log10 and log1p: x = 2 ** e * (1 + f) with 1 + f between sqrt(1/2) and sqrt(2), and a fit in f.

The float32 polynomial is that of Cephes (logf), the float64 one that of fdlibm (e_log.c), whose form is
log(1 + f) = f - (f*f/2 - s * (f*f/2 + R(s*s))) with s = f / (2 + f).
"""

from __future__ import annotations

import math

from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.vecmath.bits import (
    at_most,
    choose,
    format_of,
    from_bits,
    horner,
    quick_two_sum,
    to_bits,
    two_sum,
)

_F32 = (
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
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
_LOG2_E = {
    "float32": (1.4423828125, 3.1222839639e-04),
    "float64": (1.44269504072144627571e00, 1.67517131648865118353e-10),
}


def split(code: Code, x: Reg) -> tuple[Reg, Reg]:
    """x = 2 ** e * (1 + f), as (f, e), for x positive and finite; denormals too."""
    form = format_of(x)
    up = form.stored + 1
    small = code.lt(x, code.like(x, form.least_normal))
    scaled = code.select(small, code.mul(x, code.like(x, 2.0**up)), x)
    one, least = (form.bias << form.stored), _LEAST[x.dtype]
    bits = to_bits(code, scaled)
    bits = code.add(bits, code.like(bits, one - least))
    exponent = code.lshr(bits, code.like(bits, form.stored))
    # An integer below 2 ** stored becomes a float when it is the mantissa of 2 ** stored.
    wide = 2.0**form.stored
    exponent = code.or_(exponent, code.like(bits, form.stored + form.bias << form.stored))
    offset = choose(code, small, x, wide + form.bias + up, wide + form.bias)
    mantissa = code.add(code.and_(bits, code.like(bits, (1 << form.stored) - 1)), code.like(bits, least))
    return code.sub(from_bits(code, mantissa), code.like(x, 1.0)), code.sub(from_bits(code, exponent), offset)


def _parts(code: Code, f: Reg) -> tuple[Reg, Reg, Reg]:
    """log(1 + f) = f - half + rest, where half = f * f / 2 and rest is small."""
    half = code.mul(code.mul(f, f), code.like(f, 0.5))
    if f.dtype == "float32":
        cube = code.mul(f, code.mul(f, f))
        return half, cube, horner(code, f, _F32)
    s = code.div(f, code.add(f, code.like(f, 2.0)))
    z = code.mul(s, s)
    return half, s, code.add(half, code.mul(z, horner(code, z, _F64)))


def _log(code: Code, f: Reg, e: Reg) -> Reg:
    """e log 2 + log(1 + f)."""
    high, low = _LOG2[f.dtype]
    if f.dtype == "float32":
        z = code.mul(f, f)
        rest = code.mul(code.mul(f, z), horner(code, f, _F32))
        rest = code.fma(e, code.like(f, low), rest)
        rest = code.fma(z, code.like(f, -0.5), rest)
        return code.fma(e, code.like(f, high), code.add(f, rest))
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
    value, high, low = _scaled(code, f, _LOG2_E[x.dtype])
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
    """log(1 + x), with all its digits near 0."""
    form = format_of(x)
    u, lost = two_sum(code, code.like(x, 1.0), x)
    f, e = split(code, u)
    # 1 + x = u + lost = 2**e * (1 + f + lost / 2**e); for the largest e the power is taken as 0.
    bits = to_bits(code, code.sub(code.like(x, form.shifter + form.bias), at_most(code, e, form.bias)))
    power = from_bits(code, code.shl(bits, code.like(bits, form.stored)))
    value = _log(code, code.fma(lost, power, f), e)
    return code.copysign(_at_the_edges(code, u, value), x)
