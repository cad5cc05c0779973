"""Quick code first: kernels are generated at LLVM's lowest level, and in the background once more at the better one.

Both do the same arithmetic, operation by operation, so results are the same to the last bit. The background waits until
no function was compiled for a moment: LLVM works for one thread at a time. What is kept on disk is the better code, or
the quick one where the process ends before.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from symtheano.compile.target.native.runnable import Runnable
from symtheano.compile.target.native.toolchain import Loaded, last_build

CALM = 0.5  # seconds without a compilation, after which the background may begin
PATIENCE = 10.0  # seconds, after which it begins anyhow


class Better:
    """Work for the background: better machine code for one function.

    generate: makes it, and keeps it on disk. keep: keeps the quick code there.
    """

    def __init__(self, runnable: Runnable, generate: Callable[[], Loaded], keep: Callable[[], None]):
        self._runnable, self._generate, self._keep = runnable, generate, keep
        runnable.pending = True

    def work(self, closing: Callable[[], bool]) -> None:
        """Waits for a calm moment, generates, and hands over."""
        start = time.monotonic()
        while self._runnable.used and time.monotonic() - last_build() < CALM and time.monotonic() - start < PATIENCE:
            if closing():
                self._keep()
                return
            time.sleep(CALM / 20)
        if self._runnable.used:
            self._runnable.improve(self._generate())
        else:
            self._keep()

    def close(self) -> None:
        """The interpreter ends before this work began."""
        self._keep()
