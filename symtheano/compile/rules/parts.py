"""Stability of parts: log(sigmoid(x)[i]) is the logarithm of a sigmoid too."""

from __future__ import annotations

from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import like
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply, Constant
from symtheano.tensor.convert import make_constant
from symtheano.tensor.elemwise import DimShuffle, Elemwise, functions
from symtheano.tensor.index_advanced import AdvancedSubtensor, AdvancedSubtensor1
from symtheano.tensor.index_basic import Subtensor
from symtheano.tensor.reshape import Reshape

m = functions
DEPTH = 5
_MOVES = (DimShuffle, Reshape, Subtensor, AdvancedSubtensor, AdvancedSubtensor1)
_SATURATING = frozenset(
    {"sigmoid", "exp", "erf", "erfc"}
)  # rows whose logarithm, also of 1 - f or 1 + f, has a stable form


@rule(
    m.log,
    m.log1p,
    reason="a part of the values is the values of a part",
    examples=[on(lambda a: m.log(m.sigmoid(a)[1:, 0]), 2), on(lambda a: m.log(1.0 - m.sigmoid(a)[[0, 0]]), 1)],
)
def log_of_part(node: Apply) -> list[Any] | None:
    """log(sigmoid(x)[i]) -> log(sigmoid(x[i])), also log(1 - sigmoid(x)[i]), so that the stable forms are found."""
    steps: list[tuple[Apply, int]] = []
    moves: list[Apply] = []
    v: Any = node.inputs[0]
    while v.owner is not None and len(steps) + len(moves) < DEPTH:
        owner = v.owner
        if type(owner.op) in _MOVES:
            moves.append(owner)
            v = owner.inputs[0]
            continue
        place = _only_operand(owner)
        if place is None:
            return None
        steps.append((owner, place))
        v = owner.inputs[place]
        if owner.op.scalar_op.name in _SATURATING:
            return [like(_rebuilt(node, steps, moves, v), node.outputs[0])] if moves else None
    return None


def _only_operand(node: Apply) -> int | None:
    """The place of the operand of an elementwise node whose other operands are numbers; None where there is none."""
    if type(node.op) is not Elemwise:
        return None
    places = [k for k, v in enumerate(node.inputs) if not (isinstance(v, Constant) and v.data.size == 1)]
    return places[0] if len(places) == 1 else None


def _rebuilt(node: Apply, steps: list[tuple[Apply, int]], moves: list[Apply], v: Any) -> Any:
    for move in reversed(moves):
        v = move.op(v, *move.inputs[1:])
    for step, place in reversed(steps):
        others: list[Any] = step.inputs
        v = step.op(*(v if k == place else make_constant(o.data.reshape(())) for k, o in enumerate(others)))
    return node.op(v)
