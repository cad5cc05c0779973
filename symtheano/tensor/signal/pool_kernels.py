"""Pooling on NumPy (and CuPy) arrays, axis by axis: a window is a box, so its maximum or sum is taken along one axis
after the other, and so is the adjoint. That costs the sum of the window's lengths instead of their product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

BLOCK = 2**18  # bytes of the input of one block, where several passes go over it

__all__ = ["max_grad", "max_grad_grad", "mean_grad", "pool"]


@dataclass(frozen=True)
class Axis:
    """The windows along one axis of an array: `count` of them, of `window` elements, `step` apart, the first one
    beginning `pad` elements before the `length` elements of the array."""

    axis: int
    length: int
    window: int
    step: int
    pad: int
    count: int

    @property
    def tiles(self) -> bool:
        """Whether each element is in exactly one window."""
        covered = self.count * self.window - self.pad
        return self.step == self.window and (covered >= self.length)

    def parts(self, ndim: int) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """For each place in a window: (which windows have an element there, those elements), as indices."""
        before, after = (slice(None),) * self.axis, (slice(None),) * (ndim - self.axis - 1)
        for i in range(self.window):
            first = max(0, -((i - self.pad) // self.step))  # the first window with first * step + i - pad >= 0
            last = min(self.count, (self.length - 1 - i + self.pad) // self.step + 1)
            if first < last:
                start = first * self.step + i - self.pad
                elements = slice(start, start + (last - first - 1) * self.step + 1, self.step)
                yield (*before, slice(first, last), *after), (*before, elements, *after)

    def sizes(self, xp: Any, padded: bool) -> Any:
        """How many elements each window has; with `padded` those of the padding too."""
        starts = xp.arange(self.count) * self.step - self.pad
        ends = starts + self.window
        low, high = (-self.pad, self.length + self.pad) if padded else (0, self.length)
        return xp.minimum(ends, high) - xp.maximum(starts, low)


def output_length(n: int, window: int, step: int, pad: int, ignore_border: bool) -> int:
    """How many windows there are along an axis of length n."""
    padded = n + 2 * pad
    if ignore_border:
        return max((padded - window) // step + 1, 0)
    if step >= window:
        return (padded - 1) // step + 1
    return max(0, (padded - 1 - window + step) // step) + 1


def _axes(shape: Sequence[int], ws: Any, stride: Any, pad: Any, ignore_border: bool) -> list[Axis]:
    """The windows of each pooled axis, the last ones of `shape`; ValueError where the numbers make no sense."""
    sizes, steps, pads = (tuple(int(n) for n in v) for v in (ws, stride, pad))
    d = len(sizes)
    if len(steps) != d or len(pads) != d:
        raise ValueError(f"pool: ws={sizes}, stride={steps} and pad={pads} must be of one length")
    if min(sizes) < 1 or min(steps) < 1 or min(pads) < 0:
        raise ValueError(f"pool: ws={sizes} and stride={steps} must be >= 1, pad={pads} must be >= 0")
    if any(pads) and (not ignore_border or any(p >= w for p, w in zip(pads, sizes, strict=True))):
        raise ValueError(f"pool: pad={pads} needs ignore_border=True and must be smaller than ws={sizes}")
    first = len(shape) - d
    axes = []
    for k, (w, s, p) in enumerate(zip(sizes, steps, pads, strict=True)):
        n = shape[first + k]
        count = output_length(n, w, s, p, ignore_border)
        if n == 0 and (count or not ignore_border):
            raise ValueError(f"pool: there is nothing in the windows of an input of shape {tuple(shape)}")
        axes.append(Axis(first + k, n, w, s, p, count))
    return axes


def _shape(x: Any, axis: Axis) -> tuple[int, ...]:
    return (*x.shape[: axis.axis], axis.count, *x.shape[axis.axis + 1 :])


def _wide(xp: Any, dtype: Any) -> Any:
    """The dtype to add up in: half floats are only for storage."""
    return xp.dtype("float32") if dtype.name == "float16" else dtype


def _lowest(xp: Any, x: Any) -> Any:
    """The number that no number of x's dtype is below."""
    if x.dtype.kind == "f":
        return -xp.inf
    return False if x.dtype.kind == "b" else xp.iinfo(x.dtype).min


def _maxima(xp: Any, x: Any, axis: Axis) -> Any:
    """The maximum of each window along one axis."""
    result = None
    for windows, elements in axis.parts(x.ndim):
        values = x[elements]
        if result is None:
            full = values.shape[axis.axis] == axis.count
            result = xp.empty(_shape(x, axis), x.dtype) if full else xp.full(_shape(x, axis), _lowest(xp, x), x.dtype)
            result[windows] = values
        else:
            part = result[windows]
            xp.maximum(part, values, out=part)
    return xp.zeros(_shape(x, axis), x.dtype) if result is None else result


def _sums(xp: Any, x: Any, axis: Axis) -> Any:
    """The sum of each window along one axis."""
    result = xp.zeros(_shape(x, axis), x.dtype)
    for windows, elements in axis.parts(x.ndim):
        result[windows] += x[elements]
    return result


def _spread(xp: Any, g: Any, axis: Axis) -> Any:
    """The adjoint of `_sums`: each element of a window gets the window's g."""
    result = xp.zeros((*g.shape[: axis.axis], axis.length, *g.shape[axis.axis + 1 :]), g.dtype)
    for windows, elements in axis.parts(g.ndim):
        result[elements] += g[windows]
    return result


def _means(xp: Any, g: Any, axes: Sequence[Axis], padded: bool) -> Any:
    """g divided by the number of elements of each window, in the dtype of g."""
    for a in axes:
        sizes = a.sizes(xp, padded).reshape((-1,) + (1,) * (g.ndim - a.axis - 1))
        g = g / sizes.astype(g.dtype if g.dtype.kind == "f" else "float64")
    return g


def _stored(value: Any, dtype: Any, out: Any) -> Any:
    if out is None:
        return value.astype(dtype, copy=False)
    out[...] = value
    return out


def pool(xp: Any, x: Any, ws: Any, stride: Any, pad: Any, mode: str, ignore_border: bool, out: Any = None) -> Any:
    """The maximum, sum or average of each window over the last axes of x."""
    axes = _axes(x.shape, ws, stride, pad, ignore_border)
    if mode == "max":
        value = x
        for axis in axes:
            value = _maxima(xp, value, axis)
        return _stored(value, x.dtype, out)
    value = x.astype(_wide(xp, x.dtype) if mode == "sum" or x.dtype.kind == "f" else "float64", copy=False)
    for axis in axes:
        value = _sums(xp, value, axis)
    if mode != "sum":
        value = _means(xp, value, axes, mode == "average_inc_pad")
    return _stored(value, x.dtype, out)


def mean_grad(
    xp: Any, x: Any, gz: Any, ws: Any, stride: Any, pad: Any, mode: str, ignore_border: bool, out: Any = None
) -> Any:
    """The adjoint of `pool` for sums and averages: of the shape of x, from gz of the output's shape."""
    axes = _axes(x.shape, ws, stride, pad, ignore_border)
    dtype = gz.dtype
    value = gz.astype(_wide(xp, dtype), copy=False)
    _check_output(value.shape, x.shape, axes)
    if mode != "sum":
        value = _means(xp, value, axes, mode == "average_inc_pad")
    for axis in reversed(axes):
        value = _spread(xp, value, axis)
    return _stored(value, dtype, out)


def _check_output(shape: tuple[int, ...], x_shape: tuple[int, ...], axes: Sequence[Axis]) -> None:
    expected = (*x_shape[: axes[0].axis], *(a.count for a in axes))
    if shape != expected:
        raise ValueError(f"pool: an input of shape {x_shape} has an output of shape {expected}, not {shape}")


def _levels(xp: Any, x: Any, maxout: Any, axes: Sequence[Axis]) -> list[Any]:
    """x, its maxima along the first axis, along the first two ..., and last the maxima of all, which are given."""
    levels = [x]
    for axis in axes[:-1]:
        levels.append(_maxima(xp, levels[-1], axis))
    return [*levels, maxout]


def _masked(xp: Any, value: Any, chosen: Any, finite: bool) -> Any:
    """`value` where `chosen`, else 0; the product is faster, but 0 * inf is not 0."""
    return value * chosen if finite else xp.where(chosen, value, xp.zeros((), value.dtype))


def max_grad(
    xp: Any, x: Any, maxout: Any, gz: Any, ws: Any, stride: Any, pad: Any, ignore_border: bool, out: Any = None
) -> Any:
    """The gradient by x of the sum of gz * pool(x): all elements equal to their window's maximum get its gz."""
    axes = _axes(x.shape, ws, stride, pad, ignore_border)
    _check_output(gz.shape, x.shape, axes)
    out = xp.empty(x.shape, gz.dtype) if out is None else out
    if x.ndim == len(axes):
        _max_grad(xp, x, maxout, gz, axes, out)
        return out
    rows = max(1, BLOCK * len(x) // max(x.nbytes, 1))
    for k in range(0, len(x), rows):  # as much at once as stays in the cache
        part = slice(k, k + rows)
        _max_grad(xp, x[part], maxout[part], gz[part], axes, out[part])
    return out


def _max_grad(xp: Any, x: Any, maxout: Any, gz: Any, axes: Sequence[Axis], out: Any) -> None:
    levels = _levels(xp, x, maxout, axes)
    value = gz.astype(_wide(xp, gz.dtype), copy=False)
    finite = bool(xp.isfinite(value).all())
    for axis, below, above in zip(reversed(axes), reversed(levels[:-1]), reversed(levels[1:]), strict=True):
        last = below is x and out.dtype == value.dtype
        result = out if last else xp.empty(below.shape, value.dtype)
        apart = axis.step >= axis.window
        if not (apart and finite and axis.tiles):
            result[...] = 0
        for windows, elements in axis.parts(x.ndim):
            chosen = below[elements] == above[windows]
            if apart and finite:
                xp.multiply(value[windows], chosen, out=result[elements])
            else:
                result[elements] += _masked(xp, value[windows], chosen, finite)
        value = result
    if value is not out:
        out[...] = value


def max_grad_grad(
    xp: Any, x: Any, maxout: Any, ggx: Any, ws: Any, stride: Any, pad: Any, ignore_border: bool, out: Any = None
) -> Any:
    """The adjoint of `max_grad` by gz: of each window the sum of ggx where x is the window's maximum."""
    axes = _axes(x.shape, ws, stride, pad, ignore_border)
    _check_output(maxout.shape, x.shape, axes)
    levels = _levels(xp, x, maxout, axes)
    value = ggx.astype(_wide(xp, ggx.dtype), copy=False)
    finite = bool(xp.isfinite(value).all())
    for axis, below, above in zip(axes, levels[:-1], levels[1:], strict=True):
        result = xp.zeros(above.shape, value.dtype)
        for windows, elements in axis.parts(x.ndim):
            result[windows] += _masked(xp, value[elements], below[elements] == above[windows], finite)
        value = result
    return _stored(value, ggx.dtype, out)
