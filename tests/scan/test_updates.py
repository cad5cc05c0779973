"""Updates of shared variables in loops, and conditions that end them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import symtheano as theano
import symtheano.tensor as T
from symtheano.scan.frontend import until

# -- updates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [dict, OrderedDict, theano.OrderedUpdates, lambda pairs: pairs, tuple])
def test_forms_of_updates(form: Any) -> None:
    a, b = theano.shared(1.0, "a"), theano.shared(np.zeros(2), "b")
    _, updates = theano.scan(lambda: form([(a, a * 2), (b, b + a)]), n_steps=3)
    assert list(updates) == [a, b]
    theano.function([], updates=updates)()
    assert a.get_value() == 8
    np.testing.assert_array_equal(b.get_value(), [7, 7])  # each step adds what a was before it


@pytest.mark.parametrize("n_steps", [None, 1])
def test_parts_that_are_empty(n_steps: Any) -> None:
    x = T.dvector("x")
    for step in [
        lambda e: ([e], []),
        lambda e: (e, {}),
        lambda e: (e, (), until(e > 9)),
        lambda e: ([e], theano.OrderedUpdates(), until(e > 9)),
        lambda e: [e, until(e > 9)],
    ]:
        outputs, updates = theano.scan(step, x, n_steps=n_steps)
        assert outputs.type == T.dvector and updates == {}
    for step in [
        lambda e: ([], {}),
        lambda e: ({}, until(e > 9)),
        lambda e: ([], until(e > 9)),
        lambda e: until(e > 9),
    ]:
        assert theano.scan(step, x, n_steps=n_steps) == (None, {})


@pytest.mark.parametrize("n_steps", [1, 2])
def test_updates_go_with_outputs_and_a_condition(n_steps: int) -> None:
    a = theano.shared(1.0, "a")
    both, updates = theano.scan(lambda: (a, {a: a * 2}, until(a > 100)), n_steps=n_steps)
    got = theano.function([], both, updates=updates)()
    np.testing.assert_array_equal(got, [1, 2][:n_steps])
    assert a.get_value() == 2**n_steps


def test_updates_stop_with_the_loop() -> None:
    a = theano.shared(1, "a")
    _, updates = theano.scan(lambda: ({a: a * 2}, until(a >= 16)), n_steps=100)
    theano.function([], updates=updates)()
    assert a.get_value() == 32


def test_a_default_update_is_one_for_each_step() -> None:
    a = theano.shared(1, "a")
    a.default_update = a * 3
    outputs, updates = theano.scan(lambda: a, n_steps=4)
    assert list(updates) == [a]
    np.testing.assert_array_equal(theano.function([], outputs, updates=updates)(), [1, 3, 9, 27])
    assert a.get_value() == 81


def test_default_updates_of_what_default_updates_use() -> None:
    a, b = theano.shared(1, "a"), theano.shared(0, "b")
    a.default_update = a + b
    b.default_update = b + 1
    outputs, updates = theano.scan(lambda: a, n_steps=4)
    assert set(updates) == {a, b}
    np.testing.assert_array_equal(theano.function([], outputs, updates=updates)(), [1, 1, 2, 4])


def test_explicit_updates_come_before_default_ones() -> None:
    a = theano.shared(1, "a")
    a.default_update = a * 3
    outputs, updates = theano.scan(lambda: (a, {a: a + 1}), n_steps=3)
    np.testing.assert_array_equal(outputs.eval(), [1, 2, 3])
    assert len(updates) == 1


def test_a_shared_variable_that_is_given_as_non_sequence_is_updated_too() -> None:
    a = theano.shared(1, "a")
    outputs, updates = theano.scan(lambda v: (v * 10, {a: v + 1}), non_sequences=a, n_steps=3)
    np.testing.assert_array_equal(theano.function([], outputs, updates=updates)(), [10, 20, 30])
    assert a.get_value() == 4


def test_what_is_given_as_non_sequence_is_computed_once_before_the_loop() -> None:
    a = theano.shared(1, "a")
    double = a * 2
    inside, _ = theano.scan(lambda: (double, {a: a + 1}), n_steps=3)
    outside, _ = theano.scan(lambda d: (d, {a: a + 1}), non_sequences=double, n_steps=3)
    np.testing.assert_array_equal(inside.eval(), [2, 4, 6])
    np.testing.assert_array_equal(outside.eval(), [2, 2, 2])


def test_updates_object() -> None:
    a, b = theano.shared(1, "a"), theano.shared(2, "b")
    _, updates = theano.scan(lambda: {a: a + 1}, n_steps=2)
    updates[b] = b + 1  # as the RBM of the deep learning tutorials does
    theano.function([], updates=updates)()
    assert (a.get_value(), b.get_value()) == (3, 3)
    with pytest.raises(TypeError):
        updates[T.dscalar()] = a
    with pytest.raises(KeyError):
        updates + {a: b}


# -- until -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bool", "int8", "float32", "float64"])
def test_conditions_of_any_dtype(dtype: str) -> None:
    x = T.dvector("x")
    outputs, _ = theano.scan(lambda e: (e, until(T.cast(e > 2, dtype))), x)
    np.testing.assert_array_equal(outputs.eval({x: [1, 2, 3, 4]}), [1, 2, 3])
    np.testing.assert_array_equal(outputs.eval({x: [1, 2, 0, 2]}), [1, 2, 0, 2])
    np.testing.assert_array_equal(outputs.eval({x: [9, 2, 0, 2]}), [9])
    assert outputs.eval({x: []}).shape == (0,)


def test_a_condition_from_outside() -> None:
    x, stop = T.dvector("x"), T.scalar("stop", dtype="bool")
    outputs, _ = theano.scan(lambda e: (e, until(stop)), x)
    f = theano.function([x, stop], outputs)
    np.testing.assert_array_equal(f([1, 2, 3], np.bool_(True)), [1])
    np.testing.assert_array_equal(f([1, 2, 3], np.bool_(False)), [1, 2, 3])


def test_last_of_a_loop_that_ended() -> None:
    outputs, _ = theano.scan(lambda s: (s * 2, until(s * 2 > 20)), outputs_info=np.int64(1), n_steps=100)
    assert outputs[-1].eval() == 32 and outputs.shape[0].eval() == 5
