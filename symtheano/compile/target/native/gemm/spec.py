"""What a product computes from its sums: an epilogue, and whether it is so simple that tiles do it themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from symtheano.compile.kernel import Kernel, Store
from symtheano.errors import CheckError
from symtheano.scalar import TABLE
from symtheano.scalar.expr import Expr, const, index, load, postorder

ACC = "acc"


class Direct(NamedTuple):
    """out = acc; or out = old + factor * acc, `minus`: old - factor * acc."""

    out: str
    old: str | None = None
    factor: Expr | None = None
    minus: bool = False


@dataclass(frozen=True)
class GemmSpec:
    """dtype: of A, B and the sums, float32 or float64. epilogue: has two axes, those of the product, and no inner ones.

    Each of its buffers is read and written at one place: an axis is indexed by an axis of the product or a constant.
    """

    dtype: str
    epilogue: Kernel

    @cached_property
    def axes(self) -> tuple[str, str]:
        """The names of the product's axes."""
        first, second = self.epilogue.axes
        return first, second

    @cached_property
    def moves(self) -> dict[str, tuple[int | None, ...]]:
        """For each buffer of the epilogue, of each of its axes, the axis of the product that moves along it."""
        found: dict[str, tuple[int | None, ...]] = {}
        names = {b.name for b in self.epilogue.buffers} | {ACC}
        for name, place in self._places():
            if name in names and found.setdefault(name, self._move(name, place)) != self._move(name, place):
                raise CheckError(f"{name} is read at several places in the epilogue of a product\n{self.epilogue}")
        return found

    def _places(self) -> list[tuple[str, tuple[Expr, ...]]]:
        places = []
        for statement in self.epilogue.statements():
            if isinstance(statement, Store):
                places.append((statement.buffer, statement.index))
            places += [(n.value, n.args) for n in postorder((statement.expr,)) if n.kind == "load"]
        return places

    def _move(self, name: str, place: Sequence[Expr]) -> tuple[int | None, ...]:
        if any(e.kind not in ("index", "const") for e in place):
            raise CheckError(f"{name} is read at a computed place in the epilogue of a product\n{self.epilogue}")
        return tuple(self.axes.index(e.value) if e.kind == "index" else None for e in place)

    @cached_property
    def direct(self) -> Direct | None:
        """The epilogue, if it is one that tiles do themselves."""
        store, *others = self.epilogue.statements()
        if others or not isinstance(store, Store) or store.add:
            return None
        dtypes = {b.name: b.dtype for b in self.epilogue.buffers}
        if store.index != self.place or dtypes[store.buffer] != self.dtype:
            return None
        if store.expr is load(ACC, self.place):
            return Direct(store.buffer)
        return self._added(store, dtypes)

    @property
    def place(self) -> tuple[Expr, Expr]:
        """The index of an element of the product."""
        return index(self.axes[0]), index(self.axes[1])

    def _added(self, store: Store, dtypes: Mapping[str, str]) -> Direct | None:
        """old + factor * acc, old - factor * acc"""
        expr = store.expr
        if expr.kind != "call" or expr.value not in (TABLE["add"], TABLE["sub"]) or len(expr.args) != 2:
            return None
        old, term = expr.args
        if old.kind != "load" or old.args != self.place or dtypes.get(old.value) != self.dtype:
            return None
        factor: Expr = const(1)
        if term.kind == "call" and term.value is TABLE["mul"] and len(term.args) == 2:
            acc = load(ACC, self.place)
            factor, term = term.args if term.args[1] is acc else term.args[::-1]
        if term is not load(ACC, self.place) or not self._is_number(factor, dtypes):
            return None
        return Direct(store.buffer, old.value, factor, expr.value is TABLE["sub"])

    def _is_number(self, expr: Expr, dtypes: Mapping[str, str]) -> bool:
        """Whether it is one number of our dtype for the whole product."""
        if expr.kind == "const":
            own = expr.value.dtype.name if isinstance(expr.value, np.generic) else self.dtype
            return own == self.dtype and not isinstance(expr.value, complex)
        return expr.kind == "load" and not expr.args and dtypes.get(expr.value) == self.dtype
