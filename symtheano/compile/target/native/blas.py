"""Matrix products of the BLAS that NumPy brings (or SciPy's), as functions that native code can call.

    i32 gemm(i64 ta, i64 tb, i64 m, i64 n, i64 k, ptr alpha, ptr a, i64 lda, ptr b, i64 ldb, ptr beta, ptr c, i64 ldc)

computes c = alpha op(a) op(b) + beta c for row-major matrices: op(a) is (m, k), op(b) is (k, n), c is (m, n); ta and tb
are 0 (as it is), 1 (transposed) or 2 (transposed and conjugated); lda, ldb, ldc are the elements from one row of the
matrix in memory to the next, at least its columns and at least 1. alpha and beta point to numbers of the dtype; where
beta is 0, c is only written. It returns 0, or 1 where a size is beyond the integers of this BLAS: then nothing is
written. There is one such function for each dtype of ``GEMMS``; ``pointers()`` has their addresses.

A call runs on the thread that calls it: large products are split by our own pool, whose threads may all be inside of
the BLAS at once. OpenBLAS has one number of threads for the process (its "local" setting is the same one), so it is set
to 1 while any call is inside, and set back by the last to leave. What else uses the BLAS at that moment is slower, not
wrong. A BLAS that is not OpenBLAS decides for itself.

Fortran's interface is what all of them have. Their matrices are column-major: the product computed is the transposed
one, with a and b exchanged. Integers are passed as addresses of 8 bytes, of which a BLAS with 32 bits reads the lower
four (all our machines are little-endian).
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template

import numpy as np

from symtheano.compile.target.native.toolchain import Loaded, build, host

GEMMS = {"float32": "sgemm", "float64": "dgemm", "complex64": "cgemm", "complex128": "zgemm"}
LOCK, INSIDE, BEFORE, GET, SET, LIMIT, FIRST_GEMM = 0, 1, 2, 3, 4, 5, 8  # 8-byte slots of the module's memory
SPELLINGS = (
    ("scipy_", "_64_", 64),  # the OpenBLAS in NumPy's wheels
    ("", "_64_", 64),
    ("", "$NEWLAPACK$ILP64", 64),  # Apple's Accelerate
    ("scipy_", "_", 32),  # the OpenBLAS in SciPy's wheels
    ("", "$NEWLAPACK", 32),
    ("", "_", 32),
)  # before and after the routine's name, bits of its integers

CODE = Template("""\
target triple = "$triple"
@memory = internal global [16 x i64] zeroinitializer, align 64
@letters = private unnamed_addr constant [3 x i8] c"NTC", align 1

define ptr @context() nounwind {
  ret ptr @memory
}

define internal void @lock() nounwind {
entry:
  br label %try
try:
  %x = cmpxchg ptr @memory, i64 0, i64 1 seq_cst seq_cst
  %won = extractvalue { i64, i1 } %x, 1
  br i1 %won, label %done, label %try
done:
  ret void
}

define internal void @enter() nounwind {
entry:
  %set = load ptr, ptr getelementptr (i64, ptr @memory, i64 $SET), align 8
  %none = icmp eq ptr %set, null
  br i1 %none, label %end, label %begin
begin:
  call void @lock()
  %inside = load i64, ptr getelementptr (i64, ptr @memory, i64 $INSIDE), align 8
  %more = add i64 %inside, 1
  store i64 %more, ptr getelementptr (i64, ptr @memory, i64 $INSIDE), align 8
  %first = icmp eq i64 %inside, 0
  br i1 %first, label %save, label %unlock
save:
  %get = load ptr, ptr getelementptr (i64, ptr @memory, i64 $GET), align 8
  %threads = call i32 %get()
  %wide = zext i32 %threads to i64
  store i64 %wide, ptr getelementptr (i64, ptr @memory, i64 $BEFORE), align 8
  %several = icmp ne i32 %threads, 1
  br i1 %several, label %single, label %unlock
single:
  call void %set(i32 1)
  br label %unlock
unlock:
  store atomic i64 0, ptr @memory seq_cst, align 8
  br label %end
end:
  ret void
}

define internal void @leave() nounwind {
entry:
  %set = load ptr, ptr getelementptr (i64, ptr @memory, i64 $SET), align 8
  %none = icmp eq ptr %set, null
  br i1 %none, label %end, label %begin
begin:
  call void @lock()
  %inside = load i64, ptr getelementptr (i64, ptr @memory, i64 $INSIDE), align 8
  %less = sub i64 %inside, 1
  store i64 %less, ptr getelementptr (i64, ptr @memory, i64 $INSIDE), align 8
  %before = load i64, ptr getelementptr (i64, ptr @memory, i64 $BEFORE), align 8
  %last = icmp eq i64 %less, 0
  %several = icmp ne i64 %before, 1
  %back = and i1 %last, %several
  br i1 %back, label %restore, label %unlock
restore:
  %threads = trunc i64 %before to i32
  call void %set(i32 %threads)
  br label %unlock
unlock:
  store atomic i64 0, ptr @memory seq_cst, align 8
  br label %end
end:
  ret void
}
""")

GEMM = Template("""
define i32 @$name(i64 %ta, i64 %tb, i64 %m, i64 %n, i64 %k, ptr %alpha, ptr %a, i64 %lda, ptr %b, i64 %ldb,
                  ptr %beta, ptr %c, i64 %ldc) nounwind {
entry:
  %sizes = alloca [6 x i64], align 8
  %limit = load i64, ptr getelementptr (i64, ptr @memory, i64 $LIMIT), align 8
  %s1 = or i64 %m, %n
  %s2 = or i64 %s1, %k
  %s3 = or i64 %s2, %lda
  %s4 = or i64 %s3, %ldb
  %s5 = or i64 %s4, %ldc
  %fits = icmp ule i64 %s5, %limit
  br i1 %fits, label %call, label %beyond
beyond:
  ret i32 1
call:
  %pn = getelementptr i64, ptr %sizes, i64 1
  %pk = getelementptr i64, ptr %sizes, i64 2
  %pa = getelementptr i64, ptr %sizes, i64 3
  %pb = getelementptr i64, ptr %sizes, i64 4
  %pc = getelementptr i64, ptr %sizes, i64 5
  store i64 %m, ptr %sizes, align 8
  store i64 %n, ptr %pn, align 8
  store i64 %k, ptr %pk, align 8
  store i64 %lda, ptr %pa, align 8
  store i64 %ldb, ptr %pb, align 8
  store i64 %ldc, ptr %pc, align 8
  %la = getelementptr i8, ptr @letters, i64 %ta
  %lb = getelementptr i8, ptr @letters, i64 %tb
  %gemm = load ptr, ptr getelementptr (i64, ptr @memory, i64 $slot), align 8
  call void @enter()
  call void %gemm(ptr %lb, ptr %la, ptr %pn, ptr %sizes, ptr %pk, ptr %alpha, ptr %b, ptr %pb, ptr %a, ptr %pa,
                  ptr %beta, ptr %c, ptr %pc, i64 1, i64 1)
  call void @leave()
  ret i32 0
}
""")
SIGNATURE = ctypes.CFUNCTYPE(
    ctypes.c_int32, *[ctypes.c_int64] * 5, *[ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p],
    ctypes.c_int64, *[ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64],
)  # fmt: skip


@dataclass(frozen=True)
class Routines:
    """What was found: addresses of Fortran's sgemm, dgemm, cgemm and zgemm; of OpenBLAS's number of threads, or 0."""

    origin: str
    bits: int  # of its integers
    gemms: dict[str, int]
    get_threads: int = 0
    set_threads: int = 0


class Blas:
    """The functions that native code calls. pointers: their addresses by name, valid as long as this object lives."""

    def __init__(self, routines: Routines) -> None:
        self.routines = routines
        text = f"; {routines.origin}\n{code(host().triple)}"  # equal texts are one module, and it has memory of its own
        self._code: Loaded = build(text, ["context", *GEMMS.values()])
        self.pointers = {name: self._code.address(name) for name in GEMMS.values()}
        memory = ctypes.CFUNCTYPE(ctypes.c_void_p)(self._code.address("context"))()
        self._slots = (ctypes.c_int64 * 16).from_address(memory or 0)
        self._slots[GET], self._slots[SET] = routines.get_threads, routines.set_threads
        self._slots[LIMIT] = 2 ** (routines.bits - 1) - 1
        for slot, name in enumerate(GEMMS.values(), FIRST_GEMM):
            self._slots[slot] = routines.gemms[name]

    def gemm(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """The product of two C-contiguous matrices of one dtype, through the function that native code calls."""
        (m, k), n, dtype = a.shape, b.shape[1], a.dtype
        out, one, zero = np.empty((m, n), dtype), np.ones(1, dtype), np.zeros(1, dtype)
        call = SIGNATURE(self.pointers[GEMMS[dtype.name]])
        status = call(
            0, 0, m, n, k, one.ctypes.data, a.ctypes.data, max(k, 1), b.ctypes.data, max(n, 1),
            zero.ctypes.data, out.ctypes.data, max(n, 1),
        )  # fmt: skip
        if status:
            raise OverflowError(f"{m}, {n}, {k} are too large for this BLAS")
        return out

    def works(self) -> bool:
        """Whether it multiplies small whole numbers right, for each dtype and sizes beside its blocks."""
        for dtype in GEMMS:
            for m, n, k in ((3, 2, 4), (33, 70, 17)):
                a = (np.arange(m * k) % 7 - 3).astype(dtype).reshape(m, k)
                b = (np.arange(k * n) % 5 - 2).astype(dtype).reshape(k, n)
                if not np.array_equal(self.gemm(a, b), (a[:, :, None] * b).sum(axis=1)):
                    return False
        return True

    def forget(self) -> None:
        """In a forked child: nobody is inside."""
        inside, self._slots[LOCK], self._slots[INSIDE] = self._slots[INSIDE], 0, 0
        if inside and self.routines.set_threads:
            ctypes.CFUNCTYPE(None, ctypes.c_int)(self.routines.set_threads)(self._slots[BEFORE])


@cache
def blas() -> Blas | None:
    """NumPy's BLAS, or SciPy's where NumPy has none that can be called; None: products must be computed otherwise."""
    for find in (in_numpy, in_scipy):
        routines = find()
        if routines is not None:
            found = Blas(routines)
            if found.works():
                if hasattr(os, "register_at_fork"):
                    os.register_at_fork(after_in_child=found.forget)
                return found
    return None


def pointers() -> dict[str, int]:
    """The addresses of sgemm, dgemm, cgemm and zgemm, called as this module describes; empty where there is no BLAS."""
    found = blas()
    return {} if found is None else dict(found.pointers)


def code(triple: str) -> str:
    """The module of LLVM text."""
    slots = {"GET": GET, "SET": SET, "INSIDE": INSIDE, "BEFORE": BEFORE}
    text = CODE.substitute(slots, triple=triple)
    for slot, name in enumerate(GEMMS.values(), FIRST_GEMM):
        text += GEMM.substitute(name=name, slot=slot, LIMIT=LIMIT)
    return text


# ---------------------------------------------------------------------------------------------------- where they are


def in_numpy() -> Routines | None:
    """Those that NumPy's own library is linked with: looked up there, and in the library beside it on Windows."""
    places = [Path(str(importlib.import_module("numpy._core._multiarray_umath").__file__))]
    folder = Path(np.__file__).parent.parent / "numpy.libs"
    if os.name == "nt" and folder.is_dir():
        places += sorted(each for each in folder.iterdir() if "openblas" in each.name)
    return _first(places)


def in_scipy() -> Routines | None:
    """Those that SciPy hands to Cython: capsules with addresses. SciPy is imported for it, which takes a moment."""
    try:
        module = importlib.import_module("scipy.linalg.cython_blas")
        gemms = {name: _capsule(module.__pyx_capi__[name]) for name in GEMMS.values()}
    except (ImportError, KeyError, AttributeError):
        return None
    get, set_ = _thread_count(ctypes.CDLL(str(module.__file__)))
    return Routines("scipy", 32, gemms, get, set_)


def _first(places: list[Path]) -> Routines | None:
    for place in places:
        with contextlib.suppress(OSError):
            library = ctypes.CDLL(str(place))
            for before, after, bits in SPELLINGS:
                gemms = {name: _symbol(library, f"{before}{name}{after}") for name in GEMMS.values()}
                if all(gemms.values()):
                    return Routines(place.name, bits, gemms, *_thread_count(library))
    return None


def _thread_count(library: ctypes.CDLL) -> tuple[int, int]:
    """OpenBLAS's functions that get and set its number of threads; zeros for another BLAS."""
    for before in ("scipy_", ""):
        for after in ("64_", ""):
            get, set_ = (_symbol(library, f"{before}openblas_{verb}_num_threads{after}") for verb in ("get", "set"))
            if get and set_:
                return get, set_
    return 0, 0


def _symbol(library: ctypes.CDLL, name: str) -> int:
    """The address of a function in the library, or in one that it is linked with; 0 where there is none."""
    try:
        return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    except AttributeError:
        return 0


def _capsule(capsule: object) -> int:
    python = ctypes.pythonapi
    python.PyCapsule_GetName.restype, python.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
    python.PyCapsule_GetPointer.restype = ctypes.c_void_p
    python.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return int(python.PyCapsule_GetPointer(capsule, python.PyCapsule_GetName(capsule)))
