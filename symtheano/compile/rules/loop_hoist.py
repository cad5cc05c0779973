"""What is the same in each step is computed once, before the loop: also where no step runs, so its errors show then."""

from __future__ import annotations

from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.loop_example import loop
from symtheano.compile.rules.loop_parts import Loop, is_tensor, loop_rule
from symtheano.graph.variable import Apply, Constant
from symtheano.tensor.alloc import Alloc, AllocEmpty
from symtheano.tensor.arange import ARange
from symtheano.tensor.elemwise import DimShuffle, Elemwise, functions
from symtheano.tensor.reshape import Reshape
from symtheano.tensor.shape import Rebroadcast
from symtheano.tensor.shape_ops import MakeVector, Shape, Shape_i, SliceLength

m = functions

# Lengths, and what is larger than what it is made of: nothing is gained by reading it from memory.
_STAY = (Alloc, AllocEmpty, ARange, MakeVector, Shape, Shape_i, SliceLength)
_VIEWS = (DimShuffle, Rebroadcast, Reshape)


@loop_rule(
    examples=[
        on(lambda a, b: loop(lambda w, p, x: p * m.exp(w) + x, [b], [b], [a]).after(0), 2, 1),
        on(lambda a, b: loop(lambda w, p, x: p * w.T.sum(axis=0) + x, [a.dot(a.T)], [b], [a.T]).last(0), 2, 1),
    ],
    reason="a value that depends on no step is the same in each",
)
def hoist_invariants(loop: Loop) -> bool:
    """What depends on constants only is computed before the loop."""
    known = loop.dependence()
    movable = {o for node in loop.nodes() if _moves(node, known) for o in node.outputs}
    if not movable:
        return False
    readers = [i for node in loop.nodes() if not any(o in movable for o in node.outputs) for i in node.inputs]
    front = [v for v in dict.fromkeys([*readers, *loop.roots()]) if v in movable and _pays(v, movable)]
    if not front:
        return False
    outside = loop.outside_of(front)
    loop.replace({v: loop.const(o, v.name) for v, o in zip(front, outside, strict=True)})
    return True


def _moves(node: Apply, known: dict[Any, int]) -> bool:
    if any(known[o] for o in node.outputs) or not node.inputs or type(node.op) in _STAY:
        return False
    if not all(is_tensor(o) for o in node.outputs) or all(isinstance(i, Constant) for i in node.inputs):
        return False
    return not _is_length(node)


def _is_length(node: Apply) -> bool:
    """Whether it computes with lengths: that is as cheap inside, and says more there."""
    (out, *_) = node.outputs
    return type(node.op) is Elemwise and out.type.ndim == 0 and out.type.dtype == "int64"


def _pays(v: Any, movable: set[Any]) -> bool:
    """Whether something is computed for `v`; views of what is given may stay where they are."""
    while v.owner is not None and type(v.owner.op) in _VIEWS:
        v = v.owner.inputs[0]
    return v in movable


HOISTS = (hoist_invariants,)
