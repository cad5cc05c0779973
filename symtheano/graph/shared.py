"""SharedVariable: a variable whose value lives between calls, in a container that functions read and update."""

from __future__ import annotations

import copy
import itertools
import threading
from typing import Any

from symtheano.errors import explain
from symtheano.graph.type import Type
from symtheano.graph.variable import Variable

_order = itertools.count()


class Container:
    """The cell that holds a value. Whoever reads or writes several cells takes their locks in `rank` order."""

    def __init__(
        self,
        type: Type,
        storage: list[Any],
        strict: bool = False,
        allow_downcast: bool | None = None,
        name: str | None = None,
    ):
        self.type = type
        self.storage = storage
        self.strict = strict
        self.allow_downcast = allow_downcast
        self.name = name
        self.lock = threading.RLock()
        self.rank = next(_order)

    @property
    def data(self) -> Any:
        """The value itself (not a copy)."""
        return self.storage[0]

    @data.setter
    def data(self, value: Any) -> None:
        try:
            self.storage[0] = self.type.filter(value, strict=self.strict, allow_downcast=self.allow_downcast)
        except (TypeError, ValueError) as error:
            if self.name is None:
                raise
            raise type(error)(f"{self.name} cannot take this value: {error}") from error

    value = data

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["lock"], state["rank"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.lock = threading.RLock()
        self.rank = next(_order)

    def __deepcopy__(self, memo: dict[int, Any]) -> Container:
        new = type(self)(self.type, copy.deepcopy(self.storage, memo), self.strict, self.allow_downcast, self.name)
        memo[id(self)] = new
        return new

    def __repr__(self) -> str:
        return f"<{self.storage[0]!r}>"


class SharedVariable(Variable):
    """A variable with a value, visible to every function that uses it. Made by `symtheano.shared`."""

    default_update: Variable | None = None  # the value it takes after each call of a function that uses it

    def __init__(
        self,
        name: str | None,
        type: Type,
        value: Any,
        strict: bool,
        allow_downcast: bool | None = None,
        container: Container | None = None,
    ):
        super().__init__(type=type, owner=None, index=None, name=name)
        if container is None:
            container = Container(type, [None], strict=strict, allow_downcast=allow_downcast, name=name)
            container.data = value
        elif value is not None or strict is not None:
            raise TypeError("value and strict are ignored if you pass a container here")
        self.container = container

    def get_value(self, borrow: bool = False, return_internal_type: bool = False) -> Any:
        """The present value: a copy, or with borrow=True possibly the very array that functions update."""
        with self.container.lock:
            return self.container.data if borrow else copy.deepcopy(self.container.data)

    def set_value(self, new_value: Any, borrow: bool = False) -> None:
        """Replaces the value: by a copy of `new_value`, or with borrow=True possibly by that very array."""
        value = new_value if borrow else copy.deepcopy(new_value)
        with self.container.lock:
            self.container.data = value

    def zero(self, borrow: bool = False) -> None:
        """Sets every element to 0; with borrow=True in the array itself."""
        with self.container.lock:
            if borrow:
                self.container.data[...] = 0
            else:
                self.container.data = 0 * self.container.data

    def clone(self) -> SharedVariable:
        """A shared variable with the same container."""
        new = type(self)(self.name, self.type, None, None, container=self.container)  # type: ignore[arg-type]
        new.tag = copy.copy(self.tag)
        return new

    @property
    def value(self) -> Any:
        raise Exception(
            "sharedvar.value does not exist anymore. Use sharedvar.get_value() or sharedvar.set_value() instead."
        )

    def __getitem__(self, *args: Any) -> Any:
        raise TypeError(
            explain(
                f"The shared variable {self} of type {self.type} cannot be indexed.",
                operands=[f"{self}: {self.type}"],
                remedy="only tensors can: take the value with get_value(), or share the arrays in it one by one",
            )
        )
