"""Behind: the part behind the initial state of an array that begins with it, as which Theano's scan returns outputs.

Programs of Theano's take the whole array from there (`result.owner.inputs[0]`). Nobody computes the part so: the node
has the rows behind the initial state as an input, too, and closed graphs have that in its place; gradients go there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.array import Let
from symtheano.tensor.index_basic import Subtensor
from symtheano.tensor.type import tensor_type

_INTEGER = tensor_type("int64", ())


class Behind(Subtensor):
    """`rows`, as the part `whole[depth:]`. Inputs: whole, depth, rows."""

    view_map = {0: [2]}
    stands_for = 2

    def __init__(self) -> None:
        Subtensor.__init__(self, [slice(_INTEGER, None, None)])

    def make_node(self, whole: Any, depth: Any, rows: Any) -> Apply:
        return Apply(self, [whole, depth, rows], [rows.type.make_variable()])

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False], [False], [True]]

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[2])]

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return args[2]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [disconnected_type(), disconnected_type(), output_grads[0]]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [eval_points[2]]
