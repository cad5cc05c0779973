"""Checks for ops that move elements about: values, types, shape rules, and derivatives of functions that are linear."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from symtheano.gradient.forward import Rop
from symtheano.gradient.reverse import grad
from symtheano.graph.interpret import evaluate
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor import TensorType
from symtheano.tensor.sizes import Shape_i

Env = Mapping[Any, Any]


def run(outputs: Sequence[Any], env: Env) -> list[Any]:
    """The outputs, with every node's types and shape rule checked against the values on the way."""
    known = dict(env)

    def check(node: Apply, values: Sequence[Any], results: Sequence[Any]) -> None:
        known.update(zip(node.outputs, results, strict=True))
        check_node(node, values, results, known)

    return evaluate(outputs, env, check)


def value(output: Any, env: Env | None = None) -> Any:
    return run([output], env or {})[0]


def check_node(node: Apply, values: Sequence[Any], results: Sequence[Any], known: Env) -> None:
    for out, result in zip(node.outputs, results, strict=True):
        assert out.type.is_valid_value(result), f"{node}: {out.type} with shape {out.type.shape}, got {result.shape}"
    rule = getattr(node.op, "infer_shape", None)
    if rule is None:
        return
    symbolic = [tuple(Shape_i(k)(i) for k in range(i.type.ndim)) for i in node.inputs]
    numbers = [np.shape(v) for v in values]
    for shapes in (symbolic, numbers):
        for result, lengths in zip(results, rule(node, shapes), strict=True):
            inferred = tuple(int(evaluate([n], known)[0]) if isinstance(n, Variable) else int(n) for n in lengths)
            assert inferred == result.shape, f"{node}: the shape rule says {inferred}, the value has {result.shape}"


def check_linear(f: Callable[..., Any], *arrays: Any, patterns: Sequence[Any] | None = None) -> Any:
    """Checks the pullback and the pushforward of a linear `f` at `arrays`, and returns f's output variable.

    <w, f(d)> = <pullback(w), d> for a random direction d; the pushforward along d is f(d).
    """
    rng = np.random.default_rng(3)
    arrays = tuple(np.asarray(a, "float64") for a in arrays)
    patterns = patterns or [(False,) * a.ndim for a in arrays]
    xs: list[Any] = [TensorType("float64", p)(f"x{k}") for k, p in enumerate(patterns)]
    ds: list[Any] = [x.type(f"d{k}") for k, x in enumerate(xs)]
    directions = [rng.normal(size=a.shape) for a in arrays]
    env = {**dict(zip(xs, arrays, strict=True)), **dict(zip(ds, directions, strict=True))}
    z = f(*xs)
    pushed = value(f(*xs), dict(zip(xs, directions, strict=True)))
    weights = rng.normal(size=pushed.shape)
    gradients = grad((z * weights).sum(), xs)
    for x, g in zip(xs, gradients, strict=True):
        assert g.type.broadcastable == x.type.broadcastable
        assert g.type.dtype == x.type.dtype
    pulled = run(gradients, env)
    for a, g in zip(arrays, pulled, strict=True):
        assert g.shape == a.shape
    total = sum(float((g * d).sum()) for g, d in zip(pulled, directions, strict=True))
    np.testing.assert_allclose(total, (weights * pushed).sum(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(value(Rop(z, xs, ds), env), pushed, rtol=1e-12, atol=1e-12)
    return z
