"""symtheano, by its public interface and in its default mode: whatever target is the default is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

import symtheano as st
import symtheano.tensor as T
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

M = SimpleNamespace(
    tanh=T.tanh, exp=T.exp, log=T.log, log1p=T.log1p, cos=T.cos, sqrt=T.sqrt, abs=abs, erf=T.erf,
    sigmoid=T.sigmoid, relu=T.nnet.relu, dot=T.dot,
    sum=lambda x, axis=None: T.sum(x) if axis is None else T.sum(x, axis=axis, keepdims=True),
    mean=lambda x, axis: T.mean(x, axis=axis, keepdims=True),
)  # fmt: skip


def layernorm(x: Any, gain: Any, bias: Any) -> Any:
    """Of each row."""
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / T.sqrt(T.sqr(centred).mean(axis=1, keepdims=True) + 1e-5) * gain + bias


def loss_of(x: Any, labels: Any) -> Any:
    """The mean cross-entropy of scores."""
    return T.nnet.categorical_crossentropy(T.nnet.softmax(x), labels).mean()


def crossentropy(x: Any, labels: Any) -> list[Any]:
    """The mean loss, and its gradient with respect to the scores."""
    loss = loss_of(x, labels)
    return [loss, st.grad(loss, x)]


ROWS: dict[str, Callable[..., Any]] = {
    "softmax": T.nnet.softmax, "logsumexp": lambda x: T.logsumexp(x, axis=1), "layernorm": layernorm,
    "crossentropy": crossentropy, "sum0": lambda x: x.sum(axis=0), "sum1": lambda x: x.sum(axis=1),
}  # fmt: skip


def variables(arrays: Sequence[Array]) -> list[Any]:
    """A variable for each array."""
    return [T.TensorType(a.dtype.name, (False,) * a.ndim)(f"x{k}") for k, a in enumerate(arrays)]


class Symtheano(Contender):
    """The contender "symtheano"."""

    packages = ("symtheano", "numpy", "llvmlite")

    def start(self) -> None:
        x = T.dvector("x")
        st.function([x], x - 3)(np.ones(1))

    def build(self, case: Case, data: Sequence[Any]) -> Run:
        with st.config.change_flags(floatX=case.dtype):
            return super().build(case, data)

    def steady(self, run: Run) -> None:
        for call in run.calls:
            call.wait(60.0)

    def elementwise(self, case: Case, data: Sequence[Any]) -> Run:
        x = variables(data)
        return Run([st.function(x, FORMULAS[case.kind](M, *x))], tuple(data))

    def reductions(self, case: Case, data: Sequence[Any]) -> Run:
        x = variables(data)
        return Run([st.function(x, ROWS[case.kind](*x))], tuple(data))

    def steps(self, case: Case, data: Sequence[Any]) -> Run:
        x, labels = variables(data[:2])
        parameters = [st.shared(value, name=f"p{k}") for k, value in enumerate(data[2:])]
        loss = loss_of(scores(M, case.kind, x, parameters), labels)
        updates: list[tuple[Any, Any]] = []
        for p, g in zip(parameters, st.grad(loss, parameters)):
            move = -RATE * g
            if case.kind == "deep":
                velocity = st.shared(np.zeros_like(p.get_value()), name=f"v{p.name}")
                move = MOMENTUM * velocity + move
                updates.append((velocity, move))
            updates.append((p, p + move))
        step = st.function([x, labels], loss, updates=updates)
        return Run([step], tuple(data[:2]), state=lambda: [p.get_value() for p in parameters])

    def calls(self, case: Case, data: Sequence[Any]) -> Run:
        if case.kind == "counter":
            counter = st.shared(data[0], name="counter")
            return Run([st.function([], updates=[(counter, counter + 1)])], (), state=lambda: [counter.get_value()])
        x = variables(data)
        return Run([st.function(x, x[0] + 1 if case.kind == "one" else total(x))], tuple(data))

    def logp(self, case: Case, data: Sequence[Any]) -> Run:
        (q,) = variables(data)
        value = density(M, q, *map(T.constant, observations()))
        return Run([st.function([q], [value, st.grad(value, q)])], tuple(data))

    def scaling(self, case: Case, data: Sequence[Any]) -> Run:
        x = variables(data)
        if case.kind == "narrow":
            value = narrow(M, x[0], x[1:])
            return Run([st.function(x, [value, *st.grad(value, x[1:])])], tuple(data))
        value = chain(M, case.shape[0], *x)
        outputs = [value, *st.grad(value, x)] if case.kind == "chain_grad" else [value]
        return Run([st.function(x, outputs)], tuple(data))
