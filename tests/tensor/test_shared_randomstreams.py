"""RandomStreams: seeds as in Theano, states in shared variables, default updates, seeding again, pickling."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from scipy import stats

import symtheano as st
import symtheano.tensor as T
from symtheano.tensor.raw_random import RandomStreamsBase
from symtheano.tensor.shared_randomstreams import RandomStateSharedVariable, RandomStreams

UNIFORM = np.array([[0.12672381400898758, 0.9709159656786431], [0.13989097862581312, 0.887548254199325]])
NORMAL = np.array([0.3732844727674915, -0.6574667187293483])


def streams_of(seed: int, count: int) -> list[Any]:
    """The random states that `count` draws of RandomStreams(seed) start from."""
    seeds = np.random.RandomState(seed)
    return [np.random.RandomState(int(seeds.randint(2**30))) for _ in range(count)]


def test_theanos_numbers() -> None:
    """Computed by Theano 1.0.5 on NumPy 1.16."""
    r = RandomStreams(234)
    f = st.function([], [r.uniform((2, 2), dtype="float64"), r.normal((2,), dtype="float64")])
    u, n = f()
    np.testing.assert_array_equal(u, UNIFORM)
    np.testing.assert_array_equal(n, NORMAL)


def test_each_draw_has_its_stream() -> None:
    r = RandomStreams(9)
    f = st.function([], [r.uniform((3,)), r.permutation((2,), n=5), r.binomial((4,), n=7)])
    a, b, c = streams_of(9, 3)
    for _ in range(2):
        u, p, k = f()
        np.testing.assert_array_equal(u, a.uniform(size=3))
        np.testing.assert_array_equal(p, [b.permutation(5), b.permutation(5)])
        np.testing.assert_array_equal(k, c.binomial(7, 0.5, 4))


def test_a_draw_knows_its_state() -> None:
    r = RandomStreams(9)
    u = r.uniform((3,))
    assert isinstance(u.rng, RandomStateSharedVariable)
    assert u.rng.tag.is_rng
    assert u.update == (u.rng, u.rng.default_update)
    assert r.updates() == [u.update]
    assert r.updates() is not r.state_updates


def test_default_updates() -> None:
    u = RandomStreams(9).uniform((3,))
    (a,) = streams_of(9, 1)
    first, second = a.uniform(size=3), a.uniform(size=3)
    frozen = st.function([], u, no_default_updates=True)
    np.testing.assert_array_equal(frozen(), first)
    np.testing.assert_array_equal(frozen(), first)
    listed = st.function([], u, no_default_updates=[u.rng])
    np.testing.assert_array_equal(listed(), first)
    by_hand = st.function([], u, no_default_updates=True, updates=[u.update])
    np.testing.assert_array_equal(by_hand(), first)
    np.testing.assert_array_equal(frozen(), second)
    kept = st.function([], u, updates=[(u.rng, u.rng)])
    np.testing.assert_array_equal(kept(), second)
    np.testing.assert_array_equal(kept(), second)
    given = st.function([], u, givens={u.rng: st.shared(np.random.RandomState(1))})
    np.testing.assert_array_equal(given(), np.random.RandomState(1).uniform(size=3))


def test_a_failed_call_does_not_advance() -> None:
    x = T.dvector("x")
    u = RandomStreams(9).uniform((3,))
    f = st.function([x], u + x)
    with pytest.raises(ValueError):
        f(np.ones(4))
    np.testing.assert_array_equal(f(np.zeros(3)), streams_of(9, 1)[0].uniform(size=3))


def test_seeding_again() -> None:
    r = RandomStreams(9)
    f = st.function([], [r.uniform((3,)), r.normal((2,))])
    first = f()
    r.seed()
    for a, b in zip(first, f(), strict=True):
        np.testing.assert_array_equal(a, b)
    r.seed(77)
    a, b = streams_of(77, 2)
    u, n = f()
    np.testing.assert_array_equal(u, a.uniform(size=3))
    np.testing.assert_array_equal(n, b.normal(size=2))


def test_states_by_hand() -> None:
    r = RandomStreams(9)
    u = r.uniform((3,))
    f = st.function([], u)
    r[u.rng] = np.random.RandomState(5)
    np.testing.assert_array_equal(f(), np.random.RandomState(5).uniform(size=3))
    r[u.rng].seed(6)  # the state itself, not a copy
    np.testing.assert_array_equal(f(), np.random.RandomState(6).uniform(size=3))
    u.rng.set_value(np.random.RandomState(7))
    np.testing.assert_array_equal(f(), np.random.RandomState(7).uniform(size=3))
    with pytest.raises(TypeError, match="RandomState"):
        u.rng.set_value(3)


def test_draws_in_one_expression() -> None:
    r = RandomStreams(9)
    u = r.uniform((3,))
    assert not st.function([], u - u)().any()
    assert st.function([], r.uniform((3,)) - r.uniform((3,)))().all()


def test_shuffle_row_elements() -> None:
    r = RandomStreams(9)
    x = T.dmatrix("x")
    shuffled = r.shuffle_row_elements(x)
    f = st.function([x], [shuffled, shuffled.permutation])
    values = np.arange(20.0).reshape(4, 5)
    (a,) = streams_of(9, 1)
    expected = np.array([a.permutation(5) for _ in range(4)])
    out, order = f(values)
    np.testing.assert_array_equal(order, expected)
    np.testing.assert_array_equal(out, np.take_along_axis(values, expected, 1))
    v = T.dvector("v")
    g = st.function([v], r.shuffle_row_elements(v))
    assert sorted(g(np.arange(7.0))) == list(range(7))


def test_every_method() -> None:
    r = RandomStreams(1)
    draws = [r.uniform((2,)), r.normal((2,)), r.binomial((2,)), r.poisson((2,), lam=2.0), r.random_integers((2,))]
    draws += [r.choice((2,)), r.permutation(n=2), r.multinomial((2,))]
    assert [d.shape for d in st.function([], draws)()] == [(2,)] * 7 + [(2, 2)]
    with pytest.raises(NotImplementedError, match="must define gen"):
        RandomStreamsBase().uniform((2,))


def test_pickles_and_copies() -> None:
    r = RandomStreams(9)
    u = r.uniform((3,))
    f = st.function([], u)
    f()
    g, h = pickle.loads(pickle.dumps(f)), copy.deepcopy(f)
    streams, draw = pickle.loads(pickle.dumps((r, u)))
    expected = f()
    np.testing.assert_array_equal(g(), expected)
    np.testing.assert_array_equal(h(), expected)
    assert streams.state_updates[0] == draw.update
    np.testing.assert_array_equal(st.function([], draw)(), expected)
    streams.seed()
    np.testing.assert_array_equal(st.function([], draw)(), streams_of(9, 1)[0].uniform(size=3))
    np.testing.assert_array_equal(st.function([], r.normal((2,)))(), st.function([], streams.normal((2,)))())


def test_unseeded_streams_differ() -> None:
    a, b = (RandomStreams().uniform((5,)).eval() for _ in range(2))
    assert not np.array_equal(a, b)


def test_distributions() -> None:
    r = RandomStreams(3)
    u, n = st.function([], [r.uniform((5000,)), r.normal((5000,), avg=1.0, std=2.0)])()
    assert stats.kstest(u, "uniform").pvalue > 0.01
    assert stats.kstest(n, stats.norm(1, 2).cdf).pvalue > 0.01
