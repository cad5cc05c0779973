"""Small graphs for the examples of rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symtheano.tensor.type import tensor_type

Graph = tuple[list[Any], list[Any]]


class Example:
    """`build` on fresh inputs of these numbers of dimensions. It returns one output or a list of them."""

    def __init__(self, build: Callable[..., Any], ndims: tuple[int, ...], dtype: str):
        self.build, self.ndims, self.dtype = build, ndims, dtype

    def __call__(self, dtype: str | None = None) -> Graph:
        inputs = [tensor_type(dtype or self.dtype, (None,) * n)(name) for n, name in zip(self.ndims, "abcdefgh")]
        outputs = self.build(*inputs)
        return inputs, list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]


def on(build: Callable[..., Any], *ndims: int, dtype: str = "float64") -> Example:
    """An example for a rule: a graph on inputs of `dtype` with these numbers of dimensions."""
    return Example(build, ndims, dtype)
