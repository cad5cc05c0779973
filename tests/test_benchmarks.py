"""The benchmarks measure what they say: results are checked equal, tables say what was reached. No time is asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import __main__ as program
from benchmarks import compile_scaling, harness, mlp
from symtheano.config import config
from symtheano.graph.fgraph import FunctionGraph


@pytest.mark.parametrize("momentum", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_step_by_hand_is_the_compiled_step(dtype: str, momentum: bool) -> None:
    values = mlp.initial(dtype)
    ours, parameters = mlp.compiled(values, momentum, dtype)
    mlp.check_equal(ours, parameters, mlp.ByHand(values, momentum), *mlp.batch_of(20, dtype))


@pytest.mark.parametrize("momentum", [False, True])
def test_the_compiled_step_needs_no_more_memory(momentum: bool) -> None:
    values = mlp.initial("float32")
    x, y = mlp.batch_of(20, "float32")
    with config.change_flags(check_programs=False):
        ours, _ = mlp.compiled(values, momentum, "float32")
    theirs = mlp.ByHand(values, momentum)
    assert mlp.peak(lambda: ours(x, y)) <= mlp.peak(lambda: theirs(x, y))


def test_chains_have_the_size_they_say() -> None:
    inputs, cost = compile_scaling.chain(200)
    assert 180 <= len(FunctionGraph(inputs, [cost]).nodes) <= 240


def test_stages_follow_one_another() -> None:
    seconds, nodes = compile_scaling.stages_of(40)
    assert tuple(seconds) == compile_scaling.STAGES and min(seconds.values()) > 0 and nodes > 40


def test_functions_are_timed_in_turn() -> None:
    calls: list[str] = []
    samples = harness.interleaved({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2, calls=2)
    assert calls == ["a", "b", *"bbaa", *"aabb"]
    assert {name: len(times) for name, times in samples.items()} == {"a": 2, "b": 2}


def test_rows_say_whether_a_goal_is_reached() -> None:
    row = harness.median_row("call", [3e-6, 1e-6, 2e-6], "us", 1e6, goal=2.5)
    assert row.value == pytest.approx(2) and row.verdict == "reached"
    assert harness.Row("x", 3, "us", 2.5).verdict == "MISSED"
    assert harness.Row("x", 3, "us").verdict == ""
    assert harness.ratio_row("r", [2.0, 4.0], [1.0, 4.0]).value == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1234.5, "1,234"), (0.01234, "0.0123"), (7.456, "7.46"), (None, "")]
)
def test_numbers_have_three_digits(value: float | None, text: str) -> None:
    assert harness.number(value) == text


def test_results_are_written_between_the_marks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text(f"before\n{program.MARKS[0]}\nold\n{program.MARKS[1]}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(program, "PAGE", page)
    monkeypatch.setattr(program, "DATA", tmp_path / "data")
    result = harness.Result("Title", "How.", [harness.Row("row", 1.0, "s", 2.0)], ["picture.png"])
    program.write({"date": "today"}, {"one": result})
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "old" not in text
    for part in ("| date | today |", "### Title", "| row | 1.00 s |", "<= 2.00", "reached", "![Title](picture.png)"):
        assert part in text
    assert (tmp_path / "data" / "results.json").exists()
    assert "row" in harness.text(result)
