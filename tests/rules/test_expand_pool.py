"""Pooling taken apart has the values of the op in one piece, where windows are small and whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.graph.fgraph import FunctionGraph
from symtheano.tensor.signal.pool import pool_2d
from tests.rules.test_expand import INDEX, check, special

MODES = ("max", "sum", "average_exc_pad", "average_inc_pad")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("ws", "stride"), [((2, 2), None), ((3, 2), (2, 1)), ((1, 4), (3, 3)), ((1, 1), (2, 2))])
def test_pool(ws: Any, stride: Any, mode: str) -> None:
    for shape in ((2, 3, 6, 8), (1, 2, 7, 5), (2, 1, 3, 1), (0, 1, 4, 4), (2, 2, 1, 4)):
        x = special(shape, "float64", sum(shape)) if mode == "max" else np.random.default_rng(1).normal(size=shape)
        check(lambda x: pool_2d(x, ws, ignore_border=True, stride=stride, mode=mode), x, optimize=True)


def test_pool_of_integers() -> None:
    x = np.random.default_rng(0).integers(-9, 9, (2, 5, 6)).astype("int16")
    check(lambda x: pool_2d(x, (2, 3), ignore_border=True, mode="max"), x, optimize=True)


@pytest.mark.parametrize("mode", MODES[1:])
@pytest.mark.parametrize(("ws", "stride"), [((2, 2), None), ((3, 2), (2, 1))])
def test_gradients_of_sums(ws: Any, stride: Any, mode: str) -> None:
    def slope(x: Any) -> Any:
        return st.grad(T.sqr(pool_2d(x, ws, ignore_border=True, stride=stride, mode=mode)).sum(), x)

    for shape in ((2, 3, 6, 8), (1, 2, 7, 5)):
        check(slope, np.random.default_rng(2).normal(size=shape), optimize=True)


def test_other_windows_stay() -> None:
    x = T.tensor4("x")
    others: list[dict[str, Any]] = [
        {"ws": (2, 2), "ignore_border": False},
        {"ws": (3, 3), "ignore_border": True, "pad": (1, 1)},
        {"ws": (5, 5), "ignore_border": True},
        {"ws": T.lvector("w"), "ignore_border": True},
    ]
    for arguments in others:
        out = pool_2d(x, **arguments)
        inputs = [x, *(v for v in arguments.values() if isinstance(v, T.TensorVariable))]
        assert any(type(n.op).__name__ == "Pool" for n in FunctionGraph(inputs, [out]).rewrite(INDEX).nodes)
