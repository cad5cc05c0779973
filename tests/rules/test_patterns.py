"""The matcher of equations: order, repetition, broadcasting, dtypes, conditions; and the normal form it leads to."""

from __future__ import annotations

import numpy as np
import pytest

import symtheano.tensor as T
from symtheano.compile.rules import all_rules
from symtheano.compile.rules.match import constant_value, is_constant
from symtheano.compile.rules.pattern import Rule, formula, wild
from symtheano.graph.fgraph import FunctionGraph
from symtheano.graph.interpret import interpret
from symtheano.tensor.elemwise import functions as m
from tests.rules.rewriting import ops, rewritten_ops

x, y = wild("x"), wild("y")
LOG1P = Rule("log1p", m.log(1 + x), m.log1p(x), domain=x > -1)


def apply(rule: Rule, inputs: list[object], output: object) -> FunctionGraph:
    return FunctionGraph(inputs, [output]).rewrite([rule])  # type: ignore[list-item, arg-type]


def test_a_constant_matches_through_broadcasting_and_in_any_order() -> None:
    v = T.matrix("v")
    for output in (T.log(1 + v), T.log(v + 1.0), T.log(v + np.ones((1, 1))), T.log(T.add(v, T.ones_like(v)))):
        assert "log1p" in ops(apply(LOG1P, [v], output))
    assert "log1p" not in ops(apply(LOG1P, [v], T.log(v + 2)))


def test_one_wildcard_takes_what_the_others_leave() -> None:
    a, b = T.vectors("a", "b")
    assert ops(apply(LOG1P, [a, b], T.log(T.add(a, 1, b)))) == ["DimShuffle", "add", "log1p"][1:]


def test_a_repeated_wildcard_is_one_variable() -> None:
    a, b = T.vectors("a", "b")
    rule = Rule("sub_self", x - x, m.second(x, 0), differs="nan")
    assert "sub" not in ops(apply(rule, [a], T.exp(a) - T.exp(a)))
    assert "sub" in ops(apply(rule, [a, b], a - b))


def test_the_result_has_the_type_that_was_there() -> None:
    a, row = T.fmatrix("a"), T.frow("row")
    graph = apply(Rule("mul_zero", x * 0, m.second(x, 0), differs="nan"), [a, row], (row * 0.0) * a)
    assert graph.outputs[0].type == (row * a).type
    graph = apply(LOG1P, [a], T.log(a + np.float64(1)))
    assert graph.outputs[0].type.dtype == "float64"  # and computed in it
    (value,) = interpret(graph, [np.full((1, 1), 1e-9, "float32")])
    np.testing.assert_allclose(value, np.log1p(np.float64(np.float32(1e-9))), 1e-15)


def test_integers_wrap_and_so_their_rules_stay_shallow() -> None:
    a, b = T.bvector("a"), T.wvector("b")
    rule = Rule("add_neg", x + (-y), x - y, kinds="any")
    assert "neg" in ops(apply(rule, [a, b], b + (-a)))  # -a is computed in int8
    c = T.bvector("c")
    assert "neg" not in ops(apply(rule, [a, c], c + (-a)))
    assert "log1p" not in ops(apply(LOG1P, [a], T.log(1 + a)))


def test_a_condition_must_be_known() -> None:
    a = T.vector("a")
    rule = Rule("sqr_sqrt", m.sqr(m.sqrt(x)), x, requires=x >= 0)
    assert "sqrt" in ops(apply(rule, [a], T.sqr(T.sqrt(a))))
    assert "sqrt" not in ops(apply(rule, [a], T.sqr(T.sqrt(T.exp(a)))))


def test_what_a_pattern_must_not_be() -> None:
    with pytest.raises(ValueError, match="must be an expression"):
        Rule("nothing", x, x + 0)
    with pytest.raises(ValueError, match="occurs on the right side only"):
        Rule("unbound", m.exp(x), y)


def test_text() -> None:
    assert LOG1P.statement == "log(1 + x) -> log1p(x)"
    assert formula((x + y) * x - x / (y * 2)) == "(x + y) * x - x / (y * 2)"
    assert formula(x - (y - x)) == "x - (y - x)"
    assert "log1p" in repr(LOG1P)
    assert all(rule.name for rule in all_rules())


def test_constant_value() -> None:
    v = T.matrix("v")
    assert constant_value(T.alloc(2.5, v.shape[0], 3)) == 2.5
    assert constant_value(T.second(v, T.ones_like(v))) == 1
    assert constant_value(v) is None
    assert constant_value(T.constant(np.array([1.0, 2.0]))) is None
    assert is_constant(T.zeros_like(v), 0)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda v: T.neg(-v) * 1 + 0, []),
        (lambda v: v * v, ["sqr"]),
        (lambda v: v**2 + v**1 * 0, ["sqr"]),
        (lambda v: v**0.5, ["sqrt"]),
        (lambda v: v + v, ["mul"]),
        (lambda v: 2 * (3 * v), ["mul"]),
        (lambda v: 1 + (v + 2), ["add"]),
        (lambda v: -(v * 3), ["mul"]),
        (lambda v: v / 4, ["mul"]),
        (lambda v: (v * 3) / v, ["Shape_i", "Alloc"]),
        (lambda v: T.log(T.exp(v)), []),
        (lambda v: abs(-v), ["abs_"]),
        (lambda v: T.maximum(T.exp(v), 0), ["exp"]),
        (lambda v: T.floor(T.floor(v)), ["floor"]),
        (lambda v: T.switch(T.constant(1), v, v + 1), []),
        (lambda v: T.ones_like(v) * v, []),
        (lambda v: T.cast(T.cast(v, "float64"), "float64"), []),
        (lambda v: v[:][0:], []),
        (lambda v: T.exp(-T.nnet.softplus(v)), ["neg", "sigmoid"]),
        (lambda v: T.clip(v, -1, 1), ["maximum", "minimum"]),
        (lambda v: 0.5 * (v + abs(v)), ["maximum"]),
        (lambda v: (-v).sum(), ["Sum", "neg"]),
        (lambda v: (v * 2.5).sum(), ["Sum", "mul"]),
        (lambda v: T.grad(T.sqr(v).sum(), v), ["mul"]),
    ],
)
def test_normal_forms(build, expected) -> None:  # type: ignore[no-untyped-def]
    v = T.dvector("v")
    assert rewritten_ops([v], build(v)) == expected
