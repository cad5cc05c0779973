"""Random graphs of smooth operations with random shapes and broadcasting, against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symtheano.tensor as T
from symtheano.gradient import Rop, grad
from tests.gradient.checks import check_gradients, leaves, projected, run

# Bounded functions without kinks, so that a step of a finite difference stays small on any path.
UNARY: tuple[Callable[[Any], Any], ...] = (
    T.tanh, T.sin, lambda x: T.exp(-T.sqr(x)), lambda x: T.sqrt(1 + T.sqr(x)), T.arctan, lambda x: 0.5 * x,
    lambda x: T.log1p(T.sqr(x)), T.erf,
)  # fmt: skip
BINARY: tuple[Callable[[Any, Any], Any], ...] = (
    lambda x, y: x + y, lambda x, y: x * T.tanh(y), lambda x, y: x - y, lambda x, y: x / (2 + T.sin(y)),
    lambda x, y: T.switch(T.gt(T.constant(0.5), 0.0), x, y), lambda x, y: T.sqrt(T.sqr(x) + T.sqr(y) + 1),
)  # fmt: skip
SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (3,), (2, 3), (2, 1), (1, 3), (3, 2), (2, 1, 3))


KINDS = ("unary", "binary", "binary", "binary", "reduce", "dot", "dot", "shuffle", "index", "join")

# A seed rather than drawn lists: hypothesis repeats itself in lists, and shrinking the number of steps is what helps.
programs = st.tuples(st.integers(0, 2**31), st.integers(3, 15))


def shapes_of(program: tuple[int, int]) -> list[tuple[int, ...]]:
    """The shapes of 1 to 3 inputs."""
    rng = np.random.default_rng(program)
    return [SHAPES[k] for k in rng.integers(len(SHAPES), size=rng.integers(1, 4))]


def build(program: tuple[int, int]) -> Callable[..., Any]:
    """The expression of a program: steps on values so far; one that fits none of them becomes a unary one."""

    def expression(*inputs: Any) -> Any:
        rng = np.random.default_rng((*program, 1))
        values = list(inputs)
        for _ in range(program[1]):
            x = values[rng.integers(len(values))]
            others = [values[k] for k in rng.permutation(len(values))]
            values.append(step(KINDS[rng.integers(len(KINDS))], int(rng.integers(10_000)), x, others))
        return sum((v.sum() / (1 + k) for k, v in enumerate(values[-3:])), values[-1].mean())

    return expression


def step(kind: str, which: int, x: Any, others: Sequence[Any]) -> Any:
    """One operation on `x`, or on `x` and the first of `others` that its static shape allows."""
    if kind == "binary":
        y = next(y for y in others if broadcasts(x.type.shape, y.type.shape))
        return BINARY[which % len(BINARY)](x, y)
    if kind == "reduce" and x.ndim:
        axis = which % x.ndim
        return (T.mean, T.sum, lambda v, **k: T.tanh(T.prod(v, **k)))[which % 3](x, axis=axis, keepdims=which % 2 == 0)
    fits = [y for y in others if x.ndim in (1, 2) and y.ndim in (1, 2) and x.type.shape[-1] == y.type.shape[0]]
    if kind == "dot" and fits:
        return T.tanh(T.dot(x, fits[0]))
    if kind == "shuffle" and x.ndim:
        order: list[Any] = list(range(x.ndim))[:: -1 if which % 2 else 1]
        return x.dimshuffle(*order, *("x",) * (which % 3 == 0 and x.ndim < 3))
    if kind == "index" and x.ndim:
        return (x[0], x[::-1], x[-1:], T.set_subtensor(x[:1], T.tanh(x[-1:])))[which % 4]
    if kind == "join" and x.ndim and x.ndim < 3:
        return T.concatenate([x, T.sin(x)], axis=which % x.ndim)
    return UNARY[which % len(UNARY)](x)


def broadcasts(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(a == b or 1 in (a, b) for a, b in zip(shape[::-1], other[::-1], strict=False))


def inputs_of(values: Sequence[Any]) -> list[Any]:
    """Inputs with all of their shape known, so that steps know what fits."""
    return [T.TensorType("float64", shape=v.shape)(f"x{k}") for k, v in enumerate(values)]


def values_of(shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    rng = np.random.default_rng(len(shapes))
    return [rng.uniform(-1.2, 1.2, shape) for shape in shapes]


@settings(max_examples=60)
@given(programs)
def test_gradient(program: tuple[int, int]) -> None:
    values = values_of(shapes_of(program))
    expression = build(program)

    def on_known_shapes(*inputs: Any) -> Any:
        known = [T.specify_shape(x, v.shape) for x, v in zip(inputs, values, strict=True)]
        return expression(*known)

    check_gradients(on_known_shapes, values, order=1, tolerance=1e-5)


@settings(max_examples=40)
@given(programs)
def test_second_order_is_symmetric_and_forward_agrees(program: tuple[int, int]) -> None:
    """u . H v = v . H u, with H v once by grad of grad and once by Rop of grad."""
    values = values_of(shapes_of(program))
    inputs = inputs_of(values)
    env = dict(zip(inputs, values, strict=True))
    cost = projected([build(program)(*inputs)], inputs, values)
    gradients = grad(cost, inputs, disconnected_inputs="ignore")
    rng = np.random.default_rng(1)
    us, vs = ([rng.normal(size=v.shape) for v in values] for _ in range(2))

    def times_hessian(ws: Sequence[Any]) -> list[Any]:
        inner = sum(((g * w).sum() for g, w in zip(gradients[1:], ws[1:], strict=True)), (gradients[0] * ws[0]).sum())
        return run(grad(inner, inputs, disconnected_inputs="ignore"), env)  # type: ignore[no-any-return]

    def product(left: Sequence[Any], right: Sequence[Any]) -> float:
        return sum(float((a * b).sum()) for a, b in zip(left, right, strict=True))

    left, right = product(us, times_hessian(vs)), product(vs, times_hessian(us))
    np.testing.assert_allclose(left, right, rtol=1e-8, atol=1e-8)
    points = [T.as_tensor_variable(v) for v in vs]
    pushed = run(Rop(gradients, inputs, points, disconnected_outputs="ignore"), env)
    np.testing.assert_allclose(product(us, pushed), left, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("flip", [False, True])
def test_strided_values(flip: bool) -> None:
    value = np.arange(12.0).reshape(3, 4)
    value = value[::-1, ::-2] if flip else value.T
    (x,) = leaves([value])
    g = run(grad(T.sqr(T.dot(x, x.T)).sum(), x), {x: value})
    np.testing.assert_allclose(g, 4 * value @ value.T @ value)
