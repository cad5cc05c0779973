"""scan against loops in NumPy, over random combinations of taps, outputs, directions, numbers of steps and ends."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

import symtheano as theano
from tests.scan.loops import Case, Values, by_numpy, by_scan, cases


def check(case: Case) -> None:
    values = Values(case)
    expected, ran = by_numpy(case, values)
    f, arguments = by_scan(case, values)
    got = f(*arguments)
    for a, b in zip(got, expected, strict=not case.counter):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
        assert a.shape == b.shape
    if case.counter:
        assert got[-1] == ran


@given(cases())
@settings(max_examples=100, deadline=None)
def test_random_loops(case: Case) -> None:
    check(case)


@given(cases())
@settings(max_examples=25, deadline=None)
def test_random_loops_as_numpy_programs(case: Case) -> None:
    with theano.change_flags(target="numpy"):
        check(case)
