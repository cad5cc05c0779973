"""Reverse mode: `grad`, `Lop` and `subgraph_grad`, with Theano's keywords."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from symtheano.config import config
from symtheano.errors import DisconnectedInputError, NullTypeGradError, explain
from symtheano.gradient.null import is_disconnected, is_null, like
from symtheano.gradient.paths import why_disconnected
from symtheano.gradient.pullback import Pullback, as_cotangent, check_choice, variable_of
from symtheano.graph.null import disconnected_type
from symtheano.graph.trace import current_line
from symtheano.graph.variable import Constant, Variable
from symtheano.scalar.dtypes import is_complex, is_discrete
from symtheano.tensor.convert import make_constant
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.type import TensorType

_CHOICES: Mapping[str, tuple[str, ...]] = {
    "disconnected_inputs": ("raise", "warn", "ignore"),
    "return_disconnected": ("zero", "None", "Disconnected"),
    "null_gradients": ("raise", "return"),
}


def grad(
    cost: Variable | None,
    wrt: Any,
    consider_constant: Iterable[Variable] | None = None,
    disconnected_inputs: str = "raise",
    add_names: bool = True,
    known_grads: Mapping[Variable, Variable] | None = None,
    return_disconnected: str = "zero",
    null_gradients: str = "raise",
) -> Any:
    """The gradient of a scalar cost with respect to one or more variables.

    cost: a 0-d variable; None where `known_grads` says what flows back.
    wrt: a variable (the result is a variable), or a list or tuple of them (the result is a list or tuple). Inputs,
        shared variables and intermediate results alike.
    consider_constant: variables that gradients do not flow through.
    disconnected_inputs: what to do where the cost does not depend on an element of wrt: "raise" DisconnectedInputError,
        "warn", or "ignore".
    add_names: name the gradient of a named cost with respect to a named x "(dcost/dx)".
    known_grads: variable -> its gradient, taken instead of what would flow into that variable.
    return_disconnected: what stands for the gradient of such an element: "zero" (zeros of its shape), "None" or
        "Disconnected" (a variable of DisconnectedType).
    null_gradients: "raise" NullTypeGradError where a gradient is undefined or not implemented, or "return" it.

    Each gradient has the shape of its variable and the dtype of the expressions that led to it (floatX for integer
    variables, whose gradient is zero). Raises TypeError where the cost is no scalar or wrt is no variable.

    >>> import symtheano.tensor as T
    >>> x = T.dvector("x")
    >>> grad((x ** 2).sum(), x).eval({x: [1.0, 2.0]})
    array([2., 4.])
    """
    options = {
        "disconnected_inputs": disconnected_inputs,
        "return_disconnected": return_disconnected,
        "null_gradients": null_gradients,
    }
    _check_options(options)
    if cost is None and known_grads is None:
        raise AssertionError(
            explain(
                "cost and known_grads can't both be None.",
                operation="grad",
                remedy="pass the scalar to differentiate, or known_grads={variable: its gradient}",
            )
        )
    variables = _variables(wrt)
    constants = _constants(consider_constant)
    fixed = _known(known_grads or {})
    start = disconnected_type().serial  # what is made from here on is not the user's
    seeds: dict[Variable, list[Variable]] = {}
    if cost is not None:
        _check_cost(cost)
        if cost not in fixed:
            seeds[cost] = [_one(cost)]
        else:
            fixed[cost] = as_cotangent(cost, fixed[cost])
    gradients = Pullback(variables, seeds, fixed, constants).gradients
    roots = [*seeds, *fixed]
    results = [_result(x, g, cost, roots, constants, options) for x, g in zip(variables, gradients, strict=True)]
    if add_names and cost is not None and cost.name is not None:
        results = [_named(g, f"(d{cost.name}/d{x.name})", x, start) for x, g in zip(variables, results, strict=True)]
    return like(wrt, results)


def Lop(
    f: Any,
    wrt: Any,
    eval_points: Any,
    consider_constant: Iterable[Variable] | None = None,
    disconnected_inputs: str = "raise",
) -> Any:
    """The vector-Jacobian product: `eval_points` times the derivative of `f` with respect to `wrt`.

    f, eval_points: variables, or lists of the same length; each eval point has the shape of its f.
    wrt: as in `grad`; so is the form of the result.

    >>> import symtheano.tensor as T
    >>> x = T.dvector("x")
    >>> Lop(x ** 2, x, T.constant([10.0, 100.0])).eval({x: [1.0, 2.0]})
    array([ 20., 400.])
    """
    _check_options({"disconnected_inputs": disconnected_inputs})
    outputs = list(f) if isinstance(f, (list, tuple)) else [f]
    points = list(eval_points) if isinstance(eval_points, (list, tuple)) else [eval_points]
    if len(outputs) != len(points):
        raise AssertionError(
            f"Lop needs one eval point for each f: there are {len(points)} eval points for {len(outputs)} outputs."
        )
    variables = _variables(wrt)
    constants = _constants(consider_constant)
    seeds: dict[Variable, list[Variable]] = {}
    for output, point in zip(outputs, points, strict=True):
        seeds.setdefault(output, []).append(_known({output: variable_of(point)})[output])
    gradients = Pullback(variables, seeds, constants=constants).gradients
    options = {
        "disconnected_inputs": disconnected_inputs,
        "return_disconnected": "zero",
        "null_gradients": "raise",
    }
    results = [_result(x, g, None, list(seeds), constants, options) for x, g in zip(variables, gradients, strict=True)]
    return like(wrt, results)


def subgraph_grad(
    wrt: Any,
    end: Any,
    start: Any = None,
    cost: Variable | None = None,
    details: bool = False,
) -> tuple[Any, ...]:
    """Gradients of one stage of a computation, for training it part by part.

    wrt: the parameters of the stage. end: the variables where the stage begins; nothing flows past them. start:
    variables at the other end of the stage, each with its gradient. cost: a scalar that enters at this stage. Returns
    (gradients of wrt, gradients of end); with `details`, also those from `start` alone and from `cost` alone. Raises
    AssertionError where wrt and end are no lists, start no dict, or start and cost are both missing.

    >>> import symtheano.tensor as T
    >>> x, w = T.dscalars("x", "w")
    >>> (by_w,), (by_x,) = subgraph_grad([w], [x], cost=w * x)
    >>> [float(g.eval({x: 3.0, w: 2.0})) for g in (by_w, by_x)]
    [3.0, 2.0]
    """
    if cost is None and start is None:
        raise AssertionError("subgraph_grad needs a cost, or start: the known gradients of variables.")
    if not isinstance(end, list) or not isinstance(wrt, list):
        raise AssertionError("subgraph_grad: wrt and end must be lists of variables.")
    if start is not None and not isinstance(start, dict):
        raise AssertionError("subgraph_grad: start must be a dict from variables to their gradients.")
    both = list(dict.fromkeys([*wrt, *end]))
    from_start: Any = None
    from_cost: Any = None
    if start is not None:
        from_start = grad(None, both, consider_constant=end, disconnected_inputs="ignore", known_grads=start)
    if cost is not None:
        from_cost = grad(cost, both, consider_constant=end, disconnected_inputs="ignore")
    if from_start is None or from_cost is None:
        totals = from_cost if from_start is None else from_start
    else:
        totals = [functions.add(a, b) for a, b in zip(from_start, from_cost, strict=True)]
    by_variable = dict(zip(both, totals, strict=True))
    parts = [by_variable[v] for v in wrt], [by_variable[v] for v in end]
    return (*parts, from_start, from_cost) if details else parts


# -- the arguments -------------------------------------------------------------------------------------------------


def _check_options(options: Mapping[str, str]) -> None:
    for keyword, value in options.items():
        check_choice(keyword, value, _CHOICES[keyword])


def _variables(wrt: Any) -> list[Variable]:
    if isinstance(wrt, (set, frozenset)):
        raise TypeError("wrt must not be a set. sets have no defined iteration order")
    variables = list(wrt) if isinstance(wrt, (list, tuple)) else [wrt]
    for x in variables:
        if not isinstance(x, Variable):
            raise TypeError(
                explain(
                    f"Expected Variable, got {x} of type {type(x)}",
                    operation="grad",
                    operands=[f"wrt: {x!r}"],
                    remedy="wrt is a variable, or a list or tuple of them: the objects that cost was built from",
                )
            )
    return variables


def _constants(consider_constant: Iterable[Variable] | None) -> frozenset[Variable]:
    if consider_constant is None:
        return frozenset()
    if isinstance(consider_constant, Variable) or not isinstance(consider_constant, Iterable):
        raise TypeError(f"consider_constant must be an iterable collection, got {type(consider_constant)}")
    constants = list(consider_constant)
    for x in constants:
        if not isinstance(x, Variable):
            raise TypeError(f"Elements of consider_constant must be variables, but got {type(x)}")
    return frozenset(constants)


def _known(known_grads: Mapping[Any, Any]) -> dict[Variable, Variable]:
    fixed: dict[Variable, Variable] = {}
    for x, g in known_grads.items():
        if not isinstance(x, Variable) or not isinstance(g, Variable):
            raise TypeError(
                explain(
                    f"output grads must be theano variables. Ambiguous whether {type(g)} should be made into tensor or "
                    "sparse theano variable",
                    operation="grad",
                    operands=[f"known_grads[{x!r}] = {g!r}"],
                    remedy="known_grads={variable: its gradient}, both variables; wrap an array with T.constant",
                )
            )
        if not is_null(g) and not is_disconnected(g):
            if is_discrete(getattr(g.type, "dtype", "bool")):
                raise TypeError(
                    explain(
                        "Gradients must always be NullType, DisconnectedType, or continuous, but grad was given a "
                        f"known_grad of type {g.type} for {x}",
                        operands=[_described("variable", x), _described("its gradient", g)],
                        remedy="cast the gradient to a float dtype",
                    )
                )
            if x.type.ndim != g.type.ndim:
                raise ValueError(
                    explain(
                        f"A gradient has the shape of its variable, but {x} of {x.type} was given {g} of {g.type}",
                        operands=[_described("variable", x), _described("its gradient", g)],
                        remedy="eval_points of Lop, and values of known_grads, have the shapes of their variables",
                    )
                )
        fixed[x] = g
    return fixed


def _check_cost(cost: Any) -> None:
    if not isinstance(cost, Variable):
        raise TypeError(
            explain(
                f"cost must be a scalar variable; got {cost!r} of type {type(cost)}",
                operation="grad",
                remedy="pass the expression itself, a variable of 0 dimensions",
            )
        )
    if is_null(cost):
        raise ValueError(f"Can't differentiate a NaN cost. cost is NaN because {cost.type.why_null}")
    if not isinstance(cost.type, TensorType) or cost.type.ndim != 0:
        raise TypeError(
            explain(
                "cost must be a scalar.",
                operation="grad",
                operands=[_described("cost", cost)],
                remedy="reduce it, as in cost.mean() or cost.sum(); for derivatives of a vector see jacobian, Lop",
            )
        )
    if is_complex(cost.type.dtype):
        raise TypeError(
            explain(
                f"cost must be a real scalar: {cost} is {cost.type.dtype}.",
                operation="grad",
                operands=[_described("cost", cost)],
                remedy="take its real part, or abs(cost)",
            )
        )


def _one(cost: Any) -> Any:
    """The gradient of the cost by itself. It stays an expression of the cost, so that a gradient that does not depend
    on the value of an input (that of a linear cost) may still be compiled with that input."""
    dtype = config.floatX if is_discrete(cost.type.dtype) else cost.type.dtype
    return functions.second(cost, make_constant(np.ones((), dtype)))


# -- the results ---------------------------------------------------------------------------------------------------


def _result(
    x: Variable,
    g: Variable,
    cost: Variable | None,
    roots: Sequence[Variable],
    constants: frozenset[Variable],
    options: Mapping[str, str],
) -> Variable | None:
    """What `grad` returns for one element of wrt."""
    if is_null(g) and options["null_gradients"] == "raise":
        raise NullTypeGradError(
            explain(
                f"tensor.grad encountered a NaN. {g.type.why_null}",
                operation="grad",
                operands=[_described("wrt", x), *(_described("cost", t) for t in roots)],
                remedy="leave the variable out of wrt, stop the gradient before that operation with "
                "gradient.disconnected_grad or zero_grad, or pass null_gradients='return'",
            )
        )
    if not is_disconnected(g):
        return g
    if options["disconnected_inputs"] != "ignore":
        message = _disconnected_message(x, cost, roots, constants)
        if options["disconnected_inputs"] == "raise":
            raise DisconnectedInputError(message)
        warnings.warn(message, stacklevel=4)
    if options["return_disconnected"] == "None":
        return None
    if options["return_disconnected"] == "Disconnected":
        return disconnected_type()
    return zeros_like(x)


def zeros_like(x: Any) -> Variable:
    """A gradient of zeros for `x`."""
    return zeros_of(x) if isinstance(x.type, TensorType) else x.zeros_like()  # type: ignore[no-any-return]


def _disconnected_message(
    x: Variable, cost: Variable | None, roots: Sequence[Variable], constants: frozenset[Variable]
) -> str:
    tops = [cost] if cost is not None else list(roots)
    names = ["cost" if t is cost else "f" for t in tops]
    return explain(
        "grad method was asked to compute the gradient with respect to a variable that is not part of the "
        f"computational graph of the cost, or is used only by a non-differentiable operator: {x}\n"
        f"  why: {why_disconnected(x, roots, constants)}",
        operation="grad",
        operands=[_described("wrt", x), *(_described(n, t) for n, t in zip(names, tops, strict=True))],
        where=str(current_line() or ""),
        remedy="build the cost from this very variable, leave it out of wrt, or pass disconnected_inputs='ignore' "
        "(or 'warn'), which gives zeros",
    )


def _described(role: str, x: Variable) -> str:
    made = f", made at {x.line}" if x.line else ""
    return f"{role} {x}: {x.type}{made}"


def _named(g: Any, name: str, x: Variable, start: int) -> Any:
    """`g` with a name, if `x` has one. What is another variable's gradient too, or the user's own, is not renamed."""
    if g is None or x.name is None or g.name == name:
        return g
    if isinstance(g.type, TensorType) and (g.name is not None or isinstance(g, Constant) or g.serial < start):
        g = functions.identity(g)
    g.name = name
    return g
