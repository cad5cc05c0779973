"""`python -m benchmarks`: runs the benchmarks, prints their tables, writes docs/benchmarks.md and its JSON."""

from __future__ import annotations

import os

if __name__ == "__main__":  # one thread each: two of them on a busy machine measure the machine
    for _library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import call_overhead, compile_scaling, conv, import_time, memory, mlp
from benchmarks.harness import Result, as_json, machine, markdown, text
from benchmarks.native import program as native
from benchmarks.scan import program as scan

SUITES = {"native": native.main, "scan": scan.main}
EPILOG = (
    "`python -m benchmarks native` compares with JAX, torch and PyTensor, `python -m benchmarks scan` compares loops "
    "with JAX and PyTensor; each has a --help of its own."
)
ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
DATA = ROOT / "docs" / "benchmarks"
MARKS = ("<!-- results: written by make bench -->", "<!-- end of results -->")
ALL = {
    "compile": compile_scaling, "import": import_time, "call": call_overhead,
    "mlp": mlp, "conv": conv, "memory": memory,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is asked for; 1 where a goal is missed."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in SUITES:
        return SUITES[given[0]](given[1:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__, epilog=EPILOG)
    names = f"of {', '.join(ALL)} (default: all, and {', '.join(SUITES)})"
    parser.add_argument("names", nargs="*", metavar="name", help=names)
    parser.add_argument("--quick", action="store_true", help="few samples, nothing written: to see that all runs")
    options = parser.parse_args(given)
    unknown = [n for n in options.names if n not in ALL]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(ALL)}")
    facts = machine()
    print("\n".join(f"{k}: {v}" for k, v in facts.items()))
    results: dict[str, Result] = {}
    for name in options.names or ALL:
        results[name] = ALL[name].main(options.quick)
        print(text(results[name]), flush=True)
    if not options.quick and not options.names:
        write(facts, results)
    missed = [f"{name}: {row.name}" for name, r in results.items() for row in r.rows if row.verdict == "MISSED"]
    print("\n" + ("all goals reached" if not missed else "goals missed:\n  " + "\n  ".join(missed)))
    suites = [] if options.names else SUITES.values()
    side_by_side = [suite(["--quick"] if options.quick else []) for suite in suites]
    return int(bool(missed) or any(side_by_side))


def write(facts: dict[str, str], results: dict[str, Result]) -> None:
    """Puts the tables between the marks of docs/benchmarks.md, and the numbers beside it."""
    DATA.mkdir(exist_ok=True)
    plain = {"machine": facts, "results": {name: as_json(r) for name, r in results.items()}}
    (DATA / "results.json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    table = ["| | |", "|---|---|", *(f"| {k} | {v} |" for k, v in facts.items())]
    sections = ["\n".join(table), *map(markdown, results.values())]
    PAGE.write_text(f"{before}{MARKS[0]}\n\n" + "\n\n".join(sections) + f"\n\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
