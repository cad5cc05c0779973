"""Subtensor (what integers and slices select, a view) and IncSubtensor (the array with that part set or incremented).

`Select` and `Write` are the two halves of indexing for every kind of key; index_advanced.py adds arrays to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from symtheano.errors import AdvancedIndexingError, ShapeMismatchError, explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scalar.dtypes import is_complex, is_discrete
from symtheano.scalar.expr import Expr, const
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable, make_constant
from symtheano.tensor.elemwise import unbroadcast, zeros_of
from symtheano.tensor.index_key import (
    Selection,
    fill,
    hashable,
    is_mask,
    key_text,
    map_entry,
    marker,
    pattern_text,
    read,
    slice_length,
    static_block,
    static_length,
    symbolic_block,
)
from symtheano.tensor.type import StaticShape, TensorType, tensor_type


class Indexing(ArrayOp):
    """An op with a key. Its node's inputs end in the values that fill the pattern `idx_list`."""

    __props__: ClassVar[tuple[str, ...]] = ("key",)
    idx_list: tuple[Any, ...]
    values_from: ClassVar[int] = 1  # where the key's values start among the inputs

    @property
    def key(self) -> tuple[Any, ...]:
        """`idx_list` as something hashable: it identifies the op."""
        return hashable(self.idx_list)

    def entries(self, inputs: Sequence[Variable]) -> list[Any]:
        """The key of a node with these inputs: ints where constant, else variables, and slices of both."""
        return self.key_of(inputs[self.values_from :])

    def key_of(self, values: Sequence[Variable]) -> list[Any]:
        """The key with these values."""
        return fill(self.idx_list, map(read, values))

    def text(self, node: Apply, args: Sequence[str]) -> str:
        """The key as source text."""
        return key_text(self.idx_list, node.inputs[self.values_from :], args[self.values_from :])

    def selected(self, x: Any, inputs: Sequence[Variable]) -> StaticShape:
        """The static shape of x[key]; IndexError where the types already say that the key does not fit."""
        entries = self.entries(inputs)
        selection = Selection(entries, x.type.ndim)
        if selection.consumed > x.type.ndim:
            raise IndexError(too_many(x, selection.consumed))
        check_range(x, entries)
        return selection.shape(x.type.shape, static_length, static_block([e for _, e in selection.advanced]))

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[k < self.values_from] for k in range(len(node.inputs))]

    def _values(self, values: Sequence[Any]) -> list[Any]:
        kinds = _kinds(self.idx_list)
        variables: list[Any] = [as_tensor_variable(v) for v in values]
        if len(variables) != len(kinds):
            raise TypeError(f"{self} takes {len(kinds)} index inputs ({len(variables)} given)")
        for v, kind in zip(variables, kinds, strict=True):
            mask = v.type.dtype == "bool"
            if not is_discrete(v.type.dtype) or v.type.ndim != kind.ndim or mask != (kind.dtype == "bool"):
                raise TypeError(f"Expected an integer: {self} expects an index of {kind}, {v} is of {v.type}")
        return variables


def _kinds(idx_list: Iterable[Any]) -> list[TensorType]:
    """The types in a pattern, in order."""
    found: list[Any] = []
    for e in idx_list:
        found += [e.start, e.stop, e.step] if isinstance(e, slice) else [e]
    return [kind for kind in found if kind is not None]


def pattern(idx_list: Iterable[Any], arrays: bool) -> tuple[Any, ...]:
    """The pattern of a key written with types or variables, as Theano's ops take it."""

    def mark(e: Any) -> TensorType | None:
        kind = e.type if isinstance(e, Variable) else e
        if e is None or isinstance(kind, TensorType):
            return None if e is None else marker(kind)
        if isinstance(e, (int, np.integer)):
            raise TypeError("an idx_list holds types, not numbers: give integers to symtheano.tensor.index.subtensor")
        raise AdvancedIndexingError(f"Subtensor indices must be integers or slices of integers; got {e!r}")

    marks = tuple(map_entry(mark, e) for e in idx_list)
    if any(m is None or (isinstance(m, TensorType) and m.ndim and not arrays) for m in marks):
        raise AdvancedIndexingError("Subtensor indices must be integers or slices of integers")
    return marks


def too_many(x: Any, count: int) -> str:
    return explain(
        f"too many indices for array: the array is {x.type.ndim}-dimensional, but {count} were indexed",
        operation="indexing",
        operands=[f"{x}: {x.type}, shape {x.type.shape}"],
        remedy="give at most one index for each dimension",
    )


def check_range(x: Any, entries: Sequence[Any]) -> None:
    """IndexError for constant indices beyond the axes whose lengths are known; ValueError for a step of 0."""
    axis = 0
    for entry in entries:
        if isinstance(entry, slice):
            if isinstance(entry.step, int) and entry.step == 0:
                raise ValueError("slice step cannot be zero")
            axis += 1
            continue
        if is_mask(entry):
            for n, m in zip(x.type.shape[axis:], entry.type.shape, strict=False):
                if n is not None and m is not None and n != m:
                    raise IndexError(
                        f"boolean index did not match indexed array: {x} has shape {x.type.shape}, "
                        f"the mask {entry} has shape {entry.type.shape} and starts at axis {axis}"
                    )
            axis += int(entry.type.ndim)
            continue
        n = x.type.shape[axis]
        if n is not None:
            for i in _extremes(entry):
                if not -n <= i < n:
                    raise IndexError(
                        explain(
                            f"index {i} is out of bounds for axis {axis} with size {n}",
                            operation="indexing",
                            operands=[f"{x}: {x.type}, shape {x.type.shape}"],
                            remedy=f"use an index from {-n} to {n - 1}" if n else "the axis is empty",
                        )
                    )
        axis += 1


def _extremes(entry: Any) -> list[int]:
    """The least and greatest index, where they are known."""
    if isinstance(entry, int):
        return [entry]
    if isinstance(entry, Constant) and entry.data.size:
        return [int(entry.data.min()), int(entry.data.max())]
    return []


class Select(Indexing):
    """`x[key]`: the reading half."""

    def writer(self, set_instead_of_inc: bool) -> Write:
        """The op that writes where this one reads."""
        raise NotImplementedError

    def make_node(self, x: Any, *values: Any) -> Apply:
        x = as_tensor_variable(x)
        inputs = [x, *self._values(values)]
        return Apply(self, inputs, [tensor_type(x.type.dtype, self.selected(x, inputs))()])

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        entries = self.entries(node.inputs)
        selection = Selection(entries, len(shapes[0]))
        place = dict(zip(node.inputs[1:], shapes[1:], strict=True))
        arrays = [e for _, e in selection.advanced]
        block = symbolic_block(arrays, [place.get(e, ()) if isinstance(e, Variable) else () for e in arrays])
        found = selection.shape(shapes[0], slice_length, block)
        static: StaticShape = node.outputs[0].type.shape
        return [tuple(n if s is None else s for n, s in zip(found, static, strict=True))]

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"{args[0]}[{self.text(node, args)}]"

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any = inputs[0]
        gx = zeros_of(x)
        if not is_discrete(x.type.dtype):
            gx = self.writer(False)(gx, output_grads[0], *inputs[1:])
        return [gx, *(disconnected_type() for _ in inputs[1:])]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0], *inputs[1:])]


class Write(Indexing):
    """`x` with `x[key]` set to `y`, or incremented by it. The result is a new array of x's dtype.

    y has at most as many dimensions as x[key] and is broadcast into it where its type says that its length is 1.
    """

    values_from = 2
    set_instead_of_inc: bool
    inc_kernel: ClassVar[str] = "inc_at"

    def reader(self) -> Select:
        """The op that reads where this one writes."""
        raise NotImplementedError

    def make_node(self, x: Any, y: Any, *values: Any) -> Apply:
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        inputs = [x, y, *self._values(values)]
        slot = self.selected(x, inputs)
        if y.type.ndim > len(slot):
            raise ValueError(
                self._misfit(x, y, slot, f"a {y.type.ndim}-dimensional value for a {len(slot)}-dimensional part")
            )
        for n, m in zip(slot[len(slot) - y.type.ndim :], y.type.shape, strict=True):
            if m not in (None, 1) and n is not None and n != m:
                raise ShapeMismatchError(self._misfit(x, y, slot, "the lengths differ"))
        if is_complex(y.type.dtype) and not is_complex(x.type.dtype):
            raise TypeError(self._misfit(x, y, slot, "a complex value for a real array"))
        return Apply(self, inputs, [tensor_type(x.type.dtype, x.type.shape)()])

    def _misfit(self, x: Any, y: Any, slot: StaticShape, why: str) -> str:
        return explain(
            f"The value does not fit in the part of the array: {why}.",
            operation="set_subtensor" if self.set_instead_of_inc else "inc_subtensor",
            operands=[
                f"array {x}: {x.type}, shape {x.type.shape}",
                f"its part: shape {slot}",
                f"value {y}: {y.type}, shape {y.type.shape}",
            ],
            remedy="give a value that can be broadcast to the shape of the part, of a real dtype if the array is real",
        )

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return self.array_inplace(node, let, f"xp.array({args[0]})", *args[1:])

    def array_inplace(self, node: Apply, let: Let, *args: str) -> str:
        """The array rule that writes into its first argument: for the planner, where nobody else reads that."""
        x, y = args[:2]
        kernel = "set_at" if self.set_instead_of_inc else self.inc_kernel
        exact = self._exact(node)
        return f"kernels.{kernel}(xp, {x}, {y}, xp.s_[{self.text(node, args)}]{f', {exact}' if exact else ''})"

    def array_check(self, node: Apply, *args: str) -> str:
        """The text that raises where `array_inplace` would, and writes nothing."""
        return f"kernels.check_write(xp, {args[0]}, {args[1]}, xp.s_[{self.text(node, args)}], {self._exact(node)})"

    def _exact(self, node: Apply) -> tuple[int, ...]:
        """y's axes (from the end) that numpy would stretch if they had length 1, though y's type does not say 1."""
        x, y = node.inputs[:2]
        kind: Any = y.type
        slot = self.selected(x, node.inputs)
        return tuple(k for k in range(-kind.ndim, 0) if kind.shape[k] is None and slot[k] != 1)

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any
        y: Any
        gz: Any
        (x, y, *values), (gz,) = inputs, output_grads
        none = [disconnected_type() for _ in values]
        if is_discrete(x.type.dtype):
            return [zeros_of(x), zeros_of(y), *none]
        gx = gz
        if self.set_instead_of_inc:
            gx = self(gz, make_constant(np.zeros((), gz.type.dtype)), *values)
        return [gx, fold(self._part(gz, values), y), *none]

    def _part(self, gz: Any, values: Sequence[Variable]) -> Any:
        """The cotangent of what is written, before broadcasting."""
        return self.reader()(gz, *values)

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        x, y, *values = inputs
        dx, dy = eval_points[:2]
        if dx is None and dy is None:
            return [None]
        return [self(zeros_of(x) if dx is None else dx, zeros_of(y) if dy is None else dy, *values)]


def fold(g: Any, y: Any) -> Any:
    """`g`, a cotangent of `y` broadcast into a part, as one of `y`: summed over the axes that y was stretched in."""
    extra = g.type.ndim - y.type.ndim
    if extra:
        g = g.sum(axis=list(range(extra)))
    if is_complex(g.type.dtype) and not is_complex(y.type.dtype):
        g = g.real
    return unbroadcast(g, y)


class Subtensor(Select):
    """`x[key]` for a key of integers and slices. The result is a view.

    idx_list: the key's pattern: a TensorType in the place of each integer (Theano's form), see `index.subtensor` to
    build the op from a key. Inputs: x, then the key's integers in order, each a 0-d integer tensor.
    """

    view_map = {0: [0]}

    def __init__(self, idx_list: Iterable[Any]):
        self.idx_list = pattern(idx_list, arrays=False)

    def __str__(self) -> str:
        return f"Subtensor{{{pattern_text(self.idx_list)}}}"

    def writer(self, set_instead_of_inc: bool) -> Write:
        return IncSubtensor(self.idx_list, set_instead_of_inc=set_instead_of_inc)

    def loop(self, node: Apply, read: Callable[..., Expr], index: tuple[Expr, ...]) -> Expr | None:
        """The element at `index`; None where the place in x is known at run time only."""
        x: Any = node.inputs[0]
        entries = self.entries(node.inputs)
        entries += [slice(None)] * (x.type.ndim - len(entries))
        rest, place = iter(index), []
        for entry, n in zip(entries, x.type.shape, strict=True):
            found = _place(entry, n, rest)
            if found is None:
                return None
            place.append(found)
        return read(x, tuple(place))


def _place(entry: Any, n: int | None, rest: Any) -> Expr | None:
    """The coordinate in x's axis of length `n`, taking the result's coordinate from `rest` where the axis stays."""
    if isinstance(entry, int):
        return None if n is None else const(entry % n)  # in range: the type rule has seen to it
    if not isinstance(entry, slice):
        return None
    i: Expr = next(rest)
    bounds = (entry.start, entry.stop, entry.step)
    if any(isinstance(b, Variable) for b in bounds):
        return None
    step = 1 if entry.step is None else entry.step
    if n is not None:
        start = entry.indices(n)[0]
    elif step > 0 and (entry.start is None or entry.start >= 0):
        start = entry.start or 0
    else:
        return None
    scaled = i if step == 1 else i * step
    return scaled + start if start else scaled


class IncSubtensor(Write):
    """`x` with `x[key]` set or incremented, for a key of integers and slices.

    idx_list: as Subtensor's. inplace: accepted for Theano's sake; what is computed in place is the planner's decision.
    Inputs: x, y, then the key's integers.
    """

    __props__ = ("key", "set_instead_of_inc")

    def __init__(
        self,
        idx_list: Iterable[Any],
        inplace: bool = False,
        set_instead_of_inc: bool = False,
        destroyhandler_tolerate_aliased: Any = None,
    ):
        self.idx_list = pattern(idx_list, arrays=False)
        self.set_instead_of_inc = bool(set_instead_of_inc)

    def __str__(self) -> str:
        return f"IncSubtensor{{{'Set' if self.set_instead_of_inc else 'Inc'};{pattern_text(self.idx_list)}}}"

    def reader(self) -> Select:
        return Subtensor(self.idx_list)
