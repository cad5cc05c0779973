"""The examples of Theano's documentation (tutorial/loop, library/scan), with the results it prints or states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano as theano
import symtheano.tensor as T
from symtheano.sandbox.rng_mrg import MRG_RandomStreams
from symtheano.scan.frontend import until
from symtheano.tensor.shared_randomstreams import RandomStreams

floatX = theano.config.floatX


def test_power() -> None:
    """library/scan: A**k by multiplying."""
    k, A = T.iscalar("k"), T.vector("A")
    result, updates = theano.scan(
        fn=lambda prior_result, A: prior_result * A, outputs_info=T.ones_like(A), non_sequences=A, n_steps=k
    )
    power = theano.function(inputs=[A, k], outputs=result[-1], updates=updates)
    np.testing.assert_array_equal(power(range(10), 2), [0, 1, 4, 9, 16, 25, 36, 49, 64, 81])
    np.testing.assert_array_equal(power(range(10), 4), [0, 1, 16, 81, 256, 625, 1296, 2401, 4096, 6561])


def test_polynomial() -> None:
    """library/scan: a map over coefficients and powers; 1 + 0 * 3 + 2 * 3**2 = 19."""
    coefficients, x = T.vector("coefficients"), T.scalar("x")
    components, updates = theano.scan(
        fn=lambda coefficient, power, free_variable: coefficient * (free_variable**power),
        outputs_info=None,
        sequences=[coefficients, T.arange(10000)],
        non_sequences=x,
    )
    assert not updates
    polynomial = theano.function(inputs=[coefficients, x], outputs=components.sum())
    assert polynomial(np.asarray([1, 0, 2], dtype=floatX), 3) == 19.0


def test_accumulating_into_a_scalar() -> None:
    """library/scan: the initial state must have the dtype of what the step gives."""
    up_to = T.iscalar("up_to")
    seq = T.arange(up_to)
    values, _ = theano.scan(
        fn=lambda arange_val, sum_to_date: sum_to_date + arange_val,
        outputs_info=T.as_tensor_variable(np.asarray(0, seq.dtype)),
        sequences=seq,
    )
    triangular = theano.function([up_to], values)
    np.testing.assert_array_equal(triangular(15), [n * (n + 1) // 2 for n in range(15)])


def test_setting_places_of_a_matrix() -> None:
    """library/scan: each step writes one value into a copy of the model."""
    location, values, output_model = T.imatrix("location"), T.vector("values"), T.matrix("output_model")

    def set_value_at_position(a_location: Any, a_value: Any, output_model: Any) -> Any:
        zeros = T.zeros_like(output_model)
        return T.set_subtensor(zeros[a_location[0], a_location[1]], a_value)

    result, _ = theano.scan(
        fn=set_value_at_position, outputs_info=None, sequences=[location, values], non_sequences=output_model
    )
    assign = theano.function([location, values, output_model], result)
    got = assign(np.asarray([[1, 1], [2, 3]], "int32"), np.asarray([42, 50], floatX), np.zeros((5, 5), floatX))
    expected = np.zeros((2, 5, 5))
    expected[0, 1, 1], expected[1, 2, 3] = 42, 50
    np.testing.assert_array_equal(got, expected)


def test_recurrence_with_many_taps() -> None:
    """library/scan: an echo state network; x(n) = tanh(W x(n-1) + W_in_1 u(n) + W_in_2 u(n-4) + W_fb y(n-1))."""
    W, W_in_1, W_in_2, W_fb, W_out = (T.dmatrix(n) for n in ("W", "W_in_1", "W_in_2", "W_feedback", "W_out"))
    u, x0, y0 = T.matrix("u"), T.vector("x0"), T.vector("y0")

    def one_step(
        u_tm4: Any,
        u_t: Any,
        x_tm3: Any,
        x_tm1: Any,
        y_tm1: Any,
        W: Any,
        W_in_1: Any,
        W_in_2: Any,
        W_fb: Any,
        W_out: Any,
    ) -> Any:
        x_t = T.tanh(T.dot(x_tm1, W) + T.dot(u_t, W_in_1) + T.dot(u_tm4, W_in_2) + T.dot(y_tm1, W_fb))
        y_t = T.dot(x_tm3, W_out)
        return [x_t, y_t]

    X0 = T.matrix("X0")
    (x_vals, y_vals), _ = theano.scan(
        fn=one_step,
        sequences={"input": u, "taps": [-4, -0]},
        outputs_info=[{"initial": X0, "taps": [-3, -1]}, y0],
        non_sequences=[W, W_in_1, W_in_2, W_fb, W_out],
        strict=True,
    )
    f = theano.function([u, X0, y0, W, W_in_1, W_in_2, W_fb, W_out], [x_vals, y_vals])
    assert x0 not in f.graph.inputs
    rng = np.random.default_rng(1)
    uv, Wv, W1, W2 = rng.normal(size=(9, 2)), rng.normal(size=(3, 3)), rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    Wf, Wo, Xv, yv = rng.normal(size=(4, 3)), rng.normal(size=(3, 4)), rng.normal(size=(3, 3)), rng.normal(size=4)
    xs, ys = list(Xv), [yv]
    for t in range(4, 9):
        xs.append(np.tanh(xs[-1] @ Wv + uv[t] @ W1 + uv[t - 4] @ W2 + ys[-1] @ Wf))
        ys.append(xs[-4] @ Wo)
    got_x, got_y = f(uv, Xv, yv, Wv, W1, W2, Wf, Wo)
    np.testing.assert_allclose(got_x, xs[3:], rtol=1e-12)
    np.testing.assert_allclose(got_y, ys[1:], rtol=1e-12)
    assert got_x.shape == (5, 3) and got_y.shape == (5, 4)


def test_shared_variable_updated_in_the_loop() -> None:
    """library/scan: a counter is 10 more after ten steps."""
    a = theano.shared(1)
    values, updates = theano.scan(lambda: {a: a + 1}, n_steps=10)
    assert values is None
    assert list(updates) == [a]
    f = theano.function([], [], updates=updates)
    assert a.get_value() == 1
    f()
    assert a.get_value() == 11
    b = a + 1
    c = updates[a] + 1
    g = theano.function([], [b, c, updates[a]])
    assert [int(v) for v in g()] == [12, 22, 21]
    assert a.get_value() == 11


def test_until() -> None:
    """library/scan: powers of 2 until one is larger than max_value; n_steps is the most there may be."""
    max_value = T.scalar()

    def power_of_2(previous_power: Any, max_value: Any) -> Any:
        return previous_power * 2, until(previous_power * 2 > max_value)

    values, _ = theano.scan(
        power_of_2, outputs_info=T.constant(1.0, dtype=floatX), non_sequences=max_value, n_steps=1024
    )
    f = theano.function([max_value], values)
    np.testing.assert_array_equal(f(45), [2, 4, 8, 16, 32, 64])


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("sample", [1, 7])
def test_gibbs_chain(sample: int) -> None:
    """library/scan: ten steps of Gibbs sampling in an RBM; the streams are those of a chain outside of scan."""
    rng = np.random.default_rng(3)
    Wv, bh, bv = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=4)
    W, bvis, bhid = theano.shared(Wv), theano.shared(bv), theano.shared(bh)

    def chain(trng: RandomStreams) -> Any:
        def one_step(vsample: Any) -> Any:
            hmean = T.nnet.sigmoid(T.dot(vsample, W) + bhid)
            hsample = trng.binomial(size=hmean.shape, n=1, p=hmean)
            vmean = T.nnet.sigmoid(T.dot(hsample, W.T) + bvis)
            return trng.binomial(size=vsample.shape, n=1, p=vmean, dtype=floatX)

        return one_step

    start = T.vector()
    values, updates = theano.scan(chain(RandomStreams(1234)), outputs_info=start, n_steps=sample + 1)
    assert len(updates) == 2
    gibbs = theano.function([start], values[-1], updates=updates)
    step = theano.function([start], chain(RandomStreams(1234))(start))  # by its default updates
    v = np.asarray([1.0, 0.0, 0.0, 1.0])
    for _ in range(3):  # each call goes on where the streams are
        expected = v
        for _ in range(sample + 1):
            expected = step(expected)
        np.testing.assert_array_equal(gibbs(v), expected)


def test_gibbs_chain_with_weights_passed_explicitly() -> None:
    """library/scan: the same with non_sequences and strict=True."""
    W, bvis, bhid = (theano.shared(v, n) for v, n in [(np.eye(2), "W"), (np.ones(2), "bvis"), (np.zeros(2), "bhid")])
    trng = RandomStreams(1234)

    def one_step(vsample: Any, W: Any, bvis: Any, bhid: Any) -> Any:
        hmean = T.nnet.sigmoid(T.dot(vsample, W) + bhid)
        hsample = trng.binomial(size=hmean.shape, n=1, p=hmean)
        vmean = T.nnet.sigmoid(T.dot(hsample, W.T) + bvis)
        return trng.binomial(size=vsample.shape, n=1, p=vmean, dtype=floatX)

    start = T.vector()
    values, updates = theano.scan(
        fn=one_step, outputs_info=start, non_sequences=[W, bvis, bhid], n_steps=10, strict=True
    )
    assert len(updates) == 2 and not {W, bvis, bhid} & set(updates)
    gibbs10 = theano.function([start], values[-1], updates=updates)
    assert set(np.ravel([gibbs10([0.0, 1.0]) for _ in range(20)])) == {0.0, 1.0}


def test_tanh_of_products() -> None:
    """tutorial/loop: tanh(x W + b) elementwise."""
    X, W, b_sym = T.matrix("X"), T.matrix("W"), T.vector("b_sym")
    results, _ = theano.scan(lambda v: T.tanh(T.dot(v, W) + b_sym), sequences=X)
    compute = theano.function(inputs=[X, W, b_sym], outputs=results)
    x, w = np.eye(2, dtype=floatX), np.ones((2, 2), dtype=floatX)
    b = np.ones((2), dtype=floatX)
    b[1] = 2
    np.testing.assert_allclose(compute(x, w, b), [[0.96402758, 0.99505475], [0.96402758, 0.99505475]], rtol=1e-6)


def test_sequence_forwards_and_backwards() -> None:
    """tutorial/loop: x(t) = tanh(x(t-1) W + y(t) U + p(T-t) V)."""
    X, W, Y, U, P, V = T.vector("X"), T.matrix("W"), T.matrix("Y"), T.matrix("U"), T.matrix("P"), T.matrix("V")
    results, _ = theano.scan(
        lambda y, p, x_tm1: T.tanh(T.dot(x_tm1, W) + T.dot(y, U) + T.dot(p, V)),
        sequences=[Y, P[::-1]],
        outputs_info=[X],
    )
    compute = theano.function(inputs=[X, W, Y, U, P, V], outputs=results)
    x = np.zeros((2), dtype=floatX)
    x[1] = 1
    w = np.ones((2, 2), dtype=floatX)
    y = np.ones((5, 2), dtype=floatX)
    y[0, :] = -3
    u = np.ones((2, 2), dtype=floatX)
    p = np.ones((5, 2), dtype=floatX)
    p[0, :] = 3
    v = np.ones((2, 2), dtype=floatX)
    expected = np.zeros((5, 2))
    expected[0] = np.tanh(x.dot(w) + y[0].dot(u) + p[4].dot(v))
    for i in range(1, 5):
        expected[i] = np.tanh(expected[i - 1].dot(w) + y[i].dot(u) + p[4 - i].dot(v))
    np.testing.assert_allclose(compute(x, w, y, u, p, v), expected, rtol=1e-6)


def test_norms_of_rows_and_columns() -> None:
    """tutorial/loop."""
    X = T.matrix("X")
    rows, _ = theano.scan(lambda x_i: T.sqrt((x_i**2).sum()), sequences=[X])
    columns, _ = theano.scan(lambda x_i: T.sqrt((x_i**2).sum()), sequences=[X.T])
    x = np.diag(np.arange(1, 6, dtype=floatX), 1)
    np.testing.assert_allclose(theano.function([X], rows)(x), [1, 2, 3, 4, 5, 0])
    np.testing.assert_allclose(theano.function([X], columns)(x), [0, 1, 2, 3, 4, 5])


def test_trace() -> None:
    """tutorial/loop: the sum of the diagonal, as floats into a float and as ints."""
    X = T.matrix("X")
    results, _ = theano.scan(
        lambda i, j, t_f: T.cast(X[i, j] + t_f, floatX),
        sequences=[T.arange(X.shape[0]), T.arange(X.shape[1])],
        outputs_info=np.asarray(0.0, dtype=floatX),
    )
    compute = theano.function([X], results[-1])
    x = np.eye(5, dtype=floatX)
    x[0] = np.arange(5, dtype=floatX)
    assert compute(x) == np.diagonal(x).sum() == 4


def test_two_delays() -> None:
    """tutorial/loop: x(t) = x(t - 2) U + x(t - 1) V + tanh(x(t - 1) W + b)."""
    X, W, b_sym, U, V = T.matrix("X"), T.matrix("W"), T.vector("b_sym"), T.matrix("U"), T.matrix("V")
    n_sym = T.iscalar("n_sym")
    results, _ = theano.scan(
        lambda x_tm2, x_tm1: T.dot(x_tm2, U) + T.dot(x_tm1, V) + T.tanh(T.dot(x_tm1, W) + b_sym),
        n_steps=n_sym,
        outputs_info=[{"initial": X, "taps": [-2, -1]}],
    )
    compute = theano.function(inputs=[X, U, V, W, b_sym, n_sym], outputs=results)
    x = np.zeros((2, 2), dtype=floatX)
    x[1, 1] = 1
    w = 0.5 * np.ones((2, 2), dtype=floatX)
    u = 0.5 * (np.ones((2, 2), dtype=floatX) - np.eye(2, dtype=floatX))
    v = 0.5 * np.ones((2, 2), dtype=floatX)
    b = np.ones((2), dtype=floatX)
    n = 10
    expected = np.zeros((n, 2))
    expected[0] = x[0].dot(u) + x[1].dot(v) + np.tanh(x[1].dot(w) + b)
    expected[1] = x[1].dot(u) + expected[0].dot(v) + np.tanh(expected[0].dot(w) + b)
    for i in range(2, n):
        expected[i] = expected[i - 2].dot(u) + expected[i - 1].dot(v) + np.tanh(expected[i - 1].dot(w) + b)
    np.testing.assert_allclose(compute(x, u, v, w, b, n), expected, rtol=1e-6)
    printed = [[1.40514825, 1.40514825], [2.88898899, 2.38898899]]  # the first two lines that the tutorial shows
    np.testing.assert_allclose(compute(x, u, v, w, b, n)[:2], printed, rtol=1e-6)


def test_accumulating_calls() -> None:
    """tutorial/loop: 30 steps of adding 1 to a shared variable, 10 times 3."""
    k, n_sym = theano.shared(0), T.iscalar("n_sym")
    _, updates = theano.scan(lambda: {k: (k + 1)}, n_steps=n_sym)
    accumulator = theano.function([n_sym], [], updates=updates, allow_input_downcast=True)
    assert k.get_value() == 0
    accumulator(5)
    assert k.get_value() == 5
    accumulator(3)
    assert k.get_value() == 8


@pytest.mark.parametrize("make", [RandomStreams, MRG_RandomStreams])
def test_dropout_inside_the_loop(make: Any) -> None:
    """tutorial/loop: tanh(v W + b) * d, d binomial; the same d for every column with no_update on the stream."""
    X, W, b_sym = T.matrix("X"), T.matrix("W"), T.vector("b_sym")
    trng = make(1234)
    d = trng.binomial(size=W[1].shape)
    results, updates = theano.scan(lambda v: T.tanh(T.dot(v, W) + b_sym) * d, sequences=X)
    compute = theano.function(inputs=[X, W, b_sym], outputs=results, updates=updates, allow_input_downcast=True)
    x, w, b = np.eye(10, 2), np.ones((2, 2)), np.ones(2)
    drawn = make(1234).binomial(size=W[1].shape)
    draw = theano.function([W], drawn)
    for _ in range(2):
        expected = np.tanh(x.dot(w) + b) * np.stack([draw(w) for _ in range(10)])
        np.testing.assert_allclose(compute(x, w, b), expected, rtol=1e-6)


def test_a_jacobian_by_rows() -> None:
    """tutorial/loop: the values that the gradients are of."""
    v, A = T.vector(), T.matrix()
    y = T.tanh(T.dot(v, A))
    rows, _ = theano.scan(lambda i: T.grad(y[i], v), sequences=[T.arange(y.shape[0])])
    compute = theano.function([v, A], rows, allow_input_downcast=True)
    x, w = np.eye(5)[0], np.eye(5, 3)
    w[2] = np.ones(3)
    got = compute(x, w)
    np.testing.assert_allclose(got, ((1 - np.tanh(x.dot(w)) ** 2) * w).T, rtol=1e-6)
    np.testing.assert_allclose(got[0], [0.41997434, 0.0, 0.41997434, 0.0, 0.0], rtol=1e-6)
