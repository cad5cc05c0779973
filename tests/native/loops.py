"""Loops built by hand in the normal form, compiled, and compared with the interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.schedule import Region
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import evaluate
from symtheano.scan.op import Scan
from symtheano.scan.step import Step

NATIVE = st.Mode(target="native").excluding("loops")  # loops as they are written


def scan(
    consts: Sequence[Any], carry: Sequence[Any], xs: Sequence[Any], outs: Sequence[Any], until: bool = False
) -> Scan:
    """The op of a step, which is rewritten as steps are before they become machine code."""
    graph = FunctionGraph([*consts, *carry, *xs], outs)
    for _, rules in NATIVE.phases():
        graph = graph.rewrite(rules)
    return Scan(Step(graph), len(consts), len(carry), until)


def compiled(inputs: Sequence[Any], outputs: Sequence[Any], native: bool = True) -> Any:
    """A native function, of which everything must be machine code in one region."""
    f = st.function(list(inputs), list(outputs), mode=NATIVE, on_unused_input="ignore")
    if native:
        parts = f.compiled.native.schedule.parts
        assert len(parts) == 1 and isinstance(parts[0], Region), f.program
        assert f.compiled.native.entry is not None
        assert any(g.kind == "loop" for g in parts[0].groups), f.program
    return f


def direct(f: Any, values: Sequence[Any]) -> Any:
    """What machine code gives for these values: fails where it leaves the call to the NumPy program."""
    called: list[Any] = []
    run = f.compiled.native.load([], lambda *args: called.append(args))
    found = run(*values)
    assert not called, "the NumPy program was called"
    return found


def compare(inputs: Sequence[Any], outputs: Sequence[Any], values: Sequence[Any], tolerance: float = 2e-5) -> None:
    """The outputs by machine code and by the interpreter."""
    f = compiled(inputs, outputs)
    wanted = evaluate(list(outputs), dict(zip(inputs, values, strict=True)))
    kept = [np.array(v) for v in values]
    for found in (direct(f, values), f(*values), f(*values)):
        same(found, wanted, tolerance)
    for v, k in zip(values, kept, strict=True):
        np.testing.assert_array_equal(v, k)


def same(found: Sequence[Any], wanted: Sequence[Any], tolerance: float = 2e-5) -> None:
    """Arrays of the same dtype, shape and numbers."""
    for position, (a, b) in enumerate(zip(found, wanted, strict=True)):
        assert a.dtype == b.dtype and a.shape == b.shape, position
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=str(position))


def numbers(*shape: int, dtype: str = "float32", seed: int = 0) -> Any:
    """Numbers of moderate size."""
    rng = np.random.default_rng([seed, *shape])
    return rng.uniform(-1, 1, shape).astype(dtype) if "float" in dtype else rng.integers(-3, 4, shape).astype(dtype)


__all__ = ["NATIVE", "T", "compare", "compiled", "direct", "numbers", "same", "scan"]
