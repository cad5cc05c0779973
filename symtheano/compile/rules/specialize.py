"""Cheaper forms of the same value, once nothing else will look at the graph."""

from __future__ import annotations

from math import frexp
from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import constant_value, like, literal
from symtheano.compile.rules.pattern import Rule, wild
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.scalar.dtypes import FLOAT
from symtheano.tensor.dot import Dot
from symtheano.tensor.elemwise import DimShuffle, dimshuffle, functions

m = functions
x, y, z = wild("x"), wild("y"), wild("z")
_CUBE = "the power below the line overflows a little before the result underflows: subnormal numbers round to 0"

CHEAP = (
    Rule(
        "relu_from_abs",
        0.5 * (x + m.abs_(x)),
        m.maximum(x, 0),
        differs="x + |x| may overflow; at -inf 0 instead of nan",
    ),
    Rule(
        "clip_by_minmax",
        m.clip(x, y, z),
        m.minimum(m.maximum(x, y), z),
        requires=y <= z,
        kinds="real",
        differs="a bound that is nan is ignored on the left, propagated on the right",
        unproved="SymPy does not compare the two orders of three symbols",
    ),
    Rule("pow_three", x**3, x * m.sqr(x)),
    Rule("pow_four", x**4, m.sqr(m.sqr(x)), margin=2.0),
    Rule("pow_minus_three", x**-3, m.inv(x * m.sqr(x)), domain=m.neq(x, 0), differs=_CUBE, margin=2.0),
    Rule("pow_minus_four", x**-4, m.inv(m.sqr(m.sqr(x))), domain=m.neq(x, 0), differs=_CUBE, margin=2.0),
    Rule("pow_minus_five", x**-5, m.inv(x * m.sqr(m.sqr(x))), domain=m.neq(x, 0), differs=_CUBE, margin=2.0),
    Rule("pow_minus_six", x**-6, m.inv(m.sqr(x * m.sqr(x))), domain=m.neq(x, 0), differs=_CUBE, margin=3.0),
    Rule("pow_minus_seven", x**-7, m.inv(x * m.sqr(x * m.sqr(x))), domain=m.neq(x, 0), differs=_CUBE, margin=3.0),
    Rule(
        "pow_one_and_half", x**1.5, x * m.sqrt(x), domain=x >= 0, differs="(-inf)**1.5 is inf, -inf * sqrt(-inf) is nan"
    ),
)


@rule(m.true_div, reason="exact: the reciprocal of a power of two is one", examples=[on(lambda a: a / 4.0, 1)])
def div_by_power_of_two(node: Apply) -> list[Any] | None:
    """x / 4 -> x * 0.25, where the reciprocal is exact."""
    above, below = node.inputs
    (old,) = node.outputs
    c = constant_value(below)
    if old.type.dtype not in FLOAT or not isinstance(c, (int, float)) or not 1e-30 < abs(c) < 1e30:
        return None
    if abs(frexp(c)[0]) != 0.5 or old.type.dtype == "float16":
        return None
    return [like(m.mul(literal(1 / c, old), above), old)]


def _transposed(v: Any) -> Any:
    """x where `v` is the transpose of the matrix x, else None."""
    if v.owner is not None and type(v.owner.op) is DimShuffle and v.owner.op.new_order == (1, 0):
        return v.owner.inputs[0]
    return None


@rule(
    Dot, reason="(A B)' is B' A'", examples=[on(lambda a, b: Dot()(dimshuffle(a, (1, 0)), dimshuffle(b, (1, 0))), 2, 2)]
)
def dot_of_transposed(node: Apply) -> list[Any] | None:
    """dot(x.T, y.T) -> dot(y, x).T: one view instead of two."""
    a, b = map(_transposed, node.inputs)
    if a is None or b is None:
        return None
    return [like(dimshuffle(node.op(b, a), (1, 0)), node.outputs[0])]


SPECIAL = (*CHEAP, div_by_power_of_two, dot_of_transposed)
