"""Examples of convolutions, pooling and neighbourhoods for `op_table`."""

from __future__ import annotations

import numpy as np

import symtheano.tensor as T
from symtheano.tensor.assertion import Assert
from symtheano.tensor.nnet import conv, neighbours
from symtheano.tensor.nnet.abstract_conv import (
    AbstractConv2d_gradInputs,
    AbstractConv2d_gradWeights,
    AbstractConv3d,
    AbstractConv3d_gradInputs,
    AbstractConv3d_gradWeights,
)
from symtheano.tensor.nnet.abstract_conv import conv2d as conv2d_
from symtheano.tensor.signal.pool import max_pool_2d_same_size, pool_2d, pool_3d
from tests.tensor.examples import Example, numbers

IMG, KERN = numbers(2, 2, 4, 5), numbers(2, 2, 3, 2, seed=1)
VOLUME, KERN3 = numbers(1, 2, 3, 3, 2), numbers(2, 2, 2, 1, 2, seed=1)
PLANE = numbers(2, 4, 5, seed=3)

EXAMPLES = [
    Example("assert", lambda x: Assert("positive")(x, T.ge(x.shape[0], 1)) * 2, (PLANE,)),
    Example("conv2d", conv2d_, (IMG, KERN), (0, 1)),
    Example(
        "conv2d strided",
        lambda x, w: conv2d_(
            x, w, border_mode=((1, 0), 2), subsample=(2, 1), filter_dilation=(1, 2), filter_flip=False
        ),
        (IMG, KERN),
        (0, 1),
    ),
    Example(
        "conv2d groups",
        lambda x, w: conv2d_(x, w, border_mode="half", num_groups=2),
        (IMG, numbers(4, 1, 3, 3)),
        (0, 1),
    ),
    Example(
        "conv2d unshared",
        lambda x, w: conv2d_(x, w, unshared=True, subsample=(2, 2)),
        (IMG[:1, :, :3, :4], numbers(2, 1, 2, 2, 2, 2)),
        (0, 1),
    ),
    Example("conv2d full", lambda x, w: conv2d_(x, w, border_mode="full"), (IMG[:1], KERN[:1]), (0, 1)),
    Example(
        "conv weights",
        lambda x, g: AbstractConv2d_gradWeights(subsample=(2, 1))(x, g, (2, 3)),
        (IMG, numbers(2, 3, 2, 3)),
        (0, 1),
    ),
    Example(
        "conv inputs",
        lambda w, g: AbstractConv2d_gradInputs(subsample=(2, 2))(w, g, T.stack([w.shape[2] * 2, 5])),
        (KERN, numbers(2, 2, 2, 2)),
        (0, 1),
    ),
    Example("conv3d", lambda x, w: AbstractConv3d(border_mode="half")(x, w), (VOLUME, KERN3), (0, 1)),
    Example(
        "conv3d weights",
        lambda x, g: AbstractConv3d_gradWeights()(x, g, (2, 2, 1)),
        (VOLUME, numbers(1, 1, 2, 2, 2)),
        (0, 1),
    ),
    Example(
        "conv3d inputs",
        lambda w, g: AbstractConv3d_gradInputs()(w, g, (3, 2, 3)),
        (KERN3, numbers(1, 2, 2, 2, 2)),
        (0, 1),
    ),
    Example("conv op", lambda x, w: conv.ConvOp(output_mode="full", dx=2)(x, w), (IMG, KERN), (0, 1)),
    # pooling
    Example("pool max", lambda x: pool_2d(x, (2, 3), True, stride=(1, 2), pad=(1, 1)), (PLANE,)),
    Example("pool max border", lambda x: pool_2d(x, (3, 2), False), (PLANE,)),
    Example("pool max squared", lambda x: T.sqr(pool_2d(x, (2, 2), True, stride=(1, 1))), (PLANE,)),
    Example("pool 3d", lambda x: pool_3d(x, (2, 2, 2), True, stride=(1, 1, 1)), (PLANE,)),
    Example("pool sum", lambda x: pool_2d(x, (2, 2), False, stride=(1, 3), mode="sum"), (PLANE,)),
    Example("pool mean", lambda x: pool_2d(x, (3, 2), True, pad=(1, 0), mode="average_inc_pad"), (PLANE,)),
    Example("pool mean real", lambda x: pool_2d(x, (3, 2), True, pad=(1, 1), mode="average_exc_pad"), (PLANE,)),
    Example("pool same size", lambda x: max_pool_2d_same_size(x, (2, 2)), (IMG,), ()),
    # neighbourhoods
    Example("neibs", lambda x: neighbours.images2neibs(x, (2, 2), (2, 3)), (IMG,)),
    Example("neibs around", lambda x: neighbours.images2neibs(x, (3, 3), (1, 2), "wrap_centered"), (IMG,)),
    Example("neibs half", lambda x: neighbours.images2neibs(x, (3, 2), (1, 1), "half"), (IMG,)),
    Example(
        "images of neibs",
        lambda x: neighbours.neibs2images(x, (2, 2), (1, 2, 4, 5), "ignore_borders"),
        (numbers(8, 4),),
    ),
    Example("conv float32", conv2d_, (IMG.astype("float32"), KERN.astype("float32")), ()),
    Example("conv int", conv2d_, (np.arange(36).reshape(1, 1, 6, 6), np.arange(4).reshape(1, 1, 2, 2)), ()),
]
