"""Calling a compiled function with what it does not take."""

from __future__ import annotations

import numpy as np

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import MissingInputError
from tests.errors.contract import Mistake, Table, check

wrong = Table()


@wrong(TypeError, "'x'", "Wrong number of dimensions", "expected 2", "(3,)", "matrix", "index 0")
def too_few_dimensions() -> None:
    x = T.dmatrix("x")  # <-
    st.function([x], x * 2)(np.zeros(3))


@wrong(TypeError, "'x'", "Wrong number of dimensions", "expected 0", "(1,)", "scalar")
def an_array_for_a_scalar() -> None:
    x = T.dscalar("x")  # <-
    st.function([x], x * 2)(np.zeros(1))


@wrong(TypeError, "'x'", "float64", "float32", "(3,)", "allow_input_downcast", "asarray")
def float64_into_float32() -> None:
    x = T.fvector("x")  # <-
    st.function([x], x * 2)(np.zeros(3))


@wrong(TypeError, "'y'", "index 1", "int64", "int32")
def int64_into_int32() -> None:
    x, y = T.dvector("x"), T.ivector("y")  # <-
    st.function([x, y], x * y)(np.zeros(3), np.zeros(3, "int64"))


@wrong(TypeError, "'x'", "complex128", "float64")
def complex_into_float() -> None:
    x = T.dvector("x")  # <-
    st.function([x], x * 2)(np.zeros(3, complex))


@wrong(TypeError, "'x'", "[0.1, 2]", "float32", "allow_input_downcast")
def a_list_that_float32_cannot_hold() -> None:
    x = T.fvector("x")  # <-
    st.function([x], x * 2)([0.1, 2])


@wrong(TypeError, "'x'", "1.5", "int64")
def a_fraction_into_an_integer() -> None:
    x = T.lscalar("x")  # <-
    st.function([x], x * 2)(1.5)


@wrong(TypeError, "'x'", "1099511627776", "int32")
def a_number_too_large() -> None:
    x = T.iscalar("x")  # <-
    st.function([x], x * 2)(2**40)


@wrong(TypeError, "'x'", "float32", "0.1")
def a_python_float_without_downcast() -> None:
    x = T.fscalar("x")  # <-
    st.function([x], x * 2, allow_input_downcast=False)(0.1)


@wrong(TypeError, "'x'", "str", "hello", "vector")
def a_string() -> None:
    x = T.dvector("x")  # <-
    st.function([x], x * 2)("hello")


@wrong(TypeError, "'x'", "vector", "dict")
def a_dictionary() -> None:
    x = T.dvector("x")  # <-
    st.function([x], x * 2)({"a": 1})


@wrong(TypeError, "'x'", "[[1, 2], [3]]")
def a_ragged_list() -> None:
    x = T.dmatrix("x")  # <-
    st.function([x], x * 2)([[1, 2], [3]])


@wrong(TypeError, "'x'", "Variable", "y")
def a_variable() -> None:
    x, y = T.dvectors("x", "y")  # <-
    st.function([x], x * 2)(y)


@wrong(TypeError, "'x'", "Variable", "weights", "get_value")
def a_shared_variable() -> None:
    x = T.dvector("x")  # <-
    st.function([x], x * 2)(st.shared(np.zeros(3), "weights"))


@wrong(TypeError, "'x'", "None", "vector")
def none() -> None:
    x = T.dvector("x")  # <-
    st.function([x], x * 2)(None)


@wrong(TypeError, "Missing required input: y", "2 named inputs", "x, y", "step")
def too_few_arguments() -> None:
    x, y = T.dscalars("x", "y")
    st.function([x, y], x + y, name="step")(1.0)


@wrong(TypeError, "Missing required input: x", "x, y")
def the_first_argument_is_missing() -> None:
    x, y = T.dscalars("x", "y")
    st.function([x, y], x + y)(y=1.0)


@wrong(TypeError, "Missing required input: 1", "TensorType(float64, scalar)")
def an_input_without_name_is_missing() -> None:
    x, y = T.dscalar("x"), T.dscalar()
    st.function([x, y], x + y)(1.0)


@wrong(TypeError, "Too many parameter passed to theano function", "step", "2", "3", "x, y")
def too_many_arguments() -> None:
    x, y = T.dscalars("x", "y")
    st.function([x, y], x + y, name="step")(1.0, 2.0, 3.0)


@wrong(TypeError, "Unknown input or state: z", "2 named inputs", "x, y")
def an_unknown_keyword() -> None:
    x, y = T.dscalars("x", "y")
    st.function([x, y], x + y)(1.0, z=2.0)


@wrong(TypeError, "Multiple values for input: x")
def an_argument_twice() -> None:
    x, y = T.dscalars("x", "y")
    st.function([x, y], x + y)(1.0, x=2.0)


@wrong(TypeError, "strict", "'x'", "float32", "float64")
def strict_input() -> None:
    x = T.dvector("x")  # <-
    st.function([st.In(x, strict=True)], x * 2)(np.zeros(3, "float32"))


@wrong(TypeError, "eval", "variable", "'x'", "str")
def eval_with_the_name_as_key() -> None:
    x = T.dscalar("x")
    (x * 2).eval({"x": 3.0})


@wrong(MissingInputError, "y")
def eval_without_a_value() -> None:
    x, y = T.dscalar("x"), T.dscalar("y")  # <-
    (x * y).eval({x: 3.0})


@wrong(KeyError, "Unknown input or state: nothing", "w")
def state_that_is_not_there() -> None:
    w = st.shared(0.0, "w")
    st.function([], w * 2)["nothing"]


@wrong.parametrize()
def test_arguments(mistake: Mistake) -> None:
    check(mistake)
