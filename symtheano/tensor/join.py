"""Join (tensors one after the other along an axis), its inverse Split, and stacking, which joins along a new axis."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.null import disconnected_type, is_disconnected
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import upcast
from symtheano.scalar.dtypes import is_complex, is_discrete
from symtheano.tensor import convert
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.shape import patternbroadcast, shape_padaxis
from symtheano.tensor.sizes import (
    MakeVector,
    as_size,
    constant_dim,
    fitted,
    get_vector_length,
    known_lengths,
    make_vector,
    normal_axis,
    shape_i,
    size_vector,
    vector_items,
)
from symtheano.tensor.type import tensor_type

__all__ = [
    "Join",
    "MakeVector",
    "Split",
    "concatenate",
    "horizontal_stack",
    "join",
    "join_",
    "make_vector",
    "split",
    "stack",
    "stacklists",
    "vertical_stack",
]

Gradients = Sequence[Variable]


class Join(ArrayOp):
    """Tensors of the same number of dimensions, one after the other along an axis: Join()(axis, *tensors).

    The dtype is the one all convert to. The other axes must agree; such an axis is broadcastable where that of any
    tensor is. A symbolic axis is allowed; then nothing is known of the shape.
    """

    __props__ = ("view",)
    out_argument = True

    def __init__(self, view: int = -1):
        self.view = view

    def __str__(self) -> str:
        return "Join" if self.view == -1 else f"Join{{view={self.view}}}"

    # -- type rule -----------------------------------------------------------------------------------------------
    def make_node(self, *axis_and_tensors: Any) -> Apply:
        if len(axis_and_tensors) < 2:
            raise ValueError("Cannot join an empty list of tensors")
        variables: list[Any] = [as_tensor_variable(a) for a in axis_and_tensors]
        axis, *tensors = variables
        _check_axis(axis, "Join")
        self._check(tensors)
        dtype = upcast(*(t.type.dtype for t in tensors))
        known = constant_dim(axis)
        ndim = tensors[0].type.ndim
        if len(tensors) == 1:
            static = tensors[0].type.shape
        elif known is None:
            static = (None,) * ndim
        else:
            static = self._joined(tensors, normal_axis(known, ndim, "Join", tensors[0]))
        return Apply(self, [axis, *tensors], [tensor_type(dtype, static)()])

    def _check(self, tensors: Sequence[Any]) -> None:
        if any(t.type.ndim == 0 for t in tensors):
            raise TypeError(
                _bad(tensors, "Join cannot handle arguments of dimension 0.", "use stack to join scalar values")
            )
        if len({t.type.ndim for t in tensors}) > 1:
            raise TypeError(
                _bad(
                    tensors,
                    "Join() can only join tensors with the same number of dimensions.",
                    "add axes with dimshuffle, shape_padleft or shape_padright",
                )
            )

    def _joined(self, tensors: Sequence[Any], axis: int) -> tuple[int | None, ...]:
        static: list[int | None] = []
        for k in range(tensors[0].type.ndim):
            lengths = [t.type.shape[k] for t in tensors]
            known = {n for n in lengths if n is not None}
            if k == axis:
                total = None if None in lengths else sum(lengths)
                static.append(None if total == 1 else total)  # as in Theano, the joined axis does not broadcast
            elif len(known) > 1:
                raise ShapeMismatchError(_mismatch(tensors, [t.type.shape for t in tensors], axis, k))
            else:
                static.append(known.pop() if known else None)
        return tuple(static)

    # -- array rule ----------------------------------------------------------------------------------------------
    def array(self, node: Apply, let: Let, *args: str) -> str:
        known = constant_dim(node.inputs[0])
        where = f"int({args[0]})" if known is None else known
        return f"xp.concatenate([{', '.join(args[1:])}], axis={where})"

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        axis, *values = inputs
        shapes = [np.shape(v) for v in values]
        for k in range(len(shapes[0])):
            if k != int(axis) % len(shapes[0]) and len({s[k] for s in shapes}) > 1:
                raise ShapeMismatchError(_mismatch(node.inputs[1:], shapes, int(axis), k))
        super().perform(node, inputs, output_storage)

    # -- shape rule ----------------------------------------------------------------------------------------------
    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        axis, ndim = node.inputs[0], len(shapes[1])
        known = constant_dim(axis)
        out: list[Any] = []
        for k, static in enumerate(node.outputs[0].type.shape):
            lengths = [s[k] for s in shapes[1:]]
            if static is not None:
                out.append(static)
            elif known is None and len(lengths) > 1:
                here = functions.eq(functions.mod(as_size(axis), as_size(ndim)), as_size(k))
                out.append(functions.switch(here, as_size(_sum(lengths)), as_size(lengths[0])))
            elif known is not None and k == known % ndim:
                out.append(_sum(lengths))
            else:
                out.append(next((n for n in lengths if constant_dim(n) is not None), lengths[0]))
        return [tuple(out)]

    # -- derivatives ---------------------------------------------------------------------------------------------
    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False], *([True] for _ in node.inputs[1:])]

    def L_op(self, inputs: Gradients, outputs: Gradients, output_grads: Gradients) -> list[Variable]:
        axis, *tensors = inputs
        z: Any = outputs[0]
        if is_discrete(z.type.dtype):
            return [disconnected_type(), *(zeros_of(t) for t in tensors)]
        g = fitted(output_grads[0], z)
        sizes = size_vector([_length(t, axis) for t in tensors])
        pieces = Split(len(tensors)).make_node(g, axis, sizes).outputs
        return [disconnected_type(), *(_cotangent(p, t) for p, t in zip(pieces, tensors, strict=True))]

    def R_op(self, inputs: Gradients, eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        tangents = eval_points[1:]
        if all(t is None for t in tangents):
            return [None]
        filled = [zeros_of(i) if t is None else t for i, t in zip(inputs[1:], tangents, strict=True)]
        return [self(inputs[0], *filled)]


class Split(ArrayOp):
    """The inverse of Join: Split(n)(x, axis, lengths) is a list of n pieces of x along an axis. They are views.

    lengths: an integer vector of n elements that sum to the length of that axis (ValueError otherwise).
    """

    __props__ = ("len_splits",)

    def __init__(self, len_splits: int):
        self.len_splits = int(len_splits)
        self.view_map = {k: [0] for k in range(self.len_splits)}

    def __str__(self) -> str:
        return f"Split{{{self.len_splits}}}"

    # -- type rule -----------------------------------------------------------------------------------------------
    def make_node(self, x: Any, axis: Any, splits: Any) -> Apply:
        x, axis, splits = as_tensor_variable(x), as_tensor_variable(axis), size_vector(splits)
        _check_axis(axis, "Split")
        if x.type.ndim == 0:
            raise TypeError(f"Split needs a tensor with axes; {x} has type {x.type}")
        count = splits.type.shape[0]
        if count is not None and count != self.len_splits:
            raise ValueError(f"Split: {splits} holds {count} lengths for {self.len_splits} pieces")
        known = constant_dim(axis)
        if known is None:
            shapes: list[tuple[int | None, ...]] = [(None,) * x.type.ndim] * self.len_splits
        else:
            shapes = self._pieces(x, normal_axis(known, x.type.ndim, "Split", x), splits)
        return Apply(self, [x, axis, splits], [tensor_type(x.type.dtype, s)() for s in shapes])

    def _pieces(self, x: Any, axis: int, splits: Any) -> list[tuple[int | None, ...]]:
        lengths, whole = known_lengths(splits, self.len_splits), x.type.shape[axis]
        known = [n for n in lengths if n is not None]
        total, complete = sum(known), len(known) == len(lengths)
        if any(n < 0 for n in known) or (whole is not None and (total > whole or (complete and total != whole))):
            raise ShapeMismatchError(
                explain(
                    f"Split: the lengths {lengths} must not be negative and sum to {whole}, the length of axis {axis}.",
                    operation=str(self),
                    operands=[f"{x}: {x.type}, shape {x.type.shape}", f"lengths: {splits}"],
                    remedy="pass lengths that make up the whole axis",
                )
            )
        if whole is not None and len(lengths) - len(known) == 1:
            lengths[lengths.index(None)] = whole - total
        cut = [None if n == 1 else n for n in lengths]  # as in Theano, the axis that is split does not broadcast
        return [(*x.type.shape[:axis], n, *x.type.shape[axis + 1 :]) for n in cut]

    # -- array rule ----------------------------------------------------------------------------------------------
    def array(self, node: Apply, let: Let, *args: str) -> str:
        x, axis, splits = args
        known, lengths = constant_dim(node.inputs[1]), known_lengths(node.inputs[2], self.len_splits)
        where = f"int({axis})" if known is None else known
        sizes = f"{splits}.tolist()" if None in lengths else lengths
        text = f"kernels.split(xp, {x}, {where}, {sizes}, {self.len_splits})"
        return f"{text}[0]" if self.len_splits == 1 else text

    # -- shape rule ----------------------------------------------------------------------------------------------
    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        axis, splits = node.inputs[1:]
        whole = shapes[0]
        known = constant_dim(axis)
        lengths = vector_items(splits, self.len_splits)
        out = []
        for piece, length in zip(node.outputs, lengths, strict=True):
            static: Any = piece.type.shape
            sizes: list[Any] = [n if s is None else s for n, s in zip(whole, static, strict=True)]
            for k in range(len(whole)):
                if known is None:
                    here = functions.eq(functions.mod(as_size(axis), as_size(len(whole))), as_size(k))
                    sizes[k] = functions.switch(here, length, as_size(whole[k]))
                elif k == known % len(whole) and static[k] is None:
                    sizes[k] = length
            out.append(tuple(sizes))
        return out

    # -- derivatives ---------------------------------------------------------------------------------------------
    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True] * self.len_splits, [False] * self.len_splits, [False] * self.len_splits]

    def L_op(self, inputs: Gradients, outputs: Gradients, output_grads: Gradients) -> list[Variable]:
        x, axis, _ = inputs
        if is_discrete(x.type.dtype) or not outputs:
            return [zeros_of(x), disconnected_type(), disconnected_type()]
        pieces = [
            zeros_of(z) if is_disconnected(g) else fitted(g, z) for z, g in zip(outputs, output_grads, strict=True)
        ]
        return [_cotangent(join(axis, *pieces), x), disconnected_type(), disconnected_type()]

    def R_op(self, inputs: Gradients, eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        if eval_points[0] is None:
            return [None] * self.len_splits
        return list(self.make_node(eval_points[0], *inputs[1:]).outputs)


# -- details ---------------------------------------------------------------------------------------------------------


def _check_axis(axis: Any, operation: str) -> None:
    if axis.type.ndim != 0 or not is_discrete(axis.type.dtype) or axis.type.dtype == "bool":
        raise TypeError(f"{operation}: the axis must be an integer scalar; {axis} has type {axis.type}")


def _length(x: Any, axis: Any) -> Any:
    """The length of x along an axis that may be symbolic."""
    known = constant_dim(axis)
    return x.shape[axis] if known is None else shape_i(x, known)


def _sum(sizes: Sequence[Any]) -> Any:
    """The sum of sizes: an int where all are known."""
    values = [constant_dim(n) for n in sizes]
    unknown = [n for n, v in zip(sizes, values, strict=True) if v is None]
    known = sum(v for v in values if v is not None)
    if not unknown:
        return known
    terms = unknown if known == 0 else [*unknown, as_size(known)]
    return terms[0] if len(terms) == 1 else functions.add(*terms)


def _cotangent(g: Any, x: Any) -> Any:
    """A cotangent along the joined axis as one of `x`: its broadcast pattern, and real where x is."""
    if is_complex(g.type.dtype) and not is_complex(x.type.dtype):
        g = functions.real(g)
    return patternbroadcast(g, x.type.broadcastable)


def _bad(tensors: Sequence[Any], problem: str, remedy: str) -> str:
    operands = [f"{t}: {t.type}, shape {t.type.shape}" for t in tensors]
    return explain(problem, operation="join", operands=operands, remedy=remedy)


def _mismatch(tensors: Sequence[Any], shapes: Sequence[Any], axis: int, k: int) -> str:
    return explain(
        f"Dimension mismatch: tensors joined along axis {axis} must have the same length in axis {k}.",
        operation="join",
        operands=[f"{t}: {t.type}, shape {tuple(s)}" for t, s in zip(tensors, shapes, strict=True)],
        expression=f"join({axis}, {', '.join(map(str, tensors))})",
        remedy="make the shapes agree in every axis but the joined one",
    )


join_ = Join()


# -- functions -------------------------------------------------------------------------------------------------------


def join(axis: Any, *tensors_list: Any) -> Any:
    """The tensors one after the other along `axis` (an int or an integer scalar).

    The dtype is the one all convert to. An axis other than the joined one is broadcastable where that of any tensor is.
    Raises TypeError for scalars and for different numbers of dimensions, ValueError where the other axes differ.

    >>> join(0, np.zeros((2, 3)), np.zeros((4, 3))).type.shape
    (6, 3)
    """
    if len(tensors_list) == 1:
        return as_tensor_variable(tensors_list[0])
    return Join()(axis, *tensors_list)


def concatenate(tensor_list: Sequence[Any], axis: Any = 0) -> Any:
    """`join(axis, *tensor_list)`: numpy's order of arguments.

    tensor_list: a list or tuple of tensors (TypeError for anything else) of equal shape but for the axis.

    >>> concatenate([[1, 2], [3]]).eval()
    array([1, 2, 3])
    """
    if not isinstance(tensor_list, (tuple, list)):
        raise TypeError(
            explain(
                "The 'tensors' argument must be either a tuple or a list, make sure you did not forget () or [] around "
                f"arguments of concatenate. Got {tensor_list!r}",
                operation="concatenate",
                operands=[f"{tensor_list}: {getattr(tensor_list, 'type', type(tensor_list).__name__)}"],
                remedy="write concatenate([x, y], axis=0)",
            )
        )
    return join(axis, *tensor_list)


def split(x: Any, splits_size: Any, n_splits: int | None = None, axis: Any = 0) -> Any:
    """The n_splits pieces of `x` along `axis`, of lengths `splits_size` (an integer vector), as a list.

    n_splits may be left out where the length of splits_size is known. Raises ValueError where the lengths do not sum
    to that of the axis.

    >>> [p.type.shape for p in split(np.zeros(5), [2, 3], 2)]
    [(2,), (3,)]
    """
    sizes = size_vector(splits_size)
    return Split(get_vector_length(sizes) if n_splits is None else n_splits)(x, axis, sizes, return_list=True)


def stack(*arrays: Any, tensors: Sequence[Any] | None = None, axis: int = 0) -> Any:
    """Tensors of equal shape along a new axis: `stack(tensors, axis=0)`. Scalars give a vector.

    tensors: a list. `stack(a, b, ...)` is the older form and warns. IndexError where the result has no such axis.

    >>> stack([np.zeros(3), np.ones(3)], axis=1).type.shape
    (3, 2)
    """
    if tensors is not None:
        if len(arrays) > 1:
            raise TypeError("stack(tensors, axis=0) got both a list of tensors and tensors")
        arrays = (list(tensors), *arrays)
    if not arrays:
        raise ValueError("theano.tensor.stack(tensors, axis) must have at least one parameter")
    if isinstance(arrays[0], (list, tuple)):
        if len(arrays) > 2:
            raise TypeError(f"stack(tensors, axis=0) takes 2 arguments ({len(arrays)} given)")
        axis = arrays[1] if len(arrays) == 2 else axis
        sequence = arrays[0]
    else:
        warnings.warn(
            "stack(*tensors) interface is deprecated, use stack(tensors, axis=0) instead.",
            DeprecationWarning,
            stacklevel=2,
        )
        sequence = arrays
    if not sequence:
        raise ValueError("theano.tensor.stack(tensors, axis) needs at least one tensor; the list is empty")
    return stack_sequence(sequence, axis)


def stack_sequence(sequence: Sequence[Any], axis: int = 0) -> Any:
    """The elements (tensors, numbers, nested lists) along a new axis."""
    variables: list[Any] = [as_tensor_variable(t) for t in sequence]
    ndim = max(v.type.ndim for v in variables)
    where = normal_axis(axis, ndim + 1, "stack", variables[0])
    if ndim == 0:
        return make_vector(*variables)
    if any(v.type.ndim != ndim for v in variables):
        raise TypeError(_bad(variables, "stack needs tensors with the same number of dimensions.", "add or drop axes"))
    padded = [shape_padaxis(v, where) for v in variables]
    return padded[0] if len(padded) == 1 else join(where, *padded)


def stacklists(arg: Any) -> Any:
    """Nested lists of tensors of equal shape as one tensor: each level of nesting is an axis in front.

    >>> stacklists([[1, 2], [3, 4], [5, 6]]).type.shape
    (3, 2)
    """
    if isinstance(arg, (tuple, list)):
        return stack(list(map(stacklists, arg)))
    return arg


def horizontal_stack(*args: Any) -> Any:
    """Matrices side by side.

    Two or more matrices with equally many rows; ValueError where one is no matrix.

    >>> horizontal_stack([[1], [2]], [[3, 4], [5, 6]]).eval()
    array([[1, 3, 4],
           [2, 5, 6]])
    """
    return _stack_matrices(1, args)


def vertical_stack(*args: Any) -> Any:
    """Matrices one below the other.

    Two or more matrices with equally many columns; ValueError where one is no matrix.

    >>> vertical_stack([[1, 2]], [[3, 4]]).eval()
    array([[1, 2],
           [3, 4]])
    """
    return _stack_matrices(0, args)


def _stack_matrices(axis: int, args: Sequence[Any]) -> Any:
    matrices = [as_tensor_variable(a) for a in args]
    if len(matrices) < 2 or any(m.type.ndim != 2 for m in matrices):
        problem = "horizontal_stack and vertical_stack need two or more matrices."
        raise ValueError(_bad(matrices, problem, "use concatenate"))
    return concatenate(matrices, axis=axis)


convert.stack_sequence = stack_sequence
