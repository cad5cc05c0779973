"""The loop nest of a kernel: which axis runs along the lanes of vectors, and the order of the other loops.

    row form      the lanes run along an inner axis: a point of `axes` is one scalar, reductions end across the lanes
    column form   the lanes run along one of `axes`: many points at once, the inner axes are loops inside

Where an array is read across the lanes (a transpose beside something that is not), the axis that it lies along is the
`tile`, the last outer loop: blocks of the array are transposed first, so each line that is fetched is used up.

A nest is a list of loops, outermost first; `depth` counts those around a place. Depth `point` is inside the loops
over `axes`, where the stages are; each inner stage has loops of its own below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from symtheano.compile.kernel import Kernel, Stage, Store
from symtheano.compile.target.native.address import Affine, affine
from symtheano.scalar.expr import Expr, postorder

Classes = Mapping[str, tuple[str, ...]]  # for each buffer, of each of its axes: "c" side by side, "s" a run-time stride


@dataclass(frozen=True)
class Nest:
    """outer, inner: the scalar loops over `axes` and over the inner axes. vector: the axis along the lanes."""

    outer: tuple[str, ...]
    inner: tuple[str, ...]
    vector: str | None
    row: bool  # the vector axis is an inner axis
    tile: str | None = None  # the last outer axis, where arrays that lie along it are read across the lanes

    @property
    def point(self) -> int:
        """The depth inside all loops over the kernel's axes."""
        return len(self.outer) + (self.vector is not None and not self.row)

    def depth(self, axis: str) -> int:
        """The depth inside the loop over an axis."""
        if axis in self.outer:
            return self.outer.index(axis) + 1
        if axis == self.vector:
            return self.point + len(self.inner) + 1 if self.row else self.point
        return self.point + self.inner.index(axis) + 1

    @property
    def innermost(self) -> int:
        """The depth inside all loops."""
        return self.point + len(self.inner) + self.row


def choose(kernel: Kernel, classes: Classes, dtypes: Mapping[Expr, str], tiles: bool = True) -> Nest:
    """The nest in which most elements lie side by side along the lanes."""
    accesses = list(_accesses(kernel, dtypes))
    vector = _vector_axis(kernel, classes, accesses)
    if vector in kernel.axes and kernel.inner and _waits(kernel):
        vector = None
    tile = _tile_axis(kernel, classes, accesses, vector) if tiles else None
    outer = (*(a for a in kernel.axes if a not in (vector, tile)), *([tile] if tile else []))
    inner = tuple(a for a in kernel.inner if a != vector)
    return Nest(outer, inner, vector, vector in kernel.inner, tile)


def step_along(axis: str, index: tuple[Affine, ...], classes: tuple[str, ...]) -> str:
    """How an element moves with an axis: "same", "beside", "apart" (a constant stride) or "gather"."""
    if any(axis in _coordinates(e) for a in index for e in a.rest):
        return "gather"
    steps = [a.axes.get(axis, 0) for a in index]
    if not any(steps):
        return "same"
    return "beside" if classes[-1] == "c" and steps[-1] == 1 and not any(steps[:-1]) else "apart"


# ----- Choosing -----

_Use = tuple[Stage, str, tuple[Affine, ...], bool]  # a stage, a buffer, an index, and whether it is added to
_WORTH = {"beside": 4, "same": 1, "apart": -3, "gather": -3}


def _vector_axis(kernel: Kernel, classes: Classes, accesses: Sequence[_Use]) -> str | None:
    candidates = [*kernel.axes, *kernel.inner]
    adds = [stage for stage, _, _, add in accesses if add]
    candidates = [a for a in candidates if all(_keeps_order(a, stage, kernel) for stage in adds)]
    worths = []
    for axis in candidates:
        worth = 0
        for stage, name, index, _ in accesses:
            if stage.inner or axis in kernel.axes:
                weight = 4 if stage.inner and kernel.inner else 1
                worth += weight * _WORTH[step_along(axis, index, classes[name])]
        worths.append(worth)
    if not candidates:
        return None
    best = max(range(len(candidates)), key=lambda k: (worths[k], k))
    return candidates[best]


def _tile_axis(kernel: Kernel, classes: Classes, accesses: Sequence[_Use], vector: str | None) -> str | None:
    """An axis along which an array lies that is read across the lanes of the vector axis."""
    if kernel.inner or vector is None or len(kernel.axes) < 2:
        return None
    if any(add for *_, add in accesses):
        return None  # in the order of the index space
    written = {b.name for b in kernel.buffers if b.written}
    for _, name, index, _ in accesses:
        if name not in written and step_along(vector, index, classes[name]) == "apart":
            for axis in kernel.axes:
                if step_along(axis, index, classes[name]) == "beside":
                    return axis
    return None


def _waits(kernel: Kernel) -> bool:
    """Whether a stage stores, once a point, what a later one may still read: in column form it reads elements again.

    What is stored may lie in the memory of what is read, but only at the very index being written: where inner axes
    are in an index, it is not that of a store once a point.
    """
    inner, stored, buffers = set(kernel.inner), False, {b.name for b in kernel.buffers}
    for stage in kernel.stages:
        if stored:
            for node in postorder([statement.expr for statement in stage.body]):
                if node.kind == "load" and node.value in buffers and not inner & _all_coordinates(node.args):
                    return True
        stored |= not stage.inner and any(isinstance(s, Store) for s in stage.body)
    return False


def _keeps_order(axis: str, stage: Stage, kernel: Kernel) -> bool:
    """Whether what a stage adds, lane after lane, is added in the order of the index space."""
    if stage.inner and kernel.inner:
        return axis == kernel.inner[-1]
    return axis in kernel.inner or axis == kernel.axes[-1]


def _accesses(kernel: Kernel, dtypes: Mapping[Expr, str]) -> Iterator[_Use]:
    """Every distinct element that a stage reads or writes."""
    buffers = {b.name for b in kernel.buffers}
    for stage in kernel.stages:
        seen: dict[Expr, None] = {}
        for statement in stage.body:
            exprs = [statement.expr]
            if isinstance(statement, Store):
                exprs += statement.index
                yield stage, statement.buffer, tuple(affine(i, dtypes) for i in statement.index), statement.add
            for node in postorder(exprs):
                if node.kind == "load" and node.value in buffers:
                    seen[node] = None
        for node in seen:
            yield stage, node.value, tuple(affine(i, dtypes) for i in node.args), False


def _all_coordinates(index: Sequence[Expr]) -> set[str]:
    return {axis for expr in index for axis in _coordinates(expr)}


def _coordinates(expr: Expr) -> set[str]:
    return {node.value for node in postorder((expr,)) if node.kind == "index"}
