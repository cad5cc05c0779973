"""A loop as small as its readers let it be: without the states, sequences and constants that nothing read depends on.

Every way to run a loop starts here, so that an output which nobody reads is neither computed nor given memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symtheano.graph.variable import Apply, Variable
from symtheano.graph.walk import graph_inputs
from symtheano.scan.op import Scan
from symtheano.scan.step import Step


@dataclass(frozen=True)
class Pruned:
    """op: the smaller loop. inputs: those of the old node that it reads. places: old output position -> new one."""

    op: Scan
    inputs: tuple[Variable, ...]
    places: dict[int, int]


def pruned(node: Apply, read: Iterable[int]) -> Pruned:
    """The loop of `node`, of which the outputs at the positions `read` are read."""
    op: Scan = node.op
    read = sorted(read)
    states = _needed_states(op, read)
    step = op.step
    stop = step.outputs[op.n_states :]
    outputs = [*(step.outputs[k] for k in states), *stop]
    used = set(graph_inputs(outputs))
    carried = {op.n_consts + k for k in states if k < op.n_carry}
    kept = [
        k
        for k, v in enumerate(step.inputs)
        if k in carried or (v in used and not op.n_consts <= k < op.n_consts + op.n_carry)
    ]
    if len(kept) == len(step.inputs) and len(states) == op.n_states:
        return Pruned(op, tuple(node.inputs), {p: p for p in read})
    small = Scan(
        Step.of([step.inputs[k] for k in kept], outputs),
        sum(k < op.n_consts for k in kept),
        len(carried),
        op.until,
        op.truncate,
        op.name,
    )
    places = {p: _place(small, states, *meaning(op, p)) for p in read}
    return Pruned(small, (node.inputs[0], *(node.inputs[1 + k] for k in kept)), places)


def meaning(op: Scan, position: int) -> tuple[str, int]:
    """What an output is: ("last" or "after" or "before", state), or ("steps", 0)."""
    if position < op.n_states:
        return "last", position
    position -= op.n_states
    if position < len(op.tensors):
        return "after", op.tensors[position]
    position -= len(op.tensors)
    if position < len(op.carried_tensors):
        return "before", op.carried_tensors[position]
    return "steps", 0


def _place(op: Scan, states: list[int], kind: str, state: int) -> int:
    """The position of an output of the smaller loop, which has these states of the old one."""
    if kind == "steps":
        assert op.steps is not None
        return op.steps
    return {"last": op.last, "after": op.after, "before": op.before}[kind](states.index(state))


def _needed_states(op: Scan, read: Iterable[int]) -> list[int]:
    """The states that are read, those that they depend on from step to step, and those that the end depends on."""
    found = {k for kind, k in (meaning(op, p) for p in read) if kind != "steps"}
    waiting = [*found, *([-1] if op.until else [])]
    place = {v: k for k, v in enumerate(op.step.inputs[op.n_consts : op.n_consts + op.n_carry])}
    while waiting:
        for variable in graph_inputs([op.step.outputs[waiting.pop()]]):
            k = place.get(variable)
            if k is not None and k not in found:
                found.add(k)
                waiting.append(k)
    return sorted(found)
