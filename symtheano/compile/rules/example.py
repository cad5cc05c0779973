"""Small graphs for the examples of rules."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symtheano.tensor.type import tensor_type

Graph = tuple[list[Any], list[Any]]


def on(build: Callable[..., Any], *ndims: int, dtype: str = "float64") -> Callable[[], Graph]:
    """An example: `build` on fresh inputs of these numbers of dimensions. It returns one output or a list of them."""

    def make() -> Graph:
        inputs = [tensor_type(dtype, (None,) * n)(name) for n, name in zip(ndims, "abcdefgh", strict=False)]
        outputs = build(*inputs)
        return inputs, list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]

    return make
