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


@st.composite
def programs(draw: Any) -> tuple[list[tuple[int, ...]], list[tuple[Any, ...]]]:
    """Shapes of 1 to 3 inputs, and 3 to 15 steps that name an operation and the values it reads."""
    shapes = draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    count = draw(st.integers(3, 15))
    kinds = st.sampled_from(["unary", "binary", "binary", "reduce", "dot", "shuffle", "index", "join"])
    number = st.integers(0, 10_000)
    steps = draw(st.lists(st.tuples(kinds, number, number, number), min_size=count, max_size=count))
    return shapes, steps


def build(steps: Sequence[tuple[Any, ...]]) -> Callable[..., Any]:
    """The expression of a program; a step that its operands do not fit becomes a unary one."""

    def expression(*inputs: Any) -> Any:
        values = list(inputs)
        for kind, which, a, b in steps:
            x, y = values[-1 - a % len(values)], values[-1 - b % len(values)]
            values.append(step(kind, which, x, y))
        return sum((v.sum() / (1 + k) for k, v in enumerate(values[-3:])), values[-1].mean())

    return expression


def step(kind: str, which: int, x: Any, y: Any) -> Any:
    """One operation on `x`, or on `x` and `y` where their static shapes allow."""
    shape, other = x.type.shape, y.type.shape
    if kind == "binary" and broadcasts(shape, other):
        return BINARY[which % len(BINARY)](x, y)
    if kind == "reduce" and x.ndim:
        axis = which % x.ndim
        return (T.mean, T.sum, lambda v, **k: T.tanh(T.prod(v, **k)))[which % 3](x, axis=axis, keepdims=which % 2 == 0)
    if kind == "dot" and x.ndim in (1, 2) and y.ndim in (1, 2) and shape[-1] == other[0]:
        return T.tanh(T.dot(x, y))
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
@given(programs())
def test_gradient(program: Any) -> None:
    shapes, steps = program
    values = values_of(shapes)
    expression = build(steps)

    def on_known_shapes(*inputs: Any) -> Any:
        known = [T.specify_shape(x, v.shape) for x, v in zip(inputs, values, strict=True)]
        return expression(*known)

    check_gradients(on_known_shapes, values, order=1, tolerance=1e-5)


@settings(max_examples=40)
@given(programs())
def test_second_order_is_symmetric_and_forward_agrees(program: Any) -> None:
    """u . H v = v . H u, with H v once by grad of grad and once by Rop of grad."""
    shapes, steps = program
    values = values_of(shapes)
    inputs = inputs_of(values)
    env = dict(zip(inputs, values, strict=True))
    cost = projected([build(steps)(*inputs)], inputs, values)
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
