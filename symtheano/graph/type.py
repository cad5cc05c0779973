"""Type: the set of values a variable may hold."""

from __future__ import annotations

from typing import Any, ClassVar

from symtheano.graph.variable import Constant, Variable


class Type:
    """What a variable may hold. Subclasses are immutable and hashable; `filter` is the border to run-time values."""

    variable_class: ClassVar[type[Variable]] = Variable
    constant_class: ClassVar[type[Constant]] = Constant
    ndim: int = 0

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """`data` as a value of this type; TypeError where it cannot be one."""
        raise NotImplementedError(f"{type(self).__name__} must define filter(data, strict, allow_downcast)")

    def is_valid_value(self, data: Any) -> bool:
        """Whether `data` already is a value of this type."""
        try:
            self.filter(data, strict=True)
        except (TypeError, ValueError):
            return False
        return True

    def make_variable(self, name: str | None = None) -> Variable:
        """A fresh variable of this type."""
        return self.variable_class(self, name=name)

    def make_constant(self, value: Any, name: str | None = None) -> Constant:
        """A constant of this type."""
        return self.constant_class(self, self.filter(value), name=name)

    def filter_variable(self, other: Any, allow_convert: bool = True) -> Any:
        """`other` as a variable of exactly this type; TypeError where it is of another one."""
        if not isinstance(other, Variable):
            other = self.make_constant(other)
        if other.type != self and allow_convert:
            converted = self.convert_variable(other)
            if converted is not None:
                other = converted
        if other.type != self:
            raise TypeError(
                f"Cannot convert Type {other.type} (of Variable {other}) into Type {self}. "
                f"You can try to manually convert {other} into a {self}."
            )
        return other

    def convert_variable(self, variable: Variable) -> Variable | None:
        """A variable of this type with the value of `variable`, or None where that needs the user's decision."""
        return variable if variable.type == self else None

    def values_eq(self, a: Any, b: Any) -> bool:
        """Whether two values of this type are equal."""
        return bool(a == b)

    def values_eq_approx(self, a: Any, b: Any) -> bool:
        """Whether two values of this type are equal but for rounding."""
        return self.values_eq(a, b)

    def same_as(self, other: Type) -> bool:
        """Equality that includes what is only known about values of the type (static shapes)."""
        return self == other

    def __call__(self, name: str | None = None) -> Variable:
        return self.make_variable(name)


class Generic(Type):
    """Any Python object."""

    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        return data

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    def __str__(self) -> str:
        return "<theano.gof.type.Generic object>"


generic = Generic()
