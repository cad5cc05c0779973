"""What clients of Theano silently rely on, items 13 to 26 and 40 to 48: functions, shared variables, machinery."""

from __future__ import annotations

import copy
import inspect
import pickle
import warnings
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano import errors
from symtheano.graph.walk import ancestors, equal_computations, graph_inputs, toposort

# -- 13 to 16: variables in Python ------------------------------------------------------------------------------------


def test_13_variables_are_keys() -> None:
    x, y = T.dvectors("x", "y")
    names = {x: "x", y: "y"}
    assert names[x] == "x" and x in [y, x] and (x == y) is False and (x == x) is True and (x != y) is True
    assert len({x, y, x}) == 2 and list(dict.fromkeys([y, x, y])) == [y, x]


def test_13_a_function_is_a_dictionary_of_variables() -> None:
    params = [st.shared(np.zeros(2), f"p{k}") for k in range(3)]
    grads = {p: st.shared(np.ones(2)) for p in params}
    st.function([], [], updates={p: p - grads[p] for p in params})()
    assert all(p.get_value().tolist() == [-1, -1] for p in params)


def test_14_a_copy_keeps_the_tag() -> None:
    x = T.dvector("x")
    x.tag.role = "input"
    assert copy.copy(x).tag.role == "input" and x.clone().tag.role == "input"
    x.clone().tag.other = 1
    assert not hasattr(x.tag, "other")
    x.anything = 3
    assert x.anything == 3


# -- 17, 18: graphs ---------------------------------------------------------------------------------------------------


def test_17_compiling_never_changes_the_graph() -> None:
    x, w = T.dmatrix("x"), st.shared(np.ones((2, 2)), "w")
    y = T.log(T.nnet.softmax(T.dot(x, w)))
    nodes = toposort([y])
    before = [(n.op, list(n.inputs), list(n.outputs), [o.name for o in n.outputs]) for n in nodes]
    for _ in range(2):
        st.function([x], [y, st.grad(T.sum(y), w)])
        st.function([x], y * 2, givens={w: w * 3}, mode="FAST_COMPILE")
    assert toposort([y]) == nodes
    assert [(n.op, n.inputs, n.outputs, [o.name for o in n.outputs]) for n in nodes] == before


def test_17_one_variable_in_many_functions() -> None:
    x = T.dscalar("x")
    y = x * 2
    assert [float(st.function([x], y + k)(1)) for k in range(3)] == [2, 3, 4]


def test_18_ops_and_types_are_equal_after_a_pickle() -> None:
    x = T.dmatrix("x")
    for v in (x.sum(axis=0), x[1:, 0], T.dot(x, x), x.dimshuffle(1, "x", 0), T.nnet.softmax(x)):
        node = v.owner
        assert pickle.loads(pickle.dumps(node.op)) == node.op
        assert pickle.loads(pickle.dumps(v.type)) == v.type


class Classifier:
    """As in the deep learning tutorials: parameters and expressions in one object."""

    def __init__(self, x: Any):
        self.x = x
        self.w = st.shared(np.full((3, 2), 0.5), "w")
        self.p = T.nnet.softmax(T.dot(x, self.w))
        self.y = T.argmax(self.p, axis=1)
        self.params = [self.w]


def test_18_an_object_of_variables() -> None:
    model = Classifier(T.dmatrix("x"))
    again = pickle.loads(pickle.dumps(model))
    again.w.set_value(np.array([[1.0, 0.0]] * 3))
    assert again.params[0] is again.w
    assert st.function([again.x], again.y)(np.ones((2, 3))).tolist() == [0, 0]
    np.testing.assert_allclose(st.function([model.x], model.p)(np.ones((1, 3))), [[0.5, 0.5]])


# -- 19 to 26: function and shared ------------------------------------------------------------------------------------


def test_19_a_shared_output_has_its_old_value() -> None:
    w = st.shared(np.ones(3), "w")
    f = st.function([], w, updates=[(w, w * 2)])
    assert [f()[0] for _ in range(3)] == [1, 2, 4]


def test_20_the_identity_copies() -> None:
    x = T.dvector("x")
    value = np.ones(3)
    result = st.function([x], x)(value)
    result[:] = 7
    assert value.tolist() == [1, 1, 1]
    w = st.shared(value)
    assert st.function([], w)() is not w.get_value(borrow=True)
    borrowed = st.shared(value, borrow=True)
    assert borrowed.get_value(borrow=True) is value


def test_21_default_updates_of_random_numbers_are_applied_where_they_are_used() -> None:
    seed = st.shared(1, "seed")
    seed.default_update = (seed * 5 + 1) % 16
    draw = seed * 1.0
    f, g = st.function([], draw), st.function([], draw - draw)
    assert [float(f()) for _ in range(3)] == [1, 6, 15]
    assert float(g()) == 0
    frozen = st.function([], draw, no_default_updates=True)
    assert float(frozen()) == float(frozen())


def test_22_conversion_of_inputs() -> None:
    with st.change_flags(floatX="float32"):
        x, i, s = T.vector("x"), T.ivector("i"), T.fscalar("s")
        f, g, h = (st.function([v], v) for v in (x, i, s))
        assert f([1, 2]).dtype == "float32" and g([1, 2]).dtype == "int32" and h(0.1).dtype == "float32"
        for function, bad in [(f, np.ones(2)), (f, [0.1, 2]), (g, np.ones(2, "int64")), (h, np.float64(0.1))]:
            with pytest.raises(TypeError):
                function(bad)


def test_23_results_are_arrays() -> None:
    x = T.dscalar("x")
    one = st.function([x], x + 1)(1)
    assert isinstance(one, np.ndarray) and f"{one:.1f}" == "2.0" and f"{float(one):f}" == "2.000000"
    assert isinstance(st.function([x], [x + 1])(1), list)


def test_24_a_missing_input_names_its_line() -> None:
    x = T.dscalar("lost")
    with pytest.raises(errors.MissingInputError, match="lost") as caught:
        st.function([], x * 2)
    assert "test_traps_function.py" in str(caught.value)


def test_25_arguments_that_are_one_array() -> None:
    x, y = T.dvectors("x", "y")
    f = st.function([st.In(x, mutable=True), y], [x * 2 + 1, y])
    a = np.ones(3)
    first, second = f(a, a)
    assert first.tolist() == [3, 3, 3] and second.tolist() == [1, 1, 1]


class Own(Exception):
    """A client's exception."""


def test_26_exceptions_keep_their_class() -> None:
    class Fails(st.Op):
        __props__ = ()
        itypes, otypes = [T.dscalar], [T.dscalar]

        def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
            raise Own("mine")

    x = T.dscalar("x")
    with pytest.raises(Own, match="mine") as caught:
        st.function([x], Fails()(x))(1.0)
    assert type(caught.value) is Own and caught.value.args[0].startswith("mine")
    v = T.dvector("v")
    with pytest.raises(IndexError):
        st.function([v], v[5])([1.0])


# -- 40 to 48: machinery ----------------------------------------------------------------------------------------------


def test_40_floating_point_is_silent() -> None:
    x = T.dscalar("x")
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        cases = [(1 / x, 0.0, np.inf), (T.log(x), -1.0, np.nan), (T.exp(x), 1e4, np.inf), (T.sqrt(x), -1.0, np.nan)]
        for expression, value, wanted in cases:
            np.testing.assert_equal(float(st.function([x], expression)(value)), wanted)


def test_40_the_callers_setting_is_untouched() -> None:
    x = T.dvector("x")
    f = st.function([x], x / 0)
    with np.errstate(divide="raise"):
        assert f([1.0]).tolist() == [np.inf]
        with pytest.raises(FloatingPointError):
            np.ones(1) / 0


EXCEPTIONS = {
    "DisconnectedInputError": ValueError, "NullTypeGradError": TypeError, "GradientError": Exception,
    "MissingInputError": Exception, "InconsistencyError": Exception, "UnusedInputError": Exception,
    "AliasedMemoryError": Exception, "AsTensorError": TypeError, "NotScalarConstantError": Exception,
    "EmptyConstantError": errors.NotScalarConstantError, "ShapeError": Exception, "AdvancedIndexingError": TypeError,
    "AdvancedBooleanIndexingError": TypeError, "MethodNotDefined": Exception, "ComplexError": NotImplementedError,
    "ContextNotDefined": ValueError, "TheanoConfigWarning": Warning,
}  # fmt: skip


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_42_exceptions(name: str) -> None:
    assert issubclass(getattr(errors, name), EXCEPTIONS[name])


def test_43_graph_utilities() -> None:
    x, y, w = T.dvector("x"), T.dvector("y"), st.shared(np.ones(2), "w")
    h = T.tanh(x * w)
    z = h + y
    assert [v.name for v in graph_inputs([z])] == ["x", "w", "y"]
    assert ancestors([z])[0] is z and set(ancestors([z])) >= {x, y, w, h, z}
    assert x not in ancestors([z], blockers=[h])
    assert [n.outputs[0] for n in toposort([z])][-2:] == [h, z]


def test_43_equal_graphs_before_rewriting() -> None:
    x, y = T.dmatrices("x", "y")
    assert equal_computations([x.mean()], [T.mean(x)])
    assert equal_computations([T.tanh(x) + 1], [T.tanh(y) + 1], [x], [y])
    assert not equal_computations([T.tanh(x) + 1], [T.tanh(x) + 2])
    assert not equal_computations([x + y], [y + x])
    assert equal_computations([x[1:, 0].sum(axis=0)], [x[1:, 0].sum(axis=0)])


def test_43_clone() -> None:
    x, y, w = T.dscalar("x"), T.dscalar("y"), st.shared(2.0, "w")
    z = x * w
    assert float(st.clone(z, replace={x: y}).eval({y: 3.0})) == 6
    swapped = st.clone(x - y, replace={x: y, y: x})
    assert float(swapped.eval({x: 1.0, y: 5.0})) == 4
    both = st.clone([z, z + 1], replace=[(w, y)])
    assert isinstance(both, list) and float(both[1].eval({x: 2.0, y: 3.0})) == 7
    free = st.clone(z, share_inputs=False)
    assert x not in graph_inputs([free]) and st.clone(z) is not None
    with pytest.raises(TypeError):
        st.clone(z, replace={x: T.dvector("v")})


def test_44_what_owners_look_like() -> None:
    x = T.dmatrix("x")
    assert isinstance((x + 1).owner.op, T.Elemwise) and (x + 1).owner.op.scalar_op.name == "add"
    assert x[0].owner.inputs[0] is x


def test_45_a_shared_variable_of_a_clients_class() -> None:
    class Mine(T.sharedvar.TensorSharedVariable):
        pass

    w = Mine("w", T.dvector, np.ones(2), False)
    st.function([], [], updates=[(w, w * 2)])()
    assert w.get_value().tolist() == [2, 2]


def test_46_settings_may_change_after_the_import() -> None:
    with st.change_flags(floatX="float32"):
        assert T.vector().dtype == "float32"
    assert T.vector().dtype == "float64"


def test_47_signatures_are_theanos() -> None:
    assert (
        list(inspect.signature(st.function).parameters)
        == (
            "inputs outputs mode updates givens no_default_updates accept_inplace name rebuild_strict "
            "allow_input_downcast profile on_unused_input"
        ).split()
    )
    assert (
        list(inspect.signature(st.In).parameters)
        == ("variable name value update mutable strict allow_downcast autoname implicit borrow shared").split()
    )
    assert (
        list(inspect.signature(st.grad).parameters)
        == (
            "cost wrt consider_constant disconnected_inputs add_names known_grads return_disconnected null_gradients"
        ).split()
    )
    copying = list(inspect.signature(st.Function.copy).parameters)[1:]
    assert copying == "share_memory swap delete_updates name profile".split()
    x = T.dscalar("x")
    with pytest.raises(TypeError):
        st.function([x], x, colour="red")  # type: ignore[call-arg]


def test_48_versions() -> None:
    assert st.__version__.count(".") >= 2
