"""Ops on stacks: what a node computes of each row of its inputs, computed of all rows at once.

A value is *stacked* where its first axis counts rows (time steps, samples); the others are shared by all rows.
`stack_node` has a rule for each kind of op; an op without one gives None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from symtheano.graph.variable import Apply, Constant
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.careduce import ReduceOp
from symtheano.tensor.dot import BatchedDot, Dot, transposed
from symtheano.tensor.elemwise import DimShuffle, Elemwise, dimshuffle
from symtheano.tensor.index import subtensor
from symtheano.tensor.index_advanced import AdvancedSubtensor1
from symtheano.tensor.index_basic import Subtensor
from symtheano.tensor.index_key import FULL
from symtheano.tensor.join import Join
from symtheano.tensor.nnet.crossentropy import PickLabel, PlaceLabel
from symtheano.tensor.nnet.softmax import LogSoftmax, Softmax, SoftmaxGrad
from symtheano.tensor.reduce import LogSumExp
from symtheano.tensor.reshape import Reshape, reshape
from symtheano.tensor.shape import Rebroadcast, patternbroadcast
from symtheano.tensor.sizes import MakeVector, Shape_i, constant_dim, is_length, shape_i, vector_items
from symtheano.tensor.type import TensorType

Value = tuple[Any, bool]  # a variable, and whether it is stacked
Rule = Callable[[Apply, Sequence[Value], Any], "list[Value] | None"]


def stack_node(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value] | None:
    """The outputs of `node` for all rows, from its inputs for all rows; rows: how many there are.

    At least one input is stacked. None where no rule says how.
    """
    rule = _RULES.get(type(node.op))
    found = None if rule is None else rule(node, inputs, rows)
    if found is None:
        return None
    return [
        (_typed(v, o), True) if stacked else (v, False) for (v, stacked), o in zip(found, node.outputs, strict=True)
    ]


def can_stack(node: Apply, stacked: Sequence[bool]) -> bool:
    """Whether `stack_node` knows how, where these inputs are stacked."""
    if type(node.op) not in _RULES or not all(isinstance(o.type, TensorType) for o in node.outputs):
        return False
    condition = _CONDITIONS.get(type(node.op))
    return condition is None or condition(node, stacked)


def _typed(v: Any, old: Any) -> Any:
    """`v` with the pattern of a stack of `old`: rows are never broadcast."""
    return patternbroadcast(v, (False, *old.type.broadcastable))


def padded(value: Value, ndim: int) -> Any:
    """The value as a stack of rows of `ndim` dimensions; one that is not stacked gets a first axis of length 1."""
    v, stacked = value
    have = v.type.ndim - stacked
    front: list[Any] = [0] if stacked else ["x"]
    return dimshuffle(v, [*front, *["x"] * (ndim - have), *range(stacked, v.type.ndim)])


def stretched(value: Value, rows: Any) -> Any:
    """The value as a stack, repeated where it is not stacked."""
    v, stacked = value
    return v if stacked else Alloc()(v, rows, *(shape_i(v, k) for k in range(v.type.ndim)))


def matrix_of_rows(x: Any) -> Any:
    """A stack of matrices as one matrix: their rows, one below the other."""
    return reshape(x, [shape_i(x, 0) * shape_i(x, 1), shape_i(x, 2)])


# -- rules -------------------------------------------------------------------------------------------------------------


def _elemwise(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value]:
    ndim = max(i.type.ndim for i in node.inputs)
    return [(node.op(*(padded(v, ndim) for v in inputs)), True)]


def _dimshuffle(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value]:
    return [(dimshuffle(inputs[0][0], [0, *("x" if o == "x" else o + 1 for o in node.op.new_order)]), True)]


def _reduction(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value]:
    axes = tuple(k + 1 for k in node.op.axes(node.inputs[0].type.ndim))
    outs = node.op.with_axis(axes)(inputs[0][0], return_list=True)
    return [(o, True) for o in outs]


def _along_rows(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value]:
    ndim = node.outputs[0].type.ndim
    return [(node.op(*(stretched(v, rows) for v in inputs)), True)] if ndim else []


def _dot(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value]:
    (x, many_x), (y, many_y) = inputs
    return [(_both(x, y) if many_x and many_y else _left(x, y) if many_x else _right(x, y), True)]


def _left(x: Any, y: Any) -> Any:
    """x[t] . y: one product, of all rows of all matrices."""
    if x.type.ndim == 2:
        return Dot()(x, y)
    product = Dot()(matrix_of_rows(x), y)
    return reshape(product, [shape_i(x, 0), shape_i(x, 1), *(shape_i(y, k) for k in range(1, y.type.ndim))])


def _right(x: Any, y: Any) -> Any:
    """x . y[t]."""
    if y.type.ndim == 2:
        return Dot()(y, transposed(x) if x.type.ndim == 2 else x)
    left = dimshuffle(x, ("x", 0, 1) if x.type.ndim == 2 else ("x", "x", 0))
    product = BatchedDot()(left, y)
    return product if x.type.ndim == 2 else dimshuffle(patternbroadcast(product, (False, True, False)), (0, 2))


def _both(x: Any, y: Any) -> Any:
    """x[t] . y[t]."""
    if x.type.ndim == y.type.ndim == 2:
        return (x * y).sum(axis=1, dtype=x.type.dtype, acc_dtype=x.type.dtype)
    left = x if x.type.ndim == 3 else dimshuffle(x, (0, "x", 1))
    right = y if y.type.ndim == 3 else dimshuffle(y, (0, 1, "x"))
    product = BatchedDot()(left, right)
    return dimshuffle(product, [0, *([1] if x.type.ndim == 3 else []), *([2] if y.type.ndim == 3 else [])])


def _batched_dot(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value]:
    ndim = node.outputs[0].type.ndim
    return [(node.op(*(padded(v, ndim) for v in inputs)), True)]


def _subtensor(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value] | None:
    op: Any = node.op
    (x, _), *values = inputs
    if any(stacked for _, stacked in values):
        return [(subtensor(x, [values[0][0]]), True)]  # x[i[t]]
    return [(subtensor(x, [FULL, *op.key_of([v for v, _ in values])]), True)]


def _can_index(node: Apply, stacked: Sequence[bool]) -> bool:
    if not any(stacked[1:]):
        return True
    op: Any = node.op
    return not stacked[0] and len(stacked) == 2 and len(op.idx_list) == 1 and not isinstance(op.idx_list[0], slice)


def _take(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value]:
    (x, many), (places, _) = inputs
    if many:
        return [(subtensor(x, [FULL, places]), True)]
    taken = AdvancedSubtensor1()(x, reshape(places, [shape_i(places, 0) * shape_i(places, 1)]))
    lengths = [shape_i(places, 0), shape_i(places, 1), *(shape_i(x, k) for k in range(1, x.type.ndim))]
    return [(reshape(taken, lengths), True)]


def _reshape(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value]:
    op: Any = node.op
    (x, _), (lengths, _) = inputs
    items = vector_items(lengths, op.ndim)
    if any(constant_dim(n) == -1 for n in items):  # said in numbers: beside 0 rows numpy would not know what it is
        items = op.infer_shape(node, [[shape_i(x, k) for k in range(1, x.type.ndim)], [op.ndim]])[0]
    return [(reshape(x, [rows, *items]), True)]


def _can_reshape(node: Apply, stacked: Sequence[bool]) -> bool:
    lengths: Any = node.inputs[1]
    if stacked[1]:
        return False
    if isinstance(lengths, Constant):
        return True
    made = lengths.owner is not None and isinstance(lengths.owner.op, MakeVector)
    return made and all(map(is_length, lengths.owner.inputs))


def _alloc(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value]:
    sizes = [n for n, _ in inputs[1:]]
    return [(Alloc()(padded(inputs[0], len(sizes)), rows, *sizes), True)]


def _join(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value]:
    axis = constant_dim(inputs[0][0])
    shifted = (axis or 0) % node.outputs[0].type.ndim + 1
    return [(Join()(shifted, *(stretched(v, rows) for v in inputs[1:])), True)]


def _rebroadcast(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value]:
    op: Any = node.op
    return [(Rebroadcast(*((k + 1, flag) for k, flag in op.axis.items()))(inputs[0][0]), True)]


def _length(node: Apply, inputs: Sequence[Value], rows: Any) -> list[Value]:
    op: Any = node.op
    return [(shape_i(inputs[0][0], op.i + 1), False)]


def _only_first(node: Apply, stacked: Sequence[bool]) -> bool:
    return not any(stacked[1:])


def _same_pattern(node: Apply, stacked: Sequence[bool]) -> bool:
    return len({i.type.broadcastable for i in node.inputs}) == 1


_RULES: dict[Any, Rule] = {
    Elemwise: _elemwise,
    DimShuffle: _dimshuffle,
    Dot: _dot,
    BatchedDot: _batched_dot,
    Subtensor: _subtensor,
    AdvancedSubtensor1: _take,
    Reshape: _reshape,
    Alloc: _alloc,
    Join: _join,
    Rebroadcast: _rebroadcast,
    Shape_i: _length,
    LogSumExp: _reduction,
    Softmax: _along_rows,
    LogSoftmax: _along_rows,
    SoftmaxGrad: _along_rows,
    PickLabel: _along_rows,
    PlaceLabel: _along_rows,
}

_CONDITIONS: dict[Any, Callable[[Apply, Sequence[bool]], bool]] = {
    Subtensor: _can_index,
    AdvancedSubtensor1: lambda node, stacked: stacked != [True, True],
    Reshape: _can_reshape,
    Alloc: _only_first,
    Join: lambda node, stacked: isinstance(node.inputs[0], Constant),
    SoftmaxGrad: _same_pattern,
}


def _reductions(kind: Any) -> None:
    """Enters all reductions that can be told other axes."""
    for sub in kind.__subclasses__():
        _RULES.setdefault(sub, _reduction)
        _reductions(sub)


_reductions(ReduceOp)
