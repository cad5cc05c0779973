"""Draws from a `numpy.random.RandomState` that NumPy has no method for, exactly as Theano makes them.

Each takes the state first and the wanted shape last (None: the smallest that fits the arguments), which is how
`RandomFunction` calls its functions; each uses up the same numbers of the state, in the same order, as Theano's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symtheano.errors import explain

Array = np.ndarray[Any, Any]
State = Any  # numpy.random.RandomState; its module is loaded only when somebody draws
Size = tuple[int, ...] | None

__all__ = ["choice_helper", "multinomial_helper", "permutation_helper", "random_integers_helper"]


def random_integers_helper(random_state: State, low: Array, high: Array, size: Size) -> Array:
    """Integers from low to high, both included; `low` and `high` are stretched to the shape."""
    shape = _common_shape("random_integers", {"low": low.shape, "high": high.shape}, size)
    bounds = [np.broadcast_to(b, shape).astype("int64") for b in (low, high)]
    drawn: Array = np.asarray(random_state.randint(bounds[0], bounds[1] + 1, dtype="int64"))
    return drawn


def choice_helper(random_state: State, a: Array, replace: Array, p: Array, size: Size) -> Any:
    """NumPy's `choice`; `p` of no elements means equal probabilities."""
    if a.ndim > 1:
        raise ValueError(f"a.ndim ({a.ndim}) must be 0 or 1")
    if p.ndim != 1:
        raise ValueError(f"p.ndim ({p.ndim}) must be 1")
    return random_state.choice(a, size, bool(replace), p if p.size else None)


def permutation_helper(random_state: State, n: Array, shape: Size) -> Array:
    """Permutations of 0..n-1: an int64 array of shape (*shape, n).

    >>> permutation_helper(np.random.RandomState(0), np.array(3), (2,)).tolist()
    [[2, 1, 0], [2, 0, 1]]
    """
    if n.shape != ():
        raise ValueError(
            explain(
                "permutation: n must be a scalar.",
                operands=[f"n: array of shape {n.shape}"],
                remedy="permutations of several lengths do not fit one array",
            )
        )
    length = int(n.item())
    out = np.empty((*(shape or ()), length), "int64")
    for i in np.ndindex(*out.shape[:-1]):
        out[i] = random_state.permutation(length)
    return out


def multinomial_helper(random_state: State, n: Array, pvals: Array, size: Size) -> Array:
    """Counts of n experiments, each with the probabilities of a row of `pvals`: an array of shape (*size, L).

    n and the rows of pvals are stretched to `size`. Raises ValueError where a row has negative values or a sum above 1.
    """
    shape = _common_shape("multinomial", {"n": n.shape, "pvals without its last axis": pvals.shape[:-1]}, size)
    if pvals.size and not pvals.min() >= 0:
        raise ValueError(f"multinomial: pvals must not be negative; the smallest is {pvals.min()}")
    counts = np.broadcast_to(n, shape)
    probabilities = np.broadcast_to(pvals, (*shape, pvals.shape[-1]))
    out = np.empty(probabilities.shape, "int64")
    for i in np.ndindex(*shape):
        out[i] = random_state.multinomial(counts[i], _proper(probabilities[i]).astype("float64"))
    return out


def _proper(p: Array) -> Array:
    """Probabilities that NumPy takes: what float32 brings a little above 1 is scaled down, as in Theano."""
    if 1.0 < p.sum() < 1.0 + 1e-5 or p[-1] < 5e-5:
        p = p * (1.0 - 5e-5)
    if p.sum() > 1.0:
        raise ValueError(
            explain(
                f"multinomial: the probabilities sum to {p.sum()}, more than 1.",
                operands=[f"pvals row: {p}"],
                remedy="divide pvals by their sum along the last axis",
            )
        )
    return p


def _common_shape(operation: str, shapes: dict[str, tuple[int, ...]], size: Size) -> tuple[int, ...]:
    """The shape of the draws: `size`, or (None) that of the arguments stretched to one another."""
    try:
        shape = np.broadcast_shapes(*shapes.values())
        if size is not None and np.broadcast_shapes(shape, size) != size:
            raise ValueError("the arguments are longer than size")
        return shape if size is None else size
    except ValueError as error:
        raise ValueError(
            explain(
                f"{operation}: the arguments do not fit size {size}.",
                operands=[f"{name} of shape {shape}" for name, shape in shapes.items()],
                remedy="each axis of an argument, from the right, must be as long as size says, or of length 1",
            )
        ) from error
