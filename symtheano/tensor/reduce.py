"""Reductions: sum, prod, mean, var, std, max, min, argmax, all, any, and what is made of them.

`axis` is None (all axes), an int or a sequence of ints, negative ones counting from the end; `keepdims=True` leaves the
reduced axes with length 1. Some functions have the names of Python's builtins, as numpy's do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from symtheano.config import config
from symtheano.errors import explain
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar.dtypes import is_complex, is_discrete, upgrade_to_float
from symtheano.tensor.argmax import Argmax, Argmin, MaxAndArgmax
from symtheano.tensor.array import Let
from symtheano.tensor.careduce import (
    All,
    Any_,
    Axes,
    CAReduce,
    CAReduceDtype,
    Max,
    Min,
    Prod,
    ProdOfOthers,
    ProdWithoutZeros,
    ReduceOp,
    Sum,
    check_axes,
    restored,
)
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import functions
from symtheano.tensor.math import cast
from symtheano.tensor.sizes import shape_i, total_size
from symtheano.tensor.type import tensor_type

__all__ = [
    "All",
    "Any_",
    "Argmax",
    "Argmin",
    "CAReduce",
    "CAReduceDtype",
    "LogSumExp",
    "Max",
    "MaxAndArgmax",
    "Min",
    "Prod",
    "ProdOfOthers",
    "ProdWithoutZeros",
    "Sum",
    "all",
    "any",
    "argmax",
    "argmin",
    "check_and_normalize_axes",
    "logsumexp",
    "makeKeepDims",
    "max",
    "max_and_argmax",
    "mean",
    "min",
    "norm",
    "prod",
    "ptp",
    "std",
    "sum",
    "var",
]


def _reduced(op: Any, x: Any, keepdims: bool) -> Any:
    """The op on x, whose axes come back with `keepdims`."""
    variable = as_tensor_variable(x)
    out = op(variable)
    return restored(out, variable, out.owner.op.axes(variable.type.ndim)) if keepdims else out


def makeKeepDims(x: Any, y: Any, axis: Any) -> Any:
    """`y`, a reduction of `x` over `axis`, with these axes back as broadcastable ones.

    >>> makeKeepDims(np.ones((2, 3)), np.ones(2), 1).type
    TensorType(float64, col)
    """
    x = as_tensor_variable(x)
    axes = check_axes(axis, x, "makeKeepDims")
    return restored(as_tensor_variable(y), x, tuple(range(x.type.ndim)) if axes is None else axes)


def check_and_normalize_axes(x: Any, axis: Any) -> list[int]:
    """The axes that `axis` names for the tensor `x`, counted from 0; [] for None. Errors: see `check_axes`.

    >>> check_and_normalize_axes(np.zeros((2, 3)), -1)
    [1]
    """
    x = as_tensor_variable(x)
    axes = check_axes(axis, x, "axis")
    return list(range(x.type.ndim)) if axes is None and axis is not None else list(axes or ())


# ----- Sums and products -----


def sum(
    input: Any, axis: Any = None, dtype: str | None = None, keepdims: bool = False, acc_dtype: str | None = None
) -> Any:
    """The sum over axes.

    dtype: of the result; None: the input's, but int64 for bool and int8..int32, uint64 for uint8..uint32. acc_dtype:
    what is summed in; None: float64 for float32, float32 for float16, complex128 for complex64.

    >>> sum(as_tensor_variable([[1, 2], [3, 4]]), axis=-1).type
    TensorType(int64, vector)
    """
    return _reduced(Sum(check(input, axis, "sum"), dtype, acc_dtype), input, keepdims)


def prod(
    input: Any,
    axis: Any = None,
    dtype: str | None = None,
    keepdims: bool = False,
    acc_dtype: str | None = None,
    no_zeros_in_input: bool = False,
) -> Any:
    """The product over axes; dtypes as for `sum`.

    no_zeros_in_input: a promise that makes the gradient cheaper; without it the gradient is right at zeros, too.

    >>> prod([[1, 2], [3, 4]], axis=1).eval()
    array([ 2, 12])
    """
    return _reduced(Prod(check(input, axis, "prod"), dtype, acc_dtype, no_zeros_in_input), input, keepdims)


def check(input: Any, axis: Any, operation: str) -> Axes | None:
    """The normal form of `axis` for `input`, with errors that name the function the user called."""
    return check_axes(axis, as_tensor_variable(input), operation)


def _of_all_if_none(x: Any, axis: Any, operation: str) -> Axes | None:
    """`check`, but () names all axes: as in Theano, a sum over no axes is x itself, a maximum over none that of all."""
    return check(x, axis, operation) or None


# ----- Moments -----


def mean(
    input: Any,
    axis: Any = None,
    dtype: str | None = None,
    op: bool = False,
    keepdims: bool = False,
    acc_dtype: str | None = None,
) -> Any:
    """The mean over axes; nan of no elements.

    dtype: of the result; None: the input's, float64 for bool and integers. acc_dtype: see `sum`. op: Theano's, for an
    op it no longer had; ValueError if True.

    >>> mean(as_tensor_variable([1, 2])).type
    TensorType(float64, scalar)
    """
    if op:
        raise ValueError("mean: op=True is not supported: it selected an op that Theano removed")
    x: Any = as_tensor_variable(input)
    given = cast_name(dtype)
    half = "float16" in (given, x.type.dtype if given is None else None)
    axes = check(x, axis, "mean")
    total = sum(x, axes, "float32" if half else given, keepdims, acc_dtype)
    result = _divided(total, count(x, axes))
    if half:
        result = cast(result, "float16")
    if result is not x:
        result.name = "mean"
    return result


def cast_name(dtype: str | None) -> str | None:
    """`dtype` with "floatX" resolved."""
    return config.floatX if dtype == "floatX" else dtype


def count(x: Any, axes: Axes | None) -> Any:
    """The number of elements of `x` along `axes`: an int where the shape is known, else an int64 scalar."""
    return total_size([shape_i(x, k) for k in (range(x.type.ndim) if axes is None else axes)])


def _divided(total: Any, number: Any) -> Any:
    """total / number, in the precision of `total` (float64 for integers)."""
    dtype = total.type.dtype
    divisor = cast(number, "float32" if dtype in ("float16", "float32", "complex64") else "float64")
    result = functions.true_div(total, divisor)  # a count may be too large for float16
    return cast(result, dtype) if dtype == "float16" else result


def var(input: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False) -> Any:
    """The variance over axes: the mean of |x - mean(x)|**2.

    ddof: the sum of squares is divided by N - ddof, N being the number of elements. corrected: subtracts what rounding
    of the mean adds (the corrected two-pass algorithm).

    >>> var([1.0, 3.0]).eval()
    array(1.)
    """
    if isinstance(ddof, bool):
        raise ValueError("var: the parameters are (input, axis, ddof, keepdims, corrected): pass keepdims by name")
    x: Any = as_tensor_variable(input)
    axes = check(x, axis, "var")
    number = count(x, axes)
    centred = x - mean(x, axes, keepdims=True)
    divisor = number - ddof if ddof else number
    result = _divided(sum(_squared(centred), axes, keepdims=keepdims), divisor)
    if corrected:
        error = _divided(_squared(sum(centred, axes, keepdims=keepdims)), divisor * number)
        result = result - error
    result.name = "var"
    return result


def _squared(x: Any) -> Any:
    if is_complex(x.type.dtype):
        return functions.sqr(functions.real(x)) + functions.sqr(functions.imag(x))
    return functions.sqr(x)


def std(input: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False) -> Any:
    """The standard deviation over axes, sqrt(var(...)); its gradient at 0 is nan.

    >>> std([1.0, 3.0]).eval()
    array(1.)
    """
    result = functions.sqrt(var(input, axis, ddof, keepdims, corrected))
    result.name = "std"
    return result


def norm(x: Any, L: Any = 2, axis: Any = None, keepdims: bool = False) -> Any:
    """The L-norm of the elements along axes, (sum |x|**L)**(1/L); L may be infinite. Its gradient at 0 is nan.

    Raises NotImplementedError for L=0.

    >>> norm([3.0, -4.0]).eval()
    array(5.)
    """
    x = as_tensor_variable(x)
    if L is None:
        L = 2
    if L == 0:
        raise NotImplementedError("norm: L=0 is no norm; count non-zeros with theano.tensor.neq(x, 0).sum()")
    size = functions.abs_(x)
    if math.isinf(L):
        return max(size, axis, keepdims) if L > 0 else min(size, axis, keepdims)
    if L == 1:
        total = sum(size, axis, keepdims=keepdims)
        return functions.pow(total, 1.0) if is_discrete(total.type.dtype) else total  # norms are floats
    if L == 2:
        return functions.sqrt(sum(_squared(x), axis, keepdims=keepdims))
    return functions.pow(sum(functions.pow(size, L), axis, keepdims=keepdims), 1.0 / L)


# ----- Order -----


def max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The maximum over axes; nan wins. Tied elements all get the whole gradient.

    Of no elements there is none: ValueError when it is run.

    >>> max([[1, 5], [7, 2]], axis=0).eval()
    array([7, 5])
    """
    return _reduced(Max(_of_all_if_none(x, axis, "max")), x, keepdims)


def min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The minimum over axes, see `max`.

    >>> min([[1, 5], [7, 2]], axis=0).eval()
    array([1, 2])
    """
    return _reduced(Min(_of_all_if_none(x, axis, "min")), x, keepdims)


def argmax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Where the (first) maximum is, int64: nan is the largest; axis=None counts in the flattened tensor.

    >>> argmax([[1, 5], [7, 2]], axis=1).eval()
    array([1, 0])
    """
    return _reduced(Argmax(_of_all_if_none(x, axis, "argmax")), x, keepdims)


def argmin(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Where the (first) minimum is, int64; see `argmax`.

    >>> argmin([3, 1, 2]).eval()
    array(1)
    """
    return _reduced(Argmin(_of_all_if_none(x, axis, "argmin")), x, keepdims)


def max_and_argmax(a: Any, axis: Any = None, keepdims: bool = False) -> list[Any]:
    """[max(a, axis), argmax(a, axis)].

    >>> [v.eval() for v in max_and_argmax([[1, 5], [7, 2]], axis=1)]
    [array([5, 7]), array([1, 0])]
    """
    a = as_tensor_variable(a)
    outs = MaxAndArgmax(_of_all_if_none(a, axis, "max_and_argmax"))(a)
    axes = outs[0].owner.op.axes(a.type.ndim)
    return [restored(out, a, axes) for out in outs] if keepdims else list(outs)


def ptp(a: Any, axis: Any = None) -> Any:
    """The range of values, max(a, axis) - min(a, axis).

    >>> ptp([3, 1, 8]).eval()
    array(7)
    """
    return max(a, axis) - min(a, axis)


# ----- Truth -----


def all(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether all elements along axes are non-zero: bool.

    >>> all([[True, False], [True, True]], axis=1).eval()
    array([False,  True])
    """
    return _reduced(All(check(x, axis, "all")), x, keepdims)


def any(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether an element along axes is non-zero: bool.

    >>> any([[False, False], [True, False]], axis=1).eval()
    array([False,  True])
    """
    return _reduced(Any_(check(x, axis, "any")), x, keepdims)


# ----- log(sum(exp(x))) -----


class LogSumExp(ReduceOp):
    """log(sum(exp(x))) over axes, without overflow; -inf of no elements or where all are -inf (with gradient 0)."""

    __props__ = ("axis",)

    def __init__(self, axis: Any = None):
        self.axis = axis if axis is None else tuple(axis)

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        if is_complex(x.type.dtype):
            raise TypeError(explain("logsumexp: only of real numbers", operands=[f"{x}: {x.type}"]))
        op = self.normal(x)
        return Apply(op, [x], [tensor_type(upgrade_to_float(x.type.dtype), op.kept(x.type.shape))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        axes = self.axes(node.inputs[0].type.ndim)
        return f"kernels.logsumexp(xp, {args[0]}, {axes}, {node.outputs[0].type.dtype!r})"

    def _weights(self, x: Any, z: Any) -> Any:
        """exp(x - z), the partial derivatives: softmax."""
        z = restored(z, x, self.axes(x.type.ndim))
        return functions.exp(x - functions.switch(functions.eq(z, -float("inf")), 0, z))

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any
        (x,), (z,), (g,) = inputs, outputs, output_grads
        if is_discrete(x.type.dtype):
            return [functions.second(x, cast(0, config.floatX))]
        return [restored(g, x, self.axes(x.type.ndim)) * self._weights(x, z)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        t: Any = eval_points[0]
        if t is None:
            return [None]
        x: Any = inputs[0]
        return [sum(t * self._weights(x, self(x)), self.axes(x.type.ndim))]


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) over axes, without overflow.

    x: real numbers (TypeError for complex ones); the result is of floats.

    >>> logsumexp([1000.0, 1000.0]).eval()
    array(1000.69314718)
    """
    return _reduced(LogSumExp(check(x, axis, "logsumexp")), x, keepdims)
