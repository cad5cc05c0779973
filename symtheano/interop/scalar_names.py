"""The names of theano.scalar: types, a function for each row of the scalar table, and the class Theano has for it.

Scalars are 0-d tensors here: `float64` is the type of those, `exp` is the row, which may be called on variables of any
number of dimensions, and `isinstance(op.scalar_op, Exp)` asks for that row.
"""

from __future__ import annotations

from typing import Any

from symtheano.scalar import TABLE
from symtheano.scalar import ScalarOp as Row
from symtheano.scalar.dtypes import ALL_DTYPES, COMPLEX, DISCRETE, FLOAT, INT, UINT, upcast
from symtheano.scalar.op import cast as cast_row
from symtheano.tensor.author_scalar import get_scalar_type
from symtheano.tensor.convert import as_tensor_variable

# Classes whose names are not those of their rows in capitals.
_CLASSES = {
    "AND": "and_", "Abs": "abs_", "ArcCos": "arccos", "ArcCosh": "arccosh", "ArcSin": "arcsin", "ArcSinh": "arcsinh",
    "ArcTan": "arctan", "ArcTan2": "arctan2", "ArcTanh": "arctanh", "Chi2SF": "chi2sf",
    "ComplexFromPolar": "complex_from_polar", "EQ": "eq", "GE": "ge", "GT": "gt", "GammaInc": "gammainc",
    "GammaIncC": "gammaincc", "GammaL": "gammal", "GammaLn": "gammaln", "GammaU": "gammau", "IntDiv": "int_div",
    "IsInf": "isinf", "IsNan": "isnan", "LE": "le", "LT": "lt", "NEQ": "neq", "OR": "or_",
    "RoundHalfAwayFromZero": "round_half_away_from_zero", "RoundHalfToEven": "round_half_to_even",
    "TriGamma": "tri_gamma", "TrueDiv": "true_div", "XOR": "xor", "XlogX": "xlogx", "XlogY0": "xlogy0",
}  # fmt: skip
_CAPITAL = (
    "add sub mul neg inv pow mod sqr sqrt sgn maximum minimum clip floor ceil trunc real imag angle conj complex exp "
    "exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh deg2rad rad2deg identity second switch invert erf erfc "
    "erfcx erfinv erfcinv gamma psi i0 i1 iv j0 j1 jv"
).split()


class RowClass(type):
    """The class of a row: an instance is that row."""

    row: Row

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Row) and instance.name == cls.row.name

    def __call__(cls, *args: Any, **kwargs: Any) -> Row:
        return cls.row


class CastClass(type):
    """The class of the rows that convert: an instance is one of these."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, Row) and bool(instance.params)

    def __call__(cls, o_type: Any, name: str | None = None) -> Row:
        return cast_row(o_type.dtype)


def cast(x: Any, dtype: str) -> Any:
    """`x` as a variable of `dtype` ("floatX" too)."""
    kind = get_scalar_type(dtype)
    return cast_row(kind.dtype)(x)


def as_common_dtype(*vars: Any) -> tuple[Any, ...]:
    """The variables in the smallest dtype that holds all of theirs."""
    variables: list[Any] = [as_tensor_variable(v) for v in vars]
    dtype = upcast(*(v.type.dtype for v in variables))
    return tuple(v if v.type.dtype == dtype else cast_row(dtype)(v) for v in variables)


def _types(dtypes: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(get_scalar_type(d) for d in dtypes)


def _names() -> dict[str, Any]:
    names: dict[str, Any] = dict(TABLE)
    names["floor_div"] = TABLE["int_div"]
    names |= {f"convert_to_{d}": cast_row(d) for d in ALL_DTYPES}
    classes = {**_CLASSES, **{name.capitalize(): name for name in _CAPITAL}}
    names |= {new: RowClass(new, (), {"row": TABLE[old]}) for new, old in classes.items()}
    names["Cast"] = CastClass("Cast", (), {})
    names |= {d: get_scalar_type(d) for d in ALL_DTYPES}
    names |= {
        "int_types": _types(INT), "uint_types": _types(UINT), "float_types": _types(FLOAT),
        "complex_types": _types(COMPLEX), "discrete_types": _types(DISCRETE),
        "continuous_types": _types((*FLOAT, *COMPLEX)), "all_types": _types(ALL_DTYPES),
    }  # fmt: skip
    return names


NAMES = _names()


def __getattr__(name: str) -> Any:  # names such as `bool` and `complex` must not hide Python's in this file
    if name in NAMES:
        return NAMES[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["as_common_dtype", "cast", *NAMES]
