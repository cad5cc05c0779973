"""Rules: functions of a node that look only at the node and below, indexed by the op they apply to."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from symtheano.graph.op import Op
from symtheano.graph.variable import Apply, Variable

Replacement = Variable | Sequence[Variable] | None


class Rule(Protocol):
    """What rewriting needs of a rule: a name, the ops it is tried on, and the replacement of a node (or None)."""

    @property
    def name(self) -> str: ...

    @property
    def tracks(self) -> tuple[Op | type[Op], ...]: ...

    def __call__(self, node: Apply) -> Replacement: ...


class FunctionRule:
    """A rule written as a Python function of the node, certified on its examples.

    examples: functions without arguments that return (inputs, outputs) of a small graph on which the rule must fire.
    reason: why SymPy has nothing to prove here (for instance because the rule moves data and computes nothing).
    """

    def __init__(
        self,
        function: Callable[[Apply], Replacement],
        tracks: tuple[Op | type[Op], ...],
        examples: Sequence[Callable[[], Any]],
        reason: str,
    ):
        self.name = function.__name__
        self.tracks = tracks
        self.examples = tuple(examples)
        self.reason = reason
        self.doc = (function.__doc__ or "").strip()
        self._function = function

    def __call__(self, node: Apply) -> Replacement:
        return self._function(node)

    def __repr__(self) -> str:
        return f"rule {self.name}"


class NestedRule(FunctionRule):
    """A rule for nodes with graphs inside: its function takes the node and the rules that it stands among."""

    def __init__(
        self,
        name: str,
        function: Callable[[Apply, RuleIndex], Replacement],
        tracks: tuple[Op | type[Op], ...],
        examples: Sequence[Callable[[], Any]],
        reason: str,
    ):
        super().__init__(lambda node: None, tracks, examples, reason)
        self.name, self.doc, self._nested = name, (function.__doc__ or "").strip(), function

    def within(self, index: RuleIndex) -> NestedRule:
        """This rule among the rules of `index`."""
        bound = copy.copy(self)
        bound._function = lambda node: self._nested(node, index)
        return bound


def rule(
    *tracks: Op | type[Op],
    examples: Sequence[Callable[[], Any]] = (),
    reason: str = "it moves data, it computes nothing",
) -> Callable[[Callable[[Apply], Replacement]], FunctionRule]:
    """Makes a function of a node a rule, tried on nodes whose op is one of `tracks` (ops or classes of ops)."""

    def decorate(function: Callable[[Apply], Replacement]) -> FunctionRule:
        return FunctionRule(function, tracks, examples, reason)

    return decorate


class RuleIndex:
    """Rules in order of precedence, found by op in constant time."""

    def __init__(self, rules: Sequence[Rule]):
        self.rules = tuple(r.within(self) if isinstance(r, NestedRule) else r for r in rules)
        self._by_op: dict[Op, tuple[Rule, ...]] = {}
        self._tracked: dict[Any, list[tuple[int, Rule]]] = {}
        for position, one in enumerate(self.rules):
            for track in one.tracks:
                self._tracked.setdefault(track, []).append((position, one))

    def of(self, op: Op) -> tuple[Rule, ...]:
        """The rules to try on a node of `op`, in order."""
        found = self._by_op.get(op)
        if found is None:
            candidates = list(self._tracked.get(op, ()))
            for cls in type(op).__mro__:
                candidates += self._tracked.get(cls, ())
            found = tuple(r for _, r in sorted(dict.fromkeys(candidates), key=lambda c: c[0]))
            if len(self._by_op) < 4096 and not hasattr(type(op), "inner_graphs"):  # graphs are not held on to
                self._by_op[op] = found
        return found
