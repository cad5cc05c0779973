"""Questions about graphs, as Theano's gof.graph asks them: what lies between inputs and outputs, and in which order."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.op import connection_pattern
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.graph.walk import ancestors as _ancestors
from symtheano.graph.walk import graph_inputs, substitute, toposort

__all__ = [
    "ancestors",
    "as_string",
    "clone",
    "clone_get_equiv",
    "default_leaf_formatter",
    "default_node_formatter",
    "general_toposort",
    "inputs",
    "io_connection_pattern",
    "io_toposort",
    "is_in_ancestors",
    "is_same_graph",
    "list_of_nodes",
    "op_as_string",
    "ops",
    "orphans",
    "stack_search",
    "variables",
    "variables_and_orphans",
    "view_roots",
]


def stack_search(
    start: deque[Any], expand: Callable[[Any], Iterable[Any] | None], mode: str = "bfs", build_inv: bool = False
) -> Any:
    """What can be reached from `start` through `expand(item)`, each item once, in the order of the search.

    mode: "bfs" or "dfs" (which takes `start` from its end). build_inv: also return a dict from each item to the items
    whose expansion has it. `start` is empty afterwards. ValueError for another mode.
    """
    if mode not in ("bfs", "dfs"):
        raise ValueError("mode should be bfs or dfs", mode)
    pop = start.popleft if mode == "bfs" else start.pop
    seen: set[int] = set()
    found: list[Any] = []
    inverse: dict[Any, list[Any]] = {}
    while start:
        item = pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        found.append(item)
        next_items = list(expand(item) or ())
        if build_inv:
            for each in next_items:
                inverse.setdefault(each, []).append(item)
        start.extend(next_items)
    return (found, inverse) if build_inv else found


def ancestors(variable_list: Iterable[Variable], blockers: Collection[Variable] | None = None) -> list[Variable]:
    """The variables that those of the list depend on, with themselves; nothing above `blockers`.

    The order is Theano's: depth first, from the last variable of the list to the first.
    """
    return _ancestors(reversed(list(variable_list)), blockers or ())


def inputs(variable_list: Iterable[Variable], blockers: Collection[Variable] | None = None) -> list[Variable]:
    """Those of `ancestors` that nothing computes: inputs, shared variables and constants.

    >>> import symtheano.tensor as T
    >>> x, y = T.dscalars("x", "y")
    >>> inputs([x + y, y * 2])
    [y, TensorConstant{2}, x]
    """
    return [v for v in ancestors(variable_list, blockers) if v.owner is None]


def _between(i: Collection[Variable], o: Iterable[Variable]) -> tuple[list[Variable], list[Apply]]:
    """The variables and nodes that lead from `i` to `o`, in order of discovery, with `i` and `o`."""
    stop = set(i)
    found: dict[Variable, None] = {}
    nodes: dict[Apply, None] = {}
    for v in [*i, *_ancestors(list(o), stop)]:
        if v not in stop and v.owner is not None and v.owner not in nodes:
            nodes[v.owner] = None
            found.update(dict.fromkeys(v.owner.outputs))
        found[v] = None
    return list(found), list(nodes)


def variables_and_orphans(i: Collection[Variable], o: Iterable[Variable]) -> tuple[list[Variable], list[Variable]]:
    """`variables(i, o)` and `orphans(i, o)`."""
    found, _ = _between(i, o)
    stop = set(i)
    return found, [v for v in found if v.owner is None and v not in stop]


def variables(i: Collection[Variable], o: Iterable[Variable]) -> list[Variable]:
    """All variables of the graph from `i` to `o`, with `i`, `o` and every output of its nodes."""
    return _between(i, o)[0]


def orphans(i: Collection[Variable], o: Iterable[Variable]) -> list[Variable]:
    """The variables that `o` depends on, that nothing computes and that are not in `i`."""
    return variables_and_orphans(i, o)[1]


def ops(i: Collection[Variable], o: Iterable[Variable]) -> list[Apply]:
    """The nodes between `i` and `o`."""
    return _between(i, o)[1]


def list_of_nodes(inputs: Collection[Variable], outputs: Iterable[Variable]) -> list[Apply]:
    """The nodes between `inputs` and `outputs`, breadth first from the outputs."""
    start = deque(o.owner for o in outputs if o.owner is not None)
    stop = set(inputs)

    def expand(node: Apply) -> list[Apply]:
        owners = [v.owner for v in node.inputs if v.owner is not None]
        return [owner for owner in owners if not stop & set(owner.outputs)]

    found: list[Apply] = stack_search(start, expand)
    return found


def io_toposort(
    inputs: Collection[Variable],
    outputs: Sequence[Variable],
    orderings: Mapping[Any, Sequence[Any]] | None = None,
    clients: dict[Any, list[Any]] | None = None,
) -> list[Apply]:
    """The nodes between `inputs` and `outputs`, each after those that it reads.

    orderings: nodes (or variables) that must come first, by node. clients: a dict that gets the readers of each
    node and variable. ValueError where there is a cycle.
    """
    if not orderings and clients is None:
        return toposort(outputs, inputs)
    stop, extra = set(inputs), orderings or {}

    def needs(item: Any) -> list[Any]:
        before: list[Any] = []
        if item not in stop:
            if isinstance(item, Variable):
                before = [] if item.owner is None else [item.owner]
            else:
                before = list(item.inputs)
        return [*before, *extra.get(item, ())]

    return [item for item in general_toposort(outputs, needs, clients=clients) if isinstance(item, Apply)]


def general_toposort(
    outputs: Sequence[Any],
    deps: Callable[[Any], Iterable[Any] | None],
    debug_print: bool = False,
    compute_deps_cache: Callable[[Any], Iterable[Any] | None] | None = None,
    deps_cache: dict[Any, Any] | None = None,
    clients: dict[Any, list[Any]] | None = None,
) -> list[Any]:
    """What `outputs` need by way of `deps(item)`, each item after its dependencies.

    clients: a dict that gets the items that depend on each item. ValueError where there is a cycle.
    """
    ask = compute_deps_cache or deps
    reachable, readers = stack_search(deque(outputs), ask, "dfs", True)
    if clients is not None:
        clients.update(readers)
    waiting = {item: len(set(ask(item) or ())) for item in reachable}
    ready = deque(item for item in reachable if not waiting[item])
    order = []
    while ready:
        item = ready.popleft()
        order.append(item)
        for reader in dict.fromkeys(readers.get(item, ())):
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    if len(order) != len(reachable):
        raise ValueError("graph contains cycles")
    return order


def is_in_ancestors(l_node: Apply, f_node: Apply) -> bool:
    """Whether `l_node` is `f_node`, or needs it."""
    return l_node is f_node or f_node in set(toposort(l_node.inputs))


def is_same_graph(var1: Variable, var2: Variable, givens: Any = None, debug: bool = False) -> bool:
    """Whether both variables are the same computation of the same inputs, with equal ops and constants.

    givens: replacements (a dict, or pairs) to make first, in both. The order of operands matters: x + y is not y + x.

    >>> import symtheano.tensor as T
    >>> x, y = T.dscalars("x", "y")
    >>> is_same_graph(x + 1, x + 1), is_same_graph(x + 1, y + 1), is_same_graph(x + 1, y + 1, {x: y})
    (True, False, True)
    """
    both = substitute([var1, var2], dict(givens or {}), strict=False)
    leaves = [v for v in graph_inputs(both) if not isinstance(v, Constant)]
    closed = FunctionGraph(leaves, both)
    return closed.outputs[0] is closed.outputs[1]


def clone(
    i: Sequence[Variable], o: Sequence[Variable], copy_inputs: bool = True, copy_orphans: bool | None = None
) -> tuple[list[Variable], list[Variable]]:
    """Copies of the inputs and outputs of a graph, and of all that is between. copy_orphans: default as copy_inputs."""
    equiv = clone_get_equiv(i, o, copy_inputs, copy_inputs if copy_orphans is None else copy_orphans)
    return [equiv[v] for v in i], [equiv[v] for v in o]


def clone_get_equiv(
    inputs: Sequence[Variable],
    outputs: Sequence[Variable],
    copy_inputs: bool = True,
    copy_orphans: bool = True,
    memo: dict[Any, Any] | None = None,
) -> dict[Any, Any]:
    """A dict from the variables and nodes of a graph to those of a copy of it.

    memo: copies that are there already; it gets the new ones, and is what is returned.
    """
    equiv: dict[Any, Any] = {} if memo is None else memo
    for v in inputs:
        new = v
        if copy_inputs:
            new = v.clone()
            new.owner, new.index = None, None
        equiv.setdefault(v, new)
    for node in toposort(outputs, inputs):
        for v in node.inputs:
            if v not in equiv:  # an orphan: nodes come after those that they read
                equiv[v] = v.clone() if copy_orphans else v
        if node in equiv:
            continue
        new_node = node.copy_with_inputs([equiv[v] for v in node.inputs])
        equiv[node] = new_node
        for old, out in zip(node.outputs, new_node.outputs, strict=True):
            equiv.setdefault(old, out)
    for v in outputs:
        if v not in equiv:
            equiv[v] = v.clone() if copy_orphans else v
    return equiv


def io_connection_pattern(inputs: Sequence[Variable], outputs: Sequence[Variable]) -> list[list[bool]]:
    """`[input][output]`: whether the output's value depends on the input's, through ops that say it does."""
    reached: dict[Variable, set[int]] = {v: {k} for k, v in enumerate(inputs)}
    for node in toposort(outputs, inputs):
        pattern = connection_pattern(node)
        for position, out in enumerate(node.outputs):
            sources = [reached.get(v, set()) for v, row in zip(node.inputs, pattern, strict=True) if row[position]]
            reached.setdefault(out, set().union(*sources))
    return [[k in reached.get(o, ()) for o in outputs] for k in range(len(inputs))]


def view_roots(r: Variable) -> list[Variable]:
    """The variables whose memory `r` may be a view of: those that no view map leads further from."""
    roots, stack = [], [r]
    while stack:
        v = stack.pop()
        view = {} if v.owner is None else getattr(v.owner.op, "view_map", {})
        if v.owner is not None and v.index in view:
            stack.extend(v.owner.inputs[k] for k in reversed(view[v.index]))
        else:
            roots.append(v)
    return roots


default_leaf_formatter: Callable[[Variable], str] = str


def default_node_formatter(op: Any, argstrings: Sequence[str]) -> str:
    """`op(argument, ...)`; `op` is a node."""
    return f"{op.op}({', '.join(argstrings)})"


def as_string(
    i: Collection[Variable],
    o: Sequence[Variable],
    leaf_formatter: Callable[[Variable], str] = default_leaf_formatter,
    node_formatter: Callable[[Any, Sequence[str]], str] = default_node_formatter,
) -> list[str]:
    """The expressions of `o` in terms of `i`, one text for each.

    What several nodes read is written out once, as `*1 -> add(x, y)`, and is `*1` from then on.
    """
    stop, nodes = set(i), toposort(o, i)
    reads = Counter([v.owner for v in o] + [v.owner for node in nodes for v in node.inputs])
    number = {node: k for k, node in enumerate([node for node in nodes if reads[node] > 1], 1)}
    written: set[Apply] = set()
    results: list[str] = []
    stack: list[tuple[Apply | None, list[str], deque[Variable]]] = [(None, results, deque(o))]
    while stack:  # one entry for each node being written: the texts of its arguments so far, and what is left of them
        node, texts, left = stack[-1]
        if left:
            v = left.popleft()
            if v.owner is None or v in stop:
                texts.append(leaf_formatter(v))
            elif v.owner in written:
                texts.append(f"*{number[v.owner]}{_output(v)}")
            else:
                written.add(v.owner)
                stack.append((v.owner, [], deque(v.owner.inputs)))
            continue
        stack.pop()
        if node is not None:
            text = node_formatter(node, texts)
            stack[-1][1].append(f"*{number[node]} -> {text}" if node in number else text)
    return results


def _output(v: Variable) -> str:
    return "" if v.owner is None or len(v.owner.outputs) == 1 else f"::{v.index}"


def op_as_string(
    i: Collection[Variable],
    op: Apply,
    leaf_formatter: Callable[[Variable], str] = default_leaf_formatter,
    node_formatter: Callable[[Any, Sequence[str]], str] = default_node_formatter,
) -> str:
    """The node `op` as text, its inputs in terms of `i`."""
    return node_formatter(op, as_string(i, op.inputs, leaf_formatter, node_formatter))
