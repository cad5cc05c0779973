"""`import theano`: each row of `theano_modules.MODULES` as a module, whose names are looked up where the row says.

The modules hold no logic. A name is found on first use and then kept; nothing is loaded before a program asks for it.
A name that symtheano does not have raises AttributeError (ImportError in `from theano.x import
name`) with names close to it.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from symtheano.interop.namesakes import Namesake
from symtheano.interop.theano_modules import GONE, MODULES, Source, parse

__all__ = ["attribute", "install_as_theano", "module"]

_ABSENT = object()
_FOREIGN = frozenset(
    {"__future__", "abc", "collections", "collections.abc", "dataclasses", "functools", "types", "typing"}
)


class AliasModule(ModuleType):
    """A module of Theano's tree; `sources` says where its names come from, in order."""

    def __init__(self, path: str):
        super().__init__(path, f"Theano's module {path}: names of symtheano under their paths in Theano.")
        self.__path__: list[str] = []  # so that `from path import name` asks the finder below for what is missing
        self.__spec__ = ModuleSpec(path, None, is_package=True)
        self.__package__ = path

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":
            return [n for n in dir(self) if not n.startswith("_")]
        value = attribute(self.__name__, name)
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return sorted(_names(self.__name__) | {n for n in self.__dict__ if n.startswith("__")})


@cache
def module(path: str) -> ModuleType:
    """The module of this path in Theano. ImportError where symtheano has nothing of it."""
    if not _exists(path):
        raise _no_module(path)
    return AliasModule(path)


def attribute(path: str, name: str) -> Any:
    """The object that Theano has as `name` in the module `path`. AttributeError where symtheano has none."""
    for source in parse(path):
        found, value = _look(source, name)
        if found:
            return value
    if _exists(f"{path}.{name}"):
        return module(f"{path}.{name}")
    raise AttributeError(GONE.get(f"{path}.{name}") or _missing(path, name), name=name)


def _look(source: Source, name: str) -> tuple[bool, Any]:
    """Whether a source has the name, and its value."""
    listed = name in source.names
    if not listed and (not source.every or name.startswith("_")):
        return False, None
    old = source.names.get(name, name)
    if source.module.partition(".")[0] == "theano":
        path = source.module if old == "." else f"{source.module}.{old}"
        return (True, module(path)) if _exists(path) else (False, None)
    if not _present(source.module):
        return False, None
    value = _own(importlib.import_module(source.module), old)
    return value is not _ABSENT and (listed or not _is_foreign(value)), value


def _own(module: ModuleType, name: str) -> Any:
    """A module's attribute, without what it would ask of this table (see namesakes.py)."""
    scope = vars(module)
    ask = scope.get("__getattr__")
    ask = ask.before if isinstance(ask, Namesake) else ask
    try:
        return scope[name] if name in scope or ask is None else ask(name)
    except (AttributeError, KeyError):
        return _ABSENT


def _is_foreign(value: Any) -> bool:
    """Whether a module only imported this for itself."""
    return isinstance(value, ModuleType) or getattr(value, "__module__", None) in _FOREIGN


@cache
def _present(name: str) -> bool:
    """Whether symtheano has a module of this name; looking runs no module but its parents."""
    try:
        return name in sys.modules or importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@cache
def _exists(path: str) -> bool:
    """Whether there is anything in the module `path`: one of its sources, or a module below it."""
    return any(_there(source) for source in parse(path)) or any(_exists(child) for child in _children(path))


def _there(source: Source) -> bool:
    if source.module.partition(".")[0] == "theano":
        return False  # modules of other paths alone make no module
    return _present(source.module)


@cache
def _children(path: str) -> tuple[str, ...]:
    return tuple(p for p in MODULES if p.rpartition(".")[0] == path)


def _names(path: str) -> set[str]:
    """All names of a module that can be had."""
    found = {p.rpartition(".")[2] for p in _children(path) if _exists(p)}
    for source in parse(path):
        found |= {n for n in source.names if _look(source, n)[0]}
        if source.every and _present(source.module):
            found |= _public(importlib.import_module(source.module))
    return found


def _public(module: ModuleType) -> set[str]:
    names: Iterable[str] = getattr(module, "__all__", None) or [n for n in dir(module) if not n.startswith("_")]
    return {n for n in names if not _is_foreign(getattr(module, n, None))}


def _missing(path: str, name: str) -> str:
    close = difflib.get_close_matches(name, () if name.startswith("__") else _names(path), n=4)
    hint = f" Close names there: {', '.join(close)}." if close else ""
    return f"{path}.{name} is not in symtheano (yet).{hint}"


def _no_module(path: str) -> ModuleNotFoundError:
    gone = next((text for old, text in GONE.items() if f"{path}.".startswith(f"{old}.")), None)
    if gone is not None:
        return ModuleNotFoundError(gone)
    parent, _, name = path.rpartition(".")
    if parent and _exists(parent):
        return ModuleNotFoundError(_missing(parent, name))
    return ModuleNotFoundError(f"symtheano has no module {path} (yet).")


class _Finder:
    """Refuses what is missing below `theano` with a message of use; all that is there is in sys.modules already.

    The error names no module: Python's import would swallow it in `from theano.x import name` otherwise.
    """

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        if name.startswith("theano."):
            raise _no_module(name)


def install_as_theano() -> None:
    """Makes `import theano`, and that of all its modules, give symtheano, for the rest of the process.

    Call it before anything imports theano; calling it again does nothing. RuntimeError where another theano is
    loaded already. `python -m symtheano run script.py` calls it first.

    >>> install_as_theano()
    >>> import theano.tensor as T
    >>> from theano.gof.graph import inputs
    >>> inputs([T.dscalar("x") + T.dscalar("y")])
    [x, y]
    """
    present = sys.modules.get("theano")
    if present is not None and not isinstance(present, AliasModule):
        raise RuntimeError(
            f"another theano is loaded already, from {getattr(present, '__file__', 'somewhere')}: "
            "call install_as_theano() before anything imports theano"
        )
    for path in MODULES:
        if _exists(path):
            sys.modules[path] = module(path)
    if not any(f is _Finder for f in sys.meta_path):
        sys.meta_path.insert(0, _Finder)
