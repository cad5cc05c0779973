"""ProfileStats: how often a function ran and how long it took."""

from __future__ import annotations

import threading
from typing import Any


class ProfileStats:
    """Counts and times (seconds) of the calls of a function compiled with profile=True."""

    def __init__(self, message: str | None = None):
        self.message = message
        self.fct_callcount = 0
        self.fct_call_time = 0.0
        self.compile_time = 0.0
        self._lock = threading.Lock()

    @staticmethod
    def of(profile: Any) -> ProfileStats | None:
        """The `profile` argument of function(): None or False for none, True, a message, or a ProfileStats."""
        if profile is None or profile is False:
            return None
        if isinstance(profile, ProfileStats):
            return profile
        return ProfileStats(profile if isinstance(profile, str) else None)

    def record(self, seconds: float) -> None:
        """Adds one call."""
        with self._lock:
            self.fct_callcount += 1
            self.fct_call_time += seconds

    def summary(self) -> str:
        """The totals as text."""
        mean = self.fct_call_time / self.fct_callcount if self.fct_callcount else 0.0
        return "\n".join(
            [
                "Function profiling",
                f"  Message: {self.message or ''}",
                f"  Time in {self.fct_callcount} calls to Function.__call__: {self.fct_call_time:e}s ({mean:e}s each)",
                f"  Total compile time: {self.compile_time:e}s",
            ]
        )
