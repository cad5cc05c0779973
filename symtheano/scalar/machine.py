"""Machine code for one point: typed, straight-line, in the operations that processors have.

The last form of a scalar expression, which every target prints: `scalar/vecmath` writes exp, log, tanh ... in it, the
rows of the table are lowered to it, and a target turns each instruction into one of its own, for one lane or many.

    code = Code()
    x = code.input("x", "float32")
    y = code.fma(x, x, code.const(1.0, "float32"))
    print(code)
        r0: float32 = input x
        r1: float32 = const 1.0
        r2: float32 = fma r0 r0 r1

Equal instructions are one (value numbering); floating point is IEEE's, operation by operation: nothing is contracted,
reassociated or assumed finite. Complex numbers are pairs of registers, float16 is converted to float32 on the way in:
neither is a type of registers. Conversions and comparisons are explicit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Number = bool | int | float

# What an instruction's result type is, given its operands': "same" as the first, "bool", or named by the instruction.
# name: (operands, result, operand classes allowed: b bool, i integers, f floats)
OPS: dict[str, tuple[int, str, str]] = {
    "input": (0, "given", "bif"),
    "const": (0, "given", "bif"),
    "add": (2, "same", "if"),
    "sub": (2, "same", "if"),
    "mul": (2, "same", "if"),
    "div": (2, "same", "f"),
    "idiv": (2, "same", "i"),  # towards zero; the divisor must be neither 0 nor, for the smallest integer, -1
    "irem": (2, "same", "i"),  # the remainder of idiv
    "fma": (3, "same", "f"),  # x * y + z, rounded once
    "neg": (1, "same", "if"),
    "abs": (1, "same", "if"),
    "sqrt": (1, "same", "f"),
    "floor": (1, "same", "f"),
    "ceil": (1, "same", "f"),
    "trunc": (1, "same", "f"),
    "rint": (1, "same", "f"),  # halves to even
    "copysign": (2, "same", "f"),
    "half": (1, "same", "f"),  # a float32 rounded to the nearest float16; halves to even, too large ones infinite
    "maximum": (2, "same", "if"),  # nan if either is; of equal ones (0.0 and -0.0) the second
    "minimum": (2, "same", "if"),
    "and": (2, "same", "bi"),
    "or": (2, "same", "bi"),
    "xor": (2, "same", "bi"),
    "not": (1, "same", "bi"),
    "shl": (2, "same", "i"),  # shifts: the amount is taken modulo the number of bits
    "lshr": (2, "same", "i"),
    "ashr": (2, "same", "i"),
    "eq": (2, "bool", "bif"),
    "ne": (2, "bool", "bif"),  # true of nan
    "lt": (2, "bool", "bif"),
    "le": (2, "bool", "bif"),
    "gt": (2, "bool", "bif"),
    "ge": (2, "bool", "bif"),
    "select": (3, "second", "bif"),  # where the bool holds the second operand, else the third
    "convert": (1, "given", "bif"),  # as C: integers wrap, floats round to nearest, a float to an integer truncates
    "bitcast": (1, "given", "if"),  # the same bits, of a type of the same width
}

_CLASS = {"b": "b", "i": "i", "u": "i", "f": "f"}


@dataclass(frozen=True, slots=True)
class Reg:
    """The result of instruction number `place`."""

    place: int
    dtype: str

    def __str__(self) -> str:
        return f"r{self.place}"


@dataclass(frozen=True, slots=True)
class Instr:
    """One instruction. `detail`: the name of an input, the number of a const, the `Rare` of a rare."""

    op: str
    dtype: str
    args: tuple[Reg, ...]
    detail: Any = None

    def __str__(self) -> str:
        tail = [] if self.detail is None else [str(self.detail)]
        return " ".join([self.op, *tail, *map(str, self.args)])


@dataclass(frozen=True)
class Rare:
    """What the lanes of a `rare` need where its condition holds: a function of registers, written in the same code.

    Targets emit it out of line, behind a branch taken when any lane needs it.
    """

    name: str
    build: Callable[..., Reg]  # (code, *registers) -> register

    def __str__(self) -> str:
        return self.name


class Code:
    """Instructions under construction, in order."""

    def __init__(self) -> None:
        self.instrs: list[Instr] = []
        self._known: dict[Any, Reg] = {}

    # -- making ------------------------------------------------------------------------------------------------------
    def input(self, name: str, dtype: str) -> Reg:
        """The value called `name`, given from outside."""
        return self._add("input", dtype, (), name)

    def const(self, value: Number, dtype: str) -> Reg:
        """A number, rounded to `dtype`."""
        exact = np.dtype(dtype).type(value).item()
        return self._add("const", dtype, (), exact, key=repr(exact))

    def like(self, x: Reg, value: Number) -> Reg:
        """A number of the type of `x`."""
        return self.const(value, x.dtype)

    def op(self, name: str, *args: Reg, dtype: str | None = None) -> Reg:
        """The instruction `name`."""
        count, result, allowed = OPS[name]
        if len(args) != count:
            raise TypeError(f"{name} takes {count} operands, not {len(args)}")
        first = args[1] if name == "select" else args[0]
        if _CLASS[np.dtype(first.dtype).kind] not in allowed:
            raise TypeError(f"{name} is not defined for {first.dtype}")
        if name == "select" and args[0].dtype != "bool":
            raise TypeError(f"select needs a bool, not {args[0].dtype}")
        for other in args[2:] if name == "select" else args[1:]:
            if other.dtype != first.dtype:
                raise TypeError(f"{name} of {', '.join(a.dtype for a in args)}: operands must be of one type")
        if result == "given":
            assert dtype is not None, name
            if dtype == first.dtype:
                return first
        kind = {"same": first.dtype, "second": first.dtype, "bool": "bool", "given": dtype}[result]
        assert kind is not None
        return self._add(name, kind, args)

    def __getattr__(self, name: str) -> Callable[..., Reg]:
        # code.add(x, y), code.and_(x, y): the instructions by name
        plain = name.rstrip("_")
        if plain not in OPS:
            raise AttributeError(name)
        return lambda *args, dtype=None: self.op(plain, *args, dtype=dtype)

    def rare(self, condition: Reg, usual: Reg, function: Rare, *args: Reg) -> Reg:
        """`usual`, but function(*args) in the lanes where `condition` holds, which is seldom."""
        return self._add("rare", usual.dtype, (condition, usual, *args), function)

    def _add(self, op: str, dtype: str, args: tuple[Reg, ...], detail: Any = None, key: Any = None) -> Reg:
        known = (op, dtype, args, detail if key is None else key)
        found = self._known.get(known)
        if found is None:
            found = self._known[known] = Reg(len(self.instrs), dtype)
            self.instrs.append(Instr(op, dtype, args, detail))
        return found

    # -- reading -----------------------------------------------------------------------------------------------------
    def needed(self, results: Sequence[Reg]) -> list[int]:
        """The places of the instructions that `results` depend on, in order."""
        wanted = {r.place for r in results}
        for place in range(len(self.instrs) - 1, -1, -1):
            if place in wanted:
                wanted.update(a.place for a in self.instrs[place].args)
        return sorted(wanted)

    def __str__(self) -> str:
        return "\n".join(f"r{k}: {i.dtype} = {i}" for k, i in enumerate(self.instrs))

    def check(self) -> None:
        """Raises AssertionError where an instruction reads what is not computed before it, or of another type."""
        for place, instr in enumerate(self.instrs):
            for arg in instr.args:
                assert arg.place < place, f"r{place} reads {arg}"
                assert self.instrs[arg.place].dtype == arg.dtype, f"r{place} reads {arg} as {arg.dtype}"


def is_nan(code: Code, x: Reg) -> Reg:
    """Whether a float is nan."""
    return code.op("ne", x, x)


def polynomial(code: Code, x: Reg, coefficients: Sequence[float]) -> Reg:
    """The polynomial of these coefficients, the highest degree first, by Horner's rule in fused multiply-adds."""
    value = code.like(x, coefficients[0])
    for c in coefficients[1:]:
        value = code.op("fma", value, x, code.like(x, c))
    return value


INFINITY = math.inf
