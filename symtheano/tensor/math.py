"""The elementwise functions of `theano.tensor`: one for each row of the scalar table, and those composed of them.

The type rule of each (broadcasting, the dtype of the result) and its gradient are the row's, see `symtheano.scalar`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from symtheano.config import config
from symtheano.errors import explain
from symtheano.scalar import cast as cast_row
from symtheano.scalar.dtypes import ALL_DTYPES, is_complex, is_discrete
from symtheano.tensor.convert import as_tensor_variable
from symtheano.tensor.elemwise import Elemwise, functions

__all__ = [
    "abs_",
    "add",
    "allclose",
    "and_",
    "angle",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "cast",
    "ceil",
    "ceil_intdiv",
    "chi2sf",
    "clip",
    "complex",
    "complex_from_polar",
    "conj",
    "cos",
    "cosh",
    "deg2rad",
    "divmod",
    "eq",
    "erf",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfinv",
    "exp",
    "exp2",
    "expm1",
    "fill",
    "floor",
    "floor_div",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammal",
    "gammaln",
    "gammau",
    "ge",
    "gt",
    "i0",
    "i1",
    "identity",
    "imag",
    "int_div",
    "inv",
    "invert",
    "iround",
    "isclose",
    "isfinite",
    "isinf",
    "isinf_",
    "isnan",
    "isnan_",
    "iv",
    "j0",
    "j1",
    "jv",
    "largest",
    "le",
    "log",
    "log1mexp",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "lt",
    "maximum",
    "minimum",
    "mod",
    "mul",
    "neg",
    "neq",
    "or_",
    "pow",
    "power",
    "psi",
    "rad2deg",
    "real",
    "reciprocal",
    "round",
    "round_half_away_from_zero",
    "round_half_to_even",
    "second",
    "sgn",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "smallest",
    "softplus",
    "sqr",
    "sqrt",
    "square",
    "sub",
    "switch",
    "tan",
    "tanh",
    "tensor_copy",
    "tri_gamma",
    "true_div",
    "trunc",
    "where",
    "xlogx",
    "xlogy0",
    "xor",
    "zeta",
]

# ----- Arithmetic -----

add = functions.add
mul = functions.mul
sub = functions.sub
true_div = functions.true_div
int_div = floor_div = functions.int_div
mod = functions.mod
pow = power = functions.pow
neg = functions.neg
inv = reciprocal = functions.inv
sqr = square = functions.sqr
sqrt = functions.sqrt
abs_ = functions.abs_
sgn = sign = functions.sgn
maximum = functions.maximum
minimum = functions.minimum
clip = functions.clip

# ----- Rounding -----

floor = functions.floor
ceil = functions.ceil
trunc = functions.trunc
round_half_to_even = functions.round_half_to_even
round_half_away_from_zero = functions.round_half_away_from_zero

# ----- Complex numbers -----

real = functions.real
imag = functions.imag
angle = functions.angle
conj = functions.conj
complex = functions.complex
complex_from_polar = functions.complex_from_polar

# ----- Exponentials and logarithms -----

exp = functions.exp
exp2 = functions.exp2
expm1 = functions.expm1
log = functions.log
log2 = functions.log2
log10 = functions.log10
log1p = functions.log1p
log1mexp = functions.log1mexp
logaddexp = functions.logaddexp
sigmoid = functions.sigmoid
softplus = functions.softplus

# ----- Trigonometry -----

sin = functions.sin
cos = functions.cos
tan = functions.tan
arcsin = functions.arcsin
arccos = functions.arccos
arctan = functions.arctan
arctan2 = functions.arctan2
sinh = functions.sinh
cosh = functions.cosh
tanh = functions.tanh
arcsinh = functions.arcsinh
arccosh = functions.arccosh
arctanh = functions.arctanh
deg2rad = functions.deg2rad
rad2deg = functions.rad2deg

# ----- Special functions -----

erf = functions.erf
erfc = functions.erfc
erfcx = functions.erfcx
erfinv = functions.erfinv
erfcinv = functions.erfcinv
gamma = functions.gamma
gammaln = functions.gammaln
psi = functions.psi
tri_gamma = functions.tri_gamma
zeta = functions.zeta
gammainc = functions.gammainc
gammaincc = functions.gammaincc
gammal = functions.gammal
gammau = functions.gammau
chi2sf = functions.chi2sf
j0 = functions.j0
j1 = functions.j1
jv = functions.jv
i0 = functions.i0
i1 = functions.i1
iv = functions.iv
xlogx = functions.xlogx
xlogy0 = functions.xlogy0

# ----- Comparisons, bits, selection -----

eq = functions.eq
neq = functions.neq
lt = functions.lt
le = functions.le
gt = functions.gt
ge = functions.ge
isnan = isnan_ = functions.isnan
isinf = isinf_ = functions.isinf
and_ = bitwise_and = functions.and_
or_ = bitwise_or = functions.or_
xor = bitwise_xor = functions.xor
invert = bitwise_not = functions.invert
switch = where = functions.switch
second = fill = functions.second
tensor_copy = identity = functions.identity


def _document(function: Elemwise) -> None:
    """Gives an elementwise function the name of its row, and a docstring made of what the row says."""
    row = function.scalar_op
    operands = {1: "an array or number", None: "arrays or numbers", 2: "two arrays or numbers"}
    takes = operands.get(row.arity, f"{row.arity} arrays or numbers")
    kind = "bool or integer" if row.integer else "real or complex" if row.complex else "real"
    together = ", broadcast together where their types say so" if row.arity != 1 else ""
    what = row.doc if row.doc.endswith(".") else f"{row.doc}."
    dtype, operand = ("int64", "[1, 2]") if row.integer else ("float64", "[1.0, 2.0]")
    count = row.arity or 2
    function.__doc__ = (
        f"Elementwise: {what}\n\nTakes {takes} ({kind}){together}. Raises TypeError for other dtypes.\n\n"
        f">>> {row.name}({', '.join([operand] * count)}).dtype\n{row.out((dtype,) * count, config.floatX)!r}\n"
    )
    function.__name__ = row.name  # type: ignore[attr-defined]


for _value in list(globals().values()):
    if isinstance(_value, Elemwise):
        _document(_value)


# ----- Conversions -----


def cast(x: Any, dtype: str) -> Any:
    """`x` converted to `dtype`, as numpy's astype does; `x` itself where it is of that dtype.

    dtype: the name of a dtype; "floatX" is config.floatX. The gradient of a cast to a float dtype is 1, to an integer
    dtype 0. Raises TypeError for complex to real: take real(x), imag(x), abs(x) or angle(x).

    >>> cast(1.5, "int8").type
    TensorType(int8, scalar)
    """
    variable: Any = as_tensor_variable(x)
    try:
        wanted = config.floatX if dtype == "floatX" else np.dtype(dtype).name
    except TypeError:
        wanted = ""
    if wanted not in ALL_DTYPES:
        raise TypeError(
            explain(
                f"cast: unknown dtype {dtype!r}",
                operands=[f"{variable}: {variable.type}"],
                remedy=f"the dtypes are {', '.join(ALL_DTYPES)}",
            )
        )
    if variable.type.dtype == wanted:
        return variable
    if is_complex(variable.type.dtype) and not is_complex(wanted):
        raise TypeError(
            explain(
                f"Casting from complex to real is ambiguous: cast of {variable} to {wanted}.",
                operands=[f"{variable}: {variable.type}"],
                remedy="consider real(), imag(), angle() or abs()",
            )
        )
    return Elemwise(cast_row(wanted))(variable)


def round(a: Any, mode: str | None = None) -> Any:
    """The nearest whole number, of the dtype of `a`.

    mode: "half_to_even" (the default, as numpy's) or "half_away_from_zero" (as C's). Raises TypeError for integers,
    which are round already, and ValueError for another mode. The gradient is zero.

    >>> round(as_tensor_variable(2.5)).type
    TensorType(float32, scalar)
    """
    if mode is None or mode == "half_to_even":
        return round_half_to_even(a)
    if mode == "half_away_from_zero":
        return round_half_away_from_zero(a)
    raise ValueError(explain(f"round: unknown mode {mode!r}", remedy="use 'half_to_even' or 'half_away_from_zero'"))


def iround(a: Any, mode: str | None = None) -> Any:
    """`round(a, mode)` as int64.

    >>> iround([0.6, 2.5]).eval()
    array([1, 2])
    """
    return cast(round(a, mode), "int64")


# ----- Integers -----


def divmod(x: Any, y: Any) -> tuple[Any, Any]:
    """The pair (x // y, x % y).

    >>> [v.eval() for v in divmod([7, -7], 3)]
    [array([ 2, -3]), array([1, 2])]
    """
    return int_div(x, y), mod(x, y)


def ceil_intdiv(a: Any, b: Any) -> Any:
    """The quotient of integers rounded up, without going through floats.

    a, b: integers of any shapes that broadcast together.

    >>> ceil_intdiv([6, 7], 3).eval()
    array([2, 3])
    """
    quotient = int_div(a, b)
    return cast(neq(mod(a, b), 0), quotient.type.dtype) + quotient  # uint8 stays uint8


# ----- Closeness -----


def isfinite(a: Any) -> Any:
    """Whether each element is neither nan nor infinite.

    a: an array of any shape and dtype; the result is bool.

    >>> isfinite([1.0, np.nan, np.inf]).eval()
    array([ True, False, False])
    """
    return invert(or_(isnan(a), isinf(a)))


def isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether |a - b| <= atol + rtol * |b|, elementwise, as numpy.isclose: bool.

    Infinities are close to themselves only; nan is close to nothing, or to nan with `equal_nan`.

    >>> isclose([1.0, np.inf], [1.1, np.inf]).eval()
    array([False,  True])
    """
    a, b = (_as_number(v) for v in (a, b))
    within = le(abs_(a - b), atol + rtol * abs_(b))
    close = switch(and_(isfinite(a), isfinite(b)), within, eq(a, b))
    return or_(close, and_(isnan(a), isnan(b))) if equal_nan else close


def allclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether all elements are close, see `isclose`: a bool scalar.

    >>> allclose([1.0, 2.0], [1.0, 2.0 + 1e-9]).eval()
    array(True)
    """
    return isclose(a, b, rtol, atol, equal_nan).all()


def _as_number(x: Any) -> Any:
    """`x` where subtraction cannot wrap around: bools and integers as float64."""
    variable: Any = as_tensor_variable(x)
    return cast(variable, "float64") if is_discrete(variable.type.dtype) else variable


# ----- Of several variables -----


def largest(*args: Any) -> Any:
    """The elementwise maximum of all arguments.

    Arrays that broadcast together; TypeError for none.

    >>> largest([1, 5], [4, 2], 3).eval()
    array([4, 5])
    """
    return _fold(maximum, args)


def smallest(*args: Any) -> Any:
    """The elementwise minimum of all arguments.

    Arrays that broadcast together; TypeError for none.

    >>> smallest([1, 5], [4, 2], 3).eval()
    array([1, 2])
    """
    return _fold(minimum, args)


def _fold(function: Any, args: tuple[Any, ...]) -> Any:
    if not args:
        raise TypeError(f"{function.scalar_op.name} needs at least one argument")
    result = as_tensor_variable(args[0])
    for arg in args[1:]:
        result = function(result, arg)
    return result
