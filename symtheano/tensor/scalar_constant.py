"""What can be known of an element of an array while the graph is built, by looking through the ops that made it.

`get_scalar_constant_value` is Theano's; `trace_element` tells the type rules of lower modules about sizes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symtheano.errors import AsTensorError, EmptyConstantError, NotScalarConstantError, explain
from symtheano.graph.interpret import perform
from symtheano.graph.variable import Constant, Variable
from symtheano.tensor import sizes
from symtheano.tensor.alloc import Alloc
from symtheano.tensor.assertion import Assert
from symtheano.tensor.convert import as_tensor_variable, make_constant
from symtheano.tensor.elemwise import DimShuffle, Elemwise
from symtheano.tensor.index_basic import Subtensor
from symtheano.tensor.join import Join
from symtheano.tensor.reshape import Reshape
from symtheano.tensor.shape import Rebroadcast, SpecifyShape
from symtheano.tensor.sizes import Element, MakeVector, Origin, Shape, Shape_i, axis_origin, constant_dim
from symtheano.tensor.type import TensorType

__all__ = ["extract_constant", "get_scalar_constant_value"]

SAME_VALUES = (Rebroadcast, SpecifyShape)
MAX_DEPTH = 10  # of elementwise operations looked through
MAX_STEPS = 100  # of other ones


# -- one element -----------------------------------------------------------------------------------------------------


def locate(v: Any, element: Element) -> tuple[Any, Element]:
    """Where an element comes from: the variable below all indexing, joining and axis moving, and the place in it."""
    for _ in range(MAX_STEPS):
        below = _step(v, element)
        if below is None:
            break
        v, element = below
    return v, element


def _step(v: Any, element: Element) -> tuple[Any, Element] | None:
    node = v.owner
    if node is None:
        return None
    op = node.op
    if isinstance(op, SAME_VALUES):
        return node.inputs[0], element
    if isinstance(op, MakeVector):
        return node.inputs[element[0]], ()
    if isinstance(op, Subtensor):
        return _selected(node, element)
    if isinstance(op, DimShuffle):
        where = {o: i for o, i in zip(op.new_order, element, strict=True) if o != "x"}
        return node.inputs[0], tuple(where.get(k, 0) for k in range(len(op.input_broadcastable)))
    if isinstance(op, Alloc):
        value: Any = node.inputs[0]
        return value, _narrowed(value, element[len(element) - value.type.ndim :])
    if isinstance(op, Join):
        return _joined(node, element)
    if isinstance(op, Elemwise) and op.scalar_op.name in ("identity", "second"):
        value = node.inputs[-1]
        return value, _narrowed(value, element)
    return None


def _narrowed(v: Any, element: Element) -> Element:
    return tuple(0 if b else k for b, k in zip(v.type.broadcastable, element, strict=True))


def _selected(node: Any, element: Element) -> tuple[Any, Element] | None:
    """The place in x of an element of x[key], where the key's integers are known."""
    x = node.inputs[0]
    entries = node.op.entries(node.inputs)
    entries += [slice(None)] * (x.type.ndim - len(entries))
    rest, place = iter(element), []
    lengths = [trace_length(x)] if x.type.ndim == 1 else x.type.shape
    for entry, length in zip(entries, lengths, strict=True):
        known: int | None
        if isinstance(entry, slice):
            known = _in_slice(entry, length, next(rest))
        else:
            known = constant_dim(entry)
        if known is not None and known < 0:
            known = None if length is None else known + length
        if known is None or known < 0 or (length is not None and known >= length):
            return None
        place.append(known)
    return x, tuple(place)


def _in_slice(entry: slice, length: int | None, k: int) -> int | None:
    bounds = [None if b is None else constant_dim(b) for b in (entry.start, entry.step)]
    if (entry.start is not None and bounds[0] is None) or (entry.step is not None and bounds[1] is None):
        return None
    if length is not None:
        start, _, step = slice(bounds[0], None, bounds[1]).indices(length)
        return start + k * step
    start, step = bounds[0] or 0, 1 if bounds[1] is None else bounds[1]
    return start + k * step if start >= 0 and step > 0 else None


def _joined(node: Any, element: Element) -> tuple[Any, Element] | None:
    axis = constant_dim(node.inputs[0])
    if axis is None:
        return None
    axis %= len(element)
    k = element[axis]
    for part in node.inputs[1:]:
        length = part.type.shape[axis] if len(element) > 1 else trace_length(part)
        if length is None:
            return None
        if k < length:
            return part, _narrowed(part, (*element[:axis], k, *element[axis + 1 :]))
        k -= length
    return None


def trace_length(v: Any, depth: int = MAX_DEPTH) -> int | None:
    """The length of a vector, where it is known; a length of 1 the types may keep silent about (see Join)."""
    length: int | None = v.type.shape[0]
    node = v.owner
    if length is not None or node is None or depth == 0:
        return length
    below: list[Any] = [i for i in node.inputs if isinstance(i.type, TensorType) and i.type.ndim == 1]
    if isinstance(node.op, Join):
        lengths = [trace_length(i, depth - 1) for i in below]
        return None if None in lengths else sum(n for n in lengths if n is not None)
    if isinstance(node.op, SAME_VALUES):
        return trace_length(below[0], depth - 1)
    if isinstance(node.op, Elemwise):
        found = (trace_length(i, depth - 1) for i in below if not i.type.broadcastable[0])
        return next((n for n in found if n is not None), None)
    if isinstance(node.op, Subtensor) and below:
        return _slice_length(node, trace_length(below[0], depth - 1))
    return None


def _slice_length(node: Any, length: int | None) -> int | None:
    entry = node.op.entries(node.inputs)[0]
    bounds = [None if b is None else constant_dim(b) for b in (entry.start, entry.stop, entry.step)]
    known = all((b is None) == (c is None) for b, c in zip(bounds, (entry.start, entry.stop, entry.step), strict=True))
    return len(range(*slice(*bounds).indices(length))) if known and length is not None else None


def trace_element(v: Any, element: Element, depth: int = MAX_DEPTH) -> Origin | None:
    """What is known of an element of an integer array: its value, or the axis whose length it is."""
    v, element = locate(v, element)
    node, counts = v.owner, sizes.is_integer(v.type.dtype)
    if isinstance(v, Constant):
        return int(v.data[element]) if counts else None
    if node is None:
        return None
    if isinstance(node.op, (Shape, Shape_i)):
        return axis_origin(node.inputs[0], _axis(node, element))
    if not isinstance(node.op, Elemwise) or depth == 0 or not counts:
        return None
    values = []
    for i in node.inputs:
        found = None
        if sizes.is_integer(i.type.dtype):
            found = trace_element(i, _narrowed(i, element), depth - 1)
        if isinstance(found, tuple) and node.op.scalar_op.name == "Cast{int64}":
            return found
        if not isinstance(found, int):
            return None
        values.append(np.asarray(found, i.type.dtype))
    return int(_computed(node.op, values))


def _axis(node: Any, element: Element) -> int:
    """The axis whose length an element of Shape, or a Shape_i, is."""
    return element[0] if isinstance(node.op, Shape) else int(node.op.i)


def _length_at(v: Any, element: Element) -> int | None:
    """The length that an element of Shape, or a Shape_i, is known to be."""
    if v.owner is None or not isinstance(v.owner.op, (Shape, Shape_i)):
        return None
    found = axis_origin(v.owner.inputs[0], _axis(v.owner, element))
    return found if isinstance(found, int) else None


def _computed(op: Elemwise, values: list[Any]) -> Any:
    """The scalar function of an Elemwise on 0-d arrays."""
    with np.errstate(all="ignore"):
        return perform(op.make_node(*map(make_constant, values)), values)[0]


# -- a value that all elements have ----------------------------------------------------------------------------------


def get_scalar_constant_value(
    orig_v: Any, elemwise: bool = True, only_process_constants: bool = False, max_recur: int = MAX_DEPTH
) -> Any:
    """The value (a 0-d array) that every element of `orig_v` has, where that is known when the graph is built.

    Looks through dimshuffle, alloc, fill, reshape, casts, elementwise functions (`elemwise`), make_vector, shapes,
    assertions that are known to hold and constant subscripts, or only at constants (`only_process_constants`).
    max_recur: how many elementwise functions deep. Raises NotScalarConstantError, or its subclass EmptyConstantError
    for constants without elements.

    >>> int(get_scalar_constant_value(as_tensor_variable([7, 7])))
    7
    """
    if orig_v is None:
        raise NotScalarConstantError("None is no constant")
    try:
        v: Any = as_tensor_variable(orig_v)
    except (AsTensorError, TypeError, ValueError) as error:
        raise NotScalarConstantError(f"{orig_v!r} is no tensor: {error}") from error
    return _uniform(v, elemwise, only_process_constants, max_recur)


def _uniform(v: Any, elemwise: bool, only_constants: bool, depth: int) -> Any:
    for _ in range(MAX_STEPS):
        if isinstance(v, Constant):
            return _unique(v)
        node = v.owner
        if node is None or only_constants or not isinstance(v.type, TensorType):
            break
        if v.type.ndim == 0:
            below, element = locate(v, ())
            if isinstance(below, Constant):
                return np.asarray(below.data[element])
            if below is not v and element == ():
                v = below
                continue
            found = _length_at(below, element)
            if found is not None:
                return np.asarray(found, v.type.dtype)
        op = node.op
        if isinstance(op, (*SAME_VALUES, Alloc, DimShuffle, Reshape)):
            v = node.inputs[0]
        elif isinstance(op, Elemwise) and op.scalar_op.name in ("second", "identity"):
            v = node.inputs[-1]
        elif isinstance(op, Assert) and all(_uniform(c, elemwise, only_constants, depth) for c in node.inputs[1:]):
            v = node.inputs[0]
        elif isinstance(op, Elemwise) and elemwise and depth > 0 and op.scalar_op.special is None:
            return _computed(op, [_uniform(i, elemwise, only_constants, depth - 1) for i in node.inputs])
        elif isinstance(op, MakeVector) and node.inputs:
            return _agreed(v, [_uniform(i, elemwise, only_constants, depth) for i in node.inputs])
        else:
            break
    raise NotScalarConstantError(
        explain(f"{v} is not a scalar constant.", operands=[f"{v}: {v.type}"], remedy="give a constant")
    )


def _unique(v: Constant) -> Any:
    """The value all elements of a constant have."""
    data = np.asarray(v.data)
    if data.size == 0:
        raise EmptyConstantError(f"{v} has no elements")
    return _agreed(v, [data.flat[0]], bool((data == data.flat[0]).all()) or data.size == 1)


def _agreed(v: Variable, values: list[Any], same: bool = True) -> Any:
    if not same or any(x != values[0] for x in values[1:]):
        raise NotScalarConstantError(f"the elements of {v} are not equal")
    return np.asarray(values[0])


def extract_constant(x: Any, elemwise: bool = True, only_process_constants: bool = False) -> Any:
    """The scalar constant that `x` is (see get_scalar_constant_value), or else `x` as a tensor variable.

    >>> int(extract_constant(as_tensor_variable(3) + 1))
    4
    """
    try:
        return get_scalar_constant_value(x, elemwise, only_process_constants)
    except NotScalarConstantError:
        return x if isinstance(x, Variable) else as_tensor_variable(x)


sizes.trace_element = trace_element
sizes.trace_length = trace_length
