"""Convolutions on NumPy (and CuPy) arrays: forward, gradient by the filters, gradient by the image.

Each goes over the blocks of a `conv_plan.Plan`: copies patches out of the images, multiplies, puts results in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

from symtheano.tensor.nnet.conv_plan import IMAGES, POSITIONS, Block, Ints, Plan, Spec, plan

__all__ = ["Spec", "forward", "grad_inputs", "grad_weights"]


def forward(xp: Any, img: Any, kern: Any, spec: Spec, out: Any = None) -> Any:
    """The convolution of img (batch, channels, lengths...) with filters; of the dtype of both."""
    dtype = _computing(xp, img.dtype)
    p = plan(img.shape, kern.shape, None, spec, dtype.itemsize, "convolution")
    out = xp.empty((p.batch, p.groups * p.kernels, *p.out), img.dtype) if out is None else out
    if p.empty:
        out[...] = 0
        return out
    work = Work(xp, p, dtype)
    filters = work.filters(kern)
    for block in p.blocks():
        patches, here = work.patches(img, block), work.in_place(out, block)
        tile = here if here is not None else work.matrix("tile", block, p.kernels)
        xp.matmul(work.of_block(filters, block), patches, out=tile)
        if here is None:
            work.tile_of(out, block)[...] = tile.reshape(p.tile_shape(block.lengths()))
    return out


def grad_weights(xp: Any, img: Any, top: Any, lengths: Any, spec: Spec, out: Any = None) -> Any:
    """The gradient by the filters, which have these lengths, of the sum of top * convolution."""
    dtype = _computing(xp, img.dtype)
    filters = tuple(int(n) for n in lengths)
    places = top.shape[2:] if spec.unshared else ()
    shape = (top.shape[1], *places, img.shape[1] // spec.groups, *filters)
    p = plan(img.shape, shape, top.shape, spec, dtype.itemsize, "gradWeights")
    if p.empty:
        return _zeros(xp, shape, img.dtype, out)
    work = Work(xp, p, dtype)
    total = xp.zeros((p.groups, p.kernels, *places, p.patch), dtype)
    for block in p.blocks():
        patches = work.patches(img, block)
        product_ = xp.matmul(work.tile(top, block), patches.swapaxes(-1, -2))
        part = work.of_block(total, block)
        part += product_.sum(axis=0) if p.layout == IMAGES else product_
    return _stored(total.reshape(shape), img.dtype, out)


def grad_inputs(xp: Any, kern: Any, top: Any, lengths: Any, spec: Spec, out: Any = None) -> Any:
    """The gradient by the image, which has these lengths, of the sum of top * convolution."""
    dtype = _computing(xp, kern.dtype)
    d = len(spec.stride)
    shape = (top.shape[0], kern.shape[-d - 1] * spec.groups, *(int(n) for n in lengths))
    p = plan(shape, kern.shape, top.shape, spec, dtype.itemsize, "gradInputs")
    out = xp.empty(shape, kern.dtype) if out is None else out
    if p.empty:
        return _zeros(xp, shape, kern.dtype, out)
    if p.turns:
        back = _turned(p)
        turned = kern.reshape(p.groups, p.kernels, p.channels, *p.filter).swapaxes(1, 2)
        return forward(xp, top, turned.reshape(p.groups * p.channels, p.kernels, *p.filter), back, out)
    work = Work(xp, p, dtype)
    if p.pointwise and work.in_place(out, next(p.blocks())) is not None:
        filters = work.filters(kern).swapaxes(-1, -2)
        for block in p.blocks():
            xp.matmul(filters, work.tile(top, block), out=work.in_place(out, block))
        return out
    out[...] = 0
    parts = work.slices(kern)
    for block in p.blocks():
        tile, region = work.tile(top, block), work.region_memory(block)
        region[...] = 0
        for i in range(p.slices):
            part = parts[i] if p.slices > 1 else work.of_block(parts, block).swapaxes(-1, -2)
            patches = xp.matmul(part, tile, out=work.matrix("patches", block, p.patch // p.slices))
            work.add_patches(region, patches, i, block)
        work.add_region(out, region, block)
    return out


def _turned(p: Plan) -> Spec:
    """The convolution of outputs with the filters the other way round that is the gradient by the image."""
    spans = [(k - 1) * d for k, d in zip(p.filter, p.dilation, strict=True)]
    after = [n + span - h - pad for n, span, h, pad in zip(p.out, spans, p.image, p.pads, strict=True)]
    border = tuple((span - a, span - b) for span, a, b in zip(spans, p.pads, after, strict=True))
    return Spec(border, p.stride, p.dilation, not p.flip, p.groups)


def _computing(xp: Any, dtype: Any) -> Any:
    """The dtype to compute in: half floats are only for storage."""
    return xp.dtype("float32") if dtype.name == "float16" else dtype


def _zeros(xp: Any, shape: Ints, dtype: Any, out: Any) -> Any:
    out = xp.empty(shape, dtype) if out is None else out
    out[...] = 0
    return out


def _stored(value: Any, dtype: Any, out: Any) -> Any:
    if out is None:
        return value.astype(dtype, copy=False)
    out[...] = value
    return out


class Work:
    """The memory in which the blocks of one convolution are computed, one after the other."""

    def __init__(self, xp: Any, p: Plan, dtype: Any):
        self.xp, self.plan, self.dtype = xp, p, dtype
        self.buffers: dict[str, Any] = {}

    def buffer(self, name: str, shape: Ints) -> Any:
        """Uninitialised memory; the same for all blocks (the first is the largest)."""
        size = prod(shape)
        memory = self.buffers.get(name)
        if memory is None:
            memory = self.buffers[name] = self.xp.empty(size, self.dtype)
        return memory[:size].reshape(shape)

    def matrix(self, name: str, block: Block, rows: int) -> Any:
        """Memory for patches or tile of a block."""
        return self.buffer(name, self.plan.matrix_shape(block.lengths(), rows))

    # -- filters -----------------------------------------------------------------------------------------------------
    def filters(self, kern: Any) -> Any:
        """Filters as (groups, kernels, [positions...,] patch), in the dtype to compute in."""
        p = self.plan
        places = p.out if p.layout == POSITIONS else ()
        kern = self.xp.ascontiguousarray(kern, dtype=self.dtype)
        return kern.reshape(p.groups, p.kernels, *places, p.patch)

    def of_block(self, filters: Any, block: Block) -> Any:
        """The filters for a block's positions as (groups, [positions...,] kernels, patch): a view."""
        if self.plan.layout != POSITIONS:
            return filters
        d = len(block.box)
        return filters[(slice(None), slice(None), *block.box)].transpose(0, *range(2, 2 + d), 1, 2 + d)

    # -- outputs -----------------------------------------------------------------------------------------------------
    def tile_of(self, top: Any, block: Block) -> Any:
        """A block of the output (batch, groups * kernels, out...) with the axes of the layout: a view."""
        p = self.plan
        part = top.reshape(p.batch, p.groups, p.kernels, *p.out)[(block.images, slice(None), slice(None), *block.box)]
        return part.transpose(_order(p.layout, len(p.out)))

    def in_place(self, top: Any, block: Block) -> Any:
        """A block of an array (batch, channels, out...) as matrices (channels, positions) if it lies so, else None."""
        p = self.plan
        contiguous = top.flags.c_contiguous and p.lengths[2:] == p.out[1:]
        if p.layout != IMAGES or top.dtype != self.dtype or not contiguous:
            return None
        rows = prod(p.out[1:])
        columns = slice(block.box[0].start * rows, block.box[0].stop * rows)
        return top.reshape(p.batch, p.groups, -1, rows * p.out[0])[block.images, :, :, columns]

    def tile(self, top: Any, block: Block) -> Any:
        """A block of the output as a stack of matrices (kernels, positions): a view where it lies there so."""
        here = self.in_place(top, block)
        if here is not None:
            return here
        memory = self.buffer("tile", self.plan.tile_shape(block.lengths()))
        memory[...] = self.tile_of(top, block)
        return memory.reshape(self.plan.matrix_shape(block.lengths(), self.plan.kernels))

    # -- patches -----------------------------------------------------------------------------------------------------
    def patches(self, img: Any, block: Block) -> Any:
        """The patches of a block as a stack of matrices (patch, positions): a copy, but of pixels a view."""
        p = self.plan
        pixels = self.in_place(img, block) if p.pointwise else None
        if pixels is not None:
            return pixels
        lengths = block.lengths()
        memory = self.buffer("patches", p.patch_shape(lengths))
        memory[...] = self.windows(self.region(img, block), lengths)
        return memory.reshape(p.matrix_shape(lengths, p.patch))

    def slices(self, kern: Any) -> Any:
        """The filters for each place of their first axis, as (places, groups, patch of a place, kernels)."""
        p = self.plan
        if p.slices == 1:
            return self.filters(kern)
        whole = self.filters(kern).reshape(p.groups, p.kernels, p.channels, *p.filter)
        parts = self.xp.ascontiguousarray(whole.transpose(3, 0, 2, *range(4, whole.ndim), 1))
        return parts.reshape(p.slices, p.groups, -1, p.kernels)

    def add_patches(self, region: Any, patches: Any, place: int, block: Block) -> None:
        """The adjoint of `patches`: adds patches, or those of one place of the filter's first axis, to their region."""
        p = self.plan
        lengths = block.lengths()
        cells = patches.reshape(p.patch_shape(lengths))
        grouped = region.reshape(lengths[0], p.groups, p.channels, *region.shape[2:])
        grouped = grouped.transpose(_order(p.layout, len(p.out)))
        before = (slice(None),) * {POSITIONS: 1, IMAGES: 3}.get(p.layout, 2)  # axes before those of the positions
        ahead = (slice(None),) * (len(p.out) + 2) if p.layout == POSITIONS else before  # ... and of the filter
        steps = self._steps(lengths)
        first = [((), steps[0][place])] if p.slices > 1 else [((i,), step) for i, step in enumerate(steps[0])]
        for (i, step), rest in product(first, product(*map(range, p.filter[1:]))):
            part = grouped[(*before, step, *(s[k] for s, k in zip(steps[1:], rest, strict=True)))]
            self.xp.add(part, cells[(*ahead, *i, *rest)], out=part)

    def add_region(self, out: Any, region: Any, block: Block) -> None:
        """Adds a region to the images it is of."""
        inside, outside = self._overlap(block)
        place = out[(block.images, slice(None), *outside)]
        if self.plan.whole:
            place[...] = region[(slice(None), slice(None), *inside)]
        else:
            place += region[(slice(None), slice(None), *inside)]

    def _steps(self, lengths: Ints) -> list[list[slice]]:
        """For each axis, where in the region each element of the filter is at all positions."""
        p = self.plan
        found = []
        for k, d, s, n in zip(p.filter, p.dilation, p.stride, lengths[1:], strict=True):
            starts = [(k - 1 - i if p.flip else i) * d for i in range(k)]
            found.append([slice(start, start + (n - 1) * s + 1, s) for start in starts])
        return found

    def windows(self, region: Any, lengths: Ints) -> Any:
        """All patches of a region (images, channels, ...), with the axes of the layout: a view, overlapping itself."""
        p = self.plan
        d = len(p.out)
        starts = [slice((k - 1) * step if p.flip else 0, None) for k, step in zip(p.filter, p.dilation, strict=True)]
        step_n, step_c, *steps = region.strides
        sign = -1 if p.flip else 1
        inner = [sign * s * dilation for s, dilation in zip(steps, p.dilation, strict=True)]
        outer = [s * stride for s, stride in zip(steps, p.stride, strict=True)]
        shape = (lengths[0], p.groups, p.channels, *p.filter, *lengths[1:])
        strides = (step_n, step_c * p.channels, step_c, *inner, *outer)
        view = self.xp.lib.stride_tricks.as_strided(region[(slice(None), slice(None), *starts)], shape, strides)
        filter_axes, box_axes = range(3, 3 + d), range(3 + d, 3 + 2 * d)
        if p.layout == POSITIONS:
            return view.transpose(1, *box_axes, 2, *filter_axes, 0)
        if p.layout == IMAGES:
            return view
        return view.transpose(1, 2, *filter_axes, *box_axes, 0)

    # -- the part of the padded images that a block sees -------------------------------------------------------------
    def _overlap(self, block: Block) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
        """Which part of the region lies in the image, and where in the image that is."""
        p = self.plan
        inside, outside = [], []
        for part, s, pad, reach, n in zip(
            block.box, p.stride, p.pads, p.reach(block.lengths()[1:]), p.image, strict=True
        ):
            start = part.start * s - pad
            low, high = min(max(start, 0), n), max(min(start + reach, n), 0)
            high = max(low, high)
            inside.append(slice(low - start, high - start))
            outside.append(slice(low, high))
        return tuple(inside), tuple(outside)

    def region_memory(self, block: Block) -> Any:
        """Memory for a region, as (images, channels, ...), in the order that makes long runs of patches."""
        p = self.plan
        n, *box = block.lengths()
        reach = p.reach(tuple(box))
        c = p.groups * p.channels
        if p.layout == IMAGES:
            return self.buffer("region", (n, c, *reach))
        last = len(reach) + 1
        return self.buffer("region", (c, *reach, n)).transpose(last, *range(last))

    def region(self, img: Any, block: Block) -> Any:
        """The padded images under a block, as (images, channels, ...): a view of the images where that will do."""
        p = self.plan
        inside, outside = self._overlap(block)
        part = img[(block.images, slice(None), *outside)]
        complete = part.shape[2:] == p.reach(block.lengths()[1:])
        if complete and p.layout == IMAGES and img.dtype == self.dtype:
            return part
        memory = self.region_memory(block)
        if not complete:
            memory[...] = 0
        memory[(slice(None), slice(None), *inside)] = part
        return memory


def _order(layout: str, d: int) -> Sequence[int]:
    """The axes (images, groups, channels, positions...) in the order of a layout."""
    positions = range(3, 3 + d)
    if layout == POSITIONS:
        return (1, *positions, 2, 0)
    if layout == IMAGES:
        return (0, 1, 2, *positions)
    return (1, 2, *positions, 0)
