"""JAX: lax.scan under jit, written as symtheano's loops are, or (ahead) with products of inputs before the loop."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.native import by_jax
from benchmarks.native.contender import Run
from benchmarks.scan.cases import BETAS, EPSILON, RATE, Case
from benchmarks.scan.formulas import WITH_RESPECT_TO, lstm_states, value_of


def scan(step: Any, xs: Sequence[Any], carry: Sequence[Any], consts: Sequence[Any], keep: Sequence[int]) -> Any:
    """See formulas.py."""

    def body(state: Any, x: Any) -> Any:
        new = step(*x, *state, *consts)
        return new, tuple(new[k] for k in keep)

    return jax.lax.scan(body, tuple(carry), tuple(xs))


def repeat(step: Any, count: int, carry: Sequence[Any], consts: Sequence[Any]) -> Any:
    """See formulas.py."""
    return jax.lax.scan(lambda state, _: (step(*state, *consts), None), tuple(carry), None, length=count)[0]


M = SimpleNamespace(
    tanh=jnp.tanh, sigmoid=jax.nn.sigmoid, dot=jnp.dot, sum=jnp.sum, mean=jnp.mean, scan=scan, repeat=repeat,
    logsumexp=lambda x, axis: jax.nn.logsumexp(x, axis=axis),
)  # fmt: skip


def loss_of(ahead: bool, hidden: int, words: Any, following: Any, parameters: Sequence[Any]) -> Any:
    """The mean cross-entropy of the language model."""
    table, w, u, b, out, bias = parameters
    zeros = jnp.zeros((words.shape[1], hidden), table.dtype)
    states = lstm_states(M, hidden, ahead, table[words], zeros, w, u, b)
    scores = jax.nn.log_softmax(states @ out + bias)
    return -jnp.mean(jnp.take_along_axis(scores, following[:, :, None], axis=2))


def adam(parameter: Any, gradient: Any, first: Any, second: Any, count: Any) -> tuple[Any, Any, Any]:
    """The parameter and its moments after a step."""
    first = BETAS[0] * first + (1 - BETAS[0]) * gradient
    second = BETAS[1] * second + (1 - BETAS[1]) * gradient * gradient
    rate = RATE * jnp.sqrt(1 - BETAS[1] ** count) / (1 - BETAS[0] ** count)
    return parameter - rate * first / (jnp.sqrt(second) + EPSILON), first, second


class Jax(by_jax.Jax):
    """The contenders "jax" and "jax ahead"."""

    def __init__(self, ahead: bool = False):
        self.ahead = ahead

    def build(self, case: Case, data: Sequence[Any]) -> Run:
        if case.group == "lstm":
            return self.step(case, data)

        def function(*args: Any) -> Any:
            return value_of(M, case, args, self.ahead)

        if case.kind == "gradient":
            return self._jit(jax.value_and_grad(function, WITH_RESPECT_TO[case.group]), data)
        return self._jit(function, data)

    def step(self, case: Case, data: Sequence[Any]) -> Run:
        """A training step; its state is donated."""

        def moved(state: Any, words: Any, following: Any) -> Any:
            parameters, first, second, count = state
            count = count + 1
            loss, gradients = jax.value_and_grad(
                lambda p: loss_of(self.ahead, case.shape[2], words, following, p)
            )(parameters)  # fmt: skip
            new = [adam(p, g, m, v, count) for p, g, m, v in zip(parameters, gradients, first, second)]
            return loss, (*map(list, zip(*new)), count)

        jitted = jax.jit(moved, donate_argnums=0)
        parameters = list(data[2:])
        zeros = [[jnp.zeros_like(p) for p in parameters] for _ in range(2)]
        states: list[Any] = [(parameters, *zeros, jnp.zeros((), "float32"))]

        def call(words: Any, following: Any) -> Any:
            loss, states[0] = jitted(states[0], words, following)
            return loss

        return Run(
            by_jax.ways(call),
            tuple(data[:2]),
            lambda out: jax.block_until_ready((out, states[0])),
            lambda: states[0][0],
        )
