"""Program: the flat list of host steps that a function executes, over named values.

    Check(a, axis, b, axis)      two lengths must agree (or: a length must be a number)
    View(outs, text, base)       another view of the memory of `base`
    Call(outs, text, into)       an array expression in fresh memory, or in that of the dead value `into`
    Copy(out, source)            a fresh copy
    Perform(outs, args)          an author's Op, run by its own perform
    Free(names)                  values nobody reads any more
    Assign(target, value)        the new value of a shared variable; all Assigns stand after everything that can fail

Names: x0 x1 ... inputs, s0 ... shared variables, c0 ... constants, v0 ... computed values. No user text enters a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from symtheano.compile.sizes import Size
from symtheano.errors import CheckError
from symtheano.graph.variable import Apply, Variable

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


Step = Check | View | Call | Copy | Perform | Free | Assign


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

    def __str__(self) -> str:
        head = (
            f"inputs {', '.join(self.inputs)}; shared {', '.join(self.shared)}; constants {', '.join(self.constants)}"
        )
        return "\n".join([head, *map(str, self.steps), f"return {', '.join(self.outputs)}"])

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def check(self) -> None:
        """Raises CheckError where a value is read before it is computed, after it is freed, or computed twice."""
        known = {*self.inputs, *self.shared, *self.constants}
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
            elif committed and isinstance(step, (Check, Perform, Copy)):
                raise CheckError(f"step '{step}' can fail, but stands after a shared variable was written")
            for name in step.writes:
                if name in known:
                    raise CheckError(f"{name} is computed twice")
                known.add(name)
        for name in self.outputs:
            if name not in known or name in freed or name in overwritten:
                raise CheckError(f"output {name} is not there at the end")
