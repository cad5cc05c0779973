"""Forward mode: `Rop`, the Jacobian-vector product, by each op's R_op, or by two pullbacks where an op has none."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from symtheano.errors import DisconnectedInputError, NullTypeGradError, add_context, explain
from symtheano.gradient.null import is_disconnected, is_null, like
from symtheano.gradient.paths import Pattern, connected_paths
from symtheano.gradient.pullback import (
    Pullback,
    as_cotangent,
    check_choice,
    pull_node,
    variable_of,
    while_building,
    with_pattern,
)
from symtheano.graph.null import disconnected_type
from symtheano.graph.op import has_own
from symtheano.graph.trace import current_line, derived_from, set_line
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.type import TensorType

Tangents = Sequence[Variable | None]


def Rop(
    f: Any, wrt: Any, eval_points: Any, disconnected_outputs: str = "raise", return_disconnected: str = "zero"
) -> Any:
    """The Jacobian-vector product: the derivative of `f` with respect to `wrt` times `eval_points`.

    f: a variable, or a list or tuple of them; the result has the same form, each element the type of its f.
    wrt, eval_points: variables, or lists of the same length; each eval point has the shape of its wrt.
    disconnected_outputs: "raise" DisconnectedInputError, "warn" or "ignore" where an f does not depend on wrt.
    return_disconnected: what then stands for the result: "zero", "None" or "Disconnected".
    Raises ValueError where an eval point has other dimensions than its wrt, NotImplementedError where an Op has neither
    R_op nor a gradient.

    >>> import symtheano.tensor as T
    >>> x = T.dvector("x")
    >>> Rop(x ** 2, x, T.constant([10.0, 100.0])).eval({x: [1.0, 2.0]})
    array([ 20., 400.])
    """
    outputs = list(f) if isinstance(f, (list, tuple)) else [f]
    variables = [variable_of(x) for x in (wrt if isinstance(wrt, (list, tuple)) else [wrt])]
    points = [variable_of(v) for v in (eval_points if isinstance(eval_points, (list, tuple)) else [eval_points])]
    if len(variables) != len(points):
        raise AssertionError(f"Rop needs one eval point for each wrt: {len(points)} for {len(variables)} variables.")
    for position, (x, v) in enumerate(zip(variables, points, strict=True)):
        if x.type.ndim != v.type.ndim:
            raise ValueError(
                explain(
                    f"Element {position} of wrt/eval_point have mismatched dimensionality: "
                    f"{x.type.ndim} versus {v.type.ndim}",
                    operation="Rop",
                    operands=[f"wrt {x}: {x.type}", f"eval_point {v}: {v.type}"],
                    remedy="each of eval_points is a direction in which its wrt moves: it has that variable's shape",
                )
            )
    check_choice("disconnected_outputs", disconnected_outputs, ("raise", "warn", "ignore"))
    # Theano's Rop takes these in any case of letters; its grad does not.
    check_choice("return_disconnected", return_disconnected.lower(), ("zero", "none", "disconnected"))
    tangents = push_forward(outputs, variables, points)
    results = [
        _result(o, t, variables, disconnected_outputs, return_disconnected.lower())
        for o, t in zip(outputs, tangents, strict=True)
    ]
    return like(f, results)


def push_forward(outputs: Sequence[Variable], wrt: Sequence[Variable], points: Sequence[Variable]) -> Tangents:
    """The tangents of `outputs` where those of `wrt` are `points`; None where there is no dependence.

    An element of wrt that is computed from another one counts as independent of it.
    """
    known: dict[Variable, Variable | None] = {}
    for x, point in zip(wrt, points, strict=True):
        tangent = as_cotangent(x, point)
        before = known.get(x)
        known[x] = tangent if before is None else functions.add(before, tangent)
    with derived_from(None):
        # The gradient of a linear cost depends on its inputs through fill(cost, 1) only: its Rop is zero, no mistake.
        for node, pattern in connected_paths(list(known), outputs, frozenset(known), elemwise=True).nodes:
            set_line(node.trace)
            ts = [known.get(i) if any(row) else None for i, row in zip(node.inputs, pattern, strict=True)]
            if any(t is not None for t in ts):
                for o, t in zip(node.outputs, push_node(node, ts, pattern), strict=True):
                    known.setdefault(o, t)
    return [known.get(o) for o in outputs]


def push_node(node: Apply, tangents: Tangents, pattern: Pattern) -> list[Variable | None]:
    """The tangents of a node's outputs, from those of its inputs (None: does not vary)."""
    null = next((t for t in tangents if t is not None and is_null(t)), None)
    if null is not None:
        return [null] * len(node.outputs)
    try:
        if has_own(node.op, "R_op"):
            try:
                return _checked(node, node.op.R_op(node.inputs, list(tangents)))
            except NotImplementedError:
                return two_pullbacks(node, tangents, pattern)
        return two_pullbacks(node, tangents, pattern)
    except Exception as error:
        raise add_context(error, while_building(f"the Rop of {node.op}", node)) from None


def two_pullbacks(node: Apply, tangents: Tangents, pattern: Pattern) -> list[Variable | None]:
    """The pushforward of an op that has only a gradient.

    u -> L_op(u) is linear, so its own pullback at the tangents is the pushforward, whatever u is: zeros here.
    """
    us = [zeros_of(o) if _is_continuous(o) else disconnected_type() for o in node.outputs]
    seeds: dict[Variable, list[Variable]] = {}
    null: Variable | None = None
    for tangent, term in zip(tangents, pull_node(node, us, pattern), strict=True):
        if tangent is None or is_disconnected(term):
            continue
        if is_null(term):
            null = term
        else:
            seeds.setdefault(term, []).append(as_cotangent(term, tangent))
    results: list[Variable | None] = []
    gradients = Pullback([u for u in us if not is_disconnected(u)], seeds).gradients
    given = iter(gradients)
    for position, (o, u) in enumerate(zip(node.outputs, us, strict=True)):
        depends = any(row[position] and t is not None for row, t in zip(pattern, tangents, strict=True))
        tangent = None if is_disconnected(u) else next(given)
        if not depends:
            results.append(None)
        elif null is not None:
            results.append(null)
        elif tangent is None or is_disconnected(tangent):
            results.append(zeros_of(o) if isinstance(o.type, TensorType) else None)
        else:
            results.append(tangent)
    return results


def _is_continuous(x: Any) -> bool:
    return isinstance(x.type, TensorType) and not is_discrete(x.type.dtype)


def _checked(node: Apply, given: Any) -> list[Variable | None]:
    """What R_op returned: one tangent for each output, of its dtype and pattern."""
    results = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(results) != len(node.outputs):
        raise ValueError(f"{node.op}.R_op returned {len(results)} terms for the {len(node.outputs)} outputs of {node}")
    tangents: list[Variable | None] = []
    for o, t in zip(node.outputs, results, strict=True):
        if t is None or is_disconnected(t):
            tangents.append(None)
        elif is_null(t):
            tangents.append(t)
        else:
            if o.type.ndim != t.type.ndim:
                raise ValueError(
                    f"{node.op}.R_op returned a term with {t.type.ndim} dimensions for {o} of {o.type}: {t} of {t.type}"
                )
            tangents.append(with_pattern(as_cotangent(o, t), o))
    return tangents


def _result(
    output: Any, tangent: Variable | None, wrt: Sequence[Variable], disconnected_outputs: str, return_disconnected: str
) -> Variable | None:
    """What `Rop` returns for one f."""
    if tangent is not None and is_null(tangent):
        raise NullTypeGradError(f"Rop encountered a NaN. {tangent.type.why_null}")
    if tangent is not None:
        # Of the shape of f, and computed from all that f is: a function may take the inputs that a linear f drops.
        return functions.second(output, tangent) if _is_continuous(output) else tangent
    if disconnected_outputs != "ignore":
        message = explain(
            "Rop method was asked to compute the gradient with respect to a variable that is not part of the "
            f"computational graph of variables in wrt, or is used only by a non-differentiable operator: {output}",
            operation="Rop",
            operands=[f"f {output}: {output.type}", *(f"wrt {x}: {x.type}" for x in wrt)],
            where=str(current_line() or ""),
            remedy="build f from these very variables, or pass disconnected_outputs='ignore' (or 'warn'): zeros",
        )
        if disconnected_outputs == "raise":
            raise DisconnectedInputError(message)
        warnings.warn(message, stacklevel=4)
    if return_disconnected == "none":
        return None
    return disconnected_type() if return_disconnected == "disconnected" else zeros_of(output)
