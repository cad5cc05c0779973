"""The compile report: what was rewritten, what runs, and how much memory the plan needs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from symtheano.compile.peak import peak_memory
from symtheano.compile.pipeline import Compiled
from symtheano.compile.program import Call, Program


def text_report(compiled: Compiled, state: str = "") -> str:
    """The report as text. state: what has become of machine code that is made in the background."""
    report = compiled.report
    lines = [f"graph: {report.nodes_before} nodes, {report.nodes_after} after rewriting"]
    lines += [f"  {name}: {1e3 * seconds:.2f} ms, {nodes} nodes after it" for name, seconds, nodes in report.phases]
    lines.append("rules fired: " + (", ".join(f"{n} x{k}" for n, k in sorted(report.fired.items())) or "none"))
    lines += _numpy(compiled.program) if compiled.native is None else _native(compiled.native)
    lines += [state] if state else []
    lines += [f"time, {name}: {1e3 * s:.2f} ms" for name, s in report.seconds.items()]
    return "\n".join(lines)


def _native(native: Any) -> list[str]:
    lines: list[str] = native.seen.report()
    if hasattr(type(native), "whole"):  # target.Recalled, which has plans only since we asked for them
        lines.append("the function was known on disk: these steps were done for this report, not to run it")
    return lines


def _numpy(program: Program) -> list[str]:
    kinds = Counter(type(s).__name__.lower() for s in program)
    reused = sum(isinstance(s, Call) and s.consumes is not None for s in program)
    return [
        "runs as a NumPy program",
        "steps: " + ", ".join(f"{k} {n}" for n, k in sorted(kinds.items())),
        f"calls that write into memory that is there already: {reused}",
        f"bytes of intermediate values and outputs at the peak: {peak_memory(program)}",
    ]
