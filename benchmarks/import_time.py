"""What `import symtheano` costs beside `import numpy`, in fresh processes, and what it loads."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from statistics import median

from benchmarks.harness import Result, Row, median_row

HOW = """
Each sample is a fresh interpreter that times one import, `numpy` and `symtheano` in turn, with bytecode cached (in a
folder of the benchmark's own), as it is from the second import on. The difference is of the minima and of the
medians. The slowest modules are from one run of `python -X importtime`, self times.
"""
HEAVY = ("sympy", "networkx", "scipy", "cupy", "llvmlite", "matplotlib")


def python(code: str, *options: str, cache: str = "") -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that runs `code`, with its bytecode in the folder `cache`, or without bytecode."""
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")}
    environment["PYTHONPYCACHEPREFIX" if cache else "PYTHONDONTWRITEBYTECODE"] = cache or "1"
    return subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, check=True, env=environment
    )


def loaded() -> list[str]:
    """Heavy packages in memory after `import symtheano`."""
    code = f"import sys, symtheano, symtheano.tensor; print(*(m for m in {HEAVY!r} if m in sys.modules))"
    return python(code).stdout.split()


def slowest(count: int, cache: str) -> list[tuple[str, float]]:
    """The modules of symtheano that take longest by themselves, in ms."""
    lines = python("import numpy, symtheano", "-X", "importtime", cache=cache).stderr.splitlines()
    found = [re.match(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", line) for line in lines]
    times = [(m[2], int(m[1]) / 1e3) for m in found if m and m[2].startswith("symtheano")]
    return sorted(times, key=lambda pair: -pair[1])[:count]


def timed(module: str, cache: str = "") -> float:
    """Seconds of one import in a fresh interpreter."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    return float(python(code, cache=cache).stdout)


def main(quick: bool = False) -> Result:
    """numpy alone, symtheano, the difference."""
    result = Result("Import time", HOW)
    rounds = 3 if quick else 10
    with tempfile.TemporaryDirectory() as cache:
        timed("symtheano", cache)  # writes the bytecode
        samples = [(timed("numpy", cache), timed("symtheano", cache)) for _ in range(rounds)]
        modules = slowest(5, cache)
    base, ours = ([pair[k] for pair in samples] for k in (0, 1))
    first = [timed("symtheano") - timed("numpy") for _ in range(3)]
    result.rows = [
        median_row("import numpy", base, "s"),
        median_row("import symtheano", ours, "s"),
        Row("difference of the minima", min(ours) - min(base), "s", 0.25),
        Row("difference of the medians", median(ours) - median(base), "s", 0.25),
        Row("the same where no bytecode is cached", median(first), "s"),
        Row("heavy packages loaded", len(loaded()), "", 0, note=f"of {', '.join(HEAVY)}"),
    ]
    result.rows += [Row(f"slowest: `{name}`", ms, "ms") for name, ms in modules]
    return result
