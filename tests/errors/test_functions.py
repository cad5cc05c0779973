"""Building a function from what does not make one: inputs, outputs, updates, givens, modes."""

from __future__ import annotations

import numpy as np

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import MissingInputError, UnusedInputError
from tests.errors.contract import Mistake, Table, check

wrong = Table()


# -- inputs and outputs ----------------------------------------------------------------------------------------------


@wrong(Exception, "x", "list", "[x]")
def an_input_that_is_not_in_a_list() -> None:
    x = T.dscalar("x")
    st.function(x, x * 2)  # <-


@wrong(UnusedInputError, "index 1", "unused", "TensorType(float64, vector)", "on_unused_input")
def an_unused_input() -> None:
    x, y = T.dscalar("x"), T.dvector("unused")  # <-
    st.function([x, y], x * 2)


@wrong(UnusedInputError, "x", "0 and 2")
def an_input_twice() -> None:
    x, y = T.dscalars("x", "y")
    st.function([x, y, x], x * y)  # <-


@wrong(MissingInputError, "forgotten", "TensorType(float64, matrix)", "givens")
def a_missing_input() -> None:
    x, y = T.dmatrix("x"), T.dmatrix("forgotten")  # <-
    st.function([x], x + y)


@wrong(MissingInputError, "forgotten")
def a_missing_input_of_an_update() -> None:
    w, y = st.shared(0.0, "w"), T.dscalar("forgotten")  # <-
    st.function([], [], updates=[(w, w + y)])


@wrong(TypeError, "shared variable", "weights", "explicit input", "givens")
def a_shared_variable_as_input() -> None:
    w = st.shared(np.zeros(3), "weights")
    st.function([w], w * 2)  # <-


@wrong(TypeError, "Constant", "TensorConstant{2}")
def a_constant_as_input() -> None:
    two = T.constant(2)
    st.function([two], two * 2)  # <-


@wrong(TypeError, "parameter type", "float", "1.5")
def a_number_as_input() -> None:
    x = T.dscalar("x")
    st.function([x, 1.5], x * 2)  # <-


@wrong(TypeError, "Outputs must be theano Variable or Out instances", "3.0", "constant")
def a_number_as_output() -> None:
    x = T.dscalar("x")
    st.function([x], [x, 3.0])  # <-


@wrong(AssertionError, "strings", "[1]")
def a_dictionary_of_outputs_with_other_keys() -> None:
    x = T.dscalar("x")
    st.function([x], {1: x * 2})  # <-


@wrong(TypeError, "In", "Variable", "'x'")
def in_of_a_name() -> None:
    st.In("x")  # type: ignore[arg-type]  # <-


@wrong(TypeError, "default", "x", "float64", "scalar", "(3,)")
def a_default_of_another_type() -> None:
    x = T.dscalar("x")  # <-
    st.function([st.In(x, value=np.zeros(3))], x * 2)


@wrong(TypeError, "update", "x", "TensorType(float64, scalar)", "TensorType(float64, vector)")
def the_state_of_an_input_of_another_type() -> None:
    x, v = T.dscalar("x"), T.dvector("v")
    st.In(x, value=0.0, update=v)  # <-


@wrong(AssertionError, "x", "mutable=True", "borrow=False")
def mutable_but_not_borrowed() -> None:
    x = T.dvector("x")
    st.In(x, mutable=True, borrow=False)  # <-


@wrong(ValueError, "on_unused_input", "'loud'", "'raise', 'warn' or 'ignore'")
def an_unknown_policy_for_unused_inputs() -> None:
    x = T.dscalar("x")
    st.function([x], x * 2, on_unused_input="loud")  # <-


# -- updates ---------------------------------------------------------------------------------------------------------


@wrong(TypeError, "An update must have the same type as the original shared variable", "w", "float32", "float64")
def an_update_of_another_dtype() -> None:
    w, x = st.shared(np.zeros(3, "float32"), "w"), T.dvector("x")
    new = w - 0.1 * x  # <-
    st.function([x], [], updates=[(w, new)])


@wrong(TypeError, "An update must have the same type", "w", "matrix", "vector", "dimensions")
def an_update_of_another_rank() -> None:
    w = st.shared(np.zeros((3, 2)), "w")
    new = w.sum(axis=0)  # <-
    st.function([], [], updates=[(w, new)])


@wrong(TypeError, "An update must have the same type", "b", "row", "matrix", "patternbroadcast")
def an_update_of_another_broadcast_pattern() -> None:
    b, x = st.shared(np.zeros((1, 3)), "b", broadcastable=(True, False)), T.dmatrix("x")
    new = b + x  # <-
    st.function([x], [], updates=[(b, new)])


@wrong(TypeError, "An update must have the same type", "b", "matrix", "row", "unbroadcast")
def an_update_that_became_a_row() -> None:
    b = st.shared(np.zeros((1, 3)), "b")
    new = b.sum(axis=0, keepdims=True)  # <-
    st.function([], [], updates=[(b, new)])


@wrong(TypeError, "An update must have the same type", "w", "str")
def an_update_that_is_a_text() -> None:
    w = st.shared(np.zeros(3), "w")
    st.function([], [], updates=[(w, "w + 1")])  # <-


@wrong(TypeError, "update target must be a SharedVariable", "x", "shared")
def an_update_of_something_not_shared() -> None:
    x = T.dscalar("x")
    st.function([x], x, updates=[(x, x + 1)])  # <-


@wrong(ValueError, "w", "already has an update expression")
def two_updates_of_a_variable() -> None:
    w = st.shared(0.0, "w")
    st.function([], [], updates=[(w, w + 1), (w, w + 2)])  # <-


@wrong(TypeError, "updates", "pairs", "w")
def updates_that_are_not_pairs() -> None:
    w = st.shared(0.0, "w")
    st.function([], [], updates=[w, w + 1])  # type: ignore[list-item]  # <-


@wrong(TypeError, "no_default_updates", "w")
def no_default_updates_of_a_variable() -> None:
    w = st.shared(0.0, "w")
    st.function([], w, no_default_updates=w)  # type: ignore[arg-type]  # <-


@wrong(TypeError, "An update must have the same type", "w", "float32", "float64")
def a_default_update_of_another_type() -> None:
    w = st.shared(np.float32(0), "w")
    w.default_update = T.cast(w, "float64")  # <-
    st.function([], w)


# -- givens ----------------------------------------------------------------------------------------------------------


@wrong(TypeError, "Cannot convert Type", "x", "y", "float64", "int64")
def givens_of_another_dtype() -> None:
    x, y = T.dvector("x"), T.lvector("y")
    st.function([y], x * 2, givens={x: y})  # <-


@wrong(TypeError, "x", "scalar", "(3,)", "givens")
def givens_of_an_array_that_does_not_fit() -> None:
    x = T.dscalar("x")
    st.function([], x * 2, givens={x: np.zeros(3)})  # <-


@wrong(RuntimeError, "x", "givens", "input")
def givens_for_an_input() -> None:
    x, y = T.dscalars("x", "y")
    st.function([x, y], x * 2, givens={x: y})  # <-


@wrong(TypeError, "given keys must be Variable", "'x'")
def givens_with_the_name_as_key() -> None:
    x = T.dscalar("x")
    st.function([], x * 2, givens={"x": 1.0})  # <-


# -- modes -----------------------------------------------------------------------------------------------------------


@wrong(Exception, "No predefined mode exist for string: FAST_WALK", "FAST_RUN", "FAST_COMPILE")
def an_unknown_mode() -> None:
    x = T.dscalar("x")
    st.function([x], x * 2, mode="FAST_WALK")  # <-


@wrong(ValueError, "linker", "'turbo'", "cvm")
def an_unknown_linker() -> None:
    st.Mode(linker="turbo")  # <-


@wrong(ValueError, "optimizer", "'magic'", "fast_run")
def an_unknown_optimizer() -> None:
    st.Mode(optimizer="magic")  # <-


@wrong(TypeError, "mode", "3")
def a_number_as_mode() -> None:
    x = T.dscalar("x")
    st.function([x], x * 2, mode=3)  # type: ignore[arg-type]  # <-


# -- copies ----------------------------------------------------------------------------------------------------------


@wrong(ValueError, "other", "swap", "w")
def a_swap_of_a_variable_that_is_not_used() -> None:
    w, other = st.shared(0.0, "w"), st.shared(1.0, "other")
    st.function([], w * 2).copy(swap={other: w})  # <-


@wrong(TypeError, "w", "other", "float64", "int64")
def a_swap_with_another_type() -> None:
    w, other = st.shared(0.0, "w"), st.shared(1, "other")
    st.function([], w * 2).copy(swap={w: other})  # <-


@wrong.parametrize()
def test_functions(mistake: Mistake) -> None:
    check(mistake)
