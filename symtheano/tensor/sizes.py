"""Sizes in the graph: `as_size` and `size_vector` make them, `shape_i` reads them, `origin` says what is known of one.

Reshaping, joining and allocation all take their sizes through these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from symtheano.errors import AxisError, explain
from symtheano.graph.variable import Constant, Variable
from symtheano.scalar import cast, upcast
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor.convert import as_tensor_variable, make_constant
from symtheano.tensor.elemwise import Elemwise, functions
from symtheano.tensor.shape_ops import MakeVector, Shape, Shape_i, SliceLength
from symtheano.tensor.type import TensorType

__all__ = [
    "MakeVector",
    "Shape",
    "Shape_i",
    "as_size",
    "constant_dim",
    "get_vector_length",
    "make_vector",
    "shape",
    "shape_i",
    "size_vector",
]

Origin = int | tuple[Variable, int]
Element = tuple[int, ...]

# Installed by symtheano.tensor.scalar_constant, which knows the ops above this file.
trace_element: Callable[[Variable, Element], Origin | None] | None = None  # what is known of one element
trace_length: Callable[[Variable], int | None] | None = None  # the length of a vector


# -- what is known of a size -----------------------------------------------------------------------------------------


def origin(size: Any) -> Origin | None:
    """What is known of a size: its value, or (x, k) where it is the length of axis k of x; None where it is neither."""
    return size if isinstance(size, int) else _origin(size, ())


def origins(sizes: Any, count: int) -> list[Origin | None]:
    """`origin` of each element of an integer vector of length `count`."""
    return [_origin(sizes, (k,)) for k in range(count)]


def _origin(v: Any, element: Element) -> Origin | None:
    if isinstance(v, (int, np.integer)):
        return int(v)
    if isinstance(v, Constant):
        data = np.asarray(v.data)
        return int(data[element]) if data.ndim == len(element) and is_integer(data.dtype.name) else None
    node = getattr(v, "owner", None)
    if node is None:
        return None
    if isinstance(node.op, Shape_i):
        return axis_origin(node.inputs[0], node.op.i)
    if isinstance(node.op, Shape):
        return axis_origin(node.inputs[0], element[0])
    if isinstance(node.op, MakeVector):
        return _origin(node.inputs[element[0]], ())
    return None if trace_element is None else trace_element(v, element)


def is_integer(dtype: str) -> bool:
    """Whether values of this dtype may be sizes (not bool)."""
    return is_discrete(dtype) and dtype != "bool"


def axis_origin(x: Any, axis: int) -> Origin:
    """The length of an axis: an int where the type knows it."""
    known: int | None = x.type.shape[axis]
    return (x, axis) if known is None else known


def constant_dim(size: Any) -> int | None:
    """The value of a size where it is known when the graph is built, else None.

    >>> constant_dim(as_size(3))
    3
    """
    found = origin(size)
    return found if isinstance(found, int) else None


def known_lengths(sizes: Any, count: int) -> list[int | None]:
    """`constant_dim` of each element of an integer vector of length `count`."""
    return [o if isinstance(o, int) else None for o in origins(sizes, count)]


def never_one(*lengths: int | None) -> tuple[int | None, ...]:
    """Static lengths without 1, for results whose axes are, as in Theano, never broadcastable."""
    return tuple(None if n == 1 else n for n in lengths)


def is_length(size: Any) -> bool:
    """Whether a size is known not to be negative: a length, or made of lengths by +, * and the like."""
    if size.type.ndim != 0:
        return False
    found = origin(size)
    if found is not None:
        return not isinstance(found, int) or found >= 0
    node = size.owner
    if node is not None and isinstance(node.op, SliceLength):
        return True
    return (
        node is not None
        and isinstance(node.op, Elemwise)
        and node.op.scalar_op.name in ("add", "mul", "maximum", "minimum", "int_div", "identity", "Cast{int64}")
        and all(is_length(i) for i in node.inputs)
    )


# -- making sizes ----------------------------------------------------------------------------------------------------


def as_size(value: Any) -> Any:
    """`value` as an int64 scalar: a constant for an int, a cast for 0-d integer variables of other dtypes.

    Raises TypeError for what is no integer scalar.

    >>> as_size(3).type
    TensorType(int64, scalar)
    """
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return _size_constant(int(value))
    if isinstance(value, (bool, float, np.floating, str)):
        raise TypeError(_not_a_size(value, type(value).__name__))
    v: Any = as_tensor_variable(value)
    if v.type.ndim != 0 or not is_integer(v.type.dtype):
        raise TypeError(_not_a_size(value, str(v.type)))
    return _int64_constant(v) if isinstance(v, Constant) else as_int64(v)


def as_int64(v: Any) -> Any:
    """An integer variable as int64."""
    return v if v.type.dtype == "int64" else Elemwise(cast("int64"))(v)


@lru_cache(maxsize=1024)
def _size_constant(value: int) -> Constant:
    return make_constant(np.asarray(value, "int64"))


def _not_a_size(value: Any, kind: str) -> str:
    return explain(
        "Shape must be integers: a size is an int or a 0-d integer variable.",
        operands=[f"{value}: {kind}"],
        remedy="convert it with int(...) or theano.tensor.cast(size, 'int64')",
    )


def size_vector(sizes: Any) -> Any:
    """Sizes as an integer vector: a constant where all are ints, else MakeVector of int64 scalars.

    sizes: an int, a list or tuple of ints and 0-d variables, an array, a 0-d variable, or an integer vector (itself).
    """
    if isinstance(sizes, Variable) or not isinstance(sizes, (list, tuple)):
        v: Any = as_tensor_variable(sizes)
        if v.type.ndim == 0:
            return size_vector([v])
        empty = isinstance(v, Constant) and v.data.size == 0  # its dtype says nothing then
        if v.type.ndim != 1 or not (empty or is_integer(v.type.dtype)):
            raise TypeError(_not_sizes(v))
        return _int64_constant(v) if isinstance(v, Constant) else v
    scalars = [as_size(s) for s in sizes]
    if all(isinstance(s, Constant) for s in scalars):
        return make_constant(np.array([int(s.data) for s in scalars], "int64"))
    return MakeVector("int64")(*scalars)


def _int64_constant(v: Any) -> Any:
    return v if v.type.dtype == "int64" else make_constant(np.asarray(v.data, "int64"))


def _not_sizes(v: Any) -> str:
    return explain(
        "A shape must be a vector of integers, or a list or tuple of integer scalars.",
        operands=[f"{v}: {v.type}"],
        remedy="pass a tuple such as (n, m), or an integer vector",
    )


def shape_i(x: Any, i: int) -> Any:
    """The length of axis `i` of x as an int64 scalar: a constant where the type knows it.

    Raises IndexError where x has no such axis.

    >>> shape_i(np.ones((2, 3)), 1).eval()
    array(3)
    """
    x = as_tensor_variable(x)
    axis = normal_axis(i, x.type.ndim, "shape_i", x)
    known = x.type.shape[axis]
    return _size_constant(known) if known is not None else Shape_i(axis)(x)


def shape_list(x: Any) -> list[Any]:
    """The lengths of all axes of x as int64 scalars."""
    return [shape_i(x, k) for k in range(x.type.ndim)]


def shape(x: Any) -> Any:
    """The shape of `x` as an int64 vector. No gradient goes through it.

    >>> shape(np.zeros((2, 3))).type
    TensorType(int64, vector)
    """
    return Shape()(x)


def get_vector_length(v: Any) -> int:
    """The length of a vector where it is known when the graph is built; ValueError where it is not.

    >>> get_vector_length([1, 2, 3])
    3
    """
    v = as_tensor_variable(v)
    if v.type.ndim != 1:
        raise TypeError(f"get_vector_length needs a vector; {v} has type {v.type}")
    length: int | None = v.type.shape[0]
    if length is None and trace_length is not None:
        length = trace_length(v)
    if length is None:
        raise ValueError(f"length not known: {v} of type {v.type}")
    return length


def normal_axis(axis: Any, ndim: int, operation: str, x: Any = None) -> int:
    """`axis` counted from the front; AxisError where there is no such axis."""
    if not isinstance(axis, (int, np.integer)) or isinstance(axis, bool):
        raise TypeError(f"{operation}: an axis is an integer; got {axis!r} of type {type(axis).__name__}")
    if not -ndim <= axis < ndim:
        raise AxisError(
            explain(
                f"{operation}: axis {axis} is out of range for {ndim} dimensions.",
                operation=operation,
                operands=[f"{x}: {x.type}"] if isinstance(x, Variable) else [],
                remedy=f"use an axis from {-ndim} to {ndim - 1}" if ndim else "the value has no axes",
            )
        )
    return int(axis) % ndim


def make_vector(*scalars: Any) -> Any:
    """A vector of 0-d values, in the dtype they all convert to.

    >>> make_vector(1, 2.5).type
    TensorType(float32, vector)
    """
    variables: list[Any] = [as_tensor_variable(s) for s in scalars]
    dtype = upcast(*(v.type.dtype for v in variables)) if variables else "int64"
    return MakeVector(dtype)(*variables)


def vector_items(v: Any, count: int | None = None) -> list[Any]:
    """The elements of an integer vector as int64 scalars. count: their number, where the graph does not say it."""
    count = get_vector_length(v) if count is None else count
    if isinstance(v, Constant):
        return [_size_constant(int(n)) for n in v.data]
    if v.owner is not None and isinstance(v.owner.op, MakeVector):
        return [as_int64(i) for i in v.owner.inputs]
    if v.owner is not None and isinstance(v.owner.op, Shape):
        return shape_list(v.owner.inputs[0])
    return [as_int64(v[k]) for k in range(count)]


def total_size(sizes: Sequence[Any]) -> Any:
    """The product of sizes: an int where all are known."""
    known, unknown = 1, []
    for size in sizes:
        value = constant_dim(size)
        if value is None:
            unknown.append(size)
        else:
            known *= value
    if not unknown or known == 0:
        return known
    factors = unknown if known == 1 else [*unknown, as_size(known)]
    return factors[0] if len(factors) == 1 else functions.mul(*factors)


def fitted(g: Any, z: Any) -> Any:
    """A cotangent of `z`, stretched where its type says length 1 and z's does not."""
    if isinstance(g.type, TensorType) and any(
        a and not b for a, b in zip(g.type.broadcastable, z.type.broadcastable, strict=True)
    ):
        return functions.second(z, g)
    return g
