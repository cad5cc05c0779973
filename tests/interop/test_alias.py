"""import theano: every row of the table, what the names are, what is said of missing ones, and the command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import symtheano
import symtheano.tensor
from symtheano.interop import alias, theano_modules
from symtheano.interop.theano_modules import MODULES, parse

ROOT = Path(__file__).resolve().parents[2]
PRESENT = [path for path in MODULES if alias._exists(path)]
THEANO: Any = alias.module("theano")


def run(*arguments: str, flags: str = "", cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "THEANO_FLAGS": flags, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "symtheano", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environ, cwd=cwd)


@pytest.mark.parametrize("path", PRESENT)
def test_every_name_of_a_row_is_there(path: str) -> None:
    """A name that is listed must be found, where its source is there at all."""
    for source in parse(path):
        if source.module.startswith("symtheano") and alias._present(source.module):
            missing = [name for name in source.names if not hasattr(alias.module(path), name)]
            assert not missing, f"{path}: {source.module} has no {missing}"


@pytest.mark.parametrize("path", PRESENT)
def test_every_module_lists_what_it_gives(path: str) -> None:
    module = alias.module(path)
    public = module.__all__
    assert set(public) <= set(dir(module))
    for name in public:
        getattr(module, name)


def test_modules_have_their_place() -> None:
    for path in PRESENT:
        found: Any = THEANO
        for part in path.split(".")[1:]:
            parent, found = found, getattr(found, part)
        if isinstance(found, ModuleType) and path != "theano":
            assert found is alias.module(path)
            assert getattr(parent, part) is found


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("config", "config"),
        ("function", "compile.function.function"),
        ("tensor.dot", "tensor.dot"),
        ("tensor.sort", "tensor.sort"),
        ("tensor.var", "tensor.var"),
        ("compile.function", "compile.function.function"),
        ("compile.SharedVariable", "graph.shared.SharedVariable"),
        ("gof.Op", "graph.op.Op"),
        ("gof.fg.MissingInputError", "errors.MissingInputError"),
        ("tensor.subtensor.Subtensor", "tensor.index.Subtensor"),
        ("tensor.basic.as_tensor_variable", "tensor.as_tensor_variable"),
        ("tensor.elemwise.Elemwise", "tensor.Elemwise"),
        ("tensor.printing.Print", "printing.Print"),
        ("tensor.printing.pp", "printing.pp"),
        ("tensor.nnet.sigmoid", "tensor.nnet.sigmoid"),
        ("compile.ops.as_op", "as_op"),
        ("scan_module.scan_utils.equal_computations", "graph.walk.equal_computations"),
    ],
)
def test_names_are_the_same_objects(theirs: str, ours: str) -> None:
    found = THEANO
    for part in theirs.split("."):
        found = getattr(found, part)
    module, _, name = f"symtheano.{ours}".rpartition(".")
    assert found is getattr(sys.modules[module], name)


def test_theano_theano() -> None:
    assert THEANO.theano is THEANO
    assert THEANO.__version__ == THEANO.version.version == THEANO.version.full_version == "1.0.5"
    assert THEANO.compile.gof is THEANO.gof
    assert THEANO.tensor.sharedvar.SharedVariable is THEANO.compile.SharedVariable


def test_symtheano_answers_to_theanos_paths_too() -> None:
    st: Any = symtheano
    assert st.gof.graph.inputs is THEANO.gof.graph.inputs
    assert st.compile.SharedVariable is st.SharedVariable
    assert st.tensor.sharedvar.SharedVariable is st.SharedVariable
    assert st.tensor.basic.dot is st.tensor.dot
    assert st.printing.pp is st.pp
    assert not hasattr(st, "no_such_name")
    assert not hasattr(st.tensor, "__no_such_name__")


@pytest.mark.parametrize(
    ("statement", "parts"),
    [
        ("from theano.tensor import maximun", ["theano.tensor.maximun", "not in symtheano (yet)", "maximum"]),
        ("from theano.gof.graph import inpts", ["theano.gof.graph.inpts", "inputs"]),
        ("import theano.tensor.nett", ["theano.tensor.nett", "nnet"]),
        ("import theano.nowhere.at_all", ["theano.nowhere"]),
        ("import theano.sandbox.cuda", ["theano.sandbox.cuda", "0.9", "device=cuda"]),
        ("from theano.sandbox import cuda", ["theano.sandbox.cuda", "0.9"]),
        ("import theano.sandbox.cuda.dnn", ["theano.sandbox.cuda", "0.9"]),
    ],
)
def test_what_is_missing_is_told(statement: str, parts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with _installed(monkeypatch), pytest.raises(ImportError) as error:
        exec(statement, {})
    assert all(part in str(error.value) for part in parts), str(error.value)


def test_a_missing_attribute_names_its_kin() -> None:
    with pytest.raises(AttributeError, match=r"theano\.tensor\.sigmod is not in symtheano \(yet\).*sigmoid"):
        _ = THEANO.tensor.sigmod
    assert not hasattr(THEANO.sandbox, "cuda")
    assert not hasattr(THEANO, "__wrapped__")


class _installed:
    """The alias in place, and gone afterwards."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.monkeypatch = monkeypatch

    def __enter__(self) -> None:
        for path in PRESENT:
            self.monkeypatch.setitem(sys.modules, path, alias.module(path))
        self.monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
        symtheano.install_as_theano()

    def __exit__(self, *error: object) -> None:
        self.monkeypatch.undo()


def test_import_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    scope: dict[str, Any] = {}
    code = """
import theano, theano.tensor as T, theano.tensor.sort, theano.tensor.var
from theano import function, shared, gof, config
from theano.tensor.nnet import sigmoid
from theano.gof import Op, Apply
from theano.tensor.var import TensorVariable
from theano.tensor.sort import argsort
import theano.misc.pkl_utils
from theano.tensor import *
"""
    with _installed(monkeypatch):
        exec(code, scope)
    T = symtheano.tensor
    assert scope["T"].sort is T.sort and scope["T"].var is T.var  # the imports of the modules leave the functions
    assert scope["exp"] is T.exp and scope["matrix"] is T.matrix
    assert scope["config"] is symtheano.config
    assert isinstance(scope["T"].matrix(), scope["TensorVariable"])


def test_another_theano_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "theano", ModuleType("theano"))
    with pytest.raises(RuntimeError, match="another theano is loaded"):
        alias.install_as_theano()


def test_what_was_removed_says_why() -> None:
    assert all(alias._exists(path.rpartition(".")[0]) for path in theano_modules.GONE)


def test_run_script(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("import theano.tensor as T\ndef double(x):\n    return T.add(x, x)\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nimport theano\nimport theano.tensor as T\nfrom helper import double\n"
        "x = T.vector('x')\nif __name__ == '__main__':\n"
        "    print(sys.argv[1:], x.type, theano.function([x], double(x))([1, 2]), theano.config.floatX)\n"
    )
    done = run("run", str(script), "--rate", "0.1", flags="floatX=float32", cwd=tmp_path)
    assert done.stdout == "['--rate', '0.1'] TensorType(float32, vector) [2. 4.] float32\n", done.stderr


def test_run_module(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys, theano\nprint(theano.__version__, sys.argv[1:])\n")
    assert run("run", "-m", "program", "a", cwd=tmp_path).stdout == "1.0.5 ['a']\n"


def test_run_reports_misuse(tmp_path: Path) -> None:
    for arguments in ([], ["run"], ["run", "-m"], ["walk", "x.py"]):
        done = run(*arguments)
        assert done.returncode == 2 and "usage: python -m symtheano run script.py" in done.stderr
    done = run("run", str(tmp_path / "absent.py"))
    assert done.returncode == 2 and "there is no file" in done.stderr


def test_an_error_in_the_script_is_the_scripts(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import theano.tensor as T\nT.dot(T.matrix(), 'a')\n")
    done = run("run", str(script))
    assert done.returncode == 1 and 'script.py", line 2' in done.stderr


FLOORS = {1: 561, 2: 445, 3: 768, 4: 738}


@pytest.mark.parametrize("root", ["theano", "symtheano"])
def test_names_do_not_get_fewer(root: str) -> None:
    counter = ROOT.parent / "shared" / "check_names.py"
    if not counter.exists():
        pytest.skip("the list of Theano's names is not beside this checkout")
    counts = {}
    for line in run("run", str(counter), root).stdout.splitlines():
        tier, _, numbers = line.removeprefix("tier ").partition(":")
        counts[int(tier)] = int(numbers.split("/")[0])
    # As symtheano.tensor.var is the function (T.var), there is no module of that name beside it.
    slack = 0 if root == "theano" else 15
    assert all(counts[tier] >= floor - slack for tier, floor in FLOORS.items()), counts
