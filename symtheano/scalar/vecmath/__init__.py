"""Elementary and special functions as branch-free machine code for float32 and float64.

    FUNCTIONS["tanh"](code, x) -> register

No library is called: each function is arithmetic on its register, the same bits for one lane and for many and on
every processor with fused multiply-add. How far each is from the truth is measured in docs/vecmath.md.
"""

from __future__ import annotations

from collections.abc import Callable

from symtheano.scalar.machine import Reg
from symtheano.scalar.vecmath.activation import sigmoid, softplus, tanh
from symtheano.scalar.vecmath.bessel import i0, i1, j0, j1
from symtheano.scalar.vecmath.error import erf, erfc, erfcx
from symtheano.scalar.vecmath.exponential import exp, exp2, expm1
from symtheano.scalar.vecmath.gammas import gamma, gammaln, psi, tri_gamma
from symtheano.scalar.vecmath.hyperbolic import arccosh, arcsinh, arctanh, cosh, sinh
from symtheano.scalar.vecmath.inverse import arccos, arcsin, arctan, arctan2
from symtheano.scalar.vecmath.inverse_error import erfcinv, erfinv
from symtheano.scalar.vecmath.logarithm import log, log1p, log2, log10
from symtheano.scalar.vecmath.powers import power
from symtheano.scalar.vecmath.trigonometry import cos, sin, tan

FUNCTIONS: dict[str, Callable[..., Reg]] = {
    "arccos": arccos,
    "arccosh": arccosh,
    "arcsin": arcsin,
    "arcsinh": arcsinh,
    "arctan": arctan,
    "arctan2": arctan2,
    "arctanh": arctanh,
    "cos": cos,
    "cosh": cosh,
    "erf": erf,
    "erfc": erfc,
    "erfcinv": erfcinv,
    "erfcx": erfcx,
    "erfinv": erfinv,
    "exp": exp,
    "exp2": exp2,
    "expm1": expm1,
    "gamma": gamma,
    "gammaln": gammaln,
    "i0": i0,
    "i1": i1,
    "j0": j0,
    "j1": j1,
    "log": log,
    "log10": log10,
    "log1p": log1p,
    "log2": log2,
    "pow": power,
    "psi": psi,
    "sigmoid": sigmoid,
    "sin": sin,
    "sinh": sinh,
    "softplus": softplus,
    "tan": tan,
    "tanh": tanh,
    "tri_gamma": tri_gamma,
}
