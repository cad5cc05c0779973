"""Shared variables in functions: old values, in place, validate then commit, and no aliasing anywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T

MODES = ["FAST_RUN", "FAST_COMPILE", st.Mode(optimizer=None)]
modes = pytest.mark.parametrize("mode", MODES, ids=["fast run", "fast compile", "as written"])


def vector(name: str, *values: float) -> Any:
    return st.shared(np.array(values, float), name)


def values(*shared: Any) -> list[Any]:
    return [s.get_value().tolist() for s in shared]


# -- old values ------------------------------------------------------------------------------------------------------


@modes
def test_updates_see_old_values(mode: Any) -> None:
    a, b = vector("a", 1, 2), vector("b", 10, 20)
    f = st.function([], [a, b, a + b], updates=[(a, b), (b, a)], mode=mode)
    assert [v.tolist() for v in f()] == [[1, 2], [10, 20], [11, 22]]
    assert values(a, b) == [[10, 20], [1, 2]]


@modes
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 0, 2]])
def test_chains_and_cycles(mode: Any, order: list[int]) -> None:
    s = [vector(f"s{k}", k + 1.0) for k in range(3)]
    news = [s[1] * 10, s[2] + s[0], s[0] - s[2]]
    st.function([], [], updates=[(s[k], news[k]) for k in order], mode=mode)()
    assert values(*s) == [[20], [4], [-2]]


@modes
def test_a_rotation_of_three(mode: Any) -> None:
    s = [vector(f"s{k}", k) for k in range(3)]
    f = st.function([], [], updates=[(s[0], s[1] + 0.5), (s[1], s[2] + 0.5), (s[2], s[0] + 0.5)], mode=mode)
    f()
    assert values(*s) == [[1.5], [2.5], [0.5]]


@modes
def test_the_new_value_is_used_by_another_update_and_returned(mode: Any) -> None:
    w, m = vector("w", 1, 2), vector("m", 0, 0)
    new_m = 0.9 * m + w
    f = st.function([], [new_m, w], updates=[(m, new_m), (w, w - 0.1 * new_m)], mode=mode)
    got = f()
    assert [v.tolist() for v in got] == [[1, 2], [1, 2]]
    np.testing.assert_allclose(values(w, m), [[0.9, 1.8], [1, 2]])
    got[0][:] = 99
    assert values(m) == [[1, 2]]


@modes
def test_an_output_on_the_way_to_an_update_keeps_its_value(mode: Any) -> None:
    s = vector("s", 2.0)
    y = T.sqr(s)
    assert [v.tolist() for v in st.function([], [y, y], updates=[(s, T.tanh(y))], mode=mode)()] == [[4], [4]]
    np.testing.assert_allclose(values(s), [[np.tanh(4)]])


@modes
def test_an_update_reads_its_own_transpose(mode: Any) -> None:
    start = np.arange(9.0).reshape(3, 3)
    s = st.shared(start, "s")
    st.function([], [], updates=[(s, T.tanh(s * 0.1) - s.T)], mode=mode)()
    np.testing.assert_allclose(s.get_value(), np.tanh(start * 0.1) - start.T)


@modes
def test_a_step_towards_one_update_reads_another_old_value(mode: Any) -> None:
    a, b = vector("a", 1, 2), vector("b", 3, 4)
    st.function([], [], updates=[(b, b + 1), (a, T.tanh(a * b))], mode=mode)()
    np.testing.assert_allclose(values(a, b), [np.tanh([3.0, 8.0]).tolist(), [4, 5]])


@modes
def test_a_plain_copy_of_another_shared_variable(mode: Any) -> None:
    a, b = vector("a", 1), vector("b", 2)
    f = st.function([], [], updates=[(a, b), (b, b * 2)], mode=mode)
    f()
    f()
    assert values(a, b) == [[4], [8]]
    assert a.get_value(borrow=True) is not b.get_value(borrow=True)


def test_updates_as_dict_pairs_or_numbers() -> None:
    for form in (dict, list, tuple):
        a, b = st.shared(1.0), st.shared(np.float32(1))
        st.function([], [], updates=form([(a, 1.5), (b, 2)]))()
        assert (float(a.get_value()), float(b.get_value()), b.get_value().dtype) == (1.5, 2.0, "float32")


@modes
def test_updates_may_change_the_shape(mode: Any) -> None:
    s, x = vector("s", 1), T.dvector("x")
    f = st.function([x], s.shape[0], updates=[(s, T.concatenate([s, x]))], mode=mode)
    assert [int(f([2.0, 3.0])) for _ in range(3)] == [1, 3, 5]
    assert values(s) == [[1, 2, 3, 2, 3, 2, 3]]


def test_unchanged_shared_variables_keep_their_array() -> None:
    s = vector("s", 1)
    array = s.get_value(borrow=True)
    st.function([], [], updates=[(s, s)])()
    assert values(s) == [[1]]
    assert array.tolist() == [1]


# -- default updates -------------------------------------------------------------------------------------------------


def counter() -> Any:
    s = st.shared(0, "counter")
    s.default_update = s + 1
    return s


def test_default_update() -> None:
    s = counter()
    f = st.function([], s * 10)
    assert [int(f()) for _ in range(3)] == [0, 10, 20]
    g = st.function([], s * 10, no_default_updates=True)
    assert [int(g()) for _ in range(2)] == [30, 30]
    h = st.function([], s * 10, no_default_updates=[s])
    assert [int(h()) for _ in range(2)] == [30, 30]
    st.function([], s * 10, updates=[(s, s + 5)])()
    assert int(s.get_value()) == 8
    x = T.dscalar("x")
    st.function([x], x)(1.0)
    assert int(s.get_value()) == 8


def test_default_updates_of_default_updates() -> None:
    s, t = counter(), st.shared(0, "t")
    t.default_update = t + s
    f = st.function([], t)
    assert [int(f()) for _ in range(4)] == [0, 0, 1, 3]
    assert int(s.get_value()) == 4


def test_a_default_update_of_an_updated_variable_counts_where_its_new_value_is_read() -> None:
    s, w = counter(), st.shared(0, "w")
    st.function([], [], updates=[(w, w + s)])()
    assert int(s.get_value()) == 1


def test_a_given_in_place_of_a_shared_variable_switches_its_default_update_off() -> None:
    s = counter()
    assert int(st.function([], s * 2, givens={s: T.constant(np.int64(7))})()) == 14
    assert int(s.get_value()) == 0


# -- in place --------------------------------------------------------------------------------------------------------


def stays(shared: list[Any], updates: list[Any], inputs: Any = (), arguments: Any = ()) -> None:
    """The updates are computed in the arrays that are there."""
    f = st.function(list(inputs), [], updates=updates)
    before = [s.get_value(borrow=True) for s in shared]
    old = [b.copy() for b in before]
    f(*arguments)
    for s, b, o in zip(shared, before, old):
        assert s.get_value(borrow=True) is b, str(f.program)
        assert not np.array_equal(b, o)


def test_gradient_descent_happens_in_place() -> None:
    w, g = st.shared(np.ones((3, 2)), "w"), T.dmatrix("g")
    stays([w], [(w, w - 0.1 * g)], [g], [np.ones((3, 2))])
    x = T.dmatrix("x")
    cost = T.sum(T.tanh(T.dot(x, w)) ** 2)
    stays([w], [(w, w - 0.1 * st.grad(cost, w))], [x], [np.ones((5, 3))])


def test_momentum_happens_in_place() -> None:
    w, v, x = st.shared(np.ones((3, 2)), "w"), st.shared(np.zeros((3, 2)), "v"), T.dmatrix("x")
    g = st.grad(T.sum(T.tanh(T.dot(x, w)) ** 2), w)
    new_v = 0.9 * v - 0.1 * g
    stays([w, v], [(v, new_v), (w, w + new_v)], [x], [np.ones((5, 3))])


def test_adam_happens_in_place() -> None:
    w, m, s = (st.shared(np.full((3, 2), k), n) for k, n in ((1.0, "w"), (0.0, "m"), (0.0, "s")))
    t, x = st.shared(0.0, "t"), T.dmatrix("x")
    g = st.grad(T.sum(T.tanh(T.dot(x, w)) ** 2), w)
    new_m, new_s, new_t = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2, t + 1
    step = 0.01 * T.sqrt(1 - 0.999**new_t) / (1 - 0.9**new_t) * new_m / (T.sqrt(new_s) + 1e-8)
    stays([w, m, s, t], [(m, new_m), (s, new_s), (t, new_t), (w, w - step)], [x], [np.ones((5, 3))])


def test_a_counter_of_no_dimensions_happens_in_place() -> None:
    for value in (0, 0.0, np.float32(0)):
        s = st.shared(value)
        stays([s], [(s, T.cast(s + 1, s.dtype))])
        assert s.get_value().shape == () and s.get_value() == 1


# -- aliases ---------------------------------------------------------------------------------------------------------


@modes
def test_two_shared_variables_may_hold_the_same_array(mode: Any) -> None:
    array = np.array([1.0, 2.0])
    a, b = st.shared(array, "a", borrow=True), st.shared(array, "b", borrow=True)
    assert a.get_value(borrow=True) is b.get_value(borrow=True)
    f = st.function([], [], updates=[(a, a + 1), (b, b * 10)], mode=mode)
    f()
    assert values(a, b) == [[2, 3], [10, 20]]
    f()
    assert values(a, b) == [[3, 4], [100, 200]]


@modes
def test_two_shared_variables_may_overlap(mode: Any) -> None:
    array = np.arange(4.0)
    a, b = st.shared(array[:3], "a", borrow=True), st.shared(array[1:], "b", borrow=True)
    st.function([], [], updates=[(a, a + b), (b, a * b)], mode=mode)()
    assert values(a, b) == [[1, 3, 5], [0, 2, 6]]


@modes
@pytest.mark.parametrize(
    "view",
    [lambda w: w, lambda w: w[::-1], lambda w: w.T, lambda w: w[:2]],
    ids=["itself", "reversed", "transposed", "part"],
)
def test_an_argument_may_be_the_shared_array(mode: Any, view: Callable[[Any], Any]) -> None:
    w, x = st.shared(np.arange(4.0).reshape(2, 2), "w"), T.dmatrix("x")
    f = st.function(
        [x],
        T.sum(x),
        updates=[
            (w, w - x),
        ],
        mode=mode,
    )
    array = w.get_value(borrow=True)
    old, given = array.copy(), view(array).copy()
    assert float(f(view(array))) == given.sum()
    np.testing.assert_array_equal(w.get_value(), old - given)
    assert w.get_value(borrow=True) is array


@modes
def test_a_read_only_array_is_replaced_not_written(mode: Any) -> None:
    array = np.ones(3)
    array.flags.writeable = False
    s = st.shared(array, "s", borrow=True)
    st.function([], [], updates=[(s, s + 1)], mode=mode)()
    assert array.tolist() == [1, 1, 1] and values(s) == [[2, 2, 2]]
    t = st.shared(np.broadcast_to(1.0, (3,)), "t", borrow=True)
    st.function([], [], updates=[(t, t + np.arange(3.0))], mode=mode)()
    assert values(t) == [[1, 2, 3]]


@modes
def test_clones_share_a_container(mode: Any) -> None:
    a = vector("a", 1.0)
    b = a.clone()
    f = st.function([], b * 1, updates=[(a, a + b)], mode=mode)
    assert f().tolist() == [1] and values(a, b) == [[2], [2]]


@modes
def test_results_share_memory_with_nothing(mode: Any) -> None:
    s, x = vector("s", 1, 2, 3), T.dvector("x")
    outs = [s, x, s[1:], x[::-1], s, x.reshape((1, 3)), T.constant(np.ones(3)), x * 2, (x * 2)[:2]]
    outs.append(s.dimshuffle("x", 0))
    f = st.function([x], outs, updates=[(s, s[::-1])], mode=mode)
    argument = np.array([4.0, 5.0, 6.0])
    got = f(argument)
    for k, one in enumerate(got):
        others = [*got[:k], argument, s.get_value(borrow=True)]
        assert not any(np.may_share_memory(one, other) for other in others), k
        one[...] = -1
    assert argument.tolist() == [4, 5, 6] and values(s) == [[3, 2, 1]]
    assert f(argument)[6].tolist() == [1, 1, 1]


def test_borrowed_outputs_may_share_memory() -> None:
    x = T.dvector("x")
    argument = np.ones(3)
    assert np.may_share_memory(st.function([st.In(x, borrow=True)], st.Out(x, borrow=True))(argument), argument)


def test_an_update_takes_no_argument_for_itself() -> None:
    s, x = vector("s", 1, 2), T.dvector("x")
    f = st.function([x], [], updates=[(s, x)])
    argument = np.array([5.0, 6.0])
    f(argument)
    argument[:] = 0
    assert values(s) == [[5, 6]]


def test_get_and_set_value_copy_unless_borrowed() -> None:
    array = np.ones(3)
    s = st.shared(array, "s")
    array[:] = 5
    s.get_value()[:] = 6
    assert values(s) == [[1, 1, 1]]
    s.set_value(array)
    array[:] = 7
    assert values(s) == [[5, 5, 5]]
    s.set_value(array, borrow=True)
    array[:] = 8
    assert values(s) == [[8, 8, 8]]
    s.get_value(borrow=True)[:] = 9
    assert array.tolist() == [9, 9, 9]
    assert type(st.shared(1.0).get_value()) is np.ndarray


# -- inputs with state -----------------------------------------------------------------------------------------------


def test_an_input_with_an_update_has_state() -> None:
    x, n = T.dscalar("x"), T.dscalar("n")
    f = st.function([x, st.In(n, value=0.0, update=n + x)], n)
    assert [float(f(2.0)) for _ in range(3)] == [0, 2, 4]
    assert float(f[n]) == float(f["n"]) == float(f.value[n]) == float(f.container[n].value) == 6
    f[n] = 100
    assert float(f(1.0)) == 100 and float(f(1.0, 7.0)) == 7 and float(f[n]) == 8
    assert n in f and "n" in f and x in f and f[x] is None


def test_state_takes_no_argument_for_itself_and_is_not_destroyed() -> None:
    x, n = T.dvector("x"), T.dvector("n")
    f = st.function([x, st.In(n, value=np.zeros(2), update=x)], n * 1)
    argument = np.ones(2)
    f(argument)
    argument[:] = 5
    assert f[n].tolist() == [1, 1]
    explicit = np.array([3.0, 4.0])
    f(argument, explicit)
    assert explicit.tolist() == [3, 4]


def test_state_without_a_value_must_be_given_once() -> None:
    n = T.dscalar("n")
    f = st.function([st.In(n, update=n + 1)], n)
    with pytest.raises(TypeError, match="Missing required input: n"):
        f()
    assert [float(v) for v in (f(5.0), f(), f())] == [5, 6, 7]


def test_state_survives_a_call_that_raises() -> None:
    x, n = T.dvector("x"), T.dvector("n")
    f = st.function([x, st.In(n, value=np.ones(2), update=T.exp(n) + x)], n.sum())
    with pytest.raises(ValueError):
        f(np.ones(3))
    assert f[n].tolist() == [1, 1]


def test_mutable_inputs_may_be_destroyed_others_never() -> None:
    x = T.dvector("x")
    y = T.exp(x)
    argument = np.ones(3)
    np.testing.assert_allclose(st.function([st.In(x, mutable=True)], y)(argument), np.e)
    kept = np.ones(3)
    np.testing.assert_allclose(st.function([x], y)(kept), np.e)
    assert kept.tolist() == [1, 1, 1]


def test_mutable_arguments_that_are_the_same_array_or_read_only() -> None:
    x, y = T.dvectors("x", "y")
    f = st.function([st.In(x, mutable=True), st.In(y, mutable=True)], [T.exp(x), T.tanh(y) + x])
    one = np.ones(3)
    a, b = f(one, one)
    np.testing.assert_allclose([a, b], [np.full(3, np.e), np.full(3, np.tanh(1) + 1)])
    fixed = np.ones(3)
    fixed.flags.writeable = False
    np.testing.assert_allclose(f(fixed, np.zeros(3))[0], np.e)
    assert fixed.tolist() == [1, 1, 1]


# -- givens ----------------------------------------------------------------------------------------------------------


def test_givens() -> None:
    x, y, z = T.dscalars("x", "y", "z")
    data, k = st.shared(np.arange(10.0), "data"), T.lscalar("k")
    v = T.dvector("v")
    batch = st.function([k], T.sum(v), givens={v: data[k * 2 : (k + 1) * 2]})
    assert [float(batch(n)) for n in range(3)] == [1, 5, 9]
    assert float(st.function([y], x + y, givens=[(x, y * 10)])(2)) == 22
    assert float(st.function([], x + y, givens={x: 3.0, y: np.array(4.0)})()) == 7
    middle = x * y
    assert float(st.function([z], middle + 1, givens={middle: z})(5)) == 6
    assert float(st.function([y], data[0] + y, givens={data: T.constant(np.array([7.0]))})(1)) == 8
    assert float(st.function([x, y], x - y, givens={z: x})(1, 2)) == -1


def test_givens_are_replaced_all_at_once() -> None:
    a, b = st.shared(1.0, "a"), st.shared(2.0, "b")
    assert float(st.function([], a - 10 * b, givens={a: b, b: a})()) == -8


def test_givens_reach_updates() -> None:
    x, s = T.dscalar("x"), st.shared(0.0, "s")
    st.function([], [], updates=[(s, s + x)], givens={x: 5.0})()
    assert float(s.get_value()) == 5


def test_givens_of_another_type() -> None:
    x, y = T.fvector("x"), T.dvector("y")
    with pytest.raises(TypeError):
        st.function([y], x * 2, givens={x: y})
    assert st.function([y], x * 2, givens={x: y}, rebuild_strict=False)([1.0]).dtype == "float64"
    r, m = T.drow("r"), T.dmatrix("m")
    assert st.function([r], m + 1, givens={m: r})([[1.0, 2.0]]).tolist() == [[2, 3]]


# -- validate, then commit -------------------------------------------------------------------------------------------


class Inverse(st.Op):
    __props__ = ()
    itypes, otypes = [T.dmatrix], [T.dmatrix]

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = np.linalg.inv(inputs[0])


class Late(st.Op):
    """Raises when its input is negative."""

    __props__ = ()
    itypes, otypes = [T.dscalar], [T.dscalar]

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        if inputs[0] < 0:
            raise RuntimeError("negative")
        output_storage[0][0] = np.asarray(inputs[0] * 2)


def failing() -> list[tuple[str, Any]]:
    """Functions of several updates, each with arguments on which a late step fails."""
    cases = []

    def case(name: str, build: Callable[[list[Any], Any], tuple[list[Any], Any]], bad: Any) -> None:
        cases.append((name, (build, bad)))

    x = T.dmatrix("x")
    case("shape", lambda s, x: ([(s[0], s[0] + 1), (s[1], s[1] * 2), (s[2], s[2] - x)], []), np.ones((3, 3)))
    case("shape of an output", lambda s, x: ([(s[0], s[0] + 1), (s[1], s[1] - 1)], T.sum(s[2] + x)), np.ones((3, 3)))
    case("dot", lambda s, x: ([(s[0], s[0] + 1), (s[1], T.dot(x, s[1]))], []), np.ones((2, 3)))
    case("index", lambda s, x: ([(s[0], s[0] * 3), (s[1], s[1] + x[2, 2])], []), np.ones((2, 2)))
    case("singular", lambda s, x: ([(s[0], s[0] + 1), (s[1], Inverse()(x)), (s[2], s[2] * s[0])], []), np.zeros((2, 2)))
    case("own op", lambda s, x: ([(s[0], s[0] * 0.5), (s[1], s[1] - Late()(x[0, 0]))], s[0]), -np.ones((2, 2)))
    del x
    return cases


@modes
@pytest.mark.parametrize(("build", "bad"), [c for _, c in failing()], ids=[n for n, _ in failing()])
def test_a_call_that_raises_changes_nothing(mode: Any, build: Any, bad: Any) -> None:
    s = [st.shared(np.arange(4.0).reshape(2, 2) + k, f"s{k}") for k in range(3)]
    x = T.dmatrix("x")
    updates, outputs = build(s, x)
    f = st.function([x], outputs, updates=updates, mode=mode)
    arrays = [v.get_value(borrow=True) for v in s]
    before = [a.tobytes() for a in arrays]
    with pytest.raises((ValueError, IndexError, np.linalg.LinAlgError, RuntimeError)):
        f(bad)
    assert all(v.get_value(borrow=True) is a for v, a in zip(s, arrays))
    assert [a.tobytes() for a in arrays] == before


# -- authors' ops and memory -----------------------------------------------------------------------------------------


class Same(st.Op):
    """Gives its input itself, without saying so in a view_map."""

    __props__ = ()
    itypes, otypes = [T.dvector], [T.dvector]

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = inputs[0]


class Part(Same):
    view_map = {0: [0]}

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = inputs[0][1:]


class AddOne(Same):
    destroy_map = {0: [0]}

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        inputs[0] += 1
        output_storage[0][0] = inputs[0]


@modes
@pytest.mark.parametrize(
    ("op", "meaning"),
    [(Same(), lambda v: v), (Part(), lambda v: v[1:]), (AddOne(), lambda v: v + 1)],
    ids=["same", "part", "add one"],
)
def test_ops_that_alias(mode: Any, op: Any, meaning: Any) -> None:
    s, t, x = vector("s", 1, 2, 3), vector("t", 0, 0, 0), T.dvector("x")
    y = op(s)
    z = op(x * 2)
    f = st.function([x], [op(x), y, z, z * 1], updates=[(s, s + 1), (t, T.join(0, [0.0], y)[:3])], mode=mode)
    argument, old = np.array([4.0, 5.0, 6.0]), s.get_value()
    got = f(argument)
    for g, w in zip(got, [meaning(argument), meaning(old), meaning(argument * 2), meaning(argument * 2)], strict=True):
        np.testing.assert_array_equal(g, w)
    np.testing.assert_array_equal(argument, [4, 5, 6])
    np.testing.assert_array_equal(s.get_value(), old + 1)
    np.testing.assert_array_equal(t.get_value(), np.concatenate([[0.0], meaning(old)])[:3])
    for k, one in enumerate(got):
        assert not any(np.may_share_memory(one, o) for o in [*got[:k], argument, s.get_value(borrow=True)])
