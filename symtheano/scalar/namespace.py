"""The table as a namespace of array functions, for numpy and for cupy.

    numpy_namespace.sigmoid(x)                        the row's meaning, in the operands' own dtypes
    compute(TABLE["sqrt"], (int32_array,), "float32") the same with Theano's dtypes: a float64 array

scipy (or cupyx.scipy) is imported here, in one place, when the first special function is called: `import symtheano`
must not cost it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache, reduce
from typing import Any

import numpy as np

from symtheano.scalar.op import TABLE, ScalarOp

ArrayFunction = Callable[..., Any]


class ArrayNamespace:
    """`m` for arrays: m.exp, m.switch ... each a function of arrays. `xp` is numpy or cupy."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp
        self._functions: dict[ScalarOp, ArrayFunction] = {}

    def __getattr__(self, name: str) -> ArrayFunction:
        row = TABLE.get(name)
        if row is None:
            raise AttributeError(f"the scalar table has no row {name!r}")
        return self.function(row)

    def function(self, row: ScalarOp) -> ArrayFunction:
        """The function of arrays that `row` stands for."""
        found = self._functions.get(row)
        if found is None:
            found = self._functions[row] = self._make(row)
        return found

    def _make(self, row: ScalarOp) -> ArrayFunction:
        if row.params:
            return lambda x: self.xp.asarray(x).astype(row.params[0])
        if row.name == "complex":
            # Its definition x + y * 1j makes nan of an infinite part.
            return lambda x, y: _from_parts(self.xp, x, y)
        if row.value is not None:
            definition = row.value
            return lambda *xs: definition(self, *xs)
        if row.special is not None:
            return special_function(self.xp.__name__, row.special)
        function: ArrayFunction = getattr(self.xp, row.numpy or row.name)
        if row.arity is None:
            return lambda *xs: reduce(function, xs)
        return function


@cache
def special_function(xp: str, name: str) -> ArrayFunction:
    """The special function `name` for the array library `xp`; imports scipy.special or cupyx.scipy.special."""
    module = importlib.import_module({"numpy": "scipy.special", "cupy": "cupyx.scipy.special"}[xp])
    function: ArrayFunction | None = getattr(module, name, None)
    if function is None:
        raise NotImplementedError(f"{module.__name__} has no {name}")
    return function


def _from_parts(xp: Any, x: Any, y: Any) -> Any:
    x, y = xp.broadcast_arrays(x, y)
    result = xp.empty(x.shape, dtype=xp.result_type(x, y, xp.complex64))
    result.real, result.imag = x, y
    return result


def compute(row: ScalarOp, arrays: Sequence[Any], floatX: str, xp: Any = np) -> Any:
    """`row` applied with Theano's dtypes: operands converted, result of the declared dtype and the common shape."""
    xs = [xp.asarray(array) for array in arrays]
    dtypes = tuple(x.dtype.name for x in xs)
    out = row.out(dtypes, floatX)
    converted = [x.astype(dtype, copy=False) for x, dtype in zip(xs, row.operands(dtypes, floatX), strict=True)]
    result = xp.asarray(namespace_of(xp).function(row)(*converted)).astype(out, copy=False)
    if row.value is None or len(xs) == 1:
        return result
    # A definition may drop an operand (second): the result still has the shape of all of them.
    shape = np.broadcast_shapes(*(x.shape for x in xs))
    return result if result.shape == shape else xp.broadcast_to(result, shape)


@cache
def namespace_of(xp: Any) -> ArrayNamespace:
    """The namespace of an array library, made once."""
    return ArrayNamespace(xp)


numpy_namespace = namespace_of(np)
