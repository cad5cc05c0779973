"""What is known of a graph before it is fused: kinds of nodes, lengths, and what must be checked at run time.

Machine code reads memory by address: every length it relies on is either computed from what is given or checked. A node
whose lengths cannot be told beforehand, or that has no loop form, is a step of the host program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from symtheano.compile.lengths import Formula, Length, Lengths, Unknown, given_in
from symtheano.compile.sizes import Size, Sizes
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scalar import ScalarOp
from symtheano.scan.op import Scan
from symtheano.tensor.alloc import Alloc, AllocEmpty
from symtheano.tensor.array import ArrayOp
from symtheano.tensor.careduce import All, Any_, CAReduce, CAReduceDtype, Max, Min, Prod, Sum
from symtheano.tensor.dot import BatchedDot, Dot
from symtheano.tensor.elemwise import DimShuffle, Elemwise
from symtheano.tensor.gather import Gather, Place, Scatter
from symtheano.tensor.index_basic import Subtensor
from symtheano.tensor.reshape import Reshape
from symtheano.tensor.shape_ops import MakeVector, Shape_i, SliceLength
from symtheano.tensor.sizes import vector_items
from symtheano.tensor.supremum import Infimum, Supremum
from symtheano.tensor.type import TensorType

# (row, dtypes of operands, floatX, the operands' numbers or None): has it machine code?
RowTest = Callable[[ScalarOp, tuple[str, ...], str, list[Any]], bool]

# (node of a Scan, the analysis of its graph, and what `analyse` is given): a looping.Loop, or None if it is a step
LoopPlanner = Callable[[Apply, Any, RowTest, str], Any]

_REDUCTIONS = (CAReduce, Max, Min, All, Any_, CAReduceDtype, Sum, Prod, Supremum, Infimum)
_OF_NOTHING = (Supremum, Infimum)  # extrema that exist of no elements
_VIEWS = (DimShuffle, Subtensor, Reshape)


@dataclass(frozen=True, slots=True)
class Check:
    """`left relation right` must hold, or the call is given to the host program, which raises: == <= <."""

    left: Length
    relation: str
    right: Length


@dataclass
class Analysis:
    """kinds: see compile/fuse.py. checks: for each node what must hold before it runs. loops: plans, see looping.py."""

    graph: FunctionGraph
    sizes: Sizes
    lengths: Lengths
    kinds: dict[Apply, str] = field(default_factory=dict)
    checks: dict[Apply, list[Check]] = field(default_factory=dict)
    loops: dict[Apply, Any] = field(default_factory=dict)
    _read: dict[Apply, list[Variable]] = field(default_factory=dict)

    @cached_property
    def positions(self) -> dict[Apply, int]:
        """Where each node stands in topological order."""
        return {node: k for k, node in enumerate(self.graph.nodes)}

    def kind_of(self, node: Apply) -> str:
        """The node's kind."""
        return self.kinds[node]

    def read_for_lengths(self, node: Apply) -> list[Variable]:
        """What a node reads beside its inputs: results of steps of the host program that its lengths, places and checks
        follow from, and the constants of a loop's step."""
        found = self._read.get(node)
        if found is None:
            found = self._read[node] = [v for v in self._sources(node) if v.owner is not None]
            found += self.loops[node].constants if node in self.loops else []
        return found

    def _sources(self, node: Apply) -> dict[Variable, None]:
        kind, lengths = self.kinds[node], self.lengths
        if kind in ("step", "none"):
            return {}
        loop = self.loops.get(node)
        outputs = node.outputs if loop is None else [node.outputs[k] for k in sorted(loop.read)]
        needed = [lengths.of(n) for out in outputs for n in self.sizes.of(out)]
        needed += [] if loop is None else loop.lengths
        needed += [n for check in self.checks[node] for n in (check.left, check.right)]
        if kind == "size":
            needed += map(lengths.number, node.outputs)
        if isinstance(node.op, (Subtensor, Place)):
            needed += map(lengths.number, node.inputs[1:])
        return dict.fromkeys(v for n in needed for v in given_in(n))


def analyse(graph: FunctionGraph, is_native: RowTest, floatX: str, plan_loop: LoopPlanner) -> Analysis:
    """The kinds, lengths and checks of a graph. plan_loop: see looping.py."""
    sizes = Sizes()
    found = Analysis(graph, sizes, Lengths(sizes))
    for variable in [*graph.inputs, *graph.constants()]:
        found.lengths.learn(variable)
    for node in graph.nodes:
        _Node(node, found, is_native, floatX, plan_loop).visit()
    return found


@dataclass
class _Node:
    node: Apply
    found: Analysis
    is_native: RowTest
    floatX: str
    plan_loop: LoopPlanner
    checks: list[Check] = field(default_factory=list)

    def visit(self) -> None:
        """Settles the node's kind, lengths and checks."""
        kind = self._kind()
        try:
            self._equalities()
            self.found.sizes.visit(self.node)
            if kind == "loop":
                self._loop()
            elif kind not in ("step", "none"):
                self._own_checks(kind)
                self._know(self.node.outputs)
        except Unknown:
            kind = "step"
            self.found.sizes.visit(self.node)
        if kind == "step":
            for out in self.node.outputs:
                if not isinstance(self.node.op, Scan) or self._is_read(out):
                    self.found.lengths.learn(out)
        self.found.kinds[self.node] = kind
        self.found.checks[self.node] = self.checks

    def _know(self, variables: list[Variable]) -> None:
        """Raises Unknown where there is no formula of their lengths."""
        for variable in variables:
            for size in self.found.sizes.of(variable):
                self.found.lengths.of(size)

    def _is_read(self, variable: Variable) -> bool:
        return variable in self.found.graph.outputs or bool(self.found.graph.users(variable))

    def _loop(self) -> None:
        plan = self.plan_loop(self.node, self.found, self.is_native, self.floatX)
        if plan is None:
            raise Unknown(str(self.node))
        self._know([self.node.outputs[k] for k in sorted(plan.read)])
        self.found.loops[self.node] = plan

    # -- kinds ---------------------------------------------------------------------------------------------------------
    def _kind(self) -> str:
        node, op = self.node, self.node.op
        if isinstance(op, Scan):
            return "loop"
        if not isinstance(op, ArrayOp) or not all(
            isinstance(v.type, TensorType) for v in (*node.inputs, *node.outputs)
        ):
            return "step"
        if isinstance(op, Elemwise):
            return "map" if self._native_row() else "step"
        if type(op) in _REDUCTIONS:
            return "reduce" if self._native_reduction() else "step"
        if isinstance(op, Dot):
            return "product" if self._native_product() else "step"
        if isinstance(op, BatchedDot):
            return "batched" if node.outputs[0].type.dtype in ("float32", "float64") else "step"
        if isinstance(op, DimShuffle):
            return "view"
        if isinstance(op, (Shape_i, SliceLength)):
            return "size" if self._numbers(node.outputs) else "step"
        if isinstance(op, Subtensor):
            return "view" if self._numbers(node.inputs[1:]) else "step"
        if isinstance(op, Reshape):
            return "view" if _is_native_reshape(node) and self._reshape_lengths() else "step"
        if isinstance(op, MakeVector):
            return "none" if self._only_reshapes() else "step"
        return self._looped()

    def _looped(self) -> str:
        node, op = self.node, self.node.op
        if isinstance(op, AllocEmpty):
            return "empty"
        if isinstance(op, Place) and not self._numbers(node.inputs[1:]):
            return "step"
        if isinstance(op, Scatter):
            return "step" if node.outputs[0].type.dtype == "bool" and not op.set_instead_of_inc else "scatter"
        return "map" if isinstance(op, (Gather, Alloc)) or hasattr(op, "loop") else "step"

    def _native_row(self) -> bool:
        row: ScalarOp = self.node.op.scalar_op
        inputs: list[Any] = self.node.inputs
        out: Any = self.node.outputs[0]
        dtypes = tuple(i.type.dtype for i in inputs)
        numbers = [i.data.item() if isinstance(i, Constant) and i.data.size == 1 else None for i in inputs]
        return row.out(dtypes, self.floatX) == out.type.dtype and self.is_native(row, dtypes, self.floatX, numbers)

    def _native_reduction(self) -> bool:
        op = self.node.op
        out: Any = self.node.outputs[0]
        dtype: Any = op.acc_dtype if isinstance(op, CAReduceDtype) else out.type.dtype
        return self.is_native(op.scalar_op, (dtype, dtype), self.floatX, [])

    def _native_product(self) -> bool:
        x: Any
        y: Any
        x, y = self.node.inputs
        return x.type.dtype in ("float32", "float64") and x.type.ndim == 2 and y.type.ndim == 2

    def _numbers(self, variables: list[Any]) -> bool:
        try:
            for v in variables:
                self.found.lengths.number(v)
        except Unknown:
            return False
        return True

    def _only_reshapes(self) -> bool:
        (out,) = self.node.outputs
        users = self.found.graph.users(out)
        reshapes = all(isinstance(u.op, Reshape) and u.inputs[0] is not out and _is_native_reshape(u) for u in users)
        return reshapes and out not in self.found.graph.outputs and self._numbers(self.node.inputs)

    def _reshape_lengths(self) -> bool:
        shape = self.node.inputs[1]
        made = isinstance(shape, Constant) or (shape.owner is not None and isinstance(shape.owner.op, MakeVector))
        return made and self._numbers(vector_items(shape, self.node.op.ndim))

    # -- checks --------------------------------------------------------------------------------------------------------
    def _equalities(self) -> None:
        """Lengths that the op needs to be equal."""
        node, sizes = self.node, self.found.sizes
        if isinstance(node.op, Elemwise):
            for axis in range(node.outputs[0].type.ndim):
                self._equal([sizes.of(i)[axis] for i in node.inputs if not i.type.broadcastable[axis]])
        elif isinstance(node.op, (Gather, Scatter)):
            skip = isinstance(node.op, Scatter)
            inputs: list[Any] = [node.inputs[0], *node.inputs[1 + skip :]]
            for each in node.op.lengths(inputs):
                self._equal([sizes.of(inputs[position])[axis] for position, axis in each])
            if skip:
                self._scattered(inputs)
        elif isinstance(node.op, Alloc):
            self._allocated()
        elif isinstance(node.op, BatchedDot):
            self._stacked()
        elif isinstance(node.op, Scan):
            self._steps()
        if hasattr(node.op, "equal_sizes"):
            for a, b in node.op.equal_sizes([sizes.of(i) for i in node.inputs]):
                self._equal([a, b])

    def _scattered(self, inputs: list[Any]) -> None:
        y: Any = self.node.inputs[1]
        sizes = self.found.sizes
        for axis, each in enumerate(self.node.op.lengths(inputs)):
            if each and y.type.shape[axis] != 1:
                position, where = each[0]
                self._equal([sizes.of(inputs[position])[where], sizes.of(y)[axis]])

    def _stacked(self) -> None:
        x: Any
        y: Any
        x, y = self.node.inputs
        a, b = self.found.sizes.of(x), self.found.sizes.of(y)
        self._equal([a[-1], b[-2]])
        for k in range(x.type.ndim - 2):
            if not x.type.broadcastable[k] and not y.type.broadcastable[k]:
                self._equal([a[k], b[k]])

    def _steps(self) -> None:
        """Each sequence has an element for each step."""
        n, sizes = self.node.inputs[0], self.found.sizes
        number = self.found.lengths.number(n)
        self.checks.append(Check(0, "<=", number))
        steps: Size = number if isinstance(number, int) else n
        for x in self.node.op.split(self.node.inputs[1:])[2]:
            self._equal([steps, sizes.of(x)[0]])

    def _allocated(self) -> None:
        value: Any = self.node.inputs[0]
        first = len(self.node.inputs) - 1 - value.type.ndim
        for axis, size in enumerate(self.found.sizes.of(value)):
            if not value.type.broadcastable[axis]:
                wanted = self.node.inputs[1 + first + axis]
                number = self.found.lengths.number(wanted)
                self.checks.append(Check(self.found.lengths.of(size), "==", number))

    def _equal(self, each: list[Size]) -> None:
        for other in each[1:]:
            needed = self.found.lengths.unite(each[0], other)
            if needed is not None:
                self.checks.append(Check(needed[0], "==", needed[1]))

    def _own_checks(self, kind: str) -> None:
        node, op, lengths, sizes = self.node, self.node.op, self.found.lengths, self.found.sizes
        if isinstance(op, CAReduce) and op.scalar_op.name in ("maximum", "minimum") and type(op) not in _OF_NOTHING:
            shape = sizes.of(node.inputs[0])
            self.checks += [Check(1, "<=", lengths.of(shape[k])) for k in op.axes(len(shape))]
        elif isinstance(op, Subtensor):
            self._subtensor_checks()
        elif isinstance(op, Reshape):
            old = [lengths.of(n) for n in sizes.of(node.inputs[0])]
            new = [lengths.of(n) for n in sizes.of(node.outputs[0])]
            self.checks.append(Check(product(old), "==", product(new)))
            self.checks += [Check(0, "<=", n) for n in new]
        elif isinstance(op, (Alloc, AllocEmpty)):
            self.checks += [Check(0, "<=", lengths.number(n)) for n in node.inputs[isinstance(op, Alloc) :]]

    def _subtensor_checks(self) -> None:
        lengths = self.found.lengths
        shape = self.found.sizes.of(self.node.inputs[0])
        for axis, entry in enumerate(self.node.op.entries(self.node.inputs)):
            n = lengths.of(shape[axis])
            if isinstance(entry, slice):
                if isinstance(entry.step, Variable):
                    self.checks.append(Check(1, "<=", lengths.number(entry.step)))  # others go to the host program
                continue
            i = entry if isinstance(entry, int) else lengths.number(entry)
            place = Formula("place", (n, i))
            self.checks += [Check(0, "<=", place), Check(place, "<", n)]


def product(lengths: list[Length]) -> Length:
    """The product of lengths."""
    result: Length = 1
    for n in lengths:
        if isinstance(result, int) and isinstance(n, int):
            result = result * n
        elif result == 1:
            result = n
        else:
            result = Formula("mul", (result, n))
    return result


def _is_native_reshape(node: Apply) -> bool:
    """Whether what is reshaped lies dense in memory: it is computed or given, not another view of something."""
    x = node.inputs[0]
    while x.owner is not None and isinstance(x.owner.op, Reshape):
        x = x.owner.inputs[0]
    return x.owner is None or not isinstance(x.owner.op, _VIEWS)
