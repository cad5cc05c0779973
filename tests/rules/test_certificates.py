"""Every rule holds its certificate, wrong rules do not get one, and docs/rules.md is of these rules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symtheano.compile.certify import Certificate, certify
from symtheano.compile.rules import NAMES, all_rules
from symtheano.compile.rules.example import on
from symtheano.compile.rules.pattern import Rule, wild
from symtheano.graph.rule import FunctionRule, rule
from symtheano.graph.variable import Apply
from symtheano.tensor.elemwise import functions as m

x, y = wild("x"), wild("y")
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "rules.md"


@pytest.mark.parametrize("each", all_rules(), ids=NAMES)
def test_every_rule_is_certified(each: Any) -> None:
    certificate = certify(each)
    assert certificate.holds, "\n".join(certificate.problems)
    assert certificate.points


def refused(each: Any) -> Certificate:
    certificate = certify(each)
    assert not certificate.holds
    return certificate


def test_wrong_equations_are_refuted() -> None:
    certificate = refused(Rule("log_of_product", m.log(x * y), m.log(x) + m.log(y)))
    assert "not proved" in certificate.symbolic
    assert any("the left side is" in problem for problem in certificate.problems)
    refused(Rule("root_of_square", m.sqrt(m.sqr(x)), x))
    refused(Rule("half_a_tanh", m.tanh(x), m.sigmoid(x)))
    refused(Rule("sinus", m.sin(x), x, unproved="it is wrong"))


def test_right_equations_that_lose_accuracy_are_refuted() -> None:
    certificate = refused(Rule("worse", m.expm1(x), m.exp(x) - 1))
    assert "not proved" not in certificate.symbolic
    assert any("less accurate" in problem for problem in certificate.problems)
    refused(Rule("overflows", m.softplus(x), m.log(1 + m.exp(x))))


def test_a_domain_makes_an_equation_right() -> None:
    assert certify(Rule("log_of_product", m.log(x * y), m.log(x) + m.log(y), requires=(x > 0, y > 0), margin=1e9,
                        differs="x * y may overflow or underflow")).holds  # fmt: skip
    assert certify(
        Rule("root_of_square", m.sqrt(m.sqr(x)), x, requires=x >= 0, differs="the square may overflow")
    ).holds


def test_an_unproved_equation_needs_a_reason() -> None:
    assert "does not say why" in refused(Rule("arctanh", m.arctanh(m.tanh(x)), x, differs="rounding")).problems[0]


def test_a_function_that_changes_values_is_refuted() -> None:
    @rule(m.add, examples=[on(lambda a, b: a + b, 1, 1)])
    def forgets(node: Apply) -> list[Any] | None:
        """x + y -> x."""
        return [node.inputs[0]]

    assert "becomes" in refused(forgets).problems[0]


def test_a_function_without_a_good_example_is_refuted() -> None:
    @rule(m.add, examples=[on(lambda a, b: a * b, 1, 1)])
    def never(node: Apply) -> list[Any] | None:
        """x + y -> nothing."""
        return None

    assert "does not fire" in refused(never).problems[0]
    never.examples = ()
    assert "no example" in refused(never).problems[0]


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES) > 100


def test_accuracy_is_gained_where_it_is_claimed() -> None:
    """Stability rules do not only move the problem: their maximal error is a few ulp."""
    by_name = {r.name: r for r in all_rules()}
    for name in ("log_sigmoid", "log_one_plus_exp", "log1p", "expm1", "log_one_minus_sigmoid", "log_erfc"):
        for accuracy in certify(by_name[name]).accuracy.values():
            assert accuracy.rhs[1] < 4 <= accuracy.lhs[1] + 4
            assert np.isfinite(accuracy.rhs[1])


def test_the_document_is_of_these_rules() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    named = re.findall(r"^(?:\| |- \*\*)(\w+)(?: \||\*\*)", text, re.MULTILINE)
    assert [n for n in named if n != "rule"] == sorted(NAMES, key=named.index), "run `make docs`"
    for each in all_rules():
        statement = " ".join(each.doc.split()) if isinstance(each, FunctionRule) else each.statement
        assert statement.replace("|", "\\|") in text or statement in text, f"run `make docs`: {each.name}"
