"""Loops over the same range, of which none needs another one, become one loop."""

from __future__ import annotations

from typing import Any

from symtheano.compile.branches import places
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.variable import Apply, Variable
from symtheano.scan.ifelse import IfElse
from symtheano.scan.op import Scan
from symtheano.scan.step import Step
from symtheano.tensor.array import ArrayOp


def merged(fgraph: FunctionGraph) -> dict[Variable, Variable]:
    """What takes the place of the outputs of two loops that can be one; empty where there are none."""
    loops = [node for node in fgraph.nodes if _may_merge(node)]
    if len(loops) > 1 and any(isinstance(node.op, IfElse) for node in fgraph.nodes):
        side = places(fgraph.nodes, fgraph.outputs)[0]
        loops = [node for node in loops if side.get(node) is None]
    if len(loops) < 2:
        return {}
    needs = _needs(fgraph, loops)
    for i, a in enumerate(loops):
        for j in range(i + 1, len(loops)):
            b = loops[j]
            if a.inputs[0] is b.inputs[0] and a.op.truncate == b.op.truncate and not needs[j] >> i & 1:
                return _joined(a, b)
    return {}


def _may_merge(node: Apply) -> bool:
    op = node.op
    if not isinstance(op, Scan) or op.until:
        return False
    return all(isinstance(inner.op, ArrayOp) for inner in op.step.graph.nodes)


def _needs(fgraph: FunctionGraph, loops: list[Apply]) -> list[int]:
    """For each loop the loops that it needs, as bits."""
    number = {node: k for k, node in enumerate(loops)}
    known: dict[Apply, int] = {}
    for node in fgraph.nodes:
        mask = 0
        for i in node.inputs:
            if i.owner is not None:
                mask |= known[i.owner] | (1 << number[i.owner] if i.owner in number else 0)
        known[node] = mask
    return [known[node] for node in loops]


def _joined(a: Apply, b: Apply) -> dict[Variable, Variable]:
    """The outputs of both as outputs of one loop."""
    inner = [one.op.split(one.op.step.inputs) for one in (a, b)]
    outer = [one.op.split(one.inputs[1:]) for one in (a, b)]
    inputs = [v for part in range(3) for one in inner for v in one[part]]
    values = [v for part in range(3) for one in outer for v in one[part]]
    ops: list[Scan] = [a.op, b.op]
    carried = [v for op in ops for v in op.states[: op.n_carry]]
    results = [v for op in ops for v in op.states[op.n_carry :]]
    step = Step.of(inputs, [*carried, *results])
    name = ops[0].name if ops[0].name == ops[1].name else None
    op = Scan(step, sum(o.n_consts for o in ops), len(carried), False, ops[0].truncate, name)
    outs: list[Any] = op(a.inputs[0], *values, return_list=True)
    first = _places(ops[0], op, 0, len(carried))
    second = _places(ops[1], op, ops[0].n_carry, len(carried) + ops[0].n_states - ops[0].n_carry)
    found: dict[Variable, Variable] = {}
    for node, where in ((a, first), (b, second)):
        found.update((o, outs[place]) for o, place in zip(node.outputs, where, strict=True))
    return found


def _places(old: Scan, new: Scan, carry: int, results: int) -> list[int]:
    """The outputs of the new loop that are those of the old one, whose states start at these numbers."""
    number = [carry + k if k < old.n_carry else results + k - old.n_carry for k in range(old.n_states)]
    return [
        *(new.last(k) for k in number),
        *(new.after(number[k]) for k in old.tensors),
        *(new.before(number[k]) for k in old.carried_tensors),
    ]
