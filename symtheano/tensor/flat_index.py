"""Places in a flattened tensor: unravel_index and ravel_multi_index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.errors import explain
from symtheano.graph.variable import Apply
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.array import Let, Unconnected
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.sizes import get_vector_length
from symtheano.tensor.type import tensor_type

__all__ = ["RavelMultiIndex", "UnravelIndex", "ravel_multi_index", "unravel_index"]

MODES = ("raise", "wrap", "clip")


class _Places(Unconnected):
    """What both ops share: integers in, integers out."""

    def integers(self, *values: Any) -> list[Any]:
        """The values as integer variables; the last one is the vector of lengths."""
        variables: list[Any] = [as_tensor_variable(v) for v in values]
        operands = [f"{v}: {v.type}" for v in variables]
        for v in variables:
            if not is_discrete(v.type.dtype) or v.type.dtype == "bool":
                problem = f"'{v.type.dtype}' object cannot be interpreted as an index: {v}."
                raise TypeError(explain(problem, operation=str(self), operands=operands, remedy="cast it to int64"))
        if variables[-1].type.ndim != 1:
            raise TypeError(explain("dims must be a 1D array.", operation=str(self), operands=operands))
        return variables


class UnravelIndex(_Places):
    """Flat places as coordinates: inputs (indices, dims), `ndim` outputs."""

    __props__ = ("ndim", "order")

    def __init__(self, ndim: Any, order: str = "C"):
        _check_order(order)
        if isinstance(ndim, bool) or not isinstance(ndim, (int, np.integer)) or ndim < 1:
            raise ValueError(f"unravel_index: ndim must be an integer greater than 0; got {ndim!r}")
        self.ndim, self.order = int(ndim), order

    def make_node(self, indices: Any, dims: Any) -> Apply:
        indices, dims = self.integers(indices, dims)
        return Apply(self, [indices, dims], [tensor_type("int64", indices.type.shape)() for _ in range(self.ndim)])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.unravel_index(xp, {args[0]}, {args[1]}, {self.order!r}, {self.ndim})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])] * self.ndim


class RavelMultiIndex(_Places):
    """Coordinates as flat places: inputs (one tensor for each axis, dims)."""

    __props__ = ("mode", "order")

    def __init__(self, mode: Any = "raise", order: str = "C"):
        _check_order(order)
        modes = mode if isinstance(mode, tuple) else (mode,)
        if any(each not in MODES for each in modes):
            raise ValueError(
                f"ravel_multi_index: mode must be one of {', '.join(MODES)}, or a tuple of them; got {mode!r}"
            )
        self.mode, self.order = mode, order

    def make_node(self, *inputs: Any) -> Apply:
        *places, dims = self.integers(*inputs)
        patterns = {v.type.broadcastable for v in places}
        if len(patterns) != 1:
            operands = [f"{v}: {v.type}" for v in places]
            raise TypeError(explain("ravel_multi_index needs coordinates of one shape.", operands=operands))
        return Apply(self, [*places, dims], [tensor_type("int64", places[0].type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        places = f"({', '.join(args[:-1])},)"
        return f"xp.asarray(xp.ravel_multi_index({places}, tuple({args[-1]}.tolist()), {self.mode!r}, {self.order!r}))"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]


def _check_order(order: str) -> None:
    if order not in ("C", "F"):
        raise ValueError(f"order must be 'C' (rows first) or 'F' (columns first); got {order!r}")


def unravel_index(indices: Any, dims: Any, order: str = "C", ndim: int | None = None) -> tuple[Any, ...]:
    """Places in a flattened tensor of shape `dims` as coordinates: a tuple of int64 tensors in the shape of `indices`.

    order: the tensor was flattened rows first ("C") or columns first ("F"). ndim: the length of dims, needed where the
    graph does not tell it (ValueError). Raises ValueError when it runs on a place that there is not.

    >>> [v.type for v in unravel_index([5, 7], (3, 4))]
    [TensorType(int64, vector), TensorType(int64, vector)]
    """
    if ndim is None:
        dims = as_tensor_variable(dims)
        if dims.type.ndim != 1:
            raise TypeError(explain("dims must be a 1D array.", operands=[f"dims {dims}: {dims.type}"]))
        try:
            ndim = get_vector_length(dims)
        except ValueError as error:
            raise ValueError(
                explain(
                    f"The length of the provided dimension list ({dims}) cannot be automatically determined.",
                    operation="unravel_index",
                    operands=[f"dims {dims}: {dims.type}"],
                    remedy="pass the 'ndim' keyword argument to 'unravel_index'",
                )
            ) from error
    return tuple(UnravelIndex(ndim, order)(indices, dims, return_list=True))


def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    """Coordinates in a tensor of shape `dims` as places in the flattened tensor, int64.

    multi_index: a tuple or list with an integer tensor for each axis. mode: what becomes of coordinates out of bounds:
    "raise" (ValueError), "wrap" or "clip", one for all axes or a tuple. order: the tensor is flattened rows first ("C")
    or columns first ("F").

    >>> ravel_multi_index(([0, 2], [1, 3]), (3, 4)).type
    TensorType(int64, vector)
    """
    if not isinstance(multi_index, (tuple, list)):
        raise TypeError("multi_index must be a tuple or a list.")
    return RavelMultiIndex(mode, order)(*multi_index, dims)
