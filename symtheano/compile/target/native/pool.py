"""Threads of native code: `par` runs a launched function (see layout.py) over chunks of lo..hi, on several cores.

    i32 @par(ptr context, ptr fn, ptr args, i64 n, i64 chunk, ptr scratch, i64 scratch_bytes)

calls fn(args, lo, hi, scratch + number * scratch_bytes) for the chunks [0, chunk), [chunk, 2 chunk) ... of [0, n), and
returns when all are done: 0, or the bits of all results. Chunks that run at the same time have different numbers, from
0 to min(threads, chunks) - 1. Slot THREADS of the context says how many threads there are, the caller counted.

The workers are Python threads that live in native code without the interpreter's lock: they spin for a moment when
there is nothing to do, then sleep on a lock. Chunks are handed out one by one, so a slow core does fewer. One job runs
at a time: whoever calls `par` meanwhile, from a chunk or from another thread, does its own work alone instead of
waiting. So does a forked child, whose workers are gone, until it asks for the pool again (by compiling a function).
"""

from __future__ import annotations

import atexit
import ctypes
import os
import threading
from functools import cache
from weakref import WeakSet

from symtheano.compile.target.native.pool_code import (
    ACQUIRE,
    BUSY,
    DONE,
    MAX_THREADS,
    QUIT,
    RELEASE,
    THREADS,
    TICKET,
    WAITING,
    WORKER_SLOTS,
    WORKERS,
    code,
)
from symtheano.compile.target.native.toolchain import build, host
from symtheano.config import config

SLOTS = WORKERS + MAX_THREADS * WORKER_SLOTS

_pools: WeakSet[Pool] = WeakSet()


def _taken_lock() -> int:
    """One of Python's own locks, which need no interpreter. They are never freed: there are few."""
    allocate, acquire = ctypes.pythonapi.PyThread_allocate_lock, ctypes.pythonapi.PyThread_acquire_lock
    allocate.restype, acquire.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]
    lock = int(allocate())
    acquire(lock, 1)
    return lock


def _address_of(name: str) -> int:
    """A function of Python's C interface."""
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0


def thread_count() -> int:
    """How many threads native code may use: ``config.threads``, or one for each core this process may run on."""
    if config.threads > 0:
        return min(int(config.threads), MAX_THREADS)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MAX_THREADS)


class Pool:
    """Workers and their context. par, context: addresses that stay the same while the pool lives."""

    def __init__(self) -> None:
        self._code = build(code(host().triple), ["par", "worker", "dismiss"])
        self._memory = (ctypes.c_int64 * (SLOTS + 8))()
        base = ctypes.addressof(self._memory)
        self.par = self._code.address("par")
        self.context = base + -base % 64  # so that slots 0..7, 8..15 ... are lines of the cache
        self._slots = (ctypes.c_int64 * SLOTS).from_address(self.context)
        self._slots[ACQUIRE] = _address_of("PyThread_acquire_lock")
        self._slots[RELEASE] = _address_of("PyThread_release_lock")
        self._work = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(self._code.address("worker"))
        self._dismiss = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(self._code.address("dismiss"))
        self._lock = threading.Lock()
        self._workers: list[threading.Thread] = []
        self._asked = 1
        self.forget()
        _pools.add(self)

    @property
    def threads(self) -> int:
        """How many threads share the work, the caller among them."""
        return int(self._slots[THREADS])

    def start(self, threads: int) -> None:
        """Has so many threads from now on (fewer, where the system gives no more). Jobs may be running."""
        with self._lock:
            if threads == self._asked:
                return
            self._quit()
            for index in range(threads - 1):
                lock = WORKERS + index * WORKER_SLOTS + 1
                self._slots[lock] = self._slots[lock] or _taken_lock()
                worker = threading.Thread(target=self._run, args=(index,), name=f"symtheano-{index + 1}", daemon=True)
                try:
                    worker.start()
                except RuntimeError:  # out of threads, or Python is ending
                    break
                self._workers.append(worker)
            self._asked = threads
            self._slots[THREADS] = len(self._workers) + 1

    def stop(self) -> None:
        """Ends the workers; `par` then does all work on the calling thread."""
        self.start(1)

    def forget(self) -> None:
        """No workers, and nobody inside of a job: at the start, and in a forked child."""
        self._lock = threading.Lock()
        self._workers = []
        self._asked = 1
        for slot in (TICKET, WAITING, BUSY, QUIT):
            self._slots[slot] = 0
        self._slots[THREADS] = 1
        self._slots[DONE] = _taken_lock()
        for index in range(MAX_THREADS):
            self._slots[WORKERS + index * WORKER_SLOTS] = self._slots[WORKERS + index * WORKER_SLOTS + 1] = 0

    def _run(self, index: int) -> None:
        """A worker: it holds the pool, so code and context live as long as it runs."""
        self._work(self.context, index)

    def _quit(self) -> None:
        """Ends the workers. One that has a chunk finishes it; the caller of `par` does the rest of the job."""
        self._dismiss(self.context, len(self._workers))
        for worker in self._workers:
            worker.join()
        self._workers = []
        self._slots[QUIT] = 0


def shared() -> Pool:
    """The pool of this process, with as many threads as the settings say now."""
    pool = _shared()
    pool.start(thread_count())
    return pool


@cache
def _shared() -> Pool:
    pool = Pool()
    atexit.register(pool.stop)  # before Python frees what the workers are running
    return pool


def _after_fork() -> None:
    for pool in _pools:
        pool.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
