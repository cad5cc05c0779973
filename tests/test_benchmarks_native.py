"""The benchmark against the peers: contenders compute the same, processes answer, goals are judged."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.native import cases, program
from benchmarks.native.by_numpy import Numpy
from benchmarks.native.by_symtheano import Symtheano
from benchmarks.native.cases import TOLERANCE, Case, inputs
from benchmarks.native.contender import Contender
from benchmarks.native.goals import GOALS, geometric, verdicts
from benchmarks.native.measure import LINES, Setting, compare_means, counting, differing, one_case
from benchmarks.native.peers import OURS, Peer, PeerError, PeerTimeout, pythons
from benchmarks.native.record import WARM, Record, Spread, from_plain, spread
from benchmarks.native.report import LINES as WORDS
from benchmarks.native.report import NATIVE, goal_table, markdown, missing, quantity, table
from benchmarks.native.worker import CHECKED_CALLS, loop_of

SMALL = [
    *(Case("elementwise", k, d, (37,)) for k in cases.FORMULAS for d in ("float32", "float64")),
    *(Case("reductions", c.kind, "float32", (7, 13)) for c in cases.reductions() if c.shape != cases.SHAPES[1]),
    *(Case("steps", kind, "float32", (6,)) for kind in cases.LAYERS),
    *cases.calls(),
    *cases.logp(),
]


def results(contender: Contender, case: Case) -> list[np.ndarray]:
    """As the worker takes them."""
    run = contender.build(case, [contender.array(a) for a in inputs(case)])
    found = []
    for _ in range(CHECKED_CALLS if run.state() else 1):
        found += contender.read(run.calls[0](*run.args))
    return found + contender.read(list(run.state()))


# ---------------------------------------------------------------------------------------------------------- the cases


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_symtheano_and_numpy_by_hand_compute_the_same(case: Case) -> None:
    ours, theirs = results(Symtheano(), case), results(Numpy(), case)
    assert theirs and differing({OURS: ours, "numpy": theirs}, case.dtype) == {}


def test_results_that_differ_are_told() -> None:
    right = [np.ones(3)]
    found = {"numpy": right, "a": [np.ones(3) + 1e-3], "b": [np.ones(4)], "c": [], "d": [np.ones(3) + 1e-12]}
    wrong = differing(found, "float64")
    assert list(wrong) == ["a", "b", "c"] and "0.001" in wrong["a"] and "(4,)" in wrong["b"]
    assert TOLERANCE["float64"][0] <= 1e-8 and TOLERANCE["float32"][0] <= 2e-4


def test_chains_are_what_they_say() -> None:
    numbers = SimpleNamespace(
        tanh=np.tanh,
        sqrt=np.sqrt,
        dot=np.dot,
        mean=lambda x, axis: np.mean(x, axis, keepdims=True),
        sum=lambda x, axis=None: np.sum(x) if axis is None else np.sum(x, axis, keepdims=True),
    )
    case = Case("scaling", "chain", "float64", (40,))
    np.testing.assert_allclose(results(Symtheano(), case)[0], cases.chain(numbers, 40, *inputs(case)), rtol=1e-12)
    value, *gradients = results(Symtheano(), Case("scaling", "chain_grad", "float64", (40,)))
    x, w, b = inputs(case)
    step = 1e-6 * np.ones_like(b)
    up, down = (cases.chain(numbers, 40, x, w, b + s) for s in (step, -step))
    np.testing.assert_allclose(gradients[2].sum(), (up - down) / 2e-6, rtol=1e-5)
    narrow = Case("scaling", "narrow", "float64", (50,))
    value, *gradients = results(Symtheano(), narrow)
    np.testing.assert_allclose(value, cases.narrow(numbers, inputs(narrow)[0], inputs(narrow)[1:]), rtol=1e-12)
    assert len(gradients) == 2 * cases.NARROW[0]


def test_names_are_distinct() -> None:
    everything = [*cases.elementwise(), *cases.reductions(), *cases.steps(), *cases.calls(), *cases.logp()]
    everything += [*cases.scaling()]
    assert len({c.name for c in everything}) == len(everything)
    kinds = {(c.group, c.kind) for c in everything if c.group != "scaling"}
    assert {(c.group, c.kind) for c in cases.compiled()} == kinds


# ---------------------------------------------------------------------------------------------------------- processes


@pytest.fixture(name="numpy_peer")
def _numpy_peer(tmp_path: Path) -> Iterator[Peer]:
    with Peer("numpy", sys.executable, tmp_path / "cache", tmp_path / "log") as peer:
        yield peer


def test_a_contender_answers_and_survives_its_errors(numpy_peer: Peer) -> None:
    assert numpy_peer.hello["versions"]["numpy"] == np.__version__
    with pytest.raises(PeerError, match="no case is prepared"):
        numpy_peer.ask("time")
    with pytest.raises(PeerError, match="KeyError"):
        numpy_peer.ask("compile", case={"group": "elementwise", "kind": "no such", "dtype": "float32", "shape": [3]})
    one = {"group": "calls", "kind": "one", "dtype": "float64", "shape": []}
    answer = numpy_peer.ask("compile", case=one)
    assert answer["means"] == [2.0] and 0 < answer["seconds"] < 10


def test_a_contender_that_takes_too_long_is_ended(numpy_peer: Peer) -> None:
    step = {"group": "steps", "kind": "deep", "dtype": "float32", "shape": [128]}
    with pytest.raises(PeerTimeout, match="more than 0 s"):
        numpy_peer.ask("prepare", limit=1e-3, case=step, folder="/", seconds=100.0)
    assert numpy_peer.process.poll() is not None
    with pytest.raises(PeerError, match="ended"):
        numpy_peer.ask("hello")


def test_contenders_are_timed_in_turn(tmp_path: Path) -> None:
    setting = Setting({OURS: sys.executable, "numpy": sys.executable}, quick=True, folder=tmp_path)
    try:
        record = one_case(setting, setting.gather(), cases.calls()[2])
    finally:
        setting.close()
    assert record.errors == {} and len(record.values[OURS]) == len(record.values["numpy"]) == 3
    assert record.best() == "numpy" and setting.peers == {}


@pytest.mark.skipif(shutil.which("cc") is None or sys.platform != "linux", reason="allocations are counted by C code")
def test_memory_is_what_is_allocated(tmp_path: Path) -> None:
    try:
        counter = counting(tmp_path)
    except subprocess.CalledProcessError:
        pytest.skip("needs glibc")
    case = {"group": "steps", "kind": "mlp", "dtype": "float32", "shape": [600]}
    with Peer("numpy", sys.executable, tmp_path / "cache", tmp_path / "log", preload=counter) as peer:
        held = peer.ask("memory", case=case)
    hidden, gradient = 4 * 600 * 500, 4 * 784 * 500
    assert 2 * hidden + gradient <= held <= 3 * hidden + gradient + 200_000


def test_peers_that_are_missing_are_told(tmp_path: Path) -> None:
    there = tmp_path / "python"
    there.touch()
    found = pythons({"jax": str(there), "torch": str(tmp_path / "no"), "pytensor": str(tmp_path / "no")})
    assert list(found) == [OURS, "jax", "numpy"]
    assert missing(found) == "Not installed, so not measured: torch.compile, torch, PyTensor."


@pytest.mark.parametrize("arity", [0, 1, 10])
def test_the_timing_loop_calls_as_often_as_it_says(arity: int) -> None:
    calls: list[tuple[int, ...]] = []
    awaited: list[int] = []

    def call(*args: int) -> int:
        calls.append(args)
        return len(calls)

    assert loop_of(arity)(5, call, tuple(range(arity)), awaited.append) > 0
    assert calls == [tuple(range(arity))] * 5 and awaited == [5]


# ------------------------------------------------------------------------------------------------- numbers and verdicts


def test_ratios_are_of_neighbours() -> None:
    record = Record("calls", "x", values={OURS: [1.0, 2.0, 4.0], "jax": [2.0, 6.0, 8.0], "numpy": [5.0]})
    assert record.ratio("jax") == spread([2.0, 3.0, 2.0])
    assert record.ratio("numpy") == Spread(2.5, 2.5, 2.5)
    assert record.ratio("torch") is None
    assert record.best() == "numpy" and record.against_best() == record.ratio("numpy")
    assert from_plain(json.loads(json.dumps(record.plain()))) == record


def test_goals_are_judged() -> None:
    fast = Record("elementwise", "fast", values={OURS: [1.0], "jax": [8.0], "torch.compile": [2.0], "numpy": [1.5]})
    slow = Record("elementwise", "slow", values={OURS: [1.0], "jax": [2.0], "torch.compile": [0.9]})
    mean, other, best = verdicts("elementwise", [fast, slow])
    assert mean.value == pytest.approx(4.0) and mean.text == "reached"
    assert other.value == pytest.approx(1.8**0.5) and other.text == "missed by 11 %"
    assert best.value == pytest.approx(0.9) and best.text == "missed by 10 %" and "1 of 2 below" in best.note
    assert geometric([]) is None and verdicts("elementwise", [])[0].text == "not measured"


def test_at_most_is_judged_too() -> None:
    record = Record("calls", "x + 1", values={OURS: [3e-7], "jax": [6e-6], "pytensor": [9e-7]})
    at_most, jax, pytensor = verdicts("calls", [record])
    assert at_most.text == "missed: 1.50 times the goal" and jax.text == "reached" and pytensor.text == "missed by 25 %"


def test_a_case_without_a_result_is_a_goal_missed() -> None:
    record = Record("logp", "radon", values={"jax": [1.0]}, errors={OURS: "its results differ by 3"})
    assert [v.text for v in verdicts("logp", [record])] == ["not measured", "not measured", "missed"]
    assert verdicts("logp", [record])[2].reached is False


def test_compile_goals_need_their_caches() -> None:
    record = Record("compile", "x", values={OURS: [0.1], "jax": [2.0], "pytensor": [3.0], WARM: [0.05]})
    assert [v.text for v in verdicts("compile", [record])] == ["reached", "reached", "reached"]
    assert record.best() == "jax"
    assert {r.values.pop(WARM)[0] for r in [record]} == {0.05}
    assert verdicts("compile", [record])[2].text == "not measured"


def test_scaling_and_sizes() -> None:
    chains = [Record("scaling", f"chain {n}", "chain", (n,), values={OURS: [1e-4 * n]}) for n in (100, 1_000, 10_000)]
    per_node, exponent, *rest = verdicts("scaling", chains)
    assert per_node.value == pytest.approx(0.1) and exponent.value == pytest.approx(1.0)
    assert [v.text for v in rest] == ["not measured"] * 2
    assert verdicts("sizes", [Record("sizes", "x", unit="x", values={OURS: [1.0, 2.5, 1.0]})])[0].value == 2.5


def test_other_results_of_large_graphs_do_not_count() -> None:
    record = Record("scaling", "chain", values={OURS: [1.0], "jax": [2.0], "pytensor": [3.0]})
    compare_means(record, {OURS: [1.0, 2.0], "jax": [1.0, 2.0 + 1e-9], "pytensor": [1.0, 2.1]})
    assert list(record.values) == [OURS, "jax"] and list(record.errors) == ["pytensor"]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (2.5e-7, "s", "250 ns"),
        (1.5e-3, "s", "1.50 ms"),
        (3.0, "s", "3.00 s"),
        (2**20, "bytes", "1.00 MiB"),
        (None, "s", ""),
    ],
)
def test_quantities(value: float | None, unit: str, text: str) -> None:
    assert quantity(value, unit) == text


def test_tables_are_written_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(f"before\n{NATIVE.marks[0]}\nold\n{NATIVE.marks[1]}\nafter\n", encoding="utf-8")
    suite = replace(NATIVE, page=page)
    call = Record(
        "calls", "x + 1", values={OURS: [1e-7, 1e-7], "jax": [4e-6, 4e-6]}, errors={"torch": "does not start"}
    )
    program.write(suite, {"date": "today"}, {"calls": [call]}, {"calls": "(first)"})
    sizes = Record("sizes", "ratio", unit="x", values={OURS: [1.0, 1.2]})
    program.write(suite, {"date": "tomorrow"}, {"sizes": [sizes]}, {"sizes": "(second)"})  # the calls stay
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    for part in (
        "| date | tomorrow |",
        "4.00 us (40.0x)",
        "does not start",
        "(first)",
        "(second)",
        "Worst 1.20",
        ">= 20.0",
    ):
        assert part in text
    data = json.loads((tmp_path / "benchmarks" / "native.json").read_text(encoding="utf-8"))
    assert list(data["lines"]) == ["calls", "sizes"]
    assert data["lines"]["calls"]["records"][0]["ratios"]["jax"]["median"] == pytest.approx(40)


def test_every_line_has_goals_and_words() -> None:
    assert list(LINES) == list(GOALS) == list(WORDS)
    nothing = {line: {"facts": "", "records": []} for line in LINES}
    text = markdown({"facts": {}, "lines": nothing}, {line: [] for line in LINES})
    assert text.count("not measured") == len([v for line in LINES for v in verdicts(line, [])])
    assert table([])[0].startswith("|") and len(goal_table([])) == 2
