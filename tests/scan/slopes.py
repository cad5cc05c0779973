"""Derivatives of graphs along random directions, against central differences of what the interpreter computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import symtheano.tensor as T
from symtheano.gradient import Rop, grad
from symtheano.gradient.null import is_disconnected
from tests.gradient.checks import run

STEP = 1e-5


def directions(values: Sequence[Any], wrt: Sequence[int], seed: int) -> list[Any]:
    """A random direction for each of the values in wrt."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=np.shape(values[k])) for k in wrt]


def slope(f: Callable[[list[Any]], Any], values: Sequence[Any], wrt: Sequence[int], vs: Sequence[Any]) -> Any:
    """The central difference of a function of a list of arrays, in the direction in which those in wrt move by vs."""
    sides = []
    for h in (STEP, -STEP):
        moved = list(values)
        for k, v in zip(wrt, vs, strict=True):
            moved[k] = values[k] + h * v
        sides.append(f(moved))
    return (sides[0] - sides[1]) / (2 * STEP)


def close(found: Any, expected: Any, tolerance: float = 2e-6) -> None:
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(found / scale, expected / scale, rtol=tolerance, atol=tolerance)


def gradients_of(cost: Any, inputs: Sequence[Any]) -> list[Any]:
    """The gradients; zeros where there is no dependence. Each has the type and (when run) the shape of its input."""
    found = grad(cost, list(inputs), disconnected_inputs="ignore", return_disconnected="Disconnected")
    for x, g in zip(inputs, found, strict=True):
        if not is_disconnected(g):
            assert (g.type.dtype, g.type.broadcastable) == (x.type.dtype, x.type.broadcastable)
    return [T.zeros_like(x) if is_disconnected(g) else g for x, g in zip(inputs, found, strict=True)]


def check_derivatives(
    cost: Any,
    inputs: Sequence[Any],
    values: Sequence[Any],
    wrt: Sequence[int],
    order: int = 2,
    seed: int = 0,
    value: Callable[[list[Any]], Any] | None = None,
) -> None:
    """grad; and to second order grad of grad, Rop of grad and grad of Rop, which must all be the same H v.

    value: the cost as a function of values, in NumPy; the interpreter's if it is not given.
    """

    def by_interpreter(variables: Any) -> Callable[[list[Any]], Any]:
        return lambda xs: np.concatenate([np.ravel(r) for r in run(variables, dict(zip(inputs, xs, strict=True)))])

    xs, vs = [inputs[k] for k in wrt], directions(values, wrt, seed)
    gs = gradients_of(cost, xs)
    got = run(gs, dict(zip(inputs, values, strict=True)))
    assert [g.shape for g in got] == [np.shape(values[k]) for k in wrt]
    along = sum(float((g * v).sum()) for g, v in zip(got, vs, strict=True))
    close(along, float(np.sum(slope(value or by_interpreter([cost]), values, wrt, vs))))
    points = [T.constant(v) for v in vs]
    close(
        float(run(Rop(cost, xs, points, disconnected_outputs="ignore"), dict(zip(inputs, values, strict=True)))), along
    )
    if order == 1:
        return
    expected = slope(by_interpreter(gs), values, wrt, vs)
    push = sum(((g * p).sum() for g, p in zip(gs, points, strict=True)), T.constant(0.0))
    close(by_interpreter(gradients_of(push, xs))(list(values)), expected)
    close(by_interpreter(Rop(gs, xs, points, disconnected_outputs="ignore"))(list(values)), expected)
    moved = Rop(cost, xs, points, disconnected_outputs="ignore")
    close(by_interpreter(gradients_of(moved, xs))(list(values)), expected)
