"""Softmax and the crossentropies: logarithms of probabilities that round to 0, and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from symtheano.compile.rules.example import on
from symtheano.compile.rules.match import args_of, like, literal
from symtheano.compile.rules.products import (
    Factor,
    Product,
    Taken,
    distributed,
    made,
    product_of,
    simplify,
    taken_apart,
)
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.scalar.dtypes import FLOAT
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.careduce import Sum
from symtheano.tensor.elemwise import DimShuffle, functions
from symtheano.tensor.index_advanced import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
)
from symtheano.tensor.index_basic import Subtensor
from symtheano.tensor.nnet.crossentropy import (
    CrossentropyCategorical1Hot,
    CrossentropyCategorical1HotGrad,
    CrossentropySoftmax1HotWithBiasDx,
    PickLabel,
    PlaceLabel,
)
from symtheano.tensor.nnet.softmax import LogSoftmax, Softmax, SoftmaxGrad
from symtheano.tensor.reshape import Reshape
from symtheano.tensor.sizes import shape_i
from symtheano.tensor.type import tensor_type

m = functions
_PARTS = (DimShuffle, Reshape, Subtensor, AdvancedSubtensor, AdvancedSubtensor1, PickLabel)


def _labels(name: str = "y") -> Any:
    return tensor_type("int64", (None,))(name)


def _logits() -> Any:
    return tensor_type("float64", (None, None))("x")


@rule(
    m.log,
    reason="the definition of LogSoftmax",
    examples=[
        on(lambda a: m.log(Softmax()(a)), 2),
        on(lambda a: m.log(Softmax(-2)(a)[0]), 2),
        on(lambda a: m.log(Softmax()(a).flatten()), 2),
    ],
)
def log_softmax(node: Apply) -> list[Any] | None:
    """log(softmax(x)) -> logsoftmax(x), also of a part of it: log(softmax(x)[i]) -> logsoftmax(x)[i]."""
    moves: list[Any] = []
    v: Any = node.inputs[0]
    while v.owner is not None and type(v.owner.op) in _PARTS and len(moves) < 4:
        moves.append(v.owner)
        v = v.owner.inputs[0]
    if v.owner is None or type(v.owner.op) is not Softmax or v.type.dtype != node.outputs[0].type.dtype:
        return None
    result = LogSoftmax(v.owner.op.axis)(v.owner.inputs[0])
    for move in reversed(moves):
        result = move.op(result, *move.inputs[1:])
    return [like(result, node.outputs[0])]


@rule(
    Softmax,
    LogSoftmax,
    reason="softmax does not change when all its inputs do by as much",
    examples=[on(lambda a: Softmax()(a - a.max(axis=1, keepdims=True)), 2)],
)
def softmax_of_shifted(node: Apply) -> list[Any] | None:
    """softmax(x - c) -> softmax(x), where c is the same along the axis."""
    u: Any = node.inputs[0]
    parts = args_of(u, "sub")
    if parts is None or parts[0].type != u.type:
        return None
    axis = u.type.ndim + node.op.axis
    if not parts[1].type.broadcastable[axis] or u.type.broadcastable[axis]:
        return None
    op: Any = node.op
    return [op(parts[0])]


@rule(
    CrossentropyCategorical1Hot,
    reason="the definition of the crossentropy",
    examples=[lambda: (v := [_logits(), _labels()], [CrossentropyCategorical1Hot()(Softmax()(v[0]), v[1])])],
)
def crossentropy_of_softmax(node: Apply) -> list[Any] | None:
    """crossentropy(softmax(x), labels) -> -logsoftmax(x)[labels]."""
    p, labels = node.inputs
    if p.owner is None or type(p.owner.op) is not Softmax or p.owner.op.axis != -1:
        return None
    return [like(m.neg(PickLabel()(LogSoftmax()(p.owner.inputs[0]), labels)), node.outputs[0])]


def _gradient_of_labels() -> Any:
    x, y = _logits(), _labels()
    g, p = tensor_type("float64", (None,))("g"), Softmax()(x)
    return [x, y, g], [SoftmaxGrad()(CrossentropyCategorical1HotGrad()(g, p, y), p)]


@rule(SoftmaxGrad, reason="t / p * p is t", examples=[_gradient_of_labels])
def gradient_of_crossentropy(node: Apply) -> list[Any] | None:
    """The gradient of crossentropy(softmax(x), labels) -> g * (softmax(x) - 1 at the labels)."""
    dy, sm = node.inputs
    if dy.owner is None or type(dy.owner.op) is not CrossentropyCategorical1HotGrad or node.op.axis != -1:
        return None
    g, p, labels = dy.owner.inputs
    if p is not sm:
        return None
    return [like(CrossentropySoftmax1HotWithBiasDx()(g, sm, labels), node.outputs[0])]


def _written(a: Any, y: Any) -> Any:
    p = Softmax()(a)
    picked = p[y, y]
    return SoftmaxGrad()(
        picked.owner.op.writer(False)(m.second(p, np.zeros(())), m.inv(picked), *picked.owner.inputs[1:]), p
    )


@rule(
    SoftmaxGrad,
    reason="t / p * p is t",
    examples=[
        on(lambda a, t: SoftmaxGrad()(t / Softmax()(a), Softmax()(a)), 2, 2),
        lambda: (v := [_logits(), _labels()], [_written(*v)]),
    ],
)
def gradient_of_log_softmax(node: Apply) -> list[Any] | None:
    """softmax_grad(t / p, p) -> t - p * sum(t), also where t / p was read and written at an index."""
    dy, sm = node.inputs
    (old,) = node.outputs
    if old.type.dtype not in FLOAT or dy.type != old.type or sm.type != old.type:
        return None
    p = product_of(dy).times(Product(1, [Factor(sm, None)], []))
    if simplify(p):
        t = made(p, old)
    else:
        t = distributed(Taken(1, (Factor(dy, None), Factor(sm, None)), ()), old)
        if t is None:
            return None
    t = like(t, old, [sm])
    axis = old.type.ndim + node.op.axis
    return [like(m.sub(t, m.mul(sm, t.sum(axis=axis, keepdims=True))), old)]


def _sum_of_picked() -> Any:
    x, y, g = _logits(), _labels(), tensor_type("float64", (None,))("g")
    picked = x[y, y]
    zeros = m.second(x, np.zeros(()))
    return [x, y, g], [picked.owner.op.writer(False)(zeros, g, *picked.owner.inputs[1:]).sum(axis=1)]


def _sum_of_placed() -> Any:
    x, y, g = _logits(), _labels(), tensor_type("float64", (None,))("g")
    return [x, y, g], [PlaceLabel()(g, x, y).sum(axis=1)]


@rule(Sum, reason="the sum of a row that holds some numbers and zeros", examples=[_sum_of_picked, _sum_of_placed])
def sum_of_written_zeros(node: Apply) -> list[Any] | None:
    """sum(inc(zeros, (i, j), v), axis=1) -> inc(zeros, i, v); of rows that are 0 but for v at the label it is v."""
    x: Any = node.inputs[0]
    op: Any = node.op
    (old,) = node.outputs
    found = taken_apart(x)
    if found is None or op.axis != (x.type.ndim - 1,) or old.type.dtype != x.type.dtype:
        return None
    writer, zeros, value, rest, _ = found
    if type(writer) is PlaceLabel:
        return [value] if value.type == old.type else None
    if type(writer) is not AdvancedIncSubtensor or len(rest) != 2 or x.type.ndim != 2 or value.type.ndim > 1:
        return None
    rows, columns = (v.type for v in rest)
    if rows.ndim != 1 or columns.ndim != 1 or "bool" in (rows.dtype, columns.dtype):
        return None
    if rows.broadcastable[0] and not columns.broadcastable[0]:
        return None
    blank = Alloc()(literal(0, old), shape_i(zeros, 0))
    return [like(AdvancedIncSubtensor1()(blank, value, rest[0]), old)]


NNET = (
    log_softmax,
    softmax_of_shifted,
    crossentropy_of_softmax,
    gradient_of_crossentropy,
    gradient_of_log_softmax,
    sum_of_written_zeros,
)
