"""The engine of reverse mode: cotangents flow from outputs back to `wrt`, in one pass over the nodes between them.

Every node on a connected path has its L_op called once, after all that read it; the cotangents that meet at a variable
are added in one n-ary addition. Gradient variables carry the line of the expression they were derived from.
"""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from symtheano.errors import NotScalarConstantError, add_context, explain
from symtheano.gradient.guard import Cotangent, Guard, agreed, bare, gathered, guarded, routed, settled
from symtheano.gradient.null import is_disconnected, is_null
from symtheano.gradient.paths import Pattern, connected_paths
from symtheano.graph.null import disconnected_type
from symtheano.graph.text import expression
from symtheano.graph.trace import derived_from, set_line
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_complex, is_discrete
from symtheano.tensor.array import ArrayOp
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.math import cast
from symtheano.tensor.scalar_constant import get_scalar_constant_value
from symtheano.tensor.type import TensorType


class Pullback:
    """The gradients of `sum of <seed, output>` with respect to variables.

    wrt: the variables asked for. seeds: output -> cotangents that enter there, added to what flows into it from above.
    fixed: variable -> its whole cotangent, instead of what flows into it. constants: variables not to pass.
    """

    def __init__(
        self,
        wrt: Sequence[Variable],
        seeds: Mapping[Variable, Sequence[Variable]],
        fixed: Mapping[Variable, Variable] | None = None,
        constants: Collection[Variable] = (),
    ):
        self.totals: dict[Variable, Cotangent] = {v: with_pattern(g, v) for v, g in (fixed or {}).items()}
        self.terms: dict[Variable, list[Cotangent]] = {v: list(gs) for v, gs in seeds.items()}
        self.everywhere = Guard(None, None, None, True)
        roots = list(dict.fromkeys([*seeds, *self.totals]))
        self.paths = connected_paths(wrt, roots, constants, frozenset(self.totals))
        with derived_from(None):
            for node, pattern in reversed(self.paths.nodes):
                self._pull(node, pattern)
            self.gradients = [settled(w, self._total(w)) for w in wrt]

    def _pull(self, node: Apply, pattern: Pattern) -> None:
        reached = self.paths.reached
        found = [self._total(o) if o in reached else disconnected_type() for o in node.outputs]
        if all(is_disconnected(bare(g)) for g in found):
            return
        set_line(node.trace)
        for x, term in zip(node.inputs, self._pulled(node, found, pattern), strict=True):
            if x in reached and not is_disconnected(bare(term)):
                self.terms.setdefault(x, []).append(term)

    def _pulled(self, node: Apply, cotangents: Sequence[Cotangent], pattern: Pattern) -> list[Cotangent]:
        if hasattr(node.op, "routes"):
            return routed(node, cotangents, pattern, self.everywhere)
        guard, values = agreed(cotangents, node.outputs, self.everywhere)
        return [guarded(guard, term) for term in pull_node(node, values, pattern)]

    def _total(self, x: Variable) -> Cotangent:
        """The cotangent of `x`; whatever reads `x` has been pulled already."""
        found = self.totals.get(x)
        if found is None:
            set_line(x.line)
            found = self.totals[x] = gathered(x, self.terms.pop(x, ()), accumulate, self.everywhere)
        return found


def accumulate(x: Variable, terms: Sequence[Variable]) -> Variable:
    """The sum of the cotangents of `x`, in one addition; null where one is, disconnected where there is none."""
    terms = [t for t in terms if not is_disconnected(t)]
    if not terms:
        return disconnected_type()
    for term in terms:
        if is_null(term):
            return term
    if len(terms) == 1:
        total = terms[0]
    elif all(isinstance(t.type, TensorType) for t in terms):
        total = functions.add(*terms)
    else:
        total = functools.reduce(operator.add, terms)
    return with_pattern(total, x)


def with_pattern(total: Any, x: Any) -> Variable:
    """`total` with the broadcast pattern of `x`, whatever the authors of gradients knew or forgot about it."""
    have, want = getattr(total.type, "broadcastable", None), getattr(x.type, "broadcastable", None)
    if have == want or have is None or want is None:
        return total  # type: ignore[no-any-return]
    if any(w and not h for h, w in zip(have, want, strict=True)):
        total = TensorType.rebroadcast(total, tuple(h or w for h, w in zip(have, want, strict=True)))
    if any(h and not w for h, w in zip(have, want, strict=True)):
        total = functions.second(x, total)
    return total  # type: ignore[no-any-return]


# -- one node ------------------------------------------------------------------------------------------------------


def pull_node(node: Apply, cotangents: Sequence[Variable], pattern: Pattern) -> list[Variable]:
    """The cotangents of a node's inputs: its L_op's, checked."""
    live = [not is_disconnected(g) for g in cotangents]
    null = next((g for g in cotangents if is_null(g)), None)
    if null is None:
        return _pull_live(node, cotangents, pattern, live)
    usable = [l and not is_null(g) for l, g in zip(live, cotangents, strict=True)]
    terms: list[Variable] = [disconnected_type() for _ in node.inputs]
    if any(usable):
        some = [g if u else disconnected_type() for g, u in zip(cotangents, usable, strict=True)]
        terms = _pull_live(node, some, pattern, usable)
    poisoned = [is_null(g) for g in cotangents]
    return [null if _connected(row, poisoned) else t for row, t in zip(pattern, terms, strict=True)]


def _connected(row: Sequence[bool], live: Sequence[bool]) -> bool:
    return any(r and l for r, l in zip(row, live, strict=True))


def _pull_live(node: Apply, cotangents: Sequence[Variable], pattern: Pattern, live: Sequence[bool]) -> list[Variable]:
    connected = [_connected(row, live) for row in pattern]
    if not any(connected):
        return [disconnected_type() for _ in node.inputs]
    if isinstance(node.op, ArrayOp) and all(
        is_discrete(getattr(o.type, "dtype", "")) for o, l in zip(node.outputs, live, strict=True) if l
    ):  # nothing flows on through whole numbers; authors' ops are asked, and checked
        return [zeros_of(x) if c else disconnected_type() for x, c in zip(node.inputs, connected, strict=True)]
    gs = [as_cotangent(o, g) for o, g in zip(node.outputs, cotangents, strict=True)]
    try:
        terms = node.op.L_op(_kept_inputs(node), node.outputs, gs)
        return _checked(node, terms, connected, _discrete_only(node, pattern, live))
    except Exception as error:
        raise add_context(error, while_building(f"the gradient of {node.op}", node)) from None


def while_building(what: str, node: Apply) -> str:
    """Context for an error raised by the derivative that an Op's author wrote."""
    return explain(
        f"This happened while building {what}.",
        operation=str(node.op),
        operands=[f"{i}: {i.type}" for i in node.inputs],
        expression=expression(node.outputs[0]),
        where=str(node.trace or "(a line inside symtheano)"),
        remedy=f"correct grad or L_op of {type(node.op).__name__}: one float variable for each input, of the input's "
        "number of dimensions (disconnected_type() where it does not matter, grad_undefined where there is none)",
    )


def as_cotangent(output: Any, g: Any) -> Variable:
    """`g` in the dtype of a continuous output, so that a gradient is not computed in more precision than its graph."""
    want, have = getattr(output.type, "dtype", None), getattr(g.type, "dtype", None)
    if want is None or have is None or want == have or is_discrete(want):
        return g  # type: ignore[no-any-return]
    if is_complex(have) and not is_complex(want):
        return as_cotangent(output, functions.real(g))
    return cast(g, want)  # type: ignore[no-any-return]


def _kept_inputs(node: Apply) -> list[Variable]:
    """The node's inputs; copies of those it overwrites, which its gradient may need to read."""
    destroyed = {i for positions in node.op.destroy_map.values() for i in positions}
    if not destroyed:
        return list(node.inputs)
    return [
        functions.identity(x) if k in destroyed and isinstance(x.type, TensorType) else x
        for k, x in enumerate(node.inputs)
    ]


def _discrete_only(node: Apply, pattern: Pattern, live: Sequence[bool]) -> list[bool]:
    """For each input, whether it reaches the cost through integer outputs only."""
    discrete = [is_discrete(getattr(o.type, "dtype", "")) for o in node.outputs]
    if not any(discrete):
        return [False] * len(node.inputs)
    continuous = [l and not d for l, d in zip(live, discrete, strict=True)]
    return [not _connected(row, continuous) for row in pattern]


# -- what an Op's author returned ------------------------------------------------------------------------------------


def _checked(node: Apply, given: Any, connected: Sequence[bool], discrete_only: Sequence[bool]) -> list[Variable]:
    """The terms that L_op returned; Theano's exceptions where they break the contract of ops."""
    name = f"{node.op}.grad"
    if given is None:
        raise TypeError(f"{name} returned NoneType, expected iterable.")
    terms: list[Variable] = list(given)
    if len(terms) != len(node.inputs):
        raise ValueError(
            f"{name} returned the wrong number of gradient terms: {len(terms)} for the {len(node.inputs)} inputs "
            f"of {node}"
        )
    for k, (x, term) in enumerate(zip(node.inputs, terms, strict=True)):
        _check_term(name, k, x, term)
        if is_disconnected(term) == connected[k]:
            _report_pattern(node, name, k, term)
        elif discrete_only[k] and not is_disconnected(term) and not is_null(term) and _is_nonzero(term):
            raise ValueError(
                f"{name} returned {term} of type {term.type} for input {k}. Since this input is only connected to "
                "integer-valued outputs, it should evaluate to zeros."
            )
    return terms


def _check_term(name: str, k: int, x: Any, term: Any) -> None:
    if term is None:
        raise TypeError(
            f"{name} returned None for a gradient term, this is prohibited. (Input index {k}.) Instead of None, return "
            "zeros_like(input), disconnected_type(), or a NullType variable such as those made with the grad_undefined "
            "or grad_not_implemented helper functions."
        )
    if not isinstance(term, Variable):
        raise TypeError(f"{name} returned {type(term)}, expected Variable instance. (Input index {k}.)")
    if is_disconnected(term) or is_null(term):
        return
    dtype = getattr(term.type, "dtype", None)
    if dtype is None or is_discrete(dtype):
        raise TypeError(f"{name} illegally returned an integer-valued variable. (Input index {k}, dtype {dtype})")
    if getattr(x.type, "ndim", None) != getattr(term.type, "ndim", None):
        raise ValueError(
            f"{name} returned a term with {term.type.ndim} dimensions, but {x.type.ndim} are required. "
            f"(Input index {k}: {x} of {x.type}; the term is {term} of {term.type}.)"
        )


def _report_pattern(node: Apply, name: str, k: int, term: Variable) -> None:
    """L_op and connection_pattern contradict each other on input `k`."""
    if not is_disconnected(term):
        raise TypeError(
            f"{name} returned {term} of type {term.type} for input {k}. Expected DisconnectedType instance based on "
            "the output of the op's connection_pattern method."
        )
    message = f"{name} returned DisconnectedType for input {k}."
    if hasattr(node.op, "connection_pattern"):
        raise TypeError(f"{message} Its connection_pattern method does not allow this.")
    warnings.warn(f"{message} You may want to implement a connection_pattern method for it.", stacklevel=8)


def _is_nonzero(term: Any) -> bool:
    """Whether a gradient is known to be something else than zeros."""
    try:
        return bool(get_scalar_constant_value(term) != 0)
    except NotScalarConstantError:
        return False


# -- what users gave -------------------------------------------------------------------------------------------------


def check_choice(keyword: str, value: str, choices: Sequence[str]) -> None:
    """Raises ValueError, with the choices, where the value of a keyword is none of them."""
    if value not in choices:
        problem = f"Invalid value for keyword '{keyword}': {value!r}."
        raise ValueError(explain(problem, remedy=f"Valid values are {', '.join(map(repr, choices))}."))


def variable_of(g: Any) -> Variable:
    """`g`, which a user gave as a cotangent, as a variable."""
    return g if isinstance(g, Variable) else as_tensor_variable(g)
