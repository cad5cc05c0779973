"""TensorVariable: the operators and methods of tensors. Defined last, since its operators call everything else."""
from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, ClassVar

import numpy as np

from symtheano.errors import AsTensorError, explain
from symtheano.graph.variable import Constant, Variable
from symtheano.tensor.elemwise import DimShuffle, functions
from symtheano.tensor.type import TensorType


class _Later:  # removed when the modules exist
    def __init__(self, name: str):
        self.name = name

    def __getattr__(self, attr: str) -> Any:
        return getattr(import_module("symtheano.tensor." + self.name), attr)


allocation = _Later("alloc")
indexing = _Later("index")
joins = _Later("join")
maths = _Later("math")
products = _Later("dot")
reductions = _Later("reduce")
shapes = _Later("shape")


def _operator(function: Callable[[Any, Any], Any], reflected: bool = False) -> Any:
    """A binary operator; what cannot become a tensor is left to the other operand."""

    def apply(self: Any, other: Any) -> Any:
        try:
            return function(other, self) if reflected else function(self, other)
        except (AsTensorError, NotImplementedError):
            return NotImplemented

    return apply


def _comparison(function: Callable[[Any, Any], Any]) -> Any:
    """An elementwise comparison, whose result refuses to be a truth value: `a < b < c` means something else."""

    def compare(self: Any, other: Any) -> Any:
        result = function(self, other)
        result._is_nonzero = False
        return result

    return compare


def _method(function: Callable[[Any], Any], doc: str = "") -> Any:
    """A method without arguments."""

    def method(self: Any) -> Any:
        return function(self)

    method.__doc__ = doc
    return method


class _tensor_py_operators:
    """What tensors can do: Python's operators and numpy's methods, each building a node of the graph.

    `==` and `!=` compare identity and variables are hashable; the elementwise tests are `eq` and `neq`.
    """

    __array_priority__ = 1000
    __hash__ = object.__hash__
    _is_nonzero: bool = True
    type: Any
    name: str | None

    # -- Python's operators --------------------------------------------------------------------------------------
    __add__ = _operator(functions.add)
    __radd__ = _operator(functions.add, reflected=True)
    __sub__ = _operator(functions.sub)
    __rsub__ = _operator(functions.sub, reflected=True)
    __mul__ = _operator(functions.mul)
    __rmul__ = _operator(functions.mul, reflected=True)
    __truediv__ = _operator(functions.true_div)
    __rtruediv__ = _operator(functions.true_div, reflected=True)
    __div__, __rdiv__ = __truediv__, __rtruediv__
    __floordiv__ = _operator(functions.int_div)
    __rfloordiv__ = _operator(functions.int_div, reflected=True)
    __mod__ = _operator(functions.mod)
    __rmod__ = _operator(functions.mod, reflected=True)
    __pow__ = _operator(functions.pow)
    __rpow__ = _operator(functions.pow, reflected=True)
    __and__ = _operator(functions.and_)
    __rand__ = _operator(functions.and_, reflected=True)
    __or__ = _operator(functions.or_)
    __ror__ = _operator(functions.or_, reflected=True)
    __xor__ = _operator(functions.xor)
    __rxor__ = _operator(functions.xor, reflected=True)
    __lt__ = _comparison(functions.lt)
    __le__ = _comparison(functions.le)
    __gt__ = _comparison(functions.gt)
    __ge__ = _comparison(functions.ge)
    __matmul__ = _operator(lambda x, y: products.matmul(x, y))
    __rmatmul__ = _operator(lambda x, y: products.matmul(x, y), reflected=True)
    __neg__ = _method(functions.neg)
    __abs__ = _method(functions.abs_)
    __invert__ = _method(functions.invert)
    __ceil__ = _method(functions.ceil)
    __floor__ = _method(functions.floor)
    __trunc__ = _method(functions.trunc)

    def __pos__(self) -> Any:
        return self

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __round__(self, ndigits: int | None = None) -> Any:
        if ndigits:
            raise TypeError(f"round(x, {ndigits}): a tensor is rounded to whole numbers only; scale it yourself")
        return self.round()

    def __bool__(self) -> bool:
        if self._is_nonzero:
            return True
        raise TypeError(
            explain(
                "Variables do not support boolean operations.",
                expression=str(self),
                remedy="a comparison of tensors is an expression, without a value yet: use T.switch instead of if, "
                "T.and_/T.or_ or &/| instead of and/or, and (a < b) & (b < c) instead of a < b < c",
            )
        )

    __nonzero__ = __bool__

    def __len__(self) -> int:
        raise TypeError("object of type 'TensorVariable' has no len(). Use x.shape[0], the symbolic length.")

    def __contains__(self, item: Any) -> bool:
        raise TypeError("`in` is not defined on a tensor: its values are not known yet. Use T.any(T.eq(x, item)).")

    def __iter__(self) -> Iterator[Any]:
        length = self.type.shape[0] if self.type.ndim else None
        if length is None:
            raise TypeError(
                explain(
                    "TensorType does not support iteration.",
                    operands=[f"{self}: {self.type}"],
                    remedy="only tensors whose length is known when the graph is built can be iterated over. Use "
                    "theano.scan for loops; and theano.tensor.sum or max in place of Python's sum and max",
                )
            )
        return iter([self[i] for i in range(length)])

    def __getitem__(self, args: Any) -> Any:
        return indexing.index(self, args)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(
            explain(
                "A TensorVariable does not support item assignment: expressions never change.",
                operands=[f"{self}: {self.type}"],
                remedy="x = T.set_subtensor(x[key], value) makes a new variable; T.inc_subtensor adds",
            )
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """`np.exp(x)` and `np.ones(3) + x` build graphs: the ufunc's name says which function is meant."""
        function = _UFUNCS.get(ufunc.__name__)
        if function is None or method != "__call__" or kwargs:
            return NotImplemented
        return function(*inputs)

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
    arccos = _method(functions.arccos)
    arccosh = _method(functions.arccosh)
    arcsin = _method(functions.arcsin)
    arcsinh = _method(functions.arcsinh)
    arctan = _method(functions.arctan)
    arctanh = _method(functions.arctanh)
    ceil = _method(functions.ceil)
    conj = _method(functions.conj)
    conjugate = _method(functions.conj)
    cos = _method(functions.cos)
    cosh = _method(functions.cosh)
    deg2rad = _method(functions.deg2rad)
    exp = _method(functions.exp)
    exp2 = _method(functions.exp2)
    expm1 = _method(functions.expm1)
    floor = _method(functions.floor)
    log = _method(functions.log)
    log10 = _method(functions.log10)
    log1p = _method(functions.log1p)
    log2 = _method(functions.log2)
    rad2deg = _method(functions.rad2deg)
    sin = _method(functions.sin)
    sinh = _method(functions.sinh)
    sqrt = _method(functions.sqrt)
    tan = _method(functions.tan)
    tanh = _method(functions.tanh)
    trunc = _method(functions.trunc)

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

    def norm(self, L: float, axis: Any = None, keepdims: bool = False) -> Any:
        """The L-norm: `(|x|**L).sum(axis) ** (1/L)`; L = inf: the greatest |x|; L = 0: the number of nonzeros."""
        if L == 0:
            return functions.neq(self, 0).sum(axis=axis, keepdims=keepdims)
        if np.isinf(L):
            magnitude = functions.abs_(self)
            return magnitude.max(axis=axis, keepdims=keepdims) if L > 0 else magnitude.min(axis=axis, keepdims=keepdims)
        total = functions.pow(functions.abs_(self), L).sum(axis=axis, keepdims=keepdims)
        return functions.pow(total, 1.0 / L)

    # -- products ------------------------------------------------------------------------------------------------
    def dot(self, other: Any) -> Any:
        """The matrix product, as in numpy."""
        return products.dot(self, other)

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

    def squeeze(self, *axis: Any) -> Any:
        """Without its broadcastable axes."""
        return shapes.squeeze(self, *axis)

    def repeat(self, repeats: Any, axis: int | None = None) -> Any:
        """Each element repeated, along `axis` (None: of the flattened tensor)."""
        return joins.repeat(self, repeats, axis)

    # -- diagonals -----------------------------------------------------------------------------------------------
    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """The diagonal of two axes, as the last axis."""
        return allocation.diagonal(self, offset, axis1, axis2)

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        """The sum of the diagonal of two axes."""
        return self.diagonal(offset, axis1, axis2).sum(axis=-1)

    # -- selection -----------------------------------------------------------------------------------------------
    def take(self, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
        """The elements at `indices` along `axis` (None: of the flattened tensor)."""
        return indexing.take(self, indices, axis, mode)

    def nonzero(self, return_matrix: bool = False) -> Any:
        """The positions of the nonzero elements: an index vector for each axis."""
        return indexing.nonzero(self, return_matrix=return_matrix)

    def nonzero_values(self) -> Any:
        """The nonzero elements as a vector."""
        return indexing.nonzero_values(self)


_UFUNCS: dict[str, Callable[..., Any]] = {
    name: getattr(functions, row)
    for name, row in {
        "absolute": "abs_",
        "add": "add",
        "arctan2": "arctan2",
        "bitwise_and": "and_",
        "bitwise_or": "or_",
        "bitwise_xor": "xor",
        "conjugate": "conj",
        "divide": "true_div",
        "fabs": "abs_",
        "floor_divide": "int_div",
        "float_power": "pow",
        "invert": "invert",
        "isinf": "isinf",
        "isnan": "isnan",
        "logaddexp": "logaddexp",
        "maximum": "maximum",
        "minimum": "minimum",
        "multiply": "mul",
        "negative": "neg",
        "power": "pow",
        "reciprocal": "inv",
        "remainder": "mod",
        "rint": "round_half_to_even",
        "sign": "sgn",
        "square": "sqr",
        "subtract": "sub",
        **{
            same: same
            for same in (
                "arccos arccosh arcsin arcsinh arctan arctanh ceil cos cosh deg2rad exp exp2 expm1 floor log log10 "
                "log1p log2 rad2deg sin sinh sqrt tan tanh trunc"
            ).split()
        },
    }.items()
}
_UFUNCS.update(
    divmod=lambda x, y: (functions.int_div(x, y), functions.mod(x, y)),
    equal=operator.is_,  # `array == x` asks for identity, as `x == array` does
    not_equal=operator.is_not,
    less=_comparison(functions.lt),
    less_equal=_comparison(functions.le),
    greater=_comparison(functions.gt),
    greater_equal=_comparison(functions.ge),
    matmul=lambda x, y: products.matmul(x, y),
    positive=lambda x: x,
)


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
