"""Neural networks: activations, softmax, crossentropies, convolutions (`theano.tensor.nnet`)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from symtheano.tensor.nnet.activations import *  # noqa: F403
from symtheano.tensor.nnet.conv import ConvOp as ConvOp
from symtheano.tensor.nnet.conv_functions import *  # noqa: F403
from symtheano.tensor.nnet.crossentropy import *  # noqa: F403
from symtheano.tensor.nnet.losses import *  # noqa: F403
from symtheano.tensor.nnet.softmax import *  # noqa: F403

SUBMODULES = ("abstract_conv", "conv3d2d", "corr", "corr3d", "neighbours")


def __getattr__(name: str) -> Any:
    """Modules that are loaded when they are first named, as in T.nnet.neighbours.images2neibs."""
    if name in SUBMODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
