"""What a call costs beside the arithmetic: functions of one-element arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import symtheano as st
import symtheano.tensor as T
from benchmarks.harness import Result, interleaved, median_row

HOW = """
float64 arrays of one element (a vector), 1,000 calls a sample. `trust_input` skips the checks of the arguments. Ten
inputs are added up. The counter is a shared scalar that the function counts up in place of returning something.
"""


def cases() -> dict[str, tuple[Callable[[], Any], float | None]]:
    """Calls by name, with their goals in microseconds."""
    x = T.dvector("x")
    one = np.ones(1)
    checked = st.function([x], x + 1)
    trusted = st.function([x], x + 1)
    trusted.trust_input = True
    many = [T.dvector(f"x{k}") for k in range(10)]
    ten, ten_trusted = (st.function(many, sum(many[1:], many[0])) for _ in range(2))
    ten_trusted.trust_input = True
    ones = [np.ones(1) for _ in many]
    counter = st.shared(0.0, name="counter")
    count = st.function([], updates=[(counter, counter + 1)])
    np.testing.assert_array_equal(checked(one), one + 1)
    np.testing.assert_array_equal(trusted(one), one + 1)
    np.testing.assert_array_equal(ten(*ones), [10.0])
    return {
        "numpy, x + 1.0": (lambda: one + 1.0, None),
        "f(x) = x + 1": (lambda: checked(one), 6.0),
        "f(x) = x + 1, trust_input": (lambda: trusted(one), 3.0),
        "sum of ten inputs": (lambda: ten(*ones), None),
        "sum of ten inputs, trust_input": (lambda: ten_trusted(*ones), None),
        "numpy, the same sum": (lambda: sum(ones[1:], ones[0]), None),
        "update of a shared counter": (count, None),
    }


def main(quick: bool = False) -> Result:
    """One input, ten inputs, an update."""
    result = Result("Call overhead", HOW)
    timed = cases()
    samples = interleaved({name: call for name, (call, _) in timed.items()}, 7 if quick else 60, calls=1_000)
    result.rows = [median_row(name, samples[name], "us", 1e6, goal) for name, (_, goal) in timed.items()]
    return result
