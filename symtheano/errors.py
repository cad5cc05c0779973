"""Every exception symtheano raises, and the one function that writes their messages.

The classes carry Theano's names and bases, so ``except theano.gradient.DisconnectedInputError`` and
``except ValueError`` in a client go on working; where Theano kept them is the aliases' business, not this file's.

A message answers the user's questions in this order: what is wrong, in which operation, with which operands (names,
types, all shapes), in which expression, on which of *my* lines, and what to do about it. ``explain`` writes it.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

__all__ = [
    "AdvancedBooleanIndexingError",
    "AdvancedIndexingError",
    "AliasedMemoryError",
    "AsTensorError",
    "AxisError",
    "BadDestroyMap",
    "BadOptimization",
    "BadThunkOutput",
    "BadViewMap",
    "CachedConstantError",
    "CheckError",
    "CompileError",
    "ComplexError",
    "ContextNotDefined",
    "DebugModeError",
    "DisconnectedInputError",
    "EmptyConstantError",
    "GradientError",
    "InconsistencyError",
    "IntegerDivisionError",
    "InvalidValueError",
    "MethodNotDefined",
    "MissingInputError",
    "NotScalarConstantError",
    "NullTypeGradError",
    "ProtocolError",
    "ReplacementDidntRemovedError",
    "RewriteError",
    "ShapeError",
    "ShapeMismatchError",
    "StochasticOrder",
    "SupportCodeError",
    "TheanoConfigWarning",
    "UnusedInputError",
    "add_context",
    "explain",
]

E = TypeVar("E", bound=BaseException)

MAX_LINES = 25  # the longest message, unless the caller asks for more
FEWEST_OPERANDS = 4  # ... but never fewer operand lines than this

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
user_line: Callable[[], object] | None = None  # installed by symtheano.graph.trace: the user's line that runs now


# ---------------------------------------------------------------------------------------------------------- messages


def explain(
    problem: str,
    *,
    operation: str = "",
    operands: Sequence[str] = (),
    expression: str = "",
    where: str | None = "",
    remedy: str = "",
    max_lines: int = MAX_LINES,
) -> str:
    """The text of an error: the problem on the first line, then the facts that are known, one a line.

    where: the user's line; inside this package "" stands for the line that is running now, None for no line.

    >>> print(explain("The shapes do not agree.", operation="dot", operands=["x: matrix (2, 3)", "y: matrix (4, 5)"],
    ...               where="model.py:12", remedy="Transpose y."))
    The shapes do not agree.
      operation: dot
      operands:
        x: matrix (2, 3)
        y: matrix (4, 5)
      written at: model.py:12
      what to do: Transpose y.

    A text of several lines is indented under its label. A long list of operands, or a long expression, is cut in the
    middle so that the whole stays within ``max_lines``.
    """
    if where == "" and user_line is not None and sys._getframe(1).f_code.co_filename.startswith(PACKAGE):
        where = str(user_line() or "")
    head = [*problem.strip().splitlines(), *_field("operation", operation)]
    tail = [*_field("written at", where or ""), *_field("what to do", remedy)]
    room = max_lines - len(head) - len(tail)
    shown = _operand_lines(operands)
    formula = _field("expression", expression)
    if len(shown) + len(formula) > room:  # share what there is: half to the expression at most
        formula = _elide(formula, max(FEWEST_OPERANDS, room - len(shown), room // 2), "lines")
        shown = _elide(shown, max(FEWEST_OPERANDS + 1, room - len(formula)), "operands")
    return "\n".join([*head, *shown, *formula, *tail])


def _field(label: str, text: str) -> list[str]:
    lines = text.strip().splitlines()
    if len(lines) < 2:
        return [f"  {label}: {line}" for line in lines]
    return [f"  {label}:", *(f"    {line}" for line in lines)]


def _operand_lines(operands: Sequence[str]) -> list[str]:
    if not operands:
        return []
    return ["  operands:", *("    " + " ".join(operand.split()) for operand in operands)]


def _elide(lines: list[str], room: int, what: str) -> list[str]:
    """At most ``room`` of the lines: the first ones and the last, and how many are missing between them."""
    if len(lines) <= room:
        return lines
    keep = room - 1
    first = keep - keep // 3
    missing = len(lines) - keep
    return [*lines[:first], f"    ... {missing} more {what} ...", *lines[len(lines) - keep // 3 :]]


def add_context(exc: E, text: str) -> E:
    """The same exception with ``text`` below its message, for a step of a compiled function that fails.

    The class and whatever else the exception carries stay as they were, and its own words come first: a client that
    catches ``ValueError``, or looks at ``exc.args[0]``, sees no difference but a longer text. Some classes do not show
    their first argument as it is (``KeyError`` quotes it, ``OSError`` shows its errno, others compute their text):
    those get the text as a note, which Python prints below the message.

    Use it as ``raise add_context(exc, text)``. Adding the same text again changes nothing.
    """
    if text in _shown(exc) or text in getattr(exc, "__notes__", ()):
        return exc
    before = exc.args
    if len(before) <= 1 and not isinstance(exc, KeyError):
        exc.args = (f"{before[0]}\n{text}" if before else text,)
        if text in _shown(exc):
            return exc
        exc.args = before
    exc.add_note(text)
    return exc


def _shown(exc: BaseException) -> str:
    try:
        return str(exc)
    except Exception:  # a client's class, whose __str__ may do anything
        return ""


# ------------------------------------------------------------------------------------------- building and calling


class UnusedInputError(Exception):
    """An input of ``function`` is not needed for any output, or is given twice."""


class MissingInputError(Exception):
    """A value that the outputs depend on is neither an input, nor shared, nor constant, nor computed from those."""

    def __init__(self, *args: object, variable: Any = None) -> None:
        super().__init__(*args)
        self.variable = variable


class AliasedMemoryError(Exception):
    """Two values that must not share memory do."""


class InconsistencyError(Exception):
    """A graph breaks a rule that every graph must keep."""


class CachedConstantError(Exception):
    """A constant that other graphs use was put into a graph that may change it."""


class ProtocolError(Exception):
    """A listener of a graph was told things in an order that cannot be."""


class MethodNotDefined(Exception):
    """An optional method of an Op's interface is not defined."""


class ContextNotDefined(ValueError):
    """No device goes by that name."""


# ----------------------------------------------------------------------------------------------------- derivatives


class DisconnectedInputError(ValueError):
    """A gradient was asked with respect to a variable that the cost does not depend on."""


class NullTypeGradError(TypeError):
    """A gradient was asked that is mathematically undefined, or that an Op declares it does not implement."""


class GradientError(Exception):
    """``verify_grad``: a symbolic gradient and the measured one differ. The arguments say where and by how much."""

    def __init__(
        self,
        arg: int,
        err_pos: int,
        shape: tuple[int, ...],
        val1: float,
        val2: float,
        abs_err: float,
        rel_err: float,
        abs_tol: float,
        rel_tol: float,
    ) -> None:
        super().__init__(arg, err_pos, shape, val1, val2, abs_err, rel_err, abs_tol, rel_tol)
        self.arg = arg
        self.err_pos = err_pos
        self.shape = shape
        self.val1 = val1
        self.val2 = val2
        self.abs_err = abs_err
        self.rel_err = rel_err
        self.abs_tol = abs_tol
        self.rel_tol = rel_tol

    def __str__(self) -> str:
        return explain(
            "The gradient differs from finite differences.",
            where=None,
            operands=[
                f"argument {self.arg}, position {self.err_pos} of the flattened array of shape {self.shape}",
                f"symbolic gradient:  {self.val1:.9g}",
                f"finite differences: {self.val2:.9g}",
                f"absolute error: {self.abs_err:.3g}, tolerance {self.abs_tol:.3g}",
                f"relative error: {self.rel_err:.3g}, tolerance {self.rel_tol:.3g}",
            ],
            remedy="Correct the Op's gradient; or, where the function has a kink or the dtype few digits, "
            "choose another point, or pass abs_tol, rel_tol or eps.",
        )


# ----------------------------------------------------------------------------------------------------- tensors


class AsTensorError(TypeError):
    """A value cannot be made a tensor variable."""


class NotScalarConstantError(Exception):
    """A scalar constant was wanted, and the variable is not known to be one."""


class EmptyConstantError(NotScalarConstantError):
    """A scalar constant was wanted, and the variable is an array without elements."""


class AxisError(ValueError, IndexError):
    """There is no such axis. Theano raised a ValueError in some functions, an IndexError in others; NumPy's is both."""


class ValueConversionError(TypeError, ValueError):
    """A value cannot become an array of numbers. Theano's classes: TypeError, or ValueError for text, nan and lists
    of lists of different lengths."""


class ValueRangeError(ValueConversionError, OverflowError):
    """A float beyond the range of the integers it should become (Theano raised an OverflowError)."""


class ShapeMismatchError(ValueError):
    """The shapes of operands do not agree (numpy and Theano raise ValueError here)."""


class BatchSizeError(ShapeMismatchError, TypeError):
    """Batches of different sizes; Theano raised a TypeError."""


class LoopStateError(ValueError, TypeError):
    """A step of scan returns another type than its initial state has. Theano raised a ValueError or a TypeError."""


class ShapeError(Exception):
    """A shape could not be computed."""


class AdvancedIndexingError(TypeError):
    """An index is of the advanced kind where only basic ones are allowed."""


class AdvancedBooleanIndexingError(TypeError):
    """An index holds a boolean mask where none is allowed."""


class ComplexError(TypeError, NotImplementedError):
    """A complex operand where only real ones have a meaning (Theano's class was a NotImplementedError)."""


class IntegerDivisionError(Exception):
    """``x / y`` of integers while ``config.int_division`` is 'raise'."""


# ----------------------------------------------------------------------------------------------------- the compiler


class CompileError(RuntimeError):
    """The compiler could not turn the graph into a program. Never the user's mistake: those have their own classes."""


class RewriteError(CompileError):
    """A rule failed, or what it returned does not fit in the place of what it replaces."""


class CheckError(CompileError):
    """A graph, program or kernel breaks a rule of its own language: ``config.check_programs`` found a compiler bug."""


class ReplacementDidntRemovedError(Exception):
    """A replacement was to remove a variable from the graph, and the variable is still there."""


class SupportCodeError(Exception):
    """An Op needs support code where it cannot have it."""


class TheanoConfigWarning(Warning):
    """A setting is ignored, and why."""

    @classmethod
    def warn(cls, message: str, stacklevel: int = 0) -> None:
        warnings.warn(message, cls, stacklevel=stacklevel + 3)


# ----------------------------------------------------------------------------------------------------- DebugMode


class DebugModeError(Exception):
    """DebugMode found an Op or a rule that does not do what it says."""


class BadThunkOutput(DebugModeError):
    """Two ways to compute the same value give different ones."""


class BadOptimization(DebugModeError):
    """A rule replaced a variable by one that has another value."""

    def __init__(
        self,
        old_r: Any,
        new_r: Any = None,
        old_r_val: Any = None,
        new_r_val: Any = None,
        reason: Any = None,
        old_graph: str = "",
        new_graph: str = "",
    ) -> None:
        super().__init__(old_r, new_r, old_r_val, new_r_val, reason, old_graph, new_graph)
        self.old_r = old_r
        self.new_r = new_r
        self.old_r_val = old_r_val
        self.new_r_val = new_r_val
        self.reason = reason
        self.old_graph = old_graph
        self.new_graph = new_graph

    def __str__(self) -> str:
        return explain(
            "A rule replaced a variable by one that has another value.",
            where=None,
            operation=f"rule {self.reason}" if self.reason is not None else "",
            operands=[f"before: {self.old_r} = {self.old_r_val}", f"after: {self.new_r} = {self.new_r_val}"],
            expression="\n".join(part for part in (self.old_graph, self.new_graph) if part),
            remedy="Correct the rule, or leave it out with mode.excluding(name).",
        )


class BadDestroyMap(DebugModeError):
    """An Op changed an input that its ``destroy_map`` does not name."""


class BadViewMap(DebugModeError):
    """An Op's output shares memory with an input that its ``view_map`` does not name."""


class StochasticOrder(DebugModeError):
    """Compiling the same graph twice gave two programs."""


class InvalidValueError(DebugModeError):
    """An Op gave a value that its output's type does not allow."""

    def __init__(
        self, r: Any, v: Any = None, client_node: Any = None, hint: str = "none", specific_hint: str = "none"
    ) -> None:
        super().__init__(r, v, client_node, hint, specific_hint)
        self.r = r
        self.v = v
        self.client_node = client_node
        self.hint = hint
        self.specific_hint = specific_hint

    def __str__(self) -> str:
        hints = [hint for hint in (self.hint, self.specific_hint) if hint and hint != "none"]
        return explain(
            "A value is not one that its variable's type allows.",
            where=None,
            operation=f"input of {self.client_node}" if self.client_node is not None else "",
            operands=[
                f"variable {self.r}, type {getattr(self.r, 'type', 'unknown')}",
                f"value of type {type(self.v).__name__}, dtype {getattr(self.v, 'dtype', 'none')}, "
                f"shape {getattr(self.v, 'shape', 'none')}",
            ],
            remedy=" ".join(hints),
        )
