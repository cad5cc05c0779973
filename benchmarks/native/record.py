"""What a measurement leaves: numbers of each contender for one case, and ratios taken side by side."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.native.peers import OURS

WARM = "from the disk cache"  # symtheano in a second process


@dataclass(frozen=True)
class Spread:
    """A median and its quartiles."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Of at least one number."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, _, high = statistics.quantiles(values, n=4)
    return Spread(statistics.median(values), low, high)


@dataclass
class Record:
    """One case. values: seconds (or bytes, or ratios: `unit`) of each contender, in the order they were taken."""

    line: str
    name: str
    kind: str = ""
    shape: tuple[int, ...] = ()
    unit: str = "s"
    values: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)  # contender: why it has no values

    def of(self, contender: str) -> Spread | None:
        """Its median and quartiles."""
        values = self.values.get(contender)
        return spread(values) if values else None

    def ratio(self, peer: str, ours: str = OURS) -> Spread | None:
        """What the peer takes for one of ours: above 1, ours takes less."""
        mine, theirs = self.values.get(ours), self.values.get(peer)
        if not mine or not theirs:
            return None
        if len(mine) == len(theirs):
            return spread([b / max(a, 1e-12) for a, b in zip(mine, theirs)])
        middle = max(statistics.median(mine), 1e-12)
        return spread([b / middle for b in theirs])

    def best(self) -> str | None:
        """The peer with the least median."""
        medians = {p: statistics.median(v) for p, v in self.values.items() if v and p not in (OURS, WARM)}
        return min(medians, key=lambda p: medians[p]) if medians else None

    def against_best(self) -> Spread | None:
        """The ratio to the best peer."""
        best = self.best()
        return None if best is None else self.ratio(best)

    def plain(self) -> dict[str, Any]:
        """As data for JSON: the numbers, and beside them what is told of them."""
        peers = [p for p in self.values if p != OURS]
        told = {
            "medians": {c: v.median for c in self.values if (v := self.of(c))},
            "ratios": {p: asdict(r) for p in peers if (r := self.ratio(p))},
        }
        values = {c: [float(f"{v:.4g}") for v in vs] for c, vs in self.values.items()}
        return asdict(self) | {"values": values} | told


def from_plain(data: dict[str, Any]) -> Record:
    """The record that `plain` described."""
    names = ("line", "name", "kind", "unit", "values", "errors")
    return Record(**{n: data[n] for n in names}, shape=tuple(data["shape"]))
