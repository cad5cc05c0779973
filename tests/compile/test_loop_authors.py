"""Authors' ops and states of random generators in the steps of loops."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.scan.op import Scan
from symtheano.scan.step import Step
from symtheano.tensor.raw_random import normal, random_state_type
from tests.compile.hand_loops import (
    TARGETS,
    Doubled,
    Kept,
    Tail,
    body_of,
    reading,
)  # fmt: skip


def by_hand(make: Any, h: Any, xs: Any, crossed: bool) -> dict[str, Any]:
    """What a loop of `make` gives. crossed: the new state is what the op gives, and the result reads the old one."""
    value = {Doubled: lambda v: v * 2, Kept: lambda v: v + 1, Tail: lambda v: v[::-1].copy()}[make]
    before, after, results = [], [], []
    for x in xs:
        before.append(h)
        new = value(h) if crossed else value(h) * 0.5 + x
        results.append(np.tanh(h + x) if crossed else value(h))
        after.append(new)
        h = new
    rows = (0, 3)
    return {
        "last 0": h,
        "before 0": np.array(before).reshape(-1, 3) if before else np.zeros(rows),
        "after 0": np.array(after).reshape(-1, 3) if after else np.zeros(rows),
        "after 1": np.array(results).reshape(-1, 3) if results else np.zeros(rows),
    }


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("make", [Doubled, Kept, Tail])
@pytest.mark.parametrize("read", [["last 0"], ["after 0"], ["before 0", "after 0"], ["last 0", "after 1"]])
def test_ops_of_authors_in_a_step(make: Any, read: list[str], target: str) -> None:
    h, x = T.dvector("h"), T.dvector("x")
    y = make()(h)
    variables = [T.lscalar("n"), T.dvector(), T.dmatrix()]
    xs = np.random.default_rng(0).normal(size=(4, 3))
    for crossed, outputs in ((False, [y * 0.5 + x, y]), (True, [y, T.tanh(h + x)])):
        f = reading(Scan(Step.of([h, x], outputs), 0, 1), variables, *read, mode=st.Mode(target=target, optimizer=None))
        h0 = np.arange(3.0)
        for n in (1, 4, 0):
            right = by_hand(make, np.arange(3.0), xs[:n], crossed)
            for name, found in zip(read, f(n, h0, xs[:n]), strict=True):
                if n or name != "after 1":  # the shape of what Python code gives is not known before it runs
                    np.testing.assert_allclose(found, right[name])
        np.testing.assert_array_equal(h0, np.arange(3.0))


def walk(twice: bool = False) -> tuple[Scan, list[Any]]:
    """A random walk: the state of the generator is carried. twice: two draws in each step."""
    state, at = random_state_type("state"), T.dvector("at")
    new, drawn = normal(state, at.shape)
    total = at + drawn
    if twice:
        new, other = normal(new, at.shape)
        total = total + other
    op = Scan(Step.of([state, at], [new, total]), 0, 2)
    return op, [T.lscalar("n"), random_state_type("state0"), T.dvector("at0")]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("twice", [False, True])
def test_random_states_are_carried_and_the_first_one_stays(twice: bool, target: str) -> None:
    op, variables = walk(twice)
    f = reading(op, variables, "last 0", "after 1", mode=st.Mode(target=target, optimizer=None))
    state = np.random.RandomState(5)
    start = state.get_state()[1].copy()
    again = np.random.RandomState(5)
    right = np.cumsum([again.normal(size=2) + (again.normal(size=2) if twice else 0) for _ in range(4)], axis=0)
    for _ in range(2):
        new, path = f(4, state, np.zeros(2))
        np.testing.assert_allclose(path, right)
        assert new is not state and new.normal() == pickle.loads(pickle.dumps(again)).normal()
    np.testing.assert_array_equal(state.get_state()[1], start)
    unchanged, nothing = f(0, state, np.zeros(2))
    assert unchanged is not state and nothing.shape == (0, 2)
    assert unchanged.normal() == np.random.RandomState(5).normal()


def test_a_random_state_is_copied_once_not_in_each_step() -> None:
    op, variables = walk(twice=True)
    body = body_of(reading(op, variables, "last 0", "last 1"))
    assert body.copied == ("x0",)
    draws = [s.node.op for s in body.program if type(s).__name__ == "Perform"]
    assert len(draws) == 2 and all(d.inplace for d in draws)


def test_a_random_state_that_is_read_twice_is_not_drawn_from_itself() -> None:
    state, at = random_state_type("state"), T.dscalar("at")
    new, first = normal(state)
    _, same = normal(state, avg=at)
    op = Scan(Step.of([state, at], [new, first - same]), 0, 2)
    variables = [T.lscalar("n"), random_state_type(), T.dscalar()]
    f = reading(op, variables, "after 1")
    (path,) = f(3, np.random.RandomState(1), 2.0)
    np.testing.assert_allclose(path, [-2.0, 2.0, -2.0])
