"""The table as namespaces of sympy and mpmath: what derivatives are proved against, and values measured against.

    sympy_namespace.sigmoid(sympy.Symbol("x"))  -> 1/(1 + exp(-x))
    mpmath_namespace.sigmoid(mpmath.mpf(1))     -> mpf('0.731...')        to mpmath.mp.dps digits

Not imported by `symtheano.scalar`: it loads sympy and mpmath.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import mpmath
import sympy

from symtheano.scalar.op import TABLE, Oracle, ScalarOp


class SymbolicNamespace:
    """`m` for sympy or mpmath objects."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Callable[..., Any]:
        row = TABLE.get(name)
        if row is None:
            raise AttributeError(f"the scalar table has no row {name!r}")
        return self.function(row)

    def oracle(self, row: ScalarOp) -> Oracle:
        """What the row declares for this module."""
        return row.sympy if self.module is sympy else row.mpmath

    def function(self, row: ScalarOp) -> Callable[..., Any]:
        """The function `row` stands for; rows without an oracle use their definition."""
        oracle = self.oracle(row)
        if isinstance(oracle, str):
            function: Callable[..., Any] = getattr(self.module, oracle)
            return function
        if oracle is not None:
            return partial(oracle, self.module)
        if row.value is not None:
            return partial(row.value, self)
        raise NotImplementedError(f"{row.name}: not in {self.module.__name__}: {row.no_oracle}")


sympy_namespace = SymbolicNamespace(sympy)
mpmath_namespace = SymbolicNamespace(mpmath)
