"""Random kernels as native code: axes, inner axes, stages, layouts, dtypes and sizes, against what they mean."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symtheano.compile.kernel import Buffer, Keep, Kernel, Reduce, Stage, Statement, Store
from symtheano.scalar.expr import Builder, Expr, index, load
from symtheano.scalar.op import TABLE
from tests.native.kernel_numpy import interpret, launch

pytest.importorskip("llvmlite")
m = Builder()
AXES = "abcd"
SIZES = st.sampled_from([0, 1, 2, 3, 5, 15, 16, 17, 33, 64, 70])

FLOAT_MAPS: list[Callable[[Expr, Expr], Expr]] = [
    lambda x, y: x + y,
    lambda x, y: x - y * 0.5,
    lambda x, y: m.maximum(x, y),
    lambda x, y: m.switch(m.lt(x, y), x, y + 1.0),
    lambda x, y: m.exp(-m.abs_(x)) + y,
    lambda x, y: m.sqrt(m.abs_(x * y)) / (m.abs_(y) + 1.0),
]
WHOLE_MAPS: list[Callable[[Expr, Expr], Expr]] = [
    lambda x, y: x + y,
    lambda x, y: x - y * 3,
    lambda x, y: m.minimum(x, y),
    lambda x, y: m.switch(m.lt(x, y), x, y + 1),
]
COMPLEX_MAPS: list[Callable[[Expr, Expr], Expr]] = [
    lambda x, y: x + y,
    lambda x, y: x * m.conj(y) - 2.0,
    lambda x, y: m.cast(m.abs_(x), "complex64") - y,
]


@st.composite
def kernels(draw: Any) -> tuple[Kernel, dict[str, str], dict[str, int]]:
    """A kernel, the axes along each buffer, and the axes' lengths."""
    names = AXES[: draw(st.integers(0, 3))]
    cut = draw(st.integers(0, len(names)))
    axes, inner = names[:cut], names[cut:]
    dtype = draw(st.sampled_from(["float32", "float64", "int32", "int64", "int8", "complex64"]))
    maps = FLOAT_MAPS if dtype.startswith("float") else COMPLEX_MAPS if dtype == "complex64" else WHOLE_MAPS
    ops = ["add"] if dtype == "complex64" else ["add", "maximum", "minimum"]
    own = {"float32": "float64", "int8": "int32"}.get(dtype, dtype)
    buffers: list[Buffer] = []
    shapes: dict[str, str] = {}

    def some_axes(all_axes: str) -> str:
        chosen = [a for a in all_axes if draw(st.booleans()) or draw(st.booleans())]
        return "".join(draw(st.permutations(chosen)))

    def element(available: str) -> Expr:
        name = f"x{len(buffers)}"
        shapes[name] = some_axes(available)
        buffers.append(Buffer(name, dtype, len(shapes[name])))
        return load(name, [index(a) for a in shapes[name]])

    def out(available: str) -> tuple[str, tuple[Expr, ...]]:
        name = f"o{len(buffers)}"
        shapes[name] = "".join(draw(st.permutations(list(available))))
        buffers.append(Buffer(name, dtype, len(available), True))
        return name, tuple(index(a) for a in shapes[name])

    known: list[Expr] = []
    stages: list[Stage] = []
    for number in range(draw(st.integers(1, 3))):
        runs_inside = draw(st.booleans()) if stages else True
        available = names if runs_inside else axes
        usable = [x for x in known if runs_inside or not x.args]
        value = draw(st.sampled_from(maps))(element(available), draw(st.sampled_from([*usable, element(available)])))
        body: list[Statement] = []
        made: list[Expr] = []
        if runs_inside:
            if draw(st.booleans()):
                body.append(Keep(f"t{number}", dtype, value))
                made.append(load(f"t{number}", [index(a) for a in inner]))
            if draw(st.booleans()):
                op = draw(st.sampled_from(ops))
                kind = own if op == "add" else dtype
                body.append(Reduce(f"r{number}", TABLE[op], kind, value))
                made.append(m.cast(load(f"r{number}"), dtype))
        if draw(st.booleans()) or not body:
            body.append(Store(*out(available), value))
        known += made
        stages.append(Stage(runs_inside, tuple(body)))
    final = draw(st.sampled_from([x for x in known if not x.args] or [element(axes)]))
    stages.append(Stage(False, (Store(*out(axes), final),)))
    sizes = {a: draw(SIZES) for a in names}
    return Kernel(tuple(axes), tuple(inner), tuple(buffers), tuple(stages), "float32"), shapes, sizes


def _laid_out(array: np.ndarray, how: int) -> np.ndarray:
    """The same values with other strides: as they are, reversed, every second, or from a larger array."""
    if not array.ndim or how == 0:
        return array.copy()
    if how == 1:
        return array[::-1].copy()[::-1]
    if how == 2:
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
        wide[..., ::2] = array
        return wide[..., ::2]
    wide = np.zeros([n + 3 for n in array.shape], array.dtype)
    inside = wide[tuple(slice(1, n + 1) for n in array.shape)]
    inside[...] = array
    return inside


@settings(max_examples=150, deadline=None)
@given(kernels(), st.integers(0, 2**32 - 1), st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_random_kernels(case: tuple[Kernel, dict[str, str], dict[str, int]], seed: int, how: list[int]) -> None:
    kernel, shapes, sizes = case
    rng = np.random.default_rng(seed)
    found: dict[str, np.ndarray] = {}
    truth: dict[str, np.ndarray] = {}
    for k, buffer in enumerate(kernel.buffers):
        shape = [sizes[a] for a in shapes[buffer.name]]
        values = _random(rng, buffer.dtype, shape)
        found[buffer.name] = _laid_out(values, how[k % len(how)])
        truth[buffer.name] = values.copy()
    stop = sizes[kernel.axes[0]] if kernel.axes else 0
    launch(kernel, found, sizes, cuts=(stop // 2,))
    interpret(kernel, truth, sizes)
    for buffer in kernel.buffers:
        if buffer.written:
            _assert_close(found[buffer.name], truth[buffer.name], len([*pairwise(kernel.stages)]))


def _random(rng: np.random.Generator, dtype: str, shape: list[int]) -> np.ndarray:
    kind = np.dtype(dtype).kind
    if kind == "i":
        return np.asarray(rng.integers(-9, 9, shape)).astype(dtype)
    numbers = rng.normal(size=shape) + (1j * rng.normal(size=shape) if kind == "c" else 0)
    return np.asarray(numbers).astype(dtype)


def _assert_close(found: np.ndarray, truth: np.ndarray, stages: int) -> None:
    if found.dtype.kind not in "fc":
        np.testing.assert_array_equal(found, truth)
        return
    # Sums of up to 70 ** 3 terms of either sign, of which later stages make sums again.
    eps = float(np.finfo(found.dtype).eps)
    scale = float(np.abs(truth[np.isfinite(truth)]).max(initial=1.0))
    np.testing.assert_allclose(found, truth, rtol=64 * eps, atol=400 * eps * scale * (1 + stages))
