"""Log probabilities as PyMC3 writes them: bounds, mixtures, hierarchies by index, authors' Ops, Kalman filters."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.stats as st
from scipy.special import logsumexp

import symtheano as theano
import symtheano.tensor as tt
from tests.programs.twins import Array, close, measured, random


def bound(logp: Any, *conditions: Any) -> Any:
    alltrue: Any = 1
    for condition in conditions:
        alltrue = alltrue * (1 * condition)
    return tt.switch(alltrue, logp, -np.inf)


def normal(x: Any, mu: Any, tau: Any) -> Any:
    return bound((-tau * (x - mu) ** 2 + tt.log(tau / np.pi / 2.0)) / 2.0, tt.gt(tau, 0))


def logpow(x: Any, m: Any) -> Any:
    return tt.switch(tt.eq(x, 0), -np.inf, m * tt.log(x))


def student_t(x: Any, nu: Any, mu: Any, lam: Any) -> Any:
    norm = tt.gammaln((nu + 1.0) / 2.0) + 0.5 * tt.log(lam / (nu * np.pi)) - tt.gammaln(nu / 2.0)
    return bound(norm - (nu + 1.0) / 2.0 * tt.log1p(lam * (x - mu) ** 2 / nu), lam > 0, nu > 0)


def beta(x: Any, a: Any, b: Any) -> Any:
    norm = tt.gammaln(a) + tt.gammaln(b) - tt.gammaln(a + b)
    parts = tt.switch(tt.eq(a, 1), 0, (a - 1) * tt.log(x)) + tt.switch(tt.eq(b, 1), 0, (b - 1) * tt.log1p(-x))
    return bound(parts - norm, x >= 0, x <= 1, a > 0, b > 0)


def gamma(x: Any, a: Any, b: Any) -> Any:
    return bound(-tt.gammaln(a) + logpow(b, a) - b * x + logpow(x, a - 1), x >= 0, a > 0, b > 0)


def normal_lcdf(mu: Any, sigma: Any, x: Any) -> Any:
    z = (x - mu) / sigma
    low = tt.log(tt.erfcx(-z / tt.sqrt(2.0)) / 2.0) - tt.sqr(z) / 2.0
    return tt.switch(tt.lt(z, -1.0), low, tt.log1p(-tt.erfc(z / tt.sqrt(2.0)) / 2.0))


POINTS = np.array([-30.0, -0.5, 0.0, 0.25, 0.9, 1.0, 40.0])


def test_log_probabilities_and_their_bounds() -> None:
    x, a, b, m = tt.vector("x"), tt.scalar("a"), tt.scalar("b"), tt.scalar("m")
    logps = [normal(x, m, a), student_t(x, b, m, a), beta(x, a, b), gamma(x, a, b), normal_lcdf(m, b, x)]
    f = theano.function([x, a, b, m], logps)
    wanted = [
        st.norm.logpdf(POINTS, 0.3, 2.5**-0.5),
        st.t.logpdf(POINTS, 1.5, 0.3, 2.5**-0.5),
        st.beta.logpdf(POINTS, 2.5, 1.5),
        st.gamma.logpdf(POINTS, 2.5, scale=1 / 1.5),
        st.norm.logcdf(POINTS, 0.3, 1.5),
    ]
    for got, want in zip(f(POINTS, 2.5, 1.5, 0.3), wanted, strict=True):
        inside = np.isfinite(want)
        close(got[inside], want[inside], "float64")
        assert (got[~inside] == -np.inf).all()
    total = sum(logp.sum() for logp in logps)
    slopes = theano.function([x, a, b, m], tt.grad(total, [x, a, b, m]))
    here = [np.array([0.2, 0.9]), np.array(2.5), np.array(1.5), np.array(0.3)]
    value = theano.function([x, a, b, m], total)
    for k, slope in enumerate(slopes(*here)):
        close(slope, measured(lambda v, k=k: value(*here[:k], v, *here[k + 1 :]), here[k]), rtol=1e-5)
    assert all(np.isfinite(f(POINTS * 1e3, 2.5, 1.5, 0.3)[k]).all() for k in (0, 1, 4))


def test_a_mixture_far_from_its_components() -> None:
    obs, w, mu = tt.vectors("obs", "w", "mu")
    parts = tt.log(w) + normal(obs.dimshuffle(0, "x"), mu, tt.as_tensor_variable(2.0))
    top = tt.max(parts, axis=-1, keepdims=True)
    logp = (tt.log(tt.sum(tt.exp(parts - top), axis=-1, keepdims=True)) + top).sum()
    logp = tt.switch(tt.all([tt.all(w >= 0), tt.allclose(w.sum(axis=-1), 1)]), logp, -np.inf)
    f = theano.function([obs, w, mu], [logp, *tt.grad(logp, [w, mu])])
    data, weights, means = random(20) * 100, np.array([0.2, 0.3, 0.5]), np.array([-1.0, 0, 2])

    def twin(w: Array, mu: Array) -> float:
        return logsumexp(np.log(w) + st.norm.logpdf(data[:, None], mu, 2**-0.5), axis=-1).sum()

    value, by_weight, by_mean = f(data, weights, means)
    close(value, twin(weights, means))
    close(by_weight, measured(lambda v: twin(v, means), weights), rtol=1e-5)
    close(by_mean, measured(lambda v: twin(weights, v), means), rtol=1e-5)
    assert f(data, weights * 2, means)[0] == -np.inf


def test_a_hierarchy_with_shared_index_arrays() -> None:
    groups, n = 5, 40
    idx, x = np.arange(n) * 3 % groups, random(n)
    y = random(groups, seed=1)[idx] + random(groups, seed=2)[idx] * x + 0.1 * random(n, seed=3)
    county_idx, floor = theano.shared(idx), theano.shared(x)
    q = tt.vector("q")
    a, b, mu, log_sd = q[:groups], q[groups : 2 * groups].reshape((groups,)), q[2 * groups], q[2 * groups + 1]
    estimate = a[county_idx] + b[county_idx] * floor
    terms = [tt.sum(normal(y, estimate, tt.exp(log_sd) ** -2)), tt.sum(normal(a, mu, tt.as_tensor(4.0)))]
    logp = tt.sum([*terms, tt.sum(normal(b, 0.0, tt.as_tensor(1.0))), log_sd * 1])
    f = theano.function([q], [logp, tt.grad(logp, q)])
    f.trust_input = True

    def twin(v: Array) -> float:
        a, b, mu, log_sd = v[:groups], v[groups:-2], v[-2], v[-1]
        likelihood = st.norm.logpdf(y, a[idx] + b[idx] * x, np.exp(log_sd)).sum()
        return likelihood + st.norm.logpdf(a, mu, 0.5).sum() + st.norm.logpdf(b).sum() + log_sd

    point = 0.5 * random(2 * groups + 2, seed=4)
    value, slope = f(point)
    close(value, twin(point))
    close(slope, measured(twin, point), rtol=1e-5)


class Likelihood(tt.Op):
    itypes = [tt.dvector]
    otypes = [tt.dscalar]
    __props__ = ()

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        (theta,) = inputs
        outputs[0][0] = np.array(-0.5 * ((theta - 1) ** 2).sum())

    def grad(self, inputs: Any, gradients: Any) -> Any:
        return [gradients[0] * Slope()(inputs[0])]


class Slope(tt.Op):
    itypes = [tt.dvector]
    otypes = [tt.dvector]
    __props__ = ()

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        outputs[0][0] = 1 - inputs[0]


class Scaled(theano.Op):
    __props__ = ()

    def make_node(self, x: Any, scale: Any) -> Any:
        x, scale = tt.as_tensor_variable(x), tt.as_tensor_variable(scale)
        return theano.Apply(self, [x, scale], [x.type()])

    def perform(self, node: Any, inputs: Any, outputs: Any) -> None:
        x, scale = inputs
        assert type(scale) is np.ndarray  # Theano gives 0-d arrays, never numpy's scalars
        outputs[0][0] = x * scale[()]


def test_authors_ops() -> None:
    theta, s = tt.dvector("theta"), tt.dscalar("s")
    logp = Likelihood()(theta * 2)
    value, slope = theano.function([theta], [logp, tt.grad(logp, theta)])([0.3, -1.0, 2.0])
    close(value, -0.5 * ((np.array([0.6, -2, 4]) - 1) ** 2).sum())
    close(slope, 2 * (1 - np.array([0.6, -2, 4])))
    scaled = [Scaled()(theta, v) for v in (s, tt.exp(s), theta.sum(), 3.0, theta.shape[0] * 0.5)]
    results = theano.function([theta, s], scaled)([1.0, 2.0], 0.5)
    for got, factor in zip(results, [0.5, np.exp(0.5), 3, 3, 1], strict=True):
        close(got, factor * np.array([1.0, 2.0]))

    @theano.as_op(itypes=[tt.lscalar, tt.dvector], otypes=[tt.dvector])
    def rate(switchpoint: Any, rates: Any) -> Any:
        out = np.full(6, rates[1])
        out[:switchpoint] = rates[0]
        return out

    when = tt.lscalar()
    close(theano.function([when, theta], rate(when, theta) * 2)(2, [1.0, 3.0]), [2.0, 2, 6, 6, 6, 6])


def test_a_kalman_filter_unrolled() -> None:
    steps, A, H, Q, R, Y = 6, *tt.dmatrices("A", "H", "Q", "R", "Y")
    x, P, logp = tt.zeros((3,)), tt.eye(3), 0.0
    for t in range(steps):
        x, P = tt.dot(A, x), tt.dot(A, tt.dot(P, A.T)) + Q
        e, S = Y[t] - tt.dot(H, x), tt.dot(H, tt.dot(P, H.T)) + R
        det = S[0, 0] * S[1, 1] - S[0, 1] * S[1, 0]
        inverse = tt.stacklists([[S[1, 1], -S[0, 1]], [-S[1, 0], S[0, 0]]]) / det
        K = tt.dot(P, tt.dot(H.T, inverse))
        x, P = x + tt.dot(K, e), tt.dot(tt.eye(3) - tt.dot(K, H), P)
        logp = logp - 0.5 * (tt.log(det) + tt.dot(e, tt.dot(inverse, e)))
    f = theano.function([A, H, Q, R, Y], [x, P, logp, *tt.grad(logp, [A, R])])
    a, h, q, r = 0.9 * np.eye(3) + 0.1 * random(3, 3), random(2, 3), 0.1 * np.eye(3), 0.5 * np.eye(2)
    y = random(steps, 2)

    def twin(a: Array, r: Array) -> tuple[Array, Array, float]:
        x, P, logp = np.zeros(3), np.eye(3), 0.0
        for t in range(steps):
            x, P = a @ x, a @ P @ a.T + q
            e, S = y[t] - h @ x, h @ P @ h.T + r
            K = P @ h.T @ np.linalg.inv(S)
            x, P = x + K @ e, (np.eye(3) - K @ h) @ P
            logp -= 0.5 * (np.log(np.linalg.det(S)) + e @ np.linalg.solve(S, e))
        return x, P, logp

    got = f(a, h, q, r, y)
    for value, want in zip(got, twin(a, r), strict=False):
        close(value, want)
    close(got[3], measured(lambda v: twin(v, r)[2], a), rtol=1e-5)
    close(got[4], measured(lambda v: twin(a, v)[2], r), rtol=1e-5)
