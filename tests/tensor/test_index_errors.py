"""Mistakes in indexing: the class of the error, and that its message names what is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.errors import AdvancedIndexingError
from symtheano.graph.interpret import evaluate
from symtheano.tensor.index import IncSubtensor, Subtensor, choose, inc_subtensor, index, set_subtensor, take
from symtheano.tensor.type import tensor_type

BOOLS = [True, np.True_, np.array(True), [True, False], [[True], [False]], (slice(None), False)]


@pytest.mark.parametrize("key", BOOLS)
def test_python_bools(key: Any) -> None:
    with pytest.raises(TypeError, match="does not support Python bools"):
        index(T.matrix("x"), key)


@pytest.mark.parametrize(
    "key",
    [1.0, np.float64(1), 1j, "a", [0.5], np.array([1.5]), np.array(2.5), slice(0.5, None), slice(None, None, 1.0), {}],
)
def test_what_is_no_integer(key: Any) -> None:
    with pytest.raises(TypeError, match="Expected an integer"):
        index(T.matrix("x"), key)


def test_variables_that_are_no_integers() -> None:
    x = T.matrix("x")
    for key in (T.dscalar("f"), T.dvector("f"), slice(T.fscalar("f"), None), slice(T.lvector("v"), None)):
        with pytest.raises(TypeError, match="Expected an integer") as error:
            index(x, key)
        assert "what to do" in str(error.value)
    with pytest.raises(TypeError, match="Python bools"):
        index(x, T.TensorType("bool", ())("b"))
    with pytest.raises(TypeError, match="Python bools"):
        index(x, ([0, 1], [0, T.TensorType("bool", ())("b")]))


def test_too_many_indices() -> None:
    x = T.matrix("x")
    mask = np.ones((2, 2), bool)
    for key in [(0, 0, 0), (slice(None),) * 3, ([0], [0], [0]), (0, mask), (..., 0, 0, 0), (None, 0, 0, 0)]:
        with pytest.raises(IndexError, match="too many indices for array: the array is 2-dimensional, but 3") as error:
            index(x, key)
        assert "x: TensorType(float64, matrix)" in str(error.value)
    with pytest.raises(IndexError, match="single Ellipsis"):
        index(x, (..., ...))


def test_out_of_range_when_building() -> None:
    x = tensor_type("float64", (3, 4))("x")
    for key in (3, -4, (slice(None), 4), [0, 3], (slice(None), np.array([[-5]]))):
        with pytest.raises(IndexError, match="out of bounds for axis"):
            index(x, key)
    with pytest.raises(IndexError, match="boolean index did not match"):
        index(x, np.array([True, False]))
    with pytest.raises(IndexError, match="could not be broadcast"):
        index(x, ([0, 1], [0, 1, 2]))
    with pytest.raises(ValueError, match="slice step cannot be zero"):
        index(x, slice(None, None, 0))


def test_out_of_range_when_running() -> None:
    x, i, v, b = T.dmatrix("x"), T.lscalar("i"), T.lvector("v"), T.TensorType("bool", [False])("b")
    array = np.zeros((3, 4))
    for part in (x[i], x[3], x[v], x[:, v], x[v, 0], x[b]):
        env: dict[Any, Any] = {x: array, i: np.asarray(5), v: np.array([0, 5]), b: np.array([True])}
        with pytest.raises(IndexError):
            evaluate([part], env)
        with pytest.raises(IndexError):
            evaluate([set_subtensor(part, 0)], env)
        with pytest.raises(IndexError):
            evaluate([inc_subtensor(part, 1)], env)


def test_what_is_no_part() -> None:
    x = T.matrix("x")
    for part in (x, x + 1, x.T, x[:, None], T.constant(1.0)):
        with pytest.raises(TypeError, match="x must be the result of a subtensor operation") as error:
            set_subtensor(part, 0)
        assert "what to do" in str(error.value)


def test_values_that_do_not_fit() -> None:
    x = tensor_type("float64", (3, 4))("x")
    for write in (set_subtensor, inc_subtensor):
        with pytest.raises(TypeError, match="2-dimensional value into a 1-dimensional part") as error:
            write(x[0], T.matrix("y"))
        assert "y: TensorType(float64, matrix)" in str(error.value)
    with pytest.raises(ValueError, match="2-dimensional value for a 1-dimensional part"):
        IncSubtensor([slice(None)])(x[0], T.matrix("y"))
    with pytest.raises(ValueError, match="the lengths differ"):
        set_subtensor(x[0], np.zeros(3))
    with pytest.raises(TypeError, match="2-dimensional value"):
        set_subtensor(x[1:][0].dimshuffle("x", 0)[0], T.matrix("y"))
    with pytest.raises(TypeError, match="a complex value for a real array"):
        set_subtensor(x[0], 1j)
    m, y = T.dmatrix("m"), T.dvector("y")
    for write in (set_subtensor, inc_subtensor):
        with pytest.raises(ValueError):
            evaluate([write(m[0], y)], {m: np.zeros((3, 4)), y: np.zeros(3)})


def test_patterns() -> None:
    with pytest.raises(TypeError, match="types, not numbers"):
        Subtensor([0])
    with pytest.raises(AdvancedIndexingError):
        Subtensor([T.lvector("v")])
    with pytest.raises(AdvancedIndexingError):
        Subtensor(["a"])
    op = Subtensor([T.lscalar("i"), slice(None, T.iscalar("j"))])
    assert str(op) == "Subtensor{int64, :int32:}"
    assert op == Subtensor([tensor_type("int64", ()), slice(None, tensor_type("int32", ()))])
    with pytest.raises(TypeError, match="takes 2 index inputs"):
        op(T.matrix("x"), 1)
    with pytest.raises(TypeError, match="Expected an integer"):
        op(T.matrix("x"), 1.5, 2)


def test_take_and_choose() -> None:
    x = T.matrix("x")
    with pytest.raises(ValueError, match="mode must be"):
        take(x, [0], mode="other")
    with pytest.raises(ValueError, match="no axis 2"):
        take(x, [0], axis=2)
    with pytest.raises(TypeError, match="Expected an integer"):
        take(x, [0.5])
    with pytest.raises(ValueError, match="mode must be"):
        choose(T.lvector("a"), [x, x], mode="other")
    with pytest.raises(TypeError, match="choose needs integers"):
        choose(T.vector("a"), [x, x])
    with pytest.raises(TypeError, match="out is not supported"):
        choose(T.lvector("a"), [x, x], out=x)
