"""repeat, tile, roll, broadcast_to: values, types, shape rules, derivatives, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symtheano.tensor as T
from tests.tensor.linear_checks import check_linear, value

SHAPES = st.lists(st.sampled_from([0, 1, 2, 3]), min_size=1, max_size=3).map(tuple)


def variable(array: Any, static: bool = False) -> Any:
    """An input for an array."""
    return T.TensorType(array.dtype.name, shape=array.shape if static else (None,) * array.ndim)("x")


@given(SHAPES, st.integers(0, 3), st.booleans(), st.data())
def test_repeat(shape: tuple[int, ...], count: int, static: bool, data: Any) -> None:
    array = np.random.default_rng(0).normal(size=shape)[::-1]
    x = variable(array, static)
    axis = data.draw(st.sampled_from([None, *range(-len(shape), len(shape))]))
    n = array.size if axis is None else shape[axis]
    counts = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    i, v = T.iscalar(), T.bvector()
    env = {x: array, i: np.int32(count), v: np.array(counts, "int8")}
    for repeats in (count, i):
        np.testing.assert_array_equal(value(T.repeat(x, repeats, axis), env), np.repeat(array, count, axis))
    for several in [np.array(counts, "int64"), v] if n != 1 else [v]:
        np.testing.assert_array_equal(value(T.repeat(x, several, axis), env), np.repeat(array, counts, axis))
    np.testing.assert_array_equal(value(x.repeat(count, axis), env), np.repeat(array, count, axis))


def test_types_of_repeats() -> None:
    x = T.TensorType("float32", shape=(1, 3))()
    assert T.repeat(x, 1, axis=0).type.broadcastable == (True, False)
    assert T.repeat(x, 2, axis=0).type.shape == (2, 3)
    assert T.repeat(x, [1, 0, 2], axis=1).type.shape == (1, 3)
    assert T.repeat(x, [3], axis=1).type.shape == (1, 9)
    assert T.repeat(x, T.lvector(), axis=0).type.broadcastable == (False, False)
    assert T.repeat(x, [1, 2, 3]).type.dtype == "float32"
    assert str(T.repeat(x, T.lvector(), axis=0)) == "RepeatOp{axis=0}.0"
    assert value(T.repeat(T.constant(2.0), 3), {}).tolist() == [2.0] * 3


@pytest.mark.parametrize(("repeats", "axis", "error"), [
    (2, 2, ValueError), ([1, 2], 1, ValueError), ([[1]], 0, ValueError), (1.5, 0, TypeError),
    ([1.0, 2.0], 0, TypeError), (np.uint64(2), 0, TypeError), (True, 0, TypeError),
])  # fmt: skip
def test_mistakes_in_repeats(repeats: Any, axis: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        T.repeat(variable(np.zeros((2, 3)), static=True), repeats, axis)


def test_repeats_that_fail_at_run_time() -> None:
    x, v = T.dvector(), T.lvector()
    for counts in ([1, 2], [1, -1, 1]):
        with pytest.raises(ValueError):
            value(T.repeat(x, v, 0), {x: np.zeros(3), v: np.array(counts)})


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_derivatives_of_repeat(axis: int | None) -> None:
    array = np.ones((3, 2))
    n = 6 if axis is None else array.shape[axis]
    check_linear(lambda x: T.repeat(x, 2, axis), array)
    check_linear(lambda x: T.repeat(x, 0, axis), array)
    check_linear(lambda x: T.repeat(x, list(range(n)), axis), array)
    check_linear(lambda x: T.RepeatOp(axis)(x, T.constant(3)), array)
    check_linear(lambda x: T.repeat(x, 3, 0), np.ones((1, 2)), patterns=[(True, False)])
    check_linear(lambda x: T.RepeatOp(0)(x, T.constant([2]) * 1), np.ones((1, 2)), patterns=[(True, False)])


@given(SHAPES, st.lists(st.integers(0, 3), max_size=4), st.booleans())
def test_tile(shape: tuple[int, ...], reps: list[int], static: bool) -> None:
    array = np.random.default_rng(0).normal(size=shape)
    x, i, v = variable(array, static), T.iscalar(), T.lvector()
    env: dict[Any, Any] = {x: array, v: np.array(reps, "int64"), i: np.int32(2)}
    expected = np.tile(array, reps)
    np.testing.assert_array_equal(value(T.tile(x, reps), env), expected)
    np.testing.assert_array_equal(value(T.tile(x, tuple(reps), ndim=expected.ndim), env), expected)
    np.testing.assert_array_equal(value(T.tile(x, v, ndim=expected.ndim), env), expected)
    np.testing.assert_array_equal(value(T.tile(x, v, ndim=expected.ndim + 1), env), expected[None])
    if reps:
        np.testing.assert_array_equal(value(T.tile(x, np.array(reps)), env), expected)
    np.testing.assert_array_equal(value(T.tile(x, [*reps, i]), env), np.tile(array, [*reps, 2]))
    np.testing.assert_array_equal(value(T.tile(x, i), env), np.tile(array, 2))


def test_types_and_mistakes_of_tile() -> None:
    x = T.row("x")
    assert T.tile(x, (1, 2)).type.broadcastable == (True, False)
    assert T.tile(x, (2, 1)).type.shape == (2, None)
    for reps, ndim in [(2, 1), ((1, 1, 1), 2), ((1.5, 2), None), ([[1]], None), (T.lvector(), None), (2.0, None)]:
        with pytest.raises(ValueError):
            T.tile(x, reps, ndim)
    v = T.lvector()
    with pytest.raises(ValueError):
        value(T.tile(x, v, ndim=2), {x: np.zeros((1, 2), x.dtype), v: np.array([1, 1, 1])})


def test_derivatives_of_tile() -> None:
    check_linear(lambda x: T.tile(x, (2, 3)), np.ones((2, 2)))
    check_linear(lambda x: T.tile(x, (2, 1, 3)), np.ones((1, 2)), patterns=[(True, False)])
    check_linear(lambda x: T.tile(x, 0), np.ones(3))


@given(SHAPES, st.integers(-7, 7), st.booleans())
def test_roll(shape: tuple[int, ...], shift: int, static: bool) -> None:
    array = np.random.default_rng(0).normal(size=shape)
    x, i = variable(array, static), T.iscalar()
    env = {x: array, i: np.int32(shift)}
    for axis in (None, *range(-len(shape), len(shape))):
        for s in (shift, i):
            z = T.roll(x, s, axis)
            assert z.type == x.type
            np.testing.assert_array_equal(value(z, env), np.roll(array, shift, axis))


def test_derivatives_and_mistakes_of_roll() -> None:
    check_linear(lambda x: T.roll(x, 2, 1), np.ones((2, 3)))
    check_linear(lambda x: T.roll(x, -1), np.ones((2, 3)))
    check_linear(lambda x: T.roll(x, 5, 0), np.ones((1, 3)), patterns=[(True, False)])
    with pytest.raises(IndexError):
        T.roll(T.matrix(), 1, 2)
    with pytest.raises(TypeError):
        T.roll(T.matrix(), 1.5, 1)


def test_broadcast_to() -> None:
    x = T.drow("x")
    z = T.broadcast_to(x, (2, 4, x.shape[1]))
    assert z.type.shape == (2, 4, None)
    array = np.arange(3.0)[None]
    np.testing.assert_array_equal(value(z, {x: array}), np.broadcast_to(array, (2, 4, 3)))
    check_linear(lambda y: T.broadcast_to(y, (2, 4, 3)), array, patterns=[(True, False)])
    with pytest.raises(ValueError):
        T.broadcast_to(np.zeros((2, 3)), (4, 3))
    y = T.dmatrix("y")
    with pytest.raises(ValueError):
        value(T.broadcast_to(y, (4, 3)), {y: np.zeros((1, 3))})
