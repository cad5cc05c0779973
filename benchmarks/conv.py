"""Convolutions against the matrix product they consist of, and a training step of LeNet-5: GFLOP/s and milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

import symtheano as st
import symtheano.tensor as T
from benchmarks.harness import Result, Row, interleaved, median_row, ratio_row
from symtheano.tensor.nnet.abstract_conv import conv2d_grad_wrt_inputs, conv2d_grad_wrt_weights
from symtheano.tensor.nnet.conv_plan import WORKSPACE
from symtheano.tensor.signal.pool import pool_2d

Array = NDArray[Any]

HOW = f"""
A convolution is a product of matrices, filters times patches, but for getting at the patches. Each row compares a
compiled convolution with that product alone, NumPy's matmul on matrices of those sizes that are there already: the best
that a convolution by matrix products could do. Both in float32 on one thread, in turn. The goal is half of its speed.
Patches are copied block by block into {WORKSPACE // 2**20} MiB of workspace, whatever the size of the images.
LeNet-5: 20 and 50 filters of 5 x 5, pooling 2 x 2 after each, 500 tanh units, softmax; a step of gradient descent.
"""

GOAL = 2.0  # times the time of the matrix product


@dataclass(frozen=True)
class Layer:
    """A convolutional layer: images (batch, channels, rows, columns) and filters."""

    name: str
    image: tuple[int, int, int, int]
    kernel: tuple[int, int, int, int]
    border: str = "valid"
    stride: int = 1
    first: bool = False  # nobody asks for the gradient by the data


LAYERS = [
    Layer("LeNet-5, first layer", (50, 1, 28, 28), (20, 1, 5, 5), first=True),
    Layer("LeNet-5, second layer", (50, 20, 12, 12), (50, 20, 5, 5)),
    Layer("64 to 64 channels, 56 x 56, 3 x 3", (8, 64, 56, 56), (64, 64, 3, 3), "half"),
    Layer("256 to 256 channels, 14 x 14, 3 x 3", (8, 256, 14, 14), (256, 256, 3, 3), "half"),
    Layer("64 to 128 channels, 56 x 56, 3 x 3, stride 2", (8, 64, 56, 56), (128, 64, 3, 3), "half", 2),
    Layer("64 to 256 channels, 28 x 28, 1 x 1", (8, 64, 28, 28), (256, 64, 1, 1)),
]


def compiled(layer: Layer) -> dict[str, tuple[Callable[[], Any], Callable[[], Any], float]]:
    """For each direction: a call of ours, of the matrix product, and the number of their operations."""
    rng = np.random.default_rng(0)
    stride = (layer.stride, layer.stride)
    img, kern = (rng.normal(size=s).astype("float32") for s in (layer.image, layer.kernel))
    x, k, g = T.ftensor4(), T.ftensor4(), T.ftensor4()
    forward = st.function([x, k], T.nnet.conv2d(x, k, None, None, layer.border, stride))
    top = forward(img, kern)
    weights = conv2d_grad_wrt_weights(x, g, layer.kernel, None, layer.border, stride)
    inputs = conv2d_grad_wrt_inputs(g, k, layer.image, None, layer.border, stride)
    by_filters, by_image = st.function([x, g], weights), st.function([k, g], inputs)
    kernels, patch, positions = layer.kernel[0], prod(layer.kernel[1:]), top.size // layer.kernel[0]
    flops = 2.0 * kernels * patch * positions
    calls: dict[str, tuple[Callable[[], Any], Callable[[], Any], float]] = {
        "forward": (lambda: forward(img, kern), product(kernels, patch, positions), flops),
        "by the filters": (lambda: by_filters(img, top), product(kernels, positions, patch), flops),
    }
    if not layer.first:
        calls["by the image"] = (lambda: by_image(kern, top), product(patch, kernels, positions), flops)
    return calls


def product(m: int, k: int, n: int) -> Callable[[], Any]:
    """The product of matrices (m, k) and (k, n) into memory that is there."""
    rng = np.random.default_rng(1)
    a, b = (rng.normal(size=s).astype("float32") for s in ((m, k), (k, n)))
    out = np.empty((m, n), "float32")
    return lambda: np.matmul(a, b, out=out)


def lenet() -> Callable[[], Any]:
    """A training step of LeNet-5 on a batch of 50 images."""
    rng = np.random.default_rng(2)

    def weights(*shape: int) -> Any:
        return st.shared(rng.normal(0, 0.05, shape).astype("float32"))

    with st.config.change_flags(floatX="float32"):
        x, y = T.tensor4("x"), T.ivector("y")
        parameters = [weights(20, 1, 5, 5), weights(20), weights(50, 20, 5, 5), weights(50)]
        parameters += [weights(800, 500), weights(500), weights(500, 10), weights(10)]
        hidden: Any = x
        for w, b in (parameters[:2], parameters[2:4]):
            pooled = pool_2d(T.nnet.conv2d(hidden, w), (2, 2), ignore_border=True)
            hidden = T.tanh(pooled + b.dimshuffle("x", 0, "x", "x"))
        flat = T.tanh(T.dot(hidden.flatten(2), parameters[4]) + parameters[5])
        p = T.nnet.softmax(T.dot(flat, parameters[6]) + parameters[7])
        loss = -T.mean(T.log(p)[T.arange(y.shape[0]), y])
        step = [(w, w - 0.1 * g) for w, g in zip(parameters, T.grad(loss, parameters))]
        f = st.function([x, y], loss, updates=step)
    images = rng.random((50, 1, 28, 28)).astype("float32")
    labels = rng.integers(0, 10, 50).astype("int32")
    return lambda: f(images, labels)


def main(quick: bool = False) -> Result:
    """Each layer forward and in both gradients; LeNet-5."""
    result = Result("Convolutions against the product of matrices in them", HOW)
    for layer in LAYERS[:2] if quick else LAYERS:
        for direction, (ours, theirs, flops) in compiled(layer).items():
            calls = max(1, int(2e8 / flops))
            samples = interleaved({"ours": ours, "product": theirs}, 3 if quick else 15, calls)
            rate, best = (flops / sorted(samples[n])[len(samples[n]) // 2] / 1e9 for n in ("ours", "product"))
            note = f"{rate:.0f} GFLOP/s, the product {best:.0f}"
            name = f"{layer.name}: {direction}"
            result.rows.append(ratio_row(name, samples["ours"], samples["product"], GOAL, note))
    step = lenet()
    samples = interleaved({"step": step}, 3 if quick else 15, 2)
    row: Row = median_row("LeNet-5, batch 50: a training step", samples["step"], "ms", 1e3)
    result.rows.append(row)
    return result
