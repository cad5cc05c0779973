"""Arithmetic, rounding and complex parts.

Ties and singular points are Theano's: maximum(x, x) gives its whole gradient to the first argument, clip passes it
on both bounds, abs'(0) = 0, sqrt'(0) = inf. A partial that is an indicator is a `switch`, never a product with a
comparison, so that a rule can sink the incoming gradient into it and 0 * inf does not arise.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

from symtheano.scalar.op import (
    INF,
    op,
    out_float,
    out_float64,
    out_make_complex,
    out_real_part,
    out_same,
    out_same_float,
    out_same_min8,
    out_true_div,
    out_upcast,
    out_upcast_min8,
    out_upcast_not_bool,
)


def _product(factors: Any) -> Any:
    return reduce(lambda left, right: left * right, factors)


def _mul_partials(m: Any, *args: Any) -> tuple[Any, ...]:
    # Products of the others, from running products of both sides: linear in the number of factors, no division.
    xs = args[:-1]
    if len(xs) == 1:
        return (1,)
    before, after = [xs[0]], [xs[-1]]
    for left, right in zip(xs[1:-1], xs[-2:0:-1], strict=True):
        before.append(before[-1] * left)
        after.append(right * after[-1])
    after.reverse()
    inner = tuple(before[i] * after[i + 1] for i in range(len(xs) - 2))
    return (after[0], *inner, before[-1])


# ----- Arithmetic -----

op(
    "add",
    doc="x + y + ...",
    arity=None,
    out=out_upcast,
    numpy="add",
    partials=lambda m, *args: (1,) * (len(args) - 1),
    commutative=True,
    associative=True,
    identity=0,
    complex=True,
    sympy=lambda k, *xs: k.Add(*xs),
    mpmath=lambda k, *xs: sum(xs),
)
op(
    "mul",
    doc="x * y * ...",
    arity=None,
    out=out_upcast,
    numpy="multiply",
    partials=_mul_partials,
    commutative=True,
    associative=True,
    identity=1,
    absorbing=0,
    complex=True,
    sympy=lambda k, *xs: k.Mul(*xs),
    mpmath=lambda k, *xs: _product(xs),
)
op(
    "sub",
    doc="x - y",
    arity=2,
    out=out_upcast_not_bool,
    numpy="subtract",
    partials=lambda m, x, y, z: (1, -1),
    complex=True,
    sympy=lambda k, x, y: x - y,
    mpmath=lambda k, x, y: x - y,
)
op(
    "true_div",
    doc="x / y; integers over integers give floatX",
    arity=2,
    out=out_true_div,
    numpy="true_divide",
    reads="division",
    partials=lambda m, x, y, z: (m.inv(y), -z / y),
    domain=((-2.0, 2.0), (0.5, 3.0)),
    complex=True,
    sympy=lambda k, x, y: x / y,
    mpmath=lambda k, x, y: x / y,
)
op(
    "int_div",
    doc="floor(x / y); an integer over 0 is 0",
    arity=2,
    out=out_upcast,
    numpy="floor_divide",
    domain=((-5.0, 5.0), (0.5, 3.0)),
    sympy=lambda k, x, y: k.floor(x / y),
    mpmath=lambda k, x, y: k.floor(x / y),
)
op(
    "mod",
    doc="x - y * floor(x / y): the sign of y, as Python's %",
    arity=2,
    out=out_upcast,
    numpy="remainder",
    partials=lambda m, x, y, z: (1, -m.int_div(x, y)),
    domain=((-5.0, 5.0), (0.5, 3.0)),
    sympy=lambda k, x, y: x - y * k.floor(x / y),
    mpmath=lambda k, x, y: x - y * k.floor(x / y),
)


def _pow_partials(m: Any, x: Any, y: Any, z: Any) -> tuple[Any, Any]:
    # x ** 0 is constant, also at x = 0 where 0 * 0 ** -1 would be nan. Towards x = 0, x ** y * log(x) -> 0 (y > 0).
    wrt_base = m.switch(m.eq(y, 0), 0, y * m.pow(x, y - 1))
    wrt_exponent = m.switch(m.eq(x, 0), 0, z * m.log(x))
    return wrt_base, wrt_exponent


op(
    "pow",
    doc="x ** y; int32 ** 2 stays int32",
    arity=2,
    out=out_upcast_min8,
    numpy="power",
    partials=_pow_partials,
    domain=((0.1, 3.0), (-2.0, 2.0)),
    complex=True,
    sympy="Pow",
    mpmath="power",
)
op(
    "neg",
    doc="-x",
    out=out_upcast_not_bool,
    numpy="negative",
    partials=lambda m, x, z: (-1,),
    monotone=-1,
    parity=-1,
    inverse="neg",
    complex=True,
    sympy=lambda k, x: -x,
    mpmath=lambda k, x: -x,
)
op(
    "inv",
    doc="1 / x",
    out=out_float,
    numpy="reciprocal",
    partials=lambda m, x, z: (-z * z,),
    domain=((0.1, 3.0),),
    parity=-1,
    inverse="inv",
    complex=True,
    sympy=lambda k, x: 1 / x,
    mpmath=lambda k, x: 1 / x,
)
op(
    "sqr",
    doc="x * x",
    out=out_same,
    numpy="square",
    partials=lambda m, x, z: (2 * x,),
    parity=+1,
    inverse="sqrt",
    range=(0.0, INF),
    complex=True,
    sympy=lambda k, x: x**2,
    mpmath=lambda k, x: x * x,
)
op(
    "sqrt",
    doc="the square root",
    out=out_float,
    numpy="sqrt",
    partials=lambda m, x, z: (0.5 / z,),
    domain=((0.01, 4.0),),
    monotone=+1,
    range=(0.0, INF),
    complex=True,
)
op(
    "abs_",
    doc="|x|; real also of complex x",
    out=out_real_part,
    numpy="absolute",
    reads="own",
    partials=lambda m, x, z: (m.sgn(x),),
    # d|x| = Re(conj(x) dx) / |x|; 0 at the origin, as for the reals.
    adjoint=lambda m, x, z, gz: (m.switch(m.eq(z, 0), 0, gz * x / z),),
    tangent=lambda m, x, z, t: m.switch(m.eq(z, 0), 0, m.real(m.conj(x) * t) / z),
    idempotent=True,
    parity=+1,
    range=(0.0, INF),
    complex=True,
    sympy="Abs",
    mpmath="fabs",
)
op(
    "sgn",
    doc="-1, 0 or 1",
    out=out_same,
    numpy="sign",
    reads="number",
    idempotent=True,
    monotone=+1,
    parity=-1,
    range=(-1.0, 1.0),
    sympy="sign",
    mpmath="sign",
)
op(
    "maximum",
    doc="the larger of x and y; nan if either is nan",
    arity=2,
    out=out_upcast,
    numpy="maximum",
    partials=lambda m, x, y, z: (m.switch(m.eq(z, x), 1, 0), m.switch(m.eq(z, x), 0, 1)),
    commutative=True,
    associative=True,
    idempotent=True,
    identity=-INF,
    absorbing=INF,
    sympy="Max",
    mpmath=lambda k, x, y: max(x, y),
)
op(
    "minimum",
    doc="the smaller of x and y; nan if either is nan",
    arity=2,
    out=out_upcast,
    numpy="minimum",
    partials=lambda m, x, y, z: (m.switch(m.eq(z, x), 1, 0), m.switch(m.eq(z, x), 0, 1)),
    commutative=True,
    associative=True,
    idempotent=True,
    identity=INF,
    absorbing=-INF,
    sympy="Min",
    mpmath=lambda k, x, y: min(x, y),
)
op(
    "clip",
    doc="x, but at least lo and at most hi; lo wins where lo > hi and x < lo",
    arity=3,
    out=out_upcast,
    value=lambda m, x, lo, hi: m.switch(m.lt(x, lo), lo, m.switch(m.gt(x, hi), hi, x)),
    partials=lambda m, x, lo, hi, z: (
        m.switch(m.lt(x, lo), 0, m.switch(m.gt(x, hi), 0, 1)),
        m.switch(m.lt(x, lo), 1, 0),
        m.switch(m.gt(x, hi), 1, 0),
    ),
    domain=((-3.0, 3.0), (-1.5, -0.5), (0.5, 1.5)),
    sympy=lambda k, x, lo, hi: k.Piecewise((lo, x < lo), (hi, x > hi), (x, True)),
    mpmath=lambda k, x, lo, hi: lo if x < lo else hi if x > hi else x,
)

# ----- Rounding -----

op(
    "floor",
    doc="the largest integer not above x",
    out=out_float,
    numpy="floor",
    idempotent=True,
    monotone=+1,
    domain=((-5.0, 5.0),),
)
op(
    "ceil",
    doc="the smallest integer not below x",
    out=out_float,
    numpy="ceil",
    idempotent=True,
    monotone=+1,
    domain=((-5.0, 5.0),),
    sympy="ceiling",
)
op(
    "trunc",
    doc="the integer part, towards zero",
    out=out_float,
    numpy="trunc",
    idempotent=True,
    monotone=+1,
    parity=-1,
    domain=((-5.0, 5.0),),
    sympy=lambda k, x: k.sign(x) * k.floor(k.Abs(x)),
    mpmath=lambda k, x: k.sign(x) * k.floor(abs(x)),
)
op(
    "round_half_to_even",
    doc="the nearest integer; halves go to the even one",
    out=out_same_float,
    numpy="rint",
    idempotent=True,
    monotone=+1,
    parity=-1,
    domain=((-5.0, 5.0),),
    sympy=lambda k, x: k.floor(x + k.Rational(1, 2)) - k.Piecewise((1, k.Eq(k.Mod(x, 2), k.Rational(1, 2))), (0, True)),
    mpmath="nint",
)


def _round_half_away(m: Any, x: Any) -> Any:
    # x - trunc(x) is exact, so 0.49999999999999994 rounds to 0, where Theano's floor(x + 0.5) gives 1.
    whole = m.trunc(x)
    return m.switch(m.ge(m.abs_(x - whole), 0.5), whole + m.sgn(x), whole)


op(
    "round_half_away_from_zero",
    doc="the nearest integer; halves go away from zero, as C's round",
    out=out_same_float,
    value=_round_half_away,
    idempotent=True,
    monotone=+1,
    parity=-1,
    domain=((-5.0, 5.0),),
    sympy=lambda k, x: k.sign(x) * k.floor(k.Abs(x) + k.Rational(1, 2)),
    mpmath=lambda k, x: k.sign(x) * k.floor(abs(x) + k.mpf(0.5)),
)

# ----- Complex numbers: pairs of reals, the gradient of x is dC/dRe(x) + i dC/dIm(x) -----

op(
    "real",
    doc="the real part",
    out=out_real_part,
    numpy="real",
    reads="own",
    partials=lambda m, x, z: (1,),
    adjoint=lambda m, x, z, gz: (m.complex(gz, 0 * gz),),
    tangent=lambda m, x, z, t: m.real(t),
    idempotent=True,
    monotone=+1,
    parity=-1,
    complex=True,
    sympy="re",
    mpmath="re",
)
op(
    "imag",
    doc="the imaginary part",
    out=out_real_part,
    numpy="imag",
    reads="own",
    adjoint=lambda m, x, z, gz: (m.complex(0 * gz, gz),),
    tangent=lambda m, x, z, t: m.imag(t),
    parity=-1,
    complex=True,
    sympy="im",
    mpmath="im",
)


def _angle_adjoint(m: Any, x: Any, z: Any, gz: Any) -> tuple[Any]:
    # dangle = (Re dIm - Im dRe) / |x|^2 = Im(conj(x) dx) / |x|^2.
    scale = gz / (m.sqr(m.real(x)) + m.sqr(m.imag(x)))
    return (m.complex(-m.imag(x) * scale, m.real(x) * scale),)


op(
    "angle",
    doc="the argument of a complex number, in (-pi, pi]",
    out=out_float64,
    numpy="angle",
    reads="own",
    adjoint=_angle_adjoint,
    tangent=lambda m, x, z, t: m.imag(m.conj(x) * t) / (m.sqr(m.real(x)) + m.sqr(m.imag(x))),
    domain=((0.1, 2.0),),
    range=(-math.pi, math.pi),
    complex=True,
    sympy="arg",
    mpmath="arg",
)
op(
    "conj",
    doc="the complex conjugate",
    out=out_same_min8,
    numpy="conjugate",
    partials=lambda m, x, z: (1,),
    adjoint=lambda m, x, z, gz: (m.conj(gz),),
    tangent=lambda m, x, z, t: m.conj(t),
    monotone=+1,
    parity=-1,
    inverse="conj",
    complex=True,
    sympy="conjugate",
    mpmath="conj",
)
op(
    "complex",
    doc="the complex number x + i y of two reals",
    arity=2,
    out=out_make_complex,
    value=lambda m, x, y: x + y * 1j,
    reads="real",
    adjoint=lambda m, x, y, z, gz: (m.real(gz), m.imag(gz)),
    tangent=lambda m, x, y, z, tx, ty: m.complex(tx, ty),
    sympy=lambda k, x, y: x + k.I * y,
    mpmath=lambda k, x, y: k.mpc(x, y),
)
op(
    "complex_from_polar",
    doc="r * exp(i theta)",
    arity=2,
    out=out_make_complex,
    value=lambda m, r, theta: m.complex(r * m.cos(theta), r * m.sin(theta)),
    reads="real",
    adjoint=lambda m, r, theta, z, gz: (
        m.cos(theta) * m.real(gz) + m.sin(theta) * m.imag(gz),
        r * (m.cos(theta) * m.imag(gz) - m.sin(theta) * m.real(gz)),
    ),
    tangent=lambda m, r, theta, z, tr, tt: m.complex(
        tr * m.cos(theta) - tt * r * m.sin(theta), tr * m.sin(theta) + tt * r * m.cos(theta)
    ),
    domain=((0.0, 2.0), (-3.0, 3.0)),
    sympy=lambda k, r, theta: r * k.exp(k.I * theta),
    mpmath=lambda k, r, theta: r * k.expj(theta),
)
