"""What the gradient tests share: evaluation by the interpreter, finite differences, checks to second order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import symtheano.tensor as T
from symtheano.gradient import Rop, grad
from symtheano.gradient.null import is_disconnected
from symtheano.graph.interpret import evaluate
from symtheano.graph.shared import SharedVariable
from symtheano.graph.walk import graph_inputs


def run(outputs: Any, env: dict[Any, Any] | None = None) -> Any:
    """The value of a variable, or the values of a list of them."""
    several = isinstance(outputs, (list, tuple))
    variables = list(outputs) if several else [outputs]
    values = {v: v.get_value() for v in graph_inputs(variables) if isinstance(v, SharedVariable)}
    values.update((k, np.asarray(v, k.type.dtype)) for k, v in (env or {}).items())
    results = evaluate(variables, values)
    return results if several else results[0]


def leaves(values: Sequence[Any], dtype: str | None = None) -> list[Any]:
    """An input variable for each value; axes of length 1 are broadcastable."""
    return [
        T.TensorType(dtype or v.dtype.name, [n == 1 for n in v.shape])(f"x{k}")
        for k, v in enumerate(map(np.asarray, values))
    ]


def differences(f: Callable[..., Any], values: Sequence[Any], k: int, step: float = 1e-5) -> Any:
    """Central differences of the scalar function `f` of arrays with respect to the array `k`."""
    slope = np.empty(values[k].shape)
    for index in np.ndindex(values[k].shape):
        sides = []
        for sign in (step, -step):
            moved = [np.array(v) for v in values]
            moved[k][index] += sign
            sides.append(float(f(*moved)))
        slope[index] = (sides[0] - sides[1]) / (2 * step)
    return slope


def check_gradients(
    build: Callable[..., Any],
    values: Sequence[Any],
    wrt: Sequence[int] | None = None,
    order: int = 2,
    tolerance: float = 1e-6,
) -> None:
    """The gradients of a projection of `build(*inputs)`, and those of the gradients, against central differences."""
    values = [np.asarray(v) for v in values]
    inputs = leaves(values)
    positions = range(len(inputs)) if wrt is None else wrt
    targets: list[Any] = [build(*inputs)]
    for _ in range(order):
        cost = projected(targets, inputs, values)
        gradients = grad(
            cost, [inputs[k] for k in positions], disconnected_inputs="ignore", return_disconnected="Disconnected"
        )
        for k, g in zip(positions, gradients, strict=True):
            expected = differences(lambda *xs, c=cost: run(c, dict(zip(inputs, xs, strict=True))), values, k)
            if is_disconnected(g):
                np.testing.assert_allclose(expected, 0, atol=tolerance)
                continue
            assert g.type.dtype == inputs[k].type.dtype
            assert g.type.broadcastable == inputs[k].type.broadcastable
            found = run(g, dict(zip(inputs, values, strict=True)))
            assert found.shape == values[k].shape
            scale = max(1.0, float(np.abs(expected).max(initial=0)))
            np.testing.assert_allclose(found / scale, expected / scale, rtol=tolerance, atol=tolerance)
        targets = [g for g in gradients if not is_disconnected(g)]
        if not targets:
            return


def projected(targets: Sequence[Any], inputs: Sequence[Any], values: Sequence[Any]) -> Any:
    """A scalar: the sum of the targets, each element with a weight of its own."""
    rng = np.random.default_rng(7)
    terms = []
    for target in targets:
        shape = run(target, dict(zip(inputs, values, strict=True))).shape
        terms.append((target * rng.uniform(0.5, 1.5, shape)).sum())
    return sum(terms[1:], terms[0])


def check_rop(build: Callable[..., Any], values: Sequence[Any], wrt: Sequence[int], tolerance: float = 1e-9) -> None:
    """`u . (J v)`, from Rop, against `(J' u) . v`, from grad."""
    values = [np.asarray(v) for v in values]
    inputs = leaves(values)
    env = dict(zip(inputs, values, strict=True))
    rng = np.random.default_rng(3)
    out = build(*inputs)
    u = rng.normal(size=run(out, env).shape)
    xs = [inputs[k] for k in wrt]
    vs = [rng.normal(size=values[k].shape) for k in wrt]
    points = [T.as_tensor_variable(v) for v in vs]
    pushed = Rop(out, xs, points, disconnected_outputs="ignore")
    assert pushed.type.broadcastable == out.type.broadcastable
    gradients = grad((out * u).sum(), xs, disconnected_inputs="ignore")
    left = float((run(pushed, env) * u).sum())
    right = sum(float((g * v).sum()) for g, v in zip(run(gradients, env), vs, strict=True))
    np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)
