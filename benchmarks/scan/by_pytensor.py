"""PyTensor: scan in its default mode (numba), inputs trusted, outputs borrowed."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from benchmarks.native import by_pytensor
from benchmarks.native.by_pytensor import function, variables
from benchmarks.native.contender import Run
from benchmarks.scan.cases import BETAS, EPSILON, RATE, Case
from benchmarks.scan.formulas import WITH_RESPECT_TO, lstm_states, of_traces, value_of


def traces(step: Any, xs: Sequence[Any], carry: Sequence[Any], consts: Sequence[Any], count: Any = None) -> list[Any]:
    """Of each state what each step left."""
    return pytensor.scan(
        lambda *args: list(step(*args)), sequences=list(xs), outputs_info=list(carry), non_sequences=list(consts),
        n_steps=count, strict=True, return_list=True, return_updates=False,
    )  # fmt: skip


M = SimpleNamespace(
    tanh=pt.tanh, sigmoid=pt.sigmoid, dot=pt.dot, sum=pt.sum, mean=pt.mean, **of_traces(traces),
    logsumexp=lambda x, axis: pt.logsumexp(x, axis=axis),
)  # fmt: skip


class Pytensor(by_pytensor.Pytensor):
    """The contender "pytensor". A loop is compiled once for all lengths and sizes: it takes minutes."""

    def __init__(self) -> None:
        self.loops: dict[tuple[Any, ...], Any] = {}

    def build(self, case: Case, data: Sequence[Any]) -> Run:
        with pytensor.config.change_flags(floatX=case.dtype):
            if case.group == "lstm":
                return self.step(case, data)
            key = (case.group, case.kind, case.dtype, *((case.shape[2],) if case.group == "gru" else ()))
            if case.group == "leapfrog" or key not in self.loops:
                self.loops[key] = self.loop(case, data)
            return Run([self.loops[key]], tuple(data))

    def loop(self, case: Case, data: Sequence[Any]) -> Any:
        """A value, and its gradients where they are asked for."""
        x = variables(data)
        value = value_of(M, case, x)
        if case.kind == "gradient":
            return function(x, [value, *pytensor.grad(value, [x[k] for k in WITH_RESPECT_TO[case.group]])])
        return function(x, list(value) if isinstance(value, list | tuple) else value)

    def step(self, case: Case, data: Sequence[Any]) -> Run:
        """A training step."""
        words, following = variables(data[:2])
        parameters = [pytensor.shared(value, name=f"p{k}") for k, value in enumerate(data[2:])]
        table, w, u, b, out, bias = parameters
        zeros = pt.zeros((words.shape[1], case.shape[2]), dtype=case.dtype)
        states = lstm_states(M, case.shape[2], False, table[words], zeros, w, u, b)
        rows = (states.reshape((-1, case.shape[2])) @ out) + bias
        scores = pt.special.log_softmax(rows, axis=1)
        loss = -scores[pt.arange(rows.shape[0]), following.reshape((-1,))].mean()
        count = pytensor.shared(np.float32(0), name="count")
        after = count + np.float32(1)
        beta, gamma = (np.float32(k) for k in BETAS)
        rate = np.float32(RATE) * pt.sqrt(1 - gamma**after) / (1 - beta**after)
        updates: list[tuple[Any, Any]] = [(count, after)]
        for p, g in zip(parameters, pytensor.grad(loss, parameters)):
            first, second = (pytensor.shared(np.zeros_like(p.get_value())) for _ in range(2))
            m = beta * first + (np.float32(1) - beta) * g
            v = gamma * second + (np.float32(1) - gamma) * g * g
            updates += [(first, m), (second, v), (p, p - rate * m / (pt.sqrt(v) + np.float32(EPSILON)))]
        call = function([words, following], loss, updates=updates)
        return Run([call], tuple(data[:2]), state=lambda: [p.get_value() for p in parameters])
