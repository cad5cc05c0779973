"""The tensor language, `import symtheano.tensor as T`: what theano.tensor has, under its names.

The variables come first: they read the modules behind names such as T.shape, T.dot and T.join, before the functions of
these names take their places in this namespace.
"""

# ruff: noqa: F403
from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

from symtheano.tensor.variable import TensorConstant, TensorConstantSignature, TensorVariable  # isort: skip

from symtheano.config import config
from symtheano.errors import (
    AdvancedBooleanIndexingError,
    AdvancedIndexingError,
    AsTensorError,
    EmptyConstantError,
    MethodNotDefined,
    NotScalarConstantError,
    ShapeError,
)
from symtheano.graph.null import DisconnectedType
from symtheano.graph.op import Op
from symtheano.graph.type import Generic, Type, generic
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.tensor import nnet as nnet
from symtheano.tensor import random_state as random_state  # shared(numpy.random.RandomState(...))
from symtheano.tensor.alloc import *
from symtheano.tensor.arange import *
from symtheano.tensor.convert import as_tensor_variable, constant
from symtheano.tensor.create import *
from symtheano.tensor.diagonal import *
from symtheano.tensor.dot import *
from symtheano.tensor.elemwise import DimShuffle, Elemwise
from symtheano.tensor.extra_ops import *
from symtheano.tensor.index import *
from symtheano.tensor.join import *
from symtheano.tensor.math import *
from symtheano.tensor.permute_rows import *
from symtheano.tensor.reduce import *
from symtheano.tensor.repeat import *
from symtheano.tensor.scalar_constant import *
from symtheano.tensor.shape import *
from symtheano.tensor.sharedvar import TensorSharedVariable
from symtheano.tensor.sharedvar import shared as _shared
from symtheano.tensor.sort import *
from symtheano.tensor.type import TensorType
from symtheano.tensor.type_other import *

as_tensor = as_tensor_variable
Tensor = TensorType

SUBMODULES = ("fft", "nlinalg", "raw_random", "shared_randomstreams", "signal", "slinalg")


def __getattr__(name: str) -> Any:
    """Modules that are loaded when they are first named, as in T.nlinalg.det."""
    if name in SUBMODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "AdvancedBooleanIndexingError",
    "AdvancedIndexingError",
    "Apply",
    "AsTensorError",
    "Constant",
    "DimShuffle",
    "DisconnectedType",
    "Elemwise",
    "EmptyConstantError",
    "Generic",
    "MethodNotDefined",
    "NotScalarConstantError",
    "Op",
    "ShapeError",
    "Tensor",
    "TensorConstant",
    "TensorConstantSignature",
    "TensorSharedVariable",
    "TensorType",
    "TensorVariable",
    "Type",
    "Variable",
    "_shared",
    "as_tensor",
    "as_tensor_variable",
    "config",
    "constant",
    "generic",
]
_NOT_OURS = {"annotations", "Any", "ModuleType", "SUBMODULES", "import_module"}
__all__ += [
    name
    for name, value in globals().items()
    if not name.startswith("_") and name not in {*__all__, *_NOT_OURS}
    if not isinstance(value, ModuleType)
]
