"""Small helpers that Theano has in gof.utils, tensor.utils and compile.pfunc, for authors who use them."""

from __future__ import annotations

import functools
import hashlib
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from symtheano.compile.function import function
from symtheano.graph.trace import current_line
from symtheano.graph.variable import Variable

__all__ = [
    "ABORT",
    "ANY_TYPE",
    "FAILURE",
    "FALL_THROUGH",
    "RETRY",
    "D",
    "Keyword",
    "MetaObject",
    "add_tag_trace",
    "deprecated",
    "difference",
    "flatten",
    "from_return_values",
    "get_variable_trace_string",
    "give_variables_names",
    "hash_from_code",
    "hash_from_file",
    "hash_from_ndarray",
    "hashtype",
    "hist",
    "iter_over_pairs",
    "memoize",
    "object2",
    "pfunc",
    "remove",
    "simple_extract_stack",
    "to_return_values",
    "toposort",
    "uniq",
    "unique",
]  # fmt: skip


class Keyword:
    """A constant that prints as its name."""

    def __init__(self, name: str, nonzero: bool = True):
        self.name, self.nonzero = name, nonzero

    def __bool__(self) -> bool:
        return self.nonzero

    def __repr__(self) -> str:
        return f"<{self.name}>"


ABORT, RETRY, FAILURE = Keyword("ABORT", False), Keyword("RETRY", False), Keyword("FAILURE", False)
ANY_TYPE, FALL_THROUGH = Keyword("ANY_TYPE"), Keyword("FALL_THROUGH")


class D:
    """Its keyword arguments as attributes."""

    def __init__(self, **d: Any):
        self.__dict__.update(d)


class MetaObject(type):
    """Gives classes with `__props__` equality, hash and text by these attributes, where they define none."""

    def __new__(cls, name: str, bases: tuple[type, ...], dct: dict[str, Any]) -> Any:
        props = dct.get("__props__")
        if props is not None:
            if not isinstance(props, tuple):
                raise TypeError("elements of __props__ have to be in a tuple")
            if "__eq__" not in dct and "__hash__" not in dct:
                dct["__eq__"] = lambda self, other: type(self) is type(other) and _props(self) == _props(other)
                dct["__hash__"] = lambda self: hash((type(self), *_props(self)))
            dct.setdefault("__str__", _props_text)
        return super().__new__(cls, name, bases, dct)


def _props(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, p) for p in self.__props__)


def _props_text(self: Any) -> str:
    shown = ", ".join(f"{p}={getattr(self, p)!r}" for p in self.__props__)
    return f"{type(self).__name__}{{{shown}}}" if shown else type(self).__name__


class object2(metaclass=MetaObject):
    """A base for classes with `__props__`."""

    __slots__: Sequence[str] = ()


def hashtype(self: Any) -> int:
    """A hash of the object's class."""
    return hash(type(self).__name__) ^ hash(type(self).__module__)


def memoize(f: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which remembers its results by their arguments."""
    return functools.cache(f)


def deprecated(filename: str, msg: str = "") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: the first call warns."""

    def decorate(f: Callable[..., Any]) -> Callable[..., Any]:
        warned: list[bool] = []

        @functools.wraps(f)
        def g(*args: Any, **kwargs: Any) -> Any:
            if not warned:
                warned.append(True)
                warnings.warn(f"{filename}.{f.__name__} deprecated. {msg}", DeprecationWarning, stacklevel=2)
            return f(*args, **kwargs)

        return g

    return decorate


def uniq(seq: Sequence[Any]) -> list[Any]:
    """The items, each where it is first equal to none before it."""
    return [x for k, x in enumerate(seq) if seq.index(x) == k]


def unique(x: Iterable[Any]) -> bool:
    """Whether no two items are equal."""
    items = list(x)
    return len(set(items)) == len(items)


def difference(seq1: Iterable[Any], seq2: Any) -> list[Any]:
    """The items of the first that are not in the second."""
    return [x for x in seq1 if x not in seq2]


def remove(predicate: Callable[[Any], Any], coll: Iterable[Any]) -> list[Any]:
    """The items for which the predicate is false."""
    return [x for x in coll if not predicate(x)]


def hist(coll: Iterable[Any]) -> dict[Any, int]:
    """How often each item occurs."""
    return dict(Counter(coll))


def flatten(a: Any) -> list[Any]:
    """The items of nested lists, tuples and sets, in one list."""
    return [x for item in a for x in flatten(item)] if isinstance(a, (tuple, list, set)) else [a]


def to_return_values(values: Sequence[Any]) -> Any:
    """The only item, or all of them."""
    return values[0] if len(values) == 1 else values


def from_return_values(values: Any) -> Any:
    """A sequence, or a list of what is none."""
    return values if isinstance(values, (list, tuple)) else [values]


def toposort(prereqs_d: Mapping[Any, Any]) -> list[Any]:
    """The keys, each after what the dict has for it. An exception where that cannot be."""
    order: dict[Any, None] = {}
    waiting = {k: set(before) for k, before in prereqs_d.items()}
    while waiting:
        ready = [k for k, before in waiting.items() if before <= order.keys()]
        if not ready:
            raise Exception(
                "Cannot sort topologically: there might be cycles, prereqs_d does not have a key for each element or "
                "some orderings contain invalid elements."
            )
        for k in ready:
            order[k] = None
            del waiting[k]
    return list(order)


def give_variables_names(variables: Sequence[Variable]) -> Sequence[Variable]:
    """Names the variables that have none, or that of another. ValueError where names are not unique then."""
    counts = Counter(v.name for v in variables)
    for k, v in enumerate(v for v in list(variables) if not v.name or counts[v.name] > 1):
        v.name = f"{v.name or ''}_{k}"
    if not unique(map(str, variables)):
        raise ValueError("Not all variables have unique names. Maybe you've named some of the variables identically")
    return variables


def hash_from_code(msg: Any) -> str:
    """`m` and the SHA-256 of a text or of bytes."""
    return "m" + hashlib.sha256(msg.encode() if isinstance(msg, str) else msg).hexdigest()


def hash_from_file(file_path: str) -> str:
    """`hash_from_code` of a file's content."""
    return hash_from_code(Path(file_path).read_bytes())


def hash_from_ndarray(data: Any) -> str:
    """`hash_from_code` of an array's content, shape, strides and dtype."""
    array = np.ascontiguousarray(data)
    parts = (array.tobytes(), str(data.shape), str(array.strides), str(data.dtype))
    return hash_from_code("".join(map(hash_from_code, parts)))


def simple_extract_stack(f: Any = None, limit: int | None = None, skips: Sequence[str] = ()) -> list[Any]:
    """The calls that led to the frame `f` (by default here), outermost first, but those in files named by `skips`."""
    stack = traceback.extract_stack(f, limit)
    return [frame for frame in stack if not any(skip in frame.filename for skip in skips)]


def add_tag_trace(thing: Any, user_line: Any = None) -> Any:
    """Writes the present line of the user's program on a variable (a node: on its outputs), and returns it."""
    for v in getattr(thing, "outputs", [thing]):
        v.line = current_line()
    return thing


def get_variable_trace_string(v: Any) -> str:
    """Where a variable was made."""
    return "" if getattr(v, "line", None) is None else f"Backtrace when that variable is created:\n\n  {v.line}\n"


def iter_over_pairs(pairs: Any) -> Any:
    """The pairs of a dict, or of what gives pairs itself."""
    return pairs.items() if isinstance(pairs, Mapping) else pairs


def pfunc(
    params: Any,
    outputs: Any = None,
    mode: Any = None,
    updates: Any = None,
    givens: Any = None,
    no_default_updates: Any = False,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: Any = None,
    on_unused_input: str | None = None,
) -> Any:
    """`function`, by its older name and with `params` for the inputs."""
    return function(
        params,
        outputs,
        mode=mode,
        updates=updates,
        givens=givens,
        no_default_updates=no_default_updates,
        accept_inplace=accept_inplace,
        name=name,
        rebuild_strict=rebuild_strict,
        allow_input_downcast=allow_input_downcast,
        profile=profile,
        on_unused_input=on_unused_input,
    )
