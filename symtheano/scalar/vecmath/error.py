"""The error functions.

Near 0 all are made of a polynomial of erf(x) / x in x**2. Beyond, erf is 1 less a polynomial in float32, and less
e**(-x*x) times one of exp(x * x) erfc(x) in q = (x - 3) / (x + 3) in float64. The others have full accuracy by a
polynomial of (1 + 2 x) exp(x * x) erfc(x) in q over the whole half line (an idea of M. Shepherd and J. Laframboise).
"""

from __future__ import annotations

from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.vecmath.bits import at_most, horner, two_product
from symtheano.scalar.vecmath.exponential import exp, exp_not_positive

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
# (1 + 2 x) exp(x**2) erfc(x) in q, for x > 0.48
_SCALED = {
    "float32": (
        2.6348960091127083e-05,
        -0.00063492072513327,
        0.001688012620434165,
        0.00246787560172379,
        -0.023655712604522705,
        0.06831765919923782,
        -0.11930236220359802,
        0.12964491546154022,
        -0.047559529542922974,
        -0.13562113046646118,
        1.2530080080032349,
    ),
    "float64": (
        4.4580565434431386e-09,
        -1.2760302541107826e-08,
        -1.487653589653242e-08,
        5.221703761649989e-08,
        9.233738579988513e-08,
        -1.4742136130218506e-07,
        -6.012473887398726e-07,
        3.5407498423225963e-07,
        3.4616635887020513e-06,
        -7.264782337313963e-07,
        -2.0096393910215175e-05,
        4.94670341088469e-06,
        0.00012509839933177473,
        -0.00010515897803951573,
        -0.0007798321461629401,
        0.0018886902188429637,
        0.002529391807183099,
        -0.023770514905125092,
        0.06830802734425052,
        -0.11927366341596908,
        0.1296451587027591,
        -0.04756229435343806,
        -0.1356211061245812,
        1.2530080582697296,
    ),
}
_NOTHING = {"float32": 10.2, "float64": 27.3}  # erfc is 0 from here on
_HALF = 0.5  # where the polynomials near 0 end


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


def erfc(code: Code, x: Reg) -> Reg:
    """1 - erf(x), small values too."""
    size, zero = code.abs(x), code.like(x, 0.0)
    square, lost = two_product(code, *2 * (at_most(code, size, _NOTHING[x.dtype]),))
    far = code.mul(exp(code, code.neg(square), code.neg(lost)), erfcx_beyond_half(code, size))
    far = code.select(code.lt(x, zero), code.sub(code.like(x, 2.0), far), far)
    return code.select(code.lt(size, code.like(x, _HALF)), _near_one(code, x), far)


def erfcx(code: Code, x: Reg) -> Reg:
    """exp(x * x) * erfc(x), for large x too."""
    size, zero = code.abs(x), code.like(x, 0.0)
    square, lost = two_product(code, *2 * (at_most(code, size, _NOTHING[x.dtype]),))
    grown = exp(code, square, lost)
    far = erfcx_beyond_half(code, size)
    far = code.select(code.lt(x, zero), code.sub(code.add(grown, grown), far), far)
    return code.select(code.lt(size, code.like(x, _HALF)), code.mul(grown, _near_one(code, x)), far)


def _near_one(code: Code, x: Reg) -> Reg:
    """1 - erf(x) for |x| < 1/2."""
    series = horner(code, code.mul(x, x), _NEAR[x.dtype])
    return code.fma(code.neg(x), series, code.sub(code.like(x, 1.0), x))


def erfcx_beyond_half(code: Code, size: Reg) -> Reg:
    """exp(x * x) * erfc(x) for x > 0.48."""
    three, half = code.like(size, 3.0), code.like(size, 0.5)
    ended = at_most(code, size, 1e18)
    q = code.div(code.sub(ended, three), code.add(ended, three))
    return code.div(code.mul(horner(code, q, _SCALED[size.dtype]), half), code.add(size, half))
