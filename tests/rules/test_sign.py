"""Intervals: what is claimed of values holds for values."""

from __future__ import annotations

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.compile.rules.sign import EVERYTHING, INF, Interval, interval, is_nonnegative, is_positive
from symtheano.graph.interpret import evaluate
from symtheano.tensor import nnet

x, u, k = T.matrix("x"), T.vector("u", dtype="uint8"), T.lvector("k")

CASES = [
    (T.exp(x), Interval(0, INF)),
    (T.sqr(x) + 1e-6, Interval(1e-6, INF)),
    (-abs(x), Interval(-INF, 0)),
    (nnet.sigmoid(x) * 2 - 1, Interval(-1, 1)),
    (T.tanh(x), Interval(-1, 1)),
    (T.maximum(x, 3), Interval(3, INF)),
    (T.minimum(T.exp(x), 3), Interval(0, 3)),
    (T.clip(x, -1, 2), Interval(-1, 2)),
    (T.switch(x > 0, 1, -2), Interval(-2, 1)),
    (x * x, Interval(0, INF)),
    (T.sqrt(x), Interval(0, INF)),
    (nnet.softmax(x)[0].dimshuffle("x", 0), Interval(0, 1)),
    (T.sqr(x).sum(axis=0), Interval(0, INF)),
    (T.sqr(x).mean(), Interval(0, INF)),
    (T.exp(x).max(axis=0), Interval(0, INF)),
    (x.shape[0], Interval(0, 2.0**63)),
    (u, Interval(0, 255)),
    (T.exp(nnet.sigmoid(x)), Interval(1, np.e)),
    (1 / (2 + T.exp(x)), Interval(0, 0.5)),
    (T.concatenate([T.exp(x), T.sqr(x)]), Interval(0, INF)),
    (x, EVERYTHING),
    (T.log(x), EVERYTHING),
    (1 / x, EVERYTHING),
]


@pytest.mark.parametrize(("v", "expected"), CASES, ids=[str(c[0]) for c in CASES])
def test_intervals(v, expected) -> None:  # type: ignore[no-untyped-def]
    found = interval(v)
    np.testing.assert_allclose(found, expected)
    for scale in (1e-3, 1.0, 30.0, 1e300):
        array = np.random.default_rng(0).normal(size=(4, 3)) * scale
        array[0] = 0.0, -0.0, scale
        (value,) = evaluate([v], {x: array, u: np.arange(3, dtype="uint8"), k: np.arange(3)})
        numbers = value[~np.isnan(value)].astype("float64")
        assert np.all((numbers >= found.lo) & (numbers <= found.hi))


def test_integers_wrap() -> None:
    small = T.bvector("small")
    assert not is_nonnegative(small * small)
    assert not is_nonnegative(abs(small))
    assert not is_nonnegative(T.sqr(small))


def test_underflow_is_not_forgotten() -> None:
    assert is_nonnegative(T.exp(x))
    assert not is_positive(T.exp(x))  # exp(-1000) is 0
    assert is_positive(T.exp(T.tanh(x)))


def test_deep_expressions_are_no_recursion() -> None:
    v = x
    for _ in range(5000):
        v = T.maximum(v, 0) + 1
    assert interval(v).lo >= 0
