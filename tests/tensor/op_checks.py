"""What the tests of single ops share: inputs, checked evaluation, and gradients to second order by differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symtheano.gradient.reverse import grad
from symtheano.graph.interpret import evaluate
from symtheano.tensor.type import TensorType
from tests.tensor import linear_checks


def var(value: Any, name: str = "x", broadcastable: Sequence[bool] | None = None) -> Any:
    """An input variable for `value`; no axis is broadcastable unless said so."""
    value = np.asarray(value)
    return TensorType(value.dtype.name, (False,) * value.ndim if broadcastable is None else broadcastable)(name)


def run(outputs: Any, env: dict[Any, Any]) -> Any:
    """The value of an output (or a list of several). Every node on the way must keep its type and its shape rule."""
    several = isinstance(outputs, (list, tuple))
    results = linear_checks.run(list(outputs) if several else [outputs], env)
    return results if several else results[0]


def check_gradient(
    build: Callable[..., Any], *values: Any, order: int = 2, tolerance: float = 1e-6, seed: int = 0
) -> None:
    """The gradients of `build(*inputs)` by all inputs, and theirs, against central differences in float64."""
    rng = np.random.default_rng(seed)
    arrays = [np.asarray(v, "float64") for v in values]
    inputs = [var(v, f"x{k}") for k, v in enumerate(arrays)]
    env = dict(zip(inputs, arrays))
    targets = [build(*inputs)]
    for _ in range(order):
        weights = [rng.uniform(0.5, 1.5, run(t, env).shape) for t in targets]
        cost = sum((t * w).sum() for t, w in zip(targets, weights, strict=True))
        gradients = grad(cost, inputs, disconnected_inputs="ignore")
        for k, g in enumerate(gradients):
            assert g.type == inputs[k].type, (g.type, inputs[k].type)
            np.testing.assert_allclose(
                run(g, env), differences(cost, inputs, arrays, k), rtol=tolerance, atol=tolerance
            )
        targets = gradients


def differences(cost: Any, inputs: Sequence[Any], arrays: Sequence[Any], k: int, step: float = 1e-5) -> Any:
    """Central differences of a scalar by the elements of input `k`."""
    result = np.empty(arrays[k].shape)
    for at in np.ndindex(*arrays[k].shape):
        sides = []
        for sign in (1, -1):
            moved = [a.copy() for a in arrays]
            moved[k][at] += sign * step
            sides.append(float(evaluate([cost], dict(zip(inputs, moved)))[0]))
        result[at] = (sides[0] - sides[1]) / (2 * step)
    return result
