"""The normal form of elementwise algebra: fewer spellings of the same thing, so that the other rules need to know one.

Signs stand outside products (-(x * y)), 1 / x is inv(x), x * inv(y) is x / y, x * x is sqr(x), constants come first and
commutative operands in order of age. No rule here makes a result less accurate.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from symtheano.compile.rules.fold import folded
from symtheano.compile.rules.match import arg_of, args_of, constant_value, covers, filled_with, like, literal
from symtheano.compile.rules.pattern import Rule, wild
from symtheano.compile.rules.shape import has_length
from symtheano.compile.rules.sign import interval
from symtheano.graph.op import Op
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply, Constant
from symtheano.scalar import TABLE
from symtheano.scalar.dtypes import FLOAT, is_discrete
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.elemwise import DimShuffle, Elemwise, dimshuffle, functions
from symtheano.tensor.sizes import origin
from symtheano.tensor.type import tensor_type

m = functions
x, y = wild("x"), wild("y")
_FINITE = "nan and infinite x give the value for finite x, as in Theano"

ALGEBRA = (
    Rule("add_zero", x + 0, x, kinds="any"),
    Rule("mul_one", x * 1, x, kinds="any"),
    Rule("mul_zero", x * 0, m.second(x, 0), kinds="any", differs=_FINITE),
    Rule("mul_minus_one", x * -1, -x, kinds="any"),
    Rule("sub_zero", x - 0, x, kinds="any"),
    Rule("zero_sub", 0 - x, -x, kinds="any"),
    Rule("sub_self", x - x, m.second(x, 0), kinds="any", differs=_FINITE),
    Rule("div_one", x / 1, x, kinds="any"),
    Rule("div_minus_one", x / -1, -x, kinds="any"),
    Rule("div_self", x / x, m.second(x, 1), domain=m.neq(x, 0), kinds="any", differs=_FINITE + "; 0 / 0 gives 1"),
    Rule(
        "zero_div",
        0 / x,
        m.second(x, 0),
        domain=m.neq(x, 0),
        kinds="any",
        differs="0 / 0 and 0 / nan give 0, as in Theano",
    ),
    Rule("one_div", 1 / x, m.inv(x), domain=m.neq(x, 0), kinds="any"),
    Rule("neg_neg", m.neg(-x), x, kinds="any"),
    Rule("neg_sub", -(x - y), y - x, kinds="any"),
    Rule("add_neg", x + (-y), x - y, kinds="any"),
    Rule("sub_neg", x - (-y), x + y, kinds="any"),
    Rule("sub_of_neg", (-x) - y, -(x + y), kinds="any"),
    Rule("neg_mul", (-x) * y, -(x * y), kinds="any"),
    Rule("neg_div", (-x) / y, -(x / y), domain=m.neq(y, 0)),
    Rule("div_neg", x / (-y), -(x / y), domain=m.neq(y, 0)),
    Rule("inv_neg", m.inv(-x), -m.inv(x), domain=m.neq(x, 0)),
    Rule("inv_inv", m.inv(m.inv(x)), x, domain=m.neq(x, 0), differs="1 / x may overflow or underflow; x does not"),
    Rule(
        "inv_div",
        m.inv(x / y),
        y / x,
        domain=(m.neq(x, 0), m.neq(y, 0)),
        differs="x / y may overflow where y / x does not",
    ),
    Rule(
        "mul_inv",
        x * m.inv(y),
        x / y,
        domain=m.neq(y, 0),
        differs="1 / y may overflow where x / y does not; 0 / 0 stays nan",
    ),
    Rule(
        "div_inv", x / m.inv(y), x * y, domain=m.neq(y, 0), differs="1 / y may overflow or be 0 where x * y is finite"
    ),
    Rule("add_self", x + x, 2 * x),
    Rule("mul_self", x * x, m.sqr(x)),
    Rule("pow_zero", x**0, m.second(x, 1), kinds="real"),
    Rule("pow_one", x**1, x, kinds="real"),
    Rule("pow_two", x**2, m.sqr(x), kinds="real"),
    Rule("pow_minus_one", x**-1, m.inv(x), domain=m.neq(x, 0)),
    Rule(
        "pow_minus_two",
        x**-2,
        m.inv(m.sqr(x)),
        domain=m.neq(x, 0),
        differs="sqr(x) may overflow or underflow a little before x**-2",
    ),
    Rule("pow_half", x**0.5, m.sqrt(x), domain=x >= 0, differs="(-inf)**0.5 is inf, sqrt(-inf) is nan"),
    Rule(
        "pow_minus_half",
        x**-0.5,
        m.inv(m.sqrt(x)),
        domain=x > 0,
        differs="(-inf)**-0.5 is 0, 1 / sqrt(-inf) is nan; (-0.0)**-0.5 is inf",
    ),
    Rule("one_pow", 1**x, m.second(x, 1)),
    Rule("sqr_neg", m.sqr(-x), m.sqr(x)),
    Rule("sqr_abs", m.sqr(m.abs_(x)), m.sqr(x)),
    Rule("abs_neg", m.abs_(-x), m.abs_(x)),
    Rule("abs_known_positive", m.abs_(x), x, requires=x >= 0),
    Rule("abs_known_negative", m.abs_(x), -x, requires=x <= 0),
    Rule("sqrt_sqr", m.sqrt(m.sqr(x)), m.abs_(x), differs="sqr(x) may overflow or underflow; |x| does not"),
    Rule("sqr_sqrt", m.sqr(m.sqrt(x)), x, requires=x >= 0),
    Rule(
        "div_abs",
        x / m.abs_(x),
        m.sgn(x),
        domain=m.neq(x, 0),
        differs="0 at x = 0 and -1, 1 at infinity instead of nan",
    ),
    Rule("sgn_mul_abs", m.sgn(x) * m.abs_(x), x, differs="0 * inf does not arise"),
    Rule("log_exp", m.log(m.exp(x)), x, differs="exp(x) overflows or underflows; x does not"),
    Rule("exp_log", m.exp(m.log(x)), x, requires=x >= 0),
    Rule("log1p_expm1", m.log1p(m.expm1(x)), x, differs="expm1(x) overflows or rounds to -1; x does not"),
    Rule(
        "expm1_log1p", m.expm1(m.log1p(x)), x, requires=x >= -1, differs="rounding of log1p(x) may make expm1 overflow"
    ),
    Rule("log2_exp2", m.log2(m.exp2(x)), x, differs="exp2(x) overflows or underflows; x does not"),
    Rule(
        "arctanh_tanh",
        m.arctanh(m.tanh(x)),
        x,
        differs="tanh(x) rounds to 1; x does not",
        unproved="SymPy leaves atanh(tanh(x)) as it is",
    ),
    Rule(
        "arcsinh_sinh",
        m.arcsinh(m.sinh(x)),
        x,
        differs="sinh(x) overflows; x does not",
        unproved="SymPy leaves asinh(sinh(x)) as it is",
    ),
    Rule("sinh_arcsinh", m.sinh(m.arcsinh(x)), x, differs="rounding of asinh(x) is magnified; x is exact"),
    Rule("tan_arctan", m.tan(m.arctan(x)), x, differs="rounding of atan(x) near pi / 2 is magnified; x is exact"),
    Rule("cos_neg", m.cos(-x), m.cos(x)),
    Rule("cosh_neg", m.cosh(-x), m.cosh(x)),
    Rule("maximum_self", m.maximum(x, x), x, kinds="real"),
    Rule("minimum_self", m.minimum(x, x), x, kinds="real"),
    Rule("maximum_known", m.maximum(x, y), m.second(y, x), requires=x >= y, kinds="real"),
    Rule("minimum_known", m.minimum(x, y), m.second(y, x), requires=x <= y, kinds="real"),
    Rule("maximum_again", m.maximum(x, m.maximum(x, y)), m.maximum(x, y), kinds="real"),
    Rule("minimum_again", m.minimum(x, m.minimum(x, y)), m.minimum(x, y), kinds="real"),
)


def vectors(count: int, dtype: str = "float64") -> list[Any]:
    """Fresh vectors for the examples of rules."""
    return [tensor_type(dtype, (None,))(name) for name in "abcdefgh"[:count]]


def _example(build: Any, count: int = 2) -> Any:
    def make() -> tuple[list[Any], list[Any]]:
        inputs = vectors(count)
        return inputs, [build(*inputs)]

    return make


def _copies(node: Apply) -> bool:
    return bool(getattr(node.op, "identity", False)) or (
        type(node.op) is Elemwise and node.op.scalar_op.name == "identity"
    )


@rule(Op, examples=[_example(lambda a: m.identity(a), 1)])
def remove_identity(node: Apply) -> list[Any] | None:
    """Ops that only matter to the gradient (barriers, copies) disappear."""
    if not _copies(node) or len(node.outputs) != 1:
        return None
    return [node.inputs[0]]


_UNARY_IDEMPOTENT = tuple(
    getattr(m, row.name) for row in TABLE.values() if row.idempotent and row.arity == 1 and row.name != "identity"
)
_COMMUTATIVE = tuple(getattr(m, row.name) for row in TABLE.values() if row.commutative)


@rule(*_UNARY_IDEMPOTENT, examples=[_example(lambda a: m.floor(m.floor(a)), 1)], reason="the table says f(f(x)) = f(x)")
def idempotent(node: Apply) -> list[Any] | None:
    """f(f(x)) -> f(x) for abs, sgn, floor, ceil, trunc and rounding."""
    (v,) = node.inputs
    if v.owner is not None and v.owner.op == node.op and v.type == node.outputs[0].type:
        return [v]
    return None


@rule(*_COMMUTATIVE, examples=[_example(lambda a, b: b + a)], reason="the table says the row is commutative")
def commutative_order(node: Apply) -> list[Any] | None:
    """y + x -> x + y: constants first, then in order of age."""
    inputs: list[Any] = node.inputs
    keys = [(v.owner is not None or not isinstance(v, Constant), v.serial) for v in inputs]
    if all(a <= b for a, b in pairwise(keys)):
        return None
    order = sorted(range(len(inputs)), key=keys.__getitem__)
    return [Apply(node.op, [inputs[k] for k in order], [node.outputs[0].type()]).outputs[0]]


@rule(
    m.add,
    m.mul,
    examples=[_example(lambda a, b: m.add(2.0, m.add(3.0, a))), _example(lambda a, b: m.mul(a, 2.0, 3.0, b))],
    reason="associativity of constants",
)
def gather_constants(node: Apply) -> list[Any] | None:
    """c + (d + x) -> (c + d) + x, c * (d * x) -> (c * d) * x, for constants of one sign."""
    inputs: list[Any] = node.inputs
    (old,) = node.outputs
    if len(inputs) == 1:
        return [inputs[0]]
    if constant_value(inputs[0]) is None:
        return None
    name = node.op.scalar_op.name
    constants, rest = [inputs[0]], []
    for v in inputs[1:]:
        inner = args_of(v, name)
        if constant_value(v) is not None:
            constants.append(v)
        elif inner is not None and v.type.dtype == old.type.dtype and constant_value(inner[0]) is not None:
            constants.append(inner[0])
            rest += inner[1:]
        else:
            rest.append(v)
    if len(constants) == 1 or not rest:
        return None
    total = _combined(name, [constant_value(c) for c in constants], old)
    if total is None:
        return None
    return [like(node.op(literal(total, old), *rest), old)]


def _combined(name: str, numbers: list[Any], old: Any) -> Any:
    """The sum or product in the dtype of `old`; None where gathering could lose accuracy."""
    with np.errstate(all="ignore"):
        values = [np.asarray(n).astype(old.type.numpy_dtype) for n in numbers]
        total = np.add.reduce(values) if name == "add" else np.multiply.reduce(values)
    if is_discrete(old.type.dtype):
        return total
    if old.type.dtype not in FLOAT or not np.isfinite(total) or (name == "mul" and total == 0):
        return None
    if name == "add" and min(numbers) < 0 < max(numbers):
        return None
    return total


@rule(m.neg, examples=[_example(lambda a: -(2.0 * a), 1)], reason="exact: only a sign moves")
def negated_constant(node: Apply) -> list[Any] | None:
    """-(c * x) -> (-c) * x."""
    (v,) = node.inputs
    (old,) = node.outputs
    inner = args_of(v, "mul")
    if inner is None:
        return None
    c = constant_value(inner[0])
    if c is None or len(inner) < 2 or v.type.dtype not in FLOAT:
        return None
    return [like(m.mul(literal(-c, old), *inner[1:]), old)]


def _term(v: Any, dtype: str) -> tuple[float, Any]:
    """`v` as coefficient times base."""
    inner = arg_of(v, "neg")
    if inner is not None and v.type.dtype == dtype:
        return -1.0, inner
    factors = args_of(v, "mul")
    if factors is not None and len(factors) == 2 and v.type.dtype == dtype:
        c = constant_value(factors[0])
        if isinstance(c, float | int) and not isinstance(c, bool):
            return float(c), factors[1]
    return 1.0, v


@rule(
    m.add,
    m.sub,
    examples=[
        _example(lambda a, b: 2.0 * a + a),
        _example(lambda a, b: m.add(a, b, a)),
        _example(lambda a, b: 3.0 * a - a),
    ],
    reason="distributivity of constants",
)
def like_terms(node: Apply) -> list[Any] | None:
    """2 * x + x -> 3 * x, and so on."""
    (old,) = node.outputs
    dtype = old.type.dtype
    if dtype not in FLOAT:
        return None
    terms = [_term(v, dtype) for v in node.inputs]
    if node.op is m.sub or node.op == m.sub:
        terms[1] = (-terms[1][0], terms[1][1])
    totals: dict[Any, float] = {}
    for c, base in terms:
        totals[base] = totals.get(base, 0.0) + c
    if len(totals) == len(terms):
        return None
    parts = [base if c == 1 else m.mul(literal(c, old), base) for base, c in totals.items() if c != 0]
    result = m.add(*parts) if len(parts) > 1 else parts[0] if parts else literal(0, old)
    return [like(result, old)]


@rule(
    m.eq,
    m.neq,
    m.le,
    m.ge,
    m.lt,
    m.gt,
    reason="a comparison whose outcome is known",
    examples=[
        lambda: (v := [tensor_type("int64", (None,))("a")], [m.eq(v[0], v[0])]),
        _example(lambda a: m.lt(m.exp(a), -1.0), 1),
    ],
)
def known_comparison(node: Apply) -> list[Any] | None:
    """x <= x of integers, and comparisons that ranges decide (of floats only those that nan would fail as well)."""
    a, b = node.inputs
    name = node.op.scalar_op.name
    (old,) = node.outputs
    if a is b and is_discrete(a.type.dtype):
        return [like(literal(name in ("eq", "le", "ge"), old), old)]
    left, right = interval(a), interval(b)
    outcome = _outcome(name, left, right)
    if outcome is None or (outcome != (name == "neq") and not is_discrete(a.type.dtype)):
        return None  # a float may be nan, for which every comparison but != is false
    return [like(literal(outcome, old), old)]


def _outcome(name: str, left: Any, right: Any) -> bool | None:
    """The comparison of all numbers of one interval with all of another, or None."""
    above, below = left.lo > right.hi, left.hi < right.lo
    if name in ("eq", "neq"):
        return (name == "neq") if above or below else None
    if name in ("lt", "ge"):
        return (name == "lt") if below else (name == "ge") if left.lo >= right.hi else None
    return (name == "gt") if above else (name == "le") if left.hi <= right.lo else None


_ARITHMETIC = tuple(
    getattr(m, row.name)
    for row in TABLE.values()
    if row.reads == "out" and (row.arity is None or row.arity > 1) and row.name != "pow"
)


@rule(
    *_ARITHMETIC,
    examples=[_example(lambda a: m.sub(1, a), 1)],
    reason="the node converts its operands to this dtype anyway",
)
def constant_dtype(node: Apply) -> list[Any] | None:
    """f(constant, x) -> f(the constant in the dtype of the result, x): 1 and 1.0 are one constant then."""
    (old,) = node.outputs
    dtype = old.type.dtype
    inputs: list[Any] = node.inputs
    new = inputs
    for k, v in enumerate(inputs):
        if v.owner is None and v.type.dtype != dtype and isinstance(v, Constant) and v.data.size <= 4096:
            new = [*new[:k], folded(v.data.astype(dtype), v, dtype), *new[k + 1 :]]
    if new is inputs or dtype not in FLOAT or node.op.scalar_op.out(tuple(v.type.dtype for v in new), dtype) != dtype:
        return None
    return [Apply(node.op, new, [old.type()]).outputs[0]]


# -- fill ------------------------------------------------------------------------------------------------------------


@rule(m.second, examples=[_example(lambda a, b: m.second(a, b)), _example(lambda a, b: m.second(m.exp(a), 1.0))])
def useless_fill(node: Apply) -> list[Any] | None:
    """second(x, g) -> g where g has the shape already; the model of a constant fill is what x is computed from."""
    model, g = node.inputs
    (old,) = node.outputs
    if g.type.broadcastable == old.type.broadcastable:
        return [g]
    if model.owner is not None and type(model.owner.op) is Elemwise and constant_value(g) is not None:
        pattern = model.type.broadcastable
        for i in model.owner.inputs:
            if i.type.broadcastable == pattern and not isinstance(i, Constant):
                return [m.second(i, g)]
    return None


@rule(
    Elemwise,
    examples=[_example(lambda a, b: m.second(a, 2.0) * b)],
    reason="broadcasting is static: the other operands have the shape",
)
def sink_fill(node: Apply) -> list[Any] | None:
    """f(second(x, g), y) -> f(g, y) where y has the full shape."""
    inputs: list[Any] = node.inputs
    if len(inputs) < 2:
        return None
    (old,) = node.outputs
    new = inputs
    for k, v in enumerate(inputs):
        value = filled_with(v)
        if value is None:
            continue
        others = [*new[:k], value, *new[k + 1 :]]
        if not _may_sink(v, value, [i for i in new if i is not v]):
            continue
        if value.type.ndim <= old.type.ndim and covers(_padded(others, old.type.ndim), old.type.broadcastable):
            new = others
    if new is inputs or node.op == m.second:
        return None
    return [node.op(*new)]


@rule(
    Elemwise,
    examples=[
        _example(lambda a, b: m.second(a, m.exp(b.sum())) * dimshuffle(b.sum(), ("x",) * b.type.ndim)),
        _example(lambda a, b: m.exp(m.second(a, b.sum()))),
    ],
    reason="equal operands have equal values",
)
def function_of_fill(node: Apply) -> list[Any] | None:
    """f(second(x, g)) -> second(x, f(g)) for a number g, the other operands being numbers too."""
    inputs: list[Any] = node.inputs
    long = [k for k, v in enumerate(inputs) if not all(v.type.broadcastable)]
    if len(long) != 1 or node.op == m.second:
        return None
    (k,) = long
    value = filled_with(inputs[k])
    if value is None or not all(value.type.broadcastable):
        return None
    numbers = [dimshuffle(v, []) for v in (*inputs[:k], value, *inputs[k + 1 :])]
    return [like(node.op(*numbers), node.outputs[0], [inputs[k]])]


def _may_sink(v: Any, value: Any, others: list[Any]) -> bool:
    """Whether no check of lengths is lost with `v`: an alloc of something that varies says which lengths it meets."""
    owner = v.owner
    if constant_value(value) is not None:
        return True
    if type(owner.op) is DimShuffle:
        return _may_sink(owner.inputs[0], value, [])
    if type(owner.op) is not Alloc:
        return True
    for axis, size in enumerate(owner.inputs[1:]):
        if v.type.broadcastable[axis]:
            continue
        own, found = axis - v.type.ndim + value.type.ndim, origin(size)
        if own >= 0 and not value.type.broadcastable[own]:
            agreed = has_length(value, own, found)
        else:
            agreed = any(not o.type.broadcastable[axis] and has_length(o, axis, found) for o in others)
        if not agreed:
            return False
    return True


def _padded(variables: list[Any], ndim: int) -> list[Any]:
    return [v for v in variables if v.type.ndim == ndim]


CANONICAL: tuple[Any, ...] = (
    remove_identity,
    useless_fill,
    sink_fill,
    function_of_fill,
    *ALGEBRA,
    idempotent,
    gather_constants,
    like_terms,
    negated_constant,
    known_comparison,
    constant_dtype,
    commutative_order,
)
