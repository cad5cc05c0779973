"""jacobian and hessian: against differences, Theano's checks of arguments, and loops of loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano as theano
import symtheano.tensor as T
from symtheano.errors import DisconnectedInputError
from symtheano.gradient.jacobian import hessian, jacobian
from tests.gradient.checks import run
from tests.scan.slopes import close, slope

RNG = np.random.default_rng(4)


def by_differences(f: Any, values: list[Any], k: int) -> Any:
    """The Jacobian of the vector f(*values) by the array k."""
    columns = []
    for index in np.ndindex(values[k].shape):
        v = np.zeros(values[k].shape)
        v[index] = 1
        columns.append(slope(lambda xs: f(*xs), values, [k], [v]))
    return np.array(columns).T.reshape(-1, *values[k].shape)


@pytest.mark.parametrize("target", ["numpy", "native"])
def test_jacobians(target: str) -> None:
    x, W, b = T.dvector("x"), T.dmatrix("W"), T.dscalar("b")
    y = T.tanh(T.dot(W, x) * b) + b**2
    values = [RNG.normal(size=3), RNG.normal(size=(2, 3)), np.array(0.7)]
    with theano.change_flags(target=target):
        f = theano.function([x, W, b], y)
        got = theano.function([x, W, b], jacobian(y, [x, W, b]))(*values)
    for k, found in enumerate(got):
        close(found, by_differences(f, values, k))
        assert found.shape == (2, *values[k].shape)


def test_forms() -> None:
    x, y = T.dvectors("xy")
    assert isinstance(jacobian(x * y, [x, y]), list) and isinstance(jacobian(x * y, (x, y)), tuple)
    assert jacobian(x * y, x).type == T.dmatrix
    np.testing.assert_array_equal(run(jacobian(x, x), {x: [1.0, 2.0]}), np.eye(2))
    np.testing.assert_array_equal(run(jacobian(x.sum(), x), {x: [1.0, 2.0]}), [1, 1])
    assert run(jacobian(x * 2, x), {x: np.zeros(0)}).shape == (0, 0)


def test_what_does_not_depend() -> None:
    x, y, k = T.dvector("x"), T.dvector("y"), T.lvector("k")
    with pytest.raises(DisconnectedInputError):
        jacobian(x * 2, y)
    zeros = run(jacobian(x * 2, y, disconnected_inputs="ignore"), {x: [1.0, 2.0], y: [1.0, 2.0, 3.0]})
    assert zeros.shape == (2, 3) and not zeros.any()
    z = x * 2
    np.testing.assert_array_equal(run(jacobian(z * x, x, consider_constant=[z]), {x: [1.0, 2.0]}), np.diag([2, 4]))
    assert not run(jacobian(T.cast(k // 2, "float64"), k), {k: [1, 2]}).any()


@pytest.mark.parametrize("bad", [T.dmatrix(), T.dtensor3(), 3.0])
def test_only_vectors_and_scalars(bad: Any) -> None:
    with pytest.raises(AssertionError, match="expects a"):
        jacobian(bad, T.dvector())


def test_hessians() -> None:
    x, y = T.dvectors("xy")
    cost = (T.exp(x * y) * x[::-1]).sum() + T.dot(x, y) ** 2
    values = [RNG.normal(size=3), RNG.normal(size=3)]
    found = theano.function([x, y], hessian(cost, [x, y]))(*values)
    for k, (variable, h) in enumerate(zip([x, y], found, strict=True)):
        f = theano.function([x, y], T.grad(cost, variable))
        close(h, by_differences(f, values, k))
        np.testing.assert_allclose(h, h.T, rtol=1e-10)
    assert not run(hessian(x.sum(), x), {x: [1.0, 2.0]}).any()


def test_arguments_of_hessians() -> None:
    x, m = T.dvector("x"), T.dmatrix("m")
    for cost, wrt in ((x, x), (m.sum(), m), (x.sum(), 3.0), (1.0, x)):
        with pytest.raises(AssertionError, match="hessian expects"):
            hessian(cost, wrt)


def test_through_loops() -> None:
    """The Hessian of a loop, and the gradient of a Jacobian."""
    x, n = T.dvector("x"), T.lscalar("n")
    out, _ = theano.scan(lambda p, x: T.sin(p * x), outputs_info=x, non_sequences=x, n_steps=n)
    value = RNG.normal(size=2)
    f = theano.function([x, n], T.grad((out**2).sum(), x))
    close(theano.function([x, n], hessian((out**2).sum(), x))(value, 3), by_differences(f, [value, 3], 0))
    J = jacobian(out[-1], x)
    g = theano.function([x, n], T.grad((J**2).sum(), x))
    j = theano.function([x, n], (J**2).sum())
    close(g(value, 3), by_differences(j, [value, 3], 0)[0])
