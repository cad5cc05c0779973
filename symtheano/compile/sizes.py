"""Symbolic sizes: which axes of which values are known to have the same length.

A size is an int where it is known, else a token: a scalar variable that stands for it. The shape rules of the ops move
tokens about, so lengths that must agree end up with the same token; those that only a check can prove equal are united
when the check is emitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import ShapeError
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scan.op import Scan
from symtheano.tensor.array import ArrayOp
from symtheano.tensor.shape import Shape_i
from symtheano.tensor.type import TensorType, tensor_type

Size = int | Variable

_OURS = (ShapeError, NotImplementedError)  # a rule of ours says so where sizes depend on values
_AUTHORS = (*_OURS, TypeError, ValueError)  # an author's may ask for more than sizes
_TOKEN_TYPE = tensor_type("int64", ())


class Sizes:
    """The sizes of every variable of a graph, node by node."""

    def __init__(self) -> None:
        self._shapes: dict[Variable, tuple[Size, ...]] = {}
        self._parent: dict[Variable, Size] = {}

    def of(self, variable: Variable) -> tuple[Size, ...]:
        """The sizes of `variable`; fresh tokens where nothing is known."""
        found = self._shapes.get(variable)
        if found is None:
            found = self._shapes[variable] = self._unknown(variable)
        return tuple(self.find(size) for size in found)

    def visit(self, node: Apply) -> None:
        """Applies the node's shape rule."""
        shapes = self._rule(node)
        for position, out in enumerate(node.outputs):
            if not isinstance(out.type, TensorType) or out in self._shapes:
                continue
            unknown = self._unknown(out)
            known = None if shapes is None else shapes[position]
            if known is None or len(known) != len(unknown):
                self._shapes[out] = unknown
            else:
                self._shapes[out] = tuple(
                    u if isinstance(u, int) else self._size(k) for u, k in zip(unknown, known, strict=True)
                )
        if hasattr(node.op, "equal_sizes"):  # what the op itself checks when it runs
            for a, b in node.op.equal_sizes([self.of(i) for i in node.inputs]):
                self.unite(a, b)

    def find(self, size: Size) -> Size:
        """The representative of a size."""
        while isinstance(size, Variable) and size in self._parent:
            size = self._parent[size]
        return size

    def classes(self) -> dict[Variable, list[Variable]]:
        """For each representative that is a token, all tokens of its length, itself first."""
        found: dict[Variable, list[Variable]] = {}
        for token in self._parent:
            root = self.find(token)
            if isinstance(root, Variable):
                found.setdefault(root, [root]).append(token)
        return found

    def same(self, a: Size, b: Size) -> bool:
        """Whether two sizes are known to be equal."""
        a, b = self.find(a), self.find(b)
        return a is b or (isinstance(a, int) and isinstance(b, int) and a == b)

    def unite(self, a: Size, b: Size) -> None:
        """From here on, `a` and `b` are known to be equal (a check has been emitted)."""
        a, b = self.find(a), self.find(b)
        if a is b:
            return
        if isinstance(a, Variable):
            self._parent[a] = b
        elif isinstance(b, Variable):
            self._parent[b] = a

    def same_shape(self, a: Sequence[Size] | None, b: Sequence[Size] | None) -> bool:
        """Whether two shapes are known to be equal; None is the shape of what is no array."""
        if a is None or b is None or len(a) != len(b):
            return False
        return all(self.same(x, y) for x, y in zip(a, b, strict=True))

    def number(self, variable: Variable) -> Size:
        """The value of an integer, as a size."""
        return self.find(self._size(variable))

    # -- details ---------------------------------------------------------------------------------------------------
    def _unknown(self, variable: Variable) -> tuple[Size, ...]:
        if isinstance(variable, Constant) and hasattr(variable.data, "shape"):
            return tuple(variable.data.shape)
        known: Sequence[int | None] = getattr(variable.type, "shape", ())
        return tuple(_TOKEN_TYPE() if n is None else n for n in known)

    def _rule(self, node: Apply) -> Sequence[Any] | None:
        rule = getattr(node.op, "infer_shape", None)
        if rule is None or not (isinstance(node.op, Scan) or all(isinstance(i.type, TensorType) for i in node.inputs)):
            return None
        gives_up = _OURS if isinstance(node.op, (ArrayOp, Scan)) else _AUTHORS
        try:
            result: Sequence[Any] = rule(node, [self.of(i) for i in node.inputs])
        except gives_up:
            return None  # nothing is known then
        return result

    def _size(self, value: Any) -> Size:
        """What a shape rule gave, as a size."""
        if isinstance(value, Constant):
            return int(value.data)
        if isinstance(value, Variable):
            owner = value.owner
            if owner is not None and isinstance(owner.op, Shape_i):
                return self.of(owner.inputs[0])[owner.op.i]
            return value
        return int(value)
