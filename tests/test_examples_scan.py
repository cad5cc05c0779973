"""The programs with loops: a language model that writes and goes on where it was stopped, a Hessian-free method."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.config import config

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SMALL = "--characters 6000 --hidden 12 --batch 8 --steps 16 --length 30 --beginning As".split()
FEW = "--length 6 --hidden 8 --batch 40 --cg 8".split()


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def writer() -> ModuleType:
    return loaded("char_lstm")


@pytest.fixture(scope="module")
def adder() -> ModuleType:
    return loaded("hessian_free_rnn")


# ------------------------------------------------------------------------------------------------------ language model


@pytest.fixture(scope="module")
def straight(writer: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[tuple[float, float]], Path]:
    """Three epochs without a stop."""
    out = tmp_path_factory.mktemp("straight")
    with config.change_flags(check_programs=False):
        return writer.main([*SMALL, "--epochs", "3", "--out", str(out)]), out


def test_perplexity_falls(straight: tuple[list[tuple[float, float]], Path]) -> None:
    history, out = straight
    assert len(history) == 3 and history[2][0] < history[1][0] < history[0][0] < 90
    assert history[2][1] < history[0][1]
    assert (out / "perplexity.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_resuming_goes_on_as_if_nothing_had_happened(
    writer: ModuleType,
    straight: tuple[list[tuple[float, float]], Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    history, out = straight
    with config.change_flags(check_programs=False):
        writer.main([*SMALL, "--epochs", "1", "--out", str(tmp_path)])
        again = writer.main([*SMALL, "--epochs", "3", "--out", str(tmp_path), "--resume"])
    assert again == history
    assert "going on after epoch 1" in capsys.readouterr().out
    with np.load(out / "checkpoint.npz") as a, np.load(tmp_path / "checkpoint.npz") as b:
        assert sorted(a) == sorted(b) and len(a) == 2 + 3 * 5
        for name in a:
            np.testing.assert_array_equal(a[name], b[name])


def test_a_checkpoint_of_another_network_is_refused(
    writer: ModuleType, straight: tuple[list[tuple[float, float]], Path]
) -> None:
    other = [*SMALL, "--epochs", "4", "--resume", "--out", str(straight[1]), "--hidden", "13"]
    with pytest.raises(SystemExit, match="was made with --hidden 12"):
        writer.main(other)


def test_samples(writer: ModuleType) -> None:
    options = writer.parse([*SMALL])
    with config.change_flags(floatX="float32"):
        network = writer.Network(writer.read_text(6000).alphabet, options)
        texts = [network.write("The ", 40, 1.0, seed) for seed in (1, 1, 2)]
        favourite = [network.write("The ", 40, 1e-4, seed) for seed in (1, 2)]
    assert all(len(t) == 44 and t.startswith("The ") for t in texts)
    assert texts[0] == texts[1] != texts[2]
    assert favourite[0] == favourite[1]


def test_the_model_by_hand(writer: ModuleType) -> None:
    rng = np.random.default_rng(0)
    with config.change_flags(floatX="float64"):
        values = writer.initial_values(5, 3, rng)
        symbols, h, c = T.imatrix(), T.matrix(), T.matrix()
        f = st.function([symbols, h, c], list(writer.loss_of(symbols, h, c, writer.share(values))))
    rows = rng.integers(0, 5, (4, 2)).astype("int32")
    hidden, cell = rng.normal(size=(2, 2, 3))
    loss, last_h, last_c = f(rows, hidden, cell)
    total = 0.0
    for now, following in pairwise(rows):
        gates = values["W"][now] + values["b"] + hidden @ values["U"]
        enter, keep, say = (1 / (1 + np.exp(-gates[:, 3 * k : 3 * k + 3])) for k in range(3))
        cell = keep * cell + enter * np.tanh(gates[:, 9:])
        hidden = say * np.tanh(cell)
        scores = hidden @ values["V"] + values["a"]
        total -= np.log(np.exp(scores)[[0, 1], following] / np.exp(scores).sum(axis=1)).mean()
    np.testing.assert_allclose(loss, total / 3, rtol=1e-12)
    np.testing.assert_allclose(last_h, hidden, rtol=1e-12)
    np.testing.assert_allclose(last_c, cell, rtol=1e-12)


def test_streams_go_on_from_row_to_row(writer: ModuleType) -> None:
    np.testing.assert_array_equal(writer.streams_of(np.arange(11), 3), [[0, 3, 6], [1, 4, 7], [2, 5, 8]])


# --------------------------------------------------------------------------------------------------------- Hessian-free


def test_the_error_falls_below_the_baseline(adder: ModuleType, tmp_path: Path) -> None:
    with config.change_flags(check_programs=False):
        errors = adder.main([*FEW, "--updates", "25", "--batch", "200", "--out", str(tmp_path)])
    assert errors[-1][1] < adder.BASELINE / 5
    assert all(b[0] < 1 for b in errors)
    assert (tmp_path / "error.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_it_ends_where_its_goal_is_reached(adder: ModuleType, tmp_path: Path) -> None:
    errors = adder.main([*FEW, "--updates", "25", "--goal", "10", "--out", str(tmp_path), "--floatX", "float64"])
    assert len(errors) == 1
    with np.load(tmp_path / "parameters.npz") as saved:
        assert saved["U"].shape == (8, 8) and saved["U"].dtype == np.float64


def test_curvature_is_that_of_gauss_and_newton(adder: ModuleType) -> None:
    rng = np.random.default_rng(0)
    with config.change_flags(floatX="float64"):
        values = adder.initial_values(4, rng)
        parameters = {name: st.shared(value, name=name) for name, value in values.items()}
        functions = adder.compiled(parameters)
        x = T.tensor3("x")
        said = st.function([x], adder.answer(x, parameters)[:, 0])
        data, _ = adder.problem(3, 5, rng)
    flat = adder.Flat(list(values.values()))
    start = flat.join(list(values.values()))

    def answers(vector: np.ndarray) -> np.ndarray:
        for variable, part in zip(parameters.values(), np.split(vector, flat.cuts)):
            variable.set_value(part.reshape(variable.get_value().shape))
        return said(data)

    steps = 1e-6 * np.eye(len(start))
    jacobian = np.array([(answers(start + s) - answers(start - s)) / 2e-6 for s in steps]).T
    answers(start)
    direction = rng.normal(size=len(start))
    with config.change_flags(floatX="float64"):
        product = flat.join(functions.curvature(data, *flat.split(direction)))
    np.testing.assert_allclose(product, jacobian.T @ (jacobian @ direction) / 3, rtol=1e-6, atol=1e-8)


def test_conjugate_gradients_solve(adder: ModuleType) -> None:
    root = np.random.default_rng(1).normal(size=(9, 9))
    matrix, target = root @ root.T + np.eye(9), np.arange(9.0)
    x, value, steps = adder.conjugate_gradients(lambda v: matrix @ v, target, np.zeros(9), 50)
    np.testing.assert_allclose(matrix @ x, target, atol=1e-6)
    assert value == pytest.approx(-0.5 * target @ x) and steps >= 9
    assert adder.conjugate_gradients(lambda v: v, np.zeros(3), np.zeros(3), 50)[2] == 0


def test_the_problem_is_what_it_says(adder: ModuleType) -> None:
    x, y = adder.problem(200, 10, np.random.default_rng(0))
    assert x.shape == (10, 200, 2) and y.shape == (200, 1)
    np.testing.assert_array_equal(x[:5, :, 1].sum(axis=0), 1)
    np.testing.assert_array_equal(x[5:, :, 1].sum(axis=0), 1)
    np.testing.assert_allclose((x[:, :, 0] * x[:, :, 1]).sum(axis=0)[:, None], y, rtol=1e-6)
    assert np.mean((y - 1) ** 2) == pytest.approx(adder.BASELINE, rel=0.2)


@pytest.mark.parametrize("name", ["char_lstm", "hessian_free_rnn"])
def test_help_explains_the_options(name: str) -> None:
    command = [sys.executable, EXAMPLES / f"{name}.py", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for option in ("--hidden", "--batch", "--seed", "--out", "--floatX"):
        assert option in text
