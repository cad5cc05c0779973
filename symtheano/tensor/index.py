"""Indexing as users write it: `x[key]`, set_subtensor and inc_subtensor, take, nonzero.

index(x, key)              what `x[key]` means: newaxis is a DimShuffle of x, integers and slices are a Subtensor;
                           with arrays it is AdvancedSubtensor1 (one vector, on the first axis) or AdvancedSubtensor
set_subtensor(x[key], y)   x with that part replaced, a new variable
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from symtheano.errors import explain
from symtheano.graph.variable import Constant, Variable
from symtheano.scalar.dtypes import is_discrete
from symtheano.tensor import convert
from symtheano.tensor.convert import as_tensor_variable, make_constant
from symtheano.tensor.elemwise import DimShuffle, dimshuffle, functions
from symtheano.tensor.index_advanced import (
    AdvancedIncSubtensor,
    AdvancedIncSubtensor1,
    AdvancedSubtensor,
    AdvancedSubtensor1,
    Nonzero,
)
from symtheano.tensor.index_basic import IncSubtensor, Select, Subtensor, too_many
from symtheano.tensor.index_choose import Choose, choose
from symtheano.tensor.index_key import (
    FULL,
    ends,
    fill,
    hashable,
    is_array,
    is_full,
    is_mask,
    maximum,
    slice_length,
    split,
    sub,
    width,
)
from symtheano.tensor.reshape import Reshape
from symtheano.tensor.sizes import as_int64, as_size, shape_i

__all__ = [
    "AdvancedIncSubtensor",
    "AdvancedIncSubtensor1",
    "AdvancedSubtensor",
    "AdvancedSubtensor1",
    "Choose",
    "IncSubtensor",
    "Nonzero",
    "Subtensor",
    "advanced_inc_subtensor",
    "advanced_inc_subtensor1",
    "advanced_set_subtensor",
    "advanced_set_subtensor1",
    "advanced_subtensor",
    "advanced_subtensor1",
    "choose",
    "flatnonzero",
    "get_canonical_form_slice",
    "get_idx_list",
    "inc_subtensor",
    "index",
    "nonzero",
    "nonzero_values",
    "set_subtensor",
    "take",
]

nonzero_op = Nonzero()
advanced_subtensor1 = AdvancedSubtensor1()
advanced_inc_subtensor1 = AdvancedIncSubtensor1()
advanced_set_subtensor1 = AdvancedIncSubtensor1(set_instead_of_inc=True)


# -- x[key] --------------------------------------------------------------------------------------------------------


def index(x: Any, key: Any) -> Any:
    """`x[key]`, with numpy's meaning.

    key: an entry or a tuple of entries (a list with a slice in it counts as a tuple): an int, a slice (its bounds ints
    or 0-d integer variables), None for a new axis of length 1, Ellipsis, a 0-d integer variable, an integer array
    (variable, ndarray, list), a boolean mask (variable or ndarray). The result of integers, slices and None is a view
    of x, anything else is a copy.
    Raises IndexError for too many indices, and for indices that the static shape shows to be out of range; TypeError
    for Python bools, lists of bools and floats.

    >>> import symtheano.tensor as T
    >>> x = T.matrix("x")
    >>> x[1:, 0].type
    TensorType(float64, vector)
    """
    x = as_tensor_variable(x)
    if isinstance(key, list) and any(isinstance(e, slice) for e in key):
        key = tuple(key)  # as numpy once did and Theano does: x[[slice(1, -1)] * x.ndim]
    entries = [_entry(e) for e in (key if isinstance(key, tuple) else (key,))]
    entries = _without_ellipsis(x, entries)
    if None in [e for e in entries if e is None]:
        order: list[Any] = []
        for e in entries:
            order += ["x"] if e is None else range(done := sum(o != "x" for o in order), done + width(e))
        x = dimshuffle(x, order + list(range(sum(o != "x" for o in order), x.type.ndim)))
        entries = [FULL if e is None else e for e in entries]
        if all(map(is_full, entries)):
            return x
    return subtensor(x, entries)


def subtensor(x: Any, entries: Sequence[Any]) -> Any:
    """`x[entries]` for a key in normal form: ints, 0-d integer variables, slices of those, array variables."""
    idx_list, values = split(entries)
    arrays = [e for e in entries if is_array(e)]
    if not arrays:
        return _subtensor_op(hashable(idx_list))(x, *values)
    first = arrays[0]
    if entries[0] is first and first.type.ndim == 1 and not is_mask(first) and all(map(is_full, entries[1:])):
        return advanced_subtensor1(x, first)
    return AdvancedSubtensor(idx_list)(x, *values)


@lru_cache(maxsize=1024)
def _subtensor_op(key: tuple[Any, ...]) -> Subtensor:
    """The op of a pattern, as `hashable` gives it: a program has few patterns and many keys."""
    return Subtensor([slice(*e[1:]) if isinstance(e, tuple) else e for e in key])


def _without_ellipsis(x: Any, entries: list[Any]) -> list[Any]:
    """The key with an Ellipsis written out (a key without one does not get one)."""
    count = sum(width(e) for e in entries if e is not None and e is not Ellipsis)
    if count > x.type.ndim:
        raise IndexError(too_many(x, count))
    places = [k for k, e in enumerate(entries) if e is Ellipsis]
    if len(places) > 1:
        raise IndexError("an index can only have a single Ellipsis (`...`)")
    for k in places:
        entries = [*entries[:k], *[FULL] * (x.type.ndim - count), *entries[k + 1 :]]
    return entries


def _entry(e: Any) -> Any:
    """An entry of a user's key in normal form (None and Ellipsis stay)."""
    if e is None or e is Ellipsis:
        return e
    if isinstance(e, slice):
        return slice(*(None if b is None else _scalar(b) for b in (e.start, e.stop, e.step)))
    if isinstance(e, (bool, np.bool_)) or (isinstance(e, np.ndarray) and e.ndim == 0 and e.dtype == bool):
        raise TypeError(_no_bools(e))
    if isinstance(e, (int, np.integer)):
        return int(e)
    if isinstance(e, (list, tuple)):
        if _holds_bool(e):
            raise TypeError(_no_bools(e))
        e = as_tensor_variable(e) if len(e) else make_constant(np.zeros((0,), "int64"))
        if isinstance(e, Constant) and not e.data.size:
            e = make_constant(e.data.astype("int64"))
    variable: Any = e if isinstance(e, Variable) else _tensor(e)
    variable = as_tensor_variable(variable)
    if not is_discrete(variable.type.dtype):
        raise TypeError(_not_an_integer(e, f"{variable} is of {variable.type}"))
    if variable.type.ndim == 0:
        if variable.type.dtype == "bool":
            raise TypeError(_no_bools(e))
        return int(variable.data) if isinstance(variable, Constant) else variable
    return variable


def _tensor(e: Any) -> Any:
    if isinstance(e, (float, complex, str, bytes, dict, set, np.inexact)):
        raise TypeError(_not_an_integer(e, f"it is a {type(e).__name__}"))
    return as_tensor_variable(e)


def _scalar(bound: Any) -> Any:
    """A bound of a slice in normal form."""
    found = _entry(bound)
    if is_array(found) or isinstance(found, slice) or found is Ellipsis:
        raise TypeError(_not_an_integer(bound, "a bound of a slice is an integer or a 0-d integer tensor"))
    return found


def _holds_bool(items: Iterable[Any]) -> bool:
    return any(
        isinstance(i, (bool, np.bool_))
        or (isinstance(i, (list, tuple)) and _holds_bool(i))
        or (isinstance(i, Variable) and getattr(i.type, "dtype", None) == "bool")
        for i in items
    )


def _no_bools(e: Any) -> str:
    return explain(
        "TensorType does not support Python bools for indexing, such as tensor[[True, False]].",
        operation="indexing",
        operands=[f"index: {e!r}"],
        remedy="convert the mask to a NumPy array first, for instance tensor[numpy.array([True, False])]",
    )


def _not_an_integer(e: Any, why: str) -> str:
    return explain(
        "Expected an integer: an index is an integer, slice, None, Ellipsis, integer array or boolean mask.",
        operation="indexing",
        operands=[f"index: {e!r}, but {why}"],
        remedy="cast the index to an integer type, for instance theano.tensor.cast(i, 'int64')",
    )


def advanced_subtensor(x: Any, *entries: Any) -> Any:
    """`x[entries]` where at least one entry is an array.

    x: an array of any shape and dtype. Raises IndexError for indices that it has not.

    >>> advanced_subtensor([[1, 2], [3, 4]], [0, 1], [1, 1]).eval()
    array([2, 4])
    """
    return index(x, tuple(entries))


def advanced_inc_subtensor(x: Any, y: Any, *entries: Any) -> Any:
    """`x` with x[entries] incremented by `y`, where at least one entry is an array.

    >>> advanced_inc_subtensor([1, 2, 3], 10, [0, 0]).eval()
    array([21,  2,  3])
    """
    return inc_subtensor(index(x, tuple(entries)), y)


def advanced_set_subtensor(x: Any, y: Any, *entries: Any) -> Any:
    """`x` with x[entries] set to `y`, where at least one entry is an array.

    >>> advanced_set_subtensor([1, 2, 3], 9, [0, 2]).eval()
    array([9, 2, 9])
    """
    return set_subtensor(index(x, tuple(entries)), y)


# -- writing -------------------------------------------------------------------------------------------------------


def set_subtensor(x: Any, y: Any, inplace: bool = False, tolerate_inplace_aliasing: bool = False) -> Any:
    """The array that `x` is a part of, with that part set to `y`: a new variable.

    x: the result of indexing, `a[key]`; the result has a's shape and dtype (y is cast to it, downwards too). y: has at
    most x's dimensions and is broadcast to x's shape. Of several values for one place the last one stays.
    inplace, tolerate_inplace_aliasing: accepted for Theano's sake; the compiler decides what is done in place.
    For `b = a[k1]; x = b[k2]` the result is b with the part replaced. Where x is a DimShuffle of a part (`a.T[k].T`),
    the result is shuffled likewise; where it is a Reshape, it has a's shape.
    Raises TypeError where x is not the result of indexing or y has too many dimensions, ValueError where y does not
    fit.

    >>> import symtheano.tensor as T
    >>> x = T.vector("x")
    >>> set_subtensor(x[1:3], 0.0)
    IncSubtensor{Set;int64:int64:}.0
    """
    return inc_subtensor(x, y, inplace, True, tolerate_inplace_aliasing)


def inc_subtensor(
    x: Any,
    y: Any,
    inplace: bool = False,
    set_instead_of_inc: bool = False,
    tolerate_inplace_aliasing: bool = False,
) -> Any:
    """As `set_subtensor`, but adds `y` to the part; a place that an index array names twice is incremented twice.

    >>> import symtheano.tensor as T
    >>> x = T.vector("x")
    >>> inc_subtensor(x[[0, 0]], 1.0)
    AdvancedIncSubtensor1{no_inplace,inc}.0
    """
    x, y = as_tensor_variable(x), as_tensor_variable(y)
    node = x.owner
    if node is None or not isinstance(node.op, (Select, DimShuffle, Reshape)):
        raise TypeError(_not_a_part(x))
    if y.type.ndim > x.type.ndim:
        raise TypeError(_too_deep(x, y))
    if isinstance(node.op, Select):
        return node.op.writer(set_instead_of_inc)(node.inputs[0], y, *node.inputs[1:])
    inner: Any = node.inputs[0]
    if isinstance(node.op, DimShuffle):
        y = dimshuffle(y, ["x"] * (x.type.ndim - y.type.ndim) + list(range(y.type.ndim)))
        y = unshuffled(y, node.op)
        result = inc_subtensor(inner, y, inplace, set_instead_of_inc, tolerate_inplace_aliasing)
        return node.op(result) if result.type.ndim == inner.type.ndim else result
    if y.type.ndim:
        y = functions.second(x, y).reshape(inner.shape, ndim=inner.type.ndim)
    return inc_subtensor(inner, y, inplace, set_instead_of_inc, tolerate_inplace_aliasing)


def unshuffled(y: Any, op: DimShuffle) -> Any:
    """`y`, to be written into what `op` shuffles, with its axes as before the shuffle."""
    order: list[Any] = ["x"] * len(op.input_broadcastable)
    for k, o in enumerate(op.new_order):
        if o != "x":
            order[o] = k
    return dimshuffle(y, order)


def _not_a_part(x: Any) -> str:
    return explain(
        "x must be the result of a subtensor operation",
        operation="set_subtensor / inc_subtensor",
        operands=[f"x = {x}: {x.type}"],
        remedy="pass the part to write, for instance set_subtensor(a[1:3], y); the result is the new a",
    )


def _too_deep(x: Any, y: Any) -> str:
    return explain(
        f"Trying to write a {y.type.ndim}-dimensional value into a {x.type.ndim}-dimensional part.",
        operation="set_subtensor / inc_subtensor",
        operands=[f"part {x}: {x.type}, shape {x.type.shape}", f"value {y}: {y.type}, shape {y.type.shape}"],
        remedy="give a value with at most as many dimensions as the part; it is broadcast to the part's shape",
    )


# -- functions -----------------------------------------------------------------------------------------------------


def take(a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    """The elements of `a` at `indices` along `axis`; of the flattened array where axis is None.

    indices: integers of any shape, which takes the place of the axis in the result. mode: "raise" (IndexError at run
    time for an index out of range), "wrap" (modulo the length) or "clip" (to the ends).

    >>> import symtheano.tensor as T
    >>> take(T.matrix("x"), T.lmatrix("i"), axis=1).type
    TensorType(float64, 3D)
    """
    a, indices = as_tensor_variable(a), _entry(indices)
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(f"take: mode must be 'raise', 'wrap' or 'clip', not {mode!r}")
    if is_mask(indices) or isinstance(indices, slice) or indices in [None, Ellipsis]:
        raise TypeError(_not_an_integer(indices, "take needs integers"))
    if axis is None:
        a, axis = a.flatten(), 0
    if not -a.type.ndim <= axis < a.type.ndim:
        raise ValueError(f"take: there is no axis {axis} in a tensor of {a.type.ndim} dimensions: {a} of {a.type}")
    axis %= a.type.ndim
    if mode != "raise":
        n = shape_i(a, axis)
        indices = as_size(indices) if isinstance(indices, int) else as_int64(indices)
        indices = functions.mod(indices, n) if mode == "wrap" else functions.clip(indices, 0, n - 1)
    return subtensor(a, [*[FULL] * axis, indices])


def nonzero(a: Any, return_matrix: bool = False) -> Any:
    """The positions of the nonzero elements: a tuple of int64 vectors, one for each axis, as numpy's nonzero.

    return_matrix: the vectors as the rows of one matrix. Raises ValueError for a 0-d array.

    >>> [v.eval() for v in nonzero([[0, 5], [6, 0]])]
    [array([0, 1]), array([1, 0])]
    """
    vectors = nonzero_op(a, return_list=True)
    if not return_matrix:
        return tuple(vectors)
    assert convert.stack_sequence is not None
    return convert.stack_sequence(vectors)


def flatnonzero(a: Any) -> Any:
    """The positions of the nonzero elements in the flattened array, an int64 vector. ValueError for a 0-d array.

    >>> flatnonzero([[0, 5], [6, 0]]).eval()
    array([1, 2])
    """
    a = as_tensor_variable(a)
    if a.type.ndim == 0:
        raise ValueError("flatnonzero only supports non-scalar arrays.")
    return nonzero_op(a.flatten())


def nonzero_values(a: Any) -> Any:
    """The nonzero elements of `a` as a vector, in C order.

    Raises ValueError for a 0-d array.

    >>> nonzero_values([[0, 5], [6, 0]]).eval()
    array([5, 6])
    """
    a = as_tensor_variable(a)
    return advanced_subtensor1(a.flatten(), flatnonzero(a))


def get_idx_list(inputs: Sequence[Variable], idx_list: Iterable[Any], get_count: bool = False) -> Any:
    """The key of a Subtensor node: `idx_list` filled with the node's inputs (x, then the values).

    get_count: also how many inputs it took.

    >>> node = index([1, 2, 3], slice(0, 2)).owner
    >>> get_idx_list(node.inputs, node.op.idx_list)
    (slice(TensorConstant{0}, TensorConstant{2}, None),)
    """
    entries = tuple(fill(idx_list, inputs[1:]))
    return (entries, len(inputs) - 1) if get_count else entries


def get_canonical_form_slice(theslice: Any, length: Any) -> tuple[Any, int | Any]:
    """`theslice` of an axis of `length` as an increasing one within the axis, and the direction it is read in.

    Returns (slice, 1 or -1): 0 <= start <= stop <= length and step > 0; -1: what it selects is to be reversed (a
    variable where the step is one). For an integer: the index counted from the start, and 1.

    >>> get_canonical_form_slice(slice(None, None, -2), 5)
    (slice(0, 5, 2), -1)
    """
    entry = _entry(theslice)
    if not isinstance(entry, slice):
        if isinstance(entry, int):
            return (entry if entry >= 0 else length + entry), 1
        return functions.switch(functions.lt(entry, 0), as_int64(entry) + length, entry), 1
    n = length if isinstance(length, int) else as_int64(as_tensor_variable(length))
    step = 1 if entry.step is None else entry.step
    if isinstance(step, Variable):
        step = as_int64(step)
        up, down = (_canonical(entry, n, s, d) for s, d in ((step, 1), (functions.neg(step), -1)))
        positive = functions.gt(step, 0)
        parts = [functions.switch(positive, a, b) for a, b in zip(up, down, strict=True)]
        return slice(*parts), functions.switch(positive, 1, -1)
    direction = 1 if step > 0 else -1
    return slice(*_canonical(entry, n, abs(step), direction)), direction


def _canonical(entry: slice, n: Any, size: Any, direction: int) -> tuple[Any, Any, Any]:
    """start, stop and step of the increasing slice."""
    start, stop = ends(entry, n, direction)
    if direction > 0:
        return start, maximum(stop, start), size
    step = -size if isinstance(size, int) else functions.neg(size)
    length = slice_length(slice(entry.start, entry.stop, step), n)
    last = maximum(sub(start, (length - 1) * size), 0)
    return last, maximum(sub(start, -1), last), size
