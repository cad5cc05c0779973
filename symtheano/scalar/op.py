"""ScalarOp: one row of the table of scalar functions, and the functions that give a row its output dtype.

A row is data. Everything that needs a scalar function reads it from the row: T's function, the numpy, cupy, LLVM and
CUDA text, the gradient and the Rop, sympy and mpmath, the algebraic rules, and the tests.

    op("tanh", partials=lambda m, x, z: (1 - z * z,), range=(-1.0, 1.0), monotone=+1, parity=-1, numpy="tanh")

`value`, `partials`, `adjoint` and `tangent` are polymorphic: `m` is a namespace with one function for each row
(tensors, scalar expressions, numpy, sympy, mpmath), and the operands support Python's arithmetic operators.
Comparisons must be spelled `m.lt(x, y)`: `==` and `<` mean other things for most operands.

A namespace may offer `m.literal(value, like)`, see `number`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

from symtheano.errors import ComplexError
from symtheano.scalar.dtypes import (
    ALL_DTYPES,
    COMPLEX,
    DISCRETE,
    FLOAT,
    complex_of,
    is_complex,
    is_discrete,
    is_float,
    real_of,
    upcast,
    upgrade_to_float,
)

Dtypes = tuple[str, ...]
Rule = Callable[[Dtypes, str], str]
Oracle = str | Callable[..., Any] | None

INF = float("inf")
_SAME_NAME = "="  # the sympy or mpmath function has the row's own name


# ----- The row -----


@dataclass(frozen=True, eq=False, repr=False)
class ScalarOp:
    """A scalar function. Exactly one of `numpy`, `special`, `value` says what it computes (a cast has `params`)."""

    name: str
    arity: int | None  # None: any number of operands, at least one
    out: Rule  # (input dtypes, floatX) -> output dtype; raises TypeError
    doc: str = ""
    # Meaning.
    numpy: str | None = None  # the function in numpy and cupy
    special: str | None = None  # the function in scipy.special and cupyx.scipy.special
    value: Callable[..., Any] | None = None  # (m, *xs) -> expression in simpler rows
    reads: str = "out"  # the dtype the operands are converted to first, see `operands`
    # Derivative. `partials(m, *xs, z)` has one entry for each input: an expression, 0, or None where no formula is
    # known. `partials=None` is a function whose derivative is zero wherever it exists (floor, eq, sgn ...).
    partials: Callable[..., Any] | None = None
    connected: tuple[bool, ...] | None = None  # False: the output does not depend on that input's value
    # Complex operands of a holomorphic row use the partials: adjoint gz * conj(partial), tangent partial * t.
    # The other rows say both here: (m, *xs, z, gz) -> one cotangent an input; (m, *xs, z, *ts) -> tangent.
    adjoint: Callable[..., Any] | None = None
    tangent: Callable[..., Any] | None = None
    # Algebra, over the reals (or the integers where `integer`).
    commutative: bool = False
    associative: bool = False
    idempotent: bool = False  # binary: f(x, x) = x; unary: f(f(x)) = f(x)
    identity: float | None = None  # f(x, identity) = f(identity, x) = x
    absorbing: float | None = None  # f(x, absorbing) = f(absorbing, x) = absorbing, for finite x
    monotone: int = 0  # +1, -1: (weakly) monotone on its whole domain, unary rows only
    parity: int = 0  # +1: f(-x) = f(x); -1: f(-x) = -f(x)
    inverse: str | None = None  # f(g(x)) = x wherever g(x) is defined, for g the row of this name
    range: tuple[float, float] | None = None  # closed bounds of the output over the reals
    # Where to sample, and against what.
    domain: tuple[tuple[float, float], ...] = ((-2.0, 2.0),)  # the last interval serves the remaining arguments too
    integer: bool = False  # defined on bool and integers only
    complex: bool = False  # accepts complex operands
    sympy: Oracle = None  # a name in sympy, or a function of (sympy, *xs)
    mpmath: Oracle = None
    no_oracle: str = ""  # why, where one of the two is None
    params: tuple[str, ...] = ()

    applied: ClassVar[Callable[..., Any] | None] = None  # what calling a row does; installed by symtheano.tensor

    def __call__(self, *xs: Any) -> Any:
        """The function of variables, elementwise."""
        if ScalarOp.applied is None:
            raise TypeError(f"the row {self.name} is data; calling it needs variables: import symtheano")
        return ScalarOp.applied(self, *xs)

    @property
    def is_ufunc(self) -> bool:
        """Whether the array call takes `out=`; `where` does not."""
        return self.special is not None or (self.numpy is not None and self.numpy not in _NOT_UFUNCS)

    def operands(self, dtypes: Dtypes, floatX: str) -> Dtypes:
        """The dtype each operand is converted to before the function is applied.

        sqrt(int32) -> ("float64",);  lt(int8, float32) -> ("float32", "float32");  switch(bool, int8, float32) ->
        ("bool", "float32", "float32").
        """
        return _READS[self.reads](dtypes, self.out(dtypes, floatX))

    def interval(self, position: int) -> tuple[float, float]:
        """The interval to sample argument `position` from."""
        return self.domain[min(position, len(self.domain) - 1)]

    def is_connected(self, position: int) -> bool:
        """Whether the output depends on the value of argument `position`."""
        return self.connected is None or self.connected[position]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScalarOp) and self.name == other.name and self.params == other.params

    def __hash__(self) -> int:
        return hash((self.name, self.params))

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[Callable[..., ScalarOp], tuple[str, tuple[str, ...]]]:
        return restore, (self.name, self.params)


# `clip` of numpy is a Python function too, but our clip is written in switches.
_NOT_UFUNCS = frozenset({"where", "real", "imag", "angle"})

TABLE: dict[str, ScalarOp] = {}


def op(name: str, *, out: Rule, arity: int | None = 1, **fields: Any) -> ScalarOp:
    """Add the row `name` to the table. `sympy` and `mpmath` default to the function of the row's own name."""
    if name in TABLE:
        raise ValueError(f"the scalar table already has a row {name!r}")
    if sum(fields.get(key) is not None for key in ("numpy", "special", "value")) != 1:
        raise ValueError(f"row {name!r}: exactly one of numpy=, special=, value= is needed")
    for oracle in ("sympy", "mpmath"):
        if fields.setdefault(oracle, _SAME_NAME) == _SAME_NAME:
            fields[oracle] = name
    accepts_complex = bool(fields.get("complex", False))
    row = ScalarOp(name=name, arity=arity, out=DtypeRule(name, arity, accepts_complex, out), **fields)
    TABLE[name] = row
    return row


@cache
def cast(dtype: str) -> ScalarOp:
    """The row that converts to `dtype`, as numpy's astype does; its derivative is 1, or 0 if `dtype` is discrete."""
    if dtype not in ALL_DTYPES:
        raise TypeError(f"cast: unknown dtype {dtype!r}; the dtypes are {', '.join(ALL_DTYPES)}")
    return ScalarOp(
        name=f"Cast{{{dtype}}}",
        arity=1,
        out=_CastRule(dtype),
        doc=f"Convert to {dtype}.",
        reads="own",
        partials=None if is_discrete(dtype) else _one,
        idempotent=True,
        monotone=+1 if is_float(dtype) else 0,  # a cast to an integer may wrap
        complex=is_complex(dtype),
        no_oracle="a change of representation, not a function of the reals",
        params=(dtype,),
    )


def restore(name: str, params: tuple[str, ...]) -> ScalarOp:
    """Unpickle a row: rows are pickled by name, so that lambdas need not be."""
    return cast(params[0]) if params else TABLE[name]


def number(m: Any, value: float, like: Any) -> Any:
    """The constant `value` in the precision of `like`.

    A Python float that is not exact in float32 would make a float32 gradient double precision: where a namespace
    has dtypes of its own (tensors) it offers `literal(value, like)`, elsewhere Python's float is right already.
    """
    literal = getattr(m, "literal", None)
    return value if literal is None else literal(value, like)


def _one(m: Any, x: Any, z: Any) -> tuple[int]:
    return (1,)


# ----- Output dtypes -----


@dataclass(frozen=True)
class DtypeRule:
    """A row's `out`: the rule, after the checks every row shares."""

    name: str
    arity: int | None
    complex: bool
    rule: Rule

    def __call__(self, dtypes: Dtypes, floatX: str) -> str:
        """The output dtype; TypeError names the function and the dtypes."""
        if len(dtypes) != self.arity and (self.arity is not None or not dtypes):
            expected = "at least one operand" if self.arity is None else f"{self.arity} operand(s)"
            raise TypeError(f"{self.name}: takes {expected}, got {len(dtypes)}: ({', '.join(dtypes)})")
        if not self.complex and any(map(is_complex, dtypes)):
            raise ComplexError(
                f"{self.name}({', '.join(dtypes)}): not defined for complex operands; "
                "take real(x), imag(x), abs(x) or angle(x) first"
            )
        try:
            return self.rule(dtypes, floatX)
        except TypeError as error:
            raise TypeError(f"{self.name}({', '.join(dtypes)}): {error}") from None


@dataclass(frozen=True)
class _CastRule:
    dtype: str

    def __call__(self, dtypes: Dtypes, floatX: str) -> str:
        if len(dtypes) != 1:
            raise TypeError(f"cast to {self.dtype}: takes 1 operand, got {len(dtypes)}")
        if is_complex(dtypes[0]) and not is_complex(self.dtype):
            raise TypeError(
                f"cast: from {dtypes[0]} to {self.dtype} is ambiguous: consider real(), imag(), angle() or abs()"
            )
        return self.dtype


def out_upcast(dtypes: Dtypes, floatX: str) -> str:
    """int8, float32 -> float32."""
    return upcast(*dtypes)


def out_upcast_min8(dtypes: Dtypes, floatX: str) -> str:
    """As upcast, and bool -> int8."""
    return upcast(*dtypes, "int8") if upcast(*dtypes) == "bool" else upcast(*dtypes)


def out_upcast_not_bool(dtypes: Dtypes, floatX: str) -> str:
    """As upcast; a bool result is an error, as in numpy."""
    dtype = upcast(*dtypes)
    if dtype == "bool":
        raise TypeError("not supported for booleans; use xor, or `~` for the negation, or cast to int8 first")
    return dtype


def out_same(dtypes: Dtypes, floatX: str) -> str:
    """The dtype of the (first) operand."""
    return dtypes[0]


def out_same_float(dtypes: Dtypes, floatX: str) -> str:
    """The dtype of the operand, which must be a float: integers are round already."""
    if dtypes[0] not in FLOAT:
        raise TypeError("only for float operands; integers need no rounding")
    return dtypes[0]


def out_second(dtypes: Dtypes, floatX: str) -> str:
    """The dtype of the second operand."""
    return dtypes[1]


def out_float(dtypes: Dtypes, floatX: str) -> str:
    """The upcast of the operands' float dtypes: int8 -> float32, int32 -> float64, whatever floatX is."""
    return upcast(*map(upgrade_to_float, dtypes))


def out_float64(dtypes: Dtypes, floatX: str) -> str:
    """Always float64 (Theano's chi2sf and angle)."""
    return "float64"


def out_true_div(dtypes: Dtypes, floatX: str) -> str:
    """As upcast, but integers over integers give floatX."""
    return floatX if all(map(is_discrete, dtypes)) else upcast(*dtypes)


def out_bool(dtypes: Dtypes, floatX: str) -> str:
    """Comparisons and tests."""
    return "bool"


def out_bits(dtypes: Dtypes, floatX: str) -> str:
    """As upcast, of bools and integers only."""
    if not all(map(is_discrete, dtypes)):
        raise TypeError("only for bool and integer operands; compare (x > 0) or cast to an integer first")
    dtype = upcast(*dtypes)
    if dtype not in DISCRETE:
        raise TypeError(f"these operands have no common integer dtype (they promote to {dtype}); cast one of them")
    return dtype


def out_switch(dtypes: Dtypes, floatX: str) -> str:
    """The upcast of the two branches."""
    return upcast(*dtypes[1:])


def out_real_part(dtypes: Dtypes, floatX: str) -> str:
    """complex64 -> float32, complex128 -> float64, others unchanged."""
    return real_of(dtypes[0])


def out_same_min8(dtypes: Dtypes, floatX: str) -> str:
    """The dtype of the operand, and bool -> int8."""
    return "int8" if dtypes[0] == "bool" else dtypes[0]


def out_make_complex(dtypes: Dtypes, floatX: str) -> str:
    """The complex dtype that holds two real operands."""
    return complex_of(upcast(*dtypes))


# ----- What operands are converted to -----


def _reads_out(dtypes: Dtypes, out: str) -> Dtypes:
    return (out,) * len(dtypes)


def _reads_upcast(dtypes: Dtypes, out: str) -> Dtypes:
    return (upcast(*dtypes),) * len(dtypes)


def _reads_own(dtypes: Dtypes, out: str) -> Dtypes:
    return dtypes


def _reads_number(dtypes: Dtypes, out: str) -> Dtypes:
    # numpy has no sign of a bool.
    return tuple("int8" if dtype == "bool" else dtype for dtype in dtypes)


def _reads_first_own(dtypes: Dtypes, out: str) -> Dtypes:
    return (dtypes[0], *(out,) * (len(dtypes) - 1))


def _reads_division(dtypes: Dtypes, out: str) -> Dtypes:
    # Integers divide in float64 and are rounded once, to floatX: int32 does not fit float32.
    return (out if out in COMPLEX or not all(map(is_discrete, dtypes)) else "float64",) * len(dtypes)


def _reads_real(dtypes: Dtypes, out: str) -> Dtypes:
    return (real_of(out),) * len(dtypes)


_READS: dict[str, Callable[[Dtypes, str], Dtypes]] = {
    "out": _reads_out,
    "upcast": _reads_upcast,
    "own": _reads_own,
    "number": _reads_number,
    "first own": _reads_first_own,
    "division": _reads_division,
    "real": _reads_real,
}
