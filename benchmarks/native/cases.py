"""What is measured: the cases, their inputs, and the mathematics that all contenders share.

Where a peer has a function of its own for the whole of it (softmax, layer norm, cross-entropy), it uses that; where it
is plain formulas (elementwise, the regression, the chains) the formula is written here once, over a namespace `m` that
each contender fills with its own functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

RATE, MOMENTUM = 0.01, 0.9
GROUPS, OBSERVATIONS = 85, 919
NARROW = (50, 8, 4)  # layers, their width, the batch
SHAPES = ((512, 1000), (64, 32000))
LAYERS = {"logistic": (784, 10), "mlp": (784, 500, 10), "deep": (784, 1000, 1000, 10)}
TOLERANCE = {"float32": (2e-4, 2e-5), "float64": (1e-8, 1e-9)}  # relative, absolute


@dataclass(frozen=True)
class Case:
    """One thing to compute. `group` is the line of the issue's table it belongs to; `kind` says which function."""

    group: str
    kind: str
    dtype: str
    shape: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """What the tables call it."""
        sizes = " x ".join(f"{n:,}" for n in self.shape)
        return LABELS[self.group].format(label=KINDS.get(self.kind, self.kind), dtype=self.dtype, sizes=sizes)


LABELS = {
    "elementwise": "{label}, {dtype}, {sizes}",
    "reductions": "{label}, {sizes}",
    "steps": "{label}, batch {sizes}",
    "calls": "{label}",
    "logp": "{label}",
    "scaling": "{label} {sizes}",
}
KINDS = {
    "tanh": "tanh(x*w + b)",
    "mix": "exp(-x²)·cos y + log1p abs z",
    "relu": "relu chain",
    "option": "Black-Scholes",
    "layernorm": "layer norm",
    "crossentropy": "cross-entropy and its gradient",
    "sum0": "sum over axis 0",
    "sum1": "sum over axis 1",
    "logistic": "logistic regression 784-10",
    "mlp": "784-500-10 tanh",
    "deep": "784-1000-1000-10 relu, momentum",
    "one": "x + 1",
    "ten": "sum of ten inputs",
    "counter": "update of a counter",
    "radon": "hierarchical regression, logp and gradient",
    "chain": "chain of operations,",
    "chain_grad": "gradient of a chain of operations,",
    "narrow": "gradient of a narrow network, layers",
}


def elementwise(sizes: Sequence[int] = (1_000, 10_000, 100_000, 1_000_000)) -> list[Case]:
    """Five formulas in both precisions."""
    kinds = ("tanh", "sigmoid", "mix", "relu", "option")
    return [Case("elementwise", k, d, (n,)) for k in kinds for d in ("float32", "float64") for n in sizes]


def reductions() -> list[Case]:
    """Rows and sums, in float32."""
    kinds = ("softmax", "logsumexp", "layernorm", "crossentropy")
    rows = [Case("reductions", k, "float32", shape) for k in kinds for shape in SHAPES]
    return rows + [Case("reductions", k, "float32", (2000, 2000)) for k in ("sum0", "sum1")]


def steps() -> list[Case]:
    """Training steps, in float32."""
    which = (("logistic", 600), ("mlp", 20), ("mlp", 100), ("mlp", 600), ("deep", 128))
    return [Case("steps", kind, "float32", (batch,)) for kind, batch in which]


def calls() -> list[Case]:
    """Functions that hardly compute."""
    return [Case("calls", kind, "float64") for kind in ("one", "ten", "counter")]


def logp() -> list[Case]:
    """A density and its gradient, as a sampler calls it."""
    return [Case("logp", "radon", "float64")]


def scaling(sizes: Sequence[int] = (100, 1_000, 10_000)) -> list[Case]:
    """Graphs that are only large."""
    chains = [Case("scaling", "chain", "float64", (n,)) for n in sizes]
    return [*chains, Case("scaling", "chain_grad", "float64", (1_000,)), Case("scaling", "narrow", "float64", (50,))]


def compiled() -> list[Case]:
    """One case of each kind, whose compile time is told."""
    few = [c for c in elementwise((100_000,)) if c.dtype == "float32"]
    rows = [c for c in reductions() if c.shape != SHAPES[1]]
    small = [c for c in steps() if c.shape != (20,) and (c.kind, c.shape) != ("mlp", (600,))]
    return [*few, *rows, *small, *calls(), *logp()]


# ---------------------------------------------------------------------------------------------------------- the inputs


def inputs(case: Case) -> tuple[Array, ...]:
    """The arguments of the function; of a step, the data and then the parameters."""
    rng = np.random.default_rng(7)

    def normal(*shape: int, scale: float = 1.0) -> Array:
        return rng.normal(0, scale, shape).astype(case.dtype)

    if case.group == "elementwise":
        n = case.shape[0]
        if case.kind == "option":
            spans = ((80, 120), (80, 120), (0.1, 2))
            return tuple(rng.uniform(low, high, n).astype(case.dtype) for low, high in spans)
        return tuple(normal(n) for _ in range(1 if case.kind == "sigmoid" else 3))
    if case.group == "reductions":
        rows, columns = case.shape
        x = normal(rows, columns)
        if case.kind == "crossentropy":
            return x, rng.integers(0, columns, rows).astype("int32")
        return (x, normal(columns), normal(columns)) if case.kind == "layernorm" else (x,)
    if case.group == "steps":
        batch = case.shape[0]
        data = rng.random((batch, 784)).astype(case.dtype), rng.integers(0, 10, batch).astype("int32")
        sizes = LAYERS[case.kind]
        layers = ((normal(a, b, scale=a**-0.5), normal(b, scale=0.05)) for a, b in pairwise(sizes))
        return (*data, *(array for layer in layers for array in layer))
    if case.group == "calls":
        return tuple(np.ones(1) for _ in range(10 if case.kind == "ten" else 1))
    if case.group == "logp":
        return (normal(5 + 2 * GROUPS, scale=0.3),)
    if case.kind == "narrow":
        layers_, width, batch = NARROW
        weights = (a for _ in range(layers_) for a in (normal(width, width, scale=0.3), np.zeros(width)))
        return (np.ones((batch, width)), *weights)
    return normal(4, 8), normal(8, 8, scale=0.3), normal(8)


def shortened(case: Case, rows: int) -> tuple[Array, ...]:
    """Arguments of a step on the first rows of its data."""
    return tuple(np.ascontiguousarray(a[:rows]) for a in inputs(case)[:2])


def observations() -> tuple[Array, Array, Array]:
    """Of the regression: the group of each, whether it was on the floor, the measured value."""
    rng = np.random.default_rng(3)
    group = rng.integers(0, GROUPS, OBSERVATIONS)
    floor = rng.integers(0, 2, OBSERVATIONS).astype("float64")
    return group, floor, 1.4 - 0.6 * floor + rng.normal(0, 0.3, GROUPS)[group] + rng.normal(0, 0.7, OBSERVATIONS)


# ----------------------------------------------------------------------------------------------------- the mathematics


def option(m: Any, spot: Any, strike: Any, years: Any, rate: float = 0.03, volatility: float = 0.25) -> Any:
    """The price of a European call by Black and Scholes."""
    spread = volatility * m.sqrt(years)
    high = (m.log(spot / strike) + (rate + 0.5 * volatility * volatility) * years) / spread
    low = high - spread

    def normal_cdf(x: Any) -> Any:
        return 0.5 + 0.5 * m.erf(x * 0.7071067811865476)

    return spot * normal_cdf(high) - strike * m.exp(-rate * years) * normal_cdf(low)


FORMULAS: dict[str, Callable[..., Any]] = {
    "tanh": lambda m, x, w, b: m.tanh(x * w + b),
    "sigmoid": lambda m, x: m.sigmoid(x),
    "mix": lambda m, x, y, z: m.exp(-(x * x)) * m.cos(y) + m.log1p(m.abs(z)),
    "relu": lambda m, x, w, b: m.relu(m.relu(x * w + b) * w - b) + x,
    "option": option,
}


def total(terms: Sequence[Any]) -> Any:
    """Their sum, from the left."""
    first, *rest = terms
    for term in rest:
        first = first + term
    return first


def density(m: Any, q: Any, group: Any, floor: Any, y: Any) -> Any:
    """The log density of the parameters `q` of a regression with intercepts and slopes by group, up to a constant."""
    mean_a, log_a, mean_b, log_b, log_y = (q[k] for k in range(5))
    a, b = q[5 : 5 + GROUPS], q[5 + GROUPS :]
    spread_a, spread_b, spread_y = m.exp(log_a), m.exp(log_b), m.exp(log_y)
    top = -0.5 * (mean_a * mean_a + mean_b * mean_b)
    spreads = -0.5 * (spread_a * spread_a + spread_b * spread_b + spread_y * spread_y) + log_a + log_b + log_y
    in_a, in_b = (a - mean_a) / spread_a, (b - mean_b) / spread_b
    by_group = -0.5 * (m.sum(in_a * in_a) + m.sum(in_b * in_b)) - GROUPS * (log_a + log_b)
    rest = (y - a[group] - b[group] * floor) / spread_y
    return top + spreads + by_group - 0.5 * m.sum(rest * rest) - OBSERVATIONS * log_y


def scores(m: Any, kind: str, x: Any, parameters: Sequence[Any]) -> Any:
    """The last layer of a network, before its softmax."""
    bend = m.tanh if kind == "mlp" else m.relu
    for k in range(0, len(parameters), 2):
        x = m.dot(x, parameters[k]) + parameters[k + 1]
        if k + 2 < len(parameters):
            x = bend(x)
    return x


def chain(m: Any, size: int, x: Any, w: Any, b: Any) -> Any:
    """A scalar after about `size` operations of mixed kinds."""
    made = 0
    while made < size:
        x = m.tanh(m.dot(x, w) + b)  # 3
        x = x * m.mean(x, 1)  # 2
        x = m.sqrt(x * x + 1.0) - 0.5 * m.sum(x, 0)  # 6
        made += 11
    return m.sum(x)


def narrow(m: Any, x: Any, parameters: Sequence[Any]) -> Any:
    """A scalar after many small layers."""
    for w, b in zip(parameters[::2], parameters[1::2]):
        x = m.tanh(m.dot(x, w) + b)
    return m.sum(x * x)
