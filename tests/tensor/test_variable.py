"""TensorVariable: its operators, ufuncs, methods, constants and copies."""

from __future__ import annotations

import copy
import math
import operator
import pickle
from typing import Any

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import evaluate
from symtheano.graph.walk import ancestors
from symtheano.tensor.sharedvar import shared

X = np.array([[1.5, -2.0, 3.0], [0.5, 4.0, -6.0]])
Y = np.array([[2.0, 3.0, -1.0], [0.25, 2.0, 5.0]])


def value(out: Any, env: dict[Any, Any]) -> Any:
    return evaluate([out], env)[0]


BINARY = "add sub mul truediv floordiv mod pow lt le gt ge".split()


@pytest.mark.parametrize("name", BINARY)
def test_binary_operators(name: str) -> None:
    op = getattr(operator, name)
    x, y = T.dmatrices("x", "y")
    np.testing.assert_allclose(value(op(x, y), {x: X, y: Y}), op(X, Y))
    for other in (2, 2.5, np.float32(2), np.float64(0.5), Y, Y.tolist(), Y[:1]):
        plain = np.asarray(other)
        np.testing.assert_allclose(value(op(x, other), {x: X}), op(X, plain))
        np.testing.assert_allclose(value(op(other, x), {x: X}), op(plain, X))


@pytest.mark.parametrize("name", ["and_", "or_", "xor"])
def test_bit_operators(name: str) -> None:
    op = getattr(operator, name)
    a, b = np.array([1, 6, 7]), np.array([3, 5, 0])
    x, y = T.lvectors("x", "y")
    assert value(op(x, y), {x: a, y: b}).tolist() == op(a, b).tolist()
    assert value(op(6, x), {x: a}).tolist() == op(6, a).tolist()
    assert value(op(b, x), {x: a}).tolist() == op(b, a).tolist()
    with pytest.raises(TypeError):
        op(x, T.dvector())


def test_unary_operators() -> None:
    x, i = T.dmatrix("x"), T.lvector("i")
    outs = [-x, abs(x), +x, math.floor(x), math.ceil(x), math.trunc(x), round(x)]
    wanted = [-X, abs(X), X, np.floor(X), np.ceil(X), np.trunc(X), np.round(X)]
    for out, want in zip(evaluate(outs, {x: X}), wanted):
        np.testing.assert_array_equal(out, want)
    assert value(~i, {i: np.array([1, 2])}).tolist() == [-2, -3]
    with pytest.raises(TypeError):
        round(x, 2)


def test_divmod_and_matmul() -> None:
    x, y = T.dmatrices("x", "y")
    for pair in (divmod(x, 2), divmod(7.0, x)):
        assert len(pair) == 2
    np.testing.assert_array_equal(value(divmod(x, y)[1], {x: X, y: Y}), X % Y)
    np.testing.assert_allclose(value(x @ y.T, {x: X, y: Y}), X @ Y.T)
    np.testing.assert_allclose(value(X @ y.T, {y: Y}), X @ Y.T)
    np.testing.assert_allclose(value(x.dot(y.T), {x: X, y: Y}), X @ Y.T)


def test_augmented_assignment_makes_new_variables() -> None:
    x = y = T.dvector("x")
    y += 1
    assert y is not x and y.owner.inputs[0] is x


@pytest.mark.parametrize("other", ["text", None, object(), True, {}])
def test_operators_refuse_what_is_no_tensor(other: Any) -> None:
    for op in (operator.add, operator.mul, operator.pow, operator.lt):
        with pytest.raises(TypeError):
            op(T.dvector(), other)
        with pytest.raises(TypeError):
            op(other, T.dvector())


def test_reflected_operators_of_other_classes() -> None:
    class Other:
        def __radd__(self, left: Any) -> Any:
            return ("radd", left)

    x = T.vector()
    assert x + Other() == ("radd", x)


UFUNCS = """arccos arccosh arcsin arcsinh arctan arctanh ceil cos cosh deg2rad exp exp2 expm1 floor log log10 log1p log2
    rad2deg sin sinh sqrt tan tanh trunc absolute fabs square sign negative reciprocal rint isnan isinf isfinite
    degrees radians positive conjugate""".split()


@pytest.mark.parametrize("name", UFUNCS)
def test_unary_ufuncs_build_graphs(name: str) -> None:
    ufunc = getattr(np, name)
    x = T.dvector("x")
    point = np.array([0.25, 0.75, 1.0])
    out = ufunc(x)
    assert isinstance(out, T.TensorVariable)
    np.testing.assert_allclose(value(out, {x: point}), ufunc(point), rtol=1e-12)


@pytest.mark.parametrize(
    "name",
    "add subtract multiply divide floor_divide remainder power maximum minimum arctan2 "
    "less less_equal greater greater_equal logaddexp".split(),
)
def test_binary_ufuncs_build_graphs(name: str) -> None:
    ufunc = getattr(np, name)
    x = T.dmatrix("x")
    np.testing.assert_allclose(value(ufunc(x, abs(Y)), {x: abs(X)}), ufunc(abs(X), abs(Y)))
    np.testing.assert_allclose(value(ufunc(abs(Y), x), {x: abs(X)}), ufunc(abs(Y), abs(X)))


def test_array_functions_that_cannot_build_graphs() -> None:
    x = T.dvector()
    for attempt in (
        lambda: np.sum(x),
        lambda: np.add.reduce(x),
        lambda: np.add(x, 1, out=np.ones(3)),
        lambda: np.hypot(x, x),
        lambda: np.frexp(x),
    ):
        with pytest.raises(TypeError):
            attempt()


def test_numpy_operands_come_first() -> None:
    x = T.fvector("x")
    for out in (np.float32(2) * x, np.ones(3, "float32") + x, np.array(2, "int8") - x, np.bool_(True) * x):
        assert isinstance(out, T.TensorVariable) and out.dtype == "float32"


def test_no_length_no_membership_no_assignment() -> None:
    x = T.vector("x")
    with pytest.raises(TypeError, match="shape"):
        len(x)
    with pytest.raises(TypeError, match="eq"):
        x.__contains__(1)
    with pytest.raises(TypeError, match="set_subtensor"):
        x[0] = 1


def test_iteration_needs_a_known_length() -> None:
    x = T.dmatrix("x")
    rows, columns = x.shape
    assert evaluate([rows, columns], {x: X}) == [2, 3]
    assert [int(e.data) if isinstance(e, T.Constant) else int(value(e, {})) for e in T.stack([1, 2, 3])] == [1, 2, 3]
    assert len(list(T.constant(X))) == 2
    for endless in (x, T.vector(), T.scalar()):
        with pytest.raises(TypeError, match="does not support iteration"):
            iter(endless)
    with pytest.raises(TypeError, match="sum"):
        sum(x)


METHODS: dict[str, tuple[Any, ...]] = {
    "sum": (0,), "prod": (1,), "mean": (), "var": (0,), "std": (1,), "min": (0,), "max": (1,), "argmin": (0,),
    "argmax": (1,), "all": (), "any": (0,), "clip": (-1.0, 2.0), "dot": (np.ones((3, 2)),),
    "reshape": ((3, 2),), "flatten": (), "ravel": (), "transpose": (1, 0), "swapaxes": (0, 1), "diagonal": (1,),
    "trace": (1,), "take": (np.array([0, 2]), 1), "repeat": (2, 1), "round": (), "astype": ("float32",),
    "nonzero": (), "conj": (), "copy": (), "squeeze": (),
}  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_numpys(name: str) -> None:
    x = T.dmatrix("x")
    args = METHODS[name]
    got, want = getattr(x, name)(*args), getattr(X, name)(*args)
    for g, w in zip(got, want) if isinstance(want, tuple) else [(got, want)]:
        result = value(g, {x: X})
        np.testing.assert_allclose(result, w, rtol=1e-6)
        assert result.dtype == np.asarray(w).dtype and g.dtype == result.dtype.name


@pytest.mark.parametrize(
    "name",
    """arccos arccosh arcsin arcsinh arctan arctanh ceil cos cosh deg2rad exp exp2 expm1
    floor log log10 log1p log2 rad2deg sin sinh sqrt tan tanh trunc conj conjugate""".split(),
)
def test_elementwise_methods(name: str) -> None:
    x = T.dvector("x")
    out = getattr(x, name)()
    assert out.owner.op == getattr(T, name.replace("conjugate", "conj"))
    point = np.array([0.25, 0.75, 1.0])
    np.testing.assert_allclose(value(out, {x: point}), getattr(np, name)(point), rtol=1e-12)


def test_properties() -> None:
    x = T.TensorType("float32", (False, True))("x")
    assert (x.dtype, x.ndim, x.broadcastable) == ("float32", 2, (False, True))
    assert x.T.name == "x.T" and x.T.broadcastable == (True, False) and T.matrix().T.name is None
    shape, size, vsize = evaluate([x.shape, x.size, T.constant([1, 2, 3]).size], {x: np.ones((4, 1), "float32")})
    assert shape.tolist() == [4, 1] and size == 4 and vsize == 3
    z = T.zvector("z")
    point = np.array([1 + 2j, -3j])
    real, imag, conj = evaluate([z.real, z.imag, z.conj()], {z: point})
    assert real.tolist() == [1, 0] and imag.tolist() == [2, -3] and conj.tolist() == point.conj().tolist()


def test_ptp() -> None:
    x = T.dmatrix("x")
    np.testing.assert_allclose(value(x.ptp(0), {x: X}), np.ptp(X, 0))


def test_norm() -> None:
    x = T.dmatrix("x")
    for L in (1, 2, 3, np.inf):
        for axis in (None, 0, 1):
            want = np.linalg.norm(X.ravel(), L) if axis is None else np.linalg.norm(X, L, axis=axis)
            np.testing.assert_allclose(value(x.norm(L, axis), {x: X}), want)
    assert value(x.norm(2, axis=0, keepdims=True), {x: X}).shape == (1, 3)


def test_fill_and_like() -> None:
    x = T.dmatrix("x")
    filled, zeros, ones = evaluate([x.fill(3.0), x.zeros_like(), x.ones_like("int8")], {x: X})
    assert (filled == 3).all() and (zeros == 0).all() and ones.dtype == "int8" and (ones == 1).all()
    assert filled.shape == zeros.shape == ones.shape == X.shape


def test_dimshuffle() -> None:
    x = T.dmatrix("x")
    assert x.dimshuffle(0, 1) is not x  # a name given to the result must not become that of x
    assert x.dimshuffle([1, "x", 0]).broadcastable == (False, True, False)
    assert T.row().dimshuffle(1).ndim == 1
    with pytest.raises(ValueError, match="You cannot drop a non-broadcastable dimension"):
        x.dimshuffle(1)


def test_transfer_and_scalar_constants() -> None:
    x = T.vector()
    assert x.transfer("cpu") is x
    with pytest.raises(ValueError, match="cuda7"):
        x.transfer("cuda7")
    assert T.constant(3).get_scalar_constant_value() == 3
    with pytest.raises(T.NotScalarConstantError):
        T.scalar().get_scalar_constant_value()


# -- constants -------------------------------------------------------------------------------------------------------


def test_constant_signatures() -> None:
    def same(a: Any, b: Any) -> bool:
        a, b = T.constant(a), T.constant(b)
        assert (a.signature() == b.signature()) == a.equals(b)
        assert a.signature() != b.signature() or hash(a.signature()) == hash(b.signature())
        return bool(a.equals(b))

    nan = float("nan")
    assert same(np.ones(3), np.ones(3)) and same(np.array(nan), np.array(nan))
    assert same(np.arange(12.0).reshape(3, 4).T, np.arange(12.0).reshape(3, 4).T.copy())
    assert same(np.ones((500, 3)), np.ones((500, 3))) and not same(np.ones((500, 3)), np.ones((3, 500)))
    for a, b in (
        (0.0, -0.0),
        (np.float32(1), np.float64(1)),
        (np.int8(1), np.uint8(1)),
        (np.ones((1, 3)), np.ones((3, 1))),
        (np.ones(0), np.ones((0, 2))),
        (np.arange(2000), np.arange(2000)[::-1]),
    ):
        assert not same(np.asarray(a), np.asarray(b))
    row, matrix = T.drow.make_constant(np.ones((1, 3))), T.dmatrix.make_constant(np.ones((1, 3)))
    assert not row.equals(matrix) and not row.equals(3)


def test_equal_constants_are_one_in_a_closed_graph() -> None:
    x = T.dvector("x")
    graph = FunctionGraph([x], [x + np.ones(3), x + np.ones(3), x * 0.0, x * -0.0])
    assert len(graph.constants()) == 3 and sum(isinstance(n.op, T.Elemwise) for n in graph.nodes) == 3


def test_constants_compute_like_variables() -> None:
    c = T.constant(np.arange(3.0))
    assert value((c + 1) * c[1], {}).tolist() == [1, 2, 3]
    assert c.clone().equals(c) and c.clone() is not c


# -- copies ----------------------------------------------------------------------------------------------------------


def test_expressions_survive_pickling() -> None:
    x = T.dmatrix("x")
    x.tag.note = "kept"
    s = shared(np.ones(3), "s")
    out = ((x.exp() * s)[1:].sum(axis=0, keepdims=True) @ T.constant(np.eye(3))).T
    for again in (pickle.loads(pickle.dumps(out)), copy.deepcopy(out)):
        named = {v.name: v for v in ancestors([again]) if v.owner is None}
        leaf, s2 = named["x"], named["s"]
        assert leaf is not x and leaf.tag.note == "kept" and leaf.type == x.type and s2 is not s
        np.testing.assert_allclose(value(again, {leaf: X, s2: s2.get_value()}), value(out, {x: X, s: s.get_value()}))


def test_sharing_survives_pickling() -> None:
    x = T.vector("x")
    y = x + 1
    a, b, c = pickle.loads(pickle.dumps([y * 2, y * 3, x]))
    assert a.owner.inputs[0] is b.owner.inputs[0] and a.owner.inputs[0].owner.inputs[0] is c


def test_clone_and_copy() -> None:
    x = T.vector("x")
    y = copy.copy(x + 1)
    assert y.owner is not None and y.type == x.type
    z = (x + 1).clone()
    assert z.owner is None and z.type == x.type


def test_deep_graphs_survive_pickling() -> None:
    x = T.dscalar("x")
    y = x
    for _ in range(10_000):
        y = (y + 1) if y.serial % 2 else T.minimum(y, x) + y
    z = y * 2
    for a, b, c in (pickle.loads(pickle.dumps([z, y, x])), copy.deepcopy([z, y, x])):
        assert a.owner.inputs[0] is b and c.name == "x"
        assert len(ancestors([a])) == len(ancestors([z])) and c in ancestors([a]) and x not in ancestors([a])
        assert c.serial != x.serial
    assert copy.copy(z).owner is z.owner and copy.copy(z).serial != z.serial
