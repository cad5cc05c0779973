"""`symtheano.function`: from inputs, outputs, updates and givens to a compiled Function."""
from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symtheano.compile.io import In, Out, SymbolicInput, SymbolicOutput, from_shortcut
from symtheano.compile.mode import Mode, get_mode
from symtheano.compile.profiling import ProfileStats
from symtheano.compile.runtime import Function, Spec
from symtheano.config import config
from symtheano.errors import UnusedInputError, explain
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.shared import SharedVariable
from symtheano.graph.text import expression
from symtheano.graph.trace import current_line
from symtheano.graph.variable import Constant, Variable
from symtheano.graph.walk import graph_inputs, substitute
from symtheano.tensor.sharedvar import shared
from symtheano.tensor.type import TensorType

Pairs = Mapping[Any, Any] | Iterable[tuple[Any, Any]] | None


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
    updates: pairs (shared variable, its new value); every new value is computed from the old ones. givens: pairs
    (variable, what to use instead). no_default_updates: True, or the shared variables whose `default_update` is left
    out. name: for messages. rebuild_strict: whether givens must keep types. allow_input_downcast: True converts any
    input, None lets Python floats into floatX, False converts nothing lossy. on_unused_input: 'raise', 'warn' or
    'ignore'.

    Raises UnusedInputError, MissingInputError (graph.fgraph), TypeError and ValueError for what does not fit together.

    >>> import symtheano, symtheano.tensor as T
    >>> x = T.dscalar("x")
    >>> float(symtheano.function([x], x ** 2)(3.0))
    9.0
    """
    ins = _inputs(inputs, allow_input_downcast)
    outs, keys, unpack = _outputs(outputs)
    pairs = _updates(updates)
    replacements = _givens(givens, ins, rebuild_strict)
    graph = _Rebuilt(ins, outs, pairs, replacements, no_default_updates, rebuild_strict)
    _check_unused(ins, graph.roots, config.on_unused_input if on_unused_input is None else on_unused_input, name)
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
    return Function(spec)


# -- arguments -------------------------------------------------------------------------------------------------------


def _inputs(inputs: Sequence[Any], downcast: bool | None) -> list[In]:
    if not isinstance(inputs, (list, tuple)):
        raise Exception(
            explain(
                "Input variables of a Theano function should be contained in a list, even when there is a single "
                "input.",
                operands=[f"inputs: {_described(inputs)}"],
                remedy=f"write function([{inputs}], ...)",
            )
        )
    ins = [_input(i, downcast) for i in inputs]
    seen: dict[Variable, int] = {}
    for k, one in enumerate(ins):
        if one.variable in seen:
            raise UnusedInputError(
                explain(
                    f"theano.function: the variable {one.variable} stands twice in the inputs, at positions "
                    f"{seen[one.variable]} and {k}.",
                    operands=[_described(one.variable)],
                    remedy="list each input once; make a second variable if you meant another one",
                )
            )
        seen[one.variable] = k
    return ins


def _input(given: Any, downcast: bool | None) -> In:
    if isinstance(given, SymbolicInput):
        _check_input(given.variable)
        one = copy.copy(given)  # the user may pass it to other functions as well
        if one.allow_downcast is None:
            one.allow_downcast = downcast
        return one if isinstance(one, In) else In(one.variable, one.name, None, one.update, one.mutable)
    if isinstance(given, (tuple, list)):
        return _input(from_shortcut(given), downcast)
    _check_input(given)
    return In(given, allow_downcast=downcast)


def _check_input(given: Any) -> None:
    if isinstance(given, SharedVariable):
        raise TypeError(
            explain(
                f"Cannot use a shared variable ({given}) as explicit input.",
                operands=[_described(given)],
                remedy="leave it out: functions read shared variables by themselves. To use another value in this one, "
                "pass a new variable as input and givens={" + f"{given}: that variable" + "}",
            )
        )
    if isinstance(given, Constant):
        raise TypeError(
            explain(
                f"A Constant instance is not a legal function input: {given}",
                operands=[_described(given)],
                remedy="leave it out: its value is part of the graph. For a value that changes, make a variable",
            )
        )
    if not isinstance(given, Variable):
        raise TypeError(
            explain(
                f"Unknown parameter type: {type(given)}",
                operands=[f"input: {given!r}"],
                remedy="inputs are variables, or In(variable, value=..., ...); leave numbers out, or use givens",
            )
        )


def _outputs(outputs: Any) -> tuple[list[Out], tuple[str, ...] | None, bool]:
    if outputs is None:
        return [], None, False
    if isinstance(outputs, dict):
        if not all(isinstance(k, str) for k in outputs):
            raise AssertionError(
                explain(
                    f"The keys of a dict of outputs must be strings; got {list(outputs)!r}",
                    operands=[f"{key!r}: {type(key).__name__}" for key in outputs],
                    remedy="name the outputs by strings, or pass a list of them",
                )
            )
        keys = tuple(sorted(outputs))
        return [_output(outputs[k]) for k in keys], keys, False
    if isinstance(outputs, (list, tuple)):
        return [_output(o) for o in outputs], None, False
    return [_output(outputs)], None, True


def _output(given: Any) -> Out:
    if isinstance(given, SymbolicOutput):
        return Out(given.variable, given.borrow)
    if isinstance(given, Variable):
        return Out(given)
    raise TypeError(
        explain(
            f"Outputs must be theano Variable or Out instances. Received {given!r} of type {type(given)}",
            remedy="wrap numbers and arrays with theano.tensor.constant",
        )
    )


def _updates(updates: Pairs) -> list[tuple[SharedVariable, Variable]]:
    pairs: list[tuple[SharedVariable, Variable]] = []
    seen: set[Variable] = set()
    for target, value in _pairs(updates, "updates"):
        if not isinstance(target, SharedVariable):
            raise TypeError(
                explain(
                    f"update target must be a SharedVariable: {target}",
                    operands=[f"target {_described(target)}", f"its new value {_described(value)}"],
                    remedy=f"make it one: theano.shared(value, name={getattr(target, 'name', None)!r})",
                )
            )
        if target in seen:
            first = next(v for t, v in pairs if t is target)
            raise ValueError(
                explain(
                    f"this shared variable already has an update expression: {target}; new value: {value}",
                    operands=[
                        _described(target),
                        f"first new value {_described(first)}",
                        f"second new value {_described(value)}",
                    ],
                    remedy="give one update for each shared variable: compose them, or use the second one only",
                )
            )
        seen.add(target)
        pairs.append((target, _update_value(target, value)))
    return pairs


def _update_value(target: SharedVariable, value: Any) -> Any:
    try:
        return target.type.filter_variable(value, allow_convert=False)
    except TypeError as error:
        kind = getattr(value, "type", type(value).__name__)
        raise TypeError(
            explain(
                f"An update must have the same type as the original shared variable (shared_var={target}, "
                f"shared_var.type={target.type}, update_val={value}, update_val.type={kind}).",
                operands=[_described(target), f"its new value {_described(value)}"],
                expression=f"{target} <- {expression(value)}" if isinstance(value, Variable) else "",
                where=str(getattr(value, "line", None) or ""),
                remedy=_update_remedy(target, value),
            )
        ) from error


def _update_remedy(target: SharedVariable, value: Any) -> str:
    old, new = target.type, getattr(value, "type", None)
    if not isinstance(new, TensorType) or not isinstance(old, TensorType):
        return "compute a value of the shared variable's type"
    if new.dtype != old.dtype:
        return f"cast it: T.cast(new_value, {old.dtype!r}); or create the shared variable with dtype {new.dtype}"
    if new.ndim != old.ndim:
        return f"the numbers of dimensions differ ({old.ndim} and {new.ndim}): sum over axes, or reshape"
    if any(b and not c for b, c in zip(old.broadcastable, new.broadcastable, strict=True)):
        return (
            "the new value may be longer than the variable along a broadcastable axis: sum over it with keepdims=True; "
            f"or, where its length is 1, T.patternbroadcast(new_value, {old.broadcastable})"
        )
    axes = [k for k, (b, c) in enumerate(zip(old.broadcastable, new.broadcastable, strict=True)) if c and not b]
    return f"the new value has length 1 in axis {axes[0]}: T.unbroadcast(new_value, {', '.join(map(str, axes))})"


def _pairs(given: Pairs, what: str) -> list[tuple[Any, Any]]:
    if given is None:
        return []
    items = list(given.items()) if isinstance(given, Mapping) else list(given)
    for item in items:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise TypeError(
                explain(
                    f"{what} must be a dict or a list of (variable, expression) pairs",
                    operands=[f"item: {_described(item)}"],
                    remedy=f"write {what}=[(variable, expression), ...] or {what}={{variable: expression, ...}}",
                )
            )
    return [(k, v) for k, v in items]


def _described(value: Any) -> str:
    """A variable with its type and line, or a Python value."""
    if not isinstance(value, Variable):
        text = repr(value)
        return f"{text if len(text) < 60 else text[:57] + '...'} of type {type(value).__name__}"
    return f"{value}: {value.type}" + (f", made at {value.line}" if value.line else "")


def _givens(givens: Pairs, ins: Sequence[In], strict: bool) -> dict[Variable, Variable]:
    found: dict[Variable, Variable] = {}
    inputs = {i.variable for i in ins}
    for key, value in _pairs(givens, "givens"):
        if not isinstance(key, Variable):
            raise TypeError(
                explain(
                    f"given keys must be Variable; got {key!r} of type {type(key)}",
                    operands=[f"its value {_described(value)}"],
                    remedy="use the variable itself as the key: givens={x: value}",
                )
            )
        if key in found:
            raise ValueError(
                explain(
                    f"{key} is given twice in givens",
                    operands=[_described(key), f"first {_described(found[key])}", f"then {_described(value)}"],
                    remedy="give each variable once",
                )
            )
        if key in inputs:
            raise RuntimeError(
                explain(
                    f"You are trying to replace variable {key!r} through the `givens` parameter, but this variable is "
                    "an input to your function. Replacing inputs is currently forbidden because it has no effect.",
                    operands=[_described(key)],
                    remedy="take it out of the inputs, or out of givens",
                )
            )
        found[key] = _given(key, value, strict)
    return found


def _given(key: Variable, value: Any, strict: bool) -> Variable:
    """What stands for `key`: a variable of its type, or a value of it."""
    try:
        new = value if isinstance(value, Variable) else shared(key.type.filter(value))
        return key.type.filter_variable(new) if strict else new
    except TypeError as error:
        what = value if isinstance(value, Variable) else "this value"
        raise TypeError(
            explain(
                f"givens: {key} cannot be replaced by {what}: {str(error).splitlines()[0]}",
                operands=[_described(key), f"given {_described(value)}"],
                remedy="give a value of the same type (T.cast, T.patternbroadcast), or pass rebuild_strict=False",
            )
        ) from error


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
                (value,) = self._replace([_update_value(s, s.default_update)])
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
                operands=[_described(no_default_updates)],
                remedy=f"write no_default_updates=[{no_default_updates}]",
            )
        )
    return list(no_default_updates)


def _check_unused(ins: Sequence[In], roots: Sequence[Variable], policy: str, name: str | None) -> None:
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
            operands=[_described(variable)],
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
