"""Walks over graphs: order, ancestors, substitution, comparison. All iterative, all in deterministic order."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from symtheano.graph.variable import Apply, Constant, Variable


def toposort(outputs: Iterable[Variable], blockers: Collection[Variable] = ()) -> list[Apply]:
    """The nodes that `outputs` need, each after the nodes it reads; nothing above `blockers`."""
    order: list[Apply] = []
    done: set[Apply] = set()
    blocked = set(blockers)
    for output in outputs:
        if output in blocked or output.owner is None or output.owner in done:
            continue
        stack: list[tuple[Apply, int]] = [(output.owner, 0)]
        entered = {output.owner}
        while stack:
            node, position = stack.pop()
            inputs = node.inputs
            while position < len(inputs):
                variable = inputs[position]
                position += 1
                owner = variable.owner
                if owner is not None and owner not in done and variable not in blocked and owner not in entered:
                    stack.append((node, position))
                    stack.append((owner, 0))
                    entered.add(owner)
                    break
            else:
                done.add(node)
                order.append(node)
    return order


def ancestors(variables: Iterable[Variable], blockers: Collection[Variable] = ()) -> list[Variable]:
    """`variables` and everything they are computed from, in order of discovery (depth first)."""
    blocked, seen, order = set(blockers), set[Variable](), list[Variable]()
    stack = list(reversed(list(variables)))
    while stack:
        variable = stack.pop()
        if variable in seen:
            continue
        seen.add(variable)
        order.append(variable)
        if variable.owner is not None and variable not in blocked:
            stack.extend(reversed(variable.owner.inputs))
    return order


def graph_inputs(variables: Iterable[Variable], blockers: Collection[Variable] = ()) -> list[Variable]:
    """The ancestors without owner (inputs, shared variables, constants), in order of discovery."""
    blocked = set(blockers)
    return [v for v in ancestors(variables, blocked) if v.owner is None or v in blocked]


def substitute(
    outputs: Sequence[Variable], replacements: Mapping[Variable, Variable], strict: bool = True
) -> list[Variable]:
    """`outputs` with variables replaced, all at once; nodes above which nothing changes are shared, not copied."""
    if not replacements:
        return list(outputs)
    env = dict(replacements)
    for node in toposort(outputs, blockers=replacements):
        inputs = [env.get(i, i) for i in node.inputs]
        if all(new is old for new, old in zip(inputs, node.inputs, strict=True)):
            continue
        for old, out in zip(node.outputs, node.clone_with_new_inputs(inputs, strict).outputs, strict=True):
            env.setdefault(old, out)
    return [env.get(o, o) for o in outputs]


def equal_computations(
    xs: Sequence[Variable],
    ys: Sequence[Variable],
    in_xs: Sequence[Variable] | None = None,
    in_ys: Sequence[Variable] | None = None,
) -> bool:
    """Whether `xs` of `in_xs` are the same expressions as `ys` of `in_ys` (ops equal, constants equal)."""
    if len(xs) != len(ys):
        return False
    same: dict[Variable, Variable] = dict(zip(in_xs or (), in_ys or (), strict=True))
    for left, right in zip(toposort(xs, same), _paired_order(xs, ys, same), strict=False):
        if right is None or left.op != right.op or len(left.inputs) != len(right.inputs):
            return False
        if not all(_same(i, j, same) for i, j in zip(left.inputs, right.inputs, strict=True)):
            return False
        same.update(zip(left.outputs, right.outputs, strict=True))
    return all(_same(x, y, same) for x, y in zip(xs, ys, strict=True))


def _same(x: Variable, y: Variable, same: Mapping[Variable, Variable]) -> bool:
    if x in same:
        return same[x] is y
    if isinstance(x, Constant):
        return x is y or x.equals(y)
    return x is y


def _paired_order(
    xs: Sequence[Variable], ys: Sequence[Variable], known: Mapping[Variable, Variable]
) -> list[Apply | None]:
    """For each node of `toposort(xs)`, the node met at the same place when walking `ys` in step with `xs`."""
    partner: dict[Apply, Apply | None] = {}
    stack = [(x, y) for x, y in zip(xs, ys, strict=True)]
    while stack:
        x, y = stack.pop()
        if x in known or x.owner is None or x.owner in partner:
            continue
        partner[x.owner] = y.owner if y.owner is not None and x.index == y.index else None
        if y.owner is not None and len(y.owner.inputs) == len(x.owner.inputs):
            stack.extend(zip(x.owner.inputs, y.owner.inputs, strict=True))
    return [partner.get(node) for node in toposort(xs, known)]
