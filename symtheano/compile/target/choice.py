"""Which target a function is compiled for. The native one is loaded only where it is chosen."""

from __future__ import annotations

import warnings
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from symtheano.compile.mode import Mode
from symtheano.config import config


def chosen(mode: Mode) -> ModuleType | None:
    """The native target's module; None for the NumPy target."""
    wanted = mode.target or config.target
    if wanted == "numpy" or config.numpy.seterr_all != "ignore" or mode.linker in ("py", "numpy"):
        return None
    if find_llvmlite() is None:
        _notice()
        return None
    return import_module("symtheano.compile.target.native.target")


@cache
def find_llvmlite() -> str | None:
    """Where llvmlite is; None where it is not installed."""
    spec = find_spec("llvmlite")
    return None if spec is None else spec.origin


@cache
def _notice() -> None:
    warnings.warn(
        "llvmlite is not installed: functions run as NumPy programs. pip install 'symtheano[native]' makes them "
        "machine code; SYMTHEANO_FLAGS=target=numpy says that NumPy is what you want",
        UserWarning,
        stacklevel=4,
    )
