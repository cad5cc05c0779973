"""Errors in loops: which step, which state, which sequence; and what they leave as it was."""

from __future__ import annotations

import os
import re
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import ShapeMismatchError
from symtheano.graph.interpret import evaluate
from symtheano.scan.op import Scan
from symtheano.scan.step import Step
from tests.compile.hand_loops import (
    TARGETS,
    Doubled,
    Kept,
    reading,
    rnn,
    rnn_values,
)  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
def test_an_error_in_a_step_tells_the_step(target: str) -> None:
    h, i = T.dvector("h"), T.lscalar("i")
    op = Scan(Step.of([h, i], [h + T.sort(h)[i]]), 0, 1)
    variables = [T.lscalar("n"), T.dvector("h0"), T.lvector("places")]
    f = reading(op, variables, "last 0", mode=st.Mode(target=target, optimizer=None))
    f(3, np.ones(2), np.array([0, 1, 0]))
    with pytest.raises(IndexError) as caught:
        f(4, np.ones(2), np.array([0, 1, 7, 0]))
    text = str(caught.value)
    assert "index 7 is out of bounds" in text and "in step 2 of a loop" in text
    assert re.search(r"sort\(h.*\): TensorType\(float64, vector\), shape \(2,\)", text)
    assert f"{os.path.basename(__file__)}:" in text


def test_an_error_in_a_loop_in_a_loop_tells_both_steps() -> None:
    v, i = T.dvector("v"), T.lscalar("i")
    inner = Scan(Step.of([v, i], [v, v[i]]), 0, 1)
    u, places = T.dvector("u"), T.lvector("places")
    total = inner(places.shape[0], u, places)[inner.after(1)].sum()
    op = Scan(Step.of([u, places], [u + total]), 0, 1)
    variables = [T.lscalar("n"), T.dvector(), T.lmatrix()]
    f = reading(op, variables, "last 0")
    with pytest.raises(IndexError, match="in step 2 of a loop, in step 1 of a loop, while"):
        f(3, np.ones(2), np.array([[0, 0, 1], [0, 1, 5], [0, 0, 0]]))


class Fussy(Kept):
    """Refuses what is greater than 2."""

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        if inputs[0].max() > 2:
            raise RuntimeError("too much")
        super().perform(node, inputs, output_storage)


@pytest.mark.parametrize("target", TARGETS)
def test_an_error_leaves_shared_variables_as_they_were(target: str) -> None:
    w = st.shared(np.zeros(3), "w")
    h = T.dvector("h")
    op = Scan(Step.of([h], [Fussy()(h)]), 0, 1)
    n = T.lscalar("n")
    f = st.function([n], updates=[(w, op(n, w)[0])], mode=st.Mode(target=target, optimizer=None))
    f(2)
    np.testing.assert_array_equal(w.get_value(), np.full(3, 2.0))
    with pytest.raises(RuntimeError, match=r"too much[\s\S]*Fussy, in step 1 of a loop[\s\S]*correct Fussy.perform"):
        f(2)
    np.testing.assert_array_equal(w.get_value(), np.full(3, 2.0))


@pytest.mark.parametrize("factor", [None, 2])
def test_a_state_that_changes_its_shape(factor: int | None) -> None:
    h, k = T.dvector("h"), T.lscalar("k")
    op = Scan(Step.of([h, k], [h[:k] if factor is None else h[:k] * factor]), 0, 1)
    variables = [T.lscalar("n"), T.dvector("h0"), T.lvector("ks")]
    for read in (["last 0"], ["after 0"], ["before 0", "after 0"]):
        f = reading(op, variables, *read)
        f(2, np.ones(3), np.array([3, 4]))
        with pytest.raises(ShapeMismatchError, match=r"changed the shape of its state h: \(3,\) before .*\(2,\) after"):
            f(3, np.ones(3), np.array([3, 2, 3]))


@pytest.mark.parametrize("factor", [None, 1])
def test_results_of_different_shapes(factor: int | None) -> None:
    h, k = T.dvector("h"), T.lscalar("k")
    op = Scan(Step.of([h, k], [h, h[:k] if factor is None else h[:k] * factor]), 0, 1)
    variables = [T.lscalar("n"), T.dvector("h0"), T.lvector("ks")]
    f = reading(op, variables, "after 1", "last 1")
    collected, last = f(2, np.arange(3.0), np.array([2, 2]))
    np.testing.assert_array_equal(collected, [[0, 1], [0, 1]])
    np.testing.assert_array_equal(last, [0, 1])
    for ks in ([2, 1, 2], [1, 2, 2]):
        with pytest.raises(ShapeMismatchError, match="different shapes"):
            f(3, np.arange(3.0), np.array(ks))


def test_an_error_before_the_first_step_leaves_arguments_as_they_were() -> None:
    w, h = T.dvector("w"), T.dvector("h")
    op = Scan(Step.of([w, h], [Doubled()(h).sum() * w]), 1, 1)
    f = reading(op, [T.lscalar("n"), T.dvector(), T.dvector()], "last 0")
    start = np.arange(3.0)
    np.testing.assert_array_equal(f(1, np.ones(3), start)[0], [6, 6, 6])
    with pytest.raises(ShapeMismatchError, match="changed the shape"):
        f(1, np.ones(4), start)
    np.testing.assert_array_equal(start, np.arange(3.0))


@pytest.mark.parametrize("target", TARGETS)
def test_wrong_numbers_and_lengths(target: str) -> None:
    op, variables = rnn()
    f = reading(op, variables, "last 0", mode=st.Mode(target=target, optimizer=None))
    n, w, h, xs = rnn_values(3)
    for wrong in (2, 4, 0):
        with pytest.raises(ValueError, match=f"x has 3 elements, but the loop runs {wrong} steps"):
            f(wrong, w, h, xs)
    with pytest.raises(ValueError, match="cannot run -1 steps"):
        f(-1, w, h, xs[:0])
    with pytest.raises(ShapeMismatchError, match=r"changed the shape of its state h: \(3, 2\) before .*\(3, 4\) after"):
        f(3, np.ones((2, 4)), h, np.ones((3, 3, 4)))
    with pytest.raises(ValueError, match=r"mis-match[\s\S]*shape \(5, 2\)"):
        f(3, w, h, np.ones((3, 5, 2)))
    np.testing.assert_allclose(f(3, w, h, xs), evaluate([op(*variables)[0]], dict(zip(variables, [n, w, h, xs]))))
