"""ifelse: values of which only those of the branch that is taken are computed."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.errors import explain
from symtheano.graph.op import Op
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.convert import as_tensor_variable, constant
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.sizes import as_size
from symtheano.tensor.type import TensorType

__all__ = ["IfElse", "ifelse"]

_Variables = Sequence[Variable]


def ifelse(condition: Any, then_branch: Any, else_branch: Any, name: str | None = None) -> Any:
    """`then_branch` where `condition` is not 0, else `else_branch`: only what the one that is taken needs is computed.

    condition: a scalar of any numeric dtype.
    then_branch, else_branch: variables (or numbers, or arrays), or lists or tuples of as many of them; the types of
    both must be the same. The result is a variable, or a list or tuple like then_branch.
    name: of the op, for messages.
    Raises TypeError where types differ or the condition is no scalar, ValueError where the numbers of values differ.

    >>> import symtheano.tensor as T
    >>> x = T.dscalar("x")
    >>> ifelse(T.gt(x, 0), T.sqrt(x), -x).eval({x: 9.0})
    array(3.)
    """
    container = next((type(b) for b in (then_branch, else_branch) if isinstance(b, (list, tuple))), None)
    thens = list(then_branch) if isinstance(then_branch, (list, tuple)) else [then_branch]
    elses = list(else_branch) if isinstance(else_branch, (list, tuple)) else [else_branch]
    pairs = [_alike(a, b) for a, b in zip(thens, elses, strict=False)]
    if len(thens) != len(elses):
        raise ValueError(
            explain(
                f"ifelse: there are {len(thens)} values if the condition holds, and {len(elses)} if it does not.",
                operation="ifelse",
                remedy="give as many values in then_branch as in else_branch",
            )
        )
    op = IfElse(len(pairs), name=name)
    results = op(condition, *(a for a, _ in pairs), *(b for _, b in pairs), return_list=True)
    if container is None:
        return results[0]
    return list(results) if issubclass(container, list) else tuple(results)


class IfElse(Op):
    """[condition, *thens, *elses] -> one half or the other: n_outs variables.

    The node itself only selects. The compiler takes what only one half needs into a branch that runs if it is taken
    (see compile/branches.py). as_view, gpu: Theano's; they change nothing here.
    """

    __props__ = ("n_outs",)

    def __init__(self, n_outs: int, as_view: bool = False, gpu: bool = False, name: str | None = None):
        self.n_outs, self.as_view, self.gpu, self.name = n_outs, as_view, gpu, name

    def __str__(self) -> str:
        return f"if{{{self.name or ''}}}"

    def halves(self, inputs: Sequence[Any]) -> tuple[Any, list[Any], list[Any]]:
        """The condition, and the values of both sides."""
        return inputs[0], list(inputs[1 : 1 + self.n_outs]), list(inputs[1 + self.n_outs :])

    # -- building ------------------------------------------------------------------------------------------------------
    def make_node(self, condition: Any, *values: Any) -> Apply:
        c: Any = as_tensor_variable(condition)
        if len(values) != 2 * self.n_outs:
            raise ValueError(f"{self}: {2 * self.n_outs} values are needed, two for each output; got {len(values)}")
        _, thens, elses = self.halves([c, *map(_variable, values)])
        for a, b in zip(thens, elses, strict=True):
            if a.type != b.type:
                raise TypeError(_different(a, b))
        if c.type.ndim:
            raise TypeError(
                explain(
                    "Condition given to the op has to be a scalar with 0 standing for False, anything else for True",
                    operation="ifelse",
                    operands=[f"condition {c}: {c.type}"],
                    remedy="reduce it, as in T.all(condition), or choose element by element with T.switch",
                )
            )
        return Apply(self, [c, *thens, *elses], [_either_type(a, b) for a, b in zip(thens, elses, strict=True)])

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        """Each output depends on its two values, and on the condition: by a gradient of zero, as in Theano."""
        own = [[k == j for j in range(self.n_outs)] for k in range(self.n_outs)]
        return [[True] * self.n_outs, *own, *(list(row) for row in own)]

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any] | None]) -> list[Any]:
        _, thens, elses = self.halves(shapes)
        found: list[Any] = []
        for a, b in zip(thens, elses, strict=True):
            known = a is not None and b is not None
            found.append(tuple(_size(node.inputs[0], m, n) for m, n in zip(a, b, strict=True)) if known else None)
        return found

    # -- meaning -------------------------------------------------------------------------------------------------------
    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        condition, thens, elses = self.halves(inputs)
        for cell, value in zip(output_storage, thens if condition else elses, strict=True):
            cell[0] = value.copy() if isinstance(value, np.ndarray) else copy.deepcopy(value)

    # -- derivatives ---------------------------------------------------------------------------------------------------
    def routes(self, node: Apply) -> list[tuple[int, bool] | None]:
        """For each input the output that it becomes, and if the condition holds or not (see gradient/guard.py)."""
        return [None, *((k, True) for k in range(self.n_outs)), *((k, False) for k in range(self.n_outs))]

    def choose(self, condition: Variable, a: Variable, b: Variable) -> Variable:
        """`a` if the condition holds, else `b`."""
        chosen: Variable = IfElse(1, name=self.name)(condition, a, b)
        return chosen

    def L_op(self, inputs: _Variables, outputs: _Variables, output_grads: _Variables) -> list[Variable]:
        condition, thens, elses = self.halves(inputs)
        left = [self.choose(condition, g, _zeros(x, g)) for x, g in zip(thens, output_grads, strict=True)]
        right = [self.choose(condition, _zeros(x, g), g) for x, g in zip(elses, output_grads, strict=True)]
        return [zeros_of(condition), *left, *right]

    def R_op(self, inputs: _Variables, eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        condition, thens, elses = self.halves(inputs)
        _, lefts, rights = self.halves(eval_points)
        tangents: list[Variable | None] = []
        for x, y, t, u in zip(thens, elses, lefts, rights, strict=True):
            known: Any = u if t is None else t
            if known is None:
                tangents.append(None)
                continue
            tangents.append(self.choose(condition, t or _zeros(x, known), u or _zeros(y, known)))
        return tangents


def _zeros(x: Any, g: Any) -> Any:
    """Zeros of the shape of x and the type of g."""
    return functions.second(x, constant(0, dtype=g.type.dtype)) if isinstance(x.type, TensorType) else x.zeros_like()


def _variable(x: Any) -> Any:
    return x if isinstance(x, Variable) else as_tensor_variable(x)


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Both values as variables of one type, a Python number in the dtype of the other. Raises TypeError."""
    x, y = _number_as(a, b), _number_as(b, a)
    if x.type != y.type:
        if isinstance(x.type, TensorType) and not isinstance(y.type, TensorType):
            y = x.type.filter_variable(y)
        elif isinstance(y.type, TensorType) and not isinstance(x.type, TensorType):
            x = y.type.filter_variable(x)
    if x.type != y.type:
        raise TypeError(_different(x, y))
    return x, y


def _number_as(a: Any, other: Any) -> Any:
    """`a` as a variable; a Python number as the 0-d variable beside it, if it has that value in that dtype."""
    kind = getattr(other, "type", None)
    if type(a) in (int, float, complex) and isinstance(kind, TensorType) and kind.ndim == 0:
        with np.errstate(all="ignore"):
            array = np.array(a).astype(kind.dtype)
        if array == a or (array != array and a != a):
            return constant(array)
    return _variable(a)


def _different(a: Any, b: Any) -> str:
    return explain(
        f"The two branches should have identical types, but they are {a.type} and {b.type} respectively.",
        operation="ifelse",
        operands=[f"if the condition holds: {a}: {a.type}", f"if it does not: {b}: {b.type}"],
        remedy="cast one of them (T.cast), or give both the same axes of length 1 (T.addbroadcast, T.unbroadcast); "
        "where one branch is a list, so must the other be",
    )


def _either_type(a: Any, b: Any) -> Any:
    if not isinstance(a.type, TensorType):
        return a.type.make_variable()
    shape = [m if m == n else None for m, n in zip(a.type.shape, b.type.shape, strict=True)]
    return TensorType(a.type.dtype, shape=shape).make_variable()


def _size(condition: Any, m: Any, n: Any) -> Any:
    """A length that is m or n."""
    m, n = as_size(m), as_size(n)
    return m if m is n else IfElse(1)(condition, m, n)
