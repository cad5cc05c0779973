"""Run-time errors in the user's terms: which expression, on which line, on which values."""
from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from symtheano.compile.program import Program, Step
from symtheano.compile.target.numpy import Source
from symtheano.errors import explain
from symtheano.graph.text import expression
from symtheano.graph.variable import Variable

_REMEDIES = {
    "ShapeMismatchError": "make the lengths equal; an axis of length 1 is stretched only where it is broadcastable "
    "(theano.tensor.addbroadcast)",
    "IndexError": "check the index against the shape above",
    "LinAlgError": "check that the matrix is what the method needs (square, not singular, positive definite)",
    "MemoryError": "use a smaller batch, or free arrays you no longer need",
}
_DEFAULT = "check the shapes above against the expression; symtheano.config.exception_verbosity='high' shows the values"


def runtime_context(error: BaseException, run: Callable[..., Any], source: Source, program: Program) -> str:
    """What to add to the message of an error raised inside generated code; "" for errors from elsewhere."""
    for frame, lineno in traceback.walk_tb(error.__traceback__):
        if frame.f_code is run.__code__:
            step = source.steps.get(lineno)
            return "" if step is None else _context(error, step, program, frame.f_locals | _globals(frame.f_globals, program))
    return ""


def _globals(scope: dict[str, Any], program: Program) -> dict[str, Any]:
    return {name: scope[name] for name in program.constants}


def _context(error: BaseException, step: Step, program: Program, values: dict[str, Any]) -> str:
    node = getattr(step, "node", None)
    if node is None:
        return ""
    named = {v: n for n, v in program.variables.items()}
    operands = [_operand(i, values.get(named.get(i, ""))) for i in node.inputs]
    return explain(
        f"This happened in {node.op}, while a compiled function ran.",
        operation=str(node.op),
        operands=operands,
        expression=expression(node.outputs[0]),
        where=str(node.trace or "(a line inside symtheano)"),
        remedy=next((text for name, text in _REMEDIES.items() if any(c.__name__ == name for c in type(error).__mro__)), _DEFAULT),
    )


def _operand(variable: Variable, value: Any) -> str:
    text = f"{expression(variable, depth=2)}: {variable.type}"
    if hasattr(value, "shape"):
        text += f", shape {tuple(value.shape)}, strides {tuple(value.strides)}"
        if value.size <= 6:
            text += f", value {value.tolist()}"
    return text
