"""The keywords of grad, Lop and subgraph_grad, and what each of them returns or raises."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.config import config
from symtheano.errors import DisconnectedInputError, NullTypeGradError
from symtheano.gradient import (
    DisconnectedType,
    Lop,
    NullType,
    disconnected_grad,
    format_as,
    grad,
    subgraph_grad,
    undefined_grad,
)
from symtheano.graph.walk import ancestors
from symtheano.tensor.sharedvar import shared
from tests.gradient.checks import run

X = np.array([1.0, 2.0, 3.0])


@pytest.fixture
def x() -> Any:
    return T.dvector("x")


# -- cost and wrt ------------------------------------------------------------------------------------------------------


def test_the_result_has_the_form_of_wrt(x: Any) -> None:
    cost = (x**2).sum()
    assert isinstance(grad(cost, x), T.TensorVariable)
    assert isinstance(grad(cost, [x]), list)
    assert isinstance(grad(cost, (x, x)), tuple)
    assert grad(cost, []) == []


def test_wrt_may_be_an_intermediate_a_shared_variable_or_a_constant(x: Any) -> None:
    w = shared(np.array([2.0, 0.5, 1.0]), "w")
    c = T.constant(np.array([3.0, 1.0, 2.0]))
    h = x * w
    cost = (h * h * c).sum()
    gh, gw, gc, gx = run(grad(cost, [h, w, c, x]), {x: X})
    hv = X * w.get_value()
    np.testing.assert_allclose(gh, 2 * hv * c.data)
    np.testing.assert_allclose(gw, 2 * hv * c.data * X)
    np.testing.assert_allclose(gc, hv**2)
    np.testing.assert_allclose(gx, 2 * hv * c.data * w.get_value())


def test_an_element_of_wrt_may_be_computed_from_another(x: Any) -> None:
    y = T.exp(x)
    gx, gy = run(grad((y * x).sum(), [x, y]), {x: X})
    np.testing.assert_allclose(gx, np.exp(X) * X + np.exp(X))
    np.testing.assert_allclose(gy, X)


def test_wrt_twice_and_the_cost_itself(x: Any) -> None:
    cost = x.sum()
    a, b, c = run(grad(cost, [x, x, cost]), {x: X})
    np.testing.assert_array_equal(a, np.ones(3))
    np.testing.assert_array_equal(b, np.ones(3))
    assert c == 1.0 and c.shape == ()


@pytest.mark.parametrize("wrt", [3.0, "x", None, np.ones(3), [1]])
def test_wrt_must_be_variables(x: Any, wrt: Any) -> None:
    with pytest.raises(TypeError, match="Expected Variable, got"):
        grad(x.sum(), wrt)


def test_wrt_must_not_be_a_set(x: Any) -> None:
    with pytest.raises(TypeError, match="wrt must not be a set"):
        grad(x.sum(), {x})


def test_cost_must_be_a_scalar(x: Any) -> None:
    with pytest.raises(TypeError, match=r"cost must be a scalar\.") as caught:
        grad(x * 2, x)
    assert "TensorType(float64, vector)" in str(caught.value) and "test_grad_options.py" in str(caught.value)


def test_cost_must_be_a_real_variable(x: Any) -> None:
    with pytest.raises(TypeError, match="cost must be"):
        grad(2.0, x)
    z = T.zscalar("z")
    with pytest.raises(TypeError, match="real scalar"):
        grad(z * z, z)


def test_null_cost_raises() -> None:
    with pytest.raises(ValueError, match="because it hurts"):
        grad(NullType("it hurts")(), T.dscalar())


def test_integer_cost_and_integer_wrt() -> None:
    i = T.lvector("i")
    g = grad((i * i).sum(), i)
    assert g.type.dtype == config.floatX
    np.testing.assert_array_equal(run(g, {i: [1, 2]}), np.zeros(2))
    config.floatX = "float32"
    assert grad((i * i).sum(), i).type.dtype == "float32"


def test_an_integer_in_a_float_expression_has_the_gradient_of_a_float() -> None:
    """As in Theano: an integer is a real number that happens to be whole, where the expression is continuous in it."""
    i, x, w = T.lvector("i"), T.dvector("x"), T.dmatrix("w")
    values = {i: [1, 2], x: [3.0, 5.0], w: [[0.1, 0.2], [0.3, 0.4]]}
    for build in (lambda v: v * x, lambda v: T.dot(v, w), T.exp, lambda v: T.mean(v / 3), lambda v: v**0.5):
        g = grad(T.sum(build(i)), i)
        assert g.type.dtype == "float64"
        real = T.cast(i, "float64")
        np.testing.assert_allclose(run(g, values), run(grad(T.sum(build(real)), real), values), rtol=1e-6)


def test_integer_paths_are_zero_and_connected(x: Any) -> None:
    integral = (
        T.argmax(x), T.gt(x, 0).sum(), T.floor(x).sum(), T.round(x).sum(), T.sgn(x).sum(), T.cast(x, "int32").sum(),
        T.ceil(x).sum(), T.trunc(x).sum(), T.eq(x, 2).sum(),
    )  # fmt: skip
    for y in integral:
        g = grad(T.cast(y, "float64") * 3.0, x)
        np.testing.assert_array_equal(run(g, {x: X}), np.zeros(3))


# -- disconnected_inputs, return_disconnected --------------------------------------------------------------------------


def test_disconnected_inputs(x: Any) -> None:
    other = T.fmatrix("other")
    cost = x.sum()
    with pytest.raises(DisconnectedInputError):
        grad(cost, other)
    assert issubclass(DisconnectedInputError, ValueError)
    with pytest.warns(UserWarning, match="other") as caught:
        g = grad(cost, other, disconnected_inputs="warn")
    assert caught[0].filename == __file__
    assert g.type.dtype == "float32"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        g = grad(cost, [x, other], disconnected_inputs="ignore")[1]
    np.testing.assert_array_equal(run(g, {other: np.ones((2, 3))}), np.zeros((2, 3)))


def test_return_disconnected(x: Any) -> None:
    i = T.imatrix("i")
    ignore = {"disconnected_inputs": "ignore"}
    g = grad(x.sum(), i, **ignore)
    assert g.type.dtype == config.floatX and g.type.ndim == 2
    assert grad(x.sum(), i, return_disconnected="None", **ignore) is None
    assert isinstance(grad(x.sum(), i, return_disconnected="Disconnected", **ignore).type, DisconnectedType)
    assert grad(x.sum(), [i, x], return_disconnected="None", **ignore)[0] is None


@pytest.mark.parametrize("keyword", ["disconnected_inputs", "return_disconnected", "null_gradients"])
def test_unknown_choices_raise(x: Any, keyword: str) -> None:
    with pytest.raises(ValueError, match=f"Invalid value for keyword '{keyword}'"):
        grad(x.sum(), x, **{keyword: "sometimes"})


def test_shape_paths_are_disconnected(x: Any) -> None:
    for y in (x.shape[0], T.zeros_like(x).sum(), T.ones_like(x).sum(), T.arange(x.shape[0]).sum(), x.size):
        with pytest.raises(DisconnectedInputError):
            grad(T.cast(y, "float64"), x)
    g = grad((x / x.shape[0]).sum(), x)
    np.testing.assert_allclose(run(g, {x: X}), np.ones(3) / 3)


# -- consider_constant -------------------------------------------------------------------------------------------------


def test_consider_constant(x: Any) -> None:
    y = x * x
    g = grad((y * x).sum(), x, consider_constant=[y])
    np.testing.assert_allclose(run(g, {x: X}), X**2)
    g = grad((x * x).sum(), x, consider_constant=[x])
    np.testing.assert_allclose(run(g, {x: X}), 2 * X)
    gy, gx = grad((y * x).sum(), [y, x], consider_constant=(y,))
    np.testing.assert_allclose(run(gy, {x: X}), X)
    np.testing.assert_allclose(run(gx, {x: X}), X**2)
    with pytest.raises(DisconnectedInputError, match="consider_constant"):
        grad(y.sum(), x, consider_constant=[y])


@pytest.mark.parametrize("constants", [3, [3.0], ["x"]])
def test_consider_constant_must_be_variables(x: Any, constants: Any) -> None:
    with pytest.raises(TypeError, match="consider_constant"):
        grad(x.sum(), x, consider_constant=constants)


def test_consider_constant_is_a_collection(x: Any) -> None:
    with pytest.raises(TypeError, match="must be an iterable collection"):
        grad(x.sum(), x, consider_constant=x)


# -- known_grads -------------------------------------------------------------------------------------------------------


def test_known_grads_take_the_place_of_what_flows_in(x: Any) -> None:
    y = T.exp(x)
    cost = (y**2).sum()
    gy = T.dvector("gy")
    env = {x: X, gy: [1.0, 10.0, 100.0]}
    for first in (cost, None):
        g = grad(first, x, known_grads=OrderedDict([(y, gy)]))
        np.testing.assert_allclose(run(g, env), np.exp(X) * env[gy])
    assert grad(None, y, known_grads={y: gy}) is gy
    assert gy.name == "gy"


def test_known_grads_do_not_need_a_gradient_above_them(x: Any) -> None:
    y = T.exp(x)
    g = grad(undefined_grad(y).sum(), x, known_grads={y: T.ones_like(y)})
    np.testing.assert_allclose(run(g, {x: X}), np.exp(X))


def test_known_grads_of_the_cost(x: Any) -> None:
    cost = x.sum()
    g = grad(cost, x, known_grads={cost: T.constant(3.0)})
    np.testing.assert_allclose(run(g, {x: X}), 3 * np.ones(3))


def test_known_grads_are_checked(x: Any) -> None:
    with pytest.raises(AssertionError, match="can't both be None"):
        grad(None, x)
    with pytest.raises(TypeError, match="output grads must be theano variables"):
        grad(None, x, known_grads={x: 1.0})
    with pytest.raises(TypeError, match="continuous"):
        grad(None, x, known_grads={x: T.lvector()})
    with pytest.raises(ValueError, match="the shape of its variable"):
        grad(None, x, known_grads={x: T.dscalar()})


# -- null gradients ----------------------------------------------------------------------------------------------------


def test_null_gradients(x: Any) -> None:
    cost = undefined_grad(x).sum()
    with pytest.raises(NullTypeGradError, match=r"input 0 \(x\) of the UndefinedGrad op is mathematically undefined"):
        grad(cost, x)
    assert issubclass(NullTypeGradError, TypeError)
    g = grad(cost, x, null_gradients="return")
    assert isinstance(g.type, NullType) and "undefined" in g.type.why_null


def test_a_null_path_poisons_a_good_one_and_flows_down(x: Any) -> None:
    y = x * 2
    with pytest.raises(NullTypeGradError):
        grad((undefined_grad(y) + y).sum(), x)


# -- names, lines, dtypes ----------------------------------------------------------------------------------------------


def test_names(x: Any) -> None:
    y = T.dvector("y")
    cost = (x * y).sum()
    assert grad(cost, x).name is None
    cost.name = "cost"
    gx, gy, gz = grad(cost, [x, y, x + 1], disconnected_inputs="ignore")
    assert (gx.name, gy.name, gz.name) == ("(dcost/dx)", "(dcost/dy)", None)
    assert grad(cost, x, add_names=False).name is None


def test_names_of_variables_that_share_a_gradient(x: Any) -> None:
    y = T.dvector("y")
    cost = (x + y).sum()
    cost.name = "c"
    gx, gy = grad(cost, [x, y])
    assert (gx.name, gy.name) == ("(dc/dx)", "(dc/dy)")


def test_names_do_not_rename_what_the_user_made(x: Any) -> None:
    s = T.dscalar("s")
    s2 = s * 1.0
    cost = x.sum() + s2
    cost.name = "c"
    known = T.dvector()
    grad(cost, [x, s], known_grads={x: known})
    assert known.name is None
    grad(s, s)
    one = T.constant(1.0)
    assert one.name is None


def test_gradients_carry_the_line_of_the_expression(x: Any) -> None:
    y = T.tanh(x)
    line = y.line
    gradient = grad(y.sum(), x)
    made = [v for v in ancestors([gradient]) if v.owner is not None and v.line == line]
    assert len(made) > 2  # the gradient of tanh belongs to the line of tanh


def test_dtypes() -> None:
    x = T.fvector("x")
    assert grad((x * x).sum(), x).type.dtype == "float32"
    assert grad((x * T.dvector()).sum(), x).type.dtype == "float64"
    assert grad(T.cast(x, "float64").sum(), x).type.dtype in ("float32", "float64")
    assert grad((x.sum() / x.shape[0]), x).type.dtype == "float32"


# -- Lop and subgraph_grad ---------------------------------------------------------------------------------------------


def test_lop(x: Any) -> None:
    w = T.dmatrix("w")
    W, u = np.arange(12.0).reshape(4, 3), np.array([1.0, -1.0, 2.0, 0.5])
    out = T.tanh(T.dot(w, x))
    v = T.dvector("v")
    s = 1 - np.tanh(W @ X) ** 2
    gx, gw = run(Lop(out, [x, w], v), {x: X, w: W, v: u})
    np.testing.assert_allclose(gx, W.T @ (s * u))
    np.testing.assert_allclose(gw, np.outer(s * u, X))
    assert isinstance(Lop([out], (x,), [v]), tuple)
    assert isinstance(Lop(out, x, v), T.TensorVariable)


def test_lop_of_outputs_that_depend_on_one_another(x: Any) -> None:
    y = x * 2
    z = y * y
    ones = T.ones_like(x)
    np.testing.assert_allclose(run(Lop([y, z], x, [ones, ones]), {x: X}), 2 + 8 * X)
    np.testing.assert_allclose(run(Lop([y, y], x, [ones, ones]), {x: X}), [4, 4, 4])


def test_lop_errors(x: Any) -> None:
    with pytest.raises(DisconnectedInputError):
        Lop(x * 2, T.dscalar("z"), T.ones_like(x))
    with pytest.raises(AssertionError, match="one eval point for each f"):
        Lop([x], x, [x, x])


def test_subgraph_grad() -> None:
    x, w1, w2, t = T.dvector("x"), T.dmatrix("w1"), T.dmatrix("w2"), T.dvector("t")
    a1 = T.tanh(T.dot(w1, x))
    a2 = T.tanh(T.dot(w2, a1))
    cost = T.sqr(a2 - t).sum() + T.sqr(w2).sum()
    cost2 = T.sqr(a2 - t).sum()
    cost_w1 = T.sqr(w1).sum()
    rng = np.random.default_rng(0)
    env = {x: rng.normal(size=3), w1: rng.normal(size=(4, 3)), w2: rng.normal(size=(2, 4)), t: rng.normal(size=2)}
    g2, next_start = subgraph_grad([w2], [a1], cost=cost)
    start = OrderedDict(zip([a1], next_start, strict=True))
    g1, gx, from_start, from_cost = subgraph_grad([w1], [x], start=start, cost=cost_w1, details=True)
    want = run(grad(cost2 + T.sqr(w2).sum() + cost_w1, [w1, w2, x]), env)
    for found, expected in zip(run([g1[0], g2[0], gx[0]], env), want, strict=True):
        np.testing.assert_allclose(found, expected)
    assert len(from_start) == len(from_cost) == 2
    with pytest.raises(AssertionError):
        subgraph_grad([w1], [x])


def test_format_as() -> None:
    assert format_as(True, False, (1, 2)) == [1, 2]
    assert format_as(False, True, [1]) == (1,)
    assert format_as(False, False, [1]) == 1
    assert format_as(False, False, 1) == 1
    with pytest.raises(ValueError, match="simultaneously"):
        format_as(True, True, [1])
    with pytest.raises(ValueError, match="one-element"):
        format_as(False, False, [1, 2])


def test_disconnected_message_says_why(x: Any) -> None:
    y = T.dvector("y")
    with pytest.raises(DisconnectedInputError) as caught:
        grad((disconnected_grad(y) * y.shape[0]).sum() + x.sum(), y)
    text = str(caught.value)
    assert "grad method was asked to compute the gradient with respect to a variable" in text
    assert "every path from y ends at" in text and "DisconnectedGrad(y)" in text and "Shape" in text
    assert text.count("test_grad_options.py:") >= 3
    assert "disconnected_inputs='ignore'" in text and "TensorType(float64, vector)" in text


def test_disconnected_message_finds_the_variable_that_was_meant() -> None:
    x = T.dvector("x")
    cost = T.exp(x).sum()
    again = T.dvector("x")
    with pytest.raises(DisconnectedInputError, match="another variable of the same name, x"):
        grad(cost, again)
    with pytest.raises(DisconnectedInputError, match="another variable of the same value"):
        grad(cost, T.exp(x))
    with pytest.raises(DisconnectedInputError, match=r"q is not part of the expression\.\n"):
        grad(cost, T.dmatrix("q"))


def test_constants_are_cut_not_merged() -> None:
    c = T.constant(2.0)
    assert float(grad(c, c).eval()) == 1.0
