"""raw_random: draws as functions of a random state are NumPy's; sizes, patterns, states, errors."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import NullTypeGradError, ShapeError
from symtheano.tensor import raw_random
from symtheano.tensor.random_state import RandomStateSharedVariable
from symtheano.tensor.raw_random import RandomFunction, random_state_type

PVALS = [[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]]


def drawn(function: Any, *args: Any, seed: int = 3, **kwargs: Any) -> Any:
    """One draw from a fresh state."""
    state = st.shared(np.random.RandomState(seed))
    return function(state, *args, **kwargs)[1].eval()


def numpy_state(seed: int = 3) -> Any:
    return np.random.RandomState(seed)


@pytest.mark.parametrize(
    ("name", "kwargs", "expected"),
    [
        ("uniform", {"size": (2, 3)}, lambda r: r.uniform(size=(2, 3))),
        ("uniform", {"size": (3,), "low": [1, 2, 3.0], "high": 4}, lambda r: r.uniform([1, 2, 3.0], 4, (3,))),
        ("uniform", {"low": [1.0, 2.0], "high": [[3.0], [4.0]]}, lambda r: r.uniform([1, 2], [[3], [4]])),
        ("uniform", {"size": (4, -1), "low": [1.0, 2.0]}, lambda r: r.uniform([1, 2], 1, (4, 2))),
        ("normal", {"size": (2, 1), "avg": -5, "std": 2}, lambda r: r.normal(-5, 2, (2, 1))),
        ("binomial", {"size": (5,), "n": 9, "p": 0.2}, lambda r: r.binomial(9, 0.2, 5)),
        ("binomial", {"n": [1, 50, 900], "p": [0.1, 0.5, 0.9]}, lambda r: r.binomial([1, 50, 900], [0.1, 0.5, 0.9])),
        ("poisson", {"size": (2, 2), "lam": 3.5}, lambda r: r.poisson(3.5, (2, 2))),
        ("random_integers", {"size": (3, 4), "low": -2, "high": 9}, lambda r: r.randint(-2, 10, (3, 4))),
        ("random_integers", {"low": [0, 5], "high": 2**40}, lambda r: [r.randint(k, 2**40 + 1) for k in (0, 5)]),
        ("permutation", {"n": 6}, lambda r: r.permutation(6)),
        ("permutation", {"size": (2, 2), "n": 4}, lambda r: [[r.permutation(4) for _ in "ab"] for _ in "ab"]),
        ("choice", {"a": 7}, lambda r: r.choice(7)),
        (
            "choice",
            {"size": (4,), "a": [2, 4, 6, 8, 9], "replace": False},
            lambda r: r.choice([2, 4, 6, 8, 9], 4, False),
        ),
        ("choice", {"size": (9,), "a": 3, "p": PVALS[0]}, lambda r: r.choice(3, 9, True, PVALS[0])),
        ("multinomial", {"size": (4,), "n": 5, "pvals": PVALS[0]}, lambda r: r.multinomial(5, PVALS[0], 4)),
        ("multinomial", {"n": [5, 9], "pvals": PVALS}, lambda r: [r.multinomial(n, p) for n, p in zip([5, 9], PVALS)]),
    ],
)
def test_draws_are_numpys(name: str, kwargs: Any, expected: Any) -> None:
    value = drawn(getattr(raw_random, name), **kwargs)
    np.testing.assert_array_equal(value, expected(numpy_state()))
    assert value.dtype == ("float64" if name in ("uniform", "normal") else "int64")


def test_float32_probabilities_a_little_above_one() -> None:
    p = np.float32([0.333335, 0.333333, 0.333335])
    assert p.sum() > 1
    value = drawn(raw_random.multinomial, n=10, pvals=p)
    np.testing.assert_array_equal(value, numpy_state().multinomial(10, (p * 0.99995).astype("float64")))
    with pytest.raises(ValueError, match="sum to"):
        drawn(raw_random.multinomial, n=10, pvals=[0.6, 0.6, 0.1])
    with pytest.raises(ValueError, match="negative"):
        drawn(raw_random.multinomial, n=10, pvals=[-0.6, 0.6, 0.1])


def test_dtypes_and_patterns() -> None:
    state = random_state_type()
    with st.change_flags(floatX="float32"):
        assert raw_random.uniform(state, (2,))[1].dtype == "float32"
        assert raw_random.uniform(state, (2,), low=np.float64(1))[1].dtype == "float64"
    assert raw_random.binomial(state, (2,), dtype="int8")[1].dtype == "int8"
    assert drawn(raw_random.normal, (2,), dtype="floatX").dtype == st.config.floatX
    n, v = T.lscalar(), T.lvector()
    assert raw_random.uniform(state, (1, n, 3))[1].type.broadcastable == (True, False, False)
    assert raw_random.uniform(state, (1, n, 3))[1].type.shape == (1, None, 3)
    assert raw_random.uniform(state, v, ndim=2)[1].type.broadcastable == (False, False)
    assert raw_random.uniform(state, low=T.row(), high=2)[1].type.broadcastable == (True, False)
    assert raw_random.permutation(state, (1,), n=3)[1].type.broadcastable == (True, False)
    assert raw_random.multinomial(state, pvals=T.dmatrix())[1].ndim == 2
    assert raw_random.uniform(state, ())[1].ndim == 0


def test_symbolic_sizes() -> None:
    n, v, x = T.lscalar(), T.lvector(), T.dmatrix()
    state = st.shared(numpy_state())
    outs = [raw_random.uniform(state, s, ndim=2)[1] for s in ((n, 3), v, x.shape)]
    f = st.function([n, v, x], outs)
    assert [o.shape for o in f(2, [4, 5], np.ones((6, 0)))] == [(2, 3), (4, 5), (6, 0)]
    with pytest.raises(ValueError, match="Shape mismatch"):
        f(2, [4], np.ones((6, 0)))


def test_the_state_is_not_changed() -> None:
    state = random_state_type("state")
    new, out = raw_random.normal(state, (3,))
    for mode in ("FAST_COMPILE", "FAST_RUN"):
        f = st.function([state], [new, out], mode=mode)
        given = numpy_state()
        after, value = f(given)
        np.testing.assert_array_equal(value, numpy_state().normal(size=3))
        assert random_state_type.values_eq(given, numpy_state())
        again = numpy_state()
        again.normal(size=3)
        assert random_state_type.values_eq(after, again)
        np.testing.assert_array_equal(f(after)[1], again.normal(size=3))


def test_equal_draws_are_one() -> None:
    state = st.shared(numpy_state())
    a, b = raw_random.uniform(state, (3,))[1], raw_random.uniform(state, (3,))[1]
    f = st.function([], [a, b, a - b])
    assert sum(isinstance(node.op, RandomFunction) for node in f.graph.nodes) == 1
    assert not f()[2].any()


def test_in_place_leaves_the_callers_state() -> None:
    op = RandomFunction("uniform", T.dvector, inplace=True)
    assert op.destroy_map == {0: [0]}
    state = random_state_type()
    new, out = op(state, (2,), 0.0, 1.0)
    given = numpy_state()
    st.function([state], [new, out])(given)
    assert random_state_type.values_eq(given, numpy_state())


def test_random_function() -> None:
    op = RandomFunction("uniform", T.dvector)
    assert op == RandomFunction("uniform", T.dvector) == pickle.loads(pickle.dumps(op))
    assert op != RandomFunction("normal", T.dvector)
    assert str(op) == "RandomFunction{uniform}"
    assert str(RandomFunction(raw_random.choice_helper, T.lvector)) == "RandomFunction{choice_helper}"
    assert not op.do_constant_folding(op.make_node(random_state_type(), (2,)))
    node = op.make_node(random_state_type(), (T.lscalar(),))
    assert op.infer_shape(node, [])[0] is None
    with pytest.raises(ShapeError):
        op.infer_shape(op.make_node(random_state_type(), ()), [])
    with pytest.raises(TypeError, match="random state"):
        op.make_node(T.dvector(), (2,))
    with pytest.raises(ValueError, match="Shape mismatch"):
        op(st.shared(numpy_state()), (2, 3))[1].eval()
    x = T.dscalar()
    with pytest.raises(NullTypeGradError, match="undefined"):
        st.grad(T.sum(raw_random.normal(st.shared(numpy_state()), (3,), avg=x)[1]), x)


def test_wrong_sizes() -> None:
    state = random_state_type()
    with pytest.raises(ValueError, match="ndim should be equal"):
        raw_random.uniform(state, (4,), ndim=2)
    with pytest.raises(ValueError, match="negative"):
        raw_random.uniform(state, (4, -2))
    with pytest.raises(ValueError, match="-1 must overlap"):
        raw_random.uniform(state, (-1,))
    with pytest.raises(ValueError, match="at least as big"):
        raw_random.uniform(state, (4,), low=T.dmatrix())
    with pytest.raises(TypeError, match="vector or list"):
        raw_random.uniform(state, 4)
    with pytest.raises(TypeError, match="vector or list"):
        raw_random.uniform(state, T.dvector())
    with pytest.raises(TypeError, match="cannot be inferred"):
        raw_random.poisson(state)
    with pytest.raises(TypeError, match="one permutation"):
        raw_random.permutation(state, ndim=2)
    with pytest.raises(ValueError, match="do not fit size"):
        drawn(raw_random.random_integers, size=T.as_tensor_variable([3]), high=[1, 2])
    with pytest.warns(DeprecationWarning, match="called p"):
        raw_random.binomial(state, (2,), prob=0.3)


def test_random_state_type() -> None:
    kind = random_state_type
    assert kind == raw_random.RandomStateType()
    assert kind.is_valid_value(numpy_state())
    with pytest.raises(TypeError, match="RandomState"):
        kind.filter(3)
    a, b = numpy_state(), numpy_state()
    assert kind.values_eq(a, b)
    a.normal()
    assert not kind.values_eq(a, b)
    b.normal()
    assert kind.values_eq(a, b)
    assert kind.values_eq(a, copy.deepcopy(a))
    assert kind.may_share_memory(a, a)
    assert not kind.may_share_memory(a, b)
    assert str(kind) == "RandomStateType"


def test_shared_states() -> None:
    value = numpy_state()
    copied, kept = st.shared(value, "s"), st.shared(value, borrow=True)
    assert type(copied) is RandomStateSharedVariable
    assert copied.get_value(borrow=True) is not value
    assert kept.get_value(borrow=True) is value
    assert kept.get_value() is not value
    value.uniform()
    assert random_state_type.values_eq(copied.get_value(), numpy_state())
    back = pickle.loads(pickle.dumps(copied))
    assert random_state_type.values_eq(back.get_value(), numpy_state())


def test_permute_row_elements() -> None:
    x, y = T.dmatrix(), T.lmatrix()
    values, order = np.arange(6.0).reshape(2, 3), np.array([[2, 0, 1], [0, 2, 1]])
    out = T.permute_row_elements(x, y)
    np.testing.assert_array_equal(out.eval({x: values, y: order}), np.take_along_axis(values, order, 1))
    back = T.permute_row_elements(out, y, inverse=True)
    np.testing.assert_array_equal(back.eval({x: values, y: order}), values)
    many = T.permute_row_elements(values[0], order).eval()
    np.testing.assert_array_equal(many, values[0][order])
    np.testing.assert_array_equal(T.inverse_permutation(order).eval(), np.argsort(order))
    with pytest.raises(TypeError, match="permutations of integers"):
        T.permute_row_elements(x, x)
