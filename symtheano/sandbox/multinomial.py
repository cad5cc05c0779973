"""Outcomes of multinomial distributions for given uniform numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import explain
from symtheano.graph.variable import Apply, Variable
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import zeros_of
from symtheano.tensor.sizes import as_int64, constant_dim, is_integer
from symtheano.tensor.type import tensor_type

__all__ = ["ChoiceFromUniform", "MultinomialFromUniform", "MultinomialWOReplacementFromUniform"]


class MultinomialFromUniform(ArrayOp):
    """Counts of outcomes: (pvals, unis, n) -> a matrix of pvals' shape, whose rows sum to n.

    pvals: a matrix, each row a distribution (its values are not checked). unis: a vector of rows * n uniform numbers.
    odtype: the dtype of the counts, 'auto' for that of pvals. Gradients are zero.
    """

    __props__: tuple[str, ...] = ("odtype",)
    auto: str | None = None  # what odtype='auto' means; None: the dtype of pvals

    def __init__(self, odtype: str):
        self.odtype = odtype

    def __str__(self) -> str:
        return f"{type(self).__name__}{{{self.odtype}}}"

    def make_node(self, pvals: Any, unis: Any, n: Any = 1) -> Apply:
        inputs: list[Any] = [as_tensor_variable(v) for v in (pvals, unis, n)]
        p, u, count = inputs
        if p.type.ndim != 2 or u.type.ndim != 1:
            raise NotImplementedError(
                explain(
                    f"{self}: pvals ndim should be 2, and unis ndim 1.",
                    operation=str(self),
                    operands=[f"pvals {p}: {p.type}", f"unis {u}: {u.type}"],
                    remedy="one distribution is a matrix of one row: pvals.dimshuffle('x', 0)",
                )
            )
        if count.type.ndim or not is_integer(count.type.dtype):
            raise TypeError(
                explain(f"{self}: n must be an integer scalar.", operation=str(self), operands=[f"n: {count.type}"])
            )
        dtype = self.odtype if self.odtype != "auto" else self.auto or p.type.dtype
        return Apply(self, inputs, [tensor_type(dtype, self._shape(p, count))()])

    def _shape(self, pvals: Any, n: Any) -> tuple[int | None, ...]:
        return tuple(pvals.type.shape)

    def array(self, node: Apply, let: Let, *args: str) -> str:
        dtype = node.outputs[0].type.dtype
        return f"random_kernels.multinomial_counts(xp, {args[0]}, {args[1]}, {args[2]}, {dtype!r})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        return [zeros_of(i) for i in inputs]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None]


class ChoiceFromUniform(MultinomialFromUniform):
    """Outcomes themselves: (pvals, unis, n) -> a matrix (rows, n) of column numbers of pvals.

    replace: whether an outcome may come twice in a row. odtype: 'auto' for int64. Raises ValueError, when it runs,
    where n is larger than the number of outcomes. A row whose probabilities sum to less than its number gets -1 there.
    """

    __props__ = ("odtype", "replace")
    auto = "int64"

    def __init__(self, odtype: str, replace: bool = False):
        super().__init__(odtype)
        self.replace = replace

    def _shape(self, pvals: Any, n: Any) -> tuple[int | None, ...]:
        """Broadcastable where pvals is, as in Theano; other lengths are only known."""
        rows, outcomes = pvals.type.shape
        length = constant_dim(n)
        return (rows, 1 if outcomes == 1 else None if length == 1 else length)

    def array(self, node: Apply, let: Let, *args: str) -> str:
        dtype = node.outputs[0].type.dtype
        arguments = f"{args[0]}, {args[1]}, {args[2]}, {bool(self.replace)}, {dtype!r}"
        return f"random_kernels.choose_outcomes(xp, {arguments})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [(shapes[0][0], as_int64(node.inputs[2]))]


MultinomialWOReplacementFromUniform = ChoiceFromUniform  # its older name
