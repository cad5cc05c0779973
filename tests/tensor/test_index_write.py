"""Writing: set_subtensor and inc_subtensor against numpy, on random keys and values; dtypes, aliasing, text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symtheano.tensor as T
from symtheano.graph.interpret import evaluate
from symtheano.graph.variable import Variable
from symtheano.tensor import kernels
from symtheano.tensor.index import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    IncSubtensor,
    advanced_inc_subtensor,
    advanced_inc_subtensor1,
    advanced_set_subtensor,
    advanced_set_subtensor1,
    advanced_subtensor,
    inc_subtensor,
    set_subtensor,
)
from symtheano.tensor.index_advanced import LastWriter
from tests.tensor.index_cases import Case, advanced, basic, keys


def value_for(draw: st.DrawFn, case: Case, slot: tuple[int, ...]) -> Variable:
    """A value that can be broadcast into `slot`: axes missing in front, axes of length 1."""
    shape = slot[draw(st.integers(0, len(slot))) :]
    shape = tuple(1 if draw(st.integers(0, 4)) == 0 else n for n in shape)
    array = -1.0 - np.arange(np.prod(shape)).reshape(shape)
    return case.give(array, known=draw(st.booleans()))  # type: ignore[no-any-return]


def indexed(case: Case) -> Any:
    """The array that is written to, with its new axes."""
    part = case.part
    while part.owner is not None and "Subtensor" not in type(part.owner.op).__name__:
        part = part.owner.inputs[0]
    base = part.owner.inputs[0] if part.owner is not None else part
    return case.value(base)[0]


@st.composite
def written(draw: st.DrawFn) -> tuple[Case, Variable]:
    case = draw(keys())
    return case, value_for(draw, case, case.array[case.key].shape)


@given(written())
@settings(max_examples=300)
def test_set_and_inc(drawn: tuple[Case, Variable]) -> None:
    case, y = drawn
    part = case.part
    if part.owner is None or "Subtensor" not in type(part.owner.op).__name__:
        return
    key = tuple(slice(None) if k is None else k for k in case.key)  # new axes are axes of the array written to
    base = indexed(case)
    expected_set, expected_inc = np.array(base), np.array(base)
    expected_set[key] = case.env[y]
    np.add.at(expected_inc, key, case.env[y])
    before = case.array.copy()
    new, more = case.value(set_subtensor(part, y), inc_subtensor(part, y))
    np.testing.assert_array_equal(new, expected_set)
    np.testing.assert_array_equal(more, expected_inc)
    np.testing.assert_array_equal(case.array, before)


@given(advanced(masks=False))
def test_last_writer(case: Case) -> None:
    part = case.part
    node = part.owner
    op = LastWriter(node.op.idx_list)
    base = indexed(case)
    key = tuple(slice(None) if k is None else k for k in case.key)
    (last,) = case.value(op(*node.inputs))
    order = np.arange(last.size).reshape(last.shape)
    owner = np.full(base.shape, -1)
    owner[key] = order
    np.testing.assert_array_equal(last, owner[key] == order)
    assert last.sum() == (owner >= 0).sum()


@given(basic())
def test_the_result_has_the_type_of_the_array(case: Case) -> None:
    part = case.part
    if part.owner is not None and type(part.owner.op).__name__ == "Subtensor":
        base: Any = part.owner.inputs[0]
        new = set_subtensor(part, 0)
        assert new.type == base.type and new.type.shape == base.type.shape
        assert new.owner.op.infer_shape(new.owner, [base.type.shape, ()]) == [base.type.shape]


@pytest.mark.parametrize("x_dtype", ["int8", "int64", "uint8", "float16", "float32", "float64", "complex128", "bool"])
@pytest.mark.parametrize("y_dtype", ["int64", "uint8", "float32", "float64", "bool"])
@pytest.mark.parametrize("key", [slice(1, None), [0, 2]])
def test_the_value_is_cast_to_the_dtype_of_the_array(x_dtype: str, y_dtype: str, key: Any) -> None:
    x, y = T.vector("x", dtype=x_dtype), T.vector("y", dtype=y_dtype)
    env: dict[Variable, Any] = {x: np.array([1, 0, 1], x_dtype), y: np.array([1.7, 2.2]).astype(y_dtype)}
    new, more = evaluate([set_subtensor(x[key], y), inc_subtensor(x[key], y)], env)
    expected = env[x].copy()
    expected[key] = env[y]
    assert new.dtype == more.dtype == np.dtype(x_dtype)
    np.testing.assert_array_equal(new, expected)
    expected = env[x].copy()
    expected[key] += env[y].astype(x_dtype)
    np.testing.assert_array_equal(more, expected)


def test_duplicates() -> None:
    x, i, y = T.dmatrix("x"), T.lvector("i"), T.dmatrix("y")
    env: dict[Variable, Any] = {x: np.zeros((3, 2)), i: np.array([1, 1, -2]), y: np.arange(6.0).reshape(3, 2)}
    new, more = evaluate([set_subtensor(x[i], y), inc_subtensor(x[i], y)], env)
    np.testing.assert_array_equal(new, [[0, 0], [4, 5], [0, 0]])
    np.testing.assert_array_equal(more, [[0, 0], [6, 9], [0, 0]])


@pytest.mark.parametrize("shape", [(3,), (3, 2), (3, 2, 2)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["int8", "uint64", "int64"])
def test_add_at_is_numpys(rng: np.random.Generator, shape: tuple[int, ...], order: Any, dtype: str) -> None:
    x = np.asarray(rng.normal(size=shape), order=order)
    key = np.array([0, 2, 2, 1, 0], dtype)
    for y in (rng.normal(size=(5, *shape[1:])), rng.normal(size=(1, *shape[1:])), np.array(2.0)):
        expected, got = x.copy(order="K"), x.copy(order="K")
        np.add.at(expected, key, y)
        np.testing.assert_allclose(kernels.add_at(np, got, y, key), expected, rtol=1e-14)
    for bad in (np.array([3]), np.array([-4])):
        with pytest.raises(IndexError, match="out of bounds for axis 0 with size 3"):
            kernels.add_at(np, x.copy(), np.array(1.0), bad)


def test_axes_are_stretched_only_where_the_type_says_so() -> None:
    x, row, matrix = T.dmatrix("x"), T.drow("r"), T.dmatrix("m")
    env: dict[Variable, Any] = {x: np.zeros((3, 2)), row: np.ones((1, 2)), matrix: np.ones((1, 2))}
    evaluate([set_subtensor(x[1:], row)], env)
    for key in (slice(1, None), [0, 1]):
        for write in (set_subtensor, inc_subtensor):
            with pytest.raises(ValueError, match="its type does not say so"):
                evaluate([write(x[key], matrix)], env)
    evaluate([set_subtensor(x[2:], matrix), set_subtensor(x[[1]], matrix)], env)


def test_nested_parts() -> None:
    """As in Theano, what is replaced is a part of the inner part."""
    x = T.dmatrix("x")
    array = np.arange(12.0).reshape(4, 3)
    (value,) = evaluate([set_subtensor(x[1:][0], 0.0)], {x: array})
    np.testing.assert_array_equal(value, [[0, 0, 0], [6, 7, 8], [9, 10, 11]])


def test_parts_that_were_shuffled_or_reshaped() -> None:
    x, i, y = T.dmatrix("x"), T.lvector("i"), T.dmatrix("y")
    env: dict[Variable, Any] = {x: np.zeros((4, 3)), i: np.array([0, 2]), y: np.arange(8.0).reshape(4, 2)}
    part = x.T[i].T
    expected = np.zeros((4, 3))
    expected[:, [0, 2]] = env[y]
    (value,) = evaluate([set_subtensor(part, y)], env)
    np.testing.assert_array_equal(value, expected)
    flat = x[1:3].reshape((6,))
    (value,) = evaluate([inc_subtensor(flat, np.arange(6.0))], env)
    np.testing.assert_array_equal(value[1:3].ravel(), np.arange(6.0))
    assert value.shape == (4, 3) and not value[[0, 3]].any()
    (value,) = evaluate([set_subtensor(flat, 7.0)], env)
    assert value.sum() == 42
    (value,) = evaluate([set_subtensor(x[0].dimshuffle("x", 0), 1.0)], env)
    np.testing.assert_array_equal(value.sum(axis=1), [3, 0, 0, 0])


def test_the_functions_behind_the_ops() -> None:
    x, i = T.dmatrix("x"), T.lvector("i")
    env: dict[Variable, Any] = {x: np.ones((3, 2)), i: np.array([0, 0])}
    found = evaluate(
        [
            advanced_set_subtensor1(x, 5.0, i),
            advanced_inc_subtensor1(x, 5.0, i),
            advanced_set_subtensor(x, 5.0, i, i),
            advanced_inc_subtensor(x, 5.0, i, i),
            advanced_subtensor(x, i, i),
        ],
        env,
    )
    assert [v.sum() for v in found] == [14, 26, 10, 16, 2]


def test_text() -> None:
    x, v = T.matrix("x"), T.lvector("v")
    assert str(set_subtensor(x[1:3], 0)) == "IncSubtensor{Set;int64:int64:}.0"
    assert str(inc_subtensor(x[0], 0)) == "IncSubtensor{Inc;int64}.0"
    assert str(inc_subtensor(x[v], 0)) == "AdvancedIncSubtensor1{no_inplace,inc}.0"
    assert str(set_subtensor(x[:, v], 0)) == "AdvancedIncSubtensor{Set;::, TensorType(int64, vector)}.0"


def test_source_with_and_without_the_copy() -> None:
    x, n, y = T.matrix("x"), T.lscalar("n"), T.vector("y")
    node = set_subtensor(x[n, 1:], y).owner
    let = lambda text, dtype=None: text
    args = ("x", "y", "n", "c")
    assert node.op.array(node, let, *args) == "kernels.set_at(xp, xp.array(x), y, xp.s_[int(n), 1:], (-1,))"
    assert node.op.array_inplace(node, let, *args) == "kernels.set_at(xp, x, y, xp.s_[int(n), 1:], (-1,))"
    node = inc_subtensor(x[n], 1.0).owner
    assert node.op.array_inplace(node, let, "x", "y", "n") == "kernels.inc_at(xp, x, y, xp.s_[int(n)])"


def test_which_op_and_its_identity() -> None:
    x, v = T.matrix("x"), T.lvector("v")
    assert type(set_subtensor(x[0], 1).owner.op) is IncSubtensor
    assert type(set_subtensor(x[v], 1).owner.op) is AdvancedIncSubtensor1
    assert type(set_subtensor(x[v, v], 1).owner.op) is AdvancedIncSubtensor
    assert set_subtensor(x[0], 1).owner.op == set_subtensor(x[1], 2).owner.op
    assert set_subtensor(x[0], 1).owner.op != inc_subtensor(x[0], 1).owner.op
    pattern = x[0].owner.op.idx_list
    assert IncSubtensor(pattern, inplace=True, set_instead_of_inc=True) == set_subtensor(x[0], 1).owner.op
