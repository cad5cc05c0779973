"""Run-time helpers of the ops of MRG_RandomStreams. The first argument is numpy or cupy.

MRG31k3p (L'Ecuyer & Touzin 2000) has two recurrences, of which a number is the difference:

    x[k] = 2**22 x[k-2] + (2**7 + 1) x[k-3]   mod M1 = 2**31 - 1
    y[k] = 2**15 y[k-1] + (2**15 + 1) y[k-3]  mod M2 = 2**31 - 21069
    number = (x[k] - y[k]) mod M1, from 1 to M1, times 2**-31

A state is the row (x[k], x[k-1], x[k-2], y[k], y[k-1], y[k-2]). Number i of a draw is the next one of stream i mod n.
All streams are computed at once: where they are many, step by step in 32-bit arithmetic; where they are few, many steps
at once, each a combination of the three values at the start with coefficients mod M (a jump ahead).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from symtheano.errors import explain

M1 = 2147483647
M2 = 2147462579
BLOCK = {"numpy": 8192, "cupy": 1 << 22}  # numbers computed at once: what stays in cache, or what fills a GPU


def mrg_uniform(xp: Any, states: Any, size: Any, dtype: str) -> tuple[Any, Any]:
    """The states after a draw, and the numbers: uniform in (0, 1), of `dtype` and shape `size`.

    states: int32 of shape (n, 6), n > 0. Raises ValueError where there are 2**31 numbers or more.
    """
    shape = tuple(int(n) for n in size)
    total = math.prod(shape)
    if total > M1 or states.ndim != 2 or states.shape[1] != 6 or not states.shape[0]:
        raise _bad_draw(shape, states)
    streams = xp.array(states.T, order="C").view("uint32")
    steps, rest = divmod(total, states.shape[0])
    drawn = xp.empty(total, dtype)
    whole = total - rest
    if steps:
        _advance(xp, streams, drawn[:whole].reshape(steps, -1))
    if rest:
        _advance(xp, streams[:, :rest], drawn[whole:].reshape(1, rest))
    return xp.array(streams.T, order="C").view("int32"), drawn.reshape(shape)


def _bad_draw(shape: tuple[int, ...], states: Any) -> ValueError:
    return ValueError(
        explain(
            "rng_mrg does not support more than (2**31 -1) samples, and needs states of 6 integers.",
            operation="mrg_uniform",
            operands=[f"size {shape}: {math.prod(shape)} samples", f"states of shape {states.shape}"],
            remedy="draw in several parts; states come from MRG_RandomStreams.get_substream_rstates",
        )
    )


def _advance(xp: Any, streams: Any, out: Any) -> None:
    """Fills the rows of `out` (steps, n) with the next numbers of the `streams` (6, n), which advance."""
    steps, n = out.shape
    many = min(1024, BLOCK[xp.__name__] // n)
    done = 0
    while many >= 4 and steps - done >= 4:
        k = min(many, steps - done)
        _jump(xp, streams, out[done : done + k])
        done += k
    if done < steps:
        _step(xp, streams, out[done:])


# -- step by step ------------------------------------------------------------------------------------------------------


def _step(xp: Any, streams: Any, out: Any) -> None:
    """Step by step: sums stay below 2**32, and min(v, v - M) is v mod M for v < 2 M, as v - M wraps around below M."""
    x1, x2, x3, y1, y2, y3 = streams
    a, b = xp.empty_like(streams[:2])
    for row in out:
        _multiply_2_power(xp, x2, 22, a, b)  # mod 2**31 - 1 that is a rotation of the bits
        xp.left_shift(x3, 7, out=b)
        xp.bitwise_and(b, M1, out=b)
        xp.add(a, b, out=a)
        xp.right_shift(x3, 24, out=b)
        xp.add(a, b, out=a)
        _reduce(xp, a, M1, b)
        xp.add(x3, a, out=x3)
        _reduce(xp, x3, M1, b)
        x1, x2, x3 = x3, x1, x2
        xp.add(y1, y3, out=a)
        _reduce(xp, a, M2, b)
        xp.right_shift(a, 16, out=b)
        xp.multiply(b, 21069, out=b)  # 2**31 = 21069 mod M2
        xp.bitwise_and(a, 65535, out=a)
        xp.left_shift(a, 15, out=a)
        xp.add(a, b, out=a)
        _reduce(xp, a, M2, b)
        xp.add(y3, a, out=y3)
        _reduce(xp, y3, M2, b)
        y1, y2, y3 = y3, y1, y2
        xp.subtract(x1, y1, out=a)
        _scale(xp, a, b, row)
    streams[...] = xp.stack([x1, x2, x3, y1, y2, y3])


def _multiply_2_power(xp: Any, x: Any, bits: int, out: Any, spare: Any) -> None:
    """2**bits x mod 2**31 - 1."""
    xp.left_shift(x, bits, out=out)
    xp.bitwise_and(out, M1, out=out)
    xp.right_shift(x, 31 - bits, out=spare)
    xp.add(out, spare, out=out)


def _reduce(xp: Any, v: Any, modulus: int, spare: Any) -> None:
    """v mod modulus in place, for v < 2 modulus."""
    xp.subtract(v, modulus, out=spare)
    xp.minimum(v, spare, out=v)


def _scale(xp: Any, difference: Any, spare: Any, out: Any) -> None:
    """The numbers for x - y, which is overwritten: 1 to M1, times 2**-31."""
    xp.add(difference, M1 - 1, out=spare)
    xp.subtract(difference, 1, out=difference)
    xp.minimum(difference, spare, out=difference)  # of v - 1 and v - 1 + M1 the one that did not wrap around
    xp.add(difference, 1, out=difference)
    if out.dtype == "float16":  # 15 bits are enough, and 0 must not come out
        low = (difference & 0x7FFF) + xp.uint32(1)
        out[...] = low.astype("float64") * float(xp.float16(3.0458e-05))
        return
    out[...] = difference.view("int32")
    # Theano rounds the integer to float32 first, then the product; the factor is the float32 below 2**-31.
    xp.multiply(out, out.dtype.type(4.6566126e-10 if out.dtype == "float32" else 2.0**-31), out=out)


# -- many steps at once ------------------------------------------------------------------------------------------------


def _jump(xp: Any, streams: Any, out: Any) -> None:
    """All steps at once, at least 3 of them."""
    steps = out.shape[0]
    x, y = (
        _combined(xp, xp.asarray(coefficients(part)[:steps]), streams[3 * part : 3 * part + 3], part) for part in (0, 1)
    )
    for k in range(3):
        streams[k] = x[steps - 1 - k]
        streams[3 + k] = y[steps - 1 - k]
    xp.subtract(x, y, out=x)
    _scale(xp, x, y, out)


def _combined(xp: Any, coefficients: Any, values: Any, part: int) -> Any:
    """The sums of coefficient times value, (steps, 3) by (3, n), modulo M1 or M2, as uint32 of shape (steps, n).

    The sums are below 3 * 2**62. 2**31 is 1 modulo M1 and 21069 modulo M2, so that the bits from the 31st on are
    added to those below, times that; twice makes less than 2 M.
    """
    v = values.astype("uint64")
    total = coefficients[:, :1] * v[0]
    spare = coefficients[:, 1:2] * v[1]
    xp.add(total, spare, out=total)
    xp.multiply(coefficients[:, 2:], v[2], out=spare)
    xp.add(total, spare, out=total)
    for _ in range(2):
        xp.right_shift(total, 31, out=spare)
        if part:
            xp.multiply(spare, 21069, out=spare)
        xp.bitwise_and(total, M1, out=total)
        xp.add(total, spare, out=total)
    result = total.astype("uint32")
    _reduce(xp, result, (M1, M2)[part], xp.empty_like(result))
    return result


@lru_cache(maxsize=2)
def coefficients(part: int) -> Any:
    """[k, j]: what value j of the state contributes to the value after k + 1 steps; uint64 of shape (1024, 3)."""
    factors, modulus = (((0, 1 << 22, 129), M1), ((1 << 15, 0, (1 << 15) + 1), M2))[part]
    rows: list[tuple[int, ...]] = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]  # the state itself, the newest value first
    found = []
    for _ in range(1024):
        new = tuple(sum(f * row[j] for f, row in zip(factors, rows)) % modulus for j in range(3))
        found.append(new)
        rows = [new, *rows[:2]]
    return np.array(found, "uint64")


# -- outcomes for given uniform numbers --------------------------------------------------------------------------------


def multinomial_counts(xp: Any, pvals: Any, unis: Any, n: Any, dtype: str) -> Any:
    """How often each outcome of each row of `pvals` is hit by its n numbers: an array of pvals' shape.

    Row r's numbers are unis[r], unis[rows + r], ...; each hits the first outcome whose running total exceeds it.
    """
    rows, outcomes = pvals.shape
    n = int(n)
    _check_numbers("MultinomialFromUniform", pvals, unis, n)
    counts = xp.zeros(rows * outcomes, "int64")
    if not counts.size:
        return counts.reshape(pvals.shape).astype(dtype)
    ends = xp.cumsum(pvals, axis=1, dtype="float64")
    numbers = unis.reshape(n, rows)
    starts = xp.arange(rows) * outcomes
    many = max(1, BLOCK["cupy"] // counts.size)
    for first in range(0, n, many):
        over = ends > numbers[first : first + many, :, None]
        hit = (starts + over.argmax(axis=2))[over.any(axis=2)]
        counts += xp.bincount(hit, minlength=counts.size)
    return counts.reshape(pvals.shape).astype(dtype)


def choose_outcomes(xp: Any, pvals: Any, unis: Any, n: Any, replace: bool, dtype: str) -> Any:
    """n outcomes for each row of `pvals`, (rows, n): hit as in `multinomial_counts`, -1 where none is.

    Without replace an outcome that was hit gets probability 0, and the others of its row are divided by their sum.
    """
    rows, outcomes = pvals.shape
    n = int(n)
    if n > outcomes:
        raise ValueError(
            explain(
                "Cannot sample without replacement n samples bigger than the size of the distribution.",
                operation="ChoiceFromUniform",
                operands=[f"pvals: array of shape {pvals.shape}", f"n = {n}"],
                remedy=f"draw at most {outcomes} outcomes",
            )
        )
    _check_numbers("ChoiceFromUniform", pvals, unis, n)
    p = xp.array(pvals, pvals.dtype if pvals.dtype.kind == "f" else "float64")
    numbers = unis.reshape(n, rows)
    chosen = xp.full((rows, n), -1, dtype)
    for k in range(n):
        ends = xp.cumsum(p, axis=1, dtype="float64")
        over = ends > numbers[k][:, None]
        found = xp.nonzero(over.any(axis=1))[0]
        hit = over[found].argmax(axis=1)
        chosen[found, k] = hit
        if not replace:
            p[found] = _without(xp, p[found], ends[found], hit)
    return chosen


def _without(xp: Any, p: Any, ends: Any, hit: Any) -> Any:
    """Rows of probabilities with the outcome `hit` taken out; their sums are added up in order, as Theano does."""
    at = xp.arange(len(p))
    before = (ends[at, hit] - p[at, hit]).astype(p.dtype)
    p[at, hit] = 0
    behind = xp.where(xp.arange(p.shape[1]) > hit[:, None], p, xp.zeros((), p.dtype))
    total = xp.cumsum(xp.concatenate([before[:, None], behind], axis=1), axis=1)[:, -1:]
    return p / xp.where(total == 0, xp.ones((), p.dtype), total)


def _check_numbers(operation: str, pvals: Any, unis: Any, n: int) -> None:
    if unis.shape[0] != pvals.shape[0] * n:
        raise ValueError(
            explain(
                f"unis.shape[0] != pvals.shape[0] * n: {unis.shape[0]} != {pvals.shape[0]} * {n}",
                operation=operation,
                operands=[f"pvals: array of shape {pvals.shape}", f"unis: array of shape {unis.shape}", f"n = {n}"],
                remedy="give n uniform numbers for each row of pvals",
            )
        )
