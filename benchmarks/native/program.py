"""`python -m benchmarks native`, or another suite: measures its lines, judges its goals, writes tables and numbers."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.harness import machine
from benchmarks.native.goals import Verdict, verdicts
from benchmarks.native.measure import Setting
from benchmarks.native.peers import pythons, title
from benchmarks.native.record import Record, from_plain
from benchmarks.native.report import NATIVE, goal_table, markdown, missing, table
from benchmarks.native.suite import Suite

BUSY = 0.7  # load before anything is measured


def parser(suite: Suite) -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(prog=f"python -m benchmarks {suite.name}", description=__doc__)
    made.add_argument("--quick", action="store_true", help="few samples and sizes, nothing written")
    made.add_argument("--lines", default=",".join(suite.lines), help="some of %(default)s")
    made.add_argument("--only", default="", metavar="TEXT", help="cases whose name has this in it")
    made.add_argument(
        "--without", default="", metavar="PEERS", help="peers to leave out, such as pytensor,torch.compile"
    )
    made.add_argument("--large", action="store_true", help="arrays of ten million too")
    made.add_argument("--threads", type=int, default=0, help="threads of the peers (default: their choice)")
    made.add_argument("--write", action="store_true", help="write the lines measured even if they are not all")
    for home in dict.fromkeys(suite.homes.values()):
        made.add_argument(f"--{home}", metavar="PYTHON", help=f"the Python that has {home} (default: .bench/{home})")
    return made


def main(arguments: Sequence[str] | None = None, suite: Suite = NATIVE) -> int:
    """Measures what is asked for; 1 where a goal is missed."""
    options = parser(suite).parse_args(arguments)
    lines = options.lines.split(",")
    unknown = [line for line in lines if line not in suite.lines]
    if unknown:
        parser(suite).error(f"there is no line {', '.join(unknown)}")
    found = pythons({home: getattr(options, home) for home in suite.homes.values()}, suite.homes)
    without = options.without.split(",")
    setting = Setting(
        {c: p for c, p in found.items() if c not in without},
        quick=options.quick,
        large=options.large,
        only=options.only,
        threads=options.threads,
        suite=suite.name,
        say=lambda text: print(text, flush=True),
    )
    facts = machine()
    print(*(f"{k}: {v}" for k, v in facts.items()), missing(found, suite.homes), sep="\n", flush=True)
    if os.getloadavg()[0] > BUSY:
        print("The machine is busy: threads of the peers wait for each other; their times say little (--threads 1).")
    try:
        measured, notes = measure(suite, setting, lines)
    finally:
        setting.close()
    judged = [v for line in measured for v in verdicts(line, measured[line], suite.goals)]
    print("\n" + "\n".join(goal_table(judged)))
    whole = lines == list(suite.lines) and not (options.quick or options.only or options.without)
    if whole or options.write:
        write(suite, facts | versions(setting) | {"peers": missing(found, suite.homes) or "all there"}, measured, notes)
    shutil.rmtree(setting.folder, ignore_errors=True)
    return conclusion(judged)


def measure(suite: Suite, setting: Setting, lines: Sequence[str]) -> tuple[dict[str, Sequence[Record]], dict[str, str]]:
    """Records, and a sentence on the circumstances, of each line."""
    measured: dict[str, Sequence[Record]] = {}
    notes: dict[str, str] = {}
    for line in lines:
        print(f"\n== {line}", flush=True)
        load, start = os.getloadavg()[0], time.perf_counter()
        measured[line] = suite.lines[line](setting)
        took = time.perf_counter() - start
        notes[line] = (
            f"(Measured {time.strftime('%Y-%m-%d')} in {took:.0f} s; load of the machine {load:.2f} before, "
            f"{os.getloadavg()[0]:.2f} after.)"
        )
        print("\n".join(table(measured[line])), notes[line], sep="\n", flush=True)
    return measured, notes


def versions(setting: Setting) -> dict[str, str]:
    """What each contender is."""
    return {
        title(c): ", ".join([*(f"{p} {v}" for p, v in h["versions"].items()), *filter(None, [h["facts"]])])
        for c, h in setting.hellos.items()
    }


def write(suite: Suite, facts: dict[str, str], measured: dict[str, Sequence[Record]], notes: dict[str, str]) -> None:
    """Puts the lines measured beside those of earlier runs, and makes the tables of all of them again."""
    data: dict[str, Any] = {"lines": {}}
    if suite.data.exists():
        data = json.loads(suite.data.read_text(encoding="utf-8"))
    data["facts"] = data.get("facts", {}) | facts
    for line, records in measured.items():
        judged = [
            {"what": v.what, "goal": v.goal, "value": v.value, "verdict": v.text}
            for v in verdicts(line, records, suite.goals)
        ]
        data["lines"][line] = {"facts": notes[line], "goals": judged, "records": [r.plain() for r in records]}
    data["lines"] = {line: data["lines"][line] for line in suite.lines if line in data["lines"]}
    suite.data.parent.mkdir(exist_ok=True)
    suite.data.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    render(suite, data)


def render(suite: Suite, data: dict[str, Any]) -> None:
    """Writes the section between the marks of the page."""
    lines = {line: [from_plain(r) for r in kept["records"]] for line, kept in data["lines"].items()}
    first, last = suite.marks
    before, rest = suite.page.read_text(encoding="utf-8").split(first)
    after = rest.split(last)[1]
    text = f"{before}{first}\n\n{markdown(data, lines, suite)}\n\n{last}{after}"
    suite.page.write_text(text, encoding="utf-8")


def conclusion(judged: Sequence[Verdict]) -> int:
    """Says what was missed."""
    missed = [f"{v.line}: {v.what}: {v.text}" for v in judged if v.reached is False]
    print("\n" + ("all goals reached" if not missed else "goals missed:\n  " + "\n  ".join(missed)))
    return int(bool(missed))


if __name__ == "__main__":
    raise SystemExit(main())
