"""Closing a step: what it uses of the world outside the loop, and which shared variables the loop advances."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from symtheano.errors import MissingInputError, explain
from symtheano.graph.shared import SharedVariable
from symtheano.graph.variable import Constant, Variable
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

    Numbers and small integer vectors are left in the step.
    """
    varying, stop = set(own), {*own, *whole}
    found: dict[Variable, None] = {}
    for node in toposort(roots, stop):
        if any(i in varying for i in node.inputs):
            varying.update(o for o in node.outputs if o not in stop)
            found.update(dict.fromkeys(i for i in node.inputs if i not in varying and not _stays(i)))
    found.update(dict.fromkeys(r for r in roots if r not in varying and not _stays(r)))
    return list(found)


def _stays(variable: Variable) -> bool:
    if not isinstance(variable, Constant):
        return False
    kind = variable.type
    if not isinstance(kind, TensorType) or kind.ndim == 0:
        return True
    return kind.ndim == 1 and is_discrete(kind.dtype) and int(variable.data.size) <= MOST_SIZES


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
