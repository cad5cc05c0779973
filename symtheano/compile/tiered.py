"""Tiering: the NumPy program answers at once, while machine code is made in the background (`Mode(tiered=True)`).

One thread of the process makes what waits, one function after the other, and ends when nothing waits. When code is
there the function's calls go to it; calls that run meanwhile end as they began. A function that is gone before its turn
is left out. What cannot be made is told once, as a warning of the next call, and the NumPy program stays.

At the interpreter's end the thread finishes the function it is at and no other. A forked child goes on with what was
waiting as soon as it compiles another function, or waits for one.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

Program = Callable[..., Any]


class Work(Protocol):
    """What the thread can do."""

    def work(self, closing: Callable[[], bool]) -> None: ...

    def close(self) -> None: ...


class Tier:
    """What runs behind a function's checks: its NumPy program, and later its machine code.

    finish: makes the machine code. takes_over: gives, as long as the function lives, what makes machine code its own
    and returns the program that runs it.
    """

    def __init__(
        self, program: Program, finish: Callable[[], Any], takes_over: Callable[[], Callable[[Any], Program] | None]
    ) -> None:
        self._program = self._run = program
        self._finish, self._takes_over = finish, takes_over
        self._done = threading.Event()
        self.state = "machine code: not made yet"

    def __call__(self, *args: Any) -> Any:
        return self._run(*args)

    def later(self) -> None:
        """Machine code is wanted."""
        worker.add(self, first=True)

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until machine code is there, or cannot be; whether that is so."""
        worker.wake()
        return self._done.wait(timeout)

    def work(self, closing: Callable[[], bool]) -> None:
        """Makes the machine code: the background thread does this."""
        try:
            if self._takes_over() is not None:
                made = self._finish()
                take_over = self._takes_over()
                if take_over is not None and not closing():
                    self._run, self.state = take_over(made), ""
        except Exception as problem:
            self.state = f"machine code: could not be made: {type(problem).__name__}: {problem}"
            self._run = self._warner()
        finally:
            self._done.set()

    def close(self) -> None:
        """The interpreter ends: no machine code is needed any more."""

    def _warner(self) -> Program:
        """The NumPy program, whose first call tells the problem."""

        def run(*args: Any) -> Any:
            self._run = self._program
            text = f"The function goes on as a NumPy program. {self.state.capitalize()}"
            warnings.warn(text, UserWarning, stacklevel=5)  # of this, Tier.__call__, the entry, Function.__call__
            return self._program(*args)

        return run


class _Worker:
    """The thread, and what waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Work] = deque()
        self._later: deque[Work] = deque()  # its turn comes when nothing else waits
        self._current: Work | None = None
        self._thread: threading.Thread | None = None
        self._closing = False
        atexit.register(self._close)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._lock.acquire, after_in_parent=self._lock.release, after_in_child=self._forked
            )

    def add(self, work: Work, first: bool = False) -> None:
        """Puts work at the end of the queue. first: of the queue that is served before the other one."""
        with self._lock:
            (self._waiting if first else self._later).append(work)
        self.wake()

    def wake(self) -> None:
        """Starts the thread, if there is work and no thread."""
        with self._lock:
            if (self._waiting or self._later) and self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._loop, name="symtheano tiering", daemon=True)
                self._thread.start()

    def _loop(self) -> None:
        while True:
            with self._lock:
                queue = self._waiting or self._later
                if not queue or self._closing:
                    self._thread = self._current = None
                    return
                self._current = queue.popleft()
            try:
                self._current.work(lambda: self._closing)
            except Exception:  # the others shall have their turn
                sys.excepthook(*sys.exc_info())

    def _close(self) -> None:
        """The interpreter ends: nothing may be inside of LLVM then."""
        with self._lock:
            self._closing, thread = True, self._thread
        if thread is not None:
            thread.join()
        for work in self._waiting:
            work.close()

    def _forked(self) -> None:
        """In a child there is no thread; what it was at is made again."""
        if self._current is not None:
            self._waiting.appendleft(self._current)
        self._thread = self._current = None
        self._lock.release()


worker = _Worker()
