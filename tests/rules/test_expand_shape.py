"""Checks, repetitions and cuts taken apart have the values of the op in one piece, and refuse what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.graph.interpret import interpret
from symtheano.tensor.diagonal import AllocDiag
from symtheano.tensor.diff import DiffOp
from symtheano.tensor.fill_diagonal import fill_diagonal, fill_diagonal_offset
from symtheano.tensor.join import Split
from symtheano.tensor.repeat import RepeatOp
from symtheano.tensor.sizes import shape_i
from tests.rules.test_expand import X, check, expanded


def test_checked_lengths() -> None:
    x, n = T.matrix("x"), T.lscalar("n")
    one = T.addbroadcast(x, 1)
    graph = expanded([x], [one])
    assert graph.outputs[0].type.broadcastable == (False, True)  # type: ignore[attr-defined]
    assert interpret(graph, [np.ones((3, 1))])[0].shape == (3, 1)
    with pytest.raises(ValueError, match="does not fit"):
        interpret(graph, [np.ones((3, 2))])
    graph = expanded([x, n], [T.specify_shape(x, (n, 4)) * 2], optimize=True)
    assert interpret(graph, [np.ones((3, 4)), np.asarray(3)])[0].shape == (3, 4)
    for shape in ((3, 5), (2, 4)):
        with pytest.raises(ValueError, match="does not fit"):
            interpret(graph, [np.ones(shape), np.asarray(3)])


@pytest.mark.parametrize("times", [0, 1, 3])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_repeat(axis: int | None, times: int) -> None:
    check(lambda x: RepeatOp(axis)(x, times), X, optimize=True)
    check(lambda x, y: RepeatOp(axis)(x, shape_i(y, 0)), X, np.zeros(times), optimize=True)
    check(lambda x: RepeatOp(axis)(x, times), X[:, :0], optimize=True)


def test_other_repeats_stay() -> None:
    x, n, v = T.matrix("x"), T.lscalar("n"), T.lvector("v")
    for repeats in (n, v):
        with pytest.raises(AssertionError, match="RepeatOp"):
            expanded([x, n, v], [RepeatOp(0)(x, repeats)])


def test_split() -> None:
    x: Any = T.matrix("x")
    for lengths in ([2, 3], [5, 0], [0, 5]):
        graph = expanded([x], list(Split(2)(x, 1, lengths)), optimize=True)
        parts = interpret(graph, [X[0, :, :5]])
        assert [p.shape for p in parts] == [(5, n) for n in lengths]
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), X[0, :, :5])
        with pytest.raises(ValueError, match="does not fit"):
            interpret(graph, [X[0]])


def test_join() -> None:
    check(lambda *v: T.concatenate(v, axis=0), X, X[:2], X[:0], optimize=True)
    check(lambda *v: T.concatenate(v, axis=-1), X, X[:, :, :0], X[:, :, 1:3].astype("float32"), optimize=True)
    check(lambda *v: T.concatenate(v, axis=1), X > 0, X < 1, optimize=True)
    check(lambda *v: T.stack(v, axis=1), X, X + 1, X * 2, optimize=True)
    check(lambda x, y: T.concatenate([T.addbroadcast(x, 0), y], axis=1), X[:1], X[:1, :3], optimize=True)
    check(lambda x: T.concatenate([x, np.ones((1, 3)), np.ones((2, 3))]), X[0, :, :3], optimize=True)
    a, b = T.matrix("a"), T.matrix("b")
    with pytest.raises(ValueError, match="differ"):
        interpret(expanded([a, b], [T.concatenate([a, b])]), [np.ones((2, 3)), np.ones((2, 4))])


def test_the_gradient_of_a_join() -> None:
    def build(x: Any, y: Any) -> Any:
        cost = T.sum(T.concatenate([x, y * 2], axis=1) ** 2)
        return [cost, *st.grad(cost, [x, y])]

    check(build, X[0], X[1, :, :2], optimize=True)


def test_roll() -> None:
    for shift in (0, 1, -2, 5, 11, -7):
        check(lambda x, shift=shift: T.roll(x, shift, axis=1), X)  # type: ignore[misc]
        check(lambda x, n: T.roll(x, n, axis=-1), X, np.asarray(shift))
        check(lambda x, n: T.roll(x, n, axis=0), X[:0], np.asarray(shift))
    check(lambda x: T.roll(x, 3), X[0])


def test_diagonals() -> None:
    check(AllocDiag(), X[0, 0])
    check(AllocDiag(0, 0, 1), X)
    check(AllocDiag(0, -1, 1), X)
    check(AllocDiag(), np.arange(3, dtype="int8"))
    check(AllocDiag(), np.zeros(0))
    for offset in (-2, 0, 1):
        check(lambda x, k=offset: AllocDiag(k, 0, 2)(x), X)  # type: ignore[misc]
        check(lambda x, k=offset: AllocDiag(k)(x, x.shape[0] + 2, x.shape[0] + 4), X[0, 0], optimize=True)  # type: ignore[misc]
    x, n = T.vector("x"), T.lscalar("n")
    with pytest.raises(IndexError, match="out of bounds"):
        interpret(expanded([x, n], [AllocDiag(1)(x, n, n)]), [np.ones(3), np.asarray(3)])
    for shape in ((4, 4), (3, 5), (6, 2), (0, 3)):
        check(lambda x: fill_diagonal(x, 3), np.ones(shape))
        for offset in (-2, 0, 1, 9):
            check(lambda x, k: fill_diagonal_offset(x, np.inf, k), np.ones(shape), offset)


def test_views_are_made_dense_before_they_are_reshaped() -> None:
    check(lambda x: x.T.reshape((6, -1)), X)
    check(lambda x: x[:, 1:].flatten(2), X)
    check(lambda x: x.dimshuffle(2, 0, 1).reshape((x.shape[2], -1)), X, optimize=True)


def test_stacked_numbers() -> None:
    check(lambda x: T.stack([x.sum(), x.max(), x[0]]), X[0, 0])
    check(lambda x: T.stack([x.sum(), T.as_tensor_variable(1)]), X[0, 0].astype("float32"))


@pytest.mark.parametrize("n", [0, 1, 3, 7])
def test_differences(n: int) -> None:
    for axis in (0, -1):
        check(lambda x, axis=axis: DiffOp(n, axis)(x), X)  # type: ignore[misc]
        check(lambda x, axis=axis: DiffOp(n, axis)(x), np.arange(6, dtype="uint8")[:, None] ** 2)  # type: ignore[misc]
