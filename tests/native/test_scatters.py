"""Writing at places in machine code: chains of writes in one memory, parts of shared variables, bad places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T

Build = Callable[..., tuple[list[Any], list[Any], list[tuple[Any, Any]]]]


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(0.5, 2.0, shape)


def compiled(target: str, build: Build, shapes: Sequence[tuple[int, ...]]) -> tuple[Any, list[Any]]:
    shared = [st.shared(numbers(*shape, seed=k)) for k, shape in enumerate(shapes)]
    inputs, outputs, updates = build(*shared)
    return st.function(inputs, outputs, updates=updates, mode=st.Mode(target=target)), shared


def same(build: Build, shapes: Sequence[tuple[int, ...]], *arguments: Any, calls: int = 3) -> Any:
    """Outputs and shared variables are those of the NumPy program, call after call. Returns the native function."""
    (native, ours), (reference, theirs) = (compiled(target, build, shapes) for target in ("native", "numpy"))
    assert native.compiled.native is not None
    for _ in range(calls):
        for got, want in zip(native(*arguments), reference(*arguments), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-12)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.get_value(), b.get_value(), rtol=1e-12)
    return native


def is_one_region(function: Any) -> bool:
    return function.compiled.native.entry is not None


ROWS = np.array([3, -1, 3, 0], "int32")


def test_rows_of_a_shared_variable_are_updated_in_place() -> None:
    def build(table: Any) -> Any:
        i, y = T.ivector("i"), T.dmatrix("y")
        rows = table[i]
        cost = T.sqr(rows - y).sum()
        return [i, y], [cost], [(table, T.inc_subtensor(rows, -0.1 * st.grad(cost, rows)))]

    f = same(build, [(7, 4)], ROWS, numbers(4, 4))
    assert is_one_region(f)
    assert f.compiled.native.schedule.in_place
    memory = f.get_shared()[0].get_value(borrow=True)
    f(ROWS, numbers(4, 4))
    assert f.get_shared()[0].get_value(borrow=True) is memory


def test_two_tables_of_which_one_reads_the_new_other() -> None:
    def build(table: Any, squares: Any) -> Any:
        i = T.ivector("i")
        rows = table[i]
        slope = st.grad(T.sqr(rows).sum(), rows)
        new = T.inc_subtensor(squares[i], T.sqr(slope))
        step = -0.1 * slope / T.sqrt(new[i])
        return [i], [rows.sum()], [(squares, new), (table, T.inc_subtensor(rows, step))]

    assert is_one_region(same(build, [(7, 4), (7, 4)], ROWS))


def test_tables_that_are_exchanged() -> None:
    def build(a: Any, b: Any) -> Any:
        i = T.ivector("i")
        return [i], [a.sum()], [(a, T.inc_subtensor(b[i], 1.0)), (b, T.set_subtensor(a[i], 0.0))]

    same(build, [(7, 4), (7, 4)], ROWS)


def test_a_table_that_is_read_where_it_is_written() -> None:
    def build(a: Any) -> Any:
        i = T.ivector("i")
        return [i], [a[i]], [(a, T.inc_subtensor(a[i], a[i + 1] * a[i]))]

    same(build, [(9, 4)], ROWS)
    same(lambda a: ([i := T.ivector()], [a.T * 2], [(a, T.set_subtensor(a[i], a[::-1][i]))]), [(9, 4)], ROWS)


def test_a_window_of_a_shared_variable() -> None:
    def build(memory: Any) -> Any:
        i, y = T.lscalar("i"), T.dmatrix("y")
        return [i, y], [memory.sum(axis=0)], [(memory, T.set_subtensor(memory[i : i + 2], y))]

    for start in (0, 3, 5, -2):
        same(build, [(7, 4)], np.asarray(start), numbers(2 if start >= 0 else 0, 4))


@pytest.mark.parametrize("start", [0, 2])
def test_parts_of_rows(start: int) -> None:
    """Writing to x[:, :n] is no walk over one long axis, though all of x lies dense in memory."""

    def build() -> Any:
        x, y, n = T.dmatrix("x"), T.dmatrix("y"), T.lscalar("n")
        written = T.inc_subtensor(x[:, n : n + 3], y)
        return [x, y, n], [written, x[:, : y.shape[1]] * 2, written.sum()], []

    assert is_one_region(same(build, [], numbers(5, 8), numbers(5, 3), np.asarray(start)))


def test_gates() -> None:
    """The slices of an LSTM's gates, and their gradient: four writes into one memory."""

    def build() -> Any:
        x, h, w, b = T.dmatrix("x"), T.dmatrix("h"), T.dmatrix("w"), T.dvector("b")
        z, n = T.dot(x, w) + b, h.shape[1]
        i, f, o, g = (z[:, k * n : (k + 1) * n] for k in range(4))
        state = T.nnet.sigmoid(f) * h + T.nnet.sigmoid(i) * T.tanh(g)
        out = T.nnet.sigmoid(o) * T.tanh(state)
        return [x, h, w, b], [out, state, *st.grad(T.sqr(out).sum(), [w, b, h])], []

    assert is_one_region(
        same(build, [], numbers(6, 5), numbers(6, 4, seed=1), 0.1 * numbers(5, 16, seed=2), -numbers(16))
    )


def test_joins_of_joins() -> None:
    def build() -> Any:
        x, y = T.dmatrix("x"), T.dmatrix("y")
        wide = T.concatenate([x, y * 2, x], axis=1)
        cost = T.sqr(T.concatenate([wide, wide + 1], axis=0)).sum()
        return [x, y], [cost, wide, *st.grad(cost, [x, y])], []

    assert is_one_region(same(build, [], numbers(4, 3), numbers(4, 2)))


@pytest.mark.parametrize("computed", [False, True])
def test_bad_places_are_errors_and_change_nothing(computed: bool) -> None:
    i, table = T.ivector("i"), st.shared(numbers(7, 4))
    places = i * 2 // 2 if computed else i
    f = st.function(
        [i],
        [table[places].sum()],
        updates=[(table, T.inc_subtensor(table[places], 1.0))],
        mode=st.Mode(target="native"),
    )
    before = table.get_value()
    with pytest.raises(IndexError, match="index 7 is out of bounds"):
        f(np.array([0, 7], "int32"))
    np.testing.assert_array_equal(table.get_value(), before)
    f(np.array([0, 6], "int32"))
    assert table.get_value()[6, 0] == before[6, 0] + 1


def test_what_is_added_to_a_product_may_stand_anywhere() -> None:
    """Rows picked, diagonals, triangles: an epilogue reads elements in their own places only."""

    def build() -> Any:
        x, w, table, i = T.dmatrix("x"), T.dmatrix("w"), T.dmatrix("table"), T.ivector("i")
        z = T.dot(x, w)
        square = T.dot(x, x.T)
        outputs = [z + table[i], T.tril(z), z[:, 1:3] * 2, square * T.diag(square), T.set_subtensor(z[:, 1], 0.0)]
        return [x, w, table, i], outputs, []

    assert is_one_region(same(build, [], numbers(4, 3), numbers(3, 5), numbers(9, 5), ROWS))
