"""Gradients through theano.scan: taps, directions, ends, nesting, streams; Theano's bugs; what has no gradient."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import symtheano as theano
import symtheano.tensor as T
from symtheano.errors import DisconnectedInputError, NullTypeGradError
from symtheano.gradient import Lop, Rop, disconnected_grad, grad, grad_clip, grad_undefined, undefined_grad
from symtheano.gradient.null import is_disconnected, is_null
from symtheano.graph.op import Op
from symtheano.graph.variable import Apply, Variable
from symtheano.graph.walk import toposort
from symtheano.sandbox.rng_mrg import MRG_RandomStreams
from symtheano.scan.frontend import until
from symtheano.scan.op import Scan
from symtheano.tensor.shared_randomstreams import RandomStreams
from tests.gradient.checks import run
from tests.scan.loops import Case, Values, arguments, by_graph, by_numpy, cases
from tests.scan.slopes import check_derivatives, close, directions, gradients_of, slope

ZERO, ONE = T.constant(np.float64(0)), T.constant(np.float64(1))


def weighted(outputs: Any) -> Any:
    """A scalar of lists of rows, of NumPy's or of the graph's."""
    return sum((np.cos(k + 1.0) * o + 0.3 * o**2).sum() + (o[-1:] * 0.7).sum() for k, o in enumerate(outputs))


def cost_by_numpy(case: Case, values: list[Any], template: Values) -> Any:
    """The cost at `values`, which are those of the graph's inputs."""
    copy: Any = object.__new__(Values)
    given = iter(values)
    copy.coefficients = template.coefficients
    copy.sequences = [next(given) for _ in template.sequences]
    copy.initial = [
        np.reshape(next(given), (-min(taps), -1)) if taps else v
        for v, taps in zip(template.initial, case.outputs, strict=True)
    ]
    copy.fixed = [next(given) for _ in template.fixed]
    outputs, _ = by_numpy(case, copy)
    return weighted(outputs)


@given(cases())
@settings(max_examples=60, deadline=None)
def test_derivatives_of_random_scans(case: Case) -> None:
    template = Values(case)
    graph = by_graph(case, template)
    values = [*arguments(case, template), case.steps]
    assume(graph.inputs)
    check_derivatives(
        weighted(graph.outputs) + 0.0 * graph.n,
        [*graph.inputs, graph.n],
        values,
        range(len(graph.inputs)),
        seed=case.seed,
        value=lambda xs: cost_by_numpy(case, xs[:-1], template),
    )


@given(cases(), st.sampled_from(["numpy", "native"]))
@settings(max_examples=25, deadline=None)
def test_compiled_gradients_of_random_scans(case: Case, target: str) -> None:
    """What rules and targets make of gradients and Hessian-vector products, against the interpreter."""
    template = Values(case)
    graph = by_graph(case, template)
    values = [*arguments(case, template), case.steps]
    assume(graph.inputs)
    gs = gradients_of(weighted(graph.outputs), graph.inputs)
    vs = [T.constant(v) for v in directions(values, range(len(gs)), case.seed)]
    products = Rop(gs, graph.inputs, vs, disconnected_outputs="ignore")
    with theano.change_flags(target=target):
        f = theano.function([*graph.inputs, graph.n], [*gs, *products], on_unused_input="ignore")
    env = dict(zip([*graph.inputs, graph.n], values, strict=True))
    for got, expected in zip(f(*values), run([*gs, *products], env), strict=True):
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)


@given(
    steps=st.integers(0, 5),
    limit=st.integers(1, 6),
    backwards=st.booleans(),
    ends=st.one_of(st.none(), st.floats(-0.5, 0.5)),
    seed=st.integers(0, 999),
)
@settings(max_examples=40, deadline=None)
def test_truncate_gradient(steps: int, limit: int, backwards: bool, ends: float | None, seed: int) -> None:
    """A NumPy loop backpropagates through the last `limit` steps only."""
    rng = np.random.default_rng(seed)
    w, s, x = rng.normal(size=(2, 2)), rng.normal(size=2), rng.normal(size=(steps, 2))
    W, S, X = T.dmatrix(), T.dvector(), T.dmatrix()

    def step(e: Any, h: Any, W: Any) -> Any:
        new = T.tanh(T.dot(W, h) + e)
        return new if ends is None else (new, until(new[0] > ends))

    out, _ = theano.scan(step, X, S, W, truncate_gradient=limit, go_backwards=backwards)
    got = run(gradients_of((out**2).sum(), [W, S, X]), {W: w, S: s, X: x})
    states, rows = [s], list(range(steps))[:: -1 if backwards else 1]
    for row in rows:
        states.append(np.tanh(w @ states[-1] + x[row]))
        if ends is not None and states[-1][0] > ends:
            break
    ran, a = len(states) - 1, np.zeros(2)
    dw, dx = np.zeros((2, 2)), np.zeros((steps, 2))
    for t in reversed(range(max(0, ran - limit), ran)):
        g = (a + 2 * states[t + 1]) * (1 - states[t + 1] ** 2)
        dw += np.outer(g, states[t])
        dx[rows[t]] = g
        a = w.T @ g
    for found, expected in zip(got, [dw, np.zeros(2) if ran > limit else a, dx], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


# -- bugs of Theano --------------------------------------------------------------------------------------------------


def test_the_gradient_of_until_goes_to_the_steps_that_ran() -> None:
    """Theano#5439: it went to the last steps of the sequence."""
    x = T.dvector("x")
    out, _ = theano.scan(lambda e: (e**2, until(e > 2)), x)
    values = np.array([1.0, 1.5, 3.0, 10.0, 20.0])
    for target in ("numpy", "native"):
        with theano.change_flags(target=target):
            f = theano.function([x], [out, grad(out.sum(), x), grad(out[-1], x)])
        np.testing.assert_array_equal(f(values)[0], values[:3] ** 2)
        np.testing.assert_array_equal(f(values)[1], [2, 3, 6, 0, 0])
        np.testing.assert_array_equal(f(values)[2], [0, 0, 6, 0, 0])


def test_the_gradient_of_until_by_constants_and_states() -> None:
    w, s = T.dscalars("ws")
    out, _ = theano.scan(lambda p, w: (p * w, until(p * w > 50)), outputs_info=s, non_sequences=w, n_steps=100)
    f = theano.function([w, s], [out, grad(out[-1], w), grad(out[-1], s), grad(grad(out[-1], w), w)])
    powers, by_w, by_s, twice = f(2.0, 1.0)
    np.testing.assert_array_equal(powers, [2, 4, 8, 16, 32, 64])
    assert (float(by_w), float(by_s), float(twice)) == (6 * 32, 64, 30 * 16)


def test_a_truncated_gradient_by_the_initial_state_is_zero() -> None:
    """Theano#4652: it was that of a loop of so many steps."""
    s, w, n = T.dscalar("s"), T.dscalar("w"), T.lscalar("n")
    out, _ = theano.scan(lambda p, w: p * w, outputs_info=s, non_sequences=w, n_steps=n, truncate_gradient=3)
    by_s, by_w = (g for g in grad(out[-1], [s, w]))
    f = theano.function([s, w, n], [by_s, by_w])
    assert [float(f(1.0, 2.0, k)[0]) for k in (1, 2, 3, 4, 10)] == [2.0, 4.0, 8.0, 0.0, 0.0]
    assert float(f(1.0, 2.0, 5)[1]) == 3 * 2.0**4


# -- loops in loops ------------------------------------------------------------------------------------------------


@given(
    shape=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    backwards=st.tuples(st.booleans(), st.booleans()),
    reads=st.lists(st.sampled_from(["element", "state", "outside", "shared"]), min_size=1, max_size=3, unique=True),
    ends=st.tuples(st.booleans(), st.booleans()),
    third=st.booleans(),
    seed=st.integers(0, 999),
)
@settings(max_examples=30, deadline=None)
def test_loops_in_loops(
    shape: tuple[int, int],
    backwards: tuple[bool, bool],
    reads: list[str],
    ends: tuple[bool, bool],
    third: bool,
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    x, s, w = T.dmatrix("x"), T.dscalar("s"), T.dscalar("w")
    shared = theano.shared(0.7)

    def outer(row: Any, state: Any) -> Any:
        terms = {"element": row.sum(), "state": state, "outside": w, "shared": shared}

        def inner(e: Any, p: Any) -> Any:
            new = T.tanh(e * p - 0.5 * p + sum(terms[r] for r in reads))
            if third:
                deeper, _ = theano.scan(lambda d: T.sin(d * w + new), row)
                new = T.tanh(new + deeper.sum())
            return (new, until(new > 0.4)) if ends[1] else new

        trace, _ = theano.scan(inner, row, state, go_backwards=backwards[1])
        new = T.tanh((trace**2).sum() + state * w)
        return (new, until(new > 0.6)) if ends[0] else new

    out, _ = theano.scan(outer, x, s, go_backwards=backwards[0])
    values = [rng.normal(size=shape), np.float64(rng.normal()), np.float64(rng.normal())]
    check_derivatives(weighted([out]), [x, s, w], values, range(3), seed=seed, order=1 if third else 2)


# -- products with second derivatives ----------------------------------------------------------------------------------


def rnn(inputs: Any) -> Any:
    """The states of a small network, (time, batch, hidden), and what it gives at the end."""
    W, U, V, h, x = inputs
    states, _ = theano.scan(lambda e, p, W, U: T.tanh(T.dot(e, U) + T.dot(p, W)), x, h, [W, U])
    return states, T.nnet.softmax(T.dot(states[-1], V))


@pytest.fixture
def network() -> tuple[list[Any], list[Any]]:
    rng = np.random.default_rng(5)
    values = [rng.normal(size=s) * 0.5 for s in [(3, 3), (2, 3), (3, 4), (2, 3), (5, 2, 2)]]
    return [T.dmatrix("W"), T.dmatrix("U"), T.dmatrix("V"), T.dmatrix("h"), T.dtensor3("x")], values


def test_the_gradient_of_a_network_by_hand(network: Any) -> None:
    inputs, values = network
    states, _ = rnn(inputs)
    W, U, _, h0, x = values
    f = theano.function(
        inputs, [states, *grad((states**2).sum(), [inputs[k] for k in (0, 1, 3, 4)])], on_unused_input="ignore"
    )
    hs, *got = f(*values)
    h = [h0, *hs]
    dW, dU, dx, a = np.zeros_like(W), np.zeros_like(U), np.zeros_like(x), np.zeros_like(h0)
    for t in reversed(range(len(x))):
        g = (a + 2 * h[t + 1]) * (1 - h[t + 1] ** 2)
        dW, dU, dx[t], a = dW + h[t].T @ g, dU + x[t].T @ g, g @ U.T, g @ W.T
    for found, expected in zip(got, [dW, dU, a, dx], strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_hessian_vector_products(network: Any) -> None:
    inputs, values = network
    _, probabilities = rnn(inputs)
    cost, params = -T.log(probabilities[:, 1]).mean(), inputs[:3]
    vs = directions(values, range(3), 1)
    gs = grad(cost, params)
    points = [T.constant(v) for v in vs]
    push = sum((g * v).sum() for g, v in zip(gs, points, strict=True))
    forward = theano.function(inputs, Rop(gs, params, points))
    reverse = theano.function(inputs, grad(push, params))
    gradient = theano.function(inputs, gs)
    expected = slope(lambda xs: np.concatenate([np.ravel(g) for g in gradient(*xs)]), values, range(3), vs)
    for f in (forward, reverse):
        close(np.concatenate([np.ravel(g) for g in f(*values)]), expected)


def test_gauss_newton_products(network: Any) -> None:
    """J' H J v, where H is the Hessian of the loss by the network's outputs, against the Jacobian, column by column."""
    inputs, values = network
    _, probabilities = rnn(inputs)
    params = inputs[:3]
    vs = directions(values, range(3), 2)
    points = [T.constant(v) for v in vs]
    jv = Rop(probabilities, params, points)
    product = Lop(probabilities, params, jv * (1 / probabilities))
    got = theano.function(inputs, product)(*values)
    p = theano.function(inputs, probabilities, on_unused_input="ignore")
    columns = []
    for k in range(3):
        for index in np.ndindex(values[k].shape):
            v = np.zeros(values[k].shape)
            v[index] = 1
            columns.append(np.ravel(slope(lambda xs: p(*xs), values, [k], [v])))
    J = np.array(columns).T
    expected = J.T @ ((J @ np.concatenate([np.ravel(v) for v in vs])) / np.ravel(p(*values)))
    close(np.concatenate([np.ravel(g) for g in got]), expected)


# -- what is connected with what ---------------------------------------------------------------------------------------


def test_disconnected_inputs() -> None:
    x, s, w, z = T.dvectors("xswz")
    (a, b), _ = theano.scan(lambda e, p, w, z: (p * e, w + disconnected_grad(z)), x, [s, None], [w, z])
    assert is_disconnected(grad(a.sum(), w, disconnected_inputs="ignore", return_disconnected="Disconnected"))
    for out, far in ((a, w), (a, z), (b, x), (b, s), (b, z)):
        with pytest.raises(DisconnectedInputError):
            grad(out.sum(), far)
    values = {x: [2.0, 3.0], s: [1.0, 5.0], w: [1.0, 1.0], z: [0.0, 0.0]}
    np.testing.assert_array_equal(run(grad(b.sum(), w), values), [2, 2])
    np.testing.assert_array_equal(run(grad(a[-1].sum(), s), values), [6, 6])


def test_the_number_of_steps_has_no_gradient() -> None:
    n, x = T.lscalar("n"), T.dscalar("x")
    out, _ = theano.scan(lambda p: p * 2, outputs_info=x, n_steps=n)
    with pytest.raises(DisconnectedInputError):
        grad(out.sum(), n)
    assert float(run(grad(out[-1], x), {n: 5, x: 1.0})) == 32


@pytest.mark.parametrize("truncate", [-1, 2, 5])
def test_whole_numbers(truncate: int) -> None:
    """Elements, constants and states that are whole numbers: what the same steps give without a loop."""
    i, j, k, x = T.lscalar("i"), T.lscalar("j"), T.lvector("k"), T.dvector("x")
    env = {i: 1, j: 3, k: [1, 2, 3], x: [2.0, 5.0]}

    def step(e: Any, c: Any, p: Any, x: Any, j: Any) -> Any:
        return c + e, p * x[c % 2] + 0.5 * e * j + 0.1 * c

    (counts, values), _ = theano.scan(step, k, [i, ONE], [x, j], truncate_gradient=truncate)
    c, p = i, ONE
    for t in range(3):
        c, p = step(k[t], c, p, x, j)
    for looped, unrolled in ((values[-1] ** 2, p**2), (values[-1] + counts[-1], p + c)):
        wrt = [x, i, j, k]
        got = run(grad(looped, wrt), env)
        expected = run(grad(unrolled, wrt), env)
        if truncate == 2:
            assert got[1] == 0 and got[3][0] == 0 and got[2] != expected[2]
            continue
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10)
            assert a.shape == b.shape and a.dtype.kind == "f"
        points = [T.constant(v) for v in directions([np.zeros(2), 0.0, 0.0], range(3), 1)]
        pushed = run([Rop(cost, wrt[:3], points) for cost in (looped, unrolled)], env)
        np.testing.assert_allclose(*pushed, rtol=1e-10)
    assert not run(grad(counts.sum() * 1.0, i), env).any()
    counted, _ = theano.scan(lambda e, c: c + e, k, i)
    assert not run(grad(T.sqr(counted * 1.0).sum(), k), env).any()


def test_undefined_gradients() -> None:
    """A state whose gradient is undefined makes everything undefined that it comes from, in any step; nothing else."""
    x, s, w, v = T.dscalar("x"), T.dscalar("s"), T.dscalar("w"), T.dscalar("v")
    (a, b), _ = theano.scan(lambda p, q, w, v: (undefined_grad(q) + v, q * w), None, [x, s], [w, v], n_steps=3)

    def of(cost: Any, wrt: Any) -> Any:
        return grad(cost, wrt, null_gradients="return")

    assert [is_null(g) for g in of(a.sum(), [s, w, v])] == [True, True, False]
    assert [is_null(g) for g in of(b.sum(), [s, w])] == [False, False]
    assert float(run(of(a.sum(), v), {x: 1.0, s: 1.0, w: 2.0, v: 0.0})) == 3
    with pytest.raises(NullTypeGradError):
        grad(a.sum(), w)


def test_barriers_act_in_each_step() -> None:
    w = T.dscalar("w")
    out, _ = theano.scan(lambda p: grad_clip(p * w, -1, 1), outputs_info=ONE, n_steps=3)
    assert float(run(grad(out[-1], w), {w: 3.0})) == 9 + 3 + 1


# -- dtypes and shapes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 4])
def test_dtypes_and_broadcastable_axes(n: int) -> None:
    row, col = T.frow("row"), T.TensorType("float32", (False, True))("col")
    x = T.TensorType("float32", (False, False, True))("x")
    out, _ = theano.scan(lambda e, p, row: p * T.tanh(e) + (row * e).sum(axis=1, keepdims=True), x, col, row)
    gs = gradients_of(out.sum() * np.float32(2), [row, col, x])
    rng = np.random.default_rng(n)
    values = [rng.normal(size=s).astype("float32") for s in [(1, 3), (2, 1), (n, 2, 1)]]
    found = theano.function([row, col, x], gs, on_unused_input="ignore")(*values)
    assert [(g.shape, g.dtype.name) for g in found] == [(v.shape, "float32") for v in values]
    push = [v.astype("float32") for v in directions(values, range(3), n)]
    expected = slope(
        lambda xs: run(out, dict(zip([row, col, x], xs, strict=True))).sum(dtype="float64") * 2,
        [v.astype("float64") for v in values],
        range(3),
        [v * 1e3 for v in push],
    )
    along = sum(float((g * v).sum()) for g, v in zip(found, push, strict=True))
    np.testing.assert_allclose(along, expected / 1e3, rtol=2e-2, atol=2e-3)


def test_complex_states() -> None:
    """d|z_n|^2 of z' = c z: with respect to c, as two real parts."""
    a, b = T.dscalars("ab")
    c = T.complex(a, b)
    out, _ = theano.scan(lambda z, c: z * c, None, T.complex(ONE, ONE / 2), c, n_steps=3)
    cost = T.real(out[-1]) ** 2 + T.imag(out[-1]) * T.imag(out[0])
    check_derivatives(cost, [a, b], [np.array(0.7), np.array(-0.4)], [0, 1], order=2)


# -- random numbers in the loop ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("streams", [RandomStreams, MRG_RandomStreams])
def test_draws_in_the_loop(streams: Any) -> None:
    """The gradient sees the numbers that the loop drew, though the states of the streams are not kept."""
    x, w = T.dmatrix("x"), T.dscalar("w")
    rng = streams(3)
    (states, noise), updates = theano.scan(
        lambda e, p: dropped(rng, e, p, w), x, [T.constant(np.zeros(4)), None], n_steps=3
    )
    gs = grad(states.sum(), [x, w])
    f = theano.function([x, w], [states, noise, *gs], updates=updates)
    value = np.random.default_rng(0).normal(size=(3, 4))
    first = None
    for _ in range(2):
        _, mask, by_x, by_w = f(value, 0.5)
        a, dx, dw, hs = np.zeros(4), np.zeros((3, 4)), 0.0, [np.zeros(4)]
        for t in range(3):
            hs.append(np.tanh(value[t] * mask[t] + 0.5 * hs[-1]))
        for t in reversed(range(3)):
            g = (a + 1) * (1 - hs[t + 1] ** 2)
            dx[t], dw, a = g * mask[t], dw + (g * hs[t]).sum(), 0.5 * g
        np.testing.assert_allclose(by_x, dx, rtol=1e-10)
        np.testing.assert_allclose(by_w, dw, rtol=1e-10)
        assert first is None or not np.array_equal(first, mask)
        first = mask


def dropped(rng: Any, e: Any, p: Any, w: Any) -> Any:
    mask = rng.normal(size=(4,), avg=0.0, std=1.0, dtype="float64")
    return T.tanh(e * mask + w * p), mask


@pytest.mark.parametrize("streams", [RandomStreams, MRG_RandomStreams])
def test_draws_that_are_not_returned(streams: Any) -> None:
    """Here only the loop's sums are read, so its draws must be kept for the gradient."""
    x = T.dvector("x")
    rng = streams(9)
    sums, updates = theano.scan(
        lambda p: p + (x * rng.uniform(size=(4,), dtype="float64")) ** 2, outputs_info=T.zeros_like(x), n_steps=3
    )
    by_x = grad(sums[-1].sum(), x)
    twice = grad(by_x.sum(), x)
    f = theano.function([x], [sums[-1], by_x, twice, Rop(by_x, x, T.ones_like(x))], updates=updates)
    value = np.array([1.0, 2.0, -3.0, 0.5])
    for _ in range(2):
        total, by, second, again = f(value)
        np.testing.assert_allclose(by, 2 * total / value, rtol=1e-10)
        np.testing.assert_allclose(second, 2 * total / value**2, rtol=1e-10)
        np.testing.assert_allclose(again, second, rtol=1e-10)


def test_draws_of_a_loop_in_a_loop() -> None:
    x, rng = T.dvector("x"), RandomStreams(2)

    def outer(p: Any) -> Any:
        inner, updates = theano.scan(
            lambda q: q + (x * rng.uniform(size=(2,), dtype="float64")) ** 2, outputs_info=p, n_steps=2
        )
        return inner[-1], updates

    sums, updates = theano.scan(outer, outputs_info=T.zeros_like(x), n_steps=3)
    total, by = theano.function([x], [sums[-1], grad(sums[-1].sum(), x)], updates=updates)([1.0, 2.0])
    np.testing.assert_allclose(by, 2 * total / [1.0, 2.0], rtol=1e-10)


def test_the_parameters_of_draws_have_no_gradient() -> None:
    rng, mean, w = RandomStreams(1), T.dscalar("mean"), T.dscalar("w")
    out, _ = theano.scan(lambda p: p * w + rng.normal(size=(), avg=mean, dtype="float64"), outputs_info=ZERO, n_steps=3)
    with pytest.raises(NullTypeGradError, match="random"):
        grad(out[-1], mean)
    assert not is_null(grad(out[-1], w, null_gradients="return"))


class Scaled(Op):
    """(state of a generator, x) -> (new state, x times a draw). Its gradient draws again."""

    __props__ = ()

    def make_node(self, r: Any, x: Any) -> Apply:
        return Apply(self, [r, x], [r.type(), x.type()])

    def perform(self, node: Apply, inputs: Any, output_storage: Any, *params: Any) -> None:
        state = copy.deepcopy(inputs[0])
        output_storage[1][0] = np.asarray(inputs[1] * state.uniform())
        output_storage[0][0] = state

    def connection_pattern(self, node: Apply) -> list[list[bool]]:
        return [[True, True], [False, True]]

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> list[Any]:
        r, _ = inputs
        return [grad_undefined(self, 0, r), self(r, output_grads[1])[1]]


def test_a_gradient_that_reads_the_state_of_a_generator() -> None:
    """It would need the states before all steps, which are not kept."""
    x, r = T.dvector("x"), theano.shared(np.random.RandomState(1))

    def step(e: Any) -> Any:
        new, y = Scaled()(r, e)
        return y, [(r, new)]

    out, updates = theano.scan(step, x)
    f = theano.function([x], out, updates=updates)
    generator = np.random.RandomState(1)
    np.testing.assert_allclose(f([1.0, 2.0]), np.array([1, 2]) * generator.uniform(size=2))
    np.testing.assert_allclose(f([1.0, 2.0]), np.array([1, 2]) * generator.uniform(size=2))
    with pytest.raises(NotImplementedError, match="not kept for each step") as caught:
        grad(out.sum(), x)
    assert "Scaled" in str(caught.value) and "test_gradients.py" in str(caught.value)


# -- what the loop that goes back reads --------------------------------------------------------------------------------


def backward_loops(outputs: Any) -> list[Any]:
    return [n for n in toposort(outputs) if isinstance(n.op, Scan) and (n.op.name or "").startswith("grad_of_")]


def rows_of(variable: Variable) -> Any:
    """The output of a loop that a sequence of the loop that goes back is."""
    while variable.owner is not None and not isinstance(variable.owner.op, Scan):
        variable = variable.owner.inputs[0]
    return variable


def test_only_what_is_needed_is_read() -> None:
    x, h, w = T.dvectors("xhw")
    out, _ = theano.scan(lambda e, p: T.tanh(p + e) * w, x, h, name="add")
    (node,) = backward_loops([grad((out**2).sum(), h)])
    # tanh is computed again, of e and p: w is a constant, `after` is not read, the cotangents of `after` are
    assert len(node.op.split(node.op.step.inputs)[2]) == 3
    linear, _ = theano.scan(lambda e, p: p * 2.0 + e, x, h, name="add")
    (node,) = backward_loops([grad(linear.sum(), h)])
    (forward,) = [n for n in toposort([linear]) if isinstance(n.op, Scan)]
    assert not {rows_of(i) for i in node.inputs} & {
        forward.outputs[k] for k in (forward.op.before(0), forward.op.after(0))
    }


def test_what_a_step_gives_is_not_computed_again() -> None:
    """tanh' is 1 - tanh^2, and tanh is known."""
    x, h = T.dvectors("xh")
    out, _ = theano.scan(lambda e, p: T.tanh(p + e), x, h, name="add")
    (node,) = backward_loops([grad((out**2).sum(), h)])
    assert not any("tanh" in str(n.op).lower() for n in node.op.step.graph.nodes)


# -- other forms -------------------------------------------------------------------------------------------------------


def test_shared_variables_updated_in_the_loop() -> None:
    """The value after the loop is differentiable by what went into it, and by the value before."""
    total, x, w = theano.shared(1.5), T.dvector("x"), T.dscalar("w")
    _, updates = theano.scan(lambda e: {total: total * w + e**2}, x)
    after = updates[total]
    got = run(grad(after, [x, w, total]), {x: [1.0, 2.0, 3.0], w: 0.5})
    # after = ((t w + 1) w + 4) w + 9
    np.testing.assert_allclose(got[0], [2 * 0.25, 4 * 0.5, 6])
    np.testing.assert_allclose(got[1], 3 * 1.5 * 0.25 + 2 * 0.5 + 4)
    np.testing.assert_allclose(got[2], 0.125)


def test_reductions() -> None:
    x, y = T.dvectors("xy")
    total, _ = theano.reduce(lambda a, b, s: s + a * b**2, [x, y], ZERO)
    by_x, by_y = run(grad(total, [x, y]), {x: [1.0, 2.0], y: [3.0, -1.0]})
    np.testing.assert_array_equal(by_x, [9, 1])
    np.testing.assert_array_equal(by_y, [6, -4])
    last, _ = theano.foldr(lambda e, p: p * 2 + e, x, ZERO)
    np.testing.assert_array_equal(run(grad(last, x), {x: [1.0, 1.0, 1.0]}), [1, 2, 4])
    mapped, _ = theano.map(lambda e: T.exp(e), x)
    np.testing.assert_allclose(run(grad(mapped.sum(), x), {x: [0.0, 1.0]}), np.exp([0.0, 1.0]))


def test_third_derivatives() -> None:
    x, n = T.dscalar("x"), T.lscalar("n")
    out, _ = theano.scan(lambda p: p * x, outputs_info=T.ones_like(x), n_steps=n)
    d: Any = out[-1]
    for order in range(4):
        expected = np.prod([5.0 - k for k in range(order)]) * 2.0 ** (5 - order)
        np.testing.assert_allclose(theano.function([x, n], d, on_unused_input="ignore")(2.0, 5), expected)
        d = grad(d, x)


def test_a_long_loop_is_differentiated_as_fast_as_a_short_one() -> None:
    x = T.dvector("x")
    counts = []
    for n in (3, 3000):
        out, _ = theano.scan(lambda p: T.tanh(p * x), outputs_info=x, n_steps=n)
        counts.append(len(toposort([grad(out[-1].sum(), x)])))
    assert counts[0] == counts[1]
