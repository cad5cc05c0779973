"""Random streams in loops: the numbers are those that the stream gives outside of one, call after call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano as theano
import symtheano.tensor as T
from symtheano.sandbox.rng_mrg import MRG_RandomStreams
from symtheano.scan.frontend import until
from symtheano.tensor.shared_randomstreams import RandomStreams

STREAMS = pytest.mark.parametrize("make", [RandomStreams, MRG_RandomStreams])
CALLS = 3


def drawn(make: Any, count: int, **kwargs: Any) -> list[Any]:
    """The first numbers of the first stream, by a function without a loop."""
    f = theano.function([], make(7).uniform((2,), dtype="float64", **kwargs))
    return [f() for _ in range(count)]


@STREAMS
def test_one_draw_for_each_step(make: Any) -> None:
    streams = make(7)
    values, updates = theano.scan(lambda: streams.uniform((2,), dtype="float64"), n_steps=4)
    assert len(updates) == 1
    f = theano.function([], values, updates=updates)
    got = np.concatenate([f() for _ in range(CALLS)])
    np.testing.assert_array_equal(got, drawn(make, 4 * CALLS))


@STREAMS
def test_without_updates_each_call_starts_where_the_stream_is(make: Any) -> None:
    """Theano too: the loop's updates do not belong to the stream's default update, of one draw."""
    streams = make(7)
    values, _ = theano.scan(lambda: streams.uniform((2,), dtype="float64"), n_steps=4)
    f = theano.function([], values, no_default_updates=True)
    np.testing.assert_array_equal(f(), f())
    np.testing.assert_array_equal(f(), drawn(make, 4))


@STREAMS
def test_no_steps_draw_nothing(make: Any) -> None:
    streams, n = make(7), T.lscalar("n")
    values, updates = theano.scan(lambda: streams.uniform((2,), dtype="float64"), n_steps=n)
    f = theano.function([n], values, updates=updates)
    got = [f(k) for k in (0, 2, 0, 1, 3)]
    assert [len(g) for g in got] == [0, 2, 0, 1, 3]
    np.testing.assert_array_equal(np.concatenate(got), drawn(make, 6))


@STREAMS
def test_a_loop_that_ends_early_leaves_the_stream_there(make: Any) -> None:
    streams = make(7)

    def step() -> Any:
        u = streams.uniform((2,), dtype="float64")
        return u, until(u[0] > 0.6)

    values, updates = theano.scan(step, n_steps=50)
    f = theano.function([], values, updates=updates)
    got = [f() for _ in range(CALLS)]
    np.testing.assert_array_equal(np.concatenate(got), drawn(make, sum(map(len, got))))
    assert all(g[-1, 0] > 0.6 and (g[:-1, 0] <= 0.6).all() for g in got)


@STREAMS
def test_one_step(make: Any) -> None:
    """There is no loop then, and no updates: the stream's default update does."""
    streams = make(7)
    values, updates = theano.scan(lambda: streams.uniform((2,), dtype="float64"), n_steps=1)
    assert not updates
    f = theano.function([], values, updates=updates)
    np.testing.assert_array_equal(np.concatenate([f() for _ in range(CALLS)]), drawn(make, CALLS))


@STREAMS
def test_draws_of_several_streams_in_one_step(make: Any) -> None:
    """Each draw has a stream of its own; that outside of the loop is drawn once a call, if it is a non_sequence."""
    streams = make(7)
    a = streams.uniform((2,), dtype="float64")
    values, updates = theano.scan(
        lambda v: [streams.uniform((2,), dtype="float64"), streams.normal((2,), dtype="float64") + 0 * v, v],
        non_sequences=a,
        n_steps=3,
    )
    assert len(updates) == 2
    f = theano.function([], values, updates=updates)
    other = make(7)
    g = theano.function([], [d((2,), dtype="float64") for d in (other.uniform, other.uniform, other.normal)])
    rows = [g() for _ in range(3 * CALLS)]
    got = [f() for _ in range(CALLS)]
    np.testing.assert_array_equal(np.concatenate([x[0] for x in got]), [r[1] for r in rows])
    np.testing.assert_allclose(np.concatenate([x[1] for x in got]), [r[2] for r in rows], rtol=1e-14)
    for call, x in enumerate(got):
        np.testing.assert_array_equal(x[2], [rows[call][0]] * 3)


@STREAMS
def test_the_same_draw_twice_in_a_step_is_the_same_numbers(make: Any) -> None:
    streams = make(7)

    def step(s: Any) -> Any:
        u = streams.uniform((2,), dtype="float64")
        return s + u - u, u

    (sums, values), updates = theano.scan(step, outputs_info=[T.zeros(2), None], n_steps=3)
    got = theano.function([], [sums, values], updates=updates)()
    np.testing.assert_array_equal(got[0], np.zeros((3, 2)))
    np.testing.assert_array_equal(got[1], drawn(make, 3))


@STREAMS
def test_parameters_that_change_from_step_to_step(make: Any) -> None:
    streams, low = make(7), T.dvector("low")
    values, updates = theano.scan(lambda a: streams.uniform((2,), low=a, high=a + 1, dtype="float64"), low)
    f = theano.function([low], values, updates=updates)
    expected = np.array(drawn(make, 3)) + np.array([[10], [20], [30]])
    np.testing.assert_allclose(f([10.0, 20.0, 30.0]), expected, rtol=1e-14)


@STREAMS
def test_nested_loops(make: Any) -> None:
    streams = make(7)

    def outer() -> Any:
        return theano.scan(lambda: streams.uniform((2,), dtype="float64"), n_steps=2)

    values, updates = theano.scan(outer, n_steps=3)
    assert len(updates) == 1
    f = theano.function([], values, updates=updates)
    got = np.concatenate([f().reshape(-1, 2) for _ in range(CALLS)])
    np.testing.assert_array_equal(got, drawn(make, 6 * CALLS))


@STREAMS
def test_the_state_after_the_loop(make: Any) -> None:
    """A function that draws from the same stream goes on where the loop ended."""
    streams = make(7)
    u = streams.uniform((2,), dtype="float64")
    values, updates = theano.scan(lambda: u, n_steps=3)
    f, g = theano.function([], values, updates=updates), theano.function([], u)
    got = [*f(), g(), *f(), g()]
    np.testing.assert_array_equal(got, drawn(make, 8))
