"""A loop as machine code: what is set up before it, the loop that calls the code of a step, what is done behind it.

The step is a region with a frame of its own (see region.py), which is filled in once. In each round the loop writes
into it where elements of sequences lie, where states lie, and where the step shall put new ones: that is all.

    state                    where a step puts it
    computed in place        where it was: one buffer, or the memory of `last`
    `after` is stored        a row of that, which is what the next step reads
    only `before` is stored  the next row of that
    else                     one of a few buffers that take turns: two, and one more for each round that a copy of the
                             address is handed on (moved states, the windows of taps)

`before` beside `after` is filled behind the loop, if it is not the same memory, a row before (see scratch.py). Rows
behind the last step are zeros, as is `last` of no step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from symtheano.compile.lengths import Length
from symtheano.compile.looping import Loop
from symtheano.compile.naming import Names
from symtheano.compile.target.native.frame import Frame
from symtheano.compile.target.native.length_code import LengthCode
from symtheano.compile.target.native.llvm import LLVM_TYPES, Function
from symtheano.compile.target.native.place import Place, contiguous, is_contiguous, row_of, shuffled
from symtheano.compile.target.native.scratch import LoopMemory, Scratch, Slot
from symtheano.graph.variable import Variable
from symtheano.tensor.reshape import Reshape


class Outside(Protocol):
    """What emits the region that a loop stands in."""

    f: Function
    code: LengthCode
    frame: Frame
    fusion: Any
    scratch: Scratch

    def place(self, variable: Variable) -> Place: ...
    def lengths_of(self, variable: Variable) -> list[Length]: ...
    def copy_before(
        self, variable: Variable, lengths: list[Length], source: Place, target: Place, memory: LoopMemory
    ) -> None: ...


_WAYS = {
    "moved": "what it becomes is there already",
    "in place": "computed where it was",
    "rows": "each step gives a row",
    "next rows": "each step gives the row that the next one finds",
    "last": "computed where the one before it was",
}


@dataclass
class State:
    """How a state is kept. lengths: of its array. after, before, last: where outputs lie, None where nobody reads them.

    way: "moved", "in place", "rows", "next rows", "turns" or, of results, "rows" or "last".
    """

    number: int
    way: str
    lengths: list[Length]
    after: str | None
    before: str | None
    last: str | None
    buffers: list[int]  # the numbers of slots in the loop's memory
    joined: bool = False  # before and after are one array
    start: int | None = None  # that of a copy of the first value
    bytes: str = "0"
    first: str = ""  # where the first value lies
    target: str = ""  # where each step puts it, if that is always the same place

    @property
    def described(self) -> str:
        """How it is kept, in words."""
        return _WAYS.get(self.way) or f"{len(self.buffers)} buffers take turns"


class LoopCode:
    """One loop in a region. inner: the code of its step. work: estimated nanoseconds, in the function `sizes`.

    lies: the step's inputs that are strided.
    """

    inner: Any
    work: str

    def __init__(self, outside: Outside, loop: Loop, memory: LoopMemory) -> None:
        self.outside, self.loop, self.memory = outside, loop, memory
        self.f, self.code = outside.f, outside.code
        self.op, self.node = loop.node.op, loop.node
        self.inputs = self.op.step.inputs
        self.consts, self.carry, self.xs = self.op.split(self.inputs)
        self.outer = dict(zip(self.inputs, self.node.inputs[1:], strict=True))
        self.lies: dict[Variable, Place] = {}

    # -- before the step's code is there -------------------------------------------------------------------------------
    def prepare(self) -> None:
        """Decides where everything lies."""
        self._prepare_given()
        self.states = {k: self._state(k) for k in self.loop.states}
        pointers = self.memory.places(self.code)
        self.pointers, self.arena = pointers[:-1], pointers[-1]
        self.n = self.code.value(self.loop.lengths[0])
        self._copy_given()

    def _buffer(self, variable: Any, lengths: list[Length]) -> int:
        self.memory.slots.append(Slot(int(np.dtype(variable.type.dtype).itemsize), tuple(lengths)))
        return len(self.memory.slots) - 1

    def _prepare_given(self) -> None:
        """Where consts, sequences and constants lie; what must be dense, and is not, is copied before the loop."""
        self.given: dict[Variable, Place] = {}
        self.copies: dict[Variable, int] = {}
        moved = {v for v in self.loop.moved.values() if v in self.consts}
        dense = moved | self._reshaped()
        for v in dict.fromkeys([*self.loop.region.reads, *moved]):
            if v in self.carry:
                continue
            self.given[v] = place = self._place(v)
            row = row_of(place, place.pointer) if v in self.xs else place
            if not is_contiguous(row, v.type.shape):
                if v in dense or (v in self.loop.rows and not place.unit):
                    self.copies[v] = self._buffer(v, self._lengths(v))
                else:
                    self.lies[v] = row

    def _place(self, v: Variable) -> Place:
        """Where something lies that the step is given."""
        node = v.owner
        return self.outside.place(self.outer.get(v, v)) if node is None else shuffled(node, self._place(node.inputs[0]))

    def _lengths(self, v: Variable) -> list[Length]:
        node = v.owner
        if node is None:
            return self.outside.lengths_of(self.outer.get(v, v))
        below = self._lengths(node.inputs[0])
        return [1 if o == "x" else below[o] for o in node.op.new_order]

    def _reshaped(self) -> set[Variable]:
        """The step's inputs that are seen as arrays of another shape."""
        found = set()
        for node in self.loop.analysis.graph.nodes:
            base = node.inputs[0] if isinstance(node.op, Reshape) else None
            while base is not None and base.owner is not None and isinstance(base.owner.op, Reshape):
                base = base.owner.inputs[0]
            if base is not None:
                found.add(base)
        return found

    def _state(self, k: int) -> State:
        op, node, loop = self.op, self.node, self.loop
        carried = k < op.n_carry
        after, last = self._output(op.after(k)), self._output(op.last(k))
        before = self._output(op.before(k)) if carried else None
        if carried:
            lengths = self.outside.lengths_of(self.outer[self.carry[k]])
        elif op.last(k) in loop.read:
            lengths = self.outside.lengths_of(node.outputs[op.last(k)])
        else:
            lengths = self.outside.lengths_of(node.outputs[op.after(k)])[1:]
        state = State(k, self._way(k, after, before), lengths, after, before, last, [])
        state.joined = node.outputs[op.after(k)] in self.outside.scratch.behind
        if state.way == "turns":
            state.buffers = [self._buffer(op.states[k], lengths) for _ in range(2 + self._rounds(k))]
        elif state.way in ("in place", "next rows", "last") and last is None:
            state.buffers = [self._buffer(op.states[k], lengths)]
        if carried and not is_contiguous(self.outside.place(self.outer[self.carry[k]]), self.carry[k].type.shape):
            if state.way not in ("in place", "next rows") and not state.joined:
                state.start = self._buffer(op.states[k], lengths)
        return state

    def _way(self, k: int, after: str | None, before: str | None) -> str:
        if k in self.loop.moved:
            return "moved"
        if k in self.loop.in_place:
            return "in place"
        if after is not None:
            return "rows"
        if k >= self.op.n_carry:
            return "last"
        return "turns" if before is None else "next rows"

    def _output(self, position: int) -> str | None:
        out = self.node.outputs[position]
        return self.outside.place(out).pointer if out in self.outside.fusion.stored else None

    def _rounds(self, k: int) -> int:
        """How many rounds the address of a state is handed on."""
        moved = self.loop.moved
        return max((1 + self._rounds(m) for m, v in moved.items() if v is self.carry[k]), default=0)

    def _copy_given(self) -> None:
        for v, slot in self.copies.items():
            lengths = self._lengths(v)
            target = contiguous(self.pointers[slot], lengths, self.code, self.f)
            self.outside.copy_before(self.outer.get(v, v), lengths, self.given[v], target, self.memory)
            self.given[v] = target

    # -- what people read ----------------------------------------------------------------------------------------------
    def described(self, v: Variable, names: Names) -> str:
        """What an input of the step stands for."""
        if v in self.carry:
            return f"state {self.carry.index(v)}, at first {names.of(self.outer[v])}"
        if v.owner is None:
            text = names.of(self.outer.get(v, v))
        else:
            text = f"{names.of(self.outer.get(self.loop.origin(v), self.loop.origin(v)))}, its axes moved"
        return f"{text}{'[t]' if v in self.xs else ''}{', copied before the loop' if v in self.copies else ''}"

    def outputs_of(self, k: int) -> list[Variable]:
        """The outputs of the loop that have the values of a state."""
        op = self.op
        positions = [op.last(k), op.after(k), *([op.before(k)] if k < op.n_carry else [])]
        return [self.node.outputs[p] for p in positions if self.node.outputs[p] in self.outside.fusion.stored]

    # -- the function `sizes` ------------------------------------------------------------------------------------------
    def sizes(self, f: Function, code: LengthCode) -> str:
        """Asks the step's own `sizes`; an i1, true where something does not fit."""
        frame = self._frame(f, code)
        for v in self.loop.fixed:
            kind = LLVM_TYPES[v.type.dtype]
            value = code.value(self.outside_number(v))
            held = f.alloca("i64", 8)
            f.store(kind, value if kind == "i64" else f.emit(f"trunc i64 {value} to {kind}"), held, 8)
            f.set_slot(frame, self._input(v), held, "ptr")
        bad = f.emit(f"icmp ne i32 {f.call(f'@{self.inner.sizes}', 'i32', [('ptr', frame)])}, 0")
        for inside, outside in self._same(f, code, frame):
            bad = f.emit(f"or i1 {bad}, {f.emit(f'icmp ne i64 {inside}, {outside}')}")
        own = self.inner.frame
        self.memory.inner = f.slot(frame, own.bytes)
        self.work = f.emit(f"mul i64 {code.value(self.loop.lengths[0])}, {f.slot(frame, own.work)}")
        return bad

    def outside_number(self, fixed: Variable) -> Length:
        """The value of an integer that the step's lengths follow from."""
        return self.loop.lengths[1 + self.loop.fixed.index(fixed)]

    def _same(self, f: Function, code: LengthCode, frame: str) -> list[tuple[str, str]]:
        """Lengths that the step's code and ours must agree in: those of its types, and those of what it gives."""
        found = []
        for v in (*self.loop.region.reads, *(self.carry[k] for k in self.states if k < self.op.n_carry)):
            if v in self.outer:
                for n, own in zip(v.type.shape, self._row_lengths(v), strict=True):
                    if n is not None and n != own:
                        found.append((str(n), code.value(own)))
        for k, state in self.states.items():
            slot = self._target(k)
            for axis, own in enumerate(state.lengths if slot is not None else ()):
                assert slot is not None
                found.append((f.slot(frame, slot + 1 + axis), code.value(own)))
        return found

    def _row_lengths(self, v: Variable) -> list[Length]:
        lengths = self._lengths(v)
        return lengths[1:] if v in self.xs else lengths

    # -- the step's frame ----------------------------------------------------------------------------------------------
    def _frame(self, f: Function, code: LengthCode) -> str:
        """A frame of the step, with all lengths of what it is given."""
        frame = f.alloca(f"[{self.inner.frame.size} x i64]")
        f.set_slot(frame, self.inner.frame.outer, f.slot("%frame", self.outside.frame.outer, "ptr"), "ptr")
        for v in self.loop.region.reads:
            for axis, n in enumerate(self._row_lengths(v)):
                f.set_slot(frame, self._input(v) + 1 + axis, code.value(n))
        return frame

    def _input(self, v: Variable) -> int:
        slots: tuple[int, ...] = self.inner.frame.inputs
        return slots[self.loop.region.reads.index(v)]

    def _target(self, k: int) -> int | None:
        """The slot of the place where the step puts a state."""
        position = self.loop.places.get(k)
        return None if position is None or k in self.loop.in_place else self._given(position)

    def _given(self, position: int) -> int:
        slots: tuple[int, ...] = self.inner.frame.outputs
        copied = position in self.loop.fusion.copies
        item = position if copied else self.loop.analysis.graph.outputs[position]
        return slots[self.loop.region.gives.index(item)]

    # -- the function `body` -------------------------------------------------------------------------------------------
    def run(self) -> None:
        """All of the loop."""
        f, code = self.f, self.code
        self.frame = self._frame(f, code)
        for v, place in self.given.items():
            if v in self.loop.region.reads:
                f.set_slot(self.frame, self._input(v), place.pointer, "ptr")
        for v, place in self.lies.items():
            first = self._input(v) + 1 + place.ndim
            for axis, stride in enumerate(place.strides):
                f.set_slot(self.frame, first + axis, stride)
        f.call(f"@{self.inner.sizes}", "i32", [("ptr", self.frame)])
        f.set_slot(self.frame, self.inner.frame.arena, self.arena, "ptr")
        self.some = f.emit(f"icmp sgt i64 {self.n}, 0")
        for state in self.states.values():
            self._start(state)
        self.flag = "" if self.loop.stop is None else f.alloca("i64", 8)
        if self.loop.stop is not None:
            f.set_slot(self.frame, self._given(self.loop.stop), self.flag, "ptr")
        self._loop()
        self._finish()

    def _start(self, state: State) -> None:
        """Where a state lies at first, and what never changes."""
        f, code, k = self.f, self.code, state.number
        kind: Any = self.op.states[k].type
        state.bytes = code.product((int(np.dtype(kind.dtype).itemsize), *state.lengths))
        spare = self.pointers[state.buffers[0]] if state.buffers else state.last
        if state.way in ("in place", "last"):
            assert spare is not None
            state.target = spare
        if k < self.op.n_carry:
            self._first(state, spare)
            if state.way == "in place" and self.carry[k] in self.loop.region.reads:
                f.set_slot(self.frame, self._input(self.carry[k]), state.target, "ptr")
        slot = self._target(k)
        if slot is not None and state.way == "last":
            f.set_slot(self.frame, slot, state.target, "ptr")
        if state.way == "last" and state.last is not None:
            none = f.emit(f"xor i1 {self.some}, true")
            f.when(none, lambda: self._clear(state.target, state.bytes))

    def _first(self, state: State, spare: str | None) -> None:
        outer = self.outer[self.carry[state.number]]
        place = self.outside.place(outer)
        state.first = place.pointer
        if state.way == "in place":
            state.first = state.target
        elif state.way == "next rows":
            state.first = self.f.emit(f"select i1 {self.some}, ptr {state.before}, ptr {spare}")
        elif state.joined:
            assert state.before is not None
            state.first = state.before
        elif state.start is not None:
            state.first = self.pointers[state.start]
        if state.first != place.pointer:
            target = contiguous(state.first, state.lengths, self.code, self.f)
            self.outside.copy_before(outer, state.lengths, place, target, self.memory)

    def _loop(self) -> None:
        """What changes from round to round: the number of the round, addresses."""
        f = self.f
        names: list[Any] = ["t"]
        carried = [("i64", "0")]

        def change(name: Any, first: str) -> None:
            names.append(name)
            carried.append(("ptr", first))

        read = [v for v in self.xs if v in self.given and v in self.loop.region.reads]
        for v in read:
            change(v, self.given[v].pointer)
        for k, state in self.states.items():
            if k < self.op.n_carry and state.way != "in place":
                change(("now", k), state.first)
            if state.way == "rows":
                assert state.after is not None
                change(("row", k), state.after)
            elif state.way == "next rows":
                assert state.before is not None
                change(("row", k), f.gep(state.before, state.bytes))
            elif state.way == "turns":
                for b, slot in enumerate(state.buffers):
                    change(("turn", k, b), self.pointers[slot])
        steps = {v: f.emit(f"mul i64 {self.given[v].strides[0]}, {_itemsize(v)}") for v in read}
        final = f.emit(f"sub i64 {self.n}, 1")

        def step(values: list[str]) -> tuple[list[str], str]:
            now = dict(zip(names, values, strict=True))
            is_last = f.emit(f"icmp eq i64 {now['t']}, {final}")
            targets = self._point(now, read, is_last)
            status = f.call(f"@{self.inner.body}", "i32", [("ptr", self.frame)])
            stop, go = f.label("fail"), f.label("go")
            f.branch(f.emit(f"icmp ne i32 {status}, 0"), stop, go)
            f.start(stop)
            f.ret("1")
            f.start(go)
            following = self._following(now, targets, steps)
            again = f.emit(f"xor i1 {is_last}, true")
            if self.flag:
                ended = f.emit(f"icmp ne i8 {f.load('i8', self.flag, 1)}, 0")
                again = f.emit(f"and i1 {again}, {f.emit(f'xor i1 {ended}, true')}")
            return [following[name] for name in names], again

        self.ends = dict(zip(names, f.repeat(self.some, carried, step), strict=True))

    def _point(self, now: dict[Any, str], read: list[Variable], is_last: str) -> dict[int, str]:
        """Writes into the frame where things lie in this round; gives where the states go."""
        f, targets = self.f, {}
        for v in read:
            f.set_slot(self.frame, self._input(v), now[v], "ptr")
        for k, state in self.states.items():
            if ("now", k) in now and self.carry[k] in self.loop.region.reads:
                f.set_slot(self.frame, self._input(self.carry[k]), now["now", k], "ptr")
            if state.way == "rows":
                targets[k] = now["row", k]
            elif state.way == "turns":
                targets[k] = now["turn", k, 0]
            elif state.way == "next rows":
                spare = self.pointers[state.buffers[0]] if state.buffers else state.last
                targets[k] = f.emit(f"select i1 {is_last}, ptr {spare}, ptr {now['row', k]}")
            slot = self._target(k)
            if k in targets and slot is not None:
                f.set_slot(self.frame, slot, targets[k], "ptr")
        return targets

    def _following(self, now: dict[Any, str], targets: dict[int, str], steps: dict[Variable, str]) -> dict[Any, str]:
        f, following = self.f, {"t": self.f.emit(f"add nuw nsw i64 {now['t']}, 1")}
        result: dict[Any, str] = dict(following)
        for v, distance in steps.items():
            result[v] = f.gep(now[v], distance)
        for k, state in self.states.items():
            if ("now", k) in now:
                result["now", k] = targets[k] if k in targets else self._moved(k, now)
            if state.way in ("rows", "next rows"):
                result["row", k] = f.gep(now["row", k], state.bytes)
            elif state.way == "turns":
                count = len(state.buffers)
                for b in range(count):
                    result["turn", k, b] = now["turn", k, (b + 1) % count]
        return result

    def _moved(self, k: int, now: dict[Any, str]) -> str:
        source = self.loop.moved[k]
        return now["now", self.carry.index(source)] if source in self.carry else self.given[source].pointer

    # -- behind the loop -----------------------------------------------------------------------------------------------
    def _finish(self) -> None:
        f, done = self.f, self.ends["t"]
        for k, state in self.states.items():
            if state.last is not None and ("now", k) in self.ends:
                self._copy(state.last, self.ends["now", k], state.bytes)
            elif state.last is not None and state.way == "rows":
                self._last_row(state, done)
            if state.after is not None and state.before is not None and not state.joined:
                f.when(self.some, lambda state=state: self._shift(state, done))  # type: ignore[misc]
        if self.op.until:
            rest = f.emit(f"sub i64 {self.n}, {done}")
            for state in self.states.values():
                for rows in (state.after, state.before):
                    if rows is not None:
                        start = f.gep(rows, f.emit(f"mul i64 {done}, {state.bytes}"))
                        self._clear(start, f.emit(f"mul i64 {rest}, {state.bytes}"))
            steps = self._output(self.op.steps)
            if steps is not None:
                f.store("i64", done, steps, 8)

    def _last_row(self, state: State, done: str) -> None:
        """The last row of a result is what the last step gave."""
        f = self.f
        assert state.last is not None
        last = state.last
        distance = f.emit(f"mul i64 {f.emit(f'sub i64 {done}, 1')}, {state.bytes}")
        f.when(self.some, lambda: self._copy(last, f.gep(state.after or "", distance), state.bytes))
        f.when(f.emit(f"xor i1 {self.some}, true"), lambda: self._clear(last, state.bytes))

    def _shift(self, state: State, done: str) -> None:
        """What each step found is what was there at first, and then what the step before it gave."""
        f = self.f
        assert state.before is not None and state.after is not None
        self._copy(state.before, state.first, state.bytes)
        size = f.emit(f"mul i64 {f.emit(f'sub i64 {done}, 1')}, {state.bytes}")
        self._copy(f.gep(state.before, state.bytes), state.after, size)

    def _copy(self, target: str, source: str, size: str) -> None:
        args = [("ptr", target), ("ptr", source), ("i64", size), ("i1", "false")]
        self.f.intrinsic("llvm.memcpy.p0.p0.i64", "void", args)

    def _clear(self, target: str, size: str) -> None:
        args = [("ptr", target), ("i8", "0"), ("i64", size), ("i1", "false")]
        self.f.intrinsic("llvm.memset.p0.i64", "void", args)


def _itemsize(variable: Any) -> int:
    return int(np.dtype(variable.type.dtype).itemsize)
