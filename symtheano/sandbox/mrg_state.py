"""States of MRG31k3p (L'Ecuyer & Touzin 2000): where streams start, and how to get from one to the next.

A state is six integers: three values of a recurrence modulo M1, then three of one modulo M2. Going k steps ahead
multiplies each triple by the k-th power of its matrix. Streams start 2**134 steps apart, substreams 2**72.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from symtheano.errors import explain
from symtheano.tensor.kernels_random import M1, M2

Array = np.ndarray[Any, Any]

A1p0 = np.array([[0, 1 << 22, 129], [1, 0, 0], [0, 1, 0]], "int64")
A2p0 = np.array([[1 << 15, 0, (1 << 15) + 1], [1, 0, 0], [0, 1, 0]], "int64")


def _squared(matrix: Array, modulus: int, times: int) -> Array:
    """The matrix squared `times` times, that is to the power 2**times, modulo `modulus`."""
    power = matrix.astype(object)  # Python's integers: no overflow
    for _ in range(times):
        power = power.dot(power) % modulus
    return power.astype("int64")


A1p72, A2p72 = _squared(A1p0, M1, 72), _squared(A2p0, M2, 72)
A1p134, A2p134 = _squared(A1p0, M1, 134), _squared(A2p0, M2, 134)


def matVecModM(A: Array, s: Array, m: int) -> Array:
    """The product of an int64 matrix and a vector modulo m, int32; the entries are below 2**31.

    >>> matVecModM(np.array([[1, 2], [3, 4]]), np.array([5, 6]), 7)
    array([3, 4], dtype=int32)
    """
    product: Array = (np.sum((A * s) % m, 1) % m).astype("int32")
    return product


def multMatVect(v: Array, A: Array, m1: int, B: Array, m2: int) -> Array:
    """The first half of `v` times A modulo m1, and the second half times B modulo m2: int32 of the shape of v."""
    half = len(A[0])
    return np.concatenate([matVecModM(A, v[:half], m1), matVecModM(B, v[half:], m2)])


def ff_2p134(rstate: Array) -> Array:
    """The start of the next stream: 2**134 steps ahead."""
    return multMatVect(rstate, A1p134, M1, A2p134, M2)


def ff_2p72(rstate: Array) -> Array:
    """The start of the next substream: 2**72 steps ahead."""
    return multMatVect(rstate, A1p72, M1, A2p72, M2)


def mrg_next_value(rstate: Array, new_rstate: Array, NORM: float, mask: int, offset: int) -> float:
    """The next number of one stream: its 31 bits & mask, plus offset, times NORM. The new state goes to `new_rstate`.

    >>> state = np.array([12345] * 6, "int32")
    >>> mrg_next_value(state, state, 2.0**-31, 0xFFFFFFFF, 0)
    0.7353244530968368
    """
    x1, x2, x3, y1, y2, y3 = (int(v) for v in rstate)
    x = ((x2 << 22) + 129 * x3) % M1
    y = ((y1 << 15) + ((1 << 15) + 1) * y3) % M2
    new_rstate[...] = [x, x1, x2, y, y1, y2]
    return ((((x - y) % M1 or M1) & mask) + offset) * NORM


def substreams(rstate: Array, count: int) -> Array:
    """The starts of `count` substreams, the first at `rstate`: int32 of shape (count, 6).

    Each round of the loop doubles their number, by a jump as long as all that there are.
    """
    rows = np.empty((count, 6), "uint64")
    rows[0] = rstate
    known, doubling = 1, 0
    while known < count:
        a, b = _jump(doubling)
        new = rows[: min(known, count - known)]
        rows[known : known + len(new), :3] = new[:, :3] @ a % M1  # sums of three products are below 3 * 2**62
        rows[known : known + len(new), 3:] = new[:, 3:] @ b % M2
        known, doubling = known + len(new), doubling + 1
    return rows.astype("int32")


@lru_cache(maxsize=64)
def _jump(doubling: int) -> tuple[Array, Array]:
    """The matrices that go 2**doubling substreams ahead, transposed."""
    return (
        _squared(A1p72, M1, doubling).T.astype("uint64"),
        _squared(A2p72, M2, doubling).T.astype("uint64"),
    )


def checked_seed(seed: Any) -> Array:
    """The state that a seed stands for: an int for six equal ones, or six integers, three below M1 and three below M2.

    Raises ValueError where they are out of range or three are all 0, TypeError for anything else.
    """
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        values = [int(seed)] * 6
    elif hasattr(seed, "__len__") and len(seed) == 6:
        values = [int(v) for v in seed]
    else:
        raise TypeError(
            explain(
                f"seed should be 1 integer or 6 integers, not {seed!r}.",
                operands=[f"seed of type {type(seed).__name__}"],
                remedy="MRG_RandomStreams(seed=12345)",
            )
        )
    for which, part, modulus in (("first", values[:3], M1), ("last", values[3:], M2)):
        if not any(part) or min(part) < 0 or max(part) >= modulus:
            raise ValueError(
                explain(
                    f"The {which} 3 values of seed should be from 0 to {modulus - 1}, and not all 0.",
                    operands=[f"seed: {seed!r}"],
                    remedy=f"take an integer from 1 to {M2 - 1}",
                )
            )
    return np.array(values, "int32")
