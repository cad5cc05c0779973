"""Lengths in machine code: the formulas of compile/lengths.py over a region's frame, each computed once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from symtheano.compile.lengths import Axis, Formula, Length, Number
from symtheano.compile.target.native.llvm import LLVM_TYPES, Function
from symtheano.graph.variable import Variable

_BINARY = {"add": "add", "sub": "sub", "mul": "mul", "and_": "and", "or_": "or"}
_COMPARED = {"lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge", "eq": "eq", "neq": "ne"}
MOST = 1 << 46  # bytes: no machine has them
RELATIONS = {"==": "eq", "<=": "sle", "<": "slt"}


class LengthCode:
    """Writes lengths into one function. slots: for each given array the slot of its pointer in %frame.

    What it writes stands where it is asked for first: ask before branches part.
    """

    def __init__(self, function: Function, slots: Mapping[Variable, int]):
        self.f, self.slots = function, slots
        self._known: dict[Length, str] = {}

    def value(self, length: Length) -> str:
        """The length as an i64: a literal or a value."""
        if isinstance(length, int):
            return str(length)
        stack: list[Length] = [length]
        while stack:
            one = stack[-1]
            if one in self._known or isinstance(one, int):
                stack.pop()
                continue
            args = [a for a in one.args if a is not None] if isinstance(one, Formula) else []
            missing = [a for a in args if not isinstance(a, int) and a not in self._known]
            if missing:
                stack.extend(missing)
                continue
            self._known[one] = self._compute(one)
            stack.pop()
        return self._known[length]

    def product(self, lengths: Iterable[Length]) -> str:
        """The product of lengths."""
        constant, text = 1, ""
        for n in lengths:
            if isinstance(n, int):
                constant *= n
            else:
                text = self.value(n) if not text else self.f.emit(f"mul i64 {text}, {self.value(n)}")
        if not text:
            return str(constant)
        return text if constant == 1 else self.f.emit(f"mul i64 {text}, {constant}")

    def bounded(self, lengths: Iterable[Length]) -> str:
        """The product of lengths, or a number from MOST on where it is as large or cannot be represented."""
        known = list(lengths)
        few = [n for n in known if not isinstance(n, int)]
        if all(isinstance(n, Axis) for n in few) and len(few) < 2:
            return self.product(known)  # what is given has its place in memory
        f, total = self.f, str(math.prod(n for n in known if isinstance(n, int)))
        for n in few:
            pair = f.intrinsic("llvm.smul.with.overflow.i64", "{i64, i1}", [("i64", total), ("i64", self.value(n))])
            over = f.emit(f"extractvalue {{i64, i1}} {pair}, 1")
            total = self._select(over, str(MOST), f.emit(f"extractvalue {{i64, i1}} {pair}, 0"))
        return f.intrinsic("llvm.umin.i64", "i64", [("i64", total), ("i64", str(MOST))])

    def pointer(self, variable: Variable) -> str:
        """The data of a given array."""
        return self.f.slot("%frame", self.slots[variable], "ptr")

    def _compute(self, length: Axis | Number | Formula) -> str:
        if isinstance(length, Axis):
            return self.f.slot("%frame", self.slots[length.variable] + 1 + length.axis)
        if isinstance(length, Number):
            return self._number(length.variable)
        args = [None if a is None else (str(a) if isinstance(a, int) else self._known[a]) for a in length.args]
        return self._formula(length.op, args)

    def _number(self, variable: Variable) -> str:
        dtype = variable.type.dtype
        kind = LLVM_TYPES[dtype]
        loaded = self.f.load(kind, self.pointer(variable), int(kind[1:]) // 8)
        if kind == "i64":
            return loaded
        return self.f.emit(f"{'sext' if dtype.startswith('int') else 'zext'} {kind} {loaded} to i64")

    def _formula(self, op: str, args: list[Any]) -> str:
        f = self.f
        if op in _BINARY:
            result = args[0]
            for other in args[1:]:
                result = f.emit(f"{_BINARY[op]} i64 {result}, {other}")
            return str(result)
        if op in _COMPARED:
            return f.emit(f"zext i1 {f.emit(f'icmp {_COMPARED[op]} i64 {args[0]}, {args[1]}')} to i64")
        if op in ("maximum", "minimum"):
            return self._least(*args) if op == "minimum" else self._most(*args)
        if op == "neg":
            return f.emit(f"sub i64 0, {args[0]}")
        if op == "abs_":
            return self._most(args[0], f.emit(f"sub i64 0, {args[0]}"))
        if op == "switch":
            return self._select(f.emit(f"icmp ne i64 {args[0]}, 0"), args[1], args[2])
        if op in ("int_div", "mod"):
            return self._division(op, args[0], args[1])
        if op == "place":
            return self._select(f.emit(f"icmp slt i64 {args[1]}, 0"), f.emit(f"add i64 {args[0]}, {args[1]}"), args[1])
        return self._slice(op, args)

    def _select(self, condition: str, yes: str, no: str) -> str:
        return self.f.emit(f"select i1 {condition}, i64 {yes}, i64 {no}")

    def _least(self, a: str, b: str) -> str:
        return self._select(self.f.emit(f"icmp slt i64 {a}, {b}"), a, b)

    def _most(self, a: str, b: str) -> str:
        return self._select(self.f.emit(f"icmp sgt i64 {a}, {b}"), a, b)

    def _division(self, op: str, a: str, b: str) -> str:
        """As Python's // and %, towards minus infinity; 0 where the divisor is 0."""
        f = self.f
        zero = f.emit(f"icmp eq i64 {b}, 0")
        minus = f.emit(f"icmp eq i64 {b}, -1")
        safe = self._select(f.emit(f"or i1 {zero}, {minus}"), "1", b)
        quotient = f.emit(f"sdiv i64 {a}, {safe}")
        rest = f.emit(f"sub i64 {a}, {f.emit(f'mul i64 {quotient}, {safe}')}")
        unlike = f.emit(f"icmp slt i64 {f.emit(f'xor i64 {rest}, {safe}')}, 0")
        down = f.emit(f"and i1 {unlike}, {f.emit(f'icmp ne i64 {rest}, 0')}")
        if op == "int_div":
            floor = f.emit(f"sub i64 {quotient}, {f.emit(f'zext i1 {down} to i64')}")
            result = self._select(minus, f.emit(f"sub i64 0, {a}"), floor)
        else:
            result = self._select(minus, "0", self._select(down, f.emit(f"add i64 {rest}, {safe}"), rest))
        return self._select(zero, "0", result)

    def _slice(self, op: str, args: list[Any]) -> str:
        """The first place of a slice, or its length, as Python's slice.indices(n)."""
        f = self.f
        n, start, stop, step = args
        step = "1" if step is None else step
        back = "false" if step == "1" else f.emit(f"icmp slt i64 {step}, 0")
        last = f.emit(f"sub i64 {n}, 1")

        def bound(given: str | None, default_forward: str, default_back: str) -> str:
            if given is None:
                return self._choose(back, default_back, default_forward)
            wrapped = self._select(f.emit(f"icmp slt i64 {given}, 0"), f.emit(f"add i64 {given}, {n}"), given)
            low, high = self._choose(back, "-1", "0"), self._choose(back, last, n)
            return self._least(self._most(wrapped, low), high)

        first = bound(start, "0", last)
        if op == "first":
            return first
        end = bound(stop, n, "-1")
        span = self._choose(back, f.emit(f"sub i64 {first}, {end}"), f.emit(f"sub i64 {end}, {first}"))
        if step in ("1", "-1"):
            return self._most(span, "0")
        size = self._most(step, f.emit(f"sub i64 0, {step}"))
        size = self._most(size, "1")
        return self._select(f.emit(f"icmp sgt i64 {span}, 0"), self._rounded_up(span, size), "0")

    def _choose(self, back: str, yes: str, no: str) -> str:
        return no if back == "false" else self._select(back, yes, no)

    def _rounded_up(self, span: str, size: str) -> str:
        f = self.f
        less = f.emit(f"sub i64 {size}, 1")
        return f.emit(f"sdiv i64 {f.emit(f'add i64 {span}, {less}')}, {size}")
