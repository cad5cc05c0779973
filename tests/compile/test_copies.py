"""Copies, deep copies and pickles of functions."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T

ROOT = Path(__file__).resolve().parents[2]


def accumulator(name: str = "total") -> tuple[Any, Any]:
    total, x = st.shared(0.0, name), T.dscalar("x")
    return st.function([x], total, updates=[(total, total + x)], name="add"), total


def test_a_copy_shares_variables_and_has_a_name_of_its_own() -> None:
    f, total = accumulator()
    g = f.copy()
    f(1.0)
    assert float(g(2.0)) == 1 and float(total.get_value()) == 3
    assert (f.name, g.name, f.copy(name="other").name, copy.copy(f).name) == ("add", "add copy", "other", "add")
    copy.copy(f)(4.0)
    assert float(total.get_value()) == 7


def test_swap() -> None:
    f, total = accumulator()
    other = st.shared(100.0, "other")
    g = f.copy(swap={total: other})
    assert float(g(1.0)) == 100 and float(f(5.0)) == 0
    assert (float(total.get_value()), float(other.get_value())) == (5, 101)
    assert g.get_shared() == [other] and float(g[other]) == 101


def test_swap_in_givens_and_default_updates() -> None:
    s, x = st.shared(np.arange(3.0), "s"), T.dvector("x")
    s.default_update = s * 2
    f = st.function([], x + 1, givens={x: s})
    other = st.shared(np.ones(2), "other")
    assert f.copy(swap={s: other})().tolist() == [2, 2]
    assert other.get_value().tolist() == [2, 2] and s.get_value().tolist() == [0, 1, 2]


def test_delete_updates() -> None:
    f, total = accumulator()
    g = f.copy(delete_updates=True)
    assert float(g(1.0)) == 0 and float(total.get_value()) == 0
    other = st.shared(7.0)
    assert float(f.copy(delete_updates=True, swap={total: other})(1.0)) == 7


def test_copies_have_states_of_their_own() -> None:
    x, n = T.dscalar("x"), T.dscalar("n")
    f = st.function([x, st.In(n, value=1.0, update=n + x)], n)
    f(1.0)
    g = f.copy()
    f(1.0)
    assert float(g[n]) == 2 and float(f[n]) == 3
    g(5.0)
    assert float(g[n]) == 7 and float(f[n]) == 3


def test_a_profile_of_its_own() -> None:
    x = T.dscalar("x")
    f = st.function([x], x * 2, profile=True)
    g = f.copy(profile=True)
    f(1.0)
    assert f.profile.fct_callcount == 1 and g.profile.fct_callcount == 0 and f.copy().profile is None


def test_deepcopy_has_values_of_its_own() -> None:
    f, total = accumulator()
    f(1.0)
    f.trust_input = True
    g = copy.deepcopy(f)
    assert g.trust_input
    f(np.asarray(1.0))
    assert float(g(np.asarray(10.0))) == 1 and float(total.get_value()) == 2


def test_deepcopy_together_with_the_shared_variable() -> None:
    f, total = accumulator()
    f2, total2 = copy.deepcopy((f, total))
    f2(3.0)
    assert (float(total2.get_value()), float(total.get_value())) == (3, 0)


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
def test_pickles(protocol: int) -> None:
    f, total = accumulator()
    f(1.0)
    f2 = pickle.loads(pickle.dumps(f, protocol))
    assert float(f2(5.0)) == 1 and float(f2(0.0)) == 6 and float(total.get_value()) == 1
    assert f2.name == "add"


def test_what_is_shared_stays_shared_inside_one_pickle() -> None:
    f, total = accumulator()
    x = T.dscalar("x")
    g = st.function([x], total * x)
    f2, g2, total2 = pickle.loads(pickle.dumps((f, g, total)))
    f2(3.0)
    assert float(g2(2.0)) == 6 and float(total2.get_value()) == 3 and float(g(2.0)) == 0
    total2.set_value(10.0)
    assert float(g2(1.0)) == 10 and f2.get_shared()[0] is total2


def test_a_pickle_keeps_all_options() -> None:
    x, y, n = T.dscalars("x", "y", "n")
    f = st.function(
        [x, st.In(y, value=2.0), st.In(n, value=0.0, update=n + 1, name="count")],
        {"sum": x + y + n, "twice": x * 2},
        mode="FAST_COMPILE",
        name="many",
    )
    f(1.0)
    f.trust_input = False
    g = pickle.loads(pickle.dumps(f))
    assert {k: float(v) for k, v in g(1.0).items()} == {"sum": 4, "twice": 2}
    assert float(g["count"]) == 2 and float(f["count"]) == 1
    assert g.maker.mode == st.FAST_COMPILE and g.output_keys == ["sum", "twice"]


def test_a_deep_graph_is_no_problem() -> None:
    x, w = T.dvector("x"), st.shared(np.full(3, 0.5), "w")
    y = x
    for _ in range(2500):
        y = T.tanh(y * w)
    f = st.function([x], y, updates=[(w, w + y)], mode=st.Mode(optimizer=None))
    g = pickle.loads(pickle.dumps(f))
    h = copy.deepcopy(f)
    value = np.ones(3)
    wanted = f(value)
    np.testing.assert_array_equal(g(value), wanted)
    np.testing.assert_array_equal(h(value), wanted)
    np.testing.assert_array_equal(g.get_shared()[0].get_value(), w.get_value())


def test_deep_expressions_pickle_too() -> None:
    x = T.dscalar("x")
    y = x
    for _ in range(5000):
        y = y + 1
    x2, y2 = pickle.loads(pickle.dumps((x, y)))
    assert float(y2.eval({x2: 0.0})) == 5000


def test_expressions_keep_names_tags_and_identity() -> None:
    x = T.dmatrix("x")
    w = st.shared(np.ones((2, 2)), "w")
    h = T.tanh(T.dot(x, w))
    h.name, h.tag.note = "h", "hidden"
    model = {"params": [w], "h": h, "cost": T.sum(h)}
    again = pickle.loads(pickle.dumps(model))
    assert again["h"].name == "h" and again["h"].tag.note == "hidden"
    assert again["cost"].owner.inputs[0] is again["h"]
    assert again["h"].owner.inputs[0].owner.inputs[1] is again["params"][0]
    x2 = again["h"].owner.inputs[0].owner.inputs[0]
    np.testing.assert_allclose(again["h"].eval({x2: np.ones((1, 2))}), np.tanh(2.0))


def test_a_pickle_is_read_by_another_process(tmp_path: Path) -> None:
    f, _ = accumulator()
    f(2.0)
    (tmp_path / "f.pkl").write_bytes(pickle.dumps(f))
    code = "import pickle, sys; f = pickle.load(open(sys.argv[1], 'rb')); print(float(f(1.0)), float(f(1.0)))"
    run = [sys.executable, "-c", code, str(tmp_path / "f.pkl")]
    assert subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split() == ["2.0", "3.0"]
