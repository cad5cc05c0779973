"""Constant folding: a node on constants is computed once, here, by its own `perform`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symtheano.graph.interpret import perform
from symtheano.graph.op import Op
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.tensor.elemwise import functions
from symtheano.tensor.type import TensorType, tensor_type

LARGEST = 1_000_000  # elements of a folded result, unless its inputs are as big


@rule(Op, examples=[lambda: ([], [functions.exp(np.arange(3.0))])], reason="it computes what the node itself computes")
def constant_folding(node: Apply) -> list[Variable] | None:
    """op(constants) -> a constant."""
    for i in node.inputs:
        if not isinstance(i, Constant):
            return None
    if not node.inputs or not all(isinstance(o.type, TensorType) for o in node.outputs):
        return None
    if _too_large(node) or not node.op.do_constant_folding(node):
        return None
    try:
        with np.errstate(all="ignore"):
            values = perform(node, [i.data for i in node.inputs])  # type: ignore[attr-defined]
    except Exception:  # what fails on these values fails at run time, where the user sees the call
        return None
    return [folded(value, o) for value, o in zip(values, node.outputs, strict=True)]


def _too_large(node: Apply) -> bool:
    inputs: list[Any] = node.inputs
    given = max((i.data.size for i in inputs), default=0)
    for o in node.outputs:
        shape = o.type.shape
        if None not in shape and math.prod(shape) > max(LARGEST, given):
            return True
    return False


def folded(value: Any, old: Any, dtype: str | None = None) -> Constant:
    """`value` as a constant of the type of `old` (an axis of length 1 stays as broadcastable as it was)."""
    array = np.asarray(value, dtype or old.type.numpy_dtype)
    if array.base is not None:
        array = array.copy()
    pairs = zip(array.shape, old.type.broadcastable, strict=True)
    kind = tensor_type(array.dtype.name, tuple(None if n == 1 and not b else n for n, b in pairs))
    return kind.constant_class(kind, array)
