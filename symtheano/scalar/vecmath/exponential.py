"""exp, exp2 and expm1: x = n log 2 + r, a polynomial in r, and 2 ** n put into the exponent.

The polynomials are minimax fits of (e**r - 1 - r) / r**2 and (2**r - 1) / r for |r| <= log(2) / 2 and 1 / 2.
"""

from __future__ import annotations

from dataclasses import dataclass

from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.vecmath.bits import at_least, at_most, format_of, from_bits, horner, times_power, to_bits


@dataclass(frozen=True)
class _Constants:
    """Of one float format. `above`, `below`: where exp is infinite, where it is 0."""

    above: float
    below: float
    log2_high: float  # few bits, so that n times it is exact
    log2_low: float
    exp: tuple[float, ...]
    expm1: tuple[float, ...]
    exp2: tuple[float, ...]
    minus_one: float  # where expm1 is -1
    linear: float  # where expm1(x) is x


_F32 = _Constants(
    above=89.0,
    below=-104.0,
    log2_high=0.693359375,
    log2_low=-2.12194440e-4,
    exp=(0.001393618294969201, 0.008369139395654202, 0.04166645184159279, 0.16666516661643982, 0.5),
    expm1=(
        0.00019958437769673765,
        0.0013933404115960002,
        0.008333192206919193,
        0.041666481643915176,
        0.1666666716337204,
        0.5,
    ),
    exp2=(
        1.4682450455438811e-05,
        0.00015452757361344993,
        0.0013336640549823642,
        0.00961808580905199,
        0.05550406128168106,
        0.24022650718688965,
        0.6931471824645996,
    ),
    minus_one=-26.0,
    linear=1e-9,
)
_F64 = _Constants(
    above=710.0,
    below=-746.0,
    log2_high=6.93147180369123816490e-01,
    log2_low=1.90821492927058770002e-10,
    exp=(
        2.511458872602471e-08,
        2.763172847223709e-07,
        2.7557226716539915e-06,
        2.4801488696875673e-05,
        0.00019841269905665864,
        0.0013888888948217118,
        0.008333333333312614,
        0.041666666666510775,
        0.1666666666666669,
        0.5000000000000013,
    ),
    expm1=(
        2.092237858526106e-09,
        2.5109306720271897e-08,
        2.7557250175046494e-07,
        2.7557243485090617e-06,
        2.480158735062859e-05,
        0.0001984126988679181,
        0.001388888888887289,
        0.008333333333321391,
        0.041666666666666685,
        0.16666666666666677,
        0.5,
    ),
    exp2=(
        2.554254763289731e-11,
        4.4754700460159023e-10,
        7.055049367664153e-09,
        1.0177919531575934e-07,
        1.3215486340961996e-06,
        1.5252734192535258e-05,
        0.0001540353039403809,
        0.0013333558146013456,
        0.00961812910762805,
        0.05550410866482343,
        0.24022650695910072,
        0.6931471805599453,
    ),
    minus_one=-45.0,
    linear=1e-18,
)
_CONSTANTS = {"float32": _F32, "float64": _F64}
_LOG2E = 1.4426950408889634


def reduced(code: Code, x: Reg, offset: int) -> tuple[Reg, Reg, Reg]:
    """x = n log 2 + r: r, what its rounding lost, and a float whose low bits are n + offset."""
    c, form = _CONSTANTS[x.dtype], format_of(x)
    shifter = code.like(x, form.shifter + offset)
    shifted = code.fma(x, code.like(x, _LOG2E), shifter)
    n, low = code.sub(shifted, shifter), code.like(x, -c.log2_low)
    high = code.fma(n, code.like(x, -c.log2_high), x)
    rest = code.fma(n, low, high)
    return rest, code.fma(n, low, code.sub(high, rest)), shifted


def exp(code: Code, x: Reg, low: Reg | None = None, factor: Reg | None = None) -> Reg:
    """e ** x; or e ** (x + low), for a small correction of x that x itself has no room for; or that times a factor.

    With a factor below 1 the product may be finite where e ** x is not.
    """
    c, form = _CONSTANTS[x.dtype], format_of(x)
    clamped = at_least(code, at_most(code, x, c.above if factor is None else c.above + 10.0), c.below)
    rest, _, shifted = reduced(code, clamped, 2 * form.bias)
    if low is not None:
        rest = code.add(rest, low)
    value = horner(code, rest, [*c.exp, 1.0, 1.0])
    if factor is not None:
        value = code.mul(value, factor)
    return times_power(code, value, to_bits(code, shifted))


def exp_not_positive(code: Code, x: Reg) -> Reg:
    """e ** x for x <= 0 or nan: it cannot overflow."""
    c, form = _CONSTANTS[x.dtype], format_of(x)
    rest, _, shifted = reduced(code, at_least(code, x, c.below), 2 * form.bias)
    return times_power(code, horner(code, rest, [*c.exp, 1.0, 1.0]), to_bits(code, shifted))


def exp2(code: Code, x: Reg) -> Reg:
    """2 ** x."""
    form = format_of(x)
    clamped = at_least(code, at_most(code, x, form.bias + 2.0), -(form.bias + form.stored + 3.0))
    shifter = code.like(x, form.shifter + 2 * form.bias)
    shifted = code.add(clamped, shifter)
    rest = code.sub(clamped, code.sub(shifted, shifter))
    return exp2_of_parts(code, shifted, rest)


def exp2_of_parts(code: Code, shifted: Reg, rest: Reg) -> Reg:
    """2 ** (n + rest), |rest| <= 1 / 2; `shifted` is n + 2 * bias + shifter."""
    return times_power(code, horner(code, rest, [*_CONSTANTS[rest.dtype].exp2, 1.0]), to_bits(code, shifted))


def expm1(code: Code, x: Reg) -> Reg:
    """e ** x - 1, with all its digits near 0."""
    c, form = _CONSTANTS[x.dtype], format_of(x)
    # Half the power, since n may be one more than the largest exponent.
    clamped = at_least(code, at_most(code, x, c.above), c.minus_one)
    value = _expm1_scaled(code, clamped, form.bias - 1, 0.5, x.dtype == "float64")
    value = code.add(value, value)
    return code.select(code.lt(code.abs(x), code.like(x, c.linear)), x, value)  # denormals, -0


def expm1_not_negative(code: Code, x: Reg) -> Reg:
    """e ** x - 1 for 0 <= x where e ** x does not overflow; not for -0."""
    return _expm1_scaled(code, x, format_of(x).bias, 1.0, False)


def _expm1_scaled(code: Code, x: Reg, offset: int, scale: float, exact: bool) -> Reg:
    """scale * (e ** x - 1), where offset is the bias plus log2(scale); `exact` costs three instructions."""
    c, form = _CONSTANTS[x.dtype], format_of(x)
    rest, lost, shifted = reduced(code, x, offset)
    bits = to_bits(code, shifted)
    power = from_bits(code, code.shl(bits, code.like(bits, form.stored)))
    square, q = code.mul(rest, rest), horner(code, rest, c.expm1)
    if not exact:
        return code.fma(power, code.fma(square, q, rest), code.sub(power, code.like(x, scale)))
    tail = code.fma(square, q, lost)
    return code.fma(power, tail, code.fma(power, rest, code.sub(power, code.like(x, scale))))
