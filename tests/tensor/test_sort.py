"""sort and argsort; running sums and products; searchsorted and compress: against numpy, with their derivatives."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symtheano.tensor as T
from symtheano.gradient import grad, verify_grad
from symtheano.graph.interpret import evaluate
from symtheano.tensor.extra_ops import Recurrence
from symtheano.tensor.type import TensorType, tensor_type

SHAPES = st.lists(st.integers(0, 4), min_size=1, max_size=3)
DTYPES = st.sampled_from(["bool", "int8", "int64", "float16", "float32", "float64", "complex64"])


def value(out: Any, env: dict[Any, Any] | None = None) -> Any:
    return evaluate([out], env or {})[0]


def variable(array: np.ndarray[Any, Any], known: bool) -> Any:
    kind = tensor_type(array.dtype.name, array.shape) if known else TensorType(array.dtype.name, (False,) * array.ndim)
    return kind()


@given(SHAPES, st.data(), DTYPES, st.booleans(), st.integers(0, 99))
def test_against_numpy(shape: list[int], data: st.DataObject, dtype: str, known: bool, seed: int) -> None:
    array = np.random.default_rng(seed).integers(-3, 4, shape).astype(dtype)[::-1]
    axis = data.draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    x = variable(array, known)
    with np.errstate(all="ignore"):
        cases = [
            (T.sort(x, axis), np.sort(array, axis)),
            (T.argsort(x, axis, "stable"), np.argsort(array, axis, kind="stable")),
            (T.cumsum(x, axis), np.cumsum(array, axis, dtype=dtype)),
            (T.cumprod(x, axis), np.cumprod(array, axis, dtype=dtype)),
        ]
    for out, want in cases:
        got = value(out, {x: array})
        assert got.dtype == want.dtype == out.dtype and np.array_equal(got, want) and out.type.is_valid_value(got)


def test_methods_and_dtypes() -> None:
    x = T.bvector("x")
    array = np.array([100, 100, 3], "int8")
    assert x.cumsum().dtype == x.cumprod().dtype == x.sort().dtype == "int8" and x.argsort().dtype == "int64"
    assert value(x.cumsum(), {x: array}).tolist() == [100, -56, -53]  # it wraps, unlike numpy's
    assert value(x.sort(), {x: array}).tolist() == [3, 100, 100]
    y = T.dvector("y")
    assert np.isnan(value(y.sort(), {y: np.array([np.nan, 1.0])})[1])


def test_gradients(rng: np.random.Generator) -> None:
    cube, state = rng.normal(size=(3, 2, 4)), np.random.RandomState(0)
    for axis in (None, 0, 1, -1):
        for function in (T.sort, T.cumsum, T.cumprod):
            verify_grad(partial(function, axis=axis), [cube], rng=state)
    for shape in ((1,), (0,), (1, 3)):
        x = TensorType("float64", [n == 1 for n in shape])("x")
        array = rng.normal(size=shape)
        for function in (T.sort, T.cumsum, T.cumprod):
            assert value(grad(function(x).sum(), x), {x: array}).shape == shape


def test_cumprod_differentiates_through_zeros() -> None:
    x = T.dvector("x")
    point = np.array([2.0, 0.0, 3.0, 0.0, 5.0])
    weights = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    first = grad((T.cumprod(x) * weights).sum(), x)
    got = value(first, {x: point})
    want = [sum(weights[j] * np.prod(np.delete(point[: j + 1], i)) for j in range(i, 5)) for i in range(5)]
    np.testing.assert_allclose(got, want)
    verify_grad(lambda v: grad((T.cumprod(v) * weights).sum(), v), [point], rng=np.random.RandomState(1))
    again = grad(grad(first.sum(), x).sum(), x)
    assert np.isfinite(value(again, {x: point})).all()


@pytest.mark.parametrize("reverse", [False, True])
def test_recurrence(reverse: bool, rng: np.random.Generator) -> None:
    a, b = rng.normal(size=(2, 4, 3))
    want = b.copy()
    order = range(2, -1, -1) if reverse else range(1, 4)
    for i in order:
        want[i] += a[i] * want[i + 1 if reverse else i - 1]
    np.testing.assert_allclose(value(Recurrence(0, reverse)(a, b)), want)
    for axis in (0, 1):
        verify_grad(Recurrence(axis, reverse), [a, b], rng=np.random.RandomState(0))
    with pytest.raises(TypeError):
        Recurrence(0)(T.vector(), T.matrix())


def test_forward_derivatives(rng: np.random.Generator) -> None:
    x, t = T.dmatrices("x", "t")
    env = {x: rng.normal(size=(3, 4)), t: rng.normal(size=(3, 4))}
    eps = 1e-6
    for function in (lambda v: T.sort(v, 0), lambda v: T.cumsum(v, 1), lambda v: T.cumprod(v, 1)):
        out = function(x)
        (forward,) = out.owner.op.R_op(out.owner.inputs, [t, *[None] * (len(out.owner.inputs) - 1)])
        plus, minus = (value(out, {x: env[x] + s * eps * env[t]}) for s in (1, -1))
        np.testing.assert_allclose(value(forward, env), (plus - minus) / (2 * eps), atol=1e-8)


def test_integers_have_zero_gradients() -> None:
    x, y = T.lvector("x"), T.dvector("y")
    env = {x: np.array([3, 1]), y: np.array([3.0, 1.0])}
    for function in (T.sort, T.argsort, T.cumsum, T.cumprod):
        assert value(grad(T.cast(function(x), "float64").sum(), x), env).tolist() == [0, 0]
    assert value(grad(T.cast(T.argsort(y), "float64").sum(), y), env).tolist() == [0, 0]


def test_errors() -> None:
    for function in (T.sort, T.argsort):
        with pytest.raises(ValueError):
            function(T.scalar())
        with pytest.raises(IndexError):
            function(T.vector(), 1)
        with pytest.raises(ValueError, match="kind"):
            function(T.vector(), kind="bogo")
        with pytest.raises(ValueError, match="order"):
            function(T.vector(), order="field")
    with pytest.raises(IndexError):
        T.cumsum(T.vector(), 3)
    assert T.SortOp() == T.SortOp() != T.SortOp("stable") and T.CumOp(0) != T.CumOp(0, "mul")


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(side: str) -> None:
    x, v, s = T.dvector("x"), T.dmatrix("v"), T.lvector("s")
    sorted_, values = np.array([1.0, 2.0, 2.0, 5.0]), np.array([[2.0, 0.0], [6.0, 2.5]])
    order = np.array([3, 0, 2, 1])
    env = {x: sorted_, v: values, s: np.argsort(sorted_[order])}
    want = np.searchsorted(sorted_, values, side)
    assert np.array_equal(value(x.searchsorted(v, side), env), want) and x.searchsorted(v).dtype == "int64"
    shuffled = T.searchsorted(T.constant(sorted_[order]), v, side, s)
    assert np.array_equal(value(shuffled, env), want)
    assert value(x.searchsorted(3.0, side), env) == 3
    assert value(grad(T.cast(x.searchsorted(v), "float64").sum(), x), env).tolist() == [0] * 4
    for matrix in (lambda: T.searchsorted(T.dmatrix(), v), lambda: T.searchsorted(x, v, sorter=T.lmatrix())):
        with pytest.raises(ValueError, match="must be vectors"):
            matrix()
    with pytest.raises(TypeError, match="sorter must be a vector of integers"):
        T.searchsorted(x, v, sorter=x)
    with pytest.raises(ValueError, match="side"):
        T.searchsorted(x, v, "middle")


def test_compress_and_choose() -> None:
    x, c, i = T.dmatrix("x"), T.lvector("c"), T.lvector("i")
    array = np.arange(6.0).reshape(2, 3)
    env = {x: array, c: np.array([1, 0, 2]), i: np.array([0, 1, 0])}
    assert np.array_equal(value(x.compress(c, axis=1), env), np.compress([1, 0, 2], array, axis=1))
    assert value(T.compress([True, False, True, True], x), env).tolist() == [0, 2, 3]
    assert value(i.choose([x[0], x[1]]), env).tolist() == [0, 4, 2]
