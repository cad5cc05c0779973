"""The code of docs/writing_rules.md runs."""

from __future__ import annotations

import re
from pathlib import Path

from symtheano.graph.fgraph import FunctionGraph
from symtheano.tensor.create import vector
from symtheano.tensor.math import exp, log, neg
from tests.rules.rewriting import ops

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "writing_rules.md"


def test_the_code_runs_and_the_rules_work() -> None:
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    scope: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, DOCUMENT.name, "exec"), scope)
    v = vector("v")
    graph = FunctionGraph([v], [log(1 + v), neg(exp(v)).sum(axis=0)])
    graph = graph.rewrite([scope["log1p"], scope["sum_of_neg"]])
    assert "log1p" in ops(graph)
    assert ops(graph)[-1] == "neg"
