"""Rules of loops: what is computed where, and that values stay what the interpreter says."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.mode import get_mode
from symtheano.compile.pipeline import Report, rewrite
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import interpret
from symtheano.scan.op import Scan
from symtheano.scan.prune import meaning
from symtheano.scan.step import Step
from symtheano.tensor.dot import Dot
from symtheano.tensor.elemwise import Elemwise


def rewritten(inputs: list[Any], outputs: list[Any]) -> tuple[FunctionGraph, FunctionGraph, Counter[str]]:
    """The closed graph as it is and after all phases, and the rules that fired."""
    before, report = FunctionGraph(inputs, outputs), Report()
    after = rewrite(before, get_mode("FAST_RUN").phases(), report)
    after.check()
    return before, after, report.fired


def agree(before: FunctionGraph, after: FunctionGraph, values: list[Any]) -> None:
    for a, b in zip(interpret(before, values), interpret(after, values), strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_allclose(a, b, 1e-9, 1e-9)


def loops(graph: FunctionGraph) -> list[Any]:
    return [node for node in graph.nodes if isinstance(node.op, Scan)]


def products(graph: FunctionGraph) -> int:
    return sum(isinstance(node.op, Dot) for node in graph.nodes)


def numbers(*shapes: tuple[int, ...]) -> list[Any]:
    rng = np.random.default_rng(0)
    return [0.5 * rng.normal(size=shape) for shape in shapes]


x, h0, W, U, b = T.dtensor3("x"), T.dmatrix("h0"), T.dmatrix("W"), T.dmatrix("U"), T.dvector("b")
INPUTS = [x, h0, W, U, b]


def rnn() -> Any:
    """The hidden states of a vanilla recurrent network."""
    step: Any = lambda x, h, W, U, b: T.tanh(T.dot(x, W) + T.dot(h, U) + b)
    return st.scan(step, sequences=x, outputs_info=h0, non_sequences=[W, U, b])[0]


def rnn_values(n: int) -> list[Any]:
    return numbers((n, 2, 3), (2, 5), (3, 5), (5, 5), (5,))


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("cost", [lambda h: T.sqr(h[-1]).sum(), lambda h: T.sqr(h).sum()], ids=["last", "all"])
def test_gradients_of_a_recurrent_network_are_large_products(cost: Any, n: int) -> None:
    """x.W before the loop, one small product per step, and dx, dW, dU after it: nothing else."""
    total = cost(rnn())
    before, after, _ = rewritten(INPUTS, [total, *st.grad(total, INPUTS)])
    forward, backward = loops(after)
    assert products(forward.op.step.graph) == products(backward.op.step.graph) == 1
    assert products(after) == 4
    assert backward.op.n_carry == 1
    agree(before, after, rnn_values(n))


def test_no_rows_are_kept_where_the_last_is_read() -> None:
    before, after, fired = rewritten(INPUTS, [rnn()[-1]])
    (loop,) = loops(after)
    read = {i for node in after.nodes for i in node.inputs} | set(after.outputs)
    assert [meaning(loop.op, k)[0] for k, o in enumerate(loop.outputs) if o in read] == ["last"]
    assert fired["only_last_is_read"] == 1
    agree(before, after, rnn_values(3))
    with pytest.raises(IndexError):
        interpret(after, rnn_values(0))


def test_maps_are_no_loops() -> None:
    y = T.dmatrix("y")
    out, _ = st.map(lambda row, w: T.nnet.softmax(T.dot(row, w)) + row.sum(), y, [W])
    before, after, _ = rewritten([y, W], [out])
    assert not loops(after)
    for n in (0, 1, 4):
        agree(before, after, numbers((n, 3), (3, 2)))


def test_output_layers_leave_the_loop() -> None:
    v, y = T.dmatrix("v"), T.dmatrix("y")
    outs, _ = st.scan(lambda e, h: [q := T.tanh(e + h), T.nnet.softmax(T.dot(q, v))], y, [h0[0], None])
    before, after, _ = rewritten([y, h0, v], [outs[1]])
    assert [products(node.op.step.graph) for node in loops(after)] == [0] and products(after) == 1
    agree(before, after, numbers((4, 5), (1, 5), (5, 3)))


def test_loops_over_one_range_are_one() -> None:
    y = T.dmatrix("y")
    first, _ = st.scan(lambda e, h: T.tanh(e + h), y, h0[0])
    second, _ = st.scan(lambda e, h: T.tanh(e * h), y, h0[0])
    same, _ = st.scan(lambda e, h: T.tanh(e + h), y, h0[0])
    above, _ = st.scan(lambda e, h: T.tanh(e - h), first, h0[0])
    before, after, _ = rewritten([y, h0], [first, second, same[-1], above])
    assert sorted(node.op.n_carry for node in loops(after)) == [1, 2]
    agree(before, after, numbers((4, 5), (1, 5)))


def test_steps_are_in_the_normal_form_of_all_phases() -> None:
    y = T.dmatrix("y")
    inner: Any = lambda e, s: st.scan(lambda a, t: T.log(1 + T.exp(a + t)), e, s)[0][-1]
    out, _ = st.scan(lambda e, s: inner(e, s) * 1, y, T.constant(0.5, dtype="float64"))
    before, after, _ = rewritten([y], [out])
    (loop,) = loops(after)
    (nested,) = loops(loop.op.step.graph)
    assert [str(n.op.scalar_op.name) for n in nested.op.step.graph.nodes if isinstance(n.op, T.Elemwise)] == [
        "add",
        "softplus",
    ]
    agree(before, after, numbers((4, 5)))


@some.composite
def random_loops(draw: Any) -> tuple[list[Any], list[Any]]:
    """Inputs and outputs of a graph with a loop of vectors and matrices (all axes of length 3)"""
    kinds = [T.dvector, T.dmatrix]
    consts = [draw(some.sampled_from(kinds))() for _ in range(draw(some.integers(0, 3)))]
    carry = [draw(some.sampled_from(kinds))() for _ in range(draw(some.integers(0, 3)))]
    rows = [
        draw(some.sampled_from([T.dmatrix, T.dtensor3]))() for _ in range(draw(some.integers(0 if carry else 1, 2)))
    ]
    n = T.lscalar("n")
    inner = [v.type() for v in (*consts, *carry)] + [kinds[v.ndim - 2]() for v in rows]
    pool = list(inner)
    for _ in range(draw(some.integers(1, 9))):
        pool.append(_combined(draw, pool))
    news = [_of_kind(draw, pool, v, pool[len(consts) + k]) for k, v in enumerate(carry)]
    results = draw(some.lists(some.sampled_from(pool), min_size=0 if carry else 1, max_size=3))
    until = draw(some.integers(0, 3)) == 0
    stop = [T.gt(draw(some.sampled_from(pool)).sum(), 0.5)] if until else []
    op = Scan(Step.of(inner, [*news, *results, *stop]), len(consts), len(carry), until)
    outs = op(n, *consts, *carry, *rows, return_list=True)
    read = draw(some.lists(some.sampled_from(outs), min_size=1, max_size=4))
    return [n, *consts, *carry, *rows], read


def _of_kind(draw: Any, pool: list[Any], old: Any, inner: Any) -> Any:
    found = draw(some.sampled_from([v for v in pool if v.ndim == old.ndim]))
    return inner + found if draw(some.booleans()) and found is not inner else found


def _combined(draw: Any, pool: list[Any]) -> Any:
    a, c = (draw(some.sampled_from(pool)) for _ in range(2))
    kind = draw(some.sampled_from(["add", "mul", "dot", "tanh", "sum", "T", "outer", "sub", "second"]))
    if kind == "dot":
        return 0.2 * T.dot(a, c) if a.ndim + c.ndim > 2 else a * c
    if kind == "outer":
        return T.outer(a, c) * 0.3 if a.ndim == c.ndim == 1 else T.dot(a.T, c)
    if kind == "sum":
        return a.sum(axis=0) * 0.5 if a.ndim == 2 else a[::-1]
    if kind in ("tanh", "T"):
        return T.tanh(a) if kind == "tanh" else a.T
    return {"add": T.add, "mul": T.mul, "sub": T.sub, "second": T.second}[kind](a, c)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(random_loops(), some.sampled_from([0, 1, 2, 4]))
def test_values_of_random_loops(case: tuple[list[Any], list[Any]], n: int) -> None:
    inputs, read = case
    before, after, _ = rewritten(inputs, read)
    op = loops(before)[0].op
    split = len(inputs) - (len(op.step.inputs) - op.n_consts - op.n_carry)
    shapes = [(n if k >= split else 3, *(3,) * (v.ndim - 1)) for k, v in enumerate(inputs)][1:]
    agree(before, after, [np.asarray(n), *numbers(*shapes)])


def test_what_is_dear_and_the_loop_needs_is_not_computed_again_after_it() -> None:
    """The gradient of a hidden Markov model: the loop back needs the exponentials whose sum the gradient is."""
    rows, A = T.dmatrix("rows"), T.dmatrix("A")
    step: Any = lambda row, a, A: T.logsumexp(A + a.dimshuffle(0, "x"), axis=0) + row
    states, _ = st.scan(step, rows[1:], rows[0], A)
    before, after, _ = rewritten([rows, A], T.grad(T.logsumexp(states[-1]), [A, rows]))
    outside = [node.outputs[0].type.ndim for node in after.nodes if isinstance(node.op, Elemwise)]
    assert max(outside) < 3
    agree(before, after, numbers((4, 3), (3, 3)))
