"""complex and float16 numbers in machine code: no step of Python is left, values are those of the interpreter.

The interpreter computes in float64 and complex128 on the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.runtime import Function
from symtheano.compile.schedule import Region
from symtheano.graph.interpret import evaluate

DTYPES = ("float16", "complex64", "complex128")
WIDE = {"float16": "float64", "complex64": "complex128", "complex128": "complex128"}
ERROR = {"float16": 3e-3, "complex64": 2e-6, "complex128": 2e-14}
NATIVE = st.Mode(target="native")
PLACES = np.array([2, 0, -1, 2])

Build = Callable[[Any, Any], Any]

EVERY: dict[str, Build] = {
    "arithmetic": lambda x, y: (x + y) * x - y / (x + 3),
    "stretched": lambda x, y: x[0] * y + y[:, 0].dimshuffle(0, "x"),
    "numbers": lambda x, y: 2 * x[0, 0] + y[1, 1],
    "second": lambda x, y: T.switch(T.eq(x, y), x, y * 2),
    "sums": lambda x, y: x.sum(),
    "sums of rows": lambda x, y: (x * y).sum(axis=1),
    "sums of columns": lambda x, y: (x + y).sum(axis=0),
    "products": lambda x, y: x.prod(axis=0),
    "means": lambda x, y: x.mean(axis=1, keepdims=True) - x,
    "any": lambda x, y: T.any(x - x[0], axis=1),
    "all": lambda x, y: T.all(x, axis=0),
    "transposed": lambda x, y: x.T + 2 * y.T,
    "exchanged": lambda x, y: x[:4, :4] * y[:4, :4].T,
    "reversed": lambda x, y: x[::-1, ::2] - y[:, ::-2],
    "gathered rows": lambda x, y: x[PLACES] + y[:4],
    "gathered columns": lambda x, y: x[:, PLACES] * 2,
    "gathered elements": lambda x, y: x[PLACES, PLACES],
    "scattered": lambda x, y: T.inc_subtensor(x[PLACES], y[:4]),
    "set": lambda x, y: T.set_subtensor(x[PLACES[:3]], y[:3]),
    "added to a slice": lambda x, y: T.inc_subtensor(x[1:, ::2], y[1:, ::2]),
    "joined": lambda x, y: T.concatenate([x, y, x], axis=1),
    "stacked": lambda x, y: T.stack([x[0, 0], y[0, 1], x[1, 1]]),
    "filled": lambda x, y: T.alloc(x[0], 3, x.shape[1]),
    "diagonals": lambda x, y: T.diag(x) + T.diag(T.diag(y)),
    "reshaped": lambda x, y: (x * y).reshape((-1,)),
    "repeated": lambda x, y: T.repeat(T.roll(x, 2, axis=0), 2, axis=1),
    "identity": lambda x, y: T.eye(3, dtype=x.dtype) * x[0, 0],
    "cast": lambda x, y: T.cast(x, WIDE.get(x.dtype, x.dtype)) * y,
    "matrices": lambda x, y: T.dot(x, y.T) + 1,
    "matrix and vector": lambda x, y: T.dot(x, y[0]),
    "vectors": lambda x, y: T.dot(x[0], y[1]),
    "stacks": lambda x, y: T.batched_dot(T.stack([x, y]), T.stack([y.T, x.T])),
    "two axes": lambda x, y: T.tensordot(x, y, axes=[[0, 1], [0, 1]]),
    "sqrt": lambda x, y: T.sqrt(x * x),
    "exp": lambda x, y: T.exp(x) * T.isnan(y),
    "abs": lambda x, y: abs(x) + abs(y),
    "inverse": lambda x, y: T.inv(x) + T.sqr(y),
}
OF_HALVES: dict[str, Build] = {
    "softmax": lambda x, y: T.nnet.softmax(x * 3),
    "logsoftmax": lambda x, y: T.nnet.logsoftmax(x),
    "gradient of softmax": lambda x, y: st.grad(T.nnet.softmax(x)[:, 0].sum(), x),
    "crossentropy": lambda x, y: T.nnet.categorical_crossentropy(T.nnet.softmax(x), np.arange(6) % 5),
    "extrema": lambda x, y: x.max(axis=1) - y.min(axis=1),
    "argmax": lambda x, y: T.argmax(x, axis=1),
    "variance": lambda x, y: x.var(axis=0),
    "logsumexp": lambda x, y: T.log(T.sum(T.exp(x), axis=1)),
    "activations": lambda x, y: T.nnet.sigmoid(x) + T.tanh(y) + T.nnet.relu(x),
    "rounded": lambda x, y: T.floor(x) + T.clip(y, -0.5, 0.5),
    "to integers": lambda x, y: T.cast(x * 16, "int32"),
}
OF_COMPLEX: dict[str, Build] = {
    "parts": lambda x, y: x.real * y.imag,
    "conjugate": lambda x, y: T.conj(x) * y,
    "angle": lambda x, y: T.angle(x),
    "of parts": lambda x, y: T.complex(x.real, y.imag) * 1j,
    "polar": lambda x, y: T.complex_from_polar(abs(x), y.real),
    "exponentials": lambda x, y: T.exp2(x) - T.expm1(y),
    "logarithms": lambda x, y: T.log(x) + T.log2(y) + T.log10(x * y) + T.log1p(x),
    "waves": lambda x, y: T.sin(x) * T.cos(y) + T.sinh(y) * T.cosh(x),
    "tangents": lambda x, y: T.tan(x) + T.tanh(y),
    "powers": lambda x, y: x**2 + y**3 + x**-1 + x**1.5 + (2 + y) ** -0.5,
    "powers of powers": lambda x, y: (2 + x) ** y * x**y.real,
    "norm": lambda x, y: T.sqrt((abs(x) ** 2).sum(axis=1)),
    "gradient": lambda x, y: st.grad((abs(x * y) ** 2).sum(), x),
    "with reals": lambda x, y: x * T.cast(y.real, "float32") + 1,
}
CASES = [(dtype, name) for dtype in DTYPES for name in (*EVERY, *(OF_HALVES if dtype == "float16" else OF_COMPLEX))]


@pytest.fixture(autouse=True)
def only_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left to the NumPy program."""

    def refuse(*_: Any) -> None:
        raise AssertionError("the NumPy program was asked to compute")

    monkeypatch.setattr(Function, "_by_numpy", refuse)


def values(shape: tuple[int, ...], dtype: str, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    value = rng.normal(size=shape)
    return (value + 1j * rng.normal(size=shape) if dtype.startswith("c") else value).astype(dtype)


def matrix(dtype: str, name: str) -> Any:
    return T.TensorType(dtype, (False, False))(name)


def is_whole(f: Any) -> bool:
    """Whether a function is machine code only."""
    native = f.compiled.native
    return native is not None and all(isinstance(part, Region) for part in native.schedule.parts)


def close(got: Any, wanted: Any, error: float, scale: float = 1.0) -> None:
    __tracebackhide__ = True
    assert np.shape(got) == np.shape(wanted)
    if got.dtype.kind not in "fc":
        np.testing.assert_array_equal(got, wanted)
        return
    np.testing.assert_allclose(got, wanted, rtol=error, atol=error * scale)


@pytest.mark.parametrize(("dtype", "name"), CASES)
def test_values(dtype: str, name: str) -> None:
    build = {**EVERY, **OF_HALVES, **OF_COMPLEX}[name]
    x, y = matrix(dtype, "x"), matrix(dtype, "y")
    f = st.function([x, y], build(x, y), mode=NATIVE, on_unused_input="ignore")
    assert is_whole(f)
    exact = [matrix(WIDE[dtype], v) for v in "xy"]
    for rows, columns in ((6, 5), (6, 37)):
        a, b = values((rows, columns), dtype, rows), values((rows, columns), dtype, columns)
        given = [v.astype(WIDE[dtype]) for v in (a, b)]
        (wanted,) = evaluate([build(*exact)], dict(zip(exact, given, strict=True)))
        got = f(a, b)
        assert got.dtype == build(x, y).dtype
        close(got, wanted, ERROR[dtype], 4)


ROWS: dict[str, Callable[..., Any]] = {
    "add": T.add, "sub": T.sub, "mul": T.mul, "true_divide": T.true_div, "maximum": T.maximum, "minimum": T.minimum,
    "negative": lambda x, y: -x, "sqrt": lambda x, y: T.sqrt(x), "floor": lambda x, y: T.floor(x),
    "abs": lambda x, y: abs(x), "mod": T.mod, "floor_divide": T.int_div, "rint": lambda x, y: T.round(x),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_float16_is_numpys_to_the_bit(name: str) -> None:
    rng = np.random.default_rng(3)
    a, b = (rng.integers(0, 1 << 16, 5000, dtype=np.uint16).view(np.float16) for _ in range(2))
    x, y = (T.TensorType("float16", (False,))(v) for v in "xy")
    f = st.function([x, y], ROWS[name](x, y), mode=NATIVE, on_unused_input="ignore")
    function = getattr(np, {"sub": "subtract", "mul": "multiply"}.get(name, name))
    with np.errstate(all="ignore"):
        wanted = function(*(a, b)[: function.nin])
    np.testing.assert_array_equal(f(a, b), wanted)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1), (1, 100), (70, 1), (33, 65)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_sums_and_products_of_any_shape(dtype: str, shape: tuple[int, int]) -> None:
    x, a = matrix(dtype, "x"), values(shape, dtype, 5)
    outs = [x.sum(axis=k) for k in (None, 0, 1)] + [(x / abs(x)).prod(axis=k) for k in (0, 1)]
    f = st.function([x], outs, mode=NATIVE)
    assert is_whole(f)
    exact = a.astype(WIDE[dtype])
    unit = exact / abs(exact)
    wanted = [exact.sum(axis=k) for k in (None, 0, 1)] + [unit.prod(axis=k) for k in (0, 1)]
    for got, want in zip(f(a), wanted, strict=True):
        close(got, want, ERROR[dtype] * 20, 4)


def test_sums_of_float16_do_not_overflow_or_stand_still() -> None:
    x = T.TensorType("float16", (False,))("x")
    f = st.function([x], [x.sum(dtype="float32"), x.sum(), x.mean()], mode=NATIVE)
    ones = np.ones(10_000, "float16")
    assert [float(v) for v in f(ones)] == [10_000, 10_000, 1]
    large = np.full(4000, 1000, "float16")
    assert [float(v) for v in f(large)] == [4e6, np.inf, 1000]


@pytest.mark.parametrize("dtype", DTYPES)
def test_shared_variables_are_updated_in_place(dtype: str) -> None:
    start, a = values((7, 9), dtype, 1), values((7, 9), dtype, 2)
    w = st.shared(start.copy(), "w", borrow=True)
    x = matrix(dtype, "x")
    f = st.function([x], (w * x).sum(axis=0), updates=[(w, w - T.cast(0.5, dtype) * x)], mode=NATIVE)
    assert is_whole(f)
    memory = w.get_value(borrow=True).ctypes.data
    wide, step = start.astype(WIDE[dtype]), a.astype(WIDE[dtype])
    for _ in range(2):
        close(f(a), (wide * step).sum(axis=0), ERROR[dtype], 8)
        wide = wide - 0.5 * step
        close(w.get_value(), wide, ERROR[dtype])
    assert w.get_value(borrow=True).ctypes.data == memory


@pytest.mark.parametrize("dtype", DTYPES)
def test_scalars(dtype: str) -> None:
    x, n = T.TensorType(dtype, ())("x"), st.shared(np.asarray(3, dtype), "n")
    f = st.function([x], [x * x + n, x + 1], updates=[(n, n + x)], mode=NATIVE)
    assert is_whole(f)
    a = values((), dtype, 4)
    first, second = f(a)
    close(first, a.astype(WIDE[dtype]) ** 2 + 3, ERROR[dtype])
    close(second, a.astype(WIDE[dtype]) + 1, ERROR[dtype])
    close(n.get_value(), a.astype(WIDE[dtype]) + 3, ERROR[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_copies_of_what_is_given(dtype: str) -> None:
    x = matrix(dtype, "x")
    f = st.function([x], [x.T, x[:, 1], x * 2], mode=NATIVE)
    a = values((5, 4), dtype, 8)
    for got, want in zip(f(a), [a.T, a[:, 1], a * 2], strict=True):
        np.testing.assert_array_equal(got, want)
        assert not np.may_share_memory(got, a)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "int64", "bool"])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 0, 4), (5, 7, 33), (16, 64, 9)])
def test_products_of_integers(dtype: str, sizes: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(6)
    m, k, n = sizes
    x, y = matrix(dtype, "x"), matrix(dtype, "y")
    outs = [T.dot(x, y), T.batched_dot(T.stack([x, x]), T.stack([y, y])), T.dot(x[0], y), T.dot(x, y[:, 0])]
    f = st.function([x, y], outs, mode=NATIVE)
    assert is_whole(f)
    high = 2 if dtype == "bool" else np.iinfo(dtype).max  # sums overflow, and wrap around
    a, b = (rng.integers(0, high, s).astype(dtype) for s in ((m, k), (k, n)))
    got, stack, *vectors = f(a, b)
    assert got.dtype == dtype
    np.testing.assert_array_equal(got, a @ b)
    np.testing.assert_array_equal(stack, np.stack([a @ b] * 2))
    for vector, want in zip(vectors, [a[0] @ b, a @ b[:, 0]], strict=True):
        np.testing.assert_array_equal(vector, want)


@pytest.mark.parametrize("dtype", [*DTYPES, "int32"])
def test_products_that_do_not_fit_raise(dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    x, y = matrix(dtype, "x"), matrix(dtype, "y")
    f = st.function([x, y], T.dot(x, y), mode=NATIVE)
    with pytest.raises(ValueError):
        f(np.ones((3, 4), dtype), np.ones((1, 5), dtype))


@pytest.mark.parametrize("shape", [(1, 1), (7, 9), (64, 130), (131, 36), (3, 1100)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_are_read_across_their_rows(dtype: str, shape: tuple[int, int]) -> None:
    x, y = matrix(dtype, "x"), matrix(dtype, "y")
    f = st.function([x, y], [x.T + y, x - y.T], mode=NATIVE)
    a, b = values(shape, dtype, 1), values(shape[::-1], dtype, 2)
    for got, want in zip(f(a, b), [a.T + b, a - b.T], strict=True):
        np.testing.assert_array_equal(got, want)
