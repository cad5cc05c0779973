"""Join, Split, MakeVector and stacking: values, types, shape rules, derivatives, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symtheano.tensor as T
from symtheano.config import change_flags
from symtheano.errors import ShapeMismatchError
from symtheano.gradient.reverse import grad
from symtheano.graph.walk import graph_inputs
from symtheano.tensor import as_tensor_variable
from tests.tensor.linear_checks import check_linear, run, value


def inputs(*arrays: Any, static: bool = False) -> tuple[list[Any], dict[Any, Any]]:
    """An input for each array, and the values."""
    variables: list[Any] = [
        T.TensorType(a.dtype.name, shape=a.shape if static else (None,) * a.ndim)(f"x{k}") for k, a in enumerate(arrays)
    ]
    return variables, dict(zip(variables, arrays, strict=True))


# -- Join ------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 3), st.data())
def test_join(ndim: int, data: Any) -> None:
    axis = data.draw(st.integers(-ndim, ndim - 1))
    shape = data.draw(st.lists(st.sampled_from([0, 1, 2, 5]), min_size=ndim, max_size=ndim))
    arrays = []
    for n in data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4)):
        shape[axis] = n
        dtype = data.draw(st.sampled_from(["int8", "uint8", "float32", "int32", "bool", "complex64"]))
        arrays.append(np.ones(shape).astype(dtype)[::-1])
    xs, env = inputs(*arrays, static=data.draw(st.booleans()))
    expected = np.concatenate(arrays, axis)
    z = T.join(axis, *xs)
    np.testing.assert_array_equal(value(z, env), expected)
    assert z.type.dtype == expected.dtype.name
    i = T.bscalar("axis")
    np.testing.assert_array_equal(value(T.Join()(i, *xs), {**env, i: np.array(axis, "int8")}), expected)
    np.testing.assert_array_equal(value(T.concatenate(xs, axis=axis), env), expected)


def test_types_of_joined_tensors() -> None:
    row, matrix = T.row(), T.matrix()
    assert T.join(1, row, matrix).type.broadcastable == (True, False)
    assert T.join(0, row, matrix).type.broadcastable == (False, False)
    assert T.join(0, row, row).type.shape == (2, None)
    assert T.join(T.iscalar(), row, row).type.broadcastable == (False, False)
    assert T.join(0, row) is row
    assert T.Join()(0, row).type.broadcastable == (True, False)
    assert str(T.join(0, row, row)) == "Join.0"
    assert T.join(0, np.zeros((0, 3)), np.zeros((1, 3))).type.broadcastable == (False, False)


def test_joins_that_cannot_be() -> None:
    x, y = T.matrix("x"), T.vector("y")
    with pytest.raises(TypeError, match="same number of dimensions"):
        T.join(0, x, y)
    with pytest.raises(TypeError, match="dimension 0"):
        T.join(0, T.scalar(), T.scalar())
    with pytest.raises(IndexError, match="axis 2 is out of range"):
        T.join(2, x, x)
    with pytest.raises(TypeError, match="axis must be an integer"):
        T.join(T.dscalar(), x, x)
    with pytest.raises(TypeError, match="either a tuple or a list"):
        T.concatenate(x)
    with pytest.raises(ValueError, match="empty"):
        T.join(0)


def test_shapes_that_do_not_agree() -> None:
    a, b = np.zeros((2, 3)), np.zeros((2, 4))
    xs, env = inputs(a, b, static=True)
    with pytest.raises(ShapeMismatchError) as built:
        T.join(0, *xs)
    xs, env = inputs(a, b)
    z = T.join(0, *xs)
    with pytest.raises(ValueError) as ran:
        value(z, env)
    for caught in (built, ran):
        text = str(caught.value)
        assert "x0" in text and "x1" in text and "(2, 3)" in text and "(2, 4)" in text and "axis 1" in text


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("lengths", [(1, 2), (0, 3, 1), (2,)])
def test_derivatives_of_join(axis: int, lengths: tuple[int, ...]) -> None:
    arrays = [np.ones((n, 3) if axis == 0 else (3, n)) for n in lengths]
    check_linear(lambda *xs: T.Join()(axis, *xs), *arrays)
    i = T.constant(axis)
    check_linear(lambda *xs: T.Join()(T.abs_(i) * axis**2 if axis < 1 else i * 1, *xs), *arrays[:1])


def test_derivatives_of_join_along_a_symbolic_axis() -> None:
    x, y, axis = T.dmatrix("x"), T.drow("y"), T.lscalar("axis")
    w = np.arange(6.0)
    gx, gy = grad((T.join(axis, x, y).flatten() * w).sum(), [x, y])
    assert gy.type == y.type
    values = {x: np.ones((1, 3)), y: np.ones((1, 3)), axis: np.array(1)}
    assert [g.tolist() for g in run([gx, gy], values)] == [[[0.0, 1, 2]], [[3.0, 4, 5]]]


def test_derivatives_of_join_keep_patterns_and_dtypes() -> None:
    check_linear(lambda x, y: T.join(0, x, y), np.ones((1, 3)), np.ones((2, 3)), patterns=[(True, False), (False,) * 2])
    check_linear(lambda x, y: T.join(1, x, y), np.ones((1, 3)), np.ones((1, 2)), patterns=[(True, False), (False,) * 2])
    x, n = T.dvector("x"), T.lvector("n")
    gx, gn = grad((T.join(0, x, n) ** 2).sum(), [x, n])
    assert gn.type.dtype == "float64"
    values = run([gx, gn], {x: np.array([1.0, 2]), n: np.array([3])})
    assert [v.tolist() for v in values] == [[2.0, 4.0], [6.0]]
    assert value(grad((T.join(0, n, n) * 1.5).sum(), n), {n: np.array([3])}).tolist() == [0.0]


def test_a_real_part_of_a_complex_join_gets_a_real_gradient() -> None:
    x, c = T.dvector("x"), T.zvector("c")
    g = grad(abs(T.join(0, x, c)).sum(), x)
    assert g.type.dtype == "float64"
    assert value(g, {x: np.array([-2.0]), c: np.array([1j])}).tolist() == [-1.0]


def test_second_derivative() -> None:
    x = T.dvector("x")
    g = grad((T.join(0, x, x * 2) ** 3).sum(), x)
    h = grad(g.sum(), x)
    assert value(h, {x: np.array([1.0, 2.0])}).tolist() == [6 + 48.0, 12 + 96.0]


# -- Split -----------------------------------------------------------------------------------------------------------


@given(st.data())
def test_split(data: Any) -> None:
    lengths = data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=4))
    axis = data.draw(st.integers(-2, 1))
    shape = [2, 2]
    shape[axis] = sum(lengths)
    array = np.random.default_rng(0).normal(size=shape)[:, ::-1]
    (x,), env = inputs(array, static=data.draw(st.booleans()))
    expected = np.split(array, np.cumsum(lengths)[:-1], axis)
    for pieces in (T.split(x, lengths, len(lengths), axis), T.split(x, lengths, axis=axis)):
        assert isinstance(pieces, list)
        for got, want in zip(run(pieces, env), expected, strict=True):
            np.testing.assert_array_equal(got, want)
    sizes, i = T.ivector(), T.lscalar()
    env.update({sizes: np.array(lengths, "int32"), i: np.array(axis)})
    for got, want in zip(run(T.split(x, sizes, len(lengths), i), env), expected, strict=True):
        np.testing.assert_array_equal(got, want)


def test_types_of_pieces() -> None:
    x = T.TensorType("float64", shape=(6, 1))()
    a, b = T.split(x, [2, T.lscalar()], 2)
    assert a.type.shape == (2, 1)
    assert b.type.shape == (4, 1)
    a, b = T.split(x, [1, 5], 2)
    assert a.type.broadcastable == (False, True)
    assert str(a) == "Split{2}.0"
    assert a.owner.op.view_map == {0: [0], 1: [0]}
    with pytest.raises(ValueError, match="length not known"):
        T.split(x, T.lvector())


@pytest.mark.parametrize("lengths", [[1, 2], [5, -1], [4]])
def test_lengths_that_do_not_make_up_the_axis(lengths: list[int]) -> None:
    (x,), env = inputs(np.zeros((4, 2)), static=True)
    with pytest.raises(ValueError):
        T.split(x, lengths, 2)
    (x,), env = inputs(np.zeros((4, 2)))
    sizes = T.lvector()
    with pytest.raises(ValueError, match=r"sum to 4: axis 0 of the input, whose shape is \(4, 2\)"):
        run(T.split(x, sizes, 2), {**env, sizes: np.array(lengths)})


def test_mistakes_in_splits() -> None:
    x = T.matrix()
    with pytest.raises(IndexError):
        T.split(x, [1, 2], 2, axis=2)
    with pytest.raises(TypeError):
        T.split(T.scalar(), [1, 2], 2)
    with pytest.raises(TypeError, match="axis"):
        T.split(x, [1, 2], 2, axis=1.5)
    i = T.lscalar()
    with pytest.raises(IndexError):
        run(T.split(x, [1, 2], 2, i), {x: np.zeros((3, 3), x.dtype), i: np.array(2)})


def test_derivatives_of_split() -> None:
    check_linear(lambda x: T.split(x, [1, 2], 2)[1], np.ones((3, 2)))
    check_linear(lambda x: T.split(x, [2], 1)[0], np.ones((2, 2)))
    check_linear(lambda x: T.dot(*T.split(x, [1, 1], 2, axis=1)[:1], np.ones((1, 3))), np.ones((3, 2)))
    check_linear(lambda x: T.split(x, [1, 0], 2)[0], np.ones((1, 2)), patterns=[(True, False)])
    check_linear(lambda x: sum(k * p.sum() for k, p in enumerate(T.split(x, [1, 2, 0], 3, axis=-1))), np.ones((2, 3)))


# -- MakeVector and stack --------------------------------------------------------------------------------------------


def test_make_vector() -> None:
    n, x = T.iscalar("n"), T.fscalar("x")
    assert T.MakeVector("int64")(n, 3).type.dtype == "int64"
    assert T.MakeVector("float32")(x).type.broadcastable == (True,)
    assert value(T.MakeVector("int64")(n, 3), {n: np.int32(2)}).tolist() == [2, 3]
    assert value(T.MakeVector("float64")(), {}).shape == (0,)
    assert str(T.MakeVector("int64")(n)) == "MakeVector{dtype='int64'}.0"
    with pytest.raises(TypeError, match="does not fit"):
        T.MakeVector("int64")(x)
    with pytest.raises(ValueError, match="scalars"):
        T.MakeVector("int64")(T.lvector())


def test_stack_of_scalars_is_a_vector() -> None:
    n, x = T.bscalar(), T.fscalar()
    z = T.stack([n, x, 2])
    assert isinstance(z.owner.op, T.MakeVector)
    assert z.type.dtype == "float32"
    assert value(z, {n: np.int8(1), x: np.float32(0.5)}).tolist() == [1.0, 0.5, 2.0]
    check_linear(lambda a, b: T.stack([a, b, a]), 1.0, 2.0)
    g = grad((T.stack([n, n]) * 1.5).sum(), n)
    assert g.type.dtype == "float64"


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
def test_stack(axis: int) -> None:
    arrays = [np.arange(6.0).reshape(2, 3) + k for k in range(3)]
    xs, env = inputs(*arrays)
    np.testing.assert_array_equal(value(T.stack(xs, axis=axis), env), np.stack(arrays, axis))
    np.testing.assert_array_equal(value(T.stack(tuple(xs), axis), env), np.stack(arrays, axis))
    np.testing.assert_array_equal(value(T.stack(xs[:1], axis), env), np.stack(arrays[:1], axis))
    check_linear(lambda *vs: T.stack(vs, axis), *arrays)


def test_the_older_form_of_stack_warns() -> None:
    x, y = T.vector(), T.vector()
    with pytest.warns(DeprecationWarning, match="stack"):
        z = T.stack(x, y)
    assert z.type.ndim == 2
    with pytest.warns(DeprecationWarning, match="stack"):
        assert T.stack(x, y, axis=1).type.shape == (None, 2)


def test_mistakes_in_stacks() -> None:
    x, y = T.matrix("x"), T.vector("y")
    with pytest.raises(IndexError):
        T.stack([x, x], axis=3)
    with pytest.raises(TypeError, match="same number of dimensions"):
        T.stack([x, y])
    with pytest.raises(ValueError):
        T.stack([])
    with pytest.raises(ValueError):
        T.stack()
    with pytest.raises(TypeError):
        T.stack([x], 0, 1)


def test_lists_that_hold_variables_are_stacked() -> None:
    x, y = T.dscalar("x"), T.dvector("y")
    env = {x: np.float64(2.0), y: np.array([3.0, 4.0])}
    assert value(as_tensor_variable([x, 1, 5.0]), env).tolist() == [2.0, 1.0, 5.0]
    assert value(as_tensor_variable([[x, 1], [0, x]]), env).tolist() == [[2.0, 1.0], [0.0, 2.0]]
    assert value(as_tensor_variable([y, y * 2]), env).tolist() == [[3.0, 4.0], [6.0, 8.0]]
    assert value(as_tensor_variable([y, [0, 1]]), env).tolist() == [[3.0, 4.0], [0.0, 1.0]]


def test_stacklists() -> None:
    a, b, c, d = T.scalars("abcd")
    z = T.stacklists([[a, b], [c, d]])
    assert z.type.ndim == 2
    env = {v: np.array(k, v.dtype) for k, v in enumerate((a, b, c, d))}
    assert value(z, env).tolist() == [[0, 1], [2, 3]]
    x = T.matrix()
    assert T.stacklists([[x, x], [x, x], [x, x]]).type.ndim == 4
    assert T.stacklists(x) is x


def test_horizontal_and_vertical_stack() -> None:
    arrays = [np.ones((2, 2)), np.zeros((2, 2))]
    xs, env = inputs(*arrays)
    np.testing.assert_array_equal(value(T.horizontal_stack(*xs), env), np.hstack(arrays))
    np.testing.assert_array_equal(value(T.vertical_stack(*xs), env), np.vstack(arrays))
    for bad in ((xs[0],), (xs[0], T.vector())):
        with pytest.raises(ValueError):
            T.horizontal_stack(*bad)


def test_floatX_decides_the_zero_gradients_of_integers() -> None:
    n = T.lscalar()
    with change_flags(floatX="float32"):
        assert grad((T.stack([n, n]) * 1.5).sum(), n).type.dtype == "float32"


def test_zero_gradients_still_read_what_they_are_of() -> None:
    i = T.iscalar("i")
    g = grad(T.stack([i, i]).sum(), i)  # so that function([i], g) does not find i unused
    assert i in graph_inputs([g])
