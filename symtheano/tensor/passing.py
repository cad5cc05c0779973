"""Ops that give their input on unchanged: ViewOp, DeepCopyOp, Print, PdbBreakpoint; and Raise, which gives nothing."""

from __future__ import annotations

import copy
import pdb
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symtheano.errors import explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.op import Op
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable

__all__ = ["DeepCopyOp", "PdbBreakpoint", "Print", "Raise", "ViewOp", "deep_copy_op", "view_op"]

_Variables = Sequence[Variable]
_Tangents = Sequence[Variable | None]


def _variable(x: Any) -> Any:
    return x if isinstance(x, Variable) else as_tensor_variable(x)


class ViewOp(ArrayOp):
    """The input itself, of any type. Compiled functions do not have it: it only makes a variable of its own.

    >>> import symtheano.tensor as T
    >>> view_op(T.dvector("x")).owner.op
    ViewOp
    """

    __props__ = ()
    view_map = {0: [0]}
    identity = True  # rules replace a node by its input

    def make_node(self, x: Any) -> Apply:
        x = _variable(x)
        return Apply(self, [x], [x.type()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return args[0]

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def L_op(self, inputs: _Variables, outputs: _Variables, output_grads: _Variables) -> list[Variable]:
        return [output_grads[0]]

    def R_op(self, inputs: _Variables, eval_points: _Tangents) -> list[Variable | None]:
        return [eval_points[0]]


class DeepCopyOp(Op):
    """A copy of the input, of any type."""

    __props__ = ()

    def make_node(self, x: Any) -> Apply:
        x = _variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        (x,) = inputs
        output_storage[0][0] = x.copy() if isinstance(x, np.ndarray) else copy.deepcopy(x)

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def L_op(self, inputs: _Variables, outputs: _Variables, output_grads: _Variables) -> list[Variable]:
        return [output_grads[0]]

    def R_op(self, inputs: _Variables, eval_points: _Tangents) -> list[Variable | None]:
        return [eval_points[0]]


view_op = ViewOp()
deep_copy_op = DeepCopyOp()


def _print_fn(op: Print, xin: Any) -> None:
    for attr in op.attrs:
        value = getattr(xin, attr)
        print(op.message, attr, "=", value() if callable(value) else value)


class Print(Op):
    """The input, which is shown whenever the function computes it: one line `message attr = value` for each of `attrs`.

    attrs: attributes of the value (an ndarray) to show; methods are called. global_fn: called with the op and the value
    instead of printing. Rules do not look through a Print, so what it shows is the value as it was written, and an
    expression with a Print in the midst of it may be computed less cleverly. Where no result needs it, it does not run.

    >>> import symtheano, symtheano.tensor as T
    >>> x = T.dvector("x")
    >>> f = symtheano.function([x], Print("x is", attrs=("shape", "sum"))(x) * 2)
    >>> f([1.0, 2.0])
    x is shape = (2,)
    x is sum = 3.0
    array([2., 4.])
    """

    __props__ = ("message", "attrs", "global_fn")
    view_map = {0: [0]}

    def __init__(
        self, message: str = "", attrs: Sequence[str] = ("__str__",), global_fn: Callable[[Any, Any], Any] = _print_fn
    ):
        self.message = message
        self.attrs = tuple(attrs)
        self.global_fn = global_fn

    def make_node(self, xin: Any) -> Apply:
        xin = _variable(xin)
        return Apply(self, [xin], [xin.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        output_storage[0][0] = inputs[0]
        self.global_fn(self, inputs[0])

    def do_constant_folding(self, node: Apply) -> bool:
        return False  # each call prints

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def grad(self, inputs: _Variables, output_grads: _Variables) -> list[Variable]:
        return [output_grads[0]]

    def R_op(self, inputs: _Variables, eval_points: _Tangents) -> list[Variable | None]:
        return [eval_points[0]]


class PdbBreakpoint(Op):
    """Stops in the debugger where a condition holds: `x, y = PdbBreakpoint("name")(condition, x, y)`.

    The outputs are the monitored variables. When the condition (0-d) is true, pdb starts with their values in the list
    `monitored`; what is changed there is what the function goes on with. One monitored variable gives one output.
    """

    __props__ = ("name",)

    def __init__(self, name: str):
        self.name = name

    def make_node(self, condition: Any, *monitored_vars: Any) -> Apply:
        condition = _variable(condition)
        if condition.type.ndim:
            raise AssertionError(
                explain(
                    f"PdbBreakpoint {self.name!r}: the condition must be 0-d.",
                    operands=[f"condition {condition}: {condition.type}"],
                    remedy="reduce it with theano.tensor.any or all",
                )
            )
        variables = [_variable(v) for v in monitored_vars]
        op = PdbBreakpoint(self.name)  # one op may be applied to different numbers of variables
        op.view_map = {k: [k + 1] for k in range(len(variables))}
        return Apply(op, [condition, *variables], [v.type() for v in variables])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        monitored = list(inputs[1:])
        if inputs[0]:
            monitored = [np.array(v) for v in monitored]
            print(f"\nThe breakpoint {self.name!r} was reached. The values are in the list `monitored`; change them if")
            print("you like: the function goes on with what is there then.")
            pdb.set_trace()
            monitored = [v.type.filter(value) for v, value in zip(node.outputs, monitored, strict=True)]
        for cell, value in zip(output_storage, monitored, strict=True):
            cell[0] = value

    def do_constant_folding(self, node: Apply) -> bool:
        return False

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(s) for s in shapes[1:]]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        count = len(node.outputs)
        return [[False] * count, *([k == j for j in range(count)] for k in range(count))]

    def grad(self, inputs: _Variables, output_grads: _Variables) -> list[Variable]:
        return [disconnected_type(), *output_grads]

    def R_op(self, inputs: _Variables, eval_points: _Tangents) -> list[Variable | None]:
        return list(eval_points[1:])


class Raise(Op):
    """Raises `exc(msg)` where a function needs its output, which has the type of the input."""

    __props__ = ("msg", "exc")

    def __init__(self, msg: str = "", exc: type[BaseException] = NotImplementedError):
        self.msg = msg
        self.exc = exc

    def __str__(self) -> str:
        return f"Raise{{{self.exc}({self.msg})}}"

    def make_node(self, x: Any) -> Apply:
        x = _variable(x)
        return Apply(self, [x], [x.type()])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        raise self.exc(self.msg)

    def do_constant_folding(self, node: Apply) -> bool:
        return False
