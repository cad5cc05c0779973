"""Sums over steps that nobody needs before the end: products that are added up are one product, after the loop.

So the gradients of a recurrent network's weights, sums of x_t^T d_t over all steps, become one matrix product each.
"""

from __future__ import annotations

from typing import Any

from symtheano.compile.loop_memory import is_dear
from symtheano.compile.rules.example import on
from symtheano.compile.rules.loop_batch import stackable, stacked
from symtheano.compile.rules.loop_example import loop
from symtheano.compile.rules.loop_parts import Loop, State, is_tensor, loop_rule
from symtheano.compile.rules.loop_terms import added, is_sum, terms
from symtheano.compile.rules.match import args_of, cast_to, like
from symtheano.graph.variable import Apply
from symtheano.graph.walk import toposort
from symtheano.tensor.batching import matrix_of_rows, stretched
from symtheano.tensor.dot import Dot, transposed
from symtheano.tensor.elemwise import DimShuffle, dimshuffle, functions
from symtheano.tensor.index_advanced import AdvancedIncSubtensor1
from symtheano.tensor.reshape import reshape
from symtheano.tensor.sizes import shape_i

m = functions


class Sums:
    """The sums over steps of one loop."""

    def __init__(self, loop: Loop):
        self.loop, self.known, self.users = loop, loop.dependence(), loop.users()
        self.roots = loop.roots()
        self.from_xs = stackable(loop, loop.xs, self.roots)

    def accumulators(self) -> list[State]:
        """Carried values that are read only to be added to, and outside only when the loop is over."""
        return [s for s in self.loop.carry if self._is_accumulator(s)]

    def _is_accumulator(self, state: State) -> bool:
        if not is_tensor(state.new) or state.new.owner is None or state.read != {"last"}:
            return False
        if len(self.users.get(state.inner, ())) != 1 or any(r is state.inner for r in self.roots):
            return False
        return not self.users.get(state.new) and sum(r is state.new for r in self.roots) == 1

    # -- totals --------------------------------------------------------------------------------------------------------
    def addends(self, state: State) -> list[tuple[int, Any]] | None:
        """The terms, with their signs, that a step adds to what is carried; None where it does something else."""
        if not is_sum(state.new):
            return None
        found = terms(state.new, lambda v: len(self.users.get(v, ())) == 1 and not any(r is v for r in self.roots))
        own = [sign for sign, v in found if v is state.inner]
        return [part for part in found if part[1] is not state.inner] if own == [1] else None

    def total(self, v: Any, free_only: bool) -> Any:
        """The sum over all steps of an inside variable; None where it is better summed up in the loop.

        free_only: only where what it is made of is given outside anyway.
        """
        if not self.known.get(v, 0):
            (value,) = self.loop.outside_of([v])
            return m.mul(cast_to(self.loop.n, v.type.dtype), value)
        inner = args_of(v, "neg")
        if inner is not None:
            found = self.total(inner[0], free_only)
            return None if found is None else m.neg(found)
        if not free_only:
            return self._of_product(v)
        return self._of_rows(v)

    def _of_product(self, v: Any) -> Any:
        node = v.owner
        if node is not None and type(node.op) is Dot and all(self.known.get(i, 0) for i in node.inputs):
            a, b = node.inputs
            return Dot()(self._left(a), self._right(b))
        return self._of_outer(v)

    def _left(self, a: Any) -> Any:
        """The first operands side by side: columns of all steps."""
        if a.type.ndim == 1:
            return self._flat(a)
        if type(getattr(a.owner, "op", None)) is DimShuffle and a.owner.op.new_order == (1, 0):
            return dimshuffle(matrix_of_rows(self.rows(a.owner.inputs[0])), (1, 0))
        return dimshuffle(matrix_of_rows(transposed(self.rows(a))), (1, 0))

    def _right(self, b: Any) -> Any:
        return self._flat(b) if b.type.ndim == 1 else matrix_of_rows(self.rows(b))

    def _flat(self, v: Any) -> Any:
        rows = self.rows(v)
        return reshape(rows, [shape_i(rows, 0) * shape_i(rows, 1)])

    def _of_outer(self, v: Any) -> Any:
        """x[:, None] * y[None, :], also times numbers: the outer product of vectors."""
        factors = args_of(v, "mul")
        if factors is None or v.type.broadcastable != (False, False):
            return None
        numbers = [f for f in factors if f.type.ndim == 2 and all(f.type.broadcastable) and not self.known.get(f, 0)]
        vectors = [f for f in factors if not any(f is n for n in numbers)]
        patterns = [f.type.broadcastable for f in vectors]
        if sorted(patterns) != [(False, True), (True, False)] or not all(self.known.get(f, 0) for f in vectors):
            return None
        column, row = vectors if patterns[0] == (False, True) else vectors[::-1]
        x, y = (self.rows(w) for w in (_vector(column, 0), _vector(row, 1)))
        product = Dot()(dimshuffle(x, (1, 0)), y)
        return product if not numbers else m.mul(product, *self.loop.outside_of(numbers))

    def _of_rows(self, v: Any) -> Any:
        """The sum over time of a function of what is given outside anyway."""
        given = dict.fromkeys(self.loop.xs)
        given.update((s.inner, None) for s in self.loop.carry if "before" in s.read)
        for state in (*self.loop.carry, *self.loop.results):
            if "after" in state.read and "after" not in state.outside and is_tensor(state.new):
                given[state.new] = None
        if v not in stackable(self.loop, given, [v]) or self._twice(v, given):
            return None
        leaves = {w: self.loop.rows(w) for w in given if w in _below(v, given)}
        (rows,) = stacked(self.loop, leaves, [v])
        return cast_to(rows.sum(axis=0), v.type.dtype)

    def _twice(self, v: Any, given: Any) -> bool:
        """Whether something dear would be computed both in the loop, which needs it, and after it."""
        sums = {s.new for s in self.accumulators() if self.addends(s) is not None}
        stays = set(self.loop.nodes([r for r in self.roots if r not in sums]))
        return any(node in stays and is_dear(node) for node in toposort([v], given))

    def rows(self, v: Any) -> Any:
        """`v` in all steps: computed of sequences where it can be, else collected."""
        if v in self.from_xs and v not in self.loop.xs:
            return stacked(self.loop, self.loop.xs, [v])[0]
        return self.loop.rows(v)


def _vector(v: Any, axis: int) -> Any:
    return dimshuffle(v, (axis,))


def _below(v: Any, given: Any) -> set[Any]:
    """What of `given` a variable is computed of."""
    seen: set[Any] = set()
    stack = [v]
    while stack:
        w = stack.pop()
        if w not in seen:
            seen.add(w)
            if w not in given and w.owner is not None:
                stack.extend(w.owner.inputs)
    return seen & set(given)


@loop_rule(
    examples=[
        on(lambda a, b: loop(lambda p, g, x: [q := p * x, g + x.T.dot(q)], [], [b, b], [a]).last(1), 3, 2),
        on(lambda a, b: _grads(loop(lambda p, g, h, x: [q := p * x, g + x.T.dot(q), h - q], [], [b, b, b], [a])), 3, 2),
        on(lambda a, b: loop(lambda p, g, x: [q := p * x, g + _outer(p, q)], [], [b[0], b], [a]).last(1), 2, 2),
        on(
            lambda a, b: loop(lambda p, g, x: [q := p * x.sum(axis=0), g + x.dot(q)], [], [b[0], b[:, 0]], [a]).last(1),
            3,
            2,
        ),
        on(
            lambda a, b: loop(lambda p, g, x: [q := p * x.sum(axis=1), g + q.dot(x)], [], [b[0], b[:, 0]], [a]).last(1),
            3,
            2,
        ),
        on(lambda a, b: loop(lambda p, g, x: [q := p * x, g + q.dot(x) + q * q], [], [b, b], [a]).last(1), 3, 2),
        on(lambda a, b: loop(lambda g, x: [g + m.exp(x)], [], [b], [a]).last(0), 3, 2),
    ],
    reason="a sum of products is a product of rows and columns",
)
def sums_of_products(loop: Loop) -> bool:
    """g' = g + dot(a_t, b_t) in each step -> g + dot(a, b) after the loop, of all columns of a and all rows of b."""
    if loop.until:
        return False
    sums = Sums(loop)
    open_: list[tuple[State, list[tuple[int, Any]], list[tuple[int, Any]]]] = []
    for state in sums.accumulators():
        parts = sums.addends(state)
        if parts is not None:
            open_.append((state, parts, []))
    for free_only in (False, True):
        for _, parts, totals in open_:
            for part in list(parts):
                found = sums.total(part[1], free_only)
                if found is not None:
                    parts.remove(part)
                    totals.append((part[0], found))
    fired = False
    for state, parts, totals in open_:
        if totals:
            _settle(loop, state, parts, totals)
            fired = True
    return fired


def _settle(loop: Loop, state: State, left: list[tuple[int, Any]], totals: list[tuple[int, Any]]) -> None:
    """What is left of a sum stays in the loop; the totals are added outside."""
    place = loop.carry.index(state)
    if left:
        rest = State(like(added([(1, state.inner), *left]), state.inner), state.inner, state.first)
        loop.carry[place] = rest
        value = loop.output(rest, "last")
    else:
        del loop.carry[place]
        value = state.first
    state.gone(last=added([(1, value), *totals]))


def _grads(made: Any) -> list[Any]:
    return [made.last(1), made.last(2), made.after(0)]


def _outer(x: Any, y: Any) -> Any:
    return dimshuffle(x, (0, "x")) * dimshuffle(y, ("x", 0))


def _written(a: Any, b: Any) -> Any:
    def step(p: Any, g: Any, i: Any, x: Any) -> list[Any]:
        return [q := p * x, AdvancedIncSubtensor1()(g, q, i)]

    places = m.abs_(a[:, :, 0])
    return loop(step, [], [b, b], [(places > 1e9).astype("int64"), a]).last(1)


@loop_rule(examples=[on(_written, 3, 2)], reason="the order of additions in one place does not matter")
def sums_at_places(loop: Loop) -> bool:
    """g' = inc(g, i_t, y_t) in each step -> inc(g, i, y) after the loop."""
    if loop.until:
        return False
    sums = Sums(loop)
    fired = False
    for state in sums.accumulators():
        node: Apply = state.new.owner
        if (
            type(node.op) is not AdvancedIncSubtensor1
            or node.op.set_instead_of_inc
            or node.inputs[0] is not state.inner
        ):
            continue
        _, y, places = node.inputs
        if y.type.ndim != state.inner.type.ndim or any(y.type.broadcastable):
            continue
        values, where = (_all_rows(sums, v) for v in (y, places))
        loop.carry.remove(state)
        state.gone(last=node.op(state.first, _joined(values), _joined(where)))
        fired = True
    return fired


def _all_rows(sums: Sums, v: Any) -> Any:
    if sums.known.get(v, 0):
        return sums.rows(v)
    return stretched((sums.loop.outside_of([v])[0], False), sums.loop.n)


def _joined(rows: Any) -> Any:
    lengths = [shape_i(rows, k) for k in range(rows.type.ndim)]
    return reshape(rows, [lengths[0] * lengths[1], *lengths[2:]])


SUMS = (sums_of_products, sums_at_places)
