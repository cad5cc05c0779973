"""The type of NumPy's random states in a graph, and the shared variables that hold them."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from symtheano.errors import explain
from symtheano.graph.shared import SharedVariable
from symtheano.graph.type import Type
from symtheano.tensor.sharedvar import shared

__all__ = ["RandomStateSharedVariable", "RandomStateType", "random_state_type", "randomstate_constructor"]


class RandomStateType(Type):
    """The type of `numpy.random.RandomState` objects. Two states are equal where they draw the same numbers."""

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        if self.is_valid_value(data):
            return data
        raise TypeError(
            explain(
                f"Expected a numpy.random.RandomState, got {data!r}.",
                operands=[f"value of type {type(data).__name__}"],
                remedy="make one with numpy.random.RandomState(seed)",
            )
        )

    def is_valid_value(self, data: Any) -> bool:
        return type(data) is np.random.RandomState

    def values_eq(self, a: Any, b: Any) -> bool:
        """Whether two states will draw the same numbers."""
        left, right = a.get_state(legacy=False), b.get_state(legacy=False)
        gauss = (left.pop("gauss", 0.0), right.pop("gauss", 0.0))  # counts only where there is one
        return _same(left, right) and (not left.get("has_gauss") or gauss[0] == gauss[1])

    @staticmethod
    def may_share_memory(a: Any, b: Any) -> bool:
        """Whether two states are the same object."""
        return a is b

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    def __str__(self) -> str:
        return "RandomStateType"

    def __repr__(self) -> str:
        return "RandomStateType"


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return bool(np.array_equal(a, b))


random_state_type = RandomStateType()


class RandomStateSharedVariable(SharedVariable):
    """A shared variable that holds a `numpy.random.RandomState`. Made by `shared(numpy.random.RandomState(seed))`."""


def randomstate_constructor(
    value: Any, name: str | None = None, strict: bool = False, allow_downcast: bool | None = None, borrow: bool = False
) -> SharedVariable:
    """A shared variable of a random state: of a copy, or with borrow=True of `value` itself.

    value: a numpy.random.RandomState; TypeError for anything else.

    >>> randomstate_constructor(np.random.RandomState(1), name="state")
    state
    """
    if not isinstance(value, np.random.RandomState):
        raise TypeError(f"not a RandomState: {type(value).__name__}")
    held = value if borrow else copy.deepcopy(value)
    return RandomStateSharedVariable(name, random_state_type, held, strict, allow_downcast)


# Behind the constructors of tensors: they are asked first, and numpy.random is loaded only by what is no tensor.
shared.constructors.insert(1, randomstate_constructor)  # type: ignore[attr-defined]
