"""Shapes that do not fit, found when the graph is built or when the function runs."""

from __future__ import annotations

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from tests.errors.contract import Mistake, Table, check

wrong = Table()
zeros = np.zeros


@wrong(ValueError, "add", "a", "b", "(2, 3)", "(2, 4)", "axis 1")
def add_of_constants_of_different_shapes() -> None:
    a, b = T.constant(zeros((2, 3)), "a"), T.constant(zeros((2, 4)), "b")
    a + b  # <-


@wrong(ValueError, "add", "x", "y", "(2, 3)", "(2, 4)", "(x + y)", "float64", "matrix")
def add_at_run_time() -> None:
    x, y = T.dmatrices("x", "y")
    z = x + y  # <-
    st.function([x, y], z)(zeros((2, 3)), zeros((2, 4)))


@wrong(ValueError, "mul", "weights", "(3,)", "(4,)", "broadcastable")
def mul_of_a_shared_variable() -> None:
    w, x = st.shared(zeros(3), "weights"), T.dvector("x")
    z = w * x  # <-
    st.function([x], z)(zeros(4))


@wrong(ValueError, "x", "y", "(1, 3)", "(2, 3)", "broadcastable", "addbroadcast")
def length_1_is_not_stretched_at_run_time() -> None:
    x, y = T.dmatrices("x", "y")
    z = x * y  # <-
    st.function([x, y], z)(zeros((1, 3)), zeros((2, 3)))


@wrong(ValueError, "x", "b", "(2, 3)", "(1,)", "broadcastable")
def shared_bias_of_length_1() -> None:
    x, b = T.dmatrix("x"), st.shared(zeros(1), "b")
    z = x + b  # <-
    st.function([x], z)(zeros((2, 3)))


@wrong(TypeError, "row", "Non-unit value on shape on a broadcastable dimension", "(2, 3)", "'r'", "row")
def row_with_two_rows() -> None:
    r = T.drow("r")  # <-
    st.function([r], r * 2)(zeros((2, 3)))


@wrong(TypeError, "col", "Non-unit value on shape on a broadcastable dimension", "(2, 3)", "'c'")
def col_with_three_columns() -> None:
    c = T.dcol("c")  # <-
    st.function([c], c * 2)(zeros((2, 3)))


@wrong(ValueError, "dot", "x", "w", "(5, 3)", "(4, 2)", "dot(x, w)")
def dot_of_shared_at_run_time() -> None:
    x, w = T.dmatrix("x"), st.shared(zeros((4, 2)), "w")
    z = T.dot(x, w)  # <-
    st.function([x], z)(zeros((5, 3)))


@wrong(ValueError, "dot", "a", "b", "(2, 3)", "(4, 5)")
def dot_of_constants() -> None:
    a, b = T.constant(zeros((2, 3)), "a"), T.constant(zeros((4, 5)), "b")
    T.dot(a, b)  # <-


@wrong(ValueError, "dot", "tanh(dot(x, w))", "h", "v", "(5, 2)", "(3,)")
def dot_deep_in_an_expression() -> None:
    x, w, v = T.dmatrix("x"), T.dmatrix("w"), T.dvector("v")
    h = T.tanh(T.dot(x, w))
    h.name = "h"
    y = T.dot(h, v)  # <-
    st.function([x, w, v], y, mode=st.Mode(optimizer=None))(zeros((5, 4)), zeros((4, 2)), zeros(3))


@wrong(ValueError, "x", "w", "(5, 3)", "(4, 2)")
def dot_inside_a_gradient() -> None:
    x, w = T.dmatrix("x"), st.shared(zeros((4, 2)), "w")
    cost = T.sum(T.tanh(T.dot(x, w)))  # <-
    st.function([x], st.grad(cost, w))(zeros((5, 3)))


@wrong(ValueError, "matmul", "a", "b", "(2, 3)", "(4, 5)")
def matmul_of_constants() -> None:
    a, b = T.constant(zeros((2, 3)), "a"), T.constant(zeros((4, 5)), "b")
    a @ b  # <-


@wrong(ValueError, "x", "y", "(2, 3)", "(4, 5)")
def matmul_at_run_time() -> None:
    x, y = T.dmatrices("x", "y")
    z = x @ y  # <-
    st.function([x, y], z)(zeros((2, 3)), zeros((4, 5)))


@wrong(ValueError, "x", "y", "(2, 3, 4)", "(3, 4, 5)")
def batched_dot_of_different_batches() -> None:
    x, y = T.dtensor3s("x", "y")
    z = T.batched_dot(x, y)  # <-
    st.function([x, y], z)(zeros((2, 3, 4)), zeros((3, 4, 5)))


@wrong(ValueError, "x", "y", "(2, 3)", "(4, 2)")
def tensordot_at_run_time() -> None:
    x, y = T.dmatrices("x", "y")
    z = T.tensordot(x, y, axes=[[1], [0]])  # <-
    st.function([x, y], z)(zeros((2, 3)), zeros((4, 2)))


@wrong(ValueError, "tensordot", "x", "y", "axes")
def tensordot_of_axes_that_are_not_there() -> None:
    x, y = T.dmatrices("x", "y")
    T.tensordot(x, y, axes=[[2], [0]])  # <-


@wrong(ValueError, "reshape", "x", "(2, 3)", "(4,)")
def reshape_to_another_size() -> None:
    x = T.dmatrix("x")
    z = x.reshape((4,))  # <-
    st.function([x], z)(zeros((2, 3)))


@wrong(ValueError, "reshape", "a", "(2, 3)", "4")
def reshape_of_a_constant_to_another_size() -> None:
    a = T.constant(zeros((2, 3)), "a")
    a.reshape((4,))  # <-


@wrong(ValueError, "x", "y", "(2, 3)", "(2, 4)")
def join_of_different_lengths() -> None:
    x, y = T.dmatrices("x", "y")
    z = T.concatenate([x, y], axis=0)  # <-
    st.function([x, y], z)(zeros((2, 3)), zeros((2, 4)))


@wrong(ValueError, "x", "y", "(2,)", "(3,)")
def stack_of_different_lengths() -> None:
    x, y = T.dvectors("x", "y")
    z = T.stack([x, y])  # <-
    st.function([x, y], z)(zeros(2), zeros(3))


@wrong(ValueError, "w", "(3, 2)", "(5, 2)")
def gradient_step_of_another_shape() -> None:
    w, g = st.shared(zeros((3, 2)), "w"), T.dmatrix("g")
    new = w - 0.1 * g  # <-
    st.function([g], [], updates=[(w, new)])(zeros((5, 2)))


@wrong(ValueError, "switch", "c", "x", "(2,)", "(3,)")
def switch_of_different_lengths() -> None:
    c, x = T.bvector("c"), T.dvector("x")
    z = T.switch(c, x, 0)  # <-
    st.function([c, x], z)(zeros(2, "int8"), zeros(3))


@wrong(ValueError, "x", "(0, 3)", "max(x, axis=0)", "at least one element")
def max_of_nothing() -> None:
    x = T.dmatrix("x")
    z = T.max(x, axis=0)  # <-
    st.function([x], z)(zeros((0, 3)))


@wrong((ValueError, AssertionError), "x", "(3, 3)", "(2, 3)")  # type: ignore[arg-type]
def specify_shape_that_does_not_hold() -> None:
    x = T.dmatrix("x")
    z = T.specify_shape(x, (2, 3))  # <-
    st.function([x], z * 2)(zeros((3, 3)))


@wrong.parametrize()
def test_shapes(mistake: Mistake) -> None:
    check(mistake)


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE", st.Mode(optimizer=None)], ids=str)
def test_every_mode_names_line_and_shapes(mode: object) -> None:
    x, w, y = T.dmatrix("x"), st.shared(zeros((4, 2)), "w"), T.dmatrix("y")
    h = T.tanh(T.dot(x, w))
    cost = T.sum((h - y) ** 2)
    f = st.function([x, y], cost, updates=[(w, w - 0.1 * st.grad(cost, w))], mode=mode)
    with pytest.raises(ValueError) as caught:
        f(zeros((5, 4)), zeros((5, 3)))
    for part in ("(5, 2)", "(5, 3)", "y", "test_shapes.py:"):
        assert part in str(caught.value)
