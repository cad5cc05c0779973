"""The ops of MRG31k3p: the draw of uniform numbers, and the arithmetic of its seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import explain
from symtheano.gradient.null import grad_undefined
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_float
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import zeros_of
from symtheano.tensor.sizes import get_vector_length, known_lengths, size_vector, vector_items
from symtheano.tensor.type import TensorType, tensor_type

__all__ = ["DotModulo", "mrg_uniform", "mrg_uniform_base"]


class mrg_uniform_base(ArrayOp):
    """Uniform numbers from the streams of a state. output_type: their dtype and ndim.

    inplace: kept for Theano's callers; where memory is reused is the planner's decision.
    """

    __props__ = ("output_type", "inplace")

    def __init__(self, output_type: TensorType, inplace: bool = False):
        self.output_type, self.inplace = output_type, inplace

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.output_type},{'inplace' if self.inplace else 'no_inplace'}}}"

    def do_constant_folding(self, node: Apply) -> bool:
        return False

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        why = "No gradient defined through random sampling op"
        return [grad_undefined(self, k, i, why) for k, i in enumerate(inputs)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None, None]


class mrg_uniform(mrg_uniform_base):
    """(states, size) -> (new states, uniform numbers in (0, 1) of that size).

    states: int32 of shape (n, 6); number i is the next one of stream i mod n. size: a vector of as many integers as the
    output type has dimensions; those that are the constant 1 make broadcastable axes.
    """

    @classmethod
    def new(cls, rstate: Any, ndim: int | None, dtype: str, size: Any) -> list[Any]:
        """The new states and the numbers. ndim: needed where `size` is a vector of unknown length."""
        vector = size_vector(size)
        count = get_vector_length(vector) if ndim is None else ndim
        outputs: list[Any] = cls(tensor_type(dtype, (None,) * count))(rstate, vector)
        return outputs

    def make_node(self, rstate: Any, size: Any) -> Apply:
        states: Any = as_tensor_variable(rstate)
        vector = size_vector(size)
        kind = self.output_type
        if states.type.ndim != 2 or states.type.dtype != "int32" or not is_float(kind.dtype):
            raise TypeError(
                explain(
                    f"{type(self).__name__} draws floats from a matrix of int32 states.",
                    operation=str(self),
                    operands=[f"rstate {states}: {states.type}", f"wanted: {kind}"],
                    remedy="draw float32 or float64, cast afterwards; states come from get_substream_rstates",
                )
            )
        length = vector.type.shape[0]
        if length is not None and length != kind.ndim:
            raise ValueError(
                explain(
                    f"size must have length {kind.ndim} (not {length})",
                    operation=str(self),
                    operands=[f"size {vector}: {vector.type}", f"wanted: {kind}"],
                    remedy="give one length for each dimension, or correct ndim",
                )
            )
        sample = tensor_type(kind.dtype, tuple(known_lengths(vector, kind.ndim)))
        return Apply(self, [states, vector], [states.type(), sample()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"random_kernels.mrg_uniform(xp, {args[0]}, {args[1]}, {self.output_type.dtype!r})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0]), tuple(vector_items(node.inputs[1], self.output_type.ndim))]


class DotModulo(ArrayOp):
    """Two products of matrix and vector, each modulo a number, one behind the other: (A, s, m, A2, s2, m2) -> vector.

    A, A2: int64 matrices; s, s2: vectors, whose dtype the result has; m, m2: integer scalars. Entries are below 2**31.
    """

    __props__ = ()

    def make_node(self, A: Any, s: Any, m: Any, A2: Any, s2: Any, m2: Any) -> Apply:
        inputs: list[Any] = [as_tensor_variable(v) for v in (A, s, m, A2, s2, m2)]
        if [i.type.ndim for i in inputs] != [2, 1, 0, 2, 1, 0]:
            raise TypeError(
                explain(
                    "DotModulo takes matrix, vector, scalar, matrix, vector, scalar.",
                    operation=str(self),
                    operands=[f"{i}: {i.type}" for i in inputs],
                    remedy="see symtheano.sandbox.rng_mrg.multMatVect for arrays",
                )
            )
        return Apply(self, inputs, [tensor_type(inputs[1].type.dtype, (None,))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        parts = [f"(({a} * {s}) % {m}).sum(axis=1) % {m}" for a, s, m in (args[:3], args[3:])]
        return f"xp.concatenate([{', '.join(parts)}]).astype({node.outputs[0].type.dtype!r})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [(shapes[0][0] + shapes[3][0],)]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [zeros_of(i) for i in inputs]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None]
