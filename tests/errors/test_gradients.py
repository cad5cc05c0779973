"""Derivatives that do not exist, or that the graph cannot give."""

from __future__ import annotations

from typing import Any

import numpy as np

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import DisconnectedInputError, NullTypeGradError
from tests.errors.contract import Mistake, Table, check

wrong = Table()


@wrong(TypeError, "cost must be a scalar", "h", "matrix")
def a_cost_that_is_no_scalar() -> None:
    x = T.dmatrix("x")
    h = T.tanh(x)
    h.name = "h"
    st.grad(h, x)  # <-


@wrong(TypeError, "cost", "3.0")
def a_cost_that_is_no_variable() -> None:
    x = T.dscalar("x")
    st.grad(3.0, x)  # <-


@wrong(DisconnectedInputError, "y", "TensorType(float64, vector)", "disconnected_inputs")
def a_variable_the_cost_does_not_depend_on() -> None:
    x, y = T.dvectors("x", "y")
    st.grad(T.sum(x), y)  # <-


@wrong(DisconnectedInputError, "x", "Shape(x)")
def a_cost_that_depends_on_the_shape_only() -> None:
    x = T.dmatrix("x")
    st.grad(T.sum(x.shape[0] * 2.0), x)  # <-


@wrong(DisconnectedInputError, "x", "disconnected")
def a_cost_behind_disconnected_grad() -> None:
    x = T.dvector("x")
    st.grad(T.sum(st.gradient.disconnected_grad(x)), x)  # <-


@wrong(TypeError, "Expected Variable", "'x'", "str")
def wrt_a_name() -> None:
    x = T.dscalar("x")
    st.grad(x * 2, "x")  # <-


@wrong(TypeError, "Expected Variable", "3")
def wrt_a_number() -> None:
    x = T.dscalar("x")
    st.grad(x * 2, [x, 3])  # <-


@wrong(ValueError, "disconnected_inputs", "'quiet'", "'raise'")
def an_unknown_policy_for_disconnected_inputs() -> None:
    x, y = T.dscalars("x", "y")
    st.grad(x * 2, y, disconnected_inputs="quiet")  # <-


@wrong(NullTypeGradError, "x", "undefined", "not known", "Mystery")
def a_gradient_declared_undefined() -> None:
    class Mystery(st.Op):
        __props__ = ()
        itypes, otypes = [T.dvector], [T.dvector]

        def grad(self, inputs: Any, gradients: Any) -> Any:
            return [st.gradient.grad_undefined(self, 0, inputs[0], "not known")]

    x = T.dvector("x")
    st.grad(T.sum(Mystery()(x)), x)  # <-


@wrong(NullTypeGradError, "x", "not implemented", "next year")
def a_gradient_declared_not_implemented() -> None:
    class Later(st.Op):
        __props__ = ()
        itypes, otypes = [T.dvector], [T.dvector]

        def grad(self, inputs: Any, gradients: Any) -> Any:
            return [st.gradient.grad_not_implemented(self, 0, inputs[0], "next year")]

    x = T.dvector("x")
    st.grad(T.sum(Later()(x)), x)  # <-


@wrong(NullTypeGradError, "k", "gammainc")
def a_gradient_nobody_knows() -> None:
    k = T.dscalar("k")
    st.grad(T.gammainc(k, 2.0), k)  # <-


@wrong(ValueError, "v", "vector", "matrix", "eval_points")
def lop_with_too_few_dimensions() -> None:
    x, v = T.dmatrix("x"), T.dvector("v")
    st.Lop(T.tanh(x), x, v)  # <-


@wrong(ValueError, "v", "vector", "matrix", "eval_points")
def rop_with_too_few_dimensions() -> None:
    x, v = T.dmatrix("x"), T.dvector("v")
    st.gradient.Rop(T.tanh(x), x, v)  # <-


@wrong(TypeError, "known_grads[3]", "x")
def known_gradient_of_a_number() -> None:
    x = T.dvector("x")
    st.grad(None, x, known_grads={3: x})  # <-


@wrong(AssertionError, "cost", "known_grads")
def neither_cost_nor_known_gradient() -> None:
    x = T.dvector("x")
    st.grad(None, x)  # <-


@wrong(TypeError, "rng", "RandomState", remedy=False)
def verify_grad_without_random_numbers() -> None:
    st.gradient.verify_grad(T.tanh, [np.ones(3)])


@wrong.parametrize()
def test_gradients(mistake: Mistake) -> None:
    check(mistake)


def test_the_gradient_through_integers_is_zero() -> None:
    k = T.lvector("k")
    (gk,) = st.grad(T.sum(k * k), [k])
    assert gk.type.dtype == "float64"
    np.testing.assert_array_equal(gk.eval({k: np.array([1, 2])}), [0.0, 0.0])


def test_warnings_instead_of_errors() -> None:
    x, y = T.dscalars("x", "y")
    g = st.grad(x * 2, y, disconnected_inputs="ignore")
    assert float(g.eval({y: 1.0})) == 0
