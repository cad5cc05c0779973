"""Expressions that overflow, underflow or cancel, and the ones that mean the same and do not."""

from __future__ import annotations

from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import arg_of, args_of, is_constant, like
from symtheano.compile.rules.pattern import Rule, wild
from symtheano.compile.rules.products import is_negation
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.tensor.careduce import Sum
from symtheano.tensor.elemwise import DimShuffle, functions
from symtheano.tensor.reduce import LogSumExp

m = functions
x, y = wild("x"), wild("y")
_OVERFLOW = "exp(x) overflows; the right side does not"
_ROUNDING = "exp(x) is lost beside 1, overflows or underflows; the right side keeps it"
_SATURATES = "the left side rounds to 0 or 1, or overflows, where the right side is exact"

STABLE = (
    Rule("log_sigmoid", m.log(m.sigmoid(x)), -m.softplus(-x), differs=_ROUNDING),
    Rule("log_one_minus_sigmoid", m.log(1 - m.sigmoid(x)), -m.softplus(x), differs=_ROUNDING),
    Rule("log1p_neg_sigmoid", m.log1p(-m.sigmoid(x)), -m.softplus(x), differs=_ROUNDING),
    Rule("log_one_plus_exp", m.log(1 + m.exp(x)), m.softplus(x), differs=_ROUNDING),
    Rule(
        "log_one_minus_exp", m.log(1 - m.exp(x)), m.log1mexp(x), domain=x < 0, differs=_ROUNDING, sample=(-4.0, -0.01)
    ),
    Rule("log_neg_expm1", m.log(-m.expm1(x)), m.log1mexp(x), domain=x < 0, sample=(-4.0, -0.01)),
    Rule("log1p_exp", m.log1p(m.exp(x)), m.softplus(x), differs=_OVERFLOW),
    Rule("log1p_neg_exp", m.log1p(-m.exp(x)), m.log1mexp(x), domain=x < 0, differs=_ROUNDING, sample=(-4.0, -0.01)),
    Rule("log_exp_plus_exp", m.log(m.exp(x) + m.exp(y)), m.logaddexp(x, y), differs=_OVERFLOW, margin=24.0),
    Rule("log1p", m.log(1 + x), m.log1p(x), domain=x > -1, differs="x is lost beside 1 on the left"),
    Rule("log1p_neg", m.log(1 - x), m.log1p(-x), domain=x < 1, differs="x is lost beside 1 on the left"),
    Rule("expm1", m.exp(x) - 1, m.expm1(x), differs="exp(x) rounds to 1 on the left"),
    Rule("expm1_add", m.exp(x) + (-1), m.expm1(x), differs="exp(x) rounds to 1 on the left"),
    Rule("neg_expm1", 1 - m.exp(x), -m.expm1(x), differs="exp(x) rounds to 1 on the left"),
    Rule("tanh_from_sigmoid", 2 * m.sigmoid(x) - 1, m.tanh(0.5 * x), differs="the left side cancels near 0"),
    Rule(
        "exp_neg_softplus",
        m.exp(-m.softplus(x)),
        m.sigmoid(-x),
        differs="results that are subnormal numbers may round to 0",
    ),
    Rule("softplus_minus_x", m.softplus(x) - x, m.softplus(-x), differs=_SATURATES),
    Rule("x_minus_softplus", x - m.softplus(x), -m.softplus(-x), differs=_SATURATES),
    Rule(
        "exp_over_exp",
        m.exp(x) / m.exp(y),
        m.exp(x - y),
        differs="exp(x) and exp(y) may overflow or underflow",
        margin=8.0,
    ),
    Rule(
        "log_sqr", m.log(m.sqr(x)), 2 * m.log(m.abs_(x)), domain=m.neq(x, 0), differs="sqr(x) may overflow or underflow"
    ),
    Rule("log_sqrt", m.log(m.sqrt(x)), 0.5 * m.log(x), domain=x > 0),
    Rule("log_inv", m.log(m.inv(x)), -m.log(x), domain=x > 0, differs="1 / x may overflow or underflow"),
    Rule("log_pow", m.log(x**y), y * m.log(x), requires=x > 0, differs="x**y may overflow or underflow"),
    Rule("div_sqrt", x / m.sqrt(x), m.sqrt(x), domain=x > 0, differs="0 / sqrt(0) gives 0, inf / sqrt(inf) inf"),
    Rule("one_minus_erf", 1 - m.erf(x), m.erfc(x), differs="erf(x) rounds to 1"),
    Rule("one_minus_erfc", 1 - m.erfc(x), m.erf(x), differs="the left side cancels near 0"),
    Rule("erf_minus_one", m.erf(x) - 1, -m.erfc(x), differs="erf(x) rounds to 1"),
    Rule("erf_add_minus_one", m.erf(x) + (-1), -m.erfc(x), differs="erf(x) rounds to 1"),
    Rule("one_plus_erf", 1 + m.erf(x), m.erfc(-x), differs="erf(x) rounds to -1"),
    Rule("minus_one_minus_erf", -1 - m.erf(x), -m.erfc(-x), differs="erf(x) rounds to -1"),
    Rule("erfc_minus_one", m.erfc(x) - 1, -m.erf(x), differs="the left side cancels near 0"),
    Rule("erfc_add_minus_one", m.erfc(x) + (-1), -m.erf(x), differs="the left side cancels near 0"),
    Rule(
        "log_erfc",
        m.log(m.erfc(x)),
        m.switch(m.gt(x, 1), m.log(m.erfcx(x)) - m.sqr(x), m.log1p(-m.erf(x))),
        differs="erfc(x) underflows from x = 27 on",
        unproved="erfcx is defined as exp(x**2) * erfc(x); SymPy does not simplify its logarithm",
    ),
)


# These are recognised first of all: what the gradient of 1 / (1 + exp(-x)) cancels is a sigmoid.
SIGMOIDS = (
    Rule("tanh_from_exps", (1 - m.exp(x)) / (1 + m.exp(x)), -m.tanh(0.5 * x), differs=_OVERFLOW),
    Rule("tanh_from_exp_minus_one", (m.exp(x) - 1) / (1 + m.exp(x)), m.tanh(0.5 * x), differs=_OVERFLOW),
    Rule("tanh_from_expm1", m.expm1(x) / (1 + m.exp(x)), m.tanh(0.5 * x), differs=_OVERFLOW),
    Rule("tanh_from_exp", (m.exp(x) - m.exp(-x)) / (m.exp(x) + m.exp(-x)), m.tanh(x), differs=_OVERFLOW),
    Rule("sigmoid", m.inv(1 + m.exp(x)), m.sigmoid(-x)),
    Rule("mul_sigmoid", y / (1 + m.exp(x)), y * m.sigmoid(-x), margin=2.0),
)


@rule(
    m.log,
    reason="the definition of LogSumExp",
    examples=[
        on(lambda a: m.log(m.exp(a).sum(axis=1)), 2),
        on(lambda a: m.log(m.exp(a).sum(axis=(0, 2), keepdims=True)), 3),
    ],
)
def log_sum_exp(node: Apply) -> list[Any] | None:
    """log(sum(exp(x))) -> the same with the maximum taken out."""
    total: Any = node.inputs[0]
    order = None
    if total.owner is not None and hasattr(total.owner.op, "new_order"):
        order, total = total.owner.op, total.owner.inputs[0]
    if total.owner is None or type(total.owner.op) is not Sum:
        return None
    inner = arg_of(total.owner.inputs[0], "exp")
    if inner is None or inner.type.dtype != total.type.dtype:
        return None
    result = LogSumExp(total.owner.op.axis)(inner)
    return [like(result if order is None else order(result), node.outputs[0])]


@rule(
    m.add,
    reason="the definition of sigmoid_binary_crossentropy",
    examples=[on(lambda a, t: -(t * m.log(m.sigmoid(a)) + (1.0 - t) * m.log(1.0 - m.sigmoid(a))), 1, 1)],
)
def binary_crossentropy_of_sigmoid(node: Apply) -> list[Any] | None:
    """t * softplus(-x) + (1 - t) * softplus(x) -> sigmoid_binary_crossentropy(x, t)."""
    if len(node.inputs) != 2:
        return None
    left, right = (args_of(i, "mul") for i in node.inputs)
    if left is None or right is None or len(left) != 2 or len(right) != 2:
        return None
    for one, two in ((left, right), (right, left)):
        for t, negative in (one, one[::-1]):
            for complement, positive in (two, two[::-1]):
                u, v = arg_of(negative, "softplus"), arg_of(positive, "softplus")
                rest = args_of(complement, "sub")
                if u is None or v is None or rest is None or not is_negation(v, u):
                    continue
                if is_constant(rest[0], 1) and rest[1] is t:
                    return [like(m.sigmoid_binary_crossentropy(v, t), node.outputs[0])]
    return None


def _shifted_log_sum_exp(a: Any) -> Any:
    c = a.max(axis=1, keepdims=True)
    return c + m.log(m.exp(a - c).sum(axis=1, keepdims=True))


@rule(m.add, reason="LogSumExp takes the maximum out itself", examples=[on(_shifted_log_sum_exp, 2)])
def shifted_log_sum_exp(node: Apply) -> list[Any] | None:
    """c + logsumexp(x - c) -> logsumexp(x), where c is the same along the summed axes, and these are kept."""
    inputs: list[Any] = node.inputs
    (old,) = node.outputs
    for k, v in enumerate(inputs):
        if v.owner is None or type(v.owner.op) is not DimShuffle:
            continue
        z = v.owner.inputs[0]
        if z.owner is None or type(z.owner.op) is not LogSumExp or v.type.dtype != old.type.dtype:
            continue
        u: Any = z.owner.inputs[0]
        parts = args_of(u, "sub")
        if parts is None or parts[0].type != u.type or parts[1] not in inputs:
            continue
        c = parts[1]
        axes = z.owner.op.axes(u.type.ndim)
        kept = iter(range(z.type.ndim))
        restoring = tuple("x" if a in axes else next(kept) for a in range(u.type.ndim))
        if v.owner.op.new_order != restoring or not all(c.type.broadcastable[a] for a in axes):
            continue
        whole = v.owner.op(z.owner.op(parts[0]))
        rest = [i for n, i in enumerate(inputs) if n != k]
        rest.remove(c)
        return [like(m.add(whole, *rest) if rest else whole, old)]
    return None


STABILITY = (*STABLE, log_sum_exp, shifted_log_sum_exp, binary_crossentropy_of_sigmoid)
