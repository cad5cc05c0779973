"""The thread pool: each chunk once, numbers that never collide, and no hang: nested, shared, resized, forked, ended."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from symtheano.compile.target.native.pool import MAX_THREADS, Pool, shared, thread_count
from symtheano.compile.target.native.pool_code import code
from symtheano.compile.target.native.toolchain import HOSTS, Loaded, build, host, object_for
from symtheano.config import config

CODE = """target triple = "$"

; counts[i] += 1 for lo..hi, and inside[number] is 1 meanwhile: 8 is returned if somebody else has the number
define i32 @count(ptr %args, i64 %lo, i64 %hi, ptr %inside) nounwind {
entry:
  %mine = atomicrmw add ptr %inside, i64 1 seq_cst
  %some = icmp slt i64 %lo, %hi
  br i1 %some, label %loop, label %out
loop:
  %i = phi i64 [ %lo, %entry ], [ %i1, %loop ]
  %p = getelementptr i64, ptr %args, i64 %i
  %v = load i64, ptr %p, align 8
  %w = add i64 %v, 1
  store i64 %w, ptr %p, align 8
  %i1 = add i64 %i, 1
  %more = icmp slt i64 %i1, %hi
  br i1 %more, label %loop, label %out
out:
  %left = atomicrmw sub ptr %inside, i64 1 seq_cst
  %others = or i64 %mine, %left
  %alone = icmp eq i64 %others, 1
  %bad = select i1 %alone, i32 0, i32 8
  ret i32 %bad
}

define i32 @status(ptr %args, i64 %lo, i64 %hi, ptr %scratch) nounwind {
  %v = shl i64 1, %lo
  %r = trunc i64 %v to i32
  ret i32 %r
}

; args: par, context, counts, scratch. A job of 16 chunks in every chunk.
define i32 @nested(ptr %args, i64 %lo, i64 %hi, ptr %scratch) nounwind {
  %par = load ptr, ptr %args, align 8
  %p1 = getelementptr ptr, ptr %args, i64 1
  %context = load ptr, ptr %p1, align 8
  %p2 = getelementptr ptr, ptr %args, i64 2
  %counts = load ptr, ptr %p2, align 8
  %offset = mul i64 %lo, 16
  %mine = getelementptr i64, ptr %counts, i64 %offset
  %r = call i32 %par(ptr %context, ptr @count, ptr %mine, i64 16, i64 1, ptr %scratch, i64 0)
  ret i32 %r
}
"""
PAR = ctypes.CFUNCTYPE(
    ctypes.c_int32,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_int64,
    ctypes.c_int64,
    ctypes.c_void_p,
    ctypes.c_int64,
)


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return build(CODE.replace("$", host().triple), ["count", "status", "nested"])


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool()
    yield made
    made.stop()


def count(pool: Pool, loaded: Loaded, counts: np.ndarray, chunk: int, fn: str = "count") -> int:
    """One job over all of `counts`; the status."""
    inside = np.zeros((max(pool.threads, 1), 8), np.int64)
    par = PAR(pool.par)
    return int(par(pool.context, loaded.address(fn), counts.ctypes.data, len(counts), chunk, inside.ctypes.data, 64))


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize(("n", "chunk"), [(0, 4), (1, 4), (4, 4), (5, 4), (1000, 1), (1000, 7), (1000, 5000), (9, 0)])
def test_each_element_once(pool: Pool, loaded: Loaded, threads: int, n: int, chunk: int) -> None:
    pool.start(threads)
    assert pool.threads == threads
    counts = np.zeros(n, np.int64)
    for _ in range(20):
        assert count(pool, loaded, counts, chunk) == 0
    np.testing.assert_array_equal(counts, 20)


@pytest.mark.parametrize("pause", [0.0, 0.002])
def test_many_jobs_with_and_without_sleep_between(pool: Pool, loaded: Loaded, pause: float) -> None:
    """After a pause the workers sleep; without one they spin, or are just lying down."""
    pool.start(3)
    counts = np.zeros(64, np.int64)
    jobs = 100 if pause else 5000
    for _ in range(jobs):
        assert count(pool, loaded, counts, 5) == 0
        time.sleep(pause)
    np.testing.assert_array_equal(counts, jobs)


def test_the_bits_of_all_results_come_back(pool: Pool, loaded: Loaded) -> None:
    for threads in (1, 2):
        pool.start(threads)
        assert count(pool, loaded, np.zeros(9, np.int64), 1, "status") == 0b111111111
        assert count(pool, loaded, np.zeros(1, np.int64), 1, "status") == 1


def test_a_job_inside_of_a_job_runs_on_its_own_thread(pool: Pool, loaded: Loaded) -> None:
    pool.start(3)
    counts = np.zeros(32 * 16, np.int64)
    inside = np.zeros((3, 8), np.int64)
    args = (ctypes.c_void_p * 3)(pool.par, pool.context, counts.ctypes.data)
    for _ in range(50):
        assert PAR(pool.par)(pool.context, loaded.address("nested"), args, 32, 1, inside.ctypes.data, 64) == 0
    np.testing.assert_array_equal(counts, 50)


def test_several_python_threads_at_once(pool: Pool, loaded: Loaded) -> None:
    pool.start(2)
    arrays = [np.zeros(500, np.int64) for _ in range(4)]
    statuses: list[int] = []

    def work(counts: np.ndarray) -> None:
        for _ in range(300):
            statuses.append(count(pool, loaded, counts, 10))

    threads = [threading.Thread(target=work, args=(each,)) for each in arrays]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) == {0}
    for each in arrays:
        np.testing.assert_array_equal(each, 300)


def test_resized_while_jobs_run(pool: Pool, loaded: Loaded) -> None:
    counts = np.zeros(300, np.int64)
    statuses: list[int] = []
    inside = np.zeros((MAX_THREADS, 8), np.int64)  # whatever the number of threads
    par, fn = PAR(pool.par), loaded.address("count")

    def work() -> None:
        for _ in range(2000):
            statuses.append(par(pool.context, fn, counts.ctypes.data, 300, 7, inside.ctypes.data, 64))

    thread = threading.Thread(target=work)
    thread.start()
    sizes = 0
    while thread.is_alive():
        pool.start((1, 2, 4, 3)[sizes % 4])
        sizes += 1
    assert sizes > 1 and set(statuses) == {0}
    np.testing.assert_array_equal(counts, 2000)


def test_the_workers_are_as_many_as_asked_and_end(pool: Pool) -> None:
    before = threading.active_count()
    pool.start(5)
    assert threading.active_count() == before + 4
    pool.start(2)
    assert threading.active_count() == before + 1
    pool.stop()
    assert threading.active_count() == before


def test_the_settings_say_how_many() -> None:
    with config.change_flags(threads=3):
        assert thread_count() == 3
    with config.change_flags(threads=10**6):
        assert thread_count() == MAX_THREADS
    with config.change_flags(threads=0):
        assert thread_count() == len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    with config.change_flags(threads=2):
        assert shared() is shared() and shared().threads == 2
    with config.change_flags(threads=1):
        assert shared().threads == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_works_alone_until_it_asks(loaded: Loaded) -> None:
    code = """
import os, numpy as np
import tests.native.test_pool as t
pool = t.shared()
pool.start(3)
loaded = t.build(t.CODE.replace("$", t.host().triple), ["count", "status", "nested"])
counts = np.zeros(100, np.int64)
t.count(pool, loaded, counts, 3)
child = os.fork()
if child == 0:
    assert pool.threads == 1
    t.count(pool, loaded, counts, 3)
    pool.start(2)
    assert pool.threads == 2
    for _ in range(100):
        t.count(pool, loaded, counts, 3)
    os._exit(0 if (counts == 102).all() else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
t.count(pool, loaded, counts, 3)
assert pool.threads == 3 and (counts == 2).all()
"""
    assert run(code) == ""


@pytest.mark.parametrize("end", ["", "sys.exit(0)", "import os; os._exit(0)", "time.sleep(0.05)"])
def test_python_ends_with_workers_running(end: str) -> None:
    """Spinning, asleep, at work: the interpreter does not wait for them, and nothing is freed under them."""
    code = f"""
import sys, time, threading, numpy as np
import tests.native.test_pool as t
pool = t.shared()
pool.start(4)
loaded = t.build(t.CODE.replace("$", t.host().triple), ["count", "status", "nested"])
counts = np.zeros(1000000, np.int64)
threading.Thread(target=t.count, args=(pool, loaded, counts, 1000), daemon=True).start()
t.count(pool, loaded, np.zeros(100, np.int64), 3)
{end}
"""
    assert run(code) == ""


def run(code: str) -> str:
    """What a new process complains about."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code]  # of fork beside threads
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_code_for_other_machines(name: str) -> None:
    assert object_for(code(HOSTS[name].triple), HOSTS[name])
