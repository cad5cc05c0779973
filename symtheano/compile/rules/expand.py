"""Ops taken apart, for targets that make loops: softmax, crossentropies, argmax, products with vectors.

What comes out is elementwise functions, reductions, views and the ops of tensor/gather.py, in the formulas of the
kernels in tensor/kernels.py. It may refuse (raise) where lengths differ that the op in one piece reconciles while it
runs; a target then runs the graph that was not taken apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symtheano.compile.rules.example import on
from symtheano.compile.rules.expand_index import INDEX, one_hot
from symtheano.compile.rules.expand_pool import POOLING
from symtheano.compile.rules.expand_random import RANDOM
from symtheano.compile.rules.expand_shape import SHAPED
from symtheano.compile.rules.match import cast_to, like, literal
from symtheano.compile.rules.reduce import reduced_axes
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.scalar.dtypes import FLOAT, is_complex, is_discrete
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.arange import ARange
from symtheano.tensor.argmax import Argmax, Argmin, MaxAndArgmax
from symtheano.tensor.careduce import Any_, Max, Min, Prod, ProdWithoutZeros, Sum, restored
from symtheano.tensor.convert import make_constant
from symtheano.tensor.dot import BatchedDot, Dot
from symtheano.tensor.elemwise import dimshuffle, functions
from symtheano.tensor.gather import Gather, Place
from symtheano.tensor.nnet.crossentropy import (
    CrossentropyCategorical1Hot,
    CrossentropyCategorical1HotGrad,
    CrossentropySoftmax1HotWithBiasDx,
    CrossentropySoftmaxArgmax1HotWithBias,
    PickLabel,
    PlaceLabel,
)
from symtheano.tensor.nnet.softmax import LogSoftmax, Softmax, SoftmaxGrad
from symtheano.tensor.reduce import LogSumExp
from symtheano.tensor.sizes import as_size, shape_i, shape_list, total_size
from symtheano.tensor.supremum import Infimum, Supremum
from symtheano.tensor.type import tensor_type

m = functions

# -- softmax -----------------------------------------------------------------------------------------------------------


def total(x: Any, axes: tuple[int, ...]) -> Any:
    """The sum of `x` over axes, which stay with length 1, accumulated in its dtype (float16: in float32)."""
    dtype = x.type.dtype
    op = Sum(axes, dtype, "float32" if dtype == "float16" else dtype)
    return restored(op(x), x, axes)


def shifted(x: Any, axis: int) -> Any:
    """x less its maximum along an axis."""
    return m.sub(x, restored(Supremum((axis,))(x), x, (axis,)))


@rule(
    Softmax,
    reason="the definition",
    examples=[on(lambda a: Softmax()(a), 2), on(lambda a: Softmax(-2)(a), 3), on(lambda a: Softmax()(a), 1)],
)
def expand_softmax(node: Apply) -> list[Any] | None:
    """softmax(x) -> e / sum(e), e = exp(x - max(x))."""
    x: Any = node.inputs[0]
    axis = x.type.ndim + node.op.axis
    e = m.exp(shifted(x, axis))
    return [m.true_div(e, total(e, (axis,)))]


@rule(
    LogSoftmax,
    reason="the definition",
    examples=[on(lambda a: LogSoftmax()(a), 2), on(lambda a: LogSoftmax(-2)(a), 3)],
)
def expand_logsoftmax(node: Apply) -> list[Any] | None:
    """logsoftmax(x) -> z - log(sum(exp(z))), z = x - max(x)."""
    x: Any = node.inputs[0]
    axis = x.type.ndim + node.op.axis
    z = shifted(x, axis)
    return [m.sub(z, m.log(total(m.exp(z), (axis,))))]


@rule(
    SoftmaxGrad,
    reason="the definition",
    examples=[on(lambda a, b: SoftmaxGrad()(a, b), 2, 2), on(lambda a, b: SoftmaxGrad(-2)(a, b), 3, 3)],
)
def expand_softmax_grad(node: Apply) -> list[Any] | None:
    """softmax_grad(dy, p) -> d - p * sum(d), d = dy * p."""
    dy, sm = node.inputs
    (old,) = node.outputs
    d = m.mul(dy, sm)
    return [like(m.sub(d, m.mul(sm, total(d, (old.type.ndim + node.op.axis,)))), old)]


@rule(
    LogSumExp,
    reason="the definition",
    examples=[on(lambda a: LogSumExp()(a), 2), on(lambda a: LogSumExp((0, 2))(a), 3)],
)
def expand_logsumexp(node: Apply) -> list[Any] | None:
    """logsumexp(x) -> log(sum(exp(x - t))) + t, t = max(x) where that is finite, else 0."""
    x: Any = node.inputs[0]
    if x.type.dtype not in FLOAT:
        return None
    axes = reduced_axes(node)
    top = restored(Supremum(axes)(x), x, axes)
    top = m.switch(m.isinf(top), literal(0, x), top)
    result = m.add(m.log(total(m.exp(m.sub(x, top)), axes)), top)
    return [dimshuffle(result, [k for k in range(x.type.ndim) if k not in axes])]


# -- the place of the maximum ------------------------------------------------------------------------------------------


def places(x: Any, axes: tuple[int, ...]) -> Any:
    """The number of each element of `x` along `axes`, counted as in the flattened array of these axes."""
    lengths = [shape_i(x, k) for k in axes]
    terms: list[Any] = []
    for position, (k, n) in enumerate(zip(axes, lengths, strict=True)):
        count = ARange("int64")(as_size(0), n, as_size(1))
        inner = as_size(total_size(lengths[position + 1 :]))
        order = [0 if axis == k else "x" for axis in range(x.type.ndim)]
        term = dimshuffle(count, order)
        terms.append(m.mul(term, inner) if position < len(axes) - 1 else term)
    return terms[0] if len(terms) == 1 else m.add(*terms)


def first_place(x: Any, best: Any, axes: tuple[int, ...]) -> Any:
    """Where along `axes` the first element of `x` is that equals `best`, their extreme value, or is nan."""
    hit = m.eq(x, restored(best, x, axes))
    if not is_discrete(x.type.dtype):
        hit = m.or_(hit, m.isnan(x))
    beyond = make_constant(np.asarray(np.iinfo("int64").max))
    return Infimum(axes)(m.switch(hit, places(x, axes), beyond))


@rule(
    Argmax,
    Argmin,
    reason="the first place of the extreme value",
    examples=[
        on(lambda a: Argmax((1,))(a), 2),
        on(lambda a: Argmin((0,))(a), 2),
        on(lambda a: Argmax()(a), 2),
        on(lambda a: Argmin((0, 2))(m.gt(a, 0.0)), 3),
    ],
)
def expand_argmax(node: Apply) -> list[Any] | None:
    """argmax(x) -> min(switch(x == max(x) or isnan(x), place, ...))."""
    x: Any = node.inputs[0]
    axes = reduced_axes(node)
    if not axes:
        return None
    best = (Min if isinstance(node.op, Argmin) else Max)(axes)(x)
    return [like(first_place(x, best, axes), node.outputs[0])]


@rule(MaxAndArgmax, reason="the definition", examples=[on(lambda a: list(MaxAndArgmax((1,))(a)), 2)])
def expand_max_and_argmax(node: Apply) -> list[Any] | None:
    """max_and_argmax(x) -> max(x), argmax(x)."""
    x: Any = node.inputs[0]
    axes = reduced_axes(node)
    return [Max(axes)(x), Argmax(axes)(x)] if axes else None


# -- sums and products -------------------------------------------------------------------------------------------------


@rule(ProdWithoutZeros, reason="the definition", examples=[on(lambda a: ProdWithoutZeros((0,))(m.floor(a)), 2)])
def expand_prod_without_zeros(node: Apply) -> list[Any] | None:
    """prod_without_zeros(x) -> prod(switch(x == 0, 1, x))."""
    x: Any = node.inputs[0]
    op: Any = node.op
    return [Prod(op.axis, op.dtype, op.acc_dtype)(m.switch(m.eq(x, literal(0, x)), literal(1, x), x))]


@rule(
    Dot,
    reason="the definition",
    examples=[
        on(lambda a, b: Dot()(a, b), 1, 1),
        on(lambda a, b: Dot()(a, b), 2, 1),
        on(lambda a, b: Dot()(a, b), 1, 2),
        on(lambda a, b: Dot()(a, b), 1, 2, dtype="float16"),
        on(lambda a, b: Dot()(a, b), 2, 1, dtype="int32"),
        on(lambda a, b: Dot()(a, b), 1, 2, dtype="bool"),
    ],
)
def expand_dot_with_vector(node: Apply) -> list[Any] | None:
    """dot(x, v) -> sum(x * v), where one of them is a vector."""
    x, y = node.inputs
    (old,) = node.outputs
    inner = x.type.ndim - 1
    one = x.type.broadcastable[inner]
    if (x.type.ndim == 2 and y.type.ndim == 2) or one != y.type.broadcastable[0]:
        return None
    if y.type.ndim == 2:  # a row times a matrix
        x, axis = dimshuffle(x, (0, "x")), 0
    else:
        y, axis = dimshuffle(y, ["x"] * inner + [0]), inner
    if old.type.dtype == "float16":
        x, y = cast_to(x, "float32"), cast_to(y, "float32")
    if old.type.dtype == "bool":
        return [like(Any_((axis,))(m.and_(x, y)), old)]
    product = m.mul(x, y)
    dtype = product.type.dtype
    return [like(Sum((axis,), dtype, dtype)(product), old)]


@rule(
    Dot,
    BatchedDot,
    reason="the definition",
    examples=[
        on(lambda a, b: Dot()(a, b), 2, 2, dtype="float16"),
        on(lambda a, b: BatchedDot()(a, b), 3, 3, dtype="float16"),
        on(lambda a, b: Dot()(a, b), 2, 2, dtype="complex128"),
        on(lambda a, b: BatchedDot()(a, b), 3, 3, dtype="complex64"),
        on(lambda a, b: Dot()(a, b), 2, 2, dtype="int32"),
        on(lambda a, b: Dot()(a, b), 2, 2, dtype="bool"),
        on(lambda a, b: BatchedDot()(a, b), 3, 3, dtype="int64"),
    ],
)
def expand_product(node: Apply) -> list[Any] | None:
    """Matrix products of other numbers than single and double ones.

    float16: computed in float32. Complex ones: products of the real and the imaginary parts. Integers: sum(x * y).
    """
    x, y = node.inputs
    op: Any = node.op
    (old,) = node.outputs
    dtype, inner = old.type.dtype, x.type.ndim - 1
    if y.type.ndim < 2 or x.type.ndim < 2 or dtype in ("float32", "float64"):
        return None
    if dtype == "float16":
        return [like(cast_to(op(cast_to(x, "float32"), cast_to(y, "float32")), "float16"), old)]
    if is_complex(dtype):
        (a, b), (c, d) = ((m.real(v), m.imag(v)) for v in (x, y))
        return [like(m.complex(m.sub(op(a, c), op(b, d)), m.add(op(a, d), op(b, c))), old)]
    if x.type.broadcastable[inner] != y.type.broadcastable[inner - 1]:
        return None
    x = dimshuffle(x, [*range(inner + 1), "x"])
    y = dimshuffle(y, [*range(inner - 1), "x", inner - 1, inner])
    if dtype == "bool":
        return [like(Any_((inner,))(m.and_(x, y)), old)]
    return [like(Sum((inner,), dtype, dtype)(m.mul(x, y)), old)]


# -- labels ------------------------------------------------------------------------------------------------------------


def labels_of(x: Any, y: Any) -> Any:
    """The labels `y` as places in the rows of x; None where not every row has its own label."""
    if x.type.broadcastable[:-1] != y.type.broadcastable:
        return None
    return Place(False)(y, shape_i(x, x.type.ndim - 1))


def picked(x: Any, places: Any) -> Any:
    """Of each row of x the element at its place."""
    return Gather((*range(x.type.ndim - 1), None))(x, places)


def at_labels(x: Any, places: Any) -> Any:
    """Whether an element of x is the one at its row's place."""
    return one_hot(x, x.type.ndim - 1, dimshuffle(places, [*range(x.type.ndim - 1), "x"]))


def column(v: Any, ndim: int) -> Any:
    """One value for each row (or one for all) as an array of `ndim` dimensions."""
    return dimshuffle(v, [*range(v.type.ndim), "x"] if v.type.ndim else ["x"] * ndim)


def _matrix(name: str = "x") -> Any:
    return tensor_type("float64", (None, None))(name)


def _labels() -> Any:
    return tensor_type("int32", (None,))("y")


def _vector(name: str = "g") -> Any:
    return tensor_type("float64", (None,))(name)


def _stack() -> Any:
    return tensor_type("float32", (None, None, None))("x"), tensor_type("uint8", (None, None))("y")


@rule(
    PickLabel,
    examples=[
        lambda: (v := [_matrix(), _labels()], [PickLabel()(*v)]),
        lambda: (v := [*_stack()], [PickLabel()(*v)]),
    ],
)
def expand_pick_label(node: Apply) -> list[Any] | None:
    """x[i, y[i]] for each row i, as a Gather."""
    x, y = node.inputs
    places = labels_of(x, y)
    return None if places is None else [like(picked(x, places), node.outputs[0])]


def _zeros(x: Any, dtype: str) -> Any:
    """Zeros in the shape of x, which an elementwise function compares with that of its other operands."""
    return Alloc()(make_constant(np.zeros((), dtype)), *shape_list(x))


@rule(
    PlaceLabel,
    examples=[
        lambda: (v := [_vector(), _matrix(), _labels()], [PlaceLabel()(*v)]),
        lambda: (v := [tensor_type("float32", ())("g"), *_stack()], [PlaceLabel()(*v)]),
    ],
)
def expand_place_label(node: Apply) -> list[Any] | None:
    """Rows of zeros but for v at the label -> switch(column == label, v, 0)."""
    v, x, y = node.inputs
    places = labels_of(x, y)
    if places is None or v.type.ndim not in (0, y.type.ndim):
        return None
    here = at_labels(x, places)
    return [like(m.switch(here, column(v, x.type.ndim), _zeros(x, v.type.dtype)), node.outputs[0])]


@rule(
    CrossentropyCategorical1Hot,
    reason="the definition of the crossentropy",
    examples=[lambda: (v := [_matrix(), _labels()], [CrossentropyCategorical1Hot()(m.exp(v[0]), v[1])])],
)
def expand_crossentropy(node: Apply) -> list[Any] | None:
    """crossentropy(p, labels) -> -log(p[labels])."""
    p, y = node.inputs
    return [m.neg(m.log(PickLabel()(p, y)))]


@rule(
    CrossentropyCategorical1HotGrad,
    reason="the definition",
    examples=[lambda: (v := [_vector(), _matrix(), _labels()], [CrossentropyCategorical1HotGrad()(*v)])],
)
def expand_crossentropy_grad(node: Apply) -> list[Any] | None:
    """The gradient of crossentropy(p, labels) -> rows of zeros but for -g / p at the label."""
    g, p, y = node.inputs
    return [like(PlaceLabel()(m.true_div(m.neg(g), PickLabel()(p, y)), p, y), node.outputs[0])]


@rule(
    CrossentropySoftmaxArgmax1HotWithBias,
    reason="the definition",
    examples=[lambda: (v := [_matrix(), _vector(), _labels()], list(CrossentropySoftmaxArgmax1HotWithBias()(*v)))],
)
def expand_crossentropy_softmax(node: Apply) -> list[Any] | None:
    """Loss, softmax and argmax of x + b -> log(sum(e)) - z[labels], e / sum(e), argmax; z = x + b - max, e = exp(z)."""
    x, b, y = node.inputs
    row = m.add(x, dimshuffle(b, ("x", 0)))
    if row.type.broadcastable != x.type.broadcastable or y.type.broadcastable != x.type.broadcastable[:1]:
        return None
    z = shifted(row, 1)
    e = m.exp(z)
    sums = total(e, (1,))
    loss = m.sub(m.log(dimshuffle(sums, (0,))), PickLabel()(z, y))
    found = (loss, m.true_div(e, sums), Argmax((1,))(row))
    return [like(v, old) for v, old in zip(found, node.outputs, strict=True)]


@rule(
    CrossentropySoftmax1HotWithBiasDx,
    reason="the definition",
    examples=[
        lambda: (v := [_vector(), _matrix(), _labels()], [CrossentropySoftmax1HotWithBiasDx()(*v)]),
        lambda: (v := [tensor_type("float64", ())("g"), *_stack()], [CrossentropySoftmax1HotWithBiasDx()(*v)]),
    ],
)
def expand_crossentropy_softmax_grad(node: Apply) -> list[Any] | None:
    """g * (softmax - 1 at the labels) -> switch(column == label, d - g, d), d = g * softmax."""
    g, sm, y = node.inputs
    places = labels_of(sm, y)
    if places is None or is_complex(g.type.dtype):
        return None
    g = column(g, sm.type.ndim)
    d = m.mul(g, sm)
    return [like(m.switch(at_labels(sm, places), m.sub(d, g), d), node.outputs[0])]


EXPANSIONS: tuple[Any, ...] = (
    expand_softmax,
    expand_logsoftmax,
    expand_softmax_grad,
    expand_logsumexp,
    expand_argmax,
    expand_max_and_argmax,
    expand_prod_without_zeros,
    expand_dot_with_vector,
    expand_product,
    expand_pick_label,
    expand_place_label,
    expand_crossentropy,
    expand_crossentropy_grad,
    expand_crossentropy_softmax,
    expand_crossentropy_softmax_grad,
    *INDEX,
    *SHAPED,
    *RANDOM,
    *POOLING,
)
