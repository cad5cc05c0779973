"""Rows of the table as machine code: NumPy's results to the bit, or the truth's to a few units in the last place.

Every row is run, in one lane and in many, for every dtype it takes; the reference is `namespace.compute`, and mpmath.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from scalar_samples import exact, points, ulps

from symtheano.scalar.dtypes import ALL_DTYPES, COMPLEX, DISCRETE, FLOAT, is_complex, real_of
from symtheano.scalar.machine import Code
from symtheano.scalar.namespace import compute
from symtheano.scalar.op import TABLE, ScalarOp
from symtheano.scalar.op import cast as cast_row
from symtheano.scalar.rows import Value, is_native, lower_row
from symtheano.scalar.vecmath import FUNCTIONS
from tests.native.machine import WIDTH, Case, run
from tests.native.values import same_bits, values

WIDTHS = (1, WIDTH)
COUNT = 600

# Rows that are NumPy's to the bit.
ARITHMETIC = """
    add mul sub true_div int_div mod neg inv sqr sqrt abs_ sgn maximum minimum clip floor ceil trunc
    round_half_to_even round_half_away_from_zero real imag conj complex eq neq lt le gt ge isnan isinf and_ or_ xor
    invert switch second identity deg2rad rad2deg relu leaky_relu hard_sigmoid ultra_fast_sigmoid
""".split()
# ... except these, of complex numbers, which NumPy takes from the C library.
ROUNDED = [("sqrt", d) for d in COMPLEX] + [("abs_", d) for d in COMPLEX]

# For floats there is no machine code for these (yet).
MISSING = {
    name for name, row in TABLE.items() if not row.integer and not is_native(row, ("float64",) * (row.arity or 3))
}


def dtypes_of_row(row: ScalarOp, dtype: str) -> tuple[str, ...]:
    """Operands of one dtype: two, or three for n-ary rows."""
    return (dtype,) * (row.arity or 3)


def accepts(row: ScalarOp, dtypes: Sequence[str], floatX: str = "float64") -> str | None:
    """The dtype of the row of these operands; None: it is an error."""
    try:
        return row.out(tuple(dtypes), floatX)
    except TypeError:
        return None


def case_of(row: ScalarOp, dtypes: tuple[str, ...], floatX: str = "float64") -> Case:
    out = row.out(dtypes, floatX)
    return Case(lambda code, *xs: lower_row(code, row, xs, dtypes, out, floatX), dtypes, out)


def check(rows: Sequence[tuple[ScalarOp, tuple[str, ...]]], width: int, rng: Any, floatX: str = "float64") -> None:
    """Machine code of these rows and operands gives what compute gives, to the bit."""
    given = [[values(dtype, COUNT, rng) for dtype in dtypes] for _, dtypes in rows]
    results = run([case_of(row, dtypes, floatX) for row, dtypes in rows], given, width)
    for (row, dtypes), xs, got in zip(rows, given, results, strict=True):
        same_bits(got, np.asarray(compute(row, xs, floatX)), xs, f"{row.name}[{', '.join(dtypes)}]")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic_is_numpys_to_the_bit(name: str, width: int, rng: np.random.Generator) -> None:
    row = TABLE[name]
    rows = [(row, dtypes_of_row(row, d)) for d in ALL_DTYPES if (name, d) not in ROUNDED]
    rows = [(row, dtypes) for row, dtypes in rows if accepts(row, dtypes)]
    assert all(is_native(row, dtypes) for row, dtypes in rows)
    check(rows, width, rng)


@pytest.mark.parametrize("width", WIDTHS)
def test_casts_are_astype(width: int, rng: np.random.Generator) -> None:
    rows = [(cast_row(t), (s,)) for s in ALL_DTYPES for t in ALL_DTYPES if accepts(cast_row(t), (s,))]
    # What no integer holds has no meaning; that it gives some integer is tested with the printer.
    float_to_integer = [(r, s) for r, s in rows if s[0] in FLOAT and r.params[0] in DISCRETE and r.params[0] != "bool"]
    check([row for row in rows if row not in float_to_integer], width, rng)
    given = []
    for row, dtypes in float_to_integer:
        bounds = np.iinfo(row.params[0])
        high = min(float(bounds.max), 60000.0 if dtypes[0] == "float16" else np.inf)
        given.append([rng.uniform(max(bounds.min, -high), high, COUNT).astype(dtypes[0])])
        given[-1][0][given[-1][0] >= float(bounds.max)] = 1.5
    for (row, dtypes), xs, got in zip(
        float_to_integer, given, run([case_of(*r) for r in float_to_integer], given, width), strict=True
    ):
        same_bits(got, xs[0].astype(row.params[0]), xs, f"{row.name}[{dtypes[0]}]")


@pytest.mark.parametrize("floatX", FLOAT)
@pytest.mark.parametrize("name", [name for name in ARITHMETIC if TABLE[name].arity != 1])
def test_operands_of_different_dtypes(name: str, floatX: str, rng: np.random.Generator) -> None:
    row = TABLE[name]
    every = list(itertools.product(ALL_DTYPES, repeat=row.arity or 3))
    chosen = [every[k] for k in rng.choice(len(every), 40, replace=False)]
    check([(row, dtypes) for dtypes in chosen if accepts(row, dtypes, floatX)], WIDTH, rng, floatX)


# ----- Division with remainder, powers -----


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["int_div", "mod"])
def test_quotients_of_floats_may_be_of_any_size(name: str, width: int, rng: np.random.Generator) -> None:
    row = TABLE[name]
    cases, given = [], []
    for dtype in FLOAT:
        bits = f"uint{8 * np.dtype(dtype).itemsize}"
        every = np.iinfo(bits)
        given.append([rng.integers(0, every.max, 4000, dtype=bits, endpoint=True).view(dtype) for _ in range(2)])
        cases.append(case_of(row, (dtype,) * 2))
    for dtype, xs, got in zip(FLOAT, given, run(cases, given, width), strict=True):
        same_bits(got, np.asarray(compute(row, xs, "float64")), xs, f"{name}[{dtype}]")


def by_constant(row: ScalarOp, dtype: str, exponent: Any) -> Case:
    """The row of a variable and a constant."""

    def build(code: Code, x: Value) -> Value:
        other = np.asarray(exponent, dtype)
        reg = code.const(other.item(), "float32" if dtype == "float16" else dtype)
        return lower_row(code, row, (x, reg), (dtype, dtype), row.out((dtype, dtype), "float64"), "float64")

    return Case(build, (dtype,), row.out((dtype, dtype), "float64"))


INTEGERS = [d for d in DISCRETE if d != "bool"]


@pytest.mark.parametrize("width", WIDTHS)
def test_powers_of_integers(width: int, rng: np.random.Generator) -> None:
    row = TABLE["pow"]
    exponents = [0, 1, 2, 3, 5, 7, 10, 63, 100]
    cases = [by_constant(row, dtype, e) for dtype in INTEGERS for e in exponents]
    given = [[values(dtype, COUNT, rng)] for dtype in INTEGERS for _ in exponents]
    for case, (x,), e, got in zip(cases, given, exponents * len(INTEGERS), run(cases, given, width), strict=True):
        same_bits(got, np.power(x, np.asarray(e, x.dtype)), [x], f"pow[{case.dtypes[0]}, {e}]")
    natural = [(row, (base, e)) for base in ("bool", *INTEGERS) for e in ("bool", "uint8", "uint64")]
    check([(row, d) for row, d in natural if row.out(d, "float64") in INTEGERS], width, rng)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("divisor", [0, 1, 2, 3, 7, 10, 100, -1, -2, -7, -128])
def test_integers_divided_by_a_constant(divisor: int, width: int, rng: np.random.Generator) -> None:
    pairs = [
        (TABLE[name], dtype)
        for name in ("int_div", "mod")
        for dtype in INTEGERS
        if np.iinfo(dtype).min <= divisor <= np.iinfo(dtype).max
    ]
    given = [[values(dtype, COUNT, rng)] for _, dtype in pairs]
    cases = [by_constant(row, dtype, divisor) for row, dtype in pairs]
    for (row, dtype), (x,), got in zip(pairs, given, run(cases, given, width), strict=True):
        wanted = np.asarray(compute(row, (x, np.full_like(x, divisor)), "float64"))
        same_bits(got, wanted, [x], f"{row.name}[{dtype}, {divisor}]")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("exponent", [-1, 0, 0.5, 1, 2, 3, 4])
def test_small_constant_powers_of_floats(exponent: float, dtype: str, rng: np.random.Generator) -> None:
    # The bound is what two roundings make; all but 3 and 4 are rounded once.
    x = values(dtype, COUNT, rng)
    (got,) = run([by_constant(TABLE["pow"], dtype, exponent)], [[x]], WIDTH)
    wanted = np.power(x, np.asarray(exponent, dtype))
    fine = np.isfinite(wanted) & (np.abs(wanted) > np.finfo(dtype).tiny)
    same_bits(np.where(fine, 0, got), np.where(fine, 0, wanted), [x], f"pow[{exponent}]")
    error = np.abs(got[fine] - wanted[fine]) / np.spacing(np.abs(wanted[fine]))
    assert error.max() <= (2 if exponent in (3, 4) else 1)


# ----- Rows that are not exact -----

TRANSCENDENTAL = [name for name in TABLE if name not in ARITHMETIC and name not in MISSING and not TABLE[name].integer]
# Units in the last place, and the size below which the unit no longer shrinks, where a sum may cancel.
BOUNDS: dict[str, tuple[float, float]] = {"logaddexp": (4.0, 1.0), "sigmoid_binary_crossentropy": (4.0, 1.0)}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TRANSCENDENTAL)
def test_value_against_mpmath(name: str, dtype: str) -> None:
    row = TABLE[name]
    xs = points(row, dtype)
    (got,) = run([case_of(row, dtypes_of_row(row, dtype))], [xs], WIDTH)
    truth = [exact(row, tuple(v.item() for v in at)) for at in zip(*xs, strict=True)]
    bound, scale = BOUNDS.get(name, (4.0, 0.0))
    assert ulps(got, truth, scale) <= bound


EDGES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5]


@pytest.mark.parametrize("dtype", FLOAT)
@pytest.mark.parametrize("name", TRANSCENDENTAL)
def test_edges_are_numpys(name: str, dtype: str) -> None:
    row = TABLE[name]
    xs = [g.ravel().astype(dtype) for g in np.meshgrid(*[EDGES] * (row.arity or 2))]
    (one,) = run([case_of(row, (dtype,) * len(xs))], [xs], 1)
    (many,) = run([case_of(row, (dtype,) * len(xs))], [xs], WIDTH)
    same_bits(one, many, xs, f"{name}: one lane and many")
    wanted = np.asarray(compute(row, xs, "float64"))
    assert one.dtype == wanted.dtype
    np.testing.assert_allclose(one, wanted, rtol=8 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)
    for x, y in ((one.real, wanted.real), (one.imag, wanted.imag)):
        assert (np.signbit(x) == np.signbit(y))[y == 0].all()


@pytest.mark.parametrize("name", TRANSCENDENTAL)
def test_integers_are_converted_first(name: str, rng: np.random.Generator) -> None:
    row = TABLE[name]
    for dtype in ("bool", "int8", "uint16", "int32"):
        dtypes = dtypes_of_row(row, dtype)
        if row.name == "pow":
            continue
        xs = [np.arange(1, 5).astype(dtype) for _ in dtypes]
        floats = [x.astype(d) for x, d in zip(xs, row.operands(dtypes, "float64"), strict=True)]
        from_integers, from_floats = run(
            [case_of(row, dtypes), case_of(row, tuple(x.dtype.name for x in floats))], [xs, floats], WIDTH
        )
        same_bits(from_integers, from_floats, xs, f"{name}[{dtype}]")


# ----- What is native -----


def combinations() -> Iterator[tuple[ScalarOp, tuple[str, ...], str]]:
    """Every row, with all operands up to two and three equal ones."""
    for row in TABLE.values():
        some = itertools.product(ALL_DTYPES, repeat=row.arity or 2)
        for dtypes in some if (row.arity or 2) < 3 else ((d,) * 3 for d in ALL_DTYPES):
            for floatX in ("float32", "float64"):
                if accepts(row, dtypes, floatX) is not None:
                    yield row, dtypes, floatX


def test_what_is_said_to_be_native_is() -> None:
    """Each row gives a value of its dtype, in checked code, or is an error said before."""
    for row, dtypes, floatX in combinations():
        code = Code()
        args: list[Value] = []
        for k, dtype in enumerate(dtypes):
            part = "float32" if real_of(dtype) == "float16" else real_of(dtype)
            x = code.input(f"x{k}", part)
            args.append((x, code.input(f"y{k}", part)) if is_complex(dtype) else x)
        out = row.out(dtypes, floatX)
        if is_native(row, dtypes, floatX):
            value = lower_row(code, row, args, dtypes, out, floatX)
            assert isinstance(value, tuple) == is_complex(out)
            wanted = "float32" if real_of(out) == "float16" else real_of(out)
            assert all(r.dtype == wanted for r in (value if isinstance(value, tuple) else (value,)))
        elif row.name != "pow":
            with pytest.raises(NotImplementedError, match="no machine code"):
                lower_row(code, row, args, dtypes, out, floatX)


def test_powers_that_are_native() -> None:
    row = TABLE["pow"]
    assert not is_native(row, ("int32", "int32"))
    assert not is_native(row, ("int32", "int32"), constants=(None, -1))
    assert is_native(row, ("int32", "int32"), constants=(None, 3)) and is_native(row, ("int32", "uint8"))
    assert is_native(row, ("complex64", "complex64"))
    assert is_native(row, ("float64", "float64"), constants=(None, 2)) and is_native(
        row, ("float64", "int8"), constants=(None, 3)
    )


def test_rows_without_machine_code_are_few() -> None:
    """Every float row but those that need series or iteration of unknown length."""
    assert (
        set("jv iv zeta tri_gamma gammainc gammaincc gammal gammau chi2sf".split())
        | {name for name in TABLE if TABLE[name].value is None} - set(FUNCTIONS) - set(ARITHMETIC)
        >= MISSING
    )
