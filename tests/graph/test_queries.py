"""theano.gof.graph's functions: what lies between inputs and outputs, orders, copies, equality, texts."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.graph import queries as q

x, y = T.dscalars("x", "y")
w = st.shared(1.0, name="w")
s: Any = x + y
e: Any = T.exp(s)
z: Any = e * w


def test_inputs_and_ancestors_in_theanos_order() -> None:
    assert q.inputs([z]) == [x, y, w]
    assert q.inputs([x + 1, z])[:3] == [x, y, w]  # from the last of the list
    assert q.inputs([z], blockers=[e]) == [w]
    assert q.ancestors([z]) == [z, e, s, x, y, w]
    assert q.ancestors([z], blockers=[e]) == [z, e, w]


def test_between() -> None:
    assert set(q.variables([s], [z])) == {s, e, w, z}
    assert q.orphans([x], [z]) == [y, w]
    assert q.ops([s], [z]) == [z.owner, e.owner]
    found, loose = q.variables_and_orphans([x, y, w], [z])
    assert set(found) == {x, y, w, s, e, z} and loose == []
    assert q.list_of_nodes([x, y], [z]) == [z.owner, e.owner, s.owner]
    two = T.max_and_argmax(T.dmatrix(), axis=0)
    assert set(two) <= set(q.variables([], [two[0]]))  # every output of a node


def test_orders() -> None:
    assert q.io_toposort([x, y], [z]) == [s.owner, e.owner, z.owner]
    assert q.io_toposort([s], [z]) == [e.owner, z.owner]
    a, b = x + 1, x * 2
    clients: dict[Any, Any] = {}
    order = q.io_toposort([x], [a, b], orderings={a.owner: [b.owner]}, clients=clients)
    assert [n for n in order if n in (a.owner, b.owner)] == [b.owner, a.owner]
    assert clients[a.owner] == [a]
    with pytest.raises(ValueError, match="cycles"):
        q.io_toposort([x], [a, b], orderings={a.owner: [b.owner], b.owner: [a.owner]})
    assert q.general_toposort([3], lambda n: [n - 1] if n else []) == [0, 1, 2, 3]


def test_stack_search() -> None:
    tree = {1: [2, 3], 2: [4], 3: [4], 4: []}
    assert q.stack_search(deque([1]), tree.get) == [1, 2, 3, 4]
    assert q.stack_search(deque([1]), tree.get, "dfs") == [1, 3, 4, 2]
    assert q.stack_search(deque([1]), tree.get, "bfs", True)[1] == {2: [1], 3: [1], 4: [2, 3]}
    with pytest.raises(ValueError, match="mode"):
        q.stack_search(deque(), tree.get, "best")


def test_is_in_ancestors() -> None:
    assert q.is_in_ancestors(z.owner, s.owner) and q.is_in_ancestors(z.owner, z.owner)
    assert not q.is_in_ancestors(s.owner, z.owner)


@pytest.mark.parametrize(
    ("left", "right", "givens", "same"),
    [
        (x + 1, x + 1, None, True),
        (x + 1, y + 1, None, False),
        (x + 1, y + 1, {x: y}, True),
        (x + 1, y + 1, [(y, x)], True),
        (x + y, y + x, None, False),
        (x * (y * 2), (x * y) * 2, None, False),
        (s * s, (x + y) * (x + y), None, True),
        (w + 1, st.shared(1.0) + 1, None, False),
        (x + 1, x + 2, None, False),
        (T.dmatrix("m").mean(), T.dmatrix("m").mean(), None, False),
    ],
)
def test_is_same_graph(left: Any, right: Any, givens: Any, same: bool) -> None:
    assert q.is_same_graph(left, right, givens) is same


def test_a_mean_is_the_same_by_method_and_function() -> None:
    m = T.dmatrix("m")
    assert q.is_same_graph(m.mean(axis=0), T.mean(m, axis=0))


def test_clones() -> None:
    (a, b), (c,) = q.clone([x, y], [z])
    assert a is not x and a.name == "x" and set(q.inputs([c])) & {x, y} == set()
    assert q.inputs([c])[-1] is not w  # the orphan was copied
    assert q.is_same_graph(c, z, {a: x, b: y, q.inputs([c])[-1]: w})
    (a,), (c,) = q.clone([s], [z], copy_inputs=False)
    assert a is s and q.inputs([c]) == [x, y, w]
    equiv = q.clone_get_equiv([x, y], [z], copy_inputs=True, copy_orphans=False)
    assert equiv[w] is w and equiv[z.owner].outputs[0] is equiv[z] and equiv[z] is not z
    v = T.dscalar("v")
    assert q.clone([], [v], copy_orphans=True)[1][0] is not v


def test_connection_pattern() -> None:
    m = T.dmatrix("m")
    pattern = q.io_connection_pattern([m, x], [m.sum() + x, m.shape[0] + 1, x + y])
    assert pattern == [[True, False, False], [True, False, True]]


def test_view_roots() -> None:
    m = T.dmatrix("m")
    assert q.view_roots(m.T[0]) == [m]
    assert q.view_roots(m + 1)[0].owner is not None


def test_texts() -> None:
    assert q.as_string([x, y], [s]) == ["Elemwise{add,no_inplace}(x, y)"]
    assert q.as_string([s], [z]) == [
        f"Elemwise{{mul,no_inplace}}(Elemwise{{exp,no_inplace}}({s}), w)",
    ]
    name = lambda node, args: f"{node.op.scalar_op.name}({', '.join(args)})"
    assert q.as_string([x, y], [s * e], node_formatter=name) == ["mul(*1 -> add(x, y), exp(*1))"]
    assert q.op_as_string([x, y], e.owner, node_formatter=name) == "exp(add(x, y))"


def test_depth_is_no_limit() -> None:
    deep: Any = x
    for _ in range(3000):
        deep = deep + y
    assert q.inputs([deep]) == [x, y]
    assert len(q.ops([x, y], [deep])) == 3000
    assert q.is_same_graph(deep, q.clone([x, y], [deep], copy_inputs=False)[1][0])
    assert len(q.as_string([x, y], [deep])) == 1
