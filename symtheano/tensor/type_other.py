"""The type of None in a graph, and the passage between 0-d tensors and scalars (which are the same thing here)."""

from __future__ import annotations

from typing import Any

from symtheano.errors import explain
from symtheano.graph.type import Generic
from symtheano.graph.variable import Constant
from symtheano.tensor.convert import as_tensor_variable

__all__ = ["NoneConst", "NoneTypeT", "none_type_t", "scalar_from_tensor", "tensor_from_scalar"]


class NoneTypeT(Generic):
    """The type whose only value is None."""

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> None:
        if data is not None:
            raise TypeError(f"Expected None, got {data!r}")

    def __str__(self) -> str:
        return "NoneTypeT"


none_type_t = NoneTypeT()
NoneConst = Constant(none_type_t, None, name="NoneConst")


def tensor_from_scalar(s: Any) -> Any:
    """A number or 0-d variable as a 0-d tensor. Theano had a type of scalars beside 0-d tensors; symtheano has not.

    >>> tensor_from_scalar(3.5).type
    TensorType(float32, scalar)
    """
    return scalar_from_tensor(s)


def scalar_from_tensor(t: Any) -> Any:
    """The 0-d tensor `t` itself; TypeError for a tensor with dimensions.

    >>> scalar_from_tensor(3.5).type
    TensorType(float32, scalar)
    """
    t = as_tensor_variable(t)
    if t.type.ndim:
        raise TypeError(explain("A scalar is needed, a tensor was given.", operands=[f"{t}: {t.type}"]))
    return t
