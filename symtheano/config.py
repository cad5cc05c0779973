"""``symtheano.config``: the settings, as a tree of attributes with Theano's names.

    config.floatX = "float32"
    with config.change_flags({"traceback.limit": 3}, on_unused_input="ignore"):
        ...

Values come from, the later ones winning: the defaults in ``config_flags.py``; the files ``~/.theanorc`` and
``~/.symtheanorc`` (or those that ``THEANORC`` and ``SYMTHEANORC`` name); the environment variables ``THEANO_FLAGS`` and
``SYMTHEANO_FLAGS``, as in ``THEANO_FLAGS=floatX=float32,traceback.limit=3``; and the program.

Reading a flag is reading a plain attribute; all checking happens when one is set. Settings belong to the process, not
to a thread: each read and each write is atomic, but what ``change_flags`` sets in one thread is seen by all the others
while it lasts. Set what threads depend on before starting them.
"""

from __future__ import annotations

import difflib
import functools
import os
import platform
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from configparser import Error as IniError
from configparser import RawConfigParser
from pathlib import Path
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from symtheano.config_flags import ACCEPTED, FLAGS, Flag
from symtheano.errors import TheanoConfigWarning, explain

__all__ = ["Config", "ConfigVar", "FlagChange", "Section", "change_flags", "config"]

P = ParamSpec("P")
R = TypeVar("R")
Changes = Mapping[str, Any] | Iterable[tuple[str, Any]]

FROZEN = frozenset({"device", "init_gpu_device", "contexts"})  # read once, when symtheano is imported
PROGRAM = "the program"


# -------------------------------------------------------------------------------------------- the values a flag takes


def accept(flag: Flag, value: Any, source: str) -> Any:
    """The value as the flag keeps it, or a ValueError that says what it would have accepted."""
    if flag.kind == "any":
        return value
    if flag.choices:
        text = str(value)
        if text in flag.choices:
            return text
        raise ValueError(
            _refusal(flag, value, "one of " + ", ".join(flag.choices), source, _nearest(text, flag.choices))
        )
    kind: Callable[[Any], Any] = _device if flag.kind == "device" else _READERS[type(flag.default)]
    try:
        return kind(value)
    except (ValueError, TypeError):
        wanted = _DEVICES if flag.kind == "device" else _WANTED[type(flag.default)]
        raise ValueError(_refusal(flag, value, wanted, source)) from None


def _refusal(flag: Flag, value: Any, wanted: str, source: str, hint: str = "") -> str:
    return explain(
        f"{value!r} is not a value of the flag {flag.name}.",
        operands=[f"flag: {flag.name} ({flag.doc or 'accepted, no effect'})", f"accepted: {wanted}", f"from: {source}"],
        remedy=hint or f"Set {flag.name} to {wanted}.",
    )


def _nearest(name: str, names: Iterable[str]) -> str:
    lower = {each.lower(): each for each in names}
    found = difflib.get_close_matches(name.lower(), lower, n=1)
    return f"Did you mean {lower[found[0]]!r}?" if found else ""


def _bool(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise ValueError(value)


def _int(value: Any) -> int:
    number = int(value)
    if not isinstance(value, str) and number != value:
        raise ValueError(value)
    return number


_DEVICES = "cpu, cuda, or cuda and a number as in cuda0 ('gpu' and 'opencl' are gone)"


def _device(value: Any) -> str:
    text = str(value)
    if not re.fullmatch(r"(cpu|cuda\d*)?", text):
        raise ValueError(value)
    return text


_READERS: dict[type, Callable[[Any], Any]] = {bool: _bool, int: _int, float: float, str: str}
_WANTED: dict[type, str] = {bool: "True or False", int: "a whole number", float: "a number", str: "a text"}


# ---------------------------------------------------------------------------------------------------------- the tree


class Section:
    """A branch of the tree: flags and further branches are plain attributes of it."""

    def __init__(self, path: str = "") -> None:
        self.__dict__["_path"] = path
        self.__dict__["_flags"] = {}  # the last part of its name -> Flag

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a flag. A name that is no flag becomes an ordinary attribute, as it does in Theano."""
        flag = self._flags.get(name)
        if flag is not None:
            value = accept(flag, value, PROGRAM)
            if flag.name in FROZEN and value != getattr(self, name):
                raise RuntimeError(
                    explain(
                        f"The flag {flag.name} is read when symtheano is imported, and cannot change afterwards.",
                        operands=[f"now: {getattr(self, name)!r}", f"asked for: {value!r}"],
                        remedy=f"Set it before the import: SYMTHEANO_FLAGS={flag.name}={value}",
                    )
                )
        elif isinstance(self.__dict__.get(name), Section):
            raise ValueError(f"{self._path}{name} is a section of the settings, not a flag: set {name}.<flag>.")
        self.__dict__[name] = value

    def __getattr__(self, name: str) -> Any:  # only reached where there is no such attribute
        if name.startswith("__"):  # copy and pickle ask an object that has nothing yet
            raise AttributeError(name)
        hint = _nearest(name, [key for key in self.__dict__ if not key.startswith("_")])
        raise AttributeError(f"symtheano.config has no flag {self._path}{name}. {hint}".rstrip())

    def _place(self, flag: Flag, value: Any) -> None:
        """Set without the frozen check: declaring, reading the environment."""
        section, leaf = self, flag.name
        while "." in leaf:
            head, leaf = leaf.split(".", 1)
            section = section.__dict__.setdefault(head, Section(f"{section._path}{head}."))
        section._flags[leaf] = flag
        section.__dict__[leaf] = value


class Config(Section):
    """The root of the tree."""

    def __init__(self, flags: Iterable[Flag] = ()) -> None:
        super().__init__()
        self.__dict__["_config_var_list"] = []
        self.__dict__["_by_name"] = {}
        self.__dict__["_unclaimed"] = {}  # what files and environment set that no flag has claimed yet
        for flag in flags:
            self.declare(flag)

    def declare(self, flag: Flag) -> None:
        """Add a flag. A value that a file or the environment gave for it, before it was known, counts."""
        if flag.name in self._by_name:
            raise AttributeError(f"The flag {flag.name} is already declared.")
        value, source = self._unclaimed.pop(flag.name, (flag.default, "its default"))
        self._place(flag, value if source == "its default" else accept(flag, value, source))
        self._by_name[flag.name] = flag
        self._config_var_list.append(ConfigVar(self, flag))

    def get(self, name: str) -> Any:
        """The value of the flag with this full name, as in ``traceback.limit``."""
        return getattr(*self._locate(name))

    def set(self, name: str, value: Any) -> None:
        """Set the flag with this full name. Unlike an attribute, it must exist."""
        section, leaf = self._locate(name)
        setattr(section, leaf, value)

    def values(self) -> dict[str, Any]:
        """All flags by full name."""
        return {name: self.get(name) for name in self._by_name}

    def change_flags(self, args_or_dict: Changes = (), **kwargs: Any) -> FlagChange:
        """Other values for a while: ``with config.change_flags(floatX="float32"):``, or ``@config.change_flags(...)``.

        Flags whose names have dots go into a dict or a list of pairs: ``change_flags({"scan.allow_gc": True})``.
        """
        return FlagChange(self, {**dict(args_or_dict), **kwargs})

    def read_sources(self, environ: Mapping[str, str]) -> None:
        """Take the values that the user's files and environment give, the later source winning."""
        for variable, default in (("THEANORC", "~/.theanorc"), ("SYMTHEANORC", "~/.symtheanorc")):
            for path in environ.get(variable, default).split(os.pathsep):
                self._read_file(Path(path).expanduser())
        for variable in ("THEANO_FLAGS", "SYMTHEANO_FLAGS"):
            self._read_text(environ.get(variable, ""), f"the environment variable {variable}")

    def __str__(self) -> str:
        rows = (f"{name} = {self.get(name)!r}\n    {self._by_name[name].doc}".rstrip() for name in self._by_name)
        return "\n".join(rows)

    def _locate(self, name: str) -> tuple[Section, str]:
        if name not in self._by_name:
            raise AttributeError(f"symtheano.config has no flag {name}. {_nearest(name, self._by_name)}".rstrip())
        *path, leaf = name.split(".")
        section: Section = self
        for part in path:
            section = getattr(section, part)
        return section, leaf

    def _read_file(self, path: Path) -> None:
        if not path.is_file():
            return
        parser = RawConfigParser()
        try:
            parser.read_string(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError, IniError) as problem:
            TheanoConfigWarning.warn(f"The settings in {path} are ignored: {problem}")
            return
        spelling = {name.lower(): name for name in self._by_name}  # an ini file does not tell upper from lower case
        for section in parser.sections():
            prefix = "" if section == "global" else f"{section}."
            for key, value in parser.items(section):
                name = f"{prefix}{key}"
                self._take(spelling.get(name.lower(), name), value, f"[{section}] of the file {path}")

    def _read_text(self, text: str, source: str) -> None:
        splitter = shlex.shlex(text, posix=True)
        splitter.whitespace = ","
        splitter.whitespace_split = True
        splitter.commenters = ""
        for item in filter(None, map(str.strip, splitter)):
            name, equals, value = item.partition("=")
            if equals:
                self._take(name.strip(), value.strip(), source)
            else:
                TheanoConfigWarning.warn(f"{item!r} in {source} has no value and is ignored: write {item}=value.")

    def _take(self, name: str, value: str, source: str) -> None:
        flag = self._by_name.get(name)
        if flag is not None:
            self._place(flag, accept(flag, value, source))
            return
        self._unclaimed[name] = (value, source)
        hint = _nearest(name, self._by_name)
        TheanoConfigWarning.warn(f"There is no flag {name}, which {source} sets. {hint}".rstrip())


class ConfigVar:
    """What Theano's ``_config_var_list`` holds: a flag that can be read and set by whoever found it there."""

    def __init__(self, owner: Config, flag: Flag) -> None:
        self._owner = owner
        self.fullname = flag.name
        self.default = flag.default
        self.doc = flag.doc

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self._owner.get(self.fullname)

    def __set__(self, instance: object, value: Any) -> None:
        self._owner.set(self.fullname, value)

    def __repr__(self) -> str:
        return f"ConfigVar({self.fullname})"


class FlagChange:
    """Other values of some flags for the length of a ``with`` block, or of a function's calls. May be used again."""

    def __init__(self, owner: Config, changes: Mapping[str, Any]) -> None:
        for name in changes:
            owner._locate(name)
        self._owner = owner
        self._changes = dict(changes)
        self._before: list[dict[str, Any]] = []  # a stack: a decorated function may call itself

    def __enter__(self) -> None:
        before = {name: self._owner.get(name) for name in self._changes}
        try:
            for name, value in self._changes.items():
                self._owner.set(name, value)
        except BaseException:
            self._restore(before)
            raise
        self._before.append(before)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore(self._before.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def changed(*args: P.args, **kwargs: P.kwargs) -> R:
            with FlagChange(self._owner, self._changes):
                return function(*args, **kwargs)

        return changed

    def _restore(self, before: dict[str, Any]) -> None:
        for name, value in before.items():
            self._owner.set(name, value)


# ------------------------------------------------------------------------------------------------------ the settings


def default_folders(settings: Config, environ: Mapping[str, str]) -> None:
    """Fill in the folders of compiled artefacts, where the user did not choose any."""
    if not settings.base_compiledir:
        caches = environ.get("XDG_CACHE_HOME") or os.path.join("~", ".cache")
        settings.base_compiledir = os.path.join(os.path.expanduser(caches), "symtheano")
    settings.base_compiledir = os.path.expanduser(settings.base_compiledir)
    if not settings.compiledir:
        machine = platform.uname()
        facts = {
            "platform": f"{machine.system}-{machine.release}-{machine.machine}",
            "short_platform": f"{machine.system}-{machine.machine}",
            "processor": machine.machine,
            "python_version": platform.python_version(),
            "python_bitwidth": 64 if sys.maxsize > 2**32 else 32,
            "hostname": machine.node,
        }
        folder = settings.compiledir_format % facts
        settings.compiledir = os.path.join(settings.base_compiledir, re.sub(r"[^\w.\-]+", "_", folder))
    settings.compiledir = os.path.expanduser(settings.compiledir)


config = Config((*FLAGS, *ACCEPTED))
config.read_sources(os.environ)
default_folders(config, os.environ)

change_flags = config.change_flags
_config_var_list: list[ConfigVar] = config._config_var_list
