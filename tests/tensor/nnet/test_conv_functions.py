"""The convolution functions: signatures, static shapes, errors, compositions, Theano's older names."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.signal

import symtheano as st
import symtheano.tensor as T
from symtheano.tensor.nnet import abstract_conv as ac
from symtheano.tensor.nnet import conv, conv3d2d, corr, corr3d
from symtheano.tensor.signal import conv as signal_conv
from tests.tensor.nnet.conv_reference import Case, convolution

RNG = np.random.default_rng(5)
X, K = RNG.normal(size=(2, 3, 6, 7)), RNG.normal(size=(4, 3, 3, 2))


def value(v: Any) -> Any:
    return st.function([], v)()


# -- types -----------------------------------------------------------------------------------------------------------


def test_the_type_knows_what_is_declared() -> None:
    x, k = T.tensor4(), T.tensor4()
    out = T.nnet.conv2d(x, k, (None, 3, 28, 28), (20, 3, 5, 5), "half", (2, 2))
    assert out.type.shape == (None, 20, 14, 14)
    assert T.nnet.conv2d(x, k).type.shape == (None,) * 4
    g = ac.conv2d_grad_wrt_inputs(out, k, (None, 3, 28, 28), (20, 3, 5, 5), "half", (2, 2))
    assert g.type.shape == (None, 3, 28, 28)
    w = ac.conv2d_grad_wrt_weights(x, out, (20, 3, 5, 5), (None, 3, 28, 28), "half", (2, 2))
    assert w.type.shape == (20, 3, 5, 5)


def test_broadcast_pattern_is_theanos() -> None:
    x, k = (T.TensorType("float64", (True, False, False, False))() for _ in range(2))
    assert T.nnet.conv2d(x, k).broadcastable == (True, True, False, False)
    # a length of 1 that is only declared says nothing to the type
    assert T.nnet.conv2d(T.tensor4(), T.tensor4(), (1, 1, 5, 5), (1, 1, 5, 5)).broadcastable == (False,) * 4
    gx, gk = st.grad(T.nnet.conv2d(x, k).sum(), [x, k])
    assert gx.type == x.type and gk.type == k.type


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: T.nnet.conv2d(T.matrix("m"), T.tensor4()), TypeError, ["img must be 4D tensor", "m: TensorType"]),
        (lambda: T.nnet.conv2d(T.tensor4(), T.tensor3()), TypeError, ["kern must be 4D tensor"]),
        (lambda: T.nnet.conv3d(T.tensor4(), T.tensor5()), TypeError, ["img must be 5D tensor"]),
        (lambda: T.nnet.conv2d(X, T.tensor4(), unshared=True), TypeError, ["kern must be 6D tensor for unshared"]),
        (lambda: T.nnet.conv2d(X, K, border_mode="same"), ValueError, ["same", "half"]),
        (lambda: T.nnet.conv2d(X, K, border_mode=-1), ValueError, ["-1"]),
        (lambda: T.nnet.conv2d(X, K, border_mode=(1, -1)), ValueError, ["(1, -1)"]),
        (lambda: T.nnet.conv2d(X, K, border_mode=(1, 1, 1)), ValueError, ["length 2"]),
        (lambda: T.nnet.conv2d(X, K, subsample=(1,)), ValueError, ["subsample must have 2 elements"]),
        (lambda: T.nnet.conv2d(X, K, subsample=(0, 1)), ValueError, ["subsample"]),
        (lambda: T.nnet.conv2d(X, K, filter_dilation=(1, 1, 1)), ValueError, ["filter_dilation"]),
        (lambda: T.nnet.conv2d(X, K, num_groups=0), ValueError, ["num_groups"]),
        (lambda: T.nnet.conv2d(X, K[:, :2]), ValueError, ["channels", "(2, 3, 6, 7)", "(4, 2, 3, 2)"]),
        (lambda: T.nnet.conv2d(X, K, num_groups=3), ValueError, ["channels", "num_groups: 3"]),
        (lambda: T.nnet.conv2d(X[:, :, :2], K), ValueError, ["invalid shape", "(2, 3, 2, 7)"]),
        (lambda: T.nnet.conv2d(X, K, input_shape=(2, 3, 9, 9)), ValueError, ["declared"]),
        (lambda: T.nnet.conv2d(X, K, input_shape=(2, T.iscalar(), 6, 7)), ValueError, ["imshp should be None"]),
        (lambda: ac.conv2d_grad_wrt_inputs(X, K, (None, None, None, 8)), ValueError, ["input_shape[2]"]),
        (lambda: T.nnet.conv2d(X, K, input_shape=(2, 3, 6, 7), image_shape=(2, 3, 6, 7)), ValueError, ["image_shape"]),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_mistakes_when_building(call: Any, error: type[Exception], words: list[str]) -> None:
    with pytest.raises(error) as caught:
        call()
    assert all(w in str(caught.value) for w in words), str(caught.value)


def test_mistakes_when_running() -> None:
    x, k, g = T.tensor4("x"), T.tensor4("k"), T.tensor4("g")
    with pytest.raises(ValueError, match=r"declared was \(2, 3, 9, 9\)"):
        st.function([x, k], T.nnet.conv2d(x, k, (2, 3, 9, 9)))(X, K)
    with pytest.raises(ValueError, match="filters have shape"):
        st.function([x, k], T.nnet.conv2d(x, k, None, (9, 3, 3, 2)))(X, K)
    with pytest.raises(ValueError, match="input channels"):
        st.function([x, k], T.nnet.conv2d(x, k))(X[:, :2], K)
    with pytest.raises(ValueError, match="invalid shape"):
        st.function([x, k], T.nnet.conv2d(x, k))(X[:, :, :2], K)
    with pytest.raises(ValueError, match="invalid input_shape for gradInputs"):
        st.function([k, g], ac.conv2d_grad_wrt_inputs(g, k, (None, None, 9, 9)))(K, np.ones((2, 4, 4, 6)))
    kernel = T.tensor(dtype="float64", broadcastable=(False,) * 6)
    with pytest.raises(ValueError, match="Kernel shape"):
        st.function([x, kernel], T.nnet.conv2d(x, kernel, unshared=True))(X, np.ones((4, 3, 3, 3, 3, 2)))


def test_assert_shape_flag() -> None:
    x, k = T.tensor4(), T.tensor4()
    with st.change_flags({"conv.assert_shape": True}):
        f = st.function([x, k], T.nnet.conv2d(x, k, (2, 3, None, 7), (4, 3, 3, 2)))
    assert f(X, K).shape == (2, 4, 4, 6)
    with pytest.raises(AssertionError, match="image does not match given imshp"):
        f(X[:1], K)


def test_older_keywords() -> None:
    with pytest.warns(UserWarning, match="image_shape"):
        assert T.nnet.conv2d(T.tensor4(), K, image_shape=(2, 3, 6, 7)).type.shape == (2, 4, 4, 6)
    with pytest.warns(UserWarning, match="unroll_batch"):
        T.nnet.conv2d(X, K, unroll_batch=2)


# -- shapes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("border", "stride", "dilation", "want"),
    [
        ("valid", (1, 1), (1, 1), (4, 6)), ("full", (1, 1), (1, 1), (8, 8)), ("half", (2, 3), (1, 1), (3, 3)),
        (2, (1, 1), (2, 3), (6, 8)), ((1, (0, 2)), (2, 1), (1, 1), (3, 8)),
    ],
)  # fmt: skip
def test_shape_functions(border: Any, stride: Any, dilation: Any, want: Any) -> None:
    mode = (border, border) if isinstance(border, int) else border
    assert ac.get_conv_output_shape(X.shape, K.shape, mode, stride, dilation) == (2, 4, *want)
    n = T.lscalar()
    symbolic = ac.get_conv_output_shape((2, 3, n, 7), K.shape, mode, stride, dilation)
    assert int(symbolic[2].eval({n: 6})) == want[0] and symbolic[3] == want[1]
    assert ac.get_conv_output_shape((None, 3, None, 7), K.shape, mode, stride, dilation) == (None, 4, None, want[1])
    assert ac.check_conv_gradinputs_shape(X.shape, K.shape, (2, 4, *want), mode, stride, dilation)
    assert not ac.check_conv_gradinputs_shape(X.shape, K.shape, (2, 4, want[0] + 1, want[1]), mode, stride, dilation)
    if stride == (1, 1):
        assert ac.get_conv_gradinputs_shape(K.shape, (2, 4, *want), mode, stride, dilation) == X.shape
        if border != "half":
            assert ac.get_conv_gradweights_shape(X.shape, (2, 4, *want), mode, stride, dilation) == K.shape
    else:
        assert ac.get_conv_gradinputs_shape_1axis(3, want[0], "valid", 2, 1) is None
        assert ac.get_conv_gradweights_shape_1axis(6, want[0], "valid", 2, 1) is None


def test_border_mode_to_pad() -> None:
    assert ac.border_mode_to_pad("full", 2, (3, 4)) == ((2, 2), (3, 3))
    assert ac.border_mode_to_pad(((1, 2), 3), 2, (3, 4)) == ((1, 2), (3, 3))
    with pytest.raises(ValueError, match="same"):
        ac.border_mode_to_pad("same", 2, (3, 4))


def test_assert_conv_shape() -> None:
    n = T.lscalar()
    assert ac.assert_conv_shape((0, 3, 1, 2)) == (0, 3, 1, 2)
    with pytest.raises(ValueError, match=r"dim\[2\]: 0 <= 0"):
        ac.assert_conv_shape((1, 1, 0, 2))
    f = st.function([n], ac.assert_conv_shape((1, 1, n, 2))[2])
    assert f(2) == 2
    with pytest.raises(AssertionError, match=r"dim\[2\]"):
        f(0)


# -- compositions ----------------------------------------------------------------------------------------------------


def test_transposed() -> None:
    out = value(T.nnet.conv2d_transpose(RNG.normal(size=(2, 4, 3, 3)), K, (2, 3, 7, 6), input_dilation=(2, 2)))
    assert out.shape == (2, 3, 7, 6)
    x = T.tensor4()
    top = RNG.normal(size=(2, 4, 4, 6))
    by_grad = st.grad((T.nnet.conv2d(x, K) * top).sum(), x).eval({x: X})
    np.testing.assert_allclose(value(T.nnet.conv2d_transpose(top, K, (None, None, 6, 7))), by_grad, atol=1e-12)


def test_separable() -> None:
    depth, point = RNG.normal(size=(6, 1, 3, 2)), RNG.normal(size=(5, 6, 1, 1))
    got = value(T.nnet.separable_conv2d(X, depth, point, 3, X.shape, depth.shape, point.shape, "half"))
    between = convolution(X, depth, Case(X.shape, depth.shape, "half", num_groups=3))
    np.testing.assert_allclose(got, np.einsum("nchw,oc->nohw", between, point[:, :, 0, 0]), atol=1e-12)
    volume = T.nnet.abstract_conv.separable_conv3d(X[:, :, None], depth[:, :, None], point[:, :, None], 3)
    assert value(volume).shape == (2, 5, 1, 4, 6)


def test_causal() -> None:
    x, k = RNG.normal(size=(2, 3, 8)), RNG.normal(size=(4, 3, 3))
    got = value(ac.causal_conv1d(x, k, k.shape, x.shape, filter_dilation=2))
    want = np.zeros((2, 4, 8))
    for t in range(8):
        for i in range(3):
            if t - 2 * i >= 0:
                want[:, :, t] += x[:, :, t - 2 * i] @ k[:, :, i].T
    np.testing.assert_allclose(got, want, atol=1e-12)
    with pytest.raises(ValueError, match="Input should be 3D"):
        ac.causal_conv1d(X, k, k.shape)


@pytest.mark.parametrize("ratio", [2, 3])
def test_bilinear_upsampling(ratio: int) -> None:
    x = RNG.normal(size=(2, 3, 4, 5))
    one = value(ac.bilinear_upsampling(x, ratio, batch_size=2, num_input_channels=3))
    two = value(ac.bilinear_upsampling(x, ratio, use_1D_kernel=False))
    np.testing.assert_allclose(one, two, atol=1e-12)
    whole = value(ac.bilinear_upsampling(x, frac_ratio=(2 * ratio, 2), use_1D_kernel=False))
    assert one.shape == whole.shape == (2, 3, 4 * ratio, 5 * ratio)
    np.testing.assert_allclose(value(ac.bilinear_upsampling(np.ones((1, 1, 3, 3)), ratio)), 1.0, atol=1e-12)
    with pytest.raises(ValueError, match="No ratio"):
        ac.bilinear_upsampling(x)


def test_bilinear_kernels() -> None:
    np.testing.assert_allclose(ac.bilinear_kernel_1D(3).eval() * 3, [1, 2, 3, 2, 1])
    np.testing.assert_allclose(ac.bilinear_kernel_2D((2, 3), False).eval(), np.outer([1, 2, 1], [1, 2, 3, 2, 1]))


# -- Theano's older names --------------------------------------------------------------------------------------------


def test_old_conv2d() -> None:
    with pytest.warns(UserWarning, match="deprecated"):
        out = conv.conv2d(X, K, X.shape, K.shape, "full", (2, 1), unroll_batch=2)
    assert isinstance(out.owner.op, T.nnet.ConvOp)
    np.testing.assert_allclose(value(out), convolution(X, K, Case(X.shape, K.shape, "full", (2, 1))), atol=1e-12)
    with pytest.raises(NotImplementedError, match="half"):
        conv.ConvOp(output_mode="half")
    assert conv.ConvOp.getOutputShape((6, 7), (3, 2), (2, 1), "valid") == (2, 6)


def test_signal_conv() -> None:
    x, k = X[:, 0], K[:, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plane = value(signal_conv.conv2d(x[0], k[0], border_mode="full"))
    np.testing.assert_allclose(plane, scipy.signal.convolve2d(x[0], k[0], "full"), atol=1e-12)
    every = value(signal_conv.conv2d(x, k, x.shape, k.shape))
    np.testing.assert_allclose(every[1, 2], scipy.signal.convolve2d(x[1], k[2], "valid"), atol=1e-12)
    assert value(signal_conv.conv2d(x[0], k)).shape == (4, 4, 6)
    assert value(signal_conv.conv2d(x, k[0])).shape == (2, 4, 6)


def test_correlation_names() -> None:
    want = convolution(X, K, Case(X.shape, K.shape, "half", filter_flip=False))
    np.testing.assert_allclose(value(corr.CorrMM("half")(X, K)), want, atol=1e-12)
    got = value(corr3d.Corr3dMM(border_mode=(0, 1, 1))(X[:, :, None], K[:, :, None]))
    same = convolution(X, K, Case(X.shape, K.shape, 1, filter_flip=False))
    np.testing.assert_allclose(got[:, :, 0], same, atol=1e-12)


@pytest.mark.parametrize("mode", ["valid", "full", "half", ("full", "valid", "valid"), ("valid", "half", "half")])
def test_films(mode: Any) -> None:
    film, k = RNG.normal(size=(2, 5, 3, 6, 6)), RNG.normal(size=(4, 3, 3, 3, 3))
    got = value(conv3d2d.conv3d(film, k, film.shape, k.shape, mode))
    modes = (mode,) * 3 if isinstance(mode, str) else mode
    pads = [{"valid": 0, "full": 2, "half": 1}[m] for m in modes]
    case = Case((2, 3, 5, 6, 6), (4, 3, 3, 3, 3), tuple(pads), (1, 1, 1), (1, 1, 1))
    want = convolution(film.transpose(0, 2, 1, 3, 4), k.transpose(0, 2, 1, 3, 4), case).transpose(0, 2, 1, 3, 4)
    np.testing.assert_allclose(got, want, atol=1e-12)


def test_modules_are_found_by_name() -> None:
    for name in ("abstract_conv.conv2d", "conv.conv2d", "conv3d2d.conv3d", "corr.CorrMM", "neighbours.images2neibs"):
        module, function = name.split(".")
        assert callable(getattr(getattr(T.nnet, module), function))
    assert callable(T.signal.pool.pool_2d) and callable(T.signal.downsample.max_pool_2d)
    with pytest.raises(AttributeError):
        T.nnet.no_such_module  # noqa: B018
