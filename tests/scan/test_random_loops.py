"""scan against loops in NumPy, over random combinations of taps, outputs, directions, numbers of steps and ends."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import symtheano as theano
import symtheano.tensor as T
from symtheano.scan.frontend import until
from tests.scan.loops import Case, Values, by_numpy, by_scan, cases

TERMS = ("element", "state", "row", "outside", "shared")


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


@given(
    shape=st.tuples(st.integers(0, 4), st.integers(1, 4)),
    deep=st.integers(1, 2),
    backwards=st.tuples(st.booleans(), st.booleans()),
    reads=st.lists(
        st.sampled_from(["element", "state", "row", "outside", "shared"]), min_size=1, max_size=3, unique=True
    ),
    ends=st.booleans(),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=40, deadline=None)
def test_loops_in_loops(
    shape: tuple[int, int], deep: int, backwards: tuple[bool, bool], reads: list[str], ends: bool, seed: int
) -> None:
    """The inner loop reads what the outer one has: its element, its state (the last `deep`), all of the sequence."""
    rng = np.random.default_rng(seed)
    values, start, w = rng.normal(size=shape), rng.normal(size=deep), float(rng.normal())
    x, s, outside, shared = T.dmatrix("x"), T.dvector("s"), T.dscalar("w"), theano.shared(0.7)

    def outer(row: Any, *states: Any) -> Any:
        terms = {"element": row[0], "state": states[0], "row": row.sum(), "outside": outside, "shared": shared}
        inner, _ = theano.scan(
            lambda e, p: T.tanh(e - 0.5 * p + sum(terms[r] for r in reads)),
            row,
            states[-1],
            go_backwards=backwards[1],
        )
        return ([inner[-1], inner], until(inner[-1] > 0.5)) if ends else [inner[-1], inner]

    (lasts, traces), updates = theano.scan(
        outer,
        x,
        [{"initial": s if deep == 2 else s[0], "taps": [-2, -1][2 - deep :]}, None],
        go_backwards=backwards[0],
    )
    assert not updates
    got = theano.function([x, s, outside], [lasts, traces], on_unused_input="ignore")(values, start, w)
    history, rows = list(start), []
    for row in values[::-1] if backwards[0] else values:
        terms = {"element": row[0], "state": history[-deep], "row": row.sum(), "outside": w, "shared": 0.7}
        p, trace = history[-1], []
        for e in row[::-1] if backwards[1] else row:
            p = np.tanh(e - 0.5 * p + sum(terms[r] for r in reads))
            trace.append(p)
        history.append(p)
        rows.append(trace)
        if ends and p > 0.5:
            break
    np.testing.assert_allclose(got[0], history[deep:], rtol=1e-10)
    np.testing.assert_allclose(got[1], np.array(rows).reshape(-1, shape[1]), rtol=1e-10)
