"""Views between functions: they go where other rules do not stumble over them, and back where work could be shared.

log(sigmoid(x)[i]) is the logarithm of a sigmoid too, and exp(x) + exp(v).dimshuffle("x", 0) a sum of exponentials.
"""

from __future__ import annotations

from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import like
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply, Constant
from symtheano.tensor.convert import make_constant
from symtheano.tensor.elemwise import DimShuffle, Elemwise, dimshuffle, functions
from symtheano.tensor.index_advanced import AdvancedSubtensor, AdvancedSubtensor1
from symtheano.tensor.index_basic import Subtensor
from symtheano.tensor.reshape import Reshape

m = functions
DEPTH = 5
# Signs and reciprocals join the product they stand in (x + (-y) is x - y), on as few elements as possible.
_STAY = frozenset({"neg", "inv", "sqr", "second", "identity"})
_MOVES = (DimShuffle, Reshape, Subtensor, AdvancedSubtensor, AdvancedSubtensor1)
# Functions whose logarithm, also that of 1 - f or 1 + f, has a stable form.
_SATURATING = frozenset({"sigmoid", "exp", "erf", "erfc"})


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


@rule(
    DimShuffle,
    reason="a view of the values is the values of a view",
    examples=[on(lambda a: dimshuffle(m.sigmoid(a), (1, "x", 0)), 2), on(lambda a: dimshuffle(1 - a, (0, "x")), 1)],
)
def dimshuffle_before_function(node: Apply) -> list[Any] | None:
    """dimshuffle(f(x)) -> f(dimshuffle(x)), so that what reads it finds f."""
    owner = node.inputs[0].owner
    place = None if owner is None else _only_operand(owner)
    if owner is None or place is None or owner.op.scalar_op.name in _STAY:
        return None
    return [like(_applied(owner, place, node.op(owner.inputs[place])), node.outputs[0])]


@rule(
    Elemwise,
    reason="the values of a view are a view of the values",
    examples=[on(lambda a: m.exp(dimshuffle(a, (1, "x", 0))), 2), on(lambda a: 1 + dimshuffle(m.exp(a), (0, "x")), 1)],
)
def function_before_dimshuffle(node: Apply) -> list[Any] | None:
    """f(dimshuffle(x)) -> dimshuffle(f(x)): what is computed of x elsewhere too is computed once."""
    place = _only_operand(node)
    if place is None or node.op.scalar_op.name in _STAY:
        return None
    view: Any = node.inputs[place].owner
    if view is None or type(view.op) is not DimShuffle:
        return None
    return [like(view.op(_applied(node, place, view.inputs[0])), node.outputs[0])]


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
        v = _applied(step, place, v)
    return node.op(v)


def _applied(node: Apply, place: int, v: Any) -> Any:
    """The function of `node` of `v`, in the place of its only operand that is no number."""
    inputs: list[Any] = node.inputs
    return node.op(*(v if k == place else make_constant(i.data.reshape(())) for k, i in enumerate(inputs)))
