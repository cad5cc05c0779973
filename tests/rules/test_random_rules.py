"""Random expressions and their gradients: rewriting changes no value that was finite, and ends in a normal form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np

import symtheano.tensor as T
from symtheano.gradient import grad
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import interpret
from symtheano.tensor import nnet
from tests.rules.rewriting import INDICES, rewritten

UNARY: list[Callable[[Any], Any]] = [
    T.exp,
    T.log,
    T.sqr,
    T.sqrt,
    T.neg,
    abs,
    T.tanh,
    T.inv,
    T.sgn,
    T.log1p,
    T.expm1,
    T.erf,
    nnet.sigmoid,
    nnet.softplus,
    lambda a: a * 0,
    lambda a: a * 1,
    lambda a: a + 0,
    lambda a: 1 - a,
    lambda a: 1 + a,
    lambda a: a - 1,
    lambda a: a * -2,
    lambda a: a / 3,
    lambda a: a**2,
    lambda a: a**0.5,
    lambda a: T.second(a, 1.5),
    lambda a: a.T if a.ndim == 2 else a[::-1],
    lambda a: a.sum(axis=-1, keepdims=True) + a,
    lambda a: a.max(axis=0, keepdims=True) * a,
    lambda a: T.exp(a) / T.exp(a).sum(axis=-1, keepdims=True),
    lambda a: T.log(T.exp(a).sum(axis=-1, keepdims=True)) - a,
    lambda a: T.switch(a > 0, a, 0),
    lambda a: T.clip(a, -1, 1),
    lambda a: T.set_subtensor(a[1:], 0.5),
    lambda a: a[:, None][:, 0],
    lambda a: T.inc_subtensor(a[:1], a[-1:]),
    lambda a: a.reshape(a.shape),
    lambda a: a / (1 + T.exp(a)),
    lambda a: a + a.mean(),
    lambda a: T.cast(a, "float64"),
    lambda a: T.maximum(T.minimum(a, 2), -2),
    lambda a: (-a) * a,
    lambda a: T.exp(a) * nnet.sigmoid(-a),
    lambda a: a.dimshuffle("x", *range(a.ndim)).sum(axis=0),
    lambda a: T.concatenate([a, a], axis=0)[: a.shape[0]],
]
BINARY: list[Callable[[Any, Any], Any]] = [
    T.add,
    T.sub,
    T.mul,
    T.true_div,
    T.maximum,
    T.minimum,
    lambda a, b: T.switch(a > b, a, b),
    T.second,
    lambda a, b: T.exp(a) * b / T.exp(a),
    lambda a, b: (a + b) * b,
    lambda a, b: (1 + T.sqr(b)) * (a / (1 + T.sqr(b)) + a),
    lambda a, b: a - (-b),
    lambda a, b: T.log(T.exp(a) + T.exp(b)),
    lambda a, b: -(a * T.log(nnet.sigmoid(b)) + (1 - a) * T.log(1 - nnet.sigmoid(b))),
    lambda a, b: T.exp(a) / T.exp(b),
    lambda a, b: a.sum() * b,
]


def expression(draw: Any, leaves: list[Any]) -> Any:
    """A value computed from `leaves` in a few steps, all of the same number of dimensions."""
    pool = list(leaves)
    for _ in range(draw(st.integers(1, 7))):
        if draw(st.booleans()):
            pool.append(draw(st.sampled_from(UNARY))(draw(st.sampled_from(pool))))
        else:
            pool.append(draw(st.sampled_from(BINARY))(draw(st.sampled_from(pool)), draw(st.sampled_from(pool))))
    return pool[-1]


@hypothesis.settings(max_examples=150)
@hypothesis.given(st.data())
def test_rewriting_keeps_values(data: Any) -> None:
    ndim = data.draw(st.sampled_from([1, 2]))
    n = data.draw(st.sampled_from([1, 2, 3, 5]))  # max of no elements is an error; of square matrices x.T fits x
    dtype = data.draw(st.sampled_from(["float64", "float64", "float32"]))
    leaves = [T.tensor(dtype, (False,) * ndim, name=name) for name in "xy"]
    out = expression(data.draw, leaves)
    outputs = [out, *grad(out.sum(), leaves, disconnected_inputs="ignore")]
    before, after = FunctionGraph(leaves, outputs), rewritten(leaves, outputs)
    rng = np.random.default_rng(data.draw(st.integers(0, 5)))
    arrays = [rng.normal(size=(n,) * ndim).astype(dtype) for _ in leaves]
    tolerance = 1e-6 if dtype == "float64" else 2e-2
    nearby = interpret(before, [a + a.dtype.type(1e-5 * tolerance) for a in arrays])
    for a, b, c in zip(interpret(before, arrays), interpret(after, arrays), nearby, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        kept = np.isfinite(a) & (np.abs(a) < 1e6)
        scale = 1 + np.max(np.abs(a[kept]), initial=0)
        kept &= np.abs(a - c) < tolerance * scale  # else it is rounding that is compared
        np.testing.assert_allclose(b[kept], a[kept], tolerance, tolerance * scale)


@hypothesis.settings(max_examples=50)
@hypothesis.given(st.data())
def test_rewriting_again_changes_nothing(data: Any) -> None:
    leaves = [T.vector("x"), T.vector("y")]
    out = expression(data.draw, leaves)
    graph = rewritten(leaves, [out, *grad(out.sum(), leaves, disconnected_inputs="ignore")])
    again = graph.rewrite(INDICES["specialize"])
    assert len(again.nodes) <= len(graph.nodes)
    assert sum(again.fired.values()) <= 3, again.fired
