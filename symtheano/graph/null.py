"""Types of gradients that are not numbers: disconnected (no dependence) and null (undefined or not written)."""

from __future__ import annotations

from typing import Any

from symtheano.graph.type import Type
from symtheano.graph.variable import Variable


class DisconnectedType(Type):
    """The type of a gradient of something that does not depend on the variable at all."""

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        raise AssertionError("A DisconnectedType variable has no value: the cost does not depend on this variable.")

    def __eq__(self, other: object) -> bool:
        return type(other) is DisconnectedType

    def __hash__(self) -> int:
        return hash(DisconnectedType)

    def __str__(self) -> str:
        return "DisconnectedType"


class NullType(Type):
    """The type of a gradient that is undefined or not implemented; `why_null` says which and why."""

    def __init__(self, why_null: str = "(no explanation given)"):
        self.why_null = why_null

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        raise ValueError(f"A NullType variable has no value: {self.why_null}")

    def __eq__(self, other: object) -> bool:
        return type(other) is NullType

    def __hash__(self) -> int:
        return hash(NullType)

    def __str__(self) -> str:
        return "NullType"


disconnected_type = DisconnectedType()
null_type = NullType()


def is_disconnected(g: Variable) -> bool:
    """Whether a gradient says that there is no dependence."""
    return isinstance(g.type, DisconnectedType)


def is_null(g: Variable) -> bool:
    """Whether a gradient is undefined or not implemented."""
    return isinstance(g.type, NullType)
