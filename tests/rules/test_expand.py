"""Ops taken apart have the values of the op in one piece: special values, dtypes, empty arrays, labels, keys."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.compile.rules import EXPAND
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import interpret
from symtheano.graph.op import Op
from symtheano.graph.rule import RuleIndex
from symtheano.tensor.argmax import Argmax, Argmin, MaxAndArgmax
from symtheano.tensor.careduce import CAReduce, ProdWithoutZeros
from symtheano.tensor.elemwise import DimShuffle, Elemwise
from symtheano.tensor.gather import Gather, Place, Scatter
from symtheano.tensor.index_basic import Subtensor
from symtheano.tensor.nnet import crossentropy
from symtheano.tensor.nnet.softmax import LogSoftmax, Softmax, SoftmaxGrad
from symtheano.tensor.reduce import LogSumExp
from symtheano.tensor.reshape import Reshape
from symtheano.tensor.shape import Rebroadcast
from symtheano.tensor.shape_ops import MakeVector, Shape_i, SliceLength
from tests.rules.rewriting import rewritten

INDEX = RuleIndex(EXPAND)
LOOPS: tuple[Any, ...] = (
    Elemwise, CAReduce, DimShuffle, Subtensor, Rebroadcast, Reshape, Gather, Scatter, Place, Shape_i, SliceLength,
    MakeVector, T.Alloc, T.AllocEmpty, T.ARange,
)  # fmt: skip
FLOATS = ("float16", "float32", "float64")
TOLERANCE = {"float16": 4e-3, "float32": 3e-6, "float64": 1e-13}
INF, NAN = np.inf, np.nan


def expanded(inputs: Sequence[Any], outputs: Sequence[Any], optimize: bool = False) -> FunctionGraph:
    """The expanded graph, of loops only."""
    graph = (rewritten(inputs, outputs) if optimize else FunctionGraph(inputs, outputs)).rewrite(INDEX)
    graph.check()
    left = [node for node in graph.nodes if not isinstance(node.op, LOOPS)]
    assert not left, graph
    return graph


def same(
    inputs: Sequence[Any], outputs: Sequence[Any], arrays: Sequence[Any], fires: bool = True, optimize: bool = False
) -> FunctionGraph:
    """Values, dtypes and shapes of the expanded graph are those of the graph as written."""
    graph = expanded(inputs, outputs, optimize)
    assert graph.fired or not fires
    with np.errstate(all="ignore"):
        before, after = interpret(FunctionGraph(inputs, outputs), arrays), interpret(graph, arrays)
    for want, got in zip(before, after, strict=True):
        assert (want.dtype, want.shape) == (got.dtype, got.shape)
        tolerance = TOLERANCE.get(want.dtype.name, 0)
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)
    return graph


def variables(arrays: Sequence[np.ndarray[Any, Any]]) -> list[Any]:
    return [T.TensorType(a.dtype.name, (False,) * a.ndim)(f"x{k}") for k, a in enumerate(arrays)]


def check(build: Callable[..., Any], *arrays: Any, optimize: bool = False) -> FunctionGraph:
    """`same` for what `build` makes of inputs for these arrays."""
    values = [np.asarray(a) for a in arrays]
    inputs = variables(values)
    outputs = build(*inputs)
    return same(inputs, outputs if isinstance(outputs, list) else [outputs], values, optimize=optimize)


def special(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray[Any, Any]:
    """Numbers of every size, with some rows of infinities and nan."""
    rng = np.random.default_rng(seed)
    values = rng.choice([0.0, -0.0, 1.0, -2.5, 3.25, 80.0, -90.0, 1e4, -1e4, 1e-7, INF, -INF, NAN], shape)
    mild = rng.normal(size=shape) * 3
    return np.asarray(np.where(rng.random((*shape[:-1], 1)) < 0.5, mild, values), dtype)


SHAPES = [(6, 5), (1, 7), (7, 1), (0, 3), (3, 0), (0, 0)]

# -- softmax -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("op", [Softmax(), LogSoftmax(), Softmax(-2), LogSoftmax(-2)], ids=str)
def test_softmax(op: Op, dtype: str) -> None:
    for seed, shape in enumerate([*SHAPES, (3, 4, 5), (2, 0, 3)]):
        check(op, special(shape, dtype, seed))
    if op.axis == -1:  # type: ignore[attr-defined]
        check(op, special((5,), dtype))


@pytest.mark.parametrize("op", [Softmax(), LogSoftmax()], ids=str)
def test_rows_of_infinities_and_nan(op: Op) -> None:
    rows = [[-INF, -INF, -INF], [-INF, 0.0, 1.0], [INF, 0.0, 1.0], [INF, INF, 0.0], [NAN, 0.0, 1.0], [1e308, -1e308, 0]]
    graph = check(op, rows)
    with np.errstate(all="ignore"):
        (got,) = interpret(graph, [np.asarray(rows)])
    assert np.isnan(got[0]).all()
    assert np.isfinite(got[5]).all() or isinstance(op, LogSoftmax)


def test_softmax_grad_of_mixed_dtypes() -> None:
    for a, b in itertools.product(FLOATS, FLOATS):
        check(SoftmaxGrad(), special((4, 3), a), special((4, 3), b, 1))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("axis", [None, (0,), (1,), ()], ids=str)
def test_logsumexp(axis: Any, dtype: str) -> None:
    for seed, shape in enumerate(SHAPES):
        check(LogSumExp(axis), special(shape, dtype, seed))
    check(LogSumExp(axis), np.array([[-INF, -INF], [INF, -INF], [INF, NAN], [700.0, 710.0]], dtype))


# -- places ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [*FLOATS, "int8", "uint64", "bool"])
@pytest.mark.parametrize("axis", [None, (0,), (1,), (0, 1), (0, 2), (1, 2)], ids=str)
@pytest.mark.parametrize("op", [Argmax, Argmin, MaxAndArgmax], ids=lambda op: str(op.__name__))
def test_argmax(op: Any, axis: Any, dtype: str) -> None:
    def build(x: Any) -> Any:
        out = op(axis)(x)
        return list(out) if isinstance(out, (list, tuple)) else out

    for seed in range(4):
        x = special((4, 5, 3), "float64", seed)
        x = x.astype(dtype) if dtype in FLOATS else np.nan_to_num(x, posinf=9, neginf=0).clip(0, 9).astype(dtype)
        check(build, x)
    check(build, np.zeros((2, 1, 3), dtype))
    check(build, np.ones((1, 1, 1), dtype))


def test_the_first_nan_and_the_first_of_equal_ones_win() -> None:
    rows = [[1.0, NAN, 3.0, NAN], [0.0, -0.0, 0.0, 0.0], [-INF, -INF, -INF, -INF], [INF, 1.0, INF, NAN]]
    graph = check(Argmax((1,)), rows)
    assert interpret(graph, [np.asarray(rows)])[0].tolist() == [1, 0, 0, 3]


def test_argmax_of_nothing_stays_an_error() -> None:
    x = T.matrix()
    graph = expanded([x], [T.argmax(x, axis=1)])
    with pytest.raises(ValueError, match="zero-size"):
        interpret(graph, [np.zeros((3, 0))])
    assert interpret(graph, [np.zeros((0, 3))])[0].shape == (0,)


# -- sums and products -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [*FLOATS, "int8", "int64", "uint16", "complex64", "complex128"])
@pytest.mark.parametrize("shapes", [((5,), (5,)), ((4, 5), (5,)), ((5,), (5, 4)), ((3, 0), (0,)), ((0,), (0, 2))])
def test_dot_with_vectors(shapes: Any, dtype: str) -> None:
    rng = np.random.default_rng(3)
    x, y = (rng.integers(-9, 9, s).astype(dtype) for s in shapes)
    check(T.dot, x, y)


def test_dot_with_vectors_of_fractions() -> None:
    rng = np.random.default_rng(4)
    check(T.dot, rng.normal(size=(7, 100)), rng.normal(size=100))
    check(T.dot, rng.normal(size=(7, 100)).astype("float32"), rng.normal(size=100))
    check(T.dot, rng.normal(size=64).astype("float16"), rng.normal(size=(64, 3)).astype("float16"))


def test_other_dots_stay() -> None:
    a, b, one = T.matrix(), T.vector(), T.TensorType("float64", (True,))()
    for out in (T.dot(a, a), T.dot(a, one), T.dot(one, b)):
        assert "dot" in map(str, (n.op for n in FunctionGraph([a, b, one], [out]).rewrite(INDEX).nodes))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint32", "int64"])
@pytest.mark.parametrize("sizes", [(4, 5, 3), (1, 2, 1), (3, 0, 2), (0, 2, 2)])
def test_products_of_integer_matrices(sizes: tuple[int, int, int], dtype: str) -> None:
    rng = np.random.default_rng(5)
    m, k, n = sizes
    x, y = (rng.integers(-9 * (dtype[0] != "u"), 9, s).astype(dtype) for s in ((m, k), (k, n)))
    check(T.dot, x, y)
    check(T.batched_dot, np.stack([x, x]), np.stack([y, -y if dtype != "bool" else y]))


@pytest.mark.parametrize("dtype", ["float16", "complex64", "complex128"])
def test_products_of_other_matrices_are_of_singles_and_doubles(dtype: str) -> None:
    a = T.TensorType(dtype, (False, False))()
    nodes = FunctionGraph([a], [T.dot(a, a)]).rewrite(INDEX).nodes
    assert {n.outputs[0].type.dtype for n in nodes if str(n.op) == "dot"} == {  # type: ignore[attr-defined]
        "float64" if dtype == "complex128" else "float32"
    }


def test_prod_without_zeros() -> None:
    check(ProdWithoutZeros((0,)), [[0.0, 2.0, NAN], [-0.0, 3.0, 0.0]])
    check(ProdWithoutZeros(), np.array([[0, 2], [3, 100]], "int8"))
    check(ProdWithoutZeros(None, "float32", "float64"), np.array([0.0, 0.5], "float32"))


# -- labels ------------------------------------------------------------------------------------------------------------

LABELS = ("int8", "int32", "int64", "uint8", "uint64")


@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_labels(dtype: str, kind: str) -> None:
    for n, classes in ((6, 4), (0, 4), (1, 1)):
        x = np.abs(special((n, classes), dtype, n))
        y = np.random.default_rng(n).integers(0, classes, n).astype(kind)
        g, b = special((n,), dtype, 5), special((classes,), dtype, 6)
        check(crossentropy.PickLabel(), x, y)
        check(crossentropy.PlaceLabel(), g, x, y)
        check(crossentropy.CrossentropyCategorical1Hot(), x, y)
        check(crossentropy.CrossentropyCategorical1HotGrad(), g, x, y)
        check(crossentropy.CrossentropySoftmax1HotWithBiasDx(), g, x, y)
        check(crossentropy.CrossentropySoftmax1HotWithBiasDx(), np.asarray(0.25, dtype), x, y)
        check(lambda *v: list(crossentropy.CrossentropySoftmaxArgmax1HotWithBias()(*v)), x, b, y)


def test_labels_of_stacks() -> None:
    x, y = special((3, 4, 5), "float32"), np.random.default_rng(0).integers(0, 5, (3, 4)).astype("int32")
    check(crossentropy.PickLabel(), x, y)
    check(crossentropy.PlaceLabel(), np.asarray(2.0), x, y)
    check(crossentropy.CrossentropySoftmax1HotWithBiasDx(), special((3, 4), "float64"), x, y)


@pytest.mark.parametrize("wrong", [[0, 1, -1], [0, 1, 4], [0, 1]], ids=["negative", "too large", "too few"])
def test_bad_labels_stay_errors(wrong: list[int]) -> None:
    x, y, g = T.matrix("x"), T.ivector("y"), T.vector("g")
    values = [np.ones((3, 4)), np.asarray(wrong, "int32"), np.ones(3)]
    outputs = [
        crossentropy.PickLabel()(x, y),
        crossentropy.PlaceLabel()(g, x, y),
        crossentropy.CrossentropySoftmax1HotWithBiasDx()(g, x, y),
    ]
    for out in outputs:
        with pytest.raises((ValueError, IndexError)):
            interpret(expanded([x, y, g], [out]), values)


# -- keys --------------------------------------------------------------------------------------------------------------

X = np.random.default_rng(7).normal(size=(4, 5, 6))
I, J = np.array([3, -4, 0]), np.array([[1, -5, 2], [4, 0, -1]])
READS: list[tuple[str, Callable[..., Any], tuple[Any, ...]]] = [
    ("rows", lambda x, i: x[i], (X, I)),
    ("row numbers", lambda x, i: x[i], (X[:, 0, 0], I)),
    ("blocks of rows", lambda x, i: x[:, i], (X, J)),
    ("last axis", lambda x, i: x[..., i], (X, I)),
    ("pairs", lambda x, i, j: x[i, j], (X, I, I)),
    ("stretched", lambda x, i, j: x[i, j], (X, I, J)),
    ("outer", lambda x, i, j: x[i.dimshuffle(0, "x"), j], (X, I, I)),
    ("apart", lambda x, i, j: x[i, :, j], (X, I, I)),
    ("with a number", lambda x, i: x[i, 2], (X, I)),
    ("with numbers", lambda x, i: x[1, i, -1], (X, I)),
    ("with a variable", lambda x, i, k: x[i, :, k], (X, I, np.asarray(-2))),
    ("with slices", lambda x, i: x[1:, i, ::-2], (X, I)),
    ("with symbolic slices", lambda x, i, k: x[k:, i], (X, I, np.asarray(2))),
    ("new axes", lambda x, i: x[None, i, :, None], (X, I)),
    ("constant", lambda x: x[[2, 0, -1]], (X,)),
    ("take", lambda x, i: T.take(x, i, axis=1), (X, J)),
    ("take clipped", lambda x, i: T.take(x, i, axis=1, mode="clip"), (X, J * 9)),
    ("take wrapped", lambda x, i: T.take(x, i, axis=0, mode="wrap"), (X, J * 9)),
    ("own count", lambda x, y: x[T.arange(x.shape[0]), y], (X, np.array([0, -1, 2, 4]))),
    ("count of labels", lambda x, y: x[T.arange(y.shape[0]), y], (X, np.array([0, 1, -2]))),
    ("count outside", lambda x, j: x[T.arange(j.shape[0])[:, None], j], (X, J)),
]


@pytest.mark.parametrize("kind", ["int8", "int64", "uint8", "uint64"])
@pytest.mark.parametrize(("build", "arrays"), [r[1:] for r in READS], ids=[r[0] for r in READS])
def test_reading(build: Callable[..., Any], arrays: tuple[Any, ...], kind: str) -> None:
    x, *keys = arrays
    graph = check(build, x, *((abs(k) % 4 if kind[0] == "u" else k).astype(kind) for k in keys), optimize=True)
    assert any(isinstance(node.op, Gather) for node in graph.nodes)


@pytest.mark.parametrize(("build", "arrays"), [r[1:] for r in READS if len(r[2]) > 1])
def test_reading_of_nothing(build: Callable[..., Any], arrays: tuple[Any, ...]) -> None:
    x, *keys = arrays
    if all(k.ndim for k in keys):
        empty = [k[..., :0] for k in keys]
        try:
            check(build, x, *empty, optimize=True)
        except IndexError:
            assert "arange" in build.__code__.co_names  # arange(4) does not fit no labels


@pytest.mark.parametrize("wrong", [5, -6, 100, -100])
def test_indices_out_of_range_stay_errors(wrong: int) -> None:
    x, i = T.tensor3("x"), T.lvector("i")
    with pytest.raises(IndexError, match=f"index {wrong} is out of bounds for an axis with size 5"):
        interpret(expanded([x, i], [x[:, i]]), [X, np.array([0, wrong])])


def test_masks_stay() -> None:
    x, mask = T.matrix("x"), T.TensorType("bool", (False,))("mask")
    graph = FunctionGraph([x, mask], [x[mask], T.set_subtensor(x[mask], 0.0), x[1:, mask]]).rewrite(INDEX)
    assert not any(isinstance(node.op, (Gather, Scatter)) for node in graph.nodes)


WRITES = [r for r in READS if r[0] not in ("with slices", "with symbolic slices", "new axes")]


@pytest.mark.parametrize("stretched", [False, True])
@pytest.mark.parametrize("write", [T.inc_subtensor, T.set_subtensor])
@pytest.mark.parametrize(("name", "build", "arrays"), WRITES, ids=[r[0] for r in WRITES])
def test_writing(name: str, build: Callable[..., Any], arrays: tuple[Any, ...], write: Any, stretched: bool) -> None:
    inputs = variables(arrays)
    place = build(*inputs)
    if place.owner is None or not hasattr(place.owner.op, "writer"):
        pytest.skip("a view of what is read: written with set_subtensor of x")
    if name.startswith("count"):
        arrays = (arrays[0][: len(arrays[1])], *arrays[1:])  # others are refused
    (shape,) = interpret(FunctionGraph(inputs, [place.shape]), arrays)
    y = np.random.default_rng(1).normal(size=() if stretched else tuple(shape))
    v = T.TensorType("float64", (False,) * y.ndim)("y")
    same([*inputs, v], [write(place, v)], [*arrays, y], optimize=True)


def test_one_hot_is_elementwise() -> None:
    x, y, v = T.matrix("x"), T.ivector("y"), T.vector("v")
    part = x[T.arange(y.shape[0]), y]
    arrays = [X[0], np.array([1, -1, 0, 5], "int32"), X[1, :4, 0]]
    arrays[0] = arrays[0][:4]
    for write in (T.inc_subtensor, T.set_subtensor):
        graph = same([x, y, v], [write(part, v)], arrays, optimize=True)
        assert not any(isinstance(node.op, (Scatter, Gather)) for node in graph.nodes)
        with pytest.raises(IndexError):
            interpret(graph, [arrays[0], np.array([1, 6, 0, 5], "int32"), arrays[2]])


def test_an_arange_that_does_not_count_all_rows_is_refused() -> None:
    x, y, v = T.matrix("x"), T.ivector("y"), T.vector("v")
    graph = expanded([x, y, v], [T.inc_subtensor(x[T.arange(y.shape[0]), y], v)], optimize=True)
    with pytest.raises(ValueError, match=r"do not fit|differ|broadcast"):
        interpret(graph, [np.ones((4, 3)), np.zeros(3, "int32"), np.ones(3)])


SLICES: list[tuple[Callable[..., Any], tuple[int, ...]]] = [
    (lambda x: x[1:3], ()),
    (lambda x: x[:, 2:, ::2], ()),
    (lambda x: x[::-1], ()),
    (lambda x: x[:, 4:0:-2, -3:-1], ()),
    (lambda x: x[2], ()),
    (lambda x: x[-1, :, 3], ()),
    (lambda x: x[1, -2, 3], ()),
    (lambda x: x[7:], ()),
    (lambda x: x[:, 3:3], ()),
    (lambda x: x[:, 2:3], ()),
    (lambda x, i: x[i], (-2,)),
    (lambda x, i: x[:i, i], (3,)),
    (lambda x, i, j: x[:, i:j], (1, 4)),
    (lambda x, i, j: x[:, i:j], (-4, 9)),
    (lambda x, i, j: x[:, i:j:2, 0], (4, 2)),
    (lambda x, i: x[:, i::-1], (3,)),
    (lambda x, i: x[:, :i:-2], (-5,)),
]


@pytest.mark.parametrize("stretched", [False, True])
@pytest.mark.parametrize("write", [T.inc_subtensor, T.set_subtensor])
@pytest.mark.parametrize(("build", "numbers"), SLICES)
def test_writing_into_slices(build: Callable[..., Any], numbers: tuple[int, ...], write: Any, stretched: bool) -> None:
    arrays = [X, *map(np.asarray, numbers)]
    for static in (False, True):
        inputs = variables(arrays)
        if static:
            inputs[0] = T.TensorType("float64", shape=X.shape)("x")
        place = build(*inputs)
        (shape,) = interpret(FunctionGraph(inputs, [T.as_tensor_variable(place.shape)]), arrays)
        y = np.random.default_rng(1).normal(size=() if stretched else tuple(shape))
        v = T.TensorType("float64", (False,) * y.ndim)("y")
        graph = same([*inputs, v], [write(place, v)], [*arrays, y], optimize=True)
        assert any(isinstance(node.op, (Scatter, T.Alloc)) for node in graph.nodes)


def test_a_value_that_does_not_fit_a_slice_is_refused() -> None:
    x, v = T.matrix("x"), T.vector("v")
    for part in (x[1:3], x[0], x[:, 1], x[:, ::2]):
        with pytest.raises(ValueError, match=r"differ|fit|broadcast"):
            interpret(expanded([x, v], [T.set_subtensor(part, v)]), [np.ones((5, 4)), np.ones(3)])


def test_values_are_converted_when_written() -> None:
    x: Any = T.TensorType("int16", (False, False))("x")
    i, y = T.lvector("i"), T.dmatrix("y")
    values = [np.arange(12, dtype="int16").reshape(4, 3), np.array([2, 2, 0]), X[0, :3, :3] * 9]
    same([x, i, y], [T.set_subtensor(x[i], T.cast(y, "int16")), T.inc_subtensor(x[i], T.cast(y, "int16"))], values)


def test_repeated_places_add_up_in_order() -> None:
    x, i, y = T.fvector("x"), T.lvector("i"), T.fvector("y")
    values = [np.zeros(3, "float32"), np.array([1, 1, 1, -2]), np.array([1e8, 1, -1e8, 3], "float32")]
    graph = same([x, i, y], [T.inc_subtensor(x[i], y), T.set_subtensor(x[i], y)], values)
    assert interpret(graph, values)[1].tolist() == [0, 3, 0]


# -- whole models ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["tutorial", "categorical", "with bias", "logsumexp"])
def test_classifiers(loss: str) -> None:
    """A linear classifier and its gradient, after all rules: nothing is left but products of matrices and loops."""
    rng = np.random.default_rng(0)
    x, y, w, b = T.matrix("x"), T.ivector("y"), T.matrix("w"), T.vector("b")
    values = [
        rng.normal(size=(8, 5)),
        rng.integers(0, 3, 8).astype("int32"),
        rng.normal(size=(5, 3)),
        rng.normal(size=3),
    ]
    z = T.dot(x, w)
    rows = T.arange(y.shape[0])
    costs = {
        "tutorial": lambda: -T.mean(T.log(T.nnet.softmax(z + b))[rows, y]),
        "categorical": lambda: T.nnet.categorical_crossentropy(T.nnet.softmax(z + b), y).mean(),
        "with bias": lambda: T.nnet.crossentropy_softmax_1hot_with_bias(z, b, y)[0].mean(),
        "logsumexp": lambda: (T.logsumexp(z + b, axis=1) - (z + b)[rows, y]).mean(),
    }
    cost = costs[loss]()
    errors = T.mean(T.neq(T.argmax(z + b, axis=1), y))
    inputs, outputs = [x, y, w, b], [cost, *st.grad(cost, [w, b]), errors]
    graph = rewritten(inputs, outputs).rewrite(INDEX)
    left = {str(n.op) for n in graph.nodes if not isinstance(n.op, LOOPS)}
    assert left <= {"dot", "IncSubtensor{Inc;:int64:}"}, graph
    before, after = interpret(FunctionGraph(inputs, outputs), values), interpret(graph, values)
    for want, got in zip(before, after, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)
