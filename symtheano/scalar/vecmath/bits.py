"""What the functions of this package are made of: formats, clamps, powers of two, sums and products without loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symtheano.scalar.machine import Code, Reg


@dataclass(frozen=True)
class Format:
    """A binary floating-point format and the integers of its width."""

    dtype: str
    integer: str
    stored: int  # bits of the mantissa that are stored
    bias: int
    largest: float
    least_normal: float

    @property
    def shifter(self) -> float:
        """1.5 * 2 ** stored: added to a small float, it leaves the nearest integer in the low bits."""
        return 1.5 * 2.0**self.stored

    @property
    def shifter_bits(self) -> int:
        """The bits of `shifter`."""
        return (self.stored + self.bias << self.stored) | 1 << (self.stored - 1)

    @property
    def sign(self) -> int:
        """The integer whose only bit is the sign's."""
        return -1 << (self.stored + self.bias.bit_length() + 1)


FORMATS = {
    "float32": Format("float32", "int32", 23, 127, 3.4028234663852886e38, 2.0**-126),
    "float64": Format("float64", "int64", 52, 1023, 1.7976931348623157e308, 2.0**-1022),
}


def format_of(x: Reg) -> Format:
    """The format of a float register."""
    return FORMATS[x.dtype]


def to_bits(code: Code, x: Reg) -> Reg:
    """The bits of a float, as an integer."""
    return code.bitcast(x, dtype=FORMATS[x.dtype].integer)


def from_bits(code: Code, bits: Reg) -> Reg:
    """The float of these bits."""
    return code.bitcast(bits, dtype="float32" if bits.dtype == "int32" else "float64")


def at_most(code: Code, x: Reg, limit: float) -> Reg:
    """The smaller of x and a number; nan stays. One instruction of most processors."""
    bound = code.like(x, limit)
    return code.select(code.lt(bound, x), bound, x)


def at_least(code: Code, x: Reg, limit: float) -> Reg:
    """The larger of x and a number; nan stays."""
    bound = code.like(x, limit)
    return code.select(code.gt(bound, x), bound, x)


def where(code: Code, condition: Reg, yes: float | Reg, no: float | Reg) -> Reg:
    """A select of which one or both sides are numbers: of the type of the other side."""
    like = yes if isinstance(yes, Reg) else no
    assert isinstance(like, Reg), "where needs a register to know the type"
    sides = [side if isinstance(side, Reg) else code.like(like, side) for side in (yes, no)]
    return code.select(condition, *sides)


def choose(code: Code, condition: Reg, like: Reg, yes: float, no: float) -> Reg:
    """A select of two numbers, of the type of `like`."""
    return code.select(condition, code.like(like, yes), code.like(like, no))


def horner(code: Code, x: Reg, coefficients: Sequence[float], start: Reg | None = None) -> Reg:
    """The polynomial of these coefficients, highest degree first; `start` stands before them."""
    rest = iter(coefficients)
    value = code.like(x, next(rest)) if start is None else start
    for c in rest:
        value = code.fma(value, x, code.like(x, c))
    return value


def times_power(code: Code, y: Reg, shifted: Reg) -> Reg:
    """y * 2**n, rounded once, also where it over- or underflows.

    `shifted` are the bits of n + 2 * bias + shifter: the power is the product of two floats whose exponents are the
    halves of n, and each has its exponent, bias included, in the low bits already.
    """
    form = format_of(y)
    one, place = code.like(shifted, 1), code.like(shifted, form.stored)
    half = code.lshr(shifted, one)
    first = from_bits(code, code.shl(half, place))
    second = from_bits(code, code.shl(code.sub(shifted, half), place))
    return code.mul(code.mul(y, first), second)


def two_sum(code: Code, x: Reg, y: Reg) -> tuple[Reg, Reg]:
    """x + y and its rounding error (Knuth)."""
    total = code.add(x, y)
    part = code.sub(total, x)
    return total, code.add(code.sub(x, code.sub(total, part)), code.sub(y, part))


def quick_two_sum(code: Code, x: Reg, y: Reg) -> tuple[Reg, Reg]:
    """x + y and its rounding error, where |x| >= |y| or x = 0 (Dekker)."""
    total = code.add(x, y)
    return total, code.sub(y, code.sub(total, x))


def two_product(code: Code, x: Reg, y: Reg) -> tuple[Reg, Reg]:
    """x * y and its rounding error, by fma: without one the error is lost, and with it the extra accuracy only."""
    product = code.mul(x, y)
    return product, code.fma(x, y, code.neg(product))
