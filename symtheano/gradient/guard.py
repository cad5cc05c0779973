"""Guards: cotangents that matter only where conditions hold, so that what only one branch needs stays in that branch.

The cotangent of `ifelse(c, f(x), g(x))` flows into f(x) as it is, with the guard `c holds`, and into g(x) with the
guard that it does not. Pullbacks go on with the bare values. Where cotangents of other guards meet, the guards turn
into values: `ifelse(c, by f, by g)`. So the pullback of f, like f itself, is needed only where c holds.

An op takes part by two methods: `routes(node)` says which input becomes which output if the condition (its input 0)
holds, or if not; `choose(condition, a, b)` is the expression that selects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symtheano.gradient.null import is_disconnected, is_null
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.convert import constant
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.math import cast
from symtheano.tensor.type import TensorType

Sum = Callable[[Variable, Sequence[Variable]], Variable]


class Guard:
    """A condition that holds (`side`) or does not, inside of `outer`; the outermost one has no condition."""

    def __init__(self, outer: Guard | None, op: Any, condition: Any, side: bool):
        self.outer, self.op, self.condition, self.side = outer, op, condition, side
        self.depth: int = 0 if outer is None else outer.depth + 1
        self._inner: dict[tuple[Variable, bool], Guard] = {}

    def inside(self, op: Any, condition: Variable, side: bool) -> Guard:
        """The guard of a branch within this one."""
        key = (condition, side)
        found = self._inner.get(key)
        if found is None:
            found = self._inner[key] = Guard(self, op, condition, side)
        return found


class Guarded:
    """A cotangent, and where it matters. Elsewhere it is zero, whatever `value` may be."""

    def __init__(self, guard: Guard, value: Variable):
        self.guard, self.value = guard, value


Cotangent = Variable | Guarded


def guarded(guard: Guard, value: Variable) -> Cotangent:
    """A cotangent behind a guard. What is no number needs none."""
    if guard.outer is None or is_disconnected(value) or is_null(value):
        return value
    return Guarded(guard, value)


def bare(cotangent: Cotangent) -> Variable:
    """The value, whatever its guard is."""
    return cotangent.value if isinstance(cotangent, Guarded) else cotangent


def routed(node: Apply, cotangents: Sequence[Cotangent], pattern: Sequence[Sequence[bool]], root: Guard) -> list[Any]:
    """The terms of the inputs of a node that only selects."""
    op: Any = node.op
    live = [not is_disconnected(bare(g)) for g in cotangents]
    terms: list[Any] = []
    for x, row, route in zip(node.inputs, pattern, op.routes(node), strict=True):
        if not any(r and l for r, l in zip(row, live, strict=True)):
            terms.append(disconnected_type())
        elif route is None or is_discrete(getattr(node.outputs[route[0]].type, "dtype", "")):
            terms.append(zeros_of(x))
        else:
            g = cotangents[route[0]]
            outer = g.guard if isinstance(g, Guarded) else root
            terms.append(guarded(outer.inside(op, node.inputs[0], route[1]), bare(g)))
    return terms


def agreed(cotangents: Sequence[Cotangent], outputs: Sequence[Variable], root: Guard) -> tuple[Guard, list[Variable]]:
    """The guard that several cotangents have in common, and their values within it."""
    common = _common(cotangents, root)
    return common, [_within(common, x, g) for x, g in zip(outputs, cotangents, strict=True)]


def gathered(x: Variable, terms: Sequence[Cotangent], add: Sum, root: Guard) -> Cotangent:
    """The sum of the cotangents of `x`."""
    plain = [t for t in terms if not isinstance(t, Guarded)]
    if len(plain) == len(terms) or any(is_null(t) for t in plain):
        return add(x, plain)
    terms = [t for t in terms if isinstance(t, Guarded) or not is_disconnected(t)]
    common = _common(terms, root)
    return guarded(common, _summed(x, terms, add, common, root))


def settled(x: Variable, cotangent: Cotangent) -> Variable:
    """A cotangent as a value: zeros where it does not matter."""
    while isinstance(cotangent, Guarded):
        guard, value = cotangent.guard, cotangent.value
        assert guard.outer is not None
        cotangent = guarded(guard.outer, _chosen(x, guard, {guard.side: value}))
    return cotangent


def _within(common: Guard, x: Variable, cotangent: Cotangent) -> Variable:
    while isinstance(cotangent, Guarded) and cotangent.guard is not common:
        guard, value = cotangent.guard, cotangent.value
        assert guard.outer is not None
        cotangent = guarded(guard.outer, _chosen(x, guard, {guard.side: value}))
    return bare(cotangent)


def _common(cotangents: Sequence[Cotangent], root: Guard) -> Guard:
    """The innermost guard that is around all of those that matter."""
    guards = [g.guard if isinstance(g, Guarded) else root for g in cotangents if not is_disconnected(bare(g))]
    common: Any = guards[0] if guards else root
    for guard in guards[1:]:
        other: Any = guard
        while common is not other:
            if common.depth >= other.depth:
                common = common.outer
            else:
                other = other.outer
    return common  # type: ignore[no-any-return]


def _summed(x: Variable, terms: Sequence[Cotangent], add: Sum, common: Guard, root: Guard) -> Variable:
    """The sum within the common guard: the innermost guards turn into values first."""
    waiting: dict[Guard, list[Variable]] = {}
    for term in terms:
        waiting.setdefault(term.guard if isinstance(term, Guarded) else root, []).append(bare(term))
    while list(waiting) != [common]:
        depth = max(guard.depth for guard in waiting)
        pairs: dict[tuple[Guard, Variable], dict[bool, Guard]] = {}
        for guard in [g for g in waiting if g.depth == depth]:
            assert guard.outer is not None
            pairs.setdefault((guard.outer, guard.condition), {})[guard.side] = guard
        for (outer, _), sides in pairs.items():
            values = {side: add(x, waiting.pop(guard)) for side, guard in sides.items()}
            waiting.setdefault(outer, []).append(_chosen(x, next(iter(sides.values())), values))
    return add(x, waiting[common])


def _chosen(x: Any, guard: Guard, values: dict[bool, Variable]) -> Variable:
    some: Any = next(iter(values.values()))
    if len(values) == 1:
        zeros = x.zeros_like()
        if isinstance(x.type, TensorType):
            zeros = functions.second(x, constant(0, dtype=some.type.dtype))
        values = {**values, not next(iter(values)): zeros}
    elif values[True].type != some.type or values[False].type != some.type:
        # Terms of several dtypes (those of an integer variable): in one that holds both.
        dtype = functions.add(values[True], values[False]).type.dtype
        values = {side: cast(v, dtype) for side, v in values.items()}
    return guard.op.choose(guard.condition, values[True], values[False])  # type: ignore[no-any-return]
