"""From Python values to tensor variables: constants (with Theano's autocasting) and `as_tensor_variable`."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from symtheano.config import config
from symtheano.errors import AsTensorError, explain
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scalar import autocast
from symtheano.scalar.dtypes import ALL_DTYPES
from symtheano.tensor.type import TensorType, tensor_type

stack_sequence: Callable[[Any], Variable] | None = None  # installed by symtheano.tensor.join: lists of variables
pad_dimensions: Callable[[Variable, int], Variable] | None = None  # installed by symtheano.tensor.elemwise


def constant(x: Any, name: str | None = None, ndim: int | None = None, dtype: str | None = None) -> Constant:
    """A constant tensor.

    x: a number, array or nested list of numbers. Python numbers take the smallest dtype that holds them exactly (for
    floats config.floatX decides, see `scalar.dtypes.autocast`); arrays keep their dtype. ndim: pads with axes of length
    1 in front. dtype: casts. Axes of length 1 are broadcastable.

    >>> constant(3).type
    TensorType(int8, scalar)
    """
    if isinstance(x, Constant) and name is None and (ndim is None or ndim == x.type.ndim) and dtype is None:
        return x
    if type(x) in (int, float) and name is None and not ndim and dtype is None:
        return _number(x, repr(x), config.floatX, config.cast_policy)
    array = _as_array(x, dtype)
    if ndim is not None:
        if array.ndim > ndim:
            raise ValueError(f"ndim={ndim} is less than the {array.ndim} dimensions of the value {x!r}")
        array = array.reshape((1,) * (ndim - array.ndim) + array.shape)
    return make_constant(array, name)


def make_constant(array: np.ndarray[Any, Any], name: str | None = None) -> Constant:
    """The constant that holds `array` itself (not a copy: do not write to it afterwards)."""
    kind = tensor_type(array.dtype.name, tuple(array.shape))
    return kind.constant_class(kind, array, name)


@lru_cache(maxsize=1024)
def _number(x: float, text: str, floatX: str, policy: str) -> Constant:
    """Small constants are shared; `text` keeps -0.0 and 0.0, 1 and 1.0 apart."""
    return make_constant(autocast(x, floatX, policy))


def _as_array(x: Any, dtype: str | None) -> np.ndarray[Any, Any]:
    if dtype is not None:
        return np.array(x, dtype=config.floatX if dtype == "floatX" else dtype)
    if isinstance(x, Constant):
        return np.asarray(x.data)
    if isinstance(x, (bool, int, float, complex)):
        return autocast(x, config.floatX, config.cast_policy)
    array = np.array(x)
    if array.size == 0 and not hasattr(x, "dtype"):
        array = array.astype(config.floatX)  # an empty list says nothing of its dtype
    if array.dtype.name not in ALL_DTYPES:
        raise TypeError(f"Could not convert {x!r} to a TensorType: its dtype would be {array.dtype}")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def as_tensor_variable(x: Any, name: str | None = None, ndim: int | None = None) -> Variable:
    """`x` as a tensor variable: variables pass through, numbers, arrays and lists become constants (or a stack).

    ndim: the result has that many dimensions: 1s are added in front, broadcastable axes in front are dropped.
    Raises AsTensorError (a TypeError) for a Python bool and for what has no tensor meaning.

    >>> as_tensor_variable([1, 2, 3]).type
    TensorType(int64, vector)
    """
    if isinstance(x, Variable):
        if not isinstance(x.type, TensorType):
            raise AsTensorError(explain(f"Cannot convert {x} to a TensorType.", operands=[f"{x}: {x.type}"]))
        if ndim is not None and x.type.ndim != ndim:
            assert pad_dimensions is not None
            return pad_dimensions(x, ndim)
        return x
    if hasattr(x, "_as_TensorVariable"):
        return x._as_TensorVariable()  # type: ignore[no-any-return]
    if isinstance(x, Apply):
        return as_tensor_variable(x.default_output(), name, ndim)
    if isinstance(x, (tuple, list)) and _holds_variable(x):
        assert stack_sequence is not None
        return as_tensor_variable(stack_sequence(x), name, ndim)
    if isinstance(x, bool):
        raise AsTensorError(
            explain(
                "Cannot cast True or False as a tensor variable.",
                remedy="use np.array(True) or np.array(False) if you need these constants. If you wrote `a == b` on "
                "variables: that compares identity; the elementwise test is theano.tensor.eq(a, b)",
            )
        )
    try:
        return constant(x, name=name, ndim=ndim)
    except (TypeError, ValueError) as error:
        text = repr(x)
        raise AsTensorError(
            explain(
                f"Cannot convert {text if len(text) < 80 else text[:77] + '...'} to a tensor variable ({error}).",
                operands=[f"value of type {type(x).__name__}"],
                remedy="pass a number, a NumPy array, a (nested) list of numbers, or a tensor variable",
            )
        ) from error


def _holds_variable(x: Any) -> bool:
    return any(isinstance(i, (Variable, Apply)) or (isinstance(i, (tuple, list)) and _holds_variable(i)) for i in x)
