"""switch: known conditions decide, and products sink into it, so that what is masked out cannot become nan."""

from __future__ import annotations

from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import arg_of, args_of, constant_value, is_constant, like, literal
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.scalar.dtypes import DISCRETE
from symtheano.tensor.elemwise import functions

m = functions


@rule(m.switch, examples=[on(lambda a, b: m.switch(1, a, b), 1, 1), on(lambda a, b: m.switch(m.gt(a, 0), b, b), 1, 1)])
def known_switch(node: Apply) -> list[Any] | None:
    """switch(True, x, y) -> x, switch(False, x, y) -> y, switch(c, x, x) -> x."""
    condition, a, b = node.inputs
    if a is b:
        return [like(a, node.outputs[0])]
    known = constant_value(condition)
    if known is None:
        return None
    return [like(a if known else b, node.outputs[0])]


@rule(m.switch, examples=[on(lambda a, b, c: m.switch(m.gt(a, 0), m.switch(m.gt(a, 0), a, b), c), 1, 1, 1)])
def switch_again(node: Apply) -> list[Any] | None:
    """switch(c, switch(c, x, y), z) -> switch(c, x, z), and likewise on the other side."""
    condition, a, b = node.inputs
    left, right = args_of(a, "switch"), args_of(b, "switch")
    if left is not None and left[0] is condition:
        return [like(m.switch(condition, left[1], b), node.outputs[0])]
    if right is not None and right[0] is condition:
        return [like(m.switch(condition, a, right[2]), node.outputs[0])]
    return None


@rule(m.switch, examples=[on(lambda a, b: m.switch(m.neq(m.gt(a, 0), 0), a, b), 1, 1)])
def switch_of_truth(node: Apply) -> list[Any] | None:
    """switch(neq(c, 0), x, y) -> switch(c, x, y), switch(~c, x, y) -> switch(c, y, x)."""
    condition, a, b = node.inputs
    tested = args_of(condition, "neq")
    if tested is not None:
        for c, zero in (tested, tested[::-1]):
            if c.type.dtype in DISCRETE and is_constant(zero, 0):
                return [like(m.switch(c, a, b), node.outputs[0])]
    inverse = arg_of(condition, "invert")
    if inverse is not None and inverse.type.dtype == "bool":
        return [like(m.switch(inverse, b, a), node.outputs[0])]
    return None


def _masked(v: Any) -> Any:
    """The operands of `v` where it is a switch with a branch of zeros."""
    parts = args_of(v, "switch")
    if parts is not None and (is_constant(parts[1], 0) or is_constant(parts[2], 0)):
        return parts
    return None


@rule(
    m.mul,
    reason="0 * x is 0, also for what is masked out",
    examples=[
        on(lambda a, b: m.switch(m.gt(a, 0), b, 0) * a, 1, 1),
        on(lambda a, b: a * m.switch(m.gt(a, 0), 0, b), 1, 1),
    ],
)
def mul_sinks_into_switch(node: Apply) -> list[Any] | None:
    """switch(c, x, 0) * y -> switch(c, x * y, 0): what is masked out stays 0, even where y is infinite or nan."""
    inputs: list[Any] = node.inputs
    for k, v in enumerate(inputs):
        parts = _masked(v)
        if parts is None:
            continue
        others = [*inputs[:k], *inputs[k + 1 :]]
        (old,) = node.outputs
        branches = [literal(0, old) if is_constant(b, 0) else m.mul(b, *others) for b in parts[1:]]
        return [like(m.switch(parts[0], *branches), old)]
    return None


@rule(
    m.true_div,
    reason="0 / x is 0, also for what is masked out",
    examples=[on(lambda a, b: m.switch(m.gt(a, 0), b, 0) / a, 1, 1)],
)
def div_sinks_into_switch(node: Apply) -> list[Any] | None:
    """switch(c, x, 0) / y -> switch(c, x / y, 0)."""
    above, below = node.inputs
    parts = _masked(above)
    if parts is None:
        return None
    (old,) = node.outputs
    branches = [literal(0, old) if is_constant(b, 0) else m.true_div(b, below) for b in parts[1:]]
    return [like(m.switch(parts[0], *branches), old)]


@rule(m.neg, examples=[on(lambda a, b: -m.switch(m.gt(a, 0), b, 0), 1, 1)])
def neg_sinks_into_switch(node: Apply) -> list[Any] | None:
    """-switch(c, x, 0) -> switch(c, -x, 0)."""
    parts = _masked(node.inputs[0])
    if parts is None:
        return None
    (old,) = node.outputs
    branches = [literal(0, old) if is_constant(b, 0) else m.neg(b) for b in parts[1:]]
    return [like(m.switch(parts[0], *branches), old)]


SWITCHES = (
    known_switch,
    switch_again,
    switch_of_truth,
    mul_sinks_into_switch,
    div_sinks_into_switch,
    neg_sinks_into_switch,
)
