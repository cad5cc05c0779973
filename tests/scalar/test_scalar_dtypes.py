"""Dtypes: promotion, autocast, and each row's output dtype against Theano's table (shared/THEANO.md, section 2.2)."""

from __future__ import annotations

import functools
import itertools
import pickle
import subprocess
import sys

import numpy as np
import pytest
from scalar_samples import value

from symtheano.errors import ComplexError
from symtheano.scalar import TABLE, autocast, cast, upcast
from symtheano.scalar.dtypes import ALL_DTYPES, COMPLEX, DISCRETE, FLOAT, complex_of, real_of, upgrade_to_float

# Theano's table, one line a rule; a trailing * marks rows that refuse complex operands.
THEANO = {
    "float": """log sqrt exp tanh sin log1p cos arctan2* cosh gammaln* sinh expm1 inv arccos arctan erf* tan arcsin
        arctanh i0* i1* arccosh arcsinh gamma* gammainc* gammaincc* deg2rad* exp2 gammal* gammau* iv* j0* j1* jv*
        log10 log2 psi* rad2deg* tri_gamma* floor* erfc* ceil* erfcx* erfcinv* erfinv* trunc*
        sigmoid* softplus* hard_sigmoid* ultra_fast_sigmoid* xlogx* xlogy0* log1mexp* logaddexp* zeta*
        relu* leaky_relu* sigmoid_binary_crossentropy*""",
    "bool": "eq neq le* gt* lt* ge* isnan isinf",
    "bits": "and_* or_* xor* invert*",
    "switch": "switch",
    "upcast": "maximum* minimum* add mul mod* int_div* clip*",
    "division": "true_div",
    "same": "sqr identity sgn*",
    "second": "second",
    "real": "abs_ imag real",
    "round": "round_half_away_from_zero* round_half_to_even*",
    "float64": "chi2sf* angle",
    "min8": "conj pow",
    "no bool": "neg sub",
    "complex": "complex* complex_from_polar*",
}
CASES = [(name.rstrip("*"), rule, name.endswith("*")) for rule, names in THEANO.items() for name in names.split()]


def promote(dtypes: tuple[str, ...]) -> str:
    # From the left, two at a time, as Theano: promotion is not associative (uint8, int8, float16).
    return functools.reduce(np.promote_types, map(np.dtype, dtypes)).name


def as_float(dtype: str) -> str:
    kind = np.dtype(dtype)
    return dtype if kind.kind in "fc" else "float32" if kind.itemsize <= 2 else "float64"


def theano_dtype(rule: str, dtypes: tuple[str, ...], floatX: str) -> str | None:
    """What Theano gives, None for a TypeError."""
    common = promote(dtypes)
    discrete = all(np.dtype(d).kind in "biu" for d in dtypes)
    match rule:
        case "float":
            return promote(tuple(map(as_float, dtypes)))
        case "bool" | "float64":
            return rule
        case "bits":
            return common if discrete and np.dtype(common).kind in "biu" else None
        case "switch":
            return promote(dtypes[1:])
        case "upcast":
            return common
        case "division":
            return floatX if discrete else common
        case "same" | "second":
            return dtypes[rule == "second"]
        case "real":
            return np.empty(0, dtypes[0]).real.dtype.name
        case "round":
            return dtypes[0] if np.dtype(dtypes[0]).kind == "f" else None
        case "min8":
            return "int8" if common == "bool" else common
        case "no bool":
            return None if common == "bool" else common
        case "complex":
            wide = common in ("float64", "int64", "uint64", "int32", "uint32")
            return "complex128" if wide else "complex64"
    raise AssertionError(rule)


def test_the_table_is_complete() -> None:
    assert sorted(name for name, _, _ in CASES) == sorted(TABLE)


@pytest.mark.parametrize(("name", "rule", "real_only"), CASES)
def test_output_dtype(name: str, rule: str, real_only: bool) -> None:
    row = TABLE[name]
    for dtypes in itertools.product(ALL_DTYPES, repeat=row.arity or 2):
        expected = theano_dtype(rule, dtypes, "float32")
        if real_only and any(d in COMPLEX for d in dtypes):
            with pytest.raises(ComplexError, match=f"{name}\\(.*complex"):
                row.out(dtypes, "float32")
        elif expected is None:
            with pytest.raises(TypeError, match=f"^{name}\\("):
                row.out(dtypes, "float32")
        else:
            assert row.out(dtypes, "float32") == expected, dtypes
            operands = row.operands(dtypes, "float32")
            assert len(operands) == len(dtypes)


@pytest.mark.parametrize("name", list(TABLE))
def test_compute_gives_the_declared_dtype(name: str) -> None:
    row = TABLE[name]
    for pair in itertools.product(ALL_DTYPES, repeat=min(2, row.arity or 2)):
        dtypes = (*pair, pair[-1]) if row.arity == 3 else pair
        try:
            expected = row.out(dtypes, "float32")
        except TypeError:
            continue
        assert value(row, *(np.ones(2, dtype) for dtype in dtypes), floatX="float32").dtype == expected, dtypes


def test_wrong_number_of_operands() -> None:
    with pytest.raises(TypeError, match=r"exp: takes 1 operand\(s\), got 2: \(int8, int8\)"):
        TABLE["exp"].out(("int8", "int8"), "float64")
    with pytest.raises(TypeError, match="add: takes at least one operand"):
        TABLE["add"].out((), "float64")
    assert TABLE["add"].out(("int8",) * 4, "float64") == "int8"


def test_operands() -> None:
    assert TABLE["sqrt"].operands(("int32",), "float32") == ("float64",)
    assert TABLE["lt"].operands(("int8", "float32"), "float64") == ("float32", "float32")
    assert TABLE["switch"].operands(("bool", "int8", "float32"), "float64") == ("bool", "float32", "float32")
    assert TABLE["true_div"].operands(("int32", "int32"), "float32") == ("float64", "float64")
    assert TABLE["complex"].operands(("float32", "int8"), "float64") == ("float32", "float32")
    assert TABLE["abs_"].operands(("complex64",), "float64") == ("complex64",)
    assert cast("int8").operands(("float32",), "float64") == ("float32",)


def test_cast_dtype() -> None:
    for source, target in itertools.product(ALL_DTYPES, repeat=2):
        if source in COMPLEX and target not in COMPLEX:
            with pytest.raises(TypeError, match=r"ambiguous.*real\(\)"):
                cast(target).out((source,), "float64")
        else:
            assert cast(target).out((source,), "float64") == target
    with pytest.raises(TypeError, match="unknown dtype 'float31'"):
        cast("float31")
    assert cast("int8") is cast("int8") and cast("int8") != cast("int16")


# THEANO.md, section 3, item 4.
@pytest.mark.parametrize(
    ("dtypes", "want"),
    [
        ("int8 int8", "int8"),
        ("int32 float32", "float64"),
        ("int64 float32", "float64"),
        ("int16 float32", "float32"),
        ("int8 float16", "float16"),
        ("int16 float16", "float32"),
        ("uint8 int8", "int16"),
        ("uint32 int32", "int64"),
        ("uint64 int64", "float64"),
        ("float32 complex64", "complex64"),
        ("float64 complex64", "complex128"),
        ("bool bool", "bool"),
        ("bool float32", "float32"),
        ("int8", "int8"),
    ],
)
def test_upcast(dtypes: str, want: str) -> None:
    assert upcast(*dtypes.split()) == want


def test_upcast_errors() -> None:
    with pytest.raises(TypeError, match="unknown dtype 'object'"):
        upcast("int8", "object")
    with pytest.raises(TypeError, match="at least one"):
        upcast()


# THEANO.md, section 3, item 5: (value, floatX, dtype).
@pytest.mark.parametrize(
    ("value", "floatX", "want"),
    [
        (0.1, "float32", "float32"),
        (0.1, "float64", "float64"),
        (1.0, "float64", "float32"),
        (np.inf, "float64", "float32"),
        (1e300, "float64", "float64"),
        (1e300, "float32", "float32"),
        (np.nan, "float64", "float64"),
        (1.0, "float16", "float16"),
        (0.1, "float16", "float64"),
        (65536.0, "float16", "float32"),
        (0, "float64", "int8"),
        (-128, "float64", "int8"),
        (128, "float64", "int16"),
        (200, "float32", "int16"),
        (2**15, "float64", "int32"),
        (2**31, "float64", "int64"),
        (2**40, "float64", "int64"),
        (-(2**63), "float64", "int64"),
        (2**63, "float64", "uint64"),
        (True, "float64", "bool"),
        (1j, "float32", "complex64"),
        (0.1j, "float32", "complex128"),
        (1j, "float64", "complex128"),
        (np.float64(1), "float32", "float64"),
        (np.int16(1), "float32", "int16"),
        (np.zeros(3, "uint8"), "float32", "uint8"),
    ],
)
def test_autocast(value: object, floatX: str, want: str) -> None:
    with np.errstate(over="ignore"):
        result = autocast(value, floatX)
    assert result.dtype == want
    assert isinstance(result, np.ndarray) and result.ndim == np.ndim(value)  # type: ignore[arg-type]


def test_autocast_numpy_policy() -> None:
    assert autocast(1, "float32", "numpy+floatX").dtype == "int64"
    assert autocast(1.0, "float32", "numpy+floatX").dtype == "float32"
    assert autocast(0.1, "float64", "numpy+floatX").dtype == "float64"
    assert autocast(True, "float64", "numpy+floatX").dtype == "bool"
    with pytest.raises(ValueError, match="cast_policy must be one of"):
        autocast(1, "float32", "other")
    with pytest.raises(OverflowError, match="does not fit 64 bits"):
        autocast(2**64, "float32")


def test_parts_and_floats() -> None:
    assert [real_of(d) for d in COMPLEX] == ["float32", "float64"]
    assert [complex_of(d) for d in ("bool", "int32", *FLOAT)] == [
        "complex64",
        "complex128",
        "complex64",
        "complex64",
        "complex128",
    ]
    assert {d: upgrade_to_float(d) for d in DISCRETE} == {d: as_float(d) for d in DISCRETE}


def test_rows_pickle_by_name() -> None:
    for row in [*TABLE.values(), cast("float16")]:
        assert pickle.loads(pickle.dumps(row)) is row


def test_import_costs_numpy_alone() -> None:
    program = (
        "import sys, symtheano.scalar.expr, symtheano.scalar.namespace;"
        "print([m for m in ('scipy', 'sympy', 'mpmath', 'llvmlite', 'networkx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
