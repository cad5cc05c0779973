"""The lines of the table: each measures its cases and gives records. Contenders are asked in turn, sample by sample."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.native import cases
from benchmarks.native.cases import TOLERANCE, Case
from benchmarks.native.peers import BENCH, MINUTES, OURS, Peer, PeerError
from benchmarks.native.record import WARM, Record

SHORT = 0.005  # seconds that are enough for threads to settle where no BLAS was called
PATIENCE = {"jax": 60.0}  # seconds for a graph that is only large
LONG = 2.0  # seconds of a round of samples, of which fewer are taken
IMPATIENCE = 30.0  # for the others


@dataclass
class Setting:
    """What the user asked for."""

    pythons: dict[str, str]
    quick: bool = False
    large: bool = False
    only: str = ""
    threads: int = 0
    suite: str = "native"
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="symtheano-bench-")))
    say: Callable[[str], None] = lambda text: None
    hellos: dict[str, Any] = field(default_factory=dict)
    peers: dict[str, Peer] = field(default_factory=dict)  # those that are timed in turn
    broken: set[str] = field(default_factory=set)  # those that do not start

    @property
    def log(self) -> Path:
        """Where the contenders' complaints go."""
        return self.folder / "log.txt"

    def start(self, contender: str, cache: Path | None = None, preload: Path | None = None) -> Peer:
        """A process of its own; without a folder, with the cache that is kept from run to run."""
        keep = cache or BENCH / "cache" / contender
        peer = Peer(contender, self.pythons[contender], keep, self.log, self.threads, preload, self.suite)
        self.hellos[contender] = peer.hello
        return peer

    def gather(self) -> dict[str, Peer]:
        """All contenders, each in its process; those of the line before, where they still run."""
        for contender in self.pythons:
            peer = self.peers.get(contender)
            if contender in self.broken or (peer is not None and peer.process.poll() is None):
                continue
            if peer is not None:
                self.peers.pop(contender).close()
            try:
                self.peers[contender] = self.start(contender)
            except PeerError as error:
                self.broken.add(contender)
                self.say(f"{contender} does not start: {error}")
        return {c: self.peers[c] for c in self.pythons if c in self.peers}

    def close(self) -> None:
        """Ends them."""
        for peer in self.peers.values():
            peer.close()
        self.peers.clear()

    def chosen(self, found: Iterable[Case]) -> list[Case]:
        """Those that were asked for."""
        return [case for case in found if self.only in case.name]


# ------------------------------------------------------------------------------------------------------- running times


def timed(setting: Setting, found: Sequence[Case]) -> list[Record]:
    """Seconds per call, interleaved."""
    records: list[Record] = []
    for case in setting.chosen(found):
        records.append(one_case(setting, setting.gather(), case))
        setting.say(summary(records[-1]))
    return records


def one_case(setting: Setting, peers: dict[str, Peer], case: Case) -> Record:
    """All contenders prepare it, the results are compared, then they are timed in turn."""
    record = Record(case.group, case.name, case.kind, case.shape)
    sample, budget = (0.001, 0.1) if setting.quick else (0.003, 1.2)
    ready: dict[str, Peer] = {}
    results: dict[str, list[Any]] = {}
    guesses: list[float] = []
    for contender in setting.pythons:
        if contender not in peers:
            record.errors[contender] = "does not start"
            continue
        peer = peers[contender]
        try:
            with tempfile.TemporaryDirectory(dir=setting.folder) as folder:
                answer = peer.ask("prepare", case=asdict(case), folder=folder, seconds=sample)
                results[contender] = [np.load(name) for name in answer["files"]]
        except PeerError as error:
            record.errors[contender] = str(error)
            continue
        ready[contender] = peer
        guesses.append(max(sample, answer["seconds"]) + pause(peer, case))
    for contender, why in differing(results, case.dtype).items():
        record.errors[contender] = why
        del ready[contender]
    least, most = (3, 3) if setting.quick else (9 if sum(guesses) < LONG else 5, 25)
    rounds = int(min(most, max(least, budget / max(sum(guesses), 1e-9))))
    record.values = {contender: [] for contender in ready}
    for k in range(rounds):
        for contender, peer in list(ready.items())[:: 1 if k % 2 else -1]:
            record.values[contender].append(peer.ask("time"))
            time.sleep(pause(peer, case))
    for peer in ready.values():
        peer.ask("drop")
    return record


def pause(peer: Peer, case: Case) -> float:
    """Seconds until the peer's threads no longer spin: BLAS's spin for long."""
    settle: float = peer.hello["settle"]
    return settle if case.group == "steps" else min(settle, SHORT)


def differing(results: dict[str, list[Any]], dtype: str) -> dict[str, str]:
    """Contenders whose results are not NumPy's, with the greatest difference."""
    if "numpy" not in results:
        return {}
    relative, absolute = TOLERANCE[dtype]
    wanted = results["numpy"]
    found: dict[str, str] = {}
    for contender, arrays in results.items():
        if [a.shape for a in arrays] != [w.shape for w in wanted]:
            found[contender] = f"results of shapes {[a.shape for a in arrays]}, not {[w.shape for w in wanted]}"
        elif not all(np.allclose(a, w, relative, absolute) for a, w in zip(arrays, wanted)):
            worst = max(float(np.abs(a - w).max()) for a, w in zip(arrays, wanted) if a.size)
            found[contender] = f"its results differ by {worst:.2g}"
    return found


def summary(record: Record) -> str:
    """A line for the terminal."""
    ours, best, ratio = record.of(OURS), record.best(), record.against_best()
    said = f"  {record.name}: " + ("no result" if ours is None else f"{ours.median:.4g} {record.unit}")
    if best and ratio:
        said += f", the best peer, {best}, {ratio.median:.2f} times that [{ratio.low:.2f} .. {ratio.high:.2f}]"
    return said + "".join(f"; {c}: {why}" for c, why in record.errors.items())


# ------------------------------------------------------------------------------------------------------------ compiling


def cold(
    setting: Setting, contender: str, case: Case, cache: Path, record: Record, limit: float = MINUTES, key: str = ""
) -> list[float]:
    """A compilation in a fresh process, written into the record; gives the results' means."""
    try:
        with setting.start(contender, cache) as peer:
            answer = peer.ask("compile", case=asdict(case), limit=limit)
    except PeerError as error:
        record.errors[key or contender] = str(error)
        return []
    record.values.setdefault(key or contender, []).append(answer["seconds"])
    means: list[float] = answer["means"]
    return means


def compare_means(record: Record, means: dict[str, list[float]]) -> None:
    """Marks contenders whose results have other means than those of the first that has any."""
    wanted = next((m for m in means.values() if m), [])
    for contender, found in means.items():
        if found and not (len(found) == len(wanted) and np.allclose(found, wanted, 1e-3, 1e-6)):
            record.errors[contender] = "its results differ"
            record.values.pop(contender, None)


def compiling(setting: Setting, found: Sequence[Case]) -> list[Record]:
    """Cold, in fresh processes with empty caches, in turn; symtheano once more where the first left a cache."""
    setting.close()
    records = []
    few = {OURS: 3, "jax": 3, "pytensor": 1}
    for case in setting.chosen(found):
        record = Record("compile", case.name, case.kind, case.shape)
        means: dict[str, list[float]] = {}
        for k in range(1 if setting.quick else 3):
            for contender in [c for c in few if c in setting.pythons and k < few[c] and c not in record.errors]:
                with tempfile.TemporaryDirectory(dir=setting.folder) as name:
                    cache = Path(name)
                    means[contender] = cold(setting, contender, case, cache, record)
                    if contender == OURS and any(path.is_file() for path in cache.rglob("*")):
                        cold(setting, OURS, case, cache, record, key=WARM)
        compare_means(record, means)
        records.append(record)
        setting.say(summary(record))
    return records


def scaling(setting: Setting) -> list[Record]:
    """Graphs that are only large, cold; a peer that did not finish is not asked for more of the same."""
    records = []
    contenders = [c for c in setting.pythons if c not in ("numpy", "torch")]
    lost: set[str] = set()
    with tempfile.TemporaryDirectory(dir=setting.folder) as kept:  # no graph occurs twice
        for case in setting.chosen(cases.scaling((100, 1_000) if setting.quick else (100, 1_000, 10_000))):
            record = Record("scaling", case.name, case.kind, case.shape)
            means = {}
            for contender in contenders:
                if contender in lost and case.kind != "narrow":
                    record.errors[contender] = "not tried"
                    continue
                limit = 10.0 if setting.quick else PATIENCE.get(contender, IMPATIENCE)
                limit = MINUTES if contender == OURS else limit
                for _ in range(3 if contender == OURS and not setting.quick else 1):
                    with tempfile.TemporaryDirectory(dir=setting.folder) as own:
                        cache = Path(own if contender == OURS else kept)
                        means[contender] = cold(setting, contender, case, cache, record, limit)
                if contender in record.errors and contender != OURS:
                    lost.add(contender)
            compare_means(record, means)
            records.append(record)
            setting.say(summary(record))
    return records


# ---------------------------------------------------------------------------------------------------- sizes and memory


def sizes(setting: Setting) -> list[Record]:
    """The first call of each of 100 batch sizes over the steady time, through one function."""
    case = Case("steps", "mlp", "float32", (300,))
    record = Record("sizes", "first call at a size / steady state", unit="x")
    few = sorted(np.random.default_rng(0).choice(np.arange(1, 257), 100, replace=False).tolist())
    with setting.start(OURS) as peer:
        found = peer.ask("sizes", case=asdict(case), sizes=few, repeats=3 if setting.quick else 7)
    record.values[OURS] = [statistics.median(ratios) for ratios in found]
    setting.say(f"  worst of {len(few)} sizes: {max(record.values[OURS]):.2f}")
    return [record]


def counting(folder: Path) -> Path:
    """The library that counts allocations, compiled."""
    made = folder / "counted.so"
    source = Path(__file__).with_name("counted.c")
    command = [os.environ.get("CC", "cc"), "-O2", "-shared", "-fPIC", "-o", str(made), str(source)]
    subprocess.run(command, check=True, capture_output=True)
    return made


def memory(setting: Setting, found: Sequence[Case]) -> list[Record]:
    """Peak of what calls hold, each in a fresh process, in which allocations are counted."""
    records = []
    try:
        counter = counting(setting.folder)
    except (OSError, subprocess.CalledProcessError) as error:
        return [Record("memory", "needs a C compiler and glibc", errors={OURS: str(error)})]
    for case in setting.chosen(found):
        record = Record("memory", case.name, case.kind, case.shape, "bytes")
        for contender in setting.pythons:
            try:
                with setting.start(contender, preload=counter) as peer:
                    record.values[contender] = [float(peer.ask("memory", case=asdict(case)))]
            except PeerError as error:
                record.errors[contender] = str(error)
        records.append(record)
        setting.say(summary(record))
    return records


def _elementwise(setting: Setting) -> list[Record]:
    few = (1_000, 100_000) if setting.quick else (1_000, 10_000, 100_000, 1_000_000)
    return timed(setting, cases.elementwise((*few, 10_000_000) if setting.large else few))


LINES: dict[str, Callable[[Setting], list[Record]]] = {
    "elementwise": _elementwise,
    "reductions": lambda setting: timed(setting, cases.reductions()),
    "steps": lambda setting: timed(setting, cases.steps()),
    "calls": lambda setting: timed(setting, cases.calls()),
    "logp": lambda setting: timed(setting, cases.logp()),
    "compile": lambda setting: compiling(setting, cases.compiled()),
    "scaling": scaling,
    "sizes": sizes,
    "memory": lambda setting: memory(setting, cases.steps()),
}
