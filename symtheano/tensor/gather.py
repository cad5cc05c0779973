"""Reading and writing at places that arrays name, in the form that loops need: Place, Gather, Scatter.

The rules of compile/rules/expand_index.py make them of indexing ops, after differentiation: they have no derivatives.
The elements of a Gather are those of its *space*, which is also the space of what a Scatter writes. For each axis of x
the pattern says where its coordinate comes from: k, it is that of axis k of the space; None, the next of `places` has
it, an integer array stretched to the space as elementwise operands are.

    x[v]            Gather((None, 1))(x, v[:, None])
    x[i, labels]    Gather((0, None))(x, labels)         where i counts x's rows
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import ShapeMismatchError, explain
from symtheano.graph.variable import Apply, Variable
from symtheano.scalar import TABLE, cast
from symtheano.scalar.dtypes import is_discrete
from symtheano.scalar.expr import Expr, call, const
from symtheano.tensor.array import ArrayOp, Let, Unconnected
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import Read, broadcast_index
from symtheano.tensor.sizes import as_size
from symtheano.tensor.type import StaticShape, tensor_type

Pattern = tuple[int | None, ...]
AxisOf = tuple[int, int]  # a node's input, by its position, and an axis of it


class Place(Unconnected):
    """Places in an axis: the integers `i` as int64; IndexError where one is not in the axis. Inputs: i, its length n.

    negative: whether those below 0 count from the end.
    """

    __props__ = ("negative",)

    def __init__(self, negative: bool):
        self.negative = bool(negative)

    def make_node(self, i: Any, n: Any) -> Apply:
        i, n = as_tensor_variable(i), as_size(n)
        if not is_discrete(i.type.dtype) or i.type.dtype == "bool":
            raise TypeError(f"Place: the places must be integers; {i} has type {i.type}")
        return Apply(self, [i, n], [tensor_type("int64", i.type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.places(xp, {args[0]}, {args[1]}, {self.negative})"

    def loop(self, node: Apply, read: Read, index: tuple[Expr, ...]) -> Expr:
        """The element at `index`, unchecked: see `bounds`."""
        kind: Any = node.inputs[0].type
        i = read(node.inputs[0], broadcast_index(node.inputs[0], index))
        if kind.dtype != "int64":
            i = call(cast("int64"), i)
        return call(TABLE["switch"], call(TABLE["lt"], i, 0), i + read(node.inputs[1], ()), i) if self.negative else i

    def bounds(self, node: Apply) -> list[tuple[Variable, Variable]]:
        """Pairs of an integer array and a length n: the op raises unless all elements of the array are in 0..n-1."""
        return [(node.outputs[0], node.inputs[1])]

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]


class _Placed(ArrayOp):
    """What Gather and Scatter share: the pattern and the space."""

    pattern: Pattern

    def located(self, x: Any, places: Sequence[Any]) -> list[Any]:
        """The places as variables; TypeError where they do not fit the pattern."""
        variables: list[Any] = [as_tensor_variable(v) for v in places]
        ndim = self._ndim(variables)
        if (
            len(self.pattern) != x.type.ndim
            or self.pattern.count(None) != len(variables)
            or any(v.type.ndim != ndim or v.type.dtype != "int64" for v in variables)
        ):
            raise TypeError(f"{self} does not fit {x.type} and places {[str(v.type) for v in variables]}")
        return variables

    def _ndim(self, places: Sequence[Any]) -> int:
        direct = [k for k in self.pattern if k is not None]
        return max([v.type.ndim for v in places] + [k + 1 for k in direct], default=0)

    def lengths(self, inputs: Sequence[Any]) -> list[list[AxisOf]]:
        """For each axis of the space, the inputs' axes that have its length: where they differ, the op raises."""
        x, *others = inputs
        found: list[list[AxisOf]] = [[] for _ in range(self._ndim(others))]
        for axis, k in enumerate(self.pattern):
            if k is not None and not x.type.broadcastable[axis]:
                found[k].append((0, axis))
        for position, v in enumerate(others, 1):
            for axis, one in enumerate(v.type.broadcastable):
                if not one:
                    found[axis].append((position, axis))
        return found

    def space(self, inputs: Sequence[Any]) -> StaticShape:
        """The static shape of the space. ShapeMismatchError where lengths are known to differ."""
        shape: list[int | None] = []
        for each in self.lengths(inputs):
            known = {inputs[position].type.shape[axis] for position, axis in each} - {None}
            if len(known) > 1:
                raise ShapeMismatchError(
                    explain(f"{self}: the lengths differ", operands=[f"{i}: {i.type}" for i in inputs])
                )
            shape.append(known.pop() if known else None if each else 1)
        return tuple(shape)

    def grid(self, node: Apply, args: Sequence[str]) -> str:
        """The text of the key that selects the space from x; it checks that lengths agree."""
        groups = ((f"{args[position]}.shape[{axis}]" for position, axis in each) for each in self.lengths(node.inputs))
        groups_text = "".join(f"({''.join(f'{n}, ' for n in group)}), " for group in groups)
        places = args[len(args) - self.pattern.count(None) :]
        return f"kernels.grid(xp, {args[0]}, {self.pattern}, ({groups_text}), ({''.join(f'{p}, ' for p in places)}))"

    def place(self, node: Apply, read: Read, index: tuple[Expr, ...]) -> tuple[Expr, ...]:
        """The place in x of the element of the space at `index`."""
        x: Any = node.inputs[0]
        places = iter(node.inputs[len(node.inputs) - self.pattern.count(None) :])
        found: list[Expr] = []
        for k, n in zip(self.pattern, x.type.shape, strict=True):
            if k is None:
                v = next(places)
                found.append(read(v, broadcast_index(v, index)))
            else:
                found.append(const(0) if n == 1 else index[k])
        return tuple(found)


class Gather(_Placed):
    """The elements of x at places, see above. Inputs: x, then the places: int64, in the axes they are for."""

    __props__ = ("pattern",)

    def __init__(self, pattern: Sequence[int | None]):
        self.pattern = tuple(pattern)

    def make_node(self, x: Any, *places: Any) -> Apply:
        x = as_tensor_variable(x)
        inputs = [x, *self.located(x, places)]
        return Apply(self, inputs, [tensor_type(x.type.dtype, self.space(inputs))()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"{args[0]}[{self.grid(node, args)}]"

    def loop(self, node: Apply, read: Read, index: tuple[Expr, ...]) -> Expr:
        """The element at `index`."""
        return read(node.inputs[0], self.place(node, read, index))

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[each[0][0]][each[0][1]] if each else 1 for each in self.lengths(node.inputs))]


class Scatter(_Placed):
    """x with y added to (or put into) the places that Gather reads.

    Places may repeat: all of them are added, of several values put the last one stays. Inputs: x, y, then the places.
    y has the dtype of x and the shape of the space.
    """

    __props__ = ("pattern", "set_instead_of_inc")

    def __init__(self, pattern: Sequence[int | None], set_instead_of_inc: bool = False):
        self.pattern, self.set_instead_of_inc = tuple(pattern), bool(set_instead_of_inc)

    def make_node(self, x: Any, y: Any, *places: Any) -> Apply:
        x, y = as_tensor_variable(x), as_tensor_variable(y)
        places = tuple(self.located(x, places))
        space = self.space([x, y, *places])
        if y.type.dtype != x.type.dtype or y.type.broadcastable != tuple(n == 1 for n in space):
            raise TypeError(f"{self}: the values, of {y.type}, do not fit {x.type} and the space {space}")
        return Apply(self, [x, y, *places], [tensor_type(x.type.dtype, x.type.shape)()])

    def array(self, node: Apply, let: Let, *args: str) -> str:
        return f"kernels.scatter(xp, {args[0]}, {args[1]}, {self.set_instead_of_inc}, {self.grid(node, args)})"

    def scatter(self, node: Apply, read: Read, index: tuple[Expr, ...]) -> tuple[tuple[Expr, ...], Expr]:
        """For the point `index` of the space: the place in the result, and the value that is added (or put) there.

        The result starts as a copy of x. Values of one place are added in the order of the space.
        """
        y = node.inputs[1]
        return self.place(node, read, index), read(y, broadcast_index(y, index))

    def infer_shape(self, node: Apply, shapes: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        return [tuple(shapes[0])]
