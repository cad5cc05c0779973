"""Which target a function is compiled for. The native one is loaded only where it is chosen."""

from __future__ import annotations

import re
import warnings
from functools import cache
from importlib import import_module
from types import ModuleType

from symtheano.compile.mode import Mode
from symtheano.config import config

_OLDEST = (0, 44)  # of llvmlite


def chosen(mode: Mode) -> ModuleType | None:
    """The native target's module; None for the NumPy target."""
    wanted = mode.target or config.target
    if wanted == "numpy" or config.numpy.seterr_all != "ignore" or mode.linker in ("py", "numpy"):
        return None
    problem = missing()
    if problem is not None:
        _notice(problem)
        return None
    return import_module("symtheano.compile.target.native.target")


@cache
def missing() -> str | None:
    """Why there is no machine code here; None: there is."""
    try:
        import_module("llvmlite.binding")
        version = import_module("llvmlite").__version__
    except ModuleNotFoundError as problem:
        return "is not installed" if problem.name in ("llvmlite", None) else f"cannot be loaded ({problem})"
    except Exception as problem:  # its library: of another processor, without its own libraries, ...
        return f"cannot be loaded ({type(problem).__name__}: {problem})"
    known = re.match(r"(\d+)\.(\d+)", version)
    if known is not None and (int(known[1]), int(known[2])) < _OLDEST:
        return f"is {version}, and too old: {'.'.join(map(str, _OLDEST))} is needed"
    return None


@cache
def _notice(problem: str) -> None:
    warnings.warn(
        f"llvmlite {problem}: functions run as NumPy programs. pip install 'symtheano[native]' makes them "
        "machine code; SYMTHEANO_FLAGS=target=numpy says that NumPy is what you want",
        UserWarning,
        stacklevel=5,  # of this, chosen, make_function, function
    )
