"""One example or more of every op of symtheano: what the tests of `test_every_op` run.

An example builds outputs from inputs; `smooth` names the inputs at whose values it can be differentiated twice.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import symtheano as st
import symtheano.tensor as T
from symtheano import gradient
from symtheano.scalar import TABLE
from symtheano.tensor import careduce, passing, reduce
from symtheano.tensor.nnet import crossentropy, losses
from symtheano.tensor.shape_ops import SliceLength
from tests.tensor import op_table_conv, op_table_extra, op_table_linalg, op_table_loops, op_table_random
from tests.tensor.examples import Example, numbers

A34, B34, V4, V3 = numbers(3, 4), numbers(3, 4, seed=1), numbers(4, seed=2), numbers(3, seed=3)
C45, S44, T234 = numbers(4, 5, seed=4), numbers(4, 4, seed=5), numbers(2, 3, 4, seed=6)
POS = numbers(3, 4, low=0.3, high=3.0)
ROWS = np.array([2, 0, 2])
LABELS = np.array([1, 3, 0])

EXAMPLES = [
    # elementwise and axes
    Example("add", lambda x, y: x + y, (A34, V4), (0, 1)),
    Example("nary", lambda x, y, z: T.add(x, y, z) * T.mul(x, y, z), (A34, V4, B34), (0, 1, 2)),
    Example("unary chain", lambda x: T.tanh(T.exp(x)) / T.sqrt(T.sqr(x) + 1), (A34,)),
    Example("cast", lambda x: T.cast(x, "float32") * 2, (A34.astype("float32"),), ()),
    Example("switch", lambda x, y: T.switch(x > 0, x * y, T.exp(y)), (A34, B34), (0, 1)),
    Example("dimshuffle", lambda x: x.dimshuffle(1, "x", 0) * 2, (A34,)),
    Example("drop axis", lambda x: T.addbroadcast(x, 0).dimshuffle(1), (numbers(1, 4),)),
    # reductions
    Example("sum", lambda x: T.sum(x, axis=1), (A34,)),
    Example("sum all", lambda x: T.sum(T.sqr(x)), (T234,)),
    Example("sum keepdims", lambda x: T.sum(x, axis=(0, 2), keepdims=True) * x, (T234,)),
    Example("sum float32", lambda x: T.sum(x, axis=0), (A34.astype("float32"),), ()),
    Example("prod", lambda x: T.prod(x, axis=1), (A34,)),
    Example("prod with zero", lambda x: T.prod(x, axis=0), (np.where(A34 > 1.5, 0.0, A34),)),
    Example("prod no zeros", lambda x: T.prod(x, axis=0, no_zeros_in_input=True), (A34,)),
    Example("prod without zeros", lambda x: careduce.ProdWithoutZeros(axis=(0,))(x), (A34,), ()),
    Example("max", lambda x: T.max(x, axis=1), (A34,)),
    Example("min", lambda x: T.min(x, axis=0), (A34,)),
    Example("max and argmax", lambda x: list(T.max_and_argmax(x, axis=1)), (A34,), ()),
    Example("argmax", lambda x: [T.argmax(x, axis=0), T.argmin(x)], (A34,), ()),
    Example("all any", lambda x: [T.all(x > 0, axis=0), T.any(x > 0)], (A34,), ()),
    Example("mean var", lambda x: T.var(x, axis=0) + T.mean(x), (A34,)),
    Example("logsumexp", lambda x: reduce.logsumexp(x, axis=1), (A34,)),
    Example("careduce", lambda x: careduce.CAReduce(TABLE["maximum"], axis=(0,))(x), (A34,), ()),
    # products
    Example("dot mm", T.dot, (A34, C45), (0, 1)),
    Example("dot mv", T.dot, (A34, V4), (0, 1)),
    Example("dot vm", T.dot, (V3, A34), (0, 1)),
    Example("dot vv", T.dot, (V3, V3 + 1), (0, 1)),
    Example("batched dot", T.batched_dot, (T234, numbers(2, 4, 2)), (0, 1)),
    Example("tensordot", lambda x, y: T.tensordot(x, y, axes=[[1], [0]]), (T234, A34), (0, 1)),
    # making and shaping
    Example("alloc", lambda x: T.alloc(x, 2, 3, 4), (V4,)),
    Example("empty", lambda x: T.AllocEmpty("float64")(x.shape[0], 2).shape, (V4,), ()),
    Example("arange", lambda x: T.arange(x.shape[0]) * x, (V4,)),
    Example("eye", lambda x: T.eye(x.shape[0], x.shape[1], 1) * x, (A34,)),
    Example("tril", lambda x: T.tril(x) + T.triu(x, 1), (A34,)),
    Example("diag", lambda x: T.diag(x), (V4,)),
    Example("diagonal", lambda x: T.diagonal(x, 1), (A34,)),
    Example("reshape", lambda x: T.reshape(x, (2, -1)), (A34,)),
    Example("flatten", lambda x: T.flatten(x, 2), (T234,)),
    Example("specify", lambda x: T.specify_shape(x, (3, 4)) * x, (A34,)),
    Example("rebroadcast", lambda x: T.addbroadcast(x, 1), (numbers(3, 1),)),
    Example("shape", lambda x: [x.shape, x.shape[1]], (A34,), ()),
    Example(
        "slice_length", lambda x, i: [SliceLength((True, True, False))(x.shape[0], i, i + 2)], (A34, np.array(1)), ()
    ),
    Example("makevector", lambda x, y: T.stack([x, y, x * y]), (np.array(0.3), np.array(1.2)), (0, 1)),
    Example("join", lambda x, y: T.concatenate([x, y, x], axis=1), (A34, numbers(3, 2)), (0, 1)),
    Example("split", lambda x: T.split(x, [1, 3], 2, axis=1)[1], (A34,)),
    Example("repeat", lambda x: T.repeat(x, 2, axis=1), (A34,)),
    Example("repeat by vector", lambda x: T.repeat(x, np.array([1, 0, 2]), axis=0), (A34,)),
    Example("tile", lambda x: T.tile(x, (2, 1)), (A34,)),
    Example("roll", lambda x: T.roll(x, 1, axis=1), (A34,)),
    # sorting and running totals
    Example("sort", lambda x: T.sort(x, axis=1), (A34,)),
    Example("argsort", lambda x: T.argsort(x, axis=0), (A34,), ()),
    Example("cumsum", lambda x: T.cumsum(x, axis=1), (A34,)),
    Example("cumprod", lambda x: T.cumprod(x, axis=0), (A34,)),
    Example("searchsorted", lambda x: T.searchsorted(T.sort(x), np.array([0.1, 0.9])), (V4,), ()),
    # indexing
    Example("subtensor", lambda x: x[1:, ::-2], (A34,)),
    Example("inc", lambda x, y: T.inc_subtensor(x[:, 1], y), (A34, V3), (0, 1)),
    Example("set", lambda x, y: T.set_subtensor(x[1:, 0], y), (A34, numbers(2)), (0, 1)),
    Example("take", lambda x: x[ROWS], (A34,)),
    Example("inc rows", lambda x, y: T.inc_subtensor(x[ROWS], y), (A34, B34), (0, 1)),
    Example("set rows", lambda x, y: T.set_subtensor(x[ROWS[1:]], y), (A34, B34[:2]), (0, 1)),
    Example("advanced", lambda x: x[ROWS, np.array([1, 0, 3])], (A34,)),
    Example("advanced set", lambda x, y: T.set_subtensor(x[:, ROWS], y), (A34, numbers(3, 3)), (0, 1)),
    Example("advanced inc", lambda x, y: T.inc_subtensor(x[ROWS, ROWS], y), (A34, V3), (0, 1)),
    Example("mask", lambda x: x[x > 0] * 2, (A34,)),
    Example("nonzero", lambda x: T.nonzero(x > 0)[0], (A34,), ()),
    Example("choose", lambda x, y: T.choose(np.array([0, 1, 1, 0]), [x, y]), (V4, V4 * 2), (0, 1)),
    # neural networks
    Example("softmax", T.nnet.softmax, (A34,)),
    Example("logsoftmax", T.nnet.logsoftmax, (A34,)),
    Example("sigmoids", lambda x: T.nnet.sigmoid(x) + T.nnet.softplus(x), (A34,)),
    Example("relu elu", lambda x: T.nnet.relu(x, 0.1) + T.nnet.elu(x), (A34,)),
    Example("1hot", lambda x: crossentropy.crossentropy_categorical_1hot(T.nnet.softmax(x), LABELS), (A34,)),
    Example(
        "softmax 1hot",
        lambda x, b: T.nnet.crossentropy_softmax_argmax_1hot_with_bias(x, b, LABELS)[0],
        (A34, V4),
        (0, 1),
    ),
    Example("confusion", lambda x: losses.confusion_matrix(LABELS, T.argmax(x, axis=1))[0], (A34,), ()),
    # gradients' own ops
    Example("barriers", lambda x: gradient.zero_grad(x) * x + gradient.grad_clip(x, -9, 9), (A34,), ()),
    Example("scale", lambda x: gradient.grad_scale(x, 1.0) ** 2, (A34,)),
    Example(
        "consider",
        lambda x: gradient.consider_constant(x) + gradient.disconnected_grad(x) + gradient.undefined_grad(x),
        (A34,),
        (),
    ),
    Example("from graph", lambda x: _inner(x, x + 1), (A34,)),
    # the input as it is
    Example("view", lambda x: passing.view_op(x) ** 2, (A34,)),
    Example("deep copy", lambda x: passing.deep_copy_op(x) ** 2, (A34,)),
    Example("print", lambda x: passing.Print("x", global_fn=_silent)(x) ** 2, (A34,)),
    *op_table_conv.EXAMPLES,
    *op_table_linalg.EXAMPLES,
    *op_table_extra.EXAMPLES,
    *op_table_random.EXAMPLES,
    *op_table_loops.EXAMPLES,
]


def _silent(op: Any, value: Any) -> None:
    """Prints nothing."""


def _inner(x: Any, y: Any) -> Any:
    a, b = T.dmatrices("a", "b")
    return st.OpFromGraph([a, b], [T.tanh(a) * b])(x, y)
