"""Elementary functions: exponentials, logarithms, trigonometry, and the activations made of them.

Formulas: any table of derivatives (Abramowitz and Stegun, chapter 4). Where the value itself gives a cheaper
derivative (`tanh`, `exp`, `sigmoid`), the partial uses `z`.
"""

from __future__ import annotations

import math
from typing import Any

from symtheano.scalar.op import INF, number, op, out_float

_LN2 = math.log(2.0)
_LN10 = math.log(10.0)
_RADIAN = math.pi / 180.0

# ----- Exponentials and logarithms -----

op(
    "exp",
    doc="e ** x",
    out=out_float,
    numpy="exp",
    partials=lambda m, x, z: (z,),
    monotone=+1,
    inverse="log",
    range=(0.0, INF),
    complex=True,
)
op(
    "exp2",
    doc="2 ** x",
    out=out_float,
    numpy="exp2",
    partials=lambda m, x, z: (z * number(m, _LN2, x),),
    monotone=+1,
    inverse="log2",
    range=(0.0, INF),
    complex=True,
    sympy=lambda k, x: 2**x,
    mpmath=lambda k, x: k.power(2, x),
)
op(
    "expm1",
    doc="e ** x - 1, accurate near 0",
    out=out_float,
    numpy="expm1",
    partials=lambda m, x, z: (m.exp(x),),
    monotone=+1,
    inverse="log1p",
    range=(-1.0, INF),
    complex=True,
    sympy=lambda k, x: k.exp(x) - 1,
)
op(
    "log",
    doc="the natural logarithm",
    out=out_float,
    numpy="log",
    partials=lambda m, x, z: (m.inv(x),),
    domain=((0.01, 5.0),),
    monotone=+1,
    inverse="exp",
    complex=True,
)
op(
    "log2",
    doc="the logarithm to base 2",
    out=out_float,
    numpy="log2",
    partials=lambda m, x, z: (m.inv(x * number(m, _LN2, x)),),
    domain=((0.01, 5.0),),
    monotone=+1,
    inverse="exp2",
    complex=True,
    sympy=lambda k, x: k.log(x, 2),
    mpmath=lambda k, x: k.log(x, 2),
)
op(
    "log10",
    doc="the logarithm to base 10",
    out=out_float,
    numpy="log10",
    partials=lambda m, x, z: (m.inv(x * number(m, _LN10, x)),),
    domain=((0.01, 5.0),),
    monotone=+1,
    complex=True,
    sympy=lambda k, x: k.log(x, 10),
)
op(
    "log1p",
    doc="log(1 + x), accurate near 0",
    out=out_float,
    numpy="log1p",
    partials=lambda m, x, z: (m.inv(1 + x),),
    domain=((-0.5, 3.0),),
    monotone=+1,
    inverse="expm1",
    complex=True,
    sympy=lambda k, x: k.log(1 + x),
)
op(
    "log1mexp",
    doc="log(1 - e ** x) for x < 0, accurate near 0 and near -inf",
    out=out_float,
    # Maechler, "Accurately computing log(1 - exp(-|a|))" (2012), equation 7.
    value=lambda m, x: m.switch(m.gt(x, number(m, -_LN2, x)), m.log(-m.expm1(x)), m.log1p(-m.exp(x))),
    partials=lambda m, x, z: (-m.inv(m.expm1(-x)),),
    domain=((-4.0, -0.01),),
    monotone=-1,
    inverse="log1mexp",
    range=(-INF, 0.0),
    sympy=lambda k, x: k.log(1 - k.exp(x)),
    mpmath=lambda k, x: k.log(-k.expm1(x)),
)
op(
    "logaddexp",
    doc="log(e ** x + e ** y) without overflow",
    arity=2,
    out=out_float,
    # Equal operands go apart, so that (inf, inf) and (-inf, -inf) do not become inf - inf.
    value=lambda m, x, y: m.switch(
        m.eq(x, y), x + number(m, _LN2, x), m.maximum(x, y) + m.log1p(m.exp(-m.abs_(x - y)))
    ),
    partials=lambda m, x, y, z: (m.sigmoid(x - y), m.sigmoid(y - x)),
    commutative=True,
    associative=True,
    identity=-INF,
    sympy=lambda k, x, y: k.log(k.exp(x) + k.exp(y)),
    mpmath=lambda k, x, y: k.log(k.exp(x) + k.exp(y)),
)

# ----- Trigonometry -----

op(
    "sin",
    doc="the sine",
    out=out_float,
    numpy="sin",
    partials=lambda m, x, z: (m.cos(x),),
    domain=((-6.0, 6.0),),
    inverse="arcsin",
    parity=-1,
    range=(-1.0, 1.0),
    complex=True,
)
op(
    "cos",
    doc="the cosine",
    out=out_float,
    numpy="cos",
    partials=lambda m, x, z: (-m.sin(x),),
    domain=((-6.0, 6.0),),
    inverse="arccos",
    parity=+1,
    range=(-1.0, 1.0),
    complex=True,
)
op(
    "tan",
    doc="the tangent",
    out=out_float,
    numpy="tan",
    partials=lambda m, x, z: (1 + z * z,),
    domain=((-1.4, 1.4),),
    inverse="arctan",
    parity=-1,
    complex=True,
)
op(
    "arcsin",
    doc="the inverse of sin",
    out=out_float,
    numpy="arcsin",
    partials=lambda m, x, z: (m.inv(m.sqrt(1 - x * x)),),
    domain=((-0.95, 0.95),),
    monotone=+1,
    parity=-1,
    range=(-math.pi / 2, math.pi / 2),
    complex=True,
    sympy="asin",
    mpmath="asin",
)
op(
    "arccos",
    doc="the inverse of cos",
    out=out_float,
    numpy="arccos",
    partials=lambda m, x, z: (-m.inv(m.sqrt(1 - x * x)),),
    domain=((-0.95, 0.95),),
    monotone=-1,
    range=(0.0, math.pi),
    complex=True,
    sympy="acos",
    mpmath="acos",
)
op(
    "arctan",
    doc="the inverse of tan",
    out=out_float,
    numpy="arctan",
    partials=lambda m, x, z: (m.inv(1 + x * x),),
    domain=((-5.0, 5.0),),
    monotone=+1,
    parity=-1,
    range=(-math.pi / 2, math.pi / 2),
    complex=True,
    sympy="atan",
    mpmath="atan",
)


def _arctan2_partials(m: Any, y: Any, x: Any, z: Any) -> tuple[Any, Any]:
    radius = x * x + y * y
    return x / radius, -(y / radius)


op(
    "arctan2",
    doc="the angle of the point (second argument, first argument)",
    arity=2,
    out=out_float,
    numpy="arctan2",
    partials=_arctan2_partials,
    domain=((-3.0, 3.0), (0.1, 3.0)),
    range=(-math.pi, math.pi),
    sympy="atan2",
    mpmath="atan2",
)
op(
    "deg2rad",
    doc="degrees to radians",
    out=out_float,
    numpy="deg2rad",
    partials=lambda m, x, z: (number(m, _RADIAN, x),),
    domain=((-360.0, 360.0),),
    monotone=+1,
    parity=-1,
    inverse="rad2deg",
    sympy=lambda k, x: x * k.pi / 180,
    mpmath="radians",
)
op(
    "rad2deg",
    doc="radians to degrees",
    out=out_float,
    numpy="rad2deg",
    partials=lambda m, x, z: (number(m, 1 / _RADIAN, x),),
    domain=((-6.0, 6.0),),
    monotone=+1,
    parity=-1,
    inverse="deg2rad",
    sympy=lambda k, x: x * 180 / k.pi,
    mpmath="degrees",
)

# ----- Hyperbolic functions -----

op(
    "sinh",
    doc="the hyperbolic sine",
    out=out_float,
    numpy="sinh",
    partials=lambda m, x, z: (m.cosh(x),),
    monotone=+1,
    inverse="arcsinh",
    parity=-1,
    complex=True,
)
op(
    "cosh",
    doc="the hyperbolic cosine",
    out=out_float,
    numpy="cosh",
    partials=lambda m, x, z: (m.sinh(x),),
    inverse="arccosh",
    parity=+1,
    range=(1.0, INF),
    complex=True,
)
op(
    "tanh",
    doc="the hyperbolic tangent",
    out=out_float,
    numpy="tanh",
    partials=lambda m, x, z: (1 - z * z,),
    domain=((-3.0, 3.0),),
    monotone=+1,
    inverse="arctanh",
    parity=-1,
    range=(-1.0, 1.0),
    complex=True,
)
op(
    "arcsinh",
    doc="the inverse of sinh",
    out=out_float,
    numpy="arcsinh",
    partials=lambda m, x, z: (m.inv(m.sqrt(x * x + 1)),),
    domain=((-5.0, 5.0),),
    monotone=+1,
    parity=-1,
    inverse="sinh",
    complex=True,
    sympy="asinh",
    mpmath="asinh",
)
op(
    "arccosh",
    doc="the inverse of cosh",
    out=out_float,
    numpy="arccosh",
    partials=lambda m, x, z: (m.inv(m.sqrt(x * x - 1)),),
    domain=((1.1, 5.0),),
    monotone=+1,
    range=(0.0, INF),
    complex=True,
    sympy="acosh",
    mpmath="acosh",
)
op(
    "arctanh",
    doc="the inverse of tanh",
    out=out_float,
    numpy="arctanh",
    partials=lambda m, x, z: (m.inv(1 - x * x),),
    domain=((-0.95, 0.95),),
    monotone=+1,
    parity=-1,
    inverse="tanh",
    complex=True,
    sympy="atanh",
    mpmath="atanh",
)

# ----- Activations -----

op(
    "sigmoid",
    doc="1 / (1 + e ** -x)",
    out=out_float,
    value=lambda m, x: m.inv(1 + m.exp(-x)),
    partials=lambda m, x, z: (z * (1 - z),),
    domain=((-5.0, 5.0),),
    monotone=+1,
    range=(0.0, 1.0),
    sympy=lambda k, x: 1 / (1 + k.exp(-x)),
    mpmath=lambda k, x: 1 / (1 + k.exp(-x)),
)
op(
    "softplus",
    doc="log(1 + e ** x), without overflow",
    out=out_float,
    value=lambda m, x: m.maximum(x, 0) + m.log1p(m.exp(-m.abs_(x))),
    partials=lambda m, x, z: (m.sigmoid(x),),
    domain=((-5.0, 5.0),),
    monotone=+1,
    range=(0.0, INF),
    sympy=lambda k, x: k.log(1 + k.exp(x)),
    mpmath=lambda k, x: k.log1p(k.exp(x)),
)
op(
    "hard_sigmoid",
    doc="clip(x / 5 + 1 / 2, 0, 1)",
    out=out_float,
    value=lambda m, x: m.clip(x * number(m, 0.2, x) + 0.5, 0, 1),
    partials=lambda m, x, z: (m.switch(m.gt(m.abs_(x), 2.5), 0, number(m, 0.2, x)),),
    domain=((-4.0, 4.0),),
    monotone=+1,
    range=(0.0, 1.0),
    sympy=lambda k, x: k.Max(0, k.Min(1, x / 5 + k.Rational(1, 2))),
    mpmath=lambda k, x: max(k.mpf(0), min(k.mpf(1), x / 5 + k.mpf(0.5))),
)

op(
    "relu",
    doc="max(x, 0); the derivative at 0 is 1/2, as Theano's",
    out=out_float,
    value=lambda m, x: m.maximum(x, 0),
    partials=lambda m, x, z: (0.5 * (1 + m.sgn(x)),),
    idempotent=True,
    monotone=+1,
    range=(0.0, INF),
    sympy=lambda k, x: k.Max(x, 0),
    mpmath=lambda k, x: max(x, k.mpf(0)),
)
op(
    "leaky_relu",
    doc="x where x is positive, else alpha * x; the derivative at 0 is the mean of both",
    arity=2,
    out=out_float,
    value=lambda m, x, alpha: m.switch(m.gt(x, 0), x, alpha * x),
    partials=lambda m, x, alpha, z: (0.5 * ((1 + alpha) + (1 - alpha) * m.sgn(x)), m.minimum(x, 0)),
    domain=((-2.0, 2.0), (0.05, 0.5)),
    sympy=lambda k, x, alpha: k.Piecewise((x, x > 0), (alpha * x, True)),
    mpmath=lambda k, x, alpha: x if x > 0 else alpha * x,
)

# Theano's ultra_fast_sigmoid: with a = |x| / 2, (1 + sgn(x) g(a)) / 2 and g a hyperbola, a line, then a constant.
_UFS_LINE = (0.935409070603099, 0.0458812946797165)
_UFS_TOP = 0.99505475368673


def _ultra_fast_sigmoid(m: Any, x: Any) -> Any:
    a = 0.5 * m.abs_(x)
    line = number(m, _UFS_LINE[0], x) + number(m, _UFS_LINE[1], x) * (a - number(m, 1.7, x))
    tail = m.switch(m.ge(a, 3), number(m, _UFS_TOP, x), line)
    half = m.switch(m.ge(a, number(m, 1.7, x)), tail, 1.5 * a / (1 + a))
    return 0.5 * (1 + m.switch(m.lt(x, 0), -half, half))


def _ultra_fast_sigmoid_partials(m: Any, x: Any, z: Any) -> tuple[Any]:
    a = 0.5 * m.abs_(x)
    tail = m.switch(m.ge(a, 3), 0, number(m, _UFS_LINE[1], x))
    return (0.25 * m.switch(m.ge(a, number(m, 1.7, x)), tail, 1.5 / m.sqr(1 + a)),)


def _ultra_fast_sigmoid_oracle(k: Any, x: Any) -> Any:
    a = abs(x) / 2
    line = k.mpf(_UFS_LINE[0]) + k.mpf(_UFS_LINE[1]) * (a - k.mpf("1.7"))
    half = k.mpf("1.5") * a / (1 + a) if a < k.mpf("1.7") else line if a < 3 else k.mpf(_UFS_TOP)
    return (1 + k.sign(x) * half) / 2


op(
    "ultra_fast_sigmoid",
    doc="a piecewise approximation of sigmoid, off by at most 0.03",
    out=out_float,
    value=_ultra_fast_sigmoid,
    partials=_ultra_fast_sigmoid_partials,
    domain=((-8.0, 8.0),),
    range=(0.0, 1.0),
    sympy=None,
    mpmath=_ultra_fast_sigmoid_oracle,
    no_oracle="a fit, defined by its coefficients",
)

# ----- Losses -----

op(
    "sigmoid_binary_crossentropy",
    doc="-(t * log(sigmoid(x)) + (1 - t) * log(1 - sigmoid(x))) of x and t, without overflow or cancellation",
    arity=2,
    out=out_float,
    value=lambda m, x, t: x * (m.switch(m.gt(x, 0), 1, 0) - t) + m.log1p(m.exp(-m.abs_(x))),
    partials=lambda m, x, t, z: (m.sigmoid(x) - t, -x),
    domain=((-5.0, 5.0), (0.0, 1.0)),
    sympy=lambda k, x, t: k.log(1 + k.exp(x)) - x * t,
    mpmath=lambda k, x, t: k.log1p(k.exp(x)) - x * t,
)
