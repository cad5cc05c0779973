"""What a reader of the code may rely on: short files, short functions, no loose ends, no traces of a machine."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("symtheano", "tests", "examples", "benchmarks", "docs")
FILE_LINES = 600
FUNCTION_LINES = 80  # without the docstring

# Spelled in pieces, so that this file does not find itself.
LOOSE_ENDS = re.compile("|".join(rf"\b{word}\b" for word in ("TO" + "DO", "FIX" + "ME", "XX" + "X")))
BARE_IGNORE = re.compile(r"#\s*type:\s*ignore(?!\[)")
BARE_NOQA = re.compile(r"#\s*noqa\b(?!:)", re.IGNORECASE)
MACHINE = re.compile(
    r"(?:^|[^A-Za-z0-9_.~<>*{}/-])/(?:" + "|".join(("work", "farm", "root", "home", "Users")) + r")/\w"
)


@cache
def files() -> tuple[Path, ...]:
    """The Python files of the project, committed or not."""
    return tuple(sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")))


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def places(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files()
        for number, line in enumerate(lines(path), 1)
        if pattern.search(line)
    ]


def test_no_file_is_too_long() -> None:
    counts = {str(path.relative_to(ROOT)): len(lines(path)) for path in files()}
    long = [f"{name}: {count} lines" for name, count in counts.items() if count > FILE_LINES]
    assert not long, f"more than {FILE_LINES} lines; does each still have one subject?\n" + "\n".join(long)


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from `def` to the end, without the docstring."""
    total = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function, clean=False) is None:
        return total
    text = function.body[0]
    return total - ((text.end_lineno or text.lineno) - text.lineno + 1)


def test_no_function_is_too_long() -> None:
    long = []
    for path in files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_length(node) > FUNCTION_LINES:
                long.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.name}: {body_length(node)} lines")
    assert not long, f"more than {FUNCTION_LINES} lines:\n" + "\n".join(long)


def test_ignored_diagnostics_are_named() -> None:
    assert not places(BARE_IGNORE)
    assert not places(BARE_NOQA)


def test_no_loose_ends() -> None:
    assert not places(LOOSE_ENDS)


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in files()
        if lines(path) and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent, "no docstring:\n" + "\n".join(silent)


def test_no_path_of_a_machine_is_committed() -> None:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    found = []
    for name in filter(None, listing.stdout.split("\0")):
        path = ROOT / name
        if not path.is_file() or path.suffix in {".png", ".npz", ".gz", ".lock"}:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{name}:{number}: {line.strip()}" for number, line in enumerate(text.splitlines(), 1)
                  if MACHINE.search(line)]  # fmt: skip
    assert not found, "absolute paths:\n" + "\n".join(found)


@pytest.mark.parametrize(("line", "caught"), [
    ('open("/' + 'home/ann/data")', True), ("/" + "work/main/x", True), ("~/.cache", False),
    ("a/" + "work/b", False), ("https://host/" + "home/x", False),
])  # fmt: skip
def test_what_counts_as_a_path_of_a_machine(line: str, caught: bool) -> None:
    assert bool(MACHINE.search(line)) is caught
