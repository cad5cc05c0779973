"""Reshape, and what is made of it: the same elements in the same order, in another shape."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.sizes import (
    Origin,
    as_size,
    axis_origin,
    constant_dim,
    fitted,
    get_vector_length,
    is_length,
    known_lengths,
    origins,
    shape_i,
    shape_list,
    size_vector,
    total_size,
    vector_items,
)
from symtheano.tensor.type import tensor_type

__all__ = ["Reshape", "flatten", "reshape"]


class Reshape(ArrayOp):
    """`x` in the shape given by an integer vector of length `ndim`, in C order. One length may be -1: what is left.

    The result is a view where x is contiguous. Lengths that are the constant 1 are broadcastable.
    """

    __props__ = ("ndim",)
    view_map = {0: [0]}

    def __init__(self, ndim: int, name: str | None = None):
        self.ndim = int(ndim)
        if self.ndim < 0:
            raise ValueError(f"The output dimensions after reshape must be 0 or greater; got ndim={ndim}")

    def __str__(self) -> str:
        return f"Reshape{{{self.ndim}}}"

    # -- type rule -----------------------------------------------------------------------------------------------
    def make_node(self, x: Any, newshape: Any) -> Apply:
        x, newshape = as_tensor_variable(x), size_vector(newshape)
        length = newshape.type.shape[0]
        if length is not None and length != self.ndim:
            raise ValueError(
                explain(
                    f"The new shape has {length} elements, but ndim={self.ndim}.",
                    operation=str(self),
                    operands=[f"x = {x}: {x.type}, shape {x.type.shape}", f"newshape = {newshape}: {newshape.type}"],
                    remedy=f"pass ndim={length}, or leave ndim out: it is the length of the new shape",
                )
            )
        lengths = origins(newshape, self.ndim)
        self._check(x, newshape, lengths)
        return Apply(self, [x, newshape], [tensor_type(x.type.dtype, static_result(x, lengths))()])

    def _check(self, x: Any, newshape: Any, lengths: Sequence[Origin | None]) -> None:
        """What can be said when the graph is built against this new shape."""
        ints = [n for n in lengths if isinstance(n, int)]
        problem = ""
        if any(n < -1 for n in ints) or ints.count(-1) > 1:
            problem = "a new shape holds lengths and at most one -1"
        elif -1 in ints and 0 in ints:
            problem = "-1 together with a length of 0 is ambiguous"
        elif None not in x.type.shape:
            total, known = prod(x.type.shape), prod(n for n in ints if n != -1)
            complete = len(ints) == self.ndim
            if complete and -1 not in ints and total != known:
                problem = f"{total} elements do not fill a shape of {known}"
            elif -1 in ints and complete and total % known:
                problem = f"{total} elements are not a multiple of {known}"
        if problem:
            raise ShapeMismatchError(
                explain(
                    f"Cannot reshape input of shape {x.type.shape} to shape {_shown(lengths)}: {problem}.",
                    operation=str(self),
                    operands=[f"{x}: {x.type}, shape {x.type.shape}", f"new shape {_shown(lengths)}"],
                    expression=f"{x}.reshape({newshape})",
                    remedy="make the products of both shapes equal",
                )
            )

    # -- array rule ----------------------------------------------------------------------------------------------
    def array(self, node: Apply, let: Let, *args: str) -> str:
        x: Any = node.inputs[0]
        lengths = known_lengths(node.inputs[1], self.ndim)
        if None in lengths:
            return f"kernels.reshape(xp, {args[0]}, {args[1]}, {self.ndim})"
        if None not in x.type.shape or [n for n in lengths if n != 1] == [-1]:  # then it cannot fail
            return f"{args[0]}.reshape({tuple(lengths)})"
        return f"kernels.reshape(xp, {args[0]}, {tuple(lengths)}, {self.ndim})"

    # -- shape rule ----------------------------------------------------------------------------------------------
    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        static: Sequence[int | None] = node.outputs[0].type.shape
        if None not in static:
            return [tuple(static)]
        items = vector_items(node.inputs[1], self.ndim)
        sizes, old = self._lengths(node, items), list(shapes[0])
        missing = [k for k, n in enumerate(static) if n is None]
        negative = [k for k in missing if constant_dim(sizes[k]) == -1]
        if negative:
            rest = [n for k, n in enumerate(sizes) if k not in negative]
            return [tuple(_quotient(old, rest) if k in negative else n for k, n in enumerate(sizes))]
        unsure = [k for k in missing if not is_length(sizes[k])]
        if unsure:  # one of them may be -1 at run time
            size = total_size(sizes)
            left = functions.int_div(as_size(total_size(old)), functions.maximum(-size, as_size(1)))
            for k in unsure:
                sizes[k] = functions.switch(functions.eq(sizes[k], as_size(-1)), left, sizes[k])
        return [tuple(sizes)]

    def _lengths(self, node: Apply, items: Sequence[Any]) -> list[Any]:
        static: Sequence[int | None] = node.outputs[0].type.shape
        return [item if known is None else known for known, item in zip(static, items, strict=True)]

    # -- derivatives ---------------------------------------------------------------------------------------------
    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False]]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any = inputs[0]
        if is_discrete(x.type.dtype):
            return [zeros_of(x), disconnected_type()]
        g = fitted(output_grads[0], outputs[0])
        return [Reshape(x.type.ndim)(g, size_vector(shape_list(x))), disconnected_type()]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0], inputs[1])]


def static_result(x: Any, lengths: Sequence[Origin | None]) -> tuple[int | None, ...]:
    """What is known of the shape of x reshaped to `lengths`.

    A length of 1 that only follows from the others is left unknown: the type would be broadcastable where Theano's is
    not.
    """
    shape = [n if isinstance(n, int) and n >= 0 else None for n in lengths]
    left: list[Any] = [axis_origin(x, k) for k in range(x.type.ndim)]
    if -1 in lengths:  # no other length is 0 then, so factors that both sides have cancel
        position = lengths.index(-1)
        left, right = cancelled(left, [n for k, n in enumerate(lengths) if k != position])
    elif shape.count(None) == 1:
        position = shape.index(None)
        right = [n for n in shape if n is not None]
    else:
        return tuple(shape)
    if all(isinstance(n, int) for n in [*left, *right]):
        total, known = prod(left), prod(right)
        if known and total % known == 0 and total // known != 1:
            shape[position] = total // known
    return tuple(shape)


def cancelled(left: list[Any], right: list[Any]) -> tuple[list[Any], list[Any]]:
    """Two products without the factors that both have (lengths of the same axis)."""
    rest = list(left)
    kept = []
    for n in right:
        at = next((k for k, m in enumerate(rest) if not isinstance(n, int) and _same(m, n)), None)
        if at is None:
            kept.append(n)
        else:
            del rest[at]
    return rest, kept


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple) and isinstance(b, tuple):
        return a[0] is b[0] and a[1] == b[1]
    return a is b and a is not None


def _quotient(old: Sequence[Any], rest: Sequence[Any]) -> Any:
    """What -1 stands for: the product of `old` over that of `rest`."""
    left, right = cancelled(list(old), list(rest))
    total, known = total_size(left), total_size(right)
    if isinstance(total, int) and isinstance(known, int):
        return total // max(known, 1)
    if isinstance(known, int):
        return total if known == 1 else functions.int_div(as_size(total), as_size(max(known, 1)))
    return functions.int_div(as_size(total), functions.maximum(as_size(known), as_size(1)))


def _shown(lengths: Sequence[Origin | None]) -> str:
    parts = ["?" if n is None else str(n) if isinstance(n, int) else f"{n[0]}.shape[{n[1]}]" for n in lengths]
    return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def reshape(x: Any, newshape: Any, ndim: int | None = None) -> Any:
    """`x` in another shape, its elements in C order.

    newshape: an int, a list or tuple of ints and integer scalars, or an integer vector; one -1 stands for what is left.
    ndim: the length of newshape, needed where it is not known when the graph is built. Lengths that are the constant 1
    are broadcastable. Raises TypeError where newshape holds no integers, ValueError where its length is unknown, and
    (when built, or else when run) where the numbers of elements differ.

    >>> reshape([[1, 2], [3, 4]], (4, 1)).type
    TensorType(int64, col)
    """
    x = as_tensor_variable(x)
    vector = size_vector(newshape)
    if ndim is None:
        try:
            ndim = get_vector_length(vector)
        except ValueError as error:
            raise ValueError(
                explain(
                    f"The length of the provided shape ({vector}) cannot be automatically determined, so the number "
                    "of dimensions of the reshaped variable is not known.",
                    operation="reshape",
                    operands=[f"{x}: {x.type}", f"newshape = {vector}: {vector.type}"],
                    remedy="pass the 'ndim' keyword argument to 'reshape'",
                )
            ) from error
    return Reshape(ndim)(x, vector)


def flatten(x: Any, ndim: int | None = None, outdim: int | None = None) -> Any:
    """`x` with its first ndim - 1 axes kept and all others made one (C order). `outdim` is the older name of ndim.

    The last axis is broadcastable where all it is made of are. Raises ValueError where ndim is less than 1 or more
    than x has.

    >>> flatten([[[1, 2], [3, 4]]], 2).type.shape
    (1, 4)
    """
    if outdim is not None:
        if ndim is not None:
            raise ValueError("You should only specify ndim: outdim is its older name")
        ndim = outdim
    count = 1 if ndim is None else ndim
    x = as_tensor_variable(x)
    if isinstance(count, Variable) or count < 1 or count > max(x.type.ndim, 1):
        raise ValueError(
            explain(
                f"ndim {count} out of bound [1, {x.type.ndim + 1}).",
                operation="flatten",
                operands=[f"{x}: {x.type}"],
                remedy="pass the number of dimensions of the result",
            )
        )
    last = x.type.shape[count - 1 :]
    joined = 1 if all(n == 1 for n in last) else -1
    return Reshape(count)(x, size_vector([*(shape_i(x, k) for k in range(count - 1)), joined]))
