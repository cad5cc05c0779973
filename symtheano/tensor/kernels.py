"""Run-time helpers of array rules that are too long for one expression. The first argument is numpy or cupy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from symtheano.errors import BatchSizeError, ShapeMismatchError, explain


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
                remedy="make the lengths equal, or declare an axis of 1 broadcastable (theano.tensor.addbroadcast)",
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
    """`x`, after adding y to x[key], twice to a place named twice. exact: axes of y that may not be stretched."""
    if exact:
        check_exact(x, y, key, exact)
    y = xp.asarray(y, x.dtype)
    if isinstance(key, xp.ndarray) and key.ndim == 1 and key.dtype != bool and x.ndim > 1 and x.size:
        row = x.size // x.shape[0]
        if x.flags.c_contiguous and row < 4096 and key.size and -x.shape[0] <= key.min() and key.max() < x.shape[0]:
            # Adding numbers to numbers is several times faster than adding rows to rows.
            y = xp.broadcast_to(y, (key.size, *x.shape[1:])).ravel()
            xp.add.at(x.reshape(-1), (key.astype("int64")[:, None] * row + xp.arange(row)).ravel(), y)
            return x
    xp.add.at(x, key, y)
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
                f"could not broadcast a value of shape {y.shape} into a part of shape {slot}: axis {axis} of the value "
                "has length 1, but its type does not say so (declare it broadcastable, for instance with addbroadcast)"
            )


def check_write(xp: Any, x: Any, y: Any, key: Any, exact: tuple[int, ...] = ()) -> None:
    """Raises where set_at, inc_at and add_at with these arguments would: a bad index, or a y that does not fit."""
    if isinstance(key, xp.ndarray) and key.dtype.kind in "iu" and x.ndim and key.size:
        if -x.shape[0] <= key.min() and key.max() < x.shape[0]:
            slot = (*key.shape, *x.shape[1:])
        else:
            slot = xp.zeros(x.shape[:1], bool)[key].shape  # numpy's IndexError
    else:
        slot = xp.broadcast_to(xp.zeros((), bool), x.shape)[key].shape
    own = xp.shape(y)
    if any(n not in (1, m) for n, m in zip(own[::-1], slot[::-1])):
        raise ValueError(f"could not broadcast a value of shape {own} into a part of shape {slot}")
    if exact:
        check_exact(x, y, key, exact)


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


def split(xp: Any, x: Any, axis: int, lengths: list[int], count: int) -> Any:
    """The pieces of x along an axis as views; ValueError where the lengths do not make up x's."""
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
        raise BatchSizeError(f"batched_dot: the batch sizes differ: shapes {tuple(x.shape)} and {tuple(y.shape)}")
    return xp.matmul(x, y) if out is None else xp.matmul(x, y, out=out)


def alloc_diag(xp: Any, values: Any, lengths: Any, offset: int, axis1: int, axis2: int) -> Any:
    """Zeros with the last axis of `values` on the diagonal `offset` of axis1 and axis2, whose lengths are given."""
    n = values.shape[-1]
    rows, columns = (n + abs(offset),) * 2 if lengths is None else map(int, lengths)
    i = xp.arange(n)
    placed = xp.zeros((*values.shape[:-1], rows, columns), values.dtype)
    placed[..., i + max(-offset, 0), i + max(offset, 0)] = values
    return xp.ascontiguousarray(xp.moveaxis(placed, (-2, -1), (axis1, axis2)))


def choose(xp: Any, a: Any, choices: Any, mode: str) -> Any:
    """numpy's choose, with any number of choices (the first axis of `choices`)."""
    place, stacked = _chosen(xp, a, choices, mode)
    return xp.take_along_axis(stacked, place, 0)[0]


def unchoose(xp: Any, a: Any, choices: Any, g: Any, mode: str) -> Any:
    """The adjoint of `choose`: `g` in the places it chose, summed over the axes in which the choices were stretched."""
    place, stacked = _chosen(xp, a, choices, mode)
    out = xp.zeros(stacked.shape, g.dtype)
    xp.put_along_axis(out, place, xp.broadcast_to(g, stacked.shape[1:])[None], 0)
    extra = out.ndim - choices.ndim
    if extra:
        out = out.sum(axis=tuple(range(1, 1 + extra)))
    stretched = tuple(k for k, n in enumerate(choices.shape) if n == 1 and out.shape[k] != 1)
    return out.sum(axis=stretched, keepdims=True) if stretched else out


def _chosen(xp: Any, a: Any, choices: Any, mode: str) -> tuple[Any, Any]:
    """`a` as valid places in the first axis of `choices`, and `choices`, both broadcast together."""
    n, rest = choices.shape[0], choices.shape[1:]
    a = xp.asarray(a)
    if mode == "wrap":
        a = a % max(n, 1)
    elif mode == "clip":
        a = xp.clip(a, 0, max(n - 1, 0))
    elif a.size and not bool(((a >= 0) & (a < n)).all()):
        raise ValueError(f"invalid entry in choice array: from {a.min()} to {a.max()}, of {n} choices")
    shape = xp.broadcast_shapes(a.shape, rest)
    spread = choices.reshape((n, *(1,) * (len(shape) - len(rest)), *rest))
    return xp.broadcast_to(a, shape)[None].astype("int64"), xp.broadcast_to(spread, (n, *shape))


# ----- softmax (tensor/nnet/softmax.py): one temporary of the shape of the result, in which everything happens -----


def _shifted(xp: Any, x: Any, axis: int, out: Any) -> Any:
    if x.shape[axis] == 0:
        return xp.array(x) if out is None else out
    return xp.subtract(x, x.max(axis=axis, keepdims=True), out=out)


def softmax(xp: Any, x: Any, axis: int, out: Any = None) -> Any:
    """exp(x) / sum(exp(x)) along `axis`, shifted by the maximum."""
    e = _shifted(xp, x, axis, out)
    xp.exp(e, out=e)
    e /= e.sum(axis=axis, keepdims=True)
    return e


def softmax_grad(xp: Any, dy: Any, sm: Any, axis: int, out: Any = None) -> Any:
    """sm * (dy - sum(dy * sm))."""
    d = xp.multiply(dy, sm, out=out)
    total = d.sum(axis=axis, keepdims=True)
    d -= sm * total
    return d


def logsoftmax(xp: Any, x: Any, axis: int, out: Any = None) -> Any:
    """log(softmax(x)) along `axis`."""
    z = _shifted(xp, x, axis, out)
    z -= xp.log(xp.exp(z).sum(axis=axis, keepdims=True))
    return z


def softmax_pair(xp: Any, x: Any, axis: int) -> tuple[Any, Any]:
    """softmax and logsoftmax of the same values, each as its own function gives it."""
    z = _shifted(xp, x, axis, None)
    e = xp.exp(z)
    total = e.sum(axis=axis, keepdims=True)
    e /= total
    z -= xp.log(total)
    return e, z


def softmax_and_logsumexp(xp: Any, x: Any, axis: int) -> tuple[Any, Any]:
    """softmax and logsumexp of the same values along one axis, each as its own function gives it."""
    if x.shape[axis] == 0:
        return softmax(xp, x, axis), logsumexp(xp, x, (x.ndim + axis,), x.dtype.name)
    top = x.max(axis=axis, keepdims=True)
    e = xp.subtract(x, top)
    xp.exp(e, out=e)
    total = e.sum(axis=axis, keepdims=True)
    e /= total
    z = xp.where(xp.isfinite(top), xp.log(total) + top, top)
    return e, z.reshape(z.shape[: x.ndim + axis] + z.shape[x.ndim + axis + 1 :])


# ----- labels (tensor/nnet/crossentropy.py) -----


def _check_labels(x_shape: tuple[int, ...], y: Any) -> None:
    if tuple(x_shape[:-1]) != tuple(y.shape):
        raise ValueError(f"there must be one label for each row: rows {tuple(x_shape)}, labels {tuple(y.shape)}")
    if y.dtype.kind == "i" and y.size and y.min() < 0:  # numpy would count them from the last class
        raise ValueError(
            f"y_i value out of bounds: the label {int(y.min())} is none of the classes 0 to {x_shape[-1] - 1}"
        )


def pick_label(xp: Any, x: Any, y: Any) -> Any:
    """x[..., y]: of each row the element its label names."""
    _check_labels(x.shape, y)
    if x.ndim == 2:
        return x[xp.arange(len(y)), y]
    return xp.take_along_axis(x, y[..., None], axis=-1)[..., 0]


def place_label(xp: Any, v: Any, shape: tuple[int, ...], y: Any) -> Any:
    """Zeros of `shape`, with v in each row at its label."""
    _check_labels(shape, y)
    result = xp.zeros(shape, v.dtype)
    if len(shape) == 2:
        result[xp.arange(len(y)), y] = v
    else:
        xp.put_along_axis(result, y[..., None], xp.broadcast_to(v, y.shape)[..., None], axis=-1)
    return result


def crossentropy_softmax(xp: Any, x: Any, b: Any, y: Any) -> tuple[Any, Any, Any]:
    """(-log(softmax(x + b)) at the labels, softmax(x + b), argmax(x + b)) of each row."""
    row = x + b
    best = row.argmax(axis=1)
    row -= row.max(axis=1, keepdims=True)
    picked = pick_label(xp, row, y)
    xp.exp(row, out=row)
    total = row.sum(axis=1, keepdims=True)
    row /= total
    return xp.log(total[:, 0]) - picked, row, best


def crossentropy_softmax_dx(xp: Any, dy: Any, sm: Any, y: Any) -> Any:
    """dy * (sm - 1 at the labels) of each row."""
    _check_labels(sm.shape, y)
    column = dy if dy.ndim == 0 else dy[..., None]
    d = column * sm
    if d.ndim == 2:
        d[xp.arange(len(y)), y] -= dy
        return d
    return d - place_label(xp, xp.broadcast_to(dy, y.shape), d.shape, y)


# ----- places (tensor/gather.py) -----


def places(xp: Any, i: Any, n: Any, negative: bool) -> Any:
    """`i` as places in an axis of length n; negative: those below 0 count from its end."""
    found = xp.array(i, "int64")
    if negative:
        found = xp.where(found < 0, found + n, found)
    wrong = (found < 0) | (found >= n)
    if wrong.any():
        raise IndexError(f"index {xp.asarray(i)[wrong].flat[0]} is out of bounds for an axis with size {n}")
    return found


def grid(xp: Any, x: Any, pattern: tuple[int | None, ...], lengths: Any, places: tuple[Any, ...]) -> tuple[Any, ...]:
    """The key of a Gather: its places, and the coordinates that the pattern takes from the space itself."""
    for axis, each in enumerate(lengths):
        if len(set(each)) > 1:
            raise ShapeMismatchError(f"the lengths of axis {axis} of what is selected differ: {each}")
    rest = iter(places)
    ndim = len(lengths)
    return tuple(
        next(rest) if k is None else xp.arange(n).reshape([-1 if axis == k else 1 for axis in range(ndim)])
        for k, n in zip(pattern, x.shape)
    )


def scatter(xp: Any, x: Any, y: Any, set_instead_of_inc: bool, key: tuple[Any, ...]) -> Any:
    """A copy of x with y put into, or added to, the places of `key`."""
    result = xp.array(x)
    if set_instead_of_inc:
        result[key] = y
    else:
        xp.add.at(result, key, y)
    return result


def confusion_matrix(xp: Any, actual: Any, pred: Any) -> tuple[Any, Any]:
    """(counts of the pairs of classes, the classes)."""
    if actual.shape != pred.shape:
        raise ValueError(f"confusion_matrix: {len(actual)} actual and {len(pred)} predicted classes")
    order, index = xp.unique(xp.concatenate([actual, pred]), return_inverse=True)
    n = len(order)
    pairs = index[: len(actual)] * n + index[len(actual) :]
    return xp.bincount(pairs, minlength=n * n).reshape(n, n).astype("int64"), order


# ----- running products (tensor/extra_ops.py) -----


def recurrence(xp: Any, a: Any, b: Any, axis: int, reverse: bool, dtype: str) -> Any:
    """s[i] = a[i] * s[i-1] + b[i] along an axis, beginning with b; or from the end."""
    result = xp.array(b, dtype)
    rows, factors = xp.moveaxis(result, axis, 0), xp.moveaxis(a, axis, 0)
    if reverse:
        rows, factors = rows[::-1], factors[::-1]
    for i in range(1, len(rows)):
        rows[i] += factors[i] * rows[i - 1]
    return result


# ----- elementwise calls for which numpy has slow loops (tensor/calls.py) -----

_LARGE = 4096  # elements from which the extra calls are worth it
_BITS = {2: "int16", 4: "int32", 8: "int64"}


def sign(xp: Any, x: Any, out: Any = None) -> Any:
    """xp.sign, but not in place: numpy's loop is ten times slower there."""
    if out is None or x is not out:
        return xp.sign(x) if out is None else xp.sign(x, out=out)
    out[...] = xp.sign(x)
    return out


def select(xp: Any, condition: Any, x: Any, y: Any) -> Any:
    """xp.where(condition, x, y). For large arrays by masking bits: numpy's loop branches on every element."""
    if type(condition) is np.bool_ and isinstance(x, np.generic) and isinstance(y, np.generic):
        chosen = x if condition else y
        return chosen if type(x) is type(y) else np.promote_types(x.dtype, y.dtype).type(chosen)
    if xp is not np or getattr(condition, "size", 0) < _LARGE or condition.dtype != bool:
        return xp.where(condition, x, y)
    dtype = np.result_type(x, y)
    bits = _BITS.get(dtype.itemsize)
    if dtype.kind not in "fiu" or bits is None:
        return np.where(condition, x, y)
    x, y = np.asarray(x, dtype), np.asarray(y, dtype)
    shape = np.broadcast_shapes(condition.shape, x.shape, y.shape)
    mask = np.negative(np.broadcast_to(condition, shape), dtype=bits)
    if y.size == 1 and not y.view(bits).any():  # +0.0
        mask &= x.view(bits)
        return mask.view(dtype)
    other = y.view(bits)
    mask &= x.view(bits) ^ other
    mask ^= other
    return mask.view(dtype)


def clip(xp: Any, x: Any, lo: Any, hi: Any, out: Any = None) -> Any:
    """x where lo <= x <= hi, else the bound it passes; lo wins where lo > hi. All of one dtype."""
    if xp is np and np.size(lo) == np.size(hi) == 1 and bool(np.all(np.less_equal(lo, hi))):
        return xp.clip(x, lo, hi) if out is None else xp.clip(x, lo, hi, out=out)
    result = select(xp, xp.less(x, lo), lo, select(xp, xp.greater(x, hi), hi, x))
    if out is None:
        return result
    out[...] = result
    return out


# ----- assertions (tensor/assertion.py) -----


def assert_all(xp: Any, value: Any, msg: str, *conditions: Any) -> Any:
    """`value`; AssertionError(msg) where one of the conditions is not true."""
    if not all(map(bool, conditions)):
        raise AssertionError(msg)
    return value


# ----- counting, places, diagonals (tensor/counting.py, flat_index.py, fill_diagonal.py, topk.py) -----


def unique(xp: Any, x: Any, flags: tuple[bool, bool, bool], axis: int | None) -> tuple[Any, ...]:
    """numpy.unique with indices, inverse and counts as wanted, all of them vectors of int64."""
    values, *others = xp.unique(x, *flags, axis=axis)
    return (values, *(other.reshape(-1).astype("int64", copy=False) for other in others))


def unravel_index(xp: Any, places: Any, lengths: Any, order: str, ndim: int) -> Any:
    """numpy.unravel_index as new arrays: the one, or a tuple of several."""
    if len(lengths) != ndim:
        raise ShapeMismatchError(f"unravel_index: dims has {len(lengths)} elements; the graph was built for {ndim}")
    found = tuple(xp.array(v, "int64") for v in xp.unravel_index(places, tuple(lengths.tolist()), order))
    return found[0] if ndim == 1 else found


def fill_diagonal(xp: Any, a: Any, value: Any, offset: Any = 0) -> Any:
    """A copy of `a` with `value` on a diagonal; of more than 2 axes, all of one length, on the main one."""
    result = xp.array(a, order="C")
    if a.ndim > 2 and len(set(a.shape)) > 1:
        raise ShapeMismatchError(f"fill_diagonal: all axes must have one length; the shape is {a.shape}")
    below, right = max(-int(offset), 0), max(int(offset), 0)
    i = xp.arange(max(min(a.shape[0] - below, a.shape[1] - right), 0))
    result[(i + below, i + right, *[i] * (a.ndim - 2))] = value
    return result


def topk_places(xp: Any, x: Any, k: int, axis: int, ordered: bool) -> Any:
    """The places of the k largest elements of x along an axis, of the -k smallest where k < 0."""
    n = x.shape[axis]
    if k == 0 or abs(k) > n:
        raise ValueError(f"topk: there are not {k} elements to take from axis {axis} of length {n}: shape {x.shape}")
    some = [slice(None)] * x.ndim
    some[axis] = slice(-k, None) if k > 0 else slice(None, -k)
    places = xp.argpartition(x, -k if k > 0 else -k - 1, axis=axis)[tuple(some)]
    if not ordered:
        return places
    order = xp.argsort(xp.take_along_axis(x, places, axis), axis=axis)
    return xp.take_along_axis(places, xp.flip(order, axis) if k > 0 else order, axis)


# ----- Fourier transforms (tensor/fft.py) -----


def rfft(xp: Any, a: Any, lengths: Any) -> Any:
    """The transform of all axes but the first, real and imaginary parts in a new last axis."""
    wide = a.astype("float32") if a.dtype == "float16" else a
    spectrum = xp.fft.rfftn(wide, tuple(lengths.tolist()), tuple(range(1, a.ndim)))
    return xp.stack([spectrum.real, spectrum.imag], axis=-1).astype(a.dtype, copy=False)


def irfft(xp: Any, a: Any, lengths: Any) -> Any:
    """The inverse of `rfft`, times the number of elements."""
    wide = a.astype("float32") if a.dtype == "float16" else a
    spectrum = complex_from_parts(xp, wide[..., 0], wide[..., 1])
    axes = tuple(range(1, spectrum.ndim))
    return xp.fft.irfftn(spectrum, tuple(lengths.tolist()), axes, norm="forward").astype(a.dtype, copy=False)
