"""The array rule: an op's meaning as source text over `xp`, used by perform, by the numpy target and by the GPU's.

An op's `array(node, let, *args)` returns the text of one expression (a tuple's text where there are several outputs).
`let(text)` binds an intermediate value to a fresh name and returns the name; names in the text are `xp` (numpy or
cupy), `special` and `linalg` (those of scipy, or their cupy twins), our modules of helpers, the arguments, and Python's
builtins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar, Protocol

import numpy as np

from symtheano.graph.null import disconnected_type
from symtheano.graph.op import Op
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.type import TensorType


class Let(Protocol):
    """Binds the value of `text` to a new name.

    dtype: says that the text is an elementwise call that accepts out=, with a result of this dtype and of the shape of
    the op's output, so that the planner may choose its memory.
    """

    def __call__(self, text: str, dtype: str | None = None) -> str: ...


class ArrayOp(Op):
    """An op with an array rule; `perform` is derived from it."""

    out_argument: ClassVar[bool] = False  # the array rule's text is a call that accepts out=

    def array(self, node: Apply, let: Let, *args: str) -> str:
        """The op's value as source text."""
        raise NotImplementedError(f"{type(self).__name__} must define array(node, let, *args)")

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        function = array_function(array_source(node))
        results = function(*inputs)
        if len(output_storage) == 1:
            results = (results,)
        for cell, result, out in zip(output_storage, results, node.outputs, strict=True):
            cell[0] = as_value(result, out)


class Unconnected(ArrayOp):
    """An ArrayOp without derivatives: what it gives (lengths, positions, patterns) depends on no input continuously."""

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False] * len(node.outputs) for _ in node.inputs]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [disconnected_type() for _ in inputs]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None for _ in self.make_node(*inputs).outputs]


def as_value(result: Any, variable: Variable) -> Any:
    """`result` as an array of the variable's dtype (numpy gives scalars for 0-d results)."""
    if isinstance(variable.type, TensorType):
        return np.asarray(result, variable.type.numpy_dtype)
    return result


def array_source(node: Apply) -> str:
    """A Python function `perform(a0, a1, ...)` with the meaning of a node."""
    args = [f"a{k}" for k in range(len(node.inputs))]
    lines: list[str] = []

    def let(text: str, dtype: str | None = None) -> str:
        lines.append(f"    t{len(lines)} = {text}")
        return f"t{len(lines) - 1}"

    value = node.op.array(node, let, *args)
    return "\n".join([f"def perform({', '.join(args)}):", *lines, f"    return {value}"])


@lru_cache(maxsize=4096)
def array_function(source: str, backend: str = "numpy") -> Callable[..., Any]:
    """The compiled function of `array_source`'s text."""
    scope = array_scope(source, backend)
    exec(compile(source, "<symtheano array rule>", "exec"), scope)
    function: Callable[..., Any] = scope["perform"]
    return function


def array_scope(source: str, backend: str = "numpy") -> dict[str, Any]:
    """The names that array rules may use. `special` is loaded only where the text uses it."""
    scope: dict[str, Any] = {"xp": import_module(backend)}
    for name, module in _LAZY[backend].items():
        if re.search(rf"(?<![.\w]){name}\b", source):  # not xp.linalg
            scope[name] = _load(module)
    return scope


def _load(module: str) -> ModuleType:
    return import_module(module)


_OURS = {
    "kernels": "symtheano.tensor.kernels",
    "lapack": "symtheano.tensor.linalg.kernels",
    "conv_kernels": "symtheano.tensor.nnet.conv_kernels",
    "neighbour_kernels": "symtheano.tensor.nnet.neighbour_kernels",
    "pool_kernels": "symtheano.tensor.signal.pool_kernels",
    "random_kernels": "symtheano.tensor.kernels_random",
}
_LAZY = {
    "numpy": {"special": "scipy.special", "linalg": "scipy.linalg", **_OURS},
    "cupy": {"special": "cupyx.scipy.special", "linalg": "cupyx.scipy.linalg", **_OURS},
}
