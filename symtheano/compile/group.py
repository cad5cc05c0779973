"""A group of nodes as a kernel: members become expressions, in stages between which reductions are complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symtheano.compile.fuse import HEAVY, AxisMap, Fusion, Group, reads_of
from symtheano.compile.kernel import Buffer, Keep, Kernel, Reduce, Stage, Statement, Store
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scalar import TABLE, cast
from symtheano.scalar.expr import Expr, call, const, index, load, postorder
from symtheano.tensor.careduce import All, Any_, CAReduceDtype, ReduceOp
from symtheano.tensor.elemwise import DimShuffle, Elemwise


@dataclass(frozen=True)
class Lowered:
    """A kernel, and which values its buffers hold, in the order of `kernel.buffers`."""

    kernel: Kernel
    values: tuple[Variable, ...]
    axes: tuple[int, ...]  # the group's axis for each of kernel.axes and kernel.inner


@dataclass
class _Value:
    """An expression, how many rounds of reductions it needs, and whether it differs along the reduced axes."""

    expr: Expr
    level: int = 0
    inner: bool = False


def kernel_of(group: Group, fusion: Fusion, positions: Mapping[Apply, int], floatX: str) -> Lowered:
    """The kernel of a group. positions: of the graph's nodes in topological order."""
    return _Lowering(group, fusion, floatX).run(sorted(group.maps, key=positions.__getitem__))


@dataclass
class _Lowering:
    group: Group
    fusion: Fusion
    floatX: str
    buffers: dict[tuple[Variable, Any], Buffer] = field(default_factory=dict)  # by value, and place where that counts
    values: dict[Variable, _Value] = field(default_factory=dict)
    places: dict[Variable, tuple[Expr, ...]] = field(default_factory=dict)  # where each of them is computed
    statements: list[tuple[int, bool, Statement]] = field(default_factory=list)  # level, inner, statement
    reductions: int = 0

    def run(self, nodes: Sequence[Apply]) -> Lowered:
        head = self.group.head
        if self.group.kind == "product" and head is not None:
            self.places[head.outputs[0]] = self._place((None, 1) if self.group.row else (0, 1))
            self.values[head.outputs[0]] = _Value(load("acc", self._place((0, 1))))
        for node in nodes:
            self._node(node)
        stored = [n.outputs[0] for n in nodes if self.fusion.home.get(n) is self.group]
        if self.group.kind == "product" and head is not None:
            stored.append(head.outputs[0])
        for variable in stored:
            if variable in self.fusion.stored:
                self._store(variable)
        if self.group.kind == "scatter" and head is not None:
            self._scatter(head)
        self._keep(nodes)
        return self._assemble()

    # -- expressions ---------------------------------------------------------------------------------------------------
    def _node(self, node: Apply) -> None:
        where = self.group.maps[node]
        (out,) = node.outputs
        self.places[out] = coordinates = self._place(where)
        read = dict(reads_of(node, self.group, where)) if not isinstance(node.op, Elemwise) else None
        if isinstance(node.op, ReduceOp):
            assert read is not None
            self.values[out] = self._reduction(node, self._read(node.inputs[0], read[node.inputs[0]]))
            return
        used: list[_Value] = []

        def reader(variable: Variable, place: tuple[Expr, ...]) -> Expr:
            value = self._read_at(variable, place)
            used.append(value)
            return value.expr

        expr = node.op.loop(node, reader, coordinates)
        level = max((v.level for v in used), default=0)
        inner = bool(self.group.reduced & {a for a in where if a is not None})
        self.values[out] = _Value(expr, level, inner or any(v.inner for v in used))

    def _read(self, variable: Variable, where: AxisMap | None) -> _Value:
        assert where is not None
        return self._read_at(variable, self._place(where))

    def _read_at(self, variable: Variable, place: tuple[Expr, ...]) -> _Value:
        known = self.values.get(variable)
        if known is not None and self.places[variable] == place:
            return known
        if variable.owner is not None and isinstance(variable.owner.op, DimShuffle):
            below: list[_Value] = []
            variable.owner.op.loop(variable.owner, lambda v, p: _noted(below, self._read_at(v, p)), place)
            return below[0]
        kind: Any = variable.type
        if isinstance(variable, Constant) and variable.data.size == 1:
            return _Value(const(variable.data.reshape(())[()]))
        key = (variable, place if self.group.kind == "product" else None)  # an epilogue's buffers have one place each
        buffer = self.buffers.get(key)
        if buffer is None:
            buffer = self.buffers[key] = Buffer(f"b{len(self.buffers)}", kind.dtype, kind.ndim)
        inner = {f"j{a}" for a in self.group.reduced}
        deep = any(n.kind == "index" and n.value in inner for n in postorder(place))
        level = 0
        return _Value(load(buffer.name, place), level, deep)

    def _place(self, where: AxisMap) -> tuple[Expr, ...]:
        return tuple(const(0) if a is None else index(self._axis(a)) for a in where)

    def _axis(self, axis: int) -> str:
        return f"{'j' if axis in self.group.reduced else 'i'}{axis}"

    def _reduction(self, node: Apply, value: _Value) -> _Value:
        op = node.op
        x: Any = node.inputs[0]
        out: Any = node.outputs[0]
        expr, dtype = value.expr, out.type.dtype
        row = op.scalar_op
        if isinstance(op, (All, Any_)):
            expr = expr if x.type.dtype == "bool" else call(TABLE["neq"], expr, const(np.dtype(x.type.dtype).type(0)))
            dtype = "bool"
        elif isinstance(op, CAReduceDtype):
            dtype = op.acc_dtype
        if all(a == -1 for a in self.group.folds[node]):  # of one element; others may fold over the group's axes
            return _Value(call(cast(out.type.dtype), call(cast(dtype), expr)), value.level, value.inner)
        name = f"r{self.reductions}"
        self.reductions += 1
        self.statements.append((value.level, True, Reduce(name, row, dtype, expr)))
        result = load(name)
        if dtype != out.type.dtype:
            result = call(cast(out.type.dtype), result)
        return _Value(result, value.level + 1)

    # -- statements ----------------------------------------------------------------------------------------------------
    def _store(self, variable: Variable) -> None:
        value = self.values[variable]
        kind: Any = variable.type
        buffer = Buffer(f"b{len(self.buffers)}", kind.dtype, kind.ndim, written=True)
        self.buffers[variable, "result"] = buffer
        head = self.group.head
        where = (0, 1) if head is not None and variable is head.outputs[0] else self.group.maps[variable.owner]  # type: ignore[index]
        inner = bool(self.group.reduced & {a for a in where if a is not None})
        self.statements.append((value.level, inner, Store(buffer.name, self._place(where), value.expr)))

    def _scatter(self, head: Apply) -> None:
        """Values for places of the result, which is a copy of the first input by then."""
        own = iter(range(len(self.group.axes)))
        value: Any = head.inputs[1]
        where = tuple(None if n == 1 else next(own) for n in value.type.shape)
        out: Any = head.outputs[0]
        places, expr = head.op.scatter(head, lambda v, p: self._read_at(v, p).expr, self._place(where))
        name, kind = f"b{len(self.buffers)}", out.type
        buffer = self.buffers[out, "result"] = Buffer(name, kind.dtype, kind.ndim, written=True)
        self.statements.append((0, False, Store(buffer.name, places, expr, not head.op.set_instead_of_inc)))

    def _keep(self, nodes: Sequence[Apply]) -> None:
        """Values that are expensive and needed in several rounds are computed in the first and kept."""
        if len({level for level, inner, _ in self.statements if inner}) < 2:
            return
        uses: dict[Expr, set[int]] = {}
        for level, inner, statement in self.statements:
            if inner:
                for e in postorder((statement.expr,)):
                    uses.setdefault(e, set()).add(level)
        replaced: dict[Expr, Expr] = {}
        keeps: list[tuple[int, bool, Statement]] = []
        place = tuple(index(self._axis(a)) for a in sorted(self.group.reduced))
        for node in nodes:
            value = self.values[node.outputs[0]]
            heavy = isinstance(node.op, Elemwise) and node.op.scalar_op.name in HEAVY
            if heavy and value.inner and len(uses.get(value.expr, ())) > 1:
                name = f"t{len(keeps)}"
                dtype = node.outputs[0].type.dtype
                first = min(uses[value.expr])
                keeps.append((first, True, Keep(name, dtype, _replace(value.expr, replaced))))
                replaced[value.expr] = load(name, place)
        if keeps:
            self.statements = keeps + [(k, i, _with_expr(s, _replace(s.expr, replaced))) for k, i, s in self.statements]

    def _assemble(self) -> Lowered:
        stages: list[Stage] = []
        for level in sorted({level for level, _, _ in self.statements}):
            for inner in (False, True):
                body = tuple(s for k, i, s in self.statements if k == level and i is inner)
                if body:
                    stages.append(Stage(inner, body))
        points = sorted(self.group.points)
        inner_axes = sorted(self.group.reduced)
        kernel = Kernel(
            tuple(map(self._axis, points)),
            tuple(map(self._axis, inner_axes)),
            tuple(self.buffers.values()),
            tuple(stages),
            self.floatX,
        )
        return Lowered(kernel, tuple(v for v, _ in self.buffers), (*points, *inner_axes))


def _noted(values: list[_Value], value: _Value) -> Expr:
    values.append(value)
    return value.expr


def _with_expr(statement: Statement, expr: Expr) -> Statement:
    if isinstance(statement, Store):
        return Store(statement.buffer, statement.index, expr, statement.add)
    if isinstance(statement, Keep):
        return Keep(statement.name, statement.dtype, expr)
    return Reduce(statement.name, statement.op, statement.dtype, expr)


def _replace(expr: Expr, replaced: dict[Expr, Expr]) -> Expr:
    """`expr` with some of its parts replaced."""
    made: dict[Expr, Expr] = dict(replaced)
    for node in postorder((expr,)):
        if node not in made:
            args = tuple(made[a] for a in node.args)
            same = all(a is b for a, b in zip(args, node.args, strict=True))
            made[node] = node if same else (load(node.value, args) if node.kind == "load" else call(node.value, *args))
    return made[expr]
