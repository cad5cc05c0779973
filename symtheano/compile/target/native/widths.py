"""How many lanes: the width of vectors, from the dtypes a kernel computes with, and how heavy its bodies are.

A heavy body (exp, division ...) keeps the processor busy with one vector at a time: one masked loop serves whole
vectors and the rest at the end of an axis, and half the code is compiled. A light body runs several vectors at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from symtheano.compile.kernel import Keep, Kernel, Reduce, Stage, Store
from symtheano.compile.target.native.address import affine
from symtheano.compile.target.native.llvm import Host
from symtheano.compile.target.native.nest import Classes, Nest, step_along
from symtheano.scalar.dtypes import FLOAT, is_complex, real_of
from symtheano.scalar.expr import Expr, postorder
from symtheano.scalar.rows_convert import register_dtype

HEAVY = 16.0  # a body of this weight is heavy
UNROLL = 4  # vectors at once in a light body, at most
STEPS = 16  # terms that a lane adds up before its block is added to the total

_WEIGHTS = dict.fromkeys(("true_div", "inv", "sqrt", "floor", "ceil", "trunc", "round_half_to_even", "sgn"), 3.0)
_WEIGHTS |= dict.fromkeys(("int_div", "mod"), 8.0)
_WEIGHTS |= dict.fromkeys(
    (
        *("add", "sub", "mul", "neg", "abs_", "sqr", "maximum", "minimum", "clip", "switch", "second", "identity"),
        *("eq", "neq", "lt", "le", "gt", "ge", "isnan", "isinf", "and_", "or_", "xor", "invert", "real", "imag"),
        *("conj", "complex"),
    ),
    1.0,
)
_FUNCTION, _APART = 20.0, 12.0  # any other row; an element on its own


@dataclass(frozen=True)
class Widths:
    """lanes: of a vector. unroll: vectors at once in a light body. block: lanes of a panel, in column form with inner
    axes. heavy, weights: of each stage's body."""

    lanes: int
    unroll: int
    block: int
    heavy: tuple[bool, ...]
    weights: tuple[float, ...]


def widths(kernel: Kernel, nest: Nest, classes: Classes, dtypes: Mapping[Expr, str], host: Host) -> Widths:
    """The widths for a kernel in a nest."""
    nodes = [postorder([s.expr for s in stage.body]) for stage in kernel.stages]
    weights = tuple(_weight(kernel, s, n, nest, classes, dtypes) for s, n in zip(kernel.stages, nodes, strict=True))
    if nest.vector is None:
        return Widths(1, 1, 1, tuple(False for _ in weights), weights)
    sizes = _sizes(kernel, nodes, dtypes)
    lanes = host.vector_bytes // max(sizes, key=lambda size: (sizes[size], size))
    parts = 1 + any(is_complex(d) for d in dtypes.values())
    # A few values of the widest type must fit the registers: 32 of 64 bytes, or 16 of a quarter of that.
    unroll = max(1, min(UNROLL if host.masks else UNROLL // 2, 8 * host.vector_bytes // (lanes * max(sizes) * parts)))
    return Widths(lanes, unroll, _panel(kernel, lanes), tuple(w >= HEAVY for w in weights), weights)


def _panel(kernel: Kernel, lanes: int) -> int:
    """Wide where each element is read once; where it is read again, so narrow that it is still in the cache then."""
    again = any(isinstance(s, Keep) for s in kernel.statements()) or sum(s.inner for s in kernel.stages) > 1
    return lanes * (8 if again else 64)


def _sizes(kernel: Kernel, nodes: Sequence[Sequence[Expr]], dtypes: Mapping[Expr, str]) -> dict[int, float]:
    """How much is computed with elements of each size, in the innermost loops."""
    inner = [n for stage, n in zip(kernel.stages, nodes, strict=True) if stage.inner or not kernel.inner]
    used = [(dtypes[n], _row_weight(n) if n.kind == "call" else 1.0) for n in chain.from_iterable(inner) if n in dtypes]
    for statement in kernel.statements():
        # Sums of floats start in the precision of their terms.
        if isinstance(statement, Reduce) and dtypes[statement.expr] not in FLOAT:
            used.append((statement.dtype, 1.0))
    counts: dict[int, float] = {}
    for dtype, weight in used:
        if dtype != "bool":
            size = np.dtype(register_dtype(real_of(dtype))).itemsize
            counts[size] = counts.get(size, 0.0) + weight
    return counts or {1: 1.0}


def _row_weight(node: Expr) -> float:
    return _WEIGHTS.get(node.value.name, 1.0 if node.value.params else _FUNCTION)


def _weight(
    kernel: Kernel,
    stage: Stage,
    nodes: Sequence[Expr],
    nest: Nest,
    classes: Classes,
    dtypes: Mapping[Expr, str],
) -> float:
    buffers = {b.name for b in kernel.buffers}
    weight = 0.0
    for node in nodes:
        if node.kind == "call":
            weight += _row_weight(node)
        elif node.kind == "load" and node.value in buffers:
            weight += _access_weight(nest, node.args, classes[node.value], dtypes)
    for statement in stage.body:
        if isinstance(statement, Store):
            weight += _access_weight(nest, statement.index, classes[statement.buffer], dtypes)
    return weight


def _access_weight(nest: Nest, index: tuple[Expr, ...], classes: tuple[str, ...], dtypes: Mapping[Expr, str]) -> float:
    if nest.vector is None:
        return 1.0
    sums = tuple(affine(i, dtypes) for i in index)
    if step_along(nest.vector, sums, classes) in ("same", "beside"):
        return 1.0
    return 1.0 if nest.tile is not None and step_along(nest.tile, sums, classes) == "beside" else _APART
