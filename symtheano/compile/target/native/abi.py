"""What machine code must know of CPython and NumPy: where things lie in their objects, and where their functions are.

Nothing here is compiled. Every offset is compared with a live object before it is used; where one of them does not
fit, or on another kind of interpreter, `available()` says why and the caller goes through Python instead.
"""

from __future__ import annotations

import ctypes
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

# NumPy's numbers of C functions and its flags have kept their meaning since NumPy 1.0.
_ARRAY_EMPTY = 184
C_CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x100, 0x400

_FUNCTIONS = {
    "incref": "Py_IncRef",
    "decref": "Py_DecRef",
    "list_new": "PyList_New",
    "list_set": "PyList_SetItem",
    "tuple_new": "PyTuple_New",
    "tuple_set": "PyTuple_SetItem",
    "method_new": "PyMethod_New",
    "vectorcall": "PyObject_Vectorcall",
    "save_thread": "PyEval_SaveThread",
    "restore_thread": "PyEval_RestoreThread",
    "no_memory": "PyErr_NoMemory",
    "malloc": "PyMem_RawMalloc",
    "free": "PyMem_RawFree",
}  # our name: CPython's


class _Plain:
    """An ordinary class: what its instances take is where our own fields begin."""


@dataclass(frozen=True)
class Layout:
    """Offsets in bytes. Objects begin with a head, whose last word is the type."""

    head: int = object.__basicsize__

    @property
    def type(self) -> int:
        return self.head - 8

    # PyArrayObject: data, nd, dims, strides, base, descr, flags
    @property
    def data(self) -> int:
        return self.head

    @property
    def ndim(self) -> int:
        return self.head + 8

    @property
    def lengths(self) -> int:
        return self.head + 16

    @property
    def strides(self) -> int:
        return self.head + 24

    @property
    def descr(self) -> int:
        return self.head + 40

    @property
    def flags(self) -> int:
        return self.head + 48

    # PyArray_Descr: typeobj, kind, type, byteorder, flags, type_num
    @property
    def byteorder(self) -> int:
        return self.head + 10

    @property
    def type_num(self) -> int:
        return self.head + 12

    # PyListObject: ob_size, ob_item
    @property
    def list_size(self) -> int:
        return self.head

    @property
    def list_items(self) -> int:
        return self.head + 8

    # instances of callable.fast_type(...): what an instance of any class has, the function that is called, the table
    @property
    def vectorcall(self) -> int:
        return _Plain.__basicsize__

    @property
    def table(self) -> int:
        return _Plain.__basicsize__ + 8


LAYOUT = Layout()


@cache
def available() -> str | None:
    """Why Python cannot be entered by machine code here; None: it can."""
    if sys.implementation.name != "cpython":
        return f"{sys.implementation.name} has other objects than CPython"
    if struct.calcsize("P") != 8 or sys.byteorder != "little":
        return "addresses do not have 8 bytes, the lowest first"
    if LAYOUT.head != 16:  # where there is no GIL, objects begin differently
        return f"objects have a head of {LAYOUT.head} bytes"
    if hasattr(sys, "gettotalrefcount"):
        return "this Python is built for debugging"
    for what, fits in _CHECKS.items():
        try:
            if not fits():
                return f"{what} is not as expected in Python {sys.version.split()[0]} with NumPy {np.__version__}"
        except (AttributeError, ValueError, OSError) as problem:
            return f"{what}: {problem}"
    return None


def address(name: str) -> int:
    """The address of one of the C functions that the machine code calls."""
    if name == "empty":
        return _array_function(_ARRAY_EMPTY)
    return _value(ctypes.cast(getattr(ctypes.pythonapi, _FUNCTIONS[name]), ctypes.c_void_p))


@cache
def lock_word() -> int:
    """The offset of a word of a threading.RLock that is 0 exactly while nobody holds the lock."""
    lock = threading.RLock()
    size = type(lock).__basicsize__ // 8
    free, held = [_words(lock, size)], []
    for _ in range(2):
        lock.acquire()
        held.append(_words(lock, size))
    lock.release()
    held.append(_words(lock, size))
    lock.release()
    free.append(_words(lock, size))
    held.append(_held_elsewhere(lock, size))
    free.append(_words(lock, size))
    for k in range(LAYOUT.head // 8, size):
        if all(words[k] == 0 for words in free) and all(words[k] != 0 for words in held):
            return 8 * k
    raise ValueError("a lock does not show whether it is held")


def _held_elsewhere(lock: Any, size: int) -> tuple[int, ...]:
    """The words of the lock while another thread holds it."""
    found: list[tuple[int, ...]] = []

    def hold() -> None:
        with lock:
            found.append(_words(lock, size))

    other = threading.Thread(target=hold)
    other.start()
    other.join()
    return found[0]


# -------------------------------------------------------------------------------------------------------------- reading


def _value(pointer: ctypes.c_void_p) -> int:
    return pointer.value or 0


def _words(thing: object, count: int) -> tuple[int, ...]:
    """The first words of an object."""
    return struct.unpack(f"={count}Q", ctypes.string_at(id(thing), 8 * count))


def _word(thing: object, offset: int) -> int:
    return ctypes.c_uint64.from_address(id(thing) + offset).value


def _int(thing: object, offset: int) -> int:
    return ctypes.c_int32.from_address(id(thing) + offset).value


@cache
def _array_function(number: int) -> int:
    """The address in one of the slots of NumPy's table of C functions."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    prototype = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    core = np._core._multiarray_umath  # type: ignore[attr-defined]
    table = prototype(_value(ctypes.cast(get, ctypes.c_void_p)))(core._ARRAY_API, None)
    return ctypes.c_void_p.from_address(table + 8 * number).value or 0


# ------------------------------------------------------------------------------------------------------------- checking


def _arrays_fit() -> bool:
    base = np.zeros((4, 6), np.float32)
    frozen = np.zeros((2, 3, 5), np.complex128)
    frozen.flags.writeable = False
    samples: list[Any] = [base, base[1:, ::2], base.T, frozen, np.array(1, np.int8), np.zeros((0, 2), np.bool_)]
    return all(_array_fits(a) for a in samples)


def _array_fits(array: Any) -> bool:
    lengths, strides = (
        tuple(ctypes.c_int64.from_address(_word(array, place) + 8 * k).value for k in range(array.ndim))
        for place in (LAYOUT.lengths, LAYOUT.strides)
    )
    flags = array.flags
    expected = C_CONTIGUOUS * flags.c_contiguous | ALIGNED * flags.aligned | WRITEABLE * flags.writeable
    return (
        _word(array, LAYOUT.type) == id(np.ndarray)
        and _word(array, LAYOUT.data) == array.ctypes.data
        and _int(array, LAYOUT.ndim) == array.ndim
        and lengths == array.shape
        and strides == array.strides
        and _word(array, LAYOUT.descr) == id(array.dtype)
        and _int(array, LAYOUT.flags) & (C_CONTIGUOUS | ALIGNED | WRITEABLE) == expected
    )


def _dtypes_fit() -> bool:
    return all(
        _int(dtype, LAYOUT.type_num) == dtype.num
        and ctypes.string_at(id(dtype) + LAYOUT.byteorder, 1) == dtype.byteorder.encode()
        for dtype in map(np.dtype, ("?", "i1", "<i4", ">i4", "<f8", ">f8", "u8", "f2", "c16"))
    )


def _lists_fit() -> bool:
    sample = [object(), object(), object()]
    items = _word(sample, LAYOUT.list_items)
    found = [ctypes.c_void_p.from_address(items + 8 * k).value for k in range(3)]
    return _word(sample, LAYOUT.list_size) == 3 and found == [id(one) for one in sample]


def _locks_fit() -> bool:
    return lock_word() > 0


def _functions_fit() -> bool:
    return all(address(name) for name in _FUNCTIONS)


def _empty_fits() -> bool:
    """Whether the function that makes arrays does so, and keeps count of its argument's references."""
    lengths, dtype = (ctypes.c_int64 * 2)(3, 4), np.dtype(np.float32)
    prototype = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)
    made = []
    for ndim, shape in ((2, (3, 4)), (0, ())):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(dtype))  # a reference that the function takes
        array = prototype(address("empty"))(ndim, ctypes.addressof(lengths), id(dtype), 0)
        made.append(type(array) is np.ndarray and array.shape == shape and array.dtype is dtype and array.flags.carray)
    return all(made)


_CHECKS: dict[str, Callable[[], bool]] = {
    "the layout of arrays": _arrays_fit,
    "the layout of dtypes": _dtypes_fit,
    "the layout of lists": _lists_fit,
    "the layout of locks": _locks_fit,
    "Python's C interface": _functions_fit,
    "NumPy's C interface": _empty_fits,
}
