"""TensorType: arrays of one dtype and number of dimensions, with what is known of their shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from symtheano.config import config
from symtheano.errors import ValueConversionError, ValueRangeError, explain
from symtheano.graph.type import Type
from symtheano.graph.variable import Variable
from symtheano.scalar import upcast
from symtheano.scalar.dtypes import ALL_DTYPES, is_discrete

StaticShape = tuple[int | None, ...]

_NUMBERS = "pass a NumPy array, a number, or nested lists of numbers whose lengths agree"

_KIND_NAMES: dict[tuple[bool, ...], str] = {
    (): "scalar",
    (False,): "vector",
    (False, True): "col",
    (True, False): "row",
    (False, False): "matrix",
}


class TensorType(Type):
    """Arrays of `dtype` whose axis k has length 1 where `broadcastable[k]`, as in Theano.

    dtype: a dtype's name; "floatX" means config.floatX. broadcastable: one truth value for each axis.
    shape: what is known of the lengths (an int, or None for unknown); `broadcastable` is derived from it. Types are
    equal when dtype and broadcastable are: the rest of the static shape is knowledge, not identity.

    >>> TensorType("float32", (False, True))
    TensorType(float32, col)
    """

    def __init__(
        self,
        dtype: str,
        broadcastable: Iterable[Any] | None = None,
        name: str | None = None,
        sparse_grad: bool = False,
        *,
        shape: Sequence[int | None] | None = None,
    ):
        if not isinstance(dtype, (str, np.dtype)):
            raise TypeError(f"TensorType needs the name of a dtype, such as 'float32'; got {dtype!r}")
        self.dtype = config.floatX if dtype == "floatX" else str(dtype)
        if self.dtype not in ALL_DTYPES:
            raise TypeError(
                explain(f"Unsupported dtype for TensorType: {dtype}.", remedy=f"it is one of {', '.join(ALL_DTYPES)}")
            )
        if shape is None:
            if broadcastable is None:
                raise TypeError("TensorType needs broadcastable= (one truth value for each axis) or shape=")
            shape = tuple(1 if b else None for b in broadcastable)
        self.shape: StaticShape = tuple(shape)
        self.broadcastable = tuple(n == 1 for n in self.shape)
        self.ndim = len(self.shape)
        self.name = name
        self.sparse_grad = sparse_grad
        self.numpy_dtype = np.dtype(self.dtype)
        self._hash = hash((TensorType, self.dtype, self.broadcastable))

    # -- identity ------------------------------------------------------------------------------------------------
    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return type(self) is type(other) and self.dtype == other.dtype and self.broadcastable == other.broadcastable

    def __hash__(self) -> int:
        return self._hash

    def same_as(self, other: Type) -> bool:
        return self is other or (self == other and self.shape == other.shape)  # type: ignore[attr-defined]

    def __str__(self) -> str:
        if self.name:
            return self.name
        kind = _KIND_NAMES.get(self.broadcastable)
        if kind is None:
            kind = str(self.broadcastable) if any(self.broadcastable) else f"{self.ndim}D"
        return f"TensorType({self.dtype}, {kind})"

    __repr__ = __str__

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (self.dtype, self.shape, self.name, self.sparse_grad))

    # -- derived types and variables -----------------------------------------------------------------------------
    def clone(self, dtype: str | None = None, broadcastable: Iterable[Any] | None = None) -> TensorType:
        """This type with another dtype or broadcast pattern."""
        if broadcastable is None:
            return TensorType(dtype or self.dtype, shape=self.shape, name=self.name)
        return TensorType(dtype or self.dtype, broadcastable, name=self.name)

    def convert_variable(self, variable: Variable) -> Variable | None:
        """`variable`, whose dtype agrees and whose broadcast pattern says no less than this type's, or None."""
        other = variable.type
        if other == self:
            return variable
        convert = TensorType.rebroadcast
        if isinstance(other, TensorType) and other.dtype == self.dtype and other.ndim == self.ndim and convert:
            if all(b or not a for a, b in zip(self.broadcastable, other.broadcastable, strict=True)):
                converted: Variable = convert(variable, self.broadcastable)
                return converted
        return None

    rebroadcast: Any = None  # installed by symtheano.tensor.shape: patternbroadcast

    # -- values --------------------------------------------------------------------------------------------------
    def filter(self, data: Any, strict: bool = False, allow_downcast: bool | None = None) -> Any:
        """`data` as an array of this type. Theano's rules: see `_converted`. TypeError where it does not fit."""
        if isinstance(data, Variable):
            raise TypeError(
                explain(
                    "Expected an array-like object, but found a Variable: maybe you are trying to call a function on a "
                    "(possibly shared) variable instead of a numeric array?",
                    operands=[f"value: {data}: {data.type}", f"expected: an array for {self}"],
                    where=None,
                    remedy="pass the value of a shared variable with get_value(), that of an expression with eval()",
                )
            )
        if type(data) is np.ndarray and data.dtype == self.numpy_dtype:
            array = data
        elif strict:
            remedy = f"pass np.asarray(value, dtype={self.dtype!r}), or leave strict=True out"
            raise TypeError(self._misfit(data, "strict=True accepts arrays of exactly this type", remedy))
        else:
            array = self._converted(data, allow_downcast)
        if array.ndim != self.ndim:
            raise TypeError(
                self._misfit(
                    data,
                    f"Wrong number of dimensions: expected {self.ndim}, got {array.ndim} with shape {array.shape}.",
                    f"pass an array of {self.ndim} dimensions (reshape it, or index it with None for axes of length "
                    f"1), or declare the variable with {array.ndim} dimensions",
                )
            )
        for axis, (n, known) in enumerate(zip(array.shape, self.shape, strict=True)):
            if known is not None and n != known:
                what, hint = "Wrong length of an axis.", ""
                if known == 1:
                    what = "Non-unit value on shape on a broadcastable dimension."
                    hint = " (matrix instead of row or col)"
                why = f"{what} Axis {axis} must have length {known}; the shape is {array.shape}"
                remedy = f"pass an array whose axis {axis} has length {known}, or declare the variable otherwise{hint}"
                raise TypeError(self._misfit(data, why, remedy))
        return array if array.flags.aligned and array.dtype.isnative else np.array(array, self.numpy_dtype)

    def _converted(self, data: Any, allow_downcast: bool | None) -> np.ndarray[Any, Any]:
        """Arrays only upwards, Python floats to floatX, anything else where the conversion keeps the value."""
        if allow_downcast:
            try:
                plain = np.asarray(data)
                if data is None or (self._loses_imag(plain) and not isinstance(data, np.ndarray)):
                    raise TypeError("it is no real number")
                if type(data) is float and self.numpy_dtype.kind in "iu":
                    np.int64(int(data))  # nan and infinities are no integers
                return (plain.real if self._loses_imag(plain) else plain).astype(self.numpy_dtype, copy=False)
            except (TypeError, ValueError, OverflowError) as error:
                raise self._no_number(data, error) from error
        if isinstance(data, np.ndarray):
            if data.dtype.name in ALL_DTYPES and upcast(self.dtype, data.dtype.name) == self.dtype:
                return np.asarray(data, self.numpy_dtype)
            remedy = f"pass np.asarray(value, dtype={self.dtype!r}), or compile with allow_input_downcast=True"
            raise TypeError(self._misfit(data, "converting it could lose precision", remedy))
        if allow_downcast is None and type(data) is float and self.dtype == config.floatX:
            return np.asarray(data, self.numpy_dtype)
        try:
            plain = np.asarray(data)
            if plain.dtype == object:
                raise TypeError("it holds Python objects")
            with np.errstate(all="ignore"):
                array = (plain.real if self._loses_imag(plain) else plain).astype(self.numpy_dtype)
                exact = bool(np.all((array == plain) | ((array != array) & (plain != plain))))
            if type(data) is float and self.numpy_dtype.kind in "iu":
                np.int64(int(data))  # nan and infinities are no integers
        except (TypeError, ValueError, OverflowError) as error:
            raise self._no_number(data, error) from error
        if not exact:
            raise TypeError(
                self._misfit(
                    data,
                    "converting it would change its value",
                    f"round it yourself with np.asarray(value, dtype={self.dtype!r}), "
                    "or compile with allow_input_downcast=True",
                )
            )
        return array

    def _no_number(self, data: Any, error: Exception) -> ValueConversionError:
        kind = ValueRangeError if isinstance(error, OverflowError) else ValueConversionError
        return kind(self._misfit(data, f"it is not an array of numbers ({error})", _NUMBERS))

    def _loses_imag(self, array: np.ndarray[Any, Any]) -> bool:
        return array.dtype.kind == "c" and self.numpy_dtype.kind != "c"

    def _misfit(self, data: Any, why: str, remedy: str = "") -> str:
        seen = f"{type(data).__module__}.{type(data).__name__}".removeprefix("builtins.")
        if hasattr(data, "dtype") and hasattr(data, "shape"):
            seen += f" of dtype {data.dtype} and shape {tuple(data.shape)}"
        else:
            text = repr(data)
            seen += f" {text if len(text) < 60 else text[:57] + '...'}"
        return explain(
            f"{self} cannot hold this value: {why}",
            operands=[f"value: {seen}", f"expected: {self}"],
            where=None,  # whoever asked knows which variable this is about
            remedy=remedy,
        )

    def is_valid_value(self, data: Any) -> bool:
        return (
            isinstance(data, np.ndarray)
            and data.dtype == self.numpy_dtype
            and data.ndim == self.ndim
            and all(known is None or n == known for n, known in zip(data.shape, self.shape, strict=True))
        )

    @staticmethod
    def values_eq(a: Any, b: Any, force_same_dtype: bool = True) -> bool:
        """Whether two arrays are equal; NaN equals NaN."""
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape or (force_same_dtype and a.dtype != b.dtype):
            return False
        return bool(np.all((a == b) | ((a != a) & (b != b))))

    @staticmethod
    def values_eq_approx(
        a: Any,
        b: Any,
        allow_remove_inf: bool = False,
        allow_remove_nan: bool = False,
        rtol: float | None = None,
        atol: float | None = None,
    ) -> bool:
        """Equality up to rounding (the default tolerances are those of the dtype); NaN equals NaN."""
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        if is_discrete(a.dtype.name):
            return bool(np.all(a == b))
        default = {"float16": 5e-3, "float32": 1e-5, "complex64": 1e-5}.get(a.dtype.name, 1e-8)
        with np.errstate(all="ignore"):
            close = np.isclose(
                a, b, rtol if rtol is not None else default, atol if atol is not None else default, equal_nan=True
            )
        if allow_remove_inf:
            close |= np.isinf(a)
        if allow_remove_nan:
            close |= np.isnan(a)
        return bool(close.all())

    @staticmethod
    def may_share_memory(a: Any, b: Any) -> bool:
        """Whether two values may overlap in memory."""
        return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and bool(np.may_share_memory(a, b))

    def value_zeros(self, shape: Sequence[int]) -> Any:
        """An array of zeros of this dtype."""
        return np.zeros(shape, self.numpy_dtype)


def _rebuild(dtype: str, shape: StaticShape, name: str | None, sparse_grad: bool) -> TensorType:
    return TensorType(dtype, name=name, sparse_grad=sparse_grad, shape=shape)


@lru_cache(maxsize=8192)
def tensor_type(dtype: str, shape: StaticShape) -> TensorType:
    """The shared TensorType of a dtype and static shape (for the type rules of ops, where speed counts)."""
    return TensorType(dtype, shape=shape)
