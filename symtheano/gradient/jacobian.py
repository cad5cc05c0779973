"""All rows of a derivative: `jacobian` and `hessian`, by a loop over the elements of a vector."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from symtheano.config import config
from symtheano.errors import explain
from symtheano.gradient.null import like
from symtheano.gradient.pullback import with_pattern
from symtheano.gradient.reverse import Lop, grad
from symtheano.graph.variable import Constant, Variable
from symtheano.graph.walk import toposort
from symtheano.scalar.dtypes import is_discrete
from symtheano.scan.op import Scan
from symtheano.scan.step import Step
from symtheano.tensor.alloc import zeros
from symtheano.tensor.arange import arange
from symtheano.tensor.index import set_subtensor
from symtheano.tensor.sizes import shape_i
from symtheano.tensor.type import TensorType, tensor_type

__all__ = ["hessian", "jacobian"]


def jacobian(
    expression: Any,
    wrt: Any,
    consider_constant: Iterable[Variable] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """The Jacobian of a vector: row i is the gradient of element i. That of a scalar is its gradient.

    expression: a variable of at most 1 dimension. wrt: a variable, or a list or tuple of them (so is the result). Each
    Jacobian has the axis of `expression` first, then those of its element of wrt.
    consider_constant, disconnected_inputs: as in `grad`. Raises AssertionError where expression has other dimensions.

    >>> import symtheano.tensor as T
    >>> x = T.dvector("x")
    >>> jacobian(x ** 2, x).eval({x: [1.0, 2.0]})
    array([[2., 0.],
           [0., 4.]])
    """
    _check(expression, "jacobian", "expression", range(2), "flatten it")
    if expression.type.ndim == 0:
        return grad(expression, wrt, consider_constant, disconnected_inputs)
    variables = list(wrt) if isinstance(wrt, (list, tuple)) else [wrt]
    return like(wrt, _rows(expression, variables, consider_constant, disconnected_inputs))


def hessian(
    cost: Any,
    wrt: Any,
    consider_constant: Iterable[Variable] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """The matrix of second derivatives of a scalar by a vector.

    wrt: a vector, or a list or tuple of them (so is the result): a matrix for each, zeros where the gradient does not
    depend on the vector. consider_constant, disconnected_inputs: as in `grad`. Raises AssertionError where cost is no
    scalar, or an element of wrt no vector.

    >>> import symtheano.tensor as T
    >>> x = T.dvector("x")
    >>> hessian(x[0] ** 2 * x[1], x).eval({x: [1.0, 2.0]})
    array([[4., 2.],
           [2., 0.]])
    """
    _check(cost, "hessian", "cost", [0], "reduce it, as in cost.sum()")
    variables = list(wrt) if isinstance(wrt, (list, tuple)) else [wrt]
    for x in variables:
        _check(x, "hessian", "wrt", [1], "differentiate by x.flatten(), from which the cost is computed")
    gradients = grad(cost, variables, consider_constant, disconnected_inputs)
    found = [_rows(g, [x], consider_constant, "ignore")[0] for g, x in zip(gradients, variables, strict=True)]
    return like(wrt, found)


def _check(x: Any, operation: str, role: str, dimensions: Sequence[int], remedy: str) -> None:
    if not isinstance(x, Variable):
        raise AssertionError(f"tensor.{operation} expects a Variable as `{role}`")
    if not isinstance(x.type, TensorType) or x.type.ndim not in dimensions:
        raise AssertionError(
            explain(
                f"tensor.{operation} expects a {max(dimensions)} dimensional variable as `{role}`",
                operation=operation,
                operands=[f"{role} {x}: {x.type}"],
                where=str(x.line or ""),
                remedy=remedy,
            )
        )


def _rows(expression: Any, variables: Sequence[Any], constants: Any, disconnected_inputs: str) -> list[Any]:
    """The gradients of the elements of a vector, one row each: by a loop of what depends on which element it is."""
    dtype = config.floatX if is_discrete(expression.type.dtype) else expression.type.dtype
    seed, index, length = expression.type.clone(dtype=dtype)(), tensor_type("int64", ())(), tensor_type("int64", ())()
    gradients = Lop(expression, list(variables), seed, constants, disconnected_inputs)
    given = _boundary(gradients, seed)
    unit = with_pattern(set_subtensor(zeros((length,), dtype)[index], 1), expression)
    inner = [v.type.make_variable(v.name) for v in given]
    step = Step.of([*given, seed], gradients)
    outs = step.on([*inner, unit])
    loop: Any = Scan(Step.of([length, *inner, index], outs), 1 + len(given), 0, name="jacobian")
    n = shape_i(expression, 0)
    rows = loop(n, n, *given, arange(n), return_list=True)
    return [rows[loop.after(k)] for k in range(len(gradients))]


def _boundary(gradients: Sequence[Any], seed: Any) -> list[Any]:
    """The variables that do not depend on `seed`, and are read by what does."""
    moving, read = {seed}, dict.fromkeys(gradients)
    for node in toposort(gradients):
        if any(i in moving for i in node.inputs):
            moving.update(node.outputs)
            read.update(dict.fromkeys(node.inputs))
    return [v for v in read if v not in moving and not isinstance(v, Constant)]
