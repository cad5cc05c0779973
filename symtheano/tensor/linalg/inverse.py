"""Inverses and determinants: MatrixInverse, MatrixPinv, Det, SLogDet; tensorinv and tensorsolve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_complex
from symtheano.tensor.array import Let
from symtheano.tensor.careduce import conj
from symtheano.tensor.dot import outer
from symtheano.tensor.elemwise import dimshuffle, functions, zeros_of
from symtheano.tensor.linalg.matrix import (
    MatrixOp,
    Shapes,
    SquareOp,
    adjoint,
    chain,
    check_matrix,
    floats,
    is_live,
    real_dtype,
    shown,
    square_length,
)
from symtheano.tensor.linalg.solve import Solve
from symtheano.tensor.reduce import sum as sum_of
from symtheano.tensor.reshape import reshape
from symtheano.tensor.sizes import shape_list, total_size
from symtheano.tensor.type import tensor_type

__all__ = [
    "Det",
    "MatrixInverse",
    "MatrixPinv",
    "SLogDet",
    "TensorInv",
    "TensorSolve",
    "det",
    "matrix_inverse",
    "pinv",
    "slogdet",
    "tensorinv",
    "tensorsolve",
]


class MatrixInverse(SquareOp):
    """The inverse of a square matrix. LinAlgError where it is singular.

    To solve equations, `slinalg.solve(A, b)` is faster and more accurate than `dot(matrix_inverse(A), b)`.

    >>> import numpy as np
    >>> matrix_inverse(np.eye(3)).type.shape
    (3, 3)
    """

    def make_node(self, x: Any) -> Apply:
        (x,) = floats(x)
        n = square_length("matrix_inverse", x)
        return Apply(self, [x], [tensor_type(x.type.dtype, (n, n))()])

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"xp.linalg.inv({args[0]})"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        back = adjoint(outputs[0])
        return [-chain(back, output_grads[0], back)]  # Giles 2008, 2.2.3

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        if eval_points[0] is None:
            return [None]
        inverse = self(inputs[0])
        return [-chain(inverse, eval_points[0], inverse)]


class MatrixPinv(MatrixOp):
    """The pseudo-inverse (Moore-Penrose) of a matrix, as numpy.linalg.pinv.

    The gradient is that of matrices of the same rank.

    >>> import numpy as np
    >>> pinv(np.ones((2, 3))).type.shape
    (3, 2)
    """

    def make_node(self, x: Any) -> Apply:
        (x,) = floats(x)
        check_matrix("pinv", x)
        return Apply(self, [x], [tensor_type(x.type.dtype, x.type.shape[::-1])()])

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"xp.linalg.pinv({args[0]})"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])[::-1]]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        # Golub & Pereyra 1973: dZ = -Z dX Z + Z Z^H dX^H (I - X Z) + (I - Z X) dX^H Z^H Z
        x, z = inputs[0], outputs[0]
        zh, gh = adjoint(z), adjoint(output_grads[0])
        right, left = chain(gh, z, zh), chain(zh, z, gh)
        left_over = right - chain(x, z, right) + left - chain(left, z, x)
        return [left_over - chain(zh, adjoint(gh), zh)]


class Det(SquareOp):
    """The determinant of a square matrix.

    The logarithm of a determinant is better asked of `slogdet`, which cannot overflow; `log(det(x))` is rewritten so.

    >>> import numpy as np
    >>> det(np.eye(3)).type
    TensorType(float64, scalar)
    """

    def __str__(self) -> str:
        return "Det"

    def make_node(self, x: Any) -> Apply:
        (x,) = floats(x)
        square_length("det", x)
        return Apply(self, [x], [tensor_type(x.type.dtype, ())()])

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"xp.linalg.det({args[0]})"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        return [()]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        g: Any = output_grads[0]
        return [g * conj(outputs[0]) * adjoint(matrix_inverse(inputs[0]))]  # Jacobi's formula; Giles 2008, 2.2.4

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        if eval_points[0] is None:
            return [None]
        return [self(inputs[0]) * _trace_of_product(matrix_inverse(inputs[0]), eval_points[0])]


class SLogDet(SquareOp):
    """(sign, logarithm of the absolute value) of the determinant of a square matrix; (0, -inf) where it is singular.

    The sign of a complex determinant is a number of absolute value 1.
    """

    def make_node(self, x: Any) -> Apply:
        (x,) = floats(x)
        square_length("slogdet", x)
        return Apply(self, [x], [tensor_type(x.type.dtype, ())(), tensor_type(real_dtype(x), ())()])

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"tuple(xp.linalg.slogdet({args[0]}))"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        return [(), ()]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        # With t = trace(X^-1 dX): d log|det| = Re t and d sign = i sign Im t, which is 0 for real matrices.
        sign: Any = outputs[0]
        g_sign: Any
        g_log: Any
        g_sign, g_log = output_grads
        slope = g_log if is_live(g_log) else None
        if is_live(g_sign) and is_complex(sign.type.dtype):
            turn = functions.imag(conj(g_sign) * sign)
            slope = functions.complex(functions.second(turn, 0) if slope is None else slope, -turn)
        if slope is None:
            return [zeros_of(inputs[0])]
        return [slope * adjoint(matrix_inverse(inputs[0]))]


def _trace_of_product(x: Any, y: Any) -> Any:
    """trace(x @ y), without the product."""
    return sum_of(x * dimshuffle(y, (1, 0)))


matrix_inverse = MatrixInverse()
pinv = MatrixPinv()
det = Det()


def slogdet(x: Any) -> list[Any]:
    """[sign, logarithm of the absolute value] of the determinant of a square matrix.

    A singular matrix gives [0, -inf]. The logarithm is real, and right where the determinant itself would overflow.

    >>> import numpy as np
    >>> [v.type.dtype for v in slogdet(np.eye(3, dtype="float32"))]
    ['float32', 'float32']
    """
    result: list[Any] = SLogDet()(x)
    return result


# -- tensors as matrices ---------------------------------------------------------------------------------------------


class TensorInv(MatrixOp):
    """The inverse of a tensor taken for a matrix: its first `ind` axes are the rows, the others the columns."""

    __props__ = ("ind",)

    def __init__(self, ind: int = 2):
        if ind <= 0:
            raise ValueError(f"tensorinv: ind must be positive; got {ind}")
        self.ind = ind

    def make_node(self, a: Any) -> Apply:
        (a,) = floats(a)
        if a.type.ndim <= self.ind:
            raise ValueError(
                explain(
                    f"tensorinv: ind={self.ind} leaves no axes of a tensor with {a.type.ndim} dimensions.",
                    operation="tensorinv",
                    operands=shown(a),
                    remedy="ind is the number of axes that are the rows; there must be others for the columns",
                )
            )
        shape = a.type.shape[self.ind :] + a.type.shape[: self.ind]
        return Apply(self, [a], [tensor_type(a.type.dtype, shape)()])

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"lapack.tensorinv(xp, {args[0]}, {self.ind})"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        return [(*shapes[0][self.ind :], *shapes[0][: self.ind])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        a: Any = inputs[0]
        sizes = shape_list(a)
        matrix = [total_size(sizes[self.ind :]), total_size(sizes[: self.ind])]
        back = adjoint(reshape(outputs[0], matrix, ndim=2))
        g = chain(back, reshape(output_grads[0], matrix, ndim=2), back)
        return [-reshape(g, sizes, ndim=a.type.ndim)]


def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of `a` with respect to tensordot(a, b, ind), of shape a.shape[ind:] + a.shape[:ind].

    prod(a.shape[:ind]) must be prod(a.shape[ind:]): LinAlgError where it is not, and where `a` is singular.

    >>> import numpy as np
    >>> tensorinv(np.ones((4, 6, 8, 3))).type.shape
    (8, 3, 4, 6)
    """
    return TensorInv(ind)(a)


class TensorSolve(MatrixOp):
    """x of tensordot(a, x, axes=x.ndim) = b. axes: axes of `a` that are moved to the end first."""

    __props__ = ("axes",)

    def __init__(self, axes: Any = None):
        self.axes = None if axes is None else tuple(int(k) for k in axes)

    def order(self, ndim: int) -> list[int]:
        """The axes of `a`, those of `axes` at the end."""
        order = list(range(ndim))
        for k in self.axes or ():
            order.remove(k % ndim)
            order.append(k % ndim)
        return order

    def make_node(self, a: Any, b: Any) -> Apply:
        a, b = floats(a, b)
        extra = a.type.ndim - b.type.ndim
        shape = tuple(a.type.shape[k] for k in self.order(a.type.ndim))
        if extra < 0:
            raise ValueError(self._mismatch(f"b has more dimensions than a: {b.type.ndim} and {a.type.ndim}", a, b))
        for m, n in zip(shape, b.type.shape):
            if m is not None and n is not None and m != n:
                raise ShapeMismatchError(self._mismatch("the first axes of a must be those of b", a, b))
        return Apply(self, [a, b], [tensor_type(a.type.dtype, shape[len(shape) - extra :])()])

    def _mismatch(self, problem: str, a: Any, b: Any) -> str:
        return explain(
            f"tensorsolve: {problem}.",
            operation="tensorsolve",
            operands=shown(a, b),
            remedy="a has the shape of b followed by that of the solution; axes= moves axes of a to its end",
        )

    def call(self, node: Apply, let: Let, *args: str) -> str:
        return f"xp.linalg.tensorsolve({args[0]}, {args[1]}, {self.axes})"

    def infer_shape(self, node: Apply, shapes: Shapes) -> list[tuple[Any, ...]]:
        order = self.order(len(shapes[0]))
        return [tuple(shapes[0][k] for k in order[len(shapes[1]) :])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        a: Any
        b: Any
        a, b = inputs
        order = self.order(a.type.ndim)
        moved = dimshuffle(a, order)
        total = total_size(shape_list(b))
        matrix = reshape(moved, [total, total], ndim=2)
        gb = Solve()(adjoint(matrix), output_grads[0].flatten())  # type: ignore[attr-defined]
        ga = reshape(-outer(gb, conj(outputs[0].flatten())), shape_list(moved), ndim=a.type.ndim)  # type: ignore[attr-defined]
        back = [order.index(k) for k in range(a.type.ndim)]
        return [dimshuffle(ga, back), reshape(gb, shape_list(b), ndim=b.type.ndim)]


def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """x of tensordot(a, x, axes=x.ndim) = b: a.shape is b.shape + x.shape, and both have as many elements.

    axes: axes of `a` that are moved to the end first. LinAlgError where `a` is singular.

    >>> import numpy as np
    >>> tensorsolve(np.ones((6, 4, 2, 12)), np.ones((6, 4))).type.shape
    (2, 12)
    """
    return TensorSolve(axes)(a, b)
