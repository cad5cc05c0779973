"""tanh, sigmoid, softplus."""

from __future__ import annotations

from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.vecmath.bits import at_most, horner
from symtheano.scalar.vecmath.exponential import exp_not_positive, expm1_not_negative

# log1p(e) / e for 0 <= e <= 1, and (log1p(e) - 2 s) / s**3 in s**2 with s = e / (2 + e).
_LOG1P_F32 = (
    0.0020787117537111044,
    -0.013663148507475853,
    0.04205584153532982,
    -0.08317192643880844,
    0.1247498020529747,
    -0.16133296489715576,
    0.19899170100688934,
    -0.24988806247711182,
    0.33332711458206177,
    -0.49999988079071045,
    1.0,
)
_LOG1P_F64 = (
    0.1640668592909889,
    0.07032885336367761,
    0.10961938676996426,
    0.11717612435592764,
    0.1333664330962598,
    0.15384462234490434,
    0.18181822778594559,
    0.22222222136528383,
    0.2857142857233882,
    0.3999999999999536,
    0.6666666666666667,
)


def tanh(code: Code, x: Reg) -> Reg:
    """The hyperbolic tangent, (e**2x - 1) / (e**2x + 1)."""
    size = at_most(code, code.abs(x), {"float32": 10.0, "float64": 20.0}[x.dtype])  # 1 from there on
    grown, two = expm1_not_negative(code, code.add(size, size)), code.like(x, 2.0)
    below = code.add(grown, two)
    value = code.div(grown, below)
    if x.dtype == "float64":
        # What the sum `below` lost, times the derivative of the quotient, as 1 / below = (1 - value) / 2.
        lost = code.mul(code.sub(grown, code.sub(below, two)), code.like(x, 0.5))
        value = code.fma(code.neg(value), code.mul(lost, code.sub(code.like(x, 1.0), value)), value)
        value = at_most(code, value, 1.0)
    return code.copysign(value, x)


def sigmoid(code: Code, x: Reg) -> Reg:
    """1 / (1 + e**-x), by e**-|x|: small values keep all their digits, denormals too."""
    small = exp_not_positive(code, code.neg(code.abs(x)))
    one = code.like(x, 1.0)
    return code.div(code.select(code.lt(x, code.like(x, 0.0)), small, one), code.add(small, one))


def softplus(code: Code, x: Reg) -> Reg:
    """log(1 + e**x), as max(x, 0) + log1p(e**-|x|)."""
    zero = code.like(x, 0.0)
    small = exp_not_positive(code, code.neg(code.abs(x)))
    positive = code.select(code.lt(x, zero), zero, x)
    if x.dtype == "float32":
        return code.fma(small, horner(code, small, _LOG1P_F32), positive)
    s = code.div(small, code.add(small, code.like(x, 2.0)))
    z = code.mul(s, s)
    # 2 s + s**3 P = e - s (e - s**2 P), since 2 s = e - s e
    rest = code.mul(s, code.sub(small, code.mul(z, horner(code, z, _LOG1P_F64))))
    return code.add(positive, code.sub(small, rest))
