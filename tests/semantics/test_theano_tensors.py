"""What Theano's users may count on in tensors, found by running its own tests: shapes, dtypes, keywords."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import AxisError
from symtheano.tensor.assertion import Assert


def test_sums_of_arguments_of_every_pattern() -> None:
    kinds = {T.dmatrix: (2, 3), T.drow: (1, 3), T.dcol: (2, 1), T.TensorType("float64", (True, True)): (1, 1)}
    for makers in itertools.product(kinds, repeat=3):
        a, b, c = variables = [make(name) for make, name in zip(makers, "abc", strict=True)]
        values = [np.random.default_rng(k).normal(size=kinds[make]) for k, make in enumerate(makers)]
        p, q, r = values
        cases = (
            (T.add(a, b, c), p + q + r),
            (T.mul(a, b, c), p * q * r),
            (T.exp(a) * T.exp(b) + T.exp(c), np.exp(p) * np.exp(q) + np.exp(r)),
        )
        for expression, expected in cases:
            np.testing.assert_allclose(st.function(variables, expression)(*values), expected)


def test_rows_of_the_table_that_are_defined_by_others_broadcast() -> None:
    x, k = T.dmatrix("x"), T.dscalar("k")
    values = np.array([[0.5, 1.0, 2.0], [3.0, 4.0, 5.0]])
    np.testing.assert_allclose(st.function([x, k], T.chi2sf(x, k))(values, 2.0), stats.chi2.sf(values, 2.0))
    np.testing.assert_allclose(st.function([x, k], T.chi2sf(k, x))(values, 2.0), stats.chi2.sf(2.0, values))


@pytest.mark.parametrize(("dtype", "result"), [("float32", "complex64"), ("float64", "complex128")])
def test_complex_from_polar(dtype: str, result: str) -> None:
    r, t = T.matrix("r", dtype=dtype), T.row("t", dtype=dtype)
    got = st.function([r, t], T.complex_from_polar(r, t))(np.full((2, 3), 2, dtype), np.full((1, 3), 1, dtype))
    assert got.dtype == result
    np.testing.assert_allclose(got, 2 * np.exp(1j) * np.ones((2, 3)), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "int64"])
def test_ceil_intdiv_keeps_the_dtype(dtype: str) -> None:
    a, b = T.vectors("a", "b", dtype=dtype)
    p, q = np.array([7, 8, 100, 0], dtype), np.array([2, 4, 3, 5], dtype)
    out = T.ceil_intdiv(a, b)
    assert out.type.dtype == dtype
    np.testing.assert_array_equal(st.function([a, b], out)(p, q), [4, 2, 34, 0])


def test_stack_takes_its_list_by_name() -> None:
    x, y = T.dvectors("x", "y")
    assert T.stack(tensors=[x, y]).owner.op == T.stack([x, y]).owner.op
    assert st.function([x, y], T.stack(tensors=[x, y], axis=1))([1.0, 2.0], [3.0, 4.0]).tolist() == [[1, 3], [2, 4]]
    with pytest.raises(TypeError):
        T.stack([x, y], 0, tensors=[x, y])


def test_comparisons_of_int64_vectors_compile() -> None:
    a, b = T.lvectors("a", "b")
    f = st.function([a, b], [T.neq(a % b, 0), T.ge(a + b, 0), T.switch(T.lt(a // b, 2), a, b)])
    got = f([7, -8, 9], [2, 4, 3])
    np.testing.assert_array_equal(got, [[1, 0, 0], [1, 0, 1], [2, -8, 3]])


def test_an_empty_list_is_of_floatX() -> None:
    for dtype in ("float64", "float32"):
        with st.change_flags(floatX=dtype):
            assert T.as_tensor_variable([]).type.dtype == T.as_tensor_variable(()).type.dtype == dtype
    assert T.as_tensor_variable(np.array([], "int32")).type.dtype == "int32"
    x = T.dvector("x")
    assert x[[]].eval({x: [1.0, 2.0]}).shape == (0,)


def test_an_axis_that_is_not_there_is_both_errors() -> None:
    x = T.dmatrix("x")
    for wrong in (lambda: T.addbroadcast(x, 2), lambda: T.unbroadcast(x, 2), lambda: T.swapaxes(x, 0, 2)):
        for kind in (ValueError, IndexError, AxisError):
            with pytest.raises(kind):
                wrong()


def test_values_are_compared_without_an_instance() -> None:
    a = np.array([1.0, np.nan, np.inf])
    assert T.TensorType.values_eq(a, a.copy()) and T.TensorType.values_eq_approx(a, a * (1 + 1e-12))
    assert not T.TensorType.values_eq_approx(a, a.astype("float32"))
    assert not T.TensorType.values_eq_approx(np.array([1, 2]), np.array([1, 3]))


@pytest.mark.parametrize("keywords", [{"axis": 0}, {"dtype": "float32"}, {"out": None}, {"a": 1}])
def test_elementwise_functions_refuse_keywords_they_do_not_know(keywords: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        T.exp(T.dvector("x"), **keywords)


def test_the_inverse_of_a_permutation_keeps_its_dtype() -> None:
    p = T.imatrix("p")
    inverse = T.inverse_permutation(p)
    assert inverse.type == p.type
    rows = np.array([[2, 0, 1], [1, 0, 2]], "int32")
    np.testing.assert_array_equal(inverse.eval({p: rows}), np.argsort(rows, axis=1))


def test_constants_are_seen_through_assertions_that_hold() -> None:
    c = T.constant(2)
    assert T.get_scalar_constant_value(Assert()(c, c > 1)) == 2
    for condition in (c > 2, T.bscalar("b")):
        with pytest.raises(T.NotScalarConstantError):
            T.get_scalar_constant_value(Assert()(c, condition))
