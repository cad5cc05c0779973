"""Supremum and Infimum: the maximum and the minimum over axes, which exist also of no elements."""

from __future__ import annotations

import numpy as np

from symtheano.graph.variable import Apply
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.array import Let
from symtheano.tensor.careduce import Max, Min


class Supremum(Max):
    """The maximum over axes (nan wins); of no elements the least number of the dtype, -inf for floats."""

    def array(self, node: Apply, let: Let, *args: str) -> str:
        axes, (least, _) = self.axes(node.inputs[0].type.ndim), _extremes(node.outputs[0].type.dtype)
        return f"{args[0]}.max(axis={axes}, initial={least})"


class Infimum(Min):
    """The minimum over axes (nan wins); of no elements the greatest number of the dtype, inf for floats."""

    def array(self, node: Apply, let: Let, *args: str) -> str:
        axes, (_, greatest) = self.axes(node.inputs[0].type.ndim), _extremes(node.outputs[0].type.dtype)
        return f"{args[0]}.min(axis={axes}, initial={greatest})"


def _extremes(dtype: str) -> tuple[str, str]:
    """The least and the greatest number of a real dtype, as text."""
    if dtype == "bool":
        return "False", "True"
    if is_discrete(dtype):
        info = np.iinfo(dtype)
        return str(int(info.min)), str(int(info.max))
    return "-xp.inf", "xp.inf"
