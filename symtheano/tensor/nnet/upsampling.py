"""Bilinear upsampling of images, as transposed convolutions with a pyramid."""

from __future__ import annotations

from math import gcd
from typing import Any

from symtheano.config import config
from symtheano.tensor.alloc import zeros
from symtheano.tensor.arange import arange
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import dimshuffle
from symtheano.tensor.join import concatenate
from symtheano.tensor.math import cast
from symtheano.tensor.nnet.conv_functions import abstract_conv2d, conv2d_grad_wrt_inputs
from symtheano.tensor.reshape import reshape
from symtheano.tensor.sizes import shape_list

__all__ = ["bilinear_kernel_1D", "bilinear_kernel_2D", "bilinear_upsampling", "frac_bilinear_upsampling"]


def bilinear_kernel_1D(ratio: Any, normalize: bool = True) -> Any:
    """The weights 1, 2, ..., ratio, ..., 2, 1 of a linear interpolation, divided by ratio where `normalize`.

    ratio: an int or a symbolic integer. The result is a vector of floatX of length 2 * ratio - 1.
    """
    half = arange(1, ratio + 1, dtype=config.floatX)
    kern = concatenate([half, half[-2::-1]])
    return kern / cast(ratio, config.floatX) if normalize else kern


def bilinear_kernel_2D(ratio: Any, normalize: bool = True) -> Any:
    """The weights of a bilinear interpolation: a matrix of floatX. ratio: one number or (rows, columns)."""
    rows, columns = ratio if isinstance(ratio, tuple) else (ratio, ratio)
    vertical, horizontal = bilinear_kernel_1D(rows, normalize), bilinear_kernel_1D(columns, normalize)
    return dimshuffle(horizontal, ("x", 0)) * dimshuffle(vertical, (0, "x"))


def _framed(x: Any) -> Any:
    """Images with their first and last rows and columns doubled."""
    x = concatenate((x[:, :, :1, :], x, x[:, :, -1:, :]), axis=2)
    return concatenate((x[:, :, :, :1], x, x[:, :, :, -1:]), axis=3)


def bilinear_upsampling(
    input: Any,
    ratio: Any = None,
    frac_ratio: Any = None,
    batch_size: int | None = None,
    num_input_channels: int | None = None,
    use_1D_kernel: bool = True,
) -> Any:
    """Images (batch, channels, rows, columns) made larger by a ratio, with bilinear interpolation.

    ratio: an int: the result has shape (batch, channels, rows * ratio, columns * ratio). frac_ratio: a pair (p, q) for
    the ratio p / q, or a pair of pairs; needs use_1D_kernel=False. use_1D_kernel: first rows, then columns, which is
    faster. batch_size, num_input_channels: where known. Raises ValueError unless exactly one ratio is given.
    """
    if ratio and frac_ratio:
        raise ValueError("can't use ratio and frac_ratio together")
    if not (ratio or frac_ratio):
        raise ValueError("No ratio (or frac_ratio) provided")
    if frac_ratio:
        if use_1D_kernel:
            raise ValueError(
                "For fractional ratios 1D kernel method not implemented. You may want to pass use_1D_kernel as False"
            )
        return frac_bilinear_upsampling(input, frac_ratio)
    input = as_tensor_variable(input)
    batch, channels, row, col = shape_list(input)
    count = None if batch_size is None or num_input_channels is None else batch_size * num_input_channels
    framed = _framed(reshape(input, (-1, 1, row, col)))
    pad = 2 * ratio - (ratio - 1) // 2 - 1
    if use_1D_kernel:
        kern = bilinear_kernel_1D(ratio)
        tall = conv2d_grad_wrt_inputs(
            framed, dimshuffle(kern, ("x", "x", 0, "x")), (count, 1, row * ratio, col + 2), (1, 1, None, 1),
            border_mode=(pad, 0), subsample=(ratio, 1),
        )  # fmt: skip
        large = conv2d_grad_wrt_inputs(
            tall, dimshuffle(kern, ("x", "x", "x", 0)), (count, 1, row * ratio, col * ratio), (1, 1, 1, None),
            border_mode=(0, pad), subsample=(1, ratio),
        )  # fmt: skip
    else:
        kern = dimshuffle(bilinear_kernel_2D(ratio), ("x", "x", 0, 1))
        large = conv2d_grad_wrt_inputs(
            framed, kern, (count, 1, row * ratio, col * ratio), (1, 1, None, None),
            border_mode=(pad, pad), subsample=(ratio, ratio),
        )  # fmt: skip
    return reshape(large, (batch, channels, row * ratio, col * ratio))


def _lowest(fraction: tuple[int, int]) -> tuple[int, int]:
    p, q = (int(n) for n in fraction)
    return p // gcd(p, q), q // gcd(p, q)


def frac_bilinear_upsampling(input: Any, frac_ratio: Any) -> Any:
    """Images (batch, channels, rows, columns) made larger by a fraction, with bilinear interpolation.

    frac_ratio: (p, q) for the ratio p / q, or ((p, q), (p, q)) for rows and columns; ValueError for anything else.
    """
    if not isinstance(frac_ratio, tuple):
        raise ValueError(f"frac_ratio must be a tuple, got {frac_ratio!r}")
    pairs = frac_ratio if isinstance(frac_ratio[0], tuple) else (frac_ratio, frac_ratio)
    ratio, subsample = zip(*map(_lowest, pairs), strict=True)
    input = as_tensor_variable(input)
    batch, channels, row, col = shape_list(input)
    framed = _framed(reshape(input, (-1, 1, row, col)))
    kern = dimshuffle(bilinear_kernel_2D(tuple(ratio)), ("x", "x", 0, 1))
    for axis, n in ((2, row), (3, col)):  # the pyramid alone in a field of zeros
        total = (2 * n - 1) * ratio[axis - 2] + 1
        before, after = total // 2, total - total // 2
        kern = concatenate((_blank(kern, axis, before), kern, _blank(kern, axis, after)), axis=axis)
    # The images are the filters here, their elements as far apart as the ratio says.
    large = abstract_conv2d(kern, framed, filter_dilation=ratio, subsample=subsample)
    return reshape(large, (batch, channels, large.shape[2], large.shape[3]))


def _blank(x: Any, axis: int, length: Any) -> Any:
    """Zeros of the shape of x but for one axis."""
    sizes = shape_list(x)
    sizes[axis] = length
    return zeros(sizes, dtype=config.floatX)
