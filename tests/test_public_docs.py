"""What the public names say of themselves: a docstring everywhere, and an example that runs in every function's."""

from __future__ import annotations

import doctest
import importlib
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symtheano
from symtheano.tensor.elemwise import Elemwise

MODULES = [
    "symtheano",
    "symtheano.gradient",
    "symtheano.tensor",
    "symtheano.tensor.extra_ops",
    "symtheano.tensor.fft",
    "symtheano.tensor.nlinalg",
    "symtheano.tensor.nnet",
    "symtheano.tensor.nnet.neighbours",
    "symtheano.tensor.raw_random",
    "symtheano.tensor.shared_randomstreams",
    "symtheano.tensor.signal.conv",
    "symtheano.tensor.signal.pool",
    "symtheano.tensor.slinalg",
    "symtheano.tensor.sort",
]

NO_EXAMPLE = {
    "choice_helper": "it draws at run time, with a NumPy random state; `choice` is what a user calls",
    "install_as_theano": "it changes what `import theano` means for the rest of the process",
    "multinomial_helper": "as choice_helper",
    "random_integers_helper": "as choice_helper",
}


def public(name: str) -> Iterator[tuple[str, Any]]:
    """The names a module offers, with what they are; a module without `__all__` offers what symtheano defines."""
    module = importlib.import_module(name)
    for key in getattr(module, "__all__", [k for k in vars(module) if not k.startswith("_")]):
        value = getattr(module, key)
        ours = str(getattr(value, "__module__", None) or type(value).__module__).startswith("symtheano")
        if ours and not isinstance(value, ModuleType):
            yield key, value


def is_function(value: Any) -> bool:
    return inspect.isfunction(value) or isinstance(value, Elemwise)


def example(text: str, name: str, scope: dict[str, Any]) -> doctest.DocTest:
    return doctest.DocTestParser().get_doctest(text, {"np": np, **scope}, name, None, None)


@pytest.mark.parametrize("name", MODULES)
def test_every_public_name_has_a_docstring(name: str) -> None:
    silent = [key for key, value in public(name) if not (value.__doc__ or "").strip()]
    assert not silent


@pytest.mark.parametrize("name", MODULES)
def test_every_public_function_has_an_example(name: str) -> None:
    missing = [
        key
        for key, value in public(name)
        if is_function(value) and key not in NO_EXAMPLE and not example(value.__doc__, key, {}).examples
    ]
    assert not missing


def test_the_exceptions_are_needed() -> None:
    functions = {key: value for name in MODULES for key, value in public(name) if is_function(value)}
    assert not [key for key in NO_EXAMPLE if key not in functions or example(functions[key].__doc__, key, {}).examples]


def test_examples_of_functions_made_from_tables_print_what_they_say() -> None:
    # tests/test_doctests.py finds the functions that stand in the source.
    scope = {**vars(symtheano.tensor.nnet), **vars(symtheano.tensor)}
    made = [*public("symtheano.tensor"), *public("symtheano.tensor.nnet")]
    runner = doctest.DocTestRunner()
    for key, value in made:
        if isinstance(value, Elemwise) or getattr(value, "__module__", "") == "symtheano.tensor.create":
            runner.run(example(value.__doc__, key, scope))
    assert runner.tries >= 150
    assert not runner.failures
