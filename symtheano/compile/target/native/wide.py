"""A printer that prints at several widths, and copies scalars into all lanes before the loops that read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from symtheano.compile.target.native.code import Printer, literal, register_type
from symtheano.compile.target.native.llvm import Function, vector
from symtheano.scalar.machine import Code, Reg


class WidePrinter(Printer):
    """`hoist` makes copies that serve wherever the block dominates, at any multiple of their width."""

    def __init__(self, function: Function, code: Code, inputs: Mapping[str, tuple[str, int]] | None = None) -> None:
        super().__init__(function, code, inputs)
        self._hoisted: dict[str | int, tuple[int, str]] = {}  # lanes and name
        self._copies: dict[str | int, dict[int, tuple[str, str]]] = {}  # by width: the block and the name

    def give(self, name: str, value: str, width: int) -> None:
        """The value of an input from here on."""
        super().give(name, value, width)
        self._forget(name)

    def print(self, places: Iterable[int], width: int) -> None:
        """Prints instructions here, `width` lanes each, in the order given."""
        for place in places:
            super().print((place,), width)
            self._forget(place)

    def value(self, reg: Reg, width: int) -> str:
        """The operand that stands for a register, in `width` lanes."""
        key, own, name = self._found(reg)
        if key is None:
            return literal(self.code.instrs[reg.place].detail, reg.dtype, width)
        if own == width:
            return name
        if own != 1:
            raise ValueError(f"{reg} has {own} lanes and cannot be read in {width}")
        copies = self._copies.setdefault(key, {})
        block, copy = copies.get(width, ("", ""))
        if block != self.function.block:
            copy = self._widened(key, reg.dtype, name, width)
            copies[width] = (self.function.block, copy)
        return copy

    def known(self, reg: Reg) -> bool:
        """Whether a register has a value here that is no constant."""
        instr = self.code.instrs[reg.place]
        return instr.detail in self.inputs if instr.op == "input" else reg.place in self._held

    def hoist(self, regs: Iterable[Reg], lanes: int) -> None:
        """Copies scalars into `lanes` lanes here."""
        for reg in regs:
            key, own, name = self._found(reg)
            if key is not None and own == 1 and key not in self._hoisted:
                self._hoisted[key] = (lanes, self._splat(reg.dtype, name, lanes))

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is given, printed and hoisted inside is forgotten at the end."""
        before = dict(self._hoisted), dict(self._copies)
        with super().scope():
            yield
        self._hoisted, self._copies = before

    def _forget(self, key: str | int) -> None:
        self._hoisted.pop(key, None)
        self._copies.pop(key, None)

    def _found(self, reg: Reg) -> tuple[str | int | None, int, str]:
        instr = self.code.instrs[reg.place]
        if instr.op == "const":
            return None, 1, ""
        if instr.op == "input":
            return instr.detail, self.inputs[instr.detail][1], self.inputs[instr.detail][0]
        return reg.place, self._held[reg.place][1], self._held[reg.place][0]

    def _widened(self, key: str | int, dtype: str, name: str, width: int) -> str:
        lanes, copy = self._hoisted.get(key, (0, ""))
        if lanes == width:
            return copy
        if not lanes or width % lanes:
            return self._splat(dtype, name, width)
        # The same register several times: nothing is computed, and one register holds it outside the block.
        type_ = register_type(dtype, lanes)
        places = ", ".join(f"i32 {k % lanes}" for k in range(width))
        return self.function.emit(f"shufflevector {type_} {copy}, {type_} poison, <{width} x i32> <{places}>")

    def _splat(self, dtype: str, name: str, width: int) -> str:
        one, many = register_type(dtype, 1), register_type(dtype, width)
        first = self.function.emit(f"insertelement {many} poison, {one} {name}, i64 0")
        zeros = f"{vector('i32', width)} zeroinitializer"
        return self.function.emit(f"shufflevector {many} {first}, {many} poison, {zeros}")
