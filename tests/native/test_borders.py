"""Programs of several parts: what regions, steps, updates and lengths need of each other, and in which order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.runtime import Function
from symtheano.graph.interpret import evaluate
from tests.native.test_differential import refuse

MODES = {"FAST_RUN": st.Mode(target="native"), "as written": st.Mode(optimizer=None, target="native")}


@pytest.fixture(autouse=True)
def _all_native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Function, "_by_numpy", refuse)


def check(mode: str, inputs: list[Any], values: list[Any], outputs: list[Any], updates: Any = ()) -> None:
    """Two calls of a function against the interpreter."""
    f = st.function(inputs, outputs, updates=updates, mode=MODES[mode])
    state = {s: s.get_value() for s, _ in updates}
    for _ in range(2):
        news = [v for _, v in updates]
        wanted = evaluate([*outputs, *news], dict(zip(inputs, values, strict=True)) | state)
        got = f(*values)
        state = dict(zip(state, wanted[len(got) :], strict=True))
        for a, b in zip([*got, *(s.get_value() for s in state)], [*wanted[: len(got)], *state.values()], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
            assert a.dtype == b.dtype


@pytest.mark.parametrize("mode", MODES)
def test_an_overwritten_variable_that_its_writer_does_not_read(mode: str) -> None:
    x, n = T.dvector("x"), st.shared(np.asarray(2), "n")
    check(mode, [x], [np.array([3.0, 1, 2])], [T.cumsum(x)], [(n, T.argmin(T.sort(x) * 0 + x))])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("outputs", [
    lambda x, i: [T.tanh(x[i : i + 2])],
    lambda x, i: [T.cumsum(x[i : i + 2]), T.tanh(x[i])],
    lambda x, i: [T.tanh(x[i]), T.alloc(1.0, i + 1), x[: i + 1].sum()],
    lambda x, i: [i, T.arange(i) * 2],
])  # fmt: skip
def test_lengths_from_a_variable_that_is_overwritten(mode: str, outputs: Any) -> None:
    x, i = T.dvector("x"), st.shared(np.asarray(1), "i")
    f = st.function([x], outputs(x, i), updates=[(i, i + 1)], mode=MODES[mode], on_unused_input="ignore")
    for k in (1, 2, 3):
        for got, wanted in zip(f(np.arange(8.0)), evaluate(outputs(x, i), {x: np.arange(8.0), i: np.asarray(k)})):
            np.testing.assert_allclose(got, wanted, rtol=1e-6)
    assert i.get_value() == 4


@pytest.mark.parametrize("mode", MODES)
def test_a_value_with_moved_axes_returned_twice(mode: str) -> None:
    x = T.lvector("x")
    row = x.sum().dimshuffle("x")
    check(mode, [x], [np.arange(5)], [row, row, row * 2])
    check(mode, [x], [np.arange(5)], [x.sum(), x.sum()])


@pytest.mark.parametrize("mode", MODES)
def test_a_value_with_moved_axes_returned_and_read(mode: str) -> None:
    s = st.shared(np.arange(3.0), "s")
    m = (T.tanh(s).sum() * 0.5).dimshuffle("x")
    check(mode, [], [], [m / (2 + T.sqr(m)), s, m], [(s, s + 1)])


@pytest.mark.parametrize("mode", MODES)
def test_a_fold_over_one_element_beside_others(mode: str) -> None:
    x, row = T.dvector("x"), T.TensorType("float64", (True, False))("row")
    check(mode, [x], [np.arange(5.0)], [T.sum(T.any(x)), T.prod(T.tanh(x).sum().dimshuffle("x"))])
    y = T.dmatrix("y")
    check(
        mode,
        [y, row],
        [np.ones((2, 3)), np.ones((1, 3))],
        [row.sum(axis=0) * y.sum(0), T.sum(y.sum(1).dimshuffle("x", 0), axis=0)],
    )


@pytest.mark.parametrize("mode", MODES)
def test_lengths_that_the_host_program_computes(mode: str) -> None:
    x, v = T.lvector("x"), T.dvector("v")
    k = T.cumsum(x)[-1] % 5
    check(mode, [x, v], [np.arange(4), np.arange(8.0)], [T.alloc(T.tanh(v.sum()), k), v[:k] * 2, T.arange(k) + k, v[k]])


@pytest.mark.parametrize("mode", MODES)
def test_lengths_of_steps_that_need_each_other(mode: str) -> None:
    x = T.dvector("x")
    v = x[T.gt(x, 0).nonzero()]
    a = T.tanh(v)
    w = a[T.gt(a, -1).nonzero()]  # as long as a
    check(mode, [x], [np.arange(-2, 5.0)], [w + a, a])
    check(mode, [x], [np.arange(-2, 5.0)], [a * w, T.tanh(a).sum()])


@pytest.mark.parametrize("mode", MODES)
def test_a_place_that_is_computed_and_that_lengths_follow_from(mode: str) -> None:
    """The end of a slice is computed in int8, as lengths are not: a step cuts, and what computes the end runs first."""
    y, k = T.dmatrix("y"), T.bscalar("k")
    end = k * np.int8(2) - k
    g = T.grad(T.sum(T.tanh(T.set_subtensor(y[-1:end], T.sqr(y[-1:end])))), y)
    check(mode, [y, k], [np.ones((1, 3)), np.int8(4)], [g])


@pytest.mark.parametrize("mode", MODES)
def test_columns_of_a_function_of_rows(mode: str) -> None:
    """As many columns as there are rows: they must not be taken for one of each row."""
    x, i = T.dmatrix("x"), T.lvector("i")
    values = [np.arange(9.0).reshape(3, 3) ** 2 / 9, np.array([2, 0, -1])]
    check(
        mode,
        [x, i],
        values,
        [T.nnet.logsoftmax(x)[:, i], T.nnet.softmax(x)[::-1, i], (x - x.sum(1, keepdims=True))[:, i]],
    )


@pytest.mark.parametrize("mode", MODES)
def test_a_count_along_two_axes(mode: str) -> None:
    """Rows and columns of a diagonal are one count, computed at two places of one kernel, and read at labels."""
    v, y = T.dvector("v"), T.ivector("y")
    loss = T.nnet.categorical_crossentropy(T.nnet.softmax(T.diag(v)), y)
    check(mode, [v, y], [np.arange(1, 6.0), np.array([0, 1, 3, 3, 4], "int32")], [loss[::2], loss])


def test_more_scratch_memory_than_there_can_be() -> None:
    n, v = T.lscalar("n"), T.dvector("v")
    b = T.exp(T.alloc(v[0], n, n))
    f = st.function([v, n], T.dot(T.tanh(T.dot(b, b)), b)[0, 0], mode=MODES["as written"])
    e = float(np.exp(1.0))
    np.testing.assert_allclose(f(np.ones(2), 3), 3 * np.tanh(3 * e * e) * e)
    for large in (1 << 31, 1 << 32, 1 << 40, 1 << 62):  # whose square has few bits, or more than 64
        with pytest.raises(AssertionError):  # of the NumPy program, which is asked instead
            f(np.ones(2), large)
