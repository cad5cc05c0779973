"""What every test runs under: settings that do not come from the developer's machine, checks on, fixed seeds."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator

for _variable in ("THEANO_FLAGS", "SYMTHEANO_FLAGS"):
    os.environ.pop(_variable, None)
os.environ["THEANORC"] = os.environ["SYMTHEANORC"] = os.devnull
os.environ["MPLBACKEND"] = "Agg"

import hypothesis
import numpy as np
import pytest

from symtheano.compile.target.choice import missing
from symtheano.config import config

config.check_programs = True  # FunctionGraph.check, Program.check and Kernel.check after every step of the compiler

config.target = os.environ.get("SYMTHEANO_TEST_TARGET", "auto" if missing() is None else "numpy")

hypothesis.settings.register_profile("symtheano", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("symtheano")


@pytest.fixture(autouse=True)
def _same_start(request: pytest.FixtureRequest) -> Iterator[None]:
    """The same settings and seed for each test, and numpy as silent about floating-point errors as Theano is."""
    before = config.values()
    np.random.seed(_seed(request))
    with np.errstate(all="ignore"):
        yield
    after = config.values()
    for name in after:
        if name in before and after[name] is not before[name]:
            config.set(name, before[name])


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers that depend on the test's name only."""
    return np.random.default_rng(_seed(request))


def _seed(request: pytest.FixtureRequest) -> int:
    return zlib.crc32(request.node.nodeid.encode())
