"""Convolutions against their definition, finite differences to second order, SciPy, and blocks of every size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import assume, given, settings
from hypothesis import strategies as some

import symtheano as st
import symtheano.tensor as T
from symtheano.graph.interpret import evaluate
from symtheano.tensor.nnet import abstract_conv, conv_kernels, conv_plan
from symtheano.tensor.nnet.conv_plan import Spec
from tests.tensor.nnet.conv_reference import Array, Case, convolution


@some.composite
def cases(draw: Any, dims: tuple[int, ...] = (2, 3)) -> Case:
    """Any convolution of small shapes: sizes of 1, odd and even, all borders, strides, dilations, groups."""
    d = draw(some.sampled_from(dims))
    groups = draw(some.sampled_from((1, 1, 2, 3)))
    channels, of_group = draw(some.integers(1, 2)), draw(some.integers(1, 2))

    def lengths(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(some.integers(low, high)) for _ in range(d))

    margin = some.integers(0, 2)
    border = draw(
        some.one_of(
            some.sampled_from(("valid", "full", "half")),
            margin,
            some.tuples(*(some.one_of(margin, some.tuples(margin, margin)) for _ in range(d))),
        )
    )
    case = Case(
        (draw(some.integers(1, 3)), channels * groups, *lengths(1, 6 if d == 2 else 4)),
        (of_group * groups, channels, *lengths(1, 3)),
        border,
        lengths(1, 3),
        lengths(1, 2),
        draw(some.booleans()),
        groups,
    )
    assume(min(case.out) >= 1)
    if d == 2 and draw(some.booleans()):
        kernel = (case.kernel[0], *case.out, *case.kernel[1:])
        case = Case(
            case.image, kernel, *(getattr(case, n) for n in list(Case.__dataclass_fields__)[2:7]), unshared=True
        )
    return case


def operands(case: Case, dtype: str = "float64") -> list[Array]:
    rng = np.random.default_rng(sum(case.image) + 31 * sum(case.kernel))
    return [rng.normal(size=case.image).astype(dtype), rng.normal(size=case.kernel).astype(dtype)]


def symbols(case: Case, dtype: str = "float64") -> tuple[Any, Any, Any]:
    """(img, kern, their convolution)."""
    img, kern = (T.TensorType(dtype, (False,) * len(s))() for s in (case.image, case.kernel))
    op: Any = abstract_conv.AbstractConv2d if len(case.image) == 4 else abstract_conv.AbstractConv3d
    return img, kern, op(**case.options)(img, kern)


@given(cases())
@settings(max_examples=60, deadline=None)
def test_value_and_shape(case: Case) -> None:
    img, kern, out = symbols(case)
    values = operands(case)
    got, shape = evaluate([out, out.shape], dict(zip((img, kern), values, strict=True)))
    np.testing.assert_allclose(got, convolution(*values, case), atol=1e-12)
    assert tuple(shape) == got.shape == (case.image[0], case.kernel[0], *case.out)


@given(cases())
@settings(max_examples=25, deadline=None)
def test_finite_differences_to_second_order(case: Case) -> None:
    img, kern, out = symbols(case)
    values = operands(case)
    rng = np.random.default_rng(7)
    weights = rng.normal(size=(case.image[0], case.kernel[0], *case.out))
    v, w = ([rng.normal(size=a.shape) for a in values] for _ in range(2))
    cost = T.sum(T.sqr(out) * weights)
    slope = sum(T.sum(g * a) for g, a in zip(st.grad(cost, [img, kern]), v, strict=True))
    second = sum(T.sum(g * a) for g, a in zip(st.grad(slope, [img, kern]), w, strict=True))

    def at(step: float, along: list[Array], value: Any) -> float:
        moved = [a + step * b for a, b in zip(values, along, strict=True)]
        return float(evaluate([value], dict(zip((img, kern), moved, strict=True)))[0])

    for value, derivative, along in ((cost, slope, v), (slope, second, w)):
        # quartic in the operands: five points make the difference exact
        want = (8 * (at(0.5, along, value) - at(-0.5, along, value)) - at(1, along, value) + at(-1, along, value)) / 6
        got = at(0, along, derivative)
        assert abs(got - want) <= 1e-8 * (1 + abs(at(1, along, value)) + abs(at(-1, along, value)) + abs(got))


@given(cases((2,)), some.sampled_from((64, 1000, 2**20)))
@settings(max_examples=40, deadline=None)
def test_blocks_of_any_size_give_the_same(case: Case, space: int) -> None:
    border = tuple(case.pads)
    spec = Spec(border, case.subsample, case.filter_dilation, case.filter_flip, case.num_groups, case.unshared)
    img, kern = operands(case)
    whole = convolution(img, kern, case)
    top = np.random.default_rng(3).normal(size=whole.shape)
    before = conv_plan.WORKSPACE
    try:
        conv_plan.WORKSPACE = space
        conv_plan.plan.cache_clear()
        np.testing.assert_allclose(conv_kernels.forward(np, np.asfortranarray(img), kern, spec), whole, atol=1e-12)
        d_kern = conv_kernels.grad_weights(np, img, top, case.kernel[-2:], spec)
        d_img = conv_kernels.grad_inputs(np, kern, np.asfortranarray(top), case.image[2:], spec)
    finally:
        conv_plan.WORKSPACE = before
        conv_plan.plan.cache_clear()
    # both are adjoint to the convolution, which is linear in each operand
    np.testing.assert_allclose(np.sum(d_kern * kern), np.sum(top * whole), atol=1e-9)
    np.testing.assert_allclose(np.sum(d_img * img), np.sum(top * whole), atol=1e-9)
    other = np.random.default_rng(4).normal(size=img.shape)
    np.testing.assert_allclose(np.sum(d_img * other), np.sum(top * convolution(other, kern, case)), atol=1e-9)


@pytest.mark.parametrize(
    ("image", "kernel", "border", "stride"),
    [((64, 3, 224, 224), (64, 3, 3, 3), "half", 1), ((50, 20, 12, 12), (50, 20, 5, 5), "valid", 1),
     ((2, 512, 7, 7), (512, 512, 3, 3), "half", 1), ((4, 3, 227, 227), (96, 3, 11, 11), "valid", 4),
     ((1, 8, 16, 2000, 40), (8, 8, 3, 3, 3), "full", 1)],
)  # fmt: skip
def test_workspace_is_bounded(image: Any, kernel: Any, border: str, stride: int) -> None:
    d = len(image) - 2
    p = conv_plan.plan(image, kernel, None, Spec(border, (stride,) * d, (1,) * d), 4, "convolution")
    assert conv_plan._elements(p, p.lengths) * 4 <= conv_plan.WORKSPACE
    covered = np.zeros((p.batch, *p.out), int)
    for block in p.blocks():
        covered[(block.images, *block.box)] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize("mode", ["valid", "full"])
def test_scipy(mode: str) -> None:
    rng = np.random.default_rng(0)
    x, k = rng.normal(size=(2, 1, 7, 8)), rng.normal(size=(3, 1, 3, 2))
    got = T.nnet.conv2d(x, k, border_mode=mode).eval()
    for n, o in np.ndindex(2, 3):
        np.testing.assert_allclose(got[n, o], scipy.signal.convolve2d(x[n, 0], k[o, 0], mode), atol=1e-12)
    x, k = rng.normal(size=(1, 1, 5, 6, 4)), rng.normal(size=(2, 1, 2, 3, 2))
    got = T.nnet.conv3d(x, k, border_mode=mode).eval()
    np.testing.assert_allclose(got[0, 1], scipy.signal.convolve(x[0, 0], k[1, 0], mode), atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "complex128", "int32"])
def test_dtypes(dtype: str) -> None:
    case = Case((2, 3, 6, 5), (4, 3, 3, 3), "half", (2, 1))
    values = [np.round(4 * v).astype(dtype) for v in operands(case)]
    img, kern, out = symbols(case, dtype)
    got = st.function([img, kern], out)(*values)
    assert got.dtype == dtype
    want = convolution(values[0].astype("complex128"), values[1].astype("complex128"), case)
    np.testing.assert_allclose(
        got, want if dtype == "complex128" else want.real, rtol=2e-3 if dtype == "float16" else 1e-6
    )


def test_half_floats_add_up_in_single_precision() -> None:
    x, k = np.ones((1, 64, 60, 60), "float16"), np.ones((1, 64, 60, 60), "float16") / 4
    np.testing.assert_array_equal(T.nnet.conv2d(x, k).eval(), np.full((1, 1, 1, 1), 57600, "float16"))


def test_mixed_dtypes_meet_in_the_wider_one() -> None:
    x, k = T.ftensor4(), T.dtensor4()
    out = T.nnet.conv2d(x, k)
    assert out.dtype == "float64"
    gx, gk = st.grad(out.sum(), [x, k])
    assert gx.type.ndim == gk.type.ndim == 4  # cotangents keep the wider dtype, as those of products do


def test_no_elements() -> None:
    x, k = T.tensor4(), T.tensor4()
    out = T.nnet.conv2d(x, k)
    f = st.function([x, k], [out, *st.grad(out.sum(), [x, k])])
    for image, kernel in (((0, 2, 5, 5), (3, 2, 3, 3)), ((2, 0, 5, 5), (3, 0, 3, 3)), ((2, 2, 5, 5), (0, 2, 3, 3))):
        z, gx, gk = f(np.ones(image), np.ones(kernel))
        assert z.shape == (image[0], kernel[0], 3, 3) and not z.any()
        assert gx.shape == image and gk.shape == kernel and not gx.any() and not gk.any()


def test_forward_derivative() -> None:
    case = Case((2, 2, 5, 4), (2, 2, 2, 3), ((1, 0), 2), (2, 1), (1, 1), False)
    img, kern, out = symbols(case)
    u, v = T.tensor4(), T.tensor4()
    (x, k), (dx, dk) = operands(case), operands(case)[::1]
    got = st.function([img, kern, u, v], st.gradient.Rop(out, [img, kern], [u, v]))(x, k, dx + 1, dk - 1)
    want = convolution(dx + 1, k, case) + convolution(x, dk - 1, case)
    np.testing.assert_allclose(got, want, atol=1e-12)
