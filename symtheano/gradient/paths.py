"""Which nodes lie on a connected path from `wrt` to what is differentiated, and why a variable lies on none."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from symtheano.graph.op import connection_pattern
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.graph.walk import ancestors, equal_computations, toposort
from symtheano.tensor.elemwise import Elemwise

Pattern = list[list[bool]]
MOST_BLOCKERS = 3  # blocking nodes that a message names


@dataclass
class Paths:
    """The nodes between `wrt` and `outputs`, each with its connection pattern, in topological order.

    reached: the variables whose value depends, along connected edges, on an element of wrt. A variable in `fixed` is
    reached but leads no further: its gradient is given, so what reads it does not matter.
    """

    nodes: list[tuple[Apply, Pattern]] = field(default_factory=list)
    reached: set[Variable] = field(default_factory=set)


def connected_paths(
    wrt: Sequence[Variable],
    outputs: Sequence[Variable],
    constants: Collection[Variable] = (),
    fixed: Collection[Variable] = (),
    elemwise: bool = False,
) -> Paths:
    """The connected paths from `wrt` to `outputs`. Nothing flows into the owner of one of `constants`.

    elemwise: elementwise functions count as depending on all their inputs, on those that give only a shape as well.
    """
    paths = Paths(reached=set(wrt))
    reached = paths.reached
    for node in toposort(outputs, constants):
        live = [i in reached and i not in fixed for i in node.inputs]
        if not any(live):
            continue
        all_matter = elemwise and isinstance(node.op, Elemwise)
        pattern = [[True]] * len(node.inputs) if all_matter else connection_pattern(node)
        hit = False
        for position, output in enumerate(node.outputs):
            if output in constants:
                continue
            if any(l and row[position] for l, row in zip(live, pattern, strict=True)):
                reached.add(output)
                hit = True
        if hit:
            paths.nodes.append((node, pattern))
    return paths


def why_disconnected(x: Variable, outputs: Sequence[Variable], constants: Collection[Variable]) -> str:
    """One or two sentences: why no connected path leads from `x` to `outputs`."""
    cone = ancestors(outputs)
    if x not in set(cone):
        return f"{x} is not part of the expression.{_twin(x, cone)}"
    reached, blockers = {x}, list[str]()
    for node in toposort(outputs):
        live = [i in reached for i in node.inputs]
        if not any(live):
            continue
        pattern = connection_pattern(node)
        for position, output in enumerate(node.outputs):
            if not any(l and row[position] for l, row in zip(live, pattern, strict=True)):
                through = ", ".join(str(i) for i, l in zip(node.inputs, live, strict=True) if l)
                blockers.append(f"{node.op}({through}){_at(node)}")
            elif output in constants:
                blockers.append(f"{output} in consider_constant{_at(node)}")
            else:
                reached.add(output)
    if any(o in reached for o in outputs):
        return "an Op on the path returned DisconnectedType as its gradient, or a known gradient is disconnected."
    shown = ", ".join(blockers[:MOST_BLOCKERS])
    more = f" and {len(blockers) - MOST_BLOCKERS} more" if len(blockers) > MOST_BLOCKERS else ""
    return f"every path from {x} ends at an operation that passes no gradient: {shown}{more}."


def _at(node: Apply) -> str:
    return f" at {node.trace}" if node.trace else ""


def _twin(x: Variable, cone: Sequence[Variable]) -> str:
    """A sentence about a variable of the expression that looks like `x`, which is what the user meant to name."""
    for other in cone:
        if isinstance(other, Constant) or other.type != x.type:
            continue
        same_name = x.name is not None and other.name == x.name
        same_value = (
            x.owner is not None
            and other.owner is not None
            and x.owner.op == other.owner.op
            and equal_computations([x], [other])
        )
        if same_name or same_value:
            what = "name" if same_name else "value"
            where = f" (made at {other.line})" if other.line else ""
            return f" It holds another variable of the same {what}, {other}{where}: variables are compared by identity."
    return ""
