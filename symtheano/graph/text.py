"""Expressions as short text, for messages: `(dot(x, W) + b)`. The full printers are in symtheano.printing."""
from __future__ import annotations

import re

from symtheano.graph.variable import Constant, Variable

_INFIX = {"add": "+", "sub": "-", "mul": "*", "true_div": "/", "int_div": "//", "mod": "%", "pow": "**"}
_INFIX |= {"eq": "==", "neq": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "and_": "&", "or_": "|", "xor": "^"}
_NAME = re.compile(r"^(?:Elemwise\{)?([A-Za-z_]\w*)")


def expression(variable: Variable, depth: int = 4, limit: int = 200) -> str:
    """`variable` as a formula, `depth` operations deep (named variables are not opened), `limit` characters at most."""
    text = _text(variable, depth, top=True)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _text(v: Variable, depth: int, top: bool = False) -> str:
    if isinstance(v, Constant):
        return v.name or _constant(v)
    if v.owner is None or (v.name is not None and not top):
        return v.name or str(v)
    if depth == 0:
        return "..."
    name = _NAME.match(str(v.owner.op))
    op = name.group(1) if name else str(v.owner.op)
    if op == "InplaceDimShuffle" and v.owner.inputs:
        return _text(v.owner.inputs[0], depth)
    args = [_text(i, depth - 1) for i in v.owner.inputs[:8]]
    if op in _INFIX and len(args) > 1:
        return "(" + f" {_INFIX[op]} ".join(args) + ")"
    if op == "neg":
        return f"-{args[0]}"
    return f"{op.lower() if op in ('Dot', 'Sum', 'Prod') else op}({', '.join(args)})"


def _constant(v: Constant) -> str:
    data = v.data
    size = getattr(data, "size", None)
    if size == 1:
        return str(data.reshape(-1)[0])
    return f"<constant of shape {data.shape}>" if size is not None else repr(data)[:30]
