"""theano.tensor.extra_ops. Here: running sums and products, searching in sorted vectors, selecting by a condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import upcast
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.counting import BinCount, Unique, bincount, to_one_hot, unique
from symtheano.tensor.diff import Bartlett, CpuContiguous, DiffOp, bartlett, bartlett_, cpu_contiguous, diff
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.fill_diagonal import (
    FillDiagonal,
    FillDiagonalOffset,
    fill_diagonal,
    fill_diagonal_,
    fill_diagonal_offset,
    fill_diagonal_offset_,
)
from symtheano.tensor.flat_index import RavelMultiIndex, UnravelIndex, ravel_multi_index, unravel_index
from symtheano.tensor.index import flatnonzero, index, take
from symtheano.tensor.join import join
from symtheano.tensor.repeat import RepeatOp, repeat
from symtheano.tensor.reshape import flatten
from symtheano.tensor.shape import patternbroadcast, squeeze
from symtheano.tensor.sizes import normal_axis
from symtheano.tensor.type import tensor_type

__all__ = [
    "Bartlett",
    "BinCount",
    "CpuContiguous",
    "CumOp",
    "CumprodOp",
    "CumsumOp",
    "DiffOp",
    "FillDiagonal",
    "FillDiagonalOffset",
    "RavelMultiIndex",
    "Recurrence",
    "RepeatOp",
    "SearchsortedOp",
    "Unique",
    "UnravelIndex",
    "bartlett",
    "bartlett_",
    "bincount",
    "compress",
    "cpu_contiguous",
    "cumprod",
    "cumsum",
    "diff",
    "fill_diagonal",
    "fill_diagonal_",
    "fill_diagonal_offset",
    "fill_diagonal_offset_",
    "ravel_multi_index",
    "repeat",
    "searchsorted",
    "squeeze",
    "to_one_hot",
    "unique",
    "unravel_index",
]


# -- running sums and products ---------------------------------------------------------------------------------------


class CumOp(ArrayOp):
    """The running sum (mode "add") or product ("mul") along an axis, in the dtype of the input; None flattens first."""

    __props__ = ("axis", "mode")

    def __init__(self, axis: int | None = None, mode: str = "add"):
        if mode not in ("add", "mul"):
            raise ValueError(f"CumOp: mode must be 'add' or 'mul'; got {mode!r}")
        self.axis: Any = axis
        self.mode = mode

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        if self.axis is None:
            return CumOp(0, self.mode).make_node(flatten(x))
        axis = normal_axis(self.axis, x.type.ndim, "CumOp", x)
        if axis != self.axis:
            return CumOp(axis, self.mode).make_node(x)
        return Apply(self, [x], [x.type()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        name = "cumsum" if self.mode == "add" else "cumprod"
        return f"xp.{name}({args[0]}, axis={self.axis}, dtype={node.outputs[0].type.dtype!r})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any = inputs[0]
        g: Any = functions.second(outputs[0], output_grads[0])
        if is_discrete(x.type.dtype):
            return [zeros_of(x)]
        if self.mode == "add":
            return [flip(CumOp(self.axis)(flip(g, self.axis)), self.axis)]
        # d out[j] / d x[i] is the product of all x[k], k <= j, but x[i]: those before i, times those after it up to j.
        # No division, so that zeros are as good as other numbers.
        after = Recurrence(self.axis, reverse=True)(shift(functions.conj(x), self.axis, -1), g)
        return [functions.conj(self._before(x, outputs[0])) * after]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        x: Any = inputs[0]
        tangent: Any = eval_points[0]
        if tangent is None or is_discrete(x.type.dtype):
            return [None]
        if self.mode == "add":
            return [self(tangent)]
        return [Recurrence(self.axis)(x, tangent * self._before(x, self(x)))]

    def _before(self, x: Any, products: Any) -> Any:
        """The products of the elements before each."""
        return shift(products, self.axis, 1, first=functions.second(x, 1))


class Recurrence(ArrayOp):
    """s[i] = a[i] * s[i-1] + b[i] along an axis, beginning with s = b (so a[0] is not used); or from the end.

    Its derivatives are recurrences again, so running products can be differentiated any number of times.
    """

    __props__ = ("axis", "reverse")

    def __init__(self, axis: int, reverse: bool = False):
        self.axis, self.reverse = axis, reverse

    def make_node(self, a: Any, b: Any) -> Apply:
        a, b = as_tensor_variable(a), as_tensor_variable(b)
        if a.type.broadcastable != b.type.broadcastable:
            operands = [f"{v}: {v.type}" for v in (a, b)]
            raise TypeError(explain("Recurrence needs two tensors of one shape.", operands=operands))
        return Apply(self, [a, b], [tensor_type(upcast(a.type.dtype, b.type.dtype), a.type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        dtype = node.outputs[0].type.dtype
        return f"kernels.recurrence(xp, {args[0]}, {args[1]}, {self.axis}, {self.reverse}, {dtype!r})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        a: Any = inputs[0]
        g = functions.second(outputs[0], output_grads[0])
        step = -1 if self.reverse else 1
        db = Recurrence(self.axis, not self.reverse)(shift(functions.conj(a), self.axis, -step), g)
        return [db * functions.conj(shift(outputs[0], self.axis, step)), db]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        a, b = inputs
        da: Any = eval_points[0]
        db: Any = eval_points[1]
        if da is None and db is None:
            return [None]
        drive = 0 if db is None else db
        if da is not None:
            drive = da * shift(self(a, b), self.axis, -1 if self.reverse else 1) + drive
        return [self(a, drive)]


def flip(x: Any, axis: int) -> Any:
    """x in reverse order along an axis."""
    return index(x, (slice(None),) * axis + (slice(None, None, -1),))


def shift(x: Any, axis: int, step: int, first: Any = None) -> Any:
    """x moved by one place along an axis, forwards (step 1) or backwards (-1). `first` fills the gap (None: zeros)."""
    gap = functions.second(x, 0) if first is None else first
    lead = (slice(None),) * axis
    kept, filled = (slice(None, -1), slice(None, 1)) if step > 0 else (slice(1, None), slice(-1, None))
    parts = [index(gap, (*lead, filled)), index(x, (*lead, kept))]
    moved = join(axis, *(parts if step > 0 else reversed(parts)))
    return patternbroadcast(moved, x.type.broadcastable)


def cumsum(x: Any, axis: int | None = None) -> Any:
    """The running sum along an axis (None: of the flattened tensor), in the dtype of x: small integers may overflow.

    >>> import numpy as np
    >>> cumsum(np.ones((2, 3), "int8"), axis=1).type
    TensorType(int8, matrix)
    """
    return _running(x, axis, "add")


def cumprod(x: Any, axis: int | None = None) -> Any:
    """The running product along an axis (None: of the flattened tensor), in the dtype of x.

    x: an array of numbers. Raises ValueError for an axis that x has not.

    >>> cumprod([1, 2, 3, 4]).eval()
    array([ 1,  2,  6, 24])
    """
    return _running(x, axis, "mul")


def _running(x: Any, axis: int | None, mode: str) -> Any:
    x = as_tensor_variable(x)
    if axis is None:
        x, axis = flatten(x), 0
    return CumOp(normal_axis(axis, x.type.ndim, "cumsum" if mode == "add" else "cumprod", x), mode)(x)


def CumsumOp(axis: int | None = None) -> CumOp:
    """The Op of cumsum, under the name it had in Theano 0.7.

    >>> CumsumOp(axis=0)([1, 2, 3]).eval()
    array([1, 3, 6])
    """
    return CumOp(axis, "add")


def CumprodOp(axis: int | None = None) -> CumOp:
    """The Op of cumprod, under the name it had in Theano 0.7.

    >>> CumprodOp(axis=0)([1, 2, 3]).eval()
    array([1, 2, 6])
    """
    return CumOp(axis, "mul")


# -- searching and selecting -----------------------------------------------------------------------------------------


class SearchsortedOp(ArrayOp):
    """Where the elements of v belong in the sorted vector x: inputs (x, v) or (x, v, sorter)."""

    __props__ = ("side",)

    def __init__(self, side: str = "left"):
        if side not in ("left", "right"):
            raise ValueError(f"searchsorted: side must be 'left' or 'right'; got {side!r}")
        self.side = side

    def make_node(self, x: Any, v: Any, *sorter: Any) -> Apply:
        variables: list[Any] = [as_tensor_variable(i) for i in (x, v, *sorter)]
        operands = [f"{name} {i}: {i.type}" for name, i in zip(("x", "v", "sorter"), variables)]
        if variables[0].type.ndim != 1 or any(s.type.ndim != 1 for s in variables[2:]):
            raise ValueError(explain("searchsorted: x and sorter must be vectors.", operands=operands))
        if any(not is_discrete(s.type.dtype) or s.type.dtype == "bool" for s in variables[2:]):
            raise TypeError(explain("searchsorted: sorter must be a vector of integers.", operands=operands))
        return Apply(self, variables, [tensor_type("int64", variables[1].type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        sorter = f", sorter={args[2]}" if len(args) > 2 else ""
        return f"xp.searchsorted({args[0]}, {args[1]}, {self.side!r}{sorter})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[1])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [True], [False]][: len(node.inputs)]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [*(zeros_of(i) for i in inputs[:2]), *(disconnected_type() for _ in inputs[2:])]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None]


def searchsorted(x: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """The places, int64 in the shape of `v`, where elements put into the sorted vector `x` keep it sorted.

    side: before ("left") or after ("right") equal elements. sorter: positions that sort x, which then need not be.
    Raises ValueError where x or sorter is no vector or for another side, TypeError for a sorter of other than integers.

    >>> searchsorted([1, 3, 5], [0, 3, 9]).eval()
    array([0, 1, 3])
    """
    return SearchsortedOp(side)(x, v) if sorter is None else SearchsortedOp(side)(x, v, sorter)


def compress(condition: Any, x: Any, axis: int | None = None) -> Any:
    """The slices of x along an axis (None: elements of the flattened tensor) where the vector `condition` is true.

    >>> compress([True, False, True], [5, 6, 7]).eval()
    array([5, 7])
    """
    return take(x, flatnonzero(condition), axis)
