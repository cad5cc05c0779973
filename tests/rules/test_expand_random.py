"""Draws of random numbers taken apart give the same numbers to the last bit, and leave the same states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.compile.rules.expand_random import ROWS
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import interpret
from symtheano.sandbox.mrg_ops import mrg_uniform
from symtheano.tensor.kernels_random import M1, M2
from tests.rules.test_expand import expanded

STREAMS = 5


def states(count: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.integers(0, M1, (count, 3)), rng.integers(0, M2, (count, 3))], axis=1)
    values[0] = [M1 - 1, 0, 1, M2 - 1, 0, 1]
    return values.astype("int32")


def draw(dtype: str, ndim: int) -> tuple[list[Any], list[Any]]:
    s, size = T.imatrix("s"), [T.lscalar(f"n{k}") for k in range(ndim)]
    return [s, *size], mrg_uniform.new(s, ndim, dtype, size)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "size", [(1,), (4,), (5,), (6,), (10,), (37,), (3, 4), (2, 3, 5), (0,), (3, 0), (STREAMS * ROWS,)]
)
def test_the_same_numbers_and_states(size: tuple[int, ...], dtype: str) -> None:
    inputs, outputs = draw(dtype, len(size))
    graph = expanded(inputs, outputs)
    now = states(STREAMS)
    for _ in range(3):
        values = [now, *map(np.asarray, size)]
        want, got = interpret(FunctionGraph(inputs, outputs), values), interpret(graph, values)
        for a, b in zip(got, want, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
        now = got[0]


def test_one_stream_and_streams_that_are_not_drawn_from() -> None:
    inputs, outputs = draw("float32", 1)
    graph = expanded(inputs, outputs)
    for count, n in ((1, 100), (40, 3)):
        values = [states(count), np.asarray(n)]
        for a, b in zip(interpret(graph, values), interpret(FunctionGraph(inputs, outputs), values), strict=True):
            np.testing.assert_array_equal(a, b)


def test_too_many_numbers_of_one_stream_are_refused() -> None:
    inputs, outputs = draw("float32", 1)
    with pytest.raises((ValueError, IndexError)):
        interpret(expanded(inputs, outputs), [states(STREAMS), np.asarray(STREAMS * ROWS + 1)])


def test_half_floats_stay() -> None:
    inputs, outputs = draw("float16", 1)
    with pytest.raises(AssertionError, match="mrg_uniform"):
        expanded(inputs, outputs)
