"""What a step uses of the world outside, loops in loops, and what is carried from step to step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano as theano
import symtheano.tensor as T
from symtheano.errors import MissingInputError, ShapeMismatchError
from symtheano.graph.shared import SharedVariable
from symtheano.graph.walk import ancestors
from symtheano.scan.behind import Behind
from symtheano.scan.frontend import until
from symtheano.scan.op import Scan
from symtheano.tensor.index import Subtensor
from symtheano.tensor.join import Join
from symtheano.tensor.shared_randomstreams import RandomStreams
from tests.scan.loops import scans

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


def test_non_sequences_that_are_not_used_belong_to_the_expression() -> None:
    """So a function may have them as inputs, as in Theano."""
    x, y, w = T.dvector("x"), T.dmatrix("y"), T.dscalar("w")
    outputs, _ = theano.scan(lambda e, y, w: e * w, x, non_sequences=[y, w])
    f = theano.function([x, y, w], outputs)
    np.testing.assert_array_equal(f([1.0, 2.0], [[0.0]], 3.0), [3, 6])


def test_givens_reach_into_the_step() -> None:
    x, y, w = T.dvector("x"), T.dscalar("y"), theano.shared(2.0, "w")
    outputs, _ = theano.scan(lambda e: e * w + y * theano.scan(lambda f: f * w, x)[0].sum(), x)
    plain = theano.function([x, y], outputs)
    other = theano.function([x], outputs, givens={w: np.float64(10), y: x[0]})
    np.testing.assert_array_equal(plain([1.0, 2.0], 3.0), [2 + 3 * 6, 4 + 3 * 6])
    np.testing.assert_array_equal(other([1.0, 2.0]), [10 + 30, 20 + 30])
    np.testing.assert_array_equal(theano.clone(outputs, {w: w + 1, x: x[::-1]}).eval({x: [1.0, 2.0], y: 0.0}), [6, 3])


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
