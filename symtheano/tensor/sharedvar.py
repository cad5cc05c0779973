"""shared(): variables that hold a value between calls. Arrays and numbers become TensorSharedVariables.

`shared` tries the constructors from the last registered to the first; a constructor says by TypeError that a value is
not its own. What no constructor takes becomes a SharedVariable of the Generic type, which holds any Python object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from symtheano.errors import explain
from symtheano.graph.shared import SharedVariable
from symtheano.graph.type import generic
from symtheano.graph.variable import Variable
from symtheano.scalar.dtypes import ALL_DTYPES
from symtheano.tensor.type import TensorType
from symtheano.tensor.variable import _tensor_py_operators

__all__ = [
    "ScalarSharedVariable",
    "SharedVariable",
    "TensorSharedVariable",
    "generic_constructor",
    "load_shared_variable",
    "scalar_constructor",
    "shared",
    "shared_constructor",
    "tensor_constructor",
]


class TensorSharedVariable(_tensor_py_operators, SharedVariable):
    """A shared variable that holds an array. Made by `shared`."""


class ScalarSharedVariable(TensorSharedVariable):
    """A shared variable that holds a number: a 0-d array."""


Constructor = Callable[..., SharedVariable]


def generic_constructor(
    value: Any, name: str | None = None, strict: bool = False, allow_downcast: bool | None = None
) -> SharedVariable:
    """A shared variable that holds any Python object (not a copy)."""
    return SharedVariable(name, generic, value, strict, allow_downcast)


def scalar_constructor(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    borrow: bool = False,
    target: str = "cpu",
) -> SharedVariable:
    """A shared 0-d tensor of a number: Python's int, float, bool, complex are int64, float64, bool, complex128."""
    if not isinstance(value, (bool, int, float, complex, np.number, np.bool_)):
        raise TypeError(f"not a number: {type(value).__name__}")
    _check_target(target)
    array = _native(np.array(value))
    return ScalarSharedVariable(name, TensorType(array.dtype.name, ()), array, strict, allow_downcast)


def tensor_constructor(
    value: Any,
    name: str | None = None,
    strict: bool = False,
    allow_downcast: bool | None = None,
    borrow: bool = False,
    broadcastable: Iterable[bool] | None = None,
    target: str = "cpu",
) -> SharedVariable:
    """A shared tensor of an array's dtype and number of dimensions.

    borrow: keep `value` itself instead of a copy. broadcastable: None for no axis at all, also where the length is 1:
    the value may be replaced by one of another shape.
    """
    if not isinstance(value, np.ndarray):
        raise TypeError(f"not an array: {type(value).__name__}")
    _check_target(target)
    array = _native(np.asarray(value) if borrow else np.array(value))
    kind = TensorType(array.dtype.name, (False,) * value.ndim if broadcastable is None else broadcastable)
    return TensorSharedVariable(name, kind, array, strict, allow_downcast)


def load_shared_variable(value: Any) -> SharedVariable:
    """The shared variable of an unpickled array."""
    return tensor_constructor(value)


def _check_target(target: str) -> None:
    if target != "cpu":
        raise TypeError(f"not for cpu: the target is {target!r}")


def _native(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array in this machine's byte order; TypeError for what no tensor holds (objects, texts, long doubles)."""
    if array.dtype.name not in ALL_DTYPES:
        raise TypeError(f"no tensor has dtype {array.dtype}")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def shared(
    value: Any, name: str | None = None, strict: bool = False, allow_downcast: bool | None = None, **kwargs: Any
) -> Any:
    """A variable that holds `value`, visible to every function that uses it, and changed by `updates` and `set_value`.

    value: an array or NumPy number keeps its dtype; Python numbers become int64, float64, bool or complex128 tensors;
    anything else is kept as a Python object of the Generic type. It is copied unless borrow=True.
    strict: later values must be arrays of exactly this type. allow_downcast: True lets `set_value` lose precision.
    kwargs: borrow, broadcastable (one truth value for each axis; default: none), target ("cpu").
    Raises TypeError for a Variable, and where no constructor takes these arguments.

    >>> import numpy as np
    >>> w = shared(np.ones((2, 3), "float32"), name="w")
    >>> w.type, w.get_value().sum().item()
    (TensorType(float32, matrix), 6.0)
    """
    if isinstance(value, Variable):
        raise TypeError(
            explain(
                "Shared variable constructor needs numeric values and not symbolic variables.",
                operands=[f"value {value}: {value.type}"],
                remedy="compute the value first: shared(x.eval({...})), or shared(other.get_value())",
            )
        )
    refusals = []
    for constructor in reversed(shared.constructors):  # type: ignore[attr-defined]
        try:
            return constructor(value, name=name, strict=strict, allow_downcast=allow_downcast, **kwargs)
        except TypeError as error:
            refusals.append(f"{getattr(constructor, '__name__', constructor)}: {str(error).splitlines()[0]}")
    text = repr(value)
    raise TypeError(
        explain(
            "No suitable SharedVariable constructor could be found. Are you sure all kwargs are supported?",
            operands=[
                f"value: {type(value).__name__} {text if len(text) < 60 else text[:57] + '...'}",
                f"parameters: {kwargs}",
                *refusals,
            ],
            remedy="arrays and numbers accept borrow=, broadcastable= and target='cpu'; other objects none of them",
        )
    )


shared.constructors = [generic_constructor, scalar_constructor, tensor_constructor]  # type: ignore[attr-defined]


def shared_constructor(ctor: Constructor, remove: bool = False) -> Constructor:
    """Registers a constructor, which `shared` tries before the others; with `remove`, takes it out again."""
    if remove:
        shared.constructors.remove(ctor)  # type: ignore[attr-defined]
    else:
        shared.constructors.append(ctor)  # type: ignore[attr-defined]
    return ctor
