"""The reductions as ops: a commutative, associative scalar function folded over some axes, and their gradients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from symtheano.config import config
from symtheano.errors import explain
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scalar import TABLE, ScalarOp, upcast
from symtheano.scalar.dtypes import is_complex, is_discrete
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import dimshuffle, functions, times, zeros_of
from symtheano.tensor.type import tensor_type

Axes = tuple[int, ...]

_WIDE = {
    **dict.fromkeys(("bool", "int8", "int16", "int32"), "int64"),
    **dict.fromkeys(("uint8", "uint16", "uint32"), "uint64"),
}
_ACCUMULATOR = {**_WIDE, "float16": "float32", "float32": "float64", "complex64": "complex128"}
_METHODS = {"maximum": "max", "minimum": "min"}  # cupy has no maximum.reduce


def check_axes(axis: Any, x: Any, operation: str) -> Axes | None:
    """`axis` as sorted axes of `x` counted from 0, or None where it names all of them (or is None).

    axis: None, an int, or a sequence of ints; negative ones count from the end. ValueError names what is out of range
    or named twice, TypeError what is no integer.
    """
    if isinstance(axis, Constant):
        axis = axis.data
    if axis is None:
        return None
    if isinstance(axis, np.ndarray):
        axis = axis.tolist()
    ndim = x.type.ndim
    names = list(axis) if isinstance(axis, (tuple, list, range, set, frozenset)) else [axis]
    found: list[int] = []
    for name in names:
        k = _integer(name.data if isinstance(name, Constant) else name, x, operation)
        if not -ndim <= k < ndim:
            raise ValueError(
                explain(
                    f"{operation}: axis {k} is out of range for ndim={ndim} (axis={axis}).",
                    operation=operation,
                    operands=[f"{x}: {x.type}"],
                    remedy=f"an axis is one of {-ndim}..{ndim - 1}" if ndim else "a scalar has no axes: pass axis=None",
                )
            )
        found.append(k % ndim)
    if len(set(found)) != len(found):
        raise ValueError(
            explain(
                f"{operation}: the same axis is named twice: axis={axis}, ndim={ndim}",
                operation=operation,
                operands=[f"{x}: {x.type}"],
                remedy="name each axis once",
            )
        )
    return None if len(found) == ndim else tuple(sorted(found))


def _integer(value: Any, x: Any, operation: str) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iu":
        return int(value)
    raise TypeError(
        explain(
            f"{operation}: an axis must be an integer known when the graph is built; got {value!r}",
            operation=operation,
            operands=[f"{x}: {x.type}"],
            remedy="give axis=None, an integer, or a tuple of integers",
        )
    )


def restored(y: Any, x: Any, axes: Axes) -> Any:
    """`y`, a reduction of `x` over `axes`, with those axes back as broadcastable ones."""
    kept = iter(range(y.type.ndim))
    return dimshuffle(y, ["x" if k in axes else next(kept) for k in range(x.type.ndim)])


class ReduceOp(ArrayOp):
    """What the reductions share: `axis` (None: all), the shape of the result, and axes in normal form."""

    axis: Axes | None

    def normal(self, x: Any) -> Any:
        """The op itself, or its equal with `axis` in normal form for `x`."""
        axis = check_axes(self.axis, x, type(self).__name__)
        return self if axis == self.axis else self.with_axis(axis)

    def with_axis(self, axis: Axes | None) -> Any:
        """This op over other axes."""
        return type(self)(axis)  # type: ignore[call-arg]

    def axes(self, ndim: int) -> Axes:
        """The axes that go, in order."""
        return tuple(range(ndim)) if self.axis is None else self.axis

    def kept(self, items: Sequence[Any]) -> tuple[Any, ...]:
        """Those of `items` (one for each axis of the input) whose axes stay."""
        return () if self.axis is None else tuple(v for k, v in enumerate(items) if k not in self.axis)

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [self.kept(shapes[0])] * len(node.outputs)


class CAReduce(ReduceOp):
    """Folds a commutative, associative scalar function over axes.

    scalar_op: a row of two arguments (or an n-ary one), or an Elemwise of it. axis: None for all axes, an int, or a
    sequence of ints. The dtype of the result is that of scalar_op on two elements.
    """

    __props__: tuple[str, ...] = ("scalar_op", "axis")

    def __init__(self, scalar_op: Any, axis: Any = None):
        row: ScalarOp = getattr(scalar_op, "scalar_op", scalar_op)
        if row.arity not in (2, None) or not row.associative or not row.commutative or row.numpy is None:
            raise NotImplementedError(f"CAReduce needs a commutative, associative function of two arguments; got {row}")
        self.scalar_op = row
        self.axis = (int(axis),) if isinstance(axis, (int, np.integer)) else axis if axis is None else tuple(axis)

    def with_axis(self, axis: Axes | None) -> Any:
        return type(self)(self.scalar_op, axis)

    def __str__(self) -> str:
        where = "" if self.axis is None else f"{{{', '.join(map(str, self.axis))}}}"
        return f"Reduce{{{self.scalar_op.name}}}{where}"

    def make_node(self, input: Any) -> Apply:
        x: Any = as_tensor_variable(input)
        op = self.normal(x)
        dtype = op.out_dtype(x.type.dtype)
        return Apply(op, [x], [tensor_type(dtype, op.kept(x.type.shape))()])

    def out_dtype(self, dtype: str) -> str:
        """The dtype of the result for an input of `dtype`."""
        return self.scalar_op.out((dtype, dtype), config.floatX)

    def array(self, node: Apply, let: Let, *args: str) -> str:
        (x,) = args
        axes = self.axes(node.inputs[0].type.ndim)
        method = _METHODS.get(self.scalar_op.name)
        if method is not None:
            return f"{x}.{method}(axis={axes})"
        return f"xp.{self.scalar_op.numpy}.reduce({x}, axis={axes}, dtype={node.outputs[0].type.dtype!r})"

    @property
    def out_argument(self) -> bool:  # type: ignore[override]
        """Whether the array rule's call takes out=."""
        return True

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True]]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any
        (x,), (z,), (gz,) = inputs, outputs, output_grads
        if is_discrete(z.type.dtype):
            return [zeros_of(x)]
        axes = self.axes(x.type.ndim)
        return [self.pullback(x, z, restored(gz, x, axes), axes)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        x: Any
        t: Any
        (x,), (t,) = inputs, eval_points
        if t is None:
            return [None]
        z = self(x)
        if is_discrete(x.type.dtype) or is_discrete(z.type.dtype):
            return [zeros_of(z)]
        axes = self.axes(x.type.ndim)
        slopes = conj(self.pullback(x, z, conj(t), axes))  # the pullback is a product with the partial derivatives
        return [slopes.sum(axis=axes)]

    def pullback(self, x: Any, z: Any, g: Any, axes: Axes) -> Any:
        """The cotangent of `x` where `g` is that of `z`, with the reduced axes back."""
        if self.scalar_op.name in ("maximum", "minimum"):
            return functions.switch(functions.eq(x, restored(z, x, axes)), g, 0)  # every tie gets the whole gradient
        raise NotImplementedError(f"{self} has no gradient")


class _RowReduce(CAReduce):
    """A CAReduce of one row."""

    __props__ = ("axis",)
    _row = ""

    def __init__(self, axis: Any = None):
        super().__init__(TABLE[self._row], axis)

    def with_axis(self, axis: Axes | None) -> Any:
        return type(self)(axis)

    def __str__(self) -> str:
        return f"{type(self).__name__}{{axis={self.axis}}}"


class Max(_RowReduce):
    """The maximum over axes: nan wins, ties all get the whole gradient; ValueError where there are no elements."""

    _row = "maximum"


class Min(_RowReduce):
    """The minimum over axes, as Max."""

    _row = "minimum"


class _Truth(_RowReduce):
    """All and Any: elements are tested against 0."""

    _name = ""

    def __str__(self) -> str:
        where = "" if self.axis is None else f"{{{', '.join(map(str, self.axis))}}}"
        return f"{self._name}{where}"

    def out_dtype(self, dtype: str) -> str:
        return "bool"

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"{args[0]}.{self._name.lower()}(axis={self.axes(node.inputs[0].type.ndim)})"


class All(_Truth):
    """Whether all elements along the axes are non-zero: bool; True of no elements."""

    _row, _name = "and_", "All"


class Any_(_Truth):
    """Whether an element along the axes is non-zero: bool; False of no elements."""

    _row, _name = "or_", "Any"


class CAReduceDtype(CAReduce):
    """A CAReduce whose result and accumulator have dtypes of their own.

    dtype: of the result; None: that of the input, but int64 (uint64) for bool and narrower (unsigned) integers.
    acc_dtype: what is accumulated in; None: int64, uint64, float32 for float16, float64 for float32, complex128 for
    complex64, else the input's. A node's op has both resolved.
    """

    __props__: tuple[str, ...] = ("scalar_op", "axis", "dtype", "acc_dtype")

    def __init__(self, scalar_op: Any, axis: Any = None, dtype: str | None = None, acc_dtype: str | None = None):
        super().__init__(scalar_op, axis)
        self.dtype = config.floatX if dtype == "floatX" else dtype
        self.acc_dtype = config.floatX if acc_dtype == "floatX" else acc_dtype

    def remade(self, axis: Axes | None, dtype: str | None, acc_dtype: str | None) -> Any:
        """This op with other properties."""
        return CAReduceDtype(self.scalar_op, axis, dtype, acc_dtype)

    def with_axis(self, axis: Axes | None) -> Any:
        return self.remade(axis, self.dtype, self.acc_dtype)

    def __str__(self) -> str:
        name = type(self).__name__ if type(self) is not CAReduceDtype else f"ReduceDtype{{{self.scalar_op.name}}}"
        where = "" if self.axis is None else f"axis=[{', '.join(map(str, self.axis))}], "
        return f"{name}{{{where}acc_dtype={self.acc_dtype}}}"

    def normal(self, x: Any) -> Any:
        axis = check_axes(self.axis, x, type(self).__name__)
        dtype, acc_dtype = self.out_dtype(x.type.dtype), self.accumulator(x)
        if (axis, dtype, acc_dtype) == (self.axis, self.dtype, self.acc_dtype):
            return self
        return self.remade(axis, dtype, acc_dtype)

    def out_dtype(self, dtype: str) -> str:
        result = _WIDE.get(dtype, dtype) if self.dtype is None else np.dtype(self.dtype).name
        if is_complex(dtype) and not is_complex(result):
            raise TypeError(f"{type(self).__name__}: the result of a reduction of {dtype} cannot be {result}")
        return result

    def accumulator(self, x: Any) -> str:
        """The dtype to accumulate elements of `x` in; TypeError where it would lose precision."""
        dtype: str = x.type.dtype
        if self.acc_dtype is None:
            return _ACCUMULATOR.get(dtype, dtype)
        wanted = np.dtype(self.acc_dtype).name
        if (is_discrete(dtype) and not is_discrete(wanted)) or upcast(dtype, wanted) == wanted:
            return wanted
        raise TypeError(
            explain(
                f"Cannot build {type(self).__name__} node with input dtype {dtype} and acc_dtype {wanted}, "
                "as precision would be lost.",
                operands=[f"{x}: {x.type}"],
                remedy="cast the input with theano.tensor.cast, or choose a wider acc_dtype",
            )
        )

    def array(self, node: Apply, let: Let, *args: str) -> str:
        axes = self.axes(node.inputs[0].type.ndim)
        text = f"xp.{self.scalar_op.numpy}.reduce({args[0]}, axis={axes}, dtype={self.acc_dtype!r})"
        # Not out=: numpy would round to the narrower dtype after each chunk of the input.
        return text if self.dtype == self.acc_dtype else f"{text}.astype({self.dtype!r})"

    @property
    def out_argument(self) -> bool:  # type: ignore[override]
        """Whether the array rule's call takes out=."""
        return self.dtype is not None and self.dtype == self.acc_dtype


class _DtypeReduce(CAReduceDtype):
    """A CAReduceDtype of one row."""

    __props__: tuple[str, ...] = ("axis", "dtype", "acc_dtype")
    _row = ""

    def __init__(self, axis: Any = None, dtype: str | None = None, acc_dtype: str | None = None):
        super().__init__(TABLE[self._row], axis, dtype, acc_dtype)

    def remade(self, axis: Axes | None, dtype: str | None, acc_dtype: str | None) -> Any:
        return type(self)(axis, dtype, acc_dtype)


class Sum(_DtypeReduce):
    """The sum over axes; 0 of no elements."""

    _row = "add"

    def pullback(self, x: Any, z: Any, g: Any, axes: Axes) -> Any:
        return functions.second(x, times(g, 1, x))

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0])]


class Prod(_DtypeReduce):
    """The product over axes; 1 of no elements.

    no_zeros_in_input: a promise that makes the gradient cheaper. Without it the gradient is exact at zeros, too.
    """

    __props__ = ("axis", "dtype", "acc_dtype", "no_zeros_in_input")
    _row = "mul"

    def __init__(
        self, axis: Any = None, dtype: str | None = None, acc_dtype: str | None = None, no_zeros_in_input: bool = False
    ):
        super().__init__(axis, dtype, acc_dtype)
        self.no_zeros_in_input = bool(no_zeros_in_input)

    def remade(self, axis: Axes | None, dtype: str | None, acc_dtype: str | None) -> Any:
        return type(self)(axis, dtype, acc_dtype, self.no_zeros_in_input)

    def pullback(self, x: Any, z: Any, g: Any, axes: Axes) -> Any:
        others = restored(z, x, axes) / x if self.no_zeros_in_input else ProdOfOthers(axes)(x)
        return times(g, others, x)


class ProdWithoutZeros(_DtypeReduce):
    """The product over axes of the elements that are not zero; 1 where there are none."""

    _row = "mul"

    def array(self, node: Apply, let: Let, *args: str) -> str:
        (x,) = args
        return super().array(node, let, let(f"xp.where({x} == 0, xp.ones((), {x}.dtype), {x})"))

    def pullback(self, x: Any, z: Any, g: Any, axes: Axes) -> Any:
        zero = functions.eq(x, 0)
        others = restored(z, x, axes) / functions.switch(zero, 1, x)
        return functions.switch(zero, 0, times(g, others, x))


class ProdOfOthers(ArrayOp):
    """For each element, the product of the other elements along `axes` of x; exact where some of them are zero.

    With further inputs g1, g2, ... of the shape of x: at element l, the sum over distinct positions i1, i2, ... other
    than l of g1[i1] * g2[i2] * ... times the product of the remaining elements of x. That is the family the derivatives
    of a product stay in, so that they exist to every order.
    """

    __props__ = ("axes",)

    def __init__(self, axes: Sequence[int]):
        self.axes = tuple(axes)

    def make_node(self, x: Any, *gs: Any) -> Apply:
        variables: list[Any] = [as_tensor_variable(v) for v in (x, *gs)]
        dtype = upcast(*(v.type.dtype for v in variables))
        first, pattern = variables[0], variables[0].type.broadcastable
        variables[1:] = [v if v.type.broadcastable == pattern else functions.second(first, v) for v in variables[1:]]
        return Apply(self, variables, [tensor_type(dtype, variables[0].type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        dtype = _ACCUMULATOR.get(node.outputs[0].type.dtype, node.outputs[0].type.dtype)
        text = f"kernels.product_of_others(xp, {self.axes}, {dtype!r}, {', '.join(args)})"
        return f"{text}.astype({node.outputs[0].type.dtype!r}, copy=False)"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x, *gs = inputs
        (c,) = output_grads
        wrt_x = self(x, *gs, conj(c))
        wrt_gs = [self(x, *gs[:k], conj(c), *gs[k + 1 :]) for k in range(len(gs))]
        return [times(conj(d), 1, v) for d, v in zip((wrt_x, *wrt_gs), inputs, strict=True)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        x, *gs = inputs
        t, *ts = eval_points
        terms: list[Any] = [] if t is None else [self(x, *gs, t)]
        terms += [self(x, *gs[:k], tk, *gs[k + 1 :]) for k, tk in enumerate(ts) if tk is not None]
        return [functions.add(*terms) if terms else None]


def conj(v: Any) -> Any:
    """The complex conjugate; `v` itself where it is real."""
    return functions.conj(v) if is_complex(v.type.dtype) else v
