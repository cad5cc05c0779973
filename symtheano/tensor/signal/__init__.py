"""Theano's `theano.tensor.signal`: pooling (`pool`) and the convolution of single images (`conv`)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

SUBMODULES = ("conv", "downsample", "pool")


def __getattr__(name: str) -> Any:
    """Modules that are loaded when they are first named, as in T.signal.pool.pool_2d."""
    if name in SUBMODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
