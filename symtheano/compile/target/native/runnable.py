"""What it takes to run a compiled function: machine code, signatures, the host program. No graph, no plan."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from symtheano.compile.target.native import callable as calls
from symtheano.compile.target.native.gemm import library
from symtheano.compile.target.native.host import Host, load_host
from symtheano.compile.target.native.pool import shared as shared_pool
from symtheano.compile.target.native.region import PRODUCTS
from symtheano.compile.target.native.signature import Signature
from symtheano.compile.target.native.toolchain import Loaded


@dataclass(frozen=True)
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

    def load(self, cells: Sequence[list[Any]], other: Callable[..., Any]) -> Callable[..., Any]:
        """The host program over the storages of the shared variables. other: the NumPy program."""
        regions = [
            calls.region(self.loaded, signature, sizes, body, self._outer()) for sizes, body, signature in self.regions
        ]
        return load_host(self.host, cells, regions, other)

    def bind(self, target: Any, cells: Sequence[list[Any]], locks: Sequence[Any], fallback: Callable[..., Any]) -> None:
        """Calls of `target`, an instance of a fast type, go straight into machine code."""
        assert self.entry is not None
        sizes, body, _ = self.regions[0]
        entry = calls.Entry(
            self.loaded,
            self.entry,
            [cells[k] for k in self.cells],
            [locks[k] for k in self.cells],
            list(self.constants),
            fallback,
            self._outer(),
            sizes=sizes,
            body=body,
        )
        calls.bind(target, entry)

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
