"""What an author puts in place of the derivatives of an OpFromGraph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from symtheano.errors import explain
from symtheano.gradient.null import is_disconnected, is_null
from symtheano.graph.op import Op
from symtheano.graph.variable import Variable

DEFAULT = "default"


class Overrides:
    """One of `lop_overrides`, `grad_overrides`, `rop_overrides`.

    given: "default"; or a function (or an Op with `input_types`) that gives all terms; or a list with one entry a term:
    "default" or None, a function that gives that term, or a variable of NullType or DisconnectedType.
    count: the number of terms. arity: the number of variables that the functions get. what: the keyword, for messages.
    """

    def __init__(self, given: Any, count: int, arity: int, what: str):
        self.given, self.count, self.what = given, count, what
        for each in given if isinstance(given, (list, tuple)) else [given]:
            self._check(each, arity)
        if isinstance(given, (list, tuple)) and len(given) != count:
            raise ValueError(f"{what}: Need to override {count} terms, got {len(given)}: one entry for each is needed")

    def _check(self, each: Any, arity: int) -> None:
        if _is_default(each) or (isinstance(each, Variable) and (is_null(each) or is_disconnected(each))):
            return
        if not callable(each) or isinstance(each, Variable):
            raise TypeError(
                explain(
                    f"{self.what} must be 'default', a function, an OpFromGraph, or a list of those (in a list also "
                    f"None, or a variable of NullType or DisconnectedType); got {each!r} of {type(each)}"
                )
            )
        expected = getattr(each, "input_types", None)
        if isinstance(each, Op) and expected is not None and len(expected) != arity:
            raise ValueError(f"{self.what}: {each} takes {len(expected)} inputs, but will be given {arity} variables")

    @property
    def is_default(self) -> bool:
        """Whether nothing is replaced."""
        return _is_default(self.given)

    def replaces(self, position: int) -> Any:
        """What stands in place of the term at `position`: a function, a variable, or None (the default)."""
        entry = self.given[position] if isinstance(self.given, (list, tuple)) else self.given
        return None if _is_default(entry) else entry

    @property
    def defaults(self) -> tuple[int, ...]:
        """The positions whose term is not replaced."""
        return tuple(k for k in range(self.count) if self.replaces(k) is None)

    def terms(self, groups: Sequence[Sequence[Variable]], defaults: Sequence[Any]) -> list[Any]:
        """All terms: the author's, and `defaults` in turn where there is none. groups: the functions' arguments."""
        if isinstance(self.given, (list, tuple)):
            rest = iter(defaults)
            entries = [self.replaces(k) for k in range(self.count)]
            return [next(rest) if e is None else e if isinstance(e, Variable) else _called(e, groups) for e in entries]
        if _is_default(self.given):
            return list(defaults)
        if isinstance(self.given, Variable):
            return [self.given] * self.count
        terms = _called(self.given, groups, return_list=True)
        if not isinstance(terms, (list, tuple)):
            raise TypeError(f"{self.what}: the function should return a list of variables, got {terms!r}")
        if len(terms) != self.count:
            raise ValueError(f"{self.what}: the function returned {len(terms)} variables, {self.count} are needed")
        return list(terms)


def _is_default(entry: Any) -> bool:
    return entry is None or (isinstance(entry, str) and entry == DEFAULT)


def _called(function: Any, groups: Sequence[Sequence[Variable]], return_list: bool = False) -> Any:
    if isinstance(function, Op):
        return function(*(v for group in groups for v in group), return_list=return_list)
    return function(*(list(group) for group in groups))
