"""Counting and telling apart: bincount, unique, to_one_hot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import explain
from symtheano.graph.null import disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_complex, is_discrete
from symtheano.tensor.alloc import zeros
from symtheano.tensor.arange import arange
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.assertion import Assert
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions, zeros_of
from symtheano.tensor.index import index, set_subtensor, take
from symtheano.tensor.reduce import all as all_of
from symtheano.tensor.sizes import as_size, shape_i, total_size
from symtheano.tensor.type import tensor_type

__all__ = ["BinCount", "Unique", "bincount", "to_one_hot", "unique"]


class BinCount(ArrayOp):
    """How often each number occurs: inputs (x, minlength), or (x, minlength, weights) for sums of weights instead."""

    __props__ = ()

    def make_node(self, x: Any, minlength: Any, *weights: Any) -> Apply:
        variables: list[Any] = [as_tensor_variable(x), as_size(minlength), *map(as_tensor_variable, weights)]
        vectors = [variables[0], *variables[2:]]
        operands = [f"{v}: {v.type}" for v in vectors]
        if any(v.type.ndim != 1 for v in vectors):
            raise TypeError(explain("Inputs must be of dimension 1.", operation="bincount", operands=operands))
        if not is_discrete(vectors[0].type.dtype) or any(is_complex(w.type.dtype) for w in vectors[1:]):
            raise TypeError(
                explain(
                    "bincount counts integers, with real weights.",
                    operation="bincount",
                    operands=operands,
                    remedy="cast x with theano.tensor.cast(x, 'int64')",
                )
            )
        dtype = vectors[1].type.dtype if weights else "int64"
        return Apply(self, variables, [tensor_type(dtype, (None,))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        x, minlength, *weights = args
        text = f"xp.bincount({x}.astype('int64'), {weights[0] if weights else None}, int({minlength}))"
        dtype = node.outputs[0].type.dtype
        return (
            text
            if dtype in ("int64", "float64") and not (weights and dtype == "int64")
            else f"{text}.astype({dtype!r})"
        )

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[False], [False], [True]][: len(node.inputs)]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        terms = [disconnected_type(), disconnected_type()]
        for weights in inputs[2:]:
            discrete = is_discrete(weights.type.dtype)
            terms.append(zeros_of(weights) if discrete else take(output_grads[0], inputs[0]))
        return terms

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        tangent = eval_points[-1] if len(inputs) > 2 else None
        return [None if tangent is None else self(*inputs[:2], tangent)]


def bincount(x: Any, weights: Any = None, minlength: Any = None, assert_nonneg: bool = False) -> Any:
    """How often each of 0, 1, ..., max(x) occurs in the vector of integers `x`, int64.

    weights: a vector as long as x: the sums of the weights where x is 0, 1, ..., in the dtype of the weights.
    minlength: the least length of the result. A negative number in x raises ValueError when it runs, with assert_nonneg
    AssertionError.

    >>> bincount([1, 1, 3]).type
    TensorType(int64, vector)
    """
    x = as_tensor_variable(x)
    if assert_nonneg:
        x = Assert("Input to bincount has negative values!")(x, all_of(functions.ge(x, 0)))
    more = () if weights is None else (weights,)
    return BinCount()(x, 0 if minlength is None else minlength, *more)


class Unique(ArrayOp):
    """The different elements of x in order; with axis the different slices. See `unique`."""

    __props__ = ("return_index", "return_inverse", "return_counts", "axis")

    def __init__(
        self,
        return_index: bool = False,
        return_inverse: bool = False,
        return_counts: bool = False,
        axis: int | None = None,
    ):
        self.return_index, self.return_inverse, self.return_counts = return_index, return_inverse, return_counts
        self.axis = axis

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        shape: tuple[int | None, ...] = (None,)
        if self.axis is not None:
            ndim = x.type.ndim
            if not -ndim <= self.axis < ndim:
                raise RuntimeError(f"Unique axis `{self.axis}` is outside of input ndim = {ndim}.")
            shape = tuple(None if k == self.axis % ndim else n for k, n in enumerate(x.type.shape))
        count = self.return_index + self.return_inverse + self.return_counts
        kinds = [tensor_type(x.type.dtype, shape), *[tensor_type("int64", (None,))] * count]
        return Apply(self, [x], [kind() for kind in kinds])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        flags = (self.return_index, self.return_inverse, self.return_counts)
        if not any(flags):
            return f"xp.unique({args[0]}, axis={self.axis})"
        return f"kernels.unique(xp, {args[0]}, {flags}, {self.axis})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[Any]:
        result: list[Any] = [None] * len(node.outputs)
        if self.return_inverse:
            axis = self.axis
            result[1 + self.return_index] = (total_size(shapes[0]) if axis is None else shapes[0][axis],)
        return result


def unique(
    x: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
) -> Any:
    """The different elements of x, sorted; with axis the different slices along it. As numpy.unique.

    return_index, return_inverse, return_counts: vectors of int64 too: where each occurs first; which of them each
    element is; how often each occurs. Integers have no gradient, and the different elements have none either.

    >>> [v.type.dtype for v in unique([3, 1, 3], return_counts=True)]
    ['int64', 'int64']
    """
    return Unique(return_index, return_inverse, return_counts, axis)(x)


def to_one_hot(y: Any, nb_class: Any, dtype: str | None = None) -> Any:
    """The matrix (len(y), nb_class) of zeros with a 1 in each row i at column y[i]; dtype None is floatX.

    Raises IndexError when it runs on a class that there is not.

    >>> to_one_hot([0, 2], 3, "float32").type
    TensorType(float32, matrix)
    """
    y = as_tensor_variable(y)
    n = shape_i(y, 0)
    blank = zeros((n, nb_class), dtype=dtype)
    return set_subtensor(index(blank, (arange(n), y)), 1)
