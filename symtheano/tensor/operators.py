"""Python's operators and numpy's ufuncs on tensors, each building a node of the graph."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import symtheano.tensor.index as indexing
import symtheano.tensor.math as maths
from symtheano.errors import AsTensorError, explain
from symtheano.graph.text import expression
from symtheano.tensor.dot import matmul
from symtheano.tensor.elemwise import functions
from symtheano.tensor.sizes import get_vector_length


def _operator(function: Callable[[Any, Any], Any], reflected: bool = False) -> Any:
    """A binary operator; what cannot become a tensor is left to the other operand."""

    def apply(self: Any, other: Any) -> Any:
        try:
            return function(other, self) if reflected else function(self, other)
        except AsTensorError:
            return NotImplemented

    return apply


def _comparison(function: Callable[[Any, Any], Any]) -> Any:
    """An elementwise comparison, whose result refuses to be a truth value: `a < b < c` means something else."""

    def compare(self: Any, other: Any) -> Any:
        result = function(self, other)
        result._is_nonzero = False
        return result

    return compare


def method(function: Callable[[Any], Any]) -> Any:
    """A method without arguments."""

    def apply(self: Any) -> Any:
        return function(self)

    apply.__doc__ = (function.__doc__ or "").partition(">>>")[0].rstrip()  # the example calls the function by its name
    return apply


class Operators:
    """The operators of tensors. Mixed into variables, which have a `type`.

    `==` and `!=` compare identity and variables are hashable; the elementwise tests are `eq` and `neq`.
    """

    __array_priority__ = 1000
    _is_nonzero: bool = True
    type: Any

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
    __matmul__ = _operator(matmul)
    __rmatmul__ = _operator(matmul, reflected=True)
    __neg__ = method(functions.neg)
    __abs__ = method(functions.abs_)
    __invert__ = method(functions.invert)
    __ceil__ = method(functions.ceil)
    __floor__ = method(functions.floor)
    __trunc__ = method(functions.trunc)

    def __pos__(self) -> Any:
        return self

    def __divmod__(self, other: Any) -> Any:
        return maths.divmod(self, other)

    def __rdivmod__(self, other: Any) -> Any:
        return maths.divmod(other, self)

    def __round__(self, ndigits: int | None = None) -> Any:
        if ndigits:
            raise TypeError(f"round(x, {ndigits}): a tensor is rounded to whole numbers; scale it before and after")
        return maths.round(self)

    def __bool__(self) -> bool:
        if self._is_nonzero:
            return True
        raise TypeError(
            explain(
                "Variables do not support boolean operations.",
                expression=expression(self),  # type: ignore[arg-type]
                remedy="a comparison of tensors is an expression, without a value yet: use T.switch instead of if, "
                "T.and_/T.or_ or &/| instead of and/or, and (a < b) & (b < c) instead of a < b < c",
            )
        )

    __nonzero__ = __bool__

    def __len__(self) -> int:
        raise TypeError(
            explain(
                "object of type 'TensorVariable' has no len().",
                operands=[f"{self}: {self.type}"],
                remedy="use x.shape[0], the symbolic length; the length itself is known when a function runs",
            )
        )

    def __float__(self) -> float:
        raise TypeError(self._no_number("float"))

    def __int__(self) -> int:
        raise TypeError(self._no_number("int"))

    def __complex__(self) -> complex:
        raise TypeError(self._no_number("complex"))

    def _no_number(self, kind: str) -> str:
        return explain(
            f"{kind}() needs a number, and a {type(self).__name__} has no value yet.",
            operands=[f"{self}: {self.type}"],
            expression=expression(self),  # type: ignore[arg-type]
            remedy=f"x.eval({{input: value}}) computes it; in an expression use T.cast(x, '{kind}64')",
        )

    def __contains__(self, item: Any) -> bool:
        raise TypeError("`in` is not defined on a tensor: its values are not known yet. Use T.any(T.eq(x, item)).")

    def __iter__(self) -> Iterator[Any]:
        length = self.type.shape[0] if self.type.ndim > 1 else None
        try:
            return iter([self[i] for i in range(get_vector_length(self) if length is None else length)])
        except (TypeError, ValueError) as error:
            raise TypeError(
                explain(
                    "TensorType does not support iteration.",
                    operands=[f"{self}: {self.type}"],
                    remedy="only tensors whose length is known when the graph is built can be iterated over. Use "
                    "theano.scan for loops; and theano.tensor.sum or max in place of Python's sum and max",
                )
            ) from error

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


_RENAMED = {
    "absolute": "abs_",
    "bitwise_and": "and_",
    "bitwise_or": "or_",
    "bitwise_xor": "xor",
    "conjugate": "conj",
    "degrees": "rad2deg",
    "divide": "true_div",
    "expit": "sigmoid",
    "fabs": "abs_",
    "floor_divide": "int_div",
    "multiply": "mul",
    "negative": "neg",
    "power": "pow",
    "radians": "deg2rad",
    "reciprocal": "inv",
    "remainder": "mod",
    "rint": "round_half_to_even",
    "sign": "sgn",
    "square": "sqr",
    "subtract": "sub",
}
_SAME_NAME = """
    add arccos arccosh arcsin arcsinh arctan arctan2 arctanh ceil cos cosh deg2rad erf erfc erfcinv erfcx erfinv exp
    exp2 expm1 floor gamma gammainc gammaincc gammaln i0 i1 invert isinf isnan iv j0 j1 jv log log10 log1p log2
    logaddexp maximum minimum psi rad2deg sin sinh sqrt tan tanh trunc
""".split()

# The ufuncs of numpy (and scipy.special) by name.
_UFUNCS: dict[str, Callable[..., Any]] = {
    **{name: getattr(functions, row) for name, row in _RENAMED.items()},
    **{name: getattr(functions, name) for name in _SAME_NAME},
    "divmod": maths.divmod,
    "equal": operator.is_,  # `array == x` asks for identity, as `x == array` does
    "greater": _comparison(functions.gt),
    "greater_equal": _comparison(functions.ge),
    "isfinite": maths.isfinite,
    "less": _comparison(functions.lt),
    "less_equal": _comparison(functions.le),
    "matmul": matmul,
    "not_equal": operator.is_not,
    "positive": operator.pos,
}
