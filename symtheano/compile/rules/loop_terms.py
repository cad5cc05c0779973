"""Sums in a step as lists of terms, and sums put together so that what does not change meets before what does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.loop_example import loop
from symtheano.compile.rules.loop_parts import STATE, Loop, loop_rule
from symtheano.compile.rules.match import like
from symtheano.graph.variable import Apply
from symtheano.scalar.dtypes import FLOAT
from symtheano.tensor.dot import BatchedDot, Dot
from symtheano.tensor.elemwise import Elemwise, functions

m = functions
_SUMS = ("add", "sub", "neg")


def terms(root: Any, opens: Callable[[Any], bool]) -> list[tuple[int, Any]]:
    """The terms of a sum with their signs; what `opens` refuses is a term, even where it is a sum."""
    found: list[tuple[int, Any]] = []
    stack = [(1, root)]
    while stack:
        sign, v = stack.pop()
        if not (is_sum(v) and v.type.dtype == root.type.dtype and (v is root or opens(v))):
            found.append((sign, v))
            continue
        inputs = v.owner.inputs
        signs = [sign] * len(inputs)
        if v.owner.op.scalar_op.name != "add":
            signs[-1] = -sign
        stack.extend(reversed(list(zip(signs, inputs, strict=True))))
    return found


def is_sum(v: Any) -> bool:
    """Whether a variable is a sum, a difference, or something with another sign."""
    return v.owner is not None and type(v.owner.op) is Elemwise and v.owner.op.scalar_op.name in _SUMS


def added(parts: list[tuple[int, Any]]) -> Any:
    """The sum of terms with signs."""
    plus, minus = ([v for sign, v in parts if sign == s] for s in (1, -1))
    total = None if not plus else plus[0] if len(plus) == 1 else m.add(*plus)
    for v in minus:
        total = m.neg(v) if total is None else m.sub(total, v)
    return total


@loop_rule(
    examples=[
        on(lambda a, b: loop(lambda w, u, p, x: m.tanh(x.dot(w) + p + u), [a, b], [b], [a.T]).after(0), 2, 1),
        on(lambda a, b: loop(lambda u, v, p, x: m.tanh(x - (p - u) + v), [b, b * 2], [b], [a]).after(0), 2, 1),
    ],
    reason="the order of additions does not matter",
)
def sums_by_dependence(loop: Loop) -> bool:
    """(dot(x_t, w) + h) + b -> (dot(x_t, w) + b) + h: what does not depend on states is added up by itself."""
    known, users, roots = loop.dependence(), loop.users(), set(loop.roots())
    change: dict[Any, Any] = {}
    products: set[Any] = set()

    def inner(v: Any) -> bool:
        return known.get(v, 0) >= STATE and len(users.get(v, ())) == 1 and v not in roots

    for node in loop.nodes():
        (v, *_) = node.outputs
        if type(node.op) in (Dot, BatchedDot) or any(i in products for i in node.inputs):
            products.add(v)
        if known[v] < STATE or not is_sum(v) or v.type.dtype not in FLOAT or (inner(v) and _in_sum(users[v][0])):
            continue
        parts = terms(v, inner)
        free = [part for part in parts if known.get(part[1], 0) < STATE]
        pays = any(known.get(w, 0) and w in products for _, w in free) or sum(not known.get(w, 0) for _, w in free) > 1
        if len(free) > 1 and pays:
            moving = [part for part in parts if known.get(part[1], 0) >= STATE]
            change[v] = like(added([(1, added(free)), *moving]), v)
    loop.replace(change)
    return bool(change)


def _in_sum(node: Apply) -> bool:
    return is_sum(node.outputs[0])


TERMS = (sums_by_dependence,)
