"""Closing a step: what it uses of the world outside the loop, and which shared variables the loop advances."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from symtheano.errors import MissingInputError, explain
from symtheano.graph.shared import SharedVariable
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.graph.walk import graph_inputs, toposort
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.type import TensorType
from symtheano.tensor.updates import update_value, updates_of

MOST_SIZES = 16  # an integer vector of up to so many elements is a shape or a list of places: it stays in the step


def with_defaults(
    updates: Mapping[Any, Any], roots: Sequence[Variable], whole: Collection[Variable]
) -> OrderedDict[Any, Any]:
    """`updates`, and the default updates of the shared variables that the step's values depend on.

    whole: variables that are taken as they are, whatever they are made of.
    """
    found = OrderedDict(updates_of(updates))
    seen: set[Variable] = set()
    queue = [*roots, *found.values()]
    while queue:
        fresh = [s for s in _shared(queue, whole) if s not in seen]
        seen.update(fresh)
        queue = []
        for s in fresh:
            if s not in found and s.default_update is not None:
                found[s] = update_value(s, s.default_update)
                queue.append(found[s])
    return found


def _shared(variables: Sequence[Variable], whole: Collection[Variable]) -> list[SharedVariable]:
    return [v for v in graph_inputs(variables, whole) if isinstance(v, SharedVariable)]


def outer_variables(roots: Sequence[Variable], own: Collection[Variable], whole: Collection[Variable]) -> list[Any]:
    """What `roots` use that does not depend on the step's own variables: the largest such expressions, in order.

    Numbers and small integer vectors that depend on nothing at all are left in the step.
    """
    varying, stop = set(own), {*own, *whole}
    free: set[Variable] = set()  # what is computed from constants alone
    found: dict[Variable, None] = {}

    def use(variables: Sequence[Variable]) -> None:
        for v in variables:
            if v not in varying and not ((v in free or isinstance(v, Constant)) and _is_small(v)):
                found[v] = None

    order = toposort(roots, stop)
    needed = _needed(roots, order)
    for node in order:
        outputs = [o for o in node.outputs if o not in stop]
        if any(i in varying for i in node.inputs):
            varying.update(outputs)
            if node in needed:
                use(_read(node))
        elif all(i in free or isinstance(i, Constant) for i in node.inputs):
            free.update(outputs)
    use(roots)
    return list(found)


def _needed(roots: Sequence[Variable], order: Sequence[Apply]) -> set[Apply]:
    """Which nodes a closed graph of `roots` has."""
    live = set(roots)
    for node in reversed(order):
        if not live.isdisjoint(node.outputs):
            live.update(_read(node))
    return {node for node in order if not live.isdisjoint(node.outputs)}


def _read(node: Apply) -> Sequence[Variable]:
    """The inputs that count: one, where the output is that one (Op.stands_for)."""
    return node.inputs if node.op.stands_for is None else [node.inputs[node.op.stands_for]]


def _is_small(variable: Variable) -> bool:
    """Whether it is no array, or one of a single element, or a shape or list of a few places."""
    kind = variable.type
    if not isinstance(kind, TensorType) or all(n == 1 for n in kind.shape):
        return True
    length = kind.shape[0]
    return kind.ndim == 1 and is_discrete(kind.dtype) and length is not None and length <= MOST_SIZES


def check_strict(roots: Sequence[Variable], known: Collection[Variable]) -> None:
    """strict=True: MissingInputError where the step uses a shared variable that is not among `known`."""
    allowed = set(known)
    for variable in _shared(roots, allowed):
        if variable in allowed:
            continue
        raise MissingInputError(
            explain(
                f"ScanOp is missing an input: {variable}",
                operands=[f"{variable}: {variable.type}"],
                where=str(variable.line or ""),
                remedy="with strict=True, every shared variable that a step uses must be listed in non_sequences",
            ),
            variable=variable,
        )
