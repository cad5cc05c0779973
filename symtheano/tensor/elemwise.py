"""Elemwise (a scalar function on every element, broadcast statically) and DimShuffle (axes moved, added, dropped)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import numpy as np

from symtheano.config import config
from symtheano.errors import ComplexError, ShapeMismatchError, explain
from symtheano.graph.null import NullType, disconnected_type
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import TABLE, ScalarOp, cast, upcast
from symtheano.scalar.dtypes import is_complex, is_discrete, is_float, upgrade_to_float
from symtheano.scalar.expr import Expr, call, const
from symtheano.tensor import convert
from symtheano.tensor.array import ArrayOp, Let
from symtheano.tensor.calls import ends_in_ufunc, row_text
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.type import StaticShape, tensor_type

Read = Callable[[Variable, tuple[Expr, ...]], Expr]


_VIEWS = {"second": 1, "identity": 0}  # rows whose result is a view of that argument


class Elemwise(ArrayOp):
    """`scalar_op` applied to the elements of inputs broadcast together.

    Broadcasting is static: an axis is stretched only where the type says its length is 1 (`broadcastable`). Inputs of
    fewer dimensions get broadcastable axes in front.
    """

    __props__ = ("scalar_op",)
    of_author: ClassVar[Callable[..., Any] | None] = None  # the op for an author's scalar function (author_scalar.py)

    def __new__(cls, scalar_op: Any = None, *args: Any, **kwargs: Any) -> Any:
        if scalar_op is not None and not isinstance(scalar_op, ScalarOp) and cls.of_author is not None:
            return cls.of_author(scalar_op, *args, **kwargs)
        return super().__new__(cls)

    def __init__(self, scalar_op: ScalarOp, inplace_pattern: Any = None, name: str | None = None, **ignored: Any):
        self.scalar_op = scalar_op
        self.name = name
        self.nin = scalar_op.arity
        self.nout = 1
        if scalar_op.name in _VIEWS:
            self.view_map = {0: [_VIEWS[scalar_op.name]]}
        self.out_argument = ends_in_ufunc(scalar_op)  # type: ignore[misc]

    def __str__(self) -> str:
        return f"Elemwise{{{self.scalar_op.name},no_inplace}}"

    def __call__(self, *inputs: Any, return_list: bool = False, name: str | None = None, **kwargs: Any) -> Any:
        if kwargs:
            raise TypeError(f"{self.scalar_op.name} got an unexpected keyword argument {next(iter(kwargs))!r}")
        out = self.make_node(*inputs).outputs[0]
        if name is not None:
            out.name = name
        return [out] if return_list else out

    # -- type rule -----------------------------------------------------------------------------------------------
    def make_node(self, *inputs: Any) -> Apply:
        arity = self.scalar_op.arity
        if len(inputs) != arity and (arity is not None or not inputs):
            raise TypeError(f"{self.scalar_op.name} takes {arity or 'at least one'} argument(s) ({len(inputs)} given)")
        variables: list[Any] = [as_tensor_variable(i) for i in inputs]
        ndim = max(v.type.ndim for v in variables)
        variables = [v if v.type.ndim == ndim else pad_left(v, ndim) for v in variables]
        dtype = self._dtype(variables)
        return Apply(self, variables, [tensor_type(dtype, self._shape(variables, ndim))()])

    def _dtype(self, inputs: list[Any]) -> str:
        try:
            return self.scalar_op.out(tuple(v.type.dtype for v in inputs), config.floatX)
        except (TypeError, ComplexError) as error:
            problem, _, remedy = str(error).partition("; ")
            raise type(error)(
                explain(
                    problem,
                    operation=self.scalar_op.name,
                    operands=[f"{v}: {v.type}" for v in inputs],
                    remedy=remedy or "cast the operands with T.cast",
                )
            ) from None

    def _shape(self, inputs: list[Any], ndim: int) -> StaticShape:
        if len(inputs) == 1:
            shape: StaticShape = inputs[0].type.shape
            return shape
        shape_list: list[int | None] = []
        for axis in range(ndim):
            lengths = {v.type.shape[axis] for v in inputs}
            lengths.discard(1)
            if not lengths:
                shape_list.append(1)
                continue
            lengths.discard(None)
            if len(lengths) > 1:
                raise ShapeMismatchError(self._mismatch(inputs, axis))
            shape_list.append(lengths.pop() if lengths else None)
        return tuple(shape_list)

    def _mismatch(self, inputs: list[Any], axis: int) -> str:
        return explain(
            f"Input dimension mis-match: the inputs of {self.scalar_op.name} have different lengths in axis {axis}.",
            operation=self.scalar_op.name,
            operands=[f"{v}: {v.type}, shape {v.type.shape}" for v in inputs],
            expression=f"{self.scalar_op.name}({', '.join(map(str, inputs))})",
            remedy="make the lengths equal, or 1 in a broadcastable axis (see dimshuffle and addbroadcast)",
        )

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        out: list[Any] = []
        for axis, known in enumerate(node.outputs[0].type.shape):
            if known is not None:
                out.append(known)
                continue
            lengths = [s[axis] for s, i in zip(shapes, node.inputs, strict=True) if i.type.shape[axis] != 1]
            out.append(lengths[0])
        return [tuple(out)]

    # -- array rule ----------------------------------------------------------------------------------------------
    def array(self, node: Apply, let: Let, *args: str) -> str:
        if self.scalar_op.name == "second":
            shape = f"xp.shape({args[0]})"
            if node.inputs[0].type.broadcastable != node.outputs[0].type.broadcastable:
                shape = f"xp.broadcast_shapes({shape}, xp.shape({args[1]}))"
            return f"xp.broadcast_to({args[1]}, {shape})"
        if self.scalar_op.name == "identity":
            return args[0]
        dtypes = tuple(i.type.dtype for i in node.inputs)
        patterns = [i.type.broadcastable for i in node.inputs]
        return row_text(self.scalar_op, dtypes, node.outputs[0].type.dtype, args, let, patterns)

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: Sequence[list[Any]], *params: Any) -> None:
        check_broadcast(node, [np.shape(i) for i in inputs])
        super().perform(node, inputs, output_storage)

    # -- loop rule -----------------------------------------------------------------------------------------------
    def loop(self, node: Apply, read: Read, index: tuple[Expr, ...]) -> Expr:
        """The element at `index`."""
        return call(self.scalar_op, *(read(i, broadcast_index(i, index)) for i in node.inputs))

    # -- derivatives ---------------------------------------------------------------------------------------------
    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        connected = self.scalar_op.connected
        if connected is None:
            return [[True]] * len(node.inputs)
        return [[c] for c in connected]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        (z,), (gz,) = outputs, output_grads
        row = self.scalar_op
        if row.adjoint is not None and any(is_complex(v.type.dtype) for v in (*inputs, z)):
            terms = row.adjoint(functions, *inputs, z, gz)
        else:
            terms = [times(gz, p, x) for p, x in zip(self._partials(inputs, z), inputs, strict=True)]
        return [self._cotangent(x, z, g, k) for k, (x, g) in enumerate(zip(inputs, terms, strict=True))]

    def _cotangent(self, x: Any, z: Any, g: Any, position: int) -> Variable:
        """`g` as the gradient of input `position`: of its broadcast pattern, zero or null where it must be."""
        if not self.scalar_op.is_connected(position):
            return disconnected_type()
        if g is None and is_discrete(x.type.dtype):
            return zeros_of(x)  # type: ignore[no-any-return]  # an order or a count: nothing between its values
        if g is None:
            return NullType(f"no formula for the derivative of {self.scalar_op.name} by its argument {position}")()
        if is_zero(g) or is_discrete(z.type.dtype):
            return zeros_of(x)  # type: ignore[no-any-return]
        if is_float(z.type.dtype) and is_float(g.type.dtype) and upcast(z.type.dtype, g.type.dtype) != z.type.dtype:
            g = Elemwise(cast(z.type.dtype))(g)  # a number in the formula must not widen a float16 gradient
        return unbroadcast(g, x)  # type: ignore[no-any-return]

    def _partials(self, inputs: Sequence[Variable], z: Variable) -> Sequence[Any]:
        if self.scalar_op.partials is None or is_discrete(z.type.dtype):
            return (0,) * len(inputs)
        partials: Sequence[Any] = self.scalar_op.partials(functions, *inputs, z)
        return partials

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        z, tangent = self(*inputs), self.scalar_op.tangent
        if tangent is not None and any(is_complex(v.type.dtype) for v in (*inputs, z)):
            if all(t is None for t in eval_points):
                return [None]
            ts = [zeros_of(x) if t is None else t for x, t in zip(inputs, eval_points, strict=True)]
            return [functions.second(z, tangent(functions, *inputs, z, *ts))]
        terms = [
            t * p
            for p, t in zip(self._partials(inputs, z), eval_points, strict=True)
            if t is not None and not is_zero(p)
        ]
        if not terms:
            return [None if all(t is None for t in eval_points) else zeros_of(z)]
        total = sum(terms[1:], terms[0])
        return [total if total.type.broadcastable == z.type.broadcastable else functions.second(z, total)]


class _Functions:
    """The tensor functions by the name of their row: the `m` of the table's derivatives."""

    @staticmethod
    def literal(value: float, like: Any) -> Variable:
        """The number in the precision of `like`."""
        dtype = like.type.dtype
        return convert.make_constant(np.asarray(value, dtype if not is_discrete(dtype) else upgrade_to_float(dtype)))

    def __getattr__(self, name: str) -> Elemwise:
        if name not in TABLE:
            raise AttributeError(f"the scalar table has no row {name!r}")
        function = Elemwise(TABLE[name], name=name)
        setattr(self, name, function)
        return function


functions: Any = _Functions()
ScalarOp.applied = lambda row, *xs: Elemwise(row)(*xs)


def is_zero(partial: Any) -> bool:
    """Whether a partial derivative of the table is the literal 0."""
    return isinstance(partial, (int, float)) and partial == 0


def times(gz: Any, partial: Any, x: Any) -> Any:
    """cotangent times partial derivative; for complex numbers the conjugate, so that real costs descend."""
    if partial is None or is_zero(partial):
        return partial
    if isinstance(partial, (int, float)) and partial == 1:
        product = gz
    elif isinstance(partial, (int, float)) and partial == -1:
        product = -gz
    else:
        if isinstance(partial, Variable) and is_complex(partial.type.dtype):
            partial = functions.conj(partial)
        product = gz * partial
    if is_complex(product.type.dtype) and not is_complex(x.type.dtype):
        product = functions.real(product)
    return product


def zeros_of(x: Any) -> Any:
    """A gradient of zeros for `x`: its dtype where that is continuous, else floatX."""
    dtype = config.floatX if is_discrete(x.type.dtype) else x.type.dtype
    return functions.second(x, convert.make_constant(np.zeros((), dtype)))


def unbroadcast(g: Any, x: Any) -> Any:
    """`g` summed over the axes in which `x` was stretched, so that it has x's broadcast pattern."""
    axes = [k for k, (b, c) in enumerate(zip(x.type.broadcastable, g.type.broadcastable, strict=True)) if b and not c]
    if not axes:
        if any(c and not b for b, c in zip(x.type.broadcastable, g.type.broadcastable, strict=True)):
            return functions.second(x, g)  # the cotangent was narrower than the output: stretch it to x
        return g
    g = g.sum(axis=axes, keepdims=True)
    if any(c and not b for b, c in zip(x.type.broadcastable, g.type.broadcastable, strict=True)):
        return functions.second(x, g)
    return g


def broadcast_index(variable: Any, index: tuple[Expr, ...]) -> tuple[Expr, ...]:
    """`index` with 0 in the axes where the variable has length 1."""
    return tuple(const(0) if n == 1 else i for n, i in zip(variable.type.shape, index, strict=True))


def check_broadcast(node: Apply, shapes: Sequence[tuple[int, ...]]) -> None:
    """Raises where run-time shapes do not agree under static broadcasting (numpy would stretch any axis of 1)."""
    for axis in range(node.outputs[0].type.ndim):
        lengths = {s[axis] for s, i in zip(shapes, node.inputs, strict=True) if not i.type.broadcastable[axis]}
        if len(lengths) > 1:
            raise ShapeMismatchError(
                explain(
                    f"Input dimension mis-match: the inputs of {node.op} differ in axis {axis}.",
                    operation=str(node.op),
                    operands=[f"{i}: {i.type}, shape {tuple(s)}" for i, s in zip(node.inputs, shapes, strict=True)],
                    expression=str(node),
                    where=str(node.trace or ""),
                    remedy="make the lengths equal, or declare an axis of length 1 broadcastable "
                    "(theano.tensor.addbroadcast)",
                )
            )


# -- DimShuffle ----------------------------------------------------------------------------------------------------


class DimShuffle(ArrayOp):
    """Moves axes, adds axes of length 1 ("x") and drops broadcastable ones. The result is a view.

    new_order: for each axis of the result the input's axis, or "x".
    """

    __props__ = ("input_broadcastable", "new_order")
    view_map = {0: [0]}

    def __init__(self, input_broadcastable: Iterable[bool], new_order: Iterable[Any], inplace: bool = True):
        self.input_broadcastable = tuple(bool(b) for b in input_broadcastable)
        self.new_order = tuple(o if o == "x" else int(o) for o in new_order)
        ndim = len(self.input_broadcastable)
        self.shuffle = tuple(o for o in self.new_order if o != "x")
        for o in self.shuffle:
            if not 0 <= o < ndim:
                raise ValueError(self._bad(f"there is no axis {o} in a tensor of {ndim} dimensions"))
            if self.shuffle.count(o) > 1:
                raise ValueError(
                    self._bad(f"the same input dimension may not appear twice in the list of output dimensions: {o}")
                )
        self.drop = tuple(k for k in range(ndim) if k not in self.shuffle)
        self.augment = tuple(k for k, o in enumerate(self.new_order) if o == "x")
        if any(not self.input_broadcastable[k] for k in self.drop):
            raise ValueError(self._bad("You cannot drop a non-broadcastable dimension."))

    def _bad(self, why: str) -> str:
        return explain(
            f"dimshuffle{self.new_order}: {why}",
            operands=[
                f"an input of {len(self.input_broadcastable)} dimensions, broadcastable: {self.input_broadcastable}"
            ],
            remedy="name each axis of the result: an input axis once, or 'x' for a new axis of length 1",
        )

    def __str__(self) -> str:
        return f"InplaceDimShuffle{{{','.join(map(str, self.new_order))}}}"

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        if x.type.ndim != len(self.input_broadcastable) or any(
            b and not c for b, c in zip(self.input_broadcastable, x.type.broadcastable, strict=True)
        ):
            raise TypeError(
                f"{self} expects an input of pattern {self.input_broadcastable}; {x} has {x.type.broadcastable}"
            )
        shape = tuple(1 if o == "x" else x.type.shape[o] for o in self.new_order)
        return Apply(self, [x], [tensor_type(x.type.dtype, shape)()])

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(1 if o == "x" else shapes[0][o] for o in self.new_order)]

    def array(self, node: Apply, let: Let, *args: str) -> str:
        (x,) = args
        if self.shuffle == tuple(sorted(self.shuffle)):
            return self._indexed(x, self.new_order)
        kept = sorted(self.shuffle)
        text = self._indexed(x, kept) if self.drop else x
        order = tuple(kept.index(o) for o in self.shuffle)
        text = f"{text}.T" if order == tuple(reversed(range(len(order)))) else f"{text}.transpose({order})"
        return f"{text}[{', '.join('None' if o == 'x' else ':' for o in self.new_order)}]" if self.augment else text

    def _indexed(self, x: str, order: Iterable[Any]) -> str:
        """`x` indexed: ":" keeps an axis, 0 drops one, None adds one (axes stay in order)."""
        parts, axis = [], 0
        for o in order:
            if o == "x":
                parts.append("None")
                continue
            parts += ["0"] * (o - axis) + [":"]
            axis = o + 1
        parts += ["0"] * (len(self.input_broadcastable) - axis)
        return f"{x}[{', '.join(parts)}]" if set(parts) - {":"} else x

    def loop(self, node: Apply, read: Read, index: tuple[Expr, ...]) -> Expr:
        """The element at `index`."""
        where = {o: i for o, i in zip(self.new_order, index, strict=True) if o != "x"}
        return read(node.inputs[0], tuple(where.get(a, const(0)) for a in range(len(self.input_broadcastable))))

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        x: Any
        g: Any
        (x,), (g,) = inputs, output_grads
        axes = [k for k in self.augment if not g.type.broadcastable[k]]
        if axes:
            g = g.sum(axis=axes, keepdims=True)
        back: list[Any] = ["x"] * x.type.ndim
        for k, o in enumerate(self.new_order):
            if o != "x":
                back[o] = k
        return [dimshuffle(g, back)]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        return [None if eval_points[0] is None else self(eval_points[0])]


def dimshuffle(x: Any, order: Sequence[Any]) -> Any:
    """`x` with its axes in `order` ("x" for a new one); `x` itself where nothing changes."""
    if tuple(order) == tuple(range(x.type.ndim)):
        return x
    return DimShuffle(x.type.broadcastable, order)(x)


def pad_left(x: Any, ndim: int) -> Any:
    """`x` with broadcastable axes in front, or without those it has in front, so that it has `ndim` dimensions."""
    extra = ndim - x.type.ndim
    if extra >= 0:
        return dimshuffle(x, ["x"] * extra + list(range(x.type.ndim)))
    if not all(x.type.broadcastable[:-extra]):
        raise ValueError(
            f"as_tensor_variable(ndim={ndim}): {x} of {x.type} has {x.type.ndim} dimensions that are not all 1"
        )
    return dimshuffle(x, list(range(-extra, x.type.ndim)))


convert.pad_dimensions = pad_left
