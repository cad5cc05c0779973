"""Quick code first: kernels are generated at LLVM's lowest level, and in the background once more at the better one.

Both do the same arithmetic, operation by operation, so results are the same to the last bit. The background waits until
no function was compiled for a moment: LLVM works for one thread at a time. What is kept on disk is the better code.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable

from symtheano.compile.target.native.llvm import Part
from symtheano.compile.target.native.runnable import Runnable
from symtheano.compile.target.native.toolchain import Loaded, build, last_build

CALM = 0.05  # seconds without a compilation, after which the background may begin
PATIENCE = 2.0  # seconds, after which it begins anyhow


class Better:
    """Work for the background: better machine code for one function. done: called when it is in use."""

    def __init__(self, runnable: Runnable, parts: tuple[Part, ...], exports: list[str], done: Callable[[], None]):
        self._runnable, self._parts, self._exports, self._done = weakref.ref(runnable), parts, exports, done

    def work(self, closing: Callable[[], bool]) -> None:
        """Waits for a calm moment, generates, and hands over."""
        start = time.monotonic()
        while time.monotonic() - last_build() < CALM and time.monotonic() - start < PATIENCE:
            if closing():
                return
            time.sleep(CALM / 5)
        if self._runnable() is None or closing():
            return
        loaded: Loaded = build(self._parts, self._exports)
        runnable = self._runnable()
        if runnable is not None:
            runnable.improve(loaded)
            self._done()
