"""Objects that are called straight into machine code.

    Fast = fast_type(Function)               # a type like Function, whose instances may have an entry
    f = Fast(...)
    bind(f, Entry(loaded, signature, cells, locks, fallback=Function.__call__))

Python calls such an object by vectorcall: it loads an address from the object and jumps. Until `bind`, that address is
null, and Python calls the class's own `__call__`, as always. `region` makes a callable of the same kind for a region
that a Python program calls; where machine code cannot be entered, one that goes through ctypes.
"""

from __future__ import annotations

import ctypes
import sys
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Protocol

import numpy as np

from symtheano.compile.target.native import abi
from symtheano.compile.target.native.abi import LAYOUT, address
from symtheano.compile.target.native.arenas import pool
from symtheano.compile.target.native.entry import machine_entry
from symtheano.compile.target.native.signature import FUNCTIONS, HEADER, Input, Signature, table_of

# Nanoseconds of estimated work for which others wait for the GIL. With shared variables, not to hold it means to go
# through Python, which takes their locks.
PATIENCE, PATIENCE_SHARED = 30_000, 120_000

_MEMBERS_SLOT, _PYSSIZET, _READONLY, _HAVE_VECTORCALL = 72, 19, 1, 1 << 11  # of CPython's stable ABI


class Code(Protocol):
    """Machine code in memory, which stays there while this object lives (toolchain.Loaded)."""

    def address(self, name: str) -> int: ...


@dataclass(frozen=True)
class Entry:
    """A region, and all that is reached when it is called.

    sizes, body: the names of its functions. cells, locks, constants: by the signature's numbers. fallback: a plain
    function, called as fallback(self, ...) with what does not fit; None: the result is None. outer: the address of the
    table that the region itself uses. patience: instead of PATIENCE or PATIENCE_SHARED.
    """

    code: Code
    signature: Signature
    cells: Sequence[list[Any]] = ()
    locks: Sequence[Any] = ()
    constants: Sequence[Any] = ()
    fallback: Callable[..., Any] | None = None
    outer: int = 0
    patience: int | None = None
    sizes: str = "sizes"
    body: str = "body"


# ---------------------------------------------------------------------------------------------------------------- types


class _Member(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("offset", ctypes.c_ssize_t),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


class _Slot(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int), ("value", ctypes.c_void_p)]


class _Spec(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("basicsize", ctypes.c_int),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_uint),
        ("slots", ctypes.POINTER(_Slot)),
    ]


@lru_cache(maxsize=32)
def fast_type(base: type) -> type:
    """A subclass of an ordinary Python class, whose instances have room for an entry. Needs `available()` to be None.

    It is made like a type of an extension module: a class statement would switch vectorcall off, since `__call__` is
    written in Python. `base` must have neither slots nor a base with fields of its own.
    """
    if base.__basicsize__ != LAYOUT.vectorcall or base.__itemsize__:
        raise TypeError(f"instances of {base.__name__} have fields of their own")
    members = (_Member * 2)(_Member(b"__vectorcalloffset__", _PYSSIZET, LAYOUT.vectorcall, _READONLY, None))
    slots = (_Slot * 2)(_Slot(_MEMBERS_SLOT, ctypes.addressof(members)))
    name = f"{base.__module__}.{base.__name__}".encode()
    spec = _Spec(name, LAYOUT.table + 8, 0, _HAVE_VECTORCALL, slots)
    prototype = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object)
    make = prototype(("PyType_FromSpecWithBases", ctypes.pythonapi))
    made = make(ctypes.addressof(spec), (base,))
    assert isinstance(made, type)
    made.__doc__ = base.__doc__
    _immortal.append((made, spec, slots, members, name))
    return made


_immortal: list[Any] = []  # what types were made from must not go while they live


@cache
def available() -> str | None:
    """Why Python cannot call machine code by vectorcall here; None: it can."""
    reason = abi.available()
    if reason is None and not _calls_arrive():
        reason = f"objects are called in another way by Python {sys.version.split()[0]}"
    return reason


class _Sample:
    def __call__(self, *args: Any) -> Any:
        return "python", args


def _calls_arrive() -> bool:
    """Whether an instance's address is called once it is set, and Python's `__call__` before."""
    seen: list[tuple[Any, int]] = []

    def entry(target: Any, args: int, nargsf: int, kwnames: int | None) -> Any:
        first = ctypes.cast(args, ctypes.POINTER(ctypes.py_object))[0]
        seen.append((first, nargsf & 0xFFFF))
        return target

    address_, size = ctypes.c_void_p, ctypes.c_size_t
    function = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, address_, size, address_)(entry)
    try:
        sample = fast_type(_Sample)()
    except (AttributeError, TypeError, SystemError):
        return False
    before, marker = sample(1), object()
    _point(sample, ctypes.cast(function, address_).value or 0, 0)
    after = sample(marker, 2)
    _point(sample, 0, 0)
    return before == ("python", (1,)) and after is sample and seen == [(marker, 2)] and weakref.ref(sample)() is sample


def _point(target: Any, function: int, table: int) -> None:
    """Writes the two fields of an instance of a fast_type. The function is read first by who calls: it goes last."""
    ctypes.c_uint64.from_address(id(target) + LAYOUT.table).value = table
    ctypes.c_uint64.from_address(id(target) + LAYOUT.vectorcall).value = function


# ------------------------------------------------------------------------------------------------------------- entries


class Binding:
    """What the machine code reaches through an object: kept alive by the object, and released with it."""

    def __init__(self, entry: Entry) -> None:
        signature = entry.signature
        if len(entry.cells) != len(entry.locks) or len(entry.cells) < signature.cells:
            raise ValueError(f"{signature.cells} shared variables, {len(entry.cells)} cells, {len(entry.locks)} locks")
        self.entry = entry
        self.codes = [entry.code]  # a call may still be inside of one that was replaced
        values = _common() | {
            "sizes": entry.code.address(entry.sizes),
            "body": entry.code.address(entry.body),
            "fallback": 0 if entry.fallback is None else id(entry.fallback),
            "outer": entry.outer,
            "patience": _patience(signature) if entry.patience is None else entry.patience,
        }
        self.table = table_of(signature, values, entry.cells, entry.locks, entry.constants)


def _patience(signature: Signature) -> int:
    return PATIENCE_SHARED if signature.cells else PATIENCE


@cache
def _common() -> dict[str, int]:
    """The words that are the same in every table."""
    values = {"ndarray": id(np.ndarray), "none": id(None), "pool": pool().address}
    return values | {name: address(name) for name in FUNCTIONS}


def bind(target: Any, entry: Entry) -> None:
    """From now on calls of `target`, an instance of a fast_type, go to the entry first. Once for each object."""
    if bound(target):
        raise ValueError("it has an entry already, which may be running in another thread")
    binding = Binding(entry)
    target._binding = binding
    _point(target, machine_entry(), ctypes.addressof(binding.table))


def improve(target: Any, code: Code, sizes: str, body: str) -> None:
    """Other machine code of the same meaning takes over. Calls that are inside of the old one end there."""
    if isinstance(target, CtypesRegion):
        target.use(code, sizes, body)
        return
    binding: Binding = target._binding
    binding.codes.append(code)
    for word, name in (("sizes", sizes), ("body", body)):
        binding.table[HEADER.index(word)] = code.address(name)


def bound(target: Any) -> bool:
    """Whether calls of an instance of a fast_type go to an entry in machine code."""
    return ctypes.c_uint64.from_address(id(target) + LAYOUT.vectorcall).value != 0


# ------------------------------------------------------------------------------------------------------------- regions


class Region:
    """A region as a function of arrays that gives a tuple of new arrays, or None: it could not."""

    def __call__(self, *arrays: Any) -> tuple[Any, ...] | None:
        return None


def region(
    code: Code,
    signature: Signature,
    sizes: str = "sizes",
    body: str = "body",
    outer: int = 0,
    patience: int | None = None,
) -> Callable[..., tuple[Any, ...] | None]:
    """A region as a callable: of the arrays that it reads, whatever the signature says of where they come from.

    It releases the GIL while a long body runs.
    """
    plain = signature.as_region()
    if available() is not None:
        return CtypesRegion(code, plain, sizes, body, outer)
    made: Callable[..., tuple[Any, ...] | None] = fast_type(Region)()
    bind(made, Entry(code, plain, outer=outer, patience=patience, sizes=sizes, body=body))
    return made


class CtypesRegion:
    """The same through ctypes, which costs microseconds: for interpreters whose objects we do not know."""

    def __init__(self, code: Code, signature: Signature, sizes: str = "sizes", body: str = "body", outer: int = 0):
        self._signature, self._outer = signature, outer
        self._codes: list[Code] = []  # they live as long as this object
        self.use(code, sizes, body)
        self._frame = ctypes.c_int64 * signature.frame.size

    def use(self, code: Code, sizes: str, body: str) -> None:
        """Calls go to these functions from now on."""
        prototype = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
        self._codes.append(code)
        self._sizes, self._body = prototype(code.address(sizes)), prototype(code.address(body))

    def __call__(self, *arrays: Any) -> tuple[Any, ...] | None:
        signature, layout = self._signature, self._signature.frame
        if len(arrays) != len(signature.inputs) or not all(map(_fits, signature.inputs, arrays)):
            return None
        if _overlapping(signature.inputs, arrays):
            return None
        frame = self._frame()
        for place, array in zip(layout.inputs, arrays):
            frame[place : place + 1 + array.ndim] = [array.ctypes.data, *array.shape]
        frame[layout.outer] = self._outer
        if self._sizes(frame):
            return None
        results = []
        for place, out in zip(layout.outputs, signature.outputs):
            result = np.empty(tuple(frame[place + 1 : place + 1 + out.ndim]), out.dtype)
            frame[place] = result.ctypes.data
            results.append(result)
        arena = np.empty(frame[layout.bytes] + 64, np.uint8)
        frame[layout.arena] = arena.ctypes.data + -arena.ctypes.data % 64
        return None if self._body(frame) else tuple(results)


def _fits(one: Input, array: Any) -> bool:
    """What the entry checks in machine code."""
    return (
        type(array) is np.ndarray
        and array.dtype == one.dtype
        and array.dtype.isnative
        and array.ndim == len(one.shape)
        and all(expected in (None, length) for expected, length in zip(one.shape, array.shape))
        and array.flags.c_contiguous
        and array.flags.aligned
        and (array.flags.writeable or not one.written)
    )


def _overlapping(inputs: Sequence[Input], arrays: Sequence[Any]) -> bool:
    """Whether an array that is overwritten shares memory with another one."""
    ranges = [(a.ctypes.data, a.ctypes.data + a.nbytes) for a in arrays]
    return any(
        ranges[j][0] < ranges[k][1] and ranges[k][0] < ranges[j][1]
        for j, one in enumerate(inputs)
        for k in range(len(inputs))
        if one.written and k != j
    )
