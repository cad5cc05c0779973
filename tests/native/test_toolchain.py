"""The toolchain: code that runs, is found again on disk, is freed, and can be made for machines that are not here."""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import llvmlite.binding as llvm
import pytest

from symtheano.compile import cache
from symtheano.compile.target.native import toolchain
from symtheano.compile.target.native.llvm import Host, Module
from symtheano.compile.target.native.toolchain import (
    HOSTS,
    assembly,
    build,
    describe,
    host,
    link,
    object_for,
    pretending,
)
from symtheano.config import config

CALL = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
ROOT = Path(__file__).resolve().parents[2]


def square_sum(machine: Host, add: int = 0) -> str:
    """sum(i * i for i in range(n)) + add, as @total."""
    module = Module(machine)
    f = module.function("total", [("i64", "n")], "i64", "")
    (total,) = f.loop(
        "0", "%n", 1, [("i64", str(add))], lambda i, v: [f.emit(f"add i64 {v[0]}, {f.emit(f'mul i64 {i}, {i}')}")]
    )
    f.ret(total)
    return str(module)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cache of its own."""
    config.compiledir = str(tmp_path)
    return cache.current().folder


def generations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one for each module that LLVM generates code for."""
    seen: list[str] = []

    def counted(text: str, machine: Host, level: int = toolchain.OPT) -> bytes:
        seen.append(text)
        return object_for(text, machine, level)

    monkeypatch.setattr(toolchain, "object_for", counted)
    return seen


@pytest.mark.parametrize("level", [0, 1, 2])
def test_it_runs(folder: Path, level: int) -> None:
    loaded = build(square_sum(host()), ["total"], level)
    assert CALL(loaded.address("total"))(1000) == sum(i * i for i in range(1000))


def test_code_in_memory_is_shared_and_freed(folder: Path) -> None:
    first = build(square_sum(host(), 1), ["total"])
    assert build(square_sum(host(), 1), ["total"]) is first
    assert build(square_sum(host(), 2), ["total"]) is not first
    kept = len(toolchain._alive)
    del first
    gc.collect()
    assert len(toolchain._alive) < kept


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="reads /proc")
def test_freed_code_is_no_longer_in_memory() -> None:
    def executable(address: int) -> bool:
        for line in Path("/proc/self/maps").read_text().splitlines():
            area, mode = line.split()[:2]
            low, high = (int(each, 16) for each in area.split("-"))
            if low <= address < high:
                return "x" in mode
        return False

    loaded = link([object_for(square_sum(host()), host())], ["total"])
    address = loaded.address("total")
    assert executable(address)
    del loaded
    gc.collect()
    assert not executable(address)


def test_the_disk_cache_saves_code_generation(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = generations(monkeypatch)
    for _ in range(2):
        loaded = build(square_sum(host(), 3), ["total"])
        assert CALL(loaded.address("total"))(3) == 8
        del loaded
        gc.collect()
    assert len(made) == 1
    (entry,) = cache.current().entries()
    entry.path.write_bytes(entry.path.read_bytes()[:-1] + b"?")
    loaded = build(square_sum(host(), 3), ["total"])
    assert CALL(loaded.address("total"))(3) == 8
    assert len(made) == 2
    del loaded
    with config.change_flags(cache=False):
        gc.collect()
        build(square_sum(host(), 3), ["total"])
    assert len(made) == 3


@pytest.mark.parametrize(
    "other",
    [
        {"text": "; another"},
        {"level": 0},
        {"machine": HOSTS["neon"]},
        {"machine": Host("t", "c", "f", 64, False, False)},
        {"machine": Host("t", "cf", "", 64, False, False)},
        {"abi": toolchain.ABI + 1},
        {"llvm": (1, 2, 3)},
    ],
    ids=str,
)
def test_the_key_has_all_that_the_object_depends_on(monkeypatch: pytest.MonkeyPatch, other: dict[str, object]) -> None:
    usual = {"text": "; text", "machine": Host("t", "c", "", 64, False, False), "level": 1}
    before = toolchain.object_key(**usual)  # type: ignore[arg-type]
    assert toolchain.object_key(**usual) == before  # type: ignore[arg-type]
    if "abi" in other:
        monkeypatch.setattr(toolchain, "ABI", other.pop("abi"))
    if "llvm" in other:
        monkeypatch.setattr(llvm, "llvm_version_info", other.pop("llvm"))
    assert toolchain.object_key(**(usual | other)) != before  # type: ignore[arg-type]


def test_a_second_process_generates_no_code(tmp_path: Path) -> None:
    script = """
import sys
from tests.native.test_toolchain import CALL, square_sum, toolchain
if sys.argv[1] == "second":
    def object_for(*_):
        raise AssertionError("code is generated again")
    toolchain.object_for = object_for
loaded = toolchain.build(square_sum(toolchain.host(), 5), ["total"])
print(CALL(loaded.address("total"))(4))
"""
    flags = {**os.environ, "SYMTHEANO_FLAGS": f"compiledir={tmp_path}"}
    for turn in ("first", "second"):
        command = [sys.executable, "-c", script, turn]
        done = subprocess.run(command, cwd=ROOT, env=flags, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "19\n"), done.stderr


def test_threads_build_at_once(folder: Path) -> None:
    results: list[int] = []

    def work(number: int) -> None:
        for add in range(8):
            loaded = build(square_sum(host(), 10 * (number % 2) + add), ["total"])
            results.append(CALL(loaded.address("total"))(3) - 10 * (number % 2) - add)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [5] * 32


@pytest.mark.parametrize("text", ["define void @total( {", "define i64 @total() {\n  ret i32 0\n}"])
def test_what_is_not_llvm_is_an_error(text: str) -> None:
    with pytest.raises(RuntimeError, match="not LLVM's language"):
        object_for(text, host())


def test_broken_code_is_an_error_where_programs_are_checked() -> None:
    """A value that is used before it is computed: the parser takes it, the verifier does not."""
    text = "define i64 @total(i64 %n) {\n  %a = add i64 %b, 1\n  %b = add i64 %n, 1\n  ret i64 %a\n}"
    with pytest.raises(RuntimeError, match="dominate"):
        object_for(text, host())


def test_a_function_that_is_not_there_is_an_error() -> None:
    with pytest.raises(RuntimeError):
        build(square_sum(host()), ["other"])


def test_memory_functions_of_the_process_are_found() -> None:
    text = f"""target triple = "{host().triple}"
define i64 @total(i64 %n) {{
  %p = alloca i8, i64 %n, align 8
  call void @llvm.memset.p0.i64(ptr %p, i8 1, i64 %n, i1 false)
  %v = load i64, ptr %p, align 8
  ret i64 %v
}}
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
"""
    loaded = link([object_for(text, host())], ["total"])
    assert CALL(loaded.address("total"))(4096) == 0x0101010101010101


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_other_machines(name: str) -> None:
    machine = HOSTS[name]
    made = object_for(square_sum(machine), machine)
    assert made[:4] == (b"\xcf\xfa\xed\xfe" if name == "macos" else b"\x7fELF")
    text = assembly(square_sum(machine), machine)
    assert "total" in text and ("mul" in text or "madd" in text)


def test_this_machine_is_one_that_code_can_be_made_for() -> None:
    assert host() is host()
    assert host().vector_bytes in (16, 32, 64)
    assert "total:" in assembly(square_sum(host()))


def test_code_of_an_older_machine_runs_here(folder: Path) -> None:
    if not host().triple.startswith("x86_64"):
        pytest.skip("not this family")
    with pretending(HOSTS["sse2"]):
        assert host() is HOSTS["sse2"]
        with pretending(HOSTS["avx2"]):
            assert host() is HOSTS["avx2"]
        loaded = build(square_sum(host()), ["total"])
        assert CALL(loaded.address("total"))(4) == 14
    assert host() not in HOSTS.values()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_compiles() -> None:
    """Forked from a process that compiles in another thread all the time."""
    script = """
import os, threading
from tests.native.test_toolchain import CALL, square_sum, toolchain
from symtheano.config import config
config.cache = False
go = True
def work():
    n = 0
    while go:
        n += 1
        toolchain.build(square_sum(toolchain.host(), n), ["total"])
thread = threading.Thread(target=work)
thread.start()
for turn in range(10):
    child = os.fork()
    if child == 0:
        loaded = toolchain.build(square_sum(toolchain.host(), -turn), ["total"])
        os._exit(CALL(loaded.address("total"))(20) - 2470 + turn)
    assert os.waitpid(child, 0)[1] == 0
go = False
thread.join()
"""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ("", (32, False, False)),
        ("+avx2", (64, False, False)),
        ("+avx2,+fma", (64, False, True)),
        ("+avx2,+fma,+avx512f", (64, False, True)),
        ("-avx2,-fma,-avx512f", (32, False, False)),
        ("+avx2,+fma,+avx512f,+avx512vl,+avx512bw,+avx512dq", (64, True, True)),
    ],
)
def test_what_follows_from_features(features: str, expected: tuple[int, bool, bool]) -> None:
    machine = describe("x86_64-unknown-linux-gnu", "x86-64", features)
    assert (machine.vector_bytes, machine.masks, machine.fma) == expected
    assert describe("aarch64-unknown-linux-gnu", "generic", features.replace("avx", "x")).fma


def test_parts_call_each_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """cold -> hot -> cold, with an address of a function, a constant and an intrinsic on both sides."""
    module = Module(host())
    hot = module.function("hot", [("i64", "n")], "i64")
    cold = module.function("cold", [("i64", "n")], "i64", "")
    again = module.function("again", [("i64", "n")], "i64")
    cold.cold = again.cold = True
    for f, called in ((cold, "@hot"), (hot, "@again")):
        pointer = f.alloca("ptr")
        f.store("ptr", called, pointer, 8)
        result = f.call(f.load("ptr", pointer, 8), "i64", [("i64", "%n")])
        f.ret(f.emit(f"add i64 {result}, {f.call(called, 'i64', [('i64', '%n')])}"))
    value = again.load("i64", module.constant("i64", "5"), 8)
    again.ret(again.intrinsic("llvm.smax.i64", "i64", [("i64", value), ("i64", "%n")]))
    module.constant("i64", "6")
    made = generations(monkeypatch)
    levels = [(part.cold, "constant i64 6" in part.text, "declare i64 @" in part.text) for part in module.parts()]
    assert levels == [(True, False, True), (False, False, True)]
    loaded = build(module.parts(), ["cold"])
    assert len(made) == 2
    call = CALL(loaded.address("cold"))
    assert (call(1), call(100)) == (20, 400)


def test_one_part_is_the_module() -> None:
    module = Module(host())
    module.function("f", []).ret()
    assert [part.cold for part in module.parts()] == [False]
    module.functions["f"].cold = True
    assert [part.cold for part in module.parts()] == [True]
