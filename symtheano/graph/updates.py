"""OrderedUpdates: a dict from shared variables to their new values."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from symtheano.errors import explain
from symtheano.graph.shared import SharedVariable


class OrderedUpdates(OrderedDict[SharedVariable, Any]):
    """A dict from shared variables to their new values, in order. `a + b` has the updates of both.

    Raises TypeError for a key that is no shared variable, and KeyError where `update` or `+` meet two different new
    values of one variable. Assignment (`u[x] = value`) replaces.

    >>> import symtheano
    >>> x, y = symtheano.shared(1.0, "x"), symtheano.shared(2.0, "y")
    >>> list(OrderedUpdates([(x, y)]) + OrderedUpdates([(y, x)]))
    [x, y]
    """

    def __setitem__(self, key: SharedVariable, value: Any) -> None:
        if not isinstance(key, SharedVariable):
            raise TypeError(
                explain(
                    "OrderedUpdates keys must inherit from SharedVariable",
                    operands=[f"key: {key!r} of type {type(key).__name__}"],
                    remedy="make it one: theano.shared(value)",
                )
            )
        super().__setitem__(key, value)

    def update(self, other: Any = None) -> None:
        """Adds the updates of `other` (a dict, or pairs); KeyError where it has another new value for a variable."""
        for key, value in other.items() if isinstance(other, Mapping) else other or ():
            if key in self and self[key] is not value and not _equal(self[key], value):
                raise KeyError("Collision", key)
            self[key] = value

    def __add__(self, other: Any) -> OrderedUpdates:
        result = OrderedUpdates(self)
        result.update(other)
        return result

    def __radd__(self, other: Any) -> OrderedUpdates:
        result = OrderedUpdates(other)
        result.update(self)
        return result


def _equal(a: Any, b: Any) -> bool:
    """Whether two new values are the same: variables by identity, numbers and arrays by value."""
    try:
        return bool(a == b)
    except ValueError:  # arrays
        return False
