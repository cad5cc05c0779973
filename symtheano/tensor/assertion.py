"""Assert: a value that is what it is only where conditions hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable

__all__ = ["Assert", "assert_", "assert_op"]


class Assert(ArrayOp):
    """The first input, as a view of it; AssertionError(msg) at run time where one of the others is not true.

    >>> Assert("must be short")(as_tensor_variable([1.0, 2.0]), np.array(True)).type
    TensorType(float64, vector)
    """

    __props__ = ("msg",)
    view_map = {0: [0]}

    def __init__(self, msg: str = "Theano Assert failed!"):
        self.msg = msg

    def make_node(self, value: Any, *conds: Any) -> Apply:
        value = value if isinstance(value, Variable) else as_tensor_variable(value)
        conditions: list[Any] = [as_tensor_variable(c) for c in conds]
        if any(c.type.ndim for c in conditions):
            raise AssertionError("Assert: conditions are 0-d; reduce tensors with theano.tensor.all")
        return Apply(self, [value, *conditions], [value.type()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.assert_all(xp, {args[0]}, {self.msg!r}{''.join(f', {c}' for c in args[1:])})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True], *([False] for _ in node.inputs[1:])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [output_grads[0], *(disconnected_type() for _ in inputs[1:])]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0], *inputs[1:])]


assert_ = assert_op = Assert()
