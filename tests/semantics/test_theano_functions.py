"""What Theano's users count on in functions, found by running its own tests: arguments, aliasing, updates, names."""

from __future__ import annotations

import copy
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano import In, OrderedUpdates, Out, shared
from symtheano.errors import NullTypeGradError
from symtheano.gradient import grad_undefined


def test_a_borrowed_output_aliases_only_a_borrowed_input() -> None:
    x = T.dmatrix("x")
    a = np.arange(4.0).reshape(2, 2)
    for one, aliases in ((x, False), (In(x), False), (In(x, borrow=False), False), (In(x, borrow=True), True)):
        assert np.may_share_memory(st.function([one], Out(x[0], borrow=True))(a), a) == aliases
        assert not np.may_share_memory(st.function([one], x[0])(a), a)


def test_shared_variables_that_swap_exchange_their_arrays() -> None:
    a, b = np.full((2, 2), 1.0), np.full((2, 2), 2.0)
    A, B = shared(a, borrow=True), shared(b, borrow=True)
    swap = st.function([], [A, B], updates=[(A, B), (B, A.T)])
    old_a, old_b = swap()
    assert A.get_value(borrow=True) is b and np.may_share_memory(B.get_value(borrow=True), a)
    assert not np.may_share_memory(old_a, a) and not np.may_share_memory(old_b, b)
    assert (old_a == 1).all() and (old_b == 2).all() and (A.get_value() == 2).all() and (B.get_value() == 1).all()
    for _ in range(5):
        swap()
    assert (A.get_value() == 1).all() and (B.get_value() == 2).all()


def test_an_array_that_is_given_up_has_one_new_owner() -> None:
    A, B, C = (shared(np.full(3, float(k))) for k in range(3))
    f = st.function([], [], updates=[(A, B), (B, C + 1), (C, B[::-1])])
    f()
    values = [s.get_value(borrow=True) for s in (A, B, C)]
    np.testing.assert_array_equal(values, [[1] * 3, [3] * 3, [1] * 3])
    assert not any(np.may_share_memory(p, q) for k, p in enumerate(values) for q in values[:k])


def test_one_old_value_for_two_updates_and_an_output() -> None:
    A, B = shared(np.zeros(2)), shared(np.ones(2))
    f = st.function([], Out(B, borrow=True), updates=[(A, B), (B, B * 2)])
    for k in range(3):
        out = f()
        assert (out == 2**k).all() and (A.get_value() == 2**k).all() and (B.get_value() == 2 ** (k + 1)).all()
        assert not np.may_share_memory(A.get_value(borrow=True), B.get_value(borrow=True))
        assert not np.may_share_memory(out, A.get_value(borrow=True))
        out[:] = -1


def test_a_shared_variable_or_constant_is_no_input_in_any_form() -> None:
    s, c = shared(1.0), T.constant(1.0)
    for what in (s, c):
        for given in (what, In(what), (what, 2.0)):
            with pytest.raises(TypeError):
                st.function([given], what + 1)


def test_an_in_is_not_changed_by_the_function_it_is_passed_to() -> None:
    x = T.lscalar("x")
    one = In(x)
    assert st.function([one], x, allow_input_downcast=True)(2.7) == 2
    assert one.allow_downcast is None
    with pytest.raises(TypeError):
        st.function([one], x)(2.7)


def test_a_name_that_several_inputs_have_cannot_be_a_keyword() -> None:
    a, b = T.dscalars("x", "x")
    f = st.function([a, b], a - b)
    assert f(3, 1) == 2
    with pytest.raises(TypeError, match="Ambiguous name: x"):
        f(3, x=1)


def test_a_gradient_without_value_cannot_be_computed() -> None:
    x = T.dscalar("x")
    with pytest.raises(NullTypeGradError, match="no derivative at all"):
        st.function([x], grad_undefined(T.exp(x).owner.op, 0, x, "no derivative at all"), on_unused_input="ignore")


def test_the_gradient_of_a_linear_cost_still_uses_the_input() -> None:
    x, y = T.dvectors("x", "y")
    np.testing.assert_array_equal(st.function([x], st.grad(x.sum(), x))([4.0, 5.0]), [1, 1])
    s = T.dscalar("s")
    assert st.function([s], st.grad(3 * s, s))(7.0) == 3
    assert st.grad(s, s).eval({s: 12.0}) == 1
    f = st.function([x, y], st.grad(x.sum() + y.sum(), [x, y]))
    np.testing.assert_array_equal(f([1.0], [2.0, 3.0])[1], [1, 1])


def test_hessian_vector_product_of_a_linear_cost_is_zero() -> None:
    x = T.arange(20.0).reshape([1, 20])
    v = shared(np.ones(20))
    hv = st.Rop(st.grad(T.dot(x, v).sum(), v), v, v)
    np.testing.assert_array_equal(hv.eval(), np.zeros(20))


def test_rop_of_a_linear_expression_still_uses_its_inputs() -> None:
    W, V, x = T.dmatrix("W"), T.dmatrix("V"), T.dvector("x")
    f = st.function([W, V, x], st.Rop(T.dot(x, W), W, V))
    np.testing.assert_array_equal(f(np.ones((2, 2)), np.full((2, 2), 2.0), [0.0, 1.0]), [2, 2])
    assert "x0" not in f.source.splitlines()[1]


def test_the_shape_rule_given_to_as_op_is_used() -> None:
    def never(x: Any, y: Any) -> Any:
        raise AssertionError("the value is not needed")

    op = st.as_op([T.dmatrix, T.dvector], T.dvector, lambda node, shapes: [shapes[1]])(never)
    x, y = T.dmatrix("x"), T.dvector("y")
    f = st.function([x, y], op(x, y).shape, on_unused_input="ignore")
    np.testing.assert_array_equal(f(np.ones((2, 3)), np.ones(5)), [5])


# -- containers ------------------------------------------------------------------------------------------------------


def test_every_input_has_a_container() -> None:
    a, x, s = T.dscalars("a", "x", "s")
    f = st.function([x, In(a, value=1.0), In(s, value=0.0, update=s + a * x)], s + a * x)
    assert f[a] == f["a"] == f.value[1] == 1 and f[x] is None and x in f.container and T.dscalar("a") not in f
    f[x] = 5.0  # a value does not make it an input that may be left out
    with pytest.raises(TypeError, match="Missing required input: x"):
        f()
    assert [d[:2] for d in f.defaults] == [(True, True), (False, True), (False, False)]
    g = copy.copy(f)
    assert all(g.container[v].storage is not f.container[v].storage for v in (a, x, s))
    assert f(3) == g(3) == 3 and f(1) == 4 and g[s] == 3 and f[s] == 4
    with pytest.raises(KeyError, match="Unknown input or state"):
        f[7]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
def test_functions_copied_together_still_share_a_container(copied: Any) -> None:
    a, x = T.dscalars("a", "x")
    h = st.function([In(a, value=0.0, update=a + 1)], a)
    f = st.function([x, In(a, value=h.container[a], implicit=True)], x + a)
    h()
    assert f(1) == 2
    h2, f2, a2 = copied((h, f, a))
    assert a2 is not a and f2.container[a2] is h2.container[a2] is not h.container[a]
    h2()
    assert f2(1) == 3 and f(1) == 2 and f2[a2] == 2 and f[a] == 1
    assert f.copy().container[a] is h.container[a]


# -- shortcuts of inputs ---------------------------------------------------------------------------------------------


def test_inputs_in_tuples() -> None:
    x, y, z, w = T.dscalar(), T.dscalar("y"), T.dscalar("z"), T.dscalar("w")
    f = st.function([("first", x), y, (z, 42), ((w, w + x), 0)], x + y + z)
    assert f(1, 2) == 45 and f(1, y=2) == 45 and f[w] == 2 and f(first=1, y=2, z=3) == 6 and f["w"] == 3
    g = st.function([("p", x, 5), ("q", (w, w * 2), 1.0)], x + w)
    assert [float(g()), float(g()), float(g(0, q=10)), float(g(0))] == [6, 7, 10, 20]
    for wrong in ((), (x, 1, 2), ((x, y, z), 1), ("name",), (3, x), ((x, "y"), 1)):
        with pytest.raises(TypeError):
            st.function([wrong], x)


# -- OrderedUpdates --------------------------------------------------------------------------------------------------


def test_ordered_updates_hold_shared_variables_only() -> None:
    x = shared(1.0, "x")
    for make in (lambda: OrderedUpdates({"x": 1}), lambda: OrderedUpdates([(T.dscalar(), 1)])):
        with pytest.raises(TypeError, match="must inherit from SharedVariable"):
            make()
    updates = OrderedUpdates()
    with pytest.raises(TypeError):
        updates[3] = x  # type: ignore[index]
    updates[x] = x + 1
    updates[x] = x + 2
    f = st.function([], x, updates=updates)
    assert [float(f()), float(f())] == [1, 3]


def test_ordered_updates_add_up_unless_they_disagree() -> None:
    x, y = shared(1.0, "x"), shared(2.0, "y")
    first, second = OrderedUpdates([(x, 5)]), OrderedUpdates([(y, 7)])
    both = first + second
    assert isinstance(both, OrderedUpdates) and list(both.items()) == [(x, 5), (y, 7)] and len(first) == 1
    assert dict(first + first + {x: 5}) == {x: 5} and list({y: 1} + first) == [y, x]
    first.update(None)
    with pytest.raises(KeyError, match="Collision"):
        first + {x: 6}
    array = np.ones(2)
    assert len(OrderedUpdates([(x, array)]) + {x: array}) == 1
    with pytest.raises(KeyError):
        OrderedUpdates([(x, array)]) + {x: array.copy()}
    assert type(copy.copy(both)) is OrderedUpdates and len(pickle.loads(pickle.dumps(both))) == 2


# -- function_dump ---------------------------------------------------------------------------------------------------


def test_the_arguments_of_a_function_in_a_file(tmp_path: Path) -> None:
    x, s = T.dvector("x"), shared(2.0, "s")
    x.tag.note, x.tag.lock = "kept", threading.Lock()
    path = str(tmp_path / "function.pkl")
    with pytest.raises(TypeError, match="lock"):
        st.function_dump(path, [x], x * s)
    st.function_dump(path, [x], {"y": x * s}, updates=[(s, s + 1)], name="dumped", extra_tag_to_remove="lock")
    with open(path, "rb") as file:
        arguments = pickle.load(file)
    f = st.function(**arguments)
    assert f.name == "dumped" and f([1.0])["y"] == [2] and f([1.0])["y"] == [3] and s.get_value() == 2
    assert vars(arguments["inputs"][0].tag) == {"note": "kept"}


# -- ops of authors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", [None, -1, 2, [0], "0"])
def test_a_default_output_that_is_none_of_the_outputs(position: Any) -> None:
    class Pair(st.Op):
        __props__ = ()

    Pair.default_output = position
    node = st.Apply(Pair(), [], [T.dscalar("a"), T.dscalar("b")])
    with pytest.raises(AttributeError, match="should be an output index"):
        T.as_tensor_variable(node)
