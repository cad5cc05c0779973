"""Writes the table of modules in docs/architecture.md from their docstrings (`make docs`)."""

from __future__ import annotations

import ast
from pathlib import Path

PAGE = Path(__file__).with_name("architecture.md")
PACKAGE = Path(__file__).resolve().parents[1] / "symtheano"
MARKS = ("<!-- modules: written by make docs -->", "<!-- end of modules -->")
FOLDERS = (
    *(".", "graph", "scalar", "scalar/vecmath", "tensor", "tensor/nnet", "tensor/linalg", "tensor/signal", "gradient"),
    *("compile", "compile/rules", "compile/target", "compile/target/native", "compile/target/native/gemm"),
    *("scan", "interop", "sandbox"),
)


def first_sentence(path: Path) -> str:
    """The first paragraph of a module's docstring, on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")


def table(folder: str) -> str:
    """The modules of a folder; its own docstring above them."""
    here = PACKAGE / folder
    rows = [f"| `{p.name}` | {first_sentence(p)} |" for p in sorted(here.glob("*.py")) if p.name != "__init__.py"]
    title = "symtheano/" if folder == "." else f"symtheano/{folder}/"
    return "\n".join([f"**`{title}`** {first_sentence(here / '__init__.py')}", "", "| | |", "|---|---|", *rows])


def page(text: str) -> str:
    """The page with its table as the modules are now."""
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    folders = [f for f in FOLDERS if (PACKAGE / f / "__init__.py").exists()]
    tables = "\n\n".join(map(table, folders))
    return f"{before}{MARKS[0]}\n\n{tables}\n\n{MARKS[1]}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
