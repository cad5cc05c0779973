"""The entry among threads and processes: atomic updates, the GIL released in long work, arenas for everyone, forks."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from symtheano.compile.target.native.arenas import CELLS, pool
from symtheano.compile.target.native.callable import Entry, available, bind, fast_type, region
from symtheano.compile.target.native.llvm import Function
from symtheano.compile.target.native.signature import Input, Output, Signature
from tests.native.entries import Target, accumulate, add_up, callable_of, compiled, counter, element

pytestmark = pytest.mark.skipif(available() is not None, reason=str(available()))


@pytest.fixture(autouse=True)
def _restless() -> Iterator[None]:
    """Threads take turns as often as they can; nobody leaves an arena taken."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
    assert pool().usage().taken == 0


def together(*jobs: Any) -> None:
    """Runs jobs in threads of their own; what one raises is raised here."""
    problems: list[BaseException] = []

    def guarded(job: Any) -> None:
        try:
            job()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


# ------------------------------------------------------------------------------------------------------------- updates


def locked(signature: Signature, body: Any, cell: list[Any], lock: Any) -> Any:
    """An object whose fallback makes the same update in Python, slowly, while it holds the lock."""

    def fallback(self: Target, x: Any) -> Any:
        with lock:
            new = cell[0] + x
            time.sleep(0)
            cell[0] = new
            self.calls.append(((), {}))
            return []

    f = fast_type(Target)()
    bind(f, Entry(compiled(signature, body), signature, [cell], [lock], fallback=fallback))
    return f


NEW = Signature(
    (Input("float64", (None,), cell=0), Input("float64", (), 0)), (Output("float64", 1),), (), stored=((0, 0),)
)


@pytest.mark.parametrize(("signature", "body"), [(counter(), accumulate), (NEW, add_up)], ids=["in place", "new array"])
def test_updates_are_atomic(signature: Signature, body: Any) -> None:
    """Machine code, its fallback, and other code that holds the lock while it lets other threads run."""
    cell, lock, one = [np.zeros(3)], threading.RLock(), np.array(1.0)
    f = locked(signature, body, cell, lock)
    rounds, made, finished = 1000, [], threading.Event()
    start = threading.Barrier(3)

    def call() -> None:
        start.wait()
        count = 0
        while not finished.is_set():
            f(one)
            count += 1
        made.append(count)

    def other() -> None:
        start.wait()
        for _ in range(rounds):
            with lock:
                value = cell[0].copy()
                time.sleep(1e-5)
                cell[0] = value + 1
            time.sleep(1e-5)  # nobody else would get the lock otherwise
        finished.set()

    together(call, call, other)
    assert cell[0].tolist() == [sum(made) + rounds] * 3
    assert f.calls, "no call met a lock that was held"
    assert len(f.calls) < sum(made), "all calls met a lock that was held"


def test_finalizers_that_run_during_a_call_do_no_harm() -> None:
    """Making the list of results may start the garbage collector, which may run anything: before anything is read."""
    cell, lock = [np.zeros(3)], threading.RLock()
    f = locked(NEW, add_up, cell, lock)
    one, extra = np.array(1.0), []

    class Meddler:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            f(one)
            cell[0] = cell[0] + 1
            extra.append(2)

    before = gc.get_threshold()
    try:
        gc.set_threshold(2, 2, 2)
        for _ in range(3000):
            Meddler()
            f(one)
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert len(extra) == 3000 and cell[0].tolist() == [3000 + sum(extra)] * 3


def test_the_end_of_an_old_value_may_call_again() -> None:
    cell, one = [np.zeros(2)], np.array(1.0)
    f = locked(NEW, add_up, cell, threading.RLock())
    deaths = []

    class Owner:
        def __init__(self, array: Any) -> None:
            self.array, self.__array_interface__ = array, array.__array_interface__

        def __del__(self) -> None:
            deaths.append(cell[0].tolist())
            f(one)

    cell[0] = np.asarray(Owner(np.array([5.0, 6.0])))
    f(one)
    assert deaths == [[6, 7]] and cell[0].tolist() == [7, 8] and not f.calls


# ------------------------------------------------------------------------------------------------------------- waiting


def waiting(f: Function, signature: Signature) -> None:
    """Fills its arena with the second input, waits until the first one is not 0, and looks at the arena again.

    A third input counts who has come so far. Status 1: it has waited too long, or somebody else wrote there.
    """
    frame = signature.frame
    arena, size = f.slot("%frame", frame.arena, "ptr"), f.slot("%frame", frame.bytes)
    mark = f.load("i8", f.slot("%frame", frame.inputs[1], "ptr"), 1)
    f.intrinsic("llvm.memset.p0.i64", "void", [("ptr", arena), ("i8", mark), ("i64", size), ("i1", "false")])
    flag = f.slot("%frame", frame.inputs[0], "ptr")
    if len(frame.inputs) > 2:
        f.emit(f"atomicrmw add ptr {f.slot('%frame', frame.inputs[2], 'ptr')}, i64 1 seq_cst")
    again, go, tired, check = (f.label(name) for name in ("again", "go", "tired", "check"))
    before = f.block
    f.jump(again)
    f.start(again)
    place = len(f.lines)
    raised = f.emit(f"icmp ne i64 {f.emit(f'load atomic i64, ptr {flag} seq_cst, align 8')}, 0")
    f.branch(raised, go, check)
    f.start(check)
    following = f.emit("add i64 %turns, 1")
    f.lines.insert(place, f"  %turns = phi i64 [0, %{before}], [{following}, %{check}]")
    f.branch(f.emit(f"icmp ugt i64 {following}, {10**10}"), tired, again)
    f.start(tired)
    f.ret("1")
    f.start(go)

    def same(i: str, sums: list[str]) -> list[str]:
        differs = f.emit(f"icmp ne i8 {f.load('i8', f.gep(arena, i), 1)}, {mark}")
        return [f.emit(f"or i1 {sums[0]}, {differs}")]

    (wrong,) = f.loop("0", size, 1, [("i1", "false")], same)
    kind, out = element(f, frame.outputs[0], "int64", "0")
    f.store(kind, f.emit(f"ptrtoint ptr {arena} to i64"), out, 8)
    f.ret(f.emit(f"zext i1 {wrong} to i32"))


def waiter(bytes_: int, counting: bool = False) -> Any:
    """(flag, mark[, count]) -> the address of its arena, once the flag is raised."""
    inputs = Input("int64", (), 0), Input("int8", (), 1), Input("int64", (), 2)
    signature = Signature(inputs if counting else inputs[:2], (Output("int64", 0),), (0,), "only")
    return callable_of(signature, compiled(signature, waiting, bytes_, work=10**6))


def test_long_work_releases_the_gil() -> None:
    f, flag = waiter(0), np.array(0)

    def raise_it() -> None:
        time.sleep(0.01)
        flag[...] = 1

    other = threading.Thread(target=raise_it)
    other.start()
    assert f(flag, np.array(1, np.int8)) != "python"
    other.join()


def test_a_region_releases_it_too() -> None:
    signature = Signature((Input("int64", (), cell=0), Input("int8", (), 0)), (Output("int64", 0),), (0,))
    code = compiled(signature, waiting, 10, work=10**6)
    r, flag = region(code, signature), np.array(0)
    other = threading.Timer(0.01, lambda: flag.__setitem__((), 1))
    other.start()
    assert r(flag, np.array(1, np.int8)) is not None
    other.join()


@pytest.mark.parametrize("bytes_", [2000, 200_000])
def test_everybody_gets_scratch_memory_of_their_own(bytes_: int) -> None:
    f, flag, arrived, count = waiter(bytes_, counting=True), np.array(0), np.array(0), CELLS + 4
    places: list[Any] = []

    def job(mark: int) -> None:
        places.append(f(flag, np.array(mark, np.int8), arrived))

    def watch() -> None:
        deadline = time.monotonic() + 30
        while arrived < count and time.monotonic() < deadline:
            time.sleep(0.001)
        taken.append(pool().usage().taken)
        flag[...] = 1

    taken: list[int] = []
    together(watch, *(lambda k=k: job(k) for k in range(count)))
    assert taken == [CELLS] and "python" not in places
    addresses = sorted(int(p) for p in places)
    assert all(b - a >= bytes_ for a, b in pairwise(addresses))


def test_memory_is_kept_and_given_back() -> None:
    pool().trim()
    assert pool().usage() == (0, 0)
    f, flag, mark = waiter(100_000), np.array(1), np.array(3, np.int8)
    first = int(f(flag, mark))
    assert int(f(flag, mark)) == first and 100_000 <= pool().usage().bytes <= 130_000
    pool().trim()
    assert pool().usage() == (0, 0)
    assert int(f(flag, mark)) % 64 == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_wait_for_its_parents_threads() -> None:
    f, flag, mark = waiter(5000), np.array(0), np.array(3, np.int8)
    results: list[Any] = []
    other = threading.Thread(target=lambda: results.append(f(flag, mark)))
    other.start()
    while pool().usage().taken == 0:
        time.sleep(0.001)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that other threads are not forked is what we want to see
        child = os.fork()
    if child == 0:
        code = 1
        try:
            alone = pool().usage().taken == 0
            flag[...] = 1
            code = 0 if alone and f(flag, mark) != "python" and pool().usage().taken == 0 else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    flag[...] = 1
    other.join()
    assert results and results[0] != "python"
