"""Whole expressions as machine code: random ones give what their rows give one by one; deep ones do not recurse."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from symtheano.scalar.dtypes import ALL_DTYPES, autocast
from symtheano.scalar.expr import Builder, Expr, call, const, dtypes_of, index, load, operand_dtypes, postorder
from symtheano.scalar.machine import Code
from symtheano.scalar.namespace import compute
from symtheano.scalar.op import TABLE
from symtheano.scalar.op import cast as cast_row
from symtheano.scalar.rows import Value, lower_exprs
from tests.native.machine import WIDTH, Case, run
from tests.native.values import same_bits, values

m = Builder()
COUNT = 64
BUFFERS = ("x", "y", "z")
ROWS = """
    add mul sub true_div int_div mod neg inv sqr abs_ sgn maximum minimum clip floor ceil trunc real imag conj eq neq
    lt le gt ge isnan isinf and_ or_ xor invert switch second identity relu leaky_relu hard_sigmoid
    round_half_to_even round_half_away_from_zero complex
""".split()
CONSTANTS: list[Any] = [0, 1, -1, 3, 0.5, -2.0, 0.1, True, np.int16(7), np.float32(0.1), 1e30]


def reference(expr: Expr, arrays: dict[str, Any], dtypes: dict[Expr, str], floatX: str) -> Any:
    """The rows of an expression, one by one, as the NumPy target computes them."""
    found: dict[Expr, Any] = {}
    for node in postorder((expr,)):
        if node.kind == "load":
            found[node] = arrays[node.value]
        elif node.kind == "call":
            kinds = operand_dtypes(node, dtypes, floatX)
            args = [
                np.asarray(arg.value).astype(kind) if arg.kind == "const" else found[arg]
                for arg, kind in zip(node.args, kinds, strict=True)
            ]
            found[node] = compute(node.value, args, floatX)
    wanted = autocast(expr.value, floatX) if expr.kind == "const" else found[expr]
    return np.broadcast_to(wanted, (COUNT,))


def case_of(expr: Expr, buffers: dict[str, str], floatX: str) -> tuple[Case, dict[Expr, str]]:
    """The expression as a function of its buffers, in their order."""
    dtypes = dtypes_of((expr,), buffers, floatX)

    def build(code: Code, *xs: Value) -> Value:
        read = dict(zip(buffers, xs, strict=True))
        return lower_exprs(code, (expr,), dtypes, lambda node: read[node.value], floatX)[0]

    return Case(build, tuple(buffers.values()), dtypes[expr]), dtypes


@st.composite
def expressions(draw: st.DrawFn) -> tuple[Expr, dict[str, str], str]:
    """A random expression of two to twelve rows, the dtypes of its buffers, and floatX."""
    buffers = {name: draw(st.sampled_from(ALL_DTYPES)) for name in BUFFERS}
    floatX = draw(st.sampled_from(["float32", "float64"]))
    nodes: list[Expr] = [load(name) for name in BUFFERS]
    for _ in range(draw(st.integers(2, 12))):
        row = (
            TABLE[draw(st.sampled_from(ROWS))]
            if draw(st.integers(0, 5))
            else cast_row(draw(st.sampled_from(ALL_DTYPES)))
        )
        args = [
            draw(st.sampled_from(nodes[-6:])) if draw(st.integers(0, 3)) else const(draw(st.sampled_from(CONSTANTS)))
            for _ in range(row.arity or draw(st.integers(2, 4)))
        ]
        made = call(row, *args)
        if all(arg.kind == "const" for arg in args) or not _is_right(made, buffers, floatX):
            continue
        nodes.append(made)
    return nodes[-1], buffers, floatX


def _is_right(expr: Expr, buffers: dict[str, str], floatX: str) -> bool:
    """Whether an expression has a dtype, its constants fit, and no float beyond an integer's range is cast to it."""
    try:
        dtypes = dtypes_of((expr,), buffers, floatX)
    except TypeError:
        return False
    kinds = operand_dtypes(expr, dtypes, floatX)
    if expr.value.params and np.dtype(kinds[0]).kind == "f" and np.dtype(dtypes[expr]).kind in "iu":
        return False
    return all(
        np.isfinite(np.asarray(arg.value).astype(kind)).all() and not (np.dtype(kind).kind == "u" and arg.value < 0)
        for arg, kind in zip(expr.args, kinds, strict=True)
        if arg.kind == "const"
    )


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=150)
@given(expressions(), st.sampled_from([1, WIDTH]), st.integers(0, 99))
def test_random_expressions(made: tuple[Expr, dict[str, str], str], width: int, seed: int) -> None:
    expr, buffers, floatX = made
    rng = np.random.default_rng(seed)
    arrays = {name: values(dtype, COUNT, rng) for name, dtype in buffers.items()}
    case, dtypes = case_of(expr, buffers, floatX)
    (got,) = run([case], [list(arrays.values())], width)
    with np.errstate(all="ignore"):
        wanted = reference(expr, arrays, dtypes, floatX)
    same_bits(got, wanted, list(arrays.values()), f"{expr}")


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "bool"])
def test_constants_take_the_dtype_beside_them(dtype: str, rng: np.random.Generator) -> None:
    x = values(dtype, COUNT, rng)
    for expr in (load("x") + 1, load("x") * 0.1, m.maximum(load("x"), 0), m.switch(m.gt(load("x"), 0), 1, 0)):
        case, dtypes = case_of(expr, {"x": dtype}, "float32")
        (got,) = run([case], [[x]], WIDTH)
        same_bits(got, reference(expr, {"x": x}, dtypes, "float32"), [x], f"{expr}")


def test_several_expressions_share_their_parts() -> None:
    x = load("x", (index("i"),))
    shared = m.exp(x)
    exprs = (shared + 1, shared * 2, const(3), x)
    code = Code()
    reads: list[Expr] = []

    def read(node: Expr) -> Value:
        reads.append(node)
        return code.input("x", "float32")

    known: dict[Expr, Value] = {}
    dtypes = dtypes_of(exprs, {"x": "float32"}, "float32")
    results = lower_exprs(code, exprs, dtypes, read, "float32", known)
    assert reads == [x], "a load is read once, and its index is not looked at"
    before = len(code.instrs)
    again = lower_exprs(code, exprs, dtypes, read, "float32", known)
    assert again == results and reads == [x] and len(code.instrs) == before
    assert [r.dtype for r in results if not isinstance(r, tuple)] == ["float32", "float32", "int8", "float32"]
    code.check()


def test_expressions_may_be_deep() -> None:
    x = load("x")
    expr: Expr = x
    for k in range(5000):
        expr = m.minimum(expr + k % 3, 1e6)
    case, dtypes = case_of(expr, {"x": "float64"}, "float64")
    code = Code()
    code.check()
    values_ = np.linspace(-1, 1, COUNT)
    result = case.build(code, code.input("x", "float64"))
    assert not isinstance(result, tuple) and len(code.needed([result])) > 5000
    assert dtypes[expr] == "float64"
    shallow = expr
    for _ in range(9500):
        shallow = shallow.args[0]
    small, dtypes = case_of(shallow, {"x": "float64"}, "float64")
    (got,) = run([small], [[values_]], WIDTH)
    same_bits(got, reference(shallow, {"x": values_}, dtypes, "float64"), [values_], "shallow")
