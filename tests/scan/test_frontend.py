"""What scan promises apart from values: what fn is called with, what it may return, and what comes back."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import symtheano as theano
import symtheano.tensor as T
from symtheano.errors import MissingInputError, ShapeMismatchError
from symtheano.graph.shared import SharedVariable
from symtheano.graph.variable import Constant
from symtheano.graph.walk import ancestors, toposort
from symtheano.scan.behind import Behind
from symtheano.scan.frontend import until
from symtheano.scan.op import Scan
from symtheano.tensor.index import Subtensor
from symtheano.tensor.join import Join
from symtheano.tensor.shared_randomstreams import RandomStreams


def scans(*variables: Any) -> list[Any]:
    return [node for node in toposort(variables) if isinstance(node.op, Scan)]


# -- what fn is called with ------------------------------------------------------------------------------------------


def test_arguments_in_theanos_order_with_theanos_names() -> None:
    x, z, s, m, w = T.dmatrix("x"), T.dvector("z"), T.dvector("s"), T.dmatrix("m"), T.dscalar("w")
    calls = []

    def step(*arguments: Any) -> Any:
        calls.append(arguments)
        return [arguments[4], arguments[0], arguments[5]]

    theano.scan(
        step,
        sequences=[{"input": x, "taps": [0, -2, 1]}, z],
        outputs_info=[s, None, {"initial": m, "taps": [-1, -3]}],
        non_sequences=[w, 3],
        n_steps=4,
    )
    (arguments,) = calls
    assert [a.name for a in arguments[:8]] == ["x[t]", "x[t-2]", "x[t+1]", "z[t]", "s[t-1]", "m[t-1]", "m[t-3]", "w"]
    kinds = [T.dvector] * 3 + [T.dscalar] + [T.dvector] * 3 + [T.dscalar]
    assert [a.type for a in arguments[:8]] == kinds
    assert isinstance(arguments[8], Constant) and arguments[8].data == 3


def test_what_has_no_name_gives_none() -> None:
    seen = []
    theano.scan(lambda *a: seen.extend(a) or a[1], np.zeros((3, 2)), T.zeros(2))
    assert [v.name for v in seen] == [None, None]


def test_elements_keep_what_types_know() -> None:
    seen = []
    x = T.TensorType("float32", (False, True, False))("x")
    theano.scan(lambda *a: seen.extend(a) or a[1], x, T.unbroadcast(T.zeros((1, 4)), 0))
    assert seen[0].type == T.TensorType("float32", (True, False))
    assert seen[1].type.shape == (None, 4)


def test_callers_dicts_are_left_alone() -> None:
    sequence, state = {"input": T.dvector("x"), "taps": -1}, {"initial": T.dscalar("s")}
    before = dict(sequence), dict(state)
    theano.scan(lambda x, s: s + x, sequence, [state])
    assert (sequence, state) == before


# -- what comes back -------------------------------------------------------------------------------------------------


def test_one_output_is_a_variable_several_are_a_list_none_is_none() -> None:
    x, a = T.dvector("x"), theano.shared(0.0, "a")
    for returns, expected in [
        (lambda e: e, T.TensorVariable),
        (lambda e: [e], T.TensorVariable),
        (lambda e: (e, e), list),
        (lambda e: {a: a + e}, type(None)),
        (lambda e: [], type(None)),
    ]:
        for n_steps in (None, 1):
            outputs, updates = theano.scan(returns, x, n_steps=n_steps)
            assert isinstance(outputs, expected)
            assert isinstance(updates, theano.OrderedUpdates)
    assert isinstance(theano.scan(lambda e: e, x, return_list=True)[0], list)
    assert isinstance(theano.scan(lambda e: e, x, return_list=True, n_steps=1)[0], list)


@pytest.mark.parametrize("n_steps", [None, 1, 4])
def test_results_have_a_time_axis_that_is_not_broadcastable(n_steps: int | None) -> None:
    x = T.dmatrix("x")
    outputs, _ = theano.scan(lambda e: e.sum(), x, n_steps=n_steps)
    assert outputs.type == T.dvector
    steps = 5 if n_steps is None else n_steps
    np.testing.assert_array_equal(outputs.eval({x: np.ones((5, 2))}), np.full(steps, 2.0))


def test_the_initial_state_is_not_among_the_results() -> None:
    outputs, _ = theano.scan(lambda s: s + 1, outputs_info=T.constant(np.float64(0)), n_steps=3)
    np.testing.assert_array_equal(outputs.eval(), [1, 2, 3])


def test_go_backwards_gives_results_in_the_order_of_the_steps() -> None:
    x = T.lvector("x")
    outputs, _ = theano.scan(lambda e: e, x, go_backwards=True)
    np.testing.assert_array_equal(outputs.eval({x: [1, 2, 3]}), [3, 2, 1])


def test_fewer_steps_than_elements() -> None:
    x, n = T.lvector("x"), T.lscalar("n")
    forwards, _ = theano.scan(lambda e: e, x, n_steps=n)
    backwards, _ = theano.scan(lambda e: e, x, n_steps=n, go_backwards=True)
    f = theano.function([x, n], [forwards, backwards])
    for steps, (a, b) in {0: ([], []), 1: ([1], [4]), 2: ([1, 2], [4, 3]), 4: ([1, 2, 3, 4], [4, 3, 2, 1])}.items():
        got = f([1, 2, 3, 4], steps)
        np.testing.assert_array_equal(got[0], a)
        np.testing.assert_array_equal(got[1], b)


@pytest.mark.parametrize("make", [int, np.int8, np.uint16, lambda n: np.asarray(n, "int32"), T.constant])
def test_kinds_of_n_steps(make: Any) -> None:
    outputs, _ = theano.scan(lambda s: s * 2, outputs_info=np.int64(1), n_steps=make(3))
    np.testing.assert_array_equal(outputs.eval(), [2, 4, 8])


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "uint32"])
def test_symbolic_n_steps_of_any_integer_dtype(dtype: str) -> None:
    n = T.scalar("n", dtype=dtype)
    outputs, _ = theano.scan(lambda s: s * 2, outputs_info=np.int64(1), n_steps=n)
    np.testing.assert_array_equal(outputs.eval({n: 3}), [2, 4, 8])


def test_zero_steps() -> None:
    x, s, n = T.dmatrix("x"), T.dvector("s"), T.lscalar("n")
    for steps in (0, n):
        (a, b), _ = theano.scan(lambda e, p: (p + e, T.outer(e, p)), x, [s, None], n_steps=steps)
        f = theano.function([x, s, n], [a, b], on_unused_input="ignore")
        got = f(np.ones((4, 2)), [1, 2], 0)
        assert got[0].shape == (0, 2) and got[1].shape == (0, 2, 2)
    f = theano.function([x, s, n], a[-1])
    with pytest.raises(IndexError):
        f(np.ones((4, 2)), [1, 2], 0)


def test_an_empty_sequence() -> None:
    x = T.dvector("x")
    total, _ = theano.scan(lambda e, s: s + e, x, np.float64(0))
    assert total.eval({x: []}).shape == (0,)


def test_the_name_shows() -> None:
    x = T.dvector("x")
    (node,) = scans(theano.scan(lambda e: e, x, name="walk")[0])
    assert str(node.op) == "for{cpu,walk}"
    (node,) = scans(theano.scan(lambda e: (e, until(e > 1)), x)[0])
    assert str(node.op) == "do_while{cpu,scan_fn}"


def test_ignored_arguments() -> None:
    x = T.dvector("x")
    plain, _ = theano.scan(lambda e: e + 1, x)
    other, _ = theano.scan(
        lambda e: e + 1, x, mode=theano.Mode(optimizer=None), profile=True, allow_gc=False, name="other"
    )
    assert plain.owner.op == other.owner.op


def test_by_position() -> None:
    """The order of arguments is Theano's."""
    x, s, w = T.dvector("x"), T.dscalar("s"), T.dscalar("w")
    outputs, updates = theano.scan(
        lambda e, p, w: p + w * e, x, s, w, 3, 2, True, None, "named", False, None, True, True
    )
    assert isinstance(outputs, list) and not updates
    (node,) = scans(*outputs)
    op = node.op
    assert op.truncate == op.truncate_gradient == 2 and op.name == "named"
    np.testing.assert_array_equal(outputs[0].eval({x: [1, 2, 3, 4], s: 0.0, w: 2.0}), [8, 14, 18])


# -- n_steps = 1 -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_steps", [1, np.int32(1), T.constant(1), T.ones((), "int64")])
def test_one_step_is_no_loop(n_steps: Any) -> None:
    x, s, m, a = T.dmatrix("x"), T.dvector("s"), T.dmatrix("m"), theano.shared(2.0, "a")
    seen = []

    def step(*arguments: Any) -> Any:
        seen.append(arguments)
        e, before, p, q = arguments
        return [p + e, q * before, e.sum()], {a: a + 1}

    infos = [s, {"initial": m, "taps": [-2]}, None]
    outputs, updates = theano.scan(step, {"input": x, "taps": [0, -1]}, infos, n_steps=n_steps)
    assert not scans(*outputs) and list(updates) == [a] and scans(updates[a]) == []
    assert seen[0][2] is s and len(seen) == 1
    f = theano.function([x, s, m], [*outputs, updates[a]])
    xs, ss, ms = np.arange(6.0).reshape(3, 2), np.array([10.0, 20.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
    got = f(xs, ss, ms)
    np.testing.assert_array_equal(got[0], [ss + xs[1]])
    np.testing.assert_array_equal(got[1], [ms[0] * xs[0]])
    np.testing.assert_array_equal(got[2], [xs[1].sum()])
    assert got[3] == 3


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("taps", [(0,), (-2, 1), (2,), (-1,), (1, 0)])
def test_one_step_is_that_of_a_loop(backwards: bool, taps: tuple[int, ...]) -> None:
    x, n = T.lvector("x"), T.lscalar("n")
    values = np.arange(10, 17)

    def run(n_steps: Any) -> Any:
        sequence = {"input": x, "taps": list(taps)}
        outputs, _ = theano.scan(
            lambda *e: list(e), sequence, n_steps=n_steps, go_backwards=backwards, return_list=True
        )
        return theano.function([x, n], outputs, on_unused_input="ignore")(values, 1)

    np.testing.assert_array_equal(run(1), run(n))


# -- what a step uses of the world outside ---------------------------------------------------------------------------


def test_invariants_are_captured_whole() -> None:
    x, W, b = T.dmatrix("x"), T.dmatrix("W"), theano.shared(np.ones(2), "b")
    M = np.ones((2, 2))

    def step(e: Any) -> Any:
        return T.dot(e, T.dot(W, M) + b) + 2.0 * e

    outputs, _ = theano.scan(step, x)
    (node,) = scans(outputs)
    consts, carry, xs = node.op.split(node.inputs[1:])
    assert len(consts) == 1 and not carry and xs == [x]
    assert set(ancestors(consts)) >= {W, b}
    assert [n.op for n in node.op.step.graph.nodes if isinstance(n.op, type(T.dot(W, W).owner.op))]
    assert all(c.type.ndim == 0 or c.data.size == 1 for c in node.op.step.graph.constants())
    np.testing.assert_allclose(outputs.eval({x: np.eye(2), W: np.eye(2)}), np.full((2, 2), 2.0) + 2 * np.eye(2))


def test_arrays_are_inputs_and_numbers_and_shapes_are_not() -> None:
    x, table = T.dmatrix("x"), np.arange(40.0)
    outputs, _ = theano.scan(lambda e: (e * 3 + table[:4]).reshape((2, 2)), x)
    (node,) = scans(outputs)
    consts, _, _ = node.op.split(node.inputs[1:])
    assert [c.eval().tolist() for c in consts] == [[0, 1, 2, 3]]
    assert len(node.op.step.graph.constants()) == 2
    assert outputs.type.shape == (None, 2, 2)
    np.testing.assert_array_equal(outputs.eval({x: np.ones((1, 4))})[0], [[3, 4], [5, 6]])


def test_an_output_that_depends_on_nothing_in_the_loop() -> None:
    x, w = T.dvector("x"), T.dscalar("w")
    (a, b, c), _ = theano.scan(lambda e: [w * 2, T.constant(np.arange(3)), T.constant(7)], x)
    got = theano.function([x, w], [a, b, c])([1, 2], 4.0)
    np.testing.assert_array_equal(got[0], [8, 8])
    np.testing.assert_array_equal(got[1], [[0, 1, 2]] * 2)
    np.testing.assert_array_equal(got[2], [7, 7])


def test_a_sequence_used_whole_in_the_step() -> None:
    x = T.dvector("x")
    outputs, _ = theano.scan(lambda e: e / x.sum(), x)
    np.testing.assert_allclose(outputs.eval({x: [1.0, 3.0]}), [0.25, 0.75])


def test_the_initial_state_used_in_the_step_is_the_initial_one() -> None:
    s = T.dscalar("s")
    outputs, _ = theano.scan(lambda p: p + s, outputs_info=s, n_steps=3)
    np.testing.assert_array_equal(outputs.eval({s: 2.0}), [4, 6, 8])


def test_one_graph_for_loops_of_the_same_structure() -> None:
    x, w = T.dvector("x"), T.dscalar("w")
    a, _ = theano.scan(lambda e: T.tanh(e * w), x, name="a")
    b, _ = theano.scan(lambda e: T.tanh(e * w), x, name="b")
    f = theano.function([x, w], [a, b])
    assert len(scans(*f.graph.outputs)) <= 1
    np.testing.assert_array_equal(*f([1, 2], 3.0))


def test_strict() -> None:
    x, w, v = T.dvector("x"), theano.shared(2.0, "w"), theano.shared(3.0, "v")
    outputs, _ = theano.scan(lambda e, w: e * w, x, non_sequences=w, strict=True)
    np.testing.assert_array_equal(outputs.eval({x: [1.0]}), [2.0])
    with pytest.raises(MissingInputError, match="ScanOp is missing an input: v"):
        theano.scan(lambda e, w: e * w * v, x, non_sequences=w, strict=True)
    with pytest.raises(MissingInputError, match="ScanOp is missing an input: v"):
        theano.scan(lambda e, w: e * w * (v + 1), x, non_sequences=w, strict=True)
    _, updates = theano.scan(lambda e, w: {v: v + e * w}, x, non_sequences=w, strict=True)  # v is updated
    assert list(updates) == [v]
    y = T.dscalar("y")  # strict is about shared variables
    theano.scan(lambda e: e * y, x, strict=True)


def test_non_sequences_of_all_kinds() -> None:
    x, s, m = T.dvector("x"), theano.shared(2.0), T.dscalar("m")
    outputs, _ = theano.scan(
        lambda e, a, b, c, d, g: e * a * b + c.sum() + d * g,
        x,
        non_sequences=[s, 3, np.ones(2), m + 1, T.constant(1.5)],
    )
    np.testing.assert_allclose(outputs.eval({x: [1.0, 2.0], m: 4.0}), [6 + 2 + 7.5, 12 + 2 + 7.5])


def test_givens_reach_into_the_step() -> None:
    x, y, w = T.dvector("x"), T.dscalar("y"), theano.shared(2.0, "w")
    outputs, _ = theano.scan(lambda e: e * w + y * theano.scan(lambda f: f * w, x)[0].sum(), x)
    plain = theano.function([x, y], outputs)
    other = theano.function([x], outputs, givens={w: np.float64(10), y: x[0]})
    np.testing.assert_array_equal(plain([1.0, 2.0], 3.0), [2 + 3 * 6, 4 + 3 * 6])
    np.testing.assert_array_equal(other([1.0, 2.0]), [10 + 30, 20 + 30])
    np.testing.assert_array_equal(theano.clone(outputs, {w: w + 1, x: x[::-1]}).eval({x: [1.0, 2.0], y: 0.0}), [6, 3])


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


# -- loops in loops --------------------------------------------------------------------------------------------------


def test_nested_loops() -> None:
    A, B = T.dmatrix("A"), T.dmatrix("B")

    def row(a: Any) -> Any:
        def element(b: Any) -> Any:
            return theano.scan(lambda p, q, s: s + p * q, [a, b], np.float64(0))[0][-1]

        return theano.scan(element, B.T)[0]

    product, updates = theano.scan(row, A)
    assert not updates
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
    np.testing.assert_allclose(product.eval({A: a, B: b}), a @ b)


def test_a_nested_loop_over_what_the_outer_one_carries() -> None:
    x = T.dmatrix("x")

    def outer(e: Any, s: Any) -> Any:
        inner, _ = theano.scan(lambda q, p: T.tanh(p + q * s.sum()), e, s.sum())
        return s * 0.5 + inner[-1]

    outputs, _ = theano.scan(outer, x, np.ones(2))
    values, s, expected = np.random.default_rng(1).normal(size=(4, 3)), np.ones(2), []
    for e in values:
        p = s.sum()
        for q in e:
            p = np.tanh(p + q * s.sum())
        s = s * 0.5 + p
        expected.append(s)
    np.testing.assert_allclose(outputs.eval({x: values}), expected)


def test_nested_loops_of_varying_lengths_and_updates() -> None:
    a, n = theano.shared(0, "a"), T.lscalar("n")

    def outer(k: Any) -> Any:
        _, updates = theano.scan(lambda: {a: a + 1}, n_steps=k)
        return updates[a], updates

    counts, updates = theano.scan(outer, T.arange(n))
    f = theano.function([n], counts, updates=updates)
    np.testing.assert_array_equal(f(5), [0, 1, 3, 6, 10])
    assert a.get_value() == 10


def test_lengths_of_nested_results_are_known_where_no_step_ran() -> None:
    x, w = T.dmatrix("x"), T.dmatrix("w")

    def outer(row: Any) -> Any:
        return theano.scan(lambda e: w.T * e, T.concatenate([row, row]))[0][:, 1:]

    values, _ = theano.scan(outer, x)
    f = theano.function([x, w], [values, values.shape])
    for steps in (0, 2):
        got, shape = f(np.ones((steps, 3)), np.ones((4, 5)))
        assert got.shape == tuple(shape) == (steps, 6, 4, 4)


def test_a_nested_loop_of_one_step() -> None:
    x = T.dmatrix("x")
    outputs, _ = theano.scan(lambda e: theano.scan(lambda q: q * 2, e, n_steps=1)[0], x)
    np.testing.assert_array_equal(outputs.eval({x: [[1.0, 2.0], [3.0, 4.0]]}), [[2], [6]])


# -- states ----------------------------------------------------------------------------------------------------------


def test_a_state_of_length_1_by_type_only() -> None:
    """GRUs of one unit, and batches of one: Theano refused them."""
    x, W = T.dtensor3("x"), T.dmatrix("W")
    outputs, _ = theano.scan(lambda e, s: T.tanh(T.dot(s, W) + e), x, T.zeros((2, 1)))
    assert outputs.type == T.dtensor3
    xs, Ws = np.random.default_rng(2).normal(size=(3, 2, 1)), np.array([[0.7]])
    s, expected = np.zeros((2, 1)), []
    for e in xs:
        s = np.tanh(s @ Ws + e)
        expected.append(s)
    np.testing.assert_allclose(outputs.eval({x: xs, W: Ws}), expected)


def test_states_that_widen_together() -> None:
    """Each of two states takes the other's value: both are as wide as one of them must be."""
    x = T.dmatrix("x")
    (a, b), _ = theano.scan(lambda p, q: (q + 1, x * p), outputs_info=[T.zeros((1, 2)), T.ones((1, 2))], n_steps=2)
    got = theano.function([x], [a, b])(np.array([[2.0, 3.0]]))
    np.testing.assert_array_equal(got[0], [[[2, 2]], [[1, 1]]])
    np.testing.assert_array_equal(got[1], [[[0, 0]], [[4, 6]]])


def test_a_default_update_in_a_step_that_widens() -> None:
    """The new state of the stream, too, belongs to the step on the wider types."""
    streams, W = RandomStreams(7), T.dmatrix("W")
    outputs, updates = theano.scan(
        lambda s: T.dot(s, W) + streams.uniform(s.shape), outputs_info=T.zeros((1, 2)), n_steps=3
    )
    assert len(updates) == 1
    got = theano.function([W], outputs, updates=updates)(np.zeros((2, 2)))
    assert got.shape == (3, 1, 2) and len(np.unique(got)) == 6


def test_a_row_becomes_a_matrix() -> None:
    s, row = T.dmatrix("s"), T.drow("row")
    outputs, _ = theano.scan(lambda p: row * p.sum(), outputs_info=s, n_steps=2)
    assert outputs.type == T.dtensor3
    f = theano.function([s, row], outputs)
    np.testing.assert_array_equal(f([[1.0, 2.0]], [[1.0, 2.0]]), [[[3, 6]], [[9, 18]]])
    with pytest.raises(ShapeMismatchError):
        f([[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0]])


def test_the_op_has_theanos_names() -> None:
    x, s = T.dvector("x"), theano.shared(1.0)
    outputs, _ = theano.scan(
        lambda e, q, p: ([p + e, q * e], {s: s + 1}, until(p > 9)), [x, x[::-1]], [T.dscalar(), None]
    )
    (node,) = scans(*outputs)
    assert isinstance(node.op.info, dict)
    wanted = {"n_seqs": 2, "n_sit_sot": 2, "n_nit_sot": 1, "n_mit_mot": 0, "n_shared_outs": 0, "as_while": True}
    assert wanted.items() <= node.op.info.items()
    assert node.op.n_seqs == 2 and node.op.inputs and len(node.op.outputs) == 4
    assert not any(isinstance(v, SharedVariable) for v in ancestors(node.op.outputs))


@pytest.mark.parametrize("ends", [False, True])
def test_the_array_that_begins_with_the_initial_state(ends: bool) -> None:
    """As Blocks takes it: what the result is cut out of."""
    x, s, m = T.dvector("x"), T.dscalar("s"), T.dvector("m")

    def step(e: Any, p: Any, q: Any) -> Any:
        outputs = [p + e, q * e, e]
        return (outputs, until(p + e > 5)) if ends else outputs

    (a, b, c), _ = theano.scan(step, x, [s, {"initial": m, "taps": [-2]}, None])
    assert isinstance(a.owner.op, Subtensor) and isinstance(b.owner.op, Subtensor)
    assert isinstance(c.owner.op, Scan) != ends
    wholes = [a.owner.inputs[0], b.owner.inputs[0]]
    f = theano.function([x, s, m], [a, b, *wholes, a[-1]])
    got = f([1.0, 2.0, 3.0, 4.0], 0.5, [10.0, 20.0, 30.0])
    rows = 3 if ends else 4
    np.testing.assert_array_equal(got[0], [1.5, 3.5, 6.5, 10.5][:rows])
    np.testing.assert_array_equal(got[1], [10, 40, 30, 160][:rows])
    np.testing.assert_array_equal(got[2], [0.5, *got[0]])
    np.testing.assert_array_equal(got[3], [10, 20, *got[1]])
    assert got[4] == got[0][-1]
    g = theano.function([x, s, m], [a, b], on_unused_input="ignore")
    assert not [n for n in g.graph.nodes if isinstance(n.op, (Join, Behind))]  # nobody computes it who does not ask


def test_a_nested_loop_takes_no_more_from_outside_than_it_computes_with() -> None:
    """Its initial state is an input of the inner loop, and is not stacked on its results."""
    x, h = T.dmatrix("x"), T.dscalar("h")
    outputs, _ = theano.scan(lambda row: theano.scan(lambda e, p: p + e, row, h * 2)[0], x)
    (node,) = scans(outputs)
    consts, _, _ = node.op.split(node.inputs[1:])
    assert len(consts) == 1 and consts[0].type.ndim == 0
    assert not [n for n in node.op.step.graph.nodes if isinstance(n.op, (Join, Behind))]
    np.testing.assert_array_equal(outputs.eval({x: [[1.0, 2.0]], h: 3.0}), [[7, 9]])


def test_tags_are_found_in_the_graph_of_the_step() -> None:
    """Blocks walks `op.outputs` and looks for its annotations there."""
    x, w = T.dvector("x"), theano.shared(2.0, "w")
    w.tag.role = "weight"

    def step(e: Any) -> Any:
        product = e * w
        product.tag.role = "product"
        return product + 1

    (node,) = scans(theano.scan(step, x)[0])
    roles = {getattr(v.tag, "role", None): v for v in ancestors(node.op.outputs)}
    assert {"weight", "product"} <= set(roles)
    assert roles["weight"].name == "w_copy"
