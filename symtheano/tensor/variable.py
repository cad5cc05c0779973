"""TensorVariable and TensorConstant: numpy's methods on tensors. Defined last, since they call everything else."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import numpy as np

# By full name: in the namespace theano.tensor some of these modules give way to the functions of their name.
import symtheano.tensor.alloc as allocation
import symtheano.tensor.diagonal as diagonals
import symtheano.tensor.extra_ops as extras
import symtheano.tensor.index as indexing
import symtheano.tensor.math as maths
import symtheano.tensor.reduce as reductions
import symtheano.tensor.repeat as repetition
import symtheano.tensor.scalar_constant as constants
import symtheano.tensor.shape as shapes
import symtheano.tensor.sort as sorting
from symtheano.graph.variable import Constant, Variable
from symtheano.tensor.dot import dot
from symtheano.tensor.elemwise import DimShuffle, functions
from symtheano.tensor.operators import Operators, method
from symtheano.tensor.type import TensorType


class _tensor_py_operators(Operators):
    """What tensors can do: the operators, and numpy's methods. Each builds a node of the graph."""

    # -- properties ----------------------------------------------------------------------------------------------
    @property
    def dtype(self) -> str:
        """The dtype's name."""
        return self.type.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.type.ndim  # type: ignore[no-any-return]

    @property
    def broadcastable(self) -> tuple[bool, ...]:
        """For each axis whether its length is known to be 1."""
        return self.type.broadcastable  # type: ignore[no-any-return]

    @property
    def shape(self) -> Any:
        """The lengths of the axes: an int64 vector."""
        return shapes.shape(self)

    @property
    def size(self) -> Any:
        """The number of elements: an int64 scalar."""
        return self.shape[0] if self.type.ndim == 1 else reductions.prod(self.shape)

    @property
    def T(self) -> Any:
        """The transpose."""
        return shapes.transpose(self)

    @property
    def real(self) -> Any:
        """The real part."""
        return functions.real(self)

    @property
    def imag(self) -> Any:
        """The imaginary part."""
        return functions.imag(self)

    # -- elementwise ---------------------------------------------------------------------------------------------
    arccos = method(functions.arccos)
    arccosh = method(functions.arccosh)
    arcsin = method(functions.arcsin)
    arcsinh = method(functions.arcsinh)
    arctan = method(functions.arctan)
    arctanh = method(functions.arctanh)
    ceil = method(functions.ceil)
    conj = method(functions.conj)
    conjugate = method(functions.conj)
    cos = method(functions.cos)
    cosh = method(functions.cosh)
    deg2rad = method(functions.deg2rad)
    exp = method(functions.exp)
    exp2 = method(functions.exp2)
    expm1 = method(functions.expm1)
    floor = method(functions.floor)
    log = method(functions.log)
    log10 = method(functions.log10)
    log1p = method(functions.log1p)
    log2 = method(functions.log2)
    rad2deg = method(functions.rad2deg)
    sin = method(functions.sin)
    sinh = method(functions.sinh)
    sqrt = method(functions.sqrt)
    tan = method(functions.tan)
    tanh = method(functions.tanh)
    trunc = method(functions.trunc)

    def round(self, mode: str | None = None) -> Any:
        """Rounded to whole numbers, halves to even by default. TypeError for integers."""
        return maths.round(self, mode)

    def clip(self, a_min: Any, a_max: Any) -> Any:
        """Limited to the interval from a_min to a_max."""
        return functions.clip(self, a_min, a_max)

    def astype(self, dtype: str) -> Any:
        """The same values in another dtype ("floatX": config.floatX)."""
        return maths.cast(self, dtype)

    def copy(self, name: str | None = None) -> Any:
        """A new variable with the same value."""
        result = functions.identity(self)
        result.name = name
        return result

    def fill(self, value: Any) -> Any:
        """`value` in this shape. Unlike numpy's, it makes a new tensor."""
        return functions.second(self, value)

    def zeros_like(self, dtype: str | None = None) -> Any:
        """Zeros in this shape, of this or the given dtype."""
        return allocation.zeros_like(self, dtype=dtype)

    def ones_like(self, dtype: str | None = None) -> Any:
        """Ones in this shape, of this or the given dtype."""
        return allocation.ones_like(self, dtype=dtype)

    def get_scalar_constant_value(self) -> Any:
        """The value of this 0-d tensor, where the graph shows it; NotScalarConstantError where it does not."""
        return constants.get_scalar_constant_value(self)

    def transfer(self, target: str) -> Any:
        """This value on another device; with "cpu", itself."""
        if target == "cpu":
            return self
        raise ValueError(f"Can't transfer to target {target!r}: the only target of variables is 'cpu'.")

    # -- reductions ----------------------------------------------------------------------------------------------
    def sum(self, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None) -> Any:
        """The sum over `axis` (None: over all)."""
        return reductions.sum(self, axis=axis, dtype=dtype, keepdims=keepdims, acc_dtype=acc_dtype)

    def prod(self, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None) -> Any:
        """The product over `axis` (None: over all)."""
        return reductions.prod(self, axis=axis, dtype=dtype, keepdims=keepdims, acc_dtype=acc_dtype)

    def mean(self, axis: Any = None, dtype: Any = None, keepdims: bool = False, acc_dtype: Any = None) -> Any:
        """The mean over `axis` (None: over all)."""
        return reductions.mean(self, axis=axis, dtype=dtype, keepdims=keepdims, acc_dtype=acc_dtype)

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False) -> Any:
        """The variance over `axis` (None: over all)."""
        return reductions.var(self, axis=axis, ddof=ddof, keepdims=keepdims, corrected=corrected)

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False, corrected: bool = False) -> Any:
        """The standard deviation over `axis` (None: over all)."""
        return reductions.std(self, axis=axis, ddof=ddof, keepdims=keepdims, corrected=corrected)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The least element over `axis` (None: of all)."""
        return reductions.min(self, axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The greatest element over `axis` (None: of all)."""
        return reductions.max(self, axis, keepdims=keepdims)

    def argmin(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The position of the (first) least element."""
        return reductions.argmin(self, axis, keepdims=keepdims)

    def argmax(self, axis: Any = None, keepdims: bool = False) -> Any:
        """The position of the (first) greatest element."""
        return reductions.argmax(self, axis, keepdims=keepdims)

    def all(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether all elements are true."""
        return reductions.all(self, axis=axis, keepdims=keepdims)

    def any(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Whether any element is true."""
        return reductions.any(self, axis=axis, keepdims=keepdims)

    def ptp(self, axis: Any = None) -> Any:
        """The greatest minus the least element."""
        return reductions.ptp(self, axis)

    def norm(self, L: float | None, axis: Any = None, keepdims: bool = False) -> Any:
        """The L-norm over `axis` (None: over all): (sum |x|**L)**(1/L); L may be infinite."""
        return reductions.norm(self, L, axis, keepdims)

    # -- products ------------------------------------------------------------------------------------------------
    def dot(self, other: Any) -> Any:
        """The matrix product, as in numpy."""
        return dot(self, other)

    __dot__ = dot

    def __rdot__(self, other: Any) -> Any:
        return dot(other, self)

    # -- shape ---------------------------------------------------------------------------------------------------
    def reshape(self, shape: Any, ndim: int | None = None) -> Any:
        """The same elements in another shape; one length may be -1. ndim: needed where `shape` is a symbolic vector."""
        return shapes.reshape(self, shape, ndim=ndim)

    def dimshuffle(self, *pattern: Any) -> Any:
        """The axes in another order; "x" adds an axis of length 1; broadcastable axes that are left out are dropped.

        >>> import symtheano.tensor as T
        >>> T.vector("v").dimshuffle("x", 0).broadcastable
        (True, False)
        """
        if len(pattern) == 1 and isinstance(pattern[0], (list, tuple)):
            pattern = tuple(pattern[0])
        return DimShuffle(self.type.broadcastable, pattern)(self)

    def flatten(self, ndim: int = 1) -> Any:
        """The same elements in `ndim` dimensions: the first ndim-1 stay."""
        return shapes.flatten(self, ndim)

    def ravel(self) -> Any:
        """The elements as a vector."""
        return shapes.flatten(self)

    def transpose(self, *axes: Any) -> Any:
        """The axes in the given order; reversed by default."""
        if not axes:
            return shapes.transpose(self)
        return shapes.transpose(self, axes[0] if len(axes) == 1 and isinstance(axes[0], (list, tuple)) else axes)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        """Two axes exchanged."""
        return shapes.swapaxes(self, axis1, axis2)

    def squeeze(self, axis: Any = None) -> Any:
        """Without its broadcastable axes (axis: without these)."""
        return shapes.squeeze(self, axis)

    def repeat(self, repeats: Any, axis: int | None = None) -> Any:
        """Each element repeated, along `axis` (None: of the flattened tensor)."""
        return repetition.repeat(self, repeats, axis)

    # -- diagonals -----------------------------------------------------------------------------------------------
    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """The diagonal of two axes, as the last axis."""
        return diagonals.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """The sum of the diagonal of two axes."""
        return self.diagonal(offset, axis1, axis2).sum(axis=-1)

    # -- order ---------------------------------------------------------------------------------------------------
    def sort(self, axis: int | None = -1, kind: str = "quicksort", order: None = None) -> Any:
        """Sorted along an axis (None: flattened first)."""
        return sorting.sort(self, axis, kind, order)

    def argsort(self, axis: int | None = -1, kind: str = "quicksort", order: None = None) -> Any:
        """The positions that sort along an axis (None: flattened first)."""
        return sorting.argsort(self, axis, kind, order)

    def searchsorted(self, v: Any, side: str = "left", sorter: Any = None) -> Any:
        """Where the elements of `v` belong in this sorted vector."""
        return extras.searchsorted(self, v, side, sorter)

    def cumsum(self, axis: int | None = None) -> Any:
        """The running sum along an axis (None: of the flattened tensor)."""
        return extras.cumsum(self, axis)

    def cumprod(self, axis: int | None = None) -> Any:
        """The running product along an axis (None: of the flattened tensor)."""
        return extras.cumprod(self, axis)

    # -- selection -----------------------------------------------------------------------------------------------
    def take(self, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
        """The elements at `indices` along `axis` (None: of the flattened tensor)."""
        return indexing.take(self, indices, axis, mode)

    def choose(self, choices: Any, out: None = None, mode: str = "raise") -> Any:
        """At each place the element of `choices[i]` there, where i is this tensor's."""
        return indexing.choose(self, choices, out, mode)

    def compress(self, condition: Any, axis: int | None = None) -> Any:
        """The slices along an axis (None: of the flattened tensor) where the vector `condition` is true."""
        return extras.compress(condition, self, axis)

    def nonzero(self, return_matrix: bool = False) -> Any:
        """The positions of the nonzero elements: an index vector for each axis."""
        return indexing.nonzero(self, return_matrix=return_matrix)

    def nonzero_values(self) -> Any:
        """The nonzero elements as a vector."""
        return indexing.nonzero_values(self)


class TensorVariable(_tensor_py_operators, Variable):
    """A tensor in an expression graph.

    >>> import symtheano.tensor as T
    >>> x = T.matrix("x", dtype="float32")
    >>> (x + 1).type, (x > 0).dtype
    (TensorType(float32, matrix), 'bool')
    """


class TensorConstantSignature(tuple[Any, ...]):
    """The key of a constant: equal for constants with the same type and bytes (0.0 and -0.0 differ, nan equals nan)."""

    __slots__ = ()


class TensorConstant(_tensor_py_operators, Constant):
    """A tensor whose value is known when the graph is built."""

    _LONG: ClassVar[int] = 1024  # bytes from which on a digest stands for the data

    def signature(self) -> TensorConstantSignature:
        found: TensorConstantSignature | None = self.__dict__.get("_signature")
        if found is None:
            data = np.asarray(self.data)
            content = data.tobytes()
            if len(content) > self._LONG:
                content = hashlib.sha256(content).digest()
            found = TensorConstantSignature((data.dtype.str, self.type.shape, data.shape, content))
            self._signature = found
        return found

    merge_signature = signature

    def __str__(self) -> str:
        if self.name is not None:
            return self.name
        text = _summary(np.asarray(self.data))
        return f"TensorConstant{{{text if len(text) <= 20 else f'{text[:10]}..{text[-10:]}'}}}"


def _summary(data: np.ndarray[Any, Any]) -> str:
    """`(2, 3) of 1.0` where all elements are the same, else numpy's text."""
    if data.ndim and data.size and bool((data == data.flat[0]).all()):
        return f"{data.shape} of {data.flat[0]}"
    return str(data)


TensorType.variable_class = TensorVariable
TensorType.constant_class = TensorConstant
TensorType.Variable = TensorVariable  # type: ignore[attr-defined]
TensorType.Constant = TensorConstant  # type: ignore[attr-defined]
