"""THEANO.md section 3, items 1-16: what clients silently rely on about types, dtypes and variables."""

from __future__ import annotations

import copy
import operator
import pickle
from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.config import config
from symtheano.graph.interpret import evaluate
from symtheano.tensor.sharedvar import shared


def var(dtype: str, ndim: int = 1) -> Any:
    return T.TensorType(dtype, (False,) * ndim)()


# -- 1-3: static broadcasting ----------------------------------------------------------------------------------------


def test_1_only_axes_whose_type_says_so_are_stretched() -> None:
    x, y = T.dmatrices(2)
    with pytest.raises(ValueError, match="mis-match"):
        evaluate([x + y], {x: np.ones((1, 3)), y: np.ones((2, 3))})
    row = T.drow()
    assert evaluate([row + y], {row: np.ones((1, 3)), y: np.ones((2, 3))})[0].shape == (2, 3)


@pytest.mark.parametrize(
    ("make", "pattern"),
    [
        (lambda: T.matrix(), (False, False)),
        (lambda: shared(np.ones((1, 3))), (False, False)),
        (lambda: T.matrix()[:1], (False, False)),
        (lambda: T.row(), (True, False)),
        (lambda: T.col(), (False, True)),
        (lambda: T.vector().dimshuffle("x", 0), (True, False)),
        (lambda: T.matrix().sum(axis=0, keepdims=True), (True, False)),
        (lambda: T.vector().reshape((1, 3)), (True, False)),
        (lambda: T.zeros((1, T.lscalar())), (True, False)),
        (lambda: T.as_tensor_variable(np.ones((1, 3))), (True, False)),
        (lambda: T.constant([[1, 2]]), (True, False)),
        (lambda: T.eye(1), (False, False)),
        (lambda: T.arange(1), (False,)),
    ],
)
def test_1_who_is_broadcastable(make: Any, pattern: tuple[bool, ...]) -> None:
    assert make().broadcastable == pattern


def test_2_a_type_is_dtype_and_pattern() -> None:
    row, matrix = T.frow(), T.fmatrix()
    assert row.type != matrix.type
    assert matrix.type.filter_variable(row).type == matrix.type
    with pytest.raises(TypeError):
        row.type.filter_variable(matrix)
    with pytest.raises(TypeError):
        T.fmatrix().type.filter_variable(T.dmatrix())
    with pytest.raises(TypeError, match="Non-unit value on shape on a broadcastable dimension"):
        row.type.filter(np.ones((2, 3), "float32"))


def test_3_patterns_of_results() -> None:
    row, col, matrix = T.row(), T.col(), T.matrix()
    assert (row + row).broadcastable == (True, False)
    assert (row + col).broadcastable == (False, False)
    assert (row + matrix).broadcastable == (False, False)
    assert T.concatenate([row, matrix], axis=1).broadcastable == (True, False)
    assert T.concatenate([row, row], axis=0).broadcastable == (False, False)


# -- 4-11: dtypes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "out"),
    [
        ("int8", "int8", "int8"),
        ("int8", 1, "int8"),
        ("int8", 200, "int16"),
        ("int32", 2**40, "int64"),
        ("int32", "float32", "float64"),
        ("int64", "float32", "float64"),
        ("int8", "float32", "float32"),
        ("int16", "float32", "float32"),
        ("int8", "float16", "float16"),
        ("int16", "float16", "float32"),
        ("uint8", -1, "int16"),
        ("uint8", "int8", "int16"),
        ("uint32", "int32", "int64"),
        ("uint64", "int64", "float64"),
        ("float32", "complex64", "complex64"),
        ("float64", "complex64", "complex128"),
    ],
)
def test_4_promotion(a: str, b: Any, out: str) -> None:
    assert (var(a) + (var(b) if isinstance(b, str) else b)).dtype == out


def test_4_small_integers_wrap() -> None:
    x = T.bvector()
    assert evaluate([x + x], {x: np.array([100], "int8")})[0].tolist() == [-56]


@pytest.mark.parametrize(
    ("floatX", "make", "out"),
    [
        ("float32", lambda: var("float32") + 0.1, "float32"),
        ("float32", lambda: var("int8") * 0.5, "float32"),
        ("float32", lambda: var("int32") * 0.5, "float64"),
        ("float32", lambda: var("int64") * 0.5, "float64"),
        ("float64", lambda: var("float32") + 1.0, "float32"),
        ("float64", lambda: var("float32") + 0.1, "float64"),
        ("float64", lambda: var("float32") * np.sqrt(2), "float64"),
        ("float32", lambda: var("float32") * np.sqrt(2), "float64"),
        ("float32", lambda: var("float32") * np.float64(1), "float64"),
        ("float32", lambda: var("float32") * np.array(1.0), "float64"),
        ("float32", lambda: var("float32") * np.float32(2), "float32"),
        ("float32", lambda: T.as_tensor_variable([1.0, 2.0]), "float64"),
        ("float64", lambda: T.constant(1), "int8"),
        ("float64", lambda: T.constant(300), "int16"),
        ("float64", lambda: T.constant(-40000), "int32"),
        ("float64", lambda: T.constant(2**31), "int64"),
    ],
)
def test_5_python_numbers(floatX: str, make: Any, out: str) -> None:
    with config.change_flags(floatX=floatX):
        assert make().dtype == out


@pytest.mark.parametrize("floatX", ["float32", "float64"])
def test_6_true_division(floatX: str) -> None:
    with config.change_flags(floatX=floatX):
        assert (var("int32") / var("int32")).dtype == floatX
        assert (var("int64") / 2).dtype == (var("int8") / 2).dtype == floatX
        x = T.fmatrix()
        assert (x.sum() / x.shape[0]).dtype == "float64"
        assert (1.0 / x.shape[0]).dtype == "float64"
        assert (1 / x.shape[0]).dtype == floatX


def test_6_integer_division() -> None:
    i, j = T.ivectors(2)
    assert (i // j).dtype == "int32"
    values = {i: np.array([7, -7, 7, -7, 3], "int32"), j: np.array([2, 2, -2, -2, 0], "int32")}
    quotient, rest, ratio = evaluate([i // j, i % j, i / j], values)
    assert quotient.tolist() == [3, -4, -4, 3, 0]
    assert rest.tolist()[:4] == [1, 1, -1, -1]
    assert ratio[-1] == np.inf


@pytest.mark.parametrize("floatX", ["float32", "float64"])
def test_7_float_functions_of_integers(floatX: str) -> None:
    with config.change_flags(floatX=floatX):
        for dtype in ("int8", "int16", "uint8", "uint16", "bool"):
            assert T.exp(var(dtype)).dtype == "float32"
        for dtype in ("int32", "int64", "uint32", "uint64"):
            assert var(dtype).tanh().dtype == "float64"
        assert T.floor(var("int32")).dtype == T.ceil(var("int64")).dtype == "float64"
        with pytest.raises(TypeError):
            T.round(var("int32"))


def test_8_reductions() -> None:
    with config.change_flags(floatX="float32"):
        assert T.mean(T.neq(T.ivector(), T.ivector())).dtype == "float64"
        assert T.mean(var("int8")).dtype == var("bool").var().dtype == var("uint8").std().dtype == "float64"
    assert var("int8").sum().dtype == var("bool").prod().dtype == "int64"
    assert var("uint8").sum().dtype == "uint64"
    assert var("float32").sum().dtype == "float32" and "acc_dtype=float64" in str(var("float32").sum())
    assert "acc_dtype=float32" in str(var("float16").sum())


def test_9_booleans() -> None:
    x, b = T.fvector(), var("bool")
    for result in (x > 1, x <= x, T.eq(x, x), T.isnan(x), T.all(x), T.any(x > 0), ~b, b + b, b | b):
        assert result.dtype == "bool"
    assert (1 - b).dtype == "int8" and (b * x).dtype == "float32"
    assert T.switch(b, 1, 0).dtype == "int8"
    with pytest.raises(TypeError):
        operator.neg(b)
    with pytest.raises(TypeError):
        operator.sub(b, b)


@pytest.mark.parametrize("floatX", ["float32", "float64"])
def test_10_default_dtypes(floatX: str) -> None:
    with config.change_flags(floatX=floatX):
        for result in (T.zeros(3), T.ones((2, 2)), T.eye(2), T.tri(2)):
            assert result.dtype == floatX
        assert T.zeros_like(var("int32")).dtype == T.ones_like(var("int32")).dtype == "int32"
        assert T.arange(3).dtype == T.arange(T.bscalar()).dtype == "int64"
        assert T.alloc(0.0, 2).dtype == "float32"
        x = T.fmatrix()
        assert {x.argmax().dtype, x.shape.dtype, x.size.dtype, x.nonzero()[0].dtype} == {"int64"}


def test_11_bool_is_no_tensor_but_may_be_shared() -> None:
    with pytest.raises(T.AsTensorError, match="=="):
        T.as_tensor_variable(True)
    assert issubclass(T.AsTensorError, TypeError)
    assert shared(True).dtype == "bool"
    assert T.as_tensor_variable(np.array(True)).dtype == "bool"


def test_12_floatX_is_read_at_the_call() -> None:
    with config.change_flags(floatX="float32"):
        assert T.scalar().dtype == T.zeros(1).dtype == "float32"
    assert T.scalar().dtype == T.zeros(1).dtype == "float64"


# -- 13-16: variables ------------------------------------------------------------------------------------------------


def test_13_equality_is_identity() -> None:
    x, y = T.matrix("x"), T.matrix("x")
    assert (x == x) is True and (x == y) is False and (x != y) is True
    assert x in [y, x] and x not in [y] and [y, x].index(x) == 1 and {x: 1, y: 2}[x] == 1
    assert x != 0 and (np.ones(3) == x) is False and (np.float32(1) != x) is True
    assert T.constant(1) != T.constant(2)


def test_13_truth() -> None:
    x = T.scalar("x")
    assert x and bool(x + 1) and bool(T.eq(x, 0)) and bool(T.lt(x, 0))
    for comparison in (x < 1, x <= 1, x > 1, x >= 1, x > 1, np.float32(1) < x, np.ones(3) >= x):
        assert isinstance(comparison, T.TensorVariable)
        with pytest.raises(TypeError, match="Variables do not support boolean operations"):
            bool(comparison)
    with pytest.raises(TypeError, match="a < b < c"):
        bool(0 < x < 1)
    assert bool((x < 1) & (x > 0))


def test_14_names_tags_and_attributes() -> None:
    x = T.matrix("x")
    x._keras_shape = (2, 3)
    x.tag.test_value, x.tag.annotations = 1, ["here"]
    assert x._keras_shape == (2, 3)
    y = x.clone()
    assert y is not x and y.name == "x" and y.tag.test_value == 1
    y.tag.test_value = 2
    y.tag.annotations.append("shared")
    assert x.tag.test_value == 1 and x.tag.annotations == ["here", "shared"]  # a shallow copy
    z = x + 1
    assert z.owner.inputs[0] is x and z.index == 0 and z.get_parents() == [z.owner] and x.get_parents() == []
    assert copy.copy(x).tag.annotations is x.tag.annotations
    again = pickle.loads(pickle.dumps(z))
    assert again.owner.inputs[0].tag.test_value == 1 and again.owner.op == z.owner.op
    assert x.copy().owner.op == T.tensor_copy and x.copy(name="c").name == "c"
    assert x.auto_name != z.auto_name


def test_15_texts() -> None:
    x = T.dmatrix("x")
    assert str(x) == repr(x) == "x"
    assert str(T.dmatrix()) == "<TensorType(float64, matrix)>"
    assert str(x + 1) == "Elemwise{add,no_inplace}.0"
    assert str(x.dimshuffle("x", 0, 1)) == "InplaceDimShuffle{x,0,1}.0"
    assert str(x[0]) == "Subtensor{int64}.0"
    assert str(x.sum(axis=0)) == "Sum{axis=[0], acc_dtype=float64}.0"
    assert str(x.T) == "x.T" and str(x.mean()) == "mean"
    assert str(shared(1.0)) == "<TensorType(float64, scalar)>" and str(shared(1.0, "s")) == "s"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "TensorConstant{1}"),
        (2.5, "TensorConstant{2.5}"),
        ([1, 2, 3], "TensorConstant{[1 2 3]}"),
        (np.ones((2, 3)), "TensorConstant{(2, 3) of 1.0}"),
        (np.zeros(2, "int8"), "TensorConstant{(2,) of 0}"),
        (np.arange(100), "TensorConstant{[ 0  1  2 .. 97 98 99]}"),
        (np.zeros((0,)), "TensorConstant{[]}"),
    ],
)
def test_15_constants_show_their_value(value: Any, text: str) -> None:
    assert str(T.constant(value)) == text


def test_16_constants() -> None:
    assert T.constant(3) is T.constant(3) and T.constant(0.5) is T.constant(0.5)
    assert T.constant(1) is not T.constant(1.0) and T.constant(0.0) is not T.constant(-0.0)
    c = T.constant(np.arange(3))
    assert c.data.tolist() == c.value.tolist() == [0, 1, 2] and c.owner is None
    assert type(T.constant(3).data) is np.ndarray
