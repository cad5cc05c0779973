"""Loops for machine code: the step of a Scan, analysed, fused and scheduled as one region that runs again and again.

A loop is machine code from end to end, or it is a step of the host program. It is machine code where its step is one
region without steps of its own, and where the lengths of all that needs memory are the same in each round: they follow
from the shapes of what the loop is given, and from integers that do not change in it.

Where a state lies is decided here as far as the step's code depends on it:

    moved       the step gives what it was given: nothing is computed, an address is handed on
    in place    nobody wants the values of all rounds: each is computed where the one before it was
    else        the step writes to memory that the loop points it to: a row of an output, or one of a few buffers
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from symtheano.compile.agenda import Agenda, agenda
from symtheano.compile.analyse import Analysis, Check, RowTest, analyse
from symtheano.compile.fuse import Fusion, fuse
from symtheano.compile.lengths import Length, Unknown, numbers_in
from symtheano.compile.naming import Names
from symtheano.compile.overwriting import base_of, rounds
from symtheano.compile.rules import EXPAND
from symtheano.compile.schedule import Region, Schedule, Unfit, add_reads, can_fail, schedule
from symtheano.config import config
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.rule import RuleIndex
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.graph.walk import graph_inputs
from symtheano.tensor.dot import Dot
from symtheano.tensor.elemwise import DimShuffle, dimshuffle
from symtheano.tensor.shape_ops import Shape_i
from symtheano.tensor.type import TensorType


@dataclass(eq=False)
class Loop:
    """The plan of a loop.

    analysis, fusion, schedule, region: of the step. places: for each state that a step computes its position among the
    outputs of the step's graph; stop: that of the condition, None where there is none. moved: for others what they are,
    an input of the step. rows: consts, constants and transposed ones whose rows products read again and again: they are
    to lie side by side. in_place: the states that are computed in the memory of what they replace. read: the numbers
    of the node's outputs that somebody reads. lengths: what the loop must know beside shapes, as lengths outside.
    fixed: the consts of the step that lengths follow from. before: what must hold before the loop, in terms of the
    step's inputs; inside: before each step.
    """

    node: Apply
    analysis: Analysis
    fusion: Fusion
    schedule: Schedule
    region: Region
    places: dict[int, int]
    stop: int | None
    moved: dict[int, Variable]
    rows: tuple[Variable, ...]
    in_place: frozenset[int]
    read: frozenset[int]
    lengths: tuple[Length, ...]
    fixed: tuple[Variable, ...]
    before: tuple[Check, ...]
    inside: tuple[Check, ...]

    @property
    def constants(self) -> list[Constant]:
        """Arrays that the step reads and the loop is not given."""
        found = dict.fromkeys(v for v in self.region.reads if isinstance(v, Constant))
        found.update((v, None) for v in map(self.origin, self.rows) if isinstance(v, Constant))
        return list(found)

    def origin(self, variable: Variable) -> Variable:
        """What a value is a view of."""
        return base_of(variable, self.analysis)

    @property
    def may_fail(self) -> bool:
        """Whether a step may find out that it cannot do its work."""
        return bool(self.inside) or any(can_fail(g, self.analysis) for g in self.region.groups)

    @property
    def names(self) -> Names:
        """Names of the step's values: x of its consts, s of its states and of elements of sequences."""
        return Names(self.analysis, self.fusion, self.schedule, self.node.op.n_consts)

    @property
    def program(self) -> Agenda:
        """The step as tasks over named values."""
        return agenda(self.analysis, self.fusion, self.schedule, self.node.op.n_consts)

    @property
    def states(self) -> list[int]:
        """The states that are kept from step to step, or given."""
        return sorted({*self.places, *self.moved})


def expanded(graph: FunctionGraph) -> FunctionGraph:
    """The graph in terms of what machine code is made of."""
    return graph.rewrite(_expansions())


@dataclass(frozen=True)
class VectorProducts:
    """A rule: products of a vector with a matrix that stays the same are products of matrices, one of a single row.

    Other ones are sums of products, which read the matrix as it lies. This one is transposed once, if it must be.
    """

    consts: frozenset[Variable]
    name = "vector_products"
    tracks = (Dot,)

    def __call__(self, node: Apply) -> list[Variable] | None:
        """dot(v, M) -> dot(v as a row, M), less that axis; dot(M, v) -> dot(v as a row, M.T), less that axis."""
        x: Any
        y: Any
        x, y = node.inputs
        out: Any = node.outputs[0]
        ndims = (x.type.ndim, y.type.ndim)
        if out.type.dtype not in ("float32", "float64") or ndims not in ((1, 2), (2, 1)):
            return None
        vector, matrix = (x, y) if ndims == (1, 2) else (y, dimshuffle(x, (1, 0)))
        if not is_moved_const(matrix, self.consts):
            return None
        return [dimshuffle(Dot()(dimshuffle(vector, ("x", 0)), matrix), (1,))]


def is_moved_const(variable: Variable, consts: Collection[Variable]) -> bool:
    """Whether it is one of these, or a constant, or one with its axes moved."""
    while variable.owner is not None and isinstance(variable.owner.op, DimShuffle):
        variable = variable.owner.inputs[0]
    return variable in consts or (isinstance(variable, Constant) and variable.data.size > 1)


@cache
def _expansions() -> RuleIndex:
    return RuleIndex(EXPAND)


def plan_loop(node: Apply, outside: Analysis, is_native: RowTest, floatX: str) -> Loop | None:
    """The plan of a loop in a graph that is being analysed, None where it is no machine code. Raises Unknown."""
    op = node.op
    if not all(isinstance(v.type, TensorType) for v in (*op.step.inputs, *op.step.outputs)):
        return None
    return _Planner(node, outside, is_native, floatX).run()


class _Planner:
    def __init__(self, node: Apply, outside: Analysis, is_native: RowTest, floatX: str) -> None:
        self.node, self.op, self.outside, self.is_native, self.floatX = node, node.op, outside, is_native, floatX
        self.inputs = self.op.step.inputs
        self.consts, self.carry, self.xs = self.op.split(self.inputs)
        self.outer = dict(zip(self.inputs, node.inputs[1:], strict=True))

    def run(self) -> Loop | None:
        self.read = frozenset(k for k, out in enumerate(self.node.outputs) if self._is_read(out))
        graph = self._graph()
        if graph is None:
            return None
        analysis = analyse(graph, self.is_native, self.floatX, plan_loop)
        self._keep_shapes(analysis)
        fusion = fuse(graph, analysis.sizes, analysis.kind_of, analysis.read_for_lengths)
        try:
            plan = schedule(analysis, fusion)
        except Unfit:
            return None
        if len(plan.parts) > 1 or not all(isinstance(p, Region) for p in plan.parts):
            return None
        region = plan.parts[0] if plan.parts else Region([])
        assert isinstance(region, Region)
        fixed = self._fixed(self._lengths(analysis, fusion))
        if fixed is None:
            return None
        return self._loop(analysis, fusion, plan, region, fixed)

    # -- what is computed ----------------------------------------------------------------------------------------------
    def _is_read(self, out: Variable) -> bool:
        graph, outside = self.outside.graph, self.outside
        users = graph.users(out)
        if out in graph.outputs or any(not isinstance(u.op, Shape_i) for u in users):
            return True
        return bool(users) and not outside.lengths.knows(outside.sizes.of(out))

    def _wanted(self, state: int) -> bool:
        return bool(self.read & set(self._rows(state)) or self.op.last(state) in self.read)

    def _rows(self, state: int) -> list[int]:
        """The outputs that have a row for each step."""
        return [self.op.after(state), *([self.op.before(state)] if state < self.op.n_carry else [])]

    def _graph(self) -> FunctionGraph | None:
        """What a step computes of what is wanted, with the states that may be computed in place as updates."""
        op = self.op
        live = self._live()
        results = {k: op.states[k] for k in live}
        among = {v: j for j, v in enumerate(self.carry)}
        self.moved = {
            k: v
            for k, v in results.items()
            if k < op.n_carry and not self.read & set(self._rows(k)) and (v in self.consts or among.get(v, -1) in live)
        }
        sources = set(self.moved.values())
        computed = [k for k in live if k not in self.moved]
        self.places = {k: position for position, k in enumerate(computed)}
        outputs = [results[k] for k in computed]
        if op.until:
            outputs.append(op.step.outputs[-1])
        self.stop = len(computed) if op.until else None
        updates = {
            position: op.n_consts + k
            for k, position in self.places.items()
            if k < op.n_carry and self.carry[k] not in sources and not self.read & set(self._rows(k))
        }
        graph: FunctionGraph = op.step.graph.with_outputs(outputs, updates)
        return graph.rewrite(RuleIndex((VectorProducts(frozenset(self.consts)), *EXPAND)))

    def _live(self) -> list[int]:
        """The states that are wanted, or that those depend on."""
        op = self.op
        numbers = {v: k for k, v in enumerate(self.carry)}
        live: dict[int, None] = {}
        waiting = [k for k in range(op.n_states) if self._wanted(k)]
        roots = [op.step.outputs[-1]] if op.until else []
        while waiting or roots:
            live.update(dict.fromkeys(waiting))
            roots += [op.states[k] for k in waiting]
            found = {numbers[v] for v in graph_inputs(roots) if v in numbers}
            waiting, roots = sorted(found - set(live)), []
        return sorted(live)

    # -- lengths -------------------------------------------------------------------------------------------------------
    def _keep_shapes(self, analysis: Analysis) -> None:
        """What is carried keeps its shape."""
        self.kept: list[Check] = []
        for k in (*self.places, *self.moved):
            if k >= self.op.n_carry:
                continue
            new = self.moved[k] if k in self.moved else analysis.graph.outputs[self.places[k]]
            pairs = zip(analysis.sizes.of(self.carry[k]), analysis.sizes.of(new), strict=True)
            for a, b in pairs:
                needed = analysis.lengths.unite(a, b)
                if needed is not None:
                    self.kept.append(Check(needed[0], "==", needed[1]))

    def _lengths(self, analysis: Analysis, fusion: Fusion) -> Iterable[Length]:
        """The lengths that memory is taken for."""
        of, sizes = analysis.lengths.of, analysis.sizes
        for group in fusion.groups:
            if group.kind not in ("kernel", "scatter", "check") or rounds(group, analysis) > 1:
                yield from map(of, group.axes)  # others need no memory of their own
            if group.kind == "loop" and group.head is not None:
                yield from analysis.loops[group.head].lengths
        for variable in (*fusion.stored, *analysis.graph.outputs):
            if variable.owner is None or variable.owner in fusion.home or variable in analysis.graph.outputs:
                yield from map(of, sizes.of(variable))
        for check in self.kept:
            yield from (check.left, check.right)

    def _fixed(self, lengths: Iterable[Length]) -> tuple[Variable, ...] | None:
        """The integers that lengths follow from; None where one of them may change, or is computed before the loop."""
        found = dict.fromkeys(v for n in lengths for v in numbers_in(n))
        numbers = [self._outside(v) for v in found]
        return None if None in numbers else tuple(found)

    def _outside(self, variable: Variable) -> Length | None:
        if variable not in self.consts:
            return None
        try:
            return self.outside.lengths.number(self.outer[variable])
        except Unknown:
            return None

    def _rows_of_products(self, analysis: Analysis, region: Region) -> list[Variable]:
        """The right operands of matrix products that are the same in each round."""
        heads = [g.head for g in region.groups if g.kind == "product" and g.head is not None]
        found = dict.fromkeys(head.inputs[1] for head in heads)
        return [v for v in found if is_moved_const(v, self.consts)]

    def _loop(
        self, analysis: Analysis, fusion: Fusion, plan: Schedule, region: Region, fixed: Sequence[Variable]
    ) -> Loop:
        checks = dict.fromkeys([*(c for each in analysis.checks.values() for c in each), *self.kept])
        before = [c for c in checks if set(fixed).issuperset(_numbers_of(c))]
        add_reads(region, checks)
        rows = self._rows_of_products(analysis, region)
        region.reads += [v for v in rows if v not in region.reads]
        number = self.outside.lengths.number
        loop = Loop(
            node=self.node,
            analysis=analysis,
            fusion=fusion,
            schedule=plan,
            region=region,
            places=self.places,
            stop=self.stop,
            moved=self.moved,
            rows=tuple(rows),
            in_place=frozenset(k for k, position in self.places.items() if position in plan.in_place),
            read=self.read,
            lengths=(number(self.node.inputs[0]), *(number(self.outer[v]) for v in fixed)),
            fixed=tuple(fixed),
            before=tuple(before),
            inside=tuple(c for c in checks if c not in before),
        )
        if config.check_programs:
            loop.program.check()
        return loop


def _numbers_of(check: Check) -> list[Variable]:
    return [v for n in (check.left, check.right) for v in numbers_in(n)]
