"""What is measured: loops of kinds and sizes, and their inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

STATES, SYMBOLS = 20, 50  # of the hidden Markov model
PLACES, STRIDE = 10, 0.01  # of the integrator: the length of its state, the time of a step
VOCABULARY, EMBEDDING = 10_000, 128
RATE, BETAS, EPSILON = 1e-3, (0.9, 0.999), 1e-6  # of Adam


@dataclass(frozen=True)
class Case:
    """A loop to run. group: which; kind: what is asked of it (forward, last, gradient, step); shape: steps first."""

    group: str
    kind: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def name(self) -> str:
        """What the tables call it."""
        sizes = ", ".join(f"{label} {n:,}" for label, n in zip(("T", "batch", "hidden"), self.shape))
        return f"{self.group} {self.kind}: {sizes}"


def rnn(
    steps: Sequence[int] = (100, 1_000), batches: Sequence[int] = (1, 32), hidden: Sequence[int] = (32, 128, 512)
) -> list[Case]:
    """Vanilla networks, forward and gradient."""
    sizes = [(t, b, h) for h in hidden for b in batches for t in steps]
    return [Case("rnn", kind, "float32", size) for kind in ("forward", "gradient") for size in sizes]


def gates() -> list[Case]:
    """A GRU, forward and gradient, and the training step of an LSTM language model."""
    gru = [Case("gru", k, "float32", s) for k in ("forward", "gradient") for s in ((100, 1, 128), (100, 32, 256))]
    return [*gru, Case("lstm", "step", "float32", (50, 32, 256))]


def small() -> list[Case]:
    """Loops whose step is small."""
    groups = ("hmm", "leapfrog")
    return [Case(group, kind, "float64", (1_000,)) for group in groups for kind in ("forward", "gradient")]


def tiny() -> list[Case]:
    """Loops that hardly compute."""
    return [Case("affine", kind, "float64", (10_000,)) for kind in ("forward", "last", "gradient")]


def compiled() -> list[Case]:
    """Of each kind one."""
    networks = [Case("rnn", kind, "float32", (100, 32, 128)) for kind in ("forward", "gradient")]
    return [*networks, *(c for c in gates() if c.shape[1] > 1), *small(), *tiny()[-1:]]


def held() -> list[Case]:
    """Those whose memory is told."""
    networks = [Case("rnn", kind, "float32", (1_000, 32, 128)) for kind in ("forward", "last", "gradient")]
    return [*networks, *(c for c in gates() if c.kind != "forward" and c.shape[1] > 1), *small()[:2]]


# ---------------------------------------------------------------------------------------------------------- the inputs


def inputs(case: Case) -> tuple[Array, ...]:
    """The arguments of the function, those with an element for each step first. Of `lstm` the parameters last."""
    rng = np.random.default_rng(7)

    def normal(*shape: int, scale: float = 1.0) -> Array:
        return rng.normal(0, scale, shape).astype(case.dtype)

    steps = case.shape[0]
    if case.group == "hmm":
        symbols = rng.integers(0, SYMBOLS, steps).astype("int32")
        return symbols, *(_logarithms(normal(*s)) for s in ((STATES,), (STATES, STATES), (STATES, SYMBOLS)))
    if case.group == "leapfrog":
        root = normal(PLACES, PLACES, scale=0.5)
        return normal(PLACES), normal(PLACES), root @ root.T + np.eye(PLACES)
    if case.group == "affine":
        return normal(steps), np.asarray(0.99), np.asarray(0.5)
    batch, hidden = case.shape[1:]
    if case.group == "lstm":
        words = rng.integers(0, VOCABULARY, (steps + 1, batch)).astype("int32")
        sizes = ((VOCABULARY, EMBEDDING), (EMBEDDING, 4 * hidden), (hidden, 4 * hidden), (hidden, VOCABULARY))
        table, w, u, out = (normal(*s, scale=s[0] ** -0.5 if k else 1.0) for k, s in enumerate(sizes))
        return words[:-1], words[1:], table, w, u, normal(4 * hidden, scale=0.1), out, normal(VOCABULARY, scale=0.1)
    parts = 3 if case.group == "gru" else 1
    weights = (normal(hidden, parts * hidden, scale=0.7 * hidden**-0.5) for _ in range(2))
    return (
        normal(steps, batch, hidden), normal(batch, hidden, scale=0.1), *weights, normal(parts * hidden, scale=0.1)
    )  # fmt: skip


def shortened(case: Case, rows: int) -> tuple[Array, ...]:
    """The arguments for so many steps; of `lstm` without the parameters, which are the function's own.

    The integrator takes its number of steps from nowhere: it is not shortened.
    """
    arrays = inputs(case)
    if case.group == "leapfrog":
        return arrays
    along = 2 if case.group == "lstm" else 1
    rows += case.group == "hmm"  # its loop starts behind the first symbol
    return tuple(a[:rows].copy() for a in arrays[:along]) + (() if case.group == "lstm" else arrays[along:])


def _logarithms(x: Array) -> Array:
    """Of probabilities, along the last axis."""
    result: Array = x - np.log(np.exp(x).sum(axis=-1, keepdims=True))
    return result
