"""Indexing with arrays: integer arrays and boolean masks, alone or mixed with integers and slices, as in numpy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.tensor.array import Let, Unconnected
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions
from symtheano.tensor.index_basic import Indexing, Select, Write, pattern
from symtheano.tensor.index_key import is_array, is_full, is_mask, pattern_text
from symtheano.tensor.type import tensor_type

VECTOR = (tensor_type("int64", (None,)),)  # the pattern of x[v]


class ArraySelect(Select):
    """Reading with at least one array in the key. The result is a copy."""

    def array(self, node: Apply, let: Let, *args: str) -> str:
        entries = self.entries(node.inputs)
        arrays = [k for k, e in enumerate(entries) if is_array(e)]
        index = entries[arrays[0]]
        others = (e for k, e in enumerate(entries) if k != arrays[0])
        if index.type.dtype not in ("bool", "uint64") and all(is_full(e) for e in others):
            return f"{args[0]}.take({args[1]}, axis={arrays[0]})"
        return super().array(node, let, *args)


class ArrayWrite(Write):
    """Writing with at least one array in the key: increments accumulate, of several values set the last one stays."""

    inc_kernel = "add_at"

    def _part(self, gz: Any, values: Sequence[Variable]) -> Any:
        part = super()._part(gz, values)
        if not self.set_instead_of_inc or not self._may_repeat(values):
            return part
        # A value that a later one replaced does not count.
        return functions.switch(LastWriter(self.idx_list)(gz, *values), part, np.zeros((), gz.type.dtype))

    def _may_repeat(self, values: Sequence[Variable]) -> bool:
        """Whether the key may name a place twice."""
        arrays = [e for e in self.key_of(values) if is_array(e)]
        if all(is_mask(e) for e in arrays):
            return False
        if len(arrays) == 1 and isinstance(arrays[0], Constant):
            data = arrays[0].data
            return np.unique(data).size < data.size or bool((data < 0).any() and (data >= 0).any())
        return True


class AdvancedSubtensor1(ArraySelect):
    """`x[v]` for a vector of integers: rows of x, as numpy's take.

    sparse_grad: accepted for Theano's sake.
    """

    __props__ = ()
    idx_list = VECTOR

    def __init__(self, sparse_grad: bool = False):
        self.sparse_grad = sparse_grad

    def __str__(self) -> str:
        return "AdvancedSubtensor1"

    def writer(self, set_instead_of_inc: bool) -> Write:
        return AdvancedIncSubtensor1(set_instead_of_inc=set_instead_of_inc)


class AdvancedIncSubtensor1(ArrayWrite):
    """`x` with `x[v]` set or incremented, for a vector of integers. Inputs: x, y, v."""

    __props__ = ("set_instead_of_inc",)
    idx_list = VECTOR

    def __init__(self, inplace: bool = False, set_instead_of_inc: bool = False):
        self.set_instead_of_inc = bool(set_instead_of_inc)

    def __str__(self) -> str:
        return f"AdvancedIncSubtensor1{{no_inplace,{'set' if self.set_instead_of_inc else 'inc'}}}"

    def reader(self) -> Select:
        return AdvancedSubtensor1()


class AdvancedSubtensor(ArraySelect):
    """`x[key]` with numpy's meaning for a key of integer arrays, boolean masks, integers and slices.

    idx_list: the key's pattern, a TensorType in the place of each value. Inputs: x, then the values in order.
    """

    def __init__(self, idx_list: Iterable[Any]):
        self.idx_list = pattern(idx_list, arrays=True)

    def __str__(self) -> str:
        return f"AdvancedSubtensor{{{pattern_text(self.idx_list)}}}"

    def writer(self, set_instead_of_inc: bool) -> Write:
        return AdvancedIncSubtensor(self.idx_list, set_instead_of_inc=set_instead_of_inc)


class AdvancedIncSubtensor(ArrayWrite):
    """`x` with `x[key]` set or incremented, for a key with arrays. Inputs: x, y, then the key's values."""

    __props__ = ("key", "set_instead_of_inc")

    def __init__(self, idx_list: Iterable[Any], inplace: bool = False, set_instead_of_inc: bool = False):
        self.idx_list = pattern(idx_list, arrays=True)
        self.set_instead_of_inc = bool(set_instead_of_inc)

    def __str__(self) -> str:
        return f"AdvancedIncSubtensor{{{'Set' if self.set_instead_of_inc else 'Inc'};{pattern_text(self.idx_list)}}}"

    def reader(self) -> Select:
        return AdvancedSubtensor(self.idx_list)


class LastWriter(Unconnected, Indexing):
    """For each element of `x[key]`: whether it is the last one in its place, so that its value stays when set."""

    def __init__(self, idx_list: Iterable[Any]):
        self.idx_list = pattern(idx_list, arrays=True)

    def __str__(self) -> str:
        return f"LastWriter{{{pattern_text(self.idx_list)}}}"

    def make_node(self, x: Any, *values: Any) -> Apply:
        x = as_tensor_variable(x)
        inputs = [x, *self._values(values)]
        return Apply(self, inputs, [tensor_type("bool", self.selected(x, inputs))()])

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        twin = AdvancedSubtensor(self.idx_list).make_node(*node.inputs)
        return AdvancedSubtensor(self.idx_list).infer_shape(twin, shapes)

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.last_writer(xp, {args[0]}, xp.s_[{self.text(node, args)}])"


class Nonzero(Unconnected):
    """The positions of the nonzero elements: an int64 vector for each axis, as numpy's nonzero."""

    __props__ = ()

    def make_node(self, a: Any) -> Apply:
        a = as_tensor_variable(a)
        if a.type.ndim == 0:
            raise ValueError("Nonzero only supports non-scalar arrays.")
        return Apply(self, [a], [tensor_type("int64", (None,))() for _ in range(a.type.ndim)])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        found = f"xp.nonzero({args[0]})"
        return found if len(node.outputs) > 1 else f"{found}[0]"
