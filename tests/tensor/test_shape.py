"""Shape, Reshape, Rebroadcast, SpecifyShape, functions of axes: values, types, shape rules, derivatives, errors."""

from __future__ import annotations

import doctest
import importlib
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symtheano.tensor as T
from symtheano.errors import DisconnectedInputError, ShapeMismatchError
from symtheano.gradient.reverse import grad
from symtheano.tensor.sizes import as_size, constant_dim, get_vector_length, is_length, size_vector, total_size
from tests.tensor.linear_checks import check_linear, value

ARRAY = np.arange(24.0).reshape(2, 3, 4)
SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 5]), max_size=4).map(tuple)


def tensor_like(array: Any, name: str | None = "x", static: bool = False) -> Any:
    """An input for an array: nothing known of its shape, or everything."""
    shape = array.shape if static else (None,) * array.ndim
    return T.TensorType(array.dtype.name, shape=shape)(name)


# -- sizes -----------------------------------------------------------------------------------------------------------


def test_shape_is_an_int64_vector_of_known_length() -> None:
    x = T.tensor3("x")
    assert x.shape.type.dtype == "int64"
    assert get_vector_length(x.shape) == 3
    assert value(x.shape, {x: ARRAY.astype(x.dtype)}).tolist() == [2, 3, 4]
    assert str(x.shape) == "Shape.0"
    assert str(T.Shape_i(1)(x)) == "Shape_i{1}.0"
    a, b, c = x.shape
    assert value(a * b * c, {x: ARRAY.astype(x.dtype)}) == 24


def test_the_shape_of_a_scalar_is_empty() -> None:
    x = T.dscalar()
    result = value(x.shape, {x: np.float64(1.0)})
    assert result.shape == (0,)
    assert result.dtype == "int64"


def test_no_gradient_goes_through_shape() -> None:
    x = T.dmatrix("x")
    with pytest.raises(DisconnectedInputError):
        grad(x.shape.sum().astype("float64"), x)


def test_shape_i_of_a_known_length_is_a_constant() -> None:
    x = tensor_like(ARRAY, static=True)
    assert constant_dim(T.shape_i(x, 1)) == 3
    assert constant_dim(T.shape_i(x, -1)) == 4
    assert constant_dim(T.shape_i(T.dvector(), 0)) is None
    with pytest.raises(IndexError, match="axis 3 is out of range"):
        T.shape_i(x, 3)
    with pytest.raises(TypeError):
        T.Shape_i(3)(x)


@pytest.mark.parametrize("good", [3, np.int8(3), np.array(3, "uint8"), T.constant(3)])
def test_as_size(good: Any) -> None:
    assert as_size(good).type.dtype == "int64"
    assert constant_dim(as_size(good)) == 3


@pytest.mark.parametrize("bad", [3.0, True, "3", np.float32(3), np.array([3]), [3]])
def test_what_is_no_size(bad: Any) -> None:
    with pytest.raises(TypeError, match="Shape must be integers"):
        as_size(bad)


def test_sizes_of_other_integer_dtypes_are_converted() -> None:
    n = T.iscalar("n")
    assert as_size(n).type.dtype == "int64"
    vector = size_vector([n, 3])
    assert value(vector, {n: np.int32(2)}).tolist() == [2, 3]
    assert size_vector(T.ivector()).type.dtype == "int32"
    with pytest.raises(TypeError):
        size_vector([T.fscalar()])


def test_total_size_multiplies_what_is_known() -> None:
    n = T.lscalar()
    assert total_size([2, as_size(3)]) == 6
    assert total_size([]) == 1
    assert total_size([n, 0]) == 0
    assert total_size([n, 1]) is n
    assert value(total_size([n, 2, n]), {n: np.int64(3)}) == 18


def test_lengths_are_not_negative() -> None:
    x, n = T.dmatrix(), T.lscalar()
    assert is_length(T.shape_i(x, 0) * T.shape_i(x, 1) + 3)
    assert not is_length(n)
    assert not is_length(as_size(-1))


def test_get_vector_length() -> None:
    x = T.dmatrix()
    assert get_vector_length(T.concatenate([x.shape[:1], [3, 1]])) == 3
    assert get_vector_length(x.shape[1:] * 2) == 1
    assert get_vector_length(T.dvector().shape[:-1]) == 0
    with pytest.raises(ValueError, match="length not known"):
        get_vector_length(T.lvector())
    with pytest.raises(TypeError):
        get_vector_length(x)


# -- Reshape ---------------------------------------------------------------------------------------------------------

RESHAPES: list[tuple[tuple[int, ...], Any, tuple[int, ...]]] = [
    ((2, 3, 4), (6, 4), (6, 4)),
    ((2, 3, 4), (-1,), (24,)),
    ((2, 3, 4), -1, (24,)),
    ((2, 3, 4), [4, -1, 2], (4, 3, 2)),
    ((2, 3, 4), np.array([8, 3], "int8"), (8, 3)),
    ((2, 3, 4), (1, 24, 1), (1, 24, 1)),
    ((1,), (), ()),
    ((), (1, 1), (1, 1)),
    ((), (-1,), (1,)),
    ((0, 3), (3, 0), (3, 0)),
    ((0, 3), (-1, 3), (0, 3)),
    ((0,), (-1,), (0,)),
    ((0, 2), (0, 7), (0, 7)),
]


@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize(("shape", "new", "expected"), RESHAPES)
def test_reshape(shape: tuple[int, ...], new: Any, expected: tuple[int, ...], static: bool) -> None:
    array = np.arange(float(np.prod(shape))).reshape(shape)
    x = tensor_like(array, static=static)
    z = T.reshape(x, new)
    np.testing.assert_array_equal(value(z, {x: array}), array.reshape(expected))
    ones = [n == 1 for n in np.atleast_1d(np.asarray(new, int))]
    assert z.type.broadcastable == tuple(ones)


@given(SHAPES, st.data())
def test_reshape_with_symbolic_lengths(shape: tuple[int, ...], data: Any) -> None:
    array = np.random.default_rng(0).normal(size=shape)[..., ::-1] if shape else np.array(2.0)
    x = tensor_like(array)
    new = list(data.draw(st.permutations(shape)))
    if len(new) > 1 and data.draw(st.booleans()):
        new[:2] = [new[0] * new[1]]
    expected = array.reshape(new)
    hole = data.draw(st.integers(0, len(new)))
    lengths: list[Any] = [T.constant(n, dtype="int64") if data.draw(st.booleans()) else n for n in new]
    env: dict[Any, Any] = {x: array}
    for k, n in enumerate(new):
        if data.draw(st.booleans()):
            lengths[k] = T.lscalar()
            env[lengths[k]] = np.array(-1 if k == hole and 0 not in new else n)
        elif k == hole and 0 not in new:
            lengths[k] = -1
    np.testing.assert_array_equal(value(T.reshape(x, lengths), env), expected)
    vector = T.lvector()
    env = {x: array, vector: np.array(new, "int64")}
    np.testing.assert_array_equal(value(T.reshape(x, vector, ndim=len(new)), env), expected)


def test_lengths_of_the_same_axis_cancel() -> None:
    x = T.TensorType("float64", shape=(None, 3, 4))()
    assert x.reshape((x.shape[0], -1)).type.shape == (None, 12)
    assert x.flatten(2).type.shape == (None, 12)
    assert x.reshape((x.shape[0], -1, 2)).type.shape == (None, 6, 2)
    assert x.reshape(x.shape).type.shape == (None, 3, 4)
    assert x.reshape((x.shape[0], 12)).type.shape == (None, 12)
    assert x.reshape((-1, 12)).type.shape == (None, 12)


def test_only_a_constant_1_is_broadcastable() -> None:
    x = tensor_like(np.zeros((2, 3)), static=True)
    assert x.reshape((6, -1)).type.broadcastable == (False, False)
    assert x.reshape((6, 1)).type.broadcastable == (False, True)
    y = T.row()
    assert y.reshape((y.shape[0], y.shape[1])).type.broadcastable == (True, False)
    assert y.reshape((y.shape[0] * y.shape[0], y.shape[1], T.constant(1))).type.broadcastable == (True, False, True)


def test_reshape_is_a_view_and_is_printed() -> None:
    x = T.dmatrix("x")
    z = x.reshape((3, 2))
    assert str(z) == "Reshape{2}.0"
    assert z.owner.op.view_map == {0: [0]}
    array = np.zeros((2, 3))
    assert np.shares_memory(value(z, {x: array}), array)


@pytest.mark.parametrize("new", [(5,), (7, -1), (4, 2), (2, 3, 2)])
def test_a_reshape_that_cannot_be_is_found_when_built(new: tuple[int, ...]) -> None:
    x = tensor_like(np.zeros((2, 3)), "weights", static=True)
    with pytest.raises(ShapeMismatchError) as caught:
        x.reshape(new)
    text = str(caught.value)
    assert "(2, 3)" in text and str(new) in text and "weights" in text and "Reshape" in text


@pytest.mark.parametrize("new", [(-1, -1), (-2, 3), (0, -1)])
def test_new_shapes_without_meaning(new: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"Cannot reshape input of shape \(None, None\)"):
        T.dmatrix().reshape(new)


@pytest.mark.parametrize("new", [(4, 2), (-2, 3), (2, 3, 1), (-1, 5)])
def test_a_reshape_that_cannot_be_at_run_time(new: tuple[int, ...]) -> None:
    x, v = T.dmatrix(), T.lvector()
    with pytest.raises(ValueError) as caught:
        value(x.reshape(v, ndim=2), {x: np.zeros((2, 3)), v: np.array(new, "int64")})
    assert "(2, 3)" in str(caught.value) and str(new) in str(caught.value)


def test_mistakes_in_new_shapes() -> None:
    x = T.dmatrix("x")
    with pytest.raises(ValueError, match="'ndim' keyword"):
        x.reshape(T.lvector())
    with pytest.raises(TypeError, match="integers"):
        x.reshape(T.dvector(), ndim=2)
    with pytest.raises(TypeError, match="integers"):
        x.reshape((2.5, 2))
    with pytest.raises(TypeError, match="integers"):
        x.reshape([[1, 2], [3, 4]])
    with pytest.raises(ValueError, match="ndim=3"):
        x.reshape((2, 3), ndim=3)
    with pytest.raises(ValueError):
        T.Reshape(-1)


@pytest.mark.parametrize("shape", [(), (1,), (2, 0), (2, 3, 4)])
def test_flatten(shape: tuple[int, ...]) -> None:
    array = np.arange(float(np.prod(shape))).reshape(shape)
    x = tensor_like(array)
    np.testing.assert_array_equal(value(T.flatten(x), {x: array}), array.ravel())
    for ndim in range(1, len(shape) + 1):
        expected = array.reshape(*shape[: ndim - 1], int(np.prod(shape[ndim - 1 :])))
        np.testing.assert_array_equal(value(T.flatten(x, ndim), {x: array}), expected)
        np.testing.assert_array_equal(value(T.flatten(x, outdim=ndim), {x: array}), expected)


def test_flatten_keeps_broadcastable_axes() -> None:
    x = T.tensor("float64", (True, False, True, True))
    assert x.flatten(2).type.broadcastable == (True, False)
    assert x.flatten(3).type.broadcastable == (True, False, True)
    for ndim in (0, 5):
        with pytest.raises(ValueError, match="out of bound"):
            x.flatten(ndim)
    with pytest.raises(ValueError):
        T.flatten(x, ndim=2, outdim=2)


def test_is_flat() -> None:
    assert T.is_flat(T.vector()) and T.is_flat(T.matrix(), ndim=2) and T.is_flat(T.matrix(), outdim=2)
    assert not T.is_flat(T.matrix())
    with pytest.raises(ValueError):
        T.is_flat(T.matrix(), 2, 2)


# -- Rebroadcast and SpecifyShape ------------------------------------------------------------------------------------


def test_rebroadcast() -> None:
    x = T.dmatrix("x")
    row = T.addbroadcast(x, 0)
    assert row.type.broadcastable == (True, False)
    assert str(row) == "Rebroadcast{1}.0"
    assert str(T.addbroadcast(x, -1)) == "Rebroadcast{?,1}.0"
    assert T.unbroadcast(row, 0).type.broadcastable == (False, False)
    assert T.patternbroadcast(x, (False, False)) is x
    assert T.patternbroadcast(x, (True, True)).type.broadcastable == (True, True)
    assert value(row, {x: np.ones((1, 3))}).shape == (1, 3)
    with pytest.raises(ValueError, match="supposed to be 1"):
        value(row, {x: np.ones((2, 3))})


def test_rebroadcast_mistakes() -> None:
    x = tensor_like(np.zeros((2, 3)), static=True)
    with pytest.raises(ValueError, match="length 2"):
        T.addbroadcast(x, 0)
    with pytest.raises(IndexError):
        T.addbroadcast(x, 2)
    with pytest.raises(ValueError, match="needs 2 flags"):
        T.patternbroadcast(x, (True,))
    with pytest.raises(ValueError, match="non-existent"):
        T.Rebroadcast((2, True))(x)


def test_a_row_is_converted_to_a_matrix_but_not_back() -> None:
    row, matrix = T.row(), T.matrix()
    assert matrix.type.filter_variable(row).type == matrix.type
    with pytest.raises(TypeError):
        row.type.filter_variable(matrix)


def test_specify_shape() -> None:
    x = T.dmatrix("x")
    z = T.specify_shape(x, (2, 1))
    assert z.type.shape == (2, None)
    assert z.type == x.type
    assert value(z, {x: np.ones((2, 1))}).shape == (2, 1)
    with pytest.raises(AssertionError, match=r"\(2, 3\), expected \(2, 1\)"):
        value(z, {x: np.ones((2, 3))})
    assert T.specify_shape(x, (None, 5)).type.shape == (None, 5)
    n = T.iscalar()
    assert value(T.specify_shape(x, (n, 3)), {x: np.ones((2, 3)), n: np.int32(2)}).shape == (2, 3)
    v = T.lvector()
    assert value(T.specify_shape(x, v), {x: np.ones((2, 3)), v: np.array([2, 3])}).shape == (2, 3)
    with pytest.raises(AssertionError):
        T.specify_shape(x, (2,))
    with pytest.raises(AssertionError):
        T.specify_shape(tensor_like(np.zeros((2, 3)), static=True), (2, 4))


# -- axes ------------------------------------------------------------------------------------------------------------

AXES: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = [
    ("transpose", lambda x: T.transpose(x), np.transpose),
    ("transpose(axes)", lambda x: T.transpose(x, (1, -1, 0)), lambda a: a.transpose(1, 2, 0)),
    ("T", lambda x: x.T, lambda a: a.T),
    ("swapaxes", lambda x: T.swapaxes(x, 0, -1), lambda a: a.swapaxes(0, 2)),
    ("moveaxis", lambda x: T.moveaxis(x, 0, -1), lambda a: np.moveaxis(a, 0, -1)),
    ("moveaxis2", lambda x: T.moveaxis(x, (0, 2), (1, 0)), lambda a: np.moveaxis(a, (0, 2), (1, 0))),
    ("expand_dims", lambda x: T.expand_dims(x, 1), lambda a: np.expand_dims(a, 1)),
    ("expand_dims2", lambda x: T.expand_dims(x, (0, -1)), lambda a: np.expand_dims(a, (0, -1))),
    ("squeeze", lambda x: T.squeeze(T.expand_dims(x, (0, -1))), lambda a: a),
    ("squeeze(axis)", lambda x: T.squeeze(T.unbroadcast(T.expand_dims(x, 1), 1), 1), lambda a: a),
    ("padleft", lambda x: T.shape_padleft(x, 2), lambda a: a[None, None]),
    ("padright", lambda x: T.shape_padright(x), lambda a: a[..., None]),
    ("padaxis", lambda x: T.shape_padaxis(x, -2), lambda a: a[:, :, None]),
    ("reshape", lambda x: x.reshape((x.shape[2], -1)), lambda a: a.reshape(a.shape[2], -1)),
    ("flatten", lambda x: x.flatten(2), lambda a: a.reshape(a.shape[0], -1)),
    ("specify", lambda x: T.specify_shape(x, x.shape), lambda a: a),
]


@pytest.mark.parametrize(("name", "f", "g"), AXES, ids=[a[0] for a in AXES])
@pytest.mark.parametrize("shape", [(2, 3, 4), (1, 5, 1)])
def test_functions_of_axes(name: str, f: Any, g: Any, shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).normal(size=shape)[:, ::-1]
    for static in (False, True):
        x = tensor_like(array, static=static)
        if shape == (1, 5, 1) and static and name == "squeeze":
            continue  # there the known 1s are dropped as well
        np.testing.assert_array_equal(value(f(x), {x: array}), g(array))
    check_linear(f, array)


def test_functions_of_axes_on_empty_arrays() -> None:
    array = np.zeros((2, 0, 3))
    x = tensor_like(array)
    assert value(T.moveaxis(x, 1, 0), {x: array}).shape == (0, 2, 3)
    assert value(x.reshape((x.shape[1], x.shape[0] * x.shape[2])), {x: array}).shape == (0, 6)


def test_names_of_transposes() -> None:
    x, v = T.matrix("x"), T.vector("v")
    assert x.T.name == "x.T"
    assert T.transpose(x, (0, 1)).name is None
    assert v.T is not v and v.name == "v"


@pytest.mark.parametrize(("f", "error"), [
    (lambda x: T.transpose(x, (0,)), ValueError),
    (lambda x: T.transpose(x, (0, 0)), ValueError),
    (lambda x: T.transpose(x, (0, 2)), IndexError),
    (lambda x: T.swapaxes(x, 0, 2), IndexError),
    (lambda x: T.moveaxis(x, (0, 1), 0), ValueError),
    (lambda x: T.expand_dims(x, (0, 0)), ValueError),
    (lambda x: T.expand_dims(x, 3), IndexError),
    (lambda x: T.shape_padaxis(x, 3), IndexError),
    (lambda x: T.squeeze(x, 0), ValueError),
    (lambda x: T.swapaxes(x, 0.5, 1), TypeError),
])  # fmt: skip
def test_axes_that_do_not_exist(f: Any, error: type[Exception]) -> None:
    x = tensor_like(np.zeros((2, 3)), "data", static=True)
    with pytest.raises(error):
        f(x)


@pytest.mark.parametrize("shape", [(2, 3), (0, 2), (1, 1), (3,)])
def test_derivatives_of_reshapes(shape: tuple[int, ...]) -> None:
    array = np.ones(shape)
    check_linear(lambda x: x.reshape(tuple(x.shape[k] for k in range(len(shape)))[::-1]), array)
    check_linear(lambda x: T.flatten(x), array)
    z = check_linear(lambda x: x.reshape((x.size, 1)), array)
    assert z.type.broadcastable == (False, True)


def test_derivatives_keep_broadcast_patterns() -> None:
    check_linear(lambda x: x.reshape((x.shape[1], x.shape[0])), np.ones((1, 3)), patterns=[(True, False)])
    check_linear(lambda x: T.unbroadcast(x, 0), np.ones((1, 3)), patterns=[(True, False)])
    check_linear(lambda x: T.addbroadcast(x, 0) * np.ones((4, 3)), np.ones((1, 3)))


def test_gradients_of_integers_are_zeros_of_floatX() -> None:
    x = T.lmatrix()
    g = grad((x.reshape((6,)) * 1.5).sum(), x)
    assert g.type.dtype == "float64"
    assert value(g, {x: np.ones((2, 3), "int64")}).tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("op", [
    T.Shape(), T.Shape_i(1), T.Reshape(2), T.SpecifyShape(), T.Rebroadcast((0, True), (2, False)), T.Split(2), T.Join(),
    T.MakeVector("int64"), T.RepeatOp(1),
])  # fmt: skip
def test_ops_are_equal_by_value_and_pickle(op: Any) -> None:
    copy = pickle.loads(pickle.dumps(op))
    assert copy == op
    assert hash(copy) == hash(op)
    assert str(copy) == str(op)


@pytest.mark.parametrize("name", ["sizes", "shape_ops", "reshape", "shape", "join", "repeat", "scalar_constant"])
def test_examples_in_the_docstrings(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"symtheano.tensor.{name}")).failed == 0
