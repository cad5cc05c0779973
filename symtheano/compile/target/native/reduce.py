"""Reductions: accumulators of one or many lanes, how they are combined, and how sums stay accurate.

A sum of floats runs in blocks of a few steps, each block's sum is added to a total that is more accurate: of double
precision where the terms are single, else a pair (total, what rounding lost). So the error does not grow with the
number of terms. Everything else is combined step by step.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from symtheano.compile.target.native.code import Printer, literal, register_type
from symtheano.compile.target.native.llvm import Function
from symtheano.compile.target.native.point import Fold, joined, parts, parts_of
from symtheano.scalar.expr import call, dtypes_of, expand_all
from symtheano.scalar.expr import load as load_expr
from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.op import ScalarOp
from symtheano.scalar.rows import lower_exprs
from symtheano.scalar.rows_convert import convert

Values = list[str]


@dataclass(frozen=True)
class Accumulator:
    """One Reduce: its values while loops run. `terms`: the dtypes of the registers of a term."""

    fold: Fold
    blocked: bool

    @property
    def dtype(self) -> str:
        return self.fold.reduce.dtype

    @property
    def terms(self) -> tuple[str, ...]:
        return tuple(r.dtype for r in self.fold.values)

    @property
    def totals(self) -> tuple[str, ...]:
        """The dtypes of the registers of a total: those of the result, and where needed what rounding lost."""
        own = parts_of(self.dtype)
        return own * 2 if self.compensated else own

    @property
    def compensated(self) -> bool:
        return self.blocked and self.terms == parts_of(self.dtype)

    # -- in loops --------------------------------------------------------------------------------------------------

    def first_terms(self, width: int) -> Values:
        """The identity, as terms."""
        return [literal(x, d, width) for x, d in zip(identity(self.fold.reduce.op, self.dtype), self.terms)]

    def first_totals(self, width: int) -> Values:
        """The identity, as a total."""
        numbers = identity(self.fold.reduce.op, self.dtype)
        return [literal(x, d, width) for x, d in zip(numbers * 2, self.totals)]

    def combine(self, function: Function, x: Values, y: Values, width: int) -> Values:
        """Two terms as one."""
        code, results = _combination(self.fold.reduce.op, self.dtype, self.terms)
        names = [f"{side}{k}" for side in "xy" for k in range(len(x))]
        printer = Printer(function, code, {n: (v, width) for n, v in zip(names, [*x, *y])})
        printer.print(code.needed(results), width)
        return [printer.value(r, width) for r in results]

    def flush(self, function: Function, totals: Values, terms: Values, width: int) -> Values:
        """A block's terms added to the totals."""
        if not self.compensated:
            wide = [_extended(function, t, a, b, width) for t, a, b in zip(terms, self.terms, self.totals)]
            return [_add(function, d, x, y, width) for d, x, y in zip(self.totals, totals, wide)]
        count = len(terms)
        sums, losses = [], []
        for k, dtype in enumerate(self.terms):
            total, lost = _two_sum(function, dtype, totals[k], terms[k], width)
            sums.append(total)
            losses.append(_add(function, dtype, totals[count + k], lost, width))
        return sums + losses

    # -- at the end ------------------------------------------------------------------------------------------------

    def finish(self, function: Function, totals: Values, width: int, row: bool) -> Values:
        """The result's registers: of one lane in row form."""
        values = list(totals)
        if self.compensated:
            count = len(self.terms)
            pairs = zip(self.terms, totals[:count], totals[count:])
            values = [_with_lost(function, d, t, lost, width) for d, t, lost in pairs]
        if row and width > 1:
            values = self.narrow(function, values, width, 1, totals=True)
            width = 1
        if self.dtype == "float16":
            values = [_half(function, values[0], width)]
        return values

    def narrow(self, function: Function, values: Values, width: int, to: int, totals: bool = False) -> Values:
        """Halves combined until `to` lanes are left."""
        dtypes = parts_of(self.dtype) if totals else self.terms
        self_ = Accumulator(Fold(self.fold.reduce, tuple(Reg(0, d) for d in dtypes)), False)
        while width > to:
            half = width // 2
            low = [_lanes(function, d, v, width, range(half)) for d, v in zip(dtypes, values)]
            high = [_lanes(function, d, v, width, range(half, width)) for d, v in zip(dtypes, values)]
            values, width = self_.combine(function, low, high, half), half
        return values


def identity(op: ScalarOp, dtype: str) -> list[bool | int | float]:
    """The number that changes nothing, for each register of a dtype."""
    number = op.identity
    assert number is not None, f"{op.name} has no identity"
    kind = np.dtype(dtype).kind
    if kind == "c":
        return [float(number), 0.0]
    if kind == "f":
        return [float(number)]
    if np.isinf(number):
        limits = (False, True) if kind == "b" else (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
        return [limits[number > 0]]
    if kind == "b":
        return [bool(number)]
    return [int(np.array(int(number)).astype(dtype))]


@cache
def _combination(op: ScalarOp, dtype: str, terms: tuple[str, ...]) -> tuple[Code, tuple[Reg, ...]]:
    """Machine code of op(x, y), in the dtype of the terms."""
    own = terms[0] if len(terms) == 1 and dtype != "float16" else dtype
    code = Code()
    if own == "float16" and op.name in ("add", "mul", "maximum", "minimum"):
        own = "float32"  # a sum of halves is rounded at the end, as NumPy does
    x, y = (joined([code.input(f"{side}{k}", d) for k, d in enumerate(parts_of(own))]) for side in "xy")
    expr = expand_all(call(op, load_expr("x"), load_expr("y")))
    dtypes = dtypes_of([expr], {"x": own, "y": own}, "float64")
    (value,) = lower_exprs(code, [expr], dtypes, lambda node: x if node.value == "x" else y, "float64")
    return code, parts(convert(code, value, dtypes[expr], own))


# ----- Pieces -----


def _half(function: Function, value: str, width: int) -> str:
    code = Code()
    result = code.op("half", code.input("x", "float32"))
    printer = Printer(function, code, {"x": (value, width)})
    printer.print([result.place], width)
    return printer.value(result, width)


def _add(function: Function, dtype: str, x: str, y: str, width: int) -> str:
    return function.emit(f"fadd {register_type(dtype, width)} {x}, {y}")


def _extended(function: Function, value: str, source: str, target: str, width: int) -> str:
    if source == target:
        return value
    return function.emit(f"fpext {register_type(source, width)} {value} to {register_type(target, width)}")


def _two_sum(function: Function, dtype: str, x: str, y: str, width: int) -> tuple[str, str]:
    """x + y, and what its rounding lost, exactly (Knuth)."""
    type_ = register_type(dtype, width)
    total = function.emit(f"fadd {type_} {x}, {y}")
    shadow = function.emit(f"fsub {type_} {total}, {x}")
    left = function.emit(f"fsub {type_} {x}, {function.emit(f'fsub {type_} {total}, {shadow}')}")
    right = function.emit(f"fsub {type_} {y}, {shadow}")
    return total, function.emit(f"fadd {type_} {left}, {right}")


def _with_lost(function: Function, dtype: str, total: str, lost: str, width: int) -> str:
    """total + lost; a total that is infinite or nan has lost nothing."""
    type_, mask = register_type(dtype, width), register_type("bool", width)
    finite = function.emit(f"fcmp ord {type_} {lost}, {lost}")
    whole = function.emit(f"fadd {type_} {total}, {lost}")
    return function.emit(f"select {mask} {finite}, {type_} {whole}, {type_} {total}")


def _lanes(function: Function, dtype: str, value: str, width: int, chosen: range) -> str:
    type_ = register_type(dtype, width)
    if len(chosen) == 1:
        return function.emit(f"extractelement {type_} {value}, i64 {chosen[0]}")
    places = ", ".join(f"i32 {k}" for k in chosen)
    return function.emit(f"shufflevector {type_} {value}, {type_} poison, <{len(chosen)} x i32> <{places}>")


def blocks(code: Code, fold: Fold) -> bool:
    """Whether a reduction is a sum of floats whose rounding errors would grow with the number of terms."""
    if fold.reduce.op.name != "add" or np.dtype(fold.reduce.dtype).kind not in "fc":
        return False
    made = code.instrs[fold.values[0].place]
    narrow = made.op == "convert" and np.dtype(made.args[0].dtype).itemsize < np.dtype(made.dtype).itemsize
    return not narrow  # terms of single precision lose nothing that shows in a total of double
