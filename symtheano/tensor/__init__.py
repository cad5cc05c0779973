"""The tensor language: `import symtheano.tensor as T`."""
from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from symtheano.tensor.variable import TensorConstant, TensorVariable  # first: it sees the modules behind T.shape, T.dot
from symtheano.tensor.convert import as_tensor_variable, constant
from symtheano.tensor.create import *  # noqa: F403
from symtheano.tensor.elemwise import DimShuffle, Elemwise
from symtheano.tensor.sharedvar import SharedVariable, TensorSharedVariable, shared, shared as _shared
from symtheano.tensor.type import TensorType

as_tensor = as_tensor_variable

for _name in ("math", "reduce", "dot", "alloc", "arange", "diagonal", "shape", "join", "repeat", "scalar_constant", "index_advanced", "index", "extra", "sort"):  # until they all exist
    if find_spec(f"symtheano.tensor.{_name}") is not None:
        try:
            _module = import_module(f"symtheano.tensor.{_name}")
        except ImportError:
            continue
        globals().update({n: getattr(_module, n) for n in getattr(_module, "__all__", [k for k in vars(_module) if k[0] != "_"])})
