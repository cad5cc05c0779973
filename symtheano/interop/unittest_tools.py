"""theano.tests.unittest_tools: seeds, and comparisons, for the tests of libraries."""

from __future__ import annotations

import sys
import unittest
import warnings
from typing import Any

import numpy as np

from symtheano.compile.function import function
from symtheano.compile.mode import get_default_mode
from symtheano.config import config
from symtheano.errors import GradientError
from symtheano.gradient import verify_grad as _verify_grad

__all__ = [
    "InferShapeTester",
    "MockRandomState",
    "TestOptimizationMixin",
    "WrongValue",
    "assert_allclose",
    "fetch_seed",
    "seed_rng",
    "str_diagnostic",
    "verify_grad",
]

_RTOL = {"float16": 1e-3, "float32": 1e-5, "complex64": 1e-5, "float64": 1e-5, "complex128": 1e-5}
_ATOL = {"float16": 1e-3, "float32": 1e-5, "complex64": 1e-5, "float64": 1e-8, "complex128": 1e-8}


def fetch_seed(pseed: Any = None) -> int | None:
    """The seed for a test: `pseed`, or config.unittests.rseed; None (a fresh one) where that is "random"."""
    seed = pseed or config.unittests.rseed
    if seed == "random":
        return None
    try:
        return int(seed) if seed else None
    except ValueError:
        print("Error: config.unittests.rseed contains invalid seed, using None instead", file=sys.stderr)
        return None


def seed_rng(pseed: Any = None) -> int | None:
    """Seeds numpy.random with `fetch_seed(pseed)`, and returns that."""
    seed = fetch_seed(pseed)
    if pseed and pseed != seed:
        print(f"Warning: using seed {seed} instead of {pseed}, given as parameter", file=sys.stderr)
    np.random.seed(seed)
    return seed


def verify_grad(op: Any, pt: Any, n_tests: int = 2, rng: Any = None, *args: Any, **kwargs: Any) -> None:
    """theano.gradient.verify_grad with numpy.random, seeded, where no `rng` is given."""
    if rng is None:
        seed_rng()
        rng = np.random
    _verify_grad(op, pt, n_tests, rng, *args, **kwargs)


verify_grad.E_grad = GradientError  # type: ignore[attr-defined]


class MockRandomState:
    """Random numbers that are not: `rand` gives `val`, `randint` the least number where val is 0, else the greatest."""

    def __init__(self, val: float):
        self.val = val

    def rand(self, *shape: int) -> Any:
        """An array of `val`."""
        return np.full(shape, self.val, dtype="float64")

    def randint(self, minval: int, maxval: int | None = None, size: Any = 1) -> Any:
        """An array of the least, or greatest, number in the range."""
        low, high = (0, minval) if maxval is None else (minval, maxval)
        return np.full(size, low if self.val == 0 else high - 1, dtype="int64")


def _get_atol_rtol(a: Any, b: Any) -> tuple[float, float]:
    """The tolerances for two arrays: those of the less precise dtype."""
    names = [n for n in (str(getattr(a, "dtype", "")), str(getattr(b, "dtype", ""))) if n in _RTOL] or ["float64"]
    return max(_ATOL[n] for n in names), max(_RTOL[n] for n in names)


def _allclose(a: Any, b: Any, rtol: float | None = None, atol: float | None = None) -> bool:
    """Whether two arrays are equal but for what their precision explains."""
    default_atol, default_rtol = _get_atol_rtol(a, b)
    rtol = default_rtol if rtol is None else rtol
    return bool(np.allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=default_atol if atol is None else atol))


class WrongValue(Exception):
    """Two arrays that should be close are not."""

    def __init__(self, expected_val: Any, val: Any, rtol: float | None, atol: float | None):
        super().__init__(expected_val, val, rtol, atol)
        self.val1, self.val2, self.rtol, self.atol = expected_val, val, rtol, atol

    def __str__(self) -> str:
        return "WrongValue\n" + str_diagnostic(self.val1, self.val2, self.rtol, self.atol)


def str_diagnostic(expected: Any, value: Any, rtol: float | None, atol: float | None) -> str:
    """How two arrays differ, in some lines."""
    lines = []
    for label, given in (("expected", expected), ("value", value)):
        array = np.asarray(given)
        facts = f"shape {array.shape}, {array.dtype}, strides {array.strides}"
        if array.size and array.dtype.kind in "biuf":
            infinite, nans = int(np.isinf(array).sum()), int(np.isnan(array).sum())
            facts += f", from {array.min()} to {array.max()}, {infinite} inf, {nans} nan"
        lines += [f"  {label}: {facts}", f"    {given}"]
    a, b = np.asarray(expected), np.asarray(value)
    if a.shape == b.shape and a.size and a.dtype.kind in "biufc" and b.dtype.kind in "biufc":
        with np.errstate(all="ignore"):
            difference = np.abs(b.astype("complex128") - a)
            relative = difference / np.abs(a)
        for label, d in (("absolute", difference), ("relative", relative)):
            lines.append(f"  {label} difference: max {d.max()}, mean {d.mean()}, median {np.median(d)}, std {d.std()}")
    default_atol, default_rtol = _get_atol_rtol(expected, value)
    lines.append(f"  rtol {default_rtol if rtol is None else rtol}, atol {default_atol if atol is None else atol}")
    return "\n".join(lines)


def assert_allclose(expected: Any, value: Any, rtol: float | None = None, atol: float | None = None) -> None:
    """WrongValue where the arrays are not close, by tolerances that suit their dtypes."""
    if not _allclose(expected, value, rtol, atol):
        raise WrongValue(expected, value, rtol, atol)


class TestOptimizationMixin:
    """Assertions on the ops of a compiled function."""

    def assertFunctionContains(self, f: Any, op: Any, min: int = 1, max: int = sys.maxsize) -> None:
        """From `min` to `max` nodes of `f` have this op."""
        self._count(f, lambda node: node.op == op, str(op), min, max)

    def assertFunctionContains0(self, f: Any, op: Any) -> None:
        """No node of `f` has this op."""
        self.assertFunctionContains(f, op, 0, 0)

    def assertFunctionContains1(self, f: Any, op: Any) -> None:
        """One node of `f` has this op."""
        self.assertFunctionContains(f, op, 1, 1)

    def assertFunctionContainsN(self, f: Any, op: Any, N: int) -> None:
        """N nodes of `f` have this op."""
        self.assertFunctionContains(f, op, N, N)

    def assertFunctionContainsClass(self, f: Any, op: Any, min: int = 1, max: int = sys.maxsize) -> None:
        """From `min` to `max` nodes of `f` have an op of this class."""
        self._count(f, lambda node: isinstance(node.op, op), op.__name__, min, max)

    def assertFunctionContainsClassN(self, f: Any, op: Any, N: int) -> None:
        """N nodes of `f` have an op of this class."""
        self.assertFunctionContainsClass(f, op, N, N)

    @staticmethod
    def _count(f: Any, matches: Any, what: str, low: int, high: int) -> None:
        nodes = f.maker.fgraph.toposort()
        count = sum(bool(matches(node)) for node in nodes)
        assert low <= count <= high, f"{count} nodes with {what}, not {low} to {high}, in {nodes}"


class InferShapeTester(unittest.TestCase):
    """A test case whose `_compile_and_check` compares the shape rule of an op with the shapes that it computes."""

    mode: Any = None

    def setUp(self) -> None:
        seed_rng()
        self.mode = self.mode or get_default_mode()

    def _compile_and_check(
        self,
        inputs: Any,
        outputs: Any,
        numeric_inputs: Any,
        cls: Any,
        excluding: Any = None,
        warn: bool = True,
        check_topo: bool = True,
    ) -> None:
        """The shapes of `outputs` are computed without an op of class `cls` (a class, or several), and right.

        excluding: rules that the mode leaves out. warn: warns of inputs with two equal lengths, which would hide axes
        that were mixed up. check_topo=False: the op may be there.
        """
        mode = self.mode.excluding(*excluding) if excluding else self.mode
        for variable, value in zip(inputs, numeric_inputs, strict=True):
            pattern = getattr(variable.type, "broadcastable", ())
            lengths = [n for n, b in zip(np.shape(value), pattern, strict=False) if not b]
            if warn and len(set(lengths)) != len(lengths):
                message = f"an input of shape {np.shape(value)} has equal lengths, which would hide axes mixed up"
                warnings.warn(message, stacklevel=2)
        values = function(inputs, outputs, mode=mode)
        shapes = function(inputs, [o.shape for o in outputs], mode=mode)
        if check_topo:
            assert not any(isinstance(node.op, cls) for node in shapes.maker.fgraph.toposort())
        assert any(isinstance(node.op, cls) for node in values.maker.fgraph.toposort())
        for value, shape in zip(values(*numeric_inputs), shapes(*numeric_inputs), strict=True):
            assert tuple(value.shape) == tuple(shape), (value.shape, shape)
