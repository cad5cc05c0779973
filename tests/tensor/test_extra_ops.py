"""extra_ops, topk and fft against NumPy: options, dtypes, empty inputs, what Theano got wrong, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import ShapeMismatchError
from symtheano.tensor import extra_ops, fft


def run(build: Callable[..., Any], *values: Any) -> Any:
    """The value of an expression of inputs of the values' types, compiled."""
    arrays = [np.asarray(v) for v in values]
    inputs = [T.TensorType(v.dtype.name, (False,) * v.ndim)() for v in arrays]
    out = build(*inputs)
    return st.function(inputs, list(out) if isinstance(out, tuple) else out)(*arrays)


def same(got: Any, want: Any) -> None:
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


# -- differences, windows, counting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "float32", "complex64"])
@pytest.mark.parametrize("n", [0, 1, 2, 7])
def test_diff(dtype: str, n: int) -> None:
    x = np.random.default_rng(0).integers(0, 9, (4, 5)).astype(dtype)
    for axis in (0, 1, -2):
        same(run(lambda v, axis=axis: extra_ops.diff(v, n, axis), x), np.diff(x, n, axis))
    same(run(lambda v: extra_ops.diff(v, n, 0).shape, x[:0]), np.array([0, 5]))


def test_gradient_of_too_many_differences_is_zero() -> None:
    x = T.dvector()
    for length in (0, 1, 2):
        g = st.grad(T.sum(extra_ops.diff(x, 3)), x).eval({x: np.ones(length)})
        np.testing.assert_array_equal(g, np.zeros(length))


def test_bartlett() -> None:
    for m in (-1, 0, 1, 2, 7):
        np.testing.assert_allclose(run(extra_ops.bartlett, m), np.bartlett(m))
    with pytest.raises(TypeError):
        extra_ops.bartlett(1.5)
    with pytest.raises(TypeError):
        extra_ops.bartlett([3])


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64", "uint64"])
def test_bincount(dtype: str) -> None:
    x = np.array([1, 0, 1, 1]).astype(dtype)
    w = np.array([0.5, 2, 4, 0.25])
    same(run(extra_ops.bincount, x), np.bincount(x.astype(int)))
    same(run(extra_ops.bincount, x, w), np.bincount(x.astype(int), w))
    same(run(extra_ops.bincount, x, w.astype("float32")), np.bincount(x.astype(int), w).astype("float32"))
    same(run(lambda v, n: extra_ops.bincount(v, minlength=n), x, 5), np.bincount(x.astype(int), minlength=5))
    same(run(extra_ops.bincount, x[:0]), np.zeros(0, "int64"))


def test_counts_do_not_overflow() -> None:
    assert run(extra_ops.bincount, np.zeros(300, "int8")).tolist() == [300]


def test_bincount_errors() -> None:
    with pytest.raises(ValueError, match="negative"):
        run(extra_ops.bincount, np.array([-1]))
    with pytest.raises(AssertionError, match="negative"):
        run(lambda x: extra_ops.bincount(x, assert_nonneg=True), np.array([-1]))
    with pytest.raises(TypeError, match="dimension 1"):
        extra_ops.bincount(T.lmatrix())
    with pytest.raises(TypeError, match="integers"):
        extra_ops.bincount(T.dvector())


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_unique(axis: int | None) -> None:
    x = np.array([[2, 1, 2], [2, 1, 2], [0, 5, 0]])
    values, where, which, counts = run(lambda v: extra_ops.unique(v, True, True, True, axis), x)
    want = np.unique(x, True, True, True, axis)
    for g, w in zip((values, where, which, counts), want, strict=True):
        same(g, w if g is values else w.reshape(-1))
    same(run(lambda v: extra_ops.unique(v, axis=axis), x), want[0])
    size = run(lambda v: extra_ops.unique(v, False, True, axis=axis)[1].shape, x)
    assert size.tolist() == [9 if axis is None else 3]
    with pytest.raises(RuntimeError, match="outside"):
        extra_ops.unique(T.lmatrix(), axis=2)


def test_to_one_hot() -> None:
    same(run(lambda y: extra_ops.to_one_hot(y, 4, "float32"), np.array([2, 0])), np.eye(4, dtype="float32")[[2, 0]])
    assert extra_ops.to_one_hot(T.lvector(), 3).dtype == st.config.floatX
    with pytest.raises(IndexError):
        run(lambda y: extra_ops.to_one_hot(y, 3), np.array([3]))


# -- places and diagonals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F"])
def test_places(order: str) -> None:
    shape = (3, 4, 5)
    flat = np.arange(60).reshape(6, 10)
    for places in (flat, flat[0], np.array(7)):
        found = run(lambda p: extra_ops.unravel_index(p, shape, order), places)
        for g, w in zip(found, np.unravel_index(places, shape, order), strict=True):
            same(g, w)
        same(run(lambda a, b, c: extra_ops.ravel_multi_index((a, b, c), shape, order=order), *found), places)
    out = np.array([[-1, 7], [5, -3]])
    for mode in ("wrap", "clip", ("wrap", "clip")):
        got = run(lambda a, b, mode=mode: extra_ops.ravel_multi_index((a, b), (3, 4), mode, order), *out)
        same(got, np.ravel_multi_index(tuple(out), (3, 4), mode, order))
    with pytest.raises(ValueError):
        run(lambda a: extra_ops.ravel_multi_index((a,), (3,)), np.array([3]))
    with pytest.raises(ValueError):
        run(lambda a: extra_ops.unravel_index(a, (3,)), np.array([3]))


def test_places_in_shapes_known_at_run_time() -> None:
    p, s, x = T.lvector(), T.lvector(), T.dtensor3()
    f = st.function([p, s], list(extra_ops.unravel_index(p, s, ndim=2)))
    np.testing.assert_array_equal(f([5], [2, 3]), [[1], [2]])
    with pytest.raises(ShapeMismatchError, match="dims has 3 elements"):
        f([5], [2, 3, 4])
    assert len(extra_ops.unravel_index(p, x.shape)) == 3
    with pytest.raises(ValueError, match="ndim"):
        extra_ops.unravel_index(p, s)


@pytest.mark.parametrize("call", [
    lambda: extra_ops.unravel_index(T.fvector(), (3, 4)), lambda: extra_ops.unravel_index((3, 4), (3.4, 3.2)),
    lambda: extra_ops.unravel_index((3, 4), 3), lambda: extra_ops.ravel_multi_index((T.fvector(), T.lvector()), (3, 4)),
    lambda: extra_ops.ravel_multi_index(T.lvector(), (3,)), lambda: extra_ops.ravel_multi_index(([1], 2), (3, 3)),
])  # fmt: skip
def test_places_are_integers(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError):
        call()


@pytest.mark.parametrize("shape", [(8, 8), (5, 8), (8, 5), (0, 3), (3, 0), (1, 1)])
def test_fill_diagonal(shape: tuple[int, int]) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    for offset in (-9, -5, -1, 0, 1, 4, 9):
        want = x.copy()
        rows, columns = np.indices(shape)
        want[columns - rows == offset] = 7
        same(run(lambda v, k: extra_ops.fill_diagonal_offset(v, 7.0, k), x, offset), want)
        if not offset:
            same(run(lambda v: extra_ops.fill_diagonal(v, 7), x), want)
            same(run(lambda v: extra_ops.fill_diagonal(v, 7), np.asfortranarray(x)[::-1]), fill(x[::-1]))


def fill(x: Any) -> Any:
    result = x.copy()
    n = min(x.shape)
    result[np.arange(n), np.arange(n)] = 7
    return result


def test_fill_diagonal_errors() -> None:
    with pytest.raises(TypeError, match="two dimensions"):
        extra_ops.fill_diagonal(T.dvector(), 1)
    with pytest.raises(TypeError, match="scalar"):
        extra_ops.fill_diagonal(T.dmatrix(), T.dvector())
    with pytest.raises(TypeError, match="does not fit"):
        extra_ops.fill_diagonal(T.lmatrix(), 0.5)
    with pytest.raises(ValueError, match="one length"):
        run(lambda x: extra_ops.fill_diagonal(x, 1.0), np.zeros((2, 3, 2)))
    with pytest.raises(TypeError):
        extra_ops.fill_diagonal_offset(T.dmatrix(), 1.0, 0.5)


def test_cpu_contiguous() -> None:
    x = np.arange(24.0).reshape(4, 6)
    for view in (x, x[::2], x.T, x[:, ::-1], np.asarray(3.0)):
        got = run(extra_ops.cpu_contiguous, view)
        assert got.flags.c_contiguous
        same(got, view)


def test_old_names_of_running_totals() -> None:
    x = np.arange(6.0).reshape(2, 3)
    same(run(lambda v: T.CumOp()(v), x), np.cumsum(x))
    same(run(lambda v: extra_ops.CumprodOp(-2)(v), x), np.cumprod(x, 0))
    v = T.dmatrix()
    np.testing.assert_allclose(st.grad(T.sum(extra_ops.CumsumOp(-2)(v) * x), v).eval({v: x}), x[::-1].cumsum(0)[::-1])


# -- the largest elements --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "float16", "float64"])
@pytest.mark.parametrize("k", [1, 2, 5, -1, -3, -5])
def test_topk(dtype: str, k: int) -> None:
    x = np.random.default_rng(1).integers(0, 9, (5, 5)).astype(dtype)
    for axis in (0, 1, -1):
        ascending = np.sort(x, axis)
        want = np.flip(ascending, axis).take(range(k), axis) if k > 0 else ascending.take(range(-k), axis)
        values, places = run(lambda v, axis=axis: T.topk_and_argtopk(v, k, axis, idx_dtype="int16"), x)
        same(values, want)
        assert places.dtype == "int16"
        same(np.take_along_axis(x, places.astype(int), axis), want)
        same(run(lambda v, axis=axis: T.topk(v, k, axis), x), values)
        same(run(lambda v, axis=axis: T.argtopk(v, k, axis, idx_dtype="int16"), x), places)
        loose = run(lambda v, axis=axis: T.topk(v, k, axis, sorted=False), x)
        same(np.sort(loose, axis), np.sort(want, axis))
    assert run(lambda v: T.topk(v, 3, axis=None), x).shape == (3,)


def test_topk_of_a_number_known_at_run_time() -> None:
    f = st.function([x := T.dvector(), k := T.lscalar()], [T.topk(x, k), T.topk(x, k).shape])
    values, shape = f(np.array([3.0, np.nan, 1.0, 2.0]), 2)
    np.testing.assert_array_equal(values, [np.nan, 3])
    assert shape.tolist() == [2]
    for bad in (0, 5, -5):
        with pytest.raises(ValueError, match="elements to take"):
            f(np.zeros(4), bad)


def test_topk_errors() -> None:
    for x, k in ((T.dscalar(), 1), (T.dvector(), 0), (np.ones(3), 4)):
        with pytest.raises(ValueError):
            T.topk(x, k)
    with pytest.raises(IndexError):
        T.topk(T.dvector(), 1, axis=1)
    with pytest.raises(TypeError, match="idx_dtype"):
        T.argtopk(T.dvector(), 1, idx_dtype="float32")
    with pytest.raises(ValueError, match="neither"):
        T.TopKOp(return_values=False, return_indices=False)


def test_sort_along_an_axis_known_at_run_time() -> None:
    x, axis = T.dmatrix(), T.lscalar()
    value = np.random.default_rng(0).normal(size=(3, 4))
    f = st.function([x, axis], [T.sort(x, axis), T.argsort(x, axis)])
    for k in (0, 1, -1):
        same(f(value, k)[0], np.sort(value, k))
        same(f(value, k)[1], np.argsort(value, k))
    with pytest.raises(TypeError, match="known only when it runs"):
        st.grad(T.sum(T.sort(x, axis) * value), x)


# -- Fourier transforms ----------------------------------------------------------------------------------------------


def pairs(z: Any) -> Any:
    return np.stack([z.real, z.imag], -1)


SCALES: dict[Any, Any] = {
    None: ("backward", "backward"),
    "ortho": ("ortho", "ortho"),
    "no_norm": ("backward", "forward"),
}


@pytest.mark.parametrize("norm", SCALES)
@pytest.mark.parametrize("shape", [(2, 6), (1, 5), (3, 1), (2, 3, 4), (2, 4, 3, 5)])
def test_fourier(norm: Any, shape: tuple[int, ...]) -> None:
    x: Any = np.random.default_rng(0).normal(size=shape)
    axes = tuple(range(1, x.ndim))
    there, back = SCALES[norm]
    want = np.fft.rfftn(x, axes=axes, norm=there)
    got = run(lambda v: fft.rfft(v, norm), x)
    np.testing.assert_allclose(got, pairs(want), atol=1e-14)
    odd = bool(shape[-1] % 2)
    again = run(lambda v: fft.irfft(v, norm, is_odd=odd), got)
    np.testing.assert_allclose(again, np.fft.irfftn(want, shape[1:], axes, norm=back), atol=1e-12)
    if norm != "no_norm":
        np.testing.assert_allclose(again, x, atol=1e-12)


@pytest.mark.parametrize(("given", "want"), [("float16", "float16"), ("float32", "float32"), ("int32", "float64")])
def test_fourier_dtypes(given: str, want: str) -> None:
    x = np.arange(8).reshape(2, 4).astype(given)
    out = run(fft.rfft, x)
    assert out.dtype == want
    back = run(fft.irfft, out)
    assert back.dtype == want
    np.testing.assert_allclose(back, x, atol=1e-2)


def test_fourier_shapes_and_errors() -> None:
    x = T.dtensor3()
    assert run(lambda v: fft.rfft(v).shape, np.zeros((2, 3, 4))).tolist() == [2, 3, 3, 2]
    assert T.fft is fft
    with pytest.raises(TypeError, match="at least 2"):
        fft.rfft(T.dvector())
    with pytest.raises(TypeError, match="at least 3"):
        fft.irfft(T.dmatrix())
    with pytest.raises(TypeError, match="complex"):
        fft.rfft(T.zmatrix())
    with pytest.raises(ValueError, match="norm"):
        fft.rfft(x, norm="unit")
    with pytest.raises(ValueError, match="is_odd"):
        fft.irfft(x, is_odd=2)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="integer"):
        fft.rfft_op(x, (2.5, 3.5))
