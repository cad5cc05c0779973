"""Loops as they run: NumPy programs and host programs against the interpreter, which runs a loop by its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.target.choice import missing
from symtheano.graph.interpret import evaluate
from symtheano.scan.op import Scan
from symtheano.scan.step import Step

NUMPY = st.Mode(target="numpy")
needs_machine_code = pytest.mark.skipif(missing() is not None, reason="no machine code here")
KINDS = {"scalar": T.dscalar, "vector": T.dvector, "matrix": T.dmatrix}


# -- random loops ------------------------------------------------------------------------------------------------------
class Pool:
    """Expressions of scalars, vectors of length d and matrices of d x d, which grow from one another."""

    def __init__(self, draw: Any):
        self.draw = draw
        self.known: dict[str, list[Any]] = {kind: [] for kind in KINDS}

    def one(self, kind: str) -> Any:
        return self.draw(some.sampled_from(self.known[kind]))

    def grow(self, depth: int) -> None:
        kind = self.draw(some.sampled_from(sorted(KINDS)))
        rules = [getattr(self, name) for name in dir(self) if name.startswith(f"{kind}_")]
        self.known[kind].append(self.draw(some.sampled_from(rules))())
        if depth:
            self.grow(depth - 1)

    def scalar_product(self) -> Any:
        return T.tanh(self.one("scalar") * self.one("scalar") + 0.5)

    def scalar_sum(self) -> Any:
        return T.sin(self.one("vector").sum())

    def scalar_power(self) -> Any:
        return self.one("scalar") - 1.5

    def vector_sum(self) -> Any:
        return T.tanh(self.one("vector") + self.one("vector"))

    def vector_scaled(self) -> Any:
        return self.one("scalar") * self.one("vector")

    def vector_reversed(self) -> Any:
        return self.one("vector")[::-1]

    def vector_rows(self) -> Any:
        return self.one("matrix").sum(axis=0) / 4.0

    def vector_product(self) -> Any:
        return T.cos(T.dot(self.one("matrix"), self.one("vector")))

    def vector_rolled(self) -> Any:
        v = self.one("vector")
        return T.concatenate([v[1:], v[:1]])

    def vector_of_parts(self) -> Any:
        m, v = self.one("matrix"), self.one("vector")
        return T.concatenate([T.tanh(T.dot(m.T[1:], v) + v[1:] * m[0:1, 1:].sum(axis=0)), v[:1]])

    def vector_partly_written(self) -> Any:
        return T.set_subtensor(self.one("vector")[:1], self.one("scalar"))

    def vector_partly_added(self) -> Any:
        return T.inc_subtensor(self.one("vector")[1:], self.one("scalar"))

    def vector_filled(self) -> Any:
        return T.zeros_like(self.one("vector")) + 0.25

    def vector_nested(self) -> Any:
        return nested(self.one("vector"), self.one("matrix"), self.one("scalar"))

    def matrix_outer(self) -> Any:
        return T.tanh(T.outer(self.one("vector"), self.one("vector")))

    def matrix_transposed(self) -> Any:
        return self.one("matrix").T

    def matrix_mixed(self) -> Any:
        return T.sin(self.one("matrix") * self.one("vector") - self.one("matrix"))

    def matrix_product(self) -> Any:
        return T.tanh(T.dot(self.one("matrix"), self.one("matrix")))


def nested(v: Any, m: Any, s: Any) -> Any:
    """A loop over the rows of m: what it leaves of v, and the last but one of what it found."""
    const, state, row = T.dscalar("const"), T.dvector("state"), T.dvector("row")
    op = Scan(Step.of([const, state, row], [T.tanh(state * const + row)]), 1, 1)
    outs = op(m.shape[0], s, v, m)
    return outs[op.last(0)] + outs[op.before(0)].sum(axis=0)


@some.composite
def loops(draw: Any, sort: bool = False) -> tuple[Scan, list[str]]:
    """A loop, and the kinds of its inputs. sort: vectors are sorted in it, which no machine code does."""
    kinds = ["scalar", "vector", "matrix"]  # consts: one of each, so that every rule has operands
    carry = draw(some.lists(some.sampled_from(kinds), min_size=1, max_size=4))
    xs = draw(some.lists(some.sampled_from(kinds), max_size=2))
    variables = [KINDS[kind](f"{kind}{k}") for k, kind in enumerate([*kinds, *carry, *xs])]
    pool = Pool(draw)
    for kind, variable in zip([*kinds, *carry, *xs], variables, strict=True):
        pool.known[kind].append(variable)
    pool.grow(draw(some.integers(0, 7)))
    if sort:
        pool.known["vector"] = [T.sort(v) for v in pool.known["vector"]]
        pool.grow(draw(some.integers(0, 3)))
    results = draw(some.lists(some.sampled_from(kinds), max_size=2))
    outputs = [pool.one(kind) for kind in (*carry, *results)]
    until = draw(some.booleans())
    stop = [pool.one("scalar") > 0.8] if until else []
    op = Scan(Step.of(variables, [*outputs, *stop]), len(kinds), len(carry), until)
    return op, [*kinds, *carry, *xs]


def values_of(op: Scan, kinds: list[str], n: int, d: int, seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    shapes = {"scalar": (), "vector": (d,), "matrix": (d, d)}
    first = op.n_consts + op.n_carry
    return [rng.normal(size=(n,) * (k >= first) + shapes[kind]) for k, kind in enumerate(kinds)]


def given_variables(op: Scan) -> list[Any]:
    """Variables for the inputs of a loop."""
    first = op.n_consts + op.n_carry
    return [
        T.TensorType("float64", (False,) * (v.type.ndim + (k >= first)))(f"in{k}") for k, v in enumerate(op.step.inputs)
    ]


def check_loop(loop: Any, n: int, d: int, seed: int, data: Any, target: str) -> Any:
    """The function of some of a loop's outputs, which gave what the interpreter gives and left its arguments alone."""
    op, kinds = loop
    variables = given_variables(op)
    outs = op.make_node(n, *variables).outputs
    read = data.draw(some.lists(some.sampled_from(outs), min_size=1, unique_by=id))
    values = values_of(op, kinds, n, d, seed)
    expected = evaluate(read, dict(zip(variables, values, strict=True)))
    kept = [v.copy() for v in values]
    f = st.function(variables, read, mode=st.Mode(target=target), on_unused_input="ignore")
    for _ in range(2):
        for result, right in zip(f(*values), expected, strict=True):
            assert type(result) is np.ndarray and result.dtype == right.dtype
            np.testing.assert_allclose(result, right, rtol=1e-9, atol=1e-12)
    for value, before in zip(values, kept, strict=True):
        np.testing.assert_array_equal(value, before)
    return f


RANDOM = {
    "n": some.sampled_from([0, 1, 2, 5]),
    "d": some.sampled_from([0, 1, 3]),
    "seed": some.integers(0, 99),
    "data": some.data(),
}


@settings(max_examples=150)
@given(loop=loops(), **RANDOM)
def test_random_loops(loop: Any, n: int, d: int, seed: int, data: Any) -> None:
    check_loop(loop, n, d, seed, data, "numpy")


@needs_machine_code
@settings(max_examples=30)
@given(loop=loops(sort=True), **RANDOM)
def test_random_loops_with_steps_of_the_host(loop: Any, n: int, d: int, seed: int, data: Any) -> None:
    check_loop(loop, n, d, seed, data, "native")


@settings(max_examples=25)
@given(loop=loops(), **RANDOM)
def test_gradients_of_random_loops(loop: Any, n: int, d: int, seed: int, data: Any) -> None:
    op, kinds = loop
    variables = given_variables(op)
    outs = [o for o in op.make_node(n, *variables).outputs if o.type.dtype == "float64"]
    read = data.draw(some.lists(some.sampled_from(outs), min_size=1, unique_by=id))
    slopes = st.grad(sum((o * o).sum() for o in read), variables, disconnected_inputs="ignore")
    values = values_of(op, kinds, n, d, seed)
    expected = evaluate(slopes, dict(zip(variables, values, strict=True)))
    f = st.function(variables, slopes, mode=st.Mode(target="numpy"), on_unused_input="ignore")
    for found, right in zip(f(*values), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-6, atol=1e-8)


DTYPES = "bool int8 uint8 int16 uint16 int32 uint32 int64 uint64 float16 float32 float64 complex64 complex128".split()


@pytest.mark.parametrize("target", ["numpy", "native"] if missing() is None else ["numpy"])
@pytest.mark.parametrize("ndim", [0, 1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_states_of_every_dtype(dtype: str, ndim: int, target: str) -> None:
    """Numbers are NumPy's scalars in a loop: they must behave as arrays do, down to what overflows."""
    kind = T.TensorType(dtype, (False,) * ndim)
    h, x = kind("h"), kind("x")
    if dtype == "bool":
        new, result, seen = T.xor(h, x), T.and_(h, T.invert(x)), T.eq(h, x)
    elif dtype.startswith("complex"):
        new, result, seen = h * x + h, T.real(h) * 2, T.neq(h, x)
    else:
        new, result, seen = h * x + 100, T.maximum(h, x) // 3, T.lt(h, x)
    op = Scan(Step.of([h, x], [T.cast(new, dtype), result, T.switch(seen, h, x)]), 0, 1)
    variables = [kind("h0"), T.TensorType(dtype, (False,) * (ndim + 1))("xs")]
    outs = op.make_node(4, *variables).outputs
    rng = np.random.default_rng(0)
    values = [rng.integers(0, 5, size).astype(dtype) for size in ((2,) * ndim, (4, *(2,) * ndim))]
    f = st.function(variables, outs, mode=st.Mode(target=target))
    for found, right in zip(f(*values), evaluate(outs, dict(zip(variables, values, strict=True))), strict=True):
        assert found.dtype == right.dtype and found.shape == right.shape
        np.testing.assert_allclose(found, right, rtol=1e-2 if dtype == "float16" else 1e-5)
