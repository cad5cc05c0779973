"""The constructors of variables, and TensorType as users see it."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.config import config
from symtheano.tensor.create import PATTERNS, PLURALS, PREFIXES, TYPED


@pytest.mark.parametrize("kind", PATTERNS)
def test_floatX_constructors(kind: str) -> None:
    make = getattr(T, kind)
    x = make()
    assert x.name is None and x.dtype == config.floatX and x.broadcastable == PATTERNS[kind]
    assert make("x").name == "x" and make(name="y", dtype="int8").type == T.TensorType("int8", PATTERNS[kind])
    with config.change_flags(floatX="float32"):
        assert make().dtype == "float32"
        assert make(dtype="floatX").dtype == "float32"
    assert make.__name__ == kind and "dtype" in make.__doc__


@pytest.mark.parametrize("name", TYPED)
def test_typed_constructors(name: str) -> None:
    kind = getattr(T, name)
    assert isinstance(kind, T.TensorType)
    assert (kind.dtype, kind.broadcastable) == (PREFIXES[name[0]], PATTERNS[name[1:]])
    assert kind("x").name == "x" and kind().name is None and kind().type is kind


def test_there_are_8_times_10_typed_constructors() -> None:
    assert len(TYPED) == 80 and len(PLURALS) == 50


@pytest.mark.parametrize("name", PLURALS)
def test_plurals(name: str) -> None:
    several = getattr(T, name)
    a, b = several("a", "b")
    assert (a.name, b.name) == ("a", "b") and a.type == b.type
    assert [x.name for x in several(3)] == [None] * 3
    assert several("a").name == "a" and several(1).name is None
    assert [x.name for x in several("xy")] == ["x", "y"]
    singular = name.replace("matrices", "matrix") if "matri" in name else name[:-1]
    assert a.type == getattr(T, singular)("a").type


def test_plurals_take_a_dtype() -> None:
    assert [x.dtype for x in T.matrices(2, dtype="int8")] == ["int8", "int8"]


def test_tensor() -> None:
    assert T.tensor("float32", (True, False), name="x").name == "x"
    assert T.tensor(dtype="int8", broadcastable=[0, 1]).type == T.TensorType("int8", (False, True))
    assert T.tensor("floatX", ()).dtype == config.floatX
    with pytest.raises(TypeError):
        T.tensor("float33", ())


def test_dtype_lists() -> None:
    assert T.float_dtypes == ["float16", "float32", "float64"]
    assert T.complex_dtypes == ["complex64", "complex128"]
    assert T.int_dtypes == ["int8", "int16", "int32", "int64"]
    assert T.uint_dtypes == ["uint8", "uint16", "uint32", "uint64"]
    assert T.integer_dtypes == T.int_dtypes + T.uint_dtypes
    assert T.discrete_dtypes == ["bool", *T.integer_dtypes]
    assert T.continuous_dtypes == T.float_dtypes + T.complex_dtypes
    assert sorted(T.all_dtypes) == sorted(T.discrete_dtypes + T.continuous_dtypes)
    assert T.int_types == (T.bscalar, T.wscalar, T.iscalar, T.lscalar)
    assert T.float_matrix_types == (T.fmatrix, T.dmatrix) and T.complex_vector_types == (T.cvector, T.zvector)


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("float32", (False, False)), "TensorType(float32, matrix)"),
        (("int8", ()), "TensorType(int8, scalar)"),
        (("float64", (True, False)), "TensorType(float64, row)"),
        (("float64", (False, True)), "TensorType(float64, col)"),
        (("float64", (False,)), "TensorType(float64, vector)"),
        (("float64", (False,) * 4), "TensorType(float64, 4D)"),
        (("float64", (True, False, True)), "TensorType(float64, (True, False, True))"),
    ],
)
def test_types_have_theanos_text(args: Any, text: str) -> None:
    assert str(T.TensorType(*args)) == repr(T.TensorType(*args)) == text


def test_types_are_values() -> None:
    a, b = T.TensorType("float32", [1, 0]), T.TensorType("float32", (True, False))
    assert a == b and hash(a) == hash(b) and {a: 1}[b] == 1
    assert a != T.TensorType("float64", (True, False)) and a != T.TensorType("float32", (False, False))
    assert T.TensorType("float32", shape=(3,)) == T.fvector  # the length is knowledge, not identity
    assert pickle.loads(pickle.dumps(a)) == copy.deepcopy(a) == a
    with pytest.raises(TypeError):
        T.TensorType(np.float32, (False,))  # type: ignore[arg-type]


def test_type_call_makes_fresh_variables() -> None:
    x = T.fmatrix("x")
    y = x.type()
    assert y is not x and y.type == x.type and y.name is None
    assert x.type.make_variable("z").name == "z"
    assert isinstance(x, T.TensorVariable) and isinstance(x, T.Variable)
    assert isinstance(T.fmatrix.make_constant(np.ones((2, 2), "float32")), T.TensorConstant)
