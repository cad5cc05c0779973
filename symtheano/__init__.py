"""symtheano: a symbolic graph compiler for Python, with Theano's API.

>>> import symtheano, symtheano.tensor as T
>>> x = T.dscalar("x")
>>> f = symtheano.function([x], [x ** 2, symtheano.grad(x ** 2, x)])
>>> [float(v) for v in f(3.0)]
[9.0, 6.0]
"""

from __future__ import annotations

from importlib import import_module

from symtheano import gradient, tensor
from symtheano.compile.as_op import as_op
from symtheano.compile.dump import function_dump
from symtheano.compile.function import function
from symtheano.compile.io import In, Out, Param
from symtheano.compile.mode import FAST_COMPILE, FAST_RUN, Mode, get_mode
from symtheano.compile.opfromgraph import OpFromGraph
from symtheano.compile.profiling import ProfileStats
from symtheano.compile.rulebook import rules
from symtheano.compile.runtime import Function
from symtheano.config import change_flags, config
from symtheano.gradient import Lop, Rop, grad, subgraph_grad, verify_grad
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.op import Op
from symtheano.graph.shared import SharedVariable
from symtheano.graph.surgery import clone
from symtheano.graph.type import Generic, Type, generic
from symtheano.graph.updates import OrderedUpdates
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.interop.namesakes import answer
from symtheano.scan.checkpoints import scan_checkpoints
from symtheano.scan.frontend import scan
from symtheano.scan.views import foldl, foldr, map, reduce
from symtheano.tensor import dot
from symtheano.tensor.scalar_constant import get_scalar_constant_value
from symtheano.tensor.sharedvar import shared
from symtheano.version import __version__

# Theano keeps these in theano.tensor too; they live above that layer, so they are put there from here.
for _name in (
    "grad",
    "Lop",
    "Rop",
    "verify_grad",
    "numeric_grad",
    "consider_constant",
    "grad_undefined",
    "grad_not_implemented",
):
    setattr(tensor, _name, getattr(gradient, _name))

answer()


def install_as_theano() -> None:
    """Makes `import theano`, and that of all its modules, give symtheano, for the rest of the process.

    See `symtheano.interop.alias.install_as_theano`; `python -m symtheano run script.py` does it first.
    """
    import_module("symtheano.interop.alias").install_as_theano()


__all__ = [
    "FAST_COMPILE",
    "FAST_RUN",
    "Apply",
    "Constant",
    "Function",
    "FunctionGraph",
    "Generic",
    "In",
    "Lop",
    "Mode",
    "Op",
    "OpFromGraph",
    "OrderedUpdates",
    "Out",
    "Param",
    "ProfileStats",
    "Rop",
    "SharedVariable",
    "Type",
    "Variable",
    "__version__",
    "as_op",
    "change_flags",
    "clone",
    "config",
    "dot",
    "foldl",
    "foldr",
    "function",
    "function_dump",
    "generic",
    "get_mode",
    "get_scalar_constant_value",
    "grad",
    "gradient",
    "install_as_theano",
    "map",
    "reduce",
    "rules",
    "scan",
    "scan_checkpoints",
    "shared",
    "subgraph_grad",
    "tensor",
    "verify_grad",
]
