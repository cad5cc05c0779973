"""shared(): which type a value gets, what is copied, and what set_value accepts."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.config import config
from symtheano.graph.interpret import evaluate
from symtheano.graph.shared import SharedVariable
from symtheano.graph.type import Generic
from symtheano.tensor.sharedvar import (
    ScalarSharedVariable,
    TensorSharedVariable,
    shared,
    shared_constructor,
    tensor_constructor,
)


@pytest.mark.parametrize(
    ("value", "dtype", "ndim"),
    [
        (1, "int64", 0),
        (1.0, "float64", 0),
        (True, "bool", 0),
        (1j, "complex128", 0),
        (np.float32(1), "float32", 0),
        (np.bool_(True), "bool", 0),
        (np.uint8(1), "uint8", 0),
        (np.array(1.0), "float64", 0),
        (np.ones((1, 3)), "float64", 2),
        (np.ones((2, 1, 3), "float16"), "float16", 3),
        (np.zeros(0, "int8"), "int8", 1),
        (np.ones(3, ">f4"), "float32", 1),
    ],
)
@pytest.mark.parametrize("floatX", ["float32", "float64"])
def test_type_of_a_value(value: Any, dtype: str, ndim: int, floatX: str) -> None:
    with config.change_flags(floatX=floatX):
        s = shared(value, "s")
    assert isinstance(s, TensorSharedVariable) and s.type == T.TensorType(dtype, (False,) * ndim) and s.name == "s"
    assert s.type.shape == (None,) * ndim  # the value may be replaced by one of another shape
    got = s.get_value()
    assert isinstance(got, np.ndarray) and got.dtype == dtype and np.array_equal(got, value)


def test_scalars_have_their_own_class() -> None:
    assert isinstance(shared(1.0), ScalarSharedVariable) and not isinstance(shared(np.ones(2)), ScalarSharedVariable)


@pytest.mark.parametrize("value", [[1, 2], "text", None, {"a": 1}, object(), np.array(["a"]), np.array([object()])])
def test_other_objects_are_generic(value: Any) -> None:
    s = shared(value)
    assert type(s) is SharedVariable and isinstance(s.type, Generic)
    assert s.get_value(borrow=True) is value


def test_broadcastable() -> None:
    s = shared(np.ones((1, 3)), broadcastable=(True, False))
    assert s.broadcastable == (True, False)
    with pytest.raises(TypeError):
        s.set_value(np.ones((2, 3)))
    with pytest.raises(TypeError, match="Non-unit value"):
        shared(np.ones((2, 3)), broadcastable=(True, False))


@pytest.mark.parametrize("kwargs", [{"foo": 1}, {"target": "cuda"}, {"dtype": "float32"}])
@pytest.mark.parametrize("value", [np.ones(2), 1.0, [1]])
def test_unknown_arguments(value: Any, kwargs: Any) -> None:
    with pytest.raises(TypeError, match="No suitable SharedVariable constructor could be found"):
        shared(value, **kwargs)


def test_variables_are_no_values() -> None:
    with pytest.raises(TypeError, match="symbolic"):
        shared(T.vector())


# -- copies ----------------------------------------------------------------------------------------------------------


def test_values_are_copied_unless_borrowed() -> None:
    a = np.ones(3)
    s, b = shared(a), shared(a, borrow=True)
    a[0] = 5
    assert s.get_value()[0] == 1 and b.get_value()[0] == 5
    assert b.get_value(borrow=True) is a and b.get_value() is not a
    got = s.get_value()
    got[1] = 7
    assert s.get_value()[1] == 1
    s.set_value(a)
    a[0] = 6
    assert s.get_value()[0] == 5
    s.set_value(a, borrow=True)
    assert s.get_value(borrow=True) is a


def test_get_value_of_0d_is_an_array() -> None:
    s = shared(1.5)
    for borrow in (False, True):
        assert type(s.get_value(borrow=borrow)) is np.ndarray
    s.set_value(2)
    assert type(s.get_value()) is np.ndarray and s.get_value() == 2.0


def test_set_value_keeps_strides_of_a_borrowed_array() -> None:
    a = np.arange(6.0).reshape(2, 3).T
    s = shared(a, borrow=True)
    assert s.get_value(borrow=True).strides == a.strides and np.array_equal(s.get_value(), a)


# -- what set_value accepts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "new", "fits"),
    [
        (np.ones(3), np.ones(5), True),  # the shape may change
        (np.ones(3), np.ones((3, 1)), False),  # the number of dimensions not
        (np.ones(3), 1.0, False),
        (1.0, 2.5, True),
        (1.0, 2, True),
        (1, 2.5, False),
        (1, 3.0, True),
        (np.float32(1), 2.5, True),
        (np.float32(1), np.float64(0.1), False),
        (np.ones(2, "float32"), np.ones(2), False),
        (np.ones(2, "float32"), np.ones(2, "int8"), True),
        (np.ones(2, "float32"), np.ones(2, "int64"), False),
        (np.ones(2, "float32"), [1, 2], True),
        (np.ones(2, "float32"), [0.1, 2], False),
        (np.ones(2, "int32"), [1, 2], True),
        (np.ones(2, "int32"), np.ones(2, "int64"), False),
        (np.ones(2), np.ones(2, "complex64"), False),
        (np.ones(2), "text", False),
        (np.ones(2), None, False),
    ],
)
def test_set_value(start: Any, new: Any, fits: bool) -> None:
    s = shared(start, "s")
    before = s.get_value()
    if not fits:
        with pytest.raises(TypeError):
            s.set_value(new)
        assert np.array_equal(s.get_value(), before)
        return
    s.set_value(new)
    assert s.get_value().dtype == before.dtype and np.array_equal(s.get_value(), new)


def test_strict_and_allow_downcast() -> None:
    s = shared(np.ones(2, "float32"), strict=True)
    with pytest.raises(TypeError):
        s.set_value(np.ones(2, "int8"))
    s = shared(np.ones(2, "float32"), allow_downcast=True)
    s.set_value(np.array([0.1, 0.2]))
    assert s.get_value().dtype == "float32"


# -- the variable ----------------------------------------------------------------------------------------------------


def test_shared_variables_are_tensors() -> None:
    s = shared(np.arange(6.0).reshape(2, 3), "s")
    env = {s: s.get_value()}
    for got, want in zip(
        evaluate([s[1], s + 1, s.T, s.shape, -s, 2 * s, s.sum(axis=0)], env),
        [[3, 4, 5], s.get_value() + 1, s.get_value().T, [2, 3], -s.get_value(), 2 * s.get_value(), [3, 5, 7]],
    ):
        assert np.array_equal(got, want)
    assert hash(s) and s == s and (s == shared(1)) is False
    assert s.container.data is s.container.storage[0] is s.container.value


def test_clone_shares_the_container() -> None:
    s = shared(np.ones(2), "s")
    c = s.clone()
    assert type(c) is type(s) and c is not s and c.name == "s" and c.container is s.container
    c.set_value(np.zeros(3))
    assert s.get_value().shape == (3,)


def test_value_is_gone_and_zero_works() -> None:
    s = shared(np.ones(2))
    with pytest.raises(Exception, match="get_value"):
        s.value  # noqa: B018
    a = s.get_value(borrow=True)
    s.zero(borrow=True)
    assert s.get_value(borrow=True) is a and not a.any()
    s = shared(np.ones(2, "int8"))
    s.zero()
    assert s.get_value().dtype == "int8" and not s.get_value().any()


def test_default_update_is_an_attribute() -> None:
    s = shared(1.0)
    assert s.default_update is None
    s.default_update = s + 1
    assert s.default_update.owner.inputs[0] is s


def test_pickle_and_deepcopy() -> None:
    s = shared(np.ones(2, "float32"), "s")
    for again in (pickle.loads(pickle.dumps(s)), copy.deepcopy(s)):
        assert type(again) is type(s) and again.name == "s" and again.type == s.type
        again.set_value(np.zeros(2, "float32"))
        assert s.get_value().all()
    first, second = pickle.loads(pickle.dumps([s, s]))
    assert first is second


def test_own_constructors_come_first() -> None:
    class Model:
        pass

    @shared_constructor
    def model_constructor(value: Any, name: str | None = None, strict: bool = False, allow_downcast: Any = None) -> Any:
        if not isinstance(value, Model):
            raise TypeError("no model")
        return tensor_constructor(np.ones(2), name="model")

    try:
        assert shared(Model()).name == "model" and shared(1.0).name is None
    finally:
        shared_constructor(model_constructor, remove=True)
    assert isinstance(shared(Model()).type, Generic)
