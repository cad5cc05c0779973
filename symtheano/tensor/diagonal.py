"""Diagonals and triangles: Eye, Tri, tril, triu; ExtractDiag and its adjoint AllocDiag; diag, diagonal, trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.errors import explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import TABLE, ScalarOp, cast
from symtheano.scalar.expr import Expr, call
from symtheano.tensor.alloc import dtype_named
from symtheano.tensor.array import ArrayOp, Let, Unconnected
from symtheano.tensor.convert import as_tensor_variable, make_constant
from symtheano.tensor.elemwise import Read, functions
from symtheano.tensor.shape import patternbroadcast
from symtheano.tensor.sizes import as_size, constant_dim, never_one, normal_axis, shape_i
from symtheano.tensor.type import tensor_type

__all__ = [
    "AllocDiag",
    "ExtractDiag",
    "Eye",
    "Tri",
    "diag",
    "diagonal",
    "extract_diag",
    "eye",
    "identity_like",
    "trace",
    "tri",
    "tril",
    "triu",
]


# -- patterns of zeros and ones --------------------------------------------------------------------------------------


class _Pattern(Unconnected):
    """A matrix of zeros and ones: inputs (rows, columns, k); the ones are where `row` holds for column - row and k."""

    __props__ = ("dtype",)
    call: str
    row: ScalarOp

    def __init__(self, dtype: str | None = None):
        self.dtype = dtype_named(dtype)

    def make_node(self, n: Any, m: Any, k: Any) -> Apply:
        sizes = [as_size(v) for v in (n, m, k)]
        return Apply(self, sizes, [tensor_type(self.dtype, never_one(*(constant_dim(v) for v in sizes[:2])))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        n, m, k = args
        return f"xp.{self.call}(int({n}), int({m}), int({k}), {self.dtype!r})"

    def loop(self, node: Apply, read: Read, index: tuple[Expr, ...]) -> Expr:
        """The element at `index`."""
        return call(cast(self.dtype), call(self.row, index[1] - index[0], read(node.inputs[2], ())))

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(node.inputs[:2])]


class Eye(_Pattern):
    """Ones on the diagonal k of a matrix of zeros: inputs (rows, columns, k)."""

    call = "eye"
    row = TABLE["eq"]


class Tri(_Pattern):
    """Ones on and below the diagonal k of a matrix of zeros: inputs (rows, columns, k)."""

    call = "tri"
    row = TABLE["le"]


def eye(n: Any, m: Any = None, k: Any = 0, dtype: str | None = None) -> Any:
    """A matrix of n rows and m columns (None: n) with ones on its diagonal k, of `dtype` (None: config.floatX).

    >>> eye(3).type
    TensorType(float64, matrix)
    """
    return Eye(dtype)(n, n if m is None else m, k)


def identity_like(x: Any) -> Any:
    """The identity matrix in the shape and dtype of the matrix `x`.

    >>> identity_like(np.zeros((2, 3))).eval()
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    x = as_tensor_variable(x)
    return eye(shape_i(x, 0), shape_i(x, 1), k=0, dtype=x.type.dtype)


def tri(N: Any, M: Any = None, k: Any = 0, dtype: str | None = None) -> Any:
    """A matrix of N rows and M columns (None: N) with ones on and below its diagonal k (`dtype` None: floatX).

    >>> tri(2, 3).eval()
    array([[1., 0., 0.],
           [1., 1., 0.]])
    """
    return Tri(dtype)(N, N if M is None else M, k)


def tril(m: Any, k: Any = 0) -> Any:
    """The lower triangle of a matrix (or of each matrix in the last two axes): zeros above the diagonal k.

    >>> tril(np.ones((2, 2), "float32")).type
    TensorType(float32, matrix)
    """
    return _triangle(m, k, "tril", lambda below, x, zero: functions.switch(below, x, zero))


def triu(m: Any, k: Any = 0) -> Any:
    """The upper triangle of a matrix (or of each matrix in the last two axes): zeros below the diagonal k.

    Raises ValueError for less than two dimensions.

    >>> triu([[1, 2], [3, 4]]).eval()
    array([[1, 2],
           [0, 4]])
    """
    return _triangle(m, as_size(k) - 1, "triu", lambda below, x, zero: functions.switch(below, zero, x))


def _triangle(m: Any, k: Any, name: str, choose: Any) -> Any:
    m = as_tensor_variable(m)
    if m.type.ndim < 2:
        raise ValueError(
            explain(f"{name} needs a matrix.", operands=[f"{m}: {m.type}"], remedy="give it 2 or more dimensions")
        )
    rows, columns = m.type.ndim - 2, m.type.ndim - 1
    below = tri(shape_i(m, rows), shape_i(m, columns), k, "bool")
    below = patternbroadcast(below, m.type.broadcastable[-2:])  # else an axis of length 1 would be stretched
    return choose(below, m, make_constant(np.zeros((), m.type.dtype)))


# -- diagonals -------------------------------------------------------------------------------------------------------


class ExtractDiag(ArrayOp):
    """The diagonal `offset` of the axes axis1 and axis2, as the last axis of the result."""

    __props__ = ("offset", "axis1", "axis2", "view")

    def __init__(self, offset: int = 0, axis1: int = 0, axis2: int = 1, view: bool = False):
        self.offset, self.axis1, self.axis2, self.view = offset, axis1, axis2, view
        if view:
            self.view_map = {0: [0]}

    def axes(self, ndim: int) -> tuple[int, int]:
        """axis1 and axis2 counted from the front; ValueError where they are the same, IndexError out of range."""
        pair = normal_axis(self.axis1, ndim, "diagonal"), normal_axis(self.axis2, ndim, "diagonal")
        if pair[0] == pair[1]:
            raise ValueError(f"diagonal: axis1 and axis2 must differ; both are axis {pair[0]}")
        return pair

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        if x.type.ndim < 2:
            raise ValueError(
                explain("ExtractDiag needs an input with 2 or more dimensions.", operands=[f"{x}: {x.type}"])
            )
        i, j = self.axes(x.type.ndim)
        n, m = x.type.shape[i], x.type.shape[j]
        length = None if n is None or m is None else _diagonal_length(n, m, self.offset)
        rest = tuple(s for axis, s in enumerate(x.type.shape) if axis not in (i, j))
        return Apply(self, [x], [tensor_type(x.type.dtype, never_one(*rest, length))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        text = f"xp.diagonal({args[0]}, {self.offset}, {self.axis1}, {self.axis2})"
        return text if self.view else f"{text}.copy()"

    def loop(self, node: Apply, read: Read, index: tuple[Expr, ...]) -> Expr:
        """The element at `index`."""
        x: Any = node.inputs[0]
        i, j = self.axes(x.type.ndim)
        rest = iter(index[:-1])
        place = {i: index[-1] + max(-self.offset, 0), j: index[-1] + max(self.offset, 0)}
        return read(x, tuple(place[axis] if axis in place else next(rest) for axis in range(x.type.ndim)))

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        i, j = self.axes(len(shapes[0]))
        rest = [s for axis, s in enumerate(shapes[0]) if axis not in (i, j)]
        return [(*rest, _diagonal_length(shapes[0][i], shapes[0][j], self.offset))]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any = inputs[0]
        i, j = self.axes(x.type.ndim)
        g = functions.second(outputs[0], output_grads[0])
        placed = AllocDiag(self.offset, i, j)(g, shape_i(x, i), shape_i(x, j))
        return [patternbroadcast(placed, x.type.broadcastable)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0])]


def _diagonal_length(n: Any, m: Any, offset: int) -> Any:
    """The length of diagonal `offset` of an n x m matrix: an int for ints, else an int64 scalar."""
    n, m = (n + offset, m) if offset < 0 else (n, m - offset)
    if isinstance(n, int) and isinstance(m, int):
        return max(0, min(n, m))
    length = functions.minimum(n, m)
    return functions.maximum(length, as_size(0)) if offset else length


class AllocDiag(ArrayOp):
    """The adjoint of ExtractDiag: zeros with the last axis of the input on the diagonal of two new axes.

    inputs: (diagonals), or (diagonals, rows, columns) for the lengths of axis1 and axis2; without them they are the
    smallest that hold the diagonal, and equal.
    """

    __props__ = ("offset", "axis1", "axis2")

    def __init__(self, offset: int = 0, axis1: int = 0, axis2: int = 1):
        self.offset, self.axis1, self.axis2 = offset, axis1, axis2

    def axes(self, ndim: int) -> tuple[int, int]:
        """axis1 and axis2 in the result, counted from the front."""
        return ExtractDiag(self.offset, self.axis1, self.axis2).axes(ndim)

    def make_node(self, diag: Any, *lengths: Any) -> Apply:
        diag = as_tensor_variable(diag)
        if diag.type.ndim < 1:
            raise ValueError(
                explain("AllocDiag needs an input with 1 or more dimensions.", operands=[f"{diag}: {diag.type}"])
            )
        sizes = [as_size(n) for n in lengths]
        known = [constant_dim(n) for n in sizes]
        if not sizes:
            n = diag.type.shape[-1]
            known = [None if n is None else n + abs(self.offset)] * 2
        shape = self._placed(diag.type.shape[:-1], *never_one(*known))
        return Apply(self, [diag, *sizes], [tensor_type(diag.type.dtype, shape)()])

    def _placed(self, rest: Sequence[Any], rows: Any, columns: Any) -> tuple[Any, ...]:
        """A shape with the two lengths at axis1 and axis2."""
        i, j = self.axes(len(rest) + 2)
        others = iter(rest)
        return tuple({i: rows, j: columns}[axis] if axis in (i, j) else next(others) for axis in range(len(rest) + 2))

    def array(self, node: Apply, let: Let, *args: str) -> str:
        lengths = f"({', '.join(args[1:])})" if len(args) > 1 else "None"
        return f"kernels.alloc_diag(xp, {args[0]}, {lengths}, {self.offset}, {self.axis1}, {self.axis2})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        if len(node.inputs) > 1:
            rows, columns = node.inputs[1:]
        else:
            rows = columns = shapes[0][-1] + abs(self.offset) if self.offset else shapes[0][-1]
        return [self._placed(shapes[0][:-1], rows, columns)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], *([False] for _ in node.inputs[1:])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        diag: Any = inputs[0]
        g = functions.second(outputs[0], output_grads[0])
        taken = ExtractDiag(self.offset, self.axis1, self.axis2)(g)
        return [patternbroadcast(taken, diag.type.broadcastable), *(disconnected_type() for _ in inputs[1:])]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0], *inputs[1:])]


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal `offset` of two axes of `a`, as the last axis. Raises ValueError for fewer than 2 dimensions.

    >>> diagonal(np.ones((4, 2, 3)), axis1=1, axis2=2).type.shape
    (4, 2)
    """
    return ExtractDiag(offset, axis1, axis2)(a)


def diag(v: Any, k: int = 0) -> Any:
    """The matrix with the vector `v` on its diagonal k; or the diagonal k of a matrix `v`.

    >>> diag(np.ones(3)).type.shape
    (3, 3)
    """
    v = as_tensor_variable(v)
    if v.type.ndim == 0:
        raise ValueError(explain("diag needs a vector or a matrix.", operands=[f"{v}: {v.type}"]))
    return AllocDiag(k)(v) if v.type.ndim == 1 else diagonal(v, k)


def extract_diag(x: Any) -> Any:
    """The main diagonal of a matrix.

    >>> extract_diag([[1, 2], [3, 4]]).eval()
    array([1, 4])
    """
    return ExtractDiag()(x)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of the diagonal `offset` of two axes of `a`.

    a: two dimensions or more; the result has these two axes fewer and the dtype of `a.sum()`.

    >>> trace([[1, 2], [3, 4]]).eval()
    array(5)
    """
    return diagonal(a, offset, axis1, axis2).sum(axis=-1)
