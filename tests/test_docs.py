"""The pages say what is so: their examples run and print what stands beside them, and their links lead somewhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from symtheano.config import config

ROOT = Path(__file__).resolve().parents[1]


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


runner, modules = _script("run_examples"), _script("make_modules")
PAGES: tuple[Path, ...] = runner.PAGES
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")
MUST_RUN = ("README.md", "tutorial.md", "scan.md", "native.md", "writing_ops.md", "differences.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_examples_print_what_the_page_says(page: Path) -> None:
    if page.name == "native.md":
        pytest.importorskip("llvmlite")
    # What users see: the checks that the suite turns on would put poisoned memory into the sources that are printed.
    with config.change_flags(check_programs=False):
        assert not runner.differences(page)


@pytest.mark.parametrize("name", MUST_RUN)
def test_the_page_has_examples(name: str) -> None:
    (page,) = (p for p in PAGES if p.name == name)
    assert any(e.expected for e in runner.examples(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_to_files(page: Path) -> None:
    broken = [t for t in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / t).exists()]
    assert not broken


def test_the_runner_finds_a_wrong_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n", encoding="utf-8")
    assert runner.differences(page) == ["page.md:2 prints\n2\ninstead of\n3\n"]
    assert runner.rewritten(page) == "```python\nprint(1 + 1)\n```\n\n```text\n2\n```\n"


def test_the_table_of_modules_is_up_to_date() -> None:
    page = ROOT / "docs" / "architecture.md"
    text = page.read_text(encoding="utf-8")
    assert modules.page(text) == text, "run: make docs"
