"""map, reduce, foldl, foldr and scan_checkpoints."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import symtheano as theano
import symtheano.tensor as T
from symtheano.errors import ShapeMismatchError


def test_map() -> None:
    x, y, w = T.dvector("x"), T.dvector("y"), T.dscalar("w")
    values, updates = theano.map(lambda a, b, w: a + w * b, [x, y], w, name="both")
    assert not updates and str(values.owner.op) == "for{cpu,both}"
    got = theano.function([x, y, w], values)([1.0, 2.0, 3.0], [1.0, 1.0], 10.0)
    np.testing.assert_array_equal(got, [11, 12])
    backwards, _ = theano.map(lambda a: [a, a * 2], x, go_backwards=True)
    assert isinstance(backwards, list)
    np.testing.assert_array_equal(backwards[1].eval({x: [1.0, 2.0]}), [4, 2])


def test_map_of_a_matrix_is_over_its_rows() -> None:
    x = T.dmatrix("x")
    values, _ = theano.map(T.sum, x)
    np.testing.assert_array_equal(values.eval({x: [[1.0, 2.0], [3.0, 4.0]]}), [3, 7])


def test_reduce() -> None:
    x = T.lvector("x")
    total, updates = theano.reduce(lambda e, s: s + e, x, outputs_info=np.int64(0))
    assert total.type == T.lscalar and not updates
    assert total.eval({x: [1, 2, 3]}) == 6
    both, _ = theano.reduce(lambda e, s, p: [s + e, p * e], x, [np.int64(0), np.int64(1)])
    assert [int(v.eval({x: [1, 2, 3, 4]})) for v in both] == [10, 24]


def test_a_function_of_no_associativity() -> None:
    """foldl from the left, foldr from the right: the function gets the element first, then what there is so far."""
    x = T.dvector("x")
    values = [1.0, 2.0, 3.0, 4.0]

    def step(e: Any, s: Any) -> Any:
        return e - 2 * s

    left, _ = theano.foldl(step, x, np.float64(5))
    right, _ = theano.foldr(step, x, np.float64(5))
    backwards, _ = theano.reduce(step, x, np.float64(5), go_backwards=True)
    assert left.eval({x: values}) == functools.reduce(lambda s, e: e - 2 * s, values, 5.0)
    assert right.eval({x: values}) == functools.reduce(lambda s, e: e - 2 * s, values[::-1], 5.0)
    assert backwards.eval({x: values}) == right.eval({x: values})


def test_updates_of_a_reduction() -> None:
    x, calls = T.dvector("x"), theano.shared(0, "calls")
    total, updates = theano.foldl(lambda e, s: (s + e, {calls: calls + 1}), x, np.float64(0))
    assert theano.function([x], total, updates=updates)([1.0, 2.0, 3.0]) == 6
    assert calls.get_value() == 3


def test_a_reduction_of_nothing() -> None:
    x = T.dvector("x")
    total, _ = theano.reduce(lambda e, s: s + e, x, np.float64(0))
    f = theano.function([x], total)
    with pytest.raises(IndexError):
        f([])


@pytest.mark.parametrize("save", [1, 2, 3, 10])
@pytest.mark.parametrize("n", [1, 2, 5, 6])
@pytest.mark.parametrize("n_steps", ["none", "int", "variable"])
def test_checkpoints_give_the_last_step(save: int, n: int, n_steps: str) -> None:
    """Whatever the number of steps: Theano's ran on over zeros where save_every_N did not divide it."""
    x, W, h, k = T.dmatrix("x"), T.dmatrix("W"), T.dvector("h"), T.lscalar("k")

    def step(e: Any, s: Any, W: Any) -> Any:
        return T.tanh(T.dot(s, W) + e), e.sum() + s.sum()

    outputs, _ = theano.scan_checkpoints(
        step, [x], [h, None], [W], n_steps={"none": None, "int": n, "variable": k}[n_steps], save_every_N=save
    )
    f = theano.function([x, W, h, k], outputs, on_unused_input="ignore")
    rng = np.random.default_rng(4)
    xs, Ws, s = rng.normal(size=(n, 2)), rng.normal(size=(2, 2)), rng.normal(size=2)
    got, total = f(xs, Ws, s, n), 0.0
    for e in xs:
        total = e.sum() + s.sum()
        s = np.tanh(s @ Ws + e)
    np.testing.assert_allclose(got[0], [s], rtol=1e-12)
    np.testing.assert_allclose(got[1], [total], rtol=1e-12)


def test_checkpoints_without_padding() -> None:
    x = T.dvector("x")
    total, _ = theano.scan_checkpoints(lambda e, s: s + e, x, np.float64(0), save_every_N=2, padding=False)
    assert total.eval({x: [1.0, 2.0, 3.0, 4.0]}) == [10]
    with pytest.raises(ShapeMismatchError):
        total.eval({x: [1.0, 2.0, 3.0]})


def test_checkpoints_without_sequences_and_with_updates() -> None:
    calls = theano.shared(0, "calls")
    power, updates = theano.scan_checkpoints(
        lambda s: (s * 2, {calls: calls + 1}), outputs_info=np.int64(1), n_steps=7, save_every_N=3
    )
    assert theano.function([], power, updates=updates)() == [128]
    assert calls.get_value() == 7


def test_what_checkpoints_cannot() -> None:
    x = T.dvector("x")
    with pytest.raises(RuntimeError, match="scan_checkpoints doesn't work with taps"):
        theano.scan_checkpoints(lambda e, p: p + e, x, {"initial": T.zeros(2), "taps": [-2]})
    with pytest.raises(ValueError, match="no information about the number of steps"):
        theano.scan_checkpoints(lambda s: s, outputs_info=np.float64(0))
    with pytest.raises(ValueError, match="save_every_N"):
        theano.scan_checkpoints(lambda e, s: s + e, x, np.float64(0), save_every_N=0)
