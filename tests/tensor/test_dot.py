"""Products of matrices and tensors against numpy: shapes, dtypes, static checks, gradients."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.errors import ShapeMismatchError
from symtheano.gradient.reverse import grad
from symtheano.scalar.dtypes import ALL_DTYPES, upcast
from symtheano.tensor.dot import BatchedDot, Dot
from tests.tensor.op_checks import check_gradient, run, var

LEFT = {0: (), 1: (4,), 2: (3, 4), 3: (2, 3, 4), 4: (2, 5, 3, 4)}
RIGHT = {0: (), 1: (4,), 2: (4, 5), 3: (2, 4, 5), 4: (2, 5, 4, 3)}


@pytest.mark.parametrize(("na", "nb"), list(itertools.product(range(5), range(5))))
def test_dot_and_matmul(na, nb, rng):
    a, b = rng.standard_normal(LEFT[na]), rng.standard_normal(RIGHT[nb])
    x, y = var(a, "a"), var(b, "b")
    np.testing.assert_allclose(run(T.dot(x, y), {x: a, y: b}), np.dot(a, b))
    if na == 0 or nb == 0:
        with pytest.raises(ValueError, match="scalar"):
            T.matmul(x, y)
        return
    if (na == 4 and nb == 3) or (na == 3 and nb == 4):
        a, b = (rng.standard_normal((2, 3, 4)), rng.standard_normal((1, 2, 4, 5)))
        x, y = var(a, "a"), var(b, "b", (True, False, False, False))
        np.testing.assert_allclose(run(T.matmul(x, y), {x: a, y: b}), a @ b)
        return
    np.testing.assert_allclose(run(T.matmul(x, y), {x: a, y: b}), a @ b)


@pytest.mark.parametrize(("na", "nb"), list(itertools.product((1, 2, 3), (1, 2, 3))))
def test_gradients(na, nb, rng):
    a, b = rng.standard_normal(LEFT[na]), rng.standard_normal(RIGHT[nb])
    if na == nb == 3:
        a, b = a[:, :1], b[:, :, :2]
    check_gradient(T.dot, a, b)
    check_gradient(T.matmul, a, b)


@pytest.mark.parametrize("right", ALL_DTYPES)
@pytest.mark.parametrize("left", ALL_DTYPES)
def test_dtypes(left, right):
    a = np.array([[1, 0, 1], [0, 1, 1]]).astype(left)
    b = np.array([[1, 1], [0, 1], [1, 0]]).astype(right)
    x, y = var(a, "a"), var(b, "b")
    z = T.dot(x, y)
    assert z.dtype == upcast(left, right)
    expected = np.dot(a.astype(z.dtype), b.astype(z.dtype))
    np.testing.assert_array_equal(run(z, {x: a, y: b}), expected)


def test_dtype_gradients():
    a, b = np.ones((2, 3), "int32"), np.ones((3, 2), "float32")
    x, y = var(a, "a"), var(b, "b")
    z = T.dot(x, y)
    assert z.dtype == "float64"
    gx, gy = grad(z.sum(), [x, y])
    assert gx.dtype == "float64"
    np.testing.assert_array_equal(run(gx, {x: a, y: b}), np.full((2, 3), 2))
    np.testing.assert_array_equal(run(gy, {x: a, y: b}), np.full((3, 2), 2))
    f = T.dot(T.fmatrix(), T.fmatrix())
    assert f.dtype == "float32"


def test_complex_gradient(rng):
    a = rng.standard_normal((2, 3)) + 1j * rng.standard_normal((2, 3))
    b = rng.standard_normal((3, 2))
    x, y = var(a, "a"), var(b, "b")
    z = T.dot(x, y)
    w = rng.standard_normal((2, 2))
    gx, gy = grad((T.real(z) * w + T.imag(z) * 2 * w).sum(), [x, y])
    g = w + 2j * w
    np.testing.assert_allclose(run(gx, {x: a, y: b}), g @ b.T)
    np.testing.assert_allclose(run(gy, {x: a, y: b}), (a.conj().T @ g).real)


def test_types():
    x, y = T.row("x"), T.col("y")
    assert T.dot(x, y).broadcastable == (True, True)
    assert T.dot(T.matrix(), T.vector()).broadcastable == (False,)
    assert T.dot(x, T.matrix()).broadcastable == (True, False)
    assert str(T.dot(T.matrix(), T.matrix())) == "dot.0"
    assert isinstance(T.dot(T.matrix(), T.vector()).owner.op, Dot)
    col, matrix = T.col("c"), T.matrix("m")
    g = grad(T.dot(col, matrix).sum(), [col, matrix])
    assert [v.type for v in g] == [col.type, matrix.type]
    values = {col: np.ones((3, 1)), matrix: np.ones((1, 4))}
    assert run(g[0], values).shape == (3, 1)


def test_static_mismatch_is_found_when_the_graph_is_built():
    a, b = T.constant(np.ones((2, 3)), name="first"), T.constant(np.ones((4, 5)), name="second")
    for f in (T.dot, T.matmul, lambda x, y: T.tensordot(x, y, 1)):
        with pytest.raises(ShapeMismatchError) as error:
            f(a, b)
        text = str(error.value)
        assert all(word in text for word in ("first", "second", "(2, 3)", "(4, 5)", "what to do"))
    with pytest.raises(TypeError):
        T.batched_dot(np.ones((2, 3, 4)), np.ones((3, 4, 5)))
    with pytest.raises(TypeError, match="dimensions"):
        Dot()(T.tensor3(), T.matrix())
    with pytest.raises(TypeError, match="dimensions"):
        BatchedDot()(T.tensor3(), T.matrix())


def test_mismatch_at_run_time():
    x, y = T.dmatrix("x"), T.dmatrix("y")
    with pytest.raises(ValueError, match=r"mismatch|not aligned"):
        run(T.dot(x, y), {x: np.ones((2, 3)), y: np.ones((2, 3))})
    p, q = T.dtensor3("p"), T.dtensor3("q")
    for batches in ((2, 3), (1, 3), (3, 1)):
        with pytest.raises(TypeError, match="batch"):
            run(T.batched_dot(p, q), {p: np.ones((batches[0], 2, 2)), q: np.ones((batches[1], 2, 2))})


@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 3), (2, 3, 0), (0, 0, 0)], ids=str)
def test_empty(shape):
    m, k, n = shape
    a, b = np.ones((m, k)), np.ones((k, n))
    x, y = var(a, "a"), var(b, "b")
    np.testing.assert_array_equal(run(T.dot(x, y), {x: a, y: b}), np.zeros((m, n)))
    gx, gy = grad(T.dot(x, y).sum(), [x, y])
    np.testing.assert_array_equal(run(gx, {x: a, y: b}), np.full((m, k), n))
    np.testing.assert_array_equal(run(gy, {x: a, y: b}), np.full((k, n), m))
    c, d = np.ones((2, m, k)), np.ones((2, k, n))
    u, v = var(c, "c"), var(d, "d")
    np.testing.assert_array_equal(run(T.batched_dot(u, v), {u: c, v: d}), np.zeros((2, m, n)))


def test_strides(rng):
    base = rng.standard_normal((6, 8)).astype("float32")
    for a, b in ((base[::2, ::-1], base.T), (base.T, base[::-1]), (base[:, 1:6], base[1:6])):
        x, y = var(a, "a"), var(b, "b")
        np.testing.assert_allclose(run(T.dot(x, y), {x: a, y: b}), a @ b, rtol=1e-5, atol=1e-5)


# ----- tensordot -----

AXES = [
    ((2, 3, 4), (4, 3, 5), [[1, 2], [1, 0]]),
    ((2, 3, 4), (4, 3, 5), [[2, 1], [0, 1]]),
    ((2, 3, 4), (2, 3, 4), 3),
    ((2, 3, 4), (2, 3, 4), [[0, 1, 2], [0, 1, 2]]),
    ((2, 3), (4, 5), 0),
    ((2, 3), (3, 5), 1),
    ((2, 3), (2, 5), (0, 0)),
    ((2, 3), (5, 3), (-1, -1)),
    ((3,), (3,), 1),
    ((2, 3, 4, 5), (5, 2), [[3], [0]]),
    ((4, 5), (2, 3, 5, 4), [[0, 1], [3, 2]]),
    ((2, 3), (), 0),
]


@pytest.mark.parametrize(("left", "right", "axes"), AXES, ids=str)
def test_tensordot(left, right, axes, rng):
    a, b = rng.standard_normal(left), rng.standard_normal(right)
    x, y = var(a, "a"), var(b, "b")
    np.testing.assert_allclose(run(T.tensordot(x, y, axes), {x: a, y: b}), np.tensordot(a, b, axes))
    if a.size * b.size < 200:
        check_gradient(lambda u, v: T.tensordot(u, v, axes), a, b)
    known = T.tensordot(T.constant(a), T.constant(b), axes)
    assert known.type.shape == np.tensordot(a, b, axes).shape


def test_tensordot_errors():
    x, y = T.dtensor3("x"), T.dmatrix("y")
    for axes in (3, -1, [[0, 1], [0]], [[0, 0], [0, 1]], [[3], [0]], [[0], [-3]], [[0]], "ab"):
        with pytest.raises(ValueError):
            T.tensordot(x, y, axes)


def test_batched_tensordot(rng):
    cases = [
        ((2, 3, 4), (2, 4, 5), 1),
        ((2, 3, 4), (2, 3, 4), 2),
        ((2, 3, 4), (2, 5, 4), [[2], [2]]),
        ((2, 3, 4, 5), (2, 5, 3), [[3, 1], [1, 2]]),
        ((2, 3), (2, 4), 0),
    ]
    for left, right, axes in cases:
        a, b = rng.standard_normal(left), rng.standard_normal(right)
        x, y = var(a, "a"), var(b, "b")
        inner = axes if isinstance(axes, int) else [[k - 1 for k in each] for each in axes]
        expected = np.stack([np.tensordot(u, v, inner) for u, v in zip(a, b)])
        np.testing.assert_allclose(run(T.batched_tensordot(x, y, axes), {x: a, y: b}), expected)
    check_gradient(lambda u, v: T.batched_tensordot(u, v, 1), *(rng.standard_normal((2, 2, 2)) for _ in range(2)))
    with pytest.raises(ValueError, match="batch axis"):
        T.batched_tensordot(x, y, [[0], [0]])


# ----- The others -----


@pytest.mark.parametrize(
    ("left", "right", "rule"),
    [
        ((2, 3, 4), (2, 4, 5), "bmk,bkn->bmn"),
        ((2, 4), (2, 4, 5), "bk,bkn->bn"),
        ((2, 3, 4), (2, 4), "bmk,bk->bm"),
        ((2, 4), (2, 4), "bk,bk->b"),
        ((2,), (2, 4), "b,bk->bk"),
        ((2, 4), (2,), "bk,b->bk"),
        ((2,), (2,), "b,b->b"),
        ((2, 3, 2, 4), (2, 4, 5), "bimk,bkn->bimn"),
        ((2, 4), (2, 3, 4, 2), "bk,bikn->bin"),
    ],
)
def test_batched_dot(left, right, rule, rng):
    a, b = rng.standard_normal(left), rng.standard_normal(right)
    x, y = var(a, "a"), var(b, "b")
    np.testing.assert_allclose(run(T.batched_dot(x, y), {x: a, y: b}), np.einsum(rule, a, b))
    if a.size * b.size < 400:
        check_gradient(T.batched_dot, a, b)
    with pytest.raises(TypeError, match="batch"):
        T.batched_dot(x, T.dscalar())


def test_outer_inner(rng):
    a, b = rng.standard_normal(3), rng.standard_normal(4)
    check_gradient(T.outer, a, b)
    for left, right in (((3,), (4,)), ((2, 3), (4,)), ((), (2, 2))):
        a, b = rng.standard_normal(left), rng.standard_normal(right)
        x, y = var(a, "a"), var(b, "b")
        np.testing.assert_allclose(run(T.outer(x, y), {x: a, y: b}), np.outer(a, b))
    for left, right in (((3,), (3,)), ((2, 3), (4, 3)), ((2, 3, 4), (5, 4)), ((), (2, 2))):
        a, b = rng.standard_normal(left), rng.standard_normal(right)
        x, y = var(a, "a"), var(b, "b")
        np.testing.assert_allclose(run(T.inner(x, y), {x: a, y: b}), np.inner(a, b))


def test_matmul_broadcasts_where_types_say_so(rng):
    a, b = rng.standard_normal((1, 2, 3)), rng.standard_normal((4, 3, 2))
    x, y = var(a, "a", (True, False, False)), var(b, "b")
    np.testing.assert_allclose(run(T.matmul(x, y), {x: a, y: b}), a @ b)
    g = grad(T.matmul(x, y).sum(), [x, y])
    assert g[0].type == x.type
    np.testing.assert_allclose(
        run(g[0], {x: a, y: b}), (np.ones((4, 2, 2)) @ b.transpose(0, 2, 1)).sum(0, keepdims=True)
    )


def test_forward_mode(rng):
    a, b, t = rng.standard_normal((2, 3)), rng.standard_normal((3, 2)), rng.standard_normal((2, 3))
    x, y, dx = var(a, "a"), var(b, "b"), var(t, "t")
    (forward,) = Dot().R_op([x, y], [dx, None])
    np.testing.assert_allclose(run(forward, {x: a, y: b, dx: t}), t @ b)
    assert Dot().R_op([x, y], [None, None]) == [None]


def test_sparse_like_operands_answer_for_themselves():
    class Sparse:
        def __dot__(self, other):
            return ("dot", other)

        def __rdot__(self, other):
            return ("rdot", other)

    s, x = Sparse(), T.dmatrix("x")
    assert T.dot(s, 3) == ("dot", 3)
    assert T.dot(x, s) == ("rdot", x)
