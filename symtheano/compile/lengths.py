"""Lengths as formulas: how a size follows from the shapes and the integers that a function is given.

    length ::= int | Axis(variable, axis) | Number(variable) | Formula(op, lengths)

`Lengths.of(size)` gives the formula of a size token: the tokens of `compile/sizes.py` say which lengths are equal, the
graphs behind them how they are computed. `Unknown` is raised where a length depends on computed values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from symtheano.compile.sizes import Size, Sizes
from symtheano.errors import ShapeError
from symtheano.graph.variable import Apply, Constant, Variable
from symtheano.scalar.dtypes import DISCRETE
from symtheano.tensor.elemwise import DimShuffle, Elemwise
from symtheano.tensor.shape_ops import Shape_i, SliceLength
from symtheano.tensor.type import TensorType


class Unknown(ShapeError):
    """A length that depends on values which are computed first."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The length of an axis of a given array."""

    variable: Variable
    axis: int


@dataclass(frozen=True, slots=True)
class Number:
    """The value of a given integer, a 0-d array."""

    variable: Variable


@dataclass(frozen=True, slots=True)
class Formula:
    """An integer function of lengths, by the name of its row in the table; or

    slice (n, start, stop, step): the length of a slice; first (n, start, stop, step): where it starts (None: absent);
    place (n, i): i, counted from the end where it is negative.
    """

    op: str
    args: tuple[Length | None, ...]


Length = int | Axis | Number | Formula

_FUNCTIONS = frozenset("add sub mul int_div mod maximum minimum neg abs_ switch lt le gt ge eq neq and_ or_".split())
_DEEP = 150


class Lengths:
    """Formulas of sizes over what is given: arguments, shared variables, results of steps of the host program."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.given: dict[Variable, int] = {}  # each with its number
        self._holders: dict[Size, Length] = {}

    def learn(self, variable: Variable) -> None:
        """`variable` is given: its axes have lengths, and an integer has a value."""
        self.given.setdefault(variable, len(self.given))
        if isinstance(variable.type, TensorType):
            for axis, size in enumerate(self.sizes.of(variable)):
                if not isinstance(size, int):
                    self._holders.setdefault(size, Axis(variable, axis))

    def unite(self, a: Size, b: Size) -> tuple[Length, Length] | None:
        """What must be equal for these sizes to be one, as from now on they are; None: they were. Raises Unknown."""
        if self.sizes.same(a, b):
            return None
        left, right = self.of(a), self.of(b)
        self.sizes.unite(a, b)
        root = self.sizes.find(a)
        if not isinstance(root, int):
            self._holders[root] = min((left, right), key=self._distance)
        return left, right

    def _distance(self, length: Length) -> tuple[int, bool]:
        """How far a length is from what the function is given: by the last step that gives it; formulas are work."""
        steps = [self.given[v] for v in given_in(length) if v.owner is not None]
        return max(steps, default=-1), not isinstance(length, (int, Axis))

    def of(self, size: Size, depth: int = 0) -> Length:
        """The formula of a size. Raises Unknown."""
        root = self.sizes.find(size)
        if isinstance(root, int):
            return root
        found = self._holders.get(root)
        if found is None:
            found = self._holders[root] = self.number(root, depth + 1)
        return found

    def knows(self, sizes: Iterable[Size]) -> bool:
        """Whether there are formulas of all these sizes."""
        try:
            for size in sizes:
                self.of(size)
        except Unknown:
            return False
        return True

    def number(self, variable: Variable, depth: int = 0) -> Length:
        """The formula of an integer variable of no dimensions. Raises Unknown."""
        kind: Any = variable.type
        if depth > _DEEP or not isinstance(kind, TensorType) or kind.dtype not in DISCRETE or kind.dtype == "uint64":
            raise Unknown(str(variable))
        if isinstance(variable, Constant) and variable.data.size == 1:
            return int(variable.data.reshape(()))
        if variable in self.given and all(n == 1 for n in kind.shape):
            return Number(variable)
        if variable.owner is None:
            found = self._holders.get(self.sizes.find(variable))
            if found is not None:
                return found
            raise Unknown(str(variable))
        return self._node(variable.owner, depth)

    def _node(self, node: Apply, depth: int) -> Length:
        op = node.op
        if isinstance(op, Shape_i):
            return self.of(self.sizes.of(node.inputs[0])[op.i], depth + 1)
        if isinstance(op, DimShuffle):
            return self.number(node.inputs[0], depth + 1)
        if isinstance(op, SliceLength):
            values = iter([self.number(i, depth + 1) for i in node.inputs])
            return Formula("slice", (next(values), *(next(values) if here else None for here in op.present)))
        if isinstance(op, Elemwise):
            return self._elemwise(node, op.scalar_op, depth)
        raise Unknown(str(node))

    def _elemwise(self, node: Apply, row: Any, depth: int) -> Length:
        out: Any = node.outputs[0]
        args = [self.number(i, depth + 1) for i in node.inputs]
        if row.params or row.name == "identity":
            if out.type.dtype == "int64":
                return args[0]
        elif row.name == "second":
            return args[1]
        elif row.name in _FUNCTIONS and out.type.dtype in ("int64", "bool"):
            return Formula(row.name, tuple(args))
        raise Unknown(str(node))


def given_in(length: Length | None) -> list[Variable]:
    """The given variables that a formula reads, each once, in order."""
    found: dict[Variable, None] = {}
    stack: list[Length | None] = [length]
    while stack:
        one = stack.pop()
        if isinstance(one, (Axis, Number)):
            found[one.variable] = None
        elif isinstance(one, Formula):
            stack.extend(reversed(one.args))
    return list(found)


def numbers_in(length: Length | None) -> list[Variable]:
    """The integers whose values a formula reads, each once, in order."""
    found: dict[Variable, None] = {}
    stack: list[Length | None] = [length]
    while stack:
        one = stack.pop()
        if isinstance(one, Number):
            found[one.variable] = None
        elif isinstance(one, Formula):
            stack.extend(reversed(one.args))
    return list(found)
