"""Ops as Theano's users write them: grad or L_op, connection patterns, and what breaking the contract raises."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.errors import DisconnectedInputError, NullTypeGradError
from symtheano.gradient import (
    DisconnectedType,
    NullType,
    disconnected_type,
    grad,
    grad_not_implemented,
    grad_undefined,
)
from symtheano.graph.op import Op
from symtheano.graph.variable import Apply
from tests.gradient.checks import run

X = np.array([1.0, 2.0])


class Returns(Op):
    """x, y -> x * y, with a gradient that is whatever `answer(x, y, g)` returns."""

    def __init__(self, answer: Callable[..., Any], pattern: Any = None, out: str = "float64"):
        self.answer, self.out = answer, out
        if pattern is not None:
            self.connection_pattern = lambda node: pattern

    def make_node(self, x: Any, y: Any) -> Apply:
        return Apply(self, [x, y], [T.TensorType(self.out, x.type.broadcastable)()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        output_storage[0][0] = (inputs[0] * inputs[1]).astype(self.out)

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        return self.answer(*inputs, *output_grads)


def apply(answer: Callable[..., Any], pattern: Any = None, out: str = "float64") -> tuple[Any, Any, Any]:
    x, y = T.dvector("x"), T.dvector("y")
    return x, y, T.cast(Returns(answer, pattern, out)(x, y), "float64").sum()


def test_grad_is_called_and_flows_on() -> None:
    x, y, cost = apply(lambda x, y, g: [g * y, g * x])
    np.testing.assert_array_equal(run(grad(cost, [x, y])[0], {x: X, y: 3 * X}), 3 * X)
    second = grad(grad(cost, x).sum(), y)
    np.testing.assert_array_equal(run(second, {x: X, y: X}), [1, 1])
    x, y, cost = apply(lambda x, y, g: (g * y, g * x))  # a tuple is as good
    assert len(grad(cost, [x, y])) == 2


def test_none_is_no_list_of_gradients() -> None:
    x, _, cost = apply(lambda x, y, g: None)
    with pytest.raises(TypeError, match="grad returned NoneType, expected iterable"):
        grad(cost, x)


def test_the_number_of_terms() -> None:
    x, _, cost = apply(lambda x, y, g: [g])
    with pytest.raises(ValueError, match="returned the wrong number of gradient terms"):
        grad(cost, x)


def test_none_is_no_gradient() -> None:
    x, _, cost = apply(lambda x, y, g: [g, None])
    with pytest.raises(TypeError, match="returned None for a gradient term, this is prohibited"):
        grad(cost, x)


def test_an_array_is_no_gradient() -> None:
    x, _, cost = apply(lambda x, y, g: [np.ones(2), g])
    with pytest.raises(TypeError, match="expected Variable instance"):
        grad(cost, x)


def test_the_number_of_dimensions() -> None:
    x, _, cost = apply(lambda x, y, g: [g.sum(), g])
    with pytest.raises(ValueError, match="returned a term with 0 dimensions, but 1 are required"):
        grad(cost, x)


def test_an_integer_is_no_gradient() -> None:
    x, _, cost = apply(lambda x, y, g: [T.cast(g, "int32"), g])
    with pytest.raises(TypeError, match="illegally returned an integer-valued variable"):
        grad(cost, x)


def test_integer_outputs_let_nothing_but_zeros_through() -> None:
    x, _, cost = apply(lambda x, y, g: [T.zeros_like(x), T.zeros_like(y)], out="int64")
    cost = T.cast(cost, "float64")
    np.testing.assert_array_equal(run(grad(cost, x), {x: X}), [0, 0])


def test_a_gradient_through_integers_that_is_not_zero_raises() -> None:
    x, y = T.dvector("x"), T.dvector("y")
    out = Returns(lambda x, y, g: [T.ones_like(x), T.zeros_like(y)], out="int64")(x, y)
    with pytest.raises(ValueError, match="should evaluate to zeros"):
        grad(None, x, known_grads={out: T.dvector()})


def test_a_pattern_that_the_gradient_contradicts() -> None:
    x, _, cost = apply(lambda x, y, g: [g, g], [[True], [False]])
    with pytest.raises(TypeError, match="Expected DisconnectedType instance based on"):
        grad(cost, x)
    x, _, cost = apply(lambda x, y, g: [g, disconnected_type()], [[True], [True]])
    with pytest.raises(TypeError, match="connection_pattern method does not allow this"):
        grad(cost, x)


def test_a_missing_pattern_warns() -> None:
    x, y, cost = apply(lambda x, y, g: [g, disconnected_type()])
    with pytest.warns(UserWarning, match="may want to implement a connection_pattern method"):
        grad(cost, x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(DisconnectedInputError, match="returned DisconnectedType"):
            grad(cost, y)


def test_a_pattern_cuts_paths() -> None:
    x, y, cost = apply(lambda x, y, g: [g * y, disconnected_type()], [[True], [False]])
    np.testing.assert_array_equal(run(grad(cost, x), {x: X, y: X}), X)
    with pytest.raises(DisconnectedInputError, match="Returns"):
        grad(cost, y)


def test_a_pattern_of_the_wrong_form_raises() -> None:
    x, _, cost = apply(lambda x, y, g: [g, g], [[True]])
    with pytest.raises(ValueError, match="must be a list of 2 rows"):
        grad(cost, x)


def test_undefined_and_not_implemented() -> None:
    for helper, word in ((grad_undefined, "mathematically undefined"), (grad_not_implemented, "not implemented")):
        op = Returns(lambda x, y, g, h=helper: [g * y, h("myop", 1, y, "Ask later.")])
        x, y = T.dvector("x"), T.dvector("y")
        cost = op(x, y).sum()
        grad(cost, x)
        with pytest.raises(NullTypeGradError, match=rf"input 1 \(y\) of the myop op is {word}\. Ask later\."):
            grad(cost, y)
        assert isinstance(grad(cost, [x, y], null_gradients="return")[1].type, NullType)


def test_an_op_without_gradient_says_so() -> None:
    class Opaque(Op):
        def make_node(self, x: Any) -> Apply:
            return Apply(self, [x], [x.type()])

    x = T.dvector("x")
    with pytest.raises(NotImplementedError, match="Opaque") as caught:
        grad(Opaque()(x).sum(), x)
    assert "test_author_ops.py" in str(caught.value)
    with pytest.raises(DisconnectedInputError):  # not on the path: never asked
        grad(Opaque()(x).sum(), T.dvector("y"))


def test_an_exception_keeps_its_class_and_gains_a_line() -> None:
    def fail(x: Any, y: Any, g: Any) -> Any:
        raise KeyError("lost")

    x, _, cost = apply(fail)
    with pytest.raises(KeyError, match="lost") as caught:
        grad(cost, x)
    assert any("while building the gradient of" in note for note in caught.value.__notes__)


class SumAndDifference(Op):
    """x, y, n -> x + y, x * y; n has no influence on values. Counts what its L_op is given."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def make_node(self, x: Any, y: Any, n: Any) -> Apply:
        return Apply(self, [x, y, n], [x.type(), x.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        x, y, _ = inputs
        output_storage[0][0], output_storage[1][0] = x + y, x * y

    def connection_pattern(self, node: Any) -> Any:
        return [[True, True], [True, True], [False, False]]

    def L_op(self, inputs: Any, outputs: Any, output_grads: Any) -> Any:
        self.seen.append(list(output_grads))
        x, y, _ = inputs
        gx, gy = T.zeros_like(x), T.zeros_like(y)
        a, b = output_grads
        if not isinstance(a.type, DisconnectedType):
            gx, gy = gx + a, gy + a
        if not isinstance(b.type, DisconnectedType):
            gx, gy = gx + b * y, gy + b * x
        return [gx, gy, disconnected_type()]


def test_outputs_without_cotangent_come_as_disconnected() -> None:
    x, y, n = T.dvector("x"), T.dvector("y"), T.lscalar("n")
    op = SumAndDifference()
    plus, times = op(x, y, n)
    env = {x: X, y: 3 * X, n: 0}
    np.testing.assert_array_equal(run(grad(times.sum(), x), env), 3 * X)
    assert isinstance(op.seen[-1][0].type, DisconnectedType) and op.seen[-1][1].type.dtype == "float64"
    np.testing.assert_array_equal(run(grad((plus * 2 + times).sum(), x), env), 2 + 3 * X)
    assert len(op.seen) == 2  # once for each call of grad
    with pytest.raises(DisconnectedInputError):
        grad(times.sum(), n)


def test_the_cotangent_has_the_dtype_of_the_output() -> None:
    x, y, n = T.fvector("x"), T.fvector("y"), T.lscalar("n")
    op = SumAndDifference()
    plus, _ = op(x, y, n)
    assert grad((plus * T.dvector()).sum(), x).type.dtype == "float32"
    assert op.seen[-1][0].type.dtype == "float32"


def test_an_op_off_the_path_is_never_asked() -> None:
    x, y = T.dvector("x"), T.dvector("y")

    def explode(*args: Any) -> Any:
        raise AssertionError("this gradient is not needed")

    other = Returns(explode)(y, y)
    np.testing.assert_array_equal(run(grad((x * other).sum(), x), {x: X, y: X}), X * X)


def test_an_op_that_destroys_its_input_is_differentiated_on_a_copy() -> None:
    class InPlace(Op):
        destroy_map = {0: [0]}

        def make_node(self, x: Any) -> Apply:
            return Apply(self, [x], [x.type()])

        def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
            output_storage[0][0] = np.multiply(inputs[0], inputs[0], out=inputs[0])

        def grad(self, inputs: Any, output_grads: Any) -> Any:
            self.given = inputs[0]
            return [output_grads[0] * 2 * inputs[0]]

    x = T.dvector("x")
    op = InPlace()
    np.testing.assert_array_equal(run(grad(None, x, known_grads={op(x): T.ones_like(x)}), {x: X}), 2 * X)
    assert op.given is not x


def test_a_gradient_that_forgot_the_broadcast_pattern_gets_it_back() -> None:
    class Loose(Op):
        def make_node(self, x: Any) -> Apply:
            return Apply(self, [x], [x.type()])

        def grad(self, inputs: Any, output_grads: Any) -> Any:
            return [T.unbroadcast(output_grads[0], 0) * 2]

    r = T.drow("r")
    g = grad(Loose()(r).sum(), r)
    assert g.type.broadcastable == (True, False)
