"""Bessel functions of orders 0 and 1, and the modified ones.

i0, i1: minimax polynomials in (x / 2)**2 up to 8, and in 1 / x beyond. j0, j1: up to 5 a polynomial in x**2 times the
distances from the first zeros; beyond, amplitude and phase, sqrt(2 / (pi x)) A cos(x - (2 order + 1) pi / 4 + T / x)
with polynomials A and T in 1 / x**2: near the zeros there, digits of the cosine cancel.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from symtheano.scalar.machine import Code, Rare, Reg
from symtheano.scalar.vecmath.bits import at_most, format_of, horner, to_bits
from symtheano.scalar.vecmath.exponential import exp
from symtheano.scalar.vecmath.reduction import huge, huge_float32
from symtheano.scalar.vecmath.trigonometry import LARGEST, minus_multiple, odd, sin_near_0

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
# J0(x) / (z - r**2) / (z - s**2) and J1(x) / x / (z - r**2) / (z - s**2) in z = x**2, with their first zeros r, s
_NEAR_J = (
    {
        "float32": (
            6.2813223216794545e-15,
            -2.018554377467008e-12,
            3.9223710390778876e-10,
            -5.316597295745851e-08,
            4.7842945605225395e-06,
            -0.0002512022329028696,
            0.005674693267792463,
        ),
        "float64": (
            -3.4362658865119453e-28,
            2.4819960635316713e-25,
            -1.4085424349375595e-22,
            6.729006102714966e-20,
            -2.6505270996548833e-17,
            8.413189004766997e-15,
            -2.093121447966502e-12,
            3.935827381312625e-10,
            -5.3178863352846816e-08,
            4.784356140905684e-06,
            -0.0002512023541494351,
            0.005674693325155617,
        ),
    },
    {
        "float32": (
            3.6778829667293803e-16,
            -1.2018450199890313e-13,
            2.559220890763214e-11,
            -3.930062497659037e-09,
            4.085971454514947e-07,
            -2.530479287088383e-05,
            0.0006919228471815586,
        ),
        "float64": (
            -1.0950598599425655e-30,
            7.666293128737957e-27,
            -5.549907464033083e-24,
            2.9218160766561817e-21,
            -1.2574043145800056e-18,
            4.389750234812076e-16,
            -1.212160308828295e-13,
            2.5576334401141016e-11,
            -3.92947105356643e-09,
            4.0859145336492436e-07,
            -2.5304774079730284e-05,
            0.0006919228366408253,
        ),
    },
)
_ZEROS = (
    {
        "float32": (2.404825448989868, 1.0870590460455913e-07, 5.520078110286311),
        "float64": (2.404825557695773, -1.176691651530894e-16, 5.520078110286311),
    },
    {
        "float32": (3.8317060470581055, -7.685059315313556e-08, 7.015586669815619),
        "float64": (3.8317059702075125, -1.5269184090088067e-16, 7.015586669815619),
    },
)  # r in two parts, and s
_AMPLITUDE = (
    {
        "float32": (
            1.9452903270721436,
            -0.45312461256980896,
            0.10253258049488068,
            -0.06249641254544258,
            1.0,
        ),
        "float64": (
            -1.878740213960675e17,
            6.940948541818219e16,
            -1.1853935180056124e16,
            1244141570670616.2,
            -90093719283757.94,
            4800147672803.914,
            -196682036186.60196,
            6443317965.292162,
            -176614537.91224384,
            4328383.0264942935,
            -105113.75939993886,
            2912.0655504058896,
            -106.6852633210926,
            5.848207599196238,
            -0.5428459436941576,
            0.10351562443099287,
            -0.062499999999843826,
            1.0,
        ),
    },
    {
        "float32": (
            -2.7420339584350586,
            0.6886562705039978,
            -0.1920713484287262,
            0.18749527633190155,
            1.0,
        ),
        "float64": (
            2.119069922982721e17,
            -7.831020329017034e16,
            1.3379089076974992e16,
            -1404953350317063.2,
            101814879552820.1,
            -5430611195527.971,
            222889549928.78317,
            -7321631613.904554,
            201606332.39176744,
            -4980536.837265776,
            122670.58119887486,
            -3480.7613211631897,
            132.53684880900326,
            -7.739404454431911,
            0.8052970291211061,
            -0.19335937436400666,
            0.18749999999982542,
            1.0,
        ),
    },
)
_PHASE = (
    {
        "float32": (
            -5.473799705505371,
            1.193511962890625,
            -0.20345070958137512,
            0.06506649404764175,
            -0.12499993294477463,
        ),
        "float64": (
            1.0362378379539489e18,
            -3.929770513956656e17,
            6.90132410705724e16,
            -7461130303770835.0,
            557346568484285.94,
            -30656180730001.32,
            1295794102568.1836,
            -43618124716.48034,
            1215712257.852917,
            -29621808.892188948,
            686658.9818570163,
            -17140.255518326918,
            532.8069803130404,
            -23.46694093088376,
            1.6380503787740757,
            -0.20957029539627478,
            0.06510416665770519,
            -0.1249999999999986,
        ),
    },
    {
        "float32": (
            7.718433856964111,
            -1.7926899194717407,
            0.36287209391593933,
            -0.16401270031929016,
            0.37499991059303284,
        ),
        "float64": (
            -1.1703349585886753e18,
            4.4398695616789466e17,
            -7.800611559513746e16,
            8438254300381850.0,
            -630829497265689.9,
            34735856414854.305,
            -1470577766985.9087,
            49623240554.95201,
            -1388630810.6943855,
            34068273.80184719,
            -799360.8477971031,
            20378.102265596655,
            -656.0184087275288,
            30.614857708999917,
            -2.3693805082416795,
            0.3708984183882488,
            -0.1640624999900059,
            0.37499999999999845,
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


def j0(code: Code, x: Reg) -> Reg:
    """The Bessel function of order 0; nan of infinity, as scipy's."""
    size = code.abs(x)
    value = _oscillating(code, size, _near_j(code, size, 0), 0)
    tiny = code.lt(size, code.like(x, {"float32": 1e-4, "float64": 1e-8}[x.dtype]))
    return code.select(tiny, code.like(x, 1.0), value)


def j1(code: Code, x: Reg) -> Reg:
    """The Bessel function of order 1; nan of infinity, as scipy's."""
    size = code.abs(x)
    value = _oscillating(code, size, code.mul(size, _near_j(code, size, 1)), 1)
    return code.mul(value, code.copysign(code.like(x, 1.0), x))


def _near_j(code: Code, size: Reg, order: int) -> Reg:
    """J0(x), or J1(x) / x, up to 5."""
    z = code.mul(size, size)
    first, low, second = _ZEROS[order][size.dtype]
    distance = code.sub(code.sub(size, code.like(size, first)), code.like(size, low))
    first_factor = code.mul(distance, code.add(size, code.like(size, first)))
    second_factor = code.sub(z, code.like(size, second * second))
    return code.mul(code.mul(first_factor, second_factor), horner(code, z, _NEAR_J[order][size.dtype]))


def _oscillating(code: Code, size: Reg, near: Reg, order: int) -> Reg:
    """`near` up to 5, and the wave beyond."""
    form = format_of(size)
    amplitude, phase = _wave(code, size, order)
    # x + phase = (n + 1/2 + (2 order + 1) / 4) pi + d, and the cosine of the rest is the sine of d with a sign.
    shift = 0.75 + 0.5 * order
    shifter = code.like(size, form.shifter)
    turns = code.fma(code.add(size, phase), code.like(size, 1 / math.pi), code.like(size, -shift))
    shifted = code.add(turns, shifter)
    n = code.add(code.sub(shifted, shifter), code.like(size, shift))
    d = code.add(minus_multiple(code, size, n, 1.0), phase)
    far = code.mul(amplitude, sin_near_0(code, odd(code, code.neg(d), to_bits(code, shifted))))
    value = code.select(code.lt(size, code.like(size, 5.0)), near, far)
    return code.rare(code.gt(size, code.like(size, LARGEST[size.dtype])), value, _HUGE[order], size)


def _wave(code: Code, size: Reg, order: int) -> tuple[Reg, Reg]:
    """The amplitude, and the phase beyond x - (2 order + 1) pi / 4; for size >= 5."""
    inverse = code.div(code.like(size, 1.0), size)
    square = code.mul(inverse, inverse)
    root = code.sqrt(code.mul(inverse, code.like(size, 2 / math.pi)))
    phase = code.mul(inverse, horner(code, square, _PHASE[order][size.dtype]))
    return code.mul(root, horner(code, square, _AMPLITUDE[order][size.dtype])), phase


def _huge_wave(order: int) -> Callable[[Code, Reg], Reg]:
    shift = 0.75 + 0.5 * order

    def build(code: Code, size: Reg) -> Reg:
        amplitude, phase = _wave(code, size, order)
        if size.dtype == "float32":
            n, angle = huge_float32(code, code.convert(size, dtype="float64"), shift, 1.0)
        else:
            n, angle, _ = huge(code, size, shift, 1.0)
        sine = sin_near_0(code, odd(code, code.neg(code.add(angle, code.convert(phase, dtype="float64"))), n))
        value = code.mul(amplitude, code.convert(sine, dtype=size.dtype))
        return code.select(code.lt(size, code.like(size, math.inf)), value, code.like(size, math.nan))

    return build


_HUGE = (Rare("j0", _huge_wave(0)), Rare("j1", _huge_wave(1)))
