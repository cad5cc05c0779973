"""Machine code of one point as LLVM: each instruction for one lane, or for many at once.

    printer = Printer(function, code, {"x": ("%1t", 16), "y": ("%2t", 1)})
    printer.print(outer, 1)        # instructions that are the same for all lanes: printed where they vary least
    printer.splat(outer_regs, 16)  # optional: copied into all lanes here, not at each use
    printer.print(inner, 16)       # what is read and was printed at width 1 is copied into all lanes
    printer.value(result, 16)      # "%17t"

The caller chooses where (the block being written in `function`) and how wide each instruction is printed; operands
first. Printing a place again replaces its value (another loop, an unrolled body); `scope` forgets what was printed
inside. Constants are literals and inputs the caller's names: neither needs printing.

In registers a bool is an i1; `loaded` and `storable` convert from and to the bytes of memory. Nothing is contracted,
reassociated or assumed finite. A float that no integer of the target type can hold becomes what the processor's
conversion gives (NumPy's result too), never poison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache

import numpy as np

from symtheano.compile.target.native import half
from symtheano.compile.target.native.llvm import Function, Host, Module, float_literal, splat_literal, vector
from symtheano.scalar.machine import Code, Instr, Rare, Reg

# ----- Types -----


@cache
def register_type(dtype: str, width: int) -> str:
    """How `width` values of a dtype lie in registers: ("bool", 4) -> "<4 x i1>"; float16 is held as float."""
    return vector(_element(dtype), width)


@cache
def _element(dtype: str) -> str:
    if dtype == "bool":
        return "i1"
    if dtype in ("float16", "float32"):
        return "float"
    return "double" if dtype == "float64" else f"i{_bits(dtype)}"


@cache
def _suffix(dtype: str, width: int) -> str:
    # The end of an intrinsic's name: .v16f32
    element = _element(dtype)
    short = {"float": "f32", "double": "f64"}.get(element, element)
    return short if width == 1 else f"v{width}{short}"


@cache
def _bits(dtype: str) -> int:
    return 8 * np.dtype(dtype).itemsize


@cache
def _kind(dtype: str) -> str:
    return np.dtype(dtype).kind


def literal(value: bool | int | float, dtype: str, width: int) -> str:
    """A constant as LLVM writes it, in all lanes."""
    kind = _kind(dtype)
    if kind == "b":
        return splat_literal("i1", "true" if value else "false", width)
    return splat_literal(_element(dtype), float_literal(float(value)) if kind == "f" else str(int(value)), width)


def loaded(function: Function, dtype: str, raw: str, width: int) -> str:
    """The register of a value as it was loaded: an i8 for bool, a half for float16."""
    if dtype == "bool":
        return function.emit(f"icmp ne {vector('i8', width)} {raw}, {splat_literal('i8', '0', width)}")
    if dtype != "float16":
        return raw
    if _has_half(function.module.host):
        return function.emit(f"fpext {vector('half', width)} {raw} to {vector('float', width)}")
    bits = function.emit(f"bitcast {vector('half', width)} {raw} to {vector('i16', width)}")
    return _written(function, half.from_bits, "uint16", bits, width)


def storable(function: Function, dtype: str, value: str, width: int) -> str:
    """The value of a register as it is stored."""
    if dtype == "bool":
        return function.emit(f"zext {vector('i1', width)} {value} to {vector('i8', width)}")
    if dtype != "float16":
        return value
    if _has_half(function.module.host):
        return function.emit(f"fptrunc {vector('float', width)} {value} to {vector('half', width)}")
    bits = _written(function, half.to_bits, "float32", value, width)
    return function.emit(f"bitcast {vector('i16', width)} {bits} to {vector('half', width)}")


def _has_half(host: Host) -> bool:
    return not host.triple.startswith(("x86_64", "i686")) or "+f16c" in host.features.split(",")


def _written(function: Function, build: Callable[[Code, Reg], Reg], dtype: str, value: str, width: int) -> str:
    """build(x) printed here."""
    code = Code()
    result = build(code, code.input("x", dtype))
    printer = Printer(function, code, {"x": (value, width)})
    printer.print(code.needed([result]), width)
    return printer.value(result, width)


# ----- The printer -----


class Printer:
    """Prints the instructions of a Code into a function."""

    def __init__(self, function: Function, code: Code, inputs: Mapping[str, tuple[str, int]] | None = None) -> None:
        self.function, self.code = function, code
        self.inputs: dict[str, tuple[str, int]] = dict(inputs or {})
        self._held: dict[int, tuple[str, int]] = {}  # by place: the SSA name and its width
        self._splats: dict[str | int, tuple[str | None, str]] = {}  # the block it is valid in (None: any) and the name

    def give(self, name: str, value: str, width: int) -> None:
        """The value of an input from here on."""
        self.inputs[name] = (value, width)
        self._splats.pop(name, None)

    def print(self, places: Iterable[int], width: int) -> None:
        """Prints instructions here, `width` lanes each, in the order given."""
        instrs = self.code.instrs
        for place in places:
            instr = instrs[place]
            if instr.op in ("input", "const"):
                continue
            args = [self.value(arg, width) for arg in instr.args]
            if instr.op == "rare":
                value = _rare(self.function, instr, args, width)
            else:
                value = _PRINT[instr.op](self.function, instr, args, width)
            self._held[place] = (value, width)
            self._splats.pop(place, None)

    def width(self, reg: Reg) -> int:
        """How many lanes the value of a register has here: 1 for a constant."""
        instr = self.code.instrs[reg.place]
        if instr.op == "const":
            return 1
        return self.inputs[instr.detail][1] if instr.op == "input" else self._held[reg.place][1]

    def value(self, reg: Reg, width: int) -> str:
        """The operand that stands for a register, in `width` lanes; it must have been printed."""
        instr = self.code.instrs[reg.place]
        if instr.op == "const":
            return literal(instr.detail, instr.dtype, width)
        key: str | int = instr.detail if instr.op == "input" else reg.place
        value, own = self.inputs[instr.detail] if instr.op == "input" else self._held[reg.place]
        if own == width:
            return value
        if own != 1:
            raise ValueError(f"{reg} has {own} lanes and cannot be read in {width}: {instr}")
        block, wide = self._splats.get(key, ("", ""))
        if block is not None and block != self.function.block:
            wide = _splat(self.function, register_type(reg.dtype, 1), value, width)
            self._splats[key] = (self.function.block, wide)
        return wide

    def splat(self, regs: Iterable[Reg], width: int) -> None:
        """Copies scalar values into all lanes here; the copies serve every later use, which this block dominates."""
        for reg in regs:
            instr = self.code.instrs[reg.place]
            if instr.op == "const" or self.width(reg) != 1:
                continue
            key = instr.detail if instr.op == "input" else reg.place
            self._splats[key] = (None, self.value(reg, width))

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is given and printed inside is forgotten at the end: the body of a loop, a branch."""
        before = dict(self.inputs), dict(self._held), dict(self._splats)
        try:
            yield
        finally:
            self.inputs, self._held, self._splats = before


def _splat(function: Function, type_: str, value: str, width: int) -> str:
    many = vector(type_, width)
    first = function.emit(f"insertelement {many} poison, {type_} {value}, i64 0")
    return function.emit(f"shufflevector {many} {first}, {many} poison, <{width} x i32> zeroinitializer")


# ----- One instruction -----

Print = Callable[[Function, Instr, Sequence[str], int], str]


def _plain(integer: str, floating: str, unsigned: str | None = None) -> Print:
    """An instruction of two operands of one type."""

    def emit(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
        kind = _kind(instr.dtype)
        name = floating if kind == "f" else (unsigned or integer) if kind == "u" else integer
        return function.emit(f"{name} {register_type(instr.dtype, width)} {', '.join(args)}")

    return emit


def _intrinsic(name: str) -> Print:
    """llvm.NAME of operands of the result's type."""

    def emit(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
        return _call(function, name, instr.dtype, args, width)

    return emit


def _call(function: Function, name: str, dtype: str, args: Sequence[str], width: int) -> str:
    type_ = register_type(dtype, width)
    return function.intrinsic(f"llvm.{name}.{_suffix(dtype, width)}", type_, [(type_, arg) for arg in args])


def _fma(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
    if function.module.host.fma:
        return _call(function, "fma", instr.dtype, args, width)
    # Rounded twice: the function of the C library that rounds once costs fifty times as much.
    type_ = register_type(instr.dtype, width)
    return function.emit(f"fadd {type_} {function.emit(f'fmul {type_} {args[0]}, {args[1]}')}, {args[2]}")


def _idiv(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
    kind, bits = _kind(instr.dtype), _bits(instr.dtype)
    if width == 1 or bits == 64 or not args[1].startswith("%"):
        return _plain("sdiv", "", "udiv")(function, instr, args, width)
    # No processor divides vectors of integers. In floats with more than twice the bits no quotient that is not an
    # integer is rounded to one: it is at least 2 ** -bits of itself away.
    from_, to = register_type(instr.dtype, width), register_type("float32" if bits < 32 else "float64", width)
    sign = "u" if kind == "u" else "s"
    x, y = (function.emit(f"{sign}itofp {from_} {arg} to {to}") for arg in args)
    return function.emit(f"fpto{sign}i {to} {function.emit(f'fdiv {to} {x}, {y}')} to {from_}")


def _irem(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
    if width == 1:
        return _plain("srem", "", "urem")(function, instr, args, width)
    type_, quotient = register_type(instr.dtype, width), _idiv(function, instr, args, width)
    return function.emit(f"sub {type_} {args[0]}, {function.emit(f'mul {type_} {quotient}, {args[1]}')}")


def _neg(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
    type_ = register_type(instr.dtype, width)
    if _kind(instr.dtype) == "f":
        return function.emit(f"fneg {type_} {args[0]}")
    return function.emit(f"sub {type_} {literal(0, instr.dtype, width)}, {args[0]}")


def _abs(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
    kind = _kind(instr.dtype)
    if kind == "f":
        return _call(function, "fabs", instr.dtype, args, width)
    if kind == "u":
        return args[0]
    type_ = register_type(instr.dtype, width)
    name = f"llvm.abs.{_suffix(instr.dtype, width)}"
    return function.intrinsic(name, type_, [(type_, args[0]), ("i1", "false")])  # the smallest integer stays itself


def _extremum(integer: str, predicate: str) -> Print:
    # As NumPy: nan if either is, and the second of two zeros. One vmaxps, and a select for a first operand of nan.
    def emit(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
        kind, type_ = _kind(instr.dtype), register_type(instr.dtype, width)
        if kind != "f":
            return _call(function, f"{'u' if kind == 'u' else 's'}{integer}", instr.dtype, args, width)
        x, y = args
        mask = vector("i1", width)
        better = function.emit(f"fcmp {predicate} {type_} {x}, {y}")
        chosen = function.emit(f"select {mask} {better}, {type_} {x}, {type_} {y}")
        nan = function.emit(f"fcmp uno {type_} {x}, {x}")
        return function.emit(f"select {mask} {nan}, {type_} {x}, {type_} {chosen}")

    return emit


def _not(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
    ones = literal(True, "bool", width) if instr.dtype == "bool" else splat_literal(_element(instr.dtype), "-1", width)
    return function.emit(f"xor {register_type(instr.dtype, width)} {args[0]}, {ones}")


def _shift(name: str) -> Print:
    # By an amount modulo the width, as scalar shifts of processors do: more would be poison.
    def emit(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
        type_, most = register_type(instr.dtype, width), _bits(instr.dtype) - 1
        amount = args[1]
        if amount.startswith("%"):
            amount = function.emit(f"and {type_} {amount}, {literal(most, instr.dtype, width)}")
        return function.emit(f"{name} {type_} {args[0]}, {amount}")

    return emit


def _compare(name: str) -> Print:
    floating = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}[name]

    def emit(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
        dtype = instr.args[0].dtype
        kind, type_ = _kind(dtype), register_type(dtype, width)
        if kind == "f":
            return function.emit(f"fcmp {floating} {type_} {args[0]}, {args[1]}")
        predicate = name if name in ("eq", "ne") else ("s" if kind == "i" else "u") + name
        return function.emit(f"icmp {predicate} {type_} {args[0]}, {args[1]}")

    return emit


def _select(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
    type_ = register_type(instr.dtype, width)
    return function.emit(f"select {vector('i1', width)} {args[0]}, {type_} {args[1]}, {type_} {args[2]}")


def _bitcast(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
    from_, to = register_type(instr.args[0].dtype, width), register_type(instr.dtype, width)
    return args[0] if from_ == to else function.emit(f"bitcast {from_} {args[0]} to {to}")


def _half(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
    if not _has_half(function.module.host):
        return _written(function, half.rounded, "float32", args[0], width)
    return loaded(function, "float16", storable(function, "float16", args[0], width), width)


# ----- Conversions -----


def _convert(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
    x, source, target = args[0], instr.args[0].dtype, instr.dtype
    from_, to = register_type(source, width), register_type(target, width)
    kinds = _kind(source) + _kind(target)
    if kinds[1] == "b":
        zero = literal(0, source, width)
        return function.emit(f"{'fcmp une' if kinds[0] == 'f' else 'icmp ne'} {from_} {x}, {zero}")
    if kinds[0] == "b":
        one, zero = literal(1, target, width), literal(0, target, width)
        return function.emit(f"select {from_} {x}, {to} {one}, {to} {zero}")
    if kinds[0] == "f" and kinds[1] != "f":
        return _to_integer(function, x, source, target, width)
    if kinds == "ff":
        name = "fpext" if _bits(target) > _bits(source) else "fptrunc"
    elif kinds[1] == "f":
        name = "uitofp" if kinds[0] == "u" else "sitofp"
    elif _bits(source) == _bits(target):
        return x
    elif _bits(source) > _bits(target):
        name = "trunc"
    else:
        name = "zext" if kinds[0] == "u" else "sext"
    return function.emit(f"{name} {from_} {x} to {to}")


def _to_integer(function: Function, x: str, source: str, target: str, width: int) -> str:
    """Towards zero. Integers of 8 and 16 bits are the low bits of an int32, as compiled C gives them."""
    if target in ("uint32", "uint64"):
        return _to_unsigned(function, x, source, target, width)
    through = target if target in ("int32", "int64") else "int32"
    value = _truncated(function, x, source, through, width)
    if through == target:
        return value
    return function.emit(f"trunc {register_type(through, width)} {value} to {register_type(target, width)}")


def _truncated(function: Function, x: str, source: str, target: str, width: int) -> str:
    to = register_type(target, width)
    value = function.emit(f"fptosi {register_type(source, width)} {x} to {to}")
    return function.emit(f"freeze {to} {value}")


def _to_unsigned(function: Function, x: str, source: str, target: str, width: int) -> str:
    # The upper half of the range is converted less its lowest number, which is the top bit.
    from_, to, mask = register_type(source, width), register_type(target, width), vector("i1", width)
    bits = _bits(target)
    middle = literal(2.0 ** (bits - 1), source, width)
    upper = function.emit(f"fcmp oge {from_} {x}, {middle}")
    less = function.emit(f"fsub {from_} {x}, {middle}")
    value = function.emit(f"select {mask} {upper}, {from_} {less}, {from_} {x}")
    value = _truncated(function, value, source, f"int{bits}", width)
    zero, bit = literal(0, target, width), literal(1 << (bits - 1), target, width)
    top = function.emit(f"select {mask} {upper}, {to} {bit}, {to} {zero}")
    return function.emit(f"xor {to} {value}, {top}")


# ----- Rare lanes -----


def _rare(function: Function, instr: Instr, args: Sequence[str], width: int) -> str:
    """A branch, taken when any lane needs it, to a function out of line, which goes through those lanes."""
    condition, usual, *rest = args
    dtypes = tuple(arg.dtype for arg in instr.args[2:])
    type_ = register_type(instr.dtype, width)
    given = [(register_type(d, width), x) for d, x in zip(dtypes, rest, strict=True)]
    name = _rare_function(function.module, instr.detail, dtypes, instr.dtype)
    if width == 1:
        return function.when(condition, lambda: [function.call(f"@{name}", type_, given)], [(type_, usual)])[0]
    name = _rare_lanes(function.module, name, dtypes, instr.dtype, width)
    lanes = function.emit(f"bitcast {vector('i1', width)} {condition} to i{width}")
    given = [(f"i{width}", lanes), (type_, usual), *given]
    any_lane = function.emit(f"icmp ne i{width} {lanes}, 0")
    return function.when(any_lane, lambda: [function.call(f"@{name}", type_, given)], [(type_, usual)])[0]


def _rare_function(module: Module, rare: Rare, dtypes: tuple[str, ...], dtype: str) -> str:
    """The name of the function of a Rare for one lane, which is emitted once into the module."""
    name = ".".join(["rare", rare.name, *dtypes, dtype])
    if name not in module.functions:
        params = [f"x{k}" for k in range(len(dtypes))]
        types = [register_type(d, 1) for d in dtypes]
        function = module.function(name, list(zip(types, params, strict=True)), register_type(dtype, 1))
        function.noinline = function.cold = True
        code = Code()
        result = rare.build(code, *(code.input(p, d) for p, d in zip(params, dtypes, strict=True)))
        printer = Printer(function, code, {p: (f"%{p}", 1) for p in params})
        printer.print(code.needed([result]), 1)
        function.ret(printer.value(result, 1))
    return name


def _rare_lanes(module: Module, one: str, dtypes: tuple[str, ...], dtype: str, width: int) -> str:
    """The name of a function that calls `one` for those lanes of its arguments whose bits are set, and keeps others."""
    name = f"{one}.{width}"
    if name in module.functions:
        return name
    kinds, params = (dtype, *dtypes), [f"x{k}" for k in range(len(dtypes) + 1)]
    wide = [register_type(d, width) for d in kinds]
    function = module.function(name, [(f"i{width}", "lanes"), *zip(wide, params, strict=True)], wide[0])
    function.noinline = function.cold = True
    places = [function.alloca(t) for t in wide]  # the first holds the results
    for type_, param, place in zip(wide, params, places, strict=True):
        function.store(type_, f"%{param}", place, 64)

    def lane(i: str, _: list[str]) -> None:
        bit = function.emit(f"trunc i64 {i} to i{width}") if width < 64 else i
        bit = function.emit(f"lshr i{width} %lanes, {bit}")
        function.when(function.emit(f"trunc i{width} {bit} to i1"), lambda: one_lane(i))

    def one_lane(i: str) -> None:
        elements = [register_type(d, 1) for d in kinds]
        addresses = [function.gep(p, i, t) for p, t in zip(places, elements, strict=True)]
        given = [
            (t, function.load(t, address, np.dtype(d).itemsize))
            for t, address, d in zip(elements[1:], addresses[1:], dtypes, strict=True)
        ]
        value = function.call(f"@{one}", elements[0], given)
        function.store(elements[0], value, addresses[0], np.dtype(dtype).itemsize)

    function.loop("0", str(width), 1, [], lane)
    function.ret(function.load(wide[0], places[0], 64))
    return name


_PRINT: dict[str, Print] = {
    "add": _plain("add", "fadd"),
    "sub": _plain("sub", "fsub"),
    "mul": _plain("mul", "fmul"),
    "div": _plain("", "fdiv"),
    "idiv": _idiv,
    "irem": _irem,
    "fma": _fma,
    "neg": _neg,
    "abs": _abs,
    "sqrt": _intrinsic("sqrt"),
    "floor": _intrinsic("floor"),
    "ceil": _intrinsic("ceil"),
    "trunc": _intrinsic("trunc"),
    "rint": _intrinsic("rint"),
    "copysign": _intrinsic("copysign"),
    "maximum": _extremum("max", "ogt"),
    "minimum": _extremum("min", "olt"),
    "and": _plain("and", ""),
    "or": _plain("or", ""),
    "xor": _plain("xor", ""),
    "not": _not,
    "shl": _shift("shl"),
    "lshr": _shift("lshr"),
    "ashr": _shift("ashr"),
    **{name: _compare(name) for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    "select": _select,
    "convert": _convert,
    "bitcast": _bitcast,
    "half": _half,
}
