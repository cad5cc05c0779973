"""verify_grad finds wrong gradients, accepts right ones, and says where they differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.errors import GradientError
from symtheano.gradient import numeric_grad, verify_grad
from symtheano.graph.op import Op
from symtheano.graph.variable import Apply
from symtheano.tensor.sharedvar import shared


class Wrong(Op):
    """x -> x ** 2, whose gradient is wrong where x > 1."""

    def make_node(self, x: Any) -> Apply:
        return Apply(self, [x], [x.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = np.asarray(inputs[0] ** 2)

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        (x,), (g,) = inputs, output_grads
        return [g * 2 * x * T.switch(x > 1, 1.5, 1.0)]


@pytest.fixture
def seed() -> Any:
    return np.random.RandomState(3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_right_gradients_pass(seed: Any, dtype: str) -> None:
    x, w = seed.rand(3).astype(dtype), seed.rand(2, 3).astype(dtype)
    verify_grad(lambda x, w: T.tanh(T.dot(w, x)), [x, w], rng=seed)
    verify_grad(T.exp, (x,), rng=np.random.default_rng(0), n_tests=1)
    verify_grad(lambda v: v.sum(), [np.zeros((0, 3), dtype)], rng=seed)
    bias = shared(np.ones(3, dtype))
    verify_grad(lambda v: v * bias + 1, [x], rng=seed, mode="FAST_COMPILE", cast_to_output_type=True)


def test_axes_of_length_one_are_broadcastable(seed: Any) -> None:
    verify_grad(lambda a, b: a * b, [seed.rand(1, 3), seed.rand(4, 1)], rng=seed)


def test_wrong_gradients_raise(seed: Any) -> None:
    verify_grad(Wrong(), [np.array([0.2, 0.9])], rng=seed)
    with pytest.raises(GradientError) as caught:
        verify_grad(Wrong(), [np.array([[0.2, 0.9], [0.1, 2.0]])], rng=seed)
    error = caught.value
    assert (error.arg, error.err_pos, error.shape) == (0, 3, (2, 2))
    assert error.abs_err > error.abs_tol and error.rel_err == pytest.approx(0.2, abs=0.01)
    assert "finite differences" in str(error)
    assert any("following inputs" in note for note in error.__notes__)
    verify_grad(Wrong(), [np.array([2.0])], rng=seed, rel_tol=0.5)


def test_bad_arguments(seed: Any) -> None:
    with pytest.raises(TypeError, match="rng should be"):
        verify_grad(T.exp, [np.ones(2)])
    with pytest.raises(TypeError, match="only with floating point inputs"):
        verify_grad(T.exp, [np.ones(2, int)], rng=seed)
    with pytest.raises(AssertionError, match="list or tuple"):
        verify_grad(T.exp, np.ones(2), rng=seed)
    with pytest.raises(NotImplementedError, match="multiple outputs"):
        verify_grad(lambda x: [x, x], [np.ones(2)], rng=seed)


def test_numeric_grad() -> None:
    x, y = np.array([1.0, 2.0]), np.array([[3.0]])
    both = numeric_grad(lambda a, b: (a**2).sum() * b.sum(), [x, y])
    np.testing.assert_allclose(both.gf[0], 6 * x, rtol=1e-5)
    np.testing.assert_allclose(both.gf[1], [[5.0]], rtol=1e-5)
    arg, position, absolute, relative = both.max_err([6 * x, np.array([[5.5]])], 1e-4, 1e-4)
    assert (arg, position) == (1, 0)
    assert absolute == pytest.approx(0.5, abs=1e-4) and relative == pytest.approx(0.5 / 10.5, abs=1e-4)
    with pytest.raises(ValueError, match="wrong number of elements"):
        both.abs_rel_errors([x])
    with pytest.raises(ValueError, match="wrong shape"):
        both.abs_rel_errors([y, y])
    with pytest.raises(ValueError, match="abs_err not finite"):
        both.max_err([np.array([np.nan, 1.0]), y], 1e-4, 1e-4)
    single = numeric_grad(lambda a: (a**3).sum(), np.array([2.0], "float32"))
    assert single.gf.dtype == "float32"
    np.testing.assert_allclose(single.gf, [12.0], rtol=1e-2)
