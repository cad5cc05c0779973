"""Every example in a docstring runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import symtheano

MODULES = [m.name for m in pkgutil.walk_packages(symtheano.__path__, "symtheano.") if not m.name.endswith("__main__")]


@pytest.mark.parametrize("name", ["symtheano", *MODULES])
def test_docstrings(name: str) -> None:
    module = importlib.import_module(name)
    globs = {"np": np, **vars(module)}
    results = doctest.testmod(module, globs=globs, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert results.failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = sum(bool(t.examples) for n in MODULES for t in finder.find(importlib.import_module(n)))
    assert found >= 80
