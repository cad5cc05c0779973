"""JAX: jitted functions of its own arrays, parameters donated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.native.cases import (
    FORMULAS,
    MOMENTUM,
    RATE,
    Array,
    Case,
    chain,
    density,
    narrow,
    observations,
    scores,
    total,
)
from benchmarks.native.contender import Contender, Run

jax.config.update("jax_enable_x64", True)
M = SimpleNamespace(
    tanh=jnp.tanh, exp=jnp.exp, log=jnp.log, log1p=jnp.log1p, cos=jnp.cos, sqrt=jnp.sqrt, abs=jnp.abs,
    erf=jax.scipy.special.erf, sigmoid=jax.nn.sigmoid, relu=lambda x: jnp.maximum(x, 0), dot=jnp.dot,
    sum=lambda x, axis=None: jnp.sum(x, axis=axis, keepdims=axis is not None),
    mean=lambda x, axis: jnp.mean(x, axis=axis, keepdims=True),
)  # fmt: skip


def layernorm(x: Any, gain: Any, bias: Any) -> Any:
    """Of each row."""
    centred = x - x.mean(axis=1, keepdims=True)
    return centred * jax.lax.rsqrt(jnp.square(centred).mean(axis=1, keepdims=True) + 1e-5) * gain + bias


def loss_of(x: Any, labels: Any) -> Any:
    """The mean cross-entropy of scores."""
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x), labels[:, None], axis=1))


ROWS: dict[str, Callable[..., Any]] = {
    "softmax": lambda x: jax.nn.softmax(x, axis=1), "logsumexp": lambda x: jax.nn.logsumexp(x, axis=1),
    "layernorm": layernorm, "crossentropy": jax.value_and_grad(loss_of),
    "sum0": lambda x: x.sum(axis=0), "sum1": lambda x: x.sum(axis=1),
}  # fmt: skip


def moved(kind: str, state: Any, x: Any, labels: Any) -> tuple[Any, Any]:
    """The loss, and parameters and velocities after a step."""
    parameters, velocities = state
    loss, gradients = jax.value_and_grad(lambda p: loss_of(scores(M, kind, x, p), labels))(parameters)
    if kind == "deep":
        velocities = [MOMENTUM * v - RATE * g for v, g in zip(velocities, gradients)]
        return loss, ([p + v for p, v in zip(parameters, velocities)], velocities)
    return loss, ([p - RATE * g for p, g in zip(parameters, gradients)], velocities)


def ways(function: Callable[..., Any]) -> list[Callable[..., Any]]:
    """A call that returns at once (the last of a row is awaited), and one that awaits its own result."""
    return [function, lambda *args: jax.block_until_ready(function(*args))]


class Jax(Contender):
    """The contender "jax"."""

    packages = ("jax", "jaxlib", "numpy")
    first_call_compiles = True

    def start(self) -> None:
        jax.jit(lambda x: x - 3)(jnp.ones(1)).block_until_ready()

    def array(self, value: Array) -> Any:
        return jax.block_until_ready(jnp.array(value))

    def _jit(self, function: Callable[..., Any], data: Sequence[Any]) -> Run:
        return Run(ways(jax.jit(function)), tuple(data), jax.block_until_ready)

    def elementwise(self, case: Case, data: Sequence[Any]) -> Run:
        formula = FORMULAS[case.kind]
        return self._jit(lambda *args: formula(M, *args), data)

    def reductions(self, case: Case, data: Sequence[Any]) -> Run:
        return self._jit(ROWS[case.kind], data)

    def steps(self, case: Case, data: Sequence[Any]) -> Run:
        jitted = jax.jit(lambda state, x, labels: moved(case.kind, state, x, labels), donate_argnums=0)
        parameters = list(data[2:])
        states = [(parameters, [jnp.zeros_like(p) for p in parameters] if case.kind == "deep" else [])]

        def step(x: Any, labels: Any) -> Any:
            loss, states[0] = jitted(states[0], x, labels)
            return loss

        return Run(
            ways(step), tuple(data[:2]), lambda out: jax.block_until_ready((out, states[0])), lambda: states[0][0]
        )

    def calls(self, case: Case, data: Sequence[Any]) -> Run:
        if case.kind == "one":
            return self._jit(lambda x: x + 1, data)
        if case.kind == "ten":
            return self._jit(lambda *args: total(args), data)
        jitted = jax.jit(lambda x: x + 1, donate_argnums=0)
        counter = [data[0]]

        def count() -> None:
            counter[0] = jitted(counter[0])

        return Run([count], (), lambda out: jax.block_until_ready(counter[0]), lambda: counter)

    def logp(self, case: Case, data: Sequence[Any]) -> Run:
        group, floor, y = observations()
        return self._jit(jax.value_and_grad(lambda q: density(M, q, group, floor, y)), data)

    def scaling(self, case: Case, data: Sequence[Any]) -> Run:
        if case.kind == "narrow":
            return self._jit(jax.value_and_grad(lambda p, x: narrow(M, x, p)), [list(data[1:]), data[0]])
        size = case.shape[0]
        if case.kind == "chain":
            return self._jit(lambda x, w, b: chain(M, size, x, w, b), data)
        return self._jit(jax.value_and_grad(lambda x, w, b: chain(M, size, x, w, b), (0, 1, 2)), data)

    def read(self, value: Any) -> list[Array]:
        return [np.array(leaf) for leaf in jax.tree.leaves(value)]
