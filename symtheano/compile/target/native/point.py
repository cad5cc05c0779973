"""A kernel as machine code of one point: its expressions and addresses in one Code, and what the inputs stand for.

The inputs of the Code are loads ("load 3"), lengths ("size i"), strides ("stride x0 1"), coordinates ("index i"),
results of reductions ("result r0 0") and, of the vector axis, "at": the coordinate of the first lane, "lanes": those of
all, and "local": that of the first lane from the beginning of a panel.
Complex values are two inputs, the parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from symtheano.compile.kernel import Buffer, Keep, Kernel, Reduce, Stage, Store
from symtheano.compile.target.native.address import Affine, affine
from symtheano.compile.target.native.nest import Classes, Nest, step_along
from symtheano.scalar.dtypes import is_complex, real_of
from symtheano.scalar.expr import Expr, index, postorder
from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.rows import lower_exprs
from symtheano.scalar.rows_convert import Value, convert, number_of, register_dtype


@dataclass(frozen=True)
class Access:
    """Where an element is: `base` elements into `memory`, the same for all lanes, and then as `along` says."""

    memory: str  # a buffer, or what was kept
    dtype: str
    base: Reg
    along: str  # "same", "beside", "apart" (`offset` is the stride), "gather" (`offset` differs from lane to lane)
    offset: Reg | None = None
    lane: Reg | None = None  # elements from base to the first lane: of "beside" and "apart"
    crossed: bool = False  # "apart", but along the nest's tile axis the elements lie side by side

    @property
    def regs(self) -> tuple[Reg, ...]:
        """The registers it reads."""
        return tuple(r for r in (self.base, self.lane, self.offset) if r is not None)


@dataclass(frozen=True)
class Read:
    """What an input of the Code is, if it is loaded: a part (of a complex number) of an element."""

    access: Access
    part: int
    after: int  # the last stage that writes the buffer, before this reads it; -1: none


@dataclass(frozen=True)
class Write:
    """A Store or a Keep of a stage."""

    access: Access
    values: tuple[Reg, ...]
    add: bool = False

    @property
    def regs(self) -> tuple[Reg, ...]:
        """The registers it reads."""
        return (*self.values, *self.access.regs)


@dataclass(frozen=True)
class Fold:
    """A Reduce of a stage."""

    reduce: Reduce
    values: tuple[Reg, ...]  # of the reduction's dtype, or narrower: sums of floats start in the precision of the terms


@dataclass
class Step:
    """A stage: in order of execution, loads before what is written."""

    inner: bool
    folds: list[Fold] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)

    @property
    def results(self) -> list[Reg]:
        """All registers that the stage needs."""
        return [r for f in self.folds for r in f.values] + [r for w in self.writes for r in w.regs]


@dataclass
class Point:
    """The Code and what its inputs are."""

    code: Code
    steps: list[Step]
    reads: dict[str, Read]  # inputs that are loaded
    results: dict[str, int]  # inputs that a reduction gives: the stage that makes them


AT, LANES, LOCAL = "at", "lanes", "local"


def parts_of(dtype: str) -> tuple[str, ...]:
    """The dtypes of the registers that hold a value: float16 is held as float32, a complex number as two."""
    return (real_of(dtype),) * 2 if is_complex(dtype) else (register_dtype(dtype),)


def lower_kernel(kernel: Kernel, nest: Nest, classes: Classes, dtypes: Mapping[Expr, str], block: int) -> Point:
    """The machine code of one point. block: the lanes of a panel, as far apart as kept values are in column form."""
    return _Lowering(kernel, nest, classes, dtypes, block).run()


class _Lowering:
    def __init__(
        self,
        kernel: Kernel,
        nest: Nest,
        classes: Classes,
        dtypes: Mapping[Expr, str],
        block: int,
    ) -> None:
        self.kernel, self.nest, self.classes, self.dtypes = kernel, nest, classes, dtypes
        self.block = block
        self.buffers = {b.name: b for b in kernel.buffers}
        self.code = Code()
        self.reads: dict[str, Read] = {}
        self.results: dict[str, int] = {}
        self.written: dict[str, int] = {}  # buffers: the last stage that wrote them
        self.made: dict[Expr, Value] = {}  # loads of the stage being lowered
        self.kept: dict[str, Value] = {}  # what the stage being lowered keeps
        self.keeps: dict[str, str] = {}
        self.loads: dict[tuple[Access, int], Value] = {}

    def run(self) -> Point:
        steps = [self._stage(number, stage) for number, stage in enumerate(self.kernel.stages)]
        self.code.check()
        return Point(self.code, steps, self.reads, self.results)

    # -- stages ----------------------------------------------------------------------------------------------------

    def _stage(self, number: int, stage: Stage) -> Step:
        self.made = {}
        if self.kernel.inner:
            self.kept = {}
        step = Step(stage.inner and bool(self.kernel.inner))
        for statement in stage.body:
            (value,) = self._values([statement.expr])
            own = self.dtypes[statement.expr]
            if isinstance(statement, Keep):
                self.keeps[statement.name] = statement.dtype
                self.kept[statement.name] = kept = convert(self.code, value, own, statement.dtype)
                if self.kernel.inner:
                    step.writes.append(Write(self._kept_access(statement.name), parts(kept)))
            elif isinstance(statement, Store):
                access = self._access(statement.buffer, statement.index)
                values = parts(convert(self.code, value, own, self.buffers[statement.buffer].dtype))
                step.writes.append(Write(access, values, statement.add))
            else:
                dtype = self._first_dtype(statement, own)
                step.folds.append(Fold(statement, parts(convert(self.code, value, own, dtype))))
                for part in range(len(parts_of(statement.dtype))):
                    self.results[f"result {statement.name} {part}"] = number
        self.written.update((s.buffer, number) for s in stage.body if isinstance(s, Store))
        return step

    def _first_dtype(self, reduce: Reduce, own: str) -> str:
        """What sums start in: a few terms of single precision lose less than a rounding of the result, and are fast."""
        narrow = self.kernel.inner and reduce.op.name == "add" and own in ("float16", "float32")
        return "float32" if narrow and reduce.dtype == "float64" else reduce.dtype

    def _values(self, exprs: Sequence[Expr]) -> list[Value]:
        """Expressions lowered; the elements they read first, which may have indices that read others."""
        for node in postorder(exprs):
            if node.kind == "load" and node not in self.made:
                self.made[node] = self._load(node)
        return lower_exprs(self.code, exprs, self.dtypes, self._read, self.kernel.floatX)

    def _read(self, node: Expr) -> Value:
        return self.made[node] if node.kind == "load" else self._coordinate(node.value)

    # -- reading ---------------------------------------------------------------------------------------------------

    def _coordinate(self, axis: str) -> Reg:
        return self.code.input(LANES if axis == self.nest.vector else f"index {axis}", "int64")

    def _load(self, node: Expr) -> Value:
        name = node.value
        if name in self.buffers:
            return self._element(self._access(name, node.args), self.buffers[name].dtype, self.written.get(name, -1))
        if name in self.keeps:
            assert all(a is index(i) for a, i in zip(node.args, self.kernel.inner, strict=True)), node
            return self.kept.get(name) or self._element(self._kept_access(name), self.keeps[name], -1)
        dtype = next(s.dtype for s in self.kernel.statements() if isinstance(s, Reduce) and s.name == name)
        return joined([self.code.input(f"result {name} {k}", d) for k, d in enumerate(parts_of(dtype))])

    def _element(self, access: Access, dtype: str, after: int) -> Value:
        found = self.loads.get((access, after))
        if found is None:
            regs = []
            for part, register in enumerate(parts_of(dtype)):
                name = f"load {len(self.reads)}"
                self.reads[name] = Read(access, part, after)
                regs.append(self.code.input(name, register))
            found = self.loads[access, after] = joined(regs)
        return found

    # -- addresses -------------------------------------------------------------------------------------------------

    def _access(self, name: str, exprs: Sequence[Expr]) -> Access:
        buffer, classes = self.buffers[name], self.classes[name]
        sums = tuple(affine(e, self.dtypes) for e in exprs)
        along = "same" if self.nest.vector is None else step_along(self.nest.vector, sums, classes)
        if along == "gather":
            zero = self.code.const(0, "int64")
            return Access(name, buffer.dtype, zero, along, self._offset(buffer, sums, lanes=True))
        base = self._offset(buffer, sums, lanes=False)
        if along == "same":
            return Access(name, buffer.dtype, base, along)
        at = self.code.input(AT, "int64")
        if along == "beside":
            return Access(name, buffer.dtype, base, along, lane=at)
        assert self.nest.vector is not None
        stride = self._step(buffer, sums, self.nest.vector)
        crossed = self.nest.tile is not None and not buffer.written
        crossed = crossed and step_along(self.nest.tile or "", sums, classes) == "beside"
        return Access(name, buffer.dtype, base, along, stride, self._product(at, stride), crossed)

    def _offset(self, buffer: Buffer, sums: Sequence[Affine], lanes: bool) -> Reg:
        """Elements to what the sums say, terms of outer loops first; without the vector axis, or with all lanes."""
        terms = [self._times(self._stride(buffer, k), s.constant) for k, s in enumerate(sums) if s.constant]
        loops = [*self.nest.outer, *self.nest.inner]
        if self.nest.vector is not None and lanes:
            loops.append(self.nest.vector)
        for axis in loops:
            if any(s.axes.get(axis) for s in sums):
                terms.append(self._product(self._coordinate(axis), self._step(buffer, sums, axis)))
        for k, total in enumerate(sums):
            for expr, factor in total.rest.items():
                (value,) = self._values([expr])
                whole = convert(self.code, value, self.dtypes[expr], "int64")
                assert isinstance(whole, Reg)
                terms.append(self._product(whole, self._times(self._stride(buffer, k), factor)))
        return self._sum(terms)

    def _step(self, buffer: Buffer, sums: Sequence[Affine], axis: str) -> Reg:
        """Elements between neighbours along an axis of the kernel."""
        found = [(k, s.axes[axis]) for k, s in enumerate(sums) if s.axes.get(axis)]
        return self._sum([self._times(self._stride(buffer, k), factor) for k, factor in found])

    def _sum(self, terms: Sequence[Reg]) -> Reg:
        total = terms[0] if terms else self.code.const(0, "int64")
        for term in terms[1:]:
            total = self.code.op("add", total, term)
        return total

    def _times(self, x: Reg, factor: int) -> Reg:
        return self._product(x, self.code.const(factor, "int64"))

    def _product(self, x: Reg, y: Reg) -> Reg:
        a, b = number_of(self.code, x), number_of(self.code, y)
        if a is not None and b is not None:
            return self.code.const(a * b, "int64")
        return y if a == 1 else x if b == 1 else self.code.op("mul", x, y)

    def _stride(self, buffer: Buffer, axis: int) -> Reg:
        if self.classes[buffer.name][axis] == "c":
            return self.code.const(1, "int64")
        return self.code.input(f"stride {buffer.name} {axis}", "int64")

    def _kept_access(self, name: str) -> Access:
        """Kept values lie as the loops go; in column form each point of the inner axes has a block of lanes."""
        nest, terms = self.nest, []
        for k, axis in enumerate(nest.inner):
            within = [*nest.inner[k + 1 :], *([nest.vector] if nest.row and nest.vector is not None else [])]
            term = self._coordinate(axis)
            for other in within:
                term = self._product(term, self.code.input(f"size {other}", "int64"))
            terms.append(term if nest.vector is None or nest.row else self._times(term, self.block))
        base, dtype = self._sum(terms), self.keeps[name]
        if nest.vector is None:
            return Access(name, dtype, base, "same")
        return Access(name, dtype, base, "beside", lane=self.code.input(AT if nest.row else LOCAL, "int64"))


# ----- Values -----


def parts(value: Value) -> tuple[Reg, ...]:
    """The registers of a value."""
    return (value,) if isinstance(value, Reg) else tuple(value)


def joined(regs: Sequence[Reg]) -> Value:
    """The value of registers."""
    return regs[0] if len(regs) == 1 else (regs[0], regs[1])
