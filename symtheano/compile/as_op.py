"""`as_op`: a Python function on arrays as an Op."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from symtheano.errors import explain
from symtheano.graph.op import Op
from symtheano.graph.type import Type
from symtheano.graph.variable import Apply


class FromFunctionOp(Op):
    """An Op whose `perform` is a Python function. It is not differentiable. Made by `as_op`."""

    def __init__(self, fn: Callable[..., Any], itypes: Sequence[Type], otypes: Sequence[Type], infer_shape: Any = None):
        self._fn = fn
        self.itypes = list(itypes)  # type: ignore[misc]
        self.otypes = list(otypes)  # type: ignore[misc]
        if infer_shape is not None:
            self.infer_shape = infer_shape

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._fn == other._fn

    def __hash__(self) -> int:
        return hash((type(self), self._fn))

    def __str__(self) -> str:
        return f"FromFunctionOp{{{self._fn.__name__}}}"

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        outs = self._fn(*inputs)
        if not isinstance(outs, (list, tuple)):
            outs = (outs,)
        if len(outs) != len(output_storage):
            raise AssertionError(
                explain(
                    f"{self._fn.__name__} returned {len(outs)} values; as_op declared {len(output_storage)} outputs.",
                    operation=str(self),
                    where=str(node.trace or ""),
                    remedy="return one array for each of otypes",
                )
            )
        for cell, out, variable in zip(output_storage, outs, node.outputs, strict=True):
            cell[0] = variable.type.filter(out)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        module, name = self._fn.__module__, self._fn.__name__
        try:
            found = load_back(module, name)
        except (ImportError, KeyError, AttributeError):
            raise pickle.PicklingError(f"Can't pickle as op, not found: {module}.{name}") from None
        if found is not self:
            raise pickle.PicklingError(f"Can't pickle as op, not the object at {module}.{name}")
        return load_back, (module, name)


def load_back(module: str, name: str) -> Any:
    """The Op that `as_op` made of the function `name` of `module`."""
    return getattr(import_module(module), name)


def as_op(itypes: Any, otypes: Any, infer_shape: Any = None) -> Callable[[Callable[..., Any]], FromFunctionOp]:
    """A decorator that makes a function on arrays an Op.

    itypes, otypes: the types of the arguments and of the results: a type, or a list of types.
    infer_shape: a function (node, input shapes) -> output shapes, in expressions.
    The Op has no gradient. It pickles by the module and name of the function. Raises TypeError for what is no type.

    >>> import symtheano.tensor as T
    >>> @as_op(itypes=[T.dvector], otypes=[T.dvector])
    ... def reverse(x):
    ...     return x[::-1].copy()
    >>> x = T.dvector("x")
    >>> reverse(x).eval({x: [1.0, 2.0]})
    array([2., 1.])
    """
    types = []
    for what, given in (("itypes", itypes), ("otypes", otypes)):
        listed = list(given) if isinstance(given, (list, tuple)) else [given]
        if not all(isinstance(t, Type) for t in listed):
            raise TypeError(f"{what} has to be a list of Theano types, got {given!r}")
        types.append(listed)
    if infer_shape is not None and not callable(infer_shape):
        raise TypeError("infer_shape needs to be a callable")

    def make_op(fn: Callable[..., Any]) -> FromFunctionOp:
        return FromFunctionOp(fn, types[0], types[1], infer_shape)

    return make_op
