"""as_op: Python functions as Ops."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.as_op import FromFunctionOp, as_op
from tests.gradient.checks import run


@as_op([T.dmatrix, T.dmatrix], T.dmatrix)
def numpy_dot(a: Any, b: Any) -> Any:
    return np.dot(a, b)


@as_op(itypes=(T.dvector,), otypes=[T.dscalar, T.lscalar], infer_shape=lambda node, shapes: [(), ()])
def smallest(x: Any) -> Any:
    return x.min(), np.argmin(x)


A, B = np.arange(4.0).reshape(2, 2), np.ones((2, 2))


def test_values() -> None:
    a, b = T.dmatrices("ab")
    np.testing.assert_array_equal(run(numpy_dot(a, b), {a: A, b: B}), A @ B)
    np.testing.assert_array_equal(st.function([a, b], numpy_dot(a + 1, b) * 2)(A, B), 2 * (A + 1) @ B)
    x = T.dvector("x")
    value, position = st.function([x], smallest(x))([3.0, 1.0, 2.0])
    assert value == 1.0 and position == 1
    assert isinstance(value, np.ndarray) and position.dtype == "int64"


def test_names_and_types() -> None:
    assert str(numpy_dot) == "FromFunctionOp{numpy_dot}" and isinstance(numpy_dot, FromFunctionOp)
    assert smallest.itypes == [T.dvector] and hasattr(smallest, "infer_shape") and not hasattr(numpy_dot, "infer_shape")
    with pytest.raises(TypeError, match="expected inputs of types"):
        numpy_dot(T.dmatrix(), T.dvector())
    with pytest.raises(ValueError, match="expected 2 inputs"):
        numpy_dot(T.dmatrix())


def test_bad_declarations() -> None:
    with pytest.raises(TypeError, match="itypes has to be a list of Theano types"):
        as_op("float64", T.dscalar)
    with pytest.raises(TypeError, match="otypes has to be a list of Theano types"):
        as_op(T.dscalar, [T.dscalar, 3])
    with pytest.raises(TypeError, match="infer_shape needs to be a callable"):
        as_op(T.dscalar, T.dscalar, infer_shape=3)


def test_it_is_not_differentiable() -> None:
    a = T.dmatrix("a")
    with pytest.raises(NotImplementedError, match="FromFunctionOp"):
        st.grad(numpy_dot(a, a).sum(), a)


def test_wrong_results_are_reported() -> None:
    bad = as_op(T.dvector, [T.dvector, T.dvector])(lambda x: x)
    x = T.dvector("x")
    with pytest.raises(AssertionError, match="returned 1 values; as_op declared 2 outputs"):
        run(bad(x), {x: [1.0]})
    wrong = as_op(T.dvector, T.fvector)(lambda x: x)
    with pytest.raises(TypeError, match="float64"):
        run(wrong(x), {x: [1.0]})


def test_pickling_by_name() -> None:
    assert pickle.loads(pickle.dumps(numpy_dot)) is numpy_dot
    a = T.dmatrix("a")
    b, out = pickle.loads(pickle.dumps((a, numpy_dot(a, a))))
    np.testing.assert_array_equal(run(out, {b: A}), A @ A)
    local = as_op(T.dscalar, T.dscalar)(lambda x: x)
    with pytest.raises(pickle.PicklingError, match="Can't pickle as op"):
        pickle.dumps(local)


def test_equality() -> None:
    def f(x: Any) -> Any:
        return x

    assert as_op(T.dscalar, T.dscalar)(f) == as_op(T.dscalar, T.dscalar)(f) != numpy_dot
