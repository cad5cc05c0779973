"""Theano's `theano.tensor.signal.conv`: the convolution of images without channels."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from symtheano.config import config
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import dimshuffle
from symtheano.tensor.nnet.conv import ConvOp

__all__ = ["conv2d"]


def conv2d(
    input: Any,
    filters: Any,
    image_shape: Sequence[Any] | None = None,
    filter_shape: Sequence[Any] | None = None,
    border_mode: str = "valid",
    subsample: Sequence[int] = (1, 1),
    **kargs: Any,
) -> Any:
    """The convolution of one image or several with one filter or several.

    input: (rows, columns) or (images, rows, columns). filters: (rows, columns) or (filters, rows, columns). Result:
    (images, filters, rows, columns), without the axis of what there is one of. image_shape, filter_shape: the shapes
    where both are known, checked at run time. border_mode: "valid" or "full". kargs: arguments of `nnet.conv.ConvOp`.

    >>> conv2d(np.ones((8, 8)), np.ones((3, 3))).type.shape
    (6, 6)
    """
    image, kernels = as_tensor_variable(input), as_tensor_variable(filters)
    single, alone = image.type.ndim == 2, kernels.type.ndim == 2
    if image.type.ndim not in (2, 3) or kernels.type.ndim not in (2, 3):
        raise AssertionError(f"signal.conv.conv2d takes 2 or 3 dimensions, got {image.type} and {kernels.type}")
    shapes: dict[str, Any] = {}
    if filter_shape and image_shape:
        shapes = {
            "imshp": (1, *image_shape[-2:]),
            "kshp": tuple(filter_shape[-2:]),
            "bsize": 1 if single else image_shape[0],
            "nkern": 1 if alone else filter_shape[0],
        }
    op = ConvOp(output_mode=border_mode, dx=subsample[0], dy=subsample[1], **shapes, **kargs)
    stacks = (dimshuffle(v, ("x", "x", 0, 1) if v.type.ndim == 2 else (0, "x", 1, 2)) for v in (image, kernels))
    output = op(*stacks)
    if single and alone and config.warn.signal_conv2d_interface:
        warnings.warn(
            "theano.tensor.signal.conv2d() now outputs a 2d tensor when both inputs are 2d. To disable this warning, "
            "set the flag warn.signal_conv2d_interface to False",
            stacklevel=2,
        )
    return output[0 if single else slice(None), 0 if alone else slice(None)]
