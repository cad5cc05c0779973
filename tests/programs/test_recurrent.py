"""Programs that loop: the RNN-RBM, the LSTM and the sampler of the deep learning tutorials; a search for a root."""

from __future__ import annotations

from typing import Any

import numpy as np

import symtheano as theano
import symtheano.tensor as T
from symtheano.scan.frontend import until
from symtheano.tensor.shared_randomstreams import RandomStreams
from tests.programs.twins import Array, close, measured, random, sigmoid, softmax

VISIBLE, HIDDEN, UNITS, GIBBS, LENGTH = 5, 4, 3, 4, 6


class RnnRbm:
    """A sequence of restricted Boltzmann machines, whose biases are the outputs of a recurrent network."""

    def __init__(self, seed: int):
        shapes = {"W": (VISIBLE, HIDDEN), "bv": (VISIBLE,), "bh": (HIDDEN,), "Wuh": (UNITS, HIDDEN)}
        shapes |= {"Wuv": (UNITS, VISIBLE), "Wvu": (VISIBLE, UNITS), "Wuu": (UNITS, UNITS), "bu": (UNITS,)}
        self.params = {name: theano.shared(0.5 * random(*s, seed=len(name)), name) for name, s in shapes.items()}
        self.rng = RandomStreams(seed)

    def rbm(self, v: Any, bv: Any, bh: Any, k: int) -> Any:
        W = self.params["W"]

        def gibbs_step(v: Any) -> Any:
            mean_h = T.nnet.sigmoid(T.dot(v, W) + bh)
            h = self.rng.binomial(size=mean_h.shape, n=1, p=mean_h, dtype=theano.config.floatX)
            mean_v = T.nnet.sigmoid(T.dot(h, W.T) + bv)
            v = self.rng.binomial(size=mean_v.shape, n=1, p=mean_v, dtype=theano.config.floatX)
            return mean_v, v

        def free_energy(v: Any) -> Any:
            return -(v * bv).sum() - T.log(1 + T.exp(T.dot(v, W) + bh)).sum()

        chain, updates = theano.scan(lambda v: gibbs_step(v)[1], outputs_info=[v], n_steps=k)
        v_sample = chain[-1]
        cost = (free_energy(v) - free_energy(v_sample)) / v.shape[0]
        return v_sample, cost, updates

    def recurrence(self, v: Any, u: Any) -> Any:
        p = self.params
        bv, bh = p["bv"] + T.dot(u, p["Wuv"]), p["bh"] + T.dot(u, p["Wuh"])
        generate = v is None
        if generate:
            v, _, updates = self.rbm(T.zeros((VISIBLE,)), bv, bh, k=GIBBS)
        u = T.tanh(p["bu"] + T.dot(v, p["Wvu"]) + T.dot(u, p["Wuu"]))
        return ([v, u], updates) if generate else [u, bv, bh]


def gibbs(values: dict[str, Array], draw_h: Any, draw_v: Any, v: Array, bv: Array, bh: Array) -> Array:
    """A chain in NumPy, on the numbers that streams of the same seeds give."""
    for _ in range(GIBBS):
        h = draw_h(sigmoid(v @ values["W"] + bh))
        v = draw_v(sigmoid(h @ values["W"].T + bv))
    return v


def draws(seed: int, ndim: int, skip: int) -> list[Any]:
    """Functions from probabilities to the binomial numbers of two streams, the first `skip` of which are left out."""
    rng, functions = RandomStreams(seed), []
    for k in range(skip + 2):
        p = T.TensorType("float64", (False,) * (1 if k < skip else ndim))()
        functions.append(theano.function([p], rng.binomial(size=p.shape, n=1, p=p, dtype="float64")))
    return functions[skip:]


def test_training_an_rnn_rbm() -> None:
    model = RnnRbm(seed=5)
    params, v = list(model.params.values()), T.matrix("v")
    u0 = T.zeros((UNITS,))
    (_, bv_t, bh_t), updates = theano.scan(
        lambda v_t, u_tm1, *_: model.recurrence(v_t, u_tm1),
        sequences=v,
        outputs_info=[u0, None, None],
        non_sequences=params,
    )
    v_sample, cost, updates_rbm = model.rbm(v, bv_t[:], bh_t[:], k=GIBBS)
    updates.update(updates_rbm)
    gradient = T.grad(cost, params, consider_constant=[v_sample])
    train = theano.function([v], [v_sample, cost, *gradient], updates=updates)

    values = {name: p.get_value() for name, p in model.params.items()}
    draw_h, draw_v = draws(5, ndim=2, skip=0)

    def biases(values: dict[str, Array], data: Array) -> tuple[Array, Array]:
        u, bv, bh = np.zeros(UNITS), [], []
        for row in data:
            bv.append(values["bv"] + u @ values["Wuv"])
            bh.append(values["bh"] + u @ values["Wuh"])
            u = np.tanh(values["bu"] + row @ values["Wvu"] + u @ values["Wuu"])
        return np.array(bv), np.array(bh)

    def cost_of(values: dict[str, Array], data: Array, sample: Array) -> float:
        bv, bh = biases(values, data)

        def free_energy(v: Array) -> Any:
            return -(v * bv).sum() - np.log1p(np.exp(v @ values["W"] + bh)).sum()

        return float((free_energy(data) - free_energy(sample)) / len(data))

    def cost_without(name: str, data: Array, sample: Array) -> Any:
        return lambda p: cost_of(values | {name: p}, data, sample)

    for seed in (0, 1):  # the streams go on from call to call
        data = (random(LENGTH, VISIBLE, seed=seed) > 0).astype(float)
        sample = gibbs(values, draw_h, draw_v, data, *biases(values, data))
        got = train(data)
        np.testing.assert_array_equal(got[0], sample)
        close(got[1], cost_of(values, data, sample))
        for name, slope in zip(values, got[2:], strict=True):
            close(slope, measured(cost_without(name, data, sample), values[name]), rtol=1e-6, what=name)


def test_generating_with_an_rnn_rbm() -> None:
    """A loop with a chain of draws in each step, whose updates go out through both loops."""
    model = RnnRbm(seed=6)
    (v_t, u_t), updates = theano.scan(
        lambda u_tm1, *_: model.recurrence(None, u_tm1),
        outputs_info=[None, T.zeros((UNITS,))],
        non_sequences=list(model.params.values()),
        n_steps=LENGTH,
    )
    assert len(updates) == 2
    generate = theano.function([], [v_t, u_t], updates=updates)
    values = {name: p.get_value() for name, p in model.params.items()}
    draw_h, draw_v = draws(6, ndim=1, skip=0)
    for _ in range(2):
        u, rows, states = np.zeros(UNITS), [], []
        for _ in range(LENGTH):
            bv, bh = values["bv"] + u @ values["Wuv"], values["bh"] + u @ values["Wuh"]
            row = gibbs(values, draw_h, draw_v, np.zeros(VISIBLE), bv, bh)
            u = np.tanh(values["bu"] + row @ values["Wvu"] + u @ values["Wuu"])
            rows.append(row)
            states.append(u)
        got = generate()
        np.testing.assert_array_equal(got[0], rows)
        close(got[1], states)


def test_an_lstm_over_masked_sentences() -> None:
    """The sentiment LSTM of the tutorials: words, a mask, states from T.alloc, the mean over time, one step of SGD."""
    words, size, labels = 7, 4, 2
    shapes = ((words, size), (size, 4 * size), (size, 4 * size), (4 * size,), (size, labels))
    params = [theano.shared(0.4 * random(*s, seed=len(s))) for s in shapes]
    emb, W, U, b, V = params
    x, mask, y = T.lmatrix("x"), T.matrix("mask"), T.lvector("y")
    steps, batch = x.shape[0], x.shape[1]
    state_below = T.dot(emb[x.flatten()].reshape((steps, batch, size)), W) + b

    def part(pre: Any, k: int) -> Any:
        return pre[:, k * size : (k + 1) * size]

    def step(m: Any, below: Any, h_: Any, c_: Any) -> Any:
        pre = T.dot(h_, U) + below
        i, f, o = (T.nnet.sigmoid(part(pre, k)) for k in range(3))
        c = f * c_ + i * T.tanh(part(pre, 3))
        c = m[:, None] * c + (1.0 - m)[:, None] * c_
        h = o * T.tanh(c)
        return m[:, None] * h + (1.0 - m)[:, None] * h_, c

    rval, _ = theano.scan(
        step,
        sequences=[mask, state_below],
        outputs_info=[T.alloc(np.float64(0.0), batch, size), T.alloc(np.float64(0.0), batch, size)],
        name="lstm_layers",
        n_steps=steps,
    )
    proj = (rval[0] * mask[:, :, None]).sum(axis=0) / mask.sum(axis=0)[:, None]
    p = T.nnet.softmax(T.dot(proj, V))
    cost = -T.log(p[T.arange(batch), y] + 1e-8).mean()
    train = theano.function([x, mask, y], cost, updates=[(w, w - 0.1 * T.grad(cost, w)) for w in params])

    data = np.random.default_rng(0).integers(0, words, (5, 3))
    alive, target = np.array([[1.0, 1, 1], [1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 0, 0]]), np.array([0, 1, 1])

    def twin(values: list[Array]) -> float:
        emb, W, U, b, V = values
        h, c, total = np.zeros((3, size)), np.zeros((3, size)), np.zeros((3, size))
        for word, m in zip(data, alive[:, :, None], strict=True):
            pre = h @ U + emb[word] @ W + b
            i, f, o = (sigmoid(part(pre, k)) for k in range(3))
            c = m * (f * c + i * np.tanh(part(pre, 3))) + (1 - m) * c
            h = m * (o * np.tanh(c)) + (1 - m) * h
            total += h * m
        p = softmax(total / alive.sum(axis=0)[:, None] @ V)
        return float(-np.log(p[np.arange(3), target] + 1e-8).mean())

    def twin_without(k: int, values: list[Array]) -> Any:
        return lambda v: twin([*values[:k], v, *values[k + 1 :]])

    for _ in range(2):
        old = [w.get_value() for w in params]
        close(train(data, alive, target), twin(old))
        for k, w in enumerate(params):
            close(w.get_value(), old[k] - 0.1 * measured(twin_without(k, old), old[k]), rtol=1e-7)


def test_a_hamiltonian_sampler() -> None:
    """The HMC of the tutorials: leapfrog steps by scan, of the gradient of an energy, accepted by a uniform draw."""
    precision = np.array([[2.0, 0.5], [0.5, 1.0]])
    position, velocity = T.matrix("position"), T.matrix("velocity")
    epsilon, count = 0.2, T.lscalar("count")

    def energy(pos: Any) -> Any:
        return 0.5 * (T.dot(pos, precision) * pos).sum(axis=1)

    def leapfrog(pos: Any, vel: Any) -> Any:
        vel = vel - epsilon * T.grad(energy(pos).sum(), pos)
        return [pos + epsilon * vel, vel], {}

    half = velocity - 0.5 * epsilon * T.grad(energy(position).sum(), position)
    (all_pos, all_vel), updates = theano.scan(
        leapfrog, outputs_info=[{"initial": position + epsilon * half}, {"initial": half}], n_steps=count - 1
    )
    assert not updates
    final = all_pos[-1]
    vel = all_vel[-1] - 0.5 * epsilon * T.grad(energy(final).sum(), final)
    change = energy(final) + 0.5 * (vel**2).sum(axis=1) - energy(position) - 0.5 * (velocity**2).sum(axis=1)
    u = RandomStreams(3).uniform(size=change.shape, dtype="float64")
    chosen = T.switch((T.exp(-change) >= u)[:, None], final, position)
    move = theano.function([position, velocity, count], [final, vel, change, chosen, u])

    pos, vel0 = random(6, 2), random(6, 2, seed=1)
    for steps in (2, 9):
        p, v = pos.copy(), vel0 - 0.5 * epsilon * pos @ precision
        p = p + epsilon * v
        for _ in range(steps - 1):
            v = v - epsilon * p @ precision
            p = p + epsilon * v
        v = v - 0.5 * epsilon * p @ precision
        before = 0.5 * ((pos @ precision) * pos).sum(axis=1) + 0.5 * (vel0**2).sum(axis=1)
        diff = 0.5 * ((p @ precision) * p).sum(axis=1) + 0.5 * (v**2).sum(axis=1) - before
        got = move(pos, vel0, steps)
        for a, b in zip(got, [p, v, diff], strict=False):
            close(a, b)
        np.testing.assert_array_equal(got[3], np.where((np.exp(-diff) >= got[4])[:, None], got[0], pos))


def test_newtons_method_until_it_stands() -> None:
    """The number of steps is a result, and the gradient of the root is that of the implicit function."""
    a, start = T.scalar("a"), T.scalar("start")

    def step(x: Any) -> Any:
        new = x - (x**3 - a) / (3 * x**2)
        return new, until(abs(new - x) < 1e-12)

    roots, _ = theano.scan(step, outputs_info=start, n_steps=100)
    solve = theano.function([a, start], [roots[-1], roots.shape[0], T.grad(roots[-1], a)])
    for value, first in [(8.0, 1.0), (27.0, 3.0), (0.5, 5.0)]:
        root, steps, slope = solve(value, first)
        x, count = first, 0
        while True:
            new, count = x - (x**3 - value) / (3 * x**2), count + 1
            done, x = abs(new - x) < 1e-12, new
            if done:
                break
        close(root, np.cbrt(value), rtol=1e-12)
        assert steps == count
        close(slope, value ** (-2 / 3) / 3, rtol=1e-7)
