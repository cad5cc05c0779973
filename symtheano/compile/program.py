"""Program: the flat list of host steps that a function executes, over named values.

    Check(a, axis, b, axis)      two lengths must agree (or: a length must be a number)
    View(outs, text, base)       another view of the memory of `base`
    Call(outs, text, into)       an array expression in fresh memory, or in that of the dead value `into`
    Copy(out, source)            a fresh copy
    Perform(outs, args)          an author's Op, run by its own perform
    Loop(outs, count, args)      a loop, whose step is a program of its own: see Body
    Fork(outs, condition, ...)   one of two programs, by a condition
    Free(names)                  values nobody reads any more
    Assign(target, value)        the new value of a shared variable; all Assigns stand after everything that can fail

Names: x0 x1 ... inputs, s0 ... shared variables, c0 ... constants, v0 ... computed values, r0 ... rows of what a loop
collects. No user text enters a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from symtheano.compile.sizes import Size
from symtheano.errors import CheckError
from symtheano.graph.variable import Apply, Variable
from symtheano.scan.op import Scan

NAME = re.compile(r"\b[xscv]\d+\b")


@dataclass(frozen=True, slots=True)
class Check:
    left: str
    left_axis: int
    right: str
    right_axis: int
    length: int | None  # compare with this number instead of an axis of `right`
    node: Apply

    def __str__(self) -> str:
        right = self.length if self.length is not None else f"{self.right}.shape[{self.right_axis}]"
        return f"check {self.left}.shape[{self.left_axis}] == {right}"

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.left,) if self.length is not None else (self.left, self.right)

    writes: tuple[str, ...] = field(default=(), init=False, repr=False)


@dataclass(frozen=True, slots=True)
class View:
    outs: tuple[str, ...]
    text: str
    base: str
    node: Apply
    writable: bool = True

    def __str__(self) -> str:
        return f"view  {', '.join(self.outs)} = {self.text}"

    @property
    def reads(self) -> tuple[str, ...]:
        return names_in(self.text)

    @property
    def writes(self) -> tuple[str, ...]:
        return self.outs


@dataclass(frozen=True, slots=True)
class Call:
    outs: tuple[str, ...]
    text: str
    node: Apply
    accepts_out: bool = False
    elementwise: bool = False
    dtype: str | None = None
    sizes: tuple[Size, ...] | None = None
    into: str | None = None
    destructive: str | None = None  # the text that computes the result inside the memory of the value `target`
    target: str | None = None
    overwrites: bool = False  # whether `text` is that text
    check: str | None = None  # a text that raises wherever `destructive` would, and writes nothing; {} is the target
    operators: str | None = None  # the text for single numbers, where no memory is given

    def __str__(self) -> str:
        return f"call  {', '.join(self.outs)} = {self.source}" if self.outs else f"call  {self.source}"

    @property
    def source(self) -> str:
        """The expression, writing into the given memory if there is any."""
        if self.into is None:
            return self.operators or self.text
        return f"{self.text[:-1]}, out={self.into})"

    @property
    def reads(self) -> tuple[str, ...]:
        return names_in(self.text)

    @property
    def writes(self) -> tuple[str, ...]:
        return self.outs

    def writing(self, into: str) -> Call:
        """The same call, into the memory of `into`."""
        return replace(self, into=into)

    def overwriting(self) -> Call:
        """The same call, computed inside the memory of its `target`."""
        assert self.destructive is not None
        return replace(self, text=self.destructive, overwrites=True)

    def checking(self) -> Call:
        """A call without a result that raises where the same call, computed inside the memory of its target, would."""
        assert self.check is not None
        return Call((), self.check.format(self.target), self.node)

    @property
    def consumes(self) -> str | None:
        """The value whose memory the result lives in."""
        return self.target if self.overwrites else self.into


@dataclass(frozen=True, slots=True)
class Copy:
    out: str
    source: str
    node: Apply | None

    def __str__(self) -> str:
        return f"copy  {self.out} = {self.source}"

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.source,)

    @property
    def writes(self) -> tuple[str, ...]:
        return (self.out,)


@dataclass(frozen=True, slots=True)
class Perform:
    outs: tuple[str, ...]
    args: tuple[str, ...]
    node: Apply

    def __str__(self) -> str:
        return f"perform {', '.join(self.outs)} = {type(self.node.op).__name__}({', '.join(self.args)})"

    @property
    def reads(self) -> tuple[str, ...]:
        return self.args

    @property
    def writes(self) -> tuple[str, ...]:
        return self.outs


@dataclass(frozen=True, slots=True)
class Free:
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"free  {', '.join(self.names)}"

    reads: tuple[str, ...] = field(default=(), init=False, repr=False)
    writes: tuple[str, ...] = field(default=(), init=False, repr=False)


@dataclass(frozen=True, slots=True)
class Assign:
    target: str
    value: str
    in_place: bool

    def __str__(self) -> str:
        return f"assign {self.target} <- {self.value}{' (in place)' if self.in_place else ''}"

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.value,)

    writes: tuple[str, ...] = field(default=(), init=False, repr=False)


@dataclass(frozen=True, slots=True)
class Loop:
    """outs: one for each of the body's results. body: the key of the Body among the program's loops."""

    outs: tuple[str, ...]
    count: str
    args: tuple[str, ...]
    body: str
    node: Apply

    def __str__(self) -> str:
        return f"loop  {', '.join(self.outs)} = {self.body}({', '.join((self.count, *self.args))})"

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.count, *self.args)))

    @property
    def writes(self) -> tuple[str, ...]:
        return self.outs


@dataclass(frozen=True, slots=True)
class Taken:
    """One side of a fork. program: its key among the program's sides. gives: for each of the fork's outs the position
    among the program's outputs; None where this side has no value for it (then nobody reads it)."""

    program: str
    args: tuple[str, ...]
    gives: tuple[int | None, ...]

    def __str__(self) -> str:
        return f"{self.program}({', '.join(self.args)})"


@dataclass(frozen=True, slots=True)
class Fork:
    outs: tuple[str, ...]
    condition: str
    holds: Taken
    other: Taken
    node: Apply

    def __str__(self) -> str:
        return f"fork  {', '.join(self.outs)} = {self.holds} if {self.condition} else {self.other}"

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.condition, *self.holds.args, *self.other.args)))

    @property
    def writes(self) -> tuple[str, ...]:
        return self.outs


Step = Check | View | Call | Copy | Perform | Loop | Fork | Free | Assign


def names_in(text: str) -> tuple[str, ...]:
    """The values a text reads, each once, in order."""
    return tuple(dict.fromkeys(NAME.findall(text)))


@dataclass(frozen=True, slots=True)
class Program:
    """Steps, and the names of what goes in and out. `variables` says which graph variable a name stands for."""

    inputs: tuple[str, ...]
    shared: tuple[str, ...]
    constants: dict[str, object]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    variables: dict[str, Variable]
    size_names: dict[Variable, str] = field(default_factory=dict)  # tokens of sizes as text: x0.shape[1]
    shapes: dict[str, tuple[Size, ...]] = field(default_factory=dict)  # of the values that stand for variables
    rows: tuple[str, ...] = ()  # memory that steps may write into
    loops: dict[str, Body] = field(default_factory=dict)
    sides: dict[str, Program] = field(default_factory=dict)  # of forks

    def __str__(self) -> str:
        head = (
            f"inputs {', '.join(self.inputs)}; shared {', '.join(self.shared)}; constants {', '.join(self.constants)}"
        )
        lines = [head]
        for step in self.steps:
            lines.append(str(step))
            if isinstance(step, Loop):
                lines += [f"  {line}" for line in str(self.loops[step.body]).splitlines()]
            for side in (step.holds, step.other) if isinstance(step, Fork) else ():
                lines += [f"  {line}" for line in (side.program, *str(self.sides[side.program]).splitlines())]
        return "\n".join([*lines, f"return {', '.join(self.outputs)}"])

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def check(self) -> None:
        """Raises CheckError where a value is read before it is computed, after it is freed, or computed twice."""
        known = {*self.inputs, *self.shared, *self.constants, *self.rows}
        freed: set[str] = set()
        overwritten: set[str] = set()
        committed = False
        for step in self.steps:
            for name in step.reads:
                if name not in known or name in freed or name in overwritten:
                    raise CheckError(f"step '{step}' reads {name}, which is not there")
            if isinstance(step, Free):
                freed.update(step.names)
            if isinstance(step, Call) and step.consumes is not None:
                place = step.consumes
                if place not in known or place in freed or place in overwritten:
                    raise CheckError(f"step '{step}' writes into {place}, which is not there")
                committed = committed or place in self.shared
                overwritten.add(place)
            if isinstance(step, Assign):
                committed = True
            elif committed and isinstance(step, (Check, Perform, Copy, Loop, Fork)):
                raise CheckError(f"step '{step}' can fail, but stands after a shared variable was written")
            if isinstance(step, Loop):
                self.loops[step.body].check()
            for side in (step.holds, step.other) if isinstance(step, Fork) else ():
                self.sides[side.program].check()
            for name in step.writes:
                if name in known:
                    raise CheckError(f"{name} is computed twice")
                known.add(name)
        for name in self.outputs:
            if name not in known or name in freed or name in overwritten:
                raise CheckError(f"output {name} is not there at the end")


@dataclass(frozen=True, slots=True)
class Guard:
    """Two lengths, known before a loop runs, that every step needs to be equal: else a state would change its shape."""

    left: str
    left_axis: int
    right: str
    right_axis: int
    length: int | None  # as of a Check

    def __str__(self) -> str:
        right = self.length if self.length is not None else f"{self.right}.shape[{self.right_axis}]"
        return f"{self.left}.shape[{self.left_axis}] == {right}"


@dataclass(frozen=True, slots=True)
class State:
    """A state of a loop, as a step leaves it.

    value: its name. carried: the input of the step that it is next; None for what is not carried. trace: what is
    collected of it: "" nothing, "after": what each step leaves, "both": also what the first one finds, in front of it.
    row: the memory in the trace where `value` is computed; None where it is copied there, and reread: whether what is
    carried on is that row, not the value. found: whether what each step
    finds is collected apart from that. lengths: those of a trace that are known beforehand: numbers, (input, axis), or
    None. may_change: whether only a check in each step tells that it keeps its shape. owned: nobody else has the memory
    of the carried value. ndim: None where it is no array.
    """

    value: str
    carried: str | None
    trace: str
    row: str | None
    reread: bool
    found: bool
    lengths: tuple[int | tuple[str, int] | None, ...]
    may_change: bool
    owned: bool
    dtype: str | None
    ndim: int | None


@dataclass(frozen=True, slots=True)
class Body:
    """A loop: what one step does, as a program of consts, carry and xs, and what is done around the steps.

    first: checks that no step can change; they are made once, and so are the program's first `once` steps. copied: what
    is carried in memory that the steps write into, or hand on. results: what the loop gives, as (kind, state): last,
    after, both, before, steps.
    """

    op: Scan
    program: Program
    states: tuple[State, ...]
    stop: str | None
    first: tuple[Check, ...]
    once: int
    guards: tuple[Guard, ...]
    copied: tuple[str, ...]
    results: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        consts, carry, xs = self.op.split(self.program.inputs)
        lines = [f"consts {', '.join(consts)}; carried {', '.join(carry)}; elements {', '.join(xs)}"]
        lines += [f"first {one}" for one in (*self.guards, *self.first)]
        lines += [f"{'first ' * (k < self.once)}{line}" for k, line in enumerate(str(self.program).splitlines()[1:-1])]
        for state in self.states:
            into = f" in {state.row}" if state.row else ", collected" if state.trace else ""
            lines.append(f"next  {state.carried or '_'} <- {state.value}{into}")
        return "\n".join(lines if self.stop is None else [*lines, f"until {self.stop}"])

    def check(self) -> None:
        """As Program.check."""
        self.program.check()
        foreign = {*self.program.inputs} - {s.carried for s in self.states if s.owned}
        for step in self.program:
            if isinstance(step, Call) and step.consumes in foreign:
                raise CheckError(f"step '{step}' of a loop writes into {step.consumes}, which is not the loop's own")
