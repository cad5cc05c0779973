"""Loops written by hand in the normal form, functions of their outputs, and authors' ops for their steps."""

from __future__ import annotations

from typing import Any

import numpy as np

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.program import Body
from symtheano.compile.target.choice import missing
from symtheano.graph.interpret import evaluate
from symtheano.graph.variable import Apply
from symtheano.scan.op import Scan
from symtheano.scan.step import Step

NUMPY = st.Mode(target="numpy", optimizer=None)  # loops as they are written: what is tested is how they run
TARGETS = ["numpy"] if missing() is not None else ["numpy", "native"]


def rnn(scale: float = 2.0) -> tuple[Scan, list[Any]]:
    """h' = tanh(scale * x + h . W) and its sum; variables n, W, h0, xs."""
    w, h, x = T.dmatrix("W"), T.dmatrix("h"), T.dmatrix("x")
    new = T.tanh(scale * x + T.dot(h, w))
    op = Scan(Step.of([w, h, x], [new, new.sum(axis=0)]), 1, 1)
    return op, [T.lscalar("n"), T.dmatrix("W0"), T.dmatrix("h0"), T.dtensor3("xs")]


def rnn_values(n: int, batch: int = 3, d: int = 2) -> list[Any]:
    rng = np.random.default_rng(n)
    return [np.asarray(n), rng.normal(size=(d, d)), rng.normal(size=(batch, d)), rng.normal(size=(n, batch, d))]


def body_of(f: Any) -> Body:
    """The only loop of a program."""
    (body,) = f.compiled.program.loops.values()
    return body  # type: ignore[no-any-return]


def reading(op: Scan, variables: list[Any], *read: str, mode: Any = NUMPY) -> Any:
    """A function of outputs of a loop: "last 0", "after 1", ..."""
    outs = op(*variables)
    positions = [getattr(op, kind)(int(k)) for kind, k in map(str.split, read)]
    return st.function(variables, [outs[p] for p in positions], mode=mode, on_unused_input="ignore")


def same_as_defined(op: Scan, values: list[Any], *read: str) -> Any:
    """What a loop gives, twice, after a comparison with its definition; its arguments must be what they were."""
    first = op.n_consts + op.n_carry
    variables = [T.lscalar("n")]
    variables += [
        T.TensorType(v.type.dtype, (False,) * (v.type.ndim + (k >= first)))() for k, v in enumerate(op.step.inputs)
    ]
    f = reading(op, variables, *read)
    outs = op(*variables) if len(op.make_node(*variables).outputs) > 1 else [op(*variables)]
    positions = [getattr(op, kind)(int(k)) for kind, k in map(str.split, read)]
    given = dict(zip(variables, map(np.array, values), strict=True))
    right = evaluate([outs[p] for p in positions], given)
    for _ in range(2):
        found = f(*values)
        for a, b in zip(found, right, strict=True):
            np.testing.assert_allclose(a, b)
        arrays = [*found, *(v for v in values if isinstance(v, np.ndarray))]
        assert not any(np.may_share_memory(p, q) for k, p in enumerate(arrays) for q in arrays[:k])
    for v, kept in zip(values, given.values(), strict=True):
        np.testing.assert_array_equal(v, kept)
    return f


class Doubled(st.Op):
    """Twice its argument, in the argument's memory."""

    __props__ = ()
    destroy_map = {0: [0]}

    def make_node(self, x: Any) -> Any:
        return Apply(self, [T.as_tensor_variable(x)], [x.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        inputs[0] *= 2
        output_storage[0][0] = inputs[0]


class Kept(st.Op):
    """Its argument plus one, in memory that the op keeps and uses again."""

    __props__ = ()

    def __init__(self) -> None:
        self.memory = np.zeros(3)

    def make_node(self, x: Any) -> Any:
        return Apply(self, [T.as_tensor_variable(x)], [x.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        self.memory[...] = inputs[0] + 1
        output_storage[0][0] = self.memory


class Tail(st.Op):
    """The same array reversed: a view."""

    __props__ = ()
    view_map = {0: [0]}

    def make_node(self, x: Any) -> Any:
        return Apply(self, [T.as_tensor_variable(x)], [x.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = inputs[0][::-1]
