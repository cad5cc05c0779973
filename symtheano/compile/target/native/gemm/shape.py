"""How a matrix product is cut: the register tile of the processor, and the blocks around it.

A tile is `tall` or `short` rows by some vectors of accumulators: all of them, one row of B and one number of A fit the
registers, and there are enough to hide the latency of a multiply-add.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from symtheano.compile.target.native.llvm import LLVM_TYPES, Host, vector


@dataclass(frozen=True)
class Shape:
    """lanes: of one vector. tall, short: rows of a tile; any number of rows is made of these, the last one cut.

    widths: vectors side by side, the most first; fewer are for the columns that are left.
    """

    dtype: str
    lanes: int
    widths: tuple[int, ...]
    masks: bool
    fma: bool
    tall: int = 6
    short: int = 4

    @property
    def type(self) -> str:
        """Of an element, in LLVM."""
        return LLVM_TYPES[self.dtype]

    @property
    def vector(self) -> str:
        """The type of a vector."""
        return vector(self.type, self.lanes)

    @property
    def suffix(self) -> str:
        """Of the names of intrinsics on vectors."""
        return f"v{self.lanes}f{8 * self.size}"

    @property
    def size(self) -> int:
        """Bytes of an element."""
        return np.dtype(self.dtype).itemsize

    @property
    def columns(self) -> int:
        """Of the widest tile."""
        return self.lanes * self.widths[0]

    @property
    def panel(self) -> int:
        """Columns of a panel: as many tiles side by side as fill `row` bytes."""
        return self.row // self.size

    @property
    def row(self) -> int:
        """Bytes of one row of a panel, on all machines: rows of A serve for so many columns at a time."""
        return 256

    @property
    def block(self) -> int:
        """Rows whose sums are complete before the epilogue takes them: they stay in the first cache."""
        return 8 * self.tall

    @property
    def block_rows(self) -> int:
        """The most rows of a block: what is left behind the last one joins it, if that is little."""
        return self.block + 2 * self.short

    @property
    def collected(self) -> int:
        """Rows of A that are collected at a time: enough to make good for a panel of B that is collected for them."""
        return 8 * self.block


def shape_for(host: Host, dtype: str) -> Shape:
    """The tile for the host's registers."""
    size = np.dtype(dtype).itemsize
    arm = host.triple.startswith(("aarch64", "arm64"))
    width = 64 if host.masks else 32 if "+avx" in host.features.split(",") else 16
    widths = (4, 2, 1) if host.masks or arm else (2, 1)
    return Shape(dtype, width // size, widths, host.masks, host.fma)
