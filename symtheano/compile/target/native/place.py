"""Where a value lies: an address and strides, in machine code. Views are places computed from places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symtheano.compile.analyse import Analysis
from symtheano.compile.lengths import Formula, Length, Lengths
from symtheano.compile.target.native.length_code import LengthCode
from symtheano.compile.target.native.llvm import Function, element_type
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.elemwise import DimShuffle
from symtheano.tensor.index_basic import Subtensor


@dataclass(frozen=True)
class Place:
    """pointer: of the first element. strides: in elements, of each axis.

    dense: for each axis whether its stride is known to be the length of the next axis times that one's stride. unit:
    whether the last axis has stride 1.
    """

    pointer: str
    strides: tuple[str, ...]
    dense: tuple[bool, ...]
    unit: bool

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.strides)


def contiguous(pointer: str, lengths: Sequence[Length], code: LengthCode, f: Function) -> Place:
    """An array in C order."""
    strides: list[str] = []
    for k in range(len(lengths)):
        strides.append(code.product(lengths[k + 1 :]))
    count = len(lengths)
    return Place(pointer, tuple(strides), (True,) * max(0, count - 1) + (False,) * min(1, count), True)


def is_contiguous(place: Place, shape: Sequence[int | None]) -> bool:
    """Whether an array lies in C order. shape: its lengths, as far as they are known."""
    axes = [k for k, n in enumerate(shape) if n != 1]
    following = [*axes[1:], None][: len(axes)]
    return all(
        place.strides[k] == "1" if after is None else all(place.dense[k:after])
        for k, after in zip(axes, following, strict=True)
    )


def row_of(place: Place, pointer: str) -> Place:
    """A row of an array, which is somewhere else."""
    return Place(pointer, place.strides[1:], place.dense[1:], place.unit and place.ndim > 1)


def view_of(node: Apply, base: Place, analysis: Analysis, code: LengthCode, f: Function) -> Place:
    """The place of what a view node gives."""
    if isinstance(node.op, DimShuffle):
        return shuffled(node, base)
    if isinstance(node.op, Subtensor):
        return _selected(node, base, analysis, code, f)
    lengths = [analysis.lengths.of(n) for n in analysis.sizes.of(node.outputs[0])]
    return contiguous(base.pointer, lengths, code, f)  # Reshape of what is dense


def shuffled(node: Apply, base: Place) -> Place:
    """The place of an array with its axes moved."""
    order = node.op.new_order
    strides = tuple("0" if o == "x" else base.strides[o] for o in order)
    dense = tuple(
        o != "x" and k + 1 < len(order) and order[k + 1] == o + 1 and base.dense[o] for k, o in enumerate(order)
    )
    last = base.ndim - 1
    return Place(base.pointer, strides, dense, bool(order) and order[-1] == last and base.unit)


def _selected(node: Apply, base: Place, analysis: Analysis, code: LengthCode, f: Function) -> Place:
    x = node.inputs[0]
    lengths = analysis.lengths
    shape = [lengths.of(n) for n in analysis.sizes.of(x)]
    entries = node.op.entries(node.inputs)
    offset, strides, whole = "0", [], []
    for axis, n in enumerate(shape):
        entry = entries[axis] if axis < len(entries) else slice(None)
        stride = base.strides[axis]
        if not isinstance(entry, slice):
            offset = _moved(f, offset, code.value(Formula("place", (n, _number(entry, lengths)))), stride)
            continue
        bounds = [None if b is None else _number(b, lengths) for b in (entry.start, entry.stop, entry.step)]
        full = entry.start is None and entry.step is None
        if not full:
            offset = _moved(f, offset, code.value(Formula("first", (n, *bounds))), stride)
        if bounds[2] is not None and bounds[2] != 1:
            stride = f.emit(f"mul i64 {stride}, {code.value(bounds[2])}")
        strides.append(stride)
        whole.append((axis, full and entry.stop is None, bounds[2] in (None, 1)))
    dense = tuple(
        k + 1 < len(whole) and whole[k + 1][0] == axis + 1 and whole[k + 1][1] and plain and base.dense[axis]
        for k, (axis, _, plain) in enumerate(whole)
    )
    unit = bool(whole) and whole[-1][0] == base.ndim - 1 and whole[-1][2] and base.unit
    kind = element_type(x.type.dtype)
    pointer = base.pointer if offset == "0" else f.gep(base.pointer, offset, kind)
    return Place(pointer, tuple(strides), dense, unit)


def _number(entry: int | Variable, lengths: Lengths) -> Length:
    return entry if isinstance(entry, int) else lengths.number(entry)


def _moved(f: Function, offset: str, steps: str, stride: str) -> str:
    distance = f.emit(f"mul i64 {steps}, {stride}")
    return distance if offset == "0" else f.emit(f"add i64 {offset}, {distance}")
