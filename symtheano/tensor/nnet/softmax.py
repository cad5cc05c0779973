"""Softmax and its logarithm, as ops that work on whole rows at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import explain
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import upcast
from symtheano.scalar.dtypes import is_float
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import dimshuffle, functions
from symtheano.tensor.type import tensor_type

__all__ = [
    "LogSoftmax",
    "Softmax",
    "SoftmaxGrad",
    "logsoftmax",
    "logsoftmax_op",
    "softmax",
    "softmax_grad",
    "softmax_graph",
    "softmax_op",
    "softmax_with_bias",
]


class _Rows(ArrayOp):
    """An op on the vectors along `axis` (counted from the end) of one float tensor."""

    __props__ = ("axis",)
    out_argument = True
    _kernel = ""

    def __init__(self, axis: int = -1):
        self.axis = axis

    def __str__(self) -> str:
        return type(self).__name__ if self.axis == -1 else f"{type(self).__name__}{{axis={self.axis}}}"

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        if not is_float(x.type.dtype) or x.type.ndim < -self.axis:
            raise ValueError(not_rows(x, str(self)))
        return Apply(self, [x], [tensor_type(x.type.dtype, x.type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.{self._kernel}(xp, {args[0]}, {self.axis})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]


def not_rows(x: Any, operation: str) -> str:
    """The text of the error for an input that is not a matrix of floats."""
    return explain(
        f"{operation}: x must be 1-d or 2-d tensor of floats. Got {x.type}",
        operation=operation,
        operands=[f"{x}: {x.type}"],
        remedy="flatten the leading axes with reshape, or name the axis: softmax(x, axis=-1); cast integers to floatX",
    )


class Softmax(_Rows):
    """exp(x) / sum(exp(x)) along an axis (the last one), without overflow."""

    _kernel = "softmax"

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [SoftmaxGrad(self.axis)(output_grads[0], outputs[0])]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        # The Jacobian is symmetric.
        return [None if eval_points[0] is None else SoftmaxGrad(self.axis)(eval_points[0], self(*inputs))]


class SoftmaxGrad(ArrayOp):
    """The gradient of Softmax, from the cotangent dy and the softmax sm: sm * (dy - sum(dy * sm))."""

    __props__ = ("axis",)
    out_argument = True

    def __init__(self, axis: int = -1):
        self.axis = axis

    def __str__(self) -> str:
        return "SoftmaxGrad" if self.axis == -1 else f"SoftmaxGrad{{axis={self.axis}}}"

    def make_node(self, dy: Any, sm: Any) -> Apply:
        dy, sm = as_tensor_variable(dy), as_tensor_variable(sm)
        if dy.type.broadcastable != sm.type.broadcastable:
            dy = functions.second(sm, dy)
        return Apply(self, [dy, sm], [tensor_type(upcast(dy.type.dtype, sm.type.dtype), sm.type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.softmax_grad(xp, {', '.join(args)}, {self.axis})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[1])]

    def _total(self, x: Any) -> Any:
        return x.sum(axis=x.type.ndim + self.axis, keepdims=True)

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        dy: Any
        sm: Any
        g: Any
        (dy, sm), (g,) = inputs, output_grads
        return [self(g, sm), g * (dy - self._total(dy * sm)) - dy * self._total(g * sm)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        dy: Any
        sm: Any
        t: Any
        (dy, sm), (tdy, t) = inputs, eval_points
        terms = [] if tdy is None else [self(tdy, sm)]
        if t is not None:
            terms.append(t * (dy - self._total(dy * sm)) - sm * self._total(dy * t))
        return [functions.add(*terms) if terms else None]


class LogSoftmax(_Rows):
    """log(softmax(x)) along an axis (the last one), without overflow or log(0)."""

    _kernel = "logsoftmax"

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        z: Any
        g: Any
        (z,), (g,) = outputs, output_grads
        return [g - functions.exp(z) * g.sum(axis=z.type.ndim + self.axis, keepdims=True)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        t: Any = eval_points[0]
        if t is None:
            return [None]
        z = self(*inputs)
        return [t - (functions.exp(z) * t).sum(axis=z.type.ndim + self.axis, keepdims=True)]


softmax_op = Softmax()
logsoftmax_op = LogSoftmax()
softmax_grad = SoftmaxGrad()


def softmax(c: Any, axis: int | None = None) -> Any:
    """exp(c) / sum(exp(c)) of each row.

    c: a matrix of floats (its rows), or a vector, which counts as one row: the result has shape (1, n), as in Theano.
    axis: where given, tensors of any dimension, normalised along this axis (and a vector stays one). Raises ValueError
    for other dimensions or dtypes.

    >>> softmax(as_tensor_variable([1.0, 2.0])).type
    TensorType(float64, row)
    """
    return _applied(Softmax, c, axis, "softmax")


def logsoftmax(c: Any, axis: int | None = None) -> Any:
    """log(softmax(c)) computed directly; arguments as for `softmax`.

    >>> logsoftmax([[0.0, 0.0]]).eval()
    array([[-0.69314718, -0.69314718]])
    """
    return _applied(LogSoftmax, c, axis, "logsoftmax")


def _applied(op: Any, c: Any, axis: int | None, operation: str) -> Any:
    c = as_tensor_variable(c)
    if axis is not None:
        if not -c.type.ndim <= axis < c.type.ndim:
            raise ValueError(f"{operation}: axis {axis} is out of range for a tensor of {c.type.ndim} dimensions")
        return op(axis if axis < 0 else axis - c.type.ndim)(c)
    return op()(as_rows(c, operation))


def as_rows(c: Any, operation: str) -> Any:
    """A matrix of floats as it is, a vector of floats as a matrix of one row; ValueError for anything else."""
    if c.type.ndim not in (1, 2) or not is_float(c.type.dtype):
        raise ValueError(not_rows(c, operation))
    return dimshuffle(c, ("x", 0)) if c.type.ndim == 1 else c


def softmax_graph(c: Any) -> Any:
    """softmax of the rows of a matrix written with elementwise functions; it overflows for large numbers.

    >>> softmax_graph([[1.0, 1.0]]).eval()
    array([[0.5, 0.5]])
    """
    c = as_tensor_variable(c)
    return functions.exp(c) / functions.exp(c).sum(axis=-1, keepdims=True)


def softmax_with_bias(x: Any, b: Any) -> Any:
    """softmax(x + b) of a matrix and a vector that is added to each row.

    Raises ValueError for other dimensions and for other than floats.

    >>> softmax_with_bias([[1.0, 0.0]], [0.0, 1.0]).eval()
    array([[0.5, 0.5]])
    """
    x, b = as_tensor_variable(x), as_tensor_variable(b)
    if x.type.ndim != 2 or not is_float(x.type.dtype):
        raise ValueError(f"softmax_with_bias: x must be 2-d tensor of floats. Got {x.type}")
    if b.type.ndim != 1 or not is_float(b.type.dtype):
        raise ValueError(f"softmax_with_bias: b must be 1-d tensor of floats. Got {b.type}")
    return softmax_op(x + dimshuffle(b, ("x", 0)))
