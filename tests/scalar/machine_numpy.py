"""Machine code run by numpy: the meaning of `symtheano.scalar.machine`, instruction by instruction, for arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from symtheano.scalar.machine import Code, Rare, Reg

Array = npt.NDArray[Any]


def run(code: Code, results: list[Reg], inputs: Mapping[str, Array]) -> list[Array]:
    """The values of `results` where the inputs have these values."""
    held: dict[int, Array] = {}
    with np.errstate(all="ignore"):
        for place in code.needed(results):
            instr = code.instrs[place]
            args = [held[arg.place] for arg in instr.args]
            if instr.op == "input":
                value = np.asarray(inputs[instr.detail])
                assert value.dtype == instr.dtype, f"{instr.detail} is {value.dtype}, not {instr.dtype}"
            elif instr.op == "const":
                value = np.asarray(instr.detail, instr.dtype)
            elif instr.op == "rare":
                value = _rare(instr.detail, [arg.dtype for arg in instr.args[2:]], args)
            elif instr.op == "convert":
                value = args[0].astype(instr.dtype)
            elif instr.op == "bitcast":
                value = args[0].view(instr.dtype)
            else:
                value = np.asarray(_MEANING[instr.op](*args))
            assert value.dtype == instr.dtype, f"{instr} gives {value.dtype}"
            held[place] = value
    return [held[r.place] for r in results]


def _rare(function: Rare, dtypes: list[str], args: list[Array]) -> Array:
    condition, usual, *given = args
    code = Code()
    result = function.build(code, *(code.input(str(k), dtype) for k, dtype in enumerate(dtypes)))
    (value,) = run(code, [result], {str(k): x for k, x in enumerate(given)})
    return np.where(condition, value, usual)


def fma(x: Array, y: Array, z: Array) -> Array:
    """x * y + z, rounded once."""
    if np.result_type(x) == np.float32:
        return _fma_float32(x, y, z)
    return _fma_float64(x, y, z)


def _fma_float32(x: Array, y: Array, z: Array) -> Array:
    # The product is exact in float64; the sum is rounded to odd there, so that the second rounding is right.
    product, z64 = x.astype(np.float64) * y, z.astype(np.float64)
    return _odd_sum(product, z64).astype(np.float32)


def _odd_sum(x: Array, y: Array) -> Array:
    """x + y in float64, and where it is not exact, the one of the two neighbours whose last bit is 1."""
    total = np.asarray(x + y)
    part = total - x
    error = (x - (total - part)) + (y - part)
    even = np.isfinite(total) & (error != 0) & (total.view(np.int64) & 1 == 0)
    towards = np.where(error > 0, np.inf, -np.inf)
    return np.where(even, np.nextafter(total, towards), total)


def _fma_float64(x: Array, y: Array, z: Array) -> Array:
    # Boldo and Melquiond: the sum of the exact product's two halves and z, with one rounding to odd.
    x, y, z = np.broadcast_arrays(x, y, z)
    product = x * y
    x_high, x_low = _halves(x)
    y_high, y_low = _halves(y)
    error = ((x_high * y_high - product) + x_high * y_low + x_low * y_high) + x_low * y_low
    total, lost = _two_sum(z, error)
    above, below = _two_sum(product, total)
    value = np.asarray(above + _odd_sum(below, lost))
    sizes = np.abs(np.stack([x, y, z, product]))
    hard = np.isfinite(x) & np.isfinite(y) & np.isfinite(z)
    hard &= ((sizes > 2.0**960) | ((sizes < 2.0**-900) & (sizes > 0))).any(axis=0) | (product == 0)
    plain = (product == 0) & ((x == 0) | (y == 0)) | ~np.isfinite(x) | ~np.isfinite(y) | ~np.isfinite(z)
    value = np.where(plain, product + z, value)
    for place in np.flatnonzero(hard & ~plain):
        value.flat[place] = _fma_exactly(x.flat[place], y.flat[place], z.flat[place])
    return value


def _halves(x: Array) -> tuple[Array, Array]:
    high = (np.asarray(x).view(np.int64) & (-1 << 27)).view(np.float64)
    return high, x - high


def _two_sum(x: Array, y: Array) -> tuple[Array, Array]:
    total = x + y
    part = total - x
    return total, (x - (total - part)) + (y - part)


def _fma_exactly(x: float, y: float, z: float) -> float:
    total = Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))
    if total == 0:
        return float(x) * float(y) + float(z)  # the sign of zero
    try:
        return float(total)
    except OverflowError:
        return float(np.copysign(np.inf, float(total > 0) - 0.5))


def _towards_zero(x: Array, y: Array) -> Array:
    quotient = np.abs(x) // np.abs(y)
    return np.where((x < 0) != (y < 0), -quotient, quotient).astype(np.result_type(x, y))


def _unsigned_shift(x: Array, amount: Array) -> Array:
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    return (x.view(unsigned) >> amount.view(unsigned)).view(x.dtype)


_MEANING: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "idiv": _towards_zero,
    "irem": lambda x, y: x - _towards_zero(x, y) * y,
    "fma": fma,
    "neg": np.negative,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "rint": np.rint,
    "copysign": np.copysign,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.invert,
    "shl": np.left_shift,
    "lshr": _unsigned_shift,
    "ashr": np.right_shift,
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "select": np.where,
}
