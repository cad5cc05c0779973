"""New tensors: Alloc, zeros and the like, arange, linspace, eye, triangles and diagonals, against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import symtheano
import symtheano.tensor as T
from symtheano.config import config
from symtheano.errors import ShapeMismatchError
from symtheano.gradient import DisconnectedType, grad, verify_grad
from symtheano.graph.interpret import evaluate
from symtheano.graph.op import connection_pattern
from symtheano.scalar import expr
from symtheano.tensor.type import TensorType, tensor_type

LENGTHS = st.integers(0, 4)
DTYPES = st.sampled_from(["bool", "int8", "int64", "float16", "float32", "float64", "complex64"])


def value(out: Any, env: dict[Any, Any] | None = None) -> Any:
    return evaluate([out], env or {})[0]


def check(out: Any, want: Any, env: dict[Any, Any] | None = None) -> None:
    """The value, its dtype, the static shape, and what infer_shape says."""
    got = value(out, env)
    want = np.asarray(want)
    assert got.shape == want.shape and got.dtype == want.dtype and np.array_equal(got, want, equal_nan=True)
    assert out.type.is_valid_value(got), (out.type, out.type.shape, got.shape)
    node = out.owner
    shapes = [tuple(T.shape_i(i, k) for k in range(i.type.ndim)) for i in node.inputs]
    (inferred,) = node.op.infer_shape(node, shapes)
    lengths = [n if isinstance(n, int) else int(value(n, env)) for n in inferred]
    assert tuple(lengths) == want.shape


def by_element(out: Any, env: dict[Any, Any], shape: tuple[int, ...]) -> Any:
    """The value by the loop rule: the scalar expression of each element."""
    node = out.owner
    coordinates = tuple(expr.index(f"i{k}") for k in range(len(shape)))
    arrays = {f"b{k}": value(i, env) for k, i in enumerate(node.inputs)}

    def read(v: Any, place: Any) -> Any:
        position = next(k for k, i in enumerate(node.inputs) if i is v)
        return expr.load(f"b{position}", place)

    element = node.op.loop(node, read, coordinates)
    grid = {f"i{k}": i for k, i in enumerate(np.indices(shape))}
    return np.broadcast_to(expr.evaluate(element, {**arrays, **grid}), shape)


@given(st.sampled_from(["alloc", "arange", "eye", "tri", "diagonal"]), st.integers(-3, 3), st.data())
def test_loop_rules(name: str, k: int, data: st.DataObject) -> None:
    step = data.draw(st.floats(0.25, 2))
    out = {
        "alloc": lambda: T.alloc(T.constant(np.arange(3.0).reshape(3, 1)), 2, 3, 4),
        "arange": lambda: T.arange(np.float64(k), np.float64(4), np.float64(step)),
        "eye": lambda: T.eye(3, 4, k, "float32"),
        "tri": lambda: T.tri(3, 4, k, "int8"),
        "diagonal": lambda: T.diagonal(T.constant(np.arange(60.0).reshape(3, 4, 5)), k, 2, 0),
    }[name]()
    want = value(out)
    got = by_element(out, {}, want.shape)
    assert got.dtype == want.dtype and np.array_equal(got, want)


def sized(draw_symbolic: bool, *lengths: int) -> tuple[list[Any], dict[Any, Any]]:
    """The lengths as they are, or as variables with values."""
    if not draw_symbolic:
        return list(lengths), {}
    variables = [T.lscalar() for _ in lengths]
    return variables, dict(zip(variables, map(np.asarray, lengths)))


# -- Alloc -----------------------------------------------------------------------------------------------------------


@given(st.lists(LENGTHS, max_size=3), st.data(), DTYPES, st.booleans(), st.booleans())
def test_alloc(shape: list[int], data: st.DataObject, dtype: str, symbolic: bool, variable: bool) -> None:
    own = [data.draw(st.sampled_from([n, 1])) for n in shape[data.draw(st.integers(0, len(shape))) :]]
    array = np.arange(1, 1 + int(np.prod(own)), dtype="int64").reshape(own).astype(dtype)
    lengths, env = sized(symbolic, *shape)
    v: Any = T.constant(array)
    if variable:
        v = TensorType(dtype, [n == 1 for n in own])()
        env[v] = array
    check(T.alloc(v, *lengths), np.broadcast_to(array, shape), env)


def test_alloc_of_a_value_that_does_not_fit() -> None:
    v, n = T.dvector("v"), T.lscalar("n")
    for length in (1, 3):
        with pytest.raises(ShapeMismatchError, match="wanted shape"):
            value(T.alloc(v, 2, n), {v: np.ones(length), n: np.array(4)})
    with pytest.raises(ValueError, match="length 3 to the length 4"):
        T.alloc(np.ones(3), 4)
    with pytest.raises(TypeError, match="more dimensions"):
        T.alloc(v)
    for length in (2.5, T.dscalar(), T.lvector(), True, "3"):
        with pytest.raises(TypeError):
            T.alloc(0, length)
    with pytest.raises(ValueError, match="negative"):
        value(T.alloc(0, n), {n: np.array(-1)})


def test_alloc_types() -> None:
    n = T.lscalar()
    assert T.alloc(0.0, n, 1).type == T.fcol
    assert T.alloc(np.ones(3), n, 3).type.shape == T.alloc(np.ones(3), n, T.lscalar()).type.shape == (None, 3)
    assert T.alloc(T.row(), n, 4).broadcastable == (False, False)
    assert T.alloc_validate_shape((1, n))[1] == [True, False]


@pytest.mark.parametrize("pattern", [(), (False,), (True,), (False, True), (True, True), (True, False)])
def test_alloc_gradient(pattern: tuple[bool, ...], rng: np.random.Generator) -> None:
    shape = [1 if b else n for b, n in zip(pattern, (4, 3)[2 - len(pattern) :])]
    verify_grad(lambda v: T.alloc(v, 2, 4, 3), [rng.normal(size=shape)], rng=np.random.RandomState(1))
    x = TensorType("float64", pattern)()
    n = T.lscalar("n")
    out = T.alloc(x, 2, n, 3)
    assert connection_pattern(out.owner) == [[True], [False], [False], [False]]
    grads = out.owner.op.L_op(out.owner.inputs, [out], [out.ones_like()])
    assert grads[0].type == x.type and isinstance(grads[2].type, DisconnectedType)
    assert out.owner.op.R_op(out.owner.inputs, [x, None, None, None])[0].type == out.type
    assert out.owner.op.R_op(out.owner.inputs, [None] * 4) == [None]


def test_second_order_through_alloc() -> None:
    x = T.dscalar("x")
    first = grad((T.alloc(x, 3) ** 3).sum(), x)
    assert value(grad(first, x), {x: np.array(2.0)}) == 36.0


# -- zeros, ones, full, *_like ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [3, (2, 3), [2, 3], (), (0, 2), np.array([2, 3]), np.int64(2), (np.int32(2), 1)], ids=str
)
@pytest.mark.parametrize("dtype", [None, "int8", "float32", "bool"])
def test_zeros_and_ones(shape: Any, dtype: str | None) -> None:
    plain = tuple(np.atleast_1d(shape).astype(int)) if not isinstance(shape, tuple) else tuple(map(int, shape))
    check(T.zeros(shape, dtype), np.zeros(plain, dtype or config.floatX))
    check(T.ones(shape, dtype), np.ones(plain, dtype or config.floatX))
    assert T.zeros(shape, dtype).broadcastable == tuple(n == 1 for n in plain)
    empty = T.empty(shape, dtype)
    assert value(empty).shape == plain and empty.dtype == (dtype or config.floatX)


def test_zeros_of_symbolic_shapes() -> None:
    x, n = T.dmatrix("x"), T.bscalar("n")
    env = {x: np.ones((2, 3)), n: np.array(2, "int8")}
    check(T.zeros(x.shape), np.zeros((2, 3)), env)
    check(T.zeros(n), np.zeros(2), env)
    check(T.zeros([n, x.shape[1]], "int8"), np.zeros((2, 3), "int8"), env)
    check(T.ones(x.shape[:1]), np.ones(2), env)
    with pytest.raises(ValueError, match="number of dimensions"):
        T.zeros(T.lvector())
    with pytest.raises(TypeError):
        T.zeros((2.0, 3))


def test_full() -> None:
    check(T.full((2, 3), 7), np.full((2, 3), 7, "int8"))
    check(T.full((2, 3), 7, "float32"), np.full((2, 3), 7, "float32"))
    check(T.full((2, 3), np.arange(3)), np.full((2, 3), np.arange(3)))
    x = T.dscalar("x")
    check(T.full(2, x, "int8"), np.full(2, 3, "int8"), {x: np.array(3.5)})
    check(T.full(2, -0.0), np.full(2, np.float32(-0.0)))
    assert np.signbit(value(T.full(2, -0.0))).all()


@pytest.mark.parametrize("dtype", [None, "int8", "floatX"])
def test_like(dtype: str | None) -> None:
    x = T.imatrix("x")
    env = {x: np.ones((2, 3), "int32")}
    want = {None: "int32", "floatX": config.floatX}.get(dtype, dtype)
    for out, number in ((T.zeros_like(x, dtype), 0), (T.ones_like(x, dtype), 1), (T.full_like(x, 5, dtype), 5)):
        got = value(out, env)
        assert got.dtype == want == out.dtype and got.shape == (2, 3) and (got == number).all()
        assert out.type.broadcastable == x.type.broadcastable
    assert isinstance(T.zeros_like(T.scalar(), opt=True), T.Constant)
    assert not isinstance(T.zeros_like(T.scalar()), T.Constant)
    with pytest.raises(TypeError):
        T.full_like(T.vector(), np.ones((2, 2)))


def test_nothing_flows_through_like() -> None:
    x = T.dvector("x")
    assert value(grad((x * T.ones_like(x)).sum(), x), {x: np.ones(2)}).tolist() == [1, 1]


# -- arange ----------------------------------------------------------------------------------------------------------


@given(
    st.integers(-5, 5), st.integers(-5, 5), st.integers(-4, 4).filter(bool), st.booleans(),
    st.sampled_from(["int8", "int32", "int64"]), st.sampled_from([None, "int8", "float32", "float64"]),
)  # fmt: skip
def test_arange_of_integers(start: int, stop: int, step: int, symbolic: bool, kind: str, dtype: str | None) -> None:
    bounds: list[Any] = [start, stop, step]
    env = {}
    if symbolic:
        bounds = [TensorType(kind, ())() for _ in bounds]
        env = {b: np.asarray(n, kind) for b, n in zip(bounds, (start, stop, step))}
    check(T.arange(*bounds, dtype=dtype), np.arange(start, stop, step, dtype or "int64"), env)


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.25, 2), st.booleans(), st.sampled_from(["float32", "float64"]))
def test_arange_of_floats(start: float, stop: float, step: float, down: bool, kind: str) -> None:
    numbers = [np.asarray(n, kind) for n in (start, stop, -step if down else step)]
    bounds = [TensorType(kind, ())() for _ in numbers]
    out = T.arange(*bounds)
    assert out.dtype == kind
    check(out, np.arange(*(n.item() for n in numbers), dtype=kind), dict(zip(bounds, numbers)))


@pytest.mark.parametrize(
    ("args", "dtype"),
    [
        ((3,), "int64"),
        ((T.bscalar(),), "int64"),
        ((T.bscalar(), T.iscalar()), "int64"),
        ((np.uint8(3), np.uint8(5), np.uint8(1)), "uint64"),
        ((np.uint8(3),), "int64"),  # with 0 and 1, which are int8
        ((3.0,), "float32"),
        ((0.1,), "float64"),
        ((T.fscalar(),), "float32"),
        ((T.dscalar(),), "float64"),
        ((0, 1, 0.1), "float64"),
        ((T.lscalar(), T.fscalar()), "float64"),
    ],
)
def test_arange_dtypes(args: Any, dtype: str) -> None:
    assert T.arange(*args).dtype == dtype


def test_arange_dtypes_of_numpys_policy() -> None:
    with config.change_flags(cast_policy="numpy+floatX", floatX="float32"):
        assert [T.arange(n).dtype for n in (3, 3.0, T.dscalar())] == ["int64", "float32", "float64"]


def test_arange_shapes() -> None:
    assert T.arange(5).type.shape == (5,) and T.arange(1).type.shape == (None,) and T.arange(0).type.shape == (0,)
    assert T.arange(2, 10, 3).type.shape == (3,) and T.arange(T.lscalar()).type.shape == (None,)
    n = T.lscalar("n")
    out = T.arange(n)
    (length,) = out.owner.op.infer_shape(out.owner, [(), (), ()])[0]
    assert {v.owner.op.scalar_op.name for v in (length,)} == {"maximum"}


def test_arange_errors() -> None:
    with pytest.raises(TypeError, match="scalars"):
        T.arange(T.vector())
    with pytest.raises(TypeError, match="real"):
        T.arange(T.zscalar())
    with pytest.raises(ValueError, match="step must not be 0"):
        T.arange(0, 5, 0)


def test_arange_gradient() -> None:
    a, b, n = T.dscalar("a"), T.dscalar("b"), T.lscalar("n")
    env = {a: np.array(1.0), b: np.array(0.5), n: np.array(3)}
    out = T.arange(a, 5.0, b)
    assert connection_pattern(out.owner) == [[True], [False], [True]]
    da, db = evaluate(grad((out**2).sum(), [a, b]), env)
    k = np.arange(8)
    assert da == (2 * (1 + 0.5 * k)).sum() and db == (2 * (1 + 0.5 * k) * k).sum()
    with pytest.raises(ValueError):
        grad(T.arange(0.0, a, 1.0).sum(), a)
    assert value(grad(T.cast(T.arange(n, 5), "float64").sum(), n), env) == 0


@given(st.floats(-5, 5), st.floats(-5, 5), st.integers(0, 6), st.booleans(), st.booleans())
def test_linspace(start: float, stop: float, num: int, endpoint: bool, symbolic: bool) -> None:
    want = np.linspace(start, stop, num, endpoint)
    a, b, n = T.dscalar("a"), T.dscalar("b"), T.lscalar("n")
    env = {a: np.array(start), b: np.array(stop), n: np.array(num)}
    out = T.linspace(a, b, n, endpoint) if symbolic else T.linspace(np.float64(start), np.float64(stop), num, endpoint)
    got = value(out, env)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, atol=1e-13)
    if num > 1:
        assert got[0] == start and (got[-1] == stop or not endpoint)


def test_linspace_dtypes() -> None:
    assert T.linspace(0, 1, 3).dtype == "float64" and T.linspace(0, 1, 3, dtype="int32").dtype == "int32"
    with config.change_flags(floatX="float32"):
        assert T.linspace(0.0, 1.0, 3).dtype == "float32" and T.linspace(T.dscalar(), 1.0).dtype == "float64"
    np.testing.assert_allclose(value(T.logspace(0, 2, 3)), [1, 10, 100])
    x = T.dscalar("x")
    assert value(grad(T.linspace(0, x, 5).sum(), x), {x: np.array(1.0)}) == 2.5


def test_grids() -> None:
    for dense, sparse in (((slice(0, 2), slice(0, 3)),) * 2, ((slice(1, 7, 2), slice(0, 1, 5j), slice(None, 2)),) * 2):
        for got, want in zip(T.mgrid[dense], np.mgrid[dense]):
            np.testing.assert_allclose(value(got), want)
        for got, want in zip(T.ogrid[sparse], np.ogrid[sparse]):
            assert value(got).shape == want.shape
            np.testing.assert_allclose(value(got), want)
    assert value(T.mgrid[0:5]).tolist() == [0, 1, 2, 3, 4]


# -- eye and triangles -----------------------------------------------------------------------------------------------


@given(LENGTHS, st.none() | LENGTHS, st.integers(-5, 5), DTYPES, st.booleans())
def test_eye_and_tri(n: int, m: int | None, k: int, dtype: str, symbolic: bool) -> None:
    (rows, columns, offset), env = sized(symbolic, n, n if m is None else m, k)
    if m is None:
        columns = None
    check(T.eye(rows, columns, offset, dtype), np.eye(n, m, k, dtype), env)
    check(T.tri(rows, columns, offset, dtype), np.tri(n, m, k, dtype), env)


def test_eye_defaults() -> None:
    assert T.eye(2).dtype == T.tri(2).dtype == config.floatX
    assert T.eye(3, 1).type.shape == (3, None) and T.eye(3, 1).broadcastable == (False, False)
    x = T.fmatrix("x")
    check(T.identity_like(x), np.eye(2, 3, dtype="float32"), {x: np.ones((2, 3), "float32")})
    with pytest.raises(TypeError):
        T.eye(2.0)


@given(LENGTHS, LENGTHS, st.integers(-5, 5), DTYPES, st.booleans())
def test_triangles(n: int, m: int, k: int, dtype: str, known: bool) -> None:
    array = np.arange(1, 1 + 2 * n * m).reshape(2, n, m).astype(dtype)
    x = tensor_type(dtype, array.shape)() if known else TensorType(dtype, (False,) * 3)()
    for out, want in ((T.tril(x, k), np.tril(array, k)), (T.triu(x, k), np.triu(array, k))):
        got = value(out, {x: array})
        assert got.dtype == dtype and np.array_equal(got, want)
    matrix = T.tril(T.constant(array[0]), k)
    assert np.array_equal(value(matrix), np.tril(array[0], k))


def test_triangles_of_infinities_and_errors() -> None:
    array = np.full((2, 2), np.inf)
    assert np.array_equal(value(T.tril(T.constant(array))), np.tril(array))
    with pytest.raises(ValueError, match="matrix"):
        T.tril(T.vector())


# -- diagonals -------------------------------------------------------------------------------------------------------


@given(st.lists(LENGTHS, min_size=2, max_size=4), st.integers(-4, 4), st.data(), st.booleans())
def test_diagonal(shape: list[int], offset: int, data: st.DataObject, known: bool) -> None:
    axis1, axis2 = data.draw(st.permutations(range(-len(shape), 0)))[:2]
    axis1 %= data.draw(st.sampled_from([len(shape), 100])) if axis1 >= 0 else len(shape)
    array = np.arange(float(np.prod(shape))).reshape(shape)
    x = tensor_type("float64", tuple(shape))() if known else TensorType("float64", (False,) * len(shape))()
    out = T.diagonal(x, offset, axis1, axis2)
    check(out, array.diagonal(offset, axis1, axis2), {x: array})
    check(x.trace(offset, axis1, axis2).owner.inputs[0], array.diagonal(offset, axis1, axis2), {x: array})
    # The adjoint: <diagonal(x), g> = <x, placed(g)>.
    g = np.random.default_rng(0).normal(size=value(out, {x: array}).shape)
    (placed,) = out.owner.op.L_op([x], [out], [T.constant(g)])
    back = value(placed, {x: array})
    assert back.shape == array.shape and placed.type == x.type
    np.testing.assert_allclose((back * array).sum(), (array.diagonal(offset, axis1, axis2) * g).sum(), atol=1e-12)


@given(LENGTHS, st.integers(-3, 3), DTYPES, st.booleans())
def test_diag(n: int, k: int, dtype: str, known: bool) -> None:
    array = np.arange(1, n + 1).astype(dtype)
    v = tensor_type(dtype, (n,))() if known else TensorType(dtype, (False,))()
    check(T.diag(v, k), np.diag(array, k), {v: array})
    matrix = np.arange(1, 1 + 2 * n).reshape(2, n).astype(dtype)
    x = TensorType(dtype, (False, False))()
    check(T.diag(x, k), np.diag(matrix, k), {x: matrix})


@pytest.mark.parametrize("offset", [-2, 0, 1])
@pytest.mark.parametrize(("axis1", "axis2"), [(0, 1), (1, 0), (-1, 0), (0, 2)])
def test_alloc_diag_of_more_dimensions(offset: int, axis1: int, axis2: int, rng: np.random.Generator) -> None:
    array = rng.normal(size=(2, 3))
    out = T.AllocDiag(offset, axis1, axis2)(T.constant(array))
    assert np.array_equal(value(out).diagonal(offset, axis1, axis2), array)
    assert np.count_nonzero(value(out)) == 6
    cube, state = rng.normal(size=(3, 4, 3)), np.random.RandomState(0)
    verify_grad(T.AllocDiag(offset, axis1, axis2), [array], rng=state)
    verify_grad(lambda x: T.diagonal(x, offset, axis1, axis2), [cube], rng=state)


def test_diag_errors_and_views() -> None:
    with pytest.raises(ValueError, match="2 or more dimensions"):
        T.diagonal(T.vector())
    with pytest.raises(ValueError, match="must differ"):
        T.diagonal(T.matrix(), 0, 1, -1)
    with pytest.raises(IndexError):
        T.diagonal(T.matrix(), 0, 0, 2)
    with pytest.raises(ValueError):
        T.diag(T.scalar())
    assert T.ExtractDiag(view=True).view_map == {0: [0]} and T.ExtractDiag().view_map == {}
    assert T.ExtractDiag(1) == T.ExtractDiag(1) != T.ExtractDiag(2)


def test_ops_of_sizes_are_disconnected() -> None:
    n = T.lscalar("n")
    for out in (T.eye(n), T.tri(n), T.empty(n)):
        grads = out.owner.op.L_op(out.owner.inputs, [out], [out])
        assert all(isinstance(g.type, DisconnectedType) for g in grads)
        assert not any(any(row) for row in connection_pattern(out.owner))
        assert out.owner.op.R_op(out.owner.inputs, [None] * len(grads)) == [None]


def test_compiled() -> None:
    n, x = T.lscalar("n"), T.dmatrix("x")
    f = symtheano.function([n, x], [T.arange(n), T.eye(n), T.zeros((n, 2)), T.tril(x), T.diag(x), T.alloc(x, n, 2, 3)])
    array = np.arange(6.0).reshape(2, 3)
    copies = np.broadcast_to(array, (4, 2, 3))
    wanted = [np.arange(4), np.eye(4), np.zeros((4, 2)), np.tril(array), np.diag(array), copies]
    for g, w in zip(f(4, array), wanted):
        assert np.array_equal(g, w) and g.dtype == w.dtype
