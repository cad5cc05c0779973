"""Pooling taken apart, for targets that make loops; see expand.py: each place in a window is a view of the input."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

from symtheano.compile.rules.example import on
from symtheano.compile.rules.expand_index import is_addable
from symtheano.compile.rules.match import like, literal
from symtheano.graph.rule import rule
from symtheano.graph.variable import Apply
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.elemwise import functions
from symtheano.tensor.index import subtensor
from symtheano.tensor.index_key import FULL, add, floor_div, maximum, sub
from symtheano.tensor.signal.pool import AveragePoolGrad, Pool
from symtheano.tensor.sizes import constant_dim, known_lengths, shape_i, shape_list

m = functions
WINDOW = 16  # elements of a window, at most

Windows = list[tuple[int, int]]  # of each pooled axis: the length of a window, and the distance to the next one


def windows_of(node: Apply) -> Windows | None:
    """The windows of a pooling op: constants, whole ones only, without padding, and small; None for others."""
    op: Any = node.op
    ws, stride, pad = (known_lengths(v, op.ndim) for v in node.inputs[-3:])
    if None in (*ws, *stride) or any(p != 0 for p in pad) or not op.ignore_border:
        return None
    found = [(int(w or 1), int(s or 1)) for w, s in zip(ws, stride, strict=True)]
    return found if math.prod(w for w, _ in found) <= WINDOW else None


def keys(x: Any, windows: Windows) -> Iterator[list[Any]]:
    """For each place in a window the key of the elements of x that stand there, one for each window."""
    first = x.type.ndim - len(windows)
    counts: list[Any] = []
    for k, (window, step) in enumerate(windows, first):
        n: Any = shape_i(x, k)
        known = constant_dim(n)
        counts.append(maximum(add(floor_div(sub(n if known is None else known, window), step), 1), 0))
    for place in itertools.product(*(range(window) for window, _ in windows)):
        parts = zip(place, counts, windows, strict=True)
        yield [FULL] * first + [slice(a, add(_times(count, step), a), step) for a, count, (_, step) in parts]


def _times(count: Any, step: int) -> Any:
    return count * step if isinstance(count, int) else count if step == 1 else m.mul(count, literal(step, count))


def _pooled(mode: str, ws: Any, stride: Any = None) -> Any:
    return on(lambda a: Pool(True, mode)(a, ws, stride), 3)


@rule(
    Pool,
    reason="the definition",
    examples=[
        _pooled("max", (2, 2)),
        _pooled("max", (3, 2), (2, 1)),
        _pooled("sum", (2, 1), (1, 2)),
        _pooled("average_exc_pad", (2, 2)),
    ],
)
def expand_pool(node: Apply) -> list[Any] | None:
    """pool(x) -> the maximum, sum or average of the views of x that hold one element of each window."""
    x: Any = node.inputs[0]
    (old,) = node.outputs
    op: Any = node.op
    windows = windows_of(node)
    if (
        windows is None
        or not is_addable(x.type.dtype)
        or (op.mode != "max" and x.type.dtype not in ("float32", "float64"))
    ):
        return None
    views = [subtensor(x, key) for key in keys(x, windows)]
    if op.mode == "max":
        result = views[0]
        for view in views[1:]:
            result = m.maximum(result, view)
    else:
        result = views[0] if len(views) == 1 else m.add(*views)
        if op.mode != "sum":
            result = m.true_div(result, literal(len(views), result))
    return [like(result, old)]


@rule(
    AveragePoolGrad,
    reason="the definition",
    examples=[
        on(lambda a: AveragePoolGrad(True, "sum")(a, m.exp(Pool(True, "sum")(a, (2, 2))), (2, 2)), 3),
        on(lambda a: AveragePoolGrad(True)(a, m.exp(Pool(True)(a, (3, 2), (2, 2))), (3, 2), (2, 2)), 3),
    ],
)
def expand_average_pool_grad(node: Apply) -> list[Any] | None:
    """The gradient of sums and averages of windows -> for each place in a window, g (divided) written there."""
    x, g = node.inputs[:2]
    windows = windows_of(node)
    if windows is None:
        return None
    (old,) = node.outputs
    op: Any = node.op
    if g.type.dtype not in ("float32", "float64") or any(x.type.broadcastable[-len(windows) :]):
        return None
    share = g if op.mode == "sum" else m.true_div(g, literal(math.prod(w for w, _ in windows), g))
    apart = all(step >= window for window, step in windows)  # each element is in one window at most
    result: Any = Alloc()(literal(0, g), *shape_list(x))
    for key in keys(x, windows):
        place: Any = subtensor(result, key)
        result = place.owner.op.writer(apart)(result, share, *place.owner.inputs[1:])
    return [like(result, old)]


POOLING: tuple[Any, ...] = (expand_pool, expand_average_pool_grad)
