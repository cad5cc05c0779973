"""Reading: x[key] against numpy, on random keys; static types, shape rules, text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import symtheano.tensor as T
from symtheano.errors import ShapeError
from symtheano.graph.interpret import evaluate
from symtheano.graph.variable import Variable
from symtheano.scalar.expr import index as coordinate
from symtheano.tensor.index import (
    AdvancedSubtensor,
    AdvancedSubtensor1,
    Subtensor,
    choose,
    flatnonzero,
    get_canonical_form_slice,
    get_idx_list,
    index,
    nonzero,
    nonzero_values,
    take,
)
from symtheano.tensor.type import tensor_type
from tests.tensor.index_cases import Case, advanced, basic, keys


def check(case: Case) -> None:
    expected = case.array[case.key]
    part = case.part
    (value,) = case.value(part)
    np.testing.assert_array_equal(value, expected)
    assert value.dtype == expected.dtype and value.shape == expected.shape
    assert all(known in (None, n) for known, n in zip(part.type.shape, expected.shape, strict=True)), part.type.shape


@given(basic())
@settings(max_examples=300)
def test_integers_and_slices(case: Case) -> None:
    check(case)


@given(advanced())
@settings(max_examples=300)
def test_arrays_and_masks(case: Case) -> None:
    check(case)


I, J, ALL = np.array([1, 0]), np.array([[0], [-1], [1]]), slice(None)
MASK = np.array([[True, False, True], [False, True, True]])


@pytest.mark.parametrize(
    "key",
    [
        (ALL, I, ALL, J),
        (ALL, I, J),
        (I, ALL, J),
        (0, ALL, I),
        (ALL, 0, ALL, I),
        (ALL, I, 0),
        (ALL, 1, I),
        (I, slice(1, None), 0),
        (MASK, I[:1]),
        (MASK, ALL, I[:1]),
        (ALL, MASK.T[:, :2], slice(None, None, -1)),
        (ALL, I, None, J),
        (None, I, J),
        (..., I),
        (..., J, 0),
        (J, ..., I),
        (MASK, ...),
    ],
)
def test_where_the_axes_of_arrays_go(key: tuple[Any, ...]) -> None:
    array = np.arange(48.0).reshape(2, 3, 2, 4)
    case = Case(array, None, key)
    case.x = case.give(array)
    symbolic = tuple(case.give(k) if isinstance(k, np.ndarray) else k for k in key)
    for case.symbolic in (key, symbolic):
        check(case)
        if not any(isinstance(k, Variable) and k.type.dtype == "bool" for k in case.symbolic):  # type: ignore[attr-defined]
            assert inferred(case, case.part) == array[key].shape


@given(basic(min_dims=1))
def test_basic_results_are_views(case: Case) -> None:
    (value,) = case.value(case.part)
    if value.size and value.ndim:
        assert np.shares_memory(value, case.array)


def inferred(case: Case, part: Variable) -> tuple[Any, ...]:
    """The shape rule's answer, as numbers, where the lengths of the inputs are given as variables."""
    node = part.owner
    assert node is not None
    env: dict[Variable, Any] = {}
    shapes = []
    for value, v in zip(evaluate(node.inputs, case.env), node.inputs, strict=True):
        known: Any = v.type
        shape: list[Any] = []
        for n, static in zip(value.shape, known.shape, strict=True):
            if static is None:
                symbol = T.lscalar()
                env[symbol] = np.asarray(n)
                shape.append(symbol)
            else:
                shape.append(static)
        shapes.append(tuple(shape))
    (found,) = node.op.infer_shape(node, shapes)  # type: ignore[attr-defined]
    variables = [n for n in found if isinstance(n, Variable)]
    assert all(v.type == tensor_type("int64", ()) for v in variables)
    numbers = iter(evaluate(variables, {**case.env, **env}))
    return tuple(int(next(numbers)) if isinstance(n, Variable) else n for n in found)


@given(keys())
@settings(max_examples=300)
def test_shape_rule(case: Case) -> None:
    part = case.part
    if part is case.x:
        return
    try:
        shape = inferred(case, part)
    except ShapeError:
        assert any(isinstance(e, Variable) and e.type.dtype == "bool" for e in case.symbolic)  # type: ignore[attr-defined]
        return
    assert shape == case.array[case.key].shape


def test_lengths_are_numbers_where_everything_is_known() -> None:
    x = tensor_type("float64", (5, 4))()
    node = x[1:, ::-2].owner
    assert node.op.infer_shape(node, [(5, 4), (), ()]) == [(4, 2)]
    assert x[1:, ::-2].type.shape == (4, 2)


def test_slices_off_either_end_have_the_same_length_text() -> None:
    n, x = T.lscalar("n"), T.vector("x")
    lengths = []
    for part in (x[1:], x[:-1]):
        (length,) = part.owner.op.infer_shape(part.owner, [(n,), ()])[0]
        lengths.append((length.owner.op, length.owner.inputs[0].owner.op, length.owner.inputs[0].owner.inputs[0]))
    assert lengths[0] == lengths[1] and lengths[0][2] is n


@pytest.mark.parametrize(
    ("make", "pattern"),
    [
        (lambda r: r[0:5], (True, False)),
        (lambda r: r[:], (True, False)),
        (lambda r: r[::-1], (True, False)),
        (lambda r: r[: T.lscalar()], (False, False)),
        (lambda r: r[0], (False,)),
        (lambda r: r[:, :1], (True, False)),
        (lambda r: r[[0]], (True, False)),
        (lambda r: r[:, [0]], (True, True)),
        (lambda r: r[T.lvector()], (False, False)),
        (lambda r: r[None], (True, True, False)),
        (lambda r: r[..., None], (True, False, True)),
        (lambda r: r[T.lrow(), T.lrow()], (True, False)),
        (lambda r: r[0, T.lcol()], (False, True)),
    ],
)
def test_broadcast_pattern(make: Any, pattern: tuple[bool, ...]) -> None:
    assert make(T.row("r")).type.broadcastable == pattern


def test_a_slice_of_length_one_is_not_broadcastable() -> None:
    x = tensor_type("float64", (5,))()
    assert x[0:1].type.broadcastable == (False,)
    assert x[0:2].type.shape == (2,)


def test_which_op() -> None:
    x, v = T.matrix("x"), T.lvector("v")
    assert type(x[0].owner.op) is Subtensor
    assert type(x[v].owner.op) is AdvancedSubtensor1 and type(x[v, :].owner.op) is AdvancedSubtensor1
    assert type(x[[0, 1]].owner.op) is AdvancedSubtensor1
    assert type(x[:, v].owner.op) is AdvancedSubtensor and type(x[x > 0].owner.op) is AdvancedSubtensor
    assert x[0].owner.op == x[1].owner.op and hash(x[0].owner.op) == hash(x[1].owner.op)
    assert x[0].owner.op != x[:1].owner.op
    assert x[:, None].owner.inputs[0] is x


def test_text() -> None:
    x, n, v = T.tensor3("x"), T.iscalar("n"), T.lvector("v")
    assert str(x[0]) == "Subtensor{int64}.0"
    assert str(x[1:3]) == "Subtensor{int64:int64:}.0"
    assert str(x[:, n, ::2]) == "Subtensor{::, int32, ::int64}.0"
    assert str(x[v]) == "AdvancedSubtensor1.0"
    assert str(x[:, v]) == "AdvancedSubtensor{::, TensorType(int64, vector)}.0"


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda x, n, v: x[1:n:2, n], "x[1:n1:2, int(n2)]"),
        (lambda x, n, v: x[-1], "x[-1]"),
        (lambda x, n, v: x[:, :, 1:], "x[:, :, 1:]"),
        (lambda x, n, v: x[1, :, :], "x[1]"),
        (lambda x, n, v: x[v], "x.take(v, axis=0)"),
        (lambda x, n, v: x[:, v], "x.take(v, axis=1)"),
        (lambda x, n, v: x[v, v], "x[v1, v2]"),
    ],
)
def test_source(make: Any, text: str) -> None:
    x, n, v = T.tensor3("x"), T.lscalar("n"), T.lvector("v")
    node = make(x, n, v).owner
    names: list[str] = []
    for i in node.inputs:
        base = str(i) if i.owner is None and i.name else "c"
        names.append(base if sum(j is i for j in node.inputs) == 1 else f"{base}{names_of(names, base) + 1}")
    assert node.op.array(node, lambda t, d=None: t, *names) == text


def names_of(names: list[str], base: str) -> int:
    return sum(name.startswith(base) for name in names)


def test_loop_rule() -> None:
    """The element at an index, where the place in x is known when compiling."""
    x = tensor_type("float64", (6, 5))()
    part = x[-1, 4:0:-2]

    def read(variable: Any, place: Any) -> Any:
        return variable, [str(p) for p in place]

    def element(part: Any) -> Any:
        return part.owner.op.loop(part.owner, read, tuple(map(coordinate, "ij"[: part.ndim])))

    assert element(part) == (x, ["5", "i * -2 + 4"])
    y = T.matrix("y")
    assert element(y[2:, ::3]) == (y, ["i + 2", "j * 3"])
    assert element(y[0]) is None  # whether the row exists is known at run time only
    assert element(y[T.lscalar() :]) is None


def test_get_idx_list() -> None:
    x, n = T.matrix("x"), T.lscalar("n")
    node = x[n, 1:].owner
    first, second = get_idx_list(node.inputs, node.op.idx_list)
    assert first is n and int(second.start.data) == 1 and second.stop is None
    assert get_idx_list(node.inputs, node.op.idx_list, get_count=True)[1] == 2


def test_canonical_slices() -> None:
    values = [None, *range(-5, 6)]
    for n in range(4):
        for start in values:
            for stop in values:
                for step in (None, 1, 2, -1, -2):
                    one, direction = get_canonical_form_slice(slice(start, stop, step), n)
                    assert 0 <= one.start <= one.stop <= max(n, one.stop) and one.step > 0
                    got = list(range(n))[one][::direction]
                    assert got == list(range(n))[start:stop:step], (n, start, stop, step, one)


def test_canonical_slices_of_variables() -> None:
    a, b, c, n = (T.lscalar(k) for k in "abcn")
    one, direction = get_canonical_form_slice(slice(a, b, c), n)
    outs = [one.start, one.stop, one.step, direction]
    for start, stop, step in [(0, 3, 1), (-1, -5, -2), (4, 0, -1), (2, 2, 3), (7, -9, -3)]:
        env = {a: np.asarray(start), b: np.asarray(stop), c: np.asarray(step), n: np.asarray(5)}
        i, j, k, d = map(int, evaluate(outs, env))
        assert list(range(5))[i:j:k][::d] == list(range(5))[start:stop:step]


# -- functions -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_take(mode: str, axis: int | None) -> None:
    array = np.arange(12.0).reshape(3, 4)
    x, i = T.dmatrix("x"), T.lmatrix("i")
    indices = np.array([[0, 2], [1, -1]]) if mode == "raise" else np.array([[0, 12], [-13, 5]])
    (value,) = evaluate([take(x, i, axis, mode)], {x: array, i: indices})
    np.testing.assert_array_equal(value, np.take(array, indices, axis, mode=mode))
    (value,) = evaluate([take(x, 1, axis, mode)], {x: array})
    np.testing.assert_array_equal(value, np.take(array, 1, axis, mode=mode))


def test_nonzero() -> None:
    array = np.array([[0.0, 1.5, 0.0], [2.0, 0.0, 3.0]])
    x = T.dmatrix("x")
    rows, columns = nonzero(x)
    found = evaluate([rows, columns, nonzero(x, True), flatnonzero(x), nonzero_values(x), x[nonzero(x)]], {x: array})
    np.testing.assert_array_equal(found[:2], np.nonzero(array))
    np.testing.assert_array_equal(found[2], np.nonzero(array))
    np.testing.assert_array_equal(found[3], np.flatnonzero(array))
    np.testing.assert_array_equal(found[4], array[array != 0])
    np.testing.assert_array_equal(found[5], array[array != 0])
    assert rows.type == tensor_type("int64", (None,))
    with pytest.raises(ValueError, match="non-scalar"):
        nonzero(T.dscalar())


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_choose(mode: str) -> None:
    a = np.array([[0, 1, 2], [2, 1, 0]]) + (0 if mode == "raise" else 2)
    choices = [np.arange(3.0), np.full((2, 1), 10.0), np.arange(6.0).reshape(2, 3) + 20]
    x, c = T.lmatrix("a"), [T.dvector(), T.dcol(), T.dmatrix()]
    (value,) = evaluate([choose(x, c, mode=mode)], {x: a, **dict(zip(c, choices, strict=True))})
    np.testing.assert_array_equal(value, np.choose(a, choices, mode=mode))
    stacked, table = T.dmatrix(), np.arange(9.0).reshape(3, 3)
    (value,) = evaluate([choose(x, stacked, mode=mode)], {x: a, stacked: table})
    np.testing.assert_array_equal(value, np.choose(a, table, mode=mode))
    if mode == "raise":
        with pytest.raises(ValueError, match="invalid entry"):
            evaluate([choose(x, stacked)], {x: a + 1, stacked: table})


def test_index_of_an_array_and_of_a_list_of_variables() -> None:
    i, j = T.lscalar("i"), T.lscalar("j")
    array = np.arange(6.0).reshape(3, 2)
    part = index(array, [i, j])
    np.testing.assert_array_equal(evaluate([part], {i: np.asarray(2), j: np.asarray(0)})[0], array[[2, 0]])


def test_empty_keys() -> None:
    x = T.dmatrix("x")
    array = np.ones((2, 3))
    for key in [(), ..., [], np.zeros((0,), int)]:
        np.testing.assert_array_equal(evaluate([index(x, key)], {x: array})[0], array[key])


def test_a_list_of_slices_is_a_tuple() -> None:
    x, array = T.dtensor3("x"), np.arange(60.0).reshape(3, 4, 5)
    (value,) = evaluate([index(x, [slice(1, -1)] * 3)], {x: array})
    np.testing.assert_array_equal(value, array[1:-1, 1:-1, 1:-1])
