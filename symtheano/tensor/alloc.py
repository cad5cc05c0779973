"""New tensors of one value: Alloc (a value broadcast to a shape), AllocEmpty, and zeros, ones, full, *_like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.config import config
from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scalar.expr import Expr
from symtheano.tensor.array import ArrayOp, Let, Unconnected
from symtheano.tensor.convert import as_tensor_variable, constant, make_constant
from symtheano.tensor.elemwise import Read, broadcast_index, functions, pad_left, unbroadcast
from symtheano.tensor.sizes import as_size, constant_dim, vector_items
from symtheano.tensor.type import StaticShape, tensor_type

__all__ = [
    "Alloc",
    "AllocEmpty",
    "alloc",
    "alloc_validate_shape",
    "empty",
    "full",
    "full_like",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]


class Alloc(ArrayOp):
    """`value` broadcast to a shape, as a new array: inputs (value, length of axis 0, length of axis 1, ...).

    The value fills the last axes. Broadcasting is static, as everywhere: an axis is stretched where the value's type
    says that its length is 1; any other axis must have the wanted length, or ShapeMismatchError (a ValueError) is
    raised. Axes whose length is the constant 1 are broadcastable.
    """

    __props__ = ()

    def make_node(self, value: Any, *shape: Any) -> Apply:
        value = as_tensor_variable(value)
        lengths = [as_size(s) for s in shape]
        if value.type.ndim > len(lengths):
            raise TypeError(_too_many_dimensions(value, lengths))
        return Apply(self, [value, *lengths], [tensor_type(value.type.dtype, _static_shape(value, lengths))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        value: Any = node.inputs[0]
        ndim, dtype, stretched = value.type.ndim, value.type.dtype, value.type.broadcastable
        shape = f"({''.join(f'{a}, ' for a in args[1:])})"
        if isinstance(value, Constant) and value.data.size == 1 and not any(value.data.tobytes()):  # -0.0 is not 0
            return f"xp.zeros({shape}, {dtype!r})"
        if ndim == 0:
            return f"xp.full({shape}, {args[0]}, {dtype!r})"
        return f"kernels.alloc(xp, {args[0]}, {stretched}, {shape})"

    def loop(self, node: Apply, read: Read, index: tuple[Expr, ...]) -> Expr:
        """The element at `index`."""
        value: Any = node.inputs[0]
        return read(value, broadcast_index(value, index[len(index) - value.type.ndim :]))

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(node.inputs[1:])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], *([False] for _ in node.inputs[1:])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        value: Any = inputs[0]
        g: Any = output_grads[0]
        new = g.type.ndim - value.type.ndim
        if new:
            g = g.sum(axis=list(range(new)))
        return [unbroadcast(g, value), *(disconnected_type() for _ in inputs[1:])]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        tangent = eval_points[0]
        return [None if tangent is None else self(tangent, *inputs[1:])]

    def do_constant_folding(self, node: Apply) -> bool:
        return False  # a large constant is worse than making it, and rules see through Alloc


def _static_shape(value: Any, lengths: Sequence[Any]) -> StaticShape:
    """The lengths that are known; ShapeMismatchError where the value cannot be broadcast to them."""
    shape = [constant_dim(n) for n in lengths]
    first = len(shape) - value.type.ndim
    for axis, n in enumerate(value.type.shape, first):
        if n is None or n == 1:
            continue
        if shape[axis] is None:
            shape[axis] = n
        elif shape[axis] != n:
            raise ShapeMismatchError(
                explain(
                    f"Alloc cannot broadcast a value of length {n} to the length {shape[axis]} of axis {axis}.",
                    operation="Alloc",
                    operands=[f"{value}: {value.type}, shape {value.type.shape}", f"wanted shape: {tuple(shape)}"],
                    remedy="make the lengths equal, or the value's length 1",
                )
            )
    return tuple(shape)


def _too_many_dimensions(value: Any, lengths: Sequence[Any]) -> str:
    return explain(
        "The Alloc value to use has more dimensions than the specified dimensions.",
        operation="Alloc",
        operands=[f"value {value}: {value.type}", f"wanted shape: ({', '.join(map(str, lengths))})"],
        remedy="give one length for each dimension of the value, and more for new ones in front",
    )


class AllocEmpty(Unconnected):
    """An array of `dtype` whose elements are not set: inputs are its lengths. For values that are overwritten."""

    __props__ = ("dtype",)

    def __init__(self, dtype: str):
        self.dtype = config.floatX if dtype == "floatX" else str(dtype)

    def make_node(self, *shape: Any) -> Apply:
        lengths = [as_size(s) for s in shape]
        return Apply(self, lengths, [tensor_type(self.dtype, tuple(constant_dim(n) for n in lengths))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"xp.empty(({''.join(f'{a}, ' for a in args)}), {self.dtype!r})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(node.inputs)]

    def do_constant_folding(self, node: Apply) -> bool:
        return False


alloc = Alloc()


def alloc_validate_shape(shape: Sequence[Any]) -> tuple[list[Any], list[bool]]:
    """The lengths as int64 scalars, and for each axis whether its length is known to be 1.

    >>> alloc_validate_shape((1, 5))[1]
    [True, False]
    """
    lengths = [as_size(s) for s in shape]
    return lengths, [constant_dim(n) == 1 for n in lengths]


def lengths_of(shape: Any) -> list[Any]:
    """The lengths that a `shape` argument means: a scalar, a sequence of scalars, or a vector of known length.

    Raises ValueError for a symbolic vector of unknown length: the number of dimensions must be known.
    """
    if isinstance(shape, (list, tuple)):
        return list(shape)
    if not isinstance(shape, Variable):
        return list(np.atleast_1d(shape))
    if shape.type.ndim == 0:
        return [shape]
    try:
        return vector_items(shape)
    except ValueError as error:
        raise ValueError(
            explain(
                "The number of dimensions of a new tensor must be known when the graph is built.",
                operands=[f"shape {shape}: {shape.type}"],
                remedy="pass a tuple of lengths, or x.shape of a tensor x",
            )
        ) from error


def full(shape: Any, fill_value: Any, dtype: str | None = None) -> Any:
    """A tensor of `shape` filled with `fill_value` (0-d, or broadcast to the shape).

    shape: a scalar, a tuple or list of ints and integer scalars, or an integer vector of known length. dtype: None for
    the dtype of the value; Python floats follow the autocasting rules.

    >>> full((2, 1), 7).type
    TensorType(int8, col)
    """
    value: Any = as_tensor_variable(fill_value)
    if dtype is not None:
        value = constant(value.data, dtype=dtype) if isinstance(value, Constant) else value.astype(dtype)
    return alloc(value, *lengths_of(shape))


def zeros(shape: Any, dtype: str | None = None) -> Any:
    """A tensor of zeros, of `dtype` (None: config.floatX). `shape` as in `full`.

    >>> zeros((3, 1), "float32").type
    TensorType(float32, col)
    """
    return full(shape, np.zeros((), dtype_named(dtype)))


def ones(shape: Any, dtype: str | None = None) -> Any:
    """A tensor of ones, of `dtype` (None: config.floatX). `shape` as in `full`.

    >>> ones((1, 3)).eval()
    array([[1., 1., 1.]])
    """
    return full(shape, np.ones((), dtype_named(dtype)))


def empty(shape: Any, dtype: str | None = None) -> Any:
    """A tensor whose elements are not set, of `dtype` (None: config.floatX). `shape` as in `full`.

    >>> empty((2, 1)).type
    TensorType(float64, col)
    """
    return AllocEmpty(dtype_named(dtype))(*lengths_of(shape))


def full_like(model: Any, fill_value: Any, dtype: str | None = None) -> Any:
    """A tensor in the shape of `model` filled with `fill_value`, of `dtype` (None: that of `model`).

    >>> full_like(np.ones((2, 3)), 5).dtype
    'float64'
    """
    x: Any = as_tensor_variable(model)
    value: Any = as_tensor_variable(fill_value)
    dtype = x.type.dtype if dtype is None else dtype_named(dtype)
    if isinstance(value, Constant):
        value = make_constant(value.data.astype(dtype))
    elif value.type.dtype != dtype:
        value = value.astype(dtype)
    if value.type.ndim > x.type.ndim:
        raise TypeError(
            explain(
                "full_like: the value has more dimensions than the model.",
                operands=[f"value {value}: {value.type}", f"model {x}: {x.type}"],
            )
        )
    return functions.second(x, pad_left(value, x.type.ndim))


def zeros_like(model: Any, dtype: str | None = None, opt: bool = False) -> Any:
    """Zeros in the shape of `model`, of `dtype` (None: the model's own, also for integers).

    opt: a model that is a 0-d tensor gives a constant.

    >>> zeros_like(np.arange(3)).dtype
    'int64'
    """
    return _constant_like(model, 0, dtype, opt)


def ones_like(model: Any, dtype: str | None = None, opt: bool = False) -> Any:
    """Ones in the shape of `model`, of `dtype` (None: the model's own, also for integers). opt: see `zeros_like`.

    >>> ones_like(np.arange(3, dtype="int8")).eval()
    array([1, 1, 1], dtype=int8)
    """
    return _constant_like(model, 1, dtype, opt)


def _constant_like(model: Any, number: int, dtype: str | None, opt: bool) -> Any:
    x: Any = as_tensor_variable(model)
    dtype = x.type.dtype if dtype is None else dtype_named(dtype)
    value = make_constant(np.asarray(number, dtype))
    return value if opt and x.type.ndim == 0 else functions.second(x, value)


def dtype_named(dtype: str | None) -> str:
    """The dtype's name; None and "floatX" mean config.floatX."""
    return config.floatX if dtype is None or dtype == "floatX" else np.dtype(dtype).name
