"""Theano's `theano.tensor.nnet.abstract_conv`: the same names from their own files."""

from __future__ import annotations

from symtheano.tensor.nnet.conv_functions import abstract_conv2d as conv2d
from symtheano.tensor.nnet.conv_functions import (
    causal_conv1d,
    conv2d_grad_wrt_inputs,
    conv2d_grad_wrt_weights,
    conv3d,
    conv3d_grad_wrt_inputs,
    conv3d_grad_wrt_weights,
    separable_conv2d,
    separable_conv3d,
)
from symtheano.tensor.nnet.conv_ops import *  # noqa: F403
from symtheano.tensor.nnet.conv_ops import __all__ as _ops
from symtheano.tensor.nnet.conv_shapes import *  # noqa: F403
from symtheano.tensor.nnet.conv_shapes import __all__ as _shapes
from symtheano.tensor.nnet.upsampling import *  # noqa: F403
from symtheano.tensor.nnet.upsampling import __all__ as _upsampling

__all__ = [
    *_ops,
    *_shapes,
    *_upsampling,
    "causal_conv1d",
    "conv2d",
    "conv2d_grad_wrt_inputs",
    "conv2d_grad_wrt_weights",
    "conv3d",
    "conv3d_grad_wrt_inputs",
    "conv3d_grad_wrt_weights",
    "separable_conv2d",
    "separable_conv3d",
]
