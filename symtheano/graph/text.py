"""Expressions as short text, for messages: `(dot(x, W) + b)`. The full printers are in symtheano.printing.

What an op looks like is read off its class name and the attributes that Theano's ops have (axis, new_order, idx_list).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from symtheano.graph.variable import Apply, Constant, Variable

_INFIX = {"add": "+", "sub": "-", "mul": "*", "true_div": "/", "int_div": "//", "mod": "%", "pow": "**"}
_INFIX |= {"eq": "==", "neq": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "and_": "&", "or_": "|", "xor": "^"}
_SHORT = {"Reduce": "reduce", "Join": "concatenate", "MakeVector": "stack"}
_SHORT |= {"SortOp": "sort", "ArgSortOp": "argsort", "CumOp": "cumsum"}
_NAME = re.compile(r"^(?:Elemwise\{)?([A-Za-z_]\w*)")
_MOST_ARGUMENTS = 8


def expression(variable: Variable, depth: int = 4, limit: int = 200) -> str:
    """`variable` as a formula, `depth` operations deep (named variables are not opened), `limit` characters at most."""
    text = _text(variable, depth, top=True)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def described(value: Any) -> str:
    """A variable with its type and line, or a Python value."""
    if not isinstance(value, Variable):
        text = repr(value)
        return f"{text if len(text) < 60 else text[:57] + '...'} of type {type(value).__name__}"
    return f"{value}: {value.type}" + (f", made at {value.line}" if value.line else "")


def operation(node: Apply) -> str:
    """The name of a node's op as users write it: `add`, `dot`, `sum`."""
    text = str(node.op)
    found = _NAME.match(text)
    name = found.group(1) if found else text
    if name in ("Subtensor", "AdvancedSubtensor", "AdvancedSubtensor1", "IncSubtensor", "AdvancedIncSubtensor"):
        return name
    cls = type(node.op)
    plain = cls.__name__ == name and cls.__module__.startswith("symtheano.") and len(node.inputs) == 1
    return _SHORT.get(name, name.lower() if plain else name)


def _text(v: Variable, depth: int, top: bool = False) -> str:
    if isinstance(v, Constant):
        return v.name or _constant(v)
    if v.owner is None or (v.name is not None and not top):
        return v.name or str(v)
    if depth == 0:
        return "..."
    node = v.owner
    name = _NAME.match(str(node.op))
    op = name.group(1) if name else str(node.op)
    printer = _PRINTERS.get(op)
    if printer is not None and node.inputs:
        return printer(node, depth)
    args = [_text(i, depth - 1) for i in node.inputs[:_MOST_ARGUMENTS]]
    if len(node.inputs) > _MOST_ARGUMENTS:
        args.append("...")
    if op in _INFIX and len(args) > 1:
        return "(" + f" {_INFIX[op]} ".join(args) + ")"
    if op == "neg":
        return f"-{args[0]}"
    axis = getattr(node.op, "axis", None)
    if axis is not None and type(axis) in (int, tuple, list):
        axes = [axis] if isinstance(axis, int) else list(axis)
        args.append(f"axis={axes[0] if len(axes) == 1 else axes}")
    return f"{operation(node)}({', '.join(args)})"


def _constant(v: Constant) -> str:
    data = v.data
    size = getattr(data, "size", None)
    if size == 1:
        return str(data.reshape(-1)[0])
    if size is not None and data.ndim == 1 and size <= 6:
        return str(data.tolist())
    return f"<constant of shape {data.shape}>" if size is not None else repr(data)[:30]


# -- ops that have a spelling of their own -------------------------------------------------------------------------


def _dimshuffle(node: Apply, depth: int) -> str:
    order: Sequence[Any] = getattr(node.op, "new_order", ())
    ndim = len(getattr(node.op, "input_broadcastable", order))
    x = _text(node.inputs[0], depth)
    if tuple(order) == tuple(reversed(range(ndim))) and ndim > 1:
        return f"{x}.T"
    if all(o == "x" for o in order[: len(order) - ndim]) and tuple(order[len(order) - ndim :]) == tuple(range(ndim)):
        return x  # axes of length 1 in front: what broadcasting adds by itself
    return f"{x}.dimshuffle({', '.join(repr(o) for o in order)})"


def _index(key: Any, inputs: Iterator[str]) -> str:
    """One entry of an index; types stand for the values that the node's inputs give."""
    if isinstance(key, slice):
        parts = ["" if part is None else _index(part, inputs) for part in (key.start, key.stop, key.step)]
        return ":".join(parts[:2] if key.step is None else parts)
    if key is None or isinstance(key, int) or key is Ellipsis:
        return "..." if key is Ellipsis else str(key)
    return next(inputs, "?")


def _subscript(node: Apply, first: int, depth: int) -> str:
    inputs = iter([_text(i, depth - 1) for i in node.inputs[first:]])
    keys = getattr(node.op, "idx_list", None)
    return ", ".join(inputs) if keys is None else ", ".join([_index(key, inputs) for key in keys])


def _read(node: Apply, depth: int) -> str:
    return f"{_text(node.inputs[0], depth)}[{_subscript(node, 1, depth)}]"


def _write(node: Apply, depth: int) -> str:
    name = "set_subtensor" if getattr(node.op, "set_instead_of_inc", False) else "inc_subtensor"
    value = _text(node.inputs[1], depth - 1)
    return f"{name}({_text(node.inputs[0], depth - 1)}[{_subscript(node, 2, depth)}], {value})"


def _shape_i(node: Apply, depth: int) -> str:
    return f"{_text(node.inputs[0], depth - 1)}.shape[{getattr(node.op, 'i', '?')}]"


def _shape(node: Apply, depth: int) -> str:
    return f"{_text(node.inputs[0], depth - 1)}.shape"


def _reshape(node: Apply, depth: int) -> str:
    return f"{_text(node.inputs[0], depth - 1)}.reshape({_text(node.inputs[1], depth - 1)})"


def _cast(node: Apply, depth: int) -> str:
    return f"cast({_text(node.inputs[0], depth - 1)}, {getattr(node.outputs[0].type, 'dtype', '?')!r})"


_PRINTERS: dict[str, Callable[[Apply, int], str]] = {
    "InplaceDimShuffle": _dimshuffle,
    "Subtensor": _read,
    "AdvancedSubtensor": _read,
    "AdvancedSubtensor1": _read,
    "IncSubtensor": _write,
    "AdvancedIncSubtensor": _write,
    "AdvancedIncSubtensor1": _write,
    "Shape_i": _shape_i,
    "Shape": _shape,
    "Reshape": _reshape,
    "Cast": _cast,
}
