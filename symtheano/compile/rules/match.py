"""What rules ask of a variable (which row made it, which number it is filled with), and what they build."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from symtheano.compile.rules.memo import Memo
from symtheano.graph.variable import Constant
from symtheano.scalar import TABLE
from symtheano.scalar import cast as cast_row
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.convert import make_constant
from symtheano.tensor.elemwise import DimShuffle, Elemwise, dimshuffle, functions, pad_left
from symtheano.tensor.shape import patternbroadcast

Number = bool | int | float | complex

_SECOND = TABLE["second"]
_uniform: Memo[Number | None] = Memo("uniform")  # of a constant array: the number it repeats


def args_of(v: Any, name: str) -> list[Any] | None:
    """The operands of `v` where it is computed by the row `name`."""
    owner = v.owner
    if owner is not None and type(owner.op) is Elemwise and owner.op.scalar_op.name == name:
        inputs: list[Any] = owner.inputs
        return inputs
    return None


def arg_of(v: Any, name: str) -> Any:
    """The only operand of `v` where it is computed by the unary row `name`, else None."""
    owner = v.owner
    if owner is not None and type(owner.op) is Elemwise and owner.op.scalar_op.name == name:
        return owner.inputs[0]
    return None


def constant_value(v: Any) -> Number | None:
    """The number that every element of `v` equals, seen through broadcasting; None where it is not known."""
    while True:
        owner = v.owner
        if owner is None:
            return _number(v) if isinstance(v, Constant) and isinstance(v.data, np.ndarray) else None
        op = owner.op
        if type(op) is DimShuffle or type(op) is Alloc:
            v = owner.inputs[0]
        elif type(op) is Elemwise and op.scalar_op is _SECOND:
            v = owner.inputs[1]
        else:
            return None


def _number(v: Constant) -> Number | None:
    data: Any = v.data
    if data.size == 1:
        number: Number = data.item()
        return number
    if data.size and v not in _uniform:
        first = data.flat[0]
        _uniform[v] = first.item() if first == data.flat[-1] and (data == first).all() else None
    found: Number | None = _uniform.get(v)
    return found


def filled_with(v: Any) -> Any:
    """What `v` repeats along some axes; None where `v` is no filled array."""
    owner = v.owner
    if owner is None:
        return None
    if type(owner.op) is Alloc:
        value = owner.inputs[0]
        if value.type.ndim == v.type.ndim or not all(value.type.broadcastable):
            return value
        return pad_left(value, v.type.ndim)
    if type(owner.op) is DimShuffle:
        inner = filled_with(owner.inputs[0])
        if inner is None or not all(inner.type.broadcastable):
            return None
        return dimshuffle(dimshuffle(inner, []), ["x"] * v.type.ndim)
    if type(owner.op) is Elemwise and owner.op.scalar_op.name == "second":
        return owner.inputs[1]
    return None


def is_constant(v: Any, number: Number) -> bool:
    """Whether every element of `v` is known to equal `number`."""
    return constant_value(v) == number


def literal(number: Any, like: Any) -> Any:
    """`number` as a 0-d constant in the dtype of `like`."""
    return make_constant(np.asarray(number, like.type.numpy_dtype))


@cache
def _cast(dtype: str) -> Elemwise:
    return Elemwise(cast_row(dtype))


def cast_to(v: Any, dtype: str) -> Any:
    """`v` converted to `dtype`; `v` itself where it has it."""
    return v if v.type.dtype == dtype else _cast(dtype)(v)


def like(v: Any, old: Any, models: Sequence[Any] = ()) -> Any:
    """`v` with the dtype and broadcast pattern of `old`, the output of a node.

    Where v has length 1 and old has not, `models` (for an elementwise node: its operands) lend their shape.
    """
    v = cast_to(v, old.type.dtype)
    pattern = old.type.broadcastable
    if v.type.ndim < len(pattern):
        v = pad_left(v, len(pattern))
    if v.type.broadcastable == pattern:
        return v
    if not models and type(old.owner.op) is Elemwise:
        models = old.owner.inputs
    for model in models:
        if model.type.ndim == len(pattern) and any(
            a and not b for a, b in zip(v.type.broadcastable, model.type.broadcastable, strict=True)
        ):
            v = functions.second(model, v)
    return patternbroadcast(v, pattern)


def covers(variables: Sequence[Any], pattern: Sequence[bool]) -> bool:
    """Whether broadcasting `variables` together reaches every axis that is long in `pattern`."""
    return all(b or any(not v.type.broadcastable[k] for v in variables) for k, b in enumerate(pattern))
