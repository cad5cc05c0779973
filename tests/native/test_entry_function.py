"""Functions of the native target as objects: called straight into machine code, otherwise like all Functions."""

from __future__ import annotations

import copy
import gc
import pickle
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import psutil
import pytest

import symtheano
import symtheano.tensor as T
from symtheano.compile.runtime import Function
from symtheano.compile.target.native.callable import available, bound
from symtheano.config import config
from symtheano.errors import ShapeMismatchError

pytestmark = pytest.mark.skipif(available() is not None, reason=str(available()))


@pytest.fixture(autouse=True)
def _native() -> None:
    config.target = "native"


def accumulator() -> tuple[Any, Any]:
    """f(x) = exp(x) + s, after which s grows by x."""
    x, s = T.dvector("x"), symtheano.shared(np.zeros(3), "s")
    return symtheano.function([x], T.exp(x) + s, updates={s: s + x}, name="f"), s


COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda f: pickle.loads(pickle.dumps(f)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "method": lambda f: f.copy(name="g"),
}


@pytest.mark.parametrize("way", COPIES)
def test_copies_are_entered_too(way: str) -> None:
    f, s = accumulator()
    f(np.ones(3))
    g = COPIES[way](f)
    assert isinstance(g, Function) and bound(f) and bound(g) and f is not g
    before = s.get_value()
    np.testing.assert_allclose(g(np.zeros(3)), 1 + before)
    assert g.get_shared()[0].get_value().tolist() == [1, 1, 1]


def test_another_shared_variable() -> None:
    f, s = accumulator()
    other = symtheano.shared(np.full(3, 5.0))
    g = f.copy(swap={s: other})
    g(np.ones(3))
    assert bound(g) and other.get_value().tolist() == [6] * 3 and not s.get_value().any()


def test_conversions_keywords_and_messages_are_those_of_python() -> None:
    f, s = accumulator()
    assert f([0.0, 0, 0]).tolist() == f(x=np.zeros(3)).tolist() == f(np.zeros(6)[::2]).tolist() == [1, 1, 1]
    with pytest.raises(TypeError, match="Bad input argument to theano function 'f' at index 0"):
        f(np.zeros((2, 2)))
    with pytest.raises(TypeError, match="Missing required input"):
        f()
    with pytest.raises(ShapeMismatchError, match="while a compiled function ran"):
        f(np.zeros(4))
    assert not s.get_value().any()
    f.trust_input = True
    assert f.trust_input and f(np.zeros(3)).tolist() == [1, 1, 1]


def test_what_set_value_stores_is_seen() -> None:
    f, s = accumulator()
    s.set_value(np.full(3, 7.0))
    assert f(np.zeros(3)).tolist() == [8] * 3
    with s.container.lock:
        assert f(np.zeros(3)).tolist() == [8] * 3
    own = np.full(3, 9.0)
    s.set_value(own, borrow=True)
    np.testing.assert_allclose(f(own), [np.exp(9.0) + 9] * 3)  # one array twice: it is read before it changes
    assert s.get_value().tolist() == [18] * 3


def test_an_argument_that_may_be_none() -> None:
    x, y = T.dvector("x"), T.dvector("y")
    f = symtheano.function([x, y], 2 * x, on_unused_input="ignore")
    assert f(np.ones(2), np.ones(5)).tolist() == f(np.ones(2), None).tolist() == [2, 2]


def test_updates_from_many_threads() -> None:
    small, large = symtheano.shared(np.zeros(()), "small"), symtheano.shared(np.zeros(100_000), "large")
    increments = [symtheano.function([], [], updates={s: s + 1}) for s in (small, large)]
    assert all(map(bound, increments))

    def work() -> None:
        for _ in range(300):
            for f in increments:
                f()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert small.get_value() == 1200 and set(large.get_value()) == {1200.0}


def test_calls_leave_nothing_behind() -> None:
    f, _ = accumulator()
    x, wrong = np.zeros(3), np.zeros(3, np.float32)
    for _ in range(100):
        f(x), f(wrong)
    gc.collect()
    blocks, resident = sys.getallocatedblocks(), psutil.Process().memory_info().rss
    counts = sys.getrefcount(np.dtype("float64")), sys.getrefcount(None)
    for _ in range(20_000):
        f(x)
    for _ in range(2000):
        f(wrong)
    gc.collect()
    assert abs(sys.getrefcount(np.dtype("float64")) - counts[0]) < 50 > abs(sys.getrefcount(None) - counts[1])
    assert sys.getallocatedblocks() - blocks < 300
    assert psutil.Process().memory_info().rss - resident < 8 << 20


def test_a_function_goes_with_its_last_reference() -> None:
    f, s = accumulator()
    f(np.zeros(3))
    code, cell = weakref.ref(f._binding.entry.code), weakref.ref(s.container)
    alive = weakref.ref(f)
    del f, s
    gc.collect()
    assert alive() is None and cell() is None and code() is None
