"""References and memory after many calls, on every path through the entry; all of it under Python's debug allocator."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from symtheano.compile.target.native.arenas import pool
from symtheano.compile.target.native.callable import CtypesRegion, available, region
from symtheano.compile.target.native.signature import Input, Output, Signature
from tests.native.entries import Target, accumulate, add_one, add_up, callable_of, compiled, counter, vector_plus_one
from tests.native.test_entry import failing

pytestmark = pytest.mark.skipif(available() is not None, reason=str(available()))
ROOT = Path(__file__).resolve().parents[2]
CALLS = 100_000


class Silent(Target):
    """It keeps nothing of the calls that come to Python."""


def silent(f: Any) -> Any:
    """The same object, whose note of calls stays empty."""
    f.calls = type("Nothing", (), {"append": lambda self, call: None})()
    return f


def plain() -> Callable[[], Any]:
    signature = vector_plus_one()
    f, x = callable_of(signature, compiled(signature, add_one)), np.zeros(4)
    return lambda: f(x)


def borrowing() -> Callable[[], Any]:
    signature = vector_plus_one()
    f, x = callable_of(signature, compiled(signature, add_one, bytes_=5000)), np.zeros(4)
    return lambda: f(x)


def large_scratch() -> Callable[[], Any]:
    signature = vector_plus_one()
    f, x = callable_of(signature, compiled(signature, add_one, bytes_=(1 << 28) + 1)), np.zeros(4)
    return lambda: f(x)


def without_gil() -> Callable[[], Any]:
    signature = vector_plus_one()
    f, x = callable_of(signature, compiled(signature, add_one, work=10**9)), np.zeros(4)
    return lambda: f(x)


def lists() -> Callable[[], Any]:
    signature = Signature((Input("float64", (None,), 0),), (Output("float64", 1),) * 4, (0, 2, 0, 1))
    f, x = callable_of(signature, compiled(signature, add_one)), np.zeros(4)
    return lambda: f(x)


def refused() -> Callable[[], Any]:
    signature = vector_plus_one()
    f, x = silent(callable_of(signature, compiled(signature, add_one))), np.zeros(4, np.float32)
    return lambda: f(x)


def keywords() -> Callable[[], Any]:
    signature = vector_plus_one()
    f, x = silent(callable_of(signature, compiled(signature, add_one))), np.zeros(4)
    return lambda: f(x=x)


def failed() -> Callable[[], Any]:
    signature = Signature((Input("int32", (None,), 0),), (Output("int32", 1),) * 3, (2, 0, 2))
    f, x = silent(callable_of(signature, compiled(signature, failing, bytes_=3000))), np.ones(4, np.int32)
    return lambda: f(x)


def in_place() -> Callable[[], Any]:
    signature = counter()
    f, x = callable_of(signature, compiled(signature, accumulate), [[np.zeros(4)]]), np.array(1.0)
    return lambda: f(x)


def stored() -> Callable[[], Any]:
    inputs = Input("float64", (None,), cell=0), Input("float64", (), argument=0)
    signature = Signature(inputs, (Output("float64", 1),) * 2, (0, 0), stored=((0, 0), (1, 1)))
    cells = [[np.zeros(4)], [np.zeros(4)]]
    f, x = callable_of(signature, compiled(signature, add_up), cells), np.array(1.0)
    return lambda: f(x)


def stored_and_returned() -> Callable[[], Any]:
    inputs = Input("float64", (None,), cell=0), Input("float64", (), argument=0)
    signature = Signature(inputs, (Output("float64", 1),), (0,), "only", stored=((0, 0),))
    f, x = callable_of(signature, compiled(signature, add_up), [[np.zeros(4)]]), np.array(1.0)
    return lambda: f(x)


def held_lock() -> Callable[[], Any]:
    signature, lock = counter(), threading.RLock()
    f, x = silent(callable_of(signature, compiled(signature, accumulate), [[np.zeros(4)]], [lock])), np.array(1.0)
    lock.acquire()
    return lambda: f(x)


def wrong_cell() -> Callable[[], Any]:
    inputs = Input("float64", (None,), cell=0, written=True), Input("float64", (None,), cell=1)
    signature, s = Signature(inputs, (), ()), np.zeros(4)
    f = silent(callable_of(signature, compiled(signature, accumulate), [[s], [s]]))
    return lambda: f()


def impatient() -> Callable[[], Any]:
    signature = counter()
    f = silent(callable_of(signature, compiled(signature, accumulate, work=10**6), [[np.zeros(4)]]))
    x = np.array(1.0)
    return lambda: f(x)


def as_region() -> Callable[[], Any]:
    signature = vector_plus_one()
    r, x = region(compiled(signature, add_one), signature), np.zeros(4)
    return lambda: (r(x), r(1))


def by_ctypes() -> Callable[[], Any]:
    signature = vector_plus_one()
    r, x = CtypesRegion(compiled(signature, add_one), signature.as_region()), np.zeros(4)
    return lambda: (r(x), r(1))


def no_memory() -> Callable[[], Any]:
    signature = Signature((Input("float64", (None,), 0),), (Output("float64", 1),) * 2, (0, 1))

    def sizes(f: Any, s: Signature) -> None:
        f.set_slot("%frame", s.frame.outputs[0] + 1, "3")
        f.set_slot("%frame", s.frame.outputs[1] + 1, str(1 << 57))
        f.ret("0")

    f, x = callable_of(signature, compiled(signature, add_one, sizes=sizes)), np.zeros(4)
    return lambda: raising(MemoryError, f, x)


def no_scratch() -> Callable[[], Any]:
    signature = vector_plus_one()
    f, x = callable_of(signature, compiled(signature, add_one, bytes_=1 << 60)), np.zeros(4)
    return lambda: raising(MemoryError, f, x)


def raising(kind: type[Exception], f: Any, *args: Any) -> None:
    try:
        f(*args)
    except kind:
        return
    raise AssertionError("it did not raise")


PATHS = [
    plain, borrowing, large_scratch, without_gil, lists, refused, keywords, failed, in_place, stored,
    stored_and_returned, held_lock, wrong_cell, impatient, as_region, by_ctypes, no_memory, no_scratch,
]  # fmt: skip


def counts() -> dict[str, int]:
    """References to what the entry touches and outlives a call."""
    things: dict[str, Any] = {"None": None, "ndarray": np.ndarray, "fallback": Target.__call__, "empty": ()}
    things |= {name: np.dtype(name) for name in ("float64", "float32", "int32")}
    return {name: sys.getrefcount(thing) for name, thing in things.items()}


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.__name__)
def test_nothing_is_left_behind(path: Callable[[], Callable[[], Any]]) -> None:
    call = path()
    calls = CALLS // 20 if path in (by_ctypes, no_memory, no_scratch) else CALLS
    if path is large_scratch:  # 256 MiB, which checked programs fill with nan
        calls = 4
    inner = [c.cell_contents for c in call.__closure__ or ()]
    for _ in range(min(calls, 100)):
        call()
    gc.collect()
    before, own = counts(), [sys.getrefcount(thing) for thing in inner]
    blocks, resident = sys.getallocatedblocks(), psutil.Process().memory_info().rss
    for _ in range(calls):
        call()
    grown = psutil.Process().memory_info().rss - resident
    gc.collect()
    more = sys.getallocatedblocks() - blocks
    after = counts()
    assert {name: after[name] - before[name] for name in after if abs(after[name] - before[name]) > 50} == {}
    assert [sys.getrefcount(thing) for thing in inner] == own
    assert more < 200, f"{more} more blocks after {calls} calls"
    assert grown < 4 << 20, f"{grown} more bytes after {calls} calls"
    assert pool().usage().taken == 0


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.__name__)
def test_an_object_takes_its_memory_with_it(path: Callable[[], Callable[[], Any]]) -> None:
    if path is held_lock:
        pytest.skip("its lock is never released")
    path()()
    gc.collect()
    blocks = sys.getallocatedblocks()
    for _ in range(3 if path is large_scratch else 20):
        path()()
    gc.collect()
    more = sys.getallocatedblocks() - blocks
    assert more < 100, more


def test_shared_arrays_have_the_references_they_should() -> None:
    inputs = Input("float64", (None,), cell=0), Input("float64", (), argument=0)
    signature = Signature(inputs, (Output("float64", 1),), (0, 0), stored=((0, 0),))
    old = np.zeros(4)
    cell, x = [old], np.array(1.0)
    f = callable_of(signature, compiled(signature, add_up), [cell])
    seen = weakref.ref(old)
    result = f(x)
    references = sys.getrefcount(cell[0]), sys.getrefcount(old)  # each with one for the argument itself
    assert references == (1 + 1 + 2, 1 + 1)  # the cell and the list twice; the name
    del old
    assert seen() is None
    del result
    references = sys.getrefcount(cell[0]), 0
    assert references == (2, 0)


def test_memory_that_python_counts_stays_the_same() -> None:
    tracemalloc.start()
    try:
        for path in PATHS:
            call = path()
            for _ in range(2):
                call()
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(3 if path is large_scratch else 1000):
                call()
            gc.collect()
            assert tracemalloc.get_traced_memory()[0] - before < 4000, path.__name__
    finally:
        tracemalloc.stop()


def test_the_table_lives_as_long_as_the_object() -> None:
    signature = vector_plus_one()
    f = callable_of(signature, compiled(signature, add_one))
    binding, code = weakref.ref(f._binding), weakref.ref(f._binding.entry.code)
    assert ctypes.addressof(f._binding.table) and binding() is not None
    del f
    assert binding() is None and code() is None


def test_under_pythons_debug_allocator() -> None:
    """Which finds writes beside and after the memory that was asked for."""
    files = ["tests/native/test_entry.py", "tests/native/test_entry_threads.py"]
    command = [sys.executable, "-X", "dev", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files]
    environment = {**os.environ, "PYTHONMALLOC": "debug"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
