"""choose: each element taken from one of several arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from symtheano.errors import explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor import convert
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions, pad_left, zeros_of
from symtheano.tensor.index_key import static_block, symbolic_block
from symtheano.tensor.type import tensor_type

MODES = ("raise", "wrap", "clip")


def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """An array whose element at each place is that of `choices[a]` there, as numpy's choose.

    a: integers. choices: a list of arrays, or one array whose first axis is the list; broadcast with `a`.
    mode: "raise" (ValueError at run time for an `a` outside of 0 .. n-1), "wrap" (modulo n) or "clip". out: None.

    >>> import symtheano.tensor as T
    >>> choose(T.lvector("a"), [T.dvector("x"), T.dvector("y")]).type
    TensorType(float64, vector)
    """
    if out is not None:
        raise TypeError("choose: out is not supported; the result is a new variable")
    if isinstance(choices, (list, tuple)):
        arrays: list[Any] = [as_tensor_variable(c) for c in choices]
        ndim = max(c.type.ndim for c in arrays)
        arrays = [pad_left(c, ndim) for c in arrays]
        if len({c.type.broadcastable for c in arrays}) > 1:
            like = reduce(functions.second, arrays)
            arrays = [functions.second(like, c) for c in arrays]
        assert convert.stack_sequence is not None
        choices = convert.stack_sequence(arrays)
    return Choose(mode)(a, choices)


class Choose(ArrayOp):
    """Inputs: a (integers), choices (a list of arrays in the first axis), broadcast together."""

    __props__ = ("mode",)

    def __init__(self, mode: str = "raise"):
        if mode not in MODES:
            raise ValueError(f"choose: mode must be one of {MODES}, not {mode!r}")
        self.mode = mode

    def make_node(self, a: Any, choices: Any) -> Apply:
        a, choices = as_tensor_variable(a), as_tensor_variable(choices)
        if not is_discrete(a.type.dtype) or choices.type.ndim == 0:
            raise TypeError(
                explain(
                    "choose needs integers, and a list of arrays to choose from.",
                    operation="choose",
                    operands=[f"a = {a}: {a.type}", f"choices = {choices}: {choices.type}"],
                    remedy="cast a to an integer type; stack the choices along the first axis",
                )
            )
        shape = static_block([a, _rest(choices)])
        return Apply(self, [a, choices], [tensor_type(choices.type.dtype, shape)()])

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [symbolic_block([0, 0], [shapes[0], shapes[1][1:]])]

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.choose(xp, {args[0]}, {args[1]}, {self.mode!r})"

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False], [True]]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        a, choices = inputs
        if is_discrete(choices.type.dtype):
            return [disconnected_type(), zeros_of(choices)]
        return [disconnected_type(), Unchoose(self.mode)(a, choices, output_grads[0])]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[1] is None else self(inputs[0], eval_points[1])]


class Unchoose(ArrayOp):
    """The adjoint of Choose. Inputs: a, choices (only their shape matters), the cotangent of Choose's result."""

    __props__ = ("mode",)

    def __init__(self, mode: str):
        self.mode = mode

    def make_node(self, a: Any, choices: Any, g: Any) -> Apply:
        a, choices, g = as_tensor_variable(a), as_tensor_variable(choices), as_tensor_variable(g)
        return Apply(self, [a, choices, g], [tensor_type(g.type.dtype, choices.type.shape)()])

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[1])]

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.unchoose(xp, {', '.join(args)}, {self.mode!r})"

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False], [False], [True]]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [disconnected_type(), disconnected_type(), Choose(self.mode)(inputs[0], output_grads[0])]


def _rest(choices: Any) -> Variable:
    """A stand-in for one of the choices: its type."""
    return tensor_type(choices.type.dtype, choices.type.shape[1:])()
