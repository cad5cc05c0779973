"""Draws of MRG_RandomStreams taken apart, for targets that make loops; see expand.py and tensor/kernels_random.py.

A number is a combination of the three values of each of its stream's two recurrences, with coefficients that depend on
how many numbers of the stream came before. So all numbers are elements of a product of a table and the states.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from symtheano.compile.rules.match import cast_to, like
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.sandbox.mrg_ops import mrg_uniform
from symtheano.tensor.arange import ARange
from symtheano.tensor.convert import make_constant
from symtheano.tensor.elemwise import dimshuffle, functions
from symtheano.tensor.index import subtensor
from symtheano.tensor.join import Join
from symtheano.tensor.kernels_random import M1, M2, coefficients
from symtheano.tensor.reshape import Reshape
from symtheano.tensor.sizes import as_size, shape_i, size_vector, total_size, vector_items
from symtheano.tensor.type import tensor_type

m = functions
ROWS = 256  # draws of more numbers of one stream at once are refused


@lru_cache(maxsize=6)
def _drawn(part: int, k: int) -> Any:
    """For each number of a stream in order, what value k of the state contributes to the value it is made of."""
    return make_constant(coefficients(part)[:ROWS, k].astype("uint32"))


@lru_cache(maxsize=3)
def _later(k: int) -> Any:
    """[c, d]: what value k of its recurrence contributes to value d of the state c steps later."""
    rows = []
    for part in (0, 1):
        values = np.concatenate([np.eye(3)[::-1], coefficients(part)[:ROWS]])[:, k].astype("uint32")
        rows += [values[2 - d : ROWS + 3 - d] for d in range(3)]
    return make_constant(np.stack(rows, axis=1))


_FIRST = make_constant(np.arange(6) < 3)  # the values of the first recurrence in a state
_MODULI = make_constant(np.repeat(np.array([M1, M2], "uint64"), 3))
_EXCESS = make_constant(np.repeat(np.array([1, 21069], "uint64"), 3))  # 2**31 modulo these


def _number(value: int) -> Any:
    return make_constant(np.asarray(value, "uint64"))


def _combined(factors: Sequence[Any], values: Sequence[Any], modulus: Any, excess: Any) -> Any:
    """The sum of products by the modulus (see kernels_random): below 3 * 2**62, so that folding twice makes < 2 M."""
    v = m.add(*(m.mul(_wide(f), _wide(x)) for f, x in zip(factors, values, strict=True)))
    for _ in range(2):
        v = m.add(m.and_(v, _number(M1)), m.mul(m.int_div(v, _number(1 << 31)), excess))
    return m.minimum(v, m.sub(v, modulus))


def _wide(v: Any) -> Any:
    return cast_to(v, "uint64")


def _draw() -> Any:
    seeds, n = tensor_type("int32", (None,))("seeds"), tensor_type("int64", ())("n")
    some = Join()(as_size(0), seeds, make_constant(np.ones(1, "int32")))
    states = m.add(dimshuffle(some, (0, "x")), make_constant(np.arange(1, 7, dtype="int32")))
    return [seeds, n], mrg_uniform.new(states, None, "float32", (n, 3))


@rule(mrg_uniform, reason="the recurrences are linear", examples=[_draw])
def expand_mrg_uniform(node: Apply) -> list[Any] | None:
    """A draw -> the products of coefficients and states, and the states of the streams that were drawn from."""
    states, size = node.inputs
    new, drawn = node.outputs
    dtype = drawn.type.dtype
    if dtype not in ("float32", "float64"):
        return None
    lengths = vector_items(size, drawn.type.ndim)
    total, streams = as_size(total_size(lengths)), shape_i(states, 0)
    used = m.minimum(total, streams)
    steps = m.int_div(m.sub(m.add(total, streams), as_size(1)), m.maximum(streams, as_size(1)))
    values = [cast_to(subtensor(states, [slice(None, used), k]), "uint32") for k in range(6)]
    x, y = (
        _combined(
            [dimshuffle(subtensor(_drawn(p, k), [slice(None, steps)]), (0, "x")) for k in range(3)],
            [dimshuffle(v, ("x", 0)) for v in values[3 * p : 3 * p + 3]],
            _number((M1, M2)[p]),
            _number((1, 21069)[p]),
        )
        for p in (0, 1)
    )
    numbers = subtensor(_flat(_scaled(x, y, dtype)), [slice(None, total)])
    later = cast_to(_moved(values, steps, total, streams, used), "int32")
    place: Any = subtensor(states, [slice(None, used)])
    moved = place.owner.op.writer(True)(states, later, *place.owner.inputs[1:])
    return [like(moved, new), like(Reshape(drawn.type.ndim)(numbers, size_vector(lengths)), drawn)]


def _flat(x: Any) -> Any:
    return Reshape(1)(x, size_vector([m.mul(shape_i(x, 0), shape_i(x, 1))]))


def _scaled(x: Any, y: Any, dtype: str) -> Any:
    """(x - y) mod M1, from 1 to M1, times 2**-31 (see kernels_random)."""
    d = m.sub(m.sub(x, y), _number(1))  # of this and this + M1 the one that did not wrap around
    d = m.add(m.minimum(d, m.add(d, _number(M1))), _number(1))
    factor = np.float32(4.6566126e-10) if dtype == "float32" else np.float64(2.0**-31)
    return m.mul(cast_to(cast_to(d, "int32"), dtype), make_constant(np.asarray(factor)))


def _moved(values: Sequence[Any], steps: Any, total: Any, streams: Any, used: Any) -> Any:
    """The states after the draw: some streams gave one number more than the others."""
    least = m.sub(m.maximum(steps, as_size(1)), as_size(1))
    drawn_last = m.sub(total, m.mul(least, streams))  # so many streams gave a number in the last step
    more = dimshuffle(m.lt(ARange("int64")(as_size(0), used, as_size(1)), drawn_last), (0, "x"))
    factors, own = [], []
    for k in range(3):
        fewer, one_more = (subtensor(_later(k), [c]) for c in (least, m.add(least, as_size(1))))
        factors.append(m.switch(more, one_more, fewer))
        first, second = (dimshuffle(values[3 * p + k], (0, "x")) for p in (0, 1))
        own.append(m.switch(_FIRST, first, second))
    return _combined(factors, own, _MODULI, _EXCESS)


RANDOM: tuple[Any, ...] = (expand_mrg_uniform,)
