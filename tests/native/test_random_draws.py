"""MRG_RandomStreams in machine code: the same numbers as the NumPy program's, call after call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.sandbox.rng_mrg import MRG_RandomStreams


def drawn(target: str, size: tuple[int, ...], symbolic: bool, dtype: str) -> list[Any]:
    x = T.tensor4("x")
    streams = MRG_RandomStreams(7)
    wanted: Any = x.shape[: len(size)] if symbolic else size
    outputs = [
        streams.uniform(wanted, dtype=dtype),
        streams.binomial(wanted, p=0.3),
        streams.normal(wanted, dtype=dtype),
    ]
    f = st.function([x], outputs, mode=st.Mode(target=target), on_unused_input="ignore")
    if target == "native":
        assert f.compiled.native is not None
    argument = np.zeros((*size, *(1,) * (4 - len(size))), x.type.dtype)
    return [v for _ in range(3) for v in f(argument)] + [s.get_value() for s in f.get_shared()]


@pytest.mark.parametrize("symbolic", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [(7,), (20, 30), (1, 300), (200, 150)], ids=str)
def test_numbers(size: tuple[int, ...], dtype: str, symbolic: bool) -> None:
    for k, (got, want) in enumerate(
        zip(drawn("native", size, symbolic, dtype), drawn("numpy", size, symbolic, dtype), strict=True)
    ):
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        if k < 9 and k % 3 == 2:  # normal: functions of the numbers
            np.testing.assert_allclose(got, want, rtol=1e-5 if dtype == "float32" else 1e-12, atol=1e-6)
        else:
            np.testing.assert_array_equal(got, want)


def test_dropout() -> None:
    """A network with dropout is one region: the states of its streams are updated in place."""

    def trained(target: str) -> tuple[list[Any], Any]:
        rng = np.random.default_rng(0)
        w, v = (st.shared(rng.normal(size=shape)) for shape in ((6, 10), (10, 3)))
        x, y = T.dmatrix("x"), T.ivector("y")
        h = T.nnet.relu(T.dot(x, w))
        h = h * MRG_RandomStreams(3).binomial(h.shape, p=0.5, dtype="float64") * 2
        cost = T.nnet.categorical_crossentropy(T.nnet.softmax(T.dot(h, v)), y).mean()
        updates = [(p, p - 0.1 * st.grad(cost, p)) for p in (w, v)]
        f = st.function([x, y], cost, updates=updates, mode=st.Mode(target=target))
        batch = rng.normal(size=(8, 6)), rng.integers(0, 3, 8).astype("int32")
        return [f(*batch) for _ in range(20)] + [w.get_value(), v.get_value()], f

    ours, f = trained("native")
    for got, want in zip(ours, trained("numpy")[0], strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9)
    assert f.compiled.native.entry is not None
    assert len(f.compiled.native.schedule.in_place) == 3
