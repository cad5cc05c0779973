"""Neural networks: activations, softmax, crossentropies, convolutions (`theano.tensor.nnet`)."""

from __future__ import annotations

from symtheano.tensor.nnet.activations import *  # noqa: F403
from symtheano.tensor.nnet.conv import ConvOp as ConvOp
from symtheano.tensor.nnet.conv_functions import *  # noqa: F403
from symtheano.tensor.nnet.crossentropy import *  # noqa: F403
from symtheano.tensor.nnet.losses import *  # noqa: F403
from symtheano.tensor.nnet.softmax import *  # noqa: F403
