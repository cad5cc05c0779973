"""The error functions.

erf: near 0 a polynomial in x**2; beyond, in float32 a polynomial of 1 - erf, in float64 e**(-x*x) times one of
exp(x * x) erfc(x) in q = (x - 3) / (x + 3).
"""

from __future__ import annotations

from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.vecmath.bits import at_most, horner
from symtheano.scalar.vecmath.exponential import exp_not_positive

# erf(x) / x - 1 in x**2, and where it ends
_NEAR = {
    "float32": (
        7.538463250966743e-05,
        -0.000791964353993535,
        0.005178721155971289,
        -0.026849230751395226,
        0.11283491551876068,
        -0.3761261999607086,
        0.12837916612625122,
    ),
    "float64": (
        -7.762630710921992e-10,
        1.3701336936971575e-08,
        -1.6203913463546595e-07,
        1.6446791225167157e-06,
        -1.4924682024873316e-05,
        0.00012055291822846117,
        -0.0008548325862819088,
        0.005223977604503996,
        -0.026866170642873107,
        0.11283791670942248,
        -0.3761263890318345,
        0.12837916709551256,
    ),
}
_EDGE = {"float32": 1.05, "float64": 1.0}
_ONE_FROM = {"float32": 3.895, "float64": 6.0}  # where the value rounds to 1
_CENTRE = 2.5
_FAR_F32 = (
    9.233333003066946e-06,
    -2.1043395463493653e-05,
    -6.254207983147353e-05,
    0.000278957566479221,
    -0.00028504920192062855,
    -0.0005705756484530866,
    0.0028167215641587973,
    -0.006102986168116331,
    0.008615932427346706,
    -0.00835335161536932,
    0.0054465713910758495,
    -0.0021780692040920258,
    0.0004069326678290963,
)  # 1 - erf(x) in x - _CENTRE
_FAR_F64 = (
    1.5590683585146806e-05,
    0.00010410813211443417,
    7.78962839195997e-05,
    -0.0005799804427494158,
    0.0007136896606539088,
    0.004270507097193416,
    -0.024392298809173724,
    0.07166585340824481,
    -0.15011593616836713,
    0.24560380166331502,
    -0.3262335600463866,
    0.179001151181342,
)


def erf(code: Code, x: Reg) -> Reg:
    """The error function; 1 where it is nearer to 1 than to the next smaller number."""
    size = code.abs(x)
    square = code.mul(x, x)
    near = code.fma(x, horner(code, square, _NEAR[x.dtype]), x)
    far_size = at_most(code, size, _ONE_FROM[x.dtype])
    if x.dtype == "float32":
        lack = horner(code, code.sub(far_size, code.like(x, _CENTRE)), _FAR_F32)
    else:
        three = code.like(x, 3.0)
        q = code.div(code.sub(far_size, three), code.add(far_size, three))
        lack = code.mul(exp_not_positive(code, code.neg(code.mul(far_size, far_size))), horner(code, q, _FAR_F64))
    far = code.copysign(code.sub(code.like(x, 1.0), lack), x)
    return code.select(code.lt(size, code.like(x, _EDGE[x.dtype])), near, far)
