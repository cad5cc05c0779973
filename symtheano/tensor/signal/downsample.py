"""The name of pooling before Theano 1.0, which older programs import: `theano.tensor.signal.downsample.max_pool_2d`."""

from __future__ import annotations

from typing import Any

from symtheano.tensor.signal.pool import Pool, max_pool_2d_same_size

__all__ = ["max_pool_2d", "max_pool_2d_same_size"]


def max_pool_2d(
    input: Any,
    ds: Any,
    ignore_border: bool | None = None,
    st: Any = None,
    padding: Any = (0, 0),
    mode: str = "max",
) -> Any:
    """`pool_2d` with its older names: ds for ws, st for stride, padding for pad. ignore_border=None means False."""
    return Pool(bool(ignore_border), mode, 2)(input, ds, st, padding)
