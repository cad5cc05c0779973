"""What the benchmarks share: interleaved timing, rows of results, the machine; text, JSON and Markdown."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

PACKAGES = ("numpy", "scipy", "sympy", "networkx")


@dataclass(frozen=True)
class Row:
    """One measured number.

    value: the median, or what `name` says. low, high: the quartiles where there are many samples. goal: the most it may
    be; None where the number is only told.
    """

    name: str
    value: float
    unit: str
    goal: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """Whether the goal is reached."""
        return "" if self.goal is None else "reached" if self.value <= self.goal else "MISSED"


@dataclass
class Result:
    """The rows of one benchmark, and what a reader must know of how they were taken."""

    title: str
    how: str
    rows: list[Row] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)  # files beside docs/benchmarks.md


def median_row(
    name: str, samples: Sequence[float], unit: str, scale: float = 1.0, goal: float | None = None, note: str = ""
) -> Row:
    """A row of the median of `samples` (times `scale`) with its quartiles."""
    values = sorted(scale * s for s in samples)
    low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else (values * 3)
    return Row(name, statistics.median(values), unit, goal, low, high, note)


def interleaved(functions: Mapping[str, Callable[[], Any]], rounds: int, calls: int = 1) -> dict[str, list[float]]:
    """Seconds per call of each function: `rounds` samples of `calls` calls, in turn, so that noise hits all alike."""
    samples: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    order = list(functions.items())
    for k in range(rounds):
        for name, function in order if k % 2 else reversed(order):
            start = time.perf_counter()
            for _ in range(calls):
                function()
            samples[name].append((time.perf_counter() - start) / calls)
    return samples


def ratio_row(
    name: str, ours: Sequence[float], theirs: Sequence[float], goal: float | None = None, note: str = ""
) -> Row:
    """A row of ours / theirs, sample by sample: both of a pair were taken one right after the other."""
    return median_row(name, [a / b for a, b in zip(ours, theirs)], "x", goal=goal, note=note)


# ------------------------------------------------------------------------------------------------------ the machine


def machine() -> dict[str, str]:
    """Where and with what the numbers were taken."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": f"{_processor()}, {_cores()} cores",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "symtheano": _version("symtheano"),
        "load of the machine before": f"{os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "unknown",
        "noise": noise(),
    }


def noise() -> str:
    """How much the same NumPy call differs between samples: quartiles over median, and the slowest over the fastest."""
    a = np.ones((256, 256), np.float32)
    samples = sorted(interleaved({"dot": lambda: a @ a}, 200)["dot"])
    low, middle, high = statistics.quantiles(samples, n=4)
    spread = f"quartiles {low / middle:.2f} to {high / middle:.2f} of the median"
    return f"a {a.shape} product: {spread}, slowest {samples[-1] / samples[0]:.1f} times the fastest"


def _cores() -> int | None:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown processor"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


# ------------------------------------------------------------------------------------------------------------ forms


def number(value: float | None) -> str:
    """Three significant digits, without an exponent."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{digits}f}"


def cells(row: Row) -> tuple[str, str, str, str, str, str]:
    """name, value with unit, quartiles, goal, verdict, note."""
    spread = "" if row.low is None else f"{number(row.low)} .. {number(row.high)}"
    goal = "" if row.goal is None else f"<= {number(row.goal)}"
    return row.name, f"{number(row.value)} {row.unit}", spread, goal, row.verdict, row.note


def text(result: Result) -> str:
    """A table for the terminal."""
    rows = [("", "median", "quartiles", "goal", "", ""), *map(cells, result.rows)]
    widths = [max(len(r[k]) for r in rows) for k in range(6)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip() for r in rows]
    return "\n".join([f"\n== {result.title}", *lines])


def markdown(result: Result) -> str:
    """A section of docs/benchmarks.md."""
    lines = [
        f"### {result.title}",
        "",
        result.how.strip(),
        "",
        "| | median | quartiles | goal | | |",
        "|---|---|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(cells(r))} |" for r in result.rows]
    lines += [line for name in result.pictures for line in ("", f"![{result.title}]({name})")]
    return "\n".join(lines)


def as_json(result: Result) -> dict[str, Any]:
    """The result as plain data."""
    return asdict(result) | {"rows": [asdict(r) | {"verdict": r.verdict} for r in result.rows]}
