"""Fusion: which nodes of a graph are computed in one pass over memory.

Nodes are visited from the outputs up. A node joins a group that reads its value, so that the value need not exist in
memory; a value that others read too is stored on the way. A group has an index space, its axes, some of which may be
reduced: softmax's maximum, its sum and its quotient are one group over rows and columns, the columns reduced.

    map        a value at each index (any op with a loop rule): elementwise functions, moved axes, gathers
    reduce     a fold over axes
    product    a matrix product; elementwise functions of it join as its epilogue
    scatter    additions at computed places
    empty      memory that others will write to
    view       the same memory seen otherwise: no work, only other strides
    size       a length as a number
    loop       a Scan whose step is machine code, see looping.py
    step       anything else: a step of the host program

A node may join a group only if nothing that must run before the group depends on the node: groups are kept free of
circles by knowing, for each, which ones run after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from symtheano.compile.sizes import Size, Sizes
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scalar.dtypes import is_discrete
from symtheano.scalar.expr import Expr, const, index, load
from symtheano.tensor.careduce import ReduceOp
from symtheano.tensor.elemwise import DimShuffle, Elemwise
from symtheano.tensor.gather import Place
from symtheano.tensor.type import TensorType

AxisMap = tuple[int | None, ...]  # for each axis of a value the group's axis that runs over it; None: its length is 1
Kind = str

_LIMIT = 48  # nodes in one group: compile time is linear in small pieces only
_REDUCTIONS = 8
_FULL = "the group is full"
_LATER = "somebody who reads it runs before"
_NEIGHBOURS = 16  # how many groups are looked at for one that a reduction may be computed beside
_NEAR = 12  # how many values are looked at to find out whether two passes read the same
HEAVY = frozenset(
    "exp exp2 expm1 log log2 log10 log1p pow tanh sigmoid softplus sin cos tan arcsin arccos arctan arctan2 sinh cosh "
    "arcsinh arccosh arctanh erf erfc erfcx erfinv erfcinv gamma gammaln psi tri_gamma logaddexp log1mexp "
    "sigmoid_binary_crossentropy i0 i1 j0 j1 xlogx xlogy0 deg2rad".split()
)  # rows that cost more than storing and reading their value


@dataclass(eq=False)
class Group:
    """Nodes computed together. axes: the length of each axis; reduced: those that reductions fold over."""

    number: int
    kind: Kind  # "kernel", "product", "scatter", "loop", "empty", "check", "copy" or "step"
    axes: list[Size] = field(default_factory=list)
    reduced: set[int] = field(default_factory=set)
    maps: dict[Apply, AxisMap] = field(default_factory=dict)  # members, by the index their first output is computed at
    folds: dict[Apply, tuple[int, ...]] = field(default_factory=dict)  # for a reduction: the axes it folds over
    head: Apply | None = None  # the product, the scatter, the loop or the step itself
    row: bool = False  # an epilogue that runs over the only row of its product
    after: int = 0  # a set of bits: the numbers of the groups that run after this one
    notes: list[tuple[Apply, str]] = field(default_factory=list)  # who did not join, and why

    @property
    def points(self) -> set[int]:
        """The axes that are not reduced."""
        return set(range(len(self.axes))) - self.reduced


@dataclass
class Fusion:
    """The groups, in the order they were made (from the outputs up), and which values must lie in memory."""

    groups: list[Group]
    home: dict[Apply, Group]  # where the value of a node is computed for others
    stored: dict[Variable, None]  # values that live in memory
    copies: dict[int, Group]  # outputs that are copies of a value: of arguments, views, and what is returned twice
    users: dict[Variable, dict[Group, None]]  # the groups that read a value from memory, directly or through views


class NotIndexed(Exception):
    """A value is read at computed places."""


def fuse(
    fgraph: FunctionGraph,
    sizes: Sizes,
    kind_of: Callable[[Apply], Kind],
    needed: Callable[[Apply], Iterable[Variable]] = lambda _: (),
) -> Fusion:
    """The groups of a graph. Sizes: visited to the end, so that equal lengths are known to be equal.

    needed: the computed values that lengths of a node follow from.
    """
    return _Fuser(fgraph, sizes, kind_of, needed).run()


class _Fuser:
    def __init__(
        self,
        fgraph: FunctionGraph,
        sizes: Sizes,
        kind_of: Callable[[Apply], Kind],
        needed: Callable[[Apply], Iterable[Variable]],
    ):
        self.fgraph, self.sizes, self.kind_of, self.needed = fgraph, sizes, kind_of, needed
        self.result = Fusion([], {}, {}, {}, {})
        self.inlined: dict[
            Variable, dict[Group, AxisMap | None]
        ] = {}  # readers that could compute the value themselves
        self.wanted: dict[Variable, None] = {}
        self.checks: dict[Apply, Group] = {}
        self.across: set[Group] = set()  # groups that read values with their axes exchanged
        self.spread = _spread(fgraph, kind_of)

    def run(self) -> Fusion:
        for position, output in enumerate(self.fgraph.outputs):
            self._output(position, output)
        self.wanted.update((v, None) for node in self.fgraph.nodes for v in self.needed(node))
        for node in reversed(self.fgraph.nodes):
            kind = self.kind_of(node)
            if kind == "view":
                self._view(node)
            elif kind == "size":
                self._size(node)
            elif kind in ("map", "reduce"):
                self._member(node, kind)
            else:
                self._head(node, kind)
        self._leaves()
        return self.result

    def _output(self, position: int, output: Variable) -> None:
        if not self._is_lent(output) and output not in self.wanted:
            self.wanted[output] = None
            return
        group = self.result.copies[position] = self._new("copy" if isinstance(output.type, TensorType) else "step")
        self._read_memory(output, group)

    def _is_lent(self, output: Variable) -> bool:
        """Whether an output is memory of somebody else: of an argument, a shared variable, or of what is a view."""
        node = output.owner
        if node is None or is_leaf(output) or self.kind_of(node) == "size":
            return True
        if self.kind_of(node) != "view":
            return False
        below = node.inputs[0].owner
        moved = isinstance(node.op, DimShuffle) and below is not None and self.kind_of(below) in ("map", "reduce")
        return not moved

    def _used(self, node: Apply) -> bool:
        return any(o in self.wanted or self.inlined.get(o) or self.result.users.get(o) for o in node.outputs)

    # -- nodes ---------------------------------------------------------------------------------------------------------
    def _head(self, node: Apply, kind: Kind) -> None:
        """A node that is a group of its own: a product (unless an epilogue takes it up), a scatter, or a step."""
        if not self._used(node) or (kind == "product" and self._as_epilogue(node)):
            return
        group = self._new("step" if kind == "step" else kind)
        group.head = node
        self._settle(node, group)
        self._read_for_lengths(node, group)
        if kind == "scatter":
            self._scatter_reads(node, group)
        if kind in ("scatter", "empty"):
            return
        for i in node.inputs[kind == "loop" :]:  # how often a loop runs is a length
            self._read_memory(i, group)

    def _scatter_reads(self, node: Apply, group: Group) -> None:
        """A scatter's group runs over the elements of what is added; it may compute the places and the values."""
        value: Any = node.inputs[1]
        shape = self.sizes.of(value)
        group.axes = [n for n, k in zip(shape, value.type.shape, strict=True) if k != 1]
        axes = iter(range(len(group.axes)))
        own: AxisMap = tuple(None if k == 1 else next(axes) for k in value.type.shape)
        self._read_memory(node.inputs[0], group)
        recorder = _Recorder()
        node.op.scatter(node, recorder, coordinates(own))
        for variable, where in recorder.reads:
            self._read(variable, where, group)

    def _size(self, node: Apply) -> None:
        if self._used(node):
            self.result.stored.update(dict.fromkeys(node.outputs))
        for out in node.outputs:
            for group in (*self.inlined.get(out, {}), *self.result.users.get(out, {})):
                self._read_for_lengths(node, group)

    def _as_epilogue(self, node: Apply) -> bool:
        (out,) = node.outputs
        for group, where in list(self.inlined.get(out, {}).items()):
            fits = group.kind == "kernel" and not group.reduced
            row = where == (None, 0) and len(group.axes) == 1
            if not fits or not (row or (where == (0, 1) and len(group.axes) == 2)):
                group.notes.append((node, "it is no epilogue: not over the product's two axes, or it folds"))
            elif group in self.across or not self._reads_plainly(group):
                group.notes.append((node, "it is no epilogue: it reads with exchanged axes, or at computed places"))
            elif not self._order_allows(out, group):
                group.notes.append((node, _LATER))
            else:
                if row:
                    self._over_rows(group)
                group.kind, group.head = "product", node
                self._settle(node, group)
                self._read_for_lengths(node, group)
                for i in node.inputs:
                    self._read_memory(i, group)
                return True
        return False

    def _over_rows(self, group: Group) -> None:
        """A group over one axis runs over the only row of a matrix."""

        def moved(where: AxisMap) -> AxisMap:
            return tuple(None if a is None else a + 1 for a in where)

        group.axes, group.row = [1, *group.axes], True
        group.maps = {node: moved(where) for node, where in group.maps.items()}
        for readers in self.inlined.values():
            place = readers.get(group)
            if place is not None:
                readers[group] = moved(place)

    @staticmethod
    def _reads_plainly(group: Group) -> bool:
        """Whether a group reads nothing at computed places and no diagonals."""
        places = [place for n, where in group.maps.items() for _, place in reads_of(n, group, where)]
        return all(p is not None and len(p) == p.count(None) + len({*p} - {None}) for p in places)

    def _view(self, node: Apply) -> None:
        """Who can index what lies below sees through a view; for the others it is memory seen otherwise."""
        (out,) = node.outputs
        base = node.inputs[0]
        readers = self.inlined.get(out, {})
        for group, where in list(readers.items()):
            if isinstance(node.op, DimShuffle) and where is not None and base.owner is not None:
                self._join(node, group, where)
                del readers[group]
            else:
                self._read_memory(out, group)
        users = self.result.users.get(out, {})
        if out in self.wanted:  # moved axes of a computed value: it is computed where it shall lie
            self._alone(node)
        elif users:
            self.result.stored[out] = None
        for group in users:
            self._read_memory(base, group)
            self._read_for_lengths(node, group)

    def _member(self, node: Apply, kind: Kind) -> None:
        (out,) = node.outputs
        readers = self.inlined.get(out, {})
        if not readers and out not in self.wanted and not self.result.users.get(out):
            return
        if kind == "map" and self._is_free(node):
            for group, where in list(readers.items()):
                if where is not None and not self._refuses_map(node, group, where, False):
                    self._join(node, group, where)
                    del readers[group]
            if not readers and out not in self.wanted and not self.result.users.get(out):
                return
        for group, where in sorted(readers.items(), key=lambda item: -item[0].number):
            reason = self._refuses(node, kind, group, where)
            if where is not None and not reason:
                if kind == "reduce":
                    self._fold(node, group, where)
                self._settle(node, group)
                self._join(node, group, where)
                return
            group.notes.append((node, reason))
        beside = self._beside(node) if kind == "reduce" else self._beside_numbers(node)
        if beside is None:
            self._alone(node)
            return
        group, where = beside
        if kind == "reduce":
            self._fold(node, group, where)
        self._settle(node, group)
        self._join(node, group, where)

    def _refuses(self, node: Apply, kind: Kind, group: Group, where: AxisMap | None) -> str:
        """Why a group cannot compute a value that it reads at `where`, for itself and for others; "" if it can."""
        (out,) = node.outputs
        if where is None:
            return "it is read at computed places, or at several"
        if group in self.result.users.get(out, {}):
            return "it is read from memory there"
        if not self._order_allows(out, group):
            return _LATER
        stored = len(self.inlined.get(out, {})) > 1 or out in self.wanted or bool(self.result.users.get(out))
        refuses = self._refuses_map if kind == "map" else self._refuses_reduction
        return refuses(node, group, where, stored)

    def _beside(self, node: Apply) -> tuple[Group, AxisMap] | None:
        """A group that folds over the same lengths and reads the same values: one pass over memory gives both."""
        out: Any = node.outputs[0]
        kept = [n for n, k in zip(self.sizes.of(out), out.type.shape, strict=True) if k != 1]
        below = _elementwise_below(node.inputs[0])
        for group in self.result.groups[: -_NEIGHBOURS - 1 : -1]:
            points = sorted(group.points)
            if not group.reduced or not self._same([group.axes[a] for a in points], kept):
                continue
            axes = iter(points)
            where: AxisMap = tuple(None if k == 1 else next(axes) for k in out.type.shape)
            shared = any(group in self.inlined.get(v, {}) for v in below)
            if not shared or self._reads_elsewhere(out, group, where) or not self._order_allows(out, group):
                continue
            if not self._refuses_reduction(node, group, where, True):
                return group, where
        return None

    def _reads_elsewhere(self, value: Variable, group: Group, where: AxisMap) -> bool:
        """Whether a group reads a value at other places than `where`, or from memory."""
        return group in self.result.users.get(value, {}) or self.inlined.get(value, {}).get(group, where) != where

    def _beside_numbers(self, node: Apply) -> tuple[Group, AxisMap] | None:
        """A group that computes single numbers, for one more."""
        out: Any = node.outputs[0]
        if any(n != 1 for n in out.type.shape):
            return None
        where = (None,) * len(out.type.shape)
        for group in self.result.groups[: -_NEIGHBOURS - 1 : -1]:
            if group.kind == "kernel" and not group.points and len(group.maps) < _LIMIT and group.maps:
                if not self._reads_elsewhere(out, group, where) and self._order_allows(out, group):
                    return group, where
        return None

    def _alone(self, node: Apply) -> None:
        """A new group for a node that no reader takes up."""
        (out,) = node.outputs
        x: Any = node.inputs[0] if isinstance(node.op, ReduceOp) else out
        group = self._new("kernel")
        lengths = self.sizes.of(x)
        group.axes = [n for n, k in zip(lengths, x.type.shape, strict=True) if k != 1]
        axes = iter(range(len(group.axes)))
        own: AxisMap = tuple(None if k == 1 else next(axes) for k in x.type.shape)
        if isinstance(node.op, ReduceOp):
            folded = node.op.axes(x.type.ndim)
            group.reduced = {a for k in folded if (a := own[k]) is not None}
            group.folds[node] = tuple(-1 if own[k] is None else own[k] for k in folded)  # type: ignore[misc]
            own = tuple(a for k, a in enumerate(own) if k not in folded)
        self._settle(node, group)
        self._join(node, group, own)

    # -- conditions ----------------------------------------------------------------------------------------------------
    def _is_free(self, node: Apply) -> bool:
        """Whether computing the value again costs nothing: numbers, patterns, and copies of an element."""
        if isinstance(node.op, Place):
            return True
        if isinstance(node.op, Elemwise):
            out: Any = node.outputs[0]
            x: Any = node.inputs[0]
            if node.op.scalar_op.params and x.type.numpy_dtype.itemsize < out.type.numpy_dtype.itemsize:
                return True  # a wider dtype is made where it is read
            return all(n == 1 for n in out.type.shape) and node.op.scalar_op.name not in HEAVY
        return all(n == 1 for n in getattr(node.inputs[0].type, "shape", (0,))) if node.inputs else True

    def _refuses_map(self, node: Apply, group: Group, where: AxisMap, stored: bool) -> str:
        if group.kind == "step":
            return "a step of the host program reads it"
        if len(group.maps) >= _LIMIT:
            return _FULL
        if group.kind == "product" and any(place is None for _, place in reads_of(node, group, where)):
            return "an epilogue reads nothing at computed places"
        out: Any = node.outputs[0]
        if group.kind == "scatter" and isinstance(node.op, Elemwise) and not is_discrete(out.type.dtype):
            return "a scatter goes from element to element"  # but it should know sums of coordinates as such
        mine = {a for a in where if a is not None}
        if len(mine) < sum(a is not None for a in where):
            return "its diagonal is read"
        spread = {where[k] for k in self.spread.get(node.outputs[0], ())} - {None}
        if group.reduced and spread and spread != group.reduced:
            return "it belongs to those who fold over its other axes"  # they are computed in one pass with it
        everything = set(range(len(group.axes)))
        if mine == everything or (group.reduced and mine == group.points):
            return ""
        if stored or group.kind == "product":
            return "it would be stored again and again along an axis that it lacks"
        # It would be computed again along the axes it lacks, unless those are the inner ones, where it is invariant.
        cheap = not isinstance(node.op, Elemwise) or node.op.scalar_op.name not in HEAVY
        fits = cheap or not mine or len(group.axes) - 1 not in mine
        return "" if fits else "it is costly, and would be computed again along an axis that it lacks"

    def _refuses_reduction(self, node: Apply, group: Group, where: AxisMap, stored: bool) -> str:
        if group.kind != "kernel":
            return f"its reader is a {group.kind}"
        if len(group.maps) >= _LIMIT or len(group.folds) >= _REDUCTIONS:
            return _FULL
        lengths = self._folded_lengths(node)
        mine = {a for a in where if a is not None}
        if group.reduced:
            targets = [group.axes[a] for a in sorted(group.reduced)]
            return "" if mine == group.points and self._same(targets, lengths) else "the group folds over other axes"
        rest = sorted(set(range(len(group.axes))) - mine)
        if not rest or (mine and self._same([group.axes[a] for a in rest], lengths)):
            return ""
        return "its reader runs over other axes than it folds"

    def _folded_lengths(self, node: Apply) -> list[Size]:
        x: Any = node.inputs[0]
        shape = self.sizes.of(x)
        return [shape[k] for k in node.op.axes(x.type.ndim) if x.type.shape[k] != 1]

    def _same(self, a: Sequence[Size], b: Sequence[Size]) -> bool:
        return len(a) == len(b) and all(self.sizes.same(x, y) for x, y in zip(a, b, strict=True))

    def _order_allows(self, value: Variable, group: Group) -> bool:
        """Whether no other reader of `value` must run before `group`."""
        others = {**self.inlined.get(value, {}), **self.result.users.get(value, {})}
        return all(other is group or not other.after >> group.number & 1 for other in others)

    # -- changes -------------------------------------------------------------------------------------------------------
    def _new(self, kind: Kind) -> Group:
        group = Group(len(self.result.groups), kind)
        self.result.groups.append(group)
        return group

    def _settle(self, node: Apply, group: Group) -> None:
        """`group` computes the node's values; readers elsewhere find them in memory, and run after it."""
        self.result.home[node] = group
        for out in node.outputs:
            readers = [g for g in (*self.inlined.get(out, {}), *self.result.users.get(out, {})) if g is not group]
            if readers or out in self.wanted:
                self.result.stored[out] = None
            for reader in readers:
                self.result.users.setdefault(out, {})[reader] = None
                self._run_after(group, reader)

    def _run_after(self, first: Group, then: Group) -> None:
        gained = then.after | 1 << then.number
        if first.after & gained == gained:
            return
        first.after |= gained
        mark = 1 << first.number
        for group in self.result.groups:
            if group.after & mark:
                group.after |= gained

    def _fold(self, node: Apply, group: Group, where: AxisMap) -> None:
        """Gives the reduction the axes it folds over: those there are, or new ones."""
        lengths = self._folded_lengths(node)
        if not group.reduced:
            rest = sorted(set(range(len(group.axes))) - {a for a in where if a is not None})
            if not rest:
                rest = list(range(len(group.axes), len(group.axes) + len(lengths)))
                group.axes += lengths
            group.reduced = set(rest)
        x: Any = node.inputs[0]
        targets = iter(sorted(group.reduced))
        group.folds[node] = tuple(-1 if x.type.shape[k] == 1 else next(targets) for k in node.op.axes(x.type.ndim))

    def _join(self, node: Apply, group: Group, where: AxisMap) -> None:
        group.maps[node] = where
        self._read_for_lengths(node, group)
        if isinstance(node.op, Place):
            self._run_after(self._check_of(node), group)
        for variable, place in reads_of(node, group, where):
            self._read(variable, place, group)

    def _check_of(self, place: Apply) -> Group:
        """The group that checks the places before anybody goes there."""
        check = self.checks.get(place)
        if check is None:
            check = self.checks[place] = self._new("check")
            check.head = place
            self._read_memory(place.inputs[0], check)
            self._read_for_lengths(place, check)
        return check

    def _read(self, variable: Variable, where: AxisMap | None, group: Group) -> None:
        """`group` reads a value at `where` (None: at computed places)."""
        readers = self.inlined.setdefault(variable, {})
        if group in readers and readers[group] != where:
            where = None
        if where is not None and where[:2] == (1, 0):
            self.across.add(group)
        readers[group] = where

    def _read_for_lengths(self, node: Apply, group: Group) -> None:
        for variable in self.needed(node):
            self._read_memory(variable, group)

    def _read_memory(self, variable: Variable, group: Group) -> None:
        self.result.users.setdefault(variable, {})[group] = None

    def _leaves(self) -> None:
        """Arguments, shared variables and constants are read from memory by whoever reads them."""
        for variable, readers in self.inlined.items():
            if variable.owner is None or self.kind_of(variable.owner) == "size":
                for group in readers:
                    self._read_memory(variable, group)


def _elementwise_below(variable: Variable) -> set[Variable]:
    """Some of the values that a value is elementwise made of, itself among them."""
    found, stack = {variable}, [variable]
    while stack and len(found) < _NEAR:
        node = stack.pop().owner
        if node is not None and isinstance(node.op, (Elemwise, DimShuffle)):
            new = [i for i in node.inputs if not isinstance(i, Constant) and i not in found]
            found.update(new)
            stack += new
    return found


def _spread(fgraph: FunctionGraph, kind_of: Callable[[Apply], Kind]) -> dict[Variable, set[int]]:
    """For values that are made of a reduction stretched again, as in softmax: the axes that the reduction folded."""
    spread: dict[Variable, set[int]] = {}
    folded: set[Variable] = set()  # reductions, and what is elementwise made of them
    for node in fgraph.nodes:
        kind = kind_of(node)
        out: Any = node.outputs[0]
        if kind == "reduce":
            folded.add(out)
        elif isinstance(node.op, DimShuffle):
            (x,) = node.inputs
            if x in folded:
                folded.add(out)
            below = spread.get(x)
            if below:
                spread[out] = {k for k, o in enumerate(node.op.new_order) if o in below}
        elif kind == "map" and isinstance(node.op, Elemwise):
            inputs: list[Any] = node.inputs
            axes: set[int] = set()
            for i in inputs:
                axes |= spread.get(i, set())
                if i in folded:
                    folded.add(out)
                    pairs = zip(i.type.shape, out.type.shape, strict=True)
                    axes |= {k for k, (one, n) in enumerate(pairs) if one == 1 and n != 1}
            if axes:
                spread[out] = axes
    return spread


class _Recorder:
    """A `read` that notes what is read, and where, in terms of the group's axes."""

    def __init__(self) -> None:
        self.reads: list[tuple[Variable, AxisMap | None]] = []

    def __call__(self, variable: Variable, where: tuple[Expr, ...]) -> Expr:
        try:
            place: AxisMap | None = tuple(map(_axis_of, where))
        except NotIndexed:
            place = None
        self.reads.append((variable, place))
        return load("?")  # no place that a loop could run over


def _axis_of(where: Expr) -> int | None:
    if where.kind == "index":
        return int(where.value[1:])
    if where.kind == "const" and where.value == 0:
        return None
    raise NotIndexed


def coordinates(where: AxisMap) -> tuple[Expr, ...]:
    """The index expressions of an axis map: a3 for the group's axis 3."""
    return tuple(const(0) if a is None else index(f"a{a}") for a in where)


def reads_of(node: Apply, group: Group, where: AxisMap) -> list[tuple[Variable, AxisMap | None]]:
    """What a member of a group reads, and at which of the group's axes."""
    op = node.op
    if isinstance(op, Elemwise):
        return [(i, _broadcast(i, where)) for i in node.inputs]
    if isinstance(op, ReduceOp):
        return [(node.inputs[0], unfolded(node, group, where))]
    recorder = _Recorder()
    op.loop(node, recorder, coordinates(where))
    return recorder.reads


def _broadcast(variable: Any, where: AxisMap) -> AxisMap:
    return tuple(None if n == 1 else a for n, a in zip(variable.type.shape, where, strict=True))


def unfolded(node: Apply, group: Group, where: AxisMap) -> AxisMap:
    """The axis map of what a reduction reads, from that of its result."""
    x: Any = node.inputs[0]
    kept = iter(where)
    folded = dict(zip(node.op.axes(x.type.ndim), group.folds[node], strict=True))
    found = (folded[k] if k in folded else next(kept) for k in range(x.type.ndim))
    return tuple(None if a == -1 else a for a in found)


def is_leaf(variable: Variable) -> bool:
    """Whether a variable is given, not computed."""
    return variable.owner is None or isinstance(variable, Constant)
