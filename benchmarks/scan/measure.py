"""The lines of the loops' benchmark."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from benchmarks.native.measure import Setting, cold, compare_means, compiling, memory, summary, timed
from benchmarks.native.peers import AHEAD, OURS
from benchmarks.native.record import Record
from benchmarks.scan import cases
from benchmarks.scan.cases import Case

QUICK = ((100,), (1, 32), (32, 128))


def plain(setting: Setting) -> Setting:
    """Without the contender that writes networks in its own way, where there are none."""
    return replace(setting, pythons={c: python for c, python in setting.pythons.items() if c != AHEAD})


def tiny(setting: Setting) -> list[Record]:
    """Seconds per step."""
    records = timed(plain(setting), cases.tiny())
    for record in records:
        steps = record.shape[0]
        record.values = {c: [value / steps for value in values] for c, values in record.values.items()}
        record.name += ", a step"
    return records


def lengths(setting: Setting) -> list[Record]:
    """The first call at each of many lengths over the steady time, through one function; compiling for 10,000 steps."""
    case = Case("rnn", "gradient", "float32", (100, 4, 32))
    record = Record("lengths", "first call at a length / steady state", "calls", unit="x")
    count = 100 if setting.quick else 1_000
    few = sorted(np.random.default_rng(0).choice(np.arange(10, 10 + 2 * count), count, replace=False).tolist())
    with setting.start(OURS) as peer:
        found = peer.ask("sizes", case=asdict(case), sizes=few, repeats=3)
    record.values[OURS] = [statistics.median(ratios) for ratios in found]
    setting.say(f"  worst of {len(few)} lengths: {max(record.values[OURS]):.2f}")
    return [record, *(compiled_for(setting, steps) for steps in (10, 10_000))]


def compiled_for(setting: Setting, steps: int) -> Record:
    """Seconds to compile a loop whose number of steps is a constant, and to call it once."""
    case = Case("leapfrog", "gradient", "float64", (steps,))
    record = Record("lengths", f"cold compile of {steps:,} steps", "compile", (steps,))
    for contender in (OURS, "jax"):
        for _ in range(1 if setting.quick or contender not in setting.pythons else 3):
            if contender in setting.pythons:
                with tempfile.TemporaryDirectory(dir=setting.folder) as name:
                    means = cold(setting, contender, case, Path(name), record)
                    compare_means(record, {contender: means})
    setting.say(summary(record))
    return record


LINES: dict[str, Callable[[Setting], list[Record]]] = {
    "rnn": lambda setting: timed(setting, cases.rnn(*QUICK) if setting.quick else cases.rnn()),
    "gates": lambda setting: timed(setting, cases.gates()),
    "small": lambda setting: timed(plain(setting), cases.small()),
    "tiny": tiny,
    "compile": lambda setting: compiling(setting, cases.compiled()),
    "lengths": lengths,
    "memory": lambda setting: memory(plain(setting), cases.held()),
}
