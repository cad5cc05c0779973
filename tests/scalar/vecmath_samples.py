"""The functions of `scalar/vecmath` as native code, points to measure them at, and how far they are from the truth."""

from __future__ import annotations

import ctypes
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt
from scalar_samples import DIGITS, exact

from symtheano.compile.target.native import toolchain
from symtheano.compile.target.native.code import Printer
from symtheano.compile.target.native.llvm import LLVM_TYPES, Host, Module, vector
from symtheano.scalar.machine import Code, Reg
from symtheano.scalar.op import TABLE
from symtheano.scalar.vecmath import FUNCTIONS

Array = npt.NDArray[Any]
DTYPES = ("float32", "float64")
CASES = [(name, dtype) for name in FUNCTIONS for dtype in DTYPES]

# Where a function varies, per argument; other points are spread over all floats. (float32, float64) where they differ.
_WIDE = ((-10.0, 10.0),)
RANGES: dict[str, Any] = {
    "exp": (((-104.5, 89.5),), ((-746.0, 711.0),)),
    "exp2": (((-151.0, 129.0),), ((-1077.0, 1026.0),)),
    "expm1": (((-20.0, 89.5),), ((-40.0, 711.0),)),
    "sigmoid": (((-105.0, 20.0),), ((-746.0, 40.0),)),
    "softplus": (((-105.0, 20.0),), ((-746.0, 40.0),)),
    "sinh": (((-90.5, 90.5),), ((-711.0, 711.0),)),
    "cosh": (((-90.5, 90.5),), ((-711.0, 711.0),)),
    "tanh": ((-20.0, 20.0),),
    "log": ((0.0, 4.0),),
    "log2": ((0.0, 4.0),),
    "log10": ((0.0, 4.0),),
    "log1p": ((-1.0, 4.0),),
    "arcsin": ((-1.0, 1.0),),
    "arccos": ((-1.0, 1.0),),
    "arctanh": ((-1.0, 1.0),),
    "arccosh": ((1.0, 10.0),),
    "erf": ((-6.5, 6.5),),
    "erfc": (((-5.0, 10.2),), ((-7.0, 27.3),)),
    "erfcx": (((-9.5, 30.0),), ((-26.7, 80.0),)),
    "erfinv": ((-1.0, 1.0),),
    "erfcinv": ((0.0, 2.0),),
    "gamma": (((-20.0, 35.1),), ((-20.0, 171.7),)),
    "gammaln": ((-20.0, 60.0),),
    "psi": ((-20.0, 30.0),),
    "tri_gamma": ((-20.0, 30.0),),
    "i0": (((-91.0, 91.0),), ((-713.0, 713.0),)),
    "i1": (((-91.0, 91.0),), ((-713.0, 713.0),)),
    "j0": ((-60.0, 60.0),),
    "j1": ((-60.0, 60.0),),
    "pow": ((0.0, 30.0), (-30.0, 30.0)),
    "arctan2": ((-10.0, 10.0), (-10.0, 10.0)),
}
# Beyond, results are plain (0, infinity, a first term), and mpmath takes minutes.
LIMITS = {"gamma": 300.0, "gammaln": 1e15, "psi": 1e15, "tri_gamma": 1e15, "erf": 1e3, "erfc": 1e3, "erfcx": 1e4}
LIMITS |= {"i0": 1e3, "i1": 1e3, "j0": 1e6, "j1": 1e6}
POLES = ("gamma", "gammaln", "psi", "tri_gamma")  # at all negative whole numbers, and so at all large ones
SPECIAL = [0.0, 1.0, 2.0, 0.5, 3.0, 0.75, 1.5, 10.0, 100.0, 1e-8, 1e-30, 1e30, np.inf, np.nan]
_SPECIAL = {
    "float32": [1e-45, 1e-40, 2.0**-126, 3.4028234663852886e38, 2.0**24, 1 - 2.0**-24, 1 + 2.0**-23, 2.0**23 + 1],
    "float64": [5e-324, 1e-310, 2.0**-1022, 1.7976931348623157e308, 2.0**53, 1 - 2.0**-53, 1 + 2.0**-52, 1e300, 1e-300],
}


def special_points(dtype: str) -> Array:
    """Zeros, ones, infinities, nan, and the ends of the format, with both signs."""
    values = np.array([*SPECIAL, *_SPECIAL[dtype]])
    return np.concatenate([values, -values]).astype(dtype)


def allowed_points(name: str, xs: Array) -> Array:
    """Those of `xs` that are finite, no poles, and not so large that mpmath takes minutes."""
    good = np.isfinite(xs) & (np.abs(xs) <= LIMITS.get(name, np.inf))
    if name in POLES:
        good &= (xs > 0) | (xs != np.floor(xs))
    return xs[good]


def ranges(name: str, dtype: str) -> tuple[tuple[float, float], ...]:
    """Where a function varies, for each argument."""
    given = RANGES.get(name, _WIDE)
    return given[DTYPES.index(dtype)] if isinstance(given[0][0], tuple) else given


def points(name: str, dtype: str, count: int) -> list[Array]:
    """Up to `count` points, always the same: where the function varies, near 0 and 1, and all finite floats."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    columns = []
    for low, high in ranges(name, dtype):
        third = count // 3
        span = rng.uniform(low, high, third)
        close = rng.choice([-1.0, 1.0, 0.0], third) + rng.choice([-1.0, 1.0], third) * 2.0 ** rng.uniform(-30, 0, third)
        bits = rng.integers(0, 2 ** (32 if dtype == "float32" else 64), count, dtype=np.uint64)
        anything = bits.astype("uint32").view("float32") if dtype == "float32" else bits.view("float64")
        rest = allowed_points(name, anything)[: count - 2 * third]
        columns.append(allowed_points(name, rng.permutation(np.concatenate([span, close, rest]).astype(dtype))))
    shortest = min(map(len, columns))
    return [column[:shortest] for column in columns]


# ----- As native code -----


@cache
def native(name: str, dtype: str, width: int, machine: Host | None = None) -> Callable[..., Array]:
    """FUNCTIONS[name] for arrays of any length, `width` lanes at once, for a machine that this one can run."""
    machine = machine or toolchain.host()
    arity = len(ranges(name, dtype))
    loaded = toolchain.link([toolchain.object_for(_text(name, dtype, width, machine, arity), machine)], ["run"])
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (arity + 1), ctypes.c_int64)
    function = kind(loaded.address("run"))

    def run(*xs: Array) -> Array:
        size = len(xs[0])
        padded = [np.concatenate([x, np.ones(-size % width, dtype)]) for x in xs]
        assert all(x.dtype == dtype for x in padded)
        out = np.empty_like(padded[0])
        function(*(x.ctypes.data for x in padded), out.ctypes.data, len(out))
        return out[:size] if loaded else out  # `loaded` keeps the code

    return run


def _text(name: str, dtype: str, width: int, machine: Host, arity: int) -> str:
    module = Module(machine)
    arrays = [f"x{k}" for k in range(arity)]
    f = module.function("run", [*(("ptr", a) for a in arrays), ("ptr", "out"), ("i64", "n")], linkage="")
    code, result = built(name, dtype)
    element, align = LLVM_TYPES[dtype], np.dtype(dtype).itemsize
    printer = Printer(f, code)

    def body(i: str, _: list[str]) -> None:
        for array in arrays:
            printer.give(array, f.load(vector(element, width), f.gep(f"%{array}", i, element), align), width)
        printer.print(code.needed([result]), width)
        f.store(vector(element, width), printer.value(result, width), f.gep("%out", i, element), align)

    f.loop("0", "%n", width, [], body)
    f.ret()
    return str(module)


def built(name: str, dtype: str) -> tuple[Code, Reg]:
    """The machine code of a function of inputs x0, x1 ..."""
    code = Code()
    result = FUNCTIONS[name](code, *(code.input(f"x{k}", dtype) for k in range(len(ranges(name, dtype)))))
    code.check()
    return code, result


def instructions(name: str, dtype: str) -> int:
    """How many operations the usual path of a function has."""
    code, result = built(name, dtype)
    return sum(code.instrs[place].op not in ("input", "const", "bitcast") for place in code.needed([result]))


# ----- Against the truth -----


@dataclass(frozen=True)
class Format:
    """Of a float dtype: bits of the mantissa, the largest exponent (of numbers below 1), the exponent of the least."""

    bits: int
    top: int
    least: int


_FORMATS = {"float32": Format(24, 128, -149), "float64": Format(53, 1024, -1074)}


def truth(name: str, xs: tuple[Any, ...]) -> Any:
    """The row at one point, to 40 digits: real, or nan where it is not."""
    with mpmath.workdps(DIGITS):
        if name in ("erfinv", "erfcinv"):
            return _inverse_error(name, mpmath.mpf(xs[0]))
        if name == "tri_gamma" and xs[0] < 0:  # mpmath sums -x terms
            return (mpmath.pi / mpmath.sinpi(xs[0])) ** 2 - mpmath.psi(1, 1 - mpmath.mpf(xs[0]))
        try:
            value = exact(TABLE[name], xs)
        except (ValueError, ZeroDivisionError):
            return mpmath.nan
        if name == "gammaln":
            return mpmath.re(value)
        return mpmath.nan if mpmath.im(value) != 0 else mpmath.re(value)


def _inverse_error(name: str, x: Any) -> Any:
    """erfinv or erfcinv; by Newton's method in the tails, where mpmath's erfinv loses digits."""
    y, tail = (x, 1 - abs(x)) if name == "erfinv" else (1 - x, min(x, 2 - x))
    if not tail > 0:
        return mpmath.nan if tail != 0 else mpmath.inf * mpmath.sign(y)
    if tail > 0.1:
        return mpmath.erfinv(y)
    t = mpmath.sqrt(-mpmath.log(tail))
    for _ in range(30):
        value = mpmath.erfc(t)
        step = (mpmath.log(value) - mpmath.log(tail)) * value * mpmath.exp(t * t) * mpmath.sqrt(mpmath.pi) / 2
        t += step
        if abs(step) < abs(t) * mpmath.mpf(10) ** -30:
            return t * mpmath.sign(y)
    raise AssertionError(f"no inverse at {x}")


def largest_term(name: str, x: float) -> Any:
    """What the value is the rest of, after cancellation near zeros that have no formula of their own; else 0."""
    if x < 0 and name in ("gammaln", "psi"):
        return abs((mpmath.loggamma if name == "gammaln" else mpmath.digamma)(1 - mpmath.mpf(x)))
    if abs(x) > 5 and name in ("j0", "j1"):
        return mpmath.sqrt(2 / (mpmath.pi * abs(x)))
    return mpmath.mpf(0)


def error(got: float, right: Any, dtype: str, scale: Any = 0) -> float:
    """How far a result is from the truth, in units of the last place of the truth, or of `scale` if that is larger.

    Infinite for a wrong nan or sign.

    A truth beyond the largest float stands for infinity; a result of infinity, for the first number beyond it.
    """
    form = _FORMATS[dtype]
    if mpmath.isnan(right) or np.isnan(got):
        return 0.0 if mpmath.isnan(right) and np.isnan(got) else np.inf
    if right != 0 and got != 0 and (right > 0) != (got > 0) and not scale:
        return np.inf
    end = mpmath.ldexp(1, form.top)
    size, have = min(max(right, -end), end), min(max(mpmath.mpf(float(got)), -end), end)
    largest = max(abs(size), scale)
    exponent = min(mpmath.frexp(largest)[1] if largest else form.least, form.top)
    unit = mpmath.ldexp(1, max(int(exponent) - form.bits, form.least))
    return float(abs(size - have) / unit)


def errors(name: str, dtype: str, got: Array, xs: list[Array]) -> Array:
    """The errors of results at many points."""
    with mpmath.workdps(DIGITS):
        columns = [x.tolist() for x in xs]
        return np.array(
            [error(y, truth(name, p), dtype, largest_term(name, p[0])) for y, *p in zip(got.tolist(), *columns)]
        )
