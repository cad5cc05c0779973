"""Lowering: a rewritten graph as steps over named values, before any memory is planned."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from symtheano.compile.branches import Branch, Side
from symtheano.compile.program import Call, Check, Copy, Fork, Guard, Loop, Perform, Step, Taken, View
from symtheano.compile.single import in_operators
from symtheano.compile.sizes import Size, Sizes
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scan.op import Scan
from symtheano.scan.prune import meaning, pruned
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.careduce import ReduceOp
from symtheano.tensor.elemwise import Elemwise
from symtheano.tensor.nnet.softmax import LogSoftmax, Softmax
from symtheano.tensor.reduce import LogSumExp
from symtheano.tensor.reshape import Reshape
from symtheano.tensor.shape_ops import MakeVector
from symtheano.tensor.type import TensorType

_CONVERSION = re.compile(r"\)\.astype\(|^kernels\.|^xp\.(?:as)?array\(")


@dataclass
class Lowered:
    """Steps in the graph's order, and what the planner needs to know of the values."""

    steps: list[Step]
    names: dict[Variable, str]
    constants: dict[str, Any]
    variables: dict[str, Variable]
    sizes: Sizes
    dtypes: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, tuple[Size, ...]] = field(default_factory=dict)
    loops: dict[str, Draft] = field(default_factory=dict)
    sides: dict[str, Drawn] = field(default_factory=dict)


@dataclass
class Drawn:
    """A side of a fork, lowered: a program of inputs and outputs, by their names."""

    lowered: Lowered
    inputs: list[str]
    outputs: list[str]


@dataclass
class Draft:
    """The step of a loop, lowered. The other fields are those of Body, or those of its States, one for each state."""

    op: Scan
    lowered: Lowered
    results: list[tuple[str, int]]
    guards: list[Guard]
    may_change: list[bool]
    lengths: list[tuple[int | tuple[str, int] | None, ...]]


@dataclass
class _Numbers:
    """Numbers of what a function has together with the bodies of its loops."""

    constants: Iterator[int] = field(default_factory=itertools.count)
    loops: Iterator[int] = field(default_factory=itertools.count)
    forks: Iterator[int] = field(default_factory=itertools.count)


def lower(fgraph: FunctionGraph, inputs: int) -> Lowered:
    """The steps of `fgraph`, whose first `inputs` inputs are arguments and the others shared variables."""
    return _Lowering(fgraph, inputs, _Numbers()).run()


def scheduled(fgraph: FunctionGraph) -> list[Apply]:
    """The nodes in topological order, each reduction right behind what it reads.

    The reduction of a value that has just been computed finds it in the cache, and the value may be freed sooner: a
    bias's gradient is summed before the product that gives its matrix's gradient takes memory.
    """
    order: list[Apply] = []
    done: set[Apply] = set()
    known: set[Variable] = set(fgraph.inputs)
    for node in fgraph.nodes:
        stack = [node]
        while stack:
            one = stack.pop()
            if one in done:
                continue
            done.add(one)
            order.append(one)
            known.update(one.outputs)
            reductions = [u for o in one.outputs for u in fgraph.users(o) if isinstance(u.op, ReduceOp)]
            stack += [u for u in reversed(reductions) if all(i in known or isinstance(i, Constant) for i in u.inputs)]
    return order


def _softmax_pairs(fgraph: FunctionGraph) -> dict[Apply, tuple[Apply, Apply]]:
    """For each Softmax of values of which LogSoftmax, or else LogSumExp, is computed too, and for that: both."""
    found: dict[tuple[Variable, int], dict[type, Apply]] = {}
    for node in fgraph.nodes:
        kind = type(node.op)
        x: Any = node.inputs[0] if node.inputs else None
        if kind in (Softmax, LogSoftmax):
            found.setdefault((x, node.op.axis), {})[kind] = node
        elif kind is LogSumExp and node.outputs[0].type.dtype == x.type.dtype:
            axes = node.op.axes(x.type.ndim)
            if len(axes) == 1:
                found.setdefault((x, axes[0] - x.type.ndim), {})[kind] = node
    pairs: dict[Apply, tuple[Apply, Apply]] = {}
    for kinds in found.values():
        other = kinds.get(LogSoftmax) or kinds.get(LogSumExp)
        if Softmax in kinds and other is not None:
            pairs[kinds[Softmax]] = pairs[other] = (kinds[Softmax], other)
    return pairs


def _shapes(fgraph: FunctionGraph) -> frozenset[Apply]:
    """The vectors of sizes that only Reshape reads: it takes a tuple, and no array need be made."""
    return frozenset(
        node
        for node in fgraph.nodes
        if type(node.op) is MakeVector
        and not any(o in fgraph.outputs for o in node.outputs)
        and all(
            type(u.op) is Reshape and u.inputs[0] is not o and u.inputs[1] is o
            for o in node.outputs
            for u in fgraph.users(o)
        )
    )


class _Lowering:
    def __init__(self, fgraph: FunctionGraph, inputs: int, numbers: _Numbers):
        self.result = Lowered([], {}, {}, {}, Sizes())
        self.fgraph, self.numbers = fgraph, numbers
        self.count = 0
        self.holders: dict[Size, tuple[str, int]] = {}  # size -> argument or shared variable that has it, axis
        self.pairs = _softmax_pairs(fgraph)
        self.shapes = _shapes(fgraph)
        for k, v in enumerate(fgraph.inputs):
            self._declare(v, f"x{k}" if k < inputs else f"s{k - inputs}")

    def run(self) -> Lowered:
        """All steps; every output has a name then."""
        for node in scheduled(self.fgraph):
            self.node(node)
        for output in self.fgraph.outputs:
            self.name(output)
        return self.result

    # -- names -----------------------------------------------------------------------------------------------------
    def _declare(self, variable: Variable, name: str) -> str:
        out = self.result
        out.names[variable] = name
        out.variables[name] = variable
        if isinstance(variable.type, TensorType):
            out.dtypes[name] = variable.type.dtype
            out.shapes[name] = out.sizes.of(variable)
            if name[0] in "xs":
                for axis, size in enumerate(out.shapes[name]):
                    self.holders.setdefault(size, (name, axis))
        return name

    def _fresh(self) -> str:
        self.count += 1
        return f"v{self.count - 1}"

    def name(self, variable: Variable) -> str:
        """The name of a value that is computed, given, or constant."""
        found = self.result.names.get(variable)
        if found is None:
            assert isinstance(variable, Constant), f"{variable} is read before it is computed"
            found = self._declare(variable, f"c{next(self.numbers.constants)}")
            self.result.constants[found] = variable.data
        return found

    # -- steps -----------------------------------------------------------------------------------------------------
    def node(self, node: Apply) -> None:
        """Appends the steps of one node."""
        if all(o in self.result.names for o in node.outputs):
            return  # computed together with another node
        if node in self.shapes:
            self.result.sizes.visit(node)
            return
        if isinstance(node.op, (Scan, Branch)):
            self._loop(node) if isinstance(node.op, Scan) else self._fork(node)
            return
        args = tuple(self._tuple(i.owner) if i.owner in self.shapes else self.name(i) for i in node.inputs)
        if isinstance(node.op, Elemwise):
            self._checks(node, args)
        self.result.sizes.visit(node)
        if node in self.pairs:
            self._pair(*self.pairs[node], args)
        elif isinstance(node.op, ArrayOp):
            self._array(node, node.op, args)
        else:
            self._perform(node, args)

    def _tuple(self, node: Apply) -> str:
        sizes = [repr(i.data.item()) if isinstance(i, Constant) else self.name(i) for i in node.inputs]
        return f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"

    def _checks(self, node: Apply, args: tuple[str, ...]) -> None:
        """Lengths that must agree under static broadcasting, where it is not known that they do.

        They are read from arguments and shared variables where those have them: a check that reads a computed value
        would keep it alive, and keep an update from being computed in place.
        """
        sizes = self.result.sizes
        for axis in range(node.outputs[0].type.ndim):
            long = [(a, i) for a, i in zip(args, node.inputs, strict=True) if not i.type.broadcastable[axis]]
            for name, variable in long[1:]:
                first, first_variable = long[0]
                a, b = sizes.of(first_variable)[axis], sizes.of(variable)[axis]
                if sizes.same(a, b):
                    continue
                left, right = self.holders.get(a, (first, axis)), self.holders.get(b, (name, axis))
                if isinstance(a, int):
                    self._append(Check(*right, *left, a, node))
                else:
                    self._append(Check(*left, *right, b if isinstance(b, int) else None, node))
                sizes.unite(a, b)
                self.holders.setdefault(sizes.find(a), left)

    def _append(self, step: Step) -> None:
        self.result.steps.append(step)

    def _array(self, node: Apply, op: ArrayOp, args: tuple[str, ...]) -> None:
        sizes = self.result.sizes.of(node.outputs[0]) if isinstance(node.outputs[0].type, TensorType) else None

        def let(text: str, dtype: str | None = None) -> str:
            name = self._fresh()
            known = dtype is not None and not _CONVERSION.search(text)
            step = Call((name,), text, node, known, known, dtype, sizes if known else None)
            if known and dtype is not None and sizes is not None:
                self.result.dtypes[name], self.result.shapes[name] = dtype, sizes
            self._append(step)
            return name

        text = op.array(node, let, *args)
        if op.view_map:
            self._view(node, op, args, text)
            return
        outs = tuple(self._declare(o, self._fresh()) for o in node.outputs)
        elementwise = isinstance(op, Elemwise) and op.out_argument and not _CONVERSION.search(text)
        accepts = elementwise or (op.out_argument and not _CONVERSION.search(text))
        dtype = self.result.dtypes.get(outs[0])
        short = None
        if sizes == () and isinstance(op, Elemwise):
            short = in_operators(text, node.outputs[0].type.dtype, [i.type.dtype for i in node.inputs])
        call = Call(outs, text, node, accepts, elementwise, dtype, sizes, operators=short)
        self._append(self._destructive(call, op, let, args))

    def _pair(self, softmax: Apply, other: Apply, args: tuple[str, ...]) -> None:
        """Softmax and its logarithm, or the logarithm of its sum, in one call: they share the exponentials."""
        for node in (softmax, other):
            self.result.sizes.visit(node)
        outs = tuple(self._declare(n.outputs[0], self._fresh()) for n in (softmax, other))
        kernel = "softmax_pair" if type(other.op) is LogSoftmax else "softmax_and_logsumexp"
        text = f"kernels.{kernel}(xp, {args[0]}, {softmax.op.axis})"
        sizes = self.result.sizes.of(softmax.outputs[0])
        self._append(Call(outs, text, other, dtype=self.result.dtypes[outs[0]], sizes=sizes))

    def _destructive(self, call: Call, op: ArrayOp, let: Let, args: tuple[str, ...]) -> Call:
        """The call with its form that writes into the first argument, where the op has one."""
        if args.count(args[0] if args else "") != 1 or not hasattr(op, "array_inplace"):
            return call
        check = op.array_check(call.node, "{}", *args[1:]) if hasattr(op, "array_check") else None
        return replace(call, destructive=op.array_inplace(call.node, let, *args), target=args[0], check=check)

    def _view(self, node: Apply, op: ArrayOp, args: tuple[str, ...], text: str) -> None:
        base = args[next(iter(op.view_map.values()))[0]]
        if text == base:
            self.result.names[node.outputs[0]] = base
            return
        outs = tuple(self._declare(o, self._fresh()) for o in node.outputs)
        self._append(View(outs, text, base, node, writable="broadcast_to" not in text))

    def _perform(self, node: Apply, args: tuple[str, ...]) -> None:
        given = list(args)
        for destroyed in (k for ks in node.op.destroy_map.values() for k in ks):
            copy = self._fresh()
            self._append(Copy(copy, given[destroyed], node))
            given[destroyed] = copy
        outs = tuple(self._declare(o, self._fresh()) for o in node.outputs)
        self._append(Perform(outs, tuple(given), node))

    # -- branches --------------------------------------------------------------------------------------------------
    def _fork(self, node: Apply) -> None:
        condition, *values = map(self.name, node.inputs)
        self.result.sizes.visit(node)
        number = next(self.numbers.forks)
        holds = self._side(f"then{number}", node.op.holds, values)
        other = self._side(f"else{number}", node.op.other, values)
        outs = tuple(self._declare(o, self._fresh()) for o in node.outputs)
        self._append(Fork(outs, condition, holds, other, node))

    def _side(self, key: str, side: Side, values: list[str]) -> Taken:
        graph = side.step.graph
        lowered = _Lowering(graph, len(graph.inputs), self.numbers).run()
        inputs, outputs = ([lowered.names[v] for v in each] for each in (graph.inputs, graph.outputs))
        self.result.sides[key] = Drawn(lowered, inputs, outputs)
        return Taken(key, tuple(values[k] for k in side.reads), side.gives)

    # -- loops -----------------------------------------------------------------------------------------------------
    def _loop(self, node: Apply) -> None:
        """A loop without what nobody reads. Where what steps find and leave is both read, it is one array."""
        read = [p for p, o in enumerate(node.outputs) if o in self.fgraph.outputs or self.fgraph.users(o)]
        small = pruned(node, read)
        count, *args = map(self.name, small.inputs)
        self.result.sizes.visit(node)
        told = {meaning(small.op, place): node.outputs[p] for p, place in small.places.items()}
        both = set() if small.op.until else {k for kind, k in told if kind == "before" and ("after", k) in told}
        results: list[tuple[str, int]] = []
        outs: list[str] = []
        views: list[View] = []
        for (kind, k), variable in told.items():
            if k not in both or kind == "last":
                results.append((kind, k))
                outs.append(self._declare(variable, self._fresh()))
            elif kind == "after":
                whole = self._declare(variable, self._fresh())
                results.append(("both", k))
                outs.append(whole)
                views += [View((self._fresh(),), f"{whole}{rows}", whole, node) for rows in ("[1:]", "[:-1]")]
                self._declare(variable, views[-2].outs[0])
                self._declare(told["before", k], views[-1].outs[0])
        key = f"loop{next(self.numbers.loops)}"
        self.result.loops[key] = self._draft(small.op, results)
        self._append(Loop(tuple(outs), count, tuple(args), key, node))
        for view in views:
            self._append(view)
        self._same_rows(node)

    def _same_rows(self, node: Apply) -> None:
        """A loop has checked that its sequences have as many rows as it has steps."""
        sizes = self.result.sizes
        _, _, xs = node.op.split(node.inputs[1:])
        for x in xs:
            sizes.unite(sizes.of(x)[0], sizes.number(node.inputs[0]))

    def _draft(self, op: Scan, results: list[tuple[str, int]]) -> Draft:
        inner = _Lowering(op.step.graph, len(op.step.inputs), self.numbers)
        lowered = inner.run()
        _, carry, _ = op.split(op.step.inputs)
        guards: list[Guard] = []
        may_change = [k in op.carried_tensors and not inner.keeps(carry[k], o, guards) for k, o in enumerate(op.states)]
        lengths = [
            tuple(map(inner.length, lowered.sizes.of(carry[k] if k < op.n_carry else o))) if k in op.tensors else ()
            for k, o in enumerate(op.states)
        ]
        return Draft(op, lowered, results, guards, may_change, lengths)

    def length(self, size: Size) -> int | tuple[str, int] | None:
        """A size as a number or an axis of an argument; None where it is neither."""
        sizes = self.result.sizes
        size = sizes.find(size)
        if isinstance(size, int):
            return size
        places = [self.holders.get(size), *(p for other, p in self.holders.items() if sizes.same(other, size))]
        return next((place for place in places if place is not None and place[0][0] == "x"), None)

    def keeps(self, old: Variable, new: Variable, guards: list[Guard]) -> bool:
        """Whether a state has the same shape after a step, if `guards` hold, to which this may add."""
        sizes = self.result.sizes
        pairs = list(zip(sizes.of(old), sizes.of(new), strict=True))
        name = self.name(old)
        if any(not sizes.same(a, b) and self.length(b) is None for a, b in pairs):
            return False
        for axis, (a, b) in enumerate(pairs):
            if not sizes.same(a, b):
                found = self.length(b)
                right, right_axis = found if isinstance(found, tuple) else (name, axis)
                guards.append(Guard(name, axis, right, right_axis, found if isinstance(found, int) else None))
                sizes.unite(a, b)
        return True
