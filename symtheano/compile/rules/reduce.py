"""Reductions: factors leave sums, sums of sums are one, axes of length 1 are no work."""

from __future__ import annotations

from typing import Any

import numpy as np

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import arg_of, args_of, cast_to, constant_value, covers, filled_with, like, literal
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.scalar.dtypes import FLOAT, is_complex
from symtheano.tensor.careduce import All, Any_, Max, Min, Prod, Sum
from symtheano.tensor.elemwise import DimShuffle, dimshuffle, functions
from symtheano.tensor.sizes import as_size, constant_dim, shape_i, total_size

m = functions


def reduced_axes(node: Apply) -> tuple[int, ...]:
    """The axes that the reduction `node` sums over."""
    axes: tuple[int, ...] = node.op.axes(node.inputs[0].type.ndim)
    return axes


def without_axes(v: Any, axes: tuple[int, ...]) -> Any:
    """`v`, broadcastable along `axes`, without them."""
    return dimshuffle(v, [k for k in range(v.type.ndim) if k not in axes])


@rule(Sum, examples=[on(lambda a: Sum((0,))(-a), 2)], reason="linearity")
def sum_of_neg(node: Apply) -> list[Any] | None:
    """sum(-x) -> -sum(x)."""
    x = arg_of(node.inputs[0], "neg")
    if x is None or x.type.dtype not in FLOAT:
        return None
    return [like(m.neg(node.op(x)), node.outputs[0])]


@rule(
    Sum,
    reason="linearity",
    examples=[
        on(lambda a: Sum()(2.0 * a), 1),
        on(lambda a, b: Sum((0,))(a * dimshuffle(b, ("x", 0))), 2, 1),
        on(lambda a, b: Sum((1,))(a / dimshuffle(b, (0, "x"))), 2, 1),
    ],
)
def sum_of_scaled(node: Apply) -> list[Any] | None:
    """sum(c * x) -> c * sum(x), sum(x / c) -> sum(x) / c, where c does not vary along the summed axes."""
    x: Any = node.inputs[0]
    if x.type.dtype not in FLOAT or node.outputs[0].type.dtype != x.type.dtype:
        return None
    axes = reduced_axes(node)
    factors = args_of(x, "mul")
    if factors is not None:
        fixed = [f for f in factors if all(f.type.broadcastable[k] for k in axes)]
        rest = [f for f in factors if f not in fixed]
        if not fixed or not rest or not _spans(rest, x, axes):
            return None
        inner = rest[0] if len(rest) == 1 else m.mul(*rest)
        return [like(m.mul(*(without_axes(f, axes) for f in fixed), _summed(node.op, inner, x)), node.outputs[0])]
    quotient = args_of(x, "true_div")
    if quotient is None:
        return None
    above, below = quotient
    if not all(below.type.broadcastable[k] for k in axes) or not _spans([above], x, axes):
        return None
    return [like(m.true_div(_summed(node.op, above, x), without_axes(below, axes)), node.outputs[0])]


def _spans(parts: list[Any], x: Any, axes: tuple[int, ...]) -> bool:
    """Whether `parts` have the length of `x` along each summed axis."""
    return all(x.type.broadcastable[k] or any(not p.type.broadcastable[k] for p in parts) for k in axes)


def _summed(op: Any, v: Any, x: Any) -> Any:
    return op(cast_to(v, x.type.dtype))


@rule(Sum, Prod, Max, Min, examples=[on(lambda a: Sum((0,))(Sum((1,))(a)), 3)], reason="associativity")
def reduction_of_reduction(node: Apply) -> list[Any] | None:
    """sum(sum(x, b), a) -> sum(x, a and b), also of products, maxima and minima."""
    x: Any = node.inputs[0]
    if x.owner is None or type(x.owner.op) is not type(node.op) or x.owner.inputs[0].type.dtype != x.type.dtype:
        return None
    outer: Any = node.op
    if getattr(outer, "acc_dtype", None) != getattr(x.owner.op, "acc_dtype", None):
        return None
    inner = x.owner.inputs[0]
    gone = reduced_axes(x.owner)
    left = [k for k in range(inner.type.ndim) if k not in gone]
    axes = tuple(sorted({*gone, *(left[k] for k in reduced_axes(node))}))
    return [outer.with_axis(axes)(inner)]


@rule(
    Sum,
    Prod,
    Max,
    Min,
    All,
    Any_,
    examples=[
        on(lambda a: Sum()(dimshuffle(a, ("x", 0))), 1),
        on(lambda a: Max((0,))(dimshuffle(a, ("x", 0))), 1),
        on(lambda a: All()(m.gt(a, 0.0)), 0),
        on(lambda a: Any_((0,))(dimshuffle(a, ("x", 0))), 1),
        on(lambda a: Any_((0,))(dimshuffle(a, ("x", 0))), 1, dtype="complex64"),
    ],
)
def reduce_over_ones(node: Apply) -> list[Any] | None:
    """A reduction over axes of length 1 drops them."""
    x: Any = node.inputs[0]
    axes = reduced_axes(node)
    ones = tuple(k for k in axes if x.type.broadcastable[k])
    if len(axes) == 0 or (ones and len(ones) == len(axes)):
        one, dtype = without_axes(x, ones), node.outputs[0].type.dtype
        truth = dtype == "bool" and is_complex(x.type.dtype)
        return [m.neq(one, literal(0, one)) if truth else cast_to(one, dtype)]
    if not ones:
        return None
    left = [k for k in range(x.type.ndim) if k not in ones]
    op: Any = node.op
    return [op.with_axis(tuple(left.index(k) for k in axes if k not in ones))(without_axes(x, ones))]


@rule(Sum, Prod, Max, Min, examples=[on(lambda a: Sum()(dimshuffle(a, (1, "x", 0))), 2)], reason="commutativity")
def reduce_dimshuffled(node: Apply) -> list[Any] | None:
    """A reduction over all axes does not care about their order."""
    x: Any = node.inputs[0]
    if (
        x.owner is None
        or type(x.owner.op) is not DimShuffle
        or x.owner.op.drop
        or len(reduced_axes(node)) != x.type.ndim
    ):
        return None
    op: Any = node.op
    return [op.with_axis(None)(x.owner.inputs[0])]


@rule(
    Sum,
    examples=[
        on(lambda a: Sum()(m.second(a, 3.0)), 2),
        on(lambda a: Sum()(m.second(a, np.inf)), 2),
        on(lambda a, b: Sum()(m.second(a, m.exp(b))), 2, 0),
    ],
    reason="the sum of equal terms",
)
def sum_of_fill(node: Apply) -> list[Any] | None:
    """sum(fill(x, c)) -> c * size."""
    x: Any = node.inputs[0]
    (old,) = node.outputs
    if old.type.ndim or x.owner is None or x.type.dtype not in FLOAT or old.type.dtype != x.type.dtype:
        return None
    c = constant_value(x)
    value = filled_with(x) if c is None else literal(c, old)
    if value is None or not all(value.type.broadcastable) or value.type.dtype != old.type.dtype:
        return None
    number = as_size(total_size([shape_i(x, k) for k in reduced_axes(node)]))
    total: Any = m.mul(dimshuffle(value, []), cast_to(number, old.type.dtype))
    if not (c is not None and abs(c) < np.inf) and not constant_dim(number):
        total = m.switch(m.gt(number, 0), total, literal(0, old))  # the sum of no terms is 0, also of infinite ones
    return [total]


@rule(
    Sum,
    reason="the condition is the same for all terms",
    examples=[
        on(lambda a, b: Sum()(m.switch(dimshuffle(m.gt(b, 0.0), ("x",)), m.exp(a), 0.0)), 1, 0),
        on(lambda a, b: Sum()(m.switch(dimshuffle(m.gt(b, 0.0), ("x",)), -np.inf, m.exp(a))), 1, 0),
        on(lambda a, b: Sum((0,))(m.switch(dimshuffle(m.gt(b, 0.0), ("x", 0)), 0.0, m.exp(a))), 2, 1),
    ],
)
def sum_of_switch(node: Apply) -> list[Any] | None:
    """sum(switch(c, x, 0)) -> switch(c, sum(x), 0), where c does not vary along the summed axes; also of -inf."""
    x: Any = node.inputs[0]
    parts = args_of(x, "switch")
    if parts is None or x.type.dtype not in FLOAT:
        return None
    axes = reduced_axes(node)
    (old,) = node.outputs
    condition, *branches = parts
    if not all(condition.type.broadcastable[k] for k in axes):
        return None
    for position, v in enumerate(branches):
        c, other = constant_value(v), branches[1 - position]
        if c not in (0, np.inf, -np.inf) or not covers([condition, other], x.type.broadcastable):
            continue
        total: Any = literal(c, old)
        if c:  # of no terms it is 0
            number = as_size(total_size([shape_i(x, k) for k in axes]))
            total = m.switch(m.gt(number, 0), total, literal(0, old))
        sums = [_summed(node.op, other, x), total][:: 1 if position else -1]
        return [like(m.switch(without_axes(condition, axes), *sums), old)]
    return None


REDUCTIONS: tuple[Any, ...] = (
    reduce_over_ones,
    reduction_of_reduction,
    reduce_dimshuffled,
    sum_of_neg,
    sum_of_scaled,
    sum_of_fill,
    sum_of_switch,
)
