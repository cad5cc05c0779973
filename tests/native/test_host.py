"""The host program: authors' ops between regions of machine code, their errors, and what is overwritten."""

from __future__ import annotations

import contextvars
import traceback
from typing import Any

import numpy as np
import pytest

import symtheano as st
import symtheano.tensor as T
from symtheano.errors import ShapeMismatchError

NATIVE = st.Mode(target="native")
caller = contextvars.ContextVar("caller", default="nobody")


class Noted(st.Op):
    """Twice its argument; it notes its calls, and raises what it is told to."""

    __props__ = ()

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.problem: Exception | None = None

    def make_node(self, x: Any) -> Any:
        x = T.as_tensor_variable(x)
        return st.Apply(self, [x], [x.type()])

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        self.calls.append(caller.get())
        if self.problem is not None:
            raise self.problem
        output_storage[0][0] = inputs[0] * 2


class First(Noted):
    """Its argument but for the first element: other memory of the same array."""

    view_map = {0: [0]}

    def perform(self, node: Any, inputs: Any, output_storage: Any) -> None:
        self.calls.append(caller.get())
        output_storage[0][0] = inputs[0][1:]


def step(op: Any) -> tuple[Any, Any]:
    """A function of a matrix and places: machine code, the op, machine code that overwrites `w`; and `w`."""
    x, i, w = T.dmatrix("x"), T.lvector("i"), st.shared(np.arange(3.0), "w")
    y = op(T.exp(x)[i] + T.nnet.softmax(x))
    return st.function([x, i], T.tanh(y).sum(), updates=[(w, w * x.sum() + y[0])], mode=NATIVE), w


X, PLACES = np.ones((3, 3)), np.arange(3)


def parts(f: Any) -> list[str]:
    """What the lines of the host program are."""
    text = f.source("host")
    return [word for word in ("region0", "p0", "region1") if f"{word}(" in text]


def test_the_op_stands_between_two_regions() -> None:
    op = Noted()
    f, w = step(op)
    assert parts(f) == ["region0", "p0", "region1"]
    y = 2 * (np.e + 1 / 3)
    np.testing.assert_allclose(f(X, PLACES), 9 * np.tanh(y))
    np.testing.assert_allclose(w.get_value(), 9 * np.arange(3.0) + y)
    assert op.calls == ["nobody"]


def test_an_error_is_explained_where_it_was_raised() -> None:
    op = Noted()
    f, w = step(op)
    op.problem = LookupError("not found")
    with pytest.raises(LookupError, match="not found") as caught:
        f(X, PLACES)
    assert len(op.calls) == 1
    assert w.get_value().tolist() == [0, 1, 2]
    text = str(caught.value)
    for part in (
        *("This happened in Noted, while a compiled function ran", "shape (3, 3), strides (24, 8)"),
        *("Noted((exp(x)[i] + softmax(x, axis=-1)))", "test_host.py", "what to do: correct Noted.perform"),
    ):
        assert part in text
    assert caught.value.__context__ is None
    assert ", = p0(" in "".join(traceback.format_tb(caught.value.__traceback__))
    op.problem = None
    f(X, PLACES)
    assert len(op.calls) == 2 and w.get_value().tolist() != [0, 1, 2]


def test_errors_read_as_those_of_the_numpy_program() -> None:
    texts = []
    for target in ("native", "numpy"):
        op = Noted()
        x, i = T.dmatrix("x"), T.lvector("i")
        f = st.function([x, i], T.tanh(op(T.exp(x)[i] + T.nnet.softmax(x))).sum(), mode=st.Mode(target=target))
        op.problem = ValueError("no")
        found = []
        for arguments in ((X, PLACES), (X, PLACES + 1), (X, np.arange(2))):
            with pytest.raises((ValueError, IndexError)) as caught:
                f(*arguments)
            found.append(str(caught.value))
        texts.append(found)
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ((X, np.array([0, 1, 3])), IndexError, "exp(x)[i]"),
        ((X, np.arange(2)), ShapeMismatchError, "(exp(x)[i] + softmax(x, axis=-1))"),
        ((np.ones((3, 2)), PLACES), ShapeMismatchError, "w"),
    ],
)
def test_what_machine_code_refuses_changes_nothing(arguments: Any, kind: Any, text: str) -> None:
    op = Noted()
    f, w = step(op)
    with pytest.raises(kind) as caught:
        f(*arguments)
    assert text in str(caught.value) and "This happened in" in str(caught.value)
    assert w.get_value().tolist() == [0, 1, 2]


def test_the_op_sees_the_callers_context() -> None:
    op = Noted()
    f, _ = step(op)
    context = contextvars.copy_context()
    context.run(caller.set, "somebody")
    context.run(f, X, PLACES)
    f(X.tolist(), list(PLACES))
    assert op.calls == ["somebody", "nobody"]


def test_memory_that_is_overwritten_is_not_what_others_read() -> None:
    op = First()
    s, x = st.shared(np.arange(4.0), "s"), T.dvector("x")
    rest = op(s)
    f = st.function([x], [rest, T.exp(rest)], updates=[(s, s * 2 + x)], mode=NATIVE)
    held = s.get_value(borrow=True)
    for k in range(3):
        old = s.get_value()
        given, powers = f(np.ones(4))
        np.testing.assert_array_equal(given, old[1:])
        np.testing.assert_allclose(powers, np.exp(old[1:]))
        np.testing.assert_array_equal(s.get_value(), 2 * old + 1)
        assert len(op.calls) == k + 1  # the NumPy program was not needed
    assert s.get_value(borrow=True) is held


@pytest.mark.parametrize(
    "way", ["an argument", "a view of it", "another shared variable", "read-only", "columns first"]
)
def test_shared_arrays_as_they_come(way: str) -> None:
    """Arrays that machine code cannot overwrite where they lie: others take their place, and the op runs once."""
    op, array = Noted(), np.arange(12.0).reshape(3, 4)
    if way == "columns first":
        array = array.T.copy().T
    array.flags.writeable = way != "read-only"
    s, other, x = st.shared(array, "s", borrow=True), st.shared(np.ones((3, 4)), "other"), T.dmatrix("x")
    if way == "another shared variable":
        other.set_value(array, borrow=True)
    f = st.function([x], op(x + other).sum(), updates=[(s, s * 2 + x + other)], mode=NATIVE)
    for _ in range(2):
        argument = np.full((3, 4), 3.0)
        if way in ("an argument", "a view of it"):
            held: Any = s.get_value(borrow=True)
            argument = held if way == "an argument" else held[:]
        old = [v.copy() for v in (s.get_value(), other.get_value(), argument)]
        assert f(argument) == 2 * (old[2] + old[1]).sum()
        np.testing.assert_array_equal(s.get_value(), 2 * old[0] + old[2] + old[1])
        if way != "another shared variable":  # who lends one array twice sees it change twice
            np.testing.assert_array_equal(other.get_value(), old[1])
    assert len(op.calls) == 2
