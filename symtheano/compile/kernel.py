"""Kernel: what one pass over an index space computes. Declarative: targets differ in how they traverse it, not in what.

    kernel   ::=  for each point of `axes`: the stages, in order
    stage    ::=  [for each point of `inner`:]  body
    body     ::=  Keep(name, expr)                a value at each inner point that later stages read again
               |  Reduce(name, op, dtype, expr)   folds expr over the inner axes; later stages read it as load(name)
               |  Store(buffer, index, expr)      writes an element of a buffer

    softmax of rows    axes i, inner j, buffers x0 (in), x1 (out)
        for j:  r0 = maximum x0[i, j]
        for j:  t0 = exp(x0[i, j] - r0); r1 = add t0
        for j:  x1[i, j] = t0 / r1

Expressions are those of the scalar language. `load(buffer, index...)` reads an element: each index is `index(axis)`, a
constant (0 where an axis of length 1 is stretched), or any expression of integers (a gather). `index(axis)` is also a
value, an int64: the coordinate. `load(name)` reads a reduction, `load(name, inner axes...)` what was kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from symtheano.errors import CheckError
from symtheano.scalar.expr import Expr, dtypes_of, postorder, text
from symtheano.scalar.op import ScalarOp


@dataclass(frozen=True, slots=True)
class Buffer:
    """An array that a kernel reads or writes. A buffer that is written may be read at the very index being written."""

    name: str
    dtype: str
    ndim: int
    written: bool = False

    def __str__(self) -> str:
        return f"{'*' if self.written else ''}{self.name}: {self.dtype}[{self.ndim}]"


@dataclass(frozen=True, slots=True)
class Keep:
    name: str
    dtype: str
    expr: Expr

    def __str__(self) -> str:
        return f"{self.name} = {_inline(self.expr)}"


@dataclass(frozen=True, slots=True)
class Reduce:
    """dtype: what is accumulated in, and the dtype of the result. Of no elements it is the op's identity."""

    name: str
    op: ScalarOp
    dtype: str
    expr: Expr

    def __str__(self) -> str:
        return f"{self.name} = {self.op.name} {_inline(self.expr)}"


@dataclass(frozen=True, slots=True)
class Store:
    """add: the element is added to, in the order of the index space; indices may repeat."""

    buffer: str
    index: tuple[Expr, ...]
    expr: Expr
    add: bool = False

    def __str__(self) -> str:
        where = ", ".join(map(_inline, self.index))
        return f"{self.buffer}[{where}] {'+' if self.add else ''}= {_inline(self.expr)}"


Statement = Keep | Reduce | Store


@dataclass(frozen=True, slots=True)
class Stage:
    """inner: whether the body runs at each point of the inner axes, or once."""

    inner: bool
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Kernel:
    """axes: the points computed independently of each other; inner: the axes that stages loop over and reduce."""

    axes: tuple[str, ...]
    inner: tuple[str, ...]
    buffers: tuple[Buffer, ...]
    stages: tuple[Stage, ...]
    floatX: str = "float64"  # what constants among integers become

    def statements(self) -> Iterator[Statement]:
        """All statements, in order."""
        for stage in self.stages:
            yield from stage.body

    def dtypes(self, more: Mapping[str, str] | None = None) -> dict[Expr, str]:
        """The dtype of every expression that has one (see scalar.expr.dtypes_of). more: other buffers, by name."""
        given = {**{b.name: b.dtype for b in self.buffers}, **(more or {})}
        given |= {s.name: s.dtype for s in self.statements() if not isinstance(s, Store)}
        return dtypes_of([s.expr for s in self.statements()], given, self.floatX)

    def __str__(self) -> str:
        lines = [f"kernel [{', '.join(self.axes)}; {', '.join(self.inner)}] {', '.join(map(str, self.buffers))}"]
        for stage in self.stages:
            head = f"  for {', '.join(self.inner)}:" if stage.inner and self.inner else "  once:"
            lines += [head, *(f"    {s}" for s in stage.body)]
        return "\n".join(lines)

    def check(self) -> None:
        """Raises CheckError where a name is read before it is made, an axis is unknown, or an index does not fit."""
        buffers = {b.name: b for b in self.buffers}
        if len(buffers) != len(self.buffers) or len({*self.axes, *self.inner}) != len(self.axes) + len(self.inner):
            raise CheckError(f"a name stands twice in\n{self}")
        reduced: set[str] = set()
        kept: set[str] = set()
        for stage in self.stages:
            known = {*self.axes, *(self.inner if stage.inner else ())}
            made: set[str] = set()
            for statement in stage.body:
                exprs = [statement.expr, *(statement.index if isinstance(statement, Store) else ())]
                for node in postorder(exprs):
                    if node.kind == "index" and node.value not in known:
                        raise CheckError(f"'{statement}' reads the axis {node.value}, which is not bound in\n{self}")
                    if node.kind == "load":
                        self._check_load(node, statement, buffers, reduced, kept)
                if isinstance(statement, Store):
                    buffer = buffers.get(statement.buffer)
                    if buffer is None or not buffer.written or buffer.ndim != len(statement.index):
                        raise CheckError(f"'{statement}' does not fit its buffer in\n{self}")
                elif statement.name in buffers or statement.name in reduced or statement.name in kept:
                    raise CheckError(f"{statement.name} is made twice in\n{self}")
                elif isinstance(statement, Keep):
                    kept.add(statement.name)
                else:
                    made.add(statement.name)
                if not stage.inner and not isinstance(statement, Store):
                    raise CheckError(f"'{statement}' needs the inner axes in\n{self}")
            reduced |= made

    def _check_load(
        self, node: Expr, statement: Statement, buffers: dict[str, Buffer], reduced: set[str], kept: set[str]
    ) -> None:
        name, count = node.value, len(node.args)
        fits = (
            (name in buffers and buffers[name].ndim == count)
            or (name in reduced and count == 0)
            or (name in kept and count == len(self.inner))
        )
        if not fits:
            raise CheckError(f"'{statement}' reads {name} with {count} indices, which is not there in\n{self}")


def _inline(expr: Expr) -> str:
    return "; ".join(text(expr).splitlines())
