"""Shape, Shape_i and SliceLength, which give lengths, and MakeVector, which puts scalars together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import cast, upcast
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.array import ArrayOp, Let, Unconnected
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import Elemwise, zeros_of
from symtheano.tensor.type import tensor_type


class Shape(Unconnected):
    """The shape of a tensor: an int64 vector with one element for each axis."""

    __props__ = ()

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        return Apply(self, [x], [tensor_type("int64", (x.type.ndim,))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"xp.array({args[0]}.shape, 'int64')"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [(len(shapes[0]),)]


class Shape_i(Unconnected):
    """The length of axis `i` of a tensor: an int64 scalar."""

    __props__ = ("i",)

    def __init__(self, i: int):
        self.i = int(i)

    def __str__(self) -> str:
        return f"Shape_i{{{self.i}}}"

    def make_node(self, x: Any) -> Apply:
        x = as_tensor_variable(x)
        if not 0 <= self.i < x.type.ndim:
            raise TypeError(f"x has too few dimensions for {self}: {x} has type {x.type}")
        return Apply(self, [x], [tensor_type("int64", ())()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"xp.int64({args[0]}.shape[{self.i}])"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [()]


class SliceLength(Unconnected):
    """How many elements `start:stop:step` takes of an axis: an int64 scalar, as len(range(n)[start:stop:step]).

    present: for start, stop and step, whether the slice has it. Inputs: the axis' length n, then those present.
    """

    __props__ = ("present",)

    def __init__(self, present: Sequence[bool]):
        self.present = tuple(map(bool, present))

    def make_node(self, n: Any, *bounds: Any) -> Apply:
        inputs: list[Any] = [as_tensor_variable(v) for v in (n, *bounds)]
        if len(bounds) != sum(self.present) or any(v.type.ndim or not is_discrete(v.type.dtype) for v in inputs):
            raise TypeError(f"{self} takes a length and {sum(self.present)} bounds, all integers; got {inputs}")
        return Apply(self, inputs, [tensor_type("int64", ())()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        rest = iter(args[1:])
        key = ":".join(next(rest) if here else "" for here in self.present)
        return f"xp.int64(len(range({args[0]})[{key}]))"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [()]


class MakeVector(ArrayOp):
    """A vector of scalars, which are converted upwards to `dtype`."""

    __props__ = ("dtype",)

    def __init__(self, dtype: str = "int64"):
        self.dtype = dtype

    def make_node(self, *inputs: Any) -> Apply:
        scalars: list[Any] = [as_tensor_variable(i) for i in inputs]
        for v in scalars:
            if v.type.ndim != 0:
                raise ShapeMismatchError(self._bad("the inputs of MakeVector must be scalars (0-d)", scalars))
            if upcast(self.dtype, v.type.dtype) != self.dtype:
                raise TypeError(self._bad(f"{v} of dtype {v.type.dtype} does not fit in {self.dtype}", scalars))
        scalars = [v if v.type.dtype == self.dtype else Elemwise(cast(self.dtype))(v) for v in scalars]
        return Apply(self, scalars, [tensor_type(self.dtype, (len(scalars),))()])

    def _bad(self, why: str, scalars: Sequence[Any]) -> str:
        return explain(
            f"{why}.",
            operation=str(self),
            operands=[f"{v}: {v.type}" for v in scalars],
            remedy="use theano.tensor.stack for tensors, or cast the inputs",
        )

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"xp.array([{', '.join(args)}], {self.dtype!r})"

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [(len(node.inputs),)]

    def L_op(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], output_grads: Sequence[Variable]
    ) -> list[Variable]:
        g: Any = output_grads[0]
        if is_discrete(self.dtype):
            return [zeros_of(i) for i in inputs]
        return [g[k] for k in range(len(inputs))]

    def R_op(self, inputs: Sequence[Variable], eval_points: Sequence[Variable | None]) -> list[Variable | None]:
        if is_discrete(self.dtype) or all(t is None for t in eval_points):
            return [None]
        tangents: list[Any] = [zeros_of(i) if t is None else t for i, t in zip(inputs, eval_points, strict=True)]
        return [MakeVector(upcast(*(t.type.dtype for t in tangents)))(*tangents)]
