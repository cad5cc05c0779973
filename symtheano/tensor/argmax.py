"""The place of the largest (smallest) element: Argmax, Argmin, and MaxAndArgmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_complex, is_discrete
from symtheano.tensor.array import Let
from symtheano.tensor.careduce import Axes, Max, ReduceOp, restored
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import zeros_of
from symtheano.tensor.type import tensor_type


class Argmax(ReduceOp):
    """The index of the first maximum along axes, int64; nan is the largest.

    axis: None or several axes number the elements as in the flattened array of these axes.
    """

    __props__ = ("axis",)
    _method = "argmax"

    def __init__(self, axis: Any = None):
        self.axis = (int(axis),) if isinstance(axis, (int, np.integer)) else axis if axis is None else tuple(axis)

    def make_node(self, x: Any) -> Apply:
        x = _ordered(as_tensor_variable(x), self._method)
        op = self.normal(x)
        return Apply(op, [x], [tensor_type("int64", op.kept(x.type.shape))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return arg_text(self._method, args[0], self.axis)

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [zeros_of(inputs[0])]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None]


class Argmin(Argmax):
    """The index of the first minimum along axes, as Argmax; nan is the smallest.

    Not Argmax of -x: that wraps around for unsigned integers, and for the least of the signed ones.
    """

    _method = "argmin"


class MaxAndArgmax(ReduceOp):
    """The maximum along axes, and where it is: see Max and Argmax."""

    __props__ = ("axis",)

    def __init__(self, axis: Any = None):
        self.axis = (int(axis),) if isinstance(axis, (int, np.integer)) else axis if axis is None else tuple(axis)

    def make_node(self, x: Any) -> Apply:
        x = _ordered(as_tensor_variable(x), "max_and_argmax")
        op = self.normal(x)
        shape = op.kept(x.type.shape)
        return Apply(op, [x], [tensor_type(x.type.dtype, shape)(), tensor_type("int64", shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        (x,) = args
        axes = self.axes(node.inputs[0].type.ndim)
        return f"({x}.max(axis={axes}), {arg_text('argmax', x, self.axis)})"

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any = inputs[0]
        g: Any = output_grads[0]
        if is_discrete(x.type.dtype) or not hasattr(g.type, "dtype"):  # only the index was used
            return [zeros_of(x)]
        axes = self.axes(x.type.ndim)
        return [Max(self.axis).pullback(x, outputs[0], restored(g, x, axes), axes)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [*Max(self.axis).R_op(inputs, eval_points), None]


def arg_text(method: str, x: str, axis: Axes | None) -> str:
    """The array call of argmax or argmin."""
    if axis is None:
        return f"{x}.{method}()"
    if len(axis) == 1:
        return f"{x}.{method}(axis={axis[0]})"
    return f"kernels.arg_over_axes(xp, {x}, {axis}, {method!r})"


def _ordered(x: Any, operation: str) -> Any:
    if is_complex(x.type.dtype):
        raise TypeError(f"{operation}: complex numbers have no order; {x} has dtype {x.type.dtype}")
    return x
