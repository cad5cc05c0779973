"""The text of the numpy target: a Program as one readable Python function, and a function for each of its loops.

The text is straight-line SSA with names of our own. User text enters it only as `file:line` comments, stripped of
everything but plain characters.

    def loop0(n, x0, x1, q2):
        if n < 1 or len(q2) != n: return other0(n, x0, x1, q2)    the loop as it is defined: it computes, or raises
        a1 = xp.empty((n, *x1.shape), 'float64')                  what is collected
        for t in range(n):
            x2 = q2[t]
            r1 = a1[t]
            v0 = xp.multiply(x0, x2)
            v1 = xp.add(x1, v0, out=r1)
            x1 = v1                                               what is carried
        return (a1,)
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symtheano.compile.program import (
    Assign,
    Body,
    Call,
    Check,
    Copy,
    Fork,
    Free,
    Guard,
    Loop,
    Perform,
    Program,
    State,
    Step,
    Taken,
    View,
)  # fmt: skip
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.type import TensorType

_UNSAFE = re.compile(r"[^\w./\\ -]")


@dataclass(frozen=True, slots=True)
class Source:
    """Generated text, and which step each of its lines belongs to.

    variables: what names stand for in the lines of loops; in all others the names are the program's.
    """

    text: str
    steps: dict[int, Step]
    performs: dict[str, Apply]
    loops: dict[str, Body]
    variables: dict[int, Mapping[str, Variable]]


@dataclass
class _Text:
    """Functions that are finished, and what they call."""

    poison: bool
    lines: list[_Line] = field(default_factory=list)
    performs: dict[str, Apply] = field(default_factory=dict)
    loops: dict[str, Body] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    step: Step | None
    variables: Mapping[str, Variable] | None = None


def emit(program: Program, unpack: bool, poison: bool = False) -> Source:
    """The Python function `run` of a program.

    unpack: return the only output itself, not a list. poison: overwrite freed memory with garbage (a check of plans).
    """
    text = _Text(poison)
    emitter = _Emitter(program, text)
    emitter.line(f"def run({', '.join(program.inputs)}):")
    for k, name in enumerate(program.shared):
        emitter.line(f"    {name} = k{k}[0]", comment=describe(program.variables[name]))
    emitter.guard_written()
    for step in program.steps:
        emitter.step(step)
    outs = [emitter.returned(name) for name in program.outputs]
    emitter.line(f"    return {outs[0] if unpack else '[' + ', '.join(outs) + ']'}")
    head = [_Line(f"# {n} = {_constant(v)}", None) for n, v in constants_of(program).items()]
    lines = dict(enumerate([*head, *text.lines, *emitter.lines], 1))
    return Source(
        "\n".join(line.text for line in lines.values()) + "\n",
        {k: line.step for k, line in lines.items() if line.step is not None},
        text.performs,
        text.loops,
        {k: line.variables for k, line in lines.items() if line.variables is not None},
    )


def constants_of(program: Program) -> dict[str, Any]:
    """The constants of a program, of its loops and of the sides of its forks."""
    found = dict(program.constants)
    for inner in (*(body.program for body in program.loops.values()), *program.sides.values()):
        found.update(constants_of(inner))
    return found


def describe(variable: Variable) -> str:
    """dtype and number of dimensions, for a comment."""
    kind = variable.type
    return f"{kind.dtype}, {kind.ndim}-d" if isinstance(kind, TensorType) else type(kind).__name__


class _Emitter:
    """Writes one function. indent: of its steps."""

    def __init__(self, program: Program, text: _Text, indent: str = "    "):
        self.program, self.text, self.indent = program, text, indent
        self.lines: list[_Line] = []

    def line(self, text: str, comment: str = "", step: Step | None = None) -> None:
        self.lines.append(_Line(f"{text:<48}  # {comment}" if comment else text, step))

    def guard_written(self) -> None:
        """What is overwritten must be writable and share no memory with what is read: settled before anything else."""
        program = self.program
        given = [n for n in (*program.shared, *program.inputs) if isinstance(program.variables[n].type, TensorType)]
        places = {s.consumes for s in program.steps if isinstance(s, Call)}
        written = [n for n in given if n in places]
        names = ", ".join([*written, *(n for n in given if n not in written)])
        if len(given) > 1 and written:
            self.line(f"    {names} = apart({len(written)}, {names})")
        elif written:
            self.line(f"    if not {names}.flags.writeable: {names} = {names}.copy()")

    def returned(self, name: str) -> str:
        """A value as it leaves: numpy gives scalars for 0-d results, callers get arrays."""
        variable = self.program.variables.get(name)
        if variable is not None and isinstance(variable.type, TensorType) and variable.type.ndim == 0:
            return f"xp.asarray({name})"
        return name

    def step(self, step: Step) -> None:
        """Appends the line of one step."""
        where, indent = _where(step), self.indent
        if isinstance(step, Check):
            self.line(f"{indent}if {_unequal(step)}: mismatch()", where, step)
        elif isinstance(step, View):
            several = len(step.outs) == len(step.node.outputs) > 1
            self.line(f"{indent}{', '.join(step.outs)}{',' * several} = {step.text}", where, step)
        elif isinstance(step, Call):
            made = f"{', '.join(step.outs)} = {step.source}" if step.outs else step.source
            self.line(f"{indent}{made}", where, step)
        elif isinstance(step, Copy):
            self.line(f"{indent}{step.out} = {self.copied(step.source)}", "a copy", step)
        elif isinstance(step, Perform):
            name = f"p{len(self.text.performs)}"
            self.text.performs[name] = step.node
            self.line(f"{indent}{', '.join(step.outs)}, = {name}({', '.join(step.args)})", where, step)
        elif isinstance(step, Loop):
            self.text.loops[step.body] = body = self.program.loops[step.body]
            _LoopEmitter(step.body, body, self.text).run()
            args = ", ".join((step.count, *step.args))
            self.line(f"{indent}{', '.join(step.outs)}, = {step.body}({args})", where, step)
        elif isinstance(step, Fork):
            self._fork(step, where)
        elif isinstance(step, Free):
            if self.text.poison:
                self.line(f"{indent}poison({', '.join(step.names)})", step=step)
            self.line(f"{indent}del {', '.join(step.names)}", step=step)
        else:
            self._assign(step)

    def _fork(self, step: Fork, where: str) -> None:
        sides = (f"{self.indent}if {step.condition}:", step.holds), (f"{self.indent}else:", step.other)
        for _, side in sides:
            _SideEmitter(side, self.program.sides[side.program], self.text).run()
        for (head, side), line in zip(sides, (where, ""), strict=True):
            self.line(head, line, step)
            self.line(f"{self.indent}    {', '.join(step.outs)}, = {side}", step=step)

    def copied(self, name: str, value: str | None = None) -> str:
        """A copy of what has a name, or of another value of the same type."""
        kind = self.program.variables.get(name)
        return f"{'xp.array' if kind is None or isinstance(kind.type, TensorType) else 'deepcopy'}({value or name})"

    def _assign(self, step: Assign) -> None:
        cell = f"k{self.program.shared.index(step.target)}"
        comment = "updated in place" if step.in_place else "updated"
        self.line(f"    {cell}[0] = {self.returned(step.value)}", comment, step)


class _SideEmitter(_Emitter):
    """Writes the function of one side of a fork, behind those of the forks and loops within it."""

    def __init__(self, side: Taken, program: Program, text: _Text):
        super().__init__(program, text)
        self.side = side

    def run(self) -> None:
        """The whole function, into the text."""
        program = self.program
        self.line(f"def {self.side.program}({', '.join(program.inputs)}):")
        for step in program.steps:
            self.step(step)
        values = ["None" if place is None else program.outputs[place] for place in self.side.gives]
        self.line(f"    return {', '.join(values)},")
        self.line("")
        self.text.lines += [_Line(line.text, line.step, program.variables) for line in self.lines]


class _LoopEmitter(_Emitter):
    """Writes the function of a loop, behind those of the loops within it."""

    def __init__(self, name: str, body: Body, text: _Text):
        super().__init__(body.program, text, indent="        ")
        self.name, self.body = name, body
        self.consts, self.carry, self.xs = body.op.split(body.program.inputs)
        self.length = "zeros" if body.op.until else "empty"  # rows that no step fills hold zeros
        # What is carried into a step, and read when the carried values are the next step's.
        last = [body.states[k].value for kind, k in body.results if kind == "last" and body.states[k].carried is None]
        late = [*last, body.stop] if body.stop is not None else last
        self.kept = {name: f"l{name[1:]}" for name in late if name in self.carry}

    def run(self) -> None:
        """The whole function, into the text."""
        body = self.body
        args = ", ".join(["n", *self.consts, *self.carry, *map(_whole, self.xs)])
        self.line(f"def {self.name}({args}):")
        self.line("    n = int(n)")
        wrong = ["n < 1", *(f"len({_whole(x)}) != n" for x in self.xs), *map(self._broken, body.guards)]
        self.line(f"    if {' or '.join(wrong)}: return other_{self.name}({args})")
        self._prepare()
        self.line("    for t in range(n):")
        before = len(self.lines)
        self._rows()
        for step in body.program.steps[body.once :]:
            self.step(step)
        self._next()
        if len(self.lines) == before:
            self.line("        pass")
        results = ", ".join(self._result(kind, k) for kind, k in body.results)
        self.line(f"    return ({results},)" if len(body.results) == 1 else f"    return {results}")
        self.line("")
        self.text.lines += [_Line(line.text, line.step, body.program.variables) for line in self.lines]

    def _prepare(self) -> None:
        """What is done once."""
        body = self.body
        for name in (*self.consts, *self.carry):
            kind: Any = body.program.variables[name].type
            if isinstance(kind, TensorType) and kind.ndim == 0:
                self.line(f"    {name} = single({name})")
        for name in body.copied:
            self.line(f"    {name} = {self.copied(name)}")
        needed = {name for check in body.first for name in check.reads}
        for x in self.xs:
            if x in needed:
                self.line(f"    {x} = {_whole(x)}[0]")
        self.indent = "    "
        for step in body.program.steps[: body.once]:
            self.step(step)
        self.indent = "        "
        for check in body.first:
            self.line(f"    if {_unequal(check)}: mismatch()", _where(check), check)
        for k, state in enumerate(body.states):
            if state.trace and None not in state.lengths:
                rows = "n + 1" if state.trace == "both" else "n"
                self.line(f"    a{k} = {self._memory(rows, state)}")
                if state.trace == "both":
                    self.line(f"    a{k}[0] = {state.carried}")
            if state.found:
                self.line(f"    b{k} = {self._memory('n', state)}")

    def _memory(self, rows: str, state: State) -> str:
        shape = ", ".join([rows, *map(self._length, state.lengths)])
        return f"xp.{self.length}({f'({shape})' if state.lengths else shape}, {state.dtype!r})"

    def _rows(self) -> None:
        """What a step begins with: elements of sequences, and the rows it writes."""
        read = {name for step in self.body.program for name in step.reads} | set(self.body.program.outputs)
        for x in self.xs:
            if x in read:
                self.line(f"        {x} = {_whole(x)}[t]")
        for k, state in enumerate(self.body.states):
            if state.found:
                self.line(f"        b{k}[t] = {state.carried}")
            if state.row is not None:
                self.line(f"        {state.row} = a{k}[{_at(state)}]")

    def _next(self) -> None:
        """What a step ends with: rows that are collected, what is carried on, and whether this was the last one."""
        for k, state in enumerate(self.body.states):
            if state.may_change:
                self._same_shape("if", k, str(state.carried), f"{state.carried}.shape")
            if state.trace and state.row is None:
                self._collect(k, state)
        moves = [
            (s.carried, f"a{k}[{_at(s)}]" if s.reread else s.value)
            for k, s in enumerate(self.body.states)
            if s.carried is not None and s.carried != s.value
        ]
        moves += [(kept, name) for name, kept in self.kept.items()]
        if moves:
            self.line(f"        {', '.join(c for c, _ in moves)} = {', '.join(v for _, v in moves)}")
        stop = self.body.stop
        if stop is not None:
            self.line(f"        if {self.kept.get(stop, stop)}: break")

    def _collect(self, k: int, state: State) -> None:
        if None in state.lengths:
            shape = f"(n, *{state.value}.shape), {state.dtype!r}"
            self.line(f"        if t == 0: a{k} = xp.{self.length}({shape})")
            self._same_shape("elif", k, f"a{k}[0]", f"a{k}.shape[1:]")
        self.line(f"        a{k}[{_at(state)}] = {state.value}")

    def _same_shape(self, condition: str, k: int, old: str, shape: str) -> None:
        value = self.body.states[k].value
        self.line(f"        {condition} {value}.shape != {shape}: changed_{self.name}({k}, {old}, {value})")

    def _result(self, kind: str, k: int) -> str:
        if kind == "steps":
            return "xp.int64(t + 1)"
        state = self.body.states[k]
        if kind == "last":
            name = self.kept.get(state.value, state.value) if state.carried is None else state.carried
            return name if state.owned else self.copied(state.value, name)
        if kind == "before":
            return f"b{k}" if state.found else f"a{k}[:-1]"
        return f"a{k}[1:]" if kind == "after" and state.trace == "both" else f"a{k}"

    def _length(self, length: int | tuple[str, int] | None) -> str:
        if not isinstance(length, tuple):
            return str(length)
        name, axis = length
        return f"{_whole(name)}.shape[{axis + 1}]" if name in self.xs else f"{name}.shape[{axis}]"

    def _broken(self, guard: Guard) -> str:
        left = self._length((guard.left, guard.left_axis))
        right = self._length(guard.length if guard.length is not None else (guard.right, guard.right_axis))
        return f"{left} != {right}"


def _whole(x: str) -> str:
    """The name of a sequence, whose elements are called `x`."""
    return f"q{x[1:]}"


def _at(state: State) -> str:
    return "t + 1" if state.trace == "both" else "t"


def _unequal(check: Check) -> str:
    right = str(check.length) if check.length is not None else f"{check.right}.shape[{check.right_axis}]"
    return f"{check.left}.shape[{check.left_axis}] != {right}"


def _where(step: Step) -> str:
    node = getattr(step, "node", None)
    trace = node.trace if node is not None else None
    if trace is None:
        return ""
    return f"{_UNSAFE.sub('?', os.path.basename(trace.filename))[:60]}:{trace.lineno}"


def _constant(value: Any) -> str:
    if isinstance(value, np.ndarray):
        text = np.array2string(value, threshold=6, edgeitems=2, max_line_width=10_000).replace("\n", "")
        return f"{value.dtype} {text if len(text) < 60 else '...'} {value.shape or ''}".strip()
    return type(value).__name__
