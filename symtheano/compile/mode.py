"""Mode: which rules rewrite a graph, and which target runs it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

from symtheano.compile.rules import PHASES
from symtheano.config import config
from symtheano.errors import explain

_LINKERS = ("cvm", "vm", "py", "c", "c|py", "cvm_nogc", "vm_nogc", "c|py_nogc", "numpy", None)
_TARGETS = (None, "native", "numpy")
_OPTIMIZERS = (
    "default",
    "fast_run",
    "fast_compile",
    "merge",
    "None",
    None,
    "o1",
    "o2",
    "o3",
    "o4",
    "stabilize",
    "unsafe",
    "fast_run_stable",
)
_PHASES_OF: dict[Any, tuple[str, ...]] = {
    "merge": (),
    "None": (),
    None: (),
    "o1": ("canonicalize", "stabilize"),
    "fast_compile": ("canonicalize", "stabilize"),
    "stabilize": ("canonicalize", "stabilize"),
}


_MODES = "pass mode='FAST_RUN', 'FAST_COMPILE', or Mode(linker, optimizer); see also register_mode"


def _listed(names: Iterable[Any]) -> str:
    return ", ".join(dict.fromkeys(map(repr, names)))


class Mode:
    """How a function is compiled.

    linker: Theano's names are accepted; "py" and "numpy" choose the NumPy target. target: "native" (machine code),
    "numpy", or None: what config.target says. optimizer: "fast_run" (all phases), "fast_compile" (canonicalize and
    stabilize), None (the graph as written, closed and merged). tiered: whether a function answers at once, by NumPy,
    while its machine code is made in the background. memory_budget: bytes that loops may keep for their gradients,
    where lengths that are not known count as 32 and numbers of steps as 100 (-1: what is dear to compute again, 0:
    nothing; None: what config.scan.memory_budget says).
    `including` and `excluding` take names of rules and of phases.
    """

    def __init__(
        self,
        linker: str | None = None,
        optimizer: str | None = "default",
        target: str | None = None,
        tiered: bool = False,
        memory_budget: int | None = None,
    ):
        if linker not in _LINKERS:
            raise ValueError(explain(f"No linker is called {linker!r}", remedy=f"choose one of {_listed(_LINKERS)}"))
        if optimizer not in _OPTIMIZERS:
            remedy = f"choose one of {_listed(_OPTIMIZERS)}"
            raise ValueError(explain(f"No optimizer is called {optimizer!r}", remedy=remedy))
        if target not in _TARGETS:
            raise ValueError(explain(f"No target is called {target!r}", remedy=f"choose one of {_listed(_TARGETS)}"))
        self.linker = linker
        self.provided_optimizer = optimizer
        self.target = target
        self.tiered = bool(tiered)
        self.memory_budget = memory_budget
        self.included: frozenset[str] = frozenset()
        self.excluded: frozenset[str] = frozenset()

    @property
    def optimizer(self) -> str | None:
        """The name of the set of rules."""
        return config.optimizer if self.provided_optimizer == "default" else self.provided_optimizer

    def clone(self) -> Mode:
        """A mode of its own with the same settings."""
        new = Mode(self.linker, self.provided_optimizer, self.target, self.tiered, self.memory_budget)
        new.included, new.excluded = self.included, self.excluded
        return new

    def including(self, *tags: str) -> Mode:
        """This mode with rules or phases of these names."""
        new = self.clone()
        new.included, new.excluded = self.included | set(tags), self.excluded - set(tags)
        return new

    def excluding(self, *tags: str) -> Mode:
        """This mode without rules or phases of these names."""
        new = self.clone()
        new.excluded, new.included = self.excluded | set(tags), self.included - set(tags)
        return new

    requiring = including

    def phases(self) -> list[tuple[str, tuple[Any, ...]]]:
        """The phases in order, each with its rules."""
        excluded = self.excluded | set(filter(None, config.optimizer_excluding.split(":")))
        included = self.included | set(filter(None, config.optimizer_including.split(":")))
        wanted = _PHASES_OF.get(self.optimizer, tuple(PHASES))
        result = []
        for name, rules in PHASES.items():
            whole = (name in wanted or name in included) and name not in excluded
            chosen = tuple(r for r in rules if (whole or r.name in included) and r.name not in excluded)
            if chosen:
                result.append((name, chosen))
        return result

    def __str__(self) -> str:
        return f"{type(self).__name__}(linker = {self.linker}, optimizer = {self.optimizer})"

    def _key(self) -> tuple[Any, ...]:
        settings = (self.linker, self.optimizer, self.target, self.tiered, self.memory_budget)
        return (type(self), *settings, self.included, self.excluded)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mode) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


FAST_RUN = Mode("cvm", "fast_run")
FAST_COMPILE = Mode("py", "fast_compile")

predefined_modes: dict[str, Mode] = {
    "FAST_RUN": FAST_RUN,
    "FAST_COMPILE": FAST_COMPILE,
    "Mode": Mode(),
    "DebugMode": Mode("py", "fast_run"),
    "DEBUG_MODE": Mode("py", "fast_run"),
    "NanGuardMode": Mode("py", "fast_run"),
}
_UNCHECKED = ("DebugMode", "DEBUG_MODE", "NanGuardMode")  # programs that name them run, but nothing is checked yet
predefined_linkers = {name: name for name in _LINKERS}
predefined_optimizers = {name: name for name in _OPTIMIZERS}


def get_mode(orig_string: Mode | str | None) -> Mode:
    """The mode of that name; config.mode for None; a Mode as it is.

    Raises TypeError for other values, and an Exception that lists the names for an unknown one.

    >>> print(get_mode('FAST_COMPILE'))
    Mode(linker = py, optimizer = fast_compile)
    """
    if isinstance(orig_string, Mode):
        return orig_string
    name = config.mode if orig_string is None else orig_string
    if not isinstance(name, str):
        problem = f"A mode is the name of one, or a Mode; got {name!r} of type {type(name).__name__}"
        raise TypeError(explain(problem, remedy=_MODES))
    mode = predefined_modes.get(name)
    if mode is None:
        operands = [f"there are: {', '.join(predefined_modes)}"]
        raise Exception(explain(f"No predefined mode exist for string: {name}", operands=operands, remedy=_MODES))
    if name in _UNCHECKED:
        warnings.warn(f"{name} checks nothing yet: the function runs as FAST_RUN does", UserWarning, stacklevel=3)
    return mode


def get_default_mode() -> Mode:
    """The mode that config.mode names."""
    return get_mode(None)


def register_mode(name: str, mode: Mode) -> None:
    """Adds a mode that can be asked for by name."""
    if name in predefined_modes:
        raise ValueError(f"Mode name already taken: {name}")
    predefined_modes[name] = mode
