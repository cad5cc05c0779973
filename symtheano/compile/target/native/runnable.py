"""What it takes to run a compiled function: machine code, signatures, the host program. No graph, no plan."""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from symtheano.compile.target.native import callable as calls
from symtheano.compile.target.native.gemm import library
from symtheano.compile.target.native.host import Host, load_host
from symtheano.compile.target.native.launched import PRODUCTS
from symtheano.compile.target.native.pool import shared as shared_pool
from symtheano.compile.target.native.signature import Signature
from symtheano.compile.target.native.toolchain import Loaded


@dataclass(eq=False)
class Runnable:
    """regions: their functions `sizes` and `body` by name, and their signatures. products: the loops they call.

    entry: the signature of the entry point, where all of the function is one region; cells and constants: what its
    numbers mean (numbers of shared variables; arrays).
    """

    loaded: Loaded
    host: Host
    regions: tuple[tuple[str, str, Signature], ...]
    products: tuple[str, ...]
    entry: Signature | None
    cells: tuple[int, ...]
    constants: tuple[Any, ...]
    pending: bool = False  # better code is being made
    improved: threading.Event = field(default_factory=threading.Event, repr=False)  # it has taken over
    _users: list[tuple[weakref.ref[Any], str, str]] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def load(self, cells: Sequence[list[Any]], other: Callable[..., Any]) -> Callable[..., Any]:
        """The host program over the storages of the shared variables. other: the NumPy program."""
        outer = self._outer()
        with self._lock:
            regions = [calls.region(self.loaded, signature, s, b, outer) for s, b, signature in self.regions]
            self._users += [(weakref.ref(one), s, b) for one, (s, b, _) in zip(regions, self.regions, strict=True)]
        return load_host(self.host, cells, regions, other)

    def bind(self, target: Any, cells: Sequence[list[Any]], locks: Sequence[Any], fallback: Callable[..., Any]) -> None:
        """Calls of `target`, an instance of a fast type, go straight into machine code."""
        assert self.entry is not None
        sizes, body, _ = self.regions[0]
        mine, held, arrays = [cells[k] for k in self.cells], [locks[k] for k in self.cells], list(self.constants)
        with self._lock:
            entry = calls.Entry(
                self.loaded, self.entry, mine, held, arrays, fallback, self._outer(), sizes=sizes, body=body
            )
            calls.bind(target, entry)
            self._users.append((weakref.ref(target), sizes, body))

    @property
    def used(self) -> bool:
        """Whether the function is still there, or not made yet."""
        with self._lock:
            return not self._users or any(user() is not None for user, _, _ in self._users)

    def improve(self, loaded: Loaded) -> None:
        """Other machine code of the same meaning takes over, for all who call it."""
        with self._lock:
            self.loaded = loaded
            for user, sizes, body in self._users:
                target = user()
                if target is not None:
                    calls.improve(target, loaded, sizes, body)
        self.improved.set()

    def _outer(self) -> int:
        for name in self.products:
            _table()[PRODUCTS[name]] = library.address(name)
        return outer_table()


@cache
def _table() -> Any:
    return (ctypes.c_uint64 * 8)()


def outer_table() -> int:
    """The address of the table of functions that regions call: see the slots in region.py.

    There is one for the process. Its number of threads is that of the settings when a function was last compiled.
    """
    table, pool = _table(), shared_pool()
    table[0], table[1], table[2] = pool.par, pool.context, pool.threads
    return ctypes.addressof(table)
