"""The arguments of `function()`: what callers may write for inputs, outputs, updates and givens, checked."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from symtheano.compile.io import In, Out, SymbolicInput, SymbolicOutput, from_shortcut
from symtheano.errors import UnusedInputError, explain
from symtheano.graph.shared import SharedVariable
from symtheano.graph.text import expression
from symtheano.graph.variable import Constant, Variable
from symtheano.tensor.sharedvar import shared
from symtheano.tensor.type import TensorType

Pairs = Mapping[Any, Any] | Iterable[tuple[Any, Any]] | None


def inputs_of(inputs: Sequence[Any], downcast: bool | None) -> list[In]:
    """The inputs as `In`s. Exception where they are no list, UnusedInputError where one stands twice."""
    if not isinstance(inputs, (list, tuple)):
        raise Exception(
            explain(
                "Input variables of a Theano function should be contained in a list, even when there is a single "
                "input.",
                operands=[f"inputs: {described(inputs)}"],
                remedy=f"write function([{inputs}], ...)",
            )
        )
    ins = [_input(i, downcast) for i in inputs]
    seen: dict[Variable, int] = {}
    for k, one in enumerate(ins):
        if one.variable in seen:
            raise UnusedInputError(
                explain(
                    f"theano.function: the variable {one.variable} stands twice in the inputs, at positions "
                    f"{seen[one.variable]} and {k}.",
                    operands=[described(one.variable)],
                    remedy="list each input once; make a second variable if you meant another one",
                )
            )
        seen[one.variable] = k
    return ins


def _input(given: Any, downcast: bool | None) -> In:
    if isinstance(given, SymbolicInput):
        _check_input(given.variable)
        one = copy.copy(given)  # the user may pass it to other functions as well
        if one.allow_downcast is None:
            one.allow_downcast = downcast
        return one if isinstance(one, In) else In(one.variable, one.name, None, one.update, one.mutable)
    if isinstance(given, (tuple, list)):
        return _input(from_shortcut(given), downcast)
    _check_input(given)
    return In(given, allow_downcast=downcast)


def _check_input(given: Any) -> None:
    if isinstance(given, SharedVariable):
        raise TypeError(
            explain(
                f"Cannot use a shared variable ({given}) as explicit input.",
                operands=[described(given)],
                remedy="leave it out: functions read shared variables by themselves. To use another value in this one, "
                "pass a new variable as input and givens={" + f"{given}: that variable" + "}",
            )
        )
    if isinstance(given, Constant):
        raise TypeError(
            explain(
                f"A Constant instance is not a legal function input: {given}",
                operands=[described(given)],
                remedy="leave it out: its value is part of the graph. For a value that changes, make a variable",
            )
        )
    if not isinstance(given, Variable):
        raise TypeError(
            explain(
                f"Unknown parameter type: {type(given)}",
                operands=[f"input: {given!r}"],
                remedy="inputs are variables, or In(variable, value=..., ...); leave numbers out, or use givens",
            )
        )


def outputs_of(outputs: Any) -> tuple[list[Out], tuple[str, ...] | None, bool]:
    """The outputs as `Out`s in the order they are computed, the keys of a dict, whether a bare one was asked for."""
    if outputs is None:
        return [], None, False
    if isinstance(outputs, dict):
        if not all(isinstance(k, str) for k in outputs):
            raise AssertionError(
                explain(
                    f"The keys of a dict of outputs must be strings; got {list(outputs)!r}",
                    operands=[f"{key!r}: {type(key).__name__}" for key in outputs],
                    remedy="name the outputs by strings, or pass a list of them",
                )
            )
        keys = tuple(sorted(outputs))
        return [_output(outputs[k]) for k in keys], keys, False
    if isinstance(outputs, (list, tuple)):
        return [_output(o) for o in outputs], None, False
    return [_output(outputs)], None, True


def _output(given: Any) -> Out:
    if isinstance(given, SymbolicOutput):
        return Out(given.variable, given.borrow)
    if isinstance(given, Variable):
        return Out(given)
    raise TypeError(
        explain(
            f"Outputs must be theano Variable or Out instances. Received {given!r} of type {type(given)}",
            remedy="wrap numbers and arrays with theano.tensor.constant",
        )
    )


def updates_of(updates: Pairs) -> list[tuple[SharedVariable, Variable]]:
    """Pairs (shared variable, new value of its type). TypeError and ValueError say which pair does not fit."""
    pairs: list[tuple[SharedVariable, Variable]] = []
    seen: set[Variable] = set()
    for target, value in _pairs(updates, "updates"):
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


def _pairs(given: Pairs, what: str) -> list[tuple[Any, Any]]:
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


def described(value: Any) -> str:
    """A variable with its type and line, or a Python value."""
    if not isinstance(value, Variable):
        text = repr(value)
        return f"{text if len(text) < 60 else text[:57] + '...'} of type {type(value).__name__}"
    return f"{value}: {value.type}" + (f", made at {value.line}" if value.line else "")


def givens_of(givens: Pairs, ins: Sequence[In], strict: bool) -> dict[Variable, Variable]:
    """Replacements by variable. TypeError where types differ (and strict), RuntimeError where an input is replaced."""
    found: dict[Variable, Variable] = {}
    inputs = {i.variable for i in ins}
    for key, value in _pairs(givens, "givens"):
        if not isinstance(key, Variable):
            raise TypeError(
                explain(
                    f"given keys must be Variable; got {key!r} of type {type(key)}",
                    operands=[f"its value {described(value)}"],
                    remedy="use the variable itself as the key: givens={x: value}",
                )
            )
        if key in found:
            raise ValueError(
                explain(
                    f"{key} is given twice in givens",
                    operands=[described(key), f"first {described(found[key])}", f"then {described(value)}"],
                    remedy="give each variable once",
                )
            )
        if key in inputs:
            raise RuntimeError(
                explain(
                    f"You are trying to replace variable {key!r} through the `givens` parameter, but this variable is "
                    "an input to your function. Replacing inputs is currently forbidden because it has no effect.",
                    operands=[described(key)],
                    remedy="take it out of the inputs, or out of givens",
                )
            )
        found[key] = _given(key, value, strict)
    return found


def _given(key: Variable, value: Any, strict: bool) -> Variable:
    """What stands for `key`: a variable of its type, or a value of it."""
    try:
        new = value if isinstance(value, Variable) else shared(key.type.filter(value))
        return key.type.filter_variable(new) if strict else new
    except TypeError as error:
        what = value if isinstance(value, Variable) else "this value"
        raise TypeError(
            explain(
                f"givens: {key} cannot be replaced by {what}: {str(error).splitlines()[0]}",
                operands=[described(key), f"given {described(value)}"],
                remedy="give a value of the same type (T.cast, T.patternbroadcast), or pass rebuild_strict=False",
            )
        ) from error
