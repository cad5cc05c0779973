"""symtheano's own modules, where Theano has one of the same path, answer to the names that Theano has there too.

So `import symtheano as theano` is enough for most programs: `theano.gof.graph.inputs`, `theano.compile.SharedVariable`,
`theano.tensor.sharedvar.SharedVariable`. Nothing is loaded before such a name is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

__all__ = ["Namesake", "answer"]

_MODULES = (
    "", "compile", "compile.function", "compile.io", "compile.mode", "compile.profiling", "gradient", "scalar",
    "tensor", "tensor.elemwise", "tensor.extra_ops", "tensor.nnet", "tensor.nnet.nnet", "tensor.nnet.sigm",
    "tensor.sharedvar", "tensor.sort", "tensor.type", "tensor.type_other",
)  # fmt: skip


class Namesake:
    """The `__getattr__` of a module: its own names are found without it; then what it gave before; then Theano's."""

    def __init__(self, path: str, before: Callable[[str], Any] | None):
        self.path = path
        self.before = before

    def __call__(self, name: str) -> Any:
        if self.before is not None:
            try:
                return self.before(name)
            except AttributeError:
                pass
        if name.startswith("__"):
            raise AttributeError(f"module {self.path!r} has no attribute {name!r}")
        return import_module("symtheano.interop.alias").attribute(f"theano{self.path.removeprefix('symtheano')}", name)


def answer() -> None:
    """Gives the modules that are loaded their further names."""
    for tail in _MODULES:
        path = f"symtheano.{tail}".rstrip(".")
        if path in sys.modules:
            scope = vars(sys.modules[path])
            scope["__getattr__"] = Namesake(path, scope.get("__getattr__"))
    # Where the module symtheano.config itself is imported, by its full name, it has the flags of the object.
    settings = sys.modules["symtheano.config"]
    vars(settings)["__getattr__"] = partial(getattr, vars(settings)["config"])
