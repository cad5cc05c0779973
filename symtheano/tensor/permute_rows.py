"""Reordering the rows of a tensor, each by a permutation of its own."""

from __future__ import annotations

from typing import Any

from symtheano.errors import explain
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.math import cast
from symtheano.tensor.shape import shape_padleft
from symtheano.tensor.sizes import is_integer
from symtheano.tensor.sort import along, argsort

__all__ = ["inverse_permutation", "permute_row_elements"]


def permute_row_elements(x: Any, y: Any, inverse: bool = False) -> Any:
    """Each row (along the last axis) of `x` in the order that the row of `y` says: out[..., j] = x[..., y[..., j]].

    y: integers; its rows are permutations. Where one of the two has fewer axes, or broadcastable ones, its rows serve
    for all rows of the other. inverse: put the elements back instead: out[..., y[..., j]] = x[..., j].
    Raises TypeError where `y` is not of integers or one of the two has no axis.

    >>> permute_row_elements(np.array([[1, 2, 3], [4, 5, 6]]), np.array([2, 0, 1])).eval().tolist()
    [[3, 1, 2], [6, 4, 5]]
    """
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    if not is_integer(y.type.dtype) or not x.type.ndim or not y.type.ndim:
        raise TypeError(
            explain(
                "permute_row_elements needs rows, and permutations of integers.",
                operands=[f"x {x}: {x.type}", f"y {y}: {y.type}"],
                remedy="y is made by e.g. RandomStreams.permutation, or cast to int64",
            )
        )
    missing = x.type.ndim - y.type.ndim
    if missing > 0:
        y = shape_padleft(y, missing)
    elif missing < 0:
        x = shape_padleft(x, -missing)
    return along(x, argsort(y) if inverse else y, x.type.ndim - 1)


def inverse_permutation(perm: Any) -> Any:
    """The permutations that undo those in the rows of `perm`, in its dtype.

    >>> inverse_permutation(np.array([2, 0, 1])).eval().tolist()
    [1, 2, 0]
    """
    order: Any = as_tensor_variable(perm)
    return cast(argsort(order), order.type.dtype)
