"""One function, many threads: every answer is right, and no update is lost."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T

THREADS, CALLS = 4, 3000


@pytest.fixture(autouse=True)
def _hurry() -> Iterator[None]:
    """The interpreter changes threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def together(work: Callable[[int], Any], threads: int = THREADS) -> None:
    """Runs work(0), work(1), ... at the same time; what one raises is raised here."""
    errors: list[BaseException] = []

    def guarded(k: int) -> None:
        try:
            work(k)
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=guarded, args=(k,), daemon=True) for k in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not any(worker.is_alive() for worker in workers), "threads wait for each other"
    assert not errors, errors[0]


def test_every_thread_gets_its_own_answer() -> None:
    x = T.dvector("x")
    f = st.function([x], [T.sum(T.exp(x) * x), T.tanh(x) + 1])

    def work(k: int) -> None:
        argument = np.full(5, k + 1.0)
        total, part = (v.copy() for v in f(argument))
        for _ in range(CALLS):
            a, b = f(argument)
            assert a == total and (b == part).all()

    together(work)


def test_keywords_defaults_and_dictionaries() -> None:
    x, y = T.dscalars("x", "y")
    f = st.function([x, st.In(y, value=10.0)], {"sum": x + y})

    def work(k: int) -> None:
        for n in range(CALLS // 4):
            assert float(f(k)["sum"]) == k + 10
            assert float(f(x=n, y=k)["sum"]) == n + k

    together(work)


def test_a_shared_counter_loses_no_increment() -> None:
    count = st.shared(0, "count")
    f = st.function([], count, updates=[(count, count + 1)])
    seen: list[list[int]] = [[] for _ in range(THREADS)]

    def work(k: int) -> None:
        seen[k] = [int(f()) for _ in range(CALLS)]

    together(work)
    assert int(count.get_value()) == THREADS * CALLS
    assert sorted(n for part in seen for n in part) == list(range(THREADS * CALLS))


def test_updates_of_several_variables_are_one() -> None:
    a, b, x = st.shared(np.zeros(50), "a"), st.shared(np.zeros(50), "b"), T.dscalar("x")
    step = st.function([x], [], updates=[(a, a + x), (b, b - x)])
    look = st.function([], [a + b, a - b])

    def work(k: int) -> None:
        for _ in range(CALLS // 4):
            step(k)
            total, difference = look()
            assert not total.any() and (difference == difference[0]).all()

    together(work)
    assert a.get_value()[0] == sum(range(THREADS)) * (CALLS // 4)


def test_functions_that_update_the_same_variables_do_not_wait_for_each_other() -> None:
    s = [st.shared(0.0, f"s{k}") for k in range(10)]
    functions = [
        st.function([], s[0] + s[1], updates=[(s[0], s[0] + 1), (s[1], s[1] + 1)]),
        st.function([], s[1] + s[0], updates=[(s[1], s[1] + 1), (s[0], s[0] + 1)]),
        st.function([], [], updates=[(v, v + 1) for v in reversed(s)]),
        st.function([], [], updates=[(v, v + 1) for v in s]),
    ]

    def work(k: int) -> None:
        for _ in range(CALLS // 3):
            functions[k]()

    together(work)
    assert [float(v.get_value()) for v in s] == [4 * (CALLS // 3)] * 2 + [2 * (CALLS // 3)] * 8


def test_a_function_that_calls_another_one() -> None:
    count = st.shared(0, "count")
    inner = st.function([], count, updates=[(count, count + 1)])

    @st.compile.as_op.as_op(itypes=[T.dscalar], otypes=[T.dscalar])
    def calls_inner(x: Any) -> Any:
        inner()
        return np.asarray(x)

    x = T.dscalar("x")
    outer = st.function([x], calls_inner(x) + count)
    together(lambda k: [outer(k) for _ in range(CALLS // 10)])
    assert int(count.get_value()) == THREADS * (CALLS // 10)


def test_inputs_with_state_lose_nothing() -> None:
    n, x = T.dscalar("n"), T.dscalar("x")
    f = st.function([x, st.In(n, value=0.0, update=n + x)], n)
    together(lambda k: [f(1.0) for _ in range(CALLS // 3)])
    assert float(f[n]) == THREADS * (CALLS // 3)


def test_set_value_while_others_compute() -> None:
    w = st.shared(np.zeros(100), "w")
    f = st.function([], [w.min(), w.max()], updates=[(w, w + 1)])

    def work(k: int) -> None:
        for n in range(CALLS // 4):
            if k == 0:
                w.set_value(np.full(100, float(n)))
            else:
                low, high = f()
                assert low == high
                value = w.get_value()
                assert (value == value[0]).all()

    together(work)


def test_many_threads_build_functions() -> None:
    def work(k: int) -> None:
        for n in range(5):
            x = T.dvector("x")
            f = st.function([x], st.grad(T.sum(T.tanh(x) ** 2) * (k + n), x))
            y = np.tanh([0.0, 0.5])
            np.testing.assert_allclose(f([0.0, 0.5]), (k + n) * 2 * y * (1 - y**2))

    together(work)


def test_errors_stay_in_their_thread() -> None:
    x, y = T.dvectors("x", "y")
    f = st.function([x, y], x + y)

    def work(k: int) -> None:
        for _ in range(CALLS // 10):
            if k % 2:
                with pytest.raises(ValueError, match=f"{k + 2},"):
                    f(np.zeros(k + 2), np.zeros(1))
            else:
                assert f(np.ones(k + 1), np.ones(k + 1)).tolist() == [2] * (k + 1)

    together(work)
