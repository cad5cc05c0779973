"""The gamma function, its logarithm, and the derivatives of that: psi and tri_gamma.

From 8 on (6 in float32 for tri_gamma) Stirling's series. Below, recurrence: the gamma function to polynomials
in t = x - k for a whole k, by a product of up to six factors; psi to one around its zero, or by 4 steps up; tri_gamma
by 8 (6) steps up, whose terms 1 / (x + j)**2 are one quotient. Negative arguments, out of line, by reflection: near
the poles with full accuracy, near the zeros of gammaln and psi with that of their largest term.
"""

from __future__ import annotations

import math

from symtheano.scalar.machine import Code, Rare, Reg
from symtheano.scalar.vecmath.bits import (
    at_least,
    at_most,
    choose,
    format_of,
    from_bits,
    horner,
    to_bits,
    two_product,
    two_sum,
)
from symtheano.scalar.vecmath.exponential import exp2_of_parts
from symtheano.scalar.vecmath.logarithm import log, split
from symtheano.scalar.vecmath.powers import log2_float32, log2_in_parts
from symtheano.scalar.vecmath.trigonometry import sin_near_0

_STEPS = 6  # factors x - 1 ... x - 6 of x < 8
# gammaln(2 + t) / t in t, for t between -3/4 and 1/4
_GAMMALN = {
    "float32": (
        0.0008243796764872968,
        0.0011168640339747071,
        0.0014118184335529804,
        -0.0010492122964933515,
        0.0028027088847011328,
        -0.007415214087814093,
        0.020582623779773712,
        -0.06735120713710785,
        0.32246702909469604,
        0.42278432846069336,
    ),
    "float64": (
        8.352891523287734e-07,
        2.3016104075125048e-06,
        3.402461592022041e-06,
        1.6007005205308946e-06,
        1.320160511845151e-06,
        -2.3522044938615145e-06,
        4.1972484372444085e-06,
        -9.439001130056798e-06,
        2.0528831644757292e-05,
        -4.492309347718057e-05,
        9.945613366773617e-05,
        -0.00022315507808277,
        0.000509669573827506,
        -0.0011927538969092918,
        0.0028905103298426916,
        -0.00738555102900129,
        0.020580808427791624,
        -0.06735230105319524,
        0.3224670334241132,
        0.42278433509846713,
    ),
}
# gamma(2 + t) in t between -1/2 and 1/2, in float64: for float32 and for float64
_GAMMA = {
    "float32": (
        -0.0003097581876992749,
        0.0005928312675567308,
        -0.0008926664685767184,
        0.0020742124438081224,
        -0.0028575824984754705,
        0.011157933223007037,
        -0.0002665438292844873,
        0.07424878346052757,
        0.0815769025129223,
        0.41184033524314684,
        0.42278433528299764,
        0.9999999999836487,
    ),
    "float64": (
        6.921713775800191e-07,
        -1.316449686862199e-06,
        1.7624662851026926e-06,
        -3.60619615063049e-06,
        7.674034801819871e-06,
        -1.5297461207341736e-05,
        3.0442046822579072e-05,
        -6.078163032267451e-05,
        0.00012167540176952772,
        -0.00024094266614860078,
        0.0004903883126337448,
        -0.0009195737598466619,
        0.002103933347834143,
        -0.0028526458238198626,
        0.011154045717934487,
        -0.0002669820687131515,
        0.07424901075351607,
        0.08157691924708654,
        0.4118403304264397,
        0.42278433509846713,
        1.0,
    ),
}
# x (gammaln(x) - (x - 1/2) log x + x - log(2 pi) / 2) in 1 / x**2, for x >= 8
_STIRLING = {
    "float32": (
        -0.002762644784525037,
        0.08333327621221542,
    ),
    "float64": (
        0.004983892847396473,
        -0.0018862048768130573,
        0.0008413881363285948,
        -0.0005952358117953213,
        0.0007936507862014149,
        -0.0027777777777669597,
        0.08333333333333333,
    ),
}
# psi(r + d) / d in d, where psi(r) = 0, for 1 <= r + d <= 2
_PSI_ROOT = {
    "float32": (1.4616321325302124, 1.2438149938918909e-08),
    "float64": (1.4616321449683622, 9.549995429965697e-17),
}
_PSI_MIDDLE = {
    "float32": (
        0.011768563650548458,
        -0.019727269187569618,
        0.022427910938858986,
        -0.03239152953028679,
        0.048929110169410706,
        -0.07224726676940918,
        0.10779713839292526,
        -0.163942351937294,
        0.25850141048431396,
        -0.44276314973831177,
        0.9676722288131714,
    ),
    "float64": (
        -0.00017982164338662692,
        0.0004001923746988506,
        -0.00039335788246742785,
        0.00042124666193203643,
        -0.0007035395461981577,
        0.0011018250207081655,
        -0.0015876518528660907,
        0.0023012387534693383,
        -0.0033679347502771403,
        0.004927213041169718,
        -0.007204729318455772,
        0.010538758784727282,
        -0.01542475375604716,
        0.022597649981539198,
        -0.03316112690082064,
        0.04880428810047566,
        -0.0721995612491681,
        0.10782405069267008,
        -0.1639427054424494,
        0.25849976095563654,
        -0.4427631689835921,
        0.9676722454476212,
    ),
}
# x**2 (log x - 1 / (2 x) - psi(x)) and x**3 (tri_gamma(x) - 1 / x - 1 / (2 x**2)) in 1 / x**2
_PSI = {
    "float32": (
        -0.008184605278074741,
        0.08333206921815872,
    ),
    "float64": (
        -0.2873587352699771,
        0.07929913662713918,
        -0.021033565238103683,
        0.007575242733256763,
        -0.0041666640374663395,
        0.003968253960814778,
        -0.008333333333323206,
        0.08333333333333333,
    ),
}
_TRI_GAMMA = {
    "float32": (
        0.022174017503857613,
        -0.033307820558547974,
        0.16666655242443085,
    ),
    "float64": (
        26.224595007283018,
        -6.194130840681901,
        1.1497483486075737,
        -0.2529148174581554,
        0.07575611389466864,
        -0.03333332677743523,
        0.023809523792776354,
        -0.03333333333331221,
        0.16666666666666666,
    ),
}
_UP = {"float32": 6, "float64": 8}  # steps up of tri_gamma
_DOWN = 2.0**-64  # with which 1 / gamma(x) does not underflow too early
_LOG2_E = (1.4426950408889634, 2.0355273740931033e-17)
_LOG2_ROOT_2_PI = (1.3257480647361592, -7.153413670427599e-17)

Coefficients = tuple[float, ...]


# ----- Sines of pi x -----


def _from_integer(code: Code, x: Reg) -> tuple[Reg, Reg]:
    """x = n + r: (r, and the bits of n, whose last is 1 if it is odd)."""
    n = code.rint(x)
    shifter = format_of(x).shifter
    # n itself has no more than the last bit's place
    small = at_least(code, at_most(code, n, shifter / 4), -shifter / 4)
    return code.sub(x, n), to_bits(code, code.add(small, code.like(x, shifter)))


def _sin_pi(code: Code, x: Reg) -> Reg:
    """sin(pi x); 0 of whole numbers."""
    r, n_bits = _from_integer(code, x)
    value = sin_near_0(code, code.mul(r, code.like(x, math.pi)))
    top = code.shl(n_bits, code.like(n_bits, {"float32": 31, "float64": 63}[x.dtype]))
    return from_bits(code, code.xor(to_bits(code, value), top))


def _cotangent_pi(code: Code, x: Reg) -> Reg:
    """cos(pi x) / sin(pi x)."""
    r, _ = _from_integer(code, x)
    pi, half = code.like(x, math.pi), code.like(x, 0.5)
    cosine = sin_near_0(code, code.mul(code.sub(half, code.abs(r)), pi))
    return code.div(cosine, sin_near_0(code, code.mul(r, pi)))


# ----- gammaln and gamma -----


def _near_two(code: Code, x: Reg, most: float) -> tuple[Reg, Reg, Reg]:
    """(t, f, small): gamma(x) = gamma(2 + t) f, or gamma(2 + t) / f where small; most - 1 <= t < most; 0 <= x < 8."""
    one = code.like(x, 1.0)
    t = code.sub(x, code.floor(code.add(x, code.like(x, 1.0 - most))))
    small = code.lt(x, code.like(x, 1.0 + most))
    low = code.select(code.lt(x, code.like(x, most)), code.mul(x, code.add(x, one)), x)
    factor = code.select(small, low, one)
    for j in range(1, _STEPS + 1):
        larger = code.mul(factor, code.sub(x, code.like(x, j)))
        factor = code.select(code.ge(x, code.like(x, j + 1.0 + most)), larger, factor)
    return t, factor, small


def _stirling(code: Code, x: Reg) -> Reg:
    inverse = code.div(code.like(x, 1.0), x)
    return code.mul(inverse, horner(code, code.mul(inverse, inverse), _STIRLING[x.dtype]))


def _gammaln_positive(code: Code, x: Reg) -> Reg:
    large = code.ge(x, code.like(x, 8.0))
    t, factor, small = _near_two(code, x, 0.25)
    logarithm = log(code, code.select(large, x, factor))
    near = code.mul(t, horner(code, t, _GAMMALN[x.dtype]))
    near = code.fma(choose(code, small, x, -1.0, 1.0), logarithm, near)
    # (x - 1/2) (log x - 1) has less to cancel than (x - 1/2) log x
    rest = code.add(_stirling(code, x), code.like(x, 0.5 * math.log(2 * math.pi) - 0.5))
    far = code.fma(code.sub(x, code.like(x, 0.5)), code.sub(logarithm, code.like(x, 1.0)), rest)
    return code.select(large, far, near)


def gammaln(code: Code, x: Reg) -> Reg:
    """log(|gamma(x)|)."""
    return _reflected(code, x, _gammaln_positive(code, x), _GAMMALN_NEGATIVE)


def _gammaln_negative(code: Code, x: Reg) -> Reg:
    """log(pi / |sin(pi x)|) - gammaln(1 - x); -log(-x) of the smallest."""
    size = code.abs(x)
    tiny = code.lt(size, code.like(x, 2.0**-100))
    logarithm = log(code, code.select(tiny, size, code.abs(_sin_pi(code, size))))
    rest = code.sub(code.like(x, math.log(math.pi)), _gammaln_positive(code, code.add(size, code.like(x, 1.0))))
    value = code.sub(code.select(tiny, code.like(x, 0.0), rest), logarithm)
    value = code.select(code.eq(code.floor(x), x), code.like(x, math.inf), value)
    return code.select(code.eq(size, code.like(x, math.inf)), x, value)


def _gamma_positive(code: Code, x: Reg, inverse: bool) -> Reg:
    """gamma(x), or 1 / gamma(x) / _DOWN, for x >= 0; float32 by way of float64 registers."""
    narrow = x.dtype == "float32"
    wide = at_most(code, code.convert(x, dtype="float64"), 50.0 if narrow else 190.0)
    t, factor, low = _near_two(code, wide, 0.5)
    middle = horner(code, t, _GAMMA[x.dtype])
    if inverse:
        above, below = code.select(low, factor, code.like(t, 1.0)), code.select(low, middle, code.mul(middle, factor))
    else:
        above, below = code.select(low, middle, code.mul(middle, factor)), code.select(low, factor, code.like(t, 1.0))
    near = code.div(above, below)
    exponent, tail = _log2_gamma_float32(code, wide) if narrow else _log2_gamma(code, wide)
    if inverse:
        exponent, tail = code.neg(exponent), code.neg(tail)
        near = code.mul(near, code.like(near, 1 / _DOWN))
    n = code.rint(exponent)
    rest = code.convert(code.add(code.sub(exponent, n), tail), dtype=x.dtype)
    form = format_of(x)
    offset = form.shifter + 2 * form.bias - (math.log2(_DOWN) if inverse else 0.0)
    far = exp2_of_parts(code, code.add(code.convert(n, dtype=x.dtype), code.like(x, offset)), rest)
    return code.select(code.ge(x, code.like(x, 8.0)), far, code.convert(near, dtype=x.dtype))


def _log2_gamma(code: Code, x: Reg) -> tuple[Reg, Reg]:
    """log2(gamma(x)) in two parts, for 8 <= x <= 200: (x - 1/2) log2(x) - x log2(e) + log2(sqrt(2 pi)) + series."""
    high, low = log2_in_parts(code, *split(code, x))
    factor = code.sub(x, code.like(x, 0.5))
    first, first_low = two_product(code, factor, high)
    first_low = code.fma(factor, low, first_low)
    second, second_low = two_product(code, x, code.like(x, -_LOG2_E[0]))
    second_low = code.fma(x, code.like(x, -_LOG2_E[1]), second_low)
    total, lost = two_sum(code, first, second)
    total, more = two_sum(code, total, code.like(x, _LOG2_ROOT_2_PI[0]))
    series = code.fma(_stirling(code, x), code.like(x, _LOG2_E[0]), code.like(x, _LOG2_ROOT_2_PI[1]))
    return total, code.add(series, code.add(code.add(lost, more), code.add(first_low, second_low)))


def _log2_gamma_float32(code: Code, x: Reg) -> tuple[Reg, Reg]:
    """The same with the digits that float32 needs, and 0."""
    value = code.mul(code.sub(x, code.like(x, 0.5)), log2_float32(code, *split(code, x)))
    rest = code.sub(_stirling(code, x), x)
    value = code.add(code.fma(rest, code.like(x, _LOG2_E[0]), value), code.like(x, _LOG2_ROOT_2_PI[0]))
    return value, code.like(x, 0.0)


def gamma(code: Code, x: Reg) -> Reg:
    """The gamma function; nan at its poles but 0, where it is infinite."""
    return _reflected(code, x, _gamma_positive(code, x, False), _GAMMA_NEGATIVE)


def _gamma_negative(code: Code, x: Reg) -> Reg:
    """-pi / (x sin(pi x) gamma(-x))."""
    size = code.abs(x)
    sine = _sin_pi(code, x)
    value = code.div(_gamma_positive(code, size, True), size)
    value = code.mul(value, code.mul(code.div(code.like(x, math.pi), sine), code.like(x, _DOWN)))
    return code.select(code.eq(code.floor(x), x), code.like(x, math.nan), value)


def _reflected(code: Code, x: Reg, usual: Reg, negative: Rare) -> Reg:
    return code.rare(code.lt(x, code.like(x, 0.0)), usual, negative, x)


# ----- psi and tri_gamma -----


def _times(left: Coefficients, right: Coefficients) -> Coefficients:
    """The product of two polynomials."""
    product = [0.0] * (len(left) + len(right) - 1)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            product[i + j] += a * b
    return tuple(product)


def _plus(left: Coefficients, right: Coefficients) -> Coefficients:
    size = max(len(left), len(right))
    padded = [(0.0,) * (size - len(p)) + p for p in (left, right)]
    return tuple(a + b for a, b in zip(*padded))


def _sum_of_inverses(steps: int, power: int) -> tuple[Coefficients, Coefficients]:
    """The sum of 1 / (x + j)**power over j < steps as a quotient: (numerator, denominator / x**power)."""
    above: Coefficients = (1.0,)
    below: Coefficients = (1.0,)  # without x ** power
    for j in range(1, steps):
        factor: Coefficients = (1.0,)
        for _ in range(power):
            factor = _times(factor, (1.0, float(j)))
        above = _plus(_times(above, factor), below + (0.0,) * power)
        below = _times(below, factor)
    return above, below


def _psi_positive(code: Code, x: Reg) -> Reg:
    near, far = code.lt(x, code.like(x, 4.0)), code.lt(x, code.like(x, 8.0))
    above, below, t = _psi_terms(code, x)
    sum_above, sum_below = _sum_of_inverses(4, 1)
    quotient = code.div(
        code.select(near, above, horner(code, x, sum_above)),
        code.select(near, below, code.mul(horner(code, x, sum_below), x)),
    )
    root, root_low = (code.like(x, part) for part in _PSI_ROOT[x.dtype])
    d = code.sub(code.sub(t, root), root_low)
    middle = code.fma(d, horner(code, d, _PSI_MIDDLE[x.dtype]), quotient)
    y = code.select(far, code.add(x, code.like(x, 4.0)), x)
    inverse = code.div(code.like(x, 1.0), y)
    square = code.mul(inverse, inverse)
    rest = code.fma(square, horner(code, square, _PSI[x.dtype]), code.mul(inverse, code.like(x, 0.5)))
    rest = code.add(rest, code.select(far, quotient, code.like(x, 0.0)))
    return code.select(near, middle, code.sub(log(code, y), rest))


def _psi_terms(code: Code, x: Reg) -> tuple[Reg, Reg, Reg]:
    """psi(x) = psi(t) + above / below with 1 <= t < 2, for 0 <= x < 4."""
    one, two, three = (code.like(x, k) for k in (1.0, 2.0, 3.0))
    under, second, third = code.lt(x, one), code.ge(x, two), code.ge(x, three)
    # nothing, 1 / (x - 1), or 1 / (x - 1) + 1 / (x - 2)
    down = code.sub(x, one)
    above = code.select(third, code.sub(code.add(x, x), three), choose(code, second, x, 1.0, 0.0))
    below = code.select(third, code.mul(down, code.sub(x, two)), code.select(second, down, one))
    t = code.select(third, code.sub(x, two), code.select(second, down, x))
    above = code.select(under, code.neg(one), above)
    return above, code.select(under, x, below), code.select(under, code.add(x, one), t)


def psi(code: Code, x: Reg) -> Reg:
    """The derivative of gammaln; nan at its poles but 0, where it is infinite."""
    return _reflected(code, x, _psi_positive(code, x), _PSI_NEGATIVE)


def _psi_negative(code: Code, x: Reg) -> Reg:
    """psi(1 - x) - pi cot(pi x)."""
    one = code.like(x, 1.0)
    y, lost = two_sum(code, one, code.neg(x))
    inverse = code.div(one, y)
    slope = code.mul(inverse, horner(code, inverse, (1 / 6, 0.5, 1.0)))  # tri_gamma(y), nearly
    value = code.fma(lost, slope, _psi_positive(code, y))
    value = code.sub(value, code.mul(_cotangent_pi(code, x), code.like(x, math.pi)))
    return code.select(code.eq(code.floor(x), x), code.like(x, math.nan), value)


def _tri_gamma_positive(code: Code, x: Reg) -> Reg:
    steps = _UP[x.dtype]
    small = code.lt(x, code.like(x, steps))
    above, below = _sum_of_inverses(steps, 2)
    lower = code.div(horner(code, x, above), code.mul(horner(code, x, below), code.mul(x, x)))
    lower = code.select(small, lower, code.like(x, 0.0))
    y = code.select(small, code.add(x, code.like(x, steps)), x)
    inverse = code.div(code.like(x, 1.0), y)
    square = code.mul(inverse, inverse)
    rest = code.fma(code.mul(square, inverse), horner(code, square, _TRI_GAMMA[x.dtype]), inverse)
    return code.add(lower, code.fma(square, code.like(x, 0.5), rest))


def tri_gamma(code: Code, x: Reg) -> Reg:
    """The derivative of psi."""
    return _reflected(code, x, _tri_gamma_positive(code, x), _TRI_GAMMA_NEGATIVE)


def _tri_gamma_negative(code: Code, x: Reg) -> Reg:
    """(pi / sin(pi x))**2 - tri_gamma(1 - x)."""
    quotient = code.div(code.like(x, math.pi), _sin_pi(code, x))
    value = code.sub(code.mul(quotient, quotient), _tri_gamma_positive(code, code.sub(code.like(x, 1.0), x)))
    return code.select(code.eq(code.floor(x), x), code.like(x, math.inf), value)


_GAMMALN_NEGATIVE = Rare("gammaln", _gammaln_negative)
_GAMMA_NEGATIVE = Rare("gamma", _gamma_negative)
_PSI_NEGATIVE = Rare("psi", _psi_negative)
_TRI_GAMMA_NEGATIVE = Rare("tri_gamma", _tri_gamma_negative)
