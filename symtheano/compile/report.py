"""The compile report: what was rewritten, what runs, and how much memory the plan needs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from symtheano.compile.peak import peak_memory
from symtheano.compile.pipeline import Compiled
from symtheano.compile.program import Body, Call, Fork, Loop, Program
from symtheano.graph.variable import Variable


def text_report(compiled: Compiled, state: str = "") -> str:
    """The report as text. state: what has become of machine code that is made in the background."""
    report = compiled.report
    compiled.graph  # noqa: B018  it is rewritten now if it was not before
    lines = [f"graph: {report.nodes_before} nodes, {report.nodes_after} after rewriting"]
    lines += [f"  {name}: {1e3 * seconds:.2f} ms, {nodes} nodes after it" for name, seconds, nodes in report.phases]
    lines.append("rules fired: " + (", ".join(f"{n} x{k}" for n, k in sorted(report.fired.items())) or "none"))
    lines += map(str, report.kept.values())
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
    return [
        "runs as a NumPy program",
        *_steps(program),
        f"bytes of intermediate values and outputs at the peak: {peak_memory(program)}",
    ]


def _steps(program: Program) -> list[str]:
    kinds = Counter(type(s).__name__.lower() for s in program)
    reused = sum(isinstance(s, Call) and s.consumes is not None for s in program)
    lines = [
        "steps: " + ", ".join(f"{k} {n}" for n, k in sorted(kinds.items())),
        f"calls that write into memory that is there already: {reused}",
    ]
    for step in program:
        if isinstance(step, Loop):
            lines.append(f"{step.body} ({step.node.op}), {_count(step, program)} times:")
            lines += [f"  {line}" for line in _body(program.loops[step.body])]
        if isinstance(step, Fork):
            for side, when in ((step.holds, "holds"), (step.other, "does not")):
                lines.append(f"{side.program} ({step.node.op}), if its condition {when}:")
                lines += [f"  {line}" for line in _steps(program.sides[side.program])]
    return lines


def _count(loop: Loop, program: Program) -> str:
    """How often a loop runs, as a length of an argument where there is one."""
    if loop.count in program.constants:
        return str(program.constants[loop.count])
    _, _, xs = program.loops[loop.body].op.split(loop.args)
    rows = [program.shapes[x][0] for x in xs]
    return program.size_names.get(rows[0], loop.count) if rows and isinstance(rows[0], Variable) else loop.count


def _body(body: Body) -> list[str]:
    states = Counter(
        "computed in a row of the trace" if s.row else "copied into the trace" if s.trace else
        "in memory of the loop's own" if s.owned else "in fresh memory"
        for s in body.states if s.ndim != 0
    )  # fmt: skip
    numbers = sum(s.ndim == 0 for s in body.states)
    told = [f"{count} {where}" for where, count in sorted(states.items())] + [f"{numbers} numbers"] * (numbers > 0)
    return ["states: " + (", ".join(told) or "none"), *_steps(body.program)]
