"""What an example of an op is, and numbers to try it on: for the tables `op_table*.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Example:
    name: str
    build: Callable[..., Any]
    values: tuple[Array, ...]
    smooth: tuple[int, ...] = (0,)
    second: bool = True


def numbers(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> Array:
    """Distinct values in random order, away from 0 and from each other: no ties, no kinks nearby."""
    size = int(np.prod(shape))
    values = np.linspace(low, high, size + 2)[1:-1] + 0.013
    return np.random.default_rng(seed + 7 * size).permutation(values).reshape(shape)
