"""Odd functions, inverse pairs, error functions near their limits, bits, and lengths known through other variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

import symtheano.tensor as T
from symtheano.compile.rules.match import constant_value
from symtheano.compile.rules.shape import has_length, source_length
from symtheano.errors import ShapeMismatchError
from symtheano.gradient import grad
from symtheano.graph.fgraph import FunctionGraph
from symtheano.tensor.sizes import origin
from tests.rules.rewriting import rewritten, rewritten_ops, values

v, w = T.dvectors("v", "w")
x, y = T.dmatrices("x", "y")
NUMBERS = np.array([-30.0, -6.0, -1.0, -1e-9, 0.0, 1e-9, 0.3, 6.0, 30.0])


@pytest.mark.parametrize(
    ("build", "exact"),
    [
        (lambda u: 1 + T.erf(u), lambda a: special.erfc(-a)),
        (lambda u: T.erf(u) - 1, lambda a: -special.erfc(a)),
        (lambda u: -1 + T.erf(-u), lambda a: -special.erfc(-a)),
        (lambda u: 1 - T.erf(-u), lambda a: special.erfc(-a)),
        (lambda u: T.erfc(u) - 1, lambda a: -special.erf(a)),
        (lambda u: -1 + T.erfc(-u), special.erf),
        (lambda u: 1 - T.erfc(u), special.erf),
    ],
)
def test_error_functions_keep_their_digits(build: Any, exact: Any) -> None:
    (value,) = values([v], [build(v)], [NUMBERS])
    np.testing.assert_allclose(value, exact(NUMBERS), rtol=1e-14)


@pytest.mark.parametrize("scale", [1.0, 2.0, -3.0])
def test_gradient_of_the_logarithm_of_erfc(scale: float) -> None:
    at = np.array([-1e20, -30.0, -1.0, 0.0, 1.0, 30.0, 1e20])
    (g,) = values([v], [grad(T.log(T.erfc(scale * v)).sum(), v)], [at])
    np.testing.assert_allclose(g, -scale * 2 / np.sqrt(np.pi) / special.erfcx(scale * at), rtol=1e-13)


def test_quotients_by_absolute_values_are_signs() -> None:
    for build in (v / abs(v), 4 * v / abs(2 * v), -v / abs(-3 * v), (w * v) / abs(v), 0.5 * abs(-2 * v) / v):
        graph = rewritten([v, w], [build])
        assert "abs" not in str(graph) or "true_div" in str(graph)
    (value,) = values([v], [4 * v / abs(2 * v)], [np.array([0.0, -1e-300, 1e-300, -3.0])])
    np.testing.assert_array_equal(value, [0, -2, 2, -2])
    (g,) = values([v], [grad(abs(3 * v).sum(), v)], [np.array([0.0, -2.0, 2.0])])
    np.testing.assert_array_equal(g, [0, -3, 3])


def test_functions_meet_their_inverses() -> None:
    z = T.zmatrix("z")
    assert rewritten_ops([v], T.rad2deg(T.deg2rad(v))) == rewritten_ops([v], T.deg2rad(T.rad2deg(v))) == []
    assert rewritten_ops([z], T.conj(T.conj(z))) == []
    (value,) = values([v], [T.arccosh(T.cosh(v))], [np.array([-800.0, -1e-9, 0.0, 3.0])])
    np.testing.assert_array_equal(value, [800.0, 1e-9, 0.0, 3.0])


def test_signs_leave_odd_functions() -> None:
    for function in (T.sin, T.tan, T.tanh, T.sinh, T.arcsinh, T.arctan, T.erf, T.sgn):
        name = rewritten_ops([v], function(v))
        assert rewritten_ops([v], -function(-v)) == name
        assert len(rewritten([v], [function(v), function(-v)]).nodes) == 2
    z = T.zvector("z")
    assert rewritten_ops([z], T.sin(-z)) == ["neg", "sin"]  # complex numbers are left alone


def test_zero_divided_as_integers() -> None:
    i = T.ivector("i")
    for quotient in (0 // i, T.int_div(0, v)):
        variable = i if quotient.type.dtype == "int32" else v
        assert "int_div" not in rewritten_ops([variable], quotient)
        (value,) = values([variable], [quotient], [np.array([0, 1, -2], variable.type.dtype)])
        np.testing.assert_array_equal(value, [0, 0, 0])


def test_bits() -> None:
    b, i = T.TensorType("bool", [False])("b"), T.bvector("i")
    yes, no = np.array(True), np.array(False)
    for same in (b & yes, b | no, b & b, b | b, b ^ no, ~~b, T.xor(T.xor(b, yes), yes)):
        assert rewritten_ops([b], same) == [], same
    assert rewritten_ops([b], b ^ yes) == ["invert"]
    for known, expected in ((b & no, False), (b | yes, True), (b ^ b, False)):
        assert rewritten_ops([b], known) == ["Shape_i", "Alloc"]
        (value,) = values([b], [known], [np.array([True, False])])
        assert value.dtype == bool and (value == expected).all() and value.shape == (2,)
    assert rewritten_ops([i], i & -1) == rewritten_ops([i], i | 0) == []
    assert "and_" in rewritten_ops([i], i & 1)
    u = T.TensorType("uint8", [False])("u")
    assert rewritten_ops([u], T.and_(u, np.array(255, "uint8"))) == []


def test_comparisons_turned_around() -> None:
    i = T.ivector("i")
    assert "neq" in rewritten_ops([v, w], ~T.eq(v, w)) and "eq" in rewritten_ops([v, w], ~T.neq(v, w))
    assert "ge" in rewritten_ops([i], ~T.lt(i, 3))
    assert "invert" in rewritten_ops([v], ~T.lt(v, 3))  # nan is neither
    for never in (T.lt(v, v), T.gt(v, v)):
        (value,) = values([v], [never], [np.array([0.0, np.nan, np.inf])])
        assert not value.any()
    assert "le" in rewritten_ops([v], T.le(v, v))  # false for nan only


# -- what is known of lengths ------------------------------------------------------------------------------------------


def test_lengths_come_from_the_oldest_variable() -> None:
    graph = FunctionGraph([x], [T.exp(x + 1).T, x.shape[0]])
    transposed, rows = graph.outputs
    assert source_length(transposed, 1) == (graph.inputs[0], 0)
    assert has_length(transposed, 1, origin(rows)) and not has_length(transposed, 0, origin(rows))
    assert not has_length(transposed, 0, None)


@pytest.mark.parametrize(
    "build",
    [
        lambda: T.exp(x)[0 : x.shape[0]],
        lambda: T.exp(x)[:, : x.shape[1]],
        lambda: T.alloc(T.exp(x), *x.shape),
        lambda: T.exp(x).reshape(x.shape),
        lambda: T.set_subtensor(T.exp(y)[:], T.specify_shape(T.exp(x), y.shape)),
    ],
)
def test_what_has_the_length_already_is_left_out(build: Any) -> None:
    left = set(rewritten_ops([x, y], build())) - {"exp", "Shape_i", "MakeVector", "SpecifyShape"}
    assert not left


def test_tiling_once_and_reshaping_what_was_padded() -> None:
    assert rewritten_ops([v], T.tile(v, (1,))) == []
    assert rewritten_ops([x], x.dimshuffle(0, "x", 1, "x").reshape((-1, 4))).count("Reshape") == 1
    assert "DimShuffle" not in str(rewritten([x], [x.dimshuffle(0, "x", 1).reshape((2, 6))]))
    (value,) = values([x], [x.T.reshape((-1,))], [np.arange(6.0).reshape(2, 3)])
    np.testing.assert_array_equal(value, [0, 3, 1, 4, 2, 5])


def test_writing_to_all_checks_lengths() -> None:
    whole = T.set_subtensor(x[:], y)
    (value,) = values([x, y], [whole], [np.zeros((2, 3)), np.ones((2, 3))])
    np.testing.assert_array_equal(value, np.ones((2, 3)))
    for shape in ((3, 3), (1, 3), (2, 1)):
        with pytest.raises((ShapeMismatchError, ValueError)):
            values([x, y], [whole], [np.zeros((2, 3)), np.ones(shape)])


def test_allocs_of_allocs_keep_their_checks() -> None:
    n = T.lscalar("n")
    merged = rewritten([v, n], [T.alloc(T.alloc(v, 1, n), 3, n)])
    assert [type(node.op).__name__ for node in merged.nodes].count("Alloc") == 1
    (value,) = values([v, n], [T.alloc(T.alloc(v, 1, n), 3, n)], [np.arange(2.0), np.array(2)])
    np.testing.assert_array_equal(value, [[0, 1]] * 3)
    kept = T.alloc(T.alloc(v, 1), 3)  # v has length 1 at run time, its type does not say so
    (value,) = values([v], [kept], [np.array([7.0])])
    np.testing.assert_array_equal(value, [7, 7, 7])


def test_allocs_that_vary_are_left_out_where_their_lengths_are_known() -> None:
    known = T.exp(x) + T.alloc(v, x.shape[0], v.shape[0])
    assert "Alloc" not in rewritten_ops([x, v], known)
    checked = x + T.alloc(v, 3, 2)
    (value,) = values([x, v], [checked], [np.ones((3, 2)), np.arange(2.0)])
    np.testing.assert_array_equal(value, [[1, 2]] * 3)
    with pytest.raises(ValueError):
        values([x, v], [checked], [np.ones((4, 2)), np.arange(2.0)])


def test_vectors_of_scalars_and_joins() -> None:
    a, b, c = T.dscalars("a", "b", "c")
    assert rewritten_ops([a, b, c], T.stack([a, b, c])[[2, 0]]) == ["MakeVector"]
    (value,) = values([a, b, c], [T.stack([a, b, c])[[2, 0, -1]]], [np.array(1.0), np.array(2.0), np.array(3.0)])
    np.testing.assert_array_equal(value, [3, 1, 3])
    graph = rewritten([v, w], [T.concatenate([v, np.zeros(0), w])])
    assert len(graph.nodes[-1].inputs) == 3
    f = T.fvector("f")
    joined = T.concatenate([f, np.zeros(0)])  # the empty piece makes the result float64
    assert values([f], [joined], [np.ones(2, "float32")])[0].dtype == "float64"


def test_arrays_of_one_number_are_numbers() -> None:
    assert constant_value(T.constant(np.ones((3, 4)))) == 1
    assert constant_value(T.constant(np.array([1.0, 2.0, 1.0]))) is None
    assert constant_value(T.constant(np.full(3, np.nan))) is None
    assert constant_value(T.constant(np.zeros((0, 2)))) is None
    assert "expm1" in rewritten_ops([x], T.exp(x) - np.ones((4, 3)))
    (value,) = values([x], [T.exp(x) - np.ones((2, 2))], [np.full((2, 2), 1e-12)])
    np.testing.assert_allclose(value, np.full((2, 2), 1e-12), rtol=1e-11)
    (value,) = values([v], [v * np.zeros((2, 3)) + 1], [np.arange(3.0)])
    np.testing.assert_array_equal(value, np.ones((2, 3)))
