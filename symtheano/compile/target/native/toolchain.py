"""From LLVM text to addresses: code generation (through the disk cache), linking, and what machine this is.

    loaded = build(str(module), ["sizes", "body"])
    loaded.address("body")            # valid as long as `loaded` lives

Code is position independent and knows no address of this process, so an object is good in every process on a machine
of the same kind. `object_for` and `assembly` generate code for any machine: `HOSTS` has typical ones. With
`pretending(HOSTS["sse2"])` all that is compiled meanwhile is what an older machine of the family would run.

A fork waits until no other thread is inside of LLVM, so that the child finds it, and its locks, in order.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import count
from weakref import WeakValueDictionary, finalize

import llvmlite
import llvmlite.binding as llvm

from symtheano.compile import cache as artefacts
from symtheano.compile.canonical import package_text
from symtheano.compile.target.native.llvm import Host, Part
from symtheano.config import config

ABI = 1  # of the code we emit and of those who call it: another number finds no objects of earlier versions
OPT = 1  # LLVM's code generation: instruction selection on the graph, real register allocation, the cheap rest

_lock = threading.RLock()
_numbers = count()
_LINKS = 128  # libraries that one linker makes
_linkers: list[tuple[llvm.LLJIT, int]] = []  # the one at work, and how many libraries it has made
_last = [0.0]
_alive: WeakValueDictionary[str, Loaded] = WeakValueDictionary()
_pretended: list[Host] = []


def describe(triple: str, cpu: str, features: str) -> Host:
    """The Host of a machine: what we emit follows from its features."""
    has = {name[1:] for name in features.split(",") if name.startswith("+")}
    masks = {"avx512f", "avx512vl", "avx512bw", "avx512dq"} <= has
    is_x86 = triple.startswith(("x86_64", "i686"))
    wide = masks or "avx2" in has
    return Host(triple, cpu, features, 64 if wide else 32, masks, not is_x86 or "fma" in has)


_AVX2 = "+avx,+avx2,+bmi,+bmi2,+f16c,+fma,+lzcnt,+movbe,+popcnt,+sse4.2"
_AVX512 = f"{_AVX2},+avx512f,+avx512bw,+avx512cd,+avx512dq,+avx512vl"
HOSTS = {
    "avx512": describe("x86_64-unknown-linux-gnu", "x86-64-v4", _AVX512),
    "avx2": describe("x86_64-unknown-linux-gnu", "x86-64-v3", _AVX2),
    "sse2": describe("x86_64-unknown-linux-gnu", "x86-64", ""),
    "neon": describe("aarch64-unknown-linux-gnu", "neoverse-n1", ""),
    "macos": describe("arm64-apple-darwin", "apple-m1", ""),
    "windows": describe("x86_64-pc-windows-msvc-elf", "x86-64-v3", _AVX2),
}  # machines to generate code for in tests, and to read the assembly of


def host() -> Host:
    """The machine to generate code for: this one, or the one that `pretending` names."""
    return _pretended[-1] if _pretended else _this_machine()


@contextmanager
def pretending(machine: Host) -> Iterator[None]:
    """Another host() for a while, for all threads: one whose code this machine can run too, to test what others get."""
    _pretended.append(machine)
    try:
        yield
    finally:
        _pretended.remove(machine)


@cache
def _this_machine() -> Host:
    _initialise()
    triple = llvm.get_process_triple()
    if sys.platform == "win32":
        triple += "-elf"  # objects as on Linux: what LLVM links in memory on Windows, too
    return describe(triple, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


class Loaded:
    """Machine code in this process. It is freed with this object."""

    def __init__(self, tracker: llvm.ResourceTracker, linker: llvm.LLJIT, exports: Sequence[str], size: int) -> None:
        self._addresses = {name: int(tracker[name]) for name in exports}
        finalize(self, _unload, tracker, [linker]).atexit = False
        self.size = size  # bytes of the object

    def address(self, name: str) -> int:
        """Where an exported function is."""
        return self._addresses[name]


@dataclass
class Record:
    """How machine code came about. origins: of each part "generated", or "disk"; none where it was in memory."""

    origins: list[str] = field(default_factory=list)
    generating: float = 0.0  # seconds, reading the cache counted
    linking: float = 0.0
    size: int = 0  # bytes
    objects: list[bytes] = field(default_factory=list)  # of code that is not kept


def build(
    code: str | Sequence[Part],
    exports: Sequence[str],
    level: int = OPT,
    record: Record | None = None,
    keep: bool = True,
) -> Loaded:
    """A module's code, in memory: the text of it, or its parts. level: of LLVM's code generation; 0 for cold parts.

    What is in memory already is shared; what is in the disk cache is only linked. record: is written to. keep: whether
    the disk cache is asked, and gets what it has not.
    """
    if threading.current_thread() is threading.main_thread():
        _last[0] = time.monotonic()
    record = record or Record()
    parts = [Part(code)] if isinstance(code, str) else code
    machine = host()
    levels = [0 if part.cold else level for part in parts]
    keys = object_keys(parts, level)
    name = " ".join([*keys, *exports])
    with _lock:
        loaded = _alive.get(name)
        if loaded is None:
            start = time.perf_counter()
            objects = []
            for key, part, n in zip(keys, parts, levels, strict=True):
                data, origin = _cached_object(key, part.text, machine, n, keep)
                objects.append(data)
                if not keep:
                    record.objects.append(data)
                record.origins.append(origin)
            generated = time.perf_counter()
            loaded = _alive[name] = link(objects, exports)
            record.generating, record.linking = generated - start, time.perf_counter() - generated
    record.size = loaded.size
    return loaded


def build_once(name: str, make: Callable[[], str], exports: Sequence[str]) -> Loaded:
    """The code of a text that the package makes for this machine, always the same: not even made where it is known."""
    machine = host()
    source = artefacts.key(package_text(), name, machine.triple, machine.cpu, machine.features)
    found = None if config.check_programs else artefacts.get("source", source)
    loaded = None if found is None else recall([found.decode()], exports)
    if loaded is not None:
        return loaded
    text = make()
    loaded = build(text, exports)
    artefacts.put("source", source, object_key(text, machine, OPT).encode())
    return loaded


def last_build() -> float:
    """When code was last asked for by a compilation (time.monotonic)."""
    return _last[0]


def object_keys(parts: Sequence[Part], level: int = OPT) -> list[str]:
    """The names of the objects of a module's parts in the cache."""
    return [object_key(part.text, host(), 0 if part.cold else level) for part in parts]


def recall(keys: Sequence[str], exports: Sequence[str]) -> Loaded | None:
    """Code of these names, from memory or the disk cache; None where one of them is missing."""
    name = " ".join([*keys, *exports])
    with _lock:
        loaded = _alive.get(name)
        if loaded is None:
            objects = [artefacts.get("object", key) for key in keys]
            if any(data is None for data in objects):
                return None
            loaded = _alive[name] = link([data for data in objects if data is not None], exports)
    return loaded


def link(objects: Sequence[bytes], exports: Sequence[str]) -> Loaded:
    """Object code made for this machine, in memory. It may call memcpy, memset and the like, nothing else outside."""
    library = llvm.JITLibraryBuilder().add_current_process()
    for each in objects:
        library.add_object_img(each)
    for name in exports:
        library.export_symbol(name)
    with _lock:
        linker = _linker()
        tracker = library.link(linker, f"symtheano{next(_numbers)}")
    return Loaded(tracker, linker, exports, sum(map(len, objects)))


def object_for(text: str, machine: Host, level: int = OPT) -> bytes:
    """The object code of a module, for any machine; never from the cache."""
    with _lock:
        return bytes(_code_generator(machine, level).emit_object(_parse(text)))


def assembly(text: str, machine: Host | None = None, level: int = OPT) -> str:
    """The module as the assembly language of a machine (this one)."""
    machine = machine or host()
    with _lock:
        return str(_code_generator(machine, level).emit_assembly(_parse(text)))


def object_key(text: str, machine: Host, level: int) -> str:
    """The name of an object in the cache: everything that it depends on."""
    llvm_version = ".".join(map(str, llvm.llvm_version_info))
    versions = f"{ABI} {level} {llvmlite.__version__} {llvm_version}"
    return artefacts.key(text, machine.triple, machine.cpu, machine.features, versions)


# ------------------------------------------------------------------------------------------------------------- LLVM


def _cached_object(key: str, text: str, machine: Host, level: int, keep: bool) -> tuple[bytes, str]:
    """Object code, and where it came from."""
    found = artefacts.get("object", key) if keep else None
    if found is not None:
        return found, "disk"
    made = object_for(text, machine, level)
    if keep:
        artefacts.put("object", key, made)
    return made, "generated"


def _parse(text: str) -> llvm.ModuleRef:
    try:
        module = llvm.parse_assembly(text, context=llvm.create_context())  # its constants go with it
        if config.check_programs:
            module.verify()
    except RuntimeError as problem:
        raise RuntimeError(f"generated code is not LLVM's language: {problem}") from None
    return module


@cache
def _initialise() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@cache
def _initialise_all() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()


@lru_cache(maxsize=32)
def _code_generator(machine: Host, level: int) -> llvm.TargetMachine:
    if machine == _this_machine():
        _initialise()
    else:
        _initialise_all()
    target = llvm.Target.from_triple(machine.triple)
    return target.create_target_machine(
        cpu=machine.cpu, features=machine.features, opt=level, reloc="pic", codemodel="small"
    )


def _linker() -> llvm.LLJIT:
    """What links the next library, under the lock. JITLink keeps the parts of an object within reach of each other.

    LLVM keeps ten kilobytes of a library that is gone while its linker lives: now and then there is a new one.
    Windows has only the older kind.
    """
    if not _linkers or _linkers[0][1] >= _LINKS:
        generator = _code_generator(_this_machine(), OPT)
        _linkers[:] = [(llvm.create_lljit_compiler(generator, use_jit_link=sys.platform != "win32"), 0)]
    linker, links = _linkers[0]
    _linkers[0] = (linker, links + 1)
    return linker


def _unload(tracker: llvm.ResourceTracker, linker: list[llvm.LLJIT]) -> None:
    """Frees a library, and its linker where that was its last."""
    tracker.close()
    linker.clear()


def _before_fork() -> None:
    _lock.acquire()
    if _llvm_lock is not None:
        _llvm_lock.__enter__()


def _after_fork() -> None:
    if _llvm_lock is not None:
        _llvm_lock.__exit__(None, None, None)
    _lock.release()


_llvm_lock = getattr(llvm.ffi.lib, "_lock", None)  # llvmlite's own, around each call of LLVM, ours or others'
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
