"""Kernels as native code against what they mean, named kernels of all forms and sizes around a vector's width."""

from __future__ import annotations

import math
import platform
from dataclasses import replace

import numpy as np
import pytest

from symtheano.compile.kernel import Buffer, Kernel, Reduce, Stage, Store
from symtheano.compile.target.native.llvm import Host
from symtheano.compile.target.native.nest import choose
from symtheano.compile.target.native.toolchain import HOSTS, host, object_for
from symtheano.scalar.expr import Builder, const, index, load
from symtheano.scalar.op import TABLE
from tests.native import kernels
from tests.native.kernel_numpy import Native, classes_of, interpret, launch, module_of
from tests.native.kernels import Case

pytest.importorskip("llvmlite")
m = Builder()

CASES: dict[str, Case] = {
    "softmax float32": kernels.softmax("float32", "i", "j", "ij"),
    "softmax float64": kernels.softmax("float64", "i", "j", "ij"),
    "softmax float16": kernels.softmax("float16", "i", "j", "ij"),
    "softmax of columns": kernels.softmax("float32", "j", "i", "ij"),
    "softmax over all": kernels.softmax("float32", "", "ij", "ij"),
    "softmax over none": kernels.softmax("float32", "ij", "", "ij"),
    "softmax in the middle": kernels.softmax("float64", "ij", "k", "ikj"),
    "logsumexp": kernels.logsumexp("float32"),
    "layer norm": kernels.layer_norm("float32"),
    "layer norm float64": kernels.layer_norm("float64"),
    "batch norm": kernels.batch_norm("float32"),
    "cross entropy": kernels.cross_entropy("float32"),
    "cross entropy float64": kernels.cross_entropy("float64"),
    "sum of rows": kernels.reduction("add", "float32", "float64", "i", "j", "ij"),
    "columns, stored early": kernels.columns_stored_early("float64", False),
    "columns, stored early and read": kernels.columns_stored_early("float64", True),
    "sum of columns": kernels.reduction("add", "float32", "float64", "j", "i", "ij"),
    "sum": kernels.reduction("add", "float64", "float64", "", "ij", "ij"),
    "sum float32": kernels.reduction("add", "float32", "float32", "i", "j", "ij"),
    "sum float16": kernels.reduction("add", "float16", "float16", "i", "j", "ij"),
    "sum float16 of columns": kernels.reduction("add", "float16", "float16", "j", "i", "ij"),
    "sum float16 in float32": kernels.reduction("add", "float16", "float32", "i", "j", "ij"),
    "sum int32": kernels.reduction("add", "int32", "int64", "i", "j", "ij"),
    "sum int8": kernels.reduction("add", "int8", "int64", "j", "i", "ij"),
    "sum bool": kernels.reduction("add", "bool", "int64", "i", "j", "ij"),
    "sum complex": kernels.reduction("add", "complex64", "complex64", "i", "j", "ij"),
    "product complex": kernels.reduction("mul", "complex128", "complex128", "j", "i", "ij"),
    "product": kernels.reduction("mul", "float64", "float64", "i", "j", "ij"),
    "product int": kernels.reduction("mul", "int64", "int64", "i", "j", "ij"),
    "maximum": kernels.reduction("maximum", "float32", "float32", "i", "j", "ij"),
    "minimum of columns": kernels.reduction("minimum", "float64", "float64", "j", "i", "ij"),
    "minimum int8": kernels.reduction("minimum", "int8", "int8", "i", "j", "ij"),
    "maximum uint16": kernels.reduction("maximum", "uint16", "uint16", "", "ij", "ij"),
    "all": kernels.reduction("and_", "bool", "bool", "i", "j", "ij"),
    "any of columns": kernels.reduction("or_", "bool", "bool", "j", "i", "ij"),
    "xor": kernels.reduction("xor", "int32", "int32", "i", "j", "ij"),
    "map": kernels.elementwise(lambda x, y: x * y + 1.0, "float32", "float32", "ij,ij"),
    "map transposed": kernels.elementwise(lambda x, y: x * y + 1.0, "float32", "float32", "ji,ij"),
    "map of rows and columns": kernels.elementwise(lambda x, y: x - y, "float64", "float64", "i,j"),
    "map of scalars": kernels.elementwise(lambda x, y: m.exp(x) + y, "float64", "float64", ",ij"),
    "map to bool": kernels.elementwise(lambda x, y: m.lt(x, y), "float32", "bool", "ij,j"),
    "map of bools": kernels.elementwise(lambda x, y: m.and_(x, m.invert(y)), "bool", "bool", "ij,ij"),
    "map int8": kernels.elementwise(lambda x, y: x * y - 3, "int8", "int8", "ij,i"),
    "map float16": kernels.elementwise(lambda x, y: x * y, "float16", "float16", "ij,ij"),
    "map complex": kernels.elementwise(lambda x, y: x * y, "complex64", "complex64", "ij,j"),
    "map of nothing": kernels.elementwise(lambda x: m.exp(x), "float32", "float32", "", ""),
    "map of coordinates": kernels.elementwise(lambda x: x + index("i") * 3 - index("j"), "int64", "int64", "ij"),
    "map of one axis": kernels.elementwise(lambda x: m.exp(x), "float32", "float32", "i", "i"),
    "map of quotients": kernels.elementwise(lambda x, y: x // (y * y + 1), "int64", "int64", "ij,ij"),
    "map of small quotients": kernels.elementwise(lambda x, y: x % (y * y + 1), "int8", "int8", "ij,j"),
    "map complex128": kernels.elementwise(lambda x, y: x / y - 2.0, "complex128", "complex128", "ij,i"),
    "map complex parts": kernels.elementwise(lambda x, y: m.real(x) * m.imag(y), "complex64", "float32", "ij,ij"),
    "map complex transposed": kernels.elementwise(lambda x, y: x - m.conj(y), "complex64", "complex64", "ji,ij"),
    "map complex128 transposed": kernels.elementwise(lambda x, y: x * y, "complex128", "complex128", "ij,ji"),
    "complex of columns": kernels.reduction("add", "complex128", "complex128", "j", "i", "ij"),
    "gather complex": kernels.gather("complex64"),
    "gather complex128": kernels.gather("complex128"),
    "scatter add complex": kernels.scatter_add("complex64"),
    "scatter add of complex points": kernels.scatter_add_points("complex128", "y"),
    "scatter add": kernels.scatter_add("float32"),
    "scatter add int": kernels.scatter_add("int64"),
    "scatter add of points": kernels.scatter_add_points("float32", "y"),
    "scatter add of halves": kernels.scatter_add_points("float16", "y"),
    "scatter add to one": kernels.scatter_add_points("float64", "0"),
    "scatter add of sums": kernels.scatter_add_sums("float64"),
    "gather": kernels.gather("float32"),
    "gather float64": kernels.gather("float64"),
}
SIZES = [(3, 5), (0, 3), (3, 0), (1, 1), (2, 16), (17, 1), (5, 67), (67, 5), (4, 200), (2, 3000)]


def arrays_for(case: Case, sizes: dict[str, int], seed: int = 0) -> dict[str, np.ndarray]:
    """Random arrays for a case; indices point inside, "n" is the length of the last axis."""
    rng = np.random.default_rng(seed)
    made = {}
    for buffer in case.kernel.buffers:
        shape = tuple(sizes[a] for a in case.shapes[buffer.name])
        made[buffer.name] = np.asarray(_random(rng, buffer.dtype, shape))
        if buffer.name == "y" and case.holds:
            made["y"] = rng.integers(0, max(1, sizes[case.holds]), shape)
        if buffer.name == "n":
            count = sizes["j"] if "j" in sizes else sizes["a"] * sizes["b"]
            made["n"] = np.array(count)
    return made


def _random(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    kind = np.dtype(dtype).kind
    if kind in "fc":
        values = rng.uniform(0.5, 1.5, shape)  # products stay in range
        return (values + (0.3j * rng.normal(size=shape) if kind == "c" else 0)).astype(dtype)
    if kind == "b":
        return rng.random(shape) < 0.9
    return rng.integers(-50 if kind == "i" else 0, 50, shape).astype(dtype)


def precision(case: Case) -> str:
    """The least precise dtype of floats in a case."""
    floats = [b.dtype for b in case.kernel.buffers if np.dtype(b.dtype).kind in "fc"]
    return max(floats, key=lambda d: np.finfo(d).eps, default="float64")


def assert_close(dtype: str, found: np.ndarray, truth: np.ndarray, scale: float = 1.0) -> None:
    """Equal, up to some roundings of floats."""
    if found.dtype.kind not in "fc":
        np.testing.assert_array_equal(found, truth)
        return
    eps = np.finfo(dtype).eps * scale
    np.testing.assert_allclose(found, truth, rtol=8 * eps, atol=8 * eps)


def check(case: Case, sizes: dict[str, int], cuts: tuple[int, ...] = (), machine: Host | None = None) -> None:
    """Native code and meaning agree."""
    if case.holds and not sizes[case.holds]:
        return  # there is nothing that an index could say
    found, truth = arrays_for(case, sizes), arrays_for(case, sizes)
    launch(case.kernel, found, sizes, cuts, machine)
    interpret(case.kernel, truth, sizes)
    for buffer in case.kernel.buffers:
        steps = max(1.0, float(max(sizes.values(), default=1)) ** 0.5)  # of a product, or of float32 sums
        assert_close(precision(case), found[buffer.name], truth[buffer.name], steps)


def sizes_of(case: Case, size: tuple[int, int]) -> dict[str, int]:
    """Lengths for the axes of a case, two of them in turn."""
    names = sorted([*case.kernel.axes, *case.kernel.inner])
    return {name: size[k % 2] if k < 2 else 3 for k, name in enumerate(names)}


@pytest.mark.parametrize("name", CASES)
def test_named_kernels(name: str) -> None:
    case = CASES[name]
    case.kernel.check()
    for size in SIZES:
        if name.startswith("product int"):
            size = (size[0], min(size[1], 67))
        check(case, sizes_of(case, size))


@pytest.mark.parametrize("name", CASES)
def test_parts_of_the_split_axis(name: str) -> None:
    check(CASES[name], sizes_of(CASES[name], (150, 9)), cuts=(64, 128))


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="code for x86")
@pytest.mark.parametrize("machine", ["avx2", "sse2"])
@pytest.mark.parametrize("name", CASES)
def test_code_of_lesser_machines(name: str, machine: str) -> None:
    native = HOSTS[machine]
    here = replace(native, triple=host().triple)
    for size in [(3, 37), (70, 5)]:
        check(CASES[name], sizes_of(CASES[name], size), machine=here)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "bool"])
@pytest.mark.parametrize("layouts", ["ji,ij", "j,ji", "kji,ijk", "jk,ki"])
def test_transposed_operands(layouts: str, dtype: str) -> None:
    axes = "ijk" if "k" in layouts else "ij"
    case = kernels.elementwise(lambda x, y: m.maximum(x, y), dtype, dtype, layouts, axes)
    check(case, dict(zip(axes, (37, 1050, 3) if axes == "ij" else (3, 40, 37))), cuts=(128,))
    check(case, dict(zip(axes, (150, 9, 20))), cuts=(128,))


def test_lanes_run_along_columns_unless_a_stage_reads_what_was_stored() -> None:
    for read, vector in ((False, "i"), (True, None)):
        kernel = kernels.columns_stored_early("float64", read).kernel
        classes = {b.name: ("s",) * (b.ndim - 1) + ("c",) for b in kernel.buffers}
        assert choose(kernel, classes, {}).vector == vector


@pytest.mark.parametrize("name", ["softmax float32", "map", "sum of columns", "scatter add", "softmax of columns"])
@pytest.mark.parametrize("machine", HOSTS)
def test_code_for_every_machine(name: str, machine: str) -> None:
    case = CASES[name]
    arrays = arrays_for(case, sizes_of(case, (2, 2)))
    text, _ = module_of(case.kernel, classes_of(case.kernel, arrays), HOSTS[machine])
    assert object_for(text, HOSTS[machine])


def test_text_is_deterministic() -> None:
    case = CASES["cross entropy"]
    classes = classes_of(case.kernel, arrays_for(case, {"i": 2, "j": 2}))
    assert module_of(case.kernel, classes) == module_of(case.kernel, classes)


@pytest.mark.parametrize("op", ["maximum", "minimum", "add"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("place", [0, 15, 16, 63, 64, 99])
def test_nan_is_kept_wherever_it_is(op: str, dtype: str, place: int) -> None:
    case = kernels.reduction(op, dtype, dtype, "i", "j", "ij")
    x = np.ones((1, 100), dtype)
    x[0, place] = np.nan
    o = np.zeros(1, dtype)
    launch(case.kernel, {"x": x, "o": o}, {"i": 1, "j": 100})
    assert np.isnan(o[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_infinite_sums(dtype: str) -> None:
    case = kernels.reduction("add", dtype, dtype, "i", "j", "ij")
    x = np.ones((3, 5000), dtype)
    x[0, 7], x[1, 4000] = np.inf, -np.inf
    x[2, 3], x[2, 4500] = np.inf, -np.inf
    o = np.zeros(3, dtype)
    launch(case.kernel, {"x": x, "o": o}, {"i": 3, "j": 5000})
    np.testing.assert_array_equal(o, [np.inf, -np.inf, np.nan])


@pytest.mark.parametrize("layout", ["i", "ij", "ji"])
@pytest.mark.parametrize(("dtype", "own"), [("float32", "float64"), ("float32", "float32"), ("float64", "float64")])
def test_sums_are_as_accurate_as_those_of_numpy(layout: str, dtype: str, own: str) -> None:
    rng = np.random.default_rng(1)
    inner = "i"
    axes = layout.replace("i", "")
    case = kernels.reduction("add", dtype, own, axes, inner, layout)
    sizes = {"i": 200_000, "j": 3}
    x = rng.random([sizes[a] for a in layout]).astype(dtype)
    o = np.zeros([sizes[a] for a in axes], own)
    launch(case.kernel, {"x": x, "o": o}, {a: sizes[a] for a in layout})
    along = layout.index("i")
    rows = np.moveaxis(x, along, -1).reshape(-1, sizes["i"]).astype(np.float64)
    truth = np.array([math.fsum(row) for row in rows]).reshape(o.shape)
    ours = np.abs(o.astype(dtype).astype(np.float64) - truth).max()
    numpys = np.abs(np.ascontiguousarray(np.moveaxis(x, along, -1)).sum(-1) - truth).max()
    assert ours <= max(numpys, np.spacing(truth.astype(dtype)).max())


def test_in_place() -> None:
    case = kernels.softmax("float32", "i", "j", "ij")
    x = np.random.default_rng(2).normal(size=(7, 203)).astype("float32")
    truth = {"x": x.copy(), "o": np.zeros_like(x)}
    interpret(case.kernel, truth, {"i": 7, "j": 203})
    launch(case.kernel, {"x": x, "o": x}, {"i": 7, "j": 203})
    assert_close("float32", x, truth["o"])


def test_a_written_buffer_is_read_as_it_was() -> None:
    i, j = index("i"), index("j")
    w, v = load("w", (i, j)), load("v", (i, j))
    body = (Store("v", (i, j), v * 0.5 + w), Store("w", (i, j), w - v))
    buffers = (Buffer("w", "float64", 2, True), Buffer("v", "float64", 2, True))
    kernel = Kernel(("i", "j"), (), buffers, (Stage(False, body),))
    rng = np.random.default_rng(3)
    w0, v0 = rng.normal(size=(5, 37)), rng.normal(size=(5, 37))
    arrays = {"w": w0.copy(), "v": v0.copy()}
    launch(kernel, arrays, {"i": 5, "j": 37})
    np.testing.assert_array_equal(arrays["v"], v0 * 0.5 + w0)
    np.testing.assert_array_equal(arrays["w"], w0 - v0)


def test_later_stages_read_what_was_stored() -> None:
    i, j = index("i"), index("j")
    stages = (
        Stage(
            True, (Store("o", (i, j), load("x", (i, j)) * 2.0), Reduce("r", TABLE["add"], "float64", load("x", (i, j))))
        ),
        Stage(False, (Store("s", (i,), load("r") + load("s", (i,))),)),
        Stage(True, (Store("o", (i, j), load("o", (i, j)) - load("s", (i,))),)),
    )
    buffers = (Buffer("x", "float64", 2), Buffer("o", "float64", 2, True), Buffer("s", "float64", 1, True))
    kernel = Kernel(("i",), ("j",), buffers, stages)
    for shape in [(3, 21), (0, 2), (2, 0)]:
        x = np.arange(float(np.prod(shape))).reshape(shape)
        s = np.ones(shape[0])
        arrays = {"x": x, "o": np.zeros_like(x), "s": s.copy()}
        launch(kernel, arrays, {"i": shape[0], "j": shape[1]})
        np.testing.assert_array_equal(arrays["s"], x.sum(1) + s)
        np.testing.assert_array_equal(arrays["o"], 2 * x - arrays["s"][:, None])


@pytest.mark.parametrize("axes", ["ij", "ji"])
def test_what_is_stored_once_reads_before_later_stages_store(axes: str) -> None:
    # s is stored at the end, unless what it is made of has changed by then.
    i, j = index(axes[0]), index(axes[1])
    at = (index("i"), index("j"))
    stages = (
        Stage(True, (Reduce("r", TABLE["add"], "float64", load("o", at)),)),
        Stage(False, (Store("s", (i,), load("r") + load("o", (const(0), const(0)))),)),
        Stage(True, (Store("o", at, load("o", at) - load("r")),)),
        Stage(False, (Store("t", (i,), load("r")),)),
    )
    buffers = [Buffer("o", "float64", 2, True), Buffer("s", "float64", 1, True), Buffer("t", "float64", 1, True)]
    kernel = Kernel((i.value,), (j.value,), tuple(buffers), stages)
    o = np.arange(12.0).reshape(3, 4) + 1
    if axes == "ij":
        o = o[:1].copy()  # one point: what others store is not read
    else:
        o = o[:, :1].copy()
    n = o.shape[0 if axes == "ij" else 1]
    arrays = {"o": o.copy(), "s": np.zeros(n), "t": np.zeros(n)}
    launch(kernel, arrays, {"i": o.shape[0], "j": o.shape[1]})
    np.testing.assert_array_equal(arrays["s"], [o.sum() + 1])
    np.testing.assert_array_equal(arrays["t"], [o.sum()])
    np.testing.assert_array_equal(arrays["o"], o - o.sum())


@pytest.mark.parametrize("layouts", ["ij,ij", "ij,j", "ij,i", "ij,ji"])
def test_an_operand_may_be_the_result(layouts: str) -> None:
    case = kernels.elementwise(lambda x, y: x * y + 1.0, "float32", "float32", layouts)
    for size in SIZES:
        found, truth = (arrays_for(case, sizes_of(case, size)) for _ in range(2))
        found["o"] = found["x0"]
        launch(case.kernel, found, sizes_of(case, size))
        interpret(case.kernel, truth, sizes_of(case, size))
        assert_close("float32", found["o"], truth["o"])


def test_nothing_is_read_or_written_beyond_the_end() -> None:
    # The arrays lie between guards; what lies beside them does not change.
    case = kernels.elementwise(lambda x: m.exp(x), "float32", "float32", "i", "i")
    for n in range(0, 70, 3):
        memory = np.full(n + 40, 7.0, "float32")
        out = memory[20 : 20 + n]
        launch(case.kernel, {"x0": np.zeros(n, "float32"), "o": out}, {"i": n})
        assert (out == 1).all() and (memory[:20] == 7).all() and (memory[20 + n :] == 7).all()


def test_a_constant_fills() -> None:
    kernel = Kernel(
        ("i",), (), (Buffer("o", "int16", 1, True),), (Stage(False, (Store("o", (index("i"),), const(7)),)),)
    )
    o = np.zeros(41, "int16")
    launch(kernel, {"o": o}, {"i": 41})
    assert (o == 7).all()


def test_a_row_is_split_only_where_parts_are_independent() -> None:
    case = kernels.scatter_add("float32")
    arrays = arrays_for(case, {"i": 2, "j": 2})
    assert Native(case.kernel, classes_of(case.kernel, arrays)).layout.split is None


def test_the_cost_of_a_point_is_that_of_its_innermost_loop() -> None:
    def cost(case: Case) -> float:
        return module_of(case.kernel, classes_of(case.kernel, arrays_for(case, {"i": 2, "j": 2})))[1].cost

    light = kernels.elementwise(lambda x, y: x + y, "float32", "float32", "ij,ij")
    heavy = kernels.elementwise(lambda x, y: m.exp(x) + y, "float32", "float32", "ij,ij")
    rows = kernels.elementwise(lambda x, y: m.exp(x) + y, "float32", "float32", "i,ij")
    assert 0.01 < cost(rows) < cost(light) < cost(heavy) / 2 < 1
