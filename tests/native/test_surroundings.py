"""Functions in odd surroundings: without llvmlite, with a cache of no use, after fork and spawn, many of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from symtheano.compile.target.native.toolchain import host, link, object_for

ROOT = Path(__file__).resolve().parents[2]
HEAD = """
import sys, warnings
warnings.simplefilter("always")
told = []
warnings.showwarning = lambda message, category, filename, line, *rest: told.append((str(message), filename))
import numpy as np
import symtheano as st, symtheano.tensor as T
"""
BODY = """
x, w = T.dmatrix("x"), st.shared(np.linspace(-1, 1, 12).reshape(3, 4), "w")
loss = T.sqr(T.nnet.softmax(T.dot(x, w)) - 0.25).sum()
f = st.function([x], loss, updates=[(w, w - 0.1 * st.grad(loss, w))])
g = st.function([x], T.sort(T.tanh(x), axis=1) + 1)
values = [float(f(np.full((n, 3), 0.5 + n))) for n in (2, 5, 1)]
values += [float(g(np.ones((2, 3))).sum()), (w.get_value() ** 2).sum()]
print([f"{v:.9f}" for v in values], len(told), f.compiled.native is not None)
"""


def printed(program: str, folder: Path, flags: str = "", path: Path | None = None) -> str:
    """What a process of its own prints; base_compiledir is `folder`."""
    settings = ",".join(["cache=True", f"base_compiledir={folder}", *filter(None, [flags])])
    paths = os.pathsep.join(map(str, filter(None, [path, ROOT])))
    environment = {**os.environ, "SYMTHEANO_FLAGS": settings, "PYTHONPATH": paths}
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=240)
    assert not done.returncode, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the NumPy program gives."""
    found = printed(HEAD + BODY, tmp_path_factory.mktemp("numpy"), "target=numpy")
    assert found.endswith("0 False") and "nan" not in found
    return found.removesuffix("0 False")


# -- without llvmlite --------------------------------------------------------------------------------------------------

BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "llvmlite":
            raise ModuleNotFoundError("No module named 'llvmlite'", name="llvmlite")
sys.meta_path.insert(0, Blocker())
"""
TELL = """
print(*(f"{message} | {filename}" for message, filename in told))
"""


def test_without_llvmlite_one_notice_says_so(tmp_path: Path, wanted: str) -> None:
    values, notice = printed(BLOCKED + HEAD + BODY + TELL, tmp_path).splitlines()
    assert values == f"{wanted}1 False"
    assert notice.startswith("llvmlite is not installed: functions run as NumPy programs.")
    assert notice.endswith(" | <string>")  # the user's line
    assert "target=numpy" in notice
    assert printed(BLOCKED + HEAD + BODY, tmp_path, "target=numpy") == f"{wanted}0 False"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise OSError('libLLVM.so: no such file')", "llvmlite cannot be loaded (OSError: libLLVM.so: no such file)"),
        ("import surely_not_there", "llvmlite cannot be loaded (No module named 'surely_not_there')"),
        ("", "llvmlite is 0.39.1, and too old: 0.44 is needed"),
    ],
    ids=["broken", "incomplete", "old"],
)
def test_a_llvmlite_that_is_of_no_use(tmp_path: Path, wanted: str, text: str, reason: str) -> None:
    package = tmp_path / "path" / "llvmlite"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("__version__ = '0.39.1'\n")
    (package / "binding.py").write_text(text + "\n")
    values, notice = printed(HEAD + BODY + TELL, tmp_path / "cache", path=package.parent).splitlines()
    assert values == f"{wanted}1 False" and notice.startswith(reason)


# -- the cache ---------------------------------------------------------------------------------------------------------

FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
"""


def test_a_folder_that_cannot_be_made(tmp_path: Path, wanted: str) -> None:
    (tmp_path / "file").write_text("in the way")
    assert printed(HEAD + BODY, tmp_path / "file" / "cache").startswith(wanted)


@pytest.mark.skipif(sys.platform == "win32", reason="it has no limits of the size of files")
def test_a_disk_that_is_full(tmp_path: Path, wanted: str) -> None:
    assert printed(FULL + HEAD + BODY, tmp_path / "cache").startswith(wanted)
    assert printed(HEAD + BODY, tmp_path / "cache") == f"{wanted}0 True"


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path, wanted: str) -> None:
    (tmp_path / "cache").mkdir(mode=0o500)
    assert printed(HEAD + BODY, tmp_path / "cache").startswith(wanted)


@pytest.mark.parametrize(
    "damage",
    [lambda data: b"", lambda data: data[: len(data) // 2], lambda data: data[::-1]],
    ids=["empty", "half", "reversed"],
)
def test_files_that_are_damaged(tmp_path: Path, wanted: str, damage: object) -> None:
    folder = tmp_path / "cache"
    assert printed(HEAD + BODY, folder) == f"{wanted}0 True"
    files = [p for p in folder.rglob("*") if p.is_file()]
    assert files
    for file in files:
        file.write_bytes(damage(file.read_bytes()))  # type: ignore[operator]
    assert printed(HEAD + BODY, folder) == f"{wanted}0 True"


# -- processes ---------------------------------------------------------------------------------------------------------

PROCESSES = """
import multiprocessing, pickle, sys
import numpy as np
import symtheano as st, symtheano.tensor as T

LARGE = np.linspace(0, 1, 400_000).reshape(400, 1000)  # work that threads share

def make(number):
    x, w = T.dmatrix("x"), st.shared(np.zeros(1000), "w")
    y = T.nnet.softmax(x + w)
    return st.function([x], y.sum(axis=0), updates=[(w, w + number)])

def child(f):
    own = make(2.0)
    first = [float(g(LARGE).sum()) for g in (f, own)]
    assert np.allclose(first, 400), first
    return float(f.get_shared()[0].get_value()[0]), float(own.get_shared()[0].get_value()[0])

if __name__ == "__main__":
    f = make(1.0)
    f(LARGE)
    assert f.compiled.native is not None
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        print(pool.map(child, [f, f, f], chunksize=1))
    f(LARGE)
    print(f.get_shared()[0].get_value()[0], child(f))
"""


@pytest.mark.parametrize("way", ["fork", "spawn"])
def test_children_compile_and_call(tmp_path: Path, way: str) -> None:
    if way == "fork" and not hasattr(os, "fork"):
        pytest.skip("no fork here")
    script = tmp_path / "program.py"
    script.write_text(PROCESSES)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SYMTHEANO_FLAGS": f"base_compiledir={tmp_path},threads=2"}
    run = [sys.executable, "-W", "ignore::DeprecationWarning", str(script), way]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert not done.returncode and not done.stderr, done.stderr
    assert done.stdout.splitlines() == [str([(2.0, 2.0)] * 3), "2.0 (3.0, 2.0)"]


# -- many of them ------------------------------------------------------------------------------------------------------


def test_code_that_is_gone_leaves_no_memory() -> None:
    text = "define i32 @f(ptr %frame) {\n  ret i32 7\n}\n"
    data = object_for(text, host())
    for _ in range(300):
        link([data], ["f"])
    before = psutil.Process().memory_info().rss
    for _ in range(1500):
        link([data], ["f"])
    assert psutil.Process().memory_info().rss - before < 4 << 20


def test_deleted_functions_leave_no_memory(tmp_path: Path) -> None:
    program = """
import gc, psutil
from symtheano.config import config
config.cache = False
def make(k):
    x, s = T.dmatrix("x"), st.shared(np.zeros(3), "s")
    f = st.function([x], T.sort(x + k, axis=1), updates=[(s, s + k)])
    f(np.ones((4, 3)))
for k in range(500):
    make(float(k % 7))
    if k in (199, 499):
        gc.collect()
        print(psutil.Process().memory_info().rss >> 10, len(gc.get_objects()))
"""
    first, last = (
        list(map(int, line.split())) for line in printed(HEAD + program, tmp_path, "quick_code=False").splitlines()
    )
    assert last[0] - first[0] < 3 << 10, "KiB"
    assert last[1] - first[1] < 100
