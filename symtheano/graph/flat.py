"""Pickling deep graphs without deep recursion: what a variable depends on is written before it, bottom-up.

A pickler follows references, and a chain of 10,000 nodes is 20,000 references deep. So a variable hands the pickler its
ancestors first, in topological order: each then finds its own inputs written already. Inside that list variables are
written as they are; the flag says so, for the thread that is pickling.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

FEW = 50  # nodes that may be left to the pickler's own recursion


class _Progress(threading.local):
    active: bool = False


_progress = _Progress()


class Below:
    """The nodes below a variable, as a value whose pickle is written node by node."""

    def __init__(self, nodes: list[Any]):
        self.nodes = nodes

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (), None, self._one_by_one()

    def _one_by_one(self) -> Iterator[Any]:
        _progress.active = True
        try:
            yield from self.nodes
        finally:
            _progress.active = False


def reduced(variable: Any) -> tuple[Any, ...] | None:
    """How to pickle (or copy) a variable with a deep graph; None where nothing special is needed."""
    if _progress.active or variable.owner is None:
        return None
    nodes = nodes_below(variable)
    return (_new, (type(variable), Below(nodes)), variable.__getstate__()) if len(nodes) > FEW else None


def _new(kind: Any, below: Any) -> Any:
    return kind.__new__(kind)


def nodes_below(variable: Any) -> list[Any]:
    """The nodes that the inputs of the variable's own node depend on, in topological order."""
    order: list[Any] = []
    done: set[Any] = set()
    stack = [(i.owner, False) for i in variable.owner.inputs if i.owner is not None]
    while stack:
        node, ready = stack.pop()
        if node in done:
            continue
        if ready:
            done.add(node)
            order.append(node)
            continue
        stack.append((node, True))
        stack.extend((i.owner, False) for i in node.inputs if i.owner is not None and i.owner not in done)
    return order
