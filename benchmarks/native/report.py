"""Tables of records and verdicts for the terminal and for docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.harness import number
from benchmarks.native.goals import GOALS, Verdict, verdicts
from benchmarks.native.measure import LINES as MEASURED
from benchmarks.native.peers import CONTENDERS, HOMES, OURS, title
from benchmarks.native.record import WARM, Record
from benchmarks.native.suite import Suite

TITLE = "The native target, against JAX, torch, PyTensor"
HOW = """
Each contender runs in a process of its own, with the Python of its own virtual environment; they are asked in turn,
sample by sample (a sample is at least 3 ms of calls), after their results were found equal to NumPy's. Times are
medians. In brackets: what the peer takes for one of ours, the median of the ratios of neighbouring samples; the last
columns are the ratio to the fastest peer, and its quartiles. Peers use their own arrays and as many threads as they
choose; JAX's parameters are donated, and it is awaited after each call or after the last of a sample, whichever is
faster for it; torch.compile compiles for the very shapes (it needs a C++ compiler, which is a need of this benchmark
alone); PyTensor trusts its inputs, and for the tiny calls the faster of its numba and C backends counts. symtheano
checks its inputs; it is its default mode.
"""
LINES = {
    "elementwise": ("Fused elementwise", "Five formulas, inputs and output in arrays of one length."),
    "reductions": ("Rows and sums", "float32; (512, 1000) fits a cache, (64, 32000) does not."),
    "steps": ("Training steps", "float32, gradient descent, parameters updated in place."),
    "calls": ("Calls", "float64, one element; the loop around the call is counted."),
    "logp": ("Log density and gradient", "919 observations in 85 groups, float64, one vector of 175 parameters."),
    "compile": (
        "Cold compile",
        "From the first variable to the end of the first call, in a fresh process in which a trivial function was "
        "compiled before, with an empty cache; and in a second process from the disk cache of the first.",
    ),
    "scaling": (
        "Large graphs, cold",
        "A chain mixes tanh, products with a matrix, sums and square roots on (4, 8); the narrow network has 50 layers "
        "of 8. Peers have a minute (JAX) or half a minute.",
    ),
    "sizes": (
        "100 batch sizes",
        "A training step 784-500-10; a function that has seen one other size is called with sizes in random order. Of "
        "each size, the median over several such functions.",
    ),
    "memory": (
        "Peak memory of a step",
        "What is held through malloc at its highest in three steps, beyond what is held after steps on one row: what "
        "the batch needs, and gradients and parameters that are not written in place.",
    ),
}
NATIVE = Suite("native", HOMES, TITLE, HOW, LINES, GOALS, MEASURED)
SCALES = (("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0))


def quantity(value: float | None, unit: str) -> str:
    """Three digits and a unit of fitting size."""
    if value is None:
        return ""
    if unit == "bytes":
        return f"{number(value / 2**20)} MiB"
    if unit != "s":
        return f"{number(value)} {unit}".strip()
    name, scale = next((pair for pair in reversed(SCALES) if value >= pair[1]), SCALES[0])
    return f"{number(value / scale)} {name}"


def _cell(record: Record, contender: str) -> str:
    middle = record.of(contender)
    if middle is None:
        return record.errors.get(contender, "")
    said = quantity(middle.median, record.unit)
    ratio = record.ratio(contender) if contender not in (OURS, WARM) else None
    return said if ratio is None else f"{said} ({number(ratio.median)}x)"


def _verdict(record: Record) -> tuple[str, str, str]:
    best = record.against_best()
    if best is None:
        return "", "", ""
    worse = "more" if record.unit == "bytes" else "slower"
    word = "" if best.median >= 1 else worse if best.high < 1 else f"{worse}, within noise"
    return number(best.median), f"{number(best.low)} .. {number(best.high)}", word


def table(records: Sequence[Record]) -> list[str]:
    """Lines of Markdown: a row for each case, a column for each contender that has numbers or reasons."""
    order = (OURS, WARM, *CONTENDERS[1:])
    there = [c for c in order if any(c in r.values or c in r.errors for r in records)]
    head = ["", *map(title, there), "best peer", "quartiles", ""]
    rows = [[r.name, *(_cell(r, c) for c in there), *_verdict(r)] for r in records]
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def goal_table(found: Sequence[Verdict]) -> list[str]:
    """Lines of Markdown: a row for each goal."""
    head = ["line", "goal", "", "measured", "verdict", ""]
    rows = [
        [
            v.line,
            v.what,
            f"{'>=' if v.least else '<='} {quantity(v.goal, v.unit)}",
            quantity(v.value, v.unit),
            v.text,
            v.note,
        ]
        for v in found
    ]
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def missing(pythons: Mapping[str, str], homes: Mapping[str, str] = HOMES) -> str:
    """A sentence on the peers that are not there."""
    absent = [title(c) for c in homes if c not in pythons]
    return f"Not installed, so not measured: {', '.join(absent)}." if absent else ""


def markdown(data: Mapping[str, Any], lines: Mapping[str, Sequence[Record]], suite: Suite = NATIVE) -> str:
    """The suite's section of docs/benchmarks.md. data: `facts` of the whole and of each line."""
    facts = [f"| {k} | {v} |" for k, v in data["facts"].items()]
    judged = [v for line, records in lines.items() for v in verdicts(line, records, suite.goals)]
    parts = [f"## {suite.title}", "", suite.how.strip(), "", "| | |", "|---|---|", *facts, "", *goal_table(judged)]
    for line, records in lines.items():
        heading, how = suite.words[line]
        when = data["lines"][line]["facts"]
        parts += ["", f"### {heading}", "", how, f"{when}", ""]
        if line == "sizes":
            parts += [f"Worst {max(r.values[OURS]):.2f}, median {m.median:.2f}." for r in records if (m := r.of(OURS))]
        else:
            parts += table(records)
    return "\n".join(parts)
