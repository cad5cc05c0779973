"""Suite: what a comparison with the peers consists of. `native` is one, `scan` (benchmarks/scan) another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.native.goals import Judge
from benchmarks.native.measure import Setting
from benchmarks.native.peers import ROOT
from benchmarks.native.record import Record


@dataclass(frozen=True)
class Suite:
    """name: the folder under benchmarks/ with `cases.py` and a `by_*.py` for each contender; the command's word.

    homes: the peers, of each its environment. title, how, words: what docs/benchmarks.md says of it and of each line.
    goals, lines: how each line is judged and measured. page, data: where tables and numbers are written.
    """

    name: str
    homes: Mapping[str, str]
    title: str
    how: str
    words: Mapping[str, tuple[str, str]]
    goals: Mapping[str, Judge]
    lines: Mapping[str, Callable[[Setting], Sequence[Record]]]
    page: Path = ROOT / "docs" / "benchmarks.md"

    @property
    def data(self) -> Path:
        """Its numbers."""
        return self.page.parent / "benchmarks" / f"{self.name}.json"

    @property
    def marks(self) -> tuple[str, str]:
        """What is around its section of the page."""
        return f"<!-- {self.name}: written by make bench ARGS={self.name} -->", f"<!-- end of {self.name} -->"
