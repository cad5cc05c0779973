"""What the ops of linear algebra share: type checks, dtypes, and the small formulas of their gradients.

Gradients of complex functions follow the convention of the whole library: `g` stands for the linear form
dz -> Re(sum(conj(g) * dz)), so the pullback of z = A x is A^H g.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.null import is_disconnected
from symtheano.graph.variable import Apply
from symtheano.scalar import upcast
from symtheano.scalar.dtypes import is_complex, is_discrete, real_of
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.careduce import conj
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.diagonal import diag, diagonal, identity_like, tril, triu
from symtheano.tensor.dot import dot, transposed
from symtheano.tensor.elemwise import dimshuffle, functions
from symtheano.tensor.math import cast

Shapes = Sequence[Sequence[Any]]


class MatrixOp(ArrayOp):
    """An op whose array rule calls LAPACK, which knows float32, float64 and the complex dtypes of both.

    Integers are cast to float64 beforehand, as in numpy; float16 is computed in float32 and rounded.
    """

    __props__: tuple[str, ...] = ()

    def call(self, node: Apply, let: Let, *args: str) -> str:
        """The op's value as source text, for arguments of a dtype that LAPACK knows."""
        raise NotImplementedError(f"{type(self).__name__} must define call(node, let, *args)")

    def array(self, node: Apply, let: Let, *args: str) -> str:
        half = [getattr(i.type, "dtype", None) == "float16" for i in node.inputs]
        if not any(half):
            return self.call(node, let, *args)
        wide = [let(f"{a}.astype('float32')") if h else a for h, a in zip(half, args, strict=True)]
        return f"lapack.rounded(xp, {self.call(node, let, *wide)})"


class SquareOp(MatrixOp):
    """A MatrixOp whose first input is a square matrix: the call raises where it is not."""

    def equal_sizes(self, shapes: Shapes) -> list[tuple[Any, Any]]:
        """The lengths that must agree, or else the op raises."""
        return [(shapes[0][0], shapes[0][1])]


# -- type rules ------------------------------------------------------------------------------------------------------


def floats(*xs: Any) -> list[Any]:
    """The operands as variables of one dtype: that which they all convert to, where integers count as float64."""
    variables: list[Any] = [as_tensor_variable(x) for x in xs]
    dtype = upcast(*("float64" if is_discrete(v.type.dtype) else v.type.dtype for v in variables))
    return [cast(v, dtype) for v in variables]


def check_matrix(operation: str, x: Any, *others: Any) -> None:
    """TypeError where `x` is no matrix. `others` are the operands shown beside it."""
    if x.type.ndim != 2:
        raise TypeError(
            explain(
                f"{operation} needs a matrix; {x} has {x.type.ndim} dimensions.",
                operation=operation,
                operands=shown(x, *others),
                remedy="pass a matrix; for a stack of matrices take one of them, x[i]",
            )
        )


def square_length(operation: str, x: Any, *others: Any) -> int | None:
    """The static length of both axes of a square matrix. ShapeMismatchError where they are known to differ."""
    check_matrix(operation, x, *others)
    m, n = x.type.shape
    if m is not None and n is not None and m != n:
        raise ShapeMismatchError(
            explain(
                f"{operation} needs a square matrix; {x} is {m} by {n}.",
                operation=operation,
                operands=shown(x, *others),
                remedy="for other matrices there are pinv, lstsq, svd and qr",
            )
        )
    length: int | None = m if n is None else n
    return length


def shown(*xs: Any) -> list[str]:
    """Operands for an error message."""
    return [f"{x}: {x.type}, shape {x.type.shape}" for x in xs]


def is_live(g: Any) -> bool:
    """Whether a cotangent says that there is a dependence."""
    return not is_disconnected(g)


# -- formulas --------------------------------------------------------------------------------------------------------


def adjoint(x: Any) -> Any:
    """The conjugate transpose of a matrix."""
    return conj(transposed(x))


def real(x: Any) -> Any:
    """The real part; `x` itself where it is real."""
    return functions.real(x) if is_complex(x.type.dtype) else x


def chain(*factors: Any) -> Any:
    """The product of matrices, from left to right."""
    result = factors[0]
    for factor in factors[1:]:
        result = dot(result, factor)
    return result


def columns_times(x: Any, w: Any) -> Any:
    """Each column of a matrix times the element of a vector: x @ diag(w)."""
    return x * dimshuffle(w, ("x", 0))


def rows_times(w: Any, x: Any) -> Any:
    """Each row of a matrix times the element of a vector: diag(w) @ x."""
    return dimshuffle(w, (0, "x")) * x


def inverse_gaps(w: Any) -> Any:
    """The matrix of 1 / (w[j] - w[i]), with zeros on the diagonal; infinite for equal elements."""
    difference = dimshuffle(w, ("x", 0)) - dimshuffle(w, (0, "x"))
    one = identity_like(difference)
    return (1 - one) / (difference + one)


def halved(x: Any, lower: bool = True) -> Any:
    """One triangle of a matrix, with half the diagonal."""
    return (tril if lower else triu)(x) - diag(diagonal(x) / 2)


def of_triangle(g: Any, lower: bool) -> Any:
    """The gradient of the triangle that a Hermitian matrix is read from, where that of the whole matrix is `g`.

    An element off the diagonal stands for two of the matrix; of the diagonal only the real part is read.
    """
    whole = g + adjoint(g)
    return (tril if lower else triu)(whole) - diag(cast(real(diagonal(g)), g.type.dtype))


def from_triangle(x: Any, lower: bool) -> Any:
    """The Hermitian matrix whose lower (or upper) triangle is that of `x`."""
    half = halved(x, lower)
    return half + adjoint(half)


def real_dtype(x: Any) -> str:
    """The dtype of the absolute values of `x`."""
    return real_of(x.type.dtype)


def smaller(m: Any, n: Any) -> Any:
    """The smaller one of two lengths, each an int, an int64 scalar, or None where unknown."""
    if m is None or n is None:
        return None
    if isinstance(m, int) and isinstance(n, int):
        return min(m, n)
    return functions.minimum(m, n)
