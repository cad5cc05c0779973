"""The program that `make train` runs: it learns, leaves its files, and loads what it saved."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from symtheano.config import config

PROGRAM = Path(__file__).resolve().parents[1] / "examples" / "train_digits.py"


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train_digits", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("floatX", ["float32", "float64"])
def test_it_learns_the_digits(
    program: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], floatX: str
) -> None:
    start = time.perf_counter()
    with config.change_flags(check_programs=False):
        accuracy = program.main(["--out", str(tmp_path), "--floatX", floatX])
    assert accuracy >= 0.97
    assert time.perf_counter() - start < 30
    for name in ("loss.png", "weights.png"):
        assert (tmp_path / name).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    printed = capsys.readouterr().out
    assert printed.count("test accuracy") == 31  # each epoch's, and the last line
    source = printed.partition("what a step was compiled to:")[2]
    assert "def run(" in source or "// region 0 is given" in source  # a NumPy program, or machine code


def test_saved_parameters_give_the_same_network(program: ModuleType, tmp_path: Path) -> None:
    parameters = program.share(program.initial_values(16, np.random.default_rng(0)))
    program.save_parameters(parameters, tmp_path / "parameters.npz")
    again = program.load_parameters(tmp_path / "parameters.npz")
    assert list(again) == list(parameters)
    for name, variable in parameters.items():
        np.testing.assert_array_equal(again[name].get_value(), variable.get_value())
        assert again[name].type == variable.type


def test_few_epochs_with_every_option(program: ModuleType, tmp_path: Path) -> None:
    options = "--epochs 2 --hidden 20 --lr 0.05 --momentum 0.5 --batch 64 --seed 3 --floatX float64".split()
    assert 0.5 < program.main([*options, "--out", str(tmp_path / "new" / "folder")]) <= 1
    with np.load(tmp_path / "new" / "folder" / "parameters.npz") as saved:
        assert saved["W1"].shape == (64, 20) and saved["W1"].dtype == np.float64


def test_help_explains_the_options() -> None:
    text = subprocess.run([sys.executable, PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    for option in ("--epochs", "--hidden", "--lr", "--momentum", "--batch", "--seed", "--out", "--floatX"):
        assert option in text
