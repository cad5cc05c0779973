"""Machine code printed as LLVM: every instruction gives NumPy's result in one lane and in many, through real code."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from symtheano.compile.target.native.code import Printer, literal, register_type
from symtheano.compile.target.native.llvm import Host, Module
from symtheano.compile.target.native.toolchain import HOSTS, assembly, build, host, object_for
from symtheano.scalar.machine import OPS, Code, Rare, Reg
from tests.native import machine
from tests.native.machine import WIDTH, Case, run
from tests.native.values import same_bits, values

INTS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float32", "float64")
TYPES = {"b": ("bool",), "i": INTS, "f": FLOATS}
WIDTHS = (1, WIDTH)
COUNT = 500


def _extremum(function: Any, order: Any) -> Any:
    def reference(x: Any, y: Any) -> Any:
        # NumPy's, with its choice of zeros said outright: the second of equal ones.
        return np.where(np.isnan(x), x, np.where(order(x, y), x, y)) if x.dtype.kind == "f" else function(x, y)

    return reference


def _modulo(shift: Any) -> Any:
    return lambda x, y: shift(x, y & (8 * x.dtype.itemsize - 1))


def _as_unsigned(shift: Any) -> Any:
    def reference(x: Any, y: Any) -> Any:
        kind = f"u{x.dtype.itemsize}"
        return shift(x.view(kind), y.view(kind)).view(x.dtype)

    return reference


def _arithmetic_shift(x: Any, y: Any) -> Any:
    signed = x.view(f"i{x.dtype.itemsize}")
    return np.right_shift(signed, y.astype(signed.dtype)).view(x.dtype)


def _quotient(x: Any, y: Any) -> Any:
    return np.array(
        [int(abs(int(a)) // abs(int(b))) * (1 if (a < 0) == (b < 0) else -1) for a, b in zip(x, y)], x.dtype
    )


REFERENCE: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "idiv": _quotient,
    "irem": lambda x, y: x - _quotient(x, y) * y,
    "neg": np.negative,
    "abs": np.absolute,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "rint": np.rint,
    "copysign": np.copysign,
    "half": lambda x: x.astype("float16").astype("float32"),
    "maximum": _extremum(np.maximum, np.greater),
    "minimum": _extremum(np.minimum, np.less),
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "not": np.invert,
    "shl": _modulo(np.left_shift),
    "lshr": _modulo(_as_unsigned(np.right_shift)),
    "ashr": _modulo(_arithmetic_shift),
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "select": np.where,
}


def _cases(op: str) -> list[Case]:
    count, result, allowed = OPS[op]
    found = []
    for dtype in (d for kind in allowed for d in TYPES[kind]):
        if op == "half" and dtype != "float32":
            continue
        dtypes = ("bool", dtype, dtype) if op == "select" else (dtype,) * count
        out = "bool" if result == "bool" else dtype
        found.append(Case(lambda code, *xs: code.op(op, *xs), dtypes, out))
    return found


def _given(case: Case, op: str, rng: np.random.Generator) -> list[Any]:
    xs = [values(dtype, COUNT, rng) for dtype in case.dtypes]
    if op in ("idiv", "irem"):
        # What these are not defined for is not asked of them.
        x, y = xs
        y[y == 0] = 1
        if x.dtype.kind == "i":
            y[(y == -1) & (x == np.iinfo(x.dtype).min)] = 1
    return xs


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("op", sorted(REFERENCE))
def test_an_instruction_gives_what_numpy_gives(op: str, width: int, rng: np.random.Generator) -> None:
    cases = _cases(op)
    given = [_given(case, op, rng) for case in cases]
    for case, xs, got in zip(cases, given, run(cases, given, width)):
        same_bits(got, np.asarray(REFERENCE[op](*xs)).astype(case.out), xs, f"{op} {case.dtypes}")


def test_every_instruction_is_tested() -> None:
    apart = {"input", "const", "fma", "convert", "bitcast"}
    assert apart | set(REFERENCE) == set(OPS)


@pytest.mark.parametrize("width", WIDTHS)
def test_fma_rounds_once(width: int, rng: np.random.Generator) -> None:
    if not host().fma:
        pytest.skip("this processor has no fused multiply-add")
    case = Case(lambda code, x, y, z: code.fma(x, y, z), ("float32",) * 3, "float32")
    x, y, z = (rng.normal(size=COUNT).astype("float32") for _ in range(3))
    z[:100] = -(x * y)[:100]  # what is left is the rounding error of the product
    product = x.astype("float64") * y  # exact; the sum may round twice, which a tie alone would show
    (got,) = run([case], [[x, y, z]], width)
    same_bits(got, (product + z).astype("float32"), [x, y, z], "fma")
    assert (got[:100] != 0).any()


@pytest.mark.parametrize("width", WIDTHS)
def test_bitcast_keeps_the_bits(width: int, rng: np.random.Generator) -> None:
    pairs = [
        ("float32", "int32"),
        ("float64", "uint64"),
        ("uint32", "float32"),
        ("int64", "float64"),
        ("int8", "uint8"),
    ]
    cases = [Case(lambda code, x, t=t: code.bitcast(x, dtype=t), (s,), t) for s, t in pairs]
    given = [[values(s, COUNT, rng)] for s, _ in pairs]
    for (_, target), (x,), got in zip(pairs, given, run(cases, given, width)):
        assert got.tobytes() == x.view(target).tobytes()


# ----- Conversions -----


def _conversions() -> list[tuple[str, str]]:
    every = ("bool", *INTS, *FLOATS)
    return [(s, t) for s in every for t in every]


@pytest.mark.parametrize("width", WIDTHS)
def test_conversions_are_those_of_c(width: int, rng: np.random.Generator) -> None:
    pairs = _conversions()
    cases = [Case(lambda code, x, t=t: code.convert(x, dtype=t), (s,), t) for s, t in pairs]
    given = []
    for source, target in pairs:
        x = values(source, COUNT, rng)
        if source in FLOATS and target in INTS:
            bounds = np.iinfo(target)
            fits = (x > float(bounds.min) - 1) & (x < float(bounds.max) + 1)
            x = np.where(fits, x, rng.uniform(bounds.min / 2, bounds.max / 2, COUNT)).astype(source)
        given.append([x])
    for (source, target), xs, got in zip(pairs, given, run(cases, given, width)):
        same_bits(got, xs[0].astype(target), xs, f"{source} to {target}")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("source", FLOATS)
def test_floats_that_no_integer_holds_give_some_integer(source: str, width: int) -> None:
    # Equal inputs give equal results wherever they stand: nothing depends on what LLVM thinks of poison.
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30] * 8, source)
    cases = [Case(lambda code, x, t=t: code.convert(x, dtype=t), (source,), t) for t in INTS]
    for got in run(cases, [[x]] * len(cases), width):
        assert (got.reshape(8, 5) == got[:5]).all()
    assert "freeze" in machine.text(cases, width)


@pytest.mark.parametrize("native", [True, False])
def test_float16_of_every_bit_pattern(native: bool, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    here = host()
    if not here.triple.startswith("x86_64"):
        pytest.skip("only x86 has processors without conversions")
    features = here.features if native else here.features.replace("+f16c", "-f16c")
    monkeypatch.setattr(machine, "host", lambda: replace(here, features=features))
    cases = [
        Case(lambda code, x: x, ("float16",), "float32"),
        Case(lambda code, x: x, ("float32",), "float16"),
        Case(lambda code, x: code.half(x), ("float32",), "float32"),
    ]
    every = np.arange(65536, dtype="uint16").view("float16")
    # Around the range of float16, a third of them exactly between two numbers of it.
    bits = rng.integers(0x33000000 - 9999, 0x47800000 + 9999, 2**16, dtype="uint32")
    bits[::3] = (bits[::3] & ~np.uint32(0x1FFF)) | 0x1000
    bits[::2] |= np.uint32(1 << 31)
    x = np.concatenate([bits, rng.integers(0, 2**32, 2**14, dtype="uint32")]).view("float32")
    wide, narrow, rounded = run(cases, [[every], [x], [x]], WIDTH)
    same_bits(wide, every.astype("float32"), [every], "from float16")
    same_bits(narrow, x.astype("float16"), [x], "to float16")
    same_bits(rounded, x.astype("float16").astype("float32"), [x], "half")
    assert ("fptrunc" in machine.text(cases[1:2], WIDTH)) == native


# ----- Constants -----

NUMBERS = [
    ("float32", 0.1), ("float32", -0.0), ("float64", 0.1), ("float64", -0.0), ("float64", np.inf), ("float32", -np.inf),
    ("float64", np.nan), ("float32", 1e-45), ("float64", 5e-324), ("int8", -128), ("uint8", 255), ("int64", -(2**63)),
    ("uint64", 2**64 - 1), ("bool", True), ("bool", False),
]  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
def test_constants_are_exact(width: int) -> None:
    cases = [Case(lambda code, x, d=d, v=v: code.const(v, d), (d,), d) for d, v in NUMBERS]
    given = [[np.zeros(9, d)] for d, _ in NUMBERS]
    for (dtype, number), got in zip(NUMBERS, run(cases, given, width)):
        same_bits(got, np.full(9, number, dtype), [got], f"{dtype} {number!r}")


def test_literals() -> None:
    assert literal(1.5, "float32", 1) == "0x3FF8000000000000"
    assert literal(3, "int32", 4) == "splat (i32 3)"
    assert literal(True, "bool", 1) == "true"
    assert register_type("float16", 8) == "<8 x float>" and register_type("bool", 1) == "i1"


# ----- Widths -----


def _called(module: Module, arrays: list[Any], count: int) -> None:
    loaded = build(str(module), ["f"])
    pointers = (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)(loaded.address("f"))(ctypes.addressof(pointers), count)


@pytest.mark.parametrize("early", [True, False])
def test_scalar_values_are_copied_into_all_lanes(early: bool, rng: np.random.Generator) -> None:
    """An outer loop computes sqrt(s) once, two inner loops read it: over whole vectors, then over the rest."""
    module = Module(host())
    function = module.function("f", [("ptr", "args"), ("i64", "n")], linkage="")
    code = Code()
    x, s = code.input("x", "float64"), code.input("s", "float64")
    root = code.sqrt(s)
    result = code.add(code.mul(x, root), s)
    px, ps, py = (function.slot("%args", k, "ptr") for k in range(3))
    whole = function.emit(f"and i64 %n, {-WIDTH}")
    inner = [place for place in code.needed([result]) if place != root.place]

    def outer(row: str, _: list[str]) -> None:
        printer = Printer(function, code)
        printer.give("s", function.load("double", function.gep(ps, row, "double"), 8), 1)
        printer.print([root.place], 1)
        if early:
            printer.splat([root, s], WIDTH)
        start = function.emit(f"mul i64 {row}, %n")

        def part(width: int) -> Any:
            def body(i: str, _: list[str]) -> None:
                with printer.scope():
                    place = function.emit(f"add i64 {start}, {i}")
                    type_ = register_type("float64", width)
                    printer.give("x", function.load(type_, function.gep(px, place, "double"), 8), width)
                    printer.print(inner, width)
                    assert printer.width(root) == 1 and printer.width(result) == width
                    function.store(type_, printer.value(result, width), function.gep(py, place, "double"), 8)

            return body

        function.loop("0", whole, WIDTH, [], part(WIDTH))
        function.loop(whole, "%n", 1, [], part(1))

    function.loop("0", "3", 1, [], outer)
    function.ret()
    count = 3 * WIDTH + 5
    xs, ss, ys = rng.normal(size=(3, count)), rng.uniform(1, 2, 3), np.zeros((3, count))
    _called(module, [xs, ss, ys], count)
    same_bits(ys, xs * np.sqrt(ss)[:, None] + ss[:, None], [xs, ys], "rows")


def test_a_wide_value_is_not_read_in_one_lane() -> None:
    function = Module(host()).function("f", [])
    code = Code()
    x = code.input("x", "float32")
    printer = Printer(function, code, {"x": ("%x", WIDTH)})
    with pytest.raises(ValueError, match="cannot be read"):
        printer.print([code.neg(x).place], 1)


def test_code_may_be_deep(rng: np.random.Generator) -> None:
    def deep(code: Code, x: Reg) -> Reg:
        value = x
        for k in range(3000):
            value = code.add(value, code.like(x, k % 7))
        return value

    x = rng.integers(-100, 100, 40)
    (got,) = run([Case(deep, ("int64",), "int64")], [[x]], WIDTH)
    assert (got == x + sum(k % 7 for k in range(3000))).all()


# ----- Rare lanes -----


def _count_down(code: Code, x: Reg) -> Reg:
    inner = Rare("negative", lambda code, x: code.neg(code.sqrt(code.neg(x))))
    return code.rare(code.lt(x, code.like(x, 0.0)), code.sqrt(x), inner, x)


RARE = Rare("cold", _count_down)


def _with_rare(code: Code, x: Reg) -> Reg:
    far = code.gt(code.abs(x), code.like(x, 2.0))
    twice = code.rare(far, code.mul(x, x), RARE, x)
    return code.add(twice, code.rare(far, x, RARE, x))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scale", [0.1, 1.0, 100.0])  # no lane, some lanes, all lanes
def test_rare_lanes(scale: float, width: int, rng: np.random.Generator) -> None:
    x = scale * rng.normal(size=200)
    if scale == 100.0:
        x += np.sign(x) * 3
    root = np.sign(x) * np.sqrt(np.abs(x))
    far = np.abs(x) > 2
    (got,) = run([Case(_with_rare, ("float64",), "float64")], [[x]], width)
    same_bits(got, np.where(far, root, x * x) + np.where(far, root, x), [x], "rare")


def test_a_rare_function_is_emitted_once_for_each_type_and_width() -> None:
    cases = [Case(_with_rare, (d,), d) for d in ("float64", "float64", "float32")]
    text = machine.text(cases, WIDTH)
    defined = [line for line in text.splitlines() if line.startswith("define") and "@rare." in line]
    # For each of both types: the two functions for one lane, and one that goes through many lanes.
    assert len(defined) == 6 and all("noinline" in line for line in defined)


# ----- Other machines -----


def _everything(machine_: Host, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(machine, "host", lambda: machine_)
    cases = [case for op in OPS if op not in ("input", "const", "convert", "bitcast") for case in _cases(op)]
    cases += [Case(lambda code, x, t=t: code.convert(x, dtype=t), (s,), t) for s, t in _conversions()]
    cases += [Case(_with_rare, (d,), d) for d in FLOATS]
    return machine.text(cases, width)


@pytest.mark.parametrize("name", sorted(HOSTS))
def test_every_machine_has_code_for_every_instruction(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = _everything(HOSTS[name], WIDTH, monkeypatch)
    assert object_for(text, HOSTS[name])
    for flag in ("fast", "nnan", "ninf", "nsz", "contract", "reassoc", "arcp"):
        assert f" {flag} " not in text, f"floating point is exact, not {flag}"


def test_an_extremum_is_one_instruction_and_a_select(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "host", lambda: HOSTS["avx512"])
    text = machine.text([Case(lambda code, x, y: code.maximum(x, y), ("float32",) * 2, "float32")], 16)
    lines = [line.split()[0] for line in assembly(text, HOSTS["avx512"]).splitlines() if "zmm" in line]
    assert lines.count("vmaxps") == 1 and lines.count("vcmpunordps") == 1 and len(lines) <= 6
