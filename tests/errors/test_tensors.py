"""Tensor expressions that mean nothing: axes, indices, shapes, dtypes, and Python's own protocols."""

from __future__ import annotations

import numpy as np

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import AsTensorError
from tests.errors.contract import Mistake, Table, check

wrong = Table()


# -- axes ------------------------------------------------------------------------------------------------------------


@wrong(ValueError, "sum", "x", "matrix", "axis", "2")
def sum_over_an_axis_that_is_not_there() -> None:
    x = T.dmatrix("x")
    x.sum(axis=2)  # <-


@wrong(ValueError, "max", "x", "matrix", "axis", "-3")
def max_over_an_axis_that_is_not_there() -> None:
    x = T.dmatrix("x")
    T.max(x, axis=-3)  # <-


@wrong(ValueError, "mean", "x", "axis", "5")
def mean_over_an_axis_that_is_not_there() -> None:
    x = T.dmatrix("x")
    x.mean(axis=5)  # <-


@wrong(ValueError, "argmax", "x", "axis", "2")
def argmax_over_an_axis_that_is_not_there() -> None:
    x = T.dmatrix("x")
    T.argmax(x, axis=2)  # <-


@wrong(TypeError, "axis", "1.5", "x")
def sum_over_half_an_axis() -> None:
    x = T.dmatrix("x")
    x.sum(axis=1.5)  # <-


@wrong(ValueError, "axis", "0", "twice", "x")
def sum_over_an_axis_twice() -> None:
    x = T.dmatrix("x")
    x.sum(axis=(0, 0))  # <-


@wrong(IndexError, "axis", "2", "x", "y")
def concatenate_along_an_axis_that_is_not_there() -> None:
    x, y = T.dmatrices("x", "y")
    T.concatenate([x, y], axis=2)  # <-


@wrong(TypeError, "x", "v", "matrix", "vector", "dimensions")
def concatenate_of_different_ranks() -> None:
    x, v = T.dmatrix("x"), T.dvector("v")
    T.concatenate([x, v])  # <-


@wrong(TypeError, "concatenate", "list", "x")
def concatenate_of_one_tensor() -> None:
    x = T.dmatrix("x")
    T.concatenate(x)  # <-


@wrong(IndexError, "axis", "3", "x", "y")
def stack_along_an_axis_that_is_not_there() -> None:
    x, y = T.dvectors("x", "y")
    T.stack([x, y], axis=3)  # <-


@wrong(ValueError, "You cannot drop a non-broadcastable dimension", "dimshuffle(0,)", "(False, False)")
def dimshuffle_that_drops_an_axis() -> None:
    x = T.dmatrix("x")
    x.dimshuffle(0)  # <-


@wrong(ValueError, "dimshuffle(0, 2)", "2 dimensions", "(False, False)")
def dimshuffle_of_an_axis_that_is_not_there() -> None:
    x = T.dmatrix("x")
    x.dimshuffle(0, 2)  # <-


@wrong(ValueError, "reshape", "x", "ndim", "length")
def reshape_to_a_shape_of_unknown_rank() -> None:
    x, s = T.dmatrix("x"), T.lvector("s")
    x.reshape(s)  # <-


@wrong(ValueError, "reshape", "-1", "x")
def reshape_with_two_free_lengths() -> None:
    x = T.dmatrix("x")
    x.reshape((-1, -1))  # <-


@wrong(ValueError, "x", "flatten", "ndim", "3")
def flatten_to_more_dimensions() -> None:
    x = T.dmatrix("x")
    x.flatten(3)  # <-


# -- indices ---------------------------------------------------------------------------------------------------------


@wrong(IndexError, "x", "too many indices", "3", "matrix")
def too_many_indices() -> None:
    x = T.dmatrix("x")
    x[0, 1, 2]  # <-


@wrong(TypeError, "x", "1.5", "float")
def a_fraction_as_index() -> None:
    x = T.dmatrix("x")
    x[1.5]  # <-


@wrong(TypeError, "x", "f", "float64")
def a_float_variable_as_index() -> None:
    x, f = T.dmatrix("x"), T.dscalar("f")
    x[f]  # <-


@wrong(TypeError, "x", "'a'", "str")
def a_text_as_index() -> None:
    x = T.dmatrix("x")
    x["a"]  # <-


@wrong(IndexError, "a", "(3,)", "5")
def an_index_of_a_constant_that_is_too_large() -> None:
    a = T.constant(np.zeros(3), "a")
    a[5]  # <-


@wrong(IndexError, "x", "(3,)", "5", "x[5]")
def an_index_that_is_too_large() -> None:
    x = T.dvector("x")
    y = x[5]  # <-
    st.function([x], y)(np.zeros(3))


@wrong(IndexError, "table", "(3, 2)", "words", "[0, 7]")
def a_row_that_is_not_there() -> None:
    table, words = st.shared(np.zeros((3, 2)), "table"), T.lvector("words")
    y = table[words]  # <-
    st.function([words], y)([0, 7])


@wrong(IndexError, "x", "mask", "(3,)", "(2,)")
def a_mask_of_another_length() -> None:
    x, mask = T.dvector("x"), T.TensorType("bool", (False,))("mask")
    y = x[mask]  # <-
    st.function([x, mask], y)(np.zeros(3), np.array([True, False]))


@wrong(TypeError, "x", "set_subtensor")
def assignment_to_an_element() -> None:
    x = T.dvector("x")
    x[0] = 1.0  # <-


@wrong(TypeError, "x must be the result of a subtensor operation", "x", "set_subtensor(")
def set_subtensor_of_a_whole_tensor() -> None:
    x = T.dvector("x")
    T.set_subtensor(x, 1.0)  # <-


@wrong(ValueError, "x", "(2,)", "(3,)")
def set_subtensor_of_another_length() -> None:
    x, y = T.dvectors("x", "y")
    z = T.set_subtensor(x[:2], y)  # <-
    st.function([x, y], z)(np.zeros(5), np.zeros(3))


@wrong(TypeError, "part Subtensor{int64}.0", "y", "scalar", "vector")
def set_subtensor_of_too_many_dimensions() -> None:
    x, y = T.dvectors("x", "y")
    T.set_subtensor(x[0], y)  # <-


# -- Python ----------------------------------------------------------------------------------------------------------


@wrong(TypeError, "boolean", "(x > 0)", "switch")
def a_comparison_as_condition() -> None:
    x = T.dscalar("x")
    if x > 0:  # <-
        pass


@wrong(TypeError, "boolean", "(x > 0)", "&")
def a_chained_comparison() -> None:
    x = T.dscalar("x")
    0 < x < 1  # noqa: B015  # <-


@wrong(TypeError, "len", "x", "shape[0]")
def the_length_of_a_tensor() -> None:
    x = T.dvector("x")
    len(x)  # <-


@wrong(TypeError, "iteration", "x", "scan")
def iteration_over_a_tensor() -> None:
    x = T.dvector("x")
    for _ in x:  # <-
        pass


@wrong(TypeError, "float", "x", "eval")
def a_variable_as_python_number() -> None:
    x = T.dscalar("x")
    float(x)  # <-


@wrong(AsTensorError, "True or False", "eq(a, b)")
def the_result_of_an_equality() -> None:
    a, b = T.dscalars("a", "b")
    T.as_tensor_variable(a == b)  # <-


@wrong(AsTensorError, "str", "'seven'")
def a_text_as_tensor() -> None:
    T.as_tensor_variable("seven")  # <-


@wrong(TypeError, "None", "NoneType")
def a_sum_with_none() -> None:
    x = T.dmatrix("x")
    T.add(x, None)  # <-


# -- dtypes ----------------------------------------------------------------------------------------------------------


@wrong(TypeError, "bool", "b", "`~`")
def minus_of_a_bool() -> None:
    b = T.TensorType("bool", (False,))("b")
    _ = -b  # <-


@wrong(TypeError, "bool", "b", "c", "xor")
def difference_of_bools() -> None:
    b, c = T.TensorType("bool", (False,))("b"), T.TensorType("bool", (False,))("c")
    b - c  # <-


@wrong(TypeError, "cast", "z", "complex128", "float64", "real")
def cast_of_complex_to_real() -> None:
    z = T.zvector("z")
    T.cast(z, "float64")  # <-


@wrong(TypeError, "float99", "x", "dtype")
def cast_to_a_dtype_that_is_not_there() -> None:
    x = T.dvector("x")
    T.cast(x, "float99")  # <-


@wrong(TypeError, "x", "float64", "and_")
def bits_of_floats() -> None:
    x = T.dvector("x")
    x & x  # <-


@wrong(TypeError, "x", "int64", "float")
def round_of_integers() -> None:
    x = T.lvector("x")
    T.round(x)  # <-


@wrong(TypeError, "Unsupported dtype", "float99")
def a_type_of_an_unknown_dtype() -> None:
    T.TensorType("float99", (False,))  # <-


# -- nnet ------------------------------------------------------------------------------------------------------------


@wrong(ValueError, "softmax", "x", "3D", "reshape")
def softmax_of_three_dimensions() -> None:
    x = T.dtensor3("x")
    T.nnet.softmax(x)  # <-


@wrong(TypeError, "categorical_crossentropy", "p", "t", "matrix", "3D")
def crossentropy_of_other_ranks() -> None:
    p, t = T.dmatrix("p"), T.dtensor3("t")
    T.nnet.categorical_crossentropy(p, t)  # <-


@wrong(ValueError, "p", "y", "(4, 3)", "(5,)")
def labels_of_another_batch() -> None:
    x, y = T.dmatrix("p"), T.lvector("y")
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(x), y).mean()  # <-
    st.function([x, y], cost)(np.zeros((4, 3)), np.zeros(5, "int64"))


@wrong((IndexError, ValueError), "y", "(4, 3)")  # type: ignore[arg-type]
def a_label_that_is_no_class() -> None:
    x, y = T.dmatrix("x"), T.lvector("y")
    cost = T.nnet.categorical_crossentropy(T.nnet.softmax(x), y).mean()  # <-
    st.function([x, y], cost)(np.zeros((4, 3)), np.array([0, 1, 2, 9]))


@wrong.parametrize()
def test_tensors(mistake: Mistake) -> None:
    check(mistake)
