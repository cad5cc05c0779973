"""Comparisons, tests, bits and selection: the rows that decide."""

from __future__ import annotations

from symtheano.scalar.op import op, out_bits, out_bool, out_same, out_second, out_switch

_BITS = "bitwise on two's complement integers, which sympy has not"

# ----- Comparisons and tests -----

op(
    "eq",
    doc="x == y",
    arity=2,
    out=out_bool,
    numpy="equal",
    reads="upcast",
    commutative=True,
    range=(0.0, 1.0),
    complex=True,
    sympy="Eq",
    mpmath=lambda k, x, y: x == y,
)
op(
    "neq",
    doc="x != y",
    arity=2,
    out=out_bool,
    numpy="not_equal",
    reads="upcast",
    commutative=True,
    range=(0.0, 1.0),
    complex=True,
    sympy="Ne",
    mpmath=lambda k, x, y: x != y,
)
op(
    "lt",
    doc="x < y",
    arity=2,
    out=out_bool,
    numpy="less",
    reads="upcast",
    range=(0.0, 1.0),
    sympy="Lt",
    mpmath=lambda k, x, y: x < y,
)
op(
    "le",
    doc="x <= y",
    arity=2,
    out=out_bool,
    numpy="less_equal",
    reads="upcast",
    range=(0.0, 1.0),
    sympy="Le",
    mpmath=lambda k, x, y: x <= y,
)
op(
    "gt",
    doc="x > y",
    arity=2,
    out=out_bool,
    numpy="greater",
    reads="upcast",
    range=(0.0, 1.0),
    sympy="Gt",
    mpmath=lambda k, x, y: x > y,
)
op(
    "ge",
    doc="x >= y",
    arity=2,
    out=out_bool,
    numpy="greater_equal",
    reads="upcast",
    range=(0.0, 1.0),
    sympy="Ge",
    mpmath=lambda k, x, y: x >= y,
)
op(
    "isnan",
    doc="whether x is nan",
    out=out_bool,
    numpy="isnan",
    reads="own",
    range=(0.0, 1.0),
    complex=True,
    sympy=lambda k, x: k.Eq(x, k.nan),
    mpmath="isnan",
)
op(
    "isinf",
    doc="whether x is plus or minus infinity",
    out=out_bool,
    numpy="isinf",
    reads="own",
    range=(0.0, 1.0),
    complex=True,
    sympy=lambda k, x: k.Eq(k.Abs(x), k.oo),
    mpmath="isinf",
)

# ----- Bits -----

op(
    "and_",
    doc="x & y",
    arity=2,
    out=out_bits,
    numpy="bitwise_and",
    commutative=True,
    associative=True,
    idempotent=True,
    identity=-1,
    absorbing=0,
    domain=((-9.0, 9.0),),
    integer=True,
    sympy=None,
    mpmath=lambda k, x, y: int(x) & int(y),
    no_oracle=_BITS,
)
op(
    "or_",
    doc="x | y",
    arity=2,
    out=out_bits,
    numpy="bitwise_or",
    commutative=True,
    associative=True,
    idempotent=True,
    identity=0,
    absorbing=-1,
    domain=((-9.0, 9.0),),
    integer=True,
    sympy=None,
    mpmath=lambda k, x, y: int(x) | int(y),
    no_oracle=_BITS,
)
op(
    "xor",
    doc="x ^ y",
    arity=2,
    out=out_bits,
    numpy="bitwise_xor",
    commutative=True,
    associative=True,
    identity=0,
    domain=((-9.0, 9.0),),
    integer=True,
    sympy=None,
    mpmath=lambda k, x, y: int(x) ^ int(y),
    no_oracle=_BITS,
)
op(
    "invert",
    doc="~x",
    out=out_bits,
    numpy="invert",
    inverse="invert",
    monotone=-1,
    domain=((-9.0, 9.0),),
    integer=True,
    sympy=None,
    mpmath=lambda k, x: ~int(x),
    no_oracle=_BITS,
)

# ----- Selection -----

op(
    "switch",
    doc="x where the condition is not zero, else y; both are computed",
    arity=3,
    out=out_switch,
    numpy="where",
    reads="first own",
    partials=lambda m, condition, x, y, z: (0, m.switch(condition, 1, 0), m.switch(condition, 0, 1)),
    complex=True,
    sympy=lambda k, condition, x, y: k.Piecewise(
        (x, condition if isinstance(condition, k.logic.boolalg.Boolean) else k.Ne(condition, 0)), (y, True)
    ),
    mpmath=lambda k, condition, x, y: x if condition else y,
)
op(
    "second",
    doc="y, in the shape of x (Theano's fill)",
    arity=2,
    out=out_second,
    value=lambda m, x, y: y,
    reads="first own",
    partials=lambda m, x, y, z: (0, 1),
    connected=(False, True),
    associative=True,
    idempotent=True,
    complex=True,
    sympy=lambda k, x, y: y,
    mpmath=lambda k, x, y: y,
)
op(
    "identity",
    doc="x (Theano's tensor_copy)",
    out=out_same,
    value=lambda m, x: x,
    partials=lambda m, x, z: (1,),
    idempotent=True,
    monotone=+1,
    parity=-1,
    inverse="identity",
    complex=True,
    sympy=lambda k, x: x,
    mpmath=lambda k, x: x,
)
