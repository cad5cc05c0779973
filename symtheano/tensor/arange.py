"""Evenly spaced numbers: ARange and arange, linspace, logspace, and the grids mgrid and ogrid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.config import config
from symtheano.errors import explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scalar import cast, upcast
from symtheano.scalar.dtypes import INT, UINT, is_complex, is_discrete
from symtheano.scalar.expr import Expr, call
from symtheano.tensor.alloc import alloc
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import Elemwise, Read, dimshuffle, functions, zeros_of
from symtheano.tensor.sizes import as_size, constant_dim, is_length, shape_i
from symtheano.tensor.type import tensor_type

__all__ = ["ARange", "arange", "linspace", "logspace", "mgrid", "nd_grid", "ogrid"]


def _bound(v: Any, text: str) -> str:
    """A bound as a Python number: written out where it is a constant integer."""
    if isinstance(v, Constant) and v.data.dtype.kind in "iu":
        return repr(v.data.item())
    return f"{text}.item()"


class ARange(ArrayOp):
    """The vector start, start + step, ... up to stop, which is left out: inputs (start, stop, step), 0-d."""

    __props__ = ("dtype",)

    def __init__(self, dtype: str):
        self.dtype = config.floatX if dtype == "floatX" else np.dtype(dtype).name

    def make_node(self, start: Any, stop: Any, step: Any) -> Apply:
        bounds: list[Any] = [as_tensor_variable(v) for v in (start, stop, step)]
        for v in bounds:
            if v.type.ndim != 0 or is_complex(v.type.dtype):
                raise TypeError(_bad_bounds("start, stop and step must be real scalars (0-d)", bounds))
        return Apply(self, bounds, [tensor_type(self.dtype, (_static_length(bounds),))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        bounds = (_bound(v, text) for v, text in zip(node.inputs, args, strict=True))
        return f"xp.arange({', '.join(bounds)}, {self.dtype!r})"

    def loop(self, node: Apply, read: Read, index: tuple[Expr, ...]) -> Expr:
        """The element at `index`: start + i * ((start + step) - start), as numpy rounds it."""
        if self.dtype == "int64" and constant_dim(node.inputs[0]) == 0 and constant_dim(node.inputs[2]) == 1:
            return index[0]
        start, step = (call(cast(self.dtype), read(node.inputs[k], ())) for k in (0, 2))
        return start + call(cast(self.dtype), index[0]) * ((start + step) - start)

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [(_length(*node.inputs),)]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], [False], [True]]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        g: Any = output_grads[0]
        start, _, step = inputs
        if is_discrete(self.dtype):
            return [zeros_of(start), disconnected_type(), zeros_of(step)]
        return [
            zeros_of(start) if _is_discrete(start) else g.sum(),
            disconnected_type(),
            zeros_of(step) if _is_discrete(step) else (g * _steps(outputs[0], g.type.dtype)).sum(),
        ]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        dstart: Any = eval_points[0]
        dstep: Any = eval_points[2]
        if dstart is None and dstep is None:
            return [None]
        out = self(*inputs)
        total = 0 if dstep is None else dstep * _steps(out, dstep.type.dtype)
        return [functions.second(out, total if dstart is None else dstart + total)]


def _is_discrete(v: Any) -> bool:
    return is_discrete(v.type.dtype)


def _steps(out: Any, dtype: str) -> Any:
    """0, 1, 2, ... of a float dtype, as many as `out` has elements."""
    return arange(shape_i(out, 0), dtype=dtype)


def _static_length(bounds: Sequence[Any]) -> int | None:
    """The length where all bounds are constants; None for 1, since an arange is never broadcastable (as in Theano)."""
    if not all(isinstance(b, Constant) for b in bounds):
        return None
    start, stop, step = (b.data.item() for b in bounds)
    if step == 0:
        raise ValueError(_bad_bounds("the step must not be 0", bounds))
    exact = isinstance(start + stop + step, int)
    length = len(range(start, stop, step)) if exact else len(np.arange(start, stop, step))
    return None if length == 1 else length


def _length(start: Any, stop: Any, step: Any) -> Any:
    """The number of elements, as an int64 scalar."""
    if all(_is_discrete(v) for v in (start, stop, step)):
        start, stop, step = (_as(v, "int64") for v in (start, stop, step))
        if constant_dim(step) == 1:
            if constant_dim(start) == 0 and is_length(stop):
                return stop
            return functions.maximum(stop if constant_dim(start) == 0 else stop - start, as_size(0))
        return functions.maximum(-((start - stop) // step), as_size(0))  # minus the floor of minus is the ceiling
    start, stop, step = (_as(v, "float64") for v in (start, stop, step))
    return functions.maximum(_as(functions.ceil((stop - start) / step), "int64"), as_size(0))


def _as(v: Any, dtype: str) -> Any:
    return v if v.type.dtype == dtype else Elemwise(cast(dtype))(v)


def _bad_bounds(why: str, bounds: Sequence[Any]) -> str:
    return explain(
        f"arange: {why}.",
        operation="ARange",
        operands=[f"{name} {v}: {v.type}" for name, v in zip(("start", "stop", "step"), bounds, strict=True)],
    )


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: str | None = None) -> Any:
    """The vector start, start + step, ... below stop. With one argument: from 0 to it.

    start, stop, step: numbers or 0-d variables. dtype: None for int64 where all are integers (uint64 where all are
    unsigned), else the dtype the three convert to. Raises TypeError for tensors with dimensions, ValueError for step 0.

    >>> arange(4).type, arange(0.0, 1.0, 0.25).dtype
    (TensorType(int64, vector), 'float32')
    """
    if stop is None:
        start, stop = 0, start
    bounds: list[Any] = [as_tensor_variable(v) for v in (start, stop, step)]
    if dtype is None:
        dtype = _default_dtype(tuple(b.type.dtype for b in bounds))
    return ARange(dtype)(*bounds)


def _default_dtype(dtypes: tuple[str, ...]) -> str:
    dtype = upcast(*dtypes)
    if dtype in INT:
        return "int64"
    if dtype in UINT:
        return "uint64"
    if config.cast_policy == "numpy+floatX":
        bounds: Any = [np.ones((), d) for d in dtypes]
        numpy_dtype = str(np.arange(*bounds).dtype.name)
        if numpy_dtype == "float64" and config.floatX == "float32" and "float64" not in dtypes:
            return "float32"
        return numpy_dtype
    return dtype


def linspace(start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: str | None = None) -> Any:
    """`num` evenly spaced numbers from start to stop, which is the last of them where `endpoint`.

    start, stop: numbers or 0-d variables; num: an int or integer scalar. dtype: None for the dtype that start, stop
    and config.floatX convert to.

    >>> linspace(0.0, 1.0, 5).type
    TensorType(float64, vector)
    """
    start, stop, num = as_tensor_variable(start), as_tensor_variable(stop), as_size(num)
    work = upcast(config.floatX, *(v.type.dtype for v in (start, stop) if not is_discrete(v.type.dtype)))
    start, stop = _as(start, work), _as(stop, work)
    if start.type.ndim or stop.type.ndim:
        raise TypeError("linspace: start and stop must be scalars (0-d)")
    steps = _as(functions.maximum(num - 1, 1) if endpoint else num, work)
    place = arange(num)
    values = start + _as(place, work) * ((stop - start) / steps)
    if endpoint:  # the last is stop itself, not what rounding makes of it
        values = functions.switch(functions.eq(place, functions.maximum(num - 1, 1)), stop, values)
    return values if dtype is None else values.astype(dtype)


def logspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, base: Any = 10.0, dtype: str | None = None
) -> Any:
    """`base` to the power of the elements of linspace(start, stop, num, endpoint).

    start, stop: numbers, or scalars of any real dtype. num: how many elements, an int. dtype: None for that of the
    powers.

    >>> logspace(0, 3, 4).eval()
    array([   1.,   10.,  100., 1000.])
    """
    values = functions.pow(base, linspace(start, stop, num, endpoint))
    return values if dtype is None else values.astype(dtype)


class nd_grid:
    """Grids of coordinates by indexing, as numpy's: `mgrid[0:3, 0:4]` is a list of one tensor for each slice.

    sparse: each tensor has length 1 in all axes but its own (`ogrid`).
    """

    def __init__(self, sparse: bool = False):
        self.sparse = sparse

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return self._range(key)
        ranges = [self._range(s) for s in key]
        ndim = len(ranges)
        grids = [dimshuffle(r, ["x"] * k + [0] + ["x"] * (ndim - 1 - k)) for k, r in enumerate(ranges)]
        if self.sparse:
            return grids
        lengths = [shape_i(r, 0) for r in ranges]
        return [alloc(g, *lengths) for g in grids]

    @staticmethod
    def _range(s: slice) -> Any:
        if isinstance(s.step, complex):  # numpy's notation: 5j means 5 points, the stop included
            return linspace(0 if s.start is None else s.start, s.stop, int(abs(s.step)))
        return arange(0 if s.start is None else s.start, s.stop, 1 if s.step is None else s.step)


mgrid = nd_grid()
ogrid = nd_grid(sparse=True)
