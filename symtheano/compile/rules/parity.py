"""Signs leave functions, functions meet their inverses, and constants leave absolute values."""

from __future__ import annotations

from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import arg_of, args_of, constant_value, like, literal
from symtheano.compile.rules.pattern import Rule, wild
from symtheano.compile.rules.products import is_negation
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.scalar import TABLE
from symtheano.scalar.dtypes import FLOAT
from symtheano.tensor.elemwise import functions

m = functions
x = wild("x")

INVERSES = (
    Rule("deg2rad_rad2deg", m.deg2rad(m.rad2deg(x)), x, differs="rad2deg(x) may overflow"),
    Rule("rad2deg_deg2rad", m.rad2deg(m.deg2rad(x)), x),
    Rule("arccosh_cosh", m.arccosh(m.cosh(x)), m.abs_(x),
         differs="cosh(x) overflows, and rounds to 1 near 0; |x| is exact",
         unproved="SymPy leaves acosh(cosh(x)) as it is"),
    Rule("conj_conj", m.conj(m.conj(x)), x, kinds="any"),
    Rule("zero_int_div", m.int_div(0, x), m.second(x, 0), domain=m.neq(x, 0), kinds="real",
         differs="0 // 0 gives 0, as in Theano"),
)  # fmt: skip

_ODD = tuple(
    getattr(m, row.name)
    for row in TABLE.values()
    if row.parity == -1 and row.arity == 1 and not row.params and row.name not in ("identity", "neg", "inv")
)


@rule(*_ODD, examples=[on(lambda a: m.erf(-a), 1), on(lambda a: m.sin(-a), 1)], reason="the table says the row is odd")
def odd(node: Apply) -> list[Any] | None:
    """f(-x) -> -f(x) for erf, sin, tanh and all other odd functions."""
    v = arg_of(node.inputs[0], "neg")
    (old,) = node.outputs
    if v is None or v.type.dtype not in FLOAT or old.type.dtype != v.type.dtype:
        return None
    return [like(m.neg(node.op(v)), old)]


@rule(m.abs_, examples=[on(lambda a: abs(-2.0 * a), 1)], reason="exact: a sign is lost")
def abs_scaled(node: Apply) -> list[Any] | None:
    """|c * x| -> |c| * |x|: what is divided by it can cancel."""
    factors = args_of(node.inputs[0], "mul")
    (old,) = node.outputs
    if factors is None or len(factors) < 2 or old.type.dtype not in FLOAT:
        return None
    c = constant_value(factors[0])
    if c is None:
        return None
    rest = factors[1] if len(factors) == 2 else m.mul(*factors[1:])
    return [like(m.mul(literal(abs(c), old), m.abs_(rest)), old)]


@rule(m.mul, examples=[on(lambda a: (2.0 * a) * (-2.0 * a), 1)], reason="the definition of the square")
def mul_by_negation(node: Apply) -> list[Any] | None:
    """u * -u -> -sqr(u), where u = c * x, or the difference of two expressions."""
    inputs: list[Any] = node.inputs
    (old,) = node.outputs
    if len(inputs) != 2 or old.type.dtype not in FLOAT or inputs[0].type != inputs[1].type:
        return None
    a, b = inputs
    return [like(m.neg(m.sqr(a)), old)] if is_negation(a, b) else None


PARITY = (*INVERSES, odd, abs_scaled, mul_by_negation)
