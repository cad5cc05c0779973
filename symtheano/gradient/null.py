"""Gradients that are not numbers: disconnected, undefined, not implemented; and the type rules of their callers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.graph.null import DisconnectedType, NullType, disconnected_type, is_disconnected, is_null, null_type
from symtheano.graph.op import Op
from symtheano.graph.variable import Variable

__all__ = [
    "DisconnectedType",
    "NullType",
    "disconnected_type",
    "format_as",
    "grad_not_implemented",
    "grad_undefined",
    "is_disconnected",
    "is_null",
    "null_type",
]


def grad_undefined(op: Op, x_pos: int, x: Variable, comment: str = "") -> Variable:
    """For an Op's `grad`: the gradient with respect to input `x_pos`, `x`, does not exist mathematically.

    Asking for it raises NullTypeGradError with the op's name and `comment`.

    >>> import symtheano.tensor as T
    >>> isinstance(grad_undefined(T.exp, 0, T.dscalar('x')).type, NullType)
    True
    """
    return _null(op, x_pos, x, "mathematically undefined", comment)


def grad_not_implemented(op: Op, x_pos: int, x: Variable, comment: str = "") -> Variable:
    """For an Op's `grad`: the gradient with respect to input `x_pos`, `x`, exists and nobody has written it.

    Asking for it raises NullTypeGradError with the op's name and `comment`.

    >>> import symtheano.tensor as T
    >>> isinstance(grad_not_implemented(T.exp, 0, T.dscalar('x')).type, NullType)
    True
    """
    return _null(op, x_pos, x, "not implemented", comment)


def _null(op: Op, x_pos: int, x: Variable, what: str, comment: str) -> Variable:
    why = (
        f"This variable is Null because the grad method for input {x_pos} ({x}) of the {op} op is {what}. {comment}"
    ).strip()
    return NullType(why)()


def format_as(use_list: bool, use_tuple: bool, outputs: Any) -> Any:
    """`outputs` as a list, as a tuple, or (neither) as the one variable it holds.

    >>> format_as(False, True, [1, 2])
    (1, 2)
    """
    if use_list and use_tuple:
        raise ValueError("Both flags cannot be simultaneously True")
    if not isinstance(outputs, (list, tuple)):
        outputs = [outputs]
    if use_list or use_tuple:
        return list(outputs) if use_list else tuple(outputs)
    if len(outputs) != 1:
        raise ValueError(f"Wrong arguments: expected a one-element list, got {len(outputs)} elements")
    return outputs[0]


def like(template: Any, outputs: Sequence[Any]) -> Any:
    """`outputs` in the container of `template`: list to list, tuple to tuple, a Variable to a Variable."""
    return format_as(isinstance(template, list), isinstance(template, tuple), list(outputs))
