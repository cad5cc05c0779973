"""The benchmark of loops: what is computed is right, and symtheano and NumPy by hand compute the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from benchmarks.native.contender import Contender
from benchmarks.native.goals import verdicts
from benchmarks.native.measure import differing
from benchmarks.native.peers import OURS
from benchmarks.native.record import Record
from benchmarks.native.worker import CHECKED_CALLS
from benchmarks.scan import cases
from benchmarks.scan.by_numpy import LOOPS, Numpy
from benchmarks.scan.by_symtheano import Symtheano
from benchmarks.scan.cases import Case, inputs, shortened
from benchmarks.scan.formulas import WITH_RESPECT_TO
from benchmarks.scan.goals import GOALS
from benchmarks.scan.measure import LINES
from benchmarks.scan.program import SCAN, WORDS

NETWORK = (6, 3, 5)
SMALL = [
    *(Case("rnn", kind, "float32", NETWORK) for kind in ("forward", "last", "gradient")),
    *(Case("gru", kind, "float32", NETWORK) for kind in ("forward", "gradient")),
    Case("lstm", "step", "float32", NETWORK),
    *(Case(group, kind, "float64", (9,)) for group in ("hmm", "leapfrog") for kind in ("forward", "gradient")),
    *(Case("affine", kind, "float64", (9,)) for kind in ("forward", "last", "gradient")),
]


def results(contender: Contender, case: Case) -> list[np.ndarray]:
    """As the worker takes them."""
    run = contender.build(case, [contender.array(a) for a in inputs(case)])
    found = []
    for _ in range(CHECKED_CALLS if run.state() else 1):
        found += contender.read(run.calls[0](*run.args))
    return found + contender.read(list(run.state()))


@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_symtheano_and_numpy_by_hand_compute_the_same(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "VOCABULARY", 50)
    ours, theirs = results(Symtheano(), case), results(Numpy(), case)
    assert theirs and differing({OURS: ours, "numpy": theirs}, case.dtype) == {}


@pytest.mark.parametrize("case", [c for c in SMALL if c.kind == "gradient"], ids=lambda case: case.group)
def test_gradients_by_hand_are_those_of_the_loops(case: Case) -> None:
    case = Case(case.group, case.kind, "float64", case.shape)
    arrays = [a.astype("float64") if a.dtype != np.int32 else a for a in inputs(case)]
    loop: Callable[..., Any] = LOOPS[case.group]

    def value(changed: int, by: np.ndarray) -> float:
        return float(loop(case, *(a + by if k == changed else a for k, a in enumerate(arrays)))[0])

    _, *gradients = loop(case, *arrays)
    rng = np.random.default_rng(1)
    for which, gradient in zip(WITH_RESPECT_TO[case.group], gradients, strict=True):
        direction = rng.normal(size=arrays[which].shape)
        slope = (value(which, 1e-6 * direction) - value(which, -1e-6 * direction)) / 2e-6
        np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-4, atol=1e-7)


def test_the_loops_are_what_they_say() -> None:
    case = Case("hmm", "forward", "float64", (3,))
    symbols, start, transition, emission = inputs(case)
    paths = np.exp(start)[:, None, None] * np.exp(transition)[:, :, None] * np.exp(transition)[None]
    a, b, c = (np.exp(emission)[:, s] for s in symbols)
    paths *= a[:, None, None] * b[None, :, None] * c
    np.testing.assert_allclose(results(Numpy(), case)[0], np.log(paths.sum()), rtol=1e-12)
    case = Case("leapfrog", "forward", "float64", (1_000,))
    q, p, stiffness = inputs(case)
    end_q, end_p = results(Numpy(), case)

    def energy(q: np.ndarray, p: np.ndarray) -> float:
        return float(p @ p / 2 + q @ stiffness @ q / 2 + np.sum(q**4) / 4)

    assert energy(end_q, end_p) == pytest.approx(energy(q, p), rel=1e-3)
    assert np.abs(end_q - q).max() > 0.1


def test_the_language_model_learns() -> None:
    case = Case("lstm", "step", "float32", NETWORK)
    first, *_, last = (float(loss) for loss in _losses(case, 30))
    assert first == pytest.approx(np.log(cases.VOCABULARY), rel=0.1) and last < first - 0.5


def _losses(case: Case, count: int) -> Sequence[Any]:
    run = Numpy().build(case, list(inputs(case)))
    return [run.calls[0](*run.args) for _ in range(count)]


def test_names_are_distinct_and_arguments_are_shortened() -> None:
    everything = {*cases.rnn(), *cases.gates(), *cases.small(), *cases.tiny(), *cases.compiled(), *cases.held()}
    assert len({c.name for c in everything}) == len(everything)
    assert [a.shape for a in shortened(SMALL[0], 2)][:2] == [(2, 3, 5), (3, 5)]
    assert [a.shape for a in shortened(SMALL[5], 2)] == [(2, 3), (2, 3)]


def test_every_line_has_goals_and_words() -> None:
    assert list(LINES) == list(GOALS) == list(WORDS) == list(SCAN.lines)
    assert all(v.text == "not measured" for line in LINES for v in verdicts(line, [], GOALS))


def test_goals_are_judged() -> None:
    small = Record("rnn", "small", "forward", (100, 1, 32), values={OURS: [1.0], "jax": [2.9], "numpy": [4.0]})
    large = Record("rnn", "large", "forward", (100, 32, 512), values={OURS: [1.0], "jax": [1.1], "numpy": [0.9]})
    assert [v.text for v in verdicts("rnn", [small, large], GOALS)] == ["missed by 3 %", "reached", "missed by 10 %"]
    tiny = Record("tiny", "affine", values={OURS: [2e-7], "jax": [9e-7]})
    assert [v.text for v in verdicts("tiny", [tiny], GOALS)] == ["reached"] * 3
    cold = [Record("lengths", f"{n}", "compile", (n,), values={OURS: [s]}) for n, s in ((10, 0.1), (10_000, 0.11))]
    calls = Record("lengths", "calls", "calls", unit="x", values={OURS: [1.0, 2.5]})
    assert [round(v.value or 0, 3) for v in verdicts("lengths", [calls, *cold], GOALS)] == [2.5, 1.1]
