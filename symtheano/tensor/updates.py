"""Updates as callers write them: a dict or pairs, shared variables and new values of their types. Checked here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from symtheano.errors import explain
from symtheano.graph.shared import SharedVariable
from symtheano.graph.text import described, expression
from symtheano.graph.variable import Variable
from symtheano.tensor.type import TensorType

Pairs = Mapping[Any, Any] | Iterable[tuple[Any, Any]] | None


def updates_of(updates: Pairs) -> list[tuple[SharedVariable, Variable]]:
    """Pairs (shared variable, new value of its type). TypeError and ValueError say which pair does not fit."""
    pairs: list[tuple[SharedVariable, Variable]] = []
    seen: set[Variable] = set()
    for target, value in pairs_of(updates, "updates"):
        if not isinstance(target, SharedVariable):
            raise TypeError(
                explain(
                    f"update target must be a SharedVariable: {target}",
                    operands=[f"target {described(target)}", f"its new value {described(value)}"],
                    remedy=f"make it one: theano.shared(value, name={getattr(target, 'name', None)!r})",
                )
            )
        if target in seen:
            first = next(v for t, v in pairs if t is target)
            raise ValueError(
                explain(
                    f"this shared variable already has an update expression: {target}; new value: {value}",
                    operands=[
                        described(target),
                        f"first new value {described(first)}",
                        f"second new value {described(value)}",
                    ],
                    remedy="give one update for each shared variable: compose them, or use the second one only",
                )
            )
        seen.add(target)
        pairs.append((target, update_value(target, value)))
    return pairs


def update_value(target: SharedVariable, value: Any) -> Any:
    """`value` as a variable of the shared variable's type; TypeError where it is of another."""
    try:
        return target.type.filter_variable(value, allow_convert=False)
    except TypeError as error:
        kind = getattr(value, "type", type(value).__name__)
        raise TypeError(
            explain(
                f"An update must have the same type as the original shared variable (shared_var={target}, "
                f"shared_var.type={target.type}, update_val={value}, update_val.type={kind}).",
                operands=[described(target), f"its new value {described(value)}"],
                expression=f"{target} <- {expression(value)}" if isinstance(value, Variable) else "",
                where=str(getattr(value, "line", None) or ""),
                remedy=_update_remedy(target, value),
            )
        ) from error


def _update_remedy(target: SharedVariable, value: Any) -> str:
    old, new = target.type, getattr(value, "type", None)
    if not isinstance(new, TensorType) or not isinstance(old, TensorType):
        return "compute a value of the shared variable's type"
    if new.dtype != old.dtype:
        return f"cast it: T.cast(new_value, {old.dtype!r}); or create the shared variable with dtype {new.dtype}"
    if new.ndim != old.ndim:
        return f"the numbers of dimensions differ ({old.ndim} and {new.ndim}): sum over axes, or reshape"
    if any(b and not c for b, c in zip(old.broadcastable, new.broadcastable, strict=True)):
        return (
            "the new value may be longer than the variable along a broadcastable axis: sum over it with keepdims=True; "
            f"or, where its length is 1, T.patternbroadcast(new_value, {old.broadcastable})"
        )
    axes = [k for k, (b, c) in enumerate(zip(old.broadcastable, new.broadcastable, strict=True)) if c and not b]
    return f"the new value has length 1 in axis {axes[0]}: T.unbroadcast(new_value, {', '.join(map(str, axes))})"


def pairs_of(given: Pairs, what: str) -> list[tuple[Any, Any]]:
    if given is None:
        return []
    items = list(given.items()) if isinstance(given, Mapping) else list(given)
    for item in items:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise TypeError(
                explain(
                    f"{what} must be a dict or a list of (variable, expression) pairs",
                    operands=[f"item: {described(item)}"],
                    remedy=f"write {what}=[(variable, expression), ...] or {what}={{variable: expression, ...}}",
                )
            )
    return [(k, v) for k, v in items]
