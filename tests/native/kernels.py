"""Kernels by name: what the fuser makes of softmax, layer norm, sums and so on. The arrays' shapes name the axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from symtheano.compile.kernel import Buffer, Keep, Kernel, Reduce, Stage, Store
from symtheano.scalar.expr import Builder, Expr, const, index, load
from symtheano.scalar.op import TABLE

m = Builder()
ADD, MAXIMUM = TABLE["add"], TABLE["maximum"]


@dataclass(frozen=True)
class Case:
    """A kernel, and the axes along each buffer ("" is a 0-d one; an index buffer holds coordinates of `holds`)."""

    kernel: Kernel
    shapes: dict[str, str]
    holds: str = ""


def _buffer(name: str, dtype: str, axes: str, written: bool = False) -> Buffer:
    return Buffer(name, dtype, len(axes), written)


def _at(name: str, axes: str) -> Expr:
    return load(name, [index(a) for a in axes])


def _index(axes: str) -> tuple[Expr, ...]:
    return tuple(index(a) for a in axes)


def softmax(dtype: str, axes: str, inner: str, layout: str) -> Case:
    """Three passes: the maximum, the exponentials and their sum, the quotients."""
    x, t, own = _at("x", layout), _at("t", inner), "float64" if dtype == "float32" else dtype
    stages = (
        Stage(True, (Reduce("top", MAXIMUM, dtype, x),)),
        Stage(True, (Keep("t", dtype, m.exp(x - load("top"))), Reduce("total", ADD, own, t))),
        Stage(True, (Store("o", _index(layout), t / m.cast(load("total"), dtype)),)),
    )
    buffers = (_buffer("x", dtype, layout), _buffer("o", dtype, layout, True))
    return Case(Kernel(tuple(axes), tuple(inner), buffers, stages, dtype), {"x": layout, "o": layout})


def logsumexp(dtype: str) -> Case:
    """Of rows, and beside it the largest element."""
    x = _at("x", "ij")
    total = m.cast(load("total"), dtype)
    stages = (
        Stage(True, (Reduce("top", MAXIMUM, dtype, x),)),
        Stage(True, (Reduce("total", ADD, "float64", m.exp(x - load("top"))),)),
        Stage(False, (Store("o", _index("i"), m.log(total) + load("top")), Store("p", _index("i"), load("top")))),
    )
    buffers = (_buffer("x", dtype, "ij"), _buffer("o", dtype, "i", True), _buffer("p", dtype, "i", True))
    return Case(Kernel(("i",), ("j",), buffers, stages, dtype), {"x": "ij", "o": "i", "p": "i"})


def columns_stored_early(dtype: str, scaled: bool) -> Case:
    """Logarithms of sums of columns, and before them their largest elements; scaled: by what lies in their place."""
    x, total = _at("x", "ji"), m.cast(load("total"), dtype)
    shifted = x - load("top")
    stages = (
        Stage(True, (Reduce("top", MAXIMUM, dtype, x),)),
        Stage(False, (Store("p", _index("i"), load("top")),)),
        Stage(True, (Reduce("total", ADD, "float64", m.exp(_at("p", "i") * shifted if scaled else shifted)),)),
        Stage(False, (Store("o", _index("i"), m.log(total)),)),
    )
    buffers = (_buffer("x", dtype, "ji"), _buffer("p", dtype, "i", True), _buffer("o", dtype, "i", True))
    return Case(Kernel(("i",), ("j",), buffers, stages, dtype), {"x": "ji", "o": "i", "p": "i"})


def layer_norm(dtype: str) -> Case:
    """With a scale and a shift for each column; the mean and the deviation of each row are stored, too."""
    x, n = _at("x", "ij"), m.cast(load("n"), dtype)
    mean = m.cast(load("r0"), dtype) / n
    scale = m.inv(m.sqrt(m.cast(load("r1"), dtype) / n + 0.5))
    stages = (
        Stage(True, (Reduce("r0", ADD, "float64", x),)),
        Stage(True, (Reduce("r1", ADD, "float64", m.sqr(x - mean)),)),
        Stage(True, (Store("o", _index("ij"), (x - mean) * scale * _at("g", "j") + _at("b", "j")),)),
        Stage(False, (Store("s", _index("i"), scale),)),
    )
    buffers = (
        *(_buffer("x", dtype, "ij"), _buffer("g", dtype, "j"), _buffer("b", dtype, "j"), _buffer("n", "int64", "")),
        *(_buffer("o", dtype, "ij", True), _buffer("s", dtype, "i", True)),
    )
    shapes = {"x": "ij", "g": "j", "b": "j", "n": "", "o": "ij", "s": "i"}
    return Case(Kernel(("i",), ("j",), buffers, stages, dtype), shapes)


def batch_norm(dtype: str) -> Case:
    """Of (n, c, h): the mean and the variance over n and h, for each c."""
    x, n = _at("x", "acb"), m.cast(load("n"), dtype)
    mean = m.cast(load("r0"), dtype) / n
    stages = (
        Stage(True, (Reduce("r0", ADD, "float64", x),)),
        Stage(True, (Keep("d", dtype, x - mean), Reduce("r1", ADD, "float64", m.sqr(_at("d", "ab"))))),
        Stage(True, (Store("o", _index("acb"), _at("d", "ab") * m.inv(m.sqrt(m.cast(load("r1"), dtype) / n + 0.5))),)),
    )
    buffers = (_buffer("x", dtype, "acb"), _buffer("n", "int64", ""), _buffer("o", dtype, "acb", True))
    return Case(Kernel(("c",), ("a", "b"), buffers, stages, dtype), {"x": "acb", "n": "", "o": "acb"})


def cross_entropy(dtype: str) -> Case:
    """The loss of each row, and its gradient: softmax minus one at the label."""
    x, y, t = _at("x", "ij"), _at("y", "i"), _at("t", "j")
    total = m.cast(load("total"), dtype)
    stages = (
        Stage(True, (Reduce("top", MAXIMUM, dtype, x),)),
        Stage(True, (Keep("t", dtype, m.exp(x - load("top"))), Reduce("total", ADD, "float64", t))),
        Stage(True, (Store("o", _index("ij"), t / total - m.cast(m.eq(index("j"), y), dtype)),)),
        Stage(False, (Store("l", _index("i"), m.log(total) + load("top") - load("x", (index("i"), y))),)),
    )
    buffers = (
        *(_buffer("x", dtype, "ij"), _buffer("y", "int64", "i")),
        *(_buffer("o", dtype, "ij", True), _buffer("l", dtype, "i", True)),
    )
    return Case(Kernel(("i",), ("j",), buffers, stages, dtype), {"x": "ij", "y": "i", "o": "ij", "l": "i"}, "j")


def reduction(op: str, dtype: str, own: str, axes: str, inner: str, layout: str) -> Case:
    """op over some axes."""
    stages = (
        Stage(True, (Reduce("r", TABLE[op], own, _at("x", layout)),)),
        Stage(False, (Store("o", _index(axes), load("r")),)),
    )
    buffers = (_buffer("x", dtype, layout), _buffer("o", own, axes, True))
    return Case(Kernel(tuple(axes), tuple(inner), buffers, stages), {"x": layout, "o": axes})


def elementwise(f: Callable[..., Expr], dtype: str, out: str, layouts: str, axes: str = "ij") -> Case:
    """f of operands that have some of the axes each."""
    names = layouts.split(",")
    operands = [_at(f"x{k}", layout) for k, layout in enumerate(names)]
    buffers = [_buffer(f"x{k}", dtype, layout) for k, layout in enumerate(names)]
    stages = (Stage(False, (Store("o", _index(axes), f(*operands)),)),)
    kernel = Kernel(tuple(axes), (), (*buffers, _buffer("o", out, axes, True)), stages, "float32")
    return Case(kernel, {**{f"x{k}": layout for k, layout in enumerate(names)}, "o": axes})


def scatter_add(dtype: str) -> Case:
    """Rows of x are added to the rows of o that y says, some of them more than once."""
    stages = (Stage(False, (Store("o", (_at("y", "i"), index("j")), _at("x", "ij"), add=True),)),)
    buffers = (_buffer("x", dtype, "ij"), _buffer("y", "int64", "i"), _buffer("o", dtype, "ij", True))
    return Case(Kernel(("i", "j"), (), buffers, stages), {"x": "ij", "y": "i", "o": "ij"}, "i")


def scatter_add_points(dtype: str, index_of: str) -> Case:
    """o[y[i]] += exp(x[i]), or o[0] += exp(x[i])."""
    where = _at("y", "i") if index_of == "y" else const(0)
    stages = (Stage(False, (Store("o", (where,), m.exp(_at("x", "i")), add=True),)),)
    buffers = (_buffer("x", dtype, "i"), _buffer("y", "int64", "i"), _buffer("o", dtype, "i", True))
    return Case(Kernel(("i",), (), buffers, stages), {"x": "i", "y": "i", "o": "i"}, "i")


def scatter_add_sums(dtype: str) -> Case:
    """o[y[i]] += the sum of row i."""
    stages = (
        Stage(True, (Reduce("r", ADD, dtype, _at("x", "ij")),)),
        Stage(False, (Store("o", (_at("y", "i"),), load("r"), add=True),)),
    )
    buffers = (_buffer("x", dtype, "ij"), _buffer("y", "int64", "i"), _buffer("o", dtype, "i", True))
    return Case(Kernel(("i",), ("j",), buffers, stages), {"x": "ij", "y": "i", "o": "i"}, "i")


def gather(dtype: str) -> Case:
    """o[i, j] = x[y[j], j + 0 * i] of the last axis reversed."""
    at = load("x", (_at("y", "j"), load("n") - 1 - index("j")))
    stages = (Stage(False, (Store("o", _index("ij"), at + _at("x", "ij")),)),)
    buffers = (*(_buffer("x", dtype, "ij"), _buffer("y", "int64", "j"), _buffer("n", "int64", "")),)
    buffers += (_buffer("o", dtype, "ij", True),)
    return Case(Kernel(("i", "j"), (), buffers, stages), {"x": "ij", "y": "j", "n": "", "o": "ij"}, "i")
