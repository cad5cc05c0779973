"""Run-time errors in the user's terms: which expression, on which line, on which values."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Any

from symtheano.config import config
from symtheano.errors import explain
from symtheano.graph.text import expression, operation
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.array import ArrayOp
from symtheano.tensor.elemwise import DimShuffle

_REMEDIES = {
    "ShapeMismatchError": "make the lengths equal; an axis of length 1 is stretched only where it is broadcastable "
    "(theano.tensor.addbroadcast)",
    "IndexError": "check the index against the shape above",
    "LinAlgError": "check that the matrix is what the method needs (square, not singular, positive definite)",
    "MemoryError": "use a smaller batch, or free arrays you no longer need",
}
_REMEDIES_OF_OPS = {
    "dot": "the last axis of the first operand must be as long as the last but one (or only) axis of the second: "
    "transpose an operand, or correct the sizes of the layers",
    "BatchedDot": "both operands need the same number of batches (axis 0), and inner axes of equal lengths",
    "Reshape": "make the products of both shapes equal; one length may be -1",
    "Join": "all operands must agree in every axis but the one they are joined along",
    "Max": "a maximum needs at least one element along each reduced axis: check the shape above",
    "Min": "a minimum needs at least one element along each reduced axis: check the shape above",
    "Argmax": "a maximum needs at least one element along each reduced axis: check the shape above",
    "Argmin": "a minimum needs at least one element along each reduced axis: check the shape above",
}
_OWN_OP = "correct {name}.perform, or what is given to it; config.exception_verbosity='high' shows the values"
_DEFAULT = "check the shapes above against the expression; symtheano.config.exception_verbosity='high' shows the values"
_FEW, _MANY = 6, 1000  # elements that are shown of each operand, by exception_verbosity


def runtime_context(
    error: BaseException,
    run: Callable[..., Any],
    nodes: Mapping[int, Apply | None],
    variables: Mapping[str, Variable],
    inner: Mapping[int, Mapping[str, Variable]] | None = None,
    compared: Mapping[int, Sequence[str]] | None = None,
) -> str:
    """What to add to the message of an error raised inside generated code; "" for errors from elsewhere.

    run: the function of that code. nodes: what its lines compute. variables: what its names stand for; inner: the same
    for lines of its loops, which are functions of the same text. compared: names of what a line compares, which may not
    be what its node reads.
    """
    found = ""
    steps: list[int] = []
    for frame, lineno in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename != run.__code__.co_filename:
            continue
        node = nodes.get(lineno)
        names = (inner or {}).get(lineno)
        if names is not None and isinstance(frame.f_locals.get("t"), int):
            steps.append(frame.f_locals["t"])
        known = variables if names is None else names
        values = {v: _value(name, frame) for name, v in known.items()}
        given = {v: value for v, value in values.items() if value is not None}
        others = [known[name] for name in (compared or {}).get(lineno, ()) if name in known]
        found = "" if node is None else _context(error, node, given, steps, others)
    return found


def _value(name: str, frame: FrameType) -> Any:
    return frame.f_locals[name] if name in frame.f_locals else frame.f_globals.get(name)


def _context(
    error: BaseException, node: Apply, values: dict[Variable, Any], steps: Sequence[int], compared: Sequence[Variable]
) -> str:
    """steps: in which step of each loop around it, from 0. compared: shown where an operand is not known."""
    shown = list(node.inputs)
    if not all(v in values for v in shown):
        shown += [v for v in compared if v not in shown]
    loops = "".join(f" in step {t} of a loop," for t in reversed(steps))
    return explain(
        f"This happened in {operation(node)},{loops} while a compiled function ran.",
        operation=str(node.op),
        operands=[_operand(i, values) for i in shown],
        expression=expression(node.outputs[0]),
        where=str(node.trace or "(a line inside symtheano)"),
        remedy=_remedy(error, node),
    )


def _remedy(error: BaseException, node: Apply) -> str:
    if not isinstance(node.op, ArrayOp):
        return _OWN_OP.format(name=type(node.op).__name__)
    if isinstance(error, ValueError) and str(node.op).partition("{")[0] in _REMEDIES_OF_OPS:
        return _REMEDIES_OF_OPS[str(node.op).partition("{")[0]]
    names = {c.__name__ for c in type(error).__mro__}
    return next((text for name, text in _REMEDIES.items() if name in names), _DEFAULT)


def _operand(variable: Variable, values: dict[Variable, Any]) -> str:
    """Name, type and shape; for axes that broadcasting added, those of the user's variable as well."""
    value = values.get(variable, getattr(variable, "data", None))
    inner = _undressed(variable)
    text = f"{expression(variable, depth=2)}: {inner.type}"
    given = getattr(values.get(inner), "shape", None)
    if inner is not variable and given is not None:
        text += f", shape {tuple(given)}, here as {variable.type}"
    if value is not None and hasattr(value, "shape"):
        text += f", shape {tuple(value.shape)}, strides {tuple(getattr(value, 'strides', ()))}"
        text += _shown(value)
    return text


def _undressed(variable: Variable) -> Variable:
    """The variable before axes were moved or added."""
    while variable.owner is not None and isinstance(variable.owner.op, DimShuffle) and variable.name is None:
        variable = variable.owner.inputs[0]
    return variable


def _shown(value: Any) -> str:
    high = config.exception_verbosity == "high"
    if not value.size or value.size > (_MANY if high else _FEW):
        return ""
    text = str(value.tolist())
    return f", value {text}" if high or len(text) <= 100 else ""
