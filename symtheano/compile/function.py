"""`symtheano.function`: from inputs, outputs, updates and givens to a compiled Function."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symtheano.compile.arguments import givens_of, inputs_of, outputs_of
from symtheano.compile.io import In, Out
from symtheano.compile.mode import Mode, get_mode
from symtheano.compile.profiling import ProfileStats
from symtheano.compile.runtime import Function, Spec, make_function
from symtheano.config import config
from symtheano.errors import UnusedInputError, explain
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.shared import SharedVariable
from symtheano.graph.text import described, expression
from symtheano.graph.trace import current_line
from symtheano.graph.variable import Constant, Variable
from symtheano.graph.walk import graph_inputs, substitute
from symtheano.tensor.updates import Pairs, update_value, updates_of


def function(
    inputs: Sequence[Any],
    outputs: Any = None,
    mode: Mode | str | None = None,
    updates: Pairs = None,
    givens: Pairs = None,
    no_default_updates: bool | Sequence[SharedVariable] = False,
    accept_inplace: bool = False,
    name: str | None = None,
    rebuild_strict: bool = True,
    allow_input_downcast: bool | None = None,
    profile: Any = None,
    on_unused_input: str | None = None,
) -> Function:
    """Compiles a function of `inputs`.

    inputs: list of variables or `In`. outputs: a variable, `Out`, a list of them, a dict with string keys, or None.
    mode: a Mode or the name of one (None: config.mode). updates: pairs (shared variable, its new value); every new
    value is computed from the old ones. givens: pairs (variable, what to use instead). no_default_updates: True, or the
    shared variables whose `default_update` is left out. name: for messages. rebuild_strict: whether givens must keep
    types. allow_input_downcast: True converts any input, None lets Python floats into floatX, False converts nothing
    lossy. on_unused_input: 'raise', 'warn' or 'ignore'. profile: True, or a ProfileStats to count calls and times in.
    accept_inplace: accepted for Theano's sake.

    Raises UnusedInputError, MissingInputError (graph.fgraph), TypeError and ValueError for what does not fit together.

    >>> import symtheano, symtheano.tensor as T
    >>> x = T.dscalar("x")
    >>> float(symtheano.function([x], x ** 2)(3.0))
    9.0
    """
    ins = inputs_of(inputs, allow_input_downcast)
    outs, keys, unpack = outputs_of(outputs)
    pairs = updates_of(updates)
    replacements = givens_of(givens, ins, rebuild_strict)
    graph = _Rebuilt(ins, outs, pairs, replacements, no_default_updates, rebuild_strict)
    _check_unused(ins, graph.roots, config.on_unused_input if on_unused_input is None else on_unused_input)
    stateful = tuple(k for k, i in enumerate(ins) if i.update is not None)
    first_update = len(outs) + len(stateful)
    updates_at = {first_update + j: len(ins) + graph.shared.index(s) for j, (s, _) in enumerate(graph.updates)}
    closed = FunctionGraph([*(i.variable for i in ins), *graph.shared], graph.roots, updates_at)
    spec = Spec(
        graph=closed,
        ins=tuple(ins),
        outs=tuple(outs),
        shared=tuple(graph.shared),
        mode=get_mode(mode),
        name=name if name is not None else str(current_line() or ""),
        unpack=unpack,
        keys=keys,
        stateful=stateful,
        profile=ProfileStats.of(config.profile or None if profile is None else profile),
    )
    return make_function(spec)


# -- the graph -------------------------------------------------------------------------------------------------------


@dataclass
class _Rebuilt:
    """The expressions of a function after givens, with default updates added and shared variables found."""

    ins: Sequence[In]
    outs: Sequence[Out]
    pairs: list[tuple[SharedVariable, Variable]]
    replacements: dict[Variable, Variable]
    no_default_updates: bool | Sequence[SharedVariable]
    strict: bool

    def __post_init__(self) -> None:
        roots = [o.variable for o in self.outs] + [i.update for i in self.ins if i.update is not None]
        fixed = len(roots)
        everything = self._replace([*roots, *(v for _, v in self.pairs)])
        self.updates = [(s, v) for (s, _), v in zip(self.pairs, everything[fixed:], strict=True)]
        self._add_default_updates(everything)
        self.roots: list[Variable] = [*everything[:fixed], *(v for _, v in self.updates)]
        found = [v for v in graph_inputs(self.roots, self._blockers()) if isinstance(v, SharedVariable)]
        self.shared = list(dict.fromkeys([*found, *(s for s, _ in self.updates)]))

    def _blockers(self) -> list[Variable]:
        return [i.variable for i in self.ins]

    def _replace(self, variables: Sequence[Variable]) -> list[Variable]:
        return substitute(variables, self.replacements, strict=self.strict)

    def _add_default_updates(self, roots: Sequence[Variable]) -> None:
        if self.no_default_updates is True:
            return
        refused = set(_refused(self.no_default_updates))
        done = {s for s, _ in self.updates} | refused
        seen: set[Variable] = set()
        queue = list(roots)
        while queue:
            inputs = graph_inputs(queue, self._blockers())
            found = [v for v in inputs if isinstance(v, SharedVariable) and v not in seen]
            seen.update(found)
            queue = []
            for s in found:
                if s in done or s.default_update is None:
                    continue
                done.add(s)
                (value,) = self._replace([update_value(s, s.default_update)])
                self.updates.append((s, value))
                queue.append(value)


def _refused(no_default_updates: Any) -> Sequence[Any]:
    """The shared variables of the argument `no_default_updates`, where that is not a truth value."""
    if not no_default_updates and not isinstance(no_default_updates, Variable):
        return ()
    if not isinstance(no_default_updates, (list, tuple, set, frozenset)):
        raise TypeError(
            explain(
                "no_default_updates is True, False, or a list of shared variables",
                operands=[described(no_default_updates)],
                remedy=f"write no_default_updates=[{no_default_updates}]",
            )
        )
    return list(no_default_updates)


def _check_unused(ins: Sequence[In], roots: Sequence[Variable], policy: str) -> None:
    if policy == "ignore":
        return
    if policy not in ("raise", "warn"):
        raise ValueError(
            explain(f"Invalid value for on_unused_input: {policy!r}", remedy="it is 'raise', 'warn' or 'ignore'")
        )
    variables = [i.variable for i in ins]
    used = set(graph_inputs(roots, variables)) | {v for i in ins if i.update is not None for v in [i.variable]}
    for k, variable in enumerate(variables):
        if variable in used:
            continue
        message = explain(
            "theano.function was asked to create a function computing outputs given certain inputs, but the provided "
            f"input variable at index {k} is not part of the computational graph needed to compute the outputs: "
            f"{variable}.",
            operands=[described(variable)],
            remedy="take it out of the inputs, or pass on_unused_input='warn' or 'ignore' to theano.function",
        )
        if policy == "raise":
            raise UnusedInputError(message)
        warnings.warn(message, stacklevel=4)


# -- Variable.eval ---------------------------------------------------------------------------------------------------


def evaluate_variable(variable: Variable, values: Mapping[Variable, Any]) -> Any:
    """`variable.eval(values)`: compiled once for each set of inputs, kept on the variable."""
    for key in values:
        if not isinstance(key, Variable):
            raise TypeError(
                explain(
                    f"eval takes a dict whose keys are variables, not {type(key).__name__}: {key!r}",
                    operands=[f"{v}: {v.type}" for v in graph_inputs([variable]) if not isinstance(v, Constant)],
                    expression=expression(variable),
                    remedy="use the variable itself as the key: eval({x: value})",
                )
            )
    cache = variable.__dict__.setdefault("_eval_cache", {})
    inputs = tuple(sorted(values, key=lambda v: v.serial))
    if inputs not in cache:
        cache[inputs] = function(list(inputs), variable)
    return cache[inputs](*(values[i] for i in inputs))


Variable.evaluator = staticmethod(evaluate_variable)
