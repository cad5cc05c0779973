"""Runs the Python blocks of the Markdown pages and compares what they print (`tests/test_docs.py`).

A block ```python runs in its page's namespace, after the blocks before it; where a ```text block follows, it holds what
the block prints (`...` stands for anything). `python docs/run_examples.py` says what differs, `--write` writes it down.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<output>.*?)^```\n)?", re.MULTILINE | re.DOTALL)
FLAGS = doctest.ELLIPSIS


class Example(NamedTuple):
    """A block: its code, the line of its first statement, what the page says it prints (None: nothing said), where."""

    code: str
    line: int
    expected: str | None
    span: tuple[int, int]


def examples(text: str) -> Iterator[Example]:
    """The Python blocks of a page."""
    for found in BLOCK.finditer(text):
        start = text.count("\n", 0, found.start("code")) + 1
        yield Example(found["code"], start, found["output"], found.span("output"))


def run(page: Path, text: str) -> Iterator[tuple[Example, str]]:
    """Each block of a page with what it prints."""
    scope: dict[str, Any] = {"__name__": page.stem}
    for example in examples(text):
        printed = io.StringIO()
        source = "\n" * (example.line - 1) + example.code  # so that messages name the page's own lines
        with contextlib.redirect_stdout(printed):
            exec(compile(source, page.name, "exec"), scope)
        yield example, printed.getvalue()


def differences(page: Path) -> list[str]:
    """What a page says wrongly, as text."""
    found = []
    for example, printed in run(page, page.read_text(encoding="utf-8")):
        if example.expected is not None and not doctest.OutputChecker().check_output(example.expected, printed, FLAGS):
            found.append(f"{page.name}:{example.line} prints\n{printed}instead of\n{example.expected}")
    return found


def rewritten(page: Path) -> str:
    """The page with what its blocks print now, where that is not what it says."""
    text = page.read_text(encoding="utf-8")
    new, done = "", 0
    for example, printed in run(page, text):
        if example.expected is not None and not doctest.OutputChecker().check_output(example.expected, printed, FLAGS):
            new += text[done : example.span[0]] + printed
            done = example.span[1]
    return new + text[done:]


if __name__ == "__main__":
    for one in PAGES:
        if "--write" in sys.argv:
            one.write_text(rewritten(one), encoding="utf-8")
        else:
            print("\n".join(differences(one)), end="")
