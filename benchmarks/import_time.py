"""What `import symtheano` costs beside `import numpy`, in fresh processes, and what it loads."""

from __future__ import annotations

import re
import subprocess
import sys
from statistics import median

from benchmarks.harness import Result, Row, median_row

HOW = """
Each sample is a fresh interpreter that times one import (bytecode cached, `numpy` and `symtheano` in turn). The
difference is of the minima and of the medians. The slowest modules are from one run of `python -X importtime`, self
times.
"""
HEAVY = ("sympy", "networkx", "scipy", "cupy", "llvmlite", "matplotlib")
TIMED = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def python(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that runs `code`."""
    return subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=True)


def loaded() -> list[str]:
    """Heavy packages in memory after `import symtheano`."""
    code = f"import sys, symtheano, symtheano.tensor; print(*(m for m in {HEAVY!r} if m in sys.modules))"
    return python(code).stdout.split()


def slowest(count: int) -> list[tuple[str, float]]:
    """The modules of symtheano that take longest by themselves, in ms."""
    lines = python("import numpy, symtheano", "-X", "importtime").stderr.splitlines()
    found = [re.match(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", line) for line in lines]
    times = [(m[2], int(m[1]) / 1e3) for m in found if m and m[2].startswith("symtheano")]
    return sorted(times, key=lambda pair: -pair[1])[:count]


def main(quick: bool = False) -> Result:
    """numpy alone, symtheano, the difference."""
    python("import symtheano")
    samples: dict[str, list[float]] = {"numpy": [], "symtheano": []}
    for _ in range(3 if quick else 10):
        for name, times in samples.items():
            times.append(float(python(TIMED.format(name)).stdout))
    ours, base = samples["symtheano"], samples["numpy"]
    result = Result("Import time", HOW)
    result.rows = [
        median_row("import numpy", base, "s"),
        median_row("import symtheano", ours, "s"),
        Row("difference of the minima", min(ours) - min(base), "s", 0.25),
        Row("difference of the medians", median(ours) - median(base), "s", 0.25),
        Row("heavy packages loaded", len(loaded()), "", 0, note=f"of {', '.join(HEAVY)}"),
    ]
    result.rows += [Row(f"slowest: `{name}`", ms, "ms") for name, ms in slowest(5)]
    return result
