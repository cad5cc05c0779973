"""ifelse: known conditions decide, and what is the same on both sides is no choice."""

from __future__ import annotations

from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import arg_of, args_of, constant_value, is_constant, like
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scalar.dtypes import DISCRETE
from symtheano.scan.ifelse import IfElse, ifelse
from symtheano.tensor.elemwise import Elemwise, functions
from symtheano.tensor.shape_ops import Shape_i
from symtheano.tensor.type import TensorType

m = functions
_LENGTHS = 12  # how many values are looked at to find out that they are lengths


@rule(
    IfElse,
    examples=[
        on(lambda a, b: ifelse(1, a, b), 1, 1),
        on(lambda a, b: ifelse(m.gt(a, 0), b, b), 0, 1),
        on(lambda a, b: m.add(*ifelse(m.gt(a, 0), [b, m.exp(b)], [b, b])), 0, 1),
    ],
)
def known_ifelse(node: Apply) -> list[Any] | None:
    """ifelse(1, x, y) -> x, ifelse(0, x, y) -> y, ifelse(c, x, x) -> x."""
    condition, holds, other = node.op.halves(node.inputs)
    known = constant_value(condition)
    if known is not None:
        return [_as(v, o) for v, o in zip(holds if known else other, node.outputs, strict=True)]
    open_ = [k for k, (a, b) in enumerate(zip(holds, other, strict=True)) if a is not b]
    if len(open_) == len(holds):
        return None
    results = [_as(v, o) for v, o in zip(holds, node.outputs, strict=True)]
    if open_:
        op = IfElse(len(open_), name=node.op.name)
        left = op(condition, *(holds[k] for k in open_), *(other[k] for k in open_), return_list=True)
        for k, v in zip(open_, left, strict=True):
            results[k] = v
    return results


def _as(value: Any, old: Any) -> Any:
    return like(value, old) if isinstance(old.type, TensorType) else value


@rule(
    IfElse,
    examples=[
        on(lambda a, b: ifelse(m.gt(a, 0), ifelse(m.gt(a, 0), b, m.exp(b)), -b), 0, 1),
        on(lambda a, b: ifelse(m.gt(a, 0), b, ifelse(m.gt(a, 0), m.exp(b), -b)), 0, 1),
    ],
)
def ifelse_again(node: Apply) -> list[Any] | None:
    """ifelse(c, ifelse(c, x, y), z) -> ifelse(c, x, z), and likewise on the other side."""
    condition, holds, other = node.op.halves(node.inputs)
    left = [_side(v, condition, True) for v in holds]
    right = [_side(v, condition, False) for v in other]
    if all(a is b for a, b in zip([*left, *right], [*holds, *other], strict=True)):
        return None
    results: list[Any] = node.op(condition, *left, *right, return_list=True)
    return results


def _side(v: Any, condition: Variable, holds: bool) -> Any:
    """What `v` is if the condition holds, or if not."""
    if v.owner is None or not isinstance(v.owner.op, IfElse) or v.owner.inputs[0] is not condition:
        return v
    _, thens, elses = v.owner.op.halves(v.owner.inputs)
    return (thens if holds else elses)[v.index]


@rule(
    IfElse,
    examples=[
        on(lambda a, b: ifelse(m.neq(m.gt(a, 0), 0), b, -b), 0, 1),
        on(lambda a, b: ifelse(m.invert(m.gt(a, 0)), b, -b), 0, 1),
    ],
)
def ifelse_of_truth(node: Apply) -> list[Any] | None:
    """ifelse(neq(c, 0), x, y) -> ifelse(c, x, y), ifelse(~c, x, y) -> ifelse(c, y, x)."""
    condition, holds, other = node.op.halves(node.inputs)
    results: list[Any]
    tested = args_of(condition, "neq")
    for c, zero in () if tested is None else (tested, tested[::-1]):
        if c.type.dtype in DISCRETE and is_constant(zero, 0):
            results = node.op(c, *holds, *other, return_list=True)
            return results
    inverse = arg_of(condition, "invert")
    if inverse is not None and inverse.type.dtype == "bool":
        results = node.op(inverse, *other, *holds, return_list=True)
        return results
    return None


@rule(IfElse, examples=[on(lambda a, b: ifelse(m.gt(a[0], 0), a, b).shape[0], 1, 1)])
def ifelse_of_lengths(node: Apply) -> list[Any] | None:
    """ifelse(c, m, n) of lengths -> switch(c, m, n): numbers that cost nothing, and that programs know as lengths."""
    condition, holds, other = node.op.halves(node.inputs)
    if not all(o.type.ndim == 0 and o.type.dtype == "int64" for o in node.outputs if isinstance(o.type, TensorType)):
        return None
    if not all(isinstance(o.type, TensorType) for o in node.outputs) or not _are_lengths([*holds, *other]):
        return None
    return [m.switch(condition, a, b) for a, b in zip(holds, other, strict=True)]


def _are_lengths(values: list[Any]) -> bool:
    """Whether values are made of constants and lengths of what is given."""
    stack, looked = list(values), 0
    while stack:
        v = stack.pop()
        looked += 1
        if isinstance(v, Constant):
            continue
        if v.owner is None or looked > _LENGTHS:
            return False
        if isinstance(v.owner.op, Elemwise) and v.type.ndim == 0 and v.type.dtype in DISCRETE:
            stack += v.owner.inputs
        elif not isinstance(v.owner.op, Shape_i) or v.owner.inputs[0].owner is not None:
            return False
    return True


IFELSE = (known_ifelse, ifelse_again, ifelse_of_truth, ifelse_of_lengths)
