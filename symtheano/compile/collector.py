"""The garbage collector, paused while a graph is compiled.

Compiling makes many objects that live on; walking over them again and again took a third of the time of large graphs.
"""

from __future__ import annotations

import gc
import threading
from contextlib import ContextDecorator
from types import TracebackType


class PausedCollector(ContextDecorator):
    """`with paused:` or `@paused` keeps Python's cyclic collector off until the last thread inside has left."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._was_on = False

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._was_on = gc.isenabled()
                gc.disable()
            self._inside += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0 and self._was_on:
                gc.enable()


paused = PausedCollector()
