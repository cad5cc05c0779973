"""What the function of a loop may return: outputs, then updates, then `until(condition)`; each may be missing."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from symtheano.errors import explain
from symtheano.graph.text import described
from symtheano.graph.variable import Variable
from symtheano.tensor.convert import as_tensor_variable

_ORDER = (
    "The return value of the lambda function has been restricted: you have to always return first the outputs (if "
    "any), afterwards the updates (if any) and at the end the condition."
)
_ALLOWED = (
    "The return value of your scan lambda expression may only be made of lists, tuples, or dictionaries containing "
    "Theano variables (or `theano.scan_module.until` objects for conditions)."
)
_FORMS = "return outputs; outputs, updates; outputs, until(condition); or outputs, updates, until(condition)"


class until:
    """What a step returns last to end the loop after the step in which `condition`, a 0-d value, is not 0.

    >>> import symtheano, symtheano.tensor as T
    >>> powers, _ = symtheano.scan(lambda p: (2 * p, until(p > 10)), outputs_info=T.constant(1), n_steps=100)
    >>> powers.eval()
    array([ 2,  4,  8, 16, 32], dtype=int8)
    """

    def __init__(self, condition: Any):
        self.condition: Any = as_tensor_variable(condition)
        if self.condition.type.ndim != 0:
            raise AssertionError(
                explain(
                    "The condition of until() must be a scalar.",
                    operands=[described(self.condition)],
                    where=str(self.condition.line or ""),
                    remedy="reduce it with theano.tensor.all(condition) or any(condition)",
                )
            )


@dataclass(frozen=True)
class Returned:
    """The parts: outputs, pairs (shared variable, new value) and the condition, if there is one."""

    outputs: list[Any]
    updates: OrderedDict[Any, Any]
    condition: Any = None


def returned(value: Any) -> Returned:
    """The parts of what a step returned. ValueError for anything else, and for another order."""
    stray = _stray(value)
    if stray is not None:
        raise ValueError(
            explain(
                _ALLOWED,
                operands=[f"returned: {described(stray[0])}"],
                remedy="if you need to use constant values, turn them into Theano variables by theano.tensor.constant; "
                "functions without a result return []",
            )
        )
    if _is_outputs(value):
        return Returned(_list(value), OrderedDict())
    if _is_updates(value):
        return Returned([], OrderedDict(value))
    if isinstance(value, until):
        return Returned([], OrderedDict(), value.condition)
    parts = list(value)
    kinds = [_kind(part, first=k == 0) for k, part in enumerate(parts)]
    if kinds not in _LEGAL:
        raise ValueError(explain(_problem(kinds), operands=[f"returned: {_short(value)}"], remedy=_FORMS))
    found = dict(zip(kinds, parts, strict=True))
    condition = found["condition"].condition if "condition" in found else None
    return Returned(_list(found.get("outputs", [])), OrderedDict(found.get("updates", {})), condition)


_LEGAL = (
    ["outputs", "updates"],
    ["outputs", "condition"],
    ["updates", "condition"],
    ["outputs", "updates", "condition"],
)


def _problem(kinds: list[str]) -> str:
    known = sorted(kinds) in [sorted(legal) for legal in _LEGAL]
    return _ORDER if known else "Scan cannot parse the return value of your lambda expression."


def _kind(part: Any, first: bool) -> str:
    """What a part is. An empty list is outputs where it comes first, else updates."""
    if first and _is_outputs(part):
        return "outputs"
    if _is_updates(part):
        return "updates"
    if isinstance(part, until):
        return "condition"
    return "outputs" if _is_outputs(part) else "?"


def _is_outputs(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(isinstance(v, Variable) for v in value)
    return isinstance(value, Variable)


def _is_updates(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(isinstance(v, (list, tuple)) and len(v) == 2 for v in value)
    return isinstance(value, dict)


def _stray(value: Any) -> tuple[Any] | None:
    """The first part that is neither a container nor a variable nor until, in a tuple; None where there is none."""
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, (list, tuple)):
            stack.extend(reversed(part))
        elif isinstance(part, dict):
            stack.extend(reversed([v for item in part.items() for v in item]))
        elif not isinstance(part, (Variable, until)):
            return (part,)
    return None


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 200 else f"{text[:197]}..."
