"""OpFromGraph: expressions as Ops, their gradients, and what authors may override."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.opfromgraph import OpFromGraph, inline_op_from_graph
from symtheano.errors import DisconnectedInputError, NullTypeGradError
from symtheano.gradient import DisconnectedType, NullType, Rop, disconnected_type, grad
from symtheano.graph.op import Op
from symtheano.graph.variable import Apply
from symtheano.graph.walk import equal_computations, toposort
from symtheano.tensor.sharedvar import shared
from tests.gradient.checks import check_gradients, check_rop, run

X, Y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5, -1.0], [2.0, 0.0]])


@pytest.fixture
def xyz() -> list[Any]:
    return [T.dmatrix(n) for n in "xyz"]


def test_values(xyz: list[Any]) -> None:
    x, y, z = xyz
    op = OpFromGraph([x, y, z], [x + y * z, T.dot(x, y)])
    a, b, c = T.dmatrices("abc")
    one, two = op(a * 2, b, c)
    env = {a: X, b: Y, c: X}
    np.testing.assert_allclose(run(one - two, env), 2 * X + Y * X - 2 * X @ Y)
    for mode in ("FAST_COMPILE", "FAST_RUN"):
        np.testing.assert_allclose(st.function([a, b, c], one - two, mode=mode)(X, Y, X), 2 * X + Y * X - 2 * X @ Y)
    assert one.type == x.type
    np.testing.assert_allclose(run(op(a, a, a)[0], {a: X}), X + X * X)


def test_the_wrong_number_of_arguments(xyz: list[Any]) -> None:
    op = OpFromGraph(xyz, [xyz[0]])
    with pytest.raises(ValueError, match="Expected 3 inputs, got 2"):
        op(*xyz[:2])
    with pytest.raises(ValueError, match="Expected 3 inputs, got 4"):
        op(*xyz, xyz[0])


def test_arguments_must_have_the_types(xyz: list[Any]) -> None:
    op = OpFromGraph(xyz[:1], [xyz[0] * 2])
    with pytest.raises(TypeError, match="Cannot convert Type"):
        op(T.fmatrix())
    assert run(op(np.ones((2, 2)))).sum() == 8


@pytest.mark.parametrize(
    ("arguments", "keywords", "error"),
    [
        (([1], [2]), {}, TypeError),
        ((None, None), {}, TypeError),
        (([], []), {"updates": {}}, TypeError),
        (([], []), {"givens": {}}, TypeError),
    ],
)
def test_bad_arguments(arguments: Any, keywords: Any, error: Any) -> None:
    with pytest.raises(error):
        OpFromGraph(*arguments, **keywords)


def test_an_input_twice(xyz: list[Any]) -> None:
    with pytest.raises(ValueError, match="twice"):
        OpFromGraph([xyz[0], xyz[0]], [xyz[0]])


def test_gradients_to_second_order() -> None:
    x, y = T.dmatrices("xy")
    op = OpFromGraph([x, y], [T.tanh(T.dot(x, y)), T.exp(y)])

    def build(a: Any, b: Any) -> Any:
        one, two = op(T.sin(a), b)
        return one + two * a

    check_gradients(build, [X, Y])
    check_rop(build, [X, Y], [0, 1])
    check_gradients(lambda a: op(a, a)[0], [X])
    check_gradients(lambda a, b: op(a, b)[1], [X, Y])


def test_nested() -> None:
    x = T.dmatrix()
    inner = OpFromGraph([x], [T.tanh(x) * 2])
    outer = OpFromGraph([x], [inner(x) + inner(x * x)])
    check_gradients(outer, [X])
    a = T.dmatrix("a")
    np.testing.assert_allclose(st.function([a], outer(a))(X), 2 * np.tanh(X) + 2 * np.tanh(X * X))


def test_shared_variables_come_along() -> None:
    w, x = shared(np.array([2.0, 3.0]), "w"), T.dvector("x")
    op = OpFromGraph([x], [x * w, w + 1])
    assert op.shared_inputs == [w]
    a = T.dvector("a")
    cost = (op(a)[0] ** 2).sum()
    env = {a: [1.0, 2.0]}
    np.testing.assert_allclose(run(grad(cost, a), env), 2 * np.array([1, 2]) * np.array([4, 9]))
    np.testing.assert_allclose(run(grad(cost, w), env), 2 * np.array([1, 4]) * np.array([2, 3]))
    f = st.function([a], cost, updates=[(w, w * 2)])
    assert f([1.0, 2.0]) == 4 + 36 and f([1.0, 2.0]) == 4 * (4 + 36)
    w.set_value(np.array([1.0, 1.0]))
    assert f([1.0, 2.0]) == 5


def test_outputs_do_not_alias_inputs() -> None:
    x = T.dvector("x")
    op = OpFromGraph([x], [x, x[::-1], x])
    a = T.dvector("a")
    value = np.array([1.0, 2.0])
    results = run(op(a), {a: value})
    assert not any(np.may_share_memory(r, value) for r in results)
    assert not np.may_share_memory(results[0], results[2])


def test_connection_pattern() -> None:
    x, y, n = T.dvector("x"), T.dvector("y"), T.lscalar("n")
    op = OpFromGraph([x, y, n], [x * x.shape[0] + n, T.ones_like(x), y * 1.0])
    node = op(x, y, n)[0].owner
    assert op.connection_pattern(node) == [[True, False, False], [False, False, True], [True, False, False]]
    with pytest.raises(DisconnectedInputError, match="OpFromGraph"):
        grad(op(x, y, n)[1].sum(), x)
    said = OpFromGraph([x], [x * 2], connection_pattern=[[False]])
    with pytest.raises(DisconnectedInputError):
        grad(said(x).sum(), x)


def test_integers() -> None:
    x, n = T.dvector("x"), T.lvector("n")
    op = OpFromGraph([x, n], [x * n, n + T.argmax(x)])
    cost = (op(x, n)[0] * op(x, n)[1]).sum()
    gx, gn = run(grad(cost, [x, n]), {x: [1.0, 2.0], n: [3, 4]})
    np.testing.assert_allclose(gx, np.array([3, 4]) * (np.array([3, 4]) + 1))
    np.testing.assert_allclose(gn, np.array([1, 2]) * (np.array([3, 4]) + 1))  # through the float output only
    assert Rop(op(x, n)[0], x, T.ones_like(x)).type.dtype == "float64"


def test_infer_shape_and_inline(xyz: list[Any]) -> None:
    x, y, _ = xyz
    op = OpFromGraph([x, y], [T.dot(x, y), x.sum(axis=0)])
    a, b = T.dmatrices("ab")
    node = op(a, b)[0].owner
    shapes = op.infer_shape(node, [(a.shape[0], a.shape[1]), (b.shape[0], b.shape[1])])
    env = {a: np.ones((2, 3)), b: np.ones((3, 5))}
    assert [[int(v) for v in run(list(s), env)] for s in shapes] == [[2, 5], [3]]
    assert equal_computations(inline_op_from_graph(node), [T.dot(a, b), a.sum(axis=0)])
    assert len(op.fgraph.inputs) == 2 and str(op) == "OpFromGraph{inline=False}"
    assert op.local_inputs is op.inner_inputs and op.local_outputs is op.inner_outputs
    assert str(OpFromGraph([x], [x * 2], inline=True, name="double")) == "double{inline=True}"


def test_equality_and_pickling(xyz: list[Any]) -> None:
    x, y, _ = xyz
    op = OpFromGraph([x, y], [T.exp(x) * y])
    assert op == op and op != OpFromGraph([x, y], [T.exp(x) * y])
    cost = op(x, y).sum() + op(y, x).sum()
    gradient = grad(cost, x)
    again, inputs, again_gradient = pickle.loads(pickle.dumps((cost, [x, y], gradient)))
    ops = {node.op for node in toposort([again]) if isinstance(node.op, OpFromGraph)}
    assert len(ops) == 1
    values = dict(zip(inputs, [X, Y], strict=True))
    np.testing.assert_allclose(run(again, values), run(cost, {x: X, y: Y}))
    np.testing.assert_allclose(run(again_gradient, values), run(gradient, {x: X, y: Y}))
    np.testing.assert_allclose(run(grad(again, inputs[0]), values), run(gradient, {x: X, y: Y}))


# -- overrides ---------------------------------------------------------------------------------------------------------


def gradients(op: Any) -> list[Any]:
    x, y = T.dmatrices("xy")
    return run(grad(op(x, y).sum(), [x, y]), {x: X, y: Y})  # type: ignore[no-any-return]


def test_grad_overrides_by_one_function(xyz: list[Any]) -> None:
    x, y, _ = xyz
    op = OpFromGraph([x, y], [x * y], grad_overrides=lambda inputs, gs: [gs[0] * inputs[1] * 10, gs[0] * 7])
    gx, gy = gradients(op)
    np.testing.assert_allclose(gx, 10 * Y)
    np.testing.assert_allclose(gy, np.full((2, 2), 7.0))


def test_lop_overrides_by_one_function(xyz: list[Any]) -> None:
    x, y, _ = xyz
    op = OpFromGraph([x, y], [x * y], lop_overrides=lambda inputs, outs, gs: [gs[0] * outs[0], gs[0] * inputs[0]])
    gx, gy = gradients(op)
    np.testing.assert_allclose(gx, X * Y)
    np.testing.assert_allclose(gy, X)


def test_overrides_by_a_list(xyz: list[Any]) -> None:
    x, y, _ = xyz
    for default in ("default", None):
        op = OpFromGraph([x, y], [x * y], grad_overrides=[lambda inputs, gs: gs[0] * 5, default])
        gx, gy = gradients(op)
        np.testing.assert_allclose(gx, np.full((2, 2), 5.0))
        np.testing.assert_allclose(gy, X)


def test_overrides_by_an_op_from_graph(xyz: list[Any]) -> None:
    x, y, g = xyz
    by = OpFromGraph([x, y, g], [g * y * 3, g * x * 4])
    gx, gy = gradients(OpFromGraph([x, y], [x * y], grad_overrides=by))
    np.testing.assert_allclose(gx, 3 * Y)
    np.testing.assert_allclose(gy, 4 * X)
    with pytest.raises(ValueError, match=r"takes 3 inputs, but will be given 4"):
        OpFromGraph([x, y], [x * y], lop_overrides=by)


def test_overrides_by_null_and_disconnected(xyz: list[Any]) -> None:
    x, y, z = xyz
    op = OpFromGraph([x, y, z], [x * y * z], grad_overrides=["default", NullType("never")(), disconnected_type()])
    cost = op(x, y, z).sum()
    np.testing.assert_allclose(run(grad(cost, x), {x: X, y: Y, z: X}), Y * X)
    with pytest.raises(NullTypeGradError, match="never"):
        grad(cost, y)
    with pytest.raises(DisconnectedInputError):
        grad(cost, z)


def test_an_override_spares_the_gradient_of_the_expression() -> None:
    class Opaque(Op):
        def make_node(self, x: Any) -> Apply:
            return Apply(self, [x], [x.type()])

        def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
            output_storage[0][0] = inputs[0] * 2

    x = T.dmatrix()
    op = OpFromGraph([x], [Opaque()(x)], grad_overrides=lambda inputs, gs: [gs[0] * 2])
    np.testing.assert_allclose(run(grad(op(x).sum(), x), {x: X}), np.full((2, 2), 2.0))


def test_an_override_gets_zeros_for_outputs_without_cotangent(xyz: list[Any]) -> None:
    x, _, _ = xyz
    seen: list[Any] = []

    def override(inputs: Any, gs: Any) -> Any:
        seen.extend(gs)
        return [gs[0] * 2 + gs[1]]

    op = OpFromGraph([x], [x * 2, x * 3], grad_overrides=override)
    np.testing.assert_allclose(run(grad(op(x)[1].sum(), x), {x: X}), np.ones((2, 2)))
    assert not any(isinstance(g.type, DisconnectedType) for g in seen)


def test_rop_overrides(xyz: list[Any]) -> None:
    x, y, _ = xyz
    v = T.ones_like(x)
    env = {x: X, y: Y}
    op = OpFromGraph([x, y], [x * y, x + y], rop_overrides=lambda inputs, points: [points[0] * 9, points[1]])
    np.testing.assert_allclose(run(Rop(op(x, y)[0], x, v), env), np.full((2, 2), 9.0))
    np.testing.assert_allclose(run(Rop(op(x, y)[1], x, v), env), np.zeros((2, 2)))
    op = OpFromGraph([x, y], [x * y, x + y], rop_overrides=["default", lambda inputs, points: points[0] * 4])
    a, b = run(Rop(op(x, y), x, v), env)
    np.testing.assert_allclose(a, Y)
    np.testing.assert_allclose(b, np.full((2, 2), 4.0))


def test_bad_overrides(xyz: list[Any]) -> None:
    x, y, _ = xyz
    with pytest.raises(ValueError, match="mutually exclusive"):
        OpFromGraph([x], [x * 2], lop_overrides=lambda *a: [], grad_overrides=lambda *a: [])
    with pytest.raises(ValueError, match="Need to override 2"):
        OpFromGraph([x, y], [x * y], grad_overrides=["default"])
    with pytest.raises(TypeError, match="grad_overrides must be"):
        OpFromGraph([x, y], [x * y], grad_overrides=3)
    op = OpFromGraph([x, y], [x * y], grad_overrides=lambda inputs, gs: [gs[0]])
    with pytest.raises(ValueError, match="returned 1 variables, 2 are needed"):
        grad(op(x, y).sum(), x)
    op = OpFromGraph([x, y], [x * y], grad_overrides=lambda inputs, gs: gs[0])
    with pytest.raises(TypeError, match="should return a list"):
        grad(op(x, y).sum(), x)
