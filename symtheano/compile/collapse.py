"""Simpler kernels of equal meaning: axes of length 1 are left out, neighbouring axes become one where memory allows.

An array that lies dense in memory can be walked over as one long axis. A kernel over two axes, whose buffers are dense
in both or vary along neither, becomes a kernel over their product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symtheano.compile.kernel import Buffer, Keep, Kernel, Reduce, Stage, Statement, Store
from symtheano.scalar.expr import Expr, load, postorder, with_args


@dataclass(frozen=True)
class Collapsed:
    """kernel: the simpler one. axes: for each of its axes, outer ones first, those of the original whose product it is.

    kept: for each buffer the axes of the original buffer that are still its own.
    """

    kernel: Kernel
    axes: dict[str, tuple[str, ...]]
    kept: dict[str, tuple[int, ...]]


def collapse(kernel: Kernel, is_dense: Callable[[str, int], bool]) -> Collapsed:
    """The simplest form of a kernel.

    is_dense(buffer, axis): whether the stride of `axis` is the length of the next axis times its stride.
    """
    uses = _uses(kernel)
    kept = {
        b.name: tuple(k for k in range(b.ndim) if any(_place(index[k]) != "" for index in uses[b.name]))
        for b in kernel.buffers
    }
    fixed = _fixed_axes(kernel)
    merged: dict[str, tuple[str, ...]] = {}
    dropped: dict[str, set[int]] = {b.name: set() for b in kernel.buffers}
    for axes in (kernel.axes, kernel.inner):
        names = list(axes)
        position = len(names) - 1
        groups: dict[str, tuple[str, ...]] = {n: (n,) for n in names}
        while position > 0:
            outer, inner = names[position - 1], names[position]
            places = _mergeable(outer, groups[inner][0], kernel.buffers, uses, kept, is_dense)
            if outer in fixed or inner in fixed or places is None:
                position -= 1
                continue
            for name, axis in places.items():
                dropped[name].add(axis)
            groups[inner] = (outer, *groups[inner])
            del groups[outer]
            names.pop(position - 1)
            position -= 1
        merged.update({n: groups[n] for n in names})
    keep = {name: tuple(k for k in axes if k not in dropped[name]) for name, axes in kept.items()}
    return Collapsed(_rebuild(kernel, merged, keep), merged, keep)


def _uses(kernel: Kernel) -> dict[str, list[tuple[Expr, ...]]]:
    """Every index at which each buffer is read or written."""
    found: dict[str, list[tuple[Expr, ...]]] = {b.name: [] for b in kernel.buffers}
    for statement in kernel.statements():
        roots = [statement.expr]
        if isinstance(statement, Store):
            found[statement.buffer].append(statement.index)
            roots += statement.index
        for node in postorder(roots):
            if node.kind == "load" and node.value in found:
                found[node.value].append(node.args)
    return found


def _place(where: Expr) -> str | None:
    """The axis that an index is, "" for the constant 0, None for anything else."""
    if where.kind == "index":
        return str(where.value)
    return "" if where.kind == "const" and where.value == 0 else None


def _fixed_axes(kernel: Kernel) -> set[str]:
    """The axes whose coordinates are values, or parts of computed places."""
    fixed: set[str] = set()
    for statement in kernel.statements():
        roots = [statement.expr, *(statement.index if isinstance(statement, Store) else ())]
        reads = postorder(roots)
        plain = {a for n in reads if n.kind == "load" for a in n.args if a.kind == "index"}
        if isinstance(statement, Store):
            plain.update(a for a in statement.index if a.kind == "index")
        for node in reads:
            for arg in node.args if node.kind == "call" else ():
                if arg.kind == "index":
                    fixed.add(arg.value)
        fixed.update(e.value for e in (statement.expr,) if e.kind == "index")
        fixed.update(n.value for n in reads if n.kind == "index" and n not in plain)
    return fixed


def _mergeable(
    outer: str,
    inner: str,
    buffers: Sequence[Buffer],
    uses: dict[str, list[tuple[Expr, ...]]],
    kept: dict[str, tuple[int, ...]],
    is_dense: Callable[[str, int], bool],
) -> dict[str, int] | None:
    """For each buffer that runs along both axes the position of the outer one; None where they cannot be one axis."""
    found: dict[str, int] = {}
    for buffer in buffers:
        for index in uses[buffer.name]:
            places = [_place(index[k]) for k in kept[buffer.name]]
            if (outer in places) != (inner in places):
                return None
            if outer not in places:
                continue
            at = places.index(outer)
            axis = kept[buffer.name][at]
            if places.count(outer) + places.count(inner) > 2 or places[at + 1 : at + 2] != [inner]:
                return None
            if kept[buffer.name][at + 1] != axis + 1 or not is_dense(buffer.name, axis):
                return None
            if found.setdefault(buffer.name, axis) != axis:
                return None
        if buffer.name in found and not all(_runs(i, found[buffer.name], outer, inner) for i in uses[buffer.name]):
            return None
    return found


def _runs(index: tuple[Expr, ...], axis: int, outer: str, inner: str) -> bool:
    return _place(index[axis]) == outer and _place(index[axis + 1]) == inner


def _rebuild(kernel: Kernel, merged: dict[str, tuple[str, ...]], keep: dict[str, tuple[int, ...]]) -> Kernel:
    inner_of = {name: new for new, olds in merged.items() for name in olds}
    made: dict[Expr, Expr] = {}

    def rebuilt(expr: Expr) -> Expr:
        for node in postorder((expr,)):
            if node in made:
                continue
            args = tuple(made[a] for a in node.args)
            if node.kind == "load" and node.value in keep:
                args = tuple(args[k] for k in keep[node.value])
                made[node] = load(node.value, args)
            elif node.kind == "load":  # a kept value: one index for each inner axis that is left
                made[node] = load(node.value, tuple(a for a in args if a.value in merged))
            else:
                made[node] = with_args(node, args) if node.args else node
        return made[expr]

    def statement(old: Statement) -> Statement:
        if isinstance(old, Store):
            index = tuple(rebuilt(old.index[k]) for k in keep[old.buffer])
            return Store(old.buffer, index, rebuilt(old.expr), old.add)
        if isinstance(old, Keep):
            return Keep(old.name, old.dtype, rebuilt(old.expr))
        return Reduce(old.name, old.op, old.dtype, rebuilt(old.expr))

    assert all(inner_of[a] for a in (*kernel.axes, *kernel.inner))
    return Kernel(
        tuple(a for a in kernel.axes if a in merged),
        tuple(a for a in kernel.inner if a in merged),
        tuple(Buffer(b.name, b.dtype, len(keep[b.name]), b.written) for b in kernel.buffers),
        tuple(Stage(s.inner, tuple(map(statement, s.body))) for s in kernel.stages),
        kernel.floatX,
    )
