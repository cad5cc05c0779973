"""What a loop keeps for its gradient: the cheapest set of values from which the rest is computed again.

The loop of a gradient computes values of its forward loop again, from what that found and left (scan/adjoint.py). Those
that are dear (products, exponentials) the forward loop can give as results instead. Which ones follows from a minimum
cut: values are nodes with the bytes that they take in each step as capacity; what is dear may not be computed again, so
between it and what the gradient reads the graph must be cut, and the cut is what is kept. (As in T. Chen et al.,
arXiv:1604.06174, and in the partitioner of torch's AOTAutograd.)

A budget of bytes makes more and more values cheap: first exponentials and reductions, then products.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from symtheano.compile.fuse import HEAVY
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.graph.walk import substitute, toposort
from symtheano.scan.op import Scan
from symtheano.scan.step import Step
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.dot import BatchedDot, Dot
from symtheano.tensor.elemwise import DimShuffle, Elemwise
from symtheano.tensor.index_basic import Subtensor
from symtheano.tensor.reshape import Reshape
from symtheano.tensor.shape_ops import MakeVector, Shape_i, SliceLength
from symtheano.tensor.sizes import constant_dim
from symtheano.tensor.type import TensorType

_FREE = (DimShuffle, Subtensor, Reshape, Alloc, MakeVector, Shape_i, SliceLength)
_LENGTH, _STEPS = 32, 100  # what unknown lengths, and numbers of steps, are taken for
_LEVELS = 3  # what is kept: everything that is dear; products; nothing


@dataclass
class Kept:
    """What was decided for one pair of loops: for the report."""

    forward: str
    backward: str
    values: list[Any] = field(default_factory=list)  # kept
    again: int = 0  # operations that are computed again in each step
    all_bytes: int = 0  # a step, if everything dear is kept

    def __str__(self) -> str:
        each = sum(map(_bytes, self.values))
        shapes = ", ".join(f"{v.name or _label(v)} {v.type}" for v in self.values) or "none"
        return (
            f"loop {self.forward} keeps {len(self.values)} values of each step for {self.backward}: {shapes}; about "
            f"{each} bytes a step ({self.all_bytes} with everything that is dear, 0 with nothing), "
            f"{self.again} operations are computed again there"
        )


def keep_for_gradients(fgraph: FunctionGraph, budget: int) -> tuple[dict[Variable, Variable], list[Kept]]:
    """What takes the place of the outputs of loops, so that they give what their gradients would compute again.

    budget: bytes that may be kept at most, with unknown lengths taken for 32 and unknown numbers of steps for 100; -1:
    whatever is dear. Call it again until nothing is replaced: a loop is changed in one role at a time.
    """
    loops = [node for node in fgraph.nodes if isinstance(node.op, Scan) and not node.op.until]
    plans = [plan for node in loops for plan in _plans(node)]
    backward: set[Apply] = set()
    forward: dict[Apply, dict[Variable, None]] = {}
    chosen: list[_Plan] = []
    refused: list[_Plan] = []
    for plan in plans:
        if plan.backward in forward or plan.forward in backward or plan.backward in backward:
            continue
        if plan.choose(budget):
            chosen.append(plan)
            backward.add(plan.backward)
            forward.setdefault(plan.forward, {}).update(dict.fromkeys(plan.kept))
        else:
            refused.append(plan)
    change: dict[Variable, Variable] = {}
    traces: dict[tuple[Apply, Variable], Variable] = {}
    for node, kept in forward.items():
        change.update(_giving(node, list(kept), traces))
    for plan in chosen:
        change.update(plan.reading(traces))
    return change, [plan.told() for plan in (*chosen, *refused)]


class _Plan:
    """A loop that computes again what another one computes, and what of it the other one could give.

    same: variables of the backward step that are variables of the forward step, row for row.
    """

    def __init__(self, backward: Apply, forward: Apply, flipped: bool, same: dict[Variable, Variable]):
        self.backward, self.forward, self.flipped, self.same = backward, forward, flipped, same
        graph = backward.op.step.graph
        self.nodes = [node for node in graph.nodes if node.outputs[0] in same]
        mine = set(self.nodes)
        read = [i for node in graph.nodes if node not in mine for i in node.inputs]
        self.wanted = [v for v in dict.fromkeys([*read, *graph.outputs]) if v in same and v.owner in mine]
        self.kept: list[Variable] = []  # variables of the forward step
        self.cut: list[Variable] = []  # the same, of the backward step

    def choose(self, budget: int) -> bool:
        """Settles what is kept; whether there is anything."""
        steps = constant_dim(self.backward.inputs[0]) or _STEPS
        for level in range(_LEVELS):
            self.cut = self._cut(level) if self.wanted else []
            if budget < 0 or steps * sum(map(_bytes, self.cut)) <= budget:
                break
        self.kept = [self.same[v] for v in self.cut]
        return bool(self.kept)

    def _cut(self, level: int) -> list[Variable]:
        """The values to keep."""
        needed = toposort(self.wanted)
        dear = [v for node in needed if is_dear(node, level) for v in node.outputs if isinstance(v.type, TensorType)]
        forced = [v for v in dear if v in set(self.wanted)]
        if not any(is_dear(node, level) for node in toposort(self.wanted, set(forced))):
            return forced
        number = {v: k for k, v in enumerate(v for node in needed for v in (*node.inputs, *node.outputs))}
        networkx = import_module("networkx")  # a tenth of a second: only where there is something to choose
        flow = networkx.DiGraph()
        for node in needed:
            for out in node.outputs:
                flow.add_edge(("in", number[out]), ("out", number[out]), capacity=max(1, _bytes(out)))
                for i in node.inputs:
                    if i.owner is not None:
                        flow.add_edge(("out", number[i]), ("in", number[out]))
        for v in dear:
            flow.add_edge("source", ("in", number[v]))
        for v in self.wanted:
            flow.add_edge(("out", number[v]), "sink")
        _, (above, _) = networkx.minimum_cut(flow, "source", "sink")
        every = [v for node in needed for v in node.outputs]
        return [v for v in every if ("in", number[v]) in above and ("out", number[v]) not in above]

    def reading(self, traces: dict[tuple[Apply, Variable], Variable]) -> dict[Variable, Variable]:
        """The outputs of the backward loop, which reads what is kept."""
        op: Any = self.backward.op
        fresh = {v: v.type.make_variable(v.name) for v in self.cut}
        outputs = substitute(op.step.outputs, fresh)
        step = Step.of([*op.step.inputs, *fresh.values()], outputs)
        rows: list[Any] = [traces[self.forward, v] for v in self.kept]
        given = [r[::-1] if self.flipped else r for r in rows]
        loop = Scan(step, op.n_consts, op.n_carry, op.until, op.truncate, op.name)
        outs = loop(*self.backward.inputs, *given, return_list=True)
        return dict(zip(self.backward.outputs, outs, strict=True))

    def told(self) -> Kept:
        """The decision, for people."""
        again = [n for n in toposort(self.wanted, blockers=set(self.cut)) if not isinstance(n.op, _FREE)]
        names = [str(node.op.name or "scan_fn") for node in (self.forward, self.backward)]
        every = sum(map(_bytes, self._cut(0)))
        return Kept(names[0], names[1], self.kept, len(again), every)


def _plans(backward: Apply) -> Iterator[_Plan]:
    """The loops that a loop may compute again, each with what they share."""
    op: Scan = backward.op
    (_, _, xs), (_, _, rows) = op.split(op.step.inputs), op.split(backward.inputs[1:])
    seen: dict[tuple[Apply, bool], None] = {}
    for x in rows:
        base, flipped = _time_order(x)
        if base.owner is not None and isinstance(base.owner.op, Scan) and not base.owner.op.until:
            seen[base.owner, flipped] = None
    for forward, flipped in seen:
        if forward.inputs[0] is backward.inputs[0]:
            same = _common(backward, forward, flipped, dict(zip(xs, rows, strict=True)))
            plan = _Plan(backward, forward, flipped, same)
            if plan.wanted:
                yield plan


def _time_order(rows: Any) -> tuple[Any, bool]:
    """An array of rows without the view that turns it round, and whether there is one."""
    node = rows.owner
    if node is not None and type(node.op) is Subtensor:
        (entry, *others) = node.op.entries(node.inputs)
        if isinstance(entry, slice) and not others and entry.start is None and entry.stop is None:
            step = entry.step if isinstance(entry.step, int) or entry.step is None else constant_dim(entry.step)
            if step == -1:
                return node.inputs[0], True
    return rows, False


def _common(
    backward: Apply, forward: Apply, flipped: bool, rows: dict[Variable, Variable]
) -> dict[Variable, Variable]:
    """The variables of the backward step that are the same as variables of the forward step in the same row."""
    same = dict(_given(backward, forward, flipped, rows))
    inner: FunctionGraph = forward.op.step.graph
    constants = {c.signature(): c for c in inner.constants()}
    known: dict[Any, Apply] = {(node.op, tuple(node.inputs)): node for node in inner.nodes}
    for node in backward.op.step.graph.nodes:
        inputs = [constants.get(i.signature()) if isinstance(i, Constant) else same.get(i) for i in node.inputs]
        twin = None if None in inputs else known.get((node.op, tuple(inputs)))
        if twin is not None:
            same.update(zip(node.outputs, twin.outputs, strict=True))
    return same


def _given(
    backward: Apply, forward: Apply, flipped: bool, rows: dict[Variable, Variable]
) -> Iterator[tuple[Variable, Variable]]:
    """What is given to both steps."""
    op, other = backward.op, forward.op
    (consts, _, _), (outer, _, _) = op.split(op.step.inputs), op.split(backward.inputs[1:])
    (c, s, x), (c_outer, _, x_outer) = other.split(other.step.inputs), other.split(forward.inputs[1:])
    of_const = dict(zip(c_outer, c, strict=True))
    yield from ((v, of_const[o]) for v, o in zip(consts, outer, strict=True) if o in of_const)
    of_rows: dict[tuple[Any, bool], Variable] = {_time_order(o): v for v, o in zip(x, x_outer, strict=True)}
    of_rows.update(((forward.outputs[other.before(k)], False), s[k]) for k in other.carried_tensors)
    of_rows.update(((forward.outputs[other.after(k)], False), other.states[k]) for k in other.tensors)
    for v, o in rows.items():
        base, turned = _time_order(o)
        found = of_rows.get((base, turned != flipped))
        if found is not None:
            yield v, found


def _giving(
    node: Apply, kept: list[Variable], traces: dict[tuple[Apply, Variable], Variable]
) -> dict[Variable, Variable]:
    """The outputs of a forward loop that also gives what is kept; `traces` gets that."""
    op: Scan = node.op
    new = [v for v in kept if v not in op.states]
    step = Step.of(op.step.inputs, [*op.states, *new])
    loop = Scan(step, op.n_consts, op.n_carry, False, op.truncate, op.name)
    outs: list[Any] = loop(*node.inputs, return_list=True)
    number = {v: k for k, v in reversed(list(enumerate(op.states)))}
    number.update((v, op.n_states + k) for k, v in enumerate(new))
    traces.update(((node, v), outs[loop.after(number[v])]) for v in kept)
    change = {node.outputs[op.last(k)]: outs[loop.last(k)] for k in range(op.n_states)}
    change.update((node.outputs[op.after(k)], outs[loop.after(k)]) for k in op.tensors)
    change.update((node.outputs[op.before(k)], outs[loop.before(k)]) for k in op.carried_tensors)
    return change


def is_dear(node: Apply, level: int = 0) -> bool:
    """Whether a node should not be computed again. A loop is: whoever nests loops wants to save memory."""
    if level >= 2 or isinstance(node.op, (Scan, *_FREE)):
        return False
    if isinstance(node.op, (Dot, BatchedDot)):
        return True
    return level == 0 and not (isinstance(node.op, Elemwise) and node.op.scalar_op.name not in HEAVY)


def _bytes(variable: Any) -> int:
    """Bytes of a value, with unknown lengths taken for some."""
    shape = [_LENGTH if n is None else n for n in variable.type.shape]
    return math.prod(shape) * int(variable.type.numpy_dtype.itemsize)


def _label(variable: Any) -> str:
    op = variable.owner.op
    return op.scalar_op.name if isinstance(op, Elemwise) else str(op).split("{")[0]
