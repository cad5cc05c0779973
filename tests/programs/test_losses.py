"""Losses as users write them, at logits of 1000: value and gradient are finite and right, in the dtype of the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp

import symtheano as theano
import symtheano.tensor as T
from tests.programs.twins import Array, close, sigmoid

LOGITS = np.array([[1000, -1000, 0], [-1000, 1000, 1000], [0, 0, 1000], [0.5, 2, -3]], float)
LABELS = np.array([1, 0, 2, 1], "int32")
TARGETS = np.eye(3)[LABELS]
LOG_P = LOGITS - logsumexp(LOGITS, axis=1, keepdims=True)
NLL = -LOG_P[np.arange(4), LABELS].mean()
BCE = (np.logaddexp(0, LOGITS) - LOGITS * TARGETS).mean()
POSITIVE = np.where(LOGITS > 0, LOGITS, 1)
D_NLL, D_BCE = (np.exp(LOG_P) - TARGETS) / 4, (sigmoid(LOGITS) - TARGETS) / 12


def softmax_by_hand(x: Any) -> Any:
    return T.exp(x) / T.exp(x).sum(axis=1).dimshuffle(0, "x")


def sigmoid_by_hand(x: Any) -> Any:
    return 1 / (1 + T.exp(-x))


Loss = tuple[str, Callable[[Any, Any, Any], Any], float, Array]
LOSSES: list[Loss] = [
    ("log(softmax)[...]", lambda x, y, t: -T.mean(T.log(T.nnet.softmax(x))[T.arange(y.shape[0]), y]), NLL, D_NLL),
    ("1-hot", lambda x, y, t: T.nnet.categorical_crossentropy(T.nnet.softmax(x), y).mean(), NLL, D_NLL),
    ("dense", lambda x, y, t: T.nnet.categorical_crossentropy(T.nnet.softmax(x), t).mean(), NLL, D_NLL),
    ("exp / sum", lambda x, y, t: -T.mean(T.sum(t * T.log(softmax_by_hand(x)), axis=1)), NLL, D_NLL),
    ("exp / sum [...]", lambda x, y, t: -T.mean(T.log(softmax_by_hand(x))[T.arange(y.shape[0]), y]), NLL, D_NLL),
    ("binary", lambda x, y, t: T.nnet.binary_crossentropy(T.nnet.sigmoid(x), t).mean(), BCE, D_BCE),
    (
        "binary by hand",
        lambda x, y, t: -(t * T.log(sigmoid_by_hand(x)) + (1 - t) * T.log(1 - sigmoid_by_hand(x))).mean(),
        BCE,
        D_BCE,
    ),
    ("log(1 + exp)", lambda x, y, t: T.log(1 + T.exp(x)).sum(), np.logaddexp(0, LOGITS).sum(), sigmoid(LOGITS)),
    ("logsumexp", lambda x, y, t: T.log(T.exp(x).sum(axis=1)).sum(), logsumexp(LOGITS, axis=1).sum(), np.exp(LOG_P)),
    (
        "log where > 0",
        lambda x, y, t: T.switch(x > 0, T.log(x), 0).sum(),
        np.log(POSITIVE).sum(),
        (LOGITS > 0) / POSITIVE,
    ),
    (
        "sqrt where > 0",
        lambda x, y, t: T.switch(T.gt(x, 0), T.sqrt(x), 0.0).sum(),
        np.sqrt(POSITIVE)[LOGITS > 0].sum(),
        (LOGITS > 0) / (2 * np.sqrt(POSITIVE)),
    ),
]


@pytest.mark.parametrize(("loss", "value", "slope"), [case[1:] for case in LOSSES], ids=[case[0] for case in LOSSES])
@pytest.mark.parametrize("floatX", ["float64", "float32"])
def test_far_from_zero(loss: Callable[[Any, Any, Any], Any], value: float, slope: Array, floatX: str) -> None:
    theano.config.floatX = floatX
    x, y, t = T.matrix("x"), T.ivector("y"), T.matrix("t")
    cost = loss(x, y, t)
    f = theano.function([x, y, t], [cost, T.grad(cost, x)], on_unused_input="ignore")
    got = f(LOGITS.astype(floatX), LABELS, TARGETS.astype(floatX))
    close(got[0], value, floatX, rtol=1e-5 if floatX == "float32" else 1e-10)
    close(got[1], slope, floatX, rtol=1e-5 if floatX == "float32" else 1e-10)


def test_elements_keep_the_dtype_of_the_data() -> None:
    x, t = T.fmatrices("x", "t")
    losses = [T.nnet.binary_crossentropy(T.nnet.sigmoid(x), t), T.nnet.sigmoid_binary_crossentropy(x, t)]
    for got in theano.function([x, t], losses)(LOGITS.astype("float32"), TARGETS.astype("float32")):
        close(got, np.logaddexp(0, LOGITS) - LOGITS * TARGETS, "float32")


def test_keras_normalizes_and_clips() -> None:
    theano.config.floatX = "float32"
    x, t = T.matrices("x", "t")
    p = T.nnet.softmax(x)
    p /= p.sum(axis=-1, keepdims=True)
    p = T.clip(p, 1e-7, 1.0 - 1e-7)
    cost = T.mean(T.nnet.categorical_crossentropy(p, t))
    value, slope = theano.function([x, t], [cost, T.grad(cost, x)])(LOGITS.astype("float32"), TARGETS.astype("float32"))
    clipped = np.clip(np.exp(LOG_P), 1e-7, 1 - 1e-7)
    close(value, -(TARGETS * np.log(clipped)).sum(1).mean(), "float32", rtol=1e-5)
    assert np.isfinite(slope).all()
