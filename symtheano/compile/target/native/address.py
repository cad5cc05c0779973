"""Addresses: index expressions as sums of coordinates, so that a loop knows how far apart its elements are.

x[2 * i + 1, y[i] - j]      axis 0: 1 + 2 i      axis 1: 0 - j + y[i]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from symtheano.scalar.expr import Expr, postorder


@dataclass
class Affine:
    """constant + sum of coefficient * coordinate + sum of factor * expression."""

    constant: int = 0
    axes: dict[str, int] = field(default_factory=dict)
    rest: dict[Expr, int] = field(default_factory=dict)  # what is no sum of coordinates (a gather)

    def add(self, other: Affine, factor: int) -> None:
        """Adds factor * other."""
        self.constant += factor * other.constant
        for axis, coefficient in other.axes.items():
            self.axes[axis] = self.axes.get(axis, 0) + factor * coefficient
        for expr, times in other.rest.items():
            self.rest[expr] = self.rest.get(expr, 0) + factor * times


def affine(index: Expr, dtypes: Mapping[Expr, str]) -> Affine:
    """One index of a load or store as a sum."""
    made: dict[Expr, Affine] = {}
    for node in postorder((index,)):
        made[node] = _affine(node, made, dtypes)
    return made[index]


def _affine(node: Expr, made: Mapping[Expr, Affine], dtypes: Mapping[Expr, str]) -> Affine:
    if node.kind == "const" and isinstance(node.value, int | np.integer):
        return Affine(int(node.value))
    if node.kind == "index":
        return Affine(axes={node.value: 1})
    opaque = Affine(rest={node: 1})
    if node.kind != "call" or dtypes.get(node) != "int64":
        return opaque
    name, args = node.value.name, [made[a] for a in node.args]
    if name == "add":
        return _sum(args, [1] * len(args))
    if name == "sub":
        return _sum(args, [1, -1])
    if name == "neg":
        return _sum(args, [-1])
    if name == "mul" and len(args) == 2:
        for number, other in (args, args[::-1]):
            if not number.axes and not number.rest:
                return _sum([other], [number.constant])
    return opaque


def _sum(terms: list[Affine], factors: list[int]) -> Affine:
    total = Affine()
    for term, factor in zip(terms, factors, strict=True):
        total.add(term, factor)
    return total
