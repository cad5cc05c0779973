"""MRG_RandomStreams: the numbers are Theano's, to the last bit; sizes, dtypes, streams, seeds, updates, errors."""

from __future__ import annotations

import copy
import pickle
import zlib
from typing import Any

import numpy as np
import pytest
from scipy import stats

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import NullTypeGradError
from symtheano.graph.walk import graph_inputs
from symtheano.sandbox import rng_mrg
from symtheano.sandbox.rng_mrg import MRG_RandomStreams
from symtheano.tensor import kernels_random
from tests.sandbox.golden_mrg import (
    BINOMIAL,
    BOUNDS,
    CHOICE,
    MULTINOMIAL,
    NEXT,
    NORMAL,
    NORMAL64,
    STATES,
    TRUNCATED,
    UNIFORM,
)

DTYPES = ("float16", "float32", "float64")
CHANCES = np.random.RandomState(3).uniform(size=(30, 7))
CHANCES /= CHANCES.sum(1, keepdims=True)


def checksum(draws: list[Any], calls: int = 2) -> int:
    f = st.function([], draws)
    total = 0
    for _ in range(calls):
        for value in f():
            total = zlib.crc32(np.ascontiguousarray(value).tobytes(), total)
    return total


# -- the same numbers as Theano ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "size", "nstreams", "expected"), UNIFORM)
def test_uniform_is_theanos(seed: Any, size: tuple[int, ...], nstreams: int | None, expected: int) -> None:
    r = MRG_RandomStreams(seed)
    draws = [r.uniform(size, dtype=dtype, nstreams=nstreams) for dtype in DTYPES]
    assert checksum(draws, 2 if nstreams is None else 3) == expected


def test_the_documented_numbers() -> None:
    r = MRG_RandomStreams(seed=1234)
    draws = [r.uniform((5,), dtype="float32") for _ in range(6)]
    first, sixth = st.function([], [draws[0], draws[5]])()
    np.testing.assert_array_equal(first, np.float32([0.37257108, 0.65768576, 0.5925067, 0.3193147, 0.779792]))
    np.testing.assert_allclose(sixth, [0.654235, 0.7287125, 0.51944923, 0.82412905, 0.43448037], rtol=2e-7)


def test_states_are_theanos() -> None:
    r = MRG_RandomStreams(1234)
    assert zlib.crc32(r.get_substream_rstates(1000, "float32").tobytes()) == STATES
    assert r.rstate.tolist() == NEXT
    assert r.rstate.dtype == np.int32


def test_draws_from_uniform_numbers_are_theanos() -> None:
    with st.change_flags(floatX="float32"):
        r = MRG_RandomStreams(8)
        binomial = [r.binomial((30, 30), p=0.3), r.binomial((30,), dtype="float32")]
        assert checksum(binomial) == BINOMIAL
        multinomial = [
            r.multinomial(pvals=CHANCES),
            r.multinomial(pvals=CHANCES.astype("float32"), n=9, dtype="float32"),
            r.multinomial(pvals=CHANCES * 0.5, nstreams=3),
        ]
        assert checksum(multinomial) == MULTINOMIAL
        choice = [
            r.choice(size=3, replace=False, p=CHANCES),
            r.choice(size=7, replace=False, p=CHANCES.astype("float32"), dtype="int32"),
        ]
        assert checksum(choice) == CHOICE
        bounds = [r.uniform((20,), low=-3, high=5), r.uniform((20,), low=np.arange(20.0), high=30.0)]
        assert checksum(bounds) == BOUNDS
        # log and cos of single precision round differently in NumPy and in Theano's C
        np.testing.assert_allclose(r.normal((7,), avg=2.0, std=3.0).eval(), NORMAL, rtol=1e-5)
        f = st.function([], r.normal((2000,), dtype="float64"))
        np.testing.assert_allclose(f()[[0, 1, 999, 1000, 1999]], NORMAL64[0], rtol=1e-13)
        np.testing.assert_allclose(f()[[0, 1999]], NORMAL64[1], rtol=1e-13)
        cut = r.truncated_normal((2001,), dtype="float64", nstreams=20).eval()
        np.testing.assert_allclose(cut[[0, 1, 999, 1000, 2000]], TRUNCATED, rtol=1e-13)


# -- the generator -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streams", [1, 3, 2048, 2500])
@pytest.mark.parametrize("total", [0, 1, 4, 2499, 10_001])
def test_kernel_is_the_recurrence(streams: int, total: int) -> None:
    """Step by step and by jumps, for full and partial last steps."""
    rng = np.random.default_rng(streams)
    tops = [kernels_random.M1] * 3 + [kernels_random.M2] * 3
    states = np.stack([rng.integers(0, top, streams) for top in tops], axis=1).astype("int32")
    states[0] = [0, 0, 1, 0, 1, 0]
    expected = states.copy()
    numbers = [
        rng_mrg.mrg_next_value(expected[i % streams], expected[i % streams], 2.0**-31, 0xFFFFFFFF, 0)
        for i in range(total)
    ]
    before = states.copy()
    after, drawn = kernels_random.mrg_uniform(np, states, (total,), "float64")
    np.testing.assert_array_equal(states, before)
    np.testing.assert_array_equal(after, expected)
    np.testing.assert_array_equal(drawn, numbers)


def test_jumps_are_powers_of_the_step() -> None:
    state = np.array([1, 2, 3, 4, 5, 6], "int32")
    rows = MRG_RandomStreams(state.tolist()).get_substream_rstates(5, "float32")
    for row in rows:
        np.testing.assert_array_equal(row, state)
        state = rng_mrg.ff_2p72(state)
    r = MRG_RandomStreams(7)
    r.inc_rstate()
    np.testing.assert_array_equal(r.rstate, rng_mrg.ff_2p134(np.array([7] * 6, "int32")))
    values = [rng_mrg.A1p72, np.array([1, 2, 3], "int32"), rng_mrg.M1]
    values += [rng_mrg.A2p72, np.array([4, 5, 6], "int32"), rng_mrg.M2]
    both = rng_mrg.DotModulo()(*(T.constant(v, dtype=getattr(v, "dtype", "int64")) for v in values)).eval()
    np.testing.assert_array_equal(both, rng_mrg.ff_2p72(np.arange(1, 7, dtype="int32")))


def test_guess_n_streams() -> None:
    guess = rng_mrg.guess_n_streams
    assert [guess(s) for s in ((), (6,), (7,), (12, 1), (10**6,), [30])] == [1, 6, 1, 2, 15360, 5]
    assert guess(T.lvector()) == guess((T.lscalar(), 2)) == guess((np.int64(3),)) == 15360
    with pytest.warns(UserWarning, match="guessing 15360"):
        guess(T.lvector(), warn=True)


# -- sizes and dtypes --------------------------------------------------------------------------------------------------


def test_symbolic_sizes_and_patterns() -> None:
    r = MRG_RandomStreams(3)
    n, v, x = T.iscalar("n"), T.lvector("v"), T.fmatrix("x")
    draws = [r.uniform((n, 1)), r.uniform(v, ndim=2), r.uniform(x.shape), r.normal(n), r.binomial(v, ndim=2, n=3)]
    assert [d.type.broadcastable for d in draws[:3]] == [(False, True), (False, False), (False, False)]
    for mode in ("FAST_COMPILE", "FAST_RUN"):
        f = st.function([n, v, x], draws, mode=mode)
        assert [d.shape for d in f(4, [2, 3], np.ones((5, 6), "float32"))] == [(4, 1), (2, 3), (5, 6), (4,), (2, 3)]
        assert [d.shape for d in f(0, [0, 3], np.ones((5, 0), "float32"))] == [(0, 1), (0, 3), (5, 0), (0,), (0, 3)]
    assert r.uniform((1, 2)).type.broadcastable == (True, False)
    assert r.uniform((1, 2)).type.shape == (1, 2)
    assert r.normal((1, 2)).type.broadcastable == (True, False)
    assert r.uniform(()).eval().shape == ()
    assert st.function([], r.uniform((n, 2)), givens={n: T.constant(1, dtype="int32")})().shape == (1, 2)


@pytest.mark.parametrize("size", [3, None, 2.5, "ab", (2.5,), np.array([2, 3])])
def test_what_is_no_size(size: Any) -> None:
    with pytest.raises(TypeError, match="size must be a tuple"):
        MRG_RandomStreams(1).uniform(size)


@pytest.mark.parametrize("size", [(0, 100), (-1, 100), (1, 0)])
def test_lengths_must_be_positive(size: Any) -> None:
    r = MRG_RandomStreams(234)
    for draw in (r.uniform, r.binomial, r.normal, r.truncated_normal):
        with pytest.raises(ValueError, match="value <= 0"):
            draw(size)
    with pytest.raises(ValueError, match="does not use it"):
        r.multinomial(size, 1, [])


def test_errors_tell_what_to_do() -> None:
    r = MRG_RandomStreams(1)
    with pytest.raises(NotImplementedError, match="Increase the size"):
        r.uniform((1, 3), low=T.fmatrix())
    with pytest.raises(TypeError, match="unexpected keyword"):
        r.uniform((3,), lo=1)
    with pytest.raises(TypeError, match="draws floats"):
        r.uniform((3,), dtype="int32")
    with pytest.raises(NotImplementedError, match="positive int"):
        r.binomial((3,), n=T.lscalar())
    with pytest.raises(NotImplementedError, match="matrix of probabilities"):
        r.multinomial(pvals=[0.5, 0.5])
    with pytest.raises(NotImplementedError, match="replace=False"):
        r.choice(p=CHANCES)
    with pytest.raises(TypeError, match="no a"):
        r.choice(replace=False, a=3, p=CHANCES)
    with pytest.raises(ValueError, match="bigger than the size"):
        r.choice(size=8, replace=False, p=CHANCES).eval()
    with pytest.raises(ValueError, match="must have length 2"):
        rng_mrg.mrg_uniform.new(r.get_substream_rstates(2, "float32"), 2, "float32", (3,))
    size = T.lvector()
    f = st.function([size], r.uniform(size, ndim=2))
    with pytest.raises(ValueError, match="2\\*\\*31"):
        f([2**16, 2**16])


@pytest.mark.parametrize(
    "seed", [0, -1, 2147462579, (0, 0, 0, 1, 1, 1), (1, 1, 1, 0, 0, 0), (2147483647, 1, 1, 1, 1, 1)]
)
def test_seeds_out_of_range(seed: Any) -> None:
    with pytest.raises(ValueError, match="values of seed"):
        MRG_RandomStreams(seed)


@pytest.mark.parametrize("seed", [(1, 2, 3), 1.5, "abcdefg", None])
def test_what_is_no_seed(seed: Any) -> None:
    with pytest.raises(TypeError, match="1 integer or 6 integers"):
        MRG_RandomStreams(seed)


def test_dtypes() -> None:
    r = MRG_RandomStreams(1)
    with st.change_flags(floatX="float32"):
        assert r.uniform((2,)).dtype == r.normal((2,)).dtype == "float32"
        assert r.uniform((2,), low=np.float64(0.5)).dtype == "float64"
        assert r.uniform((2,), low=np.float64(0.5), dtype="float32").dtype == "float32"
    assert r.binomial((2,)).dtype == r.multinomial(pvals=CHANCES).dtype == "int64"
    assert r.normal((2,), dtype="float16").eval().dtype == np.float16
    half = r.uniform((200, 200), dtype="float16").eval()
    assert ((half > 0) & (half < 1)).all()


# -- states in functions -----------------------------------------------------------------------------------------------


def test_every_call_advances_and_a_draw_is_one_draw() -> None:
    u = MRG_RandomStreams(5).uniform((4,))
    f = st.function([], [u, u - u, u + 0])
    a, zeros, same = f()
    assert not zeros.any()
    np.testing.assert_array_equal(a, same)
    assert not np.array_equal(a, f()[0])


def test_streams_differ_and_are_not_merged() -> None:
    r = MRG_RandomStreams(5)
    a, b = st.function([], [r.uniform((9,)), r.uniform((9,))])()
    assert not (a == b).any()
    same = MRG_RandomStreams(5).uniform((9,))
    other = MRG_RandomStreams(5).uniform((9,))
    one, two = st.function([], [same, other])()  # two states of equal values
    np.testing.assert_array_equal(one, two)


def test_updates_by_hand() -> None:
    u = MRG_RandomStreams(5).uniform((4,), nstreams=2)
    state, new_state = state_of(u)
    frozen = st.function([], u, no_default_updates=True)
    np.testing.assert_array_equal(frozen(), frozen())
    by_hand = st.function([], u, no_default_updates=True, updates=[(state, new_state)])
    first = by_hand()
    np.testing.assert_array_equal(first, MRG_RandomStreams(5).uniform((4,), nstreams=2).eval())
    assert not np.array_equal(first, by_hand())
    reset = st.function([], u, updates={state: np.asarray(state.get_value())})
    np.testing.assert_array_equal(reset(), reset())
    start = rng_mrg.MRG_RandomStreams(5).get_substream_rstates(2, "float64")
    given = st.function([], u, givens={state: st.shared(start)})
    np.testing.assert_array_equal(given(), first)


def state_of(u: Any) -> tuple[Any, Any]:
    """The state of a draw, and its new state."""
    state = next(v for v in graph_inputs([u]) if isinstance(v, st.SharedVariable))
    return state, state.default_update


def test_seeding_again() -> None:
    r = MRG_RandomStreams(234)
    f = st.function([], [r.uniform((2, 2)), r.uniform((3, 3), nstreams=2), r.normal((5,))])
    first = f()
    f()
    r.seed()
    for a, b in zip(first, f(), strict=True):
        np.testing.assert_array_equal(a, b)
    r.seed(99)
    other = f()
    assert not np.array_equal(first[0], other[0])
    s = MRG_RandomStreams(99)
    same = st.function([], [s.uniform((2, 2)), s.uniform((3, 3), nstreams=2), s.normal((5,))])()
    for a, b in zip(other, same, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(r.updates()) == 3
    assert r.updates() is not r.state_updates


def test_pickles_and_copies() -> None:
    r = MRG_RandomStreams(7)
    u = r.uniform((3,))
    f = st.function([], u)
    f()
    g, h = pickle.loads(pickle.dumps(f)), copy.deepcopy(f)
    expected = f()
    np.testing.assert_array_equal(g(), expected)
    np.testing.assert_array_equal(h(), expected)
    streams, draw = pickle.loads(pickle.dumps((r, u)))
    again = st.function([], draw)
    np.testing.assert_array_equal(again(), f())
    streams.seed()
    np.testing.assert_array_equal(again(), MRG_RandomStreams(7).uniform((3,)).eval())


def test_target_cpu() -> None:
    r = MRG_RandomStreams()
    draws = [r.uniform((3, 2), target="cpu"), r.normal((3, 2), target="cpu"), r.truncated_normal((3,), target="cpu")]
    draws += [r.binomial((3, 2), target="cpu"), r.multinomial(pvals=CHANCES, target="cpu")]
    assert all(isinstance(v, np.ndarray) for v in st.function([], draws)())
    with pytest.raises(TypeError):
        r.uniform((3,), target="dev0")


def test_gradients_are_undefined() -> None:
    r = MRG_RandomStreams(seed=1)
    x = T.dscalar("x")
    m = T.dmatrix("m")
    draws = [r.uniform((3,), low=x), r.uniform((3,), high=x), r.normal((3,), avg=x), r.normal((3,), std=x)]
    draws += [r.truncated_normal((3,), std=x), r.binomial((3,), p=x, dtype="float64")]
    for draw in draws:
        with pytest.raises(NullTypeGradError):
            st.grad(T.sum(draw), x)
    for draw in (r.multinomial(pvals=m, dtype="float64"), r.choice(replace=False, p=m, dtype="float64")):
        with pytest.raises(NullTypeGradError):
            st.grad(T.sum(draw), m)
    mask = r.binomial((3,), p=0.5, dtype="float64")
    grad, used = st.function([x], [st.grad(T.sum(mask * x), x), mask])(2.0)
    assert grad == used.sum()


# -- distributions -----------------------------------------------------------------------------------------------------


def test_distributions() -> None:
    """Kolmogorov and Smirnov's test, with fixed seeds: these are the numbers, not chance."""
    r = MRG_RandomStreams(2024)
    n = 20_000
    draws = [r.uniform((n,), low=-1.0, high=3.0), r.normal((n,), avg=2.0, std=0.5), r.truncated_normal((n,))]
    draws += [r.binomial((n,), n=12, p=0.3), r.normal((n,), truncate=True)]
    uniform, normal, cut, binomial, truncated = st.function([], draws)()
    assert stats.kstest(uniform, stats.uniform(-1, 4).cdf).pvalue > 0.01
    assert stats.kstest(normal, stats.norm(2, 0.5).cdf).pvalue > 0.01
    assert stats.kstest(truncated, stats.truncnorm(-2, 2).cdf).pvalue > 0.01
    assert abs(cut.mean()) < 0.03
    assert abs(cut.std() - 1) < 0.02
    counts = np.bincount(binomial, minlength=13)
    expected = stats.binom(12, 0.3).pmf(np.arange(13)) * n
    assert stats.chisquare(counts[:9], expected[:9] * counts[:9].sum() / expected[:9].sum()).pvalue > 0.01
    assert abs(np.corrcoef(uniform[:-1], uniform[1:])[0, 1]) < 0.02


def test_multinomial_frequencies() -> None:
    r = MRG_RandomStreams(11)
    p = np.array([[0.1, 0.2, 0.7], [0.0, 1.0, 0.0]])
    counts = r.multinomial(pvals=p, n=4000).eval()
    np.testing.assert_allclose(counts / 4000, p, atol=0.02)
    chosen = r.choice(size=3, replace=False, p=np.full((500, 3), 1 / 3)).eval()
    np.testing.assert_array_equal(np.sort(chosen, axis=1), np.tile([0, 1, 2], (500, 1)))
    firsts = np.bincount(chosen[:, 0], minlength=3) / 500
    np.testing.assert_allclose(firsts, 1 / 3, atol=0.07)
