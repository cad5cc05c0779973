"""NumPy, as a careful programmer writes it; what the results of all others are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

from benchmarks.native.cases import FORMULAS, GROUPS, MOMENTUM, OBSERVATIONS, RATE, Array, Case, observations, total
from benchmarks.native.contender import Contender, Run


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) in one temporary."""
    y = np.negative(x)
    np.exp(y, out=y)
    y += 1
    np.divide(1, y, out=y)
    return y


M = SimpleNamespace(
    tanh=np.tanh, exp=np.exp, log=np.log, log1p=np.log1p, cos=np.cos, sqrt=np.sqrt, abs=np.abs, erf=special.erf,
    sigmoid=sigmoid, relu=lambda x: np.maximum(x, 0), sum=np.sum,
)  # fmt: skip


def tanh(x: Array, w: Array, b: Array) -> Array:
    """tanh(x * w + b) in one temporary."""
    y = x * w
    y += b
    np.tanh(y, out=y)
    return y


def mix(x: Array, y: Array, z: Array) -> Array:
    """exp(-x * x) * cos(y) + log1p(abs(z)) in two temporaries."""
    a = x * x
    np.negative(a, out=a)
    np.exp(a, out=a)
    b = np.cos(y)
    a *= b
    np.abs(z, out=b)
    np.log1p(b, out=b)
    a += b
    return a


def relu(x: Array, w: Array, b: Array) -> Array:
    """relu(relu(x * w + b) * w - b) + x in one temporary."""
    y = x * w
    y += b
    np.maximum(y, 0, out=y)
    y *= w
    y -= b
    np.maximum(y, 0, out=y)
    y += x
    return y


def softmax(x: Array) -> Array:
    """Of each row."""
    y = x - x.max(axis=1, keepdims=True)
    np.exp(y, out=y)
    y /= y.sum(axis=1, keepdims=True)
    return y


def logsumexp(x: Array) -> Array:
    """Of each row."""
    most = x.max(axis=1, keepdims=True)
    y = x - most
    np.exp(y, out=y)
    result: Array = np.log(y.sum(axis=1)) + most[:, 0]
    return result


def layernorm(x: Array, gain: Array, bias: Array) -> Array:
    """Of each row."""
    y = x - x.mean(axis=1, keepdims=True)
    y *= 1 / np.sqrt(np.square(y).mean(axis=1, keepdims=True) + np.float32(1e-5))
    y *= gain
    y += bias
    return y


def crossentropy(x: Array, labels: Array) -> tuple[Any, Array]:
    """The mean loss, and its gradient with respect to the scores."""
    rows = np.arange(len(x))
    y = x - x.max(axis=1, keepdims=True)
    correct = y[rows, labels]
    np.exp(y, out=y)
    sums = y.sum(axis=1, keepdims=True)
    loss = (np.log(sums[:, 0]) - correct).mean()
    y *= 1 / (len(x) * sums)
    y[rows, labels] -= np.float32(1 / len(x))
    return loss, y


ROWS = {
    "softmax": softmax, "logsumexp": logsumexp, "layernorm": layernorm, "crossentropy": crossentropy,
    "sum0": lambda x: x.sum(axis=0), "sum1": lambda x: x.sum(axis=1),
}  # fmt: skip
BETTER = {"tanh": tanh, "mix": mix, "relu": relu, "sigmoid": sigmoid}


class Step:
    """A step of gradient descent, all in place."""

    def __init__(self, kind: str, parameters: Sequence[Array]):
        self.kind = kind
        self.parameters = list(parameters)
        self.velocities = [np.zeros_like(p) for p in parameters] if kind == "deep" else None

    def __call__(self, x: Array, labels: Array) -> Any:
        """Returns the mean loss before the step."""
        weights, biases = self.parameters[::2], self.parameters[1::2]
        hidden = [x]
        for k, (w, b) in enumerate(zip(weights, biases)):
            h = hidden[-1] @ w
            h += b
            if k + 1 < len(weights):
                (np.tanh if self.kind == "mlp" else relu_into)(h, out=h)
            hidden.append(h)
        loss, d = crossentropy(hidden.pop(), labels)
        gradients: list[Array] = []
        for k in reversed(range(len(weights))):
            gradients[:0] = [hidden[k].T @ d, d.sum(axis=0)]
            if k:
                d = d @ weights[k].T
                d *= 1 - np.square(hidden[k]) if self.kind == "mlp" else hidden[k] > 0
        self.update(gradients)
        return loss

    def update(self, gradients: Sequence[Array]) -> None:
        """Moves the parameters."""
        for k, g in enumerate(gradients):
            g *= np.float32(RATE)
            if self.velocities is None:
                self.parameters[k] -= g
                continue
            self.velocities[k] *= np.float32(MOMENTUM)
            self.velocities[k] -= g
            self.parameters[k] += self.velocities[k]


def relu_into(x: Array, out: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0, out=out)


class Density:
    """Log density and gradient of the regression, by hand."""

    def __init__(self) -> None:
        self.group, self.floor, self.y = observations()

    def __call__(self, q: Array) -> tuple[Any, Array]:
        """Returns the log density (see cases.density) and its gradient."""
        (mean_a, log_a, mean_b, log_b, log_y), a, b = q[:5], q[5 : 5 + GROUPS], q[5 + GROUPS :]
        spread_a, spread_b, spread_y = np.exp(q[[1, 3, 4]])
        in_a, in_b = (a - mean_a) / spread_a, (b - mean_b) / spread_b
        rest = (self.y - a[self.group] - b[self.group] * self.floor) / spread_y
        squares = in_a @ in_a, in_b @ in_b, rest @ rest
        value = -0.5 * (mean_a**2 + mean_b**2 + spread_a**2 + spread_b**2 + spread_y**2) + log_a + log_b + log_y
        value += -0.5 * sum(squares) - GROUPS * (log_a + log_b) - OBSERVATIONS * log_y
        gradient = np.empty_like(q)
        gradient[0] = in_a.sum() / spread_a - mean_a
        gradient[1] = squares[0] + 1 - GROUPS - spread_a**2
        gradient[2] = in_b.sum() / spread_b - mean_b
        gradient[3] = squares[1] + 1 - GROUPS - spread_b**2
        gradient[4] = squares[2] + 1 - OBSERVATIONS - spread_y**2
        rest /= spread_y
        gradient[5 : 5 + GROUPS] = np.bincount(self.group, rest, GROUPS) - in_a / spread_a
        gradient[5 + GROUPS :] = np.bincount(self.group, rest * self.floor, GROUPS) - in_b / spread_b
        return value, gradient


class Numpy(Contender):
    """The contender "numpy"."""

    settle = 0.03  # OpenBLAS's threads spin that long
    packages = ("numpy", "scipy")

    def start(self) -> None:
        np.ones((64, 64)) @ np.ones((64, 64))

    def elementwise(self, case: Case, data: Sequence[Any]) -> Run:
        formula = FORMULAS[case.kind]
        return Run([BETTER.get(case.kind, lambda *args: formula(M, *args))], tuple(data))

    def reductions(self, case: Case, data: Sequence[Any]) -> Run:
        return Run([ROWS[case.kind]], tuple(data))

    def steps(self, case: Case, data: Sequence[Any]) -> Run:
        step = Step(case.kind, data[2:])
        return Run([step], tuple(data[:2]), state=lambda: step.parameters)

    def calls(self, case: Case, data: Sequence[Any]) -> Run:
        if case.kind == "one":
            return Run([lambda x: x + 1], tuple(data))
        if case.kind == "ten":
            return Run([lambda *args: total(args)], tuple(data))
        counter = data[0]

        def count() -> None:
            np.add(counter, 1, out=counter)

        return Run([count], (), state=lambda: [counter])

    def logp(self, case: Case, data: Sequence[Any]) -> Run:
        return Run([Density()], tuple(data))
