"""LLVM IR as text: modules and functions under construction, with structured loops. Knows no arrays and no scalars.

    module = Module(host)
    f = module.function("k0", [("ptr", "args"), ("i64", "lo"), ("i64", "hi")])
    f.loop("%lo", "%hi", 1, [], lambda i, _: ...)
    f.ret()
    print(module)

Everything is emitted as it shall run: no optimisation passes follow, only instruction selection and register
allocation. Names are our own: values %.1, %.2 ... labels L1, L2 ...; opaque pointers.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

Carried = Sequence[tuple[str, str]]  # (type, first value)
Body = Callable[[str, list[str]], Sequence[str] | None]

NAME = re.compile(r"@[\w.]+")  # of a function or a constant, in a text

LLVM_TYPES = {
    "bool": "i8",
    "int8": "i8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "uint8": "i8",
    "uint16": "i16",
    "uint32": "i32",
    "uint64": "i64",
    "float16": "half",
    "float32": "float",
    "float64": "double",
}  # how an element of a dtype lies in memory, of those that are not complex


def element_type(dtype: str) -> str:
    """How an element of any dtype lies in memory: a complex number is two."""
    part = {"complex64": "float32", "complex128": "float64"}.get(dtype)
    return LLVM_TYPES[dtype] if part is None else f"[2 x {LLVM_TYPES[part]}]"


@dataclass(frozen=True)
class Host:
    """What code is generated for. vector_bytes: how wide one vector of a kernel is (it may be several registers)."""

    triple: str
    cpu: str
    features: str
    vector_bytes: int
    masks: bool  # masked loads and stores of every width are cheap (AVX-512)
    fma: bool


class Part(NamedTuple):
    """A module's text, or a part of it. cold: it has no loops over elements."""

    text: str
    cold: bool = False


@dataclass
class Module:
    """Functions, declarations and constants, each once by its name."""

    host: Host
    functions: dict[str, Function] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)

    def function(
        self, name: str, params: Sequence[tuple[str, str]], returns: str = "void", linkage: str = "internal"
    ) -> Function:
        """A new function; linkage "" exports it."""
        if name in self.functions:
            raise ValueError(f"the function {name} is there already")
        made = self.functions[name] = Function(self, name, params, returns, linkage)
        return made

    def declare(self, name: str, returns: str, params: Sequence[str]) -> str:
        """The name of an outer function or intrinsic, declared once: @llvm.fma.f32."""
        self.declared.setdefault(name, f"declare {returns} @{name}({', '.join(params)})")
        return f"@{name}"

    def constant(self, type_: str, value: str) -> str:
        """A pointer to a constant in memory."""
        key = f"{type_} {value}"
        if key not in self.constants:
            self.constants[key] = f"@c{len(self.constants)}"
        return self.constants[key]

    def parts(self) -> list[Part]:
        """The module as texts that code is generated for one by one: the cold functions, and the others."""
        texts = {name: str(f) for name, f in self.functions.items()}
        reads = {name: {each.removeprefix("@") for each in NAME.findall(text)} for name, text in texts.items()}
        found = []
        for cold in (True, False):
            mine = [f for f in self.functions.values() if f.cold is cold]
            outer = set().union(*(reads[f.name] for f in self.functions.values() if f.cold is not cold))
            needed = set().union(*(reads[f.name] for f in mine))
            defined = [f.text("" if f.name in outer else f.linkage) for f in mine]
            declared = [f.declaration() for f in self.functions.values() if f.cold is not cold and f.name in needed]
            if mine:
                found.append(Part(self._text(declared, defined, needed), cold))
        return found

    def __str__(self) -> str:
        return self._text([], [str(f) for f in self.functions.values()], None)

    def _text(self, declared: Sequence[str], defined: Sequence[str], needed: set[str] | None) -> str:
        """A module of these functions with the constants and the outer functions that they need; None: with all."""

        def keep(name: str) -> bool:
            return needed is None or name.removeprefix("@") in needed

        lines = [f'target triple = "{self.host.triple}"']
        lines += [
            f"{name} = private unnamed_addr constant {key}, align 64"
            for key, name in self.constants.items()
            if keep(name)
        ]
        lines += [text for name, text in self.declared.items() if keep(name)]
        lines += [*declared, *defined]
        lines.append(f'attributes #0 = {{ nounwind "prefer-vector-width"="{min(512, 8 * self.host.vector_bytes)}" }}')
        return "\n".join([*lines, "!0 = !{}", ""])


class Function:
    """One function, built front to back. `block` is the label of the block being written."""

    def __init__(
        self, module: Module, name: str, params: Sequence[tuple[str, str]], returns: str, linkage: str
    ) -> None:
        self.module, self.name, self.params, self.returns, self.linkage = module, name, params, returns, linkage
        self.lines: list[str] = []
        self.entry: list[str] = []  # allocas: the stack is taken once, not in a loop
        self._reused: dict[tuple[str, str], str] = {}
        self.block = "entry"
        self.noinline = False
        self.opaque = False  # loops that LLVM does not rewrite: for who writes addresses as they shall be
        self.cold = False  # it has no loops over elements: code for it is generated quickly, not carefully
        self._values = self._labels = 0

    # -- statements ----------------------------------------------------------------------------------------------------
    def emit(self, rhs: str) -> str:
        """A new value."""
        self._values += 1
        self.lines.append(f"  %.{self._values} = {rhs}")
        return f"%.{self._values}"

    def line(self, text: str) -> None:
        """A statement without a value."""
        self.lines.append(f"  {text}")

    def alloca(self, type_: str, align: int = 64) -> str:
        """Stack memory, taken once at the function's entry."""
        self._values += 1
        self.entry.append(f"  %.{self._values} = alloca {type_}, align {align}")
        return f"%.{self._values}"

    def reused(self, type_: str, role: str) -> str:
        """Stack memory for values that live for a few instructions: the same for all of a type and a role."""
        if (type_, role) not in self._reused:
            self._reused[type_, role] = self.alloca(type_)
        return self._reused[type_, role]

    def label(self, stem: str = "L") -> str:
        """A new label; `start` begins its block."""
        self._labels += 1
        return f"{stem}{self._labels}"

    def start(self, label: str) -> None:
        """Begins the block of a label; the one before must have ended."""
        self.lines.append(f"{label}:")
        self.block = label

    def jump(self, label: str) -> None:
        self.line(f"br label %{label}")

    def branch(self, condition: str, yes: str, no: str) -> None:
        self.line(f"br i1 {condition}, label %{yes}, label %{no}")

    def ret(self, value: str | None = None) -> None:
        """Returns `value`, of the function's type."""
        self.line("ret void" if value is None else f"ret {self.returns} {value}")

    def loop(self, start: str, stop: str, step: int | str, carried: Carried, body: Body) -> list[str]:
        """`for i in range(start, stop, step)` over i64. body(i, values) gives the next values; returns the last."""
        before, inside, after = self.block, self.label("loop"), self.label("end")
        enter = self.emit(f"icmp slt i64 {start}, {stop}")
        self.branch(enter, inside, after)
        self.start(inside)
        place = len(self.lines)
        self._values += 1 + len(carried)
        i, *phis = (f"%.{self._values - k}" for k in range(1 + len(carried)))
        results = list(body(i, phis) or [])
        assert len(results) == len(carried), "a loop's body gives one value for each carried one"
        following = self.emit(f"add nuw nsw i64 {i}, {step}")
        if self.opaque:
            # No code, but an end to the analysis of i: strength reduction takes half of the time of compilation.
            following = self.emit(f"freeze i64 {following}")
        again = self.emit(f"icmp slt i64 {following}, {stop}")
        last = self.block
        self.branch(again, inside, after)
        head = [f"  {i} = phi i64 [{start}, %{before}], [{following}, %{last}]"]
        for phi, (kind, first), result in zip(phis, carried, results, strict=True):
            head.append(f"  {phi} = phi {kind} [{first}, %{before}], [{result}, %{last}]")
        self.lines[place:place] = head
        self.start(after)
        return [
            self.emit(f"phi {kind} [{first}, %{before}], [{result}, %{last}]")
            for (kind, first), result in zip(carried, results, strict=True)
        ]

    def repeat(self, enter: str, carried: Carried, body: Callable[[list[str]], tuple[Sequence[str], str]]) -> list[str]:
        """While a condition holds. enter: whether it does at first. body(values) gives the next values and whether it
        still does; the last values are returned."""
        before, inside, after = self.block, self.label("loop"), self.label("end")
        self.branch(enter, inside, after)
        self.start(inside)
        place = len(self.lines)
        self._values += len(carried)
        phis = [f"%.{self._values - k}" for k in range(len(carried))]
        results, again = body(phis)
        last = self.block
        self.branch(again, inside, after)
        self.lines[place:place] = [
            f"  {phi} = phi {kind} [{first}, %{before}], [{result}, %{last}]"
            for phi, (kind, first), result in zip(phis, carried, results, strict=True)
        ]
        self.start(after)
        return [
            self.emit(f"phi {kind} [{first}, %{before}], [{result}, %{last}]")
            for (kind, first), result in zip(carried, results, strict=True)
        ]

    def when(self, condition: str, then: Callable[[], Sequence[str] | None], default: Carried = ()) -> list[str]:
        """then() where `condition` (an i1) holds, else the default values; the values are returned."""
        before, yes, after = self.block, self.label("then"), self.label("end")
        self.branch(condition, yes, after)
        self.start(yes)
        results = list(then() or [])
        last = self.block
        self.jump(after)
        self.start(after)
        return [
            self.emit(f"phi {kind} [{value}, %{before}], [{result}, %{last}]")
            for (kind, value), result in zip(default, results, strict=True)
        ]

    # -- memory --------------------------------------------------------------------------------------------------------
    def gep(self, pointer: str, offset: str, type_: str = "i8") -> str:
        """The address `offset` elements of `type_` behind `pointer`."""
        return self.emit(f"getelementptr {type_}, ptr {pointer}, i64 {offset}")

    def load(self, type_: str, pointer: str, align: int) -> str:
        return self.emit(f"load {type_}, ptr {pointer}, align {align}")

    def store(self, type_: str, value: str, pointer: str, align: int) -> None:
        self.line(f"store {type_} {value}, ptr {pointer}, align {align}")

    def slot(self, frame: str, number: int, type_: str = "i64") -> str:
        """The value in 8-byte slot `number` of a frame."""
        return self.load(type_, self.gep(frame, str(8 * number)), 8)

    def set_slot(self, frame: str, number: int, value: str, type_: str = "i64") -> None:
        self.store(type_, value, self.gep(frame, str(8 * number)), 8)

    def call(self, name: str, returns: str, args: Sequence[tuple[str, str]]) -> str:
        """A call of `name` (with its @ or %); gives the value, or "" for void."""
        text = f"call {returns} {name}({', '.join(f'{t} {v}' for t, v in args)})"
        if returns == "void":
            self.line(text)
            return ""
        return self.emit(text)

    def intrinsic(self, name: str, returns: str, args: Sequence[tuple[str, str]]) -> str:
        """A call of an intrinsic, which is declared on the way: intrinsic("llvm.fma.f32", ...)."""
        return self.call(self.module.declare(name, returns, [t for t, _ in args]), returns, args)

    def __str__(self) -> str:
        return self.text(self.linkage)

    def declaration(self) -> str:
        """The function as another module knows it."""
        return f"declare {self.returns} @{self.name}({', '.join(t for t, _ in self.params)})"

    def text(self, linkage: str) -> str:
        """The function, with a linkage that may be another than its own."""
        params = ", ".join(f"{t} %{n}" for t, n in self.params)
        linkage = f"{linkage} " if linkage else ""
        inline = " noinline" if self.noinline else ""
        head = f"define {linkage}{self.returns} @{self.name}({params}){inline} #0 {{\nentry:"
        return "\n".join([head, *self.entry, *self.lines, "}"])


def vector(type_: str, width: int) -> str:
    """The type of `width` lanes; the scalar type itself for one."""
    return type_ if width == 1 else f"<{width} x {type_}>"


def float_literal(value: float) -> str:
    """A float or double constant as LLVM writes it: the bits of the double."""
    return "0x" + struct.pack(">d", value).hex().upper()


def splat_literal(type_: str, text: str, width: int) -> str:
    """The same constant in all lanes."""
    return text if width == 1 else f"splat ({type_} {text})"
