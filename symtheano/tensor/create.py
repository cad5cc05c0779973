"""Constructors of input variables: scalar ... tensor7, typed ones (fmatrix, lvector, ...), several at once (vectors).

The typed names are `TensorType`s, callable with a name: prefix b, w, i, l, f, d, c, z (int8 ... complex128) and kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from symtheano.config import config
from symtheano.scalar.dtypes import ALL_DTYPES, COMPLEX, DISCRETE, FLOAT, INT, UINT
from symtheano.tensor.type import TensorType

PATTERNS: dict[str, tuple[bool, ...]] = {
    "scalar": (),
    "vector": (False,),
    "row": (True, False),
    "col": (False, True),
    "matrix": (False, False),
    **{f"tensor{n}": (False,) * n for n in range(3, 8)},
}
PREFIXES = {
    "b": "int8",
    "w": "int16",
    "i": "int32",
    "l": "int64",
    "f": "float32",
    "d": "float64",
    "c": "complex64",
    "z": "complex128",
}

float_dtypes, complex_dtypes = list(FLOAT), list(COMPLEX)
int_dtypes, uint_dtypes = list(INT), list(UINT)
integer_dtypes = [*INT, *UINT]
discrete_dtypes, continuous_dtypes, all_dtypes = list(DISCRETE), [*FLOAT, *COMPLEX], list(ALL_DTYPES)


def tensor(*args: Any, **kwargs: Any) -> Any:
    """A variable of a given type: `tensor(dtype, broadcastable, name=None)`.

    dtype: a dtype's name; broadcastable: one truth value for each axis (or shape=). Raises TypeError for an unknown
    dtype.

    >>> tensor("float32", (True, False, False), name="t").type
    TensorType(float32, (True, False, False))
    """
    name = kwargs.pop("name", None)
    return TensorType(*args, **kwargs)(name=name)


def _floatX_constructor(kind: str) -> Callable[..., Any]:
    pattern = PATTERNS[kind]

    def make(name: str | None = None, dtype: str | None = None) -> Any:
        return TensorType(config.floatX if dtype is None else dtype, pattern)(name)

    make.__name__ = make.__qualname__ = kind
    make.__doc__ = (
        f"A new {kind} of `dtype` (None: config.floatX as it is at the call), broadcastable {pattern}.\n\n"
        f"Raises TypeError for an unknown dtype.\n\n"
        f">>> {kind}('x', dtype='int8').type\n{TensorType('int8', pattern)!r}\n"
    )
    return make


def _plural(make: Callable[..., Any], kind: str) -> Callable[..., Any]:
    def several(*names: Any, **kwargs: Any) -> Any:
        if len(names) == 1:
            (only,) = names
            names = (None,) * only if isinstance(only, int) else tuple(only)  # "xy" names x and y, as in Theano
        made = [make(name=name, **kwargs) for name in names]
        return made[0] if len(made) == 1 else made

    several.__name__ = several.__qualname__ = kind
    several.__doc__ = (
        f"Several variables: {kind}('a', 'b') by names, {kind}(2) by number. A list; for one name or 1 the variable."
        "\n\n"
        f">>> {kind}('a', 'b')\n[a, b]\n"
    )
    return several


def _plural_of(kind: str) -> str:
    return "matrices" if kind == "matrix" else f"{kind}s"


scalar, vector, row, col, matrix = map(_floatX_constructor, ("scalar", "vector", "row", "col", "matrix"))
tensor3, tensor4, tensor5, tensor6, tensor7 = (_floatX_constructor(f"tensor{n}") for n in range(3, 8))

TYPED = {f"{p}{kind}": TensorType(dtype, b) for p, dtype in PREFIXES.items() for kind, b in PATTERNS.items()}
PLURALS = {
    p + _plural_of(kind): _plural(TYPED[p + kind] if p else globals()[kind], p + _plural_of(kind))
    for p in ("", "i", "l", "f", "d")
    for kind in PATTERNS
}


def _family(prefixes: str, kind: str) -> tuple[TensorType, ...]:
    return tuple(TYPED[p + kind] for p in prefixes)


int_scalar_types = int_types = _family("bwil", "scalar")
float_scalar_types = float_types = _family("fd", "scalar")
complex_scalar_types = complex_types = _family("cz", "scalar")
int_vector_types, float_vector_types, complex_vector_types = (_family(p, "vector") for p in ("bwil", "fd", "cz"))
int_matrix_types, float_matrix_types, complex_matrix_types = (_family(p, "matrix") for p in ("bwil", "fd", "cz"))

globals().update(TYPED, **PLURALS)

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...


_KINDS = ("", "_scalar", "_vector", "_matrix")
__all__ = [
    *("tensor", *PATTERNS, *TYPED, *PLURALS),
    *(f"{kind}_dtypes" for kind in ("float", "complex", "int", "uint", "integer", "discrete", "continuous", "all")),
    *(f"{dtype}{kind}_types" for dtype in ("int", "float", "complex") for kind in _KINDS),
]
