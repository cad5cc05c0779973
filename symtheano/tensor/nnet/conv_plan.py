"""How a convolution is computed: its geometry, checked once for each set of shapes, cut into blocks that stay in cache.

A convolution is a product of matrices: filters (output channels, patch) times patches (patch, positions), where a patch
is what a filter sees at one position. The patches of one block of positions are copied out ("im2col") into a workspace
of at most WORKSPACE bytes; all of them at once exist only where they fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import ceil, prod
from typing import Any

from symtheano.errors import ShapeMismatchError

RUN = 8  # images that patches hold side by side at least, where all images are one product
WORKSPACE = 2 * 2**20  # bytes of patches, image tile and output tile of one block: what the second-level cache holds

Ints = tuple[int, ...]

IMAGES, TOGETHER, POSITIONS = "images", "together", "positions"


@dataclass(frozen=True)
class Spec:
    """The parameters of a convolution in d dimensions.

    border: "valid", "full", "half" or pairs (left, right). stride, dilation: d ints. flip: a true convolution (else a
    correlation). imshp, kshp: declared shapes, None for any length; () where nothing is declared.
    """

    border: Any
    stride: Ints
    dilation: Ints
    flip: bool = True
    groups: int = 1
    unshared: bool = False
    imshp: tuple[int | None, ...] = ()
    kshp: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Block:
    """A range of images and a box of output positions: [start, stop) of each."""

    images: slice
    box: tuple[slice, ...]

    def lengths(self) -> Ints:
        """(images, positions along each axis)."""
        return tuple(s.stop - s.start for s in (self.images, *self.box))


@dataclass(frozen=True)
class Plan:
    """A convolution of images (batch, groups * channels, image...) with groups * kernels filters of lengths `filter`.

    pads: the padding at the beginning of each axis. out: the lengths of the output.
    layout: the order of the axes of patches. IMAGES: (images, groups, channels, filter..., positions...), one product
    for each image, which reads or writes the output where it is. TOGETHER: (groups, channels, filter..., positions...,
    images), one product for all of them and longer runs where positions are few, but images and outputs are transposed.
    POSITIONS, for unshared filters: (groups, positions..., channels, filter..., images).
    """

    batch: int
    groups: int
    channels: int
    kernels: int
    image: Ints
    filter: Ints
    out: Ints
    pads: Ints
    stride: Ints
    dilation: Ints
    flip: bool
    layout: str
    lengths: Ints  # of a block: images, positions along each axis
    slices: int = 1  # the places of the filters' first axis, where patches are made for one of them after the other

    @property
    def patch(self) -> int:
        """Elements of a patch of one group."""
        return self.channels * prod(self.filter)

    @property
    def pointwise(self) -> bool:
        """Whether patches are pixels: images are their own patches."""
        plain = set(self.filter + self.stride) == {1} and not any(self.pads) and self.image == self.out
        return plain and self.layout != POSITIONS

    @property
    def turns(self) -> bool:
        """Whether the gradient by the image is best a convolution of the output, which then is about as large.

        Taking patches is faster than adding them up, where there are not many more of them.
        """
        if set(self.stride) != {1} or self.layout == POSITIONS or self.pointwise:
            return False
        spans = [(k - 1) * d for k, d in zip(self.filter, self.dilation, strict=True)]
        before = all(pad <= span for pad, span in zip(self.pads, spans, strict=True))
        after = all(n <= h + pad for n, h, pad in zip(self.out, self.image, self.pads, strict=True))
        images, outputs = prod(self.image), prod(self.out)
        return before and after and images <= 1.2 * outputs and images * self.kernels <= 1.2 * outputs * self.channels

    @property
    def empty(self) -> bool:
        """Whether there is nothing to add up."""
        return 0 in (self.batch, self.channels, self.kernels)

    @property
    def whole(self) -> bool:
        """Whether each block has all positions of its images."""
        return self.lengths[1:] == self.out

    def blocks(self) -> Iterator[Block]:
        """All blocks; boxes of positions change fastest."""
        totals = (self.batch, *self.out)
        starts = (range(0, n, b) for n, b in zip(totals, self.lengths, strict=True))
        for at in product(*starts):
            ranges = [slice(a, min(a + b, n)) for a, b, n in zip(at, self.lengths, totals, strict=True)]
            yield Block(ranges[0], tuple(ranges[1:]))

    def reach(self, lengths: Ints) -> Ints:
        """The lengths of the part of the padded image that a box of so many positions sees."""
        spans = zip(lengths, self.stride, self.filter, self.dilation, strict=True)
        return tuple((b - 1) * s + (k - 1) * d + 1 for b, s, k, d in spans)

    def patch_shape(self, lengths: Ints) -> Ints:
        """The shape of the patches of a block, in the order of `layout`."""
        n, *box = lengths
        seen = self.filter if self.slices == 1 else self.filter[1:]
        if self.layout == POSITIONS:
            return (self.groups, *box, self.channels, *seen, n)
        if self.layout == TOGETHER:
            return (self.groups, self.channels, *seen, *box, n)
        return (n, self.groups, self.channels, *seen, *box)

    def tile_shape(self, lengths: Ints) -> Ints:
        """The shape of a block of the output, in the order of `layout`."""
        n, *box = lengths
        if self.layout == POSITIONS:
            return (self.groups, *box, self.kernels, n)
        if self.layout == TOGETHER:
            return (self.groups, self.kernels, *box, n)
        return (n, self.groups, self.kernels, *box)

    def matrix_shape(self, lengths: Ints, rows: int) -> Ints:
        """Patches (rows = patch) or tile (rows = kernels) of a block as a stack of matrices."""
        n, *box = lengths
        if self.layout == POSITIONS:
            return (self.groups, *box, rows, n)
        if self.layout == TOGETHER:
            return (self.groups, rows, n * prod(box))
        return (n, self.groups, rows, prod(box))


@lru_cache(maxsize=512)
def plan(img: Ints, kern: Ints, top: Ints | None, spec: Spec, itemsize: int, operation: str) -> Plan:
    """The plan for these shapes; ShapeMismatchError (a ValueError) where they do not fit together.

    img: (batch, channels, lengths...). kern: the filters'. top: the output's where it is an operand.
    """
    d = len(spec.stride)
    told = Told(img, kern, top, spec, operation)
    adding = operation == "gradInputs"  # patches are made and added up, not taken
    told.declared("image", img, spec.imshp)
    told.declared("filters", kern, spec.kshp)
    if img[1] % spec.groups or kern[0] % spec.groups:
        told.fail(f"channels and filters must be divisible by num_groups={spec.groups}")
    channels = kern[-d - 1]
    if img[1] != channels * spec.groups:
        told.fail(f"the filters have {channels} input channels for each of {spec.groups} groups, the image {img[1]}")
    filters = kern[-d:]
    if 0 in filters:
        told.fail("a filter has no elements")
    dilated = tuple((k - 1) * s + 1 for k, s in zip(filters, spec.dilation, strict=True))
    pads = _pads(spec.border, dilated)
    spans = zip(img[2:], pads, dilated, spec.stride, strict=True)
    out = tuple((h + left + right - k) // s + 1 for h, (left, right), k, s in spans)
    if top is not None and (top[0], top[1], *top[2:]) != (img[0], kern[0], *out):
        which = "given input_shape" if adding else "image and filters"
        told.fail(
            f"invalid {'input_shape' if adding else 'shape'} for {operation}: the {which} would produce an output "
            f"of shape {(img[0], kern[0], *out)}, but the given topgrad has shape {top}"
        )
    if min(out) < 1:
        told.fail(f"the convolution would produce an invalid shape {(img[0], kern[0], *out)}: the filter is too large")
    if spec.unshared and kern[1 : 1 + d] != out:
        told.fail(f"Kernel shape {kern[1 : 1 + d]} does not match computed output size {out}")
    result = Plan(
        img[0], spec.groups, channels, kern[0] // spec.groups, img[2:], filters, out, tuple(left for left, _ in pads),
        spec.stride, spec.dilation, spec.flip, POSITIONS if spec.unshared else IMAGES, (0,) * (d + 1),
    )  # fmt: skip
    sliced = adding and not spec.unshared and not result.pointwise
    return _arranged(replace(result, slices=filters[0]) if sliced else result, itemsize)


def _pads(border: Any, dilated: Ints) -> tuple[tuple[int, int], ...]:
    if border == "full":
        return tuple((k - 1, k - 1) for k in dilated)
    if border == "half":
        return tuple((k // 2, k // 2) for k in dilated)
    return tuple((0, 0) for _ in dilated) if border == "valid" else tuple(border)


@dataclass(frozen=True)
class Told:
    """The operands of a convolution, for its error messages."""

    img: Ints
    kern: Ints
    top: Ints | None
    spec: Spec
    operation: str

    def fail(self, problem: str) -> None:
        """Raises ShapeMismatchError."""
        shapes = f"image {self.img}, filters {self.kern}" + (f", output {self.top}" if self.top is not None else "")
        how = f"border_mode={self.spec.border!r}, subsample={self.spec.stride}, filter_dilation={self.spec.dilation}"
        raise ShapeMismatchError(f"{self.operation}: {problem}. Shapes: {shapes}; {how}, num_groups={self.spec.groups}")

    def declared(self, what: str, actual: Ints, expected: tuple[int | None, ...]) -> None:
        """Raises where a shape is not the declared one."""
        if any(e is not None and e != n for n, e in zip(actual, expected)):
            self.fail(f"the {what} have shape {actual}, declared was {expected}")


# -- blocks ----------------------------------------------------------------------------------------------------------


def _arranged(p: Plan, itemsize: int) -> Plan:
    """The plan with the cheaper layout and the largest blocks that fit in the workspace."""
    if p.layout == POSITIONS:
        return replace(p, lengths=_grown(p, POSITIONS, itemsize))
    images, together = (_grown(p, layout, itemsize) for layout in (IMAGES, TOGETHER))
    if _copying(p, TOGETHER, together) < _copying(p, IMAGES, images):
        return replace(p, layout=TOGETHER, lengths=together)
    return replace(p, layout=IMAGES, lengths=images)


def _copying(p: Plan, layout: str, lengths: Ints) -> float:
    """Nanoseconds of copying for one image: elements in order are cheap, each new run and each transposition is not."""
    n, last = lengths[0], lengths[-1]
    positions, elements = prod(p.out), p.groups * p.patch
    if layout == IMAGES:
        return elements * positions * (0.1 + 4.0 / last) + 1000.0 * p.groups
    outputs, inputs = p.groups * p.kernels * positions, p.groups * p.channels * prod(p.image)
    run = n * last if p.stride[-1] == 1 else n
    return elements * positions * (0.1 + 4.0 / run) + 0.4 * (outputs + inputs)


def _grown(p: Plan, layout: str, itemsize: int) -> Ints:
    """The lengths of blocks: from one position, along the axes in the order of the layout, as far as the space goes."""
    totals = [p.batch, *p.out]
    lengths = [min(1, n) for n in totals]
    limit = max(WORKSPACE // itemsize, 1)

    def longest(axis: int, total: int) -> int:
        return _largest(lambda n: _elements(p, (*lengths[:axis], n, *lengths[axis + 1 :])) <= limit, total)

    if layout == TOGETHER:  # first some images, so that a run of them fills cache lines
        lengths[0] = longest(0, min(RUN, totals[0]))
    for axis in reversed(range(len(totals))):
        lengths[axis] = max(longest(axis, totals[axis]), lengths[axis])
    return tuple(ceil(n / ceil(n / b)) if n else 1 for n, b in zip(totals, lengths, strict=True))


def _largest(fits: Callable[[int], bool], total: int) -> int:
    """The largest length up to `total` that fits; 1 where none does."""
    low, high = 1, max(total, 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _elements(p: Plan, lengths: Ints) -> int:
    """Elements of a block's patches, image tile and output tile."""
    n, *box = lengths
    tile = n * prod(box) * p.groups * p.kernels
    return n * p.groups * (prod(box) * p.patch // p.slices + p.channels * prod(p.reach(tuple(box)))) + tile
