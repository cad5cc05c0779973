"""Theano's older convolution, `theano.tensor.nnet.conv`: conv2d with borders "valid" and "full", and its ConvOp."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from symtheano.errors import NotScalarConstantError
from symtheano.tensor.nnet.conv_ops import AbstractConv2d
from symtheano.tensor.nnet.conv_shapes import get_conv_output_shape
from symtheano.tensor.scalar_constant import get_scalar_constant_value

__all__ = ["ConvOp", "conv2d"]


class ConvOp(AbstractConv2d):
    """AbstractConv2d with the arguments of Theano's older op: op(images, filters), both of 4 dimensions.

    imshp: (rows, columns) or (channels, rows, columns) of the images; kshp: (rows, columns) of the nkern filters;
    bsize: images of a batch; all where they are known, and checked at run time (ValueError). dx, dy: strides of rows
    and columns. output_mode: "valid" or "full". The other arguments chose among implementations and have no effect;
    logical shapes other than the real ones raise NotImplementedError.
    """

    def __init__(
        self,
        imshp: Sequence[Any] | None = None,
        kshp: Sequence[Any] | None = None,
        nkern: int | None = None,
        bsize: int | None = None,
        dx: int | None = 1,
        dy: int | None = 1,
        output_mode: str = "valid",
        unroll_batch: int | None = None,
        unroll_kern: int | None = None,
        unroll_patch: bool | None = None,
        imshp_logical: Sequence[Any] | None = None,
        kshp_logical: Sequence[Any] | None = None,
        kshp_logical_top_aligned: bool = True,
        verbose: int = 0,
        version: int = -1,
        direction_hint: str = "forward",
        openmp: bool | None = None,
    ):
        if output_mode not in ("valid", "full"):
            raise NotImplementedError(f'ConvOp: output_mode is "valid" or "full", got {output_mode!r}; see nnet.conv2d')
        image = (None, None, None) if imshp is None else tuple(imshp)
        if len(image) not in (2, 3):
            raise ValueError(f"len(imshp) must be 2 or 3, got {len(image)}")
        image = (1, *image) if len(image) == 2 else image
        kernel = (None, None) if kshp is None else tuple(kshp)
        if len(kernel) != 2:
            raise ValueError(f"len(kshp) must be 2, got {len(kernel)}")
        for name, step in (("dx", dx), ("dy", dy)):
            if step is not None and int(step) != step:
                raise TypeError(f"ConvOp.__init__ param {name} must be an int", step)
        if imshp_logical is not None and tuple(imshp_logical) != image:
            raise NotImplementedError(f"ConvOp: imshp_logical={tuple(imshp_logical)} must be imshp={image}")
        if kshp_logical is not None and tuple(kshp_logical) != kernel:
            raise NotImplementedError(f"ConvOp: kshp_logical={tuple(kshp_logical)} must be kshp={kernel}")
        super().__init__((bsize, *image), (nkern, image[0], *kernel), output_mode, (int(dx or 1), int(dy or 1)))

    @staticmethod
    def getOutputShape(
        inshp: Sequence[Any], kshp: Sequence[Any], stride: Sequence[int] = (1, 1), mode: str = "valid"
    ) -> tuple[Any, ...]:
        """The (rows, columns) of the output for images and filters of these (rows, columns).

        >>> ConvOp.getOutputShape((8, 8), (3, 3), (2, 2), "valid")
        (3, 3)
        """
        return get_conv_output_shape((None, None, *inshp), (None, None, *kshp), mode, stride)[2:]


def conv2d(
    input: Any,
    filters: Any,
    image_shape: Sequence[Any] | None = None,
    filter_shape: Sequence[Any] | None = None,
    border_mode: str = "valid",
    subsample: Sequence[int] = (1, 1),
    **kargs: Any,
) -> Any:
    """The convolution of images (batch, channels, rows, columns) with filters; deprecated, see `nnet.conv2d`.

    image_shape, filter_shape: 4 ints, constants or None. border_mode: "valid" or "full". kargs: arguments of `ConvOp`.
    """
    warnings.warn("theano.tensor.nnet.conv.conv2d is deprecated. Use theano.tensor.nnet.conv2d instead.", stacklevel=2)
    image = _constants("image_shape", image_shape)
    kernel = _constants("filter_shape", filter_shape)
    if None not in (image[1], kernel[1]) and image[1] != kernel[1]:
        raise AssertionError(f"image_shape {image} and filter_shape {kernel} have different numbers of channels")
    channels = kernel[1] if image[1] is None else image[1]
    op = ConvOp(
        imshp=(channels, *image[2:]),
        kshp=kernel[2:],
        nkern=kernel[0],
        bsize=image[0],
        dx=subsample[0],
        dy=subsample[1],
        output_mode=border_mode,
        **kargs,
    )
    return op(input, filters)


def _constants(name: str, shape: Sequence[Any] | None) -> tuple[int | None, ...]:
    if shape is None:
        return (None,) * 4
    try:
        return tuple(None if n is None else int(get_scalar_constant_value(n)) for n in shape)
    except NotScalarConstantError as error:
        what = f"The convolution need that the shape information are constant values. We got {shape} for {name}"
        raise NotScalarConstantError(what) from error
