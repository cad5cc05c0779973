"""The rows of the table as machine code, for every dtype: what `namespace.compute` gives, on registers.

    code = Code()
    x = code.input("x", "int32")
    lower_row(code, TABLE["sqrt"], (x,), ("int32",), "float64", "float64")      the operand converted, then sqrt
    lower_exprs(code, (expr,), dtypes, read, "float64")                        whole expressions; read gives the loads
    is_native(TABLE["jv"], ("float64", "float64"))                             False: there is no machine code for it

Operands are converted as `row.operands` says, the result to the row's dtype. Arithmetic, comparisons, rounding and
everything on integers is NumPy's to the bit; transcendental functions are within the bounds of `vecmath`. What is
computed in float16 is computed in float32 and rounded after each row, as NumPy does.

No native form: see `is_native`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, reduce
from typing import Any

import numpy as np

from symtheano.scalar.dtypes import autocast, is_complex, is_discrete
from symtheano.scalar.expr import Builder, Expr, as_expr, dtypes_of, load, operand_dtypes, postorder
from symtheano.scalar.machine import Code, Reg, is_nan
from symtheano.scalar.op import ScalarOp
from symtheano.scalar.rows_complex import choose
from symtheano.scalar.rows_complex_functions import complex_row
from symtheano.scalar.rows_convert import Value, constant, convert, pair, real
from symtheano.scalar.rows_float import EXACT, FLOAT, HALF, power
from symtheano.scalar.rows_integer import BOOL, INTEGER
from symtheano.scalar.vecmath import FUNCTIONS

Dtypes = tuple[str, ...]
Lower = Callable[..., Value]  # (code, *values of the operands' dtypes) -> value

__all__ = ["Value", "constant", "convert", "is_native", "lower_exprs", "lower_row"]


# ----- Rows -----


def lower_row(
    code: Code, row: ScalarOp, args: Sequence[Value], arg_dtypes: Dtypes, out_dtype: str, floatX: str
) -> Value:
    """The row of these values, in `out_dtype`."""
    if row.params:
        return convert(code, convert(code, args[0], arg_dtypes[0], row.params[0]), row.params[0], out_dtype)
    operands, lower = _plan(row, arg_dtypes, floatX)
    values = [convert(code, v, d, o) for v, d, o in zip(args, arg_dtypes, operands, strict=True)]
    if lower is None:
        if row.value is None:
            raise NotImplementedError(f"{row.name}({', '.join(arg_dtypes)}) has no machine code")
        value, dtype = _by_definition(code, row, values, operands, floatX)
        return convert(code, value, dtype, out_dtype)
    dtype = operands[-1]
    if row.arity is None:
        # From the left, in the dtype of the result, as NumPy is called.
        value = reduce(lambda x, y: _rounded(code, row, lower(code, x, y), dtype)[0], values)
        return convert(code, value, dtype, out_dtype)
    value, dtype = _rounded(code, row, lower(code, *values), dtype)
    return convert(code, value, dtype, out_dtype)


@cache
def _plan(row: ScalarOp, arg_dtypes: Dtypes, floatX: str) -> tuple[Dtypes, Lower | None]:
    """What the operands are converted to, and what then computes the row (None: its definition)."""
    operands = row.operands(arg_dtypes, floatX)
    return operands, _direct(row, operands)


def _rounded(code: Code, row: ScalarOp, value: Value, dtype: str) -> tuple[Value, str]:
    """A row's value, given its operands' dtype, and its own dtype."""
    if isinstance(value, tuple):
        return value, "complex64" if value[0].dtype == "float32" else "complex128"
    if dtype != "float16" or value.dtype != "float32":
        return value, value.dtype
    return (value if row.name in EXACT else code.op("half", value)), "float16"


def _direct(row: ScalarOp, operands: Dtypes) -> Lower | None:
    """How a row is computed on operands of these dtypes (after their conversion), unless by its definition."""
    name, dtype = row.name, operands[-1]
    if name == "switch":
        condition = operands[0]
        return lambda code, c, x, y: choose(code, real(convert(code, c, condition, "bool")), x, y)
    if name == "complex":
        return lambda code, x, y: (real(x), real(y))
    if name == "angle" and not is_complex(dtype):
        return lambda code, x: _angle(code, real(x), dtype)
    if is_complex(dtype):
        found = complex_row(name)
        return None if found is None else lambda code, *xs: found(code, *map(pair, xs))
    if dtype == "bool" and name not in BOOL:
        of_int8 = INTEGER.get(name)
        if of_int8 is None:
            return None
        return lambda code, *xs: of_int8(code, *(code.op("convert", real(x), dtype="int8") for x in xs))
    plain = _discrete(name, dtype) if is_discrete(dtype) else _floating(name, dtype)
    return None if plain is None else lambda code, *xs: plain(code, *map(real, xs))


def _discrete(name: str, dtype: str) -> Callable[..., Reg] | None:
    return (BOOL if dtype == "bool" else INTEGER).get(name)


def _floating(name: str, dtype: str) -> Callable[..., Reg] | None:
    if name == "pow":
        return power(FUNCTIONS.get("pow"))
    if dtype == "float16" and name in HALF:
        return HALF[name]
    return FLOAT.get(name) or FUNCTIONS.get(name)


def _angle(code: Code, x: Reg, dtype: str) -> Reg:
    """0 or pi; NumPy computes it as arctan2(0, x), in the float dtype that holds x."""
    kind = np.result_type(dtype, np.float16).type
    near = convert(code, x, dtype, kind.__name__)
    pi, zero = code.const(float(kind(math.pi)), "float64"), code.const(0.0, "float64")
    y = real(near)
    negative = code.op("lt", code.op("copysign", code.like(y, 1.0), y), code.like(y, 0.0))
    value = code.op("select", negative, pi, zero)
    return code.op("select", is_nan(code, y), code.const(math.nan, "float64"), value)


# ----- Rows that are defined by others -----


@cache
def _definition(row: ScalarOp, dtypes: Dtypes, floatX: str) -> tuple[Expr, dict[Expr, str]]:
    """The definition of a row on operands of these dtypes, one level deep, and the dtypes in it."""
    assert row.value is not None
    names = [f"x{k}" for k in range(len(dtypes))]
    expr = as_expr(row.value(Builder(), *map(load, names)))
    return expr, dtypes_of((expr,), dict(zip(names, dtypes, strict=True)), floatX)


def _by_definition(
    code: Code, row: ScalarOp, values: Sequence[Value], operands: Dtypes, floatX: str
) -> tuple[Value, str]:
    # Definitions nest a few levels deep at most: this recursion is over the table, not over expressions.
    expr, dtypes = _definition(row, operands, floatX)
    given = {f"x{k}": value for k, value in enumerate(values)}
    return lower_exprs(code, (expr,), dtypes, lambda node: given[node.value], floatX)[0], dtypes[expr]


# ----- Expressions -----


def lower_exprs(
    code: Code,
    exprs: Sequence[Expr],
    dtypes: Mapping[Expr, str],
    read: Callable[[Expr], Value],
    floatX: str,
    known: dict[Expr, Value] | None = None,
) -> list[Value]:
    """The values of expressions, each in its dtype.

    dtypes: as `dtypes_of` gives them. read: the value of a load or an index, in its dtype; the indices of a load are
    not looked at. known: values found before, which are kept there for later calls.
    """
    values = {} if known is None else known
    for node in _calls(exprs, values):
        if node.kind != "call":
            values[node] = read(node)
            continue
        arg_dtypes = operand_dtypes(node, dtypes, floatX)
        args = [
            constant(code, arg.value, dtype) if arg.kind == "const" else values[arg]
            for arg, dtype in zip(node.args, arg_dtypes, strict=True)
        ]
        values[node] = lower_row(code, node.value, args, arg_dtypes, dtypes[node], floatX)
    return [_root(code, expr, values, floatX) for expr in exprs]


def _root(code: Code, expr: Expr, values: Mapping[Expr, Value], floatX: str) -> Value:
    if expr.kind != "const":
        return values[expr]
    return constant(code, expr.value, autocast(expr.value, floatX).dtype.name)


def _calls(exprs: Sequence[Expr], known: Mapping[Expr, Any]) -> Iterator[Expr]:
    """The calls, loads and indices below `exprs` that are not known, operands first; not what a load's index is."""
    done: set[Expr] = set()
    for root in exprs:
        stack = [(root, iter(root.args if root.kind == "call" else ()))]
        while stack:
            node, pending = stack[-1]
            if node in done or node in known or node.kind == "const":
                stack.pop()
                continue
            following = next((a for a in pending if a not in done and a not in known and a.kind != "const"), None)
            if following is None:
                done.add(node)
                stack.pop()
                yield node
            else:
                stack.append((following, iter(following.args if following.kind == "call" else ())))


# ----- What is native -----


def is_native(row: ScalarOp, dtypes: Sequence[str], floatX: str = "float64", constants: Sequence[Any] = ()) -> bool:
    """Whether a row of operands of these dtypes has machine code. constants: the operands' numbers, None where unknown.

    Not native: a function without branch-free code (`vecmath`); inverse trigonometric and hyperbolic functions of
    complex numbers; and an integer to the power of a signed integer that is not a constant >= 0: NumPy raises an error
    for negative exponents.
    """
    given = tuple(dtypes)
    if row.params:
        return True
    operands = row.operands(given, floatX)
    if row.name == "pow" and is_discrete(operands[0]):
        return _exponent_is_natural(given[1], constants[1] if len(constants) > 1 else None)
    if row.name == "pow" and not is_complex(operands[0]) and "pow" not in FUNCTIONS:
        number = constants[1] if len(constants) > 1 else None
        return number is not None and number in (-1, 0, 0.5, 1, 2, 3, 4)
    return _has_code(row, operands, floatX)


def _exponent_is_natural(dtype: str, number: Any) -> bool:
    if dtype == "bool" or np.dtype(dtype).kind == "u":
        return True
    return number is not None and number >= 0


@cache
def _has_code(row: ScalarOp, operands: Dtypes, floatX: str) -> bool:
    if row.name == "pow" and not is_complex(operands[0]):
        return "pow" in FUNCTIONS or is_discrete(operands[0])
    if _direct(row, operands) is not None:
        return True
    if row.value is None:
        return False
    expr, found = _definition(row, operands, floatX)
    return all(
        is_native(
            node.value,
            operand_dtypes(node, found, floatX),
            floatX,
            [arg.value if arg.kind == "const" else None for arg in node.args],
        )
        for node in postorder((expr,))
        if node.kind == "call"
    )
