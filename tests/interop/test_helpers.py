"""pkl_utils, unittest_tools, compat, gof.utils, gpuarray: the small modules that Theano's libraries import."""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.interop import compat, gpuarray, helpers, pkl_utils, unittest_tools

# -- pkl_utils -----------------------------------------------------------------------------------------------------


def test_arrays_are_members_named_after_their_variables() -> None:
    first, second = st.shared(np.arange(3.0), name="w"), st.shared(np.ones(2), name="w")
    unnamed, array = st.shared(np.zeros(1)), np.eye(2)
    f = io.BytesIO()
    pkl_utils.dump({"model": [first, second, unnamed], "more": (array, array), "text": "t"}, f)
    f.seek(0)
    members = np.load(f)
    assert sorted(members.keys()) == ["array_0", "array_1", "pkl", "w", "w_2"]
    assert members["w_2"].tolist() == [1.0, 1.0]
    loaded = pkl_utils.load(f)
    assert [v.get_value().tolist() for v in loaded["model"]] == [[0.0, 1.0, 2.0], [1.0, 1.0], [0.0]]
    assert loaded["more"][0] is loaded["more"][1] and loaded["text"] == "t"


def test_dump_to_a_file_and_with_other_persistence(tmp_path: Path) -> None:
    w = st.shared(np.arange(3.0), name="w")
    with open(tmp_path / "model.zip", "wb") as f:
        pkl_utils.dump(w, f, persistent_id=pkl_utils.PersistentNdarrayID)
    with open(tmp_path / "model.zip", "rb") as f:
        assert sorted(np.load(f).keys()) == ["array_0", "pkl"]
    with open(tmp_path / "model.zip", "rb") as f:
        assert pkl_utils.load(f).get_value().tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["pkl"], {}, "with name `pkl`"),
        ([None], {"allow_unnamed": False}, "unnamed shared variable"),
        (["w", "w"], {"allow_duplicates": False}, "multiple shared variables with the name `w`"),
    ],
)
def test_names_that_dump_refuses(names: list[Any], options: dict[str, bool], message: str) -> None:
    variables = [st.shared(np.arange(k + 1.0), name=n) for k, n in enumerate(names)]
    with pytest.raises(ValueError, match=message):
        pkl_utils.dump(
            variables, io.BytesIO(), persistent_id=lambda z: pkl_utils.PersistentSharedVariableID(z, **options)
        )


def test_function_dump(tmp_path: Path) -> None:
    x, w = T.dvector("x"), st.shared(2.0, name="w")
    x.tag.test_value, x.tag.role, x.tag.kept = np.ones(2), "input", 1
    path = str(tmp_path / "dump.pkl")
    pkl_utils.function_dump(path, [x], x * w, updates=[(w, w + 1)], name="f", extra_tag_to_remove=["role"])
    with open(path, "rb") as file:
        arguments = pickle.load(file)
    f = st.function(**arguments)
    assert f([3.0]).tolist() == [6.0] and f([3.0]).tolist() == [9.0] and f.name == "f"
    assert vars(arguments["inputs"][0].tag) == {"kept": 1}
    assert x.tag.role == "input"  # the user's own graph is as it was


# -- unittest_tools ------------------------------------------------------------------------------------------------


def test_seeds() -> None:
    assert unittest_tools.fetch_seed() == 666 and unittest_tools.fetch_seed(3) == 3
    with st.config.change_flags({"unittests.rseed": "random"}):
        assert unittest_tools.fetch_seed() is None
    assert unittest_tools.seed_rng() == 666
    first = np.random.rand()
    unittest_tools.seed_rng()
    assert np.random.rand() == first


def test_verify_grad_and_its_error() -> None:
    unittest_tools.verify_grad(T.sqr, [np.ones((2, 2))])

    class Wrong(st.Op):
        __props__ = ()

        def make_node(self, x: Any) -> Any:
            x = T.as_tensor_variable(x)
            return st.Apply(self, [x], [x.type()])

        def perform(self, node: Any, inputs: Any, outputs: Any, *params: Any) -> None:
            outputs[0][0] = inputs[0] ** 2

        def grad(self, inputs: Any, output_grads: Any) -> Any:
            return [output_grads[0]]

    with pytest.raises(unittest_tools.verify_grad.E_grad):  # type: ignore[attr-defined]
        unittest_tools.verify_grad(Wrong(), [np.full(2, 3.0)])
    assert T.verify_grad.E_grad is st.gradient.GradientError


def test_assert_allclose() -> None:
    unittest_tools.assert_allclose(np.float32([1]), np.array([1.000001]))
    with pytest.raises(unittest_tools.WrongValue) as error:
        unittest_tools.assert_allclose(np.array([1.0, 2.0]), np.array([1.0, 2.5]))
    assert "absolute difference: max 0.5" in str(error.value)
    unittest_tools.assert_allclose(np.ones(2), np.full(2, 1.1), rtol=0.2)
    mock = unittest_tools.MockRandomState(0)
    assert mock.rand(2).tolist() == [0.0, 0.0] and mock.randint(3, 7, size=2).tolist() == [3, 3]
    assert unittest_tools.MockRandomState(1).randint(7).tolist() == [6]


def test_assertions_on_ops_and_shapes() -> None:
    x = T.dmatrix("x")
    f = st.function([x], T.dot(x, x.T))
    mixin = unittest_tools.TestOptimizationMixin()
    mixin.assertFunctionContains0(f, T.exp)
    mixin.assertFunctionContainsClassN(f, type(T.dot(x, x.T).owner.op), 1)
    with pytest.raises(AssertionError, match="0 nodes with"):
        mixin.assertFunctionContains1(f, T.exp)
    case = unittest_tools.InferShapeTester("setUp")
    case.setUp()
    case._compile_and_check([x], [T.dot(x, x.T)], [np.ones((2, 3))], type(T.dot(x, x).owner.op))
    with pytest.warns(UserWarning, match="equal lengths"):
        case._compile_and_check([x], [T.exp(x)], [np.ones((2, 2))], T.Elemwise)


# -- compat, gof.utils ---------------------------------------------------------------------------------------------


def test_asarray() -> None:
    with st.config.change_flags(floatX="float32"):
        assert compat._asarray([1], dtype="floatX").dtype == "float32"
    assert compat._asarray(np.arange(2), dtype="int8", order="F").dtype == "int8"


def test_ordered_set() -> None:
    a = compat.OrderedSet([3, 1, 3])
    a.add(2)
    a.discard(1)
    assert list(a) == [3, 2] and list(reversed(a)) == [2, 3] and 3 in a and len(a) == 2
    assert list(a.union([5])) == [3, 2, 5] and list(a.difference([3])) == [2] and a.copy() == a
    a.intersection_update([2])
    a.difference_update([7])
    assert repr(a) == "OrderedSet([2])" and a == compat.OrderedSet([2])
    with pytest.raises(AssertionError, match="ordered iterable"):
        compat.OrderedSet({1, 2})
    with pytest.raises(TypeError, match="deterministic"):
        _ = a == {2}


def test_dicts() -> None:
    frozen = compat.frozendict(a=1)
    assert frozen["a"] == 1 and hash(frozen) == hash(compat.frozendict(a=1)) and frozen == {"a": 1}
    assert dict(frozen.copy(b=2)) == {"a": 1, "b": 2} and repr(frozen) == "<frozendict {'a': 1}>"
    assert list(compat.FrozenOrderedDict([("b", 1), ("a", 2)])) == ["b", "a"]
    d = compat.DefaultOrderedDict(list)
    d["x"].append(1)
    for other in (d.copy(), pickle.loads(pickle.dumps(d))):
        assert other == {"x": [1]} and other["y"] == []
    with pytest.raises(KeyError):
        _ = compat.DefaultOrderedDict()["x"]
    with pytest.raises(TypeError):
        compat.DefaultOrderedDict(3)  # type: ignore[arg-type]


def test_small_functions_of_compat(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (compat.cmp(1, 2), compat.exc_message(ValueError("m")), compat.decode(b"a")) == (-1, "m", "a")
    assert list(compat.decode_iter([b"a"])) == ["a"] and compat.decode_with(b"\xe9", "latin1") == "é"
    monkeypatch.setenv("SOME_PATH", "/a")
    compat.maybe_add_to_os_environ_pathlist("SOME_PATH", "/b")
    assert os.environ["SOME_PATH"] == os.pathsep.join(["/b", "/a"])
    assert compat.get_unbound_function(self_test) is self_test
    assert compat.render_string("%(a)s!", {"a": 1}) == "1!"
    with pytest.raises(Exception, match="<<<< caused exception 'b'"):
        compat.render_string("x %(a)s %(b)s y", {"a": 1})
    assert compat.pretty_format("a{\nb\n}") == "a{\n    b\n}"


def self_test() -> None:
    """Nothing."""


def test_helpers() -> None:
    h = helpers
    assert h.flatten([1, (2, [3])]) == [1, 2, 3] and h.uniq([1, 2, 1]) == [1, 2] and not h.unique([1, 1])
    assert h.difference([1, 2], [2]) == [1] and h.remove(lambda n: n % 2 == 0, [1, 2, 3]) == [1, 3]
    assert h.hist("aab") == {"a": 2, "b": 1} and h.to_return_values([1]) == 1 and h.from_return_values(1) == [1]
    assert h.toposort({"a": set(), "c": {"b"}, "b": {"a"}}) == ["a", "b", "c"]
    with pytest.raises(Exception, match="cycles"):
        h.toposort({"a": {"a"}})
    assert (
        h.memoize(lambda n: [n])(1) is not None and not h.ABORT and repr(h.ANY_TYPE) == "<ANY_TYPE>" and h.D(a=1).a == 1
    )
    assert h.hash_from_code("a") == h.hash_from_code(b"a") and h.hash_from_ndarray(np.ones(2)).startswith("m")
    assert h.hash_from_ndarray(np.zeros((1, 0))) != h.hash_from_ndarray(np.zeros((2, 0)))
    a, b = T.dscalar(), T.dscalar("x")
    h.give_variables_names([a, b])
    assert a.name == "_0" and list(h.iter_over_pairs({1: 2})) == [(1, 2)] and h.iter_over_pairs([(1, 2)]) == [(1, 2)]
    assert "helpers" in h.get_variable_trace_string(h.add_tag_trace(b)) and h.simple_extract_stack(limit=1)
    assert h.pfunc([b], b + 1, name="g")(1.0) == 2.0
    named = h.deprecated("old", "use g")(f)
    with pytest.warns(DeprecationWarning, match="old.f deprecated"):
        named()
    assert named() == 1


def f() -> int:
    return 1


def test_props() -> None:
    class Point(helpers.object2):
        __props__ = ("x",)

        def __init__(self, x: int):
            self.x = x

    assert Point(1) == Point(1) != Point(2) and hash(Point(1)) == hash(Point(1)) and str(Point(1)) == "Point{x=1}"
    assert helpers.hashtype(Point(1)) == helpers.hashtype(Point(2))


# -- gpuarray ------------------------------------------------------------------------------------------------------


def test_gpuarray_says_that_it_is_not_there() -> None:
    present: Any = gpuarray.dnn_present
    assert (
        gpuarray.pygpu_activated is False and present() is False and "PyGPU" in present.msg and present.avail is False
    )
    with pytest.raises(ImportError, match="device=cuda0"):
        gpuarray.use("cuda0")
    with pytest.raises(ImportError):
        gpuarray.init_dev("cuda")
    with pytest.raises(st.errors.ContextNotDefined):
        gpuarray.get_context(None)
    assert not gpuarray.dnn_available(None)
