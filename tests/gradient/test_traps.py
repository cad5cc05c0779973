"""The gradients at which implementations differ: ties, kinks, poles, integers, empty arrays; and deep graphs."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.gradient import grad
from symtheano.graph.walk import toposort
from symtheano.tensor.elemwise import Elemwise, functions
from tests.gradient.checks import check_gradients, run

INF = np.inf


def at(build: Any, value: Any, **types: Any) -> Any:
    """The gradient of the sum of `build(x)` at a value."""
    value = np.asarray(value, "float64")
    x = T.TensorType("float64", (False,) * value.ndim)("x")
    return run(grad(build(x).sum(), x), {x: value})


def test_every_tied_maximum_gets_the_whole_gradient() -> None:
    np.testing.assert_array_equal(at(lambda x: T.max(x), [2.0, 1.0, 2.0]), [1, 0, 1])
    np.testing.assert_array_equal(at(lambda x: T.min(x), [1.0, 1.0, 2.0]), [1, 1, 0])
    np.testing.assert_array_equal(at(lambda x: T.max(x, axis=1), [[2.0, 2.0], [1.0, 3.0]]), [[1, 1], [0, 1]])


def test_maximum_and_minimum_give_ties_to_the_first() -> None:
    x, y = T.dvector("x"), T.dvector("y")
    env = {x: [1.0, 2.0, 3.0], y: [2.0, 2.0, 2.0]}
    gx, gy = run(grad(T.maximum(x, y).sum(), [x, y]), env)
    np.testing.assert_array_equal(gx, [0, 1, 1])
    np.testing.assert_array_equal(gy, [1, 0, 0])
    gx, gy = run(grad(T.minimum(x, y).sum(), [x, y]), env)
    np.testing.assert_array_equal(gx, [1, 1, 0])
    np.testing.assert_array_equal(gy, [0, 0, 1])


def test_kinks_and_poles() -> None:
    np.testing.assert_array_equal(at(T.abs_, [-2.0, 0.0, 3.0]), [-1, 0, 1])
    np.testing.assert_array_equal(at(T.sqrt, [0.0, 4.0]), [INF, 0.25])
    np.testing.assert_array_equal(at(lambda x: T.clip(x, 0, 1), [-1.0, 0.0, 0.5, 1.0, 2.0]), [0, 1, 1, 1, 0])
    np.testing.assert_array_equal(at(functions.relu, [-1.0, 0.0, 1.0]), [0, 0.5, 1])
    assert np.isnan(at(lambda x: T.sqrt(T.sqr(x).sum()), [0.0, 0.0])).all()


def test_powers_at_zero() -> None:
    np.testing.assert_array_equal(at(lambda x: x**2, [0.0, 1.0]), [0, 2])
    np.testing.assert_array_equal(at(lambda x: x**1, [0.0]), [1])
    x, y = T.dscalar(), T.dscalar()
    gx, gy = run(grad(x**y, [x, y]), {x: 0.0, y: 2.0})
    assert gx == 0.0 and gy == 0.0


def test_a_masked_branch_is_still_evaluated() -> None:
    """0 * inf: without rewriting the gradient of the branch that was not taken is nan, as in Theano."""
    assert np.isnan(at(lambda x: T.switch(x > 0, T.log(x), 0.0), [0.0, 1.0])[0])


def test_prod_with_zeros() -> None:
    np.testing.assert_array_equal(at(T.prod, [2.0, 0.0, 3.0]), [0, 6, 0])
    np.testing.assert_array_equal(at(T.prod, [0.0, 0.0, 3.0]), [0, 0, 0])


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1, 1), (2, 0, 1)])
def test_empty_and_single_element_arrays(shape: tuple[int, ...]) -> None:
    builds = (
        lambda x: T.exp(x).sum() + T.sqr(x).mean() * 0,
        lambda x: (x.dimshuffle(*reversed(range(x.ndim))) * 2.0).sum(),
        lambda x: T.concatenate([x, x], axis=0),
        lambda x: x[::-1] ** 2,
        lambda x: T.reshape(x, (-1,), ndim=1) if x.ndim == 1 else T.flatten(x),
        lambda x: T.prod(x, axis=0),
    )
    for build in builds:
        with np.errstate(all="ignore"):
            g = at(build, np.full(shape, 0.5))
        assert g.shape == shape


def test_duplicated_indices_accumulate() -> None:
    rows = np.array([0, 2, 2])
    np.testing.assert_array_equal(at(lambda x: x[rows], [1.0, 1.0, 1.0]), [1, 0, 2])


def test_float32_times_integers_is_consistent() -> None:
    x, i = T.fvector("x"), T.lvector("i")
    gx, gi = grad((x * i).sum(), [x, i])
    np.testing.assert_array_equal(run(gx, {x: [1, 2], i: [3, 4]}), [3, 4])
    np.testing.assert_array_equal(run(gi, {x: [1, 2], i: [3, 4]}), [1, 2])
    assert gi.type.dtype == "float64"  # that of the product


def test_many_uses_of_a_variable_meet_in_one_addition() -> None:
    x = T.dvector("x")
    cost = sum((T.exp(x * k).sum() for k in range(2, 40)), (x * 1.5).sum())
    gradient = grad(cost, x)
    assert isinstance(gradient.owner.op, Elemwise) and gradient.owner.op == functions.add
    assert len(gradient.owner.inputs) == 39


@pytest.mark.parametrize("count", [10_000])
def test_long_chains_are_linear_and_not_recursive(count: int) -> None:
    x = T.dscalar("x")

    def chain(length: int) -> Any:
        y = x
        for k in range(length):
            y = functions.sin(y) if k % 2 else functions.mul(y, 1.0001)
        return y

    times = []
    for length in (count // 10, count):
        each = []
        for _ in range(3):  # the least of them, on this thread: the machine may be busy with other things
            y = chain(length)
            start = time.thread_time()
            g = grad(y, x)
            each.append(time.thread_time() - start)
            assert len(toposort([g])) > length
        times.append(min(each))
    assert times[1] < 40 * times[0]  # ten times the nodes: linear, and far from 100 times
    assert np.isfinite(run(grad(chain(200), x), {x: 0.5}))


def test_wide_sharing_is_linear() -> None:
    """y = y * y doubles the paths at each step; each node is visited once."""
    x = T.dscalar("x")
    y = x
    for _ in range(300):
        y = T.tanh(y * y + y)
    g = grad(y, x)
    assert len(toposort([g])) < 300 * 20


def test_gradients_are_built_in_the_same_order_each_time() -> None:
    def text() -> list[str]:
        x, w = T.dvector("x"), T.dmatrix("w")
        cost = (T.tanh(T.dot(w, x)) * T.exp(x[0]) + T.dot(w, x)).sum()
        return [str(node.op) for node in toposort(grad(cost, [x, w]))]

    assert text() == text()


@pytest.mark.parametrize("shapes", [((3, 1), (1, 4)), ((1,), (5,)), ((), (2, 3)), ((2, 1, 3), (4, 1))])
def test_broadcast_axes_are_summed(shapes: Any) -> None:
    rng = np.random.default_rng(0)
    check_gradients(lambda x, y: T.exp(x) * T.sin(y) + x, [rng.normal(size=s) for s in shapes])


def test_grad_of_grad_through_every_keyword() -> None:
    x = T.dscalar("x")
    first = grad(x**4, x)
    second = grad(first, x)
    third = grad(second, x)
    assert [float(v) for v in run([first, second, third, grad(third, x)], {x: 2.0})] == [32.0, 48.0, 48.0, 24.0]
