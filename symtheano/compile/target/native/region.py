"""A region of a schedule as machine code: its functions `sizes` and `body`.

    i32 @sizes(ptr %frame)    checks lengths, tells the lengths of what is given, the scratch memory and the work
    i32 @body(ptr %frame)     launches kernels and products, in order, over values in the frame's arrays and in scratch

Both give 0, or 1 where something does not hold: nothing shared was written then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from symtheano.compile.analyse import Analysis, Check
from symtheano.compile.collapse import Collapsed, collapse
from symtheano.compile.fuse import Fusion, Group
from symtheano.compile.group import Lowered, kernel_of
from symtheano.compile.kernel import Buffer, Kernel, Reduce, Stage, Store
from symtheano.compile.lengths import Axis, Formula, Length, Number, numbers_in
from symtheano.compile.looping import Loop
from symtheano.compile.schedule import Region, Schedule
from symtheano.compile.target.native import launched
from symtheano.compile.target.native.batched import emit_batched
from symtheano.compile.target.native.frame import Frame, frame_of
from symtheano.compile.target.native.launched import PRODUCTS, THREADS, Kernels, Launch
from symtheano.compile.target.native.layout import Layout
from symtheano.compile.target.native.length_code import MOST, RELATIONS, LengthCode
from symtheano.compile.target.native.llvm import Function
from symtheano.compile.target.native.loop import LoopCode
from symtheano.compile.target.native.place import Place, contiguous, view_of
from symtheano.compile.target.native.scratch import CHUNKS, LoopMemory, Scratch
from symtheano.graph.variable import Constant, Variable
from symtheano.scalar import TABLE
from symtheano.scalar.dtypes import DISCRETE
from symtheano.scalar.expr import call, const, index, load, postorder
from symtheano.tensor.gather import Gather
from symtheano.tensor.type import TensorType


@dataclass
class RegionCode:
    """What a region became. places: where its values lie, as far as anybody asked. scratch: the plan of its memory."""

    sizes: str
    body: str
    frame: Frame
    launches: list[Launch]
    places: dict[Variable, Place]
    scratch: Scratch
    checks: tuple[Check, ...]
    loops: list[LoopCode]
    sequence: list[Launch | LoopCode]

    def cold(self) -> Iterator[str]:
        """The functions that do nothing often."""
        yield self.sizes
        if not self.loops:
            yield self.body
        yield from (name for loop in self.loops for name in loop.inner.cold() if name != loop.inner.body)


def emit_region(
    kernels: Kernels,
    number: int,
    region: Region,
    schedule: Schedule,
    analysis: Analysis,
    fusion: Fusion,
    checks: Sequence[Check],
    floatX: str,
) -> RegionCode:
    """Writes the functions of a region into the module of `kernels`."""
    return _Emitter(kernels, number, region, schedule, analysis, fusion, checks, floatX).run()


class _Emitter:
    def __init__(
        self,
        kernels: Kernels,
        number: int | str,
        region: Region,
        schedule: Schedule,
        analysis: Analysis,
        fusion: Fusion,
        checks: Sequence[Check],
        floatX: str,
        lies: Mapping[Variable, Place] | None = None,
        inside: Sequence[Check] = (),
        fixed: Sequence[Variable] | None = None,
    ):
        """lies: how what is given lies, where it is strided. inside: checks of values. fixed: the integers whose values
        `sizes` may read; None: all."""
        self.kernels, self.region, self.schedule, self.checks = kernels, region, schedule, checks
        self.analysis, self.fusion, self.floatX, self.number = analysis, fusion, floatX, number
        self.lies, self.inside, self.fixed = lies or {}, inside, fixed
        kinds: list[Any] = [v.type for v in region.reads]
        self.given: list[Any] = [self._given_variable(g) for g in region.gives]
        strided = {k for k, v in enumerate(region.reads) if v in self.lies}
        self.frame = frame_of([k.ndim for k in kinds], [v.type.ndim for v in self.given], strided)
        self.slots = dict(zip(region.reads, self.frame.inputs, strict=True))
        self.overwrites = {analysis.graph.outputs[p]: v for p, v in schedule.in_place.items()}
        self.positions = analysis.positions
        self.launches: list[Launch] = []
        self.loops: list[LoopCode] = []
        self.sequence: list[Launch | LoopCode] = []

    def _given_variable(self, item: Variable | int) -> Variable:
        return self.analysis.graph.outputs[item] if isinstance(item, int) else item

    def run(self) -> RegionCode:
        module = self.kernels.module
        names = (f"sizes{self.number}", f"body{self.number}")
        self.f = module.function(names[1], [("ptr", "frame")], "i32")
        self._body()
        f = module.function(names[0], [("ptr", "frame")], "i32")
        self._sizes(f)
        return RegionCode(
            *names,
            frame=self.frame,
            launches=[one for one in self.sequence if isinstance(one, Launch)],
            places=self.places,
            scratch=self.scratch,
            checks=tuple(self.checks),
            loops=self.loops,
            sequence=self.sequence,
        )

    def lengths_of(self, variable: Variable) -> list[Length]:
        """The formulas of a value's lengths."""
        return [self.analysis.lengths.of(n) for n in self.analysis.sizes.of(variable)]

    # -- sizes ---------------------------------------------------------------------------------------------------------
    def _sizes(self, f: Function) -> None:
        code = LengthCode(f, self.slots)
        bad = "false"
        checks = list(self.checks)
        for variable in self.given:
            checks += [Check(0, "<=", n) for n in self.lengths_of(variable) if isinstance(n, Formula)]
        for check in dict.fromkeys(checks):
            holds = f.emit(f"icmp {RELATIONS[check.relation]} i64 {code.value(check.left)}, {code.value(check.right)}")
            bad = f.emit(f"or i1 {bad}, {f.emit(f'xor i1 {holds}, true')}")
        self._refuse(f, bad)
        for loop in self.loops:
            self._refuse(f, loop.sizes(f, code))
        for slot, variable in zip(self.frame.outputs, self.given, strict=True):
            for axis, n in enumerate(self.lengths_of(variable)):
                f.set_slot("%frame", slot + 1 + axis, code.value(n))
        work = self._work(f, code)
        f.set_slot("%frame", self.frame.work, work)
        pieces = self._pieces(f, work)
        f.set_slot("%frame", self.frame.pieces, pieces)
        total = self.scratch.total(code, pieces)
        f.set_slot("%frame", self.frame.bytes, total)
        f.ret("0" if total.isdigit() else f.emit(f"zext i1 {f.emit(f'icmp uge i64 {total}, {MOST}')} to i32"))

    @staticmethod
    def _refuse(f: Function, bad: str) -> None:
        """Returns 1 where an i1 is true."""
        stop, go = f.label("bad"), f.label("good")
        f.branch(bad, stop, go)
        f.start(stop)
        f.ret("1")
        f.start(go)

    def _pieces(self, f: Function, work: str) -> str:
        """Among how many threads a launch is divided: what `body` may rely on, whatever the pool does meanwhile."""
        if not any(self.kernels.splits(launch.code) for launch in self.launches):
            return "1"
        threads = f.slot(f.slot("%frame", self.frame.outer, "ptr"), THREADS)
        threads = f.emit(f"select i1 {f.emit(f'icmp slt i64 {threads}, {CHUNKS}')}, i64 {threads}, i64 {CHUNKS}")
        large = f.emit(f"icmp sgt i64 {work}, {launched.SPLIT_WORK}")
        return f.emit(f"select i1 {large}, i64 {threads}, i64 1")

    def _work(self, f: Function, code: LengthCode) -> str:
        total = "0"
        for launch in self.launches:
            known = [n for n in launch.points if self.fixed is None or set(numbers_in(n)) <= {*self.fixed}]
            points = code.product(known)
            picoseconds = f.emit(f"mul i64 {points}, {max(1, round(1000 * launch.cost))}")
            total = f.emit(f"add i64 {total}, {picoseconds}")
        total = f.emit(f"sdiv i64 {total}, 1000") if self.launches else "0"
        for loop in self.loops:
            total = f.emit(f"add i64 {total}, {loop.work}")
        return total

    # -- body ----------------------------------------------------------------------------------------------------------
    def _body(self) -> None:
        f = self.f
        self.code = LengthCode(f, self.slots)
        self.places: dict[Variable, Place] = {}
        for variable in self.region.reads:
            pointer = f.slot("%frame", self.slots[variable], "ptr")
            own: list[Length] = [Axis(variable, k) for k in range(variable.type.ndim)]
            lies = self.lies.get(variable)
            if lies is None:
                self.places[variable] = contiguous(pointer, own, self.code, f)
            else:
                first = self.slots[variable] + 1 + lies.ndim
                strides = [
                    f.slot("%frame", first + k) if n not in ("0", "1") else n for k, n in enumerate(lies.strides)
                ]
                self.places[variable] = Place(pointer, tuple(strides), lies.dense, lies.unit)
        for check in self.inside:
            left, right = self.code.value(check.left), self.code.value(check.right)
            holds = f.emit(f"icmp {RELATIONS[check.relation]} i64 {left}, {right}")
            self._refuse(f, f.emit(f"xor i1 {holds}, true"))
        self.scratch = Scratch(self.region, self.fusion, self.analysis, self._elsewhere())
        memory = self.scratch.start(self.code, f.slot("%frame", self.frame.arena, "ptr"))
        for slot, item in zip(self.frame.outputs, self.region.gives, strict=True):
            if not isinstance(item, int):
                self.places[item] = contiguous(f.slot("%frame", slot, "ptr"), self.lengths_of(item), self.code, f)
        for variable, pointer in memory.items():
            self.places[variable] = contiguous(pointer, self.lengths_of(variable), self.code, f)
        for value, shared in self.overwrites.items():
            if shared in self.places:
                self.places[value] = self.places[shared]
        for value, root in self.scratch.moved.items():
            if root not in self.scratch.homes:
                self.places[value] = self.places[root]
        self._lengths_as_values()
        self._overwritten_numbers()
        for group in self.region.groups:
            self._group(group)
        f.ret("0")

    def _elsewhere(self) -> set[Variable]:
        """Stored values that do not lie in scratch memory."""
        return {g for g in self.region.gives if not isinstance(g, int)} | set(self.overwrites)

    def _lengths_as_values(self) -> None:
        """Lengths that kernels read as numbers lie in scratch memory."""
        for variable in self.scratch.numbers:
            n = self.analysis.lengths.number(variable)
            self.f.store("i64", self.code.value(n), self.places[variable].pointer, 8)

    def _overwritten_numbers(self) -> None:
        """Integers that lengths may follow from are read before their new values are written."""
        for shared in self.overwrites.values():
            kind: Any = shared.type
            if shared in self.slots and kind.dtype in DISCRETE and all(n == 1 for n in kind.shape):
                self.code.value(Number(shared))

    def place(self, variable: Variable) -> Place:
        """Where a value lies."""
        found = self.places.get(variable)
        if found is None:
            if isinstance(variable, Constant):
                data = contiguous(self._constant(variable), self.lengths_of(variable), self.code, self.f)
                return self.places.setdefault(variable, data)
            node = variable.owner
            assert node is not None and self.analysis.kinds[node] == "view", f"{variable} is nowhere"
            found = view_of(node, self.place(node.inputs[0]), self.analysis, self.code, self.f)
            self.places[variable] = found
        return found

    def _constant(self, variable: Constant) -> str:
        """The address of a small constant, which lies beside the code."""
        data = np.ascontiguousarray(variable.data).tobytes()
        return self.kernels.module.constant(f"[{len(data)} x i8]", 'c"' + "".join(f"\\{b:02X}" for b in data) + '"')

    def _group(self, group: Group) -> None:
        self.now = group
        if group.kind == "kernel":
            self._launch(kernel_of(group, self.fusion, self.positions, self.floatX), group)
        elif group.kind == "product":
            self._product(group)
        elif group.kind == "batched":
            self._batched(group)
        elif group.kind == "scatter":
            self._scatter(group)
        elif group.kind == "check":
            self._check(group)
        elif group.kind == "loop":
            self._loop(group)
        elif group.kind != "empty":
            self._copy(group)

    def _launch(self, lowered: Lowered, group: Group, places: dict[str, Place] | None = None) -> None:
        kernel = lowered.kernel
        given = places or {b.name: self.place(v) for b, v in zip(kernel.buffers, lowered.values, strict=True)}
        partly = self._partly(group, lowered)
        lies = tuple((given[b.name].dense, given[b.name].unit) for b in kernel.buffers)
        key = (str(kernel), kernel.floatX, lies, tuple(sorted(partly)))
        found = self.kernels.simplified.get(key)
        if found is None:
            simple = collapse(kernel, lambda name, axis: given[name].dense[axis] and (name, axis + 1) not in partly)
            layout = self.kernels.kernel(simple.kernel, self._access(kernel, given, simple.kept))
            found = self.kernels.simplified[key] = (simple, layout)
        simple, layout = found
        lengths = {a: self._axis_lengths(group, lowered, a) for a in (*kernel.axes, *kernel.inner)}
        self._call(layout, simple, given, lengths)

    def _partly(self, group: Group, lowered: Lowered) -> set[tuple[str, int]]:
        """The axes of buffers that a kernel may not run over to the end: a scatter writes to x[:, :n]."""
        if group.kind != "scatter" and not any(isinstance(n.op, Gather) for n in group.maps):
            return set()
        sizes = self.analysis.sizes
        shapes = {b.name: sizes.of(v) for b, v in zip(lowered.kernel.buffers, lowered.values, strict=True)}
        found: set[tuple[str, int]] = set()
        for statement in lowered.kernel.statements():
            places = [(n.value, n.args) for n in postorder((statement.expr,)) if n.kind == "load"]
            places += [(statement.buffer, statement.index)] if isinstance(statement, Store) else []
            for name, where in places:
                for axis, (i, n) in enumerate(zip(where, shapes.get(name, ()), strict=False)):
                    if i.kind == "index" and not sizes.same(group.axes[int(i.value[1:])], n):
                        found.add((name, axis))
        return found

    @staticmethod
    def _access(
        kernel: Kernel, given: dict[str, Place], kept: dict[str, tuple[int, ...]]
    ) -> dict[str, tuple[str, ...]]:
        """How the elements of each buffer lie along its axes, see `emit_kernel`."""

        def one(name: str, axis: int) -> str:
            return "c" if axis == given[name].ndim - 1 and given[name].unit else "s"

        return {b.name: tuple(one(b.name, k) for k in kept[b.name]) for b in kernel.buffers}

    def _axis_lengths(self, group: Group, lowered: Lowered, axis: str) -> Length:
        return self.analysis.lengths.of(group.axes[int(axis[1:])])

    def _call(self, layout: Layout, simple: Collapsed, given: dict[str, Place], lengths: dict[str, Length]) -> None:
        f, code = self.f, self.code
        sizes = {a: [lengths[o] for o in olds] for a, olds in simple.axes.items()}
        args = f.alloca(f"[{max(1, len(layout.slots))} x i64]")
        for k, slot in enumerate(layout.slots):
            if slot.kind == "pointer":
                f.set_slot(args, k, given[slot.name].pointer, "ptr")
            elif slot.kind == "size":
                f.set_slot(args, k, code.product(sizes[slot.name]))
            else:
                kept = simple.kept.get(slot.name)
                axis = slot.axis if kept is None else kept[slot.axis]
                f.set_slot(args, k, given[slot.name].strides[axis])
        count = "1" if layout.split is None else code.product(sizes[layout.split])
        points = tuple(n for each in sizes.values() for n in each)
        self._note(Launch(layout.name, layout.name, simple.kernel, points, layout.cost, given, sizes, self.now))
        self._run(layout, args, count, sizes, points)

    def _note(self, launch: Launch) -> None:
        self.launches.append(launch)
        self.sequence.append(launch)

    def _run(
        self, layout: Layout, args: str, count: str, sizes: dict[str, list[Length]], points: tuple[Length, ...]
    ) -> None:
        """Calls a launched function, on several threads where there is work enough."""
        f, code = self.f, self.code
        memory, part = self.scratch.launch(layout, sizes, code)
        plain = [("ptr", args), ("i64", "0"), ("i64", count), ("ptr", memory)]
        if layout.split is None:
            f.call(f"@{layout.name}", "i32", plain)
            return
        work = f.emit(f"mul i64 {code.product(points)}, {max(1, round(1000 * layout.cost))}")
        outer = f.slot("%frame", self.frame.outer, "ptr")
        arguments = [("ptr", outer), ("ptr", f"@{layout.name}"), ("ptr", args), ("i64", count), ("i64", work)]
        pieces = f.slot("%frame", self.frame.pieces)
        arguments += [("i64", str(max(1, layout.grain))), ("ptr", memory), ("i64", part), ("i64", pieces)]
        f.call(f"@{self.kernels.sharing()}", "i32", arguments)

    # -- the other kinds -----------------------------------------------------------------------------------------------
    def _product(self, group: Group) -> None:
        node = group.head
        assert node is not None
        out: Any = node.outputs[0]
        lowered = self._epilogue(group)
        given = {b.name: self.place(v) for b, v in zip(lowered.kernel.buffers, lowered.values, strict=True)}
        given["A"], given["B"] = self.place(node.inputs[0]), self.place(node.inputs[1])
        access = self._access(lowered.kernel, given, {b.name: tuple(range(b.ndim)) for b in lowered.kernel.buffers})
        access["A"] = ("s", "c" if given["A"].unit else "s")
        layout = self.kernels.product(out.type.dtype, lowered.kernel, access)
        m, n = self.lengths_of(out)
        k = self.lengths_of(node.inputs[0])[1]
        names = {"i0": m, "i1": n, "k": k, "i": m, "j": n}
        whole = Collapsed(lowered.kernel, {a: (a,) for a in names}, {})
        f, code = self.f, self.code
        args = f.alloca(f"[{len(layout.slots)} x i64]")
        self._product_slots(args, layout, given, names)
        count = "1" if layout.split is None else code.value(names[layout.split])
        sizes = {a: [names[a]] for a in whole.axes}
        self._note(Launch(layout.name, layout.name, lowered.kernel, (m, n, k), layout.cost, given, sizes, group))
        self._run(layout, args, count, sizes, (m, n, k))

    def _product_slots(
        self, args: str, layout: Layout, given: dict[str, Place], names: dict[str, Length], first: int = 0
    ) -> None:
        """The arguments of a product. first: how many axes of its buffers stand before those of the matrices."""
        f = self.f
        for position, slot in enumerate(layout.slots):
            if slot.kind == "pointer":
                f.set_slot(args, position, given[slot.name].pointer, "ptr")
            elif slot.kind == "size":
                f.set_slot(args, position, self.code.value(names[slot.name]))
            elif slot.kind == "function":
                outer = f.slot("%frame", self.frame.outer, "ptr")
                f.set_slot(args, position, f.slot(outer, PRODUCTS[slot.name], "ptr"), "ptr")
            else:
                f.set_slot(args, position, given[slot.name].strides[first + slot.axis])

    def _batched(self, group: Group) -> None:
        """A stack of products, one after the other or on several threads."""
        node = group.head
        assert node is not None
        out: Any = node.outputs[0]
        x: Any
        y: Any
        x, y = node.inputs
        given = {"A": self.place(x), "B": self.place(y), "b0": self.place(out)}
        place = (index("i0"), index("i1"))
        store = Stage(False, (Store("b0", place, load("acc", place)),))
        epilogue = Kernel(("i0", "i1"), (), (Buffer("b0", out.type.dtype, 2, written=True),), (store,), self.floatX)
        access: dict[str, tuple[str, ...]] = {"b0": ("s", "c"), "A": ("s", "c" if given["A"].unit else "s")}
        inner = self.kernels.product(out.type.dtype, epilogue, access)
        rank = out.type.ndim - 2
        name = f"{inner.name}.stack{rank}"
        if name not in self.kernels.module.functions:
            emit_batched(self.kernels.module, name, inner, ("A", "B", "b0"), rank, itemsize(out))
        lengths, k = self.lengths_of(out), self.lengths_of(x)[-1]
        names = {"i0": lengths[-2], "i1": lengths[-1], "k": k}
        f, code = self.f, self.code
        args = f.alloca(f"[{len(inner.slots) + 4 * rank} x i64]")
        self._product_slots(args, inner, given, names, first=rank)
        for r in range(rank):
            slot = len(inner.slots) + 4 * r
            f.set_slot(args, slot, code.value(lengths[r]))
            for b, (buffer, kind) in enumerate((("A", x.type), ("B", y.type), ("b0", out.type))):
                stride = "0" if kind.broadcastable[r] else given[buffer].strides[r]
                f.set_slot(args, slot + 1 + b, stride)
        layout = Layout(name, inner.slots, "batch", inner.scratch, inner.cost)
        sizes: dict[str, list[Length]] = {a: [n] for a, n in names.items()} | {"batch": lengths[:-2]}
        points = (*lengths, k)
        self._note(Launch(name, inner.name, epilogue, points, inner.cost, given, sizes, group))
        self._run(layout, args, code.product(lengths[:-2]), sizes, points)

    def _epilogue(self, group: Group) -> Lowered:
        """The epilogue with all its axes: a matrix product runs over both, also where one is 1."""
        if not group.maps:
            group.axes = list(self.analysis.sizes.of(group.head.outputs[0]))  # type: ignore[union-attr]
        return kernel_of(group, self.fusion, self.positions, self.floatX)

    def _scatter(self, group: Group) -> None:
        node = group.head
        assert node is not None
        source, target = self.place(node.inputs[0]), self.place(node.outputs[0])
        if source.pointer != target.pointer:
            self._elementwise_copy(node.inputs[0], self.lengths_of(node.inputs[0]), source, target)
        self._launch(kernel_of(group, self.fusion, self.positions, self.floatX), group)

    def _copy(self, group: Group) -> None:
        position = next(p for p, g in self.fusion.copies.items() if g is group)
        variable = self.analysis.graph.outputs[position]
        slot = self.frame.outputs[self.region.gives.index(position)]
        pointer = self.f.slot("%frame", slot, "ptr")
        target = contiguous(pointer, self.lengths_of(variable), self.code, self.f)
        self._elementwise_copy(variable, self.lengths_of(variable), self.place(variable), target)

    def _elementwise_copy(self, variable: Variable, own: list[Length], source: Place, target: Place) -> None:
        kind: Any = variable.type
        axes = tuple(f"i{k}" for k in range(kind.ndim))
        where = tuple(const(0) if n == 1 else index(a) for n, a in zip(kind.shape, axes, strict=True))
        axes = tuple(a for n, a in zip(kind.shape, axes, strict=True) if n != 1)
        buffers = (Buffer("b0", kind.dtype, kind.ndim), Buffer("b1", kind.dtype, kind.ndim, written=True))
        kernel = Kernel(axes, (), buffers, (Stage(False, (Store("b1", where, load("b0", where)),)),), self.floatX)
        given = {"b0": source, "b1": target}
        lengths = dict(zip((f"i{k}" for k in range(kind.ndim)), own, strict=True))
        simple = collapse(kernel, lambda name, axis: given[name].dense[axis])
        access = self._access(kernel, given, simple.kept)
        self._call(self.kernels.kernel(simple.kernel, access), simple, given, {a: lengths[a] for a in axes})

    def _check(self, group: Group) -> None:
        """Are all places in their axis? Otherwise the region ends here: nothing shared was written yet."""
        node = group.head
        assert node is not None
        (i, n) = node.inputs
        kind: Any = i.type
        axes = tuple(f"j{k}" for k in range(kind.ndim))
        where = tuple(const(0) if m == 1 else index(a) for m, a in zip(kind.shape, axes, strict=True))
        length = self.analysis.lengths.number(n)
        b0, b1 = Buffer("b0", kind.dtype, kind.ndim), Buffer("b1", "int64", 0)
        b2 = Buffer("b2", "bool", 0, written=True)
        values = {i: load("b0", where), n: load("b1")}
        place = node.op.loop(node, lambda v, _: values[v], where)
        outside = call(TABLE["or_"], call(TABLE["lt"], place, 0), call(TABLE["ge"], place, load("b1")))
        inner = tuple(a for m, a in zip(kind.shape, axes, strict=True) if m != 1)
        stages = (
            Stage(True, (Reduce("r0", TABLE["or_"], "bool", outside),)),
            Stage(False, (Store("b2", (), load("r0")),)),
        )
        kernel = Kernel((), inner, (b0, b1, b2), stages, self.floatX)
        f = self.f
        bound, flag = f.alloca("i64"), f.alloca("i64")
        f.store("i64", self.code.value(length), bound, 8)
        empty = contiguous(bound, [], self.code, f)
        given = {"b0": self.place(i), "b1": empty, "b2": contiguous(flag, [], self.code, f)}
        lengths = dict(zip((f"j{k}" for k in range(kind.ndim)), self.lengths_of(i), strict=True))
        simple = collapse(kernel, lambda name, axis: given[name].dense[axis])
        access = self._access(kernel, given, simple.kept)
        self._call(self.kernels.kernel(simple.kernel, access), simple, given, {a: lengths[a] for a in inner})
        self._refuse(f, f.emit(f"icmp ne i8 {f.load('i8', flag, 1)}, 0"))

    def _loop(self, group: Group) -> None:
        """The step of a loop as functions of their own, and the loop that calls them."""
        loop: Loop = self.analysis.loops[group.head]  # type: ignore[index]
        memory = self.scratch.loop()
        code = LoopCode(self, loop, memory)
        code.prepare()
        code.inner = _Emitter(
            self.kernels,
            f"{self.number}.{len(self.loops)}",
            loop.region,
            loop.schedule,
            loop.analysis,
            loop.fusion,
            loop.before,
            self.floatX,
            code.lies,
            loop.inside,
            loop.fixed,
        ).run()
        code.run()
        self.loops.append(code)
        self.sequence.append(code)

    def copy_before(
        self, variable: Variable, lengths: list[Length], source: Place, target: Place, memory: LoopMemory
    ) -> None:
        """Copies an array, like `variable`, before a loop that has this memory."""
        scratch, sequence = self.scratch, self.sequence
        self.scratch, self.sequence = memory, []  # type: ignore[assignment]
        self._elementwise_copy(variable, lengths, source, target)
        self.scratch, self.sequence = scratch, sequence


def itemsize(variable: Variable) -> int:
    """Bytes of an element."""
    kind: Any = variable.type
    assert isinstance(kind, TensorType)
    return int(np.dtype(kind.dtype).itemsize)
