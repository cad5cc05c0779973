"""theano.scan_module: its modules, and the helpers of scan_utils."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symtheano as theano
import symtheano.tensor as T
from symtheano.interop import alias, scan_utils
from symtheano.scan.frontend import scan, until
from symtheano.scan.op import Scan
from symtheano.scan.views import foldl


def test_modules() -> None:
    package = alias.module("theano.scan_module")
    assert package.scan is scan is alias.module("theano").scan is alias.module("theano.scan_module.scan").scan
    assert package.until is until is alias.module("theano.scan_module.scan_utils").until
    assert package.scan_op.Scan is Scan
    assert package.scan_views.foldl is foldl is package.foldl is theano.foldl
    assert package.scan_checkpoints is theano.scan_checkpoints
    utils = package.scan_utils
    assert utils.clone is theano.clone and utils.safe_new is scan_utils.safe_new
    x, y = T.dscalars("x", "y")
    assert utils.equal_computations([x + 1], [x + 1]) and not utils.equal_computations([x + 1], [y + 1])
    assert theano.scan_module.scan_op.Scan is Scan  # type: ignore[attr-defined]


def test_expand_empty() -> None:
    x = T.drow("x")
    assert scan_utils.expand_empty(x, 0) is x
    n = T.lscalar("n")
    got = theano.function([x, n], scan_utils.expand_empty(T.unbroadcast(x, 0), n))([[1.0, 2.0]], 3)
    assert got.shape == (4, 2)
    np.testing.assert_array_equal(got[0], [1, 2])


def test_safe_new() -> None:
    x = T.dvector("x")
    x.tag.role = "weight"
    new = scan_utils.safe_new(x, "_copy")
    assert new is not x and new.type == x.type and new.name == "x_copy" and new.tag.role == "weight"
    assert new.tag is not x.tag
    assert scan_utils.safe_new(x, dtype="float32").type == T.fvector
    assert scan_utils.safe_new(np.ones(2)).type == T.dvector
    constant = scan_utils.safe_new(T.constant(np.arange(3)), dtype="float32")
    assert constant.type == T.fvector and constant.data.tolist() == [0, 1, 2]
    assert scan_utils.safe_new(x + 1).name is None


@pytest.mark.parametrize(
    ("value", "expected"), [(None, True), (np.nan, True), (np.inf, True), (3, False), (0.5, False)]
)
def test_is_nan_or_inf_or_none(value: Any, expected: bool) -> None:
    assert scan_utils.isNaN_or_Inf_or_None(value) is expected
    if value is not None:
        assert scan_utils.isNaN_or_Inf_or_None(T.constant(value)) is expected
    assert not scan_utils.isNaN_or_Inf_or_None(T.dscalar())


def test_get_updates_and_outputs() -> None:
    a, x = theano.shared(0.0), T.dscalar("x")
    condition, outputs, updates = scan_utils.get_updates_and_outputs((x, {a: x}, until(x > 1)))
    assert outputs == [x] and updates == {a: x} and condition.owner is not None
    assert scan_utils.get_updates_and_outputs([x, x]) == (None, [x, x], {})


def test_traverse() -> None:
    x, y, z = T.dscalars("x", "y", "z")
    assert scan_utils.traverse(x + y, x, z, {}) == {x: z}
    assert scan_utils.traverse(x + y, z, x, {y: x}) == {y: x}


def replacement(v: Any) -> Any:
    return getattr(v.tag, "replacement", v)


def test_map_variables_of_a_plain_graph() -> None:
    a, b, c = T.dscalars("a", "b", "c")
    total = a + b
    total.tag.replacement = a * b
    results = scan_utils.map_variables(replacement, [total + c, total])
    f = theano.function([a, b, c], results, on_unused_input="ignore")
    assert [float(v) for v in f(3, 4, 5)] == [17, 12]
    a.tag.replacement = c  # an input; what replaced the sum is not looked into
    (result,) = scan_utils.map_variables(replacement, [a * 2])
    assert result.eval({c: 5.0}) == 10


def test_map_variables_in_the_step_of_a_loop() -> None:
    """A replacement brings variables into the step that were not there: they become inputs of the loop."""
    x, outer, shared = T.dvector("x"), T.dscalar("outer"), theano.shared(1.0, "shared")
    one = outer * (shared + T.constant(1))  # 0.5 * 2

    def step(x: Any, a: Any) -> Any:
        r = a + x
        r.tag.replacement = one * (a - x)
        return r

    s, _ = theano.scan(step, x, np.float64(0))
    plain = one * s
    (replaced,) = scan_utils.map_variables(replacement, [plain])
    f = theano.function([x, outer], [plain, one * replaced])
    np.testing.assert_array_equal(f([1.0, 2.0, 3.0], 0.5), [[1, 3, 6], [-1, -3, -6]])
    (same,) = scan_utils.map_variables(lambda v: v, [s])
    assert same is s


def test_map_variables_in_nested_loops_with_updates_and_a_condition() -> None:
    x, w, n = T.dmatrix("x"), T.dscalar("w"), theano.shared(0, "n")

    def inner(e: Any, s: Any) -> Any:
        r = s + e
        r.tag.replacement = s + w * e
        return r

    def outer(row: Any) -> Any:
        total = theano.scan(inner, row, np.float64(0))[0][-1]
        return total, {n: n + 1}, until(total > 100)

    totals, updates = theano.scan(outer, x)
    mapped = scan_utils.map_variables(replacement, [totals, updates[n]])
    f = theano.function([x, w], [totals, *mapped])
    got = f([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], 20.0)
    np.testing.assert_array_equal(got[0], [3, 7, 11])
    np.testing.assert_array_equal(got[1], [60, 140])
    assert got[2] == 2
