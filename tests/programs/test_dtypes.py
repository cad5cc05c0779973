"""Dtypes through whole programs: floatX changed at run time, images of bytes, masks, calls with states and defaults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano as theano
import symtheano.tensor as T
from tests.programs.twins import close, random


@pytest.mark.parametrize("floatX", ["float16", "float32", "float64"])
def test_every_intermediate_has_theanos_dtype(floatX: str) -> None:
    theano.config.floatX = floatX
    x, i, b, f, d = T.matrix(), T.ivector(), T.bvector(), T.fvector(), T.dvector()
    u, c = T.matrix(dtype="uint8"), T.cvector()
    exact = "float32" if floatX == "float32" else "float64"
    table = {
        floatX: [x + 1, x / 2, x.mean(), x.var(axis=0), T.nnet.softmax(x), i / 2, i / i, 1 / i.shape[0], T.eye(3)],
        "float64": [i.mean(), T.eq(i, 1).mean(), f / f.shape[0], T.exp(i), T.floor(i), f * np.sqrt(2), f * d, f * i],
        "float32": [f * b, f + 1.0, T.exp(b), T.sqrt(u), (i > 2) * f, abs(c), c.real, f**2, T.clip(f, 0, 1)],
        "int64": [i.sum(), b.sum(), T.arange(5), T.argmax(x), x.shape, i * 2**40, T.eq(i, 1).sum()],
        "int32": [i**2, i // 2, i % 3, -i, T.ones_like(i), T.clip(i, 0, 5)],
        "int16": [b + 200, u - 1, u + T.bmatrix()],
        "int8": [b + 1, (i > 2) * 1, T.switch(i > 2, 1, 0), T.sgn(b)],
        "uint64": [u.sum()],
        "bool": [i > 2, T.eq(x, 1), T.isnan(x), T.all(x)],
        "complex64": [c * f, T.zeros_like(c)],
        "complex128": [c * d],
        exact: [f * 0.1, T.nnet.relu(f, 0.1)],
    }
    for dtype, variables in table.items():
        for v in variables:
            assert v.dtype == dtype, f"{v}: {v.dtype}, not {dtype}"
    w = theano.shared(random(4, 3).astype(floatX) / 4)
    cost = T.sqr(T.tanh(T.dot(x, w))).mean()
    step = theano.function([x], [cost, T.grad(cost, w)], updates=[(w, w - np.asarray(0.1, floatX) * T.grad(cost, w))])
    data, old = (random(5, 4) / 2).astype(floatX), w.get_value().astype(float)
    h = np.tanh(data.astype(float) @ old)
    value, slope = step(data)
    close(value, (h**2).mean(), floatX)
    close(slope, data.T.astype(float) @ (2 * h * (1 - h * h) / h.size), floatX)
    assert w.get_value().dtype == floatX


def test_images_of_bytes() -> None:
    theano.config.floatX = "float32"
    image = T.tensor4("image", dtype="uint8")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5)).astype("uint8")
    gray = (image[:, 0] * np.uint8(77) + image[:, 1] * np.uint8(150)) // np.uint8(2)
    counts = T.eq(image.flatten().dimshuffle(0, "x"), T.arange(256).dimshuffle("x", 0)).sum(axis=0)
    made = [
        (image + image, pixels + pixels, "uint8"),
        (T.cast(image, "float32") / np.float32(255.0), pixels.astype("float32") / np.float32(255), "float32"),
        (255 - image, 255 - pixels.astype("int16"), "int16"),
        (gray, (pixels[:, 0] * np.uint8(77) + pixels[:, 1] * np.uint8(150)) // np.uint8(2), "uint8"),
        (image[:, :, ::2, ::-1], pixels[:, :, ::2, ::-1], "uint8"),
        (image.mean(axis=(2, 3)), pixels.mean((2, 3)), "float64"),
        (image.max(axis=1), pixels.max(1), "uint8"),
        (counts, np.bincount(pixels.ravel(), minlength=256), "int64"),
        (image > 128, pixels > 128, "bool"),
        (image ^ image[:, ::-1], pixels ^ pixels[:, ::-1], "uint8"),
        (~image, ~pixels, "uint8"),
        (-image, -pixels, "uint8"),
        (image % 7, pixels % 7, "int16"),
    ]
    got = theano.function([image], [expression for expression, _, _ in made])(pixels)
    for k, (value, (_, want, dtype)) in enumerate(zip(got, made, strict=True)):
        close(value, want, dtype, rtol=1e-6, what=str(k))


def test_masks_read_write_and_differentiate() -> None:
    x, mask, seq = T.matrix("x"), T.matrix("mask", dtype="bool"), T.tensor3("seq")
    v, s = random(5, 6), random(3, 4, 2)
    m = np.array([[1, 1, 0, 0], [0] * 4, [1] * 4], bool)
    on = T.gt(x, 0)
    written = T.set_subtensor(x[on], 0.0)
    slope = T.grad((x[on] ** 3).sum() + written.sum(), x)
    mean = (seq * mask.dimshuffle(0, 1, "x")).sum(axis=1) / T.maximum(mask.sum(axis=1), 1).dimshuffle(0, "x")
    made: list[Any] = [
        (x[on], v[v > 0]),
        (x[on.nonzero()], v[v > 0]),
        (written, np.where(v > 0, 0, v)),
        (T.inc_subtensor(x[on.nonzero()], 10.0), np.where(v > 0, v + 10, v)),
        (slope, np.where(v > 0, 3 * v**2, 1)),
        (x[T.any(x > 1.0, axis=1)], v[(v > 1.0).any(1)]),
        (x[T.arange(x.shape[0]), T.argmax(x, 1)], v.max(1)),
        (seq[mask], s[m]),
        (mean, (s * m[:, :, None]).sum(1) / np.maximum(m.sum(1), 1)[:, None]),
    ]
    got = theano.function([x, mask, seq], [expression for expression, _ in made])(v, m, s)
    for k, (value, (_, want)) in enumerate(zip(got, made, strict=True)):
        close(value, want, what=str(k))


def test_states_defaults_and_swaps_of_the_tutorial() -> None:
    state, inc = theano.shared(0), T.iscalar("inc")
    accumulator = theano.function([inc], state, updates=[(state, state + inc)])
    assert [int(accumulator(k)) for k in (1, 300)] == [0, 1]
    foo = T.scalar(dtype=state.dtype)
    assert theano.function([inc, foo], state * 2 + inc, givens=[(state, foo)])(1, 3) == 7
    fresh = theano.shared(0)
    assert accumulator.copy(swap={state: fresh})(100) == 0
    accumulator.copy(delete_updates=True)(9000)
    assert (state.get_value(), fresh.get_value()) == (301, 100)
    x, y, w = T.dscalars("x", "y", "w")
    f = theano.function([x, theano.In(y, value=1), theano.In(w, value=2, name="w_by_name")], (x + y) * w)
    called = [f(33), f(33, 2), f(33, 0, 1), f(33, w_by_name=1), f(33, w_by_name=1, y=0)]
    assert [float(v) for v in called] == [68, 70, 33, 34, 33]
    doubling = theano.function([theano.In(w, value=10.0, update=w * 2), x], w + x)
    assert [float(doubling(x=1.0)) for _ in range(3)] == [11, 21, 41]
    assert theano.function([x, y], {"sum": x + y, "product": x * y})(2.0, y=5.0) == {"sum": 7.0, "product": 10.0}
    assert theano.clone(x * y + x, replace={x: y + 1.0}).eval({y: 2.0}) == 9
