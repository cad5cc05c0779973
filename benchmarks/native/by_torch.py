"""torch on the CPU: eager, or the same functions through torch.compile for the shapes of the case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

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
    tanh=torch.tanh, exp=torch.exp, log=torch.log, log1p=torch.log1p, cos=torch.cos, sqrt=torch.sqrt, abs=torch.abs,
    erf=torch.erf, sigmoid=torch.sigmoid, relu=torch.relu, dot=torch.matmul,
    sum=lambda x, axis=None: torch.sum(x) if axis is None else torch.sum(x, axis, keepdim=True),
    mean=lambda x, axis: torch.mean(x, axis, keepdim=True),
)  # fmt: skip
ROWS: dict[str, Callable[..., Any]] = {
    "softmax": lambda x: torch.softmax(x, 1), "logsumexp": lambda x: torch.logsumexp(x, 1),
    "layernorm": lambda x, gain, bias: F.layer_norm(x, x.shape[1:], gain, bias),
    "sum0": lambda x: torch.sum(x, 0), "sum1": lambda x: torch.sum(x, 1),
}  # fmt: skip


def crossentropy_eager(x: Any, labels: Any) -> tuple[Any, Any]:
    """Loss and gradient, by the tape."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        loss = F.cross_entropy(x, labels)
        return loss.detach(), torch.autograd.grad(loss, x)[0]


def with_gradients(function: Callable[..., Any], which: int | tuple[int, ...]) -> Callable[..., Any]:
    """The function's value and gradients, by the transformation that torch.compile sees through."""

    def both(*args: Any) -> tuple[Any, Any]:
        gradients, value = torch.func.grad_and_value(function, which)(*args)
        return value, gradients

    return both


def by_tape(function: Callable[..., Any], which: tuple[int, ...]) -> Callable[..., Any]:
    """The function's value and gradients, by the tape."""

    def both(*args: Any) -> tuple[Any, Any]:
        with torch.enable_grad():
            leaves = [a.detach().requires_grad_() if k in which else a for k, a in enumerate(args)]
            value = function(*leaves)
            return value.detach(), torch.autograd.grad(value, [leaves[k] for k in which])

    return both


class Torch(Contender):
    """The contenders "torch" (eager) and "torch.compile"."""

    settle = 0.005  # libgomp's threads spin a little
    packages = ("torch", "numpy")

    def __init__(self, compiled: bool):
        self.compiled = compiled
        self.first_call_compiles = compiled

    def start(self) -> None:
        torch.set_grad_enabled(False)
        self._ready(lambda x: x - 3)(torch.ones(1))

    def facts(self) -> str:
        return f"{torch.get_num_threads()} threads"

    def _ready(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if not self.compiled:
            return function
        torch._dynamo.reset()  # else the shapes seen before count towards its limit of recompilations
        compiled: Callable[..., Any] = torch.compile(function, dynamic=False)
        return compiled

    def array(self, value: Array) -> Any:
        tensor = torch.from_numpy(value.copy())
        return tensor.long() if value.dtype == np.int32 else tensor

    def _differentiated(self, function: Callable[..., Any], which: tuple[int, ...]) -> Callable[..., Any]:
        return (with_gradients if self.compiled else by_tape)(function, which)

    def elementwise(self, case: Case, data: Sequence[Any]) -> Run:
        formula = FORMULAS[case.kind]
        return Run([self._ready(lambda *args: formula(M, *args))], tuple(data))

    def reductions(self, case: Case, data: Sequence[Any]) -> Run:
        if case.kind == "crossentropy":
            compiled = self._ready(with_gradients(F.cross_entropy, 0))
            return Run([compiled if self.compiled else crossentropy_eager], tuple(data))
        return Run([self._ready(ROWS[case.kind])], tuple(data))

    def steps(self, case: Case, data: Sequence[Any]) -> Run:
        parameters = list(data[2:])
        velocities = [torch.zeros_like(p) for p in parameters] if case.kind == "deep" else []
        count = len(parameters)

        def loss_of(*args: Any) -> Any:
            return F.cross_entropy(scores(M, case.kind, args[count], args[:count]), args[count + 1])

        differentiated = self._differentiated(loss_of, tuple(range(count)))

        def step(x: Any, labels: Any) -> Any:
            loss, gradients = differentiated(*parameters, x, labels)
            if velocities:
                for v, g in zip(velocities, gradients):
                    v.mul_(MOMENTUM).sub_(g, alpha=RATE)
                for p, v in zip(parameters, velocities):
                    p.add_(v)
            else:
                for p, g in zip(parameters, gradients):
                    p.sub_(g, alpha=RATE)
            return loss

        return Run([self._ready(step)], tuple(data[:2]), state=lambda: parameters)

    def calls(self, case: Case, data: Sequence[Any]) -> Run:
        if case.kind == "one":
            return Run([self._ready(lambda x: x + 1)], tuple(data))
        if case.kind == "ten":
            return Run([self._ready(lambda *args: total(args))], tuple(data))
        counter = data[0]

        def count() -> None:
            counter.add_(1)

        return Run([self._ready(count)], (), state=lambda: [counter])

    def logp(self, case: Case, data: Sequence[Any]) -> Run:
        group, floor, y = (torch.from_numpy(a) for a in observations())
        value = self._differentiated(lambda q: density(M, q, group, floor, y), (0,))
        return Run([self._ready(value)], tuple(data))

    def scaling(self, case: Case, data: Sequence[Any]) -> Run:
        if case.kind == "narrow":
            which = tuple(range(1, len(data)))
            value = self._differentiated(lambda *args: narrow(M, args[0], args[1:]), which)
            return Run([self._ready(value)], tuple(data))
        size = case.shape[0]
        if case.kind == "chain":
            return Run([self._ready(lambda x, w, b: chain(M, size, x, w, b))], tuple(data))
        value = self._differentiated(lambda x, w, b: chain(M, size, x, w, b), (0, 1, 2))
        return Run([self._ready(value)], tuple(data))

    def read(self, value: Any) -> list[Array]:
        flat: list[Array] = []
        todo = [value]
        while todo:
            first = todo.pop(0)
            if isinstance(first, list | tuple):
                todo[:0] = first
            elif first is not None:
                flat.append(first.detach().numpy().copy())
        return flat
