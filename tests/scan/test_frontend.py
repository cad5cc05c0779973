"""What scan promises apart from values: what fn is called with, what it may return, and what comes back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano as theano
import symtheano.tensor as T
from symtheano.graph.variable import Constant
from symtheano.scan.frontend import until
from tests.scan.loops import scans

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
