"""The shapes of convolutions: which output, filter and image shapes belong together. Numbers or symbolic sizes.

Of an axis with image length h, filter length k, padding (l, r), stride s and dilation d the output's length is
(h + l + r - ((k - 1) * d + 1)) // s + 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.config import config
from symtheano.errors import NotScalarConstantError, explain
from symtheano.tensor.assertion import Assert
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions
from symtheano.tensor.scalar_constant import get_scalar_constant_value
from symtheano.tensor.sizes import shape_i

__all__ = [
    "assert_conv_shape",
    "assert_shape",
    "border_mode_to_pad",
    "check_conv_gradinputs_shape",
    "get_conv_gradinputs_shape",
    "get_conv_gradinputs_shape_1axis",
    "get_conv_gradweights_shape",
    "get_conv_gradweights_shape_1axis",
    "get_conv_output_shape",
    "get_conv_shape_1axis",
]


def border_mode_to_pad(mode: Any, convdim: int, kshp: Sequence[Any]) -> tuple[tuple[Any, Any], ...]:
    """The padding (left, right) of each axis that a border mode stands for.

    mode: "valid", "full", "half", an int, or a tuple of `convdim` ints or pairs of ints. kshp: the lengths of the
    filter, dilated. Raises ValueError for anything else.

    >>> border_mode_to_pad("half", 2, (3, 5))
    ((1, 1), (2, 2))
    """
    if isinstance(mode, (int, np.integer)) and not isinstance(mode, bool):
        mode = (mode,) * convdim
    if isinstance(mode, tuple):
        if len(mode) != convdim:
            raise ValueError(f"invalid border_mode {mode} which must be a tuple of length {convdim}")
        return tuple(_pad(m, mode) for m in mode)
    if mode == "full":
        return tuple((k - 1, k - 1) for k in kshp[:convdim])
    if mode == "half":
        return tuple((k // 2, k // 2) for k in kshp[:convdim])
    if mode == "valid":
        return ((0, 0),) * convdim
    raise ValueError(invalid_border_mode(mode, convdim))


def _pad(m: Any, mode: Any) -> tuple[int, int]:
    if _is_length(m):
        return (int(m), int(m))
    if isinstance(m, tuple) and len(m) == 2 and all(_is_length(n) for n in m):
        return (int(m[0]), int(m[1]))
    if isinstance(m, tuple) and len(m) != 2 and all(_is_length(n) for n in m):
        raise NotImplementedError(f"padding has two sides, left and right; border_mode={mode} gives {len(m)}")
    raise ValueError(f"invalid border mode {mode}. The tuple can only contain integers >= 0 or pairs of them")


def _is_length(m: Any) -> bool:
    return isinstance(m, (int, np.integer)) and not isinstance(m, bool) and bool(m >= 0)


def invalid_border_mode(mode: Any, convdim: int) -> str:
    """The text of the error for a border mode that is none."""
    remedy = '"half" pads so that the output of an odd filter is as large as its input (elsewhere called "same")'
    return explain(
        f'invalid border_mode {mode!r}, which must be either "valid", "full", "half", an integer >= 0 or a tuple of '
        f"{convdim} integers or pairs of integers",
        operation=f"convolution in {convdim} dimensions",
        remedy=remedy,
    )


def _of_axis(border_mode: Any, axis: int) -> Any:
    return border_mode[axis] if isinstance(border_mode, tuple) else border_mode


def _margins(border_mode: Any, dilated: Any) -> tuple[Any, Any]:
    """The padding of one axis; an int may be symbolic."""
    if isinstance(border_mode, str):
        return border_mode_to_pad(border_mode, 1, (dilated,))[0]
    left, right = border_mode if isinstance(border_mode, tuple) else (border_mode, border_mode)
    for n in (left, right):
        if isinstance(n, (int, np.integer)) and n < 0:
            raise ValueError(f"border_mode must be >= 0, got {border_mode}")
    return left, right


def _is_zero(n: Any) -> bool:
    return isinstance(n, (int, np.integer)) and n == 0


def get_conv_shape_1axis(
    image_shape: Any, kernel_shape: Any, border_mode: Any, subsample: Any, dilation: Any = 1
) -> Any:
    """The length of one axis of a convolution's output; None where one of the arguments is None.

    border_mode: "valid", "full", "half", an int, or a pair of ints. All lengths may be symbolic.

    >>> get_conv_shape_1axis(28, 5, "valid", 1)
    24
    """
    if any(v is None for v in (image_shape, kernel_shape, border_mode, subsample, dilation)):
        return None
    dilated = (kernel_shape - 1) * dilation + 1
    length = image_shape - dilated
    for margin in _margins(border_mode, dilated):
        length = length if _is_zero(margin) else length + margin
    if not (isinstance(subsample, (int, np.integer)) and subsample == 1):
        length = length // subsample
    return length + 1


def get_conv_output_shape(
    image_shape: Sequence[Any],
    kernel_shape: Sequence[Any],
    border_mode: Any,
    subsample: Sequence[Any],
    filter_dilation: Sequence[Any] | None = None,
) -> tuple[Any, ...]:
    """The shape (batch, output channels, lengths...) of a convolution's output; None where it is unknown.

    image_shape: (batch, input channels, lengths...). kernel_shape: (output channels, input channels, lengths...), or
    for an unshared convolution (output channels, output lengths..., input channels, lengths...). Elements are ints,
    symbolic sizes or None. The shape does not depend on the number of groups.

    >>> get_conv_output_shape((50, 1, 28, 28), (20, 1, 5, 5), "valid", (1, 1))
    (50, 20, 24, 24)
    """
    d = len(image_shape) - 2
    dilation = (1,) * d if filter_dilation is None else filter_dilation
    image, kernel = image_shape[2:], kernel_shape[-d:]
    lengths = (
        get_conv_shape_1axis(image[k], kernel[k], _of_axis(border_mode, k), subsample[k], dilation[k]) for k in range(d)
    )
    return (image_shape[0], kernel_shape[0], *lengths)


def get_conv_gradweights_shape_1axis(
    image_shape: Any, top_shape: Any, border_mode: Any, subsample: Any, dilation: Any
) -> Any:
    """The length of a filter's axis, from image and output; None where they do not determine it (strides, "half")."""
    if any(v is None for v in (image_shape, top_shape, border_mode, subsample, dilation)):
        return None
    if subsample != 1 or (isinstance(border_mode, str) and border_mode == "half"):
        return None
    if isinstance(border_mode, str) and border_mode == "full":
        length = top_shape - image_shape
    else:
        left, right = _margins(border_mode, None)
        length = image_shape - top_shape
        for margin in (left, right):
            length = length if _is_zero(margin) else length + margin
    return (length // dilation if dilation > 1 else length) + 1


def get_conv_gradweights_shape(
    image_shape: Sequence[Any],
    top_shape: Sequence[Any],
    border_mode: Any,
    subsample: Sequence[Any],
    filter_dilation: Sequence[Any] | None = None,
    num_groups: int = 1,
    unshared: bool = False,
) -> tuple[Any, ...]:
    """The shape of the filters of a convolution from image and output, with None where that is not determined.

    The order of its first two elements is Theano's: (channels of `top_shape` / num_groups, channels of `image_shape`).

    >>> get_conv_gradweights_shape((2, 3, 8, 8), (2, 4, 6, 6), "valid", (1, 1))
    (4, 3, 3, 3)
    """
    d = len(subsample)
    dilation = (1,) * d if filter_dilation is None else filter_dilation
    kernels, channels = top_shape[1], image_shape[1]
    if num_groups > 1 and kernels is not None:
        kernels = kernels // num_groups
    lengths = tuple(
        get_conv_gradweights_shape_1axis(
            image_shape[2 + k], top_shape[2 + k], _of_axis(border_mode, k), subsample[k], dilation[k]
        )
        for k in range(d)
    )
    if unshared:
        return (kernels, *top_shape[2:], channels, *lengths)
    return (kernels, channels, *lengths)


def get_conv_gradinputs_shape_1axis(
    kernel_shape: Any, top_shape: Any, border_mode: Any, subsample: Any, dilation: Any
) -> Any:
    """The length of an image's axis, from filter and output; None where a stride leaves it open."""
    if any(v is None for v in (kernel_shape, top_shape, border_mode, subsample, dilation)) or subsample != 1:
        return None
    dilated = (kernel_shape - 1) * dilation + 1
    length = top_shape + dilated - 1
    for margin in _margins(border_mode, dilated):
        length = length if _is_zero(margin) else length - margin
    return length


def get_conv_gradinputs_shape(
    kernel_shape: Sequence[Any],
    top_shape: Sequence[Any],
    border_mode: Any,
    subsample: Sequence[Any],
    filter_dilation: Sequence[Any] | None = None,
    num_groups: int = 1,
) -> tuple[Any, ...]:
    """The shape of the image of a convolution from filters and output, with None where a stride leaves it open.

    >>> get_conv_gradinputs_shape((4, 3, 3, 3), (2, 4, 6, 6), "valid", (1, 1))
    (2, 3, 8, 8)
    """
    d = len(top_shape) - 2
    dilation = (1,) * d if filter_dilation is None else filter_dilation
    channels, kernel = kernel_shape[1], kernel_shape[-d:]
    if num_groups > 1 and channels is not None:
        channels = channels * num_groups
    lengths = (
        get_conv_gradinputs_shape_1axis(
            kernel[k], top_shape[2 + k], _of_axis(border_mode, k), subsample[k], dilation[k]
        )
        for k in range(d)
    )
    return (top_shape[0], channels, *lengths)


def check_conv_gradinputs_shape(
    image_shape: Sequence[Any],
    kernel_shape: Sequence[Any],
    output_shape: Sequence[Any],
    border_mode: Any,
    subsample: Sequence[Any],
    filter_dilation: Sequence[Any] | None = None,
) -> bool:
    """False where an image of this shape cannot have given an output of that shape; True where it can or may."""
    image_shape, kernel_shape, output_shape = tuple(image_shape), tuple(kernel_shape), tuple(output_shape)
    n = len(image_shape)
    if len(kernel_shape) != n or len(output_shape) != n or len(subsample) != n - 2:
        return False
    if filter_dilation is not None and len(filter_dilation) != n - 2:
        return False
    computed = get_conv_output_shape(image_shape, kernel_shape, border_mode, subsample, filter_dilation)
    return all(_may_be_equal(a, b) for a, b in zip(output_shape, computed, strict=True))


def _may_be_equal(given: Any, computed: Any) -> bool:
    if given is None or computed is None:
        return True
    try:
        return int(get_scalar_constant_value(given)) == int(get_scalar_constant_value(computed))
    except NotScalarConstantError:
        return True


def assert_conv_shape(shape: Sequence[Any]) -> tuple[Any, ...]:
    """`shape`, known to be one a convolution can have: its first two lengths >= 0, the others > 0.

    Raises ValueError where a constant length is not; symbolic lengths are checked at run time (AssertionError).
    """
    checked: list[Any] = []
    for k, n in enumerate(shape):
        least = 0 if k < 2 else 1
        problem = f"The convolution would produce an invalid shape (dim[{k}]"
        try:
            value = int(get_scalar_constant_value(n))
        except NotScalarConstantError:
            what = f"{problem} {'<' if least == 0 else '<='} 0)."
            checked.append(Assert(what)(n, functions.ge(n, least)))
            continue
        if value < least:
            raise ValueError(f"{problem}: {value} {'<' if least == 0 else '<='} 0).")
        checked.append(n)
    return tuple(checked)


def assert_shape(x: Any, expected_shape: Sequence[Any] | None, msg: str = "Unexpected shape.") -> Any:
    """`x`, whose shape is checked at run time (AssertionError) where config.conv.assert_shape is set.

    expected_shape: lengths, None for any; or None.
    """
    if expected_shape is None or not config.conv.assert_shape:
        return x
    x = as_tensor_variable(x)
    tests = [functions.eq(shape_i(x, k), n) for k, n in enumerate(expected_shape) if n is not None]
    return Assert(msg)(x, *tests) if tests else x
