"""Run-time helpers of array rules that are too long for one expression. The first argument is numpy or cupy."""
from __future__ import annotations

import math
from typing import Any


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
