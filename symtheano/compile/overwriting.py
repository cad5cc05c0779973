"""Whether a group may compute a value in the memory of another one that it reads.

It may where each element of the new value needs no other element of the old one than that of its own place, and where
all reading of the old value is done by the pass that writes: not in a later round, after a reduction.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symtheano.compile.analyse import Analysis
from symtheano.compile.fuse import AxisMap, Group, reads_of
from symtheano.graph.variable import Variable
from symtheano.tensor.careduce import ReduceOp


def base_of(variable: Variable, analysis: Analysis) -> Variable:
    """What owns the memory of a value."""
    while variable.owner is not None and analysis.kinds[variable.owner] == "view":
        variable = variable.owner.inputs[0]
    return variable


def only_copies(group: Group, analysis: Analysis) -> bool:
    """Whether a scatter does nothing else with the array that it starts from than to copy it: it may write into it."""
    assert group.head is not None
    start, *others = group.head.inputs
    others += [i for node in group.maps for i in node.inputs]
    return base_of(start, analysis) is start and all(base_of(i, analysis) is not start for i in others)


def may_overwrite(group: Group, value: Any, old: Any, reads: Iterable[Variable], analysis: Analysis) -> bool:
    """Whether `group`, which reads these values from memory, may compute `value` in the memory of `old`."""
    sizes = analysis.sizes
    if group.kind not in ("kernel", "product") or value.type.dtype != old.type.dtype:
        return False
    if not sizes.same_shape(sizes.of(value), sizes.of(old)):
        return False
    where: AxisMap = (0, 1) if value.owner is group.head else group.maps[value.owner]
    if group.kind == "product" and group.head is not None:
        if any(base_of(i, analysis) is old for i in group.head.inputs):
            return False
    if group.reduced & {a for a in where if a is not None} and rounds(group, analysis) > 1:
        return False
    if any(base_of(v, analysis) is old and v is not old for v in reads):
        return False
    return _places(group, old) <= {where}


def _places(group: Group, variable: Variable) -> set[Any]:
    """The places at which a group reads a given value."""
    found: set[Any] = set()
    for node, where in group.maps.items():
        found.update(place for v, place in reads_of(node, group, where) if v is variable)
    return found


def rounds(group: Group, analysis: Analysis) -> int:
    """How often the group goes over its reduced axes."""
    level: dict[Variable, int] = {}
    rounds = 1
    for node in sorted(group.maps, key=analysis.positions.__getitem__):
        mine = max((level.get(v, 0) for v, _ in reads_of(node, group, group.maps[node])), default=0)
        if isinstance(node.op, ReduceOp) or group.reduced & {a for a in group.maps[node] if a is not None}:
            rounds = max(rounds, mine + 1)
        level[node.outputs[0]] = mine + isinstance(node.op, ReduceOp)
    return rounds
