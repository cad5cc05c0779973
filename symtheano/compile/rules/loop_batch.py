"""What depends on sequences and constants only is computed of all steps at once, before the loop.

It pays where a product is in it (all steps' products are one large product), and where the loop then has no need of it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.loop_example import loop
from symtheano.compile.rules.loop_parts import XS, Loop, State, is_tensor, loop_rule
from symtheano.graph.variable import Apply
from symtheano.tensor.batching import can_stack, stack_node
from symtheano.tensor.dot import BatchedDot, Dot
from symtheano.tensor.elemwise import functions

m = functions
PRODUCTS = (Dot, BatchedDot)


def stackable(loop: Loop, leaves: Collection[Any], roots: Sequence[Any]) -> set[Any]:
    """The variables below `roots` that can be computed of rows of `leaves` and of constants, and depend on a leaf."""
    known = loop.dependence()
    found = set(leaves)
    for node in loop.nodes(roots):
        stacked = [i in found for i in node.inputs]
        ready = all(s or known.get(i, 0) == 0 for i, s in zip(node.inputs, stacked, strict=True))
        if ready and any(stacked) and can_stack(node, stacked):
            found.update(o for o in node.outputs if known[o])
    return found


def stacked(loop: Loop, leaves: dict[Any, Any], roots: Sequence[Any]) -> list[Any]:
    """`roots` of all steps outside, from the rows of `leaves`; those of them that are the same in all are repeated."""
    env: dict[Any, tuple[Any, bool]] = {v: (rows, True) for v, rows in leaves.items()}
    for node in _above(leaves, roots):
        if not any(env.get(i, (i, False))[1] for i in node.inputs):
            continue
        plain = [i for i in node.inputs if i not in env]
        env.update((i, (o, False)) for i, o in zip(plain, loop.outside_of(plain), strict=True))
        made = stack_node(node, [env[i] for i in node.inputs], loop.n)
        assert made is not None
        env.update(zip(node.outputs, made, strict=True))
    return [env[v][0] if env[v][1] else loop.repeated(env[v][0]) for v in roots]


def _above(leaves: Collection[Any], roots: Sequence[Any]) -> list[Apply]:
    """The nodes between leaves and roots."""
    order: list[Apply] = []
    seen: set[Apply] = set()
    stack = [(v.owner, False) for v in reversed(roots) if v not in leaves]
    while stack:
        node, entered = stack.pop()
        if entered:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(i.owner, False) for i in node.inputs if i not in leaves]
    return order


def with_product(loop: Loop, inside: Collection[Any], roots: Sequence[Any]) -> set[Any]:
    """The variables of `inside` in which there is a product."""
    found: set[Any] = set()
    for node in loop.nodes(roots):
        if any(o in inside for o in node.outputs):
            if type(node.op) in PRODUCTS or any(i in found for i in node.inputs):
                found.update(o for o in node.outputs if o in inside)
    return found


@loop_rule(
    examples=[
        on(lambda a, b: loop(lambda w, p, x: m.tanh(x.dot(w) + p), [a], [b], [a.T]).after(0), 2, 1),
        on(lambda a, b: loop(lambda w, p, x: m.tanh(m.exp(x).dot(w) + p), [b], [b], [a]).after(0), 3, 2),
        on(lambda a, b: loop(lambda w, p, x: m.tanh(w.dot(x) + p), [b], [b], [a]).after(0), 3, 2),
        on(lambda a, b: loop(lambda w, p, x: m.tanh(x.dot(x) + w.dot(p)), [b], [b], [a]).after(0), 3, 2),
        on(lambda a, b: loop(lambda w, p, x: m.tanh(w.dot(x.sum(axis=0)) + p), [b], [b[0]], [a]).after(0), 3, 2),
    ],
    reason="rows of a product are products of rows",
)
def products_of_sequences(loop: Loop) -> bool:
    """dot(x_t, w) -> a row of dot(x, w): products of what does not depend on states are one product for all steps."""
    if loop.until:
        return False
    front = _front(loop)
    if not front:
        return False
    rows = stacked(loop, loop.xs, front)
    loop.replace({v: loop.element(r, v.type) for v, r in zip(front, rows, strict=True)})
    return True


def _front(loop: Loop) -> list[Any]:
    """What steps read of values with a product in them that depend on sequences only."""
    known = loop.dependence()
    if not any(type(node.op) in PRODUCTS and known[node.outputs[0]] == XS for node in loop.nodes()):
        return []
    inside = stackable(loop, loop.xs, loop.roots())
    products = with_product(loop, inside, loop.roots())
    moved = {v for v in products if v.owner is not None} - loop.lazy()
    readers = [i for node in loop.nodes() if not any(o in moved for o in node.outputs) for i in node.inputs]
    return [v for v in dict.fromkeys([*readers, *loop.roots()]) if v in moved]


@loop_rule(
    examples=[
        on(lambda a, b: loop(lambda w, x: [m.exp(x) * w + 1, x.sum()], [b], [], [a]).after(0), 2, 1),
        on(lambda a, b: [(made := loop(lambda w, x: x * w, [b], [], [a])).last(0), made.after(0)], 2, 1),
        on(lambda a, b: [(made := loop(lambda p, x: [p + x, x[1:] * 2], [], [b], [a])).last(1), made.last(0)], 2, 1),
    ],
    reason="a function of each row is a function of all",
)
def results_of_sequences(loop: Loop) -> bool:
    """What is collected of sequences only is computed of all steps at once."""
    if loop.until:
        return False
    wanted = [s for s in loop.results if is_tensor(s.new) and loop.dependence().get(s.new) == XS]
    if not wanted:
        return False
    inside = stackable(loop, loop.xs, [s.new for s in wanted])
    moved = [s for s in wanted if s.new in inside and s.new.owner is not None]
    for state in moved:
        _move_out(loop, state, loop.xs)
    return bool(moved)


def _move_out(loop: Loop, state: State, leaves: dict[Any, Any]) -> None:
    loop.results.remove(state)
    if "after" in state.read:
        (rows,) = stacked(loop, leaves, [state.new])
        state.gone(after=rows, last=loop.last_row(rows))
        return
    ends = {v: loop.last_row(rows) for v, rows in leaves.items()}
    (last,) = loop.outside_of([state.new], ends)
    state.gone(last=loop.if_any(last))


BATCHES = (products_of_sequences, results_of_sequences)
