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
