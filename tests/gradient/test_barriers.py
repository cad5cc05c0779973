"""The ops that shape gradients: each is the identity, and its gradient what it says."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.errors import DisconnectedInputError, NullTypeGradError
from symtheano.gradient import (
    GradClip,
    GradScale,
    Rop,
    consider_constant,
    disconnected_grad,
    grad,
    grad_clip,
    grad_scale,
    undefined_grad,
    zero_grad,
)
from symtheano.gradient.barrier import Barrier
from tests.gradient.checks import run

X = np.array([1.0, -2.0, 3.0])
ALL = [consider_constant, zero_grad, disconnected_grad, undefined_grad, lambda x: grad_clip(x, -1, 1),
       lambda x: grad_scale(x, 2)]  # fmt: skip


@pytest.mark.parametrize("barrier", ALL)
def test_forwards_it_is_the_identity(barrier: Any) -> None:
    for x, value in ((T.dvector("x"), X), (T.imatrix("i"), np.ones((2, 3), "int32")), (T.frow("r"), np.ones((1, 2)))):
        y = barrier(x)
        assert y.type == x.type and isinstance(y.owner.op, Barrier) and y.owner.op.identity
        np.testing.assert_array_equal(run(y, {x: value}), value)
        assert y.owner.op.infer_shape(y.owner, [(2, 3)]) == [(2, 3)]
        assert pickle.loads(pickle.dumps(y.owner.op)) == y.owner.op
    assert run(barrier(np.float64(3.0))) == 3.0


def slope(build: Any) -> Any:
    x = T.dvector("x")
    return run(grad((build(x) * x).sum(), x), {x: X})


def test_gradients() -> None:
    np.testing.assert_array_equal(slope(consider_constant), X)
    np.testing.assert_array_equal(slope(zero_grad), X)
    np.testing.assert_array_equal(slope(disconnected_grad), X)
    np.testing.assert_array_equal(slope(lambda x: grad_clip(x, -1.5, 2)), X + np.clip(X, -1.5, 2))
    np.testing.assert_array_equal(slope(lambda x: grad_scale(x, -3)), X - 3 * X)


def test_zero_is_connected_and_disconnected_is_not() -> None:
    x = T.dvector("x")
    for barrier in (zero_grad, consider_constant):
        np.testing.assert_array_equal(run(grad(barrier(x).sum(), x), {x: X}), np.zeros(3))
    with pytest.raises(DisconnectedInputError, match="DisconnectedGrad"):
        grad(disconnected_grad(x).sum(), x)
    with pytest.raises(NullTypeGradError):
        grad(undefined_grad(x).sum(), x)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_dtypes_are_kept(dtype: str) -> None:
    x = T.vector("x", dtype=dtype)
    for build in (lambda v: grad_clip(v, -0.1, 0.3), lambda v: grad_scale(v, 0.1), zero_grad):
        assert grad((build(x) ** 2).sum(), x).type.dtype == dtype


def test_clip_bounds_are_checked_and_count_for_equality() -> None:
    with pytest.raises(ValueError, match=r"`clip_upper_bound` should be >= `clip_lower_bound`"):
        grad_clip(T.dscalar(), 1, -1)
    assert GradClip(-1, 1) == GradClip(-1, 1) != GradClip(-1, 2)
    assert GradScale(2) != GradScale(3)


def test_a_scale_may_be_symbolic() -> None:
    x, k = T.dvector("x"), T.dscalar("k")
    np.testing.assert_array_equal(run(grad(grad_scale(x, k).sum(), x), {x: X, k: 2.5}), [2.5] * 3)


def test_forward_mode() -> None:
    x = T.dvector("x")
    v = T.ones_like(x)
    np.testing.assert_array_equal(run(Rop(zero_grad(x) * x, x, v), {x: X}), X)
    np.testing.assert_array_equal(run(Rop(disconnected_grad(x) * x, x, v), {x: X}), X)
    np.testing.assert_array_equal(run(Rop(grad_clip(x, -1, 1) * x, x, v), {x: X}), 2 * X)
