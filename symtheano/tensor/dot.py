"""Products of matrices and tensors: dot, matmul, batched_dot, tensordot, outer, inner; the ops Dot and BatchedDot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.errors import BatchSizeError, ShapeMismatchError, explain
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import upcast
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.careduce import conj
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import dimshuffle, functions, times, unbroadcast, zeros_of
from symtheano.tensor.math import cast
from symtheano.tensor.sizes import shape_i, total_size
from symtheano.tensor.type import TensorType, tensor_type

__all__ = [
    "BatchedDot",
    "Dot",
    "batched_dot",
    "batched_tensordot",
    "dot",
    "inner",
    "matmul",
    "outer",
    "tensordot",
]


class _Product(ArrayOp):
    """What Dot and BatchedDot share: operands of one dtype, bilinearity."""

    __props__ = ()
    out_argument = True

    def operands(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Both as variables of their common dtype."""
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        dtype = upcast(x.type.dtype, y.type.dtype)
        return cast(x, dtype), cast(y, dtype)

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x, y = inputs
        if is_discrete(x.type.dtype):
            return [zeros_of(x), zeros_of(y)]
        gx, gy = self.pullback(conj(x), conj(y), output_grads[0])
        return [unbroadcast(times(gx, 1, x), x), unbroadcast(times(gy, 1, y), y)]

    def pullback(self, x: Any, y: Any, g: Any) -> tuple[Any, Any]:
        """The cotangents of real x and y."""
        raise NotImplementedError

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        (x, y), (tx, ty) = inputs, eval_points
        terms = [] if tx is None else [self(tx, y)]
        terms += [] if ty is None else [self(x, ty)]
        return [functions.add(*terms) if terms else None]


class Dot(_Product):
    """The product of two matrices, of a matrix and a vector, or of two vectors (a scalar)."""

    def __str__(self) -> str:
        return "dot"

    def make_node(self, x: Any, y: Any) -> Apply:
        x, y = self.operands(x, y)
        for v in (x, y):
            if v.type.ndim not in (1, 2):
                raise TypeError(
                    explain(
                        f"Dot takes vectors and matrices; {v} has {v.type.ndim} dimensions.",
                        operation="dot",
                        operands=[f"{x}: {x.type}", f"{y}: {y.type}"],
                        remedy="use theano.tensor.dot (numpy's rule for more dimensions), tensordot or matmul",
                    )
                )
        check_inner("dot", x, y, x.type.ndim - 1, max(y.type.ndim - 2, 0))
        shape = x.type.shape[:-1] + y.type.shape[1:] if y.type.ndim == 2 else x.type.shape[:-1]
        return Apply(self, [x, y], [tensor_type(x.type.dtype, shape)()])

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        x, y = shapes
        return [(*x[:-1], *y[1:])]

    def equal_sizes(self, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, Any]]:
        """The lengths that must agree, or else the product raises."""
        x, y = shapes
        return [(x[-1], y[0])]

    def array(self, node: Apply, let: Let, *args: str) -> str:
        both = all(i.type.ndim == 2 for i in node.inputs)
        return f"xp.{'matmul' if both else 'dot'}({', '.join(args)})"  # numpy's dot first fills its result with zeros

    def pullback(self, x: Any, y: Any, g: Any) -> tuple[Any, Any]:
        if x.type.ndim == 1 and y.type.ndim == 1:
            return g * y, g * x
        if x.type.ndim == 1:
            return self(g, transposed(y)), outer(x, g)
        if y.type.ndim == 1:
            return outer(g, y), self(transposed(x), g)
        return self(g, transposed(y)), self(transposed(x), g)


class BatchedDot(_Product):
    """Stacks of matrices multiplied: (batch..., m, k) with (batch..., k, n).

    Batch axes are broadcast where the type says 1, otherwise they must be equal.
    """

    def __str__(self) -> str:
        return "BatchedDot"

    def make_node(self, x: Any, y: Any) -> Apply:
        x, y = self.operands(x, y)
        if x.type.ndim != y.type.ndim or x.type.ndim < 3:
            raise TypeError(
                explain(
                    "BatchedDot takes two stacks of matrices with the same number of dimensions, 3 or more.",
                    operands=[f"{x}: {x.type}", f"{y}: {y.type}"],
                    remedy="use theano.tensor.batched_dot or matmul, which add the missing axes",
                )
            )
        check_inner("batched_dot", x, y, x.type.ndim - 1, y.type.ndim - 2)
        batch = [self._batch(x, y, k) for k in range(x.type.ndim - 2)]
        return Apply(self, [x, y], [tensor_type(x.type.dtype, (*batch, x.type.shape[-2], y.type.shape[-1]))()])

    def _batch(self, x: Any, y: Any, k: int) -> int | None:
        m: int | None = x.type.shape[k]
        n: int | None = y.type.shape[k]
        if m is not None and n is not None and 1 not in (m, n) and m != n:
            raise BatchSizeError(mismatch("batched_dot", "the batch sizes differ", x, y, k, k))
        if m == 1 or n == 1:
            return n if m == 1 else m
        return n if m is None else m

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        x, y = shapes
        pattern = node.inputs[0].type.broadcastable
        return [(*(n if one else m for m, n, one in zip(x[:-2], y[:-2], pattern)), x[-2], y[-1])]

    def array(self, node: Apply, let: Let, *args: str) -> str:
        x, y = (i.type.broadcastable[:-2] for i in node.inputs)
        fixed = tuple(k for k in range(len(x)) if not x[k] and not y[k])
        return f"kernels.batched_dot(xp, {', '.join(args)}, {fixed})"

    def pullback(self, x: Any, y: Any, g: Any) -> tuple[Any, Any]:
        return self(g, transposed(y)), self(transposed(x), g)


def transposed(x: Any) -> Any:
    """`x` with its last two axes exchanged."""
    n = x.type.ndim
    return dimshuffle(x, [*range(n - 2), n - 1, n - 2])


def check_inner(operation: str, x: Any, y: Any, i: int, j: int) -> None:
    """ShapeMismatchError where axis i of x and axis j of y are known to differ in length."""
    m, n = x.type.shape[i], y.type.shape[j]
    if m is not None and n is not None and m != n:
        raise ShapeMismatchError(mismatch(operation, f"the inner lengths {m} and {n} differ", x, y, i, j))


def mismatch(operation: str, problem: str, x: Any, y: Any, i: int, j: int) -> str:
    """The text of an error about axis i of x and axis j of y."""
    return explain(
        f"{operation}: {problem}: axis {i} of {x}, axis {j} of {y}.",
        operation=operation,
        operands=[f"{v}: {v.type}, shape {v.type.shape}" for v in (x, y)],
        remedy="these axes must have equal lengths: transpose an operand, or name other axes with tensordot",
    )


_dot, _batched = Dot(), BatchedDot()


# ----- Functions -----


def dot(a: Any, b: Any) -> Any:
    """The product of `a` and `b` by numpy.dot's rule.

    Matrices and vectors are multiplied as such; a scalar multiplies elementwise; with more than 2 dimensions the last
    axis of `a` goes with the last but one of `b`. The dtype is the upcast. Raises ShapeMismatchError where the lengths
    are known to differ, ValueError when run on arrays that do not fit.

    >>> dot(np.ones((2, 3)), np.ones((3, 4))).type.shape
    (2, 4)
    """
    if _has_own_dot(a):
        return a.__dot__(b)
    if _has_own_dot(b):
        return b.__rdot__(a)
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    if a.type.ndim == 0 or b.type.ndim == 0:
        return functions.mul(a, b)
    if a.type.ndim > 2 or b.type.ndim > 2:
        return tensordot(a, b, [[a.type.ndim - 1], [max(0, b.type.ndim - 2)]])
    return _dot(a, b)


def _has_own_dot(v: Any) -> bool:
    """Whether `v` is no tensor and brings a product of its own, as sparse matrices do."""
    return hasattr(v, "__dot__") and not isinstance(getattr(v, "type", None), TensorType)


def outer(x: Any, y: Any) -> Any:
    """The matrix of all products x[i] * y[j]; operands of other than one dimension are flattened.

    >>> outer([1, 2], [3, 4, 5]).eval()
    array([[ 3,  4,  5],
           [ 6,  8, 10]])
    """
    x, y = (_flat(as_tensor_variable(v)) for v in (x, y))
    return dimshuffle(x, (0, "x")) * dimshuffle(y, ("x", 0))


def _flat(x: Any) -> Any:
    return x if x.type.ndim == 1 else x.flatten()


def inner(a: Any, b: Any) -> Any:
    """The sum over the last axes of `a` and `b` of their products, as numpy.inner.

    Raises ValueError where the lengths of the last axes differ.

    >>> inner([1, 2, 3], [1, 0, 2]).eval()
    array(7)
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    if a.type.ndim == 0 or b.type.ndim == 0:
        return functions.mul(a, b)
    return tensordot(a, b, [[a.type.ndim - 1], [b.type.ndim - 1]])


def matmul(a: Any, b: Any) -> Any:
    """The matrix product `a @ b`, as numpy.matmul.

    Of more than 2 dimensions the last two are matrices and the others are broadcast together (where the types say 1).
    A vector is a row in front and a column behind, and that axis is dropped again. Raises ValueError for scalars.

    >>> matmul(np.ones((5, 2, 3)), np.ones((3, 4))).type.shape
    (5, 2, 4)
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    if a.type.ndim == 0 or b.type.ndim == 0:
        raise ValueError(
            explain("matmul: scalars are not allowed; use *.", operands=[f"{a}: {a.type}", f"{b}: {b.type}"])
        )
    check_inner("matmul", a, b, a.type.ndim - 1, max(b.type.ndim - 2, 0))
    if a.type.ndim <= 2 and b.type.ndim <= 2:
        return _dot(a, b)
    if b.type.ndim <= 2:  # one large product instead of many small ones
        return tensordot(a, b, [[a.type.ndim - 1], [0]])
    row, ndim = a.type.ndim == 1, max(a.type.ndim, b.type.ndim)
    left = dimshuffle(a, ["x"] * (ndim - 2) + ["x", 0]) if row else _padded(a, ndim)
    out = _batched(left, _padded(b, ndim))
    return dimshuffle(out, [k for k in range(ndim) if k != ndim - 2]) if row else out


def _padded(x: Any, ndim: int) -> Any:
    return dimshuffle(x, ["x"] * (ndim - x.type.ndim) + list(range(x.type.ndim)))


def batched_dot(a: Any, b: Any) -> Any:
    """dot(a[i], b[i]) for each i: the first axes are batches of equal size.

    (b, m, k) with (b, k, n) gives (b, m, n); a matrix is a batch of vectors, a vector a batch of scalars. Raises
    TypeError for scalars, BatchSizeError (a TypeError and a ValueError) where the batch sizes differ.

    >>> batched_dot(np.ones((5, 2, 3)), np.ones((5, 3))).type.shape
    (5, 2)
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    for v in (a, b):
        if v.type.ndim == 0:
            raise TypeError(f"batched_dot: an operand needs at least one dimension, the batch; {v} has type {v.type}")
    check_batch(a, b)
    if a.type.ndim == 1:
        return dimshuffle(a, [0] + ["x"] * (b.type.ndim - 1)) * b
    if b.type.ndim == 1:
        return a * dimshuffle(b, [0] + ["x"] * (a.type.ndim - 1))
    if a.type.ndim > 3 or b.type.ndim > 3:
        return batched_tensordot(a, b, [[a.type.ndim - 1], [max(1, b.type.ndim - 2)]])
    x = a if a.type.ndim == 3 else dimshuffle(a, (0, "x", 1))
    y = b if b.type.ndim == 3 else dimshuffle(b, (0, 1, "x"))
    out = _batched(x, y)
    return dimshuffle(out, [0] + [1] * (a.type.ndim == 3) + [2] * (b.type.ndim == 3))


def check_batch(a: Any, b: Any) -> None:
    """BatchSizeError where the first axes are known to differ in length; they are not broadcast."""
    m, n = a.type.shape[0], b.type.shape[0]
    if m is not None and n is not None and m != n:
        raise BatchSizeError(mismatch("batched_dot", "shapes must match in the first dimension, the batch", a, b, 0, 0))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """The sum over some axes of `a` and of `b` of their products, as numpy.tensordot.

    axes: a number n, for the last n axes of `a` and the first n of `b`; or a pair (axes of a, axes of b), each an int
    or a list of ints. The result has the other axes of `a`, then those of `b`. Raises ValueError for axes that are not
    there or not in pairs, ShapeMismatchError where lengths are known to differ.

    >>> tensordot(np.ones((2, 3, 4)), np.ones((4, 3, 5)), [[1, 2], [1, 0]]).type.shape
    (2, 5)
    """
    a, b = as_tensor_variable(a), as_tensor_variable(b)
    left, right = _pairs("tensordot", a, b, axes, 0)
    return _contract(a, b, left, right, 0)


def batched_tensordot(x: Any, y: Any, axes: Any = 2) -> Any:
    """tensordot(x[i], y[i]) for each i of the first axes.

    axes: as for tensordot; counted in `x` and `y` themselves, so that axis 0, the batch, may not be among them. x, y:
    the first axes of equal length. Raises ValueError for axes that do not fit.

    >>> batched_tensordot(np.ones((7, 2, 3)), np.ones((7, 3, 4)), axes=1).type.shape
    (7, 2, 4)
    """
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    check_batch(x, y)
    left, right = _pairs("batched_tensordot", x, y, axes, 1)
    return _contract(x, y, left, right, 1)


def _pairs(operation: str, a: Any, b: Any, axes: Any, batch: int) -> tuple[list[int], list[int]]:
    """The axes of a and of b that are summed over, counted from the front."""
    if isinstance(axes, (int, np.integer)):
        n = int(axes)
        if n < 0 or n > min(a.type.ndim, b.type.ndim) - batch:
            raise ValueError(_bad_axes(operation, a, b, axes, f"there are not {n} axes to sum over in both operands"))
        lists = [list(range(a.type.ndim - n, a.type.ndim)), list(range(batch, batch + n))]
    else:
        try:
            first, second = axes
        except (TypeError, ValueError) as error:
            raise ValueError(_bad_axes(operation, a, b, axes, "axes is a number or a pair of lists")) from error
        lists = [[int(k) for k in np.atleast_1d(np.asarray(each, int))] for each in (first, second)]
    for v, these in zip((a, b), lists):
        if any(not -v.type.ndim <= k < v.type.ndim for k in these):
            raise ValueError(_bad_axes(operation, a, b, axes, f"{these} is out of range for {v.type.ndim} dimensions"))
    left, right = ([k % v.type.ndim for k in these] for v, these in zip((a, b), lists))
    if len(left) != len(right) or len(set(left)) != len(left) or len(set(right)) != len(right):
        raise ValueError(_bad_axes(operation, a, b, axes, "each axis of one must go with one of the other"))
    if batch and (0 in left or 0 in right):
        raise ValueError(_bad_axes(operation, a, b, axes, "axes to sum over must not contain the batch axis, 0"))
    for i, j in zip(left, right):
        check_inner(operation, a, b, i, j)
    return left, right


def _bad_axes(operation: str, a: Any, b: Any, axes: Any, why: str) -> str:
    return explain(
        f"{operation}: {why} (axes={axes!r}).",
        operation=operation,
        operands=[f"{v}: {v.type}, ndim {v.type.ndim}" for v in (a, b)],
        remedy="give axes=n, or a pair of lists of equal length: axes of the first operand, axes of the second",
    )


def _contract(a: Any, b: Any, left: list[int], right: list[int], batch: int) -> Any:
    """The contraction as one (batched) product of matrices."""
    free_a = [k for k in range(batch, a.type.ndim) if k not in left]
    free_b = [k for k in range(batch, b.type.ndim) if k not in right]
    if not left:
        ones_a, ones_b = ["x"] * len(free_a), ["x"] * len(free_b)
        same = list(range(batch))
        return dimshuffle(a, same + free_a + ones_b) * dimshuffle(b, same + ones_a + free_b)
    x = _grouped(a, [[k] for k in range(batch)] + [free_a, left])
    y = _grouped(b, [[k] for k in range(batch)] + [right, free_b])
    out = (batched_dot if batch else _dot)(x, y)
    if len(free_a) <= 1 and len(free_b) <= 1:
        return out
    sizes = [shape_i(a, k) for k in [*range(batch), *free_a]] + [shape_i(b, k) for k in free_b]
    return out.reshape(sizes, ndim=len(sizes))


def _grouped(x: Any, groups: list[list[int]]) -> Any:
    """`x` with one axis for each group of axes that has any."""
    x_order = dimshuffle(x, [k for group in groups for k in group])
    if all(len(group) <= 1 for group in groups):
        return x_order
    sizes = [total_size([shape_i(x, k) for k in group]) for group in groups if group]
    return x_order.reshape(sizes, ndim=len(sizes))
