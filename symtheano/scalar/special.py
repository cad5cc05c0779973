"""Special functions: error functions, the gamma family, Bessel functions, x log x.

Formulas: NIST Digital Library of Mathematical Functions (dlmf.nist.gov), section numbers at the rows. A partial of
None has no closed form (the order of a Bessel function, the shape of an incomplete gamma function): Theano has none
either, and a user who asks for that gradient is told so.
"""

from __future__ import annotations

import math
from typing import Any

from symtheano.scalar.op import INF, number, op, out_float, out_float64

_TWO_OVER_SQRT_PI = 2.0 / math.sqrt(math.pi)
_HALF_SQRT_PI = math.sqrt(math.pi) / 2.0

# ----- Error functions (DLMF 7.2) -----

op(
    "erf",
    doc="the error function",
    out=out_float,
    special="erf",
    partials=lambda m, x, z: (number(m, _TWO_OVER_SQRT_PI, x) * m.exp(-x * x),),
    monotone=+1,
    inverse="erfinv",
    parity=-1,
    range=(-1.0, 1.0),
)
op(
    "erfc",
    doc="1 - erf(x), accurate for large x",
    out=out_float,
    special="erfc",
    partials=lambda m, x, z: (number(m, -_TWO_OVER_SQRT_PI, x) * m.exp(-x * x),),
    monotone=-1,
    inverse="erfcinv",
    range=(0.0, 2.0),
)
op(
    "erfcx",
    doc="exp(x * x) * erfc(x), which does not underflow",
    out=out_float,
    special="erfcx",
    partials=lambda m, x, z: (2 * x * z - number(m, _TWO_OVER_SQRT_PI, x),),
    monotone=-1,
    range=(0.0, INF),
    sympy=lambda k, x: k.exp(x * x) * k.erfc(x),
    mpmath=lambda k, x: k.exp(x * x) * k.erfc(x),
)
op(
    "erfinv",
    doc="the inverse of erf",
    out=out_float,
    special="erfinv",
    partials=lambda m, x, z: (number(m, _HALF_SQRT_PI, x) * m.exp(z * z),),
    domain=((-0.9, 0.9),),
    inverse="erf",
    monotone=+1,
    parity=-1,
)
op(
    "erfcinv",
    doc="the inverse of erfc",
    out=out_float,
    special="erfcinv",
    partials=lambda m, x, z: (number(m, -_HALF_SQRT_PI, x) * m.exp(z * z),),
    domain=((0.1, 1.9),),
    inverse="erfc",
    monotone=-1,
    mpmath=lambda k, x: k.erfinv(1 - x),
)

# ----- The gamma function and its logarithmic derivatives (DLMF 5.2, 5.15) -----

op(
    "gamma",
    doc="the gamma function",
    out=out_float,
    special="gamma",
    partials=lambda m, x, z: (z * m.psi(x),),
    domain=((0.3, 4.0),),
)
op(
    "gammaln",
    doc="log(|gamma(x)|)",
    out=out_float,
    special="gammaln",
    partials=lambda m, x, z: (m.psi(x),),
    domain=((0.3, 6.0),),
    sympy="loggamma",
    mpmath="loggamma",
)
op(
    "psi",
    doc="the digamma function, the derivative of gammaln",
    out=out_float,
    special="psi",
    partials=lambda m, x, z: (m.tri_gamma(x),),
    domain=((0.3, 6.0),),
    sympy="digamma",
    mpmath="digamma",
)
op(
    "tri_gamma",
    doc="the derivative of psi",
    out=out_float,
    value=lambda m, x: m.zeta(2, x),  # DLMF 25.11.12
    partials=lambda m, x, z: (-2 * m.zeta(3, x),),
    domain=((0.3, 6.0),),
    sympy=lambda k, x: k.polygamma(1, x),
    mpmath=lambda k, x: k.psi(1, x),
)
op(
    "zeta",
    doc="the Hurwitz zeta function, the sum of (x + n) ** -s over n >= 0",
    arity=2,
    out=out_float,
    special="zeta",
    partials=lambda m, s, x, z: (None, -s * m.zeta(s + 1, x)),  # DLMF 25.11.17
    domain=((1.5, 4.0), (0.3, 6.0)),
)

# ----- Incomplete gamma functions (DLMF 8.2); k is the shape -----


def _gamma_density(m: Any, k: Any, x: Any) -> Any:
    """x ** (k - 1) * e ** -x / gamma(k), the derivative of gammainc(k, x) by x."""
    return m.exp(m.xlogy0(k - 1, x) - x - m.gammaln(k))


def _gamma_integrand(m: Any, k: Any, x: Any) -> Any:
    """x ** (k - 1) * e ** -x, the derivative of gammal(k, x) by x."""
    return m.exp(m.xlogy0(k - 1, x) - x)


_SHAPE = ((0.5, 4.0), (0.2, 5.0))

op(
    "gammainc",
    doc="the regularized lower incomplete gamma function P(k, x)",
    arity=2,
    out=out_float,
    special="gammainc",
    partials=lambda m, k, x, z: (None, _gamma_density(m, k, x)),
    domain=_SHAPE,
    range=(0.0, 1.0),
    sympy=lambda s, k, x: s.lowergamma(k, x) / s.gamma(k),
    mpmath=lambda s, k, x: s.gammainc(k, 0, x, regularized=True),
)
op(
    "gammaincc",
    doc="the regularized upper incomplete gamma function Q(k, x)",
    arity=2,
    out=out_float,
    special="gammaincc",
    partials=lambda m, k, x, z: (None, -_gamma_density(m, k, x)),
    domain=_SHAPE,
    range=(0.0, 1.0),
    sympy=lambda s, k, x: s.uppergamma(k, x) / s.gamma(k),
    mpmath=lambda s, k, x: s.gammainc(k, x, regularized=True),
)
op(
    "gammal",
    doc="the lower incomplete gamma function",
    arity=2,
    out=out_float,
    value=lambda m, k, x: m.gammainc(k, x) * m.gamma(k),
    partials=lambda m, k, x, z: (None, _gamma_integrand(m, k, x)),
    domain=_SHAPE,
    range=(0.0, INF),
    sympy="lowergamma",
    mpmath=lambda s, k, x: s.gammainc(k, 0, x),
)
op(
    "gammau",
    doc="the upper incomplete gamma function",
    arity=2,
    out=out_float,
    value=lambda m, k, x: m.gammaincc(k, x) * m.gamma(k),
    partials=lambda m, k, x, z: (None, -_gamma_integrand(m, k, x)),
    domain=_SHAPE,
    range=(0.0, INF),
    sympy="uppergamma",
    mpmath=lambda s, k, x: s.gammainc(k, x),
)
op(
    "chi2sf",
    doc="the survival function of the chi squared distribution: P(X > x), k degrees of freedom",
    arity=2,
    out=out_float64,
    value=lambda m, x, k: m.gammaincc(0.5 * k, 0.5 * x),
    partials=lambda m, x, k, z: (-0.5 * _gamma_density(m, 0.5 * k, 0.5 * x), None),
    domain=((0.2, 8.0), (1.0, 6.0)),
    range=(0.0, 1.0),
    sympy=lambda s, x, k: s.uppergamma(k / 2, x / 2) / s.gamma(k / 2),
    mpmath=lambda s, x, k: s.gammainc(k / 2, x / 2, regularized=True),
)

# ----- Bessel functions (DLMF 10.6, 10.29) -----

op(
    "j0",
    doc="the Bessel function of the first kind of order 0",
    out=out_float,
    special="j0",
    partials=lambda m, x, z: (-m.j1(x),),
    domain=((-6.0, 6.0),),
    parity=+1,
    sympy=lambda k, x: k.besselj(0, x),
)
op(
    "j1",
    doc="the Bessel function of the first kind of order 1",
    out=out_float,
    special="j1",
    partials=lambda m, x, z: (0.5 * (m.j0(x) - m.jv(2, x)),),
    domain=((-6.0, 6.0),),
    parity=-1,
    sympy=lambda k, x: k.besselj(1, x),
)
op(
    "jv",
    doc="the Bessel function of the first kind of order v",
    arity=2,
    out=out_float,
    special="jv",
    partials=lambda m, v, x, z: (None, 0.5 * (m.jv(v - 1, x) - m.jv(v + 1, x))),
    domain=((0.0, 3.0), (0.2, 6.0)),
    sympy="besselj",
    mpmath="besselj",
)
op(
    "i0",
    doc="the modified Bessel function of order 0",
    out=out_float,
    special="i0",
    partials=lambda m, x, z: (m.i1(x),),
    parity=+1,
    range=(1.0, INF),
    sympy=lambda k, x: k.besseli(0, x),
    mpmath=lambda k, x: k.besseli(0, x),
)
op(
    "i1",
    doc="the modified Bessel function of order 1",
    out=out_float,
    special="i1",
    partials=lambda m, x, z: (0.5 * (m.i0(x) + m.iv(2, x)),),
    monotone=+1,
    parity=-1,
    sympy=lambda k, x: k.besseli(1, x),
    mpmath=lambda k, x: k.besseli(1, x),
)
op(
    "iv",
    doc="the modified Bessel function of order v",
    arity=2,
    out=out_float,
    special="iv",
    partials=lambda m, v, x, z: (None, 0.5 * (m.iv(v - 1, x) + m.iv(v + 1, x))),
    domain=((0.0, 3.0), (0.2, 4.0)),
    sympy="besseli",
    mpmath="besseli",
)

# ----- x log x, continued to 0 -----

op(
    "xlogx",
    doc="x * log(x), and 0 at x = 0",
    out=out_float,
    value=lambda m, x: m.switch(m.eq(x, 0), 0, x * m.log(x)),
    partials=lambda m, x, z: (1 + m.log(x),),
    domain=((0.01, 3.0),),
    sympy=lambda k, x: x * k.log(x),
    mpmath=lambda k, x: x * k.log(x),
)
op(
    "xlogy0",
    doc="x * log(y), and 0 where x = 0 whatever y is",
    arity=2,
    out=out_float,
    value=lambda m, x, y: m.switch(m.eq(x, 0), 0, x * m.log(y)),
    partials=lambda m, x, y, z: (m.log(y), x / y),
    domain=((0.1, 2.0), (0.01, 3.0)),
    sympy=lambda k, x, y: x * k.log(y),
    mpmath=lambda k, x, y: x * k.log(y),
)
