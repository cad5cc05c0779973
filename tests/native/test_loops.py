"""Loops in machine code: the whole loop is one region, and gives what the interpreter gives."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import ShapeMismatchError
from symtheano.graph.interpret import evaluate
from tests.native.loops import compare, compiled, direct, numbers, same, scan

LENGTHS = (0, 1, 2, 5)


def rnn() -> tuple[Any, list[Any], list[Any]]:
    """A vanilla RNN that also gives what is no state: the op, the inputs of its loop, all outputs."""
    w, h, x = T.fmatrix("w"), T.fmatrix("h"), T.fmatrix("x")
    new = T.tanh(T.dot(h, w) + x)
    op = scan([w], [h], [x], [new, (new * x).sum(axis=1)])
    inputs = [T.fmatrix("W"), T.fmatrix("h0"), T.ftensor3("X")]
    return op, inputs, list(op(inputs[2].shape[0], *inputs))


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(("batch", "hidden"), [(2, 3), (1, 1), (0, 3), (7, 19), (33, 40)])
def test_a_network(n: int, batch: int, hidden: int) -> None:
    op, inputs, outs = rnn()
    values = [numbers(hidden, hidden), numbers(batch, hidden), numbers(n, batch, hidden)]
    compare(inputs, [outs[op.last(0)], outs[op.after(0)], outs[op.after(1)]], values)


SUBSETS = [s for r in (1, 2, 5) for s in combinations(range(5), r)]


@pytest.mark.parametrize("read", SUBSETS, ids=str)
def test_any_outputs_may_be_read(read: tuple[int, ...]) -> None:
    _, inputs, outs = rnn()
    for n in (0, 1, 4):
        values = [numbers(5, 5), numbers(3, 5), numbers(n, 3, 5)]
        compare(inputs, [outs[k] for k in read], values)


@pytest.mark.parametrize("read", SUBSETS, ids=str)
def test_outputs_may_be_used_inside_the_function(read: tuple[int, ...]) -> None:
    _, inputs, outs = rnn()
    values = [numbers(5, 5), numbers(3, 5), numbers(4, 3, 5)]
    compare(inputs, [T.tanh(outs[k]).sum(axis=0) for k in read], values)


def test_a_step_without_python() -> None:
    op, inputs, outs = rnn()
    f = compiled(inputs, [outs[op.last(0)]])
    assert [g.kind for g in f.compiled.native.schedule.parts[0].groups] == ["loop"]
    assert "step" not in str(f.program)
    same(
        direct(f, [numbers(5, 5), numbers(3, 5), numbers(4, 3, 5)]),
        f(numbers(5, 5), numbers(3, 5), numbers(4, 3, 5)),
    )


# -- how what is given lies --------------------------------------------------------------------------------------------

VIEWS: dict[str, Any] = {
    "reversed": lambda x: x[::-1],
    "every second": lambda x: x[::2],
    "batch-major": lambda x: x.dimshuffle(1, 0, 2),
    "all axes moved": lambda x: x.dimshuffle(2, 1, 0),
    "reversed rows": lambda x: x[:, ::-1],
    "part of each row": lambda x: x[:, :, 1:],
    "computed": lambda x: T.tanh(x),
    "computed and reversed": lambda x: T.tanh(x)[::-1],
    "computed and moved": lambda x: T.tanh(x).dimshuffle(1, 0, 2)[::-1],
}


@pytest.mark.parametrize("view", VIEWS)
def test_sequences_are_views(view: str) -> None:
    h, x = T.fmatrix("h"), T.fmatrix("x")
    op = scan([], [h], [x], [T.tanh(h + x) * 2, T.dot(x.T, h), (x * h).reshape((-1,))])
    h0, seq = T.fmatrix(), T.ftensor3()
    rows = VIEWS[view](seq)
    outs = op(rows.shape[0], h0, rows)
    for shape in ((4, 3, 5), (1, 1, 2), (0, 3, 5), (3, 4, 2)):
        value = numbers(*shape)
        (seen,) = evaluate([rows], {seq: value})
        compare([h0, seq], outs[: op.after(2) + 1], [numbers(*seen.shape[1:]), value])


CONSTS: dict[str, Any] = {
    "as it is": lambda w: w,
    "transposed": lambda w: w.T,
    "a part": lambda w: w[1:6, ::-1][:, 1:6],
    "a row, repeated": lambda w: w[0].dimshuffle("x", 0),
    "a diagonal view": lambda w: w[:5, :5].T[::-1],
}


@pytest.mark.parametrize("view", CONSTS)
def test_consts_are_views(view: str) -> None:
    w, h = T.fmatrix("w"), T.fmatrix("h")
    W, h0 = T.fmatrix(), T.fmatrix()
    const = CONSTS[view](W)
    w = const.type("w")
    op = scan([w], [h], [], [T.tanh(h + w), T.dot(h, w.T), w.reshape((-1,))])
    outs = op(3, const, h0)
    (seen,) = evaluate([const], {W: numbers(7, 7)})
    compare([W, h0], outs, [numbers(7, 7), numbers(*seen.shape)])


FIRSTS: dict[str, Any] = {
    "transposed": lambda h: h.T,
    "reversed": lambda h: h[::-1],
    "zeros": lambda h: T.zeros_like(h),
    "computed": lambda h: h + 1,
    "a column repeated": lambda h: T.alloc(h[0], h.shape[0], h.shape[1]),
}


@pytest.mark.parametrize("view", FIRSTS)
def test_first_states_are_views(view: str) -> None:
    h, g = T.fmatrix("h"), T.fmatrix("g")
    op = scan([], [h, g], [], [T.tanh(h + g.T), g + h])
    h0, n = T.fmatrix(), T.iscalar()
    outs = op(n, FIRSTS[view](h0), FIRSTS[view](h0 * 2))
    for steps in (0, 1, 4):
        for read in (outs, outs[:2], outs[2:4], outs[4:], [outs[0], outs[3], outs[4]]):
            compare([h0, n], read, [numbers(4, 4), np.asarray(steps, "int32")])


# -- ends --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [-100.0, 0.5, 3.0, 7.0, 1000.0])
@pytest.mark.parametrize("n", LENGTHS)
def test_a_condition_ends_the_loop(limit: float, n: int) -> None:
    s, x, m = T.dscalar("s"), T.dvector("x"), T.dscalar("m")
    total = s + T.sqr(x).sum()
    op = scan([m], [s], [x], [total, x * total, T.gt(total, m)], until=True)
    bound, first, seq = T.dscalar(), T.dscalar(), T.dmatrix()
    outs = op(seq.shape[0], bound, first, seq)
    values = [np.asarray(limit), np.asarray(0.25), numbers(n, 3, dtype="float64") + 2]
    compare([bound, first, seq], outs, values)
    for k in range(len(outs)):
        compare([bound, first, seq], [outs[k], outs[op.steps]] if k != op.steps else [outs[k]], values)


def test_a_condition_of_numbers() -> None:
    """A loop with no arrays: the counter is computed in place."""
    i, k = T.lscalar("i"), T.lscalar("k")
    op = scan([k], [i], [], [i + 3, T.gt(i, k)], until=True)
    bound = T.lscalar()
    outs = op(1000, bound, np.int64(0))
    f = compiled([bound], [outs[op.last(0)], outs[op.steps]])
    assert [int(v) for v in f(20)] == [24, 8]  # 21 is the first above 20; the step that finds it adds once more
    compare([bound], [outs[op.last(0)], outs[op.steps]], [np.asarray(20)])


# -- states ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [2, 3, 5])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 8])
def test_windows(depth: int, n: int) -> None:
    """A state that is the one before it, a round later: its address is handed on."""
    cs = [T.fvector(f"c{k}") for k in range(depth)]
    x = T.fvector("x")
    new = T.tanh(cs[0] - 0.5 * cs[-1]) + x
    op = scan([], cs, [x], [*cs[1:], new])
    firsts, seq = [T.fvector() for _ in range(depth)], T.fmatrix()
    outs = op(seq.shape[0], *firsts, seq)
    values = [*(numbers(4, seed=k) for k in range(depth)), numbers(n, 4)]
    newest = depth - 1
    for read in (
        [outs[op.last(newest)]],
        [outs[op.after(newest)]],
        [outs[op.before(newest)]],
        [outs[op.after(newest)], outs[op.before(0)]],
        [outs[op.last(k)] for k in range(depth)],
        outs,
    ):
        compare([*firsts, seq], read, values)


def test_windows_move_addresses() -> None:
    a, b = T.fvector("a"), T.fvector("b")
    op = scan([], [a, b], [], [b, a + b])
    firsts = [T.fvector(), T.fvector()]
    f = compiled(firsts, [op(10, *firsts)[op.last(1)]])
    (loop,) = f.compiled.native.analysis.loops.values()
    assert list(loop.moved) == [0] and list(loop.places) == [1]
    np.testing.assert_array_equal(f(np.ones(3, "float32"), np.ones(3, "float32"))[0], np.full(3, 144.0))


def test_states_that_swap_and_stay() -> None:
    a, b, c, k = (T.fvector(v) for v in "abck")
    op = scan([k], [a, b, c], [], [b, a, c, a - b, k + c])
    inputs = [T.fvector() for _ in range(4)]
    n = T.lscalar()
    outs = op(n, *inputs)
    for steps in range(4):
        values = [*(numbers(3, seed=s) for s in range(4)), np.asarray(steps)]
        compare([*inputs, n], outs, values)
        compare([*inputs, n], [outs[k] for k in range(3)], values)


def test_a_state_that_becomes_a_const_or_an_element() -> None:
    a, b, k, x = (T.fmatrix(v) for v in "abkx")
    op = scan([k], [a, b], [x], [k, x, a + b])
    K, A, B = T.fmatrix(), T.fmatrix(), T.fmatrix()
    X = T.ftensor3()
    for const, seq in ((K, X), (K.T, X.dimshuffle(0, 2, 1)[::-1])):
        outs = op(X.shape[0], const, A, B, seq)
        for n in (0, 1, 3):
            values = [numbers(3, 3, seed=s) for s in range(3)] + [numbers(n, 3, 3)]
            compare([K, A, B, X], outs, values)
            compare([K, A, B, X], [outs[op.last(0)], outs[op.last(1)], outs[op.last(2)]], values)


def test_accumulators_are_computed_in_place() -> None:
    g, h, x = T.fmatrix("g"), T.fmatrix("h"), T.fmatrix("x")
    op = scan([], [g, h], [x], [g + T.dot(h.T, x), T.tanh(h + x)])
    g0, h0, X = T.fmatrix(), T.fmatrix(), T.ftensor3()
    outs = op(X.shape[0], g0, h0, X)
    f = compiled([g0, h0, X], [outs[op.last(0)]])
    (loop,) = f.compiled.native.analysis.loops.values()
    assert loop.in_place == {0, 1}
    for n in LENGTHS:
        compare([g0, h0, X], [outs[0]], [numbers(5, 5), numbers(3, 5), numbers(n, 3, 5)])
        compare([g0, h0, X], [outs[0], outs[1]], [numbers(5, 5), numbers(3, 5), numbers(n, 3, 5)])
        compare([g0, h0, X], [outs[1], outs[op.before(0)]], [numbers(5, 5), numbers(3, 5), numbers(n, 3, 5)])


@pytest.mark.parametrize("n", LENGTHS)
def test_what_steps_found_and_what_they_gave_are_one_array(n: int) -> None:
    op, inputs, outs = rnn()
    after, before = outs[op.after(0)], outs[op.before(0)]
    used = [(after * before).sum(axis=0), T.dot(before[::-1][:, 0], after[:, 0].T), T.tanh(after)]
    f = compiled(inputs, used)
    ((code, _),) = f.compiled.native.regions
    assert len(code.scratch.behind) == 1
    compare(inputs, used, [numbers(5, 5), numbers(3, 5), numbers(n, 3, 5)])
    compare(inputs, [*used, after], [numbers(5, 5), numbers(3, 5), numbers(n, 3, 5)])
    compare(inputs, [*used, before], [numbers(5, 5), numbers(3, 5), numbers(n, 3, 5)])


def test_a_state_read_with_its_axes_exchanged_is_not_computed_in_place() -> None:
    h = T.fmatrix("h")
    op = scan([], [h], [], [h.T - 0.5 * h])
    h0 = T.fmatrix()
    f = compiled([h0], [op(4, h0)[0]])
    (loop,) = f.compiled.native.analysis.loops.values()
    assert not loop.in_place
    compare([h0], [op(4, h0)[0]], [numbers(9, 9)])


def test_the_same_value_twice() -> None:
    h, x = T.fmatrix("h"), T.fmatrix("x")
    new = T.tanh(h + x)
    op = scan([], [h, h.type("other")], [x], [new, new, new, h])
    h0, X = T.fmatrix(), T.ftensor3()
    outs = op(X.shape[0], h0, h0, X)
    compare([h0, X], outs, [numbers(2, 3), numbers(4, 2, 3)])
    compare([h0, X], outs[:4], [numbers(2, 3), numbers(4, 2, 3)])


# -- numbers and places ------------------------------------------------------------------------------------------------


def test_places_and_lengths_in_a_step() -> None:
    """Rows of a const by a counter; parts whose lengths follow from it, of which sums are taken."""
    i, w = T.lscalar("i"), T.fmatrix("w")
    op = scan([w], [i], [], [i + 1, w[i], w[:i].sum(axis=0), w[-i - 1] * T.cast(i, "float32")])
    W, n = T.fmatrix(), T.lscalar()
    outs = op(n, W, np.int64(0))
    for steps in (0, 1, 5):
        compare([W, n], outs, [numbers(5, 3), np.asarray(steps)])
    f = compiled([W, n], outs)
    with pytest.raises(IndexError):
        f(numbers(5, 3), 6)


def test_gathers_in_a_step() -> None:
    i, e, h = T.ivector("i"), T.fmatrix("e"), T.fmatrix("h")
    op = scan([e], [h], [i], [T.tanh(h + e[i]), e[i].sum()])
    E, h0, I = T.fmatrix(), T.fmatrix(), T.imatrix()
    outs = op(I.shape[0], E, h0, I)
    places = np.array([[0, 1, -1], [2, 2, 3]], "int32")
    compare([E, h0, I], outs, [numbers(4, 5), numbers(3, 5), places])
    f = compiled([E, h0, I], outs)
    with pytest.raises(IndexError):
        f(numbers(4, 5), numbers(3, 5), places + 1)


def test_lengths_that_follow_from_numbers() -> None:
    k, h = T.lscalar("k"), T.fvector("h")
    op = scan([k], [h], [], [h * 2, T.alloc(h.sum(), k, 2)])
    h0, n, m = T.fvector(), T.lscalar(), T.lscalar()
    outs = op(n, m + 1, h0)
    for steps, length in ((0, 3), (4, 0), (4, 5)):
        compare([h0, n, m], outs, [numbers(3), np.asarray(steps), np.asarray(length)])


def test_arrays_in_the_step_itself() -> None:
    table = np.arange(12, dtype="float32").reshape(3, 4)
    h = T.fvector("h")
    op = scan([], [h], [], [T.tanh(T.dot(T.constant(table), h)[:3].sum() + h), T.constant(table) * h.sum()])
    h0 = T.fvector()
    compare([h0], op(4, h0), [numbers(4)])


def test_reductions_softmax_and_draws() -> None:
    h, w = T.fmatrix("h"), T.fmatrix("w")
    p = T.nnet.softmax(T.dot(h, w))
    op = scan([w], [h], [], [p, -T.log(p).mean(), T.argmax(p, axis=1)])
    W, h0 = T.fmatrix(), T.fmatrix()
    compare([W, h0], op(5, W, h0), [numbers(4, 4), numbers(3, 4)])


# -- loops in loops ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 3])
@pytest.mark.parametrize("m", [0, 1, 4])
def test_nested(n: int, m: int) -> None:
    h, x, w = T.fvector("h"), T.fvector("x"), T.fmatrix("w")
    table = T.constant(np.arange(6, dtype="float32"))
    inner = scan([w], [h], [x], [T.tanh(T.dot(w, h) + x), h.sum() * table[1:]])
    H, Y, V = T.fvector("H"), T.fmatrix("Y"), T.fmatrix("V")
    inside = inner(Y.shape[0], V, H, Y)
    outer = scan([V], [H], [Y], [inside[inner.last(0)], inside[inner.after(0)].sum(axis=0), inside[inner.after(1)]])
    W, h0, X = T.fmatrix(), T.fvector(), T.ftensor3()
    outs = outer(X.shape[0], W, h0, X)
    values = [numbers(4, 4), numbers(4), numbers(n, m, 4)]
    compare([W, h0, X], outs, values)
    compare([W, h0, X], [outs[0]], values)
    views = outer(X.shape[0], W.T, h0[::-1], X[::-1, ::-1])
    compare([W, h0, X], views, values)


def test_several_loops_share_memory() -> None:
    op, inputs, outs = rnn()
    second = op(inputs[2].shape[0], inputs[0].T, outs[op.last(0)], outs[op.after(0)][::-1])
    third = op(inputs[2].shape[0], inputs[0], T.tanh(second[0]), second[op.before(0)])
    values = [numbers(5, 5), numbers(3, 5), numbers(4, 3, 5)]
    compare(inputs, [third[0], third[op.after(1)], second[op.last(1)]], values)


# -- what does not fit -------------------------------------------------------------------------------------------------


def test_errors_explain() -> None:
    w, h, x = T.fmatrix("w"), T.fmatrix("h"), T.fmatrix("x")
    op = scan([w], [h], [x], [T.dot(h, w) + x])
    inputs = [T.fmatrix("W"), T.fmatrix("h0"), T.ftensor3("X"), T.lscalar("n")]
    outs = op(inputs[3], *inputs[:3])
    f = compiled(inputs, outs)
    with pytest.raises(ValueError, match="5 elements, but the loop runs 4"):
        f(numbers(3, 3), numbers(2, 3), numbers(5, 2, 3), 4)
    with pytest.raises(ValueError, match="-1 steps"):
        f(numbers(3, 3), numbers(2, 3), numbers(5, 2, 3), -1)
    with pytest.raises(ValueError):
        f(numbers(3, 3), numbers(2, 4), numbers(5, 2, 3), 5)
    g = compiled([inputs[0], inputs[1]], [scan([w], [h], [], [T.dot(h, w)])(3, inputs[0], inputs[1])[0]])
    with pytest.raises(ShapeMismatchError, match=r"\(2, 3\) before the step"):
        g(numbers(3, 4), numbers(2, 3))
    same(g(numbers(3, 3), numbers(2, 3)), [numbers(2, 3) @ numbers(3, 3) @ numbers(3, 3) @ numbers(3, 3)])


def test_nothing_is_written_before_a_loop_that_may_fail() -> None:
    s = st.shared(np.zeros(3, "float32"))
    i, e = T.lscalar("i"), T.fvector("e")
    op = scan([e], [], [i], [e[i]])
    E, I = T.fvector(), T.lvector()
    total = op(I.shape[0], E, I)[op.after(0)].sum()
    f = st.function([E, I], total, updates=[(s, s + 1)], mode=st.Mode(target="native"))
    f(numbers(4), np.array([0, 3]))
    with pytest.raises(IndexError):
        f(numbers(4), np.array([0, 4]))
    np.testing.assert_array_equal(s.get_value(), np.ones(3))


OPERANDS: dict[str, tuple[Any, tuple[int, int]]] = {
    "as it is": (lambda v: v, (7, 9)),
    "transposed": (lambda v: v.T, (9, 7)),
    "reversed": (lambda v: v[::-1], (7, 9)),
    "every second column": (lambda v: v[:, ::2], (7, 17)),
}


@pytest.mark.parametrize("view", OPERANDS)
def test_operands_of_products_are_transposed_once(view: str) -> None:
    h, u, w = T.fmatrix("h"), T.fmatrix("u"), T.fmatrix("w")
    table = T.constant(numbers(6, 9))
    op = scan([u, w], [h], [], [T.tanh(T.dot(T.dot(h, u.T), w) + T.dot(T.dot(h, table.T), table))])
    U, V, h0, n = T.fmatrix(), T.fmatrix(), T.fmatrix(), T.lscalar()
    seen, shape = OPERANDS[view]
    outs = op(n, U, seen(V), h0)
    (loop,) = compiled([U, V, h0, n], outs).compiled.native.analysis.loops.values()
    assert len(loop.rows) == 4
    for batch in (0, 1, 2, 40):
        for steps in (0, 1, 3):
            compare([U, V, h0, n], outs, [numbers(7, 9), numbers(*shape), numbers(batch, 9), np.asarray(steps)])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "complex64"])
def test_vectors_times_consts_are_products_of_matrices(dtype: str) -> None:
    w, h, x = T.TensorType(dtype, (False, False))("w"), T.TensorType(dtype, (False,))("h"), T.dmatrix("x")
    ends = [0.25 * T.dot(w, h), T.dot(h, w), T.dot(x, T.dot(w.T, h)), T.dot(h, w * 2)]
    op = scan([w], [h], [x], [T.cast(ends[0], dtype) if dtype != "complex64" else T.dot(w, h), *ends[1:]])
    W, h0, X = w.type(), h.type(), T.dtensor3()
    for size in (0, 1, 7, 40):
        values = [numbers(size, size, dtype=dtype), numbers(size, dtype=dtype), numbers(3, 2, size, dtype="float64")]
        compare([W, h0, X], op(X.shape[0], W, h0, X), values, 1e-4)


def test_a_vector_network_is_one_launch_a_step() -> None:
    """Its product has one row, over which the rest is computed while the sums are there."""
    w, b, h, x = T.fmatrix("w"), T.fvector("b"), T.fvector("h"), T.fvector("x")
    op = scan([w, b], [h], [x], [T.tanh(T.dot(w, h) * b + x - h), T.cast(x * 2, "float32")])
    W, B, h0, X = T.fmatrix(), T.fvector(), T.fvector(), T.fmatrix()
    outs = op(X.shape[0], W, B, h0, X)
    f = compiled([W, B, h0, X], [outs[op.after(0)]])
    ((code, _),) = f.compiled.native.regions
    assert len(code.loops[0].inner.launches) == 1
    for size in (0, 1, 5, 70):
        compare([W, B, h0, X], outs, [numbers(size, size), numbers(size), numbers(size), numbers(3, size)])


@pytest.mark.parametrize("size", [1, 7, 80])
def test_products_of_one_row_by_type(size: int) -> None:
    row, w, b = T.frow("row"), T.fmatrix("w"), T.fvector("b")
    z = T.dot(row, w)
    used = [T.tanh(z + b), T.tanh(z[0]) * b, z.sum()]
    f = st.function([row, w, b], used, mode=st.Mode(target="native"))
    values = [numbers(1, size), numbers(size, size), numbers(size)]
    same(f(*values), evaluate(used, dict(zip([row, w, b], values, strict=True))))


# -- what people read --------------------------------------------------------------------------------------------------


def test_the_loop_as_text() -> None:
    op, inputs, outs = rnn()
    f = compiled(inputs, [outs[op.last(0)], outs[op.after(1)].sum()])
    text = str(f.source("native"))
    assert "for (long t = 0; t < x2.shape[0]; t++)\n        if (body0.0()) return 1;" in text
    assert "// state 0: computed where it was; gives v" in text
    assert "// state 1: each step gives a row; gives v" in text
    assert "int body0.0() {" in text and "// s1: x2[t]" in text
    assert "x2.shape[0] times; a step launches 2" in str(f.report())
    assert str(f.source("llvm")).count("@body0.0") >= 2


def test_loops_in_loops_as_text() -> None:
    h, x, w = T.fvector("h"), T.fvector("x"), T.fmatrix("w")
    inner = scan([w], [h], [x], [T.tanh(T.dot(w, h) + x)])
    H, Y, V = T.fvector("H"), T.fmatrix("Y"), T.fmatrix("V")
    outer = scan([V], [H], [Y], [inner(Y.shape[0], V, H, Y)[0]])
    W, h0, X = T.fmatrix(), T.fvector(), T.ftensor3()
    f = compiled([W, h0, X], [outer(X.shape[0], W, h0, X)[0]])
    assert "body0.0.0" in str(f.source("native"))
    assert "x2.shape[1] times; a step launches 1" in str(f.report())
