"""Compile time, and how it grows with the graph: chains of mixed nodes, attention layers, a deep network."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
import numpy as np

import symtheano as st
import symtheano.tensor as T
from benchmarks.harness import Result, Row, median_row
from symtheano.compile.mode import get_mode
from symtheano.compile.pipeline import Report, compile_graph, rewrite
from symtheano.graph.fgraph import FunctionGraph

mpl.use("Agg")
import matplotlib.pyplot as plt

PICTURE = "benchmarks/compile_scaling.png"
DOCS = Path(__file__).resolve().parents[1] / "docs"
SIZES = (100, 1_000, 10_000)
STAGES = ("build", "grad", "close", "rewrite", "lower")
HOW = """
A chain mixes elementwise functions, products with a shared matrix, reductions and dimshuffles; its size is the number
of nodes the user's code makes. Then the gradient of a scalar cost with respect to three inputs, closing (interning)
the graph, all rewriting phases, and lowering to a planned program and its source. Rewriting is told per node of the
closed graph of cost and gradients. The attention block has 4 layers of 4 heads, layer norm and an MLP, with the
gradient of all its parameters. The narrow network has 50 layers of 8 tanh units; its time runs from the first
symbolic variable to the first result.
"""


# --------------------------------------------------------------------------------------------------------- the graphs


def chain(size: int) -> tuple[list[Any], Any]:
    """Three inputs, and a scalar cost after about `size` nodes."""
    x, w, b = T.matrix("x"), T.matrix("w"), T.vector("b")
    h: Any = x
    made = 1
    while made < size:
        h = T.tanh(T.dot(h, w) + b)  # dot, dimshuffle, add, tanh
        h = h * h.mean(axis=1, keepdims=True)  # sum, shape, cast, true_div, dimshuffle, mul
        h = T.sqrt(h * h + 1.0) - 0.5 * T.sum(h, axis=0).dimshuffle("x", 0)  # mul, add, sqrt, sum, dimshuffle, mul, sub
        made += 17
    return [x, w, b], h.sum()


def layer_norm(h: Any, gain: Any, bias: Any) -> Any:
    """h (batch, time, width) with mean 0 and variance 1 along its last axis."""
    centred = h - h.mean(axis=-1, keepdims=True)
    return gain * centred / T.sqrt(T.sqr(centred).mean(axis=-1, keepdims=True) + 1e-5) + bias


def attention_layer(h: Any, p: dict[str, Any], heads: int, width: int) -> Any:
    """A transformer's layer on h (batch, time, width)."""
    batch, length = h.shape[0], h.shape[1]

    def split(name: str) -> Any:
        return T.dot(a, p[name]).reshape((batch, length, heads, width // heads)).dimshuffle(0, 2, 1, 3)

    a = layer_norm(h, p["g1"], p["b1"])
    q, k, v = split("q"), split("k"), split("v")
    scores = T.matmul(q, k.dimshuffle(0, 1, 3, 2)) / np.sqrt(width / heads)
    e = T.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = T.matmul(e / e.sum(axis=-1, keepdims=True), v).dimshuffle(0, 2, 1, 3).reshape((batch, length, width))
    h = h + T.dot(mixed, p["o"])
    a = layer_norm(h, p["g2"], p["b2"])
    return h + T.dot(T.nnet.relu(T.dot(a, p["u"])), p["d"])


def attention(layers: int = 4, heads: int = 4, width: int = 32) -> tuple[list[Any], list[Any]]:
    """Inputs, and a cost with its gradients with respect to all parameters."""
    x = T.tensor3("x")
    parameters: list[Any] = []
    h: Any = x
    for k in range(layers):
        p = {name: T.matrix(f"{name}{k}") for name in ("q", "k", "v", "o", "u", "d")}
        p |= {name: T.vector(f"{name}{k}") for name in ("g1", "b1", "g2", "b2")}
        parameters += p.values()
        h = attention_layer(h, p, heads, width)
    cost = T.sqr(h).mean()
    return [x, *parameters], [cost, *st.grad(cost, parameters)]


def narrow(layers: int = 50, width: int = 8) -> float:
    """Seconds from the first variable to the first result of a deep network's cost and all gradients."""
    rng = np.random.default_rng(0)
    values = [rng.normal(0, 0.3, (width, width)) for _ in range(layers)]
    start = time.perf_counter()
    x: Any = T.dmatrix("x")
    weights = [st.shared(v) for v in values]
    biases = [st.shared(np.zeros(width)) for _ in values]
    h = x
    for w, b in zip(weights, biases):
        h = T.tanh(T.dot(h, w) + b)
    cost = T.sqr(h).sum()
    f = st.function([x], [cost, *st.grad(cost, weights + biases)])
    f(np.ones((4, width)))
    return time.perf_counter() - start


# --------------------------------------------------------------------------------------------------------- measuring


def stages_of(size: int) -> tuple[dict[str, float], int]:
    """Seconds of each stage for a chain, and the nodes of the closed graph."""
    marks = [time.perf_counter()]

    def mark(value: Any) -> Any:
        marks.append(time.perf_counter())
        return value

    inputs, cost = mark(chain(size))
    gradients = mark(st.grad(cost, inputs))
    graph = mark(FunctionGraph(inputs, [cost, *gradients]))
    rewritten = mark(rewrite(graph, get_mode("FAST_RUN").phases(), Report()))
    mark(compile_graph(rewritten, len(inputs), [True] * 4, get_mode("FAST_RUN").excluding(*PHASES), False))
    return dict(zip(STAGES, np.diff(marks).tolist())), len(graph.nodes)


PHASES = tuple(name for name, _ in get_mode("FAST_RUN").phases())


def rewriting_of(make: Callable[[], tuple[list[Any], list[Any]]]) -> tuple[float, int]:
    """Seconds for rewriting a graph, and its nodes."""
    inputs, outputs = make()
    graph = FunctionGraph(inputs, outputs)
    start = time.perf_counter()
    rewrite(graph, get_mode("FAST_RUN").phases(), Report())
    return time.perf_counter() - start, len(graph.nodes)


def main(quick: bool = False) -> Result:
    """Chains, attention, the narrow network."""
    result = Result("Compile time", HOW)
    stages_of(100)  # the first rewriting fills tables
    means: dict[int, dict[str, float]] = {}
    for size in SIZES[:2] if quick else SIZES:
        samples = [stages_of(size) for _ in range(3 if size == 10_000 or quick else 9)]
        nodes = samples[0][1]
        means[size] = {stage: median(s[stage] for s, _ in samples) for stage in STAGES}
        for stage in STAGES:
            result.rows.append(median_row(f"chain of {size:,}: {stage}", [s[stage] for s, _ in samples], "ms", 1e3))
        per_node = [s["rewrite"] / n for s, n in samples]
        result.rows.append(
            median_row(
                f"chain of {size:,}: rewriting per node", per_node, "ms", 1e3, 0.3, f"{nodes:,} nodes with gradients"
            )
        )
    repeats = 3 if quick else 9
    block = [rewriting_of(attention) for _ in range(repeats)]
    result.rows.append(
        median_row(
            "attention, 4 layers: rewriting",
            [s for s, _ in block],
            "s",
            1,
            0.5,
            f"{block[0][1]:,} nodes with gradients",
        )
    )
    deep = [narrow() for _ in range(repeats)]
    result.rows.append(median_row("50 narrow layers: from graph to first result", deep, "s", 1, 1.0))
    if not quick:
        draw(means, DOCS / PICTURE)
        result.pictures.append(PICTURE)
        result.rows.append(growth(means))
    return result


def growth(means: dict[int, dict[str, float]]) -> Row:
    """The exponent of total time against size between the two largest chains: 1 is linear."""
    (m, small), (n, large) = list(means.items())[-2:]
    exponent = np.log(sum(large.values()) / sum(small.values())) / np.log(n / m)
    return Row(f"exponent of the total time from {m:,} to {n:,} nodes", float(exponent), "", None, note="1 is linear")


def draw(means: dict[int, dict[str, float]], path: Path) -> None:
    """Time of each stage against the size of the chain."""
    figure, axes = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
    sizes: Sequence[int] = list(means)
    for stage in STAGES:
        axes.loglog(sizes, [means[n][stage] for n in sizes], marker="o", label=stage)
    axes.loglog(sizes, [n * 1e-4 for n in sizes], color="grey", linestyle=":", label="0.1 ms for each node")
    axes.set(xlabel="nodes the user's code makes", ylabel="seconds", title="Compile time of a chain with its gradient")
    axes.legend()
    axes.grid(alpha=0.3, which="both")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)
