"""The modified Bessel functions of orders 0 and 1: minimax polynomials in (x / 2)**2 up to 8, and in 1 / x beyond."""

from __future__ import annotations

import math

from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.vecmath.bits import at_most, horner
from symtheano.scalar.vecmath.exponential import exp

# (I0(x) - 1) / z and (2 I1(x) / x - 1) / z in z = (x / 2)**2
_NEAR = (
    {
        "float32": (
            1.4912682200218796e-11,
            3.858179609128598e-10,
            4.303294076635211e-08,
            1.8955768155137775e-06,
            6.962264160392806e-05,
            0.001735571539029479,
            0.027778632938861847,
            0.24999940395355225,
            1.0000001192092896,
        ),
        "float64": (
            9.163392148784272e-25,
            1.131216488084288e-22,
            2.6377346227372897e-20,
            4.346195955264306e-18,
            6.277826049200895e-16,
            7.593881261027119e-14,
            7.594071331494862e-12,
            6.151186654359605e-10,
            3.9367599138579295e-08,
            1.9290123450557008e-06,
            6.944444444547408e-05,
            0.001736111111110079,
            0.027777777777778324,
            0.2499999999999999,
            1.0,
        ),
    },
    {
        "float32": (
            1.4210288761667966e-12,
            4.7341880415885385e-11,
            5.262380309289938e-09,
            2.72407135071262e-07,
            1.1591132533794735e-05,
            0.0003471708914730698,
            0.006944521330296993,
            0.08333329111337662,
            0.5,
        ),
        "float64": (
            5.602847309611702e-26,
            7.679949998928589e-24,
            1.8771929078253644e-21,
            3.3452582842322954e-19,
            5.2311298557024026e-17,
            6.903580574751301e-15,
            7.594066430499561e-13,
            6.834652165404966e-11,
            4.92094987690937e-09,
            2.755731922009656e-07,
            1.1574074074137233e-05,
            0.0003472222222221616,
            0.0069444444444444735,
            0.08333333333333333,
            0.5,
        ),
    },
)
# e**-x sqrt(x) I(x) in 1 / x
_FAR = (
    {
        "float32": (
            0.2779119908809662,
            0.022739168256521225,
            0.02943822182714939,
            0.028117047622799873,
            0.0498654842376709,
            0.3989422917366028,
        ),
        "float64": (
            3.0015847981369336e16,
            -4.064811599759366e16,
            2.544460361773559e16,
            -9766515461853902.0,
            2572018616942947.5,
            -492907437479953.9,
            71184290311928.56,
            -7919533372305.74,
            688392315890.3378,
            -47155804380.24469,
            2556814269.016603,
            -109812172.20462745,
            3725892.076039577,
            -99233.86354703509,
            2056.378756834914,
            -31.831948875954687,
            0.6135543610055973,
            0.08730164359336405,
            0.044761706953179506,
            0.029219331884803933,
            0.028050629245924937,
            0.04986778505003575,
            0.3989422804014327,
        ),
    },
    {
        "float32": (
            -0.5056706070899963,
            0.027521172538399696,
            -0.0482928603887558,
            -0.046467069536447525,
            -0.14960752427577972,
            0.3989422917366028,
        ),
        "float64": (
            -2.7842761344022164e16,
            3.7562387127707304e16,
            -2.3388590363547224e16,
            8912370940732175.0,
            -2324162817422225.0,
            439595928781462.25,
            -62385248714896.99,
            6781582090583.656,
            -571646780694.3125,
            37593050111.351616,
            -1930166198.3927913,
            77016455.54329406,
            -2362308.202097552,
            54593.38286984213,
            -921.3825333109364,
            9.711937654244311,
            -0.3380650120318326,
            -0.11070412945284462,
            -0.05752230515276894,
            -0.040907194652558404,
            -0.046751048395580745,
            -0.14960335515064796,
            0.3989422804014327,
        ),
    },
)


def i0(code: Code, x: Reg) -> Reg:
    """The modified Bessel function of order 0; nan of infinity, as scipy's."""
    half = code.mul(code.abs(x), code.like(x, 0.5))
    square = code.mul(half, half)
    near = code.fma(square, horner(code, square, _NEAR[0][x.dtype]), code.like(x, 1.0))
    return _with_far(code, code.abs(x), near, 0)


def i1(code: Code, x: Reg) -> Reg:
    """The modified Bessel function of order 1; nan of infinity, as scipy's."""
    half = code.mul(code.abs(x), code.like(x, 0.5))
    square = code.mul(half, half)
    near = code.fma(code.mul(half, square), horner(code, square, _NEAR[1][x.dtype]), half)
    value = _with_far(code, code.abs(x), near, 1)
    return code.copysign(value, code.add(x, code.like(x, 0.0)))  # 0 of -0, as scipy's


def _with_far(code: Code, size: Reg, near: Reg, order: int) -> Reg:
    """`near` up to 8, and e**x P(1 / x) / sqrt(x) beyond; for size >= 0."""
    inverse = code.div(code.like(size, 1.0), at_most(code, size, 1000.0))  # e**x is infinite from there on
    factor = code.mul(horner(code, inverse, _FAR[order][size.dtype]), code.sqrt(inverse))
    far = code.select(
        code.lt(size, code.like(size, math.inf)), exp(code, size, None, factor), code.like(size, math.nan)
    )
    return code.select(code.lt(size, code.like(size, 8.0)), near, far)
