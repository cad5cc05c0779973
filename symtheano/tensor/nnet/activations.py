"""Activation functions: sigmoid and its approximations, softplus, softsign, and the rectifiers."""

from __future__ import annotations

from typing import Any

from symtheano.graph.variable import Variable
from symtheano.tensor.convert import as_tensor_variable, constant
from symtheano.tensor.elemwise import functions
from symtheano.tensor.math import abs_, cast, expm1, minimum, sigmoid, softplus, switch

__all__ = [
    "elu",
    "hard_sigmoid",
    "relu",
    "selu",
    "sigmoid",
    "softplus",
    "softsign",
    "ultra_fast_sigmoid",
]

hard_sigmoid = functions.hard_sigmoid
hard_sigmoid.__doc__ = """Elementwise: clip(x / 5 + 1 / 2, 0, 1), an approximation of sigmoid by three straight lines.

>>> hard_sigmoid([-9.0, 0.0, 1.0]).eval()
array([0. , 0.5, 0.7])
"""
ultra_fast_sigmoid = functions.ultra_fast_sigmoid
ultra_fast_sigmoid.__doc__ = """Elementwise: an approximation of sigmoid by pieces, off by at most 0.03.

>>> ultra_fast_sigmoid([0.0]).eval()
array([0.5])
"""

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def softsign(x: Any) -> Any:
    """x / (1 + |x|), elementwise.

    >>> softsign([-1.0, 3.0]).eval()
    array([-0.5 ,  0.75])
    """
    x = as_tensor_variable(x)
    result = x / (1.0 + abs_(x))
    return cast(result, "float16") if x.type.dtype == "float16" else result


def relu(x: Any, alpha: Any = 0) -> Any:
    """x where it is positive, else alpha * x, elementwise; integers give floats.

    alpha: the slope for negative x, a number or a tensor (broadcast with x). The derivative at 0 is the mean of both
    slopes: 1/2 for the plain rectifier, as in Theano, whose formula was 0.5 * (x + |x|).

    >>> relu(as_tensor_variable([-1.0, 2.0])).type
    TensorType(float64, vector)
    """
    if not isinstance(alpha, Variable) and isinstance(alpha, (int, float)) and alpha == 0:
        return functions.relu(x)
    return functions.leaky_relu(x, alpha)


def elu(x: Any, alpha: Any = 1) -> Any:
    """x where it is positive, else alpha * (exp(x) - 1), elementwise.

    x, alpha: arrays that broadcast together; the result is of floats.

    >>> elu([-1000.0, 2.0]).eval()
    array([-1.,  2.])
    """
    x = as_tensor_variable(x)
    # The minimum changes nothing where this branch counts, and keeps exp from overflowing where it does not.
    return switch(x > 0, x, alpha * expm1(minimum(x, constant(0, dtype=x.type.dtype))))


def selu(x: Any) -> Any:
    """elu with the alpha and the scale under which activations keep mean 0 and variance 1.

    >>> selu([0.0, 1.0]).eval().round(4)
    array([0.    , 1.0507])
    """
    return _SELU_SCALE * elu(x, _SELU_ALPHA)
