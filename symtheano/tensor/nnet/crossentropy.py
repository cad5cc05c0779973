"""Ops of crossentropies whose true distribution is given by labels ("1 hot")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.null import disconnected_type, is_disconnected
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import upcast
from symtheano.scalar.dtypes import is_discrete, is_float
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import dimshuffle, functions, unbroadcast, zeros_of
from symtheano.tensor.nnet.softmax import SoftmaxGrad
from symtheano.tensor.type import tensor_type

__all__ = [
    "CrossentropyCategorical1Hot",
    "CrossentropyCategorical1HotGrad",
    "CrossentropySoftmax1HotWithBiasDx",
    "CrossentropySoftmaxArgmax1HotWithBias",
    "PickLabel",
    "PlaceLabel",
    "crossentropy_categorical_1hot",
    "crossentropy_categorical_1hot_grad",
    "crossentropy_softmax_1hot_with_bias_dx",
    "crossentropy_softmax_argmax_1hot_with_bias",
]


def checked_labels(x: Any, y: Any, operation: str) -> None:
    """TypeError where `y` are not integer labels for the last axis of `x`; ShapeMismatchError where lengths differ."""
    if not is_discrete(y.type.dtype) or y.type.dtype == "bool" or y.type.ndim != x.type.ndim - 1:
        raise TypeError(
            explain(
                f"{operation}: integer vector required for the labels, one label for each row. Got {y.type}",
                operation=operation,
                operands=[f"{x}: {x.type}", f"{y}: {y.type}"],
                remedy="cast the labels with theano.tensor.cast(y, 'int32'); use argmax to convert from one-hot",
            )
        )
    if any(m is not None and n is not None and m != n for m, n in zip(x.type.shape, y.type.shape)):
        raise ShapeMismatchError(
            explain(
                f"{operation}: there must be one label for each row.",
                operands=[f"{v}: {v.type}, shape {v.type.shape}" for v in (x, y)],
                remedy="check that predictions and labels are of the same examples",
            )
        )


def wider(x: Any, y: Any) -> tuple[int | None, ...]:
    """The static shape of the labels, from what is known of x and of y."""
    return tuple(n if m is None else m for m, n in zip(x.type.shape[:-1], y.type.shape))


class _Labelled(ArrayOp):
    """An op with labels as its last input: integers, in whose gradient there is nothing."""

    __props__ = ()

    def __str__(self) -> str:
        return type(self).__name__


class PickLabel(_Labelled):
    """x[..., y]: of each row the element that its label names."""

    def make_node(self, x: Any, y: Any) -> Apply:
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        checked_labels(x, y, "PickLabel")
        return Apply(self, [x, y], [tensor_type(x.type.dtype, wider(x, y))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.pick_label(xp, {', '.join(args)})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[1])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        (x, y), (g,) = inputs, output_grads
        return [PlaceLabel()(g, x, y), zeros_of(y)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0], inputs[1])]


class PlaceLabel(_Labelled):
    """Zeros of the shape of x, but v in each row at its label: the adjoint of PickLabel."""

    def make_node(self, v: Any, x: Any, y: Any) -> Apply:
        v, x, y = as_tensor_variable(v), as_tensor_variable(x), as_tensor_variable(y)
        checked_labels(x, y, "PlaceLabel")
        return Apply(self, [v, x, y], [tensor_type(v.type.dtype, x.type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        v, x, y = args
        return f"kernels.place_label(xp, {v}, {x}.shape, {y})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[1])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False], [True]]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        (v, _, y), (g,) = inputs, output_grads
        return [unbroadcast(PickLabel()(g, y), v), disconnected_type(), zeros_of(y)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0], *inputs[1:])]


class CrossentropyCategorical1Hot(_Labelled):
    """-log(coding_dist[i, true_one_of_n[i]]) for each row i: infinite where that probability is 0."""

    def make_node(self, coding_dist: Any, true_one_of_n: Any) -> Apply:
        x, y = as_tensor_variable(coding_dist), as_tensor_variable(true_one_of_n)
        if x.type.ndim < 2 or not is_float(x.type.dtype):
            raise TypeError(f"matrix of floats required for argument: coding_dist. Got {x.type}")
        checked_labels(x, y, str(self))
        return Apply(self, [x, y], [tensor_type(x.type.dtype, wider(x, y))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        picked = let(f"kernels.pick_label(xp, {', '.join(args)})")
        return f"-xp.log({picked})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[1])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        (x, y), (g,) = inputs, output_grads
        return [CrossentropyCategorical1HotGrad()(g, x, y), zeros_of(y)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        pick = PickLabel()
        x, y = inputs
        return [None if eval_points[0] is None else -pick(eval_points[0], y) / pick(x, y)]


class CrossentropyCategorical1HotGrad(_Labelled):
    """The gradient of CrossentropyCategorical1Hot: zeros, but -g_y / coding_dist at the labels."""

    def make_node(self, g_y: Any, coding_dist: Any, true_one_of_n: Any) -> Apply:
        g, x, y = (as_tensor_variable(v) for v in (g_y, coding_dist, true_one_of_n))
        checked_labels(x, y, str(self))
        dtype = upcast(g.type.dtype, x.type.dtype)
        return Apply(self, [g, x, y], [tensor_type(dtype, x.type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        g, x, y = args
        value = let(f"-{g} / kernels.pick_label(xp, {x}, {y})")
        return f"kernels.place_label(xp, {value}, {x}.shape, {y})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[1])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        g: Any
        x: Any
        (g, x, y), (c,) = inputs, output_grads
        pick = PickLabel()
        ratio = pick(c, y) / pick(x, y)
        return [unbroadcast(-ratio, g), PlaceLabel()(ratio * g / pick(x, y), x, y), zeros_of(y)]


class CrossentropySoftmaxArgmax1HotWithBias(_Labelled):
    """Of a matrix x, a vector b and labels y: -log(softmax(x + b)[i, y[i]]), softmax(x + b), and argmax(x + b).

    The loss is computed from x + b itself, so that it is finite where the probability underflows.
    """

    def make_node(self, x: Any, b: Any, y_idx: Any) -> Apply:
        x, b, y = (as_tensor_variable(v) for v in (x, b, y_idx))
        if x.type.ndim != 2 or not is_float(x.type.dtype):
            raise ValueError(f"x must be 2-d tensor of floats. Got {x.type}")
        if b.type.ndim != 1 or not is_float(b.type.dtype):
            raise ValueError(f"b must be 1-d tensor of floats. Got {b.type}")
        checked_labels(x, y, str(self))
        n = wider(x, y)
        dtype = upcast(x.type.dtype, b.type.dtype)
        nll, argmax = tensor_type(dtype, n)(), tensor_type("int64", n)()
        return Apply(self, [x, b, y], [nll, tensor_type(dtype, x.type.shape)(), argmax])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.crossentropy_softmax(xp, {', '.join(args)})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        x, _, y = shapes
        return [tuple(y), tuple(x), tuple(y)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True, True, True], [True, True, True], [True, False, False]]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x, b, y = inputs
        g_nll, g_sm, _ = output_grads
        sm = outputs[1]
        terms = [] if is_disconnected(g_nll) else [CrossentropySoftmax1HotWithBiasDx()(g_nll, sm, y)]
        terms += [] if is_disconnected(g_sm) else [SoftmaxGrad()(g_sm, sm)]
        g_row: Any = functions.add(*terms) if terms else zeros_of(x)
        wrt_y = disconnected_type() if is_disconnected(g_nll) else zeros_of(y)
        return [unbroadcast(g_row, x), unbroadcast(g_row.sum(axis=0), b), wrt_y]


class CrossentropySoftmax1HotWithBiasDx(_Labelled):
    """The gradient of the loss in CrossentropySoftmaxArgmax1HotWithBias: dy * (softmax - 1 at the labels)."""

    def make_node(self, dy: Any, sm: Any, y_idx: Any) -> Apply:
        dy, sm, y = (as_tensor_variable(v) for v in (dy, sm, y_idx))
        checked_labels(sm, y, str(self))
        dtype = upcast(dy.type.dtype, sm.type.dtype)
        if dy.type.ndim not in (0, y.type.ndim):
            raise TypeError(f"dy must have one element for each row. Got {dy.type}")
        return Apply(self, [dy, sm, y], [tensor_type(dtype, sm.type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.crossentropy_softmax_dx(xp, {', '.join(args)})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[1])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        dy: Any
        sm: Any
        c: Any
        (dy, sm, y), (c,) = inputs, output_grads
        wrt_dy = (c * sm).sum(axis=-1) - PickLabel()(c, y)
        if dy.type.ndim == 0:
            return [wrt_dy.sum(), c * dy, zeros_of(y)]
        column = dimshuffle(dy, [*range(dy.type.ndim), "x"])
        return [unbroadcast(wrt_dy, dy), unbroadcast(c * column, sm), zeros_of(y)]


crossentropy_categorical_1hot = CrossentropyCategorical1Hot()
crossentropy_categorical_1hot_grad = CrossentropyCategorical1HotGrad()
crossentropy_softmax_argmax_1hot_with_bias = CrossentropySoftmaxArgmax1HotWithBias()
crossentropy_softmax_1hot_with_bias_dx = CrossentropySoftmax1HotWithBiasDx()
