"""FunctionGraph: a closed, immutable, interned graph. Equal nodes are one node, so merging is not a pass.

Rewriting builds a new FunctionGraph bottom-up. A rule looks only at its node and below; its replacement is visited
again before anyone reads it, so one pass reaches the fixpoint of the rules, in time linear in the graph.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from symtheano.errors import CheckError, MissingInputError, NullTypeGradError, RewriteError, explain
from symtheano.graph.null import NullType
from symtheano.graph.rule import RuleIndex
from symtheano.graph.trace import derived_from, set_line
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.graph.walk import toposort


class FunctionGraph:
    """`outputs` as a function of `inputs`.

    inputs: variables without owner, one for each of the user's. outputs: variables of this graph.
    nodes: in topological order. updates: output position -> position of the input (a shared variable) it replaces.
    """

    def __init__(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], updates: Mapping[int, int] | None = None
    ):
        closing = _Closing(_leaves(inputs), RuleIndex(()))
        self._finish(closing, tuple(closing.map[i] for i in inputs), outputs, updates or {})

    def _finish(
        self,
        closing: _Closing,
        inputs: tuple[Variable, ...],
        outputs: Sequence[Variable],
        updates: Mapping[int, int],
    ) -> None:
        self.inputs = inputs
        self.outputs = tuple(closing.resolve(outputs))
        self.updates = dict(updates)
        self.nodes = tuple(toposort(self.outputs))
        self.fired = closing.fired
        self._users: dict[Variable, list[Apply]] | None = None

    def rewrite(self, rules: RuleIndex | Sequence[Any]) -> FunctionGraph:
        """The graph in the normal form of `rules`."""
        index = rules if isinstance(rules, RuleIndex) else RuleIndex(tuple(rules))
        new = FunctionGraph.__new__(FunctionGraph)
        closing = _Closing({i: i for i in self.inputs}, index, interned=self.nodes)
        new._finish(closing, self.inputs, self.outputs, self.updates)
        return new

    def with_outputs(self, outputs: Sequence[Variable], updates: Mapping[int, int]) -> FunctionGraph:
        """The same inputs with other outputs (variables of this graph)."""
        new = FunctionGraph.__new__(FunctionGraph)
        closing = _Closing({i: i for i in self.inputs}, RuleIndex(()), interned=self.nodes)
        new._finish(closing, self.inputs, outputs, updates)
        return new

    def toposort(self) -> list[Apply]:
        """The nodes in topological order."""
        return list(self.nodes)

    @property
    def apply_nodes(self) -> set[Apply]:
        """The nodes as a set (Theano's name)."""
        return set(self.nodes)

    @property
    def variables(self) -> set[Variable]:
        """All variables of the graph, inputs and constants included."""
        found = set(self.inputs) | set(self.outputs)
        for node in self.nodes:
            found.update(node.inputs, node.outputs)
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        """A flat list of nodes: graphs of any depth pickle without recursion."""
        place: dict[Variable, int] = {v: k for k, v in enumerate([*self.inputs, *self.constants()])}
        leaves = [(type(v), v.type, v.name, v.line, getattr(v, "data", None)) for v in place]
        rows = []
        for node in self.nodes:
            rows.append((node.op, [place[i] for i in node.inputs], [(o.type, o.name, o.line) for o in node.outputs]))
            for o in node.outputs:
                place[o] = len(place)
        return _unpickle, (len(self.inputs), leaves, rows, [place[o] for o in self.outputs], self.updates)

    def users(self, variable: Variable) -> list[Apply]:
        """The nodes that read `variable`, in topological order."""
        if self._users is None:
            self._users = {}
            for node in self.nodes:
                for i in dict.fromkeys(node.inputs):
                    self._users.setdefault(i, []).append(node)
        return self._users.get(variable, [])

    def constants(self) -> list[Constant]:
        """The constants the graph reads, in order of use."""
        found = dict.fromkeys(i for node in self.nodes for i in node.inputs if isinstance(i, Constant))
        found.update(dict.fromkeys(o for o in self.outputs if isinstance(o, Constant)))
        return list(found)

    def check(self) -> None:
        """Raises CheckError where an invariant of closed graphs does not hold."""
        known = set(self.inputs)
        if any(i.owner is not None for i in self.inputs):
            raise CheckError("an input of a FunctionGraph has an owner")
        keys = set()
        for node in self.nodes:
            for i in node.inputs:
                if i not in known and not isinstance(i, Constant):
                    raise CheckError(f"{node} reads {i}, which is not computed before it")
            key = (node.op, tuple(node.inputs))
            if key in keys:
                raise CheckError(f"{node} stands twice in the graph")
            keys.add(key)
            known.update(node.outputs)
        if any(o not in known and not isinstance(o, Constant) for o in self.outputs):
            raise CheckError("an output of the FunctionGraph is computed by none of its nodes")
        for position, target in self.updates.items():
            if self.outputs[position].type != self.inputs[target].type:
                raise CheckError(f"update {position} has another type than the input {target} it replaces")

    def __str__(self) -> str:
        names: dict[Variable, str] = {v: f"x{k}" for k, v in enumerate(self.inputs)}
        lines = [f"inputs: {', '.join(f'{names[v]}: {v.type}{_named(v)}' for v in self.inputs)}"]

        def ref(v: Variable) -> str:
            return str(v) if isinstance(v, Constant) and v not in names else names[v]

        for node in self.nodes:
            names.update([(o, f"v{len(names) + k}") for k, o in enumerate(node.outputs)])
            left = ", ".join(f"{names[o]}: {o.type}{_named(o)}" for o in node.outputs)
            lines.append(f"{left} = {node.op}({', '.join(map(ref, node.inputs))})")
            for inner in getattr(node.op, "inner_graphs", ()):
                lines += [f"  {line}" for line in str(inner).splitlines()]
        lines.append(f"outputs: {', '.join(map(ref, self.outputs))}")
        lines += [f"update: {names[self.inputs[i]]} <- {ref(self.outputs[o])}" for o, i in self.updates.items()]
        return "\n".join(lines)


def _unpickle(
    count: int, leaves: list[Any], rows: list[Any], outputs: list[int], updates: dict[int, int]
) -> FunctionGraph:
    made: list[Variable] = []
    for cls, kind, name, line, data in leaves:
        leaf = kind.constant_class(kind, data, name) if issubclass(cls, Constant) else kind.make_variable(name)
        leaf.line = line
        made.append(leaf)
    inputs = made[:count]
    for op, args, outs in rows:
        node = Apply(op, [made[k] for k in args], [kind.make_variable(name) for kind, name, _ in outs])
        for out, (_, _, line) in zip(node.outputs, outs, strict=True):
            out.line = line
        made.extend(node.outputs)
    return FunctionGraph(inputs, [made[k] for k in outputs], updates)


def _named(v: Variable) -> str:
    return f" {v.name!r}" if v.name else ""


def _leaves(inputs: Sequence[Variable]) -> dict[Variable, Variable]:
    """A fresh variable without owner for each of the user's inputs."""
    leaves: dict[Variable, Variable] = {}
    for v in inputs:
        if v not in leaves:
            leaf = v.type.make_variable(v.name)
            leaf.line = v.line
            _tag(leaf, v)
            leaves[v] = leaf
    return leaves


def _tag(new: Variable, old: Variable) -> None:
    """What users keep with a variable is also with its copy: clients walk the graphs of loops to find it."""
    if "_tag" in old.__dict__:
        new.tag = copy.copy(old.tag)


class _Closing:
    """The growing table of interned nodes, and the map from source variables to their normal form."""

    def __init__(self, leaves: dict[Variable, Variable], rules: RuleIndex, interned: Sequence[Apply] = ()):
        self.map: dict[Variable, Variable] = dict(leaves)
        self.map.update((leaf, leaf) for leaf in leaves.values())
        self.rules = rules
        self.fired: Counter[str] = Counter()
        self._own = set(interned)
        self._nodes: dict[Any, Apply] = {}
        self._constants: dict[Any, Constant] = {}
        self._pending: dict[Apply, tuple[list[Variable], Apply]] = {}  # source -> (replacement, interned)
        self._waiting: dict[Apply, str] = {}  # interned node whose replacement is being resolved -> rule
        self._fuel = 10_000 + 200 * len(interned)

    def resolve(self, roots: Sequence[Variable]) -> list[Variable]:
        """The normal forms of `roots`."""
        with derived_from(None):
            stack = list(reversed(roots))
            while stack:
                if stack[-1] in self.map:
                    stack.pop()
                    continue
                missing = self._step(stack[-1])
                for v in missing:
                    if v.owner is not None and v.owner in self._pending:
                        raise RewriteError(self._cycle(v.owner))
                stack.extend(reversed(missing))
        return [self.map[r] for r in roots]

    def _step(self, v: Variable) -> list[Variable]:
        """Resolves `v` if what it reads is resolved; otherwise says what must be resolved first."""
        node, known = v.owner, self.map
        if node is None:
            known[v] = self._leaf(v)
            return []
        if node.op.stands_for is not None:
            target = node.inputs[node.op.stands_for]
            if target in known:
                self._link(node, [known[target]])
            return [] if target in known else [target]
        if node in self._pending:
            missing = [t for t in self._pending[node][0] if t not in known]
            if not missing:
                self._finish_pending(node)
            return missing
        missing = [i for i in node.inputs if i not in known]
        if missing:
            return missing
        new = self._intern(node, [known[i] for i in node.inputs])
        if new.outputs[0] in known:
            self._link(node, [known[o] for o in new.outputs])
            return []
        if new in self._waiting:
            raise RewriteError(self._cycle(new))
        targets, name = self._apply_rules(new)
        if name is None:
            known.update((o, o) for o in new.outputs)
            self._link(node, new.outputs)
            return []
        self._waiting[new] = name
        self._pending[node] = (targets, new)
        return [t for t in targets if t not in known]

    def _finish_pending(self, node: Apply) -> None:
        targets, new = self._pending.pop(node)
        del self._waiting[new]
        resolved = [self.map[t] for t in targets]
        self._link(node, resolved)
        if new is not node:
            self._link(new, resolved)

    def _link(self, node: Apply, targets: Sequence[Variable]) -> None:
        """The outputs of `node` are `targets` from now on; the user's names go along."""
        for o, target in zip(node.outputs, targets, strict=True):
            self.map[o] = target
            if target.name is None and o.name is not None and target.owner is not None:
                target.name = o.name

    def _leaf(self, v: Variable) -> Variable:
        if isinstance(v, Constant):
            return self._constants.setdefault(v.signature(), v)
        if isinstance(v.type, NullType):
            raise NullTypeGradError(
                explain(
                    f"This gradient has no value: {v.type.why_null}",
                    operands=[f"{v}: {v.type}"],
                    where=str(v.line or ""),
                    remedy="leave it out of the outputs; gradients made with null_gradients='return' may be such",
                )
            )
        raise MissingInputError(
            explain(
                f"Input {v} of the graph was not provided and not given a value.",
                operands=[f"{v}: {v.type}"],
                where=str(v.line or ""),
                remedy=f"add {v} to the inputs, give it a value with givens, or make it a shared variable",
            )
        )

    def _intern(self, node: Apply, inputs: list[Variable]) -> Apply:
        """The one node of this op on these (resolved) inputs."""
        key = (node.op, tuple(inputs))
        found = self._nodes.get(key)
        if found is None:
            if node in self._own and all(a is b for a, b in zip(inputs, node.inputs, strict=True)):
                found = node
            else:
                found = self._copy(node, inputs)
                key = (found.op, tuple(found.inputs))
            found = self._nodes.setdefault(key, found)
        return found

    def _copy(self, node: Apply, inputs: list[Variable]) -> Apply:
        set_line(node.trace)
        if all(a.type.same_as(b.type) for a, b in zip(inputs, node.inputs, strict=True)):
            new = Apply(node.op, inputs, [o.type.make_variable() for o in node.outputs])
        else:
            made = node.op.make_node(*inputs)
            if any(i not in self.map for i in made.inputs):  # the type rule added conversions: keep the old types
                made = Apply(node.op, inputs, [o.type.make_variable() for o in node.outputs])
            new = made
        for old, out in zip(node.outputs, new.outputs, strict=True):
            out.name, out.line = old.name, old.line
            _tag(out, old)
        return new

    def _apply_rules(self, node: Apply) -> tuple[list[Variable], str | None]:
        """The replacement of `node` by the first rule that fires, and that rule's name."""
        set_line(node.trace)
        for rule in self.rules.of(node.op):
            result = rule(node)
            if result is None:
                continue
            targets: list[Variable] = [result] if isinstance(result, Variable) else list(result)
            if len(targets) != len(node.outputs):
                raise RewriteError(
                    f"rule {rule.name} gave {len(targets)} variables for the {len(node.outputs)} of {node}"
                )
            if all(t is o for t, o in zip(targets, node.outputs, strict=True)):
                continue
            for position, (target, o) in enumerate(zip(targets, node.outputs, strict=True)):
                if target.type != o.type:
                    targets[position] = self._converted(rule.name, target, o)
            self.fired[rule.name] += 1
            self._fuel -= 1
            if self._fuel < 0:
                raise RewriteError(f"rewriting does not end: rule {rule.name} fires again and again, last on {node}")
            return targets, rule.name
        return [], None

    @staticmethod
    def _converted(name: str, target: Variable, old: Variable) -> Any:
        try:
            return old.type.filter_variable(target)
        except TypeError as error:
            raise RewriteError(f"rule {name} replaced {old.owner} of {old.type} by a {target.type}") from error

    def _cycle(self, node: Apply) -> str:
        names = ", ".join(dict.fromkeys(self._waiting.values()))
        return f"rewriting goes in a circle at {node}: each of these rules undoes another: {names}"
