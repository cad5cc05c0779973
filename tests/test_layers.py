"""The architecture as a test: who may import whom, where imports may stand, and what `import symtheano` costs.

The layers are those of docs/architecture.md. A module is in the layer of the longest prefix of its name in ``LAYERS``.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import networkx
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "symtheano"

# prefix -> (layer, name of the group). Modules may import from lower layers and from their own group; two groups of one
# layer do not know each other. `gradient` itself stands in layer 3, since whoever imports gradient.reverse runs it.
LAYERS: dict[str, tuple[int, str]] = {
    "config": (0, "base"),
    "config_flags": (0, "base"),
    "errors": (0, "base"),
    "graph": (1, "graph"),
    "scalar": (1, "scalar"),
    "tensor": (2, "tensor"),
    "gradient": (3, "gradient"),
    "gradient.jacobian": (5, "jacobian"),
    "scan": (4, "scan"),
    "sandbox": (4, "sandbox"),
    "compile": (6, "compile"),
    "printing": (7, "top"),
    "interop": (7, "top"),
    "": (7, "top"),  # symtheano/__init__ and any other module at the top
}

# Packages that nobody should pay for who only writes `import symtheano`.
HEAVY = {"sympy", "networkx", "scipy", "cupy", "llvmlite", "matplotlib", "sklearn", "mpmath", "hypothesis", "pytest"}


@dataclass(frozen=True)
class Import:
    """One import statement's meaning: a module of symtheano that runs because of it."""

    target: str
    line: int


@cache
def sources() -> dict[str, Path]:
    """Every module of the package by its dotted name."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = list(path.relative_to(ROOT).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(sources()[module].read_text(encoding="utf-8"))


def imported_names(module: str, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The modules of symtheano that the statement names, with relative imports resolved."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        parts = module.split(".")
        is_package = sources()[module].name == "__init__.py"
        kept = parts[: len(parts) - node.level + is_package]
        base = ".".join([*kept, base] if base else kept)
    for alias in node.names:
        inner = f"{base}.{alias.name}"
        yield inner if inner in sources() else base


def imports(module: str) -> Iterator[Import]:
    """The symtheano modules that run because ``module`` is imported.

    Importing a.b.c runs a, then a.b, then a.b.c. The packages that ``module`` itself lies in are running already.
    """
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in imported_names(module, node):
                parts = name.split(".")
                if parts[0] != PACKAGE:
                    continue
                for depth in range(1, len(parts)):
                    parent = ".".join(parts[:depth])
                    if not f"{module}.".startswith(f"{parent}."):
                        yield Import(parent, node.lineno)
                yield Import(name, node.lineno)


def layer(module: str) -> tuple[int, str]:
    parts = module.split(".")[1:]
    for depth in range(len(parts), -1, -1):
        found = LAYERS.get(".".join(parts[:depth]))
        if found:
            return found
    raise AssertionError(module)


def at_line(module: str, line: int) -> str:
    return f"{sources()[module].relative_to(ROOT)}:{line}"


def test_the_tree_is_read() -> None:
    assert {"symtheano.config", "symtheano.errors"} <= set(sources())


def test_imports_point_downward() -> None:
    wrong = []
    for module in sources():
        mine = layer(module)
        for each in imports(module):
            theirs = layer(each.target)
            if theirs != mine and theirs[0] >= mine[0]:
                wrong.append(f"{at_line(module, each.line)}: {mine} imports {each.target} of {theirs}")
    assert not wrong, "imports must point to a lower layer:\n" + "\n".join(wrong)


def test_no_cycles() -> None:
    graph: networkx.DiGraph[str] = networkx.DiGraph()
    for module in sources():
        graph.add_edges_from((module, each.target) for each in imports(module))
    assert not list(networkx.selfloop_edges(graph))
    cycles = [" -> ".join(sorted(names)) for names in networkx.strongly_connected_components(graph) if len(names) > 1]
    assert not cycles, "these modules import one another:\n" + "\n".join(cycles)


def test_imports_stand_at_the_top_of_their_module() -> None:
    """Not in functions or classes, where they hide a cycle; nor under TYPE_CHECKING, which hides one from Python."""
    wrong = []
    for module in sources():
        allowed: set[ast.stmt] = set()
        for statement in tree(module).body:
            allowed.add(statement)
            if isinstance(statement, ast.Try):  # try: import llvmlite / except ImportError: ...
                handlers = [inner for handler in statement.handlers for inner in handler.body]
                allowed.update(statement.body, statement.orelse, handlers)
            if isinstance(statement, ast.If) and "TYPE_CHECKING" not in ast.unparse(statement.test):
                allowed.update(statement.body, statement.orelse)
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.Import | ast.ImportFrom) and node not in allowed:
                wrong.append(at_line(module, node.lineno))
    assert not wrong, "imports inside functions, classes or TYPE_CHECKING:\n" + "\n".join(wrong)


def test_the_bottom_layer_needs_the_standard_library_only() -> None:
    for module in ("config", "config_flags", "errors"):
        for node in ast.walk(tree(f"{PACKAGE}.{module}")):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for name in imported_names(f"{PACKAGE}.{module}", node):
                    assert name.split(".")[0] in {PACKAGE, *sys.stdlib_module_names}, (module, name)


def test_the_graph_layer_knows_no_arrays() -> None:
    wrong = []
    for module in sources():
        if layer(module)[1] == "graph":
            for node in ast.walk(tree(module)):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    names = [name.split(".")[0] for name in imported_names(module, node)]
                    wrong += [at_line(module, node.lineno) for name in names if name in {"numpy", *HEAVY}]
    assert not wrong, "graph/ is the language without tensors or numpy:\n" + "\n".join(wrong)


@pytest.mark.parametrize("statement", ["import symtheano", "import symtheano; symtheano.tensor"])
def test_import_loads_no_heavy_package(statement: str) -> None:
    if PACKAGE not in sources():
        pytest.fail("symtheano/__init__.py is missing")
    code = f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert not HEAVY & set(run.stdout.split())
