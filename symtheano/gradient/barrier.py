"""Ops that are the identity forwards and do something else to the gradient: stop it, clip it, scale it.

Each is a view of its input, so it costs nothing at run time; once gradients are taken, rules remove it (`identity`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.errors import explain
from symtheano.gradient.null import grad_undefined, is_disconnected
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_float
from symtheano.scalar.expr import Expr
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable, make_constant
from symtheano.tensor.elemwise import Read, functions, zeros_of
from symtheano.tensor.math import cast
from symtheano.tensor.type import TensorType


class Barrier(ArrayOp):
    """The identity, with a gradient of its own."""

    identity = True  # rules may replace a node by its input
    view_map = {0: [0]}
    __props__: tuple[str, ...] = ()

    def __str__(self) -> str:
        return type(self).__name__

    def make_node(self, x: Any) -> Apply:
        x = x if isinstance(x, Variable) else as_tensor_variable(x)
        return Apply(self, [x], [x.type()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return args[0]

    def loop(self, node: Apply, read: Read, index: tuple[Expr, ...]) -> Expr:
        """The element at `index`."""
        return read(node.inputs[0], index)

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [eval_points[0]]


class ConsiderConstant(Barrier):
    """The gradient does not pass: it is zero, and connected."""

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [zeros_of(inputs[0])]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else zeros_of(inputs[0])]


class ZeroGrad(ConsiderConstant):
    """The gradient is zero, and connected."""


class DisconnectedGrad(Barrier):
    """There is no gradient: what lies below counts as not connected."""

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False]]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [disconnected_type()]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None]


class UndefinedGrad(Barrier):
    """The gradient is undefined: asking for it raises NullTypeGradError."""

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [grad_undefined(self, 0, inputs[0], "undefined_grad() was asked for.")]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None]


class GradClip(Barrier):
    """The gradient is clipped to an interval, element by element."""

    __props__ = ("clip_lower_bound", "clip_upper_bound")

    def __init__(self, clip_lower_bound: float, clip_upper_bound: float):
        if not clip_upper_bound >= clip_lower_bound:
            raise ValueError(
                explain(
                    "`clip_upper_bound` should be >= `clip_lower_bound`",
                    operation="grad_clip",
                    operands=[f"lower bound: {clip_lower_bound}", f"upper bound: {clip_upper_bound}"],
                )
            )
        self.clip_lower_bound = clip_lower_bound
        self.clip_upper_bound = clip_upper_bound

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        (g,) = output_grads
        if is_disconnected(g):
            return [g]
        return [functions.clip(g, _number(self.clip_lower_bound, g), _number(self.clip_upper_bound, g))]


class GradScale(Barrier):
    """The gradient is multiplied by a number."""

    __props__ = ("multiplier",)

    def __init__(self, multiplier: float):
        self.multiplier = multiplier

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        (g,) = output_grads
        return [g if is_disconnected(g) else functions.mul(g, _number(self.multiplier, g))]


def _number(value: Any, g: Any) -> Variable:
    """`value` as a constant that does not change the dtype of `g`."""
    if isinstance(value, Variable):
        return cast(value, g.type.dtype) if is_float(g.type.dtype) else value
    dtype = g.type.dtype if isinstance(g.type, TensorType) and is_float(g.type.dtype) else None
    return make_constant(np.array(value, dtype))


consider_constant_ = ConsiderConstant()
zero_grad_ = ZeroGrad()
disconnected_grad_ = DisconnectedGrad()
undefined_grad_ = UndefinedGrad()


def consider_constant(x: Any) -> Any:
    """`x`, through which no gradient passes: it is zero on this path. Theano's older name of `zero_grad`.

    >>> import symtheano.tensor as T
    >>> x = T.dscalar("x")
    >>> float(T.grad(consider_constant(x) * x, x).eval({x: 3.0}))
    3.0
    """
    return consider_constant_(x)


def zero_grad(x: Any) -> Any:
    """`x`, with a gradient of zeros: the cost stays connected to what `x` is computed from.

    x: a tensor of any shape and dtype; the result has its type. See `disconnected_grad` for the strict form.

    >>> import symtheano.tensor as T
    >>> x = T.dscalar("x")
    >>> float(T.grad(zero_grad(x) * x, x).eval({x: 3.0}))
    3.0
    """
    return zero_grad_(x)


def disconnected_grad(x: Any) -> Any:
    """`x` as a constant of differentiation: paths through it do not count at all.

    x: a tensor of any shape and dtype; the result has its type. Where every path to a variable leads through such an
    `x`, asking for that variable's gradient raises DisconnectedInputError (see grad's `disconnected_inputs`).

    >>> import symtheano.tensor as T
    >>> x = T.dscalar("x")
    >>> float(T.grad(disconnected_grad(x) * x, x).eval({x: 3.0}))
    3.0
    """
    return disconnected_grad_(x)


def undefined_grad(x: Any) -> Any:
    """`x`, with an undefined gradient: whoever differentiates through it gets NullTypeGradError.

    x: a tensor of any shape and dtype; the result has its type.

    >>> import symtheano.tensor as T
    >>> x = T.dscalar("x")
    >>> print(T.grad(undefined_grad(x), x, null_gradients='return').type)
    NullType
    """
    return undefined_grad_(x)


def grad_clip(x: Any, lower_bound: float, upper_bound: float) -> Any:
    """`x`, whose gradient is clipped to [lower_bound, upper_bound], element by element.

    x: a tensor of any shape; the result has its type. Raises ValueError where the bounds are in the wrong order.

    >>> import symtheano.tensor as T
    >>> x = T.dscalar("x")
    >>> float(T.grad(grad_clip(x, -1, 1) ** 2, x).eval({x: 3.0}))
    1.0
    """
    return GradClip(lower_bound, upper_bound)(x)


def grad_scale(x: Any, multiplier: float) -> Any:
    """`x`, whose gradient is multiplied by `multiplier` (a negative number makes a gradient reversal layer).

    x: a tensor of any shape; the result has its type.

    >>> import symtheano.tensor as T
    >>> x = T.dscalar("x")
    >>> float(T.grad(grad_scale(x * x, -1), x).eval({x: 3.0}))
    -6.0
    """
    return GradScale(multiplier)(x)
