"""Bits and truth values: operands that change nothing, that decide everything, or that are equal."""

from __future__ import annotations

from typing import Any

import numpy as np

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import arg_of, constant_value, like, literal
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.elemwise import functions

m = functions


def _is(v: Any, number: float | None, dtype: str) -> bool:
    """Whether `v` is filled with `number` in this dtype (-1: all bits set, True)."""
    value = None if number is None else constant_value(v)
    return value is not None and bool(np.asarray(value).astype(dtype) == np.asarray(number).astype(dtype))


@rule(
    m.and_,
    m.or_,
    m.xor,
    reason="the table says which number is neutral, which one absorbs, and that x & x is x",
    examples=[
        on(lambda a: m.and_(a, -1), 1, dtype="int64"),
        on(lambda a: m.and_(a, a), 1, dtype="int64"),
        on(lambda a: m.or_(a, -1), 1, dtype="int64"),
        on(lambda a: m.xor(a, a), 1, dtype="int64"),
    ],
)
def known_bits(node: Apply) -> list[Any] | None:
    """x & True -> x, x & False -> False, x | True -> True, x | False -> x, x & x -> x, x | x -> x, x ^ x -> 0."""
    inputs: list[Any] = node.inputs
    op: Any = node.op
    row = op.scalar_op
    (old,) = node.outputs
    dtype = old.type.dtype
    if inputs[0] is inputs[1]:
        return [like(inputs[0], old) if row.idempotent else like(literal(0, old), old)]
    for v, other in (inputs, inputs[::-1]):
        if _is(v, row.absorbing, dtype):
            return [like(literal(row.absorbing, old), old)]
        if _is(v, row.identity, dtype):
            return [like(other, old)]
    return None


@rule(m.xor, examples=[on(lambda a: m.xor(m.gt(a, 0), np.array(True)), 1)], reason="the truth table of xor")
def xor_true(node: Apply) -> list[Any] | None:
    """x ^ True -> ~x, of truth values."""
    (old,) = node.outputs
    if old.type.dtype != "bool":
        return None
    for v, other in (node.inputs, node.inputs[::-1]):
        if constant_value(v) is True:
            return [like(m.invert(other), old)]
    return None


@rule(
    m.invert,
    examples=[on(lambda a: m.invert(m.invert(a)), 1, dtype="int64")],
    reason="the table says it is its own inverse",
)
def invert_invert(node: Apply) -> list[Any] | None:
    """~~x -> x."""
    x = arg_of(node.inputs[0], "invert")
    return None if x is None else [x]


@rule(m.lt, m.gt, examples=[on(lambda a: m.lt(a, a), 1)], reason="nothing is less than itself, nan included")
def never_less_than_itself(node: Apply) -> list[Any] | None:
    """x < x -> False, x > x -> False."""
    a, b = node.inputs
    return [like(literal(False, node.outputs[0]), node.outputs[0])] if a is b else None


_NEGATED = {"eq": m.neq, "neq": m.eq}


@rule(m.invert, examples=[on(lambda a, b: m.invert(m.eq(a, b)), 1, 1)], reason="the definition of neq")
def inverted_comparison(node: Apply) -> list[Any] | None:
    """~(x == y) -> x != y, ~(x != y) -> x == y; with nan x < y is not the opposite of x >= y, of integers it is."""
    v: Any = node.inputs[0]
    if v.owner is None or v.type.dtype != "bool":
        return None
    name = getattr(getattr(v.owner.op, "scalar_op", None), "name", "")
    opposite = _NEGATED.get(name)
    if opposite is None and all(is_discrete(i.type.dtype) for i in v.owner.inputs):
        opposite = {"lt": m.ge, "ge": m.lt, "gt": m.le, "le": m.gt}.get(name)
    return None if opposite is None else [like(opposite(*v.owner.inputs), node.outputs[0])]


LOGIC = (known_bits, xor_true, invert_invert, inverted_comparison, never_less_than_itself)
