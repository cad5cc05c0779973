"""States whose length is 1 by the type of their initial value, and need not be by that of what the step gives.

Theano refused them. Here the step is built once more on variables of the wider type; when it runs, the length must
still be the same after every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.graph.variable import Variable
from symtheano.graph.walk import substitute
from symtheano.tensor.type import TensorType, tensor_type


def loosened(
    windows: Sequence[Sequence[Any]], outputs: Sequence[Any], others: Sequence[Any]
) -> tuple[list[list[Any]], list[Any]]:
    """The windows (what is carried of each output) with types wide enough, and outputs and others in terms of them.

    As they were, where the step cannot be built on the wider types.
    """
    now, roots = [list(w) for w in windows], [*outputs, *others]
    while True:
        wider: dict[Variable, Variable] = {}
        for window, out in zip(now, roots, strict=False):
            wider.update((v, _wide(v, out)) for v in window if _stretched(v.type, out.type))
        if not wider:
            return now, roots
        try:
            roots = substitute(roots, wider, strict=False)
        except (TypeError, ValueError):
            return [list(w) for w in windows], [*outputs, *others]
        now = [[wider.get(v, v) for v in window] for window in now]


def _stretched(old: Any, new: Any) -> list[int]:
    """The axes that have length 1 by the type of the state, and an unknown length by that of its new value."""
    if not isinstance(new, TensorType) or new.dtype != old.dtype or new.ndim != old.ndim:
        return []
    return [k for k, (a, b) in enumerate(zip(old.shape, new.shape, strict=True)) if a == 1 and b is None]


def _wide(variable: Any, new: Any) -> Any:
    axes = _stretched(variable.type, new.type)
    shape = tuple(None if k in axes else n for k, n in enumerate(variable.type.shape))
    wide = tensor_type(variable.type.dtype, shape).make_variable(variable.name)
    wide.line = variable.line
    return wide
