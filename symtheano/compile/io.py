"""In and Out: how a function takes its inputs and gives its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import explain
from symtheano.graph.shared import Container
from symtheano.graph.variable import Variable


def _state(variable: Variable, update: Any) -> Any:
    """The new value of an input with state, which must be of the input's type."""
    try:
        return variable.type.filter_variable(update)
    except TypeError as error:
        raise TypeError(
            explain(
                f"The update of the input {variable} must have its type.",
                operands=[
                    f"{variable}: {variable.type}",
                    f"its update {update}: {getattr(update, 'type', type(update).__name__)}",
                ],
                remedy="cast or reshape the new value, or declare the input with the type that the update has",
            )
        ) from error


def _check_variable(given: Any, what: str, remedy: str) -> None:
    if not isinstance(given, Variable):
        problem = f"{what} needs a Variable; got {given!r} of type {type(given).__name__}"
        raise TypeError(explain(problem, remedy=remedy))


class SymbolicInput:
    """An input of a function. Use `In`."""

    def __init__(
        self,
        variable: Variable,
        name: str | None = None,
        update: Variable | None = None,
        mutable: bool | None = None,
        strict: bool = False,
        allow_downcast: bool | None = None,
        autoname: bool = True,
        implicit: bool = False,
    ):
        _check_variable(variable, "In", "write In(x, value=...), where x is the variable of the graph")
        self.variable = variable
        self.name = variable.name if name is None and autoname else name
        if self.name is not None and not isinstance(self.name, str):
            raise TypeError(
                explain(
                    f"The name of an input must be a string; got {self.name!r}",
                    operands=[f"{variable}: {variable.type}"],
                    remedy="write In(x, name='x'); the value goes by value=",
                )
            )
        self.update = None if update is None else _state(variable, update)
        self.mutable = bool(mutable) if mutable is not None else update is not None
        self.strict = strict
        self.allow_downcast = allow_downcast
        self.implicit = implicit

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.variable})"


class In(SymbolicInput):
    """An input with options.

    variable: the graph's input. name: the keyword it can be passed by (default: the variable's name). value: a default,
    so that the input may be left out. update: the value the default takes after each call. mutable: the function may
    overwrite the caller's array. borrow: as mutable's weaker form, the value may be aliased. strict: only values of
    exactly the type. allow_downcast: True converts anything; None lets Python floats into floatX; False converts
    nothing lossy.

    >>> import symtheano, symtheano.tensor as T
    >>> x, y = T.dscalars("x", "y")
    >>> f = symtheano.function([x, In(y, value=2.0)], x + y)
    >>> float(f(1.0)), float(f(1.0, y=5.0))
    (3.0, 6.0)
    """

    def __init__(
        self,
        variable: Variable,
        name: str | None = None,
        value: Any = None,
        update: Variable | None = None,
        mutable: bool | None = None,
        strict: bool = False,
        allow_downcast: bool | None = None,
        autoname: bool = True,
        implicit: bool | None = None,
        borrow: bool | None = None,
        shared: bool = False,
    ):
        super().__init__(variable, name, update, mutable, strict, allow_downcast, autoname, bool(implicit))
        self.borrow = self.mutable if borrow is None else borrow
        if self.mutable and not self.borrow:
            raise AssertionError(
                explain(
                    f"Symbolic input for variable {variable} (name={name}) has mutable=True and borrow=False",
                    operands=[f"{variable}: {variable.type}"],
                    remedy="an array that may be overwritten is borrowed: leave borrow= out, or set mutable=False",
                )
            )
        self.shared = shared
        self.value = value


def from_shortcut(given: Sequence[Any]) -> In:
    """The In of a tuple: (x, value), ((x, update), value), each with a name in front as well, or (name, x)."""
    name, rest = (given[0], given[1:]) if given and isinstance(given[0], str) else (None, given)
    if len(rest) == 2 or (len(rest) == 1 and name is not None):
        variable, update, value = rest[0], None, rest[1] if len(rest) == 2 else None
        if isinstance(variable, (tuple, list)) and len(variable) == 2 and len(rest) == 2:
            variable, update = variable
        if all(isinstance(v, Variable) for v in (variable, variable if update is None else update)):
            return In(variable, name=name, value=value, update=update)
    raise TypeError(
        explain(
            f"Invalid input syntax: {given!r}",
            remedy="an input is x, In(x, ...), (x, value), ((x, update), value), or (name, x, value)",
        )
    )


def Param(
    variable: Variable,
    default: Any = None,
    name: str | None = None,
    mutable: bool = False,
    strict: bool = False,
    allow_downcast: bool | None = None,
    implicit: bool | None = None,
    borrow: bool | None = None,
) -> In:
    """Theano's older spelling of `In(variable, value=default)`.

    Raises what `In` raises.

    >>> import symtheano
    >>> Param(symtheano.tensor.dscalar('x'), default=2.0).value
    2.0
    """
    return In(variable, name, default, None, mutable, strict, allow_downcast, implicit=implicit, borrow=borrow)


class SymbolicOutput:
    """An output with options: borrow=True lets it alias inputs, shared variables or other outputs."""

    def __init__(self, variable: Variable, borrow: bool = False):
        _check_variable(variable, "Out", "write Out(expression, borrow=True); wrap numbers with theano.tensor.constant")
        self.variable = variable
        self.borrow = borrow

    def __repr__(self) -> str:
        return f"Out({self.variable},{self.borrow})"


class Out(SymbolicOutput):
    """An output with options; see SymbolicOutput."""


__all__ = ["Container", "In", "Out", "Param", "SymbolicInput", "SymbolicOutput"]
