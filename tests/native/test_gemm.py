"""Matrix products: whole numbers, whose sums are exact in any order; epilogues; shares of the work; other machines."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import gemm_table
from symtheano.compile.kernel import Buffer, Store
from symtheano.compile.target.native.gemm import GemmSpec, emit_gemm, library
from symtheano.compile.target.native.gemm.choice import Choice, choice_for
from symtheano.compile.target.native.gemm.shape import shape_for
from symtheano.compile.target.native.gemm.spec import Direct
from symtheano.compile.target.native.layout import Slot
from symtheano.compile.target.native.llvm import Module
from symtheano.compile.target.native.toolchain import HOSTS, assembly, build, host, object_for
from symtheano.errors import CheckError
from symtheano.scalar.expr import Expr, const, load
from tests.native.kernel_numpy import classes_of
from tests.native.products import (
    MACHINES,
    SUM,
    I,
    J,
    Native,
    added,
    bias_tanh,
    expected,
    kernel,
    plain,
    several,
    subtracted,
    update,
)

DTYPES = ["float32", "float64"]
SPECS: dict[str, Callable[[str], GemmSpec]] = {f.__name__: f for f in (plain, update, added, subtracted, several)}
LAYOUTS = ["rows", "columns", "apart"]
RNG = np.random.default_rng(1)


def guarded(array: np.ndarray, layout: str = "rows") -> np.ndarray:
    """The same values within memory full of nan (or ones), whose rows, whose columns, or neither lie side by side."""
    if layout == "columns":
        return guarded(array.T).T
    step = 3 if layout == "apart" else 1
    lengths = array.shape or (1,)
    steps = [1] * (len(lengths) - 1) + [step]
    room = np.full([n * s + 7 for n, s in zip(lengths, steps)], np.nan if array.dtype.kind == "f" else 1, array.dtype)
    view = room[tuple(slice(3, 3 + n * s, s) for n, s in zip(lengths, steps))].reshape(array.shape)
    assert np.shares_memory(view, room) or not array.size
    view[...] = array
    return view


def around(view: np.ndarray) -> np.ndarray:
    """The memory around a guarded array, and between its elements."""
    held = view.copy()
    view[...] = 0
    assert view.base is not None
    room: np.ndarray = view.base.copy()
    view[...] = held
    return room


def whole(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Whole numbers, small enough for exact sums."""
    return RNG.integers(-4, 5, shape).astype(dtype)


def arrays_for(
    spec: GemmSpec, m: int, k: int, n: int, layouts: Sequence[str] = ("rows", "rows", "rows")
) -> dict[str, np.ndarray]:
    """Arrays of whole numbers for a product."""
    shapes = {"b": (n,), "rate": (), "column": (m, 1), "row": (1, n)}
    made = {"A": guarded(whole((m, k), spec.dtype), layouts[0]), "B": guarded(whole((k, n), spec.dtype), layouts[1])}
    for buffer in spec.epilogue.buffers:
        values = whole(shapes.get(buffer.name, (m, n)), buffer.dtype)
        made[buffer.name] = guarded(values, layouts[2]) if buffer.ndim == 2 else guarded(values)
    return made


def check_exactly(spec: GemmSpec, arrays: dict[str, np.ndarray], native: Native, cuts: Sequence[int] = ()) -> None:
    """Runs the native product: every result is what it must be, to the bit, and nothing else has changed."""
    right = expected(spec, arrays)
    before = {n: around(a) for n, a in arrays.items() if a.base is not None}
    native(arrays, cuts)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, right[name].astype(array.dtype), err_msg=name)
    for name, room in before.items():
        np.testing.assert_array_equal(around(arrays[name]), room, err_msg=f"around {name}")


def innermost(text: str, name: str) -> list[str]:
    """The lines of the loop of a function: from the label that a later line jumps back to."""
    lines = text[text.index(f"{name}:") :].split(".cfi_endproc")[0].splitlines()
    places = {line.split(":")[0].strip(): k for k, line in enumerate(lines) if re.match(r"\S+:", line)}
    for k, line in enumerate(lines):
        target = places.get(line.split()[-1]) if re.match(r"\s+(j|b)\S*\s", line) else None
        if target is not None and target < k:
            return lines[target : k + 1]
    raise AssertionError(text)


# ----- Right -----

SIZES = st.one_of(st.integers(0, 20), st.integers(0, 140))
_natives: dict[object, Native] = {}


def native_for(
    spec: GemmSpec,
    arrays: dict[str, np.ndarray],
    machine: str = "this",
    shared: bool = False,
    choice: Choice | None = None,
) -> Native:
    """The native product for arrays that lie like these."""
    key = (
        spec.dtype,
        str(spec.epilogue),
        machine,
        shared,
        choice,
        str(classes_of(spec.epilogue, arrays)),
        arrays["A"].strides[1],
    )
    if key not in _natives:
        _natives[key] = Native(spec, arrays, MACHINES[machine], shared, choice)
    return _natives[key]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SPECS)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_products_of_whole_numbers_are_exact(name: str, dtype: str, machine: str, data: st.DataObject) -> None:
    m, k, n = (data.draw(SIZES) for _ in "mkn")
    layouts = tuple(data.draw(st.sampled_from(LAYOUTS)) for _ in range(2))
    out = data.draw(st.sampled_from(["rows", "apart"]))
    spec = SPECS[name](dtype)
    arrays = arrays_for(spec, m, k, n, (*layouts, out))
    cuts = data.draw(st.lists(st.integers(0, 140), max_size=3))
    check_exactly(spec, arrays, native_for(spec, arrays, machine), cuts)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layouts", [("rows", "rows"), ("columns", "rows"), ("rows", "columns"), ("apart", "apart")])
@pytest.mark.parametrize("size", [(131, 1201, 150), (450, 331, 140)])
def test_large_products_are_exact(
    size: tuple[int, int, int], layouts: tuple[str, str], dtype: str, machine: str
) -> None:
    """Beyond where parts of A and B are collected, and with several blocks of rows and panels of columns."""
    spec = update(dtype)
    arrays = arrays_for(spec, *size, (*layouts, "rows"))
    check_exactly(spec, arrays, native_for(spec, arrays, machine), [50])


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_and_columns_that_are_one_in_memory(dtype: str) -> None:
    """Strides of 0, as of broadcast arrays."""
    spec = plain(dtype)
    for name in "AB":
        for axis in (0, 1):
            arrays = arrays_for(spec, 21, 30, 70)
            one = np.take(arrays[name], [0], axis)
            arrays[name] = np.broadcast_to(one, arrays[name].shape)
            right = expected(spec, arrays)["out"]
            Native(spec, arrays)(arrays)
            np.testing.assert_array_equal(arrays["out"], right)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rows", range(30))
def test_every_number_of_rows(rows: int, dtype: str) -> None:
    spec = plain(dtype)
    for columns in (1, 16, 17, 33, 64, 65, 130):
        for depth in (0, 1, 9):
            arrays = arrays_for(spec, rows, depth, columns)
            check_exactly(spec, arrays, native_for(spec, arrays, shared=True), [rows // 2])


def reals(spec: GemmSpec, m: int, k: int, n: int) -> dict[str, np.ndarray]:
    """Arrays of real numbers for a product."""
    made = arrays_for(spec, m, k, n)
    for name in ("A", "B", "b"):
        if name in made:
            made[name][...] = RNG.normal(size=made[name].shape)
    return made


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "k", "n"), [(20, 784, 500), (3, 1, 7), (100, 50, 30), (65, 300, 64)])
def test_a_bias_and_tanh(m: int, k: int, n: int, dtype: str) -> None:
    spec = bias_tanh(dtype)
    arrays = reals(spec, m, k, n)
    arrays["A"] /= np.sqrt(k)
    native_for(spec, arrays)(arrays)
    a, b, bias = (arrays[x].astype(np.longdouble) for x in ("A", "B", "b"))
    right = np.tanh(a @ b + bias)
    # Each of k sums is rounded once; tanh makes no error larger, and adds some units of its own.
    size = np.abs(a) @ np.abs(b) + np.abs(bias)
    eps = np.finfo(dtype).eps
    assert (
        np.abs(arrays["out"] - right) <= (k + 1) * eps / 2 * size * (1 - right**2) * 1.01 + 4 * eps * np.abs(right)
    ).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "k", "n"), [(40, 100, 300), (300, 100, 40), (101, 700, 120)])
def test_results_do_not_depend_on_how_the_work_is_divided(m: int, k: int, n: int, dtype: str) -> None:
    spec = plain(dtype)
    arrays = reals(spec, m, k, n)
    native = native_for(spec, arrays)
    native(arrays)
    once = arrays["out"].copy()
    for cuts in ([1], [m // 2], range(m), [m // 3, m // 3 + 1, m - 1]):
        arrays["out"][...] = np.nan
        native(arrays, cuts)
        np.testing.assert_array_equal(arrays["out"], once)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_shared_loops_are_the_same(dtype: str) -> None:
    spec = bias_tanh(dtype)
    arrays = reals(spec, 37, 90, 71)
    native_for(spec, arrays)(arrays)
    alone = arrays["out"].copy()
    arrays["out"][...] = np.nan
    shared = native_for(spec, arrays, shared=True)
    shared(arrays)
    np.testing.assert_array_equal(arrays["out"], alone)
    assert len(shared.text) < len(native_for(spec, arrays).text) / 3


def test_several_threads_at_once() -> None:
    spec = plain("float32")
    many = [reals(spec, 90, 200, 80) for _ in range(4)]
    native = native_for(spec, many[0])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda arrays: native(arrays, range(90)), many * 10))
    for arrays in many:
        found = arrays["out"].copy()
        native(arrays)
        np.testing.assert_array_equal(found, arrays["out"])


# ----- The BLAS instead -----


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SPECS)
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_products_by_the_blas(name: str, dtype: str, data: st.DataObject) -> None:
    m, k, n = data.draw(SIZES), data.draw(SIZES), data.draw(SIZES)
    layouts = [data.draw(st.sampled_from(LAYOUTS)), data.draw(st.sampled_from(LAYOUTS)), "rows"]
    spec = SPECS[name](dtype)
    arrays = arrays_for(spec, m, k, n, layouts)
    native = native_for(spec, arrays, choice=Choice(1, 1))
    assert Slot("function", {"float32": "sgemm", "float64": "dgemm"}[dtype]) in native.layout.slots
    check_exactly(spec, arrays, native, [m // 2])


def test_the_blas_is_called_where_the_choice_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A BLAS that does nothing: what it should have done is missing."""
    module = Module(host())
    nothing = module.function("nothing", [("i64", "ta")], "i32", linkage="")
    nothing.ret("0")
    loaded = build(str(module), ["nothing"])
    monkeypatch.setattr(library, "pointers", lambda: {"sgemm": loaded.address("nothing")})
    spec = plain("float32")
    for (m, k, n), layouts, called in (
        ((8, 8, 8), ("rows", "rows", "rows"), True),
        ((8, 8, 8), ("columns", "columns", "rows"), True),
        ((64, 8, 8), ("rows", "columns", "rows"), True),
        ((8, 8, 64), ("columns", "rows", "rows"), True),
        ((8, 8, 7), ("rows", "rows", "rows"), False),
        ((2, 64, 8), ("rows", "rows", "rows"), False),
        ((8, 8, 8), ("apart", "rows", "rows"), False),
    ):
        arrays = arrays_for(spec, m, k, n, layouts)
        arrays["out"][...] = 99
        native_for(spec, arrays, choice=Choice(512, 4))(arrays)
        assert (arrays["out"] == 99).all() == called


@pytest.mark.parametrize("choice", [Choice(), Choice(1, 1), Choice(1000, 1), Choice(1000, 10), Choice(1 << 40, 16)])
def test_the_rule_in_machine_code(choice: Choice) -> None:
    module = Module(host())
    f = module.function("rule", [("i64", "m"), ("i64", "n"), ("i64", "k")], "i1", linkage="")
    f.ret(choice.emit(f, "%m", "%n", "%k"))
    loaded = build(str(module), ["rule"])
    rule = ctypes.CFUNCTYPE(ctypes.c_bool, *[ctypes.c_int64] * 3)(loaded.address("rule"))
    lengths = [0, 1, 9, 10, 16, 100, 1 << 20, (1 << 31) - 1]
    for m in lengths:
        for n in lengths:
            for k in lengths:
                right = choice.work is not None and m * n * k >= choice.work and min(m, n, k) >= choice.least
                assert rule(m, n, k) == right, (m, n, k)
    assert not rule(1 << 31, 100, 100)
    assert ("BLAS" in str(choice)) == (choice.work is not None)


def test_choices_of_machines() -> None:
    assert choice_for(HOSTS["macos"]).work is not None
    assert all(choice_for(HOSTS[name]).work is None for name in HOSTS if name != "macos")


def test_what_the_table_compares_computes_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    size = gemm_table.Size(30, 40, 50, "tn")
    for epilogue in gemm_table.EPILOGUES:
        ours, theirs = (gemm_table.Contender(size, "float64", epilogue, c) for c in (Choice(), Choice(1, 1)))
        for contender in (ours, theirs):
            contender.arrays["rate"][...] = 0.5
            contender(3)
        product = ours.arrays["A"] @ ours.arrays["B"]
        right = product if epilogue == "plain" else -1.5 * product
        for contender in (ours, theirs):
            np.testing.assert_allclose(contender.arrays["out"], right, rtol=1e-12, atol=1e-12)
    assert gemm_table.main(["--quick"]) == 0
    assert "once on a machine" in capsys.readouterr().out


# ----- What an epilogue may be -----


def test_an_epilogue_that_is_none() -> None:
    x = load("x", (I, J))
    out, buffer = Buffer("out", "float32", 2, True), Buffer("x", "float32", 2)
    twice = kernel([out, buffer], Store("out", (I, J), x + load("x", (const(0), J)) + SUM))
    computed = kernel([out, buffer], Store("out", (I, J), load("x", (I + 1, J)) + SUM))
    access = {"out": ("s", "c"), "x": ("s", "c")}
    for wrong, reason in ((twice, "several places"), (computed, "computed place")):
        with pytest.raises(CheckError, match=reason):
            emit_gemm(Module(host()), "gemm", GemmSpec("float32", wrong), access)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_tiles_do_themselves(dtype: str) -> None:
    other = {"float32": "float64", "float64": "float32"}[dtype]
    w, rate, x = load("W", (I, J)), load("rate"), load("x", (I, J))

    def direct(expr: Expr, of: str = dtype) -> Direct | None:
        buffers = [Buffer("W", dtype, 2, True), Buffer("rate", of, 0), Buffer("x", of, 2)]
        return GemmSpec(dtype, kernel(buffers, Store("W", (I, J), expr))).direct

    assert direct(SUM) == Direct("W")
    assert direct(w - rate * SUM) == Direct("W", "W", rate, True)
    assert direct(x + SUM * rate) == Direct("W", "x", rate)
    assert direct(w + SUM * 0.5) == Direct("W", "W", const(0.5))
    for expr in (w * SUM, rate * SUM, w + x * SUM, w + SUM * SUM, SUM - w, w - rate * SUM - x, w + x):
        assert direct(expr) is None, expr
    for expr in (w - rate * SUM, x + SUM, w + SUM * np.dtype(other).type(0.1)):
        assert direct(expr, other) is None, expr


# ----- Machines -----


@pytest.mark.parametrize("machine", HOSTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_code_for_every_machine(machine: str, dtype: str) -> None:
    code = object_for(library.text(HOSTS[machine], dtype), HOSTS[machine])
    assert 3000 < len(code) < 40000


@pytest.mark.parametrize("machine", HOSTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_accumulators_stay_in_registers(machine: str, dtype: str) -> None:
    """The loop of the largest tile writes no memory, and has one multiply-add for each accumulator."""
    shape = shape_for(HOSTS[machine], dtype)
    text = assembly(library.text(HOSTS[machine], dtype), HOSTS[machine])
    loop = innermost(text, f"gemm.{shape.type}.tile{shape.tall}x{shape.widths[0]}")
    adds = [line for line in loop if re.match(r"\s+(v?fmadd|vfmadd|fmla|mulp|fmul)", line)]
    assert len(adds) == shape.tall * shape.widths[0], "\n".join(loop)
    assert not [line for line in loop if re.search(r"mov\S+\s.*, \S*\(%r[sb]p\)|str\s|stp\s", line)], "\n".join(loop)
