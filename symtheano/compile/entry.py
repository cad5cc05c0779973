"""The generated border of a function: cheap input checks, locks of shared variables, floating point warnings off."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from symtheano.compile.io import In
from symtheano.config import config
from symtheano.graph.shared import Container
from symtheano.graph.variable import Variable
from symtheano.tensor.type import TensorType

_quiet = contextvars.copy_context()
_quiet.run(np.seterr, all="ignore")

Call = Callable[..., Any]
_MAX_WITH = 8  # more locks than this are taken by a Guard: Python limits how deep `with` may nest


class Guard:
    """The locks of many containers, taken in one fixed order so that no two functions wait for each other."""

    def __init__(self, containers: Sequence[Container]):
        self._locks = [c.lock for c in containers]

    def __enter__(self) -> None:
        taken = 0
        try:
            for lock in self._locks:
                lock.acquire()
                taken += 1
        except BaseException:
            for lock in reversed(self._locks[:taken]):
                lock.release()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        for lock in reversed(self._locks):
            lock.release()


def make_entries(
    run: Call, ins: Sequence[In], containers: Sequence[Container], name: str, has_perform: bool, read: Sequence[bool]
) -> tuple[Call, Call, str]:
    """(entry, trusted, text): `run` behind input checks, and without them.

    has_perform: the program runs authors' code, which must see the caller's context variables. read: for each input
    whether the graph needs its value (None may be passed for one that it does not).
    """
    args = ", ".join(f"x{k}" for k in range(len(ins)))
    scope: dict[str, Any] = {"run": run, "ndarray": np.ndarray, "quiet": _quiet, "errstate": np.errstate}
    checks = []
    for k, one in enumerate(ins):
        test = _test(k, one, scope)
        scope[f"filter{k}"] = make_filter(k, one, name, read[k])
        checks.append(f"    {test}x{k} = filter{k}(x{k})")
    body = _invocation(args, containers, has_perform, scope)
    text = "\n".join([f"def entry({args}):", *checks, *body, "", f"def trusted({args}):", *body])
    exec(compile(text, "<symtheano entry>", "exec"), scope)
    return scope["entry"], scope["trusted"], text


def _test(k: int, one: In, scope: dict[str, Any]) -> str:
    kind = one.variable.type
    if not isinstance(kind, TensorType):
        return ""
    scope[f"d{k}"] = kind.numpy_dtype
    lengths = "".join(f" or x{k}.shape[{a}] != {n}" for a, n in enumerate(kind.shape) if n is not None)
    return f"if type(x{k}) is not ndarray or x{k}.dtype is not d{k} or x{k}.ndim != {kind.ndim}{lengths}: "


def _invocation(args: str, containers: Sequence[Container], has_perform: bool, scope: dict[str, Any]) -> list[str]:
    """The lines that take the locks and call `run`."""
    policy = config.numpy.seterr_all
    lines: list[str] = []
    indent = "    "
    if 0 < len(containers) <= _MAX_WITH:
        scope.update((f"lock{k}", c.lock) for k, c in enumerate(containers))
        lines.append(f"{indent}with {', '.join(f'lock{k}' for k in range(len(containers)))}:")
        indent += "    "
    elif containers:
        scope["guard"] = Guard(containers)
        lines.append(f"{indent}with guard:")
        indent += "    "
    if policy == "None":
        return [*lines, f"{indent}return run({args})"]
    if policy == "ignore" and not has_perform:
        return [*lines, f"{indent}return quiet.copy().run(run{', ' if args else ''}{args})"]
    return [*lines, f"{indent}with errstate(all={policy!r}):", f"{indent}    return run({args})"]


def make_filter(k: int, one: In, function: str, read: bool) -> Call:
    """The conversion of argument `k` to its type; an error that names the argument where that is impossible."""
    variable, strict, downcast = one.variable, one.strict, one.allow_downcast

    def convert(value: Any) -> Any:
        if value is None and not (read and isinstance(variable.type, TensorType)):
            return None
        try:
            return variable.type.filter(value, strict=strict, allow_downcast=downcast)
        except (TypeError, ValueError) as error:
            called = f" ({one.name!r})" if one.name else ""
            named = function and f" {function!r}"
            title = f"Bad input argument to theano function{named} at index {k} (0-based){called}"
            raise type(error)(_about_input(title, str(error), variable)) from error

    return convert


def _about_input(title: str, text: str, variable: Variable) -> str:
    """The text of a type's complaint under a title, with the line where the input was made before the remedy."""
    problem, *facts = text.splitlines() or [""]
    place = [f"  input made at: {variable.line}"] if variable.line else []
    remedies = [k for k, fact in enumerate(facts) if fact.startswith("  what to do")]
    cut = remedies[0] if remedies else len(facts)
    return "\n".join([f"{title}: {problem}", *facts[:cut], *place, *facts[cut:]])
