"""Pooling against its definition, finite differences, ties, shapes, older keywords and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import symtheano as st
import symtheano.tensor as T
from symtheano.graph.interpret import evaluate
from symtheano.tensor.signal import downsample, pool_kernels
from symtheano.tensor.signal.pool import Pool, max_pool_2d_same_size, pool_2d, pool_3d

MODES = ["max", "sum", "average_inc_pad", "average_exc_pad"]


@some.composite
def windows(draw: Any) -> Any:
    """(shape, ws, stride, pad, ignore_border, mode) in 1, 2 or 3 pooled dimensions."""
    d = draw(some.integers(1, 3))
    leading = draw(some.sampled_from([(), (2,), (1, 2)]))
    shape = tuple(draw(some.integers(1, 6)) for _ in range(d))
    ws = tuple(draw(some.integers(1, 4)) for _ in range(d))
    stride = tuple(draw(some.integers(1, 4)) for _ in range(d))
    border = draw(some.booleans())
    pad = tuple(draw(some.integers(0, w - 1)) if border else 0 for w in ws)
    return (*leading, *shape), ws, stride, pad, border, draw(some.sampled_from(MODES))


def by_loops(x: Any, ws: Any, stride: Any, pad: Any, border: bool, mode: str) -> Any:
    """Window after window; unless `border` they start at every stride up to the one that covers the end."""
    d = len(ws)
    starts = []
    for n, w, s, p in zip(x.shape[-d:], ws, stride, pad, strict=True):
        if border:
            starts.append([a for a in range(-p, n + p, s) if a + w <= n + p])
            continue
        found: list[int] = []
        while not found or (found[-1] + w < n and found[-1] + s < n):
            found.append(found[-1] + s if found else 0)
        starts.append(found)
    result = np.zeros((*x.shape[:-d], *map(len, starts)), x.dtype)
    for r in np.ndindex(*result.shape[-d:]):
        begins = [s[i] for s, i in zip(starts, r, strict=True)]
        cut = [slice(max(a, 0), min(a + w, n)) for a, w, n in zip(begins, ws, x.shape[-d:], strict=True)]
        seen = x[(..., *cut)].reshape(*x.shape[:-d], -1)
        count = seen.shape[-1]
        if mode == "average_inc_pad":
            ends = zip(begins, ws, x.shape[-d:], pad, strict=True)
            count = int(np.prod([min(a + w, n + p) - a for a, w, n, p in ends]))
        value = seen.max(-1) if mode == "max" else seen.sum(-1) / (1 if mode == "sum" else count)
        result[(..., *r)] = value
    return result


def symbols(case: Any) -> tuple[Any, Any]:
    shape, ws, stride, pad, border, mode = case
    x = T.TensorType("float64", (False,) * len(shape))()
    return x, Pool(border, mode, len(ws))(x, ws, stride, pad)


@given(windows())
@settings(max_examples=80, deadline=None)
def test_value_and_shape(case: Any) -> None:
    x, out = symbols(case)
    data = np.random.default_rng(0).normal(size=case[0])
    got, shape = evaluate([out, out.shape], {x: data})
    np.testing.assert_allclose(got, by_loops(data, *case[1:]), atol=1e-12)
    assert tuple(shape) == got.shape
    _, ws, stride, pad, border, _ = case
    assert tuple(Pool.out_shape(case[0], ws, border, stride, pad, len(ws))) == got.shape


@given(windows())
@settings(max_examples=40, deadline=None)
def test_finite_differences_to_second_order(case: Any) -> None:
    x, out = symbols(case)
    size = int(np.prod(case[0]))
    rng = np.random.default_rng(size)
    data = rng.permutation(np.linspace(-1, 1, size)).reshape(case[0])  # the order survives small steps
    u, v = rng.normal(size=case[0]), rng.normal(size=case[0])
    weights = rng.normal(size=evaluate([out], {x: data})[0].shape)
    cost = T.sum(out**3 * weights)
    slope = T.sum(st.grad(cost, x) * u)
    second = T.sum(st.grad(slope, x, disconnected_inputs="ignore") * v)
    h = 1e-4
    for value, derivative, along in ((cost, slope, u), (slope, second, v)):
        ends = [float(evaluate([value], {x: data + s * h * along})[0]) for s in (1, -1)]
        want = (ends[0] - ends[1]) / (2 * h)
        got = float(evaluate([derivative], {x: data})[0])
        assert abs(got - want) <= 1e-5 * (1 + abs(want) + float(np.abs(data).max()) ** 3 * weights.size)


@given(windows())
@settings(max_examples=40, deadline=None)
def test_every_tied_maximum_gets_the_gradient(case: Any) -> None:
    case = (*case[:-1], "max")
    x, out = symbols(case)
    data = np.random.default_rng(1).integers(0, 2, case[0]).astype(float)
    z = evaluate([out], {x: data})[0]
    weights = np.random.default_rng(2).normal(size=z.shape)
    (got,) = evaluate([st.grad(T.sum(out * weights), x)], {x: data})
    # an element is a tied maximum of a window if and only if raising it a little raises the maximum
    want = np.zeros_like(data)
    for at in np.ndindex(*data.shape):
        moved = data.copy()
        moved[at] += 0.5
        want[at] = np.sum(2 * (by_loops(moved, *case[1:]) - z) * weights)
    np.testing.assert_allclose(got, want, atol=1e-10)


def test_forward_derivatives() -> None:
    x, t = T.dmatrix(), T.dmatrix()
    data = np.random.default_rng(0).normal(size=(5, 6))
    direction = np.random.default_rng(1).normal(size=(5, 6))
    for mode in MODES:
        out = pool_2d(x, (2, 3), True, (1, 2), (1, 1), mode)
        got = st.function([x, t], st.gradient.Rop(out, x, t))(data, direction)
        f = st.function([x], out)
        want = (f(data + 1e-6 * direction) - f(data - 1e-6 * direction)) / 2e-6
        np.testing.assert_allclose(got, want, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint8", "bool"])
@pytest.mark.parametrize("mode", MODES)
def test_dtypes(dtype: str, mode: str) -> None:
    data = np.arange(-8, 12).reshape(4, 5).astype(dtype)
    got = pool_2d(data, (2, 2), False, mode=mode).eval()
    assert got.dtype == dtype
    if dtype != "bool":
        want = by_loops(data.astype("float64"), (2, 2), (2, 2), (0, 0), False, mode).astype(
            "int64" if dtype[0] in "iu" else dtype
        )
        np.testing.assert_array_equal(got, want.astype(dtype))


def test_nan_and_infinity() -> None:
    data = np.array([[1.0, np.nan, -np.inf, -np.inf]])
    np.testing.assert_array_equal(pool_2d(data, (1, 2), True).eval(), [[np.nan, -np.inf]])
    x = T.dmatrix()
    g = st.grad(pool_2d(x, (1, 2), True).sum(), x).eval({x: data})
    np.testing.assert_array_equal(g, [[0, 0, 1, 1]])
    huge = st.grad(T.sum(pool_2d(x, (1, 2), True) * np.array([[np.inf, 1.0]])), x)
    np.testing.assert_array_equal(huge.eval({x: [[2.0, 1.0, 4.0, 3.0]]}), [[np.inf, 0, 1, 0]])


def test_large_batches_go_through_in_blocks() -> None:
    data = np.random.default_rng(0).integers(0, 5, (9, 3, 64, 65)).astype("float64")
    x = T.tensor4()
    out = pool_2d(x, (2, 2), True)
    whole, parts = st.grad(T.sum(out**2), x).eval({x: data}), []
    for image in data:
        parts.append(st.grad(T.sum(out**2), x).eval({x: image[None]}))
    assert data.nbytes > pool_kernels.BLOCK
    np.testing.assert_array_equal(whole, np.concatenate(parts))


def test_symbolic_windows() -> None:
    x, ws, stride, pad = T.tensor4(), T.lvector(), T.lvector(), T.lvector()
    data = np.random.default_rng(0).normal(size=(2, 1, 6, 7))
    out = Pool(True, "average_inc_pad")(x, ws, stride, pad)
    f = st.function([x, ws, stride, pad], [out, out.shape, st.grad(out.sum(), x)])
    for w, s, p in (((2, 3), (2, 3), (0, 0)), ((3, 3), (1, 2), (1, 2)), ((1, 2), (3, 3), (0, 0))):
        z, shape, g = f(data, w, s, p)
        np.testing.assert_allclose(z, by_loops(data, w, s, p, True, "average_inc_pad"), atol=1e-12)
        assert tuple(shape) == z.shape and g.shape == data.shape
    with pytest.raises(ValueError, match="smaller than ws"):
        f(data, (2, 2), (1, 1), (2, 0))


def test_static_shapes() -> None:
    assert pool_2d(np.zeros((2, 3, 8, 9)), (2, 2), ignore_border=True).type.shape == (2, 3, 4, 4)
    assert pool_2d(np.zeros((2, 3, 8, 9)), (2, 2), ignore_border=False).type.shape == (2, 3, 4, 5)
    assert pool_2d(T.tensor4(), (2, 2), ignore_border=False).type.shape == (None,) * 4
    whole = pool_2d(np.zeros((1, 3, 8, 8)), (8, 8), ignore_border=True)
    assert whole.broadcastable == (True, False, False, False)  # as Theano's
    n = T.lscalar()
    assert int(Pool.out_shape((n, 3, n, 7), (2, 2), False, (3, 1))[2].eval({n: 8})) == 3
    assert Pool.out_shape((10, 20, 7), (2, 3), ds=None) == [10, 10, 3]


def test_same_size() -> None:
    data = np.arange(25.0).reshape(1, 1, 5, 5)
    want = np.zeros_like(data)
    for i, j in ((1, 1), (1, 3), (3, 1), (3, 3)):
        want[0, 0, i, j] = data[0, 0, i, j]
    np.testing.assert_array_equal(max_pool_2d_same_size(data, (2, 2)).eval(), want)


def test_older_names() -> None:
    x = np.random.default_rng(0).normal(size=(6, 7))
    want = pool_2d(x, (2, 2), True, (1, 2), (1, 0)).eval()
    with pytest.warns(UserWarning, match="DEPRECATION") as caught:
        old = pool_2d(x, ds=(2, 2), ignore_border=True, st=(1, 2), padding=(1, 0))
    assert all(name in str(w.message) for name, w in zip(("'ds'", "'st'", "'padding'"), caught, strict=True))
    assert all(w.filename == __file__ for w in caught)
    np.testing.assert_array_equal(old.eval(), want)
    np.testing.assert_array_equal(downsample.max_pool_2d(x, (2, 2), True, (1, 2), (1, 0)).eval(), want)
    assert downsample.max_pool_2d(x, (2, 2)).eval().shape == (3, 4)
    with pytest.warns(UserWarning, match="ignore_border") as caught:
        assert pool_2d(x, (2, 2)).eval().shape == (3, 4)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="ignore_border"):
        assert pool_3d(np.zeros((3, 4, 5)), (2, 2, 2)).eval().shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: pool_2d(x, (2, 2), ignore_border=False, pad=(1, 1)), NotImplementedError, "ignore_border=True"),
        (lambda x: pool_2d(x, (2, 2), ignore_border=True, pad=(2, 1)), NotImplementedError, "smaller"),
        (lambda x: pool_2d(x[0], (2, 2), ignore_border=True), NotImplementedError, "dimension >= 2"),
        (lambda x: pool_3d(x, (2, 2, 2), ignore_border=True), NotImplementedError, "dimension >= 3"),
        (lambda x: pool_2d(x), ValueError, "window size"),
        (lambda x: pool_2d(x, (2, 2), ds=(2, 2)), ValueError, "both 'ws' and 'ds'"),
        (lambda x: pool_2d(x, (2, 2), True, (1, 1), st=(1, 1)), ValueError, "both 'stride' and 'st'"),
        (lambda x: pool_2d(x, (2, 2), True, pad=(1, 1), padding=(1, 1)), ValueError, "both 'pad' and 'padding'"),
        (lambda x: pool_2d(x, (2, 2), True, mode="min"), ValueError, "max"),
        (lambda x: pool_2d(x, (2.0, 2.0), True), TypeError, "must be ints"),
        (lambda x: pool_2d(x, (2, 2, 2), True), ValueError, "2 elements"),
        (lambda x: pool_2d(x, (0, 2), True), ValueError, "ws"),
        (lambda x: Pool(True)(T.vector(), (2, 2)), TypeError, "as many dimensions"),
    ],
)
def test_mistakes(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        call(T.matrix("x"))
    assert words in str(caught.value)
