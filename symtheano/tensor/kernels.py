"""Run-time helpers of array rules that are too long for one expression. The first argument is numpy or cupy."""
from __future__ import annotations

import math
from typing import Any

from symtheano.errors import ShapeMismatchError


def complex_from_parts(xp: Any, real: Any, imag: Any) -> Any:
    """real + 1j * imag, exactly (the formula makes nan of an infinite part)."""
    real, imag = xp.broadcast_arrays(real, imag)
    result = xp.empty(real.shape, dtype=xp.result_type(real, imag, xp.complex64))
    result.real, result.imag = real, imag
    return result


# ----- products without one factor (tensor/careduce.py) -----


def product_of_others(xp: Any, axes: tuple[int, ...], dtype: str, x: Any, *gs: Any) -> Any:
    """For each element the product of the others along `axes`, see ProdOfOthers.

    The elements are x[i] + e1 g1[i] + e2 g2[i] + ... where each e squares to 0; the wanted sum is the coefficient of
    e1 e2 ... in the product of the others, which is the product of those before times the product of those after.
    """
    order = [k for k in range(x.ndim) if k not in axes] + list(axes)
    kept = [x.shape[k] for k in order[: x.ndim - len(axes)]]
    length = math.prod(x.shape[k] for k in axes)
    rows = [xp.broadcast_to(v, x.shape).transpose(order).reshape([*kept, length]).astype(dtype) for v in (x, *gs)]
    forwards = _products_before(xp, rows)
    backwards = [p[..., ::-1] for p in _products_before(xp, [r[..., ::-1] for r in rows])]
    everything = (1 << len(gs)) - 1
    result = sum(forwards[s] * backwards[everything ^ s] for s in range(everything + 1))
    back = [order.index(k) for k in range(x.ndim)]
    return result.reshape([*kept, *(x.shape[k] for k in axes)]).transpose(back)


def _products_before(xp: Any, rows: list[Any]) -> list[Any]:
    """[s][..., i]: in the product of the elements before i, the coefficient of the e's in the bit set s."""
    subsets = range(1 << (len(rows) - 1))
    products = [xp.full(rows[0].shape, 0 if s else 1, rows[0].dtype) for s in subsets]
    if len(rows) == 1:
        xp.cumprod(rows[0][..., :-1], axis=-1, out=products[0][..., 1:])
        return products
    for i in range(1, rows[0].shape[-1]):
        for s in subsets:
            terms = [products[s ^ (1 << k)][..., i - 1] * g[..., i - 1] for k, g in enumerate(rows[1:]) if s >> k & 1]
            products[s][..., i] = sum(terms, products[s][..., i - 1] * rows[0][..., i - 1])
    return products


# ----- new arrays (tensor/alloc.py, tensor/diagonal.py) -----


def alloc(xp: Any, value: Any, stretched: tuple[bool, ...], shape: tuple[Any, ...]) -> Any:
    """A new array of `shape` that holds `value`; only its axes marked in `stretched` are stretched."""
    lengths = tuple(int(n) for n in shape)
    kept = lengths[len(lengths) - value.ndim :]
    if any(n != m and not s for n, m, s in zip(value.shape, kept, stretched)):
        raise ShapeMismatchError(
            explain(
                "Alloc: the value does not fit the shape.",
                operation="Alloc",
                operands=[f"value of shape {value.shape}, broadcastable {stretched}", f"wanted shape {lengths}"],
                remedy="make the lengths equal, or declare an axis of length 1 broadcastable (theano.tensor.addbroadcast)",
            )
        )
    result = xp.empty(lengths, value.dtype)
    result[...] = value
    return result


# ----- argmax over several axes (tensor/argmax.py) -----


def arg_over_axes(xp: Any, x: Any, axes: tuple[int, ...], method: str) -> Any:
    """`argmax` or `argmin` over the flattened `axes` of x."""
    kept = [k for k in range(x.ndim) if k not in axes]
    length = math.prod(x.shape[k] for k in axes)
    rows = x.transpose([*kept, *axes]).reshape([*(x.shape[k] for k in kept), length])
    return getattr(rows, method)(axis=-1)


# ----- logsumexp (tensor/reduce.py) -----


def logsumexp(xp: Any, x: Any, axes: tuple[int, ...], dtype: str) -> Any:
    """log(sum(exp(x))) over `axes`, of dtype `dtype`, without overflow; -inf of no elements."""
    top = xp.max(x, axis=axes, keepdims=True, initial=-xp.inf)
    top = xp.where(xp.isfinite(top), top, xp.zeros((), top.dtype))
    shifted = xp.subtract(x, top)
    xp.exp(shifted, out=shifted)
    total = xp.add.reduce(shifted, axis=axes, keepdims=True)
    return (xp.log(total) + top).reshape([n for k, n in enumerate(x.shape) if k not in axes]).astype(dtype, copy=False)


def set_at(xp: Any, x: Any, y: Any, key: Any, exact: tuple[int, ...] = ()) -> Any:
    """`x`, after x[key] = y. exact: axes of y that may not be stretched."""
    if exact:
        check_exact(x, y, key, exact)
    x[key] = y
    return x


def inc_at(xp: Any, x: Any, y: Any, key: Any, exact: tuple[int, ...] = ()) -> Any:
    """`x`, after x[key] += y, for a key without arrays. exact: axes of y that may not be stretched."""
    if exact:
        check_exact(x, y, key, exact)
    x[key] += xp.asarray(y, x.dtype)
    return x


def add_at(xp: Any, x: Any, y: Any, key: Any, exact: tuple[int, ...] = ()) -> Any:
    """`x`, after adding y to x[key], a place that the key names twice twice. exact: axes of y that may not be stretched."""
    if exact:
        check_exact(x, y, key, exact)
    xp.add.at(x, key, xp.asarray(y, x.dtype))
    return x


def check_exact(x: Any, y: Any, key: Any, axes: tuple[int, ...]) -> None:
    """ValueError where numpy would stretch one of these axes of y (counted from the end) to fit x[key]."""
    ones = [axis for axis in axes if y.shape[axis] == 1]
    if not ones:
        return
    slot = x[key].shape
    for axis in ones:
        if slot[axis] != 1:
            raise ValueError(
                f"could not broadcast a value of shape {y.shape} into a part of shape {slot}: axis {axis} of the value has "
                "length 1, but its type does not say so (declare it broadcastable, for instance with addbroadcast)"
            )


def last_writer(xp: Any, x: Any, key: Any) -> Any:
    """For each element of x[key]: whether x[key] = y leaves y's element there (a place may be named twice)."""
    owner = xp.zeros(x.shape, "int64")
    part = owner[key]
    turn = xp.arange(part.size).reshape(part.shape)
    owner[key] = turn
    return owner[key] == turn


def reshape(xp: Any, x: Any, newshape: Any, ndim: int) -> Any:
    """x in another shape (an integer vector or tuple), a view where that is possible."""
    lengths = newshape if isinstance(newshape, tuple) else tuple(newshape.tolist())
    if len(lengths) == ndim and min(lengths, default=0) >= -1:
        try:
            return x.reshape(lengths)
        except ValueError:
            pass
    wanted = f" to {ndim} dimensions" if len(lengths) != ndim else ""
    raise ShapeMismatchError(f"Cannot reshape input of shape {x.shape} to shape {lengths}{wanted}")


def specify_shape(xp: Any, x: Any, lengths: Any) -> Any:
    """x itself; AssertionError where its shape is another one."""
    wanted = tuple(lengths.tolist())
    if x.shape != wanted:
        raise AssertionError(f"SpecifyShape: the input has shape {x.shape}, expected {wanted}.")
    return x


def unit_axes(xp: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """x itself; ValueError where one of the axes has another length than 1."""
    for k in axes:
        if x.shape[k] != 1:
            raise ShapeMismatchError(
                f"Dimension {k} in Rebroadcast's input was supposed to be 1 (got {x.shape[k]} instead; "
                f"the shape is {x.shape})"
            )
    return x


def split(xp: Any, x: Any, axis: Any, splits: Any, count: int) -> Any:
    """The pieces of x along an axis as views; ValueError where the lengths do not make up x's."""
    axis, lengths = int(axis), splits.tolist()
    if not -x.ndim <= axis < x.ndim:
        raise IndexError(f"Split: axis {axis} is out of range for an input of shape {x.shape}")
    if len(lengths) != count or min(lengths, default=0) < 0 or sum(lengths) != x.shape[axis]:
        raise ShapeMismatchError(
            f"Split: the lengths {lengths} must be {count}, not negative, and sum to {x.shape[axis]}: "
            f"axis {axis} of the input, whose shape is {x.shape}"
        )
    start, pieces, before = 0, [], (slice(None),) * (axis % x.ndim)
    for n in lengths:
        pieces.append(x[(*before, slice(start, start + n))])
        start += n
    return tuple(pieces)


# ----- batched products (tensor/dot.py) -----


def batched_dot(xp: Any, x: Any, y: Any, fixed: tuple[int, ...], out: Any = None) -> Any:
    """matmul of stacks of matrices, whose lengths along the axes `fixed` must be equal (numpy would stretch a 1)."""
    if any(x.shape[k] != y.shape[k] for k in fixed):
        raise TypeError(f"batched_dot: the batch sizes differ: shapes {tuple(x.shape)} and {tuple(y.shape)}")
    return xp.matmul(x, y) if out is None else xp.matmul(x, y, out=out)


def alloc_diag(xp: Any, values: Any, lengths: Any, offset: int, axis1: int, axis2: int) -> Any:
    """Zeros with the last axis of `values` on the diagonal `offset` of axis1 and axis2, whose lengths are given."""
    n = values.shape[-1]
    rows, columns = (n + abs(offset),) * 2 if lengths is None else map(int, lengths)
    i = xp.arange(n)
    placed = xp.zeros((*values.shape[:-1], rows, columns), values.dtype)
    placed[..., i + max(-offset, 0), i + max(offset, 0)] = values
    return xp.ascontiguousarray(xp.moveaxis(placed, (-2, -1), (axis1, axis2)))
