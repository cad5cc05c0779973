"""erfinv and erfcinv: polynomials in w = -log(1 - y * y) near the middle (an idea of M. Giles), Newton in the tails.

In the tails, out of line, log(erfc(t)) = log(p) is solved for t, p being the distance of y from 1 or of x from 0.
"""

from __future__ import annotations

import math

from symtheano.scalar.machine import Code, Rare, Reg
from symtheano.scalar.vecmath.bits import horner, two_product
from symtheano.scalar.vecmath.error import erfcx_beyond_half
from symtheano.scalar.vecmath.logarithm import log

_EDGE = {"float32": 5.0, "float64": 6.25}  # of w
# erfinv(y) / y in w - _EDGE / 2
_MIDDLE = {
    "float32": (
        -8.467774925691174e-09,
        2.6222590321367534e-08,
        4.622962990197266e-07,
        -3.5023649616050534e-06,
        -4.949884896632284e-06,
        0.000218512665014714,
        -0.0012527521466836333,
        -0.0041776238940656185,
        0.24664027988910675,
        1.5014094114303589,
    ),
    "float64": (
        3.371757007365076e-21,
        -1.042263262574527e-21,
        -3.574149209852143e-19,
        1.1460383642179093e-18,
        1.575873759877188e-17,
        -1.3007298552815317e-16,
        -4.2883774187119764e-17,
        6.595090769136095e-15,
        -3.99893202007507e-14,
        -8.117278763912057e-14,
        2.6303501505785067e-12,
        -1.2976946995638241e-11,
        -5.414236617398924e-11,
        1.051218371708032e-09,
        -4.112662053997176e-09,
        -2.9070382748272318e-08,
        4.2347881922087833e-07,
        -1.365469184418164e-06,
        -1.3882523395938181e-05,
        0.00018673420802419653,
        -0.0007407025341538863,
        -0.0060336708714277135,
        0.24015818242558826,
        1.6536545626831027,
    ),
}
# erfinv(1 - p) / (1 - p) in q = (s - 5) / (s + 5), s = sqrt(w): to 16 bits
_TAIL = (
    273.47053027142636,
    -197.70464314381084,
    -67.99452136324689,
    104.00555065981911,
    11.565120897425798,
    -2.7149510845830225,
    10.090576403555481,
    10.979668270102602,
    9.849745630089293,
    10.07077452791895,
    10.102958769823237,
    4.849972885291898,
)


def erfinv(code: Code, x: Reg) -> Reg:
    """The inverse of erf; nan beyond 1."""
    one = code.like(x, 1.0)
    w = code.neg(log(code, code.mul(code.sub(one, x), code.add(one, x))))
    return _inverse(code, code.add(x, code.like(x, 0.0)), w, code.sub(one, code.abs(x)))  # 0 of -0, as scipy's


def erfcinv(code: Code, x: Reg) -> Reg:
    """The inverse of erfc; nan below 0 and beyond 2."""
    rest = code.sub(code.like(x, 2.0), x)
    w = code.neg(log(code, code.mul(x, rest)))
    y = code.neg(code.sub(x, code.like(x, 1.0)))  # -0 of 1, as scipy's
    return _inverse(code, y, w, code.select(code.lt(x, rest), x, rest))


def _inverse(code: Code, y: Reg, w: Reg, tail: Reg) -> Reg:
    """erfinv(y), given w = -log(1 - y * y) and tail = 1 - |y|."""
    edge = _EDGE[y.dtype]
    middle = code.mul(y, horner(code, code.sub(w, code.like(w, edge / 2)), _MIDDLE[y.dtype]))
    return code.rare(code.gt(w, code.like(w, edge)), middle, _FAR, y, tail)


def _far(code: Code, y: Reg, tail: Reg) -> Reg:
    p = code.convert(tail, dtype="float64")
    log_p = log(code, p)
    w = code.sub(code.mul(p, code.like(p, 0.5)), code.add(log_p, code.like(p, math.log(2.0))))
    s, five = code.sqrt(w), code.like(p, 5.0)
    q = code.div(code.sub(s, five), code.add(s, five))
    t = code.mul(horner(code, q, _TAIL), code.sub(code.like(p, 1.0), p))
    for _ in range(2):
        scaled = erfcx_beyond_half(code, t)
        square, lost = two_product(code, t, t)
        lack = code.sub(code.add(code.add(square, log_p), lost), log(code, scaled))
        t = code.fma(code.mul(lack, scaled), code.like(p, -math.sqrt(math.pi) / 2), t)
    t = code.select(code.eq(p, code.like(p, 0.0)), code.like(p, math.inf), t)
    return code.copysign(code.convert(t, dtype=y.dtype), y)


_FAR = Rare("erfinv", _far)
