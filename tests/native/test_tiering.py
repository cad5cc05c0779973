"""`Mode(tiered=True)`: NumPy answers at once, machine code takes over, nothing is wrong in between or at the end."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile import tiered

pytest.importorskip("llvmlite")

from symtheano.compile.target.native import callable as calls
from symtheano.compile.target.native import target

TIERED = st.Mode(target="native", tiered=True)
PATIENCE = 120.0  # seconds


@dataclass
class Gate:
    """Holds the background thread back, until it is opened; or makes it fail."""

    open: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    problem: Exception | None = None


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    found = Gate()
    finish = target.Prepared.finish

    def held(self: target.Prepared) -> Any:
        found.reached.set()
        assert found.open.wait(PATIENCE)
        if found.problem is not None:
            raise found.problem
        return finish(self)

    monkeypatch.setattr(target.Prepared, "finish", held)
    with st.change_flags(cache=False):
        yield found
    found.open.set()


def rows() -> tuple[Any, st.Function]:
    x = T.dmatrix("x")
    return x, st.function([x], T.tanh(x).sum(axis=1), mode=TIERED)


def test_numpy_answers_until_machine_code_is_there(gate: Gate) -> None:
    _, f = rows()
    value = np.arange(6.0).reshape(2, 3)
    assert gate.reached.wait(PATIENCE)
    assert not f.wait(0.01) and f.compiled.native is None and "def run" in f.source
    assert "machine code: not made yet" in f.report()
    np.testing.assert_allclose(f(value), np.tanh(value).sum(axis=1), rtol=1e-14)
    gate.open.set()
    assert f.wait(PATIENCE) and "def run" not in f.source and "void k0" in f.source
    if calls.available() is None:
        assert calls.bound(f)
    np.testing.assert_allclose(f(value), np.tanh(value).sum(axis=1), rtol=1e-14)
    np.testing.assert_allclose(f(value.tolist()), np.tanh(value).sum(axis=1), rtol=1e-14)


def test_calls_during_the_change_are_right(gate: Gate) -> None:
    """Threads add to shared variables while the program changes under them."""
    counter, total = st.shared(np.int64(0), name="counter"), st.shared(np.zeros(5), name="total")
    x = T.dvector("x")
    f = st.function([x], [counter, (x * x).sum()], updates=[(counter, counter + 1), (total, total + x)], mode=TIERED)
    value, wrong = np.arange(5.0), []
    stop = threading.Event()
    counts = [0] * 4

    def run(k: int) -> None:
        while not stop.is_set():
            _, norm = f(value)
            counts[k] += 1
            if norm != 30.0:
                wrong.append(norm)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    assert gate.reached.wait(PATIENCE)
    while min(counts) < 3:
        time.sleep(0.001)
    gate.open.set()
    assert f.wait(PATIENCE)
    before = list(counts)
    while min(a - b for a, b in zip(counts, before, strict=True)) < 3:
        time.sleep(0.001)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong and int(counter.get_value()) == sum(counts)
    np.testing.assert_array_equal(total.get_value(), value * sum(counts))


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_made_is_told_once(gate: Gate) -> None:
    gate.problem = ZeroDivisionError("no code today")
    _, f = rows()
    gate.open.set()
    assert not f.wait(PATIENCE)
    value = np.ones((2, 3))
    with pytest.warns(UserWarning, match=r"goes on as a NumPy program.*no code today") as told:
        result = f(value)
    assert len(told) == 1 and told[0].filename == __file__
    np.testing.assert_allclose(result, np.tanh(value).sum(axis=1))
    np.testing.assert_allclose(f(value), result)
    assert "could not be made" in f.report() and "def run" in f.source


def test_settings_are_those_of_the_call(gate: Gate) -> None:
    """What is made later is made by the settings of the time when it was asked for."""
    n, m = T.lvector("n"), T.lvector("m")
    with st.change_flags(floatX="float32"):
        f = st.function([n, m], n / m, mode=TIERED)
    assert gate.reached.wait(PATIENCE) and st.config.floatX == "float64"
    gate.open.set()
    assert f.wait(PATIENCE)
    assert "step" not in str(f.program) and "float *b2" in f.source
    np.testing.assert_array_equal(f([1, 2], [3, 4]), np.array([1, 2], "float32") / np.array([3, 4], "float32"))


def test_a_function_that_is_gone_is_left_out(gate: Gate) -> None:
    _, first = rows()
    assert gate.reached.wait(PATIENCE)
    _, second = rows()
    gone, tier = weakref.ref(second), second._tier
    assert tier is not None
    del second
    gc.collect()
    assert gone() is None
    gate.reached.clear()
    gate.open.set()
    assert tier.wait(PATIENCE) and not gate.reached.is_set() and first.wait(PATIENCE)


def test_states_keywords_and_profiles_go_through_python() -> None:
    x = T.dvector("x")
    f = st.function([st.In(x, name="x")], {"double": 2 * x}, mode=TIERED, profile=True)
    g = st.function([x], 2 * x + 1, mode=TIERED)
    for _ in range(2):
        np.testing.assert_array_equal(f(x=[1.0, 2.0])["double"], [2.0, 4.0])
        np.testing.assert_array_equal(g(x=[1.0, 2.0]) if g.wait(PATIENCE) else None, [3.0, 5.0])
        assert f.wait(PATIENCE)


def test_copies_and_pickles_are_tiered_too() -> None:
    _, f = rows()
    for other in (f.copy(), copy.deepcopy(f), pickle.loads(pickle.dumps(f))):
        assert other.maker.mode == TIERED and other._tier is not None
        np.testing.assert_allclose(other(np.ones((1, 2))), [2 * np.tanh(1.0)])
        assert other.wait(PATIENCE)
        np.testing.assert_allclose(other(np.ones((1, 2))), [2 * np.tanh(1.0)])


def test_the_mode() -> None:
    assert st.Mode(target="native") != TIERED and st.Mode(target="native", tiered=True) == TIERED
    assert hash(TIERED) == hash(st.Mode(target="native", tiered=True))
    for mode in (
        TIERED.clone(),
        TIERED.excluding("fold"),
        TIERED.including("fold"),
        pickle.loads(pickle.dumps(TIERED)),
    ):
        assert mode.tiered
    assert not st.Mode().tiered
    x = T.dvector("x")
    for mode in (st.Mode(linker="py", tiered=True), st.Mode(target="numpy", tiered=True)):
        f = st.function([x], x + 1, mode=mode)
        assert f._tier is None and f.compiled.native is None and not f.wait()


# -- the end, and forks ------------------------------------------------------------------------------------------------

_SCRIPT = """
import sys, numpy as np, symtheano as st, symtheano.tensor as T
x = T.dmatrix("x")
y = x
for k in range({steps}):
    y = T.tanh(y * (k + 2)).sum(axis=0, keepdims=True) + y
functions = [st.function([x], [y, x + k], mode=st.Mode(target="native", tiered=True)) for k in range({count})]
print(functions[0](np.ones((2, 3)))[1][0, 0])
"""


@pytest.mark.parametrize(("steps", "count"), [(1, 1), (30, 1), (10, 40)])
def test_the_interpreter_ends_while_code_is_made(steps: int, count: int) -> None:
    script = _SCRIPT.format(steps=steps, count=count)
    environment = os.environ | {"SYMTHEANO_FLAGS": "cache=False"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "1.0", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_goes_on(gate: Gate) -> None:
    _, f = rows()
    assert gate.reached.wait(PATIENCE)  # the thread is at it, and is not there in the child
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons: a process with threads forks
        child = os.fork()
    if child == 0:
        gate.open.set()
        right = np.allclose(f(np.ones((2, 3))), 3 * np.tanh(1.0)) and f.wait(PATIENCE)
        os._exit(0 if right and np.allclose(f(np.ones((2, 3))), 3 * np.tanh(1.0)) else 1)
    gate.open.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert f.wait(PATIENCE)


def test_the_thread_ends_when_nothing_waits() -> None:
    _, f = rows()
    assert f.wait(PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while tiered.worker._thread is not None and time.monotonic() < deadline:
        time.sleep(0.001)
    assert tiered.worker._thread is None
