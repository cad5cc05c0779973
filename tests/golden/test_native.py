"""The plans and kernels of small functions are what they were; if they should be something else, write them again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.native_functions import NATIVE_FUNCTIONS
from tests.golden.native_texts import FOLDER, path, text

pytest.importorskip("llvmlite")

ROOT = Path(__file__).resolve().parents[2]
ADVICE = (
    "if this is what you meant: python -m tests.golden.native_texts, and look at the difference before you commit it"
)


@pytest.mark.parametrize("name", NATIVE_FUNCTIONS)
def test_golden(name: str) -> None:
    assert text(name) == path(name).read_text(encoding="utf-8"), ADVICE


def test_every_text_belongs_to_a_function() -> None:
    assert {p.stem for p in FOLDER.glob("*.txt")} == set(NATIVE_FUNCTIONS)


@pytest.mark.parametrize("seed", ["0", "1", "12345"])
def test_the_texts_do_not_depend_on_hashes_or_on_what_was_built_before(seed: str) -> None:
    golden = "\n".join(path(name).read_text(encoding="utf-8") for name in NATIVE_FUNCTIONS) + "\n"
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    run = [sys.executable, "-m", "tests.golden.native_texts", "--print"]
    printed = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    assert printed == golden
