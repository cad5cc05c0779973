"""ifelse: Theano's own cases, what runs and what does not, values and derivatives, on both targets."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.branches import Branch, with_branches
from symtheano.compile.target.choice import missing
from symtheano.graph.fgraph import FunctionGraph
from symtheano.scan.ifelse import IfElse, ifelse
from symtheano.scan.op import Scan

NUMPY = st.Mode(target="numpy")
_NATIVE = pytest.param(st.Mode(target="native"), marks=pytest.mark.skipif(missing() is not None, reason="no LLVM"))
on_both = pytest.mark.parametrize("mode", [NUMPY, _NATIVE], ids=["numpy", "native"])


class Counted(st.Op):
    """Twice the input; `calls` counts how often it was computed, that of its gradient how often that was."""

    __props__ = ()

    def __init__(self, gradient: Counted | None = None):
        self.calls = 0
        self.gradient = gradient

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def make_node(self, x: Any) -> st.Apply:
        x = T.as_tensor_variable(x)
        return st.Apply(self, [x], [x.type()])

    def perform(self, node: st.Apply, inputs: Any, output_storage: Any, *params: Any) -> None:
        self.calls += 1
        output_storage[0][0] = 2 * inputs[0]

    def infer_shape(self, node: st.Apply, shapes: Any) -> Any:
        return shapes

    def grad(self, inputs: Any, output_grads: Any) -> Any:
        assert self.gradient is not None
        return [self.gradient(output_grads[0])]

    def R_op(self, inputs: Any, eval_points: Any) -> Any:
        return [self(eval_points[0])]


def counted() -> Counted:
    return Counted(Counted())


def branches(f: Any) -> list[Branch]:
    return [n.op for n in with_branches(f.graph).nodes if isinstance(n.op, Branch)]


# -- what Theano tests -------------------------------------------------------------------------------------------------


@on_both
def test_lazy_if(mode: Any) -> None:
    x, y, c = T.vector("x", "float64"), T.vector("y", "float64"), T.iscalar("c")
    f = st.function([c, x, y], ifelse(c, x, y), mode=mode)
    a, b = np.arange(3.0), np.arange(5.0) + 7
    assert np.array_equal(f(1, a, b), a)
    assert np.array_equal(f(0, a, b), b)
    assert not np.shares_memory(f(1, a, b), a)


def test_the_graph_keeps_the_op() -> None:
    x, y, c = T.dvector(), T.dvector(), T.iscalar()
    f = st.function([c, x, y], ifelse(c, x * 2, y))
    assert any(isinstance(node.op, IfElse) for node in f.maker.fgraph.toposort())


def test_mixed_dtypes() -> None:
    x, y, c = T.ivector("x"), T.fvector("y"), T.iscalar("c")
    with pytest.raises(TypeError, match="identical types"):
        ifelse(c, x, y)
    f = st.function([c, x, y], ifelse(c, T.cast(x, "float32"), y))
    assert f(1, np.array([1, 2], "int32"), np.array([0.5], "float32")).tolist() == [1, 2]
    assert f(0, np.array([1, 2], "int32"), np.array([0.5], "float32")).tolist() == [0.5]


@on_both
def test_lazy_if_on_generics(mode: Any) -> None:
    x, y, c = st.generic(), st.generic(), T.iscalar("c")
    f = st.function([c, x, y], ifelse(c, x, y), mode=mode)
    assert f(1, ["testX"], ["testY"]) == ["testX"]
    assert f(0, ["testX"], ["testY"]) == ["testY"]


@on_both
def test_grad_lazy_if(mode: Any) -> None:
    x, y, c = T.dvector("x"), T.dvector("y"), T.iscalar("c")
    gx, gy = T.grad(ifelse(c, x, y).sum(), [x, y])
    f = st.function([c, x, y], [gx, gy], mode=mode)
    a, b = np.arange(3.0), np.arange(5.0)
    for condition in (1, 0):
        ga, gb = f(condition, a, b)
        assert np.array_equal(ga, np.full(3, float(condition)))
        assert np.array_equal(gb, np.full(5, 1.0 - condition))


@on_both
def test_multiple_out(mode: Any) -> None:
    x1, x2, y1, y2 = T.dvectors("x1", "x2", "y1", "y2")
    c = T.iscalar("c")
    z = ifelse(c, (x1, x2), (y1, y2))
    assert isinstance(z, tuple)
    assert isinstance(ifelse(c, [x1, x2], [y1, y2]), list)
    f = st.function([c, x1, x2, y1, y2], z, mode=mode)
    values = [np.full(k, float(k)) for k in (1, 2, 3, 4)]
    for condition, expected in ((0, values[2:]), (1, values[:2])):
        for out, value in zip(f(condition, *values), expected, strict=True):
            assert np.array_equal(out, value)


@on_both
def test_multiple_out_grad(mode: Any) -> None:
    x1, x2, y1, y2 = T.dvectors("x1", "x2", "y1", "y2")
    c = T.iscalar("c")
    a, b = ifelse(c, (x1, x2), (y1, y2))
    grads = T.grad(a.sum() + (3 * b).sum(), [x1, x2, y1, y2])
    f = st.function([c, x1, x2, y1, y2], grads, mode=mode)
    values = [np.ones(k) for k in (1, 2, 3, 4)]
    assert [g.tolist() for g in f(1, *values)] == [[1], [3, 3], [0] * 3, [0] * 4]
    assert [g.tolist() for g in f(0, *values)] == [[0], [0, 0], [1] * 3, [3] * 4]


def test_numbers_of_values_must_agree() -> None:
    x, y, c = T.dvector(), T.dvector(), T.iscalar()
    with pytest.raises(ValueError, match="2 values if the condition holds, and 1"):
        ifelse(c, [x, y], [x])


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("other", [T.cast(T.dvector(), "int8"), T.drow(), T.dmatrix(), T.dcol(), T.dscalar()])
def test_types_must_agree(other: Any, swapped: bool) -> None:
    x = st.shared(np.ones(5), "x")
    pair = (other, x) if swapped else (x, other)
    with pytest.raises(TypeError, match="identical types"):
        ifelse(T.iscalar(), *pair)


def test_the_condition_is_a_scalar() -> None:
    x = T.dvector("x")
    with pytest.raises(TypeError, match="scalar with 0 standing for False"):
        ifelse(T.gt(x, 0), x, -x)
    with pytest.raises(TypeError):
        ifelse(True, x, -x)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64", "float32", "float64", "complex128"])
@on_both
def test_conditions_of_any_dtype(dtype: str, mode: Any) -> None:
    c = T.scalar("c", dtype)
    f = st.function([c], ifelse(c, 1, 2), mode=mode)
    assert f(np.array(1, dtype)) == 1
    assert f(np.array(0, dtype)) == 2


def test_numbers_and_arrays() -> None:
    c, x = T.iscalar("c"), T.dscalar("x")
    assert ifelse(c, x, 0).type == T.dscalar
    assert ifelse(c, 0.5, x).type == T.dscalar
    assert ifelse(c, np.arange(3.0), np.arange(5.0)).type == T.dvector
    assert ifelse(c, T.iscalar(), 1.0).type == T.iscalar
    with pytest.raises(TypeError, match="identical types"):
        ifelse(c, T.iscalar(), 0.5)  # no int32 is 0.5


def test_grad_int_value() -> None:
    """Parameters that only the condition depends on have gradients of zero, as in Theano."""
    w, b = st.shared(np.random.rand(10)), st.shared(np.random.rand())
    x, y = T.dvector(), T.dscalar()
    correct = (w.dot(x) + b) * y > 0
    loss = ifelse(correct, 0, 1)
    gw, gb = T.grad(loss, [w, b])
    f = st.function([x, y], [gw, gb, loss])
    values = f(np.ones(10), 1.0)
    assert np.array_equal(values[0], np.zeros(10)) and values[1] == 0 and values[2] == 0


def test_grad_test_values() -> None:
    x = T.dscalar("x")
    x.tag.test_value = np.array(1.0)
    with st.change_flags(compute_test_value="raise"):
        g = T.grad(ifelse(0, x, x), x)
    assert g.eval({x: 2.0}) == 1


def test_merge_of_conditions() -> None:
    """All ifelse of one condition that can are one branch."""
    x1, x2, y1, y2, w1, w2 = T.dvectors("x1", "x2", "y1", "y2", "w1", "w2")
    c = T.iscalar("c")
    a, b, d = ifelse(c, x1, x2), ifelse(c, y1 * 2, y2), ifelse(c, w1, T.exp(w2))
    f = st.function([c, x1, x2, y1, y2, w1, w2], [a, b, d])
    assert len(branches(f)) == 1
    values = [np.array([float(v)]) for v in (1, 2, 3, 4, 5, 0)]
    assert [float(v[0]) for v in f(1, *values)] == [1, 6, 5]
    assert [float(v[0]) for v in f(0, *values)] == [2, 4, 1]


def test_known_conditions_and_equal_sides() -> None:
    x, y, c = T.dvector("x"), T.dvector("y"), T.iscalar("c")
    one, two = ifelse(c, [x * 2, x * 3], [x * 2, y])
    outs = [ifelse(1, x, y), ifelse(0, x, y), ifelse(c, x, x), one, two, ifelse(c, ifelse(c, x, y), y)]
    f = st.function([c, x, y], outs)
    found = [node.op.n_outs for node in f.graph.nodes if isinstance(node.op, IfElse)]
    assert sorted(found) == [1, 1]
    for condition in (0, 1):
        got = f(condition, [1.0, 2.0], [5.0])
        x_, y_ = [1.0, 2.0], [5.0]
        want = [x_, y_, x_, [2.0, 4.0], [3.0, 6.0] if condition else y_, x_ if condition else y_]
        assert [v.tolist() for v in got] == want


def test_names_and_texts() -> None:
    x, c = T.dvector("x"), T.iscalar("c")
    z = ifelse(c, x, -x, name="abs")
    assert str(z.owner.op) == "if{abs}"
    assert "if{abs}" in str(st.function([c, x], z).graph)
    assert z.owner.op == IfElse(1) and hash(z.owner.op) == hash(IfElse(1, name="other"))
    assert IfElse(2).make_node(c, x, x, x, x).outputs[1].type == T.dvector
    with pytest.raises(ValueError, match="4 values"):
        IfElse(2)(c, x, x)


def test_static_shapes_meet() -> None:
    c = T.iscalar()
    a, b = T.constant(np.zeros((2, 3))), T.constant(np.ones((2, 4)))
    assert ifelse(c, a, b).type.shape == (2, None)


# -- what runs ---------------------------------------------------------------------------------------------------------


@on_both
def test_only_one_side_runs(mode: Any) -> None:
    x, c = T.dvector("x"), T.iscalar("c")
    left, right, both = counted(), counted(), counted()
    z = ifelse(c, left(T.exp(both(x))), right(both(x)) - 1)
    f = st.function([c, x], z.sum() * 2, mode=mode)
    for condition, want in ((1, (1, 0, 1)), (0, (1, 1, 2)), (0, (1, 2, 3)), (1, (2, 2, 4))):
        f(condition, [1.0, 2.0])
        assert (left.calls, right.calls, both.calls) == want


@on_both
def test_only_one_side_of_a_gradient_runs(mode: Any) -> None:
    x, w, c = T.dvector("x"), T.dvector("w"), T.iscalar("c")
    left, right = counted(), counted()
    z = ifelse(c, left(x * w), right(T.sin(x)))
    gx, gw = T.grad((z**2).sum(), [x, w])
    f = st.function([c, x, w], [z, gx, gw], mode=mode)
    a, b = np.array([0.5, 1.5]), np.array([2.0, 3.0])
    z1, gx1, gw1 = f(1, a, b)
    assert np.allclose(z1, 2 * a * b) and np.allclose(gx1, 8 * a * b * b) and np.allclose(gw1, 8 * a * a * b)
    assert (left.calls, left.gradient.calls, right.calls, right.gradient.calls) == (1, 1, 0, 0)
    z0, gx0, gw0 = f(0, a, b)
    assert np.allclose(z0, 2 * np.sin(a)) and np.allclose(gx0, 8 * np.sin(a) * np.cos(a)) and np.all(gw0 == 0)
    assert (left.calls, left.gradient.calls, right.calls, right.gradient.calls) == (1, 1, 1, 1)


@on_both
def test_a_gradient_inside_a_branch(mode: Any) -> None:
    """With respect to a value that only one branch has: zero where that is not taken."""
    x, c = T.dvector("x"), T.iscalar("c")
    op = counted()
    inner = T.exp(x)
    z = ifelse(c, op(inner), x)
    f = st.function([c, x], T.grad(z.sum(), inner), mode=mode)
    assert f(0, [1.0, 2.0]).tolist() == [0, 0]
    assert (op.calls, op.gradient.calls) == (0, 0)
    assert f(1, [1.0, 2.0]).tolist() == [2, 2]
    assert (op.calls, op.gradient.calls) == (0, 1)


@on_both
def test_rop_runs_one_side(mode: Any) -> None:
    x, v, c = T.dvector("x"), T.dvector("v"), T.iscalar("c")
    left, right = counted(), counted()
    f = st.function([c, x, v], T.Rop(ifelse(c, left(x**2), right(T.sin(x))), x, v), mode=mode)
    a, b = np.array([0.5, 1.5]), np.array([2.0, 3.0])
    assert np.allclose(f(1, a, b), 4 * a * b)
    assert right.calls == 0 and left.calls > 0
    assert np.allclose(f(0, a, b), 2 * np.cos(a) * b)
    assert right.calls > 0


@on_both
def test_what_two_branches_need_is_computed_once(mode: Any) -> None:
    """The second reads what the first one gave, so that they cannot be one."""
    x, c = T.dvector("x"), T.iscalar("c")
    op = counted()
    t = op(T.exp(x))
    first = ifelse(c, t + 1, x)
    second = ifelse(c, t * first.sum(), -first)
    f = st.function([c, x], second, mode=mode)
    assert len(branches(f)) == 2
    assert np.allclose(f(0, [1.0, 2.0]), [-1, -2])
    assert op.calls == 0
    twice = 2 * np.exp([1.0, 2.0])
    assert np.allclose(f(1, [1.0, 2.0]), twice * (twice + 1).sum())
    assert op.calls == 1


@on_both
def test_branches_of_two_conditions_wait_for_each_other(mode: Any) -> None:
    """a needs b and d needs e: merging a with e and b with d would be a circle."""
    x, c, k = T.dvector("x"), T.iscalar("c"), T.iscalar("k")
    b = ifelse(k, T.exp(x), x)
    a = ifelse(c, b.sum() + x, x)
    e = ifelse(c, T.sin(x), x * 5)
    d = ifelse(k, e.sum() * x, x)
    f = st.function([c, k, x], [a, b, d, e], mode=mode)
    v = np.array([0.5, 2.0])
    for cond in (0, 1):
        for kind in (0, 1):
            b_ = np.exp(v) if kind else v
            e_ = np.sin(v) if cond else v * 5
            want = [b_.sum() + v if cond else v, b_, e_.sum() * v if kind else v, e_]
            for got, value in zip(f(cond, kind, v), want, strict=True):
                assert np.allclose(got, value)


@on_both
def test_nested(mode: Any) -> None:
    x, c, k = T.dvector("x"), T.iscalar("c"), T.iscalar("k")
    ops = [counted() for _ in range(4)]
    z = ifelse(c, ifelse(k, ops[0](x), ops[1](x) + 1), ifelse(k, ops[2](x) + 2, ops[3](x) + 3))
    f = st.function([c, k, x], z, mode=mode)
    for n, (cond, kind) in enumerate([(1, 1), (1, 0), (0, 1), (0, 0)]):
        assert np.allclose(f(cond, kind, [1.0, 5.0]), np.array([2.0, 10.0]) + n)
        assert [op.calls for op in ops] == [1] * (n + 1) + [0] * (3 - n)


@on_both
def test_inside_the_same_condition(mode: Any) -> None:
    """Within a branch the condition is known: its ifelse is no second choice there."""
    x, c = T.dvector("x"), T.iscalar("c")
    never = counted()
    inner, again = ifelse(c, [T.exp(x), x], [never(x), x * 5])
    z = ifelse(c, T.sin(ifelse(c, inner + again, x)) * inner, x)
    f = st.function([c, x], z, mode=mode)
    assert np.allclose(f(1, [0.5]), np.sin(np.exp(0.5) + 0.5) * np.exp(0.5))
    assert np.allclose(f(0, [0.5]), 0.5)
    (branch,) = branches(f)
    assert not any(isinstance(n.op, (Branch, IfElse)) for n in branch.holds.step.graph.nodes)
    assert never.calls == 0


@pytest.mark.parametrize("count", [30, 1500])
def test_long_chains(count: int) -> None:
    """Deeper than branches go, values are right all the same; and no recursion."""
    x, c = T.dvector("x"), T.dscalar("c")
    z: Any = x
    for k in range(count):
        z = ifelse(T.gt(c, k), z * 1.001, x + k)
    f = st.function([c, x], z, mode=NUMPY)
    assert f(count - 0.5, [2.0])[0] == pytest.approx(2 * 1.001**count)
    assert f(0.0, [2.0]) == [2.0 + count - 1]
    assert f(count - 1.5, [2.0]) == [2.0 + count - 1]


@on_both
def test_numbers_are_selected(mode: Any) -> None:
    """A few functions of numbers on both sides: no branch, so that a loop of them stays one piece of machine code."""
    x, y, c = T.dvector("x"), T.dscalar("y"), T.iscalar("c")
    z = ifelse(c, T.exp(y), ifelse(T.gt(y, 1), T.log(y), -y))
    f = st.function([c, y], [z, T.grad(z, y)], mode=mode)
    assert not branches(f)
    for cond, value, want in ((1, 2.0, (np.exp(2), np.exp(2))), (0, 2.0, (np.log(2), 0.5)), (0, -1.0, (1, -1))):
        assert np.allclose(f(cond, value), want)
    out, _ = st.scan(lambda t, s: ifelse(T.gt(t, s), s * t, s - t), sequences=x, outputs_info=T.constant(np.float64(2)))
    g = st.function([x], out, mode=mode)
    s, want = 2.0, []
    for t in [1.0, 3.0, -2.0, 9.0]:
        s = s * t if t > s else s - t
        want.append(s)
    assert np.allclose(g([1.0, 3.0, -2.0, 9.0]), want)
    assert mode is NUMPY or g.compiled.native.entry is not None


def test_wide_chains() -> None:
    """Values that both sides read stand before the branch."""
    x, c = T.dscalar("x"), T.dscalar("c")
    z: Any = x
    for k in range(300):
        z = ifelse(T.gt(c, k), z * 1.01, z - 1)
    f = st.function([c, x], [z, T.grad(z, x)], mode=NUMPY)
    value, slope = f(100.0, 2.0)
    want = 2.0
    for k in range(300):
        want = want * 1.01 if k < 100 else want - 1
    assert value == pytest.approx(want) and slope == pytest.approx(1.01**100)


@on_both
def test_updates_stay_valid(mode: Any) -> None:
    w = st.shared(np.ones(3), "w")
    n = st.shared(np.int64(0), "n")
    x, c = T.dvector("x"), T.iscalar("c")
    new = ifelse(c, w - 0.1 * x, w)
    f = st.function([c, x], new.sum(), updates=[(w, new), (n, n + 1)], mode=mode)
    assert f(1, [1.0, 2.0, 3.0]) == pytest.approx(2.4)
    assert np.allclose(w.get_value(), [0.9, 0.8, 0.7]) and n.get_value() == 1
    assert f(0, [1.0]) == pytest.approx(2.4)  # a length that the side which is not taken would refuse
    assert np.allclose(w.get_value(), [0.9, 0.8, 0.7]) and n.get_value() == 2
    with pytest.raises(ValueError, match="mis-match"):
        f(1, [1.0])
    assert np.allclose(w.get_value(), [0.9, 0.8, 0.7]) and n.get_value() == 2


@on_both
def test_a_shared_variable_is_not_lent(mode: Any) -> None:
    w = st.shared(np.ones(3), "w")
    c = T.iscalar("c")
    f = st.function([c], ifelse(c, w, w * 2), updates=[(w, w + 1)], mode=mode)
    got = f(1)
    got += 100
    assert np.allclose(w.get_value(), 2)
    assert np.allclose(f(0), 4)


@on_both
def test_errors_inside_a_branch_tell_the_line(mode: Any) -> None:
    x, y, c = T.dvector("x"), T.dvector("y"), T.iscalar("c")
    f = st.function([c, x, y], ifelse(c, x + y, x) * 2, mode=mode)
    assert f(0, [1.0], [1.0, 2.0]).tolist() == [2]
    with pytest.raises(ValueError) as caught:
        f(1, [1.0], [1.0, 2.0])
    text = str(caught.value)
    assert "expression: (x + y)" in text and "test_ifelse.py" in text and "shape (2,)" in text


@on_both
def test_errors_of_authors_inside_a_branch(mode: Any) -> None:
    @st.as_op([T.dvector], [T.dvector])
    def refuse(x: Any) -> Any:
        raise RuntimeError("never")

    x, c = T.dvector("x"), T.iscalar("c")
    f = st.function([c, x], ifelse(c, ifelse(c > 1, refuse(x * 3), x), x), mode=mode)
    assert f(0, [1.0]).tolist() == f(1, [1.0]).tolist() == [1]
    with pytest.raises(RuntimeError, match="never") as caught:
        f(2, [1.0])
    assert "written at" in str(caught.value) and "test_ifelse.py" in str(caught.value)


@on_both
def test_lengths_of_what_is_not_taken(mode: Any) -> None:
    """A length that only values tell does not compute the side that is not taken."""
    x, c = T.dvector("x"), T.iscalar("c")
    op = counted()
    z = ifelse(c, op(x)[T.nonzero(op(x))[0]], x)
    f = st.function([c, x], [z.shape[0], z + 1], mode=mode)
    length, value = f(0, [0.0, 2.0])
    assert length == 2 and value.tolist() == [1, 3] and op.calls == 0
    length, value = f(1, [0.0, 2.0])
    assert length == 1 and value.tolist() == [5]


@on_both
def test_lengths_of_both(mode: Any) -> None:
    x, y, c = T.dvector("x"), T.dvector("y"), T.iscalar("c")
    f = st.function([c, x, y], ifelse(c, x, T.concatenate([x, y])).shape, mode=mode)
    assert not branches(f)
    assert f(1, [1.0], [1.0, 2.0]).tolist() == [1] and f(0, [1.0], [1.0, 2.0]).tolist() == [3]


def test_functions_pickle_and_copy() -> None:
    x, c = T.dvector("x"), T.iscalar("c")
    f = st.function([c, x], ifelse(c, T.exp(x), x))
    for g in (pickle.loads(pickle.dumps(f)), f.copy()):
        assert np.allclose(g(1, [1.0]), np.exp(1)) and g(0, [1.0]).tolist() == [1]
    assert pickle.loads(pickle.dumps(IfElse(2, name="n"))) == IfElse(2)


@on_both
def test_source_report_and_program_can_be_read(mode: Any) -> None:
    x, c = T.dvector("x"), T.iscalar("c")
    f = st.function([c, x], ifelse(c, T.exp(x) + 1, x), mode=mode)
    assert "def then0(" in f.source("numpy") and "    else:" in f.source("numpy")
    assert "then0" in str(f.compiled.program)
    assert f.report() and str(f.program)
    st.printing.debugprint(f, file="str")


# -- loops -------------------------------------------------------------------------------------------------------------


@on_both
def test_inside_a_loop(mode: Any) -> None:
    left, right = counted(), counted()

    def step(t: Any, s: Any) -> Any:
        return ifelse(T.gt(t, 2), left(s) * t, right(s) - t)

    x = T.dvector("x")
    out, _ = st.scan(step, sequences=x, outputs_info=T.constant(np.float64(1)))
    f = st.function([x], out, mode=mode)
    s, want = 1.0, []
    for t in [1.0, 3.0, 2.0, 5.0, 4.0]:
        s = 2 * s * t if t > 2 else 2 * s - t
        want.append(s)
    assert np.allclose(f([1.0, 3.0, 2.0, 5.0, 4.0]), want)
    assert (left.calls, right.calls) == (3, 2)


@on_both
def test_a_loop_in_a_branch(mode: Any) -> None:
    op = counted()
    x, c = T.dvector("x"), T.iscalar("c")
    out, _ = st.scan(lambda t, s: op(s) + t, sequences=x, outputs_info=T.constant(np.float64(1)))
    f = st.function([c, x], ifelse(c, out[-1], x.sum()), mode=mode)
    assert f(0, [1.0, 2.0, 3.0]) == 6 and op.calls == 0
    assert f(1, [1.0, 2.0, 3.0]) == 2 * (2 * (2 + 1) + 2) + 3 and op.calls == 3


@on_both
def test_what_no_step_changes_is_computed_before_the_loop(mode: Any) -> None:
    """As in Theano: once, and whether a step takes that side or not."""
    op = counted()
    x, w = T.dvector("x"), T.dvector("w")
    out, _ = st.scan(lambda t, w: ifelse(T.gt(t, 5), op(w) + t, w * t), sequences=x, non_sequences=w)
    f = st.function([x, w], out, mode=mode)
    assert np.allclose(f([1.0, 6.0, 7.0], [3.0, 4.0]), [[3, 4], [12, 14], [13, 15]]) and op.calls == 1


# -- derivatives -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1.0, -1.0])
@on_both
def test_finite_differences(mode: Any, sign: float) -> None:
    def value(x: Any, w: Any) -> Any:
        a, b = ifelse(T.gt(x.sum(), 0), [T.exp(x) * w, w.sum()], [T.sin(w) * x, (x * w).sum()])
        return (a * b).sum() + (ifelse(T.gt(x.sum(), 0), x, w) ** 3).sum()

    rng = np.random.default_rng(3)
    points = [sign * rng.uniform(0.5, 1.5, 4), rng.uniform(0.5, 1.5, 4)]
    st.gradient.verify_grad(value, points, rng=np.random.RandomState(1), mode=mode)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_second_derivatives(sign: float) -> None:
    x, v = T.dvector("x"), T.dvector("v")
    cost = ifelse(T.gt(x.sum(), 0), (T.exp(x) * x[::-1]).sum(), (T.sin(x) ** 2).sum())
    g = T.grad(cost, x)
    f = st.function([x, v], [T.Rop(g, x, v), T.grad((g * v).sum(), x)])
    slope = st.function([x], g)
    a, b = sign * np.array([0.3, 0.8, 1.1]), np.array([0.5, -1.0, 2.0])
    want = (slope(a + 1e-6 * b) - slope(a - 1e-6 * b)) / 2e-6
    for got in f(a, b):
        assert np.allclose(got, want, rtol=1e-5, atol=1e-6)


def test_l_op_of_the_op_itself() -> None:
    """Theano's form, for whoever calls it: an ifelse of the cotangent and zeros for each value."""
    x, y, c, g = T.dvector("x"), T.dvector("y"), T.iscalar("c"), T.dvector("g")
    node = ifelse(c, x, y).owner
    terms = node.op.L_op(node.inputs, node.outputs, [g])
    f = st.function([c, x, y, g], terms, on_unused_input="ignore")
    gc, gx, gy = f(1, [1.0, 2.0], [3.0, 4.0], [5.0, 6.0])
    assert gc == 0 and gc.dtype == st.config.floatX and gx.tolist() == [5, 6] and gy.tolist() == [0, 0]
    gc, gx, gy = f(0, [1.0, 2.0], [3.0, 4.0], [5.0, 6.0])
    assert gx.tolist() == [0, 0] and gy.tolist() == [5, 6]


def test_a_cotangent_is_masked_where_it_leaves_its_branch() -> None:
    """log has no slope at -1: where that side is not taken, the gradient is that of the other."""
    x, w, c = T.dscalar("x"), T.dscalar("w"), T.iscalar("c")
    z = ifelse(c, T.log(x), w) + x
    f = st.function([c, x, w], T.grad(z, [x, w]))
    assert [float(g) for g in f(0, -1.0, 2.0)] == [1, 1]
    assert [float(g) for g in f(1, 2.0, 2.0)] == [1.5, 0]


def test_a_loop_is_rebuilt_with_branches() -> None:
    x = T.dmatrix("x")
    out, _ = st.scan(lambda t: ifelse(T.gt(t[0], 0), T.exp(t), t), sequences=x)
    graph = with_branches(FunctionGraph([x], [out]))
    (loop,) = [node.op for node in graph.nodes if isinstance(node.op, Scan)]
    assert any(isinstance(node.op, Branch) for node in loop.step.graph.nodes)
    assert with_branches(graph) is graph
