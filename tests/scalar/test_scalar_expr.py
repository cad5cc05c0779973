"""Expressions: interning, expanding, straight-line form, text, evaluation, depth."""

from __future__ import annotations

import copy
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from scalar_samples import NAMES, arity, points, value

from symtheano.scalar.expr import (
    Builder,
    Expr,
    Let,
    Operand,
    call,
    const,
    dtypes_of,
    evaluate,
    expand,
    expand_all,
    index,
    linearise,
    linearise_all,
    load,
    postorder,
    text,
)
from symtheano.scalar.namespace import numpy_namespace
from symtheano.scalar.op import TABLE, cast

m = Builder()
I = index("i")
X, Y = load("x", (I,)), load("y", (I,))


def run(lets: list[Let], env: dict[str, Any]) -> Any:
    """What a target does with the straight-line form."""
    done: dict[str, Any] = {}

    def read(operand: Operand) -> Any:
        if isinstance(operand, str):
            return done[operand]
        return operand.value if operand.kind == "const" else env[operand.value]

    for let in lets:
        operands = tuple(map(read, let.operands))
        if let.op is None:
            done[let.name] = env[let.expr.value][operands]
        else:
            done[let.name] = numpy_namespace.function(let.op)(*operands)
    return done[lets[-1].name]


@pytest.mark.parametrize("name", NAMES)
def test_every_row_expands_to_rows_that_targets_know(name: str) -> None:
    row = TABLE[name]
    columns = points(row, "int64" if row.integer else "float64")
    buffers = [f"x{k}" for k in range(arity(row))]
    expr = expand(row, [load(b) for b in buffers])
    assert all(n.value.value is None for n in postorder((expr,)) if n.kind == "call")
    got = evaluate(expr, dict(zip(buffers, columns, strict=True)))
    np.testing.assert_allclose(got, value(row, *columns), rtol=1e-15)


def test_equal_expressions_are_one_object() -> None:
    assert m.exp(X) + 1 is m.exp(load("x", (index("i"),))) + 1
    assert const(1) is const(1)
    distinct = [const(v) for v in (1, 1.0, True, -0.0, 0.0, np.float32(1), np.float64(1), float("nan"), 1j)]
    assert len(set(distinct)) == len(distinct)
    assert const(float("nan")) is const(float("nan"))
    assert load("x", (0,)) is load("x", (const(0),)) and load("x") is not load("y")
    assert copy.copy(X) is X and copy.deepcopy(X) is X
    with pytest.raises(AttributeError, match="immutable"):
        X.kind = "const"
    with pytest.raises(TypeError, match="not of str"):
        m.exp("x")
    with pytest.raises(TypeError, match=r"exp: takes 1 operand\(s\), got 2"):
        m.exp(X, Y)
    with pytest.raises(AttributeError, match="no row 'expp'"):
        _ = m.expp


def test_interning_forgets() -> None:
    from symtheano.scalar.expr import _INTERNED

    before = len(_INTERNED)
    big: Any = X
    for k in range(2000):
        big = big + k
    assert len(_INTERNED) > before + 2000
    del big
    assert len(_INTERNED) <= before + 1


@pytest.mark.parametrize(
    ("expr", "want"),
    [
        (m.exp(X) + 1, "exp(x[i]) + 1"),
        ((X + Y) * X - Y / X, "(x[i] + y[i]) * x[i] - y[i] / x[i]"),
        (X - (Y - X), "x[i] - (y[i] - x[i])"),
        (-(X + 1), "-(x[i] + 1)"),
        ((-X) ** 2, "(-x[i]) ** 2"),
        (X**Y**2, "x[i] ** (y[i] ** 2)"),
        (const(-2) ** X, "(-2) ** x[i]"),
        (m.switch(m.lt(X, 0), -X, X), "switch(x[i] < 0, -x[i], x[i])"),
        (m.and_(m.lt(X, 0), m.gt(X, Y)), "(x[i] < 0) & (x[i] > y[i])"),
        (m.and_(m.or_(X, Y), m.xor(X, Y)), "(x[i] | y[i]) & (x[i] ^ y[i])"),
        (load("a", (I * 2, 0)), "a[i * 2, 0]"),
        (m.add(X, Y, 1), "x[i] + y[i] + 1"),
        (m.cast(X, "int8"), "Cast{int8}(x[i])"),
        (2 // X % Y, "2 // x[i] % y[i]"),
        (abs(X), "abs_(x[i])"),
        (m.exp(X) * m.exp(X), "t0 = exp(x[i])\nt0 * t0"),
    ],
)
def test_text(expr: Expr, want: str) -> None:
    assert text(expr) == want == repr(expr)


def test_linearise_shares_and_names() -> None:
    shared = m.exp(X)
    lets, (a, b, c) = linearise_all((shared + 1, shared * I, const(3)))
    assert [(let.name, str(let.op), let.operands) for let in lets] == [
        ("t0", "None", (I,)),
        ("t1", "exp", ("t0",)),
        ("t2", "add", ("t1", const(1))),
        ("t3", "mul", ("t1", I)),
    ]
    assert (a, b, c) == ("t2", "t3", const(3))
    assert linearise(I) == []


def test_indices_may_be_computed() -> None:
    gather = load("x", (load("which", (I,)) + 1,))
    env = {"x": np.arange(10.0), "which": np.array([3, 5]), "i": np.arange(2)}
    assert evaluate(gather, env).tolist() == [4.0, 6.0]
    assert run(linearise(gather), env).tolist() == [4.0, 6.0]


def test_deep_and_shared_expressions_are_linear() -> None:
    expr: Any = X
    for _ in range(3000):
        expr = m.softplus(expr + expr)  # 2 ** 3000 paths
    assert len(postorder((expr,))) == 2 + 2 * 3000
    flat = expand_all(expr)
    assert len(linearise(flat)) < 10 * 3000
    assert pickle.loads(pickle.dumps(flat)) is flat
    assert text(flat).count("\n") < 10 * 3000
    with np.errstate(all="ignore"):
        evaluate(flat, {"x": np.ones(2), "i": np.arange(2)})


SAFE = ["add", "sub", "mul", "maximum", "minimum", "tanh", "sin", "neg", "sqr", "sigmoid", "softplus", "switch", "clip"]


@st.composite
def dags(draw: Any) -> Expr:
    """A random expression over x, y and constants, whose values stay tame."""
    nodes: list[Expr] = [X, Y, const(0.5), const(-1), I]
    for _ in range(draw(st.integers(1, 15))):
        row = TABLE[draw(st.sampled_from(SAFE))]
        count = row.arity or draw(st.integers(1, 3))
        picked = [nodes[draw(st.integers(0, len(nodes) - 1))] for _ in range(count)]
        nodes.append(m.tanh(call(row, *picked)))
    return nodes[-1]


@given(dags())
@settings(max_examples=60)
def test_all_forms_agree(expr: Expr) -> None:
    env = {"x": np.linspace(-2, 2, 5), "y": np.linspace(1, -1, 5), "i": np.arange(5)}
    want = evaluate(expr, env)
    expanded = expand_all(expr)
    np.testing.assert_allclose(evaluate(expanded, env), want, rtol=1e-12)
    np.testing.assert_allclose(run(linearise(expanded), env), want, rtol=1e-12)
    assert pickle.loads(pickle.dumps(expr)) is expr
    # The text is a Python program.
    *lines, last = re.sub(r"\b([a-z]\w*)\(", r"m.\1(", text(expr)).split("\n")
    scope = {**env, "m": numpy_namespace}
    for line in lines:
        exec(line, scope)
    np.testing.assert_allclose(eval(last, scope), want, rtol=1e-12)


def test_cast_in_expressions() -> None:
    assert evaluate(m.cast(X, "int8"), {"x": np.array([1.7, -1.7]), "i": slice(None)}).tolist() == [1, -1]
    assert call(cast("int8"), X) is m.cast(X, "int8")


@pytest.mark.parametrize(
    ("expr", "want"),
    [
        (m.exp(X) + 0.1, "float32"),
        (X * 2, "float32"),
        (Y + 1, "int32"),
        (Y * 0.5, "float64"),
        (Y * const(0.5), "float64"),
        (Y * const(np.float64(0.5)), "float64"),
        (X * const(np.float64(0.5)), "float64"),
        (m.switch(m.lt(X, 0), 1, 0), "int8"),
        (m.switch(m.lt(X, 0), 0.5, X), "float32"),
        (m.switch(m.lt(X, 0), Y, 0), "int32"),
        (X + I, "float64"),
        (I + 1, "int64"),
        (m.exp(1), "float32"),
        (const(3), "int8"),
        (X * 1j, "complex64"),
        (m.cast(X, "int8"), "int8"),
        (Y / Y, "float32"),
    ],
)
def test_dtypes(expr: Expr, want: str) -> None:
    assert (
        dtypes_of([expr], {"x": "float32", "y": "int32"}, "float32" if want == "float32" else "float64")[expr] == want
    )


@pytest.mark.parametrize("name", NAMES)
def test_definitions_keep_the_dtype(name: str) -> None:
    row = TABLE[name]
    for dtype in ("int8",) if row.integer else ("float16", "float32", "float64"):
        buffers = {f"x{k}": dtype for k in range(arity(row))}
        expr = expand(row, [load(b) for b in buffers])
        # Rows that are float64, complex or bool whatever they read say so by a cast of their users' own.
        if name not in ("chi2sf", "complex", "complex_from_polar"):
            assert dtypes_of([expr], buffers, "float64")[expr] == row.out((dtype,) * arity(row), "float64")


def test_interning_from_many_threads() -> None:
    def build(_: int) -> Expr:
        expr: Expr = X
        for k in range(300):
            expr = m.tanh(expr * k)
        return expr

    with ThreadPoolExecutor(8) as pool:
        assert len({id(expr) for expr in list(pool.map(build, range(32)))}) == 1
