"""The canonical text of a closed graph: equal for graphs that mean the same computation, in every process.

    x float64 (None, 3)
    c int64 () 0100000000000000
    symtheano.tensor.elemwise.Elemwise(tanh) 0 -> float64 (None, 3)
    outputs 5 6; updates 1:0

The step of a loop stands in its op, as a text of its own in braces.

It is what compiled functions are known by on disk: so everything that changes what is compiled must be in it, and what
only people see (names, lines) must not. `Uncanonical` is raised for what has no text of its own: ops of authors without
`__props__`, types other than arrays.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from symtheano.errors import CompileError
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.op import Op
from symtheano.graph.variable import Constant, Variable
from symtheano.scalar.op import ScalarOp
from symtheano.scan.op import Scan
from symtheano.scan.step import Step
from symtheano.tensor.array import ArrayOp
from symtheano.tensor.type import TensorType

_PACKAGE = Path(__file__).resolve().parents[1]


class Uncanonical(CompileError):
    """A graph with parts that have no canonical text."""


def canonical_text(graph: FunctionGraph) -> str:
    """The text of a graph. Raises Uncanonical."""
    place: dict[Variable, int] = {}
    lines: list[str] = []
    for variable in graph.inputs:
        place[variable] = len(place)
        lines.append(f"x {_type(variable)}")
    for constant in graph.constants():
        place[constant] = len(place)
        lines.append(f"c {_type(constant)} {_data(constant)}")
    for node in graph.nodes:
        args = " ".join(str(place[i]) for i in node.inputs)
        lines.append(f"{_op(node.op)} {args} -> {', '.join(map(_type, node.outputs))}")
        for out in node.outputs:
            place[out] = len(place)
    updates = " ".join(f"{position}:{target}" for position, target in sorted(graph.updates.items()))
    lines.append(f"outputs {' '.join(str(place[o]) for o in graph.outputs)}; updates {updates}")
    return "\n".join(lines)


@cache
def package_text() -> str:
    """A text that changes with the source of the package: what it compiled before must not be taken for its own."""
    digest = hashlib.sha256()
    folders = [str(_PACKAGE)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in sorted(entries, key=lambda e: e.name):
                if entry.name.endswith(".py"):
                    seen = entry.stat()
                    digest.update(f"{entry.name} {seen.st_size} {seen.st_mtime_ns}\n".encode())
                elif entry.is_dir() and not entry.name.startswith("_"):
                    folders.append(entry.path)
                    digest.update(f"{entry.name}/\n".encode())
    return digest.hexdigest()


def _type(variable: Variable) -> str:
    kind = variable.type
    if not isinstance(kind, TensorType):
        raise Uncanonical(f"{kind} has no canonical text")
    return f"{kind.dtype} {kind.shape}"


def _data(constant: Constant) -> str:
    data = np.ascontiguousarray(constant.data)
    if data.nbytes <= 64:
        return data.tobytes().hex()
    return f"{data.shape} {hashlib.sha256(data.tobytes()).hexdigest()}"


def _op(op: Op) -> str:
    if not isinstance(op, (ArrayOp, Scan)) or not type(op).__module__.startswith("symtheano."):
        raise Uncanonical(f"{op} is not one of ours")
    key = op._key()
    if key is None:
        raise Uncanonical(f"{op} has no __props__")
    return f"{type(op).__module__}.{type(op).__qualname__}({', '.join(map(_value, key[1:]))})"


def _value(value: Any) -> str:
    if value is None or value is Ellipsis or isinstance(value, (bool, int, float, complex, str, np.generic)):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, ScalarOp):
        return f"{value.name}{value.params or ''}"
    if isinstance(value, TensorType):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_value, value))})"
    if isinstance(value, Step):
        return f"{{{canonical_text(value.graph)}}}"
    if isinstance(value, Op):
        return _op(value)
    raise Uncanonical(f"{type(value).__name__} {value!r} has no canonical text")
