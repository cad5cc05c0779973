"""symtheano: theano.scan by its public interface and in its default mode, written as Theano's users write it."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

import symtheano as st
import symtheano.tensor as T
from benchmarks.native import by_symtheano
from benchmarks.native.by_symtheano import variables
from benchmarks.native.contender import Run
from benchmarks.scan.cases import BETAS, EPSILON, RATE, Case
from benchmarks.scan.formulas import WITH_RESPECT_TO, lstm_states, of_traces, value_of


def traces(step: Any, xs: Sequence[Any], carry: Sequence[Any], consts: Sequence[Any], count: Any = None) -> list[Any]:
    """Of each state what each step left."""
    found: list[Any]
    found, _ = st.scan(
        lambda *args: list(step(*args)), sequences=list(xs), outputs_info=list(carry), non_sequences=list(consts),
        n_steps=count, return_list=True,
    )  # fmt: skip
    return found


M = SimpleNamespace(
    tanh=T.tanh, sigmoid=T.nnet.sigmoid, dot=T.dot, sum=T.sum, mean=T.mean, **of_traces(traces),
    logsumexp=lambda x, axis: T.logsumexp(x, axis=axis),
)  # fmt: skip


class Symtheano(by_symtheano.Symtheano):
    """The contender "symtheano". Products are written inside the loops: taking them out is the compiler's work."""

    def build(self, case: Case, data: Sequence[Any]) -> Run:
        with st.config.change_flags(floatX=case.dtype):
            return self.step(case, data) if case.group == "lstm" else self.loop(case, data)

    def loop(self, case: Case, data: Sequence[Any]) -> Run:
        """A value, and its gradients where they are asked for."""
        x = variables(data)
        value = value_of(M, case, x)
        if case.kind == "gradient":
            value = [value, *st.grad(value, [x[k] for k in WITH_RESPECT_TO[case.group]])]
        return Run([st.function(x, value)], tuple(data))

    def step(self, case: Case, data: Sequence[Any]) -> Run:
        """A training step."""
        words, following = variables(data[:2])
        parameters = [st.shared(value, name=f"p{k}") for k, value in enumerate(data[2:])]
        table, w, u, b, out, bias = parameters
        zeros = T.zeros((words.shape[1], case.shape[2]), dtype=case.dtype)
        states = lstm_states(M, case.shape[2], False, table[words], zeros, w, u, b)
        rows = T.dot(states.reshape((-1, case.shape[2])), out) + bias
        loss = T.nnet.categorical_crossentropy(T.nnet.softmax(rows), following.flatten()).mean()
        count = st.shared(np.float32(0), name="count")
        after = count + 1
        rate = RATE * T.sqrt(1 - BETAS[1] ** after) / (1 - BETAS[0] ** after)
        updates: list[tuple[Any, Any]] = [(count, after)]
        for p, g in zip(parameters, st.grad(loss, parameters)):
            first, second = (st.shared(np.zeros_like(p.get_value())) for _ in range(2))
            m = BETAS[0] * first + (1 - BETAS[0]) * g
            v = BETAS[1] * second + (1 - BETAS[1]) * g * g
            updates += [(first, m), (second, v), (p, p - rate * m / (T.sqrt(v) + EPSILON))]
        call = st.function([words, following], loss, updates=updates)
        return Run([call], tuple(data[:2]), state=lambda: [p.get_value() for p in parameters])
