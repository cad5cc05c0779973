"""Differentiation: reverse mode, forward mode, ops that shape gradients, and the check against finite differences."""

from symtheano.errors import DisconnectedInputError, GradientError, NullTypeGradError
from symtheano.gradient.barrier import (
    ConsiderConstant,
    DisconnectedGrad,
    GradClip,
    GradScale,
    UndefinedGrad,
    ZeroGrad,
    consider_constant,
    consider_constant_,
    disconnected_grad,
    disconnected_grad_,
    grad_clip,
    grad_scale,
    undefined_grad,
    undefined_grad_,
    zero_grad,
    zero_grad_,
)
from symtheano.gradient.forward import Rop
from symtheano.gradient.null import (
    DisconnectedType,
    NullType,
    disconnected_type,
    format_as,
    grad_not_implemented,
    grad_undefined,
    null_type,
)
from symtheano.gradient.reverse import Lop, grad, subgraph_grad
from symtheano.gradient.verify import numeric_grad, verify_grad

__all__ = [
    "ConsiderConstant",
    "DisconnectedGrad",
    "DisconnectedInputError",
    "DisconnectedType",
    "GradClip",
    "GradScale",
    "GradientError",
    "Lop",
    "NullType",
    "NullTypeGradError",
    "Rop",
    "UndefinedGrad",
    "ZeroGrad",
    "consider_constant",
    "consider_constant_",
    "disconnected_grad",
    "disconnected_grad_",
    "disconnected_type",
    "format_as",
    "grad",
    "grad_clip",
    "grad_not_implemented",
    "grad_scale",
    "grad_undefined",
    "null_type",
    "numeric_grad",
    "subgraph_grad",
    "undefined_grad",
    "undefined_grad_",
    "verify_grad",
    "zero_grad",
    "zero_grad_",
]
