"""The goals of the native target (the table of its issue), each judged from the records of its line."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.native.peers import OURS, title
from benchmarks.native.record import WARM, Record, Spread


@dataclass(frozen=True)
class Verdict:
    """A goal and what was measured. least: the value must not be below `goal`; else not above."""

    line: str
    what: str
    goal: float
    value: float | None  # None: there is nothing to judge by
    least: bool
    unit: str = "x"
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether it is; None where it was not measured."""
        if self.value is None:
            return None
        return self.value >= self.goal if self.least else self.value <= self.goal

    @property
    def text(self) -> str:
        """reached, or missed and by how much."""
        if self.value is None:
            return "not measured"
        if self.reached:
            return "reached"
        if not self.goal:
            return "missed"
        if self.least:
            return f"missed by {100 * (1 - self.value / self.goal):.0f} %"
        return f"missed: {self.value / self.goal:.2f} times the goal"


Judge = Callable[[Sequence[Record]], list[Verdict]]


def geometric(ratios: Sequence[Spread | None]) -> float | None:
    """The geometric mean of medians."""
    medians = [r.median for r in ratios if r is not None]
    return math.exp(sum(map(math.log, medians)) / len(medians)) if medians else None


def mean(line: str, records: Sequence[Record], peer: str, goal: float) -> Verdict:
    value = geometric([r.ratio(peer) for r in records])
    return Verdict(line, f"geometric mean against {title(peer)}", goal, value, True)


def each(line: str, records: Sequence[Record], peer: str, goal: float, ours: str = OURS, what: str = "") -> Verdict:
    """The least ratio to one peer over the cases."""
    ratios = {r.name: ratio.median for r in records if (ratio := r.ratio(peer, ours)) is not None}
    worst = min(ratios, key=lambda name: ratios[name]) if ratios else None
    below = sum(ratio < goal for ratio in ratios.values())
    note = "" if worst is None else f"least at {worst}" + (f"; {below} of {len(ratios)} below" if below else "")
    value = None if worst is None else ratios[worst]
    return Verdict(line, what or f"each case against {title(peer)}", goal, value, True, note=note)


def best(line: str, records: Sequence[Record], beyond_noise: bool = False) -> Verdict:
    """No case slower than the best peer; beyond noise: the upper quartile of the ratios counts."""
    ratios = {r.name: (ratio.high if beyond_noise else ratio.median) for r in records if (ratio := r.against_best())}
    worst = min(ratios, key=lambda name: ratios[name]) if ratios else None
    below = sum(ratio < 1 for ratio in ratios.values())
    note = "" if worst is None else f"least at {worst}" + (f"; {below} of {len(ratios)} below" if below else "")
    what = "each case against the best peer" + (", upper quartile" if beyond_noise else "")
    return Verdict(line, what, 1.0, None if worst is None else ratios[worst], True, note=note)


def _failed(line: str, records: Sequence[Record]) -> list[Verdict]:
    """A line of its own where symtheano gave no or wrong results."""
    bad = [f"{r.name} ({r.errors[OURS]})" for r in records if OURS in r.errors]
    return [Verdict(line, "cases without a result", 0, len(bad), False, "", "; ".join(bad))] if bad else []


def most(line: str, what: str, values: dict[str, float], goal: float, unit: str) -> Verdict:
    worst = max(values, key=lambda name: values[name]) if values else None
    note = f"most at {worst}" if worst is not None and len(values) > 1 else ""
    return Verdict(line, what, goal, None if worst is None else values[worst], False, unit, note)


def medians(records: Sequence[Record], kinds: Sequence[str] = ()) -> dict[str, float]:
    found = {r.name: r.of(OURS) for r in records if not kinds or r.kind in kinds}
    return {name: s.median for name, s in found.items() if s is not None}


def _elementwise(rs: Sequence[Record]) -> list[Verdict]:
    return [
        mean("elementwise", rs, "jax", 3.0),
        mean("elementwise", rs, "torch.compile", 1.5),
        best("elementwise", rs),
    ]


def _reductions(rs: Sequence[Record]) -> list[Verdict]:
    return [mean("reductions", rs, "jax", 1.5), mean("reductions", rs, "torch.compile", 1.2), best("reductions", rs)]


def _steps(rs: Sequence[Record]) -> list[Verdict]:
    small, large = ([r for r in rs if r.shape == (n,)] for n in (20, 600))
    return [
        each("steps", small, "jax", 1.3, what="batch 20 against JAX"),
        each("steps", large, "jax", 1.0, what="batch 600 against JAX"),
        best("steps", rs, beyond_noise=True),
    ]


def _calls(rs: Sequence[Record]) -> list[Verdict]:
    microseconds = {name: 1e6 * value for name, value in medians(rs).items()}
    return [
        most("calls", "a call, fully checked", microseconds, 0.2, "us"),
        each("calls", rs, "jax", 20.0),
        each("calls", rs, "pytensor", 4.0),
    ]


def _logp(rs: Sequence[Record]) -> list[Verdict]:
    return [each("logp", rs, "pytensor", 3.0), each("logp", rs, "jax", 5.0)]


def _compile(rs: Sequence[Record]) -> list[Verdict]:
    return [
        each("compile", rs, "jax", 10.0, what="cold, each case against JAX"),
        each("compile", rs, "pytensor", 20.0, what="cold, each case against PyTensor"),
        each("compile", rs, "jax", 20.0, WARM, "from the disk cache, each case against JAX cold"),
    ]


def _scaling(rs: Sequence[Record]) -> list[Verdict]:
    chains = {r.shape[0]: s.median for r in rs if r.kind == "chain" and (s := r.of(OURS))}
    per_node = {f"{n:,}": 1e3 * seconds / n for n, seconds in chains.items()}
    few = sorted(chains)[-2:]
    exponent = math.log(chains[few[1]] / chains[few[0]]) / math.log(few[1] / few[0]) if len(few) == 2 else None
    return [
        most("scaling", "milliseconds a node of a chain", per_node, 0.5, "ms"),
        Verdict("scaling", "exponent of the last chains, 1 is linear", 1.1, exponent, False, ""),
        most("scaling", "gradient of a chain of 1,000, cold", medians(rs, ["chain_grad"]), 1.0, "s"),
        most("scaling", "gradient of 50 narrow layers, cold", medians(rs, ["narrow"]), 0.3, "s"),
    ]


def _sizes(rs: Sequence[Record]) -> list[Verdict]:
    values = {r.name: max(r.values[OURS]) for r in rs if r.values.get(OURS)}
    return [most("sizes", "slowest first call of 100 batch sizes / steady state", values, 2.0, "x")]


def _memory(rs: Sequence[Record]) -> list[Verdict]:
    return [best("memory", rs)]


GOALS: dict[str, Judge] = {
    "elementwise": _elementwise, "reductions": _reductions, "steps": _steps, "calls": _calls, "logp": _logp,
    "compile": _compile, "scaling": _scaling, "sizes": _sizes, "memory": _memory,
}  # fmt: skip


def verdicts(line: str, records: Sequence[Record], goals: Mapping[str, Judge] = GOALS) -> list[Verdict]:
    """What the records of a line say of its goals."""
    return goals[line](records) + _failed(line, records)
