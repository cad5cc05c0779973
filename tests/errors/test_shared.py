"""Shared variables and settings that get values they cannot hold."""

from __future__ import annotations

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from tests.errors.contract import Mistake, Table, check

wrong = Table()


@wrong(TypeError, "weights", "float32", "float64", "(3,)", "asarray")
def set_value_of_another_dtype() -> None:
    w = st.shared(np.zeros(3, "float32"), "weights")
    w.set_value(np.zeros(3))


@wrong(TypeError, "weights", "Wrong number of dimensions", "expected 2", "(3,)")
def set_value_of_another_rank() -> None:
    w = st.shared(np.zeros((3, 2)), "weights")
    w.set_value(np.zeros(3))


@wrong(TypeError, "bias", "Non-unit value", "(2, 3)", "row")
def set_value_of_a_row_with_two_rows() -> None:
    b = st.shared(np.zeros((1, 3)), "bias", broadcastable=(True, False))
    b.set_value(np.zeros((2, 3)))


@wrong(TypeError, "weights", "None", "vector")
def set_value_of_none() -> None:
    w = st.shared(np.zeros(3), "weights")
    w.set_value(None)


@wrong(TypeError, "weights", "Variable", "x")
def set_value_of_a_variable() -> None:
    w, x = st.shared(np.zeros(3), "weights"), T.dvector("x")
    w.set_value(x)


@wrong(TypeError, "symbolic", "x", "vector", "get_value")
def shared_of_a_variable() -> None:
    x = T.dvector("x")
    st.shared(x)  # <-


@wrong(TypeError, "No suitable SharedVariable constructor could be found", "colour", "ndarray")
def shared_with_an_unknown_keyword() -> None:
    st.shared(np.zeros(3), colour="red")  # <-


@wrong(Exception, "sharedvar.value does not exist anymore", "get_value", remedy=False)
def the_old_value_attribute() -> None:
    _ = st.shared(0.0).value


@wrong(TypeError, "state", "cannot be indexed", "Generic")
def an_index_of_a_shared_object() -> None:
    s = st.shared({"a": 1}, "state")
    s["a"]  # <-


@wrong(ValueError, "floatX", "float8", "float64", remedy=False)
def a_setting_that_is_no_choice() -> None:
    st.config.floatX = "float8"


@wrong(AttributeError, "floatY", "floatX", remedy=False)
def a_setting_that_is_not_there() -> None:
    _ = st.config.floatY


@wrong(ValueError, "on_unused_input", "loud", remedy=False)
def a_policy_that_is_no_choice() -> None:
    st.config.on_unused_input = "loud"


@wrong(ValueError, "floatX", "float8", remedy=False)
def a_flag_changed_for_a_while() -> None:
    with st.change_flags(floatX="float8"):
        pass


@wrong.parametrize()
def test_shared(mistake: Mistake) -> None:
    check(mistake)


def test_a_refused_value_leaves_the_old_one() -> None:
    w = st.shared(np.arange(3.0), "w")
    with pytest.raises(TypeError):
        w.set_value(np.zeros((2, 2)))
    np.testing.assert_array_equal(w.get_value(), [0.0, 1.0, 2.0])
