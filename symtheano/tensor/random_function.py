"""RandomFunction: the op that draws from a NumPy RandomState, and the shape rules of its callers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symtheano.errors import ShapeError, explain
from symtheano.graph.null import NullType
from symtheano.graph.op import Op
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions
from symtheano.tensor.random_state import RandomStateType
from symtheano.tensor.sizes import (
    as_int64,
    as_size,
    get_vector_length,
    is_integer,
    known_lengths,
    shape,
    shape_i,
    size_vector,
    vector_items,
)
from symtheano.tensor.type import tensor_type


class RandomFunction(Op):
    """Draws numbers from a random state: (state, size, *args) -> (new state, numbers).

    fn: the name of a method of `numpy.random.RandomState`, or a function `fn(state, *args, size)`. outtype: the
    TensorType of the numbers. inplace: draw from the given state itself, not from a copy. ndim_added: axes that `fn`
    gives beyond `size`. A size of length 0 leaves the shape to `fn`, which then gets None.
    """

    __props__ = ("fn", "outtype", "inplace", "ndim_added")

    def __init__(self, fn: str | Callable[..., Any], outtype: Any, inplace: bool = False, ndim_added: int = 0):
        self.fn, self.outtype, self.inplace, self.ndim_added = fn, outtype, inplace, ndim_added
        if inplace:
            self.destroy_map = {0: [0]}

    @property
    def exec_fn(self) -> Callable[..., Any]:
        """The function that draws."""
        method: Callable[..., Any] = getattr(np.random.RandomState, self.fn) if isinstance(self.fn, str) else self.fn
        return method

    def __str__(self) -> str:
        return f"RandomFunction{{{self.fn if isinstance(self.fn, str) else self.fn.__name__}}}"

    def make_node(self, r: Any, shape: Any, *args: Any) -> Apply:
        if not isinstance(r, Variable) or not isinstance(r.type, RandomStateType):
            raise TypeError(
                explain(
                    f"{self} draws from a random state.",
                    operation=str(self),
                    operands=[f"random_state: {getattr(r, 'type', type(r).__name__)}"],
                    remedy="pass theano.shared(numpy.random.RandomState(seed)), or a variable of random_state_type",
                )
            )
        size = size_vector(shape)
        inputs = [r, size, *map(as_tensor_variable, args)]
        return Apply(self, inputs, [r.type(), self._result(size)()])

    def _result(self, size: Any) -> Any:
        """The type of the numbers: `outtype`, with the lengths that `size` tells."""
        lengths: list[int | None] = [1 if b else None for b in self.outtype.broadcastable]
        count = len(lengths) - self.ndim_added
        if self.ndim_added >= 0 and _length(size) == count:
            for k, n in enumerate(known_lengths(size, count)):
                lengths[k] = n if n != 1 and lengths[k] is None else lengths[k]
        return tensor_type(self.outtype.dtype, tuple(lengths))

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        state, wanted, *args = inputs
        size = tuple(int(n) for n in wanted) or None
        if size is not None and len(size) + self.ndim_added != self.outtype.ndim:
            raise ValueError(
                explain(
                    f"{self}: Shape mismatch: {self.outtype.ndim} dimensions were promised, "
                    f"but size has length {len(size)}, and {self.ndim_added} more are added.",
                    operation=str(self),
                    operands=[f"size: {size}", f"result: {self.outtype}"],
                    remedy="give as many lengths as the ndim of the draw says",
                )
            )
        # copy.copy would share the generator itself, and so draw from the given state as well.
        state = state if self.inplace else copy.deepcopy(state)
        drawn = np.asarray(self.exec_fn(state, *args, size), self.outtype.numpy_dtype)
        if size is None and drawn.ndim == 0:
            drawn = drawn.reshape((1,) * self.outtype.ndim)
        self._check(drawn, size)
        output_storage[0][0], output_storage[1][0] = state, drawn

    def _check(self, drawn: Any, size: tuple[int, ...] | None) -> None:
        leading = drawn.shape[: drawn.ndim - self.ndim_added]
        broken = any(b and n != 1 for b, n in zip(self.outtype.broadcastable, drawn.shape, strict=False))
        if drawn.ndim != self.outtype.ndim or broken or (size is not None and self.ndim_added >= 0 and leading != size):
            raise ValueError(
                explain(
                    f"{self}: Shape mismatch: the numbers drawn have shape {drawn.shape}.",
                    operation=str(self),
                    operands=[f"size: {size}", f"result: {self.outtype}", f"axes added to size: {self.ndim_added}"],
                    remedy="the arguments must fit size, or (without size) have the dimensions that the draw promises",
                )
            )

    def do_constant_folding(self, node: Apply) -> bool:
        return False

    def infer_shape(self, node: Apply, shapes: Sequence[Any]) -> list[Any]:
        size = node.inputs[1]
        if self.ndim_added or _length(size) == 0:
            raise ShapeError(f"the shape of {self} depends on the values of its arguments")
        return [None, tuple(vector_items(size, self.outtype.ndim))]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [
            NullType(f"The gradient by input {k} ({i}) of {self}, a draw of random numbers, is undefined.")()
            for k, i in enumerate(inputs)
        ]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None, None]


def _length(size: Any) -> int | None:
    """The length of a size vector, where it is known."""
    try:
        return get_vector_length(size)
    except ValueError:
        return None


def infer_size(ndim: int | None, size: Any, *args: Any) -> tuple[int, Any, tuple[bool, ...]]:
    """The number of dimensions, the size as an int64 vector and the broadcast pattern of a draw.

    size: a list or tuple of ints and 0-d variables (-1: as long as that axis of `args`, counted from the right), an
    integer vector, or None: the shape that `args` have together. ndim: how many, where a symbolic vector is not clear.
    Raises ValueError where these contradict one another, TypeError where size is no vector of integers.
    """
    if isinstance(size, (tuple, list)):
        found = _of_sequence(ndim, size, args)
    elif size is None:
        found = _of_arguments(args)
    else:
        found = _of_vector(ndim, size)
    needed = max((a.type.ndim for a in args), default=0)
    if needed > found[0]:
        raise ValueError(
            explain(
                f"ndim should be at least as big as required by the arguments: {needed}, not {found[0]}.",
                operands=[f"size: {size}", *(f"{a}: {a.type}" for a in args)],
                remedy="give a size with as many lengths as the arguments have axes",
            )
        )
    return found


def _of_sequence(ndim: int | None, size: Sequence[Any], args: Sequence[Any]) -> tuple[int, Any, tuple[bool, ...]]:
    if ndim is not None and ndim != len(size):
        raise ValueError(
            explain(
                f"ndim should be equal to len(size), but ndim = {ndim}, len(size) = {len(size)}.",
                operands=[f"size: {size}"],
                remedy="leave ndim out",
            )
        )
    lengths, pattern = [], []
    for k, n in enumerate(size):
        if not isinstance(n, Variable) and n == -1:
            length, one = _borrowed(k - len(size), args, size)
        elif not isinstance(n, Variable) and n < 0:
            raise ValueError(explain(f"negative shape {n}", operands=[f"size: {size}"], remedy="lengths are 0 or more"))
        else:
            length, one = as_size(n), not isinstance(n, Variable) and n == 1
        lengths.append(length)
        pattern.append(bool(one))
    return len(size), size_vector(lengths), tuple(pattern)


def _borrowed(axis: int, args: Sequence[Any], size: Sequence[Any]) -> tuple[Any, bool]:
    """The length that -1 stands for at `axis` (counted from the right), and whether it is broadcastable."""
    reaching = [a for a in args if a.type.ndim >= -axis]
    if not reaching:
        raise ValueError(
            explain(
                "Auto-shape of -1 must overlap with the shape of one of the broadcastable inputs.",
                operands=[f"size: {size}", *(f"{a}: {a.type}" for a in args)],
                remedy="write the length instead of -1",
            )
        )
    for a in reaching:
        if not a.type.broadcastable[axis]:
            return shape_i(a, axis), False
    return as_size(1), True


def _of_arguments(args: Sequence[Any]) -> tuple[int, Any, tuple[bool, ...]]:
    if not args:
        raise TypeError(
            explain(
                "The shape of this draw cannot be inferred.",
                remedy="give size=(3,), or size=() for one number",
            )
        )
    together = functions.add(*args) if len(args) > 1 else args[0]
    return together.type.ndim, shape(together), together.type.broadcastable


def _of_vector(ndim: int | None, size: Any) -> tuple[int, Any, tuple[bool, ...]]:
    v: Any = as_tensor_variable(size)
    if v.type.ndim != 1 or not (is_integer(v.type.dtype) or (isinstance(v, Constant) and v.data.size == 0)):
        raise TypeError(
            explain(
                f"size must be a vector or list of integer scalars, got {v}.",
                operands=[f"{v}: {v.type}"],
                remedy="for one axis write size=(n,)",
            )
        )
    count = get_vector_length(v) if ndim is None else ndim
    vector = size_vector(v)
    return count, vector if vector.type.dtype == "int64" else as_int64(vector), (False,) * count
