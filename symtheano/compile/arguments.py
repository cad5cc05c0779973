"""The arguments of `function()`: what callers may write for inputs, outputs, givens. For updates: tensor/updates.py."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from symtheano.compile.io import In, Out, SymbolicInput, SymbolicOutput, from_shortcut
from symtheano.errors import UnusedInputError, explain
from symtheano.graph.shared import SharedVariable
from symtheano.graph.text import described
from symtheano.graph.variable import Constant, Variable
from symtheano.tensor.sharedvar import shared
from symtheano.tensor.updates import Pairs, pairs_of


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


def givens_of(givens: Pairs, ins: Sequence[In], strict: bool) -> dict[Variable, Variable]:
    """Replacements by variable. TypeError where types differ (and strict), RuntimeError where an input is replaced."""
    found: dict[Variable, Variable] = {}
    inputs = {i.variable for i in ins}
    for key, value in pairs_of(givens, "givens"):
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
