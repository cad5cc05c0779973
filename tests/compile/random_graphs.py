"""Random expression graphs over awkward arrays, with the value of every variable by its own `perform`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as some

import symtheano as st
import symtheano.tensor as T
from symtheano.graph.interpret import evaluate

LENGTHS = (0, 1, 2, 3, 5)

UNARY: list[Callable[[Any], Any]] = [
    T.tanh, T.sin, T.neg, T.abs_, T.nnet.sigmoid, lambda x: T.exp(-T.sqr(x)), lambda x: T.log1p(T.sqr(x)),
    lambda x: T.sqrt(1 + T.sqr(x)), lambda x: 0.5 * x, lambda x: x - 1.25, lambda x: 2 / (3 + T.sqr(x)),
]  # fmt: skip
BINARY: list[Callable[[Any, Any], Any]] = [
    T.add, T.sub, T.mul, T.maximum, lambda a, b: a / (2 + T.sqr(b)), lambda a, b: T.tanh(a) * T.tanh(b),
    lambda a, b: a - 0.1 * b, T.second,
]  # fmt: skip


@dataclass
class Graph:
    """inputs and shared variables with their values; everything computed; what is asked for."""

    inputs: list[Any] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    shared: list[Any] = field(default_factory=list)
    pool: list[Any] = field(default_factory=list)
    shapes: dict[Any, tuple[int, ...]] = field(default_factory=dict)
    env: dict[Any, Any] = field(default_factory=dict)
    outputs: list[Any] = field(default_factory=list)
    updates: list[tuple[Any, Any]] = field(default_factory=list)

    def add(self, variable: Any) -> Any:
        """Puts a variable in the pool, with its value."""
        (self.env[variable],) = evaluate([variable], self.env)
        self.shapes[variable] = np.shape(self.env[variable])
        self.pool.append(variable)
        return variable


def array(draw: Any, shape: tuple[int, ...], seed: int, dtype: str = "float64") -> Any:
    """An array of this shape with one of the layouts that numpy has."""
    rng = np.random.default_rng(seed)
    layout = draw(some.sampled_from(["c", "f", "negative", "sliced", "stretched"])) if shape else "c"
    if layout == "stretched" and 0 not in shape:
        return np.broadcast_to(rng.normal(size=(1, *shape[1:])).astype(dtype), shape)
    if layout == "negative":
        return rng.normal(size=shape).astype(dtype)[tuple(slice(None, None, -1) for _ in shape)]
    if layout == "sliced":
        whole = rng.normal(size=tuple(2 * n + 1 for n in shape)).astype(dtype)
        return whole[tuple(slice(1, 2 * n + 1, 2) for n in shape)]
    if layout == "f":
        return rng.normal(size=shape[::-1]).astype(dtype).T
    return np.asarray(rng.normal(size=shape), dtype)


def leaves(draw: Any, graph: Graph) -> None:
    """Inputs and shared variables of a few common lengths."""
    lengths = draw(some.lists(some.sampled_from(LENGTHS), min_size=2, max_size=3))
    for k in range(draw(some.integers(2, 5))):
        shape = tuple(draw(some.lists(some.sampled_from([*lengths, 1]), max_size=3)))
        pattern = [n == 1 and draw(some.booleans()) for n in shape]
        value = array(draw, shape, seed=k)
        if draw(some.booleans()):
            leaf = st.shared(value, f"s{k}", broadcastable=pattern, borrow=draw(some.booleans()))
            graph.shared.append(leaf)
        else:
            leaf = T.TensorType("float64", pattern)(f"x{k}")
            graph.inputs.append(leaf)
            graph.values.append(value)
        graph.env[leaf] = value
        graph.add(leaf)


def fits(graph: Graph, a: Any, b: Any) -> bool:
    """Whether two variables go together elementwise."""
    if a.ndim != b.ndim:
        return a.ndim == 0 or b.ndim == 0
    pairs = zip(graph.shapes[a], graph.shapes[b], a.broadcastable, b.broadcastable)
    return all(n == m or p or q for n, m, p, q in pairs)


def step(draw: Any, graph: Graph) -> None:
    """One more operation on variables of the pool."""
    x = draw(some.sampled_from(graph.pool))
    kind = draw(some.sampled_from(["binary", *_KINDS]))
    graph.add(_KINDS[kind](draw, graph, x))


def _unary(draw: Any, graph: Graph, x: Any) -> Any:
    return draw(some.sampled_from(UNARY))(x)


def _binary(draw: Any, graph: Graph, x: Any) -> Any:
    y = draw(some.sampled_from([v for v in graph.pool if fits(graph, x, v)]))
    return draw(some.sampled_from(BINARY))(x, y)


def _switch(draw: Any, graph: Graph, x: Any) -> Any:
    leaf = draw(some.sampled_from([*graph.inputs, *graph.shared]))  # leaves only: other values may differ by rounding
    others = [v for v in graph.pool if fits(graph, x, v) and fits(graph, leaf, v)]
    return T.switch(leaf > 0.1, x, draw(some.sampled_from(others))) if others and fits(graph, leaf, x) else T.tanh(x)


def _reduce(draw: Any, graph: Graph, x: Any) -> Any:
    if x.ndim == 0:
        return T.sqr(x)
    axis = draw(some.sampled_from([None, *range(x.ndim)]))
    keep = draw(some.booleans())
    empty = 0 in graph.shapes[x]
    functions = [T.sum, T.prod] if empty else [T.sum, T.mean, T.max, T.min]
    return draw(some.sampled_from(functions))(T.tanh(x), axis=axis, keepdims=keep)


def _dot(draw: Any, graph: Graph, x: Any) -> Any:
    if x.ndim not in (1, 2):
        return x * 2
    length = graph.shapes[x][-1]
    others = [v for v in graph.pool if v.ndim in (1, 2) and graph.shapes[v][0] == length]
    return T.tanh(T.dot(x, draw(some.sampled_from([*others, x.T]))) if others or x.ndim == 2 else T.dot(x, x))


def _shuffle(draw: Any, graph: Graph, x: Any) -> Any:
    kept = [k for k in range(x.ndim) if not x.broadcastable[k] or draw(some.booleans())]
    order: list[Any] = list(draw(some.permutations(kept)))
    if len(order) < 3 and draw(some.booleans()):
        order.insert(draw(some.integers(0, len(order))), "x")
    return x.dimshuffle(order)


def _index(draw: Any, graph: Graph, x: Any) -> Any:
    if x.ndim == 0:
        return x
    n = graph.shapes[x][0]
    keys: list[Any] = [slice(None, None, -1), slice(1, None), slice(None, None, 2), slice(-2, None)]
    keys.append((Ellipsis, slice(None, 2)))
    if n:
        keys += [0, -1, np.array([0, n - 1, 0]), (None, 0)]
    return x[draw(some.sampled_from(keys))]


def _join(draw: Any, graph: Graph, x: Any) -> Any:
    if x.ndim == 0:
        return T.stack([x, x * 2])
    axis = draw(some.integers(0, x.ndim - 1))
    same = [v for v in graph.pool if v.ndim == x.ndim and v.broadcastable == x.broadcastable]
    shape = list(graph.shapes[x])
    others = [v for v in same if all(n == m or k == axis for k, (n, m) in enumerate(zip(shape, graph.shapes[v])))]
    return T.concatenate([x, draw(some.sampled_from(others)), x], axis=axis)


def _write(draw: Any, graph: Graph, x: Any) -> Any:
    if x.ndim == 0 or x.broadcastable[0]:
        return x.flatten() if x.ndim else x
    write = draw(some.sampled_from([T.set_subtensor, T.inc_subtensor]))
    return write(x[:1], 0.5) if draw(some.booleans()) else write(x[::2], T.tanh(x[::2]))


_KINDS: dict[str, Callable[[Any, Graph, Any], Any]] = {
    "unary": _unary, "binary": _binary, "reduce": _reduce, "dot": _dot, "shuffle": _shuffle, "index": _index,
    "join": _join, "write": _write, "switch": _switch,
}  # fmt: skip


@some.composite
def graphs(draw: Any, gradients: bool = False) -> Graph:
    """A graph with outputs and updates; with `gradients`, those of a cost are among its variables."""
    graph = Graph()
    leaves(draw, graph)
    for _ in range(draw(some.integers(1, 9))):
        step(draw, graph)
    if gradients:
        cost = sum(T.sum(T.tanh(v)) for v in graph.pool[-3:])
        wrt = [*graph.inputs, *graph.shared]
        for g in st.grad(cost, wrt, disconnected_inputs="ignore"):
            graph.add(g)
    graph.outputs = draw(some.lists(some.sampled_from(graph.pool), min_size=1, max_size=4))
    for s in graph.shared:
        fitting = [v for v in graph.pool if v.type == s.type]
        if draw(some.booleans()):
            value = draw(some.sampled_from(fitting))
            if fits(graph, s, value) and draw(some.booleans()):
                value = graph.add(s - 0.1 * value)  # others may read the new value
                graph.add(T.tanh(value))
            graph.updates.append((s, value))
    return graph
