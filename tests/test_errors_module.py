"""The exception classes have Theano's bases; messages say what is known and no more; context keeps the exception."""

from __future__ import annotations

import doctest
import pickle
from typing import Any

import numpy as np
import pytest

from symtheano import errors
from symtheano.errors import add_context, explain

BASES: dict[str, type[BaseException]] = {
    "UnusedInputError": Exception,
    "MissingInputError": Exception,
    "AliasedMemoryError": Exception,
    "InconsistencyError": Exception,
    "CachedConstantError": Exception,
    "ProtocolError": Exception,
    "MethodNotDefined": Exception,
    "ContextNotDefined": ValueError,
    "DisconnectedInputError": ValueError,
    "NullTypeGradError": TypeError,
    "GradientError": Exception,
    "AsTensorError": TypeError,
    "NotScalarConstantError": Exception,
    "EmptyConstantError": errors.NotScalarConstantError,
    "AxisError": IndexError,
    "ShapeError": Exception,
    "ShapeMismatchError": ValueError,
    "AdvancedIndexingError": TypeError,
    "AdvancedBooleanIndexingError": TypeError,
    "ComplexError": NotImplementedError,
    "IntegerDivisionError": Exception,
    "CompileError": RuntimeError,
    "RewriteError": errors.CompileError,
    "CheckError": errors.CompileError,
    "ReplacementDidntRemovedError": Exception,
    "SupportCodeError": Exception,
    "TheanoConfigWarning": Warning,
    "DebugModeError": Exception,
    "BadThunkOutput": errors.DebugModeError,
    "BadOptimization": errors.DebugModeError,
    "BadDestroyMap": errors.DebugModeError,
    "BadViewMap": errors.DebugModeError,
    "StochasticOrder": errors.DebugModeError,
    "InvalidValueError": errors.DebugModeError,
}


def test_the_table_above_is_all_there_is() -> None:
    assert set(BASES) | {"add_context", "explain"} == set(errors.__all__)


@pytest.mark.parametrize("name", BASES)
def test_base_and_docstring(name: str) -> None:
    cls = getattr(errors, name)
    assert cls.__bases__[-1] is BASES[name]
    assert cls.__doc__


# ------------------------------------------------------------------------------------------------------------ explain


def test_the_example_in_the_docstring() -> None:
    assert doctest.testmod(errors).failed == 0


def test_only_what_is_known_is_said() -> None:
    assert explain("It failed.") == "It failed."
    assert explain("It failed.", where="a.py:1") == "It failed.\n  written at: a.py:1"


def test_the_order_is_problem_operation_operands_expression_place_remedy() -> None:
    text = explain("P", operation="O", operands=["a", "b"], expression="E", where="W", remedy="R")
    assert text.splitlines() == [
        "P", "  operation: O", "  operands:", "    a", "    b", "  expression: E", "  written at: W", "  what to do: R",
    ]  # fmt: skip


def test_a_text_of_several_lines_is_indented_under_its_label() -> None:
    text = explain("P", expression="add\n |x\n |y")
    assert text == "P\n  expression:\n    add\n     |x\n     |y"


def test_an_operand_stays_on_its_line() -> None:
    assert explain("P", operands=["x:\n  matrix"]) == "P\n  operands:\n    x: matrix"


@pytest.mark.parametrize("count", [3, 18, 19, 20, 200])
@pytest.mark.parametrize("depth", [0, 1, 5, 300])
def test_the_message_stays_within_25_lines_and_keeps_both_ends(count: int, depth: int) -> None:
    operands = [f"x{i}: vector" for i in range(count)]
    expression = "\n".join(f"line{i}" for i in range(depth))
    text = explain("P", operation="O", operands=operands, expression=expression, where="W", remedy="R")
    lines = text.splitlines()
    assert len(lines) <= 25
    assert lines[0] == "P" and lines[-1] == "  what to do: R"
    assert "    x0: vector" in lines
    if count == 200:
        assert "    x199: vector" in lines
        assert "more operands" in text
    if count + 3 + max(depth, 1) + 3 <= 25:
        assert "more" not in text


def test_the_number_of_missing_operands_is_right() -> None:
    operands = [f"x{i}" for i in range(100)]
    lines = explain("P", operands=operands, max_lines=12).splitlines()
    shown = sum(line.startswith("    x") for line in lines)
    assert f"    ... {100 - shown} more operands ..." in lines
    assert len(lines) == 12


# -------------------------------------------------------------------------------------------------------- add_context


class Exotic(Exception):
    """A client's class with a constructor of its own and a text of its own."""

    def __init__(self, code: int, *, reason: str) -> None:
        super().__init__(code)
        self.code, self.reason = code, reason

    def __str__(self) -> str:
        return f"code {self.code}: {self.reason}"


class Rude(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def visible(exc: BaseException) -> str:
    return "\n".join([errors._shown(exc), *getattr(exc, "__notes__", ())])


@pytest.mark.parametrize("cls", [ValueError, TypeError, NotImplementedError, errors.ShapeError, np.linalg.LinAlgError])
def test_an_ordinary_exception_gets_a_longer_message(cls: type[Exception]) -> None:
    before = cls("shapes differ")
    after = add_context(before, "Step: dot(x, y)")
    assert type(after) is cls
    assert str(after) == after.args[0] == "shapes differ\nStep: dot(x, y)"
    assert not hasattr(after, "__notes__")


@pytest.mark.parametrize(
    "exc",
    [
        ValueError(),
        ValueError(3),
        KeyError("k"),
        OSError(2, "No such file", "f"),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        np.exceptions.AxisError(3, 2),
        Exotic(4, reason="odd"),
        Rude(),
        ImportError("gone", name="m"),
        errors.GradientError(0, 1, (2,), 1.0, 2.0, 1.0, 0.5, 1e-4, 1e-4),
        errors.MissingInputError("x is missing", variable="x"),
        SyntaxError("bad", ("f", 1, 2, "text")),
        Exception("a", "b"),
    ],
    ids=lambda exc: type(exc).__name__,
)
def test_any_exception_keeps_class_and_state_and_shows_the_text(exc: Any) -> None:
    state = dict(vars(exc))
    first = exc.args[:1]
    before = errors._shown(exc)
    after = add_context(exc, "Step: 3")
    assert type(after) is type(exc)
    assert "Step: 3" in visible(after)
    assert visible(after).startswith(before)
    assert str(after.args[0]).startswith(str(first[0])) if first else True
    assert {key: value for key, value in vars(after).items() if key != "__notes__"} == state


def test_what_the_class_keeps_besides_its_message_stays() -> None:
    missing = OSError(2, "No such file", "f")
    assert add_context(missing, "Step").errno == 2
    assert add_context(ImportError("gone", name="m"), "Step").name == "m"
    assert add_context(KeyError("k"), "Step").args == ("k",)


def test_the_same_text_is_added_once_and_others_accumulate() -> None:
    exc = ValueError("a")
    for text in ("inner", "outer", "inner"):
        add_context(exc, text)
    assert str(exc) == "a\ninner\nouter"
    key = KeyError("k")
    for _ in range(2):
        add_context(key, "inner")
    assert key.__notes__ == ["inner"]


def test_the_traceback_is_kept() -> None:
    def fail() -> None:
        raise ValueError("deep")

    def step() -> None:
        try:
            fail()
        except ValueError as exc:
            raise add_context(exc, "Step") from None

    with pytest.raises(ValueError, match="deep\nStep") as caught:
        step()
    assert caught.traceback[-1].name == "fail"


# --------------------------------------------------------------------------------- classes with arguments of their own


def test_gradient_error_says_where_and_by_how_much() -> None:
    error = errors.GradientError(1, 7, (2, 4), 0.5, 0.75, 0.25, 1 / 3, 1e-4, 1e-4)
    for part in ("argument 1", "position 7", "(2, 4)", "0.5", "0.75", "0.25", "0.333"):
        assert part in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.abs_err) == (str(error), error.abs_err)


def test_bad_optimization_and_invalid_value() -> None:
    bad = errors.BadOptimization("x", "y", 1.0, 2.0, "local_rule", old_graph="old", new_graph="new")
    for part in ("local_rule", "x = 1.0", "y = 2.0", "old", "new"):
        assert part in str(bad)
    invalid = errors.InvalidValueError("x", np.zeros((2, 3), "float32"), "dot", specific_hint="Not finite.")
    for part in ("(2, 3)", "float32", "dot", "Not finite."):
        assert part in str(invalid)
    for error in (bad, invalid):
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_missing_input_remembers_the_variable() -> None:
    assert errors.MissingInputError("x is missing", variable="x").variable == "x"


def test_config_warning_points_at_the_caller_of_its_caller() -> None:
    with pytest.warns(errors.TheanoConfigWarning, match="ignored"):
        errors.TheanoConfigWarning.warn("ignored")
