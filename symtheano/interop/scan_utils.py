"""theano.scan_module.scan_utils: helpers that programs use with scan."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.graph.walk import graph_inputs, substitute, toposort
from symtheano.scan.capture import outer_variables
from symtheano.scan.op import Scan
from symtheano.scan.returned import returned
from symtheano.scan.step import Step
from symtheano.tensor.alloc import empty
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.index import set_subtensor
from symtheano.tensor.sizes import shape_list

__all__ = [
    "expand_empty",
    "get_updates_and_outputs",
    "isNaN_or_Inf_or_None",
    "map_variables",
    "safe_new",
    "traverse",
]

Replacer = Callable[[Variable], Variable]


def expand_empty(tensor_var: Any, size: Any) -> Any:
    """`tensor_var` with `size` more rows of any content; itself for size 0.

    >>> expand_empty(np.ones((1, 2)), 2).eval().shape
    (3, 2)
    """
    if isinstance(size, int) and size == 0:
        return tensor_var
    x: Any = as_tensor_variable(tensor_var)
    rows, *rest = shape_list(x)
    return set_subtensor(empty((rows + size, *rest), x.type.dtype)[:rows], x)


def safe_new(x: Any, tag: str = "", dtype: str | None = None) -> Any:
    """A fresh variable of the type (or dtype) of `x`, with its tag, and its name with `tag` behind; constants: a copy.

    >>> import symtheano.tensor as T
    >>> safe_new(T.dscalar("x"), "_copy")
    x_copy
    """
    if isinstance(x, Constant):
        return x.clone() if dtype is None else type(x)(x.type.clone(dtype=dtype), x.data.astype(dtype), x.name)
    variable: Any = x if isinstance(x, Variable) else as_tensor_variable(x)
    kind = variable.type if dtype is None else variable.type.clone(dtype=dtype)
    new = kind.make_variable(None if variable.name is None else variable.name + tag)
    new.tag = copy.copy(variable.tag)
    return new


def isNaN_or_Inf_or_None(x: Any) -> bool:
    """Whether `x` is None, or a number (or constant) that is not finite."""
    if x is None:
        return True
    try:
        return not bool(np.isfinite(x.data if isinstance(x, Constant) else x).all())
    except (TypeError, AttributeError):
        return False


def get_updates_and_outputs(ls: Any) -> tuple[Any, list[Any], Any]:
    """(condition or None, outputs, updates) of what the function of a scan returned."""
    parts = returned(ls)
    return parts.condition, parts.outputs, parts.updates


def traverse(out: Any, x: Any, x_copy: Any, d: dict[Any, Any], visited: set[Any] | None = None) -> dict[Any, Any]:
    """`d`, with `x_copy` for `x` where `out` depends on it."""
    if x in graph_inputs([out], [x]):
        d[x] = x_copy
    return d


# -- replacing in graphs and in the steps of their loops -------------------------------------------------------------


def map_variables(replacer: Replacer, graphs: Iterable[Variable], additional_inputs: Any = None) -> list[Variable]:
    """The expressions `graphs` with every variable v replaced by `replacer(v)`, also in the steps of their loops.

    Replacements are not mapped again. They may use any variables; those that a step does not have become inputs of
    its loop. additional_inputs: accepted for Theano's sake.

    >>> import symtheano.tensor as T
    >>> a, b = T.dscalars("a", "b")
    >>> c = a + b
    >>> c.tag.replacement = a * b
    >>> (d,) = map_variables(lambda v: getattr(v.tag, "replacement", v), [c + 1])
    >>> float(d.eval({a: 3.0, b: 4.0}))
    13.0
    """
    roots = list(graphs)
    env: dict[Variable, Variable] = {v: replacer(v) for v in graph_inputs(roots)}
    for node in toposort(roots):
        inputs = [env[i] for i in node.inputs]
        if any(new is not old for new, old in zip(inputs, node.inputs, strict=True)):
            new_node = node.clone_with_new_inputs(inputs, strict=False)
        else:
            new_node = node
        outputs = _loop(replacer, new_node) if isinstance(node.op, Scan) else new_node.outputs
        env.update((old, replacer(new)) for old, new in zip(node.outputs, outputs, strict=True))
    return [env[r] for r in roots]


def _loop(replacer: Replacer, node: Apply) -> list[Variable]:
    """The outputs of a loop with the variables of its step replaced."""
    op: Any = node.op
    own = dict(zip(op.step.sources, op.step.inputs, strict=False))

    def inside(v: Variable) -> Variable:
        return substitute([replacer(v)], own)[0]

    outputs = map_variables(inside, op.step.outputs)
    if all(new is old for new, old in zip(outputs, op.step.outputs, strict=True)):
        return node.outputs
    outer = outer_variables(outputs, op.step.inputs, ())
    fresh = [safe_new(v, "_copy") for v in outer]
    consts, carry, xs = op.split(op.step.inputs)
    step = Step.of([*consts, *fresh, *carry, *xs], substitute(outputs, dict(zip(outer, fresh, strict=True))))
    new = Scan(step, op.n_consts + len(fresh), op.n_carry, op.until, op.truncate, op.name)
    n, *inputs = node.inputs
    consts, carry, xs = op.split(inputs)
    made: list[Variable] = new(n, *consts, *outer, *carry, *xs, return_list=True)
    return made
