"""The convolution functions: conv2d, conv3d, their gradients, transposed, separable and causal convolutions.

Images are (batch, channels, rows, columns), or (batch, channels, depth, rows, columns); filters (output channels, input
channels, lengths...), or where unshared=True (output channels, output rows, output columns, input channels, rows,
columns). The arguments are those of `conv_ops.BaseAbstractConv`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.graph.variable import Constant, Variable
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import dimshuffle
from symtheano.tensor.nnet.conv_ops import (
    AbstractConv2d,
    AbstractConv2d_gradInputs,
    AbstractConv2d_gradWeights,
    AbstractConv3d,
    AbstractConv3d_gradInputs,
    AbstractConv3d_gradWeights,
)
from symtheano.tensor.nnet.conv_shapes import get_conv_output_shape
from symtheano.tensor.sizes import constant_dim

__all__ = [
    "abstract_conv2d",
    "causal_conv1d",
    "conv2d",
    "conv2d_grad_wrt_inputs",
    "conv2d_grad_wrt_weights",
    "conv2d_transpose",
    "conv3d",
    "conv3d_grad_wrt_inputs",
    "conv3d_grad_wrt_weights",
    "separable_conv2d",
    "separable_conv3d",
]

Shape = Sequence[Any] | None


def abstract_conv2d(
    input: Any,
    filters: Any,
    input_shape: Shape = None,
    filter_shape: Shape = None,
    border_mode: Any = "valid",
    subsample: Sequence[int] = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Sequence[int] = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """`conv2d` without its older keywords.

    >>> abstract_conv2d(np.ones((2, 3, 8, 8)), np.ones((4, 3, 3, 3))).type.shape
    (2, 4, 6, 6)
    """
    op = AbstractConv2d(
        input_shape, filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_groups, unshared
    )
    return op(input, filters)


def conv2d(
    input: Any,
    filters: Any,
    input_shape: Shape = None,
    filter_shape: Shape = None,
    border_mode: Any = "valid",
    subsample: Sequence[int] = (1, 1),
    filter_flip: bool = True,
    image_shape: Shape = None,
    filter_dilation: Sequence[int] = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
    **kwargs: Any,
) -> Any:
    """The convolution of a batch of images with filters.

    input: (batch, input channels, rows, columns). filters: (output channels, input channels / num_groups, rows,
    columns), or with unshared=True (output channels, output rows, output columns, input channels / num_groups, rows,
    columns). Result: (batch, output channels, output rows, output columns), of the dtype of both.

    input_shape, filter_shape: tuples of ints and None: what is known of the shapes; checked at run time (ValueError).
    border_mode: "valid" (no padding), "full" (wherever filter and image meet), "half" (filter // 2 around the image), a
    number of zeros for all sides, (rows, columns), or ((top, bottom), (left, right)). subsample: strides. filter_flip:
    False for a correlation. filter_dilation: distance of a filter's elements. num_groups: groups of channels that do
    not see each other. image_shape: the older name of input_shape. Other keywords are ignored with a warning.

    Raises TypeError for operands of wrong dimensions, ValueError for wrong parameters or shapes.

    >>> conv2d(np.ones((2, 3, 8, 8)), np.ones((4, 3, 3, 3))).type.shape
    (2, 4, 6, 6)
    """
    if kwargs:
        names = ", ".join(kwargs)
        warnings.warn(f"{names}: these arguments of conv2d are deprecated and will be ignored", stacklevel=2)
    if image_shape is not None:
        warnings.warn("the argument image_shape of conv2d is deprecated: it is called input_shape", stacklevel=2)
        if input_shape is not None:
            raise ValueError("input_shape and image_shape should not be provided at the same time.")
        input_shape = image_shape
    return abstract_conv2d(
        input, filters, input_shape, filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_groups,
        unshared,
    )  # fmt: skip


def conv3d(
    input: Any,
    filters: Any,
    input_shape: Shape = None,
    filter_shape: Shape = None,
    border_mode: Any = "valid",
    subsample: Sequence[int] = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Sequence[int] = (1, 1, 1),
    num_groups: int = 1,
) -> Any:
    """The convolution of volumes (batch, channels, depth, rows, columns); arguments as for `conv2d`.

    >>> conv3d(np.ones((2, 3, 8, 8, 8)), np.ones((4, 3, 3, 3, 3)), border_mode="half").type.shape
    (2, 4, 8, 8, 8)
    """
    op = AbstractConv3d(input_shape, filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_groups)
    return op(input, filters)


# -- gradients -------------------------------------------------------------------------------------------------------


def _checked(name: str, shape: Shape, symbolic: Sequence[int], length: int) -> tuple[Any, ...]:
    """A shape whose elements are ints, constants or None, but sizes (maybe symbolic) at the positions `symbolic`."""
    if shape is None or len(shape) != length:
        raise ValueError(f"{name} must have {length} elements, got {shape}")
    elements = tuple(shape)
    for k, n in enumerate(elements):
        is_int = isinstance(n, (int, np.integer, Constant))
        if k in symbolic or k - length in symbolic:
            if not is_int and not isinstance(n, Variable):
                raise ValueError(f"{name}[{k}] must be a symbolic variable or an int: the gradient needs it, got {n!r}")
        elif not is_int and n is not None:
            raise ValueError(f"{name}[{k}] must be a constant or None, got {n!r}")
    return elements


def _numbers(elements: Sequence[Any]) -> tuple[int | None, ...]:
    """The elements that are known; None for the others."""
    return tuple(None if n is None else constant_dim(n) for n in elements)


def _by_inputs(op: Any, d: int, output_grad: Any, filters: Any, input_shape: Shape, kshp: Shape, *rest: Any) -> Any:
    lengths = _checked("input_shape", input_shape, range(-d, 0), d + 2)
    if kshp is not None:
        kshp = _checked("filter_shape", kshp, (), 2 * d + 2 if len(rest) == 6 and rest[5] else d + 2)
    return op(_numbers(lengths), kshp, *rest)(filters, output_grad, lengths[-d:])


def _by_weights(op: Any, d: int, input: Any, output_grad: Any, filter_shape: Shape, imshp: Shape, *rest: Any) -> Any:
    unshared = len(rest) == 6 and rest[5]
    lengths = _checked("filter_shape", filter_shape, range(-d, 0), 2 * d + 2 if unshared else d + 2)
    if imshp is not None:
        imshp = _checked("input_shape", imshp, (), d + 2)
    return op(imshp, _numbers(lengths), *rest)(input, output_grad, lengths[-d:])


def conv2d_grad_wrt_inputs(
    output_grad: Any,
    filters: Any,
    input_shape: Sequence[Any],
    filter_shape: Shape = None,
    border_mode: Any = "valid",
    subsample: Sequence[int] = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Sequence[int] = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """The gradient of `conv2d` by its input, given output_grad, the gradient by its output.

    input_shape: (batch, channels, rows, columns) of the result, None where the operands know it; rows and columns,
    which strides leave open, must be given, as ints or symbolic sizes. Other arguments as for `conv2d`.

    >>> conv2d_grad_wrt_inputs(np.ones((2, 4, 6, 6)), np.ones((4, 3, 3, 3)), (None, None, 8, 8)).type.shape
    (2, 3, 8, 8)
    """
    return _by_inputs(
        AbstractConv2d_gradInputs, 2, output_grad, filters, input_shape, filter_shape,
        border_mode, subsample, filter_flip, filter_dilation, num_groups, unshared,
    )  # fmt: skip


def conv3d_grad_wrt_inputs(
    output_grad: Any,
    filters: Any,
    input_shape: Sequence[Any],
    filter_shape: Shape = None,
    border_mode: Any = "valid",
    subsample: Sequence[int] = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Sequence[int] = (1, 1, 1),
    num_groups: int = 1,
) -> Any:
    """The gradient of `conv3d` by its input; arguments as for `conv2d_grad_wrt_inputs`.

    >>> g, w = np.ones((2, 4, 6, 6, 6)), np.ones((4, 3, 3, 3, 3))
    >>> conv3d_grad_wrt_inputs(g, w, (2, 3, 8, 8, 8)).type.shape
    (2, 3, 8, 8, 8)
    """
    return _by_inputs(
        AbstractConv3d_gradInputs, 3, output_grad, filters, input_shape, filter_shape,
        border_mode, subsample, filter_flip, filter_dilation, num_groups,
    )  # fmt: skip


def conv2d_grad_wrt_weights(
    input: Any,
    output_grad: Any,
    filter_shape: Sequence[Any],
    input_shape: Shape = None,
    border_mode: Any = "valid",
    subsample: Sequence[int] = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Sequence[int] = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """The gradient of `conv2d` by its filters, given output_grad, the gradient by its output.

    filter_shape: the shape of the result, None where the operands know it; its last two lengths must be given, as ints
    or symbolic sizes. Other arguments as for `conv2d`.

    >>> conv2d_grad_wrt_weights(np.ones((2, 3, 8, 8)), np.ones((2, 4, 6, 6)), (None, None, 3, 3)).type.shape
    (4, 3, 3, 3)
    """
    return _by_weights(
        AbstractConv2d_gradWeights, 2, input, output_grad, filter_shape, input_shape,
        border_mode, subsample, filter_flip, filter_dilation, num_groups, unshared,
    )  # fmt: skip


def conv3d_grad_wrt_weights(
    input: Any,
    output_grad: Any,
    filter_shape: Sequence[Any],
    input_shape: Shape = None,
    border_mode: Any = "valid",
    subsample: Sequence[int] = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Sequence[int] = (1, 1, 1),
    num_groups: int = 1,
) -> Any:
    """The gradient of `conv3d` by its filters; arguments as for `conv2d_grad_wrt_weights`.

    >>> x, g = np.ones((2, 3, 8, 8, 8)), np.ones((2, 4, 6, 6, 6))
    >>> conv3d_grad_wrt_weights(x, g, (4, 3, 3, 3, 3)).type.shape
    (4, 3, 3, 3, 3)
    """
    return _by_weights(
        AbstractConv3d_gradWeights, 3, input, output_grad, filter_shape, input_shape,
        border_mode, subsample, filter_flip, filter_dilation, num_groups,
    )  # fmt: skip


def conv2d_transpose(
    input: Any,
    filters: Any,
    output_shape: Sequence[Any],
    filter_shape: Shape = None,
    border_mode: Any = "valid",
    input_dilation: Sequence[int] = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Sequence[int] = (1, 1),
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """The transposed convolution ("deconvolution"): the gradient of a convolution by its input.

    input: (batch, input channels, rows, columns). filters: (input channels, output channels, rows, columns).
    output_shape: (batch, output channels, rows, columns), the last two given. border_mode, input_dilation: padding and
    strides of the convolution whose transpose this is. Other arguments as for `conv2d`.

    >>> conv2d_transpose(np.ones((2, 4, 6, 6)), np.ones((4, 3, 3, 3)), (None, None, 8, 8)).type.shape
    (2, 3, 8, 8)
    """
    return conv2d_grad_wrt_inputs(
        input, filters, output_shape, filter_shape, border_mode, input_dilation, filter_flip, filter_dilation,
        num_groups, unshared,
    )  # fmt: skip


# -- compositions ----------------------------------------------------------------------------------------------------


def _separable(
    op: Any, pointwise: Any, input: Any, depthwise_filters: Any, pointwise_filters: Any, shapes: Sequence[Shape]
) -> Any:
    input_shape, depthwise_shape, pointwise_shape = shapes
    between = None
    if input_shape is not None and depthwise_shape is not None:
        between = get_conv_output_shape(
            _numbers(input_shape), _numbers(depthwise_shape), op.border_mode, op.subsample, op.filter_dilation
        )
    each = op(input, depthwise_filters)
    return pointwise(each, pointwise_filters, between, pointwise_shape, filter_flip=op.filter_flip)


def separable_conv2d(
    input: Any,
    depthwise_filters: Any,
    pointwise_filters: Any,
    num_channels: int,
    input_shape: Shape = None,
    depthwise_filter_shape: Shape = None,
    pointwise_filter_shape: Shape = None,
    border_mode: Any = "valid",
    subsample: Sequence[int] = (1, 1),
    filter_flip: bool = True,
    filter_dilation: Sequence[int] = (1, 1),
) -> Any:
    """A convolution of each channel by itself, followed by one that mixes the channels at each position.

    input: (batch, num_channels, rows, columns). depthwise_filters: (depthwise channels, 1, rows, columns), the number
    of channels a multiple of num_channels. pointwise_filters: (output channels, depthwise channels, 1, 1). border_mode,
    subsample and filter_dilation are those of the first convolution.

    >>> x, depthwise, pointwise = np.ones((2, 3, 8, 8)), np.ones((6, 1, 3, 3)), np.ones((5, 6, 1, 1))
    >>> separable_conv2d(x, depthwise, pointwise, 3).type.shape
    (2, 5, 6, 6)
    """
    op = AbstractConv2d(
        input_shape, depthwise_filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_channels
    )
    shapes = (input_shape, depthwise_filter_shape, pointwise_filter_shape)
    return _separable(op, abstract_conv2d, input, depthwise_filters, pointwise_filters, shapes)


def separable_conv3d(
    input: Any,
    depthwise_filters: Any,
    pointwise_filters: Any,
    num_channels: int,
    input_shape: Shape = None,
    depthwise_filter_shape: Shape = None,
    pointwise_filter_shape: Shape = None,
    border_mode: Any = "valid",
    subsample: Sequence[int] = (1, 1, 1),
    filter_flip: bool = True,
    filter_dilation: Sequence[int] = (1, 1, 1),
) -> Any:
    """`separable_conv2d` for volumes (batch, num_channels, depth, rows, columns).

    >>> x, depthwise, pointwise = np.ones((2, 3, 8, 8, 8)), np.ones((6, 1, 3, 3, 3)), np.ones((5, 6, 1, 1, 1))
    >>> separable_conv3d(x, depthwise, pointwise, 3).type.shape
    (2, 5, 6, 6, 6)
    """
    op = AbstractConv3d(
        input_shape, depthwise_filter_shape, border_mode, subsample, filter_flip, filter_dilation, num_channels
    )
    shapes = (input_shape, depthwise_filter_shape, pointwise_filter_shape)
    return _separable(op, conv3d, input, depthwise_filters, pointwise_filters, shapes)


def causal_conv1d(
    input: Any,
    filters: Any,
    filter_shape: Sequence[Any],
    input_shape: Shape = None,
    subsample: int = 1,
    filter_flip: bool = True,
    filter_dilation: int = 1,
    num_groups: int = 1,
    unshared: bool = False,
) -> Any:
    """A convolution along time whose output at a time depends on inputs up to that time only.

    input: (batch, channels, time). filters: (output channels, input channels, length). filter_shape: the shape of the
    filters, the length given. Result: (batch, output channels, time / subsample). unshared=True: filters of shape
    (output channels, output length, 1, input channels, length, 1), as Theano has them. Raises ValueError where input or
    filters have not 3 dimensions, or the length of the filters is unknown.

    >>> causal_conv1d(np.ones((2, 3, 8)), np.ones((4, 3, 5)), (4, 3, 5)).type.shape
    (2, 4, 8)
    """
    input, filters = as_tensor_variable(input), as_tensor_variable(filters)
    if input.type.ndim != 3:
        raise ValueError(f"Input should be 3D for causal convolution: {input} has type {input.type}")
    if filters.type.ndim != 3:
        raise ValueError(f"Filters should be 3D for causal convolution: {filters} has type {filters.type}")
    length = constant_dim(_checked("filter_shape", filter_shape, (2,), 3)[2])
    if length is None:
        raise ValueError("causal_conv1d: the length of the filters, filter_shape[2], must be an int or a constant")
    op = AbstractConv2d(
        None if input_shape is None else (*_checked("input_shape", input_shape, (), 3), 1),
        (*_numbers(filter_shape), 1),
        ((filter_dilation * (length - 1), 0), 0),
        (subsample, 1),
        filter_flip,
        (filter_dilation, 1),
        num_groups,
        unshared,
    )
    return op(dimshuffle(input, (0, 1, 2, "x")), dimshuffle(filters, (0, 1, 2, "x")))[:, :, :, 0]
