"""theano.compat, theano.misc.safe_asarray and the small containers of theano.misc: for both Pythons."""

from __future__ import annotations

import collections
import functools
import operator
import os
from collections.abc import Callable, Iterator, Mapping, MutableSet, ValuesView
from typing import Any

import numpy as np

from symtheano.config import config

PY3 = True
izip, imap, ifilter, reduce = zip, map, filter, functools.reduce
operator_div = operator.truediv
OrderedDict = collections.OrderedDict
Iterable = collections.abc.Iterable
DictMixin = collections.abc.MutableMapping


def exc_message(e: BaseException) -> Any:
    """The first argument of an exception."""
    return e.args[0]


def cmp(a: Any, b: Any) -> int:
    """-1, 0 or 1 as a is less than, equal to or greater than b."""
    return int(a > b) - int(a < b)


def get_unbound_function(unbound: Any) -> Any:
    """The function of a method."""
    return getattr(unbound, "__func__", unbound)


def decode(x: bytes) -> str:
    """The text of bytes in UTF-8."""
    return x.decode()


def decode_iter(x: Any) -> Iterator[str]:
    """`decode` of each."""
    return (decode(each) for each in x)


def decode_with(x: bytes, encoding: str) -> str:
    """The text of bytes in an encoding."""
    return x.decode(encoding)


class DefaultOrderedDict(collections.OrderedDict[Any, Any]):
    """An OrderedDict whose missing values a factory makes."""

    def __init__(self, default_factory: Callable[[], Any] | None = None, *a: Any, **kw: Any):
        if default_factory is not None and not callable(default_factory):
            raise TypeError("first argument must be callable")
        super().__init__(*a, **kw)
        self.default_factory = default_factory

    def __missing__(self, key: Any) -> Any:
        if self.default_factory is None:
            raise KeyError(key)
        self[key] = value = self.default_factory()
        return value

    def copy(self) -> DefaultOrderedDict:
        return type(self)(self.default_factory, self)

    __copy__ = copy

    def __reduce__(self) -> Any:
        args = () if self.default_factory is None else (self.default_factory,)
        return type(self), args, None, None, iter(self.items())


def maybe_add_to_os_environ_pathlist(var: str, newpath: str) -> None:
    """Puts an absolute path in front of the environment variable's list, where it is not in there."""
    paths = os.environ.get(var, "").split(os.pathsep)
    if os.path.isabs(newpath) and newpath not in paths:
        os.environ[var] = os.pathsep.join([newpath, *filter(None, paths)])


def _asarray(a: Any, dtype: Any, order: Any = None) -> Any:
    """numpy.asarray with a dtype that may be "floatX".

    >>> _asarray([1, 2], dtype="floatX").dtype.name
    'float64'
    """
    return np.asarray(a, dtype=np.dtype(config.floatX if str(dtype) == "floatX" else dtype), order=order)


def render_string(string: str, sub: Any) -> str:
    """`string % sub`; where that fails, the exception shows how far it went."""
    try:
        return str(string % sub)
    except Exception as error:
        for end in range(len(string) + 1):
            try:
                string[:end] % sub
            except Exception as again:
                if str(again) == str(error):
                    raise Exception(f"{string[:end]}<<<< caused exception {again}") from error
        raise


def strip_leading_white_space(line: str) -> str:
    """The line without the blanks and tabs it begins with."""
    return line.lstrip(" \t")


def pretty_format(string: str) -> str:
    """C code, indented by its braces."""
    lines, depth = [], 0
    for line in map(strip_leading_white_space, string.split("\n")):
        depth = max(0, depth - line.count("}"))
        lines.append("    " * depth + line)
        depth += line.count("{")
    return "\n".join(lines)


class OrderedSet(MutableSet[Any]):
    """A set in order of insertion."""

    def __init__(self, iterable: Any = None):
        self._items: dict[Any, None] = {}
        self.update(iterable)

    def update(self, iterable: Any) -> None:
        """Adds each item. AssertionError where the order of a larger set or dict would be arbitrary."""
        check_deterministic(iterable)
        self._items.update(dict.fromkeys(iterable or ()))

    def add(self, value: Any) -> None:
        self._items[value] = None

    def discard(self, value: Any) -> None:
        self._items.pop(value, None)

    def difference_update(self, other: Any) -> None:
        """Removes what is in `other`."""
        for each in other:
            self.discard(each)

    def union(self, s: Any) -> OrderedSet:
        """A new set with the items of both."""
        check_deterministic(s)
        return type(self)([*self, *s])

    def intersection_update(self, s: Any) -> None:
        """Keeps what is in `s`."""
        kept = set(s)
        self._items = {each: None for each in self._items if each in kept}

    def difference(self, s: Any) -> OrderedSet:
        """A new set without what is in `s`."""
        gone = set(s)
        return type(self)([each for each in self if each not in gone])

    def copy(self) -> OrderedSet:
        """A new set with the same items."""
        return type(self)(list(self))

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def __iter__(self) -> Iterator[Any]:
        yield from self._items

    def __reversed__(self) -> Iterator[Any]:
        yield from reversed(list(self._items))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, OrderedSet):
            return list(self) == list(other)
        if isinstance(other, set):
            raise TypeError("Cannot compare an `OrderedSet` to a `set` because this would not be deterministic.")
        return NotImplemented

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self) or ''})"

    __str__ = __repr__


def check_deterministic(iterable: Any) -> None:
    """AssertionError for a set, or another container of more than one item without an order."""
    ordered = (list, tuple, OrderedSet, str, Iterator)
    if iterable is not None and not isinstance(iterable, ordered) and len(iterable) > 1:
        raise AssertionError(f"an ordered iterable is needed; got {type(iterable).__name__}")


class frozendict(Mapping[Any, Any]):
    """A dict that does not change; hashable where its values are."""

    dict_cls: type[dict[Any, Any]] = dict

    def __init__(self, *args: Any, **kwargs: Any):
        self._dict = self.dict_cls(*args, **kwargs)

    def __getitem__(self, key: Any) -> Any:
        return self._dict[key]

    def __iter__(self) -> Iterator[Any]:
        yield from self._dict

    def __len__(self) -> int:
        return len(self._dict)

    def __hash__(self) -> int:
        return hash(frozenset(self._dict.items()))

    def copy(self, **add_or_replace: Any) -> frozendict:
        """A new one with further items."""
        return type(self)(self, **add_or_replace)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._dict!r}>"


class FrozenOrderedDict(frozendict):
    """A frozendict in order of insertion."""

    dict_cls = collections.OrderedDict


__all__ = [
    "PY3", "DefaultOrderedDict", "DictMixin", "FrozenOrderedDict", "Iterable", "Mapping", "OrderedDict", "OrderedSet",
    "ValuesView", "check_deterministic", "cmp", "decode", "decode_iter", "decode_with", "exc_message", "frozendict",
    "get_unbound_function", "ifilter", "imap", "izip", "maybe_add_to_os_environ_pathlist", "operator_div",
    "pretty_format", "reduce", "render_string", "strip_leading_white_space",
]  # fmt: skip
