"""A training step of the MLP 784-500-10 against the same step written by hand in NumPy: time and peak memory.

tanh hidden units, softmax, negative log-likelihood, stochastic gradient descent in place, plain or with momentum.
"""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import symtheano as st
import symtheano.tensor as T
from benchmarks.harness import Result, Row, interleaved, median_row, ratio_row

Array = NDArray[Any]

INPUTS, HIDDEN, CLASSES = 784, 500, 10
RATE, MOMENTUM = 0.01, 0.9
HOW = """
The hand-written step does what a careful NumPy programmer would do: every elementwise operation in place, the one-hot
subtraction by indexing, momentum buffers and parameters updated in place. Both start from the same parameters and
give the same losses and parameters (checked before timing). BLAS runs one thread. Peak memory is what NumPy allocates
during one call (tracemalloc), parameters and data not counted.
"""


def initial(dtype: str) -> dict[str, Array]:
    """W (784, 500), b (500,), V (500, 10), c (10,)."""
    rng = np.random.default_rng(1)
    values = {
        "W": rng.normal(0, 0.05, (INPUTS, HIDDEN)),
        "b": rng.normal(0, 0.05, HIDDEN),
        "V": rng.normal(0, 0.05, (HIDDEN, CLASSES)),
        "c": rng.normal(0, 0.05, CLASSES),
    }
    return {name: value.astype(dtype) for name, value in values.items()}


def batch_of(size: int, dtype: str) -> tuple[Array, Array]:
    """x (size, 784) and labels (size,)."""
    rng = np.random.default_rng(2)
    return rng.random((size, INPUTS)).astype(dtype), rng.integers(0, CLASSES, size).astype("int32")


class ByHand:
    """The step in NumPy."""

    def __init__(self, values: dict[str, Array], momentum: bool):
        self.parameters = {name: value.copy() for name, value in values.items()}
        self.velocities = {name: np.zeros_like(value) for name, value in values.items()} if momentum else None

    def __call__(self, x: Array, y: Array) -> Any:
        """One step on x (n, 784) and y (n,): returns the mean loss before it."""
        W, b, V, c = self.parameters.values()
        rows = np.arange(len(y))
        h = x @ W
        h += b
        np.tanh(h, out=h)
        p = h @ V
        p += c
        p -= p.max(axis=1, keepdims=True)
        correct = p[rows, y]
        np.exp(p, out=p)
        total = p.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - correct).mean()
        p /= total
        p[rows, y] -= 1
        p /= len(y)
        gradients = {"V": h.T @ p, "c": p.sum(axis=0)}
        d = p @ V.T
        np.multiply(h, h, out=h)
        np.subtract(1, h, out=h)
        d *= h
        gradients |= {"W": x.T @ d, "b": d.sum(axis=0)}
        self.update(gradients)
        return loss

    def update(self, gradients: dict[str, Array]) -> None:
        """Moves the parameters, in place."""
        for name, g in gradients.items():
            g *= RATE
            if self.velocities is None:
                self.parameters[name] -= g
                continue
            velocity = self.velocities[name]
            velocity *= MOMENTUM
            velocity -= g
            self.parameters[name] += velocity


def compiled(values: dict[str, Array], momentum: bool, dtype: str) -> tuple[Any, dict[str, Any]]:
    """The step as a symtheano function, and its shared parameters."""
    with st.config.change_flags(floatX=dtype):
        parameters = {name: st.shared(value.copy(), name=name) for name, value in values.items()}
        x, y = T.matrix("x"), T.ivector("y")
        hidden = T.tanh(T.dot(x, parameters["W"]) + parameters["b"])
        p = T.nnet.softmax(T.dot(hidden, parameters["V"]) + parameters["c"])
        loss = -T.mean(T.log(p)[T.arange(y.shape[0]), y])
        updates: list[tuple[Any, Any]] = []
        for parameter, gradient in zip(parameters.values(), T.grad(loss, list(parameters.values()))):
            step = -RATE * gradient
            if momentum:
                velocity = st.shared(np.zeros_like(parameter.get_value()), name=f"v{parameter.name}")
                step = MOMENTUM * velocity - RATE * gradient
                updates.append((velocity, step))
            updates.append((parameter, parameter + step))
        return st.function([x, y], loss, updates=updates), parameters


def check_equal(ours: Any, parameters: dict[str, Any], theirs: ByHand, x: Array, y: Array) -> None:
    """Five steps give the same losses and parameters."""
    tolerance = 2e-4 if x.dtype == np.float32 else 1e-10
    for _ in range(5):
        np.testing.assert_allclose(ours(x, y), theirs(x, y), rtol=tolerance)
    for name, value in theirs.parameters.items():
        np.testing.assert_allclose(parameters[name].get_value(), value, rtol=tolerance, atol=tolerance)


def peak(call: Callable[[], Any]) -> int:
    """Bytes that NumPy holds at most during a call, above what is there before it."""
    gc.collect()
    tracemalloc.start()
    call()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most - before


def main(quick: bool = False) -> Result:
    """float32 and float64, batches of 20 and 600, plain descent and momentum."""
    result = Result("MLP 784-500-10, one training step, against NumPy by hand", HOW)
    for dtype in ("float32", "float64"):
        for momentum in (False, True):
            values = initial(dtype)
            ours, parameters = compiled(values, momentum, dtype)
            theirs = ByHand(values, momentum)
            for size in (20, 600):
                x, y = batch_of(size, dtype)
                check_equal(ours, parameters, theirs, x, y)
                rounds = (30 if quick else 400) if size == 20 else (6 if quick else 60)
                times = interleaved({"ours": lambda: ours(x, y), "hand": lambda: theirs(x, y)}, rounds, calls=3)  # noqa: B023
                case = f"{dtype}, batch {size}, {'momentum' if momentum else 'plain'}"
                result.rows += [
                    median_row(f"{case}: ours", times["ours"], "ms", 1e3),
                    median_row(f"{case}: by hand", times["hand"], "ms", 1e3),
                    ratio_row(f"{case}: ours / by hand", times["ours"], times["hand"], goal=1.1),
                    _memory(case, peak(lambda: ours(x, y)), peak(lambda: theirs(x, y))),  # noqa: B023
                ]
    return result


def _memory(case: str, ours: int, theirs: int) -> Row:
    return Row(f"{case}: peak memory, ours / by hand", ours / theirs, "x", 1.0, note=f"{ours:,} and {theirs:,} bytes")
