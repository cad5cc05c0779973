"""The kernels and the sequences of a native function as pseudo-C, to be read: `print(f.source("native"))`.

Nobody compiles this text. The code that runs is LLVM's (`f.source("llvm")`): the same loops, over vectors. Names are
our own; what the user calls a value stands in comments, as plain characters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from symtheano.compile.fuse import Group
from symtheano.compile.kernel import Keep, Kernel, Reduce, Stage, Store
from symtheano.compile.naming import Names, Value, operations, results
from symtheano.compile.target.native.gemm.spec import ACC
from symtheano.compile.target.native.launched import Launch, Made
from symtheano.compile.target.native.loop import LoopCode
from symtheano.compile.target.native.place import Place
from symtheano.compile.target.native.region import RegionCode
from symtheano.graph.text import operation
from symtheano.graph.variable import Variable
from symtheano.scalar.expr import Expr, postorder

_TYPES = {"float16": "half", "float32": "float", "float64": "double", "bool": "bool"}
_TYPES |= {"complex64": "complex float", "complex128": "complex double"}
_INFIX = {"or_": ("|", 2), "xor": ("^", 3), "and_": ("&", 4), "eq": ("==", 5), "neq": ("!=", 5)}
_INFIX |= {"lt": ("<", 6), "le": ("<=", 6), "gt": (">", 6), "ge": (">=", 6)}
_INFIX |= {"add": ("+", 8), "sub": ("-", 8), "mul": ("*", 9), "true_div": ("/", 9)}
_CALLED = {"int_div": "floor_div", "mod": "floor_mod", "abs_": "abs"}
_CHOICE, _UNARY, _ATOM = 0, 10, 11  # how tightly an operator binds
_FIRST = {"add": "0", "mul": "1", "or_": "0", "xor": "0", "and_": "~0"}  # of a fold
_LONG = 90  # characters from which on a part of an expression gets a name


def kernel_text(name: str, made: Made) -> str:
    """A kernel, or a product with its epilogue, as a C function."""
    return "\n".join(_Printer(name, made).run())


def region_text(
    number: int | str, code: RegionCode, names: Names, given: Sequence[Value], gives: Sequence[Value]
) -> str:
    """What a region checks, and what it launches in which order; before it the same of the steps of its loops."""
    lines: list[str] = []
    for k, loop in enumerate(code.loops):
        step, own = loop.loop, f"{number}.{k}"
        lines += ["// a step: x are its consts, s its states and the elements of sequences", "//"]
        lines += [f"// {line}" for line in str(step.program).splitlines()]
        lines += ["", region_text(own, loop.inner, step.names, step.region.reads, step.region.gives), ""]
    return "\n".join([*lines, *_sizes(number, code, names), "", *_body(number, code, names, given, gives)])


# ------------------------------------------------------------------------------------------------------------ kernels


class _Printer:
    def __init__(self, name: str, made: Made) -> None:
        self.name, self.made, self.kernel = name, made, made.kernel
        buffers = {ACC: made.dtype} if made.dtype else {}
        self.dtypes = _dtypes(self.kernel, buffers)
        self.arrays = {b.name for b in self.kernel.buffers}
        self.lines: list[str] = []
        self.depth = 0
        self.count = 0

    def run(self) -> list[str]:
        kernel, dtype = self.kernel, self.made.dtype
        if dtype is not None:
            self.line(f"// a product of {dtype} matrices; the lines behind the sums are the epilogue")
        matrices = [f"const {_type(dtype)} *A", f"const {_type(dtype)} *B"] if dtype else []
        buffers = [f"{'' if b.written else 'const '}{_type(b.dtype)} *{b.name}" for b in kernel.buffers]
        lengths = [f"long n_{a}" for a in (*kernel.axes, *kernel.inner, *(["k"] if dtype else []))]
        self.line(f"void {self.name}({', '.join([*matrices, *buffers, *lengths])}) {{")
        self.depth += 1
        for axis in kernel.axes:
            self.loop(axis, "   // threads share it" if axis == self.made.layout.split else "")
        if dtype is not None:
            i, j = kernel.axes
            self.line(f"{_type(dtype)} {ACC} = 0;")
            self.line(f"for (long k = 0; k < n_k; k++) {ACC} += A[{i}][k] * B[k][{j}];")
        for stage in kernel.stages:
            self.stage(stage)
        self.close(0)
        return self.lines

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def loop(self, axis: str, note: str = "") -> None:
        self.line(f"for (long {axis} = 0; {axis} < n_{axis}; {axis}++) {{{note}")
        self.depth += 1

    def close(self, depth: int) -> None:
        """Ends loops until so many are left."""
        while self.depth > depth:
            self.depth -= 1
            self.line("}")

    # -- stages ------------------------------------------------------------------------------------------------------
    def stage(self, stage: Stage) -> None:
        for statement in stage.body:
            if isinstance(statement, Reduce):
                first = _first(statement.op.name, statement.dtype)
                self.line(f"{_type(statement.dtype)} {statement.name} = {first};")
            elif isinstance(statement, Keep):
                sizes = "".join(f"[n_{a}]" for a in self.kernel.inner)
                self.line(f"{_type(statement.dtype)} {statement.name}{sizes};")
        depth = self.depth
        if stage.inner:
            for axis in self.kernel.inner:
                self.loop(axis)
        written = self.expressions(stage)
        for statement in stage.body:
            self.statement(statement, written)
        self.close(depth)

    def statement(self, statement: Keep | Reduce | Store, written: dict[Expr, tuple[str, int]]) -> None:
        value = written[statement.expr][0]
        if isinstance(statement, Keep):
            self.line(f"{statement.name}{''.join(f'[{a}]' for a in self.kernel.inner)} = {value};")
        elif isinstance(statement, Store):
            place = _element(statement.buffer, [written[i][0] for i in statement.index])
            self.line(f"{place} {'+' if statement.add else ''}= {value};")
        else:
            sign = _INFIX.get(statement.op.name, ("", 0))[0]
            name = statement.name
            text = f"{name} {sign}= {value}" if sign else f"{name} = {statement.op.name}({name}, {value})"
            self.line(f"{text};")

    def expressions(self, stage: Stage) -> dict[Expr, tuple[str, int]]:
        """The texts of a stage's expressions; what is used twice, or is long, is written to a variable first."""
        roots = [e for s in stage.body for e in (s.expr, *(s.index if isinstance(s, Store) else ()))]
        nodes = postorder(roots)
        uses: dict[Expr, int] = {}
        for node in (*roots, *(a for n in nodes for a in n.args)):
            uses[node] = uses.get(node, 0) + 1
        written: dict[Expr, tuple[str, int]] = {}
        for node in nodes:
            text, level = self.text(node, [written[a] for a in node.args])
            if node.kind == "call" and (uses[node] > 1 or len(text) > _LONG):
                name = f"e{self.count}"
                self.count += 1
                self.line(f"{_type(self.dtypes.get(node, 'float64'))} {name} = {text};")
                text, level = name, _ATOM
            written[node] = (text, level)
        return written

    def text(self, node: Expr, args: list[tuple[str, int]]) -> tuple[str, int]:
        """The text of a node, and how tightly its operator binds."""
        plain = [text for text, _ in args]
        if node.kind == "const":
            number = _number(node.value)
            return number, _UNARY if number.startswith("-") else _ATOM
        if node.kind == "index":
            return str(node.value), _ATOM
        if node.kind == "load":
            single = node.value == ACC or (not plain and node.value not in self.arrays)
            return (node.value if single else _element(node.value, plain)), _ATOM
        return self.call(node, args, plain)

    def call(self, node: Expr, args: list[tuple[str, int]], plain: list[str]) -> tuple[str, int]:
        row = node.value
        if row.params or row.name.startswith("Cast"):
            return f"({_type(self.dtypes[node])}){_wrapped(args[0], _UNARY)}", _UNARY
        if row.name == "switch":
            return f"{_wrapped(args[0], 1)} ? {_wrapped(args[1], 1)} : {_wrapped(args[2], 1)}", _CHOICE
        if row.name in ("neg", "invert"):
            sign = "-" if row.name == "neg" else "!" if self.dtypes.get(node) == "bool" else "~"
            return sign + _wrapped(args[0], _UNARY + 1), _UNARY
        if row.name == "inv":
            return f"1 / {_wrapped(args[0], _UNARY)}", 9
        if row.name in _INFIX and len(args) > 1:
            sign, level = _INFIX[row.name]
            sides = [_wrapped(a, level + (k > 0)) for k, a in enumerate(args)]
            return f" {sign} ".join(sides), level
        return f"{_CALLED.get(row.name, row.name)}({', '.join(plain)})", _ATOM


def _dtypes(kernel: Kernel, more: Mapping[str, str | None]) -> dict[Expr, str]:
    """The dtypes of a kernel's expressions; `more` buffers may be read."""
    if not more:
        return kernel.dtypes()
    return kernel.dtypes({name: dtype for name, dtype in more.items() if dtype is not None})


def _wrapped(part: tuple[str, int], level: int) -> str:
    text, own = part
    return text if own >= level else f"({text})"


def _element(name: str, places: Sequence[str]) -> str:
    return name + ("".join(f"[{p}]" for p in places) or "[0]")


def _type(dtype: str | None) -> str:
    return "void" if dtype is None else _TYPES.get(dtype, f"{dtype}_t")


def _first(row: str, dtype: str) -> str:
    """What a fold starts with."""
    if row in ("maximum", "minimum"):
        real = np.dtype(dtype).kind == "f"
        return ("-" * (row == "maximum") + "INFINITY") if real else ("lowest" if row == "maximum" else "highest")
    return "true" if row == "and_" and dtype == "bool" else _FIRST.get(row, "identity")


def _number(value: Any) -> str:
    number = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, bool):
        return str(number).lower()
    if isinstance(number, int):
        return str(number)
    if isinstance(number, complex):
        return f"({number.real} + {number.imag} * I)"
    text = {"nan": "NAN", "inf": "INFINITY", "-inf": "-INFINITY"}.get(repr(number))
    single = isinstance(value, np.float32)
    return text or (f"{value!s}f" if single else repr(number))


# ------------------------------------------------------------------------------------------------------------ regions


def _sizes(number: int | str, code: RegionCode, names: Names) -> Iterator[str]:
    yield f"int sizes{number}() {{   // 1: the NumPy program takes the call, computes or explains"
    for check in code.checks:
        if not isinstance(check.left, int) or not isinstance(check.right, int):
            yield f"    if (!({names.length(check.left)} {check.relation} {names.length(check.right)})) return 1;"
    yield "    return 0;"
    yield "}"


def _body(
    number: int | str, code: RegionCode, names: Names, given: Sequence[Value], gives: Sequence[Value]
) -> Iterator[str]:
    yield f"int body{number}() {{"
    for title, values in (("given", given), ("gives", gives)):
        for value in values:
            yield f"    // {title} {_described(value, names)}"
    held = dict(enumerate(code.scratch.slots))
    for slot in held:
        inside = [names.of(v) for v, k in code.scratch.homes.items() if k == slot]
        lengths = "".join(f" * {names.length(n)}" for n in held[slot].lengths)
        yield f"    char *scratch{slot} = arena({held[slot].bytes}{lengths});   // {', '.join(inside)}"
    where: dict[tuple[str, tuple[str, ...]], list[Variable]] = {}
    for variable, place in code.places.items():
        where.setdefault((place.pointer, place.strides), []).append(variable)
    for one in code.sequence:
        if isinstance(one, Launch):
            yield f"    {_call(one, where, names)}"
        else:
            yield from (f"    {line}" for line in _loop(one, names))
    yield "    return 0;"
    yield "}"


def _loop(code: LoopCode, names: Names) -> Iterator[str]:
    """The loop: what its step's names stand for, and where the states lie."""
    loop, step = code.loop, code.loop.names
    yield f"// {operation(loop.node)}"
    for v in loop.region.reads:
        yield f"// {step.of(v)}: {code.described(v, names)}"
    for state in code.states.values():
        outs = [names.of(out) for out in code.outputs_of(state.number)]
        yield f"// state {state.number}: {state.described}{'; gives ' * bool(outs)}{', '.join(outs)}"
    yield f"for (long t = 0; t < {names.length(loop.lengths[0])}; t++)"
    yield f"    if ({code.inner.body}()) return 1;{'   // until it says so' if loop.stop is not None else ''}"


def _described(value: Value, names: Names) -> str:
    variable = names.analysis.graph.outputs[value] if isinstance(value, int) else value
    dtype = getattr(variable.type, "dtype", "")
    return "  ".join(filter(None, [f"{names.of(value)}: {dtype}{names.shape(variable)}", *names.note(value)]))


def _call(launch: Launch, where: Mapping[tuple[str, tuple[str, ...]], list[Variable]], names: Names) -> str:
    group = launch.group
    made = results(group, names.fusion)
    written = {b.name for b in launch.kernel.buffers if b.written}

    def name(buffer: str, place: Place) -> str:
        """What lies there: one of the values that are made here, or read, if several do at different times."""
        found = where.get((place.pointer, place.strides), [])
        if not found and group.kind == "check" and group.head is not None:
            return names.of(group.head.inputs[1]) if buffer == "b1" else "outside"
        preferred: Sequence[Value] = made if buffer in written else names.schedule.read_by[group]
        fitting = [v for v in preferred if v in found or (isinstance(v, int) and not found)]
        return names.home(next(iter([*fitting, *found])))

    ordered = sorted(launch.given, key=lambda b: (b not in ("A", "B"), len(b), b))
    arrays = [name(b, launch.given[b]) for b in ordered]
    lengths = [[n] for n in launch.points] if "A" in launch.given else list(launch.axes.values())
    sizes = ["*".join(map(names.length, each)) for each in lengths]
    text = f"{launch.name}({', '.join([*arrays, *sizes])});"
    return f"{text}{' if (outside) return 1;' if group.kind == 'check' else ''}   // {_note(group, made, names)}"


def _note(group: Group, made: Sequence[Value], names: Names) -> str:
    """The operations, what the user calls the results, and the lines they come from."""
    called, lines = zip(*(names.note(v) for v in made)) if made else ((), ())
    parts = [operations(group), *dict.fromkeys(filter(None, called)), *dict.fromkeys(filter(None, lines))]
    return "; ".join(parts)
