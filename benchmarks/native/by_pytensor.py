"""PyTensor: its default backend (numba), inputs trusted, outputs borrowed; for tiny calls the C one too."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

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
    tanh=pt.tanh, exp=pt.exp, log=pt.log, log1p=pt.log1p, cos=pt.cos, sqrt=pt.sqrt, abs=pt.abs, erf=pt.erf,
    sigmoid=pt.sigmoid, relu=lambda x: pt.maximum(x, 0), dot=pt.dot,
    sum=lambda x, axis=None: pt.sum(x) if axis is None else pt.sum(x, axis=axis, keepdims=True),
    mean=lambda x, axis: pt.mean(x, axis=axis, keepdims=True),
)  # fmt: skip


def layernorm(x: Any, gain: Any, bias: Any) -> Any:
    """Of each row."""
    centred = x - x.mean(axis=1, keepdims=True)
    return centred / pt.sqrt(pt.sqr(centred).mean(axis=1, keepdims=True) + 1e-5) * gain + bias


def loss_of(x: Any, labels: Any) -> Any:
    """The mean cross-entropy of scores."""
    return -pt.special.log_softmax(x, axis=1)[pt.arange(labels.shape[0]), labels].mean()


def crossentropy(x: Any, labels: Any) -> list[Any]:
    """The mean loss, and its gradient with respect to the scores."""
    loss = loss_of(x, labels)
    return [loss, pytensor.grad(loss, x)]


ROWS: dict[str, Callable[..., Any]] = {
    "softmax": lambda x: pt.special.softmax(x, axis=1), "logsumexp": lambda x: pt.logsumexp(x, axis=1),
    "layernorm": layernorm, "crossentropy": crossentropy,
    "sum0": lambda x: x.sum(axis=0), "sum1": lambda x: x.sum(axis=1),
}  # fmt: skip


def variables(arrays: Sequence[Array]) -> list[Any]:
    """A variable for each array."""
    return [pt.TensorType(a.dtype.name, (None,) * a.ndim)(f"x{k}") for k, a in enumerate(arrays)]


def function(inputs: Sequence[Any], outputs: Any, **options: Any) -> Any:
    """A compiled function that trusts its caller."""
    several = isinstance(outputs, list)
    wrapped = [pytensor.Out(o, borrow=True) for o in (outputs if several else [outputs])]
    f = pytensor.function(list(inputs), wrapped if several else wrapped[0], **options)
    f.trust_input = True
    return f


class Pytensor(Contender):
    """The contender "pytensor"."""

    settle = 0.03  # OpenBLAS's threads spin that long
    packages = ("pytensor", "numba", "numpy")

    def start(self) -> None:
        warnings.filterwarnings("ignore", message="PyTensor could not link")  # only its C backend would
        x = pt.dvector("x")
        function([x], x - 3)(np.ones(1))

    def facts(self) -> str:
        return f"mode {pytensor.config.mode}, linker numba; trust_input"

    def build(self, case: Case, data: Sequence[Any]) -> Run:
        with pytensor.config.change_flags(floatX=case.dtype):
            return super().build(case, data)

    def elementwise(self, case: Case, data: Sequence[Any]) -> Run:
        x = variables(data)
        return Run([function(x, FORMULAS[case.kind](M, *x))], tuple(data))

    def reductions(self, case: Case, data: Sequence[Any]) -> Run:
        x = variables(data)
        return Run([function(x, ROWS[case.kind](*x))], tuple(data))

    def steps(self, case: Case, data: Sequence[Any]) -> Run:
        x, labels = variables(data[:2])
        parameters = [pytensor.shared(value, name=f"p{k}") for k, value in enumerate(data[2:])]
        rate, decay = np.float32(RATE), np.float32(MOMENTUM)
        loss = loss_of(scores(M, case.kind, x, parameters), labels)
        updates: list[tuple[Any, Any]] = []
        for p, g in zip(parameters, pytensor.grad(loss, parameters)):
            move = -rate * g
            if case.kind == "deep":
                velocity = pytensor.shared(np.zeros_like(p.get_value()), name=f"v{p.name}")
                move = decay * velocity + move
                updates.append((velocity, move))
            updates.append((p, p + move))
        step = function([x, labels], loss, updates=updates)
        return Run([step], tuple(data[:2]), state=lambda: [p.get_value() for p in parameters])

    def calls(self, case: Case, data: Sequence[Any]) -> Run:
        modes = (None, "CVM") if self.all_ways else (None,)
        if case.kind == "counter":
            counter = pytensor.shared(data[0], name="counter")
            counts = [pytensor.function([], updates=[(counter, counter + 1)], mode=mode) for mode in modes]
            for count in counts:
                count.trust_input = True
            return Run(counts, (), state=lambda: [counter.get_value()])
        x = variables(data)
        value = x[0] + 1 if case.kind == "one" else total(x)
        return Run([function(x, value, mode=mode) for mode in modes], tuple(data))

    def logp(self, case: Case, data: Sequence[Any]) -> Run:
        (q,) = variables(data)
        value = density(M, q, *map(pt.constant, observations()))
        return Run([function([q], [value, pytensor.grad(value, q)])], tuple(data))

    def scaling(self, case: Case, data: Sequence[Any]) -> Run:
        x = variables(data)
        if case.kind == "narrow":
            value = narrow(M, x[0], x[1:])
            return Run([function(x, [value, *pytensor.grad(value, x[1:])])], tuple(data))
        value = chain(M, case.shape[0], *x)
        outputs = [value, *pytensor.grad(value, x)] if case.kind == "chain_grad" else [value]
        return Run([function(x, outputs)], tuple(data))
