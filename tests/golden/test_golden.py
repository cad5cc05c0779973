"""What the compiler makes of small functions is what it made before; if it should be something else, write it again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden.functions import FUNCTIONS
from tests.golden.texts import FOLDER, path, text

ROOT = Path(__file__).resolve().parents[2]
ADVICE = "if this is what you meant: python -m tests.golden, and look at the difference before you commit it"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_golden(name: str) -> None:
    assert text(name) == path(name).read_text(encoding="utf-8"), ADVICE


def test_every_text_belongs_to_a_function() -> None:
    assert {p.stem for p in FOLDER.glob("*.txt")} == set(FUNCTIONS)


def test_the_texts_do_not_depend_on_hashes_or_on_what_was_built_before() -> None:
    golden = "\n".join(path(name).read_text(encoding="utf-8") for name in FUNCTIONS) + "\n"
    for seed in ("1", "12345"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        run = [sys.executable, "-m", "tests.golden", "--print"]
        printed = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
        assert printed == golden, f"PYTHONHASHSEED={seed}"
