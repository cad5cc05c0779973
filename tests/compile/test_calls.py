"""How a function takes its arguments and gives its results."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import MissingInputError, UnusedInputError


def xy() -> tuple[Any, Any]:
    return T.dscalars("x", "y")  # type: ignore[return-value]


# -- outputs ---------------------------------------------------------------------------------------------------------


def test_one_output_is_an_array_also_of_no_dimensions() -> None:
    x, _ = xy()
    result = st.function([x], x * 2)(3)
    assert type(result) is np.ndarray and result.shape == () and float(result) == 6


def test_a_list_of_outputs_is_a_list_also_of_one() -> None:
    x, _ = xy()
    for form in (list, tuple):
        result = st.function([x], form([x * 2]))(3)
        assert type(result) is list and len(result) == 1
    assert st.function([x], [], on_unused_input="ignore")(3) == []
    assert st.function([x], on_unused_input="ignore")(3) == []


def test_a_dict_of_outputs_is_a_dict() -> None:
    x, _ = xy()
    f = st.function([x], {"b": x * 2, "a": x + 1})
    assert {k: float(v) for k, v in f(3).items()} == {"a": 4.0, "b": 6.0}
    assert list(f(3)) == ["a", "b"] and f.output_keys == ["a", "b"]


def test_an_out_is_an_output() -> None:
    x, y = xy()
    assert [float(v) for v in st.function([x, y], [st.Out(x + y), x])(1, 2)] == [3, 1]
    assert float(st.function([x], st.Out(x * 2, borrow=True))(1)) == 2


def test_output_subset() -> None:
    x, _ = xy()
    f = st.function([x], [x + 1, x + 2, x + 3])
    assert [float(v) for v in f(0, output_subset=[2, 0])] == [3, 1]
    g = st.function([x], {"a": x + 1, "b": x + 2})
    assert {k: float(v) for k, v in g(0, output_subset=["b"]).items()} == {"b": 2}


def test_the_same_variable_may_be_asked_for_twice_and_be_an_input() -> None:
    x, _ = xy()
    y = x * 2
    assert [float(v) for v in st.function([x], [y, x, y, x])(1)] == [2, 1, 2, 1]


def test_constants_can_be_outputs() -> None:
    two = T.constant(np.array([1.0, 2.0]))
    f = st.function([], [two, two])
    a, b = f()
    a[0] = 7
    assert b[0] == 1 and f()[0][0] == 1


# -- arguments -------------------------------------------------------------------------------------------------------


def test_keywords_are_names_of_variables_or_of_in() -> None:
    x, y = xy()
    f = st.function([x, st.In(y, name="other")], x - y)
    assert float(f(1, 2)) == float(f(1, other=2)) == float(f(other=2, x=1)) == -1
    with pytest.raises(TypeError, match="Unknown input or state: y"):
        f(1, y=2)


def test_defaults_are_restored_after_each_call() -> None:
    x, y = xy()
    f = st.function([x, st.In(y, value=10)], x + y)
    assert [float(v) for v in (f(1), f(1, 2), f(1), f(1, y=3), f(1))] == [11, 3, 11, 4, 11]


def test_a_tuple_of_variable_and_value_is_an_input_with_a_default() -> None:
    x, y = xy()
    assert float(st.function([x, (y, 5.0)], x + y)(1)) == 6


def test_defaults_in_the_middle() -> None:
    a, b, c = T.dscalars("a", "b", "c")
    f = st.function([a, st.In(b, value=1), c], a + 10 * b + 100 * c)
    assert float(f(1, c=3)) == 311
    with pytest.raises(TypeError, match="Missing required input: c"):
        f(1, 2)


def test_param_is_the_old_name() -> None:
    x, _ = xy()
    assert float(st.function([st.Param(x, default=4)], x * 2)()) == 8


def test_a_default_is_never_changed_by_a_call() -> None:
    x = T.dvector("x")
    f = st.function([st.In(x, value=np.ones(3), mutable=True)], T.exp(x) * 2)
    first = f().copy()
    np.testing.assert_array_equal(f(), first)
    np.testing.assert_array_equal(f[x], np.ones(3))


CONVERSIONS: list[tuple[str, int, Any, Any]] = [
    ("float32", 1, [1, 2], None),
    ("int32", 1, [1, 2], None),
    ("int64", 0, 3.0, None),
    ("float64", 0, 0.1, None),
    ("float64", 1, np.ones(2, "float32"), None),
    ("float64", 1, np.ones(2, "int32"), None),
    ("float32", 1, np.ones(2, "int16"), None),
    ("float64", 1, np.ones(2, bool), None),
    ("float32", 0, 0.1, TypeError),
    ("float32", 0, np.float64(0.1), TypeError),
    ("float32", 1, np.ones(2), TypeError),
    ("float32", 1, np.ones(2, "int32"), TypeError),
    ("float32", 1, [0.1, 2], TypeError),
    ("int32", 1, np.ones(2, "int64"), TypeError),
    ("int32", 0, 2**40, TypeError),
    ("int64", 0, 1.5, TypeError),
    ("uint8", 0, -1, TypeError),
    ("float64", 1, 3.0, TypeError),
    ("float64", 1, "12", TypeError),
    ("float64", 0, 1j, TypeError),
]


@pytest.mark.parametrize(
    ("dtype", "ndim", "value", "error"), CONVERSIONS, ids=[f"{v!r} to {d}" for d, _, v, _ in CONVERSIONS]
)
def test_which_values_are_converted(dtype: str, ndim: int, value: Any, error: Any) -> None:
    x = T.TensorType(dtype, (False,) * ndim)("x")
    f = st.function([x], x)
    if error is not None:
        with pytest.raises(error):
            f(value)
    else:
        result = f(value)
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, np.asarray(value))


def test_floatX_decides_where_python_floats_go() -> None:
    x = T.fscalar("x")
    with st.change_flags(floatX="float32"):
        assert st.function([x], x)(0.1) == np.float32(0.1)
        with pytest.raises(TypeError):
            st.function([x], x, allow_input_downcast=False)(0.1)
        with pytest.raises(TypeError):
            st.function([x], x)(np.float64(0.1))


def test_allow_input_downcast() -> None:
    x, k = T.fvector("x"), T.lscalar("k")
    f = st.function([x, k], x * k, allow_input_downcast=True)
    np.testing.assert_array_equal(f(np.array([0.1, 0.2]), 2.9), np.array([0.1, 0.2], "float32") * 2)
    g = st.function([st.In(x, allow_downcast=True)], x)
    assert g([0.1]).dtype == "float32"


def test_none_is_accepted_only_where_nothing_needs_the_value() -> None:
    x, y = xy()
    f = st.function([x, y], x * 2, on_unused_input="ignore")
    assert float(f(1, None)) == 2
    with pytest.raises(TypeError, match="None"):
        f(None, 1)


def test_trust_input() -> None:
    x = T.dvector("x")
    f = st.function([x], x * 2)
    f.trust_input = True
    np.testing.assert_array_equal(f(np.ones(2)), [2, 2])
    assert f(np.ones((2, 3))).shape == (2, 3)  # nobody looks
    f.trust_input = False
    with pytest.raises(TypeError):
        f(np.ones((2, 2)))


def test_awkward_arrays() -> None:
    x = T.dmatrix("x")
    f = st.function([x], x * 2)
    base = np.arange(12.0).reshape(3, 4)
    for value in (base.T, base[::-1, ::-2], np.broadcast_to(base[:1], (5, 4)), base[:0], np.asfortranarray(base)):
        np.testing.assert_array_equal(f(value), value * 2)
    swapped = base.astype(base.dtype.newbyteorder())
    np.testing.assert_array_equal(f(swapped), base * 2)


# -- unused and missing inputs ---------------------------------------------------------------------------------------


def test_unused_inputs() -> None:
    x, y = xy()
    with pytest.raises(UnusedInputError):
        st.function([x, y], x * 2)
    with pytest.warns(UserWarning, match="y"):
        f = st.function([x, y], x * 2, on_unused_input="warn")
    assert float(f(1, 2)) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(st.function([x, y], x * 2, on_unused_input="ignore")(1, 2)) == 2
        with st.change_flags(on_unused_input="ignore"):
            assert float(st.function([x, y], x * 2)(1, 2)) == 2


def test_an_input_of_an_update_is_used() -> None:
    x, _ = xy()
    s = st.shared(0.0)
    st.function([x], [], updates=[(s, s + x)])(3)
    assert float(s.get_value()) == 3


def test_missing_inputs_carry_the_variable() -> None:
    x, y = xy()
    with pytest.raises(MissingInputError) as caught:
        st.function([x], x + y)
    assert caught.value.variable in (None, y)


def test_an_intermediate_variable_can_be_an_input() -> None:
    x, _ = xy()
    y = x * 2
    assert float(st.function([y], y + 1)(5)) == 6


# -- eval ------------------------------------------------------------------------------------------------------------


def test_eval() -> None:
    x, y = xy()
    z = x * y
    assert float(z.eval({x: 2, y: 3})) == 6
    assert float(z.eval({y: 3, x: 5})) == 15
    assert float(st.shared(2.0).eval()) == 2
    assert float((z + 1).eval({z: 1.0})) == 2
    with pytest.raises(UnusedInputError):
        (x + 1).eval({x: 1.0, y: 2.0})


# -- what a function says of itself ----------------------------------------------------------------------------------


def test_names_and_attributes() -> None:
    x, _ = xy()
    f = st.function([x], x * 2, name="twice")
    assert f.name == "twice" and "test_calls.py" in (st.function([x], x).name or "")
    assert f.maker.mode.optimizer and len(f.maker.inputs) == 1 and len(f.maker.outputs) == 1
    assert f.maker.fgraph.toposort() == list(f.graph.nodes)
    assert "def run(x0)" in f.source("numpy") and "x0" in str(f.program) and "graph" in f.report()
    assert f.unpack_single and not f.return_none and f.profile is None


def test_profile() -> None:
    x, _ = xy()
    f = st.function([x], x * 2, profile=True)
    for _k in range(3):
        f(1.0)
    assert f.profile is not None and f.profile.fct_callcount == 3 and "3 calls" in f.profile.summary()
    stats = st.ProfileStats("mine")
    st.function([x], x, profile=stats)(1.0)
    assert stats.fct_callcount == 1 and "mine" in stats.summary()
    with st.change_flags(profile=True):
        assert st.function([x], x).profile is not None


@pytest.mark.parametrize(
    "mode",
    ["FAST_RUN", "FAST_COMPILE", "Mode", st.Mode(), st.Mode("py", None), st.Mode("vm", "o1")],
    ids=str,
)
def test_modes_agree(mode: Any) -> None:
    x = T.dvector("x")
    f = st.function([x], T.sum(T.log(1 + T.exp(x))), mode=mode)
    np.testing.assert_allclose(f([0.0, 1.0]), np.log1p(np.exp([0.0, 1.0])).sum())


def test_including_and_excluding_rules() -> None:
    x = T.dscalar("x")
    plain = st.Mode(optimizer=None)
    assert len(st.function([x], (x * 2) / 2, mode=plain).graph.nodes) == 2
    assert st.Mode().excluding("canonicalize") != st.Mode()
    assert hash(st.Mode().including("a")) == hash(st.Mode().including("a"))
    with st.change_flags(mode="FAST_COMPILE"):
        assert st.function([x], x).maker.mode == st.FAST_COMPILE


@pytest.mark.parametrize("name", ["DebugMode", "DEBUG_MODE", "NanGuardMode"])
def test_a_mode_whose_checks_are_not_there_says_so(name: str) -> None:
    x = T.dscalar("x")
    with pytest.warns(UserWarning, match=f"{name} checks nothing yet"):
        f = st.function([x], x + 1, mode=name)
    assert f(1.0) == 2
