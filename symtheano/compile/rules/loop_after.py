"""What steps compute only to collect it is computed after the loop, where that makes one product of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.loop_batch import stacked
from symtheano.compile.rules.loop_example import loop
from symtheano.compile.rules.loop_parts import Loop, State, is_tensor, loop_rule
from symtheano.graph.variable import Apply
from symtheano.graph.walk import ancestors
from symtheano.scan.op import Scan
from symtheano.tensor.batching import can_stack
from symtheano.tensor.dot import Dot
from symtheano.tensor.elemwise import functions

m = functions


class Region:
    """What a step computes that no later step needs. moved: what of it leaves the loop; leaves: what that reads."""

    def __init__(self, loop: Loop):
        self.loop, self.known = loop, loop.dependence()
        self.core = set(ancestors([*(s.new for s in loop.carry), *loop.stop]))
        self.core.update(loop.inputs())
        self.movable: set[Any] = set()
        self.paying: set[Any] = set()
        for node in loop.nodes():
            self._look(node)

    def _look(self, node: Apply) -> None:
        varying = [bool(self.known.get(i, 0)) for i in node.inputs]
        if not any(self.known[o] for o in node.outputs) or any(o in self.core for o in node.outputs):
            return
        if not can_stack(node, varying):
            return
        self.movable.update(o for o in node.outputs)
        shared = type(node.op) is Dot and not all(varying)
        if shared or any(i in self.paying for i in node.inputs):
            self.paying.update(node.outputs)

    def leaves(self, roots: Sequence[Any]) -> list[Any]:
        """What is traced so that `roots` can be computed outside."""
        found: dict[Any, None] = {}
        seen: set[Any] = set()
        stack = list(reversed(roots))
        while stack:
            v = stack.pop()
            if v in seen or not self.known.get(v, 0):
                continue
            seen.add(v)
            if v in self.paying or (v in self.movable and self._is_given(v)):
                stack.extend(reversed(v.owner.inputs))
            else:
                found[v] = None
        return list(found)

    def _is_given(self, v: Any) -> bool:
        """Whether all that `v` is computed of has rows outside already."""
        given = {*self.loop.xs, *(s.inner for s in self.loop.carry), *(s.new for s in self.loop.carry)}
        stack, seen = [v], set[Any]()
        while stack:
            w = stack.pop()
            if w in seen or w in given or not self.known.get(w, 0):
                continue
            seen.add(w)
            if w not in self.movable or len(seen) > _SMALL:
                return False
            stack.extend(w.owner.inputs)
        return True


_SMALL = 20


@loop_rule(
    examples=[
        on(
            lambda a, b: loop(lambda w, v, p, x: [q := m.tanh(x + p.dot(w)), q.dot(v)], [b, b], [b[0]], [a]).after(1),
            2,
            2,
        ),
        on(lambda a, b: loop(lambda w, p, x: [q := p * x, m.exp((q + 1).dot(w))], [b], [b], [a]).after(1), 3, 2),
        on(lambda a, b: _two(loop(lambda w, p, x: [q := p * x, m.exp((q * p).dot(w))], [b], [b], [a])), 3, 2),
    ],
    reason="rows of a product are products of rows",
)
def products_after(loop: Loop) -> bool:
    """y_t = g(dot(h_t, v)) -> g(dot(h, v)) after the loop, where no step needs y."""
    if loop.until:
        return False
    region = Region(loop)
    moved = [s for s in loop.results if s.new in region.paying and "after" in s.read]
    if not moved:
        return False
    roots = [s.new for s in moved]
    leaves = region.leaves(roots)
    for state in moved:
        loop.results.remove(state)
    rows = {v: loop.rows(v) for v in leaves}
    for state, after in zip(moved, stacked(loop, rows, roots), strict=True):
        state.gone(after=after, last=loop.last_row(after))
    return True


def _two(made: Any) -> list[Any]:
    return [made.last(1), made.after(1)]


@loop_rule(
    examples=[
        on(lambda a, b: loop(lambda p, x: [q := p * x, m.exp(q + p)], [], [b], [a]).last(1), 2, 1),
        on(lambda a, b: loop(lambda w, p, x: [q := p * x, m.exp(q * x).dot(w)], [b], [b[0]], [a]).last(1), 2, 2),
        on(
            lambda a, b: loop(lambda p, x: [q := p + x, m.tanh(q), q.sum() > 3], [], [b], [a], until=True).last(1), 2, 1
        ),
    ],
    reason="a function of the last values is the last value of the function",
)
def last_result_after(loop: Loop) -> bool:
    """A result of which only the last value is read is computed after the loop."""
    known = loop.dependence()
    moved = [
        s for s in loop.results if s.read == {"last"} and s.new.owner is not None and known[s.new] and is_tensor(s.new)
    ]
    if not moved:
        return False
    core = set(ancestors([*(s.new for s in loop.carry), *loop.stop])) | set(loop.inputs())
    moved = [
        s
        for s in moved
        if s.new not in core and not any(_stays(n) for n in loop.nodes([s.new]) if n.outputs[0] not in core)
    ]
    for state in moved:
        _after(loop, state, core, known)
    return bool(moved)


def _stays(node: Apply) -> bool:
    return isinstance(node.op, Scan) or not all(is_tensor(v) for v in (*node.inputs, *node.outputs))


def _after(loop: Loop, state: State, core: set[Any], known: dict[Any, int]) -> None:
    loop.results.remove(state)
    found: dict[Any, None] = {}
    stack, seen = [state.new], set[Any]()
    while stack:
        v = stack.pop()
        if v in seen or not known.get(v, 0):
            continue
        seen.add(v)
        if v in core:
            found[v] = None
        else:
            stack.extend(reversed(v.owner.inputs))
    (last,) = loop.outside_of([state.new], {v: loop.final(v) for v in found})
    state.gone(last=loop.if_any(last))


AFTER = (last_result_after, products_after)
