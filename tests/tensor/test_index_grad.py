"""Derivatives of indexing, to second order. The ops are linear: a pullback is right if <g, J dx> = <J^T g, dx>."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import symtheano.tensor as T
from symtheano.graph.interpret import evaluate
from symtheano.graph.null import DisconnectedType
from symtheano.graph.op import connection_pattern
from symtheano.graph.variable import Variable
from symtheano.tensor.index import choose, inc_subtensor, index, set_subtensor
from symtheano.tensor.type import tensor_type
from tests.tensor.index_cases import Case, keys
from tests.tensor.test_index_write import value_for

RNG = np.random.default_rng(7)


def like(array: Any) -> Any:
    return RNG.integers(-8, 9, size=np.shape(array)).astype("float64")  # small integers: sums are exact


def pull(out: Variable, g: Variable) -> list[Variable]:
    node = out.owner
    assert node is not None
    grads = node.op.L_op(node.inputs, node.outputs, [g])
    assert [isinstance(x.type, DisconnectedType) for x in grads] == [not row[0] for row in connection_pattern(node)]
    return list(grads)


def check_linear(out: Variable, env: dict[Variable, Any], order: int = 2) -> None:
    """The pullback of the node of `out` in its float inputs: values, shapes, and its own pullbacks."""
    node = out.owner
    assert node is not None
    kind: Any = out.type
    g = tensor_type("float64", tuple(1 if b else None for b in kind.broadcastable))()
    inputs = evaluate(node.inputs, env)
    direction = [like(v) if v.dtype == "float64" else v for v in inputs]
    moved = dict(zip(node.inputs, direction, strict=True))
    (ahead,) = evaluate(node.op.make_node(*node.inputs).outputs, {**env, **moved})
    cotangent = like(ahead)
    total = 0.0
    for x, value, dx, gx in zip(node.inputs, inputs, direction, pull(out, g), strict=True):
        if isinstance(gx.type, DisconnectedType) or value.dtype != "float64":
            continue
        (back,) = evaluate([gx], {**env, g: cotangent})
        assert back.shape == value.shape and gx.type.broadcastable == x.type.broadcastable  # type: ignore[attr-defined]
        total += float((back * dx).sum())
        writer = gx.owner
        if order > 1 and writer is not None and "Subtensor" in type(writer.op).__name__:
            check_linear(gx, {**env, g: cotangent}, order - 1)
    assert total == float((cotangent * ahead).sum())


@given(keys())
@settings(max_examples=200)
def test_reading(case: Case) -> None:
    part = case.part
    if part is not case.x:
        check_linear(part, case.env)


@st.composite
def written(draw: st.DrawFn) -> tuple[Case, Variable, bool]:
    case = draw(keys())
    return case, value_for(draw, case, case.array[case.key].shape), draw(st.booleans())


@given(written())
@settings(max_examples=300)
def test_writing(drawn: tuple[Case, Variable, bool]) -> None:
    case, y, setting = drawn
    part = case.part
    if part.owner is None or "Subtensor" not in type(part.owner.op).__name__:
        return
    check_linear(inc_subtensor(part, y, set_instead_of_inc=setting), case.env)


def test_a_value_that_is_replaced_by_a_later_one_has_no_gradient() -> None:
    x, i, y = T.dvector("x"), T.lvector("i"), T.dvector("y")
    g = T.dvector("g")
    env: dict[Variable, Any] = {
        x: np.zeros(4), i: np.array([1, 1, 3, -3]), y: np.ones(4), g: np.array([10.0, 20.0, 30.0, 40.0])
    }  # fmt: skip
    gx, gy, _ = pull(set_subtensor(x[i], y), g)
    np.testing.assert_array_equal(evaluate([gx], env)[0], [10, 0, 30, 0])
    np.testing.assert_array_equal(evaluate([gy], env)[0], [0, 0, 40, 20])


def test_integers_have_gradients_of_zeros() -> None:
    x, y, g = T.lvector("x"), T.dvector("y"), T.dvector("g")
    for part in (x[1:], x[[0, 1]]):
        env: dict[Variable, Any] = {x: np.arange(3), y: np.ones(2), g: np.ones(2)}
        (gx, *_) = pull(part, g)
        assert gx.type.dtype == "float64" and evaluate([gx], env)[0].tolist() == [0, 0, 0]  # type: ignore[attr-defined]
        gx, gy, *_ = pull(inc_subtensor(part, y), g)
        assert evaluate([gx], env)[0].tolist() == [0, 0, 0] and evaluate([gy], env)[0].tolist() == [0, 0]
    z, v = T.dvector("z"), T.lvector("v")
    _, gv, *_ = pull(set_subtensor(z[:2], v), g)
    assert gv.type.dtype == "float64"  # type: ignore[attr-defined]


def test_complex_array_with_a_real_value() -> None:
    x, y = T.zvector("x"), T.dvector("y")
    g = T.zvector("g")
    _, gy, *_ = pull(set_subtensor(x[:2], y), g)
    (value,) = evaluate([gy], {x: np.zeros(3, complex), y: np.zeros(2), g: np.array([1 + 2j, 3 + 4j, 5])})
    assert value.dtype == "float64" and value.tolist() == [1, 3]


def test_gradient_through_a_chain(rng: np.random.Generator) -> None:
    """With gradient.grad: a sum of squares of written and read parts, against finite differences."""
    x, y, i = T.dmatrix("x"), T.dvector("y"), T.lvector("i")
    part = set_subtensor(index(x, (slice(1, None), i)), y)
    cost = (inc_subtensor(part[:, ::-2], 2 * y.sum()) ** 2).sum() + (part[i] ** 3).sum()
    gradient = pytest.importorskip("symtheano.gradient.reverse")
    grads = gradient.grad(cost, [x, y])
    env: dict[Variable, Any] = {x: rng.normal(size=(3, 4)), y: rng.normal(size=3), i: np.array([2, 0, 2])}
    found = evaluate(grads, env)
    for variable, got in zip((x, y), found, strict=True):
        for place in np.ndindex(env[variable].shape):
            values = []
            for step in (1e-6, -1e-6):
                moved = env[variable].copy()
                moved[place] += step
                values.append(evaluate([cost], {**env, variable: moved})[0])
            assert abs(got[place] - (values[0] - values[1]) / 2e-6) < 1e-5


def test_forward() -> None:
    x, y, dx, dy = (T.dvector(k) for k in ("x", "y", "dx", "dy"))
    env: dict[Variable, Any] = {x: np.arange(3.0), y: np.ones(2), dx: np.array([1.0, 2, 3]), dy: np.array([7.0, 8])}
    part = x[1:]
    (tangent,) = part.owner.op.R_op(part.owner.inputs, [dx, None])
    assert evaluate([tangent], env)[0].tolist() == [2, 3]
    node = set_subtensor(part, y).owner
    for tangents, expected in [
        ([dx, dy, None], [1, 7, 8]), ([None, dy, None], [0, 7, 8]), ([dx, None, None], [1, 0, 0])
    ]:  # fmt: skip
        (tangent,) = node.op.R_op(node.inputs, tangents)
        assert evaluate([tangent], env)[0].tolist() == expected
    assert node.op.R_op(node.inputs, [None, None, None]) == [None]


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_choose(mode: str) -> None:
    a, c = T.lmatrix("a"), T.dtensor3("c")
    places = np.array([[0, 1, 2], [2, 1, 0]]) + (0 if mode == "raise" else 2)
    for shape in [(3, 2, 3), (3, 1, 3), (3, 2, 1)]:
        check_linear(choose(a, c, mode=mode), {a: places, c: like(np.zeros(shape))})
    v = T.dmatrix("v")
    check_linear(choose(a, v, mode=mode), {a: places, v: like(np.zeros((3, 3)))})
    part = choose(a, c, mode=mode)
    g = T.dmatrix("g")
    gc = pull(part, g)[1]
    again = pull(gc, T.dtensor3())
    assert not isinstance(again[2].type, DisconnectedType)
