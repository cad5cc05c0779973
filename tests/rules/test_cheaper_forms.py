"""Gradients that users write become the few operations that one would write by hand, with the same values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano
import symtheano.tensor as T
from symtheano.gradient import Rop, grad
from symtheano.tensor import nnet
from tests.rules.rewriting import rewritten_ops, values


def test_a_condition_leaves_the_sum() -> None:
    x: Any = T.dvector("x")
    s: Any = T.dscalar("s")
    total = T.switch(s > 0, T.exp(x), -np.inf).sum()
    for v, c, want in [([0.0, 0], 1.0, 2.0), ([0.0, 0], -1.0, -np.inf), ([], 1.0, 0.0), ([], -1.0, 0.0)]:
        assert values([x, s], [total], [np.array(v), np.array(c)])[0] == want
    masked = rewritten_ops([x, s], T.switch(s > 0, T.exp(x), 0.0).sum())
    assert masked.index("Sum") < masked.index("switch")


@pytest.mark.parametrize("shape", [(3, 4), (1, 4), (3, 1)])
def test_a_branch_that_stretches_the_sum_stays(shape: tuple[int, int]) -> None:
    row: Any = T.drow("row")
    s: Any = T.dscalar("s")
    m: Any = T.dmatrix("m")
    total = T.switch(s > 0, row, T.zeros_like(m) + T.zeros_like(row)).sum(axis=1)
    given = [np.ones((1, shape[1])), np.array(1.0), np.ones(shape)]
    np.testing.assert_array_equal(values([row, s, m], [total], given)[0], np.full(shape[0], shape[1]))


def test_log_sum_exp_by_hand_is_one_operation() -> None:
    x: Any = T.dmatrix("x")
    c = x.max(axis=1, keepdims=True)
    z = c + T.log(T.exp(x - c).sum(axis=1, keepdims=True))
    assert "Max" not in rewritten_ops([x], z)
    given = np.array([[1000.0, 1000], [-1000, -2000], [-np.inf, -np.inf]])
    np.testing.assert_array_equal(values([x], [z], [given])[0][:, 0], [1000 + np.log(2), -1000, -np.inf])


@pytest.mark.parametrize("power", [-3, -4, -5, -6, -7])
def test_small_negative_powers_are_products(power: int) -> None:
    x: Any = T.dvector("x")
    given = np.array([0.5, -1.5, 3.0, 0.0, np.inf, -np.inf])
    assert "pow" not in rewritten_ops([x], x**power)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(values([x], [x**power], [given])[0], given**power, rtol=2e-15)


@pytest.mark.parametrize("rows", [4, 5, 3])
def test_labels_by_arange(rows: int) -> None:
    """The gradient through log(p)[arange(n), y] for n rows, for fewer labels than rows, and for too many."""
    x: Any = T.dmatrix("x")
    y: Any = T.lvector("y")
    cost = -T.mean(T.log(nnet.softmax(x))[T.arange(y.shape[0]), y])
    f: Any = symtheano.function([x, y], grad(cost, x))
    given, labels = np.random.RandomState(0).randn(rows, 3), np.array([0, 2, 2, 1])
    if rows < 4:
        with pytest.raises((IndexError, ValueError)):
            f(given, labels)
        return
    p = np.exp(given) / np.exp(given).sum(axis=1, keepdims=True)
    p[np.arange(4), labels] -= 1
    p[4:] = 0
    np.testing.assert_allclose(f(given, labels), p / 4, atol=1e-15)
    assert f.source("numpy").count("add_at") == 1


def test_a_batch_of_converted_labels_converts_the_batch() -> None:
    x: Any = T.dvector("x")
    i: Any = T.lscalar("i")
    ops = rewritten_ops([x, i], T.cast(x, "int32")[i : i + 2])
    assert ops.index("Subtensor") < ops.index("Cast{int32}")


def test_sizes_of_a_reshape_are_a_tuple() -> None:
    x: Any = T.dmatrix("x")
    v: Any = T.dvector("v")
    f: Any = symtheano.function([x, v], v.reshape((x.shape[1], x.shape[0])))
    assert "xp.array([" not in f.source("numpy")
    assert f(np.ones((3, 2)), np.arange(6.0)).tolist() == np.arange(6.0).reshape(2, 3).tolist()
    with pytest.raises(ValueError, match="reshape"):
        f(np.ones((3, 2)), np.arange(5.0))
    shape = T.stack([x.shape[1], x.shape[0]])
    both: Any = symtheano.function([x, v], [v.reshape(shape, ndim=2), shape])
    assert both(np.ones((3, 2)), np.arange(6.0))[1].tolist() == [2, 3]


def test_hessian_times_vector_of_a_saturated_crossentropy() -> None:
    x, y, v = T.dvectors("x", "y", "v")
    cost = nnet.binary_crossentropy(nnet.sigmoid(x), y).sum()
    g = grad(cost, x)
    product: Any = Rop(g, x, v)
    given = np.array([0.0, 1, -2, 1000, -1000, 40, -40, 800])
    target = np.array([0, 1, 1, 0, 1, 1, 0, 0.5])
    p = 1 / (1 + np.exp(-np.clip(given, -700, 700)))
    q = 1 / (1 + np.exp(np.clip(given, -700, 700)))
    found = values([x, y, v], [product, grad((g * v).sum(), x)], [given, target, np.ones(8)])
    np.testing.assert_allclose(found[0], p * q, atol=1e-15)
    np.testing.assert_allclose(found[1], p * q, atol=1e-15)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log_sum_exp_and_its_gradient_share_the_exponentials(axis: int, dtype: str) -> None:
    x: Any = T.matrix("x", dtype=dtype)
    z, p = T.log(T.exp(x).sum(axis=axis)), nnet.softmax(x, axis=axis)
    both: Any = symtheano.function([x], [p, z])
    assert "softmax_and_logsumexp" in both.source("numpy")
    alone = [symtheano.function([x], v) for v in (p, z)]
    inf, nan = np.inf, np.nan
    rows = [
        [1.0, 2, 3],
        [1000, 1000, -1000],
        [-inf, -inf, -inf],
        [inf, 0, 1],
        [-inf, 0, 1],
        [nan, 0, 1],
        [inf, -inf, nan],
    ]
    for given in (np.array(rows), np.ones((0, 3)), np.ones((3, 0)), np.ones((1, 1))):
        for found, f in zip(both(given.astype(dtype)), alone, strict=True):
            want = f(given.astype(dtype))
            assert found.dtype == want.dtype == dtype
            np.testing.assert_array_equal(found, want)
