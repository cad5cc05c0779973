"""Ops that give their input on: ViewOp, DeepCopyOp, Print, PdbBreakpoint, Raise; and Assert beside them."""

from __future__ import annotations

import pdb
import pickle
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.tensor.assertion import Assert, assert_op
from symtheano.tensor.passing import PdbBreakpoint, Print, Raise, deep_copy_op, view_op


def test_a_view_is_gone_from_the_compiled_function() -> None:
    x = T.dvector("x")
    f = st.function([x], T.log(1 + view_op(T.exp(x))))
    assert not any(n.op == view_op for n in f.maker.fgraph.toposort())
    assert np.isfinite(f([1000.0])).all()  # log(1 + exp(x)) is seen through it


def test_a_subclass_of_tensorvariable_owned_by_a_view() -> None:
    class Free(T.TensorVariable):  # type: ignore[misc]
        def __init__(self, x: Any):
            super().__init__(x.type, None, None, "free")
            st.Apply(view_op, inputs=[x], outputs=[self])

    x = T.dscalar("x")
    free: Any = Free(x)
    assert free.owner.op is view_op and str(free) == "free"
    assert float(st.grad(free**2, x).eval({x: 3.0})) == 6.0


def test_views_and_copies_of_any_type() -> None:
    g = st.generic("g")
    value = [1, [2]]
    for op in (view_op, deep_copy_op):
        (out,) = st.function([g], [op(g)])(value)
        assert out == value
    assert st.function([g], deep_copy_op(g))(value)[1] is not value[1]


def test_print(capsys: pytest.CaptureFixture[str]) -> None:
    x = T.dvector("x")
    y = Print("x is", attrs=("__str__", "shape", "min"))(x)
    f = st.function([x], y * 2)
    assert f([3.0, 4.0]).tolist() == [6.0, 8.0]
    assert capsys.readouterr().out == "x is __str__ = [3. 4.]\nx is shape = (2,)\nx is min = 3.0\n"
    f([1.0])
    assert "[1.]" in capsys.readouterr().out  # each call


def test_print_stays_and_blocks_rules() -> None:
    x = T.dvector("x")
    ops = [str(n.op) for n in st.function([x], T.log(1 + Print()(T.exp(x)))).maker.fgraph.toposort()]
    assert any(op.startswith("Print") for op in ops) and "Elemwise{softplus,no_inplace}" not in ops
    shape = st.function([x], Print("not needed")(x).shape)
    assert not any(isinstance(n.op, Print) for n in shape.maker.fgraph.toposort())


def test_print_calls_global_fn_and_constants_are_printed_each_time() -> None:
    seen: list[Any] = []
    out = Print("c", global_fn=lambda op, v: seen.append((op.message, float(v))))(T.constant(2.0))
    f = st.function([], out + 1)
    assert (float(f()), float(f())) == (3.0, 3.0) and seen == [("c", 2.0)] * 2


def test_print_has_a_gradient_and_pickles() -> None:
    x = T.dscalar("x")
    op = pickle.loads(pickle.dumps(Print("m", attrs=["shape"])))
    assert op == Print("m", attrs=("shape",)) and op.view_map == {0: [0]}
    assert float(st.grad(op(x) ** 2, x).eval({x: 2.0})) == 4.0


def test_breakpoint(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    stops: list[int] = []
    monkeypatch.setattr(pdb, "set_trace", lambda: stops.append(1))
    x, y = T.dvectors("x", "y")
    a, b = PdbBreakpoint("large")(T.gt(x.sum(), 10), x, y)
    f = st.function([x, y], [a * 2, b])
    assert f([1.0], [2.0])[0].tolist() == [2.0] and not stops
    assert [v.tolist() for v in f([11.0], [2.0])] == [[22.0], [2.0]] and stops == [1]
    assert "'large' was reached" in capsys.readouterr().out
    assert st.grad((a * b).sum(), x).eval({x: [1.0], y: [5.0]}).tolist() == [5.0]
    with pytest.raises(AssertionError, match="must be 0-d"):
        PdbBreakpoint("no")(x, y)


def test_raise() -> None:
    x = T.dscalar("x")
    with pytest.raises(KeyError, match="not here"):
        st.function([x], Raise("not here", KeyError)(x))(1.0)
    assert str(Raise("m", KeyError)) == "Raise{<class 'KeyError'>(m)}"


def test_assert() -> None:
    x = T.dvector("x")
    f = st.function([x], Assert("too short")(x, T.gt(x.shape[0], 1)) * 2)
    assert f([1.0, 2.0]).tolist() == [2.0, 4.0]
    with pytest.raises(AssertionError, match="too short"):
        f([1.0])
    assert st.grad(assert_op(x, T.all(x > 0)).sum(), x).eval({x: [1.0, 2.0]}).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("mode", ["FAST_RUN", "FAST_COMPILE"])
def test_an_assert_that_is_false_is_not_folded_away(mode: str) -> None:
    f = st.function([], Assert("never")(T.constant(1.0), T.constant(False)) + 1, mode=mode)
    with pytest.raises(AssertionError, match="never"):
        f()
