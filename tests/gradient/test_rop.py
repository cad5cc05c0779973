"""Forward mode: Rop against grad for every op, its options, and the two pullbacks for ops without R_op."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.errors import DisconnectedInputError, NullTypeGradError
from symtheano.gradient import DisconnectedType, Rop, grad, undefined_grad
from symtheano.graph.op import Op
from symtheano.graph.variable import Apply
from tests.gradient.checks import check_rop, run
from tests.tensor.op_table import EXAMPLES

X = np.array([1.0, 2.0, 3.0])
SMOOTH = [e for e in EXAMPLES if e.smooth and all(e.values[k].dtype == "float64" for k in e.smooth)]


@pytest.mark.parametrize("example", SMOOTH, ids=lambda e: e.name)
def test_every_op(example: Any) -> None:
    def first(*inputs: Any) -> Any:
        out = example.build(*inputs)
        return out[0] if isinstance(out, (list, tuple)) else out

    check_rop(first, example.values, example.smooth)


def test_the_form_of_the_result() -> None:
    x = T.dvector("x")
    v = T.ones_like(x)
    assert isinstance(Rop(x * 2, x, v), T.TensorVariable)
    assert isinstance(Rop([x * 2], x, v), list)
    assert isinstance(Rop((x * 2, x), [x], [v]), tuple)


def test_several_variables_and_a_variable_itself() -> None:
    x, y = T.dvector("x"), T.dscalar("y")
    out = Rop([x * y, x, y * 2], [x, y], [T.constant(X), T.constant(10.0)])
    a, b, c = run(out, {x: X, y: 2.0})
    np.testing.assert_allclose(a, 2 * X + 10 * X)
    np.testing.assert_allclose(b, X)
    assert c == 20.0


def test_errors() -> None:
    x, y = T.dvector("x"), T.dvector("y")
    v = T.ones_like(x)
    with pytest.raises(ValueError, match="mismatched dimensionality"):
        Rop(x, x, T.dscalar())
    with pytest.raises(AssertionError):
        Rop(x, [x, y], [v])
    with pytest.raises(DisconnectedInputError, match="part of the computational graph of variables in wrt"):
        Rop(y, x, v)
    with pytest.raises(DisconnectedInputError):
        Rop(T.cast(x.shape[0], "float64"), x, v)
    with pytest.raises(ValueError, match="disconnected_outputs"):
        Rop(x, x, v, disconnected_outputs="never")
    with pytest.raises(ValueError, match="return_disconnected"):
        Rop(x, x, v, return_disconnected="never")


def test_disconnected_outputs() -> None:
    x, y = T.dvector("x"), T.dvector("y")
    v = T.ones_like(x)
    ignore = {"disconnected_outputs": "ignore"}
    np.testing.assert_array_equal(run(Rop(y, x, v, **ignore), {y: X}), np.zeros(3))
    assert Rop(y, x, v, return_disconnected="None", **ignore) is None
    assert isinstance(Rop(y, x, v, return_disconnected="Disconnected", **ignore).type, DisconnectedType)
    with pytest.warns(UserWarning, match="Rop"):
        Rop(y, x, v, disconnected_outputs="warn")


class Cube(Op):
    """x -> x ** 3, x; a gradient and no R_op."""

    def make_node(self, x: Any) -> Apply:
        return Apply(self, [x], [x.type(), x.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0], output_storage[1][0] = inputs[0] ** 3, inputs[0].copy()

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        x, total = inputs[0], T.zeros_like(inputs[0])
        for g, slope in zip(output_grads, (3 * x * x, 1.0), strict=True):
            if not isinstance(g.type, DisconnectedType):
                total = total + g * slope
        return [total]


def test_two_pullbacks() -> None:
    x, v = T.dvector("x"), T.dvector("v")
    cube, same = Cube()(x)
    env = {x: X, v: [1.0, 10.0, 100.0]}
    a, b, c = run(Rop([cube, same, cube * same], x, v), env)
    np.testing.assert_allclose(a, 3 * X**2 * env[v])
    np.testing.assert_allclose(b, env[v])
    np.testing.assert_allclose(c, 4 * X**3 * env[v])


def test_without_any_derivative_it_is_not_implemented() -> None:
    class Opaque(Op):
        def make_node(self, x: Any) -> Apply:
            return Apply(self, [x], [x.type()])

    x = T.dvector("x")
    with pytest.raises(NotImplementedError, match="Opaque"):
        Rop(Opaque()(x), x, x)


def test_null() -> None:
    class Undefined(Cube):
        def grad(self, inputs: Any, output_grads: Any) -> Any:
            return [T.grad_undefined(self, 0, inputs[0])]

    x = T.dvector("x")
    with pytest.raises(NullTypeGradError):
        Rop(Undefined()(x)[0] * 2, x, T.ones_like(x))
    with pytest.raises(DisconnectedInputError):
        Rop(undefined_grad(x), x, T.ones_like(x))


def test_dtypes() -> None:
    x, v = T.fvector("x"), T.dvector("v")
    assert Rop(T.exp(x), x, v).type.dtype == "float32"


def test_of_long_chains_is_not_recursive() -> None:
    x = T.dscalar("x")
    y = x
    for _ in range(3000):
        y = T.sin(y)
    assert Rop(y, x, T.constant(1.0)).type.ndim == 0


def test_a_product_with_the_hessian() -> None:
    x, v = T.dvector("x"), T.dvector("v")
    cost = (x**3).sum() + x[0] * x[1]
    hv = run(Rop(T.grad(cost, x), x, v), {x: X, v: [1.0, 2.0, 3.0]})
    np.testing.assert_allclose(hv, [6 * 1 * 1 + 2, 6 * 2 * 2 + 1, 6 * 3 * 3])


def test_complex_numbers() -> None:
    """Forward mode through parts of complex numbers: they have no derivative, but two real ones."""
    a, b = T.dscalars("ab")
    c, env = T.complex(a, b), {a: 0.7, b: -0.4}
    for out in (T.real(c * c), T.imag(T.exp(c)), abs(c * c), T.angle(c), T.real(T.conj(c) * c), T.real(c * a)):
        for direction in ((1.0, 0.0), (0.3, -2.0)):
            points = [T.constant(np.float64(d)) for d in direction]
            by_parts = sum(d * float(g) for d, g in zip(direction, run(grad(out, [a, b]), env), strict=True))
            np.testing.assert_allclose(float(run(Rop(out, [a, b], points), env)), by_parts, rtol=1e-12)
    assert float(run(Rop(T.imag(c), a, T.constant(np.float64(1))), env)) == 0
    assert float(run(Rop(T.imag(c), b, T.constant(np.float64(1))), env)) == 1
